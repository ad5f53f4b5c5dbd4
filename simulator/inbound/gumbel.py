"""Gumbel: tastes of sources for exits, drawn under bounds on their differences.

All that is known of the tastes x of a source has the form x[e] - x[f] >= bound[e, f]. Under such
bounds the taste for one exit, given the others, is a Gumbel variate cut off at both ends. Drawing
one exit after the other (Gibbs sampling: Geman and Geman, 1984) keeps the joint law.
"""

from __future__ import annotations

import numpy as np

LEAST = 2.0**-54
"""Uniform numbers are kept at least this far from 0, where a variate would be infinite."""
LARGEST = 700.0
"""The exponential of more is out of the range of floating-point numbers."""


def gumbel(uniform: np.ndarray) -> np.ndarray:
    """Return standard Gumbel variates of uniform numbers; any shape."""
    return -np.log(-np.log(np.maximum(uniform, LEAST)))


def truncated(uniform: np.ndarray, low: np.ndarray | float, high: np.ndarray) -> np.ndarray:
    """Return standard Gumbel variates between *low* and *high* of uniform numbers.

    The exponential of minus a Gumbel variate is an exponential variate. Between a and b that is
    a - log(1 - u (1 - exp(a - b))).

    Parameters
    ----------
    uniform, low, high : ndarray
        Of shapes that broadcast; the ends may be infinite.
    """
    a = np.exp(-np.clip(high, -LARGEST, np.inf))
    b = np.where(np.isneginf(low), np.inf, np.exp(-np.clip(low, -LARGEST, LARGEST)))
    # Rounding may put a variate just outside, or a bound far out beyond the range of exp.
    y = a - np.log1p(np.maximum(uniform, LEAST) * np.expm1(np.minimum(a - b, 0.0)))
    with np.errstate(divide="ignore"):
        return np.clip(-np.log(y), low, high)


def unbounded(size: int, exits: int) -> np.ndarray:
    """Return bounds that say nothing; shape (size, exits, exits)."""
    return np.tile(np.where(np.eye(exits, dtype=bool), 0.0, -np.inf), (size, 1, 1))


def closed(bounds: np.ndarray) -> np.ndarray:
    """Return bounds with all that follows from them (longest paths: Floyd, 1962).

    Parameters
    ----------
    bounds : ndarray, shape (n, exits, exits)
        Least differences, minus infinity where nothing is known. They must not contradict one
        another: no circle of them may have a sum above zero.
    """
    made = bounds.copy()
    for by in range(made.shape[-1]):
        np.maximum(made, made[:, :, by, None] + made[:, by, None, :], out=made)
    return made


def raised(tastes: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return tastes that obey the bounds, each raised as little as needed and none lowered.

    Parameters
    ----------
    tastes : ndarray, shape (draws, n, exits)
    bounds : ndarray, shape (n, exits, exits)
        Closed, with a diagonal of zeros.
    """
    return (tastes[:, :, None, :] + bounds).max(axis=3)


def swept(
    tastes: np.ndarray, bounds: np.ndarray, uniform: np.ndarray, where: np.ndarray | None = None
) -> np.ndarray:
    """Return tastes after sweeps that draw each of them anew, given the others and the bounds.

    Parameters
    ----------
    tastes : ndarray, shape (draws, n, exits)
        They obey the bounds.
    bounds : ndarray, shape (n, exits, exits)
    uniform : ndarray, shape (sweeps, exits, draws, n)
    where : ndarray of bool, shape (n, exits), optional
        Tastes that are drawn anew; all without it.
    """
    # The exits come first, so that the largest over exits runs along whole rows of memory.
    x = np.ascontiguousarray(tastes.transpose(2, 0, 1))
    off = np.where(np.eye(len(x), dtype=bool), -np.inf, bounds)
    above = np.ascontiguousarray(off.transpose(1, 2, 0))[:, :, None, :]
    below = np.ascontiguousarray(off.transpose(2, 1, 0))[:, :, None, :]
    for numbers in uniform:
        for e, u in enumerate(numbers):
            new = truncated(u, (x + above[e]).max(axis=0), (x - below[e]).min(axis=0))
            x[e] = new if where is None else np.where(where[:, e], new, x[e])
    return x.transpose(1, 2, 0)
