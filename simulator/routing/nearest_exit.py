"""Hot potato: hand international traffic over at the nearest gateway, blind to load."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.paths import towards
from simulator.routing.scheme import scheme


@scheme("nearest_exit")
class NearestExit:
    """Hot potato: international traffic leaves, and returns, at the gateway nearest by IGP metric.

    Outbound traffic goes to the gateway with the least IGP distance from its source, among those
    whose own exits reach the region; from there the least metric abroad decides. Inbound traffic
    enters through the gateway nearest to its target, where the prefixes of that target are
    announced. Inside each leg equal costs split per hop (ECMP). Domestic traffic follows ECMP.
    Source: Teixeira et al., Dynamics of Hot-Potato Routing in IP Networks, SIGMETRICS 2004.
    """

    demand_aware: ClassVar[bool] = False

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return splits for every pair of nearest gateway and destination."""
        abroad, gateways = network.is_abroad, network.gateways
        targets, row = np.unique(demands.target, return_inverse=True)
        crosses = abroad[demands.source] != abroad[demands.target]
        home = towards(network, network.metric, targets)
        gate = np.full(len(demands), -1)
        if crosses.any() and len(gateways):
            gate[crosses] = self._nearest(network, demands, crosses)

        # A commodity is what is forwarded alike: a target, by way of a gateway or of none (-1).
        pairs = np.stack([gate, row], axis=1)
        commodities, commodity = np.unique(pairs, axis=0, return_inverse=True)
        goal = targets[commodities[:, 1]]
        splits = home.ecmp()[commodities[:, 1]].tolil()
        through = np.flatnonzero(commodities[:, 0] >= 0)
        if len(through):
            gates = gateways[commodities[through, 0]]
            splits[through] = self._by_way_of(network, gates, goal[through])
        return Routes.from_splits(network, demands, splits.tocsr(), goal, commodity.ravel())

    @staticmethod
    def _abroad_only(network: Network) -> Network:
        """The network without links inside the country: what a gateway's own exits reach."""
        return network.under(up=network.up & (network.is_abroad[network.head] | network.crosses_in))

    def _nearest(self, network: Network, demands: Demands, crosses: np.ndarray) -> np.ndarray:
        """Position in ``network.gateways`` of the gateway of every crossing demand."""
        gateways = network.gateways
        some = demands.where(crosses)
        out = network.is_abroad[some.target]
        inner = np.where(out, some.source, some.target)
        outer = np.where(out, some.target, some.source)
        to_gate = towards(network, network.metric, gateways).distance[:, inner].T
        ends, end = np.unique(inner, return_inverse=True)
        from_gate = towards(network, network.metric, ends).distance[:, gateways][end]
        outside = self._abroad_only(network)
        regions, region = np.unique(outer, return_inverse=True)
        leaves = towards(outside, network.metric, regions).distance[:, gateways]
        returns = towards(outside, network.metric, gateways).distance[:, regions].T
        able = np.where(out[:, None], leaves[region], returns[region])
        # A stub carries no transit, even as a gateway: its exits are for itself alone.
        closed = network.is_stub[gateways] & (gateways != inner[:, None])
        able = np.where(closed, np.inf, able)
        distance = np.where(out[:, None], to_gate, from_gate)
        distance = np.where(np.isfinite(able), distance, np.inf)
        nearest = np.argmin(distance, axis=1)
        reached = np.isfinite(distance[np.arange(len(some)), nearest])
        return np.where(reached, nearest, -1)

    def _by_way_of(self, network: Network, gates: np.ndarray, goal: np.ndarray) -> sparse.csr_array:
        """Splits of each (gateway, goal): one leg inside the country, one abroad."""
        outside = self._abroad_only(network)
        out = network.is_abroad[goal]
        inner_end, outer_end = np.where(out, gates, goal), np.where(out, goal, gates)
        ends, which = np.unique(inner_end, return_inverse=True)
        inside = towards(network, network.metric, ends).ecmp()[which].tocoo()
        ends, which = np.unique(outer_end, return_inverse=True)
        beyond = towards(outside, network.metric, ends).ecmp()[which].tocoo()
        # The leg abroad starts at this gateway's own exits, not at those of others on the way.
        tail = network.tail[beyond.col]
        own = network.is_abroad[tail] | (tail == gates[beyond.row])
        stays = ~network.is_abroad[network.tail[inside.col]]
        return sparse.csr_array(
            (
                np.concatenate([inside.data[stays], beyond.data[own]]),
                (
                    np.concatenate([inside.row[stays], beyond.row[own]]),
                    np.concatenate([inside.col[stays], beyond.col[own]]),
                ),
            ),
            shape=(len(goal), len(network.tail)),
        )
