"""Choice: one of a few values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.schema import NonNegative, Number
from simulator.uncertainty.law import Law, law


@law("choice")
class Choice(Law):
    """One of a few values, such as the published figures of two sources.

    Attributes
    ----------
    values : list of float
        What it may be.
    weights : list of float
        How likely each is, in proportion; all alike when left out.
    """

    values: Annotated[tuple[Number, ...], Field(min_length=1)]
    weights: tuple[NonNegative, ...] = ()

    ordered: ClassVar[bool] = False

    def problems(self, network: object) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong: not a weight for each value, or none above zero."""
        if self.weights and len(self.weights) != len(self.values):
            count = len(self.values)
            yield ("weights",), f"expected {count}, one for each value, found {len(self.weights)}"
        elif self.weights and not sum(self.weights) > 0:
            yield ("weights",), "expected one above 0"

    def value(self, share: np.ndarray) -> np.ndarray:
        """Return the value that a share of the probability does not exceed."""
        weights = np.array(self.weights or np.ones(len(self.values)))
        order = np.argsort(self.values, kind="stable")
        below = np.cumsum(weights[order]) / weights.sum()
        at = np.searchsorted(below, np.asarray(share) * (1 - 1e-12), side="left")
        return np.array(self.values)[order][np.minimum(at, len(order) - 1)]
