"""Watch: takes note of the states of the network and the traffic that one strategy meets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.schedule import runs
from simulator.recording.growth import Growth
from simulator.results.metrics import Figures
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source


@dataclass(eq=False)
class State:
    """A state of the network, and all instants at which it held.

    Attributes
    ----------
    from_s : float
        When it first began.
    rates : list of ndarray, shape (demands, instants)
    start_s : list of ndarray, shape (instants,)
    landed : dict of str to list of ndarray, shape (inward exits, instants)
        By growth: how much of it each inward exit holds, with traffic landing where it did.
    """

    network: Network
    from_s: float
    rates: list[np.ndarray] = field(default_factory=list)
    start_s: list[np.ndarray] = field(default_factory=list)
    landed: dict[str, list[np.ndarray]] = field(default_factory=dict)


class Watch:
    """A meter that keeps what a strategy meets, for questions that are asked when time is over.

    Parameters
    ----------
    routes : callable
        Returns the routes in force.
    target : float
        Utilisation of an exit direction.
    growths : mapping of str to Growth
        How far inward exits hold is noted for these; for none where routes are of no account.
    """

    cost_gbit_ms = 0.0

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        routes: Callable[[], Routes],
        target: float,
        growths: Mapping[str, Growth],
    ) -> None:
        self._clock, self._network_state, self._source = clock, network_state, source
        self._routes, self._target, self._growths = routes, target, growths
        self._since, self._step = 0, 0
        self._pending: list[tuple[int, int]] = []
        self._followed: list[Routes] = []
        self._states: dict[int, State] = {}

    @property
    def states(self) -> list[State]:
        """The states of the network, in the order in which they first began."""
        return list(self._states.values())

    def step(self, step: int) -> None:
        """Begin a step of traffic."""
        self.cut()
        self._step = step

    def cut(self) -> None:
        """End an interval: routes are about to change."""
        now = self._clock.now
        if now > self._since:
            self._pending.append((self._since, self._step))
            self._followed.append(self._routes())
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
        network = self._network_state.network
        state = self._states.setdefault(id(network), State(network, self._pending[0][0] / US_PER_S))
        rates = self._source.run([step for _, step in self._pending])
        state.rates.append(rates)
        state.start_s.append(np.array([since for since, _ in self._pending]) / US_PER_S)
        for name, growth in self._growths.items():
            state.landed.setdefault(name, []).append(self._landed(network, rates, growth))
        self._pending, self._followed = [], []

    def _landed(self, network: Network, rates: np.ndarray, growth: Growth) -> np.ndarray:
        """How much growth each inward exit holds at each instant, under the routes in force."""
        arcs = network.exit_arcs["in"]
        room = self._target * (network.capacity_gbps * network.up)[arcs]
        found = np.empty((len(arcs), rates.shape[1]))
        for routes, at in runs(self._followed):
            loads = growth.by_group(rates[:, at], routes.loads)[:, arcs]
            found[:, at] = growth.largest(loads, np.broadcast_to(room[:, None], loads.shape[1:]))
        return found

    def current_rates(self) -> np.ndarray:
        """Return the rate of every demand now, in Gbps."""
        return self._source.rates(self._step)

    def close(self, decisions: Mapping[str, np.ndarray], best_gbit_ms: float | None) -> Figures:
        """Take note of the last intervals; there are no figures."""
        self.settle()
        return []
