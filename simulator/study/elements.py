"""Elements: what a Gbps can be bought for: exits by direction, links and cables."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.model.network import Network

EXIT, LINK, CABLE, BOTH = "exit", "link", "cable", "both"


class Element(NamedTuple):
    """Something that one Gbps is added to.

    Attributes
    ----------
    name : str
    kind : str
        ``exit``, ``link`` or ``cable``.
    direction : str
        ``out`` or ``in`` of an exit; ``both`` for a Gbps each way.
    gbps : ndarray, shape (arcs,)
        What one Gbps adds to each arc.
    """

    name: str
    kind: str
    direction: str
    gbps: np.ndarray


def elements(network: Network) -> list[Element]:
    """Return all elements of a network: exits, then links, then cables.

    A Gbps on a cable is shared out over what rides it, as its capacity is now.
    """
    found = [each for link in network.links for each in _of_link(network, link)]
    found += [each for cable in _cables(network) if (each := _of_cable(network, cable)) is not None]
    order = (EXIT, LINK, CABLE)
    return sorted(found, key=lambda each: order.index(each.kind))


def _of_link(network: Network, link: str) -> list[Element]:
    there = 2 * network.link_index[link]
    arcs = [arc for arc in (there, there + 1) if network.installed_gbps[arc] > 0]
    kind = EXIT if any(arc in network.exit_arcs[way] for arc in arcs for way in _WAYS) else LINK
    each = [Element(link, kind, BOTH, _one(network, arcs))]
    if kind == EXIT:
        ways = [(way, arc) for way in _WAYS for arc in arcs if arc in network.exit_arcs[way]]
        each += [Element(link, kind, way, _one(network, [arc])) for way, arc in ways]
    return each


_WAYS = ("out", "in")


def _one(network: Network, arcs: list[int]) -> np.ndarray:
    gbps = np.zeros(len(network.tail))
    gbps[arcs] = 1.0
    return gbps


def _cables(network: Network) -> list[str]:
    named = (network.attributes(link).get("cables") or {} for link in network.links)
    return list(dict.fromkeys(cable for cables in named for cable in cables))


def _of_cable(network: Network, cable: str) -> Element | None:
    share = np.zeros(len(network.tail))
    for link in network.links:
        there = 2 * network.link_index[link]
        share[there : there + 2] = (network.attributes(link).get("cables") or {}).get(cable, 0.0)
    riding = share * network.installed_gbps
    total = float(np.maximum(riding[::2], riding[1::2]).sum())
    return Element(cable, CABLE, BOTH, riding / total) if total > 0 else None
