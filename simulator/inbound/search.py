"""Search: the toggles of announcements that lower the cost of a plan most, within its guard."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from simulator.inbound.plan_settings import PlanSettings
from simulator.inbound.toggles import NOW, PEAK, SOON, Toggles

WORST = 0.25
"""Share of the particles whose mean cost counts as much as that of all."""
AT_ONCE = 32
"""Toggles that are worked out together."""
_TOO_FULL = 3
"""Exits at most of which withdrawals at several at once are tried."""
_ROUNDING = 1e-12


class Search:
    """The best toggle, again and again, while there is one.

    Attributes
    ----------
    toggles : Toggles
        The announcements as they have become.
    guard : float
        Largest utilisation soon that is not exceeded at the chance ``quantile``.
    """

    def __init__(self, toggles: Toggles, capacity: np.ndarray, settings: PlanSettings) -> None:
        self.toggles, self._capacity, self._settings = toggles, capacity, settings
        self.guard = float(self._guard(toggles.load[SOON]))
        self._limit = max(settings.target, self.guard)

    def run(self, most_groups: int) -> None:
        """Make toggles while any lowers the cost, and where none does at several exits at once."""
        self._improve(most_groups)
        while self.toggles.add_sets(self._too_full_together()) and self._improve(most_groups):
            pass

    def _improve(self, most_groups: int) -> bool:
        """Make the best toggle, again and again, while there is one; return whether any was."""
        made = False
        while (toggle := self._best(most_groups)) is not None:
            self.toggles.make(*toggle)
            self.guard = float(self._guard(self.toggles.load[SOON]))
            made = True
        return made

    def _too_full_together(self) -> list[tuple[int, ...]]:
        """Return all sets of two or more exits that are too full soon, of the fullest."""
        filled = self.toggles.load[SOON].mean(axis=0) / self._capacity
        fullest = np.argsort(-filled, kind="stable")[:_TOO_FULL]
        too_full = np.sort(fullest[filled[fullest] > self._settings.target]).tolist()
        return [
            each for size in range(2, len(too_full) + 1) for each in combinations(too_full, size)
        ]

    def _best(self, most_groups: int) -> tuple[int, int] | None:
        """Return the toggle that lowers the cost most within the guard: row and lever.

        The cost is convex in the load, so its slope says what a toggle gains at the most. Toggles
        are worked out in that order, as long as any may be better than the best so far.
        """
        row, lever = self.toggles.candidates(most_groups)
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
            guard = self._guard(
                self.toggles.load[SOON] + self.toggles.moved[SOON, row[some], lever[some]]
            )
            within = guard <= self._limit * (1 + _ROUNDING)
            for one, value in zip(some[within], gain[within], strict=True):
                # What gains the same to the last bit: the first of these.
                if best is None or (value, -one) > (best[0], -best[1]):
                    best = float(value), int(one)
        return None if best is None else (int(row[best[1]]), int(lever[best[1]]))

    def _gained(self, row: np.ndarray, lever: np.ndarray) -> np.ndarray:
        """Return by how much each of some toggles lowers the cost."""
        gain = -self._settings.latency_weight * self.toggles.detours[row, lever]
        for time in (NOW, PEAK):
            load = self.toggles.load[time]
            gain += self._risk(load) - self._risk(load + self.toggles.moved[time, row, lever])
        return gain

    def _most_gained(self) -> np.ndarray:
        """Return what each toggle gains by the slope of the cost; shape (rows, levers)."""
        gain = -self._settings.latency_weight * self.toggles.detours[: self.toggles.rows]
        for time in (NOW, PEAK):
            slope = self._slope(self.toggles.load[time]).ravel()
            gain -= (
                self.toggles.moved[time, : self.toggles.rows].reshape(*gain.shape, len(slope))
                @ slope
            )
        return gain

    def _risk(self, load: np.ndarray) -> np.ndarray:
        """Return half the mean cost and half that of the worst particles, of loads by particle."""
        over = np.maximum(load / self._capacity - self._settings.theta, 0.0)
        room = np.where(np.isfinite(self._capacity), self._capacity, 0.0)
        cost = np.sort((over * over) @ room, axis=-1)
        worst = int(np.ceil(WORST * load.shape[-2]))
        return 0.5 * cost.mean(axis=-1) + 0.5 * cost[..., -worst:].mean(axis=-1)

    def _slope(self, load: np.ndarray) -> np.ndarray:
        """Return a subgradient of the risk by the load of every particle at every exit."""
        over = np.maximum(load / self._capacity - self._settings.theta, 0.0)
        cost = (over * over) @ np.where(np.isfinite(self._capacity), self._capacity, 0.0)
        worst = int(np.ceil(WORST * load.shape[-2]))
        weight = np.full(load.shape[-2], 0.5 / load.shape[-2])
        weight[np.argsort(cost, kind="stable")[-worst:]] += 0.5 / worst
        return np.asarray(2.0 * weight[:, None] * over)

    def _guard(self, load: np.ndarray) -> np.ndarray:
        """Return a quantile over particles of the largest utilisation.

        It is the quantile that one more draw of the same law exceeds at the chance left
        (`weibull`); linear interpolation between 16 draws would be exceeded at 15 % for 10 %.
        """
        largest = (load / self._capacity).max(axis=-1)
        return np.quantile(largest, self._settings.quantile, axis=-1, method="weibull")
