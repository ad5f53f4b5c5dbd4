"""Fuzz samples: small valid files of every format, to be broken by `fuzzing.py`."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from test_exports import CABLES, INTERFACES, saved, triangle
from test_repetita import DEMANDS as REPETITA_DEMANDS
from test_repetita import GRAPH as REPETITA_GRAPH
from test_sndlib import in_json, native, xml

from simulator.formats.format import read_network, write_network
from simulator.model.network import Network

Files = dict[str, bytes]

NETWORK = """# Three cities and two exits to one place abroad.
name: small
title: A small network
sources: [made up]
nodes:
  - {id: a, kind: core, city: Wien, lat: 48.2, lon: 16.4, weight: 2}
  - {id: b, kind: core, lat: 48.3, lon: 14.3, weight: 1.5}
  - {id: g, kind: gateway, lat: 47.1, lon: 15.4}
  - {id: p, kind: pop, lat: 50.1, lon: 8.7}
  - {id: r, kind: region, weight: 3}
links:
  - {id: ab, a: a, b: b, class: core, capacity_gbps: 100, fibre_km: 200, metric: 10}
  - {id: ag, a: a, b: g, class: gateway, capacity_gbps: 40, path_factor: 1.5}
  - {id: bg, a: b, b: g, class: gateway, capacity_gbps: 40, delay_ms: 1.5}
  - {id: x1, a: g, b: p, class: exit, capacity_gbps: 10, capacity_ba_gbps: 8,
     cables: {K: 0.5, L: 0.5}}
  - {id: x2, a: g, b: p, class: exit, capacity_gbps: 20, delay_ms: 9, price_usd_per_mbps: 2}
  - {id: pr, a: p, b: r, class: access, capacity_gbps: 100, delay_ms: 1}
cables:
  - {id: K, name: Cable K}
  - {id: L, length_km: 900}
totals: {exits_gbps: 30}
"""
LONG = """# made by hand
time,source,target,gbps,class
2024-05-01T00:00,a,r,1.5,international_out
2024-05-01T00:00,r,a,2,international_in
2024-05-01T00:15,a,r,2.5,
2024-05-01T00:15,r,a,3,
2024-05-01T00:30,a,r,0,
"""
EXCEL = 'source;target;"rate (Mbit/s)"\na;r;1.234,5\nb;r;2,75\nr;a;300\nTotal;;1537,25\n'
WIDE = "time,a>r,r>a,b>a\n" + "".join(f"{1714521600 + 300 * i},{i},{2 * i}.5,\n" for i in range(6))
SQUARE = "from to (Mbps),a,b,r\na,0,1000,2000\nb,500,,10\nr,1,2.5,0\nTotal,501,1002.5,2010\n"
TABLE_NODES = (
    "id,kind,city,lat,lon,weight\na,core,Wien,48.2,16.4,2\nb,core,,48.3,14.3,\nc,pop,,50,8,1\n"
)
TABLE_LINKS = (
    "id,a,b,capacity_gbps,class,metric,delay_ms\nab,a,b,100,core,10,1\nbc,b,c,10,exit,,9.5\n"
)
OTHER_NODES = "Name,Latitude,Longitude\nr1,50.1,8.6\nr2,51.2,9.5\nr3,50.4,7.6\n"
OTHER_LINKS = "Source,Target,Capacity (Mbps),Metric\nr1,r2,10000,5\nr2,r3,2x10GE,7\nr3,r1,40G,9\n"
COUNTERS = "source,target,link,load_mbps\na,b,ab,5000\ng,p,x1,800\ng,p,x2,0\n"
TOTALS = "node,out_gbps,in_gbps\na,3,2\nr,2,3\n"
TOPOLOGY_ZOO = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="label" attr.type="string" for="node" id="d0"/>
  <key attr.name="Latitude" attr.type="double" for="node" id="d1"/>
  <key attr.name="Longitude" attr.type="double" for="node" id="d2"/>
  <key attr.name="LinkLabel" attr.type="string" for="edge" id="d3"/>
  <graph edgedefault="undirected">
    <data key="d9">note</data>
    <node id="0">
      <data key="d0">Wien</data><data key="d1">48.2</data><data key="d2">16.4</data></node>
    <node id="1"><data key="d0">Linz</data></node>
    <node id="2">
      <data key="d0">Graz</data><data key="d1">47.1</data><data key="d2">15.4</data></node>
    <edge source="0" target="1"><data key="d3">2 x 10 Gbps</data></edge>
    <edge source="1" target="2"><data key="d3">2,5 Gbit/s</data></edge>
    <edge source="2" target="0"><data key="d3">STM-64 leased</data></edge>
  </graph>
</graphml>
"""
SCENARIO = """title: A day
topology: net.yaml
seed: 3
replications: {worlds: 2, days: 2}
start: 2024-05-01T00:00
horizon_h: 2
step_s: 900
queue: {kind: burst, burst_ms: 0.5, buffer_ms: 50}
traffic:
  matrix: {kind: gravity, international_out_gbps: 5, international_in_gbps: 9}
  shapes:
    - {kind: diurnal, peak_hour: 21, trough: 0.35}
    - {kind: noise, sigma: 0.08, common: 0.2}
    - {kind: surge, at_h: 1, rise_h: 0.2, plateau_h: 0.5, factor: 2}
strategies:
  static: {scheme: nearest_exit}
  sdn:
    scheme: {kind: min_latency, utilisation_cap: 0.8, classes: [exit]}
    control:
      every_s: 300
      staleness_s: 60
      install_s: 5
      steers: [international_out, international_in]
      hysteresis: {high: 0.8, low: 0.6}
      predict: {kind: ewma, alpha: 0.5}
events:
  - {at_h: 0.5, until_h: 1, link: x1}
  - {at_h: 1, cable: K, severity: 0.5}
  - {at_h: 1.5, link: ab, capacity_gbps: 40}
targets: {exit_utilisation: 0.8}
record: {demands: pair, every: 2}
uncertainty:
  peak: {kind: setting, key: "traffic.shapes[0].peak_hour", law: {kind: uniform, low: 20, high: 22},
         source: assumed}
what_if:
  - {name: more, set: {"links.x1.capacity_gbps": "+10"}}
"""
OF_A_FILE = """topology: net.yaml
horizon_h: 0.5
traffic: {matrix: {kind: file, path: tm.csv, gaps: hold, outside: repeat}}
strategies: {a: {scheme: igp_ecmp}, b: {scheme: best_static}}
"""
OF_SERVICES = """topology: {path: net.yaml}
horizon_h: 1
traffic:
  matrix: {kind: synthetic, total_gbps: 7, sigma: 0.5}
  services: {video: {share: 0.6}, web: {share: 0.4}}
strategies: {a: {scheme: igp_ecmp}}
"""


@dataclass(frozen=True)
class Sample:
    """Valid files of one format.

    Attributes
    ----------
    kind : {"topology", "demands", "counters", "totals", "scenario"}
        What reads them.
    entry : str
        The name of the file that is read; empty for the folder.
    files : callable
        Makes the files, by name, from a source of random numbers.
    broken : tuple of str
        Names of the files that may be broken; all if empty.
    """

    kind: str
    entry: str
    files: Callable[[Random], Files]
    broken: tuple[str, ...] = ()


def _sample(kind: str, entry: str, broken: tuple[str, ...] = (), **texts: str) -> Sample:
    files = {name.replace("__", "."): text.encode() for name, text in texts.items()}
    return Sample(kind, entry, lambda rng: dict(files), broken)


def _one(kind: str, name: str, raw: bytes) -> Sample:
    return Sample(kind, name, lambda rng: {name: raw})


def small_network() -> Network:
    """Return the network that demands are between."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.yaml")
        path.write_text(NETWORK, encoding="utf-8")
        return read_network(path)[0]


def _written(ending: str) -> bytes:
    """Return the small network as it is written to a file of some format."""
    with TemporaryDirectory() as folder:
        path = Path(folder, f"net{ending}")
        write_network(small_network(), path)
        return path.read_bytes()


def _bgp_ls(text: bool) -> bytes:
    with TemporaryDirectory() as folder:
        return saved(Path(folder), *triangle(text)).read_bytes()


def _between_ours(text: str) -> bytes:
    """Return demands of SNDlib between nodes of the small network."""
    for name, ours in (("Wien", "a"), ("Linz", "b"), ("Graz", "r")):
        text = text.replace(name, ours)
    return text.encode()


LISTED = {"source": ["a", "r", "b"], "target": ["r", "a", "r"], "gbps": [1.5, 2.0, 3.0]}
PAIRS = {"time": [0, 300, 600], "a>b": [1.0, 2.0, 3.0], "b-r": [4.0, 5.0, None]}
SQUARES = {"source": ["a", "r", "b"], "a": [0.0, 1.0, 2.0], "b": [1.0, 1.0, 0.0]}


def _parquet(rng: Random, given: dict[str, list[Any]] = LISTED) -> Files:
    """Return rows of rates, three quarters of them with columns of any type."""
    columns = dict(given)
    whole = rng.random() < 0.25
    if "time" not in columns and rng.random() < 0.5:
        columns["time"] = [0, 0, 0]
    odd: list[Any] = [None, float("nan"), 1e305, -1, "x", b"\xff", True, [1], {"a": 1}, 2**62, ""]
    arrays = {}
    for name, values in columns.items():
        if not whole and rng.random() < 0.3:
            values = [rng.choice(odd)] * 3
        elif not whole and rng.random() < 0.2:
            values = [None if rng.random() < 0.5 else value for value in values]
        array = pa.array(values)
        if not whole and rng.random() < 0.4:
            wanted = rng.choice(
                [pa.string(), pa.large_string(), pa.float32(), pa.float16(), pa.uint64()]
                + [pa.decimal128(30, 5), pa.binary(), pa.timestamp("ns"), pa.timestamp("s", "UTC")]
                + [pa.date32(), pa.time64("us"), pa.duration("s"), pa.bool_(), pa.null()]
            )
            try:
                array = array.cast(wanted, safe=False)
            except (pa.ArrowException, ValueError):
                array = pa.nulls(3, wanted)
        if rng.random() < 0.2:
            try:
                array = array.dictionary_encode()
            except pa.ArrowException:
                pass
        arrays[name] = array
    stream = io.BytesIO()
    try:
        parquet.write_table(pa.table(arrays), stream)
    except (pa.ArrowException, ValueError):
        return _parquet(rng, given)
    return {"tm.parquet": stream.getvalue()}


def samples() -> dict[str, Sample]:
    """Return the samples of all formats by name."""
    small = {"net__yaml": NETWORK}
    packed = gzip.compress(REPETITA_GRAPH.encode(), mtime=0)
    rfc = json.dumps(json.loads(_written(".rfc8345.json")), indent=1).encode()
    return {
        "native": _one("topology", "net.yaml", NETWORK.encode()),
        **{
            f"written{ending}": _one("topology", f"net{ending}", _written(ending))
            for ending in (".graphml", ".gml", ".json", ".graph", ".yaml")
        },
        "zoo": _one("topology", "zoo.graphml", TOPOLOGY_ZOO.encode()),
        "rfc8345": _one("topology", "net.json", rfc),
        "bgp_ls": _one("topology", "ls.json", _bgp_ls(True)),
        "bgp_ls json": _one("topology", "ls.json", _bgp_ls(False)),
        "repetita": _one("topology", "net.graph", REPETITA_GRAPH.encode()),
        "repetita packed": _one("topology", "net.graph.gz", packed),
        "sndlib": _one("topology", "net.txt", native(origin="x").encode()),
        "sndlib xml": _one("topology", "net.xml", xml(origin="x").encode()),
        "sndlib json": _one("topology", "net.json", in_json(origin="x").encode()),
        "tables": _sample("topology", "", nodes__csv=TABLE_NODES, links__csv=TABLE_LINKS),
        "other tables": _sample("topology", "", nodes__csv=OTHER_NODES, links__csv=OTHER_LINKS),
        "links alone": _sample("topology", "links.csv", links__csv=OTHER_LINKS),
        "netbox": _sample("topology", "", cables__csv=CABLES, interfaces__csv=INTERFACES),
        "long": _one("demands", "tm.csv", LONG.encode()),
        "excel": _one("demands", "tm.csv", EXCEL.encode("utf-8-sig")),
        "tabs": _one("demands", "tm.tsv", LONG.replace(",", "\t").encode()),
        "packed": _one("demands", "tm.csv.gz", gzip.compress(LONG.encode(), mtime=0)),
        "wide": _one("demands", "tm.csv", WIDE.encode()),
        "square": _one("demands", "tm.csv", SQUARE.encode()),
        "parquet": Sample("demands", "tm.parquet", _parquet),
        "parquet of pairs": Sample("demands", "tm.parquet", partial(_parquet, given=PAIRS)),
        "parquet of squares": Sample("demands", "tm.parquet", partial(_parquet, given=SQUARES)),
        "repetita demands": _one("demands", "tm.demands", REPETITA_DEMANDS.encode()),
        "sndlib demands": _one("demands", "tm.txt", _between_ours(native())),
        "sndlib xml demands": _one("demands", "tm.xml", _between_ours(xml())),
        "sndlib json demands": _one("demands", "tm.json", _between_ours(in_json())),
        "counters": _one("counters", "loads.csv", COUNTERS.encode()),
        "totals": _one("totals", "totals.csv", TOTALS.encode()),
        "scenario": _sample("scenario", "s.yaml", ("s.yaml",), s__yaml=SCENARIO, **small),
        "scenario of a file": _sample(
            "scenario", "s.yaml", ("s.yaml", "tm.csv"), s__yaml=OF_A_FILE, tm__csv=LONG, **small
        ),
        "scenario of services": _sample("scenario", "s.yaml", (), s__yaml=OF_SERVICES, **small),
    }
