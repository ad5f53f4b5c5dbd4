"""Every third-party file loads with the readers that users have, and holds what it should."""

import gzip
import json
import re
import warnings

import numpy as np
import pytest
import third_party
from third_party import CASES, FIGURES, FOLDER

import simulator as sim
from simulator.formats.format import NetworkWarning
from simulator.formats.matrices.demand_format import RecordingWarning

pytestmark = third_party.needed

NOT_TABLES = {"README.md", "reference.json"}
FILES = sorted(p for p in FOLDER.rglob("*") if p.is_file() and p.name not in NOT_TABLES)
TABLES = ("nodes.csv", "links.csv")


def text_of(path):
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def topology_of(path):
    """The topology that a file is, or that a file of demands belongs to."""
    if path.name.endswith(TABLES):
        return path.parent if path.name in TABLES else path
    if ".demands" in path.name:
        name = re.sub(r"(\.\d{4})?\.demands(\.gz)?$", ".graph", path.name)
        return path.with_name(name)
    return path.parent if path.name.endswith((".csv", ".csv.gz")) else path


@pytest.fixture(autouse=True)
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NetworkWarning)
        warnings.simplefilter("ignore", RecordingWarning)
        yield


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_it_loads(path):
    network = sim.load_network(topology_of(path))
    assert len(network.nodes) > 5 and len(network.links) > 5
    assert (network.capacity_gbps > 0).all() and (network.delay_ms > 0).all()
    if "demand" in path.name or path.name.startswith(("tm_", "peak_")):
        recording = sim.load_recording(path, network, unit="mbps")
        assert recording.demands.gbps.sum() > 0


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if "graphml" in p.name or p.name.endswith((".graph", "links.csv"))],
    ids=lambda path: str(path.relative_to(FOLDER)),
)
def test_nothing_is_left_out(path):
    """Counted in the text of the file, by nobody's reader."""
    text = text_of(path)
    if "graphml" in path.name:
        nodes, links = len(re.findall(r"<node\b", text)), len(re.findall(r"<edge\b", text))
    elif path.suffix == ".graph":
        nodes = int(re.search(r"^NODES (\d+)", text, re.MULTILINE)[1])
        links = int(re.search(r"^EDGES (\d+)", text, re.MULTILINE)[1]) // 2
    else:
        links = len(text.strip().splitlines()) - 1
        of_nodes = text_of(path.with_name(path.name.replace("links", "nodes")))
        nodes = len(of_nodes.strip().splitlines()) - 1
    network = sim.load_network(topology_of(path))
    assert (len(network.nodes), len(network.links)) == (nodes, links)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_readers_agree(case):
    """The readers of the package, and those that the tests have for themselves."""
    theirs = case.network()
    ours = sim.load_network(case.topology)
    assert len(ours.nodes) == len(theirs.nodes) and len(ours.links) == len(theirs.links)
    if case.capacity is None:
        # REPETITA is in kbps; the tables tell no unit, and the tests do without one.
        scale = 1e6 if case.topology.suffix == ".graph" else 1.0
        a, b = np.sort(ours.capacity_gbps * scale), np.sort(theirs.capacity_gbps)
        np.testing.assert_allclose(a, b, rtol=1e-12)
    np.testing.assert_array_equal(np.sort(ours.metric), np.sort(theirs.metric))
    packed = case.matrices.with_name(f"{case.matrices.name}.gz")
    path = case.matrices if case.matrices.exists() else packed
    recording = sim.load_recording(path, ours, unit="gbps")
    unit = 1e6 if ".demands" in path.name else 1.0
    total = np.nansum(recording.gbps, axis=0) * unit
    np.testing.assert_allclose(total, case.rates.sum(axis=1), rtol=1e-9)
    if "n" in case.figures:
        assert len(recording) == case.figures["n"]
        least, mean, most = case.figures["total_min_mean_max"]
        assert [total.min(), total.mean(), total.max()] == pytest.approx(
            [least, mean, most], rel=1e-5
        )
    elif "total" in case.figures:
        assert total[0] == pytest.approx(case.figures["total"], rel=1e-9)


def test_all_of_the_reference_has_a_case():
    listed = json.dumps(FIGURES)
    for case in CASES:
        key = case.matrices.name.removeprefix("tm_").removesuffix(".csv.gz").removesuffix(".csv")
        assert key in listed or case.topology.name in listed
