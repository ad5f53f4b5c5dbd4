"""What if: a scenario as it stands against the same scenario, changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem
from simulator.base.text import plain, short, shorts
from simulator.results.folder import StagingFolder
from simulator.results.parts import SharedParts
from simulator.results.ranges import by_world, range_of
from simulator.results.results import Results
from simulator.results.statistics import by_replication, estimates, paired
from simulator.results.writer import write_csv
from simulator.run import Progress, run
from simulator.scenario.changes import changes_of
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.pairing import unpaired
from simulator.scenario.rules import BASELINE
from simulator.scenario.scenario import Scenario
from simulator.scenario.settings import WhatIf as WhatIfEntry
from simulator.study.answer import Answer, Section, pictures
from simulator.study.context import (
    changes_in_words,
    notes,
    over_worlds,
    setting,
    spread_notes,
    title,
)
from simulator.study.evidence import Estimate, Shown
from simulator.study.exit_rows import by_change, exit_lines
from simulator.study.headlines import (
    Headline,
    Values,
    by_key,
    by_metric,
    figures_of,
    headlines,
    pick,
    range_row_of,
    ranks,
    row_of,
    values_of,
    with_ranges,
)
from simulator.study.reasons import Reason, reasons
from simulator.study.sentence import LATENCY, SHORT, against, opening
from simulator.study.worst_instant import Column
from simulator.study.worth import roles_of

MARK = "whatif.json"
"""The file by which a folder of what-if results is known."""
MOST_IN_A_SENTENCE = 2
"""Strategies in the sentence; the tables show all."""
MOST_PANELS = 3
"""Figures in the picture of all changes."""
MOST_BINDING = 12
"""Sentences on what binds that are shown; the table has all."""
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
    picture: Callable[[Answer], None] | None = None,
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
        frame = _frame(made)
        write_csv(staging.folder, "whatif", frame)
        binding = _binding(scenarios, made, frame)
        write_csv(staging.folder, "binding", binding)
        named_by = {"name": scenario.name, "title": scenario.settings.title}
        record = {**named_by, "folders": folders, "changes": named}
        text = json.dumps(record, indent=1, ensure_ascii=False, default=str) + "\n"
        (staging.folder / MARK).write_text(text, encoding="utf-8")
        if picture:
            inside = {name: Results(staging.folder / each) for name, each in folders.items()}
            picture(_answer(frame, binding, inside, named, staging.folder, exits))
        folder = staging.publish()
    base = Results(folder / folders[BASELINE], keep=staging.temporary)
    keep = base if staging.temporary else None
    changed = {name: Results(folder / folders[name], keep=keep) for name in named}
    every = {BASELINE: base, **changed}
    return _answer(frame, binding, every, named, folder, exits)


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
        named = {_text(changes): dict(changes)}
    if named and BASELINE not in named:
        return named
    message = (
        f"nothing to change: scenario {scenario.name} lists no what_if, and no change is given"
        " (--change KEY=VALUE; --set is for all columns)"
    )
    if named:
        message = f"{BASELINE!r} is the scenario as it stands; name the change otherwise"
    raise InputError([Problem("", None, None, "what_if", message)])


def _text(change: Changes) -> str:
    return ", ".join(
        f"{key} = {'null' if value is None else value}" for key, value in change.items()
    )


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


def _bindings(binding: pd.DataFrame) -> list[str]:
    """Return what binds, first where a change changes nothing; the table has the rest."""
    if binding.empty:
        return []
    order = binding.sort_values("still", ascending=False, kind="stable")
    hidden = len(order) - MOST_BINDING
    more = [f"- {hidden} more are in the table binding."] if hidden > 0 else []
    shown = [f"- {sentence}" for sentence in order["sentence"][:MOST_BINDING]]
    return ["What binds, at the worst instant of each:", *shown, *more]


def _answer(
    frame: pd.DataFrame,
    binding: pd.DataFrame,
    results: dict[str, Results],
    changes: dict[str, dict[str, Any]],
    folder: Path,
    every_exit: bool,
) -> Answer:
    base = results[BASELINE]
    lines = headlines(base)
    of_exits = exit_lines(results) if every_exit else []
    shown_lines = [*lines, *of_exits]
    figures = {name: pick(figures_of(each), shown_lines) for name, each in results.items()}
    values = {name: values_of(each) for name, each in figures.items()}
    exits = any(line.metric == "exit_utilisation_peak" for line in lines)
    names = shorts(changes)
    groups = (1, *(2 for _ in names))
    headings = [BASELINE, *(heading for name in names for heading in (name, "difference"))]
    texts = {
        name: ", ".join(changes_in_words(change, results[name].run))
        for name, change in changes.items()
    }
    table = _shown(results, figures, shown_lines)
    cells = {
        (name, line): [of.get((name, line.metric, line.scope)) for of in table]
        for name in base.strategies
        for line in shown_lines
    }
    mine = {name: by_change(of_exits, frame, name) for name in base.strategies}
    labelled = [(line.label, line.form, shown) for (_, line), shown in cells.items()]
    sentence = _sentence(lines, base, values)
    return Answer(
        f"What if: {title(base)}",
        f"{opening(base)} {sentence}.",
        {"differences": frame, "binding": binding},
        {
            "changes": partial(_draw, _changed_figures(base, frame, lines, sentence)),
        }
        | {
            f"{name}: {picture}": draw
            for name, each in results.items()
            for picture, draw in pictures(each, ["hottest_exit"] if exits else ["latency"]).items()
        },
        folder,
        [
            *setting(base),
            *(_named_text(name, changes[name], text) for name, text in texts.items()),
        ],
        [
            Section(caption, headings, [row(line, cells[name, line]) for line in each], groups)
            for name in base.strategies
            for caption, row, each in (
                (f"Strategy {name}", row_of, lines),
                *([(over_worlds(base), range_row_of, lines)] if base.drawn_worlds else []),
                *([(f"Exits of {name}", row_of, mine[name])] if of_exits else []),
            )
        ],
        [
            *_bindings(binding),
            *spread_notes(base, labelled, paired=True),
            *notes(base),
        ],
        results,
        changes,
    )


def _changed_figures(
    base: Results, frame: pd.DataFrame, lines: list[Headline], sentence: str
) -> tuple[Any, ...]:
    """Return what the picture of all changes shows: the figures that the sentence is about."""
    by = by_metric(lines)
    wanted = (*SHORT, "exit_utilisation_peak", "mlu_peak", LATENCY)
    means = frame.groupby("metric")[["baseline", "value"]].max().max(axis=1)
    shown = [m for m in wanted if m in by and (m not in SHORT or means.get(m, 0.0) > 0)]
    chosen = [
        (m, by[m].scope, by[m].label.strip(), by[m].form in ("share", "fine_share"))
        for m in shown[-MOST_PANELS:]
    ]
    # Scopes of both classes together are made for tables, and are not in the frame.
    known = set(zip(frame["metric"], frame["scope"], strict=True))
    chosen = [
        (m, scope, label, share)
        if (m, scope) in known
        else (m, "all", f"{label.partition(' (')[0]} (all traffic)", share)
        for m, scope, label, share in chosen
    ]
    first = sentence.split("; ")[0]  # a title has room for one strategy
    answer = f"{first[:1].upper()}{first[1:]}"
    return frame, chosen, answer, base.run["network"]["name"], title(base)


def _draw(changed: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw the figures of all changes, on a figure of pyplot if no other is given."""
    from simulator.figures.changes import Changed
    from simulator.figures.plotter import Plotter

    return Plotter(Changed(*changed), "what_if", new_figure).changes(width=width)


def _named_text(name: str, change: Changes, text: str) -> str:
    """Return what a change sets, after its name if it has one of its own."""
    return text if name == _text(change) else f"{plain(name)}: {text}"


def _sentence(
    lines: list[Headline], run: Results, values: Mapping[str, Mapping[str, Values]]
) -> str:
    """Return what the best change does for the first strategies, or that in question and it."""
    base = values[BASELINE]
    scope = {metric: line.scope for metric, line in by_metric(lines).items()}
    keys = [(key, scope[key]) for key in (*SHORT, "exit_utilisation_p95") if key in scope]
    words = next((word for metric, word in SHORT.items() if metric in scope), "lost")
    roles = roles_of(run, sorted(base, key=lambda name: ranks(base[name], keys)))
    names = [roles.subject, run.strategies[0]] if roles else run.strategies[:MOST_IN_A_SENTENCE]
    parts = []
    for strategy in names:
        changed = {name: each[strategy] for name, each in values.items() if strategy in each}
        changed.pop(BASELINE)
        if not changed:
            parts.append(f"no change keeps {short(strategy)}")
            continue
        best = min(changed, key=lambda name: ranks(changed[name], keys))
        change, name = short(best, 48), short(strategy)
        ranked = (
            f"of {len(changed)} changes ranked by traffic {words}, {change} is first for {name}"
        )
        subject = f"{name} with {change}"
        clause = against(lines, subject, "the baseline", changed[best], base[strategy])
        parts.append(f"{ranked}: {clause}" if len(changed) > 1 else clause)
    others = len(run.strategies) - len(names)
    rest = [f"the tables show {others} more of the strategies"] if others > 0 else []
    return "; ".join([*parts, *rest])


def _frame(results: Mapping[str, Results]) -> pd.DataFrame:
    """Every figure that baseline and change have in common, with its paired difference."""
    wide = {name: by_replication(each.figures) for name, each in results.items()}
    moved = _by_world(results, lambda each, worlds: each.all_figures)
    base = wide.pop(BASELINE)
    parts = []
    for name, there in wide.items():
        now, was = _common(there, base)
        apart = paired(now, was)
        ends = _ranges_apart(moved[name], moved[BASELINE])
        parts.append(
            now.index.to_frame(index=False).assign(
                baseline=was.to_numpy(dtype=float).mean(axis=1),
                change=name,
                value=now.to_numpy(dtype=float).mean(axis=1),
                difference=apart["mean"],
                ci_low=apart["ci_low"],
                ci_high=apart["ci_high"],
                range_low=ends["low"] if len(ends) else np.nan,
                range_high=ends["high"] if len(ends) else np.nan,
                replications=apart["replications"],
            )
        )
    return pd.concat(parts, ignore_index=True)


def _common(now: pd.DataFrame, base: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the figures and the replications that both have, in the order of *base*."""
    columns = base.columns.intersection(now.columns)
    rows = base.index.intersection(now.index, sort=False)
    return pd.DataFrame(now.loc[rows, columns]), pd.DataFrame(base.loc[rows, columns])


def _shown(
    results: Mapping[str, Results], figures: Mapping[str, pd.DataFrame], lines: list[Headline]
) -> list[dict[tuple[str, str, str], Shown]]:
    """Return what the columns of the tables show: the baseline, each change, each difference."""
    wide = {name: by_replication(each) for name, each in figures.items()}
    moved = _by_world(results, lambda each, worlds: pick(figures_of(each, worlds=worlds), lines))
    found = []
    for name in results:
        own = by_key(estimates(figures[name]))
        found.append(_all_shown(with_ranges(own, range_of(moved[name])), apart=False))
        if name != BASELINE:
            apart = by_key(paired(*_common(wide[name], wide[BASELINE])))
            ends = _ranges_apart(moved[name], moved[BASELINE])
            found.append(_all_shown(with_ranges(apart, ends), apart=True))
    return found


def _by_world(
    results: Mapping[str, Results], figures: Callable[..., pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the figures of every run by world; the first is the one as stated."""
    return {
        name: by_world(figures(each, worlds=True), each.draws) for name, each in results.items()
    }


def _ranges_apart(now: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Return the ranges of paired differences, world by world."""
    there, here = _common(now, base)
    with np.errstate(invalid="ignore"):  # no limit less no limit
        return range_of(there - here)


def _all_shown(
    found: Mapping[tuple[str, str, str], Estimate], *, apart: bool
) -> dict[tuple[str, str, str], Shown]:
    return {key: Shown(estimate, apart) for key, estimate in found.items()}
