"""Shortest paths by IGP metric with equal-cost multipath, as OSPF and IS-IS route."""

from __future__ import annotations

from typing import ClassVar

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.shortest import ecmp
from simulator.routing.scheme import Scheme, scheme


@scheme("igp_ecmp")
class IgpEcmp(Scheme):
    """Shortest path by IGP metric, split equally per hop over all equal-cost next hops.

    Destination-based: at every node, traffic to a destination splits equally over all links that
    start a shortest path there, whatever its source. Parallel links count as separate next hops.
    Stub nodes carry no transit whatever the metrics. Source: RFC 2328 section 16.8; ISO 10589.
    """

    topology_only: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits to every destination."""
        return ecmp(network, demands, network.metric)
