"""Instants: a meter that keeps the network, the traffic and the routes of every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.results.metrics import Figures
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source


class Instant(NamedTuple):
    """An interval in which nothing changed.

    Attributes
    ----------
    at_s, lasts_s : float
        When it began, and how long it lasted.
    network : Network
        As it stood.
    rates : ndarray, shape (demands,)
    routes : Routes
        In force.
    """

    at_s: float
    lasts_s: float
    network: Network
    rates: np.ndarray
    routes: Routes


class Instants:
    """A meter for questions that are asked when time is over; of every step the longest interval.

    Parameters
    ----------
    routes : callable
        Returns the routes in force.
    """

    cost_gbit_ms = 0.0

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        routes: Callable[[], Routes],
    ) -> None:
        self._clock, self._network_state, self._source = clock, network_state, source
        self._routes, self._since, self._step = routes, 0, 0
        self._pending: list[tuple[int, int, int, Network, Routes]] = []
        self._longest: dict[int, Instant] = {}

    @property
    def seen(self) -> list[Instant]:
        """One instant of every step of traffic, in the order of time."""
        return [self._longest[step] for step in sorted(self._longest)]

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
        if not self._pending:
            return
        rates = self._source.run([step for _, _, step, _, _ in self._pending])
        for column, (since, until, step, network, routes) in enumerate(self._pending):
            lasts_s = (until - since) / US_PER_S
            known = self._longest.get(step)
            if known is None or lasts_s > known.lasts_s:
                self._longest[step] = Instant(
                    since / US_PER_S, lasts_s, network, rates[:, column].copy(), routes
                )
        self._pending = []

    def current_rates(self) -> np.ndarray:
        """Return the rate of every demand now, in Gbps."""
        return self._source.rates(self._step)

    def close(self, decisions: Mapping[str, np.ndarray], best_gbit_ms: float | None) -> Figures:
        """Take note of the last intervals; there are no figures."""
        self.settle()
        return []
