"""Every mistake in tests/invalid/scenario-* is told as expected, and nothing else is.

The expected messages stand behind `# expect:` at the top of each file; one that ends in `...` goes
on with a list that grows when a key or a scheme is added.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator.base.errors import InputError
from simulator.cli.main import main
from simulator.scenario.load import load

WITH_US = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
INVALID = Path(__file__).parent / "invalid"
SCENARIOS = sorted(INVALID.glob("scenario-*.yaml"))
names = pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)


def expected(path: Path) -> list[str]:
    mark = "# expect: "
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [line.removeprefix(mark) for line in lines if line.startswith(mark)]
    assert told, "say what is expected"
    return [f"{path.name}:{line}" if line[0].isdigit() else line for line in told]


def told(output: str) -> list[str]:
    lines = (line.replace(f"{INVALID}/", "") for line in output.splitlines())
    return [re.sub("(known:|built in are) .*", r"\1 ...", line) for line in lines]


def test_there_are_enough_of_them():
    assert len(SCENARIOS) >= 35


@names
def test_check_tells_the_mistake(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["check", str(path)])
    assert told(done.stdout) == expected(path)
    assert done.exit_code == 2
    assert done.stderr == ""
    assert not list(tmp_path.iterdir())


@names
def test_run_refuses_and_writes_nothing(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verb = "whatif" if path.stem.startswith("scenario-what-if-") else "run"
    done = CliRunner().invoke(main, [verb, str(path)])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    if verb == "run" and path.stem not in NOT_EVEN_A_SCENARIO:
        assert told(done.stderr) == expected(path)
    assert done.stderr
    assert not list(tmp_path.iterdir())


NOT_EVEN_A_SCENARIO = {"scenario-a-list", "scenario-a-word", "scenario-neither"}
"""`check` does not know what these are meant to be; `run` does, and says what is missing."""


@pytest.mark.parametrize("name", sorted(NOT_EVEN_A_SCENARIO))
def test_run_says_what_a_scenario_needs(name):
    with pytest.raises(InputError, match="topology|mapping"):
        load(INVALID / f"{name}.yaml")


def test_a_shell_sees_the_same(tmp_path):
    """Of `check`; tests/test_cli.py runs a wrong scenario in a shell."""
    path = INVALID / "scenario-many-at-once.yaml"
    command = [sys.executable, "-m", "simulator", "check", str(path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=WITH_US, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, "")
    assert set(told(done.stdout)) == set(expected(path))
    assert not list(tmp_path.iterdir())


def test_an_empty_file(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_bytes(b"")
    done = CliRunner().invoke(main, ["check", str(path)])
    assert (done.exit_code, done.stdout) == (2, f"{path}:1:1: the file is empty\n")


def test_a_topology_is_no_scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    topology = Path(__file__).parent.parent / "topologies" / "china169-mini.yaml"
    done = CliRunner().invoke(main, ["run", str(topology)])
    assert done.exit_code == 2
    assert done.stderr.endswith(
        ": this is a topology, not a scenario; a scenario names one: topology: FILE\n"
    )
    assert done.stderr.count("\n") == 1


def test_a_scenario_is_no_topology():
    from simulator.formats.format import load_network

    with pytest.raises(InputError, match="this is a scenario, not a topology"):
        load_network(INVALID / "scenario-good.yml")
