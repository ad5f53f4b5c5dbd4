"""Run report: what the page of a run shows, from its results folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.base.errors import InputError
from simulator.base.text import plain
from simulator.figures.figure import NothingToShow, figures_of
from simulator.figures.run_data import RunView
from simulator.figures.words import percent
from simulator.report.assumptions import grounds_of_run
from simulator.report.exit_data import ExitDays, exit_data, exit_rows, worst_moments
from simulator.report.map_data import map_data
from simulator.report.packing import script_json
from simulator.report.pictures import drawn_pictures
from simulator.report.shown_tables import (
    ShownCell,
    ShownTable,
    first_sentence,
    section_table,
    table_of,
)
from simulator.report.time_data import Frames, time_data
from simulator.results.metrics import metric
from simulator.results.results import Results
from simulator.study.answer_file import as_shown
from simulator.study.bill import bill
from simulator.study.compare import compare

AGAIN = "--out ../again"
_CONTROL = ("control_cycles", "moves", "moved_gbps", "moved_gbps_per_day", "entries_peak",
            "gap_max", "prediction_error", "announcement_groups", "announcement_toggles",
            "regret")  # fmt: skip
"""Metrics of the control loop."""
_TINY = 1e-4
_INTERACTIVE = {"exit_utilisation", "hottest_exit", "control"}
"""Figures that a page has in another form, or in another section."""


def run_content(results: Results) -> dict[str, Any]:
    """Return what the page of a run shows."""
    shown = as_shown(compare(results))
    played, days = _played(results)
    pictures = {each.name: each for each in drawn_pictures(results, _others())}
    control = pictures.pop("control", None)
    return {
        **_head(results, shown),
        "sections": [section_table(each, "Figures of each strategy") for each in shown["sections"]],
        "foot": _foot(shown["foot"]),
        "data": script_json(played),
        "map": played.get("map"),
        "exits": played.get("exits"),
        "moments": worst_moments(days) if days else [],
        "events": _events(results),
        "exit_table": _exit_table(results, days) if days else None,
        "control": _control_table(results),
        "control_picture": control,
        "bill": _bill(results),
        "pictures": list(pictures.values()),
        "grounds": grounds_of_run(results.run),
        "drawn_worlds": results.drawn_worlds,
        **_provenance(results),
    }


def map_content(results: Results) -> dict[str, Any]:
    """Return what the page of the map alone shows.

    Raises
    ------
    NothingToShow
        No node of the network has coordinates.
    """
    shown = as_shown(compare(results))
    played, _ = _played(results)
    if "map" not in played:
        name = results.run["network"]["name"]
        raise NothingToShow(f"no node of {plain(name)} has coordinates, so there is no map to show")
    played.pop("exits", None)
    return {**_head(results, shown), "data": script_json(played), "map": played["map"],
            "exits": None}  # fmt: skip


def _played(results: Results) -> tuple[dict[str, Any], ExitDays | None]:
    """Return what is played over time, as far as the network has it, and the days of exits."""
    frames = Frames.of(RunView.of(results))
    played: dict[str, Any] = {"time": time_data(frames)}
    days = None
    try:
        days = ExitDays.of(frames)
        played["exits"] = exit_data(days)
    except NothingToShow:
        pass
    try:
        played["map"] = map_data(frames)
    except NothingToShow:
        pass
    return played, days


def _head(results: Results, shown: dict[str, Any]) -> dict[str, Any]:
    run = results.run
    return {
        "kind": "Run",
        "title": shown["title"],
        "sentence": first_sentence(shown["sentence"]),
        "head": shown["head"],
        "network": plain(run["network"]["title"]) or plain(run["network"]["name"]),
        "counting_rule": run["network"]["counting_rule"],
        "target": percent(float(run["scenario"]["targets"]["exit_utilisation"])),
        "strategies": _strategies(results),
        "warnings": [plain(each) for each in run["warnings"]],
    }


def _strategies(results: Results) -> list[dict[str, Any]]:
    """Return the name of every strategy, and what it does in a few words."""
    found = []
    for name, each in results.run["scenario"]["strategies"].items():
        every_s = (each.get("control") or {}).get("every_s")
        kind = str(each["scheme"]["kind"])
        loop = f"decides every {every_s:g} s" if every_s else "without a control loop"
        bound = ", a bound: it does what nobody can" if name in results.bounds else ""
        found.append({"name": plain(name) or name, "words": f"scheme {kind}, {loop}{bound}"})
    return found


def _others() -> list[str]:
    return [name for name in figures_of("results") if name not in _INTERACTIVE - {"control"}]


def _foot(lines: Sequence[str]) -> list[str]:
    """Return the lines below a table; the page has the notes in a section of their own."""
    return [line for line in lines if not line.startswith("- ")]


def _events(results: Results) -> list[tuple[str, str]]:
    """Return what happened and when, each once, in the order of time."""
    events, time = results.events, RunView.of(results).time
    if events.empty:
        return []
    seen = dict.fromkeys(zip(events["time_s"], events["event"], strict=True))
    return [(time.words(float(s) / 3600.0), plain(str(what))) for s, what in sorted(seen)]


def _exit_table(results: Results, days: ExitDays) -> ShownTable:
    strategies = days.frames.run.strategies
    words = ("peak", "p95", "mean")
    headings = ["exit", "Gbps", *(f"{word}, {name}" for word in words for name in strategies)]
    rows = []
    for row in exit_rows(results, strategies):
        gbps = days.capacity_gbps[row["exit"], row["direction"]]
        cells = [ShownCell(percent(c["value"]), key=repr(c["value"])) for c in row["cells"]]
        rows.append((f"{row['exit']} {row['direction']}", gbps, *cells))
    foot = "Peaks, 95th percentiles and means of summary.json, over all steps and replications."
    return table_of("Every exit and direction", headings, rows, foot=foot)


def _bill(results: Results) -> dict[str, Any] | None:
    """Return what transit costs, as `simulator bill` says it; None where no exit has a price."""
    try:
        shown = as_shown(bill(results))
    except InputError:  # no price, or steps that were left out
        return None
    return {
        "sentence": plain(shown["sentence"]),
        "sections": [section_table(each, "Bill") for each in shown["sections"]],
        "foot": _foot(shown["foot"]),
    }


def _control_table(results: Results) -> ShownTable | None:
    """Return what the control loops did, a line for each figure that any of them has."""
    summary = results.summary
    own = summary[(summary["scope"] == "all") & summary["metric"].isin(_CONTROL)]
    rows = []
    for name in _CONTROL:
        of = own[(own["metric"] == name) & own["mean"].notna()].set_index("strategy")
        if of.empty or not of["mean"].abs().max() > 0:
            continue
        unit = metric[name].unit
        words = name.replace("_gbps", "").replace("_", " ")
        label = words if unit == "1" else f"{words}, {unit}"
        known = [_figure(of, strategy) for strategy in results.strategies]
        rows.append((label, *known, metric[name].sentence))
    headings = ["figure", *results.strategies, "meaning"]
    return table_of("What the control loops did", headings, rows) if rows else None


def _figure(of: Any, strategy: str) -> ShownCell:
    if strategy not in of.index:
        return ShownCell("–")
    mean, low, high = (float(of.loc[strategy, key]) for key in ("mean", "ci_low", "ci_high"))
    spread = f"± {(high - low) / 2:.3g}" if high > low else ""
    if 0 < mean < _TINY:
        return ShownCell(f"below {_TINY:.4f}", "", repr(mean))
    return ShownCell(f"{mean:,.4g}" if mean < 1e4 else f"{mean:,.0f}", spread, repr(mean))


def _provenance(results: Results) -> dict[str, Any]:
    run = results.run
    return {
        "command": f"{run['rerun']} {AGAIN}",
        "made_by": "simulator run",
        "seed": run["scenario"]["seed"],
        "inputs": list(run["inputs"].items()),
        "versions": list(run["versions"].items()),
    }
