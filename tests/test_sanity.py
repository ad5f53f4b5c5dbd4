"""Values that are valid, and almost surely in another unit, are warned about; others are not."""

import fnmatch
import json
import re
import time
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from cases import FOLDER as CASES
from click.testing import CliRunner
from conftest import MINI, make_tiny

import simulator as sim
from simulator.base import library
from simulator.base.errors import InputError
from simulator.base.schema import json_schema
from simulator.cli import main as cli
from simulator.cli import running
from simulator.formats.format import check_network
from simulator.formats.rules.entries import TopologyFile
from simulator.model.demands import Demands
from simulator.model.scale import USUAL, usual_of
from simulator.paths.widest import widest_gbps
from simulator.scenario.load import load
from simulator.scenario.sanity import setting_doubts, traffic_doubts
from simulator.scenario.settings import Settings

NET = """\
name: lab
nodes:
  - {id: A, lat: 50, lon: 8}
  - {id: B, lat: 48, lon: 16}
  - {id: C, lat: 52, lon: 13}
links:
  - {id: AB, a: A, b: B, capacity_gbps: 100, delay_ms: 4}
  - {id: BC, a: B, b: C, capacity_gbps: 100, delay_ms: 4}
"""
TEXT = """\
topology: net.yaml
horizon_h: 1
traffic: {matrix: {kind: file, path: tm.csv}}
strategies:
  static: {scheme: igp_ecmp}
"""
ROWS = "source,target,gbps\nA,B,40\nB,C,12\n"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a function that writes a small scenario and returns its file."""
    monkeypatch.chdir(tmp_path)

    def write(text=TEXT, rows=ROWS, net=NET):
        for name, content in (("net.yaml", net), ("tm.csv", rows), ("a.yaml", text)):
            Path(name).write_text(content, encoding="utf-8")
        return Path("a.yaml")

    return write


def warned(scenario):
    return [str(problem) for problem in scenario.warnings]


def doubts(**keys):
    """Return the doubts about a scenario with some keys, by their place."""
    known = {"topology": "mini", "strategies": {"static": {"scheme": "igp_ecmp"}}}
    found = setting_doubts(Settings(**{**known, **keys}))
    return {".".join(map(str, path)): message for path, message in found}


def sdn(**control):
    return {"sdn": {"scheme": "min_latency", "control": {"every_s": 300, **control}}}


# -- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        (
            {"targets": {"exit_utilisation": 80}},
            *("targets.exit_utilisation", "80 is 8,000 %; did you mean 0.8?"),
        ),
        (
            {"strategies": {"a": {"scheme": {"kind": "min_latency", "utilisation_cap": 85}}}},
            *("strategies.a.scheme.utilisation_cap", "85 is 8,500 %; did you mean 0.85?"),
        ),
        (
            {"strategies": {"a": {"scheme": {"kind": "production", "utilisation_cap": 95}}}},
            *("strategies.a.scheme.utilisation_cap", "95 is 9,500 %; did you mean 0.95?"),
        ),
        (
            {"strategies": {"a": {"scheme": {"kind": "min_max", "others_cap": 100}}}},
            *("strategies.a.scheme.others_cap", "100 is 10,000 %; did you mean 1?"),
        ),
        (
            {"strategies": sdn(hysteresis={"high": 90, "low": 0.8})},
            *("strategies.sdn.control.hysteresis.high", "90 is 9,000 %; did you mean 0.9?"),
        ),
        (
            {"strategies": {"a": {"scheme": {"kind": "detour", "high": 95, "low": 80}}}},
            *("strategies.a.scheme.low", "80 is 8,000 %; did you mean 0.8?"),
        ),
        (
            {"horizon_h": 86400},
            *("horizon_h", "86,400 h is 9.86 years; were seconds meant (24 h)?"),
        ),
        (
            {"horizon_h": 604800},
            *("horizon_h", "604,800 h is 69 years; were seconds meant (168 h)?"),
        ),
        (
            {"step_s": 300000, "horizon_h": 1000},
            "step_s",
            "300,000 s is 3.47 days, and traffic is constant for a step; were ms meant (300 s)?",
        ),
        (
            {"step_s": 0.25},
            *("step_s", "0.25 s makes 345,600 steps; were hours meant (900 s)?"),
        ),
        (
            {"strategies": sdn(every_s=0.25)},
            "strategies.sdn.control.every_s",
            "0.25 s is 250 ms, and traffic is constant for 300 s; were hours meant (900 s)?",
        ),
        (
            {"strategies": sdn(every_s=300000)},
            "strategies.sdn.control.every_s",
            "300,000 s is longer than the whole scenario, 86,400 s; were ms meant (300 s)?",
        ),
        (
            {"queue": {"kind": "burst", "buffer_ms": 50000}},
            *("queue.buffer_ms", "50,000 ms is 50 s; were µs meant (50 ms)?"),
        ),
        (
            {"events": [{"link": "x", "at_h": 1, "capacity_gbps": 4e11}]},
            *("events.0.capacity_gbps", "400,000,000,000 Gbps is 400,000 Pbps; were bps meant"),
        ),
        *(
            (
                {"strategies": sdn(**{key: 90000})},
                *(f"strategies.sdn.control.{key}", "90,000 s is 1.04 days; were ms meant (90 s)?"),
            )
            for key in (
                "install_s",
                "detect_s",
                "converge_s",
                "local_repair_s",
                "staleness_s",
                "window_s",
            )
        ),
    ],
)
def test_a_value_in_another_unit_is_doubted(keys, place, message):
    found = doubts(**keys)
    assert found[place].startswith(message)


@pytest.mark.parametrize(
    "keys",
    [
        {"targets": {"exit_utilisation": 1.2}},
        {"strategies": {"a": {"scheme": {"kind": "min_max", "others_cap": 2.5}}}},
        {"strategies": {"a": {"scheme": {"kind": "min_max", "others_cap": 1e9}}}},  # no limit
        {"strategies": sdn(every_s=0.5), "step_s": 0.1, "horizon_h": 0.1},  # a play of minutes
        {"strategies": sdn(), "horizon_h": 0.05},
        {"strategies": sdn(announcements={}), "horizon_h": 0.25},
        {"strategies": sdn(install_s=3600, window_s=86400, staleness_s=0)},
        {"horizon_h": 8760, "step_s": 86400},
        {"horizon_h": 87600, "step_s": 3600},
        {"start": "2017-01-01", "end": "2026-12-31", "step_s": 86400},
        {"queue": {"kind": "burst", "buffer_ms": 10000}},
        {"events": [{"link": "x", "at_h": 1, "capacity_gbps": "+400"}]},
    ],
)
def test_a_value_that_may_be_meant_is_not(keys):
    assert doubts(**keys) == {}


def test_the_names_of_things_are_no_keys():
    """An exit may be called `low`, and its share of traffic is no utilisation."""
    split = {"kind": "weighted_split", "by": "weights", "weights": {"low": 20, "high": 80}}
    assert doubts(strategies={"high": {"scheme": split}}) == {}


def test_every_entry_of_the_table_gives_a_reason_and_has_a_key():
    schemas = [json_schema(cls, "") for cls in (Settings, TopologyFile)]
    known = set(re.findall(r'"(\w+)": \{', json.dumps(schemas)))
    for usual in USUAL:
        assert len(usual.why) > 30
        for key in usual.keys:
            assert fnmatch.filter(known, key), f"no key is named {key}"
    assert usual_of("capacity_gbps").unit == "Gbps"
    assert usual_of("paths") is None


def test_the_place_is_that_of_the_value(lab):
    file = lab(TEXT + "targets: {exit_utilisation: 80}\n")
    (warning,) = warned(sim.load(file))
    assert warning == (
        "a.yaml:6:29: targets.exit_utilisation: warning: 80 is 8,000 %; did you mean 0.8?"
    )
    (changed,) = warned(sim.load(lab(), [("targets.exit_utilisation", "75")]))
    assert changed == "--set: targets.exit_utilisation: warning: 75 is 7,500 %; did you mean 0.75?"


# -- traffic ------------------------------------------------------------------------------------


def test_a_matrix_in_another_unit_is_doubted_once_by_class(lab):
    (warning,) = warned(sim.load(lab(rows="source,target,gbps\nA,B,40000\nB,C,12000\n")))
    assert warning == (
        "a.yaml:3:38: traffic.matrix.path: warning: domestic adds up to 52,000 Gbps, 130 times"
        " what all links at home together carry (400 Gbps); were Mbps meant (52 Gbps)?"
    )
    (kbps,) = warned(sim.load(lab(rows="source,target,gbps\nA,B,40000000\nB,C,12000000\n")))
    assert kbps.endswith("; were kbps meant (52 Gbps)?")


def test_a_single_demand_in_another_unit_is_doubted(lab):
    (warning,) = warned(sim.load(lab(rows="source,target,gbps\nA,B,1500\nB,C,12\nC,A,1200\n")))
    assert warning.endswith(
        "A>B is 1,500 Gbps, 15 times the widest path between its ends (100 Gbps), the worst of"
        " 2 demands above 10 times theirs; were Mbps meant (1.5 Gbps)?"
    )


def test_overload_on_purpose_is_not_doubted(lab):
    assert not warned(sim.load(lab(rows="source,target,gbps\nA,B,300\nB,C,900\n")))


def test_a_change_of_traffic_is_doubted_where_it_was_made():
    made = load(MINI, [("demands.domestic", "x5000"), ("horizon_h", "1")])
    (warning,) = warned(made)
    assert warning.startswith("--set: demands.domestic: warning: domestic adds up to ")
    assert warning.endswith("; were Mbps meant (18,720 Gbps)?")


def test_international_traffic_is_held_against_the_exits():
    network = sim.load(MINI).network
    abroad = network.nodes[int(np.flatnonzero(network.is_abroad)[-1])]
    home = network.nodes[0]
    for ends, name in (((home, abroad), "international_out"), ((abroad, home), "international_in")):
        (doubt,) = traffic_doubts(network, Demands.of(network, ends[:1], ends[1:], [50_000.0]))
        assert doubt.startswith(f"{name} adds up to 50,000 Gbps, 203 times what all exits together")


def test_a_widest_path_is_the_widest_of_all():
    rng = np.random.default_rng(3)
    for _ in range(20):
        nodes = [f"n{i}" for i in range(8)]
        ends = [rng.choice(nodes, 2, replace=False) for _ in range(int(rng.integers(3, 14)))]
        gbps = rng.choice([1.0, 10.0, 10.0, 25.0, 100.0], len(ends))
        network = make_tiny(
            *((f"l{i}", *pair, float(gbps[i]), 1.0, 1.0) for i, pair in enumerate(ends)),
            **dict.fromkeys(nodes, "core"),
        )
        graph = nx.Graph()
        graph.add_nodes_from(network.nodes)
        for (a, b), rate in zip(ends, gbps, strict=True):
            before = graph.edges[a, b]["gbps"] if graph.has_edge(a, b) else 0.0
            graph.add_edge(a, b, gbps=before + rate)
        forest = nx.maximum_spanning_tree(graph, weight="gbps")
        source, target = (grid.ravel() for grid in np.indices((len(network.nodes),) * 2))
        apart = source != target
        found = widest_gbps(network, source[apart], target[apart])
        for s, t, rate in zip(source[apart], target[apart], found, strict=True):
            a, b = network.nodes[s], network.nodes[t]
            way = nx.shortest_path(forest, a, b) if nx.has_path(forest, a, b) else []
            steps = [forest.edges[pair]["gbps"] for pair in nx.utils.pairwise(way)]
            assert rate == min(steps, default=0.0)


def test_doubts_about_a_large_matrix_take_no_time():
    scenario = load("china169-2017")
    taken = []
    for _ in range(5):
        began = time.process_time()
        assert traffic_doubts(scenario.network, scenario.demands) == []
        taken.append(time.process_time() - began)
    assert min(taken) < 0.05


# -- links --------------------------------------------------------------------------------------


def links(lab, *changes):
    net = NET
    for old, new in changes:
        assert old in net
        net = net.replace(old, new)
    lab(net=net)
    return [str(problem) for problem in check_network("net.yaml")]


def test_a_capacity_in_another_unit_is_doubted_once(lab):
    (warning,) = links(lab, ("capacity_gbps: 100,", "capacity_gbps: 100000000000,"))
    assert warning == (
        "net.yaml:7:41: links[0].capacity_gbps: warning: 100,000,000,000 Gbps is 100,000 Pbps;"
        " were bps meant (100 Gbps)? (2 links are above 1,000,000 Gbps)"
    )
    (tiny,) = links(lab, ("capacity_gbps: 100,", "capacity_gbps: 0.0004,"))
    assert tiny.endswith(
        "0.0004 Gbps is 400 kbps, and no link is larger; were Tbps meant (0.4 Gbps)?"
    )


def test_a_delay_in_another_unit_says_what_the_distance_takes(lab):
    (long,) = links(lab, ("AB, a: A, b: B, capacity_gbps: 100, delay_ms: 4", "AB, a: A, b: B,"
                          " capacity_gbps: 100, delay_ms: 4000"))  # fmt: skip
    assert long.endswith(
        "links[0].delay_ms: warning: 4,000 ms is 4 s; were µs meant (4 ms)? The ends are 624 km"
        " apart, which takes 3.06 ms"
    )
    short, other = links(lab, ("delay_ms: 4", "delay_ms: 0.004"))
    assert short.endswith(
        "0.004 ms is faster than light in fibre: the ends are 624 km apart, which takes 3.06 ms;"
        " were seconds meant (4 ms)?"
    )
    slower, _ = links(lab, ("delay_ms: 4", "delay_ms: 1"))
    assert slower.endswith("which takes 3.06 ms")


def test_a_change_of_a_link_is_doubted_as_its_file_would_be(lab):
    changes = [("links.AB.capacity_gbps", "4e8"), ("links.AB.delay_ms", "0.004")]
    assert [warning.split(";")[1] for warning in warned(sim.load(lab(), changes))] == [
        " were kbps meant (400 Gbps)?",
        " were seconds meant (4 ms)?",
    ]


# -- events far beyond the end stay errors, and say more ----------------------------------------


@pytest.mark.parametrize(
    ("times", "question"),
    [
        ("at_h: 64800", "; were seconds meant (18 h)?"),
        ("at_h: 1080", "; were minutes meant (18 h)?"),
        ("at_h: 2, until_h: 72000", "; were seconds meant (20 h)?"),
        ("at_h: 25", "at 24 h"),
        ("at_h: 2, until_h: 25", "; leave it out for an event that lasts to the end"),
    ],
)
def test_an_event_far_beyond_the_end_is_asked_for_its_unit(lab, times, question):
    text = TEXT.replace("horizon_h: 1\n", "") + f"events: [{{link: AB, {times}}}]\n"
    with pytest.raises(InputError) as refused:
        sim.load(lab(text))
    (message,) = str(refused.value).splitlines()
    assert message.endswith(question)


# -- where warnings appear ----------------------------------------------------------------------


def call(*words):
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def test_a_check_ends_well_and_a_run_goes_on(lab, monkeypatch):
    monkeypatch.setattr(running, "draw", lambda folder: None)
    file = lab(TEXT + "targets: {exit_utilisation: 80}\n")
    letter = "a.yaml:6:29: targets.exit_utilisation: warning: 80 is 8,000 %; did you mean 0.8?"
    done = call("check", file)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, letter)
    done = call("run", file, "--out", "out")
    assert (done.exit_code, done.stderr.strip()) == (0, letter)
    record = json.loads(Path("out/run.json").read_text(encoding="utf-8"))
    assert record["warnings"] == [letter]


def test_a_check_of_a_topology_looks_at_its_own_matrix(lab):
    lab(rows="source,target,gbps\nA,B,40000\n", net=NET + "matrix: tm.csv\n")
    done = call("check", "net.yaml")
    assert done.exit_code == 0
    assert done.stdout.split("/")[-1].startswith(
        "tm.csv: warning: domestic adds up to 40,000 Gbps, 100 times"
    )


def doubtful(scenario):
    return [w for w in warned(scenario) if " meant (" in w or "; did you mean " in w]


@pytest.mark.parametrize("name", library.names("scenarios"))
def test_no_built_in_scenario_is_doubted(name):
    assert doubtful(load(name)) == []


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not here")
def test_no_case_is_doubted():
    for path in sorted(CASES.glob("*/*.yaml")):
        if "strategies:" in path.read_text(encoding="utf-8"):
            try:
                assert doubtful(load(path)) == [], path
            except InputError:
                continue
