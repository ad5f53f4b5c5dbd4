"""Context: the words around the tables of a study: what was simulated, and what is left out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from simulator.base.text import Form, counted, plain
from simulator.formats.native import flow
from simulator.provenance import SAME_TRAFFIC
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.scenario.marks import in_words
from simulator.scenario.settings import length_h
from simulator.study.evidence import Shown, explained

_NOTES_SHOWN = 3
_FIELDS_SHOWN = 2
_ESTIMATE = "Estimate: "


def title(results: Results) -> str:
    """Return the title of a run, or its name."""
    return plain(results.run["title"]) or plain(results.run["name"])


def setting(results: Results) -> list[str]:
    """Return a line or two on what was simulated."""
    run = results.run
    network, scenario = run["network"], run["scenario"]
    estimated = any(note.startswith(f"{_ESTIMATE}links.capacity_gbps") for note in run["notes"])
    sizes = (
        f"backbone {network['backbone_gbps']:,.6g} Gbps, exits {network['exits_gbps']:,.6g} Gbps"
    )
    hours = length_h(*(scenario.get(key) for key in ("start", "end", "horizon_h")))
    summary = (
        f"{network['name']}: {sizes}{' (capacities are estimates)' if estimated else ''};"
        f" {hours:,g} h in {scenario['step_s']:g} s steps,"
        f" {counted(results.days, 'replication')}{_worlds(results)}, seed {scenario['seed']}"
    )
    changes = ", ".join(changes_in_words(run["changes"], run))
    return [summary, *([f"changed: {changes}"] if changes else [])]


def changes_in_words(changes: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[str]:
    """Yield every change of a run with its value, and how many elements a pattern stands for."""
    matched = run.get("matched", {})
    for key, value in changes.items():
        if value is None or isinstance(value, Mapping | list):
            value = flow(value)
        many = f" ({_elements(key, matched[key])})" if key in matched else ""
        yield f"{key} = {value}{many}"


def _elements(key: str, ids: Sequence[str]) -> str:
    return counted(len(ids), key.partition(".")[0].removesuffix("s"))


def _worlds(results: Results) -> str:
    drawn, days = results.drawn_worlds, results.draws.drawn_days
    if not drawn:
        return ""
    if days == results.days:
        return f" in each of {drawn + 1} worlds"
    return f" as stated and {days:,} in each of {counted(drawn, 'drawn world')}"


def spread_notes(
    results: Results, lines: Iterable[tuple[str, Form, Sequence[Shown | None]]], *, paired: bool
) -> list[str]:
    """Return what the intervals are, what stands in their place, or why there are none.

    Parameters
    ----------
    lines : iterable of (label, form, figures)
        Lines of the tables that were shown.
    paired : bool
        Whether they show differences.
    """
    count = results.days
    if count < 2:
        alone = "One replication: intervals need two or more (--replications 5)."
        return [alone, *range_notes(results)]
    pairs = "; differences are paired, pp = percentage points" if paired else ""
    first = f"± is half a 95 % interval over {count} replications{pairs}."
    return [first, *range_notes(results), *explained(lines), *same_traffic(results)]


def over_worlds(results: Results) -> str:
    """Return the caption of a table of ranges."""
    return f"Range over {counted(results.drawn_worlds, 'drawn world')}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(plain(name) for name in names)


def range_notes(results: Results) -> list[str]:
    """Return what the ranges are, or that there could be some."""
    drawn = results.drawn_worlds
    stated = results.run.get("uncertainty", {})
    if drawn:
        return [
            f"Ranges are what figures are if what is assumed is as uncertain as stated: 5 to 95 %"
            f" of {counted(drawn, 'drawn world')}, and as stated. Drawn: {_listed(stated)}."
        ]
    if stated:
        return [
            f"± leaves out what is not known: {counted(len(stated), 'assumption')} with a stated"
            " range; --worlds 20 shows how far they move each figure."
        ]
    return []


def same_traffic(results: Results) -> list[str]:
    """Return the note that all replications have the same traffic, if they have."""
    return [note for note in results.run["notes"] if note.startswith(SAME_TRAFFIC)]


def notes(results: Results) -> list[str]:
    """Return what is an estimate and what the model leaves out; ``run.json`` holds the rest."""
    every = [note for note in results.run["notes"] if note not in same_traffic(results)]
    estimates = [note.removeprefix(_ESTIMATE) for note in every if note.startswith(_ESTIMATE)]
    others = [note for note in every if not note.startswith(_ESTIMATE)]
    shown = [f"- {note}" for note in others[: _NOTES_SHOWN - bool(estimates)]]
    if estimates and (marks := results.run.get("marks")):
        shown.insert(0, f"- Inputs, worst first: {in_words(marks, _FIELDS_SHOWN)}.")
    if estimates or len(others) > len(shown):
        where = "results.run" if results.is_temporary else place(results, RUN_JSON)
        shown.append(f"- Every note and estimate, in full: {where}")
    return shown


def place(results: Results, file: str) -> str:
    """Return the path of a file of the results, the shorter of relative and absolute."""
    path = os.path.abspath(results.folder / file)
    try:
        near = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return near if not near.startswith(os.pardir) else path
