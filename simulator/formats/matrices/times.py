"""Instants as demand files write them: local dates and times, or seconds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.formats.units import number

NEVER_US = -(2**61)
LONGEST_S = 1e11
"""Some three thousand years."""
_EPOCH = datetime(1970, 1, 1)
_US = timedelta(microseconds=1)


class Times(NamedTuple):
    """Instants.

    Attributes
    ----------
    us : ndarray of int
        Microseconds: from 1970 for dates, as given for numbers.
    wrong : dict of int to str
        What is wrong with which word.
    """

    us: np.ndarray
    dated: bool
    wrong: dict[int, str]

    @staticmethod
    def hours_of(us: np.ndarray) -> np.ndarray:
        """Return hours from the first of some instants."""
        return (us - us[0]) / 3_600_000_000

    def start_of(self, us: np.ndarray) -> str | None:
        """Return the local time of the first of some instants, if these are dates."""
        return (_EPOCH + int(us[0]) * _US).isoformat() if self.dated else None


def read_times(words: Sequence[str]) -> Times:
    """Read instants: all of them dates, or all of them numbers of seconds.

    Local dates and times in ISO form, as ``2004-03-04`` or ``2004-03-04T00:05``, or as SNDlib names
    its matrices, ``20040304-0005``.
    """
    us = np.zeros(len(words), dtype=np.int64)
    wrong: dict[int, str] = {}
    dated = bool(words) and number(words[0].strip()) is None
    for i, word in enumerate(words):
        try:
            us[i] = _date_us(word.strip()) if dated else _seconds_us(word.strip())
        except ValueError as error:
            wrong[i], us[i] = str(error), NEVER_US + i  # apart from all others
    return Times(us, dated, wrong)


def _date_us(word: str) -> int:
    plain = word
    if len(word) == 13 and word[8] == "-" and (word[:8] + word[9:]).isdecimal():
        plain = f"{word[:8]}T{word[9:]}"
    try:
        if number(word) is not None:
            raise ValueError
        time = datetime.fromisoformat(plain)
    except ValueError:
        expected = "a local time such as 2004-03-04T00:05, or a number of seconds in every row"
        raise ValueError(f"expected {expected}, found {shown(word)}") from None
    if time.tzinfo is not None:
        raise ValueError(f"times are local: leave the zone out of {shown(word)}")
    return (time - _EPOCH) // _US


def _seconds_us(word: str) -> int:
    seconds = number(word)
    if seconds is None:
        found = f"found {shown(word)}"
        raise ValueError(f"expected a number of seconds as in the first row, {found}")
    if abs(seconds) > LONGEST_S:
        raise ValueError(f"expected seconds, at most {LONGEST_S:g} of them, found {shown(word)}")
    return round(seconds * 1e6)
