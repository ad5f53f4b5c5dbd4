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
from simulator.model.routes import Routes
from simulator.model.schedule import runs, scheduled_link_state
from simulator.queues.queue import Queue
from simulator.recording.headroom import Headroom
from simulator.recording.rows import Emit, Rows
from simulator.recording.tally import InboundTotals, Tally
from simulator.recording.transit import Transit
from simulator.results.metrics import Figures, metric
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source

_PIECE = 96
"""Intervals that are evaluated together: so few that their arrays stay in the cache."""
Cost = Callable[[Network, Routes, np.ndarray], np.ndarray]


class FluidMeter:
    """Watches one strategy in one replication.

    The engine calls it before anything changes and closes it at the horizon.

    Parameters
    ----------
    demands : Demands
        Base demands; rates come from the source.
    routes : callable
        Returns the routes in force.
    step_us, end_us, steps : int
        Length of a step, the horizon, and how many steps there are.
    detail, every, emit
        See :class:`~simulator.recording.rows.Rows`.
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
        step_us: int,
        end_us: int,
        steps: int,
        detail: str,
        every: int,
        emit: Emit,
        headroom: Headroom,
        billing: Billing,
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
        self._queue, self._qos, self._routes = queue, qos, routes
        self._since, self._step = 0, 0
        self._pending: list[tuple[int, int, int]] = []
        self._followed: list[Routes] = []
        network = network_state.network
        self._exit_arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        defers = elastic_share > 0 or (qos is not None and bool(qos.elastic.any()))
        self._rows = Rows(network, demands, step_us, detail, every, emit, defers)
        self._tally = Tally(network, demands, defers)
        self._transit = Transit(network, billing)
        self._headroom, self._emit = headroom, emit
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
            self._followed.append(self._routes())
            self._since = now

    def _evaluate(self) -> None:
        if not self._pending:
            return
        pending, followed = self._pending, self._followed
        self._pending, self._followed = [], []
        for first in range(0, len(pending), _PIECE):
            piece = slice(first, first + _PIECE)
            self._add(np.array(pending[piece], dtype=np.int64), followed[piece])

    def _add(self, span: np.ndarray, routes: list[Routes]) -> None:
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
        self._tally.add_paths(flows, seconds)
        self._rows.add(state, span, seconds)
        self._headroom.see(network, rates, span[:, 0] / US_PER_S, state.utilisation)
        if self._cost:
            for each, at in runs(routes):
                self.cost_gbit_ms += float(self._cost(network, each, rates[:, at]) @ seconds[at])

    def _measured(
        self, routes: list[Routes], network: Network, rates: np.ndarray
    ) -> tuple[LinkState, Iterable[PathFlows]]:
        """Return the link state, and the traffic path by path, of the routes of each instant."""
        whole = self._qos is None or self._qos.uniform
        if whole and all(each is routes[0] for each in routes):
            paths = routes[0].path_table
            if paths is not None:
                state, flows = path_state(*paths, network, rates, self._queue)
                return state, [flows]
        state = scheduled_link_state(routes, network, rates, self._queue, self._qos)
        return state, path_flows(routes, network, state, self._queue)

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
        totals = self._tally.totals(
            horizon_s=self._end_us / US_PER_S,
            headroom=limit.factor,
            decisions=decisions,
            cost_gbit_ms=self.cost_gbit_ms,
            best_gbit_ms=best_gbit_ms,
            exit_target=self._exit_target,
            inbound=self._inbound(),
            transit=self._transit.totals(),
        )
        return metric.figures(totals)
