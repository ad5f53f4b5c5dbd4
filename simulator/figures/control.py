"""Control: what the controllers move in every cycle, and the load that they expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures.data import (
    Folds,
    RunView,
    Track,
    exit_tracks,
    fullest,
    highest,
    rows_of,
    table_file,
)
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.run_page import (
    band_words,
    draw_track,
    dress_utilisation,
    each,
    limit_legend,
    mark_events,
    run_page,
    steps,
    strategy_legend,
)
from simulator.figures.style import GREY, look, name, stroke
from simulator.results.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


class Cycles(NamedTuple):
    """What the controllers did after the start, by strategy.

    Attributes
    ----------
    run : RunView
    moved : dict of Track
        Gbps moved in a cycle.
    expected : dict of Track
        Greatest utilisation that the controller expected.
    actual : dict of Track
        Utilisation of the fullest exit; empty where the network has no exits.
    """

    run: RunView
    moved: dict[str, Track]
    expected: dict[str, Track]
    actual: dict[str, Track]


@figure("control")
class Control(Figure):
    """How busy is the controller? Gbps moved every cycle, and the load it reckoned with.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Traffic moved, and the greatest utilisation that the controller expected.

    Raises
    ------
    SimulatorError
        No strategy has a controller that acted.
    """

    question = "How busy is the controller?"
    order = 7

    def data(self, results: Results) -> Cycles:
        """Return every cycle after the start, folded over replications."""
        run = RunView.of(results)
        moved, expected = _cycles(run)
        if not moved:
            raise NothingToShow(
                "no strategy of this run has a controller that acted after the start"
            )
        exits = results.run["network"]["exits"]
        actual = exit_tracks(run, "utilisation", fullest) if exits else {}
        return Cycles(run, moved, expected, {s: actual[s] for s in moved if s in actual})

    def draw(self, data: Cycles, fig: Canvas) -> np.ndarray:
        """Draw what is moved, and below it what was expected and what came."""
        run = data.run
        strategies = [s for s in run.strategies if s in data.moved]

        def work(strategy: str) -> str:
            moved = data.moved[strategy]
            return (
                f" moves {np.nanmean(moved.mean):,.3g} Gbps a cycle on average,"
                f" {np.nanmax(moved.high):,.3g} at most"
            )

        actual = stroke("fullest exit, actual", color=GREY, lw=0.6)
        panels, _ = run_page(
            run,
            fig,
            f"{self.question} {each(work, strategies, '; ')}",
            [
                *strategy_legend(run, {s: f"{name(s)}, expected" for s in strategies}),
                *([actual] if data.actual else []),
                *limit_legend(run),
            ],
            [band_words(run), "the first installation, off the static rules, is left out"],
            height=1.5,
            count=2,
            gap_y=0.22,
        )
        upper, lower = panels
        for strategy in strategies:
            draw_track(run, upper, strategy, data.moved[strategy], dashed=len(strategies) > 1)
            if strategy in data.actual:
                x, mean, _, _ = steps(run, data.actual[strategy])
                colour = look(run.strategies.index(strategy))["color"]
                lower.plot(x, mean, color=colour, lw=0.6, drawstyle="steps-post")
            draw_track(run, lower, strategy, data.expected[strategy])
        upper.set_ylim(0, max(1.08 * highest(data.moved.values()), 1e-3))
        upper.set_ylabel("moved in a cycle (Gbps)")
        shown = [*data.expected.values(), *data.actual.values()]
        dress_utilisation(run, lower, max(1.1, 1.06 * highest(shown)))
        lower.set_ylabel("utilisation (%)")
        run.time.dress(upper, ticks=9, labels=False)
        run.time.dress(lower, ticks=9)
        mark_events(run, upper, label="what")
        mark_events(run, lower)
        return panels


def _cycles(run: RunView) -> tuple[dict[str, Track], dict[str, Track]]:
    """Return Gbps moved and utilisation expected by every controller after the start."""
    if not table_file(run.results, "control").exists():
        return {}, {}
    parts: dict[str, dict[int, list[pd.DataFrame]]] = {}
    columns = ["time_s", "layer", "trigger", "mlu", "moved_gbps"]
    for (replication, strategy), rows in rows_of(run, "control", columns):
        acted = rows[(rows["layer"] == "controller") & (rows["trigger"] != "start")]
        if len(acted):
            parts.setdefault(strategy, {}).setdefault(replication, []).append(acted)
    scenario = run.results.run["scenario"]
    found: tuple[dict[str, Track], dict[str, Track]] = {}, {}
    for strategy, replications in parts.items():
        tables = [pd.concat(pieces) for pieces in replications.values()]
        acted_s = np.unique(np.concatenate([table["time_s"].to_numpy() for table in tables]))
        lasts_s = 1.5 * scenario["strategies"][strategy]["control"]["every_s"]
        time_s = with_pauses(acted_s, lasts_s, run.time.horizon_h * 3600)
        for column, tracks in zip(("moved_gbps", "mlu"), found, strict=True):
            folds = Folds()
            for table in tables:
                own_s, values = table["time_s"].to_numpy(), table[column].to_numpy()
                folds.add(strategy, held(own_s, values, time_s, lasts_s))
            tracks.update(folds.tracks(time_s))
    return found


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
