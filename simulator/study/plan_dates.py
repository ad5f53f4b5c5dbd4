"""Plan dates: when a network runs out, under each way of routing.

Demands grow, so that what a requirement needs rises with time, in closed form; what it has does
not. From late on, the requirement that is broken most is taken and its root found, again and again,
until no other is broken there: the last root is the day, exactly, after some three of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import brentq

from simulator.control.strategy import Strategy
from simulator.optimise.demand_set import DemandSet
from simulator.optimise.plan_splits import SplitOracle, patterns_of
from simulator.optimise.requirement import Held, Requirement, broken_of
from simulator.study.behaviour import FixedRoutes
from simulator.study.plan_case import PlanCase, oracles_of
from simulator.study.plan_search import ADAPTIVE, ROUTED, SPLITS, splits_of

LATEST_Y, EARLIEST_Y = 30.0, -30.0
"""Years that are looked at."""
_TOLERANCE = 1e-13
_SLACK = 1e-11
_ROUNDS = 200


def run_out_years(
    case: PlanCase, kinds: Mapping[str, str], strategy: Strategy, capacity: np.ndarray
) -> float:
    """Return the years from the start until a requirement fails, with so much capacity.

    Parameters
    ----------
    capacity : ndarray, shape (arcs of the network,)

    Returns
    -------
    float
        Infinite where none does in the years that are looked at, -30 where one always did.
    """
    found = LATEST_Y
    free = [way for way, kind in kinds.items() if kind == ADAPTIVE]
    found = _adaptive(case, free, capacity, found)
    for way in [way for way, kind in kinds.items() if kind == ROUTED]:
        found = _routed(case, way, strategy, capacity, found)
    split = [way for way, kind in kinds.items() if kind == SPLITS]
    found = _split(case, split, capacity, found)
    return np.inf if found >= LATEST_Y else found


def _held(case: PlanCase, way: str, years: float) -> Held:
    return Held(way, (case.set_at(way, years),), case.left, case.limit)


def _adaptive(case: PlanCase, ways: list[str], capacity: np.ndarray, latest: float) -> float:
    for _ in range(_ROUNDS):
        sides = {way: (_held(case, way, latest), case.sides[way]) for way in ways}
        broken = broken_of(oracles_of(sides, _SLACK), capacity[None, :])
        if not broken:
            break
        worst = max(broken, key=lambda each: each.need_gbps / max(_room(each, capacity), 1e-12))
        found = _root(_need_of(case, worst), _room(worst, capacity), latest)
        if found >= latest or found <= EARLIEST_Y:
            return min(found, latest)
        latest = found
    return latest


def _room(requirement: Requirement, capacity: np.ndarray) -> float:
    return float(requirement.arcs @ capacity)


def _need_of(case: PlanCase, requirement: Requirement) -> Callable[[float], float]:
    def need(years: float) -> float:
        demands = case.joint_at(requirement.way, years)
        return float(demands.far_most(requirement.ends[None, :])[0][0])

    return need


def _root(need: Callable[[float], float], room: float, latest: float) -> float:
    """Return when a need that grows exceeds its room, before *latest*."""
    if room <= 0 or need(EARLIEST_Y) >= room:
        return EARLIEST_Y
    if need(latest) <= room:
        return latest
    found = brentq(lambda t: np.log(need(t) / room), EARLIEST_Y, latest, xtol=_TOLERANCE,
                   rtol=8.9e-16)  # fmt: skip
    return float(found)


def _routed(
    case: PlanCase, way: str, strategy: Strategy, capacity: np.ndarray, latest: float
) -> float:
    """Routes that do not follow traffic: each arc in each pattern has a root of its own."""
    before, side = case.market.before, case.sides[way]
    routes = FixedRoutes(strategy.static_scheme, before, case.demand.demands, side.mine)
    arcs = side.net.arcs[side.net.arcs < len(before.tail)]
    for states in patterns_of(case.left):
        made = routes.under(case.left[states[0], : len(before.tail)] > 0)
        if (made.served < 1.0 - 1e-9).any():
            return EARLIEST_Y
        share = made.matrix.toarray()[arcs]
        room = (case.left[states] * case.limit).min(axis=0)[arcs] * capacity[arcs]
        latest = _first_full(case, way, share, room, latest)
    return latest


def _first_full(
    case: PlanCase, way: str, share: np.ndarray, room: np.ndarray, latest: float
) -> float:
    """Return when the first arc is full; a bound says which arcs need no look."""
    cleared = room <= 0
    for _ in range(_ROUNDS):
        demands = case.set_at(way, latest)
        part = np.where(cleared, 0.0, demands.worst_bound(share) / np.where(cleared, 1.0, room))
        at = int(part.argmax())
        if part[at] <= 1.0 + 1e-12:
            return latest
        found = _root(_load_of(case, way, share[at]), float(room[at]), latest)
        if found >= latest:
            cleared = cleared | (np.arange(len(room)) == at)
        latest = min(latest, found)
        if latest <= EARLIEST_Y:
            return latest
    return latest


def _load_of(case: PlanCase, way: str, share: np.ndarray) -> Callable[[float], float]:
    def load(years: float) -> float:
        demands: DemandSet = case.set_at(way, years)
        return demands.worst(share)[0]

    return load


def _split(case: PlanCase, ways: list[str], capacity: np.ndarray, latest: float) -> float:
    """Fixed shares, planned anew for the day: the part that fills first has the root of its own."""
    for place in range(len(_splits(case, ways, latest))):
        for _ in range(_ROUNDS):
            full = _splits(case, ways, latest)[place].fullest(capacity[None, :])
            pattern = int(full.argmax())
            if full[pattern] <= 1.0 + _SLACK:
                break
            states = patterns_of(case.left)[pattern]
            found = _root(_share_of(case, ways, place, states, capacity), 1.0, latest)
            if found >= latest or found <= EARLIEST_Y:
                latest = min(found, latest)
                break
            latest = found
    return latest


def _splits(
    case: PlanCase, ways: list[str], years: float, states: np.ndarray | None = None
) -> list[SplitOracle]:
    left = case.left if states is None else case.left[states]
    return splits_of({way: (Held(way, (case.set_at(way, years),), left, case.limit),
                            case.sides[way]) for way in ways})  # fmt: skip


def _share_of(
    case: PlanCase, ways: list[str], place: int, states: np.ndarray, capacity: np.ndarray
) -> Callable[[float], float]:
    def share(years: float) -> float:
        oracle = _splits(case, ways, years, states)[place]
        return float(oracle.fullest(capacity[None, :])[0])

    return share
