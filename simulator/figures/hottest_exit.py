"""Hottest exit: the utilisation of the fullest exit at every instant, by strategy."""

from __future__ import annotations

from simulator.figures import run_page
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import RunView, Tracks, exit_tracks, fullest
from simulator.figures.run_data import highest as highest_of
from simulator.figures.style import Axes, Canvas, name
from simulator.figures.words import duration, percent
from simulator.results.results import Results


@figure("hottest_exit")
class HottestExit(Figure):
    """How full is the fullest exit? Its utilisation at every instant, by strategy."""

    question = "How full is the fullest exit?"
    order = 1

    def data(self, results: Results) -> tuple[RunView, Tracks]:
        """Return the utilisation of the fullest exit over time."""
        run = RunView.of(results)
        return run, exit_tracks(run, fullest)

    def draw(self, data: tuple[RunView, Tracks], fig: Canvas) -> Axes:
        """Draw a line for each strategy."""
        run, tracks = data

        def peak(strategy: str) -> str:
            highest = f" {percent(run.figure(strategy, 'exit_utilisation_peak'))}"
            hottest = run.results.hottest_exit(strategy)
            if hottest is None:
                return highest
            exit_id, _, way = hottest.scope.removeprefix("exit:").rpartition(":")
            mostly = "mostly " if hottest.often < hottest.replications else ""
            return f"{highest} ({mostly}{name(exit_id)} {way})"

        def above(hours: float) -> str:
            return f"{duration(hours)} above" if hours > 0 else "never above"

        labels = {
            s: f"{name(s)}: {above(run.figure(s, 'hours_above_100'))} capacity"
            for s in run.strategies
        }
        ax = run_page.over_time(
            run,
            fig,
            f"{self.question} Peak: {run_page.each(peak, run.strategies)}",
            [*run_page.strategy_legend(run, labels), *run_page.limit_legend(run)],
            run_page.step_words(run, daily=True),
            tracks,
            "utilisation of the fullest exit (% of capacity)",
            daily=True,
        )
        run_page.dress_utilisation(run, ax, max(1.1, 1.08 * highest_of(tracks.values())))
        return ax
