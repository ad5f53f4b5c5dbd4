"""Failure bars: what the worst failures cost each strategy, before and after it reacts."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.figures import style
from simulator.figures.failed import FailedData
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import AXIS_IN, page, panel
from simulator.figures.style import Axes, Canvas

MOST_ROWS, MOST_PANELS = 10, 4
_ROW_IN, _TOP_IN, _GAP_IN = 0.2, 0.26, 0.2
_BEFORE, _AFTER = style.COLOURS[6], style.COLOURS[0]


@figure("failure_bars")
class FailureBars(Figure):
    """What do the worst failures cost? Bars of traffic lost before and after the reaction."""

    question = "What do the worst failures cost?"
    of = "failures"
    order = 2

    def data(self, subject: FailedData) -> FailedData:
        """Return a screening in which anything is lost."""
        if not (subject.cases[["lost_gbps_before", "lost_gbps_after"]] > 0).any(axis=None):
            raise NothingToShow("no failure loses any traffic")
        return subject

    def draw(self, data: FailedData, fig: Canvas) -> Any:
        """Draw a panel for each strategy, with the same failures and the same scale."""
        cases, shown = data.worst(MOST_ROWS), list(data.strategies[:MOST_PANELS])
        height, wide = _ROW_IN * len(cases), style.layout_width(fig)
        across = 1 if wide < style.NARROW_IN else len(shown)
        down = -(-len(shown) // across)
        each_in = height + _TOP_IN + AXIS_IN
        legend = [
            style.stroke("lost before the reaction", color=_BEFORE, lw=5),
            style.stroke("after it", color=_AFTER, lw=5),
        ]
        foot = page(fig, data.answer(), legend, data.source, down * each_in)
        labels = [style.name(case, 26) for case in cases]
        left = style.label_room(labels)
        width = (wide - left - 0.15 - _GAP_IN * (across - 1)) / across
        most = data.cases[["lost_gbps_before", "lost_gbps_after"]].to_numpy(dtype=float).max()
        axes = []
        for place, name in enumerate(shown):
            row, column = divmod(place, across)
            at = left + column * (width + _GAP_IN), foot + (down - 1 - row) * each_in + AXIS_IN
            ax = panel(fig, *at, width, height)
            _draw_panel(ax, data, name, cases)
            ax.set(xlim=(0.0, 1.05 * float(most)), xlabel="Gbps lost")
            ax.set_yticks(range(len(cases)), labels if column == 0 else [])
            axes.append(ax)
        return np.array(axes)


def _draw_panel(ax: Axes, data: FailedData, name: str, cases: list[str]) -> None:
    """Draw the bars of one strategy."""
    rows, places = data.of(name, cases), np.arange(len(cases))
    ax.barh(places, rows["lost_gbps_before"], height=0.72, color=_BEFORE)
    ax.barh(places, rows["lost_gbps_after"], height=0.36, color=_AFTER)
    style.panel_title(ax, style.name(name, 20), "")
    ax.set_ylim(len(cases) - 0.4, -0.6)
    ax.locator_params(axis="x", nbins=3)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
