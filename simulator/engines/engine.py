"""The contract of this folder: an engine plays one replication of a case, for all strategies.

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
from collections.abc import Callable
from typing import Any

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


engine = Registry("engine", "simulator.engines", Engine)
