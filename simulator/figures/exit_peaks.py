"""Exit peaks: the peak of every exit, strategy against strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.figures.data import (
    Peaks,
    RunView,
    directions_by_peak,
    exit_capacity,
    exits_by_peak,
)
from simulator.figures.data import exit_peaks as peaks_of
from simulator.figures.figure import Figure, figure
from simulator.figures.run_page import (
    count_words,
    draw_limits,
    each,
    limit_legend,
    run_page,
    strategy_legend,
    ticks,
)
from simulator.figures.style import PALE, label_room, look, name, panel_title
from simulator.figures.words import DIRECTION_WORDS, capacity_words, percent_tick
from simulator.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_ROWS = 40


class PeaksByExit(NamedTuple):
    """Peaks of the exits in the order of rows, and directions in that of panels."""

    run: RunView
    exits: list[str]
    ways: list[str]
    peaks: Peaks
    capacity_gbps: dict[tuple[str, str], float]


@figure("exit_peaks")
class ExitPeaks(Figure):
    """How evenly are the exits used? Peak utilisation of each, strategy against strategy.

    Parameters
    ----------
    direction : {"in", "out"}, optional
        Both, side by side, when left out.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        One for each direction, the fuller one first.

    Raises
    ------
    SimulatorError
        The network has no exits.
    """

    question = "How evenly are the exits used?"
    order = 3

    direction: str | None = None

    def data(self, results: Results) -> PeaksByExit:
        """Return the peaks of all exits, the fullest first."""
        run = RunView.of(results)
        peaks = peaks_of(run)
        ways = directions_by_peak(peaks, self.direction)
        return PeaksByExit(run, exits_by_peak(peaks, ways), ways, peaks, exit_capacity(run))

    def draw(self, data: PeaksByExit, fig: Canvas) -> np.ndarray:
        """Draw a row for each exit, with a mark for each strategy."""
        run, shown = data.run, data.exits[:MOST_ROWS]

        def balance(strategy: str) -> str:
            return f" {run.figure(strategy, 'exit_balance_jain'):.2f}"

        several = "dots: mean of their peaks, whiskers: 95 % confidence intervals"
        cut = f"the {len(shown)} fullest of {len(data.exits)} exits"
        labels = [
            f"{name(e, 24)}, {capacity_words(data.capacity_gbps, e, data.ways)}" for e in shown
        ]
        panels, _ = run_page(
            run,
            fig,
            f"{self.question} Jain balance: {each(balance, run.strategies)} (1 = even)",
            [*strategy_legend(run, marker=True), *limit_legend(run)],
            [
                count_words(run),
                several if run.replications > 1 else "",
                cut if len(shown) < len(data.exits) else "",
            ],
            height=0.2 + (0.185 + 0.02 * max(len(run.strategies) - 3, 0)) * len(shown),
            count=len(data.ways),
            columns=len(data.ways),
            left=label_room(labels),
            gap_x=0.2,
            head=0.22,
        )
        tables = [
            np.array([[data.peaks[s][e, way] for e in shown] for s in run.strategies])
            for way in data.ways
        ]
        top = max(1.1, *(1.06 * float(np.nanmax(table[:, :, 0])) for table in tables))
        for ax, way, table in zip(panels, data.ways, tables, strict=True):
            _draw_rows(ax, table)
            panel_title(ax, DIRECTION_WORDS[way], "")
            draw_limits(run, ax.axvline)
            ax.set_xlim(0, top)
            ax.set_xticks(ticks(top, 8))
            ax.xaxis.set_major_formatter(percent_tick)
            ax.set_ylim(len(shown) - 0.4, -0.6)
            ax.grid(visible=False, axis="y")
            ax.set_yticks(range(len(shown)), labels if ax is panels[0] else [""] * len(shown))
            ax.tick_params(axis="y", length=0)
            ax.set_xlabel("peak utilisation (offered load in % of capacity)")
        return panels


def _draw_rows(ax: Axes, table: np.ndarray) -> None:
    """Draw means and intervals, shape (strategies, exits, 3), with a grey bar behind them."""
    rows = np.arange(table.shape[1], dtype=float)
    means = table[:, :, 0]
    ax.hlines(rows, means.min(axis=0), means.max(axis=0), color=PALE, lw=2.5)
    offsets = (np.arange(len(table)) - (len(table) - 1) / 2) * min(0.24, 0.72 / len(table))
    for place, (mean, low, high) in enumerate(np.moveaxis(table, 2, 1)):
        style, at = look(place), rows + offsets[place]
        ax.hlines(at, np.fmax(low, 0), high, color=style["color"], lw=0.8)
        ax.plot(
            mean, at, style["marker"], color=style["color"], ms=4.5, mec="white", mew=0.4,
            clip_on=False,
        )  # fmt: skip
