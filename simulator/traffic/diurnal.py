"""The daily curve, in the local time of the user's end and of the far end."""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.schema import Fraction, NonNegative
from simulator.traffic.traffic import Factors, shape


@shape("diurnal")
class Diurnal:
    """Daily curve between ``trough`` and 1, highest at ``peak_hour`` local time of each end.

    ``trough + (1 - trough) * (1 + cos(2 pi (hour - peak_hour) / 24)) / 2`` at each end of a demand,
    averaged over its two ends: international traffic follows the clock at home for a share
    ``1 - far_share`` and the region's clock for ``far_share``; other traffic its two ends equally.
    The base matrix is therefore the busy hour of traffic whose ends share a clock.

    Attributes
    ----------
    peak_hour : float
        Local hour of the peak; evening busy period 19-23 h in published curves.
    trough : float
        Level in the quietest hour as a fraction of the peak.
    far_share : float
        Weight of the region's clock on international traffic (an estimate: most demand follows
        the user at home, some the users and servers abroad).
    """

    peak_hour: NonNegative = 21.0
    trough: Fraction = 0.35
    far_share: Fraction = 0.25

    def level(self, hour: np.ndarray) -> np.ndarray:
        """Height of the curve at a local hour."""
        swing = (1.0 + np.cos(2.0 * np.pi * (hour - self.peak_hour) / 24.0)) / 2.0
        return self.trough + (1.0 - self.trough) * swing

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the curve for every demand."""
        zone = network.utc_offset_h - network.about.utc_offset_h
        abroad = network.is_abroad.astype(float)
        far = abroad[demands.target] - abroad[demands.source]
        # Weight on the target's clock: the far share where it is abroad, the rest where at home.
        weight = np.where(far > 0, self.far_share, np.where(far < 0, 1.0 - self.far_share, 0.5))[
            :, None
        ]
        at_source, at_target = zone[demands.source][:, None], zone[demands.target][:, None]

        def factors(hours: np.ndarray) -> np.ndarray:
            return (1 - weight) * self.level(hours + at_source) + weight * self.level(
                hours + at_target
            )

        return factors
