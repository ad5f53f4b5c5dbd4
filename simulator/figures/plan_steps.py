"""Plan steps: what each strategy orders when, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.plan_data import PlanData
from simulator.figures.style import Axes, Canvas

_BAR_IN = 0.2
_GAP_IN = 0.62
_MOST_LINKS = 24


@figure("plan_steps")
class PlanSteps(Figure):
    """What is ordered when, and where? Gbps of every link, a colour for each period."""

    question = "What is ordered when, and where?"
    of = "plan"
    order = 1

    def data(self, subject: PlanData) -> PlanData:
        """Return the plans that order anything, those that are alike once."""
        if subject.steps.empty:
            raise NothingToShow("nothing has to be ordered")
        return subject

    def draw(self, data: PlanData, fig: Canvas) -> Axes:
        """Draw a panel for each strategy, a bar for each link, by period."""
        groups = _alike(data.steps)
        periods = sorted(set(data.steps["period"]))
        colours = {p: style.COLOURS[i % len(style.COLOURS)] for i, p in enumerate(periods)}
        narrow = style.layout_width(fig) < style.NARROW_IN
        rows = [data.steps[data.steps["strategy"] == names[0]] for names in groups]
        shown = [_links(each) for each in rows] if narrow else [_links(data.steps)] * len(rows)
        heights = [0.3 + _BAR_IN * len(links) for links in shown]
        first = {p: data.steps[data.steps["period"] == p]["order"].iloc[0] for p in periods}
        legend = [style.stroke(f"ordered {first[p]}", color=colours[p], lw=5) for p in periods]
        foot = page(
            fig, f"{self.question} {_costs(data, groups)}", legend,
            f"{style.sentence(data.title or data.network)}, on {data.network}. Gbps that are"
            " ordered on each link so that the target is kept; strategies whose orders are alike"
            " share a panel." + (" The links with the most." if _more(data.steps) else ""),
            sum(heights) + _GAP_IN * len(heights) if narrow else max(heights) + _GAP_IN,
        )  # fmt: skip
        labels = [[style.name(link, 18 if narrow else 24) for link in links] for links in shown]
        left = style.label_room([each for some in labels for each in some])
        count = 1 if narrow else len(groups)
        wide = (style.layout_width(fig) - left - 0.15 - 0.2 * (count - 1)) / count
        sizes = [_totals(each, links, periods) for each, links in zip(rows, shown, strict=True)]
        shared = max(float(each.sum(axis=0).max()) for each in sizes)
        ax: Any = None
        for place, names in enumerate(groups):
            below = sum(heights[place + 1 :]) + _GAP_IN * len(heights[place + 1 :])
            right, up = (0.0, below) if narrow else (place * (wide + 0.2), 0.0)
            ax = panel(fig, left + right, foot + 0.36 + up, wide, heights[place])
            _bars(ax, sizes[place], [colours[p] for p in periods])
            ticks = labels[place] if narrow or place == 0 else [""] * len(labels[place])
            ax.set_yticks(np.arange(len(ticks)), ticks)
            ax.set_xlim(0, 1.04 * shared)
            ax.locator_params(axis="x", nbins=4)
            ax.xaxis.set_major_formatter("{x:,.0f}")
            ax.set_xlabel("Gbps ordered")
            ax.set_title(", ".join(style.name(n, 16) for n in names), fontsize=style.LABEL_PT,
                         loc="left")  # fmt: skip
            ax.grid(visible=False, axis="y")
        return ax


def _bars(ax: Axes, sizes: np.ndarray, colours: list[str]) -> None:
    """Draw a bar for each link, the periods one after the other."""
    at, base = np.arange(sizes.shape[1]), np.zeros(sizes.shape[1])
    for row, colour in zip(sizes, colours, strict=True):
        ax.barh(at, row, left=base, height=0.72, color=colour)
        base = base + row
    ax.set_ylim(len(at) - 0.4, -0.6)


def _alike(steps: pd.DataFrame) -> list[list[str]]:
    """Return strategies in groups with the same orders; at most four groups."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, rows in steps.groupby("strategy", sort=False):
        key = tuple(rows[["period", "element", "kind", "module_gbps", "modules"]].itertuples(
            index=False, name=None))  # fmt: skip
        groups.setdefault(key, []).append(str(name))
    return list(groups.values())[:4]


def _more(steps: pd.DataFrame) -> bool:
    return steps["element"].nunique() > _MOST_LINKS


def _links(steps: pd.DataFrame) -> list[str]:
    """Return the links that are raised, those with the most first."""
    sums = steps.groupby("element")["gbps"].sum()
    order = sorted(sums.index, key=lambda link: (-sums[link], link))
    return [str(each) for each in order[:_MOST_LINKS]]


def _totals(steps: pd.DataFrame, links: list[str], periods: list[int]) -> np.ndarray:
    wide = steps.pivot_table(index="period", columns="element", values="gbps", aggfunc="sum")
    return np.asarray(wide.reindex(index=periods, columns=links).fillna(0.0).to_numpy())


def _costs(data: PlanData, groups: list[list[str]]) -> str:
    costs = data.plans.set_index("strategy")["cost"]
    parts = [f"{style.name(names[0], 16)} for {costs[names[0]]:,.6g}" for names in groups]
    unit = data.unit.replace(" ", "\N{NO-BREAK SPACE}")
    return f"{', '.join(parts)}{f' {unit}' if unit else ''}"
