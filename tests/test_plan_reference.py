"""Plans beside those of the prototype: what equals it, and how far the rest is apart."""

from __future__ import annotations

import numpy as np
import plan_reference as reference
import pytest
from plan_reference import SETS, SIGMAS, STRATEGIES

import simulator as sim
from simulator.base.errors import InputError
from simulator.study.headroom import strategies_of
from simulator.study.plan_check import checked
from simulator.study.plan_demand import SETS as WORDS
from simulator.study.plan_search import routed_requirements


def test_the_busy_hour_costs_what_it_did():
    """The one set of demands that needs no draw: steering to the dollar."""
    ours, theirs = reference.ours(), reference.PROTOTYPE
    assert ours["busy_hour", "sdn"] == theirs["busy_hour", "sdn"]
    # Fixed shares are proven to need less than was found there; see the check below.
    assert ours["busy_hour", "static"].cost == 1670 < theirs["busy_hour", "static"].cost


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_plans_for_the_busy_hour_hold_when_they_are_routed(strategy):
    case = reference.case_of(reference.busy())
    one = strategies_of(STRATEGIES[strategy])[STRATEGIES[strategy]]
    found = checked(case, reference.solved(case, strategy), one)
    # Shortest paths at home, under all there are, may fill the backbone, which is not planned.
    assert found.verdict in (("yes",) if strategy == "sdn" else ("yes", "exits"))
    assert found.states == 17 == len(case.down) and found.routed >= 17
    assert found.resources["exits"].utilisation <= 0.8 + 1e-6


def test_shortest_paths_need_what_they_did_in_closed_form():
    """Largest load over 80 % of what a failure leaves, in tens of Gbps: 5,740 there, 5,750 here."""
    case, scheme = reference.case_of(reference.busy()), strategies_of("igp_ecmp")["igp_ecmp"]
    needs, why = routed_requirements(case, ["out", "in"], scheme)
    more: dict[int, float] = {}
    for each in needs:
        arc = int(each.arcs.argmax())
        if case.network.link_class[arc // 2] == "exit":
            gbps = each.need_gbps / each.arcs[arc] - case.market.base_gbps[arc]
            more[arc // 2] = max(more.get(arc // 2, 0.0), gbps)
    assert not why
    tens = sum(10 * int(np.ceil(gbps / 10 - 1e-9)) for gbps in more.values())
    assert abs(tens - reference.PROTOTYPE["busy_hour", "ecmp"].gbps) <= 10
    # Ours may round up to a hundred, which costs six tens: more Gbps for less.
    mine = reference.ours()["busy_hour", "ecmp"]
    assert mine.gbps >= tens and mine.cost <= reference.PROTOTYPE["busy_hour", "ecmp"].cost


def test_shortest_paths_need_what_they_did_for_a_hose_where_provinces_keep_their_mix():
    ours, theirs = reference.shortest_by_regions(), reference.PROTOTYPE["hose_total", "ecmp"]
    assert ours.cost == pytest.approx(theirs.cost, rel=0.05)
    assert ours.gbps == pytest.approx(theirs.gbps, rel=0.05)
    assert ours.cost < reference.ours()["hose", "ecmp"].cost


def test_larger_sets_and_less_freedom_never_cost_less():
    ours = reference.ours()
    for strategy in STRATEGIES:
        costs = [ours[name, strategy].cost for name in SETS]
        assert costs == sorted(costs), strategy
    for name in SETS:
        costs = [ours[name, strategy].cost for strategy in STRATEGIES]
        assert costs == sorted(costs), name
    assert set(SETS) < set(WORDS)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_hose_saves_about_what_it_did_by_the_noise_of_pairs(sigma):
    """Within two points, with a week drawn anew whose shapes were fitted to two totals."""
    assert reference.saved()[sigma] == pytest.approx(reference.SAVED[sigma], abs=0.02)


def test_without_a_limit_on_latency_the_cheapest_exits_carry_all():
    costs = reference.trap()
    assert costs[80.0] > 10 * costs[None]
    for limit, cost in costs.items():
        assert cost == pytest.approx(reference.TRAP[limit], rel=0.2)  # another week


@pytest.mark.parametrize(("factor", "short"), [(1.26, None), (1.3, 50.0)])
def test_without_ports_gateways_bound_what_can_be_planned(factor, short):
    """With a gateway lost the others let 1,900 Gbps in, 1.267 times the traffic."""
    scenario = sim.load("china169-2017")
    sizes = ((10.0, None), (100.0, 0.6))
    offers = [{"kind": "circuit", "at": ["exit"], "module_gbps": gbps, "most": 400,
               **({"price_factor": part or 1.0})} for gbps, part in sizes]  # fmt: skip
    offers.append({"kind": "circuit", "at": ["overseas"], "price": 120, "most": 400})
    up = {
        "offers": offers, "periods": {"count": 1, "months": 0}, "growth": {"per_year": 0.0},
        "demand": {"set": "busy_hour"}, "stretch_ms": None, "failures": ["cables", "gateways"],
    }  # fmt: skip
    demands = scenario.demands.scaled(factor)
    if short is None:
        plans = sim.plan(scenario.network, demands, scheme="min_max", upgrades=up).tables["plans"]
        assert plans["cost"].iloc[0] > 0 and plans["verified"].iloc[0] == "yes"
        return
    with pytest.raises(InputError) as caught:
        sim.plan(scenario.network, demands, scheme="min_max", upgrades=up)
    assert f"{short:.1f} Gbps short" in str(caught.value)
    assert "with igw-" in str(caught.value)
