"""Black holes: what is lost between the withdrawal of a route and the world's following it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import asks, case_of, play, sdn, static, two_exits
from test_announcing import QUICK, STILL, mini_case

from simulator.control.announcing import Announcing
from simulator.control.arrival_routes import ArrivalRoutes
from simulator.control.settings import Announcements
from simulator.inbound.choices import Catchments
from simulator.inbound.planner import Plan
from simulator.queues.mm1 import MM1
from simulator.simulation.clock import US_PER_S

INSTALL_S = QUICK["install_s"]
BOTH = ("no_export", "withdrawal")


def announcing(withdraw_by, plan="know", **more):
    knobs = {"plan": plan, "withdraw_by": withdraw_by, "aim": 0.3, **QUICK, **more}
    return sdn("min_latency", announcements=knobs)


def small_case(hours=2.0, events=(), inbound=STILL, **more):
    """Steady traffic from abroad, most of what the near exit holds, and no trouble on the far."""
    network = two_exits(near=100.0, far=200.0)
    strategies = {name: announcing(name, **more) for name in BOTH}
    demands = asks(network, ("abroad", "home", 60.0), ("home", "abroad", 5.0))
    case = case_of(network, demands, {"igp": static(), **strategies}, hours=hours, events=events)
    return replace(case, inbound=Catchments(**{"stray": 0.0, "own": 0.0, **inbound}))


def mini(**more):
    strategies = {name: announcing(name, **more.pop("knobs", {})) for name in BOTH}
    inbound = more.pop("inbound", STILL)
    return mini_case({"igp": static(), **strategies}, inbound, fill=0.6, **more)


@pytest.fixture
def decisions(monkeypatch):
    """Every decision: when, where traffic landed by what was announced, and what is withdrawn."""
    found = []
    decide = Announcing._decide

    def watched(self, trigger):
        before = self._announced
        network = self._network_state.network
        made = decide(self, trigger)
        if trigger != "start":
            landed = self._world.landed(before, network)
            gone = before.exits & ~self._planned.exits
            found.append((self, self._clock.now / US_PER_S, landed, gone))
        return made

    monkeypatch.setattr(Announcing, "_decide", watched)
    return found


def lost_by_time(played, strategy):
    """Gbit lost of inbound traffic, by step."""
    rows = played.table("demands", strategy)
    rows = rows[rows["class"] == "international_in"]
    lost = (rows["offered_gbps"] - rows["carried_gbps"]).groupby(rows["time_s"]).sum()
    return lost[lost > 1e-9]


def test_by_default_nothing_is_withdrawn():
    assert Announcements().withdraw_by == "no_export"


def test_what_is_withdrawn_is_lost_until_the_world_has_followed():
    """Of steady traffic so much is lost as then leaves the exit, for the time of installation."""
    played = play(small_case())
    near = played.arc("near", "abroad", "no_export")["offered_gbps"]
    left = near.iloc[0] - near.iloc[-1]
    assert left > 10.0
    lost = {name: played.figure("lost_gbit", "international_in", name) for name in BOTH}
    assert lost["no_export"] == 0.0
    assert lost["withdrawal"] == pytest.approx(left * INSTALL_S, rel=1e-9)
    asked = 60.0 * 7200.0
    loss = played.figure("loss_fraction", "international_in", "withdrawal")
    assert loss == pytest.approx(left * INSTALL_S / asked, rel=1e-9)
    # It loads the links as far as the exit, and none behind it.
    first = lost_by_time(played, "withdrawal").index[0]
    row = {
        (name, link, end): played.arc(link, end, name)["offered_gbps"].loc[first]
        for name in BOTH
        for link, end in (("near", "abroad"), ("to-near", "gw-near"))
    }
    gone = lost_by_time(played, "withdrawal").iloc[0]
    assert row["withdrawal", "near", "abroad"] == pytest.approx(row["no_export", "near", "abroad"])
    behind = row["no_export", "to-near", "gw-near"] - row["withdrawal", "to-near", "gw-near"]
    assert behind == pytest.approx(gone)
    # Landings are those of the default as soon as the world has followed, and moves count once.
    for name in ("links", "exits"):
        one, other = (played.table(name, each) for each in BOTH)
        late = one["time_s"] > first + INSTALL_S
        assert one[late].equals(other[late])
    one, other = (played.table("control", each) for each in BOTH)
    assert one["moved_gbps"].to_numpy() == pytest.approx(other["moved_gbps"].to_numpy())
    assert one["moves"].tolist() == other["moves"].tolist()


def test_what_is_lost_is_the_traffic_of_the_flows_that_landed_there(decisions):
    """Many regions and provinces; each step is as long as three decisions apart."""
    played = play(mini(knobs={"plan": "learn"}, hours=3.0))
    assert played.figure("lost_gbit", "international_in", "no_export") == 0.0
    assert played.figure("lost_gbit", "international_in", "igp") == 0.0
    rows = played.table("demands", "withdrawal")
    rows = rows[rows["class"] == "international_in"]
    expected = 0.0
    for it, time_s, landed, gone in decisions:
        if it._knobs is None or it._knobs.withdraw_by != "withdrawal" or not gone.any():
            continue
        step = rows[rows["time_s"] == time_s - time_s % 300.0]
        volume = it._world.volumes(step["offered_gbps"].to_numpy(), it._planned.province)
        for s, g in np.argwhere(landed >= 0):
            expected += volume[s, g] * INSTALL_S * gone[g, landed[s, g]]
    assert expected > 100.0
    found = played.figure("lost_gbit", "international_in", "withdrawal")
    assert found == pytest.approx(expected, rel=1e-9)
    # All else is as it was.
    for scope in ("international_out", "domestic"):
        assert played.figure("lost_gbit", scope, "withdrawal") == 0.0


@pytest.fixture
def scripted(monkeypatch):
    """Let plans be: at the first cycle half of the groups withdrawn at the near exit, then none."""
    near = 0  # of the exits

    def plan(lands, announced, prepends, *_, **__):
        exits = announced.copy()
        exits[:2, near] ^= True
        return Plan(exits, prepends, 2, 2, 0.0, False)

    monkeypatch.setattr("simulator.control.announcing.plan", plan)


def test_to_announce_again_is_no_black_hole(scripted):
    played = play(small_case(hours=0.75))
    assert lost_by_time(played, "withdrawal").index.tolist() == [900.0]
    assert played.figure("lost_gbit", "international_in", "no_export") == 0.0
    lost = played.figure("lost_gbit", "international_in", "withdrawal")
    assert lost == pytest.approx(30.0 * INSTALL_S)


@pytest.mark.parametrize(
    ("link", "seconds"), [("near", {900.0: 60.0}), ("far", {900.0: 60.0, 1800.0: 60.0})]
)
def test_a_fault_meanwhile_leaves_no_black_hole_for_ever(scripted, link, seconds):
    """A window ends as it would have; that of a withdrawal made while *far* is down is its own."""
    events = [{"at_h": 910.0 / 3600.0, "until_h": 0.6, "link": link}]
    played = play(small_case(hours=0.75, events=events))
    lost = {name: played.figure("lost_gbit", "international_in", name) for name in BOTH}
    converges = 3.0 if link == "near" else 0.0  # until static routes lead around it
    assert lost["no_export"] == pytest.approx(60.0 * converges)
    held = 30.0 * sum(seconds.values())
    assert lost["withdrawal"] == pytest.approx(held + 30.0 * converges)
    assert lost_by_time(played, "withdrawal").index.tolist() == list(seconds)


@pytest.mark.parametrize(("on_outage", "seconds"), [("withdraw", 10.0), ("fail_static", 60.0)])
def test_a_controller_that_stops_meanwhile_leaves_none_either(scripted, on_outage, seconds):
    """What it has sent takes its course, or all is announced again at once."""
    events = [{"at_h": 910.0 / 3600.0, "until_h": 0.75, "controller": "withdrawal"}]
    case = small_case(hours=0.75, events=events)
    stops = replace(case.strategies["withdrawal"].control, on_outage=on_outage)
    it = replace(case.strategies["withdrawal"], control=stops)
    played = play(replace(case, strategies={**case.strategies, "withdrawal": it}))
    lost = played.figure("lost_gbit", "international_in", "withdrawal")
    assert lost == pytest.approx(30.0 * seconds)


def test_prepends_are_no_black_hole(monkeypatch):
    def plan(lands, announced, prepends, *_, **__):
        return Plan(announced, 3 - prepends, 2, 2, 0.0, False)

    monkeypatch.setattr("simulator.control.announcing.plan", plan)
    played = play(small_case(hours=0.75))
    assert played.figure("lost_gbit", "international_in", "withdrawal") == 0.0


def test_where_preferences_drift_meanwhile_what_lands_is_lost(scripted):
    played = play(
        small_case(hours=0.75, inbound={"drift_per_day": 2000.0, "anchored": False, "tau_ms": 1e4})
    )
    lost = lost_by_time(played, "withdrawal")
    assert lost.index.tolist() == [900.0] and 0.0 < lost.iloc[0] < 30.0


def test_elastic_traffic_that_does_not_get_through_is_deferred():
    case = small_case()
    played = play(replace(case, series=replace(case.series, elastic_share=1.0)))
    assert played.figure("lost_gbit", "international_in", "withdrawal") == 0.0
    assert played.figure("deferred_gbit", "international_in", "withdrawal") > 0.0


def test_what_is_lost_and_links_that_overflow_go_together():
    case = mini_case({each: announcing(each, "learn") for each in BOTH}, STILL, hours=2.0, fill=1.6)
    played = play(replace(case, queue=MM1()))
    lost = {each: played.figure("lost_gbit", "international_in", each) for each in BOTH}
    assert 0.0 < lost["no_export"] < lost["withdrawal"]
    for each in BOTH:
        rows = played.table("demands", each)
        assert (rows["carried_gbps"] <= rows["offered_gbps"] * (1 + 1e-9)).all()
        links = played.table("links", each)
        assert (links["carried_gbps"] <= links["capacity_gbps"] * (1 + 1e-9)).all()
    one, other = (played.figure("latency_ms_p50", strategy=each) for each in BOTH)
    assert one == pytest.approx(other, rel=0.01)


def test_a_demand_that_is_lost_whole_loads_its_way_to_the_exit_alone():
    """Also beside one that is lost in part, and one that lands by the static routes."""
    network = two_exits()
    demands = asks(network, *[("abroad", "home", gbps) for gbps in (8.0, 4.0, 2.0)])
    arrivals = ArrivalRoutes(demands, network.exit_arcs["in"])
    lost = np.array([[0.5, 0.5], [0.25, 0.0], [0.0, 0.0]])
    share = np.array([[0.0, 0.0], [0.5, 0.25], [1.0, 0.0]])
    routes = arrivals.over(network, share, lost)
    assert routes.served.tolist() == [0.0, 0.75, 1.0]
    assert routes.throttled.tolist() == [1.0, 0.25, 0.0]
    load = dict(zip(network.links, routes.loads(demands.gbps)[1::2], strict=True))
    assert load == {"near": 9.0, "far": 5.0, "to-near": 4.0, "to-far": 1.0}
    assert not routes.matrix.toarray()[[1, 3], 0].any(), "inward arcs are the odd ones"
    below = routes.with_fallback(arrivals.over(network, np.eye(3, 2) * 0.0 + [1.0, 0.0]))
    assert below.served.tolist() == [0.0, 0.75, 1.0], "no lower layer carries what is lost"
    # Behind a link that is down as well.
    dead = np.zeros(len(network.tail), dtype=bool)
    dead[network.exit_arcs["in"][0]] = True
    left = routes.without_arcs(dead)
    assert left.served.tolist() == [0.0, 0.25, 0.0]
    assert left.with_fallback(routes.scaled(0.0)).throttled.tolist() == [1.0, 0.25, 0.0]
    assert left.loads(demands.gbps)[network.exit_arcs["in"]].tolist() == [0.0, 5.0]
    assert sorted(set(routes.listed.demand.tolist())) == [1, 2]
