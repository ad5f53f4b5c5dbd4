"""Lagrangian bounds: a cost that no routing can be below, from the prices of a program's rows.

Take any prices of the arcs that are not negative. Charge them for load, and refund them for the
load that the limits allow. A routing within the limits gets no more expensive by that. Without the
limits the cheapest routing sends every demand over its shortest path under cost and price. So the
cost of that, less the refund, is at most the cost of any routing within the limits, over all paths
and for any prices; at the prices of an optimum the two are equal. Rounding errors in the prices
make a bound worse, never wrong.

``piecewise.py`` (load has a cost itself) and ``window.py`` (limits differ by instant) add terms of
their own; ``path_simplex.py`` takes the same bound over paths by exits.

Source: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapters 16 and 17.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def least_cost(floor: np.ndarray, rate: np.ndarray, price: np.ndarray, room: np.ndarray) -> float:
    """Bound on a cost of flow with limits on the load of arcs.

    Parameters
    ----------
    floor, rate : ndarray, shape (demands,)
        Least cost of a unit of each demand at these prices, and its rate.
    price, room : ndarray, shape (limited arcs,)
        Price of a unit of flow, and the load that the limit allows.
    """
    return float(floor @ rate - price @ room)


def least_utilisation(cost: float, refund: float, unit_price: float) -> float:
    """Bound on the largest utilisation of some arcs, with limits on the load of others.

    Parameters
    ----------
    cost : float
        Least cost of all demands at these prices, with the price of the background of the arcs
        whose utilisation is minimised.
    refund : float
        Price of the load that the limits of the others allow.
    unit_price : float
        What a unit of utilisation costs at these prices; above one, all prices scale down.
    """
    return (cost - refund) / max(1.0, unit_price)


def any_program(
    cost: np.ndarray,
    matrix: sparse.sparray,
    prices: np.ndarray,
    *,
    row_lower: np.ndarray,
    row_upper: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
) -> float:
    """Bound on any program with bounded columns: every column at its best for its reduced cost.

    Rows are equations where *row_lower* is finite, and only limits from above elsewhere.
    """
    price = np.where(np.isfinite(row_lower), prices, np.minimum(prices, 0.0))
    reduced = cost - matrix.T @ price
    return float(price @ row_upper + np.where(reduced > 0, lower, upper) @ reduced)
