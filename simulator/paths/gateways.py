"""Routes by way of a gateway, in two legs: one inside the country, one abroad.

Each leg follows shortest paths by IGP metric, split per hop over equal costs. The leg abroad starts
(or ends) at this gateway's own exits.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.shortest import EQUAL, Destinations, destinations_of, shortest_to

Ties = Literal["split", "lowest_id"]


def home_and_abroad(network: Network, demands: Demands) -> tuple[np.ndarray, np.ndarray]:
    """The end at home and the end abroad of demands that cross the border."""
    out = network.is_abroad[demands.target]
    return (
        np.where(out, demands.source, demands.target),
        np.where(out, demands.target, demands.source),
    )


def crossing(network: Network, demands: Demands) -> np.ndarray:
    """Which demands cross the border."""
    return network.is_abroad[demands.source] != network.is_abroad[demands.target]


def gateway_distances(network: Network, demands: Demands) -> np.ndarray:
    """How far every gateway is from the end at home of each demand, by IGP metric.

    Returns
    -------
    ndarray, shape (demands, gateways)
        Columns as in ``network.gateways``. Infinite without a path between the end at home and the
        gateway, or between the gateway's own exits and the end abroad, in the direction of the
        demand; infinite too for demands that do not cross the border.
    """
    gateways = network.gateways
    distance = np.full((len(demands), len(gateways)), np.inf)
    crosses = crossing(network, demands)
    if not crosses.any() or not len(gateways):
        return distance
    some = demands.take(crosses)
    out = network.is_abroad[some.target]
    inner, outer = home_and_abroad(network, some)
    to_gate = shortest_to(network, network.metric, gateways).distance[:, inner].T
    ends, end = np.unique(inner, return_inverse=True)
    from_gate = shortest_to(network, network.metric, ends).distance[:, gateways][end]
    outside = _abroad_only(network)
    regions, region = np.unique(outer, return_inverse=True)
    shut = None if network.closed is None else network.closed[:, regions].T
    leaves = shortest_to(outside, network.metric, Destinations(regions, shut)).distance[:, gateways]
    pairs = np.repeat(np.arange(len(regions)), len(gateways))
    back = Destinations(np.tile(gateways, len(regions)), None if shut is None else shut[pairs])
    returns = shortest_to(outside, network.metric, back).distance
    returns = returns[np.arange(len(pairs)), regions[pairs]].reshape(len(regions), len(gateways))
    able = np.where(out[:, None], leaves[region], returns[region])
    # A stub carries no transit, even as a gateway: its exits are for itself alone.
    opens = ~network.is_stub[gateways] | (gateways == inner[:, None])
    known = np.where(out[:, None], to_gate, from_gate)
    distance[crosses] = np.where(opens & np.isfinite(able), known, np.inf)
    return distance


def nearest(network: Network, distance: np.ndarray, ties: Ties = "split") -> np.ndarray:
    """Share of each demand that goes by each gateway: by the nearest one, whatever the file order.

    Parameters
    ----------
    distance : ndarray, shape (demands, gateways)
        As of :func:`gateway_distances`.
    ties : {"split", "lowest_id"}
        Gateways that are equally near share a demand equally, or it goes by the one whose id comes
        first in the alphabet.

    Returns
    -------
    ndarray, shape (demands, gateways)
        A row of zeros where no gateway is in reach.
    """
    if not distance.size:
        return np.zeros(distance.shape)
    least = distance.min(axis=1, keepdims=True)
    ties_at = np.isfinite(distance) & (distance <= least * (1.0 + EQUAL))
    if ties == "lowest_id":
        order = np.argsort([network.nodes[node] for node in network.gateways], kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        first = np.argmin(np.where(ties_at, rank, len(order)), axis=1)
        ties_at &= np.arange(distance.shape[1]) == first[:, None]
    return ties_at / np.maximum(ties_at.sum(axis=1, keepdims=True), 1)


def by_gateway(network: Network, demands: Demands, share: np.ndarray) -> Routes:
    """Route each demand by way of its gateways, or by plain ECMP where it has none.

    Parameters
    ----------
    share : ndarray, shape (demands, gateways)
        Share of each demand by each gateway, in the order of ``network.gateways``; each row adds up
        to 1, or to 0 for a demand without a gateway.
    """
    # First everything by the first gateway of each demand; what others share comes on top.
    some = share > 0
    first = np.where(some.any(axis=1), some.argmax(axis=1), -1) if share.size else -1
    routes = _by_one(network, demands, np.broadcast_to(first, (len(demands),)))
    later = np.cumsum(some, axis=1) > 1
    for gateway in np.flatnonzero((some & later).any(axis=0)):
        mine = np.flatnonzero(some[:, gateway] & later[:, gateway])
        whole = share[mine, : gateway + 1].sum(axis=1)
        part = _by_one(network, demands.take(mine), np.full(len(mine), gateway))
        upper = part.scaled(share[mine, gateway] / whole).scattered(mine, len(demands))
        routes = upper.with_fallback(routes)
    return routes


def _by_one(network: Network, demands: Demands, gate: np.ndarray) -> Routes:
    """Route each demand by way of one gateway: its position, -1 for none, shape (demands,)."""
    destinations, row = destinations_of(network, demands)
    # A commodity is forwarded in one way: to a destination, by a gateway or by none (-1).
    pairs = np.stack([gate, row], axis=1)
    commodities, commodity = np.unique(pairs, axis=0, return_inverse=True)
    commodity = commodity.reshape(-1)  # NumPy 2.0 gives it a second axis
    destination = destinations.take(commodities[:, 1])
    splits = shortest_to(network, network.metric, destinations).ecmp()[commodities[:, 1]].tolil()
    through = np.flatnonzero(commodities[:, 0] >= 0)
    if len(through):
        gates = network.gateways[commodities[through, 0]]
        splits[through] = _two_legs(network, gates, destination.take(through))
    return Routes.from_splits(network, demands, splits.tocsr(), destination.node, commodity.ravel())


def _abroad_only(network: Network) -> Network:
    """The network without links inside the country: what a gateway's own exits reach."""
    return network.under(up=network.up & (network.is_abroad[network.head] | network.crosses_in))


def _two_legs(network: Network, gates: np.ndarray, destination: Destinations) -> sparse.csr_array:
    """Splits of each (gateway, destination): one leg inside the country, one abroad."""
    outside = _abroad_only(network)
    out = network.is_abroad[destination.node]
    ends, which = np.unique(np.where(out, gates, destination.node), return_inverse=True)
    inside = shortest_to(network, network.metric, ends).ecmp()[which].tocoo()
    outer = Destinations(np.where(out, destination.node, gates), destination.closed)
    beyond = shortest_to(outside, network.metric, outer).ecmp().tocoo()
    # The leg abroad starts at this gateway's own exits, not at those of others on the way.
    tail = network.tail[beyond.col]
    own = network.is_abroad[tail] | (tail == gates[beyond.row])
    stays = ~network.is_abroad[network.tail[inside.col]]
    row = np.concatenate([inside.row[stays], beyond.row[own]])
    arc = np.concatenate([inside.col[stays], beyond.col[own]])
    split = np.concatenate([inside.data[stays], beyond.data[own]])
    return sparse.csr_array((split, (row, arc)), shape=(len(destination), len(network.tail)))
