"""The fluid engine: traffic as rates, on SimPy's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from simulator.engines.engine import Emit, engine
from simulator.model.results import SOLVE_TIMES, Coded
from simulator.model.routes import Moved, Routes
from simulator.model.streams import Streams
from simulator.simulation.case import Case
from simulator.simulation.clock import US_PER_S, Clock, Rung, micros
from simulator.simulation.controller import (
    Layer,
    Row,
    Steering,
    control,
    foresight_layer,
    rules_layer,
)
from simulator.simulation.desk import Desk
from simulator.simulation.headroom import Headroom
from simulator.simulation.monitor import Figures, Monitor
from simulator.simulation.outages import outage
from simulator.simulation.plant import Plant
from simulator.simulation.source import Source

S_PER_DAY = 86_400.0


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
        plant = Plant(clock, case.network)
        streams = Streams(case.seed, replication)
        memory_s = max(strategy.control.memory_s for strategy in case.strategies.values())
        source = Source(case.series, streams, case.steps, case.step_s, memory_s)
        stands = [
            Stand(clock, plant, source, case, name, streams, emit) for name in case.strategies
        ]
        plant.before_change.extend(stand.monitor.settle for stand in stands)

        by_name = {stand.desk.name: stand for stand in stands}
        events: list[tuple[float, str]] = []
        for event in case.events:
            clock.process(
                outage(
                    clock,
                    plant,
                    event,
                    partial(_halt, by_name, clock),
                    lambda what: events.append((clock.now / US_PER_S, what)),
                )
            )
        clock.process(_traffic(clock, case, stands, progress))
        clock.env.run(until=clock.at(micros(case.horizon_s), Rung.END))

        if events and stands:
            _write_events(emit, stands[0].desk.name, events)
        best = next((s.cost_gbit_ms for s in stands if s.desk.strategy.foresees), None)
        return {stand.desk.name: stand.close(best) for stand in stands}


class Stand:
    """One strategy on the stage: its desk, its control processes and its monitor."""

    def __init__(
        self,
        clock: Clock,
        plant: Plant,
        source: Source,
        case: Case,
        name: str,
        streams: Streams,
        emit: Emit,
    ) -> None:
        self._clock, self._horizon_s = clock, case.horizon_s
        self._emit = partial(emit, name)
        self._decisions: list[Row] = []
        self._solve_s: list[float] = []
        strategy = case.strategies[name]
        yardstick = next((s.scheme for s in case.strategies.values() if s.foresees), None)
        self.monitor = Monitor(
            clock,
            plant,
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
            treatment=case.series.treatment,
        )
        self._plant = plant
        self.desk = Desk(
            clock,
            name,
            strategy,
            plant.network,
            case.demands,
            self.monitor.cut,
            self.monitor.current_rates,
        )
        for layer in self._layers(plant, source, case, streams):
            clock.process(control(clock, plant, layer))

    def _layers(
        self, plant: Plant, source: Source, case: Case, streams: Streams
    ) -> Iterator[Layer]:
        """The layers of routes that this strategy keeps, lowest first."""
        desk, clock = self.desk, self._clock
        if desk.strategy.foresees:
            yield foresight_layer(clock, plant, source, desk, case.step_s, self.log)
            return
        yield rules_layer(plant, desk, self.log)
        announced = np.zeros(len(desk.demands), dtype=bool)
        if desk.strategy.control.announcements:
            announced = desk.demands.of_class("international_in")

        def expected(seconds: np.ndarray) -> np.ndarray:
            return case.series.expected(seconds / 3600.0)

        for name, which in (
            ("controller", desk.steered[~announced[desk.steered]]),
            ("announcements", desk.steered[announced[desk.steered]]),
        ):
            if len(which):
                yield Steering(
                    name, which, clock, plant, source, desk, streams, self.log, expected
                ).layer

    def _routes(self) -> Routes:
        assert self.desk.in_force is not None
        return self.desk.in_force

    @property
    def cost_gbit_ms(self) -> float:
        """What the strategy cost so far, by the yardstick of the scenario."""
        self.monitor.settle()
        return self.monitor.cost_gbit_ms

    def log(
        self, layer: str, trigger: str, routes: Routes | None, moved: Moved | None, solve_s: float
    ) -> Row:
        """Write an installation of routes down, with its proof and what it moved."""
        proof = routes.certificate if routes else None
        row = {
            "time_s": self._clock.now / US_PER_S,
            "layer": layer,
            "trigger": trigger,
            "status": proof.status if proof else "" if routes else "calm",
            "mlu": proof.mlu if proof else np.nan,
            "mlu_bound": proof.mlu_bound if proof else np.nan,
            "objective_gbps_ms": proof.objective if proof else np.nan,
            "bound_gbps_ms": proof.bound if proof else np.nan,
            "gap": proof.gap if proof else np.nan,
            "paths": proof.columns if proof else 0,
            "rounds": proof.rounds if proof else 0,
            "moves": moved.demands if moved else 0,
            "moved_gbps": moved.gbps if moved else 0.0,
            "rules": self.desk.rules,
            "transient_mlu": self._fullest(moved.peak_gbps) if moved else np.nan,
            "prediction_error": np.nan,
        }
        self._decisions.append(row)
        self._solve_s.append(solve_s)
        return row

    def _fullest(self, load_gbps: np.ndarray) -> float:
        """Highest utilisation under some load, of the links as they stand at this moment."""
        network = self._plant.network
        live = network.up & (network.capacity_gbps > 0)
        return float((load_gbps[live] / network.capacity_gbps[live]).max(initial=0.0))

    def close(self, best_gbit_ms: float | None) -> Figures:
        """Close the monitor at the horizon and add what it cannot see.

        Parameters
        ----------
        best_gbit_ms : float or None
            What the bound of the scenario cost, if it has one.
        """
        rows = self.monitor.close()
        columns = {key: np.array([d[key] for d in self._decisions]) for key in self._decisions[0]}
        steered = np.isin(columns["layer"], ("controller", "announcements"))
        made = steered & (columns["status"] != "calm") & (columns["trigger"] != "withdrawal")
        moved_gbps = float(columns["moved_gbps"].sum())
        rows += [
            ("control_cycles", "all", "1", float(made.sum())),
            ("moves", "all", "1", float(columns["moves"].sum())),
            ("moved_gbps", "all", "Gbps", moved_gbps),
            ("moved_gbps_per_day", "all", "Gbps/d", moved_gbps * S_PER_DAY / self._horizon_s),
            ("rules_peak", "all", "1", float(columns["rules"].max())),
            ("gap_max", "all", "1", _largest(columns["gap"])),
            ("prediction_error", "all", "1", _mean(columns["prediction_error"])),
        ]
        if best_gbit_ms is not None:
            offered = next(
                value for name, scope, _, value in rows if (name, scope) == ("offered_gbit", "all")
            )
            regret = (self.monitor.cost_gbit_ms - best_gbit_ms) / offered if offered > 0 else 0.0
            rows.append(("regret", "all", "ms", regret))
        words = {key: Coded.of(columns[key]) for key in ("layer", "trigger", "status")}
        self._emit("control", {**columns, **words})
        self._emit(SOLVE_TIMES, {"solve_s": np.array(self._solve_s)})
        return rows


def _largest(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else np.nan


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _traffic(
    clock: Clock, case: Case, stands: list[Stand], progress: Callable[[float], None]
) -> Iterator[Any]:
    """Begin every step of traffic, for all strategies alike."""
    step_us = micros(case.step_s)
    for step in range(case.steps):
        yield clock.at(step * step_us, Rung.TRAFFIC)
        for stand in stands:
            stand.monitor.step(step)
        progress(step / case.steps)


def _halt(stands: dict[str, Stand], clock: Clock, name: str, down: bool) -> None:
    """Stop or start a controller; of reasons to stop that overlap the first one counts."""
    stand = stands[name]
    desk, options = stand.desk, stand.desk.strategy.control
    desk.halt(down)
    if not down or desk.halts > 1:
        return
    if options.on_outage == "withdraw":
        _withdraw(stand)
    elif options.stale_limit_s is not None:
        clock.process(_withdraw_when_stale(stand, clock, options.stale_limit_s))


def _withdraw_when_stale(stand: Stand, clock: Clock, limit_s: float) -> Iterator[Any]:
    """Return to the static rules when the controller has been silent for too long."""
    stopped = stand.desk.stops
    yield clock.after(limit_s, Rung.CONTROL)
    if stand.desk.halts and stand.desk.stops == stopped:
        _withdraw(stand)


def _withdraw(stand: Stand) -> None:
    moved = stand.desk.withdraw()
    stand.log("controller", "withdrawal", stand.desk.lower, moved, np.nan)


def _write_events(emit: Emit, strategy: str, events: list[tuple[float, str]]) -> None:
    emit(
        strategy,
        "events",
        {
            "time_s": np.array([time for time, _ in events]),
            "event": Coded.of(np.array([what for _, what in events], dtype=object)),
        },
    )
