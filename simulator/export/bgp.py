"""BGP: what controllers that speak it have in common, and what their receivers drop."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.export.forms.form import Exporting

BYTES_A_PER_CENT = 1_000_000
"""Link bandwidth in bytes a second for a weight of 1: only its ratios count."""
PREFERENCE = 300
"""Local preference, above 100 as routes of any other source have."""
HOLD_S = 9
"""Seconds after which routers drop the routes of a controller that is silent."""
WEIGHTS = (
    "Weights are link bandwidth communities, which FRR makes weights of (RFC 10005 has their use"
    " for unequal splits)."
)


def unequal(exporting: Exporting, receiver: str) -> Iterator[str]:
    """Yield why receivers without weights cannot carry decisions, if they cannot."""
    if receiver != "bird":
        return
    found = [
        (step, each)
        for step in exporting.steps
        for each in step.changes
        if len(each.after) > 1 and max(each.after.values()) - min(each.after.values()) > 1
    ]
    if found:
        step, first = found[0]
        split = " / ".join(str(first.after[name]) for name in sorted(first.after))
        yield (
            f"BIRD ignores the link bandwidth community of routes that it receives, so that"
            f" {len(found):,} unequal splits would become equal without a word, the first being"
            f" {first.source} to {first.target} at {step.clock}, {split}; --to bird writes weights"
            " as static routes of each router"
        )
