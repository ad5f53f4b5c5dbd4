"""Alignment: rates of one round of measurements, some seconds apart, are one instant."""

from __future__ import annotations

import numpy as np

CLOSE = 0.1
"""Rates of different demands that are this part of their usual interval apart are of one round."""
ALIKE = 0.25
MOST_ROUNDS = 1.5
"""Times as many rounds as the demand measured most often has rates."""


def aligned(
    us: np.ndarray, instant: np.ndarray, pair: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return instants in which rates of one round of measurements stand together.

    Pollers ask one node after the other, so that no two demands have the same times. Where demands
    are measured at usual intervals, instants much closer than these are one, unless it would hold
    two rates of one demand.

    Parameters
    ----------
    us : ndarray of int, shape (instants,)
        Rising.
    instant, pair : ndarray of int, shape (rates,)
        What each rate is of.

    Returns
    -------
    us, instant : ndarray of int
    shift_s : float
        The longest time by which a rate was moved, in seconds.
    """
    alone = us, instant, 0.0
    pairs = int(pair.max(initial=-1)) + 1
    if len(instant) == pairs * len(us) or len(us) < 3:
        return alone
    intervals = _intervals(us, instant, pair)
    usual = float(np.median(intervals)) if len(intervals) else 0.0
    if not usual or 2 * (np.abs(intervals - usual) <= ALIKE * usual).sum() <= len(intervals):
        return alone
    begins = np.append(True, np.diff(us) > CLOSE * usual)
    round_ = np.cumsum(begins) - 1
    rounds = int(round_[-1]) + 1
    keys = pair.astype(np.int64) * rounds + round_[instant]
    most = np.bincount(pair, minlength=pairs).max()
    if rounds == len(us) or rounds > MOST_ROUNDS * most or len(np.unique(keys)) < len(keys):
        return alone
    first = us[begins]
    return first, round_[instant], float((us - first[round_]).max()) / 1e6


def _intervals(us: np.ndarray, instant: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Return the times from each rate to the next of the same demand."""
    order = np.lexsort((instant, pair))
    times, pairs = us[instant[order]], pair[order]
    return np.diff(times)[np.diff(pairs) == 0]
