"""Price of nines: what each share of time costs for each commitment."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.style import Axes, Canvas

_HEIGHT_IN = 2.5


class NinesData(NamedTuple):
    """What the picture is of.

    Attributes
    ----------
    rows : pandas.DataFrame
        Table ``nines`` of a plan.
    network, title : str
    unit : str
        Of prices; empty where it is not known.
    """

    rows: pd.DataFrame
    network: str
    title: str
    unit: str


@figure("price_of_nines")
class PriceOfNines(Figure):
    """What does each nine cost? Cost by share of time, a line for each commitment."""

    question = "What does each nine cost?"
    of = "plan_nines"
    order = 1

    def data(self, subject: NinesData) -> NinesData:
        """Return the rows that can be had."""
        if not subject.rows["cost"].notna().any():
            raise NothingToShow("no share of time that was asked for can be bought")
        return subject

    def draw(self, data: NinesData, fig: Canvas) -> Axes:
        """Draw a line for each commitment; bars down to the bound where it is not proven."""
        names = list(dict.fromkeys(data.rows["commitment"]))
        levels = sorted(set(data.rows["availability"]))
        looks = [style.look(place) for place in range(len(names))]
        legend = [style.stroke(style.name(n), **k) for n, k in zip(names, looks, strict=True)]
        legend.append(style.stroke("as things are", color="black", marker="v", ls="none"))
        if data.rows["cost"].isna().any():
            legend.append(style.stroke("cannot be bought", color="black", marker="x", ls="none"))
        unit = data.unit or "unit of prices"
        foot = page(
            fig, f"{self.question} {_title(data)}", legend,
            f"{style.sentence(data.title or data.network)}, on {data.network}. The least that has"
            " to be bought so that a commitment is kept for a share of time, with traffic steered"
            " at will; enough for every smaller share as well. Thin lines: what is not proven.",
            _HEIGHT_IN + 0.5,
        )  # fmt: skip
        ax = panel(fig, 0.72, foot + 0.42, style.layout_width(fig) - 0.9, _HEIGHT_IN)
        top = float(data.rows["cost"].max()) or 1.0
        for name, look in zip(names, looks, strict=True):
            _line(ax, data.rows[data.rows["commitment"] == name], look, top)
        ticks = _nines(np.array(levels))
        ax.set_xticks(ticks, [f"{100 * each:.10g} %" for each in levels])
        ax.tick_params(axis="x", which="minor", length=0)
        ax.set(xlabel="share of time (by nines)", ylabel=f"cost ({unit})")
        ax.set_ylim(-0.06 * top, 1.12 * top)
        ax.yaxis.set_major_formatter("{x:,.0f}")
        return ax


def _nines(share: np.ndarray) -> np.ndarray:
    """Return shares of time as numbers of nines."""
    return np.asarray(-np.log10(np.maximum(1.0 - share, 1e-9)))


def _line(ax: Axes, rows: pd.DataFrame, look: dict[str, Any], top: float) -> None:
    at, cost = _nines(rows["availability"].to_numpy()), rows["cost"].to_numpy(dtype=float)
    bound = rows["bound"].to_numpy(dtype=float)
    now = _nines(rows["now"].to_numpy()[:1])
    # A cost is enough for every smaller share as well: what is between is no slope.
    along = _curve(at, cost, float(now[0]))
    ax.plot(*along, **{**look, "marker": "none"}, drawstyle="steps-pre")
    ax.plot(at, cost, **{**look, "ls": "none"}, ms=4)
    apart = bound < cost * (1 - 1e-6)
    ax.vlines(at[apart], bound[apart], cost[apart], color="black", lw=0.9)
    gone = np.isnan(cost)
    ax.plot(at[gone], np.full(int(gone.sum()), 1.06 * top), "x", color=look["color"], ms=5)
    if at.min() - 0.5 <= now[0] <= at.max() + 0.5:
        ax.plot(now, [0.03 * top], "v", color=look["color"], mec="black", ms=5, zorder=5)


def _curve(at: np.ndarray, cost: np.ndarray, now: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a line: nothing has to be bought up to what is kept as things are."""
    if not at.min() < now < at.max():
        return at, cost
    at, cost = np.append(at, now), np.append(cost, 0.0)
    order = np.argsort(at)
    return at[order], cost[order]


def _title(data: NinesData) -> str:
    first = data.rows["commitment"].iloc[0]
    rows = data.rows[data.rows["commitment"] == first].dropna(subset=["cost"])
    if rows.empty:
        return f"{style.name(first, 40)} cannot be bought"
    last = rows.iloc[-1]
    unit = f" {data.unit}" if data.unit else ""
    level = f"{100 * last['availability']:g} %"
    return f"{style.name(first, 40)}: {last['cost']:,.6g}{unit} for {level}"
