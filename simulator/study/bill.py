"""Bill: what the exits cost so far in the running month, and what it will be at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem, refusal
from simulator.base.text import Cell, Row, counted, plain, shorts
from simulator.model.billing import slot_means
from simulator.provenance import INPUTS
from simulator.recording.transit import prices_usd_per_mbps
from simulator.results.ranges import HIGH, LOW
from simulator.results.results import Results
from simulator.run import run
from simulator.scenario.load import as_scenario, load
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer, Section
from simulator.study.bill_forecast import SoFar, cost_usd, so_far

ALL = "all"


def bill(
    subject: Results | Scenario | str | Path, *, at_h: float | None = None, **options: Any
) -> Answer:
    """Say what the exits cost so far in the running month, and what they will at its end.

    The days to come are drawn from the whole days seen, at random and with replacement, for all
    exits alike, 200 times in each replication. The range holds 90 % of these months. It says
    nothing of growth, of holidays, nor of weekends where no weekend was seen.

    Parameters
    ----------
    subject : Results, Scenario, str or Path
        A run, or a folder of one; anything else is a scenario, which is run.
    at_h : float, optional
        Hours from the start up to which the month was seen; the end of the run when left out.
    **options
        Of :func:`simulator.run`, where the scenario is run.

    Returns
    -------
    Answer
        The table ``bill`` has a row for each strategy and exit, and for ``all`` of them.

    Raises
    ------
    InputError
        No exit has a price, the tables leave out steps, or *at_h* is not within the run.
    """
    results, scenario = _run_of(subject, options)
    prices = prices_usd_per_mbps(scenario.network)
    if not prices:
        raise _wrong("exits", "no exit has a price_usd_per_mbps; give one, such as"
                     " --set 'exits.*.price_usd_per_mbps=0.5'")  # fmt: skip
    if scenario.settings.record.every != 1:
        message = f"keeps every {scenario.settings.record.every}th step; bills need all: every: 1"
        raise _wrong("record.every", message)
    end_s = _end_s(scenario, at_h)
    rows = [
        row
        for strategy, months in _months(results, scenario, list(prices), end_s).items()
        for row in _rows(strategy, months, prices)
    ]
    frame = pd.DataFrame(rows)
    return _answer(results, scenario, frame, prices, end_s)


def _run_of(subject: Any, options: dict[str, Any]) -> tuple[Results, Scenario]:
    """The run and its scenario, which a folder keeps with its changes."""
    if isinstance(subject, str | Path) and Path(subject).is_dir():
        subject = Results(subject)
    if isinstance(subject, Results):
        file = subject.folder / INPUTS / "scenario.yaml"
        if not file.exists():
            raise refusal(file, "not there: the folder of a run holds what it was run with")
        return subject, load(file)
    scenario = as_scenario(subject)
    return run(scenario, **options), scenario


def _end_s(scenario: Scenario, at_h: float | None) -> float:
    if at_h is None:
        return scenario.horizon_s
    if not 0 < at_h * 3600.0 <= scenario.horizon_s:
        hours = scenario.horizon_s / 3600.0
        message = f"expected hours from the start, above 0 and up to {hours:g}, found {at_h:g}"
        raise _wrong("at_h", message)
    return at_h * 3600.0


def _months(
    results: Results, scenario: Scenario, exits: list[str], end_s: float
) -> dict[str, list[SoFar]]:
    """The running month of every strategy, in each replication."""
    billing, step_s = scenario.settings.billing, scenario.settings.step_s
    table = results.exits
    table = table[table["exit"].isin(exits) & (table["time_s"] < end_s - 1e-6)]
    found: dict[str, list[SoFar]] = {}
    for strategy in results.strategies:
        for i in range(results.days):
            mine = table[(table["strategy"] == strategy) & (table["replication"] == i)]
            wide = mine.pivot_table(
                index="time_s", columns=["direction", "exit"], values="carried_gbps", observed=True
            )
            times = wide.index.to_numpy()
            seconds = np.minimum(times + step_s, end_s) - times
            ways = [wide[way][exits].to_numpy().T for way in ("out", "in")]
            slots = slot_means(np.concatenate(ways), seconds, billing.slot_s)
            rng = np.random.default_rng([scenario.settings.seed, i])
            month = so_far(billing, slots.reshape(2, len(exits), -1), rng)
            found.setdefault(strategy, []).append(month)
    return found


def _rows(strategy: str, months: list[SoFar], prices: dict[str, float]) -> list[dict[str, Any]]:
    """Rows of the exits and of all, as means over replications, with the range of all draws."""
    price = np.array(list(prices.values()))
    first = months[0]
    billed = np.mean([np.append(m.billed_gbps, m.billed_gbps.sum()) for m in months], axis=0)
    now, least = (
        np.mean([cost_usd(each, price) for each in values], axis=0)
        for values in ([m.billed_gbps for m in months], [m.least_gbps for m in months])
    )
    free = np.mean([m.free for m in months], axis=0)
    drawn = np.concatenate([cost_usd(m.drawn_gbps, price) for m in months])
    low, middle, high = np.quantile(drawn, [LOW, 0.5, HIGH], axis=0)
    if first.days * len(months) < 2 and first.slots < first.month_slots:
        low, high = np.full((2, len(low)), np.nan)  # one day says nothing of how days differ
    return [
        {
            "strategy": strategy,
            "exit": name,
            "month": first.month,
            "slots": first.slots,
            "month_slots": first.month_slots,
            "days": first.days,
            "billed_gbps": billed[i],
            "free_slots_left": free[i] if i < len(free) else free.min(),
            "so_far_usd": now[i],
            "least_usd": least[i],
            "forecast_usd": middle[i],
            "forecast_low_usd": low[i],
            "forecast_high_usd": high[i],
        }
        for i, name in enumerate([*prices, ALL])
    ]


# -- words --------------------------------------------------------------------------------------


def _answer(
    results: Results,
    scenario: Scenario,
    frame: pd.DataFrame,
    prices: dict[str, float],
    end_s: float,
) -> Answer:
    totals = frame[frame["exit"] == ALL]
    lowest = int(totals["forecast_usd"].fillna(totals["so_far_usd"]).to_numpy().argmin())
    best = totals.iloc[lowest]
    first = frame.iloc[0]
    head = (
        f"Month {first['month']}: {first['slots']:,} of {first['month_slots']:,} slots seen,"
        f" {counted(int(first['days']), 'whole day')}; {counted(len(prices), 'exit')} with a price."
    )
    return Answer(
        f"Bill of {plain(results.run['name'])} after {end_s / 3600:g} h",
        _sentence(best),
        {"bill": frame},
        {},
        results.folder,
        [head],
        [_totals(totals), _exits(frame, str(best["strategy"]))],
        _foot(scenario, frame),
        {"run": results},
    )


def _sentence(best: pd.Series) -> str:
    cost = _usd(best["so_far_usd"])
    now = f"{best['strategy']} has the lowest bill: USD {cost} by the slots so far"
    if np.isnan(best["forecast_usd"]):
        return f"{now}; no whole day was seen, so that there is no forecast."
    return f"{now}, {_usd(best['forecast_usd'])}{_range(best)} at the end of the month."


def _totals(totals: pd.DataFrame) -> Section:
    headings = ["so far", "at least", "at the end", "range"]
    rows = []
    for name, (_, row) in zip(shorts(totals["strategy"]), totals.iterrows(), strict=True):
        figures = [_usd(row[f"{key}_usd"]) for key in ("so_far", "least", "forecast")]
        rows.append(_row(name, *figures, _range(row).strip(" ()") or "-"))
    return Section("All exits, USD a month", headings, rows)


def _exits(frame: pd.DataFrame, strategy: str) -> Section:
    headings = ["billed Gbps", "free slots left", "so far", "at the end"]
    mine = frame[(frame["strategy"] == strategy) & (frame["exit"] != ALL)]
    rows = []
    for name, (_, row) in zip(shorts(mine["exit"]), mine.iterrows(), strict=True):
        figures = [_usd(row["so_far_usd"]), _usd(row["forecast_usd"])]
        left = f"{row['free_slots_left']:,.0f}"
        rows.append(_row(name, f"{row['billed_gbps']:.2f}", left, *figures))
    return Section(f"Exits under {strategy}", headings, rows)


def _row(label: str, *values: str) -> Row:
    return Row(label, tuple(map(Cell, values)))


def _foot(scenario: Scenario, frame: pd.DataFrame) -> list[str]:
    first, rule = frame.iloc[0], scenario.settings.billing
    notes = ["At least: what the month costs even if nothing more is sent."]
    if first["slots"] < first["month_slots"] and first["days"]:
        days = counted(int(first["days"]), "whole day")
        notes.append(
            f"At the end: days to come are drawn from the {days} seen; the range holds 90 % of such"
            " months. No growth, and no weekend that was not seen."
        )
    if frame["forecast_low_usd"].isna().all() and first["days"]:
        notes.append("One day says nothing of how days differ: no range.")
    if scenario.settings.step_s > rule.slot_s:
        notes.append(
            f"Steps of {scenario.settings.step_s:g} s are longer than slots of {rule.slot_s:g} s:"
            " peaks within them are missed."
        )
    notes += [p.message for p in scenario.warnings if "bills leave out" in p.message]
    return notes


def _usd(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _range(row: pd.Series) -> str:
    if np.isnan(row["forecast_low_usd"]):
        return ""
    return f" ({_usd(row['forecast_low_usd'])} to {_usd(row['forecast_high_usd'])})"


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
