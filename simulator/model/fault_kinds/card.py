"""A line card down."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("card")
class Card(FaultKind):
    """A line card that goes down: each link loses the share of its capacity that is on it.

    A link with nothing left goes down; one with something left stays up, and no IGP notices.
    """

    partial: ClassVar[bool] = True

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the links on every card, with the share of their capacity on it."""
        riding: dict[str, dict[int, float]] = {}
        for i, link in enumerate(network.links):
            for card, share in (network.attributes(link).get("cards") or {}).items():
                riding.setdefault(card, {})[i] = share
        return riding
