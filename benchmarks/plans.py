"""Plans of upgrades: requirements where they are broken, beside all of them in one program.

Both programs are the same: the cheapest modules through every failure, with demands anywhere in
their set, by the cuts of the exit network. Ours starts from none of its rows and adds those that a
cheaper plan breaks. The yardstick has them all from the start, those that nothing can break left
out, and hands them to HiGHS at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from benchmarks.cases import Case
from benchmarks.race import Limit, Race
from simulator.model.reliability import elements_of
from simulator.optimise.exit_cuts import Cuts
from simulator.optimise.plan_program import Plan, PlanProgram
from simulator.optimise.requirement import Requirement
from simulator.scenario.upgrades import PlannedDemand, Upgrades
from simulator.study.plan_case import PlanCase, plan_case
from simulator.study.plan_demand import PlanDemand
from simulator.study.plan_market import market_of

OURS, ALL = "rows where broken", "all rows at once"
GROWTH = 2.0
"""Of a year: traffic doubles, so that many requirements are broken at the start."""
_LATE = 1e-3
"""Part of the cost by which proofs may end apart."""


def races(case: Case) -> Iterator[Race]:
    """One period, at the end of which traffic has doubled."""
    yield _race(_asked(case))


def _asked(case: Case) -> PlanCase:
    network, demands = case.network, case.demands
    stated = Upgrades(failures=("cables", "gateways"), stretch_ms=None)
    stated = replace(stated, periods=replace(stated.periods, count=1, months=12.0))
    market = market_of(network, stated)
    speed = np.full(len(demands), np.log(GROWTH))
    wanted = PlannedDemand(set="box", box=0.1, total=1.05)
    demand = PlanDemand(demands, demands.gbps[:, None], speed, wanted)
    elements = elements_of(market.network, None, stated.failures)
    return plan_case(market, demand, stated, 0.8, elements)


def _race(asked: PlanCase) -> Race:
    orders = asked.orders
    rows = [each for way in asked.sides for each in _all(asked, way)]

    def ours() -> Plan:
        # Cuts alone, which are what the yardstick has.
        oracles = asked.oracles(list(asked.sides))[: len(asked.sides)]
        return PlanProgram(orders, oracles).least_cost(ties=False)

    def at_once() -> Plan:
        return PlanProgram(orders, [], rows).least_cost(ties=False)

    def agree() -> dict[str, Limit]:
        mine, theirs = ours(), at_once()
        return {
            "cost": Limit(abs(mine.cost - theirs.cost), _LATE * theirs.cost),
            "proven": Limit(mine.gap + theirs.gap, _LATE),
        }

    return Race(
        f"the cheapest plan, {len(asked.down)} states, {len(rows):,} rows",
        {ALL: at_once, OURS: ours}, ALL, agree, "plan",
    )  # fmt: skip


def _all(asked: PlanCase, way: str) -> Iterator[Requirement]:
    """Every cut in every state and period that what there is does not hold already."""
    held, cuts = asked.held(way), asked.sides[way].cuts
    assert cuts is not None
    arcs = np.concatenate([cuts.net.exits, cuts.net.others])
    crossed = np.hstack([cuts.exits, cuts.others])
    for period in range(held.first, len(asked.sets[way])):
        need = asked.sets[way][period].of_ends(cuts.ends)
        for state, factor in enumerate(held.factor):
            room = crossed @ (factor * asked.orders.base_gbps)[arcs]
            for cut in np.flatnonzero(need > room).tolist():
                weights = np.zeros(len(factor))
                np.add.at(weights, arcs, crossed[cut] * factor[arcs])
                yield Requirement(period, state, way, _ends(cuts, cut), weights, float(need[cut]))


def _ends(cuts: Cuts, cut: int) -> np.ndarray:
    return cuts.ends[cut].astype(float)
