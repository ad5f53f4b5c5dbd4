"""Border: adds exits, regions abroad and cables to a network that has none."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx

from simulator.model.network import Network

ACCESS_PER_EXIT = 10.0
"""Capacity of the link from an exit to a region, in that of the exit: never the bottleneck."""


@dataclass(frozen=True)
class NewExit:
    """An exit to add to a network.

    Attributes
    ----------
    id : str
        Id of the link.
    gateway : str
        Node at home where it begins.
    capacity_gbps : float
        Per direction; outbound, if `more` has ``capacity_ba_gbps``.
    delay_ms : mapping of str to float
        One-way delay from the gateway to every region that it leads to.
    more : mapping
        Other attributes of the link: ``capacity_ba_gbps``, ``metric``, ``metric_ba``, ``cables``,
        ``cards``, ``price_usd_per_mbps``.
    """

    id: str
    gateway: str
    capacity_gbps: float
    delay_ms: Mapping[str, float]
    more: Mapping[str, Any] = field(default_factory=dict)


def with_border(
    network: Network,
    exits: Sequence[NewExit],
    regions: Iterable[Mapping[str, Any]],
    cables: Iterable[Mapping[str, Any]] = (),
) -> Network:
    """Return a copy with exits and regions abroad.

    Every exit ends at a point of presence of its own, from which a link leads to each of its
    regions. The part of the delay that all its regions share is on the exit, the rest on these
    links; their capacity is ten times that of the exit, so that only exits are ever full.

    Parameters
    ----------
    exits : sequence of NewExit
        Their gateways and regions exist.
    regions, cables : iterable of mapping
        Attributes of nodes abroad and of cables, each with its ``id``.
    """
    graph = nx.MultiGraph(network.graph)
    about = network.about
    named = dict(about.regions)
    for region in regions:
        attributes = _but_id(region)
        graph.add_node(region["id"], kind="region", **attributes)
        named[region["id"]] = {key: attributes[key] for key in ("name",) if key in attributes}
    order = len(network.links)
    for each in exits:
        pop = pop_of(each.id)
        graph.add_node(pop, kind="pop")
        shared = min(each.delay_ms.values())
        widest = max(each.capacity_gbps, each.more.get("capacity_ba_gbps", 0.0))
        link = {
            "a": each.gateway,
            "b": pop,
            "class": "exit",
            "capacity_gbps": each.capacity_gbps,
            "delay_ms": shared,
            "metric": 1.0,
            "cables": {},
            **each.more,
        }
        graph.add_edge(each.gateway, pop, key=each.id, **link, order=order)
        for step, (end, delay_ms) in enumerate(each.delay_ms.items(), 1):
            way = {
                "a": pop,
                "b": end,
                "class": "access",
                "capacity_gbps": ACCESS_PER_EXIT * widest,
                "delay_ms": delay_ms - shared,
                "metric": 1.0,
            }
            graph.add_edge(pop, end, key=way_of(each.id, end), **way, order=order + step)
        order += 1 + len(each.delay_ms)
    listed = {**about.cables, **{cable["id"]: _but_id(cable) for cable in cables}}
    assumption = (
        f"{len(exits)} exits of {math.fsum(each.capacity_gbps for each in exits):,.0f} Gbps in all"
        " and their regions are put on by the scenario; ways beyond an exit are never full"
    )
    assumptions = (*about.assumptions, assumption)
    return Network(graph, replace(about, regions=named, cables=listed, assumptions=assumptions))


def pop_of(exit_id: str) -> str:
    """Id of the point of presence at which an exit ends."""
    return f"{exit_id}:pop"


def way_of(exit_id: str, region: str) -> str:
    """Id of the link from an exit's point of presence to a region."""
    return f"{exit_id}:{region}"


def _but_id(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "id"}
