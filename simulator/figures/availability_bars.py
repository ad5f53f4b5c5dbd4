"""Availability bars: how many nines each region has, by strategy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

_MOST_NINES = 6.0
_MOST_SCOPES = 16
_TICKS = {0: "0", 1: "90 %", 2: "99 %", 3: "99.9 %", 4: "99.99 %", 5: "99.999 %", 6: "99.9999 %"}


class AvailabilityData(NamedTuple):
    """What the picture is of.

    Attributes
    ----------
    rows : pandas.DataFrame
        Table ``availability`` of a study of availability.
    network, title : str
    """

    rows: pd.DataFrame
    network: str
    title: str


@figure("availability_bars")
class AvailabilityBars(Figure):
    """For how much of the time is each region served? Bars of nines by region and strategy."""

    question = "For how much of the time is each region served?"
    of = "availability"
    order = 1

    def data(self, subject: AvailabilityData) -> AvailabilityData:
        """Return the rows of the first level that is asked of most scopes."""
        rows = subject.rows
        if rows.empty:
            raise NothingToShow("no level was asked for")
        level = rows.groupby("level", sort=False)["scope"].nunique().idxmax()
        rows = pd.DataFrame(rows[rows["level"] == level])
        scopes = list(dict.fromkeys(rows["scope"]))[:_MOST_SCOPES]
        return subject._replace(rows=pd.DataFrame(rows[rows["scope"].isin(scopes)]))

    def draw(self, data: AvailabilityData, fig: Canvas) -> Axes:
        """Draw a group of bars for each scope, on a scale of nines."""
        names = list(dict.fromkeys(data.rows["strategy"]))
        scopes = list(dict.fromkeys(data.rows["scope"]))
        labels = [style.name(scope, 26) for scope in scopes]
        height = 0.15 + (0.1 + 0.11 * len(names)) * len(scopes)
        legend = [
            style.stroke(style.name(name), color=style.COLOURS[i % len(style.COLOURS)], lw=5)
            for i, name in enumerate(names)
        ]
        level = data.rows["level"].iloc[0]
        foot = page(
            fig,
            f"{self.question} Level: {level}",
            [*legend, style.stroke("at most, where not told", color="black", lw=0.9)],
            f"{style.sentence(data.title or data.network)}, on {data.network}. Share of time in"
            " which the level is met: each step to the right is ten times less often missed.",
            height + 0.55,
        )
        left = style.label_room(labels)
        ax = panel(fig, left, foot + 0.42, style.layout_width(fig) - left - 0.3, height)
        for place, name in enumerate(names):
            mine = data.rows[data.rows["strategy"] == name].set_index("scope").reindex(scopes)
            _draw_bars(ax, mine, place, len(names))
        ax.set_yticks(range(len(scopes)), labels)
        ax.set(ylim=(len(scopes) - 0.4, -0.6), xlabel="share of time (nines)")
        _scale(ax, float(nines(data.rows["at_most"].to_numpy(dtype=float)).max()))
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        return ax


def _scale(ax: Axes, longest: float) -> None:
    """Set the scale up to the longest bar, in whole nines."""
    top = min(int(np.ceil(max(longest, 1.0))), int(_MOST_NINES))
    ax.set_xlim(0.0, top + 0.02)
    narrow = style.layout_width(ax.figure) < style.NARROW_IN  # type: ignore[arg-type]
    each = 2 if narrow and top > 3 else 1  # labels get longer with every nine
    ticks = range(top % each, top + 1, each)
    ax.set_xticks(ticks, [_TICKS[tick] for tick in ticks])


def nines(share: np.ndarray) -> np.ndarray:
    """Return how many nines a share of time has: 2 for 99 %."""
    return np.minimum(-np.log10(np.maximum(1.0 - share, 10.0**-_MOST_NINES)), _MOST_NINES)


def _draw_bars(ax: Axes, rows: pd.DataFrame, place: int, count: int) -> None:
    height = 0.84 / count
    at = np.arange(len(rows)) - 0.42 + (place + 0.5) * height
    sure = nines(rows["availability"].to_numpy(dtype=float))
    most = nines(rows["at_most"].to_numpy(dtype=float))
    ax.barh(at, sure, height=0.9 * height, color=style.COLOURS[place % len(style.COLOURS)])
    apart = most > sure + 1e-3
    ax.hlines(at[apart], sure[apart], most[apart], color="black", lw=0.9)
