"""Words: the worst cases as a sentence, tables, and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from simulator.base.text import Cell, Row, counted, plain, short
from simulator.control.strategy import Strategy
from simulator.model.reliability import assumed_words
from simulator.study.answer import Answer, Section
from simulator.study.behaviour import ANNOUNCED, FIXED
from simulator.study.border_case import DemandRange
from simulator.study.worst_search import UNSERVED, UTILISATION, Search, StrategySearch

_LONGEST_FAULTS = 44
_APART = 5e-4


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title, network : str
    strategies : mapping of str to Strategy
    search : Search
    span : DemandRange
    kinds : tuple of str
        Kinds of elements that may fail.
    inbound : str
        How inbound traffic that announcements move is taken.
    """

    title: str
    network: str
    strategies: Mapping[str, Strategy]
    search: Search
    span: DemandRange
    kinds: tuple[str, ...]
    inbound: str = ANNOUNCED


def answer_of(
    asked: Asked,
    frames: Mapping[str, pd.DataFrame],
    searches: Mapping[str, StrategySearch],
    folder: Path,
) -> Answer:
    """Return the answer: sentence, a section for each probability, foot, and the picture."""
    network = plain(asked.network)
    bars = frames["worst"], network, asked.title, asked.span.words
    return Answer(
        f"Worst case: {plain(asked.title)}",
        _sentence(asked, frames["worst"]),
        frames,
        {"worst_bars": partial(_draw, bars)},
        folder,
        [_head(asked)],
        [_section(frames["worst"], least) for least in asked.search.least],
        list(_foot(asked, frames, searches)),
    )


# -- the sentence ---------------------------------------------------------------------------------


def _sentence(asked: Asked, frame: pd.DataFrame) -> str:
    """Return what cannot be carried at the last probability, by strategy."""
    least = asked.search.least[-1]
    rows = _of(frame, UNSERVED, least)
    shown = rows[rows["value"].notna()].to_dict("records")
    where = f"On {short(plain(asked.network), 48)}"
    if not shown:
        return f"{where} no state of {', '.join(asked.kinds)} is as likely as {least:g}."
    subject = _subject(asked, shown)
    others = [f"{short(str(row['strategy']))} {_gbps(row)}" for row in shown if row is not subject]
    rest = f"; {', '.join(others)}" if others else ""
    return (
        f"{where} under {short(str(subject['strategy']))}, {_gbps(subject)} of"
        f" {asked_gbps(asked):,.4g} Gbps cannot be carried in the worst case that is as likely as"
        f" {least:g} ({_down(subject)}), {_single(subject)}{rest}."
    )


def _subject(asked: Asked, rows: list[dict[Any, Any]]) -> dict[Any, Any]:
    """The strategy in the sentence: one that moves traffic and can be had, or else the first."""
    real = [
        row for row in rows
        if not asked.strategies[row["strategy"]].is_static
        and not asked.strategies[row["strategy"]].bound
    ]  # fmt: skip
    return (real or rows)[0]


def asked_gbps(asked: Asked) -> float:
    """Return the most that may be asked for across the border."""
    return sum(side.demands.most_gbps for side in asked.search.case.sides.values())


def _gbps(row: Mapping[Any, Any]) -> str:
    """Return ``807 Gbps``, or ``807 to 1,730 Gbps`` where the bound is above the value."""
    value, bound = float(row["value"]), float(row["bound"])
    if bound <= value * (1.0 + _APART) + 1e-6:
        return f"{value:,.4g} Gbps"
    return f"{value:,.4g} to {bound:,.4g} Gbps"


def _down(row: Mapping[Any, Any]) -> str:
    faults = str(row["faults"])
    return "nothing is down" if faults == "nothing" else f"{short(faults, 80)} down"


def _single(row: Mapping[Any, Any]) -> str:
    single, times = float(row["single_failure_value"]), float(row["times_single"])
    if math.isnan(times):
        return f"where no single failure costs more than {single:,.4g}"
    return f"{times:.2g} times the worst single failure ({row['single_failure']})"


def _head(asked: Asked) -> str:
    elements = counted(len(asked.search.elements), "element")
    meaning = (
        "exactly these down and all others up" if asked.search.exactly
        else "all of these down, whatever the others are"
    )  # fmt: skip
    return (
        f"Failures: any number of {elements} ({', '.join(asked.kinds)}); probability of {meaning}."
        f" Demands: {asked.span.words}."
    )


# -- the tables that are shown --------------------------------------------------------------------


def _of(frame: pd.DataFrame, metric: str, least: float) -> pd.DataFrame:
    return pd.DataFrame(frame[(frame["metric"] == metric) & (frame["probability"] == least)])


def _section(frame: pd.DataFrame, least: float) -> Section:
    """A row for each strategy: what is unserved, and how full the fullest exit is."""
    unserved = _of(frame, UNSERVED, least).to_dict("records")
    levels = _of(frame, UTILISATION, least).set_index("strategy").to_dict("index")
    lines = [_line(row, levels[row["strategy"]]) for row in unserved]
    heads = ["Gbps unserved", "at most", "single", "times", "fullest exit", "down"]
    return Section(f"As likely as {least:g}", heads, lines)


def _line(row: Mapping[Any, Any], level: Mapping[Any, Any]) -> Row:
    value, bound = float(row["value"]), float(row["bound"])
    if math.isnan(value):
        return Row(short(str(row["strategy"])), tuple(Cell("-") for _ in range(6)))
    exact = bound <= value * (1.0 + _APART) + 1e-6
    times = float(row["times_single"])
    cells = (
        Cell(f"{value:,.1f}"),
        Cell("exact" if exact else f"{bound:,.1f}"),
        Cell(f"{row['single_failure_value']:,.1f}"),
        Cell("-" if math.isnan(times) else f"{times:.2f}"),
        Cell(_level(level)),
        Cell(short(str(row["faults"]), _LONGEST_FAULTS)),
    )
    return Row(short(str(row["strategy"])), cells)


def _level(level: Mapping[Any, Any]) -> str:
    """Return the utilisation of the fullest exit; words where somebody is cut off."""
    value, bound = float(level["value"]), float(level["bound"])
    if math.isinf(value):
        return "cut off" if level["cut_off"] else "no way on"
    if bound > value * (1.0 + _APART):
        return f"{100 * value:,.0f} % to {100 * bound:,.0f} %"
    return f"{100 * value:,.0f} %"


# -- what to bear in mind -------------------------------------------------------------------------


def _foot(
    asked: Asked, frames: Mapping[str, pd.DataFrame], searches: Mapping[str, StrategySearch]
) -> list[str]:
    foot = _cut_off(frames["worst"])
    foot += _taken(searches)
    foot += _two_ends(asked, searches)
    foot += _as_routed(frames["worst"], searches)
    foot += _proof(asked, searches)
    foot += _fewer(asked, frames["fewer_faults"])
    foot += assumed_words(asked.search.elements) or [_stated(asked)]
    foot += [side.net.relaxed for side in asked.search.case.sides.values() if side.net.relaxed][:1]
    foot.append(
        "Demands are those of the matrix, without shapes of time. Elements fail independently:"
        " earthquakes and typhoons, which take several cables, are likelier than this says."
    )
    bounds = [name for name, each in asked.strategies.items() if each.bound]
    if bounds:
        foot.append(f"A bound, which does what nobody can: {_names(bounds)}.")
    return foot


def _cut_off(frame: pd.DataFrame) -> list[str]:
    """Who is cut off, or has not enough beyond the exits, at the rarest probability."""
    rows = frame[(frame["metric"] == UTILISATION) & (frame["value"] == math.inf)]
    lines: dict[str, list[str]] = {}
    for row in rows.to_dict("records"):
        who = (
            f"cut off: {row['cut_off']}" if row["cut_off"]
            else f"not enough beyond the exits: {row['at']}"
        )  # fmt: skip
        text = f"At {row['probability']:g} {who} ({short(str(row['faults']), 80)} down)"
        lines.setdefault(text, []).append(str(row["strategy"]))
    return [f"{text}: {_names(names)}." for text, names in lines.items()]


def _taken(searches: Mapping[str, StrategySearch]) -> list[str]:
    """How each strategy is taken, those alike together."""
    lines: dict[str, list[str]] = {}
    for name, found in searches.items():
        words = {way: found.behaviour.words[way] for way in found.search.case.sides}
        alike = len(set(words.values())) == 1
        text = next(iter(words.values())) if alike else "; ".join(
            f"{way}: {each}" for way, each in words.items()
        )  # fmt: skip
        lines.setdefault(text, []).append(name)
    return [f"{_names(names)}: {text}." for text, names in lines.items()]


def _two_ends(asked: Asked, searches: Mapping[str, StrategySearch]) -> list[str]:
    """How each end of a bracket of announcements is asked for by itself."""
    moved = [name for name, each in searches.items() if each.behaviour.announced]
    if not moved or asked.inbound != ANNOUNCED:
        return []
    return [
        f"How far announcements move traffic depends on neighbours, so that {_names(moved)} stand"
        " between two ends. Each end alone is exact at the exits: --inbound steered, --inbound"
        " static."
    ]


def _as_routed(frame: pd.DataFrame, searches: Mapping[str, StrategySearch]) -> list[str]:
    rows = frame[(frame["metric"] == UNSERVED) & frame["as_routed_gbps"].notna()]
    worse = rows[rows["as_routed_gbps"] > rows["value"] * 1.01 + 0.1].to_dict("records")
    last = {row["strategy"]: row for row in worse}
    return [
        f"{short(name)} as its scheme routes loses {row['as_routed_gbps']:,.4g} Gbps there (at"
        f" {row['probability']:g}): "
        + (
            "links beyond the exits lose some as well."
            if set(searches[name].behaviour.kind.values()) == {FIXED}
            else "beyond 100 % it still balances utilisation, and a better one would carry more."
        )
        for name, row in last.items()
    ]


def _proof(asked: Asked, searches: Mapping[str, StrategySearch]) -> list[str]:
    if all(set(each.behaviour.kind.values()) == {FIXED} for each in searches.values()):
        return [
            "Exact at the exits; at most counts what links before and after them may lose as well."
        ]
    proof, network = asked.search.case.separability, asked.search.case.network
    where = f"{100 * proof.utilisation:.0f} % on {network.arc_name(proof.arc)}" if (
        proof.arc >= 0) else "no links"  # fmt: skip
    if proof.holds:
        return [
            "Exits alone decide: shortest paths at home carry every share of the gateways"
            f" ({where}). For routes that do not follow traffic the value is exact at the exits,"
            " and at most counts what links before and after them may lose as well."
        ]
    return [
        f"Not proven with the backbone: {counted(proof.arcs_over, 'link direction')} at home may be"
        f" too full ({where} with shortest paths), so that at most adds"
        f" {proof.over_gbps:,.4g} Gbps."
    ]


def _fewer(asked: Asked, frame: pd.DataFrame) -> list[str]:
    """The second setting: a fifth of the faults."""
    rows = frame[frame["probability"] == asked.search.least[-1]].to_dict("records")
    parts = [f"{short(str(row['strategy']))} {row['value']:,.4g}" for row in rows]
    if not parts:
        return []
    return [
        f"With a fifth of the faults, at {asked.search.least[-1]:g}: {', '.join(parts)} Gbps."
        " No figure moves the answer more."
    ]


def _stated(asked: Asked) -> str:
    marked = {
        each["of"]: each.get("mark", "") for each in asked.search.case.network.about.estimates
    }
    mark = marked.get("reliability", "")
    return f"Rates of failure and repair are those stated{f', {mark} there' if mark else ''}."


def _names(names: Any) -> str:
    return ", ".join(short(str(name)) for name in names)


def _draw(bars: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw the bars, on a figure of pyplot if no other is given."""
    from simulator.figures.plotter import Plotter
    from simulator.figures.worst_bars import WorstBarsData

    return Plotter(WorstBarsData(*bars), "worst", new_figure).worst_bars(width=width)
