"""A node down."""

from __future__ import annotations

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("node")
class Node(FaultKind):
    """A node that goes down with all its links."""

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the links at every node."""
        links: dict[str, dict[int, float]] = {node: {} for node in network.nodes}
        for arc, node in enumerate(network.tail):
            links[network.nodes[node]][arc // 2] = 1.0
        return links
