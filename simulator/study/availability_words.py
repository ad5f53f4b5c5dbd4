"""Words: availability as a sentence, tables, and what to bear in mind."""

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
from simulator.study.behaviour import BETWEEN, FREE, Behaviour
from simulator.study.levels import ALL, EVERY
from simulator.study.outages import Outages
from simulator.study.served import BY_CUTS, BY_SCHEME, Found, Question

_SHOWN = 14
_ELEMENTS = 5
_APART = 5e-7
_VERDICTS = {"yes": "met", "no": "missed", "not told": "not told"}


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title, network : str
    strategies : mapping of str to Strategy
    behaviours : mapping of str to Behaviour
    question : Question
    outages : Outages
    kinds : tuple of str
        Kinds of elements that fail.
    moments : int
        Moments of a day that traffic is looked at; 0 where it stands still.
    years : int
    """

    title: str
    network: str
    strategies: Mapping[str, Strategy]
    behaviours: Mapping[str, Behaviour]
    question: Question
    outages: Outages
    kinds: tuple[str, ...]
    moments: int
    years: int


def answer_of(
    asked: Asked, frames: Mapping[str, pd.DataFrame], found: Found, folder: Path
) -> Answer:
    """Return the answer: sentence, sections, foot, and the picture."""
    bars = frames["availability"], plain(asked.network), asked.title
    return Answer(
        f"Availability: {plain(asked.title)}",
        _sentence(asked, frames),
        frames,
        {"availability_bars": partial(_draw, bars)},
        folder,
        [_head(asked)],
        [_levels(asked, frames["availability"]), _lost(frames["lost"]),
         _elements(asked, frames["elements"])],
        list(_foot(asked, found)),
    )  # fmt: skip


def _subject(asked: Asked) -> str:
    """The strategy in the sentence: one that moves traffic and can be had, or else the first."""
    moves = [name for name, each in asked.strategies.items() if not each.is_static]
    real = [name for name in moves if not asked.strategies[name].bound]
    return next(iter(real or moves or asked.strategies))


def _sentence(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> str:
    """Return whether what is required is met; without that, the first level of all traffic."""
    frame, subject = frames["availability"], _subject(asked)
    required = frame[frame["required"].notna()]
    where = f"On {short(plain(asked.network), 48)}"
    if len(required):
        return f"{where} {_required(required, subject)}."
    first = frame[frame["scope"] == (ALL if (frame["scope"] == ALL).any() else
                                     frame["scope"].iloc[0])]  # fmt: skip
    level = first["level"].iloc[0]
    rows = first[first["level"] == level].set_index("strategy").to_dict("index")
    others = [f"{short(str(n))} {_time(row)}" for n, row in rows.items() if n != subject]
    lost = frames["lost"].set_index("strategy")
    mine = lost.loc[[subject]].iloc[0]
    what = first["scope"].iloc[0]
    return (
        f"{where} under {short(subject)}, {level} of {'all traffic' if what == ALL else what} is"
        f" {'carried' if level.endswith('%') else 'met'} {_time(rows[subject])} of the time, and"
        f" {_volume(mine['lost_tbit_per_year'])} Pbit a year are lost"
        f"{'; ' if others else ''}{', '.join(others)}."
    )


def _required(rows: pd.DataFrame, subject: str) -> str:
    parts = []
    for (scope, level), each in rows.groupby(["scope", "level"], sort=False):
        by = each.set_index("strategy").to_dict("index")
        need = 100 * by[subject]["required"]
        words = [
            f"{short(str(name))} {_time(row)} ({_VERDICTS[row['is_met']]})"
            for name, row in by.items()
        ]
        parts.append(f"{level} of {scope} is asked for {need:g} % of the time: {', '.join(words)}")
    return "; ".join(parts)


def _time(row: Mapping[Any, Any]) -> str:
    value, most = float(row["availability"]), float(row["at_most"])
    if most - value > _APART:
        return f"{_percent(value)} to {_percent(most)}"
    return _percent(value)


def _volume(tbit: float) -> str:
    """Return Pbit of so many Tbit: ``4,975`` or ``0.0312``."""
    pbit = tbit / 1000.0
    return f"{pbit:,.0f}" if pbit >= 1000 else f"{pbit:.3g}"


def _percent(value: float) -> str:
    """Return a share of time with its nines: ``99.987 %``."""
    if value >= 1.0 - 1e-12:
        return "100 %"
    digits = 1 if value < 0.9 else max(1, math.ceil(-math.log10(max(1.0 - value, 1e-12))))
    return f"{100 * value:.{min(digits, 8)}f} %"


def _head(asked: Asked) -> str:
    outages, elements = asked.outages, counted(len(asked.question.states.elements), "element")
    states = f"{len(outages.down):,} states"
    how = {
        "listed": f"{states}, all of them" if not outages.missing else
        f"the {states} that are likeliest, all but {outages.missing:.1e} of the time",
        "simulated": f"{states} in {asked.years:,} years of faults and repairs",
        "sampled": f"{states} in {outages.samples:,} samples, rare ones more often than they are",
    }[outages.how]  # fmt: skip
    moments = f"at {counted(asked.moments, 'moment')} of a day" if asked.moments else "as stated"
    return (
        f"{elements} ({', '.join(asked.kinds)}) fail and are repaired independently: {how}, each"
        f" with traffic {moments}."
    )


# -- the tables that are shown --------------------------------------------------------------------


def _levels(asked: Asked, frame: pd.DataFrame) -> Section:
    """A row for each scope and level, a column for each strategy."""
    names = list(asked.strategies)
    lines = []
    groups = frame.groupby(["scope", "level"], sort=False)
    order = sorted(groups, key=lambda each: (each[0][0] not in (ALL, EVERY),))
    for (scope, level), rows in order[:_SHOWN]:
        by = rows.set_index("strategy").to_dict("index")
        label = f"{short(str(scope), 30)}  {level}"
        lines.append(Row(label, tuple(Cell(_time(by[name])) for name in names)))
    return Section("Met for so much of the time", [short(name) for name in names], lines)


def _lost(frame: pd.DataFrame) -> Section:
    """What all traffic loses in a year."""
    rows = frame[frame["scope"] == ALL].to_dict("records")
    lines = [
        Row(
            short(str(row["strategy"])),
            (
                Cell(_volume(row["lost_tbit_per_year"])),
                Cell(_volume(row["at_least"])),
                Cell(f"{100 * row['share_of_demand']:.3g} %"),
            ),
        )
        for row in rows
    ]
    return Section("Lost in a year", ["Pbit", "at least", "of demand"], lines)


def _elements(asked: Asked, frame: pd.DataFrame) -> Section:
    """The elements that cost most, under the strategy in the sentence."""
    subject = _subject(asked)
    rows = frame[frame["strategy"] == subject].head(_ELEMENTS).to_dict("records")
    lines = [
        Row(
            short(str(row["element"]), 32),
            (
                Cell(_percent(row["unavailability"])),
                Cell(f"{row['importance']:.3f}"),
                Cell(_volume(row["lost_tbit_per_year"])),
            ),
        )
        for row in rows
    ]
    heads = ["down", "importance", "Pbit a year"]
    return Section(f"Elements that cost most under {short(subject)}", heads, lines)


# -- what to bear in mind -------------------------------------------------------------------------


def _foot(asked: Asked, found: Found) -> list[str]:
    foot = []
    by_cuts = [name for name, (_, high) in found.items() if high.how == BY_CUTS]
    if by_cuts:
        proof = asked.question.case.separability
        foot.append(
            f"Regions are cut back alike, as far as no routing can avoid: {_names(by_cuts)}."
            + ("" if proof.holds else " The backbone may be too small for that: an upper bound.")
        )
    asked_self = [name for name, (low, _) in found.items() if low.how == BY_SCHEME]
    if asked_self:
        foot.append(
            f"The scheme was asked in the likeliest states, and the rest counts as missed:"
            f" {_names(asked_self)}."
        )
    between = [n for n, b in asked.behaviours.items() if BETWEEN in b.kind.values()]
    if between:
        foot.append(
            f"Two figures, static routes and free steering, where traffic is moved by announcements"
            f" or in part: {_names(between)}."
        )
    free = [n for n, b in asked.behaviours.items() if FREE in b.kind.values()]
    if free:
        foot.append(
            f"Controllers have reacted; what is lost until then is left out: {_names(free)}."
        )
    foot.append(
        "Importance: how much likelier the first level is met with the element up than down. Pbit a"
        " year: what would be lost less if it never failed."
    )
    foot += assumed_words(asked.question.states.elements) or [
        "Rates of failure and repair are those stated."
    ]
    bounds = [name for name, each in asked.strategies.items() if each.bound]
    if bounds:
        foot.append(f"A bound, which does what nobody can: {_names(bounds)}.")
    return foot


def _names(names: Any) -> str:
    return ", ".join(short(str(name)) for name in names)


def _draw(bars: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw the bars, on a figure of pyplot if no other is given."""
    from simulator.figures.availability_bars import AvailabilityData
    from simulator.figures.plotter import Plotter

    plotter = Plotter(AvailabilityData(*bars), "availability", new_figure)
    return plotter.availability_bars(width=width)
