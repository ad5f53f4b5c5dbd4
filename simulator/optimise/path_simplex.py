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

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.optimise import bounds
from simulator.optimise.path_pool import TIE_MS, PathPool, pool_by_exit
from simulator.optimise.path_problem import nine_digits, without_zero_capacity
from simulator.paths.candidates import Paths, remembered
from simulator.paths.shortest import HOP_MS, Search, destinations_of

_ROUNDING = 1e-9
_NO_WORSE_MS, _BETTER_MS = 1e-12, 1e-11
_NOTHING = 1e-7
_AMPLE = 1e30
"""Room of an arc that no demand can use."""
_MOST_PIVOTS, _MOST_FULL, _MOST_ROUNDS = 5000, 80, 100


class Basis(NamedTuple):
    """A basis: positions of paths in the pool, and arcs."""

    key: np.ndarray  # of each demand
    extra: np.ndarray
    full: np.ndarray  # arcs, as many as extra paths


@dataclass(frozen=True, eq=False)
class _Start:
    """Where the next solve of the same paths starts from."""

    key: Hashable
    pool: PathPool
    basis: Basis


class _Proof(NamedTuple):
    """Prices of all arcs at which the demands of the pool cost more than the room is worth."""

    price: np.ndarray


class _Failed(Exception):
    """The method ended without an answer: too many pivots, or links that are full."""


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
    # Ties are broken by name, and demands between the same ends may be of different services.
    kinds = None if demands.service is None else tuple(demands.service)
    key = remembered(able, demands, "paths by exit", kinds)
    if key not in able.memo:
        able.memo[key] = pool_by_exit(able, demands)
    table: PathPool = able.memo[key]
    if not table.exits.any():
        return None
    start = None if current is None else current.warm_start
    pool, basis = None, None
    if isinstance(start, _Start) and start.key == key:
        pool, basis = start.pool, start.basis
    problem = _Problem(able, demands, table, pool, limit, counts & table.reach)
    try:
        solved = problem.solve(basis, gives_way=gives_way)
    except _Failed:
        return None
    if solved is None or solved.price.max(initial=0.0) > highest_price_ms:
        return None
    routes = problem.routes(solved, network)
    return None if routes is None else replace(routes, warm_start=_Start(key, *solved.start))


class _Problem:
    """One problem: rates and room in units near one, the pool, and the limits as they give way."""

    def __init__(
        self,
        network: Network,
        demands: Demands,
        table: PathPool,
        pool: PathPool | None,
        limit: np.ndarray,
        counts: np.ndarray,
    ) -> None:
        self._network, self._demands, self._table = network, demands, table
        self._pool = table.first() if pool is None else pool
        self._unit = float(demands.gbps.max(initial=0.0)) or 1.0
        self._rate = nine_digits(demands.gbps / self._unit)[table.who]
        self._capacity = nine_digits(network.capacity_gbps / self._unit)
        self._background = nine_digits(network.background_gbps / self._unit)
        self._stated, self._counts = limit, counts
        self._least = self._least_of_others = np.nan
        self._rounds = 0

    # -- the answer ---------------------------------------------------------------------------

    def solve(self, basis: Basis | None, *, gives_way: bool) -> _State | None:
        """Find the optimal basis over all paths; None where the limits cannot be met."""
        if gives_way:
            self._raise_by_all_exits()
        for _ in range(_MOST_ROUNDS):
            state = _State(self._pool, self._rate, self._room(), basis)
            proof = state.restore()
            if proof is None:
                return self._improved(state.canonical())
            basis = state.basis
            if (moved := self._let_in_cheaper(proof.price)) is not None:
                key, extra, full = basis
                basis = Basis(moved[key], moved[extra], full)
            elif not gives_way or not self._raise_by(proof.price, self._cheapest):
                return None
        raise _Failed

    def _improved(self, state: _State) -> _State:
        """Let better paths in until there are none."""
        for _ in range(_MOST_ROUNDS):
            moved = self._let_in_better(state)
            if moved is None:
                return state
            state = state.over(self._pool, moved)
            state.improve()
            state.canonical()
        raise _Failed

    def routes(self, state: _State, network: Network) -> Routes | None:
        """Return the routes of a basis, with their proof; None if rounding took them off limits."""
        pool, unit, counts, rate = self._pool, self._unit, self._counts, self._rate
        way, flow = state.flows()
        used = flow > _ROUNDING * rate[pool.row[way]]
        idle = pool.fastest[rate == 0]
        way, flow = np.append(way[used], idle), np.append(flow[used], np.zeros(len(idle)))
        paths = pool.paths.take(way)
        room = state.room
        load = np.bincount(paths.arcs, np.repeat(flow, np.diff(paths.starts)), len(room))
        if np.any(load > room + _ROUNDING * (1.0 + np.abs(room))):
            return None
        share = np.where(rate[pool.row[way]] > 0, flow, 1.0)
        share /= np.bincount(paths.demand, share, len(self._demands))[paths.demand]
        delay = float(pool.delay_ms[way] @ flow)
        bound = bounds.least_cost(self._floor, rate, state.price, room)
        at = (load * unit + self._network.background_gbps)[counts]
        mlu = float((at / self._network.capacity_gbps[counts]).max(initial=0.0))
        cost = delay * unit, min(bound, delay) * unit
        least = min(self._least, mlu) if np.isfinite(self._least) else np.nan
        certificate = Certificate("optimal", mlu, least, *cost, len(pool.row), self._rounds)
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

    def _let_in_better(self, state: _State) -> np.ndarray | None:
        """Let paths join the pool that lower the cost; the places of the old ones, None for none.

        Where there are none, ``_floor`` is the least delay and price of any path of each demand, or
        a little less.
        """
        table, full = self._table, state.full
        paid = table.sums_over(full, state.price[full])
        cost = table.cost_ms + paid
        rows = np.flatnonzero(table.least(cost) < state.key_cost - _BETTER_MS)
        if len(rows):
            self._pool, moved = self._pool.join_from(table, table.cheapest(cost)[rows])
            return moved
        if table.are_exits(full):
            self._floor = table.least(table.delay_ms + paid)
            return None
        hop = HOP_MS / 1000.0
        length = self._shortest(self._network.delay_ms + state.price + hop)
        rows = np.flatnonzero(length < state.key_cost - 2.0 * TIE_MS)
        if len(rows):
            self._rounds += 1
            self._pool, moved = self._pool.join(self._found(rows), rows)
            return moved
        self._floor = length - hop * len(self._network.nodes)
        return None

    def _let_in_cheaper(self, price: np.ndarray) -> np.ndarray | None:
        """Let paths join the pool that cost less at the prices of a proof than those in it.

        Returns the places of the old ones, None for no such path: then ``_cheapest`` is the least
        price of any path of each demand.
        """
        table, arcs = self._table, np.flatnonzero(price)
        known = self._pool.least(self._pool.sums_over(arcs, price[arcs]))
        cost = table.sums_over(arcs, price[arcs])
        self._cheapest = np.minimum(known, table.least(cost))
        rows = np.flatnonzero(self._cheapest < known - _BETTER_MS)
        if len(rows):
            # All that are as cheap: which of them is the best is for their delay to say.
            wanted = np.zeros(len(known), dtype=bool)
            wanted[rows] = True
            which = np.flatnonzero(wanted[table.row] & (cost <= self._cheapest[table.row]))
            self._pool, moved = self._pool.join_from(table, which)
            return moved
        if table.are_exits(arcs):
            return None
        hop = 1e-7 * float(price.max())
        length = self._shortest(price + hop)
        rows = np.flatnonzero(length < known - hop * len(self._network.nodes))
        if not len(rows):
            return None
        self._rounds += 1
        self._pool, moved = self._pool.join(self._found(rows), rows)
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
        for least, which in ((self._least, self._counts), (self._least_of_others, ~self._counts)):
            if np.isfinite(least):
                raised = np.maximum(limit, least * (1.0 + _ROUNDING))
                limit = np.where(which, raised, limit)
        return limit

    def _room(self) -> np.ndarray:
        room = self._limit() * self._capacity - self._background
        return np.where(self._table.reach, room, _AMPLE)

    def _raise_by_all_exits(self) -> None:
        """Raise the limit to what all exits of a direction together need."""
        room = self._room()
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
        if not np.any(least * (1.0 + _ROUNDING) > limit[which & (worth > 0)]):
            return False
        if about_others:
            self._least, self._least_of_others = np.nan, least
            self._raise_by_all_exits()
        else:
            self._least = least
        return True


class _State:
    """A basis with its flows and prices, between pivots."""

    def __init__(
        self, pool: PathPool, rate: np.ndarray, room: np.ndarray, basis: Basis | None
    ) -> None:
        self.room = room
        self._pool, self._rate = pool, rate
        self._tolerance = 1e-12 * max(1.0, float(rate.sum()))
        try:
            if basis is not None:
                self._take_up(basis)
        except np.linalg.LinAlgError:
            basis = None
        if basis is None or not self._is_dual_feasible():
            none = np.empty(0, dtype=np.int64)
            self._take_up(Basis(pool.cheapest(pool.cost_ms), none, none))

    @property
    def basis(self) -> Basis:
        """The basis as it is."""
        return Basis(self._key.copy(), self._extra.copy(), self._full.copy())

    @property
    def start(self) -> tuple[PathPool, Basis]:
        """What the next problem starts from."""
        return self._pool, self.basis

    @property
    def full(self) -> np.ndarray:
        """Arcs that are full."""
        return self._full

    def over(self, pool: PathPool, moved: np.ndarray) -> _State:
        """Return the same basis over a pool that has grown: *moved* are the places of its paths."""
        state = object.__new__(_State)
        state.room, state._rate, state._pool = self.room, self._rate, pool
        state._tolerance = self._tolerance
        state._take_up(Basis(moved[self._key], moved[self._extra], self._full))
        return state

    def _take_up(self, basis: Basis) -> None:
        """Take up a basis: what its extra paths change, its flows, loads and prices."""
        pool = self._pool
        self._key, self._extra, self._full = basis.key.copy(), basis.extra, basis.full
        self._row = pool.row[self._extra]
        # Arcs of every extra path less those of its demand's key path.
        self._detour = pool.crosses(self._extra) - pool.crosses(self._key[self._row])
        self._key_load = pool.load(self._key, self._rate)
        self._work_out_flows()
        self._work_out_prices()

    def _work_out_flows(self) -> None:
        full = self._full
        if len(full) > _MOST_FULL:
            raise _Failed
        if not len(full):
            self._inverse, self._flow = np.empty((0, 0)), np.empty(0)
            self._load, self._left = self._key_load, np.empty(0)
            return
        self._inverse = np.linalg.inv(self._detour[:, full].T)
        self._flow = self._inverse @ (self.room[full] - self._key_load[full])
        self._load = self._key_load + self._flow @ self._detour
        self._load[full] = self.room[full]
        self._left = self._rate[self._row] - np.bincount(self._row, self._flow)[self._row]

    def _work_out_prices(self) -> None:
        """Work out the price of every arc and the reduced cost of every path."""
        pool, keys = self._pool, self._key[self._row]
        self.price = np.zeros(len(self.room))
        self.price[self._full] = (pool.cost_ms[keys] - pool.cost_ms[self._extra]) @ self._inverse
        cost = pool.cost_ms + pool.sums_over(self._full, self.price[self._full])
        self.key_cost = cost[self._key]
        self._reduced = cost - self.key_cost[pool.row]

    def _is_dual_feasible(self) -> bool:
        """Whether no path has a negative reduced cost: what the dual simplex starts from."""
        lowest = min(self.price.min(initial=0.0), self._reduced.min(initial=0.0))
        return bool(lowest > -_NO_WORSE_MS)

    # -- the dual simplex method ----------------------------------------------------------------

    def restore(self) -> _Proof | None:
        """Pivot until no flow is negative and no link overfull; a proof if that cannot be."""
        for _ in range(_MOST_PIVOTS):
            leaving = self._most_infeasible()
            if leaving is None:
                return None
            if (proof := self._leave(*leaving)) is not None:
                return proof
        raise _Failed

    def _most_infeasible(self) -> tuple[str, int, float] | None:
        """What has to leave the basis, and by how much it is off its limit; None for nothing.

        ``("extra", i)`` an extra path, ``("key", i)`` the key path of the demand of extra path *i*,
        ``("arc", a)`` the slack of an arc that is not among the full ones.
        """
        worst, leaving = self._tolerance, None
        over = self._load - self.room
        a = int(over.argmax())
        if over[a] > worst:
            worst = over[a]
            leaving = "arc", a, float(worst)
        if len(self._flow):
            i = int(self._flow.argmin())
            if -self._flow[i] > worst:
                worst = -self._flow[i]
                leaving = "extra", i, float(worst)
            i = int(self._left.argmin())
            if -self._left[i] > worst:
                leaving = "key", i, float(-self._left[i])
        return leaving

    def _leave(self, what: str, which: int, off: float) -> _Proof | None:
        """Exchange what leaves for the cheapest that makes up for it; a proof if nothing can.

        A demand on one path that is cheaper to move as a whole, and not enough, moves at once: its
        other path becomes its key, and the next cheapest is looked for (the long step of the dual
        simplex method).
        """
        pool, full = self._pool, self._full
        # How the leaving variable depends on the extra flows, and so on the load of full arcs; a
        # path in place of its demand's key then gains the effect of the key's arcs less its own's.
        if what == "arc":
            effect = -self._detour[:, which] @ self._inverse
        elif what == "extra":
            effect = self._inverse[which]
        else:
            effect = -(self._row == self._row[which]).astype(float) @ self._inverse
        arcs, all_effects = full, effect
        if what == "arc":
            arcs, all_effects = np.append(full, which), np.append(effect, 1.0)
        by_path = pool.sums_over(arcs, all_effects)
        leaves = by_path[self._key]
        if what == "key":
            leaves[self._row[which]] -= 1.0
        gain = leaves[pool.row]
        gain -= by_path
        # An arc may stop being full as well: its slack comes in at its price.
        frees, freed, slack = (effect < -_NOTHING).nonzero()[0], -1, np.inf
        if len(frees):
            prices = self.price[full[frees]] / -effect[frees]
            i = int(prices.argmin())
            freed, slack = int(frees[i]), float(prices[i])
        whole, path, cheapest = self._long_step(gain, off, slack)
        if path >= 0:
            freed = -1
        elif freed < 0:
            price = np.zeros(len(self.room))
            price[arcs] = np.where(all_effects > _NOTHING, all_effects, 0.0)
            return _Proof(price)
        self.price[arcs] += cheapest * all_effects
        gain *= -cheapest
        self._reduced += gain
        if whole:
            self._move(np.array(whole))
        self._exchange(what, which, path, freed)
        return None

    def _long_step(
        self, gain: np.ndarray, off: float, slack: float
    ) -> tuple[list[int], int, float]:
        """Paths whose demands move as a whole, the path that enters after them, and its ratio.

        The path is -1 where the slack of an arc enters before it, at the ratio *slack*, or nothing
        does.
        """
        row = self._pool.row
        able = (gain > _NOTHING).nonzero()[0]
        whole: list[int] = []
        if not len(able):
            return whole, -1, slack
        able_gain, able_row = gain[able], row[able]
        ratio = self._reduced[able] / able_gain
        is_split = np.zeros(len(self._rate), dtype=bool)
        is_split[self._row] = True
        last = 0.0
        moved = set()
        while True:
            i = ratio.argmin()
            lowest = float(ratio[i])
            if slack <= lowest:
                # Nothing enters and all is moved: what was moved does not matter to the proof.
                return whole, -1, slack
            k = int(able_row[i])
            if k in moved:
                # A third path of one demand: the path moved to last enters instead.
                return whole[:-1], whole[-1], last
            off -= float(able_gain[i] * self._rate[k])
            if is_split[k] or off <= self._tolerance:
                return whole, int(able[i]), lowest
            whole.append(int(able[i]))
            moved.add(k)
            last = lowest
            ratio[(able_row == k) & (able_gain <= able_gain[i])] = np.inf

    def _move(self, paths: np.ndarray) -> None:
        """Let demands on one path move to another one."""
        pool = self._pool
        rows = pool.row[paths]
        both, rates = np.append(paths, self._key[rows]), self._rate[rows]
        self._key_load = self._key_load + pool.load(both, np.append(rates, -rates))
        self._key[rows] = paths
        less = np.zeros(len(self._rate))
        less[rows] = self._reduced[paths]
        self._reduced -= less[pool.row]

    def _exchange(self, what: str, which: int, path: int, freed: int) -> None:
        """Take up the basis without what leaves and with a path, or with a full arc freed."""
        if what == "key":
            what = "extra"
            self._swap(which)
        if what == "extra":
            if path >= 0:
                row = self._pool.row[path]
                self._extra[which], self._row[which] = path, row
                self._detour[which] = self._aside(path, row)
            else:
                stays = np.arange(len(self._extra)) != which
                self._extra, self._row = self._extra[stays], self._row[stays]
                self._detour = self._detour[stays]
                self._full = self._full[np.arange(len(self._full)) != freed]
        elif path >= 0:
            row = self._pool.row[path]
            self._extra, self._row = np.append(self._extra, path), np.append(self._row, row)
            self._detour = np.concatenate([self._detour, self._aside(path, row)[None]])
            self._full = np.append(self._full, which)
        else:
            self._full = self._full.copy()
            self._full[freed] = which
        self._work_out_flows()

    def _aside(self, path: int, row: int) -> np.ndarray:
        """Arcs of a path less those of its demand's key path."""
        on = self._pool.crosses(np.array([path, self._key[row]]))
        return np.asarray(on[0] - on[1])

    def _swap(self, which: int) -> None:
        """Let an extra path and its demand's key path change places."""
        row = self._row[which]
        aside = self._detour[which].copy()
        self._key_load = self._key_load + self._rate[row] * aside
        self._detour[self._row == row] -= aside
        self._detour[which] = -aside
        self._key[row], self._extra[which] = self._extra[which], self._key[row]

    # -- the primal simplex method --------------------------------------------------------------

    def improve(self) -> None:
        """Pivot until no path has a negative reduced cost and no full arc a negative price."""
        for _ in range(_MOST_PIVOTS):
            path = int(self._reduced.argmin())
            prices = self.price[self._full]
            freed = int(prices.argmin()) if len(prices) else -1
            if freed >= 0 and prices[freed] < min(self._reduced[path], -_NO_WORSE_MS):
                self._enter(-1, freed)
            elif self._reduced[path] < -_NO_WORSE_MS:
                self._enter(path, -1)
            else:
                return
        raise _Failed

    def _enter(self, path: int, freed: int) -> None:
        """Raise the flow of a path, or the slack of a full arc, until something is in the way."""
        row = int(self._pool.row[path])
        if path >= 0:
            aside = self._aside(path, row)
            change = -self._inverse @ aside[self._full]
            load = aside + change @ self._detour
        else:
            change = -self._inverse[:, freed]
            load = change @ self._detour
        load[self._full] = 0.0
        left = -np.bincount(self._row, change, len(self._rate))
        if path >= 0:
            left[row] -= 1.0
        every = self._rate - np.bincount(self._row, self._flow, len(self._rate))
        steps = [
            ("extra", self._flow, -change),
            ("key", every, -left),
            ("arc", self.room - self._load, load),
        ]
        least, leaving = np.inf, None
        for what, amount, falls in steps:
            able = np.flatnonzero(falls > _NOTHING)
            if len(able):
                step = np.maximum(amount[able], 0.0) / falls[able]
                i = int(step.argmin())
                if step[i] < least:
                    least, leaving = step[i], (what, int(able[i]))
        if leaving is None:
            raise _Failed
        what, which = leaving
        if what == "key":
            mine = np.flatnonzero(self._row == which)
            if path >= 0 and row == which and not len(mine):
                # A demand on one path takes another one.
                self._key_load = self._key_load + self._rate[row] * aside
                self._key[row] = path
                self._work_out_flows()
                self._work_out_prices()
                return
            which = int(mine[0])
        self._exchange(what, which, path, freed)
        self._work_out_prices()

    # -- the answer -----------------------------------------------------------------------------

    def canonical(self) -> _State:
        """Bring the basis to one form, whatever the pivots were: flows are computed from it."""
        key, extra, full = self.basis
        row = self._pool.row
        # Of the paths of a split demand the one listed first is the key.
        mine = np.unique(np.concatenate([extra, key[self._row]]))
        key[row[mine[::-1]]] = mine[::-1]
        extra = mine[key[row[mine]] != mine]
        self._take_up(Basis(key, extra, np.sort(full)))
        return self

    def flows(self) -> tuple[np.ndarray, np.ndarray]:
        """Paths of the basis, and the flow on each."""
        left = self._rate - np.bincount(self._row, self._flow, len(self._rate))
        flow = np.maximum(np.concatenate([left, self._flow]), 0.0)
        return np.concatenate([self._key, self._extra]), flow
