"""Numerals: numbers with decimal commas or thousands separators, and words for no number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from simulator.base.document import shown
from simulator.base.text import counted
from simulator.formats.units import number

_WORDS = ("nan", "-nan", "null", "none", "nil", "na", "n/a", "#n/a", "#nv", "u", "\\n")
GAP_WORDS = frozenset({"", "-", "--", "–", "—", *_WORDS})
"""What stands where nothing was measured, in small letters: of pandas, R, rrdtool, MySQL, Excel."""
GAP_SPELLINGS = sorted(
    {form for word in GAP_WORDS for form in (word, word.upper(), word.title(), word.capitalize())}
    | {"NaN", "-NaN"}
)
"""The same as files spell them, for readers that compare letter by letter."""

_EXPONENT = r"(?:[eE][-+]?\d+)?"
_BLANKS = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")
_NUMERAL = re.compile(rf"[-+]?[\d.,]*\d[.,]?{_EXPONENT}")


def _surely(decimal: str, other: str) -> re.Pattern[str]:
    """Match numerals in which one mark can only divide decimals, or the other only thousands."""
    d, o = re.escape(decimal), re.escape(other)
    decimals = rf"\d+{d}(?:\d{{1,2}}|\d{{4,}})|\d{{4,}}{d}\d+|0*{d}\d+"
    thousands = rf"\d{{1,3}}(?:{o}\d{{3}})+{d}\d+|\d{{1,3}}(?:{o}\d{{3}}){{2,}}"
    return re.compile(rf"[-+]?(?:{decimals}|{thousands}){_EXPONENT}")


_SURELY = {",": _surely(",", "."), ".": _surely(".", ",")}
_GROUPED = {
    ",": re.compile(rf"[-+]?(?:\d{{1,3}}(?:\.\d{{3}})+|\d*)(?:,\d*)?{_EXPONENT}"),
    ".": re.compile(rf"[-+]?(?:\d{{1,3}}(?:,\d{{3}})+|\d*)(?:\.\d*)?{_EXPONENT}"),
}


class Numerals(NamedTuple):
    """Cells in which every number has a decimal point and nothing else.

    Attributes
    ----------
    cells : list of str
    wrong : dict of int to str
        What is wrong with which cell: it may be read in two ways.
    note : str
        How cells were read that are no plain numbers; empty where all are.
    """

    cells: list[str]
    wrong: dict[int, str]
    note: str


def is_gap(cell: str) -> bool:
    """Return whether a cell says that there is no number."""
    return cell.casefold() in GAP_WORDS


def plain_number_cell(cell: str) -> bool:
    """Return whether a cell holds a plain number."""
    return number(cell.strip().strip('"')) is not None


def plain_numbers(
    cells: Sequence[str], *, points_may_group: bool = False, decimal: str = ""
) -> Numerals:
    """Read all numbers of a file alike, as far as there is one way only to read them.

    A comma or point divides decimals for certain where one, two or more than three digits follow
    it, or where *decimal* says so. Where nothing tells, `1,234` may be either and is wrong; and so
    is `1.234` if *points_may_group*, as in files whose cells are divided by semicolons.
    """
    plain = [_BLANKS.sub("", cell) for cell in cells]
    if not points_may_group and not any("," in cell or cell.count(".") > 1 for cell in plain):
        return Numerals(plain, {}, _spaced(plain, cells))
    here = {i: cell for i, cell in enumerate(plain) if _NUMERAL.fullmatch(cell)}
    sure = {mark: next((i for i, c in here.items() if form.fullmatch(c)), None)
            for mark, form in _SURELY.items()}  # fmt: skip
    if decimal and here and sure[decimal] is None:
        sure[decimal] = min(here)
    comma, point = sure[","], sure["."]
    if comma is not None and point is not None:
        wrong = _mixed(plain, comma, point)  # told once: the other cells are taken as they seem
        alike = [c.replace(",", ".") if _SURELY[","].fullmatch(c) else c for c in plain]
        return Numerals(alike, wrong, "")
    if comma is None and point is None:
        marks = ",." if points_may_group else ","
        doubtful = {i: _doubt(cell) for i, cell in here.items() if set(cell) & set(marks)}
        return Numerals(plain, doubtful, _spaced(plain, cells))
    mark = "," if comma is not None else "."
    return _translated(plain, here, mark)


def _translated(plain: list[str], here: dict[int, str], mark: str) -> Numerals:
    """Return cells with decimal points, given which *mark* divides decimals."""
    other = "." if mark == "," else ","
    changed = [i for i, cell in here.items() if "," in cell or (mark == "," and "." in cell)]
    for i in changed:
        if _GROUPED[mark].fullmatch(plain[i]):
            plain[i] = plain[i].replace(other, "").replace(",", ".")
    what = "commas are decimal points" if mark == "," else "commas divide thousands"
    first = f", as {shown(here[changed[0]])} is read as {plain[changed[0]]}" if changed else ""
    return Numerals(
        plain, {}, f"{what} in {counted(len(changed), 'cell')}{first}" if changed else ""
    )


def _spaced(plain: Sequence[str], cells: Sequence[str]) -> str:
    spaced = sum(here != cell for here, cell in zip(plain, cells, strict=True))
    return f"blanks or apostrophes divide thousands in {counted(spaced, 'cell')}" if spaced else ""


def _mixed(plain: list[str], comma: int, point: int) -> dict[int, str]:
    """Return what is wrong where commas and points both divide decimals."""
    late, early = max(comma, point), min(comma, point)
    message = f"{shown(plain[late])} and {shown(plain[early])} above divide decimals differently"
    return {late: f"{message}; write decimal points, and no mark between thousands"}


def _doubt(cell: str) -> str:
    decimal, thousands = cell.replace(",", "."), cell.replace(",", "").replace(".", "")
    sure = f"{float(decimal):.4f}" if number(decimal) is not None else decimal
    return f"{shown(cell)} may be {decimal} or {thousands}; write {sure} or {thousands}"
