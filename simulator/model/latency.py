"""Queueing: how long traffic waits at a link, by its utilisation.

One class a model, found by name through the registry; adding one is adding a class here. Waiting is
time in the queue, without the transmission of the packet itself. All models are pinned at
``buffer_ms`` once the link is full: a router holds so much and no more.

**Trap.** At backbone rates packet-scale queueing is negligible: 1500-byte packets on 100 Gbps at
90 % load wait about 1 µs. Latency differences between strategies come from the paths taken and from
exits that overflow, not from an M/M/1 curve; results report propagation and queueing apart.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import gamma

from simulator.registry import Registry
from simulator.schema import NonNegative, Positive, checked  # noqa: F401

queue = Registry("queue model", "simulator.model")


class Queue(Protocol):
    """What every queue model offers."""

    kind: str

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Mean wait by utilisation (any shape) and capacity (broadcastable), in ms."""
        ...


def _pinned(wait_ms: np.ndarray, utilisation: np.ndarray, buffer_ms: float) -> np.ndarray:
    """Limit a wait to the buffer; an overloaded link has its buffer full."""
    full = utilisation >= 1.0
    return np.where(full, buffer_ms, np.minimum(np.where(full, 0.0, wait_ms), buffer_ms))


def _ratio(utilisation: np.ndarray) -> np.ndarray:
    """``rho / (1 - rho)``, left at zero where the link is full."""
    return np.divide(
        utilisation, 1.0 - utilisation, out=np.zeros_like(utilisation), where=utilisation < 1.0
    )


@queue("none")
class NoQueue:
    """No queueing: latency is propagation alone."""

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(np.asarray(utilisation, dtype=float))


@queue("burst")
class Burst:
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
        return _pinned(self.burst_ms * _ratio(rho), rho, self.buffer_ms)


def _packet_ms(packet_bytes: float, capacity_gbps: np.ndarray) -> np.ndarray:
    """Time to send a packet: bytes x 8 / (capacity x 1e9), in ms."""
    with np.errstate(divide="ignore"):
        return packet_bytes * 8e-6 / np.asarray(capacity_gbps, dtype=float)


@queue("mm1")
class MM1:
    """M/M/1: Poisson packets of exponential size; wait = service x rho / (1 - rho).

    Source: Kleinrock, Queueing Systems I, 1975, section 3.2.
    """

    packet_bytes: Positive = 800.0
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        rho = np.asarray(utilisation, dtype=float)
        service = _packet_ms(self.packet_bytes, capacity_gbps)
        return _pinned(service * _ratio(rho), rho, self.buffer_ms)


@queue("md1")
class MD1:
    """M/D/1: Poisson packets of one size; wait = service x rho / (2 (1 - rho)).

    Source: Kleinrock, Queueing Systems I, 1975, section 5.6 (Pollaczek-Khinchine, variance 0).
    """

    packet_bytes: Positive = 800.0
    buffer_ms: NonNegative = 50.0

    def wait_ms(self, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> np.ndarray:
        """Return the mean wait in the queue."""
        rho = np.asarray(utilisation, dtype=float)
        service = _packet_ms(self.packet_bytes, capacity_gbps)
        return _pinned(service * _ratio(rho) / 2.0, rho, self.buffer_ms)


@queue("mg1")
class MG1:
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
        service = _packet_ms(self.packet_bytes, capacity_gbps)
        return _pinned(service * _ratio(rho) * (1.0 + self.cv2) / 2.0, rho, self.buffer_ms)


@queue("fbm")
class FractionalBrownian:
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
        return _pinned(wait, rho, self.buffer_ms)
