"""Lognormal: factors that are as likely to be twice as large as half as large."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtri

from simulator.base.document import KeyPath
from simulator.base.schema import Positive
from simulator.uncertainty.law import HIGH, Law, law, out_of_order


@law("lognormal")
class Lognormal(Law):
    """A lognormal law, by the range that holds 90 % of it; for what cannot be below zero.

    Its median is the geometric mean of both ends.

    Attributes
    ----------
    low, high : float
        5 % lie below the one, 5 % above the other.
    """

    low: Positive
    high: Positive

    def problems(self, network: object) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong: the ends are the wrong way round."""
        return out_of_order(self.low, self.high)

    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed."""
        low, high = np.log([self.low, self.high])
        return np.exp((low + high) / 2.0 + (high - low) / 2.0 / ndtri(HIGH) * ndtri(share))
