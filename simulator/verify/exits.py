"""Exits: which shares of the traffic the project has at each exit under given decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from simulator.control.local_repair import locally_repaired
from simulator.export.decided import Pair, Ways
from simulator.model.demands import Demands
from simulator.model.exit_shares import PER_CENT, ExitShares
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.by_metric import ByMetric
from simulator.routing.igp_ecmp import IgpEcmp


def exit_shares(
    ways: Mapping[Pair, Ways], rates: Mapping[Pair, float], network: Network, after: Network
) -> dict[str, float]:
    """Return the share of all traffic that each exit has, by the project's own routes.

    Decisions are followed along the IGP's paths to their exits; where links are down, the node
    before one repairs by itself, and pairs without a decision follow reconverged static routes.

    Parameters
    ----------
    network : Network
        With all links, so that there is a path to every exit.
    after : Network
        The same, with what is down now; the same object where nothing is.
    """
    pairs = sorted(pair for pair, gbps in rates.items() if gbps > 0)
    gbps = np.array([rates[pair] for pair in pairs])
    demands = Demands.of(network, [p[0] for p in pairs], [p[1] for p in pairs], gbps)
    routes = _along(ways, pairs, network, demands)
    routes = routes.with_fallback(IgpEcmp().route(after, demands))
    if after is not network:
        routes = locally_repaired(routes, after, demands)
    loads = ExitShares.of(routes.matrix, network).loads(gbps)
    exits = network.exits
    total = float(gbps.sum())
    both = (loads[2 * exits] + loads[2 * exits + 1]) / total
    return {network.links[at]: float(share) for at, share in zip(exits, both, strict=True)}


def _along(
    ways: Mapping[Pair, Ways], pairs: list[Pair], network: Network, demands: Demands
) -> Routes:
    entries = list(_entries(ways, pairs, network))
    demand, arc = (np.array([each[k] for each in entries], dtype=np.int64) for k in (0, 1))
    percent = np.array([each[2] for each in entries], dtype=float)
    arcs, paths, place = ByMetric.of(network, demands)
    mine = paths.take(place[demand, np.searchsorted(arcs, arc)])
    share = percent / PER_CENT
    return Routes.from_paths(network, len(demands), mine.demand, share, mine.arcs, mine.starts)


def _entries(
    ways: Mapping[Pair, Ways], pairs: list[Pair], network: Network
) -> Iterator[tuple[int, int, int]]:
    for i, pair in enumerate(pairs):
        for link, percent in ways.get(pair, {}).items():
            arc = 2 * network.link_index[link]
            yield i, arc if network.crosses_out[arc] else arc + 1, percent
