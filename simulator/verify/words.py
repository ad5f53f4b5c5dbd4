"""Words: what was seen as a sentence, tables, and what to bear in mind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from simulator.base.text import Cell, Row, listed, plain
from simulator.study.answer import Answer, Section
from simulator.verify.found import Found, total

_NEVER = "never"
_CYCLES_SHOWN = 12


class Asked(NamedTuple):
    """What was asked.

    Attributes
    ----------
    title, strategy : str
    parts : tuple of str
    routers : int
    flows, exits : int
    """

    title: str
    strategy: str
    parts: tuple[str, ...]
    routers: int
    flows: int
    exits: int


def answer_of(
    asked: Asked, found: Found, frames: Mapping[str, pd.DataFrame], folder: Path
) -> Answer:
    """Return the answer: sentence, sections and foot."""
    sections = [section for name, frame in frames.items() if name in _SECTIONS
                for section in _SECTIONS[name](frame)]  # fmt: skip
    return Answer(
        f"Verified on routers: {plain(asked.title)}",
        _sentence(asked, found, frames),
        frames,
        {},
        folder,
        list(_head(found)),
        sections,
        list(_foot(asked, found)),
    )


def _sentence(asked: Asked, found: Found, frames: Mapping[str, pd.DataFrame]) -> str:
    parts = []
    if found.static:
        count, wrong = total(found.static, "destinations"), total(found.static, "wrong")
        parts.append(f"{_part(count, wrong, 'next hop')} of static routing {_of(count, wrong)}")
    if found.cycles:
        count, wrong = total(found.cycles, "pairs"), total(found.cycles, "wrong")
        what = f"{_part(count, wrong, 'decision')} of {plain(asked.strategy)}"
        parts.append(f"{what} in {len(found.cycles):,} cycles {_of(count, wrong)}")
    text = f"On {asked.routers:,} FRR routers {listed(parts)} stood as simulated" if parts else ""
    if "flows" in frames:
        apart = 100 * frames["flows"]["difference"].abs().max()
        text += f"; counted flows at the exits differ by at most {apart:.2f} points"
    if found.carried:
        text = f"{text}. {_without_tunnels(found)}".removeprefix(". ")
    if found.landings:
        text = f"{text}. {_landed(asked, found)}".removeprefix(". ")
    checks = frames["checks"]
    failed = checks.loc[checks["same"] == "no", "check"].tolist()
    return f"{text}. Not as simulated: {listed(failed)}." if failed else f"{text}."


def _without_tunnels(found: Found) -> str:
    apart = 100 * max(float(str(row["difference"])) for row in found.carried)
    kinds = len({row["way"] for row in found.carried})
    each = len(found.carried) // kinds
    return (
        f"Without tunnels, {each} decisions in {kinds} ways left by the project's exits to within"
        f" {apart:.2f} points"
    )


def _landed(asked: Asked, found: Found) -> str:
    pairs, wrong = total(found.landings, "pairs"), total(found.landings, "wrong")
    sent, came = total(found.landings, "sent"), total(found.landings, "received")
    lost = f"{sent - came:,} of {sent:,} packets lost" if came < sent else "no packet lost"
    changes = len(found.landings) - 1
    return (
        f"Inbound, {_part(pairs, wrong, 'landing')} at {asked.exits} exits {_of(pairs, wrong)} was"
        f" the model's over {changes} changes of announcements, {lost}"
    )


def _part(count: int, wrong: int, noun: str) -> str:
    return f"{count - wrong:,} {noun}s" if wrong else f"every {noun}"


def _of(count: int, wrong: int) -> str:
    return f"of {count:,}" if wrong else f"({count:,} of {count:,})"


def _head(found: Found) -> Iterator[str]:
    seconds = found.seconds
    up = f"Routers were up in {seconds['routers']:.0f} s. " if "routers" in seconds else ""
    yield (
        f"{up}Daemons had {found.memory_mb / 1000:.1f} GB; {sum(seconds.values()):.0f} s in all."
    )
    if found.cycles:
        took = np.array([float(str(row["in_force_s"])) for row in found.cycles])
        yield (
            f"A cycle stood in the kernels after {np.median(took):.2f} s in the median,"
            f" {took.max():.2f} s at most; shares there are at most {_largest(found):.4f} from"
            " those simulated."
        )


def _largest(found: Found) -> float:
    return max(float(str(row["share_error"])) for row in found.cycles)


def _foot(asked: Asked, found: Found) -> Iterator[str]:
    if found.without_path:
        yield (
            f"Left out: {found.without_path:,} pairs of nodes that no path joins which obeys the"
            " rules of border and stubs; IS-IS may join them."
        )
    yield (
        "One machine, in software: forwarding is that of Linux. Times of routers are those of FRR"
        " here, and say nothing of hardware; they differ from run to run."
    )
    if found.landings:
        yield (
            "Inbound with one router at every exit and one source in each region, which meets us at"
            " every exit; regions of the topology do at one or two. Changes are drawn: what a"
            " controller plans depends on traffic. Exits announce aggregates themselves, and a"
            " group that is withdrawn at an exit stays there with no-export."
        )
    if found.carried:
        yield (
            "Kept: the traffic that leaves where it was decided to, by the project; apart: counted"
            " shares and the project's. Without tunnels a choice of a province alone is undone"
            " by the next router (provinces_alone), and one that all routers obey binds all"
            " provinces (region, prefix_groups)."
        )
    if not found.cycles:
        return
    yield (
        "Tunnels are VXLAN, and follow the IGP's paths: explicit paths, as MPLS or segment routing"
        " have them, are not shown."
    )
    yield (
        "Links have no capacities here: a cable cut that leaves a part of an exit is in the"
        " decisions, but not on the routers. Utilisation is computed, from counted shares,"
        " simulated traffic and the capacity that is left."
    )
    if found.failures:
        yield (
            "Static routing is IS-IS with LSPs and SPF at most every second and"
            " hellos every 3 s; defaults of FRR are slower. Exits come back empty in the gateways'"
            " tables, and routes are put back: an operator has to see to that."
        )
    if found.deaths:
        yield (
            "Hold time of sessions is 9 s here, and graceful restart 20 s, to see their end; the"
            " model has what hold_s and stale_s say. A dead feeder leaves decisions for ever: let"
            " the process that decides be the one whose end ends the session."
        )


# -- sections -------------------------------------------------------------------------------------


def _static(frame: pd.DataFrame) -> Iterator[Section]:
    wrong = frame[frame["wrong"] > 0]
    shown = wrong if len(wrong) else frame.head(0)
    rows = [
        _row(
            plain(row["router"]),
            f"{row['destinations']:,}",
            f"{row['wrong']:,}",
            plain(row["example"]),
        )
        for row in shown.head(_CYCLES_SHOWN).to_dict("records")
    ]
    all_in = _row("all", f"{frame['destinations'].sum():,}", f"{frame['wrong'].sum():,}", "")
    yield Section("Static next hops", ["destinations", "wrong", "first"], [*rows, all_in])


def _cycles(frame: pd.DataFrame) -> Iterator[Section]:
    """Cycles with most changes, in order of time."""
    most = frame.nlargest(_CYCLES_SHOWN, ["wrong", "changed"]).sort_values("cycle")
    rows = [
        _row(row["clock"], f"{row['changed']:,}", f"{row['lines']:,}", f"{row['split']:,}",
             f"{row['in_force_s']:.2f}", f"{row['wrong']:,}")
        for row in most.to_dict("records")
    ]  # fmt: skip
    headings = ["changed", "lines", "split", "in force after s", "wrong"]
    yield Section("Cycles with most changes", headings, rows)


def _flows(frame: pd.DataFrame) -> Iterator[Section]:
    rows = []
    for link, mine in frame.groupby("exit", sort=False):
        worst = mine.iloc[int(mine["difference"].abs().to_numpy().argmax())].to_dict()
        rows.append(_row(plain(str(link)), *(f"{100 * worst[name]:.2f}" for name in
                                      ("expected_share", "tunnel_share", "link_share")),
                         f"{100 * worst['difference']:+.2f}"))  # fmt: skip
    headings = ["expected %", "tunnels %", "link %", "difference"]
    yield Section("Shares of flows at the exits, largest differences", headings, rows)


def _failures(frame: pd.DataFrame) -> Iterator[Section]:
    for failure, mine in frame.groupby("failure", sort=False):
        rows = [
            _row(row["what"], *(_figure(row[name], row["unit"]) for name in ("seen", "model")),
                 row["setting"], row["same"])
            for row in mine.to_dict("records")
        ]  # fmt: skip
        yield Section(f"Failure: {plain(str(failure))}", ["seen", "model", "by", "same"], rows)


def _deaths(frame: pd.DataFrame) -> Iterator[Section]:
    rows = []
    for row in frame.to_dict("records"):
        seen = _span(row["first_s"], row["last_s"])
        model = _span(row["model_low_s"], row["model_high_s"])
        rows.append(_row(row["death"], seen, model, _seconds(row["default_s"]), row["setting"],
                         _seconds(row["back_s"]), row["same"]))  # fmt: skip
    headings = ["static after s", "model s", "default s", "by", "back after s", "same"]
    yield Section("Deaths of the controller", headings, rows)


def _carried(frame: pd.DataFrame) -> Iterator[Section]:
    rows = []
    for way, mine in frame.groupby("way", sort=False):
        kept = mine["kept_share"]
        rows.append(_row(str(way), f"{mine['entries'].sum():,}", f"{mine['wrong'].sum():,}",
                         f"{100 * kept.min():.1f} to {100 * kept.max():.1f}",
                         f"{100 * mine['difference'].max():.2f}",
                         f"{mine['sent'].sum() - mine['delivered'].sum():,}",
                         f"{mine['in_force_s'].max():.2f}"))  # fmt: skip
    headings = ["entries", "wrong", "kept %", "apart, points", "lost", "in force after s"]
    count = frame["cycle"].nunique()
    yield Section(f"Without tunnels, {count} decisions each", headings, rows)


def _landings(frame: pd.DataFrame) -> Iterator[Section]:
    """Changes that move most, in order of time."""
    most = frame.nlargest(_CYCLES_SHOWN, ["wrong", "moved"]).sort_values("change")
    names = ("groups", "lines", "moved", "wrong", "sent", "received")
    rows = [
        _row(f"change {row['change']}", *(f"{row[name]:,}" for name in names),
             f"{row['in_force_s']:.2f}")
        for row in most.to_dict("records")
    ]  # fmt: skip
    yield Section("Changes of announcements that move most", [*names, "in force after s"], rows)


_SECTIONS = {
    "static": _static,
    "cycles": _cycles,
    "flows": _flows,
    "failures": _failures,
    "deaths": _deaths,
    "carried": _carried,
    "landings": _landings,
}


def _row(label: str, *values: str) -> Row:
    return Row(label, tuple(map(Cell, values)))


def _figure(value: float, unit: str) -> str:
    if np.isnan(value):
        return "-"
    if unit == "s":
        return f"{value:.2f} s"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4f}"


def _span(low: float, high: float) -> str:
    first, last = _seconds(low), _seconds(high)
    return first if first == last else f"{first} to {last}"


def _seconds(value: float) -> str:
    return _NEVER if np.isnan(value) else f"{value:.2f}"
