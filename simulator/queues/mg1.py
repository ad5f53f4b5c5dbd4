"""M/G/1, any packet size."""

from __future__ import annotations

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.queues.queue import Queue, load_ratio, packet_ms, pinned, queue


@queue("mg1")
class MG1(Queue):
    """M/G/1: Poisson packets of any size; wait = service x rho / (1 - rho) x (1 + cv²) / 2.

    Source: Pollaczek-Khinchine; Kleinrock, Queueing Systems I, 1975, section 5.6.

    Attributes
    ----------
    cv2 : float
        Squared coefficient of variation of the packet size; 0 is M/D/1 and 1 is M/M/1.
    """

    packet_bytes: Positive = 800.0
    cv2: NonNegative = 1.3
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        rho = np.asarray(utilisation, dtype=float)
        service = packet_ms(self.packet_bytes, capacity_gbps)
        return pinned(service * load_ratio(rho) * (1.0 + self.cv2) / 2.0, rho, self.buffer_ms)
