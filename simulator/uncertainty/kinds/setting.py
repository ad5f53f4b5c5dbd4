"""Setting: a number of the scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption


@assumption("setting")
class Setting(Assumption):
    """A number of the scenario itself, by its key: the values of the law take its place.

    Attributes
    ----------
    key : str
        As for ``--set``: ``queue.buffer_ms``, ``traffic.shapes[1].sigma``.
    law : Law
        Of the number.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    key: Name
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    one: ClassVar[bool] = True

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the key: one value."""
        return [self.key]

    def settings_under(self, values: np.ndarray) -> Mapping[str, float]:
        """Return the key with its value."""
        return {self.key: float(values[0])}

    def what(self) -> str:
        """Return what the values are."""
        return self.key
