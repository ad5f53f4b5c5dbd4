"""Every mistake in tests/invalid is told as expected, and nothing else is called an error.

The expected messages stand behind `# expect:` at the top of a YAML file. A CSV file has no
comments, so those of `NAME.csv` and of the folder `NAME` stand in `NAME.expect`.
"""

from pathlib import Path

import pytest

from simulator.base.errors import InputError, Problem
from simulator.formats.format import NetworkWarning, check_network, load_network, read_network
from simulator.formats.matrices.demand_format import read_demands

INVALID = Path(__file__).parent / "invalid"
TOPOLOGIES = sorted(path for path in INVALID.glob("topology-*") if path.suffix != ".expect")
DEMANDS = sorted(INVALID.glob("demands-*.csv"))


def expected(path: Path) -> list[str]:
    notes = path if path.suffix == ".yaml" else path.with_suffix(".expect")
    mark = "# expect: "
    lines = notes.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(mark) for line in lines if line.startswith(mark)]


def told(path: Path, problem: Problem) -> str:
    return str(problem).removeprefix(str(path)).lstrip("/: ")


def assert_as_expected(path: Path, problems: list[Problem]) -> None:
    messages = {told(path, problem) for problem in problems}
    errors = {told(path, problem) for problem in problems if problem.severity == "error"}
    assert expected(path), "say what is expected"
    assert set(expected(path)) <= messages
    assert errors <= set(expected(path))


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_a_mistake_in_a_topology_is_told(path):
    assert_as_expected(path, check_network(path))


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.name)
def test_reading_stops_at_errors_and_not_at_warnings(path):
    problems = check_network(path)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        with pytest.raises(InputError) as stopped:
            read_network(path)
        assert list(stopped.value.problems) == errors
    else:
        network, found = read_network(path)
        assert network.nodes
        assert found == problems
        with pytest.warns(NetworkWarning, match="warning: "):
            load_network(path)


@pytest.mark.parametrize("path", DEMANDS, ids=lambda path: path.name)
def test_a_mistake_in_a_list_of_demands_is_told(path):
    with pytest.raises(InputError) as stopped:
        read_demands(path, load_network("china169-mini"))
    assert_as_expected(path, list(stopped.value.problems))
