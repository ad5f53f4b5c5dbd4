"""Headroom: by how much international traffic could grow before an exit passes its target."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.routing.scheme import Scheme
from simulator.simulation.controller import Strategy, steer

_PRECISION = 1e-3


def headroom(strategy: Strategy, network: Network, demands: Demands, target: float) -> float:
    """Return the largest factor on international traffic with every exit at most at *target*.

    The strategy knows the demands and has time to act: what remains is what its scheme can do. A
    scheme with a ``utilisation_cap`` is asked to hold the target instead. Found in one step for
    routes that do not look at demand (loads are linear in it), else by bisection to 0.1 %.

    Parameters
    ----------
    strategy : Strategy
    network : Network
        As it stands, with what is down.
    demands : Demands
    target : float
        Utilisation of an exit direction.

    Returns
    -------
    float
        0 when even the smallest factor tried is too much; infinite when nothing uses the exits.
    """
    if not len(network.exits):
        return math.nan
    rules = strategy.rules
    method = strategy.scheme if strategy.is_static else _holding(strategy.scheme, target)
    steers = () if strategy.is_static else strategy.control.steers
    steered = np.flatnonzero(demands.of_class(steers))
    arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
    room = (network.capacity_gbps * network.up)[arcs]
    linear = not any(s.demand_aware for s in (rules, *((method,) if len(steered) else ())))

    def loads(believed: Demands, rates: np.ndarray) -> np.ndarray:
        routes = rules.route(network, believed)
        if len(steered):
            routes = steer(method, network, believed, steered, routes).over(routes)
        return routes.loads(rates)[arcs]

    if linear:
        grows = demands.of_class(INTERNATIONAL)
        growing = loads(demands, np.where(grows, demands.gbps, 0.0))
        fixed = loads(demands, np.where(grows, 0.0, demands.gbps))
        used = growing > 0
        factors = (target * room - fixed)[used] / growing[used]
        return float(max(factors.min(initial=math.inf), 0.0))

    def fits(factor: float) -> bool:
        grown = demands.scaled(factor, INTERNATIONAL)
        return bool(np.all(loads(grown, grown.gbps) <= target * room * (1 + 1e-6)))

    # No routing carries more than all exits of a direction together: often that is reached.
    low, high = 0.0, _most(network, demands, target)
    if not math.isfinite(high):
        return high
    if fits(high * (1.0 - _PRECISION / 2)):
        return high * (1.0 - _PRECISION / 2)
    while high - low > _PRECISION * high and high > 1e-6:
        middle = (low + high) / 2.0
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _most(network: Network, demands: Demands, target: float) -> float:
    """Factor at which international traffic meets the target on all exits taken together."""
    room = network.capacity_gbps * network.up
    factors = [
        target * float(room[network.exit_arcs[way]].sum()) / asked
        for name, way in (("international_out", "out"), ("international_in", "in"))
        if (asked := demands.total_gbps(name)) > 0
    ]
    return min(factors, default=math.inf)


def _holding(scheme: Any, target: float) -> Scheme:
    """The scheme, asked to hold *target* where it has a cap to set."""
    if any(field.name == "utilisation_cap" for field in fields(scheme)):
        return replace(scheme, utilisation_cap=target)
    return scheme
