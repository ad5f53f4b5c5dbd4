"""Zipf: the sizes of prefix groups."""

from __future__ import annotations

import numpy as np


def zipf_sizes(count: int, skew: float) -> np.ndarray:
    """Share of traffic in each of some groups, the largest first, shape (count,).

    The size of the one of rank *r* is in proportion to ``r ** -skew``; 0 makes all equal.
    """
    size = np.arange(1, count + 1).astype(float) ** -skew
    return np.asarray(size / size.sum())
