"""What files of nodes and edges have in common, whatever their syntax.

A file that we wrote bears `MARK` and holds the keys of a topology file: it is checked as strictly
as one, and nothing is repaired. In any other file, attributes are found by what they are usually
called (`NODE_NAMES`, `LINK_NAMES`; case, blanks and hyphens do not count), and the rest is
repaired.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from simulator.base.document import Document, KeyPath, Place, Spot, shown
from simulator.base.errors import Problem, did_you_mean
from simulator.base.schema import MAX_NAME
from simulator.base.text import counted
from simulator.formats.graphs.edges import DIRECTED, Ways, links_of
from simulator.formats.json_file import as_json, parse_json
from simulator.formats.native import network_of, plain
from simulator.formats.reading import Places, first_of, listed
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.edits import as_number
from simulator.formats.rules.entries import LinkEntry, NodeEntry, TopologyFile, keys
from simulator.formats.rules.repair import repaired
from simulator.formats.units import TEN_TO_THE, in_gbps, speed_gbps
from simulator.model.network import Network

MARK = {"written_by": "telecom-capacity-simulator"}
ABOUT_KEYS = keys(TopologyFile)
SECTIONS = {"nodes": keys(NodeEntry), "links": keys(LinkEntry)}
ENDS = ("id", "a", "b")
NESTED = frozenset(
    {
        *("sources", "assumptions", "estimates", "marks", "uncertainty", "totals"),
        *("regions", "cables", "reaches", "modules"),
    }
)
"""Keys of lists and mappings, which most graph formats can hold as JSON text only."""

NODE_NAMES: dict[str, tuple[str, ...]] = {
    "label": ("label", "name"),
    "lat": ("lat", "latitude"),
    "lon": ("lon", "longitude", "lng", "long"),
    "country": ("country", "country_code"),
    "city": ("city",),
    "province": ("province",),
    "kind": ("kind",),
    "weight": ("weight",),
    "utc_offset_h": ("utc_offset_h",),
}
LINK_NAMES: dict[str, tuple[str, ...]] = {
    "metric": ("metric", "weight", "igp_metric", "cost"),
    "delay_ms": ("delay_ms", "latency_ms", "delay", "latency"),
    "fibre_km": (
        *("fibre_km", "length_km", "distance_km", "dist_km"),
        *("length", "distance", "dist"),
    ),
    "class": ("class",),
    "path_factor": ("path_factor",),
    "price_usd_per_mbps": ("price_usd_per_mbps",),
    "cables": ("cables",),
    "capacity_ba_gbps": ("capacity_ba_gbps",),
    "metric_ba": ("metric_ba", "weight_ba", "igp_metric_ba", "cost_ba", "reverse_cost"),
    "delay_ba_ms": ("delay_ba_ms", "latency_ba_ms"),
}
CAPACITY_NAMES = {
    "capacity_gbps": "gbps",
    "linkspeedraw": "bps",
    "capacity": "",
    "bandwidth": "",
    "bw": "",
    "linkspeed": "text",
    "linklabel": "text",
    "label": "text",
}
"""Names for the capacity of a link with their units, the surest first.

Where the name states no unit, the graph's `unit` counts, else Gbps. Text states its own."""
USUAL_UNITS = {"delay": "ms", "latency": "ms", "length": "km", "distance": "km", "dist": "km"}
ABOUT_NAMES = {"name": ("name", "label"), "title": ("title", "network"), "sources": ("source",)}
UNIT_NAMES = ("unit", "capacity_unit", "bandwidth_unit")
NO_LABEL = "None"
"""What the Topology Zoo writes where it knows no label."""

XML_HAS_NOT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Node(NamedTuple):
    """A node as the file has it."""

    id: Any
    attributes: Mapping[str, Any]
    line: int | None = None


class Edge(NamedTuple):
    """An edge as the file has it."""

    source: Any
    target: Any
    id: Any
    attributes: Mapping[str, Any]
    line: int | None = None
    directed: bool | None = None


@dataclass(frozen=True)
class GraphFile:
    """What a file of nodes and edges says, in its own words.

    An edge is directed if it says so itself; if it does not say, as the graph is.
    """

    path: Path
    attributes: Mapping[str, Any]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    directed: bool = False
    noun: str = "edge"

    def network(self) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        is_ours = all(self.attributes.get(key) == word for key, word in MARK.items())
        return _ours(self) if is_ours else _theirs(self)


# ---------------------------------------------------------------- what we wrote


def _ours(file: GraphFile) -> tuple[Network | None, list[Problem]]:
    """Read the keys of a topology file, as strictly as one."""
    names = {_hashable(node.id): node.attributes.get("label", node.id) for node in file.nodes}
    about = {key: value for key, value in file.attributes.items() if key in ABOUT_KEYS}
    nodes = [{"id": names[_hashable(node.id)], **_known(node, "nodes")} for node in file.nodes]
    links = [
        {
            "id": edge.id,
            "a": names.get(_hashable(edge.source), edge.source),
            "b": names.get(_hashable(edge.target), edge.target),
            **_known(edge, "links"),
        }
        for edge in file.edges
    ]
    data = {**about, "nodes": nodes, "links": links}
    problems: list[Problem] = []
    document = Document(data, str(file.path), file.path, _spot(file))
    places: list[tuple[KeyPath, Record]] = [((), data)]
    places += [(("links", i), link) for i, link in enumerate(links)]
    for path, record in places:
        for key in NESTED & record.keys():
            if isinstance(record[key], str):
                try:
                    record[key] = parse_json(record[key])
                except ValueError as error:
                    record[key] = None
                    message = f"not JSON: {error}"
                    problems.append(document.problem((*path, key), message))
    if problems:
        return None, first_of(problems)
    network, problems = network_of(document)
    return network, [*problems, *_strangers(file)]


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else repr(value)


def _known(element: Node | Edge, section: str) -> Record:
    known = SECTIONS[section]
    return {
        key: value
        for key, value in element.attributes.items()
        if key in known and key not in ENDS and value is not None
    }


def _strangers(file: GraphFile) -> Iterator[Problem]:
    """Yield a warning about attributes that mean nothing here, if there are any."""
    known = {*ABOUT_KEYS, *MARK, *("label", "id", "key", "node_default", "edge_default")}
    found = dict.fromkeys(key for key in file.attributes if key not in known)
    for elements, section in ((file.nodes, "nodes"), (file.edges, "links")):
        theirs = known - {*ABOUT_KEYS} | {*SECTIONS[section]}
        found |= dict.fromkeys(
            key for element in elements for key in element.attributes if key not in theirs
        )
    if found:
        message = f"attributes without a meaning here: {listed(map(shown, found))}"
        yield Problem(str(file.path), None, None, "", message, "warning")


def _spot(file: GraphFile) -> Spot | None:
    """Return where each node and link stands, for messages."""
    parts: dict[str | int, tuple[Place, Spot]] = {}
    sections: dict[str, Sequence[Node | Edge]] = {"nodes": file.nodes, "links": file.edges}
    for section, elements in sections.items():
        places = [(element.line, 0) for element in elements if element.line is not None]
        if len(places) < len(elements) or not places:
            return None
        parts[section] = (
            places[0],
            Spot(*places[0], parts={i: (place, Spot(*place)) for i, place in enumerate(places)}),
        )
    return Spot(1, 0, parts=parts)


# ---------------------------------------------------------------- what others wrote


def _theirs(file: GraphFile) -> tuple[Network | None, list[Problem]]:
    draft, problems = _draft(file)
    draft, repairs = repaired(draft)
    network, found = assemble(draft, [*problems, *repairs])
    errors = [problem for problem in found if problem.severity == "error"]
    warnings = [problem for problem in found if problem.severity == "warning"]
    return network, [*first_of(errors), *warnings]


def _draft(file: GraphFile) -> tuple[Draft, list[Problem]]:
    graph = _by_plain_name(file.attributes)
    unit, problems = _unit(file, graph)
    read = _Reader(unit or "gbps", unit_given=bool(unit))
    nodes = [read.node(node) for node in file.nodes]
    names = {_hashable(node["id"]): str(node.get("label", node["id"])) for node in nodes}
    links = links_of(_ways(file, names), [read.link(edge) for edge in file.edges])
    lines = {
        "nodes": [node.line for node in file.nodes],
        "links": [file.edges[first].line for first in links.first],
    }
    notes = [*links.notes, *((None, text) for text in read.assumed_units())]
    draft = Draft(
        about={**_about(file, graph), "assumptions": tuple(f"{text}." for _, text in notes)},
        nodes=nodes,
        links=links.records,
        point=Places(str(file.path), lines).point,
    )
    problems += [
        draft.warning(("links",) if at is None else ("links", at), text) for at, text in notes
    ]
    problems += [draft.point(("links",), text) for text in links.errors]
    return draft, problems


def _about(file: GraphFile, graph: Mapping[str, Any]) -> Record:
    about = {key: _first(graph, names) for key, names in ABOUT_NAMES.items()}
    texts = {key: " ".join(text.split()) for key, text in about.items() if isinstance(text, str)}
    stem = file.path.name.split(".")[0]
    name = texts.get("name", "")
    return {
        "name": name if 0 < len(name) <= MAX_NAME else stem[:MAX_NAME] or "network",
        "title": texts.get("title", ""),
        "sources": (texts["sources"],) if texts.get("sources") else (),
    }


def _unit(file: GraphFile, graph: Mapping[str, Any]) -> tuple[str, list[Problem]]:
    word = _first(graph, UNIT_NAMES)
    if word is None:
        return "", []
    unit = str(word).strip().casefold().replace("bit/s", "bps").replace("b/s", "bps")
    if unit in TEN_TO_THE:
        return unit, []
    hint = did_you_mean(unit[:MAX_NAME], TEN_TO_THE) or f"; known: {', '.join(TEN_TO_THE)}"
    return "", [Problem(str(file.path), None, None, "unit", f"no unit {shown(word)}{hint}")]


def _ways(file: GraphFile, names: Mapping[Hashable, str]) -> Ways:
    """Return the ends of every edge, and what may tell whether it is one direction of a link."""
    given = [_by_plain_name(edge.attributes) for edge in file.edges]
    said = [DIRECTED.get(str(each.get("type", "")).strip().casefold()) for each in given]
    return Ways(
        ends=[(_hashable(edge.source), _hashable(edge.target)) for edge in file.edges],
        ids=[edge.id for edge in file.edges],
        given=given,
        directed=[
            next(
                (way for way in (edge.directed, by_type) if way is not None), file.directed or None
            )
            for edge, by_type in zip(file.edges, said, strict=True)
        ],
        noun=file.noun,
        names=names,
    )


class _Reader:
    """Reads the attributes of nodes and edges, and notes what they leave open."""

    def __init__(self, unit: str, unit_given: bool) -> None:
        self.unit = unit
        self.unit_given = unit_given
        self.used: dict[str, str] = {}
        self.labels: list[str] = []

    def node(self, node: Node) -> Record:
        """Return a record of a draft."""
        given = _by_plain_name(node.attributes)
        record = {key: _first(given, names) for key, names in NODE_NAMES.items()}
        if record["label"] == NO_LABEL or not isinstance(record["label"], str | int | float):
            record["label"] = None
        return {"id": node.id, **{key: value for key, value in record.items() if value is not None}}

    def link(self, edge: Edge) -> Record:
        """Return a record of a draft."""
        given = _by_plain_name(edge.attributes)
        record = {"id": edge.id, "a": edge.source, "b": edge.target}
        for key, names in LINK_NAMES.items():
            for name in names:
                if name in given:
                    record[key] = given[name]
                    if name in USUAL_UNITS:
                        self.used[name] = USUAL_UNITS[name]
                    break
        record["capacity_gbps"] = self._capacity_gbps(given)
        return {key: value for key, value in record.items() if value is not None}

    def _capacity_gbps(self, given: Mapping[str, Any]) -> float | None:
        for name, unit in CAPACITY_NAMES.items():
            value = given.get(name)
            if value is None:
                continue
            plain = None if unit == "text" else as_number(value)
            if plain is not None:
                if not unit and not self.unit_given:
                    self.used[name] = "Gbps"
                return in_gbps(plain, unit or self.unit)
            if isinstance(value, str) and (gbps := speed_gbps(value)) is not None:
                self.labels.append(value)
                return gbps
        return None

    def assumed_units(self) -> list[str]:
        """Return which units were assumed, and which capacities were read from words."""
        found = [
            f"{name} read as {unit}: the file tells no unit" for name, unit in self.used.items()
        ]
        if self.labels:
            words = listed(map(shown, dict.fromkeys(self.labels)))
            found.append(
                f"capacity of {counted(len(self.labels), 'link')} read from words: {words}"
            )
        return found


def _by_plain_name(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are given, by names in lower case; the first of two alike."""
    found: dict[str, Any] = {}
    for key, value in attributes.items():
        if value is not None and value != "":
            found.setdefault(_plain_name(key), value)
    return found


@cache
def _plain_name(key: str) -> str:
    return key.strip().casefold().replace("-", "_").replace(" ", "_")


def _first(given: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((given[name] for name in names if name in given), None)


# ---------------------------------------------------------------- writing


def flat(network: Network, path: Path) -> tuple[Record, list[Record], list[Record]]:
    """Return facts, nodes and links as flat records; lists and mappings are JSON text."""
    data = plain(network, path)
    nodes, links = data.pop("nodes"), data.pop("links", [])
    return _flat({**MARK, **data}), list(map(_flat, nodes)), list(map(_flat, links))


def _flat(record: Mapping[str, Any]) -> Record:
    return {key: _scalar(value) for key, value in record.items()}


def _scalar(value: Any) -> str | float:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return as_json(value)
    return float(value)
