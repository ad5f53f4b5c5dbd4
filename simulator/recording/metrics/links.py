"""Links: how full the fullest link is."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric


@metric(
    "mlu_peak",
    unit="1",
    scopes=("all", "link class"),
    better="lower",
    sentence="Highest utilisation of any link.",
    spread="skewed",  # the fullest link is now this one, now that one
)
def mlu_peak(totals: Totals) -> Scoped:
    """Yield the highest utilisation of any link, and of any link of each class."""
    peaks = {name: float(series.max()) for name, series in totals.links.items()}
    if peaks:
        yield "all", max(peaks.values())
    yield from peaks.items()
