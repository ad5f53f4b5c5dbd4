"""Routers: the network of a scenario in a lab, with FRR on every node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from simulator.base.errors import SimulatorError
from simulator.export.addresses import AS, CONTROLLER, AddressPlan
from simulator.export.frr_router import sections
from simulator.verify import overlay
from simulator.verify.commands import batch
from simulator.verify.kernel import Table, held
from simulator.verify.lab import Lab

CONTROL = "c0"
"""Interface between the controller and the router that it is at."""
UP_WITHIN_S = 180.0
_POLL_S = 0.5
_HUB_ZEBRA = "interface {0}\n ip address {1}/31\nexit\n!\n"
_OWN_TABLE = f"""\
route-map DECISIONS permit 10
 set table {overlay.OWN_TABLE}
exit
router bgp {AS}
 address-family ipv4 unicast
  neighbor {CONTROLLER} route-map DECISIONS in
 exit-address-family
exit
"""
_HUB_ISIS = "interface {0}\n ip router isis 1\n isis passive\nexit\n!\n"


@dataclass(frozen=True, eq=False)
class Routers:
    """All routers of a network.

    Attributes
    ----------
    lab : Lab
    plan : AddressPlan
    with_controller : bool
        Whether decisions are given to them: then there are a controller and BGP.
    with_tunnels : bool
        Whether there is the overlay, too.
    """

    lab: Lab
    plan: AddressPlan
    with_controller: bool
    with_tunnels: bool = True

    @cached_property
    def spaces(self) -> dict[str, str]:
        """Namespace of each node; they are made when they are first asked for."""
        return {node: self.lab.space(f"n{i}") for i, node in enumerate(self.plan.network.nodes)}

    @cached_property
    def controller(self) -> str:
        """Namespace of the controller."""
        return self.lab.space("controller")

    @cached_property
    def hub(self) -> str:
        """The node that the controller is at: of those with transit at home, one with most links.

        With ties, the first of the file.
        """
        network = self.plan.network
        links = np.bincount(network.tail, minlength=len(network.nodes))
        fit = ~network.is_stub & ~network.is_abroad
        return network.nodes[int(np.where(fit, links, -1).argmax())]

    @property
    def daemons(self) -> int:
        """How many daemons of FRR run."""
        return 2 * len(self.plan.network.nodes) + self.with_controller * len(self.plan.provinces)

    def build(self) -> None:
        """Make namespaces and links, and start all daemons."""
        network, plan = self.plan.network, self.plan
        wires = []
        for i, link in enumerate(network.links):
            a, b = (self.spaces[network.nodes[int(end[2 * i])]]
                    for end in (network.tail, network.head))  # fmt: skip
            wires.append((a, plan.interface(link), b, plan.interface(link)))
        if self.with_controller:
            wires.append((self.spaces[self.hub], CONTROL, self.controller, CONTROL))
        self.lab.wire(wires)
        if self.with_controller:
            near = [f"addr add {CONTROLLER}/31 dev {CONTROL}",
                    f"route add default via {CONTROLLER - 1}"]  # fmt: skip
            batch(near, "ip", "-n", self.controller)
            if self.with_tunnels:
                self._build_overlay()
        places = {node: self.lab.place(f"n{i}") for i, node in enumerate(network.nodes)}
        parts = {node: self._configuration(node) for node in network.nodes}
        for daemon in ("zebra", "isisd", "bgpd"):
            for node in network.nodes:
                if daemon in parts[node]:
                    self.lab.frr(self.spaces[node], places[node], daemon, parts[node][daemon])

    def wait(self) -> float:
        """Wait until every router has a route to each other one; return the seconds it took.

        Raises
        ------
        SimulatorError
            That takes too long, or a daemon has ended.
        """
        loopbacks = {node: str(address) for node, address in self.plan.loopbacks.items()}
        left = set(self.spaces)

        def done() -> bool:
            if gone := self.lab.ended():
                raise SimulatorError(f"{Path(gone[0]).name} ended by itself: {self._said()}")
            tables = self.tables(left)
            left.difference_update(
                node for node, table in tables.items()
                if all(address in table for to, address in loopbacks.items() if to != node)
            )  # fmt: skip
            return not left

        began = time.monotonic()
        if not wait_for(done, UP_WITHIN_S, _POLL_S):
            missing = ", ".join(sorted(left)[:3])
            raise SimulatorError(
                f"{len(left)} routers lack routes after {UP_WITHIN_S:g} s: {missing}, ..."
            )
        if self.with_controller and self.with_tunnels:
            self.put_back(self.plan.exits)
        return time.monotonic() - began

    def tables(self, nodes: Iterable[str]) -> dict[str, Table]:
        """Return the routes in the kernels of some routers, for traffic that begins there."""
        names = list(nodes)
        found = held([self.spaces[node] for node in names])
        own = [node for node in names if node in self._with_own_table]
        before = held([self.spaces[node] for node in own], str(overlay.OWN_TABLE))
        return {
            node: {**found[self.spaces[node]], **before.get(self.spaces[node], {})}
            for node in names
        }

    @cached_property
    def _with_own_table(self) -> set[str]:
        if not (self.with_controller and self.with_tunnels):
            return set()
        return {node for node in self.plan.provinces if overlay.has_own_table(self.plan, node)}

    def put_back(self, links: Iterable[str]) -> None:
        """Write the routes of the exits' own tables, which a kernel drops when a link goes down."""
        for link in links:
            space = self.spaces[overlay.gateway_of(self.plan, link)]
            batch([f"route replace {overlay.exit_route(self.plan, link)}"], "ip", "-n", space)

    def set_links(self, links: Iterable[str], state: str) -> None:
        """Let links go ``down`` or ``up``, at their end at home where one is."""
        network = self.plan.network
        for link in links:
            a, b = 2 * network.link_index[link], 2 * network.link_index[link] + 1
            end = b if network.is_abroad[network.tail[a]] else a
            space = self.spaces[network.nodes[int(network.tail[end])]]
            batch([f"link set {self.plan.interface(link)} {state}"], "ip", "-n", space)

    def _build_overlay(self) -> None:
        plan = self.plan
        gateways = {overlay.gateway_of(plan, link) for link in plan.exits}
        for node in dict.fromkeys([*plan.provinces, *sorted(gateways)]):
            lines = overlay.device(plan, node)
            if node in plan.provinces:
                lines += overlay.neighbours(plan, node)
            batch([*lines, *overlay.arrivals(plan, node)], "ip", "-n", self.spaces[node])
        for node in plan.provinces:
            batch(overlay.far_ends(plan), "bridge", "-n", self.spaces[node])

    def _configuration(self, node: str) -> dict[str, str]:
        parts = sections(self.plan, node)
        if not self.with_controller:
            return {name: parts[name] for name in ("zebra", "isisd")}
        if node == self.hub:
            parts["zebra"] += _HUB_ZEBRA.format(CONTROL, CONTROLLER - 1)
            parts["isisd"] += _HUB_ISIS.format(CONTROL)
        if node in self._with_own_table:
            parts["bgpd"] += _OWN_TABLE
        return parts

    def _said(self) -> str:
        texts = (file.read_text(errors="replace") for file in self.lab.folder.glob("*/*.out"))
        lines = [line for text in texts for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def wait_for(condition: Callable[[], bool], within_s: float, every_s: float) -> bool:
    """Wait until something holds; return whether it did in time."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True
