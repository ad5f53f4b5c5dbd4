"""A sheet: the rows of a CSV file, with a way to point at their cells."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from simulator.base.errors import InputError, Problem, did_you_mean

NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class Columns(NamedTuple):
    """What the header of a file must and may say; `refused` tells why others are not read."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    refused: Mapping[str, str] = {}


@dataclass(frozen=True)
class Sheet:
    """A CSV file with a header.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    columns : tuple of str
        Names in the header.
    rows : list of list of str
        Cells without the blanks around them, as many in each row as there are columns.
    lines : list of int
        On which line of the file each row stands, counted from 1.
    texts : list of str
        All lines of the file.
    """

    file: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    texts: list[str]

    def cells(self, column: str) -> list[str]:
        """Return the cells of one column."""
        position = self.columns.index(column)
        return [row[position] for row in self.rows]

    @property
    def height(self) -> int:
        """Number of rows in the file, those that could not be read included."""
        return sum(bool(text.strip()) for text in self.texts) - 1

    def place(self, row: int, column: str) -> tuple[int, int]:
        """Return line and place of a cell, or of its row if there is no such column."""
        line = self.lines[row]
        if column not in self.columns:
            return line, 1
        return line, cell_starts(self.texts[line - 1])[self.columns.index(column)]

    def problem(
        self,
        row: int,
        column: str,
        message: str,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a problem with one cell, or with its row if there is no such column."""
        return Problem(self.file, *self.place(row, column), column, message, severity)


def number(cell: str) -> float | None:
    """Return the number that *cell* is: no words, underscores, other scripts or infinities."""
    value = float(cell) if NUMBER.fullmatch(cell) else math.nan
    return value if math.isfinite(value) else None


def read_sheet(path: Path, columns: Columns) -> tuple[Sheet, list[Problem]]:
    """Read a CSV file; rows with too few or too many cells become problems.

    Parameters
    ----------
    path : Path
    columns : Columns
        What the header must and may say.

    Raises
    ------
    InputError
        It cannot be read, is empty, or its header is wrong.
    """
    file, texts = str(path), _lines(path)
    filled = [number for number, text in enumerate(texts, 1) if text.strip()]
    if not filled:
        raise InputError([Problem(file, None, None, "", "the file is empty")])
    header, *numbers = filled
    sheet = Sheet(file, header_names(file, header, texts[header - 1], columns), [], [], texts)
    return sheet, list(fill_sheet(sheet, numbers))


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        hint = did_you_mean(path.name, (each.name for each in path.parent.glob("*.csv")))
        raise _failure(path, f"no such file{hint}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _failure(path, f"cannot read this file: {reason}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise InputError([Problem(str(path), line, column, "", message)]) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _failure(path: Path, message: str) -> InputError:
    return InputError([Problem(str(path), None, None, "", message)])


def header_names(file: str, line: int, text: str, columns: Columns) -> tuple[str, ...]:
    """Return the names in the header, or raise all that is wrong with them."""
    found = partial(Problem, file, line)
    try:
        names = split_line(text)
    except csv.Error as error:
        raise InputError([found(1, "", f"not valid CSV: {error}")]) from None
    if len(names) == 1 and (mark := next((mark for mark in ";\t|" if mark in text), None)):
        raise InputError([found(1, "", f"the cells are divided by {mark!r}; use commas")])
    problems, before = [], set[str]()
    for name, start in zip(names, cell_starts(text), strict=True):
        if message := _complaint(name, before, columns):
            problems.append(found(start, name, message))
        before.add(name)
    missing = (name for name in columns.required if name not in names)
    problems += [found(1, name, "required column is missing") for name in missing]
    if problems:
        raise InputError(problems)
    return tuple(names)


def _complaint(name: str, before: set[str], columns: Columns) -> str:
    known = [*columns.required, *columns.optional]
    if name in before:
        return "a second column of this name"
    if name in columns.refused:
        return columns.refused[name]
    if name not in known:
        return f"unknown column{did_you_mean(name, known) or '; known: ' + ', '.join(known)}"
    return ""


def fill_sheet(sheet: Sheet, numbers: Iterable[int]) -> Iterator[Problem]:
    """Split the lines into the rows of *sheet*, and yield what is wrong with them."""
    width = len(sheet.columns)
    for number in numbers:
        try:
            cells = split_line(sheet.texts[number - 1])
        except csv.Error as error:
            yield Problem(sheet.file, number, 1, "", f"not valid CSV: {error}")
            continue
        if len(cells) != width:
            message = f"{len(cells)} cells in this row, but {width} columns in the header"
            yield Problem(sheet.file, number, 1, "", message)
            continue
        sheet.rows.append(cells)
        sheet.lines.append(number)


def split_line(text: str) -> list[str]:
    """Return the cells of one line; no cell may go on on the next."""
    if '"' not in text:
        return [cell.strip() for cell in text.split(",")]
    (cells,) = csv.reader([text], strict=True)
    return [cell.strip() for cell in cells]


def cell_starts(text: str) -> list[int]:
    """Return the place of each cell in its line, counted from 1."""
    starts, quoted = [1], False
    for place, mark in enumerate(text, 2):
        if mark == '"':
            quoted = not quoted
        elif mark == "," and not quoted:
            starts.append(place)
    return starts
