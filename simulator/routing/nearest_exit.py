"""Hot potato: hand international traffic over at the nearest gateway, blind to load."""

from __future__ import annotations

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths import gateways
from simulator.routing.scheme import Scheme, scheme


@scheme("nearest_exit")
class NearestExit(Scheme):
    """Hot potato: international traffic leaves, and returns, at the gateway nearest by IGP metric.

    Outbound traffic goes to the gateway with the least IGP distance from its source, among those
    whose own exits reach the region; from there the least metric abroad decides. Inbound traffic
    enters through the gateway nearest to its target, where the prefixes of that target are
    announced. Inside each leg equal costs split per hop (ECMP). Domestic traffic follows ECMP.
    Source: Teixeira et al., Dynamics of Hot-Potato Routing in IP Networks, SIGMETRICS 2004.
    """

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits for every pair of nearest gateway and destination."""
        gate = gateways.nearest(gateways.gateway_distances(network, demands))
        return gateways.by_gateway(network, demands, gate)
