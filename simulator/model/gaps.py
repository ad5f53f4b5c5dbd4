"""Gaps: instants that are missing in a series of matrices, and what stands in for missing rates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

FEWEST_INTERVALS = 3
JITTER = 0.25
"""Intervals that differ from the usual one by up to this part of it are as usual."""
MISSING = 1.5
"""An interval of so many usual ones, or more, lacks an instant."""


def usual_interval(begins: np.ndarray, stated: float | None = None) -> float | None:
    """Return the interval from one instant to the next: *stated*, if any is so long, or usual.

    The usual one is the median, if more than half of all intervals are like it; None where there
    are fewer than three intervals, or no usual one.
    """
    intervals = np.diff(begins)
    if len(intervals) < FEWEST_INTERVALS:
        return None
    if stated and _alike(intervals, stated).any():
        return stated
    usual = float(np.median(intervals))
    return usual if 2 * int(_alike(intervals, usual).sum()) > len(intervals) else None


def _alike(intervals: np.ndarray, usual: float) -> np.ndarray:
    found: np.ndarray = np.abs(intervals - usual) <= JITTER * usual
    return found


def missing_instants(begins: np.ndarray, usual: float) -> np.ndarray:
    """Return how many instants are missing in each interval, given the usual one."""
    intervals = np.diff(begins)
    whole = np.rint(intervals / usual).astype(np.int64) - 1
    return np.where(intervals >= MISSING * usual, whole, 0)


def completed(begins: np.ndarray, gbps: np.ndarray, usual: float) -> tuple[np.ndarray, np.ndarray]:
    """Return instants and rates with those that are missing, whose rates are NaN."""
    missing = missing_instants(begins, usual)
    places = np.arange(len(begins)) + np.append(0, np.cumsum(missing))
    count = int(places[-1]) + 1
    back = np.arange(count) - np.repeat(places, np.append(missing, 0) + 1)
    made = np.repeat(begins, np.append(missing, 0) + 1) + back * usual
    rates = np.full((len(gbps), count), np.nan)
    rates[:, places] = gbps
    return made, rates


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and last place of each run of true values."""
    change = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(change[::2], change[1::2], strict=True)]


def skipped_hours(start: str, hours: np.ndarray, mask: np.ndarray) -> Iterator[str]:
    """Yield the times at which an hour is missing in the night from Saturday to Sunday.

    Many countries put their clocks forward then.
    """
    for first, last in runs(mask):
        if 0 < first and last + 1 < len(hours):
            time = datetime.fromisoformat(start) + timedelta(hours=float(hours[first]))
            step_h = float(hours[first] - hours[first - 1])
            is_an_hour = abs(hours[last + 1] - hours[first] - 1.0) < JITTER * min(step_h, 1.0)
            if is_an_hour and time.weekday() == 6 and time.hour <= 3:
                yield time.isoformat(timespec="minutes")


def filled(
    gbps: np.ndarray, missing: np.ndarray, hours: np.ndarray, *, straight: bool
) -> np.ndarray:
    """Fill every gap from the known rates before and after it; each row has at least one."""
    count = gbps.shape[1]
    places = np.broadcast_to(np.arange(count), gbps.shape)
    before = np.maximum.accumulate(np.where(missing, -1, places), axis=1)
    after = np.where(missing, count, places)[:, ::-1]
    after = np.minimum.accumulate(after, axis=1)[:, ::-1]
    before, after = np.where(before < 0, after, before), np.where(after == count, before, after)
    low, high = (np.take_along_axis(gbps, side, axis=1) for side in (before, after))
    if not straight:
        return np.where(missing, low, gbps)
    span = np.where(after > before, hours[after] - hours[before], 1.0)
    part = (hours - hours[before]) / span
    return np.where(missing, (1.0 - part) * low + part * high, gbps)
