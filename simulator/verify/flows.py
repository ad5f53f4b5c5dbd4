"""Flows: UDP packets with a source port each are sent by demand, and counted at the exits."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from simulator.export.addresses import AddressPlan
from simulator.export.decided import Pair
from simulator.verify import overlay
from simulator.verify.inside import inside
from simulator.verify.routers import Routers, wait_for

PORT = 9
"""Discard: nothing listens, so that the kernel of the destination counts what comes."""
_FIRST_PORT, _PORTS = 20_000, 40_000
_PAYLOAD = b"x" * 64
_AT_ONCE, _PAUSE_S = 40, 0.004
_ARRIVED_WITHIN_S, _POLL_S = 3.0, 0.05
_OF_PACKETS, _STATISTICS = 263, 6
"""SOL_PACKET and PACKET_STATISTICS of ``packet(7)``."""
_IPV4 = 0x0800


class Counted(NamedTuple):
    """What became of flows.

    Attributes
    ----------
    sent, delivered : int
    tunnels, links : dict of str to int
        Packets by exit: that came through a tunnel to it, and that left by its link.
    """

    sent: int
    delivered: int
    tunnels: dict[str, int]
    links: dict[str, int]


def by_demand(rates: Mapping[Pair, float], flows: int) -> dict[Pair, int]:
    """Return how many of some flows each pair has: by its rate, by the largest remainder.

    Of equal remainders the first pair by name has the flow.
    """
    pairs = sorted(pair for pair, gbps in rates.items() if gbps > 0)
    if not pairs:
        return {}
    gbps = np.array([rates[pair] for pair in pairs])
    quota = flows * gbps / gbps.sum()
    count = np.floor(quota * (1 + 1e-12)).astype(int)
    order = np.argsort(-np.round(quota - count, 9), kind="stable")
    count[order[: flows - int(count.sum())]] += 1
    return {pair: n for pair, n in zip(pairs, count.tolist(), strict=True) if n}


def send(routers: Routers, counts: Mapping[Pair, int]) -> Counted:
    """Send flows between ends of traffic, and count them."""
    plan, regions = routers.plan, sorted({to for _, to in counts})
    addresses = {to: address_of(plan, to) for to in regions}
    by_address = {(source, addresses[to]): n for (source, to), n in counts.items()}
    return send_to(routers, by_address, regions)


def send_to(
    routers: Routers, counts: Mapping[tuple[str, str], int], regions: Sequence[str]
) -> Counted:
    """Send flows and count them.

    Parameters
    ----------
    counts : mapping of (str, str) to int
        Flows by source and address.
    regions : sequence of str
        Nodes that have these addresses.
    """
    plan = routers.plan
    tunnels = {
        link: [
            _counter(routers, overlay.gateway_of(plan, link), name)
            for name in (overlay.counters(plan, link) if routers.with_tunnels else ())
        ]
        for link in plan.exits
    }
    links = {link: [_counter(routers, overlay.pop_of(plan, link), plan.interface(link))]
             for link in plan.exits}  # fmt: skip
    before = _received(routers, regions)
    sent = sum(counts.values())
    for source in sorted({source for source, _ in counts}):
        mine = {to: n for (here, to), n in counts.items() if here == source}
        inside(routers.spaces[source], lambda s=source, m=mine: _burst(plan, s, m))  # type: ignore[misc]
    wait_for(lambda: _received(routers, regions) - before >= sent, _ARRIVED_WITHIN_S, _POLL_S)
    delivered = _received(routers, regions) - before
    return Counted(sent, delivered, _read(tunnels), _read(links))


def address_of(plan: AddressPlan, node: str) -> str:
    """Return the address of an end of traffic: the first of its first prefix."""
    return str(plan.prefixes[node][0].prefix[1])


def _burst(plan: AddressPlan, source: str, counts: Mapping[str, int]) -> None:
    here, port = str(plan.loopbacks[source]), 0
    for there, count in sorted(counts.items()):
        for _ in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((here, _FIRST_PORT + port % _PORTS))
                sender.sendto(_PAYLOAD, (there, PORT))
            port += 1
            if port % _AT_ONCE == 0:
                time.sleep(_PAUSE_S)


def _counter(routers: Routers, node: str, interface: str) -> socket.socket:
    """Return a socket that counts the IPv4 packets that come in at an interface."""

    def made() -> socket.socket:
        counter = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4))
        counter.bind((interface, _IPV4))
        counter.getsockopt(_OF_PACKETS, _STATISTICS, 8)  # reading starts the count anew
        return counter

    return inside(routers.spaces[node], made)


def _read(counters: Mapping[str, list[socket.socket]]) -> dict[str, int]:
    """Return the counts, with packets that the sockets had no room for, and close them."""
    return {link: sum(_count(each) for each in many) for link, many in counters.items()}


def _count(counter: socket.socket) -> int:
    with counter:
        total: int = struct.unpack("II", counter.getsockopt(_OF_PACKETS, _STATISTICS, 8))[0]
    return total


def _received(routers: Routers, nodes: Iterable[str]) -> int:
    """Return the UDP packets that came for nodes, all to ports at which nothing listens."""
    return sum(inside(routers.spaces[node], _without_port) for node in nodes)


def _without_port() -> int:
    lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp: "))
    return int(dict(zip(names, values, strict=True))["NoPorts"])
