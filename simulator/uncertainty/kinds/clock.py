"""Clock: the hour that traffic abroad goes by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
from pydantic import Field

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.schema import Name
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.uncertainty.assumption import AnyLaw, Assumption, assumption


@assumption("clock")
class Clock(Assumption):
    """Hours added to the local time of every node of some kinds: a region has many clocks.

    Attributes
    ----------
    nodes : list of str
        Kinds or ids of nodes.
    law : Law
        Of the hours added.
    source : str
        Where the law comes from.
    of : list of str
        Estimates of the topology that this stands for.
    """

    nodes: Annotated[tuple[Name, ...], Field(min_length=1)]
    law: AnyLaw
    source: Name
    of: tuple[str, ...] = ()

    def problems(self, network: Network) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the law and the selection."""
        if not self.law.holds(0.0):
            low, high = self.law.range()
            yield ("law",), f"hours must be able to be 0, as stated; found {low:g} to {high:g}"
        known = (*network.nodes, *dict.fromkeys(network.node_kind))
        for i, word in enumerate(self.nodes):
            if word not in known:
                hint = did_you_mean(word, known)
                yield ("nodes", i), f"no node or kind of node is called {word!r}{hint}"

    def members(self, network: Network, demands: Demands) -> list[str]:
        """Return the ids of the nodes."""
        return self._names(network)

    def network_under(self, network: Network, values: np.ndarray) -> Network:
        """Return the network with other clocks."""
        names = self._names(network)
        offsets = network.utc_offset_h[[network.node_index[name] for name in names]] + values
        return network.with_clocks(dict(zip(names, offsets.tolist(), strict=True)))

    def what(self) -> str:
        """Return what the values are."""
        return f"hours added to the clock of each of {', '.join(self.nodes)}"

    def _names(self, network: Network) -> list[str]:
        kinds = zip(network.nodes, network.node_kind, strict=True)
        return [node for node, kind in kinds if node in self.nodes or kind in self.nodes]
