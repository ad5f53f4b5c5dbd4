"""CSV tables of others: nodes and links under the names that people give their columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import Problem, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.graphs.graph_file import Edge, GraphFile, Node
from simulator.formats.reading import refuse
from simulator.formats.sheet import header_of, read_csv
from simulator.formats.units import UNITS, in_gbps, number
from simulator.model.network import Network

SOURCE = ("source", "src", "from", "start", "a", "node_a")
TARGET = ("target", "dest", "destination", "dst", "to", "end", "b", "node_b")
NODE_ID = ("id", "node", "name", "label")
LINKS, NODES = ("links.csv", "edges.csv"), "nodes.csv"


@topology_format("other_tables")
class OtherTables(TopologyFormat):
    """CSV tables of others: nodes.csv and links.csv or edges.csv, in a folder or with a prefix.

    Of a pair such as ``my_nodes.csv`` and ``my_links.csv`` either is named. Links have the
    columns ``source`` and ``target`` (or ``src`` and ``dst``, ``from`` and ``to``); every other
    column is found by the names that ``graphml`` lists, and ``capacity_mbps`` and its like state
    their unit. A row is a link in both directions. Where all rows are listed once each way, or have
    a column ``type`` with ``directed``, they are paired as edges of a directed ``graphml``; a
    ``type`` of ``undirected`` keeps them apart. Where that is so between half of the pairs of nodes
    or more, but not all, the table is refused. What is missing or wrong is repaired.
    """

    readable: ClassVar[str] = "nodes.csv and links.csv with source and target, as a folder or pair"

    def reads(self, path: Path) -> bool:
        """Return whether *path* names two tables whose links have a source and a target."""
        pair = _pair(path)
        if pair is None:
            return False
        header = header_of(pair[1]).split(",")
        columns = {cell.strip().strip('"').casefold() for cell in header}
        return bool(columns & set(SOURCE[:-2])) and bool(columns & set(TARGET[:-2]))

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        pair = _pair(path)
        assert pair is not None
        of_nodes, of_links = pair
        nodes, links = _rows(of_nodes), _rows(of_links)
        start = "" if path.is_dir() else _start(path) or ""
        name = start.strip("_-. ") or of_links.resolve().parent.name
        found = GraphFile(
            of_links,
            {"name": name},
            [Node(_taken(row, NODE_ID), row, None) for _, row in nodes],
            [
                Edge(_taken(row, SOURCE), _taken(row, TARGET), row.pop("id", None), row, line)
                for line, row in links
            ],
            noun="row",
        )
        ids = {node.id for node in found.nodes}
        if None in ids:
            raise refusal(of_nodes, f"a node without any of {', '.join(NODE_ID)}")
        for edge in found.edges:
            for end in (edge.source, edge.target):
                if end not in ids:
                    raise refusal(of_links, f"no node {end!r} in {of_nodes.name}", edge.line)
        return found.network()


def _pair(path: Path) -> tuple[Path, Path] | None:
    """Return the tables of nodes and of links that *path* names."""
    if path.is_dir():
        folder, start = path, ""
    else:
        folder, start = path.parent, _start(path) or ""
        if not path.is_file() or _start(path) is None:
            return None
    links = next((each for name in LINKS if (each := folder / f"{start}{name}").is_file()), None)
    nodes = folder / f"{start}{NODES}"
    return (nodes, links) if links is not None and nodes.is_file() else None


def _start(path: Path) -> str | None:
    """Return what the name of a table begins with; None if it is none of these."""
    endings = (end for end in (*LINKS, NODES) if path.name.endswith(end))
    return next((path.name[: -len(end)] for end in endings), None)


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return the line and the cells of every row, numbers as numbers, by the name of the column."""
    text = read_csv(path)
    names = [name.casefold() for name in text.header_cells]
    if len(set(names)) < len(names):
        raise refusal(path, "two columns of one name", text.header_line)
    sheet, problems = text.sheet(names)
    refuse(problems)
    rows = []
    for line, cells in zip(sheet.lines, sheet.rows, strict=True):
        row = {name: _value(name, cell) for name, cell in zip(names, cells, strict=True) if cell}
        _state_unit(row)
        if row:
            rows.append((line, row))
    if not rows:
        raise refusal(path, "no rows below the header")
    return rows


def _value(name: str, cell: str) -> Any:
    if name in (*SOURCE, *TARGET, *NODE_ID):
        return cell
    value = number(cell)
    return cell if value is None else value


def _state_unit(row: dict[str, Any]) -> None:
    """Turn a capacity in a unit that its column names into Gbps."""
    for unit in UNITS:
        value = row.pop(f"capacity_{unit}", None) if unit != "gbps" else None
        if isinstance(value, float):
            row["capacity_gbps"] = in_gbps(value, unit)


def _taken(row: dict[str, Any], names: Sequence[str]) -> Any:
    """Take the first of some columns out of a row."""
    return next((row.pop(name) for name in names if name in row), None)
