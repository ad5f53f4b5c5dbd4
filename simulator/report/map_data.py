"""Map data: the network on the map and how full its links are in every frame, for a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.base.text import plain
from simulator.figures.link_series import LinkSeries, links_of_bundles
from simulator.figures.maps.map_data import MapData
from simulator.figures.maps.views import views_of
from simulator.formats.format import load_network
from simulator.model.network import Network
from simulator.report.map_geometry import view_data
from simulator.report.packing import percents
from simulator.report.time_data import MOST_FRAMES, Frames

TOPOLOGY = "inputs/topology.yaml"


def map_data(frames: Frames) -> dict[str, Any]:
    """Return the map of a run as a page holds it.

    Raises
    ------
    NothingToShow
        No node has coordinates.
    """
    network = load_network(frames.run.results.folder / TOPOLOGY)
    drawn = MapData.of(network)
    series = LinkSeries.of(frames.run, network, MOST_FRAMES)
    together = links_of_bundles(network)
    return {
        "views": [view_data(drawn, view, together) for view in views_of(drawn)],
        "links": [link_data(network, i) for i in range(len(network.links))],
        "use": [percents(series.utilisation[name]) for name in frames.run.strategies],
        "changes": _changes(series.capacity_gbps),
        "leftOut": int(np.sum(~drawn.placed)),
    }


def link_data(network: Network, link: int) -> dict[str, Any]:
    """Return what a page holds of a link."""
    ends = [_city(network, int(nodes[2 * link])) for nodes in (network.tail, network.head)]
    return {
        "id": plain(network.links[link]) or network.links[link],
        "class": str(network.link_class[link]),
        "ends": ends,
        "gbps": [float(network.capacity_gbps[2 * link + way]) for way in (0, 1)],
    }


def _city(network: Network, node: int) -> str:
    name = network.nodes[node]
    return plain(str(network.graph.nodes[name].get("city") or name))


def _changes(capacity_gbps: np.ndarray) -> dict[str, list[list[float]]]:
    """Return, of directions whose capacity changes, from which frame on it is what."""
    moving = np.flatnonzero(np.any(capacity_gbps != capacity_gbps[0], axis=0))
    found = {}
    for direction in moving.tolist():
        values = capacity_gbps[:, direction]
        starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
        found[str(direction)] = [[int(i), float(values[i])] for i in starts]
    return found
