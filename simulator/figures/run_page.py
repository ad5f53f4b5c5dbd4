"""Page of a run: what its figures draw alike: strategies, limits, events, and the source line.

Bands over time span the lowest to the highest replication, whiskers are the 95 % intervals of the
summary; the grey line at the bottom of a figure names which it shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from simulator.figures import style
from simulator.figures.page import AXIS_IN, RIGHT_IN, page, panel
from simulator.figures.run_data import MOST_POINTS, RunView, Track, Tracks, decimated
from simulator.figures.style import Artist, Axes, Canvas, Legend
from simulator.figures.time_axis import EventInterval
from simulator.figures.words import percent, percent_tick
from simulator.provenance import SAME_TRAFFIC
from simulator.scenario.marks import in_words

MOST_EVENTS = 6
"""Entries of events in a legend."""
TARGET_DOTS = (0, (1, 2))


def run_page(
    run: RunView, fig: Canvas, title: str, legend: Legend, words: Iterable[str], *, height: float,
    count: int = 1, columns: int = 1, left: float = 0.62, gap_x: float = 0.0, gap_y: float = 0.0,
    head: float = 0.06, extra: float = 0.0,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Lay out title, legend, *count* panels and source line; sizes are in inches.

    ``head`` and ``extra`` are the room above and below all panels. Returns the panels, shape
    (count,), row by row from the top, and how far the lowest are from the bottom of the figure.
    """
    rows = -(-count // columns)
    body = head + rows * height + (rows - 1) * gap_y + AXIS_IN + extra
    low = page(fig, title, legend, source(run, words), body) + AXIS_IN + extra
    wide = (style.layout_width(fig) - left - RIGHT_IN - gap_x * (columns - 1)) / columns
    panels = []
    for i in range(count):
        row, column = divmod(i, columns)
        bottom = low + (rows - 1 - row) * (height + gap_y)
        panels.append(panel(fig, left + column * (wide + gap_x), bottom, wide, height))
    return np.array(panels, dtype=object), low


def over_time(
    run: RunView, fig: Canvas, title: str, legend: Legend, words: str, tracks: Tracks, label: str,
    *, height: float = 2.9, daily: bool = False,
) -> Axes:  # fmt: skip
    """Draw a figure of one panel: a track for each strategy, and the events.

    See `steps` for *daily*.
    """
    words_shown = [count_words(run, band=True), words]
    (ax,), _ = run_page(run, fig, title, legend, words_shown, height=height)
    for strategy in run.strategies:
        draw_track(run, ax, strategy, tracks[strategy], daily=daily)
    ax.set_ylabel(label)
    run.time.dress(ax, ticks=time_ticks(fig))
    mark_events(run, ax, label="what")
    return ax


def time_ticks(fig: Canvas) -> int:
    """Return how many ticks a time axis over the whole width has at most."""
    return 9 if style.layout_width(fig) >= style.NARROW_IN else 5


# -- words --------------------------------------------------------------------------------------


def each(report: Callable[[str], str], strategies: Sequence[str], separator: str = ", ") -> str:
    """Return a report on every strategy, or on the first few."""
    parts = [f"{style.name(strategy)}{report(strategy)}" for strategy in strategies[:3]]
    if len(strategies) > 3:
        parts.append(f"{len(strategies) - 3} more")
    return separator.join(parts)


def source(run: RunView, words: Iterable[str]) -> str:
    """Return the line at the bottom: what was simulated, on what, and what the figure shows."""
    about = run.results.run
    network = f"simulated on {style.name(about['network']['name'], 50)}"
    marks = about.get("marks")  # a folder of an earlier version has none
    inputs = f"inputs, worst first: {in_words(marks)} (run.json names them)" if marks else ""
    hidden = len(run.results.strategies) - len(run.strategies)
    of_more = f"{hidden} strategies of more regret are not drawn" if hidden else ""
    alike = [note for note in about["notes"] if note.startswith(SAME_TRAFFIC)]
    same = f"{SAME_TRAFFIC[0].lower()}{SAME_TRAFFIC[1:]} (see run.json)" if alike else ""
    shown = "; ".join(word for word in (*words, of_more, same) if word)
    parts = [f"Scenario: {style.name(about['title'] or about['name'], 90)}", network, inputs, shown]
    return " ".join(f"{style.sentence(part)}." for part in parts if part)


def count_words(run: RunView, *, band: bool = False) -> str:
    """Return how many replications a figure rests on, and what its lines and bands are."""
    if run.replications < 2:
        return "1 replication: no interval"
    count = f"{run.replications} replications"
    return f"line: mean, band: lowest to highest of {count}" if band else count


def step_words(run: RunView, *, daily: bool = False) -> str:
    """Return which steps the points of lines are means over; see `steps` for *daily*."""
    seconds = run.time.step_s
    length = f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
    sampled = f", every {run.time.every}th step kept" if run.time.every > 1 else ""
    if daily and run.time.by_day:
        shown = f"lines show the highest mean of a step of {length} in each day"
    else:
        shown = f"lines show means over steps of {length}"
    return f"{shown}{sampled}; peaks (summary.csv) are exact"


# -- legends ------------------------------------------------------------------------------------


def strategy_legend(
    run: RunView, labels: dict[str, str] | None = None, *, marker: bool = False
) -> list[tuple[Artist, str]]:
    """Return the entries of the strategies, or of those that *labels* names."""
    labels = {s: style.name(s) for s in run.strategies} if labels is None else labels
    entries = []
    for place, strategy in enumerate(run.strategies):
        if strategy in labels:
            look = style.look(place)
            del look["ls" if marker else "marker"]
            entries.append(style.stroke(labels[strategy], lw=0.8 if marker else 1.6, ms=5, **look))
    return entries


def limit_legend(run: RunView) -> list[tuple[Artist, str]]:
    """Return the entries of capacity and target."""
    return [
        style.stroke("capacity", color="black", lw=0.9),
        style.stroke(f"target {percent(run.target)}", color="black", lw=0.8, ls=TARGET_DOTS),
    ]


def event_legend(run: RunView) -> list[tuple[Artist, str]]:
    """Return the entries of the events, by number when there are several."""
    from matplotlib.patches import Patch

    words = [_event_words(run, event) for event in run.events]
    if len(words) > 1:
        words = [f"{i}: {word}" for i, word in enumerate(words, 1)]
    if len(words) > MOST_EVENTS:
        words = [*words[: MOST_EVENTS - 1], f"and {len(words) - MOST_EVENTS + 1} more events"]
    return [(Patch(facecolor=style.PALE, alpha=0.7), word) for word in words]


def _event_words(run: RunView, event: EventInterval) -> str:
    what, begin = style.name(event.what, 60), run.time.words(event.begin_h)
    if event.end_h is None:
        return f"{what} from {begin}"
    return f"{what} {begin}–{run.time.words(event.end_h, since=event.begin_h)}"


# -- drawing ------------------------------------------------------------------------------------


def steps(
    run: RunView, track: Track, *, daily: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the coordinates of a track as steps: decimated, the last value held to the end.

    If *daily*, and days are too short to be seen, they are those of the highest step of each day.
    """
    end = min(track.time_s[-1] / 3600 + run.time.step_h, run.time.horizon_h)
    if daily and run.time.by_day:
        days = run.time.days_of(track.time_s)
        highest = (np.fmax.reduceat(values, days) for values in track[1:])
        track = Track(track.time_s[days], *highest)
    x = run.time.place(np.r_[track.time_s / 3600, end])
    return decimated(x, *(np.r_[values, values[-1]] for values in track[1:]))


def draw_track(
    run: RunView, ax: Axes, strategy: str, track: Track, *, bold: bool = True, dashed: bool = True,
    daily: bool = False,
) -> None:  # fmt: skip
    """Draw a track as the line of a strategy, with its band; see `steps` for *daily*."""
    look = style.look(run.strategies.index(strategy))
    x, mean, low, high = steps(run, track, daily=daily)
    if bold and run.replications > 1:
        band = {"color": look["color"], "alpha": 0.22, "lw": 0}
        ax.fill_between(x, low, high, step="post", zorder=1.5, **band)
    line: dict[str, Any] = {"lw": 0.6, "alpha": 0.8, "zorder": 2}
    if bold:
        line = {"lw": 1.3 if len(x) < MOST_POINTS / 2 else 0.8, "alpha": 1.0, "zorder": 3}
    line |= {"color": look["color"], "ls": look["ls"] if dashed else "-"}
    ax.plot(x, mean, drawstyle="steps-post", label=strategy, **line)


def dress_utilisation(run: RunView, ax: Axes, top: float, most: int = 6) -> None:
    """Set the axis of a panel of utilisation, and draw capacity and target."""
    ax.set_ylim(0, top)
    ax.set_yticks(ticks(top, most))
    ax.yaxis.set_major_formatter(percent_tick)
    draw_limits(run, ax.axhline)


def draw_limits(run: RunView, line: Callable[..., Any]) -> None:
    """Draw capacity and target with ``axhline`` or ``axvline``."""
    line(1.0, color="black", lw=0.9, zorder=1)
    line(run.target, color="black", lw=0.8, ls=TARGET_DOTS, zorder=1)


def ticks(top: float, most: int) -> list[float]:
    """Return round places on an axis of shares, from zero."""
    distances = (0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, math.inf)
    distance = next(s for s in distances if top / s <= most)
    return [0.0] if math.isinf(distance) else list(np.arange(0.0, top + 1e-9, distance))


def mark_events(run: RunView, ax: Axes, *, label: str = "") -> None:
    """Shade the interval of every event; *label* is empty, ``what`` or, as in legends, ``number``.

    The time axis is dressed already.
    """
    lanes: list[float] = []
    for number, event in enumerate(run.events, 1):
        begin = run.time.place(event.begin_h)
        if event.shaded:
            end_h = run.time.horizon_h if event.end_h is None else event.end_h
            ax.axvspan(begin, run.time.place(end_h), color=style.PALE, alpha=0.45, lw=0, zorder=0.4)
        ax.axvline(begin, color=style.GREY, lw=0.6, zorder=0.5)
        if label == "what":
            _label_event(ax, style.name(event.what, 44), begin, lanes, size_pt=7.0)
        elif label == "number":
            _label_event(ax, f"{number}", begin, lanes, size_pt=5.5)


def _label_event(ax: Axes, text: str, begin: float, lanes: list[float], *, size_pt: float) -> None:
    """Write at the top of a panel, in the first of some lanes that is free there."""
    low, high = ax.get_xlim()
    panel_in = ax.get_position().width * style.layout_width(ax.figure)  # type: ignore[arg-type]
    width = (style.width_in(text, size_pt) + 0.05) / panel_in * (high - low)
    left = min(begin + 0.004 * (high - low), high - width)
    lane = next((i for i, until in enumerate(lanes) if until <= left), len(lanes))
    lanes[lane : lane + 1] = [left + width]
    if lane <= 3:
        down = -2 - 1.3 * size_pt * lane
        style.note(ax, text, (left, 1), down, over="data", fontsize=size_pt, color="#444444")
