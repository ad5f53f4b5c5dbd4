"""Marginal: what a Gbps more of every arc does to the least utilisation and the least latency.

With prices ``p`` of the arcs in the program of least utilisation, one Gbps more of arc *a* changes
it by ::

    d theta / d capacity[a]  =  - theta * p[a] / (p @ capacity)

as every arc that counts may carry ``theta`` times its capacity. With prices ``q`` (ms) in the
program of least latency, whose arcs may be filled to ``limit``, the flow times delay changes by ::

    d latency / d capacity[a]  =  - q[a] * limit[a]  -  (q @ capacity) * d theta / d capacity[a]

where the last term, over arcs that count, stands only where the limit is ``theta`` itself. Prices
are unique where the optimum is not degenerate: as many paths are used beyond one for each demand as
arcs are full. Where it is degenerate there is a kink, and the slope is another one on each side.

Source: Bertsimas and Tsitsiklis, *Introduction to Linear Optimization*, 1997, sections 5.2 and 5.4
(dual prices as derivatives, and their range where the optimum is degenerate).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.multicommodity import TwoStage
from simulator.optimise.path_problem import without_zero_capacity
from simulator.paths.candidates import Paths

_USED, _FULL, _NO_PRICE = 1e-9, 1e-8, 1e-8


class Marginal(NamedTuple):
    """What a Gbps more of every arc does to an optimum.

    Attributes
    ----------
    routes : Routes
        The optimum.
    theta : float
        The least utilisation of the arcs that count; NaN where the cap is above it.
    theta_per_gbps : ndarray, shape (arcs,)
        Change of it per Gbps; zeros where the cap is above it.
    theta_unique : bool
        Whether the change is the same on both sides.
    gbps_ms_per_gbps : ndarray, shape (arcs,)
        Change of the sum of flow times delay per Gbps.
    latency_unique : bool
        Whether that is the same on both sides.
    full : ndarray of bool, shape (arcs,)
        Arcs that are at a limit in either program: all others are worth nothing.
    """

    routes: Routes
    theta: float
    theta_per_gbps: np.ndarray
    theta_unique: bool
    gbps_ms_per_gbps: np.ndarray
    latency_unique: bool
    full: np.ndarray


def marginal(
    network: Network,
    demands: Demands,
    *,
    utilisation_cap: float,
    classes: tuple[str, ...] = (),
    others_cap: float = 1.0,
    paths: Paths | None = None,
) -> Marginal | None:
    """Return what capacity is worth to :func:`simulator.optimise.multicommodity.route`.

    None where links that do not count have to give way as well: that is a third program.
    """
    problem = TwoStage(
        without_zero_capacity(network), demands, classes, paths, limited=paths is not None
    )
    routes = problem.solve(utilisation_cap, others_cap)
    others = problem.usable & ~problem.counts
    if np.any(problem.limit[others] > others_cap) and len(problem.active):
        return None
    none = np.zeros(len(network.tail))
    held = problem.least > utilisation_cap
    theta = _theta_slope(problem) if held else none
    theta_full = _full_at(problem, problem.least_share, problem.least) if held else none > 0
    full = routes.loads(demands.gbps) + network.background_gbps
    bound = np.where(np.isfinite(problem.limit), problem.limit, 0.0) * network.capacity_gbps
    at_limit = problem.usable & (bound > 0) & (full >= bound * (1.0 - _FULL))
    return Marginal(
        routes,
        problem.least if held else np.nan,
        theta,
        not held or _is_unique(problem, problem.least_share, theta_full, 1),
        _latency_slope(problem, theta),
        not held and _routes_unique(problem, routes, at_limit),
        at_limit | theta_full,
    )


def _theta_slope(problem: TwoStage) -> np.ndarray:
    """Change of the least utilisation per Gbps of every arc."""
    price = np.where(problem.counts, problem.price, 0.0)
    worth = float(price @ problem.capacity)
    return -problem.least * price / (worth or 1.0) / problem.unit


def _latency_slope(problem: TwoStage, theta_per_gbps: np.ndarray) -> np.ndarray:
    """Change of flow times delay, in Gbps ms, per Gbps of every arc."""
    price = problem.delay_price
    limit = np.where(np.isfinite(problem.limit), problem.limit, 0.0)
    through_theta = float(price[problem.counts] @ problem.capacity[problem.counts])
    slope = -price * limit - through_theta * theta_per_gbps * problem.unit
    slope = np.where(np.abs(slope) > _NO_PRICE, slope, 0.0)  # less is the solver's tolerance
    return np.asarray(slope * problem.delay_unit)


def _full_at(problem: TwoStage, share: np.ndarray, limit: float) -> np.ndarray:
    """Arcs that count and are filled to the limit by shares."""
    load = problem.load(share) + problem.background
    return problem.counts & (load >= limit * problem.capacity * (1.0 - _FULL))


def _is_unique(problem: TwoStage, share: np.ndarray, full: np.ndarray, more: int) -> bool:
    """Whether prices are: no basic variable of this optimum is at a bound."""
    used = int((share > _USED).sum())
    return used - len(problem.active) + more == int(full.sum())


def _routes_unique(problem: TwoStage, routes: Routes, full: np.ndarray) -> bool:
    """The same of the least latency, whose shares are those of the routes."""
    listed = routes.listed
    if listed is None:
        return False
    used = int(((problem.slot[listed.demand] >= 0) & (listed.share > _USED)).sum())
    return used - len(problem.active) == int(full.sum())
