"""Semi-oblivious routing: paths chosen once for any traffic, splits that follow the traffic."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, NonNegativeInt, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import multicommodity
from simulator.optimise.path_problem import without_zero_capacity
from simulator.paths.candidates import Paths, fastest_paths, remembered
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to
from simulator.routing.scheme import Scheme, scheme

_TREES_PER_PATH = 4
_PENALTY = 64.0
"""The arc most used so far, for its capacity, seems longer by this factor."""
_LUCK = 0.25
"""Every arc seems longer by up to this share, at random, anew for every tree."""


@scheme("semi_oblivious")
class SemiOblivious(Scheme):
    """A few diverse paths per demand, drawn once; then the splits of least MLU and least latency.

    The paths depend on the topology, not on traffic: a router is set up with them once, and a
    controller sends numbers only. They come from trees of shortest paths to every target, one tree
    after the other. The first goes by latency, so that every demand has its fastest path. Under the
    next, arc *a* has the length ::

        delay[a] * (1 + 0.25 * a random number) * 64 ** (use[a] / greatest use)

    where ``use[a]`` is how many pairs of ends go over *a* in the trees so far, divided by the
    capacity installed. A demand keeps the first distinct paths; if the trees have too few for it,
    its fastest ones by way of different exits make up the number. After a change of topology the
    paths are drawn anew, from what stands.

    Then, as in ``min_max`` over these paths only: minimise ``theta`` subject to: the flows over the
    paths of every demand add up to its rate, and the flow on every arc plus its background is at
    most ``theta`` times its capacity; among the optima take the least latency. The certificate's
    bounds are those of all paths: its gap is what the choice costs.

    Source: Kumar et al., Semi-Oblivious Traffic Engineering: The Road Not Taken, NSDI 2018 (SMORE).
    There the trees are Raecke's: decomposition trees that route through cluster centres, with
    multiplicative weights on what earlier trees use. Here the weights are kept and the trees are of
    shortest paths, because a detour through a centre may cross the border twice or a stub.

    Attributes
    ----------
    paths : int
        Paths that each demand may use.
    seed : int
        Of the random lengths; another draw of paths for another seed.
    churn_penalty_ms : float
        Added, among the optima, to the latency of all flow that leaves its present way.
    """

    paths: PositiveInt = 4
    seed: NonNegativeInt = 0
    churn_penalty_ms: NonNegative = 0.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        able = without_zero_capacity(network)
        key = remembered(able, demands, "semi-oblivious", self.paths, self.seed)
        if key not in able.memo:
            able.memo[key] = _draw(able, demands, self.paths, self.seed)
        return multicommodity.route(
            network,
            demands,
            utilisation_cap=0.0,
            paths=able.memo[key],
            current=current,
            churn_penalty_ms=self.churn_penalty_ms,
        )


def _draw(network: Network, demands: Demands, count: int, seed: int) -> Paths:
    """Draw trees until every demand has *count* paths, or they are many."""
    destinations, row = destinations_of(network, demands)
    weight = network.delay_ms + HOP_MS

    def tree(length: np.ndarray, k: np.ndarray) -> Paths:
        return Paths(
            k, *shortest_to(network, length, destinations).follow(row[k], demands.source[k])
        )

    latest = tree(weight, np.arange(len(demands)))
    latest = latest.take(np.flatnonzero(np.diff(latest.starts) > 0))
    able = latest.demand
    ends = np.stack([demands.source[able], demands.target[able]])
    once = np.unique(ends, axis=1, return_index=True)[1]  # a pair counts once, in all classes
    found, use = latest, np.zeros(len(weight))
    random = np.random.default_rng(seed)
    for _ in range(_TREES_PER_PATH * count if len(able) else 0):
        if np.bincount(found.demand)[able].min() >= count:
            break
        use += np.bincount(latest.take(once).arcs, minlength=len(use)) / network.installed_gbps
        luck = 1.0 + _LUCK * random.random(len(use))
        latest = tree(weight * luck * _PENALTY ** (use / use.max()), able)
        found = found.join(latest).distinct().first(count)
    return found.join(fastest_paths(network, demands, count)).distinct().first(count)
