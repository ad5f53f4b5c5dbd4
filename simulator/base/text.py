"""Text: numbers rounded sensibly, and tables laid out for a terminal or a notebook."""

from __future__ import annotations

import html
import math
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import accumulate
from typing import Literal, NamedTuple

WIDTH = 100
"""Columns of text where standard output is no terminal, and of prose in any."""
_NARROWEST = 40
_GAP, _CLOSE, _INDENT = 3, 2, 2
LONGEST_NAME = 24
Form = Literal["share", "fine_share", "ms", "hours", "index", "factor", "gbps", "gbit", "count"]

_SHARES = ("share", "fine_share")
_DECIMALS = {"share": 1, "fine_share": 2, "ms": 2, "hours": 1, "index": 3, "factor": 2, "count": 0}
_VOLUMES = ((1e6, "Pbit"), (1e3, "Tbit"), (1.0, "Gbit"))
_ROUNDING = 1e-6
_BEYOND_PRINT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Cell(NamedTuple):
    """A figure and its interval, or what is known in place of one, as text."""

    value: str
    spread: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.spread}".rstrip()


class Row(NamedTuple):
    """A line of a table."""

    label: str
    cells: tuple[Cell, ...]


# -- text ---------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Return *text* on one line and without characters that steer a terminal."""
    kept = (c if unicodedata.category(c) not in _BEYOND_PRINT else " " for c in text)
    return " ".join("".join(kept).split())


def short(name: str, most: int = LONGEST_NAME) -> str:
    """Return a name that fits a heading: of a longer one its begin and end, *most* columns."""
    name = plain(name)
    if columns(name) <= most:
        return name
    end = _first(name[::-1], most // 3)[::-1]
    return f"{_first(name, most - 1 - columns(end))}…{end}"


def shorts(names: Iterable[str], most: int = LONGEST_NAME) -> list[str]:
    """Return names that fit headings; where cuts would make two the same, they are less short."""
    names = list(names)
    apart = len(set(map(plain, names)))
    longest = max(map(columns, names), default=0)
    while len(set(cut := [short(name, most) for name in names])) < apart and most < longest:
        most *= 2
    return cut


def _first(text: str, most: int) -> str:
    """Return as much of the begin of *text* as fits *most* columns."""
    while columns(text) > most:
        text = text[: max(most, 0)] if len(text) > most else text[:-1]
    return text


def width() -> int:
    """Return the columns of the terminal that standard output is, `WIDTH` where it is none.

    The variable ``COLUMNS`` says otherwise, as it does for other programs.
    """
    if "COLUMNS" in os.environ or sys.stdout.isatty():
        return max(shutil.get_terminal_size((WIDTH, 24)).columns, _NARROWEST)
    return WIDTH


def columns(text: str) -> int:
    """Count the columns that *text* takes in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def padded(text: str, wide: int) -> str:
    """Return *text* with blanks at its end, *wide* columns in all."""
    return text + " " * (wide - columns(text))


def listed(parts: Sequence[str]) -> str:
    """Return parts as a list: ``a, b and c``."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def counted(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``1 link``, ``2 links``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def cut_at_commas(text: str) -> list[str]:
    """Cut at commas that stand outside of brackets and quotes."""
    parts, depth, quote, start = [], 0, "", 0
    for i, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    return [*parts, text[start:]]


def wrapped(text: str, most: int | None = None, hang: str = "") -> list[str]:
    """Break *text* into lines of at most *most* columns; all but the first begin with *hang*.

    Left out, *most* is the width of the terminal, or `WIDTH` if that is less.
    """
    most = most or min(width(), WIDTH)
    lines, line = [], ""
    for word in _pieces(text, most - len(hang)):
        joined = f"{line} {word}" if line.strip() else line + word
        if columns(joined) > most:
            lines.append(line)
            joined = hang + word
        line = joined
    return [*lines, line] if line.strip() else lines


def _pieces(text: str, most: int) -> Iterable[str]:
    for word in plain(text).split(" "):
        while columns(word) > most:
            cut = next(i for i in range(len(word), 0, -1) if columns(word[:i]) <= most)
            yield word[:cut]
            word = word[cut:]
        yield word


# -- numbers ------------------------------------------------------------------------------------


def cell(
    mean: float, low: float, high: float, form: Form, *, apart: bool = False, largest: float = 0.0
) -> Cell:
    """Return a figure with its interval, whose ends are NaN where there is none.

    A figure that is *apart* is a difference: it has a sign, and shares differ by percentage points.
    The *largest* figure of the row decides its decimals and units. An interval is shown by its
    half-width, or by its ends where one was cut at zero.
    """
    if math.isnan(mean):
        return Cell("–")
    if math.isinf(mean):
        return Cell("–" if apart or mean < 0 else "no limit")
    size = max(abs(mean), largest)
    value = number(mean, form, size, sign=apart)
    unit = (" pp" if apart else " %") if form in _SHARES else ""
    front = "x" if form == "factor" and not apart else ""
    half = (high - low) / 2.0
    spread = f"± {number(half, form, size)}" if math.isfinite(half) else ""
    sides = [number(side, form, size) for side in (mean - low, high - mean)]
    if spread and sides[0] != sides[1] and abs(high + low - 2.0 * mean) > _ROUNDING * half:
        spread = " to ".join(number(end, form, size, sign=apart) for end in (low, high))
    return Cell(f"{front}{value}{unit}", spread)


def volume_unit(largest_gbit: float) -> str:
    """Return the unit in which a row of volumes reads best."""
    return _volume(largest_gbit)[1]


def number(value: float, form: Form, size: float, *, sign: bool = False) -> str:
    """Return a number without its unit, with the decimals of a row whose largest is *size*."""
    scale = 1.0 / _volume(size)[0] if form == "gbit" else 100.0 if form in _SHARES else 1.0
    decimals = _DECIMALS.get(form, 1 if size * scale < 1000 else 0)
    text = f"{value * scale:{'+' if sign else ''},.{decimals}f}"
    return text if re.search("[1-9]", text) else text.lstrip("+-")


def _volume(largest_gbit: float) -> tuple[float, str]:
    return next((v for v in _VOLUMES if largest_gbit >= v[0]), _VOLUMES[-1])


# -- tables -------------------------------------------------------------------------------------


def table(
    headings: Sequence[str],
    rows: Sequence[Row],
    most: int | None = None,
    corner: str = "",
    groups: Sequence[int] = (),
) -> str:
    """Lay a table out as text; columns that do not fit side by side follow below.

    Each column of cells has a heading; *corner* is the heading of the labels. Columns stand a
    little closer where they fit side by side for that. No line has more than *most* columns, those
    of the terminal if left out, unless a label and one cell need more.

    Parameters
    ----------
    groups : sequence of int
        How many columns belong together: those of the first group stand on every page, those of
        any other are never torn apart. Where they are too wide beside the labels, labels stand
        above them, and where that is too wide as well, every figure has a line of its own.
    """
    most = most or width()
    labels = [corner, *(row.label for row in rows)]
    label_wide = max(map(columns, labels))
    blocks = [_column(heading, i, rows) for i, heading in enumerate(headings)]
    wides = [columns(block[0]) for block in blocks]
    for beside in (label_wide, _INDENT) if groups else (label_wide,):
        gap = _GAP if sum(wides) + _GAP * len(wides) <= most - beside else _CLOSE
        pages = _pages([wide + gap for wide in wides], most - beside, groups)
        if beside == label_wide and not groups or _fit(pages, wides, gap, most - beside):
            above = groups and beside < label_wide
            put = _labels_above if above else partial(_labels_beside, wide=label_wide)
            shown = [[[" " * gap + line for line in blocks[i]] for i in page] for page in pages]
            return "\n\n".join("\n".join(put(labels, page)) for page in shown)
    return "\n\n".join("\n".join(_listed_page(headings, rows, page, most)) for page in pages)


def _pages(wides: Sequence[int], room: int, groups: Sequence[int]) -> list[list[int]]:
    """Return which columns stand on each page."""
    sizes = groups or [1] * len(wides)
    ends = accumulate(sizes)
    parts = [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    first, parts = (parts[0], parts[1:]) if groups else ([], parts)
    empty = room - sum(wides[i] for i in first)
    pages: list[list[int]] = []
    left = -1
    for part in parts:
        wide = sum(wides[i] for i in part)
        if wide > left:
            pages.append([*first])
            left = empty
        pages[-1] += part
        left -= wide
    return pages or [first]


def _fit(pages: Sequence[Sequence[int]], wides: Sequence[int], gap: int, room: int) -> bool:
    return all(sum(wides[i] + gap for i in page) <= room for page in pages)


def _labels_beside(
    labels: Sequence[str], page: Sequence[Sequence[str]], wide: int
) -> Iterator[str]:
    for label, *cells in zip(labels, *page, strict=True):
        yield (padded(label, wide) + "".join(cells)).rstrip()


def _labels_above(labels: Sequence[str], page: Sequence[Sequence[str]]) -> Iterator[str]:
    for label, *cells in zip(labels, *page, strict=True):
        if label:
            yield label
        yield (" " * _INDENT + "".join(cells)).rstrip()


def _listed_page(
    headings: Sequence[str], rows: Sequence[Row], page: Sequence[int], most: int
) -> Iterator[str]:
    """Yield a line for every figure of a page, for terminals that no table fits."""
    for row in rows:
        yield row.label
        for i in page:
            text = str(row.cells[i])
            room = max(most - columns(text) - 2 * _INDENT - _CLOSE, 1)
            name = short(headings[i], room) if columns(headings[i]) > room else headings[i]
            yield " " * 2 * _INDENT + padded(name, room + _CLOSE) + text


def html_table(caption: str, headings: Sequence[str], rows: Sequence[Row]) -> str:
    """Lay a table out for a notebook; all text in it is escaped."""
    head = "".join(f"<th>{html.escape(plain(heading))}</th>" for heading in ("", *headings))
    body = "".join(
        f'<tr><th style="text-align:left">{html.escape(plain(row.label))}</th>'
        + "".join(f"<td>{html.escape(str(each))}</td>" for each in row.cells)
        + "</tr>"
        for row in rows
    )
    above = f"<caption>{html.escape(plain(caption))}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def html_lines(lines: Iterable[str]) -> str:
    """Return lines of text as paragraphs, escaped."""
    return "".join(f"<p>{html.escape(plain(line))}</p>" for line in lines if line)


def _column(heading: str, place: int, rows: Sequence[Row]) -> list[str]:
    """One column of a table, heading first: values end together, intervals begin together."""
    cells = [row.cells[place] for row in rows]
    value_wide = max((columns(each.value) for each in cells), default=0)
    spread_wide = max((columns(each.spread) for each in cells), default=0)
    lines = [
        " " * (value_wide - columns(each.value))
        + each.value
        + (" " + padded(each.spread, spread_wide) if spread_wide else "")
        for each in cells
    ]
    wide = max(map(columns, (heading, *lines)))
    return [" " * (wide - columns(line)) + line for line in (heading, *lines)]
