"""Semi-oblivious routing: paths chosen once for any traffic, splits that follow the traffic."""

from __future__ import annotations

from typing import ClassVar

from simulator.base.schema import NonNegative, NonNegativeInt, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import multicommodity
from simulator.optimise.path_problem import without_zero_capacity
from simulator.paths.diverse import diverse_paths
from simulator.routing.scheme import Scheme, scheme


@scheme("semi_oblivious")
class SemiOblivious(Scheme):
    """A few diverse paths per demand, drawn once; then the splits of least MLU and least latency.

    The paths depend on the topology, not on traffic: routers are configured with them once, and a
    controller sends shares only. They come from trees of shortest paths to every target, one tree
    after the other. The first goes by latency, so that every demand has its fastest path. Under the
    next, arc *a* has the length ::

        delay[a] * (1 + 0.25 * a random number) * 64 ** (use[a] / greatest use)

    where ``use[a]`` is how many pairs of ends go over *a* in the trees so far, divided by the
    capacity installed. A demand keeps the first distinct paths; if the trees have too few for it,
    its fastest ones by way of different exits make up the number. After a change of topology the
    paths are drawn again, over what is up.

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
        Added, among the optima, to the latency of all flow that leaves its present path.
    """

    paths: PositiveInt = 4
    seed: NonNegativeInt = 0
    churn_penalty_ms: NonNegative = 0.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        able = without_zero_capacity(network)
        return multicommodity.route(
            network,
            demands,
            utilisation_cap=0.0,
            paths=diverse_paths(able, demands, self.paths, self.seed),
            current=current,
            churn_penalty_ms=self.churn_penalty_ms,
        )
