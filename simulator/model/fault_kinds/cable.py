"""A cable cut."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("cable")
class Cable(FaultKind):
    """A cable that is cut: each link loses the share of its capacity that rides on it.

    A link with nothing left goes down; one with something left stays up, and no IGP notices.
    """

    partial: ClassVar[bool] = True
    verb: ClassVar[str] = "cut"

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the links on every cable, with the share of their capacity on it."""
        riding: dict[str, dict[int, float]] = {cable: {} for cable in network.cables}
        for i, link in enumerate(network.links):
            for cable, share in network.attributes(link)["cables"].items():
                riding[cable][i] = share
        return riding
