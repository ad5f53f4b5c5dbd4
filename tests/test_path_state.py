"""Path states: listed paths at many instants in one pass agree with the sweeps over hops."""

import itertools
from dataclasses import fields

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import path_routes

from simulator.model.link_state import LinkState, link_state
from simulator.model.path_flows import path_flows
from simulator.model.path_state import path_state
from simulator.queues.burst import Burst
from simulator.routing.scheme import scheme

QUEUE = Burst()
KINDS = ("igp_ecmp", "weighted_split", "nearest_exit", "min_latency")
SEEDS, LOADS = range(6), (0.2, 1.0, 1.6, 3.0)


def both(kind, seed, load):
    network, demands = make_random_case(seed)
    noise = np.exp(0.3 * np.random.default_rng(seed).standard_normal((len(demands), 5)))
    rates, routes = demands.gbps[:, None] * load * noise, scheme.make(kind).route(network, demands)
    found = path_state(*routes.path_table, network, rates, QUEUE)
    return network, rates, routes, found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("load", LOADS)
def test_as_the_sweeps_say(kind, seed, load):
    network, rates, routes, found = both(kind, seed, load)
    expected = link_state(routes, network, rates, QUEUE)
    state, flows = found
    for each in fields(LinkState)[:-1]:
        first, second = getattr(state, each.name), getattr(expected, each.name)
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9, err_msg=each.name)
    slow = list(path_flows([routes] * 5, network, expected, QUEUE))
    for name in ("gbps", "queueing_ms"):
        some = [(getattr(each, name) * each.gbps).sum() for each in (flows, *slow)]
        assert some[0] == pytest.approx(sum(some[1:]), rel=1e-9)
    for name in ("full_ms", "least_ms", "most_ms", "full"):
        some = [
            0.0 if e.rest is None else (getattr(e.rest, name) * e.gbps[e.rest.which]).sum()
            for e in (flows, *slow)
        ]
        assert some[0] == pytest.approx(sum(some[1:]), rel=1e-9, abs=1e-9)


def test_the_cases_are_of_all_kinds():
    twice, lossy = [], []
    for kind, seed, load in itertools.product(KINDS, SEEDS, LOADS):
        network, rates, routes, (state, _) = both(kind, seed, load)
        over = routes.loads(rates) > network.capacity_gbps[:, None]
        lossy.append(over.any())
        twice.append(any(over[list(path)].sum(axis=0).max() > 1 for *_, path in routes.paths()))
    assert any(twice), "two full links on a path"
    assert any(lossy) and not all(lossy)


def test_what_is_lost_loads_nothing_downstream_by_hand():
    # 80 are offered to ab with room for 40, so that bc gets 40 of it and all 20 of the other one.
    network = make_tiny(("ab", "a", "b", 40.0, 1.0, 3.0), ("bc", "b", "c", 110.0, 1.0, 5.0))
    routes = path_routes(network, (1.0, ["a", "b", "c"]), (1.0, ["b", "c"]))
    state, flows = path_state(*routes.path_table, network, np.array([[80.0], [20.0]]), QUEUE)
    assert state.offered_gbps[:, 0].tolist() == [80.0, 0.0, 60.0, 0.0]
    assert state.carried_gbps[:, 0].tolist() == [40.0, 0.0, 60.0, 0.0]
    assert state.delivered_gbps[:, 0].tolist() == [40.0, 20.0]
    assert flows.gbps[:, 0].tolist() == [40.0, 20.0]
    assert flows.rest.which.tolist() == [0], "only the first crosses the full link"
    # With 30 for bc both links are full, and of the 60 that get there half pass.
    crowded = network.under(capacity_gbps=np.minimum(network.capacity_gbps, [40, 40, 30, 30]))
    state, _ = path_state(*routes.path_table, crowded, np.array([[80.0], [20.0]]), QUEUE)
    assert state.offered_gbps[:, 0].tolist() == pytest.approx([80.0, 0.0, 60.0, 0.0])
    assert state.delivered_gbps[:, 0].tolist() == pytest.approx([20.0, 10.0])


def test_a_link_that_is_down_takes_all():
    network = make_tiny(("ab", "a", "b", 40.0, 1.0, 3.0), ("bc", "b", "c", 90.0, 1.0, 5.0))
    routes = path_routes(network, (1.0, ["a", "b", "c"]), (1.0, ["b", "c"]))
    up = network.up.copy()
    up[:2] = False
    state, _ = path_state(*routes.path_table, network.under(up=up), np.array([[8.0], [2.0]]), QUEUE)
    assert state.delivered_gbps[:, 0].tolist() == [0.0, 2.0]
    assert state.offered_gbps[:, 0].tolist() == [8.0, 0.0, 2.0, 0.0]
    assert np.isnan(state.latency_ms[0, 0]) and state.latency_ms[1, 0] > 5.0
