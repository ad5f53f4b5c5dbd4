"""Oracle of tree columns: what all demands cost at prices, and the loads of their shortest trees.

Demands to one destination share a tree of shortest paths, and destinations stand in groups. So one
call answers for any number of demands: a shortest tree to every destination, the rates pushed along
it, and the loads added up for every group.

Trees lead to destinations, not from sources, because the rules of the network (stubs, the border,
exits that are closed to some traffic) depend on where traffic goes: see ``paths/shortest.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.shortest import HOP_MS, Search, destinations_of
from simulator.paths.trees import Trees

GROUPS = 80
"""Most groups of destinations: more of them need fewer rounds of larger programs."""
_AT_ONCE = 1 << 17
"""Places (destinations times nodes) that are searched in one go: what a cache holds."""
_TIE_BREAK = 1e-11
"""Share of the longest arc that is added to all, so that no path runs in a circle."""


class Grown(NamedTuple):
    """Shortest trees under weights of the arcs, summed up by group.

    Attributes
    ----------
    value : ndarray, shape (groups,)
        Rates times lengths of their shortest paths.
    load : ndarray, shape (groups, arcs)
        Load of the trees.
    weight : ndarray, shape (arcs,)
        The lengths themselves.
    tie : float
        What of every length is there to break ties.
    """

    value: np.ndarray
    load: np.ndarray
    weight: np.ndarray
    tie: float


class TreeOracle:
    """The demands by destination and source, and the searches for their trees.

    Parameters
    ----------
    network : Network
    demands : Demands
    rate : ndarray, shape (demands,)
        In any unit.
    groups : int
        Most groups of destinations. They are parted in the order of their nodes.

    Attributes
    ----------
    row : ndarray of int, shape (demands,)
        Destination of each demand.
    group : ndarray of int, shape (destinations,)
    reaches : ndarray of bool, shape (demands,)
        Demands that have a path.
    calls : int
        How often trees were searched.
    """

    def __init__(
        self, network: Network, demands: Demands, rate: np.ndarray, groups: int = GROUPS
    ) -> None:
        self.network, self.source = network, demands.source
        self.destinations, self.row = destinations_of(network, demands)
        count, nodes = len(self.destinations), len(network.nodes)
        self.groups = min(groups, count)
        self.group = np.arange(count) * self.groups // max(count, 1)
        step = max(1, _AT_ONCE // nodes)
        self._parts = [np.arange(at, min(at + step, count)) for at in range(0, count, step)]
        self._searches = [Search(network, self.destinations.take(rows)) for rows in self._parts]
        self.calls = 0
        self.reaches = self._reaching()
        self.load_rates(np.where(self.reaches, rate, 0.0))

    def load_rates(self, rate: np.ndarray) -> None:
        """Take these rates of the demands; those without a path are to be zero."""
        count, nodes = len(self.destinations), len(self.network.nodes)
        at = self.row * nodes + self.source
        self.rate = np.bincount(at, rate, count * nodes).reshape(count, nodes)

    def _reaching(self) -> np.ndarray:
        weight = self.network.delay_ms + HOP_MS
        reaches = np.zeros((len(self.destinations), len(self.network.nodes)), dtype=bool)
        for rows, trees in self.trees(weight):
            reaches[rows] = np.isfinite(trees.distance)
        return reaches[self.row, self.source]

    def trees(self, weight: np.ndarray) -> Iterator[tuple[np.ndarray, Trees]]:
        """Yield destinations and their trees under lengths above zero, part by part."""
        for rows, search in zip(self._parts, self._searches, strict=True):
            yield rows, search.trees(weight)

    def under(self, weight: np.ndarray) -> Grown:
        """Send all demands along their shortest paths; lengths are made to be above zero."""
        self.calls += 1
        tie = _TIE_BREAK * (float(weight.max(initial=0.0)) or 1.0)
        weight = weight + tie
        arcs = len(weight)
        value, load = np.zeros(self.groups), np.zeros(self.groups * arcs)
        for rows, trees in self.trees(weight):
            rate, group = self.rate[rows], self.group[rows]
            asked = np.where(rate > 0, trees.distance, 0.0)
            value += np.bincount(group, (rate * asked).sum(axis=1), self.groups)
            flow = trees.passing(rate)
            used = flow > 0
            at = (group[:, None] * arcs + trees.onward)[used]
            load += np.bincount(at, flow[used], len(load))
        return Grown(value, load.reshape(self.groups, arcs), weight, tie)
