"""A matrix from the sizes of nodes, and their distance."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from simulator.base.schema import NonNegative, Positive
from simulator.model.demands import Demands
from simulator.model.geo import distances_km
from simulator.model.network import Network
from simulator.model.topology import NodeKind
from simulator.traffic.matrices.pairs import apart, of_kinds
from simulator.traffic.traffic import Matrix, matrix


@matrix("gravity")
class Gravity(Matrix):
    """Gravity: each demand in proportion to the product of the sizes of its ends.

    ``gbps[s, t] = total * w[s] w[t] f(d) / sum of w w f`` over the pairs of one class, without
    pairs of a node with itself. Nodes of size zero have no traffic. With ``decay_km`` traffic
    falls with the great-circle distance d: ``f = exp(-d / decay_km)``, or ``f = (1 + d /
    decay_km)^-decay_exponent``; otherwise ``f = 1``. The totals are met either way.

    Attributes
    ----------
    domestic_gbps, international_out_gbps, international_in_gbps : float
        Total of each class; in a network without exits all traffic is domestic.
    by : str
        Size of a node: its ``weight`` in the topology, its ``degree`` (links, parallel ones each),
        or the installed ``capacity`` of its links, outwards for a source, inwards for a target.
        Regions abroad have no links of their own making: where they have weights, these count.
    kinds : tuple of str
        Kinds of the nodes that have traffic, such as ``[provincial, region]``. When left out, all
        that have a weight; by degree or capacity all but points of presence on the way to regions.
    decay_km : float
        Distance over which traffic falls; it does not when left out. Needs ``lat`` and ``lon``.
    decay : str
        ``exponential`` or ``power``.
    decay_exponent : float
        Exponent of ``power``.
    """

    domestic_gbps: NonNegative = 0.0
    international_out_gbps: NonNegative = 0.0
    international_in_gbps: NonNegative = 0.0
    by: Literal["weight", "degree", "capacity"] = "weight"
    kinds: tuple[NodeKind, ...] = ()
    decay_km: Positive | None = None
    decay: Literal["exponential", "power"] = "exponential"
    decay_exponent: Positive = 2.0

    def demands(self, network: Network, folder: Path) -> Demands:
        """Share the totals out.

        Raises
        ------
        ValueError
            There is traffic but no pair of nodes to carry it, or a node without coordinates.
        """
        out, into = self._sizes(network)
        mine = of_kinds(network, self.kinds)
        if self.by != "weight" and not self.kinds and "region" in network.node_kind:
            mine &= network.node_kind != "pop"
        sized = np.flatnonzero((out > 0) & (into > 0) & mine)
        home = sized[~network.is_abroad[sized]]
        away = sized[network.is_abroad[sized]]
        wanted = (
            (self.domestic_gbps, home, home, "domestic"),
            (self.international_out_gbps, home, away, "international_out"),
            (self.international_in_gbps, away, home, "international_in"),
        )
        parts = []
        for total, sources, targets, what in wanted:
            source, target = apart(sources, targets) if total > 0 else (home[:0], home[:0])
            pull = out[source] * into[target]
            if self.decay_km is not None:
                pull = pull * self._falling(_distance_km(network, source, target))
            if total > 0 and not pull.sum() > 0:
                sizes = "weights" if self.by == "weight" else f"a {self.by}"
                raise ValueError(f"no pair of nodes with {sizes} to carry the {what} traffic")
            parts.append((source, target, total * pull / pull.sum() if total > 0 else pull))
        source, target, gbps = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Demands(network.nodes, source, target, network.class_of(source, target), gbps)

    def _sizes(self, network: Network) -> tuple[np.ndarray, np.ndarray]:
        """Size of every node as a source and as a target."""
        if self.by == "weight":
            return network.weight, network.weight
        each = network.installed_gbps if self.by == "capacity" else np.ones(len(network.tail))
        count = len(network.nodes)
        out, into = np.bincount(network.tail, each, count), np.bincount(network.head, each, count)
        regions = network.node_kind == "region"
        if regions.any() and np.all(network.weight[regions] > 0):
            out, into = (np.where(regions, network.weight, size) for size in (out, into))
        return out, into

    def _falling(self, km: np.ndarray) -> np.ndarray:
        """What distance leaves of the traffic."""
        lengths = km / (self.decay_km or np.inf)
        left: np.ndarray
        if self.decay == "exponential":
            # The constant cancels in the shares; without it far pairs alone could all vanish.
            left = np.exp(lengths.min(initial=np.inf, where=np.isfinite(lengths)) - lengths)
        else:
            left = (1.0 + lengths) ** -self.decay_exponent
        return left


def _distance_km(network: Network, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Great-circle distance of pairs of nodes."""
    places = [
        [attributes.get(key) for key in ("lat", "lon")]
        for _, attributes in network.graph.nodes(data=True)
    ]
    degrees = np.array(places, dtype=float).reshape(-1, 2)
    used = np.unique(np.concatenate([source, target]))
    lost = used[~np.isfinite(degrees[used]).all(axis=1)]
    if len(lost):
        more = f" and {len(lost) - 1} others" if len(lost) > 1 else ""
        raise ValueError(
            f"decay_km needs lat and lon of every node with traffic;"
            f" node {network.nodes[lost[0]]!r}{more} has none"
        )
    return distances_km(degrees, source, target)
