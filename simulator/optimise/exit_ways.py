"""Exit ways: how the traffic of each end abroad may go through an exit network.

Without a limit on latency it may go any way, and the flow of every end is kept at each node. With a
limit it may go by the paths that keep to it, each a column of its own, because what an arc adds to
the latency of a path depends on the rest of the path.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heappop, heappush

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, hstack

from simulator.optimise.exit_cuts import HOME, ExitNetwork

MOST_PATHS = 3_000
"""Paths of one end that are listed; beyond, the fastest of them."""


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways of every end.

    Attributes
    ----------
    net : ExitNetwork
        All of its arcs have a limit.
    arcs : ndarray of int
        Arcs of the network that the rows of ``crosses`` stand for.
    balance : tuple of csr_array
        For each end rows ``balance @ columns = entry * demand``.
    entry : tuple of ndarray
    crosses : tuple of csr_array, shape (arcs of the exit network, columns)
        Use of each arc by a column.
    open_to : ndarray of bool, shape (arcs of the exit network, ends)
        Whether the traffic of an end may cross an arc.
    listed : bool
        False where there were too many paths, and only the fastest are there.
    """

    net: ExitNetwork
    arcs: np.ndarray
    balance: tuple[csr_array, ...]
    entry: tuple[np.ndarray, ...]
    crosses: tuple[csr_array, ...]
    open_to: np.ndarray
    listed: bool = True

    def without(self, dead: np.ndarray) -> Ways:
        """Return the ways that cross none of some arcs.

        Parameters
        ----------
        dead : ndarray of bool, shape (arcs of the exit network,)
        """
        kept = [np.flatnonzero(crosses.T @ dead.astype(float) == 0) for crosses in self.crosses]
        return replace(
            self,
            balance=tuple(csr_array(b[:, k]) for b, k in zip(self.balance, kept, strict=True)),
            crosses=tuple(csr_array(c[:, k]) for c, k in zip(self.crosses, kept, strict=True)),
        )

    @cached_property
    def columns(self) -> int:
        """Number of columns of all ends."""
        return sum(each.shape[1] for each in self.crosses)

    @cached_property
    def kept(self) -> csr_array:
        """The balance of all ends, one block after the other."""
        return csr_array(block_diag(self.balance, format="csr"))

    @cached_property
    def load(self) -> csr_array:
        """Use of each arc by the columns of all ends."""
        return csr_array(hstack(self.crosses, format="csr"))

    @cached_property
    def of_row(self) -> np.ndarray:
        """End of every row of ``kept``."""
        return np.repeat(np.arange(len(self.entry)), [len(each) for each in self.entry])

    @cached_property
    def entries(self) -> np.ndarray:
        """``entry`` of all ends, one after the other."""
        return np.concatenate(self.entry)

    def needs(self, demands: np.ndarray) -> np.ndarray:
        """Return the right side of the rows of ``kept``."""
        return np.asarray(self.entries * demands[self.of_row])


def joint_ways(one: Ways, other: Ways) -> Ways:
    """Return the ways of two directions, which share the arcs that both may cross."""
    arcs = np.union1d(one.arcs, other.arcs)
    crosses = []
    for ways in (one, other):
        count = len(ways.arcs)
        at = (np.searchsorted(arcs, ways.arcs), np.arange(count))
        place = csr_array((np.ones(count), at), shape=(len(arcs), count))
        crosses += [csr_array(place @ each) for each in ways.crosses]
    open_to = np.ones((len(arcs), len(crosses)), dtype=bool)
    return Ways(one.net, arcs, (*one.balance, *other.balance), (*one.entry, *other.entry),
                tuple(crosses), open_to, one.listed and other.listed)  # fmt: skip


def all_ways(net: ExitNetwork) -> Ways:
    """Return the ways without a limit: each end has a flow on every arc."""
    count, arcs = len(net.nodes), np.arange(len(net.arcs))
    rows = np.concatenate([net.tail, net.head])
    signs = np.concatenate([-np.ones(len(arcs)), np.ones(len(arcs))])
    inner = rows != HOME
    both = np.concatenate([arcs, arcs])
    flow = csr_array((signs[inner], (rows[inner], both[inner])), shape=(count, len(arcs)))
    eye = csr_array((np.ones(len(arcs)), (arcs, arcs)), shape=(len(arcs), len(arcs)))
    balance, entry, crosses = [], [], []
    is_end = np.isin(np.arange(count), net.ends)
    for end in net.ends.tolist():
        # Another end that is no point of transit has no flow on; its arcs are left out.
        shut = is_end[net.head] & (net.head != end) & ~np.isin(net.head, net.tail)
        kept = np.flatnonzero(~shut)
        balance.append(csr_array(flow[:, kept]))
        entry.append((np.arange(count) == end).astype(float))
        crosses.append(csr_array(eye[:, kept]))
    open_to = np.ones((len(arcs), len(net.ends)), dtype=bool)
    return Ways(net, net.arcs, tuple(balance), tuple(entry), tuple(crosses), open_to)


def ways_within(
    net: ExitNetwork, delay_ms: np.ndarray, limit_ms: np.ndarray, closed: np.ndarray | None = None
) -> Ways:
    """Return the paths of every end that take no longer than its limit.

    Parameters
    ----------
    delay_ms : ndarray, shape (arcs of the exit network,)
    limit_ms : ndarray, shape (ends,)
    closed : ndarray of bool, shape (arcs of the exit network, ends), optional
        Exits that the traffic of an end may not take.
    """
    shut = np.zeros((len(net.arcs), len(net.ends)), dtype=bool) if closed is None else closed
    balance, entry, crosses, listed = [], [], [], True
    open_to = np.zeros((len(net.arcs), len(net.ends)), dtype=bool)
    for place, end in enumerate(net.ends.tolist()):
        paths = _paths(net, delay_ms, end, float(limit_ms[place]), shut[:, place])
        listed &= len(paths) <= MOST_PATHS
        paths = paths[:MOST_PATHS]
        arcs = [arc for path in paths for arc in path]
        which = [i for i, path in enumerate(paths) for _ in path]
        shape = (len(net.arcs), len(paths))
        crosses.append(csr_array(coo_array((np.ones(len(arcs)), (arcs, which)), shape=shape)))
        balance.append(csr_array(np.ones((1, len(paths)))))
        entry.append(np.ones(1))
        open_to[arcs, place] = True
    return Ways(net, net.arcs, tuple(balance), tuple(entry), tuple(crosses), open_to, listed)


def least_ms(
    net: ExitNetwork, delay_ms: np.ndarray, closed: np.ndarray | None = None
) -> np.ndarray:
    """Return the least delay of any way to each end, shape (ends,)."""
    found = np.zeros(len(net.ends))
    for place, end in enumerate(net.ends.tolist()):
        usable = np.ones(len(net.arcs), bool) if closed is None else ~closed[:, place]
        found[place] = _to(net, delay_ms, end, usable)[HOME]
    return found


def _to(net: ExitNetwork, delay_ms: np.ndarray, end: int, usable: np.ndarray) -> np.ndarray:
    """Least delay from every node to an end; the last is home."""
    best = np.full(len(net.nodes) + 1, np.inf)
    best[end] = 0.0
    for _ in range(len(best)):
        through = np.where(usable, delay_ms + best[net.head], np.inf)
        before = best.copy()
        np.minimum.at(best, net.tail, through)  # HOME is -1, the last
        if np.array_equal(best, before):
            break
    return best


def _paths(
    net: ExitNetwork, delay_ms: np.ndarray, end: int, limit_ms: float, shut: np.ndarray
) -> list[tuple[int, ...]]:
    """Paths without a loop from home to an end within the limit, the fastest first."""
    left = _to(net, delay_ms, end, ~shut)
    after: dict[int, list[int]] = {}
    for arc, tail in enumerate(net.tail.tolist()):
        if not shut[arc]:
            after.setdefault(tail, []).append(arc)
    found: list[tuple[int, ...]] = []
    open_: list[tuple[float, tuple[int, ...], int, float]] = [(0.0, (), HOME, 0.0)]
    heads, delays = net.head.tolist(), delay_ms.tolist()
    while open_ and len(found) <= MOST_PATHS:
        _, path, node, ms = heappop(open_)
        if node == end:
            found.append(path)
            continue
        seen = {HOME, *(heads[arc] for arc in path)}
        for arc in after.get(node, []):
            head, so_far = heads[arc], ms + delays[arc]
            if head not in seen and so_far + left[head] <= limit_ms * (1 + 1e-12) + 1e-9:
                heappush(open_, (so_far + float(left[head]), (*path, arc), head, so_far))
    return found
