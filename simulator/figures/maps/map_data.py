"""Map data: what of a network can be drawn, and lines on the globe cut open at a meridian."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.figures.figure import NothingToShow
from simulator.model.network import Network

POINTS = 65
"""Points of a great circle."""


class LinkBundle(NamedTuple):
    """The links of one class between two nodes, drawn as one line."""

    a: int
    b: int
    link_class: str
    links: int
    gbps: float


@dataclass(frozen=True, eq=False)
class MapData:
    """A network in coordinates of the map.

    Attributes
    ----------
    network : Network
    lon, lat : ndarray of float, shape (nodes,)
        NaN where the file gives none. Longitudes run east from *seam*, over 360 degrees.
    seam : float
        The meridian at which the map is cut open: where it cuts the fewest links.
    bundles : tuple of LinkBundle
        Links that are up in either direction between nodes with coordinates.
    undrawn_links : int
        Links that are up and have an end without coordinates.
    idle : tuple of LinkBundle
        Links without capacity between nodes with coordinates, where no link of their class is up.
    """

    network: Network
    lon: np.ndarray
    lat: np.ndarray
    seam: float
    bundles: tuple[LinkBundle, ...]
    undrawn_links: int
    idle: tuple[LinkBundle, ...] = ()

    @classmethod
    def of(cls, network: Network) -> MapData:
        """Prepare *network*."""
        data = [attributes for _, attributes in network.graph.nodes(data=True)]
        lon, lat = (
            np.array([math.nan if d.get(key) is None else d[key] for d in data], dtype=float)
            for key in ("lon", "lat")
        )
        placed = np.isfinite(lon) & np.isfinite(lat)
        lon[~placed] = lat[~placed] = math.nan
        if not placed.any():
            raise NothingToShow(f"no node of {network.name!r} has coordinates; a map needs some")
        either = open_links(network)
        bundles, undrawn = _link_bundles(network, placed, either)
        idle, _ = _link_bundles(network, placed, ~either)
        standing = {bundle[:3] for bundle in bundles}
        idle = tuple(bundle for bundle in idle if bundle[:3] not in standing)
        seam = best_seam(lon[placed], [(lon[b.a], lon[b.b]) for b in bundles])
        return cls(network, seam + (lon - seam) % 360.0, lat, seam, bundles, undrawn, idle)

    @property
    def placed(self) -> np.ndarray:
        """Which nodes have coordinates."""
        return np.isfinite(self.lon)

    def nodes_of(self, kind: str) -> np.ndarray:
        """Positions of the nodes of a kind that have coordinates."""
        return np.flatnonzero((self.network.node_kind == kind) & self.placed)

    def segments(self, bundle: LinkBundle) -> list[np.ndarray]:
        """Return the line of a bundle, in two pieces where it crosses the seam."""
        a, b = bundle.a, bundle.b
        lon, lat = great_circle(self.lon[a], self.lat[a], self.lon[b], self.lat[b])
        return split(lon, lat, self.seam)


def open_links(network: Network) -> np.ndarray:
    """Return which links are up and have capacity, in either direction."""
    stands = network.up & (network.capacity_gbps > 0)
    return np.asarray(stands[::2] | stands[1::2])


def _link_bundles(
    network: Network, placed: np.ndarray, wanted: np.ndarray
) -> tuple[tuple[LinkBundle, ...], int]:
    together: dict[tuple[int, int, str], list[int]] = {}
    undrawn = 0
    for link in np.flatnonzero(wanted).tolist():
        a, b = sorted((int(network.tail[2 * link]), int(network.head[2 * link])))
        if placed[a] and placed[b]:
            together.setdefault((a, b, str(network.link_class[link])), []).append(link)
        else:
            undrawn += 1
    larger = np.maximum(network.capacity_gbps[::2], network.capacity_gbps[1::2])
    bundles = (
        LinkBundle(*key, len(links), float(larger[links].sum())) for key, links in together.items()
    )
    return tuple(bundles), undrawn


def best_seam(lon: np.ndarray, links: Sequence[tuple[float, float]]) -> float:
    """Return the meridian at which to cut the map open, from -180 up to 180.

    It is the middle of a gap between the longitudes of nodes: of the gaps that the fewest links
    cross, the widest. *links* are the longitudes of ends; a link takes the shorter way round.
    """
    at = np.unique(np.mod(lon, 360.0))
    gaps = np.diff(at, append=at[0] + 360.0)
    middles = np.mod(at + gaps / 2, 360.0)
    ends = np.mod(np.array(links, dtype=float).reshape(-1, 2), 360.0)
    east = np.mod(ends[:, 1] - ends[:, 0], 360.0)
    begin = np.where(east <= 180.0, ends[:, 0], ends[:, 1])
    reach = np.minimum(east, 360.0 - east)
    crossed = (np.mod(middles[:, None] - begin, 360.0) < reach).sum(axis=1)
    best = min(range(len(at)), key=lambda i: (crossed[i], -gaps[i]))
    return float((middles[best] + 180.0) % 360.0 - 180.0)


def great_circle(
    lon_a: float, lat_a: float, lon_b: float, lat_b: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes along the shortest way between two places.

    Longitudes run on without a jump, from *lon_a*.
    """
    ends = np.radians([[lon_a, lat_a], [lon_b, lat_b]])
    x = np.stack(
        [np.cos(ends[:, 1]) * np.cos(ends[:, 0]), np.cos(ends[:, 1]) * np.sin(ends[:, 0]),
         np.sin(ends[:, 1])], axis=1,
    )  # fmt: skip
    angle = math.acos(min(1.0, max(-1.0, float(x[0] @ x[1]))))
    at = np.linspace(0.0, 1.0, POINTS)[:, None]
    if math.sin(angle) < 1e-9:  # the same place, or opposite ones with no shortest way
        lon = np.linspace(lon_a, lon_a + (lon_b - lon_a + 180.0) % 360.0 - 180.0, POINTS)
        return lon, np.linspace(lat_a, lat_b, POINTS)
    on = (np.sin((1 - at) * angle) * x[0] + np.sin(at * angle) * x[1]) / math.sin(angle)
    lon = np.degrees(np.unwrap(np.arctan2(on[:, 1], on[:, 0])))
    lon += 360.0 * round((lon_a - lon[0]) / 360.0)
    return lon, np.degrees(np.arcsin(np.clip(on[:, 2], -1.0, 1.0)))


def split(lon: np.ndarray, lat: np.ndarray, seam: float) -> list[np.ndarray]:
    """Cut a line, whose longitudes run on without a jump, where it crosses the seam.

    Returns pieces of shape (points, 2) with longitudes from *seam* to *seam* + 360; two that meet
    have their last and first point on the seam, at one latitude.
    """
    turn = np.floor((lon - seam) / 360.0)
    pieces, start = [], 0
    entry: list[tuple[float, float]] = []
    for cut in [*(np.flatnonzero(np.diff(turn)) + 1), len(lon)]:
        line = [*entry, *zip(lon[start:cut] - 360.0 * turn[start], lat[start:cut], strict=True)]
        if cut < len(lon):
            meridian = seam + 360.0 * max(turn[cut - 1], turn[cut])
            share = (meridian - lon[cut - 1]) / (lon[cut] - lon[cut - 1])
            there = lat[cut - 1] + share * (lat[cut] - lat[cut - 1])
            eastward = turn[cut] > turn[cut - 1]
            line.append((seam + 360.0 * eastward, there))
            entry = [(seam + 360.0 * (not eastward), there)]
        pieces.append(np.array(line, dtype=float))
        start = cut
    return pieces
