"""Ranking: the strategies in order, and the figures that they are compared by, world by world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import run_page, style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.run_data import RunView
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import is_share
from simulator.results.ranges import HIGH, LOW, by_world
from simulator.results.results import Results

COMPARED = {
    "unserved_fraction": "lost or deferred (%)",
    "loss_fraction": "lost (%)",
    "exit_utilisation_p95": "fullest exit, p95 (%)",
    "mlu_peak": "fullest link, peak (%)",
    "latency_below_capacity_ms_mean": "mean latency (ms)",
    "headroom": "headroom (times)",
    "moved_gbps_per_day": "moved (Gbps/day)",
}
"""Metrics of scope ``all`` and the labels of their panels; of the first two, and of the next two,
the first that a run has."""
_INSTEAD = {"loss_fraction": "unserved_fraction", "mlu_peak": "exit_utilisation_p95"}
MOST_ROWS = 24


class Ranked(NamedTuple):
    """Figures of strategies, the best first.

    Attributes
    ----------
    strategies : list of str
        By what does not get through, then by the fullest exit.
    metrics : list of str
    values : dict of str to ndarray, shape (strategies, worlds)
        By metric: the world as stated first, then those that were drawn.
    """

    run: RunView
    strategies: list[str]
    metrics: list[str]
    values: dict[str, np.ndarray]


@figure("ranking")
class Ranking(Figure):
    """Which strategy is best at what? A row for each, a panel for each figure, a dot a world."""

    question = "Which strategy is best at what?"
    order = 8
    standard: ClassVar[bool] = False

    def data(self, results: Results) -> Ranked:
        """Return the figures of all strategies in every world."""
        if len(results.strategies) < 2:
            raise NothingToShow("one strategy alone has no rank")
        table = by_world(results.all_figures, results.draws)
        there = set(
            zip(*(table.index.get_level_values(x) for x in ("metric", "scope")), strict=True)
        )
        known = {
            metric: table.xs((metric, "all"), level=("metric", "scope"))
            for metric in COMPARED
            if (metric, "all") in there
        }
        metrics = [m for m in known if _INSTEAD.get(m) not in known]
        values = {m: _rows(pd.DataFrame(known[m]), results.strategies) for m in metrics}
        keys = [np.nan_to_num(np.round(values[m][:, 0], 9), nan=np.inf) for m in metrics[:2]]
        order = np.lexsort(keys[::-1])
        ranked = [results.strategies[i] for i in order]
        return Ranked(
            RunView.of(results), ranked, metrics, {m: each[order] for m, each in values.items()}
        )

    def draw(self, data: Ranked, fig: Canvas) -> np.ndarray:
        """Draw a panel of dots for each figure."""
        run, shown = data.run, data.strategies[:MOST_ROWS]
        worlds = data.values[data.metrics[0]].shape[1]
        wide = style.layout_width(fig)
        names = [style.name(name, 20) for name in shown]
        left = style.label_room(names)
        across = max(1, min(len(data.metrics), int((wide - left) / 1.25)))
        drawn = "; bars from 5 to 95 % of the drawn worlds, pale dots: each of them"
        panels, _ = run_page.run_page(
            run,
            fig,
            f"{self.question} {_answer(data)}",
            [
                style.stroke("world as stated", color="black", marker="o", ms=5, ls=""),
                *(
                    [style.stroke(f"{worlds - 1} drawn worlds", color=style.GREY, lw=2)]
                    if worlds > 1
                    else []
                ),
            ],
            [
                f"{run_page.count_words(run)}; ranked by what does not get through, then by the"
                f" fullest exit{drawn if worlds > 1 else ''}",
                f"the best {len(shown)} of {len(data.strategies)} strategies"
                if len(shown) < len(data.strategies)
                else "",
            ],
            height=0.2 + 0.19 * len(shown),
            count=len(data.metrics),
            columns=across,
            left=left,
            gap_x=0.16,
            gap_y=0.62,
            head=0.16,
        )
        for i, (ax, metric) in enumerate(zip(panels, data.metrics, strict=True)):
            scale = 100.0 if is_share(metric) else 1.0
            _draw(ax, scale * data.values[metric][: len(shown)], [_place(data, n) for n in shown])
            ax.set_xlabel(COMPARED[metric])
            ax.set_yticks(range(len(shown)), names if i % across == 0 else [])
        return panels


def _rows(table: pd.DataFrame, strategies: Sequence[str]) -> np.ndarray:
    """Return the values of strategies in order, shape (strategies, worlds)."""
    by = dict(
        zip(table.index.get_level_values("strategy"), table.to_numpy(dtype=float), strict=True)
    )
    return np.array([by.get(name, np.full(table.shape[1], np.nan)) for name in strategies])


def _place(data: Ranked, strategy: str) -> int:
    """Return the place of a strategy in the scenario, which gives it its colour."""
    return data.run.results.strategies.index(strategy)


def _draw(ax: Axes, values: np.ndarray, places: list[int]) -> None:
    """Draw one figure, shape (strategies, worlds)."""
    rows = np.arange(len(values), dtype=float)
    for row, place, each in zip(rows, places, values, strict=True):
        look: dict[str, Any] = style.look(place)
        drawn = each[1:][np.isfinite(each[1:])]
        if len(drawn):
            low, high = np.quantile(drawn, [LOW, HIGH])
            ax.hlines(row, low, high, color=look["color"], lw=2.2, alpha=0.5)
            ax.plot(drawn, np.full(len(drawn), row), "o", color=look["color"], ms=2, alpha=0.35)
        ax.plot(
            each[0], row, look["marker"], color=look["color"], ms=5, mec="white", mew=0.4,
            clip_on=False,
        )  # fmt: skip
    ax.set_ylim(len(values) - 0.4, -0.6)
    known = values[np.isfinite(values)]
    if len(known):
        span = float(known.max() - min(known.min(), 0.0)) or 1.0
        low = 0.0 if known.min() >= 0 and known.min() < 0.6 * known.max() else known.min()
        ax.set_xlim(low - 0.04 * span, known.max() + 0.06 * span)
    ax.locator_params(axis="x", nbins=3)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")


def _answer(data: Ranked) -> str:
    """Return which strategy is first, and in how many of the drawn worlds it stays so."""
    first = data.strategies[0]
    tied = data.metrics[:2]
    worlds = data.values[tied[0]].shape[1]
    answer = f"{style.name(first)} is first"
    if worlds > 1:
        keys = [np.round(np.nan_to_num(data.values[m], nan=np.inf), 9) for m in tied]
        ahead = [
            all(
                tuple(key[0, w] for key in keys) <= tuple(key[row, w] for key in keys)
                for row in range(1, len(data.strategies))
            )
            for w in range(1, worlds)
        ]
        answer += f", as in {sum(ahead)} of {worlds - 1} drawn worlds"
    return answer
