"""Changes: the headline figures of a what-if, the baseline as a line and a bar for each change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

MOST_BARS = 24
"""Bars of a panel; of more strategies the first are shown."""
_ROW_IN, _GAP_IN = 0.155, 0.5


class Changed(NamedTuple):
    """What the picture shows of a what-if.

    Attributes
    ----------
    frame : pandas.DataFrame
        The table of differences.
    lines : sequence of (metric, scope, label, is_share)
        The figures that have a panel each, in this order.
    answer : str
        The title: what the what-if answers.
    network, scenario : str
        What was simulated.
    """

    frame: pd.DataFrame
    lines: Sequence[tuple[str, str, str, bool]]
    answer: str
    network: str
    scenario: str


@figure("changes")
class Changes(Figure):
    """What does each change do? Headline figures, the baseline as a line, a bar for each change."""

    question = "What does each change do?"
    of = "what_if"
    order = 1

    def data(self, subject: Changed) -> Changed:
        """Return the lines that have finite figures."""
        frame = subject.frame
        known = frame[np.isfinite(frame["value"]) & np.isfinite(frame["baseline"])]
        pairs = set(zip(known["metric"], known["scope"], strict=True))
        lines = [line for line in subject.lines if line[:2] in pairs]
        if not lines:
            raise NothingToShow("no change has a figure in common with the baseline")
        return subject._replace(frame=known, lines=lines)

    def draw(self, data: Changed, fig: Canvas) -> np.ndarray:
        """Draw a panel for each figure, with a group of bars for each strategy."""
        changes = list(dict.fromkeys(data.frame["change"]))
        every = list(dict.fromkeys(data.frame["strategy"]))
        strategies = every[: max(MOST_BARS // len(changes), 1)]
        height = _ROW_IN * len(strategies) * (len(changes) + 0.7) + 0.05
        hidden = f" {len(every) - len(strategies)} more strategies are in the table."
        source = (
            f"{style.sentence(style.name(data.scenario or data.network, 60))}, simulated on"
            f" {style.name(data.network, 40)}. Line: the baseline. Whiskers: 95 % intervals of the"
            " paired difference, where there are replications enough for them."
            f"{hidden if len(every) > len(strategies) else ''}"
        )
        legend = [style.stroke("baseline", color="black", lw=1.4)]
        legend += [
            style.stroke(style.name(change, 40), color=style.COLOURS[i % len(style.COLOURS)], lw=5)
            for i, change in enumerate(changes)
        ]
        narrow = style.layout_width(fig) < style.NARROW_IN
        columns = 1 if narrow else len(data.lines)
        rows = len(data.lines) // columns
        body = rows * (height + _GAP_IN)
        foot = page(fig, data.answer, legend, source, body)
        left = style.label_room([style.name(each, 20) for each in strategies])
        wide = (style.layout_width(fig) - left - 0.15 - 0.25 * (columns - 1)) / columns
        panels = []
        for place, line in enumerate(data.lines):
            row, column = (place, 0) if narrow else (0, place)
            low = foot + 0.27 + (rows - 1 - row) * (height + _GAP_IN)
            ax = panel(fig, left + column * (wide + 0.25), low, wide, height)
            _draw_panel(ax, data.frame, line, strategies, changes, labelled=column == 0)
            panels.append(ax)
        return np.array(panels)


def _draw_panel(
    ax: Axes,
    frame: pd.DataFrame,
    line: tuple[str, str, str, bool],
    strategies: Sequence[str],
    changes: Sequence[str],
    *,
    labelled: bool,
) -> None:
    metric, scope, label, is_share = line
    mine = frame[(frame["metric"] == metric) & (frame["scope"] == scope)]
    keys = zip(mine["strategy"], mine["change"], strict=True)
    at = dict(zip(keys, mine.to_dict("records"), strict=True))
    step = len(changes) + 0.7
    for i, strategy in enumerate(strategies):
        for k, change in enumerate(changes):
            if (strategy, change) in at:
                _draw_bar(ax, i * step + k, at[strategy, change], k, is_share)
        base = mine[mine["strategy"] == strategy]["baseline"]
        if len(base):
            ends = i * step - 0.5, i * step + len(changes) - 0.5
            ax.vlines(_scaled(base.iloc[0], is_share), *ends, color="black", lw=1.4, zorder=3)
    middles = [i * step + (len(changes) - 1) / 2 for i in range(len(strategies))]
    names = [style.name(each, 20) for each in strategies]
    ax.set_yticks(middles, names if labelled else [""] * len(names))
    ax.set_ylim(len(strategies) * step - 0.2, -1.0)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    highs = (mine["baseline"] + mine["ci_high"]).to_numpy(dtype=float)
    tops = [*mine["value"], *mine["baseline"], *highs[np.isfinite(highs)]]
    ax.set_xlim(0, 1.3 * max(_scaled(max(tops), is_share), 1e-9))
    ax.locator_params(axis="x", nbins=4)
    style.panel_title(ax, f"{label}, %" if is_share else label, "")


def _draw_bar(ax: Axes, place: float, row: Mapping[Any, Any], colour: int, is_share: bool) -> None:
    value = _scaled(row["value"], is_share)
    ax.barh(place, value, height=0.82, color=style.COLOURS[colour % len(style.COLOURS)], lw=0)
    low, high = (row["baseline"] + row[end] for end in ("ci_low", "ci_high"))
    if np.isfinite(low) and np.isfinite(high):
        ends = _scaled(low, is_share), _scaled(high, is_share)
        ax.hlines(place, *ends, color="#444444", lw=0.8, zorder=4)
    text = f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"
    beyond = max(value, _scaled(row["baseline"], is_share))
    if np.isfinite(high):
        beyond = max(beyond, _scaled(high, is_share))
    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    ax.annotate(
        text, (beyond, place), xytext=(3, 0), textcoords="offset points", va="center",
        fontsize=factor * (style.LABEL_PT - 1), zorder=5,
    )  # fmt: skip


def _scaled(value: float, is_share: bool) -> float:
    return 100.0 * float(value) if is_share else float(value)
