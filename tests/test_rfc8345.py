"""Topologies in the models of RFC 8345 and RFC 8795 become networks."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from simulator.base.errors import InputError
from simulator.formats.format import read_network, write_network
from simulator.formats.rfc8345 import Rfc8345
from simulator.model.network import Network
from simulator.scenario.load import load

TE = "ietf-te-topology:te"


def node(name: str, lat: float | None = None, lon: float | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"node-id": name, "ietf-network-topology:termination-point": []}
    if lat is not None:
        found[TE] = {"geolocation": {"latitude": str(lat), "longitude": str(lon)}}
    return found


def link(tail: str, head: str, tps: str = "", name: str = "", **te: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "link-id": name or f"{tail},{head}",
        "source": {"source-node": tail},
        "destination": {"dest-node": head},
    }
    if tps:
        found["source"]["source-tp"], found["destination"]["dest-tp"] = tps.split()
    if te:
        found[TE] = {"te-link-attributes": {key.replace("_", "-"): te[key] for key in te}}
    return found


def bandwidth(value: Any) -> dict[str, Any]:
    return {"te-bandwidth": {"generic": value}}


def both(a: str, b: str, **te: Any) -> list[dict[str, Any]]:
    return [link(a, b, **te), link(b, a, **te)]


def network_of(nodes: list, links: list, name: str = "te") -> dict[str, Any]:
    return {
        "network-id": name,
        "network-types": {"ietf-te-topology:te-topology": {}},
        "node": nodes,
        "ietf-network-topology:link": links,
    }


def file_of(*networks: dict[str, Any]) -> dict[str, Any]:
    return {"ietf-network:networks": {"network": list(networks)}}


NODES = [node("A", 48.21, 16.37), node("B", 48.31, 14.29), node("C", 47.07, 15.44)]
#: 10 Gbps are 1.25e9 bytes per second: 0x1.2a05f2p+30.
TEN = bandwidth((1.25e9).hex())
LINKS = [
    *both("A", "B", max_link_bandwidth=TEN, te_default_metric=7, te_delay_metric=1100),
    *both("B", "C", max_link_bandwidth=bandwidth("0x1p+27"), te_default_metric=8),
    *both("C", "A", max_link_bandwidth=bandwidth(125_000_000), te_default_metric=9),
]
LINK = "ietf-network-topology:link"
GOOD = file_of(network_of(NODES, LINKS))


def saved(folder: Path, data: Any) -> Path:
    path = folder / "topology.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def read(folder: Path, data: Any, **options: Any) -> Network:
    path = saved(folder, data)
    network, problems = Rfc8345(**options).read(path) if options else read_network(path)
    assert {problem.severity for problem in problems} <= {"warning"}
    assert network is not None
    return network


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """Return the good file with one value changed, counted from the first network."""
    data = copy.deepcopy(GOOD)
    place: Any = data["ietf-network:networks"]["network"][0]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return data


# ---------------------------------------------------------------- networks


def test_a_network_is_what_the_file_says(tmp_path):
    network = read(tmp_path, GOOD)
    assert network.name == "te"
    assert network.nodes == ("A", "B", "C")
    assert network.links == ("A,B", "B,C", "C,A")
    assert_array_equal(network.tail[::2], [0, 1, 2])
    assert_array_equal(network.head[::2], [1, 2, 0])
    assert_array_equal(network.capacity_gbps[::2], [10, 8 * 2**27 / 1e9, 1])
    assert_array_equal(network.capacity_gbps[1::2], network.capacity_gbps[::2])
    assert_array_equal(network.metric[::2], [7, 8, 9])
    assert network.delay_ms[0] == 1.1
    assert (network.graph.nodes["A"]["lat"], network.graph.nodes["A"]["lon"]) == (48.21, 16.37)


@pytest.mark.parametrize(
    ("text", "gbps"),
    [
        ("0x1.2a05f2p+30", 10),
        ("0X1p10", 8 * 1024 / 1e9),
        ("0x4A817C80", 10),
        ("4661250", 0.03729),
        (1.25e9, 10),
        (12_500_000_000, 100),
    ],
)
def test_bandwidth_is_bytes_per_second(tmp_path, text, gbps):
    attributes = ("ietf-network-topology:link", 0, TE, "te-link-attributes", "max-link-bandwidth")
    data = changed(*attributes, value=bandwidth(text))
    data["ietf-network:networks"]["network"][0]["ietf-network-topology:link"][1][TE] = data[
        "ietf-network:networks"
    ]["network"][0]["ietf-network-topology:link"][0][TE]
    assert read(tmp_path, data).capacity_gbps[0] == gbps


def test_a_link_of_bandwidth_zero_is_shut(tmp_path):
    shut, open_ = (bandwidth(text) for text in ("0x0p0", "125e6"))
    links = both("a", "b", max_link_bandwidth=shut)
    links += both("b", "c", max_link_bandwidth=open_) + both("c", "a", max_link_bandwidth=open_)
    path = saved(tmp_path, file_of(network_of([node(name) for name in "abc"], links)))
    network, problems = read_network(path)
    assert network.links == ("b,c", "c,a")
    assert any("1 of 3 links left out: capacity 0, so shut ('a,b')" in p.message for p in problems)


def test_links_pair_by_termination_points_before_anything_else(tmp_path):
    links = [
        link("A", "B", "1 7", "first", max_link_bandwidth=TEN),
        link("A", "B", "2 8", "second", max_link_bandwidth=bandwidth(125_000_000)),
        link("B", "A", "8 2", "second back", max_link_bandwidth=TEN),
        link("B", "A", "7 1", "first back", max_link_bandwidth=bandwidth(125_000_000)),
    ]
    network = read(tmp_path, file_of(network_of(NODES[:2], links)))
    assert network.links == ("first", "second")
    assert_array_equal(network.capacity_gbps, [10, 1, 1, 10])
    for each in links:  # without them, like goes with like
        del each["source"]["source-tp"], each["destination"]["dest-tp"]
    network = read(tmp_path, file_of(network_of(NODES[:2], links)))
    assert_array_equal(network.capacity_gbps, [10, 10, 1, 1])


def test_links_listed_in_one_direction_are_full_duplex_and_it_is_said(tmp_path):
    path = saved(tmp_path, file_of(network_of(NODES, LINKS[::2])))
    network, problems = read_network(path)
    assert_array_equal(network.capacity_gbps[1::2], network.capacity_gbps[::2])
    assert len(network.links) == 3
    assert any("3 links listed in one direction only" in each.message for each in problems)


def test_each_direction_has_its_own_metric_and_delay(tmp_path):
    data = changed(LINK, 2, TE, "te-link-attributes", "te-default-metric", value=80)
    links = data["ietf-network:networks"]["network"][0][LINK]
    links[0][TE]["te-link-attributes"]["te-delay-metric"] = 2200
    network = read(tmp_path, data)
    assert_array_equal(network.metric, [7, 7, 80, 8, 9, 9])
    assert_array_equal(network.delay_ms[:2], [2.2, 1.1])


def test_a_link_without_one_back_among_others_is_one_way_and_it_is_said(tmp_path):
    path = saved(tmp_path, file_of(network_of(NODES, LINKS[:-1])))
    network, problems = read_network(path)
    assert_array_equal(network.up, [True] * 5 + [False])
    told = "1 link taken for one-way: no link back (C>A)"
    assert any(told in each.message for each in problems)


def test_metric_and_delay_have_second_sources(tmp_path):
    links = both("A", "B", performance_metrics_one_way={"one-way-delay": 1500})
    for each in links:
        each["ietf-l3-unicast-topology:l3-link-attributes"] = {"metric1": "40"}
    network = read(tmp_path, file_of(network_of(NODES[:2], links)))
    assert (network.metric[0], network.delay_ms[0]) == (40, 1.5)


def test_shared_risk_groups_are_cables(tmp_path):
    links = [
        *both("A", "B", te_srlgs={"value": [1, 2]}),
        *both("B", "C", te_srlgs={"value": [2]}),
        *both("C", "A"),
    ]
    path = saved(tmp_path, file_of(network_of(NODES, links)))
    network, problems = read_network(path)
    cables = [network.attributes(name)["cables"] for name in network.links]
    assert cables == [{"srlg-2": 1.0}, {"srlg-2": 1.0}, {}]
    assert any("1 link in several shared risk groups" in each.message for each in problems)
    cut = network.failed(cables=["srlg-2"])
    assert_array_equal(cut.up, [False] * 4 + [True] * 2)


def test_the_first_network_with_links_or_the_one_named(tmp_path):
    other = network_of(NODES[:2], both("A", "B"), "other")
    data = file_of({"network-id": "sites", "node": NODES}, network_of(NODES, LINKS), other)
    network = read(tmp_path, data)
    assert network.name == "te"
    said = "of 3 networks in the file this is 'te'; left out: 'sites', 'other'"
    assert (
        f"{said}; to choose: topology: {{path: FILE, network: NAME}}" in network.about.assumptions
    )
    assert read(tmp_path, data, network="other").name == "other"
    with pytest.raises(InputError, match="no network 'othr'; did you mean 'other'"):
        Rfc8345(network="othr").read(tmp_path / "topology.json")


def test_what_supports_a_network_is_left_out_and_it_is_said(tmp_path):
    data = changed("supporting-network", value=[{"network-ref": "optical"}])
    network = data["ietf-network:networks"]["network"][0]
    for each in network["node"]:
        each["supporting-node"] = [{"network-ref": "optical", "node-ref": "x"}]
    assert (
        "what supports the topology is left out: that of 1 network, 3 nodes"
        in read(tmp_path, data).about.assumptions
    )


@pytest.mark.parametrize(
    "wrapped",
    [
        {"ietf-network:network": [network_of(NODES, LINKS)]},
        {
            "ietf-yang-instance-data:instance-data-set": {
                "name": "x",
                "content-data": GOOD,
            }
        },
    ],
)
def test_other_wrappings_are_read_alike(tmp_path, wrapped):
    found = read(tmp_path, wrapped)
    assert_array_equal(found.capacity_gbps, read(tmp_path, GOOD).capacity_gbps)


def test_drafts_before_the_rfc_are_read_as_well(tmp_path):
    data = copy.deepcopy(GOOD)
    for each in data["ietf-network:networks"]["network"][0]["ietf-network-topology:link"]:
        each[TE] = {"state": each[TE], "config": {}}
    assert_array_equal(read(tmp_path, data).metric[::2], [7, 8, 9])


# ---------------------------------------------------------------- refusals

ATTRIBUTES = (LINK, 2, TE, "te-link-attributes")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"ietf-network:networks": ', "topology.json:1: not valid JSON"),
        (json.dumps(GOOD)[:-200], "not valid JSON"),
        ('{"ietf-network:networks": ' + "[" * 100_000, "nested too deep"),
        ('{"ietf-network:networks": {"network": [NaN]}}', "NaN is no number"),
        (
            '{"ietf-network:networks": 1, "ietf-network:networks": 2}',
            "a second key 'ietf-net",
        ),
        ('{"ietf-network:networks": ' + "9" * 10_000 + "}", "not valid JSON"),
        ({"ietf-network:networks": 3}, "no ietf-network:networks or ietf-network:network"),
        ({"ietf-network:networks": {"network": [7]}}, "expected an object, found 7"),
        (file_of(), "no ietf-network:networks or"),
        (file_of(network_of(NODES, [])), "no network in this file has links"),
        (file_of(network_of([], LINKS)), "no nodes in this file"),
        (changed("node", 0, "node-id", value=5), "node[0].node-id: expected text, found 5"),
        (changed("node", 0, "node-id", value="B"), "a second node with the id 'B'"),
        (changed(LINK, 0, "source", value=[]), "link[0].source.source-node: link 'A,B' has no"),
        (changed(LINK, 0, "source", "source-node", value="Z"), "no node named 'Z'"),
        (changed(*ATTRIBUTES, "te-delay-metric", value="fast"), "te-delay-metric: expected a"),
        (changed(*ATTRIBUTES, "te-delay-metric", value=-1), "at least 0, found -1"),
        (changed(*ATTRIBUTES, "te-default-metric", value=True), "at least 0, found true"),
        (changed(*ATTRIBUTES, "max-link-bandwidth", value="ODU4"), "bytes per second"),
        (changed(*ATTRIBUTES, "max-link-bandwidth", value="0x1p+999"), "bytes per second"),
        (changed(*ATTRIBUTES, "max-link-bandwidth", value=[1]), "bytes per second"),
        (changed(*ATTRIBUTES, "te-srlgs", value={"value": [1.5]}), "a shared risk group"),
        (
            changed("node", 0, TE, "geolocation", "latitude", value="north"),
            "latitude: expected degrees, found 'north'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path, data, words):
    path = saved(tmp_path, data)
    begin = time.process_time()
    with pytest.raises(InputError) as error:
        read_network(path)
    assert time.process_time() - begin < 2
    assert str(error.value).startswith(str(path))
    assert words in str(error.value)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    data = copy.deepcopy(GOOD)
    for each in data["ietf-network:networks"]["network"][0][LINK]:
        each[TE]["te-link-attributes"]["te-default-metric"] = "x"
    with pytest.raises(InputError) as error:
        read_network(saved(tmp_path, data))
    assert len(error.value.problems) == 6
    assert np.unique([problem.key for problem in error.value.problems]).size == 6


def test_other_json_is_left_to_others(tmp_path):
    path = saved(tmp_path, {"nodes": [], "edges": []})
    assert not Rfc8345().reads(path)
    assert Rfc8345().reads(saved(tmp_path, GOOD))


# ---------------------------------------------------------------- written


def test_what_is_written_is_read_again(tmp_path):
    network = read(tmp_path, GOOD)
    lost = write_network(network, tmp_path / "again.rfc8345.json")
    found, problems = read_network(tmp_path / "again.rfc8345.json")
    assert found.links == network.links and found.nodes == network.nodes
    for key in ("tail", "head", "capacity_gbps", "metric"):
        assert_array_equal(getattr(found, key), getattr(network, key))
    assert found.delay_ms == pytest.approx(network.delay_ms, abs=0.5001e-3)
    assert [each.get("lat") for _, each in found.graph.nodes(data=True)] == [
        each.get("lat") for _, each in network.graph.nodes(data=True)
    ]
    assert lost == [
        "delay_ms of 2 links below a microsecond",
        "sources, assumptions of the network",
    ]
    assert problems == []


def test_parallel_links_and_unlike_directions_are_written(tmp_path):
    graph = nx.MultiGraph()
    graph.add_nodes_from("ab", kind="core", lat=1.0, lon=2.0)
    for order, (name, back, cables) in enumerate(
        [("x", 4.0, {"srlg-7": 1.0}), ("x back", None, {}), ("y", 0.1, {"TPE": 1.0})]
    ):
        more = {} if back is None else {"capacity_ba_gbps": back}
        graph.add_edge(
            *"ab", key=name, a="a", b="b", order=order, capacity_gbps=0.3, metric=2.5, delay_ms=1.0,
            cables=cables, **{"class": "core"}, **more,
        )  # fmt: skip
    path = tmp_path / "net.rfc8345.json"
    lost = write_network(Network(graph, "net"), path)
    found, _ = read_network(path)
    assert found.links == ("x", "x back", "y")
    assert found.capacity_gbps.tolist() == [0.3, 4.0, 0.3, 0.3, 0.3, 0.1]
    assert found.attributes("x")["cables"] == {"srlg-7": 1.0}
    assert lost == [
        "cables of 1 link: only whole ones named srlg-NUMBER are held",
        "metric of 3 links that is no whole number, rounded",
    ]


def test_a_scenario_chooses_one_of_several(tmp_path):
    other = network_of(NODES[:2], both("A", "B"), "other")
    path = saved(tmp_path, file_of(network_of(NODES, LINKS), other))
    matrix = {"kind": "gravity", "domestic_gbps": 1.0, "by": "degree"}
    keys = {"strategies": {"a": {"scheme": "igp_ecmp"}}, "traffic": {"matrix": matrix}}
    several = {"path": str(path), "network": "other"}
    assert load({"topology": several, **keys}).network.name == "other"
    assert load({"topology": {"path": str(path)}, **keys}).network.name == "te"
    with pytest.raises(InputError, match="no network 'othr'; did you mean 'other'"):
        load({"topology": several | {"network": "othr"}, **keys})
    with pytest.raises(InputError, match="in the format native is one network; leave out its"):
        load({"topology": {"path": "china169-mini", "network": "x"}, **keys})
