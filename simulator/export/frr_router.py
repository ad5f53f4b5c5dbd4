"""FRR: the configuration of each router for static routing, by daemon.

IS-IS carries loopbacks and prefixes; exits cost ``BORDER`` more in both directions, so that no
path crosses the border twice. Ends of traffic at home hear a controller by BGP.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from simulator.export.addresses import AS, CONTROLLER, OVERLAY, AddressPlan
from simulator.export.bgp import HOLD_S
from simulator.export.forms.form import MOST_PATHS, text_of
from simulator.export.names import comment
from simulator.model.network import Network

BORDER = 1_000_000
"""What is added to the metric of an exit, both ways."""
MOST_METRIC = 2**24 - 2
"""Of an interface, for wide metrics (RFC 5305); one more takes the link out of shortest paths."""
HELLO_S, HELLOS = 3, 3
"""A neighbour that is silent for 3 hellos is gone: 9 s, where FRR's default would be 30."""
INTERVAL_S = 1
"""Least time between two LSPs, and two SPFs. FRR's 30 s leave a second event unanswered so long."""
TUNNELS = "vx"
"""Interface of a province to the tunnel overlay."""
RETRY_S = 2


def wrong_for_isis(network: Network) -> Iterator[str]:
    """Yield what of a network IS-IS cannot carry, in words."""
    metrics = isis_metrics(network)
    for link in np.flatnonzero(~network.exists.reshape(-1, 2).all(axis=1)).tolist():
        yield f"link {network.links[link]!r} is one-way; IS-IS uses links in both directions"
    wrong = (metrics != np.rint(metrics)) | (metrics < 1) | (metrics > MOST_METRIC)
    found = np.flatnonzero(wrong & network.exists).tolist()
    yield from dict.fromkeys(_wrong_metric(network, arc) for arc in found)
    if (longest := _longest_inside(network)) >= 2 * BORDER:
        yield (
            f"paths on both sides of the border and an exit add up to a metric of {longest:,.0f};"
            f" exits at {BORDER:,} more keep paths from crossing twice up to {2 * BORDER:,} only"
        )


def _wrong_metric(network: Network, arc: int) -> str:
    top = MOST_METRIC - BORDER * bool(network.link_class[arc // 2] == "exit")
    return (
        f"link {network.links[arc // 2]!r} has metric {network.metric[arc]:g}; IS-IS takes whole"
        f" numbers from 1 to {top:,} there"
    )


def isis_metrics(network: Network) -> np.ndarray:
    """Return the metric of every arc for IS-IS, shape (arcs,): exits cost ``BORDER`` more."""
    is_exit = np.repeat(network.link_class == "exit", 2)
    return network.metric + BORDER * is_exit


def _longest_inside(network: Network) -> float:
    """Return the longest of the shortest paths at home, plus that abroad, plus the dearest exit."""
    is_exit = np.repeat(network.link_class == "exit", 2)
    inside = (network.is_abroad[network.tail] == network.is_abroad[network.head]) & network.exists
    order = np.lexsort((-network.metric, network.head, network.tail))
    order = order[inside[order]]
    size = len(network.nodes)
    ends = network.tail[order] * size + network.head[order]
    last = np.append(ends[1:] != ends[:-1], True)[: len(ends)]  # of parallel arcs the least metric
    least = order[last]
    graph = sparse.csr_array(
        (network.metric[least], (network.tail[least], network.head[least])), shape=(size, size)
    )
    distance = dijkstra(graph)
    distance[~np.isfinite(distance)] = 0.0
    longest = [
        float(distance[np.ix_(side, side)].max(initial=0.0))
        for side in (network.is_abroad, ~network.is_abroad)
    ]
    return sum(longest) + float(network.metric[is_exit].max(initial=0.0))


def sections(plan: AddressPlan, node: str) -> dict[str, str]:
    """Return the configuration of a router by daemon: ``zebra``, ``isisd`` and maybe ``bgpd``.

    Parameters
    ----------
    node : str
        Id of a node of the plan's network.
    """
    found = {"zebra": text_of(_zebra(plan, node)), "isisd": text_of(_isisd(plan, node))}
    if node in plan.provinces:
        found["bgpd"] = text_of(_bgpd(plan, node))
    return found


def frr_conf(plan: AddressPlan, node: str, head: Iterable[str] = ()) -> str:
    """Return the whole configuration of a router, as ``/etc/frr/frr.conf`` holds it."""
    first = [*(f"! {line}" for line in head), "frr defaults traditional",
             f"hostname {plan.hostnames[node]}", "!"]  # fmt: skip
    parts = (part.partition("!\n")[2] for part in sections(plan, node).values())
    return text_of(first) + "".join(parts)


def system_id(plan: AddressPlan, node: str) -> str:
    """Return the IS-IS network entity title of a router: its loopback in digits."""
    digits = "".join(f"{int(part):03}" for part in str(plan.loopbacks[node]).split("."))
    return f"49.0001.{digits[:4]}.{digits[4:8]}.{digits[8:]}.00"


def interfaces(plan: AddressPlan, node: str) -> Iterator[tuple[str, int]]:
    """Yield the links of a router, sorted, each with its arc that leaves there."""
    network, mine = plan.network, plan.network.node_index[node]
    arcs = np.flatnonzero(network.tail == mine).tolist()
    yield from sorted((network.links[arc // 2], arc) for arc in arcs)


def _zebra(plan: AddressPlan, node: str) -> Iterator[str]:
    yield f"hostname {plan.hostnames[node]}"
    yield "!"
    yield "interface lo"
    yield f" ip address {plan.loopbacks[node]}/32"
    for each in plan.prefixes.get(node, ()):
        yield f" ip address {each.prefix[1] if each.prefix.prefixlen < 31 else each.prefix[0]}" \
              f"/{each.prefix.prefixlen}"  # fmt: skip
    yield "exit"
    yield "!"
    for link, arc in interfaces(plan, node):
        far = plan.network.nodes[plan.network.head[arc]]
        yield f"interface {plan.interface(link)}"
        yield f" description {comment(link)} to {comment(far)}"
        yield f" ip address {plan.link_addresses(link)[arc % 2]}/31"
        yield "exit"
        yield "!"
    if node in plan.provinces:
        yield f"interface {TUNNELS}"
        yield " description tunnels to the exits"
        yield f" ip address {plan.overlay[node]}/{OVERLAY.prefixlen}"
        yield "exit"
        yield "!"


def _isisd(plan: AddressPlan, node: str) -> Iterator[str]:
    metrics = isis_metrics(plan.network)
    yield f"hostname {plan.hostnames[node]}"
    yield "!"
    # Before interfaces: isisd refuses metrics above 63 until it is told that they are wide.
    yield "router isis 1"
    yield " is-type level-2-only"
    yield " metric-style wide"
    yield f" lsp-gen-interval {INTERVAL_S}"
    yield f" spf-interval {INTERVAL_S}"
    if plan.network.is_stub[plan.network.node_index[node]]:
        yield " set-overload-bit"
    # Last: it starts IS-IS, and the first LSP waits as long as the interval then is.
    yield f" net {system_id(plan, node)}"
    yield from ("exit", "!")
    yield "interface lo"
    yield from (" ip router isis 1", " isis passive", "exit", "!")
    for link, arc in interfaces(plan, node):
        yield f"interface {plan.interface(link)}"
        yield " ip router isis 1"
        yield " isis circuit-type level-2-only"
        yield " isis network point-to-point"
        yield f" isis metric {metrics[arc]:.0f}"
        yield f" isis hello-interval {HELLO_S}"
        yield f" isis hello-multiplier {HELLOS}"
        yield from ("exit", "!")


def _bgpd(plan: AddressPlan, node: str) -> Iterator[str]:
    yield f"hostname {plan.hostnames[node]}"
    yield "!"
    yield f"router bgp {AS}"
    yield f" bgp router-id {plan.loopbacks[node]}"
    yield " no bgp default ipv4-unicast"
    yield f" timers bgp {HOLD_S // 3} {HOLD_S}"
    yield f" neighbor {CONTROLLER} remote-as {AS}"
    yield f" neighbor {CONTROLLER} description controller"
    yield f" neighbor {CONTROLLER} update-source {plan.loopbacks[node]}"
    yield f" neighbor {CONTROLLER} timers connect {RETRY_S}"
    yield " address-family ipv4 unicast"
    yield "  distance bgp 20 100 100"
    yield f"  neighbor {CONTROLLER} activate"
    yield f"  neighbor {CONTROLLER} addpath-tx-all-paths"
    yield f"  maximum-paths ibgp {MOST_PATHS}"
    yield " exit-address-family"
    yield from ("exit", "!")
