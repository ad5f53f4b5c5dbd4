"""Ecmp trees: equal-cost shortest ways to every destination as rows, on which failures are tried.

A **row** is a node on its way to a destination; its entries are the arcs that start a shortest path
there, each with an equal share. Rows stand in one list, numbered ``destination * nodes + node``.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.shortest import Search, destinations_of


class EcmpTrees:
    """Shortest paths of some demands, split per hop, compiled once for many failures.

    Parameters
    ----------
    network : Network
        With what is down already.
    demands : Demands
        Of which the ends count, and the rates.
    weight : ndarray, shape (arcs,)
        Length of every arc, above zero.

    Attributes
    ----------
    destination : ndarray of int, shape (destinations,)
        Their nodes, with repetition.
    demand_row : ndarray of int, shape (demands,)
        Row where each demand enters.
    distance : ndarray, shape (destinations * nodes,)
        Of every row to its destination; infinite where there is no path.
    may_take : ndarray of bool, shape (destinations, arcs)
        Arcs that traffic to each destination may take.
    row, arc, share : ndarray, shape (entries,)
        Entries, sorted by row.
    ways : ndarray of int, shape (rows,)
        Number of entries of every row.
    starts : ndarray of int, shape (rows + 1,)
        ``starts[r]:starts[r + 1]`` are the entries of row *r*.
    onward : ndarray of int, shape (entries,)
        Row that each entry leads to.
    """

    def __init__(self, network: Network, demands: Demands, weight: np.ndarray) -> None:
        self.network, self.demands, self.weight = network, demands, weight
        self.nodes, self.arcs = len(network.nodes), len(network.tail)
        destinations, place = destinations_of(network, demands)
        search = Search(network, destinations)
        found = search.under(weight)
        self.destination, self.may_take = destinations.node, search.may_take
        self.distance = found.distance.ravel()
        self.demand_row = place * self.nodes + demands.source
        self._list_entries(found.ecmp())

    def _list_entries(self, splits: sparse.csr_array) -> None:
        """List the entries of all rows, from the splits of every destination."""
        counts, arc = np.diff(splits.indptr), splits.indices.astype(np.int64)
        goal = np.repeat(np.arange(len(counts)) * self.nodes, counts)
        row = goal + self.network.tail[arc]
        order = np.argsort(row, kind="stable")
        self.row, self.arc = row[order], arc[order]
        self.share = splits.data[order]
        self.onward = (goal + self.network.head[arc])[order]
        self.ways = np.bincount(self.row, minlength=self.rows)
        self.starts = np.concatenate([[0], np.cumsum(self.ways)])

    @property
    def rows(self) -> int:
        """Number of rows, those without entries too."""
        return len(self.destination) * self.nodes

    @cached_property
    def entering(self) -> tuple[np.ndarray, np.ndarray]:
        """Entries by the row that they lead to, and where those of each row start."""
        return _grouped(self.onward, self.rows)

    @cached_property
    def on_arc(self) -> tuple[np.ndarray, np.ndarray]:
        """Entries by their arc, and where those of each arc start."""
        return _grouped(self.arc, self.arcs)

    @cached_property
    def entry_of(self) -> np.ndarray:
        """Entry of every destination and arc, shape (destinations, arcs); -1 where none is."""
        found = np.full(self.may_take.shape, -1, dtype=np.int32)
        found[self.row // self.nodes, self.arc] = np.arange(len(self.arc))
        return found

    @cached_property
    def demands_of(self) -> tuple[np.ndarray, np.ndarray]:
        """Demands above zero by the row where they enter, and where those of each row start."""
        some = np.flatnonzero(self.demands.gbps > 0)
        order, starts = _grouped(self.demand_row[some], self.rows)
        return some[order], starts

    @cached_property
    def leaving(self) -> tuple[np.ndarray, np.ndarray]:
        """Arcs by the node that they leave, and where those of each node start."""
        return _grouped(self.network.tail, self.nodes)

    def asked(self, gbps: np.ndarray) -> np.ndarray:
        """Rate that enters at every row, shape (rows,)."""
        return np.bincount(self.demand_row, gbps, self.rows)

    def throughput(self, asked: np.ndarray) -> np.ndarray:
        """Rate that comes through every row, shape (rows,): what is asked there and passes."""
        through, front = asked.copy(), asked
        for _ in range(self.nodes):
            front = np.bincount(self.onward, front[self.row] * self.share, self.rows)
            if not front.any():
                return through
            through += front
        raise AssertionError("shortest paths run in a circle")


def spread(starts: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the members of some groups one after the other, and the place in *of* of each."""
    first, count = starts[of], starts[of + 1] - starts[of]
    place = np.repeat(np.arange(len(of)), count)
    before = np.cumsum(count) - count
    return np.repeat(first - before, count) + np.arange(len(place)), place


def _grouped(key: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return positions sorted by a key, and where each group starts."""
    order = np.argsort(key, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(key, minlength=groups))])
