"""Long-range dependent traffic."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.queues.queue import Queue, pinned, queue


@queue("fbm")
class FractionalBrownian(Queue):
    """Long-range dependent traffic (Norros): fractional Brownian input, Weibull queue.

    With mean rate m, capacity C, variance coefficient a (bits x s^(..)) and Hurst parameter H,
    ``P(Q > x) ~ exp(-((C - m)^(2H) x^(2 - 2H)) / (2 kappa^2 a m))`` with
    ``kappa = H^H (1 - H)^(1 - H)``. The mean of that Weibull law, divided by C, is the wait.
    Source: Norros, A storage model with self-similar input, Queueing Systems 16, 1994.

    Attributes
    ----------
    hurst : float
        Hurst parameter, 0.5 to below 1.
    variance_gbit : float
        Variance coefficient a: variance of the bits in one second over their mean, in Gbit.
    """

    hurst: Positive = 0.8
    variance_gbit: Positive = 0.001
    buffer_ms: NonNegative = 50.0

    def __post_init__(self) -> None:
        if not 0.5 <= self.hurst < 1.0:
            raise ValueError(f"expected a Hurst parameter from 0.5 to below 1, found {self.hurst}")

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        from scipy.special import gamma  # takes long to import, and few runs come here

        rho = np.asarray(utilisation, dtype=float)
        rho, capacity = np.broadcast_arrays(rho, np.asarray(capacity_gbps, dtype=float))
        h, shape = self.hurst, 2.0 - 2.0 * self.hurst
        kappa = h**h * (1.0 - h) ** (1.0 - h)
        open_ = (rho > 0) & (rho < 1.0) & (capacity > 0)
        safe_rho, safe_capacity = np.where(open_, rho, 0.5), np.where(open_, capacity, 1.0)
        rate = safe_rho * safe_capacity
        free = safe_capacity - rate
        decay = free ** (2 * h) / (2 * kappa**2 * self.variance_gbit * rate)
        mean_gbit = decay ** (-1.0 / shape) * gamma(1.0 + 1.0 / shape)
        wait = np.where(open_, mean_gbit / safe_capacity * 1e3, 0.0)
        return pinned(wait, rho, self.buffer_ms)
