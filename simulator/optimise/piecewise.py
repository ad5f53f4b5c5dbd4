"""Least cost where every arc has a convex piecewise linear cost of its load, and flow a price.

The program of ``congestion_cost``, ``kleinrock`` and ``clairvoyant``. Variables: ``x[p]``, the
share of demand *k* on its path *p*, and ``z[a, i]``, the part of the load of arc *a* in segment *i*
of its cost. The slopes rise, so that the segments fill up in order. Column
generation as in ``optimise/path_problem.py``, with a Lagrangian bound over all paths.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import PathProblem
from simulator.optimise.program import INFINITE, Program


def cost(
    load: np.ndarray, capacity: np.ndarray, bends: np.ndarray, slopes: np.ndarray
) -> np.ndarray:
    """Cost of a load: *slopes* begin at *bends* times the capacity, the first at 0."""
    beyond = load[..., None] - capacity[..., None] * bends
    return np.asarray((np.maximum(beyond, 0.0) * np.diff(slopes, prepend=0.0)).sum(axis=-1))


class PiecewiseProblem(PathProblem):
    """The paths, and segments of load on every arc in reach before them.

    Parameters
    ----------
    bends, slopes : ndarray, shape (segments,) or (arc rows, segments)
        Utilisation at which each slope begins, from 0, and what a unit of load costs there.

    Attributes
    ----------
    always_dual : bool
        See :class:`~simulator.optimise.program.Program`.
    """

    always_dual = False

    def __init__(
        self, network: Network, demands: Demands, bends: np.ndarray, slopes: np.ndarray
    ) -> None:
        super().__init__(network, demands)
        self.bends, self.slopes = bends, slopes

    def cost(self, load: np.ndarray, capacity: np.ndarray) -> np.ndarray:
        """Cost of loads on capacities (arc rows, ...), in units of the problem."""
        bends, slopes = self.bends, self.slopes
        if load.ndim == 2 and bends.ndim == 2:
            bends, slopes = bends[:, None, :], slopes[:, None, :]
        return cost(load, capacity, bends, slopes)

    def solve(self, weight: np.ndarray, unit: float) -> Routes:
        """Minimise the cost and return routes with their proof.

        Parameters
        ----------
        weight : ndarray, shape (arcs,)
            What a unit of flow on an arc costs beside the cost of its load.
        unit : float
            Of the certificate's objective.
        """
        share, bound = self.minimise(weight)
        load, idle, full = self.on_arcs(share)
        added = float((self.cost(load + idle, full) - self.cost(idle, full)).sum())
        moved = float(share @ self.switching_costs()[: len(share)])
        return self.finish(share, added + float(load @ weight[self.arc_rows]) + moved, bound, unit)

    def minimise(self, weight: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the best shares of the paths known then, and a bound over all paths."""
        rate = self.rate[self.active]
        program, parts = self._program(weight)
        steepest = np.zeros(len(self.network.tail))
        steepest[self.arc_rows] = self.slopes[..., -1]
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise SimulatorError("a program that is always feasible was found infeasible")
            price, dual = self.prices(solution)
            price = np.minimum(price, steepest)
            length, floor, near = self.shortest(price + weight)
            floor = floor + self.switching_cost
            bound = float(floor @ rate) + self._least_on_arcs(price)
            bound += self.saved_by_staying(price + weight, floor)
            if not self.price_in(program, near, length, dual, weight, self.switching_cost):
                return solution.values[parts:], bound

    def on_arcs(self, share: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Load, background and capacity of the arcs in reach under shares."""
        load = self.load(share)[self.arc_rows]
        return load, self.background[self.arc_rows], self.capacity[self.arc_rows]

    def finish(self, share: np.ndarray, reached: float, bound: float, unit: float) -> Routes:
        """Make routes of shares that reach a cost, with a proof of it."""
        load, idle, full = self.on_arcs(share)
        mlu = float(((load + idle) / full).max())
        cost = reached * unit, min(bound, reached) * unit
        return self.proven(share, (mlu, np.nan), cost)

    def _program(self, weight: np.ndarray) -> tuple[Program, int]:
        """Build the program; return it and the number of its segment columns."""
        demands, arcs = len(self.active), len(self.arc_rows)
        width = self._widths()
        # Segments that nothing can reach are no columns; the last that can be has no end.
        arc, segment = np.nonzero(width > 0)
        last = np.append(arc[1:] != arc[:-1], True)
        parts = len(arc)
        slopes = np.broadcast_to(self.slopes, width.shape)
        at = demands + arc, np.arange(parts)
        segments = sparse.csc_array((-np.ones(parts), at), shape=(demands + arcs, parts))
        columns = self.columns(self.paths)
        count = columns.shape[1]
        basic = np.zeros(parts + count, dtype=bool)
        basic[:parts] = last
        basic[parts + self.fastest(self.paths)] = True
        costs = self.costs(self.paths, weight) + self.switching_costs()
        program = Program(
            cost=np.concatenate([slopes[arc, segment], costs]),
            upper=np.concatenate([np.where(last, INFINITE, width[arc, segment]), self.upper()]),
            matrix=sparse.csc_array(sparse.hstack([segments, columns])),
            row_lower=np.concatenate([np.ones(demands), np.full(arcs, -INFINITE)]),
            row_upper=np.concatenate([np.ones(demands), np.zeros(arcs)]),
            basic_columns=basic,
            basic_rows=np.zeros(demands + arcs, dtype=bool),
            always_dual=self.always_dual,
        )
        return program, parts

    def _widths(self) -> np.ndarray:
        """What the background leaves of every segment, and all demands together could fill."""
        bends = np.atleast_2d(self.bends)
        ends = np.append(bends[:, 1:], np.full((len(bends), 1), np.inf), axis=1)
        full, idle = self.capacity[self.arc_rows], self.background[self.arc_rows]
        free = np.maximum(full[:, None] * ends - idle[:, None], 0.0)
        return np.diff(np.minimum(free, self.total), axis=1, prepend=0.0)

    def _least_on_arcs(self, price: np.ndarray) -> float:
        """Term of the bound: least added cost less price times load of every arc, summed.

        Convex and piecewise linear: the least is at a bend, at nothing or at everything.
        """
        full, idle = self.capacity[self.arc_rows, None], self.background[self.arc_rows, None]
        bends = np.clip(full * self.bends - idle, 0.0, self.total)
        load = np.concatenate([bends, np.full((len(full), 1), self.total)], axis=1)
        value = self.cost(load + idle, full) - self.cost(idle, full)
        return float((value - price[self.arc_rows, None] * load).min(axis=1).sum())
