"""CSV tables of others: nodes and links under the names that people give their columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.ends import EITHER, ends_among
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import GraphFile
from simulator.formats.graphs.names import capacity_unit, plain_name
from simulator.formats.matrices.layout import is_summary
from simulator.formats.reading import refuse
from simulator.formats.rules.checks import Speller
from simulator.formats.sheet import header_of
from simulator.formats.tables.rows import read_rows
from simulator.formats.unit_words import unit_named
from simulator.formats.units import AMBIGUOUS, number
from simulator.model.network import Network

OURS = frozenset({"a", "b"})
LINK_ID = (
    *("id", "link_id", "link", "circuit_id", "circuit", "verbindung", "leitung", "lien", "enlace"),
    *("链路", "链路名称", "电路", "电路名称"),
)
NODE_ID = ("id", "node", "node_id", "name", "label", "router", "hostname", "device")
NAMES = EITHER | {*NODE_ID, *LINK_ID}
"""Columns whose cells are names, also where they look like numbers."""
LINKS, NODES = ("links.csv", "edges.csv"), "nodes.csv"
DIVIDER = re.compile("[,;\\t|]")
OF_MATRICES = frozenset(
    {"bps", "kbps", "mbps", "gbps", "tbps", "demand", "rate", "traffic", "value", "time", "class"}
)


@topology_format("other_tables")
class OtherTables(TopologyFormat):
    """CSV tables of others: nodes.csv and links.csv or edges.csv, in a folder or with a prefix.

    Of a pair such as ``my_nodes.csv`` and ``my_links.csv`` either is named. Links have the
    columns ``source`` and ``target`` (or ``src`` and ``dst``, ``from`` and ``to``, ``node_a`` and
    ``node_b``, ``device_a`` and ``device_z``, ``local_router`` and ``remote_router``, and such
    pairs in other languages); every other column is found by the names that ``graphml`` lists,
    units included. A table of links may stand alone, under any name: its nodes are then the
    ends of the links. A row is a link in both directions. Where all rows are listed once each
    way, or have a column ``type`` with ``directed``, they are paired as edges of a directed
    ``graphml``; a ``type`` of ``undirected`` keeps them apart. Where that is so between half of
    the pairs of nodes or more, but not all, the table is refused. What is missing or wrong is
    repaired.
    """

    readable: ClassVar[str] = (
        "nodes.csv and links.csv with source and target, as a folder or pair, or links alone"
    )

    def reads(self, path: Path) -> bool:
        """Return whether *path* names a table of links with a source and a target."""
        links = _tables(path)[1]
        return links is not None and _has_ends(header_of(links))

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        of_nodes, of_links = _tables(path)
        assert of_links is not None
        if not of_links.name.endswith(LINKS) and _is_matrix(header_of(of_links)):
            message = "a traffic matrix, not a topology; a scenario names it under traffic.matrix"
            raise refusal(of_links, f"these are the columns of {message}")
        left_out: list[Problem] = []
        one, two = ends_among(_names(header_of(of_links))) or ("source", "target")
        edges = [
            Edge(_taken(row, (one,)), _taken(row, (two,)), _taken(row, LINK_ID), row, line)
            for line, row in _rows(of_links, left_out)
        ]
        refuse(_without_ends(str(of_links), edges))
        nodes, notes = _nodes(of_nodes, edges, left_out), []
        if of_nodes is not None:
            _check_ends(of_nodes, of_links, nodes, edges)
        else:
            text = f"{counted(len(nodes), 'node')} read from the ends of the links"
            notes.append(f"{text}: there is no {_table_of_nodes(of_links).name}")
        start = "" if path.is_dir() else _start(path) or path.stem
        name = start.strip("_-. ") or of_links.resolve().parent.name
        file = GraphFile(of_links, {"name": name}, nodes, edges, notes=notes, noun="row")
        network, problems = file.network()
        return network, [*left_out, *problems]


def _nodes(path: Path | None, edges: Sequence[Edge], left_out: list[Problem]) -> list[Node]:
    """Return the nodes of a table that has all ends of the edges; without a table, the ends."""
    ends = [end for edge in edges for end in (edge.source, edge.target)]
    if path is None:
        return [Node(end, {}) for end in dict.fromkeys(ends) if end is not None]
    nodes = [Node(_taken(row, NODE_ID), row, None) for _, row in _rows(path, left_out)]
    ids = {node.id for node in nodes}
    if None in ids:
        raise refusal(path, f"a node without any of {', '.join(NODE_ID)}")
    return nodes


def _without_ends(file: str, edges: Sequence[Edge]) -> Iterator[Problem]:
    """Yield the rows that lack a node, with what they may be."""
    for edge in edges:
        words = [cell for cell in edge.attributes.values() if isinstance(cell, str)]
        unit = next((word for word in words if unit_named(word)), "")
        hint = f"; a row of units? Write them in the header, as in `rate ({unit})`" if unit else ""
        for column, end in (("source", edge.source), ("target", edge.target)):
            if end is None:
                yield Problem(file, edge.line, None, column, f"the cell is empty{hint}")


def _check_ends(
    of_nodes: Path, of_links: Path, nodes: Sequence[Node], edges: Sequence[Edge]
) -> None:
    ids = {node.id for node in nodes}
    hint = Speller(ids)
    refuse(
        Problem(
            str(of_links), edge.line, None, "", f"no node {end!r} in {of_nodes.name}{hint(end)}"
        )
        for edge in edges
        for end in (edge.source, edge.target)
        if end is not None and end not in ids
    )


# ---------------------------------------------------------------- which tables


def _has_ends(header: str) -> bool:
    """Return whether a header is one of links of others, which names both ends."""
    cells, names = _cells(header), _names(header)
    # Tables of this project have a and b, and a capacity in Gbps.
    ours = "capacity_gbps" in names or not any(map(capacity_unit, cells))
    known = names - OURS if ours else names
    return ends_among(known) is not None


def _cells(header: str) -> list[str]:
    return [cell.strip().strip('"') for cell in DIVIDER.split(header)]


def _names(header: str) -> set[str]:
    return {plain_name(cell) for cell in _cells(header)}


def _is_matrix(header: str) -> bool:
    """Return whether a header is one of demands: beside the ends only a rate, and a time."""
    names = _names(header)
    return bool(rest := names - EITHER) and rest <= OF_MATRICES


def _tables(path: Path) -> tuple[Path | None, Path | None]:
    """Return the tables of nodes and of links that *path* names, as far as they are there."""
    folder, start = (path, "") if path.is_dir() else (path.parent, _start(path))
    if start is None:
        return None, path if path.suffix.lower() == ".csv" and path.is_file() else None
    links = next((each for name in LINKS if (each := folder / f"{start}{name}").is_file()), None)
    nodes = folder / f"{start}{NODES}"
    return nodes if nodes.is_file() else None, links


def _table_of_nodes(links: Path) -> Path:
    """Return the table of nodes that would go with one of links."""
    return links.with_name(f"{_start(links) or ''}{NODES}")


def _start(path: Path) -> str | None:
    """Return what the name of a table begins with; None if it is none of these."""
    endings = (end for end in (*LINKS, NODES) if path.name.endswith(end))
    return next((path.name[: -len(end)] for end in endings), None)


# ---------------------------------------------------------------- rows


def _rows(path: Path, left_out: list[Problem]) -> list[tuple[int, dict[str, Any]]]:
    """Return the line and the cells of every row, numbers as numbers, by the name of the column.

    What is left out of the table is added to *left_out*.
    """
    found, comments = read_rows(path)
    left_out += comments
    rows = []
    for line, row in found:
        first = next(iter(row.values()))
        if is_summary(first) and len(row) < len(found[0][1]):
            message = f"{shown(first)} sums up other rows: left out"
            left_out.append(Problem(str(path), line, None, "", message, "warning"))
        else:
            rows.append((line, {name: _value(name, cell) for name, cell in row.items()}))
    if not rows:
        raise refusal(path, "no rows below the header")
    return rows


def _value(name: str, cell: str) -> Any:
    if plain_name(name) in NAMES:
        return cell
    value = None if AMBIGUOUS.fullmatch(cell) else number(cell)
    return cell if value is None else value


def _taken(row: dict[str, Any], names: Sequence[str]) -> Any:
    """Take the first of some columns out of a row."""
    columns = {plain_name(column): column for column in row}
    return next((row.pop(columns[name]) for name in names if name in columns), None)
