"""Failure map: how full every exit is after each of the worst failures, a panel a strategy."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.figures import style
from simulator.figures.failed import FailedData
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

MOST_ROWS, MOST_COLUMNS, MOST_PANELS = 10, 32, 4
_ROW_IN, _TOP_IN, _BAR_IN = 0.17, 0.26, 0.55
_CELL_IN, _CELL_PT = 0.2, 5.4
"""Least width of a cell with its figure in it."""
_HIGHEST = 1.5
"""Utilisation from which all cells have the same colour."""


@figure("failure_map")
class FailureMap(Figure):
    """Which failure fills which exit? A cell for every failure and exit, a panel a strategy."""

    question = "Which failure fills which exit?"
    of = "failures"
    order = 1

    def data(self, subject: FailedData) -> FailedData:
        """Return a screening of a network with exits."""
        if subject.exits.empty:
            raise NothingToShow("there are no exits")
        return subject

    def draw(self, data: FailedData, fig: Canvas) -> Any:
        """Draw a panel for each strategy, the same failures and exits in all."""
        cases, shown = data.worst(MOST_ROWS), list(data.strategies[:MOST_PANELS])
        exits = list(dict.fromkeys(data.exits["exit"]))[:MOST_COLUMNS]
        names = [style.name(each, 16) for each in exits]
        height, below = _ROW_IN * len(cases), style.label_room(names)
        body = (height + _TOP_IN) * len(shown) + below
        foot = page(fig, data.answer(), [], _source(data, len(exits)), body)
        labels = [style.name(case, 26) for case in cases]
        left, wide = style.label_room(labels), style.layout_width(fig)
        width, axes = wide - left - _BAR_IN - 0.15, []
        for place, name in enumerate(shown):
            low = foot + below + (len(shown) - 1 - place) * (height + _TOP_IN)
            ax = panel(fig, left, low, width, height)
            drawn = _draw_panel(ax, data.used(name, cases, exits), width / len(exits))
            style.panel_title(ax, style.name(name), "")
            ax.set_yticks(range(len(cases)), labels)
            ax.set_xticks(range(len(exits)), [""] * len(exits))
            axes.append(ax)
        axes[-1].set_xticks(range(len(exits)), names, rotation=60, ha="right")
        bar = panel(fig, wide - _BAR_IN, foot + below, 0.12, body - below - _TOP_IN)
        fig.colorbar(drawn, cax=bar, extend="max", format="%d")
        bar.set_title("%", fontsize=style.LABEL_PT)
        return np.array(axes)


def _source(data: FailedData, exits: int) -> str:
    more = data.exits["exit"].nunique() - exits
    left = f" {more} more exits are in the table." if more > 0 else ""
    return (
        f"Colour and figures: utilisation of the fuller direction of an exit in %, by what is"
        f" asked for; crossed: down. {data.source}{left}"
    )


def _draw_panel(ax: Axes, used: np.ndarray, cell_in: float) -> Any:
    """Draw the cells of one strategy."""
    drawn = ax.imshow(100.0 * used, aspect="auto", cmap="YlOrRd", vmin=0.0, vmax=100.0 * _HIGHEST)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    for (y, x), share in np.ndenumerate(used):
        if not np.isfinite(share):
            ax.text(x, y, "×", ha="center", va="center", fontsize=factor * 7, color=style.GREY)
        elif cell_in >= _CELL_IN:
            ax.text(
                x, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=factor * _CELL_PT,
                color="white" if share > 0.9 else "black",
            )  # fmt: skip
    return drawn
