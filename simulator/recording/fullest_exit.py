"""Fullest exit: which exit is the fullest in every step, and nothing else of the tables."""

from __future__ import annotations

import numpy as np

from simulator.model.link_state import LinkState
from simulator.model.network import Network
from simulator.recording.rows import Emit
from simulator.results.writer import WORLD_EXITS, Coded
from simulator.simulation.clock import US_PER_S


class FullestExit:
    """Writes the fullest exit and direction of every step, by the means of the table ``exits``.

    It stands in place of `Rows` in drawn worlds, of which no other table is kept.

    Parameters
    ----------
    step_us, steps : int
        Length of a step, and how many there are.
    every : int
        Keep every n-th step; 0 for none.
    emit : callable
        Takes finished rows.
    """

    def __init__(self, network: Network, step_us: int, steps: int, every: int, emit: Emit) -> None:
        ways = network.exit_arcs
        self._arcs = np.concatenate([ways["out"], ways["in"]])
        self._ids = [network.links[arc // 2] for arc in self._arcs]
        self._ways = ["out"] * len(ways["out"]) + ["in"] * len(ways["in"])
        self._step_us, self._every, self._emit = step_us, every, emit
        kept = -(-steps // every) if every else 0
        self._sums = np.zeros((kept, len(self._arcs)))
        self._seconds = np.zeros_like(self._sums)

    def add(self, state: LinkState, span: np.ndarray, seconds: np.ndarray) -> None:
        """Add intervals: the instants of *state*, each of which lasts so many seconds.

        *span* (intervals x 3) has the begin and end of each in microseconds, and its step.
        """
        if not self._every:
            return
        wanted = np.flatnonzero(span[:, 2] % self._every == 0)
        used = state.utilisation[np.ix_(self._arcs, wanted)].T
        lasting = np.where(np.isfinite(used), seconds[wanted, None], 0.0)
        at = span[wanted, 2] // self._every
        np.add.at(self._sums, at, np.nan_to_num(used) * lasting)
        np.add.at(self._seconds, at, lasting)

    def close(self) -> None:
        """Write a row for every step in which an exit is up."""
        known = np.flatnonzero(self._seconds.any(axis=1))
        if not len(known):
            return
        with np.errstate(invalid="ignore"):
            means = self._sums[known] / self._seconds[known]
        place = np.nanargmax(means, axis=1)
        self._emit(
            WORLD_EXITS,
            {
                "time_s": known * self._every * (self._step_us / US_PER_S),
                "exit": Coded.of(self._ids[i] for i in place),
                "direction": Coded.of(self._ways[i] for i in place),
                "utilisation": means[np.arange(len(known)), place],
            },
        )
