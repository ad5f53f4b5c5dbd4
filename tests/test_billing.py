"""Bills of transit: slots, percentiles, directions and months, against figures worked by hand."""

import numpy as np
import pytest
from conftest import MINI
from helpers import asks, case_of, play, static, two_exits

import simulator as sim
from simulator.base.errors import InputError
from simulator.model.billing import Billing, slot_means
from simulator.recording.transit import totals_of
from simulator.traffic.shapes.diurnal import Diurnal

pytestmark = pytest.mark.usefixtures("no_headroom")


def priced(**prices):
    return two_exits().with_links({k: {"price_usd_per_mbps": p} for k, p in prices.items()})


# -- the arithmetic -----------------------------------------------------------------------------


def test_432_of_8640_slots_are_free():
    month = Billing()
    assert month.month_slots == 8640
    assert month.free_slots(8640) == 432
    assert month.free_slots(19) == 0  # a run of an hour is billed at its peak


@pytest.mark.parametrize("percentile", [0.9, 0.95, 0.99, 0.999])
def test_free_slots_are_what_the_percentile_leaves(percentile):
    for slots in (10, 20, 100, 1000, 8640, 8928):
        exact = slots * round((1 - percentile) * 1000) // 1000
        assert Billing(percentile=percentile).free_slots(slots) == min(exact, slots - 1)


def test_no_percentile_frees_every_slot():
    assert Billing(percentile=0.0).level_gbps(np.array([3.0, 1.0, 2.0])) == 1.0
    assert Billing(percentile=1.0).level_gbps(np.array([3.0, 1.0, 2.0])) == 3.0


def test_the_level_is_the_highest_slot_that_is_not_free():
    slots = np.random.default_rng(1).permutation(np.arange(1.0, 101.0))
    assert Billing().level_gbps(slots) == 95.0
    slots = np.zeros(8640)
    slots[:432] = 7.0
    assert Billing().level_gbps(slots) == 0.0
    slots[432] = 5.0
    assert Billing().level_gbps(slots) == 5.0


@pytest.mark.parametrize(("rule", "gbps"), {"larger": 4, "sum": 7, "out": 3, "in": 4}.items())
def test_directions_are_billed_by_the_rule(rule, gbps):
    slots = np.full(20, 3.0), np.full(20, 4.0)
    bill = totals_of(Billing(directions=rule), 2.0, slots)
    assert bill.billed_gbps == gbps
    assert bill.cost_usd == gbps * 1000 * 2
    assert bill.level_gbps == {"out": 3.0, "in": 4.0}


def test_each_month_is_billed_for_itself_and_one_that_is_not_over_by_its_slots():
    rule = Billing(slot_s=3600.0, month_days=1.0, percentile=1.0)
    slots = np.concatenate([np.full(24, 2.0), np.full(24, 4.0), np.full(12, 10.0)])
    bill = totals_of(rule, 1.0, (slots, 0 * slots))
    assert bill.billed_gbps == pytest.approx((2 * 24 + 4 * 24 + 10 * 12) / 60)


def test_slots_are_means_however_time_is_cut():
    gbps, seconds = np.array([[6.0, 0.0, 3.0, 9.0]]), np.array([100.0, 250.0, 50.0, 350.0])
    # 600 Gbit in the first 300 s; 3 for 50 s and 9 for 200 s; 9 for the last 150 s.
    np.testing.assert_allclose(
        slot_means(gbps, seconds, 300.0), [[2.0, (150 + 1800) / 300, 9.0]], rtol=1e-12
    )
    assert slot_means(gbps, seconds, 1e6).shape == (1, 1)


# -- figures of a run -----------------------------------------------------------------------------


def test_only_exits_with_a_price_have_a_bill():
    net = priced(near=0.5)
    played = play(case_of(net, asks(net, ("home", "abroad", 40.0)), static()))
    assert played.figure("transit_cost_usd") == pytest.approx(40 * 1000 * 0.5)
    assert played.figure("transit_cost_usd", "exit:near") == played.figure("transit_cost_usd")
    assert played.figure("slot_percentile_gbps", "exit:near:out") == pytest.approx(40.0)
    assert played.figure("slot_percentile_gbps", "exit:near:in") == 0.0
    assert ("transit_cost_usd", "exit:far") not in played.figures["it"]


def test_without_prices_there_is_no_figure_of_cost():
    net = two_exits()
    played = play(case_of(net, asks(net, ("home", "abroad", 40.0)), static()))
    assert not {m for m, _ in played.figures["it"]} & {"transit_cost_usd", "billed_gbps"}


def test_what_is_lost_at_a_full_exit_is_not_billed():
    net = two_exits(near=30.0).with_links({"near": {"price_usd_per_mbps": 1.0}})
    played = play(case_of(net, asks(net, ("home", "abroad", 40.0)), static()))
    assert played.figure("billed_gbps") == pytest.approx(30.0)


def test_an_outage_moves_the_bill_to_the_other_exit():
    net = priced(near=1.0, far=3.0)
    events = [{"at_h": 6, "link": "near", "until_h": 18}]
    case = case_of(
        net, asks(net, ("home", "abroad", 40.0)), static(), hours=24, step_s=300, events=events
    )
    played = play(case)
    assert played.figure("billed_gbps", "exit:near") == pytest.approx(40.0)
    assert played.figure("billed_gbps", "exit:far") == pytest.approx(40.0)
    assert played.figure("transit_cost_usd") == pytest.approx(160_000.0)
    short = case_of(
        net, asks(net, ("home", "abroad", 40.0)), static(), hours=24, step_s=300,
        events=[{"at_h": 6, "link": "near", "until_h": 7}],
    )  # fmt: skip
    assert play(short).figure("billed_gbps", "exit:far") == 0.0  # 12 slots of 14 that are free


def test_the_percentile_of_a_wave_is_that_of_its_sine():
    net = priced(near=1.0)
    wave = Diurnal(peak_hour=21.0, trough=0.2)
    case = case_of(
        net, asks(net, ("home", "abroad", 100.0)), static(), hours=24, step_s=60, shapes=[wave]
    )
    exact = 60 + 40 * np.cos(0.05 * np.pi)  # the wave is above it for 5 % of the day
    assert play(case).figure("billed_gbps") == pytest.approx(exact, abs=0.2)


# -- the key of a scenario ------------------------------------------------------------------------


def test_the_rule_of_a_scenario_reaches_its_figures():
    base = sim.load(MINI).with_changes(
        {"exits.*.price_usd_per_mbps": 1.0, "replications": 1, "horizon_h": 2, "step_s": 900}
    )
    cost = {}
    for rule in ("larger", "sum", "out", "in"):
        run = sim.run(base.with_changes({"billing.directions": rule}))
        cost[rule] = run.figure(run.strategies[0], "transit_cost_usd")
    assert cost["sum"] == pytest.approx(cost["out"] + cost["in"])
    assert max(cost["out"], cost["in"]) <= cost["larger"] <= cost["sum"]


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"billing.percentile": 95}, "billing.percentile", "95"),
        ({"billing.slot_s": 0}, "billing.slot_s", "0"),
        ({"billing.directions": "bigger"}, "billing.directions", "larger"),
        ({"billing.slots_s": 300}, "billing.slots_s", "slot_s"),
        ({"billing": {"slot_s": 90000, "month_days": 1}}, "billing", "shorter than a slot"),
    ],
)
def test_a_wrong_rule_is_named(changes, key, says):
    with pytest.raises(InputError) as caught:
        sim.load(MINI).with_changes(changes)
    assert key in str(caught.value) and says in str(caught.value)


def warnings(changes):
    return [p.message for p in sim.load(MINI).with_changes(changes).warnings]


def test_exits_without_a_price_beside_others_are_named():
    (one,) = [w for w in warnings({"exits.beijing-la.price_usd_per_mbps": 1.0}) if "price" in w]
    assert "bills leave out exits without a price_usd_per_mbps" in one
    assert "3 more" in one and "beijing-la" not in one


def test_a_rule_without_prices_is_told():
    assert any("no exit has a price" in w for w in warnings({"billing.slot_s": 60}))


def test_steps_longer_than_slots_are_told():
    changes = {"exits.*.price_usd_per_mbps": 1.0, "billing.slot_s": 300, "step_s": 900}
    assert any("peaks are missed" in w for w in warnings(changes))
