"""Words: the answer on headroom as a sentence, tables that are shown, and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import Cell, Row, cell, counted, plain, short, shorts
from simulator.control.strategy import Strategy
from simulator.study.answer import Answer, Section
from simulator.study.calendar import EVER_SINCE, Calendar
from simulator.study.growing import Rates
from simulator.study.rooms import Wanted
from simulator.study.run_out import ALL

MOST_EXITS = 12
"""Exit directions in the table that is shown; the table ``run_out`` has all."""


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title, network : str
    drawn : int
        Worlds that were drawn.
    strategies : mapping of str to Strategy
    """

    title: str
    network: str
    wanted: Wanted
    calendar: Calendar
    rates: Rates
    drawn: int
    strategies: Mapping[str, Strategy]


def answer_of(asked: Asked, frames: Mapping[str, pd.DataFrame], folder: Path) -> Answer:
    """Return the answer: sentence, sections, foot, and the picture."""
    target = f"{100 * asked.wanted.target:g} %"
    when, network = asked.calendar, plain(asked.network)
    head = [
        f"Start: {_start(when)}. Growth: {asked.rates.words}.",
    ]
    curves = frames["run_out"], asked.wanted.target, asked.calendar, network, asked.title
    return Answer(
        f"Headroom: {plain(asked.title)}",
        f"At {target} {short(network, 48)} {_sentence(asked, frames)}.",
        frames,
        {"run_out": partial(_draw, curves)},
        folder,
        head,
        [
            _strategies(asked, frames, target),
            *_worth(asked, frames["worth"]),
            *_exits(asked, frames["run_out"]),
        ],
        _foot(asked, frames),
    )


# -- the sentence ---------------------------------------------------------------------------------


def _sentence(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> str:
    """Return when the baseline runs out, and how much later the strategy in question does."""
    whole = _whole(frames["run_out"])
    baseline, other = next(iter(asked.strategies)), _subject(asked)
    first = _clause(asked, whole[baseline], baseline)
    if other is None:
        return first
    second = _clause(asked, whole[other], other).removeprefix("runs out of exits ")
    worth = frames["worth"]
    row = worth[worth["strategy"] == other].to_dict("records")[0]
    return f"{first}, {second}: {_gain(asked, row)}"


def _subject(asked: Asked) -> str | None:
    """The strategy that is compared with the first: one with a controller that can be had."""
    others = list(asked.strategies)[1:]
    moves = [n for n in others if not asked.strategies[n].is_static]
    real = [name for name in moves if not asked.strategies[name].bound]
    return next(iter(real or moves or others), None)


def _clause(asked: Asked, row: Mapping[str, Any], name: str) -> str:
    under, where = f"under {short(name)}", exit_words(row["binds"])
    place = f" ({where})" if where else ""
    years = float(row["years"])
    if math.isnan(years):
        return f"has no exits to run out of {under}"
    when = asked.calendar
    if years > when.most_years:
        return f"runs out of exits {when.not_before} {under}"
    if years <= EVER_SINCE:
        return f"is out of exits at all times {under}{place}"
    verb = "has been out of exits" if years < 0 else "runs out of exits"
    return f"{verb} {when.when(years)} {under}{place}"


def _start(when: Calendar) -> str:
    return when.words if when.start is None else f"{when.start} ({when.words})"


def _gain(asked: Asked, row: Mapping[Any, Any]) -> str:
    """Return months and Gbps more, and the range of the months."""
    months, gbps = float(row["months"]), float(row["gbps"])
    parts = []
    if not abs(months) >= 0.5 and not abs(gbps) >= 0.5:
        return "no later, and no more traffic"
    if math.isfinite(months):
        parts.append(f"{counted(abs(round(months)), 'month')} {_more(months, 'later', 'earlier')}")
    if math.isfinite(gbps):
        parts.append(f"{abs(gbps):,.3g} Gbps {_more(gbps, 'more', 'less')}")
    low, high = float(row["months_low"]), float(row["months_high"])
    span = ""
    if math.isfinite(low) and math.isfinite(high) and round(low) != round(high):
        what = "what is assumed" if asked.drawn else "growth"
        how = "assumed" if asked.rates.assumed and not asked.drawn else "stated"
        span = f" ({low:.0f} to {high:.0f} months if {what} is as uncertain as {how})"
    return " and ".join(parts) + span if parts else "no end to compare"


def _more(value: float, up: str, down: str) -> str:
    return up if value >= 0 else down


def exit_words(scope: str) -> str:
    """Return ``exit:sh-sj:in`` as ``sh-sj, in``."""
    if not scope.startswith("exit:"):
        return ""
    name, way = scope.removeprefix("exit:").rsplit(":", 1)
    return f"{short(name)}, {way}"


def _whole(run_out: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    rows = run_out[run_out["exit"] == ALL].to_dict("records")
    return {str(row["strategy"]): {str(k): v for k, v in row.items()} for row in rows}


# -- tables that are shown ------------------------------------------------------------------------


def _strategies(asked: Asked, frames: Mapping[str, pd.DataFrame], target: str) -> Section:
    whole, factors = (
        _whole(frames["run_out"]),
        frames["headroom"].set_index("strategy")["factor"].to_dict(),
    )
    rows = []
    for name, label in zip(whole, shorts(whole), strict=True):
        factor = float(factors[name])
        rows.append(
            Row(
                label,
                (
                    cell(factor, math.nan, math.nan, "factor"),
                    Cell(_when(whole[name], asked.calendar)),
                    Cell(exit_words(whole[name]["binds"])),
                ),
            )
        )
    of = asked.wanted.of.removeprefix("region:")
    return Section(f"To {target} of every exit", [of, "runs out", "first exit"], rows)


def _worth(asked: Asked, worth: pd.DataFrame) -> list[Section]:
    """Return what each strategy is worth against the first."""
    if worth.empty:
        return []
    names = worth["strategy"].tolist()
    rows = [
        Row(label, (Cell(_signed(row, "gbps")), Cell(_signed(row, "months"))))
        for label, row in zip(shorts(names), worth.to_dict("records"), strict=True)
    ]
    baseline = short(next(iter(asked.strategies)))
    return [Section(f"Worth against {baseline}, at the same target", ["Gbps", "months"], rows)]


def _signed(row: Any, key: str) -> str:
    value, low, high = (float(row[f"{key}{end}"]) for end in ("", "_low", "_high"))
    if not math.isfinite(value):
        return "–"
    text = f"{value:+,.0f}" if abs(value) >= 10 or key == "months" else f"{value:+,.3g}"
    if math.isfinite(low) and math.isfinite(high) and f"{low:.0f}" != f"{high:.0f}":
        text += f" ({low:,.0f} to {high:,.0f})"
    return text


def _when(row: Mapping[str, Any], calendar: Calendar) -> str:
    """Return a date and its range, or what stands in its place."""
    years = float(row["years"])
    if math.isnan(years):
        return "room left"
    if years > calendar.most_years:
        return calendar.not_before
    if years <= EVER_SINCE:
        return "ever since"
    text = calendar.brief(years)
    if math.isnan(float(row["years_early"])):
        return text
    ends = [calendar.brief(float(row[key])) for key in ("years_early", "years_late")]
    return text if ends[0] == ends[1] else f"{text} ({ends[0]} to {ends[1]})"


def _exits(asked: Asked, run_out: pd.DataFrame) -> list[Section]:
    """Return the exit directions that run out first, by strategy."""
    each = run_out[run_out["exit"] != ALL]
    if each.empty:
        return []
    names = list(dict.fromkeys(each["strategy"]))
    keys = each[["exit", "direction"]].drop_duplicates()
    first = each.groupby(["exit", "direction"])["years"].min().fillna(np.inf)
    order = sorted(keys.itertuples(index=False, name=None), key=lambda key: (first[key], key))
    found = {
        (str(row["strategy"]), row["exit"], row["direction"]): row
        for row in each.to_dict("records")
    }
    rows = [
        Row(
            f"{label}, {key[1]}",
            tuple(Cell(_bare(found[(name, *key)], asked.calendar)) for name in names),
        )
        for key, label in zip(
            order[:MOST_EXITS], shorts([str(key[0]) for key in order[:MOST_EXITS]]), strict=True
        )
    ]
    return [Section("When each exit is at the target", shorts(names), rows)]


def _bare(row: Mapping[Any, Any], calendar: Calendar) -> str:
    return _when({**row, "years_early": math.nan}, calendar)


def _foot(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    foot = [
        "Static routes stay as planned. Of a strategy that moves traffic the exits with a date are"
        " those that no routing relieves on the day when it runs out; the others have room left"
        " then. Inbound traffic stays where it lands.",
    ]
    left = len(frames["run_out"][["exit", "direction"]].drop_duplicates()) - 1 - MOST_EXITS
    if left > 0:
        foot.append(f"{left} more exit directions are in the table run_out.")
    if asked.drawn:
        foot.append(f"Ranges: 5 to 95 % of {counted(asked.drawn, 'drawn world')}, and as stated.")
    elif asked.rates.has_range:
        foot.append("Ranges: growth at its low and at its high end, all else as stated.")
    else:
        foot.append("No range: none is stated for the growth; --worlds 20 draws what is not known.")
    bounds = [short(name) for name, each in asked.strategies.items() if each.bound]
    if bounds:
        foot.append(f"A bound, which does what nobody can: {', '.join(bounds)}.")
    bracket = frames["headroom"]
    if (bracket["factor"] == 0).any():
        foot.append("x0.00: some exit is past the target without this traffic.")
    loose = bracket[bracket["factor_high"] > bracket["factor"] * (1 + 1e-5)]
    if len(loose):
        names = ", ".join(short(str(name)) for name in loose["strategy"])
        foot.append(f"Found by halving, to 0.1 % of the traffic: {names}. All others are exact.")
    for row in bracket[bracket["link"] != ""].to_dict("records"):
        foot.append(
            f"{short(str(row['strategy']))}: {plain(str(row['link']))}, which is no exit, is full"
            f" at x{row['link_factor']:.3g} already."
        )
    return foot


def _draw(curves: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw when the exits run out, on a figure of pyplot if no other is given."""
    from simulator.figures.plotter import Plotter
    from simulator.figures.run_out import RunOutData

    return Plotter(RunOutData(*curves), "headroom", new_figure).run_out(width=width)
