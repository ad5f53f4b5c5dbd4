"""Selection: links and demands by name, and factors that leave a sum alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import did_you_mean
from simulator.model.demands import CLASSES, INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.topology import BACK

SCOPES = {"all": CLASSES, "international": INTERNATIONAL, **{name: (name,) for name in CLASSES}}
"""Demands by name, as in changes of a scenario."""


def links_of(network: Network, words: Iterable[str]) -> np.ndarray:
    """Return the positions of links by class, id or pattern (``sh-*``), in the network's order."""
    words = tuple(words)
    found = [
        any(kind == word or fnmatchcase(link, word) for word in words)
        for link, kind in zip(network.links, network.link_class, strict=True)
    ]
    return np.flatnonzero(found)


def no_link(network: Network, words: Iterable[str], key: str) -> Iterator[tuple[KeyPath, str]]:
    """Yield the words that no link answers to."""
    known = (*network.links, *dict.fromkeys(network.link_class))
    for i, word in enumerate(words):
        if not len(links_of(network, [word])):
            yield (
                (key, i),
                f"no link or class of links is called {word!r}{did_you_mean(word, known)}",
            )


def mask_of(demands: Demands, scope: str) -> np.ndarray:
    """Mask of the demands of a scope, such as ``international``."""
    return demands.of_class(SCOPES[scope])


def group_of(network: Network, demands: Demands, by: str) -> np.ndarray:
    """Return the name of the group of every demand: its class, or its end abroad or at home.

    Domestic traffic has no end abroad: its target counts. Of traffic that passes through, the
    source does.
    """
    if by == "class":
        return np.array(demands.traffic_class, dtype=str)
    names = np.array(network.nodes, dtype=str)
    source_abroad = network.is_abroad[demands.source]
    at_source = source_abroad if by == "region" else ~source_abroad
    return names[np.where(at_source, demands.source, demands.target)]


def by_arc(network: Network, attribute: str) -> np.ndarray:
    """Return a capacity, delay or metric as the file has it, shape (arcs,)."""
    if attribute == "capacity_gbps":
        return network.installed_gbps
    if attribute == "delay_ms":
        return network.delay_ms - network.about.hop_delay_ms
    return network.metric


def with_factors(
    network: Network, chosen: np.ndarray, attribute: str, factors: np.ndarray
) -> Network:
    """Return the network with an attribute of some links times factors, in both directions."""
    back = BACK[attribute]
    after = (by_arc(network, attribute).reshape(-1, 2)[chosen] * factors[:, None]).tolist()
    return network.with_links(
        {
            network.links[i]: {attribute: one, back: other}
            for i, (one, other) in zip(chosen, after, strict=True)
        }
    )


def kept_total(values: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Return factors scaled so that the sum of *values* stays what it is."""
    after = float(values @ factors)
    return factors * (float(values.sum()) / after) if after > 0 else factors
