"""Delays that change for a time: links that take a detour without going down."""

import numpy as np
import pytest
from helpers import asks, case_of, play, sdn, static, two_exits

from simulator.model.faults import Fault
from simulator.simulation.clock import Clock
from simulator.simulation.faults import Event
from simulator.simulation.network_state import NetworkState

NEAR, FAR = 11.0, 30.0
"""Delay of the two ways out of ``two_exits``, ms: 1 + 10 and 10 + 20, less where they differ."""


def laid():
    return two_exits().with_link("near", cables={"A": 0.5, "B": 0.5})


def ways_ms():
    """Delay of the way by each exit."""
    network = two_exits()
    delay = {link: network.delay_ms[2 * i] for i, link in enumerate(network.links)}
    return delay["to-near"] + delay["near"], delay["to-far"] + delay["far"], delay["near"]


def played(strategy, *events, gbps=50.0):
    network = laid()
    demands = asks(network, ("home", "abroad", gbps))
    return play(case_of(network, demands, strategy, events=events))


def slow(change, at_h=0.5, until_h=None, **target):
    until = {} if until_h is None else {"until_h": until_h}
    return {"at_h": at_h, "delay_ms": change, **until, **(target or {"link": "near"})}


@pytest.mark.parametrize(
    ("event", "more"),
    [
        (slow("+20"), lambda near: 20.0),
        (slow("x1.5"), lambda near: 0.5 * near),
        (slow(33.0), lambda near: 33.0 - near),
        (slow("+20", cable="A"), lambda near: 10.0),
        (slow("+20", cable="A", severity=0.5), lambda near: 5.0),
    ],
)
def test_static_traffic_is_slower_for_as_long_as_it_lasts(event, more):
    near, _, link = ways_ms()
    got = played(static(), event)
    assert got.figure("propagation_ms_mean") == pytest.approx(near + more(link) / 2.0)
    for_a_quarter = played(static(), {**event, "until_h": 0.75})
    assert for_a_quarter.figure("propagation_ms_mean") == pytest.approx(near + more(link) / 4.0)
    assert got.figure("lost_gbit") == 0.0


def test_no_igp_notices_and_a_controller_does():
    near, far, _ = ways_ms()
    rows = played(static("lowest_latency_exit"), slow("+200")).table("control")
    assert len(rows) == 1, "static routes are not made again"
    got = played(sdn("min_latency"), slow("+200", at_h=1850.0 / 3600.0))
    decided = got.table("control").query("layer == 'controller' and moves > 0")["time_s"]
    assert decided.iloc[-1] == pytest.approx(2100.0 + 7.0)
    slow_s, after_s = 2107.0 - 1850.0, 3600.0 - 2107.0
    mean = (1850.0 * near + slow_s * (near + 200.0) + after_s * far) / 3600.0
    assert got.figure("propagation_ms_mean") == pytest.approx(mean)


def test_static_routes_after_a_fault_are_those_of_the_plan():
    """A slow exit does not lead static routes elsewhere when another link fails and is repaired."""
    flap = {"at_h": 0.6, "until_h": 0.7, "link": "far"}
    got = played(static("lowest_latency_exit"), slow("+200"), flap)
    assert got.arc("far", "gw-far")["offered_gbps"].max() == 0.0


def test_changes_that_overlap_apply_one_after_the_other_and_end_one_by_one():
    network = laid()
    state, links = NetworkState(Clock(), network), network.link_index
    at = 2 * links["near"]
    first, second = object(), object()
    before = network.delay_ms[at]
    state.begin_delay(Fault("link", "near"), "+20", first)
    state.begin_delay(Fault("cable", "A"), "x2", second)
    assert state.network.delay_ms[at] == pytest.approx(1.5 * (before + 20.0))
    assert state.network.delay_ms[at] == state.network.delay_ms[at + 1]
    state.end_delay(first)
    assert state.network.delay_ms[at] == pytest.approx(1.5 * before)
    once = state.network
    state.begin_delay(Fault("link", "near"), "+20", first)
    state.end_delay(first)
    assert state.network is once, "the same state is the same network"
    state.end_delay(second)
    assert state.network is network


def test_faults_and_capacities_leave_delays_as_they_are():
    network = laid()
    state, key = NetworkState(Clock(), network), object()
    state.begin_delay(Fault("link", "near"), "+20", key)
    state.begin(Fault("link", "far"))
    state.begin_change(network.link_index["near"], "x2", object())
    delays = state.network.delay_ms - network.delay_ms
    assert delays.sum() == pytest.approx(40.0) and np.count_nonzero(delays) == 2
    assert not state.network.up[2 * network.link_index["far"]]


def test_events_say_what_is_slower():
    words = [Event(**slow(change, cable="A", severity=part)).what
             for change, part in (("+20", 1.0), ("x1.5", 0.4))]  # fmt: skip
    assert words == ["cable A delay +20 ms", "cable A (40%) delay x1.5"]
    assert Event(**slow("+20")).fault is None
