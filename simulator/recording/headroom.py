"""Headroom: by how much international traffic could grow before an exit passes its target."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from simulator.control.settled import acts_at_once, settled
from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.results.writer import Coded
from simulator.routing.scheme import Scheme

_PRECISION = 1e-3
_TOUCH = 1.0 + 1e-6
"""What a solver's tolerance makes of a limit that is reached."""
_DIRECTION = {"international_out": "out", "international_in": "in"}
_BUFFER = 8_000_000
"""Rates kept before they are looked at: 64 MB."""
_WITNESSES = 8
_PATIENCE = 4
"""Instants in a row without room to spare, after which none is looked for."""


class Limit(NamedTuple):
    """Where growth ends.

    Attributes
    ----------
    factor : float
        Headroom: 0 when even the smallest factor tried is too much, infinite when nothing uses the
        exits, NaN without exits.
    at_s : float
        When, in seconds from the start.
    binds : str
        Scope of the exit direction that reaches its target there: ``exit:ID:out`` or ``:in``.
    link : str
        Link that is no exit and full at a smaller factor; empty without one. What exits could hold
        does not get there.
    link_factor : float
        That factor.
    """

    factor: float
    at_s: float = math.nan
    binds: str = ""
    link: str = ""
    link_factor: float = math.nan

    def columns(self) -> dict[str, np.ndarray | Coded]:
        """Return a row of the table ``headroom``."""
        return {
            "factor": np.array([self.factor]),
            "binds": Coded.of(np.array([self.binds], dtype=object)),
            "at_h": np.array([self.at_s / 3600.0]),
            "link": Coded.of(np.array([self.link], dtype=object)),
            "link_factor": np.array([self.link_factor]),
        }


def headroom(
    strategy: Strategy,
    network: Network,
    demands: Demands,
    target: float,
    streams: Streams | None = None,
) -> float:
    """Return the largest factor on international traffic with every exit at most at *target*.

    Static routes stay as they were planned for these demands. A controller knows the demands and
    has up to fifty cycles to act: what remains is what it can really do, with its coverage, pieces,
    caps on moves, hysteresis and announcements that go astray. A scheme with a ``utilisation_cap``
    is asked to hold the target instead. What counts is what is asked for, of elastic services as
    well: that they would slow down is no room. Found in one step for routes that do not look at
    demand (loads are linear in it), else by bisection to 0.1 %.

    Parameters
    ----------
    network : Network
        As it stands, with what is down.
    target : float
        Utilisation of an exit direction.
    streams : Streams, optional
        Random streams by which announcements go astray; those of seed 0 when left out.

    Returns
    -------
    float
        0 when even the smallest factor tried is too much; infinite when nothing uses the exits;
        NaN without exits.
    """
    found = Headroom(strategy, demands, target, streams)
    found.see(network, demands.gbps[:, None])
    return found.factor()


class Headroom:
    """Headroom over a whole run: the least of all instants, in every state of the network.

    Parameters
    ----------
    demands : Demands
        Base demands, with the planning window: what static routes are planned for.
    target : float
        Utilisation of an exit direction.
    streams : Streams, optional
        Those of the replication; of seed 0 when left out.
    lands : bool
        Whether neighbours abroad choose where inbound traffic lands. Then what counts of it is the
        load of the inward exits as it was: all of it grows alike, and nothing is announced anew.
    """

    def __init__(
        self,
        strategy: Strategy,
        demands: Demands,
        target: float,
        streams: Streams | None = None,
        *,
        lands: bool = False,
    ) -> None:
        self._strategy, self._demands, self._target = strategy, demands, target
        self._lands = demands.of_class("international_in") if lands else None
        if lands and strategy.has_controller:
            steers = tuple(each for each in strategy.control.steers if each != "international_in")
            control = replace(strategy.control, announcements=None, steers=steers)
            self._strategy = replace(strategy, control=control)
        self._streams = streams or Streams(0, 0)
        self._questions: dict[int, _Question] = {}
        self._seen: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._kept = 0
        self._limit = Limit(math.inf)

    def see(
        self,
        network: Network,
        rates_gbps: np.ndarray,
        start_s: np.ndarray | None = None,
        utilisation: np.ndarray | None = None,
    ) -> None:
        """Take note of instants (demands x instants) at which the network stood like this.

        *utilisation* is that of every arc (arcs x instants): needed where inbound traffic lands by
        itself.
        """
        if id(network) not in self._questions:
            self._questions[id(network)] = _Question(
                self._strategy, network, self._demands, self._target, self._streams
            )
        start_s = np.zeros(rates_gbps.shape[1]) if start_s is None else start_s
        if self._lands is not None and utilisation is not None:
            self._limit = self._landed(network, utilisation, start_s)
            rates_gbps = np.where(self._lands[:, None], 0.0, rates_gbps)
        self._seen.setdefault(id(network), []).append((rates_gbps, start_s))
        self._kept += rates_gbps.size
        if self._kept > _BUFFER:
            self._look()

    def _landed(self, network: Network, utilisation: np.ndarray, start_s: np.ndarray) -> Limit:
        """Return the limit, or a lower one that inbound traffic puts where it lands."""
        arcs = network.exit_arcs["in"]
        at = np.nan_to_num(utilisation[arcs], nan=0.0)
        if not at.max(initial=0.0) > 0:
            return self._limit
        place, instant = np.unravel_index(np.argmax(at), at.shape)
        factor = self._target / float(at[place, instant])
        if factor >= self._limit.factor:
            return self._limit
        scope = f"exit:{network.links[arcs[place] // 2]}:in"
        return Limit(factor, float(start_s[instant]), scope)

    def factor(self) -> float:
        """Return the least headroom of all instants noted."""
        return self.limit().factor

    def limit(self) -> Limit:
        """Return the least headroom of all instants noted, and what ends it."""
        self._look()
        return self._limit

    def _look(self) -> None:
        """Look at the instants that are kept, and forget them."""
        seen, self._seen, self._kept = self._seen, {}, 0
        asked = [(self._questions[key], *_joined(parts)) for key, parts in seen.items()]
        # The hardest first: what it leaves bounds the search of the others.
        for question, rates, start_s in sorted(asked, key=lambda each: -each[0].hardest(each[1])):
            self._limit = question.least(rates, start_s, self._limit)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    rates, start_s = zip(*parts, strict=True)
    return np.concatenate(rates, axis=1), np.concatenate(start_s)


class _Question:
    """How much a strategy can grow on a network in one state."""

    def __init__(
        self,
        strategy: Strategy,
        network: Network,
        demands: Demands,
        target: float,
        streams: Streams,
    ) -> None:
        self._network, self._demands, self._streams = network, demands, streams
        self._target = target
        scheme = strategy.scheme if strategy.is_static else _holding(strategy.scheme, target)
        self._strategy = replace(strategy, scheme=scheme)
        static = scheme if strategy.perfect_information else strategy.static_scheme
        self._static = static if strategy.perfect_information else _Once(static)
        plain = acts_at_once(strategy) and getattr(strategy.control, "pieces", None) is None
        self.linear = strategy.is_static or (plain and not scheme.demand_aware)
        self._arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self._ways = np.repeat(["out", "in"], [len(network.exit_arcs[w]) for w in ("out", "in")])
        capacity = network.capacity_gbps * network.up
        self._room = capacity.copy()  # links that are no exit may be full
        self._room[self._arcs] *= target
        self._inner = np.ones(len(capacity), dtype=bool)
        self._inner[self._arcs] = False
        self._grows = demands.of_class(INTERNATIONAL)
        promised = scheme.limits(network, target) if plain else None
        if promised is not None and np.any(promised[self._arcs] > target):
            promised = None
        self._promised = None if promised is None else promised * capacity * _TOUCH
        self._witnesses: list[Routes] = []
        self._last: Routes | None = None  # where to start from

    # -- the least of many instants ---------------------------------------------------------------

    def least(self, rates: np.ndarray, start_s: np.ndarray, limit: Limit) -> Limit:
        """Return the limit, or a lower one that some of these instants put."""
        if not len(self._network.exits):
            return Limit(math.nan)
        if self.linear:
            return self._least_of_linear(rates, start_s, limit)
        held, in_vain = self._held(rates, limit.factor, self._witnesses), 0
        for instant in np.argsort(-self._pressure(rates), kind="stable"):
            if held[instant]:
                continue
            known = list(self._witnesses)
            spared = in_vain < _PATIENCE and self._spared(rates[:, instant], limit.factor)
            in_vain = 0 if spared else in_vain + 1
            if not spared:
                factor = self._factor(rates[:, instant], limit.factor)
                if factor < limit.factor:
                    limit = self._explained(rates[:, instant], factor, float(start_s[instant]))
            new = [each for each in self._witnesses if each not in known]
            still = np.flatnonzero(~held)
            held[still] = self._held(rates[:, still], limit.factor, new)
        return limit

    def hardest(self, rates: np.ndarray) -> float:
        """Highest pressure of any instant on the exits of a direction."""
        return float(self._pressure(rates).max(initial=0.0))

    def _pressure(self, rates: np.ndarray) -> np.ndarray:
        """International traffic over the target on all exits of its direction together."""
        worst = np.zeros(rates.shape[1])
        for name, way in _DIRECTION.items():
            asked = self._demands.of_class(name).astype(float) @ rates
            total = float(self._room[self._network.exit_arcs[way]].sum())
            with np.errstate(divide="ignore", invalid="ignore"):
                worst = np.maximum(worst, np.where(asked > 0, asked / total, 0.0))
        return worst

    # -- routes that do not look at demand --------------------------------------------------------

    def _least_of_linear(self, rates: np.ndarray, start_s: np.ndarray, limit: Limit) -> Limit:
        """Least factor in one step: loads are linear in it."""
        routes = self._routes(self._demands.gbps)[-1]
        grows = self._grows[:, None]
        growing = routes.loads(np.where(grows, rates, 0.0))
        left = self._room[:, None] - routes.loads(np.where(grows, 0.0, rates))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(growing > 0, np.maximum(left, 0.0) / growing, np.inf)
        exits = factor[self._arcs]
        place, instant = np.unravel_index(np.argmin(exits), exits.shape)
        if not exits[place, instant] < limit.factor:
            return limit
        found = Limit(float(exits[place, instant]), float(start_s[instant]), self._name(int(place)))
        inner = np.where(self._inner[:, None], factor, np.inf).min(axis=1)
        arc = int(np.argmin(inner))
        if inner[arc] < found.factor / _TOUCH:
            found = found._replace(link=self._link(arc), link_factor=float(inner[arc]))
        return found

    # -- routes that do ---------------------------------------------------------------------------

    def _factor(self, rates: np.ndarray, at_most: float) -> float:
        """Largest factor that fits, if it is below *at_most*."""
        # No routing carries more than all exits of a direction together: often that is reached.
        pressure = float(self._pressure(rates[:, None])[0])
        if pressure == 0:
            return at_most
        high = min(at_most, (1.0 - _PRECISION / 2) / pressure)
        if high > 0 and self._fits(rates, high):
            return high
        # Often it is only just too much: look near it first.
        step = _PRECISION
        low = high * (1.0 - step)
        while low > 0 and not self._fits(rates, low):
            high, step = low, 4.0 * step
            low = max(high * (1.0 - step), 0.0)
        while high - low > _PRECISION * high and high > 1e-6:
            middle = (low + high) / 2.0
            low, high = (middle, high) if self._fits(rates, middle) else (low, middle)
        return low

    def _fits(self, rates: np.ndarray, factor: float) -> bool:
        grown = self._grown(rates, factor)
        room = self._room[self._arcs] * _TOUCH
        routes = self._routes(
            grown, lambda routes: bool(np.all(routes.loads(grown)[self._arcs] <= room))
        )[-1]
        if routes.throttled is not None and routes.throttled @ grown > 1e-6 * grown.sum():
            return False  # room made by keeping traffic out is none
        loads = routes.loads(grown)
        fits = bool(np.all(loads[self._arcs] <= room))
        if fits and self._promised is not None and np.all(loads <= self._promised):
            self._witnesses = [routes, *self._witnesses[: _WITNESSES - 1]]
        return fits

    def _spared(self, rates: np.ndarray, factor: float) -> bool:
        """Whether the scheme holds an instant with room to spare, which makes a good witness.

        Routes that fill exits to the brim hold no other instant: one has a little more here, one
        there. So the scheme is asked to stay half as far below the target as it can be.
        """
        if self._promised is None or not math.isfinite(factor):
            return False
        level = float(self._pressure(rates[:, None])[0]) * factor
        scheme = _holding(self._strategy.scheme, self._target * (1.0 + min(level, 1.0)) / 2.0)
        if scheme == self._strategy.scheme:
            return False
        grown = self._grown(rates, factor)
        # Routes that take long to find spare nothing: the instant can as well be asked about.
        routes = self._at_once(scheme, grown)
        if routes is None or not np.all(routes.loads(grown) <= self._promised):
            return False
        self._witnesses = [routes, *self._witnesses[: _WITNESSES - 1]]
        return True

    def _at_once(self, scheme: Scheme, rates: np.ndarray) -> Routes | None:
        """Routes of all demands under a controller whose one decision leads to its goal.

        None where the scheme has no quick way to them.
        """
        strategy, demands = self._strategy, self._demands.with_gbps(rates)
        static = self._static.route(self._network, self._demands)
        part = strategy.steered_share
        seen, mine = steer(self._network, demands, self._steered, static, part)
        upper = scheme.quick_route(seen, mine, self._last)
        if upper is None:
            return None
        self._last = upper
        return upper.scaled(part).scattered(self._steered, len(demands)).with_fallback(static)

    @cached_property
    def _steered(self) -> np.ndarray:
        return self._strategy.steered(self._network, self._demands)

    def _held(self, rates: np.ndarray, factor: float, witnesses: list[Routes]) -> np.ndarray:
        """Instants that the scheme is sure to hold, as these routes of its own hold them."""
        held = np.zeros(rates.shape[1], dtype=bool)
        if self._promised is not None and math.isfinite(factor):
            grown = self._grown(rates, factor)
            for routes in witnesses:
                held |= (routes.loads(grown) <= self._promised[:, None]).all(axis=0)
        return held

    def _routes(
        self, rates: np.ndarray, enough: Callable[[Routes], bool] | None = None
    ) -> list[Routes]:
        """Return the routes of the first cycle that is enough, or all up to the last one."""
        if self._promised is not None and not self._strategy.perfect_information:
            routes = self._at_once(self._strategy.scheme, rates)
            if routes is not None:
                return [routes]
        made = []
        for routes in settled(
            self._strategy, self._static, self._network, self._demands, rates, self._streams
        ):
            made.append(routes)
            if enough is not None and enough(routes):
                break
        return made

    def _grown(self, rates: np.ndarray, factor: float) -> np.ndarray:
        grows = self._grows if rates.ndim == 1 else self._grows[:, None]
        return np.where(grows, rates * factor, rates)

    def _explained(self, rates: np.ndarray, factor: float, at_s: float) -> Limit:
        """Return the limit with the exit that is at its target, and the link that is full first."""
        full = self._loads(rates, factor) / np.where(self._room > 0, self._room, np.inf)
        found = Limit(factor, at_s, self._name(int(np.argmax(full[self._arcs]))))
        inner = np.where(self._inner, full, 0.0)
        arc = int(np.argmax(inner))
        if inner[arc] <= _TOUCH:
            return found
        low, high = 0.0, factor
        while high - low > _PRECISION * high and high > 1e-6:
            middle = (low + high) / 2.0
            loads = self._loads(rates, middle)
            fits = bool(np.all(loads[self._inner] <= self._room[self._inner] * _TOUCH))
            low, high = (middle, high) if fits else (low, middle)
        over = self._loads(rates, high) / np.where(self._room > 0, self._room, np.inf)
        arc = int(np.argmax(np.where(self._inner, over, 0.0)))
        return found._replace(link=self._link(arc), link_factor=low)

    def _loads(self, rates: np.ndarray, factor: float) -> np.ndarray:
        grown = self._grown(rates, factor)
        return self._routes(grown)[-1].loads(grown)

    # -- names ------------------------------------------------------------------------------------

    def _name(self, place: int) -> str:
        """Scope of an exit direction, by its place among all of them."""
        return f"exit:{self._network.links[self._arcs[place] // 2]}:{self._ways[place]}"

    def _link(self, arc: int) -> str:
        """A link in one direction, in words."""
        network = self._network
        return f"{network.links[arc // 2]} from {network.nodes[network.tail[arc]]}"


class _Once(Scheme):
    """A scheme for the static routes of one network, which are made once."""

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme
        self._made: Routes | None = None

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return the routes of the first call."""
        if self._made is None:
            self._made = self._scheme.route(network, demands, current)
        return self._made


def _holding(scheme: Any, target: float) -> Scheme:
    """Return the scheme, asked to hold *target* where it has a cap to set."""
    if any(field.name == "utilisation_cap" for field in fields(scheme)):
        return replace(scheme, utilisation_cap=target)
    return scheme
