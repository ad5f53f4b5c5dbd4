"""Tuned IGP: link weights searched so that plain shortest-path routing spreads the load."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegativeInt, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.fortz_thorup import phi
from simulator.optimise.weight_search import EQUAL, WeightSearch
from simulator.paths.shortest import ecmp
from simulator.routing.scheme import Scheme, scheme


@scheme("tuned_igp")
class TunedIgp(Scheme):
    """ECMP over integer link weights that a local search has tuned for the demands given.

    Variables: a weight from 1 to ``max_weight`` for each direction of each link. Minimise the sum
    over arcs of ``phi(load, capacity)`` (``optimise/fortz_thorup.py``), where the load is that of
    shortest paths under the weights, split per hop over equal costs, plus the background. All rules
    of ``igp_ecmp`` hold. The problem is NP-hard: this is a heuristic and proves nothing.

    The search starts at the given metrics, scaled and rounded, and tries one change of one weight
    in each iteration; a change that does not raise the cost is kept. Half of the changes are
    random. The other half pick an arc by its cost and a destination on it, and make another path
    from its tail just as short, or shorter by one. Only destinations that a change touches are
    routed again. After half as many changes without gain as there are arcs, the search goes back to
    the best weights, redraws a tenth of them and goes on from there. When the given metrics cost no
    more than the best weights, they are kept: the cost is never above that of ``igp_ecmp``.

    As a static strategy the weights are tuned for the base matrix, and again after every change of
    topology. That is optimistic: operators keep their weights through a fault. Source: Fortz and
    Thorup, Internet Traffic Engineering by Optimizing OSPF Weights, INFOCOM 2000; restarts stand
    in for their hashed tabu list.

    Attributes
    ----------
    iterations : int
        Changes to try.
    max_weight : int
        Largest weight.
    seed : int
        Seed of the random changes.
    """

    iterations: NonNegativeInt = 500
    max_weight: PositiveInt = 20
    seed: NonNegativeInt = 1

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits to every destination under the best weights found."""
        given = ecmp(network, demands, network.metric)
        load = given.loads(demands.gbps)
        if not load.any():
            return given
        search = WeightSearch(network, demands, self.max_weight)
        search.run(self.iterations, np.random.default_rng(self.seed))
        cost = float(phi(load + network.background_gbps, network.capacity_gbps).sum())
        if cost <= search.cost * search.unit * (1.0 + EQUAL):
            return given
        return ecmp(network, demands, search.weight_by_arc())
