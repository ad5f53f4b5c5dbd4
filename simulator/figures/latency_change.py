"""Latency change: whom a strategy brings nearer, by province and region."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.errors import unknown_name
from simulator.figures import run_data, style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.run_data import RunView
from simulator.figures.run_page import source
from simulator.figures.style import Axes, Canvas
from simulator.model.demands import INTERNATIONAL
from simulator.results.results import Results

MOST_ROWS, MOST_COLUMNS = 40, 20
_ROW_IN, _BAR_IN = 0.165, 0.55


class LatencyChanges(NamedTuple):
    """Change of mean latency, in ms, weighted by what both strategies carry.

    Attributes
    ----------
    strategy, base : str
    ms : pandas.DataFrame
        Rows are ends at home, columns ends abroad; NaN where nothing flows.
    mean_ms : float
        Of all international traffic together.
    """

    run: RunView
    strategy: str
    base: str
    ms: pd.DataFrame
    mean_ms: float


@figure("latency_change")
class LatencyChangeMap(Figure):
    """Who gets nearer to whom? Change of mean latency by province and region.

    Parameters
    ----------
    strategy : str, optional
        The last one that is no bound when left out.
    base : str, optional
        What it is compared with; the first strategy when left out.
    """

    question = "Who gets nearer to whom?"
    order = 4.5
    standard: ClassVar[bool] = False

    strategy: str | None = None
    base: str | None = None

    def data(self, results: Results) -> LatencyChanges:
        """Return the change of mean latency of every pair, both directions together."""
        run = RunView.of(results)
        if results.run["scenario"]["record"]["demands"] != "pair":
            raise NothingToShow(
                "latency by province and region needs rows by pair: record: {demands: pair}"
            )
        strategy, base = _chosen(results, self.strategy, self.base)
        sums = {name: _sums(run, name) for name in (base, strategy)}
        means = {name: each["weighted"] / each["carried"] for name, each in sums.items()}
        apart = (means[strategy] - means[base]).unstack()
        weight = sums[base]["carried"].unstack().reindex_like(apart).fillna(0.0)
        rows = weight.sum(axis=1).sort_values(ascending=False, kind="stable").index
        columns = weight.sum().sort_values(ascending=False, kind="stable").index
        total = {name: each.sum() for name, each in sums.items()}
        mean = {name: each["weighted"] / each["carried"] for name, each in total.items()}
        return LatencyChanges(
            run, strategy, base, apart.loc[rows, columns], float(mean[strategy] - mean[base])
        )

    def draw(self, data: LatencyChanges, fig: Canvas) -> Axes:
        """Draw a cell for every pair, violet where it is faster and orange where it is slower."""
        table = data.ms.iloc[:MOST_ROWS, :MOST_COLUMNS]
        values = table.to_numpy()
        most = float(np.nanmax(np.abs(values), initial=1e-3))
        rows = [style.name(each, 20) for each in table.index]
        columns = [style.name(each, 18) for each in table.columns]
        height, wide = _ROW_IN * len(rows), style.layout_width(fig)
        left = style.label_room(rows)
        across = wide - left - _BAR_IN - 0.1
        level = style.label_room(columns) <= across / len(columns)
        below = 0.35 if level else style.label_room(columns)
        left_out = data.ms.size - table.size
        foot = page(
            fig,
            f"{self.question} {style.name(data.strategy)} against {style.name(data.base)}:"
            f" {_words(data.mean_ms)} on average, {_extremes(data.ms)}",
            [],
            source(
                data.run,
                [
                    "change of mean one-way latency in ms, both directions, by what is carried;"
                    " the largest ends first",
                    f"{left_out} more pairs are in the demands table" if left_out else "",
                ],
            ),
            height + below + 0.1,
        )
        ax = panel(fig, left, foot + below, across, height)
        drawn = ax.imshow(values, aspect="auto", cmap="PuOr_r", vmin=-most, vmax=most)
        ax.set_facecolor(style.PALE)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_xticks(range(len(columns)), columns)
        if not level:
            ax.tick_params(axis="x", labelrotation=60)
            for label in ax.get_xticklabels():
                label.set_horizontalalignment("right")
        ax.tick_params(length=0)
        ax.grid(visible=False)
        bar = panel(fig, wide - _BAR_IN, foot + below, 0.12, height - 0.15)
        fig.colorbar(drawn, cax=bar)
        bar.set_title("ms", fontsize=style.LABEL_PT)
        return ax


def _chosen(results: Results, strategy: str | None, base: str | None) -> tuple[str, str]:
    """Return the strategy in question, and what it is compared with."""
    names = results.strategies
    for name in (strategy, base):
        if name is not None and name not in names:
            raise unknown_name(f"no strategy named {name!r}", name, names)
    base = base or next(name for name in names if name != strategy)
    others = [name for name in names if name != base]
    if strategy is None and not others:
        raise NothingToShow("one strategy alone has nothing to be compared with")
    built = [name for name in others if name not in results.bounds]
    return strategy or (built or others)[-1], base


def _sums(run: RunView, strategy: str) -> pd.DataFrame:
    """Return what is carried and its latency, summed over time and replications, by pair."""
    found: list[pd.DataFrame] = []
    columns = ["carried_gbps", "latency_ms"]
    for name, parts in run_data.demand_rows(run, None, columns):
        if name != strategy:
            continue
        for rows in parts:
            out = (rows["class"] == INTERNATIONAL[0]).to_numpy()
            ends = rows[["source", "target"]].astype(object).to_numpy()
            here, there = np.where(out, ends.T[0], ends.T[1]), np.where(out, ends.T[1], ends.T[0])
            carried = rows["carried_gbps"].to_numpy()
            frame = pd.DataFrame(
                {
                    "home": here,
                    "abroad": there,
                    "carried": carried,
                    "weighted": carried * np.nan_to_num(rows["latency_ms"].to_numpy()),
                }
            )
            found.append(frame.groupby(["home", "abroad"], sort=True).sum())
    return pd.concat(found).groupby(level=[0, 1]).sum()


def _words(ms: float) -> str:
    """Return a change in words."""
    if abs(ms) < 0.005:
        return "no change"
    return f"{abs(ms):.2f} ms {'slower' if ms > 0 else 'faster'}"


def _extremes(ms: pd.DataFrame) -> str:
    """Return the pair that gains most, and the one that loses most."""
    values = ms.to_numpy()
    parts = []
    for at in dict.fromkeys((int(np.nanargmin(values)), int(np.nanargmax(values)))):
        row, column = np.unravel_index(at, values.shape)
        ends = ms.index.to_list()[row], ms.columns.to_list()[column]
        pair = f"{style.name(ends[0], 20)} to {style.name(ends[1], 18)}"
        parts.append(f"{pair} {_words(float(values[row, column]))}")
    return ", ".join(parts)
