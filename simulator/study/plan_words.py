"""Plan words: plans as a sentence, tables, and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from simulator.base.text import Cell, Row, counted, listed, plain, short
from simulator.study.answer import Answer, Section
from simulator.study.calendar import Calendar, month
from simulator.study.growing import Rates
from simulator.study.plan_case import PlanCase
from simulator.study.plan_checked import verified_words
from simulator.study.plan_market import UNIT
from simulator.study.plan_rows import StrategyPlan, when
from simulator.study.plan_search import ADAPTIVE
from simulator.study.plan_sets import PIPE, PUBLISHED

_MOST_STEPS = 12


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title : str
    case : PlanCase
    rates : Rates
    calendar : Calendar
    plans : mapping of str to StrategyPlan
        By strategy; the first is the one that others are compared with.
    hours : int
        Hours of traffic that were looked at.
    """

    title: str
    case: PlanCase
    rates: Rates
    calendar: Calendar
    plans: Mapping[str, StrategyPlan]
    hours: int


def answer_of(asked: Asked, frames: Mapping[str, pd.DataFrame], folder: Path) -> Answer:
    """Return the answer: sentence, sections, foot and pictures."""
    subject = frames["steps"], frames["plans"], frames["sets"], plain(asked.case.market.before.name)
    figures = {
        name: partial(_draw, name, (*subject, asked.title, unit(asked)))
        for name in ("plan_steps", "plan_savings")
    }
    return Answer(
        f"Plan: {plain(asked.title)}", _sentence(asked, frames["plans"]), frames, figures, folder,
        list(_head(asked)), list(_sections(asked, frames)), list(_foot(asked, frames)),
    )  # fmt: skip


def unit(asked: Asked) -> str:
    """Return the unit of prices: known of estimates only."""
    offers = asked.case.upgrades.offers
    return "" if any(each.price is not None for each in offers) else UNIT


def money(asked: Asked, cost: float) -> str:
    """Return a cost with its unit, as far as one is known."""
    words = unit(asked)
    return f"{cost:,.6g} {words}" if words else f"{cost:,.6g}"


# -- the sentence ---------------------------------------------------------------------------------


def _sentence(asked: Asked, plans: pd.DataFrame) -> str:
    rows = plans.to_dict("records")
    first, other = rows[0], _other(asked, rows)
    goal = _goal(asked)
    if other is first:
        return f"{goal}, {_needs(asked, first)}."
    text = f"{goal}, {_needs(asked, first)}, {_needs(asked, other)}"
    if math.isnan(first["cost"]) or math.isnan(other["cost"]):
        return f"{text}."
    return f"{text}: {_saves(first, other)}."


def _goal(asked: Asked) -> str:
    case = asked.case
    years = case.years_to(case.upgrades.periods.count - 1)
    until = (
        f"until {_month_of(asked, years)}" if years > 0 else "as traffic is now"
    )  # fmt: skip
    return (
        f"To keep every exit below {100 * case.target:g} % through {case.upgrades.held_words}"
        f" {until}"
    )


def _month_of(asked: Asked, years: float) -> str:
    day = asked.calendar.day(years)
    return month(day) if day else f"{12 * years:.0f} months from now"


def _other(asked: Asked, rows: Sequence[dict[Any, Any]]) -> dict[Any, Any]:
    """The strategy beside the first: one that moves traffic and can be had, or else any."""
    moving = [row for row in rows[1:] if asked.plans[row["strategy"]].behaviour.moves]
    real = [r for r in moving if not asked.plans[r["strategy"]].behaviour.strategy.bound]
    return (real or moving or rows[1:] or rows)[0]


def _needs(asked: Asked, row: Mapping[Any, Any]) -> str:
    name = short(str(row["strategy"]))
    if math.isnan(row["cost"]):
        return f"{name} has no plan"
    if row["augments"] == 0:
        return f"{name} needs nothing"
    more = f" and {row['other_gbps']:,.0f} Gbps beside them" if row["other_gbps"] else ""
    return f"{name} needs +{row['gbps']:,.0f} Gbps at exits{more} for {money(asked, row['cost'])}"


def _saves(first: Mapping[Any, Any], other: Mapping[Any, Any]) -> str:
    name = short(str(other["strategy"]))
    words = []
    if first["cost"] > 0:
        part = 1.0 - other["cost"] / first["cost"]
        words.append(
            f"saves {100 * part:.0f} %" if part >= 0 else f"costs {-100 * part:.0f} % more"
        )
    fewer = int(first["augments"] - other["augments"])
    if fewer > 0:
        words.append(f"needs {counted(fewer, 'augment')} fewer")
    months = float(other["months_deferred"])
    if math.isfinite(months) and abs(months) >= 0.5:
        verb = "defers" if months > 0 else "advances"
        words.append(f"{verb} the first by {counted(round(abs(months)), 'month')}")
    return f"{name} {listed(words)}" if words else f"{name} needs as much"


# -- head and sections ----------------------------------------------------------------------------


def _head(asked: Asked) -> list[str]:
    case, up = asked.case, asked.case.upgrades
    periods = f"{counted(up.periods.count, 'period')} of {up.periods.months:g} months"
    latency = (
        "no limit on latency" if up.stretch_ms is None and not up.stretch_of else
        f"latency at most {up.stretch_ms:g} ms above the fastest way from the gateway on"
        if up.stretch_ms is not None else "a limit on latency for some regions"
    )  # fmt: skip
    return [
        f"Demands: {case.demand.words}, over {counted(asked.hours, 'hour')}; growth"
        f" {asked.rates.words}. {periods}, {counted(len(case.down), 'state')} of the network,"
        f" {latency}.",
    ]


def _sections(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[Section]:
    plans = frames["plans"].to_dict("records")
    heads = ["cost", "proven from", "Gbps", "augments", "runs out", "verified", "greedy"]
    found = [Section("Plans", heads, [_plan_line(asked, row) for row in plans])]
    shown = _shown(asked, plans)
    for name in shown:
        rows = frames["steps"][frames["steps"]["strategy"] == name].to_dict("records")
        if rows:
            found.append(_steps_section(name, rows))
    if len(frames["sets"]):
        found.append(_sets_section(frames["sets"]))
    if len(frames["regret"]):
        found.append(_regret_section(frames["regret"]))
    return found


def _shown(asked: Asked, rows: Sequence[dict[Any, Any]]) -> list[str]:
    """The strategy whose steps are printed: that beside the first."""
    return [str(_other(asked, rows)["strategy"])]


def _plan_line(asked: Asked, row: Mapping[Any, Any]) -> Row:
    name = short(str(row["strategy"]))
    runs = Cell(_ran_out(asked, float(row["run_out_years"])))
    if math.isnan(row["cost"]):
        return Row(name, (Cell("no plan"), *(Cell("-") for _ in range(3)), runs, Cell("-"),
                          Cell("-")))  # fmt: skip
    verified = f"{row['verified']}, {100 * row['utilisation']:.1f} %"
    greedy = "-" if math.isnan(row["greedy_cost"]) else f"{row['greedy_cost']:,.6g}"
    return Row(name, (
        Cell(f"{row['cost']:,.6g}"), Cell(f"{row['bound']:,.6g}"), Cell(f"{row['gbps']:,.0f}"),
        Cell(f"{row['augments']:,.0f}"), runs, Cell(verified), Cell(greedy),
    ))  # fmt: skip


def _ran_out(asked: Asked, years: float) -> str:
    return "never" if math.isinf(years) and years > 0 else (
        "before" if years <= -29.9 else asked.calendar.brief(years)
    )  # fmt: skip


def _steps_section(name: str, rows: Sequence[dict[Any, Any]]) -> Section:
    lines = [
        Row(short(str(row["name"])), (
            Cell(str(row["kind"])), Cell(f"{row['modules']} x {row['module_gbps']:g}"),
            Cell(f"{row['cost']:,.6g}"), Cell(str(row["order"])), Cell(str(row["in_service"])),
        ))
        for row in rows[:_MOST_STEPS]
    ]  # fmt: skip
    left = len(rows) - len(lines)
    caption = f"Orders under {short(name)}" + (f", {left} more in the table" if left else "")
    return Section(caption, ["kind", "Gbps", "cost", "order", "in service"], lines)


def _sets_section(frame: pd.DataFrame) -> Section:
    lines = []
    for row in frame.to_dict("records"):
        noise = f", pair noise {row['noise']:g}" if row["noise"] else ""
        known = not math.isnan(row["cost"])
        lines.append(Row(f"{row['set']}{noise}", (
            Cell(f"{row['asked_gbps']:,.0f}"), Cell(f"{row['cost']:,.6g}" if known else "no plan"),
            Cell(f"{row['exit_gbps']:,.0f}" if known else "-"),
            Cell("-" if row["set"] == PIPE or math.isnan(row["saving"])
                 else f"{100 * row['saving']:.1f} %"),
        )))  # fmt: skip
    heads = ["Gbps asked", "cost", "exits, Gbps", "saved of exits"]
    return Section("Sets of demands, steered at will", heads, lines)


def _regret_section(frame: pd.DataFrame) -> Section:
    lines = [
        Row(f"{short(str(row['strategy']))}, {row['growth']}", (
            Cell(f"{100 * row['per_year']:.1f} %"),
            Cell("no plan" if math.isnan(row["cost_needed"]) else f"{row['cost_needed']:,.6g}"),
            Cell("-" if math.isnan(row["too_early"]) else f"{row['too_early']:,.6g}"),
            Cell("-" if math.isnan(row["too_late"]) else f"{row['too_late']:,.6g}"),
            Cell(f"{row['months_short']:,.1f}"),
        ))
        for row in frame.to_dict("records")
    ]  # fmt: skip
    heads = ["growth", "needed", "bought early", "bought late", "months short"]
    return Section("If growth is otherwise", heads, lines)


# -- what to bear in mind -------------------------------------------------------------------------


def _foot(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    foot = _no_plans(frames["plans"])
    foot += _brackets(asked, frames["plans"])
    foot += list(asked.case.market.notes)
    foot += _equal(asked, frames["plans"])
    foot += estimates_words(asked)
    foot += _taken(asked)
    fixed = {name: set(mine.solved.kinds.values()) != {ADAPTIVE}
             for name, mine in asked.plans.items()}  # fmt: skip
    foot += verified_words(frames["checks"], fixed)
    foot += _savings(frames["sets"])
    foot += _too_soon(asked)
    foot += [_backbone(asked)]
    foot.append(
        "Left out: traffic at home and the backbone are not planned; modules added to a link ride"
        " its cables in the old shares; a plan says nothing of loss before a controller reacts."
    )
    bounds = [name for name, each in asked.plans.items() if each.behaviour.strategy.bound]
    if bounds:
        foot.append(f"A bound, which does what nobody can: {', '.join(map(short, bounds))}.")
    return foot


def _no_plans(frame: pd.DataFrame) -> list[str]:
    lines: dict[str, list[str]] = {}
    for row in frame.to_dict("records"):
        if math.isnan(row["cost"]):
            lines.setdefault(f"no plan: {row['status']}", []).append(short(str(row["strategy"])))
        elif row["target"] > 0 and "budget" in str(row["status"]):
            text = f"{row['status']}; within it exits stay below {100 * row['target']:.2f} %"
            lines.setdefault(text, []).append(short(str(row["strategy"])))
    return [f"{', '.join(names)}: {text}." for text, names in lines.items()]


def _brackets(asked: Asked, frame: pd.DataFrame) -> list[str]:
    found = []
    for row in frame.to_dict("records"):
        mine = asked.plans[row["strategy"]]
        if not mine.between or math.isnan(row["cost"]):
            continue
        most = row["cost_most"]
        high = f"at most {most:,.6g}" if not math.isnan(most) else "no known limit"
        found.append(f"{short(str(row['strategy']))} is planned as if it steered at will, which it"
                     f" only comes near to: {row['cost']:,.6g} or more, {high} (as static routes"
                     " would need).")  # fmt: skip
    return found


def _equal(asked: Asked, frame: pd.DataFrame) -> list[str]:
    rows = [r for r in frame.to_dict("records") if not math.isnan(r["equal_price_cost"])]
    if not rows:
        return []
    parts = [_even(r) for r in rows]
    return [f"With one price at all exits, their mean: {'; '.join(parts)}."]


def _even(row: Mapping[Any, Any]) -> str:
    cost, bound = row["equal_price_cost"], row["equal_price_bound"]
    proven = "" if bound >= cost * (1 - 1e-6) else f" (no plan below {bound:,.6g})"
    return (
        f"{short(str(row['strategy']))} costs {cost:,.6g}{proven} and buys"
        f" {row['equal_price_gbps']:,.0f} Gbps at exits in place of {row['gbps']:,.0f}"
    )


def estimates_words(asked: Asked) -> list[str]:
    """Say what of the limits is an estimate."""
    up, found = asked.case.upgrades, []
    if up.stretch_ms is not None:
        found.append(
            f"The limit on latency, {up.stretch_ms:g} ms one way above the fastest way, is an"
            " estimate: without one the cheapest exits would carry all regions."
        )
    return found


def _taken(asked: Asked) -> list[str]:
    lines: dict[str, list[str]] = {}
    for name, mine in asked.plans.items():
        words = {way: mine.behaviour.words[way] for way in mine.case.sides}
        alike = len(set(words.values())) == 1
        text = next(iter(words.values())) if alike else "; ".join(
            f"{way}: {each}" for way, each in words.items())  # fmt: skip
        if mine.solved.parts:
            text += "; planned with the best fixed shares for each pattern of dead links"
        lines.setdefault(text, []).append(short(name))
    return [f"{', '.join(names)}: {text}." for text, names in lines.items()]


def _savings(frame: pd.DataFrame) -> list[str]:
    rows = [r for r in frame.to_dict("records") if r["set"] != PIPE and r["saving"] == r["saving"]]
    if not rows:
        return []
    noise = [f" at pair noise {r['noise']:g}" if r["noise"] else "" for r in rows]
    parts = [f"{r['set']} {100 * r['saving']:.1f} %{more}"
             for r, more in zip(rows, noise, strict=True)]  # fmt: skip
    return [f"Capacity of exits saved against the peak of every pair: {', '.join(parts)};"
            f" published {100 * PUBLISHED:.1f} % (Meta, SIGCOMM 2021). It grows with how much pairs"
            " move on their own."]  # fmt: skip


def _too_soon(asked: Asked) -> list[str]:
    case = asked.case
    if not case.first:
        return []
    begins = when(asked.calendar, case.first * case.months / 12.0)
    return [f"Before {begins} nothing ordered now is in service: {counted(case.first, 'period')}"
            " without a plan."]  # fmt: skip


def _backbone(asked: Asked) -> str:
    case = asked.case
    last = case.upgrades.periods.count - 1
    proof = case.border(case.market.before, last).separability
    if proof.arc < 0:
        return "There are no links at home."
    where = f"{100 * proof.utilisation:.0f} % on {case.market.before.arc_name(proof.arc)}"
    if proof.holds:
        return (
            "Exits alone decide: at the end of the plan shortest paths at home carry every share of"
            f" the gateways ({where} at most)."
        )
    over = counted(proof.arcs_over, "link direction")
    return (
        f"Not proven with the backbone: at the end of the plan {over} at home may be too full"
        f" ({where} with shortest paths), and nothing is bought there."
    )


def _draw(name: str, subject: tuple[Any, ...], *, new_figure: Any = None, width: Any = None) -> Any:
    """Draw a picture, on a figure of pyplot if no other is given."""
    from simulator.figures.plan_data import PlanData
    from simulator.figures.plotter import Plotter

    return getattr(Plotter(PlanData(*subject), "plan", new_figure), name)(width=width)
