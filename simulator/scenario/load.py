"""Load: a file, a name or a mapping becomes a Scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from simulator.base import bounds, library
from simulator.base.document import Document, read_yaml, shown
from simulator.base.errors import InputError, Problem
from simulator.formats.format import is_topology
from simulator.scenario.assemble import Source, assemble
from simulator.scenario.changes import Change, parse_value, plain
from simulator.scenario.scenario import PYTHON, Scenario

TOPOLOGY = "this is a topology, not a scenario; a scenario names one: topology: FILE"


def load(
    scenario: str | Path | Mapping[str, Any],
    changes: Iterable[tuple[str, str]] = (),
    *,
    any_size: bool = False,
) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    scenario : str, Path or mapping
        A file, the name of a built-in scenario, or the keys of one; see :class:`Scenario`.
    changes : iterable of (key, value)
        As from ``--set key=value``; values are YAML. They are made before anything is checked.
    any_size : bool
        Read also files that are larger than reading is sure to end in time and memory.

    Raises
    ------
    InputError
        Holds every error found, as ``file:line:column: key: message``.
    """
    with bounds.any_size(any_size):
        return _load(scenario, list(changes))


def _load(scenario: str | Path | Mapping[str, Any], changes: list[tuple[str, str]]) -> Scenario:
    if isinstance(scenario, Mapping):
        return from_document(Document.of(plain(scenario), PYTHON), Path(), PYTHON, changes)
    if not isinstance(scenario, str | Path):
        message = (
            "expected a scenario, as made by sim.load(FILE) or sim.Scenario(...), or the file, the"
            f" name or the keys of one, found {shown(scenario)}"
        )
        raise InputError([Problem("", None, None, "", message)])
    try:
        path = library.find("scenarios", scenario)
    except FileNotFoundError as error:
        message = TOPOLOGY if is_topology(scenario) else str(error)
        raise InputError([Problem(str(scenario), None, None, "", message)]) from None
    if path.suffix.lower() not in (".yaml", ".yml") and is_topology(path):
        raise InputError([Problem(str(path), None, None, "", TOPOLOGY)])
    document = read_yaml(path)
    kind_of(document, changes)
    return from_document(document, path.parent, path.stem, changes)


def kind_of(
    document: Document, changes: Iterable[tuple[str, str]] = ()
) -> Literal["scenario", "topology"]:
    """Return what a file is meant to be, by the keys that it has with *changes* made.

    Raises
    ------
    InputError
        It is neither.
    """
    keys = set(document.data if isinstance(document.data, Mapping) else ())
    for each in (keys, {key.partition(".")[0] for key, _ in changes} if keys else set()):
        if each & {"strategies", "topology"}:
            return "scenario"
        if each & {"nodes", "links"}:
            return "topology"
    wanted = "a scenario has topology and strategies, a topology has nodes and links"
    found = "none of these keys" if keys else shown(document.data)
    raise InputError([document.problem((), f"{wanted}; found {found}")])


def as_scenario(
    scenario: Scenario | str | Path | Mapping[str, Any], any_size: bool = False
) -> Scenario:
    """Return a scenario as it is, and load anything else."""
    return scenario if isinstance(scenario, Scenario) else load(scenario, any_size=any_size)


def from_document(
    document: Document, folder: Path, name: str, changes: Iterable[tuple[str, str]] = ()
) -> Scenario:
    """Check a scenario and everything it names; see :func:`load`."""
    keys = document.data if isinstance(document.data, Mapping) else {}
    if "nodes" in keys and "links" in keys:
        raise InputError([document.problem((), TOPOLOGY)])
    made = [Change(key, parse_value(key, text), "--set") for key, text in changes]
    return Scenario.of(assemble(Source(name, document, folder), made))
