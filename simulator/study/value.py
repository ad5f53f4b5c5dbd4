"""Value: what one Gbps more of each exit, link and cable is worth to every strategy."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from simulator import provenance
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.engines.case import Case
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.queues.none import NoQueue
from simulator.results.folder import StagingFolder
from simulator.results.writer import write_csv
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.headroom import TARGET, AnyScheme, strategies_of
from simulator.study.value_rows import FIGURES, ROWS, Sampling, play, strategy_rows
from simulator.study.value_words import Asked, answer_of
from simulator.traffic.traffic import Series

MARK = "value.json"
"""The file by which a folder of this study is known."""
INSTANTS = 24


def value(
    scenario: Scenario | str | Path | Mapping[str, Any] | Network,
    demands: Demands | None = None,
    *,
    scheme: AnyScheme | Sequence[AnyScheme] = ("igp_ecmp", "min_max"),
    target: float | None = None,
    by: str = "mlu",
    instants: int = INSTANTS,
    out: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    finish: Finish | None = None,
) -> Answer:
    """Say what one Gbps more of each exit, link and cable is worth to every strategy.

    Three figures: the highest utilisation of any link, the mean propagation delay weighted by
    traffic, and headroom. Traffic is known and a controller has time to act; routes that do not
    follow traffic stay as planned. Where a strategy has a linear program the prices of its optimum
    say the change; elsewhere it is routed twice, with the same random draws. Where an optimum has a
    kink both sides stand apart.

    Parameters
    ----------
    scenario : Scenario, str, Path, mapping or Network
        Anything but a scenario or a network is loaded first; see :func:`simulator.load`.
    demands : Demands, optional
        With a network: its traffic.
    scheme : str, mapping, Scheme or Strategy, or several of them
        With a network; see :func:`simulator.headroom`.
    target : float, optional
        Utilisation of an exit direction that headroom is counted to; that of the scenario, or 0.8.
    by : str
        What to rank by: ``mlu``, ``latency`` or ``headroom``.
    instants : int
        Moments, evenly spaced, that the mean latency is taken over.
    out : path, optional
        Folder to write; a temporary one when left out.
    workers : int
        Processes to share the strategies.
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
        Tables ``value`` (strategies and elements, the ones that are worth most first) and
        ``strategies`` (the figures that are changed, and how that was found).

    Raises
    ------
    InputError
        A value is wrong.
    SimulatorError
        The folder is taken.
    """
    sampling = _checked(by, instants, target)
    if isinstance(scenario, Network):
        case = _still(scenario, demands, scheme, target)
        asked = Asked(scenario.name, case.network, case.strategies, by, case.exit_target)
        with StagingFolder(out, force=force, mark=MARK) as staging:
            found = [strategy_rows(case, name, sampling, silent) for name in case.strategies]
            return _published(staging, asked, found, finish)
    if demands is not None:
        raise _wrong("demands", "are for a network; a scenario has its own")
    scenario = as_scenario(scenario, any_size)
    if target is not None:
        scenario = scenario.with_changes({"targets.exit_utilisation": target})
    if not any_size:
        refuse_too_much(scenario.with_changes({"replications": 1}))
    settings = scenario.settings
    asked = Asked(
        settings.title or scenario.name, scenario.network, settings.strategies, by,
        settings.targets.exit_utilisation,
    )  # fmt: skip
    with StagingFolder(out, force=force, mark=MARK) as staging:
        provenance.keep_inputs(scenario, staging.folder)
        found = _played(scenario, sampling, staging.folder, workers, progress or silent)
        return _published(staging, asked, found, finish)


def _played(
    scenario: Scenario, sampling: Sampling, folder: Path, workers: int, progress: Progress
) -> list[dict[str, Any]]:
    """Rows of every strategy, each a job of its own."""
    identity, parts = provenance.identity(folder), folder / "parts"
    jobs = [
        Job(
            key_of(**identity, strategy=name, sampling=str(sampling)),
            partial(play, scenario, name, sampling),
            parts / f"{i:06d}",
        )
        for i, name in enumerate(scenario.settings.strategies)
    ]
    executor(min(workers, len(jobs))).run(jobs, progress)
    found = [json.loads((job.folder / ROWS).read_text(encoding="utf-8")) for job in jobs]
    shutil.rmtree(parts)
    return found


def _published(
    staging: StagingFolder, asked: Asked, found: list[dict[str, Any]], finish: Finish | None
) -> Answer:
    """Write the tables, move the folder to its place, and return the answer."""
    frames = {
        "value": _ranked(pd.DataFrame([row for each in found for row in each["rows"]]), asked.by),
        "strategies": pd.DataFrame([each["looked"] for each in found]),
    }
    for name, frame in frames.items():
        write_csv(staging.folder, f"value_{name}", frame)
    answer = answer_of(asked, frames, staging.folder)
    keep_answer(answer, finish)
    record = {"name": asked.title, "by": asked.by, "target": asked.target}
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    (staging.folder / MARK).write_text(text, encoding="utf-8")
    answer = replace(answer, folder=staging.publish())
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


def _ranked(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rows of every strategy in its order, those that are worth most as a Gbps is added first."""
    figures = [by, *(figure for figure in FIGURES if figure != by)]
    keys = {f"_{figure}": -_gain(frame, figure).fillna(0.0) for figure in figures}
    order = {name: i for i, name in enumerate(dict.fromkeys(frame["strategy"]))}
    keyed = frame.assign(_place=frame["strategy"].map(order), **keys)
    keyed = keyed.sort_values(["_place", *keys], kind="stable", ignore_index=True)
    return keyed[frame.columns]


def _gain(frame: pd.DataFrame, figure: str) -> pd.Series:
    """What a Gbps more is worth, above 0 for the better."""
    change = frame[f"{FIGURES[figure]}_per_gbps_more"]
    return change if figure == "headroom" else -change


# -- what is asked --------------------------------------------------------------------------------


def _still(
    network: Network,
    demands: Demands | None,
    scheme: AnyScheme | Sequence[AnyScheme],
    target: float | None,
) -> Case:
    """A case of traffic that stands still for an hour."""
    if demands is None:
        raise _wrong("demands", "a network needs demands: sim.value(network, demands)")
    return Case(
        network=network, demands=demands, series=Series(network, demands, (), 1.0),
        strategies=strategies_of(scheme), events=(), queue=NoQueue(), seed=0, steps=1,
        step_s=3600.0, horizon_s=3600.0, exit_target=TARGET if target is None else target,
    )  # fmt: skip


def _checked(by: str, instants: int, target: float | None) -> Sampling:
    if by not in FIGURES:
        known = ", ".join(FIGURES)
        raise _wrong("by", f"no figure named {by!r}{did_you_mean(by, FIGURES)}; known: {known}")
    if instants < 1:
        raise _wrong("instants", f"expected a number of moments from 1, found {instants}")
    if target is not None and not 0 < target < float("inf"):
        raise _wrong("target", f"expected a utilisation above 0, such as 0.8, found {target:g}")
    return Sampling(instants)


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
