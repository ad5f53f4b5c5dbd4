"""Busiest: a meter that finds the instant at which a strategy is the fullest, or one that is named.

Fullest means: the highest utilisation of an exit direction, or of any link without exits, by what
is asked for. A controller that holds a cap is as full for hours: then the most traffic decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from simulator.control.strategy import Strategy
from simulator.engines.case import Case
from simulator.engines.stage import Stage
from simulator.jobs import Progress
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.results.metrics import Figures
from simulator.simulation.clock import US_PER_S, Clock, micros
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source

NEAR = 0.02
"""Instants that are less full than the fullest by no more than this share count as full."""
_BASE = "\0base"
"""Plays where only the traffic and the events of an instant are looked for."""


class Moment(NamedTuple):
    """An instant at which time is stopped.

    Attributes
    ----------
    at_h : float
        Hours from the start.
    network : Network
        As it stands.
    rates : ndarray, shape (demands,)
    """

    at_h: float
    network: Network
    rates: np.ndarray


class _Seen(NamedTuple):
    """An interval in which nothing changed, by figures."""

    at_us: int
    step: int
    network: Network
    fullest: float
    gbps: float


class Busiest:
    """A meter that finds one instant.

    Parameters
    ----------
    demands : Demands
        Base demands: those that cross the border say how much traffic there is, if any do.
    routes : callable
        Returns the routes in force.
    at_h : float, optional
        Take the instant at this hour; the busiest one when left out.
    """

    cost_gbit_ms = 0.0

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        demands: Demands,
        routes: Callable[[], Routes],
        at_h: float | None,
    ) -> None:
        self._clock, self._network_state, self._source = clock, network_state, source
        abroad = demands.of_class(INTERNATIONAL)
        self._counts = abroad if abroad.any() else np.ones(len(demands), dtype=bool)
        self._routes, self._since, self._step = routes, 0, 0
        self._at_us = None if at_h is None else micros(3600.0 * at_h)
        self._pending: list[tuple[int, int, int, Network, Routes]] = []
        self._seen: list[_Seen] = []

    @property
    def chosen(self) -> _Seen:
        """The instant: of those nearly as full as the fullest, the one with the most traffic."""
        most = max(each.fullest for each in self._seen)
        near = [each for each in self._seen if each.fullest >= most * (1.0 - NEAR)]
        return max(near, key=lambda each: each.gbps)

    def step(self, step: int) -> None:
        """Begin a step of traffic."""
        self.cut()
        self._step = step

    def cut(self) -> None:
        """End an interval: routes are about to change."""
        now, network = self._clock.now, self._network_state.network
        if now > self._since:
            self._pending.append((self._since, now, self._step, network, self._routes()))
            self._since = now
        if len(self._pending) >= BLOCK:
            self._note()

    def settle(self) -> None:
        """Take note of all intervals so far: the network is about to change."""
        self.cut()
        self._note()

    def _note(self) -> None:
        for since, until, step, network, routes in self._pending:
            if self._at_us is None:
                rates = self._source.rates(step)
                fullest = _fullest(network, routes.loads(rates))
                gbps = float(rates[self._counts].sum())
                self._seen.append(_Seen(since, step, network, fullest, gbps))
            elif since <= self._at_us < until:
                self._seen.append(_Seen(self._at_us, step, network, 0.0, 0.0))
        self._pending = []

    def current_rates(self) -> np.ndarray:
        """Return the rate of every demand now, in Gbps."""
        return self._source.rates(self._step)

    def close(self, decisions: Mapping[str, np.ndarray], best_gbit_ms: float | None) -> Figures:
        """Take note of the last intervals; there are no figures."""
        self.settle()
        return []


def _fullest(network: Network, load_gbps: np.ndarray) -> float:
    """Utilisation of the fullest exit direction, or link without exits."""
    able = network.up & (network.capacity_gbps > 0)
    if len(network.exits):
        able &= np.repeat(network.link_class == "exit", 2)
    return float((load_gbps[able] / network.capacity_gbps[able]).max(initial=0.0))


def moments(case: Case, at_h: float | None, progress: Progress) -> dict[str, Moment]:
    """Play the first day of a case, and return the instant of every strategy.

    Parameters
    ----------
    at_h : float, optional
        The same hour for all; the busiest of each when left out.
    """
    played, inbound = case.strategies, case.inbound
    if at_h is not None:  # traffic and events alone are looked for
        played, inbound = {_BASE: Strategy(scheme="igp_ecmp")}, None
    events = tuple(e for e in case.events if e.controller is None or e.controller in played)
    made: dict[str, Busiest] = {}

    def make(stage: Stage, name: str, routes: Any) -> Busiest:
        made[name] = Busiest(
            stage.clock, stage.network_state, stage.source, case.demands, routes, at_h
        )
        return made[name]

    stage = Stage(
        replace(case, strategies=played, events=events, inbound=inbound), 0, _nothing, make
    )
    stage.run(progress)
    chosen = {name: made[name if at_h is None else _BASE].chosen for name in case.strategies}
    rates = _rates(case, {each.step for each in chosen.values()})
    return {
        name: Moment(each.at_us / (3600.0 * US_PER_S), each.network, rates[each.step])
        for name, each in chosen.items()
    }


def _rates(case: Case, steps: set[int]) -> dict[int, np.ndarray]:
    """Draw the traffic again, and return its rates in some steps."""
    source = Source(case.series, Streams(case.seed, 0), case.steps, case.step_s, 0.0)
    return {step: source.rates(step).copy() for step in sorted(steps)}


def _nothing(*_: Any) -> None:
    """Tables are not kept."""
