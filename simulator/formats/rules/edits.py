"""Edits of a draft, for rules that repair it: records changed or left out, and a note of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from simulator.base.document import KeyPath
from simulator.base.errors import Problem
from simulator.formats.rules.checks import MOST
from simulator.formats.rules.draft import Draft
from simulator.formats.units import number


@dataclass(frozen=True)
class Note:
    """What a rule did, and to which rows of a section of the draft it was given."""

    text: str
    section: str
    rows: Sequence[int]


Repair = tuple[Draft, Note | None]
Rule = Callable[[Draft], Repair]


def as_text(value: Any) -> str | None:
    """Return an id as text, or None where there is none."""
    match value:
        case bool() | None | "":
            return None
        case str():
            return value
        case int():
            return str(value) if abs(value) < MOST else None
        case float() if math.isfinite(value):
            return f"{value:g}" if not value.is_integer() else str(int(value))
    return None


def as_number(value: Any) -> float | None:
    """Return a finite number, be it written as text, or None."""
    match value:
        case bool():
            return None
        case str():
            return number(value.strip())
        case int() | float():
            return float(value) if abs(value) < 1e300 else None
    return None


def with_changes(draft: Draft, section: str, changes: Mapping[int, Mapping[str, Any]]) -> Draft:
    """Return the draft with other values in some records; None takes a value away."""
    if not changes:
        return draft
    records = list(getattr(draft, section))
    for i, change in changes.items():
        both = {**records[i], **change}
        records[i] = {key: value for key, value in both.items() if value is not None}
    changed: dict[str, Any] = {section: records}
    return replace(draft, **changed)


def without(draft: Draft, nodes: Iterable[int] = (), links: Iterable[int] = ()) -> Draft:
    """Return the draft without some records; it still points at the right ones in the file."""
    kept = {
        "nodes": sorted(set(range(len(draft.nodes))).difference(nodes)),
        "links": sorted(set(range(len(draft.links))).difference(links)),
    }
    return replace(
        draft,
        nodes=[draft.nodes[i] for i in kept["nodes"]],
        links=[draft.links[i] for i in kept["links"]],
        point=partial(_point_before, draft.point, kept),
    )


def _point_before(
    point: Callable[..., Problem],
    kept: Mapping[str, Sequence[int]],
    path: KeyPath,
    message: str,
    **options: Any,
) -> Problem:
    """Return a problem at *path*, whose row is counted after records were left out."""
    match path:
        case (str(section), int(row), *rest) if section in kept:
            path = (section, kept[section][row], *rest)
    return point(path, message, **options)


def shown_record(draft: Draft, section: str, row: int) -> str:
    """Return the name of a node or link as messages show it."""
    record = getattr(draft, section)[row]
    name = as_text(record.get("label")) or as_text(record.get("id"))
    if name is None and section == "links":
        name = f"{record.get('a')}-{record.get('b')}"
    return cut(name if name is not None else f"number {row + 1}")


def cut(name: str) -> str:
    """Return the first characters of a name, in quotes."""
    return repr(name if len(name) <= 40 else f"{name[:40]}...")


def share_of(count: int, among: Sequence[Any], noun: str) -> str:
    """Return `3 of 10 links`, `all 10 links` or `the only link`."""
    total = len(among)
    if count == total:
        return f"all {total:,} {noun}" if total > 1 else f"the only {noun[:-1]}"
    return f"{count:,} of {total:,} {noun}"


def in_range(value: Any, low: float, high: float = MOST) -> float | None:
    """Return the number that a value is, or None if it is none within a range."""
    found = as_number(value)
    return found if found is not None and low <= found <= high else None


def above_zero(value: Any, high: float = MOST) -> float | None:
    """Return the number that a value is, or None if it is none above zero within reason."""
    return in_range(value, 0, high) or None
