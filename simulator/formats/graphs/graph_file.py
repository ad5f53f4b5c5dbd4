"""What files of nodes and edges have in common, whatever their syntax.

A file that we wrote bears `MARK` and holds the keys of a topology file: it is checked as strictly
as one, and nothing is repaired. In any other file, attributes are found by what they are usually
called (`names`), and the rest is repaired.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.base.document import Document, KeyPath, Place, Spot, shown
from simulator.base.errors import Problem, did_you_mean
from simulator.base.schema import MAX_NAME
from simulator.formats.graphs.attributes import AttributeReader, Edge, Node
from simulator.formats.graphs.edges import DIRECTED, Ways, links_of
from simulator.formats.graphs.names import by_plain_name, first_given
from simulator.formats.json_file import as_json, parse_json
from simulator.formats.native import network_of, plain
from simulator.formats.reading import Places, first_of, listed
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.entries import LinkEntry, NodeEntry, TopologyFile, keys
from simulator.formats.rules.repair import repaired
from simulator.formats.unit_words import unit_named
from simulator.formats.units import UNITS
from simulator.model.network import Network

MARK = {"written_by": "telecom-capacity-simulator"}
ABOUT_KEYS = keys(TopologyFile)
SECTIONS = {"nodes": keys(NodeEntry), "links": keys(LinkEntry)}
ENDS = ("id", "a", "b")
NESTED = frozenset(
    {
        *("sources", "assumptions", "estimates", "marks", "uncertainty", "reliability", "totals"),
        *("regions", "cables", "cards", "reaches", "modules"),
    }
)
"""Keys of lists and mappings, which most graph formats can hold as JSON text only."""

ABOUT_NAMES = {"name": ("name", "label"), "title": ("title", "network"), "sources": ("source",)}
IN_BYTES = re.compile("B(?![A-Z])|[Bb]yte")
UNIT_NAMES = ("unit", "capacity_unit", "bandwidth_unit")
XML_HAS_NOT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class GraphFile:
    """What a file of nodes and edges says, in its own words.

    An edge is directed if it says so itself; if it does not say, as the graph is.

    Attributes
    ----------
    notes : sequence of str
        What was assumed or left out while it was read.
    """

    path: Path
    attributes: Mapping[str, Any]
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    directed: bool = False
    notes: Sequence[str] = ()
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
    graph = by_plain_name(file.attributes)
    unit, problems = _unit(file, graph)
    read = AttributeReader(unit or "gbps", unit_given=bool(unit))
    read.assumptions += file.notes
    nodes = [read.node(node) for node in file.nodes]
    names = {_hashable(node["id"]): str(node.get("label", node["id"])) for node in nodes}
    links = links_of(_ways(file, names), [read.link(edge) for edge in file.edges])
    lines = {
        "nodes": [node.line for node in file.nodes],
        "links": [file.edges[first].line for first in links.first],
    }
    notes = [
        *((None, text) for text in read.assumptions),
        *links.notes,
        *((None, text) for text in read.notes()),
    ]
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
    about = {key: first_given(graph, names) for key, names in ABOUT_NAMES.items()}
    texts = {key: " ".join(text.split()) for key, text in about.items() if isinstance(text, str)}
    stem = file.path.name.split(".")[0]
    name = texts.get("name", "")
    return {
        "name": name if 0 < len(name) <= MAX_NAME else stem[:MAX_NAME] or "network",
        "title": texts.get("title", ""),
        "sources": (texts["sources"],) if texts.get("sources") else (),
    }


def _unit(file: GraphFile, graph: Mapping[str, Any]) -> tuple[str, list[Problem]]:
    word = first_given(graph, UNIT_NAMES)
    if word is None:
        return "", []
    if unit := unit_named(str(word)):
        return unit, []
    near = "" if IN_BYTES.search(str(word)) else did_you_mean(str(word)[:MAX_NAME], UNITS)
    hint = near or f"; known: {', '.join(UNITS)}"
    return "", [Problem(str(file.path), None, None, "unit", f"no unit {shown(word)}{hint}")]


def _ways(file: GraphFile, names: Mapping[Hashable, str]) -> Ways:
    """Return the ends of every edge, and what may tell whether it is one direction of a link."""
    given = [by_plain_name(edge.attributes) for edge in file.edges]
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
