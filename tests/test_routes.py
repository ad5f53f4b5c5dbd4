"""Routes by hand: small networks whose answers fit in the head."""

import math
from dataclasses import replace

import numpy as np
import pytest
from conftest import make_tiny
from scipy import sparse

from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.routes import Routes, link_loads
from simulator.paths.candidates import fastest_paths
from simulator.routing.igp_ecmp import IgpEcmp

CHAIN = make_tiny(("ab", "a", "b", 10, 1, 3.0), ("bc", "b", "c", 4, 1, 5.0))
DIAMOND = make_tiny(
    ("sa", "s", "a", 10, 1, 1.0),
    ("sb", "s", "b", 10, 1, 2.0),
    ("at", "a", "t", 10, 1, 4.0),
    ("bt", "b", "t", 10, 1, 8.0),
    ("ab", "a", "b", 10, 1, 16.0),
)
SA, SB, AT, BT, AB = 0, 2, 4, 6, 8


def arcs_of(network, **loads):
    """An array over arcs from ``a_b=3``: from a to b, in all."""
    made = np.zeros(len(network.tail))
    names = [network.arc_name(i).replace(">", "_") for i in range(len(made))]
    for name, value in loads.items():
        made[names.index(name)] = value
    return made


def paths(network, demands, *rows):
    """Routes from ``(demand, share, arcs)``."""
    demand, share, arcs = zip(*rows, strict=True) if rows else ((), (), ())
    starts = np.concatenate([[0], np.cumsum([len(a) for a in arcs])]).astype(int)
    flat = np.array([arc for a in arcs for arc in a], dtype=int)
    return Routes.from_paths(
        network, demands, np.array(demand, int), np.array(share, float), flat, starts
    )


def splits(network, demands, **shares):
    """Routes to the only target from ``a_b=share``."""
    row = sparse.csr_array(arcs_of(network, **shares)[None])
    destination = np.unique(demands.target)
    return Routes.from_splits(network, demands, row, destination, np.zeros(len(demands), int))


@pytest.fixture
def two_ways():
    """Three quarters of s>t by a, a quarter by b; a>t by b."""
    return paths(DIAMOND, 2, (0, 0.75, (SA, AT)), (0, 0.25, (SB, BT)), (1, 1.0, (AB, BT)))


# -- from paths --------------------------------------------------------------------------------


def test_paths_load_their_arcs(two_ways):
    assert len(two_ways) == 2
    expected = arcs_of(DIAMOND, s_a=6, a_t=6, s_b=2, b_t=2 + 5, a_b=5)
    np.testing.assert_allclose(two_ways.loads(np.array([8.0, 5.0])), expected)
    np.testing.assert_allclose(two_ways.served, 1.0)
    np.testing.assert_allclose(two_ways.arrivals(DIAMOND.delay_ms)[1], [0.75 * 5 + 0.25 * 10, 24.0])
    assert two_ways.certificate is None


def test_loads_at_many_instants(two_ways):
    rates = np.array([[8.0, 0.0, 4.0], [5.0, 1.0, 0.0]])
    loads = two_ways.loads(rates)
    assert loads.shape == (len(DIAMOND.tail), 3)
    for i in range(3):
        np.testing.assert_allclose(loads[:, i], two_ways.loads(rates[:, i]))


def test_the_matrix_is_the_loads_of_one_gbps_each(two_ways):
    assert two_ways.matrix.shape == (len(DIAMOND.tail), 2)
    np.testing.assert_allclose(two_ways.matrix.toarray(), two_ways.loads(np.eye(2)))


def test_paths_come_back(two_ways):
    found = {(demand, tuple(map(int, arcs))): share for demand, share, arcs in two_ways.paths()}
    assert found == {
        (0, (SA, AT)): 0.75,
        (0, (SB, BT)): 0.25,
        (1, (AB, BT)): 1.0,
    }


def test_what_the_shares_leave_is_not_served():
    routes = paths(DIAMOND, 3, (0, 0.5, (SA, AT)), (2, 0.0, (SB, BT)))
    np.testing.assert_allclose(routes.served, [0.5, 0, 0])
    np.testing.assert_allclose(routes.loads(np.ones(3)), arcs_of(DIAMOND, s_a=0.5, a_t=0.5))
    delays = routes.arrivals(DIAMOND.delay_ms)[1]
    assert delays[0] == 5.0
    assert np.isnan(delays[1:]).all()


def test_no_paths_at_all():
    routes = paths(DIAMOND, 2)
    np.testing.assert_array_equal(routes.served, 0)
    np.testing.assert_array_equal(routes.loads(np.ones(2)), 0)
    assert routes.matrix.shape == (len(DIAMOND.tail), 2)
    assert list(routes.paths()) == []


# -- from splits -------------------------------------------------------------------------------


def test_splits_on_the_diamond():
    demands = Demands.of(DIAMOND, ["s", "a"], ["t", "t"], [8.0, 5.0])
    routes = splits(DIAMOND, demands, s_a=0.7, s_b=0.3, a_t=0.6, a_b=0.4, b_t=1.0)
    expected = arcs_of(DIAMOND, s_a=5.6, s_b=2.4, a_t=0.6 * 10.6, a_b=0.4 * 10.6, b_t=6.64)
    np.testing.assert_allclose(routes.loads(demands.gbps), expected)
    np.testing.assert_allclose(routes.served, 1.0)
    by_path = {tuple(map(int, arcs)): share for d, share, arcs in routes.paths() if d == 0}
    assert by_path == pytest.approx({(SA, AT): 0.42, (SA, AB, BT): 0.28, (SB, BT): 0.3})
    delay = 0.42 * 5 + 0.28 * 25 + 0.3 * 10
    np.testing.assert_allclose(routes.arrivals(DIAMOND.delay_ms)[1], [delay, 0.6 * 4 + 0.4 * 24])
    np.testing.assert_allclose(routes.matrix.toarray(), routes.loads(np.eye(2)))


def test_demands_forwarded_alike_share_their_hops():
    demands = Demands.of(DIAMOND, ["s", "s", "s"], ["t", "t", "t"], [1.0, 2.0, 3.0])
    routes = splits(DIAMOND, demands, s_a=0.5, s_b=0.5, a_t=1.0, b_t=1.0)
    np.testing.assert_allclose(
        routes.loads(demands.gbps), arcs_of(DIAMOND, s_a=3, s_b=3, a_t=3, b_t=3)
    )


def test_a_circle_is_refused():
    demands = Demands.of(DIAMOND, ["s"], ["t"], [1.0])
    with pytest.raises(ValueError, match="circle"):
        splits(DIAMOND, demands, s_a=1.0, a_b=0.5, a_t=0.5, b_a=0.1, b_t=0.9)


def test_a_circle_that_nobody_enters_does_no_harm():
    network = make_tiny(("ab", "a", "b", 1), ("bc", "b", "c", 1), ("de", "d", "e", 1))
    demands = Demands.of(network, ["a"], ["c"], [1.0])
    routes = splits(network, demands, a_b=1.0, b_c=1.0, d_e=1.0, e_d=1.0)
    np.testing.assert_allclose(routes.loads(demands.gbps), arcs_of(network, a_b=1, b_c=1))


def test_the_longest_way_decides_the_level():
    """Traffic that meets again after ways of unlike length is still added up right."""
    network = make_tiny(
        ("ab", "a", "b", 1), ("bc", "b", "c", 1), ("cd", "c", "d", 1),
        ("ac", "a", "c", 1), ("ad", "a", "d", 1), ("de", "d", "e", 1),
    )  # fmt: skip
    demands = Demands.of(network, ["a", "c"], ["e", "e"], [1.0, 1.0])
    shares = {"a_b": 0.5, "a_c": 0.25, "a_d": 0.25, "b_c": 1.0, "c_d": 1.0, "d_e": 1.0}
    routes = splits(network, demands, **shares)
    expected = arcs_of(network, a_b=0.5, a_c=0.25, a_d=0.25, b_c=0.5, c_d=1.75, d_e=2.0)
    np.testing.assert_allclose(routes.loads(demands.gbps), expected)
    np.testing.assert_allclose(routes.matrix.toarray(), routes.loads(np.eye(2)))


def test_too_many_paths_are_refused():
    network = make_tiny(
        *((f"{i}-{j}", f"n{i}", f"n{i + 1}", 1) for i in range(12) for j in range(3))
    )
    demands = Demands.of(network, ["n0"], ["n12"], [1.0])
    routes = IgpEcmp().route(network, demands)
    np.testing.assert_allclose(routes.loads(demands.gbps)[::2], 1 / 3)
    with pytest.raises(ValueError, match="1000 paths"):
        list(routes.paths(limit=1000))


# -- delay and loss ----------------------------------------------------------------------------


def chain():
    demands = Demands.of(CHAIN, ["a", "a", "b"], ["c", "b", "c"], [8.0, 4.0, 6.0])
    return IgpEcmp().route(CHAIN, demands), demands


def test_loss_on_a_chain():
    """Two links, 10 and 4 Gbps: offered 12, then what is left of 8, and 6."""
    routes, demands = chain()
    first = 10 / 12
    offered = 8 * first + 6
    second = 4 / offered
    kept = arcs_of(CHAIN, a_b=first, b_c=second)
    np.testing.assert_allclose(
        routes.loads(demands.gbps, kept), arcs_of(CHAIN, a_b=12.0, b_c=offered)
    )
    share, delay = routes.arrivals(CHAIN.delay_ms, kept)
    np.testing.assert_allclose(share, [first * second, first, second])
    np.testing.assert_allclose(delay, [8.0, 3.0, 5.0])


def test_all_lost_has_no_delay():
    routes, _ = chain()
    share, delay = routes.arrivals(CHAIN.delay_ms, arcs_of(CHAIN, a_b=1.0))
    np.testing.assert_allclose(share, [0, 1, 0])
    assert delay[1] == 3.0
    assert np.isnan(delay[[0, 2]]).all()


def test_nothing_lost_is_the_plain_delay():
    routes, demands = chain()
    share, delay = routes.arrivals(CHAIN.delay_ms)
    np.testing.assert_allclose(share, routes.served)
    np.testing.assert_allclose(delay, routes.arrivals(CHAIN.delay_ms)[1])
    ones = np.ones(len(CHAIN.tail))
    np.testing.assert_allclose(routes.arrivals(CHAIN.delay_ms, ones)[1], delay)
    np.testing.assert_allclose(routes.loads(demands.gbps, ones), routes.loads(demands.gbps))


def test_the_delay_is_of_what_arrives():
    """Half by each way, the fast way loses three quarters: a fifth arrives early."""
    routes = paths(DIAMOND, 1, (0, 0.5, (SA, AT)), (0, 0.5, (SB, BT)))
    kept = np.ones(len(DIAMOND.tail))
    kept[SA], kept[AT] = 0.5, 0.5
    share, delay = routes.arrivals(DIAMOND.delay_ms, kept)
    np.testing.assert_allclose(share, [0.125 + 0.5])
    np.testing.assert_allclose(delay, [0.2 * 5 + 0.8 * 10])


def test_many_instants_are_solved_at_once():
    demands = Demands.of(DIAMOND, ["s", "a", "b"], ["t", "t", "t"], [8.0, 5.0, 2.0])
    routes = splits(DIAMOND, demands, s_a=0.7, s_b=0.3, a_t=0.6, a_b=0.4, b_t=1.0)
    rng = np.random.default_rng(3)
    delay = rng.uniform(1, 9, (len(DIAMOND.tail), 4))
    kept = rng.uniform(0, 1, delay.shape)
    rates = rng.uniform(0, 9, (3, 4))
    loads = routes.loads(rates, kept)
    share, late = routes.arrivals(delay, kept)
    plain = routes.arrivals(delay)[1]
    for i in range(4):
        np.testing.assert_allclose(loads[:, i], routes.loads(rates[:, i], kept[:, i]))
        one_share, one_late = routes.arrivals(delay[:, i], kept[:, i])
        np.testing.assert_allclose(share[:, i], one_share)
        np.testing.assert_allclose(late[:, i], one_late)
        np.testing.assert_allclose(plain[:, i], routes.arrivals(delay[:, i])[1])
    carried = loads * kept
    into_t = DIAMOND.head == DIAMOND.node_index["t"]
    np.testing.assert_allclose(carried[into_t].sum(axis=0), (share * rates).sum(axis=0))


def test_loss_by_paths_and_by_splits_is_the_same():
    demands = Demands.of(DIAMOND, ["s"], ["t"], [8.0])
    one = splits(DIAMOND, demands, s_a=0.7, s_b=0.3, a_t=0.6, a_b=0.4, b_t=1.0)
    rows = [(d, share, tuple(arcs)) for d, share, arcs in one.paths()]
    other = paths(DIAMOND, 1, *rows)
    kept = np.random.default_rng(4).uniform(0, 1, len(DIAMOND.tail))
    np.testing.assert_allclose(one.loads(demands.gbps, kept), other.loads(demands.gbps, kept))
    for ours, theirs in zip(
        one.arrivals(DIAMOND.delay_ms, kept), other.arrivals(DIAMOND.delay_ms, kept), strict=True
    ):
        np.testing.assert_allclose(ours, theirs)


# -- putting routes together -------------------------------------------------------------------


def test_a_fallback_carries_what_is_not_served(two_ways):
    upper = paths(DIAMOND, 2, (0, 0.6, (SA, AB, BT)))
    both = upper.with_fallback(two_ways)
    np.testing.assert_allclose(both.served, 1.0)
    expected = arcs_of(DIAMOND, s_a=0.6, a_b=0.6, b_t=0.6)
    expected += 0.4 * two_ways.loads(np.array([1.0, 0.0])) + two_ways.loads(np.array([0.0, 1.0]))
    np.testing.assert_allclose(both.loads(np.ones(2)), expected)
    np.testing.assert_allclose(both.matrix.toarray(), both.loads(np.eye(2)))


def test_a_fallback_changes_nothing_where_all_is_served(two_ways):
    other = paths(DIAMOND, 2, (0, 1.0, (SA, AB, BT)), (1, 1.0, (AT,)))
    np.testing.assert_allclose(
        two_ways.with_fallback(other).matrix.toarray(), two_ways.matrix.toarray()
    )


def test_a_fallback_mixes_paths_and_splits():
    demands = Demands.of(DIAMOND, ["s", "a"], ["t", "t"], [8.0, 5.0])
    base = IgpEcmp().route(DIAMOND, demands)
    certificate = Certificate("optimal", 1.0, 1.0, 1.0, 1.0)
    upper = paths(DIAMOND, 2, (1, 0.5, (AB, BT)))
    both = replace(upper, certificate=certificate).with_fallback(base)
    assert both.certificate is certificate
    expected = arcs_of(DIAMOND, s_a=4, s_b=4, a_t=4 + 2.5, a_b=2.5, b_t=4 + 2.5)
    np.testing.assert_allclose(both.loads(demands.gbps), expected)
    kept = np.random.default_rng(5).uniform(0, 1, len(DIAMOND.tail))
    share, _ = both.arrivals(DIAMOND.delay_ms, kept)
    by_hand = kept[AT] / 2 + kept[AB] * kept[BT] / 2
    np.testing.assert_allclose(share[1], by_hand)


def test_without_arcs_drops_the_entries_that_may_meet_a_dead_arc(two_ways):
    dead = arcs_of(DIAMOND, a_t=1).astype(bool)
    left = two_ways.without_arcs(dead)
    np.testing.assert_allclose(left.served, [0.25, 1.0])
    np.testing.assert_allclose(
        left.loads(np.array([8.0, 5.0])), arcs_of(DIAMOND, s_b=2, b_t=7, a_b=5)
    )
    np.testing.assert_allclose(left.with_fallback(two_ways).served, 1.0)
    spared = two_ways.without_arcs(np.zeros(len(dead), bool))
    np.testing.assert_allclose(spared.matrix.toarray(), two_ways.matrix.toarray())


def test_without_arcs_sees_dead_arcs_far_down_the_splits():
    demands = Demands.of(DIAMOND, ["s", "a", "b"], ["t", "t", "t"], [1.0, 1.0, 1.0])
    routes = splits(DIAMOND, demands, s_a=0.7, s_b=0.3, a_t=0.6, a_b=0.4, b_t=1.0)
    dead = arcs_of(DIAMOND, a_t=1).astype(bool)
    left = routes.without_arcs(dead)
    # s by a may meet it, s by b not; a by b not; b not.
    np.testing.assert_allclose(left.served, [0.3, 0.4, 1.0])
    assert left.loads(np.ones(3))[AT] == 0


def test_scattered_renumbers(two_ways):
    wide = two_ways.scattered(np.array([3, 1]), 5)
    assert len(wide) == 5
    np.testing.assert_allclose(wide.served, [0, 1, 0, 1, 0])
    np.testing.assert_allclose(
        wide.loads(np.array([9.0, 5.0, 9.0, 8.0, 9.0])), two_ways.loads(np.array([8.0, 5.0]))
    )
    assert {demand for demand, _, _ in wide.paths()} == {1, 3}


def test_moved_counts_demands_and_gbps(two_ways):
    rates = np.array([8.0, 5.0])
    assert two_ways.moved(two_ways, rates)[:2] == (0, 0.0)
    new = paths(DIAMOND, 2, (0, 0.5, (SA, AT)), (0, 0.5, (SB, BT)), (1, 1.0, (AB, BT)))
    count, gbps = new.moved(two_ways, rates)[:2]
    assert (count, gbps) == (1, pytest.approx(0.25 * 8))
    other = paths(DIAMOND, 2, (0, 1.0, (SB, BT)), (1, 1.0, (AT,)))
    count, gbps = other.moved(two_ways, rates)[:2]
    assert (count, gbps) == (2, pytest.approx(0.75 * 8 + 5))
    assert other.moved(two_ways, np.array([0.0, 5.0]))[:2] == (1, 5.0)


def test_moved_between_splits_and_paths_is_nothing_when_the_shares_agree():
    demands = Demands.of(DIAMOND, ["s"], ["t"], [8.0])
    one = IgpEcmp().route(DIAMOND, demands)
    other = paths(DIAMOND, 1, (0, 0.5, (SA, AT)), (0, 0.5, (SB, BT)))
    assert one.moved(other, demands.gbps)[:2] == other.moved(one, demands.gbps)[:2] == (0, 0.0)


def test_routes_installed_anew_count_in_full(two_ways):
    nothing = paths(DIAMOND, 2)
    assert two_ways.moved(nothing, np.array([8.0, 5.0]))[:2] == (2, pytest.approx(0.75 * 8 + 5))


# -- equal-cost multipath ----------------------------------------------------------------------


def ecmp(network, source, target, gbps=1.0):
    demands = Demands.of(network, [source], [target], [gbps])
    return IgpEcmp().route(network, demands).loads(demands.gbps)


def test_equal_costs_split_per_hop_not_per_path():
    """Three paths, but half each at the first hop: one of them carries 1/2, two 1/4."""
    network = make_tiny(
        ("sa", "s", "a", 1), ("sb", "s", "b", 1), ("ac", "a", "c", 1), ("ad", "a", "d", 1),
        ("bd", "b", "d", 1), ("ct", "c", "t", 1), ("dt", "d", "t", 1),
    )  # fmt: skip
    expected = arcs_of(network, s_a=0.5, s_b=0.5, a_c=0.25, a_d=0.25, b_d=0.5, c_t=0.25, d_t=0.75)
    np.testing.assert_allclose(ecmp(network, "s", "t"), expected)


def test_parallel_links_are_next_hops_of_their_own():
    network = make_tiny(
        ("sa-1", "s", "a", 1), ("sa-2", "a", "s", 1), ("sa-3", "s", "a", 1, 2.0),
        ("at", "a", "t", 1), ("sb", "s", "b", 1), ("bt", "b", "t", 1),
    )  # fmt: skip
    loads = ecmp(network, "s", "t", 3.0)
    np.testing.assert_allclose(loads[[0, 3, 8]], 1.0)  # sa-1, sa-2 (written from a to s), sb
    np.testing.assert_allclose(loads[[6, 10]], [2.0, 1.0])
    np.testing.assert_allclose(np.delete(loads, [0, 3, 8, 6, 10]), 0)


def test_fractional_metrics_tie_as_on_paper():
    assert 0.1 + 0.2 != 0.3
    network = make_tiny(
        ("sa", "s", "a", 1, 0.1), ("at", "a", "t", 1, 0.2),
        ("sb", "s", "b", 1, 0.15), ("bt", "b", "t", 1, 0.15), ("st", "s", "t", 1, 0.3),
    )  # fmt: skip
    third = 1 / 3
    expected = arcs_of(network, s_a=third, a_t=third, s_b=third, b_t=third, s_t=third)
    np.testing.assert_allclose(ecmp(network, "s", "t"), expected)


def test_near_is_not_equal():
    network = make_tiny(
        ("sa", "s", "a", 1, 1.0), ("at", "a", "t", 1, 1.0), ("st", "s", "t", 1, 2.0 + 1e-9)
    )
    np.testing.assert_allclose(ecmp(network, "s", "t"), arcs_of(network, s_a=1, a_t=1))


def test_tiny_metrics_beside_huge_ones_do_not_make_a_circle():
    """Lengths within rounding of each other tie, but a tie never leads back."""
    network = make_tiny(
        ("ab", "a", "b", 1, 1e-7), ("at", "a", "t", 1, 16e6), ("bt", "b", "t", 1, 16e6)
    )
    loads = ecmp(network, "a", "t")
    assert loads[network.head == network.node_index["t"]].sum() == pytest.approx(1.0)


def test_a_one_way_failure_diverts_one_way_only():
    network = make_tiny(("st", "s", "t", 1), ("sa", "s", "a", 1), ("at", "a", "t", 1))
    hurt = network.under(up=np.arange(6) != 0)
    np.testing.assert_allclose(ecmp(hurt, "s", "t"), arcs_of(network, s_a=1, a_t=1))
    np.testing.assert_allclose(ecmp(hurt, "t", "s"), arcs_of(network, t_s=1))


def test_parallel_links_lose_one():
    network = make_tiny(("st-1", "s", "t", 1), ("st-2", "s", "t", 1))
    np.testing.assert_allclose(ecmp(network, "s", "t")[::2], [0.5, 0.5])
    np.testing.assert_allclose(ecmp(network.failed(links=["st-1"]), "s", "t")[::2], [0, 1])


def test_stubs_carry_no_transit_however_cheap():
    network = make_tiny(
        ("sp", "s", "p", 1, 0.01), ("pt", "p", "t", 1, 0.01), ("st", "s", "t", 1, 100.0),
        p="provincial",
    )  # fmt: skip
    np.testing.assert_allclose(ecmp(network, "s", "t"), arcs_of(network, s_t=1))
    np.testing.assert_allclose(ecmp(network, "s", "p"), arcs_of(network, s_p=1))
    np.testing.assert_allclose(ecmp(network, "p", "t"), arcs_of(network, p_t=1))


def test_two_stubs_in_line_reach_each_other():
    network = make_tiny(("pq", "p", "q", 1), ("qt", "q", "t", 1), p="provincial", q="provincial")
    np.testing.assert_allclose(ecmp(network, "p", "q"), arcs_of(network, p_q=1))
    np.testing.assert_allclose(ecmp(network, "p", "t"), 0)


# -- as a table --------------------------------------------------------------------------------


def test_link_loads_by_direction():
    routes, demands = chain()
    network = routes.network.under(up=np.array([True, True, True, False])).carrying(
        np.array([1.0, 0.0, 0.0, 0.0])
    )
    table = link_loads(replace(routes, network=network), demands)
    assert list(table["link"]) == ["ab", "ab", "bc", "bc"]
    assert list(table["source"] + table["target"]) == ["ab", "ba", "bc", "cb"]
    np.testing.assert_allclose(table["offered_gbps"], [13, 0, 14, 0])
    np.testing.assert_allclose(table["capacity_gbps"], [10, 10, 4, 0])
    np.testing.assert_allclose(table["utilisation"], [1.3, 0, 3.5, np.nan])
    assert math.isnan(table["utilisation"][3])


def test_routes_that_rescale_share_a_dead_path_out_over_the_others(mini):
    network, demands = mini
    k = int(np.argmax(demands.of_class("international_out")))
    ways = fastest_paths(network, demands.take([k]), 3)
    shares = np.array([0.5, 0.3, 0.2])
    routes = Routes.from_paths(network, 1, ways.demand, shares, ways.arcs, ways.starts)
    dead = np.zeros(len(network.tail), dtype=bool)
    first = set(ways.arcs[: ways.starts[1]].tolist())
    others = set(ways.arcs[ways.starts[1] :].tolist())
    dead[list(first - others)] = True
    assert dead.any()
    left = routes.without_arcs(dead)
    assert left.served[0] == pytest.approx(0.5)
    spread = replace(routes, rescales=True).without_arcs(dead)
    assert spread.served[0] == pytest.approx(1.0)
    assert sorted(share for _, share, _ in spread.paths()) == pytest.approx([0.4, 0.6])
    everything = replace(routes, rescales=True).without_arcs(np.ones_like(dead))
    assert everything.served[0] == 0.0
    assert spread.take(np.array([0])).rescales and spread.scattered(np.array([1]), 2).rescales


def test_a_planning_window_goes_where_its_demands_go(mini):
    _, demands = mini
    window = demands.gbps[:, None] * np.array([1.0, 2.0, 0.5])
    planned = replace(demands, window_gbps=window)
    assert planned.take(np.array([3, 1])).window_gbps == pytest.approx(window[[3, 1]])
    doubled = planned.scaled(2.0, ["domestic"])
    factor = np.where(demands.of_class("domestic"), 2.0, 1.0)
    assert doubled.window_gbps == pytest.approx(window * factor[:, None])
    assert planned.with_gbps(demands.gbps * 3).window_gbps is window
