"""Local search over integer link weights: what ECMP makes of them, and changes of one at a time.

The search is described in ``routing/tuned_igp.py``. It is a heuristic and proves nothing.
"""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.fortz_thorup import phi
from simulator.paths.shortest import destinations_of

EQUAL = 1e-12
"""Costs within this, relatively, are the same: rounding must not decide the search."""
_LEAST_PATIENCE = 20
"""Changes without gain after which the search restarts, on the smallest network."""
_PERTURBED = 0.1
"""Share of the weights that are redrawn after that."""


class WeightSearch:
    """Weights, and what ECMP makes of them: one row per destination, arcs ordered by tail."""

    def __init__(self, network: Network, demands: Demands, max_weight: int) -> None:
        self.order, self.group = network.by_tail
        self.tail, self.head = network.tail[self.order], network.head[self.order]
        self.leaves = self.tail[self.group]
        self.width = np.diff(np.append(self.group, len(self.tail)))
        self.enters = np.eye(len(network.nodes))[self.head]
        self.max_weight = max_weight

        sent = demands.take(demands.gbps > 0)
        destinations, row = destinations_of(network, sent)
        self.targets = destinations.node
        away = network.is_abroad[self.targets][:, None]
        usable = np.where(away, network.usable(True), network.usable(False))[:, self.order]
        if destinations.closed is not None:
            usable &= ~destinations.closed[:, self.order]
        usable &= ~network.is_stub[self.head] | (self.head == self.targets[:, None])
        self.barred = np.where(usable, 0.0, np.inf)

        self.unit = float(sent.gbps.max())
        self.demand = np.zeros((len(self.targets), len(network.nodes)))
        np.add.at(self.demand, (row, sent.source), sent.gbps / self.unit)
        self.capacity = network.capacity_gbps[self.order] / self.unit
        self.background = network.background_gbps[self.order] / self.unit

        self._settle(_whole(network.metric[self.order], max_weight))

    def weight_by_arc(self) -> np.ndarray:
        """Weights in the order of the network's arcs."""
        weight = np.empty(len(self.order))
        weight[self.order] = self.weight
        return weight

    def run(self, iterations: int, rng: np.random.Generator) -> None:
        """Try changes of one weight, keep those that do not raise the cost, end at the best."""
        best, least, stale = self.weight, self.cost, 0
        patience = max(_LEAST_PATIENCE, len(self.weight) // 2)
        for _ in range(iterations):
            if stale == patience:
                self._settle(self._perturbed(best, rng))
                stale = 0
            before = self.cost
            arc, weight = self._tie(rng) if rng.random() < 0.5 else self._anything(rng)
            self._try(arc, float(min(max(weight, 1), self.max_weight)))
            stale = 0 if self.cost < before * (1.0 - EQUAL) else stale + 1
            if self.cost < least * (1.0 - EQUAL):
                best, least = self.weight, self.cost
        self._settle(best)

    def _settle(self, weight: np.ndarray) -> None:
        """Start from these weights."""
        self.weight = weight
        self.distance, self.via = self._shortest(weight, slice(None))
        self.load, self.on = self._spread(self.distance, self.via, slice(None))
        self.total = self.load.sum(axis=0) + self.background
        self.cost = float(phi(self.total, self.capacity).sum())

    # -- changes ------------------------------------------------------------------------------

    def _anything(self, rng: np.random.Generator) -> tuple[int, float]:
        return int(rng.integers(len(self.weight))), float(rng.integers(1, self.max_weight + 1))

    def _tie(self, rng: np.random.Generator) -> tuple[int, float]:
        """Make a path around an expensive arc as short as the path over it, or shorter by one."""
        used = self.load.sum(axis=0) > 0
        arc = _draw(rng, np.where(used, phi(self.total, self.capacity), 0.0))
        row = _draw(rng, self.load[:, arc])
        detour = self.via[row] - self.distance[row, self.tail[arc]]
        around = np.flatnonzero((self.tail == self.tail[arc]) & (detour > 0) & np.isfinite(detour))
        if not len(around):
            return self._anything(rng)
        other = int(rng.choice(around))
        change = float(detour[other] + rng.integers(2))
        heavier, lighter = self.weight[arc] + change, self.weight[other] - change
        if rng.random() < 0.5:
            return (arc, heavier) if heavier <= self.max_weight else (other, lighter)
        return (other, lighter) if lighter >= 1 else (arc, heavier)

    def _perturbed(self, weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Weights of which some are redrawn."""
        count = max(round(_PERTURBED * len(weight)), min(2, len(weight)))
        perturbed = weight.copy()
        places = rng.choice(len(weight), count, replace=False)
        perturbed[places] = rng.integers(1, self.max_weight + 1, count)
        return perturbed

    def _try(self, arc: int, new: float) -> None:
        """Change one weight; route again only the destinations that it touches."""
        old = self.weight[arc]
        reach = self.via[:, arc] + (new - old)
        touched = self.on[:, arc] if new > old else reach <= self.distance[:, self.tail[arc]]
        rows = np.flatnonzero(touched & np.isfinite(reach))
        if new == old or not len(rows):
            return
        weight = self.weight.copy()
        weight[arc] = new
        distance, via = self._shortest(weight, rows)
        load, on = self._spread(distance, via, rows)
        total = self.total + (load - self.load[rows]).sum(axis=0)
        cost = float(phi(total, self.capacity).sum())
        if cost > self.cost * (1.0 + EQUAL):
            return
        self.weight, self.cost = weight, cost
        self.distance[rows], self.via[rows] = distance, via
        self.load[rows], self.on[rows] = load, on
        self.via[:, arc] = new + self.barred[:, arc] + self.distance[:, self.head[arc]]
        self.total = self.load.sum(axis=0) + self.background

    # -- shortest paths -----------------------------------------------------------------------

    def _shortest(
        self, weight: np.ndarray, rows: np.ndarray | slice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distance from every node and over every arc (Bellman and Ford, all rows at once)."""
        length = weight + self.barred[rows]
        destination = np.arange(len(length)), self.targets[rows]
        distance = np.full((len(length), self.enters.shape[1]), np.inf)
        distance[destination] = 0.0
        while True:
            via = length + distance[:, self.head]
            nearer = distance.copy()
            nearer[:, self.leaves] = np.minimum.reduceat(via, self.group, axis=1)
            nearer[destination] = 0.0
            if np.array_equal(nearer, distance):
                return distance, via
            distance = nearer

    def _spread(
        self, distance: np.ndarray, via: np.ndarray, rows: np.ndarray | slice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Load of every arc for every destination, and which arcs are on a shortest path."""
        on = (via <= distance[:, self.tail]) & np.isfinite(via)
        paths = np.add.reduceat(on, self.group, axis=1, dtype=float)
        split = on / np.maximum(np.repeat(paths, self.width, axis=1), 1.0)
        destination = np.arange(len(on)), self.targets[rows]
        here = np.where(np.isfinite(distance), self.demand[rows], 0.0)
        load = np.zeros_like(split)
        while here.any():
            moving = split * here[:, self.tail]
            load += moving
            here = moving @ self.enters
            here[destination] = 0.0
        return load, on


def _whole(metric: np.ndarray, max_weight: int) -> np.ndarray:
    """The metrics as whole weights, in proportion where they do not fit as they are."""
    fit = metric.max() <= max_weight and np.array_equal(metric, np.round(metric))
    weight = metric if fit else metric * (max_weight / metric.max())
    return np.maximum(np.round(weight), 1.0)


def _draw(rng: np.random.Generator, weight: np.ndarray) -> int:
    """Draw a position with a chance in proportion to its weight."""
    return int(rng.choice(len(weight), p=weight / weight.sum()))
