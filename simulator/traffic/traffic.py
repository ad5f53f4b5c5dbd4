"""The contract of this folder: a matrix makes base demands, shapes multiply them over time.

Adding a shape is adding a file with a class under ``@shape("my_shape")``; adding a kind of matrix,
one under ``@matrix("my_matrix")``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import US_PER_H, Playback
from simulator.model.streams import Streams
from simulator.registry import Registry

matrix = Registry("traffic matrix", "simulator.traffic")
shape = Registry("traffic shape", "simulator.traffic")

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
    """

    network: Network
    base: Demands
    shapes: tuple[Shape, ...]
    step_h: float
    start_hour: float = 0.0
    recorded: Playback | None = None

    def play(self, streams: Streams) -> Callable[[int, int], np.ndarray]:
        """Return a function that gives the rates of steps *first* to before *last*, in Gbps.

        Rates hold for a whole step. They are the shapes' values at its middle, so that sums over
        steps meet the integral of a smooth shape to second order; of a recording they are the
        exact means over the step. Call it with consecutive runs of steps: random streams are drawn
        as time goes on.
        """
        factors = self._begin(self.shapes, streams)
        step_us = round(self.step_h * US_PER_H)

        def rates(first: int, last: int) -> np.ndarray:
            steps = np.arange(first, last)
            gbps = self._base(steps * step_us, step_us)
            return _times(gbps, factors, (steps + 0.5) * self.step_h)

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
        known = tuple(s for s in self.shapes if not getattr(s, "random", False))
        step_us = round(self.step_h * US_PER_H)
        begins = np.rint((np.asarray(hours) - self.step_h / 2) * US_PER_H).astype(np.int64)
        factors = self._begin(known, Streams(0, 0))
        return _times(self._base(begins, step_us), factors, np.asarray(hours))

    def _begin(self, shapes: tuple[Shape, ...], streams: Streams) -> list[tuple[Factors, float]]:
        """Start all shapes; beside each the hour that its clock shows at the start."""
        return [
            (
                shape.start(self.network, self.base, streams, self.step_h),
                0.0 if getattr(shape, "since_start", False) else self.start_hour,
            )
            for shape in shapes
        ]

    def _base(self, begin_us: np.ndarray, step_us: int) -> np.ndarray:
        """Rates that the shapes multiply, in spans of a step each (demands x spans)."""
        if self.recorded is None:
            return np.repeat(self.base.gbps[:, None], len(begin_us), axis=1)
        grown = self.recorded.recording.growth(self.base)
        return self.recorded.means(begin_us, begin_us + step_us) * grown[:, None]


def _times(gbps: np.ndarray, factors: list[tuple[Factors, float]], hours: np.ndarray) -> np.ndarray:
    """Multiply rates by all factors at some hours from the start."""
    for factor, at_start in factors:
        gbps *= factor(at_start + hours)
    return gbps
