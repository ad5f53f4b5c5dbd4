"""PathTable: listed paths as sparse matrices, and what passes where links on them are full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from simulator.model.listed import Listed
from simulator.model.loss import pass_fractions
from simulator.model.network import Network


class Loss(NamedTuple):
    """What full arcs take from paths.

    Attributes
    ----------
    which : ndarray of int, shape (some paths,)
        Paths that cross an arc that is full at some instant.
    passes : ndarray, shape (some paths, instants)
        Share of the rate of each of them that arrives.
    offered_gbps, pass_fraction : ndarray, shape (arcs, instants)
        Load with this loss, and the share of it that every arc carries.
    """

    which: np.ndarray
    passes: np.ndarray
    offered_gbps: np.ndarray
    pass_fraction: np.ndarray


@dataclass(frozen=True, eq=False)
class PathTable:
    """Paths one by one: *p* serves ``demand[p]`` over ``arcs[starts[p]:starts[p + 1]]``.

    Attributes
    ----------
    network : Network
        The network that the arcs belong to.
    demands : int
        Number of demands.
    demand : ndarray of int, shape (paths,)
    arcs : ndarray of int
    starts : ndarray of int, shape (paths + 1,)
    """

    network: Network
    demands: int
    demand: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray
    _downstream: dict[int, tuple[np.ndarray, sparse.csr_array]] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, demands: int, listed: Listed) -> PathTable:
        """Return the table of listed paths, in their order."""
        return cls(network, demands, listed.demand, listed.arcs, listed.starts)

    def __len__(self) -> int:
        return len(self.demand)

    @cached_property
    def through(self) -> sparse.csr_array:
        """Ones where a path crosses an arc (paths x arcs)."""
        shape = (len(self), len(self.network.tail))
        return sparse.csr_array((np.ones(len(self.arcs)), self.arcs, self.starts), shape=shape)

    @cached_property
    def crosses(self) -> sparse.csr_array:
        """Ones where an arc is crossed by a path (arcs x paths)."""
        return sparse.csr_array(self.through.T)

    @cached_property
    def gathers(self) -> sparse.csr_array:
        """Ones where a demand has a path (demands x paths)."""
        at = np.arange(len(self))
        shape = (self.demands, len(self))
        return sparse.csr_array((np.ones(len(self)), (self.demand, at)), shape=shape)

    def propagation_ms(self, network: Network) -> np.ndarray:
        """Propagation delay of every path on some state of the network, shape (paths,)."""
        return np.add.reduceat(network.delay_ms[self.arcs], self.starts[:-1])

    def crossing(self, arcs: np.ndarray) -> np.ndarray:
        """Positions of the paths that cross any of some arcs."""
        wanted = np.zeros(len(self.network.tail))
        wanted[arcs] = 1.0
        return np.flatnonzero(self.through @ wanted)

    def loss(
        self, flow_gbps: np.ndarray, offered_gbps: np.ndarray, capacity_gbps: np.ndarray
    ) -> Loss:
        """Return what arcs above capacity take.

        No other arcs do, as loss only lowers loads. Where no path crosses two of them, each is
        offered what it would be without loss, and two sweeps are enough.

        Parameters
        ----------
        flow_gbps : ndarray, shape (paths, instants)
            Rate that is sent on every path.
        offered_gbps : ndarray, shape (arcs, instants)
            Load without loss.
        capacity_gbps : ndarray, shape (arcs,)
        """
        full = np.flatnonzero((offered_gbps > capacity_gbps[:, None]).any(axis=1))
        meets = _FullArcs(self, full)
        sent = flow_gbps[meets.which]
        some, _ = pass_fractions(
            lambda at, passes: meets.offered(sent[:, at], passes),
            capacity_gbps[full],
            sent.shape[1],
        )
        left = offered_gbps.copy()
        for arc, lost in zip(full.tolist(), meets.lost(sent, some), strict=True):
            paths, after = self._after(arc)
            left -= after @ lost[np.searchsorted(meets.which, paths)]
        fractions = np.ones_like(offered_gbps)
        fractions[full] = some
        return Loss(meets.which, meets.passed(some)[-1], np.maximum(left, 0.0), fractions)

    def _after(self, arc: int) -> tuple[np.ndarray, sparse.csr_array]:
        """Paths that cross an arc, and ones where each crosses another one after it."""
        if arc not in self._downstream:
            at = np.flatnonzero(self.arcs == arc)
            paths = np.searchsorted(self.starts, at, side="right") - 1
            length = self.starts[paths + 1] - at - 1
            starts = np.concatenate([[0], np.cumsum(length)])
            hops = np.arange(starts[-1]) + np.repeat(at + 1 - starts[:-1], length)
            shape = (len(paths), len(self.network.tail))
            after = sparse.csr_array((np.ones(len(hops)), self.arcs[hops], starts), shape=shape)
            self._downstream[arc] = paths, sparse.csr_array(after.T)
        return self._downstream[arc]


class _FullArcs:
    """Some arcs of a table, and in what order each path crosses them."""

    def __init__(self, table: PathTable, arcs: np.ndarray) -> None:
        self.which = table.crossing(arcs)
        place = np.full(len(table.network.tail), -1)
        place[arcs] = np.arange(len(arcs))
        at = place[table.arcs]
        path = np.repeat(np.arange(len(table)), np.diff(table.starts))[at >= 0]
        row = np.searchsorted(self.which, path)
        turn = np.arange(len(row)) - np.searchsorted(row, row)
        # By turn: the arc that each path crosses then; one that passes all where there is none.
        self._turns = np.full((int(turn.max(initial=-1)) + 1, len(self.which)), len(arcs))
        self._turns[turn, row] = at[at >= 0]
        rows, count = np.arange(len(self.which)), len(arcs)
        self._gathers = [
            sparse.csr_array((np.ones(len(rows)), (each, rows)), shape=(count + 1, len(rows)))
            for each in self._turns
        ]

    def passed(self, fractions: np.ndarray) -> list[np.ndarray]:
        """Share of the rate of every path that is left before each turn, and in the end."""
        wide = np.concatenate([fractions, np.ones((1, fractions.shape[1]))])
        left = [np.ones((len(self.which), fractions.shape[1]))]
        for each in self._turns:
            left.append(left[-1] * wide[each])
        return left

    def offered(self, sent_gbps: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """What these arcs are offered, shape (arcs, instants)."""
        total = np.zeros((len(fractions) + 1, fractions.shape[1]))
        for gathers, left in zip(self._gathers, self.passed(fractions), strict=False):
            total += gathers @ (sent_gbps * left)
        return total[:-1]

    def lost(self, sent_gbps: np.ndarray, fractions: np.ndarray) -> Iterator[np.ndarray]:
        """Yield for each of these arcs what every path loses there, shape (paths, instants)."""
        before = self.passed(fractions)
        for arc, fraction in enumerate(fractions):
            lost = np.zeros_like(sent_gbps)
            for turn, left in zip(self._turns, before, strict=False):
                mine = np.flatnonzero(turn == arc)
                lost[mine] = sent_gbps[mine] * left[mine] * (1.0 - fraction)
            yield lost
