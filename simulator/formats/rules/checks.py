"""What a topology must obey beyond its schema: each function is one rule.

`ENTRY_CHECKS` look at single entries and bear a draft that is broken elsewhere. `WHOLE_CHECKS` look
at the network as a whole and need one whose entries are sound.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import networkx as nx

from simulator.base.errors import Problem, did_you_mean
from simulator.formats.rules.draft import DEFAULT, Draft, Record
from simulator.model.network import (
    BACKBONE_CLASSES,
    COUNTING_RULE,
    FIBRE_KM_PER_MS,
    STUB_KINDS,
)

Check = Callable[[Draft], Iterator[Problem]]

SHARE_TOLERANCE = 1e-6
TOTAL_TOLERANCE_GBPS = 0.5
TOTAL_TOLERANCE = 1e-6
DELAY_TOLERANCE = 0.01
DELAY_ROUNDING_MS = 0.0005
"""Delays are given to three decimals."""
SPHERE_TOLERANCE = 0.005
"""How far a great circle on a sphere is off the true distance at most."""
MOST = 1e18
"""No capacity, length or weight is larger; sums of such numbers stay finite."""
SIZES = ("capacity_gbps", "capacity_ba_gbps", "metric", "delay_ms", "fibre_km")
MOST_HINTS = 50
_OUTSIDE = object()


class Speller:
    """Hints at the nearest spelling; remembers, and gives up after many, for it is slow."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)
        self.hints: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        """Return `; did you mean 'x'?`, or nothing."""
        if word not in self.hints and len(self.hints) < MOST_HINTS:
            self.hints[word] = did_you_mean(word, self.words)
        return self.hints.get(word, "")


# ---------------------------------------------------------------- single entries


def unique_ids(draft: Draft) -> Iterator[Problem]:
    """No two nodes share an id, nor two links, cables or regions."""
    for section in ("nodes", "links", "cables", "regions"):
        first: dict[str, int] = {}
        for i, record in enumerate(getattr(draft, section) or ()):
            known = first.setdefault(record.get("id") or f"\0{i}", i)
            if known != i:
                line = draft.line(section, known, "id")
                message = f"a second {section[:-1]} with the id {record['id']!r}"
                yield draft.error(
                    section, i, "id", message=f"{message}; the first is on line {line}"
                )


def known_ends(draft: Draft) -> Iterator[Problem]:
    """A link joins two nodes that exist, and not one with itself."""
    hint = Speller(draft.node)
    for i, link in enumerate(draft.links):
        for end in ("a", "b") if draft.all_nodes_known else ():
            name = link.get(end)
            if name is not None and name not in draft.node:
                message = f"no node named {name!r}{hint(name)}"
                yield draft.error("links", i, end, message=message)
        if link.get("a") is not None and link["a"] == link.get("b"):
            message = f"the link joins {link['a']!r} with itself"
            yield draft.error("links", i, "b", message=message)


def known_cables(draft: Draft) -> Iterator[Problem]:
    """A link rides cables that the file lists, if it lists any."""
    if draft.cables is None:
        return
    hint = Speller(cable["id"] for cable in draft.cables)
    for i, link in enumerate(draft.links):
        for cable in link.get("cables") or ():
            if cable not in hint.words:
                message = f"no cable named {cable!r}{hint(cable)}"
                yield draft.error("links", i, "cables", cable, message=message, key=True)


def cable_shares(draft: Draft) -> Iterator[Problem]:
    """The shares of a link on its cables add to 1."""
    for i, link in enumerate(draft.links):
        shares = link.get("cables") or {}
        total = math.fsum(shares.values())
        if shares and abs(total - 1) > SHARE_TOLERANCE:
            message = f"the shares add to {total:.6g}, not to 1"
            yield draft.error("links", i, "cables", message=message)


def whole_coordinates(draft: Draft) -> Iterator[Problem]:
    """Latitude and longitude come together."""
    for i, node in enumerate(draft.nodes):
        for given, missing in (("lat", "lon"), ("lon", "lat")):
            if given in node and missing not in node:
                message = f"{given} without {missing}: give both or neither"
                yield draft.error("nodes", i, given, message=message)


def sizes_within_reason(draft: Draft) -> Iterator[Problem]:
    """No size is so large that a sum of them is infinite."""
    for i, link in enumerate(draft.links):
        for key in SIZES:
            size = link.get(key)
            if size is not None and size > MOST:
                message = f"at most {MOST:g} is within reason, found {size:g}"
                yield draft.error("links", i, key, message=message)


def exits_cross_the_border(draft: Draft) -> Iterator[Problem]:
    """An exit has one end at home and one abroad, and what has is an exit."""
    for i, link in enumerate(draft.links):
        a, b = link.get("a"), link.get("b")
        if a == b or draft.is_abroad(a) is None or draft.is_abroad(b) is None:
            continue
        crosses = draft.home_and_abroad(link) is not None
        word = link.get("class", DEFAULT)
        if word == "exit" and not crosses:
            where = "abroad" if draft.is_abroad(a) else "at home"
            message = (
                f"an exit has one end at home and one abroad (kind pop or region),"
                f" but {_kind(draft, a)} and {_kind(draft, b)} are both {where}"
            )
            yield draft.error("links", i, "class", message=message)
        if crosses and word not in (None, "exit"):
            message = (
                f"joins {_kind(draft, a)} and {_kind(draft, b)} across the border, but counts as"
                f" no exit: its class is {word!r}"
            )
            yield draft.warning("links", i, "class", message=message)


def _kind(draft: Draft, node_id: str | None) -> str:
    return f"{node_id!r} ({draft.node[node_id or ''].get('kind', DEFAULT)})"


def exits_reach_ends_abroad(draft: Draft) -> Iterator[Problem]:
    """Only an exit says what it reaches, and names nodes abroad that exist."""
    hint = Speller(name for name in draft.node if draft.is_abroad(name))
    for i, link in enumerate(draft.links):
        ends = link.get("reaches") or ()
        if ends and link.get("class", DEFAULT) not in (None, "exit"):
            message = f"only an exit says what it reaches, but its class is {link['class']!r}"
            yield draft.error("links", i, "reaches", message=message)
        for j, end in enumerate(ends):
            if end not in draft.node and draft.all_nodes_known:
                message = f"no node abroad named {end!r}{hint(end)}"
                yield draft.error("links", i, "reaches", j, message=message)
            elif draft.is_abroad(end) is False:
                message = f"an exit reaches nodes abroad (kind pop or region), not {end!r}"
                yield draft.error("links", i, "reaches", j, message=message)


def regions_are_abroad(draft: Draft) -> Iterator[Problem]:
    """A region is a node abroad."""
    hint = Speller(draft.node)
    for i, region in enumerate(draft.regions):
        node = region.get("id")
        if node is not None and node not in draft.node and draft.all_nodes_known:
            message = f"no node named {node!r}{hint(node)}"
            yield draft.error("regions", i, "id", message=message)
        elif draft.is_abroad(node) is False:
            message = f"a region lies abroad (kind pop or region), but not {_kind(draft, node)}"
            yield draft.error("regions", i, "id", message=message)


def region_shares(draft: Draft) -> Iterator[Problem]:
    """The shares of the regions add to no more than 1."""
    total = math.fsum(region.get("share") or 0.0 for region in draft.regions)
    if total > 1 + SHARE_TOLERANCE:
        message = f"the shares add to {total:.6g}, more than 1"
        yield draft.error("regions", message=message, key=True)


def delays(draft: Draft) -> Iterator[Problem]:
    """Something tells the delay of a link, and what tells it agrees."""
    for i, link in enumerate(draft.links):
        given = [link[key] for key in ("delay_ms", "fibre_km", "path_factor") if key in link]
        if None not in given:
            yield from _delay(draft, i, link)


def _delay(draft: Draft, i: int, link: Record) -> Iterator[Problem]:
    if "delay_ms" in link or "fibre_km" in link:
        yield from _delay_given(draft, i, link)
        yield from _speed_of_light(draft, i, link)
    elif draft.delay_required and (lost := draft.ends_without_place(link)):
        message = (
            "nothing tells the delay: give delay_ms or fibre_km,"
            f" or coordinates to {' and '.join(map(repr, lost))}"
        )
        yield draft.error("links", i, message=message)


def _delay_given(draft: Draft, i: int, link: Record) -> Iterator[Problem]:
    key = "delay_ms" if "delay_ms" in link else "fibre_km"
    if "delay_ms" in link and "fibre_km" in link:
        delay = link["delay_ms"]
        of_fibre = link["fibre_km"] / FIBRE_KM_PER_MS
        if abs(delay - of_fibre) > DELAY_TOLERANCE * max(delay, of_fibre) + DELAY_ROUNDING_MS:
            message = (
                f"{delay:g} ms, but {link['fibre_km']:g} km of fibre take {of_fibre:.3f} ms;"
                " the delay given is used"
            )
            yield draft.warning("links", i, key, message=message)
    if "path_factor" in link:
        message = f"has no effect beside {key}"
        yield draft.warning("links", i, "path_factor", message=message)


def _speed_of_light(draft: Draft, i: int, link: Record) -> Iterator[Problem]:
    delay = draft.delay_ms(link) or 0.0
    straight_km = draft.great_circle_km(link) or 0.0
    if not faster_than_light(delay, straight_km):
        return
    fastest = straight_km / FIBRE_KM_PER_MS
    apart = f"the ends are {straight_km:.0f} km apart, which takes {fastest:.4g} ms"
    if "delay_ms" in link:
        message = f"{delay:g} ms is faster than light in fibre: {apart}"
        yield draft.warning("links", i, "delay_ms", message=message)
    else:
        message = f"{link['fibre_km']:g} km of fibre are too short: {apart}"
        yield draft.warning("links", i, "fibre_km", message=message)


def faster_than_light(delay_ms: float, straight_km: float) -> bool:
    """Say whether light in fibre would take longer, with a margin for rounding and the sphere."""
    fastest = straight_km / FIBRE_KM_PER_MS
    return delay_ms < fastest * (1 - SPHERE_TOLERANCE) - DELAY_ROUNDING_MS


def parallel_twins(draft: Draft) -> Iterator[Problem]:
    """Two links alike in all but their ids look like a mistake."""
    first: dict[tuple[object, ...], int] = {}
    for i, link in enumerate(draft.links):
        alike = [link.get(key) for key in ("class", "capacity_gbps", "metric")]
        ends = sorted(end["id"] for end in draft.ends(link))
        if None in alike or len(ends) < 2:
            continue
        known = first.setdefault((*ends, *alike), i)
        if known != i:
            message = (
                f"alike in ends, class, capacity and metric to {draft.links[known].get('id')!r} on"
                f" line {draft.line('links', known)}; is it meant to be there twice?"
            )
            yield draft.warning("links", i, "id", message=message)


# ---------------------------------------------------------------- the network as a whole


def totals(draft: Draft) -> Iterator[Problem]:
    """The totals are the sums over the links."""
    sums = {
        "backbone_gbps": _sum_gbps(draft, *BACKBONE_CLASSES),
        "exits_gbps": _sum_gbps(draft, "exit"),
    }
    for key, total in sums.items():
        stated = draft.totals.get(key)
        if stated is not None and _differs(stated, total):
            message = _total_message(stated, total)
            yield draft.error("totals", key, message=message)


def exits_by_gateway(draft: Draft) -> Iterator[Problem]:
    """The exits of each gateway add to its total."""
    stated = draft.totals.get("exits_by_gateway_gbps")
    if stated is None:
        return
    sums = _exits_gbps(draft)
    hint = Speller(draft.node)
    path = ("totals", "exits_by_gateway_gbps")
    for gateway, gbps in stated.items():
        if gateway not in draft.node:
            message = f"no node named {gateway!r}{hint(gateway)}"
            yield draft.error(*path, gateway, message=message, key=True)
        elif _differs(gbps, sums[gateway]):
            message = _total_message(gbps, sums[gateway])
            yield draft.error(*path, gateway, message=message)
    for gateway in sums:
        if gateway not in stated and sums[gateway]:
            message = f"{gateway!r} is missing; its exits add to {sums[gateway]:g} Gbps"
            yield draft.error(*path, message=message, key=True)


def _exits_gbps(draft: Draft) -> dict[str, float]:
    """Return the sum over the exits of each node at home."""
    sums: dict[str, float] = defaultdict(float)
    for link in draft.links:
        ends = draft.home_and_abroad(link)
        if ends and link["class"] == "exit":
            sums[ends[0]] += link["capacity_gbps"]
    return sums


def _sum_gbps(draft: Draft, *classes: str) -> float:
    return math.fsum(link["capacity_gbps"] for link in draft.links if link["class"] in classes)


def _differs(stated: float, total: float) -> bool:
    tolerance = max(TOTAL_TOLERANCE_GBPS, TOTAL_TOLERANCE * abs(total))
    return abs(stated - total) > tolerance


def _total_message(stated: float, total: float) -> str:
    return f"{stated:.10g} Gbps stated, but the links add to {total:.10g} Gbps ({COUNTING_RULE})"


def regions_are_reached(draft: Draft) -> Iterator[Problem]:
    """From some exit, traffic gets to every region without coming home."""
    reached = _reached_abroad(draft)
    listed = {region["id"]: ("regions", i, "id") for i, region in enumerate(draft.regions)}
    of_kind = {
        node["id"]: ("nodes", i, "id")
        for i, node in enumerate(draft.nodes)
        if node["kind"] == "region"
    }
    for region, path in {**of_kind, **listed}.items():
        if region not in reached or not _open_to(draft, region):
            yield draft.error(*path, message=f"no exit leads to the region {region!r}")


def _open_to(draft: Draft, region: str) -> bool:
    """Say whether some exit may carry traffic of a region."""
    exits = (link for link in draft.links if link["class"] == "exit")
    return any(region in (link.get("reaches") or (region,)) for link in exits)


def _reached_abroad(draft: Draft) -> set[str]:
    """Return the nodes abroad that traffic gets to from the exits; stubs pass nothing on."""
    abroad = nx.Graph()
    for link in draft.links:
        if draft.is_abroad(link["a"]) and draft.is_abroad(link["b"]):
            abroad.add_edge(link["a"], link["b"])
    ends = (draft.home_and_abroad(link) for link in draft.links if link["class"] == "exit")
    waiting = [end[1] for end in ends if end]
    reached = set(waiting)
    while waiting:
        node = waiting.pop()
        if node in abroad and draft.node[node]["kind"] not in STUB_KINDS:
            fresh = set(abroad[node]) - reached
            reached |= fresh
            waiting += fresh
    return reached


def isolated_nodes(draft: Draft) -> Iterator[Problem]:
    """A node has links."""
    joined = {link[end] for link in draft.links for end in ("a", "b")}
    for i, node in enumerate(draft.nodes):
        if node["id"] not in joined:
            yield draft.warning("nodes", i, "id", message=f"no link ends at {node['id']!r}")


def connected(draft: Draft) -> Iterator[Problem]:
    """The network is in one piece; single nodes are told by `isolated_nodes`."""
    graph = nx.Graph((link["a"], link["b"]) for link in draft.links)
    parts = sorted(map(sorted, nx.connected_components(graph)), key=len, reverse=True)
    if len(parts) > 1:
        shown = [f"{len(part)} nodes (one is {part[0]!r})" for part in parts[:5]]
        more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
        message = f"no link joins the {len(parts)} parts of the network: {', '.join(shown)}{more}"
        yield draft.warning("links", message=message)


def used_links(draft: Draft) -> Iterator[Problem]:
    """Some traffic can use every link.

    Traffic starts and ends at every node but a gateway without weight. It may use a link that lies
    on a path without loops between two such ends, on which traffic within the country never
    leaves it and traffic across the border crosses once. Links abroad join ends, so they always
    serve. A link at home serves if such a path leads from an end at home through it to another end
    or to the border; a link across the border, if an end at home gets to it.

    That stubs carry no transit changes nothing: they are ends, so a path through one holds a
    shorter one that ends there.
    """
    home, border = nx.Graph(), set()
    for link in draft.links:
        if not draft.is_abroad(link["a"]) and not draft.is_abroad(link["b"]):
            home.add_edge(link["a"], link["b"])
        elif ends := draft.home_and_abroad(link):
            border.add(ends[0])
    served = _served(home, {node for node in {*home, *border} if _is_end(draft.node[node])}, border)
    for i, link in enumerate(draft.links):
        ends = draft.home_and_abroad(link)
        if draft.is_abroad(link["a"]) and draft.is_abroad(link["b"]):
            continue
        if (ends[0] not in served) if ends else (_pair(link["a"], link["b"]) not in served):
            message = "no traffic can use this link: it lies on no way between two ends of traffic"
            yield draft.warning("links", i, "id", message=message)


def _is_end(node: Record) -> bool:
    return node["kind"] != "gateway" or node.get("weight", 0.0) > 0


def _pair(a: object, b: object) -> frozenset[object]:
    return frozenset((a, b))


def _served(home: nx.Graph, ends: set[str], border: set[str]) -> set[object]:
    """Return the links at home that serve, as pairs, and the nodes to which an end gets.

    One more node, joined to all ends and border nodes, closes each serving path to a loop, so that
    the links that serve are those in one block (biconnected component) with it.
    """
    home = home.copy()
    home.add_nodes_from(ends)
    within = [part for part in nx.connected_components(home) if part & ends]
    served: set[object] = {node for part in within for node in part}
    closed = home.subgraph(served).copy()
    closed.add_edges_from((node, _OUTSIDE) for node in (ends | border) & served)
    for block in nx.biconnected_component_edges(closed):
        pairs = [_pair(a, b) for a, b in block]
        if any(_OUTSIDE in pair for pair in pairs):
            served.update(pairs)
    return served


ENTRY_CHECKS: tuple[Check, ...] = (
    unique_ids,
    known_ends,
    known_cables,
    cable_shares,
    whole_coordinates,
    sizes_within_reason,
    exits_cross_the_border,
    exits_reach_ends_abroad,
    regions_are_abroad,
    region_shares,
    delays,
    parallel_twins,
)
WHOLE_CHECKS: tuple[Check, ...] = (
    totals,
    exits_by_gateway,
    regions_are_reached,
    isolated_nodes,
    connected,
    used_links,
)
