"""GraphML as others write it: the Topology Zoo, NetworkX, yEd; and GML, which says the same."""

import gzip
import json
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
import third_party

from simulator.base.errors import InputError
from simulator.formats.format import check_network, load_network, read_network, write_network
from simulator.formats.speed_words import speed_gbps
from simulator.model.geo import great_circle_km
from simulator.model.network import Network

ZOO = third_party.FOLDER / "topology_zoo"
HEAD = (
    '<?xml version="1.0" encoding="utf-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
)


def write(tmp_path: Path, text: str, name: str = "net.graphml") -> Path:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


def graphml(tmp_path: Path, graph: nx.Graph) -> Path:
    nx.write_graphml(graph, tmp_path / "net.graphml")
    return tmp_path / "net.graphml"


def read(path: Path) -> tuple[Network, str]:
    network, problems = read_network(path)
    return network, "\n".join(problem.message for problem in problems)


def chain(*capacities, **more) -> nx.Graph:
    graph = nx.Graph()
    for i, capacity in enumerate(capacities):
        graph.add_edge(f"n{i}", f"n{i + 1}", **capacity, **more)
    return graph


# ---------------------------------------------------------------- the Topology Zoo


#: Nodes, links and nodes without coordinates, as counted with grep.
ZOO_FILES = {
    "Abilene": (11, 14, 0),
    "Cernet": (41, 59, 4),
    "Chinanet": (42, 66, 4),
    "Cogentco": (197, 245, 11),
    "Geant2012": (40, 61, 3),
    "Kdl": (754, 899, 28),
    "UsCarrier": (158, 189, 6),
}


@third_party.needed
@pytest.mark.parametrize("name", ZOO_FILES)
def test_the_topology_zoo_can_be_read(name):
    nodes, links, unlocated = ZOO_FILES[name]
    (path,) = ZOO.glob(f"{name}.graphml*")
    network, told = read(path)
    assert network.name == name
    assert (len(network.nodes), len(network.links)) == (nodes, links)
    places = [node for _, node in network.graph.nodes(data=True) if "lat" in node]
    assert len(places) == nodes - unlocated
    assert (network.delay_ms > 0).all()
    assert (network.capacity_gbps > 0).all()
    assert network.about.sources
    assert all(text.endswith(".") for text in network.about.assumptions)
    assert "metric of all" in told


@third_party.needed
def test_no_file_of_the_topology_zoo_is_left_out():
    assert {path.name.split(".")[0] for path in ZOO.iterdir()} == set(ZOO_FILES)


@third_party.needed
def test_chinanet_has_hong_kong_where_it_is():
    network, told = read(ZOO / "Chinanet.graphml")
    hong_kong = network.graph.nodes["Hong Kong"]
    assert great_circle_km(hong_kong["lat"], hong_kong["lon"], 22.3, 114.2) < 10
    assert "1 of 42 nodes moved" in told
    assert set(network.capacity_gbps) == {10}
    international = [node for node in network.nodes if node.startswith("International Link")]
    assert len(international) == 4
    assert all("lat" not in network.graph.nodes[node] for node in international)


@third_party.needed
@pytest.mark.parametrize("name", ["Chinanet", "Cernet", "Geant2012"])
def test_links_join_what_networkx_says(name):
    """NetworkX reads the same file with another parser."""
    raw = nx.read_graphml(ZOO / f"{name}.graphml", force_multigraph=True)
    network, _ = read(ZOO / f"{name}.graphml")
    by_id = dict(zip(raw.nodes, network.nodes, strict=True))
    assert sum(raw.nodes[old]["label"] == new for old, new in by_id.items()) >= len(raw) - 1
    expected = Counter(frozenset((by_id[a], by_id[b])) for a, b in raw.edges())
    found = Counter(frozenset(network.attributes(link)[x] for x in "ab") for link in network.links)
    assert found == expected


@third_party.needed
def test_capacities_are_the_raw_speeds_or_what_the_label_says():
    network, told = read(ZOO / "Geant2012.graphml")
    found = Counter(network.capacity_gbps[::2].tolist())
    assert found == {10: 26, 1: 6, 2.5: 5, 0.155: 2 + 22}
    assert "capacity of 22 of 61 links not given: 0.155 Gbps, the smallest given" in told
    abilene, told = read(ZOO / "Abilene.graphml")
    assert set(abilene.capacity_gbps) == {9.95328}
    assert "of 14 links read from words: 9.95328 Gbps from 'OC-192c' on 14 links" in told


@third_party.needed
def test_the_pairs_of_topohub_agree():
    """The package topohub has drawn the same file: 38 located nodes, by name."""
    import pandas as pd

    links = pd.read_csv(third_party.FOLDER / "topohub" / "chinanet_links.csv")
    network, _ = read(ZOO / "Chinanet.graphml")
    located = {node for node, at in network.graph.nodes(data=True) if "lat" in at}
    pairs = {
        frozenset(network.attributes(link)[x] for x in "ab")
        for link in network.links
        if located.issuperset(network.attributes(link)[x] for x in "ab")
    }
    assert len(pairs) == len(links)


@pytest.mark.parametrize(
    "text, gbps",
    [
        ("10 Gbps", 10),
        ("2.5G", 2.5),
        ("155M", 0.155),
        ("2 x 10 Gbps", 20),
        ("100GE", 100),
        ("100GbE", 100),
        ("34 Mbit/s", 0.034),
        ("1 Gb/s", 1),
        ("64 kbps", 64e-6),
        ("1.6 Tbps", 1600),
        ("OC-192c", 9.95328),
        ("STM-16", 2.48832),
        ("backbone, 10 Gbps, leased", 10),
        ("Red Link", None),
        ("e59", None),
        ("10 Gbps or 1 Gbps", None),
        ("10 GB/s", None),
        ("5 Miles", None),
        ("10", None),
        ("", None),
    ],
)
def test_a_label_tells_a_speed_or_none(text, gbps):
    assert speed_gbps(text) == (None if gbps is None else pytest.approx(gbps, rel=1e-12))


# ---------------------------------------------------------------- what attributes are called


@pytest.mark.parametrize(
    "attributes, unit, gbps",
    [
        ({"capacity_gbps": 40.0}, "", 40),
        ({"Capacity Gbps": 40}, "", 40),
        ({"capacity": 40}, "", 40),
        ({"BandWidth": "40"}, "", 40),
        ({"bandwidth": "40 Mbps"}, "", 0.04),
        ({"bw": 40.0}, "Mbps", 0.04),
        ({"capacity": 4e10}, "bps", 40),
        ({"capacity": 40000}, "Mbit/s", 40),
        ({"LinkSpeedRaw": 4e10, "LinkLabel": "1 Gbps"}, "Mbps", 40),
        ({"LinkLabel": "40 Gbps"}, "Mbps", 40),
        ({"capacity": "", "label": "40G"}, "", 40),
    ],
)
def test_capacity_has_many_names(attributes, unit, gbps, tmp_path):
    graph = chain(attributes, delay_ms=1.0, metric=1)
    if unit:
        graph.graph["unit"] = unit
    network, told = read(graphml(tmp_path, graph))
    assert network.capacity_gbps.tolist() == [gbps, gbps]
    assumed = {"capacity", "bandwidth"} & {key.lower() for key in attributes if attributes[key]}
    numeric = not any("bps" in str(value) for value in attributes.values())
    assert ("read as Gbps: the file tells no unit" in told) == bool(
        assumed and numeric and not unit
    )


def test_an_unknown_unit_is_an_error(tmp_path):
    graph = chain({"capacity": 1})
    graph.graph["unit"] = "Gpbs"
    with pytest.raises(InputError, match="no unit 'Gpbs'; did you mean 'gbps'"):
        load_network(graphml(tmp_path, graph))


@pytest.mark.parametrize(
    "attributes, ms, told",
    [
        ({"delay_ms": 3.0}, 3, ""),
        ({"Latency": 3}, 3, "latency read as ms"),
        ({"length_km": 612}, 3, ""),
        ({"dist": 612.0}, 3, "dist read as km"),
    ],
)
def test_delay_and_length_have_many_names(attributes, ms, told, tmp_path):
    network, found = read(graphml(tmp_path, chain({"capacity_gbps": 1, "metric": 1}, **attributes)))
    assert network.delay_ms.tolist() == [ms, ms]
    assert (told in found) and (bool(told) == bool(found))


@pytest.mark.parametrize("name", ["metric", "weight", "Cost", "igp_metric"])
def test_the_metric_has_many_names(name, tmp_path):
    network, _ = read(graphml(tmp_path, chain({name: 7})))
    assert network.metric.tolist() == [7, 7]


# ---------------------------------------------------------------- kinds of graphs


def test_a_directed_graph_becomes_links_by_pairs(tmp_path):
    graph = nx.DiGraph()
    graph.add_edge("a", "b", capacity_gbps=10, delay_ms=2, metric=3)
    graph.add_edge("c", "b", capacity_gbps=5, delay_ms=2, metric=1)
    graph.add_edge("b", "a", capacity_gbps=4, delay_ms=2, metric=3)
    network, told = read(graphml(tmp_path, graph))
    assert network.frame()[["a", "b", "capacity_gbps", "capacity_ba_gbps"]].values.tolist() == [
        ["a", "b", 10, 4],
        ["c", "b", 5, 0],
    ]
    assert "3 directed edges taken for 2 links" in told
    assert "1 link taken for one-way: no edge back (c>b)" in told


def test_parallel_edges_stay_apart(tmp_path):
    graph = nx.MultiGraph()
    for capacity in (1, 2, 2):
        graph.add_edge("a", "b", capacity_gbps=capacity, delay_ms=1, metric=1)
    network, _ = read(graphml(tmp_path, graph))
    assert network.capacity_gbps[::2].tolist() == [1, 2, 2]
    assert len(set(network.links)) == 3


def test_yed_writes_its_labels_elsewhere(tmp_path):
    text = HEAD + (
        '<key for="node" id="d1" yfiles.type="nodegraphics"/>'
        '<key for="edge" id="d2" yfiles.type="edgegraphics"/><graph edgedefault="undirected">'
        '<node id="n0"><data key="d1"><y:ShapeNode xmlns:y="y"><y:Fill color="red"/>'
        "<y:NodeLabel>Beijing</y:NodeLabel></y:ShapeNode></data></node>"
        '<node id="n1"><data key="d1"><y:ShapeNode xmlns:y="y"><y:NodeLabel>Wuhan</y:NodeLabel>'
        '</y:ShapeNode></data></node><edge source="n0" target="n1"><data key="d2">'
        '<y:EdgeLabel xmlns:y="y">40 Gbps</y:EdgeLabel></data></edge></graph></graphml>'
    )
    network, _ = read(write(tmp_path, text))
    assert network.nodes == ("Beijing", "Wuhan")
    assert network.links == ("Beijing-Wuhan",)
    assert network.capacity_gbps.tolist() == [40, 40]


def test_defaults_of_keys_hold_where_nothing_else_is_said(tmp_path):
    text = HEAD + (
        '<key id="c" for="edge" attr.name="capacity_gbps" attr.type="double">'
        '<default>25</default></key><graph edgedefault="undirected"><node id="a"/><node id="b"/>'
        '<edge source="a" target="b"/><edge source="a" target="b"><data key="c">7</data></edge>'
        "</graph></graphml>"
    )
    network, _ = read(write(tmp_path, text))
    assert network.capacity_gbps[::2].tolist() == [25, 7]


def test_a_graph_within_a_node_is_flattened(tmp_path):
    text = HEAD + (
        '<graph edgedefault="undirected"><node id="a"/><node id="g"><graph id="g:">'
        '<node id="b"/><node id="c"/><edge source="b" target="c"/></graph></node>'
        '<edge source="a" target="b"/></graph></graphml>'
    )
    network, told = read(write(tmp_path, text))
    assert network.nodes == ("a", "b", "c")
    assert "('g')" in told


def test_a_packed_file_is_read_as_well(tmp_path):
    path = graphml(tmp_path, chain({"capacity_gbps": 3}))
    packed = tmp_path / "packed.graphml.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert load_quietly(packed).capacity_gbps.tolist() == [3, 3]
    assert load_quietly(packed).name == "packed"


def load_quietly(path: Path) -> Network:
    return read_network(path)[0]


# ---------------------------------------------------------------- mistakes, with their lines

KEYS = (
    '<key id="c" for="edge" attr.name="capacity" attr.type="double"/>\n'
    '<graph edgedefault="undirected">\n<node id="a"/>\n<node id="b"/>\n'
)


@pytest.mark.parametrize(
    "body, line, told",
    [
        ('<edge source="a" target="bb"/>', 6, "no node named 'bb'; did you mean 'b'?"),
        ('<edge source="a"/>', 6, "the link has no such end"),
        ('<node id="b"/><edge source="a" target="b"/>', 6, "a second node with the id 'b'"),
        (
            '<edge source="a" target="b">\n<data key="c">fast</data></edge>',
            7,
            "capacity: expected a number, found 'fast'",
        ),
        (
            '<edge source="a" target="b"><data key="c">1</data>\n<data key="c">2</data></edge>',
            7,
            "a second value for 'capacity'",
        ),
        ("<hyperedge/>", 6, "an edge between more than two nodes"),
        ("<edge", 6, "not well-formed XML"),
    ],
)
def test_a_mistake_is_told_with_its_line(body, line, told, tmp_path):
    path = write(tmp_path, f"{HEAD}\n{KEYS}{body}</graph></graphml>")
    errors = [problem for problem in check_network(path) if problem.severity == "error"]
    assert [(problem.file, problem.line) for problem in errors] == [(str(path), line)]
    assert told in errors[0].message


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".json"])
def test_what_we_wrote_is_checked_strictly(suffix, tmp_path):
    """No mending hides what somebody broke in a file of ours."""
    path = tmp_path / f"net{suffix}"
    write_network(load_network("china169-mini"), path)
    text = path.read_text()
    before = {".graphml": ">core<", ".gml": 'class "core"', ".json": '"class": "core"'}[suffix]
    path.write_text(text.replace(before, before.replace("core", "croe"), 1))
    (error,) = (problem for problem in check_network(path) if problem.severity == "error")
    assert "did you mean 'core'" in error.message
    wrong = next(i for i, row in enumerate(path.read_text().splitlines(), 1) if "croe" in row)
    if suffix != ".json":  # its parser tells no lines
        assert wrong - 8 <= error.line <= wrong


def test_what_a_tool_added_to_our_file_is_told(tmp_path):
    path = tmp_path / "net.json"
    write_network(load_network("china169-mini"), path)
    data = json.loads(path.read_text())
    data["nodes"][0]["Modularity Class"] = 3
    path.write_text(json.dumps(data))
    network, told = read(path)
    assert len(network.nodes) == 10
    assert told == "attributes without a meaning here: 'Modularity Class'"


# ---------------------------------------------------------------- NetworkX reads what we write


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".json"])
def test_networkx_reads_what_we_write(suffix, tmp_path):
    network = load_network("china169-mini")
    path = tmp_path / f"net{suffix}"
    assert write_network(network, path) == []
    if suffix == ".graphml":
        graph = nx.read_graphml(path, force_multigraph=True)
    elif suffix == ".gml":
        graph = nx.read_gml(path)
    else:
        graph = nx.node_link_graph(json.loads(path.read_text()), edges="edges")
    assert tuple(graph) == network.nodes
    for link in network.links:
        theirs, ours = graph.edges[*ends(network, link), link], network.attributes(link)
        for key in ("class", "capacity_gbps", "delay_ms", "metric"):
            assert theirs[key] == ours[key]
    assert graph.nodes["beijing"]["lat"] == network.graph.nodes["beijing"]["lat"]


def ends(network: Network, link: str) -> tuple[str, str]:
    return network.attributes(link)["a"], network.attributes(link)["b"]


# ---------------------------------------------------------------- GML


def test_gml_of_networkx_can_be_read(tmp_path):
    graph = nx.MultiGraph(Network='Some \u00e9 & "net"')
    graph.add_node("Xi'an", Latitude=34.25, Longitude=108.9, Country="China")
    graph.add_node("\u5317\u4eac", Latitude=39.9, Longitude=116.4)
    graph.add_edge("Xi'an", "\u5317\u4eac", LinkSpeedRaw=1e10, weight=3)
    graph.add_edge("Xi'an", "\u5317\u4eac", LinkLabel="2.5G", weight=4)
    nx.write_gml(graph, tmp_path / "net.gml")
    network, _ = read(tmp_path / "net.gml")
    assert network.nodes == ("Xi'an", "\u5317\u4eac")
    assert network.about.title == 'Some \u00e9 & "net"'
    assert network.capacity_gbps[::2].tolist() == [10, 2.5]
    assert network.metric[::2].tolist() == [3, 4]


@third_party.needed
@pytest.mark.parametrize("name", ["Chinanet", "Geant2012"])
def test_gml_and_graphml_tell_the_same(name, tmp_path):
    graph = nx.read_graphml(ZOO / f"{name}.graphml", force_multigraph=True)
    for node, attributes in graph.nodes(data=True):
        attributes["id"] = int(node)
    plain = nx.MultiGraph(**{k: v for k, v in graph.graph.items() if "default" not in k})
    plain.add_nodes_from(
        (attributes.pop("label"), attributes) for _, attributes in list(graph.nodes(data=True))
    )
    names = list(plain)
    for a, b, attributes in graph.edges(data=True):
        attributes.pop("key", None)
        attributes.pop("id", None)
        plain.add_edge(names[int(a)], names[int(b)], **attributes)
    nx.write_gml(plain, tmp_path / "net.gml")
    by_gml, by_graphml = read(tmp_path / "net.gml")[0], read(ZOO / f"{name}.graphml")[0]
    assert by_gml.nodes == by_graphml.nodes
    assert sorted(by_gml.delay_ms) == sorted(by_graphml.delay_ms)
    assert sorted(by_gml.capacity_gbps) == sorted(by_graphml.capacity_gbps)


@pytest.mark.parametrize(
    "text, line, told",
    [
        ("graph [\n node [ id 1 ]\n node [ id 2 ", 3, "the file ends too soon"),
        ("graph [\n node [ id 1 ]\n ] ]", 3, "closes nothing"),
        ("graph [\n 5 ]", 2, "'5' without a key before it"),
        ("graph [\n id ]", 2, "the key 'id' has no value"),
        ("graph [\n id ? ]", 2, "not GML: '? ]'"),
        ("graph [\n node 5\n ]", 2, "expected '[' after node"),
        ("nothing 1", None, "no graphs in this GML"),
        ("graph [ ] graph [ ]", None, "2 graphs in this GML"),
        ("graph [ node [ id 1 ] node [ id 1 ]\nedge [ source 1 target 1 ] ]", 1, "a second node"),
    ],
)
def test_a_mistake_in_gml_is_told_with_its_line(text, line, told, tmp_path):
    (error, *_) = check_network(write(tmp_path, text, "net.gml"))
    assert error.severity == "error"
    assert told in error.message
    assert error.line == line
