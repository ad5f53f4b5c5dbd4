"""Calendar: what years from the start of a scenario are as dates, where something states one."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from simulator.base.errors import InputError, Problem
from simulator.base.schema import shown
from simulator.base.text import counted
from simulator.model.network import Network

MOST_YEARS = 30.0
YEAR_DAYS = 365.0
EVER_SINCE = -100.0
"""Years at and before which an exit counts as past its target at all times."""
_YEAR = re.compile(r"(?:^|\D)((?:19|20)\d\d)(?:\D|$)")
_MONTHS = (
    "January February March April May June July August September October November December"
).split()  # fmt: skip


class Calendar(NamedTuple):
    """What years from the start are as dates.

    Attributes
    ----------
    start : date or None
        None where nothing states one: years are then all that is said, since a date of the day of
        the run would make other results of the same inputs.
    most_years : float
        Later than this is beyond what is looked at.
    words : str
        Where the start comes from.
    """

    start: date | None
    most_years: float
    words: str

    def day(self, years: float) -> str | None:
        """Return the date in ISO form; None beyond the calendar, or without a start or an end."""
        if self.start is None or not self.holds(years):
            return None
        try:
            return (self.start + timedelta(days=YEAR_DAYS * years)).isoformat()
        except OverflowError:
            return None

    def holds(self, years: float) -> bool:
        """Whether there is such a day among those that are looked at."""
        return math.isfinite(years) and EVER_SINCE < years <= self.most_years

    def brief(self, years: float) -> str:
        """Return ``2026-07``, or ``0.6 y`` where there are no dates."""
        day = self.day(years)
        if day is not None:
            return day[:7]
        if years > self.most_years:
            return f">{self.last}" if self.start else f">{self.most_years:g} y"
        return f"{years:.2g} y" if abs(years) < 10 else f"{years:.3g} y"

    def when(self, years: float) -> str:
        """Return ``in July 2026`` or ``after 7 months``; before the start, since when."""
        day = self.day(years)
        if day is not None:
            return f"{'since' if years < 0 else 'in'} {month(day)}"
        months = round(12 * abs(years))
        span = counted(months, "month") if months < 36 else f"{abs(years):.3g} years"
        return f"since {span} before the start" if years < 0 else f"after {span}"

    @property
    def last(self) -> str:
        """The end of what is looked at, in words: ``2055`` or ``30 years``."""
        if self.start is None:
            return f"{self.most_years:g} years"
        return str((self.start + timedelta(days=YEAR_DAYS * self.most_years)).year)

    @property
    def not_before(self) -> str:
        """What is said of a day beyond the end."""
        return f"not {'within' if self.start is None else 'before'} {self.last}"


def month(day: str) -> str:
    """Return ``2018-03-14`` as ``March 2018``."""
    found = date.fromisoformat(day)
    return f"{_MONTHS[found.month - 1]} {found.year}"


def calendar(
    start: str | None,
    network: Network,
    until: str | float | None,
    words: str = "the scenario's start",
) -> Calendar:
    """Return the calendar of a question.

    Parameters
    ----------
    start : str, optional
        The start, where something states it; *words* says what.
    until : str or float, optional
        A date, or years from the start; 30 years when left out.

    Raises
    ------
    InputError
        *until* is neither, or not after the start.
    """
    if start is not None:
        first: date | None = datetime.fromisoformat(start).date()
    elif found := _YEAR.search(network.name):
        first = date(int(found[1]), 12, 31)
        words = f"the end of the year in the name of {network.name}; start: DATE says otherwise"
    else:
        first = None
        words = "years count from it, as nothing states its date; start: DATE makes dates of them"
    return Calendar(first, _years(until, first), words)


def _years(until: str | float | None, start: date | None) -> float:
    if until is None:
        return MOST_YEARS
    try:
        years = float(until)
    except ValueError:
        years = _years_to(until, start)
    if not 0 < years <= 99:
        message = f"expected up to 99 years from {start or 'the start'}, found {shown(until)}"
        raise InputError([Problem("", None, None, "until", message)])
    return years


def _years_to(until: str | float, start: date | None) -> float:
    try:
        day = date.fromisoformat(str(until))
    except ValueError:
        expected = "expected a date such as 2030-12-31, or a number of years"
        message = f"{expected}, found {shown(until)}"
        raise InputError([Problem("", None, None, "until", message)]) from None
    if start is None:
        message = (
            f"a date, {day}, needs a start to count from; give the scenario start: DATE, or --until"
            " a number of years"
        )
        raise InputError([Problem("", None, None, "until", message)])
    return (day - start).days / YEAR_DAYS
