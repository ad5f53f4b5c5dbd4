"""Exit peaks: the peak of every exit, strategy against strategy."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.figures import run_data, run_page, style, words
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import Peaks, RunView
from simulator.figures.style import Axes, Canvas
from simulator.results.results import Results

MOST_ROWS = 40


@figure("exit_peaks")
class ExitPeaks(Figure):
    """How evenly are the exits used? Peak utilisation of each, strategy against strategy.

    Parameters
    ----------
    direction : {"in", "out"}, optional
        Both, side by side, the fuller one first, when left out.
    """

    question = "How evenly are the exits used?"
    order = 3

    direction: str | None = None

    def data(self, results: Results) -> tuple[RunView, list[str], list[str], Peaks]:
        """Return exits and directions, the fullest first, and all peaks."""
        run = RunView.of(results)
        peaks = run_data.exit_peaks(run)
        ways = run_data.directions_by_peak(peaks, self.direction)
        return run, run_data.exits_by_peak(peaks, ways), ways, peaks

    def draw(self, data: tuple[RunView, list[str], list[str], Peaks], fig: Canvas) -> np.ndarray:
        """Draw a row for each exit, with a mark for each strategy."""
        run, exits, ways, peaks = data
        shown = exits[:MOST_ROWS]
        rows, apart = range(len(shown)), 0.02 * max(len(run.strategies) - 3, 0)

        scope = f"exits:{ways[0]}"
        summary = run.results.summary
        known = (summary["metric"] == "exit_balance_jain") & (summary["scope"] == scope)
        scope = scope if known.any() else "all"  # results of older versions have no other
        way = scope.removeprefix("exits:")

        def balance(strategy: str) -> str:
            return f" {run.figure(strategy, 'exit_balance_jain', scope):.2f}"

        several = "dots: mean of their peaks, whiskers: 95 % confidence intervals"
        cut = f"the {len(shown)} fullest of {len(exits)} exits"
        capacity = run_data.exit_capacity(run)
        labels = [f"{style.name(e, 24)}, {words.capacity_words(capacity, e, ways)}" for e in shown]
        narrow = style.layout_width(fig) < style.NARROW_IN
        panels, _ = run_page.run_page(
            run,
            fig,
            f"{self.question} Jain {way}: {run_page.each(balance, run.strategies)} (1 = even)",
            [*run_page.strategy_legend(run, marker=True), *run_page.limit_legend(run)],
            [
                run_page.count_words(run),
                several if run.replications > 1 else "",
                cut if len(shown) < len(exits) else "",
            ],
            height=0.2 + (0.185 + apart) * len(shown),
            count=len(ways),
            columns=1 if narrow else len(ways),
            left=style.label_room(labels),
            gap_x=0.2,
            gap_y=0.68,
            head=0.22,
        )
        tables = [np.array([[peaks[s][e, w] for e in shown] for s in run.strategies]) for w in ways]
        top = max(1.1, *(1.06 * float(np.nanmax(table[:, :, 0])) for table in tables))
        for ax, way, table in zip(panels, ways, tables, strict=True):
            _draw_rows(ax, table)
            style.panel_title(ax, words.DIRECTION_WORDS[way], "")
            run_page.draw_limits(run, ax.axvline)
            ax.set(xlim=(0, top), ylim=(len(shown) - 0.4, -0.6))
            ax.set_xticks(run_page.ticks(top, 4 if narrow else 8))
            ax.xaxis.set_major_formatter(words.percent_tick)
            ax.grid(visible=False, axis="y")
            ax.set_yticks(rows, labels if narrow or ax is panels[0] else [""] * len(shown))
            ax.tick_params(axis="y", length=0)
            label = "peak utilisation (% of capacity)"
            ax.set_xlabel(label if narrow else "peak utilisation (offered load in % of capacity)")
        return panels


def _draw_rows(ax: Axes, table: np.ndarray) -> None:
    """Draw means and intervals, shape (strategies, exits, 3), with a grey bar behind them."""
    rows, means = np.arange(table.shape[1], dtype=float), table[:, :, 0]
    ax.hlines(rows, means.min(axis=0), means.max(axis=0), color=style.PALE, lw=2.5)
    offsets = (np.arange(len(table)) - (len(table) - 1) / 2) * min(0.24, 0.72 / len(table))
    for place, (mean, low, high) in enumerate(np.moveaxis(table, 2, 1)):
        look, at = style.look(place), rows + offsets[place]
        ax.hlines(at, low, high, color=look["color"], lw=0.8)
        white: dict[str, Any] = {"mec": "white", "mew": 0.4, "clip_on": False}
        ax.plot(mean, at, look["marker"], color=look["color"], ms=4.5, **white)
