"""Plan savings: how much capacity a hose saves, by how much pairs move on their own."""

from __future__ import annotations

import pandas as pd

from simulator.figures import style
from simulator.figures.figure import Figure, NothingToShow, figure
from simulator.figures.page import page, panel
from simulator.figures.plan_data import PlanData
from simulator.figures.style import Axes, Canvas

_HEIGHT_IN = 2.3


@figure("plan_savings")
class PlanSavings(Figure):
    """How much capacity does planning on sums save? Against the noise of single pairs."""

    question = "How much exit capacity does planning on sums save?"
    of = "plan"
    order = 2

    def data(self, subject: PlanData) -> PlanData:
        """Return the sets at several noises."""
        rows = subject.sets[subject.sets["saving"].notna() & (subject.sets["set"] != "pipe")]
        if rows["noise"].nunique() < 2:
            raise NothingToShow("sets of demands were compared at one noise only")
        return subject._replace(sets=pd.DataFrame(rows))

    def draw(self, data: PlanData, fig: Canvas) -> Axes:
        """Draw a line for each set, and what is published."""
        names = list(dict.fromkeys(data.sets["set"]))
        published = float(data.sets["published"].iloc[0])
        looks = [style.look(place) for place in range(len(names))]
        legend = [style.stroke(name, **look) for name, look in zip(names, looks, strict=True)]
        legend.append(style.stroke("published (Meta, 2021)", color="black", lw=0.9, ls=style.DOTS))
        top = data.sets["saving"].max()
        foot = page(
            fig, f"{self.question} Up to {100 * top:.0f} %", legend,
            f"{style.sentence(data.title or data.network)}, on {data.network}. Part of all exit"
            " capacity that planning for the peak of every pair would need more, with traffic"
            " steered at will, by how much single pairs move from hour to hour.",
            _HEIGHT_IN + 0.5,
        )  # fmt: skip
        ax = panel(fig, 0.62, foot + 0.42, style.layout_width(fig) - 0.8, _HEIGHT_IN)
        for name, look in zip(names, looks, strict=True):
            rows = data.sets[data.sets["set"] == name].sort_values("noise")
            ax.plot(rows["noise"], 100 * rows["saving"], **look, ms=4)
        ax.axhline(100 * published, color="black", lw=0.9, ls=style.DOTS)
        ax.set(xlabel="deviation of the logarithm of a pair", ylabel="exit capacity saved (%)")
        ax.set_ylim(bottom=0.0)
        return ax
