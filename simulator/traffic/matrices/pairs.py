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


def apart(sources: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of different nodes, from a source to a target."""
    source, target = (grid.ravel() for grid in np.meshgrid(sources, targets, indexing="ij"))
    return source[source != target], target[source != target]


def demands_between(network: Network, nodes: np.ndarray, classes: Iterable[str]) -> Demands:
    """Return a demand of 1 Gbps for every pair of *nodes* whose class is among *classes*."""
    source, target = apart(nodes, nodes)
    traffic_class = network.class_of(source, target)
    kept = np.isin(traffic_class, tuple(classes))
    return Demands(
        network.nodes, source[kept], target[kept], traffic_class[kept], np.ones(int(kept.sum()))
    )
