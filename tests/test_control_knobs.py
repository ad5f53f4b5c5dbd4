"""The knobs of the control loop: each imperfection against closed forms, and all of them at once.

Most of it happens on two exits of 100 Gbps, *near* and *far*. The static routes take the near one.
"""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from conftest import MINI, make_random_case, make_tiny
from helpers import TWO_EXITS, asks, case_of, path_routes, play, sdn, static, two_exits
from test_control import Listed, Ramp

import simulator as sim
from simulator import provenance
from simulator.control.caps import restrained, update_steps
from simulator.control.hysteresis import HysteresisTrigger
from simulator.control.inbound_steering import InboundSteering
from simulator.control.kinds.loop import MEASURED, Loop
from simulator.control.settings import Announcements, Hysteresis
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import scheme
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

pytestmark = pytest.mark.usefixtures("no_headroom")
HOUR = 1 / 3600
NEAR, FAR = ("near", "gw-near"), ("far", "gw-far")
QUICK = {"window_s": 0.0, "staleness_s": 0.0, "compute_s": 0.0, "install_s": 0.0}
"""A loop without any delay: at every cycle it reads the step before."""


@pytest.fixture
def told(monkeypatch):
    """A scheme that does as it is told and writes down what it is asked; gone after the test."""
    scheme.names()
    monkeypatch.setattr(scheme, "_classes", dict(scheme._classes))

    @scheme("told")
    class Told:
        """Decision by decision, the exit of every demand; the last plan stands.

        ``plan`` holds words of one letter a demand: *n* for near, *f* for far.
        """

        plan: tuple[str, ...] = ("n",)
        name: str = "it"

        demand_aware: ClassVar[bool] = True
        asked: ClassVar[dict[str, list[tuple[Network, Demands]]]] = {}

        def route(self, network, demands, current=None):
            seen = self.asked.setdefault(self.name, [])
            seen.append((network, demands))
            word = self.plan[min(len(seen), len(self.plan)) - 1]
            ways = []
            for k, letter in enumerate(word * (len(demands) // len(word))):
                ends = [demands.nodes[demands.source[k]], demands.nodes[demands.target[k]]]
                gateway = {"n": "gw-near", "f": "gw-far"}[letter]
                ways.append((1.0, [ends[0], gateway, ends[1]]))
            return path_routes(network, *ways)

    return Told


def heard(told, base, name="it"):
    """What was measured over what the base matrix asks, decision by demand."""
    return np.array([demands.gbps / base.gbps for _, demands in told.asked[name]])


def steering(played, strategy="it", layer="controller"):
    """Rows of one layer of steering."""
    return played.table("control", strategy).query(f"layer == '{layer}'")


def times(played, **which):
    return steering(played, **which)["time_s"].tolist()


def out(network, gbps):
    return asks(network, ("home", "abroad", gbps))


def moves(old, new, rates, network):
    """Gbps moved between routes, the long way round: largest rise of any share of each demand."""
    rise = (new.matrix - old.matrix).toarray().max(axis=0)
    return float(np.where(rise > 1e-9, rise, 0.0) @ rates)


# -- lost reports -------------------------------------------------------------------------------


def test_without_reports_the_base_matrix_stands(told):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 3.0), ("abroad", "home", 4.0))
    strategy = sdn(told(plan=("nn",)), telemetry_loss=1.0, noise_sigma=0.2)
    play(case_of(network, demands, strategy, step_s=300.0, shapes=[Ramp()]))
    assert len(heard(told, demands)) == 12
    assert (heard(told, demands) == 1.0).all()


def test_the_share_of_lost_reports(told):
    # Traffic rises all the time, so that a report is lost where nothing new is known.
    network = two_exits()
    demands = asks(network, *[("home", "abroad", 1.0 + k) for k in range(20)],
                   *[("abroad", "home", 1.0 + k) for k in range(20)])  # fmt: skip
    share = 0.3
    strategy = sdn(told(), every_s=60.0, telemetry_loss=share, **QUICK)
    play(case_of(network, demands, strategy, hours=10, shapes=[Ramp()]))
    seen = heard(told, demands)[1:]
    fresh = np.arange(1, 600)[:, None]
    lost = seen != fresh
    # Keyed by name: demands of one pair share their stream.
    assert (lost[:, :20] == lost[:, :1]).all() and (lost[:, 20:] == lost[:, 20:21]).all()
    lost = lost[:, [0, 20]]
    assert abs(lost.mean() - share) < 4 * np.sqrt(share * (1 - share) / lost.size)
    # The last one then stands.
    stands = np.maximum.accumulate(np.where(lost, 0, fresh), axis=0)
    assert (seen[:, [0, 20]] == np.maximum(stands, 1)).all()
    assert abs((lost[1:] & lost[:-1]).mean() - share**2) < 4 * share / np.sqrt(lost.size)


def test_lost_reports_do_not_change_the_noise_on_the_others(told):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 3.0), ("abroad", "home", 4.0))
    more = {"every_s": 60.0, "noise_sigma": 0.2, "staleness_s": 0.0}
    strategies = {
        "all": sdn(told(name="all"), **more),
        "some": sdn(told(name="some"), telemetry_loss=0.4, **more),
    }
    play(case_of(network, demands, strategies))
    full, part = heard(told, demands, "all"), heard(told, demands, "some")
    assert len(full) == 60
    known = np.vstack([np.ones((1, 2)), part[:-1]])
    same = part == full
    assert np.where(same, True, part == known).all()
    assert 0.4 < same.mean() < 0.8


def test_lost_reports_are_keyed_by_demand(told):
    network = two_exits()
    three = (("home", "abroad", 3.0), ("abroad", "home", 4.0), ("gw-near", "abroad", 5.0))
    few, more = asks(network, *three[:2]), asks(network, *three)
    seen = []
    told.route = lambda self, network, demands, current=None: (
        seen.append(demands.gbps) or IgpEcmp().route(network, demands)
    )
    heard = []
    for demands in (few, more):
        seen.clear()
        strategy = sdn(told(), every_s=60.0, telemetry_loss=0.5, steers=INTERNATIONAL)
        play(case_of(network, demands, strategy, shapes=[Ramp()]))
        heard.append(np.array(seen) / demands.gbps)
    assert np.array_equal(heard[0], heard[1][:, :2])
    assert not np.array_equal(heard[0][:, 0], heard[0][:, 1])


# -- when to leave routes alone -----------------------------------------------------------------


def wakes(marks, *utilisations):
    trigger = HysteresisTrigger(marks)
    return "".join(".!"[trigger.active(u)] for u in utilisations)


@pytest.mark.parametrize(
    ("hold", "seen", "expected"),
    [
        (2, [0.5, 0.9, 0.91, 0.85, 0.79, 0.79, 0.79, 0.9], "..!!!..."),
        (2, [0.91, 0.79, 0.8, 0.79, 0.79], "!!!!."),  # at the low mark is not below it
        (2, [0.91, 0.79, 0.91, 0.79, 0.79, 0.79], "!!!!.."),
        (1, [0.91, 0.8, 0.79, 0.9, 0.91], "!!..!"),
        (3, [0.95, 0.1, 0.1, 0.1, 0.1, 2.0, 0.1], "!!!..!!"),
        (3, [0.1, 0.1, 0.1, 0.95, 0.1], "...!!"),  # quiet before the alarm does not count
        (2, [np.inf, 0.0, 0.0], "!!."),
    ],
)
def test_the_alarm_by_hand(hold, seen, expected):
    assert wakes(Hysteresis(high=0.9, low=0.8, hold=hold), *seen) == expected


def test_the_alarm_is_a_state_machine():
    rng = np.random.default_rng(5)
    marks = Hysteresis(high=0.7, low=0.4, hold=3)
    seen = rng.choice([0.1, 0.4, 0.5, 0.7, 0.8], 3000, p=[0.5, 0.1, 0.2, 0.1, 0.1])
    on, expected = False, ""
    for k, u in enumerate(seen):
        quiet = k >= 2 and (seen[k - 2 : k + 1] < 0.4).all()
        on = bool(u > 0.7 or (on and not quiet))
        expected += ".!"[on]
    assert wakes(marks, *seen) == expected
    assert 0.2 < expected.count("!") / 3000 < 0.8


def test_one_mark_for_both():
    assert wakes(Hysteresis(high=0.5, low=0.5, hold=1), 0.5, 0.51, 0.5, 0.49, 0.5) == ".!!.."
    with pytest.raises(ValueError, match="low must not be above high, found 0.6 and 0.5"):
        Hysteresis(high=0.5, low=0.6)


def test_without_marks_it_always_rings():
    assert wakes(None, 0.0, 5.0, 0.0) == "!!!"


def test_a_controller_is_calm_while_no_exit_is_full(told):
    # Routes keep to the near exit, so that its utilisation is what was read: the step before.
    network = two_exits()
    demands = out(network, 100.0)
    read = [0.5, 0.5, 0.95, 0.85, 0.79, 0.79, 0.79, 0.9, 0.91, 0.8, 0.79, 0.79, 0.1]
    expected = "...!!!...!!!."
    strategy = sdn(told(), hysteresis=Hysteresis(), **QUICK)
    got = play(case_of(network, demands, strategy, hours=len(read) / 12, step_s=300.0,
                       shapes=[Listed(read)]))  # fmt: skip
    log = steering(got)
    assert "".join(".!"[status != "unchanged"] for status in log["status"]) == expected
    calm = log[log["status"] == "unchanged"]
    assert (calm["moves"] == 0).all() and (calm["moved_gbps"] == 0).all()
    assert calm[["mlu", "transient_mlu"]].isna().all().all()
    # At cycle k the step before was read, and judged by what came: in quiet cycles as in others.
    wrong = np.abs(np.divide([read[0], *read[:-1]], read) - 1.0)
    errors = log["prediction_error"].to_numpy()
    assert errors[:-1] == pytest.approx(wrong[:-1]) and np.isnan(errors[-1])
    assert got.figure("prediction_error") == pytest.approx(wrong[:-1].mean())
    assert got.figure("control_cycles") == expected.count("!") == len(told.asked["it"])


def test_nothing_moves_while_it_is_calm():
    # Of 150 Gbps 75 go far when first asked; at 60 nothing is done about it, and at 150 again.
    # Spread evenly no exit is full, which must be seen for two cycles before the controller rests:
    # it decides at 0 s, and once more at 60 s.
    network = two_exits()
    shape = Listed([150.0] * 5 + [60.0] * 25 + [150.0] * 30)
    strategy = sdn("min_max", every_s=60.0, hysteresis=Hysteresis(), **QUICK)
    got = play(case_of(network, out(network, 1.0), strategy, shapes=[shape]))
    assert got.figure("moves") == 1.0 and got.figure("lost_gbit") == 0.0
    far = got.arc(*FAR)["utilisation"].to_numpy()
    assert far == pytest.approx(np.repeat([0.75, 0.3, 0.75], [5, 25, 30]), rel=1e-6)
    calm = steering(got)["status"] == "unchanged"
    assert calm.tolist() == [False] * 2 + [True] * 58


def test_a_full_exit_of_any_direction_rings():
    network = two_exits().with_link("near", capacity_ba_gbps=20.0)
    demands = asks(network, ("home", "abroad", 50.0), ("abroad", "home", 19.0))
    for steers in (INTERNATIONAL, ("international_out",)):
        strategy = sdn("min_max", hysteresis=Hysteresis(), steers=steers, **QUICK)
        got = play(case_of(network, demands, strategy))
        assert steering(got)["status"].iloc[0] == "optimal"


def test_a_change_of_topology_is_answered_in_calm_too():
    network = two_exits()
    strategy = sdn("min_latency", hysteresis=Hysteresis())
    events = [{"at_h": 0.26, "until_h": 0.51, "link": "near"}]
    log = steering(play(case_of(network, out(network, 10.0), strategy, events=events)))
    acted = log[log["status"] != "unchanged"]
    assert acted[["time_s", "trigger"]].values.tolist() == [
        [0.26 * 3600 + 8, "topology"],
        [0.51 * 3600 + 8, "topology"],
    ]
    assert (log["status"] == "unchanged").sum() == 12


def test_no_calm_while_traffic_is_held_back():
    # Of 300 Gbps 160 are let in, and no exit is fuller than 80 %: below both marks. When 120 are
    # left to come, nothing need be throttled.
    network = two_exits()
    shape = Listed([300.0] * 6 + [120.0] * 6)
    strategy = sdn(scheme.make("max_min_fair", utilisation_cap=0.8),
                   hysteresis=Hysteresis(high=0.9, low=0.85), **QUICK)  # fmt: skip
    got = play(case_of(network, out(network, 1.0), strategy, step_s=300.0, shapes=[shape]))
    carried = got.demand("home", "abroad")["carried_gbps"].to_numpy()
    assert carried[:6] == pytest.approx(160.0, rel=1e-6)
    assert carried[7:] == pytest.approx(120.0, rel=1e-6)
    calm = (steering(got)["status"] == "unchanged").tolist()
    assert calm == [False] * 9 + [True] * 3, "all is let in at 2100 s, then two quiet cycles"


# -- no more moves than allowed -----------------------------------------------------------------


def fan():
    """Return two exits, and five demands that together are too many for the near one."""
    network = two_exits(near=120.0, far=120.0)
    return network, asks(network, *[("home", "abroad", gbps) for gbps in (10, 40, 20, 50, 30)])


@pytest.mark.parametrize("most", [1, 2, 4, 5, 99])
def test_no_more_demands_move_than_allowed_and_the_largest_relief_goes_first(told, most):
    # The near exit stays the dearer one to the end: 10 of 25 Gbps at 3, the far one at 1.
    _, demands = fan()
    network = two_exits(near=25.0, far=1000.0)
    strategy = sdn(told(plan=("fffff",)), max_moves=most, **QUICK)
    got = play(case_of(network, demands, strategy))
    size = [50, 40, 30, 20, 10]
    expected = [sum(size[k : k + most]) for k in range(0, 5, most)]
    log = steering(got)
    assert log["moved_gbps"].tolist() == pytest.approx(expected + [0.0] * (12 - len(expected)))
    assert log["moves"].max() <= most and log["moves"].sum() == 5
    assert got.arc(*FAR)["utilisation"].iloc[-1] == pytest.approx(150 / 1000)


@pytest.mark.parametrize(("most", "expected"), [(1, [50, 40, 10, 20, 30]), (2, [90, 30, 30])])
def test_where_moves_relieve_nothing_the_least_burden_goes_first(told, most, expected):
    # Of 120 Gbps each. Slopes of near and far before each single move: 5000 and 1, 10 and 3 (100
    # and 50 Gbps), then 3 and 10 (60 and 90), 3 and 10 (50 and 100), 1 and 500 (30 and 120): from
    # the third on the far exit is the dearer one, and the smallest demand adds least to it.
    network, demands = fan()
    strategy = sdn(told(plan=("fffff",)), max_moves=most, **QUICK)
    got = play(case_of(network, demands, strategy))
    log = steering(got)
    assert log["moved_gbps"].tolist() == pytest.approx(expected + [0.0] * (12 - len(expected)))
    assert got.arc(*FAR)["utilisation"].iloc[-1] == pytest.approx(150 / 120)


def test_of_moves_that_relieve_alike_the_faster_way_goes_first(told):
    # All exits are empty enough for one price; only the third demand gets there sooner by far.
    network = make_tiny(*TWO_EXITS, ("late", "other", "gw-near", 1000.0, 1.0, 30.0),
                        ("soon", "other", "gw-far", 1000.0, 9.0, 1.0),
                        **{"abroad": "pop", "gw-near": "gateway", "gw-far": "gateway"})  # fmt: skip
    demands = asks(network, ("home", "abroad", 5), ("home", "abroad", 5), ("other", "abroad", 5))
    strategy = sdn(told(plan=("fff",)), max_moves=1, **QUICK)
    got = play(case_of(network, demands, strategy, hours=0.2))
    first = got.demand("other", "abroad")["latency_ms"].iloc[0]
    assert first == pytest.approx(21.0), "it is the first to go"


def test_without_moves_routes_stay_static():
    network, demands = fan()
    strategies = {
        "static": static(),
        "moves": sdn("min_max", max_moves=0, every_s=60.0, noise_sigma=0.3),
        "gbps": sdn("min_max", max_moved_gbps=0.0, every_s=60.0, noise_sigma=0.3),
    }
    events = [{"at_h": 0.3, "until_h": 0.6, "link": "near"}]
    got = play(case_of(network, demands, strategies, events=events, shapes=[Diurnal()]))
    links = got.table("links", "static")["offered_gbps"].to_numpy()
    for name in ("moves", "gbps"):
        kept = got.table("links", name)["offered_gbps"].to_numpy()
        assert kept == pytest.approx(links, rel=1e-9, abs=1e-9)
        assert (steering(got, name)["moves"] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_caps_on_moves_between_any_routes(seed):
    """Between splits and paths, full and empty, whatever the schemes."""
    network, demands = make_random_case(seed, "small" if seed < 3 else "medium")
    seen = network.carrying(np.random.default_rng(seed).random(len(network.tail)) * 3)
    old = IgpEcmp().route(seen, demands)
    for kind in ("min_max", "weighted_split", "nearest_exit", "max_min_fair"):
        new = scheme.make(kind).route(seen, demands)
        moved = new.moved(old, demands.gbps)
        assert moved.gbps == pytest.approx(moves(old, new, demands.gbps, network))
        lower = np.minimum(old.loads(demands.gbps), new.loads(demands.gbps))
        upper = np.maximum(old.loads(demands.gbps), new.loads(demands.gbps))
        for part in (0.0, 0.3, 0.999, 1.5):
            control = Loop(max_moved_gbps=part * moved.gbps)
            some = restrained(new, old, seen, demands, control)
            assert moves(old, some, demands.gbps, network) == pytest.approx(
                min(part, 1.0) * moved.gbps, abs=1e-9
            )
            load = some.loads(demands.gbps)
            assert (load >= lower - 1e-9).all() and (load <= upper + 1e-9).all()
        for most in (0, 1, 3, moved.demands, 1000):
            some = restrained(new, old, seen, demands, Loop(max_moves=most))
            gone = some.moved(old, demands.gbps)
            assert gone.demands == min(most, moved.demands)
            # A demand moves whole or not at all; one that is only throttled does not move.
            here, there = old.matrix.toarray(), new.matrix.toarray()
            now = some.matrix.toarray()
            for k in range(len(demands)):
                way = there if gone.which[k] or not moved.which[k] else here
                assert now[:, k] == pytest.approx(way[:, k], abs=1e-9)
        both = restrained(new, old, seen, demands, Loop(max_moves=2, max_moved_gbps=0.5))
        gone = both.moved(old, demands.gbps)
        assert gone.demands <= 2 and gone.gbps <= 0.5 + 1e-9


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_blend_is_the_mean_of_both(share):
    network, demands = make_random_case(12)
    old, new = IgpEcmp().route(network, demands), scheme.make("min_max").route(network, demands)
    for upper, lower in ((new, old), (old, new), (new.scaled(0.5).with_fallback(old), old)):
        mixed = upper.blend(lower, share)
        mean = share * upper.matrix + (1 - share) * lower.matrix
        assert abs(mixed.matrix - mean).max() < 1e-12
        assert mixed.served == pytest.approx(share * upper.served + (1 - share) * lower.served)
        delays = np.random.default_rng(1).random(len(network.tail)) + 0.1
        spent = [r.arrivals(delays)[1] for r in (upper, lower)]
        weight = [share * upper.served, (1 - share) * lower.served]
        assert mixed.arrivals(delays)[1] == pytest.approx(
            (weight[0] * spent[0] + weight[1] * spent[1]) / (weight[0] + weight[1])
        )


@pytest.mark.parametrize("most", [75.0, 20.0, 7.5])
def test_gbps_move_at_no_more_than_the_cap_until_all_have_moved(most):
    # Of 150 Gbps 75 are better off on the far exit.
    network = two_exits()
    strategy = sdn("min_max", every_s=60.0, max_moved_gbps=most, **QUICK)
    got = play(case_of(network, out(network, 150.0), strategy, hours=0.5))
    moved = steering(got)["moved_gbps"].to_numpy()
    whole, rest = divmod(75.0, most)
    expected = [most] * int(whole) + [rest] * (rest > 0)
    assert moved[: len(expected)] == pytest.approx(expected, rel=1e-6)
    assert moved[len(expected) :] == pytest.approx(0.0, abs=1e-5)
    assert got.arc(*FAR)["offered_gbps"].iloc[0] == pytest.approx(most)
    assert got.arc(*FAR)["offered_gbps"].iloc[-1] == pytest.approx(75.0)


@pytest.mark.parametrize("cap", [{"max_moves": 2}, {"max_moved_gbps": 0.7},
                                 {"max_moves": 3, "max_moved_gbps": 2.0}])  # fmt: skip
def test_caps_hold_at_the_predicted_rates_whatever_is_measured(cap, monkeypatch):
    network, demands = make_random_case(14)
    seen = []

    def watched(new, old, *more):
        some = restrained(new, old, *more)
        moved = some.moved(old, more[1].gbps)
        seen.append((moved.demands, moved.gbps, new.moved(old, more[1].gbps).gbps))
        return some

    monkeypatch.setattr("simulator.control.steering.restrained", watched)
    strategy = sdn("min_latency", every_s=120.0, **{**QUICK, "noise_sigma": 0.3, **cap})
    got = play(case_of(network, demands, strategy, hours=1, shapes=[Noise(sigma=0.3)]))
    demands_moved, gbps, wanted = np.array(seen).T
    assert (demands_moved <= cap.get("max_moves", np.inf)).all()
    assert (gbps <= cap.get("max_moved_gbps", np.inf) * (1 + 1e-9)).all()
    assert (wanted > gbps * 1.01).any(), "or no cap was tight"
    assert (steering(got)["moves"] <= cap.get("max_moves", np.inf)).all()


@pytest.mark.parametrize("cap", [{"max_moves": 1}, {"max_moved_gbps": 2.0}])
def test_under_constant_traffic_capped_routes_become_the_uncapped_ones(cap):
    network, demands = make_random_case(23, "small")
    strategies = {
        "free": sdn("min_latency", every_s=60.0, **QUICK),
        "held": sdn("min_latency", every_s=60.0, **QUICK, **cap),
    }
    got = play(case_of(network, demands, strategies, hours=0.4))
    free, throttled = (got.table("links", name).groupby("time_s") for name in strategies)
    apart = [
        np.abs(one["offered_gbps"].to_numpy() - other["offered_gbps"].to_numpy()).max()
        for (_, one), (_, other) in zip(free, throttled, strict=True)
    ]
    assert apart[0] > 0.1 and apart[-1] < 1e-5
    log = steering(got, "held")
    assert (log["moves"] > 0).sum() >= 5, "little by little"
    if "max_moves" in cap:
        assert (log["moves"] <= 1).all()
    else:
        assert (log["moved_gbps"] <= 2.0 * (1 + 1e-6)).all()


# -- how long it takes --------------------------------------------------------------------------


ALWAYS = tuple("fn" * 500)
"""A plan that changes at every decision."""


def delays(played, every_s, strategy="it"):
    """How long after its cycle each installation came."""
    log = steering(played, strategy)
    assert (log["trigger"].iloc[1:] == "cycle").all()
    at = log["time_s"].to_numpy()[1:]
    return at - np.arange(1, len(at) + 1) * every_s


def test_install_times_are_lognormal_about_their_median(told):
    network = two_exits()
    sigma, median = 0.8, 3.0
    strategy = sdn(told(plan=ALWAYS), every_s=600.0, compute_s=0.0, install_s=median,
                   install_sigma=sigma)  # fmt: skip
    got = play(case_of(network, out(network, 10.0), strategy, hours=100, step_s=3600.0))
    logs = np.log(delays(got, 600.0) / median)
    n = len(logs)
    assert n == 599
    assert abs(logs.mean()) < 4 * sigma / np.sqrt(n)
    assert abs(logs.std(ddof=1) - sigma) < 4 * sigma / np.sqrt(2 * n)
    beyond = [(logs > z * sigma).mean() for z in (-1.0, 0.0, 1.0, 1.645)]
    for share, found in zip((0.8413, 0.5, 0.1587, 0.05), beyond, strict=True):
        assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / n)
    lagged = np.corrcoef(logs[1:], logs[:-1])[0, 1]
    assert abs(lagged) < 4 / np.sqrt(n), "each is drawn by itself"


def test_install_times_are_drawn_by_seed_and_replication(told):
    network = two_exits()
    strategies = {name: sdn(told(name=name), install_sigma=1.0) for name in ("one", "two")}

    def drawn(seed, replication, names=("one", "two")):
        case = case_of(network, out(network, 10.0), {k: strategies[k] for k in names}, seed=seed)
        got = play(case, replication)
        return [tuple(delays(got, 300.0, name)) for name in names]

    one, two = drawn(1, 0)
    assert one == two, "controllers are compared under the same luck"
    assert drawn(1, 0, ["two"]) == [two]
    assert len({one, drawn(1, 1)[0], drawn(2, 0)[0]}) == 3
    assert not set(one) & set(drawn(1, 1)[0])


def test_a_tail_of_one_is_beyond_ten_medians_once_in_a_hundred():
    # As the contract says: P(N > ln 10) is 0.0107.
    draws = Streams(1, 0).generator("install", "controller").standard_normal(200_000)
    assert (np.exp(draws) > 10).mean() == pytest.approx(0.0107, abs=0.001)


@pytest.mark.parametrize(("plan", "written"), [("fffff", 5), ("fnnnf", 2), ("nnnnn", 0)])
def test_every_rule_written_takes_its_time(told, plan, written):
    network, demands = fan()
    strategy = sdn(told(plan=("nnnnn", plan)), compute_s=2.0, install_s=5.0, rule_ms=400.0)
    got = play(case_of(network, demands, strategy))
    assert times(got)[:3] == pytest.approx([0.0, 307.0 + 0.4 * written, 607.0])


def test_a_demand_that_is_split_takes_a_rule_for_each_way():
    network = two_exits()
    shape = Listed([50.0] * 10 + [150.0] * 50)  # at 150 the near exit has no room for all
    strategy = sdn("min_latency", window_s=0.0, staleness_s=0.0, compute_s=0.0, install_s=1.0,
                   rule_ms=1000.0)  # fmt: skip
    got = play(case_of(network, out(network, 1.0), strategy, shapes=[shape]))
    assert times(got)[:4] == pytest.approx([0.0, 301.0, 601.0, 903.0])
    assert steering(got)["entries"].tolist()[:4] == [1, 1, 1, 2]
    assert got.figure("entries_peak") == 2.0


def test_instant_routes_are_there_as_soon_as_they_are_computed(told):
    network, demands = fan()
    strategy = sdn(told(plan=("nnnnn", "fffff")), compute_s=2.5, install_s=50.0, rule_ms=1000.0,
                   install_sigma=1.0, update="instant")  # fmt: skip
    got = play(case_of(network, demands, strategy))
    assert times(got) == [0.0, *(np.arange(1, 12) * 300.0 + 2.5)]


@pytest.mark.parametrize(
    ("scratch", "steps"),
    [(1.0, 1), (0.6, 1), (0.5, 1), (0.4, 2), (1 / 3, 2), (0.3, 3), (0.25, 3), (0.2, 4), (0.1, 9),
     (1 / 7, 6), (0.05, 19)],
)  # fmt: skip
def test_steps_of_an_update(scratch, steps):
    assert update_steps(Loop(update="multi_step", scratch=scratch)) == steps
    assert update_steps(Loop(scratch=scratch)) == 1
    assert update_steps(Loop(update="instant", scratch=scratch)) == 1


def test_an_update_in_steps(told):
    # 90 Gbps go far in three steps, each installed in 20 s; then back.
    network = two_exits()
    strategy = sdn(told(plan=("n", "f", "n")), compute_s=10.0, install_s=20.0,
                   update="multi_step", scratch=0.25)  # fmt: skip
    got = play(case_of(network, out(network, 90.0), strategy, hours=0.25, step_s=10.0))
    log = steering(got)
    at = log["time_s"].to_numpy()
    assert at.tolist() == [0.0, 330.0, 350.0, 370.0, 630.0, 650.0, 670.0]
    assert log["moved_gbps"].to_numpy() == pytest.approx([0.0] + [30.0] * 6)
    far = got.arc(*FAR)["offered_gbps"]
    for time, expected in ((320, 0), (330, 30), (350, 60), (370, 90), (620, 90), (630, 60),
                           (660, 30), (670, 0), (890, 0)):  # fmt: skip
        assert far.loc[float(time)] == pytest.approx(expected, abs=1e-9)
    assert got.figure("lost_gbit") == 0.0


def test_no_cycle_begins_before_the_last_step(told):
    # Decided at 60, in force at 90, 120 and 150: the next multiple is 180.
    network = two_exits()
    strategy = sdn(told(plan=ALWAYS), every_s=60.0, compute_s=0.0, install_s=30.0,
                   update="multi_step", scratch=0.25)  # fmt: skip
    got = play(case_of(network, out(network, 90.0), strategy, hours=420 * HOUR))
    assert times(got) == [0.0, 90.0, 120.0, 150.0, 210.0, 240.0, 270.0, 330.0, 360.0, 390.0]
    assert len(told.asked["it"]) == 4, "at 0, 60, 180 and 300 s"


@pytest.mark.parametrize(("scratch", "n"), [(1.0, 1), (0.25, 3), (0.1, 9)])
def test_what_a_swap_may_put_on_an_exit_on_its_way(told, scratch, n):
    # Two demands of 60 change places. In one go both may be on one exit for a moment: 120 Gbps;
    # in n steps a part of each only.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 60.0), ("home", "abroad", 60.0))
    strategy = sdn(told(plan=("nf", "fn")), compute_s=0.0, install_s=1.0, update="multi_step",
                   scratch=scratch)  # fmt: skip
    got = play(case_of(network, demands, strategy, hours=0.1))
    log = steering(got)
    assert log["transient_mlu"].to_numpy()[1:] == pytest.approx([0.6 + 0.6 / n] * n)
    # First the second demand goes from near, where the rules had both, to far.
    assert log["transient_mlu"].iloc[0] == pytest.approx(1.2)
    assert np.isnan(got.table("control")["transient_mlu"].iloc[0]), "first routes replace none"


@pytest.mark.parametrize("seed", [3, 8, 13])
def test_no_step_may_do_more_than_the_whole(seed):
    network, demands = make_random_case(seed)
    new, old = (scheme.make(kind).route(network, demands) for kind in ("min_max", "igp_ecmp"))
    whole = new.moved(old, demands.gbps).peak_gbps
    n, before = 9, old
    for step in range(1, n + 1):
        after = new if step == n else new.blend(old, step / n)
        peak = after.moved(before, demands.gbps).peak_gbps
        assert (peak <= whole + 1e-9).all()
        assert (peak <= np.maximum(old.loads(demands.gbps), new.loads(demands.gbps))
                + whole / n + 1e-9).all()  # fmt: skip
        before = after


def test_steps_made_for_another_topology_are_left_out(told):
    # Nine steps of 10 s from 300 s on; the far exit fails at 324.5 s, noticed a second later. The
    # step on its way is still installed, at 330 s, and then it decides anew: in one step.
    network = two_exits()
    strategy = sdn(told(plan=("n", "f", "n")), compute_s=0.0, install_s=10.0, update="multi_step")
    events = [{"at_h": 324.5 * HOUR, "link": "far"}]
    got = play(case_of(network, out(network, 90.0), strategy, hours=1000 * HOUR, events=events))
    log = steering(got).query("time_s > 0 and time_s < 600")
    assert log["time_s"].tolist() == [310.0, 320.0, 330.0, 340.0]
    assert log["trigger"].tolist() == ["cycle"] * 3 + ["topology"]
    assert len(told.asked["it"]) == 5, "at 0, 300, 330, 600 and 900 s"


def test_steps_stop_when_the_controller_does(told):
    network = two_exits()
    strategy = sdn(told(plan=("n", "f")), compute_s=0.0, install_s=10.0, update="multi_step")
    events = [{"at_h": 324.5 * HOUR, "controller": "it"}]
    got = play(case_of(network, out(network, 90.0), strategy, events=events))
    assert times(got) == [0.0, 310.0, 320.0]
    assert got.arc(*FAR)["offered_gbps"].iloc[-1] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("outage", "at"),
    [
        ((324.5, 330.5), [310.0, 320.0, 370.0, 380.0, 390.0, 400.0, 410.0]),  # at the third step
        ((324.5, 326.5), [310.0, 320.0, 370.0, 380.0, 390.0, 400.0, 410.0]),  # back before it
        ((310.0, 312.0), [370.0, 380.0, 390.0, 400.0, 410.0]),  # failures come before control:
        ((300.0, 301.0), [370.0, 380.0, 390.0, 400.0, 410.0]),  # a step, and a decision
    ],
)
def test_what_was_decided_before_an_outage_is_not_taken_up_after_it(told, outage, at):
    # Nine steps of 10 s each from 300 s on; when the controller is back it waits for a cycle.
    network = two_exits()
    strategy = sdn(told(plan=("n", *"fffff")), every_s=60.0, compute_s=0.0, install_s=10.0,
                   update="multi_step")  # fmt: skip
    events = [
        {"at_h": start * HOUR, "until_h": end * HOUR, "controller": "it"}
        for start, end in ((1.0, 299.0), outage)
    ]
    got = play(case_of(network, out(network, 90.0), strategy, hours=411 * HOUR, events=events))
    assert times(got) == [0.0, *at]


@pytest.mark.parametrize("on_outage", ["fail_static", "withdraw"])
def test_an_outage_while_it_computes_or_installs_costs_the_decision(on_outage):
    # At 300 s it is told of 150 Gbps and decides, stops at 304 s and is back at 306 s: the routes
    # that were due at 307 s are not there before 607 s.
    network = two_exits()
    shape = Listed([50.0] * 2 + [150.0] * 10)
    events = [{"at_h": 304 * HOUR, "until_h": 306 * HOUR, "controller": "it"}]
    strategy = sdn("min_latency", window_s=0.0, staleness_s=0.0, on_outage=on_outage)
    case = case_of(network, out(network, 1.0), strategy, hours=0.25, step_s=100.0,
                   shapes=[shape], events=events)  # fmt: skip
    got = play(case)
    withdrawn = [304.0] if on_outage == "withdraw" else []
    assert times(got) == [0.0, *withdrawn, 607.0]
    assert got.figure("lost_gbit") == pytest.approx(50.0 * (607 - 200))


def test_an_install_that_a_stop_cut_short_is_not_waited_for(told):
    # Decided at 60 s, due at 560 s. Stopped at 300 and back at 302 s, it decides at the next cycle.
    network = two_exits()
    strategy = sdn(told(plan=("n", "f")), every_s=60.0, compute_s=0.0, install_s=500.0)
    events = [{"at_h": 300 * HOUR, "until_h": 302 * HOUR, "controller": "it"}]
    got = play(case_of(network, out(network, 90.0), strategy, hours=0.25, events=events))
    assert times(got) == [0.0, 860.0]
    assert got.arc(*NEAR)["offered_gbps"].loc[840.0] == pytest.approx(90.0 * 20 / 60)


def test_a_stop_at_a_tick_and_one_that_lasts(told):
    network = two_exits()
    strategy = sdn(told(plan=("n", "f")), every_s=60.0, compute_s=0.0, install_s=500.0)
    for outage, at in (((300, 360), 860.0), ((120, 121), 680.0), ((90, 361), 920.0)):
        events = [{"at_h": outage[0] * HOUR, "until_h": outage[1] * HOUR, "controller": "it"}]
        got = play(case_of(network, out(network, 90.0), strategy, hours=950 * HOUR, events=events))
        assert times(got) == [0.0, at]


def test_computing_may_take_what_it_takes(tmp_path):
    scenario = sim.load(MINI).with_changes(
        {"horizon_h": 1, "replications": 2, "events": [], "record.demands": "none"}
    )
    name = next(n for n, s in scenario.settings.strategies.items() if s.has_controller)
    measured = scenario.with_changes({f"strategies.{name}.control.compute_s": "measured"})
    note = f"{name}: {MEASURED}"
    assert note in provenance.notes(measured)
    assert note not in provenance.notes(scenario)
    results = sim.run(measured, out=tmp_path / "out")
    assert note in results.run["notes"]
    log = results.control.query(f"strategy == '{name}' and trigger == 'cycle'")
    control = scenario.settings.strategies[name].control
    late = log["time_s"] % control.every_s - control.install_s
    assert late.to_numpy() == pytest.approx(log["solve_s"].to_numpy(), abs=2e-6)


def test_solving_times_stand_apart_from_the_tables(tmp_path):
    scenario = sim.load(MINI).with_changes({"horizon_h": 1, "replications": 2, "events": []})
    results = sim.run(scenario, out=tmp_path / "out")
    table = results.table("control")
    assert "solve_s" not in table.columns
    assert not list(results.folder.glob("solve*"))
    taken = results.control["solve_s"]
    assert len(taken) == len(table) and (taken > 0).all()
    by_strategy = results.run["timings"]["solve_s"]
    assert set(by_strategy) == set(results.strategies)
    for name, seconds in by_strategy.items():
        assert taken[results.control["strategy"] == name].tolist() == seconds


# -- how much is under control ------------------------------------------------------------------


def provinces(*gbps):
    """Return two exits, and provinces that ask for some Gbps out and half as much in."""
    names = [f"p{i}" for i in range(len(gbps))]
    links = [(f"access-{name}", name, "home", 1000.0) for name in names]
    kinds = dict.fromkeys(names, "provincial")
    network = make_tiny(
        *TWO_EXITS, *links, **{"abroad": "pop", "gw-near": "gateway", "gw-far": "gateway"}, **kinds
    )
    rows = []
    for name, each in zip(names, gbps, strict=True):
        rows += [(name, "abroad", each), ("abroad", name, each / 2)]
    return network, asks(network, *rows)


@pytest.mark.parametrize(
    ("share", "homes"),
    [(0.0, ""), (0.1, ""), (0.2, "2"), (0.3, "2"), (0.39, "2"), (0.4, "24"), (0.6, "024"),
     (0.79, "024"), (0.8, "0124"), (1.0, "01234")],
)  # fmt: skip
def test_provinces_come_under_control_the_largest_first(share, homes):
    network, demands = provinces(7.0, 5.0, 20.0, 1.0, 9.0)
    control = {"coverage": {"share": share}}
    reached = sdn(**control).steered(network, demands)
    expected = [k for home in homes for k in (2 * int(home), 2 * int(home) + 1)]
    assert reached.tolist() == expected
    assert sdn(**control).steered_share == 1.0
    # The order is by what could be steered: outbound alone, out of the same shares.
    outward = sdn(**control, steers=["international_out"]).steered(network, demands)
    assert outward.tolist() == expected[::2]
    assert not len(static(**control).steered(network, demands))


@pytest.mark.parametrize("count", [7, 10, 49, 93])
def test_a_share_of_whole_provinces_is_whole(count):
    # In floating point 1 / 49 of 49 is a little less than one.
    network, demands = provinces(*np.arange(1.0, count + 1))
    for k in range(count + 1):
        strategy = sdn(coverage={"share": k / count}, steers=["international_out"])
        assert len(strategy.steered(network, demands)) == k


def test_provinces_of_equal_traffic_come_in_the_order_of_the_file():
    network, demands = provinces(5.0, 5.0, 5.0, 5.0)
    strategy = sdn(coverage={"share": 0.5}, steers=["international_out"])
    assert strategy.steered(network, demands).tolist() == [0, 2]


def test_all_of_a_province_or_nothing(told):
    # p0 asks for most: 60 Gbps of its own go far, and the 40 of p1 are background on the near exit.
    network, demands = provinces(60.0, 40.0)
    strategy = sdn(
        told(plan=("f",)), coverage={"share": 0.5}, steers=["international_out"], **QUICK
    )
    strategy.scheme.asked.clear()
    told.route = lambda self, network, demands, current=None: (
        self.asked.setdefault("it", []).append((network, demands))
        or IgpEcmp().route(network.failed(links=["near"]), demands)
    )
    got = play(case_of(network, demands, strategy))
    seen, asked = told.asked["it"][0]
    assert [asked.nodes[s] for s in asked.source] == ["p0"]
    near, far = (2 * network.link_index[link] for link in ("near", "far"))
    assert seen.background_gbps[[near, far]] == pytest.approx([40.0, 0.0])
    assert got.arc(*NEAR)["offered_gbps"].iloc[-1] == pytest.approx(40.0)
    assert got.arc(*FAR)["offered_gbps"].iloc[-1] == pytest.approx(60.0)


def test_a_share_of_every_demand(told):
    # Of 60 Gbps 45 go far; the scheme is asked for them alone, around the 15 that stay.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 40.0), ("home", "abroad", 20.0))
    coverage = {"share": 0.75, "of": "traffic"}
    strategy = sdn(told(plan=("ff",)), coverage=coverage, **QUICK)
    got = play(case_of(network, demands, strategy))
    assert len(told.asked["it"]) == 12
    for seen, asked in told.asked["it"]:
        assert asked.gbps == pytest.approx([30.0, 15.0])
        near, far = (2 * seen.link_index[link] for link in ("near", "far"))
        assert seen.background_gbps[[near, far]] == pytest.approx([15.0, 0.0])
    assert got.arc(*NEAR)["offered_gbps"].iloc[-1] == pytest.approx(15.0)
    assert got.arc(*FAR)["offered_gbps"].iloc[-1] == pytest.approx(45.0)
    assert got.figure("moved_gbps") == pytest.approx(45.0)
    # One rule for each way that is steered: the rest follows the rules underneath.
    assert got.figure("entries_peak") == 2.0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_loads_under_a_share_are_a_mixture(share):
    # Loads are linear in shares while nothing is lost on the way.
    network, demands = make_random_case(23)
    demands = demands.scaled(0.1)
    mixed = sdn("nearest_exit", every_s=1200.0, coverage={"share": share, "of": "traffic"}, **QUICK)
    strategies = {
        "static": static(),
        "all": sdn("nearest_exit", every_s=1200.0, **QUICK),
        "some": mixed,
    }
    got = play(case_of(network, demands, strategies, hours=0.5, step_s=600.0))
    assert all(got.figure("lost_gbit", strategy=name) == 0.0 for name in strategies)
    loads = {name: got.table("links", name)["offered_gbps"].to_numpy() for name in strategies}
    expected = share * loads["all"] + (1 - share) * loads["static"]
    assert loads["some"] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert np.abs(loads["all"] - loads["static"]).max() > 1.0


@pytest.mark.parametrize("of", ["provinces", "traffic"])
def test_all_under_control_is_no_coverage_at_all_and_none_is_static(of):
    network, demands = provinces(60.0, 40.0, 30.0)
    control = {"every_s": 300.0, "noise_sigma": 0.1, **{**QUICK, "staleness_s": 30.0}}
    control.pop("window_s")
    strategies = {
        "static": static(),
        "whole": sdn("min_max", **control),
        "all": sdn("min_max", coverage={"share": 1.0, "of": of}, **control),
        "none": sdn("min_max", coverage={"share": 0.0, "of": of}, **control),
    }
    got = play(case_of(network, demands, strategies, shapes=[Diurnal(), Noise()], step_s=300.0))
    same = [got.figures[name] for name in ("whole", "all")]
    assert list(same[0]) == list(same[1])
    np.testing.assert_array_equal(list(same[0].values()), list(same[1].values()))
    links = [got.table("links", name) for name in ("static", "none")]
    # Sums of the same loads in another order: equal but for rounding, in every column.
    pd.testing.assert_frame_equal(*links, rtol=1e-12, atol=0.0)
    assert got.figure("moves", strategy="none") == 0.0
    assert got.figure("entries_peak", strategy="none") == 0.0


@pytest.mark.parametrize("kind", [k for k in scheme.names() if k not in ("clairvoyant", "told")])
def test_every_scheme_can_have_nothing_under_control(kind):
    network, demands = make_random_case(11, "small")
    strategies = {
        "static": static(),
        "none": sdn(kind, coverage={"share": 0.0, "of": "traffic"}, **QUICK),
    }
    got = play(case_of(network, demands, strategies, hours=0.5, step_s=300.0))
    links = [got.table("links", name) for name in strategies]
    assert links[1]["offered_gbps"].to_numpy() == pytest.approx(links[0]["offered_gbps"].to_numpy())


# -- steering by announcements ------------------------------------------------------------------


SURE = {"stray": 0.0, "group_share": 0.5}


def test_sure_announcements_are_steering_that_comes_later():
    # Of 150 Gbps coming in half go far, in groups of a half: announced at 0 s and there at once, as
    # routes at the start are; after a fault, at 1800 and 3600 s plus 2 s of computing and 90 s.
    network = two_exits()
    demands = asks(network, ("abroad", "home", 150.0))
    strategies = {
        "direct": sdn("min_max"),
        "announced": sdn("min_max", announcements=SURE),
    }
    got = play(case_of(network, demands, strategies, hours=1.5, step_s=300.0))
    for name in strategies:
        for link in ("near", "far"):
            load = got.arc(link, "abroad", name)["offered_gbps"]
            assert load.to_numpy() == pytest.approx(75.0, rel=1e-6)
    assert times(got, strategy="announced", layer="announcements") == [0.0, 1892.0, 3692.0]
    assert not len(steering(got, "announced"))
    assert got.figure("control_cycles", strategy="announced") == 3.0


def test_announcements_have_a_clock_of_their_own():
    network = two_exits()
    demands = asks(network, ("abroad", "home", 50.0), ("home", "abroad", 50.0))
    announced = {**SURE, "every_s": 700.0, "install_s": 33.0}
    strategy = sdn("min_max", announcements=announced, compute_s=4.0, install_s=1.0)
    got = play(case_of(network, demands, strategy, hours=0.5))
    assert times(got) == [0.0, 305.0, 605.0, 905.0, 1205.0, 1505.0]
    assert times(got, layer="announcements") == [0.0, 737.0, 1437.0]


def test_traffic_that_changes_its_exit_does_so_when_the_internet_has_followed():
    # 50 Gbps come in by the near exit. At 1000 s they are 150: announced at 1800, there at 1892 s.
    network = two_exits()
    shape = Listed([50.0] * 10 + [150.0] * 26)
    demands = asks(network, ("abroad", "home", 1.0))
    strategy = sdn("min_latency", announcements={**SURE, "group_share": 0.01})
    got = play(case_of(network, demands, strategy, step_s=100.0, shapes=[shape]))
    assert got.figure("lost_gbit") == pytest.approx(50.0 * (1892 - 1000))
    assert got.arc("near", "abroad")["offered_gbps"].iloc[-1] == pytest.approx(85.5, abs=0.76)


@pytest.mark.parametrize(
    ("most", "moved"),
    [(10.0, []), (37.4, []), (37.5, [37.5] * 2), (50.0, [37.5] * 2), (75.0, [75.0]),
     (None, [75.0])],
)  # fmt: skip
def test_a_cap_lets_whole_groups_move(most, moved):
    # Of 150 Gbps two groups of 37.5 are better off on the far exit.
    network = two_exits()
    announced = {"every_s": 300.0, "group_share": 0.25, "stray": 0.0}
    strategy = sdn("min_max", announcements=announced, max_moved_gbps=most)
    demands = asks(network, ("abroad", "home", 150.0))
    got = play(case_of(network, demands, strategy, hours=0.5, step_s=300.0))
    log = steering(got, layer="announcements")["moved_gbps"].to_numpy()
    assert len(log) == 6 and log == pytest.approx([*moved, *[0.0] * (6 - len(moved))])


@pytest.mark.parametrize("cap", [{"max_moved_gbps": 12.0}, {"max_moves": 2},
                                 {"max_moves": 3, "max_moved_gbps": 9.0}])  # fmt: skip
@pytest.mark.parametrize("stray", [0.0, 0.5])
def test_caps_hold_for_announcements_until_all_are_announced(cap, stray):
    network, demands = provinces(*np.linspace(9.0, 20.0, 12))
    announced = {"every_s": 120.0, "stray": stray, "group_share": 0.25}
    strategies = {
        name: sdn("min_max", announcements=announced, steers=["international_in"], **more)
        for name, more in (("free", {}), ("held", cap))
    }
    got = play(case_of(network, demands, strategies, hours=1, step_s=300.0, seed=3))
    free, throttled = (steering(got, name, "announcements") for name in strategies)
    assert (throttled["moved_gbps"] <= cap.get("max_moved_gbps", np.inf) * (1 + 1e-9)).all()
    assert (throttled["moves"] <= cap.get("max_moves", np.inf)).all()
    assert (throttled["moves"] > 0).sum() >= 2, "little by little"
    assert (throttled["moves"].iloc[-5:] == 0).all(), "until all have gone"
    assert free["moved_gbps"].iloc[0] > cap.get("max_moved_gbps", 0.0)
    last = [got.arc("far", "abroad", name)["offered_gbps"].iloc[-1] for name in strategies]
    if stray == 0.0:
        group = demands.gbps.max() / 4
        assert last[1] == pytest.approx(last[0], abs=group), "perhaps other groups, as much of them"


@pytest.mark.parametrize("seed", [8, 14, 51])
@pytest.mark.parametrize("kind", ["min_max", "max_min_fair"])
def test_no_more_is_moved_than_called_wherever_it_lands(seed, kind):
    """Over static routes that split, with leaks, and with schemes that throttle."""
    network, demands = make_random_case(seed, "small" if seed % 2 else "medium")
    most = 0.07 * demands.total_gbps("international_in")
    announced = {"every_s": 300.0, "stray": 0.5, "group_share": (0.25, 0.1, 0.05)[seed % 3]}
    strategy = sdn(kind, fallback=("igp_ecmp", "nearest_exit")[seed % 2], announcements=announced,
                   steers=["international_in"], max_moved_gbps=most)  # fmt: skip
    got = play(case_of(network, demands, strategy, step_s=300.0, seed=seed, detail="none"))
    moved = steering(got, layer="announcements")["moved_gbps"]
    assert 0.1 * most < moved.max() <= most * (1 + 1e-9)


def test_who_is_not_called_stays_with_the_rules():
    # The rules split each demand over both exits: half a group of one each is no call.
    network = make_tiny(
        ("to-near", "home", "gw-near", 1000.0), ("to-far", "home", "gw-far", 1000.0),
        ("near", "gw-near", "abroad", 100.0), ("far", "gw-far", "abroad", 50.0),
        **{"abroad": "pop", "gw-near": "gateway", "gw-far": "gateway"},
    )  # fmt: skip
    demands = asks(network, ("abroad", "home", 60.0))
    announced = {"every_s": 300.0, "group_share": 1.0, "stray": 0.0}
    for cap in ({"max_moves": 0}, {"max_moved_gbps": 29.9}):
        strategy = sdn("min_max", announcements=announced, **cap)
        got = play(case_of(network, demands, strategy, step_s=300.0))
        for link in ("near", "far"):
            assert got.arc(link, "abroad")["offered_gbps"].to_numpy() == pytest.approx(30.0)
    strategy = sdn("min_max", announcements=announced, max_moved_gbps=30.1)
    got = play(case_of(network, demands, strategy, step_s=300.0))
    assert got.arc("near", "abroad")["offered_gbps"].to_numpy() == pytest.approx(60.0)


def announced_groups(network, demands, wanted, *, announced=None, group_share=0.25, **caps):
    """Groups announced, demand by exit, from exit 0 (that of static routes) towards *wanted*."""
    options = Announcements(group_share=group_share, stray=0.0)
    steering_in = InboundSteering(network, demands, Streams(1, 0), options)
    rules = by_exit(network, demands, np.eye(len(network.exits))[[0] * len(demands)])
    wanted = by_exit(network, demands, wanted)
    made = steering_in.announce(wanted, rules, announced, network, demands, Loop(**caps))
    return arrived(network, made) / group_share, made


def test_the_most_urgent_groups_are_announced_first_and_large_ones_block_no_others():
    # 60, 30 and 20 Gbps on an exit of 100 that is full: in groups of 15, 7.5 and 5.
    network = hub(2)
    demands = inbound(network, 3).with_gbps(np.array([60.0, 30.0, 20.0]))
    by_room = {14: [0, 1, 1], 15: [1, 0, 0], 28: [1, 1, 1], 31: [2, 0, 0], 68: [4, 1, 0],
               79: [4, 2, 0], 4.9: [0, 0, 0], 110: [4, 4, 4]}  # fmt: skip
    for room, groups in by_room.items():
        got, _ = announced_groups(network, demands, [[0, 1]] * 3, max_moved_gbps=room)
        assert got[:, 1].tolist() == pytest.approx(groups)
    # Demands that have begun go on from there; those never announced stay so.
    got, made = announced_groups(network, demands, [[0, 1]] * 3, max_moved_gbps=15)
    assert got.tolist() == [[3, 1], [0, 0], [0, 0]]
    got, _ = announced_groups(network, demands, [[0, 1]] * 3, announced=made, max_moved_gbps=46)
    assert got.tolist() == [[0, 4], [0, 0], [0, 0]]
    got, _ = announced_groups(network, demands, [[0, 1]] * 3, announced=made, max_moves=2)
    assert got.tolist() == [[0, 4], [0, 4], [0, 0]]


def test_groups_leave_the_dearest_exit_for_the_cheapest():
    # Exit 0 is past its size, exit 2 is 70 % full of others, exit 1 is free.
    network = hub(3)
    demands = inbound(network, 1).with_gbps(np.array([120.0]))
    load = np.zeros(len(network.tail))
    load[network.exit_arcs["in"][2]] = 70.0
    busy = network.carrying(load)
    got, _ = announced_groups(busy, demands, [[0.5, 0.25, 0.25]], max_moved_gbps=30.0)
    assert got.tolist() == [[3, 1, 0]]


def test_announcements_are_made_in_one_step():
    # Nine steps of 90 s each would be on their way for 810 s, past two cycles.
    network = two_exits()
    demands = asks(network, ("abroad", "home", 1.0))
    shape = Listed([50.0] * 3 + [150.0] * 9)
    announced = {**SURE, "every_s": 300.0}
    strategy = sdn("min_latency", announcements=announced, update="multi_step", **QUICK)
    got = play(case_of(network, demands, strategy, step_s=300.0, shapes=[shape]))
    assert times(got, layer="announcements") == [0.0, *(np.arange(1, 12) * 300.0 + 90.0)]
    moved = steering(got, layer="announcements")["moved_gbps"]
    assert moved[moved > 0].tolist() == pytest.approx([75.0]), "from the cycle of 1200 s, at once"


def test_a_run_of_short_steps_remembers_a_cycle_of_announcements():
    # 1800 steps of a second are judged in one go.
    network = two_exits()
    demands = asks(network, ("abroad", "home", 50.0))
    strategy = sdn("min_max", announcements=SURE, every_s=300.0)
    got = play(case_of(network, demands, strategy, hours=0.6, step_s=1.0, detail="none"))
    assert steering(got, layer="announcements")["prediction_error"].iloc[0] == 0.0


def test_outbound_traffic_does_not_feel_announcements():
    network, demands = provinces(60.0, 40.0, 30.0)
    strategies = {
        "out": sdn("min_max", steers=["international_out"]),
        "both": sdn("min_max", announcements=Announcements()),
    }
    got = play(case_of(network, demands, strategies, hours=1, shapes=[Noise()]))
    rows = [got.table("demands", name).query("source != 'abroad'") for name in strategies]
    for column in ("offered_gbps", "carried_gbps", "latency_ms"):
        one, other = (each[column].to_numpy() for each in rows)
        assert one == pytest.approx(other, rel=1e-9)


def hub(exits, **more):
    """Return a country behind exits, number *i* with a delay of *i* ms; the rules take exit 0."""
    links = [("in", "home", "hub", 1e5)]
    links += [(f"to-{i}", "hub", f"gw-{i}", 1e4, 1.0 + 5 * i) for i in range(exits)]
    links += [(f"x{i}", f"gw-{i}", "abroad", 100.0, 1.0, float(i)) for i in range(exits)]
    kinds = {f"gw-{i}": "gateway" for i in range(exits)}
    return make_tiny(*links, abroad="pop", **kinds, **more)


def by_exit(network, demands, shares):
    """Routes with the given shares of every demand (rows) on every exit."""
    ways, which = [], []
    for k, row in enumerate(shares):
        for i, share in enumerate(row):
            if share:
                ways.append((share, ["abroad", f"gw-{i}", "hub", "home"]))
                which.append(k)
    return path_routes(network, *ways, demand=which)


def arrived(network, routes):
    return routes.matrix[network.exit_arcs["in"]].toarray().T


def arrivals(network, demands, announced, *, replication=0, now=None, static_exit=0, **options):
    """Where demands arrive that are announced in these shares, demand by exit."""
    options = {"stray": 0.0, **options}
    steering_in = InboundSteering(
        network, demands, Streams(1, replication), Announcements(**options)
    )
    exits = len(network.exits)
    rules = by_exit(network, demands, np.eye(exits)[[static_exit] * len(demands)])
    arrive = steering_in.arrive(by_exit(network, demands, announced), rules, now or network)
    return arrived(network, arrive)


def inbound(network, count):
    """Demands with names of their own."""
    gbps = np.full(count, 1.0)
    classes = ["international_in"] * count
    made = Demands.of(network, ["abroad"] * count, ["home"] * count, gbps, classes)
    names = [f"one-{k}" for k in range(count)]
    return type("Named", (Demands,), {"names": names})(
        made.nodes, made.source, made.target, made.traffic_class, made.gbps
    )


@pytest.mark.parametrize(
    ("group_share", "announced", "expected"),
    [
        (0.25, [0.5, 0.5, 0.0], [0.5, 0.5, 0.0]),
        (0.25, [0.6, 0.4, 0.0], [0.5, 0.5, 0.0]),  # 2.4 and 1.6: the larger remainder goes up
        (0.25, [0.3, 0.3, 0.4], [0.25, 0.25, 0.5]),
        (0.25, [0.9, 0.1, 0.0], [1.0, 0.0, 0.0]),
        (0.25, [1 / 3, 1 / 3, 1 / 3], [0.5, 0.25, 0.25]),  # alike: the exit listed first
        (1.0, [0.4, 0.5, 0.1], [0.0, 1.0, 0.0]),
        (0.5, [0.4, 0.5, 0.1], [0.5, 0.5, 0.0]),
        (0.01, [0.123, 0.456, 0.421], [0.12, 0.46, 0.42]),
        (0.1, [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
        (0.1, [1 - 1e-12, 1e-12, 0.0], [1.0, 0.0, 0.0]),
    ],
)
def test_demands_follow_in_whole_groups(group_share, announced, expected):
    network = hub(3)
    got = arrivals(network, inbound(network, 1), [announced], group_share=group_share)
    assert got[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("group_share", [1.0, 0.5, 0.25, 0.05])
def test_groups_are_whole_close_and_nothing_is_lost(group_share):
    network = hub(5)
    demands = inbound(network, 200)
    announced = np.random.default_rng(3).dirichlet(np.ones(5), 200)
    got = arrivals(network, demands, announced, group_share=group_share)
    groups = got / group_share
    assert groups == pytest.approx(np.round(groups), abs=1e-9)
    assert got.sum(axis=1) == pytest.approx(1.0)
    assert (np.abs(got - announced) < group_share).all()


def test_traffic_that_strays_never_arrives_where_it_is_called():
    network = hub(4)
    demands = inbound(network, 400)
    for exit_ in (1, 2, 3):
        got = arrivals(network, demands, np.eye(4)[[exit_] * 400], stray=1.0)
        assert (got[:, exit_] == 0).all() and (got.sum(axis=1) == 1).all()
        # Which of the others is anybody's guess, alike for all.
        share = np.delete(got.mean(axis=0), exit_)
        assert share == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 400))
    assert (arrivals(network, demands, np.eye(4)[[0] * 400], stray=1.0)[:, 0] == 1).all(), "sure"
    rules = arrivals(network, demands, np.eye(4)[[2] * 400], stray=1.0, static_exit=2)
    assert (rules[:, 2] == 1).all(), "what the rules use anyway needs no call"


def test_the_share_that_strays():
    network = hub(4)
    demands = inbound(network, 2000)
    got = arrivals(network, demands, np.eye(4)[[3] * 2000], stray=0.24)
    assert abs((got[:, 3] == 0).mean() - 0.24) < 4 * np.sqrt(0.24 * 0.76 / 2000)


def test_habits_are_kept_for_a_replication_and_keyed_by_demand_and_exit():
    network = hub(4)
    demands, exits = inbound(network, 60), np.eye(4)
    options = {"stray": 0.5}
    once = arrivals(network, demands, exits[[1] * 60], **options)
    assert np.array_equal(arrivals(network, demands, exits[[1] * 60], **options), once)
    # Announced elsewhere before, or together with others, a demand arrives at the same exit.
    steering_in = InboundSteering(network, demands, Streams(1, 0), Announcements(**options))
    rules = by_exit(network, demands, exits[[0] * 60])
    for exit_ in (3, 2, 1, 3, 1):
        announced = by_exit(network, demands, exits[[exit_] * 60])
        got = arrived(network, steering_in.arrive(announced, rules, network))
        if exit_ == 1:
            assert np.array_equal(got, once)
    few = inbound(network, 60)
    some = Demands(few.nodes, few.source[:7], few.target[:7], few.traffic_class[:7], few.gbps[:7])
    object.__setattr__(some, "__class__", type("Named", (Demands,), {"names": few.names[:7]}))
    assert np.array_equal(arrivals(network, some, exits[[1] * 7], **options), once[:7])
    assert not np.array_equal(arrivals(network, demands, exits[[1] * 60], replication=1, **options),
                              once)  # fmt: skip
    # An exit leaks on its own: two announcements of one demand are two draws.
    other = arrivals(network, demands, exits[[2] * 60], **options)
    both = ((once[:, 1] == 0) & (other[:, 2] == 0)).mean()
    assert abs(both - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 60)


def test_traffic_that_strays_to_a_dead_exit_goes_on_to_the_next():
    network = hub(4)
    demands, announced = inbound(network, 300), np.eye(4)[[1] * 300]
    whole = arrivals(network, demands, announced, stray=1.0)
    hurt = arrivals(network, demands, announced, stray=1.0, now=network.failed(links=["x3"]))
    there = whole[:, 3] == 0
    assert np.array_equal(hurt[there], whole[there]), "others stay where they are"
    assert (hurt[~there][:, [1, 3]] == 0).all()
    assert (hurt.sum(axis=1) == 1).all()
    assert 0.2 < hurt[~there][:, 0].mean() < 0.8, "next in a line of their own"
    # With every other exit down it arrives where it was announced after all.
    lonely = network.failed(links=["x0", "x2", "x3"])
    assert (arrivals(network, demands, announced, stray=1.0, now=lonely)[:, 1] == 1).all()


def test_calls_to_a_dead_exit_follow_the_rules():
    network = hub(3)
    got = arrivals(network, inbound(network, 5), np.eye(3)[[1] * 5],
                now=network.failed(links=["x1"]))  # fmt: skip
    assert (got == 0).all(), "nothing is served here: the layer below takes it"


def test_each_arrives_by_the_fastest_way_from_its_exit():
    network = make_tiny(("slow", "gw", "home", 1e3, 1.0, 9.0), ("a", "gw", "mid", 1e3, 5.0, 1.0),
                        ("b", "mid", "home", 1e3, 5.0, 1.0), ("x", "gw", "abroad", 100.0),
                        gw="gateway", abroad="pop")  # fmt: skip
    demands = asks(network, ("abroad", "home", 10.0))
    steering_in = InboundSteering(network, demands, Streams(1, 0), Announcements())
    rules = IgpEcmp().route(network, demands)
    assert [len(arcs) for _, _, arcs in rules.paths()] == [2]
    arrive = steering_in.arrive(rules, rules, network)
    assert [len(arcs) for _, _, arcs in arrive.paths()] == [3]


@pytest.mark.parametrize("what", ["exits", "gateways", "region", "home"])
def test_announcements_when_all_fails(what):
    network = hub(3)
    demands = asks(network, ("abroad", "home", 30.0), ("home", "abroad", 10.0))
    events = {
        "exits": [{"link": f"x{i}"} for i in range(3)],
        "gateways": [{"node": f"gw-{i}"} for i in range(3)],
        "region": [{"node": "abroad"}],
        "home": [{"node": "home"}],
    }[what]
    when = {"at_h": 0.3, "until_h": 0.6}
    announced = {"every_s": 300.0, "stray": 0.5}
    strategy = sdn("min_max", announcements=announced, on_outage="withdraw")
    got = play(case_of(network, demands, strategy, events=[{**when, **event} for event in events]))
    gone = 0.3 * 3600
    lost = got.figure("lost_gbit")
    assert 40.0 * gone * (1 - 1e-9) <= lost <= 40.0 * (gone + 3 + 1e-6)
    assert got.demand("abroad", "home")["carried_gbps"].iloc[-1] == 30.0


def test_habits_last_from_cycle_to_cycle_of_a_run():
    # Twelve provinces, of which half are announced to the far exit. What leaks, leaks at every
    # cycle: after the first nothing moves, and another replication has other luck.
    network, demands = provinces(*np.linspace(9.0, 20.0, 12))
    announced = {"every_s": 300.0, "stray": 0.5, "group_share": 0.5}
    strategies = {
        name: sdn("min_max", announcements={**announced, **more}, steers=["international_in"])
        for name, more in (("it", {}), ("sure", {"stray": 0.0}))
    }
    case = case_of(network, demands, strategies, seed=3)
    runs = [play(case, replication) for replication in (0, 0, 2, 3)]
    load = [run.arc("far", "abroad")["offered_gbps"].to_numpy() for run in runs]
    for run, far in zip(runs, load, strict=True):
        log = steering(run, layer="announcements")
        assert log["moves"].iloc[0] > 0 and (log["moves"].iloc[1:] == 0).all()
        assert far == pytest.approx(far[0])
        assert far[0] < run.arc("far", "abroad", "sure")["offered_gbps"].iloc[0]
    assert np.array_equal(load[0], load[1])
    assert len({far[0] for far in load}) == 3


# -- when the controller falls silent -----------------------------------------------------------


LOOP = {"every_s": 60.0, "compute_s": 2.0, "install_s": 3.0}


def lost_when_silent(outages, *, gbps=150.0, inward=False, **control):
    """Gbit lost by 150 Gbps that only both exits together can carry: 50 Gbps once withdrawn."""
    network = two_exits()
    ends = ("abroad", "home") if inward else ("home", "abroad")
    demands = asks(network, (*ends, gbps))
    events = [{"at_h": a * HOUR, "until_h": b * HOUR, "controller": "it"} for a, b in outages]
    got = play(case_of(network, demands, sdn("min_max", **{**LOOP, **control}), events=events))
    withdrawn = got.table("control").query("trigger == 'withdrawal'")
    return got.figure("lost_gbit") / 50.0, withdrawn["time_s"].tolist()


@pytest.mark.parametrize(
    ("outages", "limit_s", "withdrawn", "seconds"),
    [
        ([(900, 2000)], 300.0, [1200], 2045 - 1200),  # it is back at the cycle of 2040 s
        ([(900, 1199)], 300.0, [], 0),
        ([(900, 1200)], 300.0, [], 0),  # back at the very limit
        ([(900, 1200.001)], 300.0, [1200], 1265 - 1200),
        ([(900, 2000)], 0.0, [900], 2045 - 900),
        ([(900, 1100), (1150, 1500)], 300.0, [1450], 1505 - 1450),  # counts anew: cycle 1500
        ([(900, 1100), (1100, 1500)], 300.0, [1200], 1505 - 1200),  # no time between: one silence
        ([(1100, 1500), (900, 1100)], 300.0, [1200], 1505 - 1200),  # whatever the order in the file
        ([(900, 1300), (1000, 1600)], 300.0, [1200], 1625 - 1200),  # one silence of two causes
        ([(900, 1300), (1250, 1400)], 450.0, [1350], 1445 - 1350),
        ([(900, 1300), (900, 1250)], 300.0, [1200], 1325 - 1200),
        ([(900, 1500), (2000, 2500)], 300.0, [1200, 2300], 1505 - 1200 + 2525 - 2300),
        ([(3000, 3600)], 599.0, [3599], 1),
        ([(3000, 3600)], 600.0, [], 0),
    ],
)
def test_routes_of_a_silent_controller_are_withdrawn_at_the_limit(
    outages, limit_s, withdrawn, seconds
):
    lost, when = lost_when_silent(outages, stale_limit_s=limit_s)
    assert when == pytest.approx(withdrawn)
    assert lost == pytest.approx(seconds, rel=1e-6, abs=1e-6)


def test_no_limit_no_withdrawal():
    assert lost_when_silent([(900, 2000)]) == (0.0, [])
    lost, when = lost_when_silent([(900, 2000)], on_outage="withdraw")
    assert (lost, when) == (pytest.approx(2045 - 900), [900.0])


@pytest.mark.parametrize(
    "outages", [[(900, 1300), (1000, 1600)], [(900, 1100), (1100, 1600)], [(900, 1600)] * 3]
)
def test_outages_that_overlap_are_one_withdrawal(outages):
    lost, when = lost_when_silent(outages, on_outage="withdraw")
    assert (lost, when) == (pytest.approx(1625 - 900), [900.0])


@pytest.mark.parametrize("control", [{"on_outage": "withdraw"}, {"stale_limit_s": 0.0}])
def test_announcements_are_withdrawn_as_well(control):
    announced = {**SURE, "every_s": 600.0, "install_s": 50.0}
    lost, when = lost_when_silent([(900, 2000)], inward=True, announcements=announced, **control)
    assert when == [900.0]
    assert lost == pytest.approx(2400 + 52 - 900)


def test_a_withdrawal_empties_every_layer():
    network = two_exits()
    demands = asks(network, ("abroad", "home", 150.0), ("home", "abroad", 150.0))
    strategy = sdn("min_max", on_outage="withdraw", announcements=SURE)
    events = [{"at_h": 0.5, "controller": "it"}]
    got = play(case_of(network, demands, strategy, events=events))
    (row,) = got.table("control").query("trigger == 'withdrawal'").to_dict("records")
    assert (row["moves"], row["entries"]) == (2, 0)
    assert row["moved_gbps"] == pytest.approx(150.0)
    for link, gateway in (NEAR, FAR):
        expected = 150.0 if link == "near" else 0.0
        for source in (gateway, "abroad"):
            assert got.arc(link, source)["offered_gbps"].iloc[-1] == expected


def test_a_limit_is_of_one_strategy():
    network = two_exits()
    strategies = {"a": sdn("min_max", stale_limit_s=60.0), "b": sdn("min_max", stale_limit_s=60.0)}
    events = [{"at_h": 0.5, "controller": "a"}]
    got = play(case_of(network, out(network, 150.0), strategies, events=events))
    assert got.figure("lost_gbit", strategy="a") == pytest.approx(50.0 * (1800 - 60))
    assert got.figure("lost_gbit", strategy="b") == 0.0


# -- changes of topology ------------------------------------------------------------------------


@pytest.mark.parametrize("predict", ["last", "ewma", "window_peak", "seasonal"])
def test_a_change_of_topology_is_no_measurement(told, predict):
    # Faults between cycles: each is answered with the forecast of the last cycle, and what is
    # measured and foretold at the cycles is what it would be without them.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 3.0), ("abroad", "home", 4.0))
    more = {**QUICK, "noise_sigma": 0.2, "telemetry_loss": 0.2, "predict": predict}
    seen = {}
    for name, faults in (("calm", []), ("hit", [(400, 950), (1000, 1250)])):
        strategy = sdn(told(name=name), **more)
        events = [{"at_h": a * HOUR, "until_h": b * HOUR, "link": "far"} for a, b in faults]
        play(case_of(network, demands, strategy, hours=0.5, step_s=100.0, shapes=[Ramp()],
                     events=events))  # fmt: skip
        seen[name] = heard(told, demands, name)
    # Cycles at 0, 300, ..., 1500 s; news a second after 400, 950, 1000 and 1250 s.
    assert len(seen["calm"]) == 6
    np.testing.assert_array_equal(seen["hit"], seen["calm"][[0, 1, 1, 2, 3, 3, 3, 4, 4, 5]])


def test_after_a_missed_tick_a_change_of_topology_is_measured_for(told):
    # Away from 250 to 650 s; the fault of 700 s is answered at 701 s, when traffic is 8 bases.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 3.0))
    strategy = sdn(told(), predict="window_peak", **QUICK)
    events = [{"at_h": 250 * HOUR, "until_h": 650 * HOUR, "controller": "it"},
              {"at_h": 700 * HOUR, "until_h": 800 * HOUR, "link": "far"}]  # fmt: skip
    play(case_of(network, demands, strategy, hours=0.3, step_s=100.0, shapes=[Ramp()],
                 events=events))  # fmt: skip
    assert heard(told, demands)[:, 0].tolist() == [1.0, 8.0, 8.0, 9.0]


# -- figures ------------------------------------------------------------------------------------


def test_a_swap_is_held_against_capacities_of_its_moment(told):
    # 80 Gbps leave an exit that was cut from 100 to 50 Gbps; then they are on the whole one.
    network = two_exits()
    strategy = sdn(told(plan=("n", "f")), **QUICK)
    events = [{"at_h": 100 * HOUR, "link": "near", "capacity_gbps": 50.0}]
    got = play(case_of(network, out(network, 80.0), strategy, hours=0.2, events=events))
    assert steering(got)["transient_mlu"].tolist() == pytest.approx([0.8, 1.6, 0.8])


def test_a_link_that_is_down_is_no_busier_for_what_leaves_it():
    network = two_exits(far=160.0)
    events = [{"at_h": 100 * HOUR, "link": "near"}]
    got = play(case_of(network, out(network, 80.0), static(), hours=0.2, events=events))
    assert got.table("control")["transient_mlu"].iloc[1] == pytest.approx(0.5)


@pytest.mark.parametrize("install_s", [0.0, 100.0])
def test_the_error_of_a_prediction_on_a_ramp(told, install_s):
    # At cycle k the step before is read, of k bases; while the routes are in force it is k + 1.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 3.0), ("abroad", "home", 4.0))
    strategy = sdn(told(), **{**QUICK, "install_s": install_s})
    got = play(case_of(network, demands, strategy, hours=0.5, step_s=300.0, shapes=[Ramp()]))
    errors = steering(got)["prediction_error"].to_numpy()
    expected = [0.0] + [1 / (k + 1) for k in range(1, 5)]
    assert errors[:-1] == pytest.approx(expected) and np.isnan(errors[-1])
    assert got.figure("prediction_error") == pytest.approx(np.mean(expected))


def test_the_error_of_a_prediction_counts_what_is_steered(told):
    # One demand doubles, the other, larger one halves: |2 - 1| + |5 - 10| over 2 + 5.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0), ("abroad", "home", 10.0))
    shape = Listed([1.0, 2.0, 2.0, 2.0], [1.0, 0.5, 0.5, 0.5])
    for steers, expected in ((INTERNATIONAL, 6 / 7), (["international_out"], 1 / 2)):
        strategy = sdn(told(), steers=steers, **QUICK)
        got = play(case_of(network, demands, strategy, hours=901 * HOUR, step_s=300.0,
                           shapes=[shape]))  # fmt: skip
        assert steering(got)["prediction_error"].iloc[1] == pytest.approx(expected)


def test_an_error_spans_the_time_in_force(told):
    # Read 1, in force from 330 s to 600 s: 1 until 500 s, then 3. The mean is 1 + 2 * 100 / 270.
    network = two_exits()
    strategy = sdn(told(), **{**QUICK, "install_s": 30.0})
    shape = Listed([1.0] * 5 + [3.0] * 7)
    got = play(case_of(network, out(network, 10.0), strategy, hours=1200 * HOUR, step_s=100.0,
                       shapes=[shape]))  # fmt: skip
    mean = 1 + 2 * 100 / 270
    assert steering(got)["prediction_error"].iloc[1] == pytest.approx((mean - 1) / mean)


def test_without_a_controller_there_is_no_error():
    got = play(case_of(two_exits(), out(two_exits(), 10.0), static()))
    assert np.isnan(got.figure("prediction_error"))
    assert got.figure("entries_peak") == 0.0


@pytest.mark.parametrize("hours", [0.5, 2.0, 30.0])
def test_gbps_moved_in_a_day(told, hours):
    network = two_exits()
    strategy = sdn(told(plan=ALWAYS), every_s=600.0, **QUICK)
    got = play(case_of(network, out(network, 40.0), strategy, hours=hours, step_s=600.0))
    moved = 40.0 * hours * 6  # the rules have it near: the first decision moves it too
    assert got.figure("moved_gbps") == pytest.approx(moved)
    assert got.figure("moved_gbps_per_day") == pytest.approx(moved * 24 / hours)


def test_rules_are_entries_at_the_sources():
    # Five demands in five rules; one that is split over both exits takes two.
    network, demands = fan()
    got = play(case_of(network, demands, sdn("min_max", on_outage="withdraw"),
                       events=[{"at_h": 0.7, "controller": "it"}]))  # fmt: skip
    log = got.table("control")
    assert log["entries"].iloc[0] == 0, "static routes are not counted"
    ways = log["entries"].iloc[1]
    assert ways == 6 and got.figure("entries_peak") == 6.0
    assert log["entries"].iloc[-1] == 0


# -- all at once --------------------------------------------------------------------------------


KINDS = ("min_latency", "detour", "max_min_fair", "weighted_split", "semi_oblivious", "min_max")


def any_control(rng):
    """Return settings with every knob turned, each somewhere in its range."""

    def pick(*values):
        return values[rng.integers(len(values))]

    low = pick(0.1, 0.3)
    return {
        "every_s": pick(120.0, 300.0, 700.0),
        "window_s": pick(0.0, 60.0, 333.0),
        "staleness_s": pick(0.0, 60.0, 500.0),
        "noise_sigma": 0.1,
        "telemetry_loss": pick(0.1, 0.5, 1.0),
        "predict": pick("last", "ewma", "seasonal", "window_peak"),
        "compute_s": pick(0.0, 2.0, 100.0),
        "hysteresis": {"high": pick(0.3, 0.6), "low": low, "hold": pick(1, 3)},
        "max_moves": pick(1, 5, 100),
        "max_moved_gbps": pick(0.0, 1.0, 10.0),
        "install_s": pick(0.0, 5.0, 200.0),
        "install_sigma": pick(0.3, 1.0),
        "rule_ms": pick(0.1, 100.0),
        "update": pick("make_before_break", "instant", "multi_step"),
        "scratch": pick(0.1, 0.34, 1.0),
        "steers": ["domestic", "international_in", "international_out"],
        "coverage": {"share": pick(0.3, 0.5, 0.9), "of": pick("provinces", "traffic")},
        "announcements": {
            "every_s": pick(300.0, 900.0),
            "install_s": pick(0.0, 90.0),
            "group_share": pick(0.1, 0.3, 1.0),
            "stray": pick(0.24, 1.0),
        },
        "detect_s": pick(0.0, 1.0, 30.0),
        "converge_s": pick(0.0, 2.0, 40.0),
        "stale_limit_s": pick(0.0, 100.0, 1000.0),
    }


@pytest.mark.parametrize("seed", range(len(KINDS)))
def test_all_knobs_at_once(seed):
    rng = np.random.default_rng(seed)
    network, demands = make_random_case(seed + 50, "small")
    demands = demands.scaled(rng.choice([0.5, 1.0, 3.0]))
    kind = KINDS[seed]
    strategies = {"it": sdn(kind, **any_control(rng))}
    node = network.nodes[rng.integers(len(network.nodes))]
    hit, raised = (network.links[exit_] for exit_ in network.exits[[0, -1]])
    events = [
        {"at_h": 0.2, "until_h": 0.35, "controller": "it"},
        {"at_h": 0.25, "until_h": 0.5, "controller": "it"},
        {"at_h": 0.3, "until_h": 0.7, "link": hit},
        {"at_h": 0.31, "until_h": 0.9, "cable": network.cables[0], "severity": 0.5},
        {"at_h": 0.33, "until_h": 0.4, "node": node},
        {"at_h": 0.55, "link": raised, "capacity_gbps": "x2"},
    ]

    def run(strategies, seed=seed, events=events):
        return play(case_of(network, demands, strategies, hours=1.0, step_s=97.0, seed=seed,
                            shapes=[Diurnal(), Noise(sigma=0.2)], events=events))  # fmt: skip

    got = run(strategies)
    one = got.figures["it"]
    offered, carried = one["offered_gbit", "all"], one["carried_gbit", "all"]
    assert 0 <= carried <= offered * (1 + 1e-12)
    assert one["lost_gbit", "all"] == pytest.approx(offered - carried, abs=1e-9 * offered)
    rows = got.table("demands")
    assert (rows["carried_gbps"] <= rows["offered_gbps"] * (1 + 1e-9)).all()
    links = got.table("links")
    assert (links["carried_gbps"] <= links["capacity_gbps"] * (1 + 1e-9) + 1e-9).all()
    log = got.table("control")
    assert log["time_s"].is_monotonic_increasing and (log["moved_gbps"] >= 0).all()

    # The same again, to the last bit, beside others and by itself.
    beside = run(
        {"static": static(), **strategies, "other": sdn("weighted_split", install_sigma=1.0)}
    )
    assert list(beside.figures["it"]) == list(one)
    np.testing.assert_array_equal(list(beside.figures["it"].values()), list(one.values()))
    assert beside.table("control").equals(log)
    # Another seed, another draw of traffic, which is the same whatever the strategy.
    other = run({"static": static()}, seed=seed + 1, events=()).figures["static"]
    assert beside.figures["static"]["offered_gbit", "all"] == offered
    assert other["offered_gbit", "all"] != offered
