"""Tornado: how far each assumption alone moves an answer, the farthest on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style, words
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas
from simulator.uncertainty.shares import share_words

MOST_ROWS = 15
_LOW, _HIGH = style.COLOURS[6], style.COLOURS[0]


class Swings(NamedTuple):
    """What a tornado shows: rows of one strategy, those that move the answer most first.

    Attributes
    ----------
    rows : pandas.DataFrame
        Of the table ``assumptions`` of a sensitivity study.
    network, scenario : str
        What was simulated.
    """

    rows: pd.DataFrame
    network: str
    scenario: str


@figure("tornado")
class Tornado(Figure):
    """Which assumption moves the answer most? The answer at both ends of each, one at a time."""

    question = "Which assumption moves the answer most?"
    of = "sensitivity"
    order = 1

    def data(self, subject: Swings) -> Swings:
        """Return the rows that have answers."""
        known = np.isfinite(subject.rows[["answer_low", "answer_high"]]).all(axis=1)
        rows = pd.DataFrame(subject.rows[known])
        if rows.empty or not np.isfinite(rows["stated"]).all():
            raise NothingToShow("the answer is not a number in the world as stated")
        return subject._replace(rows=rows)

    def draw(self, data: Swings, fig: Canvas) -> Axes:
        """Draw a bar for each assumption, from its lowest to its highest answer."""
        rows = data.rows.head(MOST_ROWS)
        stated, unit = float(rows["stated"].iloc[0]), rows["unit"].iloc[0]
        what, strategy = rows["metric"].iloc[0], rows["strategy"].iloc[0]
        scale = 100.0 if words.is_share(what) else 1.0
        names = [style.name(name, 34) for name in rows["assumption"]]
        first = rows.iloc[0]
        ends = [words.value(end, scale) for end in sorted(first[["answer_low", "answer_high"]])]
        top = f"{style.sentence(style.name(first['assumption'], 40))}, {' to '.join(ends)}"
        height = 0.1 + 0.24 * len(rows)
        source = (
            f"{style.sentence(data.scenario or data.network)}, simulated on {data.network}."
            " Each bar: one assumption from the value that 5 % of its probability does not exceed"
            " to the one that 95 % do not, all else as stated. Hatched: lowest and highest answer"
            " of several draws."
        )
        if rows["share_of_variance"].notna().any():
            source += (
                " Per cent: share of the variance when all are drawn together; <: not told apart"
                " from none, below this at 95 %."
            )
        foot = page(
            fig,
            f"{self.question} {top} ({style.name(strategy)},"
            f" {words.value(stated, scale)} as stated)",
            [
                style.stroke("assumption at its low end", color=_LOW, lw=5),
                style.stroke("at its high end", color=_HIGH, lw=5),
                style.stroke("as stated", color="black", lw=0.9),
            ],
            source,
            height + 0.6,
        )
        left = style.label_room(names)
        ax = panel(fig, left, foot + 0.42, style.layout_width(fig) - left - 0.75, height)
        for place, row in enumerate(rows.to_dict("records")):
            _draw_row(ax, place, row, scale, stated)
        ax.axvline(scale * stated, color="black", lw=0.9)
        ax.set_yticks(range(len(rows)), names)
        ax.set(ylim=(len(rows) - 0.4, -0.6))
        ax.margins(x=0.05)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(words.metric_label(what, rows["scope"].iloc[0], unit))
        return ax


def _draw_row(ax: Axes, place: int, row: Mapping[Any, Any], scale: float, stated: float) -> None:
    ends = [(row["answer_low"], _LOW), (row["answer_high"], _HIGH)]
    for answer, colour in ends:
        ax.barh(
            place,
            scale * (answer - stated),
            left=scale * stated,
            height=0.62,
            color=colour,
            hatch=None if row["members"] == 1 else "////",
            edgecolor="white",
            lw=0.4,
        )
    text = share_words(row["share_low"], row["share_of_variance"], row["share_high"])
    if text:
        factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
        ax.annotate(
            text, (1.01, place), xycoords=("axes fraction", "data"), va="center",
            fontsize=factor * style.LABEL_PT, annotation_clip=False,
        )  # fmt: skip
