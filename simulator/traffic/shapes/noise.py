"""Random departures from the curve, autocorrelated in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Literal

import numpy as np

from simulator.base.schema import Fraction, NonNegative, Spread
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.traffic.traffic import Factors, Shape, shape


@shape("noise")
class Noise(Shape):
    """Lognormal noise of mean one on every demand, autocorrelated over ``correlation_h``.

    ``exp(sigma x - sigma^2 / 2)`` where x is a stationary first-order autoregression of unit
    variance: ``x[k+1] = phi x[k] + sqrt(1 - phi^2) e[k]``, ``phi = exp(-step / correlation)``.
    Every demand has its own stream, keyed by its name.

    With ``common`` above 0, ``x = sqrt(common) g + sqrt(1 - common) own``, where g is one such
    process for all demands of a group: a match on television, a cold day. The logarithms
    of two demands of a group correlate by ``common``, and the mean of each stays one. Groups have
    streams of their own, so ``common: 0`` draws what it would without the key.

    Attributes
    ----------
    sigma : float
        Standard deviation of the logarithm.
    correlation_h : float
        Time over which the memory falls to 1/e; 0 for independent steps.
    common : float
        Share of the variance that the demands of a group have in common.
    by : str
        What a group is: ``all`` demands, those of a ``class``, or of a ``region``, which is the
        node at the end abroad (of transit, the source); domestic traffic is a region of its own.
    """

    sigma: Spread = 0.08
    correlation_h: NonNegative = 1.0
    common: Fraction = 0.0
    by: Literal["all", "class", "region"] = "all"

    random: ClassVar[bool] = True

    def start(self, network: Network, demands: Demands, streams: Streams, step_h: float) -> Factors:
        """Return the noise of every demand."""
        own = autoregression(streams, "noise", demands.names, self.correlation_h, step_h)
        labels, group = np.unique(self._groups(network, demands), return_inverse=True)
        shared = autoregression(
            streams, "common noise", labels if self.common > 0 else (), self.correlation_h, step_h
        )

        def factors(hours: np.ndarray) -> np.ndarray:
            level = own(len(hours))
            if self.common > 0:
                together = shared(len(hours))[group]
                level = np.sqrt(self.common) * together + np.sqrt(1.0 - self.common) * level
            return np.exp(self.sigma * level - self.sigma**2 / 2.0)

        return factors

    def _groups(self, network: Network, demands: Demands) -> np.ndarray:
        """Return the name of every demand's group."""
        if self.by == "class":
            return np.array([f"class:{name}" for name in demands.traffic_class], dtype=str)
        if self.by == "all":
            return np.full(len(demands), "all")
        abroad = network.is_abroad
        far = np.where(abroad[demands.source], demands.source, demands.target)
        names = np.array([f"region:{node}" for node in network.nodes], dtype=str)
        return np.where(abroad[far], names[far], "home")


def autoregression(
    streams: Streams, purpose: str, names: Iterable[str], correlation_h: float, step_h: float
) -> Callable[[int], np.ndarray]:
    """Return a function that draws the next steps of standard normal processes with memory.

    Parameters
    ----------
    names : iterable of str
        One process each, with the stream of this name.
    correlation_h : float
        Time over which the memory falls to 1/e; 0 for independent steps.

    Returns
    -------
    callable
        Takes a number of steps; returns levels, shape (names, steps).
    """
    generators = [streams.generator(purpose, str(name)) for name in names]
    phi = float(np.exp(-step_h / correlation_h)) if correlation_h > 0 else 0.0
    fresh = np.sqrt(1.0 - phi**2)
    # Drawn from the stationary law, so that the first step is like any other.
    memory = np.array([g.standard_normal() for g in generators]) * phi

    def levels(steps: int) -> np.ndarray:
        nonlocal memory
        level = np.empty((steps, len(generators)))
        for column, generator in enumerate(generators):
            level[:, column] = generator.standard_normal(steps)
        level *= fresh
        for row in level:  # a loop, as to import the filter of SciPy takes longer than a short run
            row += memory
            memory = row * phi
        return np.ascontiguousarray(level.T)

    return levels
