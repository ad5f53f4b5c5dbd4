"""The border that a scenario puts on a network: checked as a topology file would be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from simulator.base.document import KeyPath
from simulator.base.errors import Problem, did_you_mean
from simulator.formats.rules.checks import SHARE_TOLERANCE
from simulator.formats.rules.draft import PATH_FACTOR
from simulator.formats.rules.entries import CableEntry, NewExitEntry, NewRegion, given
from simulator.model.border import NewExit, pop_of, way_of, with_border
from simulator.model.geo import great_circle_km
from simulator.model.network import Network
from simulator.model.topology import FIBRE_KM_PER_MS, STUB_KINDS

Point = Callable[[KeyPath, str], Problem]


class _Border(NamedTuple):
    network: Network
    exits: Sequence[NewExitEntry]
    regions: Sequence[NewRegion]
    cables: Sequence[CableEntry]
    point: Point


def put_border(
    network: Network,
    exits: Sequence[NewExitEntry],
    regions: Sequence[NewRegion],
    cables: Sequence[CableEntry],
    point: Point,
) -> tuple[Network, list[Problem]]:
    """Return the network with these exits, or as it is with all that is wrong with them.

    *point* makes a problem with what stands at a path of the scenario.
    """
    if not exits and not regions and not cables:
        return network, []
    problems = list(_problems(_Border(network, exits, regions, cables, point)))
    if problems:
        return network, problems
    new = [_exit(network, entry, regions) for entry in exits]
    named = map(given, regions)
    return with_border(network, new, named, map(given, cables)), []


def _problems(border: _Border) -> Iterator[Problem]:
    network, exits, regions, cables, point = border
    yield from _taken(border)
    abroad = [node for node in network.nodes if network.is_abroad[network.node_index[node]]]
    known = [*abroad, *(region.id for region in regions)]
    home = [node for node in network.nodes if node not in abroad]
    reached = set()
    for i, entry in enumerate(exits):
        if entry.gateway not in home:
            hint = did_you_mean(entry.gateway, home)
            where = "is abroad" if entry.gateway in abroad else "does not exist"
            message = f"an exit begins at a node at home, but {entry.gateway!r} {where}{hint}"
            yield point(("exits", i, "gateway"), message)
        elif (kind := network.node_kind[network.node_index[entry.gateway]]) in STUB_KINDS:
            message = f"{entry.gateway!r} is {kind}, which carries no transit to an exit"
            yield point(("exits", i, "gateway"), message)
        for name in entry.regions:
            if name not in known:
                message = f"no region named {name!r}{did_you_mean(name, known)}"
                yield point(("exits", i, "regions"), message)
        if not entry.regions and not regions:
            yield point(("exits", i), "leads nowhere: give it regions")
        reached |= set(entry.regions or known)
        yield from _exit_problems(border, i, entry)
    for i, region in enumerate(regions):
        if region.id not in reached:
            yield point(("regions", i, "id"), f"no exit leads to the region {region.id!r}")
        if (region.lat is None) != (region.lon is None):
            yield point(("regions", i), "lat and lon come together: give both or neither")
    if regions and not exits and not len(network.exits):
        yield point(("regions",), "regions lie beyond exits: give exits as well")


def _taken(border: _Border) -> Iterator[Problem]:
    """Ids that are taken already."""
    network, exits, regions, cables, point = border
    nodes, links = set(network.nodes), set(network.links)
    for i, region in enumerate(regions):
        if region.id in nodes:
            yield point(("regions", i, "id"), f"there is a node named {region.id!r} already")
        nodes.add(region.id)
    for i, entry in enumerate(exits):
        made = {entry.id, *(way_of(entry.id, region) for region in entry.regions)}
        if made & links or pop_of(entry.id) in nodes:
            yield point(("exits", i, "id"), f"there is a link named {entry.id!r} already")
        links |= made
        nodes.add(pop_of(entry.id))
    seen = set(network.about.cables)
    for i, cable in enumerate(cables):
        if cable.id in seen:
            yield point(("cables", i, "id"), f"there is a cable named {cable.id!r} already")
        seen.add(cable.id)


def _exit_problems(border: _Border, i: int, entry: NewExitEntry) -> Iterator[Problem]:
    network, _, regions, cables, point = border
    shares = entry.cables or {}
    for key, each in (("cables", shares), ("cards", entry.cards or {})):
        total = math.fsum(each.values())
        if each and abs(total - 1) > SHARE_TOLERANCE:
            yield point(("exits", i, key), f"the shares add to {total:.6g}, not to 1")
    listed = [*network.cables, *(cable.id for cable in cables)]
    for cable in shares if listed else ():
        if cable not in listed:
            message = f"no cable named {cable!r}{did_you_mean(cable, listed)}"
            yield point(("exits", i, "cables"), message)
    if isinstance(entry.regions, Mapping) or entry.gateway not in network.node_index:
        return
    places = _places(network, regions)
    for name in entry.regions or [region.id for region in regions]:
        ends = (entry.gateway, name)
        lost = [node for node in ends if node in places and places[node] is None]
        if lost:
            message = (
                f"nothing tells the delay to {name!r}: give it as {name}: MS under regions, or"
                f" coordinates to {' and '.join(map(repr, lost))}"
            )
            yield point(("exits", i, "regions"), message)


def _exit(network: Network, entry: NewExitEntry, regions: Sequence[NewRegion]) -> NewExit:
    delay_ms: dict[str, float] = {}
    if isinstance(entry.regions, Mapping):
        delay_ms = dict(entry.regions)
    else:
        places = _places(network, regions)
        for name in entry.regions or [region.id for region in regions]:
            here, there = places[entry.gateway], places[name]
            assert here is not None and there is not None
            delay_ms[name] = great_circle_km(*here, *there) * PATH_FACTOR / FIBRE_KM_PER_MS
    more: dict[str, Any] = {"metric": entry.metric, "cables": dict(entry.cables or {})}
    for key in ("capacity_ba_gbps", "metric_ba", "cards", "price_usd_per_mbps"):
        if (value := getattr(entry, key)) is not None:
            more[key] = value
    return NewExit(entry.id, entry.gateway, entry.capacity_gbps, delay_ms, more)


def _places(
    network: Network, regions: Sequence[NewRegion]
) -> dict[str, tuple[float, float] | None]:
    """Return where nodes and new regions lie, None without coordinates."""
    records = dict(network.graph.nodes(data=True)) | {each.id: vars(each) for each in regions}
    degrees = {name: (each.get("lat"), each.get("lon")) for name, each in records.items()}
    return {name: None if None in place else place for name, place in degrees.items()}
