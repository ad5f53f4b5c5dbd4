"""Files whose links have two directions: what is read of them, and what is told."""

import warnings

import networkx as nx
import numpy as np
import pytest
from cases import case

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import NetworkWarning, read_network
from simulator.model.demands import Demands
from simulator.paths.shortest import ecmp


@pytest.fixture(autouse=True)
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NetworkWarning)
        yield


def read(path):
    network, problems = read_network(path)
    return network, "\n".join(map(str, problems))


def loads(network, source, target, gbps=1.0):
    """Return what a demand puts on each direction of a link, by ECMP."""
    demands = Demands.of(network, [source], [target], [gbps])
    found = ecmp(network, demands, network.metric).loads(demands.gbps)
    return {network.arc_name(arc): found[arc] for arc in np.flatnonzero(found)}


def sizes(network):
    """Return the capacities of every link, from its first node by name to the other."""
    rows = network.frame()[["a", "b", "capacity_gbps", "capacity_ba_gbps"]].values.tolist()
    return sorted((a, b, x, y) if a < b else (b, a, y, x) for a, b, x, y in rows)


# -- the cases ----------------------------------------------------------------------------------


def test_unlike_weights_of_a_directed_graph():
    network, _ = read(case("a04-asymmetric-metric-graphml", "net.graphml"))
    assert len(network.links) == 3
    assert loads(network, "ams", "bru") == {"ams>bru": 1.0}
    assert loads(network, "bru", "ams") == {"bru>cgn": 1.0, "cgn>ams": 1.0}


def test_parallel_circuits_in_another_order():
    network, _ = read(case("a05-directed-parallel-order", "net.graphml"))
    assert sizes(network) == [
        ("ams", "bru", 10, 10),
        ("ams", "bru", 100, 100),
        ("bru", "cgn", 40, 40),
    ]


def test_a_one_way_feed():
    network, told = read(case("a24-one-way-capacity", "net.json"))
    assert loads(network, "hub", "rim") == {"hub>rim": 1.0}
    assert loads(network, "rim", "hub") == {"rim>rim2": 1.0, "rim2>hub": 1.0}
    assert "1 link taken for one-way: no edge back (hub>rim)" in told


def test_a_table_that_lists_links_twice():
    network, told = read(case("d17-csv-duplicate-reverse"))
    assert network.capacity_gbps[::2].tolist() == [100, 100, 100]
    assert "6 rows are one per direction, as each has one back: 3 links" in told


def test_a_table_with_a_row_for_each_direction():
    network, told = read(case("d19-csv-rows-per-direction-asym"))
    assert len(network.links) == 3 and "6 rows are one per direction" in told
    assert loads(network, "r2", "r1") == {"r2>r3": 1.0, "r3>r1": 1.0}
    assert loads(network, "r1", "r2") == {"r1>r2": 1.0}
    assert sizes(network) == [
        ("r1", "r2", 100, 100),
        ("r1", "r3", 40, 100),
        ("r2", "r3", 100, 90),
    ]


def test_members_of_a_bundle_stay_links_of_their_own():
    network, _ = read(case("a11-csv-parallel-rows"))
    assert len(network.links) == 6
    demands = Demands.of(network, ["r1"], ["r2"], [400.0])
    found = ecmp(network, demands, network.metric).loads(demands.gbps)
    assert found.reshape(-1, 2)[:, 0].tolist() == [100, 100, 100, 100, 0, 0]


@pytest.mark.parametrize("name", ["s.yaml", "s2.yaml"])
def test_a_capacity_for_each_way(name):
    results = sim.run(case("c11-capacity-each-way", name))
    assert results.figure("a", "exit_utilisation_peak", "exit:X:out") == pytest.approx(0.4)
    assert results.figure("a", "exit_utilisation_peak", "exit:X:in") == pytest.approx(0.8)


def test_unequal_members_share_alike():
    results = sim.run(case("c19-lag-unequal-members", "s.yaml"))
    assert results.figure("a", "exit_utilisation_peak", "exit:X1:out") == pytest.approx(2.0)
    assert results.figure("a", "exit_utilisation_peak", "exit:X2:out") == pytest.approx(0.2)
    assert results.figure("a", "lost_gbit") == pytest.approx(10 * 3600)


def test_a_router_in_overload_carries_no_transit():
    network, _ = read(case("c15-overload-bit", "net.yaml"))
    assert loads(network, "A", "C") == {"A>D": 1.0, "D>E": 1.0, "E>C": 1.0}
    assert loads(network, "A", "B") == {"A>B": 1.0}


def test_a_router_in_overload_by_the_metrics_of_its_own_directions():
    network, _ = read(case("c15-overload-bit", "net.yaml"))
    drained = network.with_links({"AB": {"metric": 1.0, "metric_ba": 65535.0},
                                  "BC": {"metric": 65535.0, "metric_ba": 1.0}})  # fmt: skip
    assert loads(drained, "A", "C") == {"A>D": 1.0, "D>E": 1.0, "E>C": 1.0}
    assert loads(drained, "A", "B") == {"A>B": 1.0}


# -- the same, small and in other formats -------------------------------------------------------

EDGES = {
    "unlike": [("a", "b", 10, 10), ("b", "a", 10, 30), ("b", "c", 5, 1), ("c", "b", 5, 1)],
    "parallel": [("a", "b", 10, 1), ("a", "b", 100, 1), ("b", "a", 100, 1), ("b", "a", 10, 1)],
}


def directed(edges, kind=nx.MultiDiGraph):
    graph = kind()
    for a, b, capacity_gbps, metric in edges:
        graph.add_edge(a, b, capacity_gbps=capacity_gbps, metric=metric, delay_ms=1)
    return graph


def written(folder, graph, suffix):
    path = folder / f"net.{suffix}"
    if suffix == "json":
        import json

        path.write_text(json.dumps(nx.node_link_data(graph, edges="edges")))
    else:
        {"graphml": nx.write_graphml, "gml": nx.write_gml}[suffix](graph, path)
    return path


every_graph = pytest.mark.parametrize("suffix", ["graphml", "gml", "json"])


@every_graph
def test_unlike_metrics_in_every_graph_format(tmp_path, suffix):
    network, _ = read(written(tmp_path, directed(EDGES["unlike"]), suffix))
    assert network.metric.tolist() == [10, 30, 1, 1]


@every_graph
def test_parallel_circuits_in_every_graph_format(tmp_path, suffix):
    network, told = read(written(tmp_path, directed(EDGES["parallel"]), suffix))
    assert sizes(network) == [("a", "b", 10, 10), ("a", "b", 100, 100)]
    assert "order" not in told


@every_graph
def test_a_name_on_both_directions_goes_before_capacity(tmp_path, suffix):
    graph = directed(EDGES["parallel"])
    for edge, name in zip(graph.edges(keys=True), "pqpq", strict=True):
        graph.edges[edge]["circuit"] = name
    network, _ = read(written(tmp_path, graph, suffix))
    assert sizes(network) == [("a", "b", 10, 100), ("a", "b", 100, 10)]


@every_graph
def test_delays_and_lengths_are_those_of_each_direction(tmp_path, suffix):
    graph = nx.DiGraph()
    graph.add_edge("a", "b", delay_ms=1, capacity_gbps=1, metric=1)
    graph.add_edge("b", "a", delay_ms=3, capacity_gbps=1, metric=1)
    graph.add_edge("b", "c", length_km=204, capacity_gbps=1, metric=1)
    graph.add_edge("c", "b", length_km=408, capacity_gbps=1, metric=1)
    network, _ = read(written(tmp_path, graph, suffix))
    assert network.delay_ms.tolist() == [1, 3, 1, 2]


@every_graph
def test_what_only_the_order_pairs_is_told(tmp_path, suffix):
    edges = [("a", "b", 10, 1), ("a", "b", 20, 1), ("b", "a", 30, 1), ("b", "a", 40, 1)]
    network, told = read(written(tmp_path, directed(edges), suffix))
    assert sizes(network) == [("a", "b", 10, 30), ("a", "b", 20, 40)]
    assert "2 links paired in the order of the file" in told


@every_graph
def test_a_graph_with_one_edge_for_each_link_has_both_directions(tmp_path, suffix):
    edges = [("a", "b", 10, 1), ("b", "c", 20, 1)]
    network, told = read(written(tmp_path, directed(edges, nx.DiGraph), suffix))
    assert sizes(network) == [("a", "b", 10, 10), ("b", "c", 20, 20)]
    assert "2 links listed in one direction only: full duplex, alike both ways" in told


@every_graph
def test_what_one_direction_lacks_is_that_of_the_other_and_told(tmp_path, suffix):
    graph = directed(EDGES["unlike"][:2], nx.DiGraph)
    del graph.edges["b", "a"]["metric"], graph.edges["a", "b"]["capacity_gbps"]
    network, told = read(written(tmp_path, graph, suffix))
    assert network.metric.tolist() == [10, 10] and network.capacity_gbps.tolist() == [10, 10]
    for what in ("metric", "capacity"):
        assert f"{what} of 1 link given in one direction only: the same both ways (a>b)" in told


def test_an_undirected_multigraph_that_lists_links_twice(tmp_path):
    rows = ", ".join(
        f'{{"source": "{a}", "target": "{b}", "capacity": {gbps}, "metric": {metric}}}'
        for a, b, gbps, metric in EDGES["unlike"]
    )
    nodes = ", ".join(f'{{"id": "{name}"}}' for name in "abc")
    (tmp_path / "net.json").write_text(f'{{"nodes": [{nodes}], "edges": [{rows}]}}')
    network, told = read(tmp_path / "net.json")
    assert network.metric.tolist() == [10, 30, 1, 1]
    assert "4 edges are one per direction, as each has one back: 2 links" in told


GRAPHML = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="c" for="edge" attr.name="capacity_gbps" attr.type="double"/>
<graph edgedefault="undirected"><node id="a"/><node id="b"/><node id="c"/>
<edge source="a" target="b"><data key="c">10</data></edge>
<edge source="b" target="c" directed="true"><data key="c">7</data></edge>
<edge source="c" target="b" directed="true"><data key="c">8</data></edge>
<edge source="a" target="c" directed="true"><data key="c">9</data></edge>
</graph></graphml>"""


def test_edges_of_graphml_say_for_themselves_whether_they_are_directed(tmp_path):
    (tmp_path / "net.graphml").write_text(GRAPHML)
    network, told = read(tmp_path / "net.graphml")
    assert sizes(network) == [("a", "b", 10, 10), ("a", "c", 9, 0), ("b", "c", 7, 8)]
    assert "one-way: no edge back (a>c)" in told


# -- tables -------------------------------------------------------------------------------------

NODES = "id,lat,lon\na,50,8\nb,51,9\nc,52,10\n"


def table(folder, rows, header="source,target,capacity_gbps,metric"):
    (folder / "nodes.csv").write_text(NODES)
    (folder / "links.csv").write_text("\n".join([header, *rows, ""]))
    return folder


BOTH = ["a,b,10,10", "b,a,10,30", "b,c,5,1", "c,b,5,1"]


def test_rows_for_each_direction_are_paired_and_told(tmp_path):
    network, told = read(table(tmp_path, BOTH))
    assert network.metric.tolist() == [10, 30, 1, 1]
    assert "links.csv:2: links[0]: warning: 4 rows are one per direction" in told
    assert "`type: undirected` on each row makes it a link of its own" in told


def test_rows_of_gephi_say_what_they_are(tmp_path):
    header = "Source,Target,capacity_gbps,metric,Type"
    network, _ = read(table(tmp_path, [f"{row},Undirected" for row in BOTH], header))
    assert len(network.links) == 4
    network, told = read(table(tmp_path, [f"{row},Directed" for row in BOTH[:3]], header))
    assert sizes(network) == [("a", "b", 10, 10), ("b", "c", 5, 0)] and "one-way" in told


def test_members_of_a_bundle_in_rows_for_each_direction(tmp_path):
    rows = ["a,b,10,1", "a,b,40,1", "b,a,40,1", "b,a,10,1", "b,c,5,1", "c,b,5,1"]
    network, told = read(table(tmp_path, rows))
    assert sizes(network) == [("a", "b", 10, 10), ("a", "b", 40, 40), ("b", "c", 5, 5)]
    assert "6 rows are one per direction, as each has one back: 3 links" in told


@pytest.mark.parametrize(
    ("header", "ends"),
    [
        ("src_interface,dst_interface", [("x", "y"), ("u", "v"), ("y", "x"), ("v", "u")]),
        ("local_port,remote_port", [("1", "2"), ("3", "4"), ("2", "1"), ("4", "3")]),
        ("circuit,note", [("k1", ""), ("k2", ""), ("k1", ""), ("k2", "")]),
    ],
)
def test_interfaces_and_circuits_go_before_capacity(tmp_path, header, ends):
    rows = ["a,b,10,1", "a,b,40,1", "b,a,40,1", "b,a,10,1"]
    rows = [f"{row},{','.join(pair)}" for row, pair in zip(rows, ends, strict=True)]
    path = table(tmp_path, rows, f"source,target,capacity_gbps,metric,{header}")
    (tmp_path / "nodes.csv").write_text("id,lat,lon\na,50,8\nb,51,9\n")
    network, _ = read(path)
    assert sizes(network) == [("a", "b", 10, 40), ("a", "b", 40, 10)]


def test_a_few_rows_the_other_way_are_parallel_links_and_told(tmp_path):
    rows = ["a,b,10,1", "b,a,10,1", "b,c,5,1", "c,a,5,1"]
    network, told = read(table(tmp_path, rows))
    assert len(network.links) == 4
    assert "1 of 3 pairs of nodes are joined by rows both ways (a>b, b>a)" in told
    assert "`type: directed`" in told


@pytest.mark.parametrize(
    "rows", [[*BOTH[:3]], ["a,b,1,1", "b,a,1,1", "a,b,1,1", "b,c,1,1", "c,b,1,1"]]
)
def test_a_table_that_may_mean_either_is_refused_with_a_way_out(tmp_path, rows):
    with pytest.raises(InputError, match=r"a row may be a link or one direction of it; `type: dir"):
        read_network(table(tmp_path, rows))


def test_columns_for_the_way_back_make_a_row_a_link(tmp_path):
    header = "source,target,capacity_gbps,metric,capacity_ba_gbps,metric_ba,delay_ms,delay_ba_ms"
    network, _ = read(table(tmp_path, ["a,b,10,1,4,3,1,2", "b,c,5,1,,,1,"], header))
    assert network.capacity_gbps.tolist() == [10, 4, 5, 5]
    assert network.metric.tolist() == [1, 3, 1, 1]


def test_a_file_of_our_own_that_lists_links_twice_is_doubted(tmp_path):
    (tmp_path / "net.yaml").write_text(
        "nodes: [{id: a}, {id: b}, {id: c}]\n"
        "links:\n"
        "  - {id: ab, a: a, b: b, capacity_gbps: 10, delay_ms: 1, metric: 1}\n"
        "  - {id: ba, a: b, b: a, capacity_gbps: 10, delay_ms: 1, metric: 3}\n"
        "  - {id: bc, a: b, b: c, capacity_gbps: 10, delay_ms: 1, metric: 1}\n"
        "  - {id: cb, a: c, b: b, capacity_gbps: 10, delay_ms: 1, metric: 3}\n"
    )
    network, told = read(tmp_path / "net.yaml")
    assert len(network.links) == 4
    assert "net.yaml:3" in told and "every link is listed once each way" in told
