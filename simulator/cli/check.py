"""Check: all that is wrong with a file, be it a scenario or a topology."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from simulator.base import library, regular
from simulator.base.document import read_yaml
from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import counted
from simulator.cli.scenario import warnings_of
from simulator.cli.topology import read
from simulator.formats.format import is_third_party_name
from simulator.formats.matrices.demand_format import read_recording
from simulator.scenario.cost import Cost, cost_problem
from simulator.scenario.load import kind_of, load
from simulator.scenario.sanity import traffic_doubts

Sets = Sequence[tuple[str, str]]


def check_file(path_or_name: str, sets: Sets = ()) -> tuple[list[Problem], list[str]]:
    """Check scenarios and topologies, with every file that they name.

    A built-in name may be both a scenario's and a topology's, and then both are checked; *sets*
    are keys and values to try on a scenario. Returns errors and warnings, and a line on what it
    holds for each that has no errors.
    """
    problems: list[Problem] = []
    fine: list[str] = []
    try:
        for path in _found(path_or_name):
            warnings, summary = _check(path, sets)
            problems += warnings
            fine.append(f"{path}: fine: {summary}")
    except InputError as error:
        problems += error.problems
    return problems, fine


def _found(word: str) -> list[Path]:
    if word and (is_third_party_name(word) or regular.is_there(word)):
        return [Path(word)]
    known = {kind: library.names(kind) for kind in ("scenarios", "topologies")}
    name = library.without_ending("topologies", word)
    kinds = [kind for kind in known if library.without_ending(kind, word) in known[kind]]
    if not kinds:
        near = known_instead(name, [each for names in known.values() for each in names])
        message = f"no such file, and no built-in scenario or topology of this name{near}"
        raise InputError([Problem(word, None, None, "", message)])
    return [library.find(kind, word) for kind in kinds]


def _check(path: Path, sets: Sets) -> tuple[list[Problem], str]:
    if path.is_dir() or path.suffix.lower() not in (".yaml", ".yml"):
        return _check_topology(path)
    if kind_of(read_yaml(path), sets) == "scenario":
        return _check_scenario(path, sets)
    return _check_topology(path)


def _check_scenario(path: Path, sets: Sets) -> tuple[list[Problem], str]:
    scenario = load(path, sets)
    warnings = warnings_of(scenario)
    s = scenario.settings
    counts = [
        counted(len(s.strategies), "strategy", "strategies"),
        counted(len(s.events), "event"),
        counted(len(s.what_if), "what-if change"),
        f"topology {scenario.network.name}",
        counted(len(scenario.demands), "demand"),
        f"{scenario.horizon_s / 3600:,g} h in {counted(scenario.case.steps, 'step')}",
        counted(s.days, "replication") + (f" in {s.worlds} worlds" if s.worlds > 1 else ""),
    ]
    if problem := cost_problem(scenario):
        raise InputError([problem, *warnings])
    return warnings, f"{', '.join(counts)}; {Cost.of(scenario)}"


def _check_topology(path: Path) -> tuple[list[Problem], str]:
    network, warnings = read(path)
    counts = [
        counted(len(network.nodes), "node"),
        counted(len(network.links), "link"),
        counted(len(network.exits), "exit"),
    ]
    if network.about.matrix:
        matrix = str(network.about.matrix)
        recording = read_recording(matrix, network)
        demands, missing = recording.demands, recording.gaps_summary()
        counts.append(counted(len(demands), "demand"))
        doubts = [*([missing] if missing else []), *traffic_doubts(network, demands)]
        warnings += recording.notes
        warnings += [Problem(matrix, None, None, "", each, "warning") for each in doubts]
    return warnings, ", ".join(counts)
