"""Exact multi-commodity flow over paths: first the least utilisation, then the least latency.

Variables: ``f[p]``, the flow on path *p* of demand *k*; ``theta``, the utilisation limit.
Constraints, for every demand *k* that has a path and every arc *a* that one of them may use::

    sum of f over the paths of k         =  rate[k]
    sum of f over the paths through a   <=  capacity[a] * theta - background[a]

Stage one minimises ``theta``. Stage two fixes it and minimises the sum of flow times delay. Both
start from a handful of paths per demand and price in better ones (column generation): with the
duals as link prices, the best missing path of a demand is its shortest path. When no path prices
in, the answer is optimal over *all* paths, and the Lagrangian bound at the same prices proves how
close it is. A demand without any path stays unserved: no failure makes the program infeasible.

Source: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapter 17 (path formulation, column
generation, Lagrangian bound).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.routing.paths import HOP_MS, Towards, towards
from simulator.routing.program import INFINITE, Program, Solution

FIRST_EXITS = 6
"""Paths that each international demand starts with: by way of this many of its fastest exits."""
_MAX_ROUNDS = 200
_PRICE_TOLERANCE = 1e-8
_SLACK = 1e-9
_TIE_BREAK = 1e-11
"""Length of an arc without delay or price, so that no shortest path runs in a circle."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Candidate paths, ragged: path *p* of demand ``demand[p]`` is ``arcs[starts[p]:starts[p+1]]``."""

    demand: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray

    def sums(self, weight: np.ndarray) -> np.ndarray:
        """Sum of an arc weight along every path."""
        total = np.concatenate([[0.0], np.cumsum(weight[self.arcs])])
        return total[self.starts[1:]] - total[self.starts[:-1]]

    def pick(self, which: np.ndarray) -> Paths:
        """Return some of the paths, in the order of *which*."""
        length = np.diff(self.starts)[which]
        starts = np.concatenate([[0], np.cumsum(length)])
        at = np.arange(starts[-1]) - np.repeat(starts[:-1], length)
        return Paths(
            self.demand[which], self.arcs[np.repeat(self.starts[:-1][which], length) + at], starts
        )

    def join(self, other: Paths) -> Paths:
        """Return these paths followed by *other*."""
        return Paths(
            np.concatenate([self.demand, other.demand]),
            np.concatenate([self.arcs, other.arcs]),
            np.concatenate([self.starts, self.starts[-1] + other.starts[1:]]),
        )


def route(
    network: Network,
    demands: Demands,
    *,
    utilisation_cap: float,
    classes: tuple[str, ...] = (),
    others_cap: float = 1.0,
) -> Routes:
    """Route for the least latency with utilisation at most ``max(least MLU, utilisation_cap)``.

    Parameters
    ----------
    network : Network
        Its ``background_gbps`` is load that stays where it is.
    demands : Demands
    utilisation_cap : float
        Utilisation that is tolerated for the sake of latency; 0 for the least MLU itself.
    classes : tuple of str
        Link classes whose utilisation counts; all when empty.
    others_cap : float
        Utilisation tolerated on the links of all other classes (or the least possible there).
    """
    problem = _Problem(network, demands, classes)
    return problem.solve(utilisation_cap, others_cap)


class _Problem:
    """One problem: the demands that count, in units near one, and the paths found so far."""

    def __init__(self, network: Network, demands: Demands, classes: tuple[str, ...]) -> None:
        self.network, self.demands = network, demands
        self.targets, self.row = np.unique(demands.target, return_inverse=True)
        self.usable = _arcs_in_reach(network, demands)
        counted = np.isin(np.repeat(network.link_class, 2), classes) if classes else True
        self.counts = self.usable & counted

        # Powers of two lose nothing in division, so that only proportions reach the solver.
        capacity = network.capacity_gbps[self.usable]
        self.scale = _power_of_two(capacity.max(initial=1e-300))
        self.delay_scale = _power_of_two(network.delay_ms[self.usable].max(initial=1e-300))
        self.capacity = network.capacity_gbps / self.scale
        self.background = network.background_gbps / self.scale
        self.rate = demands.gbps / self.scale
        self.delay = network.delay_ms / self.delay_scale

        self.paths, self.first = _first_paths(network, demands, self.targets, self.row)
        self.reaches = self.first >= 0
        # Rates too small for the solver to see follow their fastest path.
        self.active = np.flatnonzero(self.reaches & (self.rate > 1e-10))
        self.slot = np.full(len(demands), -1)
        self.slot[self.active] = np.arange(len(self.active))
        self.paths = self.paths.pick(np.flatnonzero(self.slot[self.paths.demand] >= 0))
        self.arc_rows = np.flatnonzero(self.usable)
        self.arc_slot = np.full(len(network.tail), -1)
        self.arc_slot[self.arc_rows] = np.arange(len(self.arc_rows))
        self.rounds = 0

    # -- the two stages -----------------------------------------------------------------------

    def solve(self, utilisation_cap: float, others_cap: float) -> Routes:
        if not len(self.active):
            return self._routes(np.empty(0), Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0))
        others = self.usable & ~self.counts
        limit = np.where(others, others_cap, np.nan)
        mlu_bound, theta = np.nan, utilisation_cap
        solution = self._least_latency(theta, limit) if utilisation_cap > 0 else None
        if solution is None:
            if others.any():
                least, _ = self._least_utilisation(others, np.full(len(others), np.inf))
                limit[others] = max(others_cap, least * (1 + _SLACK) + _SLACK)
            least, mlu_bound = self._least_utilisation(self.counts, limit)
            theta = max(least * (1 + _SLACK) + _SLACK, utilisation_cap)
            solution = self._least_latency(theta, limit)
            if solution is None:
                raise AssertionError("the least utilisation is not attained")
        values, objective, bound = solution
        load = self._load(values) + self.background
        mlu = float((load[self.counts] / self.capacity[self.counts]).max(initial=0.0))
        if np.isfinite(mlu_bound) and theta > utilisation_cap:
            mlu_bound = min(mlu_bound, mlu)
        else:
            mlu_bound = np.nan
        unit = self.scale * self.delay_scale
        certificate = Certificate(
            "optimal", mlu, mlu_bound, objective * unit, bound * unit,
            len(self.paths.demand), self.rounds,
        )
        return self._routes(values, certificate)

    def _least_utilisation(self, counts: np.ndarray, limit: np.ndarray) -> tuple[float, float]:
        """Minimise theta over the arcs that count; return it and a proven lower bound."""
        fixed = ~counts & np.isfinite(limit) & self.usable
        program = self._program(theta=None, counts=counts, limit=np.where(fixed, limit, np.inf))
        none = np.zeros(len(self.network.tail))
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise AssertionError("the limits on the other links cannot be met")
            price, worth = self._prices(solution)
            length, near = self._shortest(none + price)
            room = np.where(fixed, np.where(fixed, limit, 0.0) * self.capacity, 0.0)
            bound = float(length @ self.rate[self.active] - price @ (room - self.background))
            # The bound holds for prices that make theta worth at most its cost of one.
            value = float((price * self.capacity)[counts].sum())
            if value > 1.0:
                bound = bound / value if not fixed.any() else -np.inf
            added = self._price_in(program, near, length, worth, none)
            if not added:
                return float(solution.values[0]), bound

    def _least_latency(
        self, theta: float, limit: np.ndarray
    ) -> tuple[np.ndarray, float, float] | None:
        """Minimise flow times delay under the limits; None when these paths cannot meet them."""
        bound_at = np.where(self.counts, theta, limit)
        quick = self._all_on_fastest(np.where(self.usable, bound_at, np.inf) * self.capacity)
        if quick is not None:
            return quick
        program = self._program(theta=theta, counts=self.counts, limit=limit)
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                return None
            price, worth = self._prices(solution)
            length, near = self._shortest(self.delay + price)
            room = np.where(self.usable, bound_at, 0.0) * self.capacity - self.background
            bound = float(length @ self.rate[self.active] - price[self.usable] @ room[self.usable])
            added = self._price_in(program, near, length, worth, self.delay)
            if not added:
                return solution.values[1:], solution.objective, bound

    def _all_on_fastest(self, room: np.ndarray) -> tuple[np.ndarray, float, float] | None:
        """Every demand on its fastest path, if that keeps the limits: nothing can be faster."""
        values = np.zeros(len(self.paths.demand))
        values[self._fastest(self.paths)] = self.rate[self.active]
        if np.any(self._load(values) + self.background > room):
            return None
        objective = float(values @ self.paths.sums(self.delay))
        return values, objective, objective

    # -- pieces -------------------------------------------------------------------------------

    def _program(self, theta: float | None, counts: np.ndarray, limit: np.ndarray) -> Program:
        """Build the program; *theta* is minimised when None, else fixed."""
        rows, arcs = len(self.active), self.arc_rows
        counted = counts[arcs]
        room = np.where(counted, 0.0, limit[arcs]) * self.capacity[arcs] - self.background[arcs]
        columns = self._columns(self.paths)
        theta_column = sparse.csc_array(
            np.concatenate([np.zeros(rows), np.where(counted, -self.capacity[arcs], 0.0)])[:, None]
        )
        first = self._fastest(self.paths)
        basic_columns = np.zeros(1 + columns.shape[1], dtype=bool)
        basic_columns[1 + first] = True
        basic_rows = np.concatenate([np.zeros(rows, bool), np.ones(len(arcs), bool)])
        if theta is None:
            # All on the fastest paths: theta is what the fullest counted arc makes it.
            load = np.zeros(len(self.network.tail))
            quick = self.paths.pick(first)
            np.add.at(load, quick.arcs, np.repeat(self.rate[quick.demand], np.diff(quick.starts)))
            fullest = ((load + self.background)[arcs] / self.capacity[arcs])
            worst = int(np.argmax(np.where(counted, fullest, -1.0)))
            basic_columns[0], basic_rows[rows + worst] = True, False
            cost = np.concatenate([[1.0], np.zeros(columns.shape[1])])
            lower, upper = 0.0, INFINITE
        else:
            cost = np.concatenate([[0.0], self.paths.sums(self.delay)])
            lower = upper = theta
        count = columns.shape[1]
        return Program(
            cost=cost,
            lower=np.concatenate([[lower], np.zeros(count)]),
            upper=np.concatenate([[upper], np.full(count, INFINITE)]),
            matrix=sparse.csc_array(sparse.hstack([theta_column, columns])),
            row_lower=np.concatenate([self.rate[self.active], np.full(len(arcs), -INFINITE)]),
            row_upper=np.concatenate([self.rate[self.active], np.minimum(room, INFINITE)]),
            basic_columns=basic_columns,
            basic_rows=basic_rows,
        )

    def _columns(self, paths: Paths) -> sparse.csc_array:
        """Column of every path: a one in its demand's row and one in each of its arcs' rows."""
        count = len(paths.demand)
        length = np.diff(paths.starts)
        indptr = np.concatenate([[0], np.cumsum(length + 1)])
        indices = np.empty(indptr[-1], dtype=np.int64)
        at_demand = np.zeros(indptr[-1], dtype=bool)
        at_demand[indptr[:-1]] = True
        indices[at_demand] = self.slot[paths.demand]
        indices[~at_demand] = len(self.active) + self.arc_slot[paths.arcs]
        shape = (len(self.active) + len(self.arc_rows), count)
        return sparse.csc_array((np.ones(len(indices)), indices, indptr), shape=shape)

    def _fastest(self, paths: Paths) -> np.ndarray:
        """Position of the fastest path of every active demand."""
        order = np.lexsort((paths.sums(self.delay), self.slot[paths.demand]))
        slot = self.slot[paths.demand][order]
        return order[np.flatnonzero(np.diff(slot, prepend=-1))]

    def _prices(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Price of every arc (zero or more) and what one unit of each demand costs."""
        rows = len(self.active)
        price = np.zeros(len(self.network.tail))
        price[self.arc_rows] = np.maximum(-solution.prices[rows:], 0.0)
        return price, solution.prices[:rows]

    def _shortest(self, weight: np.ndarray) -> tuple[np.ndarray, Towards]:
        """Length of every active demand's shortest path under *weight*."""
        near = towards(self.network, weight + _TIE_BREAK, self.targets)
        k = self.active
        length = near.distance[self.row[k], self.demands.source[k]]
        return np.maximum(length - _TIE_BREAK * len(self.network.nodes), 0.0), near

    def _price_in(
        self,
        program: Program,
        near: Towards,
        length: np.ndarray,
        worth: np.ndarray,
        cost: np.ndarray,
    ) -> int:
        """Add the shortest path of every demand that it would improve; return how many."""
        self.rounds += 1
        better = np.flatnonzero(length < worth - _PRICE_TOLERANCE * np.maximum(1.0, np.abs(worth)))
        if not len(better) or self.rounds > _MAX_ROUNDS:
            return 0
        k = self.active[better]
        arcs, starts = near.follow(self.row[k], self.demands.source[k])
        new = Paths(k, arcs, starts)
        program.add(new.sums(cost), self._columns(new))
        self.paths = self.paths.join(new)
        return len(k)

    def _load(self, values: np.ndarray) -> np.ndarray:
        load = np.zeros(len(self.network.tail))
        np.add.at(load, self.paths.arcs, np.repeat(values, np.diff(self.paths.starts)))
        return load

    def _routes(self, values: np.ndarray, certificate: Certificate) -> Routes:
        """Turn flows into shares that add up to one for every demand with a path."""
        total = len(self.demands)
        idle = np.flatnonzero(self.reaches & (self.slot < 0))
        paths = self.paths
        if len(idle):
            near = towards(self.network, self.network.delay_ms + HOP_MS, self.targets)
            arcs, starts = near.follow(self.row[idle], self.demands.source[idle])
            paths = paths.join(Paths(idle, arcs, starts))
        share = np.concatenate([np.zeros(len(self.paths.demand)), np.ones(len(idle))])
        if len(values):
            share[: len(values)] = np.maximum(values, 0.0) / self.rate[self.paths.demand]
        share[share < 1e-9] = 0.0
        served = np.bincount(paths.demand, weights=share, minlength=total)
        share /= np.where(served > 0, served, 1.0)[paths.demand]
        return Routes.from_paths(
            self.network, total, paths.demand, share, paths.arcs, paths.starts, certificate
        )


def _power_of_two(value: float) -> float:
    return float(2.0 ** np.ceil(np.log2(value)))


def _arcs_in_reach(network: Network, demands: Demands) -> np.ndarray:
    """Arcs that a path of some demand may use."""
    reach = np.zeros(len(network.tail), dtype=bool)
    abroad = network.is_abroad[demands.target]
    nodes = np.arange(len(network.nodes))
    for side in (False, True):
        here = demands.where(abroad == side)
        enters = ~network.is_stub | np.isin(nodes, here.target)
        leaves = ~network.is_stub | np.isin(nodes, here.source)
        if len(here):
            reach |= network.usable(side) & enters[network.head] & leaves[network.tail]
    return reach


def _first_paths(
    network: Network, demands: Demands, targets: np.ndarray, row: np.ndarray
) -> tuple[Paths, np.ndarray]:
    """The fastest path of each demand and, for international ones, by way of other exits.

    Depends on the network and the pairs, not on rates: kept with the network for the next solve.

    Returns
    -------
    paths : Paths
        Without repetition, fastest first within a demand.
    first : ndarray of int, shape (demands,)
        Position of each demand's fastest path; -1 for a demand without any.
    """
    key = (
        "first paths",
        network.up.tobytes(),
        demands.source.tobytes(),
        demands.target.tobytes(),
    )
    if key not in network.memo:
        if len(network.memo) > 64:
            network.memo.clear()
        network.memo[key] = _find_first_paths(network, demands, targets, row)
    return network.memo[key]


def _find_first_paths(
    network: Network, demands: Demands, targets: np.ndarray, row: np.ndarray
) -> tuple[Paths, np.ndarray]:
    weight = network.delay_ms + HOP_MS
    near = towards(network, weight, targets)
    everyone = np.arange(len(demands))
    arcs, starts = near.follow(row, demands.source)
    paths = Paths(everyone, arcs, starts)
    abroad = network.is_abroad
    for direction, crossing in network.exit_arcs.items():
        crossing = crossing[network.up[crossing]]
        outward = direction == "out"
        who = np.flatnonzero(
            (abroad[demands.target] == outward) & (abroad[demands.source] != outward)
        )
        if not len(crossing) or not len(who):
            continue
        to_exit = towards(network, weight, network.tail[crossing])
        before = to_exit.distance[:, demands.source[who]]
        after = near.distance[row[who]][:, network.head[crossing]].T
        length = before + weight[crossing][:, None] + after
        best = np.argsort(length, axis=0, kind="stable")[:FIRST_EXITS]
        for exit_row in best:
            able = np.isfinite(length[exit_row, np.arange(len(who))])
            k, e = who[able], exit_row[able]
            head = to_exit.follow(e, demands.source[k])
            tail = near.follow(row[k], network.head[crossing[e]])
            paths = paths.join(_through(k, head, crossing[e], tail))
    order = np.lexsort((paths.sums(weight), paths.demand))
    paths = _distinct(paths.pick(order[np.diff(paths.starts)[order] > 0]))
    first = np.full(len(demands), -1)
    lead = np.flatnonzero(np.diff(paths.demand, prepend=-1))
    first[paths.demand[lead]] = lead
    return paths, first


def _through(
    demand: np.ndarray,
    head: tuple[np.ndarray, np.ndarray],
    arc: np.ndarray,
    tail: tuple[np.ndarray, np.ndarray],
) -> Paths:
    """Join path heads, one arc each, and path tails."""
    (head_arcs, head_starts), (tail_arcs, tail_starts) = head, tail
    before, after = np.diff(head_starts), np.diff(tail_starts)
    starts = np.concatenate([[0], np.cumsum(before + 1 + after)])
    arcs = np.empty(starts[-1], dtype=np.int64)
    place = np.arange(starts[-1]) - np.repeat(starts[:-1], before + 1 + after)
    turn = np.repeat(before, before + 1 + after)
    arcs[place < turn] = head_arcs
    arcs[place == turn] = arc
    arcs[place > turn] = tail_arcs
    return Paths(demand, arcs, starts)


def _distinct(paths: Paths) -> Paths:
    """Drop paths that stand twice in the list of a demand."""
    seen: set[tuple[int, bytes]] = set()
    keep = []
    for p, demand in enumerate(paths.demand):
        mark = (int(demand), paths.arcs[paths.starts[p] : paths.starts[p + 1]].tobytes())
        if mark not in seen:
            seen.add(mark)
            keep.append(p)
    return paths.pick(np.array(keep, dtype=np.int64))
