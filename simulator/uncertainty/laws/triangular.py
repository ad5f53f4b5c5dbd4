"""Triangular: a likeliest value, and two ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.schema import Number
from simulator.uncertainty.law import Law, law


@law("triangular")
class Triangular(Law):
    """Likeliest at one value, and ever less likely towards two ends.

    Attributes
    ----------
    low, likeliest, high : float
        No value lies outside of low and high.
    """

    low: Number
    likeliest: Number
    high: Number

    def problems(self, network: object) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong: the values are not in order."""
        if not self.low <= self.likeliest <= self.high:
            found = f"{self.low:g}, {self.likeliest:g}, {self.high:g}"
            yield ("likeliest",), f"expected low, likeliest and high in this order, found {found}"

    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed."""
        width = self.high - self.low
        if width == 0:
            return np.full_like(np.asarray(share, dtype=float), self.low)
        below = (self.likeliest - self.low) / width
        up = self.low + np.sqrt(share * width * (self.likeliest - self.low))
        down = self.high - np.sqrt((1.0 - share) * width * (self.high - self.likeliest))
        return np.asarray(np.where(share < below, up, down))
