"""Latency over time: the mean of all traffic at every step, queueing on top of propagation."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.figures import run_data, run_page, style
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import RunView, Tracks
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import scope_words
from simulator.results.results import Results


@figure("latency_over_time")
class LatencyOverTime(Figure):
    """When does latency suffer? Mean one-way latency over the day, queueing on propagation.

    Parameters
    ----------
    scope : str, optional
        A traffic class, a region abroad, or ``all``; both international classes (all traffic
        where there is none) when left out.
    """

    question = "When does latency suffer?"
    order = 5

    scope: str | None = None

    def data(self, results: Results) -> tuple[RunView, str | None, Tracks, Tracks]:
        """Return the scope, and mean latency and propagation in ms, weighted by what is carried."""
        run = RunView.of(results)
        scope = "all" if run_data.latency_scopes(results, self.scope) == ["all"] else self.scope
        total, propagation = run_data.Folds(), run_data.Folds()
        for strategy, sums in run_data.demand_sums(run, scope):
            with np.errstate(invalid="ignore", divide="ignore"):
                total.add(strategy, sums["latency"] / sums["carried"])
                propagation.add(strategy, sums["propagation"] / sums["carried"])
        times = run.time.steps_s
        return run, scope, total.tracks(times), propagation.tracks(times)

    def draw(self, data: tuple[RunView, str | None, Tracks, Tracks], fig: Canvas) -> Axes:
        """Draw a line for each strategy, and a dotted one below it for propagation."""
        run, scope, total, propagation = data

        def worst(strategy: str) -> str:
            mean = total[strategy].mean
            if np.isnan(mean).all():
                return " carries none"
            step = int(np.nanargmax(mean))
            return f" {mean[step]:.1f} ms ({run.time.words(float(run.time.steps_s[step]) / 3600)})"

        words = scope_words(scope) if scope else "international"
        dotted: dict[str, Any] = {"lw": 0.8, "ls": style.DOTS}
        below = "propagation alone; queueing lies between"
        ax = run_page.over_time(
            run,
            fig,
            f"When is {words} latency worst? {run_page.each(worst, run.strategies)}",
            [*run_page.strategy_legend(run), style.stroke(below, color=style.GREY, **dotted)],
            "means over steps, weighted by traffic carried",
            total,
            "mean one-way latency (ms)",
        )
        for place, strategy in enumerate(run.strategies):
            colour = style.look(place)["color"]
            x, mean, _, _ = run_page.steps(run, total[strategy])
            x_fixed, fixed, _, _ = run_page.steps(run, propagation[strategy])
            ax.plot(x_fixed, fixed, color=colour, drawstyle="steps-post", **dotted)
            if np.array_equal(x, x_fixed):
                ax.fill_between(x, fixed, mean, color=colour, alpha=0.07, lw=0, step="post")
        high, low = run_data.highest(total.values()), run_data.lowest(propagation.values())
        room = 0.12 * (high - low) + 0.5
        ax.set_ylim(max(0.0, low - room), high + room)
        return ax
