"""Facts about networks: small ones worked out by hand, others against NetworkX."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from third_party import needed

from simulator.model import facts as module
from simulator.model.facts import facts, shortest
from simulator.model.network import Network


def ring(count: int, start: int = 0) -> list[tuple]:
    """Links of 10 Gbps, weight 1 and 1 ms around *count* nodes."""
    nodes = [f"n{start + i}" for i in range(count)]
    return [(f"{a}-{b}", a, b, 10.0) for a, b in zip(nodes, nodes[1:] + nodes[:1], strict=True)]


def multigraph(network: Network, among: np.ndarray) -> nx.MultiGraph:
    """The links among some nodes, as NetworkX has them."""
    names = [node for node, seen in zip(network.nodes, among, strict=True) if seen]
    return network.graph.subgraph(names)


def simple(network: Network, among: np.ndarray) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from(multigraph(network, among).nodes)
    for a, b in multigraph(network, among).edges():
        weight = graph.get_edge_data(a, b, {"weight": 0})["weight"]
        graph.add_edge(a, b, weight=weight + 1)
    return graph


# -- by hand ------------------------------------------------------------------------------------


def test_a_ring():
    found = facts(make_tiny(*ring(6)))
    (cuts,) = found.cuts
    assert (cuts.scope, cuts.nodes, cuts.links, cuts.parts) == ("all", 6, 6, 1)
    assert (cuts.cut_nodes, cuts.bridges) == ((), ())
    assert (cuts.edge_connectivity, cuts.node_connectivity) == (2, 2)
    assert dict(found.degrees.nodes) == {2: 6}
    (distance,) = found.distances
    assert (distance.hops, distance.ms, distance.apart) == (3, 3.0, 0)


def test_a_star():
    links = [(f"l{i}", "hub", f"leaf{i}", 10.0, 1.0, float(i)) for i in range(1, 5)]
    found = facts(make_tiny(*links))
    (cuts,) = found.cuts
    assert cuts.cut_nodes == ("hub",)
    assert cuts.bridges == ("l1", "l2", "l3", "l4")
    assert (cuts.edge_connectivity, cuts.node_connectivity) == (1, 1)
    assert (found.degrees.min, found.degrees.mean, found.degrees.max) == (1, 8 / 5, 4)
    assert dict(found.degrees.nodes) == {1: 4, 4: 1}
    (distance,) = found.distances
    assert (distance.hops, distance.ms) == (2, 7.0)
    assert set(distance.ms_between) == {"leaf3", "leaf4"}


def test_two_rings_joined_by_a_bridge():
    links = [*ring(3), *ring(4, start=3), ("bridge", "n0", "n3", 10.0)]
    (cuts,) = facts(make_tiny(*links)).cuts
    assert cuts.cut_nodes == ("n0", "n3")
    assert cuts.bridges == ("bridge",)
    assert (cuts.edge_connectivity, cuts.node_connectivity) == (1, 1)
    assert facts(make_tiny(*links)).distances[0].hops == 1 + 1 + 2


def test_parallel_links_are_no_bridge_but_their_ends_are_cut_nodes():
    links = [*ring(3), *ring(3, start=3), ("p", "n0", "n3", 10.0), ("q", "n3", "n0", 10.0)]
    found = facts(make_tiny(*links))
    (cuts,) = found.cuts
    assert cuts.bridges == ()
    assert cuts.cut_nodes == ("n0", "n3")
    assert (cuts.links, cuts.edge_connectivity, cuts.node_connectivity) == (8, 2, 1)
    assert found.degrees.max == 4


def test_two_nodes_and_neighbours_all():
    pair = facts(make_tiny(("a", "x", "y", 1.0), ("b", "x", "y", 1.0), ("c", "x", "y", 1.0)))
    assert (pair.cuts[0].edge_connectivity, pair.cuts[0].node_connectivity) == (3, 1)
    mesh = [(f"{a}{b}", f"n{a}", f"n{b}", 1.0) for a in range(5) for b in range(a)]
    cuts = facts(make_tiny(*mesh)).cuts[0]
    assert (cuts.edge_connectivity, cuts.node_connectivity) == (4, 4)


def test_two_pieces():
    found = facts(make_tiny(*ring(3), *ring(3, start=3)))
    assert (found.parts, found.cuts[0].parts) == (2, 2)
    assert (found.cuts[0].edge_connectivity, found.cuts[0].node_connectivity) == (0, 0)
    assert found.distances[0].apart == 2 * 3 * 3


def test_a_stub_joins_nothing():
    """A province on two cores is no way around the link between them."""
    links = [
        ("trunk", "c1", "c2", 10.0),
        ("up-1", "p", "c1", 10.0),
        ("up-2", "p", "c2", 10.0),
        ("lone", "q", "c1", 10.0),
        ("twice-1", "r", "c2", 10.0),
        ("twice-2", "r", "c2", 10.0),
    ]
    kinds = dict.fromkeys(("p", "q", "r"), "provincial")
    found = facts(make_tiny(*links, **kinds))
    (cuts,) = found.cuts
    assert (cuts.nodes, cuts.links, cuts.bridges) == (2, 1, ("trunk",))
    assert (found.stubs.nodes, found.stubs.on_one_link) == (3, ("q",))
    assert found.stubs.on_one_node == ("r",)
    cut = facts(make_tiny(*links, **kinds).failed(links=["trunk"]))
    assert cut.parts == 1  # as drawn
    assert cut.cuts[0].parts == 2
    # p reaches all others and they reach it; c1 and q are cut off from c2 and r.
    assert cut.distances[0].apart == 2 * 2 * 2


def test_home_traffic_stays_at_home():
    """Two cities joined only abroad: no way at home, and the way abroad is counted."""
    network = make_tiny(
        ("out-a", "a", "far", 100.0, 1.0, 10.0), ("out-b", "b", "far", 50.0, 1.0, 20.0), far="pop"
    )
    found = facts(network)
    home, whole = found.cuts
    assert (home.scope, home.parts, whole.scope, whole.parts) == ("home", 2, "all", 1)
    (abroad,) = found.distances  # at home there is no way, so no distance either
    assert (abroad.scope, abroad.hops, abroad.ms, abroad.apart) == ("abroad", 1, 20.0, 0)
    both = network.delay_ms
    assert np.isinf(shortest(network, both)[network.node_index["a"], network.node_index["b"]])


def test_exits_by_direction_whichever_end_is_written_first():
    graph = nx.MultiGraph()
    graph.add_node("gw", kind="gateway")
    graph.add_node("far", kind="pop")
    for order, (link, a, b) in enumerate((("one", "gw", "far"), ("two", "far", "gw"))):
        graph.add_edge(
            a, b, key=link, order=order, a=a, b=b, capacity_gbps=40.0, capacity_ba_gbps=30.0,
            delay_ms=5.0, cables={"C": 0.25}, **{"class": "exit"},
        )  # fmt: skip
    found = facts(Network(graph, "x"))
    one, two = found.exits
    assert (one.gateway, one.pop, one.out_gbps, one.in_gbps) == ("gw", "far", 40.0, 30.0)
    assert (two.gateway, two.pop, two.out_gbps, two.in_gbps) == ("gw", "far", 30.0, 40.0)
    assert one.price_usd_per_mbps is None
    assert found.unequal == 2
    (cable,) = found.cables
    assert (cable.exit_out_gbps, cable.exit_in_gbps) == (0.25 * 70, 0.25 * 70)
    (exits,) = found.classes
    assert (exits.gbps, exits.min_gbps, exits.median_gbps, exits.max_gbps) == (80, 30, 35, 40)


# -- the built-in networks ----------------------------------------------------------------------


def test_totals_are_those_of_the_network(china):
    network, _ = china
    found = facts(network)
    assert found.backbone_gbps == network.backbone_gbps == 200_000
    assert found.exits_gbps == network.exits_gbps == 2_460
    frame = network.frame().groupby("class")["capacity_gbps"].agg(["size", "sum", "median"])
    for each in found.classes:
        row = frame.loc[each.name]
        assert (each.links, each.gbps, each.median_gbps) == (row["size"], row["sum"], row["median"])
    assert sum(found.kinds.values()) == len(network.nodes)
    assert found.degrees.mean == pytest.approx(2 * len(network.links) / len(network.nodes))
    assert sum(each.out_gbps for each in found.exits) == network.exits_gbps


def test_cables_are_what_a_cut_takes_away(china):
    network, _ = china
    for cable in facts(network).cables:
        cut = network.failed(cables=[cable.id])
        lost = (network.capacity_gbps - cut.capacity_gbps)[network.exit_arcs["out"]].sum()
        assert cable.exit_out_gbps == pytest.approx(lost)
        dead = [link for i, link in enumerate(network.links) if not cut.up[2 * i]]
        assert list(cable.takes_down) == dead
    down = {cable.id: cable.takes_down for cable in facts(network).cables}
    assert down["GD-HK"] == ("bj-hk", "gz-hk")


def test_faults_are_not_there(mini):
    network, _ = mini
    hurt = network.failed(links=["beijing--shanghai", "guangzhou-hk"], cables={"TPE": 0.5})
    found = facts(hurt)
    assert found.backbone_gbps == 20_000 - 3_600
    assert found.exits_gbps == pytest.approx(246 - 40 - 0.5 * 70)
    assert "guangzhou-hk" not in [each.link for each in found.exits]
    assert [each.links for each in found.classes] == [10, 8]


# -- against NetworkX ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_cuts_as_networkx_finds_them(seed):
    network, _ = make_random_case(seed, ("small", "medium", "large")[seed % 3])
    found = facts(network)
    transit = ~network.is_stub
    scopes = {"all": transit, "home": transit & ~network.is_abroad}
    assert {cuts.scope for cuts in found.cuts} == set(scopes)
    for cuts in found.cuts:
        many, one = (make(network, scopes[cuts.scope]) for make in (multigraph, simple))
        assert cuts.links == many.number_of_edges()
        assert cuts.parts == nx.number_connected_components(one)
        assert set(cuts.cut_nodes) == set(nx.articulation_points(one))
        alone = {frozenset(e) for e in nx.bridges(one) if one.edges[e]["weight"] == 1}
        assert {frozenset(network.attributes(k)[e] for e in "ab") for k in cuts.bridges} == alone
        assert cuts.node_connectivity == nx.node_connectivity(one)
        if cuts.parts == 1:
            assert cuts.edge_connectivity == nx.stoer_wagner(one)[0]
    assert found.parts == nx.number_connected_components(network.graph)


@pytest.mark.parametrize("seed", range(8))
def test_connectivities_above_one(seed):
    """Regular graphs and unions of rings, where flows must decide."""
    graph = nx.random_regular_graph(3 + seed % 3, 18, seed=seed)
    links = [(f"l{i}", f"n{a}", f"n{b}", 1.0) for i, (a, b) in enumerate(graph.edges)]
    links += [(f"again{i}", *link[1:]) for i, link in enumerate(links[: 4 * (seed % 2)])]
    network = make_tiny(*links)
    (cuts,) = facts(network).cuts
    one = simple(network, np.ones(len(network.nodes), dtype=bool))
    assert cuts.node_connectivity == nx.node_connectivity(one)
    assert cuts.edge_connectivity == nx.stoer_wagner(one)[0]


@pytest.mark.parametrize("seed", range(6))
def test_distances_as_networkx_finds_them(seed):
    network, _ = make_random_case(seed, "small")
    found = shortest(network, network.delay_ms)
    for target, end in enumerate(network.nodes):
        arcs = np.flatnonzero(network.usable(bool(network.is_abroad[target])))
        for source, begin in enumerate(network.nodes):
            graph = nx.DiGraph()
            graph.add_nodes_from(network.nodes)
            for arc in arcs:
                a, b = network.tail[arc], network.head[arc]
                if network.is_stub[a] and a != source:
                    continue
                cost = min(
                    network.delay_ms[arc],
                    graph.get_edge_data(network.nodes[a], network.nodes[b], {"weight": np.inf})[
                        "weight"
                    ],
                )
                graph.add_edge(network.nodes[a], network.nodes[b], weight=cost)
            try:
                expected = nx.dijkstra_path_length(graph, begin, end)
            except nx.NetworkXNoPath:
                expected = np.inf
            assert found[source, target] == pytest.approx(expected)


def test_links_without_any_delay_are_links():
    network = make_tiny(("a", "x", "y", 1.0, 1.0, 0.0), ("b", "y", "z", 1.0, 1.0, 0.0))
    (distance,) = facts(network).distances
    assert (distance.hops, distance.ms, distance.apart) == (2, 0.0, 0)


# -- large ones ---------------------------------------------------------------------------------


def test_what_is_left_out_is_said(monkeypatch):
    monkeypatch.setattr(module, "MOST_NODES", 5)
    found = facts(make_tiny(*ring(6)))
    assert found.distances == ()
    assert (found.cuts[0].edge_connectivity, found.cuts[0].node_connectivity) == (None, None)
    assert found.cuts[0].bridges == ()
    (sentence,) = found.left_out
    assert "up to 5 nodes, and there are 6" in sentence
    star = facts(make_tiny(*((f"l{i}", "hub", f"x{i}", 1.0) for i in range(6))))
    assert star.cuts[0].edge_connectivity == 1  # a bridge says so by itself
    assert facts(make_tiny(*ring(5))).left_out == ()


@needed
def test_a_network_of_754_nodes():
    from third_party import FOLDER

    from simulator.formats.format import read_network

    network, _ = read_network(FOLDER / "topology_zoo" / "Kdl.graphml.gz")
    found = facts(network)
    everything = np.ones(len(network.nodes), dtype=bool)
    one = simple(network, everything)
    assert len(one) == 754
    assert set(found.cuts[0].cut_nodes) == set(nx.articulation_points(one))
    hops = dict(nx.all_pairs_shortest_path_length(one))
    assert found.distances[0].hops == max(max(row.values()) for row in hops.values())
    assert dataclasses.asdict(facts(network)) == dataclasses.asdict(found)
