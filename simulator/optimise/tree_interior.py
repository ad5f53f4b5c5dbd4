"""Least utilisation over tree columns by an interior point method that is stopped early.

Where hundreds of arcs have a price, the prices of a vertex jump from round to round and columns
found at them are of little use. Prices in the middle of the optimal set are stable. So a few Newton
steps are taken from where the last round ended, until the restricted program is solved to a part of
the gap that is left, and the columns come from these central prices.

With ``a`` the loads in units of the limits, the program is, and its dual ::

    minimise   theta   with   a' x + s  =  r + theta,     sum of x of a group  =  1,   x, s >= 0
    maximise   sum of pi - r @ w   with   a w - pi  =  z >= 0,   sum of w  =  1,   w >= 0

Eliminating all but the prices *w* leaves ``(diag(s / w) + C' C) dw``, where the rows of *C* are the
columns less the mean of their group, weighted by ``x / z``. It is solved by conjugate gradients;
the preconditioner is a Cholesky factor of the arcs that matter and the diagonal elsewhere.

Source: Gondzio, Gonzalez-Brevis and Munari, New developments in the primal-dual column generation
technique, Eur. J. Oper. Res. 224, 2013; Mehrotra, SIAM J. Optim. 2(4), 1992.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from scipy import linalg

from simulator.optimise.tree_master import Columns, Limits, Solved

STEPS, _PART = 4, 0.3
"""Newton steps of a round, and the part of the gap to which the restricted program is solved."""
_MATTERS, _MOST = 0.01, 1500
_NEAR, _MOST_PRODUCTS = 1e-3, 60
_TO_BOUNDARY, _ROUNDING = 0.95, 1e-9
_LEAST_NEW, _MOST_NEW, _HALVINGS = 0.05, 0.5, 12


class _Point(NamedTuple):
    """A point of the method, or a step between two."""

    x: np.ndarray
    s: np.ndarray
    theta: float
    w: np.ndarray
    pi: np.ndarray
    z: np.ndarray


class Interior:
    """The restricted program, and the point where its last solve ended.

    Parameters
    ----------
    columns : Columns
    groups : int
    limits : Limits
        All of them give way with theta.
    """

    is_exact: ClassVar[bool] = False
    rows: ClassVar[int] = 0

    unit: ClassVar[float] = 1.0

    def __init__(self, columns: Columns, groups: int, limits: Limits) -> None:
        self._columns, self._groups = columns, groups
        self._count = len(limits.room)
        self._arcs = np.flatnonzero(np.isfinite(limits.room))
        self._scale = limits.scale[self._arcs]
        self._r = limits.room[self._arcs] * self._scale
        self._known, self._best_bound = 0, 0.0
        self._a = np.empty((0, len(self._arcs)))
        self._group = np.empty(0, dtype=np.int64)
        self._take_in()
        self._point = self._start()

    # -- columns ------------------------------------------------------------------------------

    def _take_in(self) -> None:
        which = slice(self._known, len(self._columns))
        load = self._columns.load[which]
        self._a = np.concatenate([self._a, load[:, self._arcs] * self._scale])
        self._group = np.append(self._group, self._columns.group[which])
        self._known = len(self._columns)

    def grow(self) -> None:
        """Take in the columns that were added since, each with a small share of its group."""
        old = self._known
        if len(self._columns) == old:
            return
        self._take_in()
        point, new = self._point, self._group[old:]
        share = np.zeros(self._groups)
        share[new] = part = self._part_of_new(old)
        x = np.append(point.x * (1.0 - share[self._group[:old]]), np.full(len(new), part))
        mu = self._mu(point)
        z = (self._a @ point.w - point.pi[self._group])[old:]
        z = np.append(point.z, np.maximum(mu / part, z))
        theta = max(self._theta_of(x), point.theta)
        left = self._r + theta - x @ self._a
        s = np.maximum(left, np.minimum(point.s, 0.5 * mu / point.w))
        self._point = _Point(x, s, theta, point.w, point.pi, z)

    def _part_of_new(self, old: int) -> float:
        """Share of its group that every new column starts with.

        The one that is best for a smooth maximum of utilisation, sharp enough for what is left to
        gain.
        """
        point, taken = self._point, np.isin(self._group[:old], self._group[old:])
        now = point.x @ self._a[:old] - self._r
        change = self._a[old:].sum(axis=0) - (point.x * taken) @ self._a[:old]
        steep = np.log(max(2, len(now))) / max(now.max() - self._best_bound, 1e-6 * now.max())
        low, high = 0.0, _MOST_NEW
        for _ in range(_HALVINGS):
            part = 0.5 * (low + high)
            u = now + part * change
            slope = float(np.exp(steep * (u - u.max())) @ change)
            low, high = (part, high) if slope < 0 else (low, part)
        return max(_LEAST_NEW, low)

    # -- the method ---------------------------------------------------------------------------

    def _start(self) -> _Point:
        """Even shares, and prices that rise with utilisation."""
        count = np.bincount(self._group, minlength=self._groups)
        x = 1.0 / count[self._group]
        u = x @ self._a - self._r
        theta = 1.05 * self._theta_of(x)
        steep = np.log(max(2, len(u))) / (0.2 * theta)
        w = np.exp(np.maximum(steep * (u - u.max()), -12.0))
        w /= w.sum()
        s = np.maximum(theta - u, 1e-3 * theta)
        reduced = self._a @ w
        least = _least(reduced, self._group, self._groups)
        spread = max(float((reduced - least[self._group]) @ x) / self._groups, 1e-6)
        pi = least - spread
        return _Point(x, s, theta, w, pi, reduced - pi[self._group])

    def _theta_of(self, x: np.ndarray) -> float:
        """The least theta with which shares keep all limits that give way."""
        return float((x @ self._a - self._r).max())

    def _mu(self, point: _Point) -> float:
        pairs = float(point.x @ point.z + point.s @ point.w)
        return pairs / (len(point.x) + len(point.s))

    def solve(self, bound: float = 0.0) -> Solved:
        """Take Newton steps from where the last solve ended.

        Parameters
        ----------
        bound : float
            On theta over all columns.
        """
        self._best_bound = bound
        for _ in range(STEPS):
            self._step()
            share, theta = self._feasible()
            least, dual = self._dual()
            if theta - least <= _PART * (theta - bound):
                break
        price = np.zeros(self._count)
        price[self._arcs] = self._point.w * self._scale
        return Solved(share, theta, price, dual, 0)

    def _feasible(self) -> tuple[np.ndarray, float]:
        """Shares near the point that add up to one, and the theta that they need."""
        x = self._point.x
        x = x / np.bincount(self._group, x, self._groups)[self._group]
        return x, self._theta_of(x)

    def _dual(self) -> tuple[float, np.ndarray]:
        """Bound on the restricted program, and the least length of every group."""
        w = self._point.w / self._point.w.sum()
        least = _least(self._a @ w, self._group, self._groups)
        return float(least.sum() - self._r @ w), least

    def _step(self) -> None:
        """One step of Mehrotra's predictor and corrector."""
        point, newton = self._point, _Newton(self)
        mu = self._mu(point)
        predicted = newton.towards(-point.x * point.z, -point.s * point.w)
        primal, dual = _lengths(point, predicted, 1.0)
        x, s = point.x + primal * predicted.x, point.s + primal * predicted.s
        z, w = point.z + dual * predicted.z, point.w + dual * predicted.w
        ahead = float(x @ z + s @ w) / (len(x) + len(s))
        aim = mu * min(1.0, max(1e-3, (ahead / mu) ** 3))
        step = newton.towards(
            aim - point.x * point.z - predicted.x * predicted.z,
            aim - point.s * point.w - predicted.s * predicted.w,
        )
        primal, dual = _lengths(point, step, _TO_BOUNDARY)
        self._point = _Point(
            point.x + primal * step.x,
            point.s + primal * step.s,
            point.theta + primal * step.theta,
            point.w + dual * step.w,
            point.pi + dual * step.pi,
            point.z + dual * step.z,
        )


class _Newton:
    """The linear system at a point, factored once for both of its right sides."""

    def __init__(self, program: Interior) -> None:
        a, group, groups = program._a, program._group, program._groups
        self._a, self._group, self._groups = a, group, groups
        point = self._point = program._point
        self._d, self._diag = point.x / point.z, point.s / point.w
        self._of_group = np.bincount(group, self._d, groups)
        self._mean = _by_group(self._d[:, None] * a, group, groups) / self._of_group[:, None]
        self._c = (a - self._mean[group]) * np.sqrt(self._d)[:, None]
        self._left = 1.0 - np.bincount(group, point.x, groups)
        self._broken = program._r + point.theta - point.x @ a - point.s
        self._dual_left = point.pi[group] + point.z - a @ point.w
        self._price_left = 1.0 - float(point.w.sum())
        self._factor()
        self._by_theta = self._solve(np.ones(len(point.w)))

    def _factor(self) -> None:
        """Factor the arcs that matter most beside their slack."""
        weight = np.einsum("je,je->e", self._c, self._c)
        ratio = weight / self._diag
        some = np.flatnonzero(ratio > _MATTERS)
        if len(some) > _MOST:
            some = np.sort(some[np.argsort(-ratio[some], kind="stable")[:_MOST]])
        block = self._c[:, some]
        matrix = block.T @ block
        diagonal = matrix.diagonal()
        matrix[np.diag_indices(len(some))] += self._diag[some] + _ROUNDING * diagonal
        self._some, self._whole = some, self._diag + weight
        self._cholesky = linalg.cho_factor(matrix, lower=True, check_finite=False)

    def _precondition(self, right: np.ndarray) -> np.ndarray:
        found = right / self._whole
        found[self._some] = linalg.cho_solve(self._cholesky, right[self._some], check_finite=False)
        return found

    def _times(self, price: np.ndarray) -> np.ndarray:
        return np.asarray(self._diag * price + (self._c @ price) @ self._c)

    def _solve(self, right: np.ndarray) -> np.ndarray:
        """Conjugate gradients, to a part of the right side as the preconditioner measures it."""
        found = self._precondition(right)
        rest = right - self._times(found)
        inner = self._precondition(rest)
        size, enough = float(rest @ inner), _NEAR**2 * float(right @ found)
        way = inner
        for _ in range(_MOST_PRODUCTS):
            if not size > enough:
                break
            ahead = self._times(way)
            length = size / float(way @ ahead)
            found, rest = found + length * way, rest - length * ahead
            inner = self._precondition(rest)
            size, before = float(rest @ inner), size
            way = inner + (size / before) * way
        return found

    def towards(self, x_z: np.ndarray, s_w: np.ndarray) -> _Point:
        """Step that changes the products of pairs by these amounts and mends what is broken."""
        point, a, group, d = self._point, self._a, self._group, self._d
        q = x_z / point.z + d * self._dual_left
        lack = (self._left - np.bincount(group, q, self._groups)) / self._of_group
        right = (q + d * lack[group]) @ a + s_w / point.w - self._broken
        w = self._solve(right)
        theta = float(w.sum() - self._price_left) / float(self._by_theta.sum())
        w = w - theta * self._by_theta
        along = a @ w
        pi = lack + np.bincount(group, d * along, self._groups) / self._of_group
        z = along - pi[group] - self._dual_left
        x = (x_z - point.x * z) / point.z
        return _Point(x, (s_w - point.s * w) / point.w, theta, w, pi, z)


def _lengths(point: _Point, step: _Point, most: float) -> tuple[float, float]:
    """How far a step may go, of the shares and of the prices, for all to stay above zero."""
    return (
        min(_until_zero(point.x, step.x, most), _until_zero(point.s, step.s, most)),
        min(_until_zero(point.z, step.z, most), _until_zero(point.w, step.w, most)),
    )


def _until_zero(value: np.ndarray, step: np.ndarray, most: float) -> float:
    falls = step < 0
    return min(1.0, most * float((value[falls] / -step[falls]).min(initial=np.inf)))


def _by_group(rows: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sum of the rows of every group."""
    total = np.zeros((groups, rows.shape[1]))
    np.add.at(total, group, rows)
    return total


def _least(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    least = np.full(groups, np.inf)
    np.minimum.at(least, group, values)
    return least
