"""Plan nines words: the price of each nine as a sentence, a table and a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from simulator.base.text import Cell, Row, plain
from simulator.model.reliability import assumed_words
from simulator.study.answer import Answer, Section
from simulator.study.plan_words import Asked, estimates_words, money, unit


def nines_answer(asked: Asked, frames: Mapping[str, pd.DataFrame], folder: Path) -> Answer:
    """Return the answer: sentence, sections, foot and picture."""
    nines, network = frames["nines"], plain(asked.case.market.before.name)
    subject = nines, network, asked.title, unit(asked)
    return Answer(
        f"Price of availability: {plain(asked.title)}", _sentence(asked, nines), frames,
        {"price_of_nines": partial(_draw, subject)}, folder, [_head(asked)],
        list(_sections(frames)), list(_foot(asked, nines)),
    )  # fmt: skip


def _sentence(asked: Asked, nines: pd.DataFrame) -> str:
    first = nines["commitment"].iloc[0]
    rows = nines[nines["commitment"] == first].to_dict("records")
    parts = [f"{_level(row)} {_costs(asked, row)}" for row in rows]
    return (
        f"On {plain(asked.case.market.before.name)}, {first} is kept for"
        f" {100 * rows[0]['now']:.4g} % of the time as things are: {', '.join(parts)}."
    )


def _level(row: Mapping[Any, Any]) -> str:
    return f"{100 * row['availability']:.10g} %"


def _costs(asked: Asked, row: Mapping[Any, Any]) -> str:
    if math.isnan(row["cost"]):
        return "cannot be bought"
    if row["augments"] == 0:
        return "costs nothing"
    return f"costs {money(asked, row['cost'])} (+{row['gbps']:,.0f} Gbps at exits)"


def _head(asked: Asked) -> str:
    case, up = asked.case, asked.case.upgrades
    kinds = ", ".join(up.failures)
    latency = "no limit on latency" if up.stretch_ms is None else (
        f"latency at most {up.stretch_ms:g} ms above the fastest way from the gateway on"
    )  # fmt: skip
    return (
        f"{len(case.elements)} elements fail on their own ({kinds}); traffic is steered at will up"
        f" to capacity; {latency}."
    )


def _sections(frames: Mapping[str, pd.DataFrame]) -> list[Section]:
    heads = ["now", "cost", "proven from", "reached", "Gbps", "augments", "hopeless"]
    found = []
    for words, rows in frames["nines"].groupby("commitment", sort=False):
        lines = [_line(row) for row in rows.to_dict("records")]
        found.append(Section(str(words), heads, lines))
    return found


def _line(row: Mapping[Any, Any]) -> Row:
    now, hopeless = Cell(f"{100 * row['now']:.4f} %"), Cell(f"{row['hopeless']:.2g}")
    if math.isnan(row["cost"]):
        return Row(_level(row), (now, Cell("no plan"), *(Cell("-") for _ in range(4)), hopeless))
    cells = (
        now, Cell(f"{row['cost']:,.6g}"), Cell(f"{row['bound']:,.6g}"),
        Cell(f"{100 * row['reached']:.4f} %"), Cell(f"{row['gbps']:,.0f}"),
        Cell(f"{row['augments']:,.0f}"), hopeless,
    )  # fmt: skip
    return Row(_level(row), cells)


def _foot(asked: Asked, nines: pd.DataFrame) -> list[str]:
    foot = [
        f"{_level(row)} of {row['commitment']}: {row['status']}."
        for row in nines.to_dict("records") if row["status"]
    ]  # fmt: skip
    foot += list(asked.case.market.notes)
    foot += estimates_words(asked)
    foot += assumed_words(asked.case.elements)
    foot.append(
        "How often whole cables fail moves these prices more than anything else; elements fail"
        " independently here, while an earthquake takes several. Hopeless is the share of time in"
        " which even all that can be bought would not keep the promise. Left out: the backbone at"
        " home, and what is lost until a controller has reacted."
    )
    return foot


def _draw(subject: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw the picture, on a figure of pyplot if no other is given."""
    from simulator.figures.plotter import Plotter
    from simulator.figures.price_of_nines import NinesData

    return Plotter(NinesData(*subject), "plan_nines", new_figure).price_of_nines(width=width)
