"""Telemetry: the age, the gaps and the errors of what the controller measures of traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simulator.control.settings import LoopSettings
from simulator.model.demands import Demands
from simulator.model.streams import Streams
from simulator.simulation.clock import micros
from simulator.simulation.traffic_source import Source

_CYCLES = 144
"""Cycles that random values are drawn for at a time."""


class Telemetry:
    """Measured rates of every demand, cycle by cycle.

    Every demand has a stream for its sampling error and one for its lost reports, keyed by its
    name: strategies that measure at the same times see the same errors.
    """

    def __init__(
        self, source: Source, streams: Streams, demands: Demands, settings: LoopSettings
    ) -> None:
        self._source = source
        self._age, self._window = micros(settings.staleness_s), micros(settings.window_s)
        self._sigma, self._loss = settings.noise_sigma, settings.telemetry_loss
        self._error = _draws(streams, demands, "measurement", np.random.Generator.standard_normal)
        self._missing = _draws(streams, demands, "telemetry", np.random.Generator.random)
        #: What stands for a demand that was never reported: the base matrix.
        self._last = demands.gbps

    def measure(self, now_us: int) -> np.ndarray:
        """Return what is measured now: rates in Gbps, shape (demands,)."""
        end = now_us - self._age
        rates = self._source.mean(end - self._window, end)
        if self._sigma > 0:
            rates = rates * np.exp(self._sigma * next(self._error) - self._sigma**2 / 2.0)
        if self._loss > 0:
            rates = np.where(next(self._missing) < self._loss, self._last, rates)
        self._last = rates
        return rates

    def measure_all(self, now_us: np.ndarray) -> np.ndarray:
        """Return what is measured at consecutive cycles, shape (demands, cycles)."""
        end = now_us - self._age
        rates = self._source.means(end - self._window, end)
        if self._sigma > 0:
            error = np.stack([next(self._error) for _ in now_us], axis=1)
            rates = rates * np.exp(self._sigma * error - self._sigma**2 / 2.0)
        if self._loss > 0:
            for cycle in range(len(now_us)):
                lost = next(self._missing) < self._loss
                before = rates[:, cycle - 1] if cycle else self._last
                rates[:, cycle] = np.where(lost, before, rates[:, cycle])
        self._last = rates[:, -1]
        return rates

    def middle_s(self, now_us: int) -> float:
        """Middle of the window that is measured now, in seconds from the start."""
        return (now_us - self._age - self._window / 2.0) / 1e6


def _draws(
    streams: Streams,
    demands: Demands,
    purpose: str,
    draw: Callable[[np.random.Generator, int], np.ndarray],
) -> Iterator[np.ndarray]:
    """Draw values cycle by cycle, shape (demands,), each demand from a stream of its own."""
    generators = [streams.generator(purpose, name) for name in demands.names]
    while True:
        drawn = [draw(generator, _CYCLES) for generator in generators]
        yield from np.array(drawn).reshape(-1, _CYCLES).T
