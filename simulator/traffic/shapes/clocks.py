"""Whose clock traffic follows: the local time at the two ends of every demand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network


class Clocks(NamedTuple):
    """Clocks of every demand, each of shape (demands, 1).

    Attributes
    ----------
    weight : ndarray
        Weight of the clock at the target; that at the source has the rest.
    at_source, at_target : ndarray
        Hours that the clock at the end is ahead of the network's home.
    """

    weight: np.ndarray
    at_source: np.ndarray
    at_target: np.ndarray


def clocks(network: Network, demands: Demands, *, far_share: float) -> Clocks:
    """Return the clocks of *demands*.

    International traffic follows the clock abroad for *far_share* and the one at home for the
    rest, other traffic its two ends equally.
    """
    zone = network.utc_offset_h - network.about.utc_offset_h
    abroad = network.is_abroad.astype(float)
    far = abroad[demands.target] - abroad[demands.source]
    # Weight on the target's clock: the far share where it is abroad, the rest where at home.
    weight = np.where(far > 0, far_share, np.where(far < 0, 1.0 - far_share, 0.5))
    return Clocks(weight[:, None], zone[demands.source][:, None], zone[demands.target][:, None])
