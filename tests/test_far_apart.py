"""Links whose capacities lie nine orders apart: every scheme answers, and proves what it says."""

import numpy as np
import pytest
from conftest import make_tiny
from helpers import asks

from simulator.model.certificate import Certificate, relative_gap
from simulator.model.demands import Demands
from simulator.routing.route import route
from simulator.routing.scheme import scheme


def one_demand():
    """Five links from 0.00012 to 40,000 Gbps, of which two are parallel."""
    network = make_tiny(
        ("a", "c1", "c2", 0.57, 1.0, 5.0), ("b", "c0", "c1", 4900.0, 1.0, 3.0),
        ("c", "c0", "c2", 0.00012, 1.0, 3.0), ("d", "c1", "c0", 37000.0, 1.0, 3.0),
        ("e", "c0", "c2", 40000.0, 1.0, 3.0),
    )  # fmt: skip
    return network, asks(network, ("c0", "c2", 290.0))


@pytest.mark.parametrize("kind", scheme.names())
def test_every_scheme_answers(kind):
    network, demands = one_demand()
    routes = route(kind, network, demands)
    assert routes.loads(demands.gbps).max() <= 290 * (1 + 1e-9)


@pytest.mark.parametrize("kind", ["min_max", "semi_oblivious", "best_static"])
def test_the_least_utilisation_is_found_and_proved(kind):
    network, demands = one_demand()
    routes = route(kind, network, demands)
    # All three ways equally full: what they have together carries the demand.
    expected = 290.0 / (0.57 + 0.00012 + 40000.0)
    load = routes.loads(demands.gbps) / network.capacity_gbps
    assert load.max() == pytest.approx(expected, rel=1e-6)
    assert routes.certificate.mlu == pytest.approx(expected, rel=1e-6)
    assert routes.certificate.mlu_bound == pytest.approx(expected, rel=1e-6)


def far_apart(seed, low, high):
    """Return a random network with capacities between two powers of ten, and some demands."""
    rng = np.random.default_rng(seed)
    count = rng.integers(3, 8)
    ends = [(f"c{rng.integers(0, i)}", f"c{i}") for i in range(1, count)]
    for _ in range(rng.integers(1, 2 * count)):
        a, b = rng.choice(count, 2, replace=False)
        ends.append((f"c{a}", f"c{b}"))
    links = [
        (f"l{i}", *each, float(10 ** rng.uniform(low, high)), 1.0, float(rng.integers(0, 6)))
        for i, each in enumerate(ends)
    ]
    network = make_tiny(*links)
    pairs = {tuple(rng.choice(count, 2, replace=False)) for _ in range(rng.integers(1, 6))}
    asked = [(f"c{a}", f"c{b}", float(10 ** rng.uniform(-1, 3))) for a, b in sorted(pairs)]
    return network, Demands.of(network, *zip(*asked, strict=True))


KINDS = ["min_max", "min_latency", "semi_oblivious", "max_min_fair", "congestion_cost",
         "clairvoyant"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_random_networks_nine_orders_apart(kind):
    for seed in range(25):
        network, demands = far_apart(seed, -4, 5)
        proof = route(kind, network, demands).certificate
        if proof is not None and kind != "semi_oblivious":  # which may not use all paths
            assert proof.gap < 1e-2, seed


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_more_random_networks_nine_orders_apart(kind):
    for seed in range(25, 200):
        route(kind, *far_apart(seed, -4, 5))


def test_the_congestion_cost_of_paths_without_delay_is_proved():
    network = make_tiny(("ab", "a", "b", 100.0, 1.0, 0.0), ("ac", "a", "c", 100.0, 1.0, 5.0),
                        ("cb", "c", "b", 100.0, 1.0, 5.0))  # fmt: skip
    routes = route("congestion_cost", network, asks(network, ("a", "b", 10.0)))
    assert routes.certificate.objective == pytest.approx(1.0)
    assert routes.certificate.bound == pytest.approx(1.0)


def test_the_gap_is_the_distance_to_the_bound_as_a_share_of_it(mini):
    limited = scheme["min_max"](paths=1).route(*mini).certificate
    assert (limited.mlu, limited.mlu_bound) == pytest.approx((0.96, 0.72), rel=1e-6)
    assert limited.gap == pytest.approx(0.96 / 0.72 - 1.0, rel=1e-6)
    assert relative_gap(3.0, 2.0) == 0.5
    assert relative_gap(2.0 - 1e-12, 2.0) == relative_gap(0.0, 0.0) == 0.0
    assert relative_gap(1.0, 0.0) == np.inf
    assert Certificate("optimal", 1.0, np.nan, 6.0, 4.0).gap == 0.5
