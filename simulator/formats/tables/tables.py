"""A network as CSV tables in a folder: nodes.csv and links.csv, and what else there is to say."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from simulator.base.checking import build
from simulator.base.document import Document, KeyPath
from simulator.base.errors import InputError, Problem, did_you_mean, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_csv
from simulator.formats.native import lost, plain
from simulator.formats.reading import errors_of
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.entries import (
    CableEntry,
    LinkEntry,
    NodeEntry,
    RegionEntry,
    given,
    keys,
)
from simulator.formats.sheet import Columns, Sheet, read_sheet
from simulator.formats.tables import about
from simulator.formats.tables.cells import READERS, WRITERS
from simulator.formats.units import number
from simulator.model.network import Network

NODES = Columns(("id",), keys(NodeEntry)[1:])
LINKS = Columns(
    ("id", "a", "b", "capacity_gbps"),
    (
        *("class", "metric", "delay_ms", "length_km"),
        *("capacity_ba_gbps", "metric_ba", "delay_ba_ms", "price_usd_per_mbps"),
        *("cables", "cards", "reaches", "modules", "setup_cost", "path_factor"),
    ),
)
EXITS = Columns(LINKS.required, tuple(each for each in LINKS.optional if each != "class"))
CABLES, REGIONS = (
    Columns(("id",), keys(CableEntry)[1:]),
    Columns(("id",), keys(RegionEntry)[1:]),
)
OPTIONAL = {"exits": EXITS, "regions": REGIONS, "cables": CABLES, "about": about.COLUMNS}
"""Tables that a folder may be without."""
ENTRIES = {
    **{"nodes": NodeEntry, "links": LinkEntry, "exits": LinkEntry},
    **{"regions": RegionEntry, "cables": CableEntry},
}
TEXT_COLUMNS = frozenset({"id", "kind", "city", "province", "a", "b", "class", "name", "ready"})
FIELD = {"length_km": "fibre_km"}
"""Column of links -> key; cables have a length of their own."""
COLUMN = {field: column for column, field in FIELD.items()}


@topology_format("tables")
class Tables(TopologyFormat):
    """CSV tables: a folder with nodes.csv and links.csv.

    Beside them may stand exits.csv, links of class exit; cables.csv; regions.csv; and about.csv, a
    key and a value in each row. Several values stand in one cell: cables as ``TPE: 0.7; APG: 0.3``,
    cards likewise, reaches, landings and passes as ``tokyo; osaka``, modules as ``100: 7; 400: 20``
    in Gbps and cost.
    """

    written: ClassVar[tuple[str, ...]] = ("",)
    cannot_hold: ClassVar[tuple[str, ...]] = ("blanks and line breaks",)
    readable: ClassVar[str] = "a folder with nodes.csv and links.csv"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a folder with at least one of the two tables."""
        return (path / "nodes.csv").is_file() or (path / "links.csv").is_file()

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        sheets, problems, unread = _sheets(path)
        if sheets["nodes"] is None or sheets["links"] is None:
            return None, problems
        records: dict[str, list[Record]] = {}
        for table, sheet in sheets.items():
            if table in ENTRIES:
                records[table], found = _records(table, sheet) if sheet else ([], [])
                problems += found
        if unread:
            records["nodes"].append({})  # a row that could not be read is an unknown node
        said, at = _about(path, sheets.get("about"), problems)
        cables_known = sheets.get("cables") is not None and all(map(_id, records["cables"]))
        draft = Draft(
            about={"name": path.resolve().name, **said},
            nodes=records["nodes"],
            links=[*records["links"], *records["exits"]],
            regions=records["regions"],
            cables=records["cables"] if cables_known else None,
            point=partial(_point, path, sheets, at),
            delay_required=False,
        )
        problems += _without_delay(draft)
        return assemble(draft, problems)

    def write(self, network: Network, path: Path) -> list[str]:
        """Write the tables into the folder *path*, which is made; return what is lost."""
        data = plain(network, path / "about.csv")
        if data.get("name") == path.resolve().name:
            del data["name"]
        tables: dict[str, list[Record]] = {key: data.pop(key, []) for key in ("nodes", "links")}
        tables["links"] = [_of_link(link) for link in tables["links"]]
        tables |= {key: data.pop(key, []) for key in ("regions", "cables")}
        for table, records in tables.items():
            for name in (record["id"] for record in records):
                if _cell("id", name) != name or not name:  # without its blanks, it is another id
                    raise refusal(path, f"a table cannot hold the blanks around the id {name!r}")
            tables[table] = records
        path.mkdir(exist_ok=True)
        columns = {"nodes": NODES, "links": LINKS, **OPTIONAL}
        for table, records in tables.items():
            if records or table not in OPTIONAL:
                write_csv(path / f"{table}.csv", _rows(records, columns[table]))
        said = list(about.rows(data))
        if said:
            write_csv(path / "about.csv", [about.COLUMNS.required, *said])
        for table in OPTIONAL:  # of a network that stood here before
            if not (said if table == "about" else tables.get(table)):
                (path / f"{table}.csv").unlink(missing_ok=True)
        return [*_bent(tables, columns), *lost(network)]


# ---------------------------------------------------------------- writing


def _of_link(link: Record) -> Record:
    return {COLUMN.get(key, key): value for key, value in link.items()}


def _cell(column: str, value: Any) -> str:
    if column in WRITERS:
        return WRITERS[column](value)
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
        yield [_cell(column, record[column]) if column in record else "" for column in header]


def _bent(tables: dict[str, list[Record]], columns: dict[str, Columns]) -> Iterator[str]:
    """Yield what the cells of the tables do not hold as it is."""
    bent = 0
    for table, records in tables.items():
        known = (*columns[table].required, *columns[table].optional)
        beyond = Counter(key for record in records for key in record if key not in known)
        yield from (f"{key} of {counted(count, table[:-1])}" for key, count in beyond.items())
        texts = [each for record in records for each in record.items() if isinstance(each[1], str)]
        bent += sum(_cell(column, text) != text for column, text in texts)
    if bent:
        yield f"blanks and line breaks in {counted(bent, 'text')}"


# ---------------------------------------------------------------- reading


def _sheets(path: Path) -> tuple[dict[str, Sheet | None], list[Problem], bool]:
    """Return the tables of a folder, what is wrong with them, and whether rows of nodes are lost.

    A table that may be left out is not among them if it is.
    """
    nodes, of_nodes = _sheet(path / "nodes.csv", NODES)
    links, problems = _sheet(path / "links.csv", LINKS)
    sheets = {"nodes": nodes, "links": links}
    problems = [*of_nodes, *problems]
    for table, columns in OPTIONAL.items():
        if (path / f"{table}.csv").is_file():
            sheets[table], found = _sheet(path / f"{table}.csv", columns)
            problems += found
        elif table in ENTRIES:
            sheets[table] = None
    return sheets, problems, bool(errors_of(of_nodes))


def _id(record: Record) -> bool:
    return bool(record.get("id"))


def _about(
    path: Path, sheet: Sheet | None, problems: list[Problem]
) -> tuple[Record, dict[str, int]]:
    """Return what about.csv says, and the row of every key; add what is wrong to *problems*."""
    if sheet is None:
        return {}, {}
    said, at, found = about.about_of(sheet)
    problems += found
    if matrix := said.get("matrix"):
        said["matrix"] = os.path.abspath(path / matrix)
        if not os.path.isfile(said["matrix"]):
            hint = did_you_mean(Path(matrix).name, (each.name for each in path.glob("*.csv")))
            message = f"no file {matrix!r} in the folder{hint}"
            problems.append(sheet.problem(at["matrix"], "value", message))
    return said, at


def _sheet(path: Path, columns: Columns) -> tuple[Sheet | None, list[Problem]]:
    if not path.is_file():
        message = "no such file; a network as tables needs nodes.csv and links.csv"
        return None, [Problem(str(path), None, None, "", message)]
    try:
        sheet, problems = read_sheet(path, columns)
    except InputError as error:
        return None, list(error.problems)
    if not sheet.rows and not errors_of(problems):
        problems = [Problem(sheet.file, None, None, "", f"no {path.stem} below the header")]
    return sheet, problems


def _records(table: str, sheet: Sheet) -> tuple[list[Record], list[Problem]]:
    """Return what is sound of every row, and what is not."""
    records: list[Record] = []
    sheet, problems = _with_points(sheet)
    entry, field = ENTRIES[table], FIELD if ENTRIES[table] is LinkEntry else {}
    for row, cells in enumerate(sheet.rows):
        record = {
            field.get(column, column): _value(column, cell)
            for column, cell in zip(sheet.columns, cells, strict=True)
            if cell
        }
        if table == "exits":
            record["class"] = "exit"
        try:
            records.append(given(build(entry, Document.of(record))))
        except InputError as error:
            broken = {problem.key for problem in error.problems}
            records.append({key: None if key in broken else record[key] for key in record})
            problems += [_placed(sheet, row, problem) for problem in error.problems]
    return records, problems


def _with_points(sheet: Sheet) -> tuple[Sheet, list[Problem]]:
    """Return a table whose numbers have points and no marks between thousands."""
    columns = [column for column in sheet.columns if column not in TEXT_COLUMNS]
    degrees = "".join(cell for column in ("lat", "lon") for cell in sheet.cells(column))
    # No degrees are thousands: their mark divides decimals.
    decimal = next((mark for mark in ",." if mark in degrees and sheet.separator != mark), "")
    return sheet.with_plain_numbers(columns, decimal)


def _value(column: str, cell: str) -> Any:
    if column in READERS:
        return READERS[column](cell)
    value = None if column in TEXT_COLUMNS else number(cell)
    if value is None:
        return cell
    return int(value) if value.is_integer() else value  # 0, not 0.0, in messages


def _placed(sheet: Sheet, row: int, problem: Problem) -> Problem:
    """Return a problem with a record as one with the cell it came from."""
    message = problem.message.replace("required key is missing", "the cell is empty")
    column = problem.key.partition(".")[0].partition("[")[0]
    return sheet.problem(row, _column(sheet, column), message)


def _column(sheet: Sheet, key: str) -> str:
    return key if key in sheet.columns else COLUMN.get(key, key)


def _point(
    folder: Path,
    sheets: dict[str, Sheet | None],
    at: dict[str, int],
    path: KeyPath,
    message: str,
    key: bool = False,
    severity: Literal["error", "warning"] = "error",
) -> Problem:
    """Return a problem with the cell, the row or the table at *path*."""
    table = str(path[0])
    links = sheets["links"]
    if table == "links" and links and len(path) > 1 and int(path[1]) >= len(links.rows):
        path = ("exits", int(path[1]) - len(links.rows), *path[2:])
        table = "exits"
    sheet = sheets.get(table)
    if table not in ENTRIES and (said := sheets.get("about")):
        return said.problem(about.row_of(at, about.positions(path)), "value", message, severity)
    if sheet is None:
        return Problem(str(folder), None, None, about.positions(path), message, severity)
    if len(path) == 1:
        return Problem(sheet.file, None, None, "", message, severity)
    column = str(path[2]) if len(path) > 2 else ""
    return sheet.problem(int(path[1]), _column(sheet, column), message, severity)


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
