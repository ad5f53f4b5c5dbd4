"""Headlines: the figures that every study of runs shows, how each is written, and in what order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.errors import SimulatorError
from simulator.base.text import Form, Row, volume_unit
from simulator.model.demands import INTERNATIONAL
from simulator.results.metrics import metric as catalogue
from simulator.results.results import Results
from simulator.results.statistics import by_replication
from simulator.study.evidence import Estimate, Shown, cell_of, largest_of, range_cell

COMBINED = "international"
"""Scope of both international classes together."""
FIGURE = ["metric", "scope"]
Values = Mapping[tuple[str, str], np.ndarray]
"""Figures of a strategy by metric and scope: one value a replication."""
_BY_VOLUME = (
    "latency_below_capacity_ms_mean",
    "propagation_ms_mean",
    "queueing_below_capacity_ms_mean",
    "full_buffer_fraction",
    "latency_ms_mean",
    "latency_ms_mean_buffer_5ms",
    "latency_ms_mean_buffer_200ms",
)
"""Means over the volume carried."""
_SHARES = {"loss_fraction": "lost_gbit", "deferred_fraction": "deferred_gbit"}
"""Shares of the volume offered, and what they are of."""
FULL, UNSERVED = "full_buffer_fraction", "unserved_fraction"
_WAYS = {"out": "outbound", "in": "inbound"}

FORMS: dict[str, Form] = {"ms": "ms", "h": "hours", "Gbit": "gbit", "Gbps": "gbps"}


class Headline(NamedTuple):
    """A figure of every table, and how it is written."""

    label: str
    metric: str
    scope: str
    form: Form


def headlines(results: Results) -> list[Headline]:
    """Return the figures that a table of this run shows."""
    summary = results.summary
    known = set(zip(summary["metric"], summary["scope"], strict=True))
    target = float(results.run["scenario"]["targets"]["exit_utilisation"])
    level = min((70, 80, 90, 100), key=lambda percent: abs(percent / 100 - target))
    abroad = [name for name in INTERNATIONAL if ("propagation_ms_mean", name) in known]
    where = COMBINED if abroad else "all"
    tail = max(abroad, key=lambda name: _largest(summary, "carried_gbit", name), default="all")
    tail_words = {"international_in": "inbound", "international_out": "outbound"}.get(tail, tail)
    exits = ("exit_utilisation_peak", "all") in known
    lost = volume_unit(_largest(summary, "lost_gbit", "all"))
    unserved = volume_unit(_largest(summary, "recovery_unserved_gbit", "all"))
    both = all(_largest(summary, share, "all") > 0 for share in _SHARES)
    lines = [
        *_both_ways(summary, "exit utilisation, peak", "exit_utilisation_peak", "share"),
        Headline("  soon after events", "recovery_peak", "all", "share"),
        *_both_ways(summary, "exit utilisation, p95", "exit_utilisation_p95", "share"),
        *_both_ways(summary, "exit mean", "exit_utilisation_mean", "share", averaged=True),
        Headline(f"hours above {level} %, any exit", f"hours_above_{level}", "all", "hours"),
        *_both_ways(summary, "exit balance", "exit_balance_jain", "index", averaged=True),
        *([] if exits else [Headline("peak of any link", "mlu_peak", "all", "share")]),
        Headline(f"latency, ms ({where})", "latency_below_capacity_ms_mean", where, "ms"),
        Headline("  propagation", "propagation_ms_mean", where, "ms"),
        Headline("  queueing below capacity", "queueing_below_capacity_ms_mean", where, "ms"),
        Headline(f"latency p95, ms ({tail_words})", "latency_below_capacity_ms_p95", tail, "ms"),
        *(_of_full_buffers(where) if _largest(summary, FULL, "all") > 0 else []),
        Headline(f"lost ({where})", "loss_fraction", where, "fine_share"),
        Headline(f"lost, {lost} (all)", "lost_gbit", "all", "gbit"),
        Headline(f"deferred ({where})", "deferred_fraction", where, "fine_share"),
        *([Headline(f"lost or deferred ({where})", UNSERVED, where, "fine_share")] if both else []),
        Headline(f"unserved in recovery, {unserved}", "recovery_unserved_gbit", "all", "gbit"),
        Headline(f"headroom to {target * 100:g} %", "headroom", "all", "factor"),
        Headline("  inbound, promised at 90 %", "headroom_90", "all", "factor"),
        Headline("  inbound, if all were known", "headroom_known", "all", "factor"),
        Headline("  inbound, in pieces at will", "headroom_pieces", "all", "factor"),
        Headline("  inbound, split at will", "headroom_direct", "all", "factor"),
        Headline("routes moved a day, Gbps", "moved_gbps_per_day", "all", "gbps"),
        Headline("regret, ms", "regret", "all", "ms"),
        Headline("optimality gap, largest", "gap_max", "all", "fine_share"),
    ]
    combined = {*_BY_VOLUME, *_SHARES, UNSERVED} & {metric for metric, _ in known}
    known |= {(metric, COMBINED) for metric in combined}
    return [line for line in lines if (line.metric, line.scope) in known]


def _both_ways(
    summary: pd.DataFrame, label: str, metric: str, form: Form, *, averaged: bool = False
) -> list[Headline]:
    """Return a figure of all exits and of both directions, or of these alone if it is a mean.

    A mean over both directions says nothing: the one that is full is hidden by the other.
    """
    used = [_largest(summary, "exit_utilisation_mean", f"exits:{way}") > 0 for way in _WAYS]
    if not all(used):
        return [Headline(label, metric, "all", form)]
    apart = [
        Headline(f"{label}, {word}" if averaged else f"  {word}", metric, f"exits:{way}", form)
        for way, word in _WAYS.items()
    ]
    return apart if averaged else [Headline(label, metric, "all", form), *apart]


def _of_full_buffers(where: str) -> list[Headline]:
    """Return what waiting at links at or above capacity adds, and how it hangs on buffers."""
    return [
        Headline("met a full link", FULL, where, "fine_share"),
        Headline("  in how many hours (all)", "full_buffer_hours", "all", "hours"),
        Headline("  latency with it, ms", "latency_ms_mean", where, "ms"),
        Headline("  with a buffer of 5 ms", "latency_ms_mean_buffer_5ms", where, "ms"),
        Headline("  with a buffer of 200 ms", "latency_ms_mean_buffer_200ms", where, "ms"),
    ]


def more_headlines(
    results: Results, metrics: Iterable[str], lines: list[Headline]
) -> Iterator[Headline]:
    """Yield a line for each of some metrics that is not shown yet."""
    summary = results.summary
    known = set(summary["metric"][summary["scope"] == "all"])
    shown = {(line.metric, line.scope) for line in lines}
    for name in dict.fromkeys(metrics):
        unit = catalogue[name].unit
        if name not in known:
            raise SimulatorError(f"{results.folder} holds no figure of metric {name!r}")
        if (name, "all") not in shown:
            label = name if unit == "1" else f"{name}, {unit}"
            yield Headline(label, name, "all", FORMS.get(unit, "index"))


def by_metric(lines: Iterable[Headline]) -> dict[str, Headline]:
    """Return lines by metric; of several scopes the first, which is the one for all."""
    found: dict[str, Headline] = {}
    for line in lines:
        found.setdefault(line.metric, line)
    return found


def figures_of(results: Results, *, worlds: bool = False) -> pd.DataFrame:
    """Return the figures of every replication, and those of scope ``international``.

    This scope is both classes together, with means weighted by volume. With *worlds*, the figures
    are those of all worlds, and else of the one as stated.
    """
    return with_international(results.all_figures if worlds else results.figures)


def with_international(figures: pd.DataFrame) -> pd.DataFrame:
    """Return figures with those of scope ``international``; see :func:`figures_of`."""
    keys = ["replication", "strategy"]
    both = figures[figures["scope"].isin(INTERNATIONAL)]
    if both.empty:
        return figures
    wide = both.pivot(index=[*keys, "scope"], columns="metric", values="value")
    volumes = ["offered_gbit", "carried_gbit", *(v for v in _SHARES.values() if v in wide)]
    sums = wide[volumes].groupby(level=keys).sum()
    offered = sums["offered_gbit"].where(sums["offered_gbit"] > 0)
    for share, volume in _SHARES.items():
        if volume in sums:
            sums[share] = sums[volume] / offered
    if "deferred_fraction" in sums:
        sums[UNSERVED] = sums["loss_fraction"] + sums["deferred_fraction"]
    for metric in (each for each in _BY_VOLUME if each in wide):
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


def values_of(figures: pd.DataFrame) -> dict[str, Values]:
    """Return the figures of every strategy."""
    wide = by_replication(figures)
    rows = zip(wide.index, wide.to_numpy(dtype=float), strict=True)
    values: dict[str, dict[tuple[str, str], np.ndarray]] = {}
    for (strategy, metric, scope, _), row in rows:
        values.setdefault(strategy, {})[metric, scope] = row
    return dict(values)


def by_key(estimates: pd.DataFrame) -> dict[tuple[str, str, str], Estimate]:
    """Return the rows of estimates by strategy, metric and scope."""
    keys = zip(estimates["strategy"], estimates["metric"], estimates["scope"], strict=True)
    rows: list[Any] = estimates.to_dict("records")
    return dict(zip(keys, rows, strict=True))


def with_ranges(
    estimates: Mapping[tuple[str, str, str], Estimate], ranges: pd.DataFrame
) -> dict[tuple[str, str, str], Estimate]:
    """Return rows of estimates, by key, with the ends of their ranges over worlds, if any."""
    ends = zip(ranges.get("low", ()), ranges.get("high", ()), strict=True)
    keys = zip(*(ranges.get(key, ()) for key in ("strategy", *FIGURE)), strict=True)
    found = dict(zip(keys, ends, strict=True))
    nothing = (np.nan, np.nan)
    return {
        key: {**row, "range_low": (at := found.get(key, nothing))[0], "range_high": at[1]}
        for key, row in estimates.items()
    }


def row_of(line: Headline, figures: Iterable[Shown | None]) -> Row:
    """Return a line of a table."""
    figures = list(figures)
    largest = largest_of(figures)
    return Row(line.label, tuple(cell_of(shown, line.form, largest) for shown in figures))


def range_row_of(line: Headline, figures: Iterable[Shown | None]) -> Row:
    """Return a line of a table of ranges over worlds."""
    figures = list(figures)
    largest = largest_of(figures)
    return Row(line.label, tuple(range_cell(shown, line.form, largest) for shown in figures))


def ranks(values: Values, keys: Iterable[tuple[str, str]]) -> list[float]:
    """Return the means by which figures are ranked, the best least; what is unknown comes last."""
    means = [values[key].mean() if key in values else np.inf for key in keys]
    return [round(float(mean), 9) if np.isfinite(mean) else np.inf for mean in means]


def _largest(summary: pd.DataFrame, metric: str, scope: str) -> float:
    rows = summary[(summary["metric"] == metric) & (summary["scope"] == scope)]
    return float(rows["mean"].max()) if len(rows) else 0.0
