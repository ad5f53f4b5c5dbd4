"""A matrix drawn at random."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from simulator.base.schema import Fraction, NonNegativeInt, Positive, Spread
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.model.topology import NodeKind
from simulator.traffic.matrices.pairs import demands_between, of_kinds
from simulator.traffic.scope import Classes
from simulator.traffic.traffic import Matrix, matrix


@matrix("synthetic")
class Synthetic(Matrix):
    """Independent random rates between all nodes, by one of three laws.

    The laws have mean one: ``lognormal``, ``exp(sigma z - sigma^2 / 2)``; ``uniform`` on 0 to 2;
    and ``bimodal``, lognormal too but ``heavy_ratio`` times larger for a share ``heavy_share`` of
    the pairs. Every pair has a stream keyed by its name, so another node changes no other pair's
    draw, and with ``mean_gbps`` no other pair's rate. Source: Nucci, Sridharan and Taft, ACM CCR
    35(3), 2005 (lognormal); Medina et al., Traffic matrix estimation, SIGCOMM 2002 (bimodal, there
    of two Gaussians).

    Attributes
    ----------
    law : str
        ``lognormal``, ``uniform`` or ``bimodal``.
    seed : int
        Root of the draws; the scenario's seed has no part in them.
    total_gbps : float
        Sum of all rates; or give ``mean_gbps``.
    mean_gbps : float
        Expected rate of a pair; the sum is then random.
    sigma : float
        Standard deviation of the logarithm, of each mode if there are two.
    heavy_share : float
        Share of the pairs that are heavy, with ``bimodal``.
    heavy_ratio : float
        How many times larger these are in the mean.
    kinds : tuple of str
        Kinds of the nodes that have traffic, such as ``[provincial, region]``; all when left out.
    classes : tuple of str
        Classes of traffic that there are.
    """

    law: Literal["lognormal", "uniform", "bimodal"] = "lognormal"
    seed: NonNegativeInt = 1
    total_gbps: Positive | None = None
    mean_gbps: Positive | None = None
    sigma: Spread = 1.0
    heavy_share: Fraction = 0.2
    heavy_ratio: Positive = 20.0
    kinds: tuple[NodeKind, ...] = ()
    classes: Classes = ("domestic", "international_out", "international_in")

    def __post_init__(self) -> None:
        if (self.total_gbps is None) == (self.mean_gbps is None):
            raise ValueError("give either total_gbps or mean_gbps")

    def demands(self, network: Network, folder: Path) -> Demands:
        """Draw the rates."""
        nodes = np.flatnonzero(of_kinds(network, self.kinds))
        pairs = demands_between(network, nodes, self.classes)
        if not len(pairs):
            raise ValueError("no pair of nodes of these kinds and classes")
        streams = Streams(self.seed, 0)
        generators = [streams.generator("synthetic", name) for name in pairs.names]
        draws = np.array([(g.standard_normal(), g.random()) for g in generators])
        rate = self._rates(draws[:, 0], draws[:, 1])
        if self.mean_gbps is not None:
            return pairs.with_gbps(self.mean_gbps * rate)
        assert self.total_gbps is not None
        return pairs.with_gbps(self.total_gbps * (rate / rate.sum()))

    def _rates(self, normal: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Turn draws into rates of mean one."""
        if self.law == "uniform":
            return 2.0 * uniform
        rate: np.ndarray = np.exp(self.sigma * normal - self.sigma**2 / 2.0)
        if self.law == "bimodal":
            ratio = np.where(uniform < self.heavy_share, self.heavy_ratio, 1.0)
            rate = rate * ratio / (1.0 + self.heavy_share * (self.heavy_ratio - 1.0))
        return rate
