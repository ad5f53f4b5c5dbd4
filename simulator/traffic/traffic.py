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
    """Factors by which demands are multiplied over time.

    ``random = True`` marks a shape of mean one that is drawn anew in every replication: no plan
    can count on it.
    """

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
        play = self._play(self.shapes, streams)

        def rates(first: int, last: int) -> np.ndarray:
            return play(self.start_hour + (np.arange(first, last) + 0.5) * self.step_h)

        return rates

    def expected(self, hours: np.ndarray) -> np.ndarray:
        """Return the rates to plan for: without what is random.

        Parameters
        ----------
        hours : ndarray, shape (instants,)
            Counted from the start.

        Returns
        -------
        ndarray, shape (demands, instants)
        """
        known = tuple(s for s in self.shapes if not getattr(s, "random", False))
        return self._play(known, Streams(0, 0))(self.start_hour + hours)

    def _play(
        self, shapes: tuple[Shape, ...], streams: Streams
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that multiplies the base by all factors at some local hours."""
        factors = [s.start(self.network, self.base, streams, self.step_h) for s in shapes]

        def rates(hours: np.ndarray) -> np.ndarray:
            gbps = np.repeat(self.base.gbps[:, None], len(hours), axis=1)
            for factor in factors:
                gbps *= factor(hours)
            return gbps

        return rates
