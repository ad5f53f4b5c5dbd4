"""Design: the keys of a sweep and what they take become its points."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import counted
from simulator.model.streams import Streams
from simulator.study.axis import Axis, numbers_of, wrong

Kind = Literal["grid", "random", "sobol"]
KINDS: tuple[str, ...] = get_args(Kind)
MOST_POINTS = 1_000_000
"""Numbers of points have six digits."""


class Point(NamedTuple):
    """A point of a sweep.

    Attributes
    ----------
    number : int
        Counted from 0, in the order of the design.
    values : mapping of str to value
        What is changed, by key.
    """

    number: int
    values: Mapping[str, Any]

    def __str__(self) -> str:
        what = ", ".join(f"{key} = {value}" for key, value in self.values.items())
        return f"point {self.number} ({what})"


@dataclass(frozen=True)
class Design:
    """Which points a sweep has.

    Attributes
    ----------
    kind : {"grid", "random", "sobol"}
        All combinations, the last key fastest; points drawn evenly and independently; points of a
        scrambled Sobol sequence, which fill the space more evenly.
    axes : tuple of Axis
    seed : int
        Root of what is drawn.
    count : int
        Number of points.
    """

    kind: str
    axes: tuple[Axis, ...]
    seed: int
    count: int

    @classmethod
    def of(cls, over: Mapping[str, Any], kind: str, count: int | None, seed: int) -> Design:
        """Read a design.

        Raises
        ------
        InputError
            Holds all that is wrong with it.
        """
        axes, problems = _axes(over)
        if kind not in KINDS:
            problems.append(
                _problem("design", f"no design named {kind!r}{known_instead(kind, KINDS)}")
            )
        elif kind == "grid":
            problems += _grid_problems(axes, count)
        elif count is None or count < 1:
            message = f"a {kind} design needs a number of points (--points 64)"
            problems.append(_problem("points", f"{message}, found {count}" if count else message))
        if problems:
            raise InputError(problems)
        if kind == "grid":
            count = math.prod(len(axis.values) for axis in axes)
        assert count is not None
        if count > MOST_POINTS:
            message = f"{count:,} points; at most {MOST_POINTS:,} are possible"
            raise InputError([_problem("points", message)])
        return cls(kind, tuple(axes), seed, count)

    @property
    def keys(self) -> list[str]:
        """The keys, in order."""
        return [axis.key for axis in self.axes]

    @cached_property
    def points(self) -> list[Point]:
        """The points, in order."""
        every = zip(range(self.count), self._values(), strict=True)
        return [Point(i, dict(zip(self.keys, values, strict=True))) for i, values in every]

    @property
    def is_grid(self) -> bool:
        """Whether points are all combinations of values."""
        return self.kind == "grid"

    def corners(self) -> list[Point]:
        """Points that show each listed value once, and the lowest and highest of each span."""
        found: dict[int, Point] = {}
        for axis in self.axes:
            if axis.span is not None:
                numbers = numbers_of(point.values[axis.key] for point in self.points)
                drawn = np.array(numbers, dtype=float)
                chosen = [self.points[int(drawn.argmin())], self.points[int(drawn.argmax())]]
            else:
                firsts: dict[str, Point] = {}
                for point in self.points:
                    firsts.setdefault(repr(point.values[axis.key]), point)
                chosen = list(firsts.values())
            found |= {point.number: point for point in chosen}
        return [found[number] for number in sorted(found)]

    def edges(self, numbers: Sequence[int]) -> list[list[int]]:
        """Return which of some points differ from the first one by one key alone, for each key.

        Where points are no grid, all of them are returned as one edge.
        """
        if not self.is_grid:
            return [list(numbers)]
        first = self.points[numbers[0]].values
        apart = {i: [k for k in self.keys if self.points[i].values[k] != first[k]] for i in numbers}
        return [[i for i in numbers if apart[i] in ([], [key])] for key in self.keys]

    def notes(self) -> list[str]:
        """Return what was assumed."""
        notes = [note for axis in self.axes for note in axis.notes]
        if self.kind == "sobol" and self.count & (self.count - 1):
            power = 2 ** round(math.log2(self.count))
            notes.append(
                f"{self.count} points of a Sobol sequence are less even than a power of two, such"
                f" as {power}."
            )
        return notes

    def record(self) -> dict[str, Any]:
        """Return the design as plain data."""
        return {
            "kind": self.kind,
            "over": {axis.key: axis.text for axis in self.axes},
            "points": self.count,
        }

    def _values(self) -> Iterator[Sequence[Any]]:
        if self.is_grid:
            yield from product(*(axis.values for axis in self.axes))
            return
        for shares in _shares(self.kind, self.keys, self.seed, self.count):
            yield [axis.at(float(share)) for axis, share in zip(self.axes, shares, strict=True)]


def _shares(kind: str, keys: Sequence[str], seed: int, count: int) -> np.ndarray:
    """Return points of the unit cube, a column for each key."""
    streams = Streams(seed, 0)
    if kind == "random":  # keyed by name, so that one key more moves no other
        return np.column_stack([streams.generator("sweep", key).random(count) for key in keys])
    from scipy.stats import qmc  # takes long to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of counts that are no power of two: a note
        rng = streams.generator("sweep", "sobol")
        return np.asarray(qmc.Sobol(len(keys), rng=rng).random(count))


def _axes(over: Mapping[str, Any]) -> tuple[list[Axis], list[Problem]]:
    axes: list[Axis] = []
    problems: list[Problem] = []
    for key, given in over.items():
        try:
            axes.append(Axis.of(key, given))
            _check_column(axes[-1])
        except InputError as error:
            problems += error.problems
    if not over:
        message = "nothing to go over; give a key and its values, as --over demands.all=x1,x1.2"
        problems.append(_problem("over", message))
    return axes, problems


def _check_column(axis: Axis) -> None:
    """Refuse what the table of points, which counts replications, has no column for."""
    if axis.key == "replications" and not all(isinstance(v, int) for v in axis.values):
        message = "expected whole numbers; --worlds says how many worlds each point has"
        raise wrong(axis.key, message)


def _grid_problems(axes: Sequence[Axis], count: int | None) -> list[Problem]:
    problems = []
    for axis in axes:
        if axis.span is not None:
            message = (
                f"{axis.text} has no step; a grid needs one, as {axis.key}={axis.text}:STEP, or"
                " draw points from it: --design sobol --points 64"
            )
            problems.append(wrong(axis.key, message).problems[0])
    if count is not None:
        message = "a grid has as many points as there are combinations"
        hint = "; leave --points out, or draw them: --design sobol"
        problems.append(_problem("points", f"{message}, found {counted(count, 'point')}{hint}"))
    return problems


def _problem(key: str, message: str) -> Problem:
    return Problem("", None, None, key, message)
