"""What if: a scenario as it stands against the same scenario, changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.base.errors import InputError, Problem
from simulator.base.text import plain
from simulator.results.folder import StagingFolder
from simulator.results.parts import SharedParts
from simulator.results.results import Results
from simulator.results.writer import write_csv
from simulator.run import Progress, run
from simulator.scenario.changes import changes_of
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.pairing import unpaired
from simulator.scenario.rules import BASELINE
from simulator.scenario.scenario import Scenario
from simulator.scenario.settings import WhatIf as WhatIfEntry
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.reasons import Reason, reasons
from simulator.study.whatif_table import differences
from simulator.study.whatif_words import answer_of, change_text
from simulator.study.worst_instant import Column

MARK = "whatif.json"
"""The file by which a folder of what-if results is known."""
Changes = Mapping[str, Any]


def what_if(
    scenario: Scenario | str | Path | Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    finish: Callable[[Path], None] | None = None,
    warn: Callable[[Problem], None] | None = None,
    exits: bool = False,
    picture: Finish | None = None,
) -> Answer:
    """Run a scenario as it stands and with changes, under the same traffic.

    A strategy that a change leaves as it is, with all that it depends on, is not run again.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    changes : mapping, optional
        ``{name: {key: value}}``, or one change as ``{key: value}``; the scenario's own ``what_if``
        when left out. Keys and values are those of :meth:`Scenario.with_changes`, but for those
        that all columns share, so that differences are paired: ``seed``, ``replications``,
        ``horizon_h``, ``start``, ``end`` and ``step_s``.
    out : path, optional
        Folder to write: results in ``baseline`` and in a folder for each change, and
        ``whatif.csv``; a temporary one when left out.
    workers : int
        Processes to share the replications of each run.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    force : bool
        Replace what-if results that stand at *out*.
    any_size : bool
        Run also what takes more than is allowed; see :func:`simulator.run`.
    finish : callable, optional
        Given the folder of every run before it appears, to add pictures.
    warn : callable, optional
        Given each warning that a change adds to those of the scenario, before anything runs.
    exits : bool
        Show every exit and direction as well, those that a change moves most first.
    picture : callable, optional
        Given the answer before its folder appears in its place, to add a picture of all changes.

    Returns
    -------
    Answer
        The table ``differences`` has columns ``strategy, metric, scope, unit, baseline, change,
        value, difference, ci_low, ci_high, range_low, range_high, replications``: means, and the
        difference from the baseline with its 95 % interval, paired by replication, and its range
        over worlds, if any were drawn. Random streams are keyed by name,
        so that a change does not touch the traffic that it leaves alone. ``results`` holds the
        runs by name of the change, the baseline first; ``changes`` what was set.

    Raises
    ------
    InputError
        There are no changes, or one is wrong.
    SimulatorError
        The folder is taken, or a figure could not be computed.
    """
    scenario = as_scenario(scenario, any_size)
    named = _named(scenario, changes)
    scenarios = {BASELINE: scenario, **_changed(scenario, named)}
    if warn is not None:
        for each in scenarios.values():
            for problem in _new_warnings(scenario, each):
                warn(problem)
    if not any_size:
        refuse_too_much(scenario, len(scenarios))
    folders = _folders(scenarios)
    with StagingFolder(out, force=force, mark=MARK) as staging:
        made, shared = {}, SharedParts(staging.folder / "shared")
        for i, (name, each) in enumerate(scenarios.items()):
            made[name] = run(
                each,
                out=staging.folder / folders[name],
                workers=workers,
                progress=_share(progress, i, len(scenarios)),
                any_size=True,
                finish=finish,
                shared=shared,
            )
        shared.remove()
        frame = differences(made)
        write_csv(staging.folder, "whatif", frame)
        binding = _binding(scenarios, made, frame)
        write_csv(staging.folder, "binding", binding)
        named_by = {"name": scenario.name, "title": scenario.settings.title}
        record = {**named_by, "folders": folders, "changes": named}
        text = json.dumps(record, indent=1, ensure_ascii=False, default=str) + "\n"
        (staging.folder / MARK).write_text(text, encoding="utf-8")
        inside = {name: Results(staging.folder / each) for name, each in folders.items()}
        keep_answer(answer_of(frame, binding, inside, named, staging.folder, exits), picture)
        folder = staging.publish()
    base = Results(folder / folders[BASELINE], keep=staging.temporary)
    keep = base if staging.temporary else None
    changed = {name: Results(folder / folders[name], keep=keep) for name in named}
    every = {BASELINE: base, **changed}
    return answer_of(frame, binding, every, named, folder, exits)


def check_what_if(scenario: Scenario) -> list[Problem]:
    """Return what is wrong with the changes that a scenario lists under ``what_if``, or strange."""
    problems: list[Problem] = []
    for i, change in enumerate(scenario.settings.what_if):
        origin = f"what_if[{i}]"
        try:
            found = _new_warnings(scenario, scenario.with_changes(change.set, origin))
        except InputError as error:
            found = list(error.problems)
        for problem in found:
            own = problem.file == origin  # else it stands in a file that the change names
            problems.append(_placed(scenario, i, change, problem) if own else problem)
    return problems


def _new_warnings(scenario: Scenario, changed: Scenario) -> list[Problem]:
    """Return the warnings of a changed scenario at places where the scenario has none."""
    known = {(each.file, each.line, each.key) for each in scenario.warnings}
    return [each for each in changed.warnings if (each.file, each.line, each.key) not in known]


def _placed(scenario: Scenario, i: int, change: WhatIfEntry, problem: Problem) -> Problem:
    """Return a problem of a change with its place in the scenario's file."""
    key = max((k for k in change.set if problem.key.startswith(k)), key=len, default=None)
    if key is None:
        placed = scenario.problem(("what_if", i, "set"), f"{problem.key}: {problem.message}")
        return replace(placed, severity=problem.severity)
    below = problem.key.removeprefix(key).lstrip(".")
    message = f"{below}: {problem.message}" if below else problem.message
    return replace(scenario.problem(("what_if", i, "set", key), message), severity=problem.severity)


# -- changes ------------------------------------------------------------------------------------


def _named(scenario: Scenario, changes: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    if changes is None:
        named = {each.name: dict(each.set) for each in scenario.settings.what_if}
    elif all(isinstance(value, Mapping) for value in changes.values()):
        named = {str(name): dict(change) for name, change in changes.items()}
    else:
        named = {change_text(changes): dict(changes)}
    if named and BASELINE not in named:
        return named
    message = (
        f"nothing to change: scenario {scenario.name} lists no what_if, and no change is given"
        " (--change KEY=VALUE; --set is for all columns)"
    )
    if named:
        message = f"{BASELINE!r} is the scenario as it stands; name the change otherwise"
    raise InputError([Problem("", None, None, "what_if", message)])


def _changed(scenario: Scenario, named: Mapping[str, Changes]) -> dict[str, Scenario]:
    scenarios: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for name, change in named.items():
        origin = f"change {plain(name)!r}"
        apart = unpaired(changes_of(change, origin))
        problems += [Problem(origin, None, None, key, message) for key, message in apart]
        try:
            scenarios[name] = scenario.with_changes(change, origin)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return scenarios


def _folders(names: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """Return a folder name for each, all of them apart even where letter case is lost."""
    folders: dict[str, str] = {}
    for name in names:
        slug = re.sub(r"\W+", "-", name.casefold()).strip("-")[:40] or "change"
        count, free = 1, slug
        while free in folders.values():
            count += 1
            free = f"{slug}-{count}"
        folders[name] = free
    return folders


def _share(progress: Progress | None, before: int, count: int) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda done: report((before + done) / count)


# -- the answer ---------------------------------------------------------------------------------


def _binding(
    scenarios: Mapping[str, Scenario], results: Mapping[str, Results], frame: pd.DataFrame
) -> pd.DataFrame:
    """Return what binds in every changed column, and why a change changes nothing."""
    columns = {
        name: {each: Column(scenarios[name], run, each) for each in run.strategies}
        for name, run in results.items()
    }
    return pd.DataFrame(reasons(columns, BASELINE, frame), columns=list(Reason._fields))
