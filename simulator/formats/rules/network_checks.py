"""What a network as a whole must obey, once its entries are sound: each function is one rule."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator

import networkx as nx

from simulator.base.document import shown
from simulator.base.errors import Problem
from simulator.formats.rules.checks import Check, Speller
from simulator.formats.rules.draft import Draft, Record
from simulator.model.network import COUNTING_RULE
from simulator.model.topology import BACKBONE_CLASSES, STUB_KINDS

TOTAL_TOLERANCE_GBPS = 0.5
TOTAL_TOLERANCE = 1e-6
_OUTSIDE = object()


def totals(draft: Draft) -> Iterator[Problem]:
    """The totals are the sums over the links."""
    sums = {
        "backbone_gbps": _sum_gbps(draft, *BACKBONE_CLASSES),
        "exits_gbps": _sum_gbps(draft, "exit"),
    }
    for key, total in sums.items():
        stated = draft.totals.get(key)
        if stated is not None and (message := _contradiction(stated, total)):
            yield draft.point(("totals", key), message)


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
            yield draft.point((*path, gateway), message, key=True)
        elif message := _contradiction(gbps, sums[gateway]):
            yield draft.point((*path, gateway), message)
    for gateway in sums:
        if gateway not in stated and sums[gateway]:
            message = f"{gateway!r} is missing; its exits add to {sums[gateway]:g} Gbps"
            yield draft.point(path, message, key=True)


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


def _contradiction(stated: float, total: float) -> str:
    """Return what is wrong with a total, or nothing."""
    if abs(stated - total) <= max(TOTAL_TOLERANCE_GBPS, TOTAL_TOLERANCE * abs(total)):
        return ""
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
            yield draft.point(path, f"no exit leads to the region {region!r}")


def _open_to(draft: Draft, region: str) -> bool:
    """Return whether some exit may carry traffic of a region."""
    exits = (link for link in draft.links if link["class"] == "exit")
    return any(region in (link.get("reaches") or (region,)) for link in exits)


def _reached_abroad(draft: Draft) -> set[str]:
    """Return the nodes abroad that traffic gets to from the exits; stubs pass nothing on."""
    ways = nx.DiGraph()
    ways.add_node(_OUTSIDE)
    for link in draft.links:
        a, b = link["a"], link["b"]
        if ends := draft.home_and_abroad(link):
            ways.add_edges_from([(_OUTSIDE, ends[1])] if link["class"] == "exit" else [])
        elif draft.is_abroad(a):
            both = ((a, b), (b, a))
            ways.add_edges_from(w for w in both if draft.node[w[0]]["kind"] not in STUB_KINDS)
    reached: set[str] = nx.descendants(ways, _OUTSIDE)
    return reached


def isolated_nodes(draft: Draft) -> Iterator[Problem]:
    """A node has links."""
    joined = {link[end] for link in draft.links for end in ("a", "b")}
    for i, node in enumerate(draft.nodes):
        if node["id"] not in joined:
            yield draft.warning(("nodes", i, "id"), f"no link ends at {node['id']!r}")


def connected(draft: Draft) -> Iterator[Problem]:
    """The network is in one piece; single nodes are reported by `isolated_nodes`."""
    graph = nx.Graph((link["a"], link["b"]) for link in draft.links)
    parts = sorted(map(sorted, nx.connected_components(graph)), key=len, reverse=True)
    if len(parts) > 1:
        shown = [f"{len(part)} nodes (one is {part[0]!r})" for part in parts[:5]]
        more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
        message = f"no link joins the {len(parts)} parts of the network: {', '.join(shown)}{more}"
        yield draft.warning(("links",), message)


def ways_both_directions(draft: Draft) -> Iterator[Problem]:
    """One-way links leave a way there and back between all nodes that links join."""
    one_way = [i for i, link in enumerate(draft.links) if link.get("capacity_ba_gbps") == 0]
    if not one_way:
        return
    ways = nx.DiGraph((link["a"], link["b"]) for link in draft.links)
    ways.add_edges_from(
        (link["b"], link["a"]) for link in draft.links if link.get("capacity_ba_gbps") != 0
    )
    for part in nx.weakly_connected_components(ways):
        whole = max(nx.strongly_connected_components(ways.subgraph(part)), key=len)
        if cut := sorted(part - whole):
            shown = ", ".join(map(repr, cut[:3])) + (f" and {len(cut) - 3} more" * (len(cut) > 3))
            message = f"one-way links leave no way to and from every node: {shown} lack one"
            yield draft.warning(("links", one_way[0]), message)


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
        if (ends[0] not in served) if ends else (frozenset((link["a"], link["b"])) not in served):
            message = "no traffic can use this link: it lies on no way between two ends of traffic"
            yield draft.warning(("links", i, "id"), message)


def _is_end(node: Record) -> bool:
    return node["kind"] != "gateway" or node.get("weight", 0.0) > 0


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
        pairs = list(map(frozenset, block))
        if any(_OUTSIDE in pair for pair in pairs):
            served.update(pairs)
    return served


def names_apart(draft: Draft) -> Iterator[Problem]:
    """Two nodes whose names differ in capitals, blanks or leading zeros may be one."""
    first: dict[str, int] = {}
    for i, node in enumerate(draft.nodes):
        name = str(node["id"])
        plain = re.sub(r"(?<!\d)0+(?=\d)|[\s_-]+", "", name.casefold())
        known = first.setdefault(plain, i)
        if known != i:
            message = (
                f"{shown(name)} and {shown(draft.nodes[known]['id'])} differ only in capitals,"
                " blanks, hyphens or leading zeros: kept as two nodes; are they one?"
            )
            yield draft.warning(("nodes", i, "id"), message)


NETWORK_CHECKS: tuple[Check, ...] = (
    names_apart,
    totals,
    exits_by_gateway,
    regions_are_reached,
    isolated_nodes,
    connected,
    ways_both_directions,
    used_links,
)
