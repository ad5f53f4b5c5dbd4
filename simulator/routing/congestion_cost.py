"""Least congestion cost: spread load the more eagerly, the fuller a link is, and mind latency."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import sparse

from simulator.errors import SimulatorError
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Certificate, Routes
from simulator.routing.fortz_thorup import BREAKPOINTS, SLOPES, phi
from simulator.routing.path_problem import PathProblem, with_capacity
from simulator.routing.paths import towards
from simulator.routing.program import INFINITE, Program
from simulator.routing.scheme import scheme
from simulator.schema import NonNegative


@scheme("congestion_cost")
class CongestionCost:
    """Least Fortz-Thorup congestion cost plus weighted latency, exact over all paths.

    Variables: ``x[p]``, the share of demand *k* on its path *p*, and ``z[a, i]``, the part of the
    load of arc *a* that lies in segment *i* of the piecewise linear convex cost ``phi``, whose
    slopes 1, 3, 10, 70, 500, 5000 begin at utilisation 0, 1/3, 2/3, 9/10, 1, 11/10. Minimise ::

        sum over a of phi(load[a] + background[a], capacity[a])  /  Psi
          + latency_weight * (sum of flow times delay)  /  Lambda

    subject to, for every demand *k* that has a path and every arc *a* in reach ::

        sum of x over the paths of k                    =  1
        load[a] = sum of rate[k] * x over paths by a   <=  sum over i of z[a, i]
        0  <=  z[a, i]  <=  what the background leaves of segment i

    ``Psi`` is the sum of rate times fewest hops (Fortz and Thorup's own measure: the cost if no
    link were ever more than a third full), ``Lambda`` the sum of rate times least delay. So both
    terms are 1 where an empty network would have them, and do not depend on units. The cost of the
    background itself is left out. Column generation as in ``routing/path_problem.py``; the
    certificate's objective is the sum above, with a Lagrangian bound over all paths.

    Source: Fortz and Thorup, Internet Traffic Engineering by Optimizing OSPF Weights, INFOCOM 2000
    (cost function and scaling; the optimum is their "OPT", here with latency).

    Attributes
    ----------
    latency_weight : float
        Weight of latency against congestion. With 0, ties between equally congested answers are
        broken by the solver, not by latency.
    """

    latency_weight: NonNegative = 1.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        return _Problem(with_capacity(network), demands).solve(self.latency_weight)


class _Problem(PathProblem):
    """The paths, and segments of load on every arc in reach before them."""

    def solve(self, latency_weight: float) -> Routes:
        """Minimise the cost and return routes with their proof."""
        if not len(self.active):
            nothing = Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0)
            return self.routes(np.empty(0), nothing)
        k = self.active
        rate = self.rate[k]
        hops = towards(self.network, np.ones(len(self.delay)), self.targets).distance
        scale = float(rate @ hops[self.row[k], self.demands.source[k]])
        least, _, _ = self.shortest(self.delay)
        latency = float(rate @ least)
        # Latency in units of the congestion cost: what a unit of flow on an arc costs beside phi.
        weight = self.delay * (latency_weight * scale / latency if latency > 0 else 0.0)

        program, parts = self._program(weight)
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                raise SimulatorError("a program that is always feasible was found infeasible")
            price, worth = self.prices(solution)
            price = np.minimum(price, SLOPES[-1])
            length, floor, near = self.shortest(price + weight)
            bound = float(floor @ rate) + self._least_on_arcs(price)
            if not self.price_in(program, near, length, worth, weight):
                break
        share = solution.values[parts:]
        load = self.load(share)[self.arc_rows]
        full, idle = self.capacity[self.arc_rows], self.background[self.arc_rows]
        cost = float(
            (phi(load + idle, full) - phi(idle, full)).sum() + load @ weight[self.arc_rows]
        )
        certificate = Certificate(
            self.status,
            float(((load + idle) / full).max()),
            np.nan,
            cost / scale,
            min(bound, cost) / scale,
            len(self.paths.demand),
            self.rounds,
        )
        return self.routes(share, certificate)

    def _program(self, weight: np.ndarray) -> tuple[Program, int]:
        """Build the program; return it and the number of its segment columns."""
        demands, arcs = len(self.active), len(self.arc_rows)
        width = self._widths()
        # Segments that nothing can reach are no columns; the last that can be has no end.
        arc, segment = np.nonzero(width > 0)
        last = np.append(arc[1:] != arc[:-1], True)
        parts = len(arc)
        segments = sparse.csc_array(
            (-np.ones(parts), (demands + arc, np.arange(parts))), shape=(demands + arcs, parts)
        )
        columns = self.columns(self.paths)
        count = columns.shape[1]
        basic = np.zeros(parts + count, dtype=bool)
        basic[:parts] = last
        basic[parts + self.fastest(self.paths)] = True
        program = Program(
            cost=np.concatenate([SLOPES[segment], self.costs(self.paths, weight)]),
            lower=np.zeros(parts + count),
            upper=np.concatenate(
                [np.where(last, INFINITE, width[arc, segment]), np.full(count, INFINITE)]
            ),
            matrix=sparse.csc_array(sparse.hstack([segments, columns])),
            row_lower=np.concatenate([np.ones(demands), np.full(arcs, -INFINITE)]),
            row_upper=np.concatenate([np.ones(demands), np.zeros(arcs)]),
            basic_columns=basic,
            basic_rows=np.zeros(demands + arcs, dtype=bool),
        )
        return program, parts

    def _widths(self) -> np.ndarray:
        """What the background leaves of every segment, and all demands together could fill."""
        ends = np.append(BREAKPOINTS[1:], np.inf)
        full, idle = self.capacity[self.arc_rows], self.background[self.arc_rows]
        free = np.maximum(full[:, None] * ends - idle[:, None], 0.0)
        return np.diff(np.minimum(free, self.total), axis=1, prepend=0.0)

    def _least_on_arcs(self, price: np.ndarray) -> float:
        """Least of added cost less price times load, over all loads that an arc may have, summed.

        Convex and piecewise linear: the least is at a bend, at nothing or at everything.
        """
        full, idle = self.capacity[self.arc_rows, None], self.background[self.arc_rows, None]
        bends = np.clip(full * BREAKPOINTS - idle, 0.0, self.total)
        load = np.concatenate([bends, np.full((len(full), 1), self.total)], axis=1)
        value = phi(load + idle, full) - phi(idle, full) - price[self.arc_rows, None] * load
        return float(value.min(axis=1).sum())
