"""Figures of merit and their intervals."""

from __future__ import annotations

import numpy as np
from scipy import special


def weighted_quantile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    """Smallest value that at least a share *q* of the weight does not exceed; NaN without weight."""
    order = np.argsort(values, kind="stable")
    heap = np.cumsum(weights[order])
    if not len(heap) or not heap[-1] > 0:
        return float("nan")
    return float(values[order][np.searchsorted(heap, q * heap[-1] * (1 - 1e-12))])


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean by weight; NaN without weight."""
    total = float(weights.sum())
    return float(values @ weights / total) if total > 0 else float("nan")


def jain(values: np.ndarray) -> np.ndarray:
    """Jain's fairness index over the first axis: 1 when all equal, 1/n when one has all.

    Values that are NaN are left out. Source: Jain, Chiu and Hawe, DEC TR-301, 1984.
    """
    there = np.isfinite(values)
    x = np.where(there, values, 0.0)
    count, square = there.sum(axis=0), (x**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(square > 0, x.sum(axis=0) ** 2 / (count * square), np.nan)


def interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and Student-t confidence interval over replications.

    Returns
    -------
    mean, low, high : float
        The interval is NaN for fewer than two replications, which say nothing of spread.
    """
    values = np.asarray(values, dtype=float)
    mean = float(values.mean()) if len(values) else float("nan")
    if len(values) < 2 or not np.all(np.isfinite(values)):
        return mean, float("nan"), float("nan")
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    half = float(special.stdtrit(len(values) - 1, 0.5 + confidence / 2)) * error
    return mean, mean - half, mean + half
