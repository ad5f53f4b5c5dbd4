"""Demand set: what the demands of one direction may be, and its worst points in closed form.

A **box** has a range for every demand and a limit on their total. A **hose** has a limit for every
end, on the sum of its demands, and on the total: nothing is said of single pairs (Duffield et al.,
*A flexible model for resource management in virtual private networks*, SIGCOMM 1999). Over a box
the largest of a weighted sum is a fractional knapsack: the demands of the largest weights first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack


@dataclass(frozen=True, eq=False)
class DemandSet:
    """All demands that are possible.

    Attributes
    ----------
    base_gbps : ndarray, shape (demands,)
        As stated.
    lower_gbps, upper_gbps : ndarray, shape (demands,)
        Range of each; the upper end is infinite in a hose.
    total_gbps : float
        Most of all together.
    near, far : ndarray of int, shape (demands,)
        Number of the end at home and of the end abroad of each demand.
    near_gbps, far_gbps : ndarray
        Most of all demands of an end, by its number; infinite in a box.
    """

    base_gbps: np.ndarray
    lower_gbps: np.ndarray
    upper_gbps: np.ndarray
    total_gbps: float
    near: np.ndarray
    far: np.ndarray
    near_gbps: np.ndarray
    far_gbps: np.ndarray

    @cached_property
    def is_box(self) -> bool:
        """Whether ends have no limits of their own."""
        return bool(np.isinf(self.near_gbps).all() and np.isinf(self.far_gbps).all())

    @cached_property
    def most_gbps(self) -> float:
        """The largest total."""
        ends = min(float(self.near_gbps.sum()), float(self.far_gbps.sum()))
        return min(self.total_gbps, float(self.upper_gbps.sum()), ends)

    def members(self, far: bool) -> csr_array:
        """Return which demands each end has, shape (ends, demands)."""
        of, limits = (self.far, self.far_gbps) if far else (self.near, self.near_gbps)
        ones = np.ones(len(of))
        return csr_array((ones, (of, np.arange(len(of)))), shape=(len(limits), len(of)))

    @cached_property
    def far_range(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and most Gbps of each end abroad."""
        low = np.bincount(self.far, self.lower_gbps, len(self.far_gbps))
        high = np.bincount(self.far, np.minimum(self.upper_gbps, self.most_gbps),
                           len(self.far_gbps))  # fmt: skip
        return low, np.minimum(np.minimum(high, self.far_gbps), self.most_gbps)

    def of_ends(self, chosen: np.ndarray) -> np.ndarray:
        """Return the most that some ends abroad may have together: exact in box and hose.

        Parameters
        ----------
        chosen : ndarray of bool, shape (choices, ends)
        """
        low, high = self.far_range
        rest = self.most_gbps - (~chosen) @ low
        return np.asarray(np.minimum(chosen @ high, np.maximum(rest, chosen @ low)))

    def far_most(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest weighted sums of what the ends abroad have, and what they have then.

        Exact in box and hose, as any sums in the range of each end and up to the total are possible
        (ends at home have limits that add up to no less).

        Parameters
        ----------
        weights : ndarray, shape (rows, ends)
            None below zero.

        Returns
        -------
        sums : ndarray, shape (rows,)
        gbps : ndarray, shape (rows, ends)
        """
        low, high = self.far_range
        order = np.argsort(-weights, axis=1, kind="stable")
        width = (high - low)[order]
        before = np.cumsum(width, axis=1) - width
        filled = np.clip(self.most_gbps - low.sum() - before, 0.0, width)
        gbps = np.empty_like(weights, dtype=float)
        np.put_along_axis(gbps, order, low[order] + filled, axis=1)
        return np.einsum("ij,ij->i", weights, gbps), gbps

    def far_corners(self, most: int) -> np.ndarray | None:
        """Return what the ends abroad have in all corners that none is beyond; None if too many.

        Parameters
        ----------
        most : int
            Corners that are listed.
        """
        low, high = self.far_range
        room, width = self.most_gbps - low.sum(), high - low
        if width.sum() <= room + 1e-9:
            return high[None, :]
        if 2 ** len(low) > 64 * most:
            return None
        codes = np.arange(2 ** len(low), dtype=np.int64)
        full = (codes[:, None] >> np.arange(len(low))) & 1 == 1
        rest = room - full @ width
        part = (rest[:, None] >= -1e-9) & ~full & (width > rest[:, None] + 1e-9)
        # The rest goes to one more end, which it does not fill; or nothing is left.
        rows, ends = np.nonzero(part)
        corners = low + full[rows] * width
        corners[np.arange(len(rows)), ends] += np.maximum(rest[rows], 0.0)
        corners = np.unique(corners.round(9), axis=0)
        return corners if len(corners) <= most else None

    def at_ends(self, chosen: np.ndarray) -> np.ndarray:
        """Return demands at which some ends abroad have their most, shape (demands,)."""
        return self.worst(chosen[self.far].astype(float))[1]

    def with_ends(self, far_gbps: np.ndarray) -> np.ndarray:
        """Return demands of the set whose ends abroad have so much, shape (demands,)."""
        if self.is_box:
            low, high = self.far_range
            width = np.where(high > low, high - low, 1.0)
            part = np.clip((far_gbps - low) / width, 0.0, 1.0)
            return np.asarray(
                self.lower_gbps + part[self.far] * (self.upper_gbps - self.lower_gbps)
            )
        rows, limits = self.rows
        bounds = np.column_stack([self.lower_gbps, np.minimum(self.upper_gbps, self.most_gbps)])
        members = self.members(far=True)
        found = linprog(-np.ones(len(self.base_gbps)), A_ub=vstack([rows, members]),
                        b_ub=np.concatenate([limits, far_gbps]), bounds=bounds,
                        method="highs")  # fmt: skip
        return np.asarray(found.x)

    def worst_bound(self, weights: np.ndarray) -> np.ndarray:
        """Return a bound on ``weights @ demands`` that costs little, shape (rows,).

        It is exact over a box. No weight is below zero.
        """
        if self.is_box:
            return self._knapsack(weights)[0]
        most = self.most_gbps * weights.max(axis=1, initial=0.0)
        for of, limits in ((self.near, self.near_gbps), (self.far, self.far_gbps)):
            if np.isfinite(limits).all():
                largest = np.zeros((len(weights), len(limits)))
                np.maximum.at(largest.T, of, weights.T)
                most = np.minimum(most, largest @ limits)
        return np.asarray(most)

    def worst(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the largest ``weights @ demands``, and demands that reach it."""
        if self.is_box:
            value, filled = self._knapsack(weights[None, :])
            return float(value[0]), filled[0]
        return self._by_program(weights)

    def _knapsack(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fill up the demands of the largest weights first, row by row."""
        order = np.argsort(-weights, axis=1, kind="stable")
        width = (self.upper_gbps - self.lower_gbps)[order]
        room = self.total_gbps - self.lower_gbps.sum()
        before = np.cumsum(width, axis=1) - width
        filled = np.clip(room - before, 0.0, width)
        demands = np.empty_like(weights, dtype=float)
        np.put_along_axis(demands, order, self.lower_gbps[order] + filled, axis=1)
        return np.einsum("ij,ij->i", weights, demands), demands

    def _by_program(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        rows, limits = self.rows
        bounds = np.column_stack([self.lower_gbps, np.minimum(self.upper_gbps, self.most_gbps)])
        # Weights that differ by rounding only make HiGHS search: they are shares of traffic.
        found = linprog(-np.round(weights, 12), A_ub=rows, b_ub=limits, bounds=bounds,
                        method="highs")  # fmt: skip
        return float(weights @ found.x), np.asarray(found.x)

    @cached_property
    def rows(self) -> tuple[csr_array, np.ndarray]:
        """Matrix and limits of the rows ``matrix @ demands <= limits``."""
        total = csr_array(np.ones((1, len(self.base_gbps))))
        matrix = vstack([total, self.members(far=False), self.members(far=True)], format="csr")
        limits = np.concatenate([[self.most_gbps], self.near_gbps, self.far_gbps])
        kept = np.isfinite(limits)
        return csr_array(matrix[kept]), limits[kept]

    @cached_property
    def near_most(self) -> np.ndarray:
        """The most that each end at home may have."""
        high = np.minimum(self.upper_gbps, self.most_gbps)
        own = np.bincount(self.near, high, len(self.near_gbps))
        return np.minimum(np.minimum(own, self.near_gbps), self.most_gbps)

    def holds(self, demands: np.ndarray, slack: float = 1e-9) -> bool:
        """Whether demands are possible."""
        rows, limits = self.rows
        inside = (demands >= self.lower_gbps - slack).all()
        inside &= (demands <= self.upper_gbps + slack).all()
        return bool(inside and (rows @ demands <= limits + slack * max(1.0, self.most_gbps)).all())


@dataclass(frozen=True, eq=False)
class JointDemands:
    """The demands of two directions, each of them anything in its own set.

    Attributes
    ----------
    parts : tuple of DemandSet
    """

    parts: tuple[DemandSet, ...]

    @property
    def most_gbps(self) -> float:
        """The largest total."""
        return sum(each.most_gbps for each in self.parts)

    def far_most(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest weighted sums, and what the ends abroad have then."""
        sizes = np.cumsum([len(each.far_gbps) for each in self.parts])[:-1]
        blocks = np.split(weights, sizes, axis=1)
        each = [part.far_most(some) for part, some in zip(self.parts, blocks, strict=True)]
        values = np.sum([value for value, _ in each], axis=0)
        return np.asarray(values), np.hstack([gbps for _, gbps in each])

    def far_corners(self, most: int) -> np.ndarray | None:
        """Return all pairs of corners of the parts; None if too many."""
        each = [part.far_corners(most) for part in self.parts]
        one, other = each
        if one is None or other is None or len(one) * len(other) > most:
            return None
        return np.hstack([np.repeat(one, len(other), axis=0), np.tile(other, (len(one), 1))])


def box(
    base: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    *,
    lower: np.ndarray,
    upper: np.ndarray,
    total: float,
) -> DemandSet:
    """Return a box with a limit on the total, which is no less than the sum of the lower ends."""
    free_near, free_far = (np.full(int(of.max(initial=-1)) + 1, np.inf) for of in (near, far))
    return DemandSet(
        base, lower, upper, max(total, float(lower.sum())), near, far, free_near, free_far
    )


def hose(
    base: np.ndarray, near: np.ndarray, far: np.ndarray, *, ends: float, total: float
) -> DemandSet:
    """Return a hose: every end up to *ends* times its sum, all up to *total* Gbps together."""
    zero, endless = np.zeros(len(base)), np.full(len(base), np.inf)
    return DemandSet(
        base, zero, endless, total, near, far,
        ends * np.bincount(near, base), ends * np.bincount(far, base),
    )  # fmt: skip
