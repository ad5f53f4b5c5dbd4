"""Which demands a shape speaks of: by class, and by the nodes at their ends.

A shape whose keys name nodes has a method ``complaints(network)`` that yields the place of every
unknown name below the shape, with what is wrong there, so that the door can point at its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import numpy as np

from simulator.base.document import KeyPath, dotted
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.schema import Name
from simulator.model.demands import Demands, TrafficClass
from simulator.model.network import Network

NodeKind = Literal["super_core", "core", "provincial", "gateway", "pop", "region"]
Classes = tuple[TrafficClass, ...]
Nodes = tuple[Name, ...]
Complaint = tuple[KeyPath, str]


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
    demands : Demands
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


class Selector(Protocol):
    """A shape that says which demands it multiplies."""

    classes: Classes
    sources: Nodes
    targets: Nodes
    nodes: Nodes


def selected_by(shape: Selector, demands: Demands) -> np.ndarray:
    """Mask of the demands that meet every condition of a shape."""
    return selected(
        demands,
        classes=shape.classes,
        sources=shape.sources,
        targets=shape.targets,
        nodes=shape.nodes,
    )


def unknown_nodes(network: Network, **named: Iterable[str]) -> Iterator[Complaint]:
    """Yield a complaint for every node that is not there; keywords are the keys of lists."""
    for key, names in named.items():
        for i, name in enumerate(names):
            if name not in network.node_index:
                yield (key, i), no_node(network, name)


def no_node(network: Network, name: str) -> str:
    """Return what to say of a node that is not there."""
    return f"no node named {name!r}{did_you_mean(name, network.nodes)}"


def require(problems: Iterable[Complaint]) -> None:
    """Raise an `InputError` if there are any problems."""
    if found := [Problem("", None, None, dotted(path), message) for path, message in problems]:
        raise InputError(found)
