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

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError, PydanticUndefined, core_schema

from simulator.base.document import Document, KeyPath, shown
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.quantity import as_written

T = TypeVar("T")

MAX_NAME = 200


# ---------------------------------------------------------------- checked dataclasses


def _name(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError(f"expected a name without control characters, found {shown(text)}")
    return text


Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""Standard deviation of a logarithm: at 10, one draw in six is 20,000 times the median."""
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
    told: dict[str, str] = {}
    for each in reversed(cls.__mro__):  # what a subclass says of a field comes last
        told |= _field_descriptions(each.__dict__.get("__doc__") or "")
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
    default : str, optional
        Word that a mapping without `kind` stands for.
    """

    noun: str
    classes: Callable[[], Mapping[str, type]]
    default: str | None = None
    _describing: list[bool] = field(default_factory=list, repr=False)

    def __deepcopy__(self, memo: Any) -> Choice:
        # Some versions of pydantic copy what marks a field, with all that it holds: a copy of the
        # registry would not see the classes that join later.
        return self

    def unknown(self, word: str) -> str:
        """Return the message for a word that chooses nothing."""
        near = did_you_mean(word, self.classes()) or ";"
        return f"no {self.noun} named {shown(word)}{near} {self._known()}"

    def class_of(self, value: Any) -> type | None:
        """Return the class that *value*, a word or a mapping with `kind`, chooses."""
        kind = value.get("kind", self.default) if isinstance(value, Mapping) else value
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

    def _branch(self, cls: type, handler: Any) -> Any:
        schema = handler(TypeAdapter(cls).core_schema)
        _describe(cls, schema)
        if self.default and cls is self.classes().get(self.default):
            return schema
        return {**schema, "required": ["kind", *schema.get("required", [])]}


def _validator(cls: type) -> Callable[[Any], Any]:
    return cls.__pydantic_validator__.validate_python  # type: ignore[attr-defined]


def _refusal(message: str, value: Any, *path: str) -> ValidationError:
    error = PydanticCustomError("refused", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "refused", [{"type": error, "loc": path, "input": value}]
    )


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
        if inside is None and _is_checked(expected.type) and part in _fields(expected.type):
            inside = _fields(expected.type)[str(part)].get_default(call_default_factory=True)
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
