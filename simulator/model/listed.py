"""Listed: the paths of a system of hops one by one, where they are few enough to list."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

MOST_LISTED = 64
"""Paths that are listed, for each demand on average: equal-cost splits multiply."""


class Listed(NamedTuple):
    """Paths one by one; ``arcs[starts[p]:starts[p + 1]]`` is path *p*, never empty.

    Attributes
    ----------
    demand : ndarray of int, shape (paths,)
    share : ndarray, shape (paths,)
        Share of the demand on the path, without loss.
    arcs : ndarray of int
    starts : ndarray of int, shape (paths + 1,)
    """

    demand: np.ndarray
    share: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray

    @classmethod
    def none(cls) -> Listed:
        """Return no paths."""
        some = np.empty(0, dtype=np.int64)
        return cls(some, np.empty(0), some, np.zeros(1, dtype=np.int64))

    def take(self, which: np.ndarray) -> Listed:
        """Return some of the paths."""
        length = np.diff(self.starts)[which]
        starts = np.concatenate([[0], np.cumsum(length)])
        at = np.repeat(self.starts[which] - starts[:-1], length) + np.arange(starts[-1])
        return Listed(self.demand[which], self.share[which], self.arcs[at], starts)


def walked(
    arc: np.ndarray, is_end: np.ndarray, inject: sparse.csr_array, pass_on: sparse.csr_array
) -> Listed | None:
    """Return the paths of a system, walked from its entries; None where they are too many.

    The walk goes level by level. A path is known by its last hop so far.
    """
    onward = sparse.csr_array(pass_on.T)
    most = _most(inject.shape[1])
    entries = sparse.coo_array(inject)
    there = entries.data > 0
    hop, demand = (axis[there].astype(np.int64) for axis in entries.coords)
    share, before = entries.data[there], np.full(len(hop), -1)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    steps = [(hop, before)]
    while len(hop):
        if len(hop) > most:
            return None
        ends = np.flatnonzero(is_end[hop])
        found.append((demand[ends], share[ends], ends))
        first, count = onward.indptr[hop], np.diff(onward.indptr)[hop]
        owner = np.repeat(np.arange(len(hop)), count)
        starts = np.cumsum(count) - count
        at = np.repeat(first - starts, count) + np.arange(len(owner))
        hop, before = onward.indices[at].astype(np.int64), owner
        demand, share = demand[owner], share[owner] * onward.data[at]
        steps.append((hop, before))
    return _collected(arc, found, steps)


def paths_made_of(
    arc: np.ndarray,
    is_end: np.ndarray,
    levels: np.ndarray,
    owner: np.ndarray,
    share: np.ndarray,
    demands: int,
) -> Listed | None:
    """Return the paths that a system was made of; None where they are too many to list.

    *owner* and *share* are those of :class:`~simulator.model.hops.Hops`.
    """
    count = int(levels[1])
    if count > _most(demands):
        return None
    at = np.arange(count)
    path = [at]
    for lo, hi in zip(levels[:-2], levels[1:-1], strict=True):
        at = at[~is_end[lo:hi]]
        path.append(at)
    of = np.concatenate(path)
    length = np.bincount(of, minlength=count)
    whole = Listed(
        owner[:count].astype(np.int64),
        share[:count],
        arc[np.argsort(of, kind="stable")].astype(np.int64),
        np.concatenate([[0], np.cumsum(length)]),
    )
    return whole.take(np.lexsort((length, whole.demand)))


def _collected(
    arc: np.ndarray,
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    steps: list[tuple[np.ndarray, np.ndarray]],
) -> Listed:
    """Walk back from the ends of paths to their arcs."""
    demands, shares, arcs = [], [], []
    for length, (demand, share, ends) in enumerate(found, start=1):
        passed = np.empty((len(ends), length), dtype=np.int64)
        at = ends
        for place in range(length - 1, -1, -1):
            hop, before = steps[place]
            passed[:, place], at = arc[hop[at]], before[at]
        demands.append(demand)
        shares.append(share)
        arcs.append(passed)
    lengths = np.repeat(np.arange(1, len(found) + 1), [len(each) for each in demands])
    whole = Listed(
        np.concatenate([*demands, np.empty(0, dtype=np.int64)]),
        np.concatenate([*shares, np.empty(0)]),
        np.concatenate([*(each.ravel() for each in arcs), np.empty(0, dtype=np.int64)]),
        np.concatenate([[0], np.cumsum(lengths)]),
    )
    return whole.take(np.argsort(whole.demand, kind="stable"))


def _most(demands: int) -> int:
    return max(MOST_LISTED * demands, 4096)
