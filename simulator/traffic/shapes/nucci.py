"""Fluctuations whose size follows from the mean by a power law."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.shapes.noise import autoregression
from simulator.traffic.traffic import Factors, Shape, shape


@shape("nucci")
class Nucci(Shape):
    """Noise of mean one whose standard deviation follows from the base rate by a power law.

    ``sigma = (mean / psi)^(1 / gamma)`` with both in units of ``unit_gbps``: with gamma below 1
    large demands fluctuate relatively more than small ones, with gamma above 1 less. The mean is
    the base rate, and over the day the deviation stays in proportion to the rate. The law is
    lognormal with this variance, where the source has a Gaussian one: a Gaussian goes below zero,
    and cut off there it keeps neither mean nor variance. With the matrix ``synthetic`` for the
    mean rates and ``diurnal`` for the cycle this is a cyclo-stationary matrix. Source: Nucci,
    Sridharan and Taft, The problem of synthetically generating IP traffic matrices: initial
    recommendations, ACM CCR 35(3), 2005.

    Attributes
    ----------
    gamma : float
        Exponent of the law: mean in proportion to ``sigma^gamma``.
    log_psi : float
        Natural logarithm of psi.
    unit_gbps : float
        Rate that counts as 1 in the law, which is not the same in every unit. An estimate: by
        default a demand of 1 Gbps is off by 8.5 %, one of 100 Gbps by 27 %.
    correlation_h : float
        Time over which the memory falls to 1/e; 0 for independent steps.
    """

    gamma: Positive = 0.8
    log_psi: float = -0.33
    unit_gbps: Positive = 100_000.0
    correlation_h: NonNegative = 0.0

    random: ClassVar[bool] = True

    def variation(self, gbps: np.ndarray) -> np.ndarray:
        """Standard deviation over mean at some mean rates; 0 where there is no traffic."""
        some = gbps > 0
        log_mean = np.log(np.where(some, gbps, 1.0) / self.unit_gbps)
        log_sigma = (log_mean - self.log_psi) / self.gamma
        return np.where(some, np.exp(log_sigma - log_mean), 0.0)

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the fluctuations of every demand."""
        levels = autoregression(streams, "nucci", demands.names, self.correlation_h, step_h)
        variance = np.log1p(self.variation(demands.gbps) ** 2)[:, None]
        spread = np.sqrt(variance)

        def factors(hours: np.ndarray) -> np.ndarray:
            drawn: np.ndarray = np.exp(spread * levels(len(hours)) - variance / 2.0)
            return drawn

        return factors
