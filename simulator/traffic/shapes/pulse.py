"""A pulse: up, on top for a while, and down again."""

from __future__ import annotations

import numpy as np


def pulse(
    hours: np.ndarray, *, rise_h: float, from_h: float, to_h: float, fall_h: float
) -> np.ndarray:
    """Height from 0 to 1 of a pulse with straight flanks.

    It is on top from *from_h* to before *to_h*, rises in the *rise_h* before and falls in the
    *fall_h* after; its area is ``rise_h / 2 + (to_h - from_h) + fall_h / 2``.
    """
    up: np.ndarray = hours >= from_h
    down: np.ndarray = hours < to_h
    if rise_h > 0:
        up = np.clip(1.0 - (from_h - hours) / rise_h, 0.0, 1.0)
    if fall_h > 0:
        down = np.clip(1.0 - (hours - to_h) / fall_h, 0.0, 1.0)
    return np.minimum(up, down).astype(float)
