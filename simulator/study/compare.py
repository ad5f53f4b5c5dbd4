"""Results -> Comparison: the strategies of one run side by side, with paired differences."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import (
    Form,
    Row,
    cell,
    html_lines,
    html_table,
    plain,
    short,
    table,
    volume_unit,
    wrapped,
)
from simulator.model.demands import INTERNATIONAL
from simulator.results.folder import RUN_JSON
from simulator.results.results import Results
from simulator.results.statistics import differences, summarise

COMBINED = "international"
"""Scope of both international classes together."""
FIGURE = ["metric", "scope"]
MOST_SIDE_BY_SIDE = 3
"""Strategies that have a column each; more of them are ranked, a line each."""
_RANKED = {
    "regret": "regret, ms",
    "loss_fraction": "lost",
    "exit_utilisation_p95": "exit p95",
    "latency_ms_mean": "latency, ms",
    "moved_gbps_per_day": "moved, Gbps/d",
}
_BY_VOLUME = ("latency_ms_mean", "propagation_ms_mean", "queueing_ms_mean")
_SUMS = ("offered_gbit", "carried_gbit", "lost_gbit")
_NOTES_SHOWN = 3
_ESTIMATE = "Estimate: "


class Headline(NamedTuple):
    """A figure that everyone asks for, and how it is written."""

    label: str
    metric: str
    scope: str
    form: Form


@dataclass(frozen=True, eq=False)
class Comparison:
    """The strategies of a run side by side; ``print`` it, or look at it in a notebook.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns ``figure, strategy, metric, scope, unit, mean, ci_low, ci_high, difference,
        difference_ci_low, difference_ci_high, replications``; differences are paired, against
        the first strategy, for which they are NaN.
    """

    frame: pd.DataFrame
    _title: str
    _head: tuple[str, ...]
    _headings: tuple[str, ...]
    _rows: tuple[Row, ...]
    _foot: tuple[str, ...]

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        head = [line for text in (self._title, *self._head) for line in wrapped(text)]
        foot = [line for text in self._foot for line in wrapped(text, hang="  ")]
        return "\n".join([*head, table(self._headings, self._rows), *foot])

    def _repr_html_(self) -> str:
        return (
            html_lines(self._head)
            + html_table(self._title, self._headings, self._rows)
            + html_lines(self._foot)
        )


def compare(results: Results) -> Comparison:
    """Put the strategies of a run side by side.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Comparison
        One column a strategy and one for each difference against the first; ± is the half-width
        of a 95 % interval over replications.
    """
    lines = headlines(results)
    chosen = pick(figures_of(results), lines)
    frame = _frame(chosen, lines)
    names = results.strategies
    shown = {name: short(name) for name in names}
    if len(names) > MOST_SIDE_BY_SIDE:
        headings, rows, order = _ranking(frame, lines, names)
        foot = [*spread_notes(results, False), order]
    else:
        headings = [*shown.values(), *(f"{shown[name]} - {shown[names[0]]}" for name in names[1:])]
        rows = _rows(frame, lines, names)
        foot = [*spread_notes(results, len(names) > 1), *_hottest(results)]
    return Comparison(
        frame,
        plain(results.run["title"]) or plain(results.run["name"]),
        tuple(setting(results)),
        tuple(headings),
        tuple(rows),
        (*foot, *notes(results)),
    )


# -- which figures, shared with what-if --------------------------------------------------------


def headlines(results: Results) -> list[Headline]:
    """Return the figures that a table of this run shows."""
    summary = results.summary
    known = set(zip(summary["metric"], summary["scope"], strict=True))
    target = float(results.run["scenario"]["targets"]["exit_utilisation"])
    level = min((70, 80, 90, 100), key=lambda percent: abs(percent / 100 - target))
    abroad = [name for name in INTERNATIONAL if ("latency_ms_mean", name) in known]
    where = COMBINED if abroad else "all"
    whose = "international" if abroad else "all traffic"
    tail = _larger(summary, abroad) if abroad else "all"
    tail_words = {"international_in": "inbound", "international_out": "outbound"}.get(tail, tail)
    exits = ("exit_utilisation_peak", "all") in known
    lost = volume_unit(_largest(summary, "lost_gbit", "all"))
    lines = [
        Headline("exit utilisation, peak", "exit_utilisation_peak", "all", "share"),
        Headline("exit utilisation, p95", "exit_utilisation_p95", "all", "share"),
        Headline("exit utilisation, mean", "exit_utilisation_mean", "all", "share"),
        Headline(f"hours above {level} % (hottest exit)", f"hours_above_{level}", "all", "hours"),
        Headline("exit balance (Jain)", "exit_balance_jain", "all", "index"),
        *([] if exits else [Headline("peak utilisation of any link", "mlu_peak", "all", "share")]),
        Headline(f"latency mean, ms ({whose})", "latency_ms_mean", where, "ms"),
        Headline("  propagation, ms", "propagation_ms_mean", where, "ms"),
        Headline("  queueing, ms", "queueing_ms_mean", where, "ms"),
        Headline(f"latency p95, ms ({tail_words})", "latency_ms_p95", tail, "ms"),
        Headline(f"traffic lost ({whose})", "loss_fraction", where, "fine_share"),
        Headline(f"traffic lost, {lost} (all)", "lost_gbit", "all", "gbit"),
        Headline(f"headroom to {target * 100:g} %", "headroom", "all", "factor"),
        Headline("routes moved per day, Gbps", "moved_gbps_per_day", "all", "gbps"),
        Headline("regret against clairvoyant, ms", "regret", "all", "ms"),
        Headline("optimality gap, largest", "gap_max", "all", "fine_share"),
    ]
    known |= {(metric, COMBINED) for metric in (*_BY_VOLUME, "loss_fraction")}
    return [line for line in lines if (line.metric, line.scope) in known]


def figures_of(results: Results) -> pd.DataFrame:
    """Return the figures of every replication, with those that a table adds.

    Added is scope ``international``: both classes together, means weighted by volume.
    """
    figures = results.figures
    keys = ["replication", "strategy"]
    both = figures[figures["scope"].isin(INTERNATIONAL)]
    if both.empty:
        return figures
    wide = both.pivot(index=[*keys, "scope"], columns="metric", values="value")
    sums = wide[list(_SUMS)].groupby(level=keys).sum()
    sums["loss_fraction"] = sums["lost_gbit"] / sums["offered_gbit"].where(sums["offered_gbit"] > 0)
    for metric in _BY_VOLUME:
        weighted = (wide[metric] * wide["carried_gbit"]).groupby(level=keys).sum()
        sums[metric] = weighted / sums["carried_gbit"].where(sums["carried_gbit"] > 0)
    tall = sums.melt(var_name="metric", value_name="value", ignore_index=False).reset_index()
    units = dict(zip(figures["metric"], figures["unit"], strict=True))
    tall["scope"], tall["unit"] = COMBINED, tall["metric"].map(units)
    order = {name: i for i, name in enumerate(dict.fromkeys(figures["strategy"]))}
    tall = tall.sort_values("strategy", key=lambda names: names.map(order), kind="stable")
    return pd.concat([figures, tall], ignore_index=True)


def pick(figures: pd.DataFrame, lines: list[Headline]) -> pd.DataFrame:
    """Return the rows of *figures* that are headlines."""
    wanted = pd.MultiIndex.from_tuples([(line.metric, line.scope) for line in lines], names=FIGURE)
    return figures[figures.set_index(FIGURE).index.isin(wanted)]


def row_of(line: Headline, figures: list[tuple[float, float, float, bool]]) -> Row:
    """Return a line of a table; each figure is a mean, its interval, and whether it is apart."""
    means = [abs(mean) for mean, _, _, apart in figures if np.isfinite(mean) and not apart]
    largest = max(means, default=0.0)
    cells = (
        cell(mean, low, high, line.form, apart=apart, largest=largest)
        for mean, low, high, apart in figures
    )
    return Row(line.label, tuple(cells))


def _larger(summary: pd.DataFrame, classes: list[str]) -> str:
    return max(classes, key=lambda name: _largest(summary, "carried_gbit", name))


def _largest(summary: pd.DataFrame, metric: str, scope: str) -> float:
    rows = summary[(summary["metric"] == metric) & (summary["scope"] == scope)]
    return float(rows["mean"].max()) if len(rows) else 0.0


# -- the table ----------------------------------------------------------------------------------


def _frame(chosen: pd.DataFrame, lines: list[Headline]) -> pd.DataFrame:
    keys = ["strategy", *FIGURE]
    apart = differences(chosen).rename(
        columns={
            "mean": "difference",
            "ci_low": "difference_ci_low",
            "ci_high": "difference_ci_high",
        }
    )
    apart = apart[[*keys, "difference", "difference_ci_low", "difference_ci_high"]]
    frame = summarise(chosen).merge(apart, on=keys, how="left")
    label = {(line.metric, line.scope): line.label.strip() for line in lines}
    at = list(zip(frame["metric"], frame["scope"], strict=True))
    frame.insert(0, "figure", [label[key] for key in at])
    frame.insert(len(frame.columns) - 1, "replications", frame.pop("replications"))
    place = {key: i for i, key in enumerate(label)}
    order = np.argsort([place[key] for key in at], kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _rows(frame: pd.DataFrame, lines: list[Headline], names: list[str]) -> list[Row]:
    at = {(f["metric"], f["scope"], f["strategy"]): f for f in frame.to_dict("records")}
    rows = []
    for line in lines:
        found = [at[line.metric, line.scope, name] for name in names]
        figures = [(f["mean"], f["ci_low"], f["ci_high"], False) for f in found]
        figures += [
            (f["difference"], f["difference_ci_low"], f["difference_ci_high"], True)
            for f in found[1:]
        ]
        rows.append(row_of(line, figures))
    return rows


def _ranking(
    frame: pd.DataFrame, lines: list[Headline], names: list[str]
) -> tuple[list[str], list[Row], str]:
    """Return headings, a line for every strategy with the best first, and what that means."""
    chosen = {line.metric: line for line in lines if line.metric in _RANKED}
    at = {(f["metric"], f["strategy"]): f for f in frame.to_dict("records")}

    def mean(metric: str, name: str) -> float:
        value = at[metric, name]["mean"]
        return float(value) if np.isfinite(value) else np.inf

    if "regret" in chosen:
        keys, told = ["regret"], "regret: cost above the clairvoyant bound, as latency per Gbps"
    else:
        keys = [key for key in ("loss_fraction", "exit_utilisation_p95") if key in chosen]
        told = "traffic lost, then the 95th percentile of the hottest exit"
    order = sorted(names, key=lambda name: [round(mean(key, name), 9) for key in keys])
    cells = {}
    for metric in (metric for metric in _RANKED if metric in chosen):
        figures = [at[metric, name] for name in order]
        row = row_of(
            chosen[metric], [(f["mean"], f["ci_low"], f["ci_high"], False) for f in figures]
        )
        cells[_RANKED[metric]] = row.cells
    rows = [
        Row(f"{place} {short(name)}", tuple(column[place - 1] for column in cells.values()))
        for place, name in enumerate(order, start=1)
    ]
    against = f"differences against {short(names[0])} are in differences.csv"
    return list(cells), rows, f"Ranked by {told}; {against}."


# -- words around it ----------------------------------------------------------------------------


def setting(results: Results) -> list[str]:
    """Say in a line or two what was simulated."""
    run = results.run
    network, scenario = run["network"], run["scenario"]
    estimated = any(note.startswith(f"{_ESTIMATE}links.capacity_gbps") for note in run["notes"])
    sizes = (
        f"backbone {network['backbone_gbps']:,.6g} Gbps, exits {network['exits_gbps']:,.6g} Gbps"
    )
    count = scenario["replications"]
    told = (
        f"{network['name']}: {sizes}{' (capacities are estimates)' if estimated else ''};"
        f" {horizon_h(results):,g} h in {scenario['step_s']:g} s steps,"
        f" {count} replication{'' if count == 1 else 's'}, seed {scenario['seed']}"
    )
    changes = ", ".join(f"{key} = {value}" for key, value in run["changes"].items())
    return [told, *([f"changed: {changes}"] if changes else [])]


def spread_notes(results: Results, paired: bool) -> list[str]:
    """Say what the intervals are, or why there are none."""
    count = results.run["scenario"]["replications"]
    if count < 2:
        return ["One replication: intervals need two or more (--replications 5)."]
    pairs = "; differences are paired, pp = percentage points" if paired else ""
    return [f"± is half a 95 % interval over {count} replications{pairs}."]


def notes(results: Results) -> list[str]:
    """Say what is an estimate and what the model leaves out; the rest stands in ``run.json``."""
    told = results.run["notes"]
    estimates = [note.removeprefix(_ESTIMATE) for note in told if note.startswith(_ESTIMATE)]
    others = [note for note in told if not note.startswith(_ESTIMATE)]
    shown = [f"- {note}" for note in others[: _NOTES_SHOWN - bool(estimates)]]
    if estimates:
        of = dict.fromkeys(re.split("[.:]", estimate)[0] for estimate in estimates)
        shown.insert(0, f"- Estimates, not measurements, are in: {', '.join(of)}.")
    if estimates or len(others) > len(shown):
        where = "results.run" if results.is_temporary else place(results, RUN_JSON)
        shown.append(f"- Every note and estimate, in full: {where}")
    return shown


def place(results: Results, file: str) -> str:
    """Return where a file of the results stands, as short as it can be said."""
    path = os.path.abspath(results.folder / file)
    try:
        near = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return near if not near.startswith(os.pardir) else path


def horizon_h(results: Results) -> float:
    """Return the length of the run in hours."""
    scenario: dict[str, Any] = results.run["scenario"]
    if "end" in scenario:
        start, end = (datetime.fromisoformat(scenario[key]) for key in ("start", "end"))
        return (end - start).total_seconds() / 3600.0
    return float(scenario.get("horizon_h") or 24.0)


def _hottest(results: Results) -> list[str]:
    summary = results.summary
    peaks = summary[
        (summary["metric"] == "exit_utilisation_peak") & summary["scope"].str.startswith("exit:")
    ]
    if peaks.empty:
        return []
    hottest = {}
    for peak in peaks.sort_values("mean", kind="stable").to_dict("records"):
        link, _, way = peak["scope"].removeprefix("exit:").rpartition(":")
        hottest[peak["strategy"]] = f"{plain(link)} {way} at {100 * peak['mean']:.1f} %"
    told = [f"{short(name)} {hottest[name]}" for name in results.strategies]
    where = "results.exits" if results.is_temporary else place(results, "exits.parquet")
    return [f"Hottest exit: {', '.join(told)}; every exit, both directions, in {where}"]
