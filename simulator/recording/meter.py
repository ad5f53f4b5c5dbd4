"""Meter: watches one strategy and turns its time into figures and table rows.

Between two changes everything is constant, so that figures are exact sums over such intervals, not
samples. Intervals that share routes and network state are evaluated together, in one pass over
arrays. Tables hold one row a step: means over the step, and its peak utilisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from simulator.model.billing import Billing
from simulator.model.demands import Demands
from simulator.model.link_state import LinkState, QosPolicy, deferred
from simulator.model.network import Network
from simulator.model.path_flows import PathFlows, path_flows
from simulator.model.path_state import path_state
from simulator.model.path_table import PathTable
from simulator.model.route_series import RouteSeries
from simulator.model.routes import Routes
from simulator.model.schedule import runs, scheduled_link_state
from simulator.queues.queue import Queue
from simulator.recording.fullest_exit import FullestExit
from simulator.recording.headroom import Headroom
from simulator.recording.recovery import Recovery, recovery_totals
from simulator.recording.rows import Emit, Rows
from simulator.recording.spans import pieces
from simulator.recording.tally import InboundTotals, Tally
from simulator.recording.transit import Transit
from simulator.results.metrics import Figures, metric
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source

Cost = Callable[[Network, Routes, np.ndarray], np.ndarray]


class FluidMeter:
    """Watches one strategy in one replication.

    The engine calls it before anything changes and closes it at the horizon.

    Parameters
    ----------
    demands : Demands
        Base demands; rates come from the source.
    routes, series : callable
        Return the routes in force, and those of many instants, the present one among them, where
        that is what is in force.
    step_us, end_us, steps : int
        Length of a step, the horizon, and how many steps there are.
    detail, every, emit
        See :class:`~simulator.recording.rows.Rows`; detail ``fullest`` keeps the fullest exit of
        every step and no other table.
    headroom : Headroom
        Follows how much room is left.
    billing : Billing
        How exits with a price are billed.
    cost : callable, optional
        Cost of (network, routes, rates) by which strategies are compared with the best, in Gbps ms
        by instant.
    qos : QosPolicy, optional
        How demands share links that are full.
    elastic_share : float
        Share of every demand that is deferred before any of it is lost.
    exit_target : float
        Utilisation that headroom is counted to.
    recovery : Recovery
        Follows what becomes of traffic after events.
    inbound : callable, optional
        Returns how full the fullest inward exit is and had to be; called once, at the horizon.

    Attributes
    ----------
    cost_gbit_ms : float
        Its integral over time so far.
    """

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        *,
        queue: Queue,
        demands: Demands,
        routes: Callable[[], Routes],
        series: Callable[[], RouteSeries | None] = lambda: None,
        step_us: int,
        end_us: int,
        steps: int,
        detail: str,
        every: int,
        emit: Emit,
        headroom: Headroom,
        billing: Billing,
        recovery: Recovery,
        cost: Cost | None = None,
        qos: QosPolicy | None = None,
        elastic_share: float = 0.0,
        exit_target: float = np.nan,
        inbound: Callable[[], InboundTotals | None] = lambda: None,
    ) -> None:
        self._exit_target, self._inbound = exit_target, inbound
        self._elastic_share = elastic_share
        self._step_us, self._end_us, self._steps = step_us, end_us, steps
        self._clock, self._network_state, self._source = clock, network_state, source
        self._queue, self._qos = queue, qos
        self._routes, self._series = routes, series
        self._since, self._step = 0, 0
        self._pending: list[tuple[int, int, int]] = []
        self._followed: list[Routes | RouteSeries] = []
        network = network_state.network
        self._exit_arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        defers = elastic_share > 0 or (qos is not None and bool(qos.elastic.any()))
        self._rows = (
            FullestExit(network, step_us, steps, every, emit)
            if detail == "fullest"
            else Rows(network, demands, step_us, detail, every, emit, defers)
        )
        self._tally = Tally(network, demands, defers)
        self._transit = Transit(network, billing)
        self._headroom, self._recovery, self._emit = headroom, recovery, emit
        self._cost, self.cost_gbit_ms = cost, 0.0

    def step(self, step: int) -> None:
        """Begin a step of traffic; called at its start."""
        self.cut()
        self._step = step

    def cut(self) -> None:
        """End an interval; called before routes change."""
        self._cut()
        if len(self._pending) >= BLOCK:
            self._evaluate()

    def settle(self) -> None:
        """Evaluate all intervals so far; called before the network state changes."""
        self._cut()
        self._evaluate()

    def current_rates(self) -> np.ndarray:
        """Return the rate of every demand now, in Gbps."""
        return self._source.rates(self._step)

    def _cut(self) -> None:
        now = self._clock.now
        if now > self._since:
            self._pending.append((self._since, now, self._step))
            self._followed.append(self._series() or self._routes())
            self._since = now

    def _evaluate(self) -> None:
        if not self._pending:
            return
        pending, followed = self._pending, self._followed
        self._pending, self._followed = [], []
        for span, routes in pieces(np.array(pending, dtype=np.int64), followed):
            self._add(span, routes)

    def _add(self, span: np.ndarray, routes: list[Routes] | RouteSeries) -> None:
        """Evaluate some intervals: the begin and the end of each in microseconds, and its step."""
        rates = self._source.run([int(step) for step in span[:, 2]])
        network = self._network_state.network
        state, flows = self._measured(routes, network, rates)
        if self._elastic_share > 0:
            state = deferred(state, self._elastic_share)
        seconds = (span[:, 1] - span[:, 0]) / US_PER_S
        begun = span[:, 0] % self._step_us == 0
        # The last step ends at the horizon, which need not be a multiple of the step.
        last = span[begun, 2] == self._steps - 1
        whole = np.where(last, self._end_us - span[begun, 0], self._step_us) / US_PER_S
        self._tally.ask(rates[:, begun], whole)
        self._tally.add(state, seconds, self._exit_arcs)
        self._transit.add(state, seconds)
        self._recovery.add(state, span)
        self._tally.add_paths(flows, seconds)
        self._rows.add(state, span, seconds)
        first = np.flatnonzero(np.diff(span[:, 2], prepend=-1))  # rates hold for a whole step
        used = None if self._headroom.lands is None else state.utilisation
        at = first if used is None else np.arange(len(span))
        self._headroom.see(network, rates[:, at], span[at, 0] / US_PER_S, used)
        if self._cost:
            for each, at in runs(_each(routes)):
                self.cost_gbit_ms += float(self._cost(network, each, rates[:, at]) @ seconds[at])

    def _measured(
        self, routes: list[Routes] | RouteSeries, network: Network, rates: np.ndarray
    ) -> tuple[LinkState, Iterable[PathFlows]]:
        """Return the link state, and the traffic path by path, of the routes of each instant."""
        paths = _paths(routes)
        if paths is not None and (self._qos is None or self._qos.uniform):
            state, flows = path_state(*paths, network, rates, self._queue)
            return state, [flows]
        each = _each(routes)
        state = scheduled_link_state(each, network, rates, self._queue, self._qos)
        return state, path_flows(each, network, state, self._queue)

    def close(
        self, decisions: Mapping[str, np.ndarray], best_gbit_ms: float | None = None
    ) -> Figures:
        """Close integrals at the horizon, write the last rows and return the figures.

        Parameters
        ----------
        decisions : dict of str to ndarray
            Columns of the table ``control``.
        best_gbit_ms : float, optional
            Cost of the clairvoyant bound, if the scenario has one.
        """
        self.settle()
        self._rows.close()
        limit = self._headroom.limit()
        self._emit("headroom", limit.columns())
        after_events = self._recovery.tables()
        for name, columns in after_events.items():
            self._emit(name, columns)
        totals = self._tally.totals(
            horizon_s=self._end_us / US_PER_S,
            headroom=limit.factor,
            decisions=decisions,
            cost_gbit_ms=self.cost_gbit_ms,
            best_gbit_ms=best_gbit_ms,
            exit_target=self._exit_target,
            inbound=self._inbound(),
            transit=self._transit.totals(),
            recovery=recovery_totals(after_events.get("recovery", {})),
        )
        return metric.figures(totals)


def _paths(routes: list[Routes] | RouteSeries) -> tuple[PathTable, np.ndarray] | None:
    """Paths and their shares, where all are listed and no more than one set of routes changes."""
    if isinstance(routes, RouteSeries):
        return routes.paths, routes.share
    return routes[0].path_table if all(each is routes[0] for each in routes) else None


def _each(routes: list[Routes] | RouteSeries) -> list[Routes]:
    return routes.each() if isinstance(routes, RouteSeries) else routes
