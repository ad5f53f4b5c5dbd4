"""The contract of this folder: from what was measured to what the traffic will be in force.

A predictor is a frozen value; :meth:`Predictor.start` begins a run and returns a function that is
called with every cycle's measurement, once a cycle: a controller that acts on a change of topology
between two cycles measures nothing new, and uses the last forecast again. Only if it missed the
cycle, in an outage or still computing, it measures then instead. A new predictor is a file here
with a class under ``@predictor("my_way")``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.base.registry import Registered, Registry

Forecast = Callable[[float, np.ndarray], np.ndarray]
"""Takes the middle of the measurement window in seconds, and the rates measured (demands,)."""


@dataclass(frozen=True)
class Outlook:
    """What a predictor is given beforehand.

    Attributes
    ----------
    every_s : float
        Seconds between cycles.
    ahead_s : float
        From the middle of a measurement window to the middle of the time for which the routes
        made from it are in force.
    expected : callable
        The planned curve: takes seconds from the start, shape (instants,), and returns rates
        without their random part (demands x instants).
    """

    every_s: float
    ahead_s: float
    expected: Callable[[np.ndarray], np.ndarray]


class Predictor(Registered):
    """What every predictor offers."""

    @abstractmethod
    def start(self, outlook: Outlook) -> Forecast:
        """Begin a run."""


predictor = Registry("predictor", "simulator.control.predictors", Predictor)
