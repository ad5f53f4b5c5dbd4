"""(Scenario, changes) -> WhatIf: the scenario as it stands against the same scenario, changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem
from simulator.base.text import Row, html_lines, html_table, plain, short, table, wrapped
from simulator.results.results import Results, Shelf, StagingFolder, by_replication
from simulator.results.statistics import interval
from simulator.run import Progress, run
from simulator.scenario.load import as_scenario
from simulator.scenario.rules import BASELINE
from simulator.scenario.scenario import Scenario
from simulator.scenario.settings import WhatIf as WhatIfEntry
from simulator.study.compare import (
    Headline,
    figures_of,
    headlines,
    notes,
    pick,
    row_of,
    setting,
    spread_notes,
)

MARK = "whatif.json"
"""The file by which a folder of what-if results is known."""
Changes = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class WhatIf:
    """A scenario and changes of it side by side; ``print`` it, or look at it in a notebook.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns ``strategy, metric, scope, unit, baseline, change, value, difference, ci_low,
        ci_high, replications``: means, and the difference from the baseline with its 95 %
        interval, paired by replication.
    results : dict of str to Results
        By the name of the change, the baseline first.
    changes : dict of str to dict
        What was set, by the name of the change.
    """

    frame: pd.DataFrame
    results: dict[str, Results]
    changes: dict[str, dict[str, Any]]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        base = self.results[BASELINE]
        lines = [line for text in self._head() for line in wrapped(text, hang="  ")]
        for strategy, rows in self._tables():
            lines += ["", f"Strategy {short(strategy)}", table(self._headings(), rows)]
        foot = [*spread_notes(base, paired=True), *notes(base)]
        return "\n".join(
            [*lines, "", *(line for text in foot for line in wrapped(text, hang="  "))]
        )

    def _repr_html_(self) -> str:
        return html_lines(self._head()) + "".join(
            html_table(f"Strategy {strategy}", self._headings(), rows)
            for strategy, rows in self._tables()
        )

    def _head(self) -> list[str]:
        base = self.results[BASELINE]
        title = plain(base.run["title"]) or plain(base.run["name"])
        told = [f"What if: {title}", *setting(base)]
        for name, change in self.changes.items():
            values = ", ".join(f"{key} = {value}" for key, value in change.items())
            told.append(values if name == values else f"{plain(name)}: {values}")
        return told

    def _headings(self) -> list[str]:
        names = [short(name) for name in self.changes]
        return [BASELINE, *(heading for name in names for heading in (name, "difference"))]

    def _tables(self) -> Iterator[tuple[str, list[Row]]]:
        base = self.results[BASELINE]
        lines = headlines(base)
        figures = {
            name: _figures_by_key(pick(figures_of(each), lines))
            for name, each in self.results.items()
        }
        for strategy in base.strategies:
            yield strategy, [_row(line, strategy, figures) for line in lines]


def what_if(
    scenario: Scenario | str | Path | Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    finish: Callable[[Path], None] | None = None,
) -> WhatIf:
    """Run a scenario as it stands and with changes, under the same traffic.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    changes : mapping, optional
        ``{name: {key: value}}``, or one change as ``{key: value}``; the scenario's own ``what_if``
        when left out. Keys and values are those of :meth:`Scenario.with_changes`.
    out : path, optional
        Folder to write: results in ``baseline`` and in a folder for each change, and
        ``whatif.csv``; a temporary one when left out.
    workers : int
        Processes to share the replications of each run.
    progress : callable, optional
        Told the share done, from 0 to 1.
    force : bool
        Replace what-if results that stand at *out*.
    finish : callable, optional
        Given the folder of every run before it appears, to add pictures.

    Returns
    -------
    WhatIf
        Differences are paired by replication: random streams are keyed by name, so that a change
        does not touch the traffic it leaves alone.

    Raises
    ------
    InputError
        There are no changes, or one is wrong.
    SimulatorError
        The folder is taken, or a figure could not be computed.
    """
    scenario = as_scenario(scenario)
    asked = _named(scenario, changes)
    scenarios = {BASELINE: scenario, **_changed(scenario, asked)}
    shelf = Shelf() if out is None else None
    place = shelf.folder / "whatif" if shelf else Path(str(out))
    folders = _folders(scenarios)
    with StagingFolder(place, force=force, mark=MARK) as staging:
        staging.parts.rmdir()
        made = {}
        for i, (name, each) in enumerate(scenarios.items()):
            made[name] = run(
                each,
                out=staging.folder / folders[name],
                workers=workers,
                progress=_share(progress, i, len(scenarios)),
                finish=finish,
            )
        frame = _frame(made)
        frame.to_csv(staging.folder / "whatif.csv", index=False, lineterminator="\n")
        story = {
            "name": scenario.name,
            "title": scenario.settings.title,
            "folders": folders,
            "changes": asked,
        }
        text = json.dumps(story, indent=1, ensure_ascii=False, default=str) + "\n"
        (staging.folder / MARK).write_text(text, encoding="utf-8")
        folder = staging.publish()
    results = {name: Results(folder / folders[name], keep=shelf) for name in scenarios}
    return WhatIf(frame, results, asked)


def check_what_if(scenario: Scenario) -> list[Problem]:
    """Return what is wrong with the changes that a scenario lists under ``what_if``."""
    problems: list[Problem] = []
    for i, change in enumerate(scenario.settings.what_if):
        origin = f"what_if[{i}]"
        try:
            scenario.with_changes(change.set, origin)
        except InputError as error:
            for problem in error.problems:
                own = problem.file == origin  # else it stands in a file that the change names
                problems.append(_placed(scenario, i, change, problem) if own else problem)
    return problems


def _placed(scenario: Scenario, i: int, change: WhatIfEntry, problem: Problem) -> Problem:
    """Say where in the scenario's file a change went wrong."""
    key = max((k for k in change.set if problem.key.startswith(k)), key=len, default=None)
    if key is None:
        return scenario.problem(("what_if", i, "set"), f"{problem.key}: {problem.message}")
    below = problem.key.removeprefix(key).lstrip(".")
    message = f"{below}: {problem.message}" if below else problem.message
    return scenario.problem(("what_if", i, "set", key), message)


# -- changes ------------------------------------------------------------------------------------


def _named(scenario: Scenario, changes: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    if changes is None:
        named = {each.name: dict(each.set) for each in scenario.settings.what_if}
    elif all(isinstance(value, Mapping) for value in changes.values()):
        named = {str(name): dict(change) for name, change in changes.items()}
    else:
        named = {_told(changes): dict(changes)}
    if not named:
        message = f"nothing to change: scenario {scenario.name} lists no what_if, and none is given"
        raise InputError([Problem("", None, None, "what_if", message)])
    if BASELINE in named:
        message = f"{BASELINE!r} is the scenario as it stands; name the change otherwise"
        raise InputError([Problem("", None, None, "what_if", message)])
    return named


def _told(change: Changes) -> str:
    return ", ".join(f"{key} = {value}" for key, value in change.items())


def _changed(scenario: Scenario, named: Mapping[str, Changes]) -> dict[str, Scenario]:
    scenarios: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for name, change in named.items():
        try:
            scenarios[name] = scenario.with_changes(change, f"change {plain(name)!r}")
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
    tell = progress
    return lambda done: tell((before + done) / count)


# -- figures ------------------------------------------------------------------------------------


def _frame(results: Mapping[str, Results]) -> pd.DataFrame:
    """Every figure that baseline and change have in common, with its paired difference."""
    wide = {name: by_replication(each.figures) for name, each in results.items()}
    base = wide.pop(BASELINE)
    parts = []
    for name, there in wide.items():
        both = base.columns.intersection(there.columns)
        rows = base.index.intersection(there.index, sort=False)
        was = base.loc[rows, both].to_numpy(dtype=float)
        now = there.loc[rows, both].to_numpy(dtype=float)
        with np.errstate(invalid="ignore"):  # no limit less no limit
            difference, low, high = interval(now - was)
        parts.append(
            rows.to_frame(index=False).assign(
                baseline=was.mean(axis=1),
                change=name,
                value=now.mean(axis=1),
                difference=difference,
                ci_low=low,
                ci_high=high,
                replications=len(both),
            )
        )
    return pd.concat(parts, ignore_index=True)


Interval = tuple[float, float, float]


def _figures_by_key(figures: pd.DataFrame) -> dict[tuple[str, str, str], np.ndarray]:
    wide = by_replication(figures)
    keys = [(strategy, metric, scope) for strategy, metric, scope, _ in wide.index]
    return dict(zip(keys, wide.to_numpy(dtype=float), strict=True))


def _row(
    line: Headline,
    strategy: str,
    figures: Mapping[str, Mapping[tuple[str, str, str], np.ndarray]],
) -> Row:
    """One figure of a strategy: as it stands, then changed and by how much, change by change."""
    key = strategy, line.metric, line.scope
    base = figures[BASELINE][key]
    cells = [(*_interval(base), False)]
    for name, changed in figures.items():
        if name != BASELINE:
            now = changed.get(key, np.full(len(base), np.nan))
            count = min(len(now), len(base))
            with np.errstate(invalid="ignore"):  # no limit less no limit
                apart = now[:count] - base[:count]
            cells += [(*_interval(now), False), (*_interval(apart), True)]
    return row_of(line, cells)


def _interval(values: np.ndarray) -> Interval:
    mean, low, high = interval(values)
    return float(mean), float(low), float(high)
