"""A running mean."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from simulator.control.predictors.predictor import Forecast, Outlook, Predictor, predictor


@predictor("ewma")
class Ewma(Predictor):
    """An exponentially weighted mean of the measurements so far: smooth, and late on a slope.

    Attributes
    ----------
    alpha : float
        Weight of the newest measurement.
    """

    alpha: Annotated[float, Field(gt=0, le=1)] = 0.3

    def start(self, outlook: Outlook) -> Forecast:
        """Begin with the first measurement as the mean."""
        mean: np.ndarray | None = None

        def forecast(time_s: float, measured: np.ndarray) -> np.ndarray:
            nonlocal mean
            mean = measured if mean is None else mean + self.alpha * (measured - mean)
            return mean

        return forecast
