"""The contract of this folder: an engine plays one replication of a case, for all strategies.

Adding an engine is adding a file with a class under ``@engine("my_engine")``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from simulator.base.registry import Registry
from simulator.engines.case import Case
from simulator.results.metrics import Figures

engine = Registry("engine", "simulator.engines")

Emit = Callable[[str, str, dict[str, Any]], None]
"""Takes a strategy, a table's name and its columns."""


class Engine(Protocol):
    """What every engine offers."""

    kind: str

    def play(
        self, case: Case, replication: int, emit: Emit, progress: Callable[[float], None]
    ) -> dict[str, Figures]:
        """Play one replication and return the figures of every strategy.

        Parameters
        ----------
        case : Case
        replication : int
        emit : callable
            Takes finished table rows.
        progress : callable
            Told the share done, from 0 to 1.
        """
        ...
