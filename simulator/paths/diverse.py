"""Diverse paths: drawn from random trees of shortest paths, each of which avoids earlier ones."""

from __future__ import annotations

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.candidates import Paths, fastest_paths, remembered
from simulator.paths.shortest import HOP_MS, Search, destinations_of

_TREES_PER_PATH = 4
_PENALTY = 64.0
"""The arc most used so far, for its capacity, is lengthened by this factor."""
_JITTER = 0.25
"""Largest random share by which an arc is lengthened, drawn for every tree."""


def diverse_paths(network: Network, demands: Demands, count: int, seed: int) -> Paths:
    """Up to *count* diverse paths for every demand, its fastest one first.

    Depends on the network and the pairs, not on rates: kept with the network for the next solve.
    """
    key = remembered(network, demands, "diverse paths", count, seed)
    if key not in network.memo:
        network.memo[key] = _draw(network, demands, count, seed)
    return network.memo[key]


def _draw(network: Network, demands: Demands, count: int, seed: int) -> Paths:
    """Draw trees until every demand has *count* paths, or they are many."""
    destinations, row = destinations_of(network, demands)
    search, weight = Search(network, destinations), network.delay_ms + HOP_MS

    def tree(length: np.ndarray, k: np.ndarray) -> Paths:
        near = search.under(length)
        return Paths(k, *near.follow(row[k], demands.source[k]))

    latest = tree(weight, np.arange(len(demands)))
    latest = latest.take(np.flatnonzero(np.diff(latest.starts) > 0))
    able = latest.demand
    ends = np.stack([demands.source[able], demands.target[able]])
    once = np.unique(ends, axis=1, return_index=True)[1]  # a pair counts once, in all classes
    found, use, size = latest, np.zeros(len(weight)), network.installed_gbps
    random = np.random.default_rng(seed)
    for _ in range(_TREES_PER_PATH * count if len(able) else 0):
        if np.bincount(found.demand)[able].min() >= count:
            break
        carried = np.bincount(latest.take(once).arcs, minlength=len(use))
        use += np.divide(carried, size, out=np.zeros(len(use)), where=size > 0)
        jitter = 1.0 + _JITTER * random.random(len(use))
        latest = tree(weight * jitter * _PENALTY ** (use / use.max()), able)
        found = found.join(latest).distinct().first(count)
    return found.join(fastest_paths(network, demands, count)).distinct().first(count)
