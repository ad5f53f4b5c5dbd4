"""The stage: clock, network, traffic and strategies of one replication, and the actors on it.

An actor is a SimPy process: faults, control layers and traffic are actors, and so is whatever an
engine adds. What happens at one instant happens in the order of
:class:`~simulator.simulation.clock.Priority`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from simulator.control.process import control
from simulator.engines.case import Case
from simulator.engines.engine import Emit, Meter
from simulator.engines.inbound_watch import InboundWatch
from simulator.engines.strategy_run import StrategyRun
from simulator.model.billing import Terms
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.recording.tally import InboundTotals
from simulator.results.metrics import Figures
from simulator.results.writer import Coded
from simulator.simulation.clock import US_PER_S, Clock, Priority, micros
from simulator.simulation.faults import Event, outage
from simulator.simulation.network_state import NetworkState
from simulator.simulation.scene import Scene
from simulator.simulation.traffic_source import Source

Actor = Callable[["Stage"], Iterator[Any]]
"""A process on the stage: a generator function.

The stage calls it once, when the actor is added, and runs the generator until it ends: it yields
events of ``stage.clock`` (:meth:`Clock.at <simulator.simulation.clock.Clock.at>`,
:meth:`Clock.after <simulator.simulation.clock.Clock.after>`) or other SimPy events, and acts on
``stage.network_state``, ``stage.runs`` or things of its own when they fire.
"""

MakeMeter = Callable[["Stage", str, Callable[[], Routes]], Meter]
"""How an engine measures: called once for every strategy, before the clock starts.

It takes the stage, whose ``runs`` are not complete yet; the name of the strategy; and a function
that returns the routes in force, to be called from the first instant on.
"""


class Stage(Scene):
    """One replication of a case, with control, faults and traffic as its first actors.

    Parameters
    ----------
    emit : callable
        Takes finished table rows.
    make_meter : callable
        The engine's way of measuring.
    takes_series : bool
        Whether its meters read :attr:`StrategyRun.series`. Controllers then decide many cycles at
        once where all is regular; without it, every change of routes is told at its time.

    Attributes
    ----------
    clock, network_state, source, streams, inbound, terms, store
        See :class:`~simulator.simulation.scene.Scene`.
    case : Case
    runs : dict of str to StrategyRun
        One for every strategy, in the order of the case.
    progress : callable
        Takes the share done, from 0 to 1.
    """

    def __init__(
        self,
        case: Case,
        replication: int,
        emit: Emit,
        make_meter: MakeMeter,
        *,
        takes_series: bool = False,
    ) -> None:
        clock, streams = Clock(), Streams(case.seed, replication)
        memory_s = max(strategy.control.memory_s for strategy in case.strategies.values())
        source = Source(case.series, streams, case.steps, case.step_s, memory_s)
        inbound = case.inbound_world(streams)
        terms = Terms(case.billing, case.horizon_s)
        state = NetworkState(clock, case.network, memory_s)
        super().__init__(clock, state, source, streams, inbound, terms)
        self.case, self.emit = case, emit
        self.progress: Callable[[float], None] = lambda done: None
        self._notes: list[tuple[float, str]] = []
        self.runs = {
            name: StrategyRun(
                self,
                strategy,
                case.demands,
                partial(make_meter, self, name),
                partial(emit, name),
                takes_series=takes_series,
                keeps_decisions=case.decisions,
            )
            for name, strategy in case.strategies.items()
        }
        self.network_state.before_change.extend(run.meter.settle for run in self.runs.values())
        for run in self.runs.values():
            for layer in run.layers:
                clock.process(control(self, layer))
        self._watch = InboundWatch(inbound, self.network_state) if inbound is not None else None
        self._found: dict[str, InboundTotals] | None = None
        if inbound is not None:
            clock.process(inbound.drift(clock))
        self.borders_us = _borders_us(case)
        for event in case.events:
            clock.process(outage(clock, self.network_state, event, self.halt, self.note))
        clock.process(_traffic(self))

    def add(self, actor: Actor) -> None:
        """Let another actor act from this instant on; it may change anything at any time."""
        self.borders_us = None
        self.clock.process(actor(self))

    def note(self, event: str) -> None:
        """Write an event of this instant to the table ``events``."""
        self._notes.append((self.clock.now / US_PER_S, event))

    def halt(self, event: Event, down: bool) -> None:
        """Begin (*down*) or end an outage of the controller or the telemetry of a strategy."""
        self.runs[str(event.strategy)].halt(event, down)

    def watch(self, step: int) -> None:
        """Take note of what is announced at the end of a step, before anything changes."""
        if self._watch is not None:
            announced = {name: run.announced for name, run in self.runs.items()}
            mine = {name: each for name, each in announced.items() if each is not None}
            self._watch.see(self.source.rates(step), mine)

    def inbound_totals(self, strategy: str) -> InboundTotals | None:
        """Return how full the fullest inward exit was at the busiest instant, and had to be."""
        if self._found is None:
            self.watch(self.case.steps - 1)
            self._found = self._watch.totals() if self._watch else {}
        return self._found.get(strategy)

    def run(self, progress: Callable[[float], None]) -> dict[str, Figures]:
        """Run all actors up to the horizon and return the figures of every strategy."""
        self.progress, case = progress, self.case
        self.clock.env.run(until=self.clock.at(micros(case.horizon_s), Priority.END))
        if self._notes:
            times, events = zip(*self._notes, strict=True)
            words = Coded.of(np.array(events, dtype=object))
            self.emit(next(iter(self.runs)), "events", {"time_s": np.array(times), "event": words})
        best = self.runs[case.yardstick].cost_gbit_ms() if case.yardstick else None
        return {name: run.close(best) for name, run in self.runs.items()}


def _borders_us(case: Case) -> tuple[int, ...]:
    """When events begin and end, and the horizon, in order."""
    ends = (event.until_h for event in case.events)
    hours = {*(event.at_h for event in case.events), *(h for h in ends if h is not None)}
    return tuple(sorted({*(micros(hour * 3600) for hour in hours), micros(case.horizon_s)}))


def _traffic(stage: Stage) -> Iterator[Any]:
    """Begin every step of traffic, the same for all strategies."""
    case, step_us = stage.case, micros(stage.case.step_s)
    for step in range(case.steps):
        yield stage.clock.at(step * step_us, Priority.TRAFFIC)
        if step:
            stage.watch(step - 1)
        for run in stage.runs.values():
            run.meter.step(step)
        stage.progress(step / case.steps)
