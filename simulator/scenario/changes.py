"""Changes: ``--set`` and what-if, applied to a document, to a network and to demands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from simulator.base.checking import value_or_default
from simulator.base.document import Document, KeyPath, parse_yaml
from simulator.base.errors import InputError, Problem, did_you_mean, known_instead
from simulator.base.schema import to_plain
from simulator.base.text import counted
from simulator.model.change import changed
from simulator.model.demands import CLASSES, INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.scale import MOST_GBPS
from simulator.scenario.address import Address
from simulator.scenario.elements import (
    NOUNS,
    SECTIONS,
    change_element,
    is_attribute,
    number,
    require,
    too_large,
)
from simulator.scenario.settings import BORDER_KEYS, Settings

DEMAND_KEYS = (*CLASSES, "international", "all")
_GROUPS = {"international": INTERNATIONAL, "all": CLASSES}
_RELATIVE = re.compile(r"\s*[+\-x*]\s*\d")


class Change(NamedTuple):
    """A new value for a key, for elements of the network, or for the size of some demands.

    Attributes
    ----------
    key : str
        As in ``strategies.sdn.control.every_s``, ``events[0].at_h``,
        ``links.bj-la.capacity_gbps``, ``exits.*.price_usd_per_mbps`` or ``demands.international``.
    value : object
        Plain data, or for numbers a change such as ``+400``, ``-100``, ``x1.5`` or ``+25%``; for an
        element, None takes it away and a mapping adds it.
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
    def section(self) -> str:
        """The first part of the key."""
        return str(self.path[0])

    @property
    def of_element(self) -> bool:
        """Whether the change is one of elements of the network: links, exits, nodes and so on.

        The sections that a scenario has as well, such as ``exits``, are lists in it: their items
        have numbers, elements have ids. A new one becomes an item, but for one between two nodes.
        """
        if self.section not in SECTIONS:
            return False
        if self.section not in BORDER_KEYS:
            return True
        if len(self.path) == 1 or isinstance(self.path[1], int):
            return False
        return not self.is_new_item

    @property
    def is_new_item(self) -> bool:
        """Whether the change adds an exit, region or cable to those of the scenario."""
        return (
            self.section in BORDER_KEYS
            and len(self.path) > 1
            and isinstance(self.value, Mapping)
            and not {"a", "b"} & set(self.value)
            and not is_attribute(self.section, self.key)
        )

    @property
    def of_setting(self) -> bool:
        """Whether the change is one of the document, and not of elements or demands."""
        return self.section != "demands" and not self.of_element

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

    Changes of elements and demands are left alone. The document need not be valid: a change may
    repair it.
    """
    problems: list[Problem] = []
    known = [*dict.fromkeys([*Settings.__dataclass_fields__, *SECTIONS, "demands"])]
    for change in changes:
        if not change.of_setting:
            continue
        if change.section not in known:
            hint = did_you_mean(change.section, known) or known_instead(change.section, known)
            problems.append(change.problem(f"unknown key{hint}"))
            continue
        try:
            document = _changed_document(document, change)
        except InputError as error:
            problems += error.problems
        except ValueError as error:
            problems.append(change.problem(str(error)))
    return document, problems


def _changed_document(document: Document, change: Change) -> Document:
    if change.is_new_item:
        return _with_item(document, change)
    if change.section in BORDER_KEYS and len(change.path) > 1:
        _require_item(document, change)
    value = _new_setting(document, change)
    return _with_section(document, change).with_value(change.path, value, change.origin)


def _require_item(document: Document, change: Change) -> None:
    """Refuse a number that is no item of a list of the scenario, such as ``exits[3]``."""
    data = document.data if isinstance(document.data, Mapping) else {}
    items = data.get(change.section) or ()
    count = len(items) if isinstance(items, list | tuple) else 0
    if int(change.path[1]) >= count:
        raise ValueError(
            f"the scenario lists {counted(count, NOUNS[change.section])} of its own, counted from"
            f" 0; those of the topology go by id, {change.section}.ID, and an id that is a number"
            f' stands in quotes: {change.section}."{change.path[1]}"'
        )


def _with_item(document: Document, change: Change) -> Document:
    """Return the document with one exit, region or cable more."""
    address = Address.of(change.key, whole=True)
    if address.is_pattern:
        noun = NOUNS[change.section]
        raise ValueError(f"{address.id!r} is a pattern; a new {noun} has an id of its own")
    if change.value.get("id", address.id) != address.id:
        raise ValueError(
            f"its id is {address.id!r} by the key, and {change.value['id']!r} by the value"
        )
    item = {"id": address.id, **change.value}
    return document.with_item((change.section,), item, change.origin)


class NetworkChanged(NamedTuple):
    """A network after changes, what is wrong with them, and which elements patterns stood for."""

    network: Network
    problems: list[Problem]
    matched: dict[str, tuple[str, ...]]


def change_network(network: Network, changes: Iterable[Change]) -> NetworkChanged:
    """Return a network with changed elements, and what is wrong with the changes."""
    problems: list[Problem] = []
    matched: dict[str, tuple[str, ...]] = {}
    for change in (each for each in changes if each.of_element):
        try:
            network, found = change_element(network, change.section, change.key, change.value)
        except (KeyError, ValueError) as error:
            problems.append(change.problem(str(error.args[0])))
        else:
            if Address.of(change.key, whole=change.value is None).is_pattern:
                matched[change.key] = found
    return NetworkChanged(network, problems, matched)


def change_demands(demands: Demands, changes: Iterable[Change]) -> tuple[Demands, list[Problem]]:
    """Return demands of changed size, and what is wrong with the changes."""
    problems: list[Problem] = []
    for change in (each for each in changes if each.section == "demands"):
        try:
            demands = _change_size(demands, change.key, change.value)
        except (KeyError, ValueError) as error:
            problems.append(change.problem(str(error.args[0])))
    return demands, problems


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


def _change_size(demands: Demands, key: str, value: Any) -> Demands:
    scope = key.removeprefix("demands").removeprefix(".")
    require(scope, DEMAND_KEYS)
    classes = _GROUPS.get(scope, (scope,))
    old = demands.total_gbps(classes)
    if old <= 0:
        raise ValueError(f"there is no {scope} traffic to change")
    new = demands.scaled(number(old, value) / old, classes)
    if new.gbps.max() > MOST_GBPS:
        raise ValueError(too_large("gbps", float(new.gbps.max())))
    return new
