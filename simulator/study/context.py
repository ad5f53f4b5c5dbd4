"""Context: the words around the tables of a study: what was simulated, and what is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

from simulator.base.text import Form, counted, plain
from simulator.provenance import SAME_TRAFFIC
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.scenario.settings import length_h
from simulator.study.evidence import Shown, explained

_NOTES_SHOWN = 3
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
        f" {counted(scenario['replications'], 'replication')}, seed {scenario['seed']}"
    )
    changes = ", ".join(f"{key} = {value}" for key, value in run["changes"].items())
    return [summary, *([f"changed: {changes}"] if changes else [])]


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
    count = results.run["scenario"]["replications"]
    if count < 2:
        return ["One replication: intervals need two or more (--replications 5)."]
    pairs = "; differences are paired, pp = percentage points" if paired else ""
    first = f"± is half a 95 % interval over {count} replications{pairs}."
    return [first, *explained(lines), *same_traffic(results)]


def same_traffic(results: Results) -> list[str]:
    """Return the note that all replications have the same traffic, if they have."""
    return [note for note in results.run["notes"] if note.startswith(SAME_TRAFFIC)]


def notes(results: Results) -> list[str]:
    """Return what is an estimate and what the model leaves out; ``run.json`` holds the rest."""
    every = [note for note in results.run["notes"] if note not in same_traffic(results)]
    estimates = [note.removeprefix(_ESTIMATE) for note in every if note.startswith(_ESTIMATE)]
    others = [note for note in every if not note.startswith(_ESTIMATE)]
    shown = [f"- {note}" for note in others[: _NOTES_SHOWN - bool(estimates)]]
    if estimates:
        of = dict.fromkeys(re.split("[.:]", estimate)[0] for estimate in estimates)
        shown.insert(0, f"- Estimates, not measurements, are in: {', '.join(of)}.")
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
