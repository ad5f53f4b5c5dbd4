"""Plan program: the modules of least cost that break no requirement, with a proof.

An integer program over the orders alone, in which only those requirements stand that were broken by
a cheaper plan: a cutting-plane method. First the relaxation in fractions of modules is solved to
the end, which costs little, then the whole program, again until nothing is broken. Its last bound
holds for all requirements, as those that stand are some of them. As numbers of modules are whole, a
coefficient above what is needed can be lowered to it.

Where several plans cost the same, the one with fewest modules is taken, then the one that orders
latest, then by the ids of links: that with the least sum of the roots of primes in their order,
which no two plans share. Each of these is a program of its own that keeps what was found before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from simulator.base.errors import SimulatorError
from simulator.optimise.integer import MOST_NODES, solve
from simulator.optimise.orders import Orders
from simulator.optimise.requirement import Oracle, Requirement, broken_of

MOST_ROUNDS = 400
_GAP = 1e-9
_TIE = 1e-7
_LATE = 1e-4


@dataclass(frozen=True, eq=False)
class Plan:
    """What to order.

    Attributes
    ----------
    modules : ndarray of int, shape (columns,)
    cost, bound : float
        What it costs, and what any plan costs at least.
    rows, rounds : int
        Requirements that stood in the program, and programs that were solved.
    chosen : bool
        Whether it is proven to be the one among all of its cost that the rule takes.
    """

    modules: np.ndarray
    cost: float
    bound: float
    rows: int
    rounds: int
    chosen: bool = False

    @property
    def gap(self) -> float:
        """Part of the cost that is not proven."""
        return max(0.0, 1.0 - self.bound / self.cost) if self.cost > 0 else 0.0


class NoPlan(SimulatorError):
    """No orders break no requirement."""


class PlanProgram:
    """The program in the making.

    Parameters
    ----------
    orders : Orders
    oracles : sequence of Oracle
        Cheap ones first.
    fixed : sequence of Requirement
        Requirements that stand from the start.
    nodes : int
        Nodes of each search tree.
    """

    def __init__(
        self,
        orders: Orders,
        oracles: Sequence[Oracle],
        fixed: Sequence[Requirement] = (),
        *,
        nodes: int = MOST_NODES,
    ) -> None:
        self.orders, self._oracles = orders, oracles
        rows, self._most = orders.limits()
        self._limits = csr_array(rows)
        self._nodes = nodes
        self.pool: list[Requirement] = []
        self._rows: list[np.ndarray] = []
        self._rounds = 0
        self._add(fixed)

    def _add(self, found: Sequence[Requirement]) -> None:
        for each in found:
            coefficients, need = self.orders.row(each)
            if need > 0:
                self.pool.append(each)
                self._rows.append(coefficients / need)

    # -- the whole ----------------------------------------------------------------------------

    def least_cost(self, gap: float = 0.0, *, ties: bool = True) -> Plan:
        """Return the plan of least cost.

        Parameters
        ----------
        gap : float
            Part of the cost that need not be proven.
        ties : bool
            Whether one of several such plans is chosen by rule; if not, orders that are placed
            earlier than others are taken as dearer by a ten-thousandth.

        Raises
        ------
        NoPlan
            There is none.
        """
        price, late = self.orders.price, self._late
        extra = 0.0 if ties else _LATE
        cost = price * (1.0 + extra * late)
        self._until_whole(cost, whole=False)
        found, bound = self._until_whole(cost, gap=max(gap, _GAP))
        modules = np.rint(found)
        least, bound = float(price @ modules), bound / (1.0 + extra * late.max(initial=0.0))
        bound = least if bound > least * (1 - 1e-7) else max(bound, 0.0)
        chosen = least == 0
        if ties and least > 0:
            modules, chosen = self._chosen(least, modules)
        return Plan(modules.astype(int), least, bound, len(self._rows), self._rounds,
                    chosen)  # fmt: skip

    def relaxed(self) -> np.ndarray:
        """Return the orders of least cost in fractions of modules."""
        return self._until_whole(self.orders.price, whole=False)[0]

    @property
    def _late(self) -> np.ndarray:
        """Periods by which each order is before the last."""
        return (self.orders.periods - 1 - self.orders.ordered).astype(float)

    def _chosen(self, least: float, first: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return one of the plans that cost the least, and whether all of the rule is proven."""
        orders, modules, proven = self.orders, first, True
        kept: list[tuple[np.ndarray, float]] = [(orders.price / least, 1.0 + _TIE)]
        for cost in (np.ones(len(first)), self._late, orders.weights):
            if not cost.any():
                continue
            found, bound = self._until_whole(cost, kept=kept, gap=_GAP)
            modules = np.rint(found)
            value = float(cost @ modules)
            proven &= bound >= value - _TIE * max(value, 1.0)
            kept.append((cost / max(value, 1.0), value / max(value, 1.0) + _TIE))
        return modules, proven

    def _until_whole(
        self,
        cost: np.ndarray,
        *,
        whole: bool = True,
        gap: float = 0.0,
        kept: Sequence[tuple[np.ndarray, float]] = (),
    ) -> tuple[np.ndarray, float]:
        """Solve and add what is broken until nothing is."""
        for _ in range(MOST_ROUNDS):
            found, bound = self._solved(cost, whole, gap, kept)
            modules = np.rint(found) if whole else found
            broken = broken_of(self._oracles, self.orders.capacity(modules))
            if not broken:
                return found, bound
            self._add(broken)
        raise SimulatorError(f"no plan was found in {MOST_ROUNDS} rounds")

    def _solved(
        self,
        cost: np.ndarray,
        whole: bool,
        gap: float,
        kept: Sequence[tuple[np.ndarray, float]],
    ) -> tuple[np.ndarray, float]:
        self._rounds += 1
        rows, low, high = [self._limits], [np.full(len(self._most), -np.inf)], [self._most]
        if self._rows:
            rows.append(csr_array(np.array(self._rows)))
            low.append(np.ones(len(self._rows)))
            high.append(np.full(len(self._rows), np.inf))
        for row, most in kept:
            rows.append(csr_array(row[None, :]))
            low.append(np.array([-np.inf]))
            high.append(np.array([most]))
        found = solve(
            cost, csr_array(vstack(rows, format="csr")), np.concatenate(low),
            np.concatenate(high), self.orders.upper,
            whole=np.ones(len(cost), dtype=bool) if whole else None, gap=gap, nodes=self._nodes,
        )  # fmt: skip
        if found is None:
            raise NoPlan("no orders meet all requirements")
        return found.columns, found.bound
