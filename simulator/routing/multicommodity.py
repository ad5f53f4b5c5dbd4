"""Exact multi-commodity flow over paths: first the least utilisation, then the least latency.

Variables: ``x[p]``, the share of demand *k* on its path *p*; ``theta``, the utilisation limit.
Constraints, for every demand *k* that has a path and every arc *a* that one of them may use::

    sum of x over the paths of k                        =  1
    sum of rate[k] * x over the paths through a        <=  capacity[a] * theta - background[a]

Stage one minimises ``theta``. Stage two fixes it and minimises the sum of flow times delay. Both
start from a handful of paths per demand and price in better ones (column generation): with the
duals as link prices, the best missing path of a demand is its shortest path. When no path prices
in, the answer is optimal over *all* paths, and the Lagrangian bound at the same prices proves how
close it is. A demand without any path stays unserved: no failure makes the program infeasible.

Only proportions reach the solver: rates are in units of the largest, ``theta`` in units of what the
fastest paths would make it, and a limit that the demands together cannot reach is left out. So
bps, Gbps and Tbps give the same answer, and so do light and heavy traffic.

Source: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapter 17 (path formulation, column
generation, Lagrangian bound).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from simulator.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.routing.paths import HOP_MS, Towards, towards
from simulator.routing.program import INFINITE, Program, Solution

FIRST_EXITS = 6
"""Paths that each international demand starts with: by way of this many of its fastest exits."""
_MAX_ROUNDS = 200
_PRICE_TOLERANCE = 1e-9
_SLACK = 1e-9
_TIE_BREAK = 1e-11
"""Length of an arc without delay or price, so that no shortest path runs in a circle."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Candidate paths: *p* serves ``demand[p]`` over ``arcs[starts[p]:starts[p + 1]]``."""

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
    # A direction without capacity is no way for a scheme that minds utilisation.
    able = network.under(up=network.up & (network.capacity_gbps > 0))
    return _Problem(able, demands, classes).solve(utilisation_cap, others_cap)


class _Problem:
    """One problem: the demands that count, in units near one, and the paths found so far."""

    def __init__(self, network: Network, demands: Demands, classes: tuple[str, ...]) -> None:
        self.network, self.demands = network, demands
        self.targets, self.row = np.unique(demands.target, return_inverse=True)
        self.usable = _arcs_in_reach(network, demands)
        counted = np.isin(np.repeat(network.link_class, 2), classes) if classes else True
        self.counts = self.usable & counted

        self.paths, self.first = _first_paths(network, demands, self.targets, self.row)
        self.reaches = self.first >= 0
        self.active = np.flatnonzero(self.reaches & (demands.gbps > 0))
        self.slot = np.full(len(demands), -1)
        self.slot[self.active] = np.arange(len(self.active))
        self.paths = self.paths.pick(np.flatnonzero(self.slot[self.paths.demand] >= 0))
        self.arc_rows = np.flatnonzero(self.usable)
        self.arc_slot = np.full(len(network.tail), -1)
        self.arc_slot[self.arc_rows] = np.arange(len(self.arc_rows))
        self.rounds, self.status = 0, "optimal"

        # To nine digits: equal answers abound (swap two demands between two exits), and the
        # rounding of another unit must not choose among them.
        self.unit = float(demands.gbps[self.active].max(initial=1e-300))
        self.delay_unit = _power_of_two(network.delay_ms[self.usable].max(initial=1e-300))
        self.capacity = _nine_digits(network.capacity_gbps / self.unit)
        self.background = _nine_digits(network.background_gbps / self.unit)
        self.rate = _nine_digits(demands.gbps / self.unit)
        self.delay = network.delay_ms / self.delay_unit
        self.total = float(self.rate[self.active].sum())

    # -- the two stages -----------------------------------------------------------------------

    def solve(self, utilisation_cap: float, others_cap: float) -> Routes:
        """Run the stages that are needed and return routes with their proof."""
        if not len(self.active):
            return self._routes(np.empty(0), Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0))
        others = self.usable & ~self.counts
        limit = np.where(self.counts, utilisation_cap, np.where(others, others_cap, np.inf))
        mlu_bound = np.nan
        answer = self._least_latency(limit) if utilisation_cap > 0 else None
        if answer is None:
            if others.any():
                least, _ = self._least_utilisation(others, np.full(len(others), np.inf))
                limit[others] = max(others_cap, _just_above(least))
            least, mlu_bound = self._least_utilisation(
                self.counts, np.where(self.counts, np.inf, limit)
            )
            limit[self.counts] = max(_just_above(least), utilisation_cap)
            if _just_above(least) < utilisation_cap:
                mlu_bound = np.nan  # the least MLU is below the cap: nothing is claimed about it
            answer = self._least_latency(limit)
            if answer is None:
                raise SimulatorError("the least utilisation found could not be attained again")
        share, objective, bound = answer
        load = self._load(share) + self.background
        mlu = float((load[self.counts] / self.capacity[self.counts]).max(initial=0.0))
        unit = self.unit * self.delay_unit
        certificate = Certificate(
            self.status,
            mlu,
            min(mlu_bound, mlu) if np.isfinite(mlu_bound) else np.nan,
            objective * unit,
            bound * unit,
            len(self.paths.demand),
            self.rounds,
        )
        return self._routes(share, certificate)

    def _least_utilisation(self, counts: np.ndarray, limit: np.ndarray) -> tuple[float, float]:
        """Minimise theta over the arcs that count; return it and a proven lower bound.

        *limit* bounds the utilisation of the other arcs; infinite where they are free.
        """
        fastest = self._all_on_fastest()
        load = self._load(fastest) + self.background
        start = load[counts] / self.capacity[counts]
        theta_unit = _power_of_two(start.max(initial=0.0))
        room = self._room(limit)
        if not start.max(initial=0.0) > 0 and not np.any(load - self.background > room):
            return 0.0, 0.0
        program = self._program(counts, room, theta_unit)
        free = np.zeros(len(self.network.tail))
        worth_of_theta = np.where(counts, self.capacity * theta_unit, 0.0)
        bounded = self.usable & ~counts & (room < self.total)
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise SimulatorError("the limits on the other links could not be met")
            price, worth = self._prices(solution)
            length, floor, near = self._shortest(price)
            bound = float(floor @ self.rate[self.active] + price[counts] @ self.background[counts])
            bound -= float(price[bounded] @ room[bounded])
            # A bound for prices that make theta worth its cost of one; larger ones scale down.
            value = float(price @ worth_of_theta)
            bound = bound / value if value > 1.0 else bound
            if not self._price_in(program, near, length, worth, free):
                return float(solution.values[0]) * theta_unit, bound * theta_unit

    def _least_latency(self, limit: np.ndarray) -> tuple[np.ndarray, float, float] | None:
        """Minimise flow times delay under the limits; None when these paths cannot meet them."""
        fastest = self._all_on_fastest()
        room = self._room(limit)
        if not np.any(self._load(fastest) > room):
            # Nothing can be faster than every demand on its fastest path.
            objective = self._latency(fastest)
            return fastest, objective, objective
        program = self._program(np.zeros(len(limit), dtype=bool), room, None)
        binds = self.usable & (room < self.total)
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                return None
            price, worth = self._prices(solution)
            length, floor, near = self._shortest(self.delay + price)
            bound = float(floor @ self.rate[self.active] - price[binds] @ room[binds])
            if not self._price_in(program, near, length, worth, self.delay):
                share = solution.values[1:]
                return share, self._latency(share), bound

    def _room(self, limit: np.ndarray) -> np.ndarray:
        """What the limits leave on every arc beside the background; infinite without a limit."""
        bound = self.usable & np.isfinite(limit)
        room = np.full(len(limit), np.inf)
        room[bound] = limit[bound] * self.capacity[bound] - self.background[bound]
        return room

    # -- pieces -------------------------------------------------------------------------------

    def _program(
        self, counts: np.ndarray, room: np.ndarray, theta_unit: float | None
    ) -> Program:
        """Build the program: theta over the arcs that count, or latency when there is no unit.

        Column 0 is theta; rows are the active demands, then the arcs in reach.
        """
        rows, arcs = len(self.active), self.arc_rows
        counted = counts[arcs]
        pull = self.capacity[arcs] * (theta_unit or 0.0)
        # Rows of arcs so wide that they hardly count shrink, so that no number is large.
        self.row_scale = np.where(counted, 1.0 / _powers_of_two(np.maximum(pull, 1.0)), 1.0)
        upper = np.where(counted, -self.background[arcs] * self.row_scale, room[arcs])
        upper = np.where(~counted & (upper >= self.total), INFINITE, upper)
        columns = self._columns(self.paths)
        theta = np.concatenate([np.zeros(rows), np.where(counted, -pull * self.row_scale, 0.0)])
        first = self._fastest(self.paths)
        basic_columns = np.zeros(1 + columns.shape[1], dtype=bool)
        basic_columns[1 + first] = True
        basic_rows = np.concatenate([np.zeros(rows, bool), np.ones(len(arcs), bool)])
        if theta_unit is None:
            cost = np.concatenate([[0.0], self._costs(self.paths, self.delay)])
        else:
            # All on the fastest paths: theta is what the fullest counted arc makes it.
            load = self._load(self._all_on_fastest()) + self.background
            full = np.where(counted, load[arcs] / self.capacity[arcs], -1.0)
            basic_columns[0], basic_rows[rows + int(np.argmax(full))] = True, False
            cost = np.concatenate([[1.0], np.zeros(columns.shape[1])])
        count = columns.shape[1]
        return Program(
            cost=cost,
            lower=np.zeros(1 + count),
            upper=np.concatenate(
                [[0.0 if theta_unit is None else INFINITE], np.full(count, INFINITE)]
            ),
            matrix=sparse.csc_array(sparse.hstack([sparse.csc_array(theta[:, None]), columns])),
            row_lower=np.concatenate([np.ones(rows), np.full(len(arcs), -INFINITE)]),
            row_upper=np.concatenate([np.ones(rows), upper]),
            basic_columns=basic_columns,
            basic_rows=basic_rows,
        )

    def _columns(self, paths: Paths) -> sparse.csc_array:
        """Column of every path: a one in its demand's row, the rate in each of its arcs' rows."""
        length = np.diff(paths.starts)
        indptr = np.concatenate([[0], np.cumsum(length + 1)])
        indices = np.empty(indptr[-1], dtype=np.int64)
        values = np.ones(indptr[-1])
        at_arc = np.ones(indptr[-1], dtype=bool)
        at_arc[indptr[:-1]] = False
        indices[~at_arc] = self.slot[paths.demand]
        slot = self.arc_slot[paths.arcs]
        indices[at_arc] = len(self.active) + slot
        values[at_arc] = np.repeat(self.rate[paths.demand], length) * self.row_scale[slot]
        shape = (len(self.active) + len(self.arc_rows), len(paths.demand))
        return sparse.csc_array((values, indices, indptr), shape=shape)

    def _costs(self, paths: Paths, weight: np.ndarray) -> np.ndarray:
        return self.rate[paths.demand] * paths.sums(weight)

    def _fastest(self, paths: Paths) -> np.ndarray:
        """Position of the fastest path of every active demand."""
        order = np.lexsort((paths.sums(self.delay), self.slot[paths.demand]))
        slot = self.slot[paths.demand][order]
        return order[np.flatnonzero(np.diff(slot, prepend=-1))]

    def _all_on_fastest(self) -> np.ndarray:
        """Shares with every demand on its fastest path."""
        share = np.zeros(len(self.paths.demand))
        share[self._fastest(self.paths)] = 1.0
        return share

    def _prices(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Price of a unit of flow on every arc, and what a unit of each demand costs."""
        rows = len(self.active)
        price = np.zeros(len(self.network.tail))
        price[self.arc_rows] = np.maximum(-solution.prices[rows:], 0.0) * self.row_scale
        return price, solution.prices[:rows] / self.rate[self.active]

    def _shortest(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, Towards]:
        """Length of every active demand's shortest path under *weight*, and a bound below it."""
        tie = _TIE_BREAK * max(1.0, float(weight[self.usable].max(initial=0.0)))
        near = towards(self.network, weight + tie, self.targets)
        k = self.active
        length = near.distance[self.row[k], self.demands.source[k]]
        return length, np.maximum(length - tie * len(self.network.nodes), 0.0), near

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
        gain = (worth - length) * self.rate[self.active]
        better = np.flatnonzero(gain > _PRICE_TOLERANCE * np.maximum(1.0, np.abs(worth)))
        if len(better) and self.rounds > _MAX_ROUNDS:
            self.status = "round limit"
        if not len(better) or self.rounds > _MAX_ROUNDS:
            return 0
        k = self.active[better]
        arcs, starts = near.follow(self.row[k], self.demands.source[k])
        new = Paths(k, arcs, starts)
        program.add(self._costs(new, cost), self._columns(new))
        self.paths = self.paths.join(new)
        return len(k)

    def _load(self, share: np.ndarray) -> np.ndarray:
        """Load of every arc under shares of the paths known when they were made."""
        paths = self.paths
        flow = np.zeros(len(paths.demand))
        flow[: len(share)] = share
        flow *= self.rate[paths.demand]
        return np.bincount(
            paths.arcs,
            weights=np.repeat(flow, np.diff(paths.starts)),
            minlength=len(self.network.tail),
        )

    def _latency(self, share: np.ndarray) -> float:
        return float(share @ self._costs(self.paths, self.delay)[: len(share)])

    def _routes(self, share: np.ndarray, certificate: Certificate) -> Routes:
        """Clean the shares up; demands too small to count follow their fastest path."""
        total = len(self.demands)
        idle = np.flatnonzero(self.reaches & (self.slot < 0))
        paths = self.paths
        if len(idle):
            near = towards(self.network, self.network.delay_ms + HOP_MS, self.targets)
            arcs, starts = near.follow(self.row[idle], self.demands.source[idle])
            paths = paths.join(Paths(idle, arcs, starts))
        given = np.ones(len(paths.demand))
        given[: len(self.paths.demand)] = 0.0
        given[: len(share)] = np.where(share > 1e-9, share, 0.0)
        served = np.bincount(paths.demand, weights=given, minlength=total)
        given /= np.where(served > 0, served, 1.0)[paths.demand]
        return Routes.from_paths(
            self.network, total, paths.demand, given, paths.arcs, paths.starts, certificate
        )


def _just_above(value: float) -> float:
    return value * (1.0 + _SLACK)


def _power_of_two(value: float) -> float:
    return float(2.0 ** np.ceil(np.log2(value))) if value > 0 else 1.0


def _nine_digits(values: np.ndarray) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**30) / 2.0**30, exponent))


def _powers_of_two(values: np.ndarray) -> np.ndarray:
    return np.asarray(2.0 ** np.ceil(np.log2(values)))


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
        length[~_may_pass(network, crossing, demands, who)] = np.inf
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


def _may_pass(
    network: Network, crossing: np.ndarray, demands: Demands, who: np.ndarray
) -> np.ndarray:
    """Which demands may use which border crossing: a stub at its end must be their own end."""
    allowed = np.ones((len(crossing), len(who)), dtype=bool)
    for node in (network.tail[crossing], network.head[crossing]):
        own = (node[:, None] == demands.source[who]) | (node[:, None] == demands.target[who])
        allowed &= ~network.is_stub[node][:, None] | own
    return allowed


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
