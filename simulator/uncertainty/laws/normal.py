"""Normal: values near the middle are likeliest, and both sides are alike."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.special import ndtri

from simulator.base.document import KeyPath
from simulator.base.schema import Number
from simulator.uncertainty.law import HIGH, Law, law, out_of_order


@law("normal")
class Normal(Law):
    """A normal law, by the range that holds 90 % of it.

    Attributes
    ----------
    low, high : float
        5 % lie below the one, 5 % above the other.
    """

    low: Number
    high: Number

    def problems(self, network: object) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong: the ends are the wrong way round."""
        return out_of_order(self.low, self.high)

    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed."""
        half = (self.high - self.low) / 2.0
        return np.asarray((self.low + self.high) / 2.0 + half / ndtri(HIGH) * ndtri(share))
