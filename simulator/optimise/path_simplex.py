"""Least latency while few links are full, by a simplex method for the structure of the problem.

Each demand has a table of paths: an international one the fastest path by way of each exit,
another one its fastest path. A few of them are in the pool that is worked with. A basis has one
**key** path for every demand; links that are full have a price; and there are as many **extra**
paths (of demands that are split) as full links. So a basis is a matrix as large as the number of
full links, and a pivot a few sweeps over the pool. In china169 most links that are ever full are
exits, ten at a time.

* The dual simplex method restores what another cycle's rates have broken: from one cycle to the
  next few pivots are needed, often none.
* Paths of the table that are better at the prices of the answer join the pool and enter by the
  primal simplex method, until there are none. While only exits are full, no other path could be
  better. Where another link has a price, the shortest paths under delay and price are looked for in
  the same way: the answer is optimal over all paths, which the prices prove.
* Where the links cannot hold the demands, the dual simplex method ends in prices that prove it:
  what the demands cost at least at these prices is more than the room is worth. The least limit at
  which that proof fails is a lower bound on the utilisation of any routing; with the limit there,
  another proof is found or the links hold, and the bound is the least utilisation.

The answer does not depend on where the pivots start from: delays differ by up to a tenth of a
nanosecond, by a hash of the names of demand and exit, so that no two answers are equally good, and
flows are computed from the final basis alone.

Source: Dantzig and Van Slyke, Generalized upper bounding techniques, J. Comput. Syst. Sci. 1, 1967
(key variables and the working basis); Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapters 11
and 17. Of the least limit: Radzik, Newton's method for fractional combinatorial optimization, FOCS
1992.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import bounds
from simulator.optimise.path_basis import Basis, BasisState, Failed
from simulator.optimise.path_pool import TIE_MS, PathPool
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.path_start import Scaled, Start, start_of, table_of
from simulator.paths.candidates import Paths, remembered
from simulator.paths.shortest import HOP_MS, Search, destinations_of

ROUNDING, _BETTER_MS = 1e-9, 1e-11
_MOST_ROUNDS = 100
AMPLE = 1e30
"""Room of an arc that no demand can use."""


def route(
    network: Network,
    demands: Demands,
    limit: np.ndarray,
    counts: np.ndarray,
    current: Routes | None = None,
    highest_price_ms: float = np.inf,
    *,
    gives_way: bool = False,
) -> Routes | None:
    """Route for the least latency; None where this method does not apply.

    That is where no demand crosses the border, where the links cannot hold the demands, and where
    so many are full that a general program is better.

    Parameters
    ----------
    network : Network
        Its ``background_gbps`` is load that stays where it is.
    limit : ndarray, shape (arcs,)
        Utilisation allowed on every arc.
    counts : ndarray of bool, shape (arcs,)
        Arcs whose utilisation the certificate reports.
    current : Routes, optional
        Earlier routes of this method: where to start from.
    highest_price_ms : float
        Cost of a Gbps above the limit: the method does not apply where room has a higher price.
    gives_way : bool
        Where the links cannot hold the demands, the limit of all arcs that count is the least
        utilisation at which they can; before it that of the others, with those that count free.
    """
    able = without_zero_capacity(network)
    key, table = table_of(able, demands)
    if not table.exits.any():
        return None
    pool, basis = start_of(current, key)
    scaled = Scaled.of(able, demands.gbps, table)
    problem = Problem(able, demands, table, pool, scaled, limit, counts & table.reach)
    try:
        solved = problem.solve(basis, gives_way=gives_way)
    except Failed:
        return None
    if solved is None or solved.price.max(initial=0.0) > highest_price_ms:
        return None
    routes = problem.routes(solved, network)
    return None if routes is None else replace(routes, warm_start=Start(key, *solved.start))


class Problem:
    """One problem: rates and room in units near one, the pool, and the limits as they give way.

    Attributes
    ----------
    pool : PathPool
        Paths that are worked with so far.
    floor : ndarray, shape (rows,)
        Of an answer: the least delay and price of any path of each demand, or a little less.
    least : float
        Least utilisation of the arcs that count, where their limit gave way; else NaN.
    rounds : int
        Searches for paths that were not in the table.
    """

    floor: np.ndarray

    def __init__(
        self,
        network: Network,
        demands: Demands,
        table: PathPool,
        pool: PathPool | None,
        scaled: Scaled,
        limit: np.ndarray,
        counts: np.ndarray,
    ) -> None:
        self._network, self._demands, self._table = network, demands, table
        self.pool = table.first() if pool is None else pool
        self._unit, self._rate, self._capacity, self._background = scaled
        self._stated, self._counts = limit, counts
        self.least = self._least_of_others = np.nan
        self.rounds = 0

    # -- the answer ---------------------------------------------------------------------------

    def solve(
        self, basis: Basis | None, *, gives_way: bool, state: BasisState | None = None
    ) -> BasisState | None:
        """Find the optimal basis over all paths; None where the limits cannot be met.

        Parameters
        ----------
        basis : Basis or None
            Where to start from.
        gives_way : bool
            See :func:`route`.
        state : BasisState, optional
            Answer of another problem over the same pool, to start from in place of *basis*.
        """
        if gives_way:
            self.raise_by_all_exits()
        for _ in range(_MOST_ROUNDS):
            if state is None:
                state = BasisState(self.pool, self._rate, self.room(), basis)
            else:
                state.restart(self._rate, self.room())
            proof = state.restore()
            if proof is None:
                return self._improved(state.canonical())
            basis, state = state.basis, None
            if (moved := self._let_in_cheaper(proof.price)) is not None:
                key, extra, full = basis
                basis = Basis(moved[key], moved[extra], full)
            elif not gives_way or not self._raise_by(proof.price, self._cheapest):
                return None
        raise Failed

    def _improved(self, state: BasisState) -> BasisState:
        """Let better paths in until there are none."""
        for _ in range(_MOST_ROUNDS):
            moved = self._let_in_better(state)
            if moved is None:
                return state
            state = state.over(self.pool, moved)
            state.improve()
            state.canonical()
        raise Failed

    def routes(self, state: BasisState, network: Network) -> Routes | None:
        """Return the routes of a basis, with their proof; None if rounding took them off limits."""
        pool, unit, counts, rate = self.pool, self._unit, self._counts, self._rate
        way, flow = state.flows()
        used = flow > ROUNDING * rate[pool.row[way]]
        idle = pool.fastest[rate == 0]
        way, flow = np.append(way[used], idle), np.append(flow[used], np.zeros(len(idle)))
        paths = pool.paths.take(way)
        room = state.room
        load = np.bincount(paths.arcs, np.repeat(flow, np.diff(paths.starts)), len(room))
        if np.any(load > room + ROUNDING * (1.0 + np.abs(room))):
            return None
        share = np.where(rate[pool.row[way]] > 0, flow, 1.0)
        share /= np.bincount(paths.demand, share, len(self._demands))[paths.demand]
        delay = float(pool.delay_ms[way] @ flow)
        bound = bounds.least_cost(self.floor, rate, state.price, room)
        at = (load * unit + self._network.background_gbps)[counts]
        mlu = float((at / self._network.capacity_gbps[counts]).max(initial=0.0))
        cost = delay * float(unit), min(bound, delay) * float(unit)
        least = min(self.least, mlu) if np.isfinite(self.least) else np.nan
        certificate = Certificate("optimal", mlu, least, *cost, len(pool.row), self.rounds)
        return Routes.from_paths(
            network,
            len(self._demands),
            paths.demand,
            share,
            paths.arcs,
            paths.starts,
            certificate,
        )

    # -- paths that are not in the pool ---------------------------------------------------------

    def _let_in_better(self, state: BasisState) -> np.ndarray | None:
        """Let paths join the pool that lower the cost; the places of the old ones, None for none.

        Where there are none, ``floor`` is the least delay and price of any path of each demand, or
        a little less.
        """
        table, full = self._table, state.full
        paid = table.sums_over(full, state.price[full])
        cost = table.cost_ms + paid
        rows = np.flatnonzero(table.least(cost) < state.key_cost - _BETTER_MS)
        if len(rows):
            self.pool, moved = self.pool.join_from(table, table.cheapest(cost)[rows])
            return moved
        if table.are_exits(full):
            self.floor = table.least(table.delay_ms + paid)
            return None
        hop = HOP_MS / 1000.0
        length = self._shortest(self._network.delay_ms + state.price + hop)
        rows = np.flatnonzero(length < state.key_cost - 2.0 * TIE_MS)
        if len(rows):
            self.rounds += 1
            self.pool, moved = self.pool.join(self._found(rows), rows)
            return moved
        self.floor = length - hop * len(self._network.nodes)
        return None

    def _let_in_cheaper(self, price: np.ndarray) -> np.ndarray | None:
        """Let paths join the pool that cost less at the prices of a proof than those in it.

        Returns the places of the old ones, None for no such path: then ``_cheapest`` is the least
        price of any path of each demand.
        """
        table, arcs = self._table, np.flatnonzero(price)
        known = self.pool.least(self.pool.sums_over(arcs, price[arcs]))
        cost = table.sums_over(arcs, price[arcs])
        self._cheapest = np.minimum(known, table.least(cost))
        rows = np.flatnonzero(self._cheapest < known - _BETTER_MS)
        if len(rows):
            # All that are as cheap: which of them is the best is for their delay to say.
            wanted = np.zeros(len(known), dtype=bool)
            wanted[rows] = True
            which = np.flatnonzero(wanted[table.row] & (cost <= self._cheapest[table.row]))
            self.pool, moved = self.pool.join_from(table, which)
            return moved
        if table.are_exits(arcs):
            return None
        hop = 1e-7 * float(price.max())
        length = self._shortest(price + hop)
        rows = np.flatnonzero(length < known - hop * len(self._network.nodes))
        if not len(rows):
            return None
        self.rounds += 1
        self.pool, moved = self.pool.join(self._found(rows), rows)
        return moved

    def _shortest(self, weight: np.ndarray) -> np.ndarray:
        """Length of every row's shortest path under a weight of every arc."""
        key, memo = remembered(self._network, self._demands, "search"), self._network.memo
        if key not in memo:
            memo[key] = Search(self._network, destinations_of(self._network, self._demands)[0])
        self._near = memo[key].under(weight)
        table = self._table
        return self._near.distance[table.destination, self._demands.source[table.who]]

    def _found(self, rows: np.ndarray) -> Paths:
        """The shortest paths found last, of some rows."""
        k, destination = self._table.who[rows], self._table.destination[rows]
        return Paths(k, *self._near.follow(destination, self._demands.source[k]))

    # -- limits that give way -------------------------------------------------------------------

    def _limit(self) -> np.ndarray:
        """Utilisation allowed on every arc."""
        limit = self._stated
        for least, which in ((self.least, self._counts), (self._least_of_others, ~self._counts)):
            if np.isfinite(least):
                raised = np.maximum(limit, least * (1.0 + ROUNDING))
                limit = np.where(which, raised, limit)
        return limit

    def room(self) -> np.ndarray:
        """Load allowed on every arc, beside the background."""
        room = self._limit() * self._capacity - self._background
        return np.where(self._table.reach, room, AMPLE)

    def raise_by_all_exits(self) -> None:
        """Raise the limit to what all exits of a direction together need."""
        room = self.room()
        for price, crossed in self._table.all_exits:
            if crossed @ self._rate > price @ room:
                self._raise_by(price, crossed)

    def _raise_by(self, price: np.ndarray, cheapest: np.ndarray) -> bool:
        """Raise a limit to the least at which these prices prove nothing; False for none.

        The demands cost at least ``cost``, and the room that a utilisation of 1 gives is worth
        ``worth``: see ``bounds.py``. A proof with no arc that counts is one about the others, and
        what has been proven beside lower limits of theirs is void.
        """
        limit, which = self._limit(), self._counts
        worth = price * self._capacity
        cost = float(cheapest @ self._rate + price @ self._background)
        about_others = not worth[which].any()
        if about_others:
            which = ~which
        if not worth[which].any():
            return False
        least = (cost - float(worth[~which] @ limit[~which])) / float(worth[which].sum())
        if not np.any(least * (1.0 + ROUNDING) > limit[which & (worth > 0)]):
            return False
        if about_others:
            self.least, self._least_of_others = np.nan, least
            self.raise_by_all_exits()
        else:
            self.least = least
        return True
