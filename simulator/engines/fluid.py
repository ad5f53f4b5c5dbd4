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
from simulator.simulation.controller import Desk, control, rules_layer, steering_layer
from simulator.simulation.headroom import headroom
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

        desks = {stand.desk.name: stand.desk for stand in stands}
        events: list[tuple[float, str]] = []
        for event in case.events:
            clock.process(
                outage(
                    clock,
                    plant,
                    event,
                    partial(_halt, desks),
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
        self._clock, self._case, self._emit = clock, case, partial(emit, name)
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
            detail=case.detail,
            every=case.every,
            emit=self._emit,
        )
        self.desk = Desk(name, strategy, case.demands, self.monitor.settle)
        clock.process(control(clock, plant, rules_layer(plant, self.desk, self._log)))
        if len(self.desk.steered):
            layer = steering_layer(clock, plant, source, self.desk, streams, self._log)
            clock.process(control(clock, plant, layer))

    def _routes(self) -> Routes:
        assert self.desk.in_force is not None
        return self.desk.in_force

    def _log(self, layer: str, trigger: str, routes: Routes, moved: tuple[int, float]) -> None:
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
        _, network, demands = self.monitor.hardest
        room = headroom(self.desk.strategy, network, demands, self._case.exit_target)
        steering = [d for d in self._decisions if d["layer"] == "controller"]
        gaps = [d["gap"] for d in self._decisions if np.isfinite(d["gap"])]
        rows += [
            ("headroom", "all", "1", room),
            ("control_cycles", "all", "1", float(len(steering))),
            ("moves", "all", "1", float(sum(d["moves"] for d in self._decisions))),
            ("moved_gbps", "all", "Gbps", float(sum(d["moved_gbps"] for d in self._decisions))),
            ("gap_max", "all", "1", float(max(gaps, default=0.0))),
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


def _halt(desks: dict[str, Desk], name: str, down: bool) -> None:
    """Stop or start a controller."""
    desk = desks[name]
    desk.halted = down
    if down and desk.strategy.control.on_outage == "withdraw":
        desk.install_steering(None)


def _write_events(emit: Emit, strategy: str, events: list[tuple[float, str]]) -> None:
    emit(
        strategy,
        "events",
        {
            "time_s": np.array([time for time, _ in events]),
            "event": Coded.of(np.array([what for _, what in events], dtype=object)),
        },
    )
