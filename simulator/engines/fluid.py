"""The fluid engine: traffic as rates, on SimPy's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from simulator.engines.engine import Emit, engine
from simulator.model.results import Coded
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.simulation.case import Case
from simulator.simulation.clock import US_PER_S, Clock, Rung, micros
from simulator.simulation.controller import Desk, Moved, control, rules_layer, steering_layer
from simulator.simulation.headroom import Headroom
from simulator.simulation.monitor import Figures, Monitor
from simulator.simulation.outages import outage
from simulator.simulation.plant import Plant
from simulator.simulation.source import Source


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
        memory_s = max(s.control.staleness_s + s.control.window_s for s in case.strategies.values())
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
                    partial(_halt, by_name),
                    lambda what: events.append((clock.now / US_PER_S, what)),
                )
            )
        clock.process(_traffic(clock, case, stands, progress))
        clock.env.run(until=clock.at(micros(case.horizon_s), Rung.END))

        if events and stands:
            _write_events(emit, stands[0].desk.name, events)
        return {stand.desk.name: stand.close() for stand in stands}


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
        self._clock, self._emit = clock, partial(emit, name)
        self._decisions: list[dict[str, Any]] = []
        strategy = case.strategies[name]
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
        )
        self.desk = Desk(
            name, strategy, case.demands, self.monitor.settle, self.monitor.current_rates
        )
        clock.process(control(clock, plant, rules_layer(plant, self.desk, self.log)))
        if len(self.desk.steered):
            layer = steering_layer(clock, plant, source, self.desk, streams, self.log)
            clock.process(control(clock, plant, layer))

    def _routes(self) -> Routes:
        assert self.desk.in_force is not None
        return self.desk.in_force

    def log(self, layer: str, trigger: str, routes: Routes, moved: Moved) -> None:
        """Write an installation of routes down, with its proof and what it moved."""
        proof = routes.certificate
        self._decisions.append(
            {
                "time_s": self._clock.now / US_PER_S,
                "layer": layer,
                "trigger": trigger,
                "status": proof.status if proof else "",
                "mlu": proof.mlu if proof else np.nan,
                "mlu_bound": proof.mlu_bound if proof else np.nan,
                "objective_gbps_ms": proof.objective if proof else np.nan,
                "bound_gbps_ms": proof.bound if proof else np.nan,
                "gap": proof.gap if proof else np.nan,
                "paths": proof.columns if proof else 0,
                "rounds": proof.rounds if proof else 0,
                "moves": moved[0],
                "moved_gbps": moved[1],
            }
        )

    def close(self) -> Figures:
        """Close the monitor at the horizon and add what it cannot see."""
        rows = self.monitor.close()
        steering = [
            d
            for d in self._decisions
            if d["layer"] == "controller" and d["trigger"] != "withdrawal"
        ]
        gaps = [d["gap"] for d in self._decisions if np.isfinite(d["gap"])]
        rows += [
            ("control_cycles", "all", "1", float(len(steering))),
            ("moves", "all", "1", float(sum(d["moves"] for d in self._decisions))),
            ("moved_gbps", "all", "Gbps", float(sum(d["moved_gbps"] for d in self._decisions))),
            ("gap_max", "all", "1", float(max(gaps, default=np.nan))),
        ]
        columns = {key: np.array([d[key] for d in self._decisions]) for key in self._decisions[0]}
        words = {key: Coded.of(columns[key]) for key in ("layer", "trigger", "status")}
        self._emit("control", {**columns, **words})
        return rows


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


def _halt(stands: dict[str, Stand], name: str, down: bool) -> None:
    """Stop or start a controller."""
    stand = stands[name]
    desk = stand.desk
    desk.halts += 1 if down else -1
    if desk.halts and desk.strategy.control.on_outage == "withdraw":
        moved = desk.install_steering(None)
        assert desk.lower is not None
        stand.log("controller", "withdrawal", desk.lower, moved)


def _write_events(emit: Emit, strategy: str, events: list[tuple[float, str]]) -> None:
    emit(
        strategy,
        "events",
        {
            "time_s": np.array([time for time, _ in events]),
            "event": Coded.of(np.array([what for _, what in events], dtype=object)),
        },
    )
