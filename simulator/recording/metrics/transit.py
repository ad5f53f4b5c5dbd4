"""Transit: what the exits cost, where they have a price."""

from __future__ import annotations

from simulator.recording.tally import Totals
from simulator.results.metrics import Scoped, metric


@metric(
    "transit_cost_usd",
    unit="USD",
    scopes=("all", "exit"),
    better="lower",
    sentence="Bill of a month at the rate billed in the run, ``exit:ID``; ``all``: of all exits"
    " with a ``price_usd_per_mbps``, and only with such exits.",
)
def transit_cost_usd(totals: Totals) -> Scoped:
    """Yield the bill of every exit and of all."""
    if totals.transit:
        yield "all", sum(each.cost_usd for each in totals.transit.values())
    for link, each in totals.transit.items():
        yield f"exit:{link}", each.cost_usd


@metric(
    "billed_gbps",
    unit="Gbps",
    scopes=("all", "exit"),
    better="lower",
    sentence="Rate billed: percentile of the slots of a month by the rule of ``billing``,"
    " ``exit:ID``; ``all``: their sum.",
)
def billed_gbps(totals: Totals) -> Scoped:
    """Yield the billed rate of every exit and of all."""
    if totals.transit:
        yield "all", sum(each.billed_gbps for each in totals.transit.values())
    for link, each in totals.transit.items():
        yield f"exit:{link}", each.billed_gbps


@metric(
    "slot_percentile_gbps",
    unit="Gbps",
    scopes=("exit",),
    better="lower",
    sentence="The percentile of each direction of an exit with a price.",
)
def slot_percentile_gbps(totals: Totals) -> Scoped:
    """Yield the percentile of every direction."""
    for link, each in totals.transit.items():
        for way, level in each.level_gbps.items():
            yield f"exit:{link}:{way}", level
