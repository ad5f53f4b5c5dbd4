"""The static schemes by hand: cold potato, homed provinces, weighted splits, tuned weights."""

import itertools

import networkx as nx
import numpy as np
import pytest
from conftest import built_in, make_random_case, make_tiny
from helpers import asks
from law_networks import CASES, case
from laws import fingerprint

from simulator.base.checking import build
from simulator.base.document import parse_yaml
from simulator.base.errors import InputError
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.optimise.fortz_thorup import BREAKPOINTS, SLOPES, phi
from simulator.optimise.weight_search import WeightSearch
from simulator.paths.shortest import ecmp
from simulator.routing.route import route
from simulator.routing.scheme import scheme
from simulator.routing.tuned_igp import TunedIgp

KINDS = {
    "p": "provincial", "q": "provincial", "region": "region",
    **{f"gw{i}": "gateway" for i in (1, 2, 3)}, **{f"pop{i}": "pop" for i in (1, 2, 3)},
}  # fmt: skip


def three_exits():
    """Three gateways with an exit each: the nearer by metric, the slower abroad.

    Latency p-region by exit 1, 2, 3: 62, 33, 23 ms. Metrics to the gateways: 1, 2, 3.
    """
    return make_tiny(
        ("p-core", "p", "core", 100), ("q-core", "q", "core", 100),
        ("home1", "core", "gw1", 100, 1.0, 0.5), ("home2", "core", "gw2", 100, 2.0, 1.5),
        ("home3", "core", "gw3", 100, 3.0, 1.5),
        ("exit1", "gw1", "pop1", 30, 1.0, 60.0), ("exit2", "pop2", "gw2", 20, 1.0, 30.0),
        ("exit3", "gw3", "pop3", 10, 1.0, 20.0),
        ("far1", "pop1", "region", 100, 1.0, 0.5), ("far2", "pop2", "region", 100, 1.0, 0.5),
        ("far3", "region", "pop3", 100, 1.0, 0.5),
        **KINDS,
    )  # fmt: skip


THREE = three_exits()
BOTH_WAYS = Demands.of(
    THREE, ["p", "region", "q", "region"], ["region", "p", "region", "q"], [1.0, 2.0, 4.0, 8.0]
)
PQ = Demands.of(THREE, ["p"], ["q"], [1.0])


def shares(network, demands, routes):
    """Share of every demand on every exit, exits in file order, shape (demands, exits)."""
    out = network.is_abroad[demands.target][:, None]
    matrix = routes.matrix.toarray().T
    arcs = network.exit_arcs
    return np.where(out, matrix[:, arcs["out"]], matrix[:, arcs["in"]])


def exit_of(network, demands, routes):
    """The exit that each demand takes, numbered from 1; every demand must take just one."""
    share = shares(network, demands, routes)
    np.testing.assert_allclose(share.max(axis=1), 1.0)
    return list(share.argmax(axis=1) + 1)


def congestion(network, demands, routes):
    return phi(routes.loads(demands.gbps) + network.background_gbps, network.capacity_gbps).sum()


def letter(caught):
    return str(caught.value).splitlines()


# -- cold potato -------------------------------------------------------------------------------


def test_cold_potato_takes_the_fastest_exit_and_hot_potato_the_nearest():
    cold = route("lowest_latency_exit", THREE, BOTH_WAYS)
    assert exit_of(THREE, BOTH_WAYS, cold) == [3, 3, 3, 3]
    np.testing.assert_allclose(cold.arrivals(THREE.delay_ms)[1], 23.0)
    hot = route("nearest_exit", THREE, BOTH_WAYS)
    assert exit_of(THREE, BOTH_WAYS, hot) == [1, 1, 1, 1]
    np.testing.assert_allclose(hot.arrivals(THREE.delay_ms)[1], 62.0)


def tied(order):
    """One core with three gateways at the same distance, listed in any order, one of them slow."""
    links = [(f"in-{g}", "core", f"gw-{g}", 100.0, 0.1 + 0.2) for g in order]
    links += [(f"x-{g}", f"gw-{g}", "abroad", 100.0, 1.0 + (g == "c")) for g in order]
    return make_tiny(*links, **{f"gw-{g}": "gateway" for g in order}, abroad="region")


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_gateways_as_near_share_a_demand_whatever_their_order(order):
    network = tied(order)
    demands = asks(network, ("core", "abroad", 6.0), ("abroad", "core", 3.0))
    for options, expected in (({}, [1 / 3] * 3), ({"ties": "lowest_id"}, [1.0, 0.0, 0.0])):
        routes = scheme["nearest_exit"](**options).route(network, demands)
        loads = dict(zip(network.links, routes.loads(demands.gbps).reshape(-1, 2), strict=True))
        found = np.array([loads[f"x-{g}"] for g in "abc"])
        np.testing.assert_allclose(found, np.outer(expected, [6.0, 3.0]), atol=1e-12)


def test_an_equal_split_over_exits_is_that_of_ecmp_where_every_exit_is_a_next_hop():
    network = make_tiny(*[(f"x-{g}", f"gw-{g}", "abroad", 9.0) for g in "abc"],
                        *[(f"in-{g}", f"gw-{g}", "core", 9.0) for g in "abc"],
                        **{f"gw-{g}": "gateway" for g in "abc"}, abroad="region")  # fmt: skip
    demands = asks(network, ("core", "abroad", 6.0), ("abroad", "core", 3.0))
    hot, ecmp_too = (
        scheme[kind]().route(network, demands) for kind in ("nearest_exit", "igp_ecmp")
    )
    np.testing.assert_allclose(hot.loads(demands.gbps), ecmp_too.loads(demands.gbps), atol=1e-12)


def test_cold_potato_goes_on_to_the_next_when_an_exit_is_down():
    for lost, left in [(["exit3"], 2), (["home3"], 2), (["far3", "exit2"], 1)]:
        hurt = THREE.failed(links=lost)
        cold = route("lowest_latency_exit", hurt, BOTH_WAYS)
        assert exit_of(hurt, BOTH_WAYS, cold) == [left] * 4


def test_cold_potato_fails_over_in_one_direction_only():
    inward = THREE.exit_arcs["in"][2]
    hurt = THREE.under(up=np.arange(len(THREE.tail)) != inward)
    cold = route("lowest_latency_exit", hurt, BOTH_WAYS)
    assert exit_of(hurt, BOTH_WAYS, cold) == [3, 2, 3, 2]


def test_cold_potato_leaves_domestic_traffic_to_the_metric():
    network = make_tiny(
        ("short", "a", "b", 1, 1.0, 50.0), ("a-c", "a", "c", 1, 1.0, 1.0),
        ("c-b", "c", "b", 1, 1.0, 1.0), ("exit", "b", "pop", 1),
        pop="pop",
    )  # fmt: skip
    demands = Demands.of(network, ["a", "a"], ["b", "pop"], [1.0, 1.0])
    routes = route("lowest_latency_exit", network, demands)
    np.testing.assert_allclose(routes.arrivals(network.delay_ms)[1], [50.0, 3.0])


@pytest.mark.parametrize(("late", "share"), [(0.0, 0.5), (1e-3, 1.0)])
def test_cold_potato_splits_exact_ties_only(late, share):
    network = make_tiny(
        ("exit1", "core", "pop1", 1, 1.0, 5.0), ("exit2", "core", "pop1", 1, 1.0, 5.0 + late),
        **KINDS,
    )  # fmt: skip
    demands = Demands.of(network, ["core", "pop1"], ["pop1", "core"], [1.0, 1.0])
    routes = route("lowest_latency_exit", network, demands)
    np.testing.assert_allclose(shares(network, demands, routes)[:, 0], share)


def test_cold_potato_finds_links_without_delay():
    network = make_tiny(("a-b", "a", "b", 1, 1.0, 0.0), ("exit", "b", "pop1", 1, 1.0, 0.0), **KINDS)
    demands = Demands.of(network, ["a"], ["pop1"], [1.0])
    np.testing.assert_allclose(route("lowest_latency_exit", network, demands).served, 1.0)


@pytest.mark.parametrize("name", ["china", "china, a gateway cut off", "random medium 12"])
def test_no_exit_is_faster_than_the_one_taken(name):
    """Exit by exit with NetworkX: home leg, exit, leg abroad."""
    network, demands = case(name)
    demands = demands.take(demands.of_class(INTERNATIONAL))

    def distances(inside, target):
        """Delay to *target* over one side of the border, from all its nodes."""
        keep = network.up & (network.is_abroad[network.tail] != inside)
        keep &= network.is_abroad[network.head] != inside
        keep &= ~network.is_stub[network.head] | (network.head == target)
        graph = nx.MultiDiGraph()
        graph.add_nodes_from(range(len(network.nodes)))
        for arc in np.flatnonzero(keep):
            graph.add_edge(network.head[arc], network.tail[arc], delay=network.delay_ms[arc])
        found = nx.single_source_dijkstra_path_length(graph, target, weight="delay")
        return np.array([found.get(node, np.inf) for node in range(len(network.nodes))])

    least = np.full(len(demands), np.inf)
    for way, crossing in network.exit_arcs.items():
        mine = demands.of_class(f"international_{way}")
        for arc in crossing[network.up[crossing]]:
            before = distances(way == "out", network.tail[arc])[demands.source]
            after = {t: distances(way == "in", t)[network.head[arc]] for t in set(demands.target)}
            total = before + network.delay_ms[arc] + [after[t] for t in demands.target]
            least[mine] = np.minimum(least, total)[mine]
    delay = route("lowest_latency_exit", network, demands).arrivals(network.delay_ms)[1]
    served = np.isfinite(delay)
    np.testing.assert_allclose(delay[served], least[served], rtol=1e-9)
    assert np.isinf(least[~served]).all()


# -- homed -------------------------------------------------------------------------------------


HOMED = scheme.make("homed", table={"p": ["gw3", "gw2"]})


def test_the_table_decides_both_directions_and_the_rest_go_nearest():
    assert exit_of(THREE, BOTH_WAYS, HOMED.route(THREE, BOTH_WAYS)) == [3, 3, 1, 1]


@pytest.mark.parametrize("lost", ["home3", "exit3", "far3"])
def test_the_next_in_line_when_one_is_withdrawn(lost):
    hurt = THREE.failed(links=[lost])
    assert exit_of(hurt, BOTH_WAYS, HOMED.route(hurt, BOTH_WAYS)) == [2, 2, 1, 1]
    hurt = hurt.failed(nodes=["gw2"])
    assert exit_of(hurt, BOTH_WAYS, HOMED.route(hurt, BOTH_WAYS)) == [1, 1, 1, 1]


def test_withdrawal_goes_by_direction():
    for arc, expected in [("out", [2, 3, 1, 1]), ("in", [3, 2, 1, 1])]:
        lost = THREE.exit_arcs[arc][2]
        hurt = THREE.under(up=np.arange(len(THREE.tail)) != lost)
        assert exit_of(hurt, BOTH_WAYS, HOMED.route(hurt, BOTH_WAYS)) == expected


def test_load_and_lost_capacity_move_nothing():
    thin = THREE.under(capacity_gbps=THREE.capacity_gbps * 1e-3)
    flood = BOTH_WAYS.scaled(1e6)
    assert exit_of(thin, flood, HOMED.route(thin, flood)) == [3, 3, 1, 1]


def test_the_order_of_the_row_counts():
    for row in itertools.permutations(["gw1", "gw2", "gw3"]):
        routes = route("homed", THREE, BOTH_WAYS, table={"q": list(row)})
        first = int(row[0][-1])
        assert exit_of(THREE, BOTH_WAYS, routes) == [1, 1, first, first]


def test_beyond_the_gateway_the_least_metric_decides():
    network = make_tiny(
        ("c-gw1", "core", "gw1", 1), ("c-gw2", "core", "gw2", 1, 9.0),
        ("costly", "gw2", "pop1", 1, 5.0, 1.0), ("cheap", "gw2", "pop2", 1, 1.0, 90.0),
        ("other", "gw1", "pop1", 1), ("far1", "pop1", "region", 1), ("far2", "pop2", "region", 1),
        **KINDS,
    )  # fmt: skip
    demands = Demands.of(network, ["core", "region"], ["region", "core"], [1.0, 1.0])
    routes = route("homed", network, demands, table={"core": ["gw2"]})
    assert exit_of(network, demands, routes) == [2, 2]


def test_unknown_names_get_letters():
    table = {"pp": ["gw1"], "region": ["gw1"], "p": ["gw-1", "pop1"], "q": ["gw2"]}
    with pytest.raises(InputError) as caught:
        route("homed", THREE, BOTH_WAYS, table=table)
    assert letter(caught) == [
        "table.pp: no node at home named 'pp'; did you mean 'p'?",
        "table.region: no node at home named 'region'",
        "table.p: no gateway named 'gw-1'; did you mean 'gw1'?",
        "table.p: no gateway named 'pop1'",
    ]
    with pytest.raises(ValueError, match="no gateway named 'gw9'"):
        route("homed", THREE, PQ, table={"p": ["gw9"]})


def test_a_fault_is_no_unknown_name():
    hurt = THREE.failed(nodes=["gw3", "gw2"])
    assert exit_of(hurt, BOTH_WAYS, HOMED.route(hurt, BOTH_WAYS)) == [1, 1, 1, 1]


def test_a_row_without_gateways_is_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        scheme.make("homed", table={"p": []})


def test_tables_and_weights_come_from_a_file():
    text = """
    home: {scheme: {kind: homed, table: {p: [gw3, gw2]}}}
    split: {scheme: {kind: weighted_split, by: weights, weights: {exit1: 1, exit3: 2.5}}}
    """
    document = parse_yaml(text, "f.yaml")
    assert build(Strategy, document, ("home",)).scheme == HOMED
    weights = build(Strategy, document, ("split",)).scheme.weights
    assert weights == {"exit1": 1.0, "exit3": 2.5}
    with pytest.raises(InputError, match="f.yaml:1:.*say by: weights"):
        build(Strategy, parse_yaml("scheme: {kind: weighted_split, weights: {exit1: 1}}", "f.yaml"))


def test_china_homed_at_one_gateway_uses_no_other(china):
    network, demands = china
    home = [network.nodes[i] for i in np.flatnonzero(network.node_kind == "provincial")]
    routes = route("homed", network, demands, table=dict.fromkeys(home, ["igw-guangzhou"]))
    used = routes.loads(demands.gbps)[np.concatenate(list(network.exit_arcs.values()))] > 0
    ends = network.tail[np.tile(2 * network.exits, 2)[used]]
    assert {network.nodes[node] for node in ends} == {"igw-guangzhou"}


# -- weighted split ----------------------------------------------------------------------------


def split(network=THREE, demands=BOTH_WAYS, **options):
    routes = route("weighted_split", network, demands, **options)
    np.testing.assert_allclose(routes.served, 1.0)
    return shares(network, demands, routes)


def test_shares_go_by_capacity():
    np.testing.assert_allclose(split(), np.tile([3 / 6, 2 / 6, 1 / 6], (4, 1)))


def test_each_direction_has_its_capacity():
    network = THREE.with_link("exit1", capacity_gbps=30.0, capacity_ba_gbps=10.0)
    out, back = [3 / 6, 2 / 6, 1 / 6], [1 / 4, 2 / 4, 1 / 4]
    np.testing.assert_allclose(split(network), [out, back, out, back])


def test_equal_shares_and_given_ones():
    np.testing.assert_allclose(split(by="equal"), 1 / 3)
    given = split(by="weights", weights={"exit1": 1, "exit3": 4})
    np.testing.assert_allclose(given, np.tile([0.2, 0.0, 0.8], (4, 1)))


def test_the_others_take_over_in_proportion():
    for lost in ("exit1", "home1", "far1"):
        hurt = THREE.failed(links=[lost])
        np.testing.assert_allclose(split(hurt), np.tile([0, 2 / 3, 1 / 3], (4, 1)))


def test_a_direction_that_is_down_is_taken_over_alone():
    hurt = THREE.under(up=np.arange(len(THREE.tail)) != THREE.exit_arcs["in"][0])
    out, back = [3 / 6, 2 / 6, 1 / 6], [0, 2 / 3, 1 / 3]
    np.testing.assert_allclose(split(hurt), [out, back, out, back])


def test_shares_follow_the_capacity_that_is_left():
    left = np.where(np.repeat(np.array(THREE.links) == "exit1", 2), 0.5, 1.0)
    hurt = THREE.under(capacity_gbps=THREE.capacity_gbps * left)
    np.testing.assert_allclose(split(hurt), np.tile([1.5 / 4.5, 2 / 4.5, 1 / 4.5], (4, 1)))
    np.testing.assert_allclose(split(hurt, by="equal"), 1 / 3)


@pytest.mark.parametrize(
    ("stretch", "expected"),
    [
        (0.0, [0, 0, 1]), (9.999, [0, 0, 1]), (10.0, [0, 2 / 3, 1 / 3]),
        (38.9, [0, 2 / 3, 1 / 3]), (39.0, [3 / 6, 2 / 6, 1 / 6]),
    ],
)  # fmt: skip
def test_exits_that_are_too_slow_are_left_out(stretch, expected):
    """23, 33 and 62 ms."""
    np.testing.assert_allclose(split(reach_stretch_ms=stretch), np.tile(expected, (4, 1)))


def test_the_best_is_the_best_of_those_with_a_share():
    options = {"by": "weights", "weights": {"exit1": 3, "exit2": 1}}
    far = split(reach_stretch_ms=29.0, **options)
    np.testing.assert_allclose(far, np.tile([0.75, 0.25, 0], (4, 1)))
    near = split(reach_stretch_ms=28.0, **options)
    np.testing.assert_allclose(near, np.tile([0, 1.0, 0], (4, 1)))


def test_without_a_share_left_the_metric_decides():
    hurt = THREE.failed(links=["exit3"])
    given = split(hurt, by="weights", weights={"exit3": 1})
    np.testing.assert_allclose(given, np.tile([1.0, 0, 0], (4, 1)))


def test_legs_are_the_fastest_and_domestic_ones_the_least_metric():
    network = make_tiny(
        ("slow", "core", "gw1", 1, 1.0, 50.0), ("c-q", "core", "hub", 1, 1.0, 1.0),
        ("q-gw", "hub", "gw1", 1, 1.0, 1.0), ("exit1", "gw1", "pop1", 1, 1.0, 10.0), **KINDS
    )  # fmt: skip
    demands = Demands.of(network, ["core", "pop1", "core"], ["pop1", "core", "gw1"], [1.0] * 3)
    routes = route("weighted_split", network, demands)
    np.testing.assert_allclose(routes.arrivals(network.delay_ms)[1], [12.0, 12.0, 50.0])


def test_weights_are_checked():
    with pytest.raises(ValueError, match="say by: weights"):
        scheme.make("weighted_split", weights={"exit1": 1})
    for weights in ({}, {"exit1": 0}):
        with pytest.raises(ValueError, match="a weight above 0"):
            scheme.make("weighted_split", by="weights", weights=weights)
    with pytest.raises(ValueError, match="weights.exit1: expected a number of at least 0"):
        scheme.make("weighted_split", by="weights", weights={"exit1": -1})
    with pytest.raises(InputError) as caught:
        split(by="weights", weights={"exit-1": 1, "far1": 1, "exit2": 1})
    assert letter(caught) == [
        "weights.exit-1: no exit named 'exit-1'; did you mean 'exit1'?",
        "weights.far1: no exit named 'far1'",
    ]


def test_by_capacity_all_exits_of_china_are_equally_full(china):
    """Every exit reaches every region, so all are as full as the sum of traffic makes them."""
    network, demands = china
    loads = route("weighted_split", network, demands).loads(demands.gbps)
    for way, arcs in network.exit_arcs.items():
        asked = demands.total_gbps(f"international_{way}")
        capacity = network.capacity_gbps[arcs]
        np.testing.assert_allclose(loads[arcs] / capacity, asked / capacity.sum())


# -- the Fortz-Thorup cost ---------------------------------------------------------------------


def test_the_slopes_and_where_they_change():
    bends = [1 / 3, 2 / 3, 9 / 10, 1.0, 11 / 10]
    np.testing.assert_array_equal(SLOPES, [1, 3, 10, 70, 500, 5000])
    np.testing.assert_array_equal(BREAKPOINTS, [0.0, *bends])
    for low, high, slope in zip([0.0, *bends], [*bends, 9.0], SLOPES, strict=True):
        rise = phi(high * 40.0, 40.0) - phi(low * 40.0, 40.0)
        assert rise / ((high - low) * 40.0) == pytest.approx(slope)
        middle = phi((low + high) / 2 * 40.0, 40.0)
        assert middle == pytest.approx((phi(low * 40.0, 40.0) + phi(high * 40.0, 40.0)) / 2)


def test_a_full_link_costs_ten_and_two_thirds_of_its_capacity():
    assert phi(0.0, 7.0) == 0.0
    assert phi(7.0, 7.0) == pytest.approx((10 + 2 / 3) * 7.0)
    np.testing.assert_allclose(phi([1.0, 2.0, 3.0], 3.0), [1.0, 4.0, 32.0])
    np.testing.assert_allclose(phi([[1.0], [2.0]], [3.0, 300.0]), [[1.0, 1.0], [4.0, 2.0]])


def test_the_cost_goes_with_the_unit():
    load = np.linspace(0, 20, 41)
    np.testing.assert_allclose(phi(load * 1e9, 12e9), phi(load, 12.0) * 1e9)


def test_load_without_capacity_is_as_dear_as_it_gets():
    np.testing.assert_allclose(phi([0.0, 2.0], 0.0), [0.0, 10_000.0])


# -- tuned weights -----------------------------------------------------------------------------


def fish():
    """A head, a tail, and two ways between: the short one alone is too narrow."""
    network = make_tiny(
        ("head", "s", "a", 100), ("up", "a", "b", 10), ("belly1", "a", "c", 10),
        ("belly2", "c", "b", 10), ("tail", "b", "t", 100),
    )  # fmt: skip
    return network, Demands.of(network, ["s"], ["t"], [12.0])


def test_tuned_weights_use_both_sides_of_the_fish():
    network, demands = fish()
    plain, tuned = (route(kind, network, demands) for kind in ("igp_ecmp", "tuned_igp"))
    # By hand: 12 of 100 costs 12, 12 of 10 costs 56 2/3 + 500 + 500 + 5000, 6 of 10 costs 11 1/3.
    twelve_of_ten = 10 * (10 + 2 / 3) + 500 + 5000
    assert congestion(network, demands, plain) == pytest.approx(24 + twelve_of_ten)
    assert congestion(network, demands, tuned) == pytest.approx(24 + 3 * (6 + 2 * (6 - 10 / 3)))
    np.testing.assert_allclose(tuned.loads(demands.gbps)[::2], [12, 6, 6, 6, 12])


def test_tuned_weights_are_the_best_there_are_on_a_tiny_network():
    """Six arcs are up: every weight from 1 to 3 on each of them."""
    network = make_tiny(
        ("sa", "s", "a", 10, 1.0), ("sb", "s", "b", 6, 2.0), ("at", "a", "t", 6, 1.0),
        ("bt", "b", "t", 8, 2.0), ("ab", "a", "b", 5, 3.0),
    )  # fmt: skip
    up = [0, 2, 4, 6, 8, 9]
    network = network.under(up=np.isin(np.arange(10), up))
    demands = Demands.of(network, ["s", "a", "s"], ["t", "t", "b"], [7.0, 4.0, 1.0])
    best = np.inf
    for weights in itertools.product((1.0, 2.0, 3.0), repeat=len(up)):
        weight = np.ones(10)
        weight[up] = weights
        best = min(best, congestion(network, demands, ecmp(network, demands, weight)))
    assert best < congestion(network, demands, route("igp_ecmp", network, demands))
    for seed in range(5):
        tuned = TunedIgp(max_weight=3, seed=seed).route(network, demands)
        assert congestion(network, demands, tuned) == pytest.approx(best)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * n.startswith("china")) for n in CASES],
)
def test_tuned_weights_never_cost_more_than_the_given_ones(name):
    network, demands = case(name)
    load = np.random.default_rng(1).uniform(0, 0.4, len(network.tail)) * network.capacity_gbps
    for seen, iterations in [(network, 60), (network.carrying(load), 20), (network, 0)]:
        plain = congestion(seen, demands, route("igp_ecmp", seen, demands))
        tuned = TunedIgp(iterations=iterations).route(seen, demands)
        assert congestion(seen, demands, tuned) <= plain * (1 + 1e-9)


def test_tuned_weights_help_where_there_is_something_to_gain(china):
    for network, demands in (china, make_random_case(20, "large"), make_random_case(10)):
        plain = congestion(network, demands, route("igp_ecmp", network, demands))
        tuned = route("tuned_igp", network, demands)
        assert congestion(network, demands, tuned) < plain / 4


@pytest.mark.parametrize("name", ["mini", "random medium 14", "random 34, one-way failures"])
def test_the_search_keeps_its_books(name):
    """Routed again piece by piece or all at once: the same loads, the same cost."""
    network, demands = case(name)
    search = WeightSearch(network, demands, 20)
    for seed in range(4):
        before = search.cost
        search.run(100, np.random.default_rng(seed))
        weight = search.weight_by_arc()
        assert set(weight) <= set(range(1, 21))
        routes = ecmp(network, demands, weight)
        again = np.empty(len(weight))
        again[search.order] = search.total * search.unit
        np.testing.assert_allclose(again, routes.loads(demands.gbps), atol=1e-9)
        assert search.cost * search.unit == pytest.approx(congestion(network, demands, routes))
        assert search.cost <= before * (1 + 1e-9)


def test_the_seed_decides_the_search():
    network, demands = built_in("china169-2017")
    one, again, other = (
        TunedIgp(seed=seed, iterations=100).route(network, demands) for seed in (3, 3, 4)
    )
    assert fingerprint(one) == fingerprint(again) != fingerprint(other)


def test_more_iterations_cost_no_more(mini):
    network, demands = mini
    costs = [
        congestion(network, demands, TunedIgp(iterations=n, max_weight=200).route(network, demands))
        for n in (0, 10, 100, 1000)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_nothing_to_gain_keeps_the_given_metrics():
    network, demands = fish()
    quiet = demands.with_gbps(np.array([1.0]))
    for asked in (quiet, demands.with_gbps(np.zeros(1))):
        kept = route("tuned_igp", network, asked)
        assert fingerprint(kept) == fingerprint(route("igp_ecmp", network, asked))


# -- side by side ------------------------------------------------------------------------------


def test_the_exits_of_china_under_each_scheme(china):
    """What a planner reads off: fullest exit, and latency of what crosses the border."""
    network, demands = china
    crosses = demands.of_class(INTERNATIONAL)
    arcs = np.concatenate(list(network.exit_arcs.values()))
    fullest, latency = {}, {}
    for kind in (
        "nearest_exit", "igp_ecmp", "lowest_latency_exit", "weighted_split", "tuned_igp", "min_max"
    ):  # fmt: skip
        routes = route(kind, network, demands)
        fullest[kind] = (routes.loads(demands.gbps) / network.capacity_gbps)[arcs].max()
        delay = routes.arrivals(network.delay_ms)[1][crosses]
        latency[kind] = delay @ demands.gbps[crosses] / demands.gbps[crosses].sum()
    assert fullest["nearest_exit"] > 4 > fullest["igp_ecmp"] > fullest["lowest_latency_exit"] > 1
    assert fullest["tuned_igp"] < fullest["lowest_latency_exit"]
    # No routing does better at the exits than shares by capacity; the price is latency.
    assert fullest["weighted_split"] == pytest.approx(fullest["min_max"], rel=1e-6)
    assert min(latency, key=latency.get) == "lowest_latency_exit"
    assert max(latency, key=latency.get) == "weighted_split"
