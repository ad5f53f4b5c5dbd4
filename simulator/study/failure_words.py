"""Failure words: a screening as a sentence, tables, and what to bear in mind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from simulator.base.text import Cell, Row, counted, listed, plain, short, shorts
from simulator.control.strategy import Strategy
from simulator.model.network import Network
from simulator.study.answer import Answer, Section
from simulator.study.failure_cases import FailureCase
from simulator.study.failure_tables import MOST_MAPPED, Found

MOST_SHOWN = 6
"""Cases of each strategy that are shown; the table ``cases`` has all."""
MOST_STRATEGIES = 6
MOST_ENDS = 3
"""Links of each strategy, and whom the worst failure hurts, that are shown."""
_LITTLE = 0.005
"""Gbps that are nothing in words."""


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title : str
    network : Network
    strategies : mapping of str to Strategy
    cases : sequence of FailureCase
    of : tuple of str
        What fails, in the words of the question.
    k : int
    at_h : float or None
        The busiest instant of each strategy where None.
    impact : str or None
    target : float
    worlds : int
    """

    title: str
    network: Network
    strategies: Mapping[str, Strategy]
    cases: Sequence[FailureCase]
    of: tuple[str, ...]
    k: int
    at_h: float | None
    impact: str | None
    target: float
    worlds: int

    def record(self) -> dict[str, Any]:
        """Return what was asked as plain data."""
        return {
            "k": self.k, "of": list(self.of), "at_h": self.at_h, "target": self.target,
            "impact": self.impact, "worlds": self.worlds, "cases": len(self.cases),
        }  # fmt: skip


def answer_of(
    asked: Asked, found: Sequence[Found], frames: Mapping[str, pd.DataFrame], folder: Path
) -> Answer:
    """Return the answer: sentence, sections, foot, and the pictures."""
    figures: dict[str, Any] = {}
    for name in ("failure_map", "failure_bars"):
        figures[name] = partial(_draw, name, asked, frames)
    found = found[:MOST_STRATEGIES]
    sections = [_section(frames, each) for each in found]
    return Answer(
        f"Failures: {plain(asked.title)}",
        _sentence(asked, frames),
        frames,
        figures,
        folder,
        [_head(asked, found)],
        [*sections, *_impact(asked, frames), _links(frames, found), *_whom(frames, found)],
        _foot(asked, frames),
    )


# -- the sentence ---------------------------------------------------------------------------------


def _sentence(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> str:
    """Return which failure is the worst for each strategy, what is lost, and how many keep up."""
    rows = frames["strategies"].to_dict("records")
    parts = [_worst(asked, frames, row) for row in rows[:MOST_STRATEGIES]]
    what = listed(list(asked.of))
    tried = f"{'pairs of failures' if asked.k > 1 else 'failures'} ({what})"
    return (
        f"On {short(plain(asked.network.name), 48)}, of {len(asked.cases):,} {tried} the worst is"
        f" {'; '.join(parts)}."
    )


def _worst(asked: Asked, frames: Mapping[str, pd.DataFrame], row: Mapping[Any, Any]) -> str:
    """Return the worst failure of a strategy in words."""
    worst = _of(frames["cases"], str(row["strategy"])).to_dict("records")[0]
    name = short(str(row["strategy"])) + (" (a bound)" if asked.strategies[row["strategy"]].bound
                                          else "")  # fmt: skip
    lost = f"{_gbps(worst['lost_gbps_after'])} lost after it reacts"
    lost += f", {_gbps(worst['lost_gbps_before'])} before"
    lost += _under_repair(worst)
    if row["lost_gbps"] > _LITTLE:
        lost += f" ({_gbps(row['lost_gbps'])} without a failure)"
    whose = "exits" if len(asked.network.exits) else "links"
    kept = f"{row['kept']:,} of {row['cases']:,} keep {whose} within {100 * asked.target:g} %"
    kept += "" if row["kept_without_failure"] else ", missed without a failure too"
    what = f"{plain(str(worst['case']))} for {name}"
    return f"{what}: {lost}{_cut_off(frames, worst)}{_fullest(worst)}; {kept}"


def _under_repair(worst: Mapping[Any, Any]) -> str:
    """Return what nodes before dead links do meanwhile; nothing where no link is down."""
    if not worst["lost_gbps_repaired"] < worst["lost_gbps_before"] - _LITTLE:
        return ""
    link, way = plain(str(worst["repaired_link"])), plain(str(worst["repaired_direction"]))
    fills = f"which fills {link} {way} to {100 * worst['repaired_utilisation']:.0f} %"
    return f", {_gbps(worst['lost_gbps_repaired'])} under local repair, {fills}"


def _cut_off(frames: Mapping[str, pd.DataFrame], worst: Mapping[Any, Any]) -> str:
    """Return what utilisation cannot say: ``, cut off: prov-tibet, 12 Gbps``."""
    if not worst["cut_off_gbps"] > _LITTLE:
        return ""
    rows = _of(frames["demands"], str(worst["strategy"]))
    ends = rows[rows["case"] == worst["case"]].groupby("end", sort=False)["cut_off_gbps"].sum()
    most = str(ends.sort_values(ascending=False, kind="stable").index[0])
    return f", cut off: {plain(most)}, {_gbps(worst['cut_off_gbps'])}"


def _fullest(worst: Mapping[Any, Any]) -> str:
    """Return the fullest exit, or link without exits: ``, shanghai-la in at 116 %``."""
    at_exit = math.isfinite(worst["exit_utilisation"])
    used, link, way = (
        (worst["exit_utilisation"], worst["worst_exit"], worst["exit_direction"])
        if at_exit
        else (worst["worst_utilisation"], worst["worst_link"], worst["direction"])
    )
    if not math.isfinite(used):
        return ""
    return f", {plain(str(link))} {plain(str(way))} at {100 * used:.0f} %"


def _gbps(value: float) -> str:
    if value <= _LITTLE:
        return "nothing"
    return f"{value:,.0f} Gbps" if value >= 100 else f"{value:.3g} Gbps"


def _head(asked: Asked, found: Sequence[Found]) -> str:
    """Return when each strategy was looked at, and what was down then."""
    if not asked.strategies:
        return ""
    parts = []
    for each in found:
        down = ", ".join(sorted(map(str, each.network.faults)))
        parts.append(f"{short(each.strategy)} at {each.moment.at_h:.2f} h"
                     + (f" with {plain(down)}" if down else ""))  # fmt: skip
    why = "as asked" if asked.at_h is not None else "when it is the fullest"
    states = found[0].states.of_case
    same = len(asked.cases) - len(set(states.tolist()))
    alike = f" {counted(same, 'case')} leave a state that another leaves." if same else ""
    return f"Each strategy {why}: {', '.join(parts)}.{alike}"


# -- the tables that are shown --------------------------------------------------------------------


def _of(frame: pd.DataFrame, strategy: str) -> pd.DataFrame:
    return pd.DataFrame(frame[frame["strategy"] == strategy])


def _section(frames: Mapping[str, pd.DataFrame], found: Found) -> Section:
    """The cases that hurt a strategy most, below the network without failures."""
    rows = _of(frames["cases"], found.strategy).head(MOST_SHOWN).to_dict("records")
    (base,) = _of(frames["strategies"], found.strategy).to_dict("records")
    labels = ["no failure", *shorts([plain(str(row["case"])) for row in rows], 40)]
    first = {
        **base, "lost_gbps_before": base["lost_gbps"], "lost_gbps_after": base["lost_gbps"],
        "latency_change_ms": 0.0, "international_change_ms": 0.0,
    }  # fmt: skip
    abroad = math.isfinite(base["international_ms"])
    lines = [
        Row(label, _cells(row, abroad)) for label, row in zip(labels, [first, *rows], strict=True)
    ]
    heads = ["lost before", "after", "cut off", "exit", "link", "latency, ms"]
    return Section(f"Worst for {short(found.strategy, 24)}, Gbps", heads, lines)


def _cells(row: Mapping[Any, Any], abroad: bool) -> tuple[Cell, ...]:
    change = row["international_change_ms" if abroad else "latency_change_ms"]
    return (
        Cell(f"{row['lost_gbps_before']:,.1f}"),
        Cell(f"{row['lost_gbps_after']:,.1f}"),
        Cell(f"{row['cut_off_gbps']:,.1f}"),
        Cell(_percent(row["exit_utilisation"])),
        Cell(_percent(row["worst_utilisation"])),
        Cell(f"{change:+.2f}" if math.isfinite(change) else "-"),
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if math.isfinite(value) else "-"


def _links(frames: Mapping[str, pd.DataFrame], found: Sequence[Found]) -> Section:
    """The links that failures fill most, and by which."""
    lines = []
    for each in found:
        rows = _of(frames["links"], each.strategy).head(3).to_dict("records")
        for row in rows:
            name = (
                f"{short(each.strategy)}: {plain(str(row['link']))} {plain(str(row['direction']))}"
            )
            cells = (
                Cell(_percent(row["worst_utilisation"])),
                Cell(_percent(row["utilisation"])),
                Cell(short(plain(str(row["case"])), 28)),
            )
            lines.append(Row(short(name, 44), cells))
    return Section("Fullest links, and the failure", ["at worst", "without", "by"], lines)


def _impact(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[Section]:
    """What hurts the link that was asked about."""
    if asked.impact is None:
        return []
    frame = frames["impact"]
    lines = []
    for name in list(asked.strategies)[:MOST_STRATEGIES]:
        mine = _of(frame, name)
        worse = mine[mine["change"] > 1e-9].head(MOST_ENDS).to_dict("records")
        lines += [
            Row(
                short(f"{short(name)}: {plain(str(row['case']))} ({row['direction']})", 60),
                (Cell(_percent(row["utilisation"])), Cell(f"{100 * row['change']:+.1f}")),
            )
            for row in worse
        ]
    lines = lines or [Row("no failure makes it fuller", (Cell("-"), Cell("-")))]
    caption = f"What fills {short(plain(asked.impact), 30)}"
    return [Section(caption, ["utilisation", "points more"], lines)]


def _whom(frames: Mapping[str, pd.DataFrame], found: Sequence[Found]) -> list[Section]:
    """Whom the worst failure of each strategy hurts."""
    lines = []
    for name in (each.strategy for each in found):
        mine = _of(frames["demands"], name)
        if mine.empty:
            continue
        worst = mine[mine["case"] == mine["case"].iloc[0]].head(MOST_ENDS).to_dict("records")
        for row in worst:
            words = str(row["class"]).replace("_", " ")
            label = f"{short(name)}: {plain(str(row['case']))}, {plain(str(row['end']))}"
            cells = (
                Cell(words), Cell(f"{row['lost_gbps']:,.2f}"), Cell(f"{row['cut_off_gbps']:,.2f}"),
            )  # fmt: skip
            lines.append(Row(short(label, 60), cells))
    heads = ["traffic", "lost, Gbps", "cut off"]
    return [Section("Whom the worst failure hurts", heads, lines)] if lines else []


# -- what to bear in mind -------------------------------------------------------------------------


def _foot(asked: Asked, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    foot = [
        "Traffic stands still. Lost before: not delivered with routes as they were, on dead paths"
        " and full links. After: static routes have converged and controllers have decided again,"
        " with all the time they need. Utilisation is of what is asked for; latency is the mean"
        " propagation of what is delivered of international traffic, or of all where there is none,"
        " against no failure."
    ]
    static = [n for n, each in asked.strategies.items() if each.static_scheme.kind == "best_static"]
    if static:
        foot.append(
            f"Fixed splits are planned again when a link goes down, and stay when capacity alone is"
            f" lost: {_names(static)}."
        )
    if bounds := [name for name, each in asked.strategies.items() if each.bound]:
        foot.append(f"A bound, which does what nobody can: {_names(bounds)}.")
    if (more := len(asked.strategies) - MOST_STRATEGIES) > 0:
        foot.append(f"{counted(more, 'more strategy', 'more strategies')} in the tables.")
    if asked.worlds > 1:
        foot.append(
            f"The table ranges has 5 to 95 % of {counted(asked.worlds - 1, 'drawn world')}."
        )
    if len(asked.cases) > MOST_MAPPED:
        foot.append(
            f"The table exits has the {MOST_MAPPED} worst cases of each strategy, for all of them."
        )
    if "nodes" in asked.of and any(k == "region" for k in asked.network.node_kind):
        foot.append("Regions abroad stand for traffic and do not fail.")
    return foot


def _names(names: Sequence[str]) -> str:
    return ", ".join(short(name) for name in names)


def _draw(
    which: str,
    asked: Asked,
    frames: Mapping[str, pd.DataFrame],
    *,
    new_figure: Any = None,
    width: Any = None,
) -> Any:
    """Draw a picture, on a figure of pyplot if no other is given."""
    from simulator.figures.failed import FailedData
    from simulator.figures.plotter import Plotter

    data = FailedData(
        frames["cases"], frames["exits"], list(asked.strategies), plain(asked.network.name),
        asked.title, asked.target,
    )  # fmt: skip
    return getattr(Plotter(data, "failures", new_figure), which)(width=width)
