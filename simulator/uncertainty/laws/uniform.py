"""Uniform: all values between two ends are as likely."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.schema import Number
from simulator.uncertainty.law import Law, law, out_of_order


@law("uniform")
class Uniform(Law):
    """Any value between two ends, each as likely as the others.

    Attributes
    ----------
    low, high : float
        The ends: no value lies outside.
    """

    low: Number
    high: Number

    def problems(self, network: object) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong: the ends are the wrong way round."""
        return out_of_order(self.low, self.high)

    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed."""
        return np.asarray(self.low + (self.high - self.low) * share)
