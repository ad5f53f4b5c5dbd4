"""Orders: what can be bought in which period, as columns of a program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.optimise.requirement import Requirement


@dataclass(frozen=True, eq=False)
class Orders:
    """Columns: modules of each offer ordered in each period.

    Attributes
    ----------
    base_gbps : ndarray, shape (arcs of the network,)
        Capacity installed at the start.
    gives : ndarray, shape (offers, arcs of the network)
        Gbps that a module adds.
    most : ndarray, shape (offers,)
        Modules of an offer in all periods together.
    offer, ordered : ndarray of int, shape (columns,)
        Offer and period of each column.
    price : ndarray, shape (columns,)
        Of a module.
    counts : ndarray of bool, shape (periods, columns)
        Whether what a column orders is there in a period.
    budget : float
        Most of all prices together.
    budget_each : ndarray, shape (periods,)
        Most of the orders of each period.
    rank : ndarray of int, shape (columns,), optional
        Place of each column among all, by which one of several equal plans is chosen; as they are
        listed when left out.
    """

    base_gbps: np.ndarray
    gives: np.ndarray
    most: np.ndarray
    offer: np.ndarray
    ordered: np.ndarray
    price: np.ndarray
    counts: np.ndarray
    budget: float = np.inf
    budget_each: np.ndarray | None = None
    rank: np.ndarray | None = None

    @property
    def periods(self) -> int:
        """Number of periods."""
        return len(self.counts)

    @cached_property
    def upper(self) -> np.ndarray:
        """Most modules of each column."""
        return self.most[self.offer].astype(float)

    @cached_property
    def weights(self) -> np.ndarray:
        """Roots of primes by rank, shape (columns,): no two plans have the same sum of them.

        Square roots of different primes are linearly independent over the rationals (Besicovitch,
        *On the linear independence of fractional powers of integers*, 1940), so that a sum of
        whole multiples says how many there are of each.
        """
        count = len(self.price)
        rank = np.arange(count) if self.rank is None else self.rank
        return np.sqrt(_primes(count)[rank])

    def capacity(self, modules: np.ndarray) -> np.ndarray:
        """Return the capacity of every arc in every period, shape (periods, arcs)."""
        there = self.counts * modules
        by_offer = np.zeros((self.periods, len(self.gives)))
        np.add.at(by_offer.T, self.offer, there.T)
        return np.asarray(self.base_gbps + by_offer @ self.gives)

    @cached_property
    def all_capacity(self) -> np.ndarray:
        """Capacity with all that can be there bought, shape (periods, arcs)."""
        there = np.zeros((self.periods, len(self.gives)), dtype=bool)
        np.logical_or.at(there.T, self.offer, self.counts.T)
        return np.asarray(self.base_gbps + (there * self.most) @ self.gives)

    def row(self, requirement: Requirement) -> tuple[np.ndarray, float]:
        """Return coefficients of the columns and what they must reach; a module counts so far."""
        each = (self.gives @ requirement.arcs)[self.offer] * self.counts[requirement.period]
        need = requirement.short_gbps(self.base_gbps)
        return np.minimum(each, max(need, 0.0)), need

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and upper ends: modules of an offer, and budgets."""
        rows = [(self.offer == i).astype(float) for i in range(len(self.gives))]
        upper = self.most.astype(float).tolist()
        if np.isfinite(self.budget):
            scale = max(self.budget, 1.0)
            rows, upper = [*rows, self.price / scale], [*upper, self.budget / scale]
        for period, most in enumerate([] if self.budget_each is None else self.budget_each):
            scale = max(float(most), 1.0)
            if np.isfinite(most):
                rows.append(self.price * (self.ordered == period) / scale)
                upper.append(float(most) / scale)
        return np.array(rows), np.array(upper)

    def without_budget(self) -> Orders:
        """Return the same without limits on what is spent."""
        return replace(self, budget=np.inf, budget_each=None)


def _primes(count: int) -> np.ndarray:
    """Return the first so many primes."""
    most = max(16, int(count * (np.log(count + 2) + np.log(np.log(count + 3)) + 1)))
    sieve = np.ones(most + 1, dtype=bool)
    sieve[:2] = False
    for i in range(2, int(most**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = False
    return np.flatnonzero(sieve)[:count]
