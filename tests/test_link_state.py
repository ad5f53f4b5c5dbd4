"""Flow: loss by thinning, and latency of what arrives, against sums done by other means."""

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import asks, path_routes
from laws import FACTORS, check_link_state
from scipy.optimize import brentq

from simulator.base.errors import SimulatorError
from simulator.model.link_state import link_state, loss_fixed_point
from simulator.queues.burst import Burst
from simulator.queues.none import NoQueue
from simulator.routing.route import route
from simulator.routing.scheme import scheme

NO_QUEUE = NoQueue()
SCHEMES = scheme.names()


def sent(routes, network, rates, queue=NO_QUEUE):
    """Flow at one instant."""
    return link_state(routes, network, np.array(rates, dtype=float)[:, None], queue)


# -- by hand ----------------------------------------------------------------------------------


def chain(first, second):
    """A from a to c over both links, B from b to c over the second."""
    network = make_tiny(("ab", "a", "b", first, 1.0, 3.0), ("bc", "b", "c", second, 1.0, 5.0))
    return network, path_routes(network, (1.0, ["a", "b", "c"]), (1.0, ["b", "c"]))


def test_a_chain_by_hand():
    # Link ab: A offers 80 to 40, so half of it passes. Link bc: 40 of A and 60 of B offer 100 to
    # 50, so half of each passes: A gets 20, B gets 30. A lost 40 + 20, B lost 30.
    network, routes = chain(40.0, 50.0)
    got = sent(routes, network, [80.0, 60.0])
    assert got.offered_gbps[:, 0].tolist() == [80.0, 0.0, 100.0, 0.0]
    assert got.carried_gbps[:, 0].tolist() == [40.0, 0.0, 50.0, 0.0]
    assert got.utilisation[:, 0].tolist() == [2.0, 0.0, 2.0, 0.0]
    assert got.delivered_gbps[:, 0].tolist() == [20.0, 30.0]
    assert got.latency_ms[:, 0].tolist() == [8.0, 5.0]


def test_what_is_lost_loads_nothing_further_on():
    # Without the loss on ab, bc would be offered 80 + 60 = 140 and be overloaded; 40 + 60 fits.
    network, routes = chain(40.0, 100.0)
    got = sent(routes, network, [80.0, 60.0])
    assert got.offered_gbps[2, 0] == 100.0 == got.carried_gbps[2, 0]
    assert got.delivered_gbps[:, 0].tolist() == [40.0, 60.0]


def test_just_full_loses_nothing():
    network, routes = chain(80.0, 140.0)
    got = sent(routes, network, [80.0, 60.0])
    assert got.delivered_gbps[:, 0].tolist() == [80.0, 60.0]
    assert got.utilisation[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0]


def test_each_direction_loses_for_itself():
    network = make_tiny(("ab", "a", "b", 10.0))
    got = sent(path_routes(network, (1.0, ["a", "b"]), (1.0, ["b", "a"])), network, [40.0, 8.0])
    assert got.delivered_gbps[:, 0].tolist() == [10.0, 8.0]


def test_a_dead_arc_carries_nothing_and_has_no_utilisation():
    network, routes = chain(40.0, 50.0)
    broken = network.failed(links=["bc"])
    got = sent(routes, broken, [80.0, 60.0])
    assert got.capacity_gbps.tolist() == [40.0, 40.0, 0.0, 0.0]
    assert got.carried_gbps[:, 0].tolist() == [40.0, 0.0, 0.0, 0.0]
    assert got.offered_gbps[2, 0] == 100.0, "40 of A and 60 of B knock at the dead link"
    assert np.isnan(got.utilisation[2:]).all()
    assert got.delivered_gbps[:, 0].tolist() == [0.0, 0.0]
    assert np.isnan(got.latency_ms).all()


def test_latency_is_of_what_arrives():
    # Half over the fast way that keeps 1/4 (20 of 80), half over the slow way that keeps all:
    # of 20 + 80 that arrive, a fifth took 2 + 2 ms and the rest 10 + 30 ms.
    network = make_tiny(
        ("fast-1", "a", "m", 1000.0, 1.0, 2.0), ("fast-2", "m", "z", 20.0, 1.0, 2.0),
        ("slow-1", "a", "n", 1000.0, 1.0, 10.0), ("slow-2", "n", "z", 1000.0, 1.0, 30.0),
    )  # fmt: skip
    routes = path_routes(network, (0.5, ["a", "m", "z"]), (0.5, ["a", "n", "z"]), demand=[0, 0])
    got = sent(routes, network, [160.0])
    assert got.delivered_gbps[0, 0] == pytest.approx(100.0, rel=1e-15)
    assert got.latency_ms[0, 0] == pytest.approx(0.2 * 4.0 + 0.8 * 40.0, rel=1e-14)
    assert got.propagation_ms[0, 0] == got.latency_ms[0, 0]


def test_the_wait_adds_to_latency_and_not_to_propagation():
    # burst 2 ms: at rho = 1/2 the wait is 2 ms, at rho = 2 the buffer of 7 ms is full.
    network, routes = chain(160.0, 70.0)
    got = sent(routes, network, [80.0, 60.0], Burst(burst_ms=2.0, buffer_ms=7.0))
    assert got.wait_ms[:, 0].tolist() == [2.0, 0.0, 7.0, 0.0]
    assert got.propagation_ms[:, 0].tolist() == [8.0, 5.0]
    assert got.latency_ms[:, 0] == pytest.approx([8.0 + 2.0 + 7.0, 5.0 + 7.0], rel=1e-15)


def test_a_demand_without_a_way_is_lost():
    network = make_tiny(("ab", "a", "b", 10.0), ("cd", "c", "d", 10.0))
    demands = asks(network, ("a", "b", 4.0), ("a", "d", 2.0))
    for name in SCHEMES:
        got = sent(route(name, network, demands), network, demands.gbps)
        assert got.delivered_gbps[:, 0] == pytest.approx([4.0, 0.0])
        assert np.isnan(got.latency_ms[1, 0])


# -- the fixed point --------------------------------------------------------------------------


def ring(nodes, hops, overload):
    """Demands of *hops* hops round a ring, each loading what thins the others."""
    network = make_tiny(*((f"l{i}", f"n{i}", f"n{(i + 1) % nodes}", 100.0) for i in range(nodes)))
    ways = [[f"n{(i + j) % nodes}" for j in range(hops + 1)] for i in range(nodes)]
    routes = path_routes(network, *((1.0, way) for way in ways))
    return network, routes, np.full((nodes, 1), 100.0 * overload / hops)


@pytest.mark.parametrize("overload", [1.001, 1.1, 1.5, 2.0, 5.0, 20.0])
@pytest.mark.parametrize(("nodes", "hops"), [(3, 2), (5, 4), (8, 7), (10, 9), (20, 10), (40, 20)])
def test_a_ring_that_thins_itself(nodes, hops, overload):
    # All arcs are alike: with the share k kept, each is offered rate (1 + k + k^2 + ...).
    network, routes, rates = ring(nodes, hops, overload)
    expected = brentq(
        lambda k: k * rates[0, 0] * np.sum(k ** np.arange(hops)) - 100.0, 1e-9, 1.0, xtol=1e-15
    )
    pass_fraction, offered = loss_fixed_point(routes, network.capacity_gbps, rates)
    assert pass_fraction[::2, 0] == pytest.approx(expected, rel=1e-9)
    assert (pass_fraction[1::2] == 1.0).all()
    residual = np.minimum(1.0, 100.0 / routes.loads(rates, pass_fraction)[::2]) - pass_fraction[::2]
    assert np.abs(residual).max() < 1e-11
    assert offered[::2] == pytest.approx(100.0 / expected, rel=1e-9)


def test_an_uneven_ring_against_a_scalar_solve():
    # Three arcs of 50, 80 and 60; demand i enters at arc i and takes two arcs. With the share x
    # kept on the first arc everything else follows; find the x that comes back as itself.
    network = make_tiny(("l0", "a", "b", 50.0), ("l1", "b", "c", 80.0), ("l2", "c", "a", 60.0))
    ways = (["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"])
    routes = path_routes(network, *((1.0, way) for way in ways))
    rates = np.array([70.0, 65.0, 90.0])

    def keeps(capacity, load):
        return min(1.0, capacity / load)

    def after_a_round(x):
        y = keeps(80.0, rates[1] + rates[0] * x)
        z = keeps(60.0, rates[2] + rates[1] * y)
        return keeps(50.0, rates[0] + rates[2] * z) - x

    x = brentq(after_a_round, 1e-6, 1.0, xtol=1e-15)
    pass_fraction, _ = loss_fixed_point(routes, network.capacity_gbps, rates[:, None])
    assert pass_fraction[0, 0] == pytest.approx(x, abs=1e-11)


def test_a_long_ring_of_shortest_paths_settles():
    # All pairs on 30 nodes in a ring, 1 % more than fits: an operator's ring, nothing contrived.
    network = make_tiny(*((f"l{i}", f"n{i}", f"n{(i + 1) % 30}", 100.0) for i in range(30)))
    rows = [(a, b, 1.0) for a in network.nodes for b in network.nodes if a != b]
    demands = asks(network, *rows)
    routes = route("igp_ecmp", network, demands)
    rates = demands.gbps * 101.0 / routes.loads(demands.gbps).max()
    check_link_state(routes, network, rates[:, None])


def test_instants_do_not_disturb_each_other():
    network, demands = make_random_case(12)
    routes = route("igp_ecmp", network, demands)
    rates = demands.gbps[:, None] * FACTORS
    pass_fraction, offered = loss_fixed_point(routes, network.capacity_gbps, rates)
    for i in range(len(FACTORS)):
        alone, load = loss_fixed_point(routes, network.capacity_gbps, rates[:, i : i + 1])
        assert np.array_equal(pass_fraction[:, i], alone[:, 0])
        assert np.array_equal(offered[:, i], load[:, 0])


def test_no_fixed_point_is_said_aloud(monkeypatch):
    monkeypatch.setattr("simulator.model.loss._MAX_SWEEPS", 3)
    network, routes, rates = ring(3, 2, 1.5)
    with pytest.raises(SimulatorError, match="did not settle"):
        loss_fixed_point(routes, network.capacity_gbps, rates)


# -- laws (those of every scheme are in laws.py) ----------------------------------------------


def test_littles_law_with_loss_counts_what_arrives():
    # Flow that arrives and passes each arc: by hand on the chain above, A 20 over both, B 30.
    network, routes = chain(40.0, 50.0)
    got = sent(routes, network, [80.0, 60.0])
    assert got.delivered_gbps[:, 0] @ got.latency_ms[:, 0] == 20.0 * 3.0 + 50.0 * 5.0


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 1e3, 3.7e-6])
@pytest.mark.parametrize("name", ["igp_ecmp", "nearest_exit"])
@pytest.mark.parametrize("seed", [3, 16])
def test_units_do_not_matter(name, seed, factor):
    """The same case in bps, Mbps and Tbps."""
    network, demands = make_random_case(seed)
    small = network.under(capacity_gbps=network.capacity_gbps * factor)
    rates = demands.gbps[:, None] * FACTORS
    routes = route(name, network, demands)
    ours = link_state(routes, network, rates, Burst())
    theirs = link_state(route(name, small, demands.with_gbps(demands.gbps * factor)), small,
                  rates * factor, Burst())  # fmt: skip
    assert theirs.carried_gbps == pytest.approx(ours.carried_gbps * factor, rel=1e-9, abs=0)
    assert theirs.delivered_gbps == pytest.approx(ours.delivered_gbps * factor, rel=1e-9, abs=0)
    assert theirs.utilisation == pytest.approx(ours.utilisation, rel=1e-9, abs=0)
    assert theirs.latency_ms == pytest.approx(ours.latency_ms, rel=1e-9, nan_ok=True)
