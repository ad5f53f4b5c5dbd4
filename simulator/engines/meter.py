"""The contract of meters: what an engine supplies to measure one strategy on the stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from simulator.results.metrics import Figures


class Meter(Protocol):
    """Measures one strategy in one replication.

    The meter is given the stage, the name of the strategy, and a function that returns the routes
    in force. All of its methods are called at the present instant of the stage's clock, *before*
    the change that they are named for.

    Attributes
    ----------
    cost_gbit_ms : float
        Cost of the routes so far by ``case.yardstick``, up to the last :meth:`settle`; 0 without
        one.
    """

    cost_gbit_ms: float

    def step(self, step: int) -> None:
        """Begin a step of traffic, counted from 0; called at its first instant."""

    def cut(self) -> None:
        """Account for the time so far; called before routes of this strategy change."""

    def settle(self) -> None:
        """Account for the time so far; called before the network changes, and at the horizon."""

    def current_rates(self) -> np.ndarray:
        """Rates of every demand at this instant, in Gbps; called when routes change."""
        ...

    def close(self, decisions: Mapping[str, np.ndarray], best_gbit_ms: float | None) -> Figures:
        """Return the figures; called once, at the horizon.

        Parameters
        ----------
        decisions : mapping of str to ndarray
            Columns of the decision log, a row a decision.
        best_gbit_ms : float or None
            Cost of the yardstick of the case, if it has one.
        """
        ...
