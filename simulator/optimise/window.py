"""The best fixed splits for a planning window: one set of shares, rates that differ by instant.

The program is written out in ``routing/best_static.py``. There is a row for an arc at an instant
only once it is broken, and a column for a path once it improves the cost at the prices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.multicommodity import FAR, UNITS, counted
from simulator.optimise.path_problem import PathProblem, nine_digits, power_of_two, powers_of_two
from simulator.optimise.program import INFINITE, Program, Solution
from simulator.paths.candidates import Paths
from simulator.paths.shortest import ShortestPaths, shortest_to_each

Measure = Literal["worst", "mean"]

_SLACK = 1e-9
_MEASURE, _OTHERS, _LEVELS = 0, 1, 2
"""First columns: the measure, the utilisation of links that do not count, and the levels."""


class WindowProblem(PathProblem):
    """A path problem with a row for every arc and instant that matters.

    The rate of a demand is its mean over the window, and its *profile* the factor on it at every
    instant. Prices differ by instant, so lengths differ by profile: there is a row of shortest
    paths for every pair of profile and destination. A *level* is a limit on utilisation: one for
    all instants or one for each, by measure. Instants with the same rates count as one.

    Parameters
    ----------
    window : ndarray, shape (demands, instants)
    classes : tuple of str
        Link classes whose utilisation counts; all when empty.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        window: np.ndarray,
        measure: Measure,
        classes: tuple[str, ...],
    ) -> None:
        mean = window.mean(axis=1)
        super().__init__(network, replace(demands, gbps=mean, window_gbps=None))
        factors = nine_digits(window / np.where(mean > 0, mean, 1.0)[:, None])
        profiles, profile = np.unique(factors, axis=0, return_inverse=True)
        self.profile = profile.reshape(-1)  # NumPy 2.0 gives it a second axis
        self.factor, often = np.unique(profiles, axis=1, return_counts=True)
        pair = self.profile * len(self.targets) + self.row
        pairs, self.row = np.unique(pair, return_inverse=True)
        self.row_profile, destination = np.divmod(pairs, len(self.targets))
        self.targets = self.targets.take(destination)

        instants = len(often)
        self.weight = often.astype(float) if measure == "mean" else np.ones(1)
        self.level = np.arange(instants) if measure == "mean" else np.zeros(instants, np.int64)
        self.heads = _LEVELS + len(self.weight)
        self.counts = self.usable & counted(network, classes)
        self.limit = np.where(self.counts[:, None], _LEVELS + self.level, _OTHERS)

    # -- the stages ---------------------------------------------------------------------------

    def solve(self, others_cap: float) -> Routes:
        """Run the stages and return routes with their proof."""
        if not len(self.active):
            return self.nothing()
        used = self._used(self.all_on_fastest())
        self.theta_unit = power_of_two(used[self.counts].max(initial=0.0))
        for _ in range(UNITS):
            program, share, mlu_bound = self._least(others_cap)
            theta = self._measured(share) / self.weight.sum() / self.theta_unit
            if theta >= FAR or theta == 0:
                break
            self.theta_unit *= power_of_two(max(theta, FAR**2))
        self.most[_MEASURE] = self._measured(share) / self.theta_unit * (1.0 + _SLACK)
        program.set_bounds(_MEASURE, 0.0, self.most[_MEASURE])
        share, bound = self._minimise(program, None, self.delay)
        mlu, objective = self._measured(share), self.latency(share)
        instants, unit = self.weight.sum(), self.unit * self.delay_unit
        least = float(min(mlu_bound * self.theta_unit, mlu) / instants)
        cost = objective * unit, min(bound, objective) * unit
        return self.proven(share, (float(mlu / instants), least), cost)

    def _least(self, others_cap: float) -> tuple[Program, np.ndarray, float]:
        """Minimise the measure, in the present unit; return shares and a bound on it."""
        self.most = np.array([np.inf, np.inf])  # that the measure and the others may reach
        self.arc, self.instant = np.empty((2, 0), dtype=np.int64)
        self.has_row = np.zeros((len(self.network.tail), len(self.level)), dtype=bool)
        free = np.zeros(len(self.network.tail))
        program = self._program()
        others = self.usable & ~self.counts
        if others.any():
            cap = others_cap / self.theta_unit
            program.set_bounds(_OTHERS, cap, INFINITE)
            share, _ = self._minimise(program, _OTHERS, free)
            least = float(self._used(share)[others].max()) / self.theta_unit
            self.most[_OTHERS] = max(cap, least * (1.0 + _SLACK))
            program.set_bounds(_OTHERS, 0.0, self.most[_OTHERS])
        return program, *self._minimise(program, _MEASURE, free)

    def _minimise(
        self, program: Program, head: int | None, weight: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Minimise one of the first columns, or a cost of flow on arcs when *head* is None.

        Return the shares of the paths, and a proven bound on the measure or the cost (of no meaning
        for the others).
        """
        cost = np.zeros(program.columns)
        if head is None:
            cost[self.heads :] = self.costs(self.paths, weight)
        else:
            cost[head] = 1.0
        program.set_costs(cost)
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise SimulatorError("the least utilisation found could not be attained again")
            price, dual = self._prices(solution)
            length, floor, near = self._shortest(price, weight)
            rows = self._add_broken_rows(program, solution)
            if not self.price_in(program, near, length, dual, weight) and not rows:
                return solution.values[self.heads :], self._bound(head, floor, price)

    def _bound(self, head: int | None, floor: np.ndarray, price: sparse.csr_array) -> float:
        """Lagrangian bound at the prices of rows, over all paths.

        See ``path_problem.py``. The levels are free as long as the measure keeps its limit, so
        that the best of them is the one whose rows have the highest price for its weight.
        """
        priced = sparse.coo_array(price)
        arc, instant = priced.coords
        pull = priced.data * self.capacity[arc] * self.theta_unit
        level_price = np.bincount(self.limit[arc, instant], pull, minlength=self.heads)
        highest = float((level_price[_LEVELS:] / self.weight).max())
        bound = float(floor @ self.rate[self.active]) + float(priced.data @ self.background[arc])
        if level_price[_OTHERS] > 0:
            bound -= float(level_price[_OTHERS] * self.most[_OTHERS])
        if head is None:
            return bound - highest * float(self.most[_MEASURE])
        # A bound for prices that make the measure cost one at most; larger ones scale down.
        return bound / max(1.0, highest)

    # -- what splits do -----------------------------------------------------------------------

    def _used(self, share: np.ndarray) -> np.ndarray:
        """Utilisation of every arc in reach at every instant; zero of others."""
        paths = self.paths.take(np.flatnonzero(share > 0))
        flow = share[share > 0] * self.rate[paths.demand]
        length = np.diff(paths.starts)
        at = paths.arcs, np.repeat(self.profile[paths.demand], length)
        shape = len(self.network.tail), len(self.factor)
        by_profile = sparse.csr_array((np.repeat(flow, length), at), shape=shape)
        load = by_profile @ self.factor + self.background[:, None]
        return np.asarray(load / np.where(self.usable, self.capacity, np.inf)[:, None])

    def _measured(self, share: np.ndarray) -> float:
        """The measure: over all instants where it is a mean, summed up."""
        fullest = self._used(share)[self.counts].max(axis=0, initial=0.0)
        reached = np.zeros(len(self.weight))
        np.maximum.at(reached, self.level, fullest)
        return float(self.weight @ reached)

    # -- rows, columns and prices -------------------------------------------------------------

    def _program(self) -> Program:
        """Build the program without a row for any arc: all on the fastest paths, levels at zero.

        Rows: the active demands, the measure against its levels, then arcs at instants as they
        come.
        """
        demands, paths = len(self.active), len(self.paths.demand)
        adds_up = np.concatenate([[-1.0, 0.0], self.weight])
        heads = sparse.vstack([sparse.csr_array((demands, self.heads)), adds_up[None, :]])
        basic = np.zeros(self.heads + paths, dtype=bool)
        basic[self.heads + self.fastest(self.paths)] = True
        return Program(
            cost=np.zeros(self.heads + paths),
            upper=np.full(self.heads + paths, INFINITE),
            matrix=sparse.csc_array(sparse.hstack([heads, self.columns(self.paths)])),
            row_lower=np.append(np.ones(demands), -INFINITE),
            row_upper=np.append(np.ones(demands), 0.0),
            basic_columns=basic,
            basic_rows=np.append(np.zeros(demands, dtype=bool), True),
            # Plans of equal cost differ in what failures make of them: the primal would be twice
            # as quick, and end at another of them.
            always_dual=True,
        )

    def columns(self, paths: Paths) -> sparse.csc_array:
        """Column of every path: a one in its demand's row, its rate in rows of its arcs."""
        count = len(paths.demand)
        # No path has a share in the row of the measure, the one after those of the demands.
        at = np.arange(count), self.slot[paths.demand]
        own = sparse.csr_array((np.ones(count), at), shape=(count, len(self.active) + 1))
        on_arcs = self._rates(paths, self.arc, self.instant)
        return sparse.csc_array(sparse.hstack([own, on_arcs]).T)

    def _rates(self, paths: Paths, arc: np.ndarray, instant: np.ndarray) -> sparse.csr_array:
        """Rate of paths on arcs at instants, as the rows have it, shape (paths, rows)."""
        count = len(paths.demand)
        path, row = sparse.coo_array(paths.passes(len(self.network.tail))[:, arc]).coords
        k = paths.demand[path]
        rate = self.rate[k] * self.factor[self.profile[k], instant[row]] * self._row_scale(arc)[row]
        rates = sparse.csr_array((rate, (path, row)), shape=(count, len(arc)))
        rates.eliminate_zeros()
        return rates

    def _row_scale(self, arc: np.ndarray) -> np.ndarray:
        """Factor on the rows of arcs: those so wide that they hardly count shrink."""
        return 1.0 / powers_of_two(np.maximum(self.capacity[arc] * self.theta_unit, 1.0))

    def _add_broken_rows(self, program: Program, solution: Solution) -> int:
        """Add the row of every arc at its worst instant, if it is broken; return how many.

        Where every instant has a level of its own, its worst arc is added as well.
        """
        used = self._used(solution.values[self.heads :]) / self.theta_unit
        excess = np.where(self.has_row, -np.inf, used - solution.values[self.limit])
        wanted = np.zeros_like(self.has_row)
        wanted[np.arange(len(excess)), excess.argmax(axis=1)] = True
        if len(self.weight) > 1:
            wanted[excess.argmax(axis=0), np.arange(len(self.level))] = True
        arc, instant = np.nonzero(wanted & (excess > _SLACK))
        count = len(arc)
        if count:
            self.has_row[arc, instant] = True
            self.arc, self.instant = np.append(self.arc, arc), np.append(self.instant, instant)
            scale = self._row_scale(arc)
            pull = -self.capacity[arc] * self.theta_unit * scale
            at = np.arange(count), self.limit[arc, instant]
            limits = sparse.csr_array((pull, at), shape=(count, self.heads))
            flows = self._rates(self.paths, arc, instant).T
            rows = sparse.csr_array(sparse.hstack([limits, flows]))
            program.add_rows(rows, -self.background[arc] * scale)
        return count

    def _prices(self, solution: Solution) -> tuple[sparse.csr_array, np.ndarray]:
        """Price of a unit of flow by arc and instant, and dual value of a unit of each demand."""
        demands = len(self.active)
        price = np.maximum(-solution.prices[demands + 1 :], 0.0) * self._row_scale(self.arc)
        table = sparse.csr_array((price, (self.arc, self.instant)), shape=self.has_row.shape)
        return table, solution.prices[:demands] / self.rate[self.active]

    def _shortest(
        self, price: sparse.csr_array, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, ShortestPaths]:
        """Length of every active demand's shortest path, and a bound below it."""
        by_profile = np.asarray(price @ self.factor.T).T
        length = by_profile[self.row_profile] + weight
        nodes = len(self.network.nodes)
        # The least that adding up to the longest path cannot swallow, so that none is a circle.
        longest = max(1.0, float(length[:, self.usable].max(initial=0.0)))
        tie = np.finfo(float).eps * nodes * longest
        near = shortest_to_each(self.network, length + tie, self.targets)
        k = self.active
        found = near.distance[self.row[k], self.demands.source[k]]
        return found, np.maximum(found - tie * nodes, 0.0), near
