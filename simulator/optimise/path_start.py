"""What ``path_simplex.py`` starts from: the table of paths, the last basis, and rates near one."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.path_basis import Basis
from simulator.optimise.path_pool import PathPool, pool_by_exit
from simulator.optimise.path_problem import nine_digits
from simulator.paths.candidates import remembered


@dataclass(frozen=True, eq=False)
class Start:
    """Where the next solve of the same paths starts from."""

    key: Hashable
    pool: PathPool
    basis: Basis


def table_of(network: Network, demands: Demands) -> tuple[Hashable, PathPool]:
    """Return all paths by exits of these demands, and the key under which they are kept."""
    # Ties are broken by name, and demands between the same ends may be of different services.
    kinds = None if demands.service is None else tuple(demands.service)
    key = remembered(network, demands, "paths by exit", kinds)
    if key not in network.memo:
        network.memo[key] = pool_by_exit(network, demands)
    return key, network.memo[key]


def start_of(current: Routes | None, key: Hashable) -> tuple[PathPool | None, Basis | None]:
    """Return the pool and the basis that earlier routes over the same paths ended with."""
    start = None if current is None else current.warm_start
    if isinstance(start, Start) and start.key == key:
        return start.pool, start.basis
    return None, None


class Scaled(NamedTuple):
    """Rates and capacities in units near one, at one cycle or at many.

    Attributes
    ----------
    unit_gbps : ndarray, shape () or (cycles,)
    rate : ndarray, shape (rows,) or (rows, cycles)
    capacity, background : ndarray, shape (arcs,) or (arcs, cycles)
    """

    unit_gbps: np.ndarray
    rate: np.ndarray
    capacity: np.ndarray
    background: np.ndarray

    @classmethod
    def of(
        cls,
        network: Network,
        gbps: np.ndarray,
        table: PathPool,
        background_gbps: np.ndarray | None = None,
    ) -> Scaled:
        """Return the rates, the capacities and the background of one cycle or of many.

        Parameters
        ----------
        gbps : ndarray, shape (demands,) or (demands, cycles)
        background_gbps : ndarray, shape (arcs,) or (arcs, cycles), optional
            That of the network when left out.
        """
        if background_gbps is None:
            background_gbps = network.background_gbps
        unit = gbps.max(axis=0, initial=0.0)
        unit = np.where(unit > 0, unit, 1.0)
        capacity = network.capacity_gbps if gbps.ndim == 1 else network.capacity_gbps[:, None]
        return cls(
            unit,
            nine_digits(gbps / unit)[table.who],
            nine_digits(capacity / unit),
            nine_digits(background_gbps / unit),
        )

    def at(self, cycle: int) -> Scaled:
        """Return one of many cycles."""
        return Scaled(*(np.ascontiguousarray(each[..., cycle]) for each in self))
