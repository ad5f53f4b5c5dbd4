"""The fluid engine against closed forms: sinusoids, rectangles, faults of every kind."""

import numpy as np
import pytest
from conftest import MINI, make_tiny
from helpers import ABROAD, TWO_EXITS, asks, case_of, play, sdn, static, steps_of, two_exits

import simulator as sim
from simulator.base.errors import InputError
from simulator.queues.burst import Burst
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

pytestmark = pytest.mark.usefixtures("no_headroom")

DAY = 86400.0
NEAR, FAR = ("near", "gw-near"), ("far", "gw-far")


def out(network, gbps):
    return asks(network, ("home", "abroad", gbps))


def gbit(case, played, arc, column="carried_gbps", strategy="it"):
    """Volume over one direction of a link."""
    return float(played.arc(*arc, strategy)[column].to_numpy() @ steps_of(case))


def run(network, gbps, strategy, events, **more):
    """Play one demand abroad; return the case and what came of it."""
    case = case_of(network, out(network, gbps), strategy, events=events, **more)
    return case, play(case)


def close(value):
    """Equal to a microsecond of traffic."""
    return pytest.approx(value, rel=1e-9, abs=1e-6)


# -- a sinusoid over a link -------------------------------------------------------------------


MIDDLE, SWING = 60.0, 40.0
WAVE = Diurnal(peak_hour=21.0, trough=0.2)
"""100 Gbps times it is 60 + 40 cos(2 pi (t - 21 h) / 24 h)."""


def day(step_s, capacity):
    network = make_tiny(("access", "home", "gw", 1e4), ("exit", "gw", "abroad", capacity),
                        gw="gateway", abroad="pop")  # fmt: skip
    return play(
        case_of(network, out(network, 100.0), static(), hours=24, step_s=step_s, shapes=[WAVE],
                detail="none")
    )  # fmt: skip


def lost_in_a_day(capacity):
    """Integral of what exceeds the capacity: the wave stands above it for 2 theta of 2 pi."""
    theta = np.arccos((capacity - MIDDLE) / SWING)
    return DAY / np.pi * ((MIDDLE - capacity) * theta + SWING * np.sin(theta))


def test_loss_of_a_sinusoid_to_second_order():
    # At 80 Gbps the wave crosses the capacity four hours from its peak, on a step boundary.
    exact = lost_in_a_day(80.0)
    errors = [
        abs(day(step, 80.0).figure("lost_gbit") - exact) for step in (3600.0, 1800.0, 900.0, 450.0)
    ]
    ratios = [coarse / fine for coarse, fine in zip(errors, errors[1:], strict=False)]
    assert ratios == pytest.approx([4.0, 4.0, 4.0], rel=0.02)
    assert errors[-1] < 1e-3 * exact


@pytest.mark.parametrize("capacity", [65.0, 77.7, 93.0])
def test_loss_of_a_sinusoid_wherever_it_crosses(capacity):
    # Curvature inside steps: a w^2 h^2 / 24 of a day at most; each kink: slope h^2 / 8 at most.
    turn = 2 * np.pi / DAY
    for step in (3600.0, 900.0, 300.0):
        bound = DAY * SWING * turn**2 * step**2 / 24 + 2 * SWING * turn * step**2 / 8
        lost = day(step, capacity).figure("lost_gbit")
        assert abs(lost - lost_in_a_day(capacity)) <= bound


def test_figures_of_a_sinusoid():
    step, capacity = 300.0, 80.0
    got = day(step, capacity)
    half = np.pi * step / DAY
    assert got.figure("offered_gbit") == pytest.approx(MIDDLE * DAY, rel=1e-12)
    mean = pytest.approx(MIDDLE / capacity, rel=1e-12)
    assert got.figure("exit_utilisation_mean", "exit:exit:out") == mean
    # Over all exits: what is offered to both directions over the room of both; none comes in.
    assert 2 * got.figure("exit_utilisation_mean") == mean
    # The step beside the peak has its middle half a step away from it.
    peak = (MIDDLE + SWING * np.cos(half)) / capacity
    assert got.figure("exit_utilisation_peak") == pytest.approx(peak, rel=1e-12)
    assert got.figure("mlu_peak", "exit") == pytest.approx(peak, rel=1e-12)
    # Five per cent of a turn lie within 0.05 pi of the peak; a step is 2 half of a turn.
    p95 = (MIDDLE + SWING * np.cos(0.05 * np.pi)) / capacity
    slack = SWING * np.sin(0.05 * np.pi + 2 * half) * 2 * half / capacity
    assert got.figure("exit_utilisation_p95") == pytest.approx(p95, abs=slack)
    assert got.figure("hours_above_100") == 8.0
    for percent in (70, 80, 90):
        theta = np.arccos((percent / 100 * capacity - MIDDLE) / SWING)
        hours = got.figure(f"hours_above_{percent}")
        assert hours == pytest.approx(24 * theta / np.pi, abs=2 * step / 3600)
    assert got.figure("exit_utilisation_peak", "exit:exit:in") == 0.0


def test_latency_of_a_day_is_weighted_by_what_arrives():
    # Propagation 2 ms. The buffer of 6 ms is full during the 8 hours above 80 Gbps, when 80 arrive;
    # in the other 16 no wait (burst 0): mean = 2 + 6 * 80 * 8 h / carried.
    network = make_tiny(("access", "home", "gw", 1e4), ("exit", "gw", "abroad", 80.0),
                        gw="gateway", abroad="pop")  # fmt: skip
    case = case_of(network, out(network, 100.0), static(), hours=24, step_s=300, shapes=[WAVE],
                   queue=Burst(burst_ms=0.0, buffer_ms=6.0))  # fmt: skip
    got = play(case)
    carried = got.figure("carried_gbit")
    wait = 6.0 * 80.0 * 8 * 3600 / carried
    assert got.figure("latency_ms_mean") == pytest.approx(2.0 + wait, rel=1e-12)
    assert got.figure("propagation_ms_mean") == pytest.approx(2.0, rel=1e-12)
    assert got.figure("queueing_ms_mean") == pytest.approx(wait, rel=1e-10)
    share = 80.0 * 8 * 3600 / carried  # of the volume that waited
    assert 0.05 < share < 0.5
    assert got.figure("latency_ms_p50") == pytest.approx(2.0, abs=1e-9)
    assert got.figure("latency_ms_p95") == pytest.approx(8.0, abs=1e-9)


# -- a link goes down and comes back ----------------------------------------------------------


@pytest.mark.parametrize(("down", "up"), [(1234.567891, 2345.678912), (0.0, 601.5), (600.0, 660.0)])
@pytest.mark.parametrize(("detect", "converge"), [(1.0, 2.0), (0.25, 7.125), (0.0, 0.0)])
def test_a_fault_loses_the_traffic_until_the_igp_has_converged(down, up, detect, converge):
    strategy = static(detect_s=detect, converge_s=converge)
    case, got = run(two_exits(), 50.0, strategy,
                    [{"at_h": down / 3600, "until_h": up / 3600, "link": "near"}])  # fmt: skip
    outage = detect + converge
    assert got.figure("lost_gbit") == close(50.0 * outage)
    assert got.figure("offered_gbit") == close(50.0 * 3600)
    # The far exit carries from convergence on the fault to convergence on the repair.
    assert gbit(case, got, FAR) == close(50.0 * (up - down))
    assert gbit(case, got, NEAR) == close(50.0 * (3600 - (up - down) - outage))
    assert gbit(case, got, NEAR, "offered_gbps") == close(50.0 * (3600 - (up - down)))
    # One way 11 ms near, 22 ms far, weighted by what arrives.
    arrived = 50.0 * (3600 - outage)
    latency = (22.0 * gbit(case, got, FAR) + 11.0 * gbit(case, got, NEAR)) / arrived
    assert got.figure("latency_ms_mean") == pytest.approx(latency, rel=1e-9)


def test_a_fault_without_detour_lasts_until_the_repair_is_known():
    network = make_tiny(*TWO_EXITS[::2], **ABROAD)
    case, got = run(network, 50.0, static(),
                    [{"at_h": 600 / 3600, "until_h": 1800 / 3600, "link": "near"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * (1800 + 3 - 600))


def test_a_repair_before_the_igp_has_converged():
    # Down for 1.5 s: the link carries again at once, the detour of 2.0 s later loses nothing.
    case, got = run(two_exits(), 50.0, static(detect_s=1.0, converge_s=2.0),
                    [{"at_h": 0.5, "until_h": 0.5 + 1.5 / 3600, "link": "near"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 1.5)


def test_a_flap_shorter_than_detection():
    case, got = run(two_exits(), 50.0, static(detect_s=1.0, converge_s=2.0),
                    [{"at_h": 0.5, "until_h": 0.5 + 0.5 / 3600, "link": "near"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 0.5)


def two_pairs():
    """Two demands that have nothing in common, each with a detour of its own."""
    links = [
        row
        for a, b, x in (("a", "b", "x"), ("c", "d", "y"))
        for row in ((a + b, a, b, 100.0), (a + x, a, x, 100.0, 5.0), (x + b, x, b, 100.0, 5.0))
    ]
    network = make_tiny(*links)
    return network, asks(network, ("a", "b", 10.0), ("c", "d", 20.0))


def lost_by_pair(first_s, second_s, detect_s, converge_s):
    """Volume lost by two demands whose links fail at two times."""
    network, demands = two_pairs()
    events = [{"at_h": first_s / 3600, "link": "ab"}, {"at_h": second_s / 3600, "link": "cd"}]
    case = case_of(network, demands, static(detect_s=detect_s, converge_s=converge_s),
                   events=events)  # fmt: skip
    got = play(case)
    rows = [got.demand(*ends) for ends in (("a", "b"), ("c", "d"))]
    return [float((r["offered_gbps"] - r["carried_gbps"]) @ steps_of(case)) for r in rows]


def test_two_faults_far_apart_lose_alike():
    assert lost_by_pair(600, 1200, 1.0, 2.0) == [close(10.0 * 3), close(20.0 * 3)]


def test_two_faults_at_one_instant_lose_alike():
    assert lost_by_pair(600, 600, 1.0, 2.0) == [close(10.0 * 3), close(20.0 * 3)]


def test_a_fault_during_detection_of_another_is_not_noticed_early():
    # detect_s is the time until a link that went down is noticed, whatever else was noticed.
    first, second = lost_by_pair(600, 609.9, 10.0, 2.0)
    assert first == close(10.0 * 12)
    assert second >= 20.0 * 12 * (1 - 1e-9)
    assert second <= 20.0 * (12 + 2) * (1 + 1e-9), "one more convergence at most"


def test_a_fault_during_convergence_on_another_is_not_noticed_late():
    # Noticed at 621 s, when the first convergence (610 to 612 s) is long over.
    first, second = lost_by_pair(600, 611, 10.0, 2.0)
    assert first == close(10.0 * 12)
    assert second == close(20.0 * 12)


# -- overlapping faults -----------------------------------------------------------------------

HOUR = 1 / 3600


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"link": "near"}, {"link": "near"}),
        ({"link": "near"}, {"node": "gw-near"}),
        ({"node": "gw-near"}, {"node": "gw-near"}),
        ({"link": "near"}, {"cable": "C"}),
        ({"cable": "C"}, {"cable": "C"}),
        ({"cable": "C"}, {"node": "abroad"}),
    ],
)
def test_the_repair_of_one_fault_does_not_heal_another(one, other):
    network = make_tiny(*TWO_EXITS[::2], **ABROAD).with_link("near", cables={"C": 1.0})
    case, got = run(network, 50.0, static(), [
        {"at_h": 600 * HOUR, "until_h": 1800 * HOUR, **one},
        {"at_h": 1200 * HOUR, "until_h": 2400 * HOUR, **other},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * (2400 + 3 - 600))
    assert got.table("events")["time_s"].tolist() == pytest.approx([600, 1200, 1800, 2400])


def test_capacity_changes_overlap_and_each_ends_by_itself():
    # +400 from 1 to 3 h and +100 from 2 to 4 h.
    case, got = run(two_exits(), 50.0, static(), [
        {"at_h": 1, "until_h": 3, "link": "near", "capacity_gbps": "+400"},
        {"at_h": 2, "until_h": 4, "link": "near", "capacity_gbps": "+100"},
    ], hours=5)  # fmt: skip
    hourly = got.arc(*NEAR)["capacity_gbps"].to_numpy()[30::60]
    assert hourly == pytest.approx([100.0, 500.0, 600.0, 200.0, 100.0])


def test_like_changes_of_capacity_are_told_apart():
    # +100 for good, then doubled, then +100 for an hour: (100 + 100) x 2 stays.
    case, got = run(two_exits(), 50.0, static(), [
        {"at_h": 1, "link": "near", "capacity_gbps": "+100"},
        {"at_h": 2, "link": "near", "capacity_gbps": "x2"},
        {"at_h": 3, "until_h": 4, "link": "near", "capacity_gbps": "+100"},
    ], hours=5)  # fmt: skip
    hourly = got.arc(*NEAR)["capacity_gbps"].to_numpy()[30::60]
    assert hourly == pytest.approx([100.0, 200.0, 400.0, 500.0, 400.0])


def test_an_upgrade_for_good_outlives_a_loan():
    case, got = run(two_exits(), 50.0, static(), [
        {"at_h": 1, "until_h": 3, "link": "near", "capacity_gbps": "+400"},
        {"at_h": 2, "link": "near", "capacity_gbps": "+100"},
    ], hours=4)  # fmt: skip
    hourly = got.arc(*NEAR)["capacity_gbps"].to_numpy()[30::60]
    assert hourly == pytest.approx([100.0, 500.0, 600.0, 200.0])


def test_overlapping_outages_of_a_controller():
    # Static routes put 150 Gbps on the near exit and lose 50; the controller spreads them. It is
    # out from 600 to 1800 s and, for another reason, from 1200 to 2400 s: back at 2400 s, it acts
    # at the next cycle, 2400 s (its return comes first), and installs 7 s later.
    case, got = run(two_exits(), 150.0, sdn(on_outage="withdraw"), [
        {"at_h": 600 * HOUR, "until_h": 1800 * HOUR, "controller": "it"},
        {"at_h": 1200 * HOUR, "until_h": 2400 * HOUR, "controller": "it"},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * (2407 - 600))


# -- cables and upgrades ----------------------------------------------------------------------


def cabled(**cables):
    return two_exits().with_link("near", cables=cables)


@pytest.mark.parametrize(
    ("severity", "share", "left"), [(1.0, 0.6, 40.0), (0.5, 0.6, 70.0), (0.25, 1.0, 75.0)]
)
def test_a_cable_takes_its_share(severity, share, left):
    case, got = run(cabled(C=share), 80.0, static(), [
        {"at_h": 1000 * HOUR, "until_h": 2000 * HOUR, "cable": "C", "severity": severity},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close((80.0 - left) * 1000)
    assert gbit(case, got, FAR) == 0.0, "no IGP notices"
    assert got.arc(*NEAR)["capacity_gbps"].loc[1200.0] == pytest.approx(left)
    mean = got.arc(*NEAR)["capacity_gbps"].to_numpy() @ steps_of(case)
    assert mean == close(100.0 * 2600 + left * 1000)


def test_a_cable_that_is_all_of_an_exit_takes_it_down():
    case, got = run(cabled(C=1.0), 80.0, static(), [{"at_h": 1000 * HOUR, "cable": "C"}])
    assert got.figure("lost_gbit") == close(80.0 * 3)
    assert gbit(case, got, FAR) == close(80.0 * (2600 - 3))


def test_two_cables_together_take_an_exit_down():
    case, got = run(cabled(C=0.7, D=0.3), 80.0, static(), [
        {"at_h": 1000 * HOUR, "until_h": 3000 * HOUR, "cable": "C"},
        {"at_h": 2000 * HOUR, "cable": "D"},
    ])  # fmt: skip
    # 50 short while C is cut; 3 s of all when D follows; back at 70 of 80 ... on the way back the
    # far exit carries all for 3 s more, then 10 are lost again.
    assert got.figure("lost_gbit") == close(50.0 * 1000 + 80.0 * 3 + 10.0 * (600 - 3))


def test_a_cut_cable_is_whole_again_after_its_repair():
    events = [
        {"at_h": (100 + 10 * i) * HOUR, "until_h": (900 - 7 * i) * HOUR, "cable": "C",
         "severity": severity}
        for i, severity in enumerate((0.1, 0.2, 0.3, 0.15, 0.05))
    ]  # fmt: skip
    case, got = run(cabled(C=0.7), 80.0, static(), events)
    assert got.arc(*NEAR)["capacity_gbps"].loc[960.0] == pytest.approx(100.0, rel=1e-12)


@pytest.mark.parametrize(
    ("cut", "install"),
    [
        # Cycles every 60 s see what stood 25 s ago, and install 5 s later.
        (1000.0, 1085.0),  # 1020 sees 995, 1080 sees 1055
        (990.0, 1025.0),  # 1020 sees 995
        (995.0, 1025.0),  # 1020 sees 995, and a fault comes first at its instant
        (995.000001, 1085.0),
        (1019.999999, 1085.0),
    ],
)
def test_a_partial_cut_is_seen_by_the_controller_alone(cut, install):
    control = {"every_s": 60.0, "staleness_s": 25.0, "compute_s": 2.0, "install_s": 3.0}
    strategies = {"static": static(), "sdn": sdn(**control)}
    network = cabled(C=0.6)
    case = case_of(network, out(network, 80.0), strategies,
                   events=[{"at_h": cut * HOUR, "cable": "C"}])  # fmt: skip
    got = play(case)
    assert got.figure("lost_gbit", strategy="static") == close(40.0 * (3600 - cut))
    assert got.figure("lost_gbit", strategy="sdn") == close(40.0 * (install - cut))


def test_a_full_cut_is_rerouted_by_the_igp_before_the_controller():
    control = {"every_s": 300.0, "compute_s": 20.0, "install_s": 30.0}
    case, got = run(cabled(C=1.0), 80.0, sdn(**control), [{"at_h": 1000 * HOUR, "cable": "C"}])
    assert got.figure("lost_gbit") == close(80.0 * 3)
    log = got.table("control")
    assert log[log["trigger"] == "topology"]["time_s"].tolist() == pytest.approx([1003.0, 1051.0])


@pytest.mark.parametrize("at_s", [0.0, 600.0, 1111.111111])
def test_an_upgrade_helps_from_its_instant(at_s):
    case, got = run(two_exits(), 150.0, static(), [
        {"at_h": at_s * HOUR, "link": "near", "capacity_gbps": "+100"},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * at_s)


def test_a_capacity_lent_for_a_while():
    case, got = run(two_exits(), 90.0, static(), [
        {"at_h": 600 * HOUR, "until_h": 1234.5 * HOUR, "link": "near", "capacity_gbps": "x0.5"},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(40.0 * 634.5)


def test_an_upgrade_made_while_the_link_is_down_counts_after_the_repair():
    network = make_tiny(*TWO_EXITS[::2], **ABROAD)
    case, got = run(network, 150.0, static(), [
        {"at_h": 600 * HOUR, "until_h": 1800 * HOUR, "link": "near"},
        {"at_h": 1200 * HOUR, "link": "near", "capacity_gbps": 140},
    ])  # fmt: skip
    expected = 50.0 * 600 + 150.0 * 1203 + 10.0 * (3600 - 1803)
    assert got.figure("lost_gbit") == close(expected)


def test_a_node_takes_its_links_down():
    case, got = run(two_exits(), 50.0, static(), [{"at_h": 1000 * HOUR, "node": "gw-near"}])
    assert got.figure("lost_gbit") == close(50.0 * 3)
    assert gbit(case, got, FAR) == close(50.0 * (2600 - 3))


def test_a_demand_whose_end_is_down_is_lost():
    case, got = run(two_exits(), 50.0, static(),
                    [{"at_h": 1000 * HOUR, "until_h": 2000 * HOUR, "node": "abroad"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 1003)


# -- controllers out of order -----------------------------------------------------------------


def test_fail_static_leaves_the_routes_and_withdraw_takes_them_back():
    # The controller spreads 150 Gbps; shortest paths alone would lose 50. Out from 900 to 2000 s,
    # it acts again at its next cycle, 2040 s, and installs 5 s later.
    for mode, lost in (("fail_static", 0.0), ("withdraw", 50.0 * (2045 - 900))):
        control = {"every_s": 60.0, "compute_s": 2.0, "install_s": 3.0, "on_outage": mode}
        outage = {"at_h": 900 * HOUR, "until_h": 2000 * HOUR, "controller": "it"}
        case, got = run(two_exits(), 150.0, sdn(**control), [outage])
        assert got.figure("lost_gbit") == close(lost)


def test_a_controller_that_is_out_misses_a_partial_cut():
    control = {"every_s": 60.0, "compute_s": 2.0, "install_s": 3.0, "staleness_s": 25.0}
    case, got = run(cabled(C=0.6), 80.0, sdn(**control), [
        {"at_h": 900 * HOUR, "until_h": 2000 * HOUR, "controller": "it"},
        {"at_h": 1000 * HOUR, "cable": "C"},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(40.0 * (2045 - 1000))


def test_fail_static_still_leaves_dead_links():
    # Routes of the controller over the dead exit fall back to the static routes.
    case, got = run(two_exits(), 80.0, sdn(), [
        {"at_h": 900 * HOUR, "controller": "it"},
        {"at_h": 1000 * HOUR, "link": "near"},
    ])  # fmt: skip
    assert got.figure("lost_gbit") == close(80.0 * 3)


def test_a_controller_that_goes_out_while_it_computes_installs_nothing():
    control = {"every_s": 60.0, "compute_s": 2.0, "install_s": 3.0, "on_outage": "withdraw"}
    case, got = run(two_exits(), 150.0, sdn(**control),
                    [{"at_h": 902 * HOUR, "controller": "it"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * (3600 - 902))


# -- instants ---------------------------------------------------------------------------------


def test_everything_at_once_happens_down_the_ladder():
    # At 1200 s: a step, a cycle, a fault and an upgrade. With no delays at all the fault comes
    # first and the control that answers it last, so nothing is lost at all, and the row of the
    # step that begins then knows nothing of the time before.
    control = {"detect_s": 0.0, "converge_s": 0.0}
    loop = {"every_s": 300.0, "staleness_s": 0.0, "compute_s": 0.0, "install_s": 0.0}
    for strategy in (static(**control), sdn(**control, **loop)):
        case, got = run(two_exits(far=40.0), 50.0, strategy, [
            {"at_h": 1200 * HOUR, "link": "near"},
            {"at_h": 1200 * HOUR, "link": "far", "capacity_gbps": "+60"},
        ])  # fmt: skip
        assert got.figure("lost_gbit") == 0.0
        far = got.arc(*FAR)
        assert far["carried_gbps"].loc[[1140.0, 1200.0]].tolist() == [0.0, 50.0]
        assert far["capacity_gbps"].loc[[1140.0, 1200.0]].tolist() == [40.0, 100.0]


def test_control_comes_before_traffic():
    # Traffic doubles with the day at 3600 s steps; routes installed at a step boundary are in
    # force for the whole of the new step, and their log says so.
    loop = {"every_s": 3600.0, "staleness_s": 0.0, "compute_s": 0.0, "install_s": 0.0}
    case, got = run(two_exits(), 150.0, sdn(**loop), [], hours=3, step_s=3600.0, shapes=[WAVE])
    near = got.arc(*NEAR)["utilisation"]
    assert (got.arc(*NEAR)["utilisation_peak"] == near).all(), "no change within a step"


def test_a_horizon_in_the_middle_of_a_step():
    case, got = run(two_exits(), 50.0, static(), [], hours=3636.25 * HOUR)
    assert case.steps == 61
    assert got.figure("offered_gbit") == close(50.0 * 3636.25)
    rows = got.demand("home", "abroad")
    assert len(rows) == 61 and (rows["offered_gbps"] == 50.0).all()
    assert gbit(case, got, NEAR) == close(50.0 * 3636.25)


def test_steps_that_are_no_whole_number_of_microseconds():
    # 540 steps of a third of a second, rounded to microseconds, end 0.18 ms before the horizon.
    case, got = run(two_exits(), 50.0, static(), [], hours=0.05, step_s=1 / 3)
    assert got.figure("carried_gbit") == close(50.0 * 180)
    assert got.figure("offered_gbit") == close(50.0 * 180)


def test_a_fault_in_a_step_that_the_horizon_cuts():
    case, got = run(two_exits(), 50.0, static(), [{"at_h": 3610 * HOUR, "link": "near"}],
                    hours=3620 * HOUR)  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 3)
    assert gbit(case, got, FAR) == close(50.0 * 7)


def test_a_repair_at_the_horizon_changes_nothing():
    case, got = run(two_exits(), 50.0, static(),
                    [{"at_h": 0.5, "until_h": 1.0, "link": "near"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 3)
    assert gbit(case, got, FAR) == close(50.0 * 1797)


def test_an_outage_at_the_start_counts_from_the_start():
    case, got = run(two_exits(), 50.0, static(detect_s=30.0, converge_s=10.0),
                    [{"at_h": 0, "link": "near"}])  # fmt: skip
    assert got.figure("lost_gbit") == close(50.0 * 40)


def test_steps_and_events_do_not_depend_on_each_other():
    # The same outage under steps of any length loses the same, to rounding.
    lost = [
        run(two_exits(), 50.0, static(), [{"at_h": 0.31415926, "until_h": 0.7, "link": "near"}],
            step_s=step)[1].figure("lost_gbit")
        for step in (7.0, 60.0, 333.333, 3600.0)
    ]  # fmt: skip
    assert lost == [close(150.0)] * 4


@pytest.mark.parametrize("power", [-30, 10])
def test_units_do_not_matter_to_a_run(mini, power):
    """Four hours of the mini, in bps and in Tbps: the same but for the unit."""
    network, demands = mini
    factor = 2.0**power
    small = network.under(capacity_gbps=network.capacity_gbps * factor)
    few = demands.with_gbps(demands.gbps * factor)
    events = [{"at_h": 1.01, "until_h": 2.5, "cable": "APCN-2"},
              {"at_h": 2.0, "until_h": 3.2, "link": "beijing-la"}]  # fmt: skip
    strategies = {"static": static("nearest_exit"), "sdn": sdn(every_s=900.0, noise_sigma=0.05)}
    shapes = [WAVE, Noise(sigma=0.2)]
    ours, theirs = (
        play(case_of(n, d, strategies, hours=4, step_s=900.0, events=events, shapes=shapes,
                     queue=Burst(), detail="none")).figures
        for n, d in ((network, demands), (small, few))
    )  # fmt: skip
    for name in strategies:
        assert list(ours[name]) == list(theirs[name])
        for (metric, scope), value in ours[name].items():
            scaled = value * factor if metric.endswith(("_gbit", "_gbps", "_per_day")) else value
            told = theirs[name][metric, scope]
            assert told == pytest.approx(scaled, rel=1e-9, abs=0, nan_ok=True), (metric, scope)


# -- at the door ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        # 32 Gbps out and 10 in: 20 less is fine one way and impossible the other.
        {"links.beijing-la.capacity_ba_gbps": 10,
         "events": [{"at_h": 1, "link": "beijing-la", "capacity_gbps": "-20"}]},
        # 20 less twice: the second finds 12.
        {"events": [{"at_h": 1, "link": "beijing-la", "capacity_gbps": "-20"},
                    {"at_h": 2, "link": "beijing-la", "capacity_gbps": "-20"}]},
    ],
    ids=["other direction", "two in a row"],
)  # fmt: skip
def test_a_capacity_below_zero_is_refused_before_the_run(changes):
    scenario = sim.load(MINI).with_changes({"horizon_h": 3, "replications": 1})
    first = {key: value for key, value in changes.items() if key != "events"}
    scenario = scenario.with_changes(first) if first else scenario
    with pytest.raises(InputError, match="capacity_gbps"):
        scenario.with_changes({"events": changes["events"]})
        pytest.fail("accepted; sim.run would end in a bare ValueError half way through")
