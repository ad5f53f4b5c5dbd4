"""The loop as a whole: what each imperfection costs, in regret, in churn and on the way.

Of two exits of 100 Gbps the near one takes 11 ms and the far one 22 ms, and a Gbps above 85 on
either costs 1,000 ms more: regret is worked out by hand, or by its order on the small network.
"""

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import asks, case_of, play, sdn, static, two_exits
from test_control import Listed
from test_control_knobs import HOUR, QUICK, any_control, provinces

from simulator.control.strategy import Strategy
from simulator.routing.clairvoyant import Clairvoyant
from simulator.routing.min_latency import MinLatency
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

pytestmark = pytest.mark.usefixtures("no_headroom")

CAP, OVERLOAD_MS, DETOUR_MS = 85.0, 1000.0, 11.0
SCHEME = MinLatency(utilisation_cap=CAP / 100.0)
HALF_S = 1800.0
STALE = (0.0, 1800.0, 3600.0, 7200.0)
DIURNAL = (Diurnal(),)


def beside_the_bound(**strategies):
    """Strategies by name, with the yardstick of their regret."""
    return {"best": Strategy(scheme=Clairvoyant(utilisation_cap=CAP / 100.0)), **strategies}


@pytest.fixture(scope="module")
def busy(mini):
    """The small network, and a quarter more traffic than it was built for."""
    network, demands = mini
    return network, demands.scaled(1.25)


def regrets(got, strategies):
    return np.array([got.figure("regret", strategy=name) for name in strategies if name != "best"])


def worse_by_hand(near, traffic):
    """Cost above the least, in Gbps ms, with *near* of the traffic on the near exit."""
    best = np.minimum(traffic, CAP)
    return OVERLOAD_MS * np.maximum(near - CAP, 0.0) + DETOUR_MS * (best - near)


def believing(traffic, believed):
    """Load of the near exit under routes made for the traffic believed in."""
    return traffic * np.minimum(1.0, CAP / believed)


def a_day(network, demands, strategies, shapes=DIURNAL, **more):
    """Play a day in half hours."""
    return play(case_of(network, demands, strategies, hours=24, step_s=HALF_S, shapes=shapes,
                        detail="none", **more))  # fmt: skip


# -- measurements that are old or wrong ---------------------------------------------------------


def test_regret_of_stale_measurements_by_hand():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 160.0))
    strategies = beside_the_bound(
        **{
            f"{stale:.0f}": sdn(SCHEME, every_s=HALF_S, **{**QUICK, "staleness_s": stale})
            for stale in STALE
        }
    )
    shapes = [Diurnal(peak_hour=21.0, trough=0.3, far_share=0.0)]
    got = a_day(network, demands, strategies, shapes)
    hours = (np.arange(48) + 0.5) / 2
    traffic = 160.0 * (0.3 + 0.7 * (1 + np.cos(2 * np.pi * (hours - 21.0) / 24)) / 2)
    expected = []
    for stale in STALE:
        # At the seam of two steps the one before is read, and the first stands for all before.
        read = np.maximum(np.arange(48) - 1 - int(stale // HALF_S), 0)
        worse = worse_by_hand(believing(traffic, traffic[read]), traffic)
        expected.append(worse.sum() / traffic.sum())
    assert regrets(got, strategies) == pytest.approx(expected, rel=1e-6)
    assert (np.diff(expected) > 0.1).all()


def test_regret_grows_with_staleness_and_falls_with_a_season(busy):
    ages = STALE[1:]
    strategies = beside_the_bound(
        static=static(),
        **{f"last-{s:.0f}": sdn(SCHEME, every_s=HALF_S, staleness_s=s) for s in STALE},
        **{
            f"seasonal-{s:.0f}": sdn(SCHEME, every_s=HALF_S, staleness_s=s, predict="seasonal")
            for s in ages
        },
    )
    none, *found = regrets(a_day(*busy, strategies), strategies)
    last, seasonal = np.array(found[: len(STALE)]), np.array(found[len(STALE) :])
    assert last[0] > 0 and (np.diff(last) > 0.05 * none).all() and none > last[-1]
    assert (np.diff(seasonal) > 0).all()
    assert (seasonal < 0.6 * last[1:]).all()


def test_a_season_that_is_known_leaves_little_regret():
    # Most of it from the first two hours: what was before the start nobody has seen.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 160.0))
    loop = {**QUICK, "every_s": HALF_S, "window_s": HALF_S, "staleness_s": 7200.0}
    strategies = beside_the_bound(
        last=sdn(SCHEME, **loop), seasonal=sdn(SCHEME, predict="seasonal", **loop)
    )
    last, seasonal = regrets(a_day(network, demands, strategies), strategies)
    assert 0 < seasonal < 0.15 * last


def test_regret_grows_with_noise(busy):
    sigmas = (0.0, 0.05, 0.1, 0.2, 0.4)
    strategies = beside_the_bound(
        **{f"{s}": sdn(SCHEME, every_s=HALF_S, staleness_s=0.0, noise_sigma=s) for s in sigmas}
    )
    found = regrets(a_day(*busy, strategies), strategies)
    assert (np.diff(found) > 0.3 * found[0]).all()


def test_regret_of_noise_by_hand():
    # Each cycle is a draw of its own: 150 Gbps are taken for 150 exp(sigma x - sigma^2 / 2). Regret
    # is the mean of what that costs, here by quadrature, give or take four standard errors.
    network = two_exits()
    sigma, cycles = 0.1, 2 * 144
    strategies = beside_the_bound(it=sdn(SCHEME, every_s=600.0, **{**QUICK, "noise_sigma": sigma}))
    case = case_of(network, asks(network, ("home", "abroad", 150.0)), strategies, hours=24,
                   step_s=3600.0, detail="none")  # fmt: skip
    x = np.linspace(-8.0, 8.0, 20001)
    density = np.exp(-(x**2) / 2)
    density /= density.sum()
    believed = 150.0 * np.exp(sigma * x - sigma**2 / 2)
    # Taken for more than 170 Gbps, it is spread evenly: no exit can stay below its cap.
    near = np.where(believed > 2 * CAP, 75.0, believing(150.0, believed))
    worse = worse_by_hand(near, 150.0) / 150.0
    mean = worse @ density
    deviation = np.sqrt((worse - mean) ** 2 @ density)
    found = np.mean([regrets(play(case, replication), strategies) for replication in (0, 1)])
    assert abs(found - mean) < 4 * deviation / np.sqrt(cycles) < 0.5 * mean


# -- a controller that stops --------------------------------------------------------------------


TIDE = np.repeat([60.0, 150.0, 60.0], 20)
"""An hour of traffic in Gbps, minute by minute: it rises at 1200 s and falls at 2400 s."""


def with_outage(start, end, **control):
    """Regret over the tide of static routes, and of a controller away from *start* to *end*."""
    network = two_exits()
    strategies = beside_the_bound(static=static(), it=sdn(SCHEME, every_s=60.0, **QUICK, **control))
    events = [{"at_h": start * HOUR, "until_h": end * HOUR, "controller": "it"}] if end else []
    case = case_of(network, asks(network, ("home", "abroad", 1.0)), strategies, events=events,
                   shapes=[Listed(TIDE)], detail="none")  # fmt: skip
    return regrets(play(case), strategies)


def tide_by_hand(believed):
    worse = worse_by_hand(believing(TIDE, np.asarray(believed)), TIDE)
    return worse.sum() / TIDE.sum()


READ = np.concatenate([TIDE[:1], TIDE[:-1]])
"""What a loop without delay reads: the minute before."""


def test_an_outage_costs_what_is_missed_in_it():
    calm = tide_by_hand(READ)
    _, without = with_outage(0, 0)
    assert without == pytest.approx(calm, rel=1e-6)
    # Back at 1740 s, in time for the cycle: nine minutes of 150 Gbps on routes for 60.
    late = READ.copy()
    late[20:29] = 60.0
    assert with_outage(1140, 1740)[1] == pytest.approx(tide_by_hand(late), rel=1e-6)
    assert tide_by_hand(late) > 8 * calm, "the wrong time to be away"
    # While nothing changes nothing is missed.
    assert with_outage(1500, 2100)[1] == without
    assert with_outage(300, 900)[1] == without


def test_a_withdrawal_costs_what_static_rules_cost():
    # All traffic back on the near exit, as if 60 Gbps or less were believed in.
    away = READ.copy()
    away[25:35] = 60.0
    fixed, withdrawn = with_outage(1500, 2100, on_outage="withdraw")
    assert withdrawn == pytest.approx(tide_by_hand(away), rel=1e-6)
    assert fixed == pytest.approx(tide_by_hand(np.full(60, 60.0)), rel=1e-6)
    _, stale = with_outage(1500, 2100, stale_limit_s=300.0)
    away[25:30] = 150.0
    assert stale == pytest.approx(tide_by_hand(away), rel=1e-6)


@pytest.mark.parametrize("control", [{"on_outage": "withdraw"}, {"stale_limit_s": 0.0}])
def test_a_controller_that_is_never_there_is_static(mini, control):
    strategies = beside_the_bound(static=static(), it=sdn(SCHEME, every_s=HALF_S, **control))
    events = [{"at_h": 0.0, "controller": "it"}]
    got = a_day(*mini, strategies, [Diurnal(), Noise()], events=events)
    fixed, withdrawn = regrets(got, strategies)
    assert withdrawn == pytest.approx(fixed, rel=1e-12) and fixed > 0.01


# -- part of the network ------------------------------------------------------------------------


def test_regret_falls_with_the_share_of_traffic_under_control():
    # Of 150 Gbps the rest stays near; from 65 / 150 on that is no more than fits.
    network = two_exits()
    shares = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.43, 0.45, 0.7, 1.0])
    strategies = beside_the_bound(
        static=static(),
        full=sdn(SCHEME, **QUICK),
        **{
            f"{share}": sdn(SCHEME, coverage={"share": share, "of": "traffic"}, **QUICK)
            for share in shares
        },
    )
    demands = asks(network, ("home", "abroad", 100.0), ("home", "abroad", 50.0))
    fixed, full, *found = regrets(play(case_of(network, demands, strategies)), strategies)
    near = np.maximum(150.0 * (1.0 - shares), CAP)
    assert found == pytest.approx(worse_by_hand(near, 150.0) / 150.0, rel=1e-6, abs=1e-5)
    assert found[0] == pytest.approx(fixed, rel=1e-12) and found[-1] == full
    assert (np.diff(found[:7]) < 0).all()


def test_regret_falls_with_every_province_under_control():
    # 20, 60, 10, 40 and 20 Gbps out, half as much in: the largest come first.
    network, demands = provinces(20.0, 60.0, 10.0, 40.0, 20.0)
    shares = np.arange(6) / 5
    strategies = beside_the_bound(
        static=static(),
        full=sdn(SCHEME, **QUICK),
        **{f"{share}": sdn(SCHEME, coverage={"share": share}, **QUICK) for share in shares},
    )
    fixed, full, *found = regrets(play(case_of(network, demands, strategies)), strategies)
    near = np.maximum([150.0, 90.0, 50.0, 30.0, 10.0, 0.0], CAP)
    assert found == pytest.approx(worse_by_hand(near, 150.0) / 225.0, rel=1e-6, abs=1e-5)
    assert found[0] == pytest.approx(fixed, rel=1e-12) and found[-1] == full


def test_coverage_on_a_day(busy):
    shares = (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)
    loop = {"every_s": HALF_S, "staleness_s": 0.0}
    strategies = beside_the_bound(
        static=static(),
        full=sdn(SCHEME, **loop),
        **{
            f"{share}": sdn(SCHEME, coverage={"share": share, "of": "traffic"}, **loop)
            for share in shares
        },
    )
    fixed, full, *found = regrets(a_day(*busy, strategies), strategies)
    assert found[0] == pytest.approx(fixed, rel=1e-12) and found[-1] == full
    assert (np.diff(found) < -0.003 * fixed).all()


# -- movement -----------------------------------------------------------------------------------


def test_churn_falls_with_restraint(mini):
    caps = (1.0, 0.3, 0.0)
    loop = {"every_s": HALF_S, "noise_sigma": 0.2}
    strategies = {
        "free": sdn(SCHEME, **loop),
        **{f"{cap}": sdn(SCHEME, max_moved_gbps=cap, **loop) for cap in caps},
        "calm": sdn(SCHEME, hysteresis={"high": 0.9, "low": 0.8}, **loop),
        "calmer": sdn(SCHEME, hysteresis={"high": 1.0, "low": 0.75}, **loop),
    }
    got = a_day(*mini, strategies, [Diurnal(), Noise()])
    moved = {name: got.figure("moved_gbps", strategy=name) for name in strategies}
    capped = np.array([moved["free"], *(moved[f"{cap}"] for cap in caps)])
    assert (np.diff(capped) < 0).all() and capped[-1] == 0.0
    assert moved["calmer"] < moved["calm"] < moved["free"]
    cycles = [got.figure("control_cycles", strategy=n) for n in ("calmer", "calm", "free")]
    assert cycles[0] < cycles[1] < cycles[2] == 48


def test_churn_by_hand():
    # 100 and 150 Gbps in turn: what fits near is 0.85 or 0.5667 of it. A cap of 10 Gbps a cycle
    # binds every time, and between marks of 2.0 and 0.5 nothing moves.
    network = two_exits()
    shape = Listed([100.0, 150.0] * 30)
    strategies = {
        "free": sdn(SCHEME, every_s=60.0, **QUICK),
        "capped": sdn(SCHEME, every_s=60.0, max_moved_gbps=10.0, **QUICK),
        "calm": sdn(SCHEME, every_s=60.0, hysteresis={"high": 2.0, "low": 0.5}, **QUICK),
    }
    got = play(case_of(network, asks(network, ("home", "abroad", 1.0)), strategies, shapes=[shape]))
    log = {name: got.table("control", name).query("layer == 'controller'") for name in strategies}
    # Counted at the rate that holds when the routes are put in place: of the step before.
    swing = 0.85 - 85.0 / 150.0
    free = log["free"]["moved_gbps"].to_numpy()
    assert free[0] == pytest.approx(15.0) and free[1] == pytest.approx(0.0, abs=1e-9)
    assert free[2:] == pytest.approx(swing * np.tile([150.0, 100.0], 29), rel=1e-6)
    capped = log["capped"]["moved_gbps"].to_numpy()
    assert capped[2:].max() <= 10.0 * (1 + 1e-9) and capped.sum() < 0.5 * free.sum()
    assert log["calm"]["moved_gbps"].sum() == 0.0


# -- on the way ---------------------------------------------------------------------------------


def three_exits():
    """Return exits x, y and z of 100 Gbps: c is nearer to z than to x, and b to x than to y."""
    return make_tiny(
        ("c-x", "c", "gw-x", 1e4, 1.0, 5.0), ("c-z", "c", "gw-z", 1e4, 9.0, 1.0),
        ("b-x", "b", "gw-x", 1e4, 9.0, 1.0), ("b-y", "b", "gw-y", 1e4, 1.0, 5.0),
        *[(each, f"gw-{each}", "abroad", 100.0, 1.0, 10.0) for each in "xyz"],
        abroad="pop", **{f"gw-{each}": "gateway" for each in "xyz"},
    )  # fmt: skip


@pytest.mark.parametrize(("scratch", "steps"), [(0.1, 9), (0.2, 4), (0.25, 3)])
def test_no_order_of_steps_overloads_what_keeps_scratch_free(scratch, steps):
    # While z is next to nothing c fills x, and b goes by y. When z is whole again c goes there and
    # b takes its place: if b comes before c has left, x is asked for twice what it carries. (Had z
    # been down, this would be the answer to a change of topology, and in one step.)
    full = 100.0 * (1.0 - scratch)
    network = three_exits()
    loop = {**QUICK, "every_s": 600.0, "scratch": scratch, "install_s": 5.0}
    tidy = MinLatency(utilisation_cap=1.0 - scratch)
    strategies = {
        "steps": sdn(tidy, update="multi_step", **loop),
        "go": sdn(tidy, update="make_before_break", **loop),
    }
    events = [{"at_h": 0.0, "until_h": 0.5, "link": "z", "capacity_gbps": 1e-5}]
    demands = asks(network, ("c", "abroad", full), ("b", "abroad", full))
    got = play(case_of(network, demands, strategies, events=events))
    transient = {}
    for name in strategies:
        log = got.table("control", name).query("layer == 'controller' and time_s >= 1800")
        x = got.arc("x", "gw-x", name)["offered_gbps"]
        assert x.iloc[[25, -1]].to_numpy() == pytest.approx(full, rel=1e-6), "before and after"
        transient[name] = log["transient_mlu"].to_numpy()
        assert (log["moved_gbps"] > 1.0).sum() == (steps if name == "steps" else 1)
    assert transient["steps"].max() <= 1.0 + 1e-9
    assert transient["steps"].max() == pytest.approx((1 - scratch) * (1 + 1 / steps), rel=1e-6)
    assert transient["go"].max() == pytest.approx(2 * (1 - scratch), rel=1e-6)


# -- one traffic for all ------------------------------------------------------------------------


def test_whatever_the_knobs_the_traffic_is_the_same():
    rng = np.random.default_rng(6)
    network, demands = make_random_case(31, "small")
    kinds = ("min_latency", "weighted_split")
    strategies = {
        "static": static(),
        "other": static("nearest_exit"),
        **{kind: sdn(kind, **any_control(rng)) for kind in kinds},
        "best": Strategy(scheme=Clairvoyant()),
    }
    events = [
        {"at_h": 0.2, "until_h": 0.5, "link": network.links[network.exits[0]]},
        *[{"at_h": 0.4, "until_h": 0.61, "controller": kind} for kind in kinds],
    ]
    case = case_of(network, demands, strategies, hours=0.7, step_s=97.0, events=events,
                   shapes=[Diurnal(), Noise(sigma=0.3)])  # fmt: skip
    got = play(case)
    first, *others = strategies
    rows = {name: got.table("demands", name) for name in strategies}
    keys = ["time_s", "source", "target", "offered_gbps"]
    carried = {rows[name]["carried_gbps"].to_numpy().tobytes() for name in strategies}
    assert len(carried) > 3, "or all go the same ways"
    for name in others:
        assert rows[name][keys].equals(rows[first][keys])
        offered = [
            {key: value for key, value in got.figures[each].items() if key[0] == "offered_gbit"}
            for each in (first, name)
        ]
        assert offered[0] and offered[0] == offered[1]
    # Another replication is other traffic: the table can tell.
    again = play(case, 1).table("demands", first)["offered_gbps"]
    assert not again.equals(rows[first]["offered_gbps"])


# -- failures close together --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("second_s", "expected"),
    [
        (2.0, [33.0]),  # taken in while the timer runs: one installation, of the newest topology
        (29.0, [60.0]),
        (30.0, [31.0, 61.0]),  # noticed at 31 s, when the first routes have just been installed
        (40.0, [31.0, 71.0]),
    ],
)
def test_one_timer_for_failures_close_together(second_s, expected):
    network = make_tiny(
        *[(f"in-{g}", "home", f"gw-{g}", 100.0, 1.0 + i) for i, g in enumerate("abc")],
        *[(f"x-{g}", f"gw-{g}", "abroad", 100.0, 1.0) for g in "abc"],
        **{f"gw-{g}": "gateway" for g in "abc"}, abroad="pop",
    )  # fmt: skip
    events = [{"at_h": 600 / 3600, "link": "x-a"}, {"at_h": (600 + second_s) / 3600, "link": "x-b"}]
    strategy = static(detect_s=1.0, converge_s=30.0)
    got = play(case_of(network, asks(network, ("home", "abroad", 10.0)), strategy, events=events))
    log = got.table("control").query("trigger == 'topology'")
    assert (log["time_s"] - 600).tolist() == pytest.approx(expected)
    # Lost: 10 Gbps for as long as traffic meets a link that is down.
    down = expected[-1] if len(expected) == 1 else 31.0 + expected[-1] - max(second_s, 31.0)
    assert got.figure("lost_gbit") == pytest.approx(10.0 * down)


def test_perfect_information_sees_a_cut_between_two_steps():
    network = two_exits()
    strategies = {"best": Strategy(scheme="clairvoyant"), "it": static()}
    events = [{"at_h": 100 / 3600, "link": "near", "capacity_gbps": 20.0}]
    got = play(case_of(network, asks(network, ("home", "abroad", 60.0)), strategies,
                       hours=0.1, step_s=300.0, events=events))  # fmt: skip
    assert got.table("control", "best")["time_s"].tolist() == [0.0, 100.0, 300.0]
