"""Recovery: the minutes around an event, from before it until routes have settled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.errors import unknown_name
from simulator.figures import run_data, run_page, style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.run_data import Folds, RunView, Track, Tracks
from simulator.figures.style import Axes, Canvas
from simulator.results.results import Results

BEFORE_S, SOON_S, AFTER_S = 300.0, 0.1, 900.0
"""From when to when after an event, and from when on time is drawn by its logarithm."""
_LEFT, _RIGHT = -1.7, float(np.log10(AFTER_S))
_TICKS = {0.1: "0.1 s", 1.0: "1 s", 10.0: "10 s", 60.0: "1 min", 300.0: "5 min", 900.0: "15 min"}
_CROWDED_S = 300.0
"""The tick that has no room on a narrow figure."""
_ROUNDING = 1e-6


class Around(NamedTuple):
    """What is drawn: an event, and what strategies lose and fill around it.

    Attributes
    ----------
    at_s : float
    what : str
        The event in words.
    unserved, utilisation : Tracks
        By seconds after the event.
    recovered_s : dict of str to float
        Mean over replications; NaN where one has not recovered before the next event.
    """

    run: RunView
    at_s: float
    what: str
    unserved: Tracks
    utilisation: Tracks
    recovered_s: dict[str, float]


@figure("recovery")
class Recovery(Figure):
    """How fast do strategies recover? What they lose and fill in the minutes around an event.

    Parameters
    ----------
    at_h : float, optional
        Hours after the start at which the event begins or ends; that which costs most at once when
        left out.
    """

    question = "How fast do strategies recover?"
    order = 6.5

    at_h: float | None = None

    def data(self, results: Results) -> Around:
        """Return what is lost and how full exits are around one event."""
        run, rows = RunView.of(results), results.table("recovery")
        if not len(rows):
            raise NothingToShow("this run has no events to recover from")
        rows = rows[rows["strategy"].isin(run.strategies)]
        at_s = _worst(rows) if self.at_h is None else _at(rows, self.at_h)
        mine = rows[np.isclose(rows["time_s"], at_s)]
        since_s = _seconds(_places())
        folds = {"unserved_gbps": Folds(), "utilisation": Folds()}
        columns = ["time_s", "lasts_s", *folds]
        for strategy, parts in run_data.rows_of(run, "around_events", columns):
            for part in parts:
                for name, fold in folds.items():
                    fold.add(strategy, _held(part, name, at_s + since_s))
        took = mine.groupby("strategy", observed=True)["recovered_s"].agg(
            lambda each: each.mean() if each.notna().all() else np.nan
        )
        what = str(mine["event"].iloc[0])
        lost, used = (fold.tracks(since_s) for fold in folds.values())
        return Around(run, at_s, what, lost, used, {str(k): float(v) for k, v in took.items()})

    def worth_writing(self, data: Around) -> bool:
        """Return whether any traffic is lost soon after the event."""
        return run_data.highest(data.unserved.values()) > _ROUNDING

    def draw(self, data: Around, fig: Canvas) -> np.ndarray:
        """Draw what is lost, and below it how full the fullest exit is."""
        run = data.run

        def report(strategy: str) -> str:
            if strategy not in data.recovered_s:
                return " not hit"
            seconds = data.recovered_s[strategy]
            if np.isnan(seconds):
                left = float(data.unserved[strategy].mean[-1])
                return f" still loses {left:,.3g} Gbps after 15 min"
            before = float(data.unserved[strategy].mean[0])
            as_before = f" (to {before:,.3g} Gbps, as before)" if before > _ROUNDING else ""
            return f" after {_words(seconds)}{as_before}" if seconds else f" at once{as_before}"

        when = run.time.words(data.at_s / 3600.0)
        panels, _ = run_page.run_page(
            run,
            fig,
            f"{self.question} {style.sentence(style.name(data.what, 60))}, {when}:"
            f" {run_page.each(report, run.strategies)}",
            [*run_page.strategy_legend(run), *run_page.limit_legend(run)],
            [
                run_page.count_words(run, band=True),
                "recovered: no more is lost or deferred than just before",
                "time after the event by its logarithm",
            ],
            height=1.6,
            count=2,
            gap_y=0.16,
        )
        upper, lower = panels
        for ax, tracks in ((upper, data.unserved), (lower, data.utilisation)):
            for strategy, track in tracks.items():
                _draw(run, ax, strategy, track)
            _dress(ax, labels=ax is lower)
        upper.set_ylim(0, max(1.08 * run_data.highest(data.unserved.values()), 1e-3))
        upper.set_ylabel("lost or deferred (Gbps)")
        top = max(1.1, 1.06 * run_data.highest(data.utilisation.values()))
        run_page.dress_utilisation(run, lower, top)
        exits = "exit" if run.results.run["network"]["exits"] else "link"
        lower.set_ylabel(f"fullest {exits} (%)")
        lower.set_xlabel("time after the event")
        return panels


def _worst(rows: pd.DataFrame) -> float:
    """Return the time of the event that makes most traffic go astray at once, of any strategy."""
    more = rows["unserved_at_once_gbps"] - rows["unserved_before_gbps"]
    by_time = more.groupby([rows["time_s"], rows["strategy"]], observed=True).mean()
    most = by_time.groupby(level=0).max()
    return float(most.index.to_numpy()[most.to_numpy().argmax()])


def _at(rows: pd.DataFrame, at_h: float) -> float:
    """Return the time of what happens so many hours after the start."""
    hours = rows["time_s"].unique() / 3600.0
    near = hours[np.isclose(hours, at_h)]
    if not len(near):
        known = [f"{hour:g}" for hour in np.sort(hours)]
        raise unknown_name(f"nothing happens {at_h:g} h after the start", f"{at_h:g}", known)
    return float(near[0]) * 3600.0


def _places() -> np.ndarray:
    """Places on the time axis at which lines are drawn: before the event evenly."""
    return np.concatenate([np.linspace(_LEFT, -1.0, 60)[:-1], np.linspace(-1.0, _RIGHT, 600)])


def _seconds(places: np.ndarray) -> np.ndarray:
    """Return the seconds after the event at some places; the last lie before what follows."""
    after = np.minimum(10.0**places, AFTER_S * (1.0 - 1e-9))
    return np.where(places < -1.0, (places + 1.0) / (-1.0 - _LEFT) * BEFORE_S, after)


def _held(part: pd.DataFrame, name: str, time_s: np.ndarray) -> np.ndarray:
    """Return a quantity at some times, NaN where no interval holds them."""
    begin, lasts = part["time_s"].to_numpy(), part["lasts_s"].to_numpy()
    at = np.searchsorted(begin, time_s, side="right") - 1
    known = (at >= 0) & (time_s < begin[at] + lasts[at] * (1 + 1e-12))
    return np.where(known, part[name].to_numpy()[at], np.nan)


def _draw(run: RunView, ax: Axes, strategy: str, track: Track) -> None:
    """Draw the line of one strategy, with its band."""
    look = style.look(run.strategies.index(strategy))
    if run.replications > 1:
        ax.fill_between(
            _places(), track.low, track.high, color=look["color"], alpha=0.22, lw=0, zorder=1.5
        )
    ax.plot(_places(), track.mean, color=look["color"], ls=look["ls"], label=strategy, zorder=3)


def _dress(ax: Axes, *, labels: bool) -> None:
    """Set the time axis, and mark the event."""
    ax.set_xlim(_LEFT, _RIGHT)
    ax.axvspan(_LEFT, -1.0, color=style.PALE, alpha=0.35, lw=0, zorder=0.4)
    ax.axvline(-1.0, color=style.GREY, lw=0.6, zorder=0.5)
    style.note(ax, "before", (_LEFT + 0.03, 1), -9, over="data", fontsize=7.0, color="#444444")
    narrow = style.layout_width(ax.figure) < style.NARROW_IN  # type: ignore[arg-type]
    ticks = {s: words for s, words in _TICKS.items() if not (narrow and s == _CROWDED_S)}
    ax.set_xticks(np.log10(list(ticks)), list(ticks.values()) if labels else [])
    for label in ax.get_xticklabels()[-1:]:
        label.set_horizontalalignment("right")


def _words(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 100:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
