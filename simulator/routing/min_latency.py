"""Least latency that keeps every link below a utilisation cap: the SDN controller's default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.schema import Name, NonNegative, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.route_series import Answers
from simulator.model.routes import Routes
from simulator.model.topology import LinkClass
from simulator.optimise import multicommodity, path_simplex
from simulator.optimise.marginal import Marginal, marginal
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.path_series import PathSeries
from simulator.optimise.path_start import start_of, table_of
from simulator.paths.candidates import Paths
from simulator.routing.scheme import Scheme, scheme


@scheme("min_latency")
class MinLatency(Scheme):
    """Least total latency with utilisation at most max(least MLU, ``utilisation_cap``).

    Minimise the sum of flow times propagation delay subject to: the flows over the paths of every
    demand add up to its rate, and the flow on every arc plus its background is at most
    ``max(theta*, utilisation_cap)`` times its capacity, where ``theta*`` is the least maximum
    utilisation that any routing of these demands reaches. Exact over all paths: by a simplex method
    for few full links where demands cross the border (``optimise/path_simplex.py``), else by column
    generation (``optimise/multicommodity.py``).

    Attributes
    ----------
    utilisation_cap : float
        Utilisation up to which links may be filled to reduce latency.
    classes : tuple of str
        Link classes that the cap and the least MLU are about; all when empty. With ``[exit]`` a
        full link inside the country does not loosen the cap at the exits.
    others_cap : float
        Utilisation allowed on the links of the other classes, or the least possible there.
    paths : int, optional
        Paths that each demand may use: the fastest ones, international demands by way of different
        exits first; all paths when left out. The certificate's gap is what this costs.
    stretch_ms : float or mapping of str to float, optional
        No path may be slower than the fastest of its demand by more than this: one limit for all,
        or one for some traffic classes or services (``{international_out: 20, video: 5}``; the
        smaller where both hold). Without ``paths`` the fastest 8 are considered. Traffic without
        room on them raises ``theta*``.
    churn_penalty_ms : float
        Added to the latency of all flow that leaves its present path: a Gbps moves only where it
        saves more milliseconds than this, or where the cap requires it.
    gap : float, optional
        Relative gap at which a search ends, for the utilisation and for the latency; it may start
        from the current routes then. Applies from 1,500 demands on, where paths are not limited
        and moves cost nothing: fewer are always routed exactly. When left out, the search is exact
        up to 500 links, and ends at 0.001 above.
    """

    utilisation_cap: NonNegative = 0.85
    classes: tuple[LinkClass, ...] = ()
    others_cap: NonNegative = 1.0
    paths: PositiveInt | None = None
    stretch_ms: NonNegative | dict[Name, NonNegative] | None = None
    churn_penalty_ms: NonNegative = 0.0
    gap: NonNegative | None = None

    demand_aware: ClassVar[bool] = True

    def class_words(self) -> Mapping[KeyPath, Iterable[str]]:
        """Return the classes and services whose paths have a limit of their own."""
        return {("stretch_ms",): self.stretch_ms} if isinstance(self.stretch_ms, dict) else {}

    def limits(self, network: Network, target: float) -> np.ndarray:
        """The target on the links that count, ``others_cap`` on the others."""
        return np.where(multicommodity.counted(network, self.classes), target, self.others_cap)

    def only_paths(self, network: Network, demands: Demands) -> Paths | None:
        """The paths that the limits on their number and their length leave."""
        return multicommodity.limited_to(self.paths, network, demands, self.stretch_ms)

    def marginal(self, network: Network, demands: Demands) -> Marginal | None:
        """Return the prices of both stages; with a churn penalty they depend on the present."""
        if self.churn_penalty_ms > 0:
            return None
        return marginal(
            network,
            demands,
            utilisation_cap=self.utilisation_cap,
            classes=self.classes,
            others_cap=self.others_cap,
            paths=self.only_paths(network, demands),
        )

    def quick_route(
        self, network: Network, demands: Demands, current: Routes | None = None
    ) -> Routes | None:
        """Return the routes of the simplex method for few full links, where it applies."""
        pays = self.churn_penalty_ms > 0 and current is not None
        if self.paths is not None or self.stretch_ms is not None or pays:
            return None
        counts = multicommodity.counted(network, self.classes)
        limit = np.where(counts, self.utilisation_cap, self.others_cap)
        return path_simplex.route(
            network, demands, limit, counts & network.up, current, gives_way=True
        )

    @property
    def _is_plain(self) -> bool:
        """Whether nothing limits the paths, and leaving them costs nothing."""
        return self.paths is None and self.stretch_ms is None and not self.churn_penalty_ms > 0

    def answers_many(self, network: Network, demands: Demands) -> bool:
        """Yes where the simplex method for few full links applies."""
        if not self._is_plain or not len(demands):
            return False
        able = without_zero_capacity(network)
        return bool(table_of(able, demands)[1].exits.any())

    def route_many(
        self,
        network: Network,
        demands: Demands,
        gbps: np.ndarray,
        background_gbps: np.ndarray,
        current: Routes | None = None,
    ) -> Answers:
        """Return the routes of many instants, by bases that are optimal at many of them."""
        able, counts = without_zero_capacity(network), multicommodity.counted(network, self.classes)
        limit = np.where(counts, self.utilisation_cap, self.others_cap)
        key, table = table_of(able, demands)

        def otherwise(instant: int) -> Routes:
            seen = network.carrying(background_gbps[:, instant])
            return self.route(seen, demands.with_gbps(gbps[:, instant]))

        problem = PathSeries(
            able, demands, key, table, limit, counts & network.up, gbps, background_gbps
        )
        return problem.solve(start_of(current, key), otherwise)

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        quick = self.quick_route(network, demands, current)
        if quick is not None:
            return quick
        return multicommodity.route(
            network,
            demands,
            utilisation_cap=self.utilisation_cap,
            classes=self.classes,
            others_cap=self.others_cap,
            paths=self.only_paths(network, demands),
            current=current,
            churn_penalty_ms=self.churn_penalty_ms,
            gap=self.gap,
        )
