"""Latency over time: the mean of all traffic at every step, queueing on top of propagation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simulator.figures.data import (
    Folds,
    RunView,
    Track,
    demand_sums,
    highest,
    latency_scopes,
    lowest,
)
from simulator.figures.figure import Figure, figure
from simulator.figures.run_page import (
    band_words,
    draw_track,
    dress_over_time,
    each,
    run_page,
    steps,
    strategy_legend,
)
from simulator.figures.style import DOTS, GREY, look, stroke
from simulator.figures.words import scope_words
from simulator.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


class LatencyTracks(NamedTuple):
    """Mean latency and mean propagation in ms over time; the scope is None for international."""

    run: RunView
    scope: str | None
    total: dict[str, Track]
    propagation: dict[str, Track]


@figure("latency_over_time")
class LatencyOverTime(Figure):
    """When does latency suffer? Mean one-way latency over the day, queueing on propagation.

    Parameters
    ----------
    scope : str, optional
        A traffic class, a region abroad, or ``all``; both international classes (all traffic
        where there is none) when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SimulatorError
        There is no such traffic, or the run kept no demands table.
    """

    question = "When does latency suffer?"
    order = 5

    scope: str | None = None

    def data(self, results: Results) -> LatencyTracks:
        """Return the means over all demands of the scope, weighted by traffic carried."""
        run = RunView.of(results)
        scope = "all" if latency_scopes(results, self.scope) == ["all"] else self.scope
        total, propagation = Folds(), Folds()
        for strategy, sums in demand_sums(run, scope):
            with np.errstate(invalid="ignore", divide="ignore"):
                total.add(strategy, sums["latency"] / sums["carried"])
                propagation.add(strategy, sums["propagation"] / sums["carried"])
        times = run.time.steps_s
        return LatencyTracks(run, scope, total.tracks(times), propagation.tracks(times))

    def draw(self, data: LatencyTracks, fig: Canvas) -> Axes:
        """Draw a line for each strategy, and a dotted one below it for propagation."""
        run = data.run

        def worst(strategy: str) -> str:
            mean = data.total[strategy].mean
            if np.isnan(mean).all():
                return " carries none"
            step = int(np.nanargmax(mean))
            when = run.time.words(float(run.time.steps_s[step]) / 3600)
            return f" {mean[step]:.1f} ms ({when})"

        words = scope_words(data.scope) if data.scope else "international"
        dotted = stroke("propagation alone; queueing lies between", color=GREY, lw=0.8, ls=DOTS)
        (ax,), _ = run_page(
            run,
            fig,
            f"When is {words} latency worst? {each(worst, run.strategies)}",
            [*strategy_legend(run), dotted],
            [band_words(run), "means over steps, weighted by traffic carried"],
            height=2.9,
        )
        for place, strategy in enumerate(run.strategies):
            colour = look(place)["color"]
            x, mean, _, _ = steps(run, data.total[strategy])
            x_below, below, _, _ = steps(run, data.propagation[strategy])
            ax.plot(x_below, below, color=colour, lw=0.8, ls=DOTS, drawstyle="steps-post")
            if np.array_equal(x, x_below):
                ax.fill_between(x, below, mean, color=colour, alpha=0.07, lw=0, step="post")
            draw_track(run, ax, strategy, data.total[strategy])
        high, low = highest(data.total.values()), lowest(data.propagation.values())
        room = 0.12 * (high - low) + 0.5
        ax.set_ylim(max(0.0, low - room), high + room)
        dress_over_time(run, ax, "mean one-way latency (ms)")
        return ax
