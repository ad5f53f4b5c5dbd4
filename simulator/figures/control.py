"""Control: what the controllers move in every cycle, and the load that they expect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.figures import run_data, run_page
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.run_data import RunView, Tracks
from simulator.figures.style import GREY, Canvas, look, name, stroke
from simulator.results.results import Results

Content = tuple[RunView, Tracks, Tracks, Tracks, dict[str, float]]


@figure("control")
class Control(Figure):
    """How busy is the controller? Gbps moved every cycle, and the load it expected.

    The upper panel is the traffic moved, the lower one the greatest utilisation expected.
    """

    question = "How busy is the controller?"
    order = 7

    def data(self, results: Results) -> Content:
        """Return Gbps moved, utilisation expected and actual, and mean Gbps moved in a cycle."""
        run = RunView.of(results)
        moved, expected, means = _cycles(run)
        if not moved:
            message = "no strategy of this run has a controller that acted after the start"
            raise NothingToShow(message)
        exits = results.run["network"]["exits"]
        actual = run_data.exit_tracks(run, run_data.fullest) if exits else {}
        return run, moved, expected, {s: actual[s] for s in moved if exits}, means

    def draw(self, data: Content, fig: Canvas) -> np.ndarray:
        """Draw what is moved, and below it what was expected and what came."""
        run, moved, expected, actual, means = data
        strategies = [s for s in run.strategies if s in moved]

        def work(strategy: str) -> str:
            mean, most = means[strategy], np.nanmax(moved[strategy].high)
            return f" moves {mean:,.3g} Gbps a cycle on average, {most:,.3g} at most"

        panels, _ = run_page.run_page(
            run,
            fig,
            f"{self.question} {run_page.each(work, strategies, '; ')}",
            [
                *run_page.strategy_legend(run, {s: f"{name(s)}, expected" for s in strategies}),
                *([stroke("fullest exit, actual", color=GREY, lw=0.6)] if actual else []),
                *run_page.limit_legend(run),
            ],
            [
                run_page.count_words(run, band=True),
                "the first installation, off the static rules, is left out",
            ],
            height=1.5,
            count=2,
            gap_y=0.22,
        )
        upper, lower = panels
        for strategy in strategies:
            run_page.draw_track(run, upper, strategy, moved[strategy], dashed=len(strategies) > 1)
            if strategy in actual:
                x, mean, _, _ = run_page.steps(run, actual[strategy])
                colour = look(run.strategies.index(strategy))["color"]
                lower.plot(x, mean, color=colour, lw=0.6, drawstyle="steps-post")
            run_page.draw_track(run, lower, strategy, expected[strategy])
        upper.set_ylim(0, max(1.08 * run_data.highest(moved.values()), 1e-3))
        upper.set_ylabel("moved in a cycle (Gbps)")
        shown = [*expected.values(), *actual.values()]
        run_page.dress_utilisation(run, lower, max(1.1, 1.06 * run_data.highest(shown)))
        lower.set_ylabel("utilisation (%)")
        ticks = run_page.time_ticks(fig)
        run.time.dress(upper, ticks=ticks, labels=False)
        run.time.dress(lower, ticks=ticks)
        run_page.mark_events(run, upper, label="what")
        run_page.mark_events(run, lower)
        return panels


def _cycles(run: RunView) -> tuple[Tracks, Tracks, dict[str, float]]:
    """Return Gbps moved and utilisation expected after the start, and mean Gbps of a cycle."""
    if not (run.results.folder / "control.parquet").exists():
        return {}, {}, {}
    parts: dict[str, list[pd.DataFrame]] = {}
    columns = ["time_s", "layer", "trigger", "mlu", "moved_gbps"]
    for strategy, pieces in run_data.rows_of(run, "control", columns):
        rows = pd.concat(pieces)
        acted = rows[(rows["layer"] == "controller") & (rows["trigger"] != "start")]
        if len(acted):
            parts.setdefault(strategy, []).append(acted)
    scenario = run.results.run["scenario"]
    found: tuple[Tracks, Tracks] = {}, {}
    for strategy, tables in parts.items():
        acted_s = np.unique(np.concatenate([table["time_s"].to_numpy() for table in tables]))
        lasts_s = 1.5 * scenario["strategies"][strategy]["control"]["every_s"]
        time_s = with_pauses(acted_s, lasts_s, run.time.horizon_h * 3600)
        for column, tracks in zip(("moved_gbps", "mlu"), found, strict=True):
            folds = run_data.Folds()
            for table in tables:
                own_s, values = table["time_s"].to_numpy(), table[column].to_numpy()
                folds.add(strategy, held(own_s, values, time_s, lasts_s))
            tracks.update(folds.tracks(time_s))
    means = {s: float(pd.concat(tables)["moved_gbps"].mean()) for s, tables in parts.items()}
    return *found, means


def with_pauses(acted_s: np.ndarray, lasts_s: float, end_s: float) -> np.ndarray:
    """Add the times at which a cycle is over and no other follows, as in an outage."""
    over = acted_s + lasts_s
    paused = over < np.r_[acted_s[1:], np.inf]
    return np.unique(np.r_[acted_s, np.minimum(over[paused], end_s)])


def held(own_s: np.ndarray, values: np.ndarray, time_s: np.ndarray, lasts_s: float) -> np.ndarray:
    """Return the values of one replication at the times of all: each holds until the next.

    Decisions of other replications may be seconds apart, by the time that installing them takes.
    A value holds for *lasts_s* at most; NaN beyond, and before the first.
    """
    last = np.searchsorted(own_s, time_s, side="right") - 1
    known = (last >= 0) & (time_s - own_s[last] < lasts_s * (1 - 1e-9))
    return np.where(known, values[last], np.nan)
