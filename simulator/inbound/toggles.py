"""Toggles: what every withdrawal, announcement and prepend of a group would move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from simulator.inbound.preferences import Preferences, Ranked

NOW, SOON, PEAK = range(3)


class _Flows(NamedTuple):
    """Traffic that some toggles move, a source of a group in a draw each.

    Attributes
    ----------
    row, exit_ : ndarray of int, shape (toggles,)
        Rows and exits of the toggles.
    of : ndarray of int, shape (flows,)
        Toggle of each flow.
    cell : ndarray of int, shape (flows,)
        Toggle, draw and the other exit, where the flow lands before or after, as one number.
    traffic : ndarray of int, shape (flows,)
        Group and source as one number.
    longer_ms : ndarray, shape (flows,)
        Detour by the other exit, less that by the exit of the toggle.
    """

    row: np.ndarray
    exit_: np.ndarray
    of: np.ndarray
    cell: np.ndarray
    traffic: np.ndarray
    longer_ms: np.ndarray


_Find = Callable[[np.ndarray], _Flows]
"""Finds what toggles of one kind move, of groups of some rows."""


class Toggles:
    """Announcements in the making, and what every toggle would move.

    A group has two levers at an exit: whether it is announced, and whether it is prepended. Those
    of the first kind come first, by exit, then those of the second kind if plans may prepend. Last
    come levers that withdraw a group at several exits at once, if there are any.

    Attributes
    ----------
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
    load : ndarray, shape (3, draws, exits)
        Now, soon and at the peak.
    rows : int
        Groups that are alike in all share a row.
    moves : ndarray of bool, shape (rows, levers)
        Whether the toggle of a lever moves anything.
    moved : ndarray, shape (3, rows, levers, draws, exits)
        By how much it changes the load.
    detours : ndarray, shape (rows, levers)
        Mean change of the detours at the peak by that, in Gbps x ms.
    """

    def __init__(
        self,
        worlds: Preferences,
        told: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
        gbps: np.ndarray,
        base: np.ndarray,
        detour: np.ndarray,
        allowed: np.ndarray,
        most_prepends: int,
    ) -> None:
        announced, prepends, self._province, self._up = told
        self._before, self.announced = (announced, prepends), announced.copy()
        self.prepends, self._most_prepends = prepends.copy(), most_prepends
        self._worlds, self._detour = worlds, detour
        self._gbps = np.ascontiguousarray(gbps.swapaxes(1, 2))  # groups, then sources
        self._size, self._draws = announced.shape[1], worlds.gamma.shape[1]
        ranked = worlds.ranked(*told)
        self.load = base[:, None, :] + self._loads(ranked.first)
        if most_prepends:
            allowed = np.tile(allowed, 2)
        self._gather(np.flatnonzero(allowed.any(axis=1)), told, allowed)
        self._sets: list[list[int]] = []
        shape = len(self._group), allowed.shape[1]
        self.moved = np.zeros((3, *shape, self._draws, self._size))
        self.detours, self.moves = np.zeros(shape), np.zeros(shape, dtype=bool)
        self._ranked = Ranked(*(array[self._group] for array in ranked))
        every = np.arange(self.rows)
        alike = self._group[: self.rows]
        given = (array.tobytes() for array in (*told, detour, allowed, alike))
        asked = (most_prepends, *given)
        for name, find, sign, first in self._kinds:
            self._count(worlds.same(name, asked, partial(find, every)), sign, first)

    @property
    def _kinds(self) -> list[tuple[str, _Find, float, int]]:
        """All kinds of toggles: name, what finds their flows, its sign, and the first lever."""
        kinds: list[tuple[str, _Find, float, int]] = [
            ("withdrawn", self._withdrawn, 1.0, 0),
            ("announced again", self._announced_again, -1.0, 0),
        ]
        if self._most_prepends:
            kinds += [
                ("prepended", self._prepended, 1.0, self._size),
                ("prepended no more", self._prepended_no_more, -1.0, self._size),
            ]
        return kinds

    @property
    def differs(self) -> np.ndarray:
        """Pairs of a group and an exit that are not as they were; bool, shape (groups, exits)."""
        announced, prepends = self._before
        return np.asarray((self.announced != announced) | (self.prepends != prepends))

    def _gather(self, open_: np.ndarray, told: tuple[np.ndarray, ...], allowed: np.ndarray) -> None:
        """Give open groups a row each; those that are alike in all share one.

        Most groups of a province are: they are announced alike and have the same traffic.
        """
        alike: dict[bytes, list[int]] = {}
        for g in open_.tolist():
            same = (*(array[g].tobytes() for array in (*told[:3], allowed, *self._gbps)),)
            alike.setdefault(b"".join(same), []).append(g)
        self._members = list(alike.values())
        self.rows = len(self._members)
        self._group = np.zeros(len(open_), dtype=np.int64)
        self._group[: self.rows] = [groups[0] for groups in self._members]
        self._allowed = allowed[self._group]

    # -- what may be done --------------------------------------------------------------------------

    def candidates(self, most_groups: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the toggles that are allowed and may help: rows and levers."""
        groups = self._group[: self.rows]
        announced = self.announced[groups] & self._up
        # The last announcement of a group stays: without any, all follow the aggregate for good.
        withdraw = announced & (announced.sum(axis=1) > 1)[:, None]
        can = withdraw | ~announced
        if self._most_prepends:
            can = np.concatenate([can, announced], axis=1)
        may = self._allowed[: self.rows] & can
        changed = np.asarray(self.differs.any(axis=1))
        if self._sets:
            together = [may[:, exits].all(axis=1) for exits in self._sets]
            may = np.column_stack([may, *together])
        if changed.sum() >= most_groups:
            may &= changed[groups][:, None]
        row, lever = np.nonzero(may & self.moves[: self.rows])
        return row, lever

    def make(self, row: int, lever: int) -> None:
        """Toggle a lever of the first group of a row."""
        groups = self._members[row]
        g = groups.pop(0)
        exit_, most = lever % self._size, self._most_prepends
        if lever >= self._allowed.shape[1]:
            exits = self._sets[lever - self._allowed.shape[1]]
            self.announced[g, exits], self.prepends[g, exits] = False, 0
        elif lever < self._size:
            self.announced[g, exit_] ^= True
            if most and not self.announced[g, exit_]:
                self.prepends[g, exit_] = 0  # what is announced again begins without
        else:
            self.prepends[g, exit_] = 0 if self.prepends[g, exit_] else most
        self.load = self.load + self.moved[:, row, lever]
        if groups:  # the others stay as they are
            self._group[row], self._allowed[self.rows] = groups[0], self._allowed[row]
            row, self.rows = self.rows, self.rows + 1
            self._members.append([g])
        else:
            groups.append(g)
        self._group[row] = g
        self._work_out(row)

    # -- what moves --------------------------------------------------------------------------------

    def _loads(self, landed: np.ndarray) -> np.ndarray:
        """Return the loads of traffic that lands so; shape (3, draws, exits)."""
        size = self._size + 1
        place = (np.arange(self._draws) * size + landed) % (self._draws * size)
        # -1 lands in the last column of the draw before, which is left out.
        return np.stack(
            [
                np.bincount(place.ravel(), _spread(gbps, landed), self._draws * size)
                for gbps in self._gbps
            ]
        ).reshape(3, self._draws, size)[:, :, :-1]

    def _work_out(self, row: int) -> None:
        """Work out anew what each toggle of a row moves."""
        one, g = np.array([row]), self._group[row : row + 1]
        ranked = self._worlds.ranked(
            self.announced[g], self.prepends[g], self._province[g], self._up
        )
        for array, new in zip(self._ranked, ranked, strict=True):
            array[row] = new[0]
        self.moves[row], self.detours[row] = False, 0.0
        for _, find, sign, first in self._kinds:
            self._count(find(one), sign, first)
        self._work_out_sets(one)

    def _withdrawn(self, rows: np.ndarray) -> _Flows:
        """Return what withdrawals of groups of some rows, each where it is announced, move.

        A withdrawn source never lands nowhere: the aggregate leads to the same exit at the least.
        """
        first, second, value, _ = (array[rows] for array in self._ranked)
        g, s, k = np.nonzero((first != second) & np.isfinite(value))
        return self._flows(rows, (g, s, k), first[g, s, k], second[g, s, k])

    def _announced_again(self, rows: np.ndarray) -> _Flows:
        """Return what announcing groups of some rows again, each where it is withdrawn, moves."""
        withdrawn = ~self.announced[self._group[rows]] & self._up
        prepends = self.prepends[self._group[rows]]
        return self._drawn_to(rows, withdrawn, prepends)

    def _prepended(self, rows: np.ndarray) -> _Flows:
        """Return what prepends move, of groups of some rows, each where it has none yet.

        A source that heeds them leaves for its second choice if it prefers that now. It never
        leaves for an exit of the aggregate alone.
        """
        first, second, value, next_value = (array[rows] for array in self._ranked)
        bare = self.prepends[self._group[rows]] == 0
        g, s, k = np.nonzero(next_value > value - self._worlds.gamma * self._most_prepends)
        some = bare[g, first[g, s, k]]
        g, s, k = g[some], s[some], k[some]
        return self._flows(rows, (g, s, k), first[g, s, k], second[g, s, k])

    def _prepended_no_more(self, rows: np.ndarray) -> _Flows:
        """Return what the end of prepends moves, of groups of some rows, each where it has any."""
        groups = self._group[rows]
        has_any = self.announced[groups] & self._up & (self.prepends[groups] > 0)
        return self._drawn_to(rows, has_any, np.zeros_like(self.prepends[groups]))

    def _drawn_to(self, rows: np.ndarray, where: np.ndarray, prepends: np.ndarray) -> _Flows:
        """Return what announcements of groups of some rows draw from the exits of other choice.

        Parameters
        ----------
        rows : ndarray of int
        where : ndarray of bool, shape (rows, exits)
            The announcements, each by itself.
        prepends : ndarray of int, shape (rows, exits)
            Those of each.
        """
        groups = self._group[rows]
        pair, e = np.nonzero(where)
        specific = self._worlds.specific[self._province[groups[pair]], :, :, e]
        count = prepends[pair, e]
        if count.any():
            specific = specific - self._worlds.gamma * count[:, None, None]
        first, _, value, _ = (array[rows] for array in self._ranked)
        draws = np.asarray(specific > value[pair])
        if self._most_prepends:  # where prepends end, most were there before
            draws &= first[pair] != e[:, None, None]
        better, s, k = np.nonzero(draws)
        g = pair[better]
        return self._flows(rows, (g, s, k), e[better], first[g, s, k])

    def _flows(
        self,
        rows: np.ndarray,
        found: tuple[np.ndarray, ...],
        toggle: np.ndarray,
        other: np.ndarray,
    ) -> _Flows:
        """Return flows of groups of some rows.

        Parameters
        ----------
        rows : ndarray of int
        found : tuple of three ndarrays of int
            For each flow the place of its row in *rows*, its source and its draw.
        toggle, other : ndarray of int
            The exit of the toggle, and the other exit.
        """
        (g, s, k), groups, exits = found, self._group[rows], self._size
        number = np.zeros((len(rows), exits), dtype=int)  # of each toggle with any flow, from 0
        number[g, toggle] = 1
        place, exit_ = np.nonzero(number)
        number[place, exit_] = np.arange(len(place))
        of, sources = number[g, toggle], len(self._worlds.region)
        cell = (of * self._draws + k) * exits + other
        way = ((self._province[groups] * sources)[g] + s) * exits
        detour = self._detour.reshape(-1)
        longer = detour[way + other] - detour[way + toggle]
        return _Flows(rows[place], exit_, of, cell, (groups * sources)[g] + s, longer)

    def _count(self, flows: _Flows, sign: float, first: int) -> None:
        """Set what toggles move to the sum of their flows.

        Parameters
        ----------
        flows : _Flows
            All that the toggles move.
        sign : float
            1 if they move it to the other exits, and -1 if from there.
        first : int
            First lever of their kind.
        """
        row, exit_, of, cell, traffic, longer_ms = flows
        every, shape = np.arange(len(row)), (len(row), self._draws, self._size)
        for time, gbps in enumerate(self._gbps):
            moved = sign * np.bincount(cell, gbps.reshape(-1)[traffic], np.prod(shape))
            moved = moved.reshape(shape)
            moved[every, :, exit_] -= moved.sum(axis=2)  # what the other exits gain, it loses
            self.moved[time, row, first + exit_] = moved
        longer = np.bincount(of, self._gbps[PEAK].reshape(-1)[traffic] * longer_ms, len(row))
        self.detours[row, first + exit_] = sign / self._draws * longer
        self.moves[row, first + exit_] = True

    # -- several exits at once ---------------------------------------------------------------------

    def add_sets(self, sets: Sequence[Sequence[int]]) -> bool:
        """Put levers that withdraw a group at all exits of a set at once in place of those before.

        Exits that are second choices of one another hand load to and fro: then no toggle by itself
        relieves them. Returns whether there are any sets, and others than before.
        """
        new = [list(each) for each in sets]
        if not new or new == self._sets:
            return False
        levers = self._allowed.shape[1]
        more = [(0, 0), (0, len(new))]
        self.moves = np.pad(self.moves[:, :levers], more)
        self.detours = np.pad(self.detours[:, :levers], more)
        self.moved = np.pad(self.moved[:, :, :levers], [(0, 0), *more, (0, 0), (0, 0)])
        self._sets = new
        self._work_out_sets(np.arange(self.rows))
        return True

    def _work_out_sets(self, rows: np.ndarray) -> None:
        """Work out what withdrawals of groups of some rows at each set of exits move."""
        groups, levers = self._group[rows], self._allowed.shape[1]
        for lever, exits in enumerate(self._sets, start=levers):
            announced = self.announced[groups]
            both = announced[:, exits].all(axis=1)
            announced[:, exits] = False
            both &= (announced & self._up).any(axis=1)
            row, g = rows[both], groups[both]
            self.moves[row, lever] = True
            if not len(row):
                continue
            told = announced[both], self.prepends[g], self._province[g], self._up
            new, old = self._worlds.ranked(*told).first, self._ranked.first[row]
            for time, gbps in enumerate(self._gbps):
                self.moved[time, row, lever] = self._landing(gbps[g], new) - self._landing(
                    gbps[g], old
                )
            at = self._province[g][:, None, None], np.arange(len(self._worlds.region))[:, None]
            longer = self._detour[*at, new] - self._detour[*at, old]
            each = self._gbps[PEAK][g][:, :, None] * longer
            self.detours[row, lever] = each.sum(axis=(1, 2)) / self._draws

    def _landing(self, gbps: np.ndarray, landed: np.ndarray) -> np.ndarray:
        """Return the load of each row, draw and exit of traffic that lands so."""
        rows, size = len(landed), self._size + 1
        place = np.arange(rows)[:, None, None] * self._draws + np.arange(self._draws)
        place = place * size + landed % size  # -1 in the last column, which is left out
        count = np.bincount(place.ravel(), _spread(gbps, landed), rows * self._draws * size)
        return count.reshape(rows, self._draws, size)[:, :, :-1]


def _spread(gbps: np.ndarray, landed: np.ndarray) -> np.ndarray:
    """Return the traffic of every group and source once for each draw, flat."""
    return np.broadcast_to(gbps[:, :, None], landed.shape).ravel()
