"""Shortest paths under the rules of the network, for all targets at once.

The rules: a stub never carries transit; traffic to a target at home never leaves the country and
traffic to a target abroad never comes back (:meth:`Network.usable`); a link that is down carries
nothing; an exit carries no traffic of ends abroad that it does not reach (:attr:`Network.closed`).
Weights are per arc; parallel links stay separate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.paths.trees import Trees, walked

HOP_MS = 1e-6
"""Added to every delay when paths are compared: of two paths as fast, take the shorter in hops."""
EQUAL = 1e-12
"""Lengths that differ by no more, relatively, are equal: fractional metrics tie as on paper."""


@dataclass(frozen=True, eq=False)
class Destinations:
    """Nodes to find shortest paths to, each for traffic that some exits may not carry.

    Attributes
    ----------
    node : ndarray of int, shape (destinations,)
    closed : ndarray of bool, shape (destinations, arcs), optional
        Arcs closed to this traffic; none when left out.
    """

    node: np.ndarray
    closed: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.node)

    def take(self, which: np.ndarray) -> Destinations:
        """Return some of the destinations."""
        return Destinations(self.node[which], None if self.closed is None else self.closed[which])


def destinations_of(network: Network, demands: Demands) -> tuple[Destinations, np.ndarray]:
    """Return the destinations of some demands, and the position of each demand's among them.

    Demands to one target share a destination, unless different exits reach their ends abroad.
    """
    if network.closed is None:
        node, row = np.unique(demands.target, return_inverse=True)
        return Destinations(node), row
    outer = np.where(network.is_abroad[demands.target], demands.target, demands.source)
    shut, kind = np.unique(network.closed[:, outer].T, axis=0, return_inverse=True)
    pairs = np.stack([demands.target, kind.ravel()], axis=1)
    pairs, row = np.unique(pairs, axis=0, return_inverse=True)
    return Destinations(pairs[:, 0], shut[pairs[:, 1]]), row.ravel()


@dataclass(frozen=True, eq=False)
class ShortestPaths:
    """Shortest distances to a set of targets.

    Attributes
    ----------
    targets : ndarray of int, shape (targets,)
        Their nodes, with repetition.
    distance : ndarray, shape (targets, nodes)
        From every node to each target; infinite where there is no path.
    via : ndarray, shape (targets, arcs)
        Length of the shortest path to the target that starts with this arc; infinite if barred.
    """

    network: Network
    targets: np.ndarray
    distance: np.ndarray
    via: np.ndarray

    def ecmp(self) -> sparse.csr_array:
        """Equal split at every node over all arcs on a shortest path, shape (targets, arcs).

        Lengths within a relative :data:`EQUAL` of each other count as equal.
        """
        best = self.distance[:, self.network.tail]
        onward = self.distance[:, self.network.head]
        # Strictly nearer: a metric lost in rounding beside a huge one could close a circle.
        on = np.isfinite(self.via) & (self.via <= best * (1 + EQUAL)) & (onward < best)
        row, arc = np.nonzero(on)
        key = row * len(self.network.nodes) + self.network.tail[arc]
        paths = np.bincount(key, minlength=len(self.targets) * len(self.network.nodes))
        return sparse.csr_array((1.0 / paths[key], arc, _starts(row, len(on))), shape=on.shape)

    def follow(self, row: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Walk one shortest path for each pair; ties go to the arc listed first.

        Parameters
        ----------
        row : ndarray of int
            Position of the target in ``targets``.
        source : ndarray of int
            Node to start from.

        Returns
        -------
        arcs, starts : ndarray of int
            Ragged: ``arcs[starts[i]:starts[i + 1]]`` is path *i*, empty where there is none.
        """
        reached = np.isfinite(self.distance[row, source])
        return walked(self.network, self.targets, self._first_arc, reached, row, source)

    @cached_property
    def _first_arc(self) -> np.ndarray:
        """The first arc of a shortest path from every node, shape (targets, nodes)."""
        tail, (order, group) = self.network.tail, self.network.by_tail
        via = self.via[:, order]
        best = np.minimum.reduceat(via, group, axis=1)
        good = via == np.repeat(best, np.diff(np.append(group, len(order))), axis=1)
        first = np.zeros((len(self.targets), len(self.network.nodes)), dtype=np.int64)
        first[:, tail[order][group]] = np.minimum.reduceat(
            np.where(good, order, len(order)), group, axis=1
        )
        return first


class Search:
    """Shortest paths to fixed destinations, found again and again under other lengths of the arcs.

    All that does not depend on the lengths is worked out once.

    Attributes
    ----------
    may_take : ndarray of bool, shape (destinations, arcs)
        Arcs that traffic to each destination may take.
    """

    def __init__(self, network: Network, destinations: Destinations) -> None:
        self._network, self._targets = network, destinations.node
        self.may_take = np.zeros((len(destinations), len(network.tail)), dtype=bool)
        self._sides = []
        for rows, usable in _by_usable_arcs(network, destinations):
            targets = self._targets[rows]
            self.may_take[rows] = usable & _may_enter(network, targets)
            self._sides.append((rows, _Side(network, targets, usable)))

    def under(self, weight: np.ndarray) -> ShortestPaths:
        """Find the shortest path from every node to each destination.

        *weight* is the length of every arc, above zero, shape (arcs,).
        """
        network = self._network
        distance = np.full((len(self._targets), len(network.nodes)), np.inf)
        for rows, side in self._sides:
            distance[rows] = side.distances(weight)
        via = np.where(self.may_take, weight + distance[:, network.head], np.inf)
        return ShortestPaths(network, self._targets, distance, via)

    def trees(self, weight: np.ndarray) -> Trees:
        """Find one tree of shortest paths to each destination.

        Lengths that are above zero by more than rounding make every path end.
        """
        nodes = len(self._network.nodes)
        distance = np.full((len(self._targets), nodes), np.inf)
        onward = np.full((len(self._targets), nodes), -1, dtype=np.int64)
        for rows, side in self._sides:
            distance[rows], onward[rows] = side.trees(weight)
        return Trees(self._network, self._targets, distance, onward)


def shortest_to(
    network: Network, weight: np.ndarray, destinations: Destinations | np.ndarray
) -> ShortestPaths:
    """Find the shortest path from every node to each destination.

    *weight* is the length of every arc, above zero, shape (arcs,).
    """
    if not isinstance(destinations, Destinations):
        destinations = Destinations(destinations)
    return Search(network, destinations).under(weight)


def ecmp(network: Network, demands: Demands, weight: np.ndarray) -> Routes:
    """Route over shortest paths under *weight* (per arc, above zero), split per hop."""
    destinations, row = destinations_of(network, demands)
    return Routes.from_splits(
        network, demands, shortest_to(network, weight, destinations).ecmp(), destinations.node, row
    )


def _by_usable_arcs(
    network: Network, destinations: Destinations
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Destinations to which the same arcs are usable, and these arcs."""
    for abroad in (False, True):
        rows = np.flatnonzero(network.is_abroad[destinations.node] == abroad)
        usable = network.usable(abroad)
        if not len(rows):
            continue
        if destinations.closed is None:
            yield rows, usable
            continue
        shut, kind = np.unique(destinations.closed[rows], axis=0, return_inverse=True)
        for i, each in enumerate(shut):
            yield rows[kind.ravel() == i], usable & ~each


def _may_enter(network: Network, targets: np.ndarray) -> np.ndarray:
    """Arcs that enter no stub but the target itself, shape (targets, arcs)."""
    return ~network.is_stub[network.head] | (network.head == targets[:, None])


def shortest_to_each(
    network: Network, weight: np.ndarray, destinations: Destinations
) -> ShortestPaths:
    """Find the shortest path from every node to each destination, under lengths of its own.

    *weight* is the length of every arc for traffic to each, above zero by more than rounding,
    shape (destinations, arcs).
    """
    targets = destinations.node
    length = np.full(weight.shape, np.inf)
    for rows, usable in _by_usable_arcs(network, destinations):
        enters = _may_enter(network, targets[rows])
        length[rows] = np.where(usable & enters, weight[rows], np.inf)
    order, group = network.by_tail
    leaves, head, ordered = network.tail[order][group], network.head[order], length[:, order]
    destination = np.arange(len(targets)), targets
    distance = np.full((len(targets), len(network.nodes)), np.inf)
    distance[destination] = 0.0
    while True:  # Bellman and Ford, all targets at once: one round for every hop of a path
        nearer = distance.copy()
        nearer[:, leaves] = np.minimum.reduceat(ordered + distance[:, head], group, axis=1)
        nearer[destination] = 0.0
        if np.array_equal(nearer, distance):
            return ShortestPaths(network, targets, distance, length + distance[:, network.head])
        distance = nearer


class _Side:
    """Distances to targets to which the same arcs are usable.

    A stub is entered by one last arc; nothing passes through another stub on the way. So paths are
    searched to anchors, which are the other targets and where the last arcs begin.
    """

    def __init__(self, network: Network, targets: np.ndarray, usable: np.ndarray) -> None:
        stub, tail, head = network.is_stub, network.tail, network.head
        self._nodes, self._targets = len(stub), targets
        inner = np.flatnonzero(usable & ~stub[head])
        inner = inner[np.lexsort((tail[inner], head[inner]))]
        self._inner, pair = inner, head[inner] * self._nodes + tail[inner]
        self._head, self._source = head[inner], tail[inner]
        self._first = np.flatnonzero(np.diff(pair, prepend=-1))
        self._tail = tail[inner[self._first]]
        self._begin = _starts(head[inner[self._first]], self._nodes)

        self._is_stub = stub[targets]
        row, self._last = np.nonzero((head == targets[:, None]) & self._is_stub[:, None] & usable)
        self._begins = tail[self._last]
        anchors = np.concatenate([targets[~self._is_stub], self._begins])
        self._anchors, place = np.unique(anchors, return_inverse=True)
        plain = len(targets) - np.count_nonzero(self._is_stub)
        self._plain, self._enters = place[:plain], place[plain:]
        self._group = np.flatnonzero(np.diff(row, prepend=-1))
        self._entered = row[self._group]

    def distances(self, weight: np.ndarray) -> np.ndarray:
        """Distances from all nodes under a length of every arc, shape (targets, nodes)."""
        distance = np.full((len(self._targets), self._nodes), np.inf)
        if len(self._anchors):
            found = csgraph.dijkstra(self._reverse(weight), indices=self._anchors)
            distance[~self._is_stub] = found[self._plain]
            if len(self._last):
                lengths = weight[self._last][:, None] + found[self._enters]
                distance[self._entered] = np.minimum.reduceat(lengths, self._group)
        stubs = np.flatnonzero(self._is_stub)
        distance[stubs, self._targets[stubs]] = 0.0
        return distance

    def trees(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances from all nodes, and the arc that each takes, both (targets, nodes)."""
        shape = len(self._targets), self._nodes
        distance, onward = np.full(shape, np.inf), np.full(shape, -1, dtype=np.int64)
        if len(self._anchors):
            graph = self._reverse(weight)
            found, after = csgraph.dijkstra(graph, indices=self._anchors, return_predecessors=True)
            arc = self._lightest(weight)[np.maximum(after, 0), np.arange(self._nodes)]
            arc[after < 0] = -1
            plain, stub = ~self._is_stub, self._entered
            distance[plain], onward[plain] = found[self._plain], arc[self._plain]
            if len(self._last):
                distance[stub], onward[stub] = self._by_last_arc(weight, found, arc)
        stubs = np.flatnonzero(self._is_stub)
        distance[stubs, self._targets[stubs]], onward[stubs, self._targets[stubs]] = 0.0, -1
        return distance, onward

    def _by_last_arc(
        self, weight: np.ndarray, found: np.ndarray, arc: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distances to the stubs that are entered, and the arcs taken: by the best last arc."""
        lengths = weight[self._last][:, None] + found[self._enters]
        best = np.minimum.reduceat(lengths, self._group)
        count = np.diff(np.append(self._group, len(self._last)))
        place = np.where(lengths <= np.repeat(best, count, axis=0),
                         np.arange(len(lengths))[:, None], len(lengths))  # fmt: skip
        chosen = np.minimum.reduceat(place, self._group)
        column = np.arange(self._nodes)
        taken = arc[self._enters[chosen], column]
        at_last = self._begins[chosen] == column
        taken = np.where(at_last, self._last[chosen], taken)
        return best, np.where(np.isfinite(best), taken, -1)

    def _lightest(self, weight: np.ndarray) -> np.ndarray:
        """The lightest arc from one node to another, shape (heads, tails); 0 where there is none.

        Of arcs as light it is the one listed first.
        """
        inner = self._inner
        order = np.lexsort((-inner, -weight[inner]))  # the last one written stays
        table = np.zeros((self._nodes, self._nodes), dtype=np.int32)
        table[self._head[order], self._source[order]] = inner[order]
        return table

    def _reverse(self, weight: np.ndarray) -> sparse.csr_array:
        """Adjacency matrix against the arcs, with the lightest of parallel ones."""
        lightest = weight[self._inner]
        if len(self._first) < len(lightest):
            lightest = np.minimum.reduceat(lightest, self._first)
        shape = (self._nodes, self._nodes)
        return sparse.csr_array((lightest, self._tail, self._begin), shape=shape)


def _starts(row: np.ndarray, rows: int) -> np.ndarray:
    """Where each row starts in a list sorted by row, and the end."""
    return np.searchsorted(row, np.arange(rows + 1))
