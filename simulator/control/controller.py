"""Control: one process for static and SDN alike. It measures, predicts, solves and installs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from simpy import Event

from simulator.control.announcements import InboundSteering
from simulator.control.granularity import in_pieces
from simulator.control.predictors.predictor import Outlook
from simulator.control.restraint import HysteresisTrigger, restrained, update_steps
from simulator.control.route_table import RouteTable
from simulator.control.telemetry import Telemetry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Moved, Routes
from simulator.model.streams import Streams
from simulator.routing.scheme import Scheme
from simulator.simulation.clock import Clock, Priority, micros
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import Source

Row = dict[str, Any]
_HELD = 1e-7
"""Share of all traffic below which what is held back is a solver's rounding."""
Stages = Sequence[tuple[float, Callable[[], None]]]
"""What to do, one after the other, each after so many seconds."""


class Log(Protocol):
    """Takes note of a decision and what putting it in force moved; returns the row it wrote."""

    def __call__(
        self, layer: str, trigger: str, routes: Routes | None, moved: Moved | None, solve_s: float
    ) -> Row:
        """Write the row; without routes, a cycle in which they were left alone."""
        ...


@dataclass(frozen=True)
class Layer:
    """What the control process needs to run one layer of routes.

    Attributes
    ----------
    decide : callable
        Takes what it was triggered by and returns what to do.
    every_s : float or None
    detect_s : float
    desk : Desk or None
        That of the controller whose stop ends all that is on its way; None for rules, which no
        controller makes.
    """

    decide: Callable[[str], Stages | None]
    every_s: float | None
    detect_s: float
    route_table: RouteTable | None = None


def control(clock: Clock, network_state: NetworkState, layer: Layer) -> Iterator[Any]:
    """Re-route when the topology changes and, if set, every ``every_s``."""
    notices, trigger = network_state.notices(layer.detect_s), "start"
    while True:
        news, decided = notices.next, clock.now
        stop = layer.route_table.stopped if layer.route_table else clock.env.event()
        for delay_s, act in layer.decide(trigger) or ():
            if trigger != "start":
                yield clock.after(delay_s, Priority.CONTROL) | stop
            if stop.triggered:
                break  # nobody is there to install what was decided
            act()
            if news.triggered:
                break  # what is left of a step-by-step update was made for another topology
        tick = _next_tick(clock, layer.every_s, decided)
        yield news | tick
        trigger = "topology" if news.triggered else "cycle"


def _next_tick(clock: Clock, every_s: float | None, decided: int) -> Event:
    """The next multiple of the cycle after the last decision that has not passed."""
    if every_s is None:
        return clock.env.event()
    every = micros(every_s)
    return clock.at(max(decided // every + 1, -(-clock.now // every)) * every, Priority.CONTROL)


def rules_layer(network_state: NetworkState, route_table: RouteTable, log: Log) -> Layer:
    """Static rules: routes for the base demands, remade when the topology changes."""
    timing = route_table.strategy.control
    detected = micros(timing.detect_s)
    network_state.notices(
        timing.detect_s, lambda: route_table.notice(~network_state.seen(detected).up)
    )

    def decide(trigger: str) -> Stages:
        network = network_state.seen(detected)
        routes, solve_s = _timed(
            route_table.strategy.rules, network, route_table.demands, route_table.lower
        )

        def install() -> None:
            log("static", trigger, routes, route_table.install_rules(routes, ~network.up), solve_s)

        return [(timing.converge_s, install)]

    return Layer(decide, None, timing.detect_s)


def perfect_information_layer(
    clock: Clock,
    network_state: NetworkState,
    source: Source,
    route_table: RouteTable,
    step_s: float,
    log: Log,
) -> Layer:
    """Perfect knowledge without delay: routes for the true traffic of every step."""

    def decide(trigger: str) -> Stages:
        network = network_state.network
        demands = route_table.demands.with_gbps(source.at(clock.now))
        routes, solve_s = _timed(route_table.strategy.rules, network, demands, route_table.lower)

        def install() -> None:
            log("static", trigger, routes, route_table.install_rules(routes, ~network.up), solve_s)

        return [(0.0, install)]

    return Layer(decide, step_s, 0.0)


class Steering:
    """A controller: routes for predicted demands, remade every cycle.

    Parameters
    ----------
    name : str
        ``controller``, or ``announcements`` for what is steered in that way.
    which : ndarray of int
        Positions of the demands that this layer steers.
    expected : callable
        The planned traffic curve; see :class:`~simulator.control.predictors.predictor.Outlook`.
    """

    def __init__(
        self,
        name: str,
        which: np.ndarray,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        route_table: RouteTable,
        streams: Streams,
        log: Log,
        expected: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._name, self._which, self._timing = name, which, route_table.strategy.control
        self._clock, self._network_state, self._source = clock, network_state, source
        self._route_table, self._log = route_table, log
        #: Without the planning window, which is for the static rules.
        self._base = replace(route_table.demands, window_gbps=None)
        self._telemetry = Telemetry(source, streams, self._base, self._timing)
        self._predict = self._timing.predict.start(self._outlook(expected))
        self._hysteresis = HysteresisTrigger(self._timing.hysteresis)
        self._delays = streams.generator("install", name)
        self._inbound: InboundSteering | None = None
        if name == "announcements" and self._timing.announcements:
            mine = self._base.take(which)
            self._inbound = InboundSteering(
                network_state.network, mine, streams, self._timing.announcements
            )
        self._decided: Routes | None = None
        self._below: tuple[Routes, Routes] | None = None
        self._cycle = -1
        self._believed = self._base.gbps
        self._capacity_gbps = np.where(
            network_state.network.capacity_gbps > 0,
            network_state.network.capacity_gbps,
            network_state.network.installed_gbps,
        )
        self._open: tuple[Row, int, np.ndarray] | None = None

    @property
    def layer(self) -> Layer:
        """What the control process runs."""
        return Layer(self._decide, self._every_s, self._timing.detect_s, self._route_table)

    @property
    def _every_s(self) -> float:
        announced = self._timing.announcements if self._name == "announcements" else None
        every_s = announced.every_s if announced else self._timing.every_s
        assert every_s is not None
        return every_s

    def _outlook(self, expected: Callable[[np.ndarray], np.ndarray]) -> Outlook:
        """Routes are in force from their installation for a cycle: forecast its middle."""
        timing = self._timing
        compute_s = 0.0 if timing.compute_s == "measured" else timing.compute_s
        late_s = timing.window_s / 2.0 + timing.staleness_s + compute_s + self._install_s()
        return Outlook(self._every_s, late_s + self._every_s / 2.0, expected)

    def _decide(self, trigger: str) -> Stages | None:
        route_table, timing = self._route_table, self._timing
        self._judge_last_prediction(self._clock.now)
        if route_table.halts:
            return None
        believed = self._forecast()
        network, demands = self._look(), self._base.with_gbps(believed)
        rings = self._hysteresis.active(self._fullest_exit(network, demands), self._holds(demands))
        if not rings and trigger != "topology":
            row = self._log(self._name, trigger, None, None, np.nan)
            self._open = (row, self._clock.now, believed[self._which])
            return None
        below = route_table.below(self._name)
        part = route_table.strategy.steered_share
        current = self._decided if self._name in route_table.uppers else None
        steer_now = partial(steer, demands=demands, steered=self._which, part=part)
        seen, mine = steer_now(network, under=below)
        static = self._unasked(below)
        old = static
        if current is not None:
            # Not all of what announcements could steer need have been called anywhere.
            old = current.with_fallback(static) if self._inbound else current
        routes, solve_s = _timed(
            route_table.strategy.scheme, seen, mine, None if current is None else old
        )
        if self._inbound:
            if timing.pieces is not None:
                routes = in_pieces(routes, mine, timing.pieces)
            routes = self._inbound.announce(routes, static, current, seen, mine, timing)
        else:
            routes = restrained(routes, old, seen, mine, timing)
            if timing.pieces is not None:
                routes = in_pieces(routes, mine, timing.pieces)

        stages = []
        steps = self._steps(trigger, current)
        for step in range(1, steps + 1):
            target = routes if step == steps else routes.blend(old, step / steps)
            delay_s = self._delay_s(target, old, mine) + (self._compute_s(solve_s) * (step == 1))
            install = partial(self._install, target, below, believed, trigger, solve_s)
            stages.append((delay_s, install))
        return stages

    def _unasked(self, below: Routes) -> Routes:
        """What steered demands follow unasked; the rules below seldom change."""
        if self._below is None or self._below[0] is not below:
            self._below = below, below.take(self._which)
        return self._below[1]

    def _forecast(self) -> np.ndarray:
        """What the traffic is believed to be: one measurement a cycle, whatever it acts on."""
        now = self._clock.now
        cycle = now // micros(self._every_s)
        if cycle != self._cycle:
            self._cycle = cycle
            measured = self._telemetry.measure(now)
            self._believed = self._predict(self._telemetry.middle_s(now), measured)
        return self._believed

    def _look(self) -> Network:
        """The network as the controller knows it: topology as detected, capacities as measured.

        A link that was cut whole when capacities were measured, and is known to be up again since,
        counts with the capacity that was last measured of it while it had any.
        """
        timing = self._timing
        measured = self._network_state.seen(micros(timing.staleness_s))
        up = self._network_state.seen(micros(timing.detect_s)).up
        gone = ~measured.up & (measured.capacity_gbps == 0)
        if timing.staleness_s <= timing.detect_s:
            up = up & ~gone  # the measurement is the later news
        capacity = np.where(gone, self._capacity_gbps, measured.capacity_gbps)
        self._capacity_gbps = capacity
        back = (up & gone)[::2]
        faults = [
            each
            for each in measured.faults
            if not (back.any() and measured.fault_share(each)[back].any())
        ]
        return measured.under(up=up & (capacity > 0), capacity_gbps=capacity, faults=faults)

    def _steps(self, trigger: str, current: Routes | None) -> int:
        """Number of steps in which new routes replace the current ones."""
        if current is None or trigger == "topology" or self._inbound:
            return 1
        return update_steps(self._timing)

    def _install(
        self, routes: Routes, below: Routes, believed: np.ndarray, trigger: str, solve_s: float
    ) -> None:
        """Put routes in place."""
        route_table = self._route_table
        self._decided = routes
        if self._inbound:
            static = self._unasked(below)
            routes = self._inbound.arrive(routes, static, self._network_state.network)
        put = routes.scaled(route_table.strategy.steered_share).scattered(
            self._which, len(route_table.demands)
        )
        row = self._log(
            self._name, trigger, routes, route_table.install_steering(self._name, put), solve_s
        )
        self._open = (row, self._clock.now, believed[self._which])

    def _judge_last_prediction(self, now: int) -> None:
        """Write down by how much the traffic differed from what was believed in the last cycle."""
        if self._open is None:
            return
        (row, since, believed), self._open = self._open, None
        until = min(now, since + micros(self._every_s))
        if until > since:
            actual = self._source.mean(since, until)[self._which]
            total = actual.sum()
            row["prediction_error"] = (
                float(np.abs(believed - actual).sum() / total) if total > 0 else 0.0
            )

    def _fullest_exit(self, network: Network, demands: Demands) -> float:
        """Utilisation of the fullest exit direction, as predicted under the routes in force."""
        if self._timing.hysteresis is None or not len(network.exits):
            return np.inf
        assert self._route_table.in_force is not None
        arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        load, capacity = (
            self._route_table.in_force.loads(demands.gbps)[arcs],
            network.capacity_gbps[arcs],
        )
        live = network.up[arcs]
        return float((load[live] / capacity[live]).max(initial=0.0))

    def _holds(self, demands: Demands) -> bool:
        """Whether the routes in place hold back any of this traffic at its source."""
        upper = self._route_table.uppers.get(self._name)
        if upper is None or upper.throttled is None:
            return False
        return bool(upper.throttled @ demands.gbps > _HELD * demands.gbps.sum())

    def _compute_s(self, solve_s: float) -> float:
        fixed = self._timing.compute_s
        return solve_s if fixed == "measured" else fixed

    def _install_s(self) -> float:
        """Typical time to install."""
        announced = self._timing.announcements if self._name == "announcements" else None
        if self._timing.update == "instant" and not announced:
            return 0.0
        return announced.install_s if announced else self._timing.install_s

    def _delay_s(self, new: Routes, old: Routes, demands: Demands) -> float:
        """Time that this installation takes."""
        delay_s, timing = self._install_s(), self._timing
        if timing.install_sigma > 0:
            delay_s *= float(np.exp(timing.install_sigma * self._delays.standard_normal()))
        if timing.rule_ms > 0 and timing.update != "instant":
            written = new.entries[new.moved(old, demands.gbps).which].sum()
            delay_s += float(written) * timing.rule_ms / 1000.0
        return delay_s


def _timed(
    scheme: Scheme, network: Network, demands: Demands, current: Routes | None
) -> tuple[Routes, float]:
    """Routes, and how long this machine took over them."""
    began = time.perf_counter()
    routes = scheme.route(network, demands, current)
    return routes, time.perf_counter() - began


def steer(
    network: Network, demands: Demands, steered: np.ndarray, under: Routes, part: float = 1.0
) -> tuple[Network, Demands]:
    """Return what a scheme is asked that steers some demands around the load of the others.

    Parameters
    ----------
    network : Network
    demands : Demands
        All demands, as believed.
    steered : ndarray of int
        Positions of the demands to route.
    under : Routes
        Routes that all others follow.
    part : float
        Share of each steered demand that is steered; the rest is among the others.

    Returns
    -------
    network : Network
        With the load of the others in the background.
    demands : Demands
        Those to route.
    """
    rest = demands.gbps.copy()
    rest[steered] *= 1.0 - part
    mine = demands.take(steered)
    if part != 1.0:
        mine = mine.with_gbps(mine.gbps * part)
    return network.carrying(under.loads(rest)), mine
