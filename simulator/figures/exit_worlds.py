"""Exit worlds: the fullest exit over time as a fan: how far it moves over drawn worlds."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import run_page, style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.run_data import RunView, Track, exit_tracks, fullest, highest
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import percent
from simulator.results.ranges import HIGH, LOW, range_of
from simulator.results.results import Results
from simulator.results.writer import WORLD_EXITS

MOST_TOP = 2.0
"""Where the axis of utilisation ends at the latest, unless a mean is higher."""
METRIC = "exit_utilisation_peak"


class Fan(NamedTuple):
    """Utilisation of the fullest exit over time, by strategy.

    Attributes
    ----------
    tracks : dict of str to Track
        ``mean`` is of the world as stated; ``low`` and ``high`` are the ends of its range over
        worlds, each of which is the mean over its days.
    median : dict of str to ndarray
        Of the drawn worlds.
    peaks : dict of str to tuple of float
        Peak as stated, and the ends of its range, as ``ranges.csv`` has them.
    worlds : int
        That are drawn.
    """

    run: RunView
    tracks: dict[str, Track]
    median: dict[str, np.ndarray]
    peaks: dict[str, tuple[float, float, float]]
    worlds: int


@figure("exit_worlds")
class ExitWorlds(Figure):
    """How sure is the fullest exit? Its utilisation over time, with its range over drawn worlds."""

    question = "How sure is the fullest exit?"
    order = 9
    standard: ClassVar[bool] = False

    def data(self, results: Results) -> Fan:
        """Return the fullest exit as stated, and its range over worlds at every step."""
        run, drawn = RunView.of(results), _drawn(results)
        stated, tracks, median = exit_tracks(run, fullest), {}, {}
        for strategy in run.strategies:
            of_worlds = _by_world(run, drawn[drawn["strategy"] == strategy])
            moved = range_of(pd.DataFrame(np.column_stack([stated[strategy].mean, of_worlds])))
            low, high = (moved[end].to_numpy() for end in ("low", "high"))
            tracks[strategy] = Track(run.time.steps_s, stated[strategy].mean, low, high)
            median[strategy] = moved["median"].to_numpy()
        return Fan(run, tracks, median, _peaks(results), results.drawn_worlds)

    def draw(self, data: Fan, fig: Canvas) -> np.ndarray:
        """Draw a panel for each strategy."""
        run = data.run
        narrow = style.layout_width(fig) < style.NARROW_IN
        count = len(run.strategies)
        columns = 1 if narrow else min(2, count)

        def peak(strategy: str) -> str:
            stated, low, high = data.peaks[strategy]
            return f" {percent(stated)} ({percent(low)} to {percent(high)})"

        panels, _ = run_page.run_page(
            run,
            fig,
            f"{self.question} Peak, range over {data.worlds} drawn worlds:"
            f" {run_page.each(peak, run.strategies)}",
            _legend(run),
            [
                f"line: world as stated, mean of {run_page.count_words(run)}; band: from"
                f" {percent(LOW)} to {percent(HIGH)} of {data.worlds} drawn worlds, and the world"
                " as stated, step by step",
                run_page.step_words(run, daily=True),
                "bands are cut at the top" if highest(data.tracks.values()) > _top(data) else "",
            ],
            height=1.1 if narrow else 1.5,
            count=count,
            columns=columns,
            gap_x=0.3,
            gap_y=0.5,
            head=0.2,
        )
        top = _top(data)
        for place, (ax, strategy) in enumerate(zip(panels, run.strategies, strict=True)):
            _draw(data, ax, strategy)
            style.panel_title(ax, style.name(strategy), "")
            run.time.dress(ax, ticks=5)
            run_page.mark_events(run, ax)
            run_page.dress_utilisation(run, ax, top, 5)
            if place % columns:
                ax.tick_params(axis="y", labelleft=False)
            else:
                ax.set_ylabel("fullest exit (%)")
            if place < count - columns:
                ax.set_xlabel("")
        return panels


def _drawn(results: Results) -> pd.DataFrame:
    """Return the fullest exit of every step of the drawn worlds, and which world it is of."""
    if not results.drawn_worlds:
        raise NothingToShow("the run draws no worlds (--worlds 20), so there is no range to show")
    if not (results.folder / f"{WORLD_EXITS}.parquet").is_file():
        raise NothingToShow(
            "the run kept no steps of its drawn worlds: it has no exits, keeps no steps"
            " (record: {every: 0}), or is of an earlier version"
        )
    table = results.table(WORLD_EXITS)
    return table.assign(world=[results.draws.place(int(i))[0] for i in table["replication"]])


def _by_world(run: RunView, rows: pd.DataFrame) -> np.ndarray:
    """Return the fullest exit of a strategy, mean over days, shape (steps, drawn worlds)."""
    shape = len(run.time.steps_s), run.results.drawn_worlds
    at = run.time.index(rows["time_s"].to_numpy()), rows["world"].to_numpy() - 1
    total, days = np.zeros(shape), np.zeros(shape)
    np.add.at(total, at, rows["utilisation"].to_numpy())
    np.add.at(days, at, 1.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / days)


def _peaks(results: Results) -> dict[str, tuple[float, float, float]]:
    rows = results.ranges.query(f"of == 'figure' and metric == '{METRIC}' and scope == 'all'")
    ends = zip(rows["stated"], rows["low"], rows["high"], strict=True)
    return dict(zip(rows["strategy"], ends, strict=True))


def _top(data: Fan) -> float:
    """Return where the axis of utilisation ends."""
    means = max(float(np.nanmax(track.mean)) for track in data.tracks.values())
    return max(1.1, 1.08 * means, min(1.05 * highest(data.tracks.values()), MOST_TOP))


def _legend(run: RunView) -> list[tuple[style.Artist, str]]:
    from matplotlib.patches import Patch

    return [
        style.stroke("world as stated", color=style.GREY, lw=1.6),
        (Patch(facecolor=style.GREY, alpha=0.25), "range over worlds"),
        style.stroke("half of the worlds are below", color=style.GREY, lw=0.7, ls=style.DOTS),
        *run_page.limit_legend(run),
    ]


def _draw(data: Fan, ax: Axes, strategy: str) -> None:
    """Draw the band of a strategy, its median, and the line as stated."""
    run, track = data.run, data.tracks[strategy]
    colour = style.look(run.strategies.index(strategy))["color"]
    x, mean, low, high = run_page.steps(run, track, daily=True)
    middle = run_page.steps(run, track._replace(mean=data.median[strategy]), daily=True)
    ax.fill_between(x, low, high, step="post", color=colour, alpha=0.25, lw=0, zorder=1.5)
    ax.plot(*middle[:2], drawstyle="steps-post", color=colour, lw=0.7, ls=style.DOTS, zorder=2)
    ax.plot(x, mean, drawstyle="steps-post", color=colour, lw=1.3, label=strategy, zorder=3)
