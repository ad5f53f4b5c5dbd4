"""Reliability: how often elements fail, or how long their repairs take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import Reliability as Figures
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption, factor_problems

Elements = Literal["cables", "exits", "gateways", "overseas", "links", "nodes"]


@assumption("reliability")
class Reliability(Assumption):
    """A factor on the rate of faults of some kinds of elements, or on their times to repair.

    It matters for worst cases and availability; runs have the faults of their events.

    Attributes
    ----------
    elements : list of str
        Kinds of elements: cables, exits, gateways, overseas, links, nodes.
    figure : str
        What the factor is on: ``faults`` or ``repair``.
    law : Law
        Of the factor.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    elements: Annotated[tuple[Elements, ...], Field(min_length=1)]
    figure: Literal["faults", "repair"]
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    one: ClassVar[bool] = True
    moves_runs: ClassVar[bool] = False

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law."""
        return factor_problems(self.law)

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the figure: one value."""
        return [self.figure]

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network with other figures of reliability."""
        stated = network.about.reliability or Figures()
        factor = {self.figure: float(values[0])}
        about = replace(network.about, reliability=stated.scaled(self.elements, **factor))
        return network.with_about(about)

    def what(self) -> str:
        """Return what the values are."""
        noun = "rate of faults" if self.figure == "faults" else "times to repair"
        return f"factor on the {noun} of {', '.join(self.elements)}"
