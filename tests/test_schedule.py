"""Route schedules: many instants with routes of their own agree with one instant at a time."""

from dataclasses import fields

import numpy as np
import pytest
from conftest import make_random_case

from simulator.model.link_state import LinkState, link_state
from simulator.model.schedule import scheduled_link_state
from simulator.queues.queue import queue as queues
from simulator.routing.scheme import scheme

QUEUE = queues.make("burst")


def timetable(seed, scale, *, kinds=("min_latency", "igp_ecmp", "weighted_split"), instants=14):
    """Routes that move a few demands at a time, some in layers, and stay for a while."""
    network, demands = make_random_case(seed)
    rng = np.random.default_rng(seed)
    rules = scheme.make("igp_ecmp").route(network, demands)
    listed, rates = [], []
    for instant in range(instants):
        gbps = demands.gbps * scale * np.exp(0.3 * rng.standard_normal(len(demands)))
        if instant % 3 == 0 or not listed:
            kind = kinds[int(rng.integers(len(kinds)))]
            made = scheme.make(kind).route(network, demands.with_gbps(gbps))
            if instant % 2:
                some = np.flatnonzero(rng.random(len(demands)) < 0.5)
                made = made.take(some).scattered(some, len(demands)).with_fallback(rules)
        listed.append(made)
        rates.append(gbps)
    return network, listed, np.array(rates).T


def one_by_one(network, routes, rates):
    return [link_state(each, network, rates[:, [t]], QUEUE) for t, each in enumerate(routes)]


def assert_alike(state, singles):
    for each in fields(LinkState)[:-1]:
        value = getattr(state, each.name)
        if value.ndim == 1:
            expected = getattr(singles[0], each.name)
        else:
            expected = np.hstack([getattr(single, each.name) for single in singles])
        np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12, err_msg=each.name)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("scale", [0.05, 1.0, 4.0])
def test_as_if_one_by_one(seed, scale):
    network, routes, rates = timetable(seed, scale)
    assert len({id(each) for each in routes}) > 3
    assert_alike(
        scheduled_link_state(routes, network, rates, QUEUE), one_by_one(network, routes, rates)
    )


def test_the_cases_are_of_all_kinds():
    full = []
    for seed in range(8):
        for scale in (0.05, 1.0, 4.0):
            network, routes, rates = timetable(seed, scale)
            state = scheduled_link_state(routes, network, rates, QUEUE)
            full.append((state.offered_gbps > state.capacity_gbps[:, None]).any(axis=0))
    share = [each.mean() for each in full]
    assert min(share) == 0.0 and max(share) == 1.0 and any(0 < each < 1 for each in share)


@pytest.mark.parametrize("seed", range(4))
def test_with_links_down_and_demands_cut_off(seed):
    network, routes, rates = timetable(seed, 0.2)
    dead = np.random.default_rng(seed).random(len(network.tail)) < 0.2
    hurt = network.under(up=network.up & ~dead)
    routes = [{id(r): r.without_arcs(dead) for r in routes}[id(each)] for each in routes]
    same = {}
    routes = [same.setdefault(each.served.tobytes(), each) for each in routes]
    assert any((each.served < 1).any() for each in routes)
    assert_alike(scheduled_link_state(routes, hurt, rates, QUEUE), one_by_one(hurt, routes, rates))


def test_the_way_back_is_a_variant_too():
    network, routes, rates = timetable(3, 0.3)
    routes = [*routes, *routes[::-1]]
    rates = np.hstack([rates, rates])
    assert_alike(
        scheduled_link_state(routes, network, rates, QUEUE), one_by_one(network, routes, rates)
    )
