"""The contract of this folder: a matrix makes base demands, shapes multiply them over time.

Adding a shape is adding a file with a class under ``@shape("my_shape")``; adding a kind of matrix,
one under ``@matrix("my_matrix")``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from simulator.base.registry import Registry
from simulator.model.demands import Demands
from simulator.model.link_state import QosPolicy
from simulator.model.network import Network
from simulator.model.recording import US_PER_H, Playback
from simulator.model.streams import Streams

matrix = Registry("traffic matrix", "simulator.traffic.matrices")
shape = Registry("traffic shape", "simulator.traffic.shapes")

Factors = Callable[[np.ndarray], np.ndarray]
"""Called with the hours of the next steps, in order; returns factors (demands x steps)."""


class Matrix(Protocol):
    """Base demands of a network.

    A matrix that knows rates over time has a method ``recording(network, folder)`` as well, which
    returns a `Recording` without gaps and a sentence about what was missing, or no text.
    """

    kind: str

    def demands(self, network: Network, folder: Path) -> Demands:
        """Return the demands; paths in the file are relative to *folder*."""
        ...


class Shape(Protocol):
    """Factors by which demands are multiplied over time.

    ``random = True`` marks a shape of mean one that is drawn anew in every replication: no plan
    can count on it. ``since_start = True`` marks one that counts hours from the start of the
    scenario, as events do, and not from the midnight before it.
    """

    kind: str

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Begin a replication.

        Returns
        -------
        callable
            Takes hours in the middle of the next steps, local ones at the network's home, counted
            from its midnight before the start; is called once for each run of steps, in order.
        """
        ...


@dataclass(frozen=True)
class Series:
    """Demands over time: a base matrix or a recording, and the shapes that multiply it.

    Attributes
    ----------
    network : Network
    base : Demands
    shapes : tuple of Shape
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
    treatment : Treatment, optional
        How the demands of `base` share links that are full; all alike when left out.
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
        """Return the rates to plan for: without what is random.

        A recording is its own plan: a planner knows last week's curve. It is averaged over a step
        around each instant, so that in the middle of a step the plan is what is played.

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
        return _times(self._base(begins, step_us), begun, np.asarray(hours))

    def _begin(self, streams: Streams, *, plan: bool = False) -> list[_Started]:
        """Start all shapes, or with *plan* those that are not random."""

        def started(
            shapes: tuple[Shape, ...], demands: Demands, draws: Streams, rows: np.ndarray | None
        ) -> list[_Started]:
            return [
                _Started(
                    each.start(self.network, demands, draws, self.step_h),
                    0.0 if getattr(each, "since_start", False) else self.start_hour,
                    rows,
                )
                for each in shapes
                if not (plan and getattr(each, "random", False))
            ]

        begun = started(self.shapes, self.base, streams, None)
        for name, shapes in self.own_shapes.items():
            rows = np.flatnonzero(self.base.of_service((name,)))
            own = _OwnStreams(streams.seed, streams.replication, name)
            begun += started(shapes, self.base.take(rows), own, rows)
        return begun

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
    """A shape in one replication, the hour its clock shows at the start, and whom it is for."""

    factors: Factors
    at_start: float
    rows: np.ndarray | None


@dataclass(frozen=True)
class _OwnStreams(Streams):
    """Streams for the shapes of one service: other draws than for the shapes of all."""

    service: str

    def generator(self, purpose: str, entity: str) -> np.random.Generator:
        """Return the stream for a purpose and an entity, of this service."""
        return super().generator(f"{purpose} of {self.service}", entity)


def _times(gbps: np.ndarray, begun: list[_Started], hours: np.ndarray) -> np.ndarray:
    """Multiply rates by all factors at some hours from the start."""
    for factors, at_start, rows in begun:
        if rows is None:
            gbps *= factors(at_start + hours)
        else:
            gbps[rows] *= factors(at_start + hours)
    return gbps
