"""Time data: the frames that curves and map of a report share, and what happens when."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulator.base.text import plain
from simulator.figures import style
from simulator.figures.run_data import RunView, side_by_side

MOST_FRAMES = 336
"""Frames of a page: a day of 5-minute steps is shown whole, 28 days in steps of 2 hours."""


class Frames(NamedTuple):
    """Consecutive steps of a run taken together.

    Attributes
    ----------
    run : RunView
    together : int
        Steps of the tables in a frame; fewer in the last one.
    begins : ndarray of int
        The step that each frame begins with.
    """

    run: RunView
    together: int
    begins: np.ndarray

    @classmethod
    def of(cls, run: RunView) -> Frames:
        """Return the frames of a run."""
        steps = len(run.time.steps_s)
        together = -(-steps // MOST_FRAMES)
        return cls(run, together, np.arange(0, steps, together))

    @property
    def begin_h(self) -> np.ndarray:
        """Hours from the start of the run to each frame."""
        return np.asarray(self.run.time.steps_s[self.begins] / 3600.0)

    @property
    def length(self) -> str:
        """How long a frame is, in words."""
        minutes = self.together * self.run.time.step_h * 60
        if minutes < 1:
            return f"{minutes * 60:g} s"
        return f"{minutes:g} min" if minutes < 120 else f"{minutes / 60:.3g} h"


def time_data(frames: Frames) -> dict[str, Any]:
    """Return frames, strategies, target and events as a page holds them."""
    run, hours = frames.run, frames.begin_h
    return {
        "labels": [run.time.words(float(each)) for each in hours],
        "hours": [round(run.time.begin_h + float(each), 4) for each in hours],
        "end": run.time.begin_h + run.time.horizon_h,
        "days": run.time.in_days,
        "length": frames.length,
        "binned": frames.together > 1,
        "replications": run.replications,
        "target": run.target,
        "strategies": [_strategy(i, name, run) for i, name in enumerate(run.strategies)],
        "events": [_event(run, each, hours) for each in run.events],
    }


def _strategy(place: int, name: str, run: RunView) -> dict[str, Any]:
    return {
        "name": plain(name) or name,
        "colour": style.COLOURS[place % len(style.COLOURS)],
        "dash": _dash(style.DASHES[place % len(style.DASHES)]),
        "bound": name in run.results.bounds,
        "shown": name in side_by_side(run),
    }


def _dash(dashes: Any) -> str:
    """Return a line style as SVG has it, for lines two units thick."""
    if dashes == "-":
        return ""
    return " ".join(f"{2 * float(each):g}" for each in dashes[1])


def _event(run: RunView, event: Any, hours: np.ndarray) -> dict[str, Any]:
    begin = int(np.searchsorted(hours, event.begin_h, side="right") - 1)
    end_h = run.time.horizon_h if event.end_h is None else event.end_h
    until = "" if event.end_h is None else run.time.words(end_h, since=event.begin_h)
    return {
        "what": plain(event.what),
        "frame": max(begin, 0),
        "from": run.time.begin_h + event.begin_h,
        "to": run.time.begin_h + end_h,
        "shaded": event.shaded,
        "begin": run.time.words(event.begin_h),
        "until": until,
    }
