"""Loss: the traffic that finds no room, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.figures.data import Folds, RunView, Track, demand_sums, highest, metric_figures
from simulator.figures.figure import Figure, figure
from simulator.figures.run_page import (
    band_words,
    draw_track,
    dress_over_time,
    each,
    run_page,
    strategy_legend,
)
from simulator.figures.words import percent
from simulator.model.demands import INTERNATIONAL
from simulator.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

ROUNDING = 1e-9
"""Share of traffic up to which a loss is rounding."""


class Loss(NamedTuple):
    """Traffic lost over time in Gbps, and as shares.

    Attributes
    ----------
    run : RunView
    tracks : dict of Track
    shares : dict of float
        Share of all traffic that is lost.
    international : dict of float or None
        Share of the international volume that is lost; None where other traffic is lost too.
    """

    run: RunView
    tracks: dict[str, Track]
    shares: dict[str, float]
    international: dict[str, float | None]


@figure("loss")
class LossOverTime(Figure):
    """How much traffic is lost? Gbps that find no room, over time.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SimulatorError
        The run kept no demands table.
    """

    question = "How much traffic is lost?"
    order = 6

    def data(self, results: Results) -> Loss:
        """Return what is lost at every step, and the shares lost of the summary."""
        run, folds = RunView.of(results), Folds()
        for strategy, sums in demand_sums(run, "all"):
            folds.add(strategy, np.maximum(sums["offered"] - sums["carried"], 0.0))
        return Loss(
            run,
            folds.tracks(run.time.steps_s),
            {s: run.figure(s, "loss_fraction") for s in results.strategies},
            {s: _international_share(results, s) for s in run.strategies},
        )

    def worth_writing(self, data: Loss) -> bool:
        """Return whether any strategy loses more than rounding explains."""
        return any(share > ROUNDING for share in data.shares.values())

    def draw(self, data: Loss, fig: Canvas) -> Axes:
        """Draw a line for each strategy."""
        run = data.run
        abroad = None not in data.international.values()

        def lost(strategy: str) -> str:
            if data.shares[strategy] <= ROUNDING:
                return " none"
            most = f"up to {np.nanmax(data.tracks[strategy].mean):,.3g} Gbps"
            share = data.international[strategy]
            if share is None or not abroad:
                return f" {most}"
            return f" {percent(share, fine=True)} ({most})"

        question = f"How much {'international ' if abroad else ''}traffic is lost?"
        (ax,), _ = run_page(
            run,
            fig,
            f"{question} {each(lost, run.strategies)}",
            strategy_legend(run),
            [band_words(run), "all classes of traffic; what elastic services defer is not lost"],
            height=2.6,
        )
        for strategy in run.strategies:
            draw_track(run, ax, strategy, data.tracks[strategy])
        ax.set_ylim(0, max(1.08 * highest(data.tracks.values()), 1e-3))
        dress_over_time(run, ax, "traffic lost (Gbps)")
        return ax


def _international_share(results: Results, strategy: str) -> float | None:
    lost, offered = (metric_figures(results.summary, f"{one}_gbit") for one in ("lost", "offered"))
    keys = [(strategy, scope) for scope in INTERNATIONAL if (strategy, scope) in lost]
    abroad = sum(lost[key][0] for key in keys)
    if abroad < 0.999 * lost[strategy, "all"][0]:
        return None
    total = sum(offered[key][0] for key in keys)
    return abroad / total if total > 0 else None
