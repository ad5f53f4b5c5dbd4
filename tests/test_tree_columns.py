"""Tree columns against programs over paths and arcs, and what their routes and bounds promise."""

import functools

import numpy as np
import pytest
import sources
from conftest import make_random_case, make_tiny
from law_networks import CASES
from scipy.optimize import linprog
from test_optimisers import LinkFlow
from third_party import FOLDER

from benchmarks.made import gravity, grown_network
from simulator.formats.format import load_network
from simulator.formats.matrices.demand_format import read_demands
from simulator.model.demands import Demands
from simulator.optimise import multicommodity, tree_columns, tree_routes
from simulator.optimise.path_problem import without_zero_capacity
from simulator.optimise.tree_columns import TreeProblem
from simulator.optimise.tree_interior import Interior
from simulator.optimise.tree_master import Columns, Limits, Master
from simulator.optimise.tree_oracle import TreeOracle
from simulator.paths.circles import without_circles
from simulator.paths.shortest import Search, destinations_of
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax

NAMES = ["small 1", "medium 10", "medium 13", "large 40"]
AWKWARD = [
    "mini", "mini, a cable cut", "mini, all exits down", "mini, exits reach some",
    "mini, one-way failures", "mini, unlike ways", "random 61, exits reach some",
    "an exit at a province", "two exits in parallel", "no exit at all",
]  # fmt: skip


def solved(network, demands, cap=0.0, *, classes=(), others_cap=1.0, gap=0.0, current=None):
    counts = multicommodity.counted(network, classes)
    problem = TreeProblem(without_zero_capacity(network), demands, counts, gap=gap)
    problem.start_from(current)
    return problem.solve(cap, others_cap)


@functools.cache
def case(name):
    word, seed = name.rsplit(" ", 1)
    network, demands = make_random_case(int(seed), word)
    if int(seed) % 2:
        background = np.random.default_rng(int(seed)).uniform(0, 0.3, len(network.tail))
        network = network.carrying(background * network.capacity_gbps)
    return network, demands


@functools.cache
def meshed(seed=3, nodes=46):
    """A network without exits whose demands are just enough for tree columns."""
    network = grown_network(nodes, 2 * nodes, (10.0, 40.0, 100.0), seed)
    return network, gravity(network, 300.0)


# -- trees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", AWKWARD)
def test_trees_are_shortest_and_keep_the_rules(name):
    network, demands = CASES[name]()
    destinations, row = destinations_of(network, demands)
    search = Search(network, destinations)
    weight = np.random.default_rng(1).uniform(0.1, 1.0, len(network.tail))
    near, trees = search.under(weight), search.trees(weight)
    np.testing.assert_array_equal(trees.distance, near.distance)
    arcs, starts = trees.follow(row, demands.source)
    owner = np.repeat(row, np.diff(starts))
    assert search.may_take[owner, arcs].all()
    length = np.bincount(np.repeat(np.arange(len(row)), np.diff(starts)), weight[arcs], len(row))
    reached = np.isfinite(near.distance[row, demands.source])
    expected = near.distance[row, demands.source][reached]
    np.testing.assert_allclose(length[reached], expected, rtol=1e-12)
    assert not np.diff(starts)[~reached].any()


@pytest.mark.parametrize("name", AWKWARD)
def test_what_passes_a_tree_is_what_its_paths_carry(name):
    network, demands = CASES[name]()
    oracle = TreeOracle(network, demands, demands.gbps, groups=3)
    weight = np.random.default_rng(2).uniform(0.1, 1.0, len(network.tail))
    grown = oracle.under(weight)
    destinations, row = destinations_of(network, demands)
    trees = Search(network, destinations).trees(grown.weight)
    arcs, starts = trees.follow(row, demands.source)
    flow = np.repeat(demands.gbps, np.diff(starts))
    by_path = np.bincount(arcs, flow, len(network.tail))
    np.testing.assert_allclose(grown.load.sum(axis=0), by_path, rtol=1e-12, atol=1e-12)
    assert grown.value.sum() == pytest.approx(by_path @ grown.weight, rel=1e-12)


def test_circles_are_taken_off_and_nothing_else():
    network = grown_network(30, 70, (10.0,), 5)
    demands = gravity(network, 100.0)
    oracle = TreeOracle(network, demands, demands.gbps)
    rng = np.random.default_rng(4)
    flow = np.zeros((30, len(network.tail)))
    for _ in range(6):  # trees under unlike lengths run against each other
        for rows, trees in oracle.trees(rng.uniform(0.1, 1.0, len(network.tail))):
            passing = trees.passing(oracle.rate[rows])
            place, node = np.nonzero(passing)
            flow[rows[place], trees.onward[place, node]] += passing[place, node]
    freed = without_circles(network, flow)
    assert (freed >= 0).all() and (freed <= flow).all()
    assert (freed < flow).any()
    out = np.zeros((2, 30, 30))
    for i, each in enumerate((flow, freed)):
        np.add.at(out[i], (slice(None), network.tail), each)
        np.subtract.at(out[i], (slice(None), network.head), each)
    np.testing.assert_allclose(out[1], out[0], atol=1e-9)
    for each in freed:  # a network without circles can be put in an order
        alive = np.flatnonzero(each > 0)
        while len(alive):
            rest = alive[np.isin(network.head[alive], network.tail[alive])]
            assert len(rest) < len(alive), "a circle is left"
            alive = rest


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cap", [0.0, 0.5, 1e9])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_optimum_as_over_paths(name, cap):
    network, demands = case(name)
    trees = solved(network, demands, cap).certificate
    paths = multicommodity.route(network, demands, utilisation_cap=cap).certificate
    assert trees.mlu == pytest.approx(paths.mlu, rel=1e-7)
    assert trees.objective == pytest.approx(paths.objective, rel=1e-7)
    assert trees.gap < 1e-6
    np.testing.assert_equal(np.isnan(trees.mlu_bound), np.isnan(paths.mlu_bound))


@pytest.mark.parametrize("classes", [("exit",), ("core", "provincial")])
@pytest.mark.parametrize("others_cap", [0.3, 1.0])
def test_the_same_where_some_classes_count(classes, others_cap):
    network, demands = case("medium 10")
    trees = solved(network, demands, classes=classes, others_cap=others_cap).certificate
    paths = multicommodity.route(
        network, demands, utilisation_cap=0.0, classes=classes, others_cap=others_cap
    ).certificate
    assert trees.mlu == pytest.approx(paths.mlu, abs=1e-7)
    assert trees.objective == pytest.approx(paths.objective, rel=1e-6)
    assert trees.gap < 1e-6


@pytest.mark.parametrize("name", ["small 1", "medium 13"])
@pytest.mark.parametrize("gap", [0.0, 1e-3, 0.05])
@pytest.mark.parametrize("listed", [True, False])
def test_bounds_and_gaps_tell_the_truth(name, gap, listed, monkeypatch):
    """Flows on arcs, a linear program written another way, and the loads of the routes."""
    if not listed:
        monkeypatch.setattr(tree_routes, "LISTED_HOPS", 0)
    network, demands = case(name)
    routes = solved(network, demands, gap=gap)
    can = routes.served > 0.5
    other = LinkFlow(network, demands, can)
    reach = tree_columns.arcs_in_reach(network, demands)
    certificate, least = routes.certificate, other.least_mlu(reach)
    load = routes.loads(demands.gbps) + network.background_gbps
    assert (load / network.capacity_gbps)[reach].max() == pytest.approx(certificate.mlu, rel=1e-8)
    assert certificate.mlu_bound <= least * (1 + 1e-7)
    assert certificate.mlu <= least * (1 + gap) * (1 + 1e-7)
    assert certificate.gap <= gap + 1e-6
    spent = float(demands.gbps[can] @ routes.arrivals(network.delay_ms)[1][can])
    assert spent == pytest.approx(certificate.objective, rel=1e-7)
    np.testing.assert_allclose(routes.served, can, atol=1e-9)


@pytest.mark.parametrize("groups", [1, 2, 7, 1000])
def test_groups_of_any_size_find_the_same(groups):
    network, demands = case("medium 10")
    counts = np.ones(len(network.tail), dtype=bool)
    problem = TreeProblem(without_zero_capacity(network), demands, counts, groups=groups)
    certificate = problem.solve(0.0, 1.0).certificate
    paths = multicommodity.route(network, demands, utilisation_cap=0.0).certificate
    assert certificate.mlu == pytest.approx(paths.mlu, rel=1e-7)
    assert certificate.objective == pytest.approx(paths.objective, rel=1e-7)


def test_parallel_links_carry_what_they_can():
    network = make_tiny(("a", "s", "t", 10, 1, 1.0), ("b", "s", "t", 30, 1, 1.0),
                        ("c", "t", "s", 10, 1, 1.0))  # fmt: skip
    demands = Demands.of(network, ["s"], ["t"], [25.0])
    routes = solved(network, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[[0, 2, 5]], [5, 15, 5], atol=1e-7)
    assert routes.certificate.mlu == pytest.approx(0.5)


@pytest.mark.parametrize("listed", [True, False])
def test_demands_of_zero_and_those_without_a_path(listed, monkeypatch):
    if not listed:
        monkeypatch.setattr(tree_routes, "LISTED_HOPS", -1)
    network = make_tiny(("a", "s", "t", 10), ("b", "x", "y", 10), ("c", "t", "u", 10))
    demands = Demands.of(network, ["s", "s", "u"], ["t", "x", "s"], [4.0, 5.0, 0.0])
    routes = solved(network, demands)
    np.testing.assert_allclose(routes.served, [1.0, 0.0, 1.0])
    assert routes.certificate.mlu == pytest.approx(0.4)


def test_nothing_to_route_and_a_network_of_one_node():
    network = make_tiny(("a", "s", "t", 10))
    none = Demands.of(network, ["s"], ["t"], [0.0])
    assert solved(network, none).certificate.status == "nothing to route"
    alone = network.failed(links=["a"])
    assert not solved(alone, none.with_gbps(np.ones(1))).served.any()
    assert not len(solved(alone, none.take(np.zeros(1, dtype=bool))))


def test_the_rule_of_size_and_both_ways_about_it(monkeypatch):
    network, demands = meshed()
    assert len(demands) >= multicommodity.TREES_FROM
    trees = MinMax().route(network, demands)
    assert trees.warm_start is not None
    monkeypatch.setattr(multicommodity, "TREES_FROM", len(demands) + 1)
    paths = MinMax().route(network, demands)
    assert paths.warm_start is None
    assert trees.certificate.mlu == pytest.approx(paths.certificate.mlu, rel=1e-7)
    assert trees.certificate.objective == pytest.approx(paths.certificate.objective, rel=1e-7)


def test_limits_on_paths_and_costs_of_moves_stay_with_paths():
    network, demands = meshed()
    current = MinMax().route(network, demands)
    assert MinMax(paths=2).route(network, demands).warm_start is None
    pays = MinLatency(utilisation_cap=1.0, churn_penalty_ms=1.0)
    assert pays.route(network, demands, current).warm_start is None


def test_two_runs_agree_to_the_last_bit():
    network, demands = meshed()
    one, two = (MinMax(gap=1e-3).route(network, demands) for _ in range(2))
    assert one.certificate == two.certificate
    np.testing.assert_array_equal(one.loads(demands.gbps), two.loads(demands.gbps))


def test_gaps_by_default():
    small, large = meshed()[0], grown_network(200, 501, (10.0,), 1)
    assert multicommodity.gap_of(small, None) == 0.0
    assert multicommodity.gap_of(large, None) == multicommodity.LARGE_GAP
    assert multicommodity.gap_of(large, 0.0) == 0.0


# -- warm ---------------------------------------------------------------------------------------


def moved(demands, seed=1):
    noise = np.random.default_rng(seed).lognormal(0.0, 0.05, len(demands))
    return demands.with_gbps(demands.gbps * noise)


def test_a_warm_search_is_shorter_and_as_good():
    network, demands = meshed()
    gap, after = 1e-3, moved(demands)
    before = solved(network, demands, gap=gap)
    cold, warm = (solved(network, after, gap=gap, current=each) for each in (None, before))
    assert warm.certificate.rounds < cold.certificate.rounds
    for routes in (cold, warm):
        assert routes.certificate.gap <= gap
    exact = solved(network, after).certificate
    for value in ("mlu", "mlu_bound"):
        assert getattr(warm.certificate, value) == pytest.approx(exact.mlu, rel=gap)


def test_an_exact_answer_has_no_history():
    network, demands = meshed()
    before, after = solved(network, demands, gap=1e-3), moved(demands)
    cold, warm = (solved(network, after, current=each) for each in (None, before))
    assert cold.certificate == warm.certificate
    np.testing.assert_array_equal(cold.loads(after.gbps), warm.loads(after.gbps))


def test_routes_of_another_state_are_no_start():
    network, demands = meshed()
    before = solved(network, demands, gap=1e-3)
    cut = network.failed(links=[network.links[0]])
    cold, warm = (solved(cut, demands, gap=1e-3, current=each) for each in (None, before))
    assert cold.certificate == warm.certificate


# -- masters -----------------------------------------------------------------------------------


def random_columns(seed, arcs=12, groups=4, each=5):
    rng = np.random.default_rng(seed)
    columns = Columns(arcs)
    for _ in range(each):
        columns.add(rng.uniform(0, 1, (groups, arcs)), np.arange(groups), rng.random(arcs))
    return columns, rng.uniform(0.5, 2.0, arcs), rng.uniform(0, 0.3, arcs)


def least_theta(columns, groups, capacity, background):
    count = len(columns)
    found = linprog(
        np.append(np.zeros(count), 1.0),
        A_ub=np.hstack([columns.load.T, -capacity[:, None]]),
        b_ub=-background,
        A_eq=np.hstack([np.eye(groups)[:, columns.group], np.zeros((groups, 1))]),
        b_eq=np.ones(groups),
        method="highs",
    )
    return found.fun


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_come_late_miss_nothing(seed):
    columns, capacity, background = random_columns(seed)
    master = Master(columns, 4, Limits(-background, capacity), np.zeros(12))
    found = master.solve()
    while found.broken:
        found = master.solve()
    assert found.value == pytest.approx(least_theta(columns, 4, capacity, background), rel=1e-8)
    assert found.price @ capacity == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(4))
def test_the_interior_point_method_closes_in(seed):
    columns, capacity, background = random_columns(seed)
    expected = least_theta(columns, 4, capacity, background)
    program = Interior(columns, 4, Limits(-background, capacity))
    for _ in range(12):
        found = program.solve(expected)
        load = found.share @ columns.load + background
        assert (load / capacity).max() == pytest.approx(found.value, rel=1e-9)
        assert found.value >= expected * (1 - 1e-9)
    assert found.value == pytest.approx(expected, rel=1e-4)


def test_many_full_arcs_are_for_the_interior_point_method(monkeypatch):
    monkeypatch.setattr(tree_columns, "MANY_ROWS", 5)
    network, demands = meshed()
    routes = solved(network, demands, gap=1e-2)
    exact = solved(network, demands)
    assert routes.certificate.mlu_bound <= exact.certificate.mlu * (1 + 1e-9)
    assert routes.certificate.mlu <= exact.certificate.mlu * 1.0101


# -- known optima ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.exists(), reason="third-party data is not here")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "least"), [("UsCarrier", 0.898599), ("Cogentco", 0.898492)])
@pytest.mark.reference(sources.THIRD_PARTY)
def test_published_networks(name, least):
    folder = FOLDER / "repetita" / "inverseCapacity"
    network = load_network(str(folder / f"{name}.graph"))
    demands = read_demands(str(folder / f"{name}.0000.demands.gz"), network)
    certificate = MinMax().route(network, demands).certificate
    assert certificate.mlu == pytest.approx(least, abs=1e-6)
    assert certificate.mlu_bound == pytest.approx(least, abs=1e-6)
    assert certificate.gap < 1e-7
