"""Plans beside those of a prototype on the same network: its figures, and ours for its inputs.

The prototype asked for the cheapest modules on china169-2017 with 1.3 times its traffic, through
the loss of any cable or gateway, without a limit on latency, at the prices that are our estimates.
Its week of traffic came from draws that were not kept. Ours is made by the same recipe: day shapes
of provinces and regions, log-normal noise of pairs and regions, and a peak of 1,950 Gbps. The depth
of the shapes is not given: of six that were tried it is the one whose totals of hose and pipe are
together nearest to 2,184 and 3,121 Gbps.
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
from simulator.study.behaviour import WAYS, FixedRoutes, behaviour_of
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
TRAP = {None: 790.0, 80.0: 12170.0}
"""Cost by the limit on latency, in ms above the fastest way, where links abroad have no end."""
SAVED = dict(zip(SIGMAS, (0.138, 0.189, 0.339, 0.495), strict=True))
"""Exit capacity that a hose saves against the peak of every pair, by noise of pairs."""


def week(sigma: float = 0.25, seed: int = SEED) -> PlanDemand:
    """Return a week of traffic by the recipe."""
    scenario = sim.load("china169-2017")
    network, demands = scenario.network, scenario.demands
    draw, hours = np.random.default_rng(seed), np.arange(HOURS)
    ends = _by_end(network, hours, draw)
    noise = np.exp(sigma * draw.standard_normal((len(demands), HOURS)) - sigma**2 / 2)
    rates = demands.gbps[:, None] * ends[demands.source] * ends[demands.target] * noise
    for named in WAYS.values():
        mine = demands.of_class(named)
        rates[mine] *= PEAK * demands.gbps[mine].sum() / rates[mine].sum(axis=0).max()
    home = demands.of_class("domestic")
    rates[home] = demands.gbps[home, None]
    return PlanDemand(demands, rates, np.zeros(len(demands)), PlannedDemand(set="busy_hour"))


def _by_end(network, hours, draw):
    """Day shapes: highest at 21 h where an end is, deeper at home; regions move as well."""
    local = hours + network.utc_offset_h[:, None]
    shape = 0.675 + 0.325 * np.cos(2 * np.pi * (local - 21) / 24)
    abroad = network.is_abroad
    moves = np.ones_like(shape)
    moves[abroad] = np.exp(0.08 * draw.standard_normal((int(abroad.sum()), HOURS)))
    return shape ** np.where(abroad, 0.1, 0.4)[:, None] * moves


def busy(factor: float = PEAK) -> PlanDemand:
    """Return the busy hour alone: the matrix so many times as large."""
    demands = sim.load("china169-2017").demands
    rates = factor * demands.gbps[:, None]
    return PlanDemand(demands, rates, np.zeros(len(demands)), PlannedDemand(set="busy_hour"))


def case_of(demand: PlanDemand, *, reach: bool = False, **keys) -> PlanCase:
    """Return the case of the prototype for some demands; with *reach* links abroad have no end."""
    network = sim.load("china169-2017").network
    if reach:
        abroad = [network.links[i] for i in np.flatnonzero(network.link_class == "overseas")]
        network = network.with_links({link: {"capacity_gbps": 1e5} for link in abroad})
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


@cache
def shortest_by_regions() -> Figures:
    """Return what shortest paths need for a hose of regions, each of a fixed mix of provinces.

    So the prototype took them: our hose has any pairs, and one province may have all of a region.
    What is needed is rounded up to tens of Gbps, of which a hundred cost six.
    """
    case = case_of(week().with_set("hose"))
    network, scheme = case.network, strategies_of("igp_ecmp")["igp_ecmp"].static_scheme
    gbps, cost = 0.0, 0.0
    more = np.zeros(len(network.links))
    for way, side in case.sides.items():
        demands, base = case.demand.demands, case.demand.demands.gbps[side.mine]
        routes = FixedRoutes(scheme, network, demands, side.mine)
        part = base / np.bincount(side.far, base)[side.far]
        arcs = side.net.exits
        for left in case.left:
            mix = np.zeros((len(arcs), len(side.ends)))
            share = routes.under(left > 0).matrix.toarray()[arcs]
            np.add.at(mix.T, side.far, (share * part).T)
            load = case.sets[way][0].far_most(mix)[0]
            room = np.where(left[arcs] > 0, 0.8 * left[arcs], np.inf)
            np.maximum.at(more, arcs // 2, load / room - case.market.base_gbps[arcs])
    for link in np.flatnonzero(more > 0).tolist():
        tens = math.ceil(more[link] / 10.0 - 1e-9)
        price = network.attributes(network.links[link])["price_usd_per_mbps"]
        gbps, cost = gbps + 10.0 * tens, cost + price * (60 * (tens // 10) + 10 * (tens % 10))
    return Figures(cost, gbps)


@cache
def trap() -> dict[float | None, float]:
    """Return the cost for sums of ends and a total, by the limit on latency."""
    demand = week().with_set("hose_total")
    return {ms: figures(case_of(demand, reach=True, stretch_ms=ms), "sdn").cost for ms in TRAP}


def table() -> str:
    """Return our figures beside those of the prototype, as Markdown."""
    lines = ["| demands | routing | ours | prototype | difference |", "|---|---|---|---|---|"]
    for (name, strategy), mine in ours().items():
        theirs = PROTOTYPE[name, strategy]
        apart = mine.cost / theirs.cost - 1.0
        same = "the same" if mine.cost == theirs.cost else f"{100 * apart:+.1f} %"
        lines.append(f"| {name} | {strategy} | {_text(mine)} | {_text(theirs)} | {same} |")
    mixed, theirs = shortest_by_regions(), PROTOTYPE["hose_total", "ecmp"]
    lines.append(f"| hose of regions, provinces in a fixed mix | ecmp, in tens | {_text(mixed)} |"
                 f" {_text(theirs)} | {100 * (mixed.cost / theirs.cost - 1):+.1f} % |")  # fmt: skip
    for limit, cost in trap().items():
        words = "no limit on latency" if limit is None else f"latency up to {limit:g} ms more"
        lines.append(f"| hose_total, links abroad without end, {words} | sdn | {cost:,.0f} |"
                     f" {TRAP[limit]:,.0f} |"
                     f" {100 * (cost / TRAP[limit] - 1):+.1f} % |")  # fmt: skip
    for sigma, mine in saved().items():
        lines.append(
            f"| hose against pipe, noise {sigma:g} | sdn | {100 * mine:.1f} % saved |"
            f" {100 * SAVED[sigma]:.1f} % | {100 * (mine - SAVED[sigma]):+.1f} points |"
        )
    return "\n".join(lines)


def _text(each: Figures) -> str:
    more = "" if math.isnan(each.gbps) else f", +{each.gbps:,.0f} Gbps"
    return f"{each.cost:,.0f}{more}"
