"""Shown tables: sections of answers and files of tables as a page lays them out."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from simulator.base.text import plain
from simulator.results.tables import TABLES, Table

MOST_ROWS = 300
"""Rows of a table that a page shows; the file holds all."""
LONGEST_NUMBER = 30
_EMPTY = ("", "–", "none", "no limit")
_SENTENCE = re.compile(r"(?<=[^\d.]\.) +")
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


class ShownCell(NamedTuple):
    """A cell: text, what is known of its spread, and what it is sorted by; empty for text."""

    value: str
    spread: str = ""
    key: str = ""


class ShownRow(NamedTuple):
    """A line of a table; the label of a part of the line above is set in."""

    label: str
    cells: Sequence[ShownCell]
    part: bool = False


class ShownColumn(NamedTuple):
    """A column: its heading, its unit, and what it holds."""

    heading: str
    unit: str = ""
    sentence: str = ""
    numbers: bool = True


class ShownTable(NamedTuple):
    """A table of a page; ``corner`` is the heading of the labels."""

    caption: str
    corner: ShownColumn
    columns: Sequence[ShownColumn]
    rows: Sequence[ShownRow]
    sortable: bool = False
    foot: str = ""
    rows_in_file: int = 0


def section_table(section: Mapping[str, Any], caption: str = "") -> ShownTable:
    """Return a section of an answer, as `simulator.study.answer_file` keeps it."""
    rows = [
        ShownRow(
            plain(row["label"]),
            [ShownCell(value, spread, _key(value)) for value, spread in row["cells"]],
            row["label"].startswith(" "),
        )
        for row in section["rows"]
    ]
    columns = [
        ShownColumn(plain(heading), numbers=_are_numbers(row.cells[i] for row in rows))
        for i, heading in enumerate(section["headings"])
    ]
    flat = not any(row.part for row in rows)
    title = plain(section["caption"]) or caption
    return ShownTable(title, ShownColumn("", numbers=False), columns, rows, flat and len(rows) > 2)


def table_of(
    caption: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], *, foot: str = ""
) -> ShownTable:
    """Return a table from rows of values, the first of which is the label."""
    made = [ShownRow(_text(first), [value_cell(each) for each in rest]) for first, *rest in rows]
    columns = [
        ShownColumn(heading, numbers=_are_numbers(row.cells[i] for row in made))
        for i, heading in enumerate(headings[1:])
    ]
    corner = ShownColumn(headings[0], numbers=False)
    return ShownTable(caption, corner, columns, made, len(made) > 2, foot)


def file_table(file: Path) -> ShownTable | None:
    """Return a table of a CSV file in a folder; None where there is no such file or no row."""
    if not file.is_file():
        return None
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        names = next(reader, [])
        rows = [row for row, _ in zip(reader, range(MOST_ROWS), strict=False)]
        left = sum(1 for _ in reader)
    if not rows or len(names) < 2:
        return None
    declared = _declared(file.name, names)
    known = {column.name: column for column in declared.columns} if declared else {}
    columns = []
    for i, name in enumerate(names):
        column = known.get(name)
        unit = "" if column is None or column.unit in ("", "1") else column.unit.replace("``", "")
        sentence = "" if column is None else column.sentence.replace("``", "")
        numbers = _are_numbers(value_cell(row[i]) for row in rows)
        columns.append(ShownColumn(name, unit, sentence, numbers))
    made = [ShownRow(plain(first), [value_cell(each) for each in rest]) for first, *rest in rows]
    foot = f"The first {MOST_ROWS:,} of {MOST_ROWS + left:,} rows; {file.name} has all." if left \
        else ""  # fmt: skip
    count = len(made) + left
    return ShownTable(file.name, columns[0], columns[1:], made, len(made) > 2, foot, count)


def _declared(file: str, names: Sequence[str]) -> Table | None:
    """Return the table of the catalogue that a file holds: there may be several of its name."""
    for each in TABLES.values():
        if each.file == file and set(names) <= {column.name for column in each.columns}:
            return each
    return None


def first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of an answer, and the rest; no line breaks before a %."""
    first, *rest = _SENTENCE.split(text.replace(" %", "\N{NO-BREAK SPACE}%"), maxsplit=1)
    return first, "".join(rest)


def value_cell(value: Any) -> ShownCell:
    """Return a cell of a value: numbers with four digits or more, text as it is."""
    if isinstance(value, ShownCell):
        return value
    text = str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(text):
        return ShownCell(plain(text))
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return ShownCell(plain(text))
    if not math.isfinite(number):
        return ShownCell("–" if math.isnan(number) else "no limit")
    return ShownCell(_number(number), key=repr(number))


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.5g}" if abs(value) < 1e5 else f"{value:,.0f}"


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, str) else value_cell(value).value


def _key(value: str) -> str:
    """Return what a figure in words is sorted by: its first number."""
    found = _NUMBER.search(value.replace("−", "-"))
    return repr(float(found[0].replace(",", ""))) if found else ""


def _are_numbers(cells: Iterable[ShownCell]) -> bool:
    """Return whether a column holds numbers for the most part, so that it stands to the right."""
    filled = [cell for cell in cells if cell.value not in _EMPTY]
    short = all(len(cell.value) < LONGEST_NUMBER for cell in filled)
    return short and 2 * sum(cell.key != "" for cell in filled) > len(filled)
