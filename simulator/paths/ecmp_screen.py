"""Ecmp screen: loads under very many failures of equal-cost shortest paths, by what each changes.

For every failure and every destination whose traffic it meets (a **column**) only what changes is
worked out: which nodes lose all their shortest ways, their new distances, the new ways of all nodes
that lose one, and the change of every load. With traffic ``x`` through the nodes, ``b`` asked at
them and splits ``S``, ``x = b + S x`` before and ``x' = b + S' x'`` after, so the change
``d = x' - x`` solves ``d = S' d + (S' - S) x``: it starts at the nodes whose ways change, and runs
down the new ways. All columns of a batch go on together.

No failure makes a way shorter, so that a node with a way left keeps its distance. Traffic that has
a way at all has one from every node on it, so loads are those of served traffic alone, and its
delay is the sum of load times delay over all arcs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.ecmp_columns import Columns
from simulator.paths.ecmp_trees import EcmpTrees, spread

CELLS = 200_000
"""Columns times nodes of a batch: what fits a processor's cache is the fastest."""


@dataclass(frozen=True, eq=False)
class Screened:
    """What some failures do to equal-cost shortest paths.

    Attributes
    ----------
    load_gbps : ndarray, shape (cases, arcs)
        Rate offered to every arc, before any is lost on full links.
    unserved_gbps : ndarray, shape (cases,)
        Traffic without a way.
    gbps_ms : ndarray, shape (cases,)
        Sum over the served traffic of rate times propagation delay.
    asked_gbps : float
    cut_case, cut_demand : ndarray of int
        Demands without a way, by case.
    """

    load_gbps: np.ndarray
    unserved_gbps: np.ndarray
    gbps_ms: np.ndarray
    asked_gbps: float
    cut_case: np.ndarray
    cut_demand: np.ndarray

    @property
    def served_share(self) -> np.ndarray:
        """Share of the traffic that has a way, shape (cases,); 1 where nothing is asked."""
        if not self.asked_gbps > 0:
            return np.ones(len(self.unserved_gbps))
        return 1.0 - self.unserved_gbps / self.asked_gbps

    @property
    def latency_ms(self) -> np.ndarray:
        """Mean one-way propagation delay of served traffic, shape (cases,); NaN without any."""
        served = self.asked_gbps - self.unserved_gbps
        known = served > 1e-12 * max(self.asked_gbps, 1e-300)
        return np.divide(self.gbps_ms, served, out=np.full(len(served), np.nan), where=known)


class EcmpScreen:
    """Loads under failures of what equal-cost shortest paths lead over a network.

    Parameters
    ----------
    network : Network
        With what is down already.
    demands : Demands
        With their rates.
    weight : ndarray, shape (arcs,), optional
        Length of every arc, above zero; the IGP metric when left out.
    """

    def __init__(
        self, network: Network, demands: Demands, weight: np.ndarray | None = None
    ) -> None:
        self.trees = EcmpTrees(network, demands, network.metric if weight is None else weight)
        self._through = self.trees.throughput(self.trees.asked(demands.gbps))
        self._flow = self._through[self.trees.row] * self.trees.share
        served = np.isfinite(self.trees.distance)
        # What has no way even now comes through no arc.
        self._cut_now = np.flatnonzero(~served[self.trees.demand_row] & (demands.gbps > 0))
        load = np.bincount(self.trees.arc, self._flow, self.trees.arcs)
        self.load_gbps = load.astype(float)  # of nothing NumPy counts whole numbers

    def cases(self, down: np.ndarray) -> Screened:
        """Return what each of some sets of arcs does when it is down.

        Parameters
        ----------
        down : ndarray of bool, shape (cases, arcs)
            Any arcs, beside those that are down on the network.
        """
        cases = len(down)
        load = np.repeat(self.load_gbps[None, :], cases, axis=0)
        cut: list[tuple[np.ndarray, np.ndarray]] = [
            (np.repeat(np.arange(cases), len(self._cut_now)), np.tile(self._cut_now, cases))
        ]
        for case, goal in self._batches(down):
            columns = Columns(self.trees, down, case, goal)
            columns.change(self._through, load)
            cut.append(columns.cut_off())
        load[down] = 0.0
        np.maximum(load, 0.0, out=load)
        case, demand = map(np.concatenate, zip(*cut, strict=True))
        gbps = self.trees.demands.gbps
        unserved = np.bincount(case, gbps[demand], cases).astype(float)
        delay = load @ self.trees.network.delay_ms
        return Screened(load, unserved, delay, float(gbps.sum()), case, demand)

    def _batches(self, down: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield case and destination of all columns, some at a time."""
        trees, targets = self.trees, len(self.trees.destination)
        case, arc = np.nonzero(down)
        order, starts = trees.on_arc
        at, place = spread(starts, arc)
        entry = order[at]
        met = self._flow[entry] > 0
        goal = trees.row[entry[met]] // trees.nodes
        column = np.unique(case[place[met]] * targets + goal)
        most = max(CELLS // trees.nodes, 1)
        for first in range(0, len(column), most):
            some = column[first : first + most]
            yield some // targets, some % targets
