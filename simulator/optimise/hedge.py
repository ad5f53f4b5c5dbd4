"""The program behind ``hedged``: reservations that survive every set of faults.

Variables, relative to the rate of their demand: ``x[p]``, the reservation on path *p*; ``m[k]``,
what demand *k* reserves beyond its rate; ``theta``; and ``u``, the part that goes unhedged.
Constraints, for every demand *k*, every set *K* of its paths that some faults kill (and leave
others), and every arc *a* with capacity ``c`` now, of which the worst faults take ``lost``::

    sum of x over the paths of k                  =  1 + m[k]
    sum of x over K                              <=  m[k] + u
    sum of rate[k] * x over the paths through a  <=  theta * (c[a] - (1 - u) * lost[a]) - b[a]

where ``b`` is background. With ``u = 0`` what survives any faults still adds up to the rate. A set
that is part of another one adds nothing and is left out: with paths by way of 8 exits and one
fault there are 8 rows a demand.

First ``theta`` is fixed at the cap and ``u`` at zero, and the cost is least. Where that cannot be,
the least ``theta`` up to 1 is found with which the hedge holds. Where there is none, ``theta`` is 1
and ``u`` the least there is: a partial hedge is preferred to links over-full before any fault. Only
where some link is over-full with no hedge at all is ``theta`` above 1, the least there is. At the
end the cost is least with both fixed. They bound what a demand may leave unhedged, and by how much
an arc may be over-full; but each Gbps of that costs ``OVERLOAD_MS``, so that one exit that cannot
be hedged does not make the program hedge others less, or fill them.

Every program starts from the slack basis: dual simplex is some fifty times faster from there than
from the solution of the previous program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import bounds
from simulator.optimise.hedge_paths import FaultSets, Hedge
from simulator.optimise.path_problem import PathProblem, nine_digits, power_of_two, powers_of_two
from simulator.optimise.program import INFINITE, Program

RESERVED_MS = 0.1
"""What reserving a Gbps costs on any path, so that nothing is reserved in vain."""
OVERLOAD_MS = 1000.0
"""What a Gbps reserved above a capacity costs: as in ``clairvoyant``, what a lost packet does."""
_SLACK = 1e-9
_SLACK_OF_PART = 1e-6


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
    """One hedge at some rates."""

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
        self.set_arc_rows(np.bincount(self.paths.arcs, minlength=len(network.tail)) > 0)
        self.now, self.after = nine_digits(network.capacity_gbps / self.unit), self.capacity
        self.unhedged = 0.0
        self.penalty = 0.0 if kept is None else kept.penalty_ms / self.delay_unit
        self.needed = self._needed(np.zeros(len(active)) if kept is None else kept.share[active])

    def _needed(self, share: np.ndarray) -> np.ndarray:
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
            return self.nothing()
        theta_bound = np.nan
        answer = self._least_cost(cap, cap) if cap > 0 else None
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
        self.status = self._summary(mlu)
        theta_bound = min(theta_bound, mlu) if np.isfinite(theta_bound) else np.nan
        cost = objective * unit, min(bound, objective) * unit
        return self.proven(reserved, (mlu, theta_bound), cost)

    def _summary(self, mlu: float) -> str:
        hedged = "hedged"
        if self.unhedged == 1.0:
            hedged = "over-full before any fault" if mlu > 1.0 + 10 * _SLACK else "not hedged"
        elif self.unhedged > 0:
            hedged = f"hedged to {100 * (1.0 - self.unhedged):.0f} %"
        exposed = f", {self.exposed} without a second way" if self.exposed else ""
        return f"limited paths: {hedged}{exposed}"

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
        values, _ = rows.minimise(np.eye(1, rows.columns, rows.part)[0], (theta, theta), part=1.0)
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
        values, bound = rows.minimise(np.eye(1, rows.columns)[0], (cap / unit, INFINITE))
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
        arcs, price_of_overload = self.arc_rows, OVERLOAD_MS / self.delay_unit
        cost[rows.overload] = price_of_overload * self.capacity[arcs]
        cost[rows.alone] = price_of_overload * self.rate[self.active[rows.hedgeable]]
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
        """Background on every arc, without what it has above *level*."""
        return np.minimum(self.background, level * self.capacity)


class _Rows:
    """One program.

    Its columns: theta, u, m and what goes unhedged of every demand, overload of the arcs, kept and
    free parts of the paths. What an arc is over-full by is in units of its capacity.
    """

    def __init__(self, problem: HedgeProblem, level: float, theta_unit: float) -> None:
        demands, arcs = len(problem.active), problem.arc_rows
        self.hedgeable, hedged = np.unique(problem.owner, return_inverse=True)
        self.kept_path = np.flatnonzero(problem.needed > 0)
        own, paths_listed = len(self.hedgeable), len(problem.paths.demand)
        self.part = 1
        ends = (2 + np.cumsum([0, own, own, len(arcs), len(self.kept_path), paths_listed])).tolist()
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
            np.append(self.hedgeable, of_kill), np.append(np.arange(own), hedged), (height, own)
        )
        each = _minus_ones(of_arc, np.arange(len(arcs)), (height, len(arcs)))
        theta = sparse.csr_array((each @ (pull * scale))[:, None])
        alone = _minus_ones(of_kill, hedged, (height, own))
        # What goes unhedged needs no survivors, and faults take so much less.
        part = each @ (level * (problem.now - problem.capacity)[arcs] * scale)
        part[of_kill] = -1.0
        overload = each @ sparse.diags_array(problem.capacity[arcs] * scale)
        part = sparse.csr_array(part[:, None])
        kept = paths[:, self.kept_path]
        columns = [theta, part, beyond, alone, overload, kept, paths]
        self._matrix = sparse.csc_array(sparse.hstack(columns))
        background = problem._background(level)[arcs] * scale
        self._upper = np.concatenate([np.ones(demands), -background, np.zeros(kills)])
        self._lower = np.concatenate([np.ones(demands), np.full(len(arcs) + kills, -INFINITE)])
        self._most = np.full(self.columns, INFINITE)
        self._most[self.kept] = problem.needed[self.kept_path]
        self._most[self.alone] = problem.unhedged
        # No optimum needs more: a path that has the whole rate reserved needs no other beside it.
        self._enough = self._most.copy()
        self._enough[self.free] = 1.0
        listed = np.bincount(problem.slot[problem.paths.demand], minlength=demands)
        self._enough[self.beyond] = 2.0 * listed[self.hedgeable]

    def minimise(
        self,
        cost: np.ndarray,
        theta: tuple[float, float],
        overload: float | np.ndarray = 0.0,
        part: float = 0.0,
    ) -> tuple[np.ndarray | None, float]:
        """Return the values and a proven bound on the cost; no values where there are none.

        *theta* are its bounds, *overload* bounds what every arc is over-full by beyond theta, and
        *part* bounds u, with theta at the level.
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
        most = self._enough.copy()
        most[0] = solution.values[0]
        bound = bounds.any_program(
            cost,
            self._matrix,
            solution.prices * unit,
            row_lower=self._lower,
            row_upper=self._upper,
            lower=lower,
            upper=most,
        )
        return solution.values, bound


def _minus_ones(row: np.ndarray, column: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((-np.ones(len(row)), (row, column)), shape=shape)
