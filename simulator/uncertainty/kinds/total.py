"""Total: how much traffic of a kind there is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption, factor_problems
from simulator.uncertainty.selection import SCOPES


@assumption("total")
class Total(Assumption):
    """A factor on all demands of a scope together: how much traffic there is.

    Attributes
    ----------
    demands : str
        ``all``, ``international`` or a class.
    law : Law
        Of the factor.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    demands: Literal["all", "international", "domestic", "international_out",
                        "international_in", "transit"]  # fmt: skip
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    one: ClassVar[bool] = True

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law."""
        return factor_problems(self.law)

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the scope: one factor for all of it."""
        return [self.demands]

    def demands_under(self, network: Network, demands: Demands, values: np.ndarray) -> Demands:
        """Return the demands, those of the scope times the factor."""
        return demands.scaled(float(values[0]), SCOPES[self.demands])

    def what(self) -> str:
        """Return what the values are."""
        return f"factor on {self.demands.replace('_', ' ')} traffic"
