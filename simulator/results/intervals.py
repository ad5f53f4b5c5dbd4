"""Intervals: what few replications say of a mean, and where they are too few to say it.

A mean over replications has a Student-t interval wherever that interval can be believed. It can
where the figure varies evenly to both sides. Few values from a skewed law mostly lack its long
tail: their mean and their spread are both too small, and the interval misses. No other interval is
right for every such law (Bahadur and Savage, The nonexistence of certain statistical procedures in
nonparametric problems, Annals of Mathematical Statistics 27, 1956). Nor can few values be asked
whether they are skewed: those that look even are those that lack the tail, so that intervals given
to them miss more often than all intervals would. So each metric declares how it spreads, and
nothing that a few replications show changes it:

``plain``
    Always an interval.
``skewed``, ``rare``
    An interval from 100 replications on, if they are at least ``25 G^2``, where G is the skewness
    that they show (Cochran, Sampling Techniques, 3rd edition, 1977, section 2.15: the interval then
    misses in at most 6 % of cases). Of a rare figure, G is at least that of an event with an
    exponential size and the probability k / n that k of n replications show it.

    One that is the same in all replications has none.

What none of n replications shows may happen with probability ``1 - 0.05^(1/n)`` in each (Clopper
and Pearson, Biometrika 26, 1934, with all of the 5 % on one side): 3 % at 100.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

UNEVEN_NEEDS = 100
"""Replications from which on a figure that is not plain has an interval."""
MOST_NEEDED = 1000
"""Replications beyond which a number needed is not told."""
_COCHRAN = 25.0
_SAME = 1e-12
"""Differences, as a share of the largest value, that are rounding."""


class Kinds(NamedTuple):
    """How figures spread over replications, an entry for each.

    Attributes
    ----------
    spread : ndarray of str
        As a metric declares it.
    signed : ndarray of bool
        Whether it can be below zero.
    """

    spread: np.ndarray
    signed: np.ndarray


class Estimates(NamedTuple):
    """What replications say of figures, an entry for each.

    Attributes
    ----------
    mean, low, high : ndarray
        Mean and the ends of its interval, NaN where there is none.
    least, most : ndarray
        Lowest and highest value.
    above, below : ndarray of int
        Replications in which it is above and below zero.
    rare : ndarray of bool
        Whether it, or a side of a difference, is a rare figure that some replication does not show.
    needs : ndarray
        Replications that an interval needs: 0 where there is one, infinite where they do not tell.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    least: np.ndarray
    most: np.ndarray
    above: np.ndarray
    below: np.ndarray
    rare: np.ndarray
    needs: np.ndarray


def interval(
    values: np.ndarray, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and Student-t confidence interval over replications.

    Parameters
    ----------
    values : ndarray, shape (..., replications)

    Returns
    -------
    mean, low, high : ndarray, shape (...)
        The interval is NaN for fewer than two replications, which say nothing of spread.
    """
    from scipy import special  # takes long to import, and not every process comes here

    values = np.asarray(values, dtype=float)
    count = values.shape[-1]
    mean = values.mean(axis=-1)
    if count < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    with np.errstate(invalid="ignore"):
        error = values.std(axis=-1, ddof=1) / np.sqrt(count)
    half = float(special.stdtrit(count - 1, 0.5 + confidence / 2)) * error
    return mean, mean - half, mean + half


def estimate(values: np.ndarray, kinds: Kinds) -> Estimates:
    """Estimate figures.

    Parameters
    ----------
    values : ndarray, shape (figures, replications)
    """
    found = _estimates(values, kinds, [values])
    return found._replace(low=np.where(kinds.signed, found.low, np.maximum(found.low, 0.0)))


def estimate_difference(now: np.ndarray, base: np.ndarray, kinds: Kinds) -> Estimates:
    """Estimate paired differences, replication by replication.

    Parameters
    ----------
    now, base : ndarray, shape (figures, replications)
    """
    with np.errstate(invalid="ignore"):  # no limit less no limit
        apart = np.asarray(now - base, dtype=float)
        rounding = np.abs(apart) <= _SAME * np.fmax(np.abs(now), np.abs(base))
    apart[rounding & np.isfinite(apart)] = 0.0
    return _estimates(apart, kinds, [now, base])


def unseen_share(count: int) -> float:
    """Return the largest probability, at 95 %, of what none of so many replications showed.

    Source: Clopper and Pearson, Biometrika 26, 1934, with all of the 5 % on one side.
    """
    return float(1.0 - 0.05 ** (1.0 / count))


# -- the rule -----------------------------------------------------------------------------------


def _estimates(values: np.ndarray, kinds: Kinds, sides: list[np.ndarray]) -> Estimates:
    count = values.shape[1]
    with np.errstate(invalid="ignore"):
        mean, low, high = interval(values)
        least, most = values.min(axis=1), values.max(axis=1)
        same = most - least <= _SAME * np.fmax(np.abs(least), np.abs(most))
    # A difference is as rare as the rarer of its sides, in which the rest may cancel out.
    shown = np.min([(side != 0).mean(axis=1) for side in sides], axis=0)
    rare = (kinds.spread == "rare") & (shown < 1)
    needs = np.zeros(len(values))
    if count > 1:
        judged = kinds.spread != "plain"
        needs[judged] = _needed(values[judged], np.where(rare, shown, 1.0)[judged])
        needs[needs <= count] = 0.0
        needs[judged & same] = np.inf  # how it differs was not seen yet
        low, high = (np.where(needs > 0, np.nan, end) for end in (low, high))
        low, high = (np.where(same & np.isfinite(end), mean, end) for end in (low, high))
    above, below = (values > 0).sum(axis=1), (values < 0).sum(axis=1)
    return Estimates(mean, low, high, least, most, above, below, rare, needs)


def _needed(values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Replications that the intervals of figures need, seen in these shares of replications."""
    skewness = np.fmax(np.abs(_skewness(values)), _event_skewness(shown) * (shown < 1))
    return np.ceil(np.fmax(UNEVEN_NEEDS, _COCHRAN * skewness**2))


def _event_skewness(share: np.ndarray) -> np.ndarray:
    """Skewness of what is zero but with a probability, and then exponential; by hand.

    With p the probability, the first moments are p, 2 p and 6 p.
    """
    third = 6.0 * share - 6.0 * share**2 + 2.0 * share**3
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0, third / (2.0 * share - share**2) ** 1.5, np.inf)


def _skewness(values: np.ndarray) -> np.ndarray:
    """Skewness that values show; zero where they are all the same."""
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = values - values.mean(axis=1, keepdims=True)
        third, second = (apart**3).mean(axis=1), (apart**2).mean(axis=1)
        return np.nan_to_num(third / second**1.5)
