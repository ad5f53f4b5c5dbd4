"""M/D/1."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.queues.queue import Queue, load_ratio, packet_ms, pinned, queue


@queue("md1")
class MD1(Queue):
    """M/D/1: Poisson packets of one size; wait = service x rho / (2 (1 - rho)).

    Source: Kleinrock, Queueing Systems I, 1975, section 5.6 (Pollaczek-Khinchine, variance 0).
    """

    packet_bytes: Positive = 800.0
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        rho = np.asarray(utilisation, dtype=float)
        service = packet_ms(self.packet_bytes, capacity_gbps)
        return pinned(service * load_ratio(rho) / 2.0, rho, self.buffer_ms)
