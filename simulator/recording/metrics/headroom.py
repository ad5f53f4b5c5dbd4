"""Headroom: by how much international traffic could grow."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric


@metric(
    "headroom",
    unit="1",
    scopes=("all",),
    better="higher",
    sentence="Factor by which international traffic could grow until an exit reaches its target.",
)
def headroom(totals: Totals) -> Scoped:
    """Yield the least headroom of the whole run."""
    yield "all", totals.headroom
