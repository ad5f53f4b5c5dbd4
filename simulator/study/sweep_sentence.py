"""Sweep sentence: how far each strategy keeps a target over the points, or which point is best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import cell, counted, listed, short
from simulator.results.metrics import metric as catalogue
from simulator.scenario.scenario import Scenario
from simulator.study.axis import numbers_of
from simulator.study.design import Design
from simulator.study.sensitivity import form_of

MOST = 3
"""Strategies in the sentence; the table shows all."""


class _Reach(NamedTuple):
    """The points at which a strategy keeps the target."""

    strategy: str
    numbers: frozenset[int]


def sentence_of(
    scenario: Scenario, design: Design, rows: pd.DataFrame, target: float | None
) -> tuple[str, str]:
    """Return the answer of a sweep in a sentence: how it begins, and what it says.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of the table of points, of one figure.
    target : float or None
        What the figure is held to, at most; the best point is named where there is none.
    """
    keys = listed([short(key, 48) for key in design.keys])
    opening = f"Over {counted(design.count, 'point')} of {keys}"
    strategies = scenario.settings.strategies
    real = [name for name in strategies if not strategies[name].bound] or list(strategies)
    if target is None or rows.empty:
        return opening, _best(design, pd.DataFrame(rows[rows["strategy"].isin(real)]))
    kept = [_kept(name, rows, target) for name in real]
    kept = sorted(kept, key=lambda reach: -len(reach.numbers))
    return opening, _within(design, kept, _what(rows), target)


def _kept(strategy: str, rows: pd.DataFrame, target: float) -> _Reach:
    mine = rows[(rows["strategy"] == strategy) & (rows["mean"] <= target)]
    return _Reach(strategy, frozenset(mine["point"]))


def _what(rows: pd.DataFrame) -> str:
    scope = rows["scope"].iloc[0]
    ways = {
        "all": "every exit",
        "exits:out": "every exit outbound",
        "exits:in": "every exit inbound",
    }
    return ways.get(scope, str(scope).removeprefix("exit:"))


def _within(design: Design, kept: Sequence[_Reach], what: str, target: float) -> str:
    key = _ordered_key(design, kept)
    groups: dict[str, list[str]] = {}
    for reach in kept[:MOST]:
        groups.setdefault(_where(design, reach.numbers, key), []).append(short(reach.strategy))
    parts: list[str] = []
    named = False
    for where, names in groups.items():
        verb = "" if parts else f" {'keeps' if len(names) == 1 else 'keep'} {what}"
        verb += "" if parts else f" within {100 * target:g} %"
        limited = key is not None and (at := f" {short(key, 48)} = ") in where
        if limited and named:  # the key is named once
            where = where.replace(at, " ", 1)
        named = named or limited
        parts.append(f"{listed(names)}{verb} {where}")
    if named and len(design.keys) > 1:
        others = [short(each, 48) for each in design.keys if each != key]
        parts[-1] += f", whatever {others[0] if len(others) == 1 else 'the other keys'}"
    if (more := len(kept) - MOST) > 0:
        parts.append(f"{more} more of the strategies are in the table")
    return "; ".join(parts)


def _ordered_key(design: Design, kept: Sequence[_Reach]) -> str | None:
    """Return the first key with a limit on one side of which all values keep the target."""
    if len(design.keys) > 1 and not design.is_grid:
        return None  # no two points share a value
    for key in design.keys:
        if any(_limit(design, reach.numbers, key) for reach in kept[:MOST]):
            return key
    return None


def _where(design: Design, numbers: frozenset[int], key: str | None) -> str:
    if len(numbers) == design.count:
        return "at every point"
    if not numbers:
        return "at no point"
    found = _limit(design, numbers, key) if key else ""
    return found or f"at {len(numbers):,} of {counted(design.count, 'point')}"


def _limit(design: Design, numbers: frozenset[int], key: str) -> str:
    """Return up to, or from, which value of a key all points keep the target; nothing if none."""
    values = {repr(point.values[key]): point.values[key] for point in design.points}
    places = numbers_of(values.values())
    if len(values) < 2 or places is None:
        return ""
    order = [text for _, text in sorted(zip(places, values, strict=True))]
    missed = {repr(p.values[key]) for p in design.points if p.number not in numbers}
    good = [text not in missed for text in order]
    if all(good) or not any(good):
        return ""
    count = sum(good)
    if all(good[:count]):
        return f"up to {short(key, 48)} = {values[order[count - 1]]}"
    if all(good[-count:]):
        return f"from {short(key, 48)} = {values[order[-count]]}"
    return ""


def _best(design: Design, rows: pd.DataFrame) -> str:
    known = rows[np.isfinite(rows["mean"])]
    if known.empty:
        return "no point has the figure that was asked for"
    named, scope = known["metric"].iloc[0], known["scope"].iloc[0]
    words = named.replace("_", " ") + ("" if scope == "all" else f" ({scope})")
    better = catalogue[named].better
    best = known["mean"].idxmax() if better == "higher" else known["mean"].idxmin()
    worst = known["mean"].idxmin() if better == "higher" else known["mean"].idxmax()
    ends = [_figure(known.loc[at], named, design) for at in (best, worst)]
    first, second = {"higher": ("highest", "lowest")}.get(better, ("lowest", "highest"))
    return f"{words} is {first} with {ends[0]} and {second} with {ends[1]}"


def _figure(row: pd.Series, named: str, design: Design) -> str:
    value = cell(float(row["mean"]), np.nan, np.nan, form_of(named)).value
    point = design.points[int(row["point"])]
    what = ", ".join(f"{short(key, 48)} = {each}" for key, each in point.values.items())
    return f"{short(str(row['strategy']))} at {what} ({value})"
