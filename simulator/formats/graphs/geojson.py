"""GeoJSON: the network on a map, for QGIS, geojson.io and their like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.graphs.graph_file import MARK
from simulator.formats.json_file import as_json
from simulator.formats.native import lost, plain
from simulator.formats.rules.draft import Record
from simulator.model.network import Network

Position = tuple[float, float]
"""Degrees east and north, in this order (RFC 7946)."""


@topology_format("geojson")
class GeoJson(TopologyFormat):
    """GeoJSON: nodes as points, links as lines, split at the 180th meridian; written, not read."""

    suffixes: ClassVar[tuple[str, ...]] = (".geojson",)
    written: ClassVar[tuple[str, ...]] = suffixes
    cannot_hold: ClassVar[tuple[str, ...]] = ("which nodes a line joins",)
    readable: ClassVar[str] = "a .geojson file (written, not read)"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Refuse to read: lines on a map do not say which nodes they join."""
        raise refusal(path, "GeoJSON is a picture of a network; it is written, not read")

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost.

        What has no place on the map is a feature without geometry.
        """
        data = plain(network, path)
        nodes, links = data.pop("nodes"), data.pop("links", [])
        located = [node for node in nodes if "lat" in node and "lon" in node]
        place = {node["id"]: (node["lon"], node["lat"]) for node in located}
        points = [_feature(node, "node", _point(place.get(node["id"]))) for node in nodes]
        lines = [_feature(link, "link", _line(link, place)) for link in links]
        features = ",\n".join(as_json(each) for each in [*points, *lines])
        head = as_json({"type": "FeatureCollection", **MARK, **data})
        write_whole(path, f'{head[:-1]}, "features": [\n{features}\n]}}\n')
        unknown = {
            "node": sum(each["geometry"] is None for each in points),
            "link": sum(each["geometry"] is None for each in lines),
        }
        places = [f"places of {counted(n, noun)}" for noun, n in unknown.items() if n]
        return [*lost(network), *places]


def _feature(record: Record, role: str, geometry: Record | None) -> Record:
    return {
        "type": "Feature",
        "id": f"{role}:{record['id']}",
        "properties": {"role": role, **record},
        "geometry": geometry,
    }


def _point(place: Position | None) -> Record | None:
    return place and {"type": "Point", "coordinates": place}


def _line(link: Record, place: dict[str, Position]) -> Record | None:
    if link["a"] not in place or link["b"] not in place:
        return None
    parts = split(place[link["a"]], place[link["b"]])
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}


def split(a: Position, b: Position) -> Sequence[Sequence[Position]]:
    """Return the line from *a* to *b* the short way round, in two where it crosses 180 degrees."""
    (lon_a, lat_a), (lon_b, lat_b) = a, b
    if abs(lon_b - lon_a) <= 180:
        return [[a, b]]
    side = 180.0 if lon_a > 0 else -180.0
    there, here = abs(side - lon_a), abs(side + lon_b)
    lat = lat_a + (lat_b - lat_a) * (there / (there + here) if there + here else 0.0)
    parts: list[list[Any]] = [[a, (side, lat)], [(-side, lat), b]]
    return [part for part in parts if part[0] != part[1]]
