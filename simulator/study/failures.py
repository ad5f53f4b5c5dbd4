"""Failures: every failure of links, nodes, cables or exits, tried on every strategy."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem, SimulatorError, known_instead
from simulator.engines.case import Case
from simulator.jobs import Progress, key_of, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.queues.none import NoQueue
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study import failure_tables as tables
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.failure_cases import failure_cases, words_of
from simulator.study.failure_jobs import inline, played
from simulator.study.failure_tables import Found
from simulator.study.failure_words import Asked, answer_of
from simulator.study.headroom import TARGET, AnyScheme, strategies_of
from simulator.study.unfinished import Unfinished
from simulator.traffic.traffic import Series

MARK = "failures.json"
"""The file by which a folder of this study is known, finished or not."""


def failures(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = "igp_ecmp",
    k: int = 1,
    of: str | Sequence[str] = "links",
    at: float | None = None,
    impact: str | None = None,
    target: float | None = None,
    worlds: int | None = None,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Try every failure on every strategy, and rank them by what they hurt.

    Traffic stands still at one instant. Before a failure each strategy has had time to act. Lost
    before the reaction is what is not delivered with routes as they were. After it the static
    routes have converged and the controller has decided again, through the code of the control
    loop. Of equal-cost shortest paths only what a failure changes is worked out.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network; see :func:`simulator.headroom`.
    k : int
        Failures at once: 1 for each alone, 2 for every pair.
    of : str or sequence of str
        What fails: ``links``, ``nodes``, ``cables``, ``gateways``, ``exits``, or several of them.
    at : float, optional
        Hours from the start; the instant at which each strategy is the fullest when left out.
    impact : str, optional
        A link: the table ``impact`` says what every failure does to it.
    target : float, optional
        Utilisation that exits, or all links without exits, are to keep; that of the scenario, or
        0.8.
    worlds : int, optional
        Worlds in all, the first as stated: ranges are over the others. One when left out.
    out : path, optional
        Folder to write; a temporary one, with which nothing can be resumed, when left out.
    workers : int
        Processes to share the work.
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
        Tables ``cases`` (strategies and failures, the worst first), ``links`` (the failure that
        fills each direction of a link most), ``strategies``, ``exits``, ``demands`` (whom a failure
        hurts), and, where asked for, ``impact`` and ``ranges``.

    Raises
    ------
    InputError
        A value is wrong, or nothing of a kind can fail.
    SimulatorError
        The folder is taken, or holds an unfinished study of something else.
    """
    if isinstance(scenario, Network):
        case = _still(scenario, demands, scheme, target)
        asked = _asked(scenario.name, case, k, of, at, impact, 1, any_size)
        with StagingFolder(out, force=force, mark=MARK) as staging:
            record = {"name": asked.title, **asked.record()}
            Unfinished.beside(staging.place, MARK, record).write_record(staging.folder)
            found = [inline(case, name, asked.cases) for name in case.strategies]
            return _published(staging, asked, [found], finish)
    if demands is not None:
        raise _wrong("demands", "are for a network; a scenario has its own")
    scenario = as_scenario(scenario, any_size)
    if target is not None:
        scenario = scenario.with_changes({"targets.exit_utilisation": _target(target)})
    if not any_size:
        refuse_too_much(scenario.with_changes({"replications": 1}), max(worlds or 1, 1))
    title, count = scenario.settings.title or scenario.name, max(worlds or 1, 1)
    asked = _asked(title, scenario.case, k, of, at, impact, count, any_size)
    with _staging(out, force) as staging:
        provenance.keep_inputs(scenario, staging.folder)
        record = _record(scenario, asked, staging.folder)
        kept = Unfinished.beside(staging.place, MARK, record)
        kept.open(force=force)
        try:
            by_world = played(
                scenario, asked.cases, asked.at_h, asked.worlds, key_of(**record), kept.parts,
                workers, progress or silent,
            )  # fmt: skip
        except KeyboardInterrupt:
            message = f"what is finished is kept in {kept.folder}; the same command goes on"
            raise KeyboardInterrupt(message) from None
        kept.write_record(staging.folder)
        answer = _published(staging, asked, by_world, finish)
    kept.remove()
    return answer


def _staging(out: str | Path | None, force: bool) -> StagingFolder:
    try:
        return StagingFolder(out, force=force, mark=MARK)
    except SimulatorError:
        if out is not None:
            Unfinished.tidy(Path(os.path.realpath(out)), MARK)
        raise


def _asked(
    title: str,
    case: Case,
    k: int,
    of: str | Sequence[str],
    at: float | None,
    impact: str | None,
    worlds: int,
    any_size: bool,
) -> Asked:
    """Check all that is asked."""
    words = words_of(of)
    cases = failure_cases(case.network, words, k, any_size=any_size)
    hours = case.horizon_s / 3600.0
    if at is not None and not 0 <= at < hours:
        raise _wrong("at", f"expected hours from 0 to below {hours:g}, found {at:g}")
    if impact is not None and impact not in case.network.link_index:
        raise _wrong("impact", f"no link {impact!r}{known_instead(impact, case.network.links)}")
    return Asked(
        title, case.network, case.strategies, cases, words, k, at, impact, case.exit_target, worlds
    )


# -- the answer -----------------------------------------------------------------------------------


def _record(scenario: Scenario, asked: Asked, folder: Path) -> dict[str, Any]:
    """What the parts depend on, as plain data."""
    return {
        "name": scenario.name, **provenance.identity(folder), "scenario": scenario.resolved(),
        **asked.record(),
    }  # fmt: skip


def _published(
    staging: StagingFolder,
    asked: Asked,
    by_world: Sequence[Sequence[Found]],
    finish: Finish | None,
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    frames = _frames(asked, by_world)
    for name, frame in frames.items():
        write_csv(staging.folder, f"failures_{name}", frame)
    answer = answer_of(asked, by_world[0], frames, staging.folder)
    keep_answer(answer, finish)
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


def _frames(asked: Asked, by_world: Sequence[Sequence[Found]]) -> dict[str, pd.DataFrame]:
    stated = by_world[0]
    frames = {
        "cases": tables.cases_table(stated),
        "links": tables.links_table(stated),
        "strategies": tables.strategies_table(stated),
        "exits": tables.exits_table(stated),
        "demands": tables.demands_table(stated),
    }
    if asked.impact is not None:
        frames["impact"] = tables.impact_table(stated, asked.impact)
    if len(by_world) > 1:
        frames["ranges"] = tables.ranges_table(by_world)
    return frames


# -- a network and demands, without a scenario ----------------------------------------------------


def _still(
    network: Network,
    demands: Demands | None,
    scheme: AnyScheme | Sequence[AnyScheme],
    target: float | None,
) -> Case:
    """A case of traffic that stands still for an hour."""
    if demands is None:
        raise _wrong("demands", "a network needs demands: sim.failures(network, demands)")
    return Case(
        network=network, demands=demands, series=Series(network, demands, (), 1.0),
        strategies=strategies_of(scheme), events=(), queue=NoQueue(), seed=0, steps=1,
        step_s=3600.0, horizon_s=3600.0, exit_target=TARGET if target is None else _target(target),
    )  # fmt: skip


def _target(given: float) -> float:
    if not 0 < given < float("inf"):
        raise _wrong("target", f"expected a utilisation above 0, such as 0.8, found {given:g}")
    return float(given)


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
