"""Inbound steering: what becomes of routes when all one can do is announce prefixes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.control.restraint import link_prices, most_urgent
from simulator.control.strategy import Announcements, Control
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.paths.candidates import Paths, exit_paths
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to

_MOST_PATHS = 200
"""Paths of a demand, on average, up to which the ways of static rules are looked at."""


class InboundSteering:
    """Where inbound traffic arrives that is announced to an exit.

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
        self._catchments: dict[tuple[int, int], np.ndarray] = {}

    def announce(
        self,
        wanted: Routes,
        static: Routes,
        announced: Routes | None,
        network: Network,
        demands: Demands,
        control: Control,
    ) -> Routes:
        """Return what is announced: *wanted* in whole groups, as far as the caps on moves allow.

        Under ``max_moved_gbps`` demands come in the order of how much their move relieves full
        links. Each has as many of its groups announced elsewhere as the cap has left. A group that
        is larger than what is left stays: it never moves where it is larger than the cap. Under
        ``max_moves`` so many demands have groups announced elsewhere. Demands that were never
        announced stay with the static routes until it is their turn.

        What a group moves is counted as if it arrived where it is announced. One that leaks takes
        no other links than its own, so that no more is moved than counted. Not counted is what
        moves by itself when links go down or come back.

        Parameters
        ----------
        wanted : Routes
            Of the inbound demands, as the scheme would have them, in any shares.
        static : Routes
            What they follow unasked.
        announced : Routes or None
            What is announced so far: what this returned last.
        network : Network
            As the controller sees it.
        demands : Demands
            Those that are steered, as predicted.
        control : Control
        """
        reach, found = self._ways(network)
        goal = np.where(reach, self._groups(self._by_exit(wanted)), 0)
        if control.max_moves is not None or control.max_moved_gbps is not None:
            goal = self._capped(goal, static, announced, found, network, demands, control)
        routes = self._by_ways(network, goal / self._pieces, found)
        return replace(routes, certificate=wanted.certificate, warm_start=wanted.warm_start)

    def arrive(self, announced: Routes, static: Routes, network: Network) -> Routes:
        """Return the routes that traffic takes when it is announced to those of *announced*.

        They neither rescale nor hold anything back, even where those of the scheme do: sources do
        both, these are abroad, and the Internet does not rescale over our announcements. What was
        announced to an exit that dies follows the static rules until the next announcement.

        Parameters
        ----------
        announced, static : Routes
            Of the inbound demands: those asked for, and those it follows unasked.
        network : Network
            As it stands.
        """
        wanted = self._groups(self._by_exit(announced)) / self._pieces
        sure = self._by_exit(static) > 1e-9
        reach, found = self._ways(network)
        landed = np.zeros_like(wanted)
        for demand, place in np.argwhere(wanted > 0):
            landed[demand, self._lands(demand, place, sure, reach)] += wanted[demand, place]
        return replace(self._by_ways(network, landed, found), certificate=announced.certificate)

    def _by_ways(self, network: Network, share: np.ndarray, found: np.ndarray) -> Routes:
        """Routes with these shares of every demand on its fastest way by every exit."""
        demand, place = np.nonzero((share > 0) & (found >= 0))
        paths = self._paths.take(found[demand, place])
        count = len(self._demands)
        return Routes.from_paths(
            network, count, demand, share[demand, place], paths.arcs, paths.starts
        )

    def _by_exit(self, routes: Routes) -> np.ndarray:
        """Share of every demand that arrives by every exit, shape (demands, exits)."""
        return np.asarray(routes.matrix[self._exits].toarray().T)

    def _groups(self, share: np.ndarray) -> np.ndarray:
        """Round shares to numbers of whole groups, the largest remainders up."""
        exact = share * self._pieces
        whole = np.floor(exact + 1e-9)
        left = np.rint(exact.sum(axis=1)) - whole.sum(axis=1)
        order = np.argsort(-(exact - whole), axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(order.shape[1])[None, :], axis=1)
        return (whole + (rank < left[:, None])).astype(np.int64)

    def _capped(
        self,
        goal: np.ndarray,
        static: Routes,
        announced: Routes | None,
        found: np.ndarray,
        network: Network,
        demands: Demands,
        control: Control,
    ) -> np.ndarray:
        """Groups by demand and exit, from those announced towards *goal* within the caps."""
        now = np.zeros_like(goal)
        if announced is not None:
            now = np.where(found >= 0, self._groups(self._by_exit(announced)), 0)
        begin = self._groups(now / self._pieces + self._unannounced(now) * self._by_exit(static))
        alike = self._on_ways(static, found)
        moving = self._moved_share(goal, now, alike) * demands.gbps > 1e-9
        new = self._by_ways(network, goal / self._pieces, found)
        old = self._by_ways(network, now / self._pieces, found).with_fallback(static)
        price = link_prices(old, network, demands)[self._exits]
        order = most_urgent(new, old, network, demands)
        order = order[moving[order]][: control.max_moves]
        room = np.inf if control.max_moved_gbps is None else control.max_moved_gbps
        groups = np.where(moving[:, None], now, goal)
        for k in order:
            ways = _one_by_one(begin[k], goal[k], price)
            gbps = self._moved_share(ways, now[k], alike[k]) * demands.gbps[k]
            fits = np.flatnonzero(gbps <= room * (1.0 + 1e-12))
            if len(fits):
                groups[k] = ways[fits[-1]]
                room -= gbps[fits[-1]]
        return groups

    def _unannounced(self, groups: np.ndarray) -> np.ndarray:
        """Share of a demand that no group of it stands for, shape (..., 1): the rules lead it."""
        return np.asarray(1.0 - groups.sum(axis=-1, keepdims=True) / self._pieces)

    def _moved_share(self, new: np.ndarray, old: np.ndarray, alike: np.ndarray) -> np.ndarray:
        """Share of a demand that goes elsewhere under other groups, shape (...,).

        Parameters
        ----------
        new, old : ndarray of int, shape (..., exits)
            Groups announced.
        alike : ndarray, shape (..., exits)
            Of what follows the rules, the share that they lead just as announcements would.
        """
        now, then = self._unannounced(old), self._unannounced(new)
        rise = (new - old) / self._pieces + (then - now) * alike
        others = (then - now)[..., 0] * (1.0 - alike.sum(axis=-1))
        return np.asarray(np.clip(rise, 0.0, None).sum(axis=-1) + np.clip(others, 0.0, None))

    def _on_ways(self, routes: Routes, found: np.ndarray) -> np.ndarray:
        """Share of every demand that routes lead just as announcements would, by every exit.

        Of routes with very many paths nothing is: counted are then more moves than there are.
        """
        share = np.zeros(found.shape)
        place = np.full(len(self._paths.demand), -1)
        place[found[found >= 0]] = np.nonzero(found >= 0)[1]
        bounds = self._paths.starts.tolist()
        arcs = self._paths.arcs.tolist()
        way = {
            (int(demand), tuple(arcs[bounds[p] : bounds[p + 1]])): place[p]
            for p, demand in enumerate(self._paths.demand)
        }
        try:
            for demand, part, walked in routes.paths(limit=_MOST_PATHS * len(self._demands)):
                if (demand, walked) in way:
                    share[demand, way[demand, walked]] += part
        except ValueError:
            return np.zeros(found.shape)
        return share

    def _lands(self, demand: int, place: int, sure: np.ndarray, reach: np.ndarray) -> int:
        """Exit at which a demand arrives that is announced to one."""
        if sure[demand, place]:
            return place
        key = (demand, place)
        if key not in self._catchments:
            exit_name = self._network.links[self._exits[place] // 2]
            draw = self._streams.generator("landing", f"{self._names[demand]}:{exit_name}")
            strays = draw.random() < self._options.stray
            order = draw.permutation(len(self._exits))
            others = order[order != place]
            self._catchments[key] = np.append(others, place) if strays else np.array([place])
        able = [each for each in self._catchments[key] if reach[demand, each]]
        return int(able[0]) if able else place

    def _ways(self, network: Network) -> tuple[np.ndarray, np.ndarray]:
        """Which exits lead each demand home, and where its fastest path by each is kept."""
        weight = network.delay_ms + HOP_MS
        destinations, row = destinations_of(network, self._demands)
        near = shortest_to(network, weight, destinations)
        found = np.full((len(self._demands), len(self._exits)), -1)
        self._paths = Paths.of([])
        for ways in exit_paths(network, self._demands, weight, row, near):
            place, which = np.nonzero(np.isfinite(ways.length))
            at = self._place[ways.crossing[place]]
            inward = at >= 0
            place, which, at = place[inward], which[inward], at[inward]
            found[ways.who[which], at] = len(self._paths.demand) + np.arange(len(at))
            self._paths = self._paths.join(ways.paths(place, which))
        return found >= 0, found


def _one_by_one(begin: np.ndarray, goal: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Groups of a demand by exit, with one more of them announced elsewhere in every row.

    The first to go are those at the dearest exit, and they go to the cheapest. A demand whose
    groups stay where they are has one row.
    """
    exits = np.arange(len(goal))
    dear, cheap = (np.argsort(sign * price, kind="stable") for sign in (-1.0, 1.0))
    leave = np.repeat(exits[dear], np.clip(begin - goal, 0, None)[dear])
    join = np.repeat(exits[cheap], np.clip(goal - begin, 0, None)[cheap])
    steps = np.zeros((max(len(leave), len(join)), len(goal)), dtype=np.int64)
    steps[np.arange(len(leave)), leave] -= 1
    steps[np.arange(len(join)), join] += 1
    return begin + np.cumsum(steps, axis=0) if len(steps) else goal[None, :]
