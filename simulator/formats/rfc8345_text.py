"""A network as RFC 8345 JSON, with the traffic engineering attributes of RFC 8795."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from simulator.base.text import counted
from simulator.formats.json_file import as_json
from simulator.formats.rules.draft import Record
from simulator.formats.units import shifted
from simulator.model.network import Network

TE = "ietf-te-topology:te"
RISK = re.compile(r"srlg-(?P<number>0|[1-9]\d{0,9})")
MOST_METRIC = 2**32 - 1
NODE_KEYS = frozenset({"lat", "lon", "city"})
LINK_KEYS = frozenset({"capacity_gbps", "capacity_ba_gbps", "metric", "delay_ms", "cables"})
NOT_ATTRIBUTES = frozenset({"order", "a", "b", "path_factor"})
ABOUT_KEYS = (
    *("title", "utc_offset_h", "hop_delay_ms", "matrix", "sources", "assumptions", "estimates"),
    *("marks", "uncertainty", "reliability", "cables", "regions"),
)


def text_of(network: Network) -> str:
    """Return a network as JSON: two unidirectional links for each of ours."""
    one: Record = {
        "network-id": network.name,
        "network-types": {"ietf-te-topology:te-topology": {}},
        "node": [_node(name, known) for name, known in network.graph.nodes(data=True)],
        "ietf-network-topology:link": list(_links(network)),
    }
    rows = {key: one.pop(key) for key in ("node", "ietf-network-topology:link")}
    head = as_json(one)[:-1]
    lists = (f'"{key}": [\n' + ",\n".join(map(as_json, each)) + "\n]" for key, each in rows.items())
    body = ",\n".join([head, *lists])
    return f'{{"ietf-network:networks": {{"network": [\n{body}}}\n]}}}}\n'


def _node(name: str, known: dict[str, Any]) -> Record:
    te: Record = {}
    if known.get("city"):
        te["te-node-attributes"] = {"name": known["city"]}
    if "lat" in known and "lon" in known:
        te["geolocation"] = {"latitude": str(known["lat"]), "longitude": str(known["lon"])}
    return {"node-id": name, **({TE: te} if te else {})}


def _links(network: Network) -> Iterator[Record]:
    """Yield both directions of every link; the id of the link is their termination points."""
    taken = set(network.links)
    for i, link in enumerate(network.links):
        back = f"{link} back"
        while back in taken:
            back += "'"
        taken.add(back)
        for arc, name in ((2 * i, link), (2 * i + 1, back)):
            tail, head = (network.nodes[ends[arc]] for ends in (network.tail, network.head))
            yield {
                "link-id": name,
                "source": {"source-node": tail, "source-tp": link},
                "destination": {"dest-node": head, "dest-tp": link},
                TE: {"te-link-attributes": _attributes(network, arc, link)},
            }


def _attributes(network: Network, arc: int, link: str) -> Record:
    per_s = shifted(float(network.installed_gbps[arc]), 9) / 8
    cables = network.attributes(link)["cables"]
    risks = [int(found["number"]) for name in cables if (found := RISK.fullmatch(name))]
    return {
        "max-link-bandwidth": {"te-bandwidth": {"generic": per_s.hex()}},
        "te-default-metric": _whole(network.metric[arc], 1),
        "te-delay-metric": _whole(1000 * _delay_ms(network, link), 0),
        **({"te-srlgs": {"value": risks}} if risks else {}),
    }


def _delay_ms(network: Network, link: str) -> float:
    return float(network.attributes(link)["delay_ms"])


def _whole(value: float, least: int) -> int:
    return min(max(round(float(value)), least), MOST_METRIC)


# ---------------------------------------------------------------- what is lost


def not_held(network: Network) -> Iterator[str]:
    """Yield a phrase for each thing that the format has no place for."""
    nodes = [known for _, known in network.graph.nodes(data=True)]
    links = [network.attributes(link) for link in network.links]
    if kinds := sum(kind != "core" for kind in network.node_kind):
        yield f"kind of {counted(kinds, 'node')}: all become core"
    if classes := sum(word != "core" for word in network.link_class):
        yield f"class of {counted(classes, 'link')}, exits among them: all become core"
    yield from _counts(nodes, NODE_KEYS | {"kind"}, "node")
    yield from _counts(links, LINK_KEYS | NOT_ATTRIBUTES | {"class"}, "link")
    cables = sum(not _is_held(link["cables"]) for link in links)
    if cables:
        yield f"cables of {counted(cables, 'link')}: only whole ones named srlg-NUMBER are held"
    rough = sum(_whole(link["metric"], 1) != link["metric"] for link in links)
    if rough:
        yield f"metric of {counted(rough, 'link')} that is no whole number, rounded"
    delays = [1000 * link["delay_ms"] for link in links]
    if finer := sum(abs(us - round(us)) > 1e-9 * us for us in delays):
        yield f"delay_ms of {counted(finer, 'link')} below a microsecond"
    if left := [key for key in ABOUT_KEYS if getattr(network.about, key)]:
        yield f"{', '.join(left)} of the network"


def _counts(records: list[dict[str, Any]], held: frozenset[str], noun: str) -> Iterator[str]:
    keys = dict.fromkeys(key for record in records for key in record if key not in held)
    for key in keys:
        if count := sum(record.get(key) not in (None, {}) for record in records):
            yield f"{key} of {counted(count, noun)}"


def _is_held(cables: dict[str, float]) -> bool:
    return not cables or (
        len(cables) == 1 and all(RISK.fullmatch(k) and v == 1 for k, v in cables.items())
    )
