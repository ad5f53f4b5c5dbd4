"""What a format can hold comes back the same; what it cannot, it says when it writes."""

import csv
import json
from dataclasses import fields, replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_formats import ANY_TEXT, assert_same, networks

from simulator.base.errors import InputError
from simulator.formats.format import (
    check_network,
    load_network,
    read_network,
    topology_format,
    write_network,
)
from simulator.formats.graphs.geojson import split
from simulator.model.network import Network
from simulator.model.scale import MOST_GBPS
from simulator.model.topology import About

ANY = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=25)
WRITTEN = [each for each in map(topology_format.__getitem__, topology_format.names())
           if each.written and "written, not read" not in each.readable]  # fmt: skip
"""Formats that are written and read."""
WHOLE = [each.written[0] for each in WRITTEN if not each.cannot_hold]
"""Endings of those that hold everything."""


def made(nodes: dict[str, dict], links: dict[str, dict], **about) -> Network:
    graph = nx.MultiGraph()
    for node, attributes in nodes.items():
        graph.add_node(node, **{"kind": "core", **attributes})
    for order, (link, given_) in enumerate(links.items()):
        attributes = {
            **{"class": "core", "capacity_gbps": 1.0, "metric": 1.0, "delay_ms": 1.0, "cables": {}},
            **given_,
        }
        graph.add_edge(given_["a"], given_["b"], key=link, order=order, **attributes)
    return Network(graph, About(**{"name": "net", **about}))


def pair(**about) -> Network:
    return made({"a": {}, "b": {}}, {"ab": {"a": "a", "b": "b"}}, **about)


def again(network: Network, path: Path) -> tuple[Network, list[str]]:
    lost = write_network(network, path)
    found, problems = read_network(path)
    assert {problem.severity for problem in problems} <= {"warning"}
    return found, lost


def in_xml(text: str) -> str:
    """What XML 1.0 has characters for, by its grammar."""

    def known(code: int) -> bool:
        return (
            code in (0x9, 0xA, 0xD)
            or 0x20 <= code <= 0xD7FF
            or 0xE000 <= code <= 0xFFFD
            or 0x10000 <= code
        )

    return "".join(c if known(ord(c)) else "\ufffd" for c in text)


def in_a_cell(text: str) -> str:
    """What the readers of CSV leave of a text."""
    return " ".join(text.split())


def bent(network: Network, change) -> tuple[Network, int]:
    """Return the network with changed texts in its nodes, and how many were."""
    graph = nx.MultiGraph(network.graph)
    count = 0
    for _, attributes in graph.nodes(data=True):
        for key in ("city", "province"):
            if key in attributes and change(attributes[key]) != attributes[key]:
                attributes[key] = change(attributes[key])
                count += 1
    return Network(graph, network.about), count


# ---------------------------------------------------------------- any network


@pytest.mark.parametrize("suffix", WHOLE)
@ANY
@given(network=networks())
def test_any_network_survives_where_everything_fits(suffix, network, tmp_path_factory):
    found, lost = again(network, tmp_path_factory.mktemp("trip") / f"net{suffix}")
    assert lost == []
    assert_same(found, network)


@ANY
@given(network=networks())
def test_any_network_survives_graphml_but_for_what_xml_has_not(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("trip") / "net.graphml"
    ids = [*network.nodes, *network.links]
    if any(in_xml(name) != name for name in ids):
        with pytest.raises(InputError, match="XML has no character for"):
            write_network(network, path)
        assert not path.exists()
        return
    found, lost = again(network, path)
    expected, count = bent(network, in_xml)
    about = expected.about
    told = {"name": in_xml(about.name), "title": in_xml(about.title)}
    count += sum(told[key] != getattr(about, key) for key in told)
    assert_same(found, Network(expected.graph, replace(about, **told)))
    texts = f"{count} text{'s' if count > 1 else ''}"
    assert lost == ([f"characters that XML has not, in {texts}"] if count else [])


@ANY
@given(network=networks())
def test_any_network_survives_tables_but_for_what_they_say(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trip") / "net"
    ids = [*network.nodes, *network.links]
    if any(in_a_cell(name) != name for name in ids):
        with pytest.raises(InputError, match="cannot hold the blanks around the id"):
            write_network(network, folder)
        assert not folder.exists()
        return
    found, lost = again(network, folder)
    expected, count = bent(network, in_a_cell)
    graph = nx.MultiGraph(expected.graph)
    for _, attributes in graph.nodes(data=True):
        for key in ("city", "province"):
            if attributes.get(key) == "":
                del attributes[key]  # an empty cell says nothing
    assert_same(found, Network(graph, network.about))
    texts = f"{count} text{'s' * (count > 1)}"
    assert lost == ([f"blanks and line breaks in {texts}"] if count else [])


@pytest.mark.parametrize("suffix", [*WHOLE, ".graphml"])
@ANY
@given(text=ANY_TEXT)
@example(text="\r\n\t \u0085\u2028 ]]> &amp; <!-- &#0; \" ' \\")
@example(text="\ufeff")
@example(text="&quot;&#34;&lt;")
def test_any_text_survives(suffix, text, tmp_path_factory):
    text = in_xml(text)
    network = made(
        {"a": {"city": text}, "b": {"province": text}},
        {"ab": {"a": "a", "b": "b"}},
        title=text,
        sources=(text,),
        estimates=({"of": text, "how": text},),
    )
    found, lost = again(network, tmp_path_factory.mktemp("trip") / f"net{suffix}")
    assert lost == []
    assert_same(found, network)


@pytest.mark.parametrize("suffix", [*WHOLE, ".graphml", "/"])
@ANY
@given(number=st.floats(min_value=5e-324, max_value=1e18))
@example(number=0.1 + 0.2)
@example(number=1e18)
@example(number=123456789012345680.0)
def test_any_number_survives(suffix, number, tmp_path_factory):
    link = {"a": "a", "b": "b", "metric": number, "delay_ms": number}
    link["capacity_gbps"] = min(number, MOST_GBPS)
    network = made({"a": {"weight": number}, "b": {"lat": -1e-300, "lon": 180.0}}, {"ab": link})
    found, lost = again(network, f"{tmp_path_factory.mktemp('trip') / 'net'}{suffix}")
    assert lost == []
    assert_same(found, network)


# ---------------------------------------------------------------- the built-in networks


@pytest.mark.parametrize("suffix", [*WHOLE, ".graphml"])
@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_the_built_in_networks_survive(name, suffix, tmp_path):
    network = load_network(name)
    found, lost = again(network, tmp_path / f"net{suffix}")
    assert lost == []
    assert_same(found, network)
    write_network(found, tmp_path / f"twice{suffix}")
    assert (tmp_path / f"twice{suffix}").read_bytes() == (tmp_path / f"net{suffix}").read_bytes()


def held(attributes, cannot_hold) -> dict:
    """Return what a format should keep of a node or link."""
    left_out = {*cannot_hold, "order"}
    return {key: value for key, value in attributes.items() if key not in left_out and value != {}}


@pytest.mark.parametrize("kind", WRITTEN, ids=lambda each: each.kind)
@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
def test_a_format_keeps_all_but_what_its_contract_excludes(kind, name, tmp_path):
    network = load_network(name)
    found, lost = again(network, tmp_path / f"{name}{kind.written[0]}")
    for key in {each.name for each in fields(About)} - {*kind.cannot_hold, "cables", "regions"}:
        assert getattr(found.about, key) == getattr(network.about, key), key
    for node, attributes in network.graph.nodes(data=True):
        kept = held(attributes, kind.cannot_hold)
        assert kept.items() <= found.graph.nodes[node].items()
    assert (found.nodes, found.links) == (network.nodes, network.links)
    for link in network.links:
        kept = held(network.attributes(link), kind.cannot_hold)
        assert held(found.attributes(link), kind.cannot_hold) == kept
    for key in ("cables", "regions"):
        assert key in kind.cannot_hold or getattr(found.about, key) == getattr(network.about, key)
    assert all(any(key in text for key in kind.cannot_hold) for text in lost)
    used = {key for _, attributes in network.graph.nodes(data=True) for key in attributes}
    used |= {key for link in network.links for key in held(network.attributes(link), ())}
    used |= {each.name for each in fields(About) if getattr(network.about, each.name)} - {"name"}
    for key in used.intersection(kind.cannot_hold):
        assert any(key in text for text in lost), key


def test_every_written_format_is_tested():
    assert {each.kind for each in WRITTEN} >= {"native", "gml", "node_link", "graphml", "tables"}
    assert {".yaml", ".gml", ".json"} <= set(WHOLE)


@pytest.mark.parametrize("name", ["china169-2017", "china169-mini"])
@pytest.mark.parametrize("folder", ["same", "another"])
def test_tables_alone_are_a_whole_network(name, folder, tmp_path):
    network = load_network(name)
    found, lost = again(network, tmp_path / (name if folder == "same" else "net"))
    assert lost == []
    assert_same(found, network)
    write_network(pair(name="net"), tmp_path / "net")  # a smaller one leaves nothing of it
    assert_same(load_network(tmp_path / "net"), pair(name="net"))


@pytest.mark.parametrize("suffix", [".graphml", ".gml"])
def test_a_third_party_network_survives_as_ours(suffix, tmp_path):
    """Once repaired, a network stays as it is, and its assumptions say what was done."""
    graph = nx.Graph()
    graph.add_node("Beijing", Latitude=39.9, Longitude=116.4)
    graph.add_node("Wuhan", Latitude=30.6, Longitude=114.3)
    graph.add_edge("Beijing", "Wuhan", LinkLabel="10 Gbps", latency=0.001)
    nx.write_graphml(graph, tmp_path / "theirs.graphml")
    network, problems = read_network(tmp_path / "theirs.graphml")
    assert len(problems) == len(network.about.assumptions) == 4
    found, lost = again(network, tmp_path / f"ours{suffix}")
    assert lost == []
    assert_same(found, network)


# ---------------------------------------------------------------- what no format holds


@pytest.mark.parametrize("suffix", [*WHOLE, ".graphml", ".geojson", ""])
def test_faults_load_and_attributes_of_others_are_told(suffix, tmp_path):
    nodes = {"a": {"lat": 0, "lon": 0, "colour": "red"}, "b": {"lat": 1, "lon": 1, "colour": 2}}
    links = {"ab": {"a": "a", "b": "b", "owner": "x"}, "ba": {"a": "b", "b": "a", "metric": 2.0}}
    network = made(nodes, links).failed(links=["ab"]).carrying(np.ones(4))
    assert write_network(network, tmp_path / f"net{suffix}") == [
        "colour of 2 nodes",
        "owner of 1 link",
        "faults",
        "load of other traffic",
    ]
    if suffix != ".geojson":
        found = load_network(tmp_path / f"net{suffix}")
        assert found.capacity_gbps.tolist() == network.installed_gbps.tolist()
        assert found.up.all()


# ---------------------------------------------------------------- which format


@pytest.mark.parametrize(
    "name, files",
    [
        ("net", {"nodes.csv", "links.csv"}),
        ("v1.2/", {"nodes.csv", "links.csv", "about.csv"}),  # another name than the folder's
    ],
)
def test_a_path_without_ending_or_with_a_slash_is_a_folder(name, files, tmp_path):
    write_network(pair(), f"{tmp_path}/{name}")
    write_network(pair(), f"{tmp_path}/{name}")  # over what is there
    assert {each.name for each in (tmp_path / name).iterdir()} == files


@pytest.mark.parametrize("name", ["NET.GraphML", "net.JSON", "net.GML", "net.YML"])
def test_the_case_of_an_ending_does_not_matter(name, tmp_path):
    assert_same(again(pair(), tmp_path / name)[0], pair())


def test_tables_are_csv_as_others_read_it(tmp_path):
    nodes = {'a,"b"': {"city": "x, y"}, "c": {}}
    write_network(made(nodes, {"l": {"a": 'a,"b"', "b": "c"}}), tmp_path / "net")
    with (tmp_path / "net" / "nodes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["id", "kind", "city"], ['a,"b"', "core", "x, y"], ["c", "core", ""]]


# ---------------------------------------------------------------- GeoJSON


def length(line) -> float:
    """Length in degrees, as drawn."""
    return sum(abs(b[0] - a[0]) for a, b in zip(line, line[1:], strict=False))


LONS, LATS = st.floats(-180, 180), st.floats(-90, 90)


@ANY
@given(a=st.tuples(LONS, LATS), b=st.tuples(LONS, LATS))
@example(a=(179.0, 10.0), b=(-179.0, 20.0))
@example(a=(180.0, 0.0), b=(-180.0, 5.0))
@example(a=(180.0, 0.0), b=(-170.0, 5.0))
def test_a_line_goes_the_short_way_and_never_across_the_map(a, b):
    parts = split(a, b)
    assert (parts[0][0], parts[-1][-1]) == (a, b) or abs(a[0]) == 180 or abs(b[0]) == 180
    assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for part in parts for lon, lat in part)
    apart = abs(a[0] - b[0])
    assert sum(map(length, parts)) == pytest.approx(min(apart, 360 - apart), abs=1e-9)
    for one, other in zip(parts, parts[1:], strict=False):
        assert one[-1][0] == -other[0][0]
        assert one[-1][1] == other[0][1]


def test_a_line_is_cut_where_it_crosses():
    assert split((170, 0), (-170, 20)) == [[(170, 0), (180, 10)], [(-180, 10), (-170, 20)]]
    assert split((-175, 0), (165, 20)) == [[(-175, 0), (-180, 5)], [(180, 5), (165, 20)]]
    assert split((10, 0), (20, 5)) == [[(10, 0), (20, 5)]]


def test_a_map_shows_what_has_a_place(tmp_path):
    nodes = {"a": {"lat": 40, "lon": 116}, "b": {"lat": 34, "lon": -118}, "x": {}}
    links = {"ab": {"a": "a", "b": "b"}, "ax": {"a": "a", "b": "x"}}
    path = tmp_path / "net.geojson"
    lost = write_network(made(nodes, links, title="A map"), path)
    assert lost == ["places of 1 node", "places of 1 link"]
    data = json.loads(path.read_text())
    assert (data["type"], data["title"]) == ("FeatureCollection", "A map")
    shapes = {each["id"]: each["geometry"] for each in data["features"]}
    assert shapes["node:a"] == {"type": "Point", "coordinates": [116, 40]}
    assert shapes["node:x"] is shapes["link:ax"] is None
    assert shapes["link:ab"]["type"] == "MultiLineString"
    properties = {each["id"]: each["properties"] for each in data["features"]}
    assert properties["link:ab"]["capacity_gbps"] == 1
    assert len(shapes) == 5


def test_a_map_is_not_read(tmp_path):
    write_network(pair(), tmp_path / "net.geojson")
    (error,) = check_network(tmp_path / "net.geojson")
    assert "written, not read" in error.message
