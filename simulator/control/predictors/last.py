"""No prediction: the last measurement stands."""

from __future__ import annotations

from simulator.control.predictors.predictor import Forecast, Outlook, Predictor, predictor


@predictor("last")
class Last(Predictor):
    """Traffic stays as it was measured last."""

    def start(self, outlook: Outlook) -> Forecast:
        """Return what is measured."""
        return lambda time_s, measured: measured
