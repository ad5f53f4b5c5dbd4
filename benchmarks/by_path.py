"""Load, loss and latency once more, path by path: slow, short, and unlike the code it checks."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from simulator.model.network import Network
from simulator.model.routes import Routes

_EXACT = 1e-13
_MOST_SWEEPS = 5000


class ByPath:
    """Routes as a plain list of paths.

    Parameters
    ----------
    routes : Routes
    """

    def __init__(self, routes: Routes) -> None:
        found = list(routes.paths())
        self.arcs = len(routes.network.tail)
        self.demands = len(routes)
        self.demand = np.array([demand for demand, _, _ in found])
        self.share = np.array([share for _, share, _ in found])
        longest = max(len(arcs) for _, _, arcs in found)
        self.positions = [
            np.array([arcs[i] if i < len(arcs) else -1 for _, _, arcs in found])
            for i in range(longest)
        ]

    def loads(self, rates: np.ndarray, pass_fraction: np.ndarray | None = None) -> np.ndarray:
        """Rate offered to every arc, shape (arcs, instants), when arcs keep a share of it."""
        total = np.zeros((self.arcs, rates.shape[1]))
        moving = self.share[:, None] * rates[self.demand]
        for arc in self.positions:
            there = np.flatnonzero(arc >= 0)
            onto = sparse.csr_array(
                (np.ones(len(there)), (arc[there], there)), shape=(self.arcs, len(arc))
            )
            total += onto @ moving
            if pass_fraction is not None:
                moving[there] *= pass_fraction[arc[there]]
        return total

    def pass_fraction(self, network: Network, rates: np.ndarray) -> np.ndarray:
        """Share that every arc keeps, by the simplest damped iteration that settles."""
        room = (network.capacity_gbps * network.up)[:, None]
        pass_fraction = np.ones((self.arcs, rates.shape[1]))
        for _ in range(_MOST_SWEEPS):
            offered = self.loads(rates, pass_fraction)
            wanted = np.minimum(1.0, room / np.maximum(offered, 1e-300))
            if np.abs(wanted - pass_fraction).max(initial=0.0) < _EXACT:
                return wanted
            pass_fraction = (pass_fraction + wanted) / 2.0
        raise AssertionError("the pass fractions do not settle")

    def delivered(
        self, rates: np.ndarray, pass_fraction: np.ndarray, delay_ms: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rate of every demand that arrives, and its mean delay, both (demands, instants)."""
        moving = self.share[:, None] * rates[self.demand]
        spent = np.zeros_like(moving)
        for arc in self.positions:
            there = np.flatnonzero(arc >= 0)
            moving[there] *= pass_fraction[arc[there]]
            spent[there] += delay_ms[arc[there]]
        of = sparse.csr_array(
            (np.ones(len(self.demand)), (self.demand, np.arange(len(self.demand)))),
            shape=(self.demands, len(self.demand)),
        )
        arrived = of @ moving
        with np.errstate(invalid="ignore", divide="ignore"):
            return arrived, (of @ (moving * spent)) / arrived
