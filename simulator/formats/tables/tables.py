"""A network as two CSV tables in a folder: nodes.csv and links.csv."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from simulator.base.document import Document, KeyPath
from simulator.base.errors import InputError, Problem, refusal
from simulator.base.schema import build
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_csv
from simulator.formats.native import lost, plain
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.entries import LinkEntry, NodeEntry, given, keys
from simulator.formats.sheet import Columns, Sheet, read_sheet
from simulator.formats.units import number
from simulator.model.network import Network

NODES = Columns(("id",), keys(NodeEntry)[1:])
LINKS = Columns(
    ("id", "a", "b", "capacity_gbps"),
    (
        *("class", "metric", "delay_ms", "length_km"),
        *("capacity_ba_gbps", "metric_ba", "delay_ba_ms"),
    ),
)
TEXT_COLUMNS = frozenset({"id", "kind", "city", "province", "a", "b", "class"})
FIELD = {"length_km": "fibre_km"}
COLUMN = {field: column for column, field in FIELD.items()}


@topology_format("tables")
class Tables(TopologyFormat):
    """CSV tables: a folder with nodes.csv and links.csv."""

    written: ClassVar[tuple[str, ...]] = ("",)
    cannot_hold: ClassVar[tuple[str, ...]] = (
        *("name", "title", "utc_offset_h", "hop_delay_ms", "matrix", "sources", "assumptions"),
        *(
            "estimates",
            "marks",
            "uncertainty",
            "regions",
            "cables",
            "reaches",
            "modules",
            "setup_cost",
        ),
        *("price_usd_per_mbps", "blanks and line breaks"),
    )
    readable: ClassVar[str] = "a folder with nodes.csv and links.csv"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a folder with at least one of the two tables."""
        return (path / "nodes.csv").is_file() or (path / "links.csv").is_file()

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        nodes, unread = _sheet(path / "nodes.csv", NODES)
        links, of_links = _sheet(path / "links.csv", LINKS)
        problems = [*unread, *of_links]
        if nodes is None or links is None:
            return None, problems
        node_records, of_nodes = _records(nodes, NodeEntry)
        link_records, of_links = _records(links, LinkEntry)
        if unread:
            node_records.append({})  # a row that could not be read is an unknown node
        draft = Draft(
            about={"name": path.resolve().name},
            nodes=node_records,
            links=link_records,
            point=partial(_point, {"nodes": nodes, "links": links}),
            delay_required=False,
        )
        problems += [*of_nodes, *of_links, *_without_delay(draft)]
        return assemble(draft, problems)

    def write(self, network: Network, path: Path) -> list[str]:
        """Write the two tables into the folder *path*, which is made; return what is lost."""
        data = plain(network, path)
        nodes = data.pop("nodes")
        links = [
            {COLUMN.get(key, key): value for key, value in link.items()}
            for link in data.pop("links", [])
        ]
        same_name = data.pop("name", "") == path.resolve().name
        for name in (record["id"] for record in (*nodes, *links)):
            if _cell(name) != name or not name:  # without its blanks, it is another id
                raise refusal(path, f"a table cannot hold the blanks around the id {name!r}")
        path.mkdir(exist_ok=True)
        write_csv(path / "nodes.csv", _rows(nodes, NODES))
        write_csv(path / "links.csv", _rows(links, LINKS))
        left_out = [] if same_name else ["the name: it is that of the folder"]
        left_out += data
        columns = (*LINKS.required, *LINKS.optional)
        beyond = Counter(key for link in links for key in link if key not in columns)
        left_out += [f"{key} of {counted(count, 'link')}" for key, count in beyond.items()]
        texts = [text for node in nodes for text in node.values() if isinstance(text, str)]
        bent = sum(_cell(text) != text for text in texts)
        left_out += [f"blanks and line breaks in {counted(bent, 'text')}"] if bent else []
        return [*left_out, *lost(network)]


# ---------------------------------------------------------------- writing


def _cell(value: str | float) -> str:
    return " ".join(value.split()) if isinstance(value, str) else repr(float(value))


def _rows(records: Sequence[Record], columns: Columns) -> Iterator[Sequence[str]]:
    """Yield the rows of a table, the header first; columns without a value are left out."""
    used = {key for record in records for key in record}
    header = [
        column
        for column in (*columns.required, *columns.optional)
        if column in columns.required or column in used
    ]
    yield header
    for record in records:
        yield [_cell(record[column]) if column in record else "" for column in header]


# ---------------------------------------------------------------- reading


def _sheet(path: Path, columns: Columns) -> tuple[Sheet | None, list[Problem]]:
    if not path.is_file():
        message = "no such file; a network as tables needs nodes.csv and links.csv"
        return None, [Problem(str(path), None, None, "", message)]
    try:
        sheet, problems = read_sheet(path, columns)
    except InputError as error:
        return None, list(error.problems)
    if not sheet.rows and not problems:
        problems = [Problem(sheet.file, None, None, "", f"no {path.stem} below the header")]
    return sheet, problems


def _records(sheet: Sheet, entry: type) -> tuple[list[Record], list[Problem]]:
    """Return what is sound of every row, and what is not."""
    records, problems = [], []
    for row, cells in enumerate(sheet.rows):
        record = {
            FIELD.get(column, column): _value(column, cell)
            for column, cell in zip(sheet.columns, cells, strict=True)
            if cell
        }
        try:
            records.append(given(build(entry, Document.of(record))))
        except InputError as error:
            broken = {problem.key for problem in error.problems}
            records.append({key: None if key in broken else record[key] for key in record})
            problems += [_placed(sheet, row, problem) for problem in error.problems]
    return records, problems


def _value(column: str, cell: str) -> str | float:
    value = None if column in TEXT_COLUMNS else number(cell)
    if value is None:
        return cell
    return int(value) if value.is_integer() else value  # 0, not 0.0, in messages


def _placed(sheet: Sheet, row: int, problem: Problem) -> Problem:
    """Return a problem with a record as one with the cell it came from."""
    message = problem.message.replace("required key is missing", "the cell is empty")
    return sheet.problem(row, COLUMN.get(problem.key, problem.key), message)


def _point(
    sheets: dict[str, Sheet],
    path: KeyPath,
    message: str,
    key: bool = False,
    severity: Literal["error", "warning"] = "error",
) -> Problem:
    """Return a problem with the cell, the row or the table at *path*."""
    sheet = sheets[str(path[0])]
    if len(path) == 1:
        return Problem(sheet.file, None, None, "", message, severity)
    column = str(path[2]) if len(path) > 2 else ""
    return sheet.problem(int(path[1]), COLUMN.get(column, column), message, severity)


def _without_delay(draft: Draft) -> Iterator[Problem]:
    unknown = sum(
        "delay_ms" not in link and "fibre_km" not in link and bool(draft.ends_without_place(link))
        for link in draft.links
    )
    if unknown:
        message = (
            f"nothing tells the delay of {unknown} of {len(draft.links)} links, so it is 0:"
            " give delay_ms or length_km, or coordinates to the nodes"
        )
        yield draft.warning(("links",), message)
