"""Recovery: how long and how badly traffic suffers after events; only with events."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric


@metric(
    "recovery_s",
    unit="s",
    scopes=("all",),
    better="lower",
    sentence="Longest time from an event until no more is lost or deferred than just before it; to"
    " the next event, or to the end, where it does not end before. Only with events.",
    spread="rare",
)
def recovery_s(totals: Totals) -> Scoped:
    """Yield the longest recovery."""
    if totals.recovery is not None:
        yield "all", totals.recovery[0]


@metric(
    "recovery_unserved_gbit",
    unit="Gbit",
    scopes=("all",),
    better="lower",
    sentence="Volume lost or deferred in these times, of all events together. Only with events.",
    spread="rare",
)
def recovery_unserved_gbit(totals: Totals) -> Scoped:
    """Yield the volume that does not get through while routes recover."""
    if totals.recovery is not None:
        yield "all", totals.recovery[1]


@metric(
    "recovery_peak",
    unit="1",
    scopes=("all",),
    better="lower",
    sentence="Highest utilisation of an exit (of any link, on a network without exits) in the 15"
    " minutes after an event. Only with events.",
)
def recovery_peak(totals: Totals) -> Scoped:
    """Yield the highest peak after an event."""
    if totals.recovery is not None:
        yield "all", totals.recovery[2]
