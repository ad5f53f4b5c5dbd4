"""Plan program: the modules of least cost that break no requirement, with a proof.

An integer program over the orders alone, in which only those requirements stand that were broken by
a cheaper plan: a cutting-plane method. First the relaxation in fractions of modules is solved to
the end, which costs little, then the whole program, again until nothing is broken. Its last bound
holds for all requirements, as those that stand are some of them. As numbers of modules are whole, a
coefficient above what is needed can be lowered to it.

Where several plans cost the same, the one with fewest modules is taken, then the one that orders
latest, then the one with the offers that are listed first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from simulator.base.errors import SimulatorError
from simulator.optimise.integer import MOST_NODES, solve
from simulator.optimise.orders import Orders
from simulator.optimise.requirement import Oracle, Requirement, broken_of

MOST_ROUNDS = 400
BLOCK_NODES = 400
"""Nodes of a search with routing in it: each takes long, and the gap that is left is stated."""
_GAP = 1e-9
_TIE = 1e-7
_LATE = 1e-4


@dataclass(frozen=True, eq=False)
class Block:
    """Continuous columns of routing that is planned along, and rows that tie it to orders.

    Rows are ``equal @ columns = right`` and ``orders @ modules + use @ columns <= room``.
    """

    equal: csr_array
    right: np.ndarray
    orders: csr_array
    use: csr_array
    room: np.ndarray

    @property
    def columns(self) -> int:
        """Number of its columns."""
        return int(self.equal.shape[1])

    def rows(self, count: int) -> list[csr_array]:
        """Return all rows over so many columns of orders and those of the block."""
        none = csr_array((self.equal.shape[0], count))
        return [csr_array(hstack([none, self.equal], format="csr")),
                csr_array(hstack([self.orders, self.use], format="csr"))]  # fmt: skip


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
    columns : ndarray
        Values of the columns of a block, if there is one.
    """

    modules: np.ndarray
    cost: float
    bound: float
    rows: int
    rounds: int
    columns: np.ndarray = field(default_factory=lambda: np.zeros(0))

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
    block : Block, optional
    fixed : sequence of Requirement
        Requirements that stand from the start.
    """

    def __init__(
        self,
        orders: Orders,
        oracles: Sequence[Oracle],
        block: Block | None = None,
        fixed: Sequence[Requirement] = (),
    ) -> None:
        self.orders, self._oracles, self._block = orders, oracles, block
        rows, self._most = orders.limits()
        self._limits = csr_array(self._wide(rows))
        self.pool: list[Requirement] = []
        self._rows: list[np.ndarray] = []
        self._rounds = 0
        self._add(fixed)

    def _wide(self, rows: np.ndarray) -> np.ndarray:
        more = self._block.columns if self._block else 0
        return np.hstack([rows, np.zeros((len(rows), more))])

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
        modules = np.rint(found[: len(cost)])
        least, bound = float(price @ modules), bound / (1.0 + extra * late.max(initial=0.0))
        bound = least if bound > least * (1 - 1e-7) else max(bound, 0.0)
        if ties and least > 0:
            modules = self._chosen(least, modules)
        return Plan(modules.astype(int), least, bound, len(self._rows), self._rounds,
                    found[len(cost) :])  # fmt: skip

    def relaxed(self) -> np.ndarray:
        """Return the orders of least cost in fractions of modules."""
        return self._until_whole(self.orders.price, whole=False)[0][: len(self.orders.price)]

    @property
    def _late(self) -> np.ndarray:
        """Periods by which each order is before the last."""
        return (self.orders.periods - 1 - self.orders.ordered).astype(float)

    def _chosen(self, least: float, first: np.ndarray) -> np.ndarray:
        """Return one of the plans that cost the least: by modules, then dates, then place."""
        orders, modules = self.orders, first
        kept: list[tuple[np.ndarray, float]] = [(orders.price / least, 1.0 + _TIE)]
        place = np.argsort(np.argsort(orders.offer, kind="stable"), kind="stable") + 1.0
        for cost in (np.ones(len(first)), self._late, place):
            if not cost.any():
                continue
            found, _ = self._until_whole(cost, kept=kept, gap=_GAP)
            modules = np.rint(found[: len(first)])
            value = float(cost @ modules)
            kept.append((cost / max(value, 1.0), value / max(value, 1.0) + _TIE))
        return modules

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
            modules = found[: len(cost)]
            modules = np.rint(modules) if whole else modules
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
        count, more = len(cost), self._block.columns if self._block else 0
        rows, low, high = [self._limits], [np.full(len(self._most), -np.inf)], [self._most]
        if self._rows:
            rows.append(csr_array(self._wide(np.array(self._rows))))
            low.append(np.ones(len(self._rows)))
            high.append(np.full(len(self._rows), np.inf))
        for row, most in kept:
            rows.append(csr_array(self._wide(row[None, :])))
            low.append(np.array([-np.inf]))
            high.append(np.array([most]))
        if self._block:
            rows += self._block.rows(count)
            right, room = self._block.right, self._block.room
            low += [right, np.full(len(room), -np.inf)]
            high += [right, room]
        found = solve(
            np.concatenate([cost, np.zeros(more)]),
            csr_array(vstack(rows, format="csr")), np.concatenate(low), np.concatenate(high),
            np.concatenate([self.orders.upper, np.full(more, np.inf)]),
            whole=np.arange(count + more) < count if whole else None, gap=gap,
            nodes=BLOCK_NODES if self._block else MOST_NODES,
        )  # fmt: skip
        if found is None:
            raise NoPlan("no orders meet all requirements")
        return found.columns, found.bound
