"""TeX: tables for a paper, in the style of the package booktabs; all text in them is escaped."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from simulator.base.errors import SimulatorError
from simulator.base.text import plain
from simulator.results.tables import Table
from simulator.study.answer import Answer

MOST_ROWS = 5000
"""Rows of a table that a paper may hold."""
_PAGE = 50
"""Rows beyond which a table goes over several pages."""
HEAD = "% Needs \\usepackage{booktabs}"
_DIGITS = 6
_LETTERS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "↕": r"$\updownarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "²": r"$^2$",
    "·": r"$\cdot$",
    **{letter: rf"\{letter}" for letter in "#$%&_{}"},
}
_MINUS = re.compile(r"(?<![\w.)])-(?=[\d.])")
_SPECIAL = re.compile("|".join(map(re.escape, _LETTERS)))


def escaped(text: Any) -> str:
    """Return text as TeX prints it; letters that TeX has none of are left to its fonts."""
    made = _SPECIAL.sub(lambda letter: _LETTERS[letter[0]], plain(str(text)))
    return _MINUS.sub("$-$", made)


def of_answer(answer: Answer) -> str:
    """Return the tables of an answer as it shows them, rounded and with intervals."""
    parts = [f"{HEAD}.", *(f"% {plain(line)}" for line in (answer.title, answer.sentence))]
    for section in answer.sections:
        rows = [[row.label, *map(str, row.cells)] for row in section.rows]
        # Labels of parts are set in; TeX would drop the blanks.
        quad = [r"\quad " if row.label.startswith(" ") else "" for row in section.rows]
        parts.append(_tabular(["", *section.headings], rows, "l" + "r" * len(section.headings)))
        parts[-1] = _with_caption(section.caption, _indented(parts[-1], quad))
    return "\n".join([*parts, *(f"% {plain(line)}" for line in answer.foot)]) + "\n"


def of_table(table: Table, frame: pd.DataFrame) -> str:
    """Return a table of the catalogue, numbers with six digits and units in the headings.

    Raises
    ------
    SimulatorError
        It has more rows than a paper holds.
    """
    if len(frame) > MOST_ROWS:
        raise SimulatorError(
            f"table {table.name} has {len(frame):,} rows, and a page of a paper holds no more than"
            f" {MOST_ROWS}: choose another with --table, or --to csv"
        )
    units = {column.name: column.unit for column in table.columns}
    numbers = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame.columns]
    headings = [_heading(str(name), units.get(str(name), "")) for name in frame.columns]
    rows = [[_number(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    form = "".join("r" if number else "l" for number in numbers)
    long = len(rows) > _PAGE
    made = _long(headings, rows, form) if long else _tabular(headings, rows, form)
    head = f"{HEAD}{' and {longtable}' if long else ''}."
    return f"{head}\n{_with_caption(table.sentence.replace('``', ''), made)}\n"


def _heading(name: str, unit: str) -> str:
    unit = unit.replace("``", "")
    return name if unit in ("", "1") or unit.startswith("as ") else f"{name} ({unit})"


def _number(value: Any) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)


def _tabular(headings: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> str:
    head, *body = _lines([headings, *rows])
    inner = [r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
    return "\n".join([rf"\begin{{tabular}}{{{form}}}", *inner, r"\end{tabular}"])


def _long(headings: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> str:
    """Return a table over several pages, its headings on each."""
    head, *body = _lines([headings, *rows])
    inner = [r"\toprule", head, r"\midrule", r"\endhead", *body, r"\bottomrule"]
    return "\n".join([rf"\begin{{longtable}}{{{form}}}", *inner, r"\end{longtable}"])


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"{' & '.join(map(escaped, row))} \\\\" for row in rows]


def _indented(made: str, quad: Sequence[str]) -> str:
    lines = made.split("\n")
    lines[4:-2] = [f"{space}{line}" for space, line in zip(quad, lines[4:-2], strict=True)]
    return "\n".join(lines)


def _with_caption(caption: str, made: str) -> str:
    return f"\n% {plain(caption)}\n{made}" if caption else f"\n{made}"
