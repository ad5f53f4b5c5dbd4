"""Billing: what transit costs, by a percentile of the slots of a month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from simulator.base.schema import Fraction, Positive, checked

MBPS_PER_GBPS = 1000.0
DAY_S = 86_400.0


@checked
class Billing:
    """How exits are billed: by the rate that most slots of a month do not exceed.

    The mean rate of every slot counts, in each direction. The highest slots of a month are free,
    5 % of them by default: 432 of the 8,640 slots of 300 s in 30 days. The highest slot that is
    not free is the billed rate. Months follow each other from the start of the scenario, and the
    slots of a month that is not over are billed among themselves.

    Attributes
    ----------
    slot_s : float
        Length of a slot; 300 s is usual.
    percentile : float
        Share of the slots that are not free.
    directions : str
        What an exit is billed for: the ``larger`` of its two directions' rates (usual), their
        ``sum``, or ``out`` or ``in`` alone.
    month_days : float
        Length of a month.
    """

    slot_s: Positive = 300.0
    percentile: Fraction = 0.95
    directions: Literal["larger", "sum", "out", "in"] = "larger"
    month_days: Positive = 30.0

    def __post_init__(self) -> None:
        if self.month_days * DAY_S < self.slot_s:
            raise ValueError(
                f"a month of {self.month_days:g} days is shorter than a slot of {self.slot_s:g} s"
            )

    @property
    def month_slots(self) -> int:
        """Slots of a month."""
        return int(self.month_days * DAY_S / self.slot_s + 1e-9)

    def free_slots(self, slots: int) -> int:
        """How many of so many slots are free; never all of them."""
        return min(int((1.0 - self.percentile) * slots + 1e-6), max(slots - 1, 0))

    def level_gbps(self, slots_gbps: np.ndarray) -> np.ndarray:
        """Highest slot of a month that is not free, of series of shape (..., slots)."""
        count = slots_gbps.shape[-1]
        if not count:
            return np.zeros(slots_gbps.shape[:-1])
        at = count - 1 - self.free_slots(count)
        return np.asarray(np.partition(slots_gbps, at, axis=-1)[..., at])

    def billed_gbps(self, out_gbps: np.ndarray, in_gbps: np.ndarray) -> np.ndarray:
        """Billed rate, of the levels of both directions."""
        if self.directions == "larger":
            return np.maximum(out_gbps, in_gbps)
        if self.directions == "sum":
            return out_gbps + in_gbps
        return out_gbps if self.directions == "out" else in_gbps

    def months(self, slots: int) -> list[slice]:
        """Slots of each month; the last need not be over."""
        each = self.month_slots
        return [slice(at, min(at + each, slots)) for at in range(0, slots, each)]


@dataclass(frozen=True)
class Terms:
    """Of the bills of a run.

    Attributes
    ----------
    billing : Billing
    horizon_s : float
        Length of the run: a month that it cuts short is billed by the slots that it has.
    """

    billing: Billing
    horizon_s: float

    def slots_of_month(self, slot: int) -> int:
        """How many slots the month has that some slot lies in."""
        every = int(np.ceil(self.horizon_s / self.billing.slot_s - 1e-9))
        begun = slot // self.billing.month_slots * self.billing.month_slots
        return min(self.billing.month_slots, every - begun)


@dataclass(frozen=True, eq=False)
class Allowance:
    """What traffic over the exits costs nothing more at an instant of a month.

    Attributes
    ----------
    paid_gbps : ndarray, shape (arcs,)
        Rate up to which every arc may be filled without a higher bill; infinite where none comes.
    bursts : ndarray of int, shape (arcs,)
        Free slots that are left for rates above it.
    bursting : ndarray of bool, shape (arcs,)
        Whether the slot that runs is free already.
    """

    paid_gbps: np.ndarray
    bursts: np.ndarray
    bursting: np.ndarray


def slot_means(gbps: np.ndarray, seconds: np.ndarray, slot_s: float) -> np.ndarray:
    """Mean rates of slots, from rates that hold for some seconds each, one after the other.

    A last slot that is cut short counts as one slot, with its mean while it lasts.

    Parameters
    ----------
    gbps : ndarray, shape (series, intervals)
    seconds : ndarray, shape (intervals,)

    Returns
    -------
    ndarray, shape (series, slots)
    """
    ends = np.concatenate([[0.0], np.cumsum(seconds)])
    count = max(1, int(np.ceil(ends[-1] / slot_s - 1e-9)))
    edges = np.minimum(np.arange(count + 1) * slot_s, ends[-1])
    volume = np.concatenate([np.zeros((len(gbps), 1)), np.cumsum(gbps * seconds, axis=1)], axis=1)
    at = np.array([np.interp(edges, ends, each) for each in volume]).reshape(len(gbps), -1)
    lasting = np.diff(edges)
    return np.asarray(np.diff(at, axis=1) / np.where(lasting > 0, lasting, 1.0))
