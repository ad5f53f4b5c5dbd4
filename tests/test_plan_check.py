"""Plans when they are routed, and the one of several equal plans that is taken."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from helpers import asks, two_exits
from risk_networks import random_border
from test_bursts import two_links
from test_plan import asked, circuit, known, plan_case_of, row_of, three_exits

import simulator as sim
from simulator.base.checking import build
from simulator.base.document import Document
from simulator.model.reliability import elements_of
from simulator.optimise.bursts import least_bill
from simulator.optimise.demand_set import box, hose
from simulator.optimise.exit_program import Likely, Side, worst_unserved, worst_utilisation
from simulator.optimise.overload import Overload
from simulator.optimise.requirement import broken_of
from simulator.scenario.upgrades import Upgrades
from simulator.study.behaviour import behaviour_of
from simulator.study.headroom import strategies_of
from simulator.study.plan_case import plan_case
from simulator.study.plan_check import checked
from simulator.study.plan_demand import PlanDemand
from simulator.study.plan_market import market_of
from simulator.study.plan_routes import split_matrix
from simulator.study.plan_search import PlanSearch

SCHEMES = ("min_max", "best_static", "igp_ecmp")


def solved(case, kind):
    one = strategies_of(kind)[kind]
    behaviour = behaviour_of(one, case.market.before, case.demand.demands)
    return one, PlanSearch(case).of(behaviour)


# -- routed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize(("seed", "demand"), [(0, "busy_hour"), (4, "box"), (13, "box")])
def test_a_plan_holds_when_it_is_routed_and_fails_with_any_module_less(seed, demand, kind):
    network, demands = random_border(seed)
    keys = {"demand": {"set": demand, "box": 0.3, "total": 1.1}}
    case = plan_case_of(network, demands.scaled(1.2), **keys)
    strategy, found = solved(case, kind)
    whole = checked(case, found, strategy)
    assert whole.holds and whole.states == len(case.down) and whole.routed >= whole.states
    assert found.plan.modules.sum() > 0
    for column in np.flatnonzero(found.plan.modules).tolist():
        fewer = found.plan.modules.copy()
        fewer[column] -= 1
        less = checked(case, replace(found, plan=replace(found.plan, modules=fewer)), strategy)
        assert less.verdict == "no", case.market.augments[case.orders.offer[column]].name


def test_shares_of_a_plan_are_routes_from_source_to_target():
    """Flow is kept at every node, and exits carry what the shares say."""
    network, demands = random_border(4)
    case = plan_case_of(network, demands.scaled(1.2))
    _, found = solved(case, "best_static")
    upgraded = case.market.upgraded([])
    for part in found.parts:
        if part.states[0]:
            continue
        assert part.way == "both"
        first = 0
        for way, side in case.sides.items():
            ends = np.arange(first, first + len(side.ends))
            first += len(side.ends)
            matrix, served = split_matrix(case, part, way, upgraded)
            assert served == pytest.approx(1.0)
            share, one = matrix.toarray(), case.demand.demands.take(side.mine)
            require_kept(upgraded, share, one)
            exits = side.net.exits
            rows = np.searchsorted(part.ways.arcs, exits)
            want = part.shares[rows][:, ends[side.far]]
            np.testing.assert_allclose(share[exits], want, atol=1e-7)


def require_kept(network, share, one):
    """Each demand leaves its source and reaches its target, and nothing is lost between."""
    kept, each = np.zeros((len(network.nodes), len(one))), np.arange(len(one))
    np.add.at(kept, network.tail, share)
    np.add.at(kept, network.head, -share)
    kept[one.source, each] -= 1.0
    kept[one.target, each] += 1.0
    np.testing.assert_allclose(kept, 0.0, atol=1e-7)


def test_ways_that_are_too_long_are_seen():
    scenario = sim.load("mini")
    up = asked(circuit("exit", 3.0, gbps=10.0, most=40), stretch_ms=80.0)
    stated = build(Upgrades, Document.of(known(up), "upgrades"))
    market, demands = market_of(scenario.network, stated), scenario.demands
    demand = PlanDemand(demands, demands.gbps[:, None], np.zeros(len(demands)), stated.demand)
    elements = elements_of(market.network, None, ())
    case = plan_case(market, demand, stated, 1.0, elements)
    strategy, found = solved(case, "min_max")
    assert checked(case, found, strategy).late_gbps == 0.0
    tight = {way: replace(side, limit_ms=side.limit_ms - 80.0 - 1.0)
             for way, side in case.sides.items()}  # fmt: skip
    late = checked(replace(case, sides=tight), found, strategy)
    asked_gbps = sum(sets[0].most_gbps for sets in case.sets.values())
    assert late.late_gbps == pytest.approx(asked_gbps) and late.verdict == "no"


def test_a_backbone_that_is_too_thin_is_told_apart_from_exits():
    scenario = sim.load("mini")
    up = asked(circuit("exit", 3.0, gbps=10.0, most=40))
    thin = scenario.network.with_links(
        {scenario.network.links[i]: {"capacity_gbps": 1.0}
         for i in np.flatnonzero(scenario.network.link_class == "core")}
    )  # fmt: skip
    rows = [row_of(sim.plan(each, scenario.demands, scheme="min_max", upgrades=up), "min_max")
            for each in (scenario.network, thin)]  # fmt: skip
    assert [row["verified"] for row in rows] == ["yes", "exits"]
    assert rows[0]["cost"] == rows[1]["cost"]


@pytest.mark.parametrize("kind", ["box", "hose"])
def test_demands_of_a_set_with_given_sums_abroad(kind):
    draw = np.random.default_rng(3)
    near, far = (each.ravel() for each in np.meshgrid(np.arange(4), np.arange(3), indexing="ij"))
    base = draw.uniform(1.0, 4.0, 12)
    total = 1.1 * float(base.sum())
    made = hose(base, near, far, ends=1.2, total=total)
    if kind == "box":
        made = box(base, near, far, lower=0.7 * base, upper=1.3 * base, total=total)
    for corner in made.far_corners(60):
        found = made.with_ends(corner)
        assert made.holds(found, 1e-7)
        np.testing.assert_allclose(np.bincount(far, found), corner, atol=1e-6)


# -- one of several equal plans -------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "factor"), [(0, 0.75), (4, 0.62), (13, 0.75)])
@pytest.mark.parametrize("prices", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_of_equal_plans_that_is_taken_which_the_rule_says(seed, factor, prices):
    """Three periods: fewest modules, then latest, then by id, against all orders there are."""
    network, demands = random_border(seed)
    links = three_exits(network)
    offers = [circuit(link, price, most=2, lead_months=0)
              for link, price in zip(links, prices, strict=True)]  # fmt: skip
    up = asked(*offers, periods={"count": 3, "months": 12}, growth={"per_year": 0.25})
    stated = build(Upgrades, Document.of(known(up), "upgrades"))
    market = market_of(network, stated)
    speed = np.full(len(demands), np.log(1.25))
    demand = PlanDemand(demands.scaled(factor), factor * demands.gbps[:, None], speed,
                        stated.demand)  # fmt: skip
    case = plan_case(market, demand, stated, 0.8, elements_of(network, None, ("cables",)))
    orders, oracles = case.orders, case.oracles(["out", "in"])
    late = orders.periods - 1 - orders.ordered
    best, known_ = None, {}
    for counts in itertools.product(range(3), repeat=len(orders.price)):
        modules = np.array(counts)
        if (np.bincount(orders.offer, modules) > orders.most).any():
            continue
        key = (orders.price @ modules, modules.sum(), late @ modules, orders.weights @ modules)
        if best is not None and key >= best[0]:
            continue
        capacity = orders.capacity(modules)
        there = capacity.tobytes()
        if there not in known_:
            known_[there] = not broken_of(oracles, capacity)
        if known_[there]:
            best = (key, modules)
    _, found = solved(case, "min_max")
    if best is None:
        assert found.plan is None
        return
    assert best[1].sum() > 0 and found.plan.chosen
    assert found.plan.modules.tolist() == best[1].tolist()


def test_the_order_in_which_offers_are_listed_decides_nothing():
    network, demands = random_border(0)
    offers = [circuit(link, 4.0, gbps=5.0) for link in three_exits(network)]
    steps = []
    for listed in (offers, offers[::-1], [offers[1], offers[2], offers[0]]):
        answer = sim.plan(network, demands, scheme="min_max", upgrades=asked(*listed))
        rows = answer.tables["steps"][["element", "modules", "cost"]]
        steps.append(sorted(rows.to_numpy().tolist()))
    assert steps[0] == steps[1] == steps[2] != []


def test_with_one_price_already_the_plan_is_that_of_one_price():
    network, demands = random_border(4)
    offers = [circuit(link, 4.0) for link in three_exits(network)]
    answer = sim.plan(network, demands.scaled(1.1), scheme=["best_static", "min_max"],
                      upgrades=asked(*offers))  # fmt: skip
    plans = answer.tables["plans"]
    assert (plans["cost"] > 0).all()
    assert (plans["equal_price_bound"] <= plans["equal_price_cost"] + 1e-9).all()
    assert (plans["equal_price_cost"] <= plans["cost"] * 1.005).all()
    assert (plans["equal_price_bound"] <= plans["cost"] + 1e-9).all()
    assert (plans["equal_price_bound"] >= plans["cost"] * 0.995).all()


# -- nothing is printed ---------------------------------------------------------------------------


def test_no_solver_writes_to_standard_output(capfd):
    """At the level of the file, where libraries print past Python."""
    network, demands = random_border(0)
    links = three_exits(network)
    up = asked(*(circuit(link, 3.0) for link in links), commit=["90 % of all"], availability=[0.8])
    sim.plan(network, demands, upgrades=up)
    sim.plan(network, demands, scheme=list(SCHEMES), upgrades=asked(circuit(links[0], 1.0)))
    least_bill(two_links(20, 3))
    case = plan_case_of(network, demands)
    capacity = case.market.base_gbps
    share = np.zeros((len(case.elements), len(capacity)))
    likely = Likely(np.full(len(case.elements), 0.05), 1e-3)
    for way, side in case.sides.items():
        one = Side(side.net, case.sets[way][0], capacity, share)
        worst_unserved([one], likely)
        worst_utilisation(one, likely)
        split = np.full((2, len(side.mine)), 0.5)
        Overload(case.sets[way][0], split).unserved(np.array([10.0, 20.0]))
    small = hose(np.ones(4), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), ends=1.2, total=4.0)
    small.worst(np.arange(4.0))
    assert capfd.readouterr() == ("", "")


def test_all_integer_programs_go_through_one_door():
    from test_architecture import PACKAGE

    texts = {path.name: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    assert [name for name, text in texts.items() if "import milp" in text or ", milp" in text] == []


def test_two_exits_take_the_later_order_of_equal_ones():
    """One module is enough from the second year on: it is ordered then, by hand."""
    network = two_exits(near=60.0, far=50.0)
    demands = asks(network, ("home", "abroad", 80.0))
    up = asked(circuit("near", 3.0, most=9, lead_months=0), failures=[],
               periods={"count": 4, "months": 12}, growth={"per_year": 0.05})  # fmt: skip
    steps = sim.plan(network, demands, scheme="min_max", upgrades=up).tables["steps"]
    # 84, 88.2, 92.6 and 97.2 Gbps over 0.8: 105, 110.25, 115.8, 121.6 with 110 there.
    assert steps[["period", "modules"]].to_numpy().tolist() == [[2, 1], [3, 1], [4, 1]]
