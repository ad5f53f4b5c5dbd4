"""Control: how often the controller acts, what it moves, and how well it decides and predicts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric

_S_PER_DAY = 86_400.0


@metric(
    "control_cycles",
    unit="1",
    scopes=("all",),
    better="neither",
    sentence="Decisions that the controller put in force.",
)
def control_cycles(totals: Totals) -> Scoped:
    """Yield the number of decisions that changed steered routes, withdrawals apart."""
    log = totals.decisions
    steered = np.isin(log["layer"], ("controller", "announcements"))
    made = steered & (log["status"] != "unchanged") & (log["trigger"] != "withdrawal")
    yield "all", made.sum()


@metric(
    "moves",
    unit="1",
    scopes=("all",),
    better="lower",
    sentence="Demands that are rerouted, summed over installations.",
)
def moves(totals: Totals) -> Scoped:
    """Yield the number of moves."""
    yield "all", totals.decisions["moves"].sum()


@metric(
    "moved_gbps",
    unit="Gbps",
    scopes=("all",),
    better="lower",
    sentence="Their rate at that time, summed: of each demand the largest rise of its share on any"
    " one link direction.",
)
def moved_gbps(totals: Totals) -> Scoped:
    """Yield the rate of all moves."""
    yield "all", totals.decisions["moved_gbps"].sum()


@metric(
    "moved_gbps_per_day",
    unit="Gbps/d",
    scopes=("all",),
    better="lower",
    sentence="The same, per day.",
)
def moved_gbps_per_day(totals: Totals) -> Scoped:
    """Yield the rate of all moves, per day of the run."""
    moved = float(totals.decisions["moved_gbps"].sum())
    yield "all", moved * _S_PER_DAY / totals.horizon_s


@metric(
    "entries_peak",
    unit="1",
    scopes=("all",),
    better="lower",
    sentence="Most entries at the sources at once, one for each steered demand and path.",
)
def entries_peak(totals: Totals) -> Scoped:
    """Yield the largest number of forwarding entries."""
    yield "all", totals.decisions["entries"].max()


@metric(
    "gap_max",
    unit="1",
    scopes=("all",),
    better="lower",
    sentence="Largest proven gap of any decision to the optimum; empty for schemes without a"
    " proof.",
)
def gap_max(totals: Totals) -> Scoped:
    """Yield the largest optimality gap."""
    yield "all", _of_known(np.max, totals.decisions["gap"])


@metric(
    "prediction_error",
    unit="1",
    scopes=("all",),
    better="lower",
    sentence="Mean over cycles of the difference between the traffic and the traffic that the"
    " routes were made for, as a share of it.",
)
def prediction_error(totals: Totals) -> Scoped:
    """Yield the mean prediction error."""
    yield "all", _of_known(np.mean, totals.decisions["prediction_error"])


def _of_known(function: Callable[[np.ndarray], float], values: np.ndarray) -> float:
    """Apply a function to the values that are finite; NaN without any."""
    known = values[np.isfinite(values)]
    return float(function(known)) if len(known) else np.nan
