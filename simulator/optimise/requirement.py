"""Requirements: what capacity must do for traffic across the border, and which of them fail.

A requirement says of a period, a state of the network and a direction: however the demands of the
ends abroad lie in their set, weighted, they fit through arcs, weighted, each up to its limit::

    max over d in D of  weight @ d   <=   sum over arcs of  price * limit * left * capacity

With weights of 0 and 1 that is a cut of the exit network. In general it is the dual of a program
that routes the traffic (Farkas): no such sum may fail if all demands are to have a way, and where
they have none, the prices of the program are one that fails. So a plan that breaks none of them is
feasible, and all that a search needs is the one that is broken most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy import sparse

from simulator.optimise.demand_set import DemandSet, JointDemands
from simulator.optimise.exit_cuts import Cuts
from simulator.optimise.exit_ways import Ways
from simulator.optimise.program import INFINITE, Program

SLACK = 1e-6
"""Share of what is needed that a requirement may lack: rounding of HiGHS."""
MOST_CORNERS = 600
"""Corners of a set of demands that are routed one by one."""
_DEAD = 1e-9
_A_STATE = 2


BOTH = "both"
"""In place of a direction: both of them at once."""


@dataclass(frozen=True, eq=False)
class Requirement:
    """One requirement.

    Attributes
    ----------
    period, state : int
    way : str
        Direction of traffic, or ``both``.
    ends : ndarray, shape (ends,)
        Weights of the ends abroad.
    arcs : ndarray, shape (arcs of the network,)
        Gbps that count for every Gbps of capacity installed.
    need_gbps : float
    """

    period: int
    state: int
    way: str
    ends: np.ndarray
    arcs: np.ndarray
    need_gbps: float

    def short_gbps(self, capacity: np.ndarray) -> float:
        """Return what is missing with so much capacity installed, shape (arcs of the network,)."""
        return self.need_gbps - float(self.arcs @ capacity)

    def fails(self, capacity: np.ndarray, slack: float = SLACK) -> bool:
        """Whether more is missing than *slack*, a share of what is needed, explains."""
        return self.short_gbps(capacity) > slack * max(1.0, self.need_gbps)


class Oracle(Protocol):
    """Finds requirements that fail."""

    def broken(self, capacity: np.ndarray) -> list[Requirement]:
        """Return the worst that fail with so much capacity, shape (periods, arcs)."""


@dataclass(frozen=True, eq=False)
class Held:
    """One direction: what has to hold in each period and state.

    Attributes
    ----------
    way : str
    demands : tuple of DemandSet or JointDemands
        Of each period.
    left : ndarray, shape (states, arcs of the network)
        Share of each arc that a state leaves.
    limit : ndarray, shape (arcs of the network,)
        Utilisation that is allowed.
    first : int
        Period from which on it has to hold.
    """

    way: str
    demands: tuple[DemandSet | JointDemands, ...]
    left: np.ndarray
    limit: np.ndarray
    first: int = 0

    @cached_property
    def factor(self) -> np.ndarray:
        """Gbps allowed for every Gbps installed, shape (states, arcs of the network)."""
        return self.left * self.limit


class CutOracle:
    """Looks at all cuts in all states, as one product of matrices.

    Parameters
    ----------
    held : Held
    cuts : Cuts
    slack : float
        What may be missing, as a share.
    """

    def __init__(self, held: Held, cuts: Cuts, slack: float = SLACK) -> None:
        self._held, self._cuts, self._slack = held, cuts, slack
        net = cuts.net
        self._arcs = np.concatenate([net.exits, net.others])
        self._crossed = np.hstack([cuts.exits, cuts.others])
        sets = [each for each in held.demands if isinstance(each, DemandSet)]
        self._need = [each.of_ends(cuts.ends) for each in sets]

    def broken(self, capacity: np.ndarray) -> list[Requirement]:
        """Return up to two requirements of each period and state."""
        found: list[Requirement] = []
        for period in range(self._held.first, len(self._need)):
            found += self._of_period(period, capacity[period])
        return found

    def _of_period(self, period: int, capacity: np.ndarray) -> Iterable[Requirement]:
        room = (self._held.factor * capacity)[:, self._arcs]
        short = self._need[period] - room @ self._crossed.T
        for state in range(len(short)):
            top = np.argpartition(-short[state], min(_A_STATE, short.shape[1] - 1))[:_A_STATE]
            for cut in sorted(top.tolist(), key=lambda c: -short[state, c]):
                made = self._made(period, state, cut)
                if made.fails(capacity, self._slack):
                    yield made

    def _made(self, period: int, state: int, cut: int) -> Requirement:
        arcs = np.zeros(self._held.factor.shape[1])
        factor = self._held.factor[state]
        np.add.at(arcs, self._arcs, self._crossed[cut] * factor[self._arcs])
        need = float(self._need[period][cut])
        ends = self._cuts.ends[cut].astype(float)
        return Requirement(period, state, self._held.way, ends, arcs, need)


class FlowOracle:
    """Routes the corners of the demands in every state, and takes the prices where it fails.

    Exact also where exits are open to some ends only and links abroad have limits, so that ends no
    longer share one commodity.

    Parameters
    ----------
    held : Held
    ways : Ways
    slack : float
        What may be missing, as a share.
    """

    def __init__(self, held: Held, ways: Ways, slack: float = SLACK) -> None:
        self._held, self._ways, self._slack = held, ways, slack
        self._arcs = ways.arcs
        self._corners = [each.far_corners(MOST_CORNERS) for each in held.demands]
        self._fits: dict[tuple[int, int, int], np.ndarray] = {}

    @cached_property
    def _router(self) -> Router:
        return Router(self._ways, np.zeros(len(self._arcs)))

    @property
    def exact(self) -> bool:
        """Whether all corners are looked at, and all ways."""
        return self._ways.listed and all(each is not None for each in self._corners)

    def broken(self, capacity: np.ndarray) -> list[Requirement]:
        """Return the worst requirement of each period and state."""
        found = []
        for period in range(self._held.first, len(self._corners)):
            for state in range(len(self._held.left)):
                worst = self._worst(period, state, capacity[period])
                if worst is not None:
                    found.append(worst)
        return found

    def _worst(self, period: int, state: int, capacity: np.ndarray) -> Requirement | None:
        room = (self._held.factor[state] * capacity)[self._arcs]
        demands, corners = self._held.demands[period], self._corners[period]
        start = demands.far_most(np.ones((1, len(self._ways.entry))))[1]
        routed, best = self._router, None
        routed.set_room(room)
        for i, point in enumerate(start if corners is None else corners):
            # Loads that have fitted before are a proof where they fit again.
            known = self._fits.get((period, state, i))
            if corners is not None and known is not None and (known <= room + _DEAD).all():
                continue
            made = self._made(period, state, *routed.prices(point))
            # The dearest demands for these prices may be further out than the corner.
            if corners is None and made is not None:
                again = routed.prices(demands.far_most(made.ends[None, :])[1][0])
                made = self._made(period, state, *again) or made
            if made is None:
                self._fits[period, state, i] = routed.loads
            if made is None or not made.fails(capacity, self._slack):
                continue
            if best is None or made.short_gbps(capacity) > best.short_gbps(capacity):
                best = made
        return best

    def _made(
        self, period: int, state: int, short: float, ends: np.ndarray, price: np.ndarray
    ) -> Requirement | None:
        if short <= self._slack:
            return None
        arcs = np.zeros(self._held.factor.shape[1])
        np.add.at(arcs, self._arcs, price * self._held.factor[state][self._arcs])
        need = float(self._held.demands[period].far_most(ends[None, :])[0][0])
        return Requirement(period, state, self._held.way, ends, arcs, need)


class Router:
    """The program of one state: what has no way is least; solved for one corner after the other.

    Parameters
    ----------
    ways : Ways
    room : ndarray, shape (arcs of the exit network,)
        Most load of each arc.
    """

    def __init__(self, ways: Ways, room: np.ndarray) -> None:
        self._ways, ends = ways, len(ways.entry)
        rows, columns = ways.kept.shape
        # Columns: flows, and what each end goes without. Rows: balance, then arcs.
        without = sparse.csr_array(
            (ways.entries, (np.arange(rows), ways.of_row)), shape=(rows, ends)
        )
        arcs = sparse.hstack([ways.load, sparse.csr_array((len(room), ends))])
        matrix = sparse.vstack([sparse.hstack([ways.kept, without]), arcs], format="csc")
        self._program = Program(
            cost=np.concatenate([np.zeros(columns), np.ones(ends)]),
            upper=np.full(columns + ends, INFINITE),
            matrix=sparse.csc_array(matrix),
            row_lower=np.concatenate([np.zeros(rows), np.full(len(room), -INFINITE)]),
            row_upper=np.concatenate([np.zeros(rows), np.where(room < _DEAD, 0.0, room)]),
            basic_columns=np.zeros(columns + ends, dtype=bool),
            basic_rows=np.ones(rows + len(room), dtype=bool),
        )
        self._rows = rows

    def set_room(self, room: np.ndarray) -> None:
        """Set the most load of each arc."""
        self._program.set_room(self._rows, np.where(room < _DEAD, 0.0, room))

    @property
    def loads(self) -> np.ndarray:
        """Load of each arc of the exit network in what was solved last."""
        return np.asarray(self._ways.load @ self._found[: self._ways.columns])

    def prices(self, demands: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return what has no way, and the prices of ends and arcs that prove it."""
        self._program.set_rows(self._ways.needs(demands))
        found = self._program.solve()
        self._found, short = found.values, float(found.values[-len(demands) :].sum())
        balance, arcs = found.prices[: self._rows], found.prices[self._rows :]
        ends = np.bincount(self._ways.of_row, balance * self._ways.entries, len(demands))
        return short, np.maximum(ends, 0.0), np.maximum(-arcs, 0.0)


def broken_of(oracles: Sequence[Oracle], capacity: np.ndarray) -> list[Requirement]:
    """Return what the first oracle that finds anything finds: cheap ones go first."""
    for oracle in oracles:
        if found := oracle.broken(capacity):
            return found
    return []
