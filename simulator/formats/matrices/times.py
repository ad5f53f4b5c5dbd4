"""Instants as demand files write them: dates and times, Unix time, or seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.formats.matrices.dates import EPOCH, US, DateReader, clock, compact_date
from simulator.formats.units import number

NEVER_US = -(2**61)
LONGEST_S = 1e11
"""Some three thousand years."""
UNIX_S = (631_152_000, 4_102_444_800)
"""1990 to 2100: no recording in seconds from its start begins so late."""
UNIX = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
EXCEL_DAYS = (30_000, 75_000)
"""1982 to 2105, in days as spreadsheets count them."""


class Times(NamedTuple):
    """Instants.

    Attributes
    ----------
    us : ndarray of int
        Microseconds: from 1970 for dates, as given for numbers.
    dated : bool
    wrong : dict of int to str
        What is wrong with which word.
    note : str
        What was assumed to read them; empty for local dates in ISO form and plain seconds.
    """

    us: np.ndarray
    dated: bool
    wrong: dict[int, str]
    note: str = ""

    @staticmethod
    def hours_of(us: np.ndarray) -> np.ndarray:
        """Return hours from the first of some instants."""
        return (us - us[0]) / 3_600_000_000

    def start_of(self, us: np.ndarray) -> str | None:
        """Return the local time of the first of some instants, if these are dates."""
        return (EPOCH + int(us[0]) * US).isoformat() if self.dated else None

    def clock_hint(self, us: int) -> str:
        """Return the way out where an instant comes twice and clocks may have been put back."""
        if not self.dated or "UTC" in self.note:
            return ""
        time = EPOCH + int(us) * US
        if time.weekday() != 6 or time.hour > 3:
            return ""
        return "; if clocks were put back in this night, give times in UTC, with a Z at their end"


def read_times(words: Sequence[str], utc_offset_h: float = 0.0) -> Times:
    """Read instants: all of them dates, or all of them numbers.

    Local dates and times in ISO form, as ``2004-03-04`` or ``2004-03-04T00:05``, or as SNDlib names
    its matrices, ``20040304-0005``; or in other forms that leave no doubt. Those with a zone, and
    Unix time, become local at home, *utc_offset_h* ahead of UTC. Other numbers are seconds.
    """
    words = [" ".join(word.split()) for word in words]
    first = number(words[0]) if words else None
    if first is None:
        us, wrong, note = _all(words, DateReader(words, utc_offset_h))
        return Times(us, bool(words), wrong, note)
    if all(compact_date(word) for word in words):
        us, wrong, note = _all(words, DateReader(words, utc_offset_h))
        return Times(us, True, wrong, f"numbers such as {words[0]} are read as dates")
    unit = next((u for u, size in UNIX.items() if _within(first / size, UNIX_S)), None)
    if unit is not None:
        return _unix(words, unit, utc_offset_h)
    us, wrong, _ = _all(words, _Seconds())
    if not wrong and _is_excel(us):
        message = "days as spreadsheets count them; write dates such as 2004-03-04T00:05"
        wrong = {0: f"{shown(words[0])} and the times below look like {message}"}
    return Times(us, False, wrong)


class _Seconds:
    """Reads numbers of seconds."""

    note = ""

    def __call__(self, word: str) -> int:
        seconds = number(word)
        if seconds is None:
            found = f"found {shown(word)}"
            raise ValueError(f"expected a number of seconds as in the first row, {found}")
        if abs(seconds) > LONGEST_S:
            at_most = f"at most {LONGEST_S:g} of them"
            raise ValueError(f"expected seconds, {at_most}, found {shown(word)}")
        return round(seconds * 1e6)


def _all(words: Sequence[str], reader: object) -> tuple[np.ndarray, dict[int, str], str]:
    """Read every word; what is wrong stands apart from all other instants."""
    us, wrong = np.zeros(len(words), dtype=np.int64), {}
    for i, word in enumerate(words):
        try:
            us[i] = reader(word)  # type: ignore[operator]
        except ValueError as error:
            wrong[i], us[i] = str(error), NEVER_US + i
    return us, wrong, reader.note  # type: ignore[attr-defined]


def _unix(words: Sequence[str], unit: str, utc_offset_h: float) -> Times:
    """Read numbers of some unit from 1970 in UTC as local times."""
    size, ahead = UNIX[unit], round(utc_offset_h * 3_600_000_000)

    def reader(word: str) -> int:
        value = number(word)
        if value is None or not _within(value / size, UNIX_S):
            raise ValueError(f"expected Unix {unit} as in the first row, found {shown(word)}")
        whole = int(word) if word.isdecimal() else value  # as a float, nanoseconds are not exact
        return round(whole * 10**6 / size) + ahead if size <= 10**6 else _floor(whole) + ahead

    reader.note = ""  # type: ignore[attr-defined]
    us, wrong, _ = _all(words, reader)
    note = f"numbers are read as Unix {unit}, and shown as local times at {clock(utc_offset_h)}"
    return Times(us, True, wrong, note)


def _floor(nanoseconds: float) -> int:
    return int(nanoseconds // 1000)


def _within(value: float, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= value < bounds[1]


def _is_excel(us: np.ndarray) -> bool:
    """Return whether numbers are around 45,000 and less than a second apart."""
    seconds = us / 1e6
    if len(us) < 2 or not (EXCEL_DAYS[0] <= seconds.min() and seconds.max() < EXCEL_DAYS[1]):
        return False
    return bool((np.diff(np.sort(seconds)) <= 1).all() and (seconds % 1 != 0).any())
