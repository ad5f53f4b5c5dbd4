"""A mapping becomes a checked dataclass, or a good error with file:line:column."""

from __future__ import annotations

import dataclasses
import enum
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import (
    Annotated,
    Any,
    TypeVar,
    dataclass_transform,
)

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from simulator.base.document import shown
from simulator.base.errors import did_you_mean

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
            return validator_of(chosen)(settings)
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


def validator_of(cls: type) -> Callable[[Any], Any]:
    """Return what makes a checked dataclass of plain data."""
    return cls.__pydantic_validator__.validate_python  # type: ignore[attr-defined]


def fields_of(cls: type) -> dict[str, FieldInfo]:
    """Return the fields of a checked dataclass by name."""
    return cls.__pydantic_fields__  # type: ignore[attr-defined]


def _refusal(message: str, value: Any, *path: str) -> ValidationError:
    error = PydanticCustomError("refused", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "refused", [{"type": error, "loc": path, "input": value}]
    )


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
