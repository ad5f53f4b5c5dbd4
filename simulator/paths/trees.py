"""Trees: the arc that every node takes to each destination, and the flow that passes along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.model.network import Network


@dataclass(frozen=True, eq=False)
class Trees:
    """One tree of shortest paths to each of some destinations.

    Attributes
    ----------
    network : Network
    targets : ndarray of int, shape (destinations,)
        Their nodes.
    distance : ndarray, shape (destinations, nodes)
        From every node to each destination; infinite where there is no path.
    onward : ndarray of int, shape (destinations, nodes)
        The arc that each node takes; -1 at the destination and where there is no path.
    """

    network: Network
    targets: np.ndarray
    distance: np.ndarray
    onward: np.ndarray

    def passing(self, rate: np.ndarray) -> np.ndarray:
        """Flow that leaves every node by its arc when *rate* enters, shape (destinations, nodes).

        After *i* rounds a node has what enters fewer than ``2 ** i`` hops before it, so that the
        number of rounds is the logarithm of the longest path.
        """
        count, nodes = self.onward.shape
        arc = self.onward.ravel()
        leaves = arc >= 0
        onto = np.repeat(np.arange(0, count * nodes, nodes), nodes) + self.network.head[arc]
        flow = np.where(leaves, rate.ravel(), 0.0)
        # What reaches the destination leaves by no arc.
        inner = np.flatnonzero(leaves)
        ahead = onto[inner]
        while True:
            on = leaves[ahead]
            inner, ahead = inner[on], ahead[on]
            if not len(inner):
                break
            flow += np.bincount(ahead, flow[inner], len(arc))
            ahead = onto[ahead]
            onto[inner] = ahead
        return flow.reshape(rate.shape)

    def follow(self, row: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Walk the tree of each pair of destination and node; see :func:`walked`."""
        reached = self.onward[row, source] >= 0
        return walked(self.network, self.targets, self.onward, reached, row, source)


def walked(
    network: Network,
    targets: np.ndarray,
    onward: np.ndarray,
    reached: np.ndarray,
    row: np.ndarray,
    source: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Walk by the arc that every node takes to each target, shape (targets, nodes).

    Parameters
    ----------
    reached : ndarray of bool, shape (pairs,)
        Pairs that have a path.
    row, source : ndarray of int, shape (pairs,)
        Position of the target in *targets*, and the node to start from.

    Returns
    -------
    arcs, starts : ndarray of int
        Ragged: ``arcs[starts[i]:starts[i + 1]]`` is path *i*, empty where there is none.
    """
    at = source.copy()
    walking = np.flatnonzero(reached & (at != targets[row]))
    columns = []
    while len(walking):
        arc = onward[row[walking], at[walking]]
        column = np.full(len(source), -1, dtype=np.int64)
        column[walking] = arc
        columns.append(column)
        at[walking] = network.head[arc]
        walking = walking[at[walking] != targets[row[walking]]]
        if len(columns) > len(network.nodes):
            raise AssertionError("a shortest path runs in a circle")
    table = np.stack(columns, axis=1) if columns else np.empty((len(source), 0), np.int64)
    starts = np.concatenate([[0], np.cumsum((table >= 0).sum(axis=1))])
    return table[table >= 0], starts
