"""Pairs of nodes that exchange traffic."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network


def of_kinds(network: Network, kinds: Iterable[str]) -> np.ndarray:
    """Mask of the nodes of some kinds; of all nodes if none is named."""
    wanted = tuple(kinds)
    return np.isin(network.node_kind, wanted) if wanted else np.ones(len(network.nodes), dtype=bool)


def demands_between(network: Network, nodes: np.ndarray, classes: Iterable[str]) -> Demands:
    """Return a demand of 1 Gbps for every pair of *nodes* whose class is among *classes*."""
    source, target = (grid.ravel() for grid in np.meshgrid(nodes, nodes, indexing="ij"))
    traffic_class = network.class_of(source, target)
    kept = (source != target) & np.isin(traffic_class, tuple(classes))
    return Demands(
        network.nodes, source[kept], target[kept], traffic_class[kept], np.ones(int(kept.sum()))
    )
