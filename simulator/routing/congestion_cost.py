"""Least congestion cost: the fuller a link is, the more its load costs; weighed against latency."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.fortz_thorup import BREAKPOINTS, SLOPES
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.piecewise import PiecewiseProblem
from simulator.routing.scheme import Scheme, scheme


@scheme("congestion_cost")
class CongestionCost(Scheme):
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
    terms are 1 where an empty network would have them, and do not depend on units. Where no fastest
    path has any delay, ``Lambda`` is 0 and the second term is left out. The cost of the background
    itself is left out. Column generation as in ``optimise/path_problem.py``; the
    certificate's objective is the sum above, with a Lagrangian bound over all paths.

    Source: Fortz and Thorup, Internet Traffic Engineering by Optimizing OSPF Weights, INFOCOM 2000
    (cost function and scaling; the optimum is their "OPT", here with latency).

    Attributes
    ----------
    latency_weight : float
        Weight of latency against congestion. With 0, ties between equally congested answers are
        broken by the solver, not by latency.
    churn_penalty_ms : float
        Added to the latency of a Gbps that leaves its present path: it moves only where that
        saves the equivalent of so many milliseconds at a latency weight of 1.
    """

    latency_weight: NonNegative = 1.0
    churn_penalty_ms: NonNegative = 0.0

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        problem = PiecewiseProblem(without_zero_capacity(network), demands, BREAKPOINTS, SLOPES)
        k = problem.active
        if not len(k):
            return problem.nothing()
        hops = problem.search.under(np.ones(len(problem.delay))).distance
        scale = float(problem.rate[k] @ hops[problem.row[k], demands.source[k]])
        latency = problem.cheapest(problem.delay)
        # Latency in units of the congestion cost: what a unit of flow on an arc costs beside phi.
        ratio = scale / latency if latency > 0 else 0.0
        if current is not None:
            problem.stay_on(current, self.churn_penalty_ms / problem.delay_unit * ratio)
        return problem.solve(problem.delay * self.latency_weight * ratio, 1.0 / scale)
