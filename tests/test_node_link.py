"""JSON node-link as others write it."""

import json
from pathlib import Path

import networkx as nx
import pytest

from simulator.formats.format import check_network, read_network, topology_format
from simulator.model.network import Network


def write(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "net.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def read(path: Path) -> tuple[Network, str]:
    network, problems = read_network(path)
    return network, "\n".join(problem.message for problem in problems)


@pytest.mark.parametrize("word", ["edges", "links"])
@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiGraph])
def test_what_networkx_writes_can_be_read(word, kind, tmp_path):
    graph = kind(name="ring", unit="Mbps")
    graph.add_node(1, lat=39.9, lon=116.4)
    graph.add_node(2, lat=31.2, lon=121.5)
    graph.add_node(3)
    graph.add_edge(1, 2, bandwidth=2500, weight=5)
    graph.add_edge(2, 3, bandwidth=1000, weight=6, latency_ms=9)
    network, told = read(write(tmp_path, nx.node_link_data(graph, edges=word)))
    assert network.name == "ring"
    assert network.nodes == ("1", "2", "3")
    assert network.links == ("1-2", "2-3")
    assert network.capacity_gbps[::2].tolist() == [2.5, 1]
    assert network.metric[::2].tolist() == [5, 6]
    assert network.delay_ms[2] == 9
    assert told == ""


def test_a_directed_graph_is_paired(tmp_path):
    graph = nx.MultiDiGraph()
    for a, b, capacity in [("x", "y", 1), ("y", "x", 2), ("x", "y", 3), ("y", "x", 4)]:
        graph.add_edge(a, b, capacity_gbps=capacity, delay_ms=1, metric=1)
    network, told = read(write(tmp_path, nx.node_link_data(graph, edges="edges")))
    assert sorted(network.capacity_gbps.reshape(2, 2).tolist()) == [[1, 2], [3, 4]]
    first, second = told.split("\n")
    assert first == "4 directed edges taken for 2 links"
    assert "2 links paired in the order of the file" in second


def test_d3_needs_no_more_than_nodes_and_links(tmp_path):
    data = {
        "nodes": [{"id": "Myriel", "group": 1}, {"id": "Napoleon", "group": 1}],
        "links": [{"source": "Napoleon", "target": "Myriel", "value": 1}],
    }
    network, _ = read(write(tmp_path, data))
    assert network.name == "net"
    assert network.links == ("Napoleon-Myriel",)


def test_not_a_number_is_a_missing_value(tmp_path):
    data = '{"nodes": [{"id": "a", "lat": NaN}, {"id": "b"}], "edges": [%s]}'
    link = '{"source": "a", "target": "b", "capacity_gbps": Infinity, "delay_ms": 1e999}'
    network, told = read(write(tmp_path, data % link))
    assert network.capacity_gbps.tolist() == [10, 10]
    assert network.delay_ms.tolist() == [1, 1]
    assert "capacity of the only link cannot be used, inf on 'a-b'" in told


@pytest.mark.parametrize(
    "data, told",
    [
        ({"a": 1, "b": 2}, "no node-link graph: one has 'nodes', and 'edges' or 'links'; found"),
        ({}, "it is empty"),
        ([1, 2], "expected a mapping, found"),
        ("5", "expected a mapping, found 5"),
        ({"nodes": [{"id": 1}]}, "no node-link graph"),
        ({"nodes": {}, "edges": []}, "nodes: expected a list, found"),
        ({"nodes": [], "edges": 5}, "edges: expected a list, found 5"),
        ({"nodes": [{"id": 1}, 2], "edges": []}, "nodes[1]: expected a mapping, found 2"),
        ({"nodes": [], "edges": [1], "links": [1]}, "both 'edges' and 'links'"),
        ({"nodes": [], "edges": [], "graph": 3}, "graph: expected a mapping, found 3"),
        ({"nodes": [], "edges": []}, "no nodes in this file"),
        ({"nodes": [{"id": 1}], "edges": []}, "no links in this file"),
        ({"nodes": [{"id": 1}], "edges": [{"source": 1}]}, "links[0].b: the link has no such end"),
        (
            {"nodes": [{"id": "rome"}], "edges": [{"source": "rome", "target": "roma"}]},
            "links[0].b: no node named 'roma'; did you mean 'rome'?",
        ),
        (
            {"nodes": [{"id": [1]}, {"id": {}}], "edges": [{"source": [1], "target": {}}]},
            "links[0].a: the link has no such end",
        ),
        ('{"nodes": [],\n "nodes": [], "edges": []}', "a second key 'nodes' in one object"),
        ('{"nodes": [],\n "edges": [],}', "net.json:2: not valid JSON: "),
        ('{"nodes": [],\n "edges": [', "net.json:2: not valid JSON: "),
    ],
)
def test_json_that_is_no_graph_is_refused_in_words(data, told, tmp_path):
    errors = [each for each in check_network(write(tmp_path, data)) if each.severity == "error"]
    assert errors
    assert told in str(errors[0])


def test_the_json_of_rfc_8345_is_left_to_its_own_format(tmp_path):
    path = write(tmp_path, {"ietf-network:networks": {"network": []}, "nodes": [], "edges": []})
    assert not topology_format.make("node_link").reads(path)
    assert topology_format.make("node_link").reads(write(tmp_path, {"nodes": [], "links": []}))
