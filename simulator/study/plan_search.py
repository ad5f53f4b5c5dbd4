"""Plan search: the cheapest plan of each way of routing, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.control.strategy import Strategy
from simulator.optimise.demand_set import DemandSet
from simulator.optimise.greedy import greedy_cost
from simulator.optimise.integer import MOST_NODES
from simulator.optimise.orders import Orders
from simulator.optimise.plan_program import NoPlan, Plan, PlanProgram
from simulator.optimise.plan_splits import SplitOracle, SplitPart, parts_of, patterns_of
from simulator.optimise.requirement import BOTH, Held, Oracle, Requirement, broken_of
from simulator.study.behaviour import FIXED, FREE, Behaviour, FixedRoutes
from simulator.study.plan_case import PlanCase, PlanSide, joint

ADAPTIVE, SPLITS, ROUTED = "adaptive", "splits", "routed"
"""How a direction is routed: as good as any routing in every state, by fixed shares that are
planned with the capacity, or by routes that the topology alone decides."""
_BISECTIONS = 14
_NOTHING_GBPS = 1e-9


@dataclass(frozen=True, eq=False)
class Solved:
    """What was found for one way of routing.

    Attributes
    ----------
    kinds : mapping of str to str
        By direction.
    plan : Plan or None
        None where there is none.
    why : str
        Why there is none, or not at the target.
    reached : float
        Utilisation of exits that the plan holds; the target but where the budget is too small.
    greedy : float
        Cost of the greedy plan; NaN where there is none.
    parts : sequence of SplitPart
        Shares of directions that have fixed ones.
    exact : bool
        Whether all demands and ways were looked at.
    """

    kinds: Mapping[str, str]
    plan: Plan | None
    why: str = ""
    reached: float = np.nan
    greedy: float = np.nan
    parts: Sequence[SplitPart] = ()
    exact: bool = True


@dataclass(eq=False)
class PlanSearch:
    """Plans of a case, each way of routing once.

    Parameters
    ----------
    case : PlanCase
    ties : bool
        Whether costs are proven in full and one of several plans of one cost is chosen by rule;
        if not, as for figures beside the plan, costs are within ``upgrades.gap``.
    nodes : int
        Nodes of each search tree, after which the best plan so far is taken, with its bound.
    """

    case: PlanCase
    ties: bool = True
    nodes: int = MOST_NODES
    _known: dict[tuple[object, ...], Solved] = field(default_factory=dict)

    def of(self, behaviour: Behaviour, *, safe: bool = False) -> Solved:
        """Return the plan of a strategy; see `kinds_of`."""
        kinds = kinds_of(behaviour, self.case, safe=safe)
        strategy = behaviour.strategy
        routed = ROUTED in kinds.values()
        key = (*sorted(kinds.items()), repr(strategy.static_scheme) if routed else "")
        if key not in self._known:
            self._known[key] = solved(self.case, kinds, strategy, ties=self.ties, nodes=self.nodes)
        return self._known[key]


def kinds_of(behaviour: Behaviour, case: PlanCase, *, safe: bool = False) -> dict[str, str]:
    """Return how each direction of a strategy is taken.

    Between free steering and static routes a controller is taken as the former, what has none, and
    both where *safe*, as the latter.
    """
    found = {}
    for way in case.sides:
        kind = behaviour.kind[way]
        if kind == FREE or (kind != FIXED and not safe and not behaviour.strategy.is_static):
            found[way] = ADAPTIVE
        else:
            scheme = behaviour.strategy.static_scheme
            found[way] = ROUTED if scheme.topology_only else SPLITS
    return found


def solved(
    case: PlanCase,
    kinds: Mapping[str, str],
    strategy: Strategy,
    *,
    ties: bool = True,
    nodes: int = MOST_NODES,
) -> Solved:
    """Return the cheapest plan, or why there is none."""
    routed = [way for way, kind in kinds.items() if kind == ROUTED]
    fixed, why = routed_requirements(case, routed, strategy)
    why = why or _beyond(case, kinds, fixed)
    if why:
        return Solved(kinds, None, why)
    try:
        return _at(case, kinds, fixed, case.target, ties, nodes)
    except NoPlan:
        pass
    free = case.without_budget()
    try:
        wanted = _at(free, kinds, fixed, case.target)
    except NoPlan:
        return Solved(kinds, None, _fixed_short(case, kinds))
    return _within_budget(case, kinds, strategy, wanted)


def _within_budget(
    case: PlanCase, kinds: Mapping[str, str], strategy: Strategy, wanted: Solved
) -> Solved:
    """Return the plan that holds the lowest utilisation for the budget, by halving."""
    assert wanted.plan is not None
    why = f"the target costs {wanted.plan.cost:,.6g}, more than the budget"
    low, high, best = case.target, 1.0, None
    routed = [way for way, kind in kinds.items() if kind == ROUTED]
    level = high
    for _ in range(_BISECTIONS):
        tried = case.with_target(level)
        try:
            fixed, _ = routed_requirements(tried, routed, strategy)
            best = _at(tried, kinds, fixed, level)
            high = level
        except NoPlan:
            if level >= 1.0:
                return Solved(kinds, None, f"{why}, which does not even keep exits below 100 %")
            low = level
        level = (low + high) / 2.0
    assert best is not None
    return replace(best, why=why)


def _at(
    case: PlanCase,
    kinds: Mapping[str, str],
    fixed: Sequence[Requirement],
    level: float,
    ties: bool = True,
    nodes: int = MOST_NODES,
) -> Solved:
    oracles = oracles_for(case, kinds)
    program = PlanProgram(case.orders, oracles, fixed, nodes=nodes)
    plan = program.least_cost(0.0 if ties else case.upgrades.gap, ties=ties)
    greedy = greedy_cost(case.orders, program.pool, oracles) if ties else np.nan
    parts = parts_of(oracles, case.orders.capacity(plan.modules))
    exact = all(getattr(each, "exact", True) for each in oracles)
    return Solved(kinds, plan, "", level, greedy, parts, exact)


def oracles_for(case: PlanCase, kinds: Mapping[str, str]) -> list[Oracle]:
    """Return what finds requirements that fail: what steering needs, fixed shares need as well."""
    found = case.oracles([way for way, kind in kinds.items() if kind != ROUTED])
    split = {way: (case.held(way), case.sides[way]) for way, kind in kinds.items()
             if kind == SPLITS}  # fmt: skip
    return [*found, *splits_of(split)]


def splits_of(sides: Mapping[str, tuple[Held, PlanSide]]) -> list[SplitOracle]:
    """Return what finds requirements of fixed shares: of both directions where they share arcs."""
    both = joint(sides) if len(sides) > 1 else None
    if both is not None:
        return [SplitOracle(*both)]
    return [SplitOracle(held, side.ways) for held, side in sides.values()]


# -- why there is no plan -------------------------------------------------------------------------


def _beyond(case: PlanCase, kinds: Mapping[str, str], fixed: Sequence[Requirement]) -> str:
    """Return what all that can be bought does not hold, or nothing."""
    free = [way for way, kind in kinds.items() if kind != ROUTED]
    most = case.orders.all_capacity
    broken = broken_of(case.oracles(free), most)
    broken += [each for each in fixed if each.fails(most[each.period])]
    if not broken:
        return ""
    worst = max(broken, key=lambda each: each.short_gbps(most[each.period]))
    return short_words(case, worst, most[worst.period])


def short_words(case: PlanCase, broken: Requirement, capacity: np.ndarray) -> str:
    """Say which failure and which ends make a requirement fail, and how many Gbps are short."""
    down = case.state_words(broken.state)
    what = "without failures" if down == "nothing" else f"with {down} down"
    short = broken.short_gbps(capacity)
    ends = case.ends_words(broken)
    way = "out and in" if broken.way == BOTH else broken.way
    where = f"traffic {way} of {', '.join(ends)}" if ends else (
        f"{case.network.arc_name(int(broken.arcs.argmax()))} ({broken.way})")  # fmt: skip
    limit = case.upgrades.stretch_ms
    latency = f" within {limit:g} ms of the fastest way" if limit is not None and ends else ""
    return (
        f"period {broken.period + 1}, {what}: {where} needs {broken.need_gbps:,.1f} Gbps, and all"
        f" that can be bought leaves {broken.need_gbps - short:,.1f}{latency}: {short:,.1f} Gbps"
        " short"
    )


def _fixed_short(case: PlanCase, kinds: Mapping[str, str]) -> str:
    """Say how much capacity fixed shares lack when everything is bought."""
    arcs = np.flatnonzero(case.network.exists)
    whole = case.without_budget().orders
    last = whole.periods - 1
    more = np.zeros((len(arcs), len(whole.base_gbps)))
    more[np.arange(len(arcs)), arcs] = 1.0
    every = np.zeros(len(arcs), dtype=int)
    missing = Orders(
        whole.all_capacity[last], more, np.full(len(arcs), 10**6),
        np.arange(len(arcs)), every, np.ones(len(arcs)),
        np.ones((whole.periods, len(arcs)), dtype=bool),
    )  # fmt: skip
    gbps = PlanProgram(missing, oracles_for(case, kinds)).relaxed()
    at = arcs[int(gbps.argmax())]
    return (
        f"fixed shares need {gbps.sum():,.1f} Gbps more than can be bought, most of it at"
        f" {case.network.arc_name(int(at))}"
    )


# -- routes of the topology alone -----------------------------------------------------------------


def routed_requirements(
    case: PlanCase, ways: Sequence[str], strategy: Strategy
) -> tuple[list[Requirement], str]:
    """Return what each arc must hold under routes that do not follow traffic.

    The routes are those of the network as it is: what is bought must not move them.

    Returns
    -------
    requirements : list of Requirement
    why : str
        Why no capacity will do: some traffic has no route.
    """
    found: list[Requirement] = []
    for way in ways:
        side, before = case.sides[way], case.market.before
        routes = FixedRoutes(strategy.static_scheme, before, case.demand.demands, side.mine)
        held = case.held(way)
        arcs = side.net.arcs[side.net.arcs < len(before.tail)]
        worst: dict[tuple[int, int], tuple[float, Requirement]] = {}
        for states in patterns_of(case.left):
            made = routes.under(case.left[states[0], : len(before.tail)] > 0)
            share = made.matrix.toarray()
            lost = np.flatnonzero(made.served < 1.0 - 1e-9)
            if len(lost):
                names = case.demand.demands.take(side.mine[lost]).names
                down = case.state_words(int(states[0]))
                return [], f"with {down} down, {names[0]} has no route ({len(lost)} in all)"
            for period in range(held.first, len(held.demands)):
                _worst_loads(worst, case.sets[way][period], share, arcs, period, states, case, way)
        found += [each for _, each in worst.values()]
    return found, ""


def _worst_loads(
    worst: dict[tuple[int, int], tuple[float, Requirement]],
    demands: DemandSet,
    share: np.ndarray,
    arcs: np.ndarray,
    period: int,
    states: np.ndarray,
    case: PlanCase,
    way: str,
) -> None:
    """Keep the largest need of every arc in a period over the states of a pattern."""
    factor = (case.left[states] * case.limit)[:, arcs]
    state, least = factor.argmin(axis=0), factor.min(axis=0)
    bound = demands.worst_bound(share[arcs])
    for i, arc in enumerate(arcs.tolist()):
        if least[i] <= 0 or bound[i] <= _NOTHING_GBPS:
            continue
        base = case.market.base_gbps[arc]
        known = worst.get((period, arc), (base, None))[0]
        if bound[i] / least[i] <= known * (1 + 1e-12):
            continue
        load = demands.worst(share[arc])[0]
        if load / least[i] > known:
            weights = np.zeros(len(case.network.tail))
            weights[arc] = least[i]
            ends = np.zeros(len(case.sides[way].ends))
            made = Requirement(period, int(states[state[i]]), way, ends, weights, float(load))
            worst[period, arc] = float(load / least[i]), made
