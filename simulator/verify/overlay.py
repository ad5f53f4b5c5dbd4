"""Overlay: tunnels from every end of traffic at home to every exit, as commands of ``ip``.

One VXLAN device a router and one address for each exit. Of the exits of a gateway each has a MAC
address of its own: a macvlan interface takes what comes for it, and a rule sends it to a table that
knows the exit alone. Without a route there, as after the exit went down, the gateway's own
table decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.export.addresses import AddressPlan
from simulator.export.frr_router import TUNNELS

_VNI, _PORT, _MTU = 169, 4789, 1400
_FIRST_TABLE = 1000
OWN_TABLE = 900
"""Table of the decisions of a gateway that has traffic of its own."""


def gateway_of(plan: AddressPlan, link: str) -> str:
    """Return the end of an exit that is at home."""
    return plan.network.nodes[_ends(plan, link)[0]]


def pop_of(plan: AddressPlan, link: str) -> str:
    """Return the end of an exit that is abroad."""
    return plan.network.nodes[_ends(plan, link)[1]]


def out_arc(plan: AddressPlan, link: str) -> int:
    """Return the arc of an exit that leaves the country."""
    arc = 2 * plan.network.link_index[link]
    return arc if plan.network.crosses_out[arc] else arc + 1


def exits_of(plan: AddressPlan, node: str) -> list[str]:
    """Return the exits of a gateway."""
    return [link for link in plan.exits if gateway_of(plan, link) == node]


def has_own_table(plan: AddressPlan, node: str) -> bool:
    """Return whether a node is both a gateway and an end of traffic at home."""
    return node in plan.provinces and bool(exits_of(plan, node))


def mac(plan: AddressPlan, link: str) -> str:
    """Return the address that frames for an exit are sent to: locally administered."""
    high, low = divmod(plan.path_ids[link], 256)
    return f"02:a9:00:00:{high:02x}:{low:02x}"


def counters(plan: AddressPlan, link: str) -> list[str]:
    """Return the interfaces of a gateway at which traffic for an exit comes in."""
    own = [_own(plan, link)[1]] if gateway_of(plan, link) in plan.provinces else []
    return [_through_tunnel(plan, link), *own]


def exit_route(plan: AddressPlan, link: str) -> str:
    """Return the route of an exit's own table, as words of ``ip route``."""
    arc = out_arc(plan, link)
    far = plan.link_addresses(link)[1 - arc % 2]
    return f"default via {far} dev {plan.interface(link)} table {_table(plan, link)}"


def device(plan: AddressPlan, node: str) -> list[str]:
    """Return the commands that make the device of a router in the overlay."""
    return [
        f"link add {TUNNELS} type vxlan id {_VNI} local {plan.loopbacks[node]} dstport {_PORT}"
        " nolearning",
        f"link set {TUNNELS} mtu {_MTU} up",
    ]


def neighbours(plan: AddressPlan, node: str) -> list[str]:
    """Return the commands by which an end of traffic knows the exits' addresses."""
    found: list[str] = []
    for link in plan.exits:
        mine, hop = gateway_of(plan, link) == node, plan.next_hops[link]
        device = _own(plan, link)[0] if mine else TUNNELS
        if mine:
            found += _own_tunnel(plan, link)
        found.append(f"neigh add {hop} lladdr {mac(plan, link)} dev {device} nud permanent")
    return found


def far_ends(plan: AddressPlan) -> list[str]:
    """Return the commands of ``bridge`` by which an end of traffic knows where tunnels end."""
    return [
        f"fdb add {mac(plan, link)} dev {TUNNELS} dst {plan.loopbacks[gateway_of(plan, link)]}"
        for link in plan.exits
    ]


def arrivals(plan: AddressPlan, node: str) -> list[str]:
    """Return the commands by which a gateway tells traffic for its exits apart."""
    own = [
        f"route add throw default table {OWN_TABLE}",  # so that it exists, and others follow
        f"rule add iif lo lookup {OWN_TABLE}",
    ]
    return [
        *(own if has_own_table(plan, node) else []),
        *(line for link in exits_of(plan, node) for line in _arrival(plan, link)),
    ]


def _arrival(plan: AddressPlan, link: str) -> Iterator[str]:
    name = _through_tunnel(plan, link)
    yield f"link add {name} link {TUNNELS} address {mac(plan, link)} type macvlan mode bridge"
    yield f"link set {name} up"
    for each in counters(plan, link):
        yield f"rule add iif {each} lookup {_table(plan, link)}"


def _own_tunnel(plan: AddressPlan, link: str) -> Iterator[str]:
    here, there = _own(plan, link)
    yield f"link add {here} type veth peer name {there} address {mac(plan, link)}"
    yield f"link set {here} up"
    yield f"link set {there} up"
    yield f"route add {plan.next_hops[link]}/32 dev {here} scope link"


def _through_tunnel(plan: AddressPlan, link: str) -> str:
    return f"x{plan.path_ids[link]}"


def _own(plan: AddressPlan, link: str) -> tuple[str, str]:
    """Return the interfaces that stand for a tunnel of a gateway to itself."""
    return f"y{plan.path_ids[link]}", f"o{plan.path_ids[link]}"


def _table(plan: AddressPlan, link: str) -> int:
    return _FIRST_TABLE + plan.path_ids[link]


def _ends(plan: AddressPlan, link: str) -> tuple[int, int]:
    arc = out_arc(plan, link)
    return int(plan.network.tail[arc]), int(plan.network.head[arc])
