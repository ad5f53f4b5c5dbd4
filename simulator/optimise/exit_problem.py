"""Least latency under a cap on exits, by a simplex method for the structure of the problem.

Each international demand crosses the border once. While no other link is full, its latency by way
of each exit is a number, and what is left is a transportation problem: demands to exits, exits with
room. Its optimal basis is small. Every demand has one **key** exit; exits that are full have a
price; and there are as many **extra** paths (of demands that are split) as full exits. So a basis
is a matrix as large as the number of full exits, and a pivot of the dual simplex method a few
sweeps over a table of demands by exits.

A basis is optimal for all rates for which its flows are not negative and no exit overflows: from
one cycle to the next few pivots are needed, often none. The answer does not depend on where they
start from: latencies differ by up to a tenth of a nanosecond, by a hash of the names of demand and
exit, so that no two answers are equally good, and flows are computed from the final basis alone.

The caller checks that no other link is above its limit: then the answer is optimal over all paths,
which the prices prove.

Source: Dantzig and Van Slyke, Generalized upper bounding techniques, J. Comput. Syst. Sci. 1, 1967
(key variables and the working basis); Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapter 11.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.optimise.path_problem import nine_digits, without_zero_capacity
from simulator.paths.candidates import Paths, exit_paths, remembered
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to

_TIE_MS = 1e-7
"""Most that a latency is changed by, so that no two answers are equally good."""
_ROUNDING = 1e-9
_MOST_PIVOTS = 5000


class _Basis(NamedTuple):
    """A basis of one direction."""

    key: np.ndarray  # exit of each demand's key path
    demand: np.ndarray  # of each extra path
    exit: np.ndarray  # of each extra path
    full: np.ndarray  # exits that are full


class _Side(NamedTuple):
    """The paths of one direction: tables of demands by exits, infinite where there is no path."""

    who: np.ndarray  # positions of the demands
    arcs: np.ndarray  # exit arcs of this direction that are up
    place: np.ndarray  # of each path in the list of all; -1 where there is none
    delay_ms: np.ndarray
    cost: np.ndarray  # the delay, with ties broken


class _Table(NamedTuple):
    """All paths of all demands, as long as the same links are up."""

    paths: Paths  # first the fastest of every demand that has one, then all of every direction
    fastest: np.ndarray  # position of each demand's fastest path; -1 for a demand without any
    sides: tuple[_Side, ...]
    delay_ms: np.ndarray  # of each path
    fixed: np.ndarray  # demands that have a path but no choice of exit


def route(
    network: Network,
    demands: Demands,
    limit: np.ndarray,
    counts: np.ndarray,
    current: Routes | None = None,
    highest_price_ms: float = np.inf,
) -> Routes | None:
    """Route for the least latency; None where this method does not apply.

    That is where the exits cannot hold the demands, or another link would be above its limit.

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
    """
    able = without_zero_capacity(network)
    table = _table(able, demands)
    if not table.sides:
        return None
    unit = float(demands.gbps.max(initial=0.0)) or 1.0
    rate = nine_digits(demands.gbps / unit)
    room = limit * nine_digits(able.capacity_gbps / unit) - nine_digits(able.background_gbps / unit)
    found, flows = [table.fastest[table.fixed]], [rate[table.fixed]]
    bound, bases = 0.0, []
    known = None if current is None else current.warm_start
    if not isinstance(known, tuple) or len(known) != len(table.sides):
        known = (None,) * len(table.sides)
    for side, start in zip(table.sides, known, strict=True):
        answer = _solve(side.cost, rate[side.who], room[side.arcs], start)
        if answer is None:
            return None
        basis, chosen, amount, price = answer
        if price.max(initial=0.0) > highest_price_ms:
            return None
        found.append(side.place[chosen])
        flows.append(amount)
        least = (side.delay_ms + price).min(axis=1)
        bound += float(least @ rate[side.who]) - float(price @ room[side.arcs])
        bases.append(basis)
    way, flow = np.concatenate(found), np.concatenate(flows)
    used = flow > _ROUNDING * rate[table.paths.demand[way]]
    idle = table.fastest[(table.fastest >= 0) & (rate == 0)]
    paths = table.paths.take(np.concatenate([way[used], idle]))
    flow = np.concatenate([flow[used], np.zeros(len(idle))])
    load = np.bincount(paths.arcs, np.repeat(flow, np.diff(paths.starts)), len(room))
    if np.any(load > room + _ROUNDING * (1.0 + np.abs(room))):
        return None

    share = np.where(rate[paths.demand] > 0, flow, 1.0)
    share /= np.bincount(paths.demand, share, len(demands))[paths.demand]
    delay = float(paths.sums(able.delay_ms) @ flow)
    bound += float(table.delay_ms[table.fastest[table.fixed]] @ rate[table.fixed])
    at = (load * unit + able.background_gbps)[counts] / able.capacity_gbps[counts]
    mlu, cost = float(at.max(initial=0.0)), (delay * unit, min(bound, delay) * unit)
    certificate = Certificate("optimal", mlu, np.nan, *cost, len(table.paths.demand))
    routes = Routes.from_paths(
        network, len(demands), paths.demand, share, paths.arcs, paths.starts, certificate
    )
    return replace(routes, warm_start=tuple(bases))


# -- the paths, which depend on what is up -----------------------------------------------------


def _table(network: Network, demands: Demands) -> _Table:
    """All paths by every exit, kept with the network for the next solve."""
    # Ties are broken by name, and demands between the same ends may be of different services.
    kinds = None if demands.service is None else tuple(demands.service)
    key = remembered(network, demands, "paths by exit", kinds)
    if key not in network.memo:
        network.memo[key] = _find_table(network, demands)
    return network.memo[key]


def _find_table(network: Network, demands: Demands) -> _Table:
    weight = network.delay_ms + HOP_MS / 1000.0
    destinations, row = destinations_of(network, demands)
    near = shortest_to(network, weight, destinations)
    paths = Paths(np.arange(len(demands)), *near.follow(row, demands.source))
    has = np.diff(paths.starts) > 0
    paths = paths.take(np.flatnonzero(has))
    fastest = np.where(has, np.cumsum(has) - 1, -1)
    sides = []
    for by_exit in exit_paths(network, demands, weight, row, near):
        reaches = np.isfinite(by_exit.length).any(axis=0)
        exit_, which = np.nonzero(np.isfinite(by_exit.length))
        found = by_exit.paths(exit_, which)
        delay = np.full(by_exit.length.T.shape, np.inf)
        delay[which, exit_] = found.sums(network.delay_ms)
        place = np.full(delay.shape, -1)
        place[which, exit_] = len(paths.demand) + np.arange(len(which))
        paths = paths.join(found)
        names = [demands.names[k] for k in by_exit.who]
        exits = [network.arc_name(int(arc)) for arc in by_exit.crossing]
        cost = delay + _TIE_MS * _tie_breakers(names, exits)
        tables = place[reaches], delay[reaches], cost[reaches]
        sides.append(_Side(by_exit.who[reaches], by_exit.crossing, *tables))
    fixed = fastest >= 0
    for side in sides:
        fixed[side.who] = False
    delay = paths.sums(network.delay_ms)
    return _Table(paths, fastest, tuple(sides), delay, np.flatnonzero(fixed))


def _tie_breakers(rows: list[str], columns: list[str]) -> np.ndarray:
    """Numbers from 0 to 1 that depend on pairs of names and on nothing else."""

    def words(names: list[str]) -> np.ndarray:
        digests = b"".join(hashlib.blake2b(n.encode(), digest_size=8).digest() for n in names)
        return np.frombuffer(digests, dtype="<u8")

    mixed = words(rows)[:, None] ^ words(columns)[None, :]
    # The finaliser of splitmix64: every bit of the pair reaches every bit of the number.
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))) / 2.0**64


# -- the dual simplex method on keys and extras ------------------------------------------------


class _Answer(NamedTuple):
    basis: _Basis
    chosen: tuple[np.ndarray, np.ndarray]
    amount: np.ndarray
    price: np.ndarray


def _solve(
    cost: np.ndarray, rate: np.ndarray, room: np.ndarray, start: _Basis | None
) -> _Answer | None:
    """Send every demand to exits at least cost; None when the exits cannot hold them.

    *start* is a basis that was optimal for other rates or room, of the same cost.
    """
    tolerance = 1e-12 * max(1.0, float(rate.sum()))
    try:
        state = _State(cost, rate, room, start) if start and _fits(start, cost) else None
    except np.linalg.LinAlgError:  # of another problem
        state = None
    if state is None or not state.is_dual_feasible():
        none = np.empty(0, dtype=np.int64)
        state = _State(cost, rate, room, _Basis(np.argmin(cost, axis=1), none, none, none))
    for _ in range(_MOST_PIVOTS):
        leaving = state.most_infeasible(tolerance)
        if leaving is None:
            return state.answer()
        if not state.pivot(*leaving):
            return None
    return None


def _fits(basis: _Basis, cost: np.ndarray) -> bool:
    """Whether a basis can be one of this problem, not of other paths or other demands."""
    demands, exits = cost.shape
    key, demand, exit_, full = basis
    if len(key) != demands or demand.max(initial=-1) >= demands:
        return False
    if max(key.max(initial=-1), exit_.max(initial=-1), full.max(initial=-1)) >= exits:
        return False
    costs = np.concatenate([cost[np.arange(demands), key], cost[demand, exit_]])
    return bool(np.isfinite(costs).all())


class _State:
    """A basis with its flows and prices, between pivots."""

    def __init__(self, cost: np.ndarray, rate: np.ndarray, room: np.ndarray, basis: _Basis) -> None:
        self._cost, self._rate, self._room = cost, rate, room
        self._every = np.arange(len(rate))
        self._set(basis)

    def _set(self, basis: _Basis) -> None:
        """Take up a basis: its working matrix, flows, loads and prices."""
        self._basis = basis
        key, demand, exit_, full = basis
        exits = len(self._room)
        keys = key[demand]
        matrix = (full[:, None] == exit_).astype(float) - (full[:, None] == keys)
        self._inverse = np.linalg.inv(matrix) if len(full) else matrix
        load = np.bincount(key, self._rate, exits)
        self._extra = self._inverse @ (self._room[full] - load[full])
        gained, lost = (np.bincount(x, self._extra, exits) for x in (exit_, keys))
        self._load = load + gained - lost
        self._load[full] = self._room[full]
        self._price = np.zeros(exits)
        saved = self._cost[demand, keys] - self._cost[demand, exit_]
        self._price[full] = saved @ self._inverse
        self._key_cost = self._cost[self._every, key] + self._price[key]

    def is_dual_feasible(self) -> bool:
        """Whether no path has a negative reduced cost: what the dual simplex starts from."""
        reduced = self._price + self._cost - self._key_cost[:, None]
        lowest = min(self._price.min(initial=0.0), reduced.min(initial=0.0))  # of no demands: 0
        return bool(lowest > -_TIE_MS / 1e6)

    def most_infeasible(self, tolerance: float) -> tuple[str, int] | None:
        """What has to leave the basis: the worst negative flow or overflow; None if there is none.

        ``("extra", i)`` an extra path, ``("key", k)`` the key path of a demand, ``("exit", x)`` the
        slack of an exit that is not among the full ones.
        """
        basis = self._basis
        worst, leaving = tolerance, None
        over = self._load - self._room
        x = int(np.argmax(over))
        if over[x] > worst:
            worst, leaving = over[x], ("exit", x)
        if len(basis.demand):
            i = int(np.argmin(self._extra))
            if -self._extra[i] > worst:
                worst, leaving = -self._extra[i], ("extra", i)
            taken = np.bincount(basis.demand, self._extra, len(self._rate))
            left = (self._rate - taken)[basis.demand]
            i = int(np.argmin(left))
            if -left[i] > worst:
                worst, leaving = -left[i], ("key", int(basis.demand[i]))
        return leaving

    def pivot(self, what: str, which: int) -> bool:
        """Exchange what leaves for the cheapest that makes up for it; False if nothing can."""
        key, demand, exit_, full = self._basis
        # How the leaving variable depends on the extra flows, and so on the load of full exits; a
        # way from exit y to exit x in place of its demand's key then gains effect[y] - effect[x].
        effect = np.zeros(len(self._room))
        if what == "exit":
            depends = (key[demand] == which).astype(float) - (exit_ == which)
        elif what == "extra":
            depends = (np.arange(len(demand)) == which).astype(float)
        else:
            depends = -(demand == which).astype(float)
        effect[full] = depends @ self._inverse
        frees = np.flatnonzero(effect[full] < -0.5)
        if what == "exit":
            effect[which] += 1.0
        leaves = effect[key]
        if what == "key":
            leaves[which] -= 1.0
        rows = np.flatnonzero(leaves > effect.min() + 0.5)
        reduced = self._cost[rows] + self._price - self._key_cost[rows, None]
        reduced[leaves[rows, None] - effect < 0.5] = np.inf
        best = int(np.argmin(reduced)) if reduced.size else 0
        k, x = (int(rows[best // len(effect)]), best % len(effect)) if reduced.size else (-1, -1)
        cheapest = reduced.flat[best] if reduced.size else np.inf
        # An exit may stop being full as well: its slack comes in at its price.
        freed = frees[np.argmin(self._price[full[frees]])] if len(frees) else -1
        if freed >= 0 and self._price[full[freed]] < cheapest:
            k = -1
        elif not np.isfinite(cheapest):
            return False

        key = key.copy()
        if what == "key":
            what, i = "extra", int(np.flatnonzero(demand == which)[0])
            key[which] = exit_[i]
            which = i
        if what == "extra":
            demand, exit_ = np.delete(demand, which), np.delete(exit_, which)
        else:
            full = np.append(full, which)
        if k >= 0:
            demand, exit_ = np.append(demand, k), np.append(exit_, x)
        else:
            full = np.delete(full, freed)
        self._set(_Basis(key, demand, exit_, full))
        return True

    def answer(self) -> _Answer:
        """Bring the basis to one form, whatever the pivots were, and compute the flows from it."""
        key, demand, exit_, full = self._basis
        if len(demand):
            # Of the paths of a split demand the one by the exit listed first is the key.
            pairs = {(int(k), int(x)) for k, x in zip(demand, exit_, strict=True)}
            pairs |= {(int(k), int(key[k])) for k in set(demand.tolist())}
            key = key.copy()
            for k, x in sorted(pairs, reverse=True):
                key[k] = x
            extras = [(k, x) for k, x in sorted(pairs) if key[k] != x]
            demand, exit_ = np.array(extras, dtype=np.int64).reshape(-1, 2).T
            self._set(_Basis(key, demand, exit_, np.sort(full)))
        amount = self._rate - np.bincount(demand, self._extra, len(self._rate))
        used = np.concatenate([self._every, demand]), np.concatenate([key, exit_])
        both = np.maximum(np.concatenate([amount, self._extra]), 0.0)
        return _Answer(self._basis, used, both, self._price)
