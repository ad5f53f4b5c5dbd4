"""Words: the value of capacity as a sentence, a table, and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import Cell, Row, counted, plain, short, shorts
from simulator.control.strategy import Strategy
from simulator.model.network import Network
from simulator.study.answer import Answer, Section
from simulator.study.elements import BOTH, CABLE
from simulator.study.value_rows import DIFFERENCES, FIGURES, FIXED, INEXACT

MOST_SHOWN = 10
"""Elements of each strategy that are shown; the table ``value`` has all."""
_KINK = 1e-3


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title : str
    network : Network
    strategies : mapping of str to Strategy
    by : str
        The figure that ranks.
    target : float
    """

    title: str
    network: Network
    strategies: Mapping[str, Strategy]
    by: str
    target: float


def answer_of(asked: Asked, frames: Mapping[str, pd.DataFrame], folder: Path) -> Answer:
    """Return the answer: sentence, sections, foot, and the picture."""
    subject = _subject(asked.strategies)
    looked = frames["strategies"].set_index("strategy").to_dict("index")
    network = short(plain(asked.network.name), 48)
    names = [subject, *(name for name in asked.strategies if name != subject)]
    bars = frames["value"], subject, asked.by, plain(asked.network.name), asked.title
    return Answer(
        f"Value of capacity: {plain(asked.title)}",
        f"On {network} under {short(subject)}, {_sentence(_of(frames, subject))}.",
        frames,
        {"value_bars": partial(_draw, bars)},
        folder,
        [_head(looked[subject], subject)],
        [_section(_of(frames, name), name, looked[name]) for name in names],
        _foot(asked, frames),
    )


def _subject(strategies: Mapping[str, Strategy]) -> str:
    """The strategy in the sentence: one that moves traffic and can be had, or else the first."""
    moves = [name for name, each in strategies.items() if not each.is_static]
    real = [name for name in moves if not strategies[name].bound]
    return next(iter(real or moves or strategies))


def _of(frames: Mapping[str, pd.DataFrame], strategy: str) -> pd.DataFrame:
    frame = frames["value"]
    return pd.DataFrame(frame[frame["strategy"] == strategy])


def worthless(rows: pd.DataFrame) -> np.ndarray:
    """Rows in which a Gbps more changes neither the fullest link nor headroom."""
    columns = [f"{FIGURES[each]}_per_gbps_more" for each in ("mlu", "headroom")]
    return np.asarray((rows[columns].fillna(0.0) == 0.0).all(axis=1), dtype=bool)


# -- the sentence ---------------------------------------------------------------------------------


def _sentence(rows: pd.DataFrame) -> str:
    """Return what is worth most, and how many links are worth nothing at the peak."""
    links = rows[(rows["direction"] == BOTH) & (rows["kind"] != CABLE)]
    nothing, total = int(worthless(links).sum()), len(links)
    rest = f"{nothing} of {counted(total, 'link')} {'is' if nothing == 1 else 'are'} worth nothing"
    best = links.to_dict("records")[0]
    gains = _gains(best)
    if not gains:
        return "1 Gbps more is worth nothing on any single link: no link alone holds the others up"
    return f"1 Gbps at {plain(best['element'])} is worth most: {gains}; {rest} at the peak"


def _gains(row: Mapping[Any, Any]) -> str:
    """Return what one Gbps more changes: ``the fullest link -1.6 points, latency -1.4 us``."""
    words = {
        "mlu": ("the fullest link", 100.0, " points"),
        "latency": ("mean latency", 1000.0, " µs"),
        "headroom": ("headroom", 1.0, ""),
    }
    parts = []
    for figure, (name, scale, unit) in words.items():
        change = row[f"{FIGURES[figure]}_per_gbps_more"]
        if math.isfinite(change) and change != 0:
            parts.append(f"{name} {scale * change:+.3g}{unit}")
    return ", ".join(parts)


def _head(looked: Mapping[Any, Any], subject: str) -> str:
    return (
        f"{short(subject)}: fullest link {100 * looked['mlu']:.1f} % at {looked['peak_h']:.1f} h,"
        f" headroom {_factor(looked['headroom'])}; latency over"
        f" {counted(int(looked['sampled']), 'moment')} of {int(looked['instants'])}."
    )


def _factor(value: float) -> str:
    if math.isnan(value):
        return "none without exits"
    return f"x{value:.2f}" if math.isfinite(value) else "without an end"


# -- the tables that are shown --------------------------------------------------------------------


def _section(rows: pd.DataFrame, name: str, looked: Mapping[Any, Any]) -> Section:
    """The elements that are worth most to a strategy, without directions worth the same."""
    shown = _without_repeats(rows[~_zero(rows)]).head(MOST_SHOWN).to_dict("records")
    labels = shorts([str(row["element"]) for row in shown], 32)
    lines = [
        Row(
            label,
            (
                Cell(str(row["kind"])),
                Cell(str(row["direction"])),
                Cell(_cell(row, "mlu", 100.0)),
                Cell(_cell(row, "latency", 1000.0)),
                Cell(_cell(row, "headroom", 1.0)),
            ),
        )
        for label, row in zip(labels, shown, strict=True)
    ]
    lines = lines or [Row("none", tuple(Cell(text) for text in ("", "", "0", "0", "0")))]
    heads = ["kind", "way", "MLU, points", "latency, µs", "headroom"]
    return Section(f"Worth most under {short(name, 24)} ({looked['how']})", heads, lines)


def _zero(rows: pd.DataFrame) -> np.ndarray:
    columns = [f"{column}_per_gbps_{side}" for column in FIGURES.values()
               for side in ("more", "less")]  # fmt: skip
    return np.asarray((rows[columns].fillna(0.0) == 0.0).all(axis=1), dtype=bool)


def _without_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """An exit with both directions together is left out where one of them says the same."""
    alone = rows[(rows["kind"] == "exit") & (rows["direction"] != BOTH)]
    apart = set(alone["element"])
    keep = (rows["kind"] != "exit") | (rows["direction"] != BOTH) | ~rows["element"].isin(apart)
    return pd.DataFrame(rows[keep])


def _cell(row: Mapping[Any, Any], figure: str, scale: float) -> str:
    """Return a change per Gbps; both sides where they differ: ``-1.2 | -3.4``."""
    more, less = (scale * row[f"{FIGURES[figure]}_per_gbps_{side}"] for side in ("more", "less"))
    if not math.isfinite(more):
        return "-"
    if abs(more - less) <= _KINK * max(abs(more), abs(less)):
        return _number(more)
    return f"{_number(more)} | {_number(less)}"


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:+.3g}"


# -- what to bear in mind -------------------------------------------------------------------------


def _foot(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    looked = frames["strategies"]
    foot = [
        "Change per Gbps, in each direction of a link; a Gbps on a cable is shared out over what"
        " rides it. Two figures: as a Gbps is added | as one is taken away. Latency is propagation"
        f" alone, headroom to {100 * asked.target:g} % at the exits. The table value has the rest.",
        "Traffic is known and controllers have time to act, on the first day as stated.",
    ]
    fixed = looked.loc[looked["how"] == FIXED, "strategy"]
    if len(fixed):
        foot.append(f"Routes stay as planned, so that latency does too: {_names(fixed)}.")
    twice = looked.loc[looked["how"] == DIFFERENCES, "strategy"]
    if len(twice):
        foot.append(f"Without a program, routed again with 1 % more and less: {_names(twice)}.")
    lands = looked.loc[looked["lands"].astype(bool), "strategy"]
    if len(lands):
        foot.append(f"Inbound traffic stays where it landed: {_names(lands)}.")
    if not len(asked.network.exits):
        foot.append("There are no exits, so there is no headroom.")
    else:
        foot += _without_headroom(looked)
    bounds = [name for name, each in asked.strategies.items() if each.bound]
    if bounds:
        foot.append(f"A bound, which does what nobody can: {_names(bounds)}.")
    return foot


def _without_headroom(looked: pd.DataFrame) -> list[str]:
    halved = looked.loc[looked["headroom_how"] == INEXACT, "strategy"]
    endless = looked.loc[np.isinf(looked["headroom"]), "strategy"]
    foot = []
    if len(halved):
        foot.append(
            f"Headroom is found by halving, to 0.1 %, too coarse for a change per Gbps:"
            f" {_names(halved)}."
        )
    if len(endless):
        foot.append(f"No international traffic takes the exits: {_names(endless)}.")
    return foot


def _names(names: Any) -> str:
    return ", ".join(short(str(name)) for name in names)


def _draw(bars: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw the bars, on a figure of pyplot if no other is given."""
    from simulator.figures.plotter import Plotter
    from simulator.figures.value_bars import ValueBarsData

    return Plotter(ValueBarsData(*bars), "value", new_figure).value_bars(width=width)
