"""Steps: decisions as what changes at each instant, and what routers do of each change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from simulator.export.decided import Decision, Pair, Ways
from simulator.export.instants import Instants


class Change(NamedTuple):
    """A pair whose exits or per cents change.

    Attributes
    ----------
    source, target : str
    before, after : mapping of str to int
        Exits with their whole per cents; empty without a decision.
    """

    source: str
    target: str
    before: Ways
    after: Ways

    def announced(self) -> Iterator[tuple[str, int]]:
        """Yield exits that are new, or have other per cents than before, by name."""
        for name in sorted(self.after):
            if self.before.get(name) != self.after[name]:
                yield name, self.after[name]

    def withdrawn(self) -> list[str]:
        """Return the exits that are no longer used, by name."""
        return sorted(set(self.before) - set(self.after))


class Step(NamedTuple):
    """What changes at one instant.

    Attributes
    ----------
    time_s : float
        Seconds from the start of the run.
    clock : str
        The same as a time of day.
    cycle : int
        Number of the cycle that installs it, from 1.
    changes : list of Change
        Sorted by source and target.
    """

    time_s: float
    clock: str
    cycle: int
    changes: list[Change]


def one_step(decisions: Sequence[Decision], time_s: float, instants: Instants) -> Step:
    """Return decisions in force at an instant as one step from none."""
    changes = [Change(each.source, each.target, {}, each.ways) for each in decisions]
    return Step(time_s, instants.clock(time_s), instants.cycle(time_s), changes)


def all_steps(decisions: Sequence[Decision], instants: Instants) -> list[Step]:
    """Return a step for each instant at which anything changes for a router.

    Of decisions that differ by less than rounding does, there is no change.
    """
    known: dict[Pair, Ways] = {}
    steps = []
    for time_s, those in groupby(decisions, key=lambda each: each.time_s):
        changes = []
        for each in sorted(those, key=lambda each: (each.source, each.target)):
            pair = each.source, each.target
            before = known.get(pair, {})
            if before != each.ways:
                changes.append(Change(*pair, before, each.ways))
                known[pair] = each.ways
        if changes:
            steps.append(Step(time_s, instants.clock(time_s), instants.cycle(time_s), changes))
    return steps
