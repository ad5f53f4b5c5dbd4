"""Words: numbers and scopes as titles, labels and legends write them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from simulator.figures.style import name

DIRECTION_WORDS = {"in": "inbound", "out": "outbound"}
SCOPE_WORDS = {
    "international_in": "inbound",
    "international_out": "outbound",
    "all": "all traffic",
}


def scope_words(scope: str, limit: int = 24) -> str:
    """Return a class of traffic, or a region, in words."""
    return SCOPE_WORDS.get(scope, name(scope, limit))


def percent(share: float, *, fine: bool = False) -> str:
    """Return a share in words; never 100 % where it is a little more or less."""
    digits = 1 if fine or (round(share, 2) == 1.0 and share != 1.0) else 0
    return f"{100 * share:,.{digits}f} %"


def percent_tick(share: float, place: float | None = None) -> str:
    """Return the label of a tick, in per cent."""
    return f"{100 * share:,.0f}"


def duration(hours: float) -> str:
    """Return a time span in hours, or in minutes below one hour."""
    if hours >= 1000:
        return f"{hours:,.0f} h"
    return f"{hours:,.1f} h" if hours >= 1 else f"{max(round(hours * 60), 1)} min"


def joined(figures: Iterable[str]) -> str:
    """Join the figures of strategies, in the order of the legend."""
    each = list(figures)
    return (" → " if len(each) == 2 else " / ").join(each)


def capacity_words(
    capacity_gbps: Mapping[tuple[str, str], float], exit_id: str, ways: Sequence[str]
) -> str:
    """Return the capacity of an exit; that of both directions where they differ."""
    each = [capacity_gbps.get((exit_id, way), math.nan) for way in ways]
    if len(set(each)) == 1:
        return f"{each[0]:,.5g} Gbps"
    both = " / ".join(f"{gbps:,.5g} {way}" for gbps, way in zip(each, ways, strict=True))
    return f"{both} Gbps"


def is_share(metric: str) -> bool:
    """Return whether a metric is written in per cent."""
    return (
        "utilisation" in metric or metric.endswith("_fraction") or metric in ("mlu_peak", "gap_max")
    )


def value(figure: float, scale: float) -> str:
    """Return a figure in words; shares, which have another *scale* than 1, in per cent."""
    return percent(figure, fine=figure < 0.1) if scale > 1 else f"{figure:,.4g}"


def metric_label(metric: str, scope: str, unit: str) -> str:
    """Return the label of an axis for a metric and its unit."""
    of = "" if scope == "all" else f" ({scope_words(scope)})"
    unit = "%" if is_share(metric) else unit
    return f"{metric.replace('_', ' ')}{of}" + (f", {unit}" if unit not in ("", "1") else "")
