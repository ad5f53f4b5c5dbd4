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
from dataclasses import dataclass, replace
from typing import Any

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


# -- buffers ------------------------------------------------------------------------------------

LEAST_BUFFER_MS, MOST_BUFFER_MS = 5.0, 200.0
"""Range of buffers at line rate: from the shallow ones of switches on a chip to the 200 ms of the
old rule of one round trip (Villamizar and Song, CCR 1994; Appenzeller, Keslassy and McKeown,
SIGCOMM 2004, for far less)."""


@dataclass(frozen=True, eq=False)
class Waits:
    """Waits of links, parted by what they depend on; all of shape (arcs, instants) but ``pressed``.

    Attributes
    ----------
    below_ms : ndarray
        Wait below capacity, as far as the least buffer holds it: the size of buffers is nothing to
        it. None at or above capacity.
    full_ms : ndarray
        The rest of the wait.
    least_ms, most_ms : ndarray
        What that rest would be with the least and the largest buffer.
    full : ndarray of bool
        At or above capacity.
    pressed : ndarray of bool, shape (instants,)
        Whether any link has such a rest.
    """

    below_ms: np.ndarray
    full_ms: np.ndarray
    least_ms: np.ndarray
    most_ms: np.ndarray
    full: np.ndarray
    pressed: np.ndarray


def waits(model: Any, utilisation: np.ndarray, capacity_gbps: np.ndarray) -> Waits:
    """Return the waits of links by a model, and by its like with other buffers.

    Parameters
    ----------
    model : Queue
    utilisation : ndarray, shape (arcs, instants)
        NaN on links that are down, where nothing waits.
    capacity_gbps : ndarray, shape (arcs, 1)
    """
    rho = np.nan_to_num(utilisation, nan=0.0)
    live = np.broadcast_to(capacity_gbps > 0, rho.shape)
    full = live & (rho >= 1.0 - 1e-9)  # elastic traffic fills a link to the last rounding

    def wait(queue: Queue) -> np.ndarray:
        found = np.zeros_like(rho)
        up = capacity_gbps[:, 0] > 0
        found[up] = queue.wait_ms(rho[up], capacity_gbps[up])
        return found

    whole = wait(model)
    if not hasattr(model, "buffer_ms"):
        below = np.where(full, 0.0, whole)
        rest = whole - below
        return Waits(below, rest, rest, rest, full, full.any(axis=0))
    least = min(LEAST_BUFFER_MS, model.buffer_ms)
    below = np.where(full, 0.0, np.minimum(whole, least))
    deep = np.maximum(wait(replace(model, buffer_ms=MOST_BUFFER_MS)), below)
    pressed = ((deep > below) | (whole > below) | full).any(axis=0)
    shallow = below
    if pressed.any():
        shallow = np.maximum(wait(replace(model, buffer_ms=LEAST_BUFFER_MS)), below)
    return Waits(below, whole - below, shallow - below, deep - below, full, pressed)
