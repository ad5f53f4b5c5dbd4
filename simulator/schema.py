"""A mapping becomes a checked dataclass, or a good error with file:line:column."""

from __future__ import annotations

import dataclasses
import enum
import math
import re
import types
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

import yaml
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from simulator.errors import InputError, Problem, did_you_mean

T = TypeVar("T")
KeyPath = tuple[str | int, ...]
Place = tuple[int, int]

MAX_BYTES = 50_000_000
MAX_DEPTH = 50
MAX_ALIASES = 100
MAX_NODES = 1_000_000
MAX_NAME = 200
MAX_SHOWN = 60


# ---------------------------------------------------------------- checked dataclasses


def _name(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError(f"expected a name without control characters, found {shown(text)}")
    return text


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_name)]

_CONFIG = ConfigDict(
    extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True, validate_default=True
)
_NEVER_COERCED = {"float", "int", "bool", "str"}
_NOT_SCHEMAS = {"metadata", "default", "cls"}


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field, Field)
)
def checked(cls: type[T]) -> type[T]:
    """Make *cls* a frozen, keyword-only dataclass whose fields are checked.

    Text is never taken for a number, nor true and false for 1 and 0. A list will do for a
    tuple, a whole number for a float, text for a path. Not-a-number and infinity are refused.
    """
    docstring = cls.__doc__
    for name, hook in _PYDANTIC_HOOKS.items():
        setattr(cls, name, classmethod(hook))
    made: Any = pydantic_dataclass(config=_CONFIG, frozen=True, kw_only=True)(cls)
    made.__doc__ = docstring  # not the signature that dataclasses would put there
    return made


def _core_schema(cls: type, source: Any, handler: Any) -> Any:
    reference = handler(source)
    _forbid_coercion(handler.resolve_ref_schema(reference))
    return reference


def _forbid_coercion(schema: Any) -> None:
    """Make the scalars strict and leave the rest lax, which pydantic's config cannot say."""
    if isinstance(schema, dict):
        if schema.get("type") in _NEVER_COERCED:
            schema["strict"] = True
        for key, part in schema.items():
            if key not in _NOT_SCHEMAS:
                _forbid_coercion(part)
    elif isinstance(schema, list):
        for part in schema:
            _forbid_coercion(part)


def _json_schema(cls: type, core: Any, handler: Any) -> Any:
    reference = handler(core)
    _describe(cls, handler.resolve_ref_schema(reference))
    return reference


def _describe(cls: type, schema: dict[str, Any]) -> None:
    """Let the JSON Schema say what the docstring says."""
    schema.pop("description", None)
    if summary := _summary(cls):
        schema["description"] = summary
    told = _field_descriptions(cls.__doc__ or "")
    for name, described in schema.get("properties", {}).items():
        if name in told:
            described.setdefault("description", told[name])


_PYDANTIC_HOOKS: dict[str, Callable[..., Any]] = {
    "__get_pydantic_core_schema__": _core_schema,
    "__get_pydantic_json_schema__": _json_schema,
}


def _summary(cls: type) -> str:
    return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())


def _field_descriptions(docstring: str) -> dict[str, str]:
    """Read the Attributes or Parameters section of a NumPy-style docstring."""
    section = re.search(
        r"^( *)(?:Attributes|Parameters)\n\1-{3,}\n(.*?)(?=^\1\S[^\n]*\n\1---|\Z)",
        docstring,
        re.DOTALL | re.MULTILINE,
    )
    if section is None:
        return {}
    indent, body = section.groups()
    entry = re.compile(
        rf"^{indent}(\w[\w, ]*?)(?: *:[^\n]*)?\n((?:{indent} +\S[^\n]*(?:\n|\Z)|\n)+)", re.MULTILINE
    )
    return {
        name.strip(): " ".join(text.split())
        for names, text in entry.findall(body)
        for name in names.split(",")
    }


# ---------------------------------------------------------------- a word chooses a class


@dataclass(frozen=True, eq=False)
class Choice:
    """Marks a field whose `kind` word chooses its class: `Annotated[Any, choice]`.

    Attributes
    ----------
    noun : str
        What is chosen, for messages: `routing scheme`.
    classes : callable
        Gives the classes by their word; asked late, so that classes may still be joining.
    """

    noun: str
    classes: Callable[[], Mapping[str, type]]
    _describing: list[bool] = field(default_factory=list, repr=False)

    def unknown(self, word: str) -> str:
        """Return the message for a word that chooses nothing."""
        near = did_you_mean(word, self.classes()) or ";"
        return f"no {self.noun} named {shown(word)}{near} {self._known()}"

    def class_of(self, value: Any) -> type | None:
        """Return the class that *value*, a word or a mapping with `kind`, chooses."""
        kind = value.get("kind") if isinstance(value, Mapping) else value
        return self.classes().get(kind) if isinstance(kind, str) else None

    def validate(self, value: Any) -> Any:
        """Return the instance that *value* stands for."""
        classes = self.classes()
        if type(value) in classes.values():
            return value
        if chosen := self.class_of(value):
            settings = value if isinstance(value, Mapping) else {}
            return _validator(chosen)(settings)
        if not isinstance(value, Mapping):
            raise _refusal(self._refusal_of(value), value)
        if "kind" not in value:
            message = f"required key is missing: say which {self.noun}; {self._known()}"
            raise _refusal(message, value, "kind")
        raise _refusal(self._refusal_of(value["kind"]), value["kind"], "kind")

    def _known(self) -> str:
        return "known: " + (", ".join(self.classes()) or "none")

    def _refusal_of(self, kind: Any) -> str:
        if isinstance(kind, str):
            return self.unknown(kind)
        return f"expected the name of a {self.noun}, found {shown(kind)}; {self._known()}"

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> Any:
        if self._describing:  # a kind made of its own kind: describe it once
            return {"type": ["string", "object"], "description": f"a {self.noun}"}
        self._describing.append(True)
        try:
            mappings = [self._branch(cls, handler) for cls in self.classes().values()]
        finally:
            self._describing.clear()
        return {"anyOf": [{"enum": list(self.classes())}, *mappings]}

    @staticmethod
    def _branch(cls: type, handler: Any) -> Any:
        schema = handler(TypeAdapter(cls).core_schema)
        _describe(cls, schema)
        return {**schema, "required": ["kind", *schema.get("required", [])]}


def _validator(cls: type) -> Callable[[Any], Any]:
    return cls.__pydantic_validator__.validate_python  # type: ignore[attr-defined]


def _refusal(message: str, value: Any, *path: str) -> ValidationError:
    error = PydanticCustomError("refused", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "refused", [{"type": error, "loc": path, "input": value}]
    )


# ---------------------------------------------------------------- documents


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
            problem = Problem(origin, None, None, dotted(path), str(error.args[0]))
            raise InputError([problem]) from None
        origins = {at: told for at, told in self._origins.items() if at[: len(path)] != path}
        return dataclasses.replace(
            self,
            data=_replaced(self.data, path, value),
            _origins={**origins, path[:born]: origin},
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
    try:
        with open(path, "rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        siblings = Path(path).parent.glob("*.y*ml")
        hint = did_you_mean(Path(path).name, (sibling.name for sibling in siblings))
        raise _failure(file, None, f"no such file{hint}") from None
    except IsADirectoryError:
        raise _failure(file, None, "this is a directory, not a file") from None
    except PermissionError:
        raise _failure(file, None, "no permission to read this file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _failure(file, None, f"cannot read this file: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise _failure(file, None, f"the file is larger than {MAX_BYTES // 1_000_000} MB")
    document = parse_yaml(_decoded(raw, file), file)
    return dataclasses.replace(document, path=Path(path))


def parse_yaml(text: str, file: str = "<text>") -> Document:
    """Read YAML text: the words of YAML 1.2, no duplicate keys, no surprises."""
    text = text.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        place = _place(text[: bad.start()])
        raise _failure(file, place, f"character U+{ord(bad[0]):04X} is not allowed here")
    try:
        data, spot = _Composer(text, file).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else None
        raise _failure(file, where, _yaml_complaint(error)) from None
    return Document(data, file, None, spot)


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        message = f"not UTF-8 text: byte 0x{raw[error.start]:02x} at offset {error.start}"
        raise _failure(file, _place(before), message) from None


def _place(before: str) -> Place:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _failure(file: str, place: Place | None, message: str, key: str = "") -> InputError:
    line, column = place or (None, None)
    return InputError([Problem(file, line, column, key, message)])


def _yaml_complaint(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.problem, error.context) if part]
    hint = "; tabs cannot indent, use spaces" if "cannot start any token" in parts[0] else ""
    return f"not valid YAML: {' '.join(parts)}{hint}"


class _Composer:
    """Turns parser events into plain values and the spots where they stand."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.next_event = _Loader(text).get_event
        self.anchors: dict[str, tuple[Any, Spot] | None] = {}
        self.aliases = 0

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
        value, spot = self.content(event, depth)
        if spot.height > MAX_DEPTH:
            raise self.failure(event, f"nested more than {MAX_DEPTH} deep, through aliases")
        if self.aliases and spot.nodes > MAX_NODES:
            raise self.failure(event, f"aliases blow this up to more than {MAX_NODES:,} values")
        if event.anchor:
            self.anchors[event.anchor] = value, spot
        return value, spot

    def content(self, event: Any, depth: int) -> tuple[Any, Spot]:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event), Spot(*_start(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(event, depth)
        return self.sequence(event, depth)

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
                    return self.number(event, number)
        return text

    def number(self, event: Any, convert: Callable[[str], Any]) -> Any:
        try:
            return convert(event.value)
        except ValueError:
            raise self.failure(event, f"too many digits: {shown(event.value)}") from None

    def sequence(self, start: Any, depth: int) -> tuple[list[Any], Spot]:
        values: list[Any] = []
        parts: dict[str | int, tuple[Place, Spot]] = {}
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            value, spot = self.node(event, depth + 1)
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
            values[key], spot = self.node(value_event, depth + 1)
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
        return _failure(self.file, _start(event), message)


def _start(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _enclosing(start: Any, parts: Mapping[str | int, tuple[Place, Spot]]) -> Spot:
    nodes = 1 + sum(spot.nodes for _, spot in parts.values())
    height = 1 + max((spot.height for _, spot in parts.values()), default=0)
    return Spot(*_start(start), nodes, height, parts)


# ---------------------------------------------------------------- checking


def check(cls: type, document: Document, at: KeyPath = ()) -> tuple[dict[str, Any], list[Problem]]:
    """Check the mapping at *at* against the fields of the checked dataclass *cls*.

    Returns
    -------
    fields : dict
        The fields that are sound, defaults filled in.
    problems : list of Problem
        All that is wrong, in the order of the file.
    """
    made, problems, broken = _attempt(cls, document, at)
    if made is not None:
        return {name: getattr(made, name) for name in _fields(cls)}, []
    data = _value_at(document.data, at)
    if not isinstance(data, Mapping):
        return {}, problems
    sound = [name for name in _fields(cls) if name not in broken]
    return {name: _single(cls, name, data) for name in sound}, problems


def build(cls: type[T], document: Document, at: KeyPath = ()) -> T:
    """Make a *cls* of the mapping at *at*, or raise an `InputError` with every problem."""
    made, problems, _ = _attempt(cls, document, at)
    if made is None:
        raise InputError(problems)
    return made


def _attempt(
    cls: type[T], document: Document, at: KeyPath
) -> tuple[T | None, list[Problem], set[str | int]]:
    """Return the instance, or the problems and the names of the fields that have them."""
    data = _value_at(document.data, at)
    try:
        return _validator(cls)(data), [], set()
    except ValidationError as error:
        found = error.errors(include_url=False)
    complaints = [_complaint(cls, data, details) for details in found]
    problems = {complaint.problem(document, at): None for complaint in _telling(complaints)}
    in_order = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    return None, in_order, {details["loc"][0] for details in found if details["loc"]}


def _single(cls: type, name: str, data: Mapping[str, Any]) -> Any:
    given = {name: data[name]} if name in data else {}
    return getattr(_validator(_only_field(cls, name))(given), name)


@cache
def _only_field(cls: type, name: str) -> type:
    """Return *cls* cut down to one field, to check it apart from its broken neighbours."""
    info = _fields(cls)[name]
    annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    body: dict[str, Any] = {"__annotations__": {name: annotation}}
    if info.default_factory is not None:
        body[name] = field(default_factory=info.default_factory)  # type: ignore[arg-type]
    elif not info.is_required():
        body[name] = field(default=info.default)
    return checked(type(cls.__name__, (), body))


def _fields(cls: type) -> dict[str, FieldInfo]:
    return cls.__pydantic_fields__  # type: ignore[attr-defined]


def _value_at(data: Any, path: KeyPath) -> Any:
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, Sequence) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


# ---------------------------------------------------------------- complaints in plain words


class _Complaint(NamedTuple):
    path: KeyPath
    message: str
    of_key: bool = False
    vague: bool = False

    def problem(self, document: Document, at: KeyPath) -> Problem:
        return document.problem((*at, *self.path), self.message, self.of_key)


class _Expected(NamedTuple):
    """What the dataclass asks for at some place: a type and what is said about it."""

    type: Any
    metadata: tuple[Any, ...] = ()

    @classmethod
    def of(cls, annotation: Any, metadata: Iterable[Any] = ()) -> _Expected:
        told = tuple(metadata)
        while get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            told += tuple(more)
        told = tuple(
            part
            for item in told
            for part in ((item, *item.metadata) if isinstance(item, FieldInfo) else (item,))
        )
        branches = _branches(annotation)
        if len(branches) == 1 and branches[0] is not annotation:
            return cls.of(branches[0], told)
        return cls(annotation, told)

    @property
    def choice(self) -> Choice | None:
        return next((item for item in self.metadata if isinstance(item, Choice)), None)

    def bound(self, name: str) -> Any:
        found = (getattr(item, name, None) for item in self.metadata)
        return next((value for value in found if value is not None), None)

    def resolved(self, value: Any) -> _Expected:
        """Return the class that the word in *value* chooses, where a word chooses."""
        chosen = self.choice.class_of(value) if self.choice else None
        return _Expected(chosen) if chosen else self

    def part(self, part: str | int) -> _Expected:
        """Return what is expected one step below."""
        arguments = get_args(self.type)
        if _is_checked(self.type) and part in _fields(self.type):
            info = _fields(self.type)[str(part)]
            return _Expected.of(info.annotation, info.metadata)
        if get_origin(self.type) is dict:
            return _Expected.of(arguments[1])
        if get_origin(self.type) is tuple and Ellipsis not in arguments:
            return _Expected.of(arguments[int(part)] if int(part) < len(arguments) else Any)
        return _Expected.of(arguments[0] if arguments else Any)

    def key(self) -> _Expected:
        """Return what is expected of a key."""
        return _Expected.of(get_args(self.type)[0])

    def words(self) -> str:
        """Return what is expected in plain words: `a number above 0`."""
        if self.choice:
            return f"a {self.choice.noun}"
        branches = _branches(self.type)
        if len(branches) > 1:
            return " or ".join(_Expected.of(branch).words() for branch in branches)
        if get_origin(self.type) is Literal:
            words = [str(word) for word in get_args(self.type)]
            return f"one of {', '.join(words)}" if len(words) > 1 else repr(words[0])
        return self._noun() + self._size() + self._limits()

    def _noun(self) -> str:
        origin = get_origin(self.type) or self.type
        if _is_checked(origin):
            return "a mapping"
        if isinstance(origin, type) and issubclass(origin, enum.Enum):
            return "one of " + ", ".join(str(word.value) for word in origin)
        return _NOUNS.get(origin) or f"a {getattr(origin, '__name__', origin)}"

    def _size(self) -> str:
        least, most = self.bound("min_length"), self.bound("max_length")
        origin = get_origin(self.type)
        if origin is tuple and Ellipsis not in get_args(self.type):
            return f" of {len(get_args(self.type))} items"
        unit = "characters" if self.type is str else "items"
        sizes = (least and f"at least {least}", most and f"at most {most}")
        told = " and ".join(size for size in sizes if size)
        pattern = self.bound("pattern")
        form = f" of the form {pattern}" if pattern else ""
        return (f" of {told} {unit}" if told else "") + form

    def _limits(self) -> str:
        low, high = self.bound("ge"), self.bound("le")
        if low is not None and high is not None:
            return f" from {low:g} to {high:g}"
        limits = (
            f"{words} {limit:g}"
            for name, words in _LIMITS.items()
            if (limit := self.bound(name)) is not None
        )
        told = " and ".join(limits)
        return f" {told}" if told else ""


_LIMITS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
_NOUNS: dict[Any, str] = {
    Any: "a value",
    None: "null",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    str: "text",
    Path: "a file path",
    **dict.fromkeys((tuple, list, set, frozenset, Sequence), "a list"),
    **dict.fromkeys((dict, Mapping), "a mapping"),
}


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


def _complaint(cls: type, data: Any, details: Any) -> _Complaint:
    """Turn one of pydantic's errors into the path in the document and plain words."""
    path: KeyPath = ()
    owner = expected = _Expected(cls)
    value, location = data, details["loc"]
    for position, part in enumerate(location):
        branches = _branches(expected.type)
        if len(branches) > 1 and not expected.choice:  # then *part* names a branch, not a key
            branch = _fitting(branches, part, value)
            if branch is None:
                return _Complaint(path, _mismatch(expected, value), vague=True)
            expected = _Expected.of(branch)
            continue
        last = position == len(location) - 1
        if last and part == "[key]":
            return _Complaint(path, _words_for(details, owner.key()), of_key=True)
        if last and isinstance(part, int) and details["type"] == "missing":  # half a pair
            return _Complaint(path, _mismatch(expected, value))
        owner = expected.resolved(value)
        expected, value = owner.part(part), _value_at(value, (part,))
        path += (part,)
    if details["type"] == "unexpected_keyword_argument":
        return _Complaint(path, _unknown_key(owner.type, path[-1]), of_key=True)
    return _Complaint(path, _words_for(details, expected), details["type"] == "missing")


def _words_for(details: Any, expected: _Expected) -> str:
    match details["type"]:
        case "missing":
            return f"required key is missing; expected {expected.words()}"
        case "value_error" | "assertion_error":
            return str(details["ctx"]["error"])
        case "refused":
            return str(details["msg"])
        case "invalid_key":
            return f"a key must be text, found {shown(details['input'])}"
    return _mismatch(expected, details["input"])


def _mismatch(expected: _Expected, value: Any) -> str:
    words = expected.words()
    if isinstance(value, float) and not math.isfinite(value):
        words = words.replace("number", "finite number", 1)
    hint = ""
    if get_origin(expected.type) is Literal and isinstance(value, str):
        hint = did_you_mean(value, map(str, get_args(expected.type)))
    return f"expected {words}, found {shown(value)}{hint}"


def _unknown_key(owner: type, key: str | int) -> str:
    names = list(_fields(owner))
    return f"unknown key{did_you_mean(str(key), names) or '; known: ' + ', '.join(names)}"


def _fitting(branches: list[Any], label: str | int, value: Any) -> Any:
    """Return the branch of a union that pydantic calls *label*, if *value* has its shape."""
    for branch in branches:
        origin = get_origin(branch) or branch
        shape = Mapping if _is_checked(origin) or origin is dict else (list, tuple)
        if isinstance(value, shape) and str(label).startswith(getattr(origin, "__name__", "?")):
            return branch
    return None


def _telling(complaints: list[_Complaint]) -> list[_Complaint]:
    """Drop the vague complaints about a union where a better one says what is wrong."""
    clear = {
        c.path[:length] for c in complaints if not c.vague for length in range(len(c.path) + 1)
    }
    return [c for c in complaints if not c.vague or c.path not in clear]


def _branches(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [branch for branch in get_args(annotation) if branch is not types.NoneType]
    return [annotation]


def _is_checked(cls: Any) -> bool:
    return isinstance(cls, type) and "__pydantic_fields__" in vars(cls)


# ---------------------------------------------------------------- back to plain data


def to_plain(value: Any) -> Any:
    """Return a checked dataclass as plain mappings, lists and scalars, `kind` first."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in dataclasses.fields(value) if each.init]
        names.sort(key=lambda name: name != "kind")
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {key: to_plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(to_plain(part) for part in value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"no plain form for a {type(value).__name__}")


def json_schema(cls: type, title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) by which editors check and complete."""
    schema = TypeAdapter(cls).json_schema(schema_generator=_QuietSchema)
    return {"$schema": _QuietSchema.schema_dialect, **schema, "title": title}


class _QuietSchema(GenerateJsonSchema):
    """Leaves out the titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
