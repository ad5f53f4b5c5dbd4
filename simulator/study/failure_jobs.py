"""Failure jobs: the pieces of a screening that other processes do, and the files they leave."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.engines.case import Case
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.model.faults import Fault
from simulator.scenario.scenario import Scenario
from simulator.study.busiest import Moment, moments
from simulator.study.failure_cases import FailureCase, States
from simulator.study.failure_play import Outcome, outcome
from simulator.study.failure_tables import Found
from simulator.uncertainty.world import World

ARRAYS = "arrays.npz"
CHUNK = 64
"""States of a job."""
_FAULTS = "faults.json"
_FIRST = 0.1
"""Share of the work that it is to find the moments, for the bar of progress."""


def case_of(scenario: Scenario, world: World) -> Case:
    """Return the case of a world."""
    return replace(scenario.world(world).case, catchments=world.number)


def keep_moments(
    scenario: Scenario, world: World, at_h: float | None, folder: Path, progress: Progress
) -> None:
    """Play the first day of a world, and write the moment of every strategy."""
    found = list(moments(case_of(scenario, world), at_h, progress).values())
    arrays: dict[str, Any] = {
        "at_h": np.array([each.at_h for each in found]),
        "rates": np.array([each.rates for each in found]),
        "up": np.array([each.network.up for each in found]),
        "capacity_gbps": np.array([each.network.capacity_gbps for each in found]),
    }
    np.savez(folder / ARRAYS, **arrays)
    faults = [sorted((f.kind, f.target, f.part) for f in each.network.faults) for each in found]
    (folder / _FAULTS).write_text(json.dumps(faults), encoding="utf-8")


def moment_of(case: Case, folder: Path, place: int) -> Moment:
    """Read the moment of a strategy, by its place among them."""
    faults = json.loads((folder / _FAULTS).read_text(encoding="utf-8"))[place]
    with np.load(folder / ARRAYS) as arrays:
        up, capacity = arrays["up"][place], arrays["capacity_gbps"][place]
        at_h, rates = float(arrays["at_h"][place]), arrays["rates"][place]
    network = case.network
    same = np.array_equal(up, network.up) and np.array_equal(capacity, network.capacity_gbps)
    if faults or not same:
        network = network.under(
            up=up, capacity_gbps=capacity, faults=[Fault(*each) for each in faults]
        )
    return Moment(at_h, network, rates)


def play(
    scenario: Scenario,
    world: World,
    place: int,
    moments_of: Path,
    faults: Sequence[tuple[Fault, ...]],
    folder: Path,
    progress: Progress,
) -> None:
    """Try some sets of faults on one strategy, and write what they do."""
    case = case_of(scenario, world)
    name, moment = list(case.strategies)[place], moment_of(case, moments_of, place)
    states = _states(moment, faults)
    arrays: dict[str, Any] = {**outcome(case, name, moment, states, progress).arrays()}
    np.savez(folder / ARRAYS, **arrays)


def _states(moment: Moment, faults: Sequence[tuple[Fault, ...]]) -> States:
    """Return a state for each set of faults, which are known to differ."""
    whole = States.of(moment.network, [FailureCase("", each) for each in faults])
    return whole.take(whole.of_case)


# -- all of them ----------------------------------------------------------------------------------


class _Ready(NamedTuple):
    """A strategy in a world, with the jobs that try all its states."""

    name: str
    case: Case
    moment: Moment
    states: States
    jobs: Sequence[Job]


def inline(case: Case, name: str, cases: Sequence[FailureCase]) -> Found:
    """Try all cases on one strategy here and now, of traffic that stands still anyway."""
    moment = Moment(0.0, case.network, case.demands.gbps)
    states = States.of(case.network, cases)
    chunks = (states.take(some) for some in _chunks(len(states)))
    parts = [outcome(case, name, moment, each, silent).arrays() for each in chunks]
    return _found(case, name, moment, cases, states, parts)


def played(
    scenario: Scenario,
    cases: Sequence[FailureCase],
    at_h: float | None,
    worlds: int,
    key: str,
    parts: Path,
    workers: int,
    progress: Progress,
) -> list[list[Found]]:
    """Find the moments of every world, then try all cases on every strategy.

    Parameters
    ----------
    key : str
        Of all that the parts depend on.
    parts : pathlib.Path
        Where finished parts are kept.
    workers : int
        Processes to share the work.

    Returns
    -------
    list of list of Found
        By world, the one as stated first, and strategy.
    """
    first = [
        Job(
            key_of(failures=key, world=number),
            partial(keep_moments, scenario, World(number), at_h),
            parts / f"moments-{number:04d}",
        )
        for number in range(worlds)
    ]
    executor(min(workers, len(first))).run(first, lambda done: progress(_FIRST * done))
    ready = [
        _ready(scenario, World(number), cases, job.folder, key, parts)
        for number, job in enumerate(first)
    ]
    jobs = [job for world in ready for each in world for job in each.jobs]
    executor(min(workers, len(jobs))).run(
        jobs, lambda done: progress(_FIRST + (1.0 - _FIRST) * done)
    )
    return [[_read(cases, each) for each in world] for world in ready]


def _ready(
    scenario: Scenario,
    world: World,
    cases: Sequence[FailureCase],
    moments_of: Path,
    key: str,
    parts: Path,
) -> list[_Ready]:
    case, found = case_of(scenario, world), []
    for place, name in enumerate(case.strategies):
        moment = moment_of(case, moments_of, place)
        states = States.of(moment.network, cases)
        jobs = [
            Job(
                key_of(failures=key, world=world.number, strategy=place, first=int(some[0])),
                partial(play, scenario, world, place, moments_of, states.take(some).faults),
                parts / f"states-{world.number:04d}-{place:03d}-{some[0]:07d}",
            )
            for some in _chunks(len(states))
        ]
        found.append(_Ready(name, case, moment, states, jobs))
    return found


def _chunks(count: int) -> list[np.ndarray]:
    return [np.arange(i, min(i + CHUNK, count)) for i in range(0, count, CHUNK)]


def _read(cases: Sequence[FailureCase], ready: _Ready) -> Found:
    parts = []
    for job in ready.jobs:
        with np.load(job.folder / ARRAYS) as arrays:
            parts.append({key: arrays[key] for key in arrays.files})
    return _found(ready.case, ready.name, ready.moment, cases, ready.states, parts)


def _found(
    case: Case,
    name: str,
    moment: Moment,
    cases: Sequence[FailureCase],
    states: States,
    parts: Sequence[Mapping[str, np.ndarray]],
) -> Found:
    joined = Outcome.joined(parts)
    return Found(name, moment, case.demands, cases, states, joined, case.exit_target)
