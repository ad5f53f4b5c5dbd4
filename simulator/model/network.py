"""Network: a NetworkX graph that people see, and arrays compiled from it that the numbers run on.

Faults and capacity changes are masks on the arrays of its arcs (:meth:`Network.after`,
:meth:`Network.under`); edits (:meth:`Network.with_capacity` and its like) return a copy.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from simulator.base.errors import did_you_mean
from simulator.model.billing import Allowance
from simulator.model.faults import Fault, merged
from simulator.model.topology import BACK, BACKBONE_CLASSES, LINK_ATTRIBUTES, About, Topology

STATES_KEPT = 256
"""States under faults that a network remembers: those asked for last."""
COUNTING_RULE = (
    "backbone = core + provincial links, each counted once; "
    "exits = exit links, each counted once; gateway, overseas and access links count in neither"
)


class Network(Topology):
    """A topology, and what faults and traffic change on it.

    Parameters
    ----------
    graph : networkx.MultiGraph
        See :class:`~simulator.model.topology.Topology`.
    about : About or str
        Name and provenance, or the name alone.

    Attributes
    ----------
    capacity_gbps, delay_ms : ndarray of float, shape (arcs,)
    up : ndarray of bool, shape (arcs,)
    faults : frozenset of Fault
        What has failed, one fault for every target; cables in place of a place.
    background_gbps : ndarray of float, shape (arcs,)
        Load of traffic that a scheme does not steer.
    allowance : Allowance or None
        What is paid for in this month, for schemes that heed bills.
    """

    def __init__(self, graph: nx.MultiGraph, about: About | str) -> None:
        super().__init__(graph, about)
        self.capacity_gbps = self.installed_gbps
        self.up = self.exists.copy()
        self.faults: frozenset[Fault] = frozenset()
        self._after: OrderedDict[frozenset[Fault], Network] = OrderedDict()
        self.background_gbps = np.zeros(len(self.tail))
        self.allowance: Allowance | None = None
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __repr__(self) -> str:
        return (
            f"<Network {self.name}: {len(self.nodes)} nodes, {len(self.links)} links, "
            f"backbone {self.backbone_gbps:,.0f} Gbps, exits {self.exits_gbps:,.0f} Gbps>"
        )

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

    def usable(self, abroad: bool) -> np.ndarray:
        """Arcs that traffic to a target at home (or abroad) may use.

        Traffic to a target at home never leaves the country, so domestic traffic never passes a
        gateway; traffic to a target abroad never comes back in.
        """
        return self.up & ~(self.crosses_in if abroad else self.crosses_out)

    @property
    def cut(self) -> dict[str, float]:
        """Part of each cable that is lost; cables that are whole are left out."""
        return {each.target: each.part for each in self.faults if each.kind == "cable"}

    @property
    def capacity_left(self) -> np.ndarray:
        """Share of every link's installed capacity that partial faults leave, shape (links,)."""
        return self.resources.taken(self.faults)[0]

    def frame(self) -> pd.DataFrame:
        """One row per link, as a table."""
        attributes = [self.attributes(link) for link in self.links]
        return pd.DataFrame(
            {
                "link": list(self.links),
                "a": [each["a"] for each in attributes],
                "b": [each["b"] for each in attributes],
                "class": self.link_class.tolist(),
                "capacity_gbps": self.capacity_gbps[::2],
                "capacity_ba_gbps": self.capacity_gbps[1::2],
                "delay_ms": self.delay_ms[::2],
                "delay_ba_ms": self.delay_ms[1::2],
                "metric": self.metric[::2],
                "metric_ba": self.metric[1::2],
                "cables": [each["cables"] for each in attributes],
            }
        )

    # -- masks --------------------------------------------------------------------------------

    def under(
        self,
        *,
        up: np.ndarray | None = None,
        capacity_gbps: np.ndarray | None = None,
        delay_ms: np.ndarray | None = None,
        faults: Iterable[Fault] | None = None,
    ) -> Network:
        """Return the same network with arcs down, or other capacities or delays; one graph.

        *faults* says which faults the masks are due to, and changes no mask.
        """
        seen = self._copy()
        if up is not None:
            seen.up = _read_only(up, bool)
        if capacity_gbps is not None:
            seen.capacity_gbps = _read_only(capacity_gbps, float)
        if delay_ms is not None:
            seen.delay_ms = _read_only(delay_ms, float)
        if faults is not None:
            seen.faults = frozenset(faults)
        return seen

    def delayed_like(self, other: Network) -> Network:
        """Return the same network with the delays of *other*, another state of it."""
        if self.delay_ms is other.delay_ms:
            return self
        seen = self._copy()
        seen.delay_ms = other.delay_ms
        return seen

    def carrying(self, background_gbps: np.ndarray) -> Network:
        """Return the same network with *background_gbps* already on its arcs."""
        seen = self._copy()
        seen.background_gbps = _read_only(background_gbps, float)
        return seen

    def allowing(self, allowance: Allowance | None) -> Network:
        """Return the same network with what is paid for in this month."""
        seen = self._copy()
        seen.allowance = allowance
        return seen

    def _copy(self) -> Network:
        seen = copy.copy(self)
        seen._after = OrderedDict()
        return seen

    # -- faults -------------------------------------------------------------------------------

    def after(self, faults: Iterable[Fault]) -> Network:
        """Return the network after further faults: for the same faults, the same object.

        That is so while they are among the ``STATES_KEPT`` sets of faults that were asked for last;
        after that an equal one.

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
        further = merged(self.resources.spelled_out(given))
        if further not in self._after:
            self._after[further] = self._hit(further)
            if len(self._after) > STATES_KEPT:
                self._after.popitem(last=False)
        self._after.move_to_end(further)
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

        ``capacity_gbps``, ``delay_ms`` and ``metric`` change both directions, unless
        ``capacity_ba_gbps``, ``delay_ba_ms`` or ``metric_ba`` is given as well. A one-way link
        stays one unless ``capacity_ba_gbps`` is given.
        """
        return self.with_links({link: changes})

    def with_links(self, changes: Mapping[str, Mapping[str, Any]]) -> Network:
        """Return a copy in which links have other attributes; see :meth:`with_link`.

        Parameters
        ----------
        changes : mapping of str to mapping
            New attributes by id of the link.
        """
        graph = nx.MultiGraph(self.graph)
        for link, given in changes.items():
            old, new = self.attributes(link), dict(given)
            _require_sound(new)
            edge = graph.edges[old["a"], old["b"], link]
            if "capacity_gbps" in new:
                one_way = old.get("capacity_ba_gbps") == 0
                new.setdefault("capacity_ba_gbps", 0.0 if one_way else new["capacity_gbps"])
            for key, back in BACK.items():
                if key in new:
                    edge.pop(back, None)
            edge.update(new)
        return Network(graph, self.about)._failed_like(self)

    def with_about(self, about: About) -> Network:
        """Return a copy of which something else is said as a whole."""
        return Network(self.graph, about)._failed_like(self)

    def with_clock(self, utc_offset_h: float) -> Network:
        """Return a copy whose home is so many hours ahead of UTC."""
        return self.with_about(replace(self.about, utc_offset_h=utc_offset_h))

    def with_clocks(self, utc_offset_h: Mapping[str, float]) -> Network:
        """Return a copy in which some nodes are so many hours ahead of UTC."""
        return self.with_nodes({node: {"utc_offset_h": h} for node, h in utc_offset_h.items()})

    def with_nodes(self, changes: Mapping[str, Mapping[str, Any]]) -> Network:
        """Return a copy in which nodes have other attributes, such as ``weight``."""
        graph = nx.MultiGraph(self.graph)
        for node, attributes in changes.items():
            graph.nodes[node].update(attributes)
        return Network(graph, self.about)._failed_like(self)

    def with_capacity(self, link: str, capacity_gbps: float) -> Network:
        """Return a copy in which *link* has *capacity_gbps* in each of its directions."""
        return self.with_link(link, capacity_gbps=float(capacity_gbps))

    def without_link(self, link: str) -> Network:
        """Return a copy without *link* (an edit; for a fault see :meth:`after`)."""
        return self.without_links([link])

    def without_links(self, links: Iterable[str]) -> Network:
        """Return a copy without some links."""
        graph = nx.MultiGraph(self.graph)
        for link in links:
            old = self.attributes(link)
            graph.remove_edge(old["a"], old["b"], key=link)
        return Network(graph, self.about)._failed_like(self)

    def with_new_link(self, link: str, attributes: Mapping[str, Any]) -> Network:
        """Return a copy with one link more, after all others; its ends are *a* and *b*.

        Raises
        ------
        ValueError
            There is such a link already, or the network has faults or load, which say nothing of
            the new link.
        """
        if link in self.link_index:
            raise ValueError(f"there is a link named {link!r} already")
        if self.faults or self.background_gbps.any() or (self.up != self.exists).any():
            raise ValueError("a link is added to a network without faults and load")
        graph = nx.MultiGraph(self.graph)
        order = 1 + max((d.get("order", i) for i, (*_, d) in self._numbered()), default=-1)
        a, b = attributes["a"], attributes["b"]
        graph.add_edge(a, b, key=link, **{**attributes, "order": order})
        return Network(graph, self.about)

    def with_new_node(self, node: str, attributes: Mapping[str, Any]) -> Network:
        """Return a copy with one node more, after all others, and without links."""
        graph = nx.MultiGraph(self.graph)
        graph.add_node(node, **attributes)
        return Network(graph, self.about)._failed_like(self)

    def _numbered(self) -> Iterable[tuple[int, Any]]:
        return enumerate(self.graph.edges(keys=True, data=True))

    def without_cable(self, cable: str) -> Network:
        """Return a copy in which nothing names *cable*; capacities stay."""
        graph = nx.MultiGraph(self.graph)
        for *_, data in graph.edges(keys=True, data=True):
            shares = data.get("cables") or {}
            if cable in shares:
                data["cables"] = {each: s for each, s in shares.items() if each != cable}
        listed = {each: facts for each, facts in self.about.cables.items() if each != cable}
        return Network(graph, replace(self.about, cables=listed))._failed_like(self)

    def _failed_like(self, other: Network) -> Network:
        """Return this network with the faults and load of *other*, which has all its links."""
        arcs = 2 * np.array([other.link_index[link] for link in self.links], dtype=np.int64)
        both = np.ravel(arcs[:, None] + np.array([0, 1]))
        like = np.where(other.exists[both], both, both ^ 1)  # a new way back is as the way there
        left = np.divide(
            other.capacity_gbps,
            other.installed_gbps,
            out=np.ones(len(other.tail)),
            where=other.installed_gbps > 0,
        )
        failed = self.under(
            up=other.up[like] & self.exists,
            capacity_gbps=self.installed_gbps * left[like],
            faults=[f for f in other.faults if (f.kind, f.target) in self.resources.row],
        )
        return failed.carrying(other.background_gbps[both])


def _require_sound(attributes: Mapping[str, Any]) -> None:
    """Raise an error if a link cannot have these attributes."""
    for key in ("capacity_gbps", "metric", "metric_ba"):
        if not 0 < attributes.get(key, 1.0) < np.inf:
            raise ValueError(f"{key} must be a finite number above 0, found {attributes[key]}")
    for key in ("capacity_ba_gbps", "delay_ms", "delay_ba_ms"):
        if not 0 <= attributes.get(key, 0.0) < np.inf:
            raise ValueError(f"{key} must be 0 or more, found {attributes[key]}")
    for key in attributes:
        if key not in LINK_ATTRIBUTES:
            known = ", ".join(LINK_ATTRIBUTES)
            hint = did_you_mean(key, LINK_ATTRIBUTES)
            raise ValueError(f"a link has no {key!r}{hint}; known: {known}")


def _read_only(values: np.ndarray, kind: type) -> np.ndarray:
    """Return a copy that cannot be changed."""
    copied: np.ndarray = np.array(values, dtype=kind)
    copied.flags.writeable = False
    return copied
