"""The source: the traffic of one replication, the same for every strategy to the last bit."""

from __future__ import annotations

import numpy as np

from simulator.model.streams import Streams
from simulator.simulation.clock import micros
from simulator.traffic.traffic import Series

BLOCK = 288
"""Steps made at a time."""


class Source:
    """Rates of every demand, step by step, made in blocks and dropped when they are old.

    Parameters
    ----------
    steps : int
        Steps in the scenario.
    memory_s : float
        How far back :meth:`mean` must be able to look.

    Attributes
    ----------
    step_s : float
        Length of a step.
    """

    def __init__(
        self, series: Series, streams: Streams, steps: int, step_s: float, memory_s: float
    ) -> None:
        self._series, self._play = series, series.play(streams)
        self.step_s = step_s
        self._steps, self._step_us = steps, micros(step_s)
        # A controller may decide a block of cycles ahead, while meters are still a block behind.
        self._keep = int(np.ceil(memory_s / step_s)) // BLOCK + 3
        self._blocks: dict[int, np.ndarray] = {}
        self._made = 0

    def rates(self, step: int) -> np.ndarray:
        """Rates during a step, in Gbps, shape (demands,)."""
        return self._block(step // BLOCK)[:, step % BLOCK]

    def at(self, time_us: int) -> np.ndarray:
        """Rates from this instant on, in Gbps, shape (demands,)."""
        return self.rates(min(time_us // self._step_us, self._steps - 1))

    def run(self, steps: list[int]) -> np.ndarray:
        """Rates during several steps, shape (demands, steps)."""
        return np.stack([self.rates(step) for step in steps], axis=1)

    def expected(self, seconds: np.ndarray) -> np.ndarray:
        """Planned rates without their random part at instants, shape (demands, instants)."""
        return self._series.expected(seconds / 3600.0)

    def mean(self, start_us: int, end_us: int) -> np.ndarray:
        """Mean rates over a window; before the start, traffic is held at its first step."""
        if end_us <= start_us:
            # On the boundary of two steps the earlier one is read: control precedes traffic.
            return self.rates(min(max(0, (end_us - 1) // self._step_us), self._steps - 1))
        total = np.zeros(len(self._series.base))
        for step in range(start_us // self._step_us, -(-end_us // self._step_us)):
            lo = max(start_us, step * self._step_us)
            hi = min(end_us, (step + 1) * self._step_us)
            total += self.rates(min(max(step, 0), self._steps - 1)) * (hi - lo)
        return total / (end_us - start_us)

    def means(self, start_us: np.ndarray, end_us: np.ndarray) -> np.ndarray:
        """Mean rates over several windows, shape (demands, windows); each as :meth:`mean`."""
        if np.any(end_us <= start_us):
            steps = np.clip((end_us - 1) // self._step_us, 0, self._steps - 1)
            return self.run(steps.tolist())
        total = np.zeros((len(self._series.base), len(start_us)))
        first = start_us // self._step_us
        for ahead in range(int((-(-end_us // self._step_us) - first).max())):
            step = first + ahead
            lo = np.maximum(start_us, step * self._step_us)
            hi = np.minimum(end_us, (step + 1) * self._step_us)
            lasts = np.maximum(hi - lo, 0)
            total += self.run(np.clip(step, 0, self._steps - 1).tolist()) * lasts
        return total / (end_us - start_us)

    def _block(self, block: int) -> np.ndarray:
        while self._made <= block:
            first = self._made * BLOCK
            rates = self._play(first, min(first + BLOCK, self._steps))
            self._blocks[self._made] = np.asfortranarray(rates)
            self._blocks.pop(self._made - self._keep, None)
            self._made += 1
        return self._blocks[block]


class Still(Source):
    """Traffic that stands still: the same rates at every instant.

    Parameters
    ----------
    rates_gbps : ndarray, shape (demands,)
    """

    def __init__(self, rates_gbps: np.ndarray) -> None:
        self._gbps, self.step_s = rates_gbps, 1.0

    def rates(self, step: int) -> np.ndarray:
        """Rates, whatever the step."""
        return self._gbps

    def at(self, time_us: int) -> np.ndarray:
        """Rates, whatever the time."""
        return self._gbps

    def mean(self, start_us: int, end_us: int) -> np.ndarray:
        """Rates, whatever the window."""
        return self._gbps

    def expected(self, seconds: np.ndarray) -> np.ndarray:
        """Rates at every instant."""
        return np.repeat(self._gbps[:, None], len(seconds), axis=1)
