"""The contract of this folder: a matrix makes base demands, shapes multiply them over time.

A shape is a file in ``shapes/`` with a class under ``@shape("my_shape")``; a kind of matrix is a
file in ``matrices/`` with one under ``@matrix("my_matrix")``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np

from simulator.base.errors import InputError, Problem
from simulator.base.registry import Registered, Registry
from simulator.model.demands import Demands
from simulator.model.link_state import QosPolicy
from simulator.model.network import Network
from simulator.model.recording import US_PER_H, Playback, Recording
from simulator.model.scale import MOST_GBPS, refused_rate
from simulator.model.streams import Streams

Factors = Callable[[np.ndarray], np.ndarray]
"""Called with the hours of the next steps, in order; returns factors (demands x steps)."""


class Matrix(Registered):
    """Base demands of a network.

    Attributes
    ----------
    needs_routes : bool
        Whether ``demands`` takes a keyword ``route`` as well: a function of network and demands
        that returns the routes of the time when the input was measured.
    outside : str
        Traffic before and after a recording: ``hold`` its first and last matrix, ``repeat`` it
        all, or ``refuse`` a scenario that is not within it.
    """

    needs_routes: ClassVar[bool] = False
    outside: str = "refuse"

    def files(self) -> Mapping[str, Path]:
        """Return the files to read, relative to the scenario, by the key that names each."""
        return {}

    @abstractmethod
    def demands(self, network: Network, folder: Path) -> Demands:
        """Return the demands; paths are relative to *folder*.

        Raises
        ------
        InputError
            A file is wrong.
        ValueError
            The settings yield no demands on this network.
        """

    def notes(self, network: Network, folder: Path) -> Sequence[Problem]:
        """Return what was assumed to read the files of a matrix without rates over time.

        Called after ``demands``, with which the files are sound; a recording has notes of its own.
        """
        return ()

    def recording(self, network: Network, folder: Path) -> tuple[Recording, str] | None:
        """Return rates over time without gaps, and a sentence on what was missing, or no text.

        None, as by default, if the matrix has no rates over time; otherwise this is called in
        place of ``demands``, and raises the same errors.
        """
        return None


class Shape(Registered):
    """Factors by which demands are multiplied over time.

    Attributes
    ----------
    random : bool
        Whether the shape, of mean one, is drawn anew in every replication: no plan counts on it.
    foreseen : bool
        Whether those who plan know of it before it happens.
    since_start : bool
        Whether hours count from the start of the scenario, as those of events do, and not from
        the midnight before it.
    """

    random: ClassVar[bool] = False
    foreseen: ClassVar[bool] = True
    since_start: ClassVar[bool] = False

    def dated(self, start: datetime) -> Self:
        """Return the shape for a scenario that starts at this local date and time."""
        return self

    @abstractmethod
    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Begin a replication.

        Returns
        -------
        callable
            Takes hours in the middle of the next steps, local ones at the network's home, counted
            from its midnight before the start; is called once for each run of steps, in order.

        Raises
        ------
        InputError
            The settings do not fit the network.
        """


matrix = Registry("traffic matrix", "simulator.traffic.matrices", Matrix)
shape = Registry("traffic shape", "simulator.traffic.shapes", Shape)


@dataclass(frozen=True)
class Series:
    """Demands over time: a base matrix or a recording, and the shapes that multiply it.

    Attributes
    ----------
    step_h : float
        Length of a step.
    start_hour : float
        Local hour of the day at the start.
    recorded : Playback, optional
        Drives the traffic: it says when, and `base` how much. A demand whose base is a tenth above
        the mean of its recording has a tenth more at every instant.
    part_of : ndarray of int, shape (demands,), optional
        Demand of the recording that each demand of `base` is a part of; the same one when left out.
    own_shapes : mapping of str to tuple of Shape
        By service: what multiplies its demands alone, after all others.
    qos : QosPolicy, optional
        How the demands of `base` share links that are full; all alike when left out.
    elastic_share : float
        Share of every demand that is deferred before any of it is lost.
    """

    network: Network
    base: Demands
    shapes: tuple[Shape, ...]
    step_h: float
    start_hour: float = 0.0
    recorded: Playback | None = None
    part_of: np.ndarray | None = None
    own_shapes: Mapping[str, tuple[Shape, ...]] = field(default_factory=dict)
    qos: QosPolicy | None = None
    elastic_share: float = 0.0

    def play(self, streams: Streams) -> Callable[[int, int], np.ndarray]:
        """Return a function that gives the rates of steps *first* to before *last*, in Gbps.

        Rates hold for a whole step. They are the shapes' values at its middle, so that sums over
        steps meet the integral of a smooth shape to second order; of a recording they are the
        exact means over the step. Call it with consecutive runs of steps: random streams are drawn
        as time goes on.
        """
        begun = self._begin(streams)
        step_us = round(self.step_h * US_PER_H)

        def rates(first: int, last: int) -> np.ndarray:
            steps = np.arange(first, last)
            gbps = self._base(steps * step_us, step_us)
            return _times(gbps, begun, (steps + 0.5) * self.step_h)

        return rates

    def expected(self, hours: np.ndarray) -> np.ndarray:
        """Return the rates to plan for: without what is random or comes without notice.

        Of a recording only what it holds before the scenario starts is known: the same hour of the
        latest days, or weeks where there is a whole one, averaged over a step around each instant.
        Of less than a day the mean is known, and of nothing the first matrix.

        Parameters
        ----------
        hours : ndarray, shape (instants,)
            Counted from the start.

        Returns
        -------
        ndarray, shape (demands, instants)
        """
        step_us = round(self.step_h * US_PER_H)
        begins = np.rint((np.asarray(hours) - self.step_h / 2) * US_PER_H).astype(np.int64)
        begun = self._begin(Streams(0, 0), plan=True)
        if self.recorded is not None:
            begins, step_us = self.recorded.known(begins, step_us)
        return _times(self._base(begins, step_us), begun, np.asarray(hours))

    def _begin(self, streams: Streams, *, plan: bool = False) -> list[_Started]:
        """Start all shapes, or with *plan* those that are known beforehand."""
        parts: list[tuple[tuple[Shape, ...], Demands, Streams, np.ndarray | slice]]
        parts = [(self.shapes, self.base, streams, slice(None))]
        for name, shapes in self.own_shapes.items():
            rows = np.flatnonzero(self.base.of_service((name,)))
            own = streams.of(name)
            parts.append((shapes, self.base.take(rows), own, rows))
        return [
            _Started(
                each.start(self.network, demands, draws, self.step_h),
                0.0 if each.since_start else self.start_hour,
                mine,
            )
            for shapes, demands, draws, mine in parts
            for each in shapes
            if not plan or (each.foreseen and not each.random)
        ]

    def _base(self, begin_us: np.ndarray, step_us: int) -> np.ndarray:
        """Rates that the shapes multiply, in spans of a step each (demands x spans)."""
        if self.recorded is None:
            return np.repeat(self.base.gbps[:, None], len(begin_us), axis=1)
        means = self.recorded.means(begin_us, begin_us + step_us)
        if self.part_of is None:
            return means * self.recorded.recording.growth(self.base)[:, None]
        whole = self.recorded.recording.demands.gbps[self.part_of]
        grown = np.divide(self.base.gbps, whole, out=np.zeros_like(whole), where=whole > 0)
        return means[self.part_of] * grown[:, None]


class _Started(NamedTuple):
    """A shape in one replication, its hour at the start, and the demands that it multiplies."""

    factors: Factors
    at_start: float
    rows: np.ndarray | slice


def _times(gbps: np.ndarray, begun: list[_Started], hours: np.ndarray) -> np.ndarray:
    """Multiply rates by all factors at some hours from the start; refuse what is no traffic."""
    with np.errstate(over="ignore", invalid="ignore"):
        for factors, at_start, rows in begun:
            gbps[rows] *= factors(at_start + hours)
    if not gbps.max(initial=0.0) <= MOST_GBPS:
        hour = hours[int(gbps.max(axis=0).argmax())]
        message = f"{refused_rate(f'{gbps.max():g}')} at hour {hour:g}, where shapes multiply it so"
        raise InputError([Problem("", None, None, "traffic.shapes", message)])
    return gbps
