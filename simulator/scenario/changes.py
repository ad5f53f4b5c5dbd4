"""Changes: ``--set`` and what-if, applied to a document, to links and to demands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from simulator.base.checking import value_or_default
from simulator.base.document import Document, KeyPath, parse_yaml
from simulator.base.errors import InputError, Problem, did_you_mean, known_instead
from simulator.base.schema import to_plain
from simulator.model.change import changed
from simulator.model.demands import CLASSES, INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.scale import MOST_GBPS, REFUSED, refused_rate
from simulator.model.topology import BACK
from simulator.scenario.settings import Settings

T = TypeVar("T")

LINK_KEYS = tuple(key for both in BACK.items() for key in both)
_OF = {back: key for key, back in BACK.items()}
_MAY_BE_ZERO = frozenset({"delay_ms", "delay_ba_ms", "capacity_ba_gbps"})
_DEFAULTS = {"delay_ms": 0.0, "metric": 1.0}
DEMAND_KEYS = (*CLASSES, "international", "all")
_GROUPS = {"international": INTERNATIONAL, "all": CLASSES}
_RELATIVE = re.compile(r"\s*[+\-x*]\s*\d")


class Change(NamedTuple):
    """A new value for a key, or for the attribute of a link, or for the size of some demands.

    Attributes
    ----------
    key : str
        As in ``strategies.sdn.control.every_s``, ``events[0].at_h``,
        ``links.bj-la.capacity_gbps`` or ``demands.international``.
    value : object
        Plain data, or for numbers a change such as ``+400``, ``-100``, ``x1.5`` or ``+25%``.
    origin : str
        Where the change comes from, for messages: ``--set``.
    """

    key: str
    value: Any
    origin: str

    @property
    def path(self) -> KeyPath:
        """The key in parts; ``events[0].at_h`` and ``events.0.at_h`` mean the same."""
        words = re.sub(r"\[(\d+)\]", r".\1", self.key).split(".")
        return tuple(int(word) if word.isdigit() else word for word in words)

    @property
    def of_setting(self) -> bool:
        """Whether the change is one of the document, and not of links or demands."""
        return self.path[0] not in ("links", "demands")

    def problem(self, message: str, severity: Literal["error", "warning"] = "error") -> Problem:
        """Return a problem with this change."""
        return Problem(self.origin, None, None, self.key, message, severity)


def changes_of(values: Mapping[str, Any], origin: str) -> list[Change]:
    """Return the changes that a mapping from key to value asks for."""
    return [Change(key, plain(value), origin) for key, value in values.items()]


def parse_value(key: str, text: str) -> Any:
    """Read a value given on the command line as YAML."""
    if text.strip() in ("null", "Null", "NULL", "~"):  # as the only value a document is empty
        return None
    return parse_yaml(text, f"--set {key}={text}").data if text.strip() else ""


def plain(value: Any) -> Any:
    """Return a value made in Python as plain data, for a document; what has no such form stays."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    try:
        return to_plain(value)
    except TypeError:  # the check says what was expected in its place
        return value


def change_document(
    document: Document, changes: Iterable[Change]
) -> tuple[Document, list[Problem]]:
    """Return a document with changed settings, and what is wrong with the changes.

    Changes of links and demands are left alone. The document need not be valid: a change may
    repair it.
    """
    problems: list[Problem] = []
    known = [*Settings.__dataclass_fields__, "links", "demands"]
    for change in changes:
        if not change.of_setting:
            continue
        word = str(change.path[0])
        if word not in known:
            hint = did_you_mean(word, known) or known_instead(word, known)
            problems.append(change.problem(f"unknown key{hint}"))
            continue
        try:
            value = _new_setting(document, change)
            document = _with_section(document, change)
            document = document.with_value(change.path, value, change.origin)
        except InputError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(change.problem(str(error)))
    return document, problems


def change_network(network: Network, changes: Iterable[Change]) -> tuple[Network, list[Problem]]:
    """Return a network with changed links, and what is wrong with the changes."""
    return _changed(network, changes, "links", _change_link)


def change_demands(demands: Demands, changes: Iterable[Change]) -> tuple[Demands, list[Problem]]:
    """Return demands of changed size, and what is wrong with the changes."""
    return _changed(demands, changes, "demands", _change_size)


def _changed(
    value: T, changes: Iterable[Change], scope: str, change_one: Callable[[T, str, Any], T]
) -> tuple[T, list[Problem]]:
    problems: list[Problem] = []
    for change in changes:
        if change.path[0] == scope:
            try:
                value = change_one(value, change.key, change.value)
            except (KeyError, ValueError) as error:
                problems.append(change.problem(str(error.args[0])))
    return value, problems


def _with_section(document: Document, change: Change) -> Document:
    """Return the document with the defaults of the section that a change is in, if it has none."""
    section = change.path[:1]
    data = document.data if isinstance(document.data, Mapping) else {}
    default = value_or_default(Settings, data, section)
    if len(change.path) == 1 or section[0] in data or not isinstance(default, Mapping):
        return document
    return document.with_value(section, default, change.origin) if default else document


def _new_setting(document: Document, change: Change) -> Any:
    """Return the new value; of a relative change, that of what stands in the document."""
    if not isinstance(change.value, str) or not _RELATIVE.match(change.value):
        return change.value
    old = value_or_default(Settings, document.data, change.path)
    if isinstance(old, bool) or not isinstance(old, int | float):
        return change.value
    new = changed(old, change.value)
    return int(new) if isinstance(old, int) and new == int(new) else new


def _change_link(network: Network, key: str, value: Any) -> Network:
    link, _, attribute = key.removeprefix("links.").rpartition(".")
    if not link:
        raise ValueError("expected links.ID.KEY, such as links.bj-la.capacity_gbps")
    old = network.attributes(link)
    _require(attribute, LINK_KEYS)
    there = _OF.get(attribute, attribute)
    before = old.get(there, _DEFAULTS.get(there, 0.0))
    new = _number(old.get(attribute, before), value)
    if new <= 0 and attribute not in _MAY_BE_ZERO:
        raise ValueError(f"expected a number above 0, found {value!r}")
    if new > (MOST_GBPS if attribute.endswith("gbps") else REFUSED):
        raise ValueError(_too_large(attribute, new))
    back = BACK.get(attribute)
    if back not in old or (back == "capacity_ba_gbps" and old[back] == 0):
        return network.with_link(link, **{attribute: new})
    other = _number(old[back], value)
    if other <= 0 and attribute not in _MAY_BE_ZERO:
        raise ValueError(f"{back} would be {other:g}: expected a change that leaves it above 0")
    if other > (MOST_GBPS if back.endswith("gbps") else REFUSED):
        raise ValueError(_too_large(back, other))
    return network.with_link(link, **{attribute: new, back: other})


def _change_size(demands: Demands, key: str, value: Any) -> Demands:
    scope = key.removeprefix("demands").removeprefix(".")
    _require(scope, DEMAND_KEYS)
    classes = _GROUPS.get(scope, (scope,))
    old = demands.total_gbps(classes)
    if old <= 0:
        raise ValueError(f"there is no {scope} traffic to change")
    new = demands.scaled(_number(old, value) / old, classes)
    if new.gbps.max() > MOST_GBPS:
        raise ValueError(_too_large("gbps", float(new.gbps.max())))
    return new


def _too_large(key: str, value: float) -> str:
    if key.endswith("gbps"):
        return refused_rate(f"{value:g}")
    return f"at most {REFUSED:g} is within reason, found {value:g}"


def _require(word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise ValueError(f"unknown key{known_instead(word, known)}")


def _number(old: float, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"expected a number or a change such as +400, found {value!r}")
    return changed(old, value)
