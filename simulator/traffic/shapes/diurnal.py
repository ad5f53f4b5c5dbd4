"""The daily curve, in the local time of the user's end and of the far end."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import Fraction, NonNegative
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.shapes.clocks import clocks
from simulator.traffic.traffic import Factors, Shape, shape


@shape("diurnal")
class Diurnal(Shape):
    """Daily curve between ``trough`` and 1, highest at ``peak_hour`` local time of each end.

    ``trough + (1 - trough) * (1 + cos(2 pi (hour - peak_hour) / 24)) / 2`` at each end of a demand,
    averaged over its two ends: international traffic follows the clock at home for a share
    ``1 - far_share`` and the region's clock for ``far_share``; other traffic its two ends equally.
    The base matrix is therefore the busy hour of traffic whose ends share a clock.

    A measured curve is given as a ``profile`` in place of peak hour and trough: n values stand for
    the hours 0, 24/n, 48/n, ... of the day, and between them, and from the last to the first, the
    curve is straight.

    The defaults are assumptions: an evening peak, as losses on AS4837 are highest in the evening
    (community notes, github.com/china-net/Internationally-connected), and a night at a third.

    Attributes
    ----------
    peak_hour : float
        Local hour of the peak.
    trough : float
        Level in the quietest hour as a fraction of the peak.
    far_share : float
        Weight of the region's clock on international traffic (an estimate: most demand follows
        the user at home, some the users and servers abroad).
    profile : tuple of float
        Heights of the curve over the day from midnight, as multiples of the base matrix; two or
        more, such as 24 hourly ones.
    """

    peak_hour: NonNegative = 21.0
    trough: Fraction = 0.35
    far_share: Fraction = 0.25
    profile: tuple[NonNegative, ...] = ()

    def __post_init__(self) -> None:
        if not self.profile:
            return
        if len(self.profile) < 2 or not any(self.profile):
            raise ValueError("a profile has two values or more, and not all of them 0")
        if (self.peak_hour, self.trough) != (21.0, 0.35):
            raise ValueError("a profile is the whole curve: leave peak_hour and trough out")

    def level(self, hour: np.ndarray) -> np.ndarray:
        """Height of the curve at a local hour."""
        if self.profile:
            at = np.arange(len(self.profile)) * (24.0 / len(self.profile))
            return np.interp(hour, at, self.profile, period=24.0)
        swing = (1.0 + np.cos(2.0 * np.pi * (hour - self.peak_hour) / 24.0)) / 2.0
        return self.trough + (1.0 - self.trough) * swing

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the curve for every demand."""
        every = np.hstack(clocks(network, demands, far_share=self.far_share))
        # Few demands differ in their clocks: each curve is worked out once.
        alike, which = np.unique(every, axis=0, return_inverse=True)
        weight, at_source, at_target = alike.T[:, :, None]
        which = which.reshape(-1)

        def factors(hours: np.ndarray) -> np.ndarray:
            near, far = self.level(hours + at_source), self.level(hours + at_target)
            return ((1 - weight) * near + weight * far)[which]

        return factors
