"""The control process: one for static and SDN alike. It decides, waits, installs, and waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simpy import Event

from simulator.control.decision_log import DecisionLog
from simulator.control.route_table import RouteTable
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.scheme import Scheme
from simulator.simulation.clock import Clock, Priority, micros
from simulator.simulation.scene import Scene

Installs = Sequence[tuple[float, Callable[[], None]]]
"""What to install, one after the other, each after so many seconds."""


@dataclass(frozen=True, eq=False)
class Context:
    """What the control of one strategy works on.

    Attributes
    ----------
    scene : Scene
        Clock, network, traffic and random streams.
    scheme : Scheme
        The scheme of the strategy.
    static_scheme : Scheme
        Makes the routes below those of a controller; *scheme* where there is no controller.
    route_table : RouteTable
        Where the strategy keeps its routes.
    log : DecisionLog
        Where every decision is written.
    """

    scene: Scene
    scheme: Scheme
    static_scheme: Scheme
    route_table: RouteTable
    log: DecisionLog


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of routes, and when it is decided on.

    Attributes
    ----------
    decide : callable
        Takes the trigger (``start``, ``topology`` or ``cycle``) and returns what to install.
    every_s : float or None
        Length of a cycle; without it only changes of topology trigger a decision.
    detect_s : float
        Time until a change of topology is noticed.
    restarts : bool
        Whether another change of topology starts the wait before an installation anew, for routes
        of the newest topology, as the timer of an IGP does. Without it, what is on its way is
        installed first.
    sees_capacity : bool
        Whether a change of capacity alone is noticed like one of topology.
    route_table : RouteTable or None
        That of the controller whose outage cancels all installations on their way; None for static
        routes, which no controller makes.
    ahead : callable or None
        Decides many cycles at once, beginning with the one that is due, and returns when the next
        one is; None where cycles are decided one by one. Asked at every cycle.
    """

    decide: Callable[[str], Installs | None]
    every_s: float | None
    detect_s: float
    restarts: bool = False
    sees_capacity: bool = False
    route_table: RouteTable | None = None
    ahead: Callable[[], int | None] | None = None


def control(scene: Scene, layer: Layer) -> Iterator[Any]:
    """Re-route when the topology changes and, if set, every ``every_s``."""
    clock, trigger = scene.clock, "start"
    notices = scene.network_state.notices(layer.detect_s, capacity=layer.sees_capacity)
    while True:
        change, decided_us = notices.next, clock.now
        until = layer.ahead() if layer.ahead and trigger == "cycle" else None
        if until is not None:
            yield change | clock.at(until, Priority.CONTROL)
            trigger = "topology" if change.triggered else "cycle"
            continue
        stop = layer.route_table.stopped if layer.route_table else clock.env.event()
        for delay_s, install in layer.decide(trigger) or ():
            if trigger != "start":
                timer = clock.after(delay_s, Priority.CONTROL)
                yield timer | stop | change if layer.restarts else timer | stop
                if not timer.processed:
                    break  # the controller is down, or the timer starts anew
            elif stop.triggered:
                break
            install()
            if change.triggered:
                break  # the remaining steps of the update were made for another topology
        yield change | _next_cycle(clock, layer.every_s, decided_us)
        trigger = "topology" if change.triggered else "cycle"


def _next_cycle(clock: Clock, every_s: float | None, decided_us: int) -> Event:
    """The next multiple of the cycle after the last decision that has not passed."""
    if every_s is None:
        return clock.env.event()
    every = micros(every_s)
    return clock.at(max(decided_us // every + 1, -(-clock.now // every)) * every, Priority.CONTROL)


def timed_route(
    route: Callable[..., Routes], network: Network, demands: Demands, current: Routes | None
) -> tuple[Routes, float]:
    """Return routes, and the seconds that this machine took over them."""
    began = time.perf_counter()
    routes = route(network, demands, current)
    return routes, time.perf_counter() - began


def first_route(
    kept: dict[str, Any] | None, layer: str, make: Callable[[], tuple[Routes, float]]
) -> tuple[Routes, float]:
    """Return what *make* does, made once for all scenes that share what they have at the start."""
    if kept is None:
        return make()
    if layer not in kept:
        kept[layer] = make()
    routes: tuple[Routes, float] = kept[layer]
    return routes
