"""A gateway site down."""

from __future__ import annotations

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("gateway")
class Gateway(FaultKind):
    """A gateway site that goes down with all exits of a node; its links at home stay up."""

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the exits of every node that has any."""
        exits: dict[str, dict[int, float]] = {network.nodes[i]: {} for i in network.gateways}
        for arc in network.exit_arcs["out"]:
            exits[network.nodes[network.tail[arc]]][int(arc) // 2] = 1.0
        return exits
