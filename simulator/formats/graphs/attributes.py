"""Attributes of third-party nodes and edges become records of a draft, with notes on how."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator.base.document import shown
from simulator.base.quantity import in_unit
from simulator.base.text import counted
from simulator.formats.graphs.names import (
    CAPACITY_NAMES,
    LINK_NAMES,
    NODE_NAMES,
    NUMBERS,
    USUAL_UNITS,
    by_plain_name,
    capacity_unit,
    first_given,
    guess,
    measure,
    plain_name,
)
from simulator.formats.reading import listed
from simulator.formats.rules.draft import Record
from simulator.formats.rules.edits import as_number, cut
from simulator.formats.speed_words import like_a_speed, speed_gbps
from simulator.formats.units import AMBIGUOUS, in_gbps, written_number

NO_LABEL = "None"
"""What the Topology Zoo writes where it knows no label."""
NOT_GIVEN = frozenset({"", "-", "--", "?", "n/a", "na", "none", "null", "unknown", "nil"})
NO_MEANING = frozenset({"id", "key", "index", "edge_id", "edgeid", "node_id", "internal"})
"""Numbers of these names are places in a file, not figures of a network."""
MOST_EXAMPLES = 4


class Node(NamedTuple):
    """A node as the file has it."""

    id: Any
    attributes: Mapping[str, Any]
    line: int | None = None


class Edge(NamedTuple):
    """An edge as the file has it."""

    source: Any
    target: Any
    id: Any
    attributes: Mapping[str, Any]
    line: int | None = None
    directed: bool | None = None


LARGEST_32 = 2**32 - 1
"""What ifSpeed of the IF-MIB says of all that is faster."""


class AttributeReader:
    """Reads the attributes of nodes and edges, and notes what it assumed and what it left.

    Parameters
    ----------
    unit : str
        Of bare numbers that are capacities.
    unit_given : bool
        Whether the file states that unit.
    """

    def __init__(self, unit: str, unit_given: bool) -> None:
        self.unit = unit
        self.unit_given = unit_given
        self.assumptions: list[str] = []
        self.used: dict[str, str] = {}
        self.from_words: dict[tuple[str, float], list[str]] = {}
        self.rewritten: dict[str, float] = {}
        self.unused: dict[str, Counter[str]] = {"nodes": Counter(), "links": Counter()}

    def node(self, node: Node) -> Record:
        """Return a record of a draft."""
        given = by_plain_name(node.attributes)
        known = {key: name for key, names in NODE_NAMES.items() for name in names if name in given}
        record = {key: first_given(given, names) for key, names in NODE_NAMES.items()}
        if record["label"] == NO_LABEL or not isinstance(record["label"], str | int | float):
            record["label"] = None
        for key in NUMBERS & record.keys():
            record[key] = self._number(record[key])
        self._note_unused("nodes", node.attributes, set(known.values()))
        return {"id": node.id, **{key: value for key, value in record.items() if value is not None}}

    def link(self, edge: Edge) -> Record:
        """Return a record of a draft; a capacity that is not understood is left as it stands."""
        given = by_plain_name(edge.attributes)
        read = set[str]()
        record = {"id": edge.id, "a": edge.source, "b": edge.target}
        for key, names in LINK_NAMES.items():
            if name := next((name for name in names if name in given), None):
                value = self._number(given[name]) if key in NUMBERS else given[name]
                record[key], stated = self._quantity(value, key)
                read.add(name)
                if name in USUAL_UNITS and not stated:
                    self.used[name] = USUAL_UNITS[name]
        record |= self._measures(edge.attributes, read)
        record["capacity_gbps"] = self._capacity_gbps(edge, given, read)
        self._note_unused("links", edge.attributes, read)
        return {key: value for key, value in record.items() if value is not None}

    def _measures(self, attributes: Mapping[str, Any], read: set[str]) -> Record:
        """Return delays and lengths whose names state a unit."""
        found: Record = {}
        for name, value in attributes.items():
            known = measure(name) if plain_name(name) not in read else None
            if known is None or value is None or value == "":
                continue
            size = as_number(self._number(value))
            if size is None and (stated := self._quantity(value, known.key))[1]:
                size, known = stated[0], known._replace(factor=1.0)
            found[known.key] = value if size is None else size * known.factor
            read.add(plain_name(name))
        return found

    # -- capacities ---------------------------------------------------------------------------

    def _capacity_gbps(self, edge: Edge, given: Mapping[str, Any], read: set[str]) -> Any:
        """Return the capacity of a link, else the first text that should be one and is not."""
        not_understood = None
        for name, unit, value in _capacities(edge.attributes, given):
            found = self._capacity(edge, name, unit, value)
            if isinstance(found, float):
                read.add(name)
                return found
            read.add(name) if found is not None else None
            not_understood = found if not_understood is None else not_understood
        return not_understood

    def _capacity(self, edge: Edge, name: str, unit: str, value: Any) -> Any:
        """Return a capacity in Gbps; the value if it should be one; None if it is none."""
        size = as_number(self._number(value))
        if size is not None and isinstance(value, str) and AMBIGUOUS.fullmatch(value.strip()):
            self.rewritten[value] = size  # a point, as machines write it; a group to some people
        if size is None:
            return self._speed(edge, unit, value)
        if name == "ifspeed" and size == LARGEST_32:
            return f"ifSpeed {size:.0f}, the largest of 32 bits"
        if unit in ("text", "label"):
            bare = unit == "text" and name != "linklabel"
            return f"{name} {size:g}, in no stated unit" if bare else None
        if not unit and not self.unit_given:
            self.used[name] = "Gbps"
        return in_gbps(size, unit or self.unit)

    def _speed(self, edge: Edge, unit: str, value: Any) -> Any:
        if not isinstance(value, str):
            return None if isinstance(value, bool | list | dict) else value
        gbps = speed_gbps(value, alone=unit != "label")
        if gbps is not None:
            name = edge.id if isinstance(edge.id, str) else f"{edge.source}-{edge.target}"
            self.from_words.setdefault((value, gbps), []).append(name)
            return gbps
        if value.strip().casefold() in NOT_GIVEN or (unit == "label" and not like_a_speed(value)):
            return None
        return value if unit not in ("text", "label") or like_a_speed(value) else None

    def _quantity(self, value: Any, key: str) -> tuple[Any, bool]:
        """Return a delay or length in the unit of its key, and whether the text states one."""
        unit = key.rpartition("_")[2]
        if not isinstance(value, str) or unit not in ("ms", "km"):
            return value, False
        size = in_unit(value, unit)
        if size is None:
            return value, False
        self.rewritten[value] = float(size)
        return float(size), True

    # -- numbers ------------------------------------------------------------------------------

    def _number(self, value: Any) -> Any:
        """Return what a text means by a number, with decimal commas and the like."""
        if not isinstance(value, str) or as_number(value) is not None:
            return value
        size = written_number(value)
        if size is None:
            return value
        self.rewritten[value] = size
        return size

    def _note_unused(self, section: str, attributes: Mapping[str, Any], read: set[str]) -> None:
        for name, value in attributes.items():
            plain = plain_name(name)
            if plain in read or plain in NO_MEANING or plain in CAPACITY_NAMES:
                continue
            if plain not in _KNOWN[section] and _is_figure(value):
                self.unused[section][name] += 1

    # -- notes --------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        """Return what was read from words, which units were assumed, and what was not used."""
        units = [
            f"{name} read as {unit}: the file tells no unit" for name, unit in self.used.items()
        ]
        return [*units, *self._words(), *self._rewritten(), *self._unused()]

    def _words(self) -> Iterator[str]:
        count = sum(map(len, self.from_words.values()))
        if not count:
            return
        found = [
            f"{gbps:g} Gbps from {shown(text)} on {_names(names)}"
            for (text, gbps), names in self.from_words.items()
        ]
        text = f"capacity of {counted(count, 'link')} read from words: "
        yield text + listed(found, MOST_EXAMPLES)

    def _rewritten(self) -> Iterator[str]:
        if self.rewritten:
            found = [f"{shown(text)} as {size:g}" for text, size in self.rewritten.items()]
            yield f"numbers read as people write them: {listed(found, MOST_EXAMPLES)}"

    def _unused(self) -> Iterator[str]:
        for section, names in self.unused.items():
            found = [f"{cut(n)} ({w})" if (w := guess(n)) else cut(n) for n in names]
            if found:
                yield f"numbers of {section} not used: {listed(found, 8)}"


_KNOWN: dict[str, frozenset[str]] = {
    "nodes": frozenset(name for names in NODE_NAMES.values() for name in names),
    "links": frozenset(name for names in LINK_NAMES.values() for name in names),
}


def _capacities(
    attributes: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[tuple[str, str, Any]]:
    """Yield name, unit and value of what may be the capacity of a link, the surest first."""
    if "capacity_gbps" in given:
        yield "capacity_gbps", "gbps", given["capacity_gbps"]
    for name, value in attributes.items():
        plain = plain_name(name)
        unit = capacity_unit(name) if plain in given and plain != "capacity_gbps" else None
        if unit is not None:
            yield plain, unit, value
    for name, unit in CAPACITY_NAMES.items():
        if name in given and name != "capacity_gbps":
            yield name, unit, given[name]


_WRITTEN = re.compile(r"[-+]?[0-9][0-9.,'\s]*(?:[eE][-+]?[0-9]+)?\s?%?")


def _is_figure(value: Any) -> bool:
    """Return whether a value is a number, however written, or a text that states a speed."""
    if isinstance(value, str):
        states_speed = like_a_speed(value) and speed_gbps(value, alone=False) is not None
        return states_speed or _WRITTEN.fullmatch(value.strip()) is not None
    return as_number(value) is not None


def _names(names: list[str]) -> str:
    return cut(names[0]) if len(names) == 1 else f"{len(names):,} links ({cut(names[0])}, ...)"
