"""Queueing: how long traffic waits at a link, by its utilisation.

One class a model, found by name through the registry; adding one is adding a file here. Waiting is
time in the queue, without the transmission of the packet itself. All models are pinned at
``buffer_ms`` once the link is full: a router holds so much and no more.

**Trap.** At backbone rates packet-scale queueing is negligible: 1500-byte packets on 100 Gbps at
90 % load wait about 1 µs. Latency differences between strategies come from the paths taken and from
exits that overflow, not from an M/M/1 curve; results report propagation and queueing apart.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from simulator.base.registry import Registered, Registry


class Queue(Registered):
    """What every queue model offers."""

    @abstractmethod
    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Mean wait by utilisation (any shape) and capacity (broadcastable), in ms."""


queue = Registry("queue model", "simulator.queues", Queue)


def pinned(wait_ms: np.ndarray, utilisation: np.ndarray, buffer_ms: float) -> np.ndarray:
    """Limit a wait to the buffer; an overloaded link has its buffer full."""
    full = utilisation >= 1.0
    return np.where(full, buffer_ms, np.minimum(np.where(full, 0.0, wait_ms), buffer_ms))


def load_ratio(utilisation: np.ndarray) -> np.ndarray:
    """``rho / (1 - rho)``, left at zero where the link is full."""
    return np.divide(
        utilisation, 1.0 - utilisation, out=np.zeros_like(utilisation), where=utilisation < 1.0
    )


def packet_ms(packet_bytes: float, capacity_gbps: np.ndarray) -> np.ndarray:
    """Time to send a packet: bytes x 8 / (capacity x 1e9), in ms."""
    with np.errstate(divide="ignore"):
        return packet_bytes * 8e-6 / np.asarray(capacity_gbps, dtype=float)
