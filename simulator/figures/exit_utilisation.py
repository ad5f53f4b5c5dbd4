"""Exit utilisation: the day of every exit, a panel for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from simulator.base.errors import SimulatorError, unknown_name
from simulator.figures import run_data, run_page
from simulator.figures.figure import Figure, figure
from simulator.figures.run_data import Peaks, RunView, Track
from simulator.figures.style import (
    GREY,
    Canvas,
    enlargement,
    layout_width,
    name,
    panel_title,
    stroke,
    width_in,
)
from simulator.figures.words import DIRECTION_WORDS, capacity_words, duration, joined, percent
from simulator.results.results import Results

MOST_PANELS = 24
CUT_AT = 2.5
"""Utilisation at which panels end; peaks beyond are stated as numbers."""
LEFT_IN, GAP_IN = 0.6, 0.14
LETTER_IN = 0.068
"""Mean width of a letter in the title of a panel."""


class ExitDays(NamedTuple):
    """Utilisation over time of the exits to show, those left out, and those that carry nothing.

    Tracks are by strategy, exit and direction; of the directions, the fuller one comes first.
    """

    run: RunView
    shown: list[str]
    left_out: list[str]
    idle: list[str]
    ways: list[str]
    tracks: dict[str, dict[tuple[str, str], Track]]
    peaks: Peaks
    capacity_gbps: dict[tuple[str, str], float]


@figure("exit_utilisation")
class ExitUtilisation(Figure):
    """Do any exits overflow? Utilisation over the day, a panel for each exit.

    Parameters
    ----------
    exits : str or iterable of str, optional
        Exits to show, in this order; the fullest ones that carry anything when left out.
    direction : {"in", "out"}, optional
        Both when left out: the fuller one bold, with the band, the other one thin.
    """

    question = "Do any exits overflow?"
    order = 2

    exits: Any = None
    direction: str | None = None

    def data(self, results: Results) -> ExitDays:
        """Return the utilisation of the exits to show."""
        run = RunView.of(results)
        peaks = run_data.exit_peaks(run)
        ways = run_data.directions_by_peak(peaks, self.direction)
        every = run_data.exits_by_peak(peaks, ways)
        busy = [e for e in every if any(p[e, w][0] > 0 for p in peaks.values() for w in ways)]
        shown, left_out = (busy or every)[:MOST_PANELS], busy[MOST_PANELS:]
        idle = [e for e in every if busy and e not in busy]
        if self.exits is not None:
            shown, left_out, idle = _chosen(self.exits, every), [], []
        tracks = {
            strategy: {key: track.at(i) for i, key in enumerate(run_data.exit_keys(results))}
            for strategy, track in run_data.exit_tracks(run).items()
        }
        capacity = run_data.exit_capacity(run)
        return ExitDays(run, shown, left_out, idle, ways, tracks, peaks, capacity)

    def draw(self, data: ExitDays, fig: Canvas) -> np.ndarray:
        """Draw a panel for each exit."""
        run, count = data.run, len(data.shown)
        columns = count if count <= 3 else 3 if count in (5, 6, 9) else 4
        full = layout_width(fig)
        columns = min(columns, max(1, round(full / 1.8)))
        most = run_data.highest(
            t[e, w] for t in data.tracks.values() for e in data.shown for w in data.ways
        )
        top = max(1.15, min(1.06 * most, CUT_AT))
        widths = dict(zip(data.ways, (1.8, 0.6) if len(data.ways) > 1 else (1.4,), strict=True))
        panels, low = run_page.run_page(
            run,
            fig,
            f"{self.question} {_overflow(run, data.peaks)}",
            [
                *run_page.strategy_legend(run),
                *(stroke(DIRECTION_WORDS[way], color=GREY, lw=lw) for way, lw in widths.items()),
                *run_page.limit_legend(run),
                *run_page.event_legend(run),
            ],
            [
                run_page.count_words(run, band=True),
                run_page.step_words(run, daily=True),
                *_not_shown(data, cut=most > top),
            ],
            height=1.0 if count > 3 else 1.9,
            count=count,
            columns=columns,
            left=LEFT_IN,
            gap_x=GAP_IN,
            gap_y=0.44,
            head=0.34,
        )
        wide = (full - LEFT_IN - GAP_IN * columns) / columns
        for i, (ax, exit_id) in enumerate(zip(panels, data.shown, strict=True)):
            for way in reversed(data.ways):
                for strategy in run.strategies:
                    track = data.tracks[strategy][exit_id, way]
                    bold = way == data.ways[0]
                    run_page.draw_track(run, ax, strategy, track, bold=bold, daily=True)
            run_page.dress_utilisation(run, ax, top, most=5)
            letters = min(22, int(wide / LETTER_IN))
            panel_title(ax, name(exit_id, letters), subtitle(data, exit_id, wide))
            lowest = i + columns >= count
            run.time.dress(ax, ticks=5, labels=lowest, end=(i + 1) % columns == 0 or i + 1 == count)
            ax.tick_params(labelleft=i % columns == 0)
            run_page.mark_events(run, ax, label="number" if len(run.events) > 1 else "")
        middle = (low / fig.get_figheight() + panels[0].get_position().y1) / 2
        label = "utilisation (offered load in % of capacity)"
        fig.supylabel(label, x=0.1 / full, y=middle, fontsize=8 * enlargement(fig))
        return panels


def _chosen(exits: str | Iterable[str], known: Sequence[str]) -> list[str]:
    """Return the exits that were asked for, after a check that there are such."""
    wanted = [exits] if isinstance(exits, str) else list(exits)
    for exit_id in wanted:
        if exit_id not in known:
            raise unknown_name(f"no exit named {exit_id!r}", exit_id, known)
    if not wanted:
        raise SimulatorError("name one exit or more")
    return wanted


def _overflow(run: RunView, peaks: Peaks) -> str:
    """How many exits go above their capacity, by strategy."""
    total = len({exit_id for exit_id, _ in run_data.exit_keys(run.results)})

    def count(strategy: str) -> str:
        full = [key for key, (peak, *_) in peaks[strategy].items() if peak > 1.0]
        if not full:
            return ": none"
        hours = max(run.figure(strategy, "hours_above_100", f"exit:{e}:{w}") for e, w in full)
        return f": {len({e for e, _ in full})} of {total}, for up to {duration(hours)}"

    return run_page.each(count, run.strategies, "; ")


def _not_shown(data: ExitDays, *, cut: bool) -> list[str]:
    """Words on exits and peaks that are not drawn."""
    words = []
    if data.left_out:
        total = len(data.shown) + len(data.left_out) + len(data.idle)
        words.append(f"the {len(data.shown)} fullest of {total} exits")
    if data.idle:
        more = f" and {len(data.idle) - 6} more" if len(data.idle) > 6 else ""
        some = ", ".join(name(exit_id, 24) for exit_id in data.idle[:6])
        words.append(f"not shown, carrying nothing: {some}{more}")
    if cut:
        words.append(f"panels end at {percent(CUT_AT)}")
    return words


def subtitle(data: ExitDays, exit_id: str, most_in: float) -> str:
    """Capacity and peaks in the order of the legend, or their span where these are too many."""
    peaks = [max(data.peaks[s][exit_id, w][0] for w in data.ways) for s in data.run.strategies]
    capacity = capacity_words(data.capacity_gbps, exit_id, data.ways)
    text = f"{capacity}, peak {joined(percent(peak)[:-2] for peak in peaks)} %"
    if width_in(text, 6.8) > most_in:
        return f"{capacity}, peak {percent(min(peaks))[:-2]} to {percent(max(peaks))}"
    return text
