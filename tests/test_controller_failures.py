"""How controllers stop: what routers keep, and for how long; and controllers that measure nothing.

150 Gbps have two exits of 100: the controller splits them and loses nothing, the static routes
send all to the near one and lose 50.
"""

import pytest
from helpers import asks, case_of, play, sdn, two_exits

from simulator.control.kinds.loop import Loop
from simulator.control.outages import stale_for_s
from simulator.model.streams import Streams
from simulator.simulation.faults import Event
from simulator.traffic.shapes.surge import Surge

STOP_S = 1800.0


def played(*events, hours=1.0, shapes=(), **control):
    network = two_exits()
    given = {"it": sdn("min_max", **control)}
    demands = asks(network, ("home", "abroad", 150.0))
    return play(case_of(network, demands, given, hours=hours, events=events, shapes=shapes))


def stop(how=None, at_s=STOP_S, until_s=None, **more):
    until = {} if until_s is None else {"until_h": until_s / 3600.0}
    return {"at_h": at_s / 3600.0, "controller": "it", "how": how, **until, **more}


def lost_s(got):
    """Seconds for which the 50 Gbps above the near exit were lost."""
    return got.figure("lost_gbit") / 50.0


def frozen_for(at_s=STOP_S, replication=0, **control):
    event = Event(at_h=at_s / 3600.0, controller="it", how="frozen")
    return stale_for_s(Loop(every_s=300.0, **control), event, Streams(1, replication))


@pytest.mark.parametrize(
    ("how", "control", "stale_s"),
    [
        ("killed", {}, 0.2),
        ("killed", {"reset_s": 3.0}, 3.0),
        ("graceful_restart", {}, 120.0),
        ("graceful_restart", {"stale_s": 20.0}, 20.0),
        ("feeder_dead", {}, STOP_S),
        ("feeder_dead", {"on_outage": "withdraw"}, STOP_S),
        ("killed", {"stale_limit_s": 900.0}, 0.2),
        (None, {"stale_limit_s": 900.0}, 900.0),
        (None, {}, STOP_S),
        (None, {"on_outage": "withdraw"}, 0.0),
    ],
)
def test_routes_stay_as_long_as_routers_keep_them(how, control, stale_s):
    assert lost_s(played(stop(how), **control)) == pytest.approx(STOP_S - stale_s, abs=1e-3)


def test_a_frozen_controller_is_missed_after_the_hold_time_less_the_last_keepalive():
    stale_s = frozen_for()
    got = played(stop("frozen"))
    assert lost_s(got) == pytest.approx(STOP_S - stale_s, abs=1e-3)
    withdrawn = got.table("control").query("trigger == 'withdrawal'")["time_s"]
    assert withdrawn.tolist() == pytest.approx([STOP_S + stale_s], abs=1e-5)


def test_the_age_of_the_keepalive_is_drawn_up_to_a_third_of_the_hold_time():
    drawn = [frozen_for(replication=i) for i in range(300)]
    assert 6.0 <= min(drawn) < 6.1 and 8.9 < max(drawn) <= 9.0
    assert sum(drawn) / 300 == pytest.approx(7.5, abs=0.15)
    assert frozen_for(hold_s=90.0) == pytest.approx(10.0 * frozen_for())
    assert frozen_for(at_s=60.0) != frozen_for(), "each event has its own"


@pytest.mark.parametrize("how", ["frozen", "graceful_restart", "killed"])
def test_one_that_is_back_in_time_leaves_no_trace(how):
    back = stop(how, until_s=STOP_S + 5.0)
    assert lost_s(played(back, hold_s=9.0, reset_s=6.0)) == 0.0


def test_it_decides_again_in_the_next_cycle():
    got = played(stop("killed", until_s=2000.0))
    assert lost_s(got) == pytest.approx(2100 + 7 - STOP_S - 0.2)


def test_an_outage_within_another_runs_its_own_time():
    dead = stop("feeder_dead", at_s=600.0)
    killed = stop("killed", at_s=1800.0, until_s=1900.0)
    thawed = stop("frozen", at_s=1800.0, until_s=1803.0)
    assert lost_s(played(dead, killed)) == pytest.approx(1800.0 - 0.2)
    assert lost_s(played(dead, thawed)) == 0.0


def test_events_say_how():
    words = [Event(**stop(how)).what for how in ("killed", "frozen", "graceful_restart")]
    assert words == ["controller of it killed", "controller of it frozen",
                     "controller of it restarts gracefully"]  # fmt: skip
    assert Event(at_h=0, telemetry="it").what == "telemetry of it out"
    assert Event(**stop()).what == "controller of it down"
    assert Event(**stop("feeder_dead")).what == "feeder of the controller of it dead"


# -- telemetry ---------------------------------------------------------------------------------


def test_without_telemetry_the_last_forecast_stands():
    surge = Surge(at_h=0.5, rise_h=0.0, plateau_h=1.0, factor=1.2)
    for blind, error in (([], 0.0), ([{"at_h": 0.25, "telemetry": "it"}], 30.0 / 180.0)):
        rows = played(*blind, shapes=[surge]).table("control").query("layer == 'controller'")
        assert rows["prediction_error"].iloc[-2] == pytest.approx(error), "150, and 180 come"


def test_without_telemetry_it_does_not_see_a_partial_cut():
    network = two_exits().with_link("near", cables={"A": 1.0})
    demands = asks(network, ("home", "abroad", 150.0))
    cut = {"at_h": 0.5, "cable": "A", "severity": 0.5}
    lost = []
    for blind in ([], [{"at_h": 0.25, "telemetry": "it"}],
                  [{"at_h": 0.25, "until_h": 0.75, "telemetry": "it"}]):  # fmt: skip
        lost.append(play(case_of(network, demands, sdn("min_max"), events=[cut, *blind])))
    seen, unseen, late = (each.figure("lost_gbit") for each in lost)
    decided = lost[1].table("control").query("layer == 'controller'")
    assert len(decided) == 12, "it goes on deciding"
    assert unseen == pytest.approx(25.0 * 1800.0), "75 Gbps go on to what holds 50"
    assert seen < late < unseen
