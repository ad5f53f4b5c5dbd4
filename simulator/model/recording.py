"""Recording: measured rates of demands over time, and how they are played back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from scipy import sparse

from simulator.base.errors import Problem
from simulator.model import gaps as gap
from simulator.model.demands import Demands

US_PER_H = 3_600_000_000
FAR_US = 2**62
"""A time beyond the end of any scenario, in microseconds."""

Gaps = Literal["interpolate", "hold", "zero", "refuse"]
MOST_SPANS = 3
"""Of missing instants that are named."""
FILLED = {"interpolate": "interpolated", "hold": "held", "zero": "taken for zero"}


@dataclass(frozen=True, eq=False)
class Recording:
    """Measured traffic matrices, one after the other.

    Each matrix holds until the next, the last for as long as the one before it. A single matrix
    holds for ever.

    Attributes
    ----------
    demands : Demands
        Pairs of nodes; ``gbps`` is the mean over the time with known rates.
    hours : ndarray, shape (instants,)
        When each matrix begins, in hours from the first, rising; the first is 0.
    gbps : ndarray, shape (demands, instants)
        Rates; NaN where the file has none.
    start : str, optional
        Local time of the first matrix in ISO form, where the file has one.
    step_h : float, optional
        Hours from one matrix to the next, where the file states them.
    notes : tuple of Problem
        Warnings on what was assumed to read the file, and on what was left out.
    """

    demands: Demands
    hours: np.ndarray
    gbps: np.ndarray
    start: str | None = None
    step_h: float | None = None
    notes: tuple[Problem, ...] = ()

    @classmethod
    def of(
        cls,
        demands: Demands,
        hours: np.ndarray,
        gbps: np.ndarray,
        start: str | None = None,
        *,
        step_h: float | None = None,
        notes: Iterable[Problem] = (),
    ) -> Recording:
        """Return a recording whose ``demands`` have the mean rates of *gbps*."""
        hours = np.asarray(hours, dtype=float)
        bare = cls(demands, hours, gbps, start, step_h, tuple(notes))
        return replace(bare, demands=demands.with_gbps(bare._means()))

    def __len__(self) -> int:
        return len(self.hours)

    def __repr__(self) -> str:
        length = f", {self.length_h:g} h" if len(self) > 1 else ""
        return f"<Recording: {len(self.demands)} demands at {len(self)} instants{length}>"

    @property
    def edges_us(self) -> np.ndarray:
        """Where each matrix begins, and where the last one ends, in whole microseconds."""
        begins = np.rint(self.hours * US_PER_H).astype(np.int64)
        last = 2 * begins[-1] - begins[-2] if len(begins) > 1 else FAR_US
        return np.append(begins, last)

    @property
    def length_h(self) -> float:
        """Length in hours; infinite for a single matrix."""
        return float(self.edges_us[-1] / US_PER_H) if len(self) > 1 else float("inf")

    @property
    def end(self) -> str | None:
        """Local time of the end in ISO form, where the start is known."""
        return self.time_of(self.length_h) if self.start and len(self) > 1 else None

    def time_of(self, hour: float) -> str:
        """Return an hour of the recording as people write it: a local time if dates are known."""
        if self.start is None:
            return f"{hour:g} h"
        time = datetime.fromisoformat(self.start) + timedelta(hours=hour)
        return time.isoformat(timespec="auto" if time.microsecond or time.second else "minutes")

    def times(self) -> list[str]:
        """Return the instants as files give them: local times, or seconds if there are no dates."""
        seconds = self.edges_us[:-1] / 1e6
        if self.start is None:
            return [repr(second).removesuffix(".0") for second in seconds.tolist()]
        start = datetime.fromisoformat(self.start)
        return [(start + timedelta(seconds=second)).isoformat() for second in seconds.tolist()]

    def growth(self, demands: Demands) -> np.ndarray:
        """Return the rate in *demands* over the mean of each demand; 1 where the mean is zero."""
        mean = self.demands.gbps
        return np.divide(demands.gbps, mean, out=np.ones_like(mean), where=mean > 0)

    def scaled_to(self, demands: Demands) -> Recording:
        """Return the same curves, scaled to the rates in *demands* as their means."""
        return replace(self, demands=demands, gbps=self.gbps * self.growth(demands)[:, None])

    def usual_step_us(self) -> float | None:
        """Return the usual time between matrices, stated or seen; None for irregular ones."""
        stated = self.step_h * US_PER_H if self.step_h else None
        return gap.usual_interval(self.edges_us[:-1], stated)

    def missing_instants(self) -> int:
        """Return how many instants are missing between matrices that usually follow sooner."""
        usual = self.usual_step_us()
        return int(gap.missing_instants(self.edges_us[:-1], usual).sum()) if usual else 0

    def with_missing_instants(self) -> Recording:
        """Return the recording with a matrix of gaps at every instant that is missing."""
        usual = self.usual_step_us()
        if usual is None or not self.missing_instants():
            return self
        begins, gbps = gap.completed(self.edges_us[:-1], self.gbps, usual)
        return self._with_rates(gbps, begins / US_PER_H)

    def gaps_summary(self) -> str:
        """Return how much is missing: `rates of 12 demands are missing at 3 of 288 instants`."""
        missing = np.isnan(self.gbps)
        gone = missing.all(axis=0)
        parts = [self._gone_summary(gone)] if len(self.demands) and gone.any() else []
        demands, instants = (int(missing[:, ~gone].any(axis=axis).sum()) for axis in (1, 0))
        if demands:
            parts.append(
                f"rates of {demands} of {len(self.demands)} demands are missing at {instants} of"
                f" {len(self)} instants, {int(missing[:, ~gone].sum())} in all"
            )
        return "; ".join(parts)

    def _gone_summary(self, gone: np.ndarray) -> str:
        """Return which instants are missing altogether."""
        found = gap.runs(gone)
        spans = [
            " to ".join(dict.fromkeys(self.time_of(self.hours[at]) for at in run))
            for run in found[:MOST_SPANS]
        ]
        more = f" and {len(found) - MOST_SPANS} more spans" if len(found) > MOST_SPANS else ""
        verb = "is" if gone.sum() == 1 else "are"
        text = f"{int(gone.sum())} of {len(self)} instants {verb} missing, {', '.join(spans)}{more}"
        if self.start and (skipped := list(gap.skipped_hours(self.start, self.hours, gone))):
            text += (
                f" (if clocks were put forward at {skipped[0]}, nothing is missing there:"
                " give times in UTC, with a Z)"
            )
        return text

    def filled(self, gaps: Gaps = "interpolate") -> Recording:
        """Return a recording without gaps.

        Parameters
        ----------
        gaps : str
            ``interpolate``: linearly between the known rates before and after; ``hold``: the known
            rate before; both take the nearest known rate at the ends. ``zero``: no traffic.
            ``refuse``: gaps are an error.

        Raises
        ------
        ValueError
            A demand has no known rate, or gaps are refused.
        """
        missing = np.isnan(self.gbps)
        if not missing.any():
            return self
        if gaps == "refuse":
            demand, instant = np.argwhere(missing)[0]
            raise ValueError(
                f"{self.gaps_summary()}, the first of {self._ends(int(demand))} at"
                f" {self.time_of(self.hours[instant])}; say how to fill them:"
                " gaps: interpolate, hold or zero"
            )
        if gaps == "zero":
            return self._with_rates(np.nan_to_num(self.gbps))
        silent = np.flatnonzero(missing.all(axis=1))
        if len(silent):
            raise ValueError(
                f"{len(silent)} of {len(self.demands)} demands have no rate at any instant, the"
                f" first {self._ends(int(silent[0]))}; leave them out, or give gaps: zero"
            )
        gbps = self.gbps.copy()
        rows = np.flatnonzero(missing.any(axis=1))
        straight = gaps == "interpolate"
        gbps[rows] = gap.filled(gbps[rows], missing[rows], self.hours, straight=straight)
        return self._with_rates(gbps)

    def _with_rates(self, gbps: np.ndarray, hours: np.ndarray | None = None) -> Recording:
        hours = self.hours if hours is None else hours
        return Recording.of(
            self.demands, hours, gbps, self.start, step_h=self.step_h, notes=self.notes
        )

    def _ends(self, demand: int) -> str:
        return self.demands.names[demand].rsplit(":", 1)[0]

    def _means(self) -> np.ndarray:
        """Mean rates over time; zero for a demand without known rates."""
        if len(self) == 1:
            return np.nan_to_num(self.gbps[:, 0])
        held = np.diff(self.edges_us).astype(float)
        missing = np.isnan(self.gbps)
        if not missing.any():
            return self.gbps @ held / held.sum()
        known = ~missing @ held
        volume = np.nan_to_num(self.gbps) @ held
        return np.divide(volume, known, out=np.zeros_like(volume), where=known > 0)


@dataclass(frozen=True, eq=False)
class Playback:
    """A recording that is played from one of its hours on.

    Attributes
    ----------
    recording : Recording
        Without gaps.
    begin_h : float
        Hour of the recording at which the scenario begins.
    horizon_h : float
        Length of the scenario: a step that is cut short by its end is a mean over what is left.
    repeats : bool
        The recording repeats after its end and before its beginning; without it, the last and the
        first matrix hold there.
    """

    recording: Recording
    begin_h: float = 0.0
    horizon_h: float = float("inf")
    repeats: bool = False

    def means(self, start_us: np.ndarray, end_us: np.ndarray) -> np.ndarray:
        """Return the exact mean rates over some spans of the scenario.

        Every span is summed by itself, in the order of time: its result does not depend on the
        other spans.

        Parameters
        ----------
        start_us, end_us : ndarray of int, shape (spans,)
            Microseconds from the start of the scenario.

        Returns
        -------
        ndarray, shape (demands, spans)
        """
        begin = round(self.begin_h * US_PER_H)
        low = np.asarray(start_us, dtype=np.int64)
        high = np.asarray(end_us, dtype=np.int64)
        if np.isfinite(self.horizon_h):
            horizon = round(self.horizon_h * US_PER_H)
            high = np.where(low < horizon, np.minimum(high, horizon), high)
        low, high = low + begin, high + begin
        first, last = self._matrix_at(low), self._matrix_at(high - 1)
        counts = last - first + 1
        indptr = np.append(0, np.cumsum(counts))
        span = np.repeat(np.arange(len(low)), counts)
        matrix = np.arange(indptr[-1]) - np.repeat(indptr[:-1] - first, counts)
        begins, ends, instant = self._extent(matrix)
        shared = np.minimum(ends, high[span]) - np.maximum(begins, low[span])
        columns, column = np.unique(instant, return_inverse=True)
        weights = sparse.csr_array(
            (shared / (high - low)[span], column, indptr), shape=(len(low), len(columns))
        )
        return (weights @ self.recording.gbps[:, columns].T).T

    def known(self, start_us: np.ndarray, length_us: int) -> tuple[np.ndarray, int]:
        """Return spans before the start of the scenario that stand for spans after it.

        They are whole weeks or days earlier: the latest ones that the recording holds before the
        scenario begins. With less than a day before it, all of that; with nothing, its first
        instant.

        Parameters
        ----------
        start_us : ndarray of int, shape (spans,)
            Microseconds from the start of the scenario.
        length_us : int
            Length of each span.

        Returns
        -------
        start_us : ndarray of int, shape (spans,)
        length_us : int
        """
        before = max(round(self.begin_h * US_PER_H), 0)
        whole = [days for days in (7, 1) if before >= days * 24 * US_PER_H]
        if whole:
            lag = whole[0] * 24 * US_PER_H
            return start_us - lag * -(-(start_us + length_us) // lag), length_us
        return np.full_like(start_us, -before), before or 1

    def _matrix_at(self, time_us: np.ndarray) -> np.ndarray:
        """Number of the matrix in force; numbering continues through repetitions."""
        edges = self.recording.edges_us
        if not self.repeats:
            return np.clip(np.searchsorted(edges, time_us, side="right") - 1, 0, len(edges) - 2)
        rounds, within = np.divmod(time_us, edges[-1])
        return rounds * (len(edges) - 1) + np.searchsorted(edges, within, side="right") - 1

    def _extent(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where matrices begin and end on the time axis, and which instants they are."""
        edges = self.recording.edges_us
        if self.repeats:
            rounds, instant = np.divmod(matrix, len(edges) - 1)
            shift = rounds * edges[-1]
            return shift + edges[instant], shift + edges[instant + 1], instant
        begins, ends = edges[:-1].copy(), edges[1:].copy()
        begins[0], ends[-1] = -FAR_US, FAR_US
        return begins[matrix], ends[matrix], matrix
