"""Map geometry: land, links, nodes and names of a view as SVG holds them, 1,000 units wide."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.base.text import plain
from simulator.figures.maps.drawing import IDLE, KIND_STYLES, UNSCALED, samples, widths
from simulator.figures.maps.land import FINE, land_in
from simulator.figures.maps.map_data import LinkBundle, MapData
from simulator.figures.maps.names import placed_names
from simulator.figures.maps.views import View
from simulator.model.topology import NODE_KINDS

WIDE = 1000.0
TYPE_PT = 7.5
"""Type of names: 10 px."""
PANELS_IN = {"one": 10.5, "wide": 5.6, "narrow": 3.4}
"""Widths of a panel alone, beside another, and on a phone: names are placed for each."""
_UNITS_OF_PT = WIDE / (72 * PANELS_IN["wide"])


def view_data(map_data: MapData, view: View, links: dict[tuple[int, int, str], list[int]]) -> Any:
    """Return what a panel shows.

    Parameters
    ----------
    links : dict
        The links of each bundle, by its two nodes and its class.
    """
    bundles = view.bundles(map_data)
    scaled = [b.gbps for b in bundles if b.link_class not in UNSCALED]
    width = widths(scaled or [b.gbps for b in bundles])
    lines = sorted(bundles, key=lambda bundle: -bundle.gbps)
    key = samples(min(scaled), max(scaled)) if len(set(scaled)) > 1 else []
    return {
        "title": view.title,
        "height": round(WIDE * view.high, 1),
        "land": _land(view),
        "landScale": [WIDE / FINE, WIDE / FINE * view.stretch],
        "lines": [
            *(_line(map_data, view, each, width(each.gbps), links) for each in lines),
            *(
                {**_line(map_data, view, each, IDLE["lw"], links), "idle": True}
                for each in view.idle(map_data)
            ),
        ],
        "nodes": _nodes(map_data, view),
        "names": {size: _names(map_data, view, wide) for size, wide in PANELS_IN.items()},
        "type": {size: _type(wide) for size, wide in PANELS_IN.items()},
        "widthKey": [[f"{gbps:,.6g} Gbps", _points(width(gbps))] for gbps in key],
    }


def _type(wide_in: float) -> float:
    return round(TYPE_PT * WIDE / (72 * wide_in), 1)


def _points(points: float) -> float:
    return round(points * _UNITS_OF_PT, 2)


def _placed(view: View, lon: Any, lat: Any) -> np.ndarray:
    """Return places in units of the view, shape (points, 2)."""
    scale = WIDE / (view.east - view.west)
    x, y = np.asarray(lon) - view.west, (view.north - np.asarray(lat)) * view.stretch
    return np.stack([x * scale, y * scale], axis=-1)


def _land(view: View) -> str:
    """Return the land as a path in whole steps of its grain, each point from the one before."""
    grain = (view.east - view.west) / FINE
    corner = np.array([view.west, view.north])
    parts = []
    for ring in land_in(view):
        at = np.rint((ring - corner) / grain * [1, -1]).astype(int)
        steps = np.diff(at, axis=0, prepend=at[:1] * 0)
        text = " ".join(f"{x} {y}" for x, y in steps[1:].tolist())
        parts.append(f"M{at[0, 0]} {at[0, 1]}l{text}z")
    return "".join(parts)


def _line(
    map_data: MapData,
    view: View,
    bundle: LinkBundle,
    width_pt: float,
    links: dict[tuple[int, int, str], list[int]],
) -> dict[str, Any]:
    pieces = [_placed(view, *piece.T) for piece in map_data.segments(bundle)]
    path = "".join(f"M{_text(piece[0])}L{' '.join(map(_text, piece[1:]))}" for piece in pieces)
    longest = max(pieces, key=len)
    middle = longest[len(longest) // 2]
    return {
        "d": path,
        "w": _points(width_pt),
        "at": [round(float(value), 1) for value in middle],
        "links": links[bundle.a, bundle.b, bundle.link_class],
    }


def _text(point: np.ndarray) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _nodes(map_data: MapData, view: View) -> list[list[Any]]:
    """Return place, kind and words of every node, the least important first."""
    network = map_data.network
    found = []
    for kind in reversed(NODE_KINDS):
        for node in np.intersect1d(map_data.nodes_of(kind), view.nodes).tolist():
            x, y = _placed(view, map_data.lon[node], map_data.lat[node])
            city = network.graph.nodes[network.nodes[node]].get("city") or ""
            words = f"{network.nodes[node]}, {city}" if city else network.nodes[node]
            found.append([round(float(x), 1), round(float(y), 1), kind, plain(words)])
    return found


def _names(map_data: MapData, view: View, wide_in: float) -> list[list[Any]]:
    lines = [piece for b in view.bundles(map_data) for piece in map_data.segments(b)]
    kinds = map_data.network.node_kind
    marks = [
        (map_data.lon[i], map_data.lat[i], KIND_STYLES[str(kinds[i])]["ms"]) for i in view.nodes
    ]
    placed = placed_names(map_data, view, lines, np.array(marks).reshape(-1, 3), wide_in, TYPE_PT)
    return [
        [*(round(float(v), 1) for v in _placed(view, each.lon, each.lat)), plain(each.label)]
        for each in placed
    ]
