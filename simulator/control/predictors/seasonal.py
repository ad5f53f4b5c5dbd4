"""The shape of a day."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import Fraction, Positive
from simulator.control.predictors.predictor import Forecast, Outlook, Predictor, predictor

_MOST_CHANGE = 5.0


@predictor("seasonal")
class Seasonal(Predictor):
    """What was measured, times what the season does to it from then until the routes are in force.

    The season is one period of rates for every demand, on a grid of one point a cycle. It begins as
    the planned curve (an operator knows the shape of a day; of a recording, what it holds before
    the scenario starts) and learns: every measurement moves its
    point by ``learn`` of the difference. A demand is never said to change by more than five times.

    Attributes
    ----------
    period_h : float
        Length of a season in hours.
    learn : float
        Weight of the newest period.
    """

    period_h: Positive = 24.0
    learn: Fraction = 0.3

    def start(self, outlook: Outlook) -> Forecast:
        """Begin with the planned curve."""
        slots = max(1, round(self.period_h * 3600.0 / outlook.every_s))
        slot_s = self.period_h * 3600.0 / slots
        season = np.asfortranarray(outlook.expected(np.arange(slots) * slot_s))

        def at(time_s: float) -> np.ndarray:
            low, part = divmod(time_s / slot_s, 1.0)
            here = season[:, int(low) % slots]
            return here + part * (season[:, (int(low) + 1) % slots] - here)

        def forecast(time_s: float, measured: np.ndarray) -> np.ndarray:
            now, then = at(time_s), at(time_s + outlook.ahead_s)
            change = np.divide(then, now, out=np.ones_like(now), where=now > 0)
            slot = round(time_s / slot_s) % slots
            season[:, slot] += self.learn * (measured - season[:, slot])
            return measured * np.clip(change, 1.0 / _MOST_CHANGE, _MOST_CHANGE)

        return forecast
