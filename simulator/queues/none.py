"""No queueing."""

from __future__ import annotations

import numpy as np

from simulator.queues.queue import queue


@queue("none")
class NoQueue:
    """No queueing: latency is propagation alone."""

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(np.asarray(utilisation, dtype=float))
