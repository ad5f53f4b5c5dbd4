"""Local repair: the node before a dead link sends traffic on by its own next best way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.model.demands import Demands
from simulator.model.detours import detoured
from simulator.model.hops import Hops
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.shortest import destinations_of, shortest_to


def locally_repaired(routes: Routes, network: Network, demands: Demands) -> Routes:
    """Return routes as they are while every node before a dead link repairs them by itself.

    From that node traffic follows shortest paths by IGP metric over what is left, split over equal
    costs, as its forwarding table has them after its own calculation. Nodes upstream change
    nothing.

    Parameters
    ----------
    network : Network
        As the nodes before dead links have noticed it.
    """
    dead = ~network.up
    if not any(dead[hops.arc].any() for hops, _ in routes.layers):
        return routes
    destinations, kind = destinations_of(network, demands)

    def ways(node: np.ndarray, of: np.ndarray) -> Hops:
        asked, row = np.unique(of, return_inverse=True)
        wanted = destinations.take(asked)
        splits = shortest_to(network, network.metric, wanted).ecmp()
        pairs = Demands(
            network.nodes,
            node,
            wanted.node[row],
            np.full(len(node), "transit", dtype=object),
            np.zeros(len(node)),
        )
        return Hops.of_splits(network, pairs, splits, wanted.node, row)

    layers = tuple(
        (detoured(hops, dead, network.tail, kind, ways), weight) for hops, weight in routes.layers
    )
    return replace(routes, layers=layers, warm_start=None)
