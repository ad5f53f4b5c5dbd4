"""Topology: the nodes, links and arcs of a network, and what can fail on it.

Nothing here changes with faults or traffic: a Network adds both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import networkx as nx
import numpy as np

from simulator.base.errors import did_you_mean
from simulator.model.faults import Fault, Resources, fault

NodeKind = Literal["super_core", "core", "provincial", "gateway", "pop", "region"]
NODE_KINDS: tuple[str, ...] = get_args(NodeKind)
LinkClass = Literal["core", "provincial", "gateway", "exit", "overseas", "access"]
LINK_CLASSES: tuple[str, ...] = get_args(LinkClass)
STUB_KINDS = frozenset({"provincial", "region"})
ABROAD_KINDS = frozenset({"pop", "region"})
BACKBONE_CLASSES = ("core", "provincial")
LINK_ATTRIBUTES = (
    "class",
    "capacity_gbps",
    "capacity_ba_gbps",
    "delay_ms",
    "delay_ba_ms",
    "metric",
    "metric_ba",
    "cables",
    "cards",
    "reaches",
    "modules",
    "setup_cost",
    "price_usd_per_mbps",
    "fibre_km",
)
BACK = {"capacity_gbps": "capacity_ba_gbps", "delay_ms": "delay_ba_ms", "metric": "metric_ba"}
"""Attributes of a link from a to b, and their names from b to a; absent there, it is the same."""
FIBRE_KM_PER_MS = 204.0
"""Speed of light in fibre: 299 792 km/s over a group index of 1.4682, in km per ms."""


@dataclass(frozen=True)
class About:
    """Metadata of a network: names, provenance, labels of estimates.

    ``uncertainty`` is what is not known, by name (see :mod:`simulator.uncertainty`); ``marks`` says
    of fields that are no estimates where their values come from. ``reliability`` says how often
    elements fail (see :mod:`simulator.model.reliability`); None where the file does not.
    """

    name: str
    title: str = ""
    utc_offset_h: float = 0.0
    sources: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    estimates: tuple[Mapping[str, str], ...] = ()
    cables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hop_delay_ms: float = 0.0
    matrix: str | None = None
    uncertainty: Mapping[str, Any] = field(default_factory=dict)
    marks: tuple[Mapping[str, str], ...] = ()
    reliability: Any = None


class Topology:
    """The part of a network that faults do not change: the graph, and arrays compiled from it.

    Every link becomes two directed *arcs*: arc ``2 i`` runs from ``a`` to ``b`` of link ``i``,
    arc ``2 i + 1`` from ``b`` to ``a``. A link whose ``capacity_ba_gbps`` is 0 is one-way: its
    second arc does not exist, and is down at all times.

    Parameters
    ----------
    graph : networkx.MultiGraph
        Nodes carry ``kind`` (see ``NODE_KINDS``) and optionally ``city``, ``lat``, ``lon``,
        ``weight``, ``utc_offset_h``. Edges are keyed by link id and carry ``a``, ``b``, ``class``
        (see ``LINK_CLASSES``), ``capacity_gbps`` (from a to b), ``capacity_ba_gbps`` (from b to a),
        ``delay_ms`` and ``metric`` (from a to b), ``delay_ba_ms`` and ``metric_ba`` (from b to a;
        the same when left out), ``cables`` (share of the capacity on each cable),
        ``cards`` (the same of line cards),
        ``reaches`` (ends abroad whose traffic an exit may carry; all when left out).
        The graph is copied and frozen.
    about : About
        Name and provenance.

    Attributes
    ----------
    graph : networkx.MultiGraph
        The frozen graph.
    nodes, links : tuple of str
        Ids, in file order; arrays below are indexed by position.
    tail, head : ndarray of int, shape (arcs,)
        End nodes of every arc.
    installed_gbps, delay_ms, metric : ndarray of float, shape (arcs,)
        Capacity before faults; delay; IGP metric.
    exists : ndarray of bool, shape (arcs,)
        False for the way back of a one-way link.
    """

    def __init__(self, graph: nx.MultiGraph, about: About | str) -> None:
        self.about = About(name=about) if isinstance(about, str) else about
        self.graph = nx.freeze(graph.copy())
        self.nodes: tuple[str, ...] = tuple(graph.nodes)
        self.node_index = {node: i for i, node in enumerate(self.nodes)}
        kinds = [attributes.get("kind", "core") for _, attributes in graph.nodes(data=True)]
        self.node_kind = np.array(kinds, dtype=object)
        self.is_stub = np.array([kind in STUB_KINDS for kind in kinds], dtype=bool)
        self.is_abroad = np.array([kind in ABROAD_KINDS for kind in kinds], dtype=bool)

        edges = sorted(
            (
                (data.get("order", i), key, data)
                for i, (_, _, key, data) in enumerate(graph.edges(keys=True, data=True))
            ),
            key=lambda edge: edge[0],
        )
        self.links: tuple[str, ...] = tuple(key for _, key, _ in edges)
        self.link_index = {link: i for i, link in enumerate(self.links)}
        if len(self.link_index) != len(self.links):
            raise ValueError("two links share one id")
        data = [attributes for _, _, attributes in edges]
        self.link_class = np.array([d.get("class", "core") for d in data], dtype=object)
        a = np.array([self.node_index[d["a"]] for d in data], dtype=np.int64)
        b = np.array([self.node_index[d["b"]] for d in data], dtype=np.int64)
        self.tail = np.stack([a, b], axis=1).ravel()
        self.head = np.stack([b, a], axis=1).ravel()
        self.installed_gbps = _by_arc(data, "capacity_gbps")
        self.exists = (self.installed_gbps > 0) | (np.arange(len(self.tail)) % 2 == 0)
        self.exists[1::2] |= self.installed_gbps[::2] == 0
        self.delay_ms = _by_arc(data, "delay_ms", 0.0) + self.about.hop_delay_ms
        self.metric = _by_arc(data, "metric", 1.0)
        #: Results of pure functions of this network and its masks, kept for the next call.
        self.memo: dict[Any, Any] = {}

    @property
    def name(self) -> str:
        """Short name, as in the file."""
        return self.about.name

    @cached_property
    def by_tail(self) -> tuple[np.ndarray, np.ndarray]:
        """Arcs in the order of their tails, and where in it each group with one tail begins."""
        order = np.argsort(self.tail, kind="stable")
        return order, np.flatnonzero(np.diff(self.tail[order], prepend=-1))

    # -- exits and the border -----------------------------------------------------------------

    @cached_property
    def exits(self) -> np.ndarray:
        """Positions of the exit links in ``links``, in file order."""
        return np.flatnonzero(self.link_class == "exit")

    @cached_property
    def exit_arcs(self) -> dict[str, np.ndarray]:
        """Arcs of the exits by direction: ``out`` leaves the country, ``in`` enters it."""
        forward = 2 * self.exits
        leaves = self.is_abroad[self.head[forward]]
        return {"out": forward + ~leaves, "in": forward + leaves}

    @cached_property
    def directions(self) -> tuple[str, ...]:
        """What the direction of every arc is called: ``out`` or ``in`` of an exit, or its ends."""
        names = [self.arc_name(arc) for arc in range(len(self.tail))]
        for way, arcs in self.exit_arcs.items():
            for arc in arcs:
                names[arc] = way
        return tuple(names)

    @cached_property
    def crosses_out(self) -> np.ndarray:
        """Arcs from a node at home to a node abroad."""
        return ~self.is_abroad[self.tail] & self.is_abroad[self.head]

    @cached_property
    def crosses_in(self) -> np.ndarray:
        """Arcs from a node abroad to a node at home."""
        return self.is_abroad[self.tail] & ~self.is_abroad[self.head]

    @cached_property
    def gateways(self) -> np.ndarray:
        """Nodes at the home end of at least one exit."""
        return np.unique(self.tail[self.exit_arcs["out"]])

    @cached_property
    def closed(self) -> np.ndarray | None:
        """Ends abroad whose traffic an exit may not carry, in either direction.

        Shape (arcs, nodes); None where every exit is open to all. From ``reaches``: an exit
        carries traffic to ends that the neighbour beyond it announces, and from those that our
        prefixes are announced to.
        """
        listed = {i: self.attributes(self.links[i]).get("reaches") for i in self.exits.tolist()}
        if not any(listed.values()):
            return None
        closed = np.zeros((len(self.tail), len(self.nodes)), dtype=bool)
        for link, ends in listed.items():
            if ends:
                open_to = [self.node_index[end] for end in ends]
                shut = self.is_abroad.copy()
                shut[open_to] = False
                closed[[2 * link, 2 * link + 1]] = shut
        return closed

    def class_of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Traffic class by where its ends lie."""
        out, back = self.is_abroad[target], self.is_abroad[source]
        names = np.array(["domestic", "international_out", "international_in", "transit"], object)
        return names[out + 2 * back]

    @cached_property
    def utc_offset_h(self) -> np.ndarray:
        """Hours ahead of UTC of every node; a node at home without any has the network's."""
        offsets = []
        for node, attributes in self.graph.nodes(data=True):
            offset = attributes.get("utc_offset_h")
            if offset is None:
                abroad = self.is_abroad[self.node_index[node]] and "lon" in attributes
                offset = round(attributes["lon"] / 15) if abroad else self.about.utc_offset_h
            offsets.append(float(offset))
        return np.array(offsets)

    @cached_property
    def weight(self) -> np.ndarray:
        """Traffic weight of every node; zero where the file gives none."""
        return np.array([d.get("weight") or 0.0 for _, d in self.graph.nodes(data=True)], float)

    # -- what can fail ------------------------------------------------------------------------

    @property
    def resources(self) -> Resources:
        """Everything that can fail, with the share of every link that rides on it."""
        key = ("resources", *fault.names())
        if key not in self.memo:
            self.memo[key] = Resources.of(self)
        return self.memo[key]

    def cable_share(self, cable: str) -> np.ndarray:
        """Share of every link's capacity that rides on *cable*, shape (links,)."""
        return self.fault_share(Fault("cable", cable))

    def fault_share(self, of: Fault) -> np.ndarray:
        """Share of every link that rides on the target of a fault, shape (links,)."""
        row = self.resources.row_of(of.kind, of.target)
        return np.asarray(self.resources.share[[row]].toarray()[0])

    @cached_property
    def places(self) -> dict[str, tuple[str, ...]]:
        """Cables at every place where some cable lands or which it passes."""
        found: dict[str, dict[str, None]] = {}
        for cable, facts in self.about.cables.items():
            for place in (*(facts.get("landings") or ()), *(facts.get("passes") or ())):
                found.setdefault(str(place), {})[cable] = None
        return {place: tuple(cables) for place, cables in found.items()}

    @cached_property
    def cables(self) -> tuple[str, ...]:
        """Ids of all cables that some link rides on or the file describes."""
        named = dict.fromkeys(self.about.cables)
        for link in self.links:
            named.update(dict.fromkeys(self.attributes(link)["cables"]))
        return tuple(named)

    # -- looking things up --------------------------------------------------------------------

    @cached_property
    def _edges(self) -> dict[str, dict[str, Any]]:
        return {key: data for _, _, key, data in self.graph.edges(keys=True, data=True)}

    def attributes(self, link: str) -> dict[str, Any]:
        """Attributes of a link by id.

        Raises
        ------
        KeyError
            No such link; the message names the nearest.
        """
        if link not in self._edges:
            raise KeyError(f"no link named {link!r}{did_you_mean(link, self.links)}")
        return {"cables": {}, **self._edges[link]}

    def arc_name(self, arc: int) -> str:
        """``tail>head`` of an arc."""
        return f"{self.nodes[self.tail[arc]]}>{self.nodes[self.head[arc]]}"


def _by_arc(
    links: Sequence[Mapping[str, Any]], key: str, default: float | None = None
) -> np.ndarray:
    """Return an attribute of links by arc: from a to b, then back."""
    there = [link[key] if default is None else link.get(key, default) for link in links]
    back = [link.get(BACK[key], value) for link, value in zip(links, there, strict=True)]
    return np.array([there, back], dtype=float).T.ravel()
