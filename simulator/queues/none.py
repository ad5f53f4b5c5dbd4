"""No queueing."""

from __future__ import annotations

import numpy as np

from simulator.queues.queue import Queue, queue


@queue("none")
class NoQueue(Queue):
    """No queueing: latency is propagation alone."""

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(np.asarray(utilisation, dtype=float))
