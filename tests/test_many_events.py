"""Many events cost what they change: counts of what is made and kept, and the same figures."""

import gc
import random
import weakref

import numpy as np
import pytest
from conftest import MINI
from law_networks import mini

import simulator as sim
from simulator.model import network as network_module
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.paths import candidates
from simulator.recording import headroom as headroom_module
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.min_latency import MinLatency
from simulator.routing.scheme import Scheme, scheme
from simulator.simulation.clock import Clock, Priority
from simulator.simulation.network_state import NetworkState
from simulator.simulation.route_store import MOST_KEPT, RouteStore

STRATEGIES = {
    "static": {"scheme": "igp_ecmp"},
    "sdn": {
        "scheme": {"kind": "min_latency", "utilisation_cap": 0.8, "classes": ["exit"]},
        "control": {"every_s": 900},
        "fallback": "igp_ecmp",
    },
}


def busy(count, hours=6.0, seed=5):
    """A few hours of the small network with so many faults of a minute or two, at random times."""
    draw = random.Random(seed)
    links = sorted(mini()[0].links)
    events = []
    for _ in range(count):
        at_h = draw.uniform(0.05, hours - 0.5)
        until_h = at_h + draw.uniform(0.01, 0.04)
        events.append({"at_h": at_h, "until_h": until_h, "link": draw.choice(links)})
    changes = {
        "horizon_h": hours, "replications": 1, "strategies": STRATEGIES, "events": events,
        "uncertainty": {}, "inbound": None, "record": {"demands": "none", "every": 100},
    }  # fmt: skip
    return sim.load(MINI).with_changes(changes)


def played(scenario):
    """Figures of one replication."""
    return scenario.settings.engine.play(scenario.case, 0, lambda *_: None, lambda _: None)


@pytest.fixture
def counted(monkeypatch):
    """Calls of what is expensive, by name."""
    calls = {"trees": 0, "solves": 0}

    def count(owner, method, name):
        original = getattr(owner, method)

        def counting(*given, **more):
            calls[name] += 1
            return original(*given, **more)

        monkeypatch.setattr(owner, method, counting)

    count(IgpEcmp, "route", "trees")
    count(MinLatency, "quick_route", "solves")
    return calls


@pytest.mark.parametrize("count", [30, 60, 120])
def test_what_is_made_grows_with_events_and_no_faster(counted, count):
    """Of both strategies and their headroom: a tree and a solve for every begin and end.

    Solves besides: one a cycle, and those by which headroom finds its limit.
    """
    played(busy(count))
    changes, cycles = 2 * count, 24
    assert count < counted["trees"] <= 1.2 * changes + MOST_KEPT
    assert count < counted["solves"] <= 1.2 * changes + cycles + 140


def test_states_kept_are_bounded(monkeypatch):
    monkeypatch.setattr(network_module, "STATES_KEPT", 8)
    monkeypatch.setattr(candidates, "_REMEMBERED", 4)
    monkeypatch.setattr(headroom_module, "_BUFFER", 2_000)
    alive, hits, most = weakref.WeakSet(), [], 0
    hit = Network._hit

    def hitting(self, further):
        nonlocal most
        made = hit(self, further)
        alive.add(made)
        hits.append(made.faults)
        if len(hits) % 20 == 0:
            gc.collect()
            most = max(most, len(alive))
        return made

    monkeypatch.setattr(Network, "_hit", hitting)
    scenario = busy(120)
    played(scenario)
    assert len(scenario.case.network.memo) <= 4 + 2
    # Those of the network, of headroom, of the route store, and what is in force.
    assert len(set(hits)) > 50 and 8 < most < 64


def test_figures_do_not_depend_on_what_is_kept(monkeypatch):
    scenario = busy(40)
    usual = played(scenario)
    monkeypatch.setattr(network_module, "STATES_KEPT", 1)
    monkeypatch.setattr(candidates, "_REMEMBERED", 1)
    monkeypatch.setattr("simulator.simulation.route_store.MOST_KEPT", 1)
    assert repr(played(busy(40))) == repr(usual)


def test_a_state_asked_for_again_after_many_others_is_equal(monkeypatch):
    monkeypatch.setattr(network_module, "STATES_KEPT", 2)
    network = mini()[0]
    faults = [Fault("link", link) for link in network.links[:4]]
    first = network.after(faults[:1])
    assert network.after(faults[:1]) is first
    for fault in faults[1:]:
        network.after([fault])
    again = network.after(faults[:1])
    assert again is not first and again.faults == first.faults
    assert np.array_equal(again.up, first.up)
    assert np.array_equal(again.capacity_gbps, first.capacity_gbps)


# -- routes of the topology alone ---------------------------------------------------------------


@pytest.mark.parametrize("kind", [k for k in scheme.names() if scheme[k].topology_only])
def test_routes_of_the_topology_alone_look_at_no_rate_and_no_routes(kind):
    network, demands = mini()
    network = network.failed(links=[network.links[3]])
    made = scheme.make(kind)
    one = made.route(network, demands)
    rates = np.random.default_rng(3).random(len(demands)) * demands.gbps
    other = made.route(network, demands.with_gbps(rates), IgpEcmp().route(network, demands))
    assert (one.matrix != other.matrix).nnz == 0
    assert not made.demand_aware


def test_the_store_gives_one_object_for_one_topology_and_keeps_few():
    network, demands = mini()
    store, igp = RouteStore(), IgpEcmp()
    first = store.route(igp, network, demands)
    assert store.route(IgpEcmp(), network, demands) is first
    assert store.route(igp, network, demands.with_gbps(demands.gbps * 2)) is not first
    for link in network.links[: MOST_KEPT + 1]:
        store.route(igp, network.failed(links=[link]), demands)
    assert store.route(igp, network, demands) is not first
    nearest = scheme.make("nearest_exit")
    lowest = scheme.make("nearest_exit", ties="lowest_id")
    assert store.route(nearest, network, demands) is not store.route(lowest, network, demands)


def test_the_store_asks_a_scheme_that_looks_at_more_every_time():
    class Counting(Scheme):
        asked = 0

        def route(self, network, demands, current=None):
            Counting.asked += 1
            return IgpEcmp().route(network, demands)

    network, demands = mini()
    store, counting = RouteStore(), Counting()
    for _ in range(3):
        store.route(counting, network, demands)
    assert Counting.asked == 3


# -- headroom -----------------------------------------------------------------------------------


def test_headroom_is_zero_where_no_exit_is_left_for_a_while():
    """It ended in a validation error of the scheme's settings."""
    scenario = busy(0)
    network = scenario.network
    out = [{"at_h": 2.0, "until_h": 2.2, "link": network.links[i]} for i in network.exits]
    figures = played(scenario.with_changes({"events": out}))
    (headroom,) = [v for metric, _, _, v in figures["sdn"] if metric == "headroom"]
    assert headroom == 0.0


# -- what was ---------------------------------------------------------------------------------


def test_the_past_is_kept_as_far_back_as_it_is_looked_at():
    network = mini()[0]
    clock = Clock()
    state = NetworkState(clock, network, memory_s=10.0)
    fault = Fault("link", network.links[0])
    for second in range(1, 101):
        clock.env.run(until=clock.at(second * 1_000_000, Priority.END))
        (state.begin if second % 2 else state.end)(fault)
    assert len(state._past) <= 12
    assert state.seen(0) is network
    assert state.seen(1_000_000).faults == {fault} == state.seen(9_000_000).faults
    with pytest.raises(ValueError, match="looks 11 s back, where 10 s are kept"):
        state.seen(11_000_000)
    state.notices(30.0)
    state.seen(11_000_000)
