"""Networks by name from the package topohub, and its published figures against ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sources
from numpy.testing import assert_allclose

from simulator.base.errors import InputError
from simulator.cli.check import check_file
from simulator.formats import topohub
from simulator.formats.format import is_third_party_name, read_network
from simulator.formats.matrices.demand_format import read_demands, read_recording
from simulator.formats.rules.draft import PATH_FACTOR
from simulator.model.demands import Demands
from simulator.model.topology import FIBRE_KM_PER_MS
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.scenario.load import load

pytest.importorskip("topohub", reason="the package topohub is not installed")

PUBLISHED = (
    "topozoo/Chinanet",
    "topozoo/Abilene",
    "gabriel/25/0",
    "gabriel/50/0",
    "sndlib/germany50",
    "caida/2024-08/4837",
)
WITH_DEMANDS = ("abilene", "germany50", "nobel-germany", "geant", "polska", "ta1", "sun")
#: Published values are rounded to 0.01, halves either way.
ROUNDED = 0.005 + 1e-9


def network_of(name: str):
    network, problems = read_network(f"topohub:{name}")
    assert {problem.severity for problem in problems} <= {"warning"}
    return network


def published(name: str, kind: str) -> np.ndarray:
    """Load of every arc in percent of the highest."""
    edges = topohub.load(f"topohub:{name}")["edges"]
    return np.array([(e["ecmp_fwd"][kind], e["ecmp_bwd"][kind]) for e in edges]).ravel()


def all_pairs(network) -> Demands:
    source, target = np.nonzero(~np.eye(len(network.nodes), dtype=bool))
    names = np.array(network.nodes)
    return Demands.of(network, names[source], names[target], np.ones(len(source)))


# ---------------------------------------------------------------- what others computed


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.reference(sources.THIRD_PARTY)
def test_loads_under_ecmp_are_the_published_ones(name):
    network = network_of(name)
    demands = all_pairs(network)
    routes = IgpEcmp().route(network, demands)
    degree = np.bincount(network.tail, minlength=len(network.nodes))
    rates = {"uni": demands.gbps, "deg": degree[demands.source] * degree[demands.target]}
    for kind, rate in rates.items():
        load = routes.loads(rate)
        assert_allclose(100 * load / load.max(), published(name, kind), rtol=0, atol=ROUNDED)


@pytest.mark.parametrize("name", WITH_DEMANDS)
@pytest.mark.reference(sources.THIRD_PARTY)
def test_loads_of_the_original_demands_are_the_published_ones(name):
    # topohub routes every demand both ways.
    network = network_of(f"sndlib/{name}")
    given = read_demands(f"topohub:sndlib/{name}", network)
    matrix = np.zeros((len(network.nodes), len(network.nodes)))
    matrix[given.source, given.target] = given.gbps
    demands = all_pairs(network)
    both = (matrix + matrix.T)[demands.source, demands.target]
    load = IgpEcmp().route(network, demands).loads(both)
    assert_allclose(
        100 * load / load.max(), published(f"sndlib/{name}", "org"), rtol=0, atol=ROUNDED
    )


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("name", [*PUBLISHED, "backbone/africa", "sndlib/abilene"])
def test_nodes_links_and_lengths_are_those_of_topohub(name):
    network = network_of(name)
    found = topohub.load(f"topohub:{name}")
    stats = found["graph"]["stats"]
    assert (len(network.nodes), len(network.links)) == (stats["nodes"], stats["links"])
    degree = np.bincount(network.tail, minlength=len(network.nodes))
    assert (degree.min(), degree.max()) == (stats["min_degree"], stats["max_degree"])
    # A node may have been moved to the city of its name: then its links got longer.
    km = network.delay_ms[::2] * FIBRE_KM_PER_MS / PATH_FACTOR
    dist = np.array([edge["dist"] for edge in found["edges"]])
    same = np.isclose(km, dist, rtol=1e-9) | (dist < 1)
    assert same.mean() > 0.95
    assert np.all(km[~same] > dist[~same])


def test_a_plane_is_not_taken_for_a_place_on_earth():
    network = network_of("gabriel/50/0")
    assert all("lat" not in attributes for _, attributes in network.graph.nodes(data=True))
    assert "positions are kilometres on a plane and are left out" in network.about.assumptions
    germany = network_of("sndlib/germany50").graph.nodes["Aachen"]
    assert (germany["lat"], germany["lon"]) == (50.76, 6.04)


def test_nodes_without_a_name_of_their_own_are_numbered():
    nodes = [{"id": 7, "name": "A"}, {"id": 8, "name": "A"}, {"id": 9}, {"id": "3", "name": "B"}]
    ids = topohub.node_ids({"nodes": nodes})
    assert ids == {"7": "A-7", "8": "A-8", "9": "node-9", "3": "B"}


def test_every_name_is_listed_and_no_other_is_taken_for_one():
    names = topohub.names()
    assert len(names) > 700
    assert names == sorted(names)
    assert all(map(is_third_party_name, names[::50]))
    assert not is_third_party_name("china169-mini")
    assert not is_third_party_name("topohub.yaml")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sndlib/germany51", "did you mean 'sndlib/germany50'?"),
        ("topozoo/chinanett", "did you mean 'topozoo/Chinanet'?"),
        ("germany50", "did you mean 'sndlib/germany50'?"),
        ("../../etc/passwd", "its groups are backbone, caida, gabriel, sndlib, topozoo"),
        ("", "its groups are"),
        ("x" * 10_000, "its groups are"),
        ("a\0b", "its groups are"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name, hint):
    with pytest.raises(InputError) as refused:
        read_network(f"topohub:{name}")
    assert hint in str(refused.value)
    assert str(refused.value).startswith("topohub:")


def test_without_the_package_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(topohub, "_known", dict)
    with pytest.raises(InputError, match=r'pip install "telecom-capacity-simulator\[topologies\]"'):
        read_network("topohub:sndlib/germany50")
    assert topohub.names() == []


def test_a_name_is_checked_like_a_file():
    problems, fine = check_file("topohub:sndlib/abilene")
    assert {problem.severity for problem in problems} == {"warning"}
    assert fine == ["topohub:sndlib/abilene: fine: 12 nodes, 15 links, 0 exits"]


# ---------------------------------------------------------------- demands


def test_demands_are_those_of_topohub_in_gbps():
    network = network_of("sndlib/abilene")
    recording = read_recording("topohub:sndlib/abilene", network)
    listed = topohub.load("topohub:sndlib/abilene")["graph"]["demands"]
    total = sum(rate for targets in listed.values() for rate in targets.values())
    assert recording.demands.total_gbps() == pytest.approx(total / 1000, rel=1e-12)
    frame = recording.demands.frame().set_index(["source", "target"])["gbps"]
    assert frame["ATLAM5", "ATLAng"] == listed["0"]["1"] / 1000
    in_gbps = read_recording("topohub:sndlib/abilene", network, unit="gbps")
    assert in_gbps.demands.total_gbps() == pytest.approx(total, rel=1e-12)


def test_demands_need_a_topology_that_has_them_and_its_nodes():
    network = network_of("sndlib/abilene")
    with pytest.raises(InputError, match="holds no demands of this topology"):
        read_recording("topohub:topozoo/Abilene", network)
    with pytest.raises(InputError, match="no node named 'Aachen' in sndlib/abilene"):
        read_recording("topohub:sndlib/germany50", network)


def test_a_scenario_names_a_topology(tmp_path: Path):
    file = tmp_path / "abilene.yaml"
    (tmp_path / "demands.csv").write_text("source,target,gbps\nATLAng,STTLng,2\n")
    file.write_text(
        "topology: topohub:sndlib/abilene\n"
        "horizon_h: 1\n"
        "traffic: {matrix: {kind: file, path: demands.csv}}\n"
        "strategies: {static: {scheme: {kind: igp_ecmp}}}\n"
    )
    scenario = load(file)
    assert (len(scenario.network.nodes), len(scenario.demands)) == (12, 1)
    file.write_text(file.read_text().replace("demands.csv", "topohub:sndlib/abilene"))
    assert len(load(file).demands) == 132
    file.write_text(file.read_text().replace("abilene\n", "abilen\n", 1))
    with pytest.raises(InputError, match="did you mean 'sndlib/abilene'"):
        load(file)
