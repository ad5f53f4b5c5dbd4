"""Failed: what the figures of a screening of failures show, and which failures they compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import style


class FailedData(NamedTuple):
    """A screening of failures.

    Attributes
    ----------
    cases, exits : pandas.DataFrame
        Tables of the study.
    strategies : sequence of str
        In the order of the scenario.
    network, title : str
    target : float
        Utilisation that exits are held to.
    """

    cases: pd.DataFrame
    exits: pd.DataFrame
    strategies: Sequence[str]
    network: str
    title: str
    target: float

    def worst(self, count: int) -> list[str]:
        """Return the cases that hurt most: the worst of each strategy, then the second worst."""
        ranked = [self.cases.loc[self.cases["strategy"] == name, "case"].tolist()
                  for name in self.strategies]  # fmt: skip
        turns = (case for rank in zip(*ranked, strict=True) for case in rank)
        return list(dict.fromkeys(turns))[:count]

    def of(self, strategy: str, cases: Sequence[str]) -> pd.DataFrame:
        """Return the rows of some cases of a strategy, in this order."""
        mine = self.cases[self.cases["strategy"] == strategy].drop_duplicates("case")
        return mine.set_index("case").reindex(list(cases)).reset_index()

    def used(self, strategy: str, cases: Sequence[str], exits: Sequence[str]) -> np.ndarray:
        """Return how full the fuller direction of exits is, shape (cases, exits); NaN if down."""
        mine = self.exits[self.exits["strategy"] == strategy]
        table = mine.pivot_table(
            index="case", columns="exit", values="utilisation", aggfunc="max", dropna=False
        )
        return table.reindex(index=list(cases), columns=list(exits)).to_numpy(dtype=float)

    def answer(self) -> str:
        """Return the worst failure of each strategy in a few words."""
        parts = []
        for name in self.strategies:
            first = self.cases[self.cases["strategy"] == name].iloc[0]
            lost = first["lost_gbps_after"]
            words = f"{lost:,.0f} Gbps" if lost >= 0.5 else "next to nothing"
            parts.append(f"{style.name(name)} loses {words} ({style.name(first['case'], 30)})")
        return f"At the worst failure {', '.join(parts)}"

    @property
    def source(self) -> str:
        """What was tried, in words."""
        count = self.cases["case"].nunique()
        of = style.sentence(self.title or self.network)
        return f"{of}, on {self.network}. {count:,} cases, after the reaction of each strategy."
