"""Rows: a table of others, row by row, under the names that it gives its columns."""

from __future__ import annotations

from pathlib import Path

from simulator.base.bounds import LIFTS, exceeds
from simulator.base.errors import Problem, refusal
from simulator.formats.graphs.names import plain_name
from simulator.formats.reading import MOST_ELEMENTS, refuse
from simulator.formats.sheet import MOST_COLUMNS, read_csv


def read_rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Return the line and the filled cells of every row that has any, and what was left out.

    Raises
    ------
    InputError
        The file is no table, or two of its columns are alike but for case, blanks and hyphens.
    """
    text = read_csv(path)
    text.refuse_rows_above(MOST_ELEMENTS, "a table of a topology")
    names = text.header_cells
    if len(names) == 1 and (mark := next((each for each in ";\t|" if each in names[0]), None)):
        raise refusal(path, f"the cells are divided by {mark!r}; use commas", text.header_line, 1)
    if exceeds(len(names), MOST_COLUMNS):
        message = f"{len(names):,} columns; at most {MOST_COLUMNS:,} are read; {LIFTS}"
        raise refusal(path, message, text.header_line, 1)
    if len({plain_name(name) for name in names}) < len(names):
        raise refusal(path, "two columns of one name", text.header_line)
    sheet, problems = text.sheet(names)
    refuse(problems)
    rows = [
        {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        for cells in sheet.rows
    ]
    filled = [(line, row) for line, row in zip(sheet.lines, rows, strict=True) if row]
    return filled, text.notes()
