"""Existence: whether links that are assumed are there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption
from simulator.uncertainty.selection import links_of, no_link, with_factors


@assumption("existence")
class Existence(Assumption):
    """Whether each link of a selection exists: 1 if it does, 0 if not.

    Attributes
    ----------
    links : list of str
        Classes, ids, or patterns such as ``sh-*``.
    law : Law
        ``{kind: choice, values: [0, 1], weights: [1, 4]}``: it exists in four of five worlds.
    keep_total : bool
        Scale the other links of its class to their old sum: the sum is published.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    links: Annotated[tuple[Name, ...], Field(min_length=1)]
    law: AnyLaw
    keep_total: bool = False
    source: Name
    of: tuple[str, ...] = ()

    removes: ClassVar[bool] = True

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law and the selection."""
        some = self.law.value(np.linspace(0.0, 1.0, 101)[1:-1])
        if not np.isin(some, (0.0, 1.0)).all():
            yield ("law",), "expected a law of 0 and 1: {kind: choice, values: [0, 1]}"
        yield from no_link(network, self.links, "links")

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the ids of the links."""
        return [network.links[i] for i in links_of(network, self.links)]

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network without the links that do not exist."""
        missing = links_of(network, self.links)[values == 0]
        if not len(missing):
            return network
        left = network.without_links([network.links[i] for i in missing])
        for kind in dict.fromkeys(network.link_class[missing]) if self.keep_total else ():
            if left.total_gbps(kind) > 0:
                factor = network.total_gbps(kind) / left.total_gbps(kind)
                others = links_of(left, [kind])
                left = with_factors(left, others, "capacity_gbps", np.full(len(others), factor))
        return left

    def what(self) -> str:
        """Return what the values are."""
        return f"whether each of {', '.join(self.links)} exists"
