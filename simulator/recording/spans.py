"""Spans: the intervals in which nothing changes, and the routes that traffic follows in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from simulator.model.route_series import RouteSeries
from simulator.model.routes import Routes

PIECE, _MOST = 96, 1_000_000
"""Intervals that are evaluated together, so few that their arrays stay in the cache; and those
intervals times paths at most."""


def pieces(
    span: np.ndarray, followed: Sequence[Routes | RouteSeries]
) -> Iterator[tuple[np.ndarray, list[Routes] | RouteSeries]]:
    """Yield intervals, a few at a time, with the routes of each.

    Parameters
    ----------
    span : ndarray of int, shape (intervals, 3)
        Begin and end of each in microseconds, and its step of traffic; one after the other.
    followed : sequence
        Routes of each, or a series whose changes cut it into more intervals.
    """
    for which, group in groupby(range(len(span)), lambda at: _series(followed[at])):
        at = list(group)
        mine = span[at[0] : at[-1] + 1]
        if which is not None:
            mine, column = _cut(mine, which)
        length = _length(followed[at[0]])
        for first in range(0, len(mine), length):
            few = slice(first, first + length)
            if which is not None:
                yield mine[few], which.take(column[few])
            else:
                yield mine[few], [each for i in at[few] if isinstance(each := followed[i], Routes)]


def _length(followed: Routes | RouteSeries) -> int:
    """Intervals of a piece."""
    series = _series(followed)
    listed = followed.listed if isinstance(followed, Routes) else None
    paths = len(series.paths) if series else 0 if listed is None else len(listed.demand)
    return max(1, min(PIECE, _MOST // max(paths, 1)))


def _series(followed: Routes | RouteSeries) -> RouteSeries | None:
    return followed if isinstance(followed, RouteSeries) else None


def _cut(span: np.ndarray, series: RouteSeries) -> tuple[np.ndarray, np.ndarray]:
    """Cut intervals where the routes of a series change; return them and the instants of each."""
    begin, end = span[:, 0], span[-1, 1]
    times = series.since_us[series.changes]
    times = times[(times > begin[0]) & (times < end)]
    begins = np.union1d(begin, times)
    ends = np.append(begins[1:], end)
    step = span[np.searchsorted(begin, begins, side="right") - 1, 2]
    column = np.searchsorted(series.since_us, begins, side="right") - 1
    return np.column_stack([begins, ends, step]), column
