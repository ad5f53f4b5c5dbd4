"""Names on a map: which to write, and where they cover neither marks nor other names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import View
from simulator.figures.page import MARGIN_IN
from simulator.figures.style import Axes, enlargement, layout_width, name, width_in

RANK = {kind: i for i, kind in enumerate(("super_core", "pop", "gateway", "core", "region"))}
"""Kinds whose names come first where there is no room for all."""
MOST_LABELS = 45
LABEL_PT = 6.2


def panel_width(fig: Any) -> float:
    """Return the width of a panel, in inches of the layout of its figure."""
    return layout_width(fig) - 2 * MARGIN_IN


def names_of(map_data: MapData, view: View) -> list[tuple[int, str]]:
    """Return the names to write, the most important first; nodes at one place share one."""
    network = map_data.network
    carried = np.bincount(network.tail, network.capacity_gbps, minlength=len(network.nodes))
    kinds = network.node_kind
    order = sorted(
        view.nodes.tolist(), key=lambda i: (RANK.get(str(kinds[i]), len(RANK)), -carried[i], i)
    )
    seen: set[tuple[float, float]] = set()
    found = []
    for node in order:
        place = (round(map_data.lon[node], 2), round(map_data.lat[node], 2))
        if place not in seen:
            seen.add(place)
            label = network.graph.nodes[network.nodes[node]].get("city") or network.nodes[node]
            found.append((node, name(label, 24)))
    return found


class PlacedName(NamedTuple):
    """A name on a map: its node, and the longitude and latitude of its middle."""

    node: int
    label: str
    lon: float
    lat: float


def write_names(
    ax: Axes, map_data: MapData, view: View, lines: list[np.ndarray], marks: np.ndarray
) -> None:
    """Write names beside their nodes; see :func:`placed_names`."""
    from matplotlib.patheffects import withStroke

    factor = enlargement(ax.figure)  # type: ignore[arg-type]
    outline = withStroke(linewidth=factor * 1.6, foreground="white", alpha=0.85)
    for each in placed_names(map_data, view, lines, marks, panel_width(ax.figure), LABEL_PT):
        ax.text(each.lon, each.lat, each.label, fontsize=factor * LABEL_PT, ha="center",
                va="center", zorder=5, path_effects=[outline])  # fmt: skip


def placed_names(
    map_data: MapData,
    view: View,
    lines: list[np.ndarray],
    marks: np.ndarray,
    wide: float,
    size_pt: float,
) -> list[PlacedName]:
    """Return names beside their nodes, where they cover no other name and no mark.

    Of the places around a node, the one that covers the fewest points of lines is taken; a name
    for which there is no place is left out.

    Parameters
    ----------
    lines : list of ndarray, shape (points, 2)
        Longitudes and latitudes of the links that are drawn.
    marks : ndarray, shape (nodes, 3)
        Longitude, latitude and size in points of the nodes that are drawn.
    wide : float
        Width of the panel in inches.
    size_pt : float
        Size of the type.
    """
    corner, per_degree = np.array([view.west, view.south]), wide / (view.east - view.west)
    scale = per_degree * np.array([1.0, view.stretch])
    panel = np.array([wide, wide * view.high])
    ink = (np.concatenate([_dense(line) for line in lines] or [np.zeros((0, 2))]) - corner) * scale
    centres, half = (marks[:, :2] - corner) * scale, marks[:, 2:] / 144.0
    taken = np.hstack([centres - half, centres + half])
    found: list[PlacedName] = []
    for node, label in names_of(map_data, view):
        at = (np.array([map_data.lon[node], map_data.lat[node]]) - corner) * scale
        boxes = _places(at[0], at[1], width_in(label, size_pt), size_pt / 72.0)
        inside = (boxes[:, :2] >= 0.03).all(axis=1) & (boxes[:, 2:] <= panel - 0.03).all(axis=1)
        free = boxes[inside & ~_overlap(boxes, taken).any(axis=1)]
        if len(free):
            points = np.hstack([ink, ink])
            box = free[_overlap(free, points).sum(axis=1).argmin()]
            taken = np.vstack([taken, box])
            lon, lat = corner + (box[:2] + box[2:]) / 2 / scale
            found.append(PlacedName(node, label, float(lon), float(lat)))
            if len(found) == MOST_LABELS:
                break
    return found


def _dense(line: np.ndarray) -> np.ndarray:
    """Return a line with three points for each of its own, against which names are held."""
    at = np.arange(0, len(line) - 1 + 1e-9, 1 / 3)
    index = np.arange(len(line))
    return np.stack([np.interp(at, index, line[:, k]) for k in (0, 1)], axis=1)


def _places(x: float, y: float, wide: float, high: float) -> np.ndarray:
    """Return boxes for a name around a node, the best first: left, bottom, right, top."""
    boxes = []
    for gap in (0.055, 0.1):
        for side, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            reach = gap * (0.75 if side and up else 1.0)
            left = x + side * reach + (side - 1) / 2 * wide
            low = y + up * reach + (up - 1) / 2 * high
            boxes.append((left, low, left + wide, low + high))
    return np.array(boxes)


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which boxes overlap which others, shape (boxes, others)."""
    below = boxes[:, None, :2] < others[None, :, 2:]
    return np.asarray((below & (others[None, :, :2] < boxes[:, None, 2:])).all(axis=2))
