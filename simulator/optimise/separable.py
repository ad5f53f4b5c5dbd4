"""Separability: whether the backbone can carry every way of sharing traffic over the gateways.

If one fixed routing at home fits for all of them, with all demands of the set, then the exits alone
decide what a controller can do, and a figure of the exit network is exact for the whole. On every
arc at home the most that it can be asked for is a small transport problem::

    maximise   sum of share[a, (p, g)] t[p, g]
    subject to sum over g of t[p, g] <= most of p,   sum over p of t[p, g] <= room of g,
               sum of t <= total

A bound row by row says yes for most arcs, and the program is solved for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack


@dataclass(frozen=True, eq=False)
class Transport:
    """What may go between homes and gateways in one direction.

    Attributes
    ----------
    share : ndarray, shape (arcs, homes, gateways)
        Share of what goes between a home and a gateway that crosses each arc.
    homes_gbps, gateways_gbps : ndarray
        Most of every home and every gateway.
    total_gbps : float
    """

    share: np.ndarray
    homes_gbps: np.ndarray
    gateways_gbps: np.ndarray
    total_gbps: float

    def bound_gbps(self) -> np.ndarray:
        """Return a bound on the load of every arc, shape (arcs,)."""
        by_home = self.share.max(axis=2, initial=0.0) @ self.homes_gbps
        by_gateway = self.share.max(axis=1, initial=0.0) @ self.gateways_gbps
        most = self.share.max(axis=(1, 2), initial=0.0) * self.total_gbps
        return np.asarray(np.minimum(np.minimum(by_home, by_gateway), most))

    def exact_gbps(self, arc: int) -> float:
        """Return the largest load of an arc."""
        homes, gateways = self.share.shape[1:]
        pair = np.arange(homes * gateways)
        ones = np.ones(len(pair))
        rows = vstack(
            [
                csr_array((ones, (pair // gateways, pair)), shape=(homes, len(pair))),
                csr_array((ones, (pair % gateways, pair)), shape=(gateways, len(pair))),
                csr_array(np.ones((1, len(pair)))),
            ]
        )
        limits = np.concatenate([self.homes_gbps, self.gateways_gbps, [self.total_gbps]])
        found = linprog(-self.share[arc].ravel(), A_ub=rows, b_ub=limits, method="highs")
        return -float(found.fun)


@dataclass(frozen=True)
class Separability:
    """Whether the exits alone decide.

    Attributes
    ----------
    utilisation : float
        The highest of any arc at home, for the worst sharing of the worst demands.
    arc : int
        Where; -1 without arcs.
    over_gbps : float
        Sum over all arcs of what is above their capacity.
    arcs_over : int
    """

    utilisation: float
    arc: int
    over_gbps: float
    arcs_over: int

    @property
    def holds(self) -> bool:
        """Whether figures of the exit network are exact."""
        return self.arcs_over == 0


def separability(
    sides: list[Transport], fixed_gbps: np.ndarray, capacity_gbps: np.ndarray
) -> Separability:
    """Return whether one fixed routing fits for all ways of sharing.

    Parameters
    ----------
    sides : list of Transport
        Both directions, over the same arcs.
    fixed_gbps, capacity_gbps : ndarray, shape (arcs,)
        Load of other traffic, and capacity.
    """
    if not len(capacity_gbps):
        return Separability(0.0, -1, 0.0, 0)
    load = fixed_gbps + sum((side.bound_gbps() for side in sides), np.zeros(len(fixed_gbps)))
    for arc in np.flatnonzero(load > capacity_gbps).tolist():
        load[arc] = fixed_gbps[arc] + sum(side.exact_gbps(arc) for side in sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(load > 0, load / capacity_gbps, 0.0)
    over = np.maximum(load - capacity_gbps * (1.0 + 1e-9), 0.0)
    at = int(part.argmax())
    return Separability(float(part[at]), at, float(over.sum()), int((over > 0).sum()))
