"""Subjects of a diff: what a path, a name or an object is, read and found sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.base import library
from simulator.base.document import read_yaml, shown
from simulator.base.errors import Problem, SimulatorError, did_you_mean, refusal
from simulator.formats.format import is_topology, read_network
from simulator.model.network import Network
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.results.tables import declared
from simulator.scenario.load import kind_of, load
from simulator.scenario.scenario import Scenario

Subject = Network | Scenario | Results
Warn = Callable[[Problem], None]
NOUNS: dict[type, str] = {Network: "topology", Scenario: "scenario", Results: "results folder"}
_STUDIES = {"whatif.json": "what-if", "sensitivity.json": "sensitivity"}
_RUN_KEYS = {"name": str, "title": str, "scenario": dict, "network": dict, "demands_gbps": dict}


def subjects(a: Any, b: Any, warn: Warn = lambda problem: None) -> tuple[Subject, Subject]:
    """Return two things to compare, of one kind.

    A name may be that of a scenario and of a topology: it is what the other is, or a scenario.
    Warnings of what is read are given to *warn*.

    Raises
    ------
    InputError
        There is no such thing, it is damaged, or they are of two kinds.
    """
    kinds = _kinds(a), _kinds(b)
    both = [kind for kind in (Results, Scenario, Network) if all(kind in each for each in kinds)]
    if not both:
        nouns = [" or ".join(NOUNS[kind] for kind in each) for each in kinds]
        message = f"{_name(a)} is a {nouns[0]}, {_name(b)} a {nouns[1]}; compare two of one kind"
        raise refusal("diff", message)
    return _read(a, both[0], warn), _read(b, both[0], warn)


def _kinds(given: Any) -> list[type]:
    """Return what a thing may be."""
    for kind in NOUNS:
        if isinstance(given, kind):
            return [kind]
    if isinstance(given, Mapping):
        return [Scenario]
    if not isinstance(given, str | Path):
        message = f"expected a topology, a scenario or a results folder, found {shown(given)}"
        raise refusal("diff", message)
    path = Path(given)
    if path.is_dir():
        return [Results] if _is_results(path) else [Network]
    if path.is_file():
        if path.suffix.lower() not in (".yaml", ".yml"):
            return [Network]
        return [Scenario if kind_of(read_yaml(path)) == "scenario" else Network]
    return _kinds_of_name(str(given))


def _is_results(path: Path) -> bool:
    if (path / RUN_JSON).exists():
        return True
    for mark, study in _STUDIES.items():
        if (path / mark).exists():
            inner = sorted(each.parent.name for each in path.glob(f"*/{RUN_JSON}"))
            runs = f"; compare its runs: {', '.join(inner)}" if inner else ""
            raise refusal(path, f"this is the folder of a {study} study, not of one run{runs}")
    if not is_topology(path):
        message = f"neither the results of a run (no {RUN_JSON}) nor a folder of topology tables"
        raise refusal(path, message)
    return False


def _kinds_of_name(name: str) -> list[type]:
    scenarios, topologies = (library.names(each) for each in ("scenarios", "topologies"))
    found: list[type] = [Scenario] if name in scenarios else []
    found += [Network] if name in topologies or is_topology(name) else []
    if not found:
        near = did_you_mean(name, [*scenarios, *topologies])
        message = f"no such file or folder, and no scenario or topology has this name{near}"
        raise refusal(name, message)
    return found


def _read(given: Any, kind: type, warn: Warn) -> Subject:
    if kind is Results:
        return given if isinstance(given, Results) else _results(Path(given))
    if isinstance(given, Network | Scenario):
        return given
    if kind is Scenario:
        scenario = load(given)
        made: Subject = scenario
        warnings: Iterable[Problem] = scenario.warnings
    else:
        made, warnings = read_network(given)
    for problem in warnings:
        warn(problem)
    return made


def _results(folder: Path) -> Results:
    """Return the results in a folder, whose parts that are compared are sound."""
    try:
        results = Results(folder)
    except SimulatorError as error:
        raise refusal(folder, str(error).removeprefix(f"{folder} ")) from None
    except (AttributeError, TypeError):
        raise refusal(folder / RUN_JSON, "is no run.json of this program") from None
    for key, kind in _RUN_KEYS.items():
        if not isinstance(results.run.get(key), kind):
            raise refusal(folder / RUN_JSON, f"damaged: it lacks a sound {key!r}")
    if not isinstance(results.run["scenario"].get("strategies"), dict):
        raise refusal(folder / RUN_JSON, "damaged: its scenario has no strategies")
    _require_figures(results)
    return results


def _require_figures(results: Results) -> None:
    table = declared("replications")
    file = results.folder / table.file
    columns = [column.name for column in table.columns]
    try:
        frame = results.all_figures
        sound = list(frame.columns) == columns and len(frame) > 0
        sound = sound and all(
            pd.api.types.is_numeric_dtype(frame[name]) for name in ("replication", "value")
        )
        sound = sound and len(results.figures) > 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise refusal(file, f"damaged: {error}") from None
    if not sound:
        raise refusal(file, f"damaged: expected columns {', '.join(columns)}, and numbers in them")


def _name(given: Any) -> str:
    return str(given) if isinstance(given, str | Path) else "the one given"
