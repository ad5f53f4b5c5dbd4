"""Repair of capacities and metrics: what is missing, not understood, or zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from simulator.base.document import shown
from simulator.base.errors import Problem
from simulator.formats.reading import listed
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.edits import (
    Note,
    Repair,
    above_zero,
    as_number,
    share_of,
    shown_record,
    with_changes,
    without,
)
from simulator.model.scale import MOST_GBPS
from simulator.model.topology import BACK

DEFAULT_GBPS = 10.0
DEFAULT_METRIC = 1.0
WHY_NOT_ZERO = (
    "routing needs costs above 0, as OSPF (RFC 2328, C.3) and IS-IS (ISO 10589, 7.2.2) do: paths"
    " over links of cost 0 may run in circles. Give a small cost, such as 0.001"
)
SHOWN = 3


# ---------------------------------------------------------------- capacities


def shut(draft: Draft) -> Repair:
    """A link of capacity 0 is shut and left out; where all are 0, it says nothing."""
    rows = [
        i
        for i, link in enumerate(draft.links)
        if _is_zero(link.get("capacity_gbps")) and not above_zero(link.get("capacity_ba_gbps"))
    ]
    if len(rows) == len(draft.links):
        return draft, None
    text = f"{share_of(len(rows), draft.links, 'links')} left out: capacity 0, so shut"
    return without(draft, links=rows), Note(text, "links", rows)


def one_way(draft: Draft) -> Repair:
    """A link of capacity 0 in one direction is one-way, from a to b."""
    changes: dict[int, Record] = {}
    told: list[int] = []
    for i, link in enumerate(draft.links):
        there, back = link.get("capacity_gbps"), link.get("capacity_ba_gbps")
        if _is_zero(there) and above_zero(back):
            changes[i] = {"capacity_gbps": back, "capacity_ba_gbps": 0.0, **_turned(link)}
            told.append(i)
        elif _is_zero(back):
            changes[i] = {"capacity_ba_gbps": 0.0}
    what = share_of(len(told), draft.links, "links")
    text = f"capacity 0 from a to b of {what}: one-way from b to a"
    return with_changes(draft, "links", changes), Note(text, "links", told)


def _turned(link: Record) -> Record:
    """Return the ends of a link, its metrics and its delays, the other way round."""
    turned = {"a": link["b"], "b": link["a"]}
    for key, twin in BACK.items():
        if key != "capacity_gbps" and link.get(twin) is not None:
            turned |= {key: link[twin], twin: link.get(key)}
    return turned


def capacities(draft: Draft) -> Repair:
    """A capacity that is missing, or not understood, is the smallest given, or 10 Gbps."""
    values = [link.get("capacity_gbps") for link in draft.links]
    sound = [above_zero(value, MOST_GBPS) for value in values]
    given = [value for value in sound if value is not None]
    fallback = min(given, default=DEFAULT_GBPS)
    changes: dict[int, Record] = {
        i: {"capacity_gbps": fallback, "capacity_ba_gbps": _no_way_back(draft.links[i])}
        if value is None
        else {"capacity_gbps": value}
        for i, value in enumerate(sound)
    }
    how = "the smallest given" if given else "an assumption"
    text, missing = _wanting(draft, "capacity", values, sound)
    note = Note(f"{text}: {fallback:g} Gbps, {how}", "links", missing)
    return with_changes(draft, "links", changes), note


def _no_way_back(link: Record) -> float | None:
    """Return the capacity back of a link without capacity: 0 of a one-way link, else the same."""
    return 0.0 if _is_zero(link.get("capacity_ba_gbps")) else None


def _wanting(
    draft: Draft, key: str, values: Sequence[Any], sound: Sequence[float | None]
) -> tuple[str, list[int]]:
    """Return in words which values are not given or not understood, and their rows."""
    absent = [i for i, value in enumerate(values) if value is None]
    strange = [i for i, value in enumerate(values) if value is not None and sound[i] is None]
    parts = []
    if absent or not strange:
        parts.append(f"{key} of {share_of(len(absent), values, 'links')} not given")
    if strange:
        rows: dict[str, list[int]] = {}
        for i in strange:
            rows.setdefault(shown(values[i]), []).append(i)
        found = [f"{text} on {_on(draft, alike)}" for text, alike in rows.items()]
        how = "not understood" if isinstance(values[strange[0]], str) else "cannot be used"
        what = f"{key} of {share_of(len(strange), values, 'links')} {how}"
        parts.append(f"{what}, {listed(found, SHOWN)}")
    return " and ".join(parts), [*strange, *absent]


def _on(draft: Draft, rows: Sequence[int]) -> str:
    name = shown_record(draft, "links", rows[0])
    return name if len(rows) == 1 else f"{len(rows):,} links"


def _is_zero(value: Any) -> bool:
    return as_number(value) == 0


# ---------------------------------------------------------------- metrics


def metrics(draft: Draft) -> Repair:
    """A metric that is missing, or no number above zero, is 1."""
    values = [link.get("metric") for link in draft.links]
    sound = [above_zero(value) for value in values]
    changes = {
        i: {"metric": DEFAULT_METRIC if value is None else value} for i, value in enumerate(sound)
    }
    text, missing = _wanting(draft, "metric", values, sound)
    if missing and all(map(_is_zero, values)):
        text = f"metric of {share_of(len(missing), values, 'links')} is 0, which prefers no path"
    note = Note(f"{text}: {DEFAULT_METRIC:g}", "links", missing)
    return with_changes(draft, "links", changes), note


def metrics_of_zero(draft: Draft) -> Iterator[Problem]:
    """Yield an error for each metric of 0, unless all are: another one would change the routes."""
    zero = [
        (i, key)
        for i, link in enumerate(draft.links)
        for key in ("metric", "metric_ba")
        if _is_zero(link.get(key))
    ]
    if not all(_is_zero(link.get("metric")) for link in draft.links):
        for i, key in zero:
            yield draft.point(("links", i, key), f"{key} 0: {WHY_NOT_ZERO}")
