"""Least mean delay with M/M/1 links: the classical routing problem, solved to a proven gap."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.piecewise import PiecewiseProblem
from simulator.routing.scheme import Scheme, scheme

_FULLEST = 0.999
_FIRST = np.array([0.0, 0.3, 0.6, 0.8, 0.9, 0.97, _FULLEST])
_MOST_ROUNDS = 40


@scheme("kleinrock")
class Kleinrock(Scheme):
    """Least Kleinrock delay plus weighted latency, exact over all paths to a small gap.

    Variables: the shares ``x[p]`` of every demand on its paths. Minimise ::

        sum over a of  load[a] / (capacity[a] - load[a])  /  Psi
          + latency_weight * (sum of flow times delay)  /  Lambda

    where the load includes the background, subject to the shares of every demand adding up to 1.
    ``Psi`` is the sum of rate times the least ``1 / capacity`` summed along a path, ``Lambda`` the
    sum of rate times least delay: both terms are 1 in an empty network. Beyond 99.9 % of a link the
    cost goes on with the slope that it has there, so that demands that do not fit have an answer.

    The convex cost is approached from below by its tangents on every arc (Kelley's method): solve
    the piecewise linear problem, add the tangents at the loads found, again until its value and the
    true cost of its answer differ by no more than ``gap``. Two links between two nodes obey the
    square-root rule: the smaller one is used from a load of ``C1 - sqrt(C1 C2)`` on.

    Source: Kleinrock, *Queueing Systems* II, 1976, section 5.4; Bertsekas and Gallager, *Data
    Networks*, 1992, section 5.4; Kelley, J. SIAM 8(4), 1960.

    Attributes
    ----------
    latency_weight : float
        Weight of propagation against queueing.
    gap : float
        Relative gap at which the search ends.
    """

    latency_weight: NonNegative = 1.0
    gap: Positive = 1e-6

    demand_aware: ClassVar[bool] = True

    def route(self, network: Network, demands: Demands, current: Routes | None = None) -> Routes:
        """Return paths with shares, with a certificate."""
        problem = PiecewiseProblem(without_zero_capacity(network), demands, _FIRST, _FIRST)
        if not len(problem.active):
            return problem.nothing()
        rate = problem.rate[problem.active]
        full = problem.capacity[problem.arc_rows]
        empty = np.zeros(len(problem.delay))
        empty[problem.arc_rows] = 1.0 / full
        least, _, _ = problem.shortest(empty)
        psi = float(rate @ least)
        fastest, _, _ = problem.shortest(problem.delay)
        latency = float(rate @ fastest)
        weight = problem.delay * (self.latency_weight / latency if latency > 0 else 0.0)

        # As many tangents on every arc; what an arc does not need is a tangent twice.
        touch = np.repeat(_FIRST[None, :], len(full), axis=0)
        lower, best, answer = 0.0, np.inf, np.empty(0)
        for _ in range(_MOST_ROUNDS):
            # In q = 1 / (1 - u) the tangent at u has slope q^2, and two of them meet at
            # 1 - 2 / (q1 + q2).
            q = 1.0 / (1.0 - touch)
            problem.bends = np.append(
                np.zeros((len(full), 1)), 1.0 - 2.0 / (q[:, 1:] + q[:, :-1]), axis=1
            )
            problem.slopes = q**2 / full[:, None] / psi
            share, bound = problem.minimise(weight)
            load, idle, _ = problem.on_arcs(share)
            cost = float((_cost(load + idle, full) - _cost(idle, full)).sum() / psi)
            cost += float(load @ weight[problem.arc_rows])
            lower = max(lower, bound)
            if cost < best:
                best, answer = cost, share
            if best - lower <= self.gap * best:
                break
            at = np.clip((load + idle) / full, 0.0, _FULLEST)
            touch = np.sort(np.append(touch, at[:, None], axis=1), axis=1)
        else:
            problem.status = "round limit"
        return problem.finish(answer, best, lower, 1.0)


def _cost(load: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Mean number in an M/M/1 system, straight on beyond the fullest that counts."""
    at = load / capacity
    within = np.minimum(at, _FULLEST)
    return within / (1.0 - within) + np.maximum(at - _FULLEST, 0.0) / (1.0 - _FULLEST) ** 2
