"""Headroom: how much growth fits, when each exit runs out, and what SDN is worth."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem
from simulator.control.strategy import Strategy
from simulator.engines.case import Case
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.queues.none import NoQueue
from simulator.recording.growth import Compound, Uniform
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.routing.scheme import Scheme
from simulator.routing.scheme import scheme as schemes
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.calendar import Calendar, calendar
from simulator.study.growing import Rates, assumed_rates, growing, rates_of
from simulator.study.headroom_words import Asked, answer_of
from simulator.study.rooms import FACTOR, ROWS, YEARS, Wanted, play, rooms
from simulator.study.run_out import (
    Ends,
    headroom_table,
    over_time_table,
    run_out,
    states_table,
    worth,
)
from simulator.traffic.traffic import Series
from simulator.uncertainty.world import World

MARK = "headroom.json"
"""The file by which a folder of this study is known."""
TARGET = 0.8
AnyScheme = str | Mapping[str, Any] | Scheme | Strategy


def headroom(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = ("igp_ecmp", "min_max"),
    target: float | None = None,
    of: str = "international",
    until: str | float | None = None,
    growth_per_year: float | None = None,
    worlds: int | None = None,
    days: int = 1,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Say how much growth fits, when each exit runs out, and what each strategy is worth.

    The factor counts from the traffic of the scenario without growth. Years count from its start:
    the same days, so much later. A strategy runs out on the day on which some exit direction is
    past the target at some instant, in some state of the network. For routes that do not follow
    traffic each exit has a day of its own. A strategy that moves traffic has one: that of the exits
    that no routing relieves then, and the others have room.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic, which stands still.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network. A scheme that holds a limit, such as ``min_max``, follows the growing
        traffic; any other is planned once, for *demands*. A strategy says by itself.
    target : float, optional
        Utilisation of an exit direction; that of the scenario, or 0.8, when left out.
    of : str
        Traffic whose factor is looked for: ``international``, ``domestic``, ``all``,
        ``international_out``, ``international_in`` or ``region:ID``.
    until : str or float, optional
        Last day that is looked at, or years from the start; 30 years when left out.
    growth_per_year : float, optional
        Growth of all traffic, 0.25 for 25 %, in place of what the scenario states. Where it states
        none 24.5 % is assumed, and 15 to 35 % for the range.
    worlds : int, optional
        Worlds in all, the first as stated: ranges are over the others. Those of the scenario when
        left out.
    days : int
        Days of every world; what holds, holds on all of them.
    out : path, optional
        Folder to write; a temporary one when left out.
    workers : int
        Processes to share the days.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    force : bool
        Replace what this study wrote at *out* before.
    any_size : bool
        Run also what takes more than is allowed; see :func:`simulator.run`.
    finish : callable, optional
        Given the answer before its folder appears in its place, to add pictures.

    Returns
    -------
    Answer
        Tables ``headroom`` (a row a strategy), ``run_out`` (strategies and exit directions, with
        dates and their ranges), ``worth`` (against the first strategy), ``states`` (by state of the
        network and direction) and ``over_time`` (by hour).

    Raises
    ------
    InputError
        There are no exits, no such traffic, or a value is wrong.
    SimulatorError
        The folder is taken.
    """
    if isinstance(scenario, Network):
        return _still(scenario, demands, scheme, target, of, until, growth_per_year, out, force)
    if demands is not None:
        raise _wrong("demands", "are for a network; a scenario has its own")
    scenario = as_scenario(scenario, any_size)
    wanted = Wanted(
        of, _target(target, scenario.settings.targets.exit_utilisation), growth_per_year
    )
    _require_exits(scenario.network)
    growing(scenario.case.demands, scenario.network, of)
    when = _calendar(scenario, until)
    worlds = scenario.settings.worlds if worlds is None else max(worlds, 1)
    if not any_size:
        refuse_too_much(scenario.with_changes({"replications": 1}), days * worlds)
    asked = Asked(
        scenario.settings.title or scenario.name, scenario.network.name, wanted, when,
        rates_of(scenario, growth_per_year), worlds - 1, scenario.settings.strategies,
    )  # fmt: skip
    with StagingFolder(out, force=force, mark=MARK) as staging:
        provenance.keep_inputs(scenario, staging.folder)
        identity, parts = provenance.identity(staging.folder), staging.folder / "parts"
        jobs = [
            Job(
                key_of(**identity, wanted=str(wanted), world=world, day=day),
                partial(play, scenario, World(world), day, wanted),
                parts / f"{world * days + day:06d}",
            )
            for world in range(worlds)
            for day in range(days)
        ]
        executor(min(workers, len(jobs))).run(jobs, progress or silent)
        found = [_read(job.folder) for job in jobs]
        shutil.rmtree(parts)
        by_world = [_joined(found[i : i + days]) for i in range(0, len(found), days)]
        return _published(staging, asked, by_world, scenario.case.demands, finish)


def _calendar(scenario: Scenario, until: str | float | None) -> Calendar:
    """Dates count from the start of the scenario, or else from that of its recording."""
    date = scenario.settings.start
    if date is None and scenario.recording is not None and scenario.recording.start is not None:
        return calendar(scenario.recording.start, scenario.network, until, "the recording's start")
    return calendar(date, scenario.network, until)


def _read(folder: Path) -> dict[str, Any]:
    rows: dict[str, Any] = json.loads((folder / ROWS).read_text(encoding="utf-8"))
    return rows


def _joined(days: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of all days of a world; what is drawn over time is of the first."""
    return {
        "limits": [row for day in days for row in day["limits"]],
        "exits": [row for day in days for row in day["exits"]],
        "over_time": days[0]["over_time"],
        "gbps": max(day["gbps"] for day in days),
    }


def _published(
    staging: StagingFolder,
    asked: Asked,
    by_world: list[dict[str, Any]],
    demands: Demands,
    finish: Finish | None = None,
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    frames = tables(asked, by_world, demands)
    for name, frame in frames.items():
        write_csv(staging.folder, f"headroom_{name}", frame)
    record = {
        "name": asked.title, "target": asked.wanted.target, "of": asked.wanted.of,
        "start": asked.calendar.day(0.0), "start_from": asked.calendar.words,
        "growth": asked.rates.words, "worlds": asked.drawn,
    }  # fmt: skip
    answer = answer_of(asked, frames, staging.folder)
    keep_answer(answer, finish)
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


def tables(
    asked: Asked, by_world: list[dict[str, Any]], demands: Demands
) -> dict[str, pd.DataFrame]:
    """Return all tables from the rows of the world as stated, the first, and of drawn ones."""
    stated, drawn = by_world[0], by_world[1:]
    ends = Ends(asked.rates, stated, drawn)
    limits, when = stated["limits"], asked.calendar
    baseline = next(iter(asked.strategies))
    return {
        "headroom": headroom_table(limits),
        "run_out": run_out(ends, when, limits, _paces(demands, asked.rates)),
        "worth": worth(ends, stated, drawn, stated["gbps"], baseline),
        "states": states_table(limits, when),
        "over_time": over_time_table(stated["over_time"]),
    }


def _paces(demands: Demands, rates: Rates) -> dict[str, float]:
    """Growth in a year of the traffic that crosses the border, by direction."""
    found = {}
    for way, classes in (
        ("out", ("international_out",)), ("in", ("international_in",)),
        ("all", ("international_out", "international_in")),
    ):  # fmt: skip
        mine = demands.of_class(classes)
        weight = demands.gbps[mine]
        mean = float(weight @ rates.speed[mine] / weight.sum()) if weight.sum() > 0 else np.nan
        found[way] = float(np.expm1(mean))
    return found


# -- a network and demands, without a scenario ----------------------------------------------------


def _still(
    network: Network,
    demands: Demands | None,
    scheme: AnyScheme | Sequence[AnyScheme],
    target: float | None,
    of: str,
    until: str | float | None,
    per_year: float | None,
    out: str | Path | None,
    force: bool,
) -> Answer:
    """Answer for traffic that stands still until it grows."""
    if demands is None:
        raise _wrong("demands", "a network needs demands: sim.headroom(network, demands)")
    _require_exits(network)
    wanted = Wanted(of, _target(target, TARGET), per_year)
    rates, when = assumed_rates(demands, per_year), calendar(None, network, until)
    strategies = strategies_of(scheme)
    case = Case(
        network=network, demands=demands, series=Series(network, demands, (), 1.0),
        strategies=strategies, events=(), queue=NoQueue(), seed=0, steps=1, step_s=3600.0,
        horizon_s=3600.0, exit_target=wanted.target,
    )  # fmt: skip
    growths = {
        FACTOR: Uniform(growing(demands, network, of)),
        YEARS: Compound(rates.speed),
    }
    rows = rooms(case, 0, growths, whole=True, progress=silent)
    asked = Asked(network.name, network.name, wanted, when, rates, 0, strategies)
    with StagingFolder(out, force=force, mark=MARK) as staging:
        return _published(staging, asked, [rows], demands)


def strategies_of(given: AnyScheme | Sequence[AnyScheme]) -> dict[str, Strategy]:
    """Return strategies by the names of their schemes, each under the control that fits it."""
    many = [given] if isinstance(given, str | Mapping | Scheme | Strategy) else list(given)
    made: dict[str, Strategy] = {}
    for each in many:
        strategy = each if isinstance(each, Strategy) else _strategy(each)
        name = str(strategy.scheme.kind)
        made[name if name not in made else f"{name} {len(made) + 1}"] = strategy
    if not made:
        raise _wrong("scheme", "expected one or more schemes, found none")
    return made


def _strategy(given: str | Mapping[str, Any] | Scheme) -> Strategy:
    """A scheme under the control that fits it: it follows traffic, or is planned once."""
    if isinstance(given, str):
        made: Any = schemes.make(given)
    elif isinstance(given, Mapping):
        options = dict(given)
        if "kind" not in options:
            raise _wrong("scheme", "expected a kind, as in {kind: min_max}; found none")
        made = schemes.make(options.pop("kind"), **options)
    else:
        made = given
    follows = type(made).limits is not Scheme.limits or made.default_control != "loop"
    control = {"kind": "perfect_information"} if follows else {"kind": "loop"}
    return Strategy(scheme=made, control=control)


def _require_exits(network: Network) -> None:
    if not len(network.exits):
        raise _wrong(
            "topology",
            f"{network.name} has no exits, and headroom is counted to a utilisation of exits; put"
            " some on it under exits, or give links the class exit",
        )


def _target(given: float | None, default: float) -> float:
    if given is not None and not 0 < given < float("inf"):
        raise _wrong("target", f"expected a utilisation above 0, such as 0.8, found {given:g}")
    return default if given is None else float(given)


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
