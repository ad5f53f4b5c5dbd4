"""Intervals: what few replications say of a mean, and where they are too few to say it.

A mean over replications has a Student-t interval wherever that interval can be believed. It can
where the figure varies evenly to both sides. Few values from a skewed law mostly lack its long
tail: their mean and their spread are both too small, and the interval misses. No other interval is
right for every such law (Bahadur and Savage, The nonexistence of certain statistical procedures in
nonparametric problems, Annals of Mathematical Statistics 27, 1956). So each metric declares how it
spreads, and a rule decides:

``plain``
    Always an interval.
``skewed``
    An interval if there are at least ``25 G^2`` replications, where G is the skewness of the figure
    (Cochran, Sampling Techniques, 3rd edition, 1977, section 2.15: the interval then misses in at
    most 6 % of cases). Few replications cannot show G. A figure that cannot be below zero is taken
    for lognormal, whose skewness is ``3 c + c^3`` with c its coefficient of variation (Aitchison
    and Brown, The Lognormal Distribution, 1957), and c is taken at its upper 99 % limit, that of a
    normal sample: ``c sqrt((n - 1) / chi2(n - 1, 0.01))``.
``rare``
    The same if every replication shows the figure. It also holds for the distance to the largest
    value that is possible. If only k of n show it, G is that of an event with probability k / n
    and an exponential size.
``stepped``
    A figure that jumps between few values may have done so in none of n replications, although it
    does with probability ``1 - 0.05^(1/n)`` in each (Clopper and Pearson, Biometrika 26, 1934, with
    all of the 5 % on one side). It has an interval from 100 replications on, where this is 3 %.

A difference is paired, and its third moment is at most the sum of those of both sides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

STEPPED_NEEDS = 100
"""Replications from which on a stepped figure has an interval."""
MOST_NEEDED = 1000
"""Replications beyond which a number needed is not told."""
_COCHRAN = 25.0
_SURE = 0.99
_LARGE = 1e9
_WIDER = np.sqrt(
    np.arange(-1.0, MOST_NEEDED).clip(1.0)
    / special.chdtri(np.arange(-1.0, MOST_NEEDED).clip(1.0), _SURE)
)
"""Upper limit of a coefficient of variation over its estimate, by replications (from 2)."""
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
    top : ndarray
        Largest value that is possible; infinite where there is none.
    part : ndarray of int
        Row of the figure that makes this one skewed; its own row as a rule.
    """

    spread: np.ndarray
    signed: np.ndarray
    top: np.ndarray
    part: np.ndarray


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


class _Sides(NamedTuple):
    """What decides over the interval of figures, or of one side of their differences."""

    size: np.ndarray
    """Standard deviation of the part that is skewed."""
    variation: np.ndarray
    """Its coefficient of variation, from zero or from the top, whichever is larger."""
    shown: np.ndarray
    """Share of replications that show it, or 1 for a part that is not rare."""


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
    found = _estimates(values, kinds, [_sides(values, kinds)])
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
    return _estimates(apart, kinds, [_sides(now, kinds), _sides(base, kinds)])


def unseen_share(count: int) -> float:
    """Return the largest probability, at 95 %, of what none of so many replications showed.

    Source: Clopper and Pearson, Biometrika 26, 1934, with all of the 5 % on one side.
    """
    return float(1.0 - 0.05 ** (1.0 / count))


# -- the rule -----------------------------------------------------------------------------------


def _estimates(values: np.ndarray, kinds: Kinds, sides: list[_Sides]) -> Estimates:
    count = values.shape[1]
    with np.errstate(invalid="ignore"):
        mean, low, high = interval(values)
        least, most = values.min(axis=1), values.max(axis=1)
        same = most - least <= _SAME * np.fmax(np.abs(least), np.abs(most))
        spread = values.std(axis=1, ddof=1) if count > 1 else np.full(len(values), np.nan)
    needs = np.zeros(len(values))
    # A rare part decides over a difference, in which the rest of both sides may cancel out.
    decides = (kinds.part == np.arange(len(values))) | (len(sides) > 1)
    rare = np.any([side.shown < 1 for side in sides], axis=0) & decides
    if count > 1:
        judged = kinds.spread != "plain"
        chosen = [_Sides(*(part[judged] for part in side)) for side in sides]
        needs[judged] = _needed(
            values[judged], spread[judged], kinds.spread[judged], chosen, rare[judged]
        )
        # Where steps are coarse and events are rare, a few equal values are no proof of a constant.
        settled = same & (kinds.spread == "skewed") & ~rare
        needs[settled] = 0.0
        needs[same & ~settled & judged] = np.inf
        needs[(needs <= count) & ~np.isinf(needs)] = 0.0
        low, high = (np.where(needs > 0, np.nan, end) for end in (low, high))
        low, high = (np.where(same & np.isfinite(end), mean, end) for end in (low, high))
    above, below = (values > 0).sum(axis=1), (values < 0).sum(axis=1)
    return Estimates(mean, low, high, least, most, above, below, rare, needs)


def _sides(values: np.ndarray, kinds: Kinds) -> _Sides:
    count = values.shape[1]
    part = values[kinds.part]
    with np.errstate(invalid="ignore", divide="ignore"):
        size = part.std(axis=1, ddof=1) if count > 1 else np.full(len(part), np.nan)
        mean = part.mean(axis=1)
        room = np.where(np.isfinite(kinds.top), np.fmin(mean, kinds.top - mean), mean)
        variation = np.where(size > 0, size / np.abs(room), 0.0)
        at_top = values >= kinds.top[:, None] * (1 - _SAME)
    shown = np.minimum((part != 0).mean(axis=1), (~at_top).mean(axis=1))
    return _Sides(size, variation, np.where(kinds.spread[kinds.part] == "rare", shown, 1.0))


def _needed(
    values: np.ndarray,
    spread: np.ndarray,
    kind: np.ndarray,
    sides: list[_Sides],
    rare: np.ndarray,
) -> np.ndarray:
    """Replications that the intervals of figures need, whose sides are skewed."""
    alone = np.zeros(len(values))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        events = [np.fmin(_event_skewness(side.shown), _LARGE) for side in sides]
        for side, event in zip(sides, events, strict=True):
            # A side that is seldom shown needs its own number, however small it is.
            own = np.where(side.shown > 0, _COCHRAN * event**2, np.inf)
            alone = np.fmax(alone, np.where(rare & (side.shown < 1), own, 0.0))

        def enough(count: np.ndarray) -> np.ndarray:
            third = np.zeros(len(values))
            for (size, variation, shown), event in zip(sides, events, strict=True):
                lognormal = _lognormal_skewness(variation * _WIDER[count])
                skewness = np.where(shown < 1, event, np.fmin(lognormal, _LARGE))
                third += np.where(size > 0, size**3, 0.0) * skewness
            return (_COCHRAN * (third / spread**3) ** 2 <= count) & (alone <= count)

        least = np.full(len(values), 2)
        most = np.full(len(values), MOST_NEEDED + 1)
        while (least < most).any():  # bisection: more replications never need more
            middle = np.minimum((least + most) // 2, MOST_NEEDED)
            fine = enough(middle)
            most = np.where(fine & (least < most), middle, most)
            least = np.where(~fine & (least < most), middle + 1, least)
        stepped = np.fmax(STEPPED_NEEDS, _COCHRAN * _skewness(values, spread) ** 2)
    needs = np.where(np.isinf(alone), np.inf, most.astype(float))
    return np.where(kind == "stepped", np.ceil(stepped), needs)


def _lognormal_skewness(variation: np.ndarray) -> np.ndarray:
    return np.asarray(3.0 * variation + variation**3)


def _event_skewness(share: np.ndarray) -> np.ndarray:
    """Skewness of what is zero but with a probability, and then exponential; by hand.

    With p the probability, the first moments are p, 2 p and 6 p.
    """
    third = 6.0 * share - 6.0 * share**2 + 2.0 * share**3
    return np.where(share > 0, third / (2.0 * share - share**2) ** 1.5, np.inf)


def _skewness(values: np.ndarray, spread: np.ndarray) -> np.ndarray:
    apart = values - values.mean(axis=1, keepdims=True)
    return np.asarray((apart**3).mean(axis=1) / spread**3)
