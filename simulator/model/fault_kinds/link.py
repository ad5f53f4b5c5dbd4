"""A link down."""

from __future__ import annotations

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("link")
class Link(FaultKind):
    """A link that goes down, in both directions."""

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return every link by itself."""
        return {link: {i: 1.0} for i, link in enumerate(network.links)}
