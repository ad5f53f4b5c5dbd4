"""Tree columns: least utilisation, then least latency, for networks with very many demands.

The problem of ``multicommodity.py`` with other columns. There a column is a path of one demand;
here it is the load of the shortest trees to a *group* of destinations, with all their demands on
it. A group shares itself out over its columns, so that the program has some tens of rows where that
over paths has one for every demand, and one search prices everything. All paths count: every
routing is matched, on the arcs, by shares of trees to single destinations, and the Lagrangian
bound of every round holds whatever the groups are.

The search for the least utilisation begins with a few rounds in which prices rise exponentially
with utilisation, and goes on with the prices of the restricted program (``tree_master.py``).

The groups are parted by the order of nodes and the search starts from the problem alone, so that
an answer has no history.

Source: Jones, Lustig, Farvolden and Powell, Multicommodity network flows: the impact of formulation
on decomposition, Math. Programming 62, 1993 (trees as columns); Ahuja, Magnanti and Orlin, *Network
Flows*, 1993, chapters 16 and 17 (column generation, Lagrangian bound); Plotkin, Shmoys and Tardos,
Math. Oper. Res. 20, 1995 (exponential prices).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.base.errors import SimulatorError
from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import arcs_in_reach, nine_digits, power_of_two
from simulator.optimise.tree_interior import Interior
from simulator.optimise.tree_master import Columns, Limits, Master, Solved
from simulator.optimise.tree_oracle import GROUPS, Grown, TreeOracle
from simulator.optimise.tree_routes import TreeShares
from simulator.optimise.tree_start import Centre, TreeStart

EXACT = 1e-9
"""Relative gap at which an answer counts as exact."""
MAX_ROUNDS, MOST_CENTRAL, MOST_AFTER = 500, 100, 20
"""Most rounds of a search; of the interior point method; and of latency after that method."""
WARM_UP = 12
SMOOTH = 0.3
"""Weight of the prices of the best bound in those that columns are found at."""
MANY_ARCS, MANY_ROWS, FEW_GROUPS = 2000, 300, 40
"""Arcs, and arcs at their limits, from which prices of a vertex are of no use; and
groups that are enough for the prices of an interior point."""
FAR, UNITS = 1e-3, 2
_SLACK, _SLACKS = 1e-9, (1e-8, 1e-7, 1e-6)
_BETTER = 2e-9
"""Gain, of an optimum near one, from which a column is worth having: HiGHS sees 1e-9."""


class Found(NamedTuple):
    """Outcome of a search.

    Attributes
    ----------
    share : ndarray, shape (columns,)
        Of the first columns.
    value, bound : float
        What was minimised, and a bound on it over all routings.
    """

    share: np.ndarray
    value: float
    bound: float


class TreeProblem:
    """Demands by destination, in units near one, and the tree columns found so far.

    Parameters
    ----------
    network : Network
        With capacity wherever it is up; its ``background_gbps`` is load that stays where it is.
    demands : Demands
    counts : ndarray of bool, shape (arcs,)
        Arcs whose utilisation counts.
    gap : float
        Relative gap at which a search may end.
    groups : int, optional
        Most groups of destinations.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        counts: np.ndarray,
        *,
        gap: float = 0.0,
        groups: int | None = None,
    ) -> None:
        self.network, self.demands = network, demands
        self.gap = max(gap, EXACT)
        self.usable = arcs_in_reach(network, demands)
        self.counts = self.usable & counts
        few = FEW_GROUPS if self.usable.sum() > MANY_ARCS else GROUPS
        self.oracle = TreeOracle(network, demands, demands.gbps, groups or few)
        active = self.oracle.reaches & (demands.gbps > 0)
        self.unit = float(demands.gbps[active].max(initial=0.0)) or 1.0
        self.delay_unit = power_of_two(network.delay_ms[self.usable].max(initial=1e-300))
        self.capacity = nine_digits(network.capacity_gbps / self.unit)
        self.background = nine_digits(network.background_gbps / self.unit)
        self.delay = network.delay_ms / self.delay_unit
        rate = np.where(active, nine_digits(demands.gbps / self.unit), 0.0)
        self.oracle.load_rates(rate)
        self.total = float(rate.sum())
        self.columns = Columns(len(network.tail))
        self.rounds, self.status, self._was_central = 0, "optimal", False
        self._fastest = 0.0
        self._prices: dict[bool, np.ndarray | None] = {True: None, False: None}
        self._start: TreeStart | None = None
        self._key = network.up.tobytes(), demands.source.tobytes(), demands.target.tobytes()

    def start_from(self, current: Routes | None) -> None:
        """Start from earlier routes of this method, where only rates or room are others.

        An exact search does not: of many optima, which one it finds is to have no history.
        """
        start = None if current is None else current.warm_start
        if self.gap > EXACT and isinstance(start, TreeStart) and start.key == self._key:
            self._start = start

    # -- the two stages -----------------------------------------------------------------------

    def solve(self, utilisation_cap: float, others_cap: float) -> Routes:
        """Run the stages that are needed and return routes with their proof."""
        if not self.total:
            return self._nothing()
        grown = self.oracle.under(self.delay)
        self._take_in(grown)
        self._fastest = float(grown.value.sum()) - grown.tie * self.total * len(self.network.nodes)
        for weight in self._start.weight if self._start is not None else ():
            self._take_in(self.oracle.under(weight))
        others = self.usable & ~self.counts
        limit = np.where(self.counts, np.inf, np.where(others, others_cap, np.inf))
        if others.any():
            free = np.full(len(others), np.inf)
            least, _ = self._known(others, free, others_cap)
            limit[others] = max(others_cap, self._just_above(least))
        least, bound = self._known(self.counts, limit, utilisation_cap)
        if least <= utilisation_cap:
            bound = np.nan  # nothing is claimed about the least
        limit[self.counts] = utilisation_cap if np.isnan(bound) else self._just_above(least)
        found = self._least_latency(limit)
        for slack in _SLACKS:  # the least was found to the tolerance of the solver
            if found is None:
                limit[self.counts] = np.maximum(limit[self.counts], least * (1.0 + slack))
                found = self._least_latency(limit)
        if found is None:
            raise SimulatorError("the least utilisation found could not be attained again")
        return self._proven(found, bound)

    def _just_above(self, value: float) -> float:
        """A limit for the next stage: with half of the gap, as the search had the other half."""
        return value * (1.0 + (_SLACK if self.gap <= EXACT else 0.5 * self.gap))

    def _known(self, counts: np.ndarray, limit: np.ndarray, target: float) -> tuple[float, float]:
        """Least utilisation of arcs that count, or one below *target*, and a bound on the least.

        *limit* of the others is raised where it was found to the tolerance of the solver.
        """
        for slack in (0.0, *_SLACKS):
            found = self._least_utilisation(counts, limit * (1.0 + slack), target)
            if found is not None:
                limit *= 1.0 + slack
                return found
        raise SimulatorError("the limits on the other links could not be met")

    def _least_utilisation(
        self, counts: np.ndarray, limit: np.ndarray, target: float
    ) -> tuple[float, float] | None:
        """Minimise theta over the arcs that count; None where the limits cannot be met."""
        load = self._load_of_first() + self.background
        unit = power_of_two((load[counts] / self.capacity[counts]).max(initial=0.0))
        room = np.where(counts, -self.background, self._room(limit))
        if not load[counts].any() and np.all(counts | (load - self.background <= room)):
            return 0.0, 0.0
        for _ in range(UNITS):
            limits = Limits(room, np.where(counts, self.capacity * unit, 0.0))
            found = self._minimised(limits, np.zeros(len(load)), target / unit)
            if found is None:
                return None
            theta, bound = found.value * unit, min(found.bound, found.value) * unit
            if found.value >= FAR:
                break
            unit *= power_of_two(max(found.value, FAR**2))
        return theta, bound

    def _least_latency(self, limit: np.ndarray) -> Found | None:
        """Minimise flow times delay under the limits; None when these columns cannot meet them."""
        limits = Limits(self._room(limit), np.zeros(len(limit)))
        return self._minimised(limits, self.delay, -np.inf)

    def _minimised(self, limits: Limits, cost: np.ndarray, target: float) -> Found | None:
        """Minimise theta or the cost, until it is below *target* or proven to the gap.

        None where these columns cannot meet the limits.
        """
        about_theta = bool(np.any(limits.pull > 0))
        centre = self._centre(limits, cost, about_theta)
        master = self._master(limits, cost)
        best, answer, rounds = np.inf, np.empty(0), self.rounds
        # Half of the gap is left for the limit of the next stage, where there is one.
        gap = 0.5 * self.gap if about_theta and self.gap > EXACT else self.gap
        while True:
            solved = _without_broken(master, centre.bound)
            if solved is None:
                return None
            if solved.value < best:
                best, answer = solved.value, solved.share
            if best <= target or best - centre.bound <= gap * centre.bound:
                break
            grew = self._priced(solved, limits, cost, master, centre)
            if best - centre.bound <= gap * centre.bound or not (grew or not master.is_exact):
                break
            if self.rounds - rounds >= self._most_rounds(master):
                self.status = "round limit"
                break
            master.grow()
            if master.is_exact and master.rows > MANY_ROWS and self._may_leave_vertices(limits):
                master = self._interior(limits)
        self._prices[about_theta] = centre.price
        return Found(answer, best, centre.bound)

    def _centre(self, limits: Limits, cost: np.ndarray, about_theta: bool) -> Centre:
        """Prices to begin with: those of an earlier solve, else none on any arc."""
        centre = Centre()
        if not about_theta:
            centre.hear(np.zeros(len(cost)), self._fastest)
        if self._start is not None:
            price = self._start.theta_price if about_theta else self._start.delay_price
            if price is not None:
                grown = self.oracle.under(cost + price)
                self._take_in(grown)
                centre.hear(price, self._bound(limits, cost, price, grown))
        return centre

    def _priced(
        self,
        solved: Solved,
        limits: Limits,
        cost: np.ndarray,
        master: Master | Interior,
        centre: Centre,
    ) -> bool:
        """Add columns at prices between those of the answer and the best; whether there are any."""
        parts = (SMOOTH, 0.0) if master.is_exact and centre.price is not None else (0.0,)
        for part in parts:
            price = solved.price
            if centre.price is not None and part:
                price = part * centre.price + (1.0 - part) * price
            grown = self.oracle.under(cost + price)
            centre.hear(price, self._bound(limits, cost, price, grown))
            if self._grow(grown, solved, cost, master.unit):
                return True
        return False

    def _master(self, limits: Limits, cost: np.ndarray) -> Master | Interior:
        """The restricted program: by the interior point method where very many arcs may be full."""
        if int(self.usable.sum()) > MANY_ARCS and self._may_leave_vertices(limits):
            return self._interior(limits)
        return Master(self.columns, self.oracle.groups, limits, cost)

    def _interior(self, limits: Limits) -> Interior:
        if self._start is None:
            self._warm_up(limits)
        self._was_central = True
        return Interior(self.columns, self.oracle.groups, limits)

    def _most_rounds(self, master: Master | Interior) -> int:
        if not master.is_exact:
            return MOST_CENTRAL
        return MOST_AFTER if self._was_central else MAX_ROUNDS

    def _may_leave_vertices(self, limits: Limits) -> bool:
        """Whether theta alone is minimised, and not exactly."""
        no_other = not np.any(np.isfinite(limits.room) & (limits.pull == 0))
        return self.gap > EXACT and no_other and bool(np.any(limits.pull > 0))

    # -- columns ------------------------------------------------------------------------------

    def _take_in(self, grown: Grown) -> None:
        """Add the column of every group."""
        self.columns.add(grown.load, np.arange(self.oracle.groups), grown.weight)

    def _grow(self, grown: Grown, solved: Solved, cost: np.ndarray, unit: float) -> bool:
        """Add the columns that improve the answer; whether there are any."""
        self.rounds += 1
        gain = solved.dual - grown.load @ (solved.price + cost)
        better = np.flatnonzero(gain > _BETTER * unit)
        if len(better):
            self.columns.add(grown.load[better], better, grown.weight)
        return bool(len(better))

    def _warm_up(self, limits: Limits) -> None:
        """Add columns at prices that rise exponentially with utilisation."""
        on = limits.pull > 0
        load, scale = self._load_of_first(), limits.scale
        for step in range(WARM_UP):
            full = np.where(on, (load - limits.room) * scale, -np.inf)
            steep = np.log(max(2, int(on.sum()))) / (max(0.15, 1.5 / (step + 1)) * full.max())
            price = np.where(on, np.exp(steep * (full - full.max())), 0.0) * scale
            grown = self.oracle.under(price)
            self._take_in(grown)
            load = load + 2.0 / (step + 2.0) * (grown.load.sum(axis=0) - load)

    def _load_of_first(self) -> np.ndarray:
        """Load of the fastest trees, which are the first columns."""
        return np.asarray(self.columns.load[: self.oracle.groups].sum(axis=0))

    # -- bounds -------------------------------------------------------------------------------

    def _bound(self, limits: Limits, cost: np.ndarray, price: np.ndarray, grown: Grown) -> float:
        """Lagrangian bound on theta or the cost; what the lengths have beside it are prices.

        What breaks ties is a price as well. Where an arc is so wide that even this would be too
        much, it has no price, and no path pays more than one tie for each of its nodes.
        """
        nodes = len(self.network.nodes)
        wide = np.maximum(limits.room, limits.pull) > self.total * nodes
        charged = np.isfinite(limits.room) & ((price > 0) | ~wide)
        paid = grown.weight[charged] - cost[charged]
        value = float(grown.value.sum() - paid @ limits.room[charged])
        if not charged.all():
            value -= grown.tie * self.total * nodes
        return value / (float(paid @ limits.pull[charged]) or 1.0)

    # -- answers ------------------------------------------------------------------------------

    def _room(self, limit: np.ndarray) -> np.ndarray:
        """What the limits leave on every arc beside the background; infinite without a limit."""
        bound = self.usable & np.isfinite(limit)
        room = np.full(len(limit), np.inf)
        room[bound] = limit[bound] * self.capacity[bound] - self.background[bound]
        return np.where(room >= self.total, np.inf, room)

    def _proven(self, found: Found, mlu_bound: float) -> Routes:
        bound = min(found.bound, found.value)

        def certify(load: np.ndarray) -> Certificate:
            full = (load + self.background)[self.counts] / self.capacity[self.counts]
            mlu, unit = float(full.max(initial=0.0)), self.unit * self.delay_unit
            least = min(mlu_bound, mlu) if np.isfinite(mlu_bound) else np.nan
            cost = float(load @ self.delay) * unit
            return Certificate(
                self.status, mlu, least, cost, min(bound * unit, cost), len(self.columns),
                self.rounds,
            )  # fmt: skip

        shares = TreeShares(self.oracle, self.columns, found.share, self.demands, certify)
        weight = tuple(self.columns.weight[each] for each in shares.rounds)
        start = TreeStart(self._key, weight, self._prices[True], self._prices[False])
        return replace(shares.routes(), warm_start=start)

    def _nothing(self) -> Routes:
        """Routes where no demand has a rate and a path."""
        certificate = Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0)
        none = np.empty(0)
        return TreeShares(
            self.oracle, self.columns, none, self.demands, lambda _: certificate
        ).listed()


def _without_broken(master: Master | Interior, bound: float) -> Solved | None:
    """Solve until the answer breaks no limit; None where the columns cannot meet them."""
    while True:
        solved = master.solve(bound)
        if solved is None or not solved.broken:
            return solved
