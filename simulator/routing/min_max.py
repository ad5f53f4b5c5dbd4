"""Minimum MLU: keep the fullest link as empty as any routing can."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.topology import LinkClass
from simulator.optimise import multicommodity
from simulator.optimise.marginal import Marginal, marginal
from simulator.paths.candidates import Paths
from simulator.routing.scheme import Scheme, scheme


@scheme("min_max")
class MinMax(Scheme):
    """Least maximum link utilisation over all paths; then the least latency at that utilisation.

    Minimise ``theta`` subject to: the flows over the paths of every demand add up to its rate, and
    the flow on every arc plus its background is at most ``theta`` times its capacity. The second
    stage picks, among all optima, one of least latency, so that the answer does not depend on how
    it was found. Exact over all paths by column generation (``optimise/multicommodity.py``).

    Attributes
    ----------
    classes : tuple of str
        Link classes whose utilisation is minimised; all when empty.
    others_cap : float
        Utilisation allowed on the links of the other classes.
    paths : int, optional
        Paths that each demand may use: the fastest ones, international demands by way of different
        exits first; all paths when left out. The certificate's gap is what this costs.
    churn_penalty_ms : float
        Added, among the optima, to the latency of all flow that leaves its present path.
    gap : float, optional
        Relative gap at which a search ends, for the utilisation and for the latency; it may start
        from the current routes then. Applies from 1,500 demands on, where paths are not limited
        and moves cost nothing: fewer are always routed exactly. When left out, the search is exact
        up to 500 links, and ends at 0.001 above.
    """

    classes: tuple[LinkClass, ...] = ()
    others_cap: NonNegative = 1.0
    paths: PositiveInt | None = None
    churn_penalty_ms: NonNegative = 0.0
    gap: NonNegative | None = None

    demand_aware: ClassVar[bool] = True

    def limits(self, network: Network, target: float) -> np.ndarray:
        """The target on the links that count, ``others_cap`` on the others."""
        return np.where(multicommodity.counted(network, self.classes), target, self.others_cap)

    def only_paths(self, network: Network, demands: Demands) -> Paths | None:
        """The paths that the limits on their number and their length leave."""
        return multicommodity.limited_to(self.paths, network, demands)

    def marginal(self, network: Network, demands: Demands) -> Marginal | None:
        """Return the prices of both stages; with a churn penalty they depend on the present."""
        if self.churn_penalty_ms > 0:
            return None
        return marginal(
            network,
            demands,
            utilisation_cap=0.0,
            classes=self.classes,
            others_cap=self.others_cap,
            paths=self.only_paths(network, demands),
        )

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        return multicommodity.route(
            network,
            demands,
            utilisation_cap=0.0,
            classes=self.classes,
            others_cap=self.others_cap,
            paths=self.only_paths(network, demands),
            current=current,
            churn_penalty_ms=self.churn_penalty_ms,
            gap=self.gap,
        )
