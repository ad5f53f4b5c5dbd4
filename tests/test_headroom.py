"""Headroom: the least of all instants, of what a strategy can really do, and what ends it."""

import numpy as np
import pytest
from conftest import MINI, make_tiny
from helpers import asks, case_of, play, sdn, static, two_exits
from test_control import Listed

import simulator as sim
from simulator.control.settings import Announcements, Coverage, Hysteresis, Pieces
from simulator.control.strategy import Strategy
from simulator.model.streams import Streams
from simulator.recording.headroom import Headroom, headroom

ONE_WAY = {
    "to-near": ("home", "gw-near"), "to-far": ("home", "gw-far"),
    "near": ("gw-near", "one"), "far": ("gw-far", "other"),
}  # fmt: skip


def each_its_own():
    """Two regions, each behind an exit of its own: 10 and 100 Gbps."""
    capacity = {"near": 10.0, "far": 100.0}
    kinds = {"one": "pop", "other": "pop", "gw-near": "gateway", "gw-far": "gateway"}
    links = [(link, *ends, capacity.get(link, 1000.0)) for link, ends in ONE_WAY.items()]
    return make_tiny(*links, **kinds)


STRATEGIES = {
    "static": static(),
    "optimal": sdn({"kind": "min_latency", "classes": ["exit"]}),
    "least": sdn("min_max"),
    "heuristic": sdn("detour"),
    "planned": static("min_max"),
    "perfect": Strategy(scheme="clairvoyant"),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_instant_of_most_traffic_is_not_always_the_worst(name):
    # 8 of 10 Gbps in the first hour; in the second the other exit is at 60 of 100, and all
    # exits together are pressed harder.
    network = each_its_own()
    demands = asks(network, ("home", "one", 1.0), ("home", "other", 1.0))
    shape = Listed([8.0, 1.0], [10.0, 60.0])
    got = play(case_of(network, demands, STRATEGIES[name], hours=2 * 60 / 3600, shapes=[shape]))
    assert got.figure("headroom") == pytest.approx(1.0, rel=2e-3)
    (row,) = got.table("headroom").to_dict("records")
    assert (row["binds"], row["at_h"]) == ("exit:near:out", 0.0)


def test_the_worst_state_of_the_network_counts():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    events = [{"at_h": 0.5, "until_h": 0.75, "link": "far"}]
    got = play(case_of(network, demands, sdn(), events=events))
    assert got.figure("headroom") == pytest.approx(80 / 50, rel=2e-3)
    assert got.table("headroom")["at_h"].tolist() == [0.5]


def announced(**more):
    return sdn("min_max", announcements=Announcements(**{"stray": 0.0, "group_share": 0.1, **more}),
               steers=["international_in"])  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (static(), 0.8),
        (announced(stray=1.0), 0.8),  # all of it strays back to where it came by itself
        (announced(), 1.6),
        (announced(group_share=1.0), 0.8),  # one group, which fits on no exit but as a whole
        (sdn(max_moves=0), 0.8),
        (sdn(max_moves=1), 1.6),
        (sdn(max_moved_gbps=0.0), 0.8),
        (sdn(max_moved_gbps=5.0), 1.6),  # a little in every cycle, and there are cycles enough
        (sdn(hysteresis=Hysteresis(high=0.7, low=0.5)), 1.6),
        (sdn(hysteresis=Hysteresis(high=0.95, low=0.5)), 1.6),
        (sdn(coverage=Coverage(share=0.25, of="traffic")), 80 / 75),
        (sdn(pieces=Pieces(count=1)), 0.8),
        (sdn(pieces=Pieces(count=2, skew=0.0)), 1.6),
        (sdn(steers=["international_out"]), 0.8),
    ],
)
def test_headroom_is_what_the_strategy_can_do(strategy, expected):
    # 100 Gbps come in by the near exit of 100; two exits could carry 200.
    network = two_exits()
    demands = asks(network, ("abroad", "home", 100.0))
    assert headroom(strategy, network, demands, 0.8) == pytest.approx(expected, rel=2e-3)


def test_announcements_stray_as_they_do_in_the_run():
    network = two_exits()
    demands = asks(network, *[("abroad", "home", 100.0 / 8)] * 8)
    strategy = announced(stray=0.5)
    found = {}
    for replication in range(5):
        case = case_of(network, demands, strategy, seed=3, hours=0.2, step_s=360.0)
        got = play(case, replication)
        expected = headroom(strategy, network, demands, 0.8, Streams(3, replication))
        assert got.figure("headroom") == expected
        found[replication] = round(expected, 6)
    assert len(set(found.values())) > 1


def test_a_full_link_that_is_no_exit_is_named():
    network = make_tiny(
        ("inner", "home", "gw", 30.0), ("out", "gw", "abroad", 100.0), gw="gateway", abroad="pop"
    )
    demands = asks(network, ("home", "abroad", 10.0))
    for strategy in (static(), sdn()):
        (row,) = play(case_of(network, demands, strategy)).table("headroom").to_dict("records")
        assert row["factor"] == pytest.approx(8.0, rel=2e-3)
        assert row["binds"] == "exit:out:out"
        assert row["link"] == "inner from home"
        assert row["link_factor"] == pytest.approx(3.0, rel=2e-3)
    wide = network.with_capacity("inner", 100.0)
    (row,) = play(case_of(wide, demands, static())).table("headroom").to_dict("records")
    assert (row["link"], np.isnan(row["link_factor"])) == ("", True)


def least_of_all_instants(step_s, replications):
    """Headroom of the small network by one question for every instant, beside that of a run."""
    scenario = sim.load(MINI).with_changes({"step_s": step_s, "replications": replications})
    case = scenario.case
    for replication in range(replications):
        streams = Streams(case.seed, replication)
        rates = case.series.play(streams)(0, case.steps)
        for strategy in case.strategies.values():
            whole = Headroom(strategy, case.demands, case.exit_target, streams)
            whole.see(case.network, rates)
            alone = [
                headroom(strategy, case.network, case.demands.with_gbps(r), case.exit_target)
                for r in rates.T
            ]
            assert whole.factor() == pytest.approx(min(alone), rel=2e-3)


def test_headroom_of_a_day_is_the_least_of_all_instants():
    least_of_all_instants(7200.0, 1)


@pytest.mark.slow
def test_headroom_of_three_days_is_the_least_of_all_instants():
    least_of_all_instants(300.0, 3)
