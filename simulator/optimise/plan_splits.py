"""Plan splits: fixed shares of each end over its ways, planned with the capacity that holds them.

Shares do not follow traffic, so that an arc must hold the worst of all demands. With shares ``f``
of the ends on an arc that is the largest ``f @ d`` over ranges ``low <= d <= high`` with a total
``T``, which by its dual is at most ``room`` if and only if some ``u, l, t >= 0`` have::

    sum of high u  -  sum of low l  +  T t  <=  room,       u[r] - l[r] + t  >=  f[r]

so that the program stays linear (Ben-Tal and Nemirovski, *Robust solutions of uncertain linear
programs*, Operations Research Letters 1999). Every pattern of dead arcs has shares of its own,
which is generous to routes that rescale what is left of them. A cut of part of an arc moves no
share: over the states of a pattern, an arc counts with the least that any leaves of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import block_diag, csr_array, eye_array, hstack, kron, vstack

from simulator.optimise.demand_set import DemandSet
from simulator.optimise.exit_ways import Ways
from simulator.optimise.orders import Orders
from simulator.optimise.plan_program import Block
from simulator.optimise.requirement import Held


@dataclass(frozen=True, eq=False)
class SplitPart:
    """The shares of one period, pattern and direction, among the columns of a block.

    Attributes
    ----------
    period : int
    states : ndarray of int
        States of the pattern.
    way : str
    ways : Ways
        Those that are alive.
    first : int
        Place of its first column.
    """

    period: int
    states: np.ndarray
    way: str
    ways: Ways
    first: int

    def on_arcs(self, columns: np.ndarray) -> np.ndarray:
        """Return the share of every end on each arc of the exit network, shape (arcs, ends)."""
        ends, at = [], self.first
        for crosses in self.ways.crosses:
            ends.append(crosses @ columns[at : at + crosses.shape[1]])
            at += crosses.shape[1]
        return np.array(ends).T


@dataclass(frozen=True, eq=False)
class _Piece:
    """Rows of one part, and its columns; see `Block`."""

    equal: csr_array
    right: np.ndarray
    orders: csr_array
    use: csr_array
    room: np.ndarray


def split_block(
    orders: Orders, sides: Sequence[tuple[Held, Ways]]
) -> tuple[Block, list[SplitPart]]:
    """Return the block of all periods, patterns and directions, and where its shares are.

    Parameters
    ----------
    sides : sequence of (Held, Ways)
        Directions whose shares are fixed.
    """
    pieces, parts, first = [], [], 0
    for held, ways in sides:
        for states in patterns_of(held.left):
            arcs = ways.net.arcs
            alive = ways.without(held.left[states[0], arcs] <= 0)
            factor = held.factor[states].min(axis=0)
            for period in range(held.first, len(held.demands)):
                demands = held.demands[period]
                pieces.append(_piece(orders, period, alive, demands, factor))
                parts.append(SplitPart(period, states, held.way, alive, first))
                first += pieces[-1].equal.shape[1]
    return _joined(pieces), parts


def patterns_of(left: np.ndarray) -> list[np.ndarray]:
    """Return the states with the same dead arcs, group by group."""
    of = np.unique(left > 0, axis=0, return_inverse=True)[1].ravel()
    groups = [np.flatnonzero(of == i) for i in range(int(of.max()) + 1)]
    return sorted(groups, key=lambda group: int(group[0]))


def _joined(pieces: Sequence[_Piece]) -> Block:
    return Block(
        csr_array(block_diag([each.equal for each in pieces], format="csr")),
        np.concatenate([each.right for each in pieces]),
        csr_array(vstack([each.orders for each in pieces], format="csr")),
        csr_array(block_diag([each.use for each in pieces], format="csr")),
        np.concatenate([each.room for each in pieces]),
    )


def _piece(
    orders: Orders, period: int, ways: Ways, demands: DemandSet, factor: np.ndarray
) -> _Piece:
    """One part: flows, then dual columns of each arc where demands are no single point."""
    arcs = ways.net.arcs
    crossed = np.flatnonzero(np.asarray(ways.load.sum(axis=1)).ravel() > 0)
    low, high = demands.far_range
    gain = (orders.gives[:, arcs[crossed]] * factor[arcs[crossed]]).T[:, orders.offer]
    gain = gain * orders.counts[period]
    base = factor[arcs[crossed]] * orders.base_gbps[arcs[crossed]]
    share = csr_array(vstack([crosses[crossed] for crosses in _spread(ways)], format="csr"))
    ends, count = len(low), len(crossed)
    scale = max(float(demands.most_gbps), 1.0)
    if high.sum() <= demands.most_gbps * (1 + 1e-12):  # one point is beyond all others
        weigh = kron(csr_array(high[None, :] / scale), eye_array(count), format="csr")
        return _Piece(ways.kept, ways.entries, csr_array(-gain / scale), csr_array(weigh @ share),
                      base / scale)  # fmt: skip
    duals = _duals(count, low, high, demands.most_gbps)
    shape = (count, ways.columns)
    capacity = hstack([csr_array(shape), duals.cost], format="csr") / scale
    covers = hstack([share, -duals.covers], format="csr")
    none = csr_array((ways.kept.shape[0], duals.cost.shape[1]))
    return _Piece(
        csr_array(hstack([ways.kept, none], format="csr")),
        ways.entries,
        csr_array(vstack([csr_array(-gain / scale), csr_array((ends * count, gain.shape[1]))])),
        csr_array(vstack([csr_array(capacity), covers], format="csr")),
        np.concatenate([base / scale, np.zeros(ends * count)]),
    )


def _spread(ways: Ways) -> list[csr_array]:
    """Use of each arc by each end, among the columns of all ends: a matrix for each end."""
    at, made = 0, []
    for crosses in ways.crosses:
        before = csr_array((crosses.shape[0], at))
        after = csr_array((crosses.shape[0], ways.columns - at - crosses.shape[1]))
        made.append(csr_array(hstack([before, crosses, after], format="csr")))
        at += crosses.shape[1]
    return made


@dataclass(frozen=True, eq=False)
class _Duals:
    """Dual columns of all arcs: what they cost of the room, and what shares they cover."""

    cost: csr_array
    covers: csr_array


def _duals(count: int, low: np.ndarray, high: np.ndarray, total: float) -> _Duals:
    """Columns u of every end and arc, l where there is a lower end, and t of every arc."""
    ends, eye = len(low), eye_array(count, format="csr")
    cost = [kron(csr_array(high[None, :]), eye, format="csr")]
    covers = [eye_array(ends * count, format="csr")]
    if (low > 0).any():
        cost.append(kron(csr_array(-low[None, :]), eye, format="csr"))
        covers.append(-eye_array(ends * count, format="csr"))
    cost.append(total * eye)
    covers.append(kron(csr_array(np.ones((ends, 1))), eye, format="csr"))
    return _Duals(csr_array(hstack(cost, format="csr")), csr_array(hstack(covers, format="csr")))
