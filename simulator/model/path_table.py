"""PathTable: listed paths as sparse matrices, and what passes where links on them are full."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import sparse

from simulator.model.hops import Listed
from simulator.model.network import Network


class Loss(NamedTuple):
    """What full arcs take from paths, none of which crosses two of them.

    Attributes
    ----------
    which : ndarray of int, shape (some paths,)
        Paths that cross an arc that is full at some instant.
    passes : ndarray, shape (some paths, instants)
        Share of the rate of each of them that arrives.
    offered_gbps, pass_fraction : ndarray, shape (arcs, instants)
        Load with this loss, and the share of it that every arc carries.
    """

    which: np.ndarray
    passes: np.ndarray
    offered_gbps: np.ndarray
    pass_fraction: np.ndarray


@dataclass(frozen=True, eq=False)
class PathTable:
    """Paths one by one: *p* serves ``demand[p]`` over ``arcs[starts[p]:starts[p + 1]]``.

    Attributes
    ----------
    network : Network
        The network that the arcs belong to.
    demands : int
        Number of demands.
    demand : ndarray of int, shape (paths,)
    arcs : ndarray of int
    starts : ndarray of int, shape (paths + 1,)
    """

    network: Network
    demands: int
    demand: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray
    _downstream: dict[int, tuple[np.ndarray, sparse.csr_array]] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, demands: int, listed: Listed) -> PathTable:
        """Return the table of listed paths, in their order."""
        return cls(network, demands, listed.demand, listed.arcs, listed.starts)

    def __len__(self) -> int:
        return len(self.demand)

    @cached_property
    def through(self) -> sparse.csr_array:
        """Ones where a path crosses an arc (paths x arcs)."""
        shape = (len(self), len(self.network.tail))
        return sparse.csr_array((np.ones(len(self.arcs)), self.arcs, self.starts), shape=shape)

    @cached_property
    def crosses(self) -> sparse.csr_array:
        """Ones where an arc is crossed by a path (arcs x paths)."""
        return sparse.csr_array(self.through.T)

    @cached_property
    def gathers(self) -> sparse.csr_array:
        """Ones where a demand has a path (demands x paths)."""
        at = np.arange(len(self))
        shape = (self.demands, len(self))
        return sparse.csr_array((np.ones(len(self)), (self.demand, at)), shape=shape)

    @cached_property
    def propagation_ms(self) -> np.ndarray:
        """Propagation delay of every path, shape (paths,)."""
        return np.add.reduceat(self.network.delay_ms[self.arcs], self.starts[:-1])

    def crossing(self, arcs: np.ndarray) -> np.ndarray:
        """Positions of the paths that cross any of some arcs."""
        wanted = np.zeros(len(self.network.tail))
        wanted[arcs] = 1.0
        return np.flatnonzero(self.through @ wanted)

    def loss(
        self, flow_gbps: np.ndarray, offered_gbps: np.ndarray, capacity_gbps: np.ndarray
    ) -> Loss | None:
        """Return what arcs above capacity take; None where a path with flow crosses two of them.

        A full arc then has only arcs with room before it on all of its paths. So it is offered what
        it would be without loss, its pass fraction is its capacity over that, and what it takes is
        missing downstream.

        Parameters
        ----------
        flow_gbps : ndarray, shape (paths, instants)
            Rate that is sent on every path.
        offered_gbps : ndarray, shape (arcs, instants)
            Load without loss.
        capacity_gbps : ndarray, shape (arcs,)
        """
        over = offered_gbps > capacity_gbps[:, None]
        full = np.flatnonzero(over.any(axis=1))
        which = self.crossing(full)
        some = sparse.csr_array(self.through[which][:, full])
        if ((some @ over[full].astype(float) > 1.0) & (flow_gbps[which] > 0)).any():
            return None
        fits = np.ones_like(offered_gbps)
        np.divide(capacity_gbps[:, None], offered_gbps, out=fits, where=over)
        left = offered_gbps.copy()
        for arc in full.tolist():
            paths, after = self._after(arc)
            left -= after @ (flow_gbps[paths] * (1.0 - fits[arc]))
        taken = some @ (1.0 - fits[full])
        return Loss(which, np.maximum(1.0 - taken, 0.0), np.maximum(left, 0.0), fits)

    def _after(self, arc: int) -> tuple[np.ndarray, sparse.csr_array]:
        """Paths that cross an arc, and ones where each crosses another one after it."""
        if arc not in self._downstream:
            at = np.flatnonzero(self.arcs == arc)
            paths = np.searchsorted(self.starts, at, side="right") - 1
            length = self.starts[paths + 1] - at - 1
            starts = np.concatenate([[0], np.cumsum(length)])
            hops = np.arange(starts[-1]) + np.repeat(at + 1 - starts[:-1], length)
            shape = (len(paths), len(self.network.tail))
            after = sparse.csr_array((np.ones(len(hops)), self.arcs[hops], starts), shape=shape)
            self._downstream[arc] = paths, sparse.csr_array(after.T)
        return self._downstream[arc]
