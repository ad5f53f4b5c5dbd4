"""Exit hours: how full every exit is in each hour of the day, a panel for each strategy."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from simulator.figures import run_data, style
from simulator.figures.figure import Figure, figure
from simulator.figures.page import AXIS_IN, page, panel
from simulator.figures.run_data import RunView
from simulator.figures.run_page import each, source
from simulator.figures.style import Canvas
from simulator.results.results import Results

MOST_ROWS, MOST_PANELS = 24, 4
_ROW_IN, _TOP_IN, _BAR_IN = 0.155, 0.26, 0.5
_HIGHEST = 1.2
"""Utilisation from which all cells have the same colour."""


class ExitHours(NamedTuple):
    """Highest utilisation of every exit in each hour of the day, mean over replications.

    Attributes
    ----------
    exits : list of str
        The fullest first.
    hours : ndarray of int
        Local hours that the run has.
    used : dict of str to ndarray, shape (exits, hours)
        By strategy; NaN where an exit is down for all of an hour.
    """

    run: RunView
    exits: list[str]
    hours: np.ndarray
    used: dict[str, np.ndarray]


@figure("exit_hours")
class ExitHoursMap(Figure):
    """When is which exit full? A cell for every exit and hour of the day, a panel a strategy."""

    question = "When is which exit full?"
    order = 3.5
    standard: ClassVar[bool] = False

    def data(self, results: Results) -> ExitHours:
        """Return the highest utilisation by exit and hour, of the fuller direction."""
        run = RunView.of(results)
        ids = list(dict.fromkeys(exit_id for exit_id, _ in run_data.exit_keys(results)))
        hour = np.floor(run.time.begin_h + run.time.steps_s / 3600.0 + 1e-9).astype(np.int64) % 24
        hours = np.unique(hour)
        sums: dict[str, list[np.ndarray]] = {}
        for strategy, values in run_data.exit_values(run):
            fuller = np.fmax(values[:, 0::2], values[:, 1::2])
            used = np.array([np.fmax.reduce(fuller[hour == h], axis=0) for h in hours]).T
            sums.setdefault(strategy, []).append(used)
        used_by = {strategy: np.mean(every, axis=0) for strategy, every in sums.items()}
        most = np.nanmax([np.nan_to_num(used).max(axis=1) for used in used_by.values()], axis=0)
        order = np.argsort(-most, kind="stable")
        used_by = {strategy: used[order] for strategy, used in used_by.items()}
        return ExitHours(run, [ids[i] for i in order], hours, used_by)

    def draw(self, data: ExitHours, fig: Canvas) -> np.ndarray:
        """Draw a panel of cells for each strategy."""
        run, exits = data.run, data.exits[:MOST_ROWS]
        shown = run.strategies[:MOST_PANELS]

        def fullest(strategy: str) -> str:
            used = np.nan_to_num(data.used[strategy])
            row, column = np.unravel_index(int(used.argmax()), used.shape)
            hour = int(data.hours[column])
            return (
                f": {style.name(data.exits[row], 20)} at {100 * used[row, column]:.0f} %,"
                f" {hour:02d} to {(hour + 1) % 24:02d} h"
            )

        wide = style.layout_width(fig)
        across = 1 if wide < style.NARROW_IN else min(2, len(shown))
        down = -(-len(shown) // across)
        height = _ROW_IN * len(exits)
        each_in = height + _TOP_IN + AXIS_IN
        left_out = len(data.exits) - len(exits)
        foot = page(
            fig,
            f"{self.question} {each(fullest, run.strategies, '; ')}",
            [],
            source(
                run,
                [
                    "colour: highest mean of a step in that hour of the day, in % of capacity,"
                    " of the fuller direction",
                    f"{left_out} exits that are less full are left out" if left_out else "",
                ],
            ),
            down * each_in,
        )
        labels = [style.name(exit_id, 18) for exit_id in exits]
        left, gap = style.label_room(labels), 0.15
        width = (wide - left - _BAR_IN - gap * (across - 1)) / across
        panels: list[Any] = []
        drawn: Any = None
        for place, strategy in enumerate(shown):
            row, column = divmod(place, across)
            low = foot + (down - 1 - row) * each_in + AXIS_IN
            ax = panel(fig, left + column * (width + gap), low, width, height)
            used = data.used[strategy][: len(exits)]
            drawn = ax.imshow(
                100 * used, aspect="auto", cmap="YlOrRd", vmin=0, vmax=100 * _HIGHEST,
            )  # fmt: skip
            ax.set_facecolor(style.PALE)
            style.panel_title(ax, style.name(strategy), "")
            ax.grid(visible=False)
            ax.tick_params(length=0)
            ax.set_yticks(range(len(exits)), labels if column == 0 else [])
            ticks = np.flatnonzero(data.hours % (6 if width < 2.2 else 3) == 0)
            ax.set_xticks(ticks, [f"{hour}" for hour in data.hours[ticks]])
            if row == down - 1:
                ax.set_xlabel("hour of the day")
            panels.append(ax)
        bar = panel(
            fig, wide - _BAR_IN + 0.08, foot + AXIS_IN, 0.12, down * each_in - AXIS_IN - _TOP_IN
        )
        fig.colorbar(drawn, cax=bar, extend="max", format="%d")
        bar.set_title("%", fontsize=style.LABEL_PT)
        return np.array(panels, dtype=object)
