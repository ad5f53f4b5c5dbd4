"""Latency: its distribution over traffic, and its split into propagation and queueing."""

from __future__ import annotations

import math

import numpy as np

from simulator.figures import run_data, run_page, style
from simulator.figures.figure import Figure, figure
from simulator.figures.page import AXIS_IN, RIGHT_IN, panel
from simulator.figures.run_data import RunView
from simulator.figures.style import Axes, Canvas
from simulator.figures.words import joined, percent_tick, scope_words
from simulator.results.results import Results

GRAIN_MS, MOST_GRAINS = 1e-2, 10_000_000
"""Width of a bin of the distribution, and how many there are."""


Spread = dict[str, tuple[np.ndarray, np.ndarray]]
"""Latency in ms, and the share of the traffic carried that sees no more, by strategy."""

BELOW = "latency_below_capacity_ms_mean"
"""The mean latency that no size of buffers moves."""

_PARTS = "propagation, queueing (hatched), full links (dotted); dot: p95"


@figure("latency")
class LatencySpread(Figure):
    """What latency do users see? Its distribution, and what it is made of.

    Parameters
    ----------
    scope : str, optional
        A traffic class, a region abroad, or ``all``; both international classes (all traffic
        where there is none) when left out.
    """

    question = "What latency do users see?"
    order = 4

    scope: str | None = None

    def data(self, results: Results) -> tuple[RunView, dict[str, Spread]]:
        """Return the distribution of latency of each scope."""
        run, scopes = RunView.of(results), run_data.latency_scopes(results, self.scope)
        return run, {scope: spread(run, scope) for scope in scopes}

    def draw(self, data: tuple[RunView, dict[str, Spread]], fig: Canvas) -> np.ndarray:
        """Draw a panel for each scope, and bars of their means below."""
        run, scopes = data[0], list(data[1])
        bars_in = 0.2 * len(scopes) * (len(run.strategies) + 0.4) + 0.1
        labels = [
            f"{style.name(s, 16)}, {scope_words(one, 14)}" for one in scopes for s in run.strategies
        ]
        narrow = style.layout_width(fig) < style.NARROW_IN
        panels, low = run_page.run_page(
            run,
            fig,
            self._title(run, scopes),
            [
                *run_page.strategy_legend(run),
                style.stroke("mean", color=style.GREY, marker="^", ms=5, ls=""),
                style.stroke("95th percentile", color=style.GREY, marker="o", ms=4, ls=""),
            ],
            [
                run_page.count_words(run),
                f"curves: mean latency of a {run.results.run['scenario']['record']['demands']}"
                " in a step, by traffic carried",
                "marks, bars and numbers: exact, over all pairs (summary.csv)",
                f"bars: {_PARTS}" if narrow else "",
            ],
            height=2.2,
            count=len(scopes),
            columns=1 if narrow else len(scopes),
            gap_x=0.3,
            gap_y=0.82,
            head=0.36,
            extra=bars_in + 0.66,
        )
        for ax, scope in zip(panels, scopes, strict=True):
            _draw_spread(run, ax, scope, data[1][scope])
            ax.tick_params(labelleft=narrow or ax is panels[0])
        for ax in panels if narrow else panels[:1]:
            ax.set_ylabel("share of traffic (%)")
        left, foot = style.label_room(labels), low - AXIS_IN - bars_in - 0.66
        bars = panel(fig, left, foot + AXIS_IN, style.layout_width(fig) - left - RIGHT_IN, bars_in)
        _draw_split(run, bars, scopes, labels)
        return np.array([*panels, bars], dtype=object)

    def _title(self, run: RunView, scopes: list[str]) -> str:
        if len(run.strategies) != 2:

            def means(strategy: str) -> str:
                figures = (f"{run.figure(strategy, BELOW, one):.1f}" for one in scopes)
                return f" {' / '.join(figures)} ms"

            words = " / ".join(map(scope_words, scopes))
            return f"{self.question} Mean {words}: {run_page.each(means, run.strategies)}"
        first, second = run.strategies
        apart = run_data.metric_figures(run.results.differences, BELOW)
        gains = []
        for scope in scopes:
            gain, low, high = apart[second, scope]
            half = f" ± {(high - low) / 2:.1f}" if high > low else ""
            sign = "−" if gain < 0 else "+"
            gains.append(f"{sign}{abs(gain):.1f}{half} ms {scope_words(scope)}")
        whose = f"{style.name(second)} against {style.name(first)}"
        return f"Mean latency below capacity, {whose}: {', '.join(gains)}"


def spread(run: RunView, scope: str) -> Spread:
    """Return the distribution of latency within a scope, by strategy."""
    held: dict[str, np.ndarray] = {}
    for strategy, parts in run_data.demand_rows(run, scope, ["carried_gbps", "latency_ms"]):
        for rows in parts:
            carried, latency = rows["carried_gbps"].to_numpy(), rows["latency_ms"].to_numpy()
            keep = (carried > 0) & np.isfinite(latency)
            grain = np.minimum(np.rint(latency[keep] / GRAIN_MS), MOST_GRAINS).astype(np.int64)
            old = held.get(strategy, np.zeros(1))
            new = np.bincount(grain, weights=carried[keep], minlength=len(old))
            held[strategy] = new.astype(float)  # of no rows, NumPy counts in whole numbers
            held[strategy][: len(old)] += old
    return {
        strategy: (np.flatnonzero(weight) * GRAIN_MS, np.cumsum(weight[weight > 0]) / weight.sum())
        for strategy, weight in held.items()
        if weight.any()
    }


def _draw_spread(run: RunView, ax: Axes, scope: str, spreads: Spread) -> None:
    """Draw the distribution of latency of each strategy, with its mean marked."""
    far = []
    for strategy, (value, share) in spreads.items():
        p95 = run.figure(strategy, "latency_ms_p95", scope)
        far += [value[np.searchsorted(share, 0.998)], p95]
    x = np.linspace(0, 1.04 * max(far, default=1.0), run_data.MOST_POINTS)
    for place, strategy in enumerate(run.strategies):
        if strategy not in spreads:
            continue
        look = style.look(place)
        value, share = spreads[strategy]
        y = np.r_[0.0, share][np.searchsorted(value, x, side="right")]
        ax.plot(x, y, color=look["color"], ls=look["ls"], label=strategy, zorder=3)
        mark = {"color": look["color"], "mec": "white", "mew": 0.5, "zorder": 6}
        ax.plot(run.figure(strategy, "latency_ms_mean", scope), 0, "^", ms=6, clip_on=False, **mark)
    ax.set(xlim=(0, x[-1]), ylim=(0, 1.02), yticks=[0, 0.25, 0.5, 0.75, 1.0])
    ax.yaxis.set_major_formatter(percent_tick)
    ax.set_xlabel("one-way latency (ms)")
    style.panel_title(ax, scope_words(scope), _figures(run, ax, scope))


def _figures(run: RunView, ax: Axes, scope: str) -> str:
    """Return mean and p95 in the order of the legend, or their span where these are too many."""
    every, spans = [], []
    for word, metric in (("mean", "latency_ms_mean"), ("p95", "latency_ms_p95")):
        values = [run.figure(strategy, metric, scope) for strategy in run.strategies]
        every.append(f"{word} {joined(f'{value:.1f}' for value in values)} ms")
        spans.append(f"{word} {np.nanmin(values):.1f} to {np.nanmax(values):.1f} ms")
    most_in = ax.get_position().width * style.layout_width(ax.figure)  # type: ignore[arg-type]
    fits = style.width_in(", ".join(every), style.SUBTITLE_PT) <= most_in
    return ", ".join(every if fits else spans)


def _draw_split(run: RunView, ax: Axes, scopes: list[str], labels: list[str]) -> None:
    """Draw mean latency: propagation, queueing below capacity (hatched), full buffers (dotted)."""
    metrics = (
        "propagation_ms_mean",
        "queueing_below_capacity_ms_mean",
        "full_buffer_ms_mean",
        "latency_ms_p95",
    )
    rows: list[float] = []
    far = 0.0
    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    narrow = style.layout_width(ax.figure) < style.NARROW_IN  # type: ignore[arg-type]
    for group, scope in enumerate(scopes):
        for place, strategy in enumerate(run.strategies):
            row = len(rows) + 0.4 * group
            rows.append(row)
            fixed, wait, full, p95 = (run.figure(strategy, metric, scope) for metric in metrics)
            if not math.isfinite(fixed):
                continue
            colour = style.look(place)["color"]
            ax.barh(row, fixed, height=0.8, color=colour, alpha=0.3, lw=0)
            hatched = {"facecolor": "white", "edgecolor": colour, "hatch": "//////", "lw": 0.6}
            ax.barh(row, wait, left=fixed, height=0.8, **hatched)
            dotted = {**hatched, "hatch": "....", "alpha": 0.7}
            ax.barh(row, full, left=fixed + wait, height=0.8, **dotted)
            ax.plot(p95, row, "o", color=colour, ms=4.5, clip_on=False)
            of = ("", "", "") if narrow else (" propagation", " queueing", " full")
            text = f" {fixed:.1f}{of[0]} + {wait:.1f}{of[1]}"
            text += f" + {full:.1f}{of[2]}" if full > 0.05 else ""
            ax.text(0, row, text, va="center", ha="left", fontsize=7 * factor)
            far = max(far, fixed + wait + full, p95)
    ax.set_yticks(rows, labels)
    ax.set(xlim=(0, 1.04 * far), ylim=(rows[-1] + 0.6, -0.6))
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
    label = "mean one-way latency (ms)"
    if not narrow:
        label += f": {_PARTS}"
    ax.set_xlabel(label)
