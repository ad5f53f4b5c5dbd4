"""Swept: what the figures of a sweep show, and the places of values on their axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.figures import words


class SweptAxis(NamedTuple):
    """The values of a key on an axis.

    Attributes
    ----------
    key : str
    values : sequence
        In the order of the axis.
    numbers : sequence of float or None
        Where they stand; side by side where they are words.
    """

    key: str
    values: Sequence[Any]
    numbers: Sequence[float] | None

    @property
    def label(self) -> str:
        """The key, and how its values change what stands in the scenario."""
        first = str(self.values[0])
        if self.numbers is None or not isinstance(self.values[0], str):
            return self.key
        return f"{self.key}, " + (
            "factor" if first[0] in "x*" else "change" + (", %" if "%" in first else "")
        )

    def at(self, values: Sequence[Any]) -> np.ndarray:
        """Return where values stand."""
        numbers = range(len(self.values)) if self.numbers is None else self.numbers
        place = {_text(value): float(x) for value, x in zip(self.values, numbers, strict=True)}
        return np.array([place[_text(value)] for value in values])

    def row_of(self, values: Sequence[Any]) -> np.ndarray:
        """Return the places of values in the order of the axis."""
        place = {_text(value): i for i, value in enumerate(self.values)}
        return np.array([place[_text(value)] for value in values])

    @property
    def texts(self) -> list[str]:
        """The values in words."""
        return [
            f"{value:,.6g}"
            if isinstance(value, int | float) and not isinstance(value, bool)
            else _text(value)
            for value in self.values
        ]


class Swept(NamedTuple):
    """What a figure of a sweep shows.

    Attributes
    ----------
    rows : pandas.DataFrame
        Of the table ``points``, of one metric and scope, with a number each.
    axes : sequence of SweptAxis
    is_grid : bool
        Whether there is a point for each combination.
    target : float or None
        What the metric is held to.
    network, scenario : str
        What was simulated.
    answer : str
        The sentence of the sweep.
    """

    rows: pd.DataFrame
    axes: Sequence[SweptAxis]
    is_grid: bool
    target: float | None
    network: str
    scenario: str
    answer: str

    @property
    def strategies(self) -> list[str]:
        """Strategies in the order of the scenario."""
        return list(dict.fromkeys(self.rows["strategy"]))

    @property
    def scale(self) -> float:
        """What figures are multiplied with to be written."""
        return 100.0 if words.is_share(self.rows["metric"].iloc[0]) else 1.0

    @property
    def label(self) -> str:
        """The metric with its unit."""
        first = self.rows.iloc[0]
        return words.metric_label(first["metric"], first["scope"], first["unit"])

    def of(self, strategy: str) -> pd.DataFrame:
        """Return the rows of a strategy."""
        return pd.DataFrame(self.rows[self.rows["strategy"] == strategy])

    @property
    def source(self) -> str:
        """What was simulated, in words."""
        count = self.rows["point"].nunique()
        days = int(self.rows["replications"].max())
        said = f"means over {days} replications" if days > 1 else "one replication"
        of = f"{self.scenario or self.network}, simulated on {self.network}."
        return f"{of[:1].upper()}{of[1:]} {count:,} points, {said}; all points have the same draws."


def _text(value: Any) -> str:
    return str(value.item() if isinstance(value, np.generic) else value)
