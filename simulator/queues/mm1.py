"""M/M/1."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.queues.queue import Queue, load_ratio, packet_ms, pinned, queue


@queue("mm1")
class MM1(Queue):
    """M/M/1: Poisson packets of exponential size; wait = service x rho / (1 - rho).

    Source: Kleinrock, Queueing Systems I, 1975, section 3.2.
    """

    packet_bytes: Positive = 800.0
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        rho = np.asarray(utilisation, dtype=float)
        service = packet_ms(self.packet_bytes, capacity_gbps)
        return pinned(service * load_ratio(rho), rho, self.buffer_ms)
