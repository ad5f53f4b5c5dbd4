"""Traffic: its latency, its volume and its loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulator.recording.tally import Totals, TrafficTotals
from simulator.results.metrics import Better, Scope, Scoped, Spread, metric
from simulator.results.statistics import weighted_quantiles

_SCOPES: tuple[Scope, ...] = ("all", "class", "region", "service")


def _declare(
    name: str,
    unit: str,
    better: Better,
    sentence: str,
    value: Callable[[TrafficTotals], float],
    spread: Spread = "plain",
    skewed_part: str = "",
) -> None:
    """Declare a metric that is a function of the traffic of each scope."""

    @metric(
        name,
        unit=unit,
        scopes=_SCOPES,
        better=better,
        sentence=sentence,
        spread=spread,
        skewed_part=skewed_part,
    )
    def compute(totals: Totals) -> Scoped:
        for scope, traffic in totals.traffic.items():
            yield scope, value(traffic)


def _latency_ms(traffic: TrafficTotals, percent: int) -> float:
    return weighted_quantiles(*traffic.by_latency, [percent / 100])[0]


def _loss(traffic: TrafficTotals) -> float:
    return traffic.lost_gbit / traffic.offered_gbit if traffic.offered_gbit > 0 else 0.0


_declare(
    "latency_ms_mean",
    "ms",
    "lower",
    "One way, weighted by volume delivered.",
    lambda traffic: traffic.latency_ms,
    "skewed",
    "queueing_ms_mean",
)
for _percent in (50, 95, 99):
    _declare(
        f"latency_ms_p{_percent}",
        "ms",
        "lower",
        f"Latency that {_percent} % of the volume delivered does not exceed.",
        partial(_latency_ms, percent=_percent),
        "stepped",
    )
_declare(
    "propagation_ms_mean",
    "ms",
    "lower",
    "The part of the mean latency that is distance (and ``hop_delay_ms``).",
    lambda traffic: traffic.propagation_ms,
)
_declare(
    "queueing_ms_mean",
    "ms",
    "lower",
    "The part of the mean latency that is waiting.",
    lambda traffic: traffic.latency_ms - traffic.propagation_ms,
    "skewed",
)
_declare("offered_gbit", "Gbit", "neither", "Volume asked for.", lambda t: t.offered_gbit)
_declare(
    "carried_gbit",
    "Gbit",
    "higher",
    "Volume delivered.",
    lambda t: t.delivered_gbit,
    "skewed",
    "lost_gbit",
)
_declare(
    "lost_gbit",
    "Gbit",
    "lower",
    "Volume lost: offered - carried - deferred.",
    lambda t: t.lost_gbit,
    "rare",
)
_declare("loss_fraction", "1", "lower", "Lost / offered.", _loss, "rare")


@metric(
    "deferred_gbit",
    unit="Gbit",
    scopes=_SCOPES,
    better="lower",
    sentence="Volume that elastic services do not send; only where there are any.",
    spread="rare",
)
def deferred_gbit(totals: Totals) -> Scoped:
    """Yield the volume deferred."""
    if totals.defers:
        for scope, traffic in totals.traffic.items():
            yield scope, traffic.deferred_gbit
