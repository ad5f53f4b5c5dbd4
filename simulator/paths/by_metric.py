"""ByMetric: the first shortest path by metric of every demand by way of each exit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.candidates import Paths, paths_by_exit, remembered


class ByMetric(NamedTuple):
    """Paths that routers take to an exit, and from it on, without tunnels along others.

    Attributes
    ----------
    arcs : ndarray of int, shape (exits,)
        Arcs of exits in both directions, in order.
    paths : Paths
    place : ndarray of int, shape (demands, exits)
        Position of each demand's path by each exit; -1 where there is none.
    """

    arcs: np.ndarray
    paths: Paths
    place: np.ndarray

    @classmethod
    def of(cls, network: Network, demands: Demands) -> ByMetric:
        """Return those of some demands, kept with the network for the next time."""
        key = remembered(network, demands, "by exit and metric", network.metric.tobytes())
        if key not in network.memo:
            arcs = np.sort(np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]]))
            network.memo[key] = cls(arcs, *paths_by_exit(network, demands, arcs, network.metric))
        found: ByMetric = network.memo[key]
        return found
