"""REPETITA's graphs and demands, read, written and solved."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import sources
import third_party
from numpy.testing import assert_allclose, assert_array_equal
from third_party import CASES, FOLDER, Case

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import load_network, read_network, write_network
from simulator.formats.matrices.demand_format import read_recording
from simulator.formats.repetita.demands import RepetitaDemands
from simulator.formats.repetita.graph import Repetita
from simulator.model.network import Network
from simulator.model.topology import About

GRAPH = """NODES 3
label x y
0_Wien 16.37 48.21
1_Linz 14.29 48.31
2_Graz 15.44 47.07

EDGES 8
label src dest weight bw delay
e0 0 1 10 2500000 1100
e1 1 0 10 2500000 1100
e2 1 2 3 155520 1500
e3 1 2 4 622080 1600
e4 2 1 4 622080 1600
e5 2 1 3 155520 1500
e6 0 2 5 1000000 1300
e7 2 0 5 2000000 1400
"""
DEMANDS = """DEMANDS 2
label src dest bw
d0 0 2 120500
d1 2 1 60000
"""


def read(folder: Path, text: str = GRAPH) -> Network:
    path = folder / "test.graph"
    path.write_text(text)
    network, problems = read_network(path)
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert network is not None
    return network


def refusal_of(path: Path, network: Network | None = None) -> str:
    """Read what must be refused, quickly and in words; return them."""
    begin = time.process_time()
    with pytest.raises(InputError) as error:
        read_network(path) if network is None else read_recording(path, network)
    assert time.process_time() - begin < 2
    assert str(path) in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- reading


def test_directed_edges_become_links(tmp_path):
    network = read(tmp_path)
    assert network.nodes == ("0_Wien", "1_Linz", "2_Graz")
    # e2 goes with e5, which is alike, and e6 with e7, as nothing else is left.
    assert network.links == ("e0", "e2", "e3", "e6")
    assert_array_equal(network.tail[::2], [0, 1, 1, 0])
    assert_array_equal(network.head[::2], [1, 2, 2, 2])
    assert_array_equal(
        network.capacity_gbps, [2.5, 2.5, 0.15552, 0.15552, 0.62208, 0.62208, 1.0, 2.0]
    )
    assert_array_equal(network.metric[::2], [10, 3, 4, 5])
    assert_array_equal(network.delay_ms, [1.1, 1.1, 1.5, 1.5, 1.6, 1.6, 1.3, 1.4])
    wien = network.graph.nodes["0_Wien"]
    assert (wien["city"], wien["lon"], wien["lat"]) == ("Wien", 16.37, 48.21)


def test_unlike_weights_are_those_of_each_direction(tmp_path):
    network = read(tmp_path, GRAPH.replace("e7 2 0 5", "e7 2 0 6"))
    assert_array_equal(network.metric[6:], [5, 6])


def test_parallel_edges_go_by_bandwidth_before_weight(tmp_path):
    text = GRAPH.replace("e4 2 1 4", "e4 2 1 3").replace("e5 2 1 3", "e5 2 1 4")
    network = read(tmp_path, text)
    assert_array_equal(network.capacity_gbps[2:6], [0.15552, 0.15552, 0.62208, 0.62208])
    assert_array_equal(network.metric[2:6], [3, 4, 4, 3])


def test_an_edge_without_one_back_is_one_way_and_it_is_said(tmp_path):
    network = read(tmp_path, GRAPH.replace("EDGES 8", "EDGES 7").partition("e7")[0])
    assert_array_equal(network.up, [True] * 7 + [False])
    assert any("1 link taken for one-way: no edge back" in a for a in network.about.assumptions)


def test_a_bandwidth_of_zero_shuts_that_direction_and_it_is_said(tmp_path):
    network = read(tmp_path, GRAPH.replace("2000000", "0"))
    assert_array_equal(network.capacity_gbps[6:], [1.0, 0.0])
    told = "1 link taken for one-way: capacity 0 the other way"
    assert any(told in each for each in network.about.assumptions)


def test_labels_that_repeat_are_told_apart_and_demands_still_find_their_nodes(tmp_path):
    text = GRAPH.replace("0_Wien", "same").replace("1_Linz", "same").replace("2_Graz", "same")
    network = read(tmp_path, text)
    assert len(set(network.nodes)) == 3
    (tmp_path / "test.demands").write_text(DEMANDS)
    demands = read_recording(tmp_path / "test.demands", network).demands
    assert_array_equal(demands.source, [0, 2])
    assert_array_equal(demands.target, [2, 1])


def test_demands_find_their_nodes_after_some_were_left_out(tmp_path):
    text = GRAPH.replace("NODES 3", "NODES 4").replace("label x y\n", "label x y\nlone 16 48\n")
    text = "".join(
        " ".join([w[0], str(int(w[1]) + 1), str(int(w[2]) + 1), *w[3:]]) + "\n"
        if (w := line.split()) and w[0][0] == "e" and w[0] != "edges" and len(w) == 6
        else line + "\n"
        for line in text.split("\n")
    )
    network = read(tmp_path, text)
    assert network.nodes == ("0_Wien", "1_Linz", "2_Graz")
    (tmp_path / "test.demands").write_text(DEMANDS.replace("d0 0 2", "d0 1 3"))
    demands = read_recording(tmp_path / "test.demands", network).demands
    assert_array_equal(demands.source, [0, 1])
    assert_array_equal(demands.target, [2, 0])
    (tmp_path / "test.demands").write_text(DEMANDS)
    assert "DEMANDS 'd0' src: expected the number of a node" in refusal_of(
        tmp_path / "test.demands", network
    )


def test_coordinates_that_are_all_alike_are_none(tmp_path):
    text = GRAPH.replace("16.37 48.21", "0.0 0.0").replace("14.29 48.31", "0.0 0.0")
    network = read(tmp_path, text.replace("15.44 47.07", "0.0 0.0"))
    assert all("lat" not in attributes for _, attributes in network.graph.nodes(data=True))


def test_packed_files_are_read_alike(tmp_path):
    plain = read(tmp_path)
    for name, text in (("test.graph.gz", GRAPH), ("test.demands.gz", DEMANDS)):
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    packed, _ = read_network(tmp_path / "test.graph.gz")
    assert packed.name == plain.name == "test"
    assert_array_equal(packed.capacity_gbps, plain.capacity_gbps)
    demands = read_recording(tmp_path / "test.demands.gz", packed).demands
    assert_array_equal(demands.gbps, [0.1205, 0.06])


def test_demands_are_in_kbps_between_numbered_nodes(tmp_path):
    network = read(tmp_path)
    path = tmp_path / "test.demands"
    path.write_text(DEMANDS)
    frame = read_recording(path, network).demands.frame()
    assert frame["source"].tolist() == ["0_Wien", "2_Graz"]
    assert frame["target"].tolist() == ["2_Graz", "1_Linz"]
    assert_array_equal(frame["gbps"], [0.1205, 0.06])
    path.write_text(DEMANDS.replace("d0 0 2", "d0 0_Wien 2_Graz"))
    assert read_recording(path, network).demands.names == [
        "0_Wien>2_Graz:domestic",
        "2_Graz>1_Linz:domestic",
    ]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("NODES 3\n", "the file ends before"),
        (GRAPH.partition("e5")[0], ":7: EDGES promises 8 rows, found 5"),
        (GRAPH.replace("NODES 3", "NODES 4"), "NODES: expected 3 words (label x y)"),
        (GRAPH.replace("NODES 3", "NODES 999999999999"), "promises 999,999,999,999 rows"),
        (GRAPH.replace("NODES 3", "NODES -1"), "expected `NODES <number of rows>`"),
        (GRAPH.replace("EDGES 8", "EDGES 7"), ":16: EDGES promises 7 rows, but more follow"),
        (GRAPH.replace("label src", "label dest"), ":8: expected `EDGES"),
        (GRAPH.replace("e4 2 1", "e4 2 7"), ":13: EDGES 'e4' dest: expected the number of a node"),
        (GRAPH.replace("e4 2 1 4", "e4 2 1 nan"), "EDGES 'e4' weight: expected a finite number"),
        (GRAPH.replace("622080", "-5"), "EDGES 'e3' bw: expected a number of at least 0"),
        (GRAPH.replace("622080", "1e999"), "expected a finite number, found '1e999'"),
        (GRAPH.replace("14.29", "inf"), "NODES '1_Linz' x: expected a finite number"),
        (GRAPH.replace("EDGES 8", "EDGES 0").partition("e0")[0], "no links in this file"),
        ("\x00\x01" * 5000, "expected `NODES"),
        ("(" * 1_000_000, "expected `NODES"),
    ],
)
def test_a_graph_that_cannot_be_used_is_refused(tmp_path, text, words):
    path = tmp_path / "hostile.graph"
    path.write_text(text)
    assert words in refusal_of(path)


def test_a_demand_from_a_node_to_itself_is_left_out(tmp_path):
    network = read(tmp_path)
    path = tmp_path / "own.demands"
    path.write_text(DEMANDS.replace("d1 2 1", "d1 2 2"))
    recording = read_recording(path, network)
    assert [name.split(":")[0] for name in recording.demands.names] == ["0_Wien>2_Graz"]
    (note,) = recording.notes
    assert note.line == 4 and note.severity == "warning"
    assert note.message == (
        "1 demand from a node to itself, 60000 kbps in all, the first of '2_Graz': left out"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("DEMANDS 0\nlabel src dest bw\n", "no demands in this file"),
        (
            DEMANDS.replace("d1 2 1", "d1 2 2").replace("d0 0 2", "d0 0 0"),
            "all demands are from a node to itself",
        ),
        (DEMANDS.replace("d1 2 1", "d1 0 2"), "a second demand from '0_Wien' to '2_Graz'; the"),
        (DEMANDS.replace("60000", "NaN"), ":4: DEMANDS 'd1' bw: expected a finite number"),
        (DEMANDS.replace("60000", "-1"), "expected a number of at least 0, found '-1'"),
        (DEMANDS.replace("d0 0 2", "d0 0 2_Gratz"), "did you mean '2_Graz'?"),
        (DEMANDS.replace("d0 0 2", "d0 0 3"), "the number of a node, 0 to 2, found '3'"),
        (GRAPH, "expected `DEMANDS <number of rows>`"),
    ],
)  # fmt: skip
def test_demands_that_cannot_be_used_are_refused(tmp_path, text, words):
    network = read(tmp_path)
    path = tmp_path / "hostile.demands"
    path.write_text(text)
    assert words in refusal_of(path, network)


def test_broken_packing_is_refused(tmp_path):
    packed = gzip.compress(GRAPH.encode())
    for name, raw, words in (
        ("cut", packed[:-20], "cut short"),
        ("no", GRAPH.encode(), "not a gzip file"),
        ("bomb", gzip.compress(bytes(100_000_001)), "larger than 100 MB"),
    ):
        path = tmp_path / f"{name}.graph.gz"
        path.write_bytes(raw)
        assert words in refusal_of(path)


# ---------------------------------------------------------------- writing


def random_network(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    base = nx.gnm_random_graph(12, 30, seed=seed)
    graph = nx.MultiGraph()
    for node in base:
        graph.add_node(
            f"n{node}", kind="core", lat=rng.uniform(-80, 80), lon=rng.uniform(-180, 180)
        )
    for order, (a, b) in enumerate([*base.edges, *list(base.edges)[:4]]):
        graph.add_edge(
            f"n{a}", f"n{b}", key=f"link-{order}", a=f"n{a}", b=f"n{b}", order=order,
            capacity_gbps=rng.uniform(0.1, 800), capacity_ba_gbps=rng.uniform(0.1, 800),
            metric=float(rng.integers(1, 9)) if seed % 2 else rng.uniform(0.1, 9),
            delay_ms=150 + rng.integers(1, 90_000) / 1000, **{"class": "core"},
        )  # fmt: skip
    return Network(graph, "random")


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_reads_the_same(tmp_path, seed):
    network = random_network(seed)
    path = tmp_path / "random.graph"
    assert write_network(network, path) == []
    again, _ = read_network(path)
    assert (again.nodes, again.links, again.name) == (network.nodes, network.links, "random")
    for name in ("tail", "head", "capacity_gbps", "metric"):
        assert_array_equal(getattr(again, name), getattr(network, name))
    assert_allclose(again.delay_ms, network.delay_ms, rtol=1e-15)
    first = path.read_bytes()
    write_network(network, path)
    assert path.read_bytes() == first


def test_what_the_format_cannot_hold_is_told(tmp_path):
    network = load_network("china169-mini")
    lost = write_network(network, tmp_path / "mini.graph")
    exits = len(network.exits)
    assert any(text.startswith("kind of ") for text in lost)
    assert any(text.startswith("class of ") and "exits" in text for text in lost)
    assert f"cables of {exits} links" in lost
    assert any("assumptions" in text for text in lost)
    again, _ = read_network(tmp_path / "mini.graph")
    assert_array_equal(again.capacity_gbps, network.capacity_gbps)
    assert_array_equal(again.head, network.head)
    assert_allclose(again.delay_ms, network.delay_ms, atol=0.0005)
    graph = nx.MultiGraph()
    graph.add_nodes_from(["New York", "LA"], kind="core", lat=1.0, lon=1.0)
    third_party.join(graph, "New York", "LA", 1.0, delay_ms=0.0012345)
    lost = Repetita().write(
        Network(graph, About(name="n", title="t", hop_delay_ms=0.0)), tmp_path / "n.graph"
    )
    assert lost == [
        "blanks in 1 name",
        "delay of 1 link below a microsecond",
        "title of the network",
    ]


# ---------------------------------------------------------------- the public collection

GRAPHS = sorted((FOLDER / "repetita").glob("*/*.graph"))
OF_REPETITA = [case for case in CASES if case.topology.suffix == ".graph"]


def matrix_of(case: Case) -> Path:
    path = case.matrices
    return path if path.exists() else path.with_name(f"{path.name}.gz")


@third_party.needed
@pytest.mark.parametrize("path", GRAPHS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_public_graph_is_what_another_reader_makes_of_it(path):
    network, problems = read_network(path)
    assert {problem.severity for problem in problems} <= {"warning"}
    other = Network(third_party.graph_of(path), "other")
    text = path.read_text()
    assert len(network.nodes) == int(text.split()[1])
    assert 2 * len(network.links) == int(text.partition("EDGES")[2].split()[0])
    kbps = sum(float(line.split()[4]) for line in text.partition("delay\n")[2].splitlines())
    assert network.capacity_gbps.sum() == pytest.approx(kbps / 1e6, rel=1e-12)

    def arcs(of: Network, capacity: np.ndarray) -> list[tuple]:
        return sorted(zip(of.tail, of.head, capacity, of.metric, strict=True))

    assert_allclose(
        arcs(network, network.capacity_gbps), arcs(other, other.capacity_gbps / 1e6), rtol=1e-12
    )


@third_party.needed
@pytest.mark.parametrize("case", OF_REPETITA, ids=lambda case: case.name)
def test_every_public_matrix_has_its_total(case):
    network, _ = read_network(case.topology)
    demands = RepetitaDemands().read(matrix_of(case), network).demands
    rates = case.rates.iloc[0]
    assert len(demands) == len(rates)
    assert demands.total_gbps() == pytest.approx(rates.sum() / 1e6, rel=1e-12)
    index = [(str(s), str(t)) for s, t in zip(demands.source, demands.target, strict=True)]
    assert_allclose(demands.gbps, rates.loc[index] / 1e6, rtol=1e-12)


@third_party.needed
@pytest.mark.parametrize(
    "case",
    [case for case in OF_REPETITA if case.matrices.stem.endswith(".0000") and
     case.topology.stem not in ("UsCarrier", "Cogentco")],
    ids=lambda case: case.name,
)  # fmt: skip
@pytest.mark.reference(sources.THIRD_PARTY)
def test_the_least_mlu_is_the_one_that_the_demands_were_scaled_to(case):
    network, _ = read_network(case.topology)
    demands = read_recording(matrix_of(case), network).demands
    mlu = sim.route("min_max", network, demands).certificate.mlu
    assert 0.894 <= mlu <= 0.9001
    assert mlu == pytest.approx(third_party.numbers(case.figures["opt_mlu"])[0], abs=1e-6)
