"""Control: one process for static and SDN alike. It measures, solves, waits and installs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from simpy import Event

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.routing.scheme import Scheme
from simulator.routing.scheme import scheme as schemes
from simulator.schema import NonNegative, Positive, checked
from simulator.simulation.clock import Clock, Rung, micros
from simulator.simulation.plant import Plant
from simulator.simulation.source import Source

Moved = tuple[int, float]
"""How many demands go elsewhere than before, and how many Gbps of them."""
Log = Callable[[str, str, Routes, Moved], None]
"""Called at every install with layer, trigger, routes, and (demands moved, Gbps moved)."""

TrafficClass = Literal["domestic", "international_out", "international_in", "transit"]


@checked
class Control:
    """How and how often routes are made and installed.

    Attributes
    ----------
    every_s : float
        Seconds between decisions on measured traffic; without it routes are made at the start and
        after topology changes only (static).
    window_s : float
        Length of the measurement window; 0 for an instantaneous reading.
    staleness_s : float
        Age of the end of that window when it is used.
    noise_sigma : float
        Sampling error: each measured demand is off by a lognormal factor of mean one.
    compute_s : float
        Time to compute routes.
    install_s : float
        Time to install them; old routes carry the traffic meanwhile (make before break).
    steers : tuple of str
        Traffic classes that are steered; the rest follows the static rules.
    detect_s : float
        Time until a link that went up or down is noticed.
    converge_s : float
        Time from notice until the static rules have reconverged (IGP).
    on_outage : str
        When the controller stops: ``fail_static`` leaves its routes in place, ``withdraw`` returns
        to the static rules.
    """

    every_s: Positive | None = None
    window_s: NonNegative = 60.0
    staleness_s: NonNegative = 60.0
    noise_sigma: NonNegative = 0.05
    compute_s: NonNegative = 2.0
    install_s: NonNegative = 5.0
    steers: tuple[TrafficClass, ...] = ("international_out", "international_in")
    detect_s: NonNegative = 1.0
    converge_s: NonNegative = 2.0
    on_outage: Literal["fail_static", "withdraw"] = "fail_static"


@checked
class Strategy:
    """One way of running the network: a scheme with a control loop.

    Attributes
    ----------
    scheme : Scheme
        How routes are made.
    control : Control
        The loop; left out, or without ``every_s``, the strategy is static.
    fallback : Scheme
        Static rules for traffic that is not steered, and after a withdrawal; the scheme of the
        first static strategy of the scenario when left out.
    """

    scheme: Annotated[Any, schemes.choice]
    control: Control = Control()
    fallback: Annotated[Any, schemes.choice] | None = None

    @property
    def is_static(self) -> bool:
        """Whether routes never follow measured traffic."""
        return self.control.every_s is None

    @property
    def rules(self) -> Scheme:
        """The static rules underneath: the scheme itself for a static strategy."""
        return self.scheme if self.is_static or self.fallback is None else self.fallback


class Desk:
    """Where a strategy keeps its two layers of routes.

    The lower layer is the static rules, kept by the IGP. The upper layer is what the controller
    steers. Traffic follows the upper layer where it leads over live links, the lower one elsewhere.

    Parameters
    ----------
    name : str
    strategy : Strategy
    demands : Demands
        Base demands: what the static rules are planned for.
    settle : callable
        Called before the routes in force change, so that time so far is accounted for.
    rates : callable
        Gives the rates of this moment, to tell how much traffic a change moves.

    Attributes
    ----------
    steered : ndarray of int
        Positions of the demands that the controller steers.
    upper, lower : Routes or None
        The controller's routes, and the static rules.
    in_force : Routes or None
        What all demands follow.
    halts : int
        Reasons for which the controller stands still.
    """

    def __init__(
        self,
        name: str,
        strategy: Strategy,
        demands: Demands,
        settle: Callable[[], None],
        rates: Callable[[], np.ndarray],
    ) -> None:
        self.name, self.strategy, self.demands = name, strategy, demands
        steers = () if strategy.is_static else strategy.control.steers
        self.steered = np.flatnonzero(demands.of_class(steers))
        self.lower: Routes | None = None
        self.upper: Routes | None = None
        self.in_force: Routes | None = None
        self.halts = 0
        self._dead: np.ndarray | None = None
        self._settle, self._rates = settle, rates

    def install_rules(self, routes: Routes, dead: np.ndarray) -> Moved:
        """Put new static routes in place, and take steered traffic off arcs now known as dead."""
        self.lower, self._dead = routes, dead
        return self._compose()

    def install_steering(self, routes: Routes | None) -> Moved:
        """Put new steered routes in place; None returns their traffic to the static rules."""
        self.upper = routes
        return self._compose()

    def _compose(self) -> Moved:
        """Stack the layers, and tell how much traffic that moves."""
        assert self.lower is not None and self._dead is not None
        self._settle()
        old, self.in_force = self.in_force, self.lower
        if self.upper is not None:
            self.in_force = self.upper.avoiding(self._dead).over(self.lower)
        return (0, 0.0) if old is None else self.in_force.moved(old, self._rates())


@dataclass(frozen=True)
class Layer:
    """What the control process needs to run one layer of routes."""

    decide: Callable[[str], Callable[[], None] | None]
    every_s: float | None
    detect_s: float
    act_s: float


def control(clock: Clock, plant: Plant, layer: Layer) -> Iterator[Any]:
    """Re-route when the topology changes and, if set, every ``every_s``."""
    notices, trigger = plant.notices(layer.detect_s), "start"
    while True:
        news, decided = notices.next, clock.now
        install = layer.decide(trigger)
        if install:
            if trigger != "start":
                yield clock.after(layer.act_s, Rung.CONTROL)
            install()
        tick = _next_tick(clock, layer.every_s, decided)
        yield news | tick
        trigger = "topology" if news.triggered else "tick"


def _next_tick(clock: Clock, every_s: float | None, decided: int) -> Event:
    """The next multiple of the cycle after the last decision that has not passed."""
    if every_s is None:
        return clock.env.event()
    every = micros(every_s)
    return clock.at(max(decided // every + 1, -(-clock.now // every)) * every, Rung.CONTROL)


def rules_layer(plant: Plant, desk: Desk, log: Log) -> Layer:
    """Static rules: routes for the base demands, remade when the topology changes."""
    timing = desk.strategy.control

    def decide(trigger: str) -> Callable[[], None]:
        network = plant.seen(micros(timing.detect_s))
        routes = desk.strategy.rules.route(network, desk.demands, desk.lower)

        def install() -> None:
            log("rules", trigger, routes, desk.install_rules(routes, ~network.up))

        return install

    return Layer(decide, None, timing.detect_s, timing.converge_s)


def steering_layer(
    clock: Clock, plant: Plant, source: Source, desk: Desk, streams: Streams, log: Log
) -> Layer:
    """SDN: routes for measured demands, remade every cycle."""
    timing = desk.strategy.control
    noise = _Noise(streams, desk.demands, timing.noise_sigma)
    stale, window = micros(timing.staleness_s), micros(timing.window_s)

    def decide(trigger: str) -> Callable[[], None] | None:
        if desk.halts:
            return None
        end = clock.now - stale
        measured = desk.demands.with_gbps(source.mean(end - window, end) * noise.next())
        network = _seen(plant, timing)
        assert desk.lower is not None
        current = desk.upper.where(desk.steered) if desk.upper else None
        routes = steer(desk.strategy.scheme, network, measured, desk.steered, desk.lower, current)

        def install() -> None:
            if not desk.halts:
                log("controller", trigger, routes, desk.install_steering(routes))

        return install

    return Layer(decide, timing.every_s, timing.detect_s, timing.compute_s + timing.install_s)


def _seen(plant: Plant, timing: Control) -> Network:
    """The network as the controller knows it: topology as detected, capacities as measured."""
    capacity = plant.seen(micros(timing.staleness_s)).capacity_gbps
    up = plant.seen(micros(timing.detect_s)).up & (capacity > 0)
    return plant.network.under(up=up, capacity_gbps=capacity)


def steer(
    scheme: Scheme,
    network: Network,
    demands: Demands,
    steered: np.ndarray,
    under: Routes,
    current: Routes | None = None,
) -> Routes:
    """Route the steered demands around the load of the others.

    Parameters
    ----------
    scheme : Scheme
    network : Network
    demands : Demands
        All demands, as believed.
    steered : ndarray of int
        Positions of the demands to route.
    under : Routes
        Routes that the other demands follow.
    current : Routes, optional
        Steered routes now in force.

    Returns
    -------
    Routes
        Of all demands; those not steered are not served.
    """
    rest = demands.gbps.copy()
    rest[steered] = 0.0
    seen = network.carrying(under.loads(rest))
    return scheme.route(seen, demands.where(steered), current).of(steered, len(demands))


class _Noise:
    """Sampling error of measured demands: one stream for each, drawn some cycles at a time."""

    CYCLES = 64

    def __init__(self, streams: Streams, demands: Demands, sigma: float) -> None:
        self._sigma, self._cycle = sigma, 0
        self._generators = [streams.generator("measurement", name) for name in demands.names]
        self._factors = np.ones((len(demands), 0))

    def next(self) -> np.ndarray:
        """Factors of the next cycle, shape (demands,)."""
        if self._sigma == 0:
            return np.ones(len(self._generators))
        at = self._cycle % self.CYCLES
        if at == 0:
            normal = np.array([g.standard_normal(self.CYCLES) for g in self._generators])
            self._factors = np.exp(self._sigma * normal - self._sigma**2 / 2.0)
        self._cycle += 1
        return self._factors[:, at]
