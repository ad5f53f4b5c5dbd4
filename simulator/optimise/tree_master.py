"""Restricted program over tree columns by HiGHS: rows come when arcs break them.

A column is the load of the trees of one group, and every group shares itself out over its columns.
Most arcs never come near their limits, so that a row is written for an arc only once its limit is
broken: the program has some tens of rows on top of one for every group.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from simulator.optimise.program import INFINITE, Program

_BROKEN = 1e-9


class Limits(NamedTuple):
    """Limits on the load of arcs: ``load <= room + theta * pull``.

    Attributes
    ----------
    room, pull : ndarray, shape (arcs,)
        Room is infinite where there is no limit. Pull is zero but where theta is minimised.
    """

    room: np.ndarray
    pull: np.ndarray

    @property
    def scale(self) -> np.ndarray:
        """Factor on the row of every arc that makes its limit of the order of one."""
        width = np.where(self.pull > 0, self.pull, np.abs(self.room))
        some = np.isfinite(width) & (width > 0)
        return np.where(some, 1.0 / np.where(some, width, 1.0), 1.0)


class Columns:
    """Tree columns found so far.

    Attributes
    ----------
    load : ndarray, shape (columns, arcs)
    group, round : ndarray of int, shape (columns,)
    weight : list of ndarray
        Lengths of the arcs that the trees of every round are shortest under.
    """

    def __init__(self, arcs: int) -> None:
        self.load = np.empty((0, arcs))
        self.group, self.round = np.empty((2, 0), dtype=np.int64)
        self.weight: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.group)

    def add(self, load: np.ndarray, group: np.ndarray, weight: np.ndarray) -> None:
        """Add trees of some groups that were found under one *weight*."""
        self.load = np.concatenate([self.load, load])
        self.group = np.append(self.group, group)
        self.round = np.append(self.round, np.full(len(group), len(self.weight)))
        self.weight.append(weight)


class Solved(NamedTuple):
    """Answer of the restricted program.

    Attributes
    ----------
    share : ndarray, shape (columns,)
    value : float
        Theta, or the cost.
    price : ndarray, shape (arcs,)
        Price of a unit of flow.
    dual : ndarray, shape (groups,)
    broken : int
        Limits that this answer breaks, whose rows stand in the program from now on.
    """

    share: np.ndarray
    value: float
    price: np.ndarray
    dual: np.ndarray
    broken: int


class Master:
    """The program: minimise theta, or the cost of all columns where no arc has a pull.

    Parameters
    ----------
    columns : Columns
        The first of every group make up the first basis.
    groups : int
    limits : Limits
    cost : ndarray, shape (arcs,)
        Cost of a unit of flow; zeros where theta is minimised.

    Attributes
    ----------
    unit : float
        Of the objective.
    """

    is_exact: ClassVar[bool] = True

    def __init__(self, columns: Columns, groups: int, limits: Limits, cost: np.ndarray) -> None:
        self._columns, self._groups, self._limits, self._cost = columns, groups, limits, cost
        self._scale = limits.scale
        self._rows = np.empty(0, dtype=np.int64)
        self._known = len(columns)
        each = columns.load @ cost
        self.unit = float(np.abs(each).max(initial=0.0)) or 1.0
        self._price_of = each / self.unit
        self._minimises_theta = bool(np.any(limits.pull > 0))
        first = np.unique(columns.group, return_index=True)[1]
        basic = np.zeros(1 + len(columns), dtype=bool)
        basic[1 + first] = True
        self._program = Program(
            cost=np.append(1.0, self._price_of),
            upper=np.append(INFINITE if self._minimises_theta else 0.0,
                            np.full(len(columns), INFINITE)),
            matrix=sparse.csc_array(
                sparse.hstack([sparse.csc_array((groups, 1)), self._entries(slice(None))])
            ),
            row_lower=np.ones(groups),
            row_upper=np.ones(groups),
            basic_columns=basic,
            basic_rows=np.zeros(groups, dtype=bool),
        )  # fmt: skip
        self._cover(self._load_of_first(first))

    def _load_of_first(self, first: np.ndarray) -> np.ndarray:
        """Arcs that the first answer overfills most; with theta the fullest of every column."""
        load = self._columns.load[first].sum(axis=0)
        if not self._minimises_theta:
            return self._excess(load, 0.0) > _BROKEN
        full = np.where(self._limits.pull > 0, (load - self._limits.room) * self._scale, -np.inf)
        wanted = full >= 0.5 * full.max()
        return wanted | (self._excess(load, np.inf) > _BROKEN)

    def _excess(self, load: np.ndarray, theta: float) -> np.ndarray:
        """What is above the limit of every arc, in units of its row."""
        with np.errstate(invalid="ignore"):
            pull = np.where(self._limits.pull > 0, self._limits.pull * theta, 0.0)
        return np.asarray((load - self._limits.room - pull) * self._scale)

    def _entries(self, which: slice) -> sparse.csc_array:
        """Columns as the program has them: a one in the row of the group, scaled loads."""
        group, load = self._columns.group[which], self._columns.load[which]
        at = group, np.arange(len(group))
        ones = sparse.csc_array((np.ones(len(group)), at), shape=(self._groups, len(group)))
        if not len(self._rows):
            return ones
        on_rows = sparse.csc_array((load[:, self._rows] * self._scale[self._rows]).T)
        return sparse.csc_array(sparse.vstack([ones, on_rows]))

    def _cover(self, wanted: np.ndarray) -> int:
        """Add the rows of arcs that have none; return how many."""
        wanted = wanted.copy()
        wanted[self._rows] = False
        arcs = np.flatnonzero(wanted)
        if len(arcs):
            scale = self._scale[arcs]
            pull = -(self._limits.pull[arcs] * scale)[:, None]
            loads = (self._columns.load[: self._known, arcs] * scale).T
            matrix = sparse.csr_array(np.concatenate([pull, loads], axis=1))
            self._program.add_rows(matrix, self._limits.room[arcs] * scale)
            self._rows = np.append(self._rows, arcs)
        return len(arcs)

    def grow(self) -> None:
        """Take in the columns that were added since."""
        which = slice(self._known, len(self._columns))
        if len(self._columns) > self._known:
            cost = self._columns.load[which] @ self._cost / self.unit
            self._program.add(cost, self._entries(which))
            self._price_of = np.append(self._price_of, cost)
            self._known = len(self._columns)

    @property
    def rows(self) -> int:
        """Arcs that have a row."""
        return len(self._rows)

    def solve(self, bound: float = 0.0) -> Solved | None:
        """Solve from the last basis; None where the columns cannot meet the limits."""
        solution = self._program.solve()
        if solution.status != "optimal":
            return None
        theta, share = float(solution.values[0]), np.maximum(solution.values[1:], 0.0)
        price = np.zeros(len(self._cost))
        paid = np.maximum(-solution.prices[self._groups :], 0.0) * self.unit
        price[self._rows] = paid * self._scale[self._rows]
        dual = solution.prices[: self._groups] * self.unit
        load = share @ self._columns.load[: self._known]
        broken = self._cover(self._excess(load, theta) > _BROKEN)
        value = theta if self._minimises_theta else float(share @ self._price_of) * self.unit
        return Solved(share, value, price, dual, broken)
