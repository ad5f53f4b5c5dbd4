"""Headroom: by how much international traffic could grow before an exit passes its target."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.scheme import Scheme

_PRECISION = 1e-3
_DIRECTION = {"international_out": "out", "international_in": "in"}


def headroom(strategy: Strategy, network: Network, demands: Demands, target: float) -> float:
    """Return the largest factor on international traffic with every exit at most at *target*.

    The strategy knows the demands and has time to act: what remains is what its scheme can do. A
    scheme with a ``utilisation_cap`` is asked to hold the target instead. What counts is what is
    asked for, of elastic services as well: that they would slow down is no room. Found in one step
    for routes that do not look at demand (loads are linear in it), else by bisection to 0.1 %.

    Parameters
    ----------
    network : Network
        As it stands, with what is down.
    target : float
        Utilisation of an exit direction.

    Returns
    -------
    float
        0 when even the smallest factor tried is too much; infinite when nothing uses the exits;
        NaN without exits.
    """
    return _Question(strategy, network, target).factor(demands)


class Headroom:
    """Headroom over a whole run: the least at any instant.

    Exact for routes that do not look at demand. For others the instants tried are those at which
    international traffic pressed hardest on the exits that stood, one for each state that the
    network was in.
    """

    def __init__(self, strategy: Strategy, demands: Demands, target: float) -> None:
        self._strategy, self._demands, self._target = strategy, demands, target
        self._questions: dict[int, _Question] = {}
        self._least = math.inf
        self._hardest: dict[int, tuple[float, np.ndarray]] = {}

    def see(self, network: Network, rates_gbps: np.ndarray) -> None:
        """Take note of instants (demands x instants) at which the network stood like this."""
        if not len(network.exits):
            self._least = math.nan
            return
        question = self._questions.setdefault(
            id(network), _Question(self._strategy, network, self._target)
        )
        if question.linear:
            self._least = min(self._least, question.linear_factor(self._demands, rates_gbps))
            return
        pressure = question.pressure(self._demands, rates_gbps)
        worst = int(np.argmax(pressure))
        if pressure[worst] > self._hardest.get(id(network), (-1.0,))[0]:
            self._hardest[id(network)] = (float(pressure[worst]), rates_gbps[:, worst].copy())

    def factor(self) -> float:
        """Return the least headroom of all instants noted."""
        least = self._least
        # The hardest first: what it leaves bounds the search of the others.
        for key, (_, rates) in sorted(self._hardest.items(), key=lambda item: -item[1][0]):
            demands = self._demands.with_gbps(rates)
            least = self._questions[key].factor(demands, at_most=least)
        return least


class _Question:
    """How much a strategy can grow on a network in one state."""

    def __init__(self, strategy: Strategy, network: Network, target: float) -> None:
        self._strategy, self._network, self._target = strategy, network, target
        self._method = strategy.scheme if strategy.is_static else _holding(strategy.scheme, target)
        self._rules = self._method if strategy.perfect_information else strategy.static_scheme
        methods = [self._rules, *([self._method] if strategy.has_controller else [])]
        self.linear = not any(method.demand_aware for method in methods)
        self._arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self._room = target * (network.capacity_gbps * network.up)[self._arcs]
        self._routes: Routes | None = None

    def _route(self, demands: Demands) -> Routes:
        routes = self._rules.route(self._network, demands)
        steered, part = self._strategy.steered(self._network, demands), self._strategy.steered_share
        if len(steered):
            seen, mine = steer(self._network, demands, steered, routes, part)
            upper = self._method.route(seen, mine).scaled(part)
            routes = upper.scattered(steered, len(demands)).with_fallback(routes)
        return routes

    def linear_factor(self, demands: Demands, rates_gbps: np.ndarray) -> float:
        """Least factor of some instants, for routes that do not look at demand."""
        if self._routes is None:
            self._routes = self._route(demands)
        grows = demands.of_class(INTERNATIONAL)[:, None]
        growing = self._routes.loads(np.where(grows, rates_gbps, 0.0))[self._arcs]
        fixed = self._routes.loads(np.where(grows, 0.0, rates_gbps))[self._arcs]
        used = growing > 0
        left = np.broadcast_to(self._room[:, None], growing.shape)[used] - fixed[used]
        return float(max((left / growing[used]).min(initial=math.inf), 0.0))

    def pressure(self, demands: Demands, rates_gbps: np.ndarray) -> np.ndarray:
        """International traffic over the target on all exits of its direction together."""
        room = self._network.capacity_gbps * self._network.up
        worst = np.zeros(rates_gbps.shape[1])
        for name, way in _DIRECTION.items():
            asked = demands.of_class(name).astype(float) @ rates_gbps
            total = self._target * float(room[self._network.exit_arcs[way]].sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                worst = np.maximum(worst, np.where(asked > 0, asked / total, 0.0))
        return worst

    def factor(self, demands: Demands, at_most: float = math.inf) -> float:
        """Largest factor that fits, if it is below *at_most*."""
        if not len(self._network.exits):
            return math.nan
        if self.linear:
            return min(at_most, self.linear_factor(demands, demands.gbps[:, None]))
        # No routing carries more than all exits of a direction together: often that is reached.
        pressure = float(self.pressure(demands, demands.gbps[:, None])[0])
        if pressure == 0:
            return at_most
        low, high = 0.0, min(at_most, (1.0 - _PRECISION / 2) / pressure)
        if high > 0 and self._fits(demands, high):
            return high
        while high - low > _PRECISION * high and high > 1e-6:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._fits(demands, middle) else (low, middle)
        return low

    def _fits(self, demands: Demands, factor: float) -> bool:
        grown = demands.scaled(factor, INTERNATIONAL)
        routes = self._route(grown)
        if routes.throttled is not None and routes.throttled @ grown.gbps > 1e-6 * grown.gbps.sum():
            return False  # room made by keeping traffic out is none
        loads = routes.loads(grown.gbps)[self._arcs]
        return bool(np.all(loads <= self._room * (1 + 1e-6)))


def _holding(scheme: Any, target: float) -> Scheme:
    """Return the scheme, asked to hold *target* where it has a cap to set."""
    if any(field.name == "utilisation_cap" for field in fields(scheme)):
        return replace(scheme, utilisation_cap=target)
    return scheme
