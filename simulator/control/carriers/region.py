"""Region: one exit for each destination, the same one everywhere."""

from __future__ import annotations

import numpy as np

from simulator.control.carriers.carrier import Carrier, carrier
from simulator.control.carriers.prefix_groups import by_destination
from simulator.model.demands import Demands
from simulator.model.exit_shares import ExitShares


@carrier("region")
class Region(Carrier):
    """Hop by hop: one exit for each region, and of inbound traffic for each province.

    What routers without tunnels carry of a decision if they have one prefix for each destination.
    All traffic there, whatever its source, goes by one of the exits that the decision uses for it:
    destinations with most traffic first, each by the exit that has most left of what it was to
    carry. Inside, traffic follows the first of the shortest paths by metric.
    """

    def carried(self, asked: ExitShares, demands: Demands) -> ExitShares:
        """Return one exit for each destination."""
        return by_destination(asked, demands, np.ones(1))
