"""Routes: for every demand, where its traffic goes, as one machine for paths and for splits.

A **hop** is traffic of one kind on one arc: the third arc of a path, or the traffic to one
destination on an arc. Two sparse matrices say everything::

    y = inject @ rates + pass_on @ (kept * y)

``inject`` (hops x demands) is the share of each demand that enters a hop at its source, ``pass_on``
(hops x hops) the share of what leaves a hop that enters the next. Hops are sorted so that traffic
only flows to later levels; one sweep over the levels solves the equation for any number of instants
at once. Paths with shares and per-destination splits differ only in how the matrices are filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network


@dataclass(frozen=True)
class Certificate:
    """What an optimising scheme can prove about its answer.

    Attributes
    ----------
    status : str
        Status of the solver.
    mlu, mlu_bound : float
        Maximum utilisation of the links that count, and a lower bound on what any routing of
        these demands can reach (NaN where the least MLU was not asked for).
    objective, bound : float
        Value of the last objective minimised, and a proven lower bound on it.
    columns, rounds : int
        Paths offered to the solver and pricing rounds.
    """

    status: str
    mlu: float
    mlu_bound: float
    objective: float
    bound: float
    columns: int = 0
    rounds: int = 0

    @property
    def gap(self) -> float:
        """Largest relative gap between a value reached and its proven bound."""
        gaps = [
            (value - bound) / max(abs(value), 1e-12)
            for value, bound in ((self.mlu, self.mlu_bound), (self.objective, self.bound))
            if np.isfinite(bound)
        ]
        return max([0.0, *gaps])


@dataclass(frozen=True, eq=False)
class Routes:
    """Where the traffic of each demand goes.

    Build with :meth:`from_paths` or :meth:`from_splits`; join with :meth:`over`.

    Attributes
    ----------
    network : Network
        The network that the arcs belong to.
    arc : ndarray of int, shape (hops,)
        Arc of each hop, in level order.
    ends : ndarray of bool, shape (hops,)
        Whether traffic leaving the hop has arrived.
    inject : csr_array, shape (hops, demands)
    pass_on : csr_array, shape (hops, hops)
    levels : ndarray of int
        ``levels[i]:levels[i + 1]`` are the hops of level *i*.
    certificate : Certificate or None
        Proof of quality, from schemes that optimise.
    """

    network: Network
    arc: np.ndarray
    ends: np.ndarray
    inject: sparse.csr_array
    pass_on: sparse.csr_array
    levels: np.ndarray
    certificate: Certificate | None = None

    # -- building -----------------------------------------------------------------------------

    @classmethod
    def from_paths(
        cls,
        network: Network,
        demands: int,
        demand: np.ndarray,
        share: np.ndarray,
        arcs: np.ndarray,
        starts: np.ndarray,
        certificate: Certificate | None = None,
    ) -> Routes:
        """Make routes from paths with shares.

        Parameters
        ----------
        network : Network
        demands : int
            Number of demands.
        demand : ndarray of int, shape (paths,)
            Demand that each path serves.
        share : ndarray of float, shape (paths,)
            Share of the demand on the path. What the shares of a demand leave is not served.
        arcs : ndarray of int
            Arcs of all paths, one after the other.
        starts : ndarray of int, shape (paths + 1,)
            ``arcs[starts[p]:starts[p + 1]]`` is path *p*.
        """
        length = np.diff(starts)
        used = (share > 0) & (length > 0)
        path = np.repeat(np.arange(len(length)), length)
        position = np.arange(len(arcs)) - np.repeat(starts[:-1], length)
        keep = used[path]
        path, position, hop_arc = path[keep], position[keep], arcs[keep]
        n = len(hop_arc)
        first = np.flatnonzero(position == 0)
        inject = sparse.csr_array(
            (share[path[first]], (first, demand[path[first]])), shape=(n, demands)
        )
        later = np.flatnonzero(position > 0)
        pass_on = sparse.csr_array((np.ones(len(later)), (later, later - 1)), shape=(n, n))
        ends = position == length[path] - 1
        return cls._levelled(network, hop_arc, ends, inject, pass_on, position, certificate)

    @classmethod
    def from_splits(
        cls,
        network: Network,
        demands: Demands,
        splits: sparse.sparray,
        goal: np.ndarray,
        commodity: np.ndarray,
    ) -> Routes:
        """Make routes from splits at every node, as destination-based forwarding does.

        Parameters
        ----------
        network : Network
        demands : Demands
        splits : sparse array, shape (commodities, arcs)
            Share of a commodity's traffic at the tail of an arc that takes the arc.
        goal : ndarray of int, shape (commodities,)
            Node at which each commodity has arrived.
        commodity : ndarray of int, shape (demands,)
            Commodity that each demand is forwarded as.

        Raises
        ------
        ValueError
            The splits send traffic round in a circle.
        """
        coo = sparse.coo_array(splits)
        kind, arc, part = coo.row.astype(np.int64), coo.col.astype(np.int64), coo.data
        n, nodes = len(arc), len(network.nodes)
        tail, head = network.tail[arc], network.head[arc]
        ends = head == goal[kind]
        places = len(goal) * nodes
        leaves = sparse.csr_array((part, (np.arange(n), kind * nodes + tail)), shape=(n, places))
        going = np.flatnonzero(~ends)
        enters = sparse.csr_array(
            (np.ones(len(going)), (kind[going] * nodes + head[going], going)), shape=(places, n)
        )
        asks = sparse.csr_array(
            (np.ones(len(demands)), (commodity * nodes + demands.source, np.arange(len(demands)))),
            shape=(places, len(demands)),
        )
        inject, pass_on = sparse.csr_array(leaves @ asks), sparse.csr_array(leaves @ enters)
        level = _levels(inject, pass_on, nodes)
        reached = np.flatnonzero(level >= 0)
        return cls._levelled(
            network,
            arc[reached],
            ends[reached],
            inject[reached],
            pass_on[reached][:, reached],
            level[reached],
        )

    @classmethod
    def _levelled(
        cls,
        network: Network,
        arc: np.ndarray,
        ends: np.ndarray,
        inject: sparse.csr_array,
        pass_on: sparse.csr_array,
        level: np.ndarray,
        certificate: Certificate | None = None,
    ) -> Routes:
        order = np.argsort(level, kind="stable")
        count = np.bincount(level, minlength=1) if len(level) else np.zeros(1, dtype=int)
        levels = np.concatenate([[0], np.cumsum(count)])
        return cls(
            network,
            arc[order],
            ends[order],
            sparse.csr_array(inject[order]),
            sparse.csr_array(pass_on[order][:, order]),
            levels,
            certificate,
        )

    def over(self, base: Routes) -> Routes:
        """Return these routes, with what they do not serve following *base*."""
        rest = np.clip(1.0 - self.served, 0.0, 1.0)
        rest[rest < 1e-12] = 0.0
        under = sparse.csr_array(base.inject @ sparse.dia_array((rest[None], 0), shape=2 * rest.shape))
        under.eliminate_zeros()
        return Routes._levelled(
            self.network,
            np.concatenate([self.arc, base.arc]),
            np.concatenate([self.ends, base.ends]),
            sparse.csr_array(sparse.vstack([self.inject, under])),
            sparse.csr_array(sparse.block_diag([self.pass_on, base.pass_on])),
            np.concatenate([self._level, base._level]),
            self.certificate,
        )

    def avoiding(self, dead: np.ndarray) -> Routes:
        """Return the routes without the entries that could meet a dead arc.

        Parameters
        ----------
        dead : ndarray of bool, shape (arcs,)
        """
        if not dead[self.arc].any():
            return self
        meets = dead[self.arc].astype(float)
        back = self.pass_on.T.tocsr()
        for lo, hi in reversed(self._slices):
            meets[lo:hi] += back[lo:hi] @ meets
        inject = sparse.csr_array(
            sparse.dia_array(((meets == 0).astype(float)[None], 0), shape=self.pass_on.shape)
            @ self.inject
        )
        inject.eliminate_zeros()
        return replace(self, inject=inject)

    def of(self, demands: np.ndarray, total: int) -> Routes:
        """Return the routes with their demands renumbered: demand *i* becomes ``demands[i]``."""
        coo = self.inject.tocoo()
        inject = sparse.csr_array(
            (coo.data, (coo.row, demands[coo.col])), shape=(self.inject.shape[0], total)
        )
        return replace(self, inject=inject)

    # -- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.inject.shape[1]

    def __repr__(self) -> str:
        return f"<Routes: {len(self)} demands over {len(self.arc)} hops>"

    @cached_property
    def _slices(self) -> list[tuple[int, int]]:
        return list(zip(self.levels[:-1], self.levels[1:], strict=True))

    @cached_property
    def _level(self) -> np.ndarray:
        return np.repeat(np.arange(len(self.levels) - 1), np.diff(self.levels))

    @cached_property
    def _forward(self) -> list[tuple[int, int, sparse.csr_array]]:
        return [(lo, hi, self.pass_on[lo:hi]) for lo, hi in self._slices[1:]]

    @cached_property
    def _backward(self) -> list[tuple[int, int, sparse.csr_array]]:
        back = sparse.csr_array(self.pass_on.T)
        return [(lo, hi, back[lo:hi]) for lo, hi in reversed(self._slices)]

    @cached_property
    def _enter(self) -> sparse.csr_array:
        return sparse.csr_array(self.inject.T)

    @cached_property
    def _on_arc(self) -> sparse.csr_array:
        n = len(self.arc)
        return sparse.csr_array(
            (np.ones(n), (self.arc, np.arange(n))), shape=(len(self.network.tail), n)
        )

    @cached_property
    def served(self) -> np.ndarray:
        """Share of each demand that has a way to its target, shape (demands,)."""
        return self._enter @ self._arrives

    @cached_property
    def _arrives(self) -> np.ndarray:
        """Share of what enters each hop that arrives when nothing is lost."""
        arrives = np.where(self.ends, 1.0, 0.0)
        for lo, hi, back in self._backward:
            arrives[lo:hi] += back @ arrives
        return arrives

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """Share of each demand that crosses each arc when nothing is lost (arcs x demands)."""
        parts = [self.inject[lo:hi] for lo, hi in self._slices[:1]]
        for lo, hi, forward in self._forward:
            above = sparse.csr_array(sparse.vstack(parts))
            parts.append(sparse.csr_array(self.inject[lo:hi] + forward[:, :lo] @ above))
        if not parts:
            return sparse.csr_array((len(self.network.tail), len(self)))
        return sparse.csr_array(self._on_arc @ sparse.csr_array(sparse.vstack(parts)))

    def hop_rates(self, rates: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
        """Rate offered to every hop.

        Parameters
        ----------
        rates : ndarray, shape (demands,) or (demands, instants)
        kept : ndarray, shape (arcs,) or (arcs, instants), optional
            Share of what is offered to an arc that it carries; 1 when left out.
        """
        y = self.inject @ rates
        kept_hop = None if kept is None else kept[self.arc]
        for lo, hi, forward in self._forward:
            leaving = y if kept_hop is None else y * kept_hop
            y[lo:hi] += forward @ leaving
        return y

    def loads(self, rates: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
        """Rate offered to every arc, shape (arcs,) or (arcs, instants); see :meth:`hop_rates`."""
        return self._on_arc @ self.hop_rates(rates, kept)

    def arrivals(
        self, delays_ms: np.ndarray, kept: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Share of each demand that arrives, and the mean delay of what does.

        Parameters
        ----------
        delays_ms : ndarray, shape (arcs,) or (arcs, instants)
        kept : ndarray, shape (arcs,) or (arcs, instants), optional

        Returns
        -------
        share : ndarray, shape (demands,) or (demands, instants)
        delay_ms : ndarray, like *share*
            NaN where nothing arrives.
        """
        delay = delays_ms[self.arc]
        arrives = np.broadcast_to(self.ends[:, None] if delay.ndim == 2 else self.ends, delay.shape)
        arrives = arrives.astype(float)
        spent = np.zeros_like(delay)
        kept_hop = np.ones_like(delay) if kept is None else kept[self.arc]
        for lo, hi, back in self._backward:
            arrives[lo:hi] = kept_hop[lo:hi] * (arrives[lo:hi] + back @ arrives)
            spent[lo:hi] = delay[lo:hi] * arrives[lo:hi] + kept_hop[lo:hi] * (back @ spent)
        share, weighted = self._enter @ arrives, self._enter @ spent
        with np.errstate(invalid="ignore", divide="ignore"):
            return share, np.where(share > 0, weighted / share, np.nan)

    def delays(self, delays_ms: np.ndarray) -> np.ndarray:
        """Mean delay of each demand when nothing is lost; NaN for one that is not served.

        Parameters
        ----------
        delays_ms : ndarray, shape (arcs,) or (arcs, instants)
        """
        spent = delays_ms[self.arc] * (self._arrives[:, None] if delays_ms.ndim == 2 else self._arrives)
        for lo, hi, back in self._backward:
            spent[lo:hi] += back @ spent
        served = self.served[:, None] if delays_ms.ndim == 2 else self.served
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(served > 0, (self._enter @ spent) / served, np.nan)

    def moved(
        self, old: Routes, rates: np.ndarray, only: np.ndarray | None = None
    ) -> tuple[int, float]:
        """How many demands go elsewhere than in *old*, and how many Gbps of them.

        The moved share of a demand is the largest rise of its share on any one arc.

        Parameters
        ----------
        old : Routes
        rates : ndarray, shape (demands,)
        only : ndarray of int, optional
            Positions of the demands to look at; all when left out.
        """
        new_matrix, old_matrix = self.matrix, old.matrix
        if only is not None:
            new_matrix, old_matrix, rates = new_matrix[:, only], old_matrix[:, only], rates[only]
        rise = sparse.csc_array(new_matrix - old_matrix)
        share = np.clip(rise.max(axis=0).toarray().ravel(), 0.0, 1.0)
        share[share < 1e-9] = 0.0
        return int(np.count_nonzero(share * rates)), float(share @ rates)

    def paths(self, limit: int = 1_000_000) -> Iterator[tuple[int, float, tuple[int, ...]]]:
        """Walk over ``(demand, share, arcs)`` of every path in use.

        Raises
        ------
        ValueError
            More than *limit* paths: equal-cost splits multiply.
        """
        onward = sparse.csc_array(self.pass_on)
        entries = sparse.csc_array(self.inject)
        found = 0
        for demand in range(len(self)):
            lo, hi = entries.indptr[demand], entries.indptr[demand + 1]
            stack = [
                (int(entries.indices[i]), float(entries.data[i]), ()) for i in range(lo, hi)
            ]
            while stack:
                hop, share, walked = stack.pop()
                walked = (*walked, int(self.arc[hop]))
                if self.ends[hop]:
                    found += 1
                    if found > limit:
                        raise ValueError(f"more than {limit} paths in use")
                    yield demand, share, walked
                for i in range(onward.indptr[hop], onward.indptr[hop + 1]):
                    stack.append(
                        (int(onward.indices[i]), share * float(onward.data[i]), walked)
                    )


def _levels(inject: sparse.csr_array, pass_on: sparse.csr_array, nodes: int) -> np.ndarray:
    """Longest way from an entry to every hop; -1 where no traffic comes."""
    level = np.full(inject.shape[0], -1)
    front = np.diff(inject.indptr) > 0
    depth = 0
    while front.any():
        if depth > nodes:
            raise ValueError("the splits send traffic round in a circle")
        level[front] = depth
        front = (pass_on @ front.astype(float)) > 0
        depth += 1
    return level


def link_loads(routes: Routes, demands: Demands) -> pd.DataFrame:
    """Load of every link and direction when nothing is lost.

    Returns
    -------
    pandas.DataFrame
        One row per link and direction: ``link, source, target, class, capacity_gbps,
        offered_gbps, utilisation`` (NaN on a link that is down or has no capacity).
    """
    network = routes.network
    offered = routes.loads(demands.gbps) + network.background_gbps
    names = np.array(network.nodes, dtype=object)
    with np.errstate(divide="ignore", invalid="ignore"):
        live = network.up & (network.capacity_gbps > 0)
        utilisation = np.where(live, offered / network.capacity_gbps, np.nan)
    return pd.DataFrame(
        {
            "link": np.repeat(np.array(network.links, dtype=object), 2),
            "source": names[network.tail],
            "target": names[network.head],
            "class": np.repeat(network.link_class, 2),
            "capacity_gbps": np.where(network.up, network.capacity_gbps, 0.0),
            "offered_gbps": offered,
            "utilisation": utilisation,
        }
    )
