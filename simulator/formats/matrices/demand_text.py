"""What the demand formats share: text that may be packed, its header, columns, and times."""

from __future__ import annotations

import gzip
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem
from simulator.formats.tables.sheet import number

MOST_BYTES = 1_000_000_000
"""Of a file, and of what a packed file unfolds to."""
MOST_CELLS = 2**27
"""Demands times instants: a gigabyte of rates, a year of five minutes of 1,276 pairs."""
MOST_PROBLEMS = 50
HEAD_BYTES = 65_536
PIECE_BYTES = 2**24
NEVER_US = -(2**61)
LONGEST_S = 1e11
"""Some three thousand years."""

_FILLED = re.compile(rb"\S")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LINE_END_TEXT = re.compile(r"\r\n|\n|\r")
_EPOCH = datetime(1970, 1, 1)
_US = timedelta(microseconds=1)


@dataclass(frozen=True)
class Text:
    """A text file, read whole.

    Attributes
    ----------
    file : str
        The file as shown to the user.
    raw : bytes
        Its content, unpacked.
    header : str
        The first line that is not blank; empty if there is none.
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

    def lines(self) -> list[str]:
        """Return all lines of the file."""
        text = _decoded(self.file, self.raw)
        return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_text(path: Path) -> Text:
    """Read a text file, unpacked if its name ends in ``.gz``.

    Raises
    ------
    InputError
        It cannot be read, is too large, or holds nothing.
    """
    file, raw = str(path), _read(path)
    begun = _FILLED.search(raw, 3 if raw.startswith(BOM_UTF8) else 0)
    if begun is None:
        raise failure(path, "the file is empty")
    ended = _LINE_END.search(raw, begun.start())
    end, body_at = ended.span() if ended else (len(raw), len(raw))
    above = _decoded(file, raw[: begun.start()])
    *blank, indent = _LINE_END_TEXT.split(above)
    header = indent + _decoded(file, raw[:end])[len(above) :]
    return Text(file, raw, header, len(blank) + 1, body_at)


def head(path: Path) -> str:
    """Return the first line that is not blank, as far as a look at the start of the file tells."""
    try:
        with _opened(path) as stream:
            start = stream.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return ""
    text = start.decode("utf-8", errors="replace").removeprefix("\ufeff").strip()
    return text.splitlines()[0] if text else ""


def failure(path: str | Path, message: str) -> InputError:
    """Return an error with the whole of a file."""
    return InputError([Problem(str(path), None, None, "", message)])


def first_of(problems: Sequence[Problem], more: int) -> list[Problem]:
    """Return the first problems of a file by place, and one that counts the others."""
    placed = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    more += max(0, len(placed) - MOST_PROBLEMS)
    told = placed[:MOST_PROBLEMS]
    return [*told, Problem(told[0].file, None, None, "", f"and {more:,} more")] if more else told


def parsed(text: Text, types: dict[str, Any]) -> Any | None:
    """Return the rows below the header as an Arrow table; None if they are not as they should be.

    It reads what a careful reading would read alike, many times faster, but tells little about
    mistakes: on None, read with care.
    """
    import pyarrow as pa
    from pyarrow import csv

    try:
        table = csv.read_csv(
            pa.py_buffer(memoryview(text.raw)[text.body_at :]),
            # Without threads: those that are still starting when a short process ends abort it.
            read_options=csv.ReadOptions(
                column_names=list(types), block_size=PIECE_BYTES, use_threads=False
            ),
            convert_options=csv.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=False,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table


class Times(NamedTuple):
    """Instants.

    Attributes
    ----------
    us : ndarray of int
        Microseconds: from 1970 for dates, as given for numbers.
    dated : bool
    wrong : dict of int to str
        What is wrong with which word.
    """

    us: np.ndarray
    dated: bool
    wrong: dict[int, str]

    @staticmethod
    def hours_of(us: np.ndarray) -> np.ndarray:
        """Return hours from the first of some instants."""
        return (us - us[0]) / 3_600_000_000

    def start_of(self, us: np.ndarray) -> str | None:
        """Return the local time of the first of some instants, if these are dates."""
        return (_EPOCH + int(us[0]) * _US).isoformat() if self.dated else None


def read_times(words: Sequence[str]) -> Times:
    """Read instants: all of them dates, or all of them numbers of seconds.

    Local dates and times in ISO form, as ``2004-03-04`` or ``2004-03-04T00:05``, or as SNDlib names
    its matrices, ``20040304-0005``.
    """
    us = np.zeros(len(words), dtype=np.int64)
    wrong: dict[int, str] = {}
    dated = bool(words) and number(words[0].strip()) is None
    for i, word in enumerate(words):
        try:
            us[i] = _date_us(word.strip()) if dated else _seconds_us(word.strip())
        except ValueError as error:
            wrong[i], us[i] = str(error), NEVER_US + i  # apart from all others
    return Times(us, dated, wrong)


def _date_us(word: str) -> int:
    plain = word
    if len(word) == 13 and word[8] == "-" and (word[:8] + word[9:]).isdecimal():
        plain = f"{word[:8]}T{word[9:]}"
    try:
        if number(word) is not None:
            raise ValueError
        time = datetime.fromisoformat(plain)
    except ValueError:
        expected = "a local time such as 2004-03-04T00:05, or a number of seconds in every row"
        raise ValueError(f"expected {expected}, found {shown(word)}") from None
    if time.tzinfo is not None:
        raise ValueError(f"times are local: leave the zone out of {shown(word)}")
    return (time - _EPOCH) // _US


def _seconds_us(word: str) -> int:
    seconds = number(word)
    if seconds is None:
        found = f"found {shown(word)}"
        raise ValueError(f"expected a number of seconds as in the first row, {found}")
    if abs(seconds) > LONGEST_S:
        raise ValueError(f"expected seconds, at most {LONGEST_S:g} of them, found {shown(word)}")
    return round(seconds * 1e6)


def _opened(path: Path) -> Any:
    return gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb")


def _read(path: Path) -> bytes:
    try:
        with _opened(path) as stream:
            raw = stream.read(MOST_BYTES + 1)
    except gzip.BadGzipFile as error:
        raise failure(path, f"no gzip file, or a damaged one: {error}") from None
    except EOFError:
        raise failure(path, "the gzip file ends too soon; it was not copied whole") from None
    except zlib.error as error:
        raise failure(path, f"the gzip file is damaged: {error}") from None
    except OSError as error:
        raise failure(path, f"cannot read this file: {error.strerror or error}") from None
    if len(raw) > MOST_BYTES:
        size = f"{MOST_BYTES / 1e6:,g} MB"
        raise failure(path, f"holds more than {size}; give parts of it, or Parquet")
    return bytes(raw)


def _decoded(file: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise InputError([Problem(file, line, column, "", message)]) from None
