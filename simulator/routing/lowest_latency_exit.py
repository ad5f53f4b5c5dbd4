"""Cold potato: carry international traffic to the exit of least latency, blind to load."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.gateways import crossing
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to
from simulator.routing.scheme import Scheme, scheme


@scheme("lowest_latency_exit")
class LowestLatencyExit(Scheme):
    """Cold potato: international traffic crosses at the exit of least latency end to end.

    For every demand that crosses the border, out or in, the exit *x* minimises ::

        least delay(source, x) + delay(x) + least delay(x, target)

    over the exits that are up and have both legs, however full they are. A path crosses the border
    once, so the sum is least on the path of least delay altogether, and one tree per target finds
    it. Of equally fast paths, those with the fewest hops; remaining ties split per hop (ECMP).
    Domestic traffic follows ECMP by IGP metric. Source: McPherson and Patel, Experience with the
    BGP-4 Protocol, RFC 4277 section 7.1.1, MEDs and Potatoes (there by advertised metric, here by
    delay).
    """

    topology_only: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits to every destination, by delay and by metric."""
        destinations, row = destinations_of(network, demands)
        by_metric = shortest_to(network, network.metric, destinations).ecmp()
        by_delay = shortest_to(network, network.delay_ms + HOP_MS, destinations).ecmp()
        commodity = row + len(destinations) * crossing(network, demands)
        splits = sparse.csr_array(sparse.vstack([by_metric, by_delay]))
        ends = np.tile(destinations.node, 2)
        return Routes.from_splits(network, demands, splits, ends, commodity)
