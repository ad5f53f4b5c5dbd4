"""The plant: what physically stands at this moment, the same for every strategy."""

from __future__ import annotations

import numpy as np
import simpy

from simulator.model.network import Network
from simulator.simulation.clock import Clock


class Plant:
    """Links, nodes and cables as faults and upgrades leave them.

    Attributes
    ----------
    network : Network
        The network as it stands now: arcs down and capacities left.
    topology_changed : simpy.Event
        Fires when a link comes up or goes down. A partial cut changes capacity, not topology, and
        is invisible to the IGP; a new event takes the place of one that fired.
    """

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock = clock
        self._whole = network
        self._capacity_gbps = network.capacity_gbps.copy()
        self._links_down = np.zeros(len(network.links), dtype=int)
        self._nodes_down = np.zeros(len(network.nodes), dtype=int)
        self._lost_share = np.zeros(len(network.links))
        self.network = network
        self.topology_changed: simpy.Event = clock.env.event()
        self._past: list[tuple[int, Network]] = [(0, network)]
        self.before_change: list = []

    def seen(self, ago_us: int) -> Network:
        """Return the network as it stood some time ago (at the start, before that)."""
        then = self._clock.now - ago_us
        for time, network in reversed(self._past):
            if time <= then:
                return network
        return self._past[0][1]

    def links(self, links: list[int], down: int) -> None:
        """Take links down (1) or bring them back (-1); overlapping faults add up."""
        self._links_down[links] += down
        self._change()

    def nodes(self, nodes: list[int], down: int) -> None:
        """Take nodes down (1) or bring them back (-1)."""
        self._nodes_down[nodes] += down
        self._change()

    def cable(self, cable: str, lost: float) -> None:
        """Lose (or with a negative number regain) a share of a cable on every link it carries."""
        self._lost_share += lost * self._whole.cable_share(cable)
        self._change()

    def set_capacity(self, link: int, capacity_gbps: np.ndarray) -> None:
        """Set the capacity of both directions of a link."""
        self._capacity_gbps[2 * link : 2 * link + 2] = capacity_gbps
        self._change()

    def capacity_of(self, link: int) -> np.ndarray:
        """Installed capacity of both directions of a link, before faults."""
        return self._capacity_gbps[2 * link : 2 * link + 2].copy()

    def _change(self) -> None:
        for notice in self.before_change:
            notice()
        whole = self._whole
        left = np.clip(1.0 - self._lost_share, 0.0, 1.0)
        left[left < 1e-9] = 0.0
        link_up = (self._links_down == 0) & (left > 0)
        node_up = self._nodes_down == 0
        up = whole.up & np.repeat(link_up, 2) & node_up[whole.tail] & node_up[whole.head]
        old_up = self.network.up
        self.network = whole.under(up=up, capacity_gbps=self._capacity_gbps * np.repeat(left, 2))
        self._past.append((self._clock.now, self.network))
        if not np.array_equal(up, old_up):
            fired, self.topology_changed = self.topology_changed, self._clock.env.event()
            fired.succeed()
