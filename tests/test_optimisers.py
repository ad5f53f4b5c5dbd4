"""The optimising schemes against a linear program written another way, and by hand."""

import functools

import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from scipy import sparse
from scipy.optimize import linprog

from simulator.model.demands import Demands
from simulator.optimise import path_problem
from simulator.paths import candidates
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax


class LinkFlow:
    """The same optimum from flows on arcs, one commodity per target, solved by SciPy.

    Variables: flow to each target on each arc it may use, and theta. Demands without a way are
    left out. Nothing enters a stub but what ends there.
    """

    def __init__(self, network, demands, can):
        self.network = network
        targets = np.unique(demands.target[can])
        nodes, arcs = len(network.nodes), len(network.tail)
        blocks, self.right, column_arc = [], [], []
        for target in targets:
            usable = network.usable(bool(network.is_abroad[target]))
            usable = usable & (~network.is_stub[network.head] | (network.head == target))
            own = np.flatnonzero(usable & (network.tail != target))
            n = np.arange(len(own))
            flow = sparse.coo_array((np.ones(len(own)), (network.tail[own], n)), (nodes, len(own)))
            flow = flow - sparse.coo_array(
                (np.ones(len(own)), (network.head[own], n)), (nodes, len(own))
            )
            asked = np.zeros(nodes)
            mine = can & (demands.target == target)
            np.add.at(asked, demands.source[mine], demands.gbps[mine])
            rest = np.arange(nodes) != target
            blocks.append(sparse.csr_array(flow)[rest])
            self.right.append(asked[rest])
            column_arc.append(own)
        column_arc = np.concatenate(column_arc)
        count = len(column_arc)
        self.balance = sparse.hstack(
            [sparse.block_diag(blocks), sparse.csr_array((sum(map(len, self.right)), 1))]
        )
        self.right = np.concatenate(self.right)
        self.load = sparse.csr_array(
            (np.ones(count), (column_arc, np.arange(count))), (arcs, count)
        )
        self.delay = np.append(network.delay_ms[column_arc], 0.0)
        self.theta = np.append(np.zeros(count), 1.0)

    def _solve(self, cost, counted, cap_others, theta=(0, None)):
        """Load at most theta x capacity where counted, at most *cap_others* elsewhere."""
        network = self.network
        limited = counted | np.isfinite(cap_others)
        right = np.where(counted, 0.0, np.where(limited, cap_others, 0.0) * network.capacity_gbps)
        right -= network.background_gbps
        matrix = sparse.hstack(
            [self.load, sparse.csr_array(np.where(counted, -network.capacity_gbps, 0.0)[:, None])]
        )
        found = linprog(
            cost,
            A_ub=sparse.csr_array(matrix)[limited],
            b_ub=right[limited],
            A_eq=self.balance,
            b_eq=self.right,
            bounds=[(0, None)] * (len(cost) - 1) + [theta],
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        assert found.status == 0, found.message
        return found.fun

    def least_mlu(self, counted, cap_others=np.inf):
        return self._solve(self.theta, counted, np.full(len(counted), cap_others))

    def least_latency(self, limit):
        """Least sum of Gbps x ms with every utilisation at most *limit*."""
        none = np.zeros(len(self.network.tail), bool)
        limit = np.broadcast_to(limit, none.shape)
        return self._solve(self.delay, none, limit, theta=(0, 0))


@functools.cache
def case(name):
    word, seed = name.rsplit(" ", 1)
    network, demands = make_random_case(int(seed), word if word != "faults" else "medium")
    rng = np.random.default_rng(int(seed))
    if word == "faults":
        network = network.under(up=rng.random(len(network.tail)) > 0.12)
    if int(seed) % 2:
        network = network.carrying(rng.uniform(0, 0.3, len(network.tail)) * network.capacity_gbps)
    can = MinLatency(utilisation_cap=1e9).route(network, demands).served > 0.5
    return network, demands, can, LinkFlow(network, demands, can)


@functools.cache
def in_reach(name):
    """Arcs that some demand with a way may use: only these count for the MLU."""
    network, demands, can, _ = case(name)
    counted = np.zeros(len(network.tail), bool)
    for target, source in {(demands.target[i], demands.source[i]) for i in np.flatnonzero(can)}:
        usable = network.usable(bool(network.is_abroad[target]))
        usable &= ~network.is_stub[network.head] | (network.head == target)
        usable &= ~network.is_stub[network.tail] | (network.tail == source)
        counted |= usable
    return counted


@functools.cache
def least_mlu(name):
    return case(name)[3].least_mlu(in_reach(name))


@functools.cache
def min_max(name):
    return MinMax().route(*case(name)[:2])


def utilisation(network, demands, routes):
    load = routes.loads(demands.gbps) + network.background_gbps
    return np.where(network.up, load / network.capacity_gbps, 0.0)


def mean_ms(network, demands, routes, can):
    """Sum of Gbps x ms."""
    return float(demands.gbps[can] @ routes.arrivals(network.delay_ms)[1][can])


NAMES = [f"small {i}" for i in range(8)] + [f"medium {i}" for i in range(10, 24)]
NAMES += [f"large {i}" for i in range(40, 42)] + [f"faults {i}" for i in range(30, 42)]
on_random_networks = pytest.mark.parametrize("name", NAMES)


@on_random_networks
def test_least_mlu(name):
    network, demands, can, _ = case(name)
    counted = in_reach(name)
    routes = min_max(name)
    certificate = routes.certificate
    expected = least_mlu(name)
    assert certificate.mlu == pytest.approx(expected, abs=1e-7)
    assert utilisation(network, demands, routes)[counted].max() == pytest.approx(
        certificate.mlu, rel=1e-8
    )
    np.testing.assert_allclose(routes.served, can, atol=1e-9)
    assert certificate.mlu_bound <= certificate.mlu + 1e-12
    assert certificate.mlu_bound <= expected + 1e-7
    assert certificate.bound <= certificate.objective * (1 + 1e-12)
    assert certificate.gap < 1e-6


@on_random_networks
def test_the_fastest_of_the_least_full(name):
    network, demands, can, other = case(name)
    routes = min_max(name)
    counted = in_reach(name)
    limit = np.where(counted, routes.certificate.mlu * (1 + 1e-8), np.inf)
    found = mean_ms(network, demands, routes, can)
    assert found == pytest.approx(other.least_latency(limit), rel=1e-7)
    assert found == pytest.approx(routes.certificate.objective, rel=1e-7)


@on_random_networks
@pytest.mark.parametrize("cap", [0.5, 0.85, 1e9])
def test_least_latency(name, cap):
    network, demands, can, other = case(name)
    counted = in_reach(name)
    routes = MinLatency(utilisation_cap=cap).route(network, demands)
    certificate = routes.certificate
    least = least_mlu(name)
    used = utilisation(network, demands, routes)
    assert used[counted].max() <= max(least, cap) * (1 + 1e-8) + 1e-8
    limit = np.where(counted, max(cap, certificate.mlu) * (1 + 1e-8), np.inf)
    found = mean_ms(network, demands, routes, can)
    assert found == pytest.approx(other.least_latency(limit), rel=1e-7)
    assert found == pytest.approx(certificate.objective, rel=1e-7)
    np.testing.assert_allclose(routes.served, can, atol=1e-9)
    assert certificate.bound <= certificate.objective * (1 + 1e-12)
    assert certificate.gap < 1e-6


@pytest.mark.parametrize("name", ["medium 10", "medium 12", "medium 15", "large 40", "faults 33"])
@pytest.mark.parametrize("classes", [("exit",), ("core", "provincial"), ("overseas", "gateway")])
@pytest.mark.parametrize("others_cap", [0.3, 1.0])
def test_some_classes_count_and_the_others_are_capped(name, classes, others_cap):
    network, demands, can, other = case(name)
    reach = in_reach(name)
    counted = reach & np.isin(np.repeat(network.link_class, 2), classes)
    routes = MinMax(classes=classes, others_cap=others_cap).route(network, demands)
    used = utilisation(network, demands, routes)
    rest = reach & ~counted
    cap = max(others_cap, other.least_mlu(rest))
    assert used[rest].max() <= cap * (1 + 1e-8) + 1e-8
    caps = np.where(rest, cap * (1 + 1e-8) + 1e-8, np.inf)
    expected = other._solve(other.theta, counted, caps)
    assert routes.certificate.mlu == pytest.approx(expected, abs=1e-7)
    assert used[counted].max() == pytest.approx(routes.certificate.mlu, rel=1e-8, abs=1e-9)
    assert routes.certificate.gap < 1e-6
    assert np.isfinite(routes.certificate.mlu_bound)
    limit = np.where(counted, routes.certificate.mlu * (1 + 1e-8), caps)
    found = mean_ms(network, demands, routes, can)
    assert found == pytest.approx(other.least_latency(limit), rel=1e-6)


# -- two links ---------------------------------------------------------------------------------


def two_links(c1=10.0, c2=30.0, d1=1.0, d2=2.0):
    network = make_tiny(("fast", "s", "t", c1, 1, d1), ("slow", "s", "t", c2, 1, d2))
    return network, Demands.of(network, ["s"], ["t"], [12.0])


def test_two_links_fill_alike():
    """Minimum MLU is demand over all capacity."""
    network, demands = two_links()
    routes = MinMax().route(network, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], [3, 9], atol=1e-6)
    assert routes.certificate.mlu == pytest.approx(0.3, abs=1e-8)
    assert routes.certificate.objective == pytest.approx(3 * 1 + 9 * 2, rel=1e-7)


@pytest.mark.parametrize(
    ("cap", "fast"),
    [(0.2, 3.0), (0.3, 3.0), (0.4, 4.0), (0.85, 8.5), (1.0, 10.0), (1.2, 12.0), (5.0, 12.0)],
)
def test_the_fast_link_fills_to_the_cap_first(cap, fast):
    network, demands = two_links()
    routes = MinLatency(utilisation_cap=cap).route(network, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], [fast, 12 - fast], atol=1e-6)


@pytest.mark.parametrize(("background", "fast"), [((0, 0), 8.5), ((5, 0), 3.5), ((9, 0), 0.0)])
def test_background_takes_its_room(background, fast):
    network, demands = two_links()
    load = np.array([background[0], 0.0, background[1], 0.0])
    routes = MinLatency(utilisation_cap=0.85).route(network.carrying(load), demands)
    found = routes.loads(demands.gbps)[::2]
    if background[0] == 9:  # fuller than the cap already: nothing more goes there
        np.testing.assert_allclose(found, [0, 12], atol=1e-6)
        assert routes.certificate.mlu == pytest.approx(0.9)
    else:
        np.testing.assert_allclose(found, [fast, 12 - fast], atol=1e-6)


def test_background_counts_for_the_mlu():
    network, demands = two_links()
    routes = MinMax().route(network.carrying(np.array([4.0, 0.0, 0.0, 0.0])), demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], [0, 12], atol=1e-6)
    assert routes.certificate.mlu == pytest.approx(0.4, abs=1e-8)
    # Background in proportion to capacity leaves the split as it is.
    routes = MinMax().route(network.carrying(np.array([2.0, 0.0, 6.0, 0.0])), demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], [3, 9], atol=1e-6)
    assert routes.certificate.mlu == pytest.approx(0.5, abs=1e-8)


def test_background_beyond_capacity_is_no_reason_to_stop():
    network, demands = two_links()
    full = network.carrying(np.array([15.0, 0.0, 40.0, 0.0]))
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(full, demands)
        np.testing.assert_allclose(routes.served, 1.0)
        assert routes.certificate.gap < 1e-6
    # (15 + x) / 10 = (40 + 12 - x) / 30
    x = (52 / 30 - 1.5) / (1 / 10 + 1 / 30)
    loads = MinMax().route(full, demands).loads(demands.gbps)[::2]
    np.testing.assert_allclose(loads, [x, 12 - x], atol=1e-6)


def test_more_than_fits_is_spread_evenly():
    network, demands = two_links()
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(network, demands.scaled(10))
        assert routes.certificate.mlu == pytest.approx(3.0, rel=1e-8)
        np.testing.assert_allclose(routes.served, 1.0)


# -- corners -----------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("scheme", [MinMax(), MinLatency(utilisation_cap=0)], ids=lambda s: s.kind)
def test_light_and_heavy_traffic_is_spread_alike(scheme, factor):
    """Without a cap only proportions count, however full or empty the network is."""
    network, demands = two_links()
    routes = scheme.route(network, demands.scaled(factor))
    np.testing.assert_allclose(routes.loads(np.ones(1))[::2], [0.25, 0.75], atol=1e-6)
    assert routes.certificate.mlu == pytest.approx(0.3 * factor, rel=1e-6)
    assert routes.certificate.gap < 1e-6


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3])
def test_light_and_heavy_traffic_on_a_real_network(factor):
    network, demands = built_in("china169-mini")
    certificate = MinMax().route(network, demands.scaled(factor)).certificate
    assert certificate.mlu == pytest.approx(0.72 * factor, rel=1e-6)
    assert certificate.gap < 1e-6


@pytest.mark.parametrize("huge", [1e5, 1e7, 1e9, 1e12])
def test_a_link_without_end_changes_nothing(huge):
    """An access link of a made-up huge capacity is a common way to say: no limit here."""
    network = make_tiny(
        ("access", "r", "s", huge), ("fast", "s", "t", 10, 1, 1.0), ("slow", "s", "t", 30, 1, 2.0)
    )
    demands = Demands.of(network, ["r", "s"], ["t", "t"], [8.0, 4.0])
    for scheme, fast in ((MinMax(), 3.0), (MinLatency(utilisation_cap=0.85), 8.5)):
        routes = scheme.route(network, demands)
        np.testing.assert_allclose(routes.loads(demands.gbps)[2::2], [fast, 12 - fast], atol=1e-5)
        assert routes.certificate.gap < 1e-6


@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_huge_access_links_on_a_random_network(factor):
    network, demands, *_ = case("medium 12")
    usual = MinMax(classes=("core", "provincial", "gateway", "exit", "overseas"), others_cap=9.0)
    access = np.repeat(network.link_class == "access", 2)
    wide = network.under(capacity_gbps=network.capacity_gbps * np.where(access, factor, 1.0))
    expected = usual.route(network, demands).certificate.mlu
    routes = MinMax().route(wide, demands)
    used = utilisation(wide, demands, routes)
    assert used.max() == pytest.approx(expected, rel=1e-6)
    assert routes.certificate.gap < 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_the_certificate_tells_the_truth_on_links_of_any_size(seed):
    """Capacities over six orders of magnitude: what is claimed is what the routes do."""
    network, demands = make_random_case(seed)
    factor = 10 ** np.random.default_rng(seed).uniform(0, 6, len(network.tail))
    network = network.under(capacity_gbps=network.capacity_gbps * factor)
    routes = MinMax().route(network, demands)
    found = utilisation(network, demands, routes).max()
    assert found == pytest.approx(routes.certificate.mlu, rel=1e-6)
    assert routes.certificate.gap < 1e-6


def test_classes_that_need_carry_nothing():
    network, demands, *_ = case("small 0")
    certificate = MinMax(classes=("core",), others_cap=1.0).route(network, demands).certificate
    assert certificate.mlu == pytest.approx(0.0, abs=1e-8)
    assert certificate.gap < 1e-6


def test_a_tiny_demand_beside_a_large_one():
    network, _ = two_links()
    demands = Demands.of(network, ["s", "s", "t"], ["t", "t", "s"], [12.0, 1e-12, 0.0])
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(network, demands)
        np.testing.assert_allclose(routes.served, 1.0)
        assert routes.certificate.gap < 1e-6
    assert MinMax().route(network, demands).certificate.mlu == pytest.approx(0.3, abs=1e-8)


def test_many_tiny_demands_add_up():
    network = make_tiny(
        ("fast", "s", "t", 1e3, 1, 1.0), ("slow", "s", "t", 3e3, 1, 2.0),
        *((f"a{i}", f"n{i}", "s", 1e6) for i in range(40)),
    )  # fmt: skip
    ends = [f"n{i}" for i in range(40)] * 25
    demands = Demands.of(network, ends, ["t"] * 1000, np.full(1000, 9e-5))
    routes = MinMax().route(network, demands)
    total = routes.loads(demands.gbps)[:3:2]
    np.testing.assert_allclose(total / total.sum(), [0.25, 0.75], atol=1e-6)


def test_nothing_to_route():
    network, demands = two_links()
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(network, demands.scaled(0))
        np.testing.assert_allclose(routes.served, 1.0)
        assert routes.loads(np.ones(1))[0] == 1  # all on the fast link
        assert routes.certificate.gap == 0


def test_who_cannot_be_served_is_left_out_and_the_rest_is_optimal():
    network, _ = two_links()
    wider = make_tiny(
        ("fast", "s", "t", 10, 1, 1.0), ("slow", "s", "t", 30, 1, 2.0), ("xy", "x", "y", 5)
    )
    demands = Demands.of(wider, ["s", "s", "x"], ["t", "y", "t"], [12.0, 7.0, 100.0])
    for scheme, fast in ((MinMax(), 3.0), (MinLatency(), 8.5)):
        routes = scheme.route(wider, demands)
        np.testing.assert_allclose(routes.served, [1, 0, 0])
        np.testing.assert_allclose(routes.loads(demands.gbps)[[0, 2]], [fast, 12 - fast], atol=1e-6)


def test_cables_cut_on_the_mini_leave_the_rest_optimal():
    network, demands = built_in("china169-mini")
    hurt = network.failed(nodes=["pop-tokyo"])
    routes = MinMax().route(hurt, demands)
    ends = np.isin(demands.nodes, ["pop-tokyo"])
    lost = ends[demands.source] | ends[demands.target]
    np.testing.assert_allclose(routes.served, ~lost)
    alone = MinMax().route(hurt, demands.take(~lost))
    assert routes.certificate.mlu == pytest.approx(alone.certificate.mlu, rel=1e-9)


def test_directions_have_capacities_of_their_own():
    network = make_tiny(("one", "s", "t", 10), ("two", "s", "t", 10))
    network = network.with_link("one", capacity_gbps=10, capacity_ba_gbps=30)
    for ends, expected in (("st", [4, 0, 4, 0]), ("ts", [0, 6, 0, 2])):
        demands = Demands.of(network, ends[0], ends[1], [8.0])
        loads = MinMax().route(network, demands).loads(demands.gbps)
        np.testing.assert_allclose(loads, expected, atol=1e-6)


def test_a_direction_without_capacity_is_no_way():
    """Up, but cut down to nothing in one direction."""
    network = make_tiny(("one", "s", "t", 10), ("two", "s", "t", 10))
    network = network.under(capacity_gbps=np.array([10.0, 0.0, 10.0, 10.0]))
    demands = Demands.of(network, ["s", "t"], ["t", "s"], [8.0, 8.0])
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(network, demands)
        loads = routes.loads(demands.gbps)
        np.testing.assert_allclose(loads[[1, 3]], [0, 8], atol=1e-6)
        assert np.isfinite(routes.certificate.mlu)


def test_links_without_delay():
    """Zero delay everywhere: any optimum will do, and no path runs in a circle."""
    network, demands, can, _ = case("medium 16")
    graph = network.graph.copy()
    for *_, data in graph.edges(data=True):
        data["delay_ms"] = 0.0
    still = type(network)(graph, network.about)
    for scheme in (MinMax(), MinLatency()):
        routes = scheme.route(still, demands)
        np.testing.assert_allclose(routes.served, can, atol=1e-9)
        assert routes.certificate.objective == pytest.approx(0.0, abs=1e-9)
        assert routes.certificate.gap < 1e-6


def test_classes_that_no_link_has():
    """Nothing counts: the least latency with all others capped."""
    network, demands = two_links()
    routes = MinMax(classes=("exit",), others_cap=0.85).route(network, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], [8.5, 3.5], atol=1e-6)


def test_unknown_classes_are_refused():
    network, demands = two_links()
    with pytest.raises(ValueError, match="exit"):
        MinMax(classes=("exits",)).route(network, demands)


def test_the_certificate_sees_a_gap(monkeypatch):
    """Stopped early, it does not claim to be optimal."""
    network, demands = built_in("china169-mini")
    monkeypatch.setattr(candidates, "FIRST_EXITS", 1)
    monkeypatch.setattr(path_problem, "MAX_ROUNDS", 1)
    certificate = MinMax().route(network, demands).certificate
    best = 0.72
    assert certificate.mlu > best + 1e-3
    assert certificate.mlu_bound <= best + 1e-9
    assert certificate.gap > 1e-3


@pytest.mark.parametrize("cable", ["TPE", "APG", "GD-HK"])
def test_pricing_ends_by_itself(cable):
    """A path that stands in the program already is not priced in again, round after round."""
    network, demands = built_in("china169-2017")
    certificate = MinMax().route(network.failed(cables=[cable]), demands).certificate
    assert certificate.rounds < 100
