"""Rates are bounded, those of demands as those of links, wherever they are read."""

import json

import numpy as np
import pyarrow as pa
import pytest
from conftest import TOPOLOGIES, make_tiny
from pyarrow import parquet
from test_repetita import DEMANDS as REPETITA
from test_sndlib import native, xml
from topology_files import ring, tables

import simulator as sim
from simulator.base.errors import InputError
from simulator.formats.format import read_network
from simulator.formats.matrices.counters import read_counters, read_totals
from simulator.formats.matrices.demand_format import read_recording
from simulator.model.scale import MOST_GBPS

NET = make_tiny(("ab", "a", "b", 10.0), ("bc", "b", "c", 10.0))
LIMIT = "at most 1e+12 Gbps is within reason, found "


def between_ours(text):
    for name, ours in (("Wien", "a"), ("Linz", "b"), ("Graz", "c")):
        text = text.replace(name, ours)
    return text


def refused(read, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("rate", ["1e305", "1e20", "1" + "0" * 30])
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("tm.csv", "source,target,gbps\na,b,1\nb,c,{}\n", "tm.csv:3:5: gbps"),
        ("tm.csv", "source;target;Tbit/s\na;b;2,5\nb;c;{}\n", "tm.csv:3:5: Tbit/s"),
        ("tm.csv", "time,source,target,gbps\n0,a,b,1\n9,a,b,{}\n", "tm.csv:3:7: gbps"),
        ("tm.csv", "time,a>b,b>c\n0,1,2\n300,1,{}\n", "tm.csv:3:7: b>c"),
        ("tm.csv", "time,a>b_tbps,b>c\n0,,{}\n", "tm.csv:2:4: b>c"),
        ("tm.csv", "x,a,b\na,0,1\nb,{},0\n", "tm.csv:3:3: a"),
        ("tm.tsv", "source\ttarget\tgbps\na\tb\t{}\n", "tm.tsv:2:5: gbps"),
        ("tm.demands", REPETITA.replace("60000", "{}"), "tm.demands:4: DEMANDS"),
        ("tm.txt", between_ours(native()).replace("120.5", "{}"), "tm.txt:16: demand"),
        ("tm.xml", between_ours(xml()).replace("120.5", "{}"), "tm.xml:"),
    ],
)
def test_a_demand_beyond_reason_is_refused_where_it_stands(tmp_path, name, text, place, rate):
    path = tmp_path / name
    path.write_text(text.replace("{}", rate))
    told = refused(read_recording, path, NET)
    assert f"{tmp_path}/{place}" in told and LIMIT in told
    assert "\n" not in told


def test_a_demand_in_parquet_beyond_reason_is_refused_by_row(tmp_path):
    table = pa.table({"source": ["a", "b"], "target": ["b", "c"], "tbps": [1.0, 1e305]})
    parquet.write_table(table, tmp_path / "tm.parquet")
    told = refused(read_recording, tmp_path / "tm.parquet", NET)
    assert told.endswith(f"tm.parquet: tbps: row 2: {LIMIT}1e+305 tbit/s")


def test_the_bound_itself_is_read_and_so_is_the_counter_that_wrapped(tmp_path):
    path = tmp_path / "tm.csv"
    for rate in (MOST_GBPS, 2**64 * 8 / 1e9):
        path.write_text(f"source,target,gbps\na,b,{rate!r}\n")
        assert read_recording(path, NET).gbps.max() == rate
        path.write_text(f"time,a>b\n0,1\n1,{rate!r}\n2,1\n")
        assert read_recording(path, NET).gbps.max() == rate
    path.write_text(f"source,target,gbps\na,b,{float(np.nextafter(MOST_GBPS, np.inf))!r}\n")
    assert LIMIT in refused(read_recording, path, NET)


def test_counters_and_totals_beyond_reason(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("source,target,mbps\na,b,1e300\n")
    assert f"x.csv:2:5: gbps: {LIMIT}'1e300' mbit/s" in refused(read_counters, path, NET)
    path.write_text("node,out_gbps,in_gbps\na,1,1e13\n")
    assert f"x.csv:2:5: in_gbps: {LIMIT}'1e13' gbit/s" in refused(read_totals, path, NET)


# ---------------------------------------------------------------- capacities


def test_a_capacity_beyond_reason_is_refused_where_it_stands(tmp_path):
    path = tmp_path / "net.yaml"
    for key in ("capacity_gbps: 1e13", "capacity_gbps: 1, capacity_ba_gbps: 1e300"):
        link = f"{{id: ab, a: a, b: b, delay_ms: 1, {key}}}"
        path.write_text(f"nodes: [{{id: a}}, {{id: b}}]\nlinks:\n  - {link}\n")
        told = refused(read_network, path)
        assert f"{path}:3:" in told and f"{key.split(': ')[-2].split()[-1]}: {LIMIT}" in told
    modules = "capacity_gbps: 1, modules: [{capacity_gbps: 1e13, cost: 1}]"
    path.write_text(f"nodes: [{{id: a}}, {{id: b}}]\nlinks:\n  - {link[:-1]}, x: 1}}\n")
    path.write_text(
        f"nodes: [{{id: a}}, {{id: b}}]\nlinks: [{{id: ab, a: a, b: b, delay_ms: 1, {modules}}}]\n"
    )
    assert f"links[0].modules[0].capacity_gbps: {LIMIT}1e+13" in refused(read_network, path)
    tables(tmp_path, "id,a,b,capacity_gbps,delay_ms\nr,r1,r2,1e13,1\nq,r2,r3,1,1\n")
    told = refused(read_network, tmp_path)
    assert f"links.csv:2: links[0].capacity_gbps: {LIMIT}" in told or "links.csv:2:" in told


def test_a_capacity_beyond_reason_in_a_file_of_others_cannot_be_used(tmp_path):
    path = ring(tmp_path, {"capacity_gbps": 1e13}, {"capacity_gbps": 40}, {"capacity_gbps": 10})
    network, problems = read_network(path)
    assert network.capacity_gbps[::2].tolist() == [10.0, 40.0, 10.0]
    assert "capacity of 1 of 3 links cannot be used" in "\n".join(map(str, problems))


# ---------------------------------------------------------------- scenarios

MINI = f"""topology: {TOPOLOGIES / "china169-mini.yaml"}
horizon_h: 1
strategies: {{a: {{scheme: igp_ecmp}}}}
"""


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("traffic: {matrix: {kind: gravity, domestic_gbps: 1e13}}", "traffic.matrix.domestic_gbps"),
        ("traffic: {matrix: {kind: synthetic, total_gbps: 1e305}}", "traffic.matrix.total_gbps"),
        ("events: [{at_h: 0.5, link: LINK, capacity_gbps: 1e13}]", "events[0].capacity_gbps"),
        ("events: [{at_h: 0.5, link: LINK, capacity_gbps: x1e20}]", "events[0].capacity_gbps"),
    ],
)
def test_rates_in_a_scenario(tmp_path, more, key):
    link = sim.load_network("china169-mini").links[0]
    path = tmp_path / "s.yaml"
    path.write_text(MINI + more.replace("LINK", link) + "\n")
    told = refused(sim.load, path)
    assert f"{path}:4:" in told and f"{key}: {LIMIT}" in told
    assert told.count(LIMIT) == 1


@pytest.mark.parametrize("value", ["x1e300", "1e305", "+1e16", "1e16"])
def test_changes_of_rates(tmp_path, value):
    path = tmp_path / "s.yaml"
    path.write_text(MINI)
    link = sim.load(path).network.links[0]
    for key in ("demands.all", "demands.international", f"links.{link}.capacity_gbps"):
        told = refused(sim.load, path, [(key, value)])
        assert told.startswith(f"--set: {key}: {LIMIT}")


@pytest.mark.parametrize(
    "shape",
    [
        "{kind: surge, at_h: 0.5, factor: 1.0e+300}",
        "{kind: growth, per_year: 1.0e+300}, {kind: scale, factor: 1.0e+200}",
        "{kind: scale, factor: 1.0e+308}, {kind: scale, factor: 1.0e+308}",
        "{kind: noise, sigma: 10}, {kind: scale, factor: 1.0e+30}",
    ],
)
def test_shapes_that_multiply_beyond_reason(tmp_path, shape):
    path = tmp_path / "s.yaml"
    path.write_text(MINI + f"traffic: {{shapes: [{shape}]}}\n")
    with pytest.raises(InputError, match="traffic.shapes: at most 1e.12 Gbps .* at hour"):
        sim.run(sim.load(path), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("sigma", [10.5, 50, 1e300])
def test_a_spread_is_bounded_too(tmp_path, sigma):
    path = tmp_path / "s.yaml"
    path.write_text(MINI + f"traffic: {{shapes: [{{kind: noise, sigma: {sigma:f}}}]}}\n")
    assert "sigma: expected a number from 0 to 10" in refused(sim.load, path)


def test_what_is_no_rate_has_bounds_of_its_own(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(MINI)
    link = sim.load(path).network.links[0]
    for key in ("metric", "delay_ms"):
        told = refused(sim.load, path, [(f"links.{link}.{key}", "1e19")])
        assert told == f"--set: links.{link}.{key}: at most 1e+18 is within reason, found 1e+19"
    assert sim.load(path, [(f"links.{link}.metric", "1e13")]).network.metric.max() == 1e13


def test_large_numbers_as_json_has_them(tmp_path):
    path = ring(tmp_path, *[{"capacity_gbps": 1}] * 3)
    data = json.loads(path.read_text())
    data["edges"][0]["capacity_gbps"] = 10**400
    path.write_text(json.dumps(data))
    network, _ = read_network(path)
    assert set(network.capacity_gbps) == {1.0}
