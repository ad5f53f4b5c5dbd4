"""Overload: the worst that demands can do to routes that do not follow them.

The shares of each demand on each exit are fixed for a pattern of links that are down; a cut of part
of a link changes none of them. So the largest load of an exit is a sum with weights over the set of
demands. What all exits together cannot carry is a sum of positive parts, which is largest where the
right exits are full: a small program with a choice for each exit that may be full or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from simulator.base.errors import SimulatorError
from simulator.optimise.demand_set import DemandSet, box
from simulator.optimise.integer import Outcome, solve

NOTHING_GBPS = 1e-9
_GAP = 1e-9
_CHUNK = 1024


@dataclass(frozen=True, eq=False)
class Overload:
    """Fixed shares of demands on exits, and what their worst demands do.

    Attributes
    ----------
    demands : DemandSet
    share : ndarray, shape (exits, demands)
        Share of every demand on each exit.
    """

    demands: DemandSet
    share: np.ndarray

    @cached_property
    def unrouted(self) -> np.ndarray:
        """Share of every demand that has no way, shape (demands,)."""
        rest = np.clip(1.0 - self.share.sum(axis=0), 0.0, 1.0)
        return np.where(rest < NOTHING_GBPS, 0.0, rest)

    @cached_property
    def rows(self) -> np.ndarray:
        """Shares on exits, and last what has no way: an exit without capacity."""
        return np.vstack([self.share, self.unrouted])

    @cached_property
    def most_gbps(self) -> np.ndarray:
        """A bound on the load of each row; exact over a box."""
        return self.demands.worst_bound(self.rows)

    @cached_property
    def _exact(self) -> dict[int, float]:
        return {}

    def load_gbps(self, exit_: int) -> float:
        """Return the largest load of an exit, exactly."""
        if self.demands.is_box:
            return float(self.most_gbps[exit_])
        if exit_ not in self._exact:
            self._exact[exit_] = self.demands.worst(self.rows[exit_])[0]
        return self._exact[exit_]

    @cached_property
    def least_gbps(self) -> np.ndarray:
        """The smallest load of each row."""
        return self.rows @ self.demands.lower_gbps

    def bounds_gbps(self, capacity: np.ndarray) -> np.ndarray:
        """Return a bound on what is unserved at the exits in each state.

        What is above a limit is convex in the load, so that it is below the chord from the least
        to the largest load; the sum of the chords is one sum with weights.

        Parameters
        ----------
        capacity : ndarray, shape (states, exits)
        """
        limit = np.hstack([capacity, np.zeros((len(capacity), 1))])
        least, most = self.least_gbps, self.most_gbps
        top, foot = np.maximum(most - limit, 0.0), np.maximum(least - limit, 0.0)
        width = np.where(most > least, most - least, 1.0)
        slope = np.where(most > least, (top - foot) / width, 0.0)
        fixed = (foot - slope * least).sum(axis=1)
        found = [
            self.demands.worst_bound(slope[i : i + _CHUNK] @ self.rows)
            for i in range(0, len(slope), _CHUNK)
        ]
        bound = np.concatenate(found) + fixed if found else np.zeros(0)
        return np.minimum(np.maximum(bound, 0.0), top.sum(axis=1))

    def unserved(self, capacity: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the most that exits cannot carry in one state, and demands that do it.

        Parameters
        ----------
        capacity : ndarray, shape (exits,)

        Raises
        ------
        SimulatorError
            HiGHS finds no optimum.
        """
        limits = np.append(capacity, 0.0)
        able = self.most_gbps > limits + NOTHING_GBPS
        if not able.any():
            return 0.0, self.demands.base_gbps
        share, limit, most = self.rows[able], limits[able], self.most_gbps[able]
        if not self.demands.is_box:
            return _Choice(self.demands, share, limit, most).solve()
        merged = _Merged.of(self.demands, share)
        value, found = _Choice(merged.demands, merged.share, limit, most).solve()
        return value, merged.spread(found)


@dataclass(frozen=True, eq=False)
class _Merged:
    """A box whose demands of equal shares are one."""

    of_demand: np.ndarray
    before: DemandSet
    demands: DemandSet
    share: np.ndarray

    @classmethod
    def of(cls, demands: DemandSet, share: np.ndarray) -> _Merged:
        kinds, group = np.unique(share.T.round(12), axis=0, return_inverse=True)
        group, count = group.ravel(), len(kinds)
        lower, upper, base = (
            np.bincount(group, each, count)
            for each in (demands.lower_gbps, demands.upper_gbps, demands.base_gbps)
        )
        one = np.arange(count)
        made = box(base, one, one, lower=lower, upper=upper, total=demands.total_gbps)
        return cls(group, demands, made, kinds.T)

    def spread(self, found: np.ndarray) -> np.ndarray:
        """Return demands whose sums are those of the groups."""
        width = self.demands.upper_gbps - self.demands.lower_gbps
        above = found - self.demands.lower_gbps
        part = np.divide(above, width, out=np.zeros_like(above), where=width > 0)
        own = self.before.upper_gbps - self.before.lower_gbps
        return self.before.lower_gbps + part[self.of_demand] * own


@dataclass(frozen=True, eq=False)
class _Choice:
    """Which exits are full: the program of one state."""

    demands: DemandSet
    share: np.ndarray
    limit: np.ndarray
    most: np.ndarray

    def solve(self) -> tuple[float, np.ndarray]:
        """Return the largest sum of what is above the limits, and the demands."""
        sure = self.limit <= NOTHING_GBPS  # whatever arrives is above it
        if len(self.limit) - sure.sum() <= 1:
            return self._of_all(sure)
        found = self._program(sure)
        if found is None:
            raise SimulatorError("HiGHS finds no demands that are possible")
        demands = found.columns[: len(self.demands.base_gbps)]
        return float(np.maximum(self.share @ demands - self.limit, 0.0).sum()), demands

    def _of_all(self, sure: np.ndarray) -> tuple[float, np.ndarray]:
        """Where only one exit has a choice, it is full or it is not."""
        best, at = 0.0, self.demands.base_gbps
        for chosen in {tuple(sure.tolist()), (True,) * len(sure)}:
            mask = np.array(chosen)
            value, demands = self.demands.worst(self.share[mask].sum(axis=0))
            if value - self.limit[mask].sum() > best:
                best, at = value - float(self.limit[mask].sum()), demands
        return best, at

    def _program(self, sure: np.ndarray) -> Outcome | None:
        """Solve over demands, what is above each limit, and whether anything is."""
        n, k = len(self.demands.base_gbps), len(self.limit)
        rows, limits = self.demands.rows
        none = csr_array((rows.shape[0], 2 * k))
        eye, room = np.eye(k), self.most - self.limit
        # o - share d - limit (1 - y) <= -limit, with y = 1 where anything is above the limit.
        above = hstack([csr_array(-self.share), csr_array(eye), csr_array(np.diag(self.limit))])
        none_if = hstack([csr_array((k, n)), csr_array(eye), csr_array(-np.diag(room))])
        matrix = vstack([hstack([rows, none]), above, none_if], format="csr")
        upper = np.concatenate([limits, np.zeros(k), np.zeros(k)])
        low = np.concatenate([self.demands.lower_gbps, np.zeros(k), sure.astype(float)])
        most = np.minimum(self.demands.upper_gbps, self.demands.most_gbps)
        cost = np.concatenate([np.zeros(n), -np.ones(k), np.zeros(k)])
        return solve(
            cost, csr_array(matrix), np.full(len(upper), -np.inf), upper,
            np.concatenate([most, room, np.ones(k)]),
            least=low, whole=np.arange(len(cost)) >= n + k, gap=_GAP,
        )  # fmt: skip
