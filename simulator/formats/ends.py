"""Ends: what the two columns are called that name both ends of a link, or of a demand."""

from __future__ import annotations

from collections.abc import Collection, Iterator

THINGS = (
    *("node", "router", "device", "host", "hostname", "system", "switch", "ne", "node_name"),
    *("router_name", "device_name", "host_name", "name", "label", "pop", "site", "station"),
    *("location", "city", "end", "side", "point", "node_id", "router_id", "device_id", "id"),
)
"""What stands at an end, the surest name of a node first."""
SIDES = (
    *(("source", "target"), ("source", "destination"), ("source", "dest"), ("src", "dst")),
    *(("src", "dest"), ("from", "to"), ("local", "remote"), ("local", "neighbor")),
    *(("local", "neighbour"), ("local", "peer"), ("a", "z"), ("a", "b"), ("near", "far")),
    *(
        ("start", "end"),
        ("origin", "destination"),
        ("1", "2"),
    ),
)
ALONE = frozenset({"local", "near", "1"})
"""Sides that name no end without the thing."""
WORDS = (
    ("quelle", "ziel"), ("von", "nach"), ("origine", "destinazione"), ("origen", "destino"),
    ("origem", "destino"), ("départ", "arrivée"), ("depart", "arrivee"), ("desde", "hasta"),
    ("origine", "destination"), ("da", "a"), ("de", "à"), ("de", "para"),
    ("源", "目的"), ("源", "宿"), ("源", "目标"), ("源节点", "目的节点"), ("源节点", "目标节点"),
    ("源节点", "宿节点"), ("起点", "终点"), ("本端", "对端"), ("本端节点", "对端节点"),
    ("a端", "z端"), ("a端节点", "z端节点"),
)  # fmt: skip


def _pairs() -> Iterator[tuple[str, str]]:
    yield from ((one, two) for one, two in SIDES if one not in ALONE)
    yield from WORDS
    for thing in THINGS:
        for one, two in SIDES:
            yield f"{one}_{thing}", f"{two}_{thing}"
            yield f"{thing}_{one}", f"{thing}_{two}"
            yield f"{one}{thing}", f"{two}{thing}"
            if one in ("1", "a"):  # node1, nodeA
                yield f"{thing}{one}", f"{thing}{two}"


PAIRS = tuple(dict.fromkeys(_pairs()))
"""Names of both columns, in small letters with low lines, the surest first."""
EITHER = frozenset(name for pair in PAIRS for name in pair)
SOURCE = tuple(dict.fromkeys(one for one, _ in PAIRS))
TARGET = tuple(dict.fromkeys(two for _, two in PAIRS))


def ends_among(names: Collection[str]) -> tuple[str, str] | None:
    """Return the columns of both ends among plain names, or None.

    They belong together where some two do; else, as ``from`` and ``dest`` do, each by itself.
    """
    found = next((pair for pair in PAIRS if pair[0] in names and pair[1] in names), None)
    if found is not None:
        return found
    source = next((name for name in SOURCE if name in names), None)
    target = next((name for name in TARGET if name in names and name != source), None)
    return (source, target) if source and target else None
