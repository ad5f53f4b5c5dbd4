"""Compare: the strategies of one run side by side, with paired differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from simulator.base.text import Row, cell, plain, short
from simulator.results.ranges import ranges
from simulator.results.results import Results
from simulator.results.statistics import COLUMNS, estimated_differences, estimates
from simulator.study.answer import Answer, Section, pictures
from simulator.study.context import notes, over_worlds, place, setting, spread_notes, title
from simulator.study.evidence import Estimate, Shown
from simulator.study.headlines import (
    FIGURE,
    Headline,
    Values,
    by_key,
    figures_of,
    headlines,
    more_headlines,
    pick,
    range_row_of,
    ranks,
    row_of,
    values_of,
    with_ranges,
)
from simulator.study.sentence import FULLEST, SHORT, against, alone, opening

MakeRow = Callable[[Headline, Iterable[Shown | None]], Row]
MOST_SIDE_BY_SIDE = 3
"""Strategies that have a column each; more of them are ranked, a line each."""
_RANKED = {
    "regret": "regret, ms",
    "unserved_fraction": "lost, deferred",
    "deferred_fraction": "deferred",
    "loss_fraction": "lost",
    "exit_utilisation_p95": "exit p95",
    "latency_below_capacity_ms_mean": "latency, ms",
    "moved_gbps_per_day": "moved, Gbps/d",
}
_RANKED_BY = {
    "regret": "regret: cost above the clairvoyant bound, as latency per Gbps",
    **{
        metric: f"traffic {word}, then the 95th percentile of the hottest exit"
        for metric, word in SHORT.items()
    },
}


def compare(results: Results, *, metrics: Iterable[str] = ()) -> Answer:
    """Put the strategies of a run side by side.

    Parameters
    ----------
    results : Results
    metrics : iterable of str, optional
        Metrics to show besides those that are always shown, for scope ``all``.

    Returns
    -------
    Answer
        The table ``comparison`` has columns ``figure, strategy, metric, scope, unit, mean,
        ci_low, ci_high, difference, difference_ci_low, difference_ci_high, range_low, range_high,
        difference_range_low, difference_range_high, replications``; differences are paired, against
        the first strategy, for which they are NaN. Ranges are over worlds, NaN if none were drawn.
        It is shown with one column a strategy and one for each difference; ± is the half-width of
        a 95 % interval over replications, and where they are too few for one, there is what they
        showed.

    Raises
    ------
    SimulatorError
        A metric is not declared, or these results have no figure of it.
    """
    lines = headlines(results)
    lines += more_headlines(results, metrics, lines)
    figures = pick(figures_of(results), lines)
    own, apart = estimates(figures), estimated_differences(figures)
    every = ranges(pick(figures_of(results, worlds=True), lines), results.days)
    moved, moved_apart = every[every["of"] == "figure"], every[every["of"] == "difference"]
    own_by, apart_by = with_ranges(by_key(own), moved), with_ranges(by_key(apart), moved_apart)
    frame = _frame(own[COLUMNS], apart, lines)
    _add_ranges(frame, own_by, apart_by)
    names = results.strategies
    ranked = len(names) > MOST_SIDE_BY_SIDE
    values = values_of(figures)
    order, by = _order(values, lines)
    shown = _shown(lines, order if ranked else names, own_by, apart_by, ranked)
    labelled = [(line.label, line.form, shown[line.metric, line.scope]) for line in lines]
    foot = spread_notes(results, labelled, paired=len(names) > 1 and not ranked)
    if ranked:
        sections = _sections(results, lambda row: _ranking(shown, lines, order, row))
        against_first = f"differences against {short(names[0])} are in differences.csv"
        foot.append(f"Ranked by {_RANKED_BY[by]}; {against_first}.")
    else:
        sections = _sections(results, lambda row: _side_by_side(shown, lines, names, row))
        foot += _hottest(results)
        foot += _growth(results)
    exits = any(line.metric == "exit_utilisation_peak" for line in lines)
    return Answer(
        title(results),
        f"{opening(results)} {_sentence(lines, values, order, by)}."
        f"{_in_worlds(lines, moved, order)}",
        {"comparison": frame},
        pictures(results, (*(("hottest_exit", "exit_peaks") if exits else ()), "latency")),
        results.folder,
        setting(results),
        sections,
        [*foot, *notes(results)],
        {results.run["name"]: results},
    )


def _order(values: Mapping[str, Values], lines: list[Headline]) -> tuple[list[str], str]:
    """Return the strategies with the best first, and the metric that decides."""
    scope = {line.metric: line.scope for line in lines}
    by = next((metric for metric in _RANKED_BY if metric in scope), "loss_fraction")
    metrics = [by] if by == "regret" else [by, "exit_utilisation_p95"]
    keys = [(metric, scope[metric]) for metric in metrics if metric in scope]
    return sorted(values, key=lambda name: ranks(values[name], keys)), by


def _sentence(
    lines: list[Headline], values: Mapping[str, Values], order: list[str], by: str
) -> str:
    """Return how the best of the others does against the first strategy."""
    base, *others = values
    shown = {name: short(name) for name in values}
    if not others:
        return alone(lines, shown[base], values[base])
    if len(others) == 1:
        (name,) = others
        return against(lines, shown[name], shown[base], values[name], values[base])
    others = [name for name in order if name != base]
    if by == "regret":  # a strategy without regret is the bound itself
        others = [n for n in others if values[n]["regret", "all"].mean() > 1e-9] or others
    name = others[0]
    place = "is first" if name == order[0] else f"comes next after {shown[order[0]]}"
    ranked_by = _RANKED_BY[by].split(":")[0].split(",")[0]
    lead = f"of {len(order)} strategies ranked by {ranked_by}, {shown[name]} {place}"
    return f"{lead}: {against(lines, 'it', shown[base], values[name], values[base])}"


def _in_worlds(lines: list[Headline], moved: pd.DataFrame, order: list[str]) -> str:
    """Return a sentence on how far the figure of the first sentence moves over worlds."""
    line = next((each for each in lines if each.metric in FULLEST), None)
    if line is None or moved.empty:
        return ""
    at = moved[(moved["metric"] == line.metric) & (moved["scope"] == line.scope)]
    parts = []
    for name in order[:MOST_SIDE_BY_SIDE]:
        for row in at[at["strategy"] == name].to_dict("records"):
            ends = [cell(row[end], np.nan, np.nan, line.form).value for end in ("low", "high")]
            parts.append(f"{short(name)} {ends[0].removesuffix(' %')} to {ends[1]}")
    of = FULLEST[line.metric]
    return f" If what is assumed is as uncertain as stated, {of} is at: {', '.join(parts)}."


# -- the table ----------------------------------------------------------------------------------


_Estimates = Mapping[tuple[str, str, str], Estimate]
"""Rows of estimates by strategy, metric and scope."""
_Table = Mapping[tuple[str, str], list[Shown]]
"""What the cells of each line show, by metric and scope."""


def _frame(own: pd.DataFrame, apart: pd.DataFrame, lines: list[Headline]) -> pd.DataFrame:
    keys = ["strategy", *FIGURE]
    names = {"mean": "difference", "ci_low": "difference_ci_low", "ci_high": "difference_ci_high"}
    apart = apart.rename(columns=names)[[*keys, *names.values()]]
    frame = own.merge(apart, on=keys, how="left")
    label = {(line.metric, line.scope): line.label.strip() for line in lines}
    at = list(zip(frame["metric"], frame["scope"], strict=True))
    frame.insert(0, "figure", [label[key] for key in at])
    frame.insert(len(frame.columns) - 1, "replications", frame.pop("replications"))
    place = {key: i for i, key in enumerate(label)}
    order = np.argsort([place[key] for key in at], kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _add_ranges(frame: pd.DataFrame, own: _Estimates, apart: _Estimates) -> None:
    """Add the ends of the ranges over worlds to the table, empty where none were drawn."""
    keys = list(zip(frame["strategy"], frame["metric"], frame["scope"], strict=True))
    for front, of in (("", own), ("difference_", apart)):
        for end in ("range_low", "range_high"):
            values = [of[key][end] if key in of else np.nan for key in keys]
            frame.insert(len(frame.columns) - 1, f"{front}{end}", values)


def _shown(
    lines: list[Headline], names: list[str], own: _Estimates, apart: _Estimates, ranked: bool
) -> _Table:
    """Return what is shown of every line: each strategy and, if not *ranked*, each difference."""
    table = {}
    for line in lines:
        at = line.metric, line.scope
        table[at] = [Shown(own[name, *at]) for name in names]
        if not ranked:
            table[at] += [Shown(apart[name, *at], apart=True) for name in names[1:]]
    return table


def _sections(results: Results, section: Callable[[MakeRow], Section]) -> list[Section]:
    """Return the table of figures and, if worlds were drawn, that of their ranges."""
    if not results.drawn_worlds:
        return [section(row_of)]
    return [section(row_of), section(range_row_of)._replace(caption=over_worlds(results))]


def _side_by_side(table: _Table, lines: list[Headline], names: list[str], row: MakeRow) -> Section:
    shown = {name: short(name) for name in names}
    headings = [*shown.values(), *(f"{shown[name]} - {shown[names[0]]}" for name in names[1:])]
    return Section("", headings, [row(line, table[line.metric, line.scope]) for line in lines])


def _ranking(table: _Table, lines: list[Headline], order: list[str], row: MakeRow) -> Section:
    """Return a line for every strategy."""
    chosen = {line.metric: line for line in lines if line.metric in _RANKED}
    columns = []
    for metric in (metric for metric in _RANKED if metric in chosen):
        line = chosen[metric]
        columns.append((_RANKED[metric], row(line, table[metric, line.scope]).cells))
    rows = [
        Row(f"{i + 1} {short(name)}", tuple(cells[i] for _, cells in columns))
        for i, name in enumerate(order)
    ]
    return Section("", [heading for heading, _ in columns], rows)


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
    peaks_text = [f"{short(name)} {hottest[name]}" for name in results.strategies]
    where = "results.exits" if results.is_temporary else place(results, "exits.parquet")
    return [f"Hottest exit: {', '.join(peaks_text)}; every exit, both directions, in {where}"]


def _growth(results: Results) -> list[str]:
    """Return where headroom ends, in how many replications, and what is full before that."""
    table = results.headroom
    if table.empty:
        return []
    table = table[np.isfinite(table["factor"])]
    ends, full = [], []
    for name in results.strategies:
        mine = table[table["strategy"] == name]
        if mine.empty:
            continue
        count = mine["binds"].astype(str).value_counts()
        link, _, way = count.index[0].removeprefix("exit:").rpartition(":")
        often = f" ({count.iloc[0]} of {len(mine)} replications)" if len(mine) > 1 else ""
        ends.append(f"{short(name)} {plain(link)} {way}{often}")
        before = mine[mine["link"].astype(str) != ""]
        if len(before):
            first = before.loc[before["link_factor"].idxmin()]
            full.append(
                f"- {short(name)}: {plain(str(first['link']))}, no exit, is full from"
                f" x{first['link_factor']:.2f} on: exits cannot get all of that growth."
            )
    if not ends:
        return []
    where = "results.headroom" if results.is_temporary else place(results, "headroom.parquet")
    return [f"Headroom ends at: {', '.join(ends)}; when, in {where}", *full]
