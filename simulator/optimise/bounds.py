"""Lagrangian bounds: a cost that no routing can be below, from the prices of a program's rows.

Take any prices of the arcs, none negative. Charge them for load, and refund them for the load that
the limits allow. A routing within the limits gets no more expensive by that. Without the limits the
cheapest routing sends every demand over its shortest path under cost and price. So the cost of
that, less the refund, is at most the cost of any routing within the limits, over all paths and for
any prices; at the prices of an optimum the two are equal.

``piecewise.py`` (load has a cost itself) and ``window.py`` (limits differ by instant) add terms of
their own; ``exit_problem.py`` takes the same bound over paths by exits.

All functions take flows in the units of their problem (see :class:`PathProblem`); ``floor`` is what
a unit of each demand costs at least under the prices, shape (demands,), and ``rate`` is its rate.

Source: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapters 16 and 17.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def least_cost(
    floor: np.ndarray, rate: np.ndarray, price: np.ndarray, room: np.ndarray, binds: np.ndarray
) -> float:
    """Bound on a cost of flow with limits on the load of arcs.

    Parameters
    ----------
    floor, rate : ndarray, shape (demands,)
    price, room : ndarray, shape (arcs,)
        Price of a unit of flow, and load that the limit allows.
    binds : ndarray of bool, shape (arcs,)
        Arcs with a limit.
    """
    return float(floor @ rate - price[binds] @ room[binds])


def least_utilisation(
    floor: np.ndarray,
    rate: np.ndarray,
    price: np.ndarray,
    *,
    counts: np.ndarray,
    background: np.ndarray,
    unit_load: np.ndarray,
    room: np.ndarray,
    binds: np.ndarray,
) -> float:
    """Bound on the largest utilisation of the arcs that count, with limits on others.

    Parameters
    ----------
    floor, rate : ndarray, shape (demands,)
    price, background, room : ndarray, shape (arcs,)
    counts, binds : ndarray of bool, shape (arcs,)
        Arcs whose utilisation is minimised, and arcs with a limit.
    unit_load : ndarray, shape (arcs,)
        Load of each arc that counts at a utilisation of one unit; 0 for the others.
    """
    bound = float(floor @ rate + price[counts] @ background[counts])
    bound -= float(price[binds] @ room[binds])
    # A bound for prices that make a unit of utilisation cost one at most; larger ones scale down.
    value = float(price @ unit_load)
    return bound / value if value > 1.0 else bound


def staying(old: np.ndarray, floor: np.ndarray, rate: np.ndarray) -> float:
    """Change of a bound, 0 or less, where flow may stay on its present path free of a penalty.

    Parameters
    ----------
    old, floor : ndarray, shape (present paths,)
        Cost of a unit of flow on each present path, and the least cost of a unit that moves.
    rate : ndarray, shape (present paths,)
        Flow that each may keep.
    """
    return float(np.minimum(old - floor, 0.0) @ rate)


def any_program(
    cost: np.ndarray,
    matrix: sparse.csc_array,
    row_lower: np.ndarray,
    row_upper: np.ndarray,
    prices: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> float:
    """Bound on any program with bounded columns: every column at its best for its reduced cost.

    Rows are equations where *row_lower* is finite, and only limits from above elsewhere. Rounding
    errors in the prices of the solver make the bound worse, never wrong.
    """
    price = np.where(np.isfinite(row_lower), prices, np.minimum(prices, 0.0))
    reduced = cost - matrix.T @ price
    return float(price @ row_upper + np.where(reduced > 0, lower, upper) @ reduced)
