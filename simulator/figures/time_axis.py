"""Time axis: steps of a run as numbers and words, ticks, and the intervals of events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from simulator.figures.style import Axes
from simulator.scenario.settings import length_h
from simulator.simulation.faults import Event

_MONTHS_BEYOND_D = 75
"""Days beyond which the axis has months and years."""
TICK_HOURS = (1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 3, 6, 12, 24)
"""Distances of ticks on an axis of hours: divisions of an hour and of a day."""


class EventInterval(NamedTuple):
    """An event of the scenario: what, and from when to when, in hours after the start."""

    what: str
    begin_h: float
    end_h: float | None
    shaded: bool


def event_intervals(scenario: dict[str, Any]) -> list[EventInterval]:
    """Return the events in order of time; a change of capacity that stays is not shaded."""
    intervals = []
    for values in scenario["events"]:
        event = Event(**values)
        lasting = event.until_h is None and event.capacity_gbps is not None
        intervals.append(EventInterval(event.what, event.at_h, event.until_h, not lasting))
    return sorted(intervals, key=lambda interval: interval.begin_h)


@dataclass(frozen=True)
class TimeAxis:
    """The time axis of a run: local hours up to two days, days beyond.

    Attributes
    ----------
    horizon_h, step_s : float
    every : int
        Every how many steps the tables keep a row.
    start : datetime.datetime or None
    """

    horizon_h: float
    step_s: float
    every: int
    start: datetime | None

    @classmethod
    def of(cls, scenario: dict[str, Any]) -> TimeAxis:
        """Return the axis of a resolved scenario."""
        start = datetime.fromisoformat(scenario["start"]) if scenario.get("start") else None
        horizon = length_h(*(scenario.get(key) for key in ("start", "end", "horizon_h")))
        return cls(float(horizon), float(scenario["step_s"]), scenario["record"]["every"], start)

    @property
    def begin_h(self) -> float:
        """Local hour of the start."""
        if self.start is None:
            return 0.0
        return (self.start - _midnight(self.start)).total_seconds() / 3600.0

    @property
    def step_h(self) -> float:
        """Time between two rows of the tables."""
        return self.step_s * self.every / 3600.0

    @property
    def in_days(self) -> bool:
        """Whether the axis is long enough for days instead of hours."""
        return self.horizon_h > 48.0

    @property
    def by_day(self) -> bool:
        """Whether a day is too short to be seen: utilisation is shown by its highest step a day."""
        return self.horizon_h > 24 * _MONTHS_BEYOND_D and self.step_h < 24

    def days_of(self, time_s: np.ndarray) -> np.ndarray:
        """Return where in ascending times each local day begins."""
        day = np.floor((self.begin_h + time_s / 3600) / 24 + 1e-9)
        return np.flatnonzero(np.r_[True, np.diff(day) > 0])

    @cached_property
    def steps_s(self) -> np.ndarray:
        """Beginning of every step that the tables keep."""
        count = math.ceil(self.horizon_h * 3600 / self.step_s - 1e-9)
        return np.arange(0, count, self.every) * self.step_s

    def index(self, time_s: np.ndarray) -> np.ndarray:
        """Return the positions of times in ``steps_s``."""
        return np.rint(time_s / (self.step_s * self.every)).astype(np.int64)

    def place(self, hours: Any) -> Any:
        """Return the place on the axis of hours after the start: local hours, days, or dates."""
        if not self.in_days:
            return self.begin_h + hours
        return self._first_day + (self.begin_h + hours) / 24.0

    @cached_property
    def _first_day(self) -> float:
        """Place of the first midnight on an axis of days; matplotlib's number of its date."""
        if self.start is None:
            return 0.0
        from matplotlib.dates import date2num

        return float(date2num(_midnight(self.start)))

    def words(self, hours: float, since: float | None = None) -> str:
        """Return a time of day, with the day if there are several and it is not that of *since*."""
        minutes = round((self.begin_h + hours) * 60)
        day, minute = divmod(minutes, 24 * 60)
        last = math.ceil((self.begin_h + self.horizon_h) / 24 - 1e-9) - 1
        if minute == 0 and (day > last or (since is not None and hours > since)):
            day, minute = day - 1, 24 * 60
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        if last < 1 or (since is not None and day == (self.begin_h + since) // 24):
            return clock
        return f"{self._day(day)} {clock}"

    def _day(self, day: int) -> str:
        if self.start is None:
            return f"day {day + 1}"
        date = self.start + timedelta(days=day)
        return f"{date.day} {date:%b}"

    def dress(self, ax: Axes, *, ticks: int, labels: bool = True, end: bool = True) -> None:
        """Set limits, *ticks* at most, and label of the time axis.

        Without *labels*, ticks and axis have none; without *end*, a tick at the very end has none,
        as it meets the first one of the next panel.
        """
        low, high = self.place(0.0), self.place(self.horizon_h)
        ax.set_xlim(low, high)
        if self.in_days:
            self._dress_days(ax, low, high, ticks, end)
        else:
            from matplotlib.ticker import MultipleLocator

            step = next((s for s in TICK_HOURS if (high - low) / s <= ticks), TICK_HOURS[-1])
            ax.xaxis.set_major_locator(MultipleLocator(step))
            ax.xaxis.set_major_formatter(lambda hour, _: _clock(hour, step, high, end=end))
        ax.tick_params(axis="x", which="both", labelbottom=labels)
        if labels:
            days = "local date" if self.start else "day"
            ax.set_xlabel(days if self.in_days else "local time (h)")

    def _dress_days(self, ax: Axes, low: float, high: float, ticks: int, end: bool) -> None:
        from matplotlib import dates, ticker

        most = ticks - 2 if self.start else ticks  # a date is wider than a number

        def label(place: float, _: Any = None) -> str:
            if place > high - 0.05 * (high - low):  # no room for half of it
                return ""
            return self._day(math.floor(place - self._first_day)).removeprefix("day ")

        if high - low > _MONTHS_BEYOND_D and self.start:  # months or years
            locator = dates.AutoDateLocator(minticks=2, maxticks=ticks)
            ax.xaxis.set_major_locator(locator)
            concise = dates.ConciseDateFormatter(locator, show_offset=False)
            last = high - (0.0 if end else 0.05 * (high - low))
            ax.xaxis.set_major_formatter(_Until(concise, last))
        elif high - low > most:
            ax.xaxis.set_major_locator(ticker.MaxNLocator(most, integer=True))
            ax.xaxis.set_major_formatter(label)
        else:  # the name of a day stands in its middle
            middles = np.arange(math.floor(low), math.ceil(high)) + 0.5
            ax.xaxis.set_major_locator(ticker.MultipleLocator(1))
            ax.xaxis.set_major_formatter(ticker.NullFormatter())
            ax.xaxis.set_minor_locator(ticker.FixedLocator(middles.tolist()))
            ax.xaxis.set_minor_formatter(label)
            ax.tick_params(axis="x", which="minor", length=0)


def _Until(concise: Any, last: float) -> Any:
    """Return a formatter of dates that gives none to ticks beyond *last*."""
    from matplotlib.ticker import Formatter

    class Until(Formatter):
        def __call__(self, value: float, pos: int | None = None) -> str:
            return "" if value > last else str(concise(value, pos))

        def format_ticks(self, values: list[float]) -> list[str]:
            labels = concise.format_ticks(values)
            return [
                "" if value > last else label for value, label in zip(values, labels, strict=True)
            ]

    return Until()


def _midnight(time: datetime) -> datetime:
    return datetime.combine(time, datetime.min.time())


def _clock(hour: float, step_h: float, last: float, *, end: bool) -> str:
    """Return the label of a tick; midnight is 24 at the end of the axis and 0 elsewhere."""
    minutes, at_end = round(hour * 60), hour > last - 0.01
    if at_end and not end:
        return ""
    if step_h < 1:
        return f"{minutes // 60 % 24}:{minutes % 60:02d}"
    return "24" if at_end and minutes and minutes % 1440 == 0 else f"{minutes // 60 % 24}"
