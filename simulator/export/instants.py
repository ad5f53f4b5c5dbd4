"""Instants: the clock of a run, its cycles, and what `--at 20:30` and `--cycle 3` mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem

_CLOCK = re.compile(r"(?P<hours>\d{1,4}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?")
_FORMS = "a time such as 20:30 or 20:30:15 (44:30 is 20:30 of the second day)"


@dataclass(frozen=True)
class Instants:
    """When a run begins and ends, and when its controller installs.

    Attributes
    ----------
    start : str or None
        Local date or time of the start, as the scenario says it; midnight when left out.
    horizon_s : float
    cycles_s : ndarray
        When each cycle is installed, in seconds from the start.
    """

    start: str | None
    horizon_s: float
    cycles_s: np.ndarray

    @classmethod
    def of(cls, control: pd.DataFrame, start: str | None, horizon_s: float) -> Instants:
        """Read the table ``control`` of one strategy and replication."""
        mine = control[control["layer"] == "controller"]
        return cls(start, horizon_s, np.sort(mine["time_s"].to_numpy(dtype=float)))

    def at(self, words: str) -> float:
        """Return the seconds from the start of a time of day, or of a date and time.

        Raises
        ------
        InputError
            It is no time, or lies outside of the run.
        """
        time_s = self._seconds(words)
        if not 0 <= time_s <= self.horizon_s:
            span = f"{self.clock(0)} to {self.clock(self.horizon_s)}"
            day = 24 * 3600.0
            later = self.clock(time_s + day) if 0 <= time_s + day <= self.horizon_s else ""
            hint = f"; did you mean {later}, on the next day?" if later else ""
            raise wrong("--at", f"{words} is outside of the run, which is from {span}{hint}")
        return time_s

    def of_cycle(self, number: int) -> float:
        """Return when a cycle is installed; the first is 1.

        Raises
        ------
        InputError
            There is no such cycle.
        """
        if not 1 <= number <= len(self.cycles_s):
            raise wrong("--cycle", f"expected 1 to {len(self.cycles_s):,}, found {number:,}")
        return float(self.cycles_s[number - 1])

    def cycle(self, time_s: float) -> int:
        """Return the number of the last cycle that is installed at an instant."""
        return int(np.searchsorted(self.cycles_s, time_s + 1e-9, side="right"))

    def clock(self, time_s: float) -> str:
        """Return an instant as a time of day; hours go on after midnight."""
        seconds = round(self._first_s + time_s, 3)
        whole = int(seconds)
        text = f"{whole // 3600:02}:{whole // 60 % 60:02}"
        rest = seconds - whole // 60 * 60
        if not rest:
            return text
        return f"{text}:{rest:02.0f}" if rest == int(rest) else f"{text}:{rest:06.3f}"

    @property
    def _first_s(self) -> float:
        """Seconds from midnight at the start."""
        if self.start is None:
            return 0.0
        begin = datetime.fromisoformat(self.start)
        return (begin - begin.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()

    def _seconds(self, words: str) -> float:
        if found := _CLOCK.fullmatch(words.strip()):
            hours, minutes, seconds = (int(part or 0) for part in found.groups())
            return 3600.0 * hours + 60.0 * minutes + seconds - self._first_s
        dates = _FORMS if self.start is None else f"{_FORMS}, or {self.start[:10]}T20:30"
        expected = f"expected {dates}, found {words!r}"
        if self.start is None:
            raise wrong("--at", expected)
        try:
            time = datetime.fromisoformat(words)
        except ValueError:
            raise wrong("--at", expected) from None
        if time.tzinfo is not None:
            raise wrong("--at", f"times are local: leave the zone out of {words!r}")
        return (time - datetime.fromisoformat(self.start)) / timedelta(seconds=1)


def wrong(key: str, message: str) -> InputError:
    """Return the error that refuses what an option says."""
    return InputError([Problem("", None, None, key, message)])
