"""Worst bars: what cannot be carried in the worst case, by probability and strategy."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

_HEIGHT_IN = 2.6


class WorstBarsData(NamedTuple):
    """What the picture is of.

    Attributes
    ----------
    rows : pandas.DataFrame
        Table ``worst`` of a study of worst cases.
    network, title : str
    demands : str
        How far demands may be off, in words.
    """

    rows: pd.DataFrame
    network: str
    title: str
    demands: str


@figure("worst_bars")
class WorstBars(Figure):
    """How much cannot be carried in the worst case? A bar for each probability and strategy."""

    question = "How much cannot be carried in the worst case?"
    of = "worst"
    order = 1

    def data(self, subject: WorstBarsData) -> WorstBarsData:
        """Return the rows of what is unserved."""
        rows = subject.rows
        rows = pd.DataFrame(rows[(rows["metric"] == "unserved_gbps") & rows["value"].notna()])
        if rows.empty or not (rows["bound"] > 0).any():
            raise NothingToShow("everything can be carried in the worst case")
        return subject._replace(rows=rows)

    def draw(self, data: WorstBarsData, fig: Canvas) -> Axes:
        """Draw a group of bars for each probability, with bounds and the worst single failure."""
        names = list(dict.fromkeys(data.rows["strategy"]))
        levels = sorted(set(data.rows["probability"]), reverse=True)
        top = data.rows.sort_values("value", ascending=False).iloc[0]
        legend = [
            style.stroke(style.name(name), color=style.COLOURS[i % len(style.COLOURS)], lw=5)
            for i, name in enumerate(names)
        ]
        legend.append(style.stroke("at most, where not exact", color="black", lw=0.9))
        legend.append(style.stroke("worst single failure", color=style.GREY, lw=2.0))
        foot = page(
            fig,
            f"{self.question} {top['value']:,.4g} Gbps at {top['probability']:g}"
            f" ({style.name(top['strategy'])})",
            legend,
            f"{style.sentence(data.title or data.network)}, on {data.network}. Any failures that"
            f" are together as likely as below, and the worst of these demands: {data.demands}.",
            _HEIGHT_IN + 0.55,
        )
        left = 0.62
        ax = panel(fig, left, foot + 0.42, style.layout_width(fig) - left - 0.15, _HEIGHT_IN)
        for place, name in enumerate(names):
            mine = data.rows[data.rows["strategy"] == name].set_index("probability")
            _draw_bars(ax, mine.reindex(levels), place, len(names))
        ax.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
        ax.set(xlabel="probability of the failures", ylabel="Gbps unserved")
        ax.set_ylim(bottom=0.0)
        ax.tick_params(axis="x", length=0)
        ax.grid(visible=False, axis="x")
        return ax


def _draw_bars(ax: Axes, rows: Any, place: int, count: int) -> None:
    """Draw the bars of one strategy, the place-th of so many."""
    width = 0.8 / count
    at = np.arange(len(rows)) - 0.4 + (place + 0.5) * width
    value = rows["value"].to_numpy(dtype=float)
    ax.bar(at, value, width=0.92 * width, color=style.COLOURS[place % len(style.COLOURS)])
    bound = rows["bound"].to_numpy(dtype=float)
    apart = np.isfinite(bound) & (bound > value * 1.0005 + 1e-6)
    ax.vlines(at[apart], value[apart], bound[apart], color="black", lw=0.9)
    ax.scatter(at[apart], bound[apart], marker="_", color="black", lw=0.9, s=18)
    single = rows["single_failure_value"].to_numpy(dtype=float)
    ax.hlines(single, at - 0.46 * width, at + 0.46 * width, color=style.GREY, lw=2.0)
