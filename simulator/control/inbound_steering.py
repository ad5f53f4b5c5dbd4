"""Inbound steering: where traffic arrives when all that can be done is to announce prefixes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.control.caps import link_prices, most_urgent
from simulator.control.settings import Announcements, LoopSettings
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.paths.candidates import paths_by_exit
from simulator.paths.shortest import HOP_MS


class InboundSteering:
    """Where inbound traffic arrives that is announced to an exit.

    A demand follows its announcements in whole groups, each over the fastest path by the exit where
    it arrives. An exit that the static routes use anyway needs no announcement and is certain.
    Traffic announced to any other exit leaks with the chance ``stray``. Catchments (which demands
    leak from which exits, and where they arrive instead) are drawn once, in streams keyed by demand
    and exit.

    Parameters
    ----------
    demands : Demands
        The inbound demands that are steered.
    """

    def __init__(
        self, network: Network, demands: Demands, streams: Streams, settings: Announcements
    ) -> None:
        self._network, self._demands, self._settings = network, demands, settings
        self._group_count = max(1, round(1.0 / settings.group_share))
        self._exits = network.exit_arcs["in"]
        self._streams, self._names = streams, demands.names
        self._catchments: dict[tuple[int, int], np.ndarray] = {}

    def announce(
        self,
        wanted: Routes,
        static: Routes,
        announced: Routes | None,
        network: Network,
        demands: Demands,
        settings: LoopSettings,
    ) -> Routes:
        """Return what is announced: *wanted* in whole groups, as far as the caps on moves allow.

        Under ``max_moved_gbps`` demands come in the order of how much their move relieves full
        links. Each has as many of its groups announced elsewhere as the cap has left. A group that
        is larger than what is left stays, and one that is larger than the cap never moves. Under
        ``max_moves`` at most so many demands have groups announced elsewhere. Demands that were
        never announced stay with the static routes until their turn comes.

        What a group moves is counted as if it arrived where it is announced. Announcing a group
        that leaks moves nothing, so that no more is moved than counted. Traffic that moves by
        itself when links go down or come back is not counted.

        Parameters
        ----------
        wanted : Routes
            Routes of the scheme for the inbound demands, in any shares.
        static : Routes
            What they follow without announcements.
        announced : Routes or None
            What is announced so far: the last value returned.
        network : Network
            As the controller sees it.
        demands : Demands
            Those that are steered, as predicted.
        """
        found = self._find_exit_paths(network)
        goal = np.where(found >= 0, self._groups(self._by_exit(wanted)), 0)
        if settings.max_moves is not None or settings.max_moved_gbps is not None:
            goal = self._capped(goal, static, announced, found, network, demands, settings)
        routes = self._over_exits(network, goal / self._group_count, found)
        return replace(routes, certificate=wanted.certificate, warm_start=wanted.warm_start)

    def arrive(self, announced: Routes, static: Routes, network: Network) -> Routes:
        """Return the routes that traffic takes when *announced* is announced.

        They neither rescale nor throttle, even where those of the scheme do: sources do both, these
        are abroad, and the Internet does not rescale over our announcements. Traffic announced to
        an exit that goes down follows the static routes until the next announcement.

        Parameters
        ----------
        announced, static : Routes
            Of the inbound demands: as announced, and without announcements.
        network : Network
            In its present state.
        """
        wanted = self._groups(self._by_exit(announced)) / self._group_count
        certain = self._by_exit(static) > 1e-9
        found = self._find_exit_paths(network)
        arrived = np.zeros_like(wanted)
        for demand, place in np.argwhere(wanted > 0):
            arrived[demand, self._catchment(demand, place, certain, found)] += wanted[demand, place]
        return replace(self._over_exits(network, arrived, found), certificate=announced.certificate)

    def _over_exits(self, network: Network, share: np.ndarray, found: np.ndarray) -> Routes:
        """Routes with these shares of every demand on its fastest path by every exit."""
        demand, place = np.nonzero((share > 0) & (found >= 0))
        paths = self._paths.take(found[demand, place])
        return Routes.from_paths(
            network, len(self._demands), demand, share[demand, place], paths.arcs, paths.starts
        )

    def _by_exit(self, routes: Routes) -> np.ndarray:
        """Share of every demand that arrives by every exit, shape (demands, exits)."""
        return np.asarray(routes.matrix[self._exits].toarray().T)

    def _groups(self, share: np.ndarray) -> np.ndarray:
        """Round shares to numbers of whole groups, the largest remainders up."""
        exact = share * self._group_count
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
        settings: LoopSettings,
    ) -> np.ndarray:
        """Groups by demand and exit, from those announced towards *goal* within the caps."""
        now = np.zeros_like(goal)
        if announced is not None:
            now = np.where(found >= 0, self._groups(self._by_exit(announced)), 0)
        by_static = self._unannounced(now) * self._by_exit(static)
        begin = self._groups(now / self._group_count + by_static)
        alike = self._share_alike(static, found)
        moving = self._moved_share(goal, now, alike) * demands.gbps > 1e-9
        new = self._over_exits(network, goal / self._group_count, found)
        old = self._over_exits(network, now / self._group_count, found).with_fallback(static)
        price = link_prices(old, network, demands)[self._exits]
        order = most_urgent(new, old, network, demands)
        order = order[moving[order]][: settings.max_moves]
        room = np.inf if settings.max_moved_gbps is None else settings.max_moved_gbps
        groups = np.where(moving[:, None], now, goal)
        for k in order:
            steps = _one_by_one(begin[k], goal[k], price)
            gbps = self._moved_share(steps, now[k], alike[k]) * demands.gbps[k]
            fits = np.flatnonzero(gbps <= room * (1.0 + 1e-12))
            if len(fits):
                groups[k] = steps[fits[-1]]
                room -= gbps[fits[-1]]
        return groups

    def _unannounced(self, groups: np.ndarray) -> np.ndarray:
        """Share of a demand in no announced group, shape (..., 1): it follows the static routes."""
        return np.asarray(1.0 - groups.sum(axis=-1, keepdims=True) / self._group_count)

    def _moved_share(self, new: np.ndarray, old: np.ndarray, alike: np.ndarray) -> np.ndarray:
        """Share of a demand that goes elsewhere under other groups, shape (...,).

        Of what follows the static routes, the share *alike* is on the same paths as with
        announcements; arguments have the shape (..., exits).
        """
        now, then = self._unannounced(old), self._unannounced(new)
        rise = (new - old) / self._group_count + (then - now) * alike
        others = (then - now)[..., 0] * (1.0 - alike.sum(axis=-1))
        return np.asarray(np.clip(rise, 0.0, None).sum(axis=-1) + np.clip(others, 0.0, None))

    def _share_alike(self, routes: Routes, found: np.ndarray) -> np.ndarray:
        """Share of every demand that routes lead on the paths of announcements, by every exit.

        None for routes with more than 200 paths a demand: then more moves are counted than there
        are.
        """
        share = np.zeros(found.shape)
        place = np.full(len(self._paths.demand), -1)
        place[found[found >= 0]] = np.nonzero(found >= 0)[1]
        bounds = self._paths.starts.tolist()
        arcs = self._paths.arcs.tolist()
        exit_by = {
            (int(demand), tuple(arcs[bounds[p] : bounds[p + 1]])): place[p]
            for p, demand in enumerate(self._paths.demand)
        }
        try:
            for demand, part, path in routes.paths(limit=200 * len(self._demands)):
                if (demand, path) in exit_by:
                    share[demand, exit_by[demand, path]] += part
        except ValueError:
            return np.zeros(found.shape)
        return share

    def _catchment(self, demand: int, place: int, certain: np.ndarray, found: np.ndarray) -> int:
        """Exit at which a demand arrives that is announced to one."""
        if certain[demand, place]:
            return place
        key = (demand, place)
        if key not in self._catchments:
            exit_name = self._network.links[self._exits[place] // 2]
            # The key of the stream is part of what a seed means: it stays as it was.
            draw = self._streams.generator("landing", f"{self._names[demand]}:{exit_name}")
            leaks = draw.random() < self._settings.stray
            order = draw.permutation(len(self._exits))
            others = order[order != place]
            self._catchments[key] = np.append(others, place) if leaks else np.array([place])
        reachable = [each for each in self._catchments[key] if found[demand, each] >= 0]
        return int(reachable[0]) if reachable else place

    def _find_exit_paths(self, network: Network) -> np.ndarray:
        """Position of the fastest path of every demand by every exit, -1 if none leads home."""
        self._paths, found = paths_by_exit(
            network, self._demands, self._exits, network.delay_ms + HOP_MS
        )
        return found


def _one_by_one(begin: np.ndarray, goal: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Groups of a demand by exit, with one more of them announced elsewhere in every row.

    Groups leave the exit of the highest price first, for that of the lowest. A demand whose groups
    stay where they are has one row.
    """
    exits = np.arange(len(goal))
    falling, rising = (np.argsort(sign * price, kind="stable") for sign in (-1.0, 1.0))
    leave = np.repeat(exits[falling], np.clip(begin - goal, 0, None)[falling])
    join = np.repeat(exits[rising], np.clip(goal - begin, 0, None)[rising])
    steps = np.zeros((max(len(leave), len(join)), len(goal)), dtype=np.int64)
    steps[np.arange(len(leave)), leave] -= 1
    steps[np.arange(len(join)), join] += 1
    return begin + np.cumsum(steps, axis=0) if len(steps) else goal[None, :]
