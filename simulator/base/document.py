"""Plain data from YAML 1.2, without surprises, that remembers where each piece was written."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from simulator.base.bounds import LIFTS, bytes_to_read, exceeds
from simulator.base.errors import InputError, Problem, did_you_mean, refusal
from simulator.base.regular import refuse_special

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]

MAX_BYTES = 50_000_000
MAX_DEPTH = 50
MAX_ALIASES = 100
MAX_VALUES = 1_000_000
"""With their places they take 0.5 GB and eight seconds."""
MAX_SHOWN = 60


class Spot(NamedTuple):
    """Where a value stands, and below it the places of its keys and parts."""

    line: int
    column: int
    nodes: int = 1
    height: int = 0
    parts: Mapping[str | int, tuple[Place, Spot]] = {}


@dataclass(frozen=True)
class Document:
    """Plain data that remembers where each piece of it was written.

    Attributes
    ----------
    data : object
        Mappings, lists and scalars.
    file : str
        The file as shown to the user.
    path : Path or None
        The file itself, if there is one.
    """

    data: Any
    file: str
    path: Path | None = None
    _spot: Spot | None = field(default=None, repr=False, compare=False)
    _origins: Mapping[KeyPath, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, data: Any, file: str = "<python>") -> Document:
        """Wrap data made in Python, which has no lines."""
        return cls(data, file)

    def locate(self, path: KeyPath, key: bool = False) -> tuple[int | None, int | None]:
        """Return line and column of the value at *path*, or of its nearest ancestor.

        With *key*, of the key that leads there. Without lines to tell, None and None.
        """
        if self._spot is None or self._origin(path) is not None:
            return None, None
        spot = self._spot
        place = spot.line, spot.column
        for part in path:
            if part not in spot.parts:
                break
            key_place, spot = spot.parts[part]
            place = key_place if key else (spot.line, spot.column)
        return place

    def problem(
        self,
        path: KeyPath,
        message: str,
        key: bool = False,
        severity: Literal["error", "warning"] = "error",
    ) -> Problem:
        """Return a problem with the value (or the key) at *path*."""
        line, column = self.locate(path, key)
        return Problem(
            self._origin(path) or self.file, line, column, dotted(path), message, severity
        )

    def with_value(self, path: KeyPath, value: Any, origin: str) -> Document:
        """Return a copy in which *path* holds *value*, said to come from *origin*."""
        try:
            path, born = _true_path(self.data, path)
        except LookupError as error:
            raise refusal(origin, str(error.args[0]), key=dotted(path)) from None
        origins = {at: told for at, told in self._origins.items() if at[: len(path)] != path}
        return dataclasses.replace(
            self, data=_replaced(self.data, path, value), _origins={**origins, path[:born]: origin}
        )

    def with_item(self, path: KeyPath, value: Any, origin: str) -> Document:
        """Return a copy in which the list at *path* has one item more, said to come from *origin*.

        Raises
        ------
        InputError
            There is something else than a list.
        """
        before = self.data
        for part in path:
            before = before.get(part) if isinstance(before, Mapping) else None
        if before is not None and not isinstance(before, list | tuple):
            raise refusal(
                origin, f"{dotted(path)} is {shown(before)}, not a list", key=dotted(path)
            )
        items = list(before or ())
        return dataclasses.replace(
            self,
            data=_replaced(self.data, path, [*items, value]),
            _origins={**self._origins, (*path, len(items)): origin},
        )

    def _origin(self, path: KeyPath) -> str | None:
        for length in range(len(path), -1, -1) if self._origins else ():
            if path[:length] in self._origins:
                return self._origins[path[:length]]
        return None


def dotted(path: KeyPath) -> str:
    """Return *path* as people write it: `nodes[3].id`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = re.fullmatch(r"[^\s.\[\]'\"\x00-\x1f]{1,80}", part)
            text += ("." if text else "") + (part if plain else shown(part))
    return text


def _true_path(data: Any, path: KeyPath) -> tuple[KeyPath, int]:
    """Return *path* with list positions as numbers, and how much of it leads to new ground."""
    found: KeyPath = ()
    for part in path:
        where = dotted(found) or "the document"
        if isinstance(data, list | tuple):
            if not str(part).isdecimal() or int(part) >= len(data):
                raise LookupError(f"{where} has {len(data)} items, counted from 0; no {part!r}")
            part = int(part)
            data = data[part]
        elif isinstance(data, Mapping):
            if part not in data:
                return found + path[len(found) :], len(found) + 1
            data = data[part]
        elif data is None:
            return found + path[len(found) :], len(found)
        else:
            raise LookupError(f"{where} is {shown(data)}, so it has no keys to set")
        found += (part,)
    return found, len(found)


def _replaced(data: Any, path: KeyPath, value: Any) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(data, list | tuple) and isinstance(head, int):
        return [*data[:head], _replaced(data[head], rest, value), *data[head + 1 :]]
    data = data or {}
    return {**data, head: _replaced(data.get(head), rest, value)}


# ---------------------------------------------------------------- reading YAML

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"-?[0-9]+"), int),
    (re.compile(r"-?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda text: math.nan),
)
_TAGS = {
    "!": yaml.NodeEvent,
    "tag:yaml.org,2002:str": yaml.ScalarEvent,
    "tag:yaml.org,2002:map": yaml.MappingStartEvent,
    "tag:yaml.org,2002:seq": yaml.SequenceStartEvent,
}


def read_yaml(path: str | Path) -> Document:
    """Read a YAML file; whatever is wrong with it becomes an `InputError`."""
    file = str(path)
    refuse_special(path)
    try:
        with open(path, "rb") as stream:
            raw = stream.read(bytes_to_read(MAX_BYTES))
    except FileNotFoundError:
        siblings = Path(path).parent.glob("*.y*ml")
        hint = did_you_mean(Path(path).name, (sibling.name for sibling in siblings))
        raise refusal(file, f"no such file{hint}") from None
    except IsADirectoryError:
        raise refusal(file, "this is a directory, not a file") from None
    except PermissionError:
        raise refusal(file, "no permission to read this file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refusal(file, f"cannot read this file: {reason}") from None
    if exceeds(len(raw), MAX_BYTES):
        raise refusal(file, f"the file is larger than {MAX_BYTES // 1_000_000} MB; {LIFTS}")
    document = parse_yaml(_decoded(raw, file), file)
    return dataclasses.replace(document, path=Path(path))


def parse_yaml(text: str, file: str = "<text>") -> Document:
    """Read YAML text: the words of YAML 1.2, no duplicate keys, no surprises."""
    text = text.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        message = f"character U+{ord(bad[0]):04X} is not allowed here"
        raise refusal(file, message, *place_after(text[: bad.start()]))
    try:
        data, spot = _Composer(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else ()
        raise refusal(file, _yaml_complaint(error), *where) from None
    return Document(data, file, None, spot)


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise refusal(file, message, *place_after(before)) from None


def place_after(before: str) -> Place:
    """Return line and column of what comes after a text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _yaml_complaint(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.problem, error.context) if part]
    if "nesting depth" in parts[0]:  # newer parsers have a bound of their own, above ours
        return f"nested more than {MAX_DEPTH} deep"
    hint = "; tabs cannot indent, use spaces" if "cannot start any token" in parts[0] else ""
    return f"not valid YAML: {' '.join(parts)}{hint}"


class _Composer:
    """Turns parser events into plain values and the spots where they stand."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.next_event = _Loader(text).get_event
        self.anchors: dict[str, tuple[Any, Spot] | None] = {}
        self.aliases = 0
        self.values = 0

    def document(self) -> tuple[Any, Spot]:
        self.next_event()
        if isinstance(start := self.next_event(), yaml.StreamEndEvent):
            raise self.failure(start, "the file is empty")
        data, spot = self.node(self.next_event(), 1)
        if data is None:
            raise self.failure(start, "the file is empty")
        self.next_event()
        if not isinstance(event := self.next_event(), yaml.StreamEndEvent):
            raise self.failure(event, "one document a file, please; here a second one starts")
        return data, spot

    def node(self, event: Any, depth: int) -> tuple[Any, Spot]:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag is not None and not isinstance(event, _TAGS.get(event.tag, ())):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.failure(event, f"the tag {shown(tag)} is not supported")
        if depth > MAX_DEPTH:
            raise self.failure(event, f"nested more than {MAX_DEPTH} deep")
        if event.anchor:
            self.anchors[event.anchor] = None  # open: an alias within would bite its own tail
        if isinstance(event, yaml.ScalarEvent):
            value, spot = self.scalar(event), Spot(*_start(event))
        else:
            children = self.mapping if isinstance(event, yaml.MappingStartEvent) else self.sequence
            value, spot = children(event, depth)
        if spot.height > MAX_DEPTH:
            raise self.failure(event, f"nested more than {MAX_DEPTH} deep, through aliases")
        if event.anchor:
            self.anchors[event.anchor] = value, spot
        return value, spot

    def child(self, event: Any, depth: int) -> tuple[Any, Spot]:
        """Return a value within another, and count it, with all that an alias brings along."""
        value, spot = self.node(event, depth)
        is_alias = isinstance(event, yaml.AliasEvent)
        self.values += spot.nodes if is_alias else 1
        if self.values > MAX_VALUES and is_alias:
            raise self.failure(event, f"aliases blow this up to more than {MAX_VALUES:,} values")
        if exceeds(self.values, MAX_VALUES):
            message = f"more than {MAX_VALUES:,} values; large networks go into CSV tables; {LIFTS}"
            raise self.failure(event, message)
        return value, spot

    def alias(self, event: Any) -> tuple[Any, Spot]:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.failure(event, f"more than {MAX_ALIASES} aliases")
        if event.anchor not in self.anchors:
            raise self.failure(event, f"nothing is anchored as &{event.anchor} above")
        known = self.anchors[event.anchor]
        if known is None:
            raise self.failure(event, f"*{event.anchor} refers to itself")
        return known

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if "\0" in text:
            raise self.failure(event, "character U+0000 is not allowed here")
        if not event.implicit[0] or event.tag is not None:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] in "+-.0123456789":
            for pattern, number in _NUMBERS:
                if pattern.fullmatch(text):
                    try:
                        return number(text)
                    except ValueError:
                        raise self.failure(event, f"too many digits: {shown(text)}") from None
        return text

    def sequence(self, start: Any, depth: int) -> tuple[list[Any], Spot]:
        values: list[Any] = []
        parts: dict[str | int, tuple[Place, Spot]] = {}
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            value, spot = self.child(event, depth + 1)
            parts[len(values)] = _start(event), spot
            values.append(value)
        return values, _enclosing(start, parts)

    def mapping(self, start: Any, depth: int) -> tuple[dict[str, Any], Spot]:
        values: dict[str, Any] = {}
        parts: dict[str | int, tuple[Place, Spot]] = {}
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key = self.key(event)
            if key in values:
                first = parts[key][0][0]
                message = f"duplicate key {shown(key)}; it first stands on line {first}"
                raise self.failure(event, message)
            value_event = self.next_event()
            values[key], spot = self.child(value_event, depth + 1)
            parts[key] = _start(event), spot
        return values, _enclosing(start, parts)

    def key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self.failure(event, "a key must be plain text")
        value, _ = self.node(event, 1)
        if value == "<<" and event.implicit[0]:
            raise self.failure(event, "merge keys (<<) are not supported; write the keys out")
        if isinstance(value, str):
            return value
        if type(value) is int:
            return str(event.value)  # as written: 007 stays 007
        raise self.failure(event, f"a key must be text; put {shown(event.value)} in quotes")

    def failure(self, event: Any, message: str) -> InputError:
        return refusal(self.file, message, *_start(event))


def _start(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _enclosing(start: Any, parts: Mapping[str | int, tuple[Place, Spot]]) -> Spot:
    nodes = 1 + sum(spot.nodes for _, spot in parts.values())
    height = 1 + max((spot.height for _, spot in parts.values()), default=0)
    return Spot(*_start(start), nodes, height, parts)


def shown(value: Any) -> str:
    """Return *value* as an error message shows it: short, on one line, in YAML's words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, int) and abs(value) > 10**MAX_SHOWN:  # str() refuses the very long
        return "a very long number"
    if isinstance(value, str):
        value = value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…"
        return repr(value)
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
