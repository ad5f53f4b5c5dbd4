"""Drawing of a map: land, links by class and capacity, nodes by kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from simulator.figures.maps.land import land_in
from simulator.figures.maps.map_data import LinkBundle, MapData
from simulator.figures.maps.names import RANK, write_names
from simulator.figures.maps.views import View
from simulator.figures.style import GREY, Axes, enlargement, stroke
from simulator.model.topology import NODE_KINDS

SEA, SHORE, LAND_GREY = "#ffffff", "#cfcfcf", "#ededed"
CLASS_COLOURS = {
    "core": "#0072B2",
    "provincial": "#56B4E9",
    "gateway": "#009E73",
    "exit": "#D55E00",
    "overseas": "#CC79A7",
    "access": "#b8a36a",
}
KIND_STYLES: dict[str, dict[str, Any]] = {
    "super_core": {"marker": "o", "ms": 6.5, "mfc": "#08306b", "mec": "white", "mew": 0.6},
    "core": {"marker": "o", "ms": 4.6, "mfc": "#0072B2", "mec": "white", "mew": 0.5},
    "provincial": {"marker": "o", "ms": 2.9, "mfc": "white", "mec": "#0072B2", "mew": 0.7},
    "gateway": {"marker": "D", "ms": 8.0, "mfc": "none", "mec": "#009E73", "mew": 1.2},
    "pop": {"marker": "^", "ms": 5.4, "mfc": "#D55E00", "mec": "white", "mew": 0.5},
    "region": {"marker": "s", "ms": 3.2, "mfc": "white", "mec": "#8a7434", "mew": 0.8},
}
IDLE: dict[str, Any] = {"color": GREY, "lw": 0.7, "ls": (0, (4, 3))}
"""Look of links without capacity."""
THINNEST_PT, THICKEST_PT = 0.4, 3.6
UNSCALED = ("access",)
"""Classes whose capacity is as good as unlimited, and left out of the scale of widths."""


def draw_view(ax: Axes, map_data: MapData, view: View) -> None:
    """Draw a view on empty Axes: land, links, nodes, and names beside them."""
    from matplotlib.collections import LineCollection

    factor = enlargement(ax.figure)  # type: ignore[arg-type]
    draw_land(ax, view)
    draw_idle(ax, map_data, view)
    width = _width_key(ax, view.bundles(map_data))
    lines: list[np.ndarray] = []
    for link_class in reversed(view.classes):  # the core comes last, and so on top
        pieces = [
            (piece, width(bundle.gbps))
            for bundle in view.bundles(map_data)
            if bundle.link_class == link_class
            for piece in map_data.segments(bundle)
        ]
        if pieces:
            drawn = LineCollection(
                [piece for piece, _ in pieces],
                linewidths=[factor * points for _, points in pieces],
                colors=CLASS_COLOURS[link_class],
                alpha=0.85,
                capstyle="round",
                zorder=2,
                gid=f"links-{link_class}",
                label=link_class,
            )
            ax.add_collection(drawn, autolim=False)
            lines += [piece for piece, _ in pieces]
    marks = []
    for kind in reversed(NODE_KINDS):
        nodes = np.intersect1d(map_data.nodes_of(kind), view.nodes)
        if len(nodes):
            size = KIND_STYLES[kind]["ms"] * _crowd(len(view.nodes))
            look = {**KIND_STYLES[kind], "ms": factor * size}
            look |= {"mew": factor * look["mew"], "label": kind, "gid": f"nodes-{kind}"}
            rank = len(RANK) - RANK.get(kind, len(RANK))
            lon, lat = map_data.lon[nodes], map_data.lat[nodes]
            ax.plot(lon, lat, ls="", zorder=3.5 if kind == "gateway" else 3 + 0.1 * rank, **look)
            marks += [(x, y, size) for x, y in zip(lon, lat, strict=True)]
    write_names(ax, map_data, view, lines, np.array(marks).reshape(-1, 3))


def draw_land(ax: Axes, view: View) -> None:
    """Draw the frame of a view, and the land in it."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    ax.set(xlim=(view.west, view.east), ylim=(view.south, view.north), xticks=[], yticks=[])
    ax.set_facecolor(SEA)
    ax.grid(visible=False)
    ax.spines[:].set(visible=True, color=SHORE)
    rings = land_in(view)
    if rings:
        # One outline for all, so that a ring that runs the other way round is a hole.
        outline = Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))
        land = PathPatch(outline, fc=LAND_GREY, ec=SHORE, lw=0.4, zorder=0.5, gid="land")
        ax.add_artist(land)  # unlike add_patch not to find its limits, which takes long


def draw_idle(ax: Axes, map_data: MapData, view: View) -> None:
    """Draw links without capacity, thin and dashed."""
    factor = enlargement(ax.figure)  # type: ignore[arg-type]
    look: dict[str, Any] = {**IDLE, "lw": factor * IDLE["lw"], "zorder": 1.8, "gid": "idle"}
    for bundle in view.idle(map_data):
        for piece in map_data.segments(bundle):
            ax.plot(*piece.T, **look)


def _crowd(count: int) -> float:
    """Return how much smaller to draw where there is much to draw."""
    return min(1.0, max(0.45, math.sqrt(80 / max(count, 1))))


def widths(gbps: Sequence[float]) -> Callable[[float], float]:
    """Return the width of a line, in points, by its capacity: its square is in proportion.

    Of the capacities of a panel, the largest is drawn thickest, and less so where there are many.
    """
    crowd = _crowd(len(gbps))
    if len(set(gbps)) < 2:
        return lambda _: 1.2 * crowd
    most, thickest = max(gbps), max(THICKEST_PT * crowd, 2 * THINNEST_PT)
    return lambda gbps: THINNEST_PT + (thickest - THINNEST_PT) * math.sqrt(min(gbps / most, 1.0))


def has_width_key(bundles: Iterable[LinkBundle]) -> bool:
    """Return whether capacities differ, so that widths mean something."""
    return len(set(_scaled(bundles))) > 1


def _width_key(ax: Axes, bundles: Sequence[LinkBundle]) -> Callable[[float], float]:
    """Write above a panel what the widths of its lines mean, and return them."""
    gbps = _scaled(bundles)
    width = widths(gbps)
    if has_width_key(bundles):
        factor = enlargement(ax.figure)  # type: ignore[arg-type]
        key = [
            stroke(
                f"{sample:,.6g} Gbps", color=GREY, lw=factor * width(sample), solid_capstyle="butt"
            )
            for sample in samples(min(gbps), max(gbps))
        ]
        ax.legend(
            [handle for handle, _ in key], [label for _, label in key],
            loc="lower right", bbox_to_anchor=(1, 1), ncols=len(key), borderaxespad=0.15,
            borderpad=0, handlelength=1.8, handletextpad=0.5, columnspacing=1.4,
            fontsize=factor * 7,
        )  # fmt: skip
    return width


def _scaled(bundles: Iterable[LinkBundle]) -> list[float]:
    """Return the capacities that decide on widths."""
    gbps = [(bundle.gbps, bundle.link_class in UNSCALED) for bundle in bundles]
    return [value for value, unscaled in gbps if not unscaled] or [value for value, _ in gbps]


def samples(least: float, most: float) -> list[float]:
    """Return round capacities that show what widths mean: the largest drawn at most, and less."""
    power = 10.0 ** math.floor(math.log10(most))
    top = next(power * digit for digit in (5, 2, 1) if power * digit <= most)
    within = [gbps for gbps in (top / 10, top / 2, top) if gbps >= least]
    return within if len(within) > 1 else [least, most]
