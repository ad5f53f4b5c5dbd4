"""The fluid engine: traffic as rates, on SimPy's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from simulator.control.controller import (
    Layer,
    Row,
    Steering,
    control,
    perfect_information_layer,
    rules_layer,
)
from simulator.control.route_table import RouteTable
from simulator.engines.case import Case
from simulator.engines.engine import Emit, engine
from simulator.model.routes import Moved, Routes
from simulator.model.streams import Streams
from simulator.recording.headroom import Headroom
from simulator.recording.meter import Meter
from simulator.results.metrics import Figures
from simulator.results.writer import SOLVE_TIMES, Coded
from simulator.simulation.clock import US_PER_S, Clock, Priority, micros
from simulator.simulation.faults import outage
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import Source


@engine("fluid")
class Fluid:
    """Rates that hold between events; load, loss and latency by exact sums over time.

    Good for hours to years of a whole backbone. Leaves out what happens within a step and within
    a flow: no packets, no congestion control, no completion times.
    """

    def play(
        self, case: Case, replication: int, emit: Emit, progress: Callable[[float], None]
    ) -> dict[str, Figures]:
        """Play one replication; see the contract."""
        clock = Clock()
        network_state = NetworkState(clock, case.network)
        streams = Streams(case.seed, replication)
        memory_s = max(strategy.control.memory_s for strategy in case.strategies.values())
        source = Source(case.series, streams, case.steps, case.step_s, memory_s)
        stands = [
            StrategyRun(clock, network_state, source, case, name, streams, emit)
            for name in case.strategies
        ]
        network_state.before_change.extend(stand.meter.settle for stand in stands)

        by_name = {stand.route_table.name: stand for stand in stands}
        events: list[tuple[float, str]] = []
        for event in case.events:
            clock.process(
                outage(
                    clock,
                    network_state,
                    event,
                    partial(_halt, by_name, clock),
                    lambda what: events.append((clock.now / US_PER_S, what)),
                )
            )
        clock.process(_traffic(clock, case, stands, progress))
        clock.env.run(until=clock.at(micros(case.horizon_s), Priority.END))

        if events and stands:
            _write_events(emit, stands[0].route_table.name, events)
        best = next(
            (s.cost_gbit_ms for s in stands if s.route_table.strategy.perfect_information), None
        )
        return {stand.route_table.name: stand.close(best) for stand in stands}


class StrategyRun:
    """One strategy on the stage: its desk, its control processes and its meter."""

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        case: Case,
        name: str,
        streams: Streams,
        emit: Emit,
    ) -> None:
        self._clock = clock
        self._emit = partial(emit, name)
        self._decisions: list[Row] = []
        self._solve_s: list[float] = []
        strategy = case.strategies[name]
        yardstick = next(
            (s.scheme for s in case.strategies.values() if s.perfect_information), None
        )
        self.meter = Meter(
            clock,
            network_state,
            source,
            queue=case.queue,
            demands=case.demands,
            routes=self._routes,
            step_us=micros(case.step_s),
            end_us=micros(case.horizon_s),
            steps=case.steps,
            detail=case.detail,
            every=case.every,
            emit=self._emit,
            headroom=Headroom(strategy, case.demands, case.exit_target),
            cost=yardstick.cost if yardstick else None,
            qos=case.series.qos,
        )
        self._network_state = network_state
        self.route_table = RouteTable(
            clock,
            name,
            strategy,
            network_state.network,
            case.demands,
            self.meter.cut,
            self.meter.current_rates,
        )
        for layer in self._layers(network_state, source, case, streams):
            clock.process(control(clock, network_state, layer))

    def _layers(
        self, network_state: NetworkState, source: Source, case: Case, streams: Streams
    ) -> Iterator[Layer]:
        """The layers of routes that this strategy keeps, lowest first."""
        route_table, clock = self.route_table, self._clock
        if route_table.strategy.perfect_information:
            yield perfect_information_layer(
                clock, network_state, source, route_table, case.step_s, self.log
            )
            return
        yield rules_layer(network_state, route_table, self.log)
        announced = np.zeros(len(route_table.demands), dtype=bool)
        if route_table.strategy.control.announcements:
            announced = route_table.demands.of_class("international_in")

        def expected(seconds: np.ndarray) -> np.ndarray:
            return case.series.expected(seconds / 3600.0)

        for name, which in (
            ("controller", route_table.steered[~announced[route_table.steered]]),
            ("announcements", route_table.steered[announced[route_table.steered]]),
        ):
            if len(which):
                yield Steering(
                    name,
                    which,
                    clock,
                    network_state,
                    source,
                    route_table,
                    streams,
                    self.log,
                    expected,
                ).layer

    def _routes(self) -> Routes:
        assert self.route_table.in_force is not None
        return self.route_table.in_force

    @property
    def cost_gbit_ms(self) -> float:
        """What the strategy cost so far, by the yardstick of the scenario."""
        self.meter.settle()
        return self.meter.cost_gbit_ms

    def log(
        self, layer: str, trigger: str, routes: Routes | None, moved: Moved | None, solve_s: float
    ) -> Row:
        """Write an installation of routes down, with its proof and what it moved."""
        proof = routes.certificate if routes else None
        row = {
            "time_s": self._clock.now / US_PER_S,
            "layer": layer,
            "trigger": trigger,
            "status": proof.status if proof else "" if routes else "unchanged",
            "mlu": proof.mlu if proof else np.nan,
            "mlu_bound": proof.mlu_bound if proof else np.nan,
            "objective_gbps_ms": proof.objective if proof else np.nan,
            "bound_gbps_ms": proof.bound if proof else np.nan,
            "gap": proof.gap if proof else np.nan,
            "paths": proof.columns if proof else 0,
            "rounds": proof.rounds if proof else 0,
            "moves": moved.demands if moved else 0,
            "moved_gbps": moved.gbps if moved else 0.0,
            "entries": self.route_table.rules,
            "transient_mlu": self._fullest(moved.peak_gbps) if moved else np.nan,
            "prediction_error": np.nan,
        }
        self._decisions.append(row)
        self._solve_s.append(solve_s)
        return row

    def _fullest(self, load_gbps: np.ndarray) -> float:
        """Highest utilisation under some load, of the links as they stand at this moment."""
        network = self._network_state.network
        live = network.up & (network.capacity_gbps > 0)
        return float((load_gbps[live] / network.capacity_gbps[live]).max(initial=0.0))

    def close(self, best_gbit_ms: float | None) -> Figures:
        """Close the meter at the horizon, write the log of decisions and return the figures.

        Parameters
        ----------
        best_gbit_ms : float or None
            Cost of the bound of the scenario, if it has one.
        """
        columns = {key: np.array([d[key] for d in self._decisions]) for key in self._decisions[0]}
        figures = self.meter.close(columns, best_gbit_ms)
        words = {key: Coded.of(columns[key]) for key in ("layer", "trigger", "status")}
        self._emit("control", {**columns, **words})
        self._emit(SOLVE_TIMES, {"solve_s": np.array(self._solve_s)})
        return figures


def _traffic(
    clock: Clock, case: Case, stands: list[StrategyRun], progress: Callable[[float], None]
) -> Iterator[Any]:
    """Begin every step of traffic, for all strategies alike."""
    step_us = micros(case.step_s)
    for step in range(case.steps):
        yield clock.at(step * step_us, Priority.TRAFFIC)
        for stand in stands:
            stand.meter.step(step)
        progress(step / case.steps)


def _halt(stands: dict[str, StrategyRun], clock: Clock, name: str, down: bool) -> None:
    """Stop or start a controller; of reasons to stop that overlap the first one counts."""
    stand = stands[name]
    route_table, options = stand.route_table, stand.route_table.strategy.control
    route_table.halt(down)
    if not down or route_table.halts > 1:
        return
    if options.on_outage == "withdraw":
        _withdraw(stand)
    elif options.stale_limit_s is not None:
        clock.process(_withdraw_when_stale(stand, clock, options.stale_limit_s))


def _withdraw_when_stale(stand: StrategyRun, clock: Clock, limit_s: float) -> Iterator[Any]:
    """Return to the static rules when the controller has been silent for too long."""
    stopped = stand.route_table.stops
    yield clock.after(limit_s, Priority.CONTROL)
    if stand.route_table.halts and stand.route_table.stops == stopped:
        _withdraw(stand)


def _withdraw(stand: StrategyRun) -> None:
    moved = stand.route_table.withdraw()
    stand.log("controller", "withdrawal", stand.route_table.lower, moved, np.nan)


def _write_events(emit: Emit, strategy: str, events: list[tuple[float, str]]) -> None:
    emit(
        strategy,
        "events",
        {
            "time_s": np.array([time for time, _ in events]),
            "event": Coded.of(np.array([what for _, what in events], dtype=object)),
        },
    )
