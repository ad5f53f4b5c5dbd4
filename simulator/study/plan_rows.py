"""Plan rows: plans as rows of tables: what to order when, what it costs and what it postpones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np

from simulator.study.behaviour import Behaviour
from simulator.study.calendar import YEAR_DAYS, Calendar
from simulator.study.growing import Rates
from simulator.study.plan_case import PlanCase
from simulator.study.plan_check import checked
from simulator.study.plan_checked import RESOURCES, Checked
from simulator.study.plan_dates import run_out_years
from simulator.study.plan_search import PlanSearch, Solved, kinds_of

Row = dict[str, Any]
_EQUAL_NODES = 2_000


@dataclass(frozen=True, eq=False)
class StrategyPlan:
    """The plan of one strategy, and what is asked of it.

    Attributes
    ----------
    name : str
    behaviour : Behaviour
    search : PlanSearch
    calendar : Calendar
    """

    name: str
    behaviour: Behaviour
    search: PlanSearch
    calendar: Calendar

    @property
    def case(self) -> PlanCase:
        """What is held."""
        return self.search.case

    @cached_property
    def solved(self) -> Solved:
        """The plan, where a controller between two ways is taken as free steering."""
        return self.search.of(self.behaviour)

    @cached_property
    def most(self) -> Solved:
        """The plan where it is taken as static routes."""
        return self.search.of(self.behaviour, safe=True)

    @property
    def between(self) -> bool:
        """Whether it is between two ways."""
        return kinds_of(self.behaviour, self.case) != kinds_of(self.behaviour, self.case, safe=True)

    @cached_property
    def checked(self) -> Checked:
        """What routing the plan shows."""
        return checked(self.case, self.solved, self.behaviour.strategy)

    @cached_property
    def as_is_years(self) -> float:
        """When the network as it is runs out."""
        return self.run_out_years(self.case.market.base_gbps)

    def run_out_years(self, capacity: np.ndarray, case: PlanCase | None = None) -> float:
        """Return when so much capacity runs out."""
        strategy = self.behaviour.strategy
        return run_out_years(case or self.case, self.solved.kinds, strategy, capacity)

    def capacity_after(self, period: int) -> np.ndarray:
        """Return the capacity when all orders up to a period are there, whatever the lead time."""
        orders, plan = self.case.orders, self.solved.plan
        assert plan is not None
        kept = np.where(orders.ordered <= period, plan.modules, 0)
        by_offer = np.bincount(orders.offer, kept, len(orders.gives))
        return np.asarray(orders.base_gbps + by_offer @ orders.gives)


def equal_search(case: PlanCase) -> PlanSearch:
    """Return what finds plans with one price at all exits.

    With prices alike many plans cost about the same, and the last per cent takes a search hours: it
    ends after some nodes, with a bound.
    """
    equal = case.with_market(case.market.equal_prices()).without_budget()
    return PlanSearch(equal, ties=False, nodes=_EQUAL_NODES)


def plan_row(mine: StrategyPlan, first: StrategyPlan, even: PlanSearch) -> Row:
    """Return the row of a strategy in the main table; *even* has one price at all exits."""
    solved, plan, case = mine.solved, mine.solved.plan, mine.case
    equal = even.of(mine.behaviour).plan if plan else None
    years, nan = mine.as_is_years, float("nan")
    row: Row = {
        "strategy": mine.name,
        "taken": "; ".join(f"{way}: {kind}" for way, kind in solved.kinds.items()),
        "cost": plan.cost if plan else nan, "bound": plan.bound if plan else nan,
        "gap": plan.gap if plan else nan,
        **_sizes(case, plan.modules if plan else None),
        "verified": "no plan", "utilisation": nan, "utilisation_at": "", "routed": 0,
        "target": solved.reached if plan else nan,
        "cost_most": mine.most.plan.cost if mine.most.plan else nan,
        "greedy_cost": solved.greedy, "equal_price_cost": equal.cost if equal else nan,
        "equal_price_bound": equal.bound if equal else nan,
        "equal_price_gbps": _sizes(even.case, equal.modules if equal else None)["gbps"],
        "run_out_years": years, "run_out": mine.calendar.day(years),
        "months_deferred": 12.0 * (years - first.as_is_years) if mine is not first else nan,
        "requirements": plan.rows if plan else 0, "programs": plan.rounds if plan else 0,
        "status": solved.why,
    }  # fmt: skip
    if plan:
        found = mine.checked
        exits = found.resources["exits"]
        row |= {"verified": found.verdict, "utilisation": exits.utilisation,
                "utilisation_at": exits.at, "routed": found.routed}  # fmt: skip
        row["status"] = "; ".join(filter(None, (solved.why, found.why, _unsure(mine))))
    return row


def check_rows(mine: StrategyPlan) -> Iterator[Row]:
    """Yield how full each resource gets when the plan is routed."""
    if mine.solved.plan is None:
        return
    found = mine.checked
    for name in filter(found.resources.__contains__, RESOURCES):
        each = found.resources[name]
        yield {
            "strategy": mine.name, "resource": name, "utilisation": each.utilisation,
            "limit": each.limit, "holds": "yes" if each.holds else "no", "at": each.at,
            "states": found.states, "cases": found.routed,
        }  # fmt: skip


def _unsure(mine: StrategyPlan) -> str:
    if not mine.solved.exact:
        return (
            "not every corner of the demands was looked at: the bound holds, the plan may be short"
        )
    words = ["taken as steering at will, which it only comes near to"] if mine.between else []
    assert mine.solved.plan is not None
    if not mine.solved.plan.chosen:
        words.append("another plan may cost as little")
    return "; ".join(words)


def _sizes(case: PlanCase, modules: np.ndarray | None) -> Row:
    if modules is None:
        return dict.fromkeys(("gbps", "other_gbps", "augments"), float("nan"))
    is_exit = exits_of(case)
    sizes = modules * np.array([a.module_gbps for a in case.market.augments])[case.orders.offer]
    there = is_exit[case.orders.offer]
    return {"gbps": float(sizes[there].sum()), "other_gbps": float(sizes[~there].sum()),
            "augments": int(modules.sum())}  # fmt: skip


def exits_of(case: PlanCase) -> np.ndarray:
    """Return which augments are at exits."""
    network = case.network
    of = [network.link_class[network.link_index[a.link]] for a in case.market.augments]
    return np.array([each == "exit" for each in of], dtype=bool)


def step_rows(mine: StrategyPlan) -> Iterator[Row]:
    """Yield what to order, by period and offer."""
    plan, case, orders = mine.solved.plan, mine.case, mine.case.orders
    if plan is None:
        return
    for i in sorted(np.flatnonzero(plan.modules).tolist(), key=lambda i: int(orders.ordered[i])):
        augment, count = case.market.augments[orders.offer[i]], int(plan.modules[i])
        begins = float(orders.ordered[i]) * case.months / 12.0
        yield {
            "strategy": mine.name, "period": int(orders.ordered[i]) + 1,
            "order": when(mine.calendar, begins),
            "in_service": when(mine.calendar, begins + augment.lead_months / 12.0),
            "element": augment.beside, "kind": augment.kind, "name": augment.name,
            "module_gbps": augment.module_gbps, "modules": count,
            "gbps": count * augment.module_gbps, "cost": count * augment.price,
        }  # fmt: skip


def when(calendar: Calendar, years: float) -> str:
    """Return a date, or years from the start in words."""
    if not np.isfinite(years):
        return f"not within {calendar.last}" if calendar.start is None else (
            f"not before {calendar.last}")  # fmt: skip
    if calendar.start is not None and abs(years) < 90:
        return (calendar.start + timedelta(days=YEAR_DAYS * years)).isoformat()
    return f"{years:.2f} y"


def period_rows(mine: StrategyPlan) -> Iterator[Row]:
    """Yield what is ordered in each period, and what that postpones."""
    plan, case, orders = mine.solved.plan, mine.case, mine.case.orders
    if plan is None:
        return
    is_exit = exits_of(case)[orders.offer]
    sizes = np.array([a.module_gbps for a in case.market.augments])[orders.offer]
    before = mine.as_is_years
    for period in range(case.upgrades.periods.count):
        here = np.where(orders.ordered == period, plan.modules, 0)
        after = mine.run_out_years(mine.capacity_after(period)) if here.any() else before
        asked = sum(sets[period].most_gbps for sets in case.sets.values())
        yield {
            "strategy": mine.name, "period": period + 1,
            "begins": when(mine.calendar, period * case.months / 12.0),
            "planned": "yes" if period >= case.first else "no",
            "cost": float(orders.price @ here), "modules": int(here.sum()),
            "gbps": float((sizes * here)[is_exit].sum()), "asked_gbps": asked,
            "run_out_before": when(mine.calendar, before),
            "run_out_after": when(mine.calendar, after),
            "postpones_months": 12.0 * (after - before) if after > before else 0.0,
        }  # fmt: skip
        before = after


def searches_of(case: PlanCase, rates: Rates) -> dict[str, PlanSearch]:
    """Return what finds plans for slow and for fast growth, where a range is known."""
    if not rates.has_range:
        return {}
    return {name: PlanSearch(case.with_speed(speed), ties=False)
            for name, speed in (("slow", rates.slow), ("fast", rates.fast))}  # fmt: skip


def regret_rows(
    mine: StrategyPlan, rates: Rates, searches: Mapping[str, PlanSearch]
) -> Iterator[Row]:
    """Yield what the plan costs if growth is slow or fast, against the plan for that growth."""
    plan, case = mine.solved.plan, mine.case
    if plan is None or not searches:
        return
    last = case.upgrades.periods.count - 1
    final, end = mine.capacity_after(last), case.years_to(last)
    for name, speed in (("slow", rates.slow), ("stated", rates.speed), ("fast", rates.fast)):
        found = searches[name].of(mine.behaviour).plan if name != "stated" else plan
        other, needed = case.with_speed(speed), found.cost if found else float("nan")
        ends = mine.run_out_years(final, other)
        gbps = case.demand.rates.max(axis=1)
        abroad = case.demand.demands.of_class(("international_out", "international_in"))
        pace = float(np.average(np.expm1(speed[abroad]), weights=gbps[abroad]))
        yield {
            "strategy": mine.name, "growth": name, "per_year": pace, "cost": plan.cost,
            "cost_needed": needed,
            "too_early": max(plan.cost - needed, 0.0) if needed == needed else float("nan"),
            "too_late": max(needed - plan.cost, 0.0) if needed == needed else float("nan"),
            "run_out": when(mine.calendar, ends),
            "months_short": max(0.0, 12.0 * (end - ends)) if ends < end - 1e-6 else 0.0,
        }  # fmt: skip
