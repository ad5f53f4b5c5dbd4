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
        links = _links(data.steps)
        height = 0.3 + _BAR_IN * len(links)
        first = {p: data.steps[data.steps["period"] == p]["order"].iloc[0] for p in periods}
        legend = [style.stroke(f"ordered {first[p]}", color=colours[p], lw=5) for p in periods]
        foot = page(
            fig, f"{self.question} {_costs(data, groups)}", legend,
            f"{style.sentence(data.title or data.network)}, on {data.network}. Gbps that are"
            " ordered on each link so that the target is kept; strategies whose orders are alike"
            " share a panel." + (" The links with the most." if _more(data.steps) else ""),
            height + 0.62,
        )  # fmt: skip
        labels = [style.name(link, 24) for link in links]
        left = style.label_room(labels)
        wide = (style.layout_width(fig) - left - 0.15 - 0.2 * (len(groups) - 1)) / len(groups)
        shared = max(_totals(data.steps[data.steps["strategy"] == names[0]], links, periods)
                     .sum(axis=0).max() for names in groups)  # fmt: skip
        ax: Any = None
        for place, names in enumerate(groups):
            ax = panel(fig, left + place * (wide + 0.2), foot + 0.36, wide, height)
            sizes = _totals(data.steps[data.steps["strategy"] == names[0]], links, periods)
            at, base = np.arange(len(links)), np.zeros(len(links))
            for row, period in zip(sizes, periods, strict=True):
                ax.barh(at, row, left=base, height=0.72, color=colours[period])
                base += row
            ax.set_yticks(at, labels if place == 0 else [""] * len(at))
            ax.set_ylim(len(links) - 0.4, -0.6)
            ax.set_xlim(0, 1.04 * shared)
            ax.set_xlabel("Gbps ordered")
            ax.set_title(", ".join(style.name(n, 16) for n in names), fontsize=style.LABEL_PT,
                         loc="left")  # fmt: skip
            ax.grid(visible=False, axis="y")
        return ax


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
    return f"{', '.join(parts)}{f' {data.unit}' if data.unit else ''}"
