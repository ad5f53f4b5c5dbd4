"""A scenario is parsed, changed, checked and assembled once, from a file or in Python."""

import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator.base.errors import InputError
from simulator.cli import main as cli
from simulator.cli import running
from simulator.engines.fluid import Fluid
from simulator.queues.burst import Burst
from simulator.routing.min_latency import MinLatency
from simulator.routing.nearest_exit import NearestExit
from simulator.scenario import assemble as steps
from simulator.study.whatif import check_what_if

pytestmark = pytest.mark.usefixtures("no_headroom")

STRATEGIES = {
    "static": {"scheme": "nearest_exit"},
    "sdn": {"scheme": {"kind": "min_latency"}, "control": {"every_s": 300}},
}
SHORT = {"topology": "china169-mini", "strategies": STRATEGIES, "horizon_h": 1}
TEXT = """\
topology: china169-mini
horizon_h: 1
strategies:
  static: {scheme: nearest_exit}
"""


def problems(call, *words, **keys):
    with pytest.raises(InputError) as refused:
        call(*words, **keys)
    return str(refused.value).splitlines()


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a scenario file."""

    def write(text, name="a.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def calls(monkeypatch):
    """Count the steps from a document to a scenario."""
    counts = {}

    def counted(module, name):
        original = getattr(module, name)
        counts[name] = 0

        def counting(*words, **keys):
            counts[name] += 1
            return original(*words, **keys)

        monkeypatch.setattr(module, name, counting)

    for name in ("check", "read_network", "_read_matrix", "change_document", "Assembled"):
        counted(steps, name)
    return counts


# -- changes come before checks -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right", "key", "value"),
    [
        ("horizon_h: 1", "horizon_h: one", "horizon_h", "2"),
        ("horizon_h: 1", "horizon_h: 1\nseed: minus", "seed", "3"),
        ("nearest_exit", "nearest_exti", "strategies.static.scheme", "min_latency"),
        ("nearest_exit", "{kind: nearest_exti}", "strategies.static.scheme.kind", "min_max"),
        ("china169-mini", "china169-minni", "topology", "china169-mini"),
        ("horizon_h: 1", "horizon_h: 1\nqueue: {kind: burst, buffer_ms: -1}", "queue", "none"),
    ],
)
def test_a_change_repairs_a_file(file, wrong, right, key, value):
    path = file(TEXT.replace(wrong, right))
    assert len(problems(sim.load, path)) == 1
    made = sim.load(path, [(key, value)])
    assert made.changes[key] in (value, int(value) if value.isdigit() else value)
    done = CliRunner().invoke(cli.main, ["check", str(path), "--set", f"{key}={value}"])
    assert done.exit_code == 0, done.output


def test_what_is_left_wrong_is_reported_with_what_the_change_gets_wrong(file):
    path = file(TEXT + "seed: minus\nstep_s: -3\n")
    changes = [("seed", "3"), ("horizon_h", "-2"), ("titel", "x"), ("links.nowhere.metric", "3")]
    assert [line.replace(str(path.parent), "") for line in problems(sim.load, path, changes)] == [
        "--set: titel: unknown key; did you mean 'title'?",
        "--set: horizon_h: expected a number above 0, found -2",
        "/a.yaml:6:9: step_s: expected a number above 0, found -3",
        "--set: links.nowhere.metric: no link named 'nowhere'",
    ]
    assert problems(sim.load, path, [("seed", "x"), ("step_s", "60")]) == [
        "--set: seed: expected a whole number of at least 0, found 'x'"
    ]


def test_a_relative_change_counts_from_what_stands_or_from_the_default(file):
    path = file(TEXT + "queue: {kind: burst, burst_ms: 2}\n")
    keys = ("step_s", "queue.burst_ms", "queue.buffer_ms", "replications")
    made = sim.load(path, list(zip(keys, ("x2", "+1", "x0.8", "+2"), strict=True)))
    s = made.settings
    assert (s.step_s, s.queue, s.replications) == (600.0, Burst(burst_ms=3, buffer_ms=40), 3)
    again = made.with_changes({"step_s": "x2", "replications": "+1"})
    assert (again.settings.step_s, again.settings.replications) == (1200.0, 4)
    (message,) = problems(made.with_changes, {"start": "+1"})
    assert "expected a date" in message and "'+1'" in message


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_command_checks_reads_and_assembles_once(file, calls, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "draw", lambda folder: None)
    path = file(TEXT)
    sets = ("seed=3", "strategies.static.scheme=igp_ecmp", "demands.all=x2",
            "links.beijing-la.capacity_gbps=+10")  # fmt: skip
    words = [word for text in sets for word in ("--set", text)]
    done = CliRunner().invoke(cli.main, [verb, str(path), *words])
    assert done.exit_code == 0, done.output
    assert set(calls.values()) == {1}, calls


def test_only_what_changes_is_read_again(calls):
    made = sim.load(SHORT)
    assert set(calls.values()) == {1}
    made = made.with_changes({"seed": 3}).with_changes({"demands.all": "x2"})
    made = made.with_changes({"links.beijing-la.capacity_gbps": "+10", "events": []})
    made = made.with_changes({"traffic.shapes": ["diurnal"]})
    assert (calls["read_network"], calls["_read_matrix"]) == (1, 1)
    assert (calls["check"], calls["Assembled"]) == (5, 5)
    made.with_changes({"traffic.matrix": {"kind": "gravity", "domestic_gbps": 3}})
    assert (calls["read_network"], calls["_read_matrix"]) == (1, 2)
    made.with_changes({"utc_offset_h": 3})
    assert (calls["read_network"], calls["_read_matrix"]) == (2, 3)


# -- changes are kept ---------------------------------------------------------------------------


def test_changes_of_links_and_demands_outlive_another_topology_and_matrix(tmp_path):
    plain = sim.load(SHORT)
    changed = plain.with_changes({"links.beijing-la.capacity_gbps": "+10", "demands.all": "x2"})
    gravity = {"kind": "gravity", "domestic_gbps": 3.0}
    other = changed.with_changes({"traffic.matrix": gravity})
    assert other.demands.gbps.sum() == pytest.approx(6.0)
    assert other.network.exits_gbps == plain.network.exits_gbps + 10
    clock = changed.with_changes({"utc_offset_h": 3})
    assert clock.network.exits_gbps == plain.network.exits_gbps + 10
    assert clock.network.about.utc_offset_h == 3.0
    assert np.array_equal(clock.demands.gbps, 2 * plain.demands.gbps)
    assert problems(changed.with_changes, {"topology": "china169-2017"}, "--topology") == [
        "change: links.beijing-la.capacity_gbps: no link named 'beijing-la'; did you mean 'bj-la'?"
    ]


def test_the_order_of_changes_to_network_and_links_does_not_matter():
    link, clock = {"links.beijing-la.capacity_gbps": "+10"}, {"utc_offset_h": 3}
    matrix = {"traffic.matrix": {"kind": "gravity", "by": "capacity", "domestic_gbps": 3.0}}
    made = sim.load(SHORT)
    one = made.with_changes(link).with_changes(clock).with_changes(matrix)
    two = made.with_changes(matrix).with_changes(clock).with_changes(link)
    three = made.with_changes({**link, **matrix, **clock})
    for other in (two, three):
        assert np.array_equal(one.network.capacity_gbps, other.network.capacity_gbps)
        assert np.array_equal(one.demands.gbps, other.demands.gbps)
        assert one.network.about.utc_offset_h == other.network.about.utc_offset_h == 3.0
    assert one.changes == two.changes == three.changes


def test_relative_changes_add_up():
    made = sim.load(SHORT)
    link = made.network.link_index["beijing-la"]
    more = made.with_changes({"links.beijing-la.capacity_gbps": "+10", "demands.all": "x2"})
    most = more.with_changes({"links.beijing-la.capacity_gbps": "+10", "demands.all": "x2"})
    gained = most.network.capacity_gbps[2 * link] - made.network.capacity_gbps[2 * link]
    assert gained == 20
    assert np.array_equal(most.demands.gbps, 4 * made.demands.gbps)
    again = most.with_changes({"utc_offset_h": 3})  # all of them, once more
    assert np.array_equal(again.network.capacity_gbps, most.network.capacity_gbps)
    assert np.array_equal(again.demands.gbps, most.demands.gbps)


def test_warnings_outlive_changes(file, tmp_path):
    (tmp_path / "a.yaml").write_text(
        "name: a\nnodes: [{id: a, kind: core}, {id: b, kind: core}, {id: c, kind: core}]\n"
        "links: [{id: ab, a: a, b: b, class: core, capacity_gbps: 10, delay_ms: 1}]\n"
    )
    (tmp_path / "d.csv").write_text("source,target,gbps\na,b,1\na,c,2\n")
    path = file("topology: a.yaml\ntraffic: {matrix: {kind: file, path: d.csv}}\n"
                "strategies: {s: {scheme: igp_ecmp}}\n", "s.yaml")  # fmt: skip
    made = sim.load(path)
    assert any("1 demands (2.0 Gbps) have no way" in w.message for w in made.warnings)
    more = made.with_changes({"seed": 3, "demands.all": "x2"})
    assert len(more.warnings) == len(made.warnings)
    assert any("1 demands (4.0 Gbps) have no way" in w.message for w in more.warnings)
    assert more.inputs == made.inputs


def test_what_if_entries_are_checked_against_the_changed_scenario(file):
    entry = "what_if: [{name: more, set: {links.bj-la.capacity_gbps: '+1'}}]\n"
    made = sim.load(file(TEXT + entry))
    assert [p.line for p in check_what_if(made)] == [5]
    assert not check_what_if(sim.load(file(TEXT + entry), [("topology", "china169-2017")]))


def test_strategies_are_chosen_by_name():
    made = sim.load(SHORT).with_changes({"seed": 5})
    chosen = made.with_strategies(["sdn"], "--strategies sdn")
    assert list(chosen.settings.strategies) == ["sdn"]
    assert chosen.settings.strategies["sdn"] == made.settings.strategies["sdn"]
    assert chosen.changes == {"seed": 5, "strategies": "sdn"}
    assert problems(made.with_strategies, ["sdm", "x"], "--strategies sdm,x") == [
        "--strategies sdm,x: no strategy named 'sdm'; did you mean 'sdn'? known: static, sdn",
        "--strategies sdm,x: no strategy named 'x'; known: static, sdn",
    ]


# -- scenarios made in Python -------------------------------------------------------------------


def test_keywords_are_the_keys_of_a_file(file):
    from_file = sim.load(file(TEXT + "seed: 4\n"))
    made = sim.Scenario(
        topology="china169-mini", strategies={"static": {"scheme": NearestExit()}}, horizon_h=1,
        seed=np.int64(4),
    )  # fmt: skip
    assert made.settings == from_file.settings
    assert made.resolved() == from_file.resolved()
    assert (made.name, repr(made)) == (
        "scenario",
        "<Scenario scenario: static on china169-mini>",
    )
    assert sim.load({**SHORT, "seed": 4}).settings == sim.Scenario(**SHORT, seed=4).settings
    changed = sim.load(SHORT, [("seed", "4")])
    assert changed.settings.seed == 4 and changed.changes == {"seed": 4}


def test_values_may_be_checked_objects_and_can_still_be_changed():
    made = sim.Scenario(
        topology=Path("china169-mini"),
        strategies={"sdn": {"scheme": MinLatency(utilisation_cap=0.8), "control": {"every_s": 60}}},
        queue=Burst(burst_ms=2.0),
        engine=Fluid(),
        traffic={"shapes": ({"kind": "diurnal"},)},
    )
    assert made.settings.strategies["sdn"].scheme == MinLatency(utilisation_cap=0.8)
    more = made.with_changes(
        {"strategies.sdn.scheme.utilisation_cap": "x0.5", "queue": Burst(burst_ms=3.0)}
    )
    assert more.settings.strategies["sdn"].scheme.utilisation_cap == 0.4
    assert more.settings.queue == Burst(burst_ms=3.0)


@pytest.mark.parametrize("make", [lambda keys: sim.Scenario(**keys), sim.load])
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"seed": "x"}, "scenario: seed: expected a whole number of at least 0, found 'x'"),
        ({"sed": 1}, "scenario: sed: unknown key; did you mean 'seed'?"),
        (
            {"strategies": {"sdn": {"scheme": {"kind": "min_latencey"}}}},
            "scenario: strategies.sdn.scheme.kind: no routing scheme named 'min_latencey';"
            " did you mean 'min_latency'?",
        ),
        (
            {"events": [{"at_h": 0.5, "cable": "TPEE"}]},
            "scenario: events[0].cable: no cable named 'TPEE'; did you mean 'TPE'?",
        ),
        ({"topology": object}, "scenario: topology: expected text"),
        ({"topology": "chin169-mini"}, "scenario: topology: no topology file or built-in name"),
        ({"queue": NearestExit()}, "scenario: queue.kind: no queue model named 'nearest_exit'"),
    ],
)
def test_mistakes_in_python_are_reported_with_their_key(make, keys, expected):
    (found,) = problems(make, SHORT | keys)
    assert found.startswith(expected)


def test_what_is_missing_is_named():
    assert [line.partition(";")[0] for line in problems(sim.Scenario)] == [
        "scenario: topology: required key is missing",
        "scenario: strategies: required key is missing",
    ]
    assert "this is a topology" in problems(sim.load, {"nodes": [], "links": []})[0]


def test_files_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("source,target,gbps\nbeijing,shanghai,5\n")
    made = sim.Scenario(**SHORT, traffic={"matrix": {"kind": "file", "path": "d.csv"}})
    assert made.demands.gbps.tolist() == [5.0]
    assert made.inputs[-1] == Path("d.csv")


def test_a_scenario_is_frozen_and_cheap_to_send():
    made = sim.Scenario(**SHORT).with_changes({"seed": 3, "demands.all": "x2"})
    for name in ("settings", "anything"):
        with pytest.raises(FrozenInstanceError):
            setattr(made, name, None)
    sent = pickle.dumps(made)
    assert len(sent) < 2 * len(pickle.dumps((made.network, made.demands)))
    there = pickle.loads(sent)
    assert there.settings == made.settings
    assert np.array_equal(there.demands.gbps, made.demands.gbps)
    assert there.with_changes({"seed": 4}).settings.seed == 4


def test_run_and_what_if_take_a_name_a_file_or_keys(file):
    path = file(TEXT)
    first = sim.run(path)
    for same in (
        str(path),
        sim.load(path),
        {**SHORT, "strategies": {"static": STRATEGIES["static"]}},
    ):
        assert sim.run(same).summary.equals(first.summary)
    answer = sim.what_if(path, {"demands.all": "x2"})
    assert list(answer.results) == ["baseline", "demands.all = x2"]
    small = file(TEXT + "what_if: [{name: more, set: {demands.all: x2}}]\n")
    assert list(sim.what_if(str(small)).results) == ["baseline", "more"]


@pytest.mark.parametrize("wrong", [12, None, ["mini"]])
@pytest.mark.parametrize("call", [sim.run, sim.what_if, sim.load])
def test_anything_else_is_refused_with_advice(call, wrong):
    (message,) = problems(call, wrong)
    assert "sim.load(FILE) or sim.Scenario(...)" in message
    assert problems(sim.run, "minni")[0].startswith("minni: no scenario file or built-in name")
