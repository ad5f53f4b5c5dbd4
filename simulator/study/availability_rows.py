"""Availability rows: levels, lost volume and what each element means, as rows of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.model.reliability import YEAR_H, Element
from simulator.study.outages import Estimate, Outages, estimate
from simulator.study.served import Question, Served

_S_PER_H = 3600.0
Row = dict[str, Any]
Both = tuple[Served, Served]


def level_rows(name: str, both: Both, question: Question, outages: Outages) -> Iterator[Row]:
    """Yield a row for each level: for how much of the time it is met."""
    low, high = both
    for i, level in enumerate(question.judge.levels):
        sure, most = _met(outages, low.met[i]), _met(outages, high.met[i])
        required = level.required
        yield {
            "strategy": name, "scope": level.scope, "level": str(level),
            "availability": sure.value, "ci_low": sure.low, "ci_high": max(sure.high, most.high),
            "at_most": max(most.value, sure.value),
            "hours_missed_per_year": YEAR_H * (1.0 - sure.value),
            "required": required,
            "is_met": "" if np.isnan(required) else _verdict(sure, most, required),
            "how": low.how,
        }  # fmt: skip


def _met(outages: Outages, met: np.ndarray) -> Estimate:
    """Return the availability: less noise is in how often a level is missed.

    What is not known or not listed counts as missed in the value, and may be met.
    """
    known = np.isfinite(met)
    unknown = outages.missing + float(outages.weight[:, ~known].sum(axis=1).mean())
    missed = estimate(outages, np.where(known, 1.0 - met, 0.0), most=0.0)
    value = 1.0 - missed.value - unknown
    high = min(1.0 - missed.low, 1.0)
    return Estimate(value, max(1.0 - missed.high - unknown, 0.0), high)


def _verdict(sure: Estimate, most: Estimate, required: float) -> str:
    if sure.low >= required:
        return "yes"
    return "no" if max(sure.high, most.high) < required else "not told"


def lost_rows(name: str, both: Both, question: Question, outages: Outages) -> Iterator[Row]:
    """Yield a row for each scope: what is lost in a year, and in nine years of ten."""
    low, high = both
    asked = question.judge.lost(
        question.rates[question.mine], np.zeros((len(question.mine), question.rates.shape[1]))
    ).mean(axis=1)
    tbit = YEAR_H * _S_PER_H / 1000.0
    for i, scope in enumerate(question.judge.scopes):
        most = estimate(outages, low.lost_gbps[i], most=float(asked[i]))
        least = estimate(outages, high.lost_gbps[i], most=float(asked[i]))
        years = outages.weight @ np.nan_to_num(low.lost_gbps[i])
        yield {
            "strategy": name, "scope": scope, "lost_tbit_per_year": tbit * most.value,
            "ci_low": tbit * min(most.low, least.low), "ci_high": tbit * most.high,
            "at_least": tbit * min(least.value, most.value),
            "share_of_demand": most.value / asked[i] if asked[i] > 0 else np.nan,
            "one_year_in_ten": tbit * float(np.quantile(years, 0.9))
            if outages.how == "simulated" else np.nan,
        }  # fmt: skip


def element_rows(
    name: str, found: Served, question: Question, outages: Outages, elements: Sequence[Element]
) -> Iterator[Row]:
    """Yield a row for each element, those that cost most first.

    The importance of Birnbaum: how much likelier the first level is met with the element up than
    with it down. Cost: what would be lost less in a year if it never failed.
    """
    chance = outages.weight.mean(axis=0)
    first = _subject(question)
    lost = np.nan_to_num(found.lost_gbps[0])
    met = np.nan_to_num(found.met[first])
    rows: list[Row] = []
    for i, each in enumerate(elements):
        down = outages.down[:, i]
        with_it, without = _mean(chance, ~down, met), _mean(chance, down, met)
        cost = _mean(chance, np.ones(len(down), bool), lost) - _mean(chance, ~down, lost)
        rows.append({
            "strategy": name, "element": each.id, "kind": each.kind,
            "unavailability": each.unavailability, "mtbf_h": each.mtbf_h, "mttr_h": each.mttr_h,
            "importance": with_it - without,
            "lost_tbit_per_year": YEAR_H * _S_PER_H / 1000.0 * cost,
            "assumed": ", ".join(each.assumed),
        })  # fmt: skip
    yield from sorted(rows, key=lambda row: -float(row["lost_tbit_per_year"]))


def _subject(question: Question) -> int:
    """The level that importance is about: of all traffic, or else the first."""
    scopes = [level.scope for level in question.judge.levels]
    return scopes.index("all") if "all" in scopes else 0


def _mean(chance: np.ndarray, among: np.ndarray, figure: np.ndarray) -> float:
    total = float(chance[among].sum())
    return float(chance[among] @ figure[among]) / total if total > 0 else float("nan")
