"""Hedged: routes that no fault overloads before the controller has reacted to it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from simulator.base.schema import NonNegative, PositiveInt
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.hedge import HedgeProblem, Kept
from simulator.optimise.hedge_paths import FaultKind, fault_sets, hedge
from simulator.optimise.path_problem import without_zero_capacity
from simulator.paths.candidates import Paths
from simulator.paths.gateways import crossing
from simulator.paths.shortest import ecmp
from simulator.routing.scheme import Scheme, scheme


@scheme("hedged")
class Hedged(Scheme):
    """Routes that no fault overloads before the controller reacts: sources rescale, all still fits.

    Demand *k* reserves ``a[p]`` on each of its paths *p* and sends ``a[p] / sum of a over its
    paths`` of its rate over it. When a path dies, its source shares out what it carried over the
    paths that are left, in proportion. Over all sets *F* of at most ``faults`` faults, subject to,
    for every demand *k*, every *F* that leaves it a path, and every arc *e* ::

        sum of a over the paths of k that survive F  >=  rate[k]
        sum of a over the paths through e            <=  theta * c[e] - background[e]

    where ``c[e]`` is the least capacity that *e* has after any *F* that leaves it up, minimise ::

        sum of a[p] * (delay[p] - least delay over the paths of k)

    with ``theta`` at most ``utilisation_cap`` or, where that cannot be, the least up to 1. After
    *F* a path carries ``rate * a[p] / sum of a over survivors``, which the first line makes at most
    ``a[p]``; so by the second no arc carries more than ``theta * c[e]``. The certificate's ``mlu``
    is this promise, not the load before a fault.

    Where no ``theta`` up to 1 will do, the hedge holds in part: the least share ``u`` is found that
    has to go unhedged with every link at most full before any fault, and the status says *hedged to
    70 %*. Up to it a demand may want survivors, and an arc room after faults; every Gbps of either
    costs 1,000 ms, so that one exit that cannot be hedged does not make others hedged less. Where
    links are over-full without any hedge, they are so by as little as possible, and the status says
    so. A demand that some *F* leaves no path at all is not protected against it; the status counts
    them. Background above capacity does not count against the hedge; no load is added there.

    A delay counts from the fastest path: a second path costs its extra delay. Reserving costs 0.1
    ms a Gbps besides, so that nothing is reserved without need. The bounds hold for the paths
    offered, not for all paths. Domestic traffic crosses no exit and has nothing to be hedged
    against here: it follows ECMP by IGP metric, and is background to the rest. Source: Liu et al.,
    Traffic Engineering with Forward Fault Correction, SIGCOMM 2014.

    Attributes
    ----------
    faults : int
        Faults at once that are hedged against: 1 or 2.
    of : str
        What fails: ``exits`` go down; ``cables`` are cut, and take their share of the capacity of
        each exit away, which no source notices while the exit is up; ``both``.
    utilisation_cap : float
        Utilisation up to which links may be filled after the faults. Before, they are emptier by
        what is reserved for faults; so 1.0 does not mean full links.
    paths : int
        Paths that a demand may use: the fastest ones by way of different exits; one more where
        faults would kill all of these.
    stretch_ms : float, optional
        No path is slower than the fastest of its demand by more than this, unless no other one
        survives some faults.
    churn_penalty_ms : float
        A Gbps moves away from the current routes only if that saves more than this: what is
        reserved beyond what the current shares need costs so much more. Paths in use remain
        candidates.
    """

    faults: Literal[1, 2] = 1
    of: FaultKind = "exits"
    utilisation_cap: NonNegative = 1.0
    paths: PositiveInt = 8
    stretch_ms: NonNegative | None = None
    churn_penalty_ms: NonNegative = 0.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares for what crosses the border and ECMP for the rest."""
        able = without_zero_capacity(network)
        crosses = crossing(able, demands)
        inland = np.flatnonzero(~crosses)
        # In the order of their names, so that the order given does not choose among equals.
        abroad = np.flatnonzero(crosses)
        key = (demands.gbps, demands.traffic_class.astype(str), demands.target, demands.source)
        abroad = abroad[np.lexsort([values[abroad] for values in key])]
        rest = demands.take(inland)
        rules = ecmp(able, rest, able.metric)
        load = able.background_gbps + rules.loads(rest.gbps)
        old = None if current is None or not self.churn_penalty_ms else current.take(abroad)
        routes = self._hedge(able.carrying(load), demands.take(abroad), old)
        total = len(demands)
        stacked = routes.scattered(abroad, total).with_fallback(rules.scattered(inland, total))
        return replace(stacked, network=network, rescales=True)

    def _hedge(self, network: Network, demands: Demands, current: Routes | None) -> Routes:
        sets = fault_sets(network, self.of, self.faults)
        choose = partial(
            hedge, network, demands, sets, count=self.paths, stretch_ms=self.stretch_ms
        )
        hedged, kept = choose(), None
        if current is not None:
            used = [(k, s, arcs) for k, s, arcs in current.paths() if network.up[list(arcs)].all()]
            paths = Paths.of([(k, arcs) for k, _, arcs in used])
            marks = paths.marks()
            new = [place for place, mark in enumerate(marks) if mark not in hedged.index]
            if new:
                hedged = choose(more=paths.take(np.array(new)))
            share = np.zeros(len(hedged.paths.demand))
            for mark, (_, given, _) in zip(marks, used, strict=True):
                if mark in hedged.index:  # else it is slower than the stretch allows
                    share[hedged.index[mark]] += given
            kept = Kept(share, self.churn_penalty_ms)
        return HedgeProblem(network, demands, hedged, sets, kept).solve(self.utilisation_cap)
