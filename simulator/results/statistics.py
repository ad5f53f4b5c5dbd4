"""Figures of merit and their intervals."""

from __future__ import annotations

import numpy as np
from scipy import special


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: list[float]) -> list[float]:
    """Smallest values that these shares of the weight do not exceed; NaN without weight."""
    order = np.argsort(values)
    heap = np.cumsum(weights[order])
    if not len(heap) or not heap[-1] > 0:
        return [float("nan")] * len(shares)
    at = np.searchsorted(heap, np.array(shares) * heap[-1] * (1 - 1e-12))
    return [float(value) for value in values[order][at]]


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


def interval(
    values: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and Student-t confidence interval over replications.

    Parameters
    ----------
    values : ndarray, shape (..., replications)
    confidence : float

    Returns
    -------
    mean, low, high : ndarray, shape (...)
        The interval is NaN for fewer than two replications, which say nothing of spread.
    """
    values = np.asarray(values, dtype=float)
    count = values.shape[-1]
    mean = values.mean(axis=-1)
    if count < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    with np.errstate(invalid="ignore"):
        error = values.std(axis=-1, ddof=1) / np.sqrt(count)
    half = float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * error
    return mean, mean - half, mean + half
