"""The contract of this folder: an engine plays one replication of a case, and brings a meter.

Adding an engine is adding a file here. One that keeps the clock, the network, the traffic, the
faults and the control of the :class:`~simulator.engines.stage.Stage` only supplies another meter::

    @engine("my_engine")
    class MyEngine(Engine):
        \"\"\"One line that ``simulator list engines`` prints.\"\"\"

        def play(self, case, replication, emit, progress):
            return Stage(case, replication, emit, MyMeter).run(progress)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from simulator.base.registry import Registered, Registry
from simulator.engines.case import Case
from simulator.results.metrics import Figures

Emit = Callable[[str, str, dict[str, Any]], None]
"""Takes a strategy, a table's name and its columns."""


class Engine(Registered):
    """What every engine offers."""

    @abstractmethod
    def play(
        self, case: Case, replication: int, emit: Emit, progress: Callable[[float], None]
    ) -> dict[str, Figures]:
        """Play one replication and return the figures of every strategy.

        Parameters
        ----------
        emit : callable
            Takes finished table rows.
        progress : callable
            Takes the share done, from 0 to 1.
        """


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


engine = Registry("engine", "simulator.engines", Engine)
