"""The contract of ``laws/``: a law says how likely each value of what is not known is.

A law is a file in ``laws/`` with a class under ``@law("my_law")``. It gives the value below which
a share of the probability lies, so that a uniform number makes a draw of it::

    @law("exponential")
    class Exponential(Law):
        \"\"\"One line that ``simulator list laws`` prints.\"\"\"

        mean: Positive = 1.0

        def value(self, share):
            return -self.mean * np.log1p(-share)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.registry import Registered, Registry

LOW, HIGH = 0.05, 0.95
"""Shares of the probability below the low and the high value of a range: 90 % lie between."""


class Law(Registered):
    """What every law offers.

    Attributes
    ----------
    ordered : bool
        Whether a larger share means a larger value, so that values between two others exist.
    """

    ordered: ClassVar[bool] = True

    @abstractmethod
    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed; any shape."""

    def range(self) -> tuple[float, float]:
        """Return the values that 5 % and 95 % of the probability do not exceed."""
        low, high = self.value(np.array([LOW, HIGH])).tolist()
        return low, high

    def holds(self, value: float) -> bool:
        """Return whether *value* lies where the law has probability."""
        low, high = self.value(np.array([1e-9, 1 - 1e-9])).tolist()
        # The ends of a law lie a little beyond these: of a triangular one, by 3e-5 of its width.
        slack = 1e-4 * (high - low) + 1e-9 * max(abs(low), abs(high))
        return bool(low - slack <= value <= high + slack)


def out_of_order(low: float, high: float) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with the ends of a range."""
    if low > high:
        yield ("high",), f"expected {low:g} (low) or more, found {high:g}"


law = Registry("law", "simulator.uncertainty.laws", Law)
