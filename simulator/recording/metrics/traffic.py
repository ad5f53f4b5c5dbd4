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
) -> None:
    """Declare a metric that is a function of the traffic of each scope."""

    @metric(
        name,
        unit=unit,
        scopes=_SCOPES,
        better=better,
        sentence=sentence,
        spread=spread,
    )
    def compute(totals: Totals) -> Scoped:
        for scope, traffic in totals.traffic.items():
            yield scope, value(traffic)


def _latency_ms(traffic: TrafficTotals, percent: int) -> float:
    return weighted_quantiles(*traffic.by_latency, [percent / 100])[0]


def _below_ms(traffic: TrafficTotals, percent: int) -> float:
    return weighted_quantiles(*traffic.by_latency_below_capacity, [percent / 100])[0]


def _full_ms(traffic: TrafficTotals) -> float:
    if not traffic.delivered_gbit > 0:
        return float("nan")
    rest = traffic.latency_ms - traffic.propagation_ms - traffic.mean(traffic.queueing_gbit_ms)
    return rest if rest > 1e-9 * traffic.latency_ms else 0.0  # sums of many terms round


def _loss(traffic: TrafficTotals) -> float:
    return traffic.lost_gbit / traffic.offered_gbit if traffic.offered_gbit > 0 else 0.0


_declare(
    "latency_ms_mean",
    "ms",
    "lower",
    "One way, weighted by volume delivered, full buffers included: it moves with ``buffer_ms``"
    " where links are full.",
    lambda traffic: traffic.latency_ms,
    "skewed",
)
for _percent in (50, 95, 99):
    _declare(
        f"latency_ms_p{_percent}",
        "ms",
        "lower",
        f"Latency that {_percent} % of the volume delivered does not exceed, path by path.",
        partial(_latency_ms, percent=_percent),
        "skewed",
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
    "The part of the mean latency that is waiting: below capacity, and at full buffers.",
    lambda traffic: traffic.latency_ms - traffic.propagation_ms,
    "skewed",
)
_declare(
    "latency_below_capacity_ms_mean",
    "ms",
    "lower",
    "Propagation and waiting below capacity of the volume delivered, without waiting at links at or"
    " above capacity; ``buffer_ms`` of 5 and more does not move it.",
    lambda traffic: traffic.propagation_ms + traffic.mean(traffic.queueing_gbit_ms),
)
for _percent in (50, 95, 99):
    _declare(
        f"latency_below_capacity_ms_p{_percent}",
        "ms",
        "lower",
        f"The same that {_percent} % of the volume delivered does not exceed, path by path.",
        partial(_below_ms, percent=_percent),
        "skewed",
    )
_declare(
    "queueing_below_capacity_ms_mean",
    "ms",
    "lower",
    "Mean wait of the volume delivered at links below capacity, as far as a buffer of 5 ms (or of"
    " ``buffer_ms``, if that is less) holds it.",
    lambda traffic: traffic.mean(traffic.queueing_gbit_ms),
)
_declare(
    "full_buffer_ms_mean",
    "ms",
    "lower",
    "The rest of the mean wait: at links at or above capacity, and what larger buffers hold.",
    _full_ms,
    "rare",
)
_declare(
    "latency_ms_mean_buffer_5ms",
    "ms",
    "lower",
    "What ``latency_ms_mean`` would be with buffers of 5 ms, from the same run.",
    lambda traffic: traffic.mean(traffic.least_gbit_ms),
    "skewed",
)
_declare(
    "latency_ms_mean_buffer_200ms",
    "ms",
    "lower",
    "What ``latency_ms_mean`` would be with buffers of 200 ms, from the same run.",
    lambda traffic: traffic.mean(traffic.most_gbit_ms),
    "skewed",
)
_declare(
    "full_buffer_fraction",
    "1",
    "lower",
    "Share of the volume delivered that crossed a link at or above capacity.",
    lambda traffic: traffic.mean(traffic.full_gbit),
    "rare",
)
_declare(
    "full_buffer_hours",
    "h",
    "lower",
    "Hours in which any of it did.",
    lambda traffic: traffic.full_s / 3600,
    "rare",
)
_declare(
    "unlisted_fraction",
    "1",
    "neither",
    "Share of the volume delivered whose latencies are means of demands, as its paths are too many"
    " to list.",
    lambda traffic: traffic.mean(traffic.unlisted_gbit),
)
_declare("offered_gbit", "Gbit", "neither", "Volume asked for.", lambda t: t.offered_gbit)
_declare(
    "carried_gbit",
    "Gbit",
    "higher",
    "Volume delivered.",
    lambda t: t.delivered_gbit,
    "skewed",
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


def _declare_share(name: str, sentence: str, gbit: Callable[[TrafficTotals], float]) -> None:
    """Declare a share of the volume offered, for runs with elastic traffic."""

    @metric(name, unit="1", scopes=_SCOPES, better="lower", sentence=sentence, spread="rare")
    def compute(totals: Totals) -> Scoped:
        if totals.defers:
            for scope, each in totals.traffic.items():
                yield scope, gbit(each) / each.offered_gbit if each.offered_gbit > 0 else 0.0


_declare_share(
    "deferred_fraction",
    "Deferred / offered; only where any traffic is elastic.",
    lambda traffic: traffic.deferred_gbit,
)
_declare_share(
    "unserved_fraction",
    "Lost and deferred / offered; only where any traffic is elastic.",
    lambda traffic: traffic.lost_gbit + traffic.deferred_gbit,
)
