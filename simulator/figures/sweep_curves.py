"""Sweep curves: a figure of every strategy over the values of one key, with its intervals."""

from __future__ import annotations

import numpy as np

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import AXIS_IN, page, panel
from simulator.figures.style import Axes, Canvas
from simulator.figures.swept import Swept

_HEIGHT_IN, _LEFT_IN = 2.6, 0.5
_MOST_TICKS = 12


@figure("sweep_curves")
class SweepCurves(Figure):
    """How does a figure move with a key? A curve for each strategy, with its 95 % intervals."""

    question = "How does the figure move with the key?"
    of = "sweep"
    order = 1

    def data(self, subject: Swept) -> Swept:
        """Return a sweep over one key."""
        if len(subject.axes) != 1 or subject.rows.empty:
            raise NothingToShow("curves show sweeps over one key")
        return subject

    def draw(self, data: Swept, fig: Canvas) -> Axes:
        """Draw the curves, and the target if there is one."""
        legend = [
            style.stroke(style.name(name), **style.look(place), ms=4)
            for place, name in enumerate(data.strategies)
        ]
        if data.target is not None:
            legend.append(style.stroke("target", color=style.GREY, lw=0.9, ls=(0, (2, 2))))
        band = " Bands: 95 % intervals." if data.rows["ci_low"].notna().any() else ""
        foot = page(fig, data.answer, legend, data.source + band, _HEIGHT_IN + AXIS_IN + 0.15)
        wide = style.layout_width(fig) - _LEFT_IN - 0.2
        ax = panel(fig, _LEFT_IN, foot + AXIS_IN, wide, _HEIGHT_IN)
        for place, name in enumerate(data.strategies):
            _draw_strategy(ax, data, name, place)
        if data.target is not None:
            ax.axhline(data.scale * data.target, color=style.GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
        _label(ax, data)
        return ax


def _draw_strategy(ax: Axes, data: Swept, name: str, place: int) -> None:
    (axis,), rows = data.axes, data.of(name)
    x = axis.at(rows[axis.key].tolist())
    order = np.argsort(x)
    y, low, high = (
        data.scale * rows[key].to_numpy(dtype=float)[order] for key in ("mean", "ci_low", "ci_high")
    )
    look = style.look(place)
    if axis.numbers is None:  # no line between words
        look["ls"] = ""
        known = np.isfinite(low)
        ax.vlines(x[order][known], low[known], high[known], color=look["color"], alpha=0.5, lw=2.5)
    else:
        ax.fill_between(x[order], low, high, color=look["color"], alpha=0.1, lw=0)
    ax.plot(x[order], y, ms=4, **look)


def _label(ax: Axes, data: Swept) -> None:
    (axis,) = data.axes
    if axis.numbers is None:
        ax.set_xticks(range(len(axis.values)), [style.name(text, 14) for text in axis.texts])
        ax.margins(x=0.08)
    elif len(axis.values) <= _MOST_TICKS and data.is_grid:
        ax.set_xticks(axis.numbers, axis.texts)
        _thin(ax, axis.texts)
    ax.set_xlabel(style.name(axis.label, 60))
    ax.set_ylabel(data.label)
    if ax.get_ylim()[0] >= 0 and ax.get_ylim()[0] < 0.5 * ax.get_ylim()[1]:
        ax.set_ylim(bottom=0)


def _thin(ax: Axes, texts: list[str]) -> None:
    """Leave out labels where they would run into each other."""
    room = style.layout_width(ax.figure) - _LEFT_IN - 0.2  # type: ignore[arg-type]
    widest = max(style.width_in(text, style.STYLE["xtick.labelsize"]) for text in texts) + 0.08
    every = int(np.ceil(widest * len(texts) / room))
    ax.set_xticks(ax.get_xticks(), [text if i % every == 0 else "" for i, text in enumerate(texts)])
