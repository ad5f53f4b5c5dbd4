"""What if, in words: the answer of a study of changes, its sentence, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.base.text import plain, short, shorts
from simulator.results.results import Results
from simulator.scenario.rules import BASELINE
from simulator.study.answer import Answer, Section, pictures
from simulator.study.context import (
    changes_in_words,
    notes,
    over_worlds,
    setting,
    spread_notes,
    title,
)
from simulator.study.exit_rows import by_change, exit_lines
from simulator.study.headlines import (
    Headline,
    Values,
    by_metric,
    figures_of,
    headlines,
    pick,
    range_row_of,
    ranks,
    row_of,
    values_of,
)
from simulator.study.sentence import LATENCY, SHORT, against, opening
from simulator.study.whatif_table import shown_columns
from simulator.study.worth import roles_of

MOST_IN_A_SENTENCE = 2
"""Strategies in the sentence; the tables show all."""
MOST_PANELS = 3
"""Figures in the picture of all changes."""
MOST_BINDING = 12
"""Sentences on what binds that are shown; the table has all."""
Changes = Mapping[str, Any]


def change_text(change: Changes) -> str:
    """Return what a change sets, which is its name where it has none of its own."""
    return ", ".join(
        f"{key} = {'null' if value is None else value}" for key, value in change.items()
    )


def _bindings(binding: pd.DataFrame) -> list[str]:
    """Return what binds, first where a change changes nothing; the table has the rest."""
    if binding.empty:
        return []
    order = binding.sort_values("still", ascending=False, kind="stable")
    hidden = len(order) - MOST_BINDING
    more = [f"- {hidden} more are in the table binding."] if hidden > 0 else []
    shown = [f"- {sentence}" for sentence in order["sentence"][:MOST_BINDING]]
    return ["What binds, at the worst instant of each:", *shown, *more]


def answer_of(
    frame: pd.DataFrame,
    binding: pd.DataFrame,
    results: dict[str, Results],
    changes: dict[str, dict[str, Any]],
    folder: Path,
    every_exit: bool,
) -> Answer:
    """Return the answer: sentence, tables, pictures, and what binds."""
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
    table = shown_columns(results, figures, shown_lines)
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
    return text if name == change_text(change) else f"{plain(name)}: {text}"


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
