"""Balance: how evenly the exits are filled."""

from __future__ import annotations

import numpy as np

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric
from simulator.results.statistics import jain, weighted_mean


@metric(
    "exit_balance_jain",
    unit="1",
    scopes=("all", "exits"),
    better="higher",
    sentence="Jain's index of the exits' utilisations, mean over time; ``all``: and directions.",
)
def exit_balance_jain(totals: Totals) -> Scoped:
    """Yield the mean of Jain's index; a direction without traffic has none."""
    if not totals.exits:
        return
    balance = {way: jain(series) for way, series in totals.exit_utilisation.items()}
    means = {
        way: weighted_mean(np.nan_to_num(each), totals.seconds * np.isfinite(each))
        for way, each in balance.items()
    }
    known = [mean for mean in means.values() if np.isfinite(mean)]
    yield "all", float(np.mean(known)) if known else np.nan
    for way, mean in means.items():
        yield f"exits:{way}", mean
