"""The program by its structure: as good as the general one, wherever it starts."""

import numpy as np
import pytest
from conftest import built_in, make_random_case
from helpers import asks, two_exits

from simulator.model.demands import INTERNATIONAL
from simulator.optimise import multicommodity, path_pool, path_simplex

SEEDS = [*range(12), *range(30, 36)]


def international(case):
    network, demands = case
    return network, demands.take(demands.of_class(INTERNATIONAL))


def by_exits(network, demands, cap, current=None):
    arcs = len(network.tail)
    return path_simplex.route(
        network, demands, np.full(arcs, cap), np.ones(arcs, dtype=bool), current
    )


def stretched(network, demands, fill):
    """The demands at a rate at which all exits of the busier way are full to *fill*."""
    need = 0.0
    for way, name in (("out", "international_out"), ("in", "international_in")):
        arcs = network.exit_arcs[way]
        room = (network.capacity_gbps * network.up)[arcs].sum()
        need = max(need, demands.gbps[demands.of_class(name)].sum() / room)
    return demands.with_gbps(demands.gbps * fill / need)


@pytest.mark.parametrize("fill", [0.3, 0.6, 0.75, 1.0, 1.7])
@pytest.mark.parametrize("classes", [(), ("exit",)])
@pytest.mark.parametrize("case", ["china169-2017", "china169-mini", *SEEDS])
def test_as_good_as_the_general_program(case, classes, fill):
    """Also where other links are full, and where the limits give way."""
    network, demands = international(
        built_in(case) if isinstance(case, str) else make_random_case(case)
    )
    demands = stretched(network, demands, fill)
    counts = multicommodity.counted(network, classes)
    quick = path_simplex.route(
        network, demands, np.where(counts, 0.8, 1.0), counts & network.up, gives_way=True
    )
    general = multicommodity.route(network, demands, utilisation_cap=0.8, classes=classes)
    proof, known = quick.certificate, general.certificate
    assert proof.objective == pytest.approx(known.objective, rel=1e-7)
    assert proof.bound <= known.objective * (1 + 1e-9)
    assert proof.gap < 1e-7 and proof.status == "optimal"
    assert quick.served == pytest.approx(general.served, abs=1e-9)
    if known.mlu > 0.8 + 1e-6:
        assert proof.mlu == pytest.approx(known.mlu, rel=1e-7)
        assert proof.mlu_bound <= known.mlu * (1 + 1e-9)
    assert np.isnan(proof.mlu_bound) == np.isnan(known.mlu_bound)


def test_paths_are_found_that_avoid_full_links_inside():
    """They are not among the fastest by each exit: they join on the way."""
    joined = 0
    for seed in SEEDS:
        network, demands = international(make_random_case(seed))
        demands = stretched(network, demands, 0.6)
        every = np.ones(len(network.tail), dtype=bool)
        routes = path_simplex.route(network, demands, 0.8 * every, every, gives_way=True)
        listed = routes.listed
        used = {
            listed.arcs[begin:end].tobytes()
            for begin, end in zip(listed.starts[:-1], listed.starts[1:], strict=True)
        }
        by_exit = path_pool.pool_by_exit(network, demands).paths
        joined += bool(used - {mark[1] for mark in by_exit.marks()})
    assert joined >= 4


@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_the_answer_does_not_depend_on_the_start(name):
    """Not to the last bit, after any number of cycles up and down."""
    network, demands = international(built_in(name))
    rng = np.random.default_rng(5)
    current, solved = None, 0
    for cycle in range(40):
        factor = 0.6 + 0.4 * np.sin(cycle / 6.0) ** 2
        noise = np.exp(0.1 * rng.standard_normal(len(demands)))
        now = demands.with_gbps(demands.gbps * factor * noise)
        if cycle % 7 == 3:
            now = now.with_gbps(np.where(rng.random(len(now)) < 0.1, 0.0, now.gbps))
        warm, cold = by_exits(network, now, 0.8, current), by_exits(network, now, 0.8)
        assert (warm is None) == (cold is None)
        if warm is not None:
            assert abs(warm.matrix - cold.matrix).max() == 0.0
            assert (warm.certificate.objective, warm.certificate.bound) == (
                cold.certificate.objective,
                cold.certificate.bound,
            )
            solved += 1
        current = warm or current
    assert solved > 20


def test_the_order_of_demands_does_not_matter():
    network, demands = international(built_in("china169-2017"))
    order = np.random.default_rng(1).permutation(len(demands))
    one = by_exits(network, demands, 0.8)
    two = by_exits(network, demands.take(order), 0.8)
    assert abs(one.matrix[:, order] - two.matrix).max() < 1e-9


def test_a_demand_is_split_where_the_exit_is_full():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 120.0))
    routes = by_exits(network, demands, 0.8)
    near, far = 2 * network.link_index["near"], 2 * network.link_index["far"]
    load = routes.loads(demands.gbps)
    assert (load[near], load[far]) == pytest.approx((80.0, 40.0), rel=1e-8)
    assert routes.certificate.objective == pytest.approx(80 * 11.0 + 40 * 22.0, rel=1e-8)
    assert by_exits(network, asks(network, ("home", "abroad", 161.0)), 0.8) is None


def test_background_load_takes_room():
    network = two_exits()
    near = 2 * network.link_index["near"]
    taken = np.zeros(len(network.tail))
    taken[near] = 50.0
    demands = asks(network, ("home", "abroad", 60.0))
    load = by_exits(network.carrying(taken), demands, 0.8).loads(demands.gbps)
    assert load[near] == pytest.approx(30.0)
    taken[near] = 90.0
    load = by_exits(network.carrying(taken), demands, 0.8)
    assert load is None, "the background alone is above the cap"


def test_what_cannot_be_reached_is_not_served_and_idle_demands_are():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0), ("abroad", "home", 0.0))
    routes = by_exits(network, demands, 0.8)
    assert routes.served.tolist() == [1.0, 1.0]
    cut = network.failed(links=["near", "far"])
    assert by_exits(cut, demands, 0.8) is None


@pytest.mark.parametrize("power", [-30, 17])
def test_units_do_not_matter(power):
    network, demands = international(built_in("china169-mini"))
    factor = 2.0**power
    one = by_exits(network, demands, 0.8)
    scaled = network.under(capacity_gbps=network.capacity_gbps * factor)
    two = by_exits(scaled, demands.with_gbps(demands.gbps * factor), 0.8)
    assert abs(one.matrix - two.matrix).max() == 0.0


def test_a_warm_start_from_elsewhere_does_no_harm():
    """Routes made for other demands, or on another network, are only a bad start."""
    network, demands = international(built_in("china169-2017"))
    other, few = international(built_in("china169-mini"))
    mini = by_exits(other, few, 0.8)
    cut = by_exits(network.failed(cables=["TPE"]), demands, 0.8)
    plain = by_exits(network, demands, 0.8)
    by_other_ways = by_exits(network.failed(links=[network.links[0]]), demands, 0.8)
    for warm_start in (mini, cut, by_other_ways):
        assert abs(by_exits(network, demands, 0.8, warm_start).matrix - plain.matrix).max() == 0.0
    halves = demands.take(np.arange(0, len(demands), 2))
    alone = by_exits(network, halves, 0.8)
    assert abs(by_exits(network, halves, 0.8, plain).matrix - alone.matrix).max() == 0.0


@pytest.mark.parametrize(
    "name", [pytest.param("china169-2017", marks=pytest.mark.slow), "china169-mini"]
)
def test_a_basis_of_more_exits_is_no_harm(name):
    """After a fault there are fewer exits than the basis of the cycle before speaks of."""
    network, demands = international(built_in(name))
    demands = stretched(network, demands, 0.6)
    before = by_exits(network, demands, 0.8)
    assert len(before.warm_start.basis.extra), "some demand should be split"
    for exit_ in network.exits:
        cut = network.failed(links=[network.links[exit_]])
        warm, cold = by_exits(cut, demands, 0.8, before), by_exits(cut, demands, 0.8)
        assert (warm is None) == (cold is None)
        if warm is not None:
            assert abs(warm.matrix - cold.matrix).max() == 0.0


def test_a_search_leaves_what_it_starts_from_as_it_is():
    network, demands = international(built_in("china169-2017"))
    first = by_exits(network, stretched(network, demands, 0.7), 1.0)
    before = [each.copy() for each in first.warm_start.basis]
    assert len(before[1]), "some demands are split"
    noise = np.exp(0.3 * np.random.default_rng(1).standard_normal(len(demands)))
    second = by_exits(
        network, stretched(network, demands.with_gbps(demands.gbps * noise), 0.7), 1.0, first
    )
    after = [*first.warm_start.basis]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    moved = [not np.array_equal(a, b) for a, b in zip(after, second.warm_start.basis, strict=True)]
    assert any(moved), "pivots were made"
