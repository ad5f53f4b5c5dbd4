"""Pools of paths for ``path_simplex.py``: by every exit, by a few, and those found on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.path_problem import arcs_in_reach
from simulator.paths.candidates import Paths, exit_paths
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to

TIE_MS = 1e-7
"""Most that a delay is changed by, so that no two answers are equally good."""
_FIRST_EXITS = 8
"""Exits by way of which a demand has a path in a pool at first."""


@dataclass(frozen=True, eq=False)
class PathPool:
    """Paths of the demands that have any, sorted by demand.

    Attributes
    ----------
    who : ndarray of int, shape (rows,)
        Positions of the demands with a path: each is a row.
    row, rank : ndarray, shape (paths,)
        Row of each path, and its place among those of the row: a number that depends on names
        alone.
    paths : Paths
    delay_ms, cost_ms : ndarray, shape (paths,)
        Delay, and the delay with ties broken.
    fastest : ndarray of int, shape (rows,)
        Position of each row's fastest path.
    destination : ndarray of int, shape (rows,)
        Row of ``destinations_of`` that each demand goes to.
    exits : ndarray of bool, shape (arcs,)
        Exits that demands have a choice of: if no other arc has a price, no path outside the table
        of all costs less than the best one in it.
    crossings : tuple of ndarray of int
        These exits by direction.
    names : ndarray of uint64, shape (rows,)
        Hash of the name of each demand.
    arc_delay_ms : ndarray, shape (arcs,)
    reach : ndarray of bool, shape (arcs,)
        Arcs that a path of some demand may use.
    """

    who: np.ndarray
    row: np.ndarray
    rank: np.ndarray
    paths: Paths
    delay_ms: np.ndarray
    cost_ms: np.ndarray
    fastest: np.ndarray
    destination: np.ndarray
    exits: np.ndarray
    crossings: tuple[np.ndarray, ...]
    names: np.ndarray
    arc_delay_ms: np.ndarray
    reach: np.ndarray

    def join(self, paths: Paths, row: np.ndarray) -> tuple[PathPool, np.ndarray]:
        """Return the pool with more paths, and the places of the old ones in it."""
        ends = zip(paths.starts[:-1], paths.starts[1:], strict=True)
        words = _words([paths.arcs[start:end].tobytes() for start, end in ends])
        tie, delay = _mixed(self.names[row], words), paths.sums(self.arc_delay_ms)
        return self._with(paths, row, len(self.exits) + tie, delay, delay + TIE_MS * tie)

    def join_from(self, table: PathPool, which: np.ndarray) -> tuple[PathPool, np.ndarray]:
        """Return the pool with some paths of the table of all, and the places of the old ones."""
        return self._with(
            table.paths.take(which),
            table.row[which],
            table.rank[which],
            table.delay_ms[which],
            table.cost_ms[which],
        )

    def places_in(self, grown: PathPool) -> np.ndarray:
        """Return the places of the paths in a pool that this one has grown into."""
        return np.searchsorted(grown.row + 1j * grown.rank, self.row + 1j * self.rank)

    def _with(
        self,
        paths: Paths,
        row: np.ndarray,
        rank: np.ndarray,
        delay_ms: np.ndarray,
        cost_ms: np.ndarray,
    ) -> tuple[PathPool, np.ndarray]:
        rows, ranks = np.append(self.row, row), np.append(self.rank, rank)
        order = np.lexsort((ranks, rows))
        moved = np.empty(len(order), dtype=np.int64)
        moved[order] = np.arange(len(order))
        pool = replace(
            self,
            row=rows[order],
            rank=ranks[order],
            paths=self.paths.join(paths).take(order),
            delay_ms=np.append(self.delay_ms, delay_ms)[order],
            cost_ms=np.append(self.cost_ms, cost_ms)[order],
            fastest=moved[self.fastest],
        )
        return pool, moved[: len(self.row)]

    def first(self) -> PathPool:
        """Return the pool with the cheapest paths of every row, by way of a few exits."""
        order = np.lexsort((self.cost_ms, self.row))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - self._first[self.row[order]]
        chosen = place < _FIRST_EXITS
        chosen[self.fastest] = True
        which = np.flatnonzero(chosen)
        return replace(
            self,
            row=self.row[which],
            rank=self.rank[which],
            paths=self.paths.take(which),
            delay_ms=self.delay_ms[which],
            cost_ms=self.cost_ms[which],
            fastest=np.searchsorted(which, self.fastest),
        )

    @cached_property
    def all_exits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each direction: ones on its exits, and the least number each row has to cross."""
        prices = []
        for crossing in self.crossings:
            price = np.zeros(len(self.exits))
            price[crossing] = 1.0
            prices.append((price, self.least(self.sums(price))))
        return prices

    def are_exits(self, arcs: np.ndarray) -> bool:
        """Whether all of these arcs are exits: the table of all has every path that matters."""
        return bool(self.exits[arcs].all())

    def sums(self, price: np.ndarray) -> np.ndarray:
        """Sum of a price over the arcs of every path, shape (paths,)."""
        arcs = np.flatnonzero(price)
        return self.sums_over(arcs, price[arcs])

    def sums_over(self, arcs: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Sum of the prices of a few arcs over every path, shape (paths,)."""
        if not len(arcs):
            return np.zeros(len(self.row))
        if self._exit_of is not None and self.are_exits(arcs):
            by_arc = np.zeros(len(self.exits) + 1)
            by_arc[arcs] = price
            return by_arc[self._exit_of]
        indptr, through = self._through
        where, weight = [], []
        for arc, each in zip(arcs.tolist(), price.tolist(), strict=True):
            begin, end = indptr[arc], indptr[arc + 1]
            where.append(through[begin:end])
            weight.append(each * self._ones[begin:end])
        return np.bincount(np.concatenate(where), np.concatenate(weight), len(self.row))

    def crosses(self, ways: np.ndarray) -> np.ndarray:
        """Ones where a path goes over an arc, shape (ways, arcs)."""
        table = np.zeros((len(ways), len(self.exits) + 1))
        table[np.arange(len(ways))[:, None], self._arcs[ways]] = 1.0
        return table[:, :-1]

    def rows_over(
        self, ways: np.ndarray, arcs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions in *ways* of those that cross some arcs, gathered by arc.

        Returns
        -------
        positions : ndarray of int
        begins : ndarray of int
            Where those of each arc that is crossed begin.
        crossed : ndarray of int
            Which of the arcs these are.
        """
        place = np.full(len(self.exits) + 1, -1)
        place[arcs] = np.arange(len(arcs))
        at = place[self._arcs[ways]]
        position, column = np.nonzero(at >= 0)
        over = at[position, column]
        order = np.argsort(over, kind="stable")
        crossed, begins = np.unique(over[order], return_index=True)
        return position[order], begins, crossed

    def load(self, ways: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """Load of every arc under a flow on each of some paths, shape (arcs,)."""
        arcs = self._arcs[ways]
        flows = np.empty(arcs.shape)
        flows[:] = flow[:, None]
        return np.bincount(arcs.ravel(), flows.ravel(), len(self.exits) + 1)[:-1]

    def least(self, cost: np.ndarray) -> np.ndarray:
        """Least of the costs of every row's paths, shape (rows,)."""
        return np.minimum.reduceat(cost, self._first)

    def cheapest(self, cost: np.ndarray) -> np.ndarray:
        """Position of every row's cheapest path, the first of equal ones, shape (rows,)."""
        best = np.flatnonzero(cost == self.least(cost)[self.row])
        return best[np.flatnonzero(np.diff(self.row[best], prepend=-1))]

    @cached_property
    def _exit_of(self) -> np.ndarray | None:
        """The exit of every path, or the number of arcs without one; None where one has two."""
        count = len(self.exits)
        at_exit = np.append(self.exits, False)[self._arcs]
        if np.any(at_exit.sum(axis=1) > 1):
            return None
        which = self._arcs[np.arange(len(at_exit)), at_exit.argmax(axis=1)]
        return np.where(at_exit.any(axis=1), which, count)

    @cached_property
    def _first(self) -> np.ndarray:
        return np.searchsorted(self.row, np.arange(len(self.who)))

    @cached_property
    def _arcs(self) -> np.ndarray:
        """Arcs of every path, one row each, filled up with the number of arcs."""
        length = np.diff(self.paths.starts)
        table = np.full((len(length), max(1, length.max(initial=0))), len(self.exits))
        table[np.arange(table.shape[1]) < length[:, None]] = self.paths.arcs
        return table

    @cached_property
    def _through(self) -> tuple[list[int], np.ndarray]:
        """Paths over every arc: ``through[indptr[a]:indptr[a + 1]]``."""
        by_arc = sparse.csc_array(self.paths.passes(len(self.exits)))
        return by_arc.indptr.tolist(), by_arc.indices.astype(np.int64)

    @cached_property
    def _ones(self) -> np.ndarray:
        return np.ones(len(self.paths.arcs))


def pool_by_exit(network: Network, demands: Demands) -> PathPool:
    """Return the table of all: of every demand the fastest path by every exit, or just that."""
    weight = network.delay_ms + HOP_MS / 1000.0
    destinations, destination = destinations_of(network, demands)
    near = shortest_to(network, weight, destinations)
    fastest = Paths(np.arange(len(demands)), *near.follow(destination, demands.source))
    has = np.diff(fastest.starts) > 0
    who = np.flatnonzero(has)
    names = _words([name.encode() for name in demands.names])
    exits = np.zeros(len(weight), dtype=bool)
    found: list[Paths] = []
    rank: list[np.ndarray] = []
    tie: list[np.ndarray] = []
    chooses, crossings = np.zeros(len(demands), dtype=bool), []
    for by_exit in exit_paths(network, demands, weight, destination, near):
        place, which = np.nonzero(np.isfinite(by_exit.length))
        found.append(by_exit.paths(place, which))
        words = _words([network.arc_name(int(arc)).encode() for arc in by_exit.crossing])
        rank.append(place)
        tie.append(_mixed(names[by_exit.who[which]], words[place]))
        chooses[by_exit.who[which]] = True
        exits[by_exit.crossing] = True
        crossings.append(by_exit.crossing)
    alone = np.flatnonzero(has & ~chooses)
    found.append(fastest.take(alone))
    rank.append(np.zeros(len(alone)))
    tie.append(np.zeros(len(alone)))

    paths = found[0]
    for more in found[1:]:
        paths = paths.join(more)
    ranks, ties = np.concatenate(rank), np.concatenate(tie)
    order = np.lexsort((ranks, paths.demand))
    paths, ranks, ties = paths.take(order), ranks[order], ties[order]
    row = np.searchsorted(who, paths.demand)
    delay = paths.sums(network.delay_ms)
    length = paths.sums(weight)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    least = np.minimum.reduceat(length, first)[row] if len(row) else length
    best = np.flatnonzero(length == least)
    return PathPool(
        who,
        row,
        ranks,
        paths,
        delay,
        delay + TIE_MS * ties,
        best[np.flatnonzero(np.diff(row[best], prepend=-1))],
        destination[who],
        exits,
        tuple(crossings),
        names[who],
        network.delay_ms,
        arcs_in_reach(network, demands),
    )


def _words(names: list[bytes]) -> np.ndarray:
    """A hash of every name, 64 bits."""
    digests = b"".join(hashlib.blake2b(name, digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8")


def _mixed(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Numbers from 0 to 1 that depend on pairs of hashes and on nothing else."""
    mixed = rows ^ columns
    # The finaliser of splitmix64: every bit of the pair reaches every bit of the number.
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) / 2.0**64
