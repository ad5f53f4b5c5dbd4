"""Checking: a mapping against a checked dataclass, and what is wrong with it in plain words."""

from __future__ import annotations

import enum
import math
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from simulator.base.document import Document, KeyPath, shown
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.quantity import as_written
from simulator.base.schema import Choice, checked, fields_of, to_plain, validator_of

T = TypeVar("T")


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
        return {name: getattr(made, name) for name in fields_of(cls)}, []
    data = _value_at(document.data, at)
    if not isinstance(data, Mapping):
        return {}, problems
    sound = [name for name in fields_of(cls) if name not in broken]
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
        return validator_of(cls)(data), [], set()
    except ValidationError as error:
        found = error.errors(include_url=False)
    complaints = [_complaint(cls, data, details) for details in found]
    problems = {complaint.problem(document, at): None for complaint in _telling(complaints)}
    in_order = sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))
    return None, in_order, {details["loc"][0] for details in found if details["loc"]}


def _single(cls: type, name: str, data: Mapping[str, Any]) -> Any:
    given = {name: data[name]} if name in data else {}
    return getattr(validator_of(_only_field(cls, name))(given), name)


@cache
def _only_field(cls: type, name: str) -> type:
    """Return *cls* cut down to one field, to check it apart from its broken neighbours."""
    info = fields_of(cls)[name]
    annotation = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    body: dict[str, Any] = {"__annotations__": {name: annotation}}
    if info.default_factory is not None:
        body[name] = field(default_factory=info.default_factory)  # type: ignore[arg-type]
    elif not info.is_required():
        body[name] = field(default=info.default)
    return checked(type(cls.__name__, (), body))


def _value_at(data: Any, path: KeyPath) -> Any:
    for part in path:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, Sequence) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def value_or_default(cls: type, data: Any, path: KeyPath) -> Any:
    """Return what *data* holds at *path*, or the default of the field there; None without either.

    Parameters
    ----------
    cls : type
        A checked dataclass.
    data : object
        Its settings as plain data; they need not be valid.
    path : tuple of str and int
    """
    expected, value = _Expected(cls), data
    for part in path:
        expected = expected.resolved(value)
        inside = _value_at(value, (part,))
        if inside is None and _is_checked(expected.type) and part in fields_of(expected.type):
            inside = fields_of(expected.type)[str(part)].get_default(call_default_factory=True)
            inside = None if inside is PydanticUndefined else to_plain(inside)
        if inside is None:
            return None
        expected, value = expected.part(part), inside
    return value


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
        if _is_checked(self.type) and part in fields_of(self.type):
            info = fields_of(self.type)[str(part)]
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
    is_short = details["type"] == "too_short"  # pydantic does not count what is wrong
    vague = is_short and len(details["input"]) >= (expected.bound("min_length") or 0)
    words = _words_for(details, expected) + _quantity(details, path)
    return _Complaint(path, words, details["type"] == "missing", vague)


def _quantity(details: Any, path: KeyPath) -> str:
    """Return what to write for a number with its unit, such as `10G`, where the key says it."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    of_numbers = details["type"] in ("float_type", "float_parsing", "int_type", "int_parsing")
    text = details.get("input")
    return as_written(key, text) if of_numbers and isinstance(text, str) else ""


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
    names = list(fields_of(owner))
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
