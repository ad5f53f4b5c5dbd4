"""Widest paths: how much the best single path between two nodes could carry, if it were empty."""

from __future__ import annotations

import numpy as np

from simulator.model.network import Network


def widest_gbps(network: Network, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the capacity of the widest path of every pair: the narrowest step of the best path.

    An upper bound for one path: links side by side count together, each by its wider direction,
    and no rule of the border or of stubs closes a path. Zero where there is no path at all.

    The widest paths of all pairs lie on one maximum spanning forest. It is grown from the widest
    step down, and every tree remembers under which other it came and by how wide a step. Between
    two nodes, the way up from both, narrower from step to step, meets at the widest path.

    Parameters
    ----------
    network : Network
        Links that are down carry nothing.
    source, target : ndarray of int
        Positions of nodes.
    """
    parent, width = _forest(network)
    at, to = source.copy(), target.copy()
    widest = np.full(len(source), np.inf)
    while True:
        step = np.maximum(width[at], width[to])
        open_ = (at != to) & (step > 0)
        if not open_.any():
            return np.where(at == to, widest, 0.0)
        first = open_ & (width[at] == step)
        second = open_ & ~first
        at[first], to[second] = parent[at[first]], parent[to[second]]
        widest[open_] = np.minimum(widest, step)[open_]


def _forest(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Return what every node hangs under, and how wide the step between them is; zero for a root.

    The smaller tree hangs under the larger one, so that no way up is longer than log2 of the nodes.
    """
    count = len(network.nodes)
    parent, size, width = np.arange(count), np.ones(count, dtype=int), np.zeros(count)
    for gbps, ends in _steps(network):
        a, b = (_root(parent, end) for end in ends)
        if a != b:
            below, above = (a, b) if size[a] < size[b] else (b, a)
            parent[below], width[below] = above, gbps
            size[above] += size[below]
    return parent, width


def _steps(network: Network) -> list[tuple[float, tuple[int, int]]]:
    """Return the capacity between neighbours, and which they are, the widest first."""
    gbps = np.where(network.up, network.capacity_gbps, 0.0).reshape(-1, 2).max(axis=1)
    ends = np.sort(np.stack([network.tail[::2], network.head[::2]], axis=1), axis=1)
    pairs, which = np.unique(ends, axis=0, return_inverse=True)
    together = np.bincount(which.ravel(), gbps, len(pairs))
    order = np.argsort(-together, kind="stable")
    return [(float(together[i]), (int(pairs[i, 0]), int(pairs[i, 1]))) for i in order]


def _root(parent: np.ndarray, node: int) -> int:
    while parent[node] != node:
        node = parent[node]
    return node
