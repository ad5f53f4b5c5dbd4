"""Utilisation duration: for how much of the time the fullest exit is how full."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np

from simulator.base.errors import unknown_name
from simulator.figures import run_data, run_page, style
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import Folds, RunView, Tracks
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import percent
from simulator.results.results import Results

_PLACES = np.linspace(0.0, 1.0, 401)
"""Shares of the time at which curves are drawn."""


class Durations(NamedTuple):
    """Utilisation by the share of time in which it is reached, and of which exit it is."""

    run: RunView
    tracks: Tracks
    exit_id: str | None


@figure("utilisation_duration")
class UtilisationDuration(Figure):
    """For how long are exits full? Utilisation by the share of time in which it is reached.

    Parameters
    ----------
    exit : str, optional
        One exit, its fuller direction; the fullest exit of every instant when left out.
    """

    question = "For how long are exits full?"
    order = 2.5
    standard: ClassVar[bool] = False

    exit: str | None = None

    def data(self, results: Results) -> Durations:
        """Return the sorted utilisation of each strategy, mean and range over replications."""
        run, keys = RunView.of(results), run_data.exit_keys(results)
        ids = [exit_id for exit_id, _ in keys]
        if self.exit is not None and self.exit not in ids:
            raise unknown_name(f"no exit named {self.exit!r}", self.exit, ids)
        mine = np.array([self.exit in (None, each) for each in ids])
        folds = Folds()
        for strategy, values in run_data.exit_values(run):
            folds.add(strategy, _duration_curve(run_data.fullest(values[:, mine])))
        return Durations(run, folds.tracks(_PLACES), self.exit)

    def draw(self, data: Durations, fig: Canvas) -> Axes:
        """Draw a falling line for each strategy."""
        run, tracks = data.run, data.tracks

        def above(strategy: str) -> str:
            mean = tracks[strategy].mean
            return f" {percent(float((mean > run.target).mean()), fine=True)} of the time"

        whose = "the fullest exit" if data.exit_id is None else style.name(data.exit_id)
        (ax,), _ = run_page.run_page(
            run,
            fig,
            f"{self.question} {style.sentence(whose)} above {percent(run.target)}:"
            f" {run_page.each(above, run.strategies)}",
            [*run_page.strategy_legend(run), *run_page.limit_legend(run)],
            [
                run_page.count_words(run, band=True),
                "each replication sorted by itself",
                run_page.step_words(run),
            ],
            height=2.6,
        )
        for strategy in run.strategies:
            look, track = style.look(run.strategies.index(strategy)), tracks[strategy]
            band = {"color": look["color"], "alpha": 0.22, "lw": 0}
            if run.replications > 1:
                ax.fill_between(100 * _PLACES, track.low, track.high, zorder=1.5, **band)
            ax.plot(
                100 * _PLACES, track.mean, color=look["color"], ls=look["ls"], label=strategy,
                zorder=3,
            )  # fmt: skip
        run_page.dress_utilisation(run, ax, max(1.1, 1.08 * run_data.highest(tracks.values())))
        ax.set_xlim(0, 100)
        ax.set_xlabel("share of the time in which it is at least that full (%)")
        ax.set_ylabel(f"utilisation of {whose} (%)")
        return ax


def _duration_curve(utilisation: np.ndarray) -> np.ndarray:
    """Return the utilisation that is reached for each share of the time."""
    falling = np.sort(utilisation)[::-1]
    at = np.minimum((_PLACES * len(falling)).astype(np.int64), len(falling) - 1)
    return np.asarray(falling[at], dtype=float)
