"""The program behind ``hedged``: reservations that survive every set of faults.

Variables, relative to the rate of their demand: ``x[p]``, the reservation on path *p*; ``m[k]``,
what demand *k* reserves beyond its rate; ``theta``; and ``u``, the part that goes unhedged.
Constraints, for every demand *k*, every set *K* of its paths that some faults kill (and leave
others), and every arc *a* with capacity ``c`` now, of which the worst faults take ``lost``::

    sum of x over the paths of k                  =  1 + m[k]
    sum of x over K                              <=  m[k] + u
    sum of rate[k] * x over the paths through a  <=  theta * (c[a] - (1 - u) * lost[a]) - b[a]

where ``b`` is background. With ``u = 0`` what survives any faults still adds up to the rate. A set
that is part of another one says nothing new and is left out: with paths by way of 8 exits and one
fault there are 8 rows a demand.

First ``theta`` is fixed at the cap and ``u`` at zero, and the cost is least. Where that cannot be,
the least ``theta`` up to 1 is found with which the hedge holds. Where there is none, ``theta`` is 1
and ``u`` the least there is: better a part hedged than links over-full before any fault. Only where
some link is over-full with no hedge at all is ``theta`` above 1, the least there is. At the end the
cost is least with both fixed. They bound what a demand may leave unhedged, and by how much an arc
may be over-full; but each Gbps of that costs ``OVERLOAD_MS``, so that one exit that cannot be
helped is no reason to hedge others less, or to fill them.

Every program starts from nothing, as dual simplex takes some fifty times less time from there than
from the answer to the question before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Literal

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.optimise.path_problem import (
    PathProblem,
    nine_digits,
    power_of_two,
    powers_of_two,
)
from simulator.optimise.program import INFINITE, Program
from simulator.paths.candidates import Paths, fastest_paths, remembered
from simulator.paths.shortest import HOP_MS, destinations_of, shortest_to

FaultKind = Literal["exits", "cables", "both"]

RESERVED_MS = 0.1
"""What reserving a Gbps costs on any path, so that nothing is reserved in vain."""
OVERLOAD_MS = 1000.0
"""What a Gbps reserved above a capacity costs: as in ``clairvoyant``, what a lost packet does."""
_SLACK = 1e-9
_NOTHING_LEFT = 1e-12
_SLACK_OF_PART = 1e-6


@dataclass(frozen=True, eq=False)
class FaultSets:
    """What may fail at once.

    Attributes
    ----------
    dead : ndarray of bool, shape (sets, arcs)
        Arcs that each set of faults takes down; sets that take none down are left out.
    least_left : ndarray, shape (arcs,)
        Smallest share of its capacity that an arc has left after faults that leave it up.
    """

    dead: np.ndarray
    least_left: np.ndarray


def fault_sets(network: Network, of: FaultKind, faults: int) -> FaultSets:
    """Find what up to *faults* faults of exits, cables or both may do to the network.

    What cables take are shares of what is installed (see :meth:`Network.after`): of a link that
    one cable has left 0.3, another one with a share of 0.3 takes the rest. A cable that is cut
    already is no fault to come; of one that is cut in part, what is left of it is.
    """
    links, lost = len(network.links), []
    up = network.up[::2] | network.up[1::2]
    if of in ("exits", "both"):
        lost += list(np.eye(links)[network.exits[up[network.exits]]])
    if of in ("cables", "both"):
        for cable in network.cables:
            share = (1.0 - network.cut.get(cable, 0.0)) * network.cable_share(cable)
            if np.any(share[up] > _NOTHING_LEFT):
                lost.append(share)
    one_each = np.array(lost).reshape(-1, links)
    now = network.capacity_left
    least, dead = np.ones(links), np.zeros((0, links), dtype=bool)
    for count in range(1, min(faults, len(one_each)) + 1):
        which = np.array(list(combinations(range(len(one_each)), count)))
        left = np.clip(now - one_each[which].sum(axis=1), 0.0, 1.0)
        down = (left < _NOTHING_LEFT) & (now > 0)
        left = left / np.where(now > 0, now, 1.0)
        least = np.minimum(least, np.where(down, 1.0, left).min(axis=0))
        dead = np.unique(np.concatenate([dead, down[down.any(axis=1)]]), axis=0)
    return FaultSets(np.repeat(dead, 2, axis=1), np.repeat(least, 2))


@dataclass(frozen=True, eq=False)
class Hedge:
    """Paths to hedge over, and what faults do to them.

    Attributes
    ----------
    paths : Paths
        Of every demand by delay, gathered by demand.
    member : csr_array, shape (kills, paths)
        Paths that die together, a row for every largest such set of a demand that leaves it others.
    owner : ndarray of int, shape (kills,)
        Demand of each of these sets.
    exposed : ndarray of bool, shape (demands,)
        Demands that some faults leave without any path.
    """

    paths: Paths
    member: sparse.csr_array
    owner: np.ndarray
    exposed: np.ndarray

    @cached_property
    def index(self) -> dict[tuple[int, bytes], int]:
        """Position of every path, by demand and arcs."""
        paths = self.paths
        ends = zip(paths.starts[:-1].tolist(), paths.starts[1:].tolist(), strict=True)
        return {
            (demand, paths.arcs[lo:hi].tobytes()): place
            for place, (demand, (lo, hi)) in enumerate(
                zip(paths.demand.tolist(), ends, strict=True)
            )
        }


def hedge(
    network: Network,
    demands: Demands,
    sets: FaultSets,
    *,
    count: int,
    stretch_ms: float | None = None,
    more: Paths | None = None,
) -> Hedge:
    """Choose the paths, and tell which of them die together.

    A demand has its *count* fastest paths by way of different exits (:func:`fastest_paths`), *more*
    on top, and for faults that kill all of these the fastest path that survives them. Paths slower
    than the fastest by more than *stretch_ms* are dropped, but for the fastest ones that survive
    what no other does.

    Depends on no rates: kept with the network for the next solve.
    """
    extra = Paths.of([]) if more is None else more
    mark = hashlib.blake2b(sets.dead.tobytes(), digest_size=16).digest()
    added = extra.demand.tobytes(), extra.arcs.tobytes(), extra.starts.tobytes()
    key = remembered(network, demands, "hedge", count, stretch_ms, mark, added)
    if key not in network.memo:
        paths = fastest_paths(network, demands, count).join(extra)
        network.memo[key] = _find_hedge(network, demands, sets, paths, stretch_ms)
    return network.memo[key]


def _find_hedge(
    network: Network, demands: Demands, sets: FaultSets, paths: Paths, stretch_ms: float | None
) -> Hedge:
    paths = _with_survivors(network, demands, sets, paths)
    weight = network.delay_ms + HOP_MS
    paths = paths.take(np.lexsort((paths.sums(weight), paths.demand)))
    killed = _killed(network, sets, paths)
    if stretch_ms is not None:
        near = _within(paths, paths.sums(weight), stretch_ms + HOP_MS * len(network.nodes))
        _spare_survivors(paths, killed, near)
        paths, killed = paths.take(np.flatnonzero(near)), killed[near]
    member, owner = _kills(paths, killed)
    exposed = np.asarray(_all_killed(paths, killed, len(demands)).any(axis=1))
    return Hedge(paths, member, owner, exposed)


def _killed(network: Network, sets: FaultSets, paths: Paths) -> np.ndarray:
    """Whether each path dies in each set of faults, shape (paths, sets)."""
    shape = (len(paths.demand), len(network.tail))
    on = sparse.csr_array((np.ones(len(paths.arcs)), paths.arcs, paths.starts), shape=shape)
    return np.asarray(on @ sets.dead.T.astype(float)) > 0


def _all_killed(paths: Paths, killed: np.ndarray, demands: int) -> np.ndarray:
    """Whether the faults of each set kill all paths of each demand, shape (demands, sets)."""
    each = np.arange(len(paths.demand))
    own = sparse.csr_array((np.ones(len(each)), (paths.demand, each)), shape=(demands, len(each)))
    survivors = np.asarray(own @ (~killed).astype(float))
    return (np.bincount(paths.demand, minlength=demands) > 0)[:, None] & (survivors == 0)


def _with_survivors(network: Network, demands: Demands, sets: FaultSets, paths: Paths) -> Paths:
    """Add, for faults that kill all paths of a demand, the fastest one that survives them."""
    missing = _all_killed(paths, _killed(network, sets, paths), len(demands))
    for place in np.flatnonzero(missing.any(axis=0)):
        whose = np.flatnonzero(missing[:, place])
        left = network.under(up=network.up & ~sets.dead[place])
        destinations, row = destinations_of(left, demands.take(whose))
        near = shortest_to(left, network.delay_ms + HOP_MS, destinations)
        found = Paths(whose, *near.follow(row, demands.source[whose]))
        found = found.take(np.flatnonzero(np.diff(found.starts) > 0))
        saved = ~_killed(network, sets, found)
        missing[found.demand] &= ~saved
        paths = paths.join(found)
    return paths.distinct()


def _within(paths: Paths, length: np.ndarray, stretch: float) -> np.ndarray:
    """Which paths are longer than the shortest of their demand by at most *stretch*."""
    best = np.full(int(paths.demand.max(initial=-1)) + 1, np.inf)
    np.minimum.at(best, paths.demand, length)
    return length <= best[paths.demand] + stretch


def _spare_survivors(paths: Paths, killed: np.ndarray, near: np.ndarray) -> None:
    """Take back the fastest path that survives what no path that is *near* does."""
    demands = int(paths.demand.max(initial=-1)) + 1
    for dies in killed.T:
        held = np.bincount(paths.demand[near & ~dies], minlength=demands) > 0
        able = np.flatnonzero(~dies & ~held[paths.demand])
        near[able[np.flatnonzero(np.diff(paths.demand[able], prepend=-1))]] = True


def _kills(paths: Paths, killed: np.ndarray) -> tuple[sparse.csr_array, np.ndarray]:
    """Largest sets of paths of a demand that die together and leave it others: rows and owners."""
    count = len(paths.demand)
    first = np.searchsorted(paths.demand, paths.demand)
    place = np.arange(count) - first
    whose, row = np.unique(paths.demand, return_inverse=True)
    width = int(place.max(initial=0)) + 1
    table = np.zeros((len(whose), killed.shape[1], width), dtype=bool)
    table[row, :, place] = killed
    own = np.zeros((len(whose), width), dtype=bool)
    own[row, place] = True
    who, which = np.nonzero(table.any(axis=2) & (own[:, None, :] & ~table).any(axis=2))
    bits = np.packbits(table[who, which], axis=1)
    rows = np.concatenate([who.astype(">i8").view(np.uint8).reshape(-1, 8), bits], axis=1)
    once = np.unique(rows, axis=0, return_index=True)[1]
    who, dies = who[once], table[who[once], which[once]]
    # Rows of one demand stand together: compare each with those at every distance.
    largest = np.ones(len(who), dtype=bool)
    for step in range(1, int(np.bincount(who).max(initial=0))):
        a, b = slice(None, -step), slice(step, None)
        same = who[a] == who[b]
        largest[a] &= ~(same & ~(dies[a] & ~dies[b]).any(axis=1))
        largest[b] &= ~(same & ~(dies[b] & ~dies[a]).any(axis=1))
    who, dies = who[largest], dies[largest]
    kill, position = np.nonzero(dies)
    start = np.searchsorted(paths.demand, whose)
    member = sparse.csr_array(
        (np.ones(len(kill)), (kill, start[who[kill]] + position)), shape=(len(who), count)
    )
    return member, whose[who]


@dataclass(frozen=True, eq=False)
class Kept:
    """What current routes use of the paths to hedge over.

    Attributes
    ----------
    share : ndarray, shape (paths,)
        Share of its demand that each path carries now.
    penalty_ms : float
        What a Gbps reserved beyond what the current shares need costs.
    """

    share: np.ndarray
    penalty_ms: float


class HedgeProblem(PathProblem):
    """One hedge at some rates.

    Parameters
    ----------
    network : Network
        With capacity wherever it is up; its ``background_gbps`` is load that stays where it is.
    demands : Demands
    hedged : Hedge
    sets : FaultSets
    kept : Kept, optional
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        hedged: Hedge,
        sets: FaultSets,
        kept: Kept | None = None,
    ) -> None:
        after = network.under(capacity_gbps=network.capacity_gbps * sets.least_left)
        super().__init__(after, demands, hedged.paths, limited=True)
        active = np.flatnonzero(self.slot[hedged.paths.demand] >= 0)
        kills = np.flatnonzero(self.slot[hedged.owner] >= 0)
        self.member = sparse.csr_array(hedged.member[kills][:, active])
        self.owner = self.slot[hedged.owner[kills]]
        self.exposed = int(np.count_nonzero(hedged.exposed[self.active]))
        on = np.bincount(self.paths.arcs, minlength=len(network.tail)) > 0
        self.arc_rows = np.flatnonzero(on)
        self.arc_slot = np.full(len(network.tail), -1)
        self.arc_slot[self.arc_rows] = np.arange(len(self.arc_rows))
        self.row_scale = np.ones(len(self.arc_rows))
        self.now, self.after = nine_digits(network.capacity_gbps / self.unit), self.capacity
        self.unhedged = 0.0
        self.penalty = 0.0 if kept is None else kept.penalty_ms / self.delay_unit
        self.held = self._held(np.zeros(len(active)) if kept is None else kept.share[active])

    def _held(self, share: np.ndarray) -> np.ndarray:
        """Reservation that the current shares of each path need, for a rate of one.

        What faults leave of the shares must add up to the rate; faults that leave nothing of them
        do not count, and more than the whole rate is of no use on any path.
        """
        slot, count = self.slot[self.paths.demand], len(self.active)
        total = np.bincount(slot, share, count)
        share = share / np.where(total > 0, total, 1.0)[slot]
        left = 1.0 - self.member @ share
        least = np.ones(count)
        some = left > _SLACK
        np.minimum.at(least, self.owner[some], left[some])
        return np.minimum(share / least[slot], 1.0)

    # -- solving ------------------------------------------------------------------------------

    def solve(self, cap: float) -> Routes:
        """Hedge within *cap* after faults, or above it, or in part, as little as can be."""
        if not len(self.active):
            return self.routes(np.empty(0), Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0))
        theta_bound, answer = np.nan, None
        if cap > 0:
            answer = self._least_cost(cap, cap)
        if answer is None:
            least, theta_bound = self._least_theta(cap)
            most = max(cap, 1.0)
            if least > most * (1.0 + _SLACK):
                self._hedge_in_part(most)
                least, theta_bound = most, np.nan
                if self.unhedged == 1.0:
                    least, theta_bound = self._least_theta(most)
            answer = self._least_cost(max(least * (1.0 + _SLACK), cap), most)
            if answer is None:
                raise SimulatorError("the least utilisation found could not be attained again")
        reserved, objective, bound = answer
        mlu = self._promise(reserved)
        unit = self.unit * self.delay_unit
        certificate = Certificate(
            self._status(mlu),
            mlu,
            min(theta_bound, mlu) if np.isfinite(theta_bound) else np.nan,
            objective * unit,
            min(bound, objective) * unit,
            len(self.paths.demand),
        )
        return self.routes(reserved, certificate)

    def _status(self, mlu: float) -> str:
        told = "hedged"
        if self.unhedged == 1.0:
            told = "over-full before any fault" if mlu > 1.0 + 10 * _SLACK else "not hedged"
        elif self.unhedged > 0:
            told = f"hedged to {100 * (1.0 - self.unhedged):.0f} %"
        exposed = f", {self.exposed} without a second way" if self.exposed else ""
        return f"limited paths: {told}{exposed}"

    def _promise(self, reserved: np.ndarray) -> float:
        """The most that an arc with reservations may carry after faults, over its capacity then.

        Where less than the rate survives some faults, a path carries more than its reservation:
        over the part that survives. Without any hedge, what is promised holds before faults.
        """
        slot, count = self.slot[self.paths.demand], len(self.active)
        survives, capacity = np.ones(count), self.now
        if self.unhedged < 1.0:
            left = np.bincount(slot, reserved, count)[self.owner] - self.member @ reserved
            np.minimum.at(survives, self.owner, left)
            capacity = self.after
        load = self.load(reserved / survives[slot])
        arcs = load > 0
        return float(((load + self.background)[arcs] / capacity[arcs]).max(initial=0.0))

    def _hedge_in_part(self, theta: float) -> None:
        """Leave the least part unhedged with which theta can be kept; all of it if none will do."""
        rows = _Rows(self, theta, 1.0)
        cost = np.zeros(rows.columns)
        cost[rows.part] = 1.0
        values, _ = rows.minimise(cost, (theta, theta), part=1.0)
        part = 1.0 if values is None else float(values[rows.part])
        self.unhedged = part * (1.0 + _SLACK) + _SLACK
        if self.unhedged > 1.0 - _SLACK_OF_PART:
            self.unhedged, self.capacity = 1.0, self.now

    def _least_theta(self, cap: float) -> tuple[float, float]:
        """Least theta from *cap* up, and a proven bound below it."""
        level = max(cap, 1.0)
        full = self._background(level)[self.arc_rows] / self.capacity[self.arc_rows]
        fastest = self.load(self.all_on_fastest())[self.arc_rows] / self.capacity[self.arc_rows]
        unit = power_of_two(float((full + fastest).max()))
        rows = _Rows(self, level, unit)
        cost = np.zeros(rows.columns)
        cost[0] = 1.0
        values, bound = rows.minimise(cost, (cap / unit, INFINITE))
        if values is None:
            raise SimulatorError("no reservations found, however full the links may be")
        return float(values[0]) * unit, bound * unit

    def _least_cost(self, theta: float, level: float) -> tuple[np.ndarray, float, float] | None:
        """Least cost up to theta: reservations, cost and bound; None if it cannot be.

        What a reservation fills above *level* is overload.
        """
        rows = _Rows(self, level, 1.0)
        rate = self.rate[self.paths.demand]
        delay = self.paths.sums(self.delay)
        beyond = delay - delay[self.fastest(self.paths)][self.slot[self.paths.demand]]
        price = rate * (beyond + RESERVED_MS / self.delay_unit)
        cost = np.zeros(rows.columns)
        cost[rows.kept] = price[rows.kept_path]
        cost[rows.free] = price + rate * self.penalty
        arcs, dear = self.arc_rows, OVERLOAD_MS / self.delay_unit
        cost[rows.overload] = dear * self.capacity[arcs]
        cost[rows.alone] = dear * self.rate[self.active[rows.hedgeable]]
        below = min(theta, level)
        # Above theta there is what faults would take, of the part that is not hedged.
        lost = (self.now - self.capacity)[arcs] / self.capacity[arcs]
        values, bound = rows.minimise(
            cost, (below, below), theta - below + below * self.unhedged * lost
        )
        if values is None:
            return None
        reserved = values[rows.free].copy()
        reserved[rows.kept_path] += values[rows.kept]
        return reserved, float(cost @ values), bound

    def _background(self, level: float) -> np.ndarray:
        """Background on every arc; what it has above *level* is nobody's doing here."""
        return np.minimum(self.background, level * self.capacity)


class _Rows:
    """One program.

    Its columns: theta, u, m and what goes unhedged of every demand, overload of the arcs, kept and
    free parts of the paths. What an arc is over-full by is in units of its capacity.
    """

    def __init__(self, problem: HedgeProblem, level: float, theta_unit: float) -> None:
        demands, arcs = len(problem.active), problem.arc_rows
        self.hedgeable = hedgeable = np.unique(problem.owner)
        self.kept_path = np.flatnonzero(problem.held > 0)
        own, ways = len(hedgeable), len(problem.paths.demand)
        self.part = 1
        ends = (2 + np.cumsum([0, own, own, len(arcs), len(self.kept_path), ways])).tolist()
        parts = map(slice, ends[:-1], ends[1:])
        self.beyond, self.alone, self.overload, self.kept, self.free = parts
        self.columns = ends[-1]

        pull = problem.capacity[arcs] * theta_unit
        scale = 1.0 / powers_of_two(np.maximum(pull, 1.0))
        problem.row_scale = scale
        paths = sparse.csr_array(sparse.vstack([problem.columns(problem.paths), problem.member]))
        kills = len(problem.owner)
        of_arc = demands + np.arange(len(arcs))
        of_kill = demands + len(arcs) + np.arange(kills)
        height = paths.shape[0]
        beyond = _minus_ones(
            np.concatenate([hedgeable, of_kill]),
            np.concatenate([np.arange(len(hedgeable)), np.searchsorted(hedgeable, problem.owner)]),
            (height, len(hedgeable)),
        )
        each = _minus_ones(of_arc, np.arange(len(arcs)), (height, len(arcs)))
        full = problem.capacity[arcs] * scale
        theta = sparse.csr_array((each @ (pull * scale))[:, None])
        alone = _minus_ones(of_kill, np.searchsorted(hedgeable, problem.owner), (height, own))
        # What goes unhedged needs no survivors, and faults take so much less.
        part = each @ (level * (problem.now - problem.capacity)[arcs] * scale)
        part[of_kill] = -1.0
        overload = each @ sparse.diags_array(full)
        self._matrix = sparse.csc_array(
            sparse.hstack(
                [
                    theta,
                    sparse.csr_array(part[:, None]),
                    beyond,
                    alone,
                    overload,
                    paths[:, self.kept_path],
                    paths,
                ]
            )
        )
        background = problem._background(level)[arcs] * scale
        self._upper = np.concatenate([np.ones(demands), -background, np.zeros(kills)])
        self._lower = np.concatenate([np.ones(demands), np.full(len(arcs) + kills, -INFINITE)])
        self._most = np.full(self.columns, INFINITE)
        self._most[self.kept] = problem.held[self.kept_path]
        self._most[self.alone] = problem.unhedged
        # No optimum needs more: a path that has the whole rate reserved needs no other beside it.
        self._enough = self._most.copy()
        self._enough[self.free] = 1.0
        listed = np.bincount(problem.slot[problem.paths.demand], minlength=demands)
        self._enough[self.beyond] = 2.0 * listed[hedgeable]

    def minimise(
        self,
        cost: np.ndarray,
        theta: tuple[float, float],
        overload: float | np.ndarray = 0.0,
        part: float = 0.0,
    ) -> tuple[np.ndarray | None, float]:
        """Return the values and a proven bound on the cost; no values where there are none.

        Parameters
        ----------
        cost : ndarray, shape (columns,)
        theta : tuple of float
            Its bounds.
        overload : float or ndarray
            Bound on what every arc is over-full by beyond theta.
        part : float
            Bound on u, with theta at the level.
        """
        lower, upper = np.zeros(self.columns), self._most.copy()
        lower[0], upper[0] = theta
        upper[self.part] = self._enough[self.part] = part
        upper[self.overload] = self._enough[self.overload] = overload
        unit = float(cost.max()) or 1.0
        program = Program(
            cost=cost / unit,
            lower=lower,
            upper=upper,
            matrix=self._matrix,
            row_lower=self._lower,
            row_upper=self._upper,
            basic_columns=np.zeros(self.columns, dtype=bool),
            basic_rows=np.ones(len(self._upper), dtype=bool),
        )
        solution = program.solve()
        if solution.status != "optimal":
            return None, np.inf
        return solution.values, self._bound(cost, lower, solution.values[0], solution.prices * unit)

    def _bound(
        self, cost: np.ndarray, lower: np.ndarray, theta: float, prices: np.ndarray
    ) -> float:
        """Lagrangian bound at these prices: every column at its best for its reduced cost."""
        price = np.where(np.isfinite(self._lower), prices, np.minimum(prices, 0.0))
        reduced = cost - self._matrix.T @ price
        most = self._enough.copy()
        most[0] = theta
        return float(price @ self._upper + np.where(reduced > 0, lower, most) @ reduced)


def _minus_ones(row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((-np.ones(len(row)), (row, column)), shape=shape)
