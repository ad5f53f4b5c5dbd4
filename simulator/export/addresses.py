"""AddressPlan: one addressing of a network that all forms of export share.

========================  ==================================================================
10.0.0.0/10               links, a /31 each: ``a`` has the even address, ``b`` the odd one
10.64.0.0/10              prefixes of ends at home (see :mod:`simulator.export.prefixes`)
10.128.0.0/16             loopbacks, a /32 for each node
10.129.0.1                the controller
10.192.0.0/17             next hops of exits, in the tunnel overlay 10.192.0.0/16
10.192.128.0/17           nodes at home in that overlay
198.18.0.0/15             prefixes of ends abroad
========================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from simulator.export.names import hostnames
from simulator.export.places import places
from simulator.export.prefixes import Prefixes, prefixes_of
from simulator.model.demands import Demands
from simulator.model.network import Network

LINKS = IPv4Network("10.0.0.0/10")
LOOPBACKS = IPv4Network("10.128.0.0/16")
CONTROLLER = IPv4Address("10.129.0.1")
OVERLAY = IPv4Network("10.192.0.0/16")
AS = 65000
"""The autonomous system of all routers: private (RFC 6996), and of 16 bits as communities need."""
_HALF = 2**15 - 2
"""Exits, or nodes at home, that the overlay has room for: without its first and last address."""


@dataclass(frozen=True, eq=False)
class AddressPlan:
    """Addresses and names of all that a network has.

    Attributes
    ----------
    network : Network
    prefixes : mapping of str to tuple of Prefix
        By the id of each end of traffic.
    """

    network: Network
    prefixes: Prefixes

    @classmethod
    def of(
        cls, network: Network, demands: Demands | None = None, prefixes: Path | None = None
    ) -> AddressPlan:
        """Return the plan of a network.

        Parameters
        ----------
        demands : Demands, optional
            Their sources and targets have prefixes; all nodes when left out.
        prefixes : Path, optional
            A CSV file with prefixes to use in place of those that are made up.

        Raises
        ------
        InputError
            The file is wrong, or the network has more elements than the plan has addresses.
        """
        ends = set(network.nodes if demands is None else _ends(demands))
        abroad = {node for node in ends if network.is_abroad[network.node_index[node]]}
        return cls(network, prefixes_of(abroad, ends - abroad, prefixes))

    @cached_property
    def hostnames(self) -> dict[str, str]:
        """Name of each node that routers and file systems take."""
        return hostnames(self.network.nodes)

    @cached_property
    def loopbacks(self) -> dict[str, IPv4Address]:
        """Address of each node."""
        return _numbered(self.network.nodes, LOOPBACKS, "nodes")

    @cached_property
    def link_numbers(self) -> dict[str, int]:
        """Number of each link."""
        return places(self.network.links, LINKS.num_addresses // 2, "links")

    def link_addresses(self, link: str) -> tuple[IPv4Address, IPv4Address]:
        """Return the addresses at both ends of a link: of its ``a`` and of its ``b``, a /31."""
        first = LINKS[2 * self.link_numbers[link]]
        return first, first + 1

    def interface(self, link: str) -> str:
        """Return what the interface of a link is called at both of its ends."""
        return f"e{self.link_numbers[link]}"

    @cached_property
    def exits(self) -> tuple[str, ...]:
        """Ids of the exits, in file order."""
        return tuple(self.network.links[at] for at in self.network.exits)

    @cached_property
    def path_ids(self) -> dict[str, int]:
        """Number of each exit, from 1: what tells paths of one prefix apart."""
        found = places(self.exits, _HALF, "exits")
        return {name: place + 1 for name, place in found.items()}

    @cached_property
    def next_hops(self) -> dict[str, IPv4Address]:
        """Next hop of what leaves by each exit: the end of the tunnels to it."""
        return {name: OVERLAY[number] for name, number in self.path_ids.items()}

    @cached_property
    def overlay(self) -> dict[str, IPv4Address]:
        """Address of each node at home at its end of the tunnels."""
        network = self.network
        home = [node for node, away in zip(network.nodes, network.is_abroad, strict=True)
                if not away]  # fmt: skip
        return _numbered(home, OVERLAY, "nodes at home", 2**15)

    @cached_property
    def provinces(self) -> tuple[str, ...]:
        """Ends of traffic at home, sorted."""
        return tuple(name for name, rows in self.prefixes.items() if rows[0].kind == "province")

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Ends of traffic abroad, sorted."""
        return tuple(name for name, rows in self.prefixes.items() if rows[0].kind == "region")

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return what has which address, as rows of kind, id, name and address."""
        found = [
            ("controller", "", "", str(CONTROLLER)),
            *(("node", n, self.hostnames[n], str(a)) for n, a in self.loopbacks.items()),
            *(("tunnel end", n, self.hostnames[n], str(a)) for n, a in self.overlay.items()),
            *(("exit", n, self.interface(n), str(a)) for n, a in self.next_hops.items()),
        ]
        for link in sorted(self.network.links):
            for end, address in zip("ab", self.link_addresses(link), strict=True):
                found.append((f"link {end}", link, self.interface(link), str(address)))
        return found


def _ends(demands: Demands) -> Iterable[str]:
    for end in (demands.source, demands.target):
        yield from (demands.nodes[node] for node in set(end.tolist()))


def _numbered(
    ids: Iterable[str], block: IPv4Network, what: str, first: int = 0
) -> dict[str, IPv4Address]:
    """Return an address for each id, from the *first* in a block on."""
    room = min(block.num_addresses - first - 2, block.num_addresses - 2)
    return {name: block[first + 1 + place] for name, place in places(ids, room, what).items()}
