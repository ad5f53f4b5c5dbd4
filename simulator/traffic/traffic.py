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
from simulator.model.streams import Streams
from simulator.registry import Registry

matrix = Registry("traffic matrix", "simulator.traffic")
shape = Registry("traffic shape", "simulator.traffic")

Factors = Callable[[np.ndarray], np.ndarray]
"""Called with the hours of the next steps, in order; returns factors (demands x steps)."""


class Matrix(Protocol):
    """Base demands of a network."""

    kind: str

    def demands(self, network: Network, folder: Path) -> Demands:
        """Return the demands; paths in the file are relative to *folder*."""
        ...


class Shape(Protocol):
    """Factors by which demands are multiplied over time."""

    kind: str

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Begin a replication.

        Returns
        -------
        callable
            Takes the local hours (at the network's home, counted from its midnight at the start)
            in the middle of the next steps; is called once for each run of steps, in order.
        """
        ...


@dataclass(frozen=True)
class Series:
    """Demands over time: a base matrix, and the shapes that multiply it."""

    network: Network
    base: Demands
    shapes: tuple[Shape, ...]
    step_h: float
    start_hour: float = 0.0

    def play(self, streams: Streams) -> Callable[[int, int], np.ndarray]:
        """Return a function that gives the rates of steps *first* to before *last*, in Gbps.

        Rates hold for a whole step and are the shapes' values at its middle, so that sums over
        steps meet the integral of a smooth shape to second order. Call it with consecutive runs
        of steps: random streams are drawn as time goes on.
        """
        factors = [s.start(self.network, self.base, streams, self.step_h) for s in self.shapes]

        def rates(first: int, last: int) -> np.ndarray:
            hours = self.start_hour + (np.arange(first, last) + 0.5) * self.step_h
            gbps = np.repeat(self.base.gbps[:, None], last - first, axis=1)
            for factor in factors:
                gbps *= factor(hours)
            return gbps

        return rates
