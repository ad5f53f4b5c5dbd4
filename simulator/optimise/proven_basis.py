"""ProvenBasis: a basis of ``path_simplex.py`` that no path improves, tried on many cycles at once.

Prices of a basis depend on delays alone, not on rates. So a basis that was optimal once, over all
paths, is optimal for all other rates and room under which its flows are not negative and no link is
overfull: that is three products for any number of cycles.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.optimise.path_basis import BasisState
from simulator.optimise.path_pool import PathPool


class BasisFlows(NamedTuple):
    """Flows of a basis at some cycles.

    Attributes
    ----------
    extra : ndarray, shape (extra paths, cycles)
        Flow on every extra path.
    left : ndarray, shape (extra paths, cycles)
        What is left for the key path of the demand of each.
    """

    extra: np.ndarray
    left: np.ndarray

    def at(self, cycles: np.ndarray) -> BasisFlows:
        """Return the flows of some of the cycles."""
        return BasisFlows(self.extra[:, cycles], self.left[:, cycles])


class ProvenBasis:
    """A basis, its prices, and the bound that these prove.

    Parameters
    ----------
    pool : PathPool
        What the basis points into.
    state : BasisState
        Optimal over all paths, in canonical form.
    floor : ndarray, shape (rows,)
        Least delay and price of any path of each demand.

    Attributes
    ----------
    pool : PathPool
    basis : Basis
    row : ndarray of int, shape (extra paths,)
        Row of each extra path.
    """

    def __init__(self, pool: PathPool, state: BasisState, floor: np.ndarray) -> None:
        self.pool, self.basis, self._floor = pool, state.basis, floor
        self.row, self._inverse, detour = state.extra_paths
        self._price = state.price.copy()
        checked = pool.exits.copy()
        checked[self.basis.full] = True
        self._arcs = np.flatnonzero(checked)
        self._full = np.searchsorted(self._arcs, self.basis.full)
        self._detour = np.ascontiguousarray(detour[:, self._arcs].T)
        self._rows, self._begins, self._crossed = pool.rows_over(self.basis.key, self._arcs)

    def holds(
        self, rate: np.ndarray, room: np.ndarray, tolerance: np.ndarray
    ) -> tuple[np.ndarray, BasisFlows]:
        """Return the cycles at which the basis is optimal as far as exits and full links say.

        Parameters
        ----------
        rate : ndarray, shape (rows, cycles)
        room : ndarray, shape (arcs, cycles)
        tolerance : ndarray, shape (cycles,)
            By how much a flow may be negative, or an exit overfull.

        Returns
        -------
        cycles : ndarray of int
        flows : BasisFlows
            At these cycles.
        """
        load, allowed = np.zeros((len(self._arcs), rate.shape[1])), room[self._arcs]
        if len(self._rows):
            load[self._crossed] = np.add.reduceat(rate[self._rows], self._begins, axis=0)
        short = allowed[self._full] - load[self._full]
        # A sum over full arcs one after the other: no product whose bits depend on threads.
        extra = (self._inverse[:, :, None] * short[None]).sum(axis=1)
        left = rate[self.row]
        for path, row in enumerate(self.row.tolist()):
            left[self.row == row] -= extra[path]
        load += self._detour @ extra
        load[self._full] = allowed[self._full]
        fits = (load - allowed <= tolerance).all(axis=0)
        if len(extra):
            fits &= (np.minimum(extra, left) >= -tolerance).all(axis=0)
        cycles = np.flatnonzero(fits)
        return cycles, BasisFlows(extra, left).at(cycles)

    def bound(self, rate: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Least cost of any routing at some cycles, as in ``bounds.py``, shape (cycles,)."""
        full = self.basis.full
        cost = np.einsum("r,rc->c", self._floor, rate)
        return np.asarray(cost - np.einsum("a,ac->c", self._price[full], room[full]))
