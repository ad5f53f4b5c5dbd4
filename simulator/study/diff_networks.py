"""Diff of networks: which nodes, links, cables and regions differ, and in what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from simulator.base.text import plain
from simulator.model.network import Network
from simulator.model.topology import BACK

ABSENT, PRESENT = "absent", "present"
_CLOSE = 1e-9
_NODE_KEYS = ("kind", "city", "province", "lat", "lon", "weight", "utc_offset_h")
_LINK_KEYS = ("class", "cables", "reaches", "modules", "setup_cost", "price_usd_per_mbps")
_SIZES = tuple(key for both in BACK.items() for key in both)
_ABOUT = ("title", "utc_offset_h", "hop_delay_ms")


class Difference(NamedTuple):
    """One thing that differs: its kind, the element, the key, and both values as text."""

    kind: str
    element: str
    key: str
    a: str
    b: str


def network_differences(a: Network, b: Network) -> tuple[list[Difference], list[str]]:
    """Return what differs between two networks, and how links without a common id were paired."""
    pairs, notes = _pairs(a, b)
    found = [
        *_by_key("network", a.name, _picked(vars(a.about), _ABOUT), _picked(vars(b.about), _ABOUT)),
        *_by_id("node", _nodes(a), _nodes(b)),
        *_links(a, b, pairs),
        *_by_id("cable", a.about.cables, b.about.cables),
        *_by_id("region", a.about.regions, b.about.regions),
    ]
    return found, notes


def value_text(value: Any) -> str:
    """Return a value as tables of differences show it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | np.number):
        return f"{float(value):.12g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{plain(str(k))}: {value_text(v)}" for k, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(value_text, value)) or "none"
    return plain(str(value))


def same(a: Any, b: Any) -> bool:
    """Return whether two values are the same, numbers to nine digits."""
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (a, b))
    if numbers:
        return bool(abs(a - b) <= _CLOSE * max(abs(a), abs(b)))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def _by_id(
    kind: str, a: Mapping[str, Mapping[str, Any]], b: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    for element in dict.fromkeys([*a, *b]):
        if element not in a or element not in b:
            there = (PRESENT, ABSENT) if element in a else (ABSENT, PRESENT)
            yield Difference(kind, element, "", *there)
        else:
            yield from _by_key(kind, element, a[element], b[element])


def _by_key(
    kind: str, element: str, a: Mapping[str, Any], b: Mapping[str, Any]
) -> Iterator[Difference]:
    for key in dict.fromkeys([*a, *b]):
        if not same(a.get(key), b.get(key)):
            texts = value_text(a.get(key)), value_text(b.get(key))
            yield Difference(kind, element, key, *texts)


def _nodes(network: Network) -> dict[str, dict[str, Any]]:
    return {node: _picked(facts, _NODE_KEYS) for node, facts in network.graph.nodes(data=True)}


def _picked(facts: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: facts[key] for key in keys if facts.get(key) not in (None, "", (), {})}


# -- links --------------------------------------------------------------------------------------


class _Pair(NamedTuple):
    a: str
    b: str
    turned: bool
    """Whether the link of the second network runs the other way."""


def _pairs(a: Network, b: Network) -> tuple[list[_Pair], list[str]]:
    """Pair links by id, those that are left by their ends where just one is on either side."""
    pairs = [_Pair(x, x, _turned(a, x, b, x)) for x in a.links if x in b.link_index]
    notes = [f"link {plain(x)} runs the other way" for x, _, turned in pairs if turned]
    left = [_by_ends(one, set(other.links)) for one, other in ((a, b), (b, a))]
    for ends, mine in left[0].items():
        theirs = left[1].get(ends, [])
        if len(mine) == len(theirs) == 1:
            turned = _turned(a, mine[0], b, theirs[0])
            pairs.append(_Pair(mine[0], theirs[0], turned))
            way = ", the other way round" if turned else ""
            names = f"link {plain(mine[0])} is {plain(theirs[0])} there"
            notes.append(f"{names}: it joins the same ends{way}")
    return pairs, notes


def _by_ends(network: Network, but: set[str]) -> dict[frozenset[str], list[str]]:
    found: dict[frozenset[str], list[str]] = defaultdict(list)
    for link in network.links:
        if link not in but:
            facts = network.attributes(link)
            found[frozenset((facts["a"], facts["b"]))].append(link)
    return found


def _turned(a: Network, mine: str, b: Network, theirs: str) -> bool:
    here, there = a.attributes(mine), b.attributes(theirs)
    return bool(here["a"] == there["b"] and here["b"] == there["a"] and here["a"] != here["b"])


def _links(a: Network, b: Network, pairs: list[_Pair]) -> Iterator[Difference]:
    for mine, theirs, turned in pairs:
        here, there = _facts(a, mine), _facts(b, theirs)
        if turned:
            there = _other_way(there)
        yield from _by_key("link", mine, here, there)
    for kind, network, paired in (
        ((PRESENT, ABSENT), a, {pair.a for pair in pairs}),
        ((ABSENT, PRESENT), b, {pair.b for pair in pairs}),
    ):
        for link in network.links:
            if link not in paired:
                yield Difference("link", link, "", *kind)


def _facts(network: Network, link: str) -> dict[str, Any]:
    """Return what is compared of a link, each size in both directions."""
    facts, arc = network.attributes(link), 2 * network.link_index[link]
    arrays = (network.installed_gbps, network.delay_ms - network.about.hop_delay_ms, network.metric)
    sizes = [float(f"{each[arc + i]:.12g}") for each in arrays for i in (0, 1)]
    ends = {key: facts[key] for key in ("a", "b")}
    return {**ends, **dict(zip(_SIZES, sizes, strict=True)), **_picked(facts, _LINK_KEYS)}


def _other_way(facts: dict[str, Any]) -> dict[str, Any]:
    turned = {**facts, "a": facts["b"], "b": facts["a"]}
    for key, back in BACK.items():
        turned[key], turned[back] = facts[back], facts[key]
    return turned
