"""CSV files: the header, the rows, and a way to point at their cells."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from simulator.base.bounds import LIFTS, exceeds
from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.columns import Columns as Columns
from simulator.formats.columns import Heading, shortened
from simulator.formats.csv_head import LOOK_BYTES, decoded_start, head_of
from simulator.formats.numerals import GAP_SPELLINGS, Numerals, plain_numbers
from simulator.formats.reading import (
    MARKED,
    MOST_CSV_BYTES,
    MOST_ELEMENTS,
    begins_with,
    decoded,
    errors_of,
    in_utf8,
    read_bytes,
)

PIECE_BYTES = 2**24
MOST_CELLS = 10_000_000
"""Read one by one, rows times columns: they take 2 GB and a minute. Without faults and with plain
numbers, a file of demands may hold ten times as many."""
MOST_COLUMNS = 1_000
"""Of a table whose columns have known names."""
POINTS = re.compile(rb';"?[-+]?[1-9]\d{0,2}\.\d{3}"?(?=[;\r\n]|$)')
DECIMALS = re.compile(rb';"?[-+]?(?:\d*\.(?:\d{1,2}|\d{4,})|(?:0*|\d{4,})\.\d+)"?(?=[;\r\n]|$)')
"""Cells whose points may divide thousands, and such that divide decimals for certain."""


@dataclass(frozen=True)
class Sheet:
    """The rows of a CSV file.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    columns : sequence of str
        Names in the header.
    rows : list of list of str
        Cells without the blanks around them, as many in each row as there are columns.
    lines : list of int
        On which line of the file each row begins, counted from 1.
    texts : list of str
        All lines of the file.
    separator : str
        What divides the cells.
    """

    file: str
    columns: Sequence[str]
    rows: list[list[str]]
    lines: list[int]
    texts: list[str]
    separator: str = ","

    def cells(self, column: str) -> list[str]:
        """Return the cells of one column; empty ones if there is no such column."""
        if column not in self.columns:
            return [""] * len(self.rows)
        position = self.columns.index(column)
        return [row[position] for row in self.rows]

    def problem(
        self, row: int, column: str, message: str, severity: Literal["error", "warning"] = "error"
    ) -> Problem:
        """Return a problem with one cell, or with its row if there is no such column."""
        line, place = self.lines[row], 1
        if column in self.columns:
            starts = cell_starts(self.texts[line - 1], self.separator)
            place = starts[min(self.columns.index(column), len(starts) - 1)]
        return Problem(self.file, line, place, shortened(column), message, severity)

    def without(self, rows: Iterable[int]) -> Sheet:
        """Return the sheet without some rows."""
        gone = set(rows)
        if not gone:
            return self
        kept = [row for row in range(len(self.rows)) if row not in gone]
        lines = [self.lines[row] for row in kept]
        return replace(self, rows=[self.rows[row] for row in kept], lines=lines)

    def with_plain_numbers(
        self, columns: Sequence[str], decimal: str = ""
    ) -> tuple[Sheet, list[Problem]]:
        """Return the rows with plain numbers in some columns; see `plain_numbers`.

        Returns
        -------
        sheet : Sheet
        problems : list of Problem
            Errors where a number may be read in two ways; a warning on how others were read.
        """
        places = [self.columns.index(name) for name in columns]
        cells = [row[place] for row in self.rows for place in places]
        may_group = self.separator == ";"
        found = plain_numbers(cells, points_may_group=may_group, decimal=decimal)
        problems = [
            self.problem(i // len(places), columns[i % len(places)], message)
            for i, message in found.wrong.items()
        ]
        if found.note:
            problems.append(Problem(self.file, None, None, "", found.note, "warning"))
        return replace(self, rows=self._with(places, found)), problems

    def _with(self, places: Sequence[int], found: Numerals) -> list[list[str]]:
        rows = [list(row) for row in self.rows]
        cells = iter(found.cells)
        for row in rows:
            for place in places:
                row[place] = next(cells)
        return rows


@dataclass(frozen=True)
class CsvText:
    """A CSV file, read whole.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    raw : bytes
        Its content, unpacked, in UTF-8.
    header : str
        The first line that is neither blank nor a comment.
    header_line : int
        Where it stands, counted from 1.
    body_at : int
        Where in *raw* the lines below begin.
    separator : str
        What divides the cells: a comma, semicolon, tab or bar.
    comments : tuple of (int, str)
        Lines above the header that begin with `#`, by number.
    """

    file: str
    raw: bytes
    header: str
    header_line: int
    body_at: int
    separator: str = ","
    comments: tuple[tuple[int, str], ...] = ()

    @property
    def _form(self) -> dict[str, Any]:
        """How `csv` reads the file: a quote may stand after blanks."""
        return {"strict": True, "delimiter": self.separator, "skipinitialspace": True}

    @cached_property
    def _all_header_cells(self) -> list[str]:
        try:
            (cells,) = csv.reader([self.header], **self._form)
        except csv.Error as error:
            raise refusal(self.file, f"not valid CSV: {error}", self.header_line, 1) from None
        return [cell.strip() for cell in cells]

    @cached_property
    def header_cells(self) -> list[str]:
        """The cells of the header, without empty ones at its end; an InputError if not CSV."""
        cells = list(self._all_header_cells)
        while len(cells) > 1 and not cells[-1]:
            cells.pop()
        return cells

    @cached_property
    def header_starts(self) -> list[int]:
        """The place of each cell of the header, counted from 1; the last known for odd quotes."""
        starts = cell_starts(self.header, self.separator)
        return starts + starts[-1:] * (len(self._all_header_cells) - len(starts))

    @property
    def heading(self) -> Heading:
        """The names of the columns, with their places."""
        starts = self.header_starts
        return Heading(self.file, self.header_cells, self.header_line, starts, self.comments)

    @cached_property
    def has_decimal_commas(self) -> bool:
        """Whether numbers surely have decimal commas, as far as the first rows tell."""
        if self.separator == ",":
            return False
        rows = decoded_start(self.raw[self.body_at : self.body_at + LOOK_BYTES])
        cells = [cell.strip('" ') for row in rows for cell in row.split(self.separator)]
        return plain_numbers(cells).note.startswith("commas are")

    @cached_property
    def has_doubtful_points(self) -> bool:
        """Whether points may divide thousands, as beside semicolons, and no cell tells."""
        return (
            self.separator == ";"
            and POINTS.search(self.raw, self.body_at) is not None
            and DECIMALS.search(self.raw, self.body_at) is None
        )

    def notes(self) -> list[Problem]:
        """Return what was left out above the header."""
        return [
            Problem(self.file, line, None, "", f"comment left out: {shown(text)}", "warning")
            for line, text in self.comments[:3]
        ]

    def decimal_note(self) -> list[Problem]:
        """Return that decimal commas were read, where `table` did so."""
        if not self.has_decimal_commas:
            return []
        return [Problem(self.file, None, None, "", "commas are decimal points", "warning")]

    def names(self, columns: Columns) -> list[str]:
        """Return the names in the header, or raise all that is wrong with them."""
        self.check(self.header_cells, columns)
        return self.header_cells

    def check(self, names: Sequence[str], columns: Columns) -> None:
        """Raise all that is wrong with the header, given what its cells mean."""
        found = partial(Problem, self.file, self.header_line)
        if len(names) > MOST_COLUMNS:  # to look for the nearest names would take minutes
            expected = ", ".join(columns.required)
            raise InputError([found(1, "", f"{len(names):,} columns; expected {expected}")])
        if len(names) == 1 and len(self._all_header_cells) > 1:
            message = f"one name of a column, {shown(names[0])}: remove the lines above the header"
            raise InputError([found(1, "", message)])
        if len(names) == 1 and len(names[0].split()) > 1:
            raise InputError([found(1, "", "the cells are divided by blanks; use commas")])
        starts = self.header_starts
        problems = [
            found(1 if at is None else starts[at], shortened(name), message)
            for at, name, message in columns.problems(names)
        ]
        if problems:
            raise InputError(errors_of(problems))

    def line_reader(self, rows: int) -> Callable[[int], int | None]:
        """Return what gives the line of a row, as far as every row takes one line."""

        def line(row: int) -> int | None:
            below = self.raw[self.body_at :].rstrip()
            ends = max(below.count(b"\n"), below.count(b"\r"))
            return self.header_line + 1 + row if rows == ends + 1 else None

        return line

    def sheet(self, names: Sequence[str]) -> tuple[Sheet, list[Problem]]:
        """Return the rows below the header; those of another width become problems.

        Empty cells beyond the header, as spreadsheets write them, hold nothing and are left out.

        Raises
        ------
        InputError
            There are more than `MOST_CELLS` cells.
        """
        if self.is_long:
            raise self.too_long("some cells are not plain numbers or words")
        lines, problems = decoded(self.file, self.raw).split("\n"), []
        sheet = Sheet(self.file, names, [], [], lines, self.separator)
        rows = iter(lines[self.header_line :])
        reader = csv.reader(rows, **self._form)
        while reader.line_num + self.header_line < len(lines):
            line = reader.line_num + self.header_line + 1
            try:
                cells = [cell.strip() for cell in next(reader, [])]
            except csv.Error as error:
                problems.append(Problem(self.file, line, 1, "", f"not valid CSV: {error}"))
                continue
            if len(cells) > len(names) and not any(cells[len(names) :]):
                del cells[len(names) :]
            if len(cells) == len(names):
                sheet.rows.append(cells)
                sheet.lines.append(line)
            elif any(cells):
                message = f"{len(cells)} cells in this row, but {len(names)} columns in the header"
                problems.append(Problem(self.file, line, 1, "", message))
        return sheet, problems

    @cached_property
    def is_long(self) -> bool:
        """Whether there are more cells than are read one by one."""
        return exceeds(self._rows * len(self._all_header_cells), MOST_CELLS)

    @cached_property
    def _rows(self) -> int:
        """How many rows there may be, as there are lines below the header."""
        below = self.raw.count(b"\n", self.body_at), self.raw.count(b"\r", self.body_at)
        return max(below) + (not self.raw.endswith((b"\n", b"\r")))

    def refuse_rows_above(self, most: int, what: str) -> None:
        """Raise an InputError if there are more rows than *what* has at most."""
        if exceeds(self._rows, most):
            message = f"{self._rows:,} rows; {what} has {most:,} at most; {LIFTS}"
            raise refusal(self.file, message)

    def too_long(self, why: str) -> InputError:
        """Return the error that refuses a file for what it would take to read it one by one."""
        size = f"{self._rows:,} rows of {len(self._all_header_cells):,} columns"
        most = f"at most {MOST_CELLS:,} cells are read one by one"
        message = f"{size}: {most}, and {why}; correct them, or split the file, or {LIFTS}"
        return refusal(self.file, message)

    def table(self, types: dict[str, Any]) -> Any | None:
        """Return the rows below the header as an Arrow table of these columns and types.

        It is the same as the sheet, many times faster; None if some rows are not as they should
        be, which the sheet then explains.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        if self.has_doubtful_points:
            return None
        beyond = len(self._all_header_cells) - len(types)
        types = types | {f"beyond {i}": pa.string() for i in range(beyond)}
        # Without threads: those that are still starting when a short process ends abort it.
        reading = arrow_csv.ReadOptions(
            column_names=list(types), block_size=PIECE_BYTES, use_threads=False
        )
        converting = arrow_csv.ConvertOptions(
            column_types=types,
            null_values=GAP_SPELLINGS,
            strings_can_be_null=False,
            quoted_strings_can_be_null=True,
            decimal_point="," if self.has_decimal_commas else ".",
        )
        parsing = arrow_csv.ParseOptions(delimiter=self.separator)
        body = pa.py_buffer(memoryview(self.raw)[self.body_at :])
        try:
            table = arrow_csv.read_csv(body, reading, parsing, converting)
        except pa.ArrowInvalid as error:
            if self.is_long:
                reason = " ".join(str(error).split())[:200]
                raise self.too_long(f"reading stops at: {reason}") from None
            return None
        empty = all(not any(table.column(-1 - i).unique().to_pylist()) for i in range(beyond))
        return table.select(range(table.num_columns - beyond)) if empty else None


def read_csv(path: Path) -> CsvText:
    """Read a CSV file, unpacked if its name ends in `.gz`.

    Raises
    ------
    InputError
        It cannot be read, is too large, or holds nothing.
    """
    raw = in_utf8(path, read_bytes(path, MOST_CSV_BYTES))
    head = head_of(path, raw)
    return CsvText(str(path), raw, *head)


def read_sheet(path: Path, columns: Columns) -> tuple[Sheet, list[Problem]]:
    """Read a CSV file; rows with too few or too many cells become problems, comments warnings.

    Raises
    ------
    InputError
        It cannot be read, is empty, or its header is wrong.
    """
    text = read_csv(path)
    text.refuse_rows_above(MOST_ELEMENTS, "a table of a topology")
    sheet, problems = text.sheet(text.names(columns))
    return sheet, [*text.notes(), *problems]


def start_of(path: Path) -> CsvText | None:
    """Return a CSV file as far as its first bytes show it; None if they hold no header."""
    raw = begins_with(path, LOOK_BYTES)
    if raw.startswith(tuple(MARKED)):
        raw = raw[: len(raw) // 4 * 4]  # whole letters
    try:
        text = in_utf8(path, raw).decode("utf-8", errors="replace")
        whole = text.encode()
        return CsvText(str(path), whole, *head_of(path, whole)) if text.strip("\ufeff ") else None
    except InputError:
        return None


def header_of(path: Path) -> str:
    """Return the header of a CSV file, as far as the start of the file shows it."""
    start = start_of(path)
    return start.header.strip() if start else ""


def cell_starts(text: str, separator: str = ",") -> list[int]:
    """Return the place of each cell in its line, counted from 1; a quote opens at its beginning."""
    starts, quoted, opens = [1], False, True
    for place, mark in enumerate(text, 2):
        if mark == '"' and (quoted or opens):
            quoted, opens = not quoted, True  # the next one may be the second of two
        elif mark == separator and not quoted:
            starts.append(place)
            opens = True
        elif not quoted and mark != " ":
            opens = False
    return starts
