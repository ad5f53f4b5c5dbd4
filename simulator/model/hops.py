"""Hops: paths and splits as one sparse linear system, on which routes run.

A **hop** is traffic of one kind on one arc: the third arc of a path, or the traffic to one
destination on an arc. Two sparse matrices describe the system::

    y = inject @ rates + pass_on @ (pass_fraction * y)

``inject`` (hops x demands) is the share of each demand that enters a hop at its source, ``pass_on``
(hops x hops) the share of what leaves a hop that enters the next. Hops are sorted so that traffic
only flows to later levels; one sweep over the levels solves the equation for any number of instants
at once. Paths with shares and per-destination splits differ only in how the matrices are filled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.listed import Listed, paths_made_of, walked
from simulator.model.network import Network


@dataclass(frozen=True, eq=False)
class Hops:
    """A system of hops.

    Attributes
    ----------
    arcs : int
        Number of arcs in the network.
    arc : ndarray of int, shape (hops,)
        Arc of each hop, in level order.
    ends : ndarray of bool, shape (hops,)
        Whether traffic leaving the hop has arrived.
    inject : csr_array, shape (hops, demands)
    pass_on : csr_array, shape (hops, hops)
    levels : ndarray of int
        ``levels[i]:levels[i + 1]`` are the hops of level *i*.
    owner, share : ndarray, shape (hops,), optional
        For paths: the demand that each hop serves, and the share of it.
    """

    arcs: int
    arc: np.ndarray
    ends: np.ndarray
    inject: sparse.csr_array
    pass_on: sparse.csr_array
    levels: np.ndarray
    owner: np.ndarray | None = None
    share: np.ndarray | None = None

    # -- building -----------------------------------------------------------------------------

    @classmethod
    def of_paths(
        cls,
        arcs: int,
        demands: int,
        demand: np.ndarray,
        share: np.ndarray,
        path_arcs: np.ndarray,
        starts: np.ndarray,
    ) -> Hops:
        """Make the system of paths with shares; see :meth:`Routes.from_paths`."""
        length = np.diff(starts)
        used = (share > 0) & (length > 0)
        path = np.repeat(np.arange(len(length)), length)
        position = np.arange(len(path_arcs)) - np.repeat(starts[:-1], length)
        keep = used[path]
        path, position = path[keep], position[keep]
        # By position first: a level is all hops at one position in their paths. NumPy sorts small
        # integers many times faster.
        small = position.astype(np.int16) if position.max(initial=0) < 2**15 else position
        order = np.argsort(small, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        n, first = len(order), int((position == 0).sum())
        begins = path[order][:first]
        # Rows of one entry each.
        rows = np.arange(n + 1)
        inject = sparse.csr_array(
            (share[begins], demand[begins], np.minimum(rows, first)), shape=(n, demands)
        )
        before = place[order[first:] - 1] if n else order
        pass_on = sparse.csr_array(
            (np.ones(n - first), before, np.maximum(rows - first, 0)), shape=(n, n)
        )
        count = np.bincount(position, minlength=1)
        return cls(
            arcs,
            path_arcs[keep][order],
            (position == length[path] - 1)[order],
            inject,
            pass_on,
            np.concatenate([[0], np.cumsum(count)]),
            demand[path[order]],
            share[path[order]],
        )

    @classmethod
    def of_splits(
        cls,
        network: Network,
        demands: Demands,
        splits: sparse.sparray,
        destination: np.ndarray,
        commodity: np.ndarray,
    ) -> Hops:
        """Make the system of splits at every node; see :meth:`Routes.from_splits`."""
        coo = sparse.coo_array(splits)
        kind, arc, part = coo.row.astype(np.int64), coo.col.astype(np.int64), coo.data
        n, nodes = len(arc), len(network.nodes)
        tail, head = network.tail[arc], network.head[arc]
        ends = head == destination[kind]
        places = len(destination) * nodes
        leaves = sparse.csr_array((part, (np.arange(n), kind * nodes + tail)), shape=(n, places))
        going = np.flatnonzero(~ends)
        enters = sparse.csr_array(
            (np.ones(len(going)), (kind[going] * nodes + head[going], going)), shape=(places, n)
        )
        asks = sparse.csr_array(
            (np.ones(len(demands)), (commodity * nodes + demands.source, np.arange(len(demands)))),
            shape=(places, len(demands)),
        )
        inject, pass_on = sparse.csr_array(leaves @ asks), sparse.csr_array(leaves @ enters)
        level = _levels(inject, pass_on, nodes)
        order = np.argsort(level, kind="stable")
        order = order[np.searchsorted(level[order], 0) :]
        count = np.bincount(level[order], minlength=1)
        return cls(
            len(network.tail),
            arc[order],
            ends[order],
            sparse.csr_array(inject[order]),
            sparse.csr_array(pass_on[order][:, order]),
            np.concatenate([[0], np.cumsum(count)]),
        )

    def without_arcs(self, dead: np.ndarray) -> Hops:
        """Return the system without the entries from which traffic could meet a dead arc."""
        if not dead[self.arc].any():
            return self
        meets = dead[self.arc].astype(float)
        for lo, hi, back in self.backward:
            meets[lo:hi] += back @ meets
        alive = (meets == 0).astype(float)
        inject = sparse.csr_array(sparse.diags_array(alive) @ self.inject)
        inject.eliminate_zeros()
        return replace(self, inject=inject, owner=None, share=None)

    def without_ends(self) -> Hops:
        """Return the system in which traffic takes the same hops and never arrives."""
        return replace(self, ends=np.zeros_like(self.ends), owner=None, share=None)

    def scattered(self, demands: np.ndarray, total: int) -> Hops:
        """Return the system with its demands renumbered: demand *i* becomes ``demands[i]``."""
        old = self.inject
        columns = demands[old.indices]
        inject = sparse.csr_array((old.data, columns, old.indptr), shape=(old.shape[0], total))
        owner = None if self.owner is None else demands[self.owner]
        moved = replace(self, inject=inject, owner=owner)
        for name in ("forward", "backward", "_on_arc", "_arrives", "arrives_whole"):
            if name in self.__dict__:
                moved.__dict__[name] = self.__dict__[name]
        return moved

    def take(self, demands: np.ndarray) -> Hops:
        """Return the system for some demands: demand ``demands[i]`` becomes *i*."""
        inject = sparse.csr_array(self.inject[:, demands])
        return replace(self, inject=inject, owner=None, share=None)

    # -- reading ------------------------------------------------------------------------------

    @cached_property
    def _slices(self) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in zip(self.levels[:-1], self.levels[1:], strict=True)]

    @cached_property
    def forward(self) -> list[tuple[int, int, sparse.csr_array]]:
        """Every level but the first: where its hops begin and end, and its rows of *pass_on*."""
        return [(lo, hi, _slice(self.pass_on, lo, hi)) for lo, hi in self._slices[1:]]

    @cached_property
    def backward(self) -> list[tuple[int, int, sparse.csr_array]]:
        """Every level from the last: its hops, and what each of them passes on to."""
        back = sparse.csr_array(self.pass_on.T)
        return [(lo, hi, _slice(back, lo, hi)) for lo, hi in reversed(self._slices)]

    @cached_property
    def _enter(self) -> sparse.csr_array:
        return sparse.csr_array(self.inject.T)

    @cached_property
    def _on_arc(self) -> sparse.csr_array:
        n, order = len(self.arc), np.argsort(self.arc, kind="stable")
        starts = np.searchsorted(self.arc[order], np.arange(self.arcs + 1))
        return sparse.csr_array((np.ones(n), order, starts), shape=(self.arcs, n))

    @cached_property
    def _arrives(self) -> np.ndarray:
        """Share of what enters each hop that arrives without loss."""
        arrives = np.where(self.ends, 1.0, 0.0)
        for lo, hi, back in self.backward:
            arrives[lo:hi] += back @ arrives
        return arrives

    @cached_property
    def served(self) -> np.ndarray:
        """Share of each demand that has a path to its target, shape (demands,)."""
        if self.owner is not None and self.share is not None:
            last = self.ends
            return np.bincount(self.owner[last], self.share[last], self.inject.shape[1])
        return self._enter @ self._arrives

    @cached_property
    def arrives_whole(self) -> bool:
        """Whether all traffic that enters arrives when there is no loss."""
        return self.owner is not None or bool(np.all(np.abs(self._arrives - 1.0) < 1e-12))

    @cached_property
    def fingerprint(self) -> np.ndarray:
        """A number for every demand that differs when its shares differ, shape (demands,).

        Shares times random weights of the arcs: two different sets of shares agree by chance with
        a probability of about 2^-50.
        """
        weight = _random_weights(self.arcs)
        if self.owner is not None and self.share is not None:
            return np.bincount(self.owner, self.share * weight[self.arc], self.inject.shape[1])
        return np.asarray(weight @ self.matrix)

    @cached_property
    def listed(self) -> Listed | None:
        """Paths of all demands; None where they are too many to list."""
        if self.owner is not None and self.share is not None:
            count = self.inject.shape[1]
            return paths_made_of(self.arc, self.ends, self.levels, self.owner, self.share, count)
        return walked(self.arc, self.ends, self.inject, self.pass_on)

    def shares(self, demands: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arcs that some demands cross without loss: position in *demands*, arc and share."""
        place = np.full(self.inject.shape[1], -1)
        place[demands] = np.arange(len(demands))
        if self.owner is not None and self.share is not None:
            mine = np.flatnonzero(place[self.owner] >= 0)
            return place[self.owner[mine]], self.arc[mine], self.share[mine]
        columns = self._columns
        first, count = columns.indptr[demands], np.diff(columns.indptr)[demands]
        before = np.concatenate([[0], np.cumsum(count)])
        at = np.repeat(first - before[:-1], count) + np.arange(before[-1])
        return np.repeat(np.arange(len(demands)), count), columns.indices[at], columns.data[at]

    @cached_property
    def _columns(self) -> sparse.csc_array:
        return sparse.csc_array(self.matrix)

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """Share of each demand that crosses each arc without loss (arcs x demands)."""
        shape = (self.arcs, self.inject.shape[1])
        if self.owner is not None:
            return sparse.csr_array((self.share, (self.arc, self.owner)), shape=shape)
        parts = [_slice(self.inject, lo, hi) for lo, hi in self._slices[:1]]
        for lo, hi, forward in self.forward:
            above = _stacked(parts, len(self.arc))
            parts.append(_slice(self.inject, lo, hi) + forward @ above)
        return self._on_arc @ _stacked(parts, len(self.arc))

    @cached_property
    def _by_demand(self) -> sparse.csc_array:
        return self.matrix.T

    def loads(self, rates: np.ndarray, pass_fraction: np.ndarray | None = None) -> np.ndarray:
        """Rate offered to every arc, shape (arcs,) or (arcs, instants)."""
        if pass_fraction is None:
            if rates.ndim == 1 and self.owner is not None and "matrix" not in vars(self):
                return np.bincount(self.arc, self.share * rates[self.owner], self.arcs)
            return np.asarray(self.matrix @ rates)
        y = self.inject @ rates
        pass_hop = pass_fraction[self.arc]
        for lo, hi, forward in self.forward:
            y[lo:hi] += forward @ (y * pass_hop)
        return self._on_arc @ y

    def open_loads(self, rates: np.ndarray, open_: np.ndarray) -> np.ndarray:
        """Rate on every arc, shape (arcs, instants), by the paths that cross open arcs only.

        *open_*, of the same shape, is one for an open arc and zero for a closed one.
        """
        here = open_[self.arc]
        reached = self.inject @ rates
        for lo, hi, forward in self.forward:
            reached[lo:hi] += forward @ (reached * here)
        arrives = np.zeros_like(reached)
        for lo, hi, back in self.backward:
            onward = np.where(self.ends[lo:hi, None], 1.0, back @ arrives)
            arrives[lo:hi] = here[lo:hi] * onward
        return self._on_arc @ (reached * arrives)

    def arrivals(
        self, delays_ms: np.ndarray, pass_fraction: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Share of each demand that arrives, and that share times its mean delay."""
        delay, pass_hop = delays_ms[self.arc], pass_fraction[self.arc]
        arrives = np.where(self.ends[:, None], 1.0, np.zeros_like(delay))
        spent = np.zeros_like(delay)
        for lo, hi, back in self.backward:
            arrives[lo:hi] = pass_hop[lo:hi] * (arrives[lo:hi] + back @ arrives)
            spent[lo:hi] = delay[lo:hi] * arrives[lo:hi] + pass_hop[lo:hi] * (back @ spent)
        return self._enter @ arrives, self._enter @ spent

    def spent(self, delays_ms: np.ndarray) -> np.ndarray:
        """Share that arrives times mean delay without loss, shape (demands, instants)."""
        if self.arrives_whole:
            return np.asarray(self._by_demand @ delays_ms)
        spent = delays_ms[self.arc] * self._arrives[:, None]
        for lo, hi, back in self.backward:
            spent[lo:hi] += back @ spent
        return self._enter @ spent


def _slice(matrix: sparse.csr_array, lo: int, hi: int) -> sparse.csr_array:
    """Rows *lo* to *hi*, without the cost of general indexing."""
    start, stop = matrix.indptr[lo], matrix.indptr[hi]
    return sparse.csr_array(
        (matrix.data[start:stop], matrix.indices[start:stop], matrix.indptr[lo : hi + 1] - start),
        shape=(hi - lo, matrix.shape[1]),
    )


def _stacked(parts: list[sparse.csr_array], rows: int) -> sparse.csr_array:
    """The parts one below the other, and empty rows below them; cheaper than that of SciPy."""
    ends = np.concatenate([[0], *(np.diff(part.indptr) for part in parts)]).cumsum()
    return sparse.csr_array(
        (
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.append(ends, np.full(rows + 1 - len(ends), ends[-1])),
        ),
        shape=(rows, parts[0].shape[1]),
    )


@lru_cache
def _random_weights(arcs: int) -> np.ndarray:
    return np.random.default_rng(arcs).random(arcs)


def _levels(inject: sparse.csr_array, pass_on: sparse.csr_array, nodes: int) -> np.ndarray:
    """Longest path from an entry to every hop, in hops; -1 where no traffic comes."""
    level = np.full(inject.shape[0], -1)
    front = np.diff(inject.indptr) > 0
    depth = 0
    while front.any():
        if depth > nodes:
            raise ValueError("the splits send traffic round in a circle")
        level[front] = depth
        front = (pass_on @ front.astype(float)) > 0
        depth += 1
    return level
