"""Candidate paths: a few good ones for every demand, before any load is known."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.shortest import (
    HOP_MS,
    ShortestPaths,
    destinations_of,
    shortest_to,
)

FIRST_EXITS = 6
"""Paths that each international demand starts with: by way of this many of its fastest exits."""
_REMEMBERED = 24
_NONE = -9999  # how SciPy marks nodes without a predecessor


@dataclass(frozen=True, eq=False)
class Paths:
    """Candidate paths: *p* serves ``demand[p]`` over ``arcs[starts[p]:starts[p + 1]]``."""

    demand: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, listed: list[tuple[int, tuple[int, ...]]]) -> Paths:
        """Make paths from a list of (demand, arcs)."""
        starts = np.concatenate([[0], np.cumsum([len(arcs) for _, arcs in listed])])
        return cls(
            np.array([demand for demand, _ in listed], dtype=np.int64),
            np.array([arc for _, arcs in listed for arc in arcs], dtype=np.int64),
            starts.astype(np.int64),
        )

    def sums(self, weight: np.ndarray) -> np.ndarray:
        """Sum of an arc weight along every path."""
        # Each path by itself: differences of running sums lose digits that ties are broken by.
        total = np.zeros(len(self.demand))
        some = np.diff(self.starts) > 0
        if some.any():
            total[some] = np.add.reduceat(weight[self.arcs], self.starts[:-1][some])
        return total

    def take(self, which: np.ndarray) -> Paths:
        """Return some of the paths, in the order of *which*."""
        length = np.diff(self.starts)[which]
        starts = np.concatenate([[0], np.cumsum(length)])
        at = np.arange(starts[-1]) - np.repeat(starts[:-1], length)
        return Paths(
            self.demand[which], self.arcs[np.repeat(self.starts[:-1][which], length) + at], starts
        )

    def join(self, other: Paths) -> Paths:
        """Return these paths followed by *other*."""
        return Paths(
            np.concatenate([self.demand, other.demand]),
            np.concatenate([self.arcs, other.arcs]),
            np.concatenate([self.starts, self.starts[-1] + other.starts[1:]]),
        )

    def passes(self, arcs: int) -> sparse.csr_array:
        """Ones where a path goes over an arc, shape (paths, arcs)."""
        ones, shape = np.ones(len(self.arcs)), (len(self.demand), arcs)
        return sparse.csr_array((ones, self.arcs, self.starts), shape=shape)

    def marks(self) -> list[tuple[int, bytes]]:
        """What is the same for the same paths: demand and arcs."""
        ends = zip(self.demand.tolist(), self.starts[:-1], self.starts[1:], strict=True)
        return [(demand, self.arcs[start:end].tobytes()) for demand, start, end in ends]

    def duplicates(self) -> np.ndarray:
        """Position of the first path that is the same, shape (paths,): its own for most."""
        seen: dict[tuple[int, bytes], int] = {}
        first = [seen.setdefault(mark, p) for p, mark in enumerate(self.marks())]
        return np.array(first, dtype=np.int64)

    def distinct(self) -> Paths:
        """Return the paths without repetitions within a demand."""
        return self.take(np.flatnonzero(self.duplicates() == np.arange(len(self.demand))))

    def within(self, delay_ms: np.ndarray, stretch_ms: np.ndarray) -> Paths:
        """Return the paths slower than the fastest of their demand by no more than its limit."""
        delay = self.sums(delay_ms)
        best = np.full(len(stretch_ms), np.inf)
        np.minimum.at(best, self.demand, delay)
        slowest = (best + stretch_ms) * (1.0 + 1e-12)
        return self.take(np.flatnonzero(delay <= slowest[self.demand]))

    def first(self, count: int) -> Paths:
        """Return the first *count* paths of every demand, gathered by demand."""
        order = np.argsort(self.demand, kind="stable")
        demand = self.demand[order]
        place = np.arange(len(demand)) - np.searchsorted(demand, demand)
        return self.take(order[place < count])


@dataclass(frozen=True, eq=False)
class ExitPaths:
    """Paths across the border in one direction: for each demand, the shortest by each exit.

    Attributes
    ----------
    crossing : ndarray of int, shape (exits,)
        Exit arcs of this direction that are up.
    who : ndarray of int, shape (demands,)
        Positions of the demands that cross in this direction.
    length : ndarray, shape (exits, demands)
        Length of the shortest path of each demand by each exit; infinite where there is none.
    """

    crossing: np.ndarray
    who: np.ndarray
    length: np.ndarray
    _demands: Demands
    _row: np.ndarray
    _to_exit: ShortestPaths
    _near: ShortestPaths

    def paths(self, place: np.ndarray, which: np.ndarray) -> Paths:
        """Return the paths by way of ``crossing[place]`` of the demands ``who[which]``."""
        k = self.who[which]
        arc = self.crossing[place]
        before, before_starts = self._to_exit.follow(place, self._demands.source[k])
        after, after_starts = self._near.follow(self._row[k], self._near.network.head[arc])
        each = np.arange(len(k))
        lengths = np.diff(before_starts), np.diff(after_starts)
        owner = np.concatenate([np.repeat(each, lengths[0]), each, np.repeat(each, lengths[1])])
        arcs = np.concatenate([before, arc, after])[np.argsort(owner, kind="stable")]
        return Paths(k, arcs, before_starts + np.arange(len(k) + 1) + after_starts)


def exit_paths(
    network: Network, demands: Demands, weight: np.ndarray, row: np.ndarray, near: ShortestPaths
) -> Iterator[ExitPaths]:
    """Find, for every demand that crosses the border, its shortest path by each exit.

    Parameters
    ----------
    weight : ndarray, shape (arcs,)
        Length of every arc.
    row : ndarray of int, shape (demands,)
        Position of each demand's destination among those of *near*.
    near : ShortestPaths
        To the destinations of the demands, under *weight*.
    """
    abroad = network.is_abroad
    for direction, crossing in network.exit_arcs.items():
        crossing = crossing[network.up[crossing]]
        outward = direction == "out"
        who = np.flatnonzero(
            (abroad[demands.target] == outward) & (abroad[demands.source] != outward)
        )
        if not len(crossing) or not len(who):
            continue
        to_exit = shortest_to(network, weight, network.tail[crossing])
        before = to_exit.distance[:, demands.source[who]]
        after = near.distance[row[who]][:, network.head[crossing]].T
        length = before + weight[crossing][:, None] + after
        length[~_may_pass(network, crossing, demands, who)] = np.inf
        yield ExitPaths(crossing, who, length, demands, row, to_exit, near)


def paths_by_exit(
    network: Network, demands: Demands, exit_arcs: np.ndarray, weight: np.ndarray
) -> tuple[Paths, np.ndarray]:
    """Return the shortest path of every demand by way of each of some exits.

    Parameters
    ----------
    exit_arcs : ndarray of int, shape (exits,)
    weight : ndarray, shape (arcs,)
        Length of every arc.

    Returns
    -------
    paths : Paths
    place : ndarray of int, shape (demands, exits)
        Position of each demand's path by each exit; -1 where there is none.
    """
    destinations, row = destinations_of(network, demands)
    near = shortest_to(network, weight, destinations)
    column = np.full(len(network.tail), -1)
    column[exit_arcs] = np.arange(len(exit_arcs))
    found = np.full((len(demands), len(exit_arcs)), -1)
    paths = Paths.of([])
    for ways in exit_paths(network, demands, weight, row, near):
        place, which = np.nonzero(np.isfinite(ways.length))
        at = column[ways.crossing[place]]
        place, which, at = place[at >= 0], which[at >= 0], at[at >= 0]
        found[ways.who[which], at] = len(paths.demand) + np.arange(len(at))
        paths = paths.join(ways.paths(place, which))
    return paths, found


def first_paths(network: Network, demands: Demands) -> tuple[Paths, np.ndarray]:
    """The fastest path of each demand and, for international ones, by way of other exits.

    Depends on the network and the pairs, not on rates: kept with the network for the next solve.

    Returns
    -------
    paths : Paths
        Without repetition, fastest first within a demand.
    first : ndarray of int, shape (demands,)
        Position of each demand's fastest path; -1 for a demand without any.
    """
    key = remembered(network, demands, "first paths")
    if key not in network.memo:
        network.memo[key] = _find_first_paths(network, demands)
    return network.memo[key]


def remembered(network: Network, demands: Demands, *what: Hashable) -> tuple[Hashable, ...]:
    """Key under which ``network.memo`` keeps paths for these pairs, for those asked for last."""
    state = network.up.tobytes(), network.delay_ms.tobytes()
    key = (*what, *state, demands.source.tobytes(), demands.target.tobytes())
    memo = network.memo
    if key in memo:
        memo[key] = memo.pop(key)  # the latest is at the end
    elif len(memo) > _REMEMBERED:
        del memo[next(each for each in memo if each[0] != "resources")]
    return key


def _find_first_paths(network: Network, demands: Demands) -> tuple[Paths, np.ndarray]:
    weight = network.delay_ms + HOP_MS
    paths = _by_fastest_exits(network, demands, weight, FIRST_EXITS)
    paths = paths.take(np.lexsort((paths.sums(weight), paths.demand))).distinct()
    first = np.full(len(demands), -1)
    lead = np.flatnonzero(np.diff(paths.demand, prepend=-1))
    first[paths.demand[lead]] = lead
    return paths, first


def fastest_paths(network: Network, demands: Demands, count: int) -> Paths:
    """Up to *count* fast paths for every demand.

    An international demand has the fastest path by way of each of its *count* fastest exits first:
    paths that differ only inside the country relieve no exit. What is left of the number, and all
    of it for other demands, is its next fastest paths (Yen's algorithm).

    Depends on the network and the pairs, not on rates: kept with the network for the next solve.
    """
    key = remembered(network, demands, "fastest paths", count)
    if key not in network.memo:
        network.memo[key] = _find_fastest_paths(network, demands, count)
    return network.memo[key]


def _find_fastest_paths(network: Network, demands: Demands, count: int) -> Paths:
    weight = network.delay_ms + HOP_MS
    destinations, row = destinations_of(network, demands)
    paths = _by_fastest_exits(network, demands, weight, count).distinct().first(count)
    has = np.bincount(paths.demand, minlength=len(demands))
    short = np.flatnonzero((has > 0) & (has < count))
    found: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    lists: dict[tuple[bool, bytes], _PathList] = {}
    more = []
    for k in short:
        pair = int(demands.source[k]), int(demands.target[k])
        if pair not in found:
            abroad = bool(network.is_abroad[pair[1]])
            closed = None if destinations.closed is None else destinations.closed[row[k]]
            rules = abroad, b"" if closed is None else closed.tobytes()
            if rules not in lists:
                lists[rules] = _PathList(network, weight, abroad, closed)
            found[pair] = lists[rules].shortest(*pair, count)
        more += [(int(k), arcs) for arcs in found[pair]]
    return paths.join(Paths.of(more)).distinct().first(count)


def _by_fastest_exits(network: Network, demands: Demands, weight: np.ndarray, count: int) -> Paths:
    """The shortest path of every demand that has any, then those by its *count* nearest exits."""
    destinations, row = destinations_of(network, demands)
    near = shortest_to(network, weight, destinations)
    paths = Paths(np.arange(len(demands)), *near.follow(row, demands.source))
    paths = paths.take(np.flatnonzero(np.diff(paths.starts) > 0))
    for by_exit in exit_paths(network, demands, weight, row, near):
        for place in np.argsort(by_exit.length, axis=0, kind="stable")[:count]:
            able = np.flatnonzero(np.isfinite(by_exit.length[place, np.arange(len(by_exit.who))]))
            paths = paths.join(by_exit.paths(place[able], able))
    return paths


class _PathList:
    """Shortest simple paths one by one, to targets on one side of the border.

    SciPy knows neither stubs nor parallel links. So a stub becomes two nodes, one that is entered
    and one that is left, without an arc from the first to the second; and all parallel arcs but the
    first pass through a node of their own.
    """

    def __init__(
        self, network: Network, weight: np.ndarray, abroad: bool, closed: np.ndarray | None
    ) -> None:
        nodes = len(network.nodes)
        usable = network.usable(abroad)
        arcs = np.flatnonzero(usable if closed is None else usable & ~closed)
        self._leave = np.where(network.is_stub, nodes, 0) + np.arange(nodes)
        tail, head = self._leave[network.tail[arcs]], network.head[arcs]
        order = np.lexsort((weight[arcs], head, tail))
        arcs, tail, head = arcs[order], tail[order], head[order]
        again = np.zeros(len(arcs), dtype=bool)
        again[1:] = (tail[1:] == tail[:-1]) & (head[1:] == head[:-1])
        between = 2 * nodes + np.arange(np.count_nonzero(again))
        onto = head.copy()
        onto[again] = between
        length = np.where(again, weight[arcs] / 2.0, weight[arcs])
        size = 2 * nodes + len(between)
        ends = np.concatenate([[tail, onto], [between, head[again]]], axis=1)
        self._graph = sparse.csr_array(
            (np.concatenate([length, length[again]]), ends.astype(np.int32)), shape=(size, size)
        )
        self._arc = dict(zip(zip(tail.tolist(), onto.tolist(), strict=True), arcs, strict=True))

    def shortest(self, source: int, target: int, count: int) -> list[tuple[int, ...]]:
        """Return up to *count* paths as arcs, shortest first."""
        start = int(self._leave[source])
        _, before = csgraph.yen(self._graph, start, target, count, return_predecessors=True)
        listed = []
        for back in before:
            walked, at = [], target
            while at != start:
                earlier = int(back[at])
                if earlier == _NONE:
                    raise AssertionError("a listed path has a hole")
                if (earlier, at) in self._arc:
                    walked.append(int(self._arc[earlier, at]))
                at = earlier
            listed.append(tuple(reversed(walked)))
        return listed


def _may_pass(
    network: Network, crossing: np.ndarray, demands: Demands, who: np.ndarray
) -> np.ndarray:
    """Which demands may use which border crossing.

    A stub at its end must be their own end, and their end abroad one that the exit reaches.
    """
    allowed = np.ones((len(crossing), len(who)), dtype=bool)
    for node in (network.tail[crossing], network.head[crossing]):
        own = (node[:, None] == demands.source[who]) | (node[:, None] == demands.target[who])
        allowed &= ~network.is_stub[node][:, None] | own
    if network.closed is not None:
        outer = np.where(network.is_abroad[demands.target], demands.target, demands.source)[who]
        allowed &= ~network.closed[np.ix_(crossing, outer)]
    return allowed
