"""ExitShares: which exits the demands that cross the border take, and in which shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network

PER_CENT = 100
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class ExitShares:
    """Shares of demands by exit, sorted by demand, then by exit.

    Attributes
    ----------
    network : Network
    demands : int
        Number of demands.
    demand : ndarray of int, shape (shares,)
    arc : ndarray of int, shape (shares,)
        Arc of the exit, in the direction of the demand.
    share : ndarray, shape (shares,)
        Above zero. Of a demand they add up to what is served of it.
    """

    network: Network
    demands: int
    demand: np.ndarray
    arc: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, matrix: sparse.csr_array, network: Network) -> ExitShares:
        """Read them off the share of every demand that crosses each arc (arcs x demands)."""
        exits = np.sort(np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]]))
        rows = sparse.csc_array(matrix[exits])
        rows.sort_indices()
        demand = np.repeat(np.arange(rows.shape[1]), np.diff(rows.indptr))
        some = rows.data > _ROUNDING
        arc = exits[rows.indices[some]]
        return cls(network, rows.shape[1], demand[some], arc, rows.data[some])

    @classmethod
    def summed(
        cls, network: Network, demands: int, demand: np.ndarray, arc: np.ndarray, share: np.ndarray
    ) -> ExitShares:
        """Return shares in order, those of the same demand and exit together."""
        key = demand * len(network.tail) + arc
        keys, at = np.unique(key, return_inverse=True)
        total = np.bincount(at, share, len(keys))
        some = total > _ROUNDING
        keys = keys[some]
        arcs = len(network.tail)
        return cls(network, demands, keys // arcs, keys % arcs, total[some])

    @property
    def served(self) -> np.ndarray:
        """Share of each demand by all exits, shape (demands,)."""
        return np.bincount(self.demand, self.share, self.demands)

    @property
    def first(self) -> np.ndarray:
        """Position of the first share of each demand that has one."""
        return np.flatnonzero(np.diff(self.demand, prepend=-1))

    def at(self, demand: np.ndarray, arc: np.ndarray) -> np.ndarray:
        """Return the share of some demands by some exits; zero where there is none."""
        arcs = len(self.network.tail)
        known, keys = self.demand * arcs + self.arc, demand * arcs + arc
        if not len(known):
            return np.zeros(len(keys))
        place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        return np.where(known[place] == keys, self.share[place], 0.0)

    def loads(self, gbps: np.ndarray) -> np.ndarray:
        """Rate on every arc that is an exit, shape (arcs,)."""
        return np.bincount(self.arc, self.share * gbps[self.demand], len(self.network.tail))

    def in_whole_per_cents(self) -> ExitShares:
        """Return the shares as whole per cents of what is served, by the largest remainder.

        Of equal remainders the exit listed first has the per cent. Shares below half a per cent
        are dropped unless they are rounded up. Method of Hamilton, for seats by votes.
        """
        served = self.served[self.demand]
        quota = PER_CENT * self.share / served
        whole = np.floor(quota * (1.0 + 1e-12))
        short = np.bincount(self.demand, whole, self.demands)
        left = (PER_CENT - short).round().astype(np.int64)
        order = np.lexsort((self.arc, -np.round(quota - whole, 9), self.demand))
        place = np.empty(len(order), dtype=np.int64)
        begin = np.zeros(self.demands, dtype=np.int64)
        begin[self.demand[self.first]] = self.first
        place[order] = np.arange(len(order)) - begin[self.demand[order]]
        whole += place < left[self.demand]
        kept = whole > 0
        share = (whole / PER_CENT * served)[kept]
        return replace(self, demand=self.demand[kept], arc=self.arc[kept], share=share)

    def elsewhere_gbps(self, other: ExitShares, gbps: np.ndarray) -> float:
        """Return the traffic that takes other exits than in *other*.

        Of a demand it is the smaller of what its exits have more and what they have less.
        """
        arcs = len(self.network.tail)
        mine, theirs = (
            sparse.csr_array((each.share, (each.demand, each.arc)), shape=(self.demands, arcs))
            for each in (self, other)
        )
        apart = sparse.csr_array(mine - theirs)
        more = np.asarray(apart.maximum(0).sum(axis=1)).ravel()
        less = np.asarray((-apart).maximum(0).sum(axis=1)).ravel()
        moved = np.minimum(more, less)
        return float(np.where(moved > _ROUNDING, moved, 0.0) @ gbps)

    def frame(self, demands: Demands) -> pd.DataFrame:
        """One row a share: ``demand, source, target, class, exit, direction, share``."""
        names = np.array(self.network.nodes, dtype=object)
        return pd.DataFrame(
            {
                "demand": self.demand,
                "source": names[demands.source[self.demand]],
                "target": names[demands.target[self.demand]],
                "class": demands.traffic_class[self.demand],
                "exit": np.array(self.network.links, dtype=object)[self.arc // 2],
                "direction": np.array(self.network.directions, dtype=object)[self.arc],
                "share": self.share,
            }
        )
