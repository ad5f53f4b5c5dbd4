"""What all readers share: bytes and text within a limit, errors with their place, and counting."""

from __future__ import annotations

import gzip
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from simulator.base.bounds import LIFTS, bytes_to_read, exceeds
from simulator.base.document import KeyPath, dotted, place_after
from simulator.base.errors import InputError, Problem, did_you_mean, refusal
from simulator.base.regular import refuse_special

MOST_BYTES = 100_000_000
"""Of a file, unpacked: a bomb stops here."""
MOST_CSV_BYTES = 1_000_000_000
"""Of a CSV file, which may hold a year of matrices."""
MOST_ELEMENTS = 500_000
"""Nodes, or links, of a topology: so many links take 1.5 GB and a minute to read."""
MOST_VALUES = 10_000_000
"""Values in JSON, elements in XML: of empty ones so many take a gigabyte."""
MOST_PROBLEMS = 50

FILLED = re.compile(rb"\S")
MARKED = {
    BOM_UTF32_LE: "UTF-32",  # before UTF-16, whose mark is the beginning of this one
    BOM_UTF32_BE: "UTF-32",
    BOM_UTF16_LE: "UTF-16",
    BOM_UTF16_BE: "UTF-16",
}
"""Encodings that a file states by its first bytes, as Excel's "Unicode text" does."""

# ---------------------------------------------------------------- files


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a file, unpacked if its name ends in `.gz`.

    Raises
    ------
    InputError
        The file cannot be read, is no regular file, is broken, holds nothing, or is larger than
        *most* bytes, unpacked.
    """
    refuse_special(path)
    try:
        with _opened(path) as file:
            raw = file.read(bytes_to_read(most))
    except FileNotFoundError:
        hint = did_you_mean(path.name, (each.name for each in path.parent.glob(f"*{path.suffix}")))
        raise refusal(path, f"no such file{hint}") from None
    except EOFError:
        raise refusal(path, "the packed file is cut short: it ends too soon") from None
    except gzip.BadGzipFile as error:
        raise refusal(path, f"not a gzip file, or a damaged one: {error}") from None
    except zlib.error as error:
        raise refusal(path, f"the packed file is damaged: {error}") from None
    except (OSError, ValueError) as error:
        raise refusal(path, f"cannot read this file: {reason(error)}") from None
    if exceeds(len(raw), most):
        raise refusal(path, f"larger than {most // 1_000_000:,} MB; {LIFTS}")
    if FILLED.search(raw, 3 if raw.startswith(BOM_UTF8) else 0) is None:
        raise refusal(path, "the file is empty")
    return raw


def refuse_values_above(path: Path, count: int, noun: str) -> None:
    """Raise an InputError if a file holds more values than memory should hold."""
    if exceeds(count, MOST_VALUES):
        message = f"{count:,} {noun}; at most {MOST_VALUES:,} are read"
        raise refusal(path, f"{message}: leave out what the network does not need, or {LIFTS}")


def refuse_elements_above(path: Path, section: str, count: int, line: int | None = None) -> None:
    """Raise an InputError if there are more nodes or links than are read, before they are made."""
    if exceeds(count, MOST_ELEMENTS):
        message = f"{count:,} of them; at most {MOST_ELEMENTS:,} are read; {LIFTS}"
        raise refusal(path, message, line, key=section)


def read_text(path: Path) -> str:
    """Return the text of a file in UTF-8, with lines ended by a line feed."""
    return decoded(path, read_bytes(path))


def decoded(path: str | Path, raw: bytes) -> str:
    """Return bytes in UTF-8, or in what their first bytes state, as text with line feeds."""
    raw = in_utf8(path, raw)
    mark = len(BOM_UTF8) if raw.startswith(BOM_UTF8) else 0
    try:
        text = raw[mark:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = mark + error.start
        before = raw[mark:at].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        raise refusal(path, _not_utf8(raw, at), *place_after(before)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def in_utf8(path: str | Path, raw: bytes) -> bytes:
    """Return text in UTF-8 where its first bytes state UTF-16 or UTF-32; else as it is."""
    stated = next((mark for mark in MARKED if raw.startswith(mark)), None)
    if stated is None:
        if _is_unmarked_utf16(raw[:400]):
            message = "not UTF-8 text: UTF-16, without its mark at the beginning"
            raise refusal(path, f"{message}; save the file as UTF-8")
        return raw
    name = MARKED[stated]
    try:
        return raw.decode(name).encode()
    except UnicodeDecodeError as error:
        message = f"it begins as {name} text, but byte {error.start:,} is none; save it as UTF-8"
        raise refusal(path, message) from None


def _is_unmarked_utf16(start: bytes) -> bool:
    """Return whether zeros and Latin letters take turns, nearly always."""
    for letters, zeros in ((start[::2], start[1::2]), (start[1::2], start[::2])):
        latin = sum(byte >= 32 or byte in b"\t\r\n" for byte in letters)
        if len(zeros) > 4 and zeros.count(0) > 0.8 * len(zeros) and latin > 0.8 * len(letters):
            return True
    return False


def _not_utf8(raw: bytes, at: int) -> str:
    """Return what stands in place of UTF-8, and the way out."""
    byte = raw[at]
    old = f" ({bytes([byte]).decode('latin-1')!r} in Latin-1)" if byte >= 0xA0 else ""
    return f"not UTF-8 text: byte 0x{byte:02x} at offset {at}{old}; save the file as UTF-8"


def begins_with(path: Path, size: int = 4096) -> bytes:
    """Return the first bytes of a file, unpacked; none if it cannot be read."""
    try:
        refuse_special(path)
        with _opened(path) as file:
            return file.read(size)
    except (OSError, EOFError, ValueError, zlib.error):
        return b""


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb")  # type: ignore[return-value]


# ---------------------------------------------------------------- errors


def refuse(problems: Iterable[Problem], more: int = 0, file: str | None = None) -> None:
    """Raise the first problems, if there are any; see `first_of`."""
    if found := first_of(problems, more, file):
        raise InputError(found)


def first_of(problems: Iterable[Problem], more: int = 0, file: str | None = None) -> list[Problem]:
    """Return the first problems by place, and one that counts the others and *more* besides.

    The count belongs to *file*, or to the file of the first problem if that is left out.
    """
    placed = sorted(problems, key=lambda each: (each.file, each.line or 0, each.column or 0))
    more += max(0, len(placed) - MOST_PROBLEMS)
    count = [Problem(file or placed[0].file, None, None, "", f"and {more} more")] if more else []
    return [*placed[:MOST_PROBLEMS], *count]


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return the errors, each once; of more than `MOST_PROBLEMS` the first, and a count."""
    errors = list(dict.fromkeys(each for each in problems if each.severity == "error"))
    counted = MOST_PROBLEMS + 1  # the last of them may count the others already
    return errors if len(errors) <= counted else first_of(errors)


def reason(error: Exception) -> str:
    """Return why the system could not read a file."""
    return getattr(error, "strerror", None) or str(error)


@dataclass(frozen=True)
class Places:
    """Where nodes and links stand in a file: by section, the line of each record."""

    file: str
    lines: Mapping[str, Sequence[int | None]]

    def point(
        self,
        path: KeyPath,
        message: str,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a problem with the value at *path*, such as `("links", 3, "a")`."""
        return Problem(self.file, self.line(path), None, dotted(path), message, severity)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of the record at *path*, as far as it is known."""
        if len(path) < 2 or not isinstance(path[1], int):
            return None
        lines = self.lines.get(str(path[0]), ())
        return lines[path[1]] if path[1] < len(lines) else None


# ---------------------------------------------------------------- words


def listed(words: Iterable[str], most: int = 3) -> str:
    """Return the first words, and how many more there are."""
    words = list(words)
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
