"""Routes of tree columns: every demand follows the trees of its group, each with its share.

They are listed path by path where that is no more than some millions of hops, and otherwise made of
splits: at every node, for every destination, the shares of its arcs. Both load the arcs alike, but
for circles that different trees make together, which splits must not have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse

from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.routes import Routes
from simulator.optimise.tree_master import Columns
from simulator.optimise.tree_oracle import TreeOracle
from simulator.paths.candidates import Paths
from simulator.paths.circles import without_circles
from simulator.paths.shortest import HOP_MS

_USED = 1e-9
LISTED_HOPS = 4_000_000
"""Hops of all paths up to which they are listed; a hop takes some hundred bytes."""


class TreeShares:
    """Trees in use and their shares.

    Parameters
    ----------
    share : ndarray, shape (columns,)
        Share of its group that each of the first columns carries.
    certify : callable
        Makes the certificate of a load of every arc.
    """

    def __init__(
        self,
        oracle: TreeOracle,
        columns: Columns,
        share: np.ndarray,
        demands: Demands,
        certify: Callable[[np.ndarray], Certificate],
    ) -> None:
        self._oracle, self._columns, self._demands = oracle, columns, demands
        self._share, self._certify = share, certify
        self._used = np.flatnonzero(share > _USED)

    @property
    def rounds(self) -> np.ndarray:
        """Rounds of the columns in use."""
        return np.unique(self._columns.round[self._used])

    def routes(self) -> Routes:
        """Return paths with shares, or splits."""
        return self.split() if self._hops() > LISTED_HOPS else self.listed()

    def _hops(self) -> float:
        """Hops of all paths in use, roughly: each as long as the mean."""
        oracle, columns = self._oracle, self._columns
        demands = np.bincount(oracle.group[oracle.row], minlength=oracle.groups)
        used = np.bincount(columns.group[self._used], minlength=oracle.groups)
        rate = float(oracle.rate.sum())
        load = float((self._share @ columns.load[: len(self._share)]).sum())
        return float(demands @ used) * load / rate if rate > 0 else 0.0

    # -- paths --------------------------------------------------------------------------------

    def listed(self) -> Routes:
        """Return paths with shares; demands without a rate follow their fastest path."""
        oracle, columns, demands = self._oracle, self._columns, self._demands
        idle = oracle.reaches & ~(demands.gbps > 0)
        weight = oracle.network.delay_ms + HOP_MS
        found = [self._along(weight, np.flatnonzero(idle))]
        given = [np.ones(len(found[0].demand))]
        group = np.where(oracle.reaches & ~idle, oracle.group[oracle.row], -1)
        for each in self.rounds:
            part = self._parts(each)
            who = np.flatnonzero(part[group] > 0)
            found.append(self._along(columns.weight[each], who))
            given.append(part[group[who]])
        load = self._share @ columns.load[: len(self._share)]
        return self._made(_joined(found), np.concatenate(given), self._certify(load))

    def _parts(self, each: int) -> np.ndarray:
        """Share of every group that the trees of a round carry, and a zero for no group."""
        now = self._used[self._columns.round[self._used] == each]
        part = np.zeros(self._oracle.groups + 1)
        part[self._columns.group[now]] = self._share[now]
        return part

    def _along(self, weight: np.ndarray, who: np.ndarray) -> Paths:
        """Paths of some demands along the trees under a weight, in their order."""
        oracle = self._oracle
        wanted = np.zeros(len(oracle.row), dtype=bool)
        wanted[who] = True
        found = [Paths.of([])]
        for rows, trees in oracle.trees(weight) if len(who) else ():
            here = np.flatnonzero(wanted & (oracle.row >= rows[0]) & (oracle.row <= rows[-1]))
            arcs, starts = trees.follow(oracle.row[here] - rows[0], oracle.source[here])
            found.append(Paths(here, arcs, starts))
        paths = _joined(found)
        return paths.take(np.argsort(paths.demand, kind="stable"))

    def _made(self, paths: Paths, given: np.ndarray, certificate: Certificate) -> Routes:
        """Routes of these paths: equal ones of a demand as one, shares that add up to one."""
        network, count = self._oracle.network, len(self._demands)
        weight = np.random.default_rng(len(network.tail)).random(len(network.tail))
        mark = paths.sums(weight)  # two different paths agree with a probability of about 2^-50
        order = np.lexsort((mark, paths.demand))
        new = np.diff(paths.demand[order], prepend=-1) != 0
        new |= np.diff(mark[order], prepend=-1.0) != 0
        lead = np.flatnonzero(new)
        shares = np.add.reduceat(given[order], lead) if len(lead) else given
        paths = paths.take(order[lead])
        shares = shares / np.bincount(paths.demand, shares, count)[paths.demand]
        return Routes.from_paths(
            network, count, paths.demand, shares, paths.arcs, paths.starts, certificate
        )

    # -- splits -------------------------------------------------------------------------------

    def split(self) -> Routes:
        """Return splits at every node; where no traffic passes, those of the fastest tree."""
        oracle, network = self._oracle, self._oracle.network
        flow = without_circles(network, self._flow())
        leaves = np.zeros((len(flow), len(network.nodes)))
        row, arc = np.nonzero(flow)
        np.add.at(leaves, (row, network.tail[arc]), flow[row, arc])
        certificate = self._certify(flow.sum(axis=0))
        flow[row, arc] /= leaves[row, network.tail[arc]]
        for rows, trees in oracle.trees(network.delay_ms + HOP_MS):
            place, node = np.nonzero((trees.onward >= 0) & (leaves[rows] == 0))
            flow[rows[place], trees.onward[place, node]] = 1.0
        made = Routes.from_splits(
            network, self._demands, sparse.csr_array(flow), oracle.destinations.node, oracle.row
        )
        return replace(made, certificate=certificate)

    def _flow(self) -> np.ndarray:
        """Flow to every destination, shape (destinations, arcs)."""
        oracle, columns = self._oracle, self._columns
        flow = np.zeros((len(oracle.destinations), len(oracle.network.tail)))
        group = oracle.group
        total = np.bincount(columns.group[self._used], self._share[self._used], oracle.groups)
        for each in self.rounds:
            part = self._parts(each)[:-1] / total
            for rows, trees in oracle.trees(columns.weight[each]):
                passing = trees.passing(oracle.rate[rows]) * part[group[rows]][:, None]
                place, node = np.nonzero(passing > 0)
                flow[rows[place], trees.onward[place, node]] += passing[place, node]
        return flow


def _joined(parts: list[Paths]) -> Paths:
    """Paths one part after the other."""
    ends = np.cumsum([0, *(len(part.arcs) for part in parts)])
    starts = [part.starts[:-1] + end for part, end in zip(parts, ends[:-1], strict=True)]
    return Paths(
        np.concatenate([part.demand for part in parts]),
        np.concatenate([part.arcs for part in parts]),
        np.concatenate([*starts, ends[-1:]]),
    )
