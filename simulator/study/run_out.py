"""Run-out: rows of years become dates, with ranges over worlds and rates, and what SDN is worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from simulator.results.ranges import HIGH, LOW
from simulator.study.calendar import EVER_SINCE, Calendar
from simulator.study.growing import Rates
from simulator.study.rooms import FACTOR, FAST, SLOW, YEARS

ALL = "all"
Rows = Sequence[Mapping[str, Any]]


def least(rows: Rows, growth: str) -> dict[str, Mapping[str, Any]]:
    """Return the row of the least limit of each strategy, over states, directions and days."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["growth"] == growth:
            now = found.get(row["strategy"])
            if now is None or row["factor"] < now["factor"] or math.isnan(now["factor"]):
                found[row["strategy"]] = row
    return found


def by_exit(rows: Rows, growth: str) -> dict[tuple[str, str], float]:
    """Return the least years of each strategy and exit direction; NaN where it has room."""
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        if row["growth"] == growth:
            key = row["strategy"], row["exit"]
            found[key] = float(np.fmin(found.get(key, math.nan), row["years"]))
    return found


def years(limits: Rows, exits: Rows, growth: str) -> dict[tuple[str, str], float]:
    """Return years by strategy and exit direction, with those of each strategy as a whole."""
    whole = {(name, ALL): float(row["factor"]) for name, row in least(limits, growth).items()}
    return {**whole, **by_exit(exits, growth)}


class Ends:
    """Ranges of years: over worlds if any were drawn, else between the ends of the rates.

    Parameters
    ----------
    rates : Rates
    stated : dict
        ``limits`` and ``exits`` of the world as stated.
    worlds : sequence of dict
        Those of each drawn world.
    """

    def __init__(
        self, rates: Rates, stated: Mapping[str, Rows], worlds: Sequence[Mapping[str, Rows]]
    ) -> None:
        self.stated = years(stated["limits"], stated["exits"], YEARS)
        self.worlds = [years(each["limits"], each["exits"], YEARS) for each in worlds]
        self.slow, self.fast = (
            self._at(rates, end, stated, name)
            for end, name in ((rates.slow, SLOW), (rates.fast, FAST))
        )
        self.has_range = bool(worlds) or rates.has_range

    def _at(
        self, rates: Rates, end: np.ndarray, stated: Mapping[str, Rows], name: str
    ) -> dict[tuple[str, str], float]:
        factor = rates.ratio(end)
        if factor is None:
            return years(stated["limits"], stated["exits"], name)
        return {key: value / factor if factor > 0 else math.inf if value > 0 else value
                for key, value in self.stated.items()}  # fmt: skip

    def range(self, key: tuple[str, str]) -> tuple[float, float]:
        """Return the early and the late end; NaN without a range, or where there are no years."""
        if not self.has_range or math.isnan(self.stated[key]):
            return math.nan, math.nan
        return _ends([self.stated[key]], self._others(key))

    def apart(self, one: str, other: str) -> tuple[float, float]:
        """Return the range of the difference of two strategies, in years, world by world."""
        if not self.has_range:
            return math.nan, math.nan
        keys = (one, ALL), (other, ALL)
        pairs = zip(*(self._others(key) for key in keys), strict=True)
        now = self.stated[keys[0]] - self.stated[keys[1]]
        return _ends([now], [a - b for a, b in pairs])

    def _others(self, key: tuple[str, str]) -> list[float]:
        if self.worlds:
            return [each.get(key, math.nan) for each in self.worlds]
        return [self.slow.get(key, math.nan), self.fast.get(key, math.nan)]


def _ends(stated: list[float], others: list[float]) -> tuple[float, float]:
    """5 to 95 % of the others, which always hold what is stated."""
    known = np.array([each for each in others if not math.isnan(each)])
    if not len(known):
        return stated[0], stated[0]
    if len(known) == 2 and len(others) == 2:
        low, high = known.min(), known.max()  # the two ends of the rates
    else:
        with np.errstate(invalid="ignore"):
            low, high = np.quantile(known, [LOW, HIGH], method="nearest")
    return min(stated[0], float(low)), max(stated[0], float(high))


def run_out(
    ends: Ends, calendar: Calendar, limits: Rows, paces: Mapping[str, float]
) -> pd.DataFrame:
    """Return a row for each strategy as a whole, and for each of its exit directions.

    *paces* is the growth of the traffic of each direction in a year.
    """
    binds = {name: row["binds"] for name, row in least(limits, YEARS).items()}
    rows = []
    for (strategy, scope), value in ends.stated.items():
        early, late = ends.range((strategy, scope))
        exit_, way = (ALL, ALL) if scope == ALL else scope.removeprefix("exit:").rsplit(":", 1)
        rows.append(
            {
                "strategy": strategy,
                "exit": exit_,
                "direction": way,
                "date": calendar.day(value),
                "date_early": calendar.day(early),
                "date_late": calendar.day(late),
                "status": _status(value, calendar),
                "years": value,
                "years_early": early,
                "years_late": late,
                "per_year": paces[way],
                "binds": binds.get(strategy, "") if scope == ALL else scope,
            }
        )
    frame = pd.DataFrame(rows)
    place = {name: i for i, name in enumerate(dict.fromkeys(s for s, _ in ends.stated))}
    order = frame.assign(
        place=frame["strategy"].map(place),
        part=(frame["exit"] != ALL).astype(int),
        when=frame["years"].fillna(math.inf),
    ).sort_values(["place", "part", "when"], kind="stable")
    return frame.loc[order.index].reset_index(drop=True)


def _status(value: float, calendar: Calendar) -> str:
    if math.isnan(value):
        return "has room when the strategy runs out"
    if value > calendar.most_years:
        return calendar.not_before
    if value <= EVER_SINCE:
        return "at its target ever since"
    return "is past its target at the start" if value < 0 else "runs out"


def worth(
    ends: Ends, stated: Mapping[str, Rows], worlds: Sequence[Mapping[str, Any]], gbps: float,
    baseline: str,
) -> pd.DataFrame:  # fmt: skip
    """Return what each strategy carries more than the baseline at one target, and how long.

    *gbps* is the most that the traffic in question asks for at any instant; it is that of each
    world where worlds were drawn.
    """
    factors = _factors(stated["limits"])
    drawn = [(_factors(each["limits"]), float(each["gbps"])) for each in worlds]
    rows = []
    for name in factors:
        if name == baseline:
            continue
        more = gbps * (factors[name] - factors[baseline])
        moved = [size * (each[name] - each[baseline]) for each, size in drawn]
        low, high = _ends([more], moved) if moved else (math.nan, math.nan)
        early, late = ends.apart(name, baseline)
        rows.append(
            {
                "strategy": name,
                "baseline": baseline,
                "gbps": more,
                "gbps_low": low,
                "gbps_high": high,
                "months": 12.0 * (ends.stated[name, ALL] - ends.stated[baseline, ALL]),
                "months_low": 12.0 * early,
                "months_high": 12.0 * late,
            }
        )
    columns = ["strategy", "baseline", "gbps", "gbps_low", "gbps_high"]
    return pd.DataFrame(rows, columns=[*columns, "months", "months_low", "months_high"])


def _factors(limits: Rows) -> dict[str, float]:
    return {name: float(row["factor"]) for name, row in least(limits, FACTOR).items()}


def headroom_table(limits: Rows) -> pd.DataFrame:
    """Return a row for each strategy: where growth of the traffic in question ends."""
    columns = ["strategy", "factor", "factor_high", "binds", "at_h", "state", "link", "link_factor"]
    return pd.DataFrame([dict(row) for row in least(limits, FACTOR).values()])[columns]


def states_table(limits: Rows, calendar: Calendar) -> pd.DataFrame:
    """Return a row for each strategy, state of the network and direction."""
    frame = pd.DataFrame([dict(row) for row in limits])
    keys = ["strategy", "state", "from_h", "direction"]
    least_of = frame.sort_values("factor", kind="stable").drop_duplicates([*keys, "growth"])
    factor = least_of[least_of["growth"] == FACTOR][
        [*keys, "factor", "factor_high", "binds", "at_h"]
    ]
    dates = least_of[least_of["growth"] == YEARS][[*keys, "factor"]]
    dates = dates.rename(columns={"factor": "years"})
    whole = factor.merge(dates, on=keys)
    days = [calendar.day(each) for each in whole["years"].tolist()]
    whole["date"] = pd.Series(days, dtype=object)
    order = frame[keys].drop_duplicates()
    return order.merge(whole, on=keys).reset_index(drop=True)


def over_time_table(rows: Rows) -> pd.DataFrame:
    """Return a row for each strategy, direction and block of time."""
    columns = ["strategy", "state", "direction", "at_h", "factor", "binds"]
    frame = pd.DataFrame([dict(row) for row in rows], columns=columns)
    return frame.sort_values(["strategy", "direction", "at_h"], kind="stable", ignore_index=True)
