"""The head of a CSV file: comment lines, where the header stands, and what divides the cells."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from simulator.base.errors import refusal
from simulator.formats.numerals import plain_number_cell
from simulator.formats.reading import FILLED, decoded

SEPARATORS = (",", ";", "\t", "|")
LINE_END = re.compile(rb"\r\n|\n|\r")
SEPARATOR_LINE = re.compile(r'"?sep=(?P<mark>.)"?', re.IGNORECASE)
"""What Excel writes and reads above a header."""
QUOTED = re.compile(r'"[^"]*"')
MOST_COMMENTS = 1_000
LOOK_BYTES, LOOK_ROWS = 65_536, 20


class Head(NamedTuple):
    """Where a CSV file begins.

    Attributes
    ----------
    header : str
        The first line that is neither blank nor a comment; of files whose header is itself written
        as a comment, that comment.
    line : int
        Where it stands, counted from 1.
    body_at : int
        Where in the bytes the lines below begin.
    separator : str
        What divides the cells.
    comments : tuple of (int, str)
        Lines above the header that begin with `#`, by number.
    """

    header: str
    line: int
    body_at: int
    separator: str
    comments: tuple[tuple[int, str], ...]


def head_of(path: str | Path, raw: bytes) -> Head:
    """Return the head of a CSV file in UTF-8 that holds something.

    Raises
    ------
    InputError
        It holds comments only, or its head is no text.
    """
    at = len(BOM_UTF8) if raw.startswith(BOM_UTF8) else 0
    comments: list[tuple[int, str]] = []
    stated = None
    while begun := FILLED.search(raw, at):
        ended = LINE_END.search(raw, begun.start())
        end, at = ended.span() if ended else (len(raw), len(raw))
        above = decoded(path, raw[:end]).split("\n")
        line = above[-1].strip()
        if found := SEPARATOR_LINE.fullmatch(line):
            stated = found["mark"]
        elif line.startswith("#"):
            comments.append((len(above), line))
        else:
            body = decoded_start(raw[at : at + LOOK_BYTES])
            separator = stated or separator_of(above[-1], body)
            if comments and _is_header(comments[-1][1], above[-1], separator):
                number, header = comments.pop()
                return Head(header.lstrip("# "), number, begun.start(), separator, (*comments,))
            return Head(above[-1], len(above), at, separator, (*comments,))
        if len(comments) > MOST_COMMENTS:
            raise refusal(path, f"more than {MOST_COMMENTS:,} comment lines and no header")
    raise refusal(path, "there is no header: all lines are comments")


def decoded_start(raw: bytes) -> list[str]:
    """Return the first rows that are not blank, as far as some bytes show them whole."""
    lines = raw.decode("utf-8", errors="replace").splitlines()
    whole = lines if len(raw) < LOOK_BYTES else lines[:-1]
    return [line for line in whole if line.strip()][:LOOK_ROWS]


def separator_of(header: str, rows: Sequence[str]) -> str:
    """Return what divides the cells: what the header holds as often as the rows do."""
    counts = {mark: count for mark in SEPARATORS if (count := count_of(header, mark))}
    if len(counts) < 2:
        return next(iter(counts), ",")
    agreeing = [
        mark for mark, count in counts.items() if all(count_of(r, mark) == count for r in rows)
    ]
    return max(agreeing or counts, key=lambda mark: counts[mark])


def count_of(line: str, mark: str) -> int:
    """Return how often a mark stands in a line outside quotes."""
    return (QUOTED.sub("", line) if '"' in line else line).count(mark)


def _is_header(comment: str, row: str, separator: str) -> bool:
    """Return whether a comment names the cells of the row below, which has a number in it."""
    names, cells = comment.lstrip("# ").split(separator), row.split(separator)
    return (
        len(names) == len(cells) > 1
        and any(plain_number_cell(cell) for cell in cells)
        and not any(plain_number_cell(name) for name in names)
    )
