"""The contract of ``kinds/``: an assumption is one thing not known, with its law and source.

A kind of assumption is a file in ``kinds/`` with a class under ``@assumption("my_kind")``. It names
its *members*, each of which gets a value of its own from the law (a factor on the capacity of every
exit), and says what a network, demands or settings are under these values.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.law import Law, law

AnyLaw = Annotated[Law, law.choice]


class Assumption(Registered):
    """What every kind of assumption offers.

    Attributes
    ----------
    law : Law
        How likely each value is.
    source : str
        Where the law comes from: a source, or "assumed" and why.
    of : tuple of str
        Estimates of the topology that this stands for, such as ``links.capacity_gbps``.
    one : bool
        Whether there is one value, and not one for each of several members.
    removes : bool
        Whether links may be missing under some values.
    moves_runs : bool
        Whether a run depends on it. What matters for worst cases and availability alone does not.
    """

    law: AnyLaw
    source: str
    of: tuple[str, ...] = ()
    one: ClassVar[bool] = False
    removes: ClassVar[bool] = False
    moves_runs: ClassVar[bool] = True

    @property
    def has_ends(self) -> bool:
        """Whether it can be at a low and at a high value: it has one, and its law is ordered."""
        return self.one and self.law.ordered

    @abstractmethod
    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return a name for each value that is drawn; the names key the random streams."""

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network under these values, one for each member."""
        return network

    def demands_under(self, network: Network, demands: Demands, values: np.ndarray) -> Demands:
        """Return the base demands under these values."""
        return demands

    def settings_under(self, values: np.ndarray) -> Mapping[str, float]:
        """Return keys of the scenario that take other values."""
        return {}

    def what(self) -> str:
        """Return what the values are, in a few words: ``factor on each of exit``."""
        return self.kind


assumption = Registry("assumption", "simulator.uncertainty.kinds", Assumption)


def factor_problems(of: Law, path: KeyPath = ("law",)) -> Iterable[tuple[KeyPath, str]]:
    """Yield what is wrong with a law of factors: it must hold 1, and nothing at or below 0."""
    least = float(of.value(np.array([1e-6]))[0])
    if least <= 0:
        yield path, f"factors must be above 0, and one in a million is {least:.3g}; try lognormal"
    elif not of.holds(1.0):
        low, high = of.range()
        yield path, f"factors must be able to be 1, the value as stated; found {low:g} to {high:g}"
