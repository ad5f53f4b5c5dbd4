"""Bill forecast: a month so far becomes a bill, with the days that were seen as days to come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.billing import DAY_S, MBPS_PER_GBPS, Billing

DRAWS = 200
"""Months that are drawn for a forecast."""


class SoFar(NamedTuple):
    """The running month of some exits in one replication.

    Attributes
    ----------
    month, slots, month_slots, days : int
        Number of the month from 1, its slots so far, all of its slots, and whole days so far.
    billed_gbps, least_gbps : ndarray, shape (exits,)
        Rate billed for the slots so far, and what the month cannot be billed below any more.
    free : ndarray of int, shape (exits,)
        Free slots that are left in the direction that has the fewest.
    drawn_gbps : ndarray, shape (draws, exits)
        Rate billed at the end of the month; NaN where no whole day was seen.
    """

    month: int
    slots: int
    month_slots: int
    days: int
    billed_gbps: np.ndarray
    least_gbps: np.ndarray
    free: np.ndarray
    drawn_gbps: np.ndarray


def so_far(billing: Billing, slots_gbps: np.ndarray, rng: np.random.Generator) -> SoFar:
    """Return the running month, of slots of shape (2, exits, slots): out and in."""
    whole, count = billing.month_slots, slots_gbps.shape[-1]
    number = max(count - 1, 0) // whole
    seen = slots_gbps[..., number * whole :]
    free, slots = billing.free_slots(whole), seen.shape[-1]
    level = billing.level_gbps(seen)
    used = (seen > level[..., None] * (1 + 1e-9)).sum(axis=-1)
    counted = {"out": [0], "in": [1]}.get(billing.directions, [0, 1])
    least = np.zeros(level.shape)
    if slots > free:
        least = np.partition(seen, slots - 1 - free, axis=-1)[..., slots - 1 - free]
    day_slots = max(1, round(DAY_S / billing.slot_s))
    return SoFar(
        number + 1,
        slots,
        whole,
        slots // day_slots,
        billing.billed_gbps(*level),
        billing.billed_gbps(*least),
        np.maximum(free - used[counted].max(axis=0), 0),
        _drawn(billing, seen, day_slots, rng),
    )


def _drawn(
    billing: Billing, seen: np.ndarray, day_slots: int, rng: np.random.Generator
) -> np.ndarray:
    """Billed rates of months whose other days are drawn from those seen, for all exits alike."""
    slots, whole = seen.shape[-1], billing.month_slots
    if slots >= whole:
        return np.repeat(billing.billed_gbps(*billing.level_gbps(seen))[None], DRAWS, axis=0)
    days = slots // day_slots
    if not days:
        return np.full((DRAWS, seen.shape[1]), np.nan)
    begun = slots % day_slots
    more = -(-(begun + whole - slots) // day_slots)
    by_day = seen[..., : days * day_slots].reshape(*seen.shape[:2], days, day_slots)
    drawn = []
    for _ in range(DRAWS):
        coming = by_day[:, :, rng.integers(days, size=more)].reshape(*seen.shape[:2], -1)
        month = np.concatenate([seen, coming[..., begun : begun + whole - slots]], axis=-1)
        drawn.append(billing.billed_gbps(*billing.level_gbps(month)))
    return np.array(drawn)


def cost_usd(gbps: np.ndarray, price_usd_per_mbps: np.ndarray) -> np.ndarray:
    """Return what rates cost in a month, shape (..., exits), and of all exits in a last column."""
    each = gbps * MBPS_PER_GBPS * price_usd_per_mbps
    return np.concatenate([each, each.sum(axis=-1, keepdims=True)], axis=-1)
