"""The Fortz-Thorup cost of load: one per unit while a link is idle, steep from 90 % on.

The cost of load *y* on a link of capacity *C* is ``phi(y, C)``: continuous, convex and piecewise
linear, with ``phi(0, C) = 0`` and slope 1 up to a third of the capacity, 3 up to two thirds, 10 up
to 9/10, 70 up to 1, 500 up to 11/10 and 5000 beyond. At full load it is ``10 2/3 C``. It scales
with the unit: ``phi(k y, k C) = k phi(y, C)``.

Source: Fortz and Thorup, Internet Traffic Engineering by Optimizing OSPF Weights, INFOCOM 2000.
"""

from __future__ import annotations

import numpy as np

from simulator.optimise.piecewise import cost

BREAKPOINTS = np.array([0.0, 1 / 3, 2 / 3, 9 / 10, 1.0, 11 / 10])
"""Utilisation at which each slope begins."""
SLOPES = np.array([1.0, 3.0, 10.0, 70.0, 500.0, 5000.0])
"""Cost of one more unit of load."""


def phi(load: np.ndarray | float, capacity: np.ndarray | float) -> np.ndarray:
    """Cost of a load on a capacity, each of any shape; without capacity all slopes count at once.

    Examples
    --------
    >>> phi(np.array([0.0, 1.0, 3.0]), 3.0).round(9).tolist()
    [0.0, 1.0, 32.0]
    """
    load, capacity = np.asarray(load, dtype=float), np.asarray(capacity, dtype=float)
    return cost(load, capacity, BREAKPOINTS, SLOPES)


def slope(load: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Cost of one more unit on top of a load, shape as *load*; the steepest without capacity.

    Examples
    --------
    >>> slope(np.array([0.0, 1.0, 3.0]), np.array([3.0, 3.0, 3.0])).tolist()
    [1.0, 3.0, 500.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        utilisation = np.where(capacity > 0, load / capacity, np.inf)
    return np.asarray(SLOPES[np.searchsorted(BREAKPOINTS, utilisation, side="right") - 1])
