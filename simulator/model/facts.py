"""Facts: totals, connectivity and distances of a Network.

Cuts are those of the links among nodes that carry transit, as a stub with two neighbours connects
nothing; stubs are counted by their neighbours. Distances follow the rules of traffic: no path leads
through a stub, and no path between two nodes at home leaves the country.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, maximum_flow

from simulator.model.network import Network
from simulator.model.topology import LINK_CLASSES, NODE_KINDS

MOST_NODES = 3000
"""Largest number of nodes for which distances and connectivities are computed."""


@dataclass(frozen=True)
class ClassFacts:
    """The links of one class: ``gbps`` counts each once (from a to b), the rest both directions."""

    name: str
    links: int
    gbps: float
    min_gbps: float
    median_gbps: float
    max_gbps: float


@dataclass(frozen=True)
class Degrees:
    """Links at a node, parallel ones counted each; ``nodes`` counts nodes by number of links."""

    min: int
    mean: float
    max: int
    nodes: Mapping[int, int]


@dataclass(frozen=True)
class Cuts:
    """Cuts of the core: the nodes that carry transit and the links among them.

    Attributes
    ----------
    scope : {"all", "home"}
        All of the core, or the part of it at home, where domestic traffic stays.
    parts : int
        Connected components.
    cut_nodes, bridges : tuple of str
        Nodes and links whose loss alone disconnects the core, in file order.
    edge_connectivity, node_connectivity : int or None
        The fewest links and nodes whose loss disconnects the core; None where that has no meaning
        (fewer than two nodes) or was left out. Where all nodes are neighbours, all but one.
    """

    scope: str
    nodes: int
    links: int
    parts: int
    cut_nodes: tuple[str, ...]
    bridges: tuple[str, ...]
    edge_connectivity: int | None
    node_connectivity: int | None


@dataclass(frozen=True)
class Stubs:
    """Number of stubs; those with a single link, and those all of whose links lead to one node."""

    nodes: int
    on_one_link: tuple[str, ...]
    on_one_node: tuple[str, ...]


@dataclass(frozen=True)
class Distances:
    """Distances between nodes along the paths that traffic may take.

    Attributes
    ----------
    scope : {"home", "abroad"}
        Between two nodes at home, or between one at home and one abroad, either way.
    hops : int
        The most hops of any shortest path.
    hops_between : tuple of str
        A pair at this distance.
    ms : float
        The longest of all shortest delays, one way, without queueing.
    apart : int
        Ordered pairs without any path.
    """

    scope: str
    hops: int
    hops_between: tuple[str, str]
    ms: float
    ms_between: tuple[str, str]
    apart: int


@dataclass(frozen=True)
class ExitFacts:
    """An exit; ``delay_ms`` is that out. ``price_usd_per_mbps`` is None where the file has none."""

    link: str
    gateway: str
    pop: str
    out_gbps: float
    in_gbps: float
    delay_ms: float
    delay_in_ms: float
    cables: Mapping[str, float]
    price_usd_per_mbps: float | None


@dataclass(frozen=True)
class CableFacts:
    """A cable.

    Attributes
    ----------
    links : mapping of str to float
        Share of every link that rides on it.
    exit_out_gbps, exit_in_gbps, other_gbps : float
        Capacity that rides on it: of exits by direction, and of all other links, each once.
    takes_down : tuple of str
        Links of which nothing is left when it is cut.
    """

    id: str
    name: str
    links: Mapping[str, float]
    exit_out_gbps: float
    exit_in_gbps: float
    other_gbps: float
    takes_down: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """All facts; links that are down count nowhere, capacities are those left after faults.

    Attributes
    ----------
    kinds : mapping of str to int
        Number of nodes of every kind in the network.
    backbone_gbps, exits_gbps : float
        See ``COUNTING_RULE``.
    unequal, unequal_metric, unequal_delay : int
        Links whose directions differ in capacity, in metric, in delay.
    one_way : int
        Links that have one direction.
    degrees : Degrees or None
        None for a network without nodes.
    parts : int
        Connected components of the whole network.
    cuts : tuple of Cuts
        Of the whole core; before it of the part at home, if the core has other nodes.
    left_out : tuple of str
        Sentences on what was not computed, and why.
    """

    kinds: Mapping[str, int]
    backbone_gbps: float
    exits_gbps: float
    classes: tuple[ClassFacts, ...]
    unequal: int
    unequal_metric: int
    unequal_delay: int
    one_way: int
    degrees: Degrees | None
    parts: int
    cuts: tuple[Cuts, ...]
    stubs: Stubs
    distances: tuple[Distances, ...]
    exits: tuple[ExitFacts, ...]
    cables: tuple[CableFacts, ...]
    left_out: tuple[str, ...]


def facts(network: Network) -> Facts:
    """Return the facts about a network, with its faults, if any."""
    large = len(network.nodes) > MOST_NODES
    left_out = (
        "distances and connectivities of two and more are left out: "
        f"worked out up to {MOST_NODES:,} nodes, and there are {len(network.nodes):,}"
    )
    transit = ~network.is_stub
    at_home = transit & ~network.is_abroad
    scopes = {"home": at_home, "all": transit} if (transit & ~at_home).any() else {"all": transit}
    counted = Counter(network.node_kind.tolist())
    return Facts(
        kinds={kind: counted[kind] for kind in NODE_KINDS if kind in counted},
        backbone_gbps=network.backbone_gbps,
        exits_gbps=network.exits_gbps,
        classes=_classes(network),
        unequal=_unequal(network, network.capacity_gbps),
        unequal_metric=_unequal(network, network.metric),
        unequal_delay=_unequal(network, network.delay_ms),
        one_way=int(np.sum(network.up[::2] & ~network.exists[1::2])),
        degrees=_degrees(network),
        parts=nx.number_connected_components(_joined(network, np.ones(len(network.nodes), bool))),
        cuts=tuple(_cuts(network, scope, core, large) for scope, core in scopes.items()),
        stubs=_stubs(network),
        distances=() if large else _distances(network),
        exits=_exits(network),
        cables=tuple(_cable(network, cable) for cable in network.cables),
        left_out=(left_out,) if large else (),
    )


def _unequal(network: Network, values: np.ndarray) -> int:
    """Return how many links have unlike values in their directions."""
    both = network.up[::2] & network.exists[1::2]
    return int(np.sum(both & (values[::2] != values[1::2])))


# -- totals -------------------------------------------------------------------------------------


def _classes(network: Network) -> tuple[ClassFacts, ...]:
    found = []
    for name in LINK_CLASSES:
        standing = (network.link_class == name) & network.up[::2]
        if standing.any():
            gbps = network.capacity_gbps[np.repeat(standing, 2) & network.exists]
            spread = float(gbps.min()), float(np.median(gbps)), float(gbps.max())
            total = network.total_gbps(name)
            found.append(ClassFacts(name, int(standing.sum()), total, *spread))
    return tuple(found)


def _degrees(network: Network) -> Degrees | None:
    if not network.nodes:
        return None
    links = np.bincount(network.tail[network.up], minlength=len(network.nodes))
    nodes = dict(sorted(Counter(links.tolist()).items()))
    return Degrees(int(links.min()), float(links.mean()), int(links.max()), nodes)


def _exits(network: Network) -> tuple[ExitFacts, ...]:
    found = []
    for place, link in enumerate(network.exits):
        if not network.up[2 * link]:
            continue
        attributes = network.attributes(network.links[link])
        out, back = (network.exit_arcs[way][place] for way in ("out", "in"))
        each = ExitFacts(
            network.links[link],
            network.nodes[network.tail[out]],
            network.nodes[network.head[out]],
            float(network.capacity_gbps[out]),
            float(network.capacity_gbps[back]),
            float(network.delay_ms[out]),
            float(network.delay_ms[back]),
            dict(attributes["cables"]),
            attributes.get("price_usd_per_mbps"),
        )
        found.append(each)
    return tuple(found)


def _cable(network: Network, cable: str) -> CableFacts:
    share = network.cable_share(cable) * network.up[::2]
    rides = np.repeat(share, 2) * network.capacity_gbps
    down = network.failed(cables=[cable]).up
    others = (network.link_class != "exit") & (share > 0)
    return CableFacts(
        cable,
        str(network.about.cables.get(cable, {}).get("name") or ""),
        {network.links[i]: float(share[i]) for i in np.flatnonzero(share)},
        float(rides[network.exit_arcs["out"]].sum()),
        float(rides[network.exit_arcs["in"]].sum()),
        float(rides[::2][others].sum()),
        tuple(network.links[i] for i in np.flatnonzero((network.up & ~down)[::2])),
    )


# -- connectivity -------------------------------------------------------------------------------


def _joined(network: Network, among: np.ndarray) -> nx.Graph:
    """Return the graph of some nodes, by position; every edge lists its links.

    A Graph, not the MultiGraph: the algorithms below need one edge for each pair of neighbours.
    """
    graph = nx.Graph()
    graph.add_nodes_from(np.flatnonzero(among).tolist())
    tails, heads = network.tail[::2], network.head[::2]
    for link in np.flatnonzero(network.up[::2] & among[tails] & among[heads]).tolist():
        a, b = int(tails[link]), int(heads[link])
        if graph.has_edge(a, b):
            graph.edges[a, b]["links"].append(link)
        else:
            graph.add_edge(a, b, links=[link])
    return graph


def _cuts(network: Network, scope: str, core: np.ndarray, large: bool) -> Cuts:
    graph = _joined(network, core)
    parts = nx.number_connected_components(graph)
    cut_nodes = sorted(nx.articulation_points(graph))
    joins = [graph.edges[pair]["links"] for pair in nx.bridges(graph)]
    bridges = sorted(links[0] for links in joins if len(links) == 1)
    edge: int | None = None
    node: int | None = None
    if len(graph) > 1 and parts > 1:
        edge = node = 0
    elif len(graph) > 1:
        edge = 1 if bridges else None if large else _edge_connectivity(graph)
        node = 1 if cut_nodes else None if large else _node_connectivity(graph)
    return Cuts(
        scope,
        len(graph),
        sum(len(links) for _, _, links in graph.edges(data="links")),
        parts,
        tuple(network.nodes[i] for i in cut_nodes),
        tuple(network.links[i] for i in bridges),
        edge,
        node,
    )


def _edge_connectivity(graph: nx.Graph) -> int:
    """The fewest links between the first node and any other, of a graph without bridges."""
    count = len(graph)
    place = {node: i for i, node in enumerate(graph)}
    weight = {(place[a], place[b]): len(links) for a, b, links in graph.edges(data="links")}
    flows = _flows(count, {**weight, **{(b, a): links for (a, b), links in weight.items()}})
    least = min(sum(len(graph.edges[a, b]["links"]) for b in graph[a]) for a in graph)
    for target in range(1, count):
        if least <= 2:  # without bridges it is never less
            break
        least = min(least, maximum_flow(flows, 0, target).flow_value)
    return int(least)


def _node_connectivity(graph: nx.Graph) -> int:
    """The fewest nodes that separate two others in a connected graph (Even, Esfahanian).

    A minimum cut either leaves the node *first* out, and separates it from some node that is no
    neighbour, or contains it, and separates two of its neighbours (Even 1975, Esfahanian 1984).
    """
    count = len(graph)
    place = {node: i for i, node in enumerate(graph)}
    through = {(i, count + i): 1 for i in range(count)}
    along = {(count + place[a], place[b]): count for a, b in graph.edges}
    back = {(count + place[b], place[a]): count for a, b in graph.edges}
    flows = _flows(2 * count, {**through, **along, **back})
    first = min(graph, key=graph.degree)
    near = list(graph[first])
    pairs = [(first, other) for other in graph if other != first and other not in graph[first]]
    pairs += [(a, b) for i, a in enumerate(near) for b in near[:i] if b not in graph[a]]
    least = count - 1
    for a, b in pairs:
        least = min(least, maximum_flow(flows, count + place[a], place[b]).flow_value)
    return int(least)


def _flows(count: int, capacity: Mapping[tuple[int, int], int]) -> csr_array:
    ends = np.array(list(capacity), dtype=np.int32).reshape(-1, 2)
    values = np.array(list(capacity.values()), dtype=np.int32)
    return csr_array((values, (ends[:, 0], ends[:, 1])), shape=(count, count))


def _stubs(network: Network) -> Stubs:
    on_one_link, on_one_node = [], []
    for stub in np.flatnonzero(network.is_stub):
        ends = network.head[network.up & (network.tail == stub)]
        if len(ends) == 1:
            on_one_link.append(network.nodes[stub])
        elif len(ends) and len(np.unique(ends)) == 1:
            on_one_node.append(network.nodes[stub])
    return Stubs(int(network.is_stub.sum()), tuple(on_one_link), tuple(on_one_node))


# -- distances ----------------------------------------------------------------------------------


def _distances(network: Network) -> tuple[Distances, ...]:
    hops = shortest(network, np.ones(len(network.tail)))
    ms = shortest(network, network.delay_ms)
    abroad = network.is_abroad
    home = ~abroad[:, None] & ~abroad[None, :] & ~np.eye(len(abroad), dtype=bool)
    border = abroad[:, None] != abroad[None, :]
    found = []
    for scope, pairs in (("home", home), ("abroad", border)):
        reached = pairs & np.isfinite(hops)
        if reached.any():
            most, between = _farthest(network, hops, reached)
            longest, ends = _farthest(network, ms, reached)
            apart = int(np.sum(pairs & ~reached))
            found.append(Distances(scope, round(most), between, longest, ends, apart))
    return tuple(found)


def _farthest(
    network: Network, distance: np.ndarray, pairs: np.ndarray
) -> tuple[float, tuple[str, str]]:
    place = int(np.argmax(np.where(pairs, distance, -1.0)))
    source, target = divmod(place, len(network.nodes))
    return float(distance[source, target]), (network.nodes[source], network.nodes[target])


def shortest(network: Network, cost: np.ndarray) -> np.ndarray:
    """Return the least cost from every node to every other along paths that traffic may take.

    Parameters
    ----------
    cost : ndarray, shape (arcs,)
        Not below zero.

    Returns
    -------
    ndarray, shape (nodes, nodes)
        Infinite where there is no path.
    """
    count = len(network.nodes)
    # A stub is two points here: paths begin at one and end at the other, and none leads through.
    begins = np.arange(count) + np.where(network.is_stub, count, 0)
    found = np.full((count, count), np.inf)
    for abroad in (False, True):
        targets = np.flatnonzero(network.is_abroad == abroad)
        arcs = np.flatnonzero(network.usable(abroad))
        if not len(targets):
            continue
        pair = begins[network.tail[arcs]] * count + network.head[arcs]
        order = np.lexsort((cost[arcs], pair))
        first = np.flatnonzero(np.diff(pair[order], prepend=-1))  # the cheapest of parallel arcs
        best, ends = cost[arcs][order][first], pair[order][first]
        graph = csr_array((best, (ends // count, ends % count)), shape=(2 * count, 2 * count))
        found[:, targets] = dijkstra(graph, indices=begins)[:, targets]
    np.fill_diagonal(found, 0.0)
    return found
