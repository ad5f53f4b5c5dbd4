"""A draft becomes a Network, or a list of everything that keeps it from being one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import networkx as nx

from simulator.base.errors import Problem
from simulator.base.registry import problems_in
from simulator.formats.rules.checks import ENTRY_CHECKS, beyond_size
from simulator.formats.rules.draft import Draft, Record, but
from simulator.formats.rules.network_checks import NETWORK_CHECKS
from simulator.model.network import Network
from simulator.model.topology import About

EDGE_KEYS = (
    *("a", "b", "class", "capacity_gbps", "capacity_ba_gbps", "metric", "metric_ba"),
    *("delay_ba_ms", "cards", "reaches", "modules", "setup_cost", "price_usd_per_mbps", "fibre_km"),
)


def assemble(
    draft: Draft, problems: Iterable[Problem] = ()
) -> tuple[Network | None, list[Problem]]:
    """Make the network that *draft* describes.

    Returns
    -------
    network : Network or None
        None when there are errors.
    problems : list of Problem
        Those given, which reading the file found, and the new ones, in the order of the file.
    """
    if too_many := list(beyond_size(draft)):
        return None, too_many
    found = [*problems, *(problem for check in ENTRY_CHECKS for problem in check(draft))]
    if not _errors(found):  # a broken network would fail these for no reason of its own
        found += [problem for check in NETWORK_CHECKS for problem in check(draft)]
    network = None if _errors(found) else _network(draft)
    if network is not None:
        doubts = [*problems_in(network.about.uncertainty, network, ("uncertainty",))]
        if network.about.reliability:
            wrong = network.about.reliability.problems(network)
            doubts += [(("reliability", *path), message) for path, message in wrong]
        found += [draft.point(path, message) for path, message in doubts]
    found.sort(key=lambda problem: (problem.file, problem.line or 0, problem.column or 0))
    return (None if _errors(found) else network), found


def _errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _network(draft: Draft) -> Network:
    graph = nx.MultiGraph()
    for node in draft.nodes:
        graph.add_node(node["id"], **but(node, "id"))
    for order, link in enumerate(draft.links):
        graph.add_edge(link["a"], link["b"], key=link["id"], **_edge(draft, link), order=order)
    cables = {cable["id"]: but(cable, "id") for cable in draft.cables or ()}
    regions = {region["id"]: but(region, "id") for region in draft.regions}
    return Network(graph, About(**draft.about, cables=cables, regions=regions))


def _edge(draft: Draft, link: Record) -> dict[str, Any]:
    edge = {key: link[key] for key in EDGE_KEYS if key in link}
    return {**edge, "delay_ms": draft.delay_ms(link), "cables": dict(link.get("cables", {}))}
