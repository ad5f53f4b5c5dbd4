"""Load drawing: links on a map by how full they are, in colours that stay apart in grey."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.figures import style
from simulator.figures.maps.drawing import (
    IDLE,
    KIND_STYLES,
    UNSCALED,
    draw_idle,
    draw_land,
    has_width_key,
    samples,
    widths,
)
from simulator.figures.maps.map_data import LinkBundle, MapData
from simulator.figures.maps.names import LABEL_PT, placed_names
from simulator.figures.maps.views import View
from simulator.figures.style import Axes
from simulator.figures.words import percent
from simulator.model.topology import NODE_KINDS

LEVELS = ("#b5d9f0", "#6aa9dc", "#bf5208", "#78101c")
"""Colours of links below half the target, below the target, below capacity, and overloaded; each
is darker than the one before, so that they stay apart in grey."""
DOWN = "#222222"
THINNEST_PT = 0.8

Loads = tuple[np.ndarray, np.ndarray]
"""Utilisation of every direction of a link, and the share of its capacity that stands."""


def load_colour(utilisation: float, target: float) -> str:
    """Return the colour of a link by how full it is; NaN is down."""
    if np.isnan(utilisation):
        return DOWN
    return LEVELS[int(np.searchsorted((target / 2, target, 1.0001), utilisation, side="right"))]


def draw_loads(
    ax: Axes, map_data: MapData, view: View, links: dict[tuple[int, int, str], list[int]],
    loads: Loads, target: float, wide: float,
) -> None:  # fmt: skip
    """Draw a view on empty Axes: land, links by load, nodes, names, and marks of failures.

    Parameters
    ----------
    links : dict
        The links of each bundle, by its two nodes and its class.
    wide : float
        Width of the panel in inches of the layout.
    """
    draw_land(ax, view)
    draw_idle(ax, map_data, view)
    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    width = _width(map_data, view)
    bundles = sorted(view.bundles(map_data), key=lambda b: _fullest(loads, links[b[:3]]))
    drawn = []
    for bundle in bundles:
        used = _fullest(loads, links[bundle[:3]])
        pieces = map_data.segments(bundle)
        drawn += pieces
        look = {"color": load_colour(used, target), "lw": factor * width(bundle.gbps)}
        look |= {"ls": style.DOTS, "lw": factor * 1.1} if np.isnan(used) else {}
        for piece in pieces:
            ax.plot(*piece.T, solid_capstyle="round", zorder=2.5 if np.isnan(used) else 2, **look)
        _mark(ax, pieces, used, float(np.min(loads[1][_arcs(links[bundle[:3]])])), factor)
    marks = draw_nodes(ax, map_data, view, factor)
    _write_names(ax, map_data, view, drawn, marks, wide)


def load_legend(target: float, map_data: MapData, view: View, wide: float, factor: float) -> Any:
    """Return the entries of colours, of widths, and of failures."""
    half, most = percent(target / 2), percent(target)
    words = (f"below {half}", f"to {most} (target)", "to capacity", "overloaded")
    entries = [
        style.stroke(text, color=colour, lw=factor * 2.4)
        for colour, text in zip(LEVELS, words, strict=True)
    ]
    signs = {"color": DOWN, "lw": factor * 1.1, "ms": factor * 4.5, "mec": DOWN}
    entries.append(style.stroke("down", ls=style.DOTS, marker="x", **signs))
    entries.append(style.stroke("part lost", **{**signs, "ls": "", "marker": "v"}))
    if view.idle(map_data):
        entries.append(style.stroke("no capacity", **{**IDLE, "lw": factor * IDLE["lw"]}))
    bundles = view.bundles(map_data)
    if has_width_key(bundles):
        width, scaled = _width(map_data, view), _scaled(bundles)
        entries += [
            style.stroke(
                f"{gbps:,.6g} Gbps", color=style.GREY, lw=factor * width(gbps),
                solid_capstyle="butt",
            )
            for gbps in samples(min(scaled), max(scaled))
        ]  # fmt: skip
    return entries


def _scaled(bundles: list[LinkBundle]) -> list[float]:
    return [b.gbps for b in bundles if b.link_class not in UNSCALED] or [b.gbps for b in bundles]


def _width(map_data: MapData, view: View) -> Any:
    width = widths(_scaled(view.bundles(map_data)))
    return lambda gbps: max(THINNEST_PT, width(gbps))


def _arcs(links: list[int]) -> np.ndarray:
    return np.concatenate([2 * np.array(links), 2 * np.array(links) + 1])


def _fullest(loads: Loads, links: list[int]) -> float:
    """Return how full the fullest of some links is; NaN where all are down."""
    return float(np.fmax.reduce(loads[0][_arcs(links)]))


def _mark(ax: Axes, pieces: list[np.ndarray], used: float, standing: float, factor: float) -> None:
    """Mark the middle of a line that is down, or has lost a part of its capacity."""
    if not np.isnan(used) and standing > 1 - 1e-9:
        return
    longest = max(pieces, key=len)
    lon, lat = longest[len(longest) // 2]
    look: dict[str, Any] = {"ms": factor * 5, "color": DOWN, "zorder": 4, "ls": ""}
    if np.isnan(used):
        ax.plot(lon, lat, marker="x", mew=factor * 1.6, gid="down", **look)
    else:
        ax.plot(lon, lat, marker="v", mec="white", mew=factor * 0.5, gid="part-lost", **look)


def draw_nodes(ax: Axes, map_data: MapData, view: View, factor: float) -> np.ndarray:
    """Draw nodes in grey by their kind; return longitude, latitude and size of each."""
    marks = []
    for kind in reversed(NODE_KINDS):
        nodes = np.intersect1d(map_data.nodes_of(kind), view.nodes)
        if len(nodes):
            size = 0.7 * KIND_STYLES[kind]["ms"]
            look = {**KIND_STYLES[kind], "ms": factor * size, "mec": "white", "mew": factor * 0.5}
            look |= {"mfc": "none", "mec": "black"} if kind == "gateway" else {"mfc": "#33475b"}
            ax.plot(map_data.lon[nodes], map_data.lat[nodes], ls="", zorder=3, **look)
            marks += [(map_data.lon[i], map_data.lat[i], size) for i in nodes]
    return np.array(marks, dtype=float).reshape(-1, 3)


def _write_names(
    ax: Axes, map_data: MapData, view: View, lines: list[np.ndarray], marks: np.ndarray,
    wide: float,
) -> None:  # fmt: skip
    from matplotlib.patheffects import withStroke

    factor = style.enlargement(ax.figure)  # type: ignore[arg-type]
    halo = [withStroke(linewidth=factor * 1.6, foreground="white", alpha=0.85)]
    for each in placed_names(map_data, view, lines, marks, wide, LABEL_PT):
        ax.text(each.lon, each.lat, each.label, fontsize=factor * LABEL_PT, ha="center",
                va="center", zorder=5, path_effects=halo)  # fmt: skip
