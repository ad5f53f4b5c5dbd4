"""Repair: what third-party files leave out or get wrong is put right by stated rules.

Each rule is a function from a draft to a better draft and a note of what it did. A note becomes a
sentence among the assumptions of the network, and one warning at the first element concerned.
Values that are sound are left alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simulator.base.document import KeyPath
from simulator.base.errors import Problem
from simulator.base.schema import MAX_NAME
from simulator.formats.reading import counted, first_of
from simulator.formats.rules.checks import MOST, faster_than_light
from simulator.formats.rules.draft import DEFAULT, PATH_FACTOR, Draft, Record
from simulator.formats.rules.places import Place, known_place
from simulator.formats.units import number
from simulator.model.geo import great_circle_km
from simulator.model.network import LINK_CLASSES, NODE_KINDS

DEFAULT_GBPS = 10.0
DEFAULT_DELAY_MS = 1.0
DEFAULT_METRIC = 1.0
OFF_BY_KM = 500.0
"""A node farther than this from the city it is named after is in the wrong place."""
SHOWN = 3
ROOM_FOR_NUMBER = 10
ONLY_FOR_REPAIR = ("label", "country")
SECTIONS = ("nodes", "links")


@dataclass(frozen=True)
class Note:
    """What a rule did, and to which rows of a section of the draft it was given."""

    text: str
    section: str
    rows: Sequence[int]


Rule = Callable[[Draft], tuple[Draft, Note | None]]


def repaired(draft: Draft) -> tuple[Draft, list[Problem]]:
    """Return the draft with everything that a network needs, and what was done as warnings.

    Parameters
    ----------
    draft : Draft
        Records with the keys of a topology file, as far as the file gives them; values may be
        unsound, and ids and ends numbers. A node may have a `label`, which becomes its id, and a
        `country`, which tells cities of one name apart.

    Returns
    -------
    draft : Draft
        What was done stands among its assumptions.
    problems : list of Problem
        A warning for each rule that did something; errors where the file is beyond repair.
    """
    errors = list(_beyond_repair(draft))
    if errors:  # no check shall say them again
        return replace(draft, nodes=[], links=[]), first_of(errors)
    assumptions, warnings = list(draft.about.get("assumptions", ())), []
    for rule in RULES:
        better, note = rule(draft)
        if note:
            names = [_shown(draft, note.section, row) for row in note.rows[:SHOWN]]
            more = len(note.rows) - len(names)
            first = ", ".join(names) + (f" and {more:,} more" if more else "")
            place = (note.section, note.rows[0])
            warnings.append(draft.warning(*place, message=f"{note.text} ({first})"))
            assumptions.append(f"{note.text} ({first}).")
        draft = better
        if not draft.links:
            return draft, [*warnings, draft.error("links", message="no link is left")]
    return replace(draft, about={**draft.about, "assumptions": tuple(assumptions)}), warnings


# ---------------------------------------------------------------- beyond repair


def _beyond_repair(draft: Draft) -> Iterator[Problem]:
    if not draft.nodes:
        yield draft.error("nodes", message="no nodes in this file")
    if not draft.links:
        yield draft.error("links", message="no links in this file: a network needs at least one")
    first: dict[str, int] = {}
    for i, node in enumerate(draft.nodes):
        name = _text(node.get("id"))
        if name is not None and first.setdefault(name, i) != i:
            message = f"a second node with the id {_cut(name)}, so links cannot tell them apart"
            yield draft.error("nodes", i, "id", message=message)
        yield from _bad_name(draft, "nodes", i, node.get("label") or node.get("id"))
    for i, link in enumerate(draft.links):
        for end in ("a", "b"):
            if _text(link.get(end)) is None:
                yield draft.error("links", i, end, message="the link has no such end")
        yield from _bad_name(draft, "links", i, link.get("id"))


def _bad_name(draft: Draft, section: str, row: int, name: Any) -> Iterator[Problem]:
    text = _text(name) or ""
    if len(text) > MAX_NAME:
        message = f"a name of {len(text):,} characters; at most {MAX_NAME} are allowed"
        yield draft.error(section, row, "id", message=message)
    elif text and not text.isprintable() and any(_controls(letter) for letter in text):
        message = f"a name with control characters: {_cut(text)}"
        yield draft.error(section, row, "id", message=message)


def _controls(letter: str) -> bool:
    return ord(letter) < 32 or 127 <= ord(letter) < 160 or letter in "\u2028\u2029"


# ---------------------------------------------------------------- values


def _range(low: float, high: float = MOST, open_: bool = False) -> Callable[[Any], Any]:
    def sound(value: Any) -> float | None:
        found = _number(value)
        if found is None or not low <= found <= high or (open_ and found == low):
            return None
        return found

    return sound


def _word(words: Iterable[str] = ()) -> Callable[[Any], Any]:
    known = frozenset(words)
    return lambda value: value if isinstance(value, str) and (value in known or not known) else None


def _shares(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        return None
    shares = {str(cable): _range(0, 1)(share) for cable, share in value.items()}
    sound = {cable: share for cable, share in shares.items() if share is not None}
    return sound if len(sound) == len(shares) else None


SOUND: dict[str, dict[str, Callable[[Any], Any]]] = {
    "nodes": {
        "kind": _word(NODE_KINDS),
        "city": _word(),
        "province": _word(),
        "weight": _range(0),
        "utc_offset_h": _range(-12, 14),
    },
    "links": {
        "class": _word(LINK_CLASSES),
        "capacity_ba_gbps": _range(0, open_=True),
        "fibre_km": _range(0),
        "delay_ms": _range(0),
        "path_factor": _range(1),
        "price_usd_per_mbps": _range(0),
        "cables": _shares,
    },
}
"""What makes of each value the one that is kept, or None; the rest have rules of their own."""


def _unusable_values(draft: Draft, section: str) -> tuple[Draft, Note | None]:
    """Values that say nothing a network could use are left out."""
    changes: dict[int, Record] = {}
    refused: dict[int, list[str]] = {}
    for i, record in enumerate(getattr(draft, section)):
        for key, value in record.items():
            if value is None:
                changes.setdefault(i, {})[key] = None
            elif key in SOUND[section]:
                sound = SOUND[section][key](value)
                if sound is None:
                    refused.setdefault(i, []).append(key)
                if sound is None or sound is not value:
                    changes.setdefault(i, {})[key] = sound
    better = _with(draft, section, changes)
    if not refused:
        return better, None
    keys = dict.fromkeys(key for found in refused.values() for key in found)
    what = f"{_of(len(refused), getattr(draft, section), section)}: values that cannot be used"
    return better, Note(f"{', '.join(keys)} left out on {what}", section, list(refused))


# ---------------------------------------------------------------- names


def _node_names(draft: Draft) -> tuple[Draft, Note | None]:
    """Ids are text; labels go before ids, and where two are alike they are numbered."""
    ids = [_text(node.get("id")) for node in draft.nodes]
    wanted = [
        _text(node.get("label")) or name or f"node-{i + 1}"
        for i, (node, name) in enumerate(zip(draft.nodes, ids, strict=True))
    ]
    names = _numbered(wanted)
    known = {old: new for old, new in zip(ids, names, strict=True) if old is not None}
    ends = {
        i: {end: known.get(_text(link[end]) or "", _text(link[end])) for end in ("a", "b")}
        for i, link in enumerate(draft.links)
    }
    better = _with(draft, "nodes", {i: {"id": name} for i, name in enumerate(names)})
    changed = [
        i
        for i, name in enumerate(names)
        if name != wanted[i] or (ids[i] is None and not _text(draft.nodes[i].get("label")))
    ]
    text = f"names made for {_of(len(changed), names, 'nodes')}: missing, or taken by another node"
    return _with(better, "links", ends), Note(text, "nodes", changed) if changed else None


def _link_names(draft: Draft) -> tuple[Draft, Note | None]:
    """Links are called after their ends where they have no id, or one that is taken twice."""
    given = [_text(link.get("id")) for link in draft.links]
    count = Counter(given)
    made = [i for i, name in enumerate(given) if name is None or count[name] > 1]
    wanted = list(given)
    for i in made:
        name = f"{draft.links[i]['a']}-{draft.links[i]['b']}"
        wanted[i] = name if len(name) < MAX_NAME - ROOM_FOR_NUMBER else f"link-{i + 1}"
    names = _numbered(wanted)  # type: ignore[arg-type]
    better = _with(draft, "links", {i: {"id": name} for i, name in enumerate(names)})
    taken = [i for i in made if given[i] is not None]
    text = f"ids of {_of(len(taken), names, 'links')} are taken twice: called after their ends"
    return better, Note(text, "links", taken) if taken else None


def _numbered(names: Sequence[str]) -> list[str]:
    """Return the names with `-2`, `-3`... on those that came before."""
    given, found = set(names), set[str]()
    last: Counter[str] = Counter()
    result = []
    for name in names:
        made = name
        while made in found or (made != name and made in given):
            last[name] += 1
            made = f"{name}-{last[name] + 1}"
        found.add(made)
        result.append(made)
    return result


# ---------------------------------------------------------------- which nodes and links


def _self_loops(draft: Draft) -> tuple[Draft, Note | None]:
    """A link that joins a node with itself is left out."""
    loops = [i for i, link in enumerate(draft.links) if link["a"] == link["b"]]
    if not loops:
        return draft, None
    text = f"{_of(len(loops), draft.links, 'links')} left out: each joins a node with itself"
    return _without(draft, links=loops), Note(text, "links", loops)


def _one_part(draft: Draft) -> tuple[Draft, Note | None]:
    """What is not connected to the largest part is left out."""
    row = {node["id"]: i for i, node in enumerate(draft.nodes)}
    ends = [(row.get(link["a"]), row.get(link["b"])) for link in draft.links]
    if not ends or any(None in pair for pair in ends):  # the checks say which end is unknown
        return draft, None
    a, b = np.array(ends).T
    size = len(draft.nodes)
    joined = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    parts, part = connected_components(joined, directed=False)
    if parts == 1:
        return draft, None
    largest = part[np.argmax(np.bincount(part)[part])]  # of equals, that of the first node
    nodes = np.flatnonzero(part != largest).tolist()
    links = np.flatnonzero(part[a] != largest).tolist()
    theirs = f" with {counted(len(links), 'link')}" if links else ""
    what = f"{_of(len(nodes), draft.nodes, 'nodes')}{theirs}"
    text = f"{what} left out: not connected to the largest part"
    return _without(draft, nodes=nodes, links=links), Note(text, "nodes", nodes)


def _defaults(draft: Draft) -> tuple[Draft, Note | None]:
    """Nodes are core nodes unless the file says else, and links core links or exits."""
    kinds = {i: {"kind": DEFAULT} for i, node in enumerate(draft.nodes) if "kind" not in node}
    better = _with(draft, "nodes", kinds)
    exits = []
    classes = {}
    for i, link in enumerate(better.links):
        if "class" not in link:
            crosses = better.home_and_abroad(link) is not None
            classes[i] = {"class": "exit" if crosses else DEFAULT}
            exits += [i] if crosses else []
    text = f"{_of(len(exits), draft.links, 'links')} taken for exits: they cross the border"
    return _with(better, "links", classes), Note(text, "links", exits) if exits else None


# ---------------------------------------------------------------- numbers of links


def _capacities(draft: Draft) -> tuple[Draft, Note | None]:
    """A missing capacity is the smallest given, or 10 Gbps."""
    sound = [_range(0, open_=True)(link.get("capacity_gbps")) for link in draft.links]
    given = [value for value in sound if value is not None]
    fallback = min(given, default=DEFAULT_GBPS)
    changes: dict[int, Record] = {
        i: {"capacity_gbps": fallback, "capacity_ba_gbps": None}
        if value is None
        else {"capacity_gbps": value}
        for i, value in enumerate(sound)
    }
    missing = [i for i, value in enumerate(sound) if value is None]
    how = "the smallest given" if given else "an assumption"
    text = f"capacity of {_of(len(missing), sound, 'links')} not given: {fallback:g} Gbps, {how}"
    return _with(draft, "links", changes), Note(text, "links", missing) if missing else None


def _metrics(draft: Draft) -> tuple[Draft, Note | None]:
    """A missing metric is 1."""
    sound = [_range(0, open_=True)(link.get("metric")) for link in draft.links]
    changes = {
        i: {"metric": DEFAULT_METRIC if value is None else value} for i, value in enumerate(sound)
    }
    missing = [i for i, value in enumerate(sound) if value is None]
    text = f"metric of {_of(len(missing), sound, 'links')} not given: {DEFAULT_METRIC:g}"
    return _with(draft, "links", changes), Note(text, "links", missing) if missing else None


# ---------------------------------------------------------------- places


def _coordinates(draft: Draft) -> tuple[Draft, Note | None]:
    """Coordinates that are no place on earth, or half of one, are none."""
    changes, dropped = {}, []
    for i, node in enumerate(draft.nodes):
        if "lat" in node or "lon" in node:
            lat, lon = _range(-90, 90)(node.get("lat")), _range(-180, 180)(node.get("lon"))
            whole = lat is not None and lon is not None
            changes[i] = {"lat": lat if whole else None, "lon": lon if whole else None}
            dropped += [] if whole else [i]
    what = _of(len(dropped), draft.nodes, "nodes")
    text = f"coordinates of {what} left out: out of range, or not a pair of numbers"
    return _with(draft, "nodes", changes), Note(text, "nodes", dropped) if dropped else None


def _misplaced(draft: Draft) -> tuple[Draft, Note | None]:
    """A node far from the city it is named after is moved there.

    Many towns share the name of a city, so only if the move brings it nearer to its neighbours.
    """
    suspects: dict[int, Place] = {}
    for i, node in enumerate(draft.nodes):
        if "lat" in node:
            place = known_place(node.get("city") or node["id"], _text(node.get("country")) or "")
            if place and _km(node, place) > OFF_BY_KM:
                suspects[i] = place
    beside = _neighbours(draft, {draft.nodes[i]["id"] for i in suspects})
    moved = {
        i: place
        for i, place in suspects.items()
        if _nearer(draft.nodes[i], place, beside[draft.nodes[i]["id"]])
    }
    if not moved:
        return draft, None
    farthest = max(_km(draft.nodes[i], place) for i, place in moved.items())
    what = _of(len(moved), draft.nodes, "nodes")
    text = f"{what} moved to the city of their name, up to {farthest:,.0f} km away"
    changes = {i: {"lat": place.lat, "lon": place.lon} for i, place in moved.items()}
    return _with(draft, "nodes", changes), Note(text, "nodes", list(moved))


def _neighbours(draft: Draft, names: set[str]) -> dict[str, list[Record]]:
    """Return the located nodes beside each of *names*."""
    beside: dict[str, list[Record]] = {name: [] for name in names}
    for link in draft.links if names else ():
        for here, there in ((link["a"], link["b"]), (link["b"], link["a"])):
            if here in beside and "lat" in draft.node.get(there, {}):
                beside[here].append(draft.node[there])
    return beside


def _nearer(node: Record, place: Place, others: Sequence[Record]) -> bool:
    now = sum(great_circle_km(node["lat"], node["lon"], o["lat"], o["lon"]) for o in others)
    return sum(_km(other, place) for other in others) < now


def _km(node: Record, place: Place) -> float:
    return great_circle_km(node["lat"], node["lon"], place.lat, place.lon)


# ---------------------------------------------------------------- delays


def _too_fast(draft: Draft) -> tuple[Draft, Note | None]:
    """Delays faster than light come from the distance: all of them, if most are wrong."""
    given, wrong = [], []
    straight_km, given_ms = 0.0, 0.0
    for i, link in enumerate(draft.links):
        km = draft.great_circle_km(link)
        if ("delay_ms" in link or "fibre_km" in link) and km is not None:
            given.append(i)
            delay = draft.delay_ms(link) or 0.0
            if faster_than_light(delay, km):
                wrong.append(i)
                straight_km, given_ms = straight_km + km, given_ms + delay
    if not wrong:
        return draft, None
    redone = given if 2 * len(wrong) > len(given) else wrong
    speed = f"imply {straight_km / given_ms:,.0f} km per ms" if given_ms else "are 0"
    whose = "given values" if len(redone) == len(wrong) else f"those of {len(wrong):,}"
    text = (
        f"latency recomputed from distance (x {PATH_FACTOR}) on"
        f" {_of(len(redone), draft.links, 'links')}: {whose} {speed}"
    )
    lost = {"delay_ms": None, "fibre_km": None, "path_factor": None}
    return _with(draft, "links", dict.fromkeys(redone, lost)), Note(text, "links", redone)


def _unknown_delays(draft: Draft) -> tuple[Draft, Note | None]:
    """Where nothing tells the length of a link, its delay is the median of the others."""
    strict = replace(draft, delay_required=True)
    delays = [strict.delay_ms(link) for link in draft.links]
    known = [delay for delay in delays if delay is not None]
    unknown = [i for i, delay in enumerate(delays) if delay is None]
    middle = median(known) if known else DEFAULT_DELAY_MS
    how = "the median of the others" if known else "an assumption"
    what = _of(len(unknown), delays, "links")
    text = f"nothing tells the length of {what}: delay {middle:.4g} ms, {how}"
    changes = dict.fromkeys(unknown, {"delay_ms": middle})
    return _with(draft, "links", changes), Note(text, "links", unknown) if unknown else None


def _tidied(draft: Draft) -> tuple[Draft, Note | None]:
    """What only the repair needs is dropped."""
    lost = dict.fromkeys(ONLY_FOR_REPAIR)
    rows = {i: lost for i, node in enumerate(draft.nodes) if not lost.keys().isdisjoint(node)}
    return _with(draft, "nodes", rows), None


RULES: tuple[Rule, ...] = (
    partial(_unusable_values, section="nodes"),
    partial(_unusable_values, section="links"),
    _node_names,
    _link_names,
    _self_loops,
    _one_part,
    _defaults,
    _capacities,
    _coordinates,
    _misplaced,
    _too_fast,
    _unknown_delays,
    _metrics,
    _tidied,
)


# ---------------------------------------------------------------- tools


def _text(value: Any) -> str | None:
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


def _number(value: Any) -> float | None:
    """Return a finite number, be it written as text, or None."""
    match value:
        case bool():
            return None
        case str():
            return number(value.strip())
        case int():
            return float(value) if abs(value) <= MOST else None
        case float():
            return value if math.isfinite(value) else None
    return None


def _with(draft: Draft, section: str, changes: Mapping[int, Mapping[str, Any]]) -> Draft:
    """Return the draft with other values in some records; None takes a value away."""
    if not changes:
        return draft
    records = list(getattr(draft, section))
    for i, change in changes.items():
        both = {**records[i], **change}
        records[i] = {key: value for key, value in both.items() if value is not None}
    changed: dict[str, Any] = {section: records}
    return replace(draft, **changed)


def _without(draft: Draft, nodes: Iterable[int] = (), links: Iterable[int] = ()) -> Draft:
    """Return the draft without some records; it still points at the right ones in the file."""
    kept: dict[str, list[int]] = {}
    for section, rows in zip(SECTIONS, (set(nodes), set(links)), strict=True):
        kept[section] = [i for i in range(len(getattr(draft, section))) if i not in rows]
    left: dict[str, Any] = {
        section: [getattr(draft, section)[i] for i in kept[section]] for section in SECTIONS
    }
    return replace(draft, **left, point=partial(_point_before, draft.point, kept))


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


def _shown(draft: Draft, section: str, row: int) -> str:
    record = getattr(draft, section)[row]
    name = _text(record.get("label")) or _text(record.get("id"))
    if name is None and section == "links":
        name = f"{record.get('a')}-{record.get('b')}"
    return _cut(name if name is not None else f"number {row + 1}")


def _cut(name: str) -> str:
    return repr(name if len(name) <= 40 else f"{name[:40]}...")


def _of(count: int, among: Sequence[Any], noun: str) -> str:
    total = len(among)
    if count == total:
        return f"all {total:,} {noun}" if total > 1 else f"the only {noun[:-1]}"
    return f"{count:,} of {total:,} {noun}"
