"""Traffic: its latency, its volume and its loss."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scope, Scoped, metric
from simulator.results.statistics import weighted_quantiles

_SCOPES: tuple[Scope, ...] = ("all", "class", "region", "service")


@metric(
    "latency_ms_mean",
    unit="ms",
    scopes=_SCOPES,
    better="lower",
    sentence="One way, weighted by volume delivered.",
)
def latency_ms_mean(totals: Totals) -> Scoped:
    """Yield the mean latency."""
    for scope, each in totals.traffic.items():
        yield scope, each.latency_ms


def _latency_ms(percent: int) -> None:
    """Declare a percentile of the latency."""

    @metric(
        f"latency_ms_p{percent}",
        unit="ms",
        scopes=_SCOPES,
        better="lower",
        sentence=f"Latency that {percent} % of the volume delivered does not exceed.",
    )
    def percentile(totals: Totals) -> Scoped:
        for scope, each in totals.traffic.items():
            yield scope, weighted_quantiles(*each.by_latency, [percent / 100])[0]


for _percent in (50, 95, 99):
    _latency_ms(_percent)


@metric(
    "propagation_ms_mean",
    unit="ms",
    scopes=_SCOPES,
    better="lower",
    sentence="The part of the mean latency that is distance (and ``hop_delay_ms``).",
)
def propagation_ms_mean(totals: Totals) -> Scoped:
    """Yield the mean propagation delay."""
    for scope, each in totals.traffic.items():
        yield scope, each.propagation_ms


@metric(
    "queueing_ms_mean",
    unit="ms",
    scopes=_SCOPES,
    better="lower",
    sentence="The part of the mean latency that is waiting.",
)
def queueing_ms_mean(totals: Totals) -> Scoped:
    """Yield the mean wait."""
    for scope, each in totals.traffic.items():
        yield scope, each.latency_ms - each.propagation_ms


@metric(
    "offered_gbit",
    unit="Gbit",
    scopes=_SCOPES,
    better="neither",
    sentence="Volume asked for.",
)
def offered_gbit(totals: Totals) -> Scoped:
    """Yield the volume asked for."""
    for scope, each in totals.traffic.items():
        yield scope, each.offered_gbit


@metric(
    "carried_gbit",
    unit="Gbit",
    scopes=_SCOPES,
    better="higher",
    sentence="Volume delivered.",
)
def carried_gbit(totals: Totals) -> Scoped:
    """Yield the volume delivered."""
    for scope, each in totals.traffic.items():
        yield scope, each.delivered_gbit


@metric(
    "lost_gbit",
    unit="Gbit",
    scopes=_SCOPES,
    better="lower",
    sentence="Volume lost: offered - carried - deferred.",
)
def lost_gbit(totals: Totals) -> Scoped:
    """Yield the volume lost."""
    for scope, each in totals.traffic.items():
        yield scope, each.lost_gbit


@metric(
    "loss_fraction",
    unit="1",
    scopes=_SCOPES,
    better="lower",
    sentence="Lost / offered.",
)
def loss_fraction(totals: Totals) -> Scoped:
    """Yield the share of the volume that was lost."""
    for scope, each in totals.traffic.items():
        yield scope, each.lost_gbit / each.offered_gbit if each.offered_gbit > 0 else 0.0


@metric(
    "deferred_gbit",
    unit="Gbit",
    scopes=_SCOPES,
    better="lower",
    sentence="Volume that elastic services do not send; only where there are any.",
)
def deferred_gbit(totals: Totals) -> Scoped:
    """Yield the volume deferred."""
    if totals.defers:
        for scope, each in totals.traffic.items():
            yield scope, each.deferred_gbit
