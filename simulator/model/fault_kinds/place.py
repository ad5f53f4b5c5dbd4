"""A place where cables fail together."""

from __future__ import annotations

import math
from typing import ClassVar

from simulator.model.faults import FaultKind, fault
from simulator.model.network import Network


@fault("place")
class Place(FaultKind):
    """A place where all cables are cut that land there or pass it, as their entries say.

    Each is cut by the same part. A cable that another event cuts as well has no more to lose than
    all of it.
    """

    partial: ClassVar[bool] = True
    verb: ClassVar[str] = "hit"

    def shares(self, network: Network) -> dict[str, dict[int, float]]:
        """Return the links on the cables of every place, with the share on all of them."""
        riding: dict[str, dict[int, float]] = {place: {} for place in network.places}
        for i, link in enumerate(network.links):
            shares = network.attributes(link)["cables"]
            for place, cables in network.places.items():
                share = math.fsum(shares.get(cable, 0.0) for cable in cables)
                if share:
                    riding[place][i] = min(1.0, share)
        return riding

    def stands_for(self, network: Network) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return the cables of every place."""
        return {
            place: tuple(("cable", cable) for cable in cables)
            for place, cables in network.places.items()
        }
