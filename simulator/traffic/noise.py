"""Random departures from the curve, remembered for a while."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.signal import lfilter

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.schema import NonNegative
from simulator.traffic.traffic import Factors, shape


@shape("noise")
class Noise:
    """Lognormal noise of mean one on every demand, autocorrelated over ``correlation_h``.

    ``exp(sigma x - sigma^2 / 2)`` where x is a stationary first-order autoregression of unit
    variance: ``x[k+1] = phi x[k] + sqrt(1 - phi^2) e[k]``, ``phi = exp(-step / correlation)``.
    Every demand has its own stream, keyed by its name.

    Attributes
    ----------
    sigma : float
        Standard deviation of the logarithm.
    correlation_h : float
        Time over which the memory falls to 1/e; 0 for independent steps.
    """

    sigma: NonNegative = 0.08
    correlation_h: NonNegative = 1.0

    random: ClassVar[bool] = True

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the noise of every demand."""
        generators = [streams.generator("noise", name) for name in demands.names]
        phi = float(np.exp(-step_h / self.correlation_h)) if self.correlation_h > 0 else 0.0
        fresh = np.sqrt(1.0 - phi**2)
        # Drawn from the stationary law, so that the first step is like any other.
        memory = np.array([[g.standard_normal()] for g in generators]) * phi

        def factors(hours: np.ndarray) -> np.ndarray:
            nonlocal memory
            shocks = np.array([g.standard_normal(len(hours)) for g in generators])
            if not len(generators):
                return np.ones((0, len(hours)))
            level, memory = lfilter([fresh], [1.0, -phi], shocks, axis=1, zi=memory)
            return np.exp(self.sigma * level - self.sigma**2 / 2.0)

        return factors
