"""The peak of a window."""

from __future__ import annotations

from collections import deque

import numpy as np

from simulator.base.schema import PositiveInt
from simulator.control.predictors.predictor import Forecast, Outlook, Predictor, predictor


@predictor("window_peak")
class WindowPeak(Predictor):
    """The largest of the last measurements of each demand: room for what has been seen.

    Attributes
    ----------
    cycles : int
        How many measurements are looked at.
    """

    cycles: PositiveInt = 12

    def start(self, outlook: Outlook) -> Forecast:
        """Begin with an empty window."""
        window: deque[np.ndarray] = deque(maxlen=self.cycles)

        def forecast(time_s: float, measured: np.ndarray) -> np.ndarray:
            window.append(measured)
            return np.max(window, axis=0)

        return forecast
