"""Burst-scale queueing."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative
from simulator.queues.queue import Queue, load_ratio, pinned, queue


@queue("burst")
class Burst(Queue):
    """Burst-scale queueing: burst_ms x rho / (1 - rho), at most the buffer.

    Traffic comes in bursts far longer than a packet (flows, slow-start windows), so the wait has
    the M/G/1 form with the burst instead of the packet as its unit. ``burst_ms`` is an estimate.

    Attributes
    ----------
    burst_ms : float
        Time that a mean burst takes to drain.
    buffer_ms : float
        Buffer of a port, as time at line rate.
    """

    burst_ms: NonNegative = 0.5
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return ``min(buffer_ms, burst_ms * rho / (1 - rho))``."""
        rho = np.asarray(utilisation, dtype=float)
        return pinned(self.burst_ms * load_ratio(rho), rho, self.buffer_ms)
