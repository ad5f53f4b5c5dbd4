"""Plans beside those of a prototype on the same network: its figures, and ours for its inputs.

The prototype asked for the cheapest modules on china169-2017 with 1.3 times its traffic, through
the loss of any cable or gateway, without a limit on latency, at the prices that are our estimates.
Its week of traffic came from draws that were not kept. Ours is made by the same recipe: day shapes
of provinces and regions, log-normal noise of pairs and regions, and a peak of 1,950 Gbps.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

import simulator as sim
from simulator.model.reliability import elements_of
from simulator.scenario.upgrades import PlannedDemand, Upgrades
from simulator.study.behaviour import WAYS, behaviour_of
from simulator.study.headroom import strategies_of
from simulator.study.plan_case import PlanCase, plan_case
from simulator.study.plan_demand import PlanDemand
from simulator.study.plan_market import market_of
from simulator.study.plan_rows import exits_of
from simulator.study.plan_search import PlanSearch, Solved

SETS = ("busy_hour", "hose_total", "hose", "pipe")
STRATEGIES = {"sdn": "min_max", "static": "best_static", "ecmp": "igp_ecmp"}
SIGMAS = (0.05, 0.1, 0.25, 0.4)
SEED = 169
PEAK = 1.3
HOURS = 168


class Figures(NamedTuple):
    """Cost of a plan, and Gbps that it adds at exits."""

    cost: float
    gbps: float


PROTOTYPE = {
    ("busy_hour", "sdn"): Figures(1030, 1300), ("busy_hour", "static"): Figures(1750, 2260),
    ("busy_hour", "ecmp"): Figures(35280, 5740),
    ("hose_total", "sdn"): Figures(1390, 1300), ("hose_total", "static"): Figures(2190, 2600),
    ("hose_total", "ecmp"): Figures(41090, 6580),
    ("hose", "sdn"): Figures(1770, 1830), ("hose", "static"): Figures(2410, 2900),
    ("hose", "ecmp"): Figures(41090, math.nan),
    ("pipe", "sdn"): Figures(4130, 4030), ("pipe", "static"): Figures(5020, 5230),
    ("pipe", "ecmp"): Figures(63220, 10210),
}  # fmt: skip
SAVED = dict(zip(SIGMAS, (0.138, 0.189, 0.339, 0.495), strict=True))
"""Exit capacity that a hose saves against the peak of every pair, by noise of pairs."""


def week(sigma: float = 0.25, seed: int = SEED) -> PlanDemand:
    """Return a week of traffic by the recipe."""
    scenario = sim.load("china169-2017")
    network, demands = scenario.network, scenario.demands
    draw, hours = np.random.default_rng(seed), np.arange(HOURS)
    source, target = _by_end(network, demands, hours, draw)
    noise = np.exp(sigma * draw.standard_normal((len(demands), HOURS)) - sigma**2 / 2)
    rates = demands.gbps[:, None] * source[demands.source] * target[demands.target] * noise
    for named in WAYS.values():
        mine = demands.of_class(named)
        rates[mine] *= PEAK * demands.gbps[mine].sum() / rates[mine].sum(axis=0).max()
    home = demands.of_class("domestic")
    rates[home] = demands.gbps[home, None]
    return PlanDemand(demands, rates, np.zeros(len(demands)), PlannedDemand(set="busy_hour"))


def _by_end(network, demands, hours, draw):
    """Day shapes: highest at 21 h where an end is, a trough of 0.35; regions move as well."""
    shapes = np.ones((len(network.nodes), HOURS))
    for i, offset in enumerate(network.utc_offset_h.tolist()):
        local = hours + offset
        shapes[i] = 0.675 + 0.325 * np.cos(2 * np.pi * (local - 21) / 24)
    moves = np.ones_like(shapes)
    abroad = np.flatnonzero(network.is_abroad)
    moves[abroad] = np.exp(0.08 * draw.standard_normal((len(abroad), HOURS)))
    both = np.sqrt(shapes) * moves
    return both, both


def busy(factor: float = PEAK) -> PlanDemand:
    """Return the busy hour alone: the matrix so many times as large."""
    demands = sim.load("china169-2017").demands
    rates = factor * demands.gbps[:, None]
    return PlanDemand(demands, rates, np.zeros(len(demands)), PlannedDemand(set="busy_hour"))


def case_of(demand: PlanDemand, **keys) -> PlanCase:
    """Return the case of the prototype for some demands."""
    network = sim.load("china169-2017").network
    stated = Upgrades(**{"failures": ("cables", "gateways"), "stretch_ms": None, **keys})
    stated = replace(stated, periods=replace(stated.periods, count=1, months=0.0))
    market = market_of(network, stated)
    elements = elements_of(market.network, None, stated.failures)
    return plan_case(market, demand, stated, 0.8, elements)


def solved(case: PlanCase, strategy: str) -> Solved:
    """Return the plan of a strategy."""
    one = strategies_of(STRATEGIES[strategy])[STRATEGIES[strategy]]
    behaviour = behaviour_of(one, case.market.before, case.demand.demands)
    return PlanSearch(case, ties=False).of(behaviour)


def figures(case: PlanCase, strategy: str) -> Figures:
    """Return cost and Gbps of a plan."""
    plan = solved(case, strategy).plan
    assert plan is not None and plan.gap <= 0.005
    sizes = np.array([each.module_gbps for each in case.market.augments]) * exits_of(case)
    return Figures(plan.cost, float(sizes[case.orders.offer] @ plan.modules))


@cache
def ours() -> dict[tuple[str, str], Figures]:
    """Return our figures for every set and strategy."""
    found, demand = {}, week()
    for name in SETS:
        case = case_of(busy() if name == "busy_hour" else demand.with_set(name))
        for strategy in STRATEGIES:
            found[name, strategy] = figures(case, strategy)
    return found


@cache
def saved() -> dict[float, float]:
    """Return what a hose saves of the exits that the peak of every pair needs, by noise."""
    found = {}
    for sigma in SIGMAS:
        demand, exits = week(sigma), []
        for name in ("hose", "pipe"):
            case = case_of(demand.with_set(name))
            exits.append(case.market.before.exits_gbps + figures(case, "sdn").gbps)
        found[sigma] = 1.0 - exits[0] / exits[1]
    return found


def table() -> str:
    """Return our figures beside those of the prototype, as Markdown."""
    lines = ["| demands | routing | ours | prototype | difference |", "|---|---|---|---|---|"]
    for (name, strategy), mine in ours().items():
        theirs = PROTOTYPE[name, strategy]
        apart = mine.cost / theirs.cost - 1.0
        same = "the same" if mine.cost == theirs.cost else f"{100 * apart:+.1f} %"
        lines.append(f"| {name} | {strategy} | {_text(mine)} | {_text(theirs)} | {same} |")
    for sigma, mine in saved().items():
        lines.append(
            f"| hose against pipe, noise {sigma:g} | sdn | {100 * mine:.1f} % saved |"
            f" {100 * SAVED[sigma]:.1f} % | {100 * (mine - SAVED[sigma]):+.1f} points |"
        )
    return "\n".join(lines)


def _text(each: Figures) -> str:
    more = "" if math.isnan(each.gbps) else f", +{each.gbps:,.0f} Gbps"
    return f"{each.cost:,.0f}{more}"
