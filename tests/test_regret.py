"""Regret: what routes cost above the clairvoyant bound, with and without faults."""

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import asks, case_of, path_routes, play

from simulator.control.strategy import Strategy
from simulator.routing.clairvoyant import Clairvoyant
from simulator.routing.scheme import scheme

pytestmark = pytest.mark.usefixtures("no_headroom")


def with_bound(**strategies):
    made = {"best": {"scheme": "clairvoyant"}, **strategies}
    return {name: Strategy(**each) for name, each in made.items()}


def ring():
    """A short way from A to B, and a long and narrow one; beyond the cap both cost."""
    around = [("ac", "A", "C"), ("cd", "C", "D"), ("de", "D", "E"), ("eb", "E", "B")]
    return make_tiny(
        ("ab", "A", "B", 100.0, 1.0, 5.0), *[(*each, 2.0, 10.0, 5.0) for each in around]
    )


def test_traffic_sent_into_a_dead_link_costs_more_than_any_path():
    network = ring()
    demands = asks(network, ("A", "B", 8.0))
    slow, fast = ({"detect_s": s, "converge_s": 5 * s} for s in (10.0, 1.0))
    strategies = with_bound(
        fast={"scheme": "igp_ecmp", "control": fast}, slow={"scheme": "igp_ecmp", "control": slow}
    )
    events = [{"at_h": 1.0, "link": "ab"}]
    got = play(case_of(network, demands, strategies, hours=4.0, step_s=300.0, events=events))
    fast, slow = (got.figure("regret", strategy=name) for name in ("fast", "slow"))
    assert got.figure("regret", strategy="best") == 0.0
    assert 0.0 < fast < slow
    # Six hops of 1,000 ms each would be the longest path of five nodes, and 25 ms of distance.
    lost = (5 * 1000.0 + 25.0) - (4 * 5.0 + 4 * 1000.0 * (1 - 0.85 * 2 / 8))
    assert slow - fast == pytest.approx(lost * (60 - 6) / (4 * 3600))


def test_load_on_a_link_that_is_down_counts_as_unserved():
    network = ring()
    down = network.failed(links=["ab"])
    rates = np.array([[8.0]])
    into = path_routes(network, (1.0, ["A", "B"]))
    nothing = path_routes(network, (0.0, ["A", "B"]))
    cost = Clairvoyant().cost
    assert cost(down, into, rates) == cost(down, nothing, rates) == 8.0 * (5 * 1000.0 + 25.0)
    hollow = network.under(capacity_gbps=np.where(network.capacity_gbps > 50, 0.0, 2.0))
    assert cost(hollow, into, rates) == cost(down, into, rates)


@pytest.mark.parametrize("seed", range(10))
def test_regret_is_never_negative(seed):
    hit_and_tried(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 200))
def test_regret_is_never_negative_anywhere(seed):
    hit_and_tried(seed)


def hit_and_tried(seed):
    rng = np.random.default_rng(seed)
    network, demands = make_random_case(seed, "small")
    demands = demands.scaled(rng.choice([0.3, 1.0, 3.0]))
    events = [
        {"at_h": 0.21, "until_h": 0.5, "link": rng.choice(network.links)},
        {"at_h": 0.3, "until_h": 0.7, "node": rng.choice(network.nodes)},
        {"at_h": 0.4, "until_h": 0.9, "cable": network.cables[0], "severity": rng.choice([0.5, 1])},
    ]
    kinds = [k for k in scheme.names() if k not in ("clairvoyant", "best_static", "tuned_igp")]
    some = rng.choice(kinds, 3, replace=False)
    every_s = {kind: {"every_s": 300.0} if scheme[kind].demand_aware else {} for kind in some}
    strategies = with_bound(
        static={"scheme": "igp_ecmp"},
        **{kind: {"scheme": kind, "control": every_s[kind]} for kind in some},
    )
    got = play(case_of(network, demands, strategies, hours=1.0, step_s=600.0, events=events))
    for name in strategies:
        assert got.figure("regret", strategy=name) >= 0.0, name
    assert got.figure("regret", strategy="best") == 0.0
