"""Announcing: what strategies announce, and where inbound traffic lands by it."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import MINI, built_in
from helpers import case_of, play, sdn, static

import simulator as sim
from simulator.base.errors import InputError
from simulator.inbound.choices import Catchments
from simulator.model.streams import Streams
from simulator.simulation.inbound_world import InboundWorld
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise

STILL = {"drift_per_day": 0.0}
QUICK = {"every_s": 900.0, "install_s": 60.0, "hold": 2}
INWARD = "direction == 'in'"


def mini_case(strategies, inbound, hours=4.0, fill=1.0, **more):
    network, demands = built_in("china169-mini")
    demands = demands.with_gbps(demands.gbps * fill)
    shapes = [Diurnal(peak_hour=2.0), Noise()]
    case = case_of(network, demands, strategies, hours=hours, step_s=300.0, shapes=shapes, **more)
    return replace(case, inbound=None if inbound is None else Catchments(**inbound))


def learning(plan="learn", **more):
    return sdn("min_latency", announcements={"plan": plan, **QUICK, **more})


def loads(played, strategy, directions=("in",)):
    exits = played.table("exits", strategy)
    return exits[exits["direction"].isin(directions)]["offered_gbps"].to_numpy()


def test_announced_everywhere_static_routes_are_as_they_were_to_the_last_bit():
    """The natural exits are everyone's first choice: only second choices are not known."""
    without = play(mini_case({"igp": static()}, None))
    within = play(mini_case({"igp": static()}, STILL))
    for table in ("links", "exits", "demands"):
        one, two = (each.table(table, "igp") for each in (without, within))
        assert one.equals(two), table


def test_nobody_hears_and_all_lands_where_it_did():
    """However much is withdrawn: the aggregate is announced everywhere."""
    strategies = {
        "igp": static(),
        "learn": learning(),
        "once": static(announcements={"plan": "once"}),
    }
    played = play(mini_case(strategies, {**STILL, "stray": 1.0}, fill=1.6))
    assert (loads(played, "once") == loads(played, "igp")).all()
    assert loads(played, "learn") == pytest.approx(loads(played, "igp"), rel=1e-12)


def test_what_is_no_trouble_is_left_alone():
    strategies = {"igp": static(), "learn": learning()}
    played = play(mini_case(strategies, STILL, fill=0.2))
    assert loads(played, "learn") == pytest.approx(loads(played, "igp"), rel=1e-12)
    log = played.table("control", "learn").query("layer == 'announcements'")
    assert (log["status"].iloc[1:] == "unchanged").all() and (log["moves"] == 0).all()


def test_learning_relieves_the_fullest_exit():
    strategies = {"igp": static(), "learn": learning(), "know": learning("know")}
    peaks = []
    for replication in range(6):
        played = play(
            mini_case(strategies, {**STILL, "stray": 0.0}, hours=6, fill=1.3), replication
        )
        late = {}
        for name in strategies:
            rows = played.table("exits", name).query(INWARD).query("time_s >= 7200")
            late[name] = rows["utilisation_peak"].max()
        peaks.append(late)
    for late in peaks:
        assert late["learn"] <= late["igp"] + 1e-9
    mean = {name: np.mean([late[name] for late in peaks]) for name in strategies}
    assert mean["learn"] < 0.9 * mean["igp"]
    assert mean["know"] <= mean["learn"] + 0.05


def test_a_controller_at_will_is_a_bound_that_no_neighbour_hinders():
    at_will = {"ideal": sdn("min_latency")}
    without, within = (play(mini_case(at_will, inbound)) for inbound in (None, {"stray": 0.5}))
    assert (loads(without, "ideal", ("in", "out")) == loads(within, "ideal", ("in", "out"))).all()


def test_outbound_traffic_is_steered_all_the_same():
    strategies = {"ideal": sdn("min_latency"), "learn": learning()}
    played = play(mini_case(strategies, STILL))
    assert loads(played, "learn", ("out",)) == pytest.approx(loads(played, "ideal", ("out",)))


def test_all_strategies_meet_the_same_world():
    """Two that announce the same see the same landings, and drift at the same times."""
    strategies = {"one": static(), "two": static("nearest_exit")}
    played = play(mini_case(strategies, {"drift_per_day": 40.0, "anchored": False}, hours=6))
    one, two = (loads(played, name) for name in strategies)
    assert one == pytest.approx(two)
    share = one.reshape(-1, len(built_in("china169-mini")[0].exits))
    share = share / share.sum(axis=1, keepdims=True)
    assert np.abs(np.diff(share, axis=0)).max() > 0.02, "preferences drift"


def test_headroom_promises_what_is_announced_now():
    """Nothing is announced anew: the fullest inward exit ends it where it is the first to."""
    played = play(mini_case({"igp": static(), "learn": learning()}, STILL, fill=1.2))
    for name in ("igp", "learn"):
        fullest = played.table("exits", name).query(INWARD)["utilisation_peak"].max()
        assert played.figure("headroom", strategy=name) <= 0.8 / fullest * (1 + 1e-9)
    assert played.figure("headroom", strategy="igp") == pytest.approx(
        min(
            0.8 / played.table("exits", "igp")["utilisation_peak"].max(),
            played.figure("headroom", strategy="igp"),
        )
    )


def test_days_before_the_start_teach():
    strategies = {
        "blank": learning(),
        "taught": learning(learned_days=1),
    }
    played = play(mini_case(strategies, {**STILL, "stray": 0.0}, fill=1.3))
    begins = {
        name: played.table("exits", name).query(INWARD).query("time_s < 900")["utilisation_peak"]
        for name in strategies
    }
    assert begins["taught"].max() < begins["blank"].max()


def test_prepends_have_their_effect():
    """Plans that may prepend let traffic land otherwise, and relieve the fullest exit too."""
    inbound = {**STILL, "stray": 0.0, "own": 0.0, "insensitive": 0.5}
    strategies = {
        "igp": static(),
        "hard": learning("know"),
        "soft": learning("know", prepends=3),
    }
    played = play(mini_case(strategies, inbound, hours=3.0, fill=1.3))
    assert (loads(played, "soft") != loads(played, "hard")).any()
    late = {}
    for name in strategies:
        rows = played.table("exits", name).query(INWARD).query("time_s >= 7200")
        late[name] = rows["utilisation_peak"].max()
    assert max(late["soft"], late["hard"]) < late["igp"]


def test_an_outage_leaves_what_is_announced_or_takes_it_back():
    events = [{"at_h": 3.0, "until_h": 4.0, "controller": "learn"}]
    found = {}
    for on_outage in ("fail_static", "withdraw"):
        strategies = {
            "igp": static(),
            "learn": sdn(
                "min_latency", on_outage=on_outage, announcements={"plan": "learn", **QUICK}
            ),
        }
        played = play(mini_case(strategies, STILL, fill=1.4, events=events))
        rows = {
            name: played.table("exits", name).query(INWARD).query("time_s >= 11400")
            for name in strategies
        }
        found[on_outage] = rows["learn"]["offered_gbps"].to_numpy() == pytest.approx(
            rows["igp"]["offered_gbps"].to_numpy(), rel=1e-9
        )
    assert found["withdraw"] and not found["fail_static"]


def test_an_exit_that_fails_hands_its_traffic_to_others():
    network, _ = built_in("china169-mini")
    link = network.links[network.exits[0]]
    events = [{"at_h": 1.0, "until_h": 3.0, "link": link}]
    played = play(mini_case({"igp": static(), "learn": learning()}, STILL, events=events))
    total = []
    for name in ("igp", "learn"):
        rows = played.table("exits", name).query(INWARD).query("4500 <= time_s <= 10500")
        assert rows[rows["exit"] == link]["carried_gbps"].max() == 0.0
        total.append(rows.groupby("time_s")["offered_gbps"].sum())
    asked = sum_of_inbound(played)
    for each in total:
        assert each.to_numpy() == pytest.approx(asked, rel=1e-9), "all of it lands somewhere"


def sum_of_inbound(played):
    rows = played.table("demands", "igp").query("4500 <= time_s <= 10500")
    return rows[rows["class"] == "international_in"].groupby("time_s")["offered_gbps"].sum()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strategies.sdn.control.announcements.plan": "learn"}, "learn needs inbound"),
        ({"strategies.static.control.announcements.plan": "once"}, "once needs inbound"),
        (
            {"inbound": {}, "strategies.sdn.control.announcements": {}},
            "scheme calls it to one exit; take once, learn or know",
        ),
        (
            {"inbound": {}, "strategies.static.control.announcements.plan": "learn"},
            "only plan: once is possible without a cycle",
        ),
        (
            {"strategies.sdn.control.announcements.withdraw_by": "withdrawal"},
            "withdraw_by: withdrawal needs plan once, learn or know",
        ),
        (
            {"strategies.sdn.control.announcements.prepends": 2},
            "prepends need plan once, learn or know",
        ),
        (
            {
                "inbound": {},
                "strategies.sdn.control.announcements": {"plan": "know", "prepends": 4},
            },
            "prepends",
        ),
        ({"inbound.tau": 3}, "tau_ms"),
        ({"inbound": {}, "strategies.sdn.control.announcements.plan": "lern"}, "learn"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        sim.load(MINI).with_changes(changes)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cable_cut_at_the_peak_is_recovered_from():
    """TPE is lost at 20:00; after three cycles 18 of 20 worlds are as with perfect knowledge."""
    announced = {"learned_days": 2}
    settings = {
        "inbound": {},
        "replications": 20,
        "horizon_h": 24,
        "seed": 815,
        "record": {"demands": "none"},
        "events": [{"at_h": 20, "cable": "TPE"}],
        "strategies": {
            "static": {"scheme": {"kind": "igp_ecmp"}},
            **{
                plan: {
                    "scheme": {"kind": "min_latency", "utilisation_cap": 0.8, "classes": ["exit"]},
                    "control": {"every_s": 300, "announcements": {"plan": plan, **announced}},
                }
                for plan in ("learn", "know")
            },
        },
    }
    scenario = sim.load("china169-2017").with_changes({**settings, "uncertainty": {}})
    exits = sim.run(scenario).exits.query(INWARD)
    late = exits[exits["time_s"] >= 21.6 * 3600]
    peak = late.groupby(["strategy", "replication"])["utilisation_peak"].max().unstack(0)
    assert (peak["learn"] <= peak["know"] + 0.1).sum() >= 18
    assert (peak["learn"] < 0.5 * peak["static"]).all()


# -- whose choice it is ---------------------------------------------------------------------------


def test_neighbours_hand_over_at_the_points_where_their_region_meets_us():
    """In china169-2017 there are 13 of them; New York has no exit, so any may be taken from it."""
    network, demands = built_in("china169-2017")
    ways = {}
    for handover in ("exits", "points"):
        settings = Catchments(handover=handover)
        world = InboundWorld(network, demands, settings, Streams(1, 0))
        ways[handover] = np.isfinite(world.choices.metric_ms)
        assert (world.choices.natural == InboundWorld(
            network, demands, Catchments(), Streams(1, 0)
        ).choices.natural).all()  # fmt: skip
    abroad = [i for i, there in enumerate(network.is_abroad) if there]
    regions = np.unique(demands.source[demands.of_class("international_in")])
    points = {r: set(network.head[network.tail == r]) for r in regions}
    assert sum(map(len, points.values())) == 13 and set(regions) <= set(abroad)
    exits = network.exit_arcs["in"]
    for i, region in enumerate(regions):
        mine = np.isin(network.tail[exits], list(points[region]))
        anywhere = not mine.any()
        assert anywhere == (network.nodes[region] == "region-na-east")
        found = ways["points"][i]
        assert (found == ways["exits"][i]).all() if anywhere else found[:, mine].all()
        # Elsewhere only a natural exit, of which every province has one.
        assert anywhere or (found[:, ~mine].sum(axis=1) <= 1).all()
    assert ways["exits"].all()
