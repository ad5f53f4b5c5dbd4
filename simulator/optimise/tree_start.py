"""Where a search over tree columns stands: its best bound, and what the next search starts from."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TreeStart:
    """What the next solve may start from: where the trees in use and the best bounds came from.

    Attributes
    ----------
    key : Hashable
        What the weights are about: the network and the ends of the demands.
    weight : tuple of ndarray
        Lengths of the arcs that the trees in use are shortest under.
    theta_price, delay_price : ndarray, shape (arcs,), optional
        Prices of the best bound of each stage; None where a stage found none.
    """

    key: Hashable
    weight: tuple[np.ndarray, ...]
    theta_price: np.ndarray | None
    delay_price: np.ndarray | None


class Centre:
    """The prices of the best bound so far, and that bound."""

    def __init__(self) -> None:
        self.price: np.ndarray | None = None
        self.bound = 0.0

    def hear(self, price: np.ndarray, bound: float) -> None:
        """Keep these prices where their bound is the better one."""
        if bound > self.bound:
            self.price, self.bound = price, bound
