"""Failure jobs: the pieces of a screening that other processes do, and the files they leave."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator.engines.case import Case
from simulator.jobs import Progress
from simulator.model.faults import Fault
from simulator.scenario.scenario import Scenario
from simulator.study.busiest import Moment, moments
from simulator.study.failure_cases import FailureCase, States
from simulator.study.failure_play import outcome
from simulator.uncertainty.world import World

ARRAYS = "arrays.npz"
_FAULTS = "faults.json"


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
    np.savez(folder / ARRAYS, **_named(outcome(case, name, moment, states, progress).arrays()))


def _states(moment: Moment, faults: Sequence[tuple[Fault, ...]]) -> States:
    """Return a state for each set of faults, which are known to differ."""
    whole = States.of(moment.network, [FailureCase("", each) for each in faults])
    return whole.take(whole.of_case)


def _named(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return dict(arrays)
