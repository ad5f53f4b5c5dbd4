"""REPETITA: nodes and directed edges in a `.graph`, and what a `.demands` holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.reading import Places, read_text, refuse
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.directions import Links, links_from, pairs_of
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.repair import repaired
from simulator.formats.units import (
    TEN_TO_THE,
    at_least_zero,
    finite,
    in_gbps,
    plain_number,
    shifted,
)
from simulator.model.network import Network
from simulator.model.topology import BACK, LINK_ATTRIBUTES

NODE_COLUMNS = ("label", "x", "y")
EDGE_COLUMNS = ("label", "src", "dest", "weight", "bw", "delay")
DEMAND_COLUMNS = ("label", "src", "dest", "bw")
UNIT = "kbps"
NUMBERED = re.compile(r"\d+_(?P<city>.+)")
SOURCE = "REPETITA file (Gay, Schaus and Vissicchio, arXiv 1710.08665)"


@topology_format("repetita")
class Repetita(TopologyFormat):
    """REPETITA graph: .graph, also packed as .graph.gz.

    Edges are directed, with bandwidth in kbps and delay in microseconds. An edge and the next one
    back with the same weight, bandwidth and delay are one link, called after the first; then those
    that share fewer of them, the bandwidth before the weight. What differs is kept for each
    direction. An edge without one back is a one-way link. Labels are node ids; x and y are
    longitude and latitude.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".graph",)
    packed: ClassVar[bool] = True
    written: ClassVar[tuple[str, ...]] = suffixes
    cannot_hold: ClassVar[tuple[str, ...]] = (
        *("title", "utc_offset_h", "hop_delay_ms", "matrix", "sources", "assumptions"),
        *(
            "estimates",
            "marks",
            "uncertainty",
            "reliability",
            "regions",
            "kind",
            "city",
            "province",
            "weight",
            "class",
            "fibre_km",
        ),
        *("cables", "cards", "reaches", "modules", "setup_cost", "price_usd_per_mbps"),
        "blanks in names",
        "delays below a microsecond",
        "nodes without coordinates",
    )
    readable: ClassVar[str] = "a .graph or .graph.gz file of REPETITA"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        draft, warnings = _draft(path)
        draft, repairs = repaired(draft)
        return assemble(draft, [*warnings, *repairs])

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, and return what the format cannot hold."""
        write_whole(path, "\n".join([*_lines(network), ""]))
        return list(_not_held(network))


# ---------------------------------------------------------------- tables


@dataclass(frozen=True)
class Table:
    """A block of rows with the same number of words."""

    rows: list[list[str]]
    lines: list[int]


def read_tables(path: Path, **columns: tuple[str, ...]) -> list[Table]:
    """Read blocks that begin with a name and a number of rows, such as `NODES 12`.

    *columns* are by the name of the block what its rows are made of. An InputError says which block
    is missing, or which rows are not as many or not as long as they should be.
    """
    lines = enumerate(read_text(path).split("\n"), 1)
    filled = [(line, text.split()) for line, text in lines if text.strip()]
    place, tables = 0, []
    for name, header in columns.items():
        form = f"expected `{name} <number of rows>` and a line `{' '.join(header)}`"
        if place + 2 > len(filled):
            last = filled[-1][0] if filled else None
            raise refusal(path, f"{form}; the file ends before", last)
        (line, words), (below, titles) = filled[place : place + 2]
        if len(words) != 2 or words[0] != name or not re.fullmatch("[0-9]{1,12}", words[1]):
            raise refusal(path, f"{form}; found {shown(' '.join(words))}", line)
        if tuple(titles) != header:
            raise refusal(path, f"{form}; found {shown(' '.join(titles))}", below)
        size = int(words[1])
        rows = filled[place + 2 : place + 2 + size]
        if len(rows) < size:
            raise refusal(path, f"{name} promises {size:,} rows, found {len(rows):,}", line)
        form = f"expected {len(header)} words ({' '.join(header)}), found"
        refuse(
            Problem(str(path), at, None, name, f"{form} {shown(' '.join(row))}")
            for at, row in rows
            if len(row) != len(header)
        )
        tables.append(Table([row for _, row in rows], [at for at, _ in rows]))
        place += 2 + size
    if place < len(filled):
        line, words = filled[place]
        more = shown(" ".join(words))
        raise refusal(path, f"{name} promises {size:,} rows, but more follow: {more}", line)
    return tables


class Cells:
    """Reads the cells of a table, and gathers what is wrong with them in `problems`."""

    def __init__(self, path: Path, name: str, table: Table) -> None:
        self.file, self.name, self.table = str(path), name, table
        self.problems: list[Problem] = []

    def column(self, position: int, key: str, read: Callable[[str], Any]) -> list[Any]:
        """Return a column; None stands where *read* complains."""
        found: list[Any] = []
        for row, cells in enumerate(self.table.rows):
            try:
                found.append(read(cells[position]))
            except ValueError as error:
                found.append(None)
                line = self.table.lines[row]
                where = f"{self.name} {shown(cells[0])} {key}"
                self.problems.append(Problem(self.file, line, None, where, str(error)))
        return found


def _index(nodes: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,12}", text) or int(text) >= nodes:
            message = f"expected the number of a node, 0 to {nodes - 1}, found {shown(text)}"
            raise ValueError(message)
        return int(text)

    return read


# ---------------------------------------------------------------- reading


class _Edge(NamedTuple):
    label: str
    ends: tuple[int, int]
    weight: float
    gbps: float
    delay_ms: float
    line: int


def _draft(path: Path) -> tuple[Draft, list[Problem]]:
    nodes, edges = read_tables(path, NODES=NODE_COLUMNS, EDGES=EDGE_COLUMNS)
    places, assumed = _places(path, nodes)
    arcs = list(_edges(path, edges, len(nodes.rows)))
    links = _links(arcs, {i: row[0] for i, row in enumerate(nodes.rows)})
    lines = [arcs[first].line for first in links.first]
    assumed.append("edges are paired into links of two directions")
    assumed += [text for _, text in links.notes]
    point = Places(str(path), {"nodes": nodes.lines, "links": lines}).point
    draft = Draft(
        about={
            "name": path.name.removesuffix(".gz").removesuffix(".graph"),
            "sources": (SOURCE,),
            "assumptions": tuple(assumed),
        },
        nodes=[
            {"id": index, "label": label, "index": index, "kind": "core", **place}
            for index, ((label, *_), place) in enumerate(zip(nodes.rows, places, strict=True))
        ],
        links=links.records,
        point=point,
    )
    return draft, [draft.warning(("links", at), text) for at, text in links.notes]


def _places(path: Path, nodes: Table) -> tuple[list[Record], list[str]]:
    """Return city and coordinates of each node."""
    cells = Cells(path, "NODES", nodes)
    x, y = cells.column(1, "x", finite), cells.column(2, "y", finite)
    refuse(cells.problems)
    located = len(set(zip(x, y, strict=True))) > 1
    places: list[Record] = []
    for row, (lon, lat) in zip(nodes.rows, zip(x, y, strict=True), strict=True):
        named = NUMBERED.fullmatch(row[0])
        city = {"city": named["city"].replace("_", " ")} if named else {}
        places.append({**city, **({"lat": lat, "lon": lon} if located else {})})
    left_out = [] if located else ["coordinates are left out: all nodes have the same"]
    return places, left_out


def _edges(path: Path, edges: Table, nodes: int) -> Iterator[_Edge]:
    cells = Cells(path, "EDGES", edges)
    source, target = (cells.column(at, EDGE_COLUMNS[at], _index(nodes)) for at in (1, 2))
    weight, gbps, delay_ms = (
        cells.column(3, "weight", at_least_zero),
        cells.column(4, "bw", lambda text: at_least_zero(text) and in_gbps(text, UNIT)),
        cells.column(5, "delay", lambda text: at_least_zero(text) and shifted(text, -3)),
    )
    refuse(cells.problems)
    labels = [row[0] for row in edges.rows]
    ends = zip(source, target, strict=True)
    for values in zip(labels, ends, weight, gbps, delay_ms, edges.lines, strict=True):
        yield _Edge(*values)


def _links(edges: list[_Edge], names: dict[Hashable, str]) -> Links:
    """Return links of edges there and back."""
    records = [
        {
            "id": edge.label,
            "a": edge.ends[0],
            "b": edge.ends[1],
            "class": "core",
            "metric": edge.weight,
            "capacity_gbps": edge.gbps,
            "delay_ms": edge.delay_ms,
        }
        for edge in edges
    ]
    pairs = pairs_of([edge.ends for edge in edges], records)
    return links_from(records, pairs, "edge", names=names)


# ---------------------------------------------------------------- writing


def _lines(network: Network) -> Iterator[str]:
    yield f"NODES {len(network.nodes)}"
    yield " ".join(NODE_COLUMNS)
    for node, attributes in network.graph.nodes(data=True):
        x, y = (plain_number(attributes.get(key) or 0.0) for key in ("lon", "lat"))
        yield f"{_word(node)} {x} {y}"
    yield ""
    yield f"EDGES {int(network.exists.sum())}"
    yield " ".join(EDGE_COLUMNS)
    for i, link in enumerate(network.links):
        ways = [(2 * i, link), (2 * i + 1, f"{link}-back")]
        for arc, label in ways[: 1 + int(network.exists[2 * i + 1])]:
            yield (
                f"{_word(label)} {network.tail[arc]} {network.head[arc]}"
                f" {plain_number(network.metric[arc])}"
                f" {_kbps(network.capacity_gbps[arc])}"
                f" {round(1000 * network.delay_ms[arc])}"
            )


def _word(name: str) -> str:
    """Return *name* without blanks."""
    return "_".join(name.split()) or "_"


def _kbps(gbps: float) -> str:
    """Return a capacity in kbps, with all of its digits."""
    return f"{Decimal(repr(float(gbps))).scaleb(TEN_TO_THE[UNIT]):f}".removesuffix(".0")


def _not_held(network: Network) -> Iterator[str]:
    """Yield a sentence for each thing that the format has no place for."""
    data = list(network.graph.nodes(data=True))
    links = [network.attributes(link) for link in network.links]
    kinds = sum(kind != "core" for kind in network.node_kind)
    if kinds:
        yield f"kind of {counted(kinds, 'node')}: all become core"
    if classes := sum(word != "core" for word in network.link_class):
        yield f"class of {counted(classes, 'link')}, exits among them: all become core"
    if places := sum("lat" not in attributes for _, attributes in data):
        yield f"that {counted(places, 'node')} have no coordinates: they are at 0, 0"
    for key in ("city", "province", "weight", "utc_offset_h"):
        if count := sum(attributes.get(key) is not None for _, attributes in data):
            yield f"{key} of {counted(count, 'node')}"
    held = {"class", *BACK, *BACK.values()}
    for key in LINK_ATTRIBUTES:
        if key not in held and (count := sum(link.get(key) not in (None, {}) for link in links)):
            yield f"{key} of {counted(count, 'link')}"
    blanks = sum(_word(name) != name for name in (*network.nodes, *network.links))
    if blanks:
        yield f"blanks in {counted(blanks, 'name')}"
    delay_us = 1000 * network.delay_ms.reshape(-1, 2)
    inexact = (abs(delay_us - delay_us.round()) > 1e-9 * delay_us).any(axis=1)
    if rounded := int(inexact.sum()):
        yield f"delay of {counted(rounded, 'link')} below a microsecond"
    about = network.about
    if about.hop_delay_ms:
        yield "hop_delay_ms as such: it is part of the delay of each link"
    facts = ("title", "utc_offset_h", "matrix", "sources", "assumptions", "estimates", "marks")
    every = (*facts, "uncertainty", "reliability", "cables", "regions")
    if left := [key for key in every if getattr(about, key)]:
        yield f"{', '.join(left)} of the network"
