"""Sweep map: a figure over the values of two keys, a heat map for each strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import AXIS_IN, page, panel
from simulator.figures.style import Axes, Canvas
from simulator.figures.swept import Swept, SweptAxis

MOST_PANELS = 6
_COLOURS = "YlGnBu"
_HEIGHT_IN, _BAR_IN, _TOP_IN, _GAP_IN = 1.75, 0.62, 0.22, 0.12
_CELL_IN, _CELL_PT = (0.3, 0.14), 6.0
"""Least size of a cell with its figure in it."""


@figure("sweep_map")
class SweepMap(Figure):
    """How does a figure move with two keys? A heat map for each strategy, in the same colours."""

    question = "How does the figure move with both keys?"
    of = "sweep"
    order = 2

    def data(self, subject: Swept) -> Swept:
        """Return a sweep over two keys."""
        if len(subject.axes) != 2 or subject.rows.empty:
            raise NothingToShow("maps show sweeps over two keys")
        return subject

    def draw(self, data: Swept, fig: Canvas) -> Any:
        """Draw a panel for each strategy, and one scale of colours."""
        shown = data.strategies[:MOST_PANELS]
        wide = style.layout_width(fig)
        across = min(len(shown), 1 if wide < style.NARROW_IN else 2 if len(shown) in (2, 4) else 3)
        down = -(-len(shown) // across)
        low_in = _TOP_IN + _HEIGHT_IN
        foot = page(fig, data.answer, [], _source(data, len(shown)), down * low_in + AXIS_IN)
        left = 0.3 + style.label_room(style.name(text, 14) for text in data.axes[0].texts)
        room = (wide - left - _BAR_IN - 0.1) / across
        drawn = []
        for place, name in enumerate(shown):
            row, column = divmod(place, across)
            at = left + column * room, foot + (down - 1 - row) * low_in + AXIS_IN
            ax = panel(fig, *at, room - _GAP_IN, _HEIGHT_IN)
            drawn.append((ax, _draw_panel(ax, data, name, (room - _GAP_IN, _HEIGHT_IN))))
            _label(ax, data, name, column == 0, row == down - 1 or place + across >= len(shown))
        bar = panel(fig, wide - _BAR_IN + 0.02, foot + AXIS_IN, 0.12, down * low_in - _TOP_IN)
        fig.colorbar(drawn[0][1], cax=bar)
        bar.set_title(
            data.label.rpartition(", ")[2] if ", " in data.label else "", fontsize=style.LABEL_PT
        )
        return np.array([ax for ax, _ in drawn])


def _source(data: Swept, shown: int) -> str:
    parts = [f"Colour: {data.label}.", data.source]
    if data.target is not None:
        parts.insert(
            1,
            f"Black: where the target of {100 * data.target:g} % is crossed."
            if data.is_grid
            else f"Crosses: above the target of {100 * data.target:g} %.",
        )
    if (more := len(data.strategies) - shown) > 0:
        parts.append(f"{more} more of the strategies are in the table.")
    return " ".join(parts)


def _draw_panel(ax: Axes, data: Swept, name: str, size_in: tuple[float, float]) -> Any:
    """Draw one strategy, and return what the scale of colours is of."""
    values = data.scale * data.rows["mean"].to_numpy(dtype=float)
    colours: dict[str, Any] = {"cmap": _COLOURS, "vmin": values.min(), "vmax": values.max()}
    rows = data.of(name)
    y_axis, x_axis = data.axes
    found = data.scale * rows["mean"].to_numpy(dtype=float)
    if not data.is_grid:
        return _draw_points(ax, data, rows, found, colours)
    grid = np.full((len(y_axis.values), len(x_axis.values)), np.nan)
    grid[y_axis.row_of(rows[y_axis.key].tolist()), x_axis.row_of(rows[x_axis.key].tolist())] = found
    drawn = ax.imshow(grid, aspect="auto", origin="lower", **colours)
    _write_figures(ax, grid, size_in, (values.min(), values.max()))
    if data.target is not None:
        _draw_border(ax, grid, data.scale * data.target)
    return drawn


def _draw_points(
    ax: Axes, data: Swept, rows: pd.DataFrame, found: np.ndarray, colours: Mapping[str, Any]
) -> Any:
    """Draw points that are no grid, those above the target with a cross."""
    y, x = (axis.at(rows[axis.key].tolist()) for axis in data.axes)
    drawn = ax.scatter(x, y, c=found, s=22, edgecolors=style.GREY, linewidths=0.4, **colours)
    if data.target is not None:
        over = found > data.scale * data.target
        ax.scatter(x[over], y[over], c="black", marker="x", s=8, linewidths=0.7)
    return drawn


def _write_figures(
    ax: Axes, grid: np.ndarray, size_in: tuple[float, float], ends: tuple[float, float]
) -> None:
    """Write the figure into each cell, if cells are large enough."""
    down, across = grid.shape
    if size_in[0] / across < _CELL_IN[0] or size_in[1] / down < _CELL_IN[1]:
        return
    middle = (ends[0] + ends[1]) / 2
    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    for (y, x), figure_there in np.ndenumerate(grid):
        if np.isfinite(figure_there):
            ax.text(
                x, y, f"{figure_there:,.3g}" if figure_there < 1000 else f"{figure_there:,.0f}",
                ha="center", va="center", fontsize=factor * _CELL_PT,
                color="white" if figure_there > middle else "black",
            )  # fmt: skip


def _draw_border(ax: Axes, grid: np.ndarray, target: float) -> None:
    """Draw a line between cells that keep the target and cells that do not."""
    over = grid > target
    for y, x in np.argwhere(over[:, 1:] != over[:, :-1]):
        ax.plot([x + 0.5] * 2, [y - 0.5, y + 0.5], color="black", lw=1.6)
    for y, x in np.argwhere(over[1:] != over[:-1]):
        ax.plot([x - 0.5, x + 0.5], [y + 0.5] * 2, color="black", lw=1.6)


def _label(ax: Axes, data: Swept, name: str, at_left: bool, at_foot: bool) -> None:
    y_axis, x_axis = data.axes
    style.panel_title(ax, style.name(name), "")
    ax.grid(visible=False)
    _ticks(ax, "y", y_axis, data.is_grid, at_left)
    _ticks(ax, "x", x_axis, data.is_grid, at_foot)
    if at_left:
        ax.set_ylabel(style.name(y_axis.label, 34))
    if at_foot:
        ax.set_xlabel(style.name(x_axis.label, 34))


def _ticks(ax: Axes, way: str, axis: SweptAxis, is_grid: bool, labelled: bool) -> None:
    if is_grid or axis.numbers is None:
        most = 7
        every = -(-len(axis.values) // most)
        places = list(range(0, len(axis.values), every))
        texts = [style.name(axis.texts[i], 14) if labelled else "" for i in places]
        (ax.set_xticks if way == "x" else ax.set_yticks)(places, texts)
    elif not labelled:
        ax.tick_params(axis=way, labelbottom=False, labelleft=way == "x")  # type: ignore[arg-type]
