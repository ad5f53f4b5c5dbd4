"""The contract of this folder: decisions become files for one kind of router or controller.

A form is a frozen value. Adding one is adding a file here with a class under ``@form("my_form")``,
and choosing it by ``simulator export DIR --to my_form``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from simulator.base.registry import Registered, Registry
from simulator.export.addresses import AddressPlan
from simulator.export.steps import Change, Step

MOST_PATHS = 32
"""Exits of one decision: what routers are told to take of a prefix (``maximum-paths ibgp 32``)."""


class Exporting(NamedTuple):
    """What a form is given.

    Attributes
    ----------
    plan : AddressPlan
    steps : list of Step
        In order of time; of one instant there is one, from no decision.
    is_day : bool
        Whether it is a run with its changes, and not one instant.
    head : list of str
        Lines that say what this is, safe for comments.
    """

    plan: AddressPlan
    steps: list[Step]
    is_day: bool
    head: list[str]

    @property
    def sources(self) -> list[str]:
        """Provinces with any decision, sorted."""
        return sorted({each.source for step in self.steps for each in step.changes})

    def changes_of(self, source: str) -> Iterator[tuple[Step, list[Change]]]:
        """Yield the steps that change anything at one province, with its changes."""
        for step in self.steps:
            if mine := [each for each in step.changes if each.source == source]:
                yield step, mine

    def targets(self, change: Change) -> list[str]:
        """Return the prefixes that a change is about."""
        return [str(each.prefix) for each in self.plan.prefixes[change.target]]

    def comments(self, mark: str, *more: str) -> list[str]:
        """Return the head, and further lines, as comments."""
        return [f"{mark} {line}".rstrip() for line in (*self.head, *more)]


class Form(Registered):
    """What every form of export offers."""

    @abstractmethod
    def files(self, exporting: Exporting) -> dict[str, str]:
        """Return the text of each file by its path in the folder of the export.

        Called only where there are no :meth:`refusals`. Those whose names end in ``.sh`` are made
        executable. The same input gives the same text.
        """

    def refusals(self, exporting: Exporting) -> Iterable[str]:
        """Return what the target cannot carry, in words; nothing is written then."""
        return ()

    def limits(self) -> tuple[str, ...]:
        """Return what the target does not do of a decision, as sentences for the head."""
        return ()


form = Registry("form of export", "simulator.export.forms", Form)
"""Forms by the word after ``--to``."""


def too_many_paths(exporting: Exporting) -> Iterator[str]:
    """Yield why a decision has more exits than routers take of a prefix."""
    for step in exporting.steps:
        for each in step.changes:
            if len(each.after) > MOST_PATHS:
                yield (
                    f"{each.source} to {each.target} at {step.clock}: {len(each.after)} exits;"
                    f" routers take {MOST_PATHS} paths of a prefix"
                )


def text_of(lines: Iterable[str]) -> str:
    """Return lines as the text of a file."""
    return "".join(f"{line}\n" for line in lines)


def mark_of(step: Step) -> str:
    """Return the words of a step in a comment."""
    return f"at {step.time_s:.3f} s, {step.clock}, cycle {step.cycle}"


def waits(steps: Iterable[Step]) -> Iterator[tuple[Step, float]]:
    """Yield steps with the seconds since the one before, and of the first since the start."""
    last_s = 0.0
    for step in steps:
        yield step, step.time_s - last_s
        last_s = step.time_s
