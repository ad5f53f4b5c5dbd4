"""Hot potato: hand international traffic over at the nearest gateway, blind to load."""

from __future__ import annotations

from typing import ClassVar

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
    announced. Gateways at the same distance share a demand equally, as BGP multipath does, so that
    the order of nodes in a file decides nothing. Inside each leg equal costs split per hop (ECMP).
    Domestic traffic follows ECMP.
    Source: Teixeira et al., Dynamics of Hot-Potato Routing in IP Networks, SIGMETRICS 2004.

    Attributes
    ----------
    ties : str
        ``split``: gateways at the same distance share a demand equally; ``lowest_id``: it goes by
        the one whose id comes first in the alphabet, as a router without multipath prefers the
        lowest router id.
    """

    ties: gateways.Ties = "split"

    topology_only: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits for every pair of nearest gateway and destination."""
        distance = gateways.gateway_distances(network, demands)
        return gateways.by_gateway(network, demands, gateways.nearest(network, distance, self.ties))
