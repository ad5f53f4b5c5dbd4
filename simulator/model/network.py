"""Network: a NetworkX graph that people see, and arrays compiled from it that the numbers run on.

Every link is full duplex and becomes two directed *arcs*: arc ``2 i`` runs from ``a`` to ``b`` of
link ``i``, arc ``2 i + 1`` from ``b`` to ``a``. Failures and capacity changes are masks on these
arrays (:meth:`Network.under`); edits (:meth:`Network.with_capacity` and its like) return a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

import networkx as nx
import numpy as np
import pandas as pd

from simulator.base.errors import did_you_mean
from simulator.model.faults import Fault, Resources, fault, merged

NODE_KINDS = ("super_core", "core", "provincial", "gateway", "pop", "region")
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
    "metric",
    "cables",
    "reaches",
    "modules",
    "setup_cost",
    "price_usd_per_mbps",
    "fibre_km",
)
FIBRE_KM_PER_MS = 204.0
"""Speed of light in fibre: 299 792 km/s over a group index of 1.4682, in km per ms."""

COUNTING_RULE = (
    "backbone = core + provincial links, each counted once; "
    "exits = exit links, each counted once; gateway, overseas and access links count in neither"
)


@dataclass(frozen=True)
class About:
    """What travels with a network besides its graph: names, provenance, labels of estimates."""

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


class Network:
    """A network of nodes and full-duplex links.

    Parameters
    ----------
    graph : networkx.MultiGraph
        Nodes carry ``kind`` (see ``NODE_KINDS``) and optionally ``city``, ``lat``, ``lon``,
        ``weight``, ``utc_offset_h``. Edges are keyed by link id and carry ``a``, ``b``, ``class``
        (see ``LINK_CLASSES``), ``capacity_gbps`` (from a to b), ``capacity_ba_gbps`` (from b to a),
        ``delay_ms`` (one way), ``metric``, ``cables`` (share of the capacity on each cable),
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
    capacity_gbps, delay_ms, metric : ndarray of float, shape (arcs,)
    installed_gbps : ndarray of float, shape (arcs,)
        Capacity before faults.
    up : ndarray of bool, shape (arcs,)
    faults : frozenset of Fault
        What has failed, one fault for every target.
    background_gbps : ndarray of float, shape (arcs,)
        Load that a scheme must live with: traffic that it does not steer.
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
        self.capacity_gbps = np.array(
            [(d["capacity_gbps"], d.get("capacity_ba_gbps", d["capacity_gbps"])) for d in data],
            dtype=float,
        ).ravel()
        self.installed_gbps = self.capacity_gbps
        self.delay_ms = (
            np.repeat(np.array([d.get("delay_ms", 0.0) for d in data], dtype=float), 2)
            + self.about.hop_delay_ms
        )
        self.metric = np.repeat(np.array([d.get("metric", 1.0) for d in data], dtype=float), 2)
        self.up = np.ones(len(self.tail), dtype=bool)
        self.faults: frozenset[Fault] = frozenset()
        self._after: dict[frozenset[Fault], Network] = {}
        self.background_gbps = np.zeros(len(self.tail))
        #: Results of pure functions of this network and its masks, kept for the next call.
        self.memo: dict[Any, Any] = {}
        self._freeze()

    def _freeze(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.nodes)} nodes, {len(self.links)} links, "
            f"backbone {self.backbone_gbps:,.0f} Gbps, exits {self.exits_gbps:,.0f} Gbps>"
        )

    @property
    def name(self) -> str:
        """Short name, as in the file."""
        return self.about.name

    # -- totals -------------------------------------------------------------------------------

    def total_gbps(self, *classes: str) -> float:
        """Sum of the a-to-b capacity over the links of these classes that are up, each once."""
        standing = np.isin(self.link_class, classes) & self.up[::2]
        return float(self.capacity_gbps[::2][standing].sum())

    @property
    def backbone_gbps(self) -> float:
        """Backbone total (see ``COUNTING_RULE``)."""
        return self.total_gbps(*BACKBONE_CLASSES)

    @property
    def exits_gbps(self) -> float:
        """Total of the international exits (see ``COUNTING_RULE``)."""
        return self.total_gbps("exit")

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

        Shape (arcs, nodes); None where every exit is open to all. By ``reaches``: an exit carries
        what the neighbour beyond it has announced, and announces to it what may come in.
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

    def usable(self, abroad: bool) -> np.ndarray:
        """Arcs that traffic to a target at home (or abroad) may use.

        Traffic to a target at home never leaves the country, so domestic traffic never passes a
        gateway; traffic to a target abroad never comes back in.
        """
        return self.up & ~(self.crosses_in if abroad else self.crosses_out)

    def class_of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Traffic class by where its ends lie."""
        out, back = self.is_abroad[target], self.is_abroad[source]
        names = np.array(["domestic", "international_out", "international_in", "transit"], object)
        return names[out + 2 * back]

    @cached_property
    def utc_offset_h(self) -> np.ndarray:
        """Hours ahead of UTC of every node; of the network where a node at home states none."""
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

    @property
    def cut(self) -> dict[str, float]:
        """Part of each cable that is lost; cables that are whole are left out."""
        return {each.target: each.part for each in self.faults if each.kind == "cable"}

    @property
    def capacity_left(self) -> np.ndarray:
        """Share of every link's installed capacity that partial faults leave, shape (links,)."""
        return self.resources.taken(self.faults)[0]

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

    def frame(self) -> pd.DataFrame:
        """One row per link, as a table."""
        rows = []
        for i, link in enumerate(self.links):
            d = self.attributes(link)
            rows.append(
                {
                    "link": link,
                    "a": d["a"],
                    "b": d["b"],
                    "class": self.link_class[i],
                    "capacity_gbps": self.capacity_gbps[2 * i],
                    "capacity_ba_gbps": self.capacity_gbps[2 * i + 1],
                    "delay_ms": self.delay_ms[2 * i],
                    "metric": self.metric[2 * i],
                    "cables": d["cables"],
                }
            )
        return pd.DataFrame(rows)

    # -- masks --------------------------------------------------------------------------------

    def under(
        self,
        *,
        up: np.ndarray | None = None,
        capacity_gbps: np.ndarray | None = None,
        faults: Iterable[Fault] | None = None,
    ) -> Network:
        """Return the same network with arcs down or capacities changed; the graph is shared.

        *faults* says which faults the masks are due to, and changes no mask.
        """
        seen = self._copy()
        if up is not None:
            seen.up = _read_only(up, bool)
        if capacity_gbps is not None:
            seen.capacity_gbps = _read_only(capacity_gbps, float)
        if faults is not None:
            seen.faults = frozenset(faults)
        return seen

    def carrying(self, background_gbps: np.ndarray) -> Network:
        """Return the same network with *background_gbps* already on its arcs."""
        seen = self._copy()
        seen.background_gbps = _read_only(background_gbps, float)
        return seen

    def _copy(self) -> Network:
        seen = copy.copy(self)
        seen._after = {}
        return seen

    # -- faults -------------------------------------------------------------------------------

    def after(self, faults: Iterable[Fault]) -> Network:
        """Return the network after further faults: for the same faults, the same object.

        What partial faults take are shares of what is installed: faults one after the other take
        what they take together, and a target has no more to lose than all of it. A link with
        nothing left is down.

        Parameters
        ----------
        faults : iterable of Fault
            In any order; parts of one target add up.

        Raises
        ------
        KeyError
            No such target; the message names the nearest.
        ValueError
            A part that cannot fail.
        """
        given = tuple(faults)
        if not given:
            return self
        self.resources.require(given)
        further = merged(given)
        if further not in self._after:
            self._after[further] = self._hit(further)
        return self._after[further]

    def _hit(self, further: frozenset[Fault]) -> Network:
        resources = self.resources
        faults = frozenset(each for each in merged([*self.faults, *further]) if each.part > 0)
        before, after = self.capacity_left, resources.taken(faults)[0]
        down = resources.taken(further)[1]
        left = np.divide(after, before, out=np.zeros_like(after), where=before > 0)
        return self.under(
            up=self.up & np.repeat((left > 0) & ~down, 2),
            capacity_gbps=self.capacity_gbps * np.repeat(left, 2),
            faults=faults,
        )

    def failed(
        self,
        *,
        links: Iterable[str] = (),
        nodes: Iterable[str] = (),
        cables: Mapping[str, float] | Iterable[str] = (),
    ) -> Network:
        """Return the network after faults, see :meth:`after`.

        Parameters
        ----------
        links, nodes : iterable of str
            What is down.
        cables : mapping of str to float, or iterable of str
            Cables that are cut, or the share of each that is lost (1 when not given).
        """
        parts = cables if isinstance(cables, Mapping) else dict.fromkeys(cables, 1.0)
        faults = [Fault("cable", cable, part) for cable, part in parts.items()]
        faults += [Fault("link", link) for link in links]
        faults += [Fault("node", node) for node in nodes]
        return self.after(faults)

    # -- edits --------------------------------------------------------------------------------

    def with_link(self, link: str, **changes: Any) -> Network:
        """Return a copy in which *link* has other attributes, such as ``metric=7``.

        ``capacity_gbps`` changes both directions unless ``capacity_ba_gbps`` is given as well.
        """
        old = self.attributes(link)
        for key in ("capacity_gbps", "capacity_ba_gbps", "metric"):
            if not 0 < changes.get(key, 1.0) < np.inf:
                raise ValueError(f"{key} must be a finite number above 0, found {changes[key]}")
        if not 0 <= changes.get("delay_ms", 0.0) < np.inf:
            raise ValueError(f"delay_ms must be 0 or more, found {changes['delay_ms']}")
        if "capacity_gbps" in changes:
            changes.setdefault("capacity_ba_gbps", changes["capacity_gbps"])
        for key in changes:
            if key not in LINK_ATTRIBUTES:
                known = ", ".join(LINK_ATTRIBUTES)
                hint = did_you_mean(key, LINK_ATTRIBUTES)
                raise ValueError(f"a link has no {key!r}{hint}; known: {known}")
        graph = nx.MultiGraph(self.graph)
        graph.edges[old["a"], old["b"], link].update(changes)
        return Network(graph, self.about)._hurt_like(self)

    def with_clock(self, utc_offset_h: float) -> Network:
        """Return a copy whose home is so many hours ahead of UTC."""
        return Network(self.graph, replace(self.about, utc_offset_h=utc_offset_h))._hurt_like(self)

    def with_capacity(self, link: str, capacity_gbps: float) -> Network:
        """Return a copy in which *link* has *capacity_gbps* in each direction."""
        return self.with_link(link, capacity_gbps=float(capacity_gbps))

    def without_link(self, link: str) -> Network:
        """Return a copy without *link* (an edit; for a fault see :meth:`after`)."""
        old = self.attributes(link)
        graph = nx.MultiGraph(self.graph)
        graph.remove_edge(old["a"], old["b"], key=link)
        return Network(graph, self.about)._hurt_like(self)

    def _hurt_like(self, other: Network) -> Network:
        """Return this network with the faults and background of one with at least these links."""
        arcs = 2 * np.array([other.link_index[link] for link in self.links], dtype=np.int64)
        both = (arcs[:, None] + [0, 1]).ravel()
        left = np.divide(
            other.capacity_gbps,
            other.installed_gbps,
            out=np.ones(len(other.tail)),
            where=other.installed_gbps > 0,
        )
        hurt = self.under(
            up=other.up[both],
            capacity_gbps=self.installed_gbps * left[both],
            faults=[f for f in other.faults if (f.kind, f.target) in self.resources.row],
        )
        return hurt.carrying(other.background_gbps[both])


def _read_only(values: np.ndarray, kind: type) -> np.ndarray:
    """Return a copy that cannot be changed."""
    copied: np.ndarray = np.array(values, dtype=kind)
    copied.flags.writeable = False
    return copied
