"""--set mends a file before it is judged, and `check` and `run` judge alike."""

import importlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.base.errors import InputError, SimulatorError
from simulator.cli.check import check_file
from simulator.cli.main import main
from simulator.scenario.load import load

pytestmark = pytest.mark.usefixtures("no_headroom")

INVALID = Path(__file__).parent / "invalid"
SCENARIOS = sorted(INVALID.glob("scenario-*.y*ml"))
TOPOLOGIES = sorted(INVALID.glob("topology-*"))
GOOD = {
    "topology": "china169-mini",
    "horizon_h": "2",
    "step_s": "900",
    "seed": "1",
    "strategies": "{static: {scheme: nearest_exit}, sdn: {scheme: min_latency, control: {}}}",
    "events": "[]",
    "upgrades": "null",
    "traffic": "{}",
    "queue": "none",
    "replications": "1",
    "record": "{}",
    "what_if": "[]",
    "start": "null",
    "end": "null",
    "engine": "fluid",
    "title": "mended",
    "targets": "{}",
    "uncertainty": "{}",
}
UNREADABLE = {
    *("alias-to-itself", "control-character", "duplicate-key", "duplicate-strategy", "empty"),
    *("merge-key", "nested-deep", "not-utf-8", "not-yaml", "python-tag", "tabs", "two-documents"),
    *("yaml-bomb", "a-list", "a-word"),
}
"""Not YAML as it is read, or no mapping: there is no key to set."""
UNKNOWN_KEY = {"escape-in-title", "key-far-from-any", "long-key", "neither", "unknown-key"}
"""Wrong by a key that is not to be there: no value mends it."""


@pytest.fixture
def judged_by_run(monkeypatch):
    """Return what `run` finds wrong, a list of lines; it is stopped where it would begin."""

    def stop(*_, **__):
        raise SimulatorError("begun")

    monkeypatch.setattr(importlib.import_module("simulator.run"), "run", stop)

    def judge(path, sets=()):
        words = [word for key, value in sets for word in ("--set", f"{key}={value}")]
        done = CliRunner().invoke(main, ["run", str(path), "--any-size", *words])
        assert done.stdout == "" and "Traceback" not in done.stderr
        begun = done.stderr.endswith("simulator: begun\n")
        assert done.exit_code == (1 if begun else 2)
        lines = done.stderr.splitlines()
        told = ("simulator: begun", "(estimates, good to a factor of three)")  # no problems
        return [line for line in lines if not line.endswith(told)], begun

    return judge


def judged_by_check(path, sets=()):
    problems, fine = check_file(str(path), sets)
    return [str(each) for each in problems], bool(fine)


def wrong_keys(path):
    """Return the first words of the keys at which a file is wrong."""
    problems, _ = check_file(str(path))
    words = [re.split(r"[.\[]", p.key)[0] for p in problems if p.severity == "error"]
    return list(dict.fromkeys(words))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_check_and_run_find_the_same(path, judged_by_run):
    found, begun = judged_by_run(path)
    assert (found, begun) == judged_by_check(path)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_file_that_is_wrong_at_a_key_is_run_where_set_replaces_it(path, judged_by_run):
    name = path.stem.removeprefix("scenario-")
    sets = [(key, GOOD[key]) for key in wrong_keys(path) if key in GOOD]
    if "what_if" not in dict(sets) and name == "many-at-once":
        sets.append(("what_if", "[]"))  # told only when nothing else is wrong
    if name == "matrix-file-wrong":
        sets.append(("traffic", "{}"))
    if name in ("topology-with-mistakes", "topology-is-a-scenario"):
        sets.append(("topology", "china169-mini"))
    if name in ("start-not-a-date", "time-zone"):
        sets.append(("end", "null"))
    found, begun = judged_by_run(path, sets)
    assert (found, begun) == judged_by_check(path, sets)
    assert begun is not (name in UNREADABLE | UNKNOWN_KEY), found


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_a_wrong_topology_is_told_alike_and_replaced_alike(path, judged_by_run, tmp_path):
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(f"topology: {path}\nstrategies: {{static: {{scheme: nearest_exit}}}}\n")
    found, begun = judged_by_run(scenario)
    assert (found, begun) == judged_by_check(scenario)
    assert not begun
    found, begun = judged_by_run(scenario, [("topology", "china169-mini")])
    assert (found, begun) == judged_by_check(scenario, [("topology", "china169-mini")])
    assert begun


@pytest.mark.parametrize(
    ("wrong", "key", "value"),
    [
        ("seed: one", "seed", "1"),
        ("step_s: -3", "step_s", "900"),
        ("topology: no-such-file.yaml", "topology", "china169-mini"),
        ("events: [{at_h: 99, cable: TPE}]", "events[0].at_h", "0.5"),
        ("events: [{at_h: 0.5, cable: TPEE}]", "events[0].cable", "TPE"),
        ("what_if: [{name: a, set: {seeed: 1}}]", "what_if", "[]"),
        ("queue: {kind: mm2}", "queue.kind", "mm1"),
        ("end: 2017-12-31", "end", "null"),
        ("end: 2017-12-31", "end", "~"),
    ],
)
def test_one_key_mends_a_file(tmp_path, wrong, key, value):
    keys = {
        "topology": "china169-mini",
        "horizon_h": "1",
        "step_s": "900",
        "strategies": "{static: {scheme: nearest_exit}}",
    }
    name, _, rest = wrong.partition(": ")
    keys[name] = rest
    file = tmp_path / "wrong.yaml"
    file.write_text("".join(f"{name}: {text}\n" for name, text in keys.items()))
    problems, fine = check_file(str(file))
    assert not fine and problems
    problems, fine = check_file(str(file), [(key, value)])
    assert fine and not problems
    out = tmp_path / "out"
    words = ["run", str(file), "--set", f"{key}={value}", "--out", str(out), "--quiet"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert (out / "summary.csv").exists()


def test_set_gives_what_a_file_lacks(tmp_path):
    file = tmp_path / "half.yaml"
    file.write_text("seed: 3\n")
    sets = [("topology", "china169-mini"), ("strategies", "{s: {scheme: nearest_exit}}")]
    assert check_file(str(file), sets)[1]
    assert load(file, sets).settings.seed == 3
    with pytest.raises(InputError, match="a scenario has topology and strategies"):
        load(file)


def test_set_does_not_make_a_scenario_of_a_topology(tmp_path):
    """`check` takes several files, and --set is tried on the scenarios among them."""
    topology = Path(__file__).parent.parent / "topologies" / "china169-mini.yaml"
    problems, fine = check_file(str(topology), [("topology", "china169-2017")])
    assert not problems and "10 nodes" in fine[0]
