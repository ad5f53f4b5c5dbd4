"""Hottest exit: the utilisation of the fullest exit at every instant, by strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.figures.data import (
    Peaks,
    RunView,
    Track,
    exit_peaks,
    exit_tracks,
    fullest,
    highest,
)
from simulator.figures.figure import Figure, figure
from simulator.figures.run_page import (
    band_words,
    draw_track,
    dress_over_time,
    dress_utilisation,
    each,
    limit_legend,
    run_page,
    step_words,
    strategy_legend,
)
from simulator.figures.style import name
from simulator.figures.words import duration, percent
from simulator.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


class FullestExit(NamedTuple):
    """Utilisation of the fullest exit over time, and the peaks of all exits."""

    run: RunView
    tracks: dict[str, Track]
    peaks: Peaks


@figure("hottest_exit")
class HottestExit(Figure):
    """How full is the fullest exit? Its utilisation at every instant, by strategy.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    SimulatorError
        The network has no exits.
    """

    question = "How full is the fullest exit?"
    order = 1

    def data(self, results: Results) -> FullestExit:
        """Return the utilisation of the fullest exit over time."""
        run = RunView.of(results)
        return FullestExit(run, exit_tracks(run, "utilisation", fullest), exit_peaks(run))

    def draw(self, data: FullestExit, fig: Canvas) -> Axes:
        """Draw a line for each strategy."""
        run = data.run

        def peak(strategy: str) -> str:
            (exit_id, way), _ = max(data.peaks[strategy].items(), key=lambda item: item[1][0])
            highest_of_all = run.figure(strategy, "exit_utilisation_peak")
            return f" {percent(highest_of_all)} ({name(exit_id)} {way})"

        hours = {s: run.figure(s, "hours_above_100") for s in run.strategies}
        labels = {
            s: f"{name(s)}: {f'{duration(h)} above' if h > 0 else 'never above'} capacity"
            for s, h in hours.items()
        }
        (ax,), _ = run_page(
            run,
            fig,
            f"{self.question} Peak: {each(peak, run.strategies)}",
            [*strategy_legend(run, labels), *limit_legend(run)],
            [band_words(run), step_words(run)],
            height=2.9,
        )
        for strategy in run.strategies:
            draw_track(run, ax, strategy, data.tracks[strategy])
        dress_utilisation(run, ax, max(1.1, 1.08 * highest(data.tracks.values())))
        dress_over_time(run, ax, "utilisation of the fullest exit (% of capacity)")
        return ax
