"""Names on a map: which to write, and where they cover neither marks nor other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import View
from simulator.figures.style import WIDTH_IN, Axes, name, width_in

RANK = {kind: i for i, kind in enumerate(("super_core", "pop", "gateway", "core", "region"))}
"""Kinds whose names come first where there is no room for all."""
MOST_LABELS = 45
LABEL_PT = 6.2
PANEL_IN = WIDTH_IN - 0.2
"""Width of a panel."""


class Box(NamedTuple):
    """A rectangle on the panel, in inches."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Return whether the two overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


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


def write_names(
    ax: Axes,
    map_data: MapData,
    view: View,
    lines: Iterable[np.ndarray],
    marks: Sequence[tuple[float, float, float]],
) -> None:
    """Write names beside their nodes, where they cover no other name and no mark.

    Of the places around a node, the one that covers the fewest points of lines is taken; a name
    for which there is no place is left out.
    """
    from matplotlib.patheffects import withStroke

    per_degree = PANEL_IN / (view.east - view.west)

    def inches(points: np.ndarray) -> np.ndarray:
        scale = np.array([per_degree, per_degree * view.stretch])
        return (np.atleast_2d(points) - [view.west, view.south]) * scale

    panel = Box(0.03, 0.03, PANEL_IN - 0.03, PANEL_IN * view.high - 0.03)
    ink = np.concatenate([inches(_dense(line)) for line in lines] or [np.zeros((0, 2))])
    taken = []
    for lon, lat, size in marks:
        (x, y), half = inches(np.array([lon, lat]))[0], size / 144.0
        taken.append(Box(x - half, y - half, x + half, y + half))
    written = 0
    for node, label in names_of(map_data, view):
        if written == MOST_LABELS:
            break
        x, y = inches(np.array([map_data.lon[node], map_data.lat[node]]))[0]
        near = [box for box in taken if abs(box.left - x) < 1.5 and abs(box.bottom - y) < 1.0]
        free = [
            box
            for box in _places(x, y, width_in(label, LABEL_PT), LABEL_PT / 72.0)
            if panel.left <= box.left and box.right <= panel.right
            and panel.bottom <= box.bottom and box.top <= panel.top
            and not any(box.meets(other) for other in near)
        ]  # fmt: skip
        if not free:
            continue
        box = min(free, key=lambda box: _covered(ink, box))
        taken.append(box)
        written += 1
        ax.text(
            view.west + (box.left + box.right) / 2 / per_degree,
            view.south + (box.bottom + box.top) / 2 / (per_degree * view.stretch),
            label,
            fontsize=LABEL_PT,
            ha="center",
            va="center",
            zorder=5,
            path_effects=[withStroke(linewidth=1.6, foreground="white", alpha=0.85)],
        )


def _dense(line: np.ndarray) -> np.ndarray:
    """Return a line with three points for each of its own, against which names are held."""
    at = np.arange(0, len(line) - 1 + 1e-9, 1 / 3)
    index = np.arange(len(line))
    return np.stack([np.interp(at, index, line[:, k]) for k in (0, 1)], axis=1)


def _places(x: float, y: float, wide: float, high: float) -> list[Box]:
    """Places for a name around a node, the best first."""
    found = []
    for gap in (0.055, 0.1):
        for side, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            reach = gap * (0.75 if side and up else 1.0)
            left = x + reach if side > 0 else x - reach - wide if side < 0 else x - wide / 2
            low = y + reach if up > 0 else y - reach - high if up < 0 else y - high / 2
            found.append(Box(left, low, left + wide, low + high))
    return found


def _covered(ink: np.ndarray, box: Box) -> int:
    within = (ink[:, 0] > box.left) & (ink[:, 0] < box.right)
    return int(np.sum(within & (ink[:, 1] > box.bottom) & (ink[:, 1] < box.top)))
