"""Least M/M/1 delay by tangents (Kelley's method): the convex cost approached from below.

The problem is written out in ``routing/kleinrock.py``. Each round solves the piecewise linear
problem of the tangents known so far and adds the tangents at the loads found.
"""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.piecewise import PiecewiseProblem

_FULLEST = 0.999
_FIRST = np.array([0.0, 0.3, 0.6, 0.8, 0.9, 0.97, _FULLEST])
_MOST_ROUNDS = 40


def least_delay(network: Network, demands: Demands, *, latency_weight: float, gap: float) -> Routes:
    """Route for the least queueing delay plus weighted latency, to a relative *gap*."""
    problem = PiecewiseProblem(without_zero_capacity(network), demands, _FIRST, _FIRST)
    if not len(problem.active):
        return problem.nothing()
    full = problem.capacity[problem.arc_rows]
    empty = np.zeros(len(problem.delay))
    empty[problem.arc_rows] = 1.0 / full
    psi, latency = problem.cheapest(empty), problem.cheapest(problem.delay)
    weight = problem.delay * (latency_weight / latency if latency > 0 else 0.0)

    # As many tangents on every arc; what an arc does not need is a tangent twice.
    touch = np.repeat(_FIRST[None, :], len(full), axis=0)
    lower, best, answer = 0.0, np.inf, np.empty(0)
    for _ in range(_MOST_ROUNDS):
        # In q = 1 / (1 - u) the tangent at u has slope q^2, and two of them meet at
        # 1 - 2 / (q1 + q2).
        q = 1.0 / (1.0 - touch)
        meet = 1.0 - 2.0 / (q[:, 1:] + q[:, :-1])
        problem.bends = np.append(np.zeros((len(full), 1)), meet, axis=1)
        problem.slopes = q**2 / full[:, None] / psi
        share, bound = problem.minimise(weight)
        load, idle, _ = problem.on_arcs(share)
        cost = float((_cost(load + idle, full) - _cost(idle, full)).sum() / psi)
        cost += float(load @ weight[problem.arc_rows])
        lower = max(lower, bound)
        if cost < best:
            best, answer = cost, share
        if best - lower <= gap * lower:
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
