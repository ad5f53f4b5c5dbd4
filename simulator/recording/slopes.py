"""Slopes: how a figure of a strategy changes per Gbps added somewhere, or taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from simulator.model.network import Network

STEP, FINE_STEP, HAIR = 1e-2, 1e-3, 1e-6
"""Share of the capacity that is added: to routes without a program, to a program, and to read the
prices on one side of a kink."""
_NOTHING = 1e-8


class Slope(NamedTuple):
    """Change of a figure per Gbps.

    Attributes
    ----------
    middle : float
        By the prices of the program; without one, halfway between both sides.
    more : float
        As a Gbps is added.
    less : float
        As a Gbps is taken away: the change of the figure from there to here.
    """

    middle: float
    more: float
    less: float


UNKNOWN, NONE = Slope(np.nan, np.nan, np.nan), Slope(0.0, 0.0, 0.0)


def added(network: Network, gbps: np.ndarray) -> np.ndarray:
    """Return what an installed Gbps adds to every arc as the network stands."""
    left = np.divide(
        network.capacity_gbps,
        network.installed_gbps,
        out=np.zeros(len(gbps)),
        where=(network.installed_gbps > 0) & network.up,
    )
    return np.asarray(gbps * left)


def step_gbps(network: Network, gbps: np.ndarray, share: float) -> float:
    """Return the Gbps that add at most this share to any arc."""
    mine = gbps > 0
    return float(share * (network.capacity_gbps[mine] / gbps[mine]).min())


def widened(network: Network, gbps: np.ndarray, step: float) -> Network:
    """Return the network with *step* times *gbps* more on its arcs."""
    return network.under(capacity_gbps=network.capacity_gbps + step * gbps)


def difference(
    figure: Callable[[Network], float],
    network: Network,
    gbps: np.ndarray,
    share: float,
    *,
    inverse: bool = False,
) -> Slope:
    """Return a slope by evaluating the figure on both sides.

    Parameters
    ----------
    figure : callable
        Of the network with other capacities, all else and all random draws the same.
    share : float
        Of the capacity, as a step.
    inverse : bool
        Take differences of one over the figure. That of a utilisation is linear in the capacity, so
        that the length of the step does not matter.
    """
    if not np.any(gbps > 0):
        return NONE
    step = step_gbps(network, gbps, share)
    here = figure(network)
    above, below = (figure(widened(network, gbps, sign * step)) for sign in (1.0, -1.0))
    if inverse and min(here, above, below) > 0:
        scale = -(here**2)
        here, above, below = 1.0 / here, 1.0 / above, 1.0 / below
    else:
        scale = 1.0
    more = scale * _clean(above - here, here) / step
    less = scale * _clean(here - below, here) / step
    return Slope((more + less) / 2.0, more, less)


def _clean(change: float, figure: float) -> float:
    """A change that the tolerance of a solver makes is none."""
    return 0.0 if abs(change) <= _NOTHING * abs(figure) else change


def of_largest(slopes: Sequence[Slope]) -> Slope:
    """Return the slope of the largest of several figures that are equal here."""
    more, less = max(each.more for each in slopes), min(each.less for each in slopes)
    return slopes[0] if len(slopes) == 1 else Slope((more + less) / 2.0, more, less)


def of_least(slopes: Sequence[Slope]) -> Slope:
    """Return the slope of the least of several figures that are equal here."""
    more, less = min(each.more for each in slopes), max(each.less for each in slopes)
    return slopes[0] if len(slopes) == 1 else Slope((more + less) / 2.0, more, less)


def of_mean(slopes: Sequence[Slope], weight_gbps: float) -> Slope:
    """Return the slope of the sum of several figures over a weight."""
    return Slope(*(np.sum(np.array(slopes), axis=0) / weight_gbps).tolist())
