"""Value bars: what one Gbps more of each exit, link and cable is worth, most on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

MOST_ROWS = 12
_GAP_IN = 0.3
_MORE, _LESS = style.COLOURS[0], style.COLOURS[6]


class _Panel(NamedTuple):
    """A figure that a Gbps changes: its columns, and how it is drawn; better points right."""

    column: str
    scale: float
    label: str


_PANELS = {
    "mlu": _Panel("mlu", -100.0, "fullest link lower\n(points per Gbps)"),
    "latency": _Panel("latency_ms", -1000.0, "mean latency lower\n(µs per Gbps)"),
    "headroom": _Panel("headroom", 1.0, "headroom higher\n(factor per Gbps)"),
}


class ValueBarsData(NamedTuple):
    """What the picture is of.

    Attributes
    ----------
    rows : pandas.DataFrame
        Table ``value`` of a study of the value of capacity.
    strategy : str
        The one that is shown.
    by : str
        What the rows are ranked by.
    network, title : str
    """

    rows: pd.DataFrame
    strategy: str
    by: str
    network: str
    title: str


@figure("value_bars")
class ValueBars(Figure):
    """Where is one Gbps worth most? A bar for each exit direction, link and cable."""

    question = "Where is one Gbps worth most?"
    of = "value"
    order = 1

    def data(self, subject: ValueBarsData) -> ValueBarsData:
        """Return the rows of the strategy that are worth something."""
        rows = subject.rows[subject.rows["strategy"] == subject.strategy]
        alone = (rows["kind"] != "exit") | (rows["direction"] != "both")
        columns = [f"{each.column}_per_gbps_{side}" for each in _PANELS.values()
                   for side in ("more", "less")]  # fmt: skip
        some = (rows[columns].fillna(0.0) != 0.0).any(axis=1)
        rows = pd.DataFrame(rows[alone & some])
        if rows.empty:
            raise NothingToShow("one Gbps is worth nothing anywhere")
        return subject._replace(rows=rows)

    def draw(self, data: ValueBarsData, fig: Canvas) -> Axes:
        """Draw three panels of bars: the fullest link, latency and headroom.

        They stand side by side, or one below the other on a narrow figure.
        """
        rows = data.rows.head(MOST_ROWS).to_dict("records")
        names = [_name(row) for row in rows]
        height = 0.1 + 0.24 * len(rows)
        narrow = style.layout_width(fig) < style.NARROW_IN
        down = height + 0.6 if narrow else 0.0
        foot = page(
            fig,
            f"{self.question} {names[0]} ({style.name(data.strategy)})",
            [
                style.stroke("as a Gbps is added", color=_MORE, lw=5),
                style.stroke("as one is taken away, if that differs", color=style.COLOURS[6], lw=2),
            ],
            f"{style.sentence(data.title or data.network)}, on {data.network}. Ranked by"
            f" {_PANELS[data.by].label.splitlines()[0]}. A Gbps on a cable is shared out over what"
            " rides it. Bars to the right are better.",
            height + 0.75 + 2 * down,
        )
        left, total = style.label_room(names), style.layout_width(fig)
        width = total - left - 0.2
        width = width if narrow else (width - 2 * _GAP_IN) / 3.0
        across = 0.0 if narrow else width + _GAP_IN
        axes = []
        for place, each in enumerate(_PANELS.values()):
            low = foot + 0.55 + (2 - place) * down
            ax = panel(fig, left + place * across, low, width, height)
            _draw_panel(ax, each, rows)
            ax.set_yticks(range(len(rows)), names if place == 0 or narrow else [])
            axes.append(ax)
        return axes[0]


def _name(row: Mapping[Any, Any]) -> str:
    way = "" if row["direction"] == "both" else f" {row['direction']}"
    return f"{style.name(row['element'], 26)}{way}"


def _draw_panel(ax: Axes, each: _Panel, rows: list[dict[Any, Any]]) -> None:
    """Draw the bars of one figure."""
    columns = (f"{each.column}_per_gbps_more", f"{each.column}_per_gbps_less")
    more, less = (
        np.nan_to_num(np.array([each.scale * row[column] for row in rows], dtype=float))
        for column in columns
    )
    places = np.arange(len(rows))
    ax.barh(places, more, height=0.62, color=_MORE)
    apart = np.abs(more - less) > 1e-3 * np.maximum(np.abs(more), np.abs(less))
    ax.barh(places[apart], less[apart], height=0.2, color=_LESS)
    ax.axvline(0.0, color="black", lw=0.6)
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=each.label)
    ax.locator_params(axis="x", nbins=3)
    ax.margins(x=0.05)
    if not np.any(more) and not np.any(less):
        ax.set_xlim(0.0, 1.0)
        ax.set_xticks([0.0])
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
