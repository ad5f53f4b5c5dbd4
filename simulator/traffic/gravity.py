"""A matrix from node weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.schema import NonNegative
from simulator.traffic.traffic import matrix


@matrix("gravity")
class Gravity:
    """Gravity: each demand in proportion to the product of the weights of its ends.

    ``gbps[s, t] = total * w[s] w[t] / sum of w w`` over the pairs of one class, without pairs of a
    node with itself. Nodes of weight zero have no traffic.

    Attributes
    ----------
    domestic_gbps, international_out_gbps, international_in_gbps : float
        Total of each class.
    """

    domestic_gbps: NonNegative = 0.0
    international_out_gbps: NonNegative = 0.0
    international_in_gbps: NonNegative = 0.0

    def demands(self, network: Network, folder: Path) -> Demands:
        """Share the totals out."""
        weighty = np.flatnonzero(network.weight > 0)
        home = weighty[~network.is_abroad[weighty]]
        away = weighty[network.is_abroad[weighty]]
        parts = [
            _shared(network, self.domestic_gbps, home, home, "domestic"),
            _shared(network, self.international_out_gbps, home, away, "international_out"),
            _shared(network, self.international_in_gbps, away, home, "international_in"),
        ]
        source, target, gbps = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Demands(network.nodes, source, target, network.class_of(source, target), gbps)


def _shared(
    network: Network, total: float, sources: np.ndarray, targets: np.ndarray, what: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    source, target = (grid.ravel() for grid in np.meshgrid(sources, targets, indexing="ij"))
    apart = source != target
    source, target = source[apart], target[apart]
    pull = network.weight[source] * network.weight[target]
    if total > 0 and not pull.sum() > 0:
        raise ValueError(f"no pair of nodes with weights to carry the {what} traffic")
    keep = total > 0
    gbps = total * pull / pull.sum() if keep else pull
    return source[: len(gbps) * keep], target[: len(gbps) * keep], gbps[: len(gbps) * keep]
