"""Edges: which of them are links, and which are one direction of a link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from simulator.base.text import counted
from simulator.formats.reading import listed
from simulator.formats.rules.directions import Links, links_from, pairs_of
from simulator.formats.rules.draft import Record
from simulator.formats.rules.pairing import named_once, not_counted

DIRECTED = {"directed": True, "undirected": False}
"""What an edge may say of itself under `type`, as tables of Gephi do."""
NAMES = ("circuit", "circuit_id", "link_id", "link", "name", "label", "description")
"""Attributes that may name a link on both of its directions."""
_TAILS = ("source", "src", "local", "from", "a", "start")
_HEADS = ("target", "dst", "remote", "to", "b", "end")
_POINTS = ("interface", "if", "intf", "ifname", "port", "tp", "ip", "address")
POINTS = tuple(
    (f"{tail}{joint}{point}", f"{head}{joint}{point}")
    for (tail, head), point, joint in product(
        [*zip(_TAILS, _HEADS, strict=True), ("source", "dest"), ("src", "dest")],
        _POINTS,
        ("_", ""),
    )
)
"""Attributes that name the interfaces at both ends, as in `src_if` and `dst_if`."""


class Ways(NamedTuple):
    """The edges of a file, as far as their directions go.

    Attributes
    ----------
    ends : list of (source, target)
    ids : list
    given : list of mapping
        Attributes, by plain names.
    directed : list of bool or None
        Whether the edge is one direction only; None where the file does not say.
    noun : str
        What the file calls them: `edge`, `row`.
    names : mapping
        Names of nodes, by the ends of edges.
    """

    ends: list[tuple[Hashable, Hashable]]
    ids: list[Any]
    given: Sequence[Mapping[str, Any]]
    directed: list[bool | None]
    noun: str
    names: Mapping[Hashable, str]


class Found(NamedTuple):
    """Links, with the edge that each begins with, and what was assumed about their directions.

    Attributes
    ----------
    records : list of dict
    first : list of int
    notes : list of (int, str)
        With the position of the first link concerned.
    errors : list of str
        Why the edges may mean one thing or the other.
    """

    records: list[Record]
    first: list[int]
    notes: list[tuple[int, str]]
    errors: list[str]


def links_of(ways: Ways, records: Sequence[Record]) -> Found:
    """Make links of edges, given the record of each as if it were a link."""
    each_way, note, errors = _layout(ways)
    arcs = [i for i, way in enumerate(ways.directed) if way or (way is None and each_way)]
    made = _paired(ways, arcs, records)
    first = [arcs[i] for i in made.first]
    whole = sorted({*range(len(records))} - {*arcs})
    both = [*zip(first, made.records, strict=True), *((i, records[i]) for i in whole)]
    both.sort(key=lambda pair: pair[0])
    place = {edge: i for i, (edge, _) in enumerate(both)}
    notes = [(0, note)] if note else []
    if arcs:
        notes.append((0, _summary(ways, len(arcs), len(made.records), each_way)))
    notes += [(place[first[i]], text) for i, text in made.notes]
    return Found([link for _, link in both], [edge for edge, _ in both], notes, errors)


def _summary(ways: Ways, arcs: int, links: int, each_way: bool) -> str:
    if not each_way:
        return f"{counted(arcs, f'directed {ways.noun}')} taken for {counted(links, 'link')}"
    return (
        f"{counted(arcs, ways.noun)} are one per direction, as each has one back:"
        f" {counted(links, 'link')}; `type: undirected` on each {ways.noun} makes it a link of its"
        " own"
    )


def _layout(ways: Ways) -> tuple[bool, str, list[str]]:
    """Return whether edges that do not say it are one per direction, a note, and errors.

    They are if between all nodes as many go there as back. If that is so between some nodes only,
    they may be parallel links, written from either end.
    """
    unsaid = [ends for ends, way in zip(ways.ends, ways.directed, strict=True) if way is None]
    count = Counter(ends for ends in unsaid if ends[0] != ends[1])
    pairs = {frozenset(ends) for ends in count}
    some = [ends for ends in count if (ends[1], ends[0]) in count]
    if some and all(count[head, tail] == found for (tail, head), found in count.items()):
        return True, "", []
    if not some:
        return False, "", []
    shown = listed(">".join(str(ways.names.get(end, end)) for end in ends) for ends in some)
    text = (
        f"{len(some) // 2:,} of {counted(len(pairs), 'pair')} of nodes are joined by"
        f" {ways.noun}s both ways ({shown})"
    )
    out = f"`type: directed` on a {ways.noun} makes it one direction, `type: undirected` a link"
    if ways.noun == "row" and len(some) >= len(pairs):  # half of the pairs, or more
        message = f"{text}, not all and as many: a row may be a link or one direction of it; {out}"
        return False, "", [message]
    return False, f"{text}: read as parallel links, each in both directions; {out}", []


def _paired(ways: Ways, arcs: Sequence[int], records: Sequence[Record]) -> Links:
    ends = [ways.ends[i] for i in arcs]
    mine = [records[i] for i in arcs]
    pairs = pairs_of(ends, mine, *_signs(ways, arcs, ends))
    one_way = bool(pairs.both) or len(arcs) < len(records)
    made = links_from(mine, pairs, ways.noun, one_way=one_way, names=ways.names)
    return made


def _signs(
    ways: Ways, arcs: Sequence[int], ends: list[tuple[Hashable, Hashable]]
) -> list[list[Hashable | None]]:
    """Return what may name both directions of a link, the surest first."""
    given = [ways.given[i] for i in arcs]
    keys = {key for each in given for key in each}
    signs: list[list[Hashable | None]] = []
    for out, into in POINTS:
        if out in keys and into in keys:
            signs.append([_points(*pair, each.get(out), each.get(into))
                          for pair, each in zip(ends, given, strict=True)])  # fmt: skip
    signs.append(not_counted(ends, [_name(ways.ids[i]) for i in arcs]))
    signs += [[_name(each.get(name)) for each in given] for name in NAMES if name in keys]
    return [named_once(ends, sign) for sign in signs]


def _points(tail: Hashable, head: Hashable, out: Any, into: Any) -> Hashable | None:
    if out is None or into is None:
        return None
    return frozenset({(tail, _name(out)), (head, _name(into))})


def _name(value: Any) -> Hashable | None:
    return None if value is None else str(value).strip().casefold()
