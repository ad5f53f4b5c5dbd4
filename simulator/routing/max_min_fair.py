"""Max-min fair shares: when not all fits, no demand gets more at the cost of one with less."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from simulator.base.schema import Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.max_min import Filling
from simulator.optimise.multicommodity import TwoStage
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to
from simulator.routing.scheme import Scheme, scheme

_ROOM = 1e-8
"""Share of its capacity that a direction must have left for traffic to pass at all."""
_SLACK = 1e-9


@scheme("max_min_fair")
class MaxMinFair(Scheme):
    """Lexicographic max-min fair allocation over all paths, then the least latency for it.

    Variables: ``t[k]``, the share of demand *k* that is admitted, and ``x[p]``, the share of it on
    path *p*. The vector of ``t[k]`` (``by: fraction``) or ``t[k] rate[k]`` (``by: rate``), sorted
    from the least up, is as large as it can be, first number first, subject to ::

        sum of x over the paths of k              =  t[k]  <=  1
        sum of rate[k] * x over the paths by a   <=  utilisation_cap * capacity[a] - background[a]

    Among all routings of this allocation, the sum of flow times delay is least. Exact over all
    paths, by progressive filling: raise all demands that still grow to one level. The least
    utilisation that any routing of a level reaches comes with prices of the arcs, and these with a
    bound: the sum over *k* of ``t[k]`` times the price of the cheapest path of *k* is at most the
    value of all room. The level at which this bound is met is tried next, until the routing fits
    (Newton's method on a convex piecewise linear function: finite, and the last program verifies
    the level). Demands that cannot avoid a priced arc are then frozen: by the same bound none of
    these can grow without a loss to another. The rest continue to grow.

    Traffic that is not admitted is shaped at its source: shares of a demand may sum to less than 1.
    A direction that the background fills to the cap carries nothing else.

    Source: Bertsekas and Gallager, *Data Networks*, 1992, section 6.5.2; Nace and Pioro, Max-Min
    Fairness and Its Applications to Routing and Load-Balancing in Communication Networks, 2008
    (blocking by dual prices). SWAN (SIGCOMM 2013) approximates the same allocation.

    Attributes
    ----------
    by : str
        What is shared out evenly: the ``fraction`` of each demand that is served, or its ``rate``.
    utilisation_cap : float
        Utilisation up to which links are filled.
    """

    by: Literal["fraction", "rate"] = "fraction"
    utilisation_cap: Positive = 1.0

    demand_aware: ClassVar[bool] = True
    shapes: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate of the latency."""
        room = self.utilisation_cap * network.capacity_gbps - network.background_gbps
        able = network.under(up=network.up & (room > _ROOM * network.capacity_gbps))
        let_in, full, paths = Filling(able, demands, self.utilisation_cap).fill(self.by)
        allotted = demands.with_gbps(let_in * demands.gbps)
        cap = self.utilisation_cap * max(1.0, full * (1.0 + _SLACK))
        routes = TwoStage(able, allotted, paths=paths).solve(cap, cap)
        layers = tuple((hops, let_in) for hops, _ in routes.layers)
        shaped = Routes(network, layers, routes.certificate)
        throttled = np.where(_reachable(network, demands), 1.0 - shaped.served, 0.0)
        return replace(shaped, throttled=throttled)


def _reachable(network: Network, demands: Demands) -> np.ndarray:
    """Demands that have a path to their target, with room on it or not."""
    destinations, row = destinations_of(network, demands)
    near = shortest_to(network, network.delay_ms + HOP_MS, destinations)
    return np.isfinite(near.distance[row, demands.source])
