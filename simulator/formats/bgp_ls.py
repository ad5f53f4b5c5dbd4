"""BGP-LS (RFC 9552) as GoBGP prints it: what routers report of an IGP to a controller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import GraphFile
from simulator.formats.json_file import read_json
from simulator.formats.reading import begins_with
from simulator.formats.rules.draft import Record
from simulator.formats.rules.edits import as_number
from simulator.formats.units import shifted
from simulator.model.network import Network

MARK = re.compile(rb'NLRI \{ (?:NODE|LINK|PREFIX)|"local_node_desc"')
LINK = re.compile(r"LINK \{ LOCAL_NODE: (?P<local>\S+) REMOTE_NODE: (?P<remote>\S+) ")
NODE = re.compile(r"NODE \{ AS:\S+ BGP-LS ID:\S+ (?P<local>\S+) ")
OF_BGP = re.compile(r"NODE \{ LOCAL_NODE: \{[^}]*BGP ROUTER ID: (?P<local>[^}\s]+)\}")
LAN = re.compile(r"(?P<router>[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})-[0-9a-f]{2}|[\d.]+:[\d.]+")
"""Ids of pseudonodes, which stand for the LAN between routers: of IS-IS and of OSPF."""
BITS, DIGITS = 8, 6
"""Bandwidth is in bytes per second, in floats of 32 bits: more digits say nothing."""


class Report(NamedTuple):
    """What one route says: a node, or a link from one to another."""

    local: str
    remote: str | None
    attributes: Mapping[str, Any]


@topology_format("bgp_ls")
class BgpLs(TopologyFormat):
    """BGP-LS as GoBGP prints it: gobgp global rib -a ls -j.

    The best path of each route counts. Nodes are called by their names, else by router ids. The
    capacity is the maximum link bandwidth, in bytes per second; the metric that of the IGP, else
    the default TE metric. Links are unidirectional and are paired by their ends. A LAN of two
    routers is a link between them; one of more is left out, as are prefixes and all else. BGP-LS
    has no places, and GoBGP prints no delays.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    readable: ClassVar[str] = "a .json file of `gobgp global rib -a ls -j`"

    def reads(self, path: Path) -> bool:
        """Return whether *path* ends in `.json` and soon names a route of BGP-LS."""
        return super().reads(path) and MARK.search(begins_with(path)) is not None

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        reports = [report for route in _routes(path) if (report := _report(route))]
        links, notes = _without_lans([each for each in reports if each.remote is not None])
        if not links:
            raise refusal(path, "no route of BGP-LS in this file is a link between two routers")
        named = {each.local: _name(each.attributes) for each in reports if each.remote is None}
        ends = dict.fromkeys(end for link in links for end in (link.local, link.remote))
        nodes = [Node(end, {"label": named.get(end or "")}) for end in ends]
        edges = [Edge(each.local, each.remote, None, _figures(each.attributes)) for each in links]
        facts = {"source": "BGP-LS, as GoBGP has it"}
        return GraphFile(path, facts, nodes, edges, directed=True, notes=notes).network()


# ---------------------------------------------------------------- routes


def _routes(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the best path of every route; the first where none is marked."""
    data = read_json(path)
    tables = data.values() if isinstance(data, Mapping) else [[each] for each in _list(path, data)]
    for table in tables:
        paths = [each for each in _list(path, table) if isinstance(each, Mapping)]
        yield from ([each for each in paths if each.get("best")] or paths)[:1]


def _list(path: Path, value: Any) -> Sequence[Any]:
    if isinstance(value, list):
        return value
    raise refusal(path, f"expected routes of BGP-LS, each a list of paths, found {shown(value)}")


def _report(route: Mapping[str, Any]) -> Report | None:
    """Return what a route says of a node or a link; None if it is of something else."""
    nlri, attributes = route.get("nlri"), _attributes(route)
    while isinstance(nlri, Mapping) and "local_node_desc" not in nlri:
        nlri = nlri.get("nlri")
    if isinstance(nlri, Mapping):
        if "prefix_desc" in nlri:
            return None
        remote = nlri.get("remote_node_desc")
        local = _router(nlri["local_node_desc"])
        return Report(local, _router(remote) if remote else None, attributes) if local else None
    text = nlri if isinstance(nlri, str) else ""
    if link := LINK.search(text):
        return Report(link["local"], link["remote"], attributes)
    node = NODE.search(text) or OF_BGP.search(text)
    return Report(node["local"], None, attributes) if node else None


def _router(descriptor: Any) -> str:
    """Return the id of a router in the IGP, else in BGP."""
    if not isinstance(descriptor, Mapping):
        return ""
    return str(descriptor.get("igp_router_id") or descriptor.get("bgp_router_id") or "")


def _attributes(route: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the BGP-LS attribute of a path: what it says of a node and of a link."""
    attributes = route.get("attrs")
    for each in attributes if isinstance(attributes, list) else ():
        if isinstance(each, Mapping) and ("link" in each or "node" in each):
            return each
    return {}


def _part(attributes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = attributes.get(name)
    return found if isinstance(found, Mapping) else {}


def _name(attributes: Mapping[str, Any]) -> Any:
    return _part(attributes, "node").get("name")


def _figures(attributes: Mapping[str, Any]) -> Record:
    """Return capacity and metric of a link."""
    link = _part(attributes, "link")
    per_s = as_number(link.get("bandwidth"))
    metrics = (link.get("igp_metric"), link.get("default_te_metric"))
    return {
        "capacity_gbps": None if per_s is None else shifted(f"{BITS * per_s:.{DIGITS}g}", -9),
        "metric": next((metric for metric in metrics if metric is not None), None),
    }


# ---------------------------------------------------------------- LANs


def _without_lans(links: Sequence[Report]) -> tuple[list[Report], list[str]]:
    """Put a link between two routers in the place of the LAN that joins them."""
    onto: dict[str, list[Report]] = {}
    direct = []
    for link in links:
        if LAN.fullmatch(link.remote or ""):
            onto.setdefault(link.remote or "", []).append(link)
        elif not LAN.fullmatch(link.local):
            direct.append(link)
    large = {lan: routers for lan, routers in onto.items() if len(routers) != 2}
    for lan, routers in onto.items():
        if lan not in large:
            one, other = routers
            direct += [one._replace(remote=other.local), other._replace(remote=one.local)]
    notes = []
    if joined := len(onto) - len(large):
        notes.append(f"{counted(joined, 'LAN')} of two routers taken for links between them")
    if large:
        what = ", ".join(f"{shown(lan)} of {len(each):,}" for lan, each in list(large.items())[:3])
        notes.append(f"{counted(len(large), 'LAN')} left out, not of two routers: {what}")
    return direct, notes
