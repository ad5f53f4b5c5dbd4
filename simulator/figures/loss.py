"""Loss: the traffic that finds no room, over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.figures import run_page
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import Folds, RunView, Tracks, demand_sums, highest, metric_figures
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import percent
from simulator.model.demands import INTERNATIONAL
from simulator.results.results import Results

ROUNDING = 1e-9
"""Loss, as a share of traffic or in Gbps, up to which it is rounding."""


@figure("loss")
class LossOverTime(Figure):
    """How much traffic is lost? Gbps that find no room, lost or deferred, over time."""

    question = "How much traffic is lost?"
    order = 6

    def data(self, results: Results) -> tuple[RunView, Tracks]:
        """Return what does not get through at every step, in Gbps."""
        run, folds = RunView.of(results), Folds()
        for strategy, sums in demand_sums(run, "all"):
            lost = sums["offered"] - sums["carried"]
            folds.add(strategy, np.where(lost > ROUNDING, lost, 0.0))
        return run, folds.tracks(run.time.steps_s)

    def worth_writing(self, data: tuple[RunView, Tracks]) -> bool:
        """Return whether any strategy lets less through than rounding explains."""
        results = data[0].results
        share = _share(results)
        return any(results.figure(s, share) > ROUNDING for s in results.strategies)

    def draw(self, data: tuple[RunView, Tracks], fig: Canvas) -> Axes:
        """Draw a line for each strategy."""
        run, tracks = data
        shares = {s: international_share(run, s) for s in run.strategies}
        abroad = None not in shares.values()
        share_of, word = _share(run.results), _word(run.results)

        def lost(strategy: str) -> str:
            share = shares[strategy]
            if run.figure(strategy, share_of) <= ROUNDING:
                return f" none seen in {run.replications}" if run.replications > 1 else " none"
            most = f"up to {np.nanmax(tracks[strategy].mean):,.3g} Gbps"
            if share is None or not abroad:
                return f" {most}"
            return f" {percent(share, fine=True)} ({most})"

        question = f"How much {'international ' if abroad else ''}traffic is {word}?"
        ax = run_page.over_time(
            run,
            fig,
            f"{question} {run_page.each(lost, run.strategies)}",
            run_page.strategy_legend(run),
            "all classes of traffic; what elastic traffic defers is not lost",
            tracks,
            f"traffic {word} (Gbps)",
            height=2.6,
        )
        ax.set_ylim(0, max(1.08 * highest(tracks.values()), 1e-3))
        return ax


def _share(results: Results) -> str:
    """Return the metric of the share that does not get through."""
    defers = (results.summary["metric"] == "unserved_fraction").any()
    return "unserved_fraction" if defers else "loss_fraction"


def _word(results: Results) -> str:
    """Return what happens to traffic that does not get through."""
    seen = {
        word: bool((metric_means(results.summary, metric) > ROUNDING).any())
        for word, metric in (("lost", "loss_fraction"), ("deferred", "deferred_fraction"))
    }
    return " or ".join(word for word, there in seen.items() if there) or "lost"


def metric_means(summary: pd.DataFrame, metric: str) -> pd.Series:
    """Return the means of a metric, of all strategies and scopes."""
    return summary.loc[summary["metric"] == metric, "mean"]


def international_share(run: RunView, strategy: str) -> float | None:
    """Return the share of international volume that does not get through.

    None if other traffic does not get through either.
    """
    summary = run.results.summary
    lost, deferred, offered = (
        metric_figures(summary, f"{one}_gbit") for one in ("lost", "deferred", "offered")
    )
    keys = [(strategy, scope) for scope in INTERNATIONAL if (strategy, scope) in lost]

    def short(key: tuple[str, str]) -> float:
        return lost[key][0] + (deferred[key][0] if key in deferred else 0.0)

    abroad = sum(short(key) for key in keys)
    if abroad < 0.999 * short((strategy, "all")):
        return None
    total = sum(offered[key][0] for key in keys)
    return abroad / total if total > 0 else None
