"""Relief: how far exits can be relieved at all, by any routing of what a strategy steers.

Every bound here is a line: prices of the arcs, at which traffic costs more than the room is worth
once it has grown beyond some number. It holds for every routing, whatever the rates are, so that a
line found for one instant bounds all the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.control.steering import steer
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.least_use import LeastUse, least_use
from simulator.paths.candidates import Paths
from simulator.recording.growth import Growth

_MOST_ROUNDS = 60
_ENOUGH = 1e-9
"""What a solver's tolerance makes of a room that is just used up."""
_DIRECTION = {"international_out": "out", "international_in": "in"}


class Relief:
    """Bounds on the growth of demands, some of them steered, on a network in one state.

    Parameters
    ----------
    demands : Demands
    growth : Growth
    static : Routes
        What is not steered follows them.
    steered : ndarray of int
        Positions of the demands that may take any path, all or in part.
    part : float
        Share of each of them that is steered.
    room_gbps : ndarray, shape (arcs,)
        Load allowed on every exit; of no account on other arcs.
    ways : sequence of str
        Directions of the exits that count: ``out``, ``in``.
    paths : Paths, optional
        The only paths that steered demands may take.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        growth: Growth,
        static: Routes,
        steered: np.ndarray,
        part: float,
        room_gbps: np.ndarray,
        ways: Sequence[str],
        paths: Paths | None = None,
    ) -> None:
        self._network, self._demands, self._growth = network, demands, growth
        self._static, self._steered, self._part = static, steered, part
        self._ways, self._paths = ways, paths
        self._exits = np.concatenate([network.exit_arcs[way] for way in ways])
        self._room = np.full(len(room_gbps), np.inf)
        self._room[self._exits] = room_gbps[self._exits]
        self._lines: list[LeastUse] = []

    def largest(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest growth of every instant by the lines so far, and which line it is.

        The first lines are those of all exits of a direction together, in the order of the ways.
        """
        found = [self._together(rates, way) for way in self._ways]
        found += [self._by(line, rates) for line in self._lines]
        stacked = np.stack(found)
        return stacked.min(axis=0), stacked.argmin(axis=0)

    def exact(self, rates: np.ndarray, number: float, room_gbps: np.ndarray | None = None) -> float:
        """Return the largest growth of an instant, at most *number*, under limits of all loads.

        Parameters
        ----------
        rates : ndarray, shape (demands,)
        room_gbps : ndarray, shape (arcs,), optional
            Load allowed on every arc. When left out the exits alone have limits, and lines that are
            found are kept.
        """
        room = self._room if room_gbps is None else room_gbps
        for _ in range(_MOST_ROUNDS):
            if not number > self._growth.least:
                break
            network, mine = self._seen(self._growth.grown(rates, number))
            line = least_use(network, mine, room, self._paths)
            if line.theta <= 1.0 + _ENOUGH:
                return number
            least = float(self._by(line, rates[:, None], room)[0])
            if not least < number:
                return number
            number = least
            if room_gbps is None:
                self._lines.append(line)
        return number

    def exits_of(self, line: int) -> np.ndarray:
        """Arcs of the exits that a line is about: none of them can be relieved."""
        if line < len(self._ways):
            arcs = self._network.exit_arcs[self._ways[line]]
            return np.asarray(arcs[self._room[arcs] > 0])
        price = self._lines[line - len(self._ways)].price
        return self._exits[price[self._exits] > _ENOUGH]

    def _seen(self, rates: np.ndarray) -> tuple[Network, Demands]:
        demands = self._demands.with_gbps(rates)
        return steer(self._network, demands, self._steered, self._static, self._part)

    def _together(self, rates: np.ndarray, way: str) -> np.ndarray:
        """Largest growth of every instant that all exits of a direction carry together."""
        crosses = self._demands.of_class([c for c, w in _DIRECTION.items() if w == way])
        asked = self._growth.by_group(rates, lambda mine: crosses.astype(float) @ mine)
        total = float(self._room[self._network.exit_arcs[way]].sum())
        return self._growth.largest(asked, np.full(rates.shape[1], total))

    def _by(
        self, line: LeastUse, rates: np.ndarray, room_gbps: np.ndarray | None = None
    ) -> np.ndarray:
        """Largest growth of every instant by one line."""
        limit = self._room if room_gbps is None else room_gbps
        limited = line.price > 0
        worth = float(line.price[limited] @ limit[limited])
        worth -= float(line.price @ self._network.background_gbps)
        costs = self._growth.by_group(rates, lambda mine: self._cost(line, mine))
        return self._growth.largest(costs, np.full(rates.shape[1], worth))

    def _cost(self, line: LeastUse, rates: np.ndarray) -> np.ndarray:
        """What rates (demands x instants) cost at least at the prices of a line."""
        rest = rates.copy()
        rest[self._steered] *= 1.0 - self._part
        moved = rates[self._steered] * self._part
        return np.asarray(line.length @ moved + line.price @ self._static.loads(rest))
