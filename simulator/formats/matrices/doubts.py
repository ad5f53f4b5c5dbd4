"""Doubts: instants that are missing in a recording, and rates that no link could carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.matrices.long_table import MOST_CELLS
from simulator.model.network import Network
from simulator.model.recording import Recording

MOST_MISSING, TEN_TIMES = 1_000_000, 10
"""Instants that are missing: more, and more than so many times those that are there, are due to one
wrong date. Ten years of five minutes are a million."""
SPIKE = 1_000.0
"""Times the median of a demand: no traffic grows so much in an instant, and a counter of 64 bits
that wraps does."""
MATTERS = 0.01
"""Of all traffic: the smallest demands of a backbone, some bytes a minute, do grow so much."""


def completed(file: str, recording: Recording, network: Network) -> Recording:
    """Return a recording with its missing instants as gaps, and warnings on strange rates.

    Raises
    ------
    InputError
        More instants are missing than memory should hold, or than could be meant.
    """
    missing = recording.missing_instants()
    if missing:
        cells = (len(recording) + missing) * len(recording.demands)
        if cells > MOST_CELLS or missing > max(MOST_MISSING, TEN_TIMES * len(recording)):
            message = f"{missing:,} instants are missing between {len(recording):,} that are there"
            raise refusal(file, f"{message}; is the date of one of them wrong?")
        recording = recording.with_missing_instants()
    doubts = tuple(rate_doubts(file, recording, network))
    return replace(recording, notes=(*recording.notes, *doubts)) if doubts else recording


def rate_doubts(file: str, recording: Recording, network: Network) -> Iterator[Problem]:
    """Yield a warning if single rates lie far above all others, or above every capacity."""
    if len(recording) < 2 or not len(recording.demands):
        return
    gbps = np.nan_to_num(recording.gbps)
    largest = float(network.installed_gbps.max(initial=0.0))
    beyond = gbps > largest if largest > 0 else np.zeros(gbps.shape, dtype=bool)
    spikes = gbps > _limits(gbps)[:, None]
    for mask, limit in (
        (spikes, f"{SPIKE:,g} times the median of their demand"),
        (beyond & ~spikes, f"the largest capacity of {network.name} ({largest:,g} Gbps)"),
    ):
        if mask.any():
            yield _doubt(file, recording, np.where(mask, gbps, 0.0), mask, limit)


def _limits(gbps: np.ndarray) -> np.ndarray:
    """Return for each demand what its rates should not exceed."""
    limits = np.full(len(gbps), np.inf)
    least = np.where(gbps > 0, gbps, np.inf).min(axis=1)
    most, matters = gbps.max(axis=1), MATTERS * float(np.median(gbps.sum(axis=0)))
    for row in np.flatnonzero((most > SPIKE * least) & (most > matters)):
        known = gbps[row][gbps[row] > 0]
        if len(known) > 2:
            limits[row] = max(SPIKE * float(np.median(known)), matters)
    return limits


def _doubt(
    file: str, recording: Recording, gbps: np.ndarray, mask: np.ndarray, limit: str
) -> Problem:
    demand, instant = np.unravel_index(int(gbps.argmax()), gbps.shape)
    name = recording.demands.names[int(demand)].rsplit(":", 1)[0]
    when = recording.time_of(recording.hours[int(instant)])
    message = (
        f"{counted(int(mask.sum()), 'rate')} above {limit}; the largest is"
        f" {gbps[demand, instant]:,.6g} Gbps, of {name} at {when}: a counter that wrapped or was"
        " reset, or another unit? Leave such cells empty"
    )
    return Problem(file, None, None, "", message, "warning")
