"""Inbound: what announcements promise, and what knowing and commanding more would be worth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.recording.tally import InboundTotals, Totals
from simulator.results.metrics import Better, Scoped, metric


@metric(
    "headroom_90",
    unit="1",
    scopes=("all",),
    better="higher",
    sentence="Exit target over the utilisation that no inward exit exceeds within the hour, at a"
    " chance of 90 % by what the controller believes after it has acted; the least of all cycles.",
)
def headroom_90(totals: Totals) -> Scoped:
    """Yield what a controller of announcements may promise."""
    promise = totals.decisions["promise"]
    known = promise[np.isfinite(promise) & (promise > 0)]
    if len(known):
        yield "all", totals.exit_target / float(known.max())


def _of_inbound(
    name: str, better: Better, sentence: str, value: Callable[[InboundTotals, float], float]
) -> None:
    """Declare a metric of the busiest instant of inbound traffic."""

    @metric(name, unit="1", scopes=("all",), better=better, sentence=sentence)
    def compute(totals: Totals) -> Scoped:
        if totals.inbound is not None and totals.inbound.direct > 0:
            yield "all", value(totals.inbound, totals.exit_target)


_of_inbound(
    "headroom_known",
    "higher",
    "Headroom of inbound traffic at its busiest instant, if what neighbours choose were known: that"
    " of the best of some plans and of all that strategies announce.",
    lambda inbound, target: target / inbound.known,
)
_of_inbound(
    "headroom_pieces",
    "higher",
    "The same if whole prefix groups of each region were sent to exits at will.",
    lambda inbound, target: target / inbound.pieces,
)
_of_inbound(
    "headroom_direct",
    "higher",
    "The same if traffic was split over exits at will; proven.",
    lambda inbound, target: target / inbound.direct,
)
_of_inbound(
    "price_of_not_knowing",
    "lower",
    "Utilisation of the fullest inward exit at the busiest instant, above that with all known.",
    lambda inbound, target: inbound.own - inbound.known,
)
_of_inbound(
    "price_of_not_commanding",
    "lower",
    "That above what groups sent to exits at will would give: neighbours choose first.",
    lambda inbound, target: inbound.known - inbound.pieces,
)
_of_inbound(
    "price_of_pieces",
    "lower",
    "That above what any split would give.",
    lambda inbound, target: inbound.pieces - inbound.direct,
)


def _count(name: str, column: str, sentence: str) -> None:
    """Declare a sum over the decisions of a controller of announcements."""

    @metric(name, unit="1", scopes=("all",), better="lower", sentence=sentence)
    def compute(totals: Totals) -> Scoped:
        if np.isfinite(totals.decisions["promise"]).any():
            yield "all", float(totals.decisions[column].sum())


_count(
    "announcement_groups",
    "groups",
    "Prefix groups announced otherwise, summed over decisions; that before the start is one.",
)
_count("announcement_toggles", "toggles", "Pairs of a group and an exit that this changed.")
