"""Bursts into free slots: the case of two links in closed form, bounds, and the controller."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, sdn, static

from simulator.control.kinds.perfect_information import PerfectInformation
from simulator.control.strategy import Strategy
from simulator.model.billing import Allowance, Billing
from simulator.optimise.bursts import Month, least_bill, least_bound_usd, planned, turns
from simulator.routing.burst_billing import BurstBilling
from simulator.traffic.shapes.surge import Surge

pytestmark = pytest.mark.usefixtures("no_headroom")
PRICE = 1e-3
"""USD per Mbps: a Gbps costs 1."""


def two_links(slots, peak, price=(PRICE, PRICE), capacity=2.0, **rule):
    """One group of traffic of 1 Gbps, 2 in its first *peak* slots, and two links for it."""
    volume = np.ones((1, slots))
    volume[0, :peak] = 2.0
    billing = Billing(directions="out", **rule)
    return Month(
        volume, np.ones((1, 2), dtype=bool), np.zeros((2, slots)), np.full(2, capacity),
        np.arange(2), np.ones(2, dtype=bool), np.array(price), billing, billing.free_slots(slots),
    )  # fmt: skip


# -- a month that is known -------------------------------------------------------------------------


def test_two_links_cost_2_when_balanced_and_1_with_bursts_in_turn():
    month = two_links(8640, 864)
    assert month.free == 432
    plain = np.repeat(month.volume_gbps / 2, 2, axis=0)
    assert month.billing.level_gbps(plain).sum() == 2.0
    bursts = turns(month)
    assert bursts.sum(axis=1).tolist() == [432, 432]
    assert (bursts.sum(axis=0)[:864] == 1).all()
    # What bursts carries all, and the rest of the month is halved.
    carried = np.where(bursts.any(axis=0), bursts * month.volume_gbps, month.volume_gbps / 2)
    assert month.billing.level_gbps(carried).sum() == 1.0


@pytest.mark.parametrize(("slots", "peak"), [(20, 2), (40, 4), (60, 6)])
def test_the_least_bill_of_two_links_is_1(slots, peak):
    month = two_links(slots, peak)
    least = least_bill(month)
    assert least.cost_usd == pytest.approx(1.0, abs=1e-9)
    assert least.bound_usd == pytest.approx(1.0, abs=1e-9)
    assert planned(month).cost_usd == pytest.approx(1.0, abs=1e-9)


def test_one_peak_slot_more_than_is_free_costs_a_whole_level():
    assert least_bill(two_links(20, 3)).cost_usd == pytest.approx(2.0, abs=1e-9)


def test_without_free_slots_the_bill_is_that_of_the_peak():
    month = two_links(20, 2, percentile=1.0)
    assert month.free == 0
    assert least_bill(month).cost_usd == pytest.approx(2.0, abs=1e-9)


def test_the_cheap_link_is_paid_for_and_the_dear_one_bursts():
    plan = least_bill(two_links(20, 2, price=(PRICE, 3 * PRICE)))
    np.testing.assert_allclose(plan.level_gbps, [1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(
    ("rule", "cost"), {"larger": 1.0, "sum": 2.0, "out": 1.0, "in": 1.0}.items()
)
def test_bills_of_two_directions_follow_the_rule(rule, cost):
    ports = {"outward": np.array([True, False]), "exit_of": np.zeros(2, dtype=int)}
    month = replace(
        two_links(20, 0), volume_gbps=np.ones((2, 20)), allowed=np.eye(2, dtype=bool),
        price_usd_per_mbps=np.array([PRICE]), billing=Billing(directions=rule), **ports,
    )  # fmt: skip
    assert least_bill(month).cost_usd == pytest.approx(cost, abs=1e-9)


def random_month(seed):
    rng = np.random.default_rng(seed)
    slots, groups = 20, 2
    allowed = np.array([[True, True, False], [False, True, True]])
    volume = rng.uniform(0.2, 1.0, (groups, slots))
    billing = Billing(directions="out", percentile=0.9)
    return Month(
        volume, allowed, rng.uniform(0, 0.1, (3, slots)), np.full(3, 2.5), np.arange(3),
        np.ones(3, dtype=bool), rng.uniform(1, 3, 3) * PRICE, billing, billing.free_slots(slots),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_bound_least_and_plan_stand_in_this_order(seed):
    month = random_month(seed)
    least, plan = least_bill(month), planned(month)
    assert least_bound_usd(month) <= least.bound_usd + 1e-9
    assert least.bound_usd <= least.cost_usd + 1e-9
    assert least.cost_usd <= plan.cost_usd + 1e-9
    assert plan.bound_usd <= least.cost_usd + 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_slots_taken_together_never_cross_the_least_bill(seed):
    month = random_month(seed)
    least = least_bill(month).cost_usd
    assert least_bound_usd(month, most=7) <= least + 1e-9
    assert planned(month, most=7).cost_usd >= least - 1e-9


def test_traffic_beyond_all_links_has_a_plan_and_fills_them():
    plan = planned(two_links(20, 4, capacity=0.9))
    np.testing.assert_allclose(plan.level_gbps, [0.9, 0.9], atol=1e-9)
    assert plan.cost_usd == pytest.approx(1.8, abs=1e-9)


# -- the scheme ------------------------------------------------------------------------------------


def fork(capacity=2.2, **prices):
    """Two exits from home abroad, alike but for their prices."""
    links = [("to-a", "home", "gw-a", 1e3), ("to-b", "home", "gw-b", 1e3)]
    links += [(each, f"gw-{each}", "abroad", capacity) for each in "ab"]
    net = make_tiny(*links, abroad="pop", **{"gw-a": "gateway", "gw-b": "gateway"})
    return net.with_links({k: {"price_usd_per_mbps": p} for k, p in prices.items()})


def loads(net, gbps, allowance=None, **knobs):
    demands = asks(net, ("home", "abroad", gbps))
    routes = BurstBilling(**knobs).route(net.allowing(allowance), demands)
    load = routes.loads(demands.gbps)
    return {each: load[2 * net.link_index[each]] for each in "ab"}


def allowed(net, paid, bursts, bursting=()):
    arcs = {each: 2 * net.link_index[each] for each in "ab"}
    all_paid = np.full(len(net.tail), np.inf)
    left, now = np.zeros(len(net.tail), dtype=int), np.zeros(len(net.tail), dtype=bool)
    for each, arc in arcs.items():
        all_paid[arc], left[arc], now[arc] = paid[each], bursts[each], each in bursting
    return Allowance(all_paid, left, now)


def test_the_cheapest_exit_is_filled_to_the_cap_first():
    found = loads(fork(a=2.0, b=1.0), 3.0)
    assert found["b"] == pytest.approx(0.95 * 2.2) and found["a"] == pytest.approx(3 - 0.95 * 2.2)


def test_what_is_paid_for_is_used_before_anything_is_billed():
    net = fork(a=2.0, b=1.0)
    none = {"a": 0, "b": 0}
    found = loads(net, 2.0, allowed(net, {"a": 1.5, "b": 0.5}, none))
    assert found == pytest.approx({"a": 1.5, "b": 0.5})
    more = loads(net, 2.2, allowed(net, {"a": 1.5, "b": 0.5}, none))
    assert more == pytest.approx({"a": 1.5, "b": 0.7})  # what is billed goes to the cheaper


def test_the_exit_with_the_most_free_slots_bursts():
    net, paid = fork(a=1.0, b=1.0), {"a": 0.5, "b": 0.5}
    assert loads(net, 2.0, allowed(net, paid, {"a": 3, "b": 7}))["a"] <= 0.5 + 1e-9
    assert loads(net, 2.0, allowed(net, paid, {"a": 7, "b": 3}))["b"] <= 0.5 + 1e-9


def test_no_exit_bursts_without_need_and_a_slot_that_is_free_is_used_up():
    net, paid = fork(a=1.0, b=1.0), {"a": 0.5, "b": 0.5}
    calm = loads(net, 1.0, allowed(net, paid, {"a": 7, "b": 7}))
    assert calm == pytest.approx({"a": 0.5, "b": 0.5})
    running = loads(net, 1.8, allowed(net, paid, {"a": 2, "b": 7}, bursting="a"))
    assert running["b"] <= 0.5 + 1e-9


def test_bills_do_not_overload_a_link():
    net = fork(a=1.0, b=1000.0)
    found = loads(net, 3.0)
    assert found["a"] == pytest.approx(0.95 * 2.2)
    full = loads(net, 4.4)
    assert full == pytest.approx({"a": 2.2, "b": 2.2})


# -- the controller's account of the month ---------------------------------------------------------


def month_of(strategies, *, slot_s=3600.0, hours=240, days=8, **rule):
    """Ten days of 240 slots, 12 of them free; traffic doubles for three hours on eight days."""
    net = fork(a=PRICE, b=PRICE)
    surges = [
        Surge(at_h=24.0 * day + 18, rise_h=0, plateau_h=3, fall_h=0, factor=2.0)
        for day in range(days)
    ]
    case = case_of(
        net, asks(net, ("home", "abroad", 1.0)), strategies, hours=hours, step_s=slot_s,
        shapes=surges,
    )  # fmt: skip
    return replace(case, billing=Billing(slot_s=slot_s, **rule))


IDEAL = Strategy(scheme="burst_billing", control=PerfectInformation())


def test_a_month_of_two_links_costs_2_when_balanced_and_1_with_bursts():
    played = play(month_of({"plain": static(), "burst": IDEAL}))
    assert played.figure("transit_cost_usd", strategy="plain") == pytest.approx(2.0)
    assert played.figure("transit_cost_usd", strategy="burst") == pytest.approx(1.0, abs=1e-6)
    assert played.figure("lost_gbit", strategy="burst") == 0.0


def test_a_controller_that_is_a_slot_late_bursts_as_well():
    it = sdn("burst_billing", every_s=3600.0, staleness_s=0.0, window_s=60.0)
    played = play(month_of({"plain": static(), "it": it}, days=6))
    assert played.figure("transit_cost_usd", strategy="plain") == pytest.approx(2.0)
    assert played.figure("transit_cost_usd") < 1.2


def test_when_no_free_slot_is_left_the_level_rises_once():
    # 30 slots of 2 Gbps, 24 of them free: six slots are billed, on one link.
    played = play(month_of(IDEAL, days=10))
    assert played.figure("transit_cost_usd") == pytest.approx(2.0, abs=1e-6)


def test_every_month_has_free_slots_of_its_own():
    # Months of five days: 120 slots, 6 free at each link; 12 peak slots in each.
    played = play(month_of(IDEAL, days=9, month_days=5.0))
    busy = play(month_of(IDEAL, days=4, month_days=5.0))
    assert busy.figure("transit_cost_usd") == pytest.approx(1.0, abs=1e-6)
    assert played.figure("transit_cost_usd") > 1.0


def test_without_prices_nothing_is_billed_and_the_scheme_runs():
    net = fork()
    played = play(case_of(net, asks(net, ("home", "abroad", 1.0)), sdn("burst_billing"), hours=1))
    assert played.figure("lost_gbit") == 0.0
