"""Control: how often the controller acts, what it moves, and how well it decides and predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulator.recording.tally import Totals
from simulator.results.metrics import Better, Scoped, Spread, metric

_S_PER_DAY = 86_400.0
_Log = Mapping[str, np.ndarray]
"""Columns of the table ``control``."""


def _declare(
    name: str,
    unit: str,
    better: Better,
    sentence: str,
    value: Callable[[_Log], float],
    spread: Spread = "plain",
) -> None:
    """Declare a metric that is a function of the log of decisions."""

    @metric(name, unit=unit, scopes=("all",), better=better, sentence=sentence, spread=spread)
    def compute(totals: Totals) -> Scoped:
        yield "all", value(totals.decisions)


def _cycles(log: _Log) -> float:
    steered = np.isin(log["layer"], ("controller", "announcements"))
    made = steered & (log["status"] != "unchanged") & (log["trigger"] != "withdrawal")
    return float(made.sum())


def _of_known(function: Callable[[np.ndarray], float], values: np.ndarray) -> float:
    """Apply a function to the values that are finite; NaN without any."""
    known = values[np.isfinite(values)]
    return float(function(known)) if len(known) else np.nan


_declare("control_cycles", "1", "neither", "Decisions that the controller put in force.", _cycles)
_declare(
    "moves",
    "1",
    "lower",
    "Demands that are rerouted, summed over installations.",
    lambda log: log["moves"].sum(),
)
_declare(
    "moved_gbps",
    "Gbps",
    "lower",
    "Their rate at that time, summed: of each demand the largest rise of its share on any one link"
    " direction.",
    lambda log: log["moved_gbps"].sum(),
)


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


_declare(
    "entries_peak",
    "1",
    "lower",
    "Most entries at the sources at once, one for each steered demand and path.",
    lambda log: log["entries"].max(),
    "skewed",
)
_declare(
    "gap_max",
    "1",
    "lower",
    "Largest proven gap of any decision to the optimum; empty for schemes without a proof.",
    lambda log: _of_known(np.max, log["gap"]),
    "skewed",
)
_declare(
    "prediction_error",
    "1",
    "lower",
    "Mean over cycles of the difference between the traffic and the traffic that the routes were"
    " made for, as a share of it.",
    lambda log: _of_known(np.mean, log["prediction_error"]),
)
