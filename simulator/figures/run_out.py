"""Run-out: the fullest exit of each strategy over the calendar, and the day of the target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style, words
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

_YEAR_DAYS = 365.0
_LEAST_YEARS = 1.0
_HEIGHT_IN = 2.3
_BAR = 7.0
"""Per cent of capacity between the ranges at the foot of the panel."""


class RunOutData(NamedTuple):
    """What the picture is of.

    Attributes
    ----------
    rows : pandas.DataFrame
        Table ``run_out`` of a study of headroom.
    target : float
    calendar : Any
        Has ``start``, a date or None, ``most_years`` and ``when``, the words for years.
    network, title : str
    """

    rows: pd.DataFrame
    target: float
    calendar: Any
    network: str
    title: str


@figure("run_out")
class RunOut(Figure):
    """When does each strategy run out of exits? Its fullest exit over the calendar."""

    question = "When does each strategy run out of exits?"
    of = "headroom"
    order = 1

    def data(self, subject: RunOutData) -> RunOutData:
        """Return the strategies as a whole that run out on some day."""
        rows = subject.rows[subject.rows["exit"] == "all"]
        rows = rows[np.isfinite(rows["years"]) & (rows["years"] <= subject.calendar.most_years)]
        rows = rows[rows["years"] > -100.0]
        if rows.empty:
            raise NothingToShow("no strategy runs out of exits on any day looked at")
        return subject._replace(rows=pd.DataFrame(rows))

    def draw(self, data: RunOutData, fig: Canvas) -> Axes:
        """Draw a line for each strategy, its range as a band, and the target."""
        rows = data.rows.to_dict("records")
        span = _span(rows)
        looks = [style.look(place) for place in range(len(rows))]
        title = f"{self.question} At {words.percent(data.target)}: {_days(data, rows)}"
        foot = page(
            fig,
            title,
            [
                *(
                    style.stroke(style.name(row["strategy"]), **look)
                    for row, look in zip(rows, looks, strict=True)
                ),
                style.stroke("target", color="black", lw=0.9, ls=style.DOTS),
                style.stroke("start", color=style.GREY, lw=0.6),
            ],
            f"{style.sentence(data.title or data.network)}, on {data.network}. The fullest exit"
            " direction of each strategy at the busiest instant, as traffic grows: as full as it"
            " has to be. Away from the day on the target it grows as the traffic of its direction"
            " does in the mean. Bars at the foot: that day and its range.",
            _HEIGHT_IN + 0.5,
            free_in=0.4,
        )
        ax = panel(fig, 0.55, foot + 0.36, style.layout_width(fig) - 0.7, _HEIGHT_IN)
        for place, (row, look) in enumerate(zip(rows, looks, strict=True)):
            _line(ax, place, row, look, data, span)
        ax.axhline(100 * data.target, color="black", lw=0.9, ls=style.DOTS)
        ax.axhline(100.0, color=style.GREY, lw=0.6)
        ax.axvline(_day(data, 0.0), color=style.GREY, lw=0.6)
        ax.set_xlim(_day(data, span[0]), _day(data, span[1]))
        if data.calendar.start is None:
            ax.set_xlabel("years from the start")
        else:
            _years(ax)
        ax.set_ylim(0, max(110.0, 140.0 * data.target))
        ax.set_ylabel("fullest exit (% of capacity)")
        return ax


def _span(rows: Sequence[Mapping[Any, Any]]) -> tuple[float, float]:
    """Years from the start that the axis shows: all days and their ranges, with some room."""
    keys = ("years", "years_early", "years_late")
    known = [float(row[key]) for row in rows for key in keys if math.isfinite(float(row[key]))]
    low, high = min(0.0, *known), max(_LEAST_YEARS, *known)
    return low - 0.08 * (high - low), high + 0.12 * (high - low)


def _day(data: RunOutData, years: float) -> Any:
    """Place on the axis: a date, or years where nothing states the start."""
    start = data.calendar.start
    return years if start is None else start + timedelta(days=_YEAR_DAYS * years)


def _line(
    ax: Axes, place: int, row: Mapping[Any, Any], look: Mapping[str, Any], data: RunOutData,
    span: tuple[float, float],
) -> None:  # fmt: skip
    """Draw a strategy, and at the foot of the panel the day and the range of it."""
    at = np.linspace(*span, 121)
    full = 100 * data.target * (1.0 + float(row["per_year"])) ** (at - float(row["years"]))
    days = [_day(data, each) for each in at]
    colour, foot = look["color"], _BAR * (place + 1)
    ax.plot(days, full, **look, markevery=(8 + 5 * place, 30), ms=4)
    when = _day(data, float(row["years"]))
    ax.plot([when, when], [foot, 100 * data.target], color=colour, lw=0.6, ls=style.DOTS)
    ax.plot([when], [100 * data.target], "o", color=colour, ms=4, zorder=5)
    ax.plot([when], [foot], "|", color=colour, ms=7, mew=1.6)
    early, late = float(row["years_early"]), float(row["years_late"])
    if math.isfinite(early) and math.isfinite(late) and late > early:
        ends = [_day(data, early), _day(data, min(late, span[1]))]
        ax.plot(ends, [foot, foot], color=colour, alpha=0.35, lw=4, solid_capstyle="butt")


def _years(ax: Axes) -> None:
    """Put years and months on the axis, as few as are read."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def _days(data: RunOutData, rows: Sequence[Mapping[Any, Any]]) -> str:
    """Return in words when the first strategies run out."""
    return ", ".join(
        f"{style.name(row['strategy'])} {data.calendar.when(float(row['years']))}"
        for row in rows[:4]
    )
