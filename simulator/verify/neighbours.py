"""Neighbours: regions abroad as networks of their own, with BGP to one router at every exit.

What a region prefers, in the model a number for each exit and province, is a local preference here,
by its rank. Exits announce the aggregates of provinces by themselves; a controller adds prefix
groups by BGP, and each exit announces to all regions what it hears. Of a group that is withdrawn
at an exit the announcement stays there with the community no-export: for our own routers alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

import numpy as np

from simulator.base.errors import SimulatorError
from simulator.export.addresses import AS, AddressPlan
from simulator.export.bgp import HOLD_S
from simulator.export.prefixes import GROUPS
from simulator.simulation.inbound_world import InboundWorld
from simulator.verify.commands import batch
from simulator.verify.kernel import held
from simulator.verify.lab import Lab
from simulator.verify.routers import wait_for

FIRST_AS = 64_600
_LINKS, _HOME = IPv4Network("100.64.0.0/11"), IPv4Network("100.96.0.0/11")
"""Shared address space (RFC 6598): links to regions, and from exits home."""
_PREFERENCE = 1000
_UP_WITHIN_S, _POLL_S = 240.0, 0.25


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Exits and regions in a lab, with what regions prefer.

    Attributes
    ----------
    lab : Lab
    plan : AddressPlan
    world : InboundWorld
        With one source for each region.
    """

    lab: Lab
    plan: AddressPlan
    world: InboundWorld

    @property
    def exits(self) -> tuple[str, ...]:
        """Ids of the exits, in the order of the world."""
        return self.world.choices.exits

    @cached_property
    def regions(self) -> list[str]:
        """Ids of the regions, in the order of the world's sources."""
        return [name.rpartition("/")[0] for name in self.world.choices.sources]

    @cached_property
    def groups(self) -> list[IPv4Network]:
        """Prefix of every group, in the order of the world: those of a province together."""
        return [each.prefix for province in self.world.choices.provinces
                for each in self.plan.prefixes[province]]  # fmt: skip

    @cached_property
    def aggregates(self) -> list[IPv4Network]:
        """Prefix that covers all groups of each province."""
        first = (self.plan.prefixes[each][0].prefix for each in self.world.choices.provinces)
        return [each.supernet(prefixlen_diff=GROUPS.bit_length() - 1) for each in first]

    @cached_property
    def exit_spaces(self) -> list[str]:
        """Namespace of the router at each exit."""
        return [self.lab.space(f"x{i}") for i in range(len(self.exits))]

    @cached_property
    def region_spaces(self) -> list[str]:
        """Namespace of each region."""
        return [self.lab.space(f"r{i}") for i in range(len(self.regions))]

    @cached_property
    def home(self) -> str:
        """Namespace of the controller, which all traffic arrives at."""
        return self.lab.space("home")

    @property
    def sessions(self) -> int:
        """How many BGP sessions there are: of each exit with each region and the controller."""
        return len(self.exits) * (len(self.regions) + 1)

    def exit_address(self, at: int, region: int) -> IPv4Address:
        """Return the address of an exit on its link to a region; that of the region is next."""
        return _LINKS[2 * (at * len(self.regions) + region)]

    def home_address(self, at: int) -> IPv4Address:
        """Return the address of home on the link of an exit; that of the exit is next."""
        return _HOME[2 * at]

    def build(self) -> None:
        """Make namespaces and links, and start all daemons."""
        wires = []
        for i, space in enumerate(self.exit_spaces):
            wires.append((self.home, f"x{i}", space, "home"))
            wires += [(space, f"r{k}", far, f"x{i}") for k, far in enumerate(self.region_spaces)]
        self.lab.wire(wires)
        self._address()
        for prefix, spaces, text in (("x", self.exit_spaces, self._exit),
                                     ("r", self.region_spaces, self._region)):  # fmt: skip
            for i, space in enumerate(spaces):
                place = self.lab.place(f"{prefix}{i}")
                self.lab.frr(space, place, "zebra", f"hostname {prefix}{i}\n")
                self.lab.frr(space, place, "bgpd", "".join(f"{line}\n" for line in text(i)))

    def wait(self) -> None:
        """Wait until all regions have all aggregates: daemons read their files first."""
        left = set(self.region_spaces)
        wanted = {str(each) for each in self.aggregates}

        def up() -> bool:
            tables = held(left)
            left.difference_update(space for space in tables if wanted <= set(tables[space]))
            return not left

        if not wait_for(up, _UP_WITHIN_S, _POLL_S):
            raise SimulatorError(f"{len(left)} regions lack aggregates after {_UP_WITHIN_S:g} s")

    def _address(self) -> None:
        home = [f"addr add {each[1]}/32 dev lo" for each in self.groups]
        for i, space in enumerate(self.exit_spaces):
            near = self.home_address(i)
            home.append(f"addr add {near}/31 dev x{i}")
            lines = [f"addr add {near + 1}/31 dev home"]
            lines += [f"addr add {self.exit_address(i, k)}/31 dev r{k}"
                      for k in range(len(self.regions))]  # fmt: skip
            lines += [f"route add {each} via {near}" for each in self.aggregates]
            batch(lines, "ip", "-n", space)
        batch(home, "ip", "-n", self.home)
        for k, space in enumerate(self.region_spaces):
            mine = self.plan.prefixes[self.regions[k]][0].prefix[1]
            lines = [f"addr add {mine}/32 dev lo"]
            lines += [f"addr add {self.exit_address(i, k) + 1}/31 dev x{i}"
                      for i in range(len(self.exits))]  # fmt: skip
            batch(lines, "ip", "-n", space)

    def _exit(self, at: int) -> Iterator[str]:
        near = self.home_address(at)
        yield from (f"hostname x{at}", f"router bgp {AS}", f" bgp router-id {near + 1}")
        yield from (" no bgp ebgp-requires-policy", " no bgp network import-check")
        yield f" timers bgp {HOLD_S // 3} {HOLD_S}"
        yield from (f" neighbor {near} remote-as {AS}", f" neighbor {near} timers connect 1")
        for k in range(len(self.regions)):
            far = self.exit_address(at, k) + 1
            yield f" neighbor {far} remote-as {FIRST_AS + k}"
            yield f" neighbor {far} timers connect 1"
        yield " address-family ipv4 unicast"
        yield from (f"  network {each}" for each in self.aggregates)
        yield from (" exit-address-family", "exit")

    def _region(self, region: int) -> Iterator[str]:
        mine = self.plan.prefixes[self.regions[region]][0].prefix[1]
        yield from (f"hostname r{region}", f"router bgp {FIRST_AS + region}")
        yield from (f" bgp router-id {mine}", " no bgp ebgp-requires-policy")
        yield f" timers bgp {HOLD_S // 3} {HOLD_S}"
        for i in range(len(self.exits)):
            near = self.exit_address(i, region)
            yield from (f" neighbor {near} remote-as {AS}", f" neighbor {near} timers connect 1")
        yield " address-family ipv4 unicast"
        yield "  maximum-paths 1"
        for i in range(len(self.exits)):
            yield f"  neighbor {self.exit_address(i, region)} route-map X{i} in"
        yield from (" exit-address-family", "exit")
        for i in range(len(self.exits)):
            yield from self._taste(region, i)

    def _taste(self, region: int, at: int) -> Iterator[str]:
        """Yield the local preference of a region for an exit, by province; what it hears of it.

        An entry for each rank: bgpd takes minutes to read one for each province.
        """
        by_rank: dict[int, list[str]] = {}
        for rank, prefix in self._ranked(region, at):
            by_rank.setdefault(rank, []).append(prefix)
        for rank, prefixes in sorted(by_rank.items()):
            yield from (f"ip prefix-list X{at}R{rank} permit {each}" for each in prefixes)
        yield f"no route-map X{at} optimization"  # its table is made anew at every line
        for rank in sorted(by_rank):
            yield f"route-map X{at} permit {rank + 1}"
            yield f" match ip address prefix-list X{at}R{rank}"
            yield f" set local-preference {_PREFERENCE - rank}"
            yield "exit"

    def _ranked(self, region: int, at: int) -> Iterator[tuple[int, str]]:
        """Yield the rank of an exit for each prefix that a region hears there."""
        preferences = self.world.catchment.preferences
        for p, aggregate in enumerate(self.aggregates):
            utility, specific = (each[p, region, 0] for each in
                                 (preferences.utility, preferences.specific))  # fmt: skip
            if np.isfinite(utility[at]):
                yield int(ranks(utility)[at]), str(aggregate)
            if np.isfinite(specific[at]):
                size = aggregate.prefixlen + 1
                yield int(ranks(specific)[at]), f"{aggregate} ge {size} le 32"


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each exit: 0 for the one that is preferred most, of equals the first."""
    rank = np.empty(len(values), dtype=int)
    rank[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return rank
