"""Ecmp columns: what sets of dead arcs change on the ways to one destination, many at a time.

A **column** is a case of dead arcs and a destination. A **cell** is a node of a column, numbered
``column * nodes + node``; it stands for a row of the trees, :mod:`simulator.paths.ecmp_trees`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.paths.ecmp_trees import EcmpTrees, spread
from simulator.paths.shortest import EQUAL


class _Ways(NamedTuple):
    """Arcs that leave some cells and may be taken.

    Attributes
    ----------
    place : ndarray of int
        Position of the cell of each arc among those asked about, ascending.
    column, arc : ndarray of int
    onward : ndarray of int
        Cell that each arc leads to.
    """

    place: np.ndarray
    column: np.ndarray
    arc: np.ndarray
    onward: np.ndarray

    def take(self, which: np.ndarray) -> _Ways:
        return _Ways(*(each[which] for each in self))


class Columns:
    """A batch of columns, on which all steps of the method go on together.

    Parameters
    ----------
    trees : EcmpTrees
    down : ndarray of bool, shape (cases, arcs)
        Dead arcs of every case.
    case, goal : ndarray of int, shape (columns,)
        Case and destination of every column.
    """

    def __init__(
        self, trees: EcmpTrees, down: np.ndarray, case: np.ndarray, goal: np.ndarray
    ) -> None:
        self._trees, self._down, self._case, self._goal = trees, down, case, goal
        self._nodes = trees.nodes
        self._shift = (goal - np.arange(len(goal))) * trees.nodes
        self._touched = np.zeros(len(goal) * trees.nodes, dtype=bool)
        self._gone = self._without_ways()
        self._cells = np.flatnonzero(self._touched)
        self._distance = self._of_columns(trees.distance)
        self._distance[self._gone] = np.inf
        ways = self._live_ways(self._cells)
        self._find_distances(ways)
        self._find_ways(ways)

    # -- nodes that lose ways -------------------------------------------------------------------

    def _without_ways(self) -> np.ndarray:
        """Mark all cells that lose a way, and return those that lose all of them."""
        left, gone = self._of_columns(self._trees.ways), []
        column, entry = self._dead_entries()
        while len(entry):
            cell = self._trees.row[entry] - self._shift[column]
            np.subtract.at(left, cell, 1)
            self._touched[cell] = True
            front = np.unique(cell[left[cell] == 0])
            gone.append(front)
            column, entry = self._entries_into(front)
        return np.concatenate([np.empty(0, dtype=np.int64), *gone])

    def _dead_entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Column and entry of all ways that are dead."""
        case, arc = np.nonzero(self._down)
        starts = np.searchsorted(case, np.arange(len(self._down) + 1))
        at, column = spread(starts, self._case)
        entry = self._trees.entry_of[self._goal[column], arc[at]]
        there = entry >= 0
        return column[there], entry[there]

    def _entries_into(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and entry of all live ways that lead to some cells."""
        order, starts = self._trees.entering
        at, place = spread(starts, self._row(cells))
        column, entry = (cells // self._nodes)[place], order[at]
        live = ~self._down[self._case[column], self._trees.arc[entry]]
        return column[live], entry[live]

    # -- new distances and new ways --------------------------------------------------------------

    def _live_ways(self, cells: np.ndarray) -> _Ways:
        order, starts = self._trees.leaving
        at, place = spread(starts, cells % self._nodes)
        column, arc = (cells // self._nodes)[place], order[at]
        onward = column * self._nodes + self._trees.network.head[arc]
        able = self._trees.may_take[self._goal[column], arc]
        able &= ~self._down[self._case[column], arc]
        return _Ways(place, column, arc, onward).take(able)

    def _find_distances(self, ways: _Ways) -> None:
        """Find the distances of cells without ways: Bellman and Ford, all of them at once.

        All others keep theirs: no failure makes a way shorter.
        """
        lost = np.zeros(len(self._touched), dtype=bool)
        lost[self._gone] = True
        ways = ways.take(lost[self._cells[ways.place]])
        first = np.flatnonzero(np.diff(ways.place, prepend=-1))
        cells, length = self._cells[ways.place[first]], self._trees.weight[ways.arc]
        while len(cells):
            nearer = np.minimum.reduceat(length + self._distance[ways.onward], first)
            if np.array_equal(nearer, self._distance[cells]):
                return
            self._distance[cells] = nearer

    def _find_ways(self, ways: _Ways) -> None:
        """Find the new ways of all cells that lost one, by the rule of ``ShortestPaths.ecmp``."""
        best, onward = self._distance[self._cells[ways.place]], self._distance[ways.onward]
        via = self._trees.weight[ways.arc] + onward
        ways = ways.take((via <= best * (1 + EQUAL)) & (onward < best) & np.isfinite(via))
        count = np.bincount(ways.place, minlength=len(self._cells))
        self._new_arc, self._new_share = ways.arc, 1.0 / count[ways.place]
        self._new_starts = np.concatenate([[0], np.cumsum(count)])
        self._new_row = np.full(len(self._touched), -1)
        self._new_row[self._cells] = np.arange(len(self._cells))

    # -- what that changes -----------------------------------------------------------------------

    def change(self, through: np.ndarray, load: np.ndarray) -> None:
        """Add the change of the load of every arc to *load*, shape (cases, arcs).

        Parameters
        ----------
        through : ndarray, shape (rows,)
            Traffic through every row of the trees.
        """
        arcs, first = self._trees.arcs, self._case[0]
        changed = np.zeros((self._case[-1] - first + 1) * arcs)
        column, arc, gbps = self._redirected(through[self._row(self._cells)])
        while len(arc):
            at = (self._case[column] - first) * arcs + arc
            changed += np.bincount(at, gbps, len(changed))
            cell = column * self._nodes + self._trees.network.head[arc]
            column, arc, gbps = self._sent_on(*_summed(cell, gbps))
        load[first : self._case[-1] + 1] += changed.reshape(-1, arcs)

    def _redirected(self, through: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is taken off old ways and sent on new ones: column, arc and Gbps."""
        trees, column = self._trees, self._cells // self._nodes
        entry, old = spread(trees.starts, self._row(self._cells))
        new = np.repeat(np.arange(len(self._cells)), np.diff(self._new_starts))
        gbps = [-through[old] * trees.share[entry], through[new] * self._new_share]
        arc = np.concatenate([trees.arc[entry], self._new_arc])
        return np.concatenate([column[old], column[new]]), arc, np.concatenate(gbps)

    def _sent_on(
        self, cells: np.ndarray, gbps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What comes to some cells, on the ways that it takes from there."""
        trees, new = self._trees, self._new_row[cells]
        is_new = new >= 0
        known = ~is_new
        entry, old = spread(trees.starts, self._row(cells[known]))
        other, fresh = spread(self._new_starts, new[is_new])
        arc = np.concatenate([trees.arc[entry], self._new_arc[other]])
        share = np.concatenate([trees.share[entry], self._new_share[other]])
        place = np.concatenate([np.flatnonzero(known)[old], np.flatnonzero(is_new)[fresh]])
        return (cells // self._nodes)[place], arc, gbps[place] * share

    def cut_off(self) -> tuple[np.ndarray, np.ndarray]:
        """Case and demand of all demands that have no way any more."""
        cells = self._gone[np.isinf(self._distance[self._gone])]
        order, starts = self._trees.demands_of
        at, place = spread(starts, self._row(cells))
        return self._case[cells // self._nodes][place], order[at]

    # -- cells and rows --------------------------------------------------------------------------

    def _row(self, cells: np.ndarray) -> np.ndarray:
        return cells + self._shift[cells // self._nodes]

    def _of_columns(self, by_row: np.ndarray) -> np.ndarray:
        """Values of rows as a copy by cell."""
        return by_row.reshape(-1, self._nodes)[self._goal].ravel()


def _summed(cell: np.ndarray, gbps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums by cell, without those that are zero."""
    order = np.argsort(cell, kind="stable")
    cell, gbps = cell[order], gbps[order]
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    sums = np.add.reduceat(gbps, first) if len(first) else gbps
    some = sums != 0
    return cell[first][some], sums[some]
