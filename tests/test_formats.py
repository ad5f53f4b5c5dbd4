"""Files become networks and demands, and come back the same."""

import math
import shutil
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from conftest import built_in
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulator.base.errors import InputError
from simulator.formats.format import (
    check_network,
    load_network,
    read_network,
    topology_format,
    write_network,
)
from simulator.formats.matrices.demand_format import read_demands
from simulator.formats.matrices.demands import write_demands
from simulator.formats.native import write
from simulator.formats.rules import checks
from simulator.model.demands import Demands
from simulator.model.geo import great_circle_km
from simulator.model.network import Network
from simulator.model.topology import LINK_CLASSES, NODE_KINDS, About

ROOT = Path(__file__).parent.parent
BUILT_IN = ("china169-2017", "china169-mini")


def assert_same(one: Network, other: Network) -> None:
    """The same arrays, ids, attributes and story."""
    assert one.about == other.about
    assert list(one.graph.nodes(data=True)) == list(other.graph.nodes(data=True))
    assert one.links == other.links
    assert [one.attributes(link) for link in one.links] == [
        other.attributes(link) for link in other.links
    ]
    arrays = ("tail", "head", "up", "capacity_gbps", "delay_ms", "metric")
    for name in (*arrays, "link_class", "node_kind"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


# ---------------------------------------------------------------- the built-in networks


def test_china169_is_what_its_readme_says():
    network, problems = read_network("china169-2017")
    assert problems == []
    assert (len(network.nodes), len(network.links), len(network.exits)) == (62, 141, 20)
    assert network.backbone_gbps == 200_000
    assert network.exits_gbps == 2_460
    assert len(network.cables) == len(network.about.cables) == 13
    assert len(network.about.regions) == 8
    assert network.about.utc_offset_h == 8
    assert Path(network.about.matrix) == ROOT / "topologies" / "china169-2017-base.csv"
    assert network.attributes("bj-la")["cables"] == {"TPE": 0.7, "APCN-2": 0.15, "JUS": 0.15}
    assert network.delay_ms[2 * network.link_index["bj-la"]] == 69.053


def test_mini_is_one_tenth():
    network, problems = read_network("china169-mini")
    assert problems == []
    assert (len(network.nodes), len(network.links)) == (10, 20)
    assert (network.backbone_gbps, network.exits_gbps) == (20_000, 246)


@pytest.mark.parametrize(
    "name, domestic, inward, outward",
    [("china169-2017", 42_000, 1_500, 550), ("china169-mini", 3_744, 158.4, 52.8)],
)
def test_the_base_matrices_have_their_published_sums(name, domestic, inward, outward):
    network = load_network(name)
    demands = read_demands(network.about.matrix, network)
    assert demands.total_gbps("domestic") == pytest.approx(domestic, rel=1e-4)
    assert demands.total_gbps("international_in") == pytest.approx(inward, rel=1e-4)
    assert demands.total_gbps("international_out") == pytest.approx(outward, rel=1e-4)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_network_survives_the_round_trip(name, tmp_path):
    network = load_network(name)
    write_network(network, tmp_path / "again.yaml")
    assert_same(load_network(tmp_path / "again.yaml"), network)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_matrix_survives_the_round_trip(name, tmp_path):
    network = load_network(name)
    demands = read_demands(network.about.matrix, network)
    write_demands(demands, tmp_path / "again.csv")
    again = read_demands(tmp_path / "again.csv", network)
    for column in ("source", "target", "traffic_class", "gbps"):
        np.testing.assert_array_equal(getattr(again, column), getattr(demands, column))


# ---------------------------------------------------------------- any network

NAMES = st.text(min_size=1, max_size=12).filter(str.isprintable)
WORDS = st.sampled_from(
    ["null", "true", "No", "1e3", "0x1F", ".5", "-", "a: b", "a #b", "- a", "~"]
)
ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
TEXTS = NAMES | WORDS | ANY_TEXT | st.just("one  two " * 40)
NUMBERS = st.floats(min_value=1e-9, max_value=1e18)
RATES = st.floats(min_value=1e-9, max_value=1e12)
LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 180)


def optional(**fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=fields)


NODES = st.tuples(
    st.fixed_dictionaries(
        {"kind": st.sampled_from([kind for kind in NODE_KINDS if kind not in ("region", "pop")])}
    ),
    optional(city=TEXTS, province=TEXTS, weight=NUMBERS, utc_offset_h=st.floats(-12, 14)),
    st.just({}) | st.fixed_dictionaries({"lat": LATITUDES, "lon": LONGITUDES}),
).map(lambda parts: {key: value for part in parts for key, value in part.items()})
EDGES = st.tuples(
    st.fixed_dictionaries(
        {
            "class": st.sampled_from([word for word in LINK_CLASSES if word != "exit"]),
            "capacity_gbps": RATES,
            "metric": NUMBERS,
            "delay_ms": NUMBERS,
            "cables": st.just({}) | NAMES.map(lambda cable: {cable: 1.0}),
        }
    ),
    optional(
        capacity_ba_gbps=st.just(0.0) | RATES,
        delay_ba_ms=st.just(0.0) | NUMBERS,
        metric_ba=NUMBERS,
        price_usd_per_mbps=NUMBERS,
        fibre_km=NUMBERS,
    ),
).map(lambda parts: {**parts[0], **parts[1]})
ABOUTS = st.builds(
    About,
    name=NAMES | WORDS,
    title=TEXTS,
    utc_offset_h=st.floats(-12, 14),
    sources=st.lists(TEXTS, max_size=3).map(tuple),
    assumptions=st.lists(TEXTS, max_size=3).map(tuple),
    estimates=st.lists(st.fixed_dictionaries({"of": TEXTS, "how": TEXTS}), max_size=2).map(tuple),
    hop_delay_ms=NUMBERS,
)


@st.composite
def networks(draw) -> Network:
    graph = nx.MultiGraph()
    names = draw(st.lists(NAMES | WORDS, min_size=2, max_size=6, unique=True))
    for name in names:
        graph.add_node(name, **draw(NODES))
    for order, link in enumerate(
        draw(st.lists(NAMES | WORDS, min_size=1, max_size=8, unique=True))
    ):
        a, b = draw(st.permutations(names))[:2]
        graph.add_edge(a, b, key=link, a=a, b=b, order=order, **draw(EDGES))
    return Network(graph, draw(ABOUTS))


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
@given(network=networks())
def test_any_network_survives_the_round_trip(network, tmp_path_factory):
    file = tmp_path_factory.mktemp("round") / "trip.yaml"
    write(network, file)
    again, problems = read_network(file)
    assert all(problem.severity == "warning" for problem in problems)
    assert_same(again, network)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(rates=st.lists(st.floats(0, 1e12), min_size=1, max_size=20))
@example(rates=[0.1 + 0.2, 5e-324, 1e12])
def test_any_rates_survive_the_round_trip(rates, tmp_path_factory):
    network, _ = built_in("china169-mini")
    pairs = [(a, b) for a in network.nodes for b in network.nodes if a != b][: len(rates)]
    demands = Demands.of(network, *zip(*pairs, strict=True), rates)
    file = tmp_path_factory.mktemp("rates") / "demands.csv"
    write_demands(demands, file)
    assert read_demands(file, network).gbps.tolist() == rates


def test_a_network_written_elsewhere_still_finds_its_matrix(tmp_path):
    network = load_network("china169-mini")
    (tmp_path / "deep").mkdir()
    write(network, tmp_path / "deep" / "copy.yaml")
    assert load_network(tmp_path / "deep" / "copy.yaml").about.matrix == network.about.matrix


def test_a_network_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    network = load_network("china169-mini")
    (tmp_path / "taken.yaml").mkdir()
    (tmp_path / "kept.yaml").write_text("as it was")
    with pytest.raises(OSError):
        write(network, tmp_path / "taken.yaml")
    monkeypatch.setattr("os.replace", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(network, tmp_path / "kept.yaml")
    assert (tmp_path / "kept.yaml").read_text() == "as it was"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept.yaml", "taken.yaml"]


# ---------------------------------------------------------------- delays


def delay_of(tmp_path, link: str, node_a="lat: 40, lon: 116", node_b="lat: 31, lon: 121") -> float:
    file = tmp_path / "delay.yaml"
    file.write_text(
        f"nodes: [{{id: a, {node_a}}}, {{id: b, {node_b}}}]\n"
        f"links: [{{id: ab, a: a, b: b, capacity_gbps: 1{link}}}]\n"
    )
    return read_network(file)[0].delay_ms[0]


def test_a_delay_comes_from_what_the_file_gives(tmp_path):
    straight = great_circle_km(40, 116, 31, 121)
    assert delay_of(tmp_path, ", delay_ms: 9, fibre_km: 1500") == 9
    assert delay_of(tmp_path, ", fibre_km: 1530") == pytest.approx(7.5)
    assert delay_of(tmp_path, "") == pytest.approx(straight * 1.35 / 204)
    assert delay_of(tmp_path, ", path_factor: 2") == pytest.approx(straight * 2 / 204)
    assert delay_of(tmp_path, "", node_b="lat: 40, lon: 116") == pytest.approx(20 / 204)


def test_a_great_circle_is_what_it_should_be():
    quarter = math.pi / 2 * 6371
    assert great_circle_km(0, 0, 0, 90) == pytest.approx(quarter)
    assert great_circle_km(0, 0, 90, 33) == pytest.approx(quarter)
    assert great_circle_km(10, 179.5, 10, -179.5) == pytest.approx(
        great_circle_km(10, 0, 10, 1), rel=1e-9
    )
    assert great_circle_km(0, 0, 0, 180) == pytest.approx(2 * quarter)
    assert great_circle_km(5, 5, 5, 5) == 0


def test_hop_delay_is_added_to_every_link(tmp_path):
    file = tmp_path / "hop.yaml"
    file.write_text(
        "hop_delay_ms: 0.25\nnodes: [{id: a}, {id: b}]\n"
        "links: [{id: ab, a: a, b: b, capacity_gbps: 1, delay_ms: 2}]\n"
    )
    assert load_network(file).delay_ms.tolist() == [2.25, 2.25]


def test_capacities_may_differ_by_direction(tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(
        "nodes: [{id: a}, {id: b}]\n"
        "links: [{id: ab, a: a, b: b, capacity_gbps: 3, capacity_ba_gbps: 5, delay_ms: 2}]\n"
    )
    assert load_network(file).capacity_gbps.tolist() == [3, 5]


# ---------------------------------------------------------------- tables


def tables(folder: Path, nodes: str, links: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "nodes.csv").write_text(nodes, encoding="utf-8")
    (folder / "links.csv").write_text(links, encoding="utf-8")
    return folder


def test_tables_need_only_names_and_capacities(tmp_path):
    folder = tables(
        tmp_path / "ring",
        "id\na\nb\nc\n",
        "id,a,b,capacity_gbps\nab,a,b,10\nbc,b,c,20\nca,c,a,30\n",
    )
    network, (warning,) = read_network(folder)
    assert "nothing tells the delay of 3 of 3 links" in warning.message
    assert network.name == "ring"
    assert network.capacity_gbps[::2].tolist() == [10, 20, 30]
    assert set(network.metric) == {1}
    assert set(network.delay_ms) == {0}
    assert set(network.node_kind) == set(network.link_class) == {"core"}
    assert network.backbone_gbps == 60


def test_tables_may_say_more(tmp_path):
    folder = tables(
        tmp_path / "more",
        "\ufeffid, kind, city, lat, lon, weight, utc_offset_h\r\n"
        'a,core,"Xi\'an, Shaanxi",34,109,2,8\r\n'
        "\r\np,pop,Tokyo,35.7,139.7,,9\r\n007,core,,34,109,,\r\n",
        "id,a,b,capacity_gbps,capacity_ba_gbps,class,metric,delay_ms,length_km\n"
        "ap,a,p,10,12,exit,7,,3060\na7,a,007,1,,core,,2.5,\n",
    )
    network, problems = read_network(folder)
    assert problems == []
    assert network.nodes == ("a", "p", "007")
    assert network.graph.nodes["a"] == {
        **{"kind": "core", "city": "Xi'an, Shaanxi", "lat": 34, "lon": 109},
        **{"weight": 2, "utc_offset_h": 8},
    }
    assert network.attributes("ap")["fibre_km"] == 3060
    assert network.delay_ms.tolist() == [15, 15, 2.5, 2.5]
    assert network.capacity_gbps.tolist() == [10, 12, 1, 1]
    assert network.metric.tolist() == [7, 7, 1, 1]
    assert network.exits.tolist() == [0]


def test_tables_and_yaml_tell_the_same_network(tmp_path):
    folder = tables(
        tmp_path / "net",
        "id,lat,lon\na,34,109\nb,31,121\n",
        "id,a,b,capacity_gbps,metric\nab,a,b,10,3\n",
    )
    network = load_network(folder)
    write(network, tmp_path / "net.yaml")
    assert_same(load_network(tmp_path / "net.yaml"), network)


# ---------------------------------------------------------------- demands


def read_text(tmp_path, text: str, network: Network) -> Demands:
    (tmp_path / "demands.csv").write_text(text, encoding="utf-8", newline="")
    return read_demands(tmp_path / "demands.csv", network)


def test_demands_keep_the_order_of_the_file(tmp_path):
    network = load_network("china169-mini")
    demands = read_text(
        tmp_path,
        "gbps,target,source\r\n1.5,beijing,wuhan\r\n\r\n"
        " 0 , pop-tokyo,beijing\r\n2e1,wuhan,beijing",
        network,
    )
    assert demands.names == [
        "wuhan>beijing:domestic",
        "beijing>pop-tokyo:international_out",
        "beijing>wuhan:domestic",
    ]
    assert demands.gbps.tolist() == [1.5, 0, 20]


def test_the_class_is_checked_or_follows_from_the_ends(tmp_path):
    network = load_network("china169-mini")
    demands = read_text(
        tmp_path,
        "source,target,gbps,class\npop-tokyo,pop-frankfurt,1,\npop-tokyo,wuhan,1,international_in\n",
        network,
    )
    assert demands.traffic_class.tolist() == ["transit", "international_in"]


def test_only_the_first_mistakes_are_listed(tmp_path):
    network = load_network("china169-mini")
    rows = "beijing\n" * 40 + "beijing,nowhere,-1\n" * 40
    with pytest.raises(InputError) as stopped:
        read_text(tmp_path, f"source,target,gbps\n{rows}", network)
    *first, last = stopped.value.problems
    assert len(first) == 50
    assert [problem.line for problem in first] == [*range(2, 42), *sorted([*range(42, 47)] * 2)]
    assert last.message == "and 70 more"


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "demand.csv").write_text("source,target,gbps\n")
    with pytest.raises(InputError, match="no such file; did you mean 'demand.csv'"):
        read_demands(tmp_path / "demands.csv", load_network("china169-mini"))
    with pytest.raises(InputError, match="cannot read this file"):
        read_demands(tmp_path, load_network("china169-mini"))


# ---------------------------------------------------------------- the door


def test_every_format_says_what_it_reads():
    assert {"native", "tables"} <= set(topology_format.names())
    for name, summary in topology_format.describe():
        assert summary
        assert topology_format.make(name).readable


def test_a_misspelt_name_finds_its_neighbour():
    with pytest.raises(InputError, match="did you mean 'china169-mini'"):
        load_network("chian169-mini")
    assert [problem.severity for problem in check_network("chian169-mini")] == ["error"]


@pytest.mark.parametrize("name", ["network.ymal", "network", "folder"])
def test_what_is_no_topology_is_told_what_is(name, tmp_path):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        path.write_text("nodes: []")
    with pytest.raises(
        InputError, match="readable: .*a folder with nodes.csv and links.csv"
    ) as told:
        load_network(path)
    assert ("did you mean '.y" in str(told.value)) == (name == "network.ymal")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_an_impossible_name_is_an_error_like_any_other(name):
    with pytest.raises(InputError):
        load_network(name)


def test_what_cannot_be_written_says_what_can(tmp_path):
    with pytest.raises(InputError, match=r"cannot write to this; .*\.yaml"):
        write_network(load_network("china169-mini"), tmp_path / "network.docx")


def test_yaml_may_be_called_yml_in_any_case(tmp_path):
    shutil.copy(ROOT / "topologies" / "china169-mini.yaml", tmp_path / "MINI.YML")
    shutil.copy(ROOT / "topologies" / "china169-mini-base.csv", tmp_path)
    assert load_network(tmp_path / "MINI.YML").name == "china169-mini"


# ---------------------------------------------------------------- rules that need more than a file


def unused(tmp_path, nodes: str, *links: str) -> list[str]:
    """Links that no traffic can use; the first letter of a node says its kind."""
    kind = {"c": "core", "g": "gateway", "p": "pop", "s": "provincial", "r": "region"}
    node_rows = [f"{{id: {node}, kind: {kind[node[0]]}}}" for node in nodes.split()]
    link_rows = []
    for link in links:
        a, b = link.split("-")
        word = "exit" if (a[0] in "pr") != (b[0] in "pr") else "core"
        link_rows.append(
            f"{{id: {link}, a: {a}, b: {b}, class: {word}, capacity_gbps: 1, delay_ms: 1}}"
        )
    file = tmp_path / "unused.yaml"
    file.write_text(f"nodes: [{', '.join(node_rows)}]\nlinks: [{', '.join(link_rows)}]\n")
    network, problems = read_network(file)
    places = {problem.column for problem in problems if "no traffic can use" in problem.message}
    text = file.read_text().splitlines()[1]
    return [link for link in network.links if text.index(f"id: {link},") + 5 in places]


@pytest.mark.parametrize(
    "nodes, links, idle",
    [
        ("c1 g1 p1", "c1-g1 g1-p1", ""),
        ("c1 c2 g1", "c1-c2 c1-g1", "c1-g1"),
        ("c1 c2 g1", "c1-g1 c2-g1", ""),
        ("c1 g1 g2 p1", "c1-g1 g1-g2 g1-p1", "g1-g2"),
        ("c1 g1 g2 p1", "c1-g1 g1-g2 g2-p1", ""),
        ("c1 g1 g2 g3 p1", "c1-g1 g1-g2 g2-g3 g1-g3 g1-p1", "g1-g2 g2-g3 g1-g3"),
        ("c1 c2 g1 p1 p2", "c1-c2 g1-p1 g1-p2 c1-p1", "g1-p1 g1-p2"),
        ("c1 g1 g2 p1 p2", "g1-g2 g1-p1 g2-p2 c1-p1", "g1-g2 g1-p1 g2-p2"),
        ("s1 s2 r1 p1", "s1-s2 s1-p1 p1-r1", ""),
    ],
)
def test_idle_links_are_those_on_no_allowed_way(nodes, links, idle, tmp_path):
    assert unused(tmp_path, nodes, *links.split()) == idle.split()


def test_hints_are_given_up_after_many(monkeypatch):
    monkeypatch.setattr(checks, "MOST_HINTS", 2)
    hint = checks.Speller(["alpha", "beta"])
    assert [hint(word) for word in ("alpa", "bet", "alph", "alpa")] == [
        "; did you mean 'alpha'?",
        "; did you mean 'beta'?",
        "",
        "; did you mean 'alpha'?",
    ]


def test_totals_may_be_off_by_rounding(tmp_path):
    file = tmp_path / "totals.yaml"
    text = (
        "totals: {{backbone_gbps: {}}}\nnodes: [{{id: a}}, {{id: b}}]\n"
        "links: [{{id: ab, a: a, b: b, capacity_gbps: {}, delay_ms: 1}}]\n"
    )
    for stated, capacity, sound in [(100.4, 100, True), (101, 100, False), (2e6, 2e6 + 1.9, True)]:
        file.write_text(text.format(stated, capacity))
        errors = [each for each in check_network(file) if each.severity == "error"]
        assert (errors == []) == sound
