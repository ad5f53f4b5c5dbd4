"""CSV files: the header, the rows, and a way to point at their cells."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from simulator.base.errors import InputError, Problem, did_you_mean, refusal
from simulator.formats.reading import FILLED, MOST_CSV_BYTES, begins_with, decoded, read_bytes

HEAD_BYTES = 65_536
PIECE_BYTES = 2**24
LONGEST_KEY = 60
LINE_END = re.compile(rb"\r\n|\n|\r")


class Columns(NamedTuple):
    """What the header of a file must and may say; `refused` says why others are not read."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}

    def problems(self, names: Sequence[str]) -> Iterator[tuple[int | None, str, str]]:
        """Yield place, name and message of what is wrong in a header."""
        known, before = [*self.required, *self.optional], set[str]()
        for place, name in enumerate(names):
            if name in before:
                yield place, name, "a second column of this name"
            elif name in self.refused:
                yield place, name, self.refused[name]
            elif name not in known:
                near = did_you_mean(name, known) or "; known: " + ", ".join(known)
                yield place, name, f"unknown column{near}"
            before.add(name)
        for name in self.required:
            if name not in names:
                yield None, name, "required column is missing"


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
    """

    file: str
    columns: Sequence[str]
    rows: list[list[str]]
    lines: list[int]
    texts: list[str]

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
            starts = cell_starts(self.texts[line - 1])
            place = starts[min(self.columns.index(column), len(starts) - 1)]
        return Problem(self.file, line, place, shortened(column), message, severity)


@dataclass(frozen=True)
class CsvText:
    """A CSV file, read whole.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    raw : bytes
        Its content, unpacked.
    header : str
        The first line that is not blank.
    header_line : int
        Where it stands, counted from 1.
    body_at : int
        Where in *raw* the lines below begin.
    """

    file: str
    raw: bytes
    header: str
    header_line: int
    body_at: int

    @cached_property
    def header_cells(self) -> list[str]:
        """The cells of the header, or an InputError if it is not CSV."""
        try:
            (cells,) = csv.reader([self.header], strict=True)
        except csv.Error as error:
            raise refusal(self.file, f"not valid CSV: {error}", self.header_line, 1) from None
        return [cell.strip() for cell in cells]

    def names(self, columns: Columns) -> list[str]:
        """Return the names in the header, or raise all that is wrong with them."""
        names = self.header_cells
        found = partial(Problem, self.file, self.header_line)
        if len(names) == 1 and (mark := next((m for m in ";\t|" if m in self.header), None)):
            raise InputError([found(1, "", f"the cells are divided by {mark!r}; use commas")])
        starts = cell_starts(self.header)
        problems = [
            found(1 if at is None else starts[at], shortened(name), message)
            for at, name, message in columns.problems(names)
        ]
        if problems:
            raise InputError(problems)
        return names

    def sheet(self, names: Sequence[str]) -> tuple[Sheet, list[Problem]]:
        """Return the rows below the header; those of another width become problems."""
        lines, problems = decoded(self.file, self.raw).split("\n"), []
        sheet = Sheet(self.file, names, [], [], lines)
        reader = csv.reader(iter(lines[self.header_line :]), strict=True)
        while reader.line_num + self.header_line < len(lines):
            line = reader.line_num + self.header_line + 1
            try:
                cells = [cell.strip() for cell in next(reader, [])]
            except csv.Error as error:
                problems.append(Problem(self.file, line, 1, "", f"not valid CSV: {error}"))
                continue
            if len(cells) == len(names):
                sheet.rows.append(cells)
                sheet.lines.append(line)
            elif cells not in ([], [""]):
                message = f"{len(cells)} cells in this row, but {len(names)} columns in the header"
                problems.append(Problem(self.file, line, 1, "", message))
        return sheet, problems

    def table(self, types: dict[str, Any]) -> Any | None:
        """Return the rows below the header as an Arrow table of these columns and types.

        It is the same as the sheet, many times faster; None if some rows are not as they should
        be, which the sheet then explains.
        """
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        # Without threads: those that are still starting when a short process ends abort it.
        reading = arrow_csv.ReadOptions(
            column_names=list(types), block_size=PIECE_BYTES, use_threads=False
        )
        converting = arrow_csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=False,
            quoted_strings_can_be_null=True,
        )
        body = pa.py_buffer(memoryview(self.raw)[self.body_at :])
        try:
            return arrow_csv.read_csv(body, read_options=reading, convert_options=converting)
        except pa.ArrowInvalid:
            return None


def read_csv(path: Path) -> CsvText:
    """Read a CSV file, unpacked if its name ends in `.gz`.

    Raises
    ------
    InputError
        It cannot be read, is too large, or holds nothing.
    """
    raw = read_bytes(path, MOST_CSV_BYTES)
    begun = FILLED.search(raw, len(BOM_UTF8) if raw.startswith(BOM_UTF8) else 0)
    assert begun is not None  # an empty file is refused before
    ended = LINE_END.search(raw, begun.start())
    end, body_at = ended.span() if ended else (len(raw), len(raw))
    above = decoded(path, raw[:end]).split("\n")
    return CsvText(str(path), raw, above[-1], len(above), body_at)


def read_sheet(path: Path, columns: Columns) -> tuple[Sheet, list[Problem]]:
    """Read a CSV file; rows with too few or too many cells become problems.

    Raises
    ------
    InputError
        It cannot be read, is empty, or its header is wrong.
    """
    text = read_csv(path)
    return text.sheet(text.names(columns))


def header_of(path: Path) -> str:
    """Return the first line that is not blank, as far as the start of the file shows it."""
    start = begins_with(path, HEAD_BYTES).decode("utf-8", errors="replace")
    text = start.removeprefix("\ufeff").strip()
    return text.splitlines()[0] if text else ""


def cell_starts(text: str) -> list[int]:
    """Return the place of each cell in its line, counted from 1."""
    starts, quoted = [1], False
    for place, mark in enumerate(text, 2):
        if mark == '"':
            quoted = not quoted
        elif mark == "," and not quoted:
            starts.append(place)
    return starts


def shortened(name: str) -> str:
    """Return the name of a column as messages show it."""
    return name if len(name) <= LONGEST_KEY else name[: LONGEST_KEY - 1] + "…"
