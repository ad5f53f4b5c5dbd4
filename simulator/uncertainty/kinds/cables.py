"""Cables: in what shares links ride their cables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption, factor_problems
from simulator.uncertainty.selection import links_of, no_link


@assumption("cables")
class Cables(Assumption):
    """A factor on every share of a link on a cable; the shares of a link are scaled to their sum.

    A link on one cable stays on it. It matters where cables fail.

    Attributes
    ----------
    links : list of str
        Classes, ids, or patterns such as ``sh-*``.
    law : Law
        Of the factor on each share.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    links: Annotated[tuple[Name, ...], Field(min_length=1)]
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law and the selection."""
        yield from factor_problems(self.law)
        yield from no_link(network, self.links, "links")

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return a name for every link and cable of it."""
        return [f"{link} on {cable}" for link, cable, _ in self._shares(network)]

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network with other shares on cables."""
        after: dict[str, dict[str, float]] = {}
        for (link, cable, share), factor in zip(self._shares(network), values, strict=True):
            after.setdefault(link, {})[cable] = share * float(factor)
        changes = {}
        for link, shares in after.items():
            before = sum(network.attributes(link)["cables"].values())
            scale = before / sum(shares.values())
            changes[link] = {"cables": {name: part * scale for name, part in shares.items()}}
        return network.with_links(changes)

    def what(self) -> str:
        """Return what the values are."""
        return f"factor on each share on a cable of {', '.join(self.links)}"

    def _shares(self, network: Network) -> list[tuple[str, str, float]]:
        names = [network.links[i] for i in links_of(network, self.links)]
        shared = {name: network.attributes(name)["cables"] for name in names}
        return [
            (link, cable, share)
            for link, shares in shared.items()
            if len(shares) > 1
            for cable, share in shares.items()
            if share > 0
        ]
