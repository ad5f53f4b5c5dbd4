"""Views: the panels of a map, what each shows of the earth and of the network."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from simulator.figures.maps.map_data import LinkBundle, MapData
from simulator.model.topology import BACKBONE_CLASSES, LINK_CLASSES

MOST_HIGH, LEAST_HIGH = 0.68, 0.3
"""Height of a panel over its width."""


class View(NamedTuple):
    """A panel: what it shows of the earth, which nodes and which classes of links."""

    title: str
    west: float
    east: float
    south: float
    north: float
    nodes: np.ndarray
    classes: tuple[str, ...]

    @property
    def stretch(self) -> float:
        """How much longer a degree of latitude is drawn than one of longitude."""
        return 1.0 / math.cos(math.radians((self.south + self.north) / 2))

    @property
    def high(self) -> float:
        """Height over width."""
        return (self.north - self.south) * self.stretch / (self.east - self.west)

    def bundles(self, map_data: MapData) -> list[LinkBundle]:
        """Return those of its classes between nodes that it shows."""
        return _bundles(map_data.bundles, self.nodes, self.classes)

    def idle(self, map_data: MapData) -> list[LinkBundle]:
        """Return those without capacity."""
        return _bundles(map_data.idle, self.nodes, self.classes)


def _bundles(
    bundles: Iterable[LinkBundle], nodes: np.ndarray, classes: tuple[str, ...]
) -> list[LinkBundle]:
    shown = set(nodes.tolist())
    return [b for b in bundles if b.link_class in classes and {b.a, b.b} <= shown]


def views_of(map_data: MapData) -> list[View]:
    """Return the panels of a map: the world and home where some nodes are abroad, else one."""
    abroad = np.flatnonzero(map_data.network.is_abroad & map_data.placed)
    home = np.flatnonzero(~map_data.network.is_abroad & map_data.placed)
    everything = np.flatnonzero(map_data.placed)
    places = {(map_data.lon[i], map_data.lat[i]) for i in home}
    if not len(abroad) or len(places) < 2:
        return [_view(map_data, "", everything, LINK_CLASSES)]
    outward = tuple(name for name in LINK_CLASSES if name not in (*BACKBONE_CLASSES, "gateway"))
    every = (*map_data.bundles, *map_data.idle)
    touched = {end for b in every if b.link_class in outward for end in (b.a, b.b)}
    out = np.array(sorted(touched | set(abroad.tolist())), dtype=np.int64)
    inward = tuple(name for name in LINK_CLASSES if name not in outward)
    return [
        _view(map_data, "Ways out", out, outward),
        _view(map_data, "At home", home, inward),
    ]


def _view(map_data: MapData, title: str, nodes: np.ndarray, classes: tuple[str, ...]) -> View:
    """Return a view of some nodes and of their lines, with a margin, neither flat nor high."""
    bundles = _bundles((*map_data.bundles, *map_data.idle), nodes, classes)
    lines = [piece for bundle in bundles for piece in map_data.segments(bundle)]
    points = np.concatenate([np.stack([map_data.lon[nodes], map_data.lat[nodes]], axis=1), *lines])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    middle_x, middle_y = (west + east) / 2, min(70.0, max(-70.0, (south + north) / 2))
    wide = min(1.16 * max(east - west, 0.5), 360.0)
    high = min(1.18 * max(north - south, 0.25), 170.0)
    stretch = 1.0 / math.cos(math.radians(middle_y))
    wide = max(wide, high * stretch / MOST_HIGH)
    high = max(high, wide * LEAST_HIGH / stretch)
    across = (middle_x - wide / 2, middle_x + wide / 2)
    return View(title, *across, middle_y - high / 2, middle_y + high / 2, nodes, classes)
