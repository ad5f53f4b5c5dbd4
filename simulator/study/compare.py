"""Compare: the strategies of one run side by side, with paired differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from simulator.base.text import Row, cell, plain, short, shorts
from simulator.results.ranges import by_world, ranges
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
    by_metric,
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
from simulator.study.sentence import (
    AFTER_EVENTS,
    FULLEST,
    LATENCY,
    SHORT,
    against,
    alone,
    fullest_of,
    opening,
)
from simulator.study.worth import roles_of, worth

MakeRow = Callable[[Headline, Iterable[Shown | None]], Row]
MOST_SIDE_BY_SIDE = 4
"""Strategies that have a column each; more of them are ranked, a line each."""
_DIFFERENCES_BESIDE = 2
"""Strategies whose difference stands beside them; those of more have a table of their own."""
_MAIN = ("exit_utilisation_peak", "mlu_peak", LATENCY, *SHORT, "headroom", "moved_gbps_per_day")
"""Metrics of the tables of differences and of ranges, where there are many strategies."""
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
    drawn = pick(figures_of(results, worlds=True), lines)
    every = ranges(drawn, results.draws)
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
        sections = _with_ranges(results, lambda row: _ranking(shown, lines, order, row))
        against_first = f"differences against {short(names[0])} are in differences.csv"
        foot.append(f"Ranked by {_RANKED_BY[by]}; {against_first}.")
    else:
        sections = _sections(results, shown, lines)
        foot += _hottest(results)
        foot += _growth(results)
    exits = any(line.metric == "exit_utilisation_peak" for line in lines)
    roles = None if ranked or by == "regret" else roles_of(results, order)
    if roles:
        sentence = worth(lines, values, by_world(drawn, results.draws), roles)
    else:
        sentence = f"{_sentence(lines, values, order, by)}.{_in_worlds(lines, moved, order)}"
    return Answer(
        title(results),
        f"{opening(results)} {sentence}",
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
    scope = {metric: line.scope for metric, line in by_metric(lines).items()}
    by = next((metric for metric in _RANKED_BY if metric in scope), "loss_fraction")
    metrics = [by] if by == "regret" else [by, "exit_utilisation_p95"]
    keys = [(metric, scope[metric]) for metric in metrics if metric in scope]
    return sorted(values, key=lambda name: ranks(values[name], keys)), by


def _sentence(
    lines: list[Headline], values: Mapping[str, Values], order: list[str], by: str
) -> str:
    """Return how the best of the others does against the first strategy."""
    base, *others = values
    shown = dict(zip(values, shorts(values), strict=True))
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
    known = by_metric(lines)
    line = fullest_of(known, eventful=AFTER_EVENTS in known)
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
_Table = Mapping[tuple[str, str], list[Shown | None]]
"""What the cells of each line show, by metric and scope."""


def _frame(own: pd.DataFrame, apart: pd.DataFrame, lines: list[Headline]) -> pd.DataFrame:
    keys = ["strategy", *FIGURE]
    names = {"mean": "difference", "ci_low": "difference_ci_low", "ci_high": "difference_ci_high"}
    apart = apart.rename(columns=names)[[*keys, *names.values()]]
    frame = own.merge(apart, on=keys, how="left")
    label = _labels(lines)
    at = list(zip(frame["metric"], frame["scope"], strict=True))
    frame.insert(0, "figure", [label[key] for key in at])
    frame.insert(len(frame.columns) - 1, "replications", frame.pop("replications"))
    place = {key: i for i, key in enumerate(label)}
    order = np.argsort([place[key] for key in at], kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _labels(lines: list[Headline]) -> dict[tuple[str, str], str]:
    """Return what every line is called apart from the others."""
    found, above = {}, ""
    for line in lines:
        own = line.label.strip()
        below = line.label != own and line.scope.startswith("exits:")
        found[line.metric, line.scope] = f"{above}, {own}" if below else own
        above = above if line.label != own else own
    return found


def _add_ranges(frame: pd.DataFrame, own: _Estimates, apart: _Estimates) -> None:
    """Add the ends of the ranges over worlds to the table, empty where none were drawn."""
    keys = list(zip(frame["strategy"], frame["metric"], frame["scope"], strict=True))
    for front, of in (("", own), ("difference_", apart)):
        for end in ("range_low", "range_high"):
            values = [of[key][end] if key in of else np.nan for key in keys]
            frame.insert(len(frame.columns) - 1, f"{front}{end}", values)


def _of(estimate: Estimate | None, *, apart: bool = False) -> Shown | None:
    """Return what a cell shows; None where a strategy has no such figure."""
    return None if estimate is None else Shown(estimate, apart)


def _shown(
    lines: list[Headline], names: list[str], own: _Estimates, apart: _Estimates, ranked: bool
) -> _Table:
    """Return what is shown of every line: each strategy and, if not *ranked*, each difference."""
    table: dict[tuple[str, str], list[Shown | None]] = {}
    for line in lines:
        at = line.metric, line.scope
        table[at] = [_of(own.get((name, *at))) for name in names]
        if not ranked:
            table[at] += [_of(apart.get((name, *at)), apart=True) for name in names[1:]]
    return table


def _sections(results: Results, shown: _Table, lines: list[Headline]) -> list[Section]:
    """Return the tables of a few strategies: all figures, differences, and ranges of both."""
    names = results.strategies
    count = len(names)
    if count <= _DIFFERENCES_BESIDE:
        return _with_ranges(results, lambda row: _side_by_side(shown, lines, names, row))
    headings = shorts(names)
    main = [
        line
        for line in lines
        if line.metric in _MAIN
        and any(each and each.estimate["mean"] for each in shown[line.metric, line.scope])
    ]

    def own(line: Headline) -> list[Shown | None]:
        return shown[line.metric, line.scope][:count]

    def apart(line: Headline) -> list[Shown | None]:
        return shown[line.metric, line.scope][count:]

    first = f"Less that of {headings[0]}"
    tables = [
        Section("", headings, [row_of(line, own(line)) for line in lines], [1] * count),
        Section(first, headings[1:], [row_of(line, apart(line)) for line in main]),
    ]
    if results.drawn_worlds:
        caption = over_worlds(results)
        tables += [
            Section(
                caption, headings, [range_row_of(line, own(line)) for line in main], [1] * count
            ),
            Section(
                f"{caption}, less that of {headings[0]}",
                headings[1:],
                [range_row_of(line, apart(line)) for line in main],
            ),
        ]
    return tables


def _with_ranges(results: Results, section: Callable[[MakeRow], Section]) -> list[Section]:
    """Return the table of figures and, if worlds were drawn, that of their ranges."""
    if not results.drawn_worlds:
        return [section(row_of)]
    return [section(row_of), section(range_row_of)._replace(caption=over_worlds(results))]


def _side_by_side(table: _Table, lines: list[Headline], names: list[str], row: MakeRow) -> Section:
    shown = dict(zip(names, shorts(names), strict=True))
    headings = [*shown.values(), *(f"{shown[name]} - {shown[names[0]]}" for name in names[1:])]
    rows = [row(line, table[line.metric, line.scope]) for line in lines]
    return Section("", headings, rows, (1, *([2] if len(names) > 1 else [])))


def _ranking(table: _Table, lines: list[Headline], order: list[str], row: MakeRow) -> Section:
    """Return a line for every strategy."""
    chosen = by_metric(line for line in lines if line.metric in _RANKED)
    columns = []
    for metric in (metric for metric in _RANKED if metric in chosen):
        line = chosen[metric]
        columns.append((_RANKED[metric], row(line, table[metric, line.scope]).cells))
    rows = [
        Row(f"{i + 1} {name}", tuple(cells[i] for _, cells in columns))
        for i, name in enumerate(shorts(order))
    ]
    return Section("", [heading for heading, _ in columns], rows)


def _hottest(results: Results) -> list[str]:
    """Return which exit is the hottest, in how many replications, and how hot it is there."""
    parts = []
    for name in results.strategies:
        if each := results.hottest_exit(name):
            count = each.replications
            often = f" ({each.often} of {count} replications)" if count > 1 else ""
            parts.append(
                f"{short(name)} {_exit_words(each.scope)} at {100 * each.peak:.1f} %{often}"
            )
    where = "results.exits" if results.is_temporary else place(results, "exits.parquet")
    every = f"every exit, both directions, in {where}"
    return [f"Hottest exit: {', '.join(parts)}; {every}"] if parts else []


def _exit_words(scope: str) -> str:
    """Return an exit and its direction, from their scope."""
    link, _, way = scope.removeprefix("exit:").rpartition(":")
    return f"{plain(link)} {way}"


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
        often = f" ({count.iloc[0]} of {len(mine)} replications)" if len(mine) > 1 else ""
        ends.append(f"{short(name)} {_exit_words(count.index[0])}{often}")
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
