"""Statistics: means, quantiles, intervals over replications and paired differences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator.results.intervals import Estimates, Kinds, estimate, estimate_difference
from simulator.results.metrics import metric

KEYS = ["strategy", "metric", "scope", "unit"]
COLUMNS = [*KEYS, "mean", "ci_low", "ci_high", "replications"]
ESTIMATES = [*COLUMNS, "least", "most", "above", "below", "rare", "needs"]
"""Columns of a summary, and what else the replications say of its figures."""


# -- of weighted values -------------------------------------------------------------------------


def weighted_quantiles(values: np.ndarray, weights: np.ndarray, shares: list[float]) -> list[float]:
    """Smallest values that these shares of the weight do not exceed; NaN without weight."""
    # Not np.quantile(..., weights=weights, method="inverted_cdf"), although it agrees on the
    # built-in scenarios. It normalises the cumulated weights without a tolerance: of 126 quantiles
    # of equal weights such as 0.1, 36 were the neighbour of the right one (the median of 20 values
    # was the 11th). It also takes longer (numpy 2.4.6, 288 values: 65 against 12 us; 20,000 values:
    # 5.2 against 2.9 ms), and refuses weights that are all zero.
    order: np.ndarray | slice = slice(None)
    if (values[1:] < values[:-1]).any():
        order = np.argsort(values)
    cumulated = np.cumsum(weights[order])
    if not len(cumulated) or not cumulated[-1] > 0:
        return [float("nan")] * len(shares)
    at = np.searchsorted(cumulated, np.array(shares) * cumulated[-1] * (1 - 1e-12))
    return [float(value) for value in values[order][at]]


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean by weight; NaN without weight."""
    total = float(weights.sum())
    return float(values @ weights / total) if total > 0 else float("nan")


def jain(values: np.ndarray) -> np.ndarray:
    """Jain's fairness index over the first axis: 1 when all are equal, 1/n when one has all.

    NaN values are left out. Source: Jain, Chiu and Hawe, DEC TR-301, 1984.
    """
    there = np.isfinite(values)
    x = np.where(there, values, 0.0)
    count, square = there.sum(axis=0), (x**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(square > 0, x.sum(axis=0) ** 2 / (count * square), np.nan)


# -- over replications --------------------------------------------------------------------------


def summarise(figures: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % interval over replications, where replications are enough for one.

    Parameters
    ----------
    figures : pandas.DataFrame
        Columns ``replication, strategy, metric, scope, unit, value``.

    Returns
    -------
    pandas.DataFrame
        Columns ``strategy, metric, scope, unit, mean, ci_low, ci_high, replications``.
    """
    return estimates(figures)[COLUMNS]


def differences(figures: pd.DataFrame) -> pd.DataFrame:
    """Paired differences against the first strategy, replication by replication.

    Returns
    -------
    pandas.DataFrame
        As :func:`summarise`.
    """
    return estimated_differences(figures)[COLUMNS]


def estimates(figures: pd.DataFrame) -> pd.DataFrame:
    """Return what :func:`summarise` does, and beside it what else the replications say.

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`summarise`, then ``least, most, above, below, rare, needs`` as in
        :class:`simulator.results.intervals.Estimates`.
    """
    wide = by_replication(figures)
    return _frame(wide, estimate(wide.to_numpy(dtype=float), kinds_of(wide.index)))


def estimated_differences(figures: pd.DataFrame) -> pd.DataFrame:
    """Return what :func:`differences` does, with the further columns of :func:`estimates`."""
    wide = by_replication(figures)
    order = list(dict.fromkeys(figures["strategy"]))
    base = pd.DataFrame(wide.xs(order[0], level="strategy"))
    parts = []
    for strategy in order[1:]:
        now = pd.DataFrame(wide.xs(strategy, level="strategy"))
        sides = (now, base.reindex(now.index))
        named = (pd.concat({strategy: side}, names=["strategy"]) for side in sides)
        parts.append(paired(*named))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=ESTIMATES)


def paired(now: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Return the estimates of paired differences.

    Parameters
    ----------
    now, base : pandas.DataFrame
        As :func:`by_replication` gives them, with the same rows and columns.
    """
    values = now.to_numpy(dtype=float), base.to_numpy(dtype=float)
    return _frame(now, estimate_difference(*values, kinds_of(now.index)))


def by_replication(figures: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each figure and a column for each replication, in order of appearance."""
    order = pd.MultiIndex.from_frame(figures[KEYS].drop_duplicates())
    wide = figures.pivot(index=KEYS, columns="replication", values="value")
    return pd.DataFrame(wide.reindex(order))


def kinds_of(rows: pd.MultiIndex | pd.Index) -> Kinds:
    """Return how the figures of rows spread, from the catalogue."""
    names = rows.get_level_values("metric")
    declared = {name: metric[name] for name in names.unique()}
    return Kinds(
        spread=np.array([declared[name].spread for name in names], dtype=str),
        signed=np.array([declared[name].signed for name in names], dtype=bool),
    )


def _frame(wide: pd.DataFrame, found: Estimates) -> pd.DataFrame:
    """Return estimates as a table; columns of ``ESTIMATES``."""
    columns = {"mean": found.mean, "ci_low": found.low, "ci_high": found.high}
    columns["replications"] = np.full(len(wide), wide.shape[1])
    more = {name: getattr(found, name) for name in ESTIMATES[len(COLUMNS) :]}
    return wide.index.to_frame(index=False).assign(**columns, **more)
