"""A race: runners that do comparable work, timed in turns, and proof that they agree.

CPU time of the process, not wall time, so that other work on the machine disturbs less. In every
round each runner takes one turn, so that what slows the machine down slows all of them; ratios are
taken within a round and the median over the rounds is told.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Limit(NamedTuple):
    """A difference found, and the largest that still counts as agreement."""

    found: float
    allowed: float


@dataclass(frozen=True)
class Race:
    """Runners, the yardstick among them, and the check that must hold before any is timed.

    Attributes
    ----------
    title : str
        What is done.
    runners : mapping of str to callable
        The yardstick is the one named by ``yardstick``.
    yardstick : str
        The runner that the others are divided by.
    agree : callable
        Computes with every runner and returns differences with their limits.
    per : str
        What one call does, for the heading: ``day``, ``step``, ``solve``.
    count : int
        How many of these one call does.
    counts : mapping of str to int
        The same of single runners, where they differ; `count` where left out.
    """

    title: str
    runners: Mapping[str, Callable[[], Any]]
    yardstick: str
    agree: Callable[[], Mapping[str, Limit]]
    per: str
    count: int = 1
    note: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Timing:
    """Times of one runner: CPU milliseconds per unit, and ratios to the yardstick."""

    runner: str
    cpu_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True)
class Outcome:
    """A race that was run."""

    group: str
    title: str
    per: str
    yardstick: str
    rounds: int
    agreement: Mapping[str, Limit]
    timings: tuple[Timing, ...]
    note: str = ""


class Disagreement(AssertionError):
    """Two runners that should find the same do not; their times mean nothing."""


def run(group: str, race: Race, *, rounds: int, least_s: float) -> Outcome:
    """Check that the runners agree, then time them in turns.

    Parameters
    ----------
    group : str
    race : Race
    rounds : int
        Turns of every runner.
    least_s : float
        CPU time that a turn lasts at least; short calls are repeated.

    Raises
    ------
    Disagreement
        Some difference is above its limit.
    """
    agreement = race.agree()
    for what, limit in agreement.items():
        if not limit.found <= limit.allowed:
            raise Disagreement(
                f"{group}, {race.title}: {what} differs by {limit.found:.3g},"
                f" more than {limit.allowed:.3g}"
            )
    repeats = {name: _repeats(runner, least_s) for name, runner in race.runners.items()}
    seconds: dict[str, list[float]] = {name: [] for name in race.runners}
    names = list(race.runners)
    for turn in range(rounds):
        for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
            took = _turn(race.runners[name], repeats[name])
            seconds[name].append(took / race.counts.get(name, race.count))
    yardstick = seconds[race.yardstick]
    timings = tuple(_timing(name, seconds[name], yardstick) for name in names)
    return Outcome(
        group, race.title, race.per, race.yardstick, rounds, agreement, timings, race.note
    )


def _repeats(runner: Callable[[], Any], least_s: float) -> int:
    """Calls that make up a turn; the first call, which may fill caches, is not counted."""
    runner()
    once = max(_turn(runner, 1), 1e-9)
    if once * 10 < least_s:
        once = max(_turn(runner, 10), 1e-9)
    return max(1, round(least_s / once))


def _turn(runner: Callable[[], Any], repeats: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(repeats):
        runner()
    return (time.process_time() - began) / repeats


def _timing(name: str, own: list[float], yardstick: list[float]) -> Timing:
    ratios = [mine / theirs for mine, theirs in zip(own, yardstick, strict=True)]
    return Timing(
        name,
        statistics.median(own) * 1e3,
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )
