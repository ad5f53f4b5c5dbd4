"""Planner: which groups to withdraw at which exits, to announce there again, or to prepend.

A plan is for the busy hour, and its guard for what comes soon. The load of a particle is exact for
any announcements, as landings do not depend on load. At night almost anything may be tried, and at
the peak only what is known to be safe; so exploration needs no reward of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from simulator.base.schema import Fraction, NonNegative, NonNegativeInt, Positive, checked
from simulator.inbound.belief import Belief
from simulator.inbound.catchment import Catchment
from simulator.inbound.preferences import Preferences, Ranked

NOW, SOON, PEAK = range(3)
PROMISED = 0.9
"""Chance at which a plan says how full the fullest exit will be."""
WORST = 0.25
"""Share of the particles whose mean cost counts as much as that of all."""
AT_ONCE = 32
"""Toggles that are worked out together."""
_ROUNDING = 1e-12
NO_CAPACITY_GBPS = 1e-6
"""Stands for no capacity, so that any load there is a very large utilisation."""


@checked
class PlanSettings:
    """What a plan aims for.

    Attributes
    ----------
    theta : float
        Utilisation above which load costs. Below the target by what noise of 8 % and drift take:
        the evening peaks of 20 worlds of china169-2017 are 0.73 to 0.74 on average with 0.66.
    target : float
        Utilisation that what comes soon must not exceed, unless it would without changes too.
    latency_weight : float
        Cost of a Gbps with a detour of a ms. On china169-2017, 0.001 costs 6 ms of mean inbound
        latency over shortest paths.
    least_gain : float
        A change must lower the cost by more than this, in Gbps, so that noise causes none.
    quantile : float
        Chance that utilisation stays within what the guard predicts.
    prepends : int
        Prepends that a plan may put on an announcement, all of them at once, or take from it again.
        Only sources that heed them move, so that part of a group does. 0 for plans that withdraw
        and announce only.
    """

    theta: NonNegative = 0.66
    target: Positive = 0.80
    latency_weight: NonNegative = 0.001
    least_gain: NonNegative = 0.05
    quantile: Fraction = 0.9
    prepends: NonNegativeInt = 0


class Plan(NamedTuple):
    """What to announce from now on.

    Attributes
    ----------
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
        As they were where the settings allow no prepends.
    changed : int
        Groups announced otherwise than before.
    toggles : int
        Pairs of a group and an exit that are withdrawn, announced again or prepended otherwise.
    guard : float
        Largest utilisation soon that is not exceeded at the chance ``quantile``.
    promise : float
        The same at a chance of 90 %.
    calm : bool
        Whether nothing changes.
    """

    announced: np.ndarray
    prepends: np.ndarray
    changed: int
    toggles: int
    guard: float
    promise: float
    calm: bool


def perfect(catchment: Catchment) -> Preferences:
    """Return perfect knowledge of a world: one particle, and it is true."""
    return catchment.preferences


def plan(
    lands: Belief | Preferences,
    announced: np.ndarray,
    prepends: np.ndarray,
    province: np.ndarray,
    up: np.ndarray,
    *,
    now_gbps: np.ndarray,
    soon_gbps: np.ndarray,
    peak_gbps: np.ndarray,
    capacity_gbps: np.ndarray,
    base_gbps: np.ndarray,
    detour_ms: np.ndarray,
    resting: np.ndarray,
    most_groups: int = 10,
    settings: PlanSettings | None = None,
    undo: np.ndarray | None = None,
) -> Plan:
    """Return what to announce: the best toggle, again and again, while there is one.

    The cost of loads L is f = sum over exits of c max(0, L / c - theta)^2, for exits of capacity c.
    That of a plan is R[f(peak)] + R[f(now)] + latency weight x detours at the peak in Gbps x ms.
    R is half the mean over particles and half the mean over the worst quarter of them (conditional
    value at risk: Rockafellar and Uryasev, 2000). A group that is withdrawn at an exit, announced
    again or prepended must lower the cost by more than ``least_gain``, and keep the guard. The
    guard is a quantile over particles of the largest utilisation soon. It must be within the
    target, or within that without changes.

    Parameters
    ----------
    lands : Belief or Preferences
        Where traffic may land: what a controller believes, or what is so (`perfect`).
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
    province : ndarray of int, shape (groups,)
    up : ndarray of bool, shape (exits,)
    now_gbps, soon_gbps, peak_gbps : ndarray, shape (sources, groups)
        Forecasts of the traffic now, at its largest soon, and in the busy hour.
    capacity_gbps : ndarray, shape (exits,)
    base_gbps : ndarray, shape (exits,) or (3, exits)
        Load that is not steered: the same at all times, or now, soon and at the peak.
    detour_ms : ndarray, shape (regions or sources, provinces, exits)
        How much longer the way by each exit is than the shortest.
    resting : ndarray of bool, shape (groups,)
        Groups that may not change.
    most_groups : int
        Groups that may change at once.
    settings : PlanSettings, optional
    undo : ndarray of bool, shape (groups, exits), optional
        Toggles that are allowed to resting groups too: those to be rolled back.
    """
    worlds = lands.preferences if isinstance(lands, Belief) else lands
    allowed = np.repeat(~resting[:, None], announced.shape[1], axis=1)
    search = _Search(
        worlds,
        (announced, prepends, province, up),
        np.stack([now_gbps, soon_gbps, peak_gbps]),
        np.where(up, np.maximum(capacity_gbps, NO_CAPACITY_GBPS), np.inf),
        np.broadcast_to(base_gbps, (3, len(up))),
        _by_source(detour_ms, worlds.region),
        (allowed if undo is None else allowed | undo) & up,
        settings or PlanSettings(),
    )
    while (toggle := search.best(most_groups)) is not None:
        search.make(*toggle)
    differs = search.differs
    changed, toggles = int(differs.any(axis=1).sum()), int(differs.sum())
    promise = search.quantile(search.load[SOON], PROMISED)
    return Plan(
        search.announced, search.prepends, changed, toggles, search.guard, promise, not toggles
    )


def _by_source(detour_ms: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return detours by province, source and exit; nothing lands where there is no way."""
    each = detour_ms if len(detour_ms) == len(region) else detour_ms[region]
    return np.ascontiguousarray(np.where(np.isfinite(each), each, 0.0).swapaxes(0, 1))


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


class _Search:
    """The announcements of a plan in the making, and what every toggle would move.

    A group has two levers at an exit: whether it is announced, and whether it is prepended. Those
    of the first kind come first, by exit, then those of the second kind if plans may prepend.

    Attributes
    ----------
    announced : ndarray of bool, shape (groups, exits)
    prepends : ndarray of int, shape (groups, exits)
    load : ndarray, shape (3, draws, exits)
        Now, soon and at the peak.
    moves : ndarray of bool, shape (rows, levers)
        Whether the toggle of a lever moves anything.
    detours : ndarray, shape (rows, levers)
        Mean change of the detours at the peak by that, in Gbps x ms.
    guard : float
    """

    def __init__(
        self,
        worlds: Preferences,
        told: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
        gbps: np.ndarray,
        capacity: np.ndarray,
        base: np.ndarray,
        detour: np.ndarray,
        allowed: np.ndarray,
        settings: PlanSettings,
    ) -> None:
        announced, prepends, self._province, self._up = told
        self._before, self.announced = (announced, prepends), announced.copy()
        self.prepends = prepends.copy()
        self._worlds, self._detour = worlds, detour
        self._gbps = np.ascontiguousarray(gbps.swapaxes(1, 2))  # groups, then sources
        self._capacity, self._settings = capacity, settings
        self._size, self._draws = len(capacity), worlds.gamma.shape[1]
        ranked = worlds.ranked(*told)
        self.load = base[:, None, :] + self._loads(ranked.first)
        self.guard = float(self._guard(self.load[SOON]))
        self._limit = max(settings.target, self.guard)
        if settings.prepends:
            allowed = np.tile(allowed, 2)
        self._gather(np.flatnonzero(allowed.any(axis=1)), told, allowed)
        shape = len(self._group), allowed.shape[1]
        self._moved = np.zeros((3, *shape, self._draws, self._size))
        self.detours, self.moves = np.zeros(shape), np.zeros(shape, dtype=bool)
        self._ranked = Ranked(*(array[self._group] for array in ranked))
        every = np.arange(self._rows)
        alike = self._group[: self._rows]
        given = (array.tobytes() for array in (*told, detour, allowed, alike))
        asked = (settings.prepends, *given)
        for name, find, sign, first in self._kinds:
            self._count(worlds.same(name, asked, partial(find, every)), sign, first)

    @property
    def _kinds(self) -> list[tuple[str, _Find, float, int]]:
        """All kinds of toggles: name, what finds their flows, its sign, and the first lever."""
        kinds: list[tuple[str, _Find, float, int]] = [
            ("withdrawn", self._withdrawn, 1.0, 0),
            ("announced again", self._announced_again, -1.0, 0),
        ]
        if self._settings.prepends:
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
        self._rows = len(self._members)
        self._group = np.zeros(len(open_), dtype=np.int64)
        self._group[: self._rows] = [groups[0] for groups in self._members]
        self._allowed = allowed[self._group]

    def best(self, most_groups: int) -> tuple[int, int] | None:
        """Return the toggle that lowers the cost most within the guard: row and lever.

        The cost is convex in the load, so its slope says what a toggle gains at the most. Toggles
        are worked out in that order, as long as any may be better than the best so far.
        """
        row, lever = self._candidates(most_groups)
        most = self._most_gained()[row, lever]
        order = np.argsort(-most, kind="stable")
        best: tuple[float, int] | None = None
        for start in range(0, len(order), AT_ONCE):
            some = order[start : start + AT_ONCE]
            least = self._settings.least_gain if best is None else best[0]
            if most[some[0]] < least * (1 - _ROUNDING):
                break
            gain = self._gained(row[some], lever[some])
            worth = gain >= least if best else gain > least
            some, gain = some[worth], gain[worth]
            guard = self._guard(self.load[SOON] + self._moved[SOON, row[some], lever[some]])
            within = guard <= self._limit * (1 + _ROUNDING)
            for one, value in zip(some[within], gain[within], strict=True):
                # What gains the same to the last bit: the first of these.
                if best is None or (value, -one) > (best[0], -best[1]):
                    best = float(value), int(one)
        return None if best is None else (int(row[best[1]]), int(lever[best[1]]))

    def _gained(self, row: np.ndarray, lever: np.ndarray) -> np.ndarray:
        """Return by how much each of some toggles lowers the cost."""
        gain = -self._settings.latency_weight * self.detours[row, lever]
        for time in (NOW, PEAK):
            load = self.load[time]
            gain += self._risk(load) - self._risk(load + self._moved[time, row, lever])
        return gain

    def _most_gained(self) -> np.ndarray:
        """Return what each toggle gains by the slope of the cost; shape (rows, levers)."""
        gain = -self._settings.latency_weight * self.detours[: self._rows]
        for time in (NOW, PEAK):
            slope = self._slope(self.load[time]).ravel()
            gain -= self._moved[time, : self._rows].reshape(*gain.shape, len(slope)) @ slope
        return gain

    def make(self, row: int, lever: int) -> None:
        """Toggle a lever of the first group of a row."""
        groups = self._members[row]
        g = groups.pop(0)
        exit_, most = lever % self._size, self._settings.prepends
        if lever < self._size:
            self.announced[g, exit_] ^= True
            if most and not self.announced[g, exit_]:
                self.prepends[g, exit_] = 0  # what is announced again begins without
        else:
            self.prepends[g, exit_] = 0 if self.prepends[g, exit_] else most
        self.load = self.load + self._moved[:, row, lever]
        self.guard = float(self._guard(self.load[SOON]))
        if groups:  # the others stay as they are
            self._group[row], self._allowed[self._rows] = groups[0], self._allowed[row]
            row, self._rows = self._rows, self._rows + 1
            self._members.append([g])
        else:
            groups.append(g)
        self._group[row] = g
        self._work_out(row)

    def _candidates(self, most_groups: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the toggles that are allowed and may help: rows and levers."""
        groups = self._group[: self._rows]
        announced = self.announced[groups] & self._up
        # The last announcement of a group stays: without any, all follow the aggregate for good.
        withdraw = announced & (announced.sum(axis=1) > 1)[:, None]
        can = withdraw | ~announced
        if self._settings.prepends:
            can = np.concatenate([can, announced], axis=1)
        may = self._allowed[: self._rows] & can
        changed = np.asarray(self.differs.any(axis=1))
        if changed.sum() >= most_groups:
            may &= changed[groups][:, None]
        row, lever = np.nonzero(may & self.moves[: self._rows])
        return row, lever

    def _risk(self, load: np.ndarray) -> np.ndarray:
        """Return half the mean cost and half that of the worst particles, of loads by particle."""
        over = np.maximum(load / self._capacity - self._settings.theta, 0.0)
        room = np.where(np.isfinite(self._capacity), self._capacity, 0.0)
        cost = np.sort((over * over) @ room, axis=-1)
        worst = int(np.ceil(WORST * self._draws))
        return 0.5 * cost.mean(axis=-1) + 0.5 * cost[..., -worst:].mean(axis=-1)

    def _slope(self, load: np.ndarray) -> np.ndarray:
        """Return a subgradient of the risk by the load of every particle at every exit."""
        over = np.maximum(load / self._capacity - self._settings.theta, 0.0)
        cost = (over * over) @ np.where(np.isfinite(self._capacity), self._capacity, 0.0)
        worst = int(np.ceil(WORST * self._draws))
        weight = np.full(self._draws, 0.5 / self._draws)
        weight[np.argsort(cost, kind="stable")[-worst:]] += 0.5 / worst
        return np.asarray(2.0 * weight[:, None] * over)

    def quantile(self, load: np.ndarray, chance: float) -> float:
        """Return what the largest utilisation over exits does not exceed, at a chance."""
        largest = (load / self._capacity).max(axis=-1)
        return float(np.quantile(largest, chance, method="weibull"))

    def _guard(self, load: np.ndarray) -> np.ndarray:
        """Return a quantile over particles of the largest utilisation.

        It is the quantile that one more draw of the same law exceeds at the chance left
        (`weibull`); linear interpolation between 16 draws would be exceeded at 15 % for 10 %.
        """
        largest = (load / self._capacity).max(axis=-1)
        return np.quantile(largest, self._settings.quantile, axis=-1, method="weibull")

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
        g, s, k = np.nonzero(next_value > value - self._worlds.gamma * self._settings.prepends)
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
        if self._settings.prepends:  # where prepends end, most were there before
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
            self._moved[time, row, first + exit_] = moved
        longer = np.bincount(of, self._gbps[PEAK].reshape(-1)[traffic] * longer_ms, len(row))
        self.detours[row, first + exit_] = sign / self._draws * longer
        self.moves[row, first + exit_] = True


def _spread(gbps: np.ndarray, landed: np.ndarray) -> np.ndarray:
    """Return the traffic of every group and source once for each draw, flat."""
    return np.broadcast_to(gbps[:, :, None], landed.shape).ravel()
