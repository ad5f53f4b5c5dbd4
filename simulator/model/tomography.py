"""Tomography: a traffic matrix from the counters of links, when the routing is known.

There are many more demands than links, so the loads alone do not determine the matrix.
Tomogravity (Zhang, Roughan, Duffield and Greenberg, Fast accurate computation of large-scale IP
traffic matrices from link loads, SIGMETRICS 2003) starts from the gravity matrix that has the
measured totals of every node. Of all matrices that explain the loads, it takes the one nearest to
that matrix, where a demand may be off by about the square root of its size::

    minimise  sum of (x - prior)^2 / prior    over  x >= 0  with  routing @ x = loads
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

ROUNDS = 20_000
CLOSE = 1e-13
"""Totals are fitted to this share of the largest."""
PASSABLE = 1e-6
"""Totals and loads off by more than this share contradict each other."""
SPREAD = 1e-10
"""Combinations of loads with less than this share of the largest variance count as zero."""
SLACK = 1e-10
"""Weight of the residual, for loads that no matrix without negative rates explains."""
STEPS = 500
SHORTEST = 1e-12
"""Least share of a Newton step that is tried."""


def fitted_gravity(
    source: np.ndarray, target: np.ndarray, out_gbps: np.ndarray, in_gbps: np.ndarray
) -> np.ndarray:
    """Return the gravity matrix over some pairs with given totals of every node.

    ``x[s, t] = a[s] b[t]`` on the pairs listed and nothing elsewhere; a and b by proportional
    fitting in turns. Where every node sends to every node and itself, it is ``out in / total``.

    Parameters
    ----------
    source, target : ndarray of int, shape (pairs,)
        Nodes.
    out_gbps, in_gbps : ndarray, shape (nodes,)
        What each node sends and receives. Sums that differ, as those of counters do, are both set
        to their mean.

    Returns
    -------
    ndarray, shape (pairs,)

    Raises
    ------
    ValueError
        No matrix over these pairs has these totals.
    """
    total = (out_gbps.sum() + in_gbps.sum()) / 2.0
    if not (out_gbps.sum() > 0 and in_gbps.sum() > 0):
        raise ValueError("the nodes send or receive nothing at all")
    sent, got = (gbps * (total / gbps.sum()) for gbps in (out_gbps, in_gbps))
    gbps = np.ones(len(source))
    off = np.inf
    for _ in range(ROUNDS):
        gbps = gbps * _ratio(sent, np.bincount(source, gbps, len(sent)))[source]
        gbps = gbps * _ratio(got, np.bincount(target, gbps, len(got)))[target]
        rows = np.bincount(source, gbps, len(sent)) - sent
        columns = np.bincount(target, gbps, len(got)) - got
        off = max(np.abs(rows).max(), np.abs(columns).max()) / total
        if off <= CLOSE:
            return gbps
    if not off <= PASSABLE:
        raise ValueError(
            f"the totals of the nodes contradict each other: no matrix comes nearer than {off:.2g}"
            f" of all traffic"
        )
    return gbps


def _ratio(wanted: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.divide(wanted, found, out=np.zeros_like(wanted), where=found > 0)


def nearest_matrix(
    routing: sparse.sparray | np.ndarray, loads: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Return the rates nearest to *prior* that explain the loads.

    The dual is smooth and has a variable for every load: with multipliers u the rates are ``prior
    * max(0, 1 + routing' u)``. It is solved by Newton steps. Loads that contradict each other are
    met in the sense of least squares, each against the load expected of the prior.

    Parameters
    ----------
    routing : sparse array, shape (loads, demands)
        Share of each demand in each load.
    loads : ndarray, shape (loads,)
    prior : ndarray, shape (demands,)
        Rates expected; a rate of 0 stays 0.

    Returns
    -------
    ndarray, shape (demands,)
    """
    unit = prior.max(initial=0.0)
    if not unit > 0:
        return np.zeros_like(prior)
    start = prior / unit
    rows, seen = _independent(sparse.csr_array(routing), loads / unit, start)
    missed = seen - rows @ start
    if np.abs(missed).max(initial=0.0) <= CLOSE * np.abs(seen).max(initial=0.0):
        return prior.copy()
    level = 1.0 + rows.T @ _multipliers(rows, seen, start)
    return np.asarray(unit * start * np.maximum(0.0, level))


def _independent(
    routing: sparse.csr_array, loads: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return linearly independent combinations of the loads, and their values.

    Links depend on each other (traffic into a node leaves it), and counters never agree exactly.
    Scaled by the loads of the prior, the combinations have at most unit variance under it.
    """
    size = np.sqrt((routing.multiply(routing)) @ prior)
    used = size > 0
    scale = 1.0 / size[used]
    scaled = sparse.diags_array(scale) @ routing[used]
    variance, turn = linalg.eigh((scaled @ sparse.diags_array(prior) @ scaled.T).toarray())
    turn = turn[:, variance > SPREAD * variance.max(initial=0.0)]
    return (scaled.T @ turn).T, turn.T @ (scale * loads[used])


def _multipliers(rows: np.ndarray, seen: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Minimise the dual, ``sum of prior max(0, 1 + rows' u)^2 / 2 + SLACK u.u / 2 - seen.u``."""

    def value(u: np.ndarray) -> float:
        rate = np.maximum(0.0, 1.0 + rows.T @ u)
        return float(prior @ rate**2 / 2.0 + SLACK * (u @ u) / 2.0 - seen @ u)

    u = np.zeros(len(seen))
    level = np.ones(len(prior))
    for _ in range(STEPS):
        slope = rows @ (prior * np.maximum(0.0, level)) + SLACK * u - seen
        curve = (rows * np.where(level > 0, prior, 0.0)) @ rows.T
        curve[np.diag_indices_from(curve)] += SLACK
        step = -linalg.cho_solve(linalg.cho_factor(curve), slope)
        onward = 1.0 + rows.T @ (u + step)
        if np.array_equal(onward > 0, level > 0):  # on the same parabola: its minimum
            return np.asarray(u + step)
        fall, length, now = float(slope @ step), 1.0, value(u)
        while value(u + length * step) > now + 1e-4 * length * fall and length > SHORTEST:
            length /= 2.0
        if length <= SHORTEST:  # at the limit of rounding
            return u
        u = u + length * step
        level = 1.0 + rows.T @ u
    raise ArithmeticError(f"no matrix found that explains the loads in {STEPS} steps")


def tomogravity(
    routing: sparse.sparray | np.ndarray,
    loads: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    out_gbps: np.ndarray,
    in_gbps: np.ndarray,
) -> np.ndarray:
    """Estimate a traffic matrix: the gravity matrix of the totals, moved to explain the loads.

    Parameters are those of :func:`fitted_gravity` and :func:`nearest_matrix`, with loads in Gbps.

    Returns
    -------
    ndarray, shape (demands,)
        Rates, in Gbps.
    """
    prior = fitted_gravity(source, target, out_gbps, in_gbps)
    count = len(source)
    totals = [
        sparse.csr_array((np.ones(count), (end, np.arange(count))), shape=(len(out_gbps), count))
        for end in (source, target)
    ]
    every = sparse.vstack([sparse.csr_array(routing), *totals])
    return nearest_matrix(every, np.concatenate([loads, out_gbps, in_gbps]), prior)
