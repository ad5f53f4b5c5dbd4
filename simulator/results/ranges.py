"""Ranges: how far figures move over worlds, which differ in what is not known.

An interval says how well few days tell the mean of many. A range says something else: between
which values the figure lies if what is assumed is as uncertain as stated. It reaches from the
value that 5 % of the drawn worlds do not exceed to the one that 95 % do not, each world being the
mean over its days, and always holds the figure as stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.results.statistics import KEYS, by_replication

LOW, HIGH = 0.05, 0.95
"""Shares of the worlds below the ends of a range."""
COLUMNS = ["of", *KEYS, "stated", "low", "median", "high", "worlds"]


class Draws(NamedTuple):
    """How many worlds a run has, and how many days each.

    Replications are numbered through: the days of the world as stated, then those of the first
    that is drawn, and so on.

    Attributes
    ----------
    worlds : int
        The one as stated and those that are drawn.
    days, drawn_days : int
        Days of the one as stated, and of each other.
    """

    worlds: int
    days: int
    drawn_days: int

    @classmethod
    def of(cls, replications: int | Mapping[str, int | None]) -> Draws:
        """Read them from the key of a scenario."""
        if isinstance(replications, int):
            return cls(1, replications, replications)
        days = int(replications.get("days") or 1)
        drawn = int(replications.get("drawn_days") or days)
        return cls(int(replications.get("worlds") or 1), days, drawn)

    @property
    def replications(self) -> int:
        """Replications in all."""
        return self.days + (self.worlds - 1) * self.drawn_days

    def place(self, replication: int) -> tuple[int, int]:
        """Return the world and the day of a replication."""
        if replication < self.days:
            return 0, replication
        world, day = divmod(replication - self.days, self.drawn_days)
        return world + 1, day


def stated(figures: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return the figures of the world as stated: the first days.

    Parameters
    ----------
    figures : pandas.DataFrame
        Columns ``replication, strategy, metric, scope, unit, value``; see `Draws`.
    days : int
        Days of each world.
    """
    return figures[figures["replication"] < days]


def by_world(figures: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Return a row for each figure and a column for each world: means over its days."""
    wide = by_replication(figures)
    world = [draws.place(int(replication))[0] for replication in wide.columns]
    return pd.DataFrame(wide.T.groupby(np.array(world, dtype=np.int64)).mean().T)


def ranges(figures: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Return the range of every figure, and of its paired differences from the first strategy.

    Returns
    -------
    pandas.DataFrame
        Columns ``of`` (figure or difference), ``strategy, metric, scope, unit, stated, low,
        median, high, worlds``; no rows if there are no drawn worlds.
    """
    if figures.empty or figures["replication"].max() < draws.days:
        return pd.DataFrame(columns=COLUMNS)
    wide = by_world(figures, draws)
    first = wide.index.get_level_values("strategy")[0]
    base = pd.DataFrame(wide.xs(first, level="strategy"))
    others = [name for name in wide.index.unique("strategy") if name != first]
    parts = [range_of(wide).assign(of="figure")]
    for name in others:
        parts.append(apart(wide, base, name).assign(of="difference"))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def apart(wide: pd.DataFrame, base: pd.DataFrame, strategy: str) -> pd.DataFrame:
    """Return the ranges of the differences of a strategy from *base*, world by world."""
    now = pd.DataFrame(wide.xs(strategy, level="strategy"))
    rows = now.index.intersection(base.index, sort=False)
    with np.errstate(invalid="ignore"):  # no limit less no limit
        difference = now.loc[rows] - base.loc[rows]
    return range_of(pd.concat({strategy: difference}, names=["strategy"]))


def range_of(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the ranges of rows that have a column for each world, the first as stated.

    Without drawn worlds there are none.
    """
    if wide.shape[1] < 2:
        return pd.DataFrame(columns=COLUMNS[1:])
    values = wide.to_numpy(dtype=float)
    as_stated, drawn = values[:, 0], np.sort(values[:, 1:], axis=1)  # NaN comes last
    known = (~np.isnan(drawn)).sum(axis=1)
    low, median, high = (_ranked(drawn, known, share) for share in (LOW, 0.5, HIGH))
    return wide.index.to_frame(index=False).assign(
        stated=as_stated,
        low=np.fmin(low, as_stated),
        median=median,
        high=np.fmax(high, as_stated),
        worlds=known,
    )


def _ranked(drawn: np.ndarray, known: np.ndarray, share: float) -> np.ndarray:
    """Return the value of each row that a share of its known values do not exceed."""
    rank = np.clip(np.ceil(share * known - 1e-9).astype(int) - 1, 0, None)
    picked = np.take_along_axis(drawn, rank[:, None], axis=1)[:, 0]
    return np.where(known > 0, picked, np.nan)
