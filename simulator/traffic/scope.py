"""Scope: selects the demands that a shape multiplies, by class and by the nodes at their ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.base.schema import Name
from simulator.model.demands import Demands, TrafficClass
from simulator.model.network import Network
from simulator.traffic.traffic import Shape

Classes = tuple[TrafficClass, ...]
Nodes = tuple[Name, ...]
Finding = tuple[KeyPath, str]
"""A path below the settings of a shape, and what is wrong there."""


def selected(
    demands: Demands,
    *,
    classes: Iterable[str] = (),
    sources: Iterable[str] = (),
    targets: Iterable[str] = (),
    nodes: Iterable[str] = (),
) -> np.ndarray:
    """Mask of the demands that meet every condition given; all of them if none is.

    Parameters
    ----------
    classes : iterable of str
        The demand is of one of these classes.
    sources, targets : iterable of str
        It starts, or ends, at one of these nodes.
    nodes : iterable of str
        It starts or ends at one of these nodes.
    """
    names = np.array(demands.nodes, dtype=object)
    from_here, to_here, either = (np.isin(names, list(some)) for some in (sources, targets, nodes))
    mask = np.ones(len(demands), dtype=bool)
    if wanted := tuple(classes):
        mask &= demands.of_class(wanted)
    if tuple(sources):
        mask &= from_here[demands.source]
    if tuple(targets):
        mask &= to_here[demands.target]
    if tuple(nodes):
        mask &= either[demands.source] | either[demands.target]
    return mask


class Selector(Shape):
    """A shape that multiplies only the demands that meet every condition given.

    Attributes
    ----------
    classes, sources, targets, nodes : tuple of str
        As in :func:`selected`; a shape lists them among its fields.
    """

    classes: Classes = ()
    sources: Nodes = ()
    targets: Nodes = ()
    nodes: Nodes = ()

    def problems(self, network: Network) -> Iterator[Finding]:
        """Yield the names of nodes that the network does not have."""
        return unknown_nodes(network, sources=self.sources, targets=self.targets, nodes=self.nodes)

    def selected(self, network: Network, demands: Demands) -> np.ndarray:
        """Return a mask of the demands.

        Raises
        ------
        InputError
            A node is named that is not there.
        """
        self.require_valid(network)
        ends = {"sources": self.sources, "targets": self.targets, "nodes": self.nodes}
        return selected(demands, classes=self.classes, **ends)


def unknown_nodes(network: Network, **named: Iterable[str]) -> Iterator[Finding]:
    """Yield every name of no node; keywords are the keys of lists."""
    for key, names in named.items():
        for i, name in enumerate(names):
            if name not in network.node_index:
                yield (key, i), no_node(network, name)


def no_node(network: Network, name: str) -> str:
    """Return the message on a node that is not there."""
    return f"no node named {name!r}{did_you_mean(name, network.nodes)}"
