"""The control loop: when it acts, what it sees, what it moves; and headroom."""

from typing import ClassVar

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import Played, asks, case_of, play, sdn, static, steered_by, steps_of, two_exits

from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.recording.headroom import Headroom, headroom
from simulator.recording.limit import Limit
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.min_latency import MinLatency
from simulator.routing.scheme import scheme
from simulator.traffic.traffic import Shape

HOUR = 1 / 3600


class Ramp(Shape):
    """Traffic of 1, 2, 3, ... times the base, step after step."""

    def start(self, network, demands, streams, step_h):
        return lambda hours: 1.0 + np.floor(hours / step_h)[None, :] * np.ones((len(demands), 1))


class Listed(Shape):
    """Factors from a list, demand by step."""

    def __init__(self, *factors):
        self.factors = np.array(factors)

    def start(self, network, demands, streams, step_h):
        return lambda hours: self.factors[:, np.floor(hours / step_h).astype(int)]


@pytest.fixture
def spy(monkeypatch):
    """A scheme that writes down what it is asked, and then routes; gone after the test."""
    scheme.names()
    monkeypatch.setattr(scheme, "_classes", dict(scheme._classes))
    monkeypatch.setattr(Headroom, "limit", lambda self: Limit(1.0))  # it asks as well

    @scheme("spy")
    class Spy:
        """Write down and route by shortest paths, or by *turns* near and far."""

        name: str = "it"
        turns: bool = False

        demand_aware: ClassVar[bool] = True
        asked: ClassVar[dict[str, list[tuple[Network, Demands, Routes | None]]]] = {}

        def route(self, network, demands, current=None):
            seen = self.asked.setdefault(self.name, [])
            seen.append((network, demands, current))
            if self.turns and len(seen) % 2 == 0:
                network = network.failed(links=["near"])
            return IgpEcmp().route(network, demands)

    return Spy


def factors(spy, base, name="it"):
    """What was measured over what is asked in the base matrix, decision by demand."""
    return np.array([demands.gbps / base.gbps for _, demands, _ in spy.asked[name]])


def spied(spy, network, demands, *, name="it", **control):
    control = {"steers": ["international_out", "international_in"], **control}
    return sdn(spy(name=name), **control)


# -- when ---------------------------------------------------------------------------------------


def installs(played: Played, strategy="it"):
    log = played.table("control", strategy)
    return log[log["layer"] == "controller"]["time_s"].to_numpy()


@pytest.mark.parametrize("every_s", [60.0, 33.333333, 0.7])
def test_cycles_fall_on_exact_multiples(spy, every_s):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    hours = every_s * 200.5 * HOUR
    strategy = spied(spy, network, demands, every_s=every_s, compute_s=0.2, install_s=0.1)
    got = play(case_of(network, demands, strategy, hours=hours, step_s=every_s * 3))
    told = np.rint(installs(got) * 1e6).astype(np.int64)
    expected = np.arange(201) * round(every_s * 1e6) + 300_000
    expected[0] = 0
    assert told.tolist() == expected.tolist()
    assert got.figure("control_cycles") == 201.0


def test_a_loop_slower_than_its_clock_skips_cycles(spy):
    # Decided at 60, installed at 160; the next multiple is 180, installed at 280; and so on.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    strategy = spied(spy, network, demands, every_s=60.0, compute_s=70.0, install_s=30.0)
    got = play(case_of(network, demands, strategy, hours=600 * HOUR, step_s=1.0, shapes=[Ramp()]))
    assert installs(got).tolist() == [0.0, 160.0, 280.0, 400.0, 520.0]
    # What it acts on was measured when it decided: 60 s old at 60, 180, 300, 420 and 540 s, over
    # windows of 60 s in which traffic rises by one base a second.
    assert factors(spy, demands)[:, 0] == pytest.approx([1.0, 1.0, 90.5, 210.5, 330.5, 450.5])


def test_no_cycle_begins_at_the_horizon(spy):
    # An hour holds twelve cycles of 300 s: 0, 300, ... 3300. Routes of a thirteenth carry nothing.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    strategy = spied(spy, network, demands, compute_s=0.0, install_s=0.0)
    got = play(case_of(network, demands, strategy))
    assert got.figure("control_cycles") == 12.0
    assert installs(got).max() < 3600.0


def test_a_static_strategy_has_no_cycles():
    network = two_exits()
    got = play(case_of(network, asks(network, ("home", "abroad", 50.0)), static()))
    assert got.figure("control_cycles") == 0.0
    assert got.table("control")[["layer", "trigger", "time_s"]].values.tolist() == [
        ["static", "start", 0.0]
    ]


# -- what it sees -------------------------------------------------------------------------------


def ramp_seen(spy, times, **control):
    """Measured factors of traffic that rises by one base every 100 s, at decision *times*."""
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0), ("abroad", "home", 20.0))
    strategy = spied(spy, network, demands, **control)
    hours = (times[-1] + 10) * HOUR
    play(case_of(network, demands, strategy, hours=hours, step_s=100.0, shapes=[Ramp()]))
    seen = factors(spy, demands)
    assert len(seen) == len(times)
    assert (seen[:, 0] == seen[:, 1]).all()
    return seen[:, 0].tolist()


def test_the_window_by_hand(spy):
    # At 250 s the window is 60 to 180 s: 40 s at 1 and 80 s at 2. At 500 s it is 310 to 430 s:
    # 90 s at 4 and 30 s at 5. At 750 s, 560 to 680 s: 40 s at 6 and 80 s at 7.
    seen = ramp_seen(spy, [0, 250, 500, 750], every_s=250.0, window_s=120.0, staleness_s=70.0)
    expected = [1.0, (40 + 160) / 120, (360 + 150) / 120, (240 + 560) / 120]
    assert seen == pytest.approx(expected, rel=1e-14)


def test_before_the_start_traffic_was_as_it_starts(spy):
    # At 90 s the window is -120 to 80 s, at 180 s it is -30 to 170 s: 130 s at 1, 70 s at 2.
    seen = ramp_seen(spy, [0, 90, 180], every_s=90.0, window_s=200.0, staleness_s=10.0)
    assert seen == pytest.approx([1.0, 1.0, (130 + 140) / 200], rel=1e-14)


def test_an_instantaneous_reading(spy):
    # 30 s before 0, 250 and 500 s: 220 s lies in the third step, 470 s in the fifth.
    seen = ramp_seen(spy, [0, 250, 500], every_s=250.0, window_s=0.0, staleness_s=30.0)
    assert seen == [1.0, 3.0, 5.0]


def test_an_instantaneous_reading_does_not_see_what_comes_after_it(spy):
    # At 100, 200 and 300 s control comes before traffic changes: still 1, 2 and 3.
    seen = ramp_seen(spy, [0, 100, 200, 300], every_s=100.0, window_s=0.0, staleness_s=0.0)
    assert seen == [1.0, 1.0, 2.0, 3.0]


def test_a_reading_is_the_limit_of_short_windows(spy):
    times, control = [0, 150, 300], {"every_s": 150.0, "staleness_s": 0.0}
    short = ramp_seen(spy, times, window_s=1e-6, **control)
    spy.asked.clear()
    assert ramp_seen(spy, times, window_s=0.0, **control) == pytest.approx(short)


def test_a_window_may_be_longer_than_the_memory_of_a_block(spy):
    # 700 steps of 1 s behind 100 s of staleness: blocks of 288 steps must not be forgotten early.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0))
    strategy = spied(spy, network, demands, every_s=900.0, window_s=700.0, staleness_s=100.0)
    play(case_of(network, demands, strategy, hours=0.99, step_s=1.0, shapes=[Ramp()]))
    # Windows 100 to 800, 1000 to 1700, 1900 to 2600 s; step k has k + 1.
    expected = [1.0, 450.5, 1350.5, 2250.5]
    assert factors(spy, demands)[:, 0] == pytest.approx(expected, rel=1e-13)


def test_capacity_is_as_old_as_its_measurement_and_topology_as_its_detection(spy):
    network = two_exits().with_link("near", cables={"C": 0.6})
    demands = asks(network, ("home", "abroad", 10.0))
    events = [
        {"at_h": 100 * HOUR, "cable": "C"},
        {"at_h": 130 * HOUR, "link": "far", "capacity_gbps": "+60"},
        {"at_h": 190 * HOUR, "link": "to-far"},
    ]
    strategy = spied(spy, network, demands, every_s=20.0, staleness_s=45.0, detect_s=3.0,
                     compute_s=0.0, install_s=0.0)  # fmt: skip
    play(case_of(network, demands, strategy, hours=210 * HOUR, step_s=10.0, events=events))
    near, far, to_far = (2 * network.link_index[link] for link in ("near", "far", "to-far"))
    seen = [(n.capacity_gbps[near], n.capacity_gbps[far], bool(n.up[to_far]))
            for n, _, _ in spy.asked["it"]]  # fmt: skip
    # Cycles at 0, 20, ... 180, at 193 (3 s after the fault) and at 200. 160 sees 115, 180 sees 135.
    before, cut, grown = (100.0, 100.0, True), (40.0, 100.0, True), (40.0, 160.0, True)
    assert seen == [before] * 8 + [cut] + [grown] + [(40.0, 160.0, False)] * 2


@pytest.mark.parametrize(
    ("staleness_s", "detect_s", "seen_down"),
    [
        (45.0, 3.0, [120.0, 140.0, 103.0]),  # back at 153 s, with the capacity of 95 s
        (300.0, 3.0, [120.0, 140.0, 103.0]),  # that of before the upgrade, until it is measured
        (5.0, 10.0, [110.0, 120.0, 140.0]),  # measured at 105 s, and so known a bit before
        (0.0, 3.0, [100.0, 103.0, 120.0, 140.0]),  # a fault comes before a cycle
    ],
)
def test_a_link_that_is_back_has_the_capacity_it_had(spy, staleness_s, detect_s, seen_down):
    network = two_exits().with_link("near", cables={"C": 1.0})
    demands = asks(network, ("home", "abroad", 10.0))
    events = [
        {"at_h": 30 * HOUR, "link": "near", "capacity_gbps": "+60"},
        {"at_h": 100 * HOUR, "until_h": 150 * HOUR, "cable": "C"},
    ]
    strategy = spied(spy, network, demands, every_s=20.0, staleness_s=staleness_s,
                     detect_s=detect_s, compute_s=0.0, install_s=0.0)  # fmt: skip
    play(case_of(network, demands, strategy, hours=230 * HOUR, step_s=10.0, events=events))
    near = 2 * network.link_index["near"]
    at = sorted([*np.arange(0.0, 230.0, 20.0), 100 + detect_s, 150 + detect_s])
    looks = dict(zip(at, (n for n, _, _ in spy.asked["it"]), strict=True))
    assert [t for t in at if not looks[t].up[near]] == sorted(seen_down)
    for t in at:
        if looks[t].up[near]:
            expected = 160.0 if t - staleness_s >= 30.0 else 100.0
            assert looks[t].capacity_gbps[near] == expected
            assert not looks[t].cut, "what is back is taken for whole"


def test_a_second_fault_during_detection_is_answered_too(spy):
    # Faults at 100 and 100.5 s, noticed a second later each; the next cycle is an hour away.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    events = [{"at_h": 100 * HOUR, "link": "far"}, {"at_h": 100.5 * HOUR, "link": "near"}]
    strategy = spied(spy, network, demands, every_s=3600.0, detect_s=1.0, compute_s=0.0,
                     install_s=0.0)  # fmt: skip
    play(case_of(network, demands, strategy, hours=0.5, events=events))
    last = spy.asked["it"][-1][0]
    down = [link for link in ("near", "far") if not last.up[2 * network.link_index[link]]]
    assert down == ["near", "far"], "the controller last decided without knowing of both"


# -- noise --------------------------------------------------------------------------------------


def noisy(spy, demands, network, name="it", seed=1, **more):
    return {name: spied(spy, network, demands, name=name, noise_sigma=0.2, every_s=10.0, **more)}


THREE = (("home", "abroad", 3.0), ("abroad", "home", 4.0), ("gw-near", "abroad", 5.0))


def test_noise_is_keyed_by_demand(spy):
    network = two_exits()
    few, more = asks(network, *THREE), asks(network, ("gw-far", "abroad", 9.0), *THREE)
    for name, demands in (("few", few), ("more", more)):
        play(case_of(network, demands, noisy(spy, demands, network, name), hours=0.3))
    assert np.array_equal(factors(spy, few, "few"), factors(spy, more, "more")[:, 1:])


def test_two_controllers_see_the_same_noise(spy):
    network = two_exits()
    demands = asks(network, *THREE)
    strategies = noisy(spy, demands, network, "one") | noisy(spy, demands, network, "two")
    play(case_of(network, demands, strategies, hours=0.3))
    one, two = factors(spy, demands, "one"), factors(spy, demands, "two")
    assert np.array_equal(one, two) and len(np.unique(one)) == one.size


def test_noise_differs_by_replication_and_seed(spy):
    network = two_exits()
    demands = asks(network, *THREE)
    seen = []
    for seed, replication in ((1, 0), (1, 1), (2, 0), (1, 0)):
        spy.asked.clear()
        case = case_of(network, demands, noisy(spy, demands, network), seed=seed, hours=0.1)
        play(case, replication)
        seen.append(factors(spy, demands))
    assert np.array_equal(seen[0], seen[3])
    assert not np.isin(seen[1], seen[0]).any() and not np.isin(seen[2], seen[0]).any()


def test_noise_is_lognormal_of_mean_one(spy, mini):
    network, demands = mini
    play(case_of(network, demands, noisy(spy, demands, network), hours=0.25, step_s=600.0))
    seen = factors(spy, demands.take(demands.of_class(INTERNATIONAL)))
    count, sigma = seen.size, 0.2
    assert count >= 90 * 48
    spread = np.sqrt(np.exp(sigma**2) - 1)
    assert abs(seen.mean() - 1.0) < 4 * spread / np.sqrt(count)
    logs = np.log(seen)
    assert abs(logs.std(ddof=1) - sigma) < 4 * sigma / np.sqrt(2 * count)
    lagged = np.corrcoef(logs[1:].ravel(), logs[:-1].ravel())[0, 1]
    assert abs(lagged) < 4 / np.sqrt(count), "cycles are independent"


# -- what it moves ------------------------------------------------------------------------------


@pytest.mark.parametrize("steers", [["international_out"], ["international_in"], INTERNATIONAL])
@pytest.mark.parametrize("name", ["mini", 11])
def test_only_the_named_classes_are_steered(steers, name, request):
    """Routes of all others are the static ones to the last bit."""
    network, demands = request.getfixturevalue(name) if name == "mini" else make_random_case(name)
    rules = IgpEcmp().route(network, demands)
    steered = np.flatnonzero(demands.of_class(steers))
    both = steered_by(MinLatency(utilisation_cap=0.3), network, demands, steered, rules)
    changed = (both.matrix - rules.matrix).tocsc()
    changed.eliminate_zeros()
    moved = np.flatnonzero(np.diff(changed.indptr))
    assert len(moved) and np.isin(moved, steered).all()
    assert both.served == pytest.approx(rules.served, rel=1e-12)


def test_traffic_that_is_not_steered_does_not_feel_the_controller(mini):
    network, demands = mini
    control = {"compute_s": 0.0, "install_s": 0.0, "noise_sigma": 0.1}
    strategies = {
        "static": static(),
        "sdn": sdn(Strategy(scheme={"kind": "min_latency", "utilisation_cap": 0.3}).scheme,
                   steers=["international_in"], **control),
    }  # fmt: skip
    got = play(case_of(network, demands, strategies, hours=2, step_s=300.0))
    rows = {name: got.table("demands", name) for name in strategies}
    inbound = rows["static"]["class"] == "international_in"
    for column in ("offered_gbps", "carried_gbps", "latency_ms"):
        same = rows["static"][column].to_numpy() == rows["sdn"][column].to_numpy()
        assert same[~inbound].all()
    latency = [rows[name]["latency_ms"][inbound].to_numpy() for name in strategies]
    assert (latency[0] != latency[1]).any()


def test_background_is_what_the_others_put_there(spy, mini):
    network, demands = mini
    strategy = spied(spy, network, demands, steers=["international_out"], noise_sigma=0.3)
    play(case_of(network, demands, strategy, hours=0.5))
    others = ~demands.of_class("international_out")
    flat = case_of(network, demands, {"static": static()}, hours=0.01)
    alone = play(
        case_of(network, demands.with_gbps(np.where(others, demands.gbps, 0.0)), static(),
                hours=0.01)
    )  # fmt: skip
    offered = alone.table("links")["offered_gbps"].to_numpy()[: len(network.tail)]
    assert flat.demands is demands and offered.sum() > 0
    spy.asked.clear()
    strategy = spied(spy, network, demands, steers=["international_out"])
    play(case_of(network, demands, strategy, hours=0.5))
    for seen, asked, _ in spy.asked["it"]:
        assert seen.background_gbps == pytest.approx(offered, rel=1e-12, abs=1e-12)
        assert len(asked) == (~others).sum()
        assert set(asked.traffic_class) == {"international_out"}


def test_the_scheme_is_told_its_own_routes(spy, mini):
    # ``current``: routes now in force of the very demands that it is asked about.
    network, demands = mini
    strategy = spied(spy, network, demands, steers=["international_out"])
    play(case_of(network, demands, strategy, hours=0.5))
    for _, asked, current in spy.asked["it"][1:]:
        assert current is not None and len(current) == len(asked)


def test_make_before_break(spy):
    # Routes change at every cycle, and no traffic is lost or doubled.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 90.0))
    strategy = sdn(spy(turns=True), every_s=60.0, compute_s=1.0, install_s=2.5)
    case = case_of(network, demands, strategy, hours=590 * HOUR)
    got = play(case)
    assert got.figure("lost_gbit") == 0.0
    seconds = steps_of(case)
    near = got.arc("near", "gw-near")["carried_gbps"].to_numpy() @ seconds
    far = got.arc("far", "gw-far")["carried_gbps"].to_numpy() @ seconds
    # Near from 0, far from 63.5, near from 123.5, ... and far from 543.5 s to the end.
    on_far = 4 * 60.0 + (590 - 543.5)
    assert far == pytest.approx(90.0 * on_far, rel=1e-9)
    assert near == pytest.approx(90.0 * (590 - on_far), rel=1e-9)
    assert got.figure("moves") == 9.0 and got.figure("moved_gbps") == pytest.approx(810.0)


def test_a_fault_moves_static_routes_there_and_back():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    events = [{"at_h": 0.25, "until_h": 0.5, "link": "near"}]
    got = play(case_of(network, demands, static(), events=events))
    assert got.figure("moves") == 2.0 and got.figure("moved_gbps") == 100.0


def test_traffic_that_moves_once_is_counted_once(spy):
    # The near exit fails: 50 Gbps go far when the IGP has converged, and stay there when the
    # controller answers a while later. One demand moved, once.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    events = [{"at_h": 0.25, "link": "near"}]
    got = play(case_of(network, demands, spied(spy, network, demands), events=events))
    assert got.figure("moves") == 1.0 and got.figure("moved_gbps") == 50.0


def test_a_withdrawal_moves_traffic_too():
    # The controller keeps both exits at 75 of 150 Gbps. It withdraws and comes back: each time
    # 75 Gbps change their exit.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    events = [{"at_h": 0.25, "until_h": 0.5, "controller": "it"}]
    strategy = sdn("min_max", on_outage="withdraw")
    got = play(case_of(network, demands, strategy, events=events))
    assert got.figure("lost_gbit") == pytest.approx(50.0 * 907)
    assert got.figure("moved_gbps") == pytest.approx(3 * 75.0)


def test_faults_at_one_instant_are_answered_once(spy):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    events = [{"at_h": 0.26, "link": "near"}, {"at_h": 0.26, "link": "far"}]
    got = play(case_of(network, demands, spied(spy, network, demands), events=events))
    assert (got.table("control")["trigger"] == "topology").sum() == 2, "one for each layer"


def test_rules_that_no_traffic_follows_move_nothing(spy):
    # All traffic is steered over the far exit; that the rules under it avoid the near one from
    # now on moves nothing. Only the controller's first routes do.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    rules = Strategy(scheme="igp_ecmp").scheme
    by_far = spy(turns=True)
    spy.asked["it"] = [None]  # the first turn is over: far comes first
    events = [{"at_h": 0.25, "link": "near"}]
    strategy = sdn(by_far, fallback=rules, every_s=7200.0, detect_s=0.0)
    got = play(case_of(network, demands, strategy, hours=1000 * HOUR, events=events))
    log = got.table("control")
    told = log[["layer", "moves", "moved_gbps"]].values.tolist()
    assert told[:2] == [["static", 0, 0.0], ["controller", 1, 50.0]]
    assert got.figure("lost_gbit") == 0.0
    assert sum(moves for _, moves, _ in told[2:]) == 0


# -- headroom -----------------------------------------------------------------------------------


def test_headroom_of_static_routes_by_hand():
    # Out 50 and in 30 over the near exit of 100: out fills 80 % at 1.6. The far exit is idle.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0), ("abroad", "home", 30.0))
    assert headroom(static(), network, demands, 0.8) == pytest.approx(1.6, rel=1e-15)
    assert headroom(static(), network, demands, 1.0) == pytest.approx(2.0, rel=1e-15)
    assert headroom(static(), network.failed(links=["near"]), demands, 0.8) == 1.6
    inbound = two_exits().with_link("near", capacity_ba_gbps=20.0)
    assert headroom(static(), inbound, demands, 0.8) == pytest.approx(16 / 30, rel=1e-15)


def test_headroom_of_a_controller_is_all_exits_together():
    # The scheme is asked to hold the target and the two exits of 100 carry 160 at 80 %.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    room = headroom(sdn(), network, demands, 0.8)
    assert 3.2 * (1 - 1e-3) <= room <= 3.2


def test_headroom_counts_international_traffic_alone():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0), ("home", "gw-near", 900.0))
    assert headroom(static(), network, demands, 0.8) == 1.6


def test_headroom_without_international_traffic_has_no_end():
    network = two_exits()
    demands = asks(network, ("home", "gw-near", 900.0))
    for strategy in (static(), sdn(steers=["domestic"])):
        assert headroom(strategy, network, demands, 0.8) == np.inf


def highest(network, demands, factor, method, steers):
    """Highest utilisation of an exit when international traffic is *factor* times as much."""
    grown = demands.scaled(factor, INTERNATIONAL)
    rules = IgpEcmp().route(network, grown)
    steered = np.flatnonzero(grown.of_class(steers))
    load = steered_by(method, network, grown, steered, rules).loads(grown.gbps)
    arcs = np.concatenate([network.exit_arcs[way] for way in ("out", "in")])
    arcs = arcs[network.up[arcs]]
    return (load[arcs] / network.capacity_gbps[arcs]).max()


@pytest.mark.parametrize("seed", [2, 10, 18])
@pytest.mark.parametrize("steers", [INTERNATIONAL, ("international_out",)])
@pytest.mark.parametrize("kind", ["min_latency", "min_max"])
def test_headroom_is_what_brute_force_finds(seed, steers, kind):
    network, demands = make_random_case(seed, "small" if seed < 10 else "medium")
    target = 0.7
    room = headroom(sdn(kind, steers=steers), network, demands, target)
    method = MinLatency(utilisation_cap=target) if kind == "min_latency" else scheme.make(kind)
    if room > 0:
        assert highest(network, demands, room, method, steers) <= target * (1 + 1e-5)
        assert highest(network, demands, room / 2, method, steers) <= target * (1 + 1e-5)
    bound = min(
        target * network.capacity_gbps[network.exit_arcs[way]].sum() / demands.total_gbps(name)
        for name, way in (("international_out", "out"), ("international_in", "in"))
    )
    assert room <= bound
    if room < bound * 0.999:
        assert highest(network, demands, room * 1.002 + 1e-6, method, steers) > target


def test_headroom_of_a_run_is_that_of_its_hardest_instant():
    # Pressure is highest while the near exit is down: 50 on the far exit of 60, 80 % is 48.
    network = two_exits(far=60.0)
    demands = asks(network, ("home", "abroad", 50.0))
    events = [{"at_h": 0.25, "until_h": 0.5, "link": "near"}]
    got = play(case_of(network, demands, static(), events=events))
    assert got.figure("headroom") == pytest.approx(48 / 50, rel=1e-15)


def test_headroom_of_a_ramp_is_that_of_its_last_step():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    got = play(case_of(network, demands, static(), hours=300 * HOUR, shapes=[Ramp()]))
    assert got.figure("headroom") == pytest.approx(80 / 50, rel=1e-15)


def test_headroom_holds_at_every_instant():
    # Each region has an exit of 100 of its own. One asks for 90 and then 50, the other for 10 and
    # then 60. The two together press hardest in the second step, but the first exit is past 80 %
    # in the first: traffic must shrink by 80/90, and 80/60 is no room at all.
    network = make_tiny(
        ("to-near", "home", "gw-near", 1000.0), ("to-far", "home", "gw-far", 1000.0),
        ("near", "gw-near", "one", 100.0), ("far", "gw-far", "other", 100.0),
        **{"one": "pop", "other": "pop", "gw-near": "gateway", "gw-far": "gateway"},
    )  # fmt: skip
    demands = asks(network, ("home", "one", 10.0), ("home", "other", 10.0))
    got = play(case_of(network, demands, static(), hours=120 * HOUR,
                       shapes=[Listed([9.0, 5.0], [1.0, 6.0])]))  # fmt: skip
    assert got.figure("exit_utilisation_peak") == pytest.approx(0.9)
    assert got.figure("headroom") == pytest.approx(80 / 90)


def test_what_a_controller_holds_back_does_not_take_the_static_way():
    # 300 Gbps ask for exits of 100 each: 200 are let in, and the rules would send the rest by near.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 300.0), ("home", "gw-near", 5.0))
    strategy = sdn("max_min_fair", compute_s=0.0, install_s=0.0)
    got = play(case_of(network, demands, strategy))
    for link, gateway in (("near", "gw-near"), ("far", "gw-far")):
        assert got.arc(link, gateway)["utilisation"].to_numpy() == pytest.approx(1.0, rel=1e-6)
    assert got.figure("carried_gbit") == pytest.approx(205 * 3600, rel=1e-6)
    # Room made by keeping traffic out is no headroom: at 60 % two exits carry 120.
    assert headroom(strategy, network, demands, 1.0) == pytest.approx(200 / 300, rel=2e-3)


def test_held_traffic_goes_where_its_routes_go():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 300.0), ("home", "abroad", 100.0))
    routes = scheme["max_min_fair"]().route(network, demands)
    assert routes.throttled == pytest.approx([0.5, 0.5])
    assert routes.take(np.array([1])).throttled == pytest.approx([0.5])
    assert routes.scattered(np.array([2, 0]), 3).throttled == pytest.approx([0.5, 0.0, 0.5])
    assert routes.scaled(0.5).throttled == pytest.approx([0.25, 0.25])
    rules = IgpEcmp().route(network, demands)
    assert routes.with_fallback(rules).served == pytest.approx(routes.served)
    assert routes.scaled(0.5).with_fallback(rules).served == pytest.approx([0.75, 0.75])
    blended = routes.blend(rules, 0.5)
    assert (blended.throttled, blended.served) == (
        pytest.approx([0.25, 0.25]),
        pytest.approx([0.75, 0.75]),
    )
