"""Plan splits: what capacity must do for fixed shares of each end over its ways.

Shares do not follow traffic, so that an arc must hold the worst of all demands. With shares ``f``
of the ends on an arc that is the largest ``f @ d`` over ranges ``low <= d <= high`` with a total
``T``, which by its dual is at most ``room`` if and only if some ``u, l, t >= 0`` have::

    sum of high u  -  sum of low l  +  T t  <=  room,       u[r] - l[r] + t  >=  f[r]

so that the program stays linear (Ben-Tal and Nemirovski, *Robust solutions of uncertain linear
programs*, Operations Research Letters 1999). Every pattern of dead arcs has shares of its own,
which is generous to routes that rescale what is left of them. A cut of part of an arc moves no
share: over the states of a pattern, an arc counts with the least that any leaves of it.

Patterns, periods and directions share nothing but capacity. So each is a small program, and where
some ends go without, its prices are a requirement on capacity (Benders, *Numerische Mathematik*
1962), as cuts are for routes that follow traffic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import block_diag, csc_array, csr_array, eye_array, hstack, kron, vstack

from simulator.base.errors import SimulatorError
from simulator.optimise.demand_set import DemandSet, JointDemands
from simulator.optimise.exit_ways import Ways
from simulator.optimise.integer import solve
from simulator.optimise.program import INFINITE, Program
from simulator.optimise.requirement import SLACK, Held, Requirement

_MORE = (0.0, 1e-7, 1e-6, 1e-5)
"""Parts of room that rounding may take beyond what there is: the first with which shares hold."""


@dataclass(frozen=True, eq=False)
class SplitPart:
    """The shares of one period and pattern, of one direction or of both.

    Attributes
    ----------
    period : int
    states : ndarray of int
        States of the pattern.
    way : str
    ways : Ways
        Those that are alive.
    shares : ndarray, shape (arcs of the ways, ends)
        Share of every end on each arc; ends of both directions one after the other.
    """

    period: int
    states: np.ndarray
    way: str
    ways: Ways
    shares: np.ndarray


def patterns_of(left: np.ndarray) -> list[np.ndarray]:
    """Return the states with the same dead arcs, group by group."""
    of = np.unique(left > 0, axis=0, return_inverse=True)[1].ravel()
    groups = [np.flatnonzero(of == i) for i in range(int(of.max()) + 1)]
    return sorted(groups, key=lambda group: int(group[0]))


class SplitOracle:
    """Plans the shares of every period and pattern, and takes the prices where some go without.

    Parameters
    ----------
    held : Held
        A direction whose shares are fixed, or both.
    ways : Ways
    slack : float
        What may be missing, in Gbps.
    """

    def __init__(self, held: Held, ways: Ways, slack: float = SLACK) -> None:
        self._held, self._slack = held, slack
        self._patterns = []
        for states in patterns_of(held.left):
            alive = ways.without(held.left[states[0], ways.arcs] <= 0)
            self._patterns.append((states, alive, held.factor[states].min(axis=0)))
        self._known: dict[tuple[int, int], _Shares] = {}

    def _each(self) -> Iterator[tuple[int, int, _Shares]]:
        """Yield period, pattern and program; the last periods, which ask for most, come first."""
        for period in reversed(range(self._held.first, len(self._held.demands))):
            for pattern, (_, alive, factor) in enumerate(self._patterns):
                at = (period, pattern)
                if at not in self._known:
                    self._known[at] = _Shares(alive, self._held.demands[period], factor)
                yield *at, self._known[at]

    def broken(self, capacity: np.ndarray) -> list[Requirement]:
        """Return the worst requirement of each period and pattern."""
        found = []
        for period, pattern, program in self._each():
            made = program.prices(capacity[period], self._slack)
            if made is None:
                continue
            state = int(self._patterns[pattern][0][0])
            need, ends, arcs = made
            one = Requirement(period, state, self._held.way, ends, arcs, need)
            if one.fails(capacity[period]):
                found.append(one)
        return found

    def parts(self, capacity: np.ndarray) -> list[SplitPart]:
        """Return shares that hold with so much capacity, shape (periods, arcs of the network)."""
        found = []
        for period, pattern, program in self._each():
            states, alive, _ = self._patterns[pattern]
            shares = program.shares(capacity[period])
            found.append(SplitPart(period, states, self._held.way, alive, shares))
        return found

    def fullest(self, capacity: np.ndarray) -> np.ndarray:
        """Return the least part of all room within which shares hold: by period, then pattern."""
        return np.array([each.fullest(capacity[period]) for period, _, each in self._each()])


class _Shares:
    """The program of one period and pattern.

    Columns are flows, in shares, then the dual columns of each arc where demands are no single
    point. Rows are balance, then the room of arcs, then what dual columns cover.
    """

    def __init__(self, ways: Ways, demands: DemandSet | JointDemands, factor: np.ndarray) -> None:
        self._ways = ways
        crossed = np.flatnonzero(np.asarray(ways.load.sum(axis=1)).ravel() > 0)
        self._arcs, self._factor = ways.arcs[crossed], factor
        self._scale = max(float(demands.most_gbps), 1.0)
        parts = demands.parts if isinstance(demands, JointDemands) else (demands,)
        self._most = np.concatenate([each.far_range[1] for each in parts])
        spread, at, made = _spread(ways), 0, []
        for part in parts:
            ends = len(part.far_gbps)
            share = [each[crossed] for each in spread[at : at + ends]]
            made.append(_dual(part, csr_array(vstack(share, format="csr")), self._scale))
            at += ends
        room = hstack([sum(each.flows for each in made), *(each.duals for each in made)])
        inner = [each.covers.shape[0] for each in made]
        width = sum(each.duals.shape[1] for each in made)
        covers = hstack([
            vstack([each.shares for each in made], format="csr"),
            block_diag([each.covers for each in made], format="csr") if width else
            csr_array((sum(inner), 0)),
        ])  # fmt: skip
        self._use = csr_array(vstack([room, covers], format="csr"))
        self._covers = sum(inner)
        none = csr_array((ways.kept.shape[0], width))
        self._equal = csr_array(hstack([ways.kept, none], format="csr"))

    def _room(self, capacity: np.ndarray) -> np.ndarray:
        return np.asarray(self._factor[self._arcs] * capacity[self._arcs] / self._scale)

    @cached_property
    def _program(self) -> Program:
        """Ends may go without, at a price of the most that they may have."""
        ways, ends = self._ways, len(self._ways.entry)
        balance, columns = self._equal.shape
        rows = (np.arange(balance), ways.of_row)
        without = csr_array((ways.entries, rows), shape=(balance, ends))
        use = hstack([self._use, csr_array((self._use.shape[0], ends))])
        matrix = csc_array(vstack([hstack([self._equal, without]), use], format="csc"))
        inner = self._use.shape[0]
        return Program(
            cost=np.concatenate([np.zeros(columns), self._most]),
            upper=np.full(columns + ends, INFINITE),
            matrix=matrix,
            row_lower=np.concatenate([ways.entries, np.full(inner, -INFINITE)]),
            row_upper=np.concatenate([ways.entries, np.zeros(inner)]),
            basic_columns=np.zeros(columns + ends, dtype=bool),
            basic_rows=np.ones(balance + inner, dtype=bool),
        )

    def prices(
        self, capacity: np.ndarray, slack: float
    ) -> tuple[float, np.ndarray, np.ndarray] | None:
        """Return what is needed, and prices of ends and arcs that say so; None where all fits."""
        balance, count = self._equal.shape[0], len(self._arcs)
        self._program.set_room(balance, self._room(capacity))
        found = self._program.solve()
        ends = len(self._ways.entry)
        if float(self._most @ found.values[-ends:]) <= slack:
            return None
        of_ends = np.bincount(self._ways.of_row, found.prices[:balance] * self._ways.entries, ends)
        arcs = np.zeros(len(capacity))
        price = np.maximum(-found.prices[balance : balance + count], 0.0)
        np.add.at(arcs, self._arcs, price * self._factor[self._arcs] / self._scale)
        return float(of_ends.sum()), np.maximum(of_ends, 0.0), arcs

    def shares(self, capacity: np.ndarray) -> np.ndarray:
        """Return the share of every end on each arc, by ways as short as can be."""
        own = self._room(capacity)
        scale = np.concatenate([np.where(own > 0, own, 1.0), np.ones(self._covers)])
        room = np.concatenate([np.where(own > 0, 1.0, 0.0), np.zeros(self._covers)])
        cost = np.zeros(self._equal.shape[1])
        cost[: self._ways.columns] = np.asarray(self._ways.load.sum(axis=0)).ravel()
        right = self._ways.entries
        matrix = csr_array(vstack([self._equal, self._use / scale[:, None]], format="csr"))
        lower = np.concatenate([right, np.full(len(room), -np.inf)])
        for more in _MORE:
            found = solve(cost, matrix, lower, np.concatenate([right, room * (1.0 + more)]),
                          np.full(len(cost), np.inf))  # fmt: skip
            if found is not None:
                return self._on_arcs(found.columns)
        raise SimulatorError("no fixed shares hold with the capacity that was planned for them")

    def _on_arcs(self, columns: np.ndarray) -> np.ndarray:
        ends, at = [], 0
        for crosses in self._ways.crosses:
            ends.append(crosses @ columns[at : at + crosses.shape[1]])
            at += crosses.shape[1]
        return np.array(ends).T

    def fullest(self, capacity: np.ndarray) -> float:
        """Return the least part of the room of all arcs in which shares hold; infinite if none."""
        room = np.concatenate([self._room(capacity), np.zeros(self._covers)])
        matrix = vstack([
            hstack([self._equal, csr_array((self._equal.shape[0], 1))]),
            hstack([self._use, csr_array(-room[:, None])]),
        ], format="csr")  # fmt: skip
        cost = np.zeros(matrix.shape[1])
        cost[-1] = 1.0
        right = self._ways.entries
        found = solve(
            cost, csr_array(matrix), np.concatenate([right, np.full(len(room), -np.inf)]),
            np.concatenate([right, np.zeros(len(room))]), np.full(len(cost), np.inf),
        )  # fmt: skip
        return np.inf if found is None else found.cost


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
class _Dual:
    """Rows of the demands of a direction.

    Arcs have ``flows @ flows of all + duals @ dual columns`` of their room taken, and each end and
    arc has a row ``shares @ flows of all + covers @ dual columns <= 0``.
    """

    flows: csr_array
    duals: csr_array
    shares: csr_array
    covers: csr_array


def _dual(demands: DemandSet, share: csr_array, scale: float) -> _Dual:
    """Columns u of every end and arc, l where there is a lower end, and t of every arc."""
    low, high = demands.far_range
    ends = len(low)
    count = share.shape[0] // ends
    eye, flows = eye_array(count, format="csr"), share.shape[1]
    if high.sum() <= demands.most_gbps * (1 + 1e-12):  # one point is beyond all others
        weigh = kron(csr_array(high[None, :] / scale), eye, format="csr")
        none = csr_array((count, 0))
        return _Dual(csr_array(weigh @ share), none, csr_array((0, flows)), csr_array((0, 0)))
    cost = [kron(csr_array(high[None, :]), eye, format="csr")]
    covers = [eye_array(ends * count, format="csr")]
    if (low > 0).any():
        cost.append(kron(csr_array(-low[None, :]), eye, format="csr"))
        covers.append(-eye_array(ends * count, format="csr"))
    cost.append(demands.most_gbps * eye)
    covers.append(kron(csr_array(np.ones((ends, 1))), eye, format="csr"))
    return _Dual(
        csr_array((count, flows)), csr_array(hstack(cost, format="csr") / scale), share,
        csr_array(-hstack(covers, format="csr")),
    )  # fmt: skip


def parts_of(oracles: Sequence[object], capacity: np.ndarray) -> list[SplitPart]:
    """Return the shares of all directions that have fixed ones."""
    return [part for each in oracles if isinstance(each, SplitOracle)
            for part in each.parts(capacity)]  # fmt: skip
