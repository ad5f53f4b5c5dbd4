"""Exit program: the joint worst of failures and demands where there are too many to list.

An integer program chooses the elements that are down, the side of every node and the demands at
once. With ``y`` one beyond the cut, ``z`` one where an element is down, ``w`` one where an arc is
cut and alive, ``v`` one where in addition the cable under a part of it is alive, and ``x`` the
demand of an end that is beyond::

    maximise    sum x  -  sum of the capacity under w and v
    subject to  w[a] >= y[head] - y[tail] - sum of z that take all of a
                v[a, c] >= w[a] - z[c],    x[r] <= d[r],    x[r] <= most[r] y[r]
                d in D,    sum of z log q >= log p

All products are of choices, so that no large number is needed. For the largest utilisation the
exits are multiplied by a limit, which is raised to that of the last solution until nothing is above
it (Dinkelbach, *On nonlinear fractional programming*, Management Science 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from simulator.base.errors import SimulatorError
from simulator.optimise.demand_set import DemandSet
from simulator.optimise.exit_cuts import DEAD_GBPS, HOME, ExitNetwork
from simulator.optimise.failure_sets import SLACK
from simulator.optimise.integer import solve

_ROUNDS = 30
_SURE = 1e-6
_GAP = 1e-7


@dataclass(frozen=True, eq=False)
class Side:
    """One direction of traffic: its exit network, its demands, and what failures take of it.

    Attributes
    ----------
    net : ExitNetwork
    demands : DemandSet
    capacity : ndarray, shape (arcs of the network,)
        Without failures.
    share : ndarray, shape (elements, arcs of the network)
        Part of each arc that goes with an element.
    """

    net: ExitNetwork
    demands: DemandSet
    capacity: np.ndarray
    share: np.ndarray


@dataclass(frozen=True, eq=False)
class Found:
    """A worst case: value, a bound on all, the elements down, and the ends beyond by direction."""

    value: float
    bound: float
    down: np.ndarray
    ends: dict[str, np.ndarray]


@dataclass(eq=False)
class _Rows:
    """Rows ``matrix @ columns <= limit`` in the making, and columns with their bounds."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    entries: list[tuple[int, int, float]] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    def column(self, cost: float = 0.0, upper: float = 1.0, whole: bool = False) -> int:
        self.cost.append(cost)
        self.upper.append(upper)
        self.whole.append(int(whole))
        return len(self.cost) - 1

    def row(self, terms: Sequence[tuple[int, float]], limit: float) -> None:
        self.entries += [(len(self.limits), column, factor) for column, factor in terms]
        self.limits.append(limit)

    def solve(self) -> tuple[float, float, np.ndarray]:
        """Return value, bound and columns."""
        at, column, factor = (np.array(each) for each in zip(*self.entries, strict=True))
        shape = (len(self.limits), len(self.cost))
        found = solve(
            np.array(self.cost), csr_array((factor, (at, column)), shape=shape),
            np.full(shape[0], -np.inf), np.array(self.limits), np.array(self.upper),
            whole=np.array(self.whole, dtype=bool), gap=_GAP,
        )  # fmt: skip
        if found is None:
            raise SimulatorError("HiGHS finds no failures and demands that are possible")
        return -found.cost, -found.bound, found.columns


@dataclass(frozen=True, eq=False)
class Likely:
    """Which sets of elements may be down.

    Attributes
    ----------
    unavailability : ndarray, shape (elements,)
    least : float
        Probability; see :func:`simulator.optimise.failure_sets.likely_sets`.
    exactly : bool
        Whether it is that of exactly these elements being down.
    single : bool
        Whether any one element may be down instead, and no more.
    """

    unavailability: np.ndarray
    least: float
    exactly: bool = False
    single: bool = False


def worst_unserved(sides: Sequence[Side], likely: Likely) -> Found:
    """Return the failures and demands at which the least of all directions can be served."""
    return _solved(sides, likely, 1.0)


def worst_utilisation(side: Side, likely: Likely) -> Found:
    """Return the failures and demands at which the fullest exit is fullest at best.

    The value is infinite where some demand can have no exit at all.
    """
    level, best = 0.0, Found(0.0, 0.0, np.zeros(len(likely.unavailability), dtype=bool), {})
    for _ in range(_ROUNDS):
        found = _solved([side], likely, level)
        if found.value <= _SURE * side.demands.most_gbps:
            break
        reached = _level(side, found)
        best = Found(reached, reached, found.down, found.ends)
        if np.isinf(reached) or reached <= level * (1.0 + 1e-9):
            return best
        level = reached
    sure = _solved([side], likely, level * (1.0 + 1e-4) + 1e-9)
    bound = level * (1.0 + 1e-4) if sure.bound <= _SURE * side.demands.most_gbps else np.inf
    return Found(best.value, max(bound, best.value), best.down, best.ends)


def _level(side: Side, found: Found) -> float:
    """Utilisation that the cut of a solution shows: over all exits between its sides."""
    left = np.clip(1.0 - found.down.astype(float) @ side.share, 0.0, 1.0)
    capacity = side.capacity * np.where(left < DEAD_GBPS, 0.0, left)
    far = found.ends[side.net.way]
    beyond = np.append(far, False)
    crossed = ~beyond[side.net.tail] & beyond[side.net.head] & side.net.limited
    need = float(side.demands.of_ends(far[side.net.ends][None, :])[0])
    need -= float(capacity[side.net.arcs[crossed & ~side.net.is_exit]].sum())
    through = float(capacity[side.net.arcs[crossed & side.net.is_exit]].sum())
    return need / through if through > DEAD_GBPS else np.inf


def _solved(sides: Sequence[Side], likely: Likely, level: float) -> Found:
    rows, q = _Rows(), likely.unavailability
    able = likely.single | (q > 0)
    down = [rows.column(whole=True, upper=float(may)) for may in able.tolist()]
    if likely.single:
        rows.row([(column, 1.0) for column in down], 1.0)
    else:
        _likely(rows, down, q, likely.least, likely.exactly)
    beyond = {side.net.way: _side(rows, side, down, level) for side in sides}
    value, bound, columns = rows.solve()
    ends = {way: columns[np.array(at)] > 0.5 for way, at in beyond.items()}
    return Found(max(value, 0.0), bound, columns[down] > 0.5, ends)


def _likely(rows: _Rows, down: list[int], q: np.ndarray, least: float, exactly: bool) -> None:
    """The elements that are down are likely enough."""
    able = q > 0
    logs = np.zeros(len(q))
    logs[able] = np.log(q[able] / (1.0 - q[able]) if exactly else q[able])
    start = float(np.log1p(-q).sum()) if exactly else 0.0
    terms = [(column, -log) for column, log in zip(down, logs.tolist(), strict=True) if log]
    rows.row(terms or [(down[0], 0.0)], start - np.log(least / SLACK))


def _side(rows: _Rows, side: Side, down: list[int], level: float) -> list[int]:
    """Add the columns and rows of a direction; return the columns of its nodes."""
    net = side.net
    far = [rows.column(whole=True) for _ in net.nodes]
    for arc, tail, head, is_exit in zip(
        net.arcs.tolist(), net.tail.tolist(), net.head.tolist(), net.is_exit.tolist(), strict=True
    ):
        ends = [(far[head], 1.0), *([] if tail == HOME else [(far[tail], -1.0)])]
        if arc < 0:
            rows.row(ends, 0.0)
        elif side.capacity[arc] > 0:
            weight = side.capacity[arc] * (level if is_exit else 1.0)
            _arc(rows, ends, down, side.share[:, arc], float(weight))
    low, high = side.demands.far_range
    ends_of = [rows.column(upper=most) for most in high.tolist()]
    rows.row([(each, 1.0) for each in ends_of], side.demands.most_gbps)
    for each, node, least, most in zip(
        ends_of, net.ends.tolist(), low.tolist(), high.tolist(), strict=True
    ):
        rows.row([(each, -1.0)], -least)
        served = rows.column(cost=-1.0, upper=most)
        rows.row([(served, 1.0), (each, -1.0)], 0.0)
        rows.row([(served, 1.0), (far[node], -most)], 0.0)
    return far


def _arc(
    rows: _Rows, ends: list[tuple[int, float]], down: list[int], share: np.ndarray, weight: float
) -> None:
    """An arc that is cut costs what is left of it."""
    whole = [(down[i], -1.0) for i in np.flatnonzero(share >= 1.0 - 1e-12).tolist()]
    parts = np.flatnonzero((share > 0) & (share < 1.0 - 1e-12)).tolist()
    rest = max(1.0 - float(share[parts].sum()), 0.0)
    cut = rows.column(cost=weight * rest)
    rows.row([*ends, *whole, (cut, -1.0)], 0.0)
    for i in parts:
        alive = rows.column(cost=weight * float(share[i]))
        rows.row([(cut, 1.0), (down[i], -1.0), (alive, -1.0)], 0.0)
