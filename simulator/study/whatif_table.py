"""What if, in figures: baseline and changes side by side, with paired differences and ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from simulator.results.ranges import by_world, range_of
from simulator.results.results import Results
from simulator.results.statistics import by_replication, estimates, paired
from simulator.scenario.rules import BASELINE
from simulator.study.evidence import Estimate, Shown
from simulator.study.headlines import (
    Headline,
    by_key,
    figures_of,
    pick,
    with_ranges,
)


def differences(results: Mapping[str, Results]) -> pd.DataFrame:
    """Every figure that baseline and change have in common, with its paired difference."""
    wide = {name: by_replication(each.figures) for name, each in results.items()}
    moved = _by_world(results, lambda each, worlds: each.all_figures)
    base = wide.pop(BASELINE)
    parts = []
    for name, there in wide.items():
        now, was = _common(there, base)
        apart = paired(now, was)
        ends = _ranges_apart(moved[name], moved[BASELINE])
        parts.append(
            now.index.to_frame(index=False).assign(
                baseline=was.to_numpy(dtype=float).mean(axis=1),
                change=name,
                value=now.to_numpy(dtype=float).mean(axis=1),
                difference=apart["mean"],
                ci_low=apart["ci_low"],
                ci_high=apart["ci_high"],
                range_low=ends["low"] if len(ends) else np.nan,
                range_high=ends["high"] if len(ends) else np.nan,
                replications=apart["replications"],
            )
        )
    return pd.concat(parts, ignore_index=True)


def _common(now: pd.DataFrame, base: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the figures and the replications that both have, in the order of *base*."""
    columns = base.columns.intersection(now.columns)
    rows = base.index.intersection(now.index, sort=False)
    return pd.DataFrame(now.loc[rows, columns]), pd.DataFrame(base.loc[rows, columns])


def shown_columns(
    results: Mapping[str, Results], figures: Mapping[str, pd.DataFrame], lines: list[Headline]
) -> list[dict[tuple[str, str, str], Shown]]:
    """Return what the columns of the tables show: the baseline, each change, each difference."""
    wide = {name: by_replication(each) for name, each in figures.items()}
    moved = _by_world(results, lambda each, worlds: pick(figures_of(each, worlds=worlds), lines))
    found = []
    for name in results:
        own = by_key(estimates(figures[name]))
        found.append(_all_shown(with_ranges(own, range_of(moved[name])), apart=False))
        if name != BASELINE:
            apart = by_key(paired(*_common(wide[name], wide[BASELINE])))
            ends = _ranges_apart(moved[name], moved[BASELINE])
            found.append(_all_shown(with_ranges(apart, ends), apart=True))
    return found


def _by_world(
    results: Mapping[str, Results], figures: Callable[..., pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return the figures of every run by world; the first is the one as stated."""
    return {
        name: by_world(figures(each, worlds=True), each.draws) for name, each in results.items()
    }


def _ranges_apart(now: pd.DataFrame, base: pd.DataFrame) -> pd.DataFrame:
    """Return the ranges of paired differences, world by world."""
    there, here = _common(now, base)
    with np.errstate(invalid="ignore"):  # no limit less no limit
        return range_of(there - here)


def _all_shown(
    found: Mapping[tuple[str, str, str], Estimate], *, apart: bool
) -> dict[tuple[str, str, str], Shown]:
    return {key: Shown(estimate, apart) for key, estimate in found.items()}
