"""The SDN schemes against figures worked out by hand, and against programs written another way."""

import functools

import networkx as nx
import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from helpers import TWO_EXITS, asks, two_exits
from scipy import sparse
from scipy.optimize import linprog
from test_optimisers import LinkFlow

import simulator as sim
from simulator.model.demands import Demands
from simulator.optimise.fortz_thorup import phi
from simulator.paths.candidates import fastest_paths
from simulator.routing.congestion_cost import CongestionCost
from simulator.routing.detour import Detour
from simulator.routing.max_min_fair import MaxMinFair
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax
from simulator.routing.semi_oblivious import SemiOblivious


def parallel(*capacities, delays=None):
    """Links side by side from s to t."""
    delays = delays or [1.0] * len(capacities)
    links = enumerate(zip(capacities, delays, strict=True))
    return make_tiny(*((f"l{i}", "s", "t", gbps, 1, ms) for i, (gbps, ms) in links))


def loads(network, demands, scheme):
    """Load of every link in its first direction."""
    return scheme.route(network, demands).loads(demands.gbps)[::2]


@functools.cache
def case(seed, size="medium"):
    """A random network, every other one with load that is not steered."""
    network, demands = make_random_case(seed, size)
    if seed % 2:
        part = np.random.default_rng(seed).uniform(0, 0.3, len(network.tail))
        network = network.carrying(part * network.capacity_gbps)
    return network, demands


# -- detour ------------------------------------------------------------------------------------


def exits(network, demands, **options):
    """Load of the near and of the far exit of ``TWO_EXITS``."""
    return loads(network, demands, Detour(**options))[2:]


@pytest.mark.parametrize(
    ("gbps", "near"),
    [(95, 95), (96, 86.4), (100, 90), (110, 88), (150, 90), (200, 120), (400, 320)],
)
def test_groups_leave_a_full_exit(gbps, near):
    """Tenths leave until 95 are left, as long as the other exit stays at 80 or below."""
    network = two_exits()
    demands = asks(network, ("home", "abroad", gbps))
    np.testing.assert_allclose(exits(network, demands), [near, gbps - near])


@pytest.mark.parametrize(
    ("share", "near"), [(1.0, 100), (0.8, 20), (0.5, 50), (0.3, 70), (0.05, 95), (0.01, 95)]
)
def test_a_group_moves_as_one_piece(share, near):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 100))
    np.testing.assert_allclose(exits(network, demands, group_share=share), [near, 100 - near])


def test_the_last_piece_is_what_is_left():
    """Of 30, 30, 30 and 10, with all to move and room for all."""
    network = two_exits(far=1000)
    demands = asks(network, ("home", "abroad", 100))
    options = {"group_share": 0.3, "high": 0.05, "low": 0.05}
    np.testing.assert_allclose(exits(network, demands, **options), [70, 30])
    options = {"group_share": 0.3, "high": 0.05, "low": 0.01}
    np.testing.assert_allclose(exits(network, demands, **options), [100, 0])
    everything = Detour(group_share=0.3, high=0.05, low=0.05)
    wide = two_exits(far=10_000)
    routes = everything.route(wide, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[4:8:2], [0, 100])
    assert len(list(routes.paths())) == 1, "nothing is left behind, not even by rounding"


def test_moves_are_counted():
    network = two_exits(far=1000)
    demands = asks(network, ("home", "abroad", 200))
    for most, near in [(0, 200), (1, 180), (3, 140), (5, 100), (6, 80), (None, 80)]:
        np.testing.assert_allclose(exits(network, demands, max_moves=most), [near, 200 - near])


@pytest.mark.parametrize(("near", "far", "left"), [(30, 0, 60), (0, 75, 100), (0, 70, 90)])
def test_load_that_is_not_steered_counts(near, far, left):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 70 if near else 100))
    background = np.zeros(len(network.tail))
    background[[4, 6]] = near, far
    found = exits(network.carrying(background), demands)
    np.testing.assert_allclose(found[0], left if not near else 63)


def test_the_least_added_latency_goes_first():
    """Two sources, one with a longer way to the other exit: the other one moves."""
    network = make_tiny(
        ("a-near", "a", "gw-near", 1000, 1, 1.0), ("a-far", "a", "gw-far", 1000, 1, 9.0),
        ("b-near", "b", "gw-near", 1000, 1, 1.0), ("b-far", "b", "gw-far", 1000, 1, 5.0),
        *TWO_EXITS[2:], **{"abroad": "pop", "gw-near": "gateway", "gw-far": "gateway"},
    )  # fmt: skip
    demands = asks(network, ("a", "abroad", 60), ("b", "abroad", 60))
    routes = Detour().route(network, demands)
    far = network.link_index["far"] * 2
    np.testing.assert_allclose(routes.matrix.toarray()[far], [0.0, 0.5])
    # Where both would lose as much, the larger group goes: fewer moves.
    even = network.with_link("a-far", delay_ms=5.0)
    for gbps, share in [((70, 50), [0.4, 0.0]), ((50, 70), [0.0, 0.4])]:
        asked = asks(even, ("a", "abroad", gbps[0]), ("b", "abroad", gbps[1]))
        found = Detour().route(even, asked).matrix.toarray()[far]
        np.testing.assert_allclose(found, share)


def test_both_directions_are_minded_for_themselves():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 100), ("abroad", "home", 90))
    found = Detour().route(network, demands).loads(demands.gbps)
    np.testing.assert_allclose(found[4:], [90, 90, 10, 0])


def test_the_start_is_by_latency_or_by_metric():
    network = two_exits().with_link("far", metric=1.0).with_link("to-far", metric=0.5)
    demands = asks(network, ("home", "abroad", 50))
    np.testing.assert_allclose(exits(network, demands), [50, 0])
    np.testing.assert_allclose(exits(network, demands, start="igp"), [0, 50])
    # Back to the faster exit is a move as any other.
    demands = asks(network, ("home", "abroad", 100))
    np.testing.assert_allclose(exits(network, demands, start="igp"), [10, 90])


@pytest.mark.parametrize("seed", range(10, 30))
@pytest.mark.parametrize("start", ["fastest", "igp"])
def test_who_takes_groups_in_is_never_too_full(seed, start):
    network, demands = case(seed)
    before = Detour(start=start, max_moves=0).route(network, demands)
    after = Detour(start=start).route(network, demands)
    arcs = np.concatenate(list(network.exit_arcs.values()))
    old, new = ((r.loads(demands.gbps) + network.background_gbps)[arcs] for r in (before, after))
    full = network.capacity_gbps[arcs]
    takes, gives = new > old + 1e-9, new < old - 1e-9
    assert (new[takes] <= 0.80 * full[takes] + 1e-9).all()
    assert (old[gives] > 0.95 * full[gives]).all()
    # No group too many: one less, and it would be above 95 % still.
    piece = 0.1 * demands.gbps.max()
    assert (new[gives] + piece > 0.95 * full[gives]).all()
    again = Detour(start=start).route(network, demands, before)
    assert abs(again.matrix - after.matrix).max() == 0, "what is in force does not matter"


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="low"):
        Detour(high=0.7)
    for share in (0.0, 1.1):
        with pytest.raises(ValueError):
            Detour(group_share=share)


# -- congestion cost ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gbps", "cost"),
    [(15, 15), (20, 20), (24, 20 + 12), (40, 20 + 60), (54, 80 + 140), (60, 640), (66, 3640)],
)
def test_cost_of_two_equal_links(gbps, cost):
    """Segments of 10, 10, 7, 3, 3 Gbps on each of two links, cheapest first."""
    network = parallel(30, 30)
    routes = CongestionCost(latency_weight=0).route(network, asks(network, ("s", "t", gbps)))
    assert routes.certificate.objective == pytest.approx(cost / gbps, rel=1e-8)
    assert routes.certificate.gap < 1e-8


def test_full_load_costs_ten_and_two_thirds():
    network = parallel(30)
    routes = CongestionCost(latency_weight=0).route(network, asks(network, ("s", "t", 30)))
    assert routes.certificate.objective == pytest.approx(10 + 2 / 3)
    assert phi(30.0, 30.0) == pytest.approx(320)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(0.5, [14, 10]), (1, [14, 10]), (1.9, [14, 10]), (2.1, [20, 4]), (8.9, [20, 4])]
    + [(9.1, [24, 0])],
)
def test_latency_buys_congestion(weight, expected):
    """Slope + weight x ms: the fast link 1, 3, 10 + w, the slow one 1, 3, 10 + 2 w; 24 to place."""
    network = parallel(30, 30, delays=[1.0, 2.0])
    demands = asks(network, ("s", "t", 24))
    scheme = CongestionCost(latency_weight=weight)
    np.testing.assert_allclose(loads(network, demands, scheme), expected, atol=1e-7)


def test_background_fills_the_cheap_segments():
    network = parallel(30, 30, delays=[1.0, 1.001])
    background = np.array([10.0, 0, 25.0, 0])
    demands = asks(network, ("s", "t", 12))
    found = CongestionCost().route(network.carrying(background), demands)
    # 10 at slope 3 on the first, then 2 at slope 10 on either: the first is faster.
    np.testing.assert_allclose(found.loads(demands.gbps)[::2], [12, 0], atol=1e-7)
    cost = phi(22.0, 30.0) - phi(10.0, 30.0)
    assert found.certificate.objective == pytest.approx(cost / 12 + 1)
    assert found.certificate.mlu == pytest.approx(25 / 30)


@functools.cache
def flow_on_links(seed, size, factor):
    """The program by flows on links, with the least latency and the fewest hops that it allows."""
    network, demands = case(seed, size)
    demands = demands.scaled(factor)
    can = MinLatency(utilisation_cap=1e9).route(network, demands).served > 0.5
    flow = LinkFlow(network, demands, can)
    arcs, count = len(network.tail), flow.load.shape[1]
    free = np.zeros(arcs, bool), np.full(arcs, np.inf)
    latency = flow._solve(flow.delay, *free, theta=(0, 0))
    fewest = flow._solve(np.append(np.ones(count), 0.0), *free, theta=(0, 0))
    return network, flow, latency, fewest, can


def least_congestion_cost(seed, size, factor, weight):
    """The optimum by flows on arcs, one commodity per target, in SciPy.

    As the hypograph: the cost of an arc is at least each of the lines that make up phi.
    """
    network, flow, latency, fewest, _ = flow_on_links(seed, size, factor)
    arcs, count = len(network.tail), flow.load.shape[1]
    slopes = np.array([1, 3, 10, 70, 500, 5000.0])
    at_zero = np.array([0, 2 / 3, 16 / 3, 178 / 3, 1468 / 3, 16318 / 3])
    live = network.up
    every = sparse.csr_array(sparse.eye_array(arcs))[live]
    rows = sparse.vstack([sparse.hstack([slope * flow.load[live], -every]) for slope in slopes])
    base, full = network.background_gbps[live], network.capacity_gbps[live]
    right = np.concatenate([z * full - s * base for s, z in zip(slopes, at_zero, strict=True)])
    balance = sparse.hstack(
        [flow.balance.tocsr()[:, :count], sparse.csr_array((len(flow.right), arcs))]
    )
    found = linprog(
        np.concatenate([weight * flow.delay[:-1] * fewest / latency, np.ones(arcs)]),
        A_ub=rows,
        b_ub=right,
        A_eq=balance,
        b_eq=flow.right,
        method="highs",
    )
    assert found.status == 0, found.message
    return (found.fun - phi(base, full).sum()) / fewest


@pytest.mark.parametrize("weight", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("factor", [0.3, 1.0, 3.0])
@pytest.mark.parametrize(
    ("seed", "size"),
    [(i, "small") for i in range(6)] + [(i, "medium") for i in (10, 11, 13)] + [(40, "large")],
)
def test_least_congestion_cost(seed, size, factor, weight):
    network, demands = case(seed, size)
    demands = demands.scaled(factor)
    routes = CongestionCost(latency_weight=weight).route(network, demands)
    certificate = routes.certificate
    np.testing.assert_array_equal(routes.served > 0.5, flow_on_links(seed, size, factor)[-1])
    expected = least_congestion_cost(seed, size, factor, weight)
    assert certificate.objective == pytest.approx(expected, rel=2e-7)
    assert certificate.bound <= certificate.objective
    assert certificate.gap < 1e-6
    load = routes.loads(demands.gbps) + network.background_gbps
    assert (load / network.capacity_gbps)[network.up].max() == pytest.approx(certificate.mlu)


# -- max-min fair ------------------------------------------------------------------------------


def let_in(network, demands, **options):
    return MaxMinFair(**options).route(network, demands).served


def line(*rows):
    network = make_tiny(("ab", "a", "b", 10), ("bc", "b", "c", 6))
    return network, asks(network, *rows)


def test_fair_on_a_line():
    """The second link stops two of three at 3/8; the third takes what is left of the first."""
    network, demands = line(("a", "c", 8), ("a", "b", 8), ("b", "c", 8))
    for by in ("fraction", "rate"):
        found = let_in(network, demands, by=by)
        np.testing.assert_allclose(found, [3 / 8, 7 / 8, 3 / 8], rtol=1e-8)


def test_fractions_and_rates_are_not_the_same():
    network, demands = line(("a", "c", 2), ("a", "b", 16), ("b", "c", 8))
    found = let_in(network, demands, by="rate")
    np.testing.assert_allclose(found * demands.gbps, [2, 8, 4], rtol=1e-8)
    found = let_in(network, demands)
    # First 10 / 18 of a > c and a > b on the first link, then 6 less 10 / 9 on the second.
    np.testing.assert_allclose(found, [5 / 9, 5 / 9, (6 - 10 / 9) / 8], rtol=1e-8)


def test_fair_on_a_triangle():
    """14 of 20 reach c, 4 of them by way of b; who goes to b is not held back by that."""
    network = make_tiny(("ab", "a", "b", 10), ("ac", "a", "c", 10), ("bc", "b", "c", 4))
    demands = asks(network, ("a", "b", 4), ("a", "c", 20))
    np.testing.assert_allclose(let_in(network, demands), [1, 0.7], rtol=1e-8)
    demands = asks(network, ("a", "b", 12), ("a", "c", 12))
    np.testing.assert_allclose(let_in(network, demands), [10 / 12, 10 / 12], rtol=1e-8)


@pytest.mark.parametrize("links", [1, 2, 5, 20])
@pytest.mark.parametrize("gbps", [3.0, 30.0, 300.0, 3e6])
def test_parallel_links_give_all_they_have(links, gbps):
    network = parallel(*[3.0] * links)
    demands = asks(network, ("s", "t", gbps))
    np.testing.assert_allclose(let_in(network, demands), min(1, links * 3 / gbps), rtol=1e-8)
    np.testing.assert_allclose(
        let_in(network, demands, utilisation_cap=0.5), min(1, links * 1.5 / gbps), rtol=1e-8
    )


def test_background_takes_its_room_first():
    network = parallel(10, 10)
    demands = asks(network, ("s", "t", 10))
    for background, expected in [((4, 0), 1), ((8, 4), 0.8), ((12, 4), 0.6), ((12, 10), 0)]:
        load = np.array([background[0], 0.0, background[1], 0.0])
        routes = MaxMinFair().route(network.carrying(load), demands)
        assert routes.served[0] == pytest.approx(expected, rel=1e-8, abs=1e-12)
        found = routes.loads(demands.gbps)[::2]
        assert (found <= np.maximum(10 - np.array(background), 0) + 1e-7).all()


def water_filling(network, demands, by):
    """Raise all; then ask of each demand alone whether it could have more. Flows on arcs."""
    count, nodes, arcs = len(demands), len(network.nodes), len(network.tail)
    own, flows, balances, begins = [], [], [], []
    for k in range(count):
        target, source = demands.target[k], demands.source[k]
        usable = network.usable(bool(network.is_abroad[target])) & (network.tail != target)
        usable &= ~network.is_stub[network.head] | (network.head == target)
        usable &= ~network.is_stub[network.tail] | (network.tail == source)
        own = np.flatnonzero(usable)
        n, one = np.arange(len(own)), np.ones(len(own))
        out = sparse.csr_array((one, (network.tail[own], n)), (nodes, len(own)))
        into = sparse.csr_array((one, (network.head[own], n)), (nodes, len(own)))
        rest = np.arange(nodes) != target
        balances.append(sparse.csr_array(out - into)[rest])
        begins.append((np.arange(nodes) == source)[rest] * demands.gbps[k])
        flows.append(sparse.csr_array((one, (own, n)), (arcs, len(own))))
    columns = sum(flow.shape[1] for flow in flows)
    shares = sparse.block_diag([begin[:, None] for begin in begins])
    # Variables: flows, shares, the level.
    balance = sparse.hstack(
        [sparse.block_diag(balances), -shares, sparse.csr_array((shares.shape[0], 1))]
    )
    load = sparse.hstack([*flows, sparse.csr_array((arcs, count + 1))])
    room = network.capacity_gbps - network.background_gbps
    unit = np.ones(count) if by == "fraction" else demands.gbps

    def solve(cost, low, level, growing):
        above = sparse.hstack(
            [
                sparse.csr_array((count, columns)),
                -sparse.diags_array(unit),
                sparse.csr_array(np.ones((count, 1))),
            ]
        ).tocsr()[growing]
        found = linprog(
            cost,
            A_ub=sparse.vstack([sparse.csr_array(load)[network.up], above]),
            b_ub=np.concatenate([room[network.up], np.zeros(growing.sum())]),
            A_eq=balance,
            b_eq=np.zeros(balance.shape[0]),
            bounds=[(0, None)] * columns + [(t, 1) for t in low] + [level],
            method="highs",
        )
        assert found.status == 0, found.message
        return found.x

    share, growing, level = np.zeros(count), np.ones(count, bool), 0.0
    while growing.any():
        raise_all = np.zeros(columns + count + 1)
        raise_all[-1] = -1
        level = solve(raise_all, share * (1 - 1e-9), (level * (1 - 1e-9), None), growing)[-1]
        share = np.where(growing, level / unit, share)
        for k in np.flatnonzero(growing):
            one = np.zeros(columns + count + 1)
            one[columns + k] = -1
            most = solve(one, share * (1 - 1e-8), (0, 0), growing)[columns + k]
            growing[k] = most > share[k] + 1e-6
    return share


@pytest.mark.parametrize("by", ["fraction", "rate"])
@pytest.mark.parametrize(
    ("seed", "factor"),
    [(0, 2), (1, 5), (2, 5), (3, 5)]
    + [pytest.param(*each, marks=pytest.mark.slow) for each in [(4, 2), (5, 20), (6, 3), (7, 1)]],
)
def test_fair_as_by_brute_force(seed, factor, by):
    network, demands = case(seed, "small")
    demands = demands.scaled(factor)
    can = MinLatency().route(network, demands).served > 0.5
    demands = demands.take(can)
    routes = MaxMinFair(by=by).route(network, demands)
    expected = water_filling(network, demands, by)
    assert expected.min() < 1, "nothing is scarce here"
    np.testing.assert_allclose(routes.served, expected, atol=3e-7)


def least_latency_of(network, demands):
    return LinkFlow(network, demands, np.ones(len(demands), bool)).least_latency(1 + 1e-8)


@pytest.mark.parametrize("by", ["fraction", "rate"])
@pytest.mark.parametrize("seed", [10, 11, 12, 13, 14, 15])
def test_the_fastest_of_the_fair(seed, by):
    network, demands = case(seed)
    demands = demands.scaled(4)
    demands = demands.take(MinLatency().route(network, demands).served > 0.5)
    routes = MaxMinFair(by=by).route(network, demands)
    used = (routes.loads(demands.gbps) + network.background_gbps) / network.capacity_gbps
    assert used.max() <= 1 + 1e-8
    allotted = demands.with_gbps(demands.gbps * routes.served)
    spent = float(allotted.gbps @ routes.arrivals(network.delay_ms)[1])
    assert spent == pytest.approx(least_latency_of(network, allotted), rel=1e-6)
    assert spent == pytest.approx(routes.certificate.objective, rel=1e-7)
    assert routes.certificate.gap < 1e-6
    assert (routes.served > 0).all()


@pytest.mark.parametrize("factor", [1.0, 1e3, 1e6])
def test_overload_of_any_size_is_shared_alike(factor):
    """On the small built-in network: twice the load, half the fractions, all the same rates."""
    network, demands = built_in("china169-mini")
    heavy = demands.scaled(100)
    first = let_in(network, heavy) * heavy.gbps
    more = heavy.scaled(factor)
    np.testing.assert_allclose(let_in(network, more) * more.gbps, first, rtol=1e-6)


def test_what_fits_is_let_in_and_takes_the_least_latency():
    network, demands = built_in("china169-mini")
    routes = MaxMinFair(utilisation_cap=0.85).route(network, demands)
    other = MinLatency(utilisation_cap=0.85).route(network, demands)
    np.testing.assert_allclose(routes.served, 1.0, atol=1e-12)
    assert routes.certificate.objective == pytest.approx(other.certificate.objective, rel=1e-9)
    np.testing.assert_allclose(routes.loads(demands.gbps), other.loads(demands.gbps), atol=1e-6)


@pytest.mark.slow
def test_a_real_overload_is_blocked_at_the_exits():
    """Twice the traffic of 2017: inbound over all exits together is what is scarce."""
    network, demands = built_in("china169-2017")
    demands = demands.scaled(2)
    served = let_in(network, demands)
    inbound = demands.of_class("international_in")
    np.testing.assert_allclose(served[~inbound], 1.0, atol=1e-9)
    mlu = MinMax().route(network, demands).certificate.mlu
    assert served[inbound].min() == pytest.approx(1 / mlu, rel=1e-7)


# -- limited paths -----------------------------------------------------------------------------

RANDOM = [(i, "small") for i in range(6)] + [(i, "medium") for i in range(10, 16)]
SMALL_FIRST = [pytest.param(*each, marks=[pytest.mark.slow] * (each[0] > 9)) for each in RANDOM]


@functools.cache
def least_mlu(seed, size):
    """Certificate of the optimum over all paths."""
    return MinMax().route(*case(seed, size)).certificate


@pytest.mark.parametrize(("seed", "size"), RANDOM)
def test_the_gap_is_what_the_limit_costs(seed, size):
    network, demands = case(seed, size)
    best = least_mlu(seed, size)
    reached = np.inf
    for count in (1, 2, 4, 64):
        routes = MinMax(paths=count).route(network, demands)
        certificate = routes.certificate
        assert certificate.status == "limited paths"
        assert certificate.mlu_bound == pytest.approx(best.mlu, rel=1e-7, abs=1e-9)
        assert certificate.mlu <= reached * (1 + 1e-8)
        assert certificate.gap >= 1 - best.mlu / certificate.mlu - 1e-7
        used = (routes.loads(demands.gbps) + network.background_gbps) / network.capacity_gbps
        assert used[network.up].max() == pytest.approx(certificate.mlu, rel=1e-7)
        paths = np.bincount([demand for demand, _, _ in routes.paths()])
        assert paths.max() <= count
        reached = certificate.mlu
    assert reached == pytest.approx(best.mlu, rel=1e-7)
    assert certificate.gap < 1e-5


@pytest.mark.parametrize(("seed", "size"), RANDOM)
def test_latency_that_the_limit_costs(seed, size):
    network, demands = case(seed, size)
    for count in (1, 3, 64):
        limited = MinLatency(utilisation_cap=0.6, paths=count).route(network, demands).certificate
        # All paths, held to the utilisation that the few reached.
        cap = max(limited.mlu * (1 + 1e-9), 0.6)
        free = MinLatency(utilisation_cap=cap).route(network, demands).certificate
        assert limited.bound == pytest.approx(free.objective, rel=1e-6)
    assert limited.gap < 1e-6


def test_enough_paths_are_exact_on_the_built_in_network():
    network, demands = built_in("china169-2017")
    best = MinMax().route(network, demands).certificate.mlu
    few = MinMax(paths=4).route(network, demands).certificate
    assert few.mlu == pytest.approx(0.6571, abs=1e-4)
    assert few.mlu_bound == pytest.approx(best, rel=1e-7)
    assert few.gap == pytest.approx(few.mlu / best - 1, rel=1e-6)


def simple_paths(network, source, target, weight):
    """Lengths of all simple paths under the rules, shortest first, by NetworkX."""
    usable = network.usable(bool(network.is_abroad[target]))
    usable &= ~network.is_stub[network.head] | (network.head == target)
    usable &= ~network.is_stub[network.tail] | (network.tail == source)
    graph = nx.MultiDiGraph()
    for arc in np.flatnonzero(usable):
        graph.add_edge(network.tail[arc], network.head[arc], key=arc)
    if source not in graph or target not in graph:
        return []
    found = nx.all_simple_edge_paths(graph, source, target)
    return sorted(sum(weight[arc] for _, _, arc in path) for path in found)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("count", [1, 3, 10])
def test_the_fastest_paths_are_the_fastest(seed, count):
    network, demands = case(seed, "small")
    weight = network.delay_ms + 1e-6
    paths = fastest_paths(network, demands, count)
    length = paths.sums(weight)
    crosses = np.isin(demands.traffic_class, ["international_out", "international_in"])
    for k in range(len(demands)):
        mine = np.flatnonzero(paths.demand == k)
        every = simple_paths(network, demands.source[k], demands.target[k], weight)
        assert len(mine) == min(count, len(every))
        if not len(mine):
            continue
        assert length[mine[0]] == pytest.approx(every[0], rel=1e-9)
        if not crosses[k]:
            np.testing.assert_allclose(np.sort(length[mine]), every[:count], rtol=1e-9)
            continue
        arcs = [paths.arcs[paths.starts[p] : paths.starts[p + 1]] for p in mine]
        used = [int(a[np.isin(a // 2, network.exits)][0]) for a in arcs]
        ways = len(set(used))
        assert len(set(used[:ways])) == ways, "one exit twice before another has come once"


# -- semi-oblivious ----------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "size"), SMALL_FIRST)
def test_semi_oblivious_is_exact_with_enough_paths(seed, size):
    network, demands = case(seed, size)
    best = MinMax().route(network, demands)
    routes = SemiOblivious(paths=64).route(network, demands)
    assert routes.certificate.mlu == pytest.approx(best.certificate.mlu, rel=1e-7)
    assert routes.certificate.objective == pytest.approx(best.certificate.objective, rel=1e-6)
    assert routes.certificate.gap < 1e-6


@pytest.mark.parametrize(("seed", "size"), RANDOM)
def test_the_gap_is_what_the_choice_of_paths_costs(seed, size):
    network, demands = case(seed, size)
    best = least_mlu(seed, size).mlu
    certificate = SemiOblivious(paths=2).route(network, demands).certificate
    assert certificate.status == "limited paths"
    assert certificate.mlu_bound == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert certificate.gap >= 1 - best / certificate.mlu - 1e-7


@pytest.mark.parametrize("links", [2, 3, 4])
def test_semi_oblivious_uses_every_parallel_link(links):
    network = parallel(*[10.0] * links)
    demands = asks(network, ("s", "t", 12.0))
    np.testing.assert_allclose(loads(network, demands, SemiOblivious()), 12 / links, atol=1e-7)


def test_paths_do_not_depend_on_traffic():
    network, demands = built_in("china169-mini")
    random = np.random.default_rng(1)
    seen = [set() for _ in range(len(demands))]
    for _ in range(12):
        other = demands.with_gbps(demands.gbps * random.lognormal(0, 2, len(demands)))
        for demand, _, arcs in SemiOblivious(paths=3).route(network, other).paths():
            seen[demand].add(arcs)
    assert max(map(len, seen)) == 3


@pytest.mark.slow
def test_another_seed_draws_other_paths():
    network, demands = built_in("china169-2017")
    found = [SemiOblivious(seed=seed).route(network, demands).certificate.mlu for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    best = MinMax().route(network, demands).certificate.mlu
    assert max(found) < 1.1 * best


# -- corners that all of them meet -------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme",
    [Detour(), CongestionCost(), MaxMinFair(), SemiOblivious()]
    + [MinMax(paths=2), MinLatency(paths=2)],
    ids=lambda s: s.kind,
)
def test_a_direction_without_capacity_is_no_way(scheme):
    """Up, but cut down to nothing in one direction."""
    network = parallel(10, 10)
    network = network.under(capacity_gbps=np.array([10.0, 0.0, 10.0, 10.0]))
    demands = asks(network, ("s", "t", 8), ("t", "s", 8))
    routes = scheme.route(network, demands)
    assert routes.loads(demands.gbps)[1] == 0
    np.testing.assert_allclose(routes.served, 1.0)
    alone = Demands.of(network, ["t"], ["s"], [8.0])
    dead = network.under(capacity_gbps=np.array([10.0, 0.0, 10.0, 0.0]))
    assert scheme.route(dead, alone).served[0] == 0


@pytest.mark.parametrize("kind", ["congestion_cost", "semi_oblivious", "max_min_fair"])
@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3])
def test_light_and_heavy_traffic_on_a_real_network(kind, factor):
    network, demands = built_in("china169-mini")
    routes = sim.route(kind, network, demands.scaled(factor))
    assert routes.certificate.gap < (0.05 if kind == "semi_oblivious" else 1e-6)
    wide = network.under(capacity_gbps=network.capacity_gbps * factor)
    expected = sim.route(kind, network, demands).certificate.mlu
    found = sim.route(kind, wide, demands.scaled(factor)).certificate.mlu
    assert found == pytest.approx(expected, rel=1e-8)
