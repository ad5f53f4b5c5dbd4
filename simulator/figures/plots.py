"""One question, one figure: the standard pictures of a run.

    results.plot.hottest_exit()

returns matplotlib Axes, whose figure a notebook shows by itself. Curves come straight from the
tables of the results folder, a part at a time; every number in a title or a label is the one in
``summary.csv``. Bands over time span the lowest to the highest replication, whiskers are the 95 %
Student-t intervals of the summary; the grey line at the bottom of a figure says which it shows.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from simulator.base.errors import SimulatorError, did_you_mean
from simulator.model.demands import INTERNATIONAL
from simulator.results.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_IN = 7.5
"""Width of every figure: a page between its margins."""
TITLE_PT, LEGEND_PT, LABEL_PT, SOURCE_PT = 9.5, 7.5, 7.5, 6.2
MOST_POINTS = 2000
"""Points of a line; longer ones keep the lowest and highest point of every bin."""
MOST_PANELS = 24
MOST_EVENTS = 6
MOST_ROWS = 40
CUT_AT = 2.5
"""Utilisation at which small panels end; peaks beyond are stated as numbers."""
FORMATS = ("png", "svg", "pdf")

# Okabe and Ito's colours, which stay apart for colour-blind readers, in an order that keeps
# neighbours apart in grey too; a line style and a marker go with each.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
DOTS = (0, (1, 1))
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.2)), DOTS, (0, (6, 1.2, 1, 1.2)), (0, (2, 0.8)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY, PALE = "#666666", "#d9d9d9"

STYLE: dict[str, Any] = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "xtick.minor.pad": 3.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.5,
    "figure.dpi": 110.0,
    "svg.hashsalt": "simulator",
    "text.parse_math": False,  # a $ in a name is a $
    "text.usetex": False,
}
HAN_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Arial Unicode MS",
)
BOX = "\N{WHITE SQUARE}"
WAY_WORDS = {"in": "inbound", "out": "outbound"}
SCOPE_WORDS = {
    "international_in": "inbound",
    "international_out": "outbound",
    "all": "all traffic",
}


class NothingToShow(SimulatorError):
    """The run holds nothing that this figure could show."""


_P = ParamSpec("_P")
_T = TypeVar("_T")


def _styled(draw: Callable[_P, _T]) -> Callable[_P, _T]:
    """Draw in the house style and leave the reader's own settings alone."""

    @functools.wraps(draw)
    def in_style(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        import matplotlib

        with _style():
            drawn = draw(*args, **kwargs)
            interactive = matplotlib.is_interactive()
        # A notebook's backend switches this on at the first figure; were it undone with the rest
        # of the style, later cells would show nothing.
        matplotlib.interactive(interactive)
        return drawn

    return in_style


MOST_DRAWN = 8
"""Strategies in one picture: nobody tells more lines apart."""


def drawn(results: Results) -> list[str]:
    """Return the strategies that pictures show: all, or the first and those of least regret."""
    names = results.strategies
    if len(names) <= MOST_DRAWN:
        return names
    regret = results.summary.query("metric == 'regret' and scope == 'all'")
    worth = dict(zip(regret["strategy"], regret["mean"], strict=True))
    others = sorted(names[1:], key=lambda name: (worth.get(name, np.inf), names.index(name)))
    kept = {names[0], *others[: MOST_DRAWN - 1]}
    return [name for name in names if name in kept]


# -- the pictures -----------------------------------------------------------------------------


class Plots:
    """The standard pictures of a run; ``results.plot`` is one.

    Parameters
    ----------
    results : Results
    new_figure : callable, optional
        Makes an empty figure of a given ``figsize``; pyplot's when left out, so that a notebook
        shows it.
    """

    def __init__(self, results: Results, new_figure: Callable[..., Figure] | None = None) -> None:
        self._results, self._new_figure = results, new_figure or _pyplot_figure
        self._strategies = drawn(results)
        self._time = _Time.of(results.run["scenario"])
        self._events = _intervals(results.run["scenario"])
        self._count = int(results.run["scenario"]["replications"])
        self._target = float(results.run["scenario"]["targets"]["exit_utilisation"])

    def __repr__(self) -> str:
        return f"<pictures of {self._results.run['name']}: {', '.join(FIGURES)}>"

    @_styled
    def hottest_exit(self) -> Axes:
        """How full is the fullest exit? Its utilisation at every instant, by strategy.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        SimulatorError
            The network has no exits.
        """
        tracks = _exit_tracks(self._results, "utilisation", _hottest)
        peaks = self._exit_peaks()

        def answer(strategy: str) -> str:
            (exit_id, way), _ = max(peaks[strategy].items(), key=lambda item: item[1][0])
            peak = self._results.figure(strategy, "exit_utilisation_peak")
            return f"{_name(strategy)} {_percent(peak)} ({_name(exit_id)} {way})"

        hours = {
            s: f"{_name(s)}: {_above(self._results.figure(s, 'hours_above_100'))}"
            for s in self._strategies
        }
        _, ((ax,),) = self._sheet(
            f"How full is the fullest exit? Peak: {self._each(answer)}",
            [*self._lines(hours), *self._limits()],
            [self._band_words(), self._point_words()],
            height=2.9,
        )
        for place, strategy in enumerate(self._strategies):
            self._draw(ax, place, tracks[strategy])
        top = max(1.1, 1.08 * _highest(tracks.values()))
        self._dress_utilisation(ax, top)
        ax.set_ylabel("utilisation of the fullest exit (% of capacity)")
        self._time.dress(ax, ticks=9)
        self._mark_events(ax, say="what")
        return ax

    @_styled
    def exit_utilisation(
        self, exits: str | Iterable[str] | None = None, direction: str | None = None
    ) -> np.ndarray:
        """Do any exits overflow? Utilisation over the day, a panel for each exit.

        Parameters
        ----------
        exits : str or iterable of str, optional
            Exits to show, in this order; the fullest ones that carry anything when left out.
        direction : {"in", "out"}, optional
            Both when left out: the fuller one bold, with the band, the other one thin.

        Returns
        -------
        ndarray of matplotlib.axes.Axes

        Raises
        ------
        SimulatorError
            The network has no exits, or not the ones asked for.
        """
        peaks = self._exit_peaks()
        ways = self._ways(peaks, direction)
        shown, missing = self._choose(exits, peaks, ways)
        tracks = _exit_tracks(self._results, "utilisation")
        column = {key: i for i, key in enumerate(_exit_keys(self._results))}
        capacity = _exit_capacity(self._results)

        columns = _columns(len(shown))
        many = len(shown) > 3
        legend = [*self._lines(), *self._ways_key(ways), *self._limits()]
        highest = max(
            _highest(t.at(column[e, w]) for t in tracks.values()) for e in shown for w in ways
        )
        top = max(1.15, min(1.06 * highest, CUT_AT))
        if highest > top:
            missing.append(f"panels end at {_percent(CUT_AT)}")
        fig, grid = self._sheet(
            f"Do any exits overflow? {self._overflow(peaks)}",
            [*legend, *self._events_key()],
            [self._band_words(), self._point_words(), *missing],
            height=1.0 if many else 1.9,
            rows=-(-len(shown) // columns),
            columns=columns,
            left=0.55,
            gap_x=0.14,
            gap_y=0.44,
            head=0.34,
        )
        panels = grid.ravel()
        for i, exit_id in enumerate(shown):
            ax = panels[i]
            for bold, way in reversed(list(zip((True, False), ways, strict=False))):
                for place, strategy in enumerate(self._strategies):
                    track = tracks[strategy].at(column[exit_id, way])
                    self._draw(ax, place, track, bold=bold)
            self._dress_utilisation(ax, top)
            ax.set_yticks(_ticks(top, 5))
            told = [max(peaks[s][exit_id, w][0] for w in ways) for s in self._strategies]
            self._panel_title(ax, _name(exit_id, 22), self._told(capacity, exit_id, ways, told))
            self._time.dress(ax, ticks=5, labels=i + columns >= len(shown))
            if i != (len(shown) - 1) // columns * columns:
                ax.set_xlabel("")
            self._mark_events(ax, say="number" if len(self._events) > 1 else "")
            if i % columns:
                ax.tick_params(labelleft=False)
        for ax in panels[len(shown) :]:
            ax.remove()
        low, high = grid[-1, 0].get_position().y0, grid[0, 0].get_position().y1
        fig.supylabel(
            "utilisation (offered load in % of capacity)",
            x=0.1 / WIDTH_IN,
            y=(low + high) / 2,
            fontsize=8,
        )
        return panels[: len(shown)]

    @_styled
    def exit_peaks(self, direction: str | None = None) -> np.ndarray:
        """How evenly are the exits used? Peak utilisation of each, strategy against strategy.

        Parameters
        ----------
        direction : {"in", "out"}, optional
            Both, side by side, when left out.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            One for each direction, the fuller one first.

        Raises
        ------
        SimulatorError
            The network has no exits.
        """
        peaks = self._exit_peaks()
        ways = self._ways(peaks, direction)
        every = _by_peak(peaks, ways)
        shown = every[:MOST_ROWS]
        capacity = _exit_capacity(self._results)

        def balance(strategy: str) -> str:
            fair = self._results.figure(strategy, "exit_balance_jain")
            return f"{_name(strategy)} {fair:.2f}"

        dots = "dots: mean of their peaks, whiskers: 95 % confidence intervals"
        dots = dots if self._count > 1 else ""
        left_out = f"the {len(shown)} fullest of {len(every)} exits" if every != shown else ""
        labels = [f"{_name(e, 24)}, {_gbps_words(capacity, e, ways)}" for e in shown]
        fig, grid = self._sheet(
            f"How evenly are the exits used? Jain balance: {self._each(balance)} (1 = even)",
            [*self._lines(marker=True), *self._limits()],
            [self._count_words(), dots, left_out],
            height=0.2 + 0.185 * len(shown),
            columns=len(ways),
            left=_room_for(labels),
            gap_x=0.2,
            head=0.22,
        )
        spread = 0.24 if len(self._strategies) > 1 else 0.0
        rows = np.arange(len(shown), dtype=float)
        offsets = np.linspace(-spread / 2, spread / 2, len(self._strategies))
        top = 1.1
        for ax, way in zip(grid[0], ways, strict=True):
            table = np.array([[peaks[s][e, way] for e in shown] for s in self._strategies])
            ax.hlines(
                rows, table[:, :, 0].min(axis=0), table[:, :, 0].max(axis=0), color=PALE, lw=2.5
            )
            for place, (mean, low, high) in enumerate(np.moveaxis(table, 2, 1)):
                at = rows + offsets[place]
                look = _look(place)
                ax.hlines(at, np.fmax(low, 0), high, color=look["color"], lw=0.8)
                ax.plot(
                    mean,
                    at,
                    look["marker"],
                    color=look["color"],
                    ms=4.5,
                    mec="white",
                    mew=0.4,
                    clip_on=False,
                )
            top = max(top, 1.06 * float(np.nanmax(table[:, :, 0])))
            self._panel_title(ax, WAY_WORDS[way], "")
        for place, ax in enumerate(grid[0]):
            self._dress_limits(ax.axvline)
            ax.set_xlim(0, top)
            ax.set_xticks(_ticks(top, 8))
            ax.xaxis.set_major_formatter(_percents)
            ax.set_ylim(len(shown) - 0.4, -0.6)
            ax.grid(visible=False, axis="y")
            ax.set_yticks(rows, labels if place == 0 else [""] * len(shown))
            ax.tick_params(axis="y", length=0)
            ax.set_xlabel("peak utilisation (offered load in % of capacity)")
        return grid[0]

    @_styled
    def latency(self, scope: str | None = None) -> np.ndarray:
        """What latency do users see? Its distribution, and what it is made of.

        Parameters
        ----------
        scope : str, optional
            A traffic class, a region abroad, or ``all``; both international classes (all traffic
            where there is none) when left out.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            The distribution of each class, then the split into propagation and queueing.

        Raises
        ------
        SimulatorError
            There is no such traffic, or the run kept no demands table.
        """
        scopes = self._scopes(scope)
        detail = self._results.run["scenario"]["record"]["demands"]
        spreads = [_spread(self._results, one) for one in scopes]
        marks = [
            _stroke("mean", color=GREY, marker="^", ms=5, ls=""),
            _stroke("95th percentile", color=GREY, marker="o", ms=4, ls=""),
        ]
        bars = 0.2 * (len(scopes) * len(self._strategies) + 0.4 * len(scopes)) + 0.1
        left = _room_for(self._split_labels(scopes))
        fig, grid = self._sheet(
            self._latency_title(scopes),
            [*self._lines(), *marks],
            [
                self._count_words(),
                f"curves: mean latency of a {detail} in a step, by traffic carried",
                "marks, bars and numbers: exact, over all pairs (summary.csv)",
            ],
            height=2.2,
            rows=1,
            columns=len(scopes),
            gap_x=0.3,
            head=0.36,
            extra=bars + 0.66,
        )
        for ax, one, spread in zip(grid[0], scopes, spreads, strict=True):
            self._draw_spread(ax, one, spread)
        grid[0][0].set_ylabel("share of traffic (%)")
        for ax in grid[0][1:]:
            ax.tick_params(labelleft=False)
        height = fig.get_figheight()
        low = self._foot_in + 0.42
        box = (left / WIDTH_IN, low / height, 1 - (left + 0.15) / WIDTH_IN, bars / height)
        bottom = fig.add_axes(box)
        self._draw_split(bottom, scopes)
        return np.array([*grid[0], bottom], dtype=object)

    @_styled
    def latency_over_time(self, scope: str | None = None) -> Axes:
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
        if self._scopes(scope) == ["all"]:
            scope = "all"
        total, fixed = _Folds(), _Folds()
        for strategy, sums in _demand_sums(self._results, self._time, scope):
            with np.errstate(invalid="ignore", divide="ignore"):
                total.add(strategy, sums["latency"] / sums["carried"])
                fixed.add(strategy, sums["propagation"] / sums["carried"])
        times = self._time.steps_s
        tracks, floors = total.tracks(times), fixed.tracks(times)

        def answer(strategy: str) -> str:
            mean = tracks[strategy].mean
            if np.isnan(mean).all():
                return f"{_name(strategy)} carries none"
            worst = int(np.nanargmax(mean))
            when = self._time.words(float(times[worst]) / 3600)
            return f"{_name(strategy)} {mean[worst]:.1f} ms ({when})"

        words = _scope_words(scope) if scope else "international"
        floor = _stroke("propagation alone; queueing lies between", color=GREY, lw=0.8, ls=DOTS)
        _, ((ax,),) = self._sheet(
            f"When is {words} latency worst? {self._each(answer)}",
            [*self._lines(), floor],
            [self._band_words(), "means over steps, weighted by traffic carried"],
            height=2.9,
        )
        high, lowest = _highest(tracks.values()), _lowest(floors.values())
        for place, strategy in enumerate(self._strategies):
            colour = _look(place)["color"]
            x, mean, _, _ = self._line(tracks[strategy])
            xf, base, _, _ = self._line(floors[strategy])
            ax.plot(xf, base, color=colour, lw=0.8, ls=DOTS, drawstyle="steps-post")
            if np.array_equal(x, xf):
                ax.fill_between(x, base, mean, color=colour, alpha=0.07, lw=0, step="post")
            self._draw(ax, place, tracks[strategy])
        room = 0.12 * (high - lowest) + 0.5
        ax.set_ylim(max(0.0, lowest - room), high + room)
        ax.set_ylabel("mean one-way latency (ms)")
        self._time.dress(ax, ticks=9)
        self._mark_events(ax, say="what")
        return ax

    @_styled
    def loss(self) -> Axes:
        """How much traffic is lost? Gbps that find no room, over time.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        SimulatorError
            The run kept no demands table.
        """
        folds = _Folds()
        for strategy, sums in _demand_sums(self._results, self._time, "all"):
            folds.add(strategy, np.maximum(sums["offered"] - sums["carried"], 0.0))
        tracks = folds.tracks(self._time.steps_s)

        shares = {s: _international_loss(self._results, s) for s in self._strategies}
        abroad = all(share is not None for share in shares.values())

        def answer(strategy: str) -> str:
            share = shares[strategy]
            if not _loses(self._results, strategy):
                return f"{_name(strategy)} none"
            most = f"up to {np.nanmax(tracks[strategy].mean):,.3g} Gbps"
            if share is None or not abroad:
                return f"{_name(strategy)} {most}"
            return f"{_name(strategy)} {_percent(share, fine=True)} ({most})"

        fig, ((ax,),) = self._sheet(
            f"How much {'international ' if abroad else ''}traffic is lost? {self._each(answer)}",
            self._lines(),
            [self._band_words(), "all classes of traffic; what elastic services defer is not lost"],
            height=2.6,
        )
        for place, strategy in enumerate(self._strategies):
            self._draw(ax, place, tracks[strategy])
        ax.set_ylim(0, max(1.08 * _highest(tracks.values()), 1e-3))
        ax.set_ylabel("traffic lost (Gbps)")
        self._time.dress(ax, ticks=9)
        self._mark_events(ax, say="what")
        return ax

    @_styled
    def control(self) -> np.ndarray:
        """How busy is the controller? Gbps moved every cycle, and the load it reckoned with.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            Traffic moved, and the greatest utilisation that the controller believed.

        Raises
        ------
        SimulatorError
            No strategy has a controller that acted.
        """
        cycles = _cycles(self._results)
        if not cycles:
            raise NothingToShow(
                "no strategy of this run has a controller that acted after the start"
            )
        names = [s for s in self._strategies if s in cycles]

        def answer(strategy: str) -> str:
            moved = cycles[strategy]["moved_gbps"]
            return (
                f"{_name(strategy)} moves {np.nanmean(moved.mean):,.3g} Gbps a cycle on average,"
                f" {np.nanmax(moved.high):,.3g} at most"
            )

        real: dict[str, Track] = {}
        if self._results.run["network"]["exits"]:
            real = _exit_tracks(self._results, "utilisation", _hottest)
        actual = _stroke("fullest exit, as it turned out", color=GREY, lw=0.6)
        _, grid = self._sheet(
            f"How busy is the controller? {self._each(answer, names, mark=';')}",
            [
                *self._lines({s: f"{_name(s)}, as it reckoned" for s in names}),
                *([actual] if real else []),
                *self._limits(),
            ],
            [self._band_words(), "the first installation, off the static rules, is left out"],
            height=1.5,
            rows=2,
            gap_y=0.22,
        )
        upper, lower = grid[:, 0]
        for strategy in names:
            place = self._strategies.index(strategy)
            self._draw(upper, place, cycles[strategy]["moved_gbps"], dashed=len(names) > 1)
            if strategy in real:
                x, mean, _, _ = self._line(real[strategy])
                lower.plot(x, mean, color=_look(place)["color"], lw=0.6, drawstyle="steps-post")
            self._draw(lower, place, cycles[strategy]["mlu"])
        upper.set_ylim(0, max(1.08 * _highest(c["moved_gbps"] for c in cycles.values()), 1e-3))
        upper.set_ylabel("moved in a cycle (Gbps)")
        shown = [*(cycles[s]["mlu"] for s in names), *(real[s] for s in names if s in real)]
        self._dress_utilisation(lower, max(1.1, 1.06 * _highest(shown)))
        lower.set_ylabel("utilisation (%)")
        self._time.dress(upper, ticks=9, labels=False)
        self._time.dress(lower, ticks=9)
        self._mark_events(upper, say="what")
        self._mark_events(lower)
        return grid[:, 0]

    # -- what the pictures say ----------------------------------------------------------------

    def _exit_peaks(self) -> Peaks:
        keys = _exit_keys(self._results)
        found = _figures(self._results.summary, "exit_utilisation_peak")
        return {s: {(e, w): found[s, f"exit:{e}:{w}"] for e, w in keys} for s in self._strategies}

    def _overflow(self, peaks: Peaks) -> str:
        """How many exits go above their capacity, by strategy."""
        total = len({e for e, _ in _exit_keys(self._results)})

        def count(strategy: str) -> str:
            full = [key for key, (peak, *_) in peaks[strategy].items() if peak > 1.0]
            if not full:
                return f"{_name(strategy)}: none"
            scopes = [f"exit:{exit_id}:{way}" for exit_id, way in full]
            hours = max(self._results.figure(strategy, "hours_above_100", one) for one in scopes)
            count = len({exit_id for exit_id, _ in full})
            return f"{_name(strategy)}: {count} of {total}, for up to {_duration(hours)}"

        return self._each(count, mark=";")

    def _each(
        self, say: Callable[[str], str], names: Sequence[str] | None = None, mark: str = ","
    ) -> str:
        """Say something of every strategy, or of the first few."""
        names = self._strategies if names is None else names
        said = [say(name) for name in names[:3]]
        if len(names) > 3:
            said.append(f"{len(names) - 3} more")
        return f"{mark} ".join(said)

    def _ways(self, peaks: Peaks, direction: str | None) -> list[str]:
        """Directions to show, the fuller one first."""
        if direction is not None:
            if direction not in WAY_WORDS:
                raise SimulatorError(f"expected a direction 'in' or 'out', found {direction!r}")
            return [direction]
        top = {"in": 0.0, "out": 0.0}
        for of_exit in peaks.values():
            for (_, way), (peak, *_) in of_exit.items():
                top[way] = max(top[way], peak)
        return sorted(top, key=lambda way: -top[way])

    def _choose(
        self,
        exits: str | Iterable[str] | None,
        peaks: Peaks,
        ways: list[str],
    ) -> tuple[list[str], list[str]]:
        """Exits to show, and words on those left out."""
        every = _by_peak(peaks, ways)
        if exits is not None:
            wanted = [exits] if isinstance(exits, str) else list(exits)
            for exit_id in wanted:
                if exit_id not in every:
                    raise SimulatorError(f"no exit named {exit_id!r}{did_you_mean(exit_id, every)}")
            if not wanted:
                raise SimulatorError("name one exit or more")
            return wanted, []
        busy = [e for e in every if any(p[e, w][0] > 0 for p in peaks.values() for w in ways)]
        shown = (busy or every)[:MOST_PANELS]
        words = []
        if len(busy) > len(shown):
            words.append(f"the {len(shown)} fullest of {len(every)} exits")
        if busy and len(every) > len(busy):
            idle = [_name(e, 24) for e in every if e not in busy]
            some = ", ".join(idle[:6]) + (f" and {len(idle) - 6} more" if len(idle) > 6 else "")
            words.append(f"not shown, carrying nothing: {some}")
        return shown, words

    def _told(
        self,
        capacity: dict[tuple[str, str], float],
        exit_id: str,
        ways: Sequence[str],
        peaks: Sequence[float],
    ) -> str:
        """Second line of a panel's title: capacity and peaks in the order of the legend."""
        told = _arrow(_percent(peak)[:-2] for peak in peaks)
        return f"{_gbps_words(capacity, exit_id, ways)}, peak {told} %"

    def _scopes(self, scope: str | None) -> list[str]:
        """Scopes of latency to show, after a check that there are figures for them."""
        s = self._results.summary
        means = s[(s["metric"] == "latency_ms_mean") & s["mean"].notna()]
        known = list(dict.fromkeys(means["scope"]))
        if not _file(self._results, "demands").exists():
            raise NothingToShow("the run kept no demands table (record.demands: none)")
        if scope is None:
            return sorted(name for name in INTERNATIONAL if name in known) or ["all"]
        if scope not in known:
            raise SimulatorError(f"no traffic named {scope!r}{did_you_mean(scope, known)}")
        return [scope]

    def _latency_title(self, scopes: list[str]) -> str:
        figure = self._results.figure
        if len(self._strategies) != 2:

            def means(strategy: str) -> str:
                told = (f"{figure(strategy, 'latency_ms_mean', one):.1f}" for one in scopes)
                return f"{_name(strategy)} {' / '.join(told)} ms"

            words = " / ".join(_scope_words(one) for one in scopes)
            return f"What latency do users see? Mean {words}: {self._each(means)}"
        first, second = self._strategies
        apart = _figures(self._results.differences, "latency_ms_mean")
        told = []
        for one in scopes:
            gain, low, high = apart[second, one]
            spread = f" ± {(high - low) / 2:.1f}" if math.isfinite(high - low) else ""
            sign = "−" if gain < 0 else "+"
            told.append(f"{sign}{abs(gain):.1f}{spread} ms {_scope_words(one)}")
        return f"Mean latency, {_name(second)} against {_name(first)}: {', '.join(told)}"

    def _count_words(self) -> str:
        return f"{self._count} replications" if self._count > 1 else "1 replication: no interval"

    def _band_words(self) -> str:
        if self._count < 2:
            return self._count_words()
        return f"line: mean, band: lowest to highest of {self._count} replications"

    def _point_words(self) -> str:
        seconds = self._time.step_s
        if seconds >= 60:
            length = f"{seconds / 60:g} min"
        else:
            length = f"{seconds:g} s"
        every = self._results.run["scenario"]["record"]["every"]
        sampled = f", every {every}th step kept" if every > 1 else ""
        return f"lines show means over steps of {length}{sampled}; peaks (summary.csv) are exact"

    # -- how they are drawn -------------------------------------------------------------------

    def _sheet(
        self,
        title: str,
        legend: Sequence[tuple[Artist, str]],
        words: Iterable[str],
        *,
        height: float,
        rows: int = 1,
        columns: int = 1,
        left: float = 0.62,
        gap_x: float = 0.0,
        gap_y: float = 0.0,
        head: float = 0.06,
        extra: float = 0.0,
    ) -> tuple[Figure, np.ndarray]:
        """Make a figure: title, legend, panels of *height* each, source line; all in inches."""
        titles = _wrapped(title, WIDTH_IN - 0.2, TITLE_PT, "bold")[:3]
        text = _wrapped(self._source(words), WIDTH_IN - 0.2, SOURCE_PT)[:4]
        slots, lines = _legend_shape([label for _, label in legend])
        title_in, legend_in = 0.13 + 0.165 * len(titles), 0.15 * lines + 0.06
        self._foot_in = 0.08 + 0.125 * len(text)
        axis_in = 0.42
        panels_in = rows * (height + head) + (rows - 1) * (gap_y - head if gap_y > head else gap_y)
        total = title_in + legend_in + panels_in + extra + axis_in + self._foot_in
        fig = self._new_figure(figsize=(WIDTH_IN, total))
        fig.suptitle(
            "\n".join(titles),
            x=0.1 / WIDTH_IN,
            y=1 - 0.08 / total,
            ha="left",
            va="top",
            fontsize=TITLE_PT,
            fontweight="bold",
            linespacing=1.25,
        )
        fig.supxlabel(
            "\n".join(text),
            x=0.1 / WIDTH_IN,
            y=0.05 / total,
            ha="left",
            va="bottom",
            fontsize=SOURCE_PT,
            color=GREY,
            linespacing=1.3,
        )
        if legend:
            fig.legend(
                [handle for handle, _ in legend],
                [f" {label}" if label.startswith("_") else label for _, label in legend],
                loc="upper left", bbox_to_anchor=(0.1 / WIDTH_IN, 1 - title_in / total),
                ncols=slots, borderaxespad=0, borderpad=0, handlelength=2.2, columnspacing=1.4,
                handletextpad=0.5, labelspacing=0.35, fontsize=LEGEND_PT,
            )  # fmt: skip
        top = 1 - (title_in + legend_in + head) / total
        bottom = (self._foot_in + axis_in + extra) / total
        width = WIDTH_IN - left - 0.15
        grid = fig.subplots(
            rows,
            columns,
            squeeze=False,
            gridspec_kw={
                "left": left / WIDTH_IN,
                "right": 1 - 0.15 / WIDTH_IN,
                "top": top,
                "bottom": bottom,
                "wspace": gap_x * columns / (width - gap_x * (columns - 1)),
                "hspace": max(gap_y, head)
                * rows
                / ((top - bottom) * total - max(gap_y, head) * (rows - 1)),
            },
        )
        return fig, grid

    def _source(self, words: Iterable[str]) -> str:
        """The line at the bottom: what was simulated, on what, and what the figure shows."""
        run = self._results.run
        said = [f"Scenario: {_name(run['title'] or run['name'], 90)}"]
        network = f"simulated on {_name(run['network']['name'], 50)}"
        estimates = [n for n in run["notes"] if n.startswith("Estimate: ")]
        if any(n.startswith("Estimate: links.capacity_gbps") for n in estimates):
            network += "; link capacities are estimates (see run.json)"
        elif estimates:
            network += "; some inputs are estimates (see run.json)"
        said.append(network)
        text = ". ".join(_sentence(part) for part in said)
        hidden = len(self._results.strategies) - len(self._strategies)
        of_more = f"{hidden} strategies of more regret are not drawn" if hidden else ""
        extra = "; ".join(word for word in (*words, of_more) if word)
        return f"{text}. {_sentence(extra)}." if extra else f"{text}."

    def _lines(
        self,
        labels: dict[str, str] | None = None,
        *,
        marker: bool = False,
    ) -> list[tuple[Artist, str]]:
        """Legend entries of the strategies, or of those that *labels* names."""
        labels = {s: _name(s) for s in self._strategies} if labels is None else labels
        entries = []
        for place, strategy in enumerate(self._strategies):
            if strategy in labels:
                look = _look(place)
                left_out = "ls" if marker else "marker"
                kept = {name: value for name, value in look.items() if name != left_out}
                entries.append(_stroke(labels[strategy], lw=0.8 if marker else 1.6, ms=5, **kept))
        return entries

    def _limits(self) -> list[tuple[Artist, str]]:
        return [
            _stroke("capacity", color="black", lw=0.9),
            _stroke(f"target {_percent(self._target)}", color="black", lw=0.8, ls=(0, (1, 2))),
        ]

    def _ways_key(self, ways: Sequence[str]) -> list[tuple[Artist, str]]:
        widths = (1.8, 0.6) if len(ways) > 1 else (1.4,)
        return [
            _stroke(WAY_WORDS[way], color=GREY, lw=width)
            for way, width in zip(ways, widths, strict=True)
        ]

    def _events_key(self) -> list[tuple[Artist, str]]:
        """Legend entries of the events, by number when there are several."""
        from matplotlib.patches import Patch

        words = [self._event_words(interval) for interval in self._events]
        if len(words) > 1:
            words = [f"{i}: {word}" for i, word in enumerate(words, 1)]
        if len(words) > MOST_EVENTS:
            words = [*words[: MOST_EVENTS - 1], f"and {len(words) - MOST_EVENTS + 1} more events"]
        return [(Patch(facecolor=PALE, alpha=0.7), word) for word in words]

    def _event_words(self, interval: Interval) -> str:
        begin = self._time.words(interval.begin_h)
        if interval.end_h is None:
            return f"{interval.what} from {begin}"
        return f"{interval.what} {begin}–{self._time.words(interval.end_h, since=interval.begin_h)}"

    def _mark_events(self, ax: Axes, *, say: str = "") -> None:
        """Shade the time of every event and say what it is, or its number in the legend."""
        lanes: list[float] = []
        for number, interval in enumerate(self._events, 1):
            begin = self._time.of_hours(interval.begin_h)
            end = self._time.of_hours(
                self._time.horizon_h if interval.end_h is None else interval.end_h
            )
            if interval.shaded:
                ax.axvspan(begin, end, color=PALE, alpha=0.45, lw=0, zorder=0.4)
            ax.axvline(begin, color=GREY, lw=0.6, zorder=0.5)
            if say:
                label = _name(interval.what, 44) if say == "what" else f"{number}"
                self._label_event(ax, label, begin, lanes, size=7.0 if say == "what" else 5.5)

    def _label_event(
        self, ax: Axes, label: str, begin: float, lanes: list[float], *, size: float
    ) -> None:
        """Write at the top of a panel, in the first of some lanes that is free there."""
        low, high = ax.get_xlim()
        panel_in = ax.get_position().width * WIDTH_IN
        width = (_width_in(label, size) + 0.05) / panel_in * (high - low)
        left = min(begin + 0.004 * (high - low), high - width)
        lane = next((i for i, until in enumerate(lanes) if until <= left), len(lanes))
        lanes[lane : lane + 1] = [left + width]
        if lane <= 3:
            down = -2 - 1.3 * size * lane
            _note(ax, label, (left, 1), down, over="data", fontsize=size, color="#444444")

    def _line(self, track: Track) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates of a track as steps: thinned, the last value held to the end."""
        end = min(track.time_s[-1] / 3600 + self._time.step_h, self._time.horizon_h)
        x = self._time.of_hours(np.r_[track.time_s / 3600, end])
        return _thin(x, *(np.r_[values, values[-1]] for values in track[1:]))

    def _draw(
        self, ax: Axes, place: int, track: Track, *, bold: bool = True, dashed: bool = True
    ) -> None:
        """Draw a track as the line of a strategy, with its band."""
        look = _look(place)
        x, mean, low, high = self._line(track)
        if bold and self._count > 1:
            ax.fill_between(
                x, low, high, color=look["color"], alpha=0.22, lw=0, step="post", zorder=1.5
            )
        ax.plot(
            x,
            mean,
            color=look["color"],
            ls=look["ls"] if dashed else "-",
            lw=(1.3 if len(x) < MOST_POINTS / 2 else 0.8) if bold else 0.6,
            alpha=1.0 if bold else 0.8,
            drawstyle="steps-post",
            label=self._strategies[place],
            zorder=3 if bold else 2,
        )

    def _dress_utilisation(self, ax: Axes, top: float) -> None:
        ax.set_ylim(0, top)
        ax.set_yticks(_ticks(top, 6))
        ax.yaxis.set_major_formatter(_percents)
        self._dress_limits(ax.axhline)

    def _dress_limits(self, line: Callable[..., Any]) -> None:
        line(1.0, color="black", lw=0.9, zorder=1)
        line(self._target, color="black", lw=0.8, ls=(0, (1, 2)), zorder=1)

    def _panel_title(self, ax: Axes, title: str, told: str) -> None:
        """Name of a panel at its upper left, and below it what it says, in grey."""
        up = 11.5 if told else 3
        _note(ax, title, (0, 1), up, va="bottom", fontsize=7.5, fontweight="bold")
        _note(ax, told, (0, 1), 3, va="bottom", fontsize=6.8, color="#444444")

    def _draw_spread(
        self, ax: Axes, scope: str, spread: dict[str, tuple[np.ndarray, np.ndarray]]
    ) -> None:
        """Draw the distribution of latency, with its mean marked."""
        figure = self._results.figure
        far = []
        for strategy, (value, share) in spread.items():
            far += [value[np.searchsorted(share, 0.998)], figure(strategy, "latency_ms_p95", scope)]
        x = np.linspace(0, 1.04 * max(far, default=1.0), MOST_POINTS)
        for place, strategy in enumerate(self._strategies):
            if strategy not in spread:
                continue
            look = _look(place)
            value, share = spread[strategy]
            y = np.r_[0.0, share][np.searchsorted(value, x, side="right")]
            ax.plot(x, y, color=look["color"], ls=look["ls"], label=strategy, zorder=3)
            mark = {"color": look["color"], "mec": "white", "mew": 0.5, "zorder": 6}
            mean = figure(strategy, "latency_ms_mean", scope)
            ax.plot(mean, 0, "^", ms=6, clip_on=False, **mark)
        ax.set_ylim(0, 1.02)
        ax.set_xlim(0, x[-1])
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
        ax.yaxis.set_major_formatter(_percents)
        ax.set_xlabel("one-way latency (ms)")
        told = [
            f"{word} {_arrow(f'{figure(s, metric, scope):.1f}' for s in self._strategies)} ms"
            for word, metric in (("mean", "latency_ms_mean"), ("p95", "latency_ms_p95"))
        ]
        self._panel_title(ax, _scope_words(scope), ", ".join(told))

    def _split_labels(self, scopes: Sequence[str]) -> list[str]:
        return [
            f"{_name(s, 16)}, {_scope_words(one, 14)}" for one in scopes for s in self._strategies
        ]

    def _draw_split(self, ax: Axes, scopes: list[str]) -> None:
        """Draw mean latency as propagation and, hatched, queueing."""
        names = ("propagation_ms_mean", "queueing_ms_mean", "latency_ms_p95")
        rows: list[float] = []
        far = 0.0
        for group, scope in enumerate(scopes):
            for place, strategy in enumerate(self._strategies):
                row = len(rows) + 0.4 * group
                rows.append(row)
                fixed, wait, p95 = (self._results.figure(strategy, one, scope) for one in names)
                if not math.isfinite(fixed):
                    continue
                colour = _look(place)["color"]
                ax.barh(row, fixed, height=0.8, color=colour, alpha=0.3, lw=0)
                hatched = {"facecolor": "white", "edgecolor": colour, "hatch": "//////", "lw": 0.6}
                ax.barh(row, wait, left=fixed, height=0.8, **hatched)
                ax.plot(p95, row, "o", color=colour, ms=4.5, clip_on=False)
                text = f" {fixed:.1f} propagation + {wait:.1f} queueing"
                ax.text(0, row, text, va="center", ha="left", fontsize=7)
                far = max(far, fixed + wait, p95)
        ax.set_yticks(rows, self._split_labels(scopes))
        ax.set_ylim(rows[-1] + 0.6, -0.6)
        ax.set_xlim(0, 1.04 * far)
        ax.grid(visible=False, axis="y")
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel(
            "mean one-way latency (ms): propagation shaded, queueing hatched; dot: 95th percentile"
        )


FIGURES = (
    "hottest_exit",
    "exit_utilisation",
    "exit_peaks",
    "latency",
    "latency_over_time",
    "loss",
    "control",
)
"""The standard figures, in the order of a report."""

# mypy holds a property for something that cannot be replaced.
Results.plot = property(Plots)  # type: ignore[method-assign, assignment]


def write_figures(
    results: Results, folder: str | Path, formats: Iterable[str] = ("png",)
) -> list[Path]:
    """Write the standard figures that the run has something to show for.

    Parameters
    ----------
    results : Results
    folder : path
        Made when it is not there.
    formats : iterable of str
        Of ``png``, ``svg`` and ``pdf``. The same results give the same bytes.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    SimulatorError
        A format is unknown.
    """
    from matplotlib.figure import Figure

    formats = tuple(formats)
    for name in formats:
        if name not in FORMATS:
            known = ", ".join(FORMATS)
            raise SimulatorError(
                f"no figures as {name!r}{did_you_mean(name, FORMATS)}; known: {known}"
            )
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    plots = Plots(results, Figure)
    written = []
    for figure in FIGURES:
        if figure == "loss" and not any(_loses(results, s) for s in results.strategies):
            continue
        try:
            axes = getattr(plots, figure)()
        except NothingToShow:
            continue
        drawn = np.atleast_1d(axes)[0].figure
        for name in formats:
            written.append(_save(drawn, place / f"{figure}.{name}", name))
    return written


def _save(figure: Figure, path: Path, name: str) -> Path:
    """Write a figure whole, without anything that changes from day to day."""
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    unfinished = path.with_name(f".{path.name}.unfinished-{os.getpid()}")
    try:
        with _style():
            figure.savefig(unfinished, format=name, dpi=150, metadata=metadata[name])
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


# -- from tables to curves --------------------------------------------------------------------

Peaks = dict[str, dict[tuple[str, str], tuple[float, float, float]]]
"""Peak utilisation with its interval by strategy, then by exit and direction."""


class Track(NamedTuple):
    """A quantity over time: mean, lowest and highest over replications."""

    time_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, series: int) -> Track:
        """Return one of several series."""
        return Track(self.time_s, *(values[:, series] for values in self[1:]))


class _Folds:
    """Replications of every strategy folded into mean, lowest and highest, one at a time."""

    def __init__(self) -> None:
        self._held: dict[str, list[np.ndarray]] = {}

    def add(self, strategy: str, values: np.ndarray) -> None:
        there = np.isfinite(values)
        if strategy not in self._held:
            self._held[strategy] = [
                np.where(there, values, 0.0), there.astype(np.int32), values.copy(), values.copy()
            ]  # fmt: skip
            return
        held = self._held[strategy]
        held[0] += np.where(there, values, 0.0)
        held[1] += there
        held[2], held[3] = np.fmin(held[2], values), np.fmax(held[3], values)

    def tracks(self, time_s: np.ndarray) -> dict[str, Track]:
        """Return what was folded; NaN where no replication had a value."""
        with np.errstate(invalid="ignore"):
            return {
                strategy: Track(time_s, total / count, low, high)
                for strategy, (total, count, low, high) in self._held.items()
            }


def _file(results: Results, table: str) -> Path:
    return results.folder / f"{table}.parquet"


def _rows(
    results: Results, table: str, columns: list[str]
) -> Iterator[tuple[tuple[int, str], pd.DataFrame]]:
    """Read a table in parts; each belongs to one replication and strategy."""
    import pyarrow.parquet as pq

    wanted = drawn(results)
    with pq.ParquetFile(_file(results, table)) as file:
        for batch in file.iter_batches(1 << 19, columns=["replication", "strategy", *columns]):
            frame = batch.to_pandas()
            keys = ["replication", "strategy"]
            for (replication, strategy), rows in frame.groupby(keys, sort=False, observed=True):
                if strategy in wanted:
                    yield (int(replication), str(strategy)), rows


def _exit_keys(results: Results) -> list[tuple[str, str]]:
    """Every exit and direction."""
    exits = results.run["network"]["exits"]
    if not exits:
        name = results.run["network"]["name"]
        raise NothingToShow(
            f"network {name} has no exits, so there is no utilisation of exits to show"
        )
    return [(exit_id, way) for exit_id in exits for way in ("out", "in")]


def _exit_grids(results: Results, column: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield a column of the exits table, steps by exits and directions, for every replication."""
    place = {key: i for i, key in enumerate(_exit_keys(results))}
    time = _Time.of(results.run["scenario"])
    current: tuple[int, str] | None = None
    grid = np.empty(0)
    for key, rows in _rows(results, "exits", ["time_s", "exit", "direction", column]):
        if key != current:
            if current is not None:
                yield current[1], grid
            current, grid = key, np.full((len(time.steps_s), len(place)), np.nan)
        exits, ways = rows["exit"].cat, rows["direction"].cat
        lookup = np.array(
            [[place[e, w] for w in ways.categories] for e in exits.categories], dtype=np.int64
        )
        series = lookup[exits.codes.to_numpy(), ways.codes.to_numpy()]
        grid[time.index(rows["time_s"].to_numpy()), series] = rows[column].to_numpy()
    if current is not None:
        yield current[1], grid


def _exit_tracks(
    results: Results, column: str, reduce: Callable[[np.ndarray], np.ndarray] | None = None
) -> dict[str, Track]:
    """Fold a column of the exits table over replications, after *reduce* if given."""
    folds = _Folds()
    for strategy, grid in _exit_grids(results, column):
        folds.add(strategy, reduce(grid) if reduce else grid)
    return folds.tracks(_Time.of(results.run["scenario"]).steps_s)


def _hottest(grid: np.ndarray) -> np.ndarray:
    """Greatest utilisation of any exit and direction that is up; zero when none is."""
    return np.fmax.reduce(grid, axis=1, initial=0.0)


def _exit_capacity(results: Results) -> dict[tuple[str, str], float]:
    """Capacity of every exit and direction at the start."""
    wanted = set(_exit_keys(results))
    found: dict[tuple[str, str], float] = {}
    for _, rows in _rows(results, "exits", ["exit", "direction", "capacity_gbps"]):
        first = rows.iloc[: len(wanted)]
        columns = (first["exit"], first["direction"], first["capacity_gbps"])
        for exit_id, way, gbps in zip(*columns, strict=True):
            found.setdefault((str(exit_id), str(way)), float(gbps))
        break
    return found


SCOPES = ("class", "service", "region", "province", "source", "target")
"""Columns of the demands table that say what a row is about."""


def _in_scope(rows: pd.DataFrame, scope: str | None) -> np.ndarray:
    """Rows of the demands table that belong to a class, a region, or to all traffic."""
    if scope is None:
        return rows["class"].isin(INTERNATIONAL).to_numpy()
    if scope == "all":
        return np.ones(len(rows), dtype=bool)
    ends = [name for name in SCOPES if name in rows]
    return np.any([(rows[name] == scope).to_numpy() for name in ends], axis=0)


def _demand_rows(
    results: Results, scope: str | None, columns: list[str]
) -> Iterator[tuple[tuple[int, str], pd.DataFrame]]:
    """Rows of the demands table within a scope."""
    import pyarrow.parquet as pq

    file = _file(results, "demands")
    if not file.exists():
        raise NothingToShow("the run kept no demands table (record.demands: none)")
    there = pq.read_schema(file).names
    keys = [name for name in SCOPES if name in there]
    for key, rows in _rows(results, "demands", [*keys, *columns]):
        yield key, rows[_in_scope(rows, scope)]


def _demand_sums(
    results: Results, time: _Time, scope: str | None
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield sums over the demands of a scope at every step, for every replication."""
    columns = ["time_s", "offered_gbps", "carried_gbps", "latency_ms", "propagation_ms"]
    sums: dict[tuple[int, str], dict[str, np.ndarray]] = {}
    for key, rows in _demand_rows(results, scope, columns):
        if sums and key not in sums:
            ((_, strategy),) = sums
            yield strategy, sums.popitem()[1]
        index = time.index(rows["time_s"].to_numpy())
        carried = rows["carried_gbps"].to_numpy()
        parts = {
            "offered": rows["offered_gbps"].to_numpy(),
            "carried": carried,
            "latency": np.nan_to_num(rows["latency_ms"].to_numpy()) * carried,
            "propagation": np.nan_to_num(rows["propagation_ms"].to_numpy()) * carried,
        }
        held = sums.setdefault(key, {name: np.zeros(len(time.steps_s)) for name in parts})
        for name, values in parts.items():
            held[name] += np.bincount(index, weights=values, minlength=len(time.steps_s))
    for (_, strategy), held in sums.items():
        yield strategy, held


def _spread(results: Results, scope: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Latency and the share of the traffic carried that sees no more, by strategy."""
    grain_ms, longest = 1e-2, 10_000_000
    held: dict[str, np.ndarray] = {}
    for (_, strategy), rows in _demand_rows(results, scope, ["carried_gbps", "latency_ms"]):
        carried, latency = rows["carried_gbps"].to_numpy(), rows["latency_ms"].to_numpy()
        keep = (carried > 0) & np.isfinite(latency)
        grain = np.minimum(np.rint(latency[keep] / grain_ms), longest).astype(np.int64)
        old = held.get(strategy, np.zeros(1))
        new = np.bincount(grain, weights=carried[keep], minlength=len(old))
        new[: len(old)] += old
        held[strategy] = new
    return {
        strategy: (np.flatnonzero(weight) * grain_ms, np.cumsum(weight[weight > 0]) / weight.sum())
        for strategy, weight in held.items()
        if weight.any()
    }


def _cycles(results: Results) -> dict[str, dict[str, Track]]:
    """What every controller did after the start, folded over replications."""
    if not _file(results, "control").exists():
        return {}
    columns = ["time_s", "layer", "trigger", "mlu", "moved_gbps"]
    parts: dict[tuple[int, str], list[pd.DataFrame]] = {}
    for key, rows in _rows(results, "control", columns):
        wanted = rows[(rows["layer"] == "controller") & (rows["trigger"] != "start")]
        if len(wanted):
            parts.setdefault(key, []).append(wanted)
    scenario = results.run["scenario"]
    found: dict[str, dict[str, Track]] = {}
    for strategy in dict.fromkeys(name for _, name in parts):
        tables = [p for (_, name), pieces in parts.items() if name == strategy for p in pieces]
        acted_s = np.unique(np.concatenate([table["time_s"].to_numpy() for table in tables]))
        every_s = scenario["strategies"][strategy]["control"]["every_s"]
        time_s = _with_pauses(acted_s, every_s, _Time.of(scenario).horizon_h * 3600)
        for column in ("moved_gbps", "mlu"):
            folds = _Folds()
            for (_, name), pieces in parts.items():
                if name != strategy:
                    continue
                values = np.full(len(time_s), np.nan)
                for piece in pieces:
                    at = np.searchsorted(time_s, piece["time_s"].to_numpy())
                    values[at] = piece[column].to_numpy()
                folds.add(strategy, values)
            found.setdefault(strategy, {})[column] = folds.tracks(time_s)[strategy]
    return found


def _with_pauses(acted_s: np.ndarray, every_s: float, end_s: float) -> np.ndarray:
    """Add the times at which a cycle is over and no other follows, as in an outage."""
    over = acted_s + 1.5 * every_s
    paused = over < np.r_[acted_s[1:], np.inf]
    return np.unique(np.r_[acted_s, np.minimum(over[paused], end_s)])


def _figures(table: pd.DataFrame, metric: str) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Mean and interval of a metric, by strategy and scope."""
    rows = table[table["metric"] == metric]
    names = zip(rows["strategy"], rows["scope"], strict=True)
    values = zip(rows["mean"], rows["ci_low"], rows["ci_high"], strict=True)
    return dict(zip(names, values, strict=True))


def _loses(results: Results, strategy: str) -> bool:
    """Whether more is lost than rounding explains."""
    return results.figure(strategy, "loss_fraction") > 1e-9


def _international_loss(results: Results, strategy: str) -> float | None:
    """Share of the international volume that is lost; None if other traffic is lost too."""
    lost, offered = (_figures(results.summary, f"{one}_gbit") for one in ("lost", "offered"))
    keys = [(strategy, name) for name in INTERNATIONAL if (strategy, name) in lost]
    abroad = sum(lost[key][0] for key in keys)
    if abroad < 0.999 * lost[strategy, "all"][0]:
        return None
    total = sum(offered[key][0] for key in keys)
    return abroad / total if total > 0 else None


def _thin(
    x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keep the lowest and highest point of every bin, so that peaks stay visible."""
    if len(x) <= MOST_POINTS:
        return x, mean, low, high
    edges = np.linspace(0, len(x), MOST_POINTS // 2 + 1).astype(int)
    down = np.where(np.isnan(mean), np.inf, mean)
    up = np.where(np.isnan(mean), -np.inf, mean)
    pairs = [
        sorted((begin + down[begin:end].argmin(), begin + up[begin:end].argmax()))
        for begin, end in itertools.pairwise(edges)
    ]
    keep = np.array(pairs).ravel()
    band_low, band_high = np.fmin.reduceat(low, edges[:-1]), np.fmax.reduceat(high, edges[:-1])
    return x[keep], mean[keep], np.repeat(band_low, 2), np.repeat(band_high, 2)


def _highest(tracks: Iterable[Track]) -> float:
    """Greatest value of any track; zero when there is none."""
    return max((float(np.fmax.reduce(t.high, initial=0.0)) for t in tracks), default=0.0)


def _lowest(tracks: Iterable[Track]) -> float:
    """Least value of any track; zero when there is none."""
    least = min((float(np.fmin.reduce(t.low, initial=np.inf)) for t in tracks), default=0.0)
    return least if math.isfinite(least) else 0.0


def _by_peak(peaks: Peaks, ways: Sequence[str]) -> list[str]:
    """Exits, the fullest first; those alike in the order of the file."""
    top: dict[str, float] = {}
    for of_exit in peaks.values():
        for (exit_id, way), (peak, *_) in of_exit.items():
            top[exit_id] = max(top.get(exit_id, 0.0), peak if way in ways else 0.0)
    return sorted(top, key=lambda exit_id: -top[exit_id])


# -- time -------------------------------------------------------------------------------------


class Interval(NamedTuple):
    """An event of the scenario: what, and from when to when, in hours after the start."""

    what: str
    begin_h: float
    end_h: float | None
    shaded: bool


def _intervals(scenario: dict[str, Any]) -> list[Interval]:
    """Return the events in order of time; a change of capacity that stays is not shaded."""
    from simulator.simulation.faults import Event

    intervals = []
    for values in scenario["events"]:
        event = Event(**values)
        lasting = event.until_h is None and event.capacity_gbps is not None
        intervals.append(Interval(_name(event.what, 60), event.at_h, event.until_h, not lasting))
    return sorted(intervals, key=lambda interval: interval.begin_h)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class _Time:
    """The time axis: local hours up to two days, days beyond."""

    horizon_h: float
    step_s: float
    every: int
    start: datetime | None

    @classmethod
    def of(cls, scenario: dict[str, Any]) -> _Time:
        start = datetime.fromisoformat(scenario["start"]) if scenario.get("start") else None
        horizon = scenario.get("horizon_h") or 24.0
        if start and scenario.get("end"):
            span = datetime.fromisoformat(scenario["end"]) - start
            horizon = span.total_seconds() / 3600.0
        return cls(float(horizon), float(scenario["step_s"]), scenario["record"]["every"], start)

    @property
    def begin_h(self) -> float:
        """Local hour of the start."""
        if self.start is None:
            return 0.0
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        return (self.start - midnight).total_seconds() / 3600.0

    @property
    def step_h(self) -> float:
        """Time between two rows of the tables."""
        return self.step_s * self.every / 3600.0

    @property
    def in_days(self) -> bool:
        return self.horizon_h > 48.0

    @functools.cached_property
    def steps_s(self) -> np.ndarray:
        """Beginning of every step that the tables keep."""
        count = math.ceil(self.horizon_h * 3600 / self.step_s - 1e-9)
        return np.arange(0, count, self.every) * self.step_s

    def index(self, time_s: np.ndarray) -> np.ndarray:
        """Positions of times in ``steps_s``."""
        return np.rint(time_s / (self.step_s * self.every)).astype(np.int64)

    def of_hours(self, hours: Any) -> Any:
        """Place on the axis of hours after the start."""
        return (self.begin_h + hours) / (24.0 if self.in_days else 1.0)

    def words(self, hours: float, since: float | None = None) -> str:
        """Time of day, with the day when the scenario has several and it is not that of *since*."""
        minutes = round((self.begin_h + hours) * 60)
        day, minute = divmod(minutes, 24 * 60)
        last = math.ceil((self.begin_h + self.horizon_h) / 24 - 1e-9) - 1
        if minute == 0 and (day > last or (since is not None and hours > since)):
            day, minute = day - 1, 24 * 60
        clock = f"{minute // 60:02d}:{minute % 60:02d}"
        if last < 1 or (since is not None and day == (self.begin_h + since) // 24):
            return clock
        return f"{self._day(day)} {clock}"

    def _day(self, day: int) -> str:
        if self.start is None:
            return f"day {day + 1}"
        date = self.start + timedelta(days=day)
        return f"{date.day} {_MONTHS[date.month - 1]}"

    def dress(self, ax: Axes, *, ticks: int, labels: bool = True) -> None:
        """Set limits, ticks and label of the time axis."""
        low, high = self.of_hours(0.0), self.of_hours(self.horizon_h)
        ax.set_xlim(low, high)
        if self.in_days:
            steps: tuple[float, ...] = (1, 2, 7, 14, 28, 56, 91, 182, 365, 730, 1825, 3650)
        else:
            steps = (1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 3, 6, 12, 24)
        step = next((s for s in steps if (high - low) / s <= ticks), steps[-1])
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        at = [i * step for i in range(first, last + 1)]
        whole_days = self.in_days and step == 1
        if not labels or whole_days:
            ax.set_xticks(at, [""] * len(at))
        else:
            room = 0.07 * (high - low) if self.in_days else -1.0
            words = [self._tick(v, step, high) if v < high - room else "" for v in at]
            ax.set_xticks(at, words)
        if labels and whole_days:  # the name of a day stands in its middle
            days = [d for d in range(math.floor(low), math.ceil(high)) if low <= d + 0.5 <= high]
            ax.set_xticks(
                [d + 0.5 for d in days], [self._tick(d, 1, high) for d in days], minor=True
            )
            ax.tick_params(axis="x", which="minor", length=0)
        if labels:
            ax.set_xlabel(self._label())

    def _label(self) -> str:
        if not self.in_days:
            return "local time (h)"
        return "local date" if self.start else "day"

    def _tick(self, value: float, step: float, end: float) -> str:
        """Label of a tick; midnight is 24 at the end of the axis and 0 elsewhere."""
        if self.in_days:
            return self._day(round(value)) if self.start else f"{round(value) + 1}"
        minutes = round(value * 60)
        hour = minutes // 60 % 24
        if step < 1:
            return f"{hour}:{minutes % 60:02d}"
        return "24" if hour == 0 and 0 < value > end - 0.01 else f"{hour}"


# -- words and looks --------------------------------------------------------------------------


def _style() -> AbstractContextManager[None]:
    """The house style, whatever the reader has set."""
    from matplotlib import style

    fonts = {"font.family": ["DejaVu Sans", *_han_fonts()]}
    return style.context(["default", {**STYLE, **fonts}])


@functools.cache
def _han_fonts() -> tuple[str, ...]:
    """Fonts on this machine that hold Chinese characters."""
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return tuple(name for name in HAN_FONTS if name in there)[:1]


@functools.cache
def _drawable() -> frozenset[int]:
    """Characters that the fonts hold."""
    from matplotlib import font_manager

    held: set[int] = set()
    for name in ("DejaVu Sans", *_han_fonts()):
        file = font_manager.findfont(name)
        held.update(font_manager.get_font(file).get_charmap())
    return frozenset(held)


def _name(text: Any, limit: int = 30) -> str:
    """Return a name as it can be drawn: on one line, not too long, boxes for what no font holds."""
    held = _drawable()
    line = " ".join(str(text).split())
    kept = (c for c in line if unicodedata.category(c) not in ("Cc", "Cf"))
    plain = "".join(c if ord(c) in held else BOX for c in kept)
    if any(c == BOX or unicodedata.east_asian_width(c) in "WF" for c in plain):
        limit //= 2
    if len(plain) <= limit:
        return plain
    tail = limit // 3
    return f"{plain[: limit - tail - 1]}…{plain[-tail:]}"


@functools.lru_cache(4096)
def _width_in(text: str, size: float, weight: str = "normal") -> float:
    """Width of a text in inches."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    look = FontProperties(size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, look, False)[0]) / 72.0


def _wrapped(text: str, width_in: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text into lines that are no wider than allowed."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width_in(longer, size, weight) > width_in:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _room_for(labels: Iterable[str]) -> float:
    """Inches left of a panel whose ticks have these labels."""
    return 0.2 + max(_width_in(label, LABEL_PT) for label in labels)


def _sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def _scope_words(scope: str, limit: int = 24) -> str:
    return SCOPE_WORDS.get(scope, _name(scope, limit))


def _percent(share: float, *, fine: bool = False) -> str:
    """Return a share in words; never 100 % of what is a little more or less."""
    digits = 1 if fine or (round(share, 2) == 1.0 and share != 1.0) else 0
    return f"{100 * share:,.{digits}f} %"


def _percents(share: float, place: float | None = None) -> str:
    """Label of a tick, in per cent."""
    return f"{100 * share:,.0f}"


def _duration(hours: float) -> str:
    return f"{hours:,.1f} h" if hours >= 1 else f"{max(round(hours * 60), 1)} min"


def _above(hours: float) -> str:
    return f"{_duration(hours)} above capacity" if hours > 0 else "never above capacity"


def _arrow(figures: Iterable[str]) -> str:
    """Join the figures of strategies, in the order of the legend."""
    told = list(figures)
    return (" → " if len(told) == 2 else " / ").join(told)


def _gbps_words(capacity: dict[tuple[str, str], float], exit_id: str, ways: Sequence[str]) -> str:
    """Capacity of an exit; of both directions when they differ."""
    each = [capacity.get((exit_id, way), math.nan) for way in ways]
    if len(set(each)) == 1:
        return f"{each[0]:,.5g} Gbps"
    both = " / ".join(f"{gbps:,.5g} {way}" for gbps, way in zip(each, ways, strict=True))
    return f"{both} Gbps"


def _look(place: int) -> dict[str, Any]:
    """Colour, line style and marker of a strategy by its place in the scenario."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "ls": DASHES[place % len(DASHES)],
        "marker": MARKERS[place % len(MARKERS)],
    }


def _note(
    ax: Axes,
    text: str,
    at: tuple[float, float],
    up: float,
    *,
    over: str = "axes fraction",
    va: str = "top",
    **look: Any,
) -> None:
    """Write at the upper edge of a panel, some points above (or below) a place."""
    coordinates = (over, "axes fraction")
    ax.annotate(text, at, (0, up), coordinates, "offset points", ha="left", va=va, zorder=5, **look)


def _stroke(label: str, **look: Any) -> tuple[Artist, str]:
    """Entry of a legend: a line or mark, and what it stands for."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **look), label


def _ticks(top: float, most: int) -> list[float]:
    """Round places on an axis from zero."""
    steps = (0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, math.inf)
    step = next(s for s in steps if top / s <= most)
    return [0.0] if math.isinf(step) else list(np.arange(0.0, top + 1e-9, step))


def _columns(panels: int) -> int:
    """Columns of a grid of panels."""
    return panels if panels <= 3 else 3 if panels in (5, 6, 9) else 4


def _legend_shape(labels: Sequence[str]) -> tuple[int, int]:
    """Columns and lines of a legend that is no wider than the figure."""
    if not labels:
        return 1, 0
    for lines in range(1, len(labels)):
        columns = -(-len(labels) // lines)
        stacks = [labels[i * lines : (i + 1) * lines] or [""] for i in range(columns)]
        widths = [max(_width_in(label, LEGEND_PT) for label in stack) for stack in stacks]
        if sum(widths) + 0.45 * columns <= WIDTH_IN - 0.2:
            return columns, lines
    return 1, len(labels)


def _pyplot_figure(**kwargs: Any) -> Figure:
    from matplotlib import pyplot

    return pyplot.figure(**kwargs)
