"""Bounds: what the first choices of sources say of their tastes."""

from __future__ import annotations

import numpy as np

from simulator.inbound.choices import Choices
from simulator.inbound.gumbel import closed, unbounded


def of_regions(choices: Choices, value: np.ndarray) -> np.ndarray:
    """Return the bounds by which every natural exit of a region is its first choice.

    The source prefers the natural exit e of a province to any other exit f if its taste x has
    x[e] - x[f] >= V[f] - V[e], and V[e] is 0.

    Parameters
    ----------
    choices : Choices
    value : ndarray, shape (regions, provinces, exits)
        Preference for the way alone.

    Returns
    -------
    ndarray, shape (regions, exits, exits)
        Closed; minus infinity where nothing follows.
    """
    bounds = unbounded(len(value), value.shape[2])
    region, _ = np.indices(choices.natural.shape)
    np.maximum.at(bounds, (region, choices.natural), value)
    return closed(bounds)


def of_pairs(
    choices: Choices, value: np.ndarray, region: np.ndarray, province: np.ndarray
) -> np.ndarray:
    """Return the bounds by which the natural exits of single provinces are first choices.

    Parameters
    ----------
    choices : Choices
    value : ndarray, shape (regions, provinces, exits)
    region, province : ndarray of int, shape (pairs,)

    Returns
    -------
    ndarray, shape (pairs, exits, exits)
    """
    bounds = unbounded(len(region), value.shape[2])
    pair = np.arange(len(region))
    natural = choices.natural[region, province]
    bounds[pair, natural] = np.maximum(bounds[pair, natural], value[region, province])
    return bounds
