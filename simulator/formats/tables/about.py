"""about.csv: what is said of a network as a whole, a key and a value in each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.base.checking import build
from simulator.base.document import Document, parse_yaml
from simulator.base.errors import InputError, Problem, known_instead
from simulator.formats.native import flow, quoted
from simulator.formats.rules.draft import Record
from simulator.formats.rules.entries import AboutEntry, given, keys
from simulator.formats.sheet import Columns, Sheet
from simulator.formats.units import number

COLUMNS = Columns(("key", "value"), ())


TEXTS = ("name", "title", "matrix", "sources", "assumptions")
LISTS = ("sources", "assumptions", "estimates", "marks")
"""Keys that may stand in several rows."""
KEYS = keys(AboutEntry)
_BY_NAME = "uncertainty."


def rows(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield key and value of every row, texts as they are and all else as YAML on one line."""
    for key in KEYS:
        value = data.get(key)
        if value is None:
            continue
        if key == "uncertainty":
            yield from ((f"{_BY_NAME}{name}", flow(each)) for name, each in value.items())
        else:
            values = value if key in LISTS else [value]
            yield from ((key, _text(each) if key in TEXTS else flow(each)) for each in values)


def about_of(sheet: Sheet) -> tuple[Record, dict[str, int], list[Problem]]:
    """Return what a table says, the row of every key, and what is wrong with it.

    Keys are those of a topology file: ``marks[2].of``, ``uncertainty.traffic``.
    """
    data: dict[str, Any] = {}
    at: dict[str, int] = {}
    problems: list[Problem] = []
    for row, (key, value) in enumerate(zip(sheet.cells("key"), sheet.cells("value"), strict=True)):
        word, dot, name = key.partition(".")
        if word not in KEYS or bool(dot) != (word == "uncertainty"):
            known = [each if each != "uncertainty" else f"{each}.NAME" for each in KEYS]
            problems.append(sheet.problem(row, "key", f"no key {key!r}{known_instead(key, known)}"))
            continue
        if word not in LISTS and key in at:
            problems.append(sheet.problem(row, "key", f"{key} stands in two rows"))
            continue
        value = _value(word, value)
        if word == "uncertainty":
            data.setdefault(word, {})[name] = value
        elif word in LISTS:
            data.setdefault(word, []).append(value)
            key = f"{word}[{len(data[word]) - 1}]"
        else:
            data[word] = value
        at[key] = row
    try:
        return _plain(build(AboutEntry, Document.of(data))), at, problems
    except InputError as error:
        problems += [
            sheet.problem(row_of(at, problem.key), "value", problem.message)
            for problem in error.problems
        ]
        return {}, at, problems


def row_of(at: Mapping[str, int], key: str) -> int:
    """Return the row of a key, or of the longest key in rows that it begins with."""
    found = [each for each in at if key == each or key.startswith((f"{each}.", f"{each}["))]
    return at[max(found, key=len)] if found else 0


def _plain(table: AboutEntry) -> Record:
    record = given(table)
    for key in ("estimates", "marks"):
        record[key] = tuple(map(given, record[key]))
    record["uncertainty"] = dict(record["uncertainty"])
    return record


def _value(key: str, cell: str) -> Any:
    if key in TEXTS and not (cell.startswith('"') and cell.endswith('"') and len(cell) > 1):
        return cell
    if key in ("utc_offset_h", "hop_delay_ms"):
        found = number(cell)
        return cell if found is None else found
    try:
        return parse_yaml(cell).data
    except InputError:
        return cell


def _text(text: str) -> str:
    """Return a text as it is, or in quotes where a cell would bend it."""
    bent = " ".join(text.split()) != text or not text or text.startswith('"')
    return quoted(text) if bent or not text.isprintable() else text


def positions(path: Sequence[str | int]) -> str:
    """Return a path of a topology file as a key: ``uncertainty.traffic.law``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
