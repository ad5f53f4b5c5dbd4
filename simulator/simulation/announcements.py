"""Inbound steering: what becomes of routes when all one can do is announce prefixes."""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.routing.candidates import Paths, ways_across
from simulator.routing.paths import HOP_MS, goals_of, towards
from simulator.simulation.strategy import Announcements


class Landings:
    """Where inbound traffic arrives that is called to an exit.

    A demand follows its calls in whole groups, each over the fastest way by the exit where it
    arrives. An exit that the static rules use anyway needs no call and is sure. Any other one is
    missed with the chance ``stray``; which demands miss which exits, and where they arrive instead,
    is drawn once, in streams keyed by demand and exit.
    """

    def __init__(
        self, network: Network, demands: Demands, streams: Streams, options: Announcements
    ) -> None:
        self._network, self._demands, self._options = network, demands, options
        self._pieces = max(1, round(1.0 / options.group_share))
        self._exits = network.exit_arcs["in"]
        self._place = np.full(len(network.tail), -1)
        self._place[self._exits] = np.arange(len(self._exits))
        self._streams, self._names = streams, demands.names
        self._habits: dict[tuple[int, int], np.ndarray] = {}

    def arrive(self, called: Routes, static: Routes, network: Network) -> Routes:
        """Return the routes that traffic takes when it is called to those of *called*.

        Parameters
        ----------
        called, static : Routes
            Of the inbound demands: those asked for, and those it follows unasked.
        network : Network
            As it stands.
        """
        wanted = self._whole_groups(self._by_exit(called))
        sure = self._by_exit(static) > 1e-9
        reach, found = self._ways(network)
        landed = np.zeros_like(wanted)
        for demand, place in np.argwhere(wanted > 0):
            landed[demand, self._lands(demand, place, sure, reach)] += wanted[demand, place]
        demand, place = np.nonzero((landed > 0) & (found >= 0))
        paths = self._paths.pick(found[demand, place])
        return Routes.from_paths(
            network,
            len(self._demands),
            demand,
            landed[demand, place],
            paths.arcs,
            paths.starts,
            called.certificate,
        )

    def _by_exit(self, routes: Routes) -> np.ndarray:
        """Share of every demand that arrives by every exit, shape (demands, exits)."""
        return np.asarray(routes.matrix[self._exits].toarray().T)

    def _whole_groups(self, share: np.ndarray) -> np.ndarray:
        """Round shares to whole groups, the largest remainders up."""
        total = np.rint(share.sum(axis=1)).astype(np.int64) * self._pieces
        exact = share * self._pieces
        whole = np.floor(exact + 1e-9)
        left = total - whole.sum(axis=1)
        order = np.argsort(-(exact - whole), axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
        return (whole + (rank < left[:, None])) / self._pieces

    def _lands(self, demand: int, place: int, sure: np.ndarray, reach: np.ndarray) -> int:
        """Exit at which a demand arrives that is called to one."""
        if sure[demand, place]:
            return place
        key = (demand, place)
        if key not in self._habits:
            exit_name = self._network.links[self._exits[place] // 2]
            draw = self._streams.generator("landing", f"{self._names[demand]}:{exit_name}")
            strays = draw.random() < self._options.stray
            order = draw.permutation(len(self._exits))
            others = order[order != place]
            self._habits[key] = np.append(others, place) if strays else np.array([place])
        able = [each for each in self._habits[key] if reach[demand, each]]
        return int(able[0]) if able else place

    def _ways(self, network: Network) -> tuple[np.ndarray, np.ndarray]:
        """Which exits lead each demand home, and where its fastest path by each is kept."""
        weight = network.delay_ms + HOP_MS
        goals, row = goals_of(network, self._demands)
        near = towards(network, weight, goals)
        found = np.full((len(self._demands), len(self._exits)), -1)
        self._paths = Paths.of([])
        for ways in ways_across(network, self._demands, weight, row, near):
            place, which = np.nonzero(np.isfinite(ways.length))
            at = self._place[ways.crossing[place]]
            inward = at >= 0
            place, which, at = place[inward], which[inward], at[inward]
            found[ways.who[which], at] = len(self._paths.demand) + np.arange(len(at))
            self._paths = self._paths.join(ways.paths(place, which))
        return found >= 0, found
