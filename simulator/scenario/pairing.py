"""Pairing: what all columns of a comparison must share, so that their differences are paired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.scenario.changes import Change

SHARED = {
    "seed": "another seed draws other traffic",
    "replications": "replications beyond the fewer of both have no partner",
    "horizon_h": "a longer or shorter scenario is one of other hours",
    "start": "with another start, traffic is that of other hours",
    "end": "a longer or shorter scenario is one of other hours",
    "step_s": "another step draws other traffic, at other times",
}
"""Keys that a change of a comparison may not set, and why. Other topologies, matrices and shapes
change traffic too, but that is what they ask about: what they leave alone is drawn as before."""


def unpaired(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """Return the key of every change that breaks the pairing, and what to do instead."""
    for change in changes:
        key = str(change.path[0])
        if key in SHARED:
            yield (
                change.key,
                f"{SHARED[key]}, so that differences from the baseline would not be paired;"
                f" set it for all columns: --set {change.key}={change.value}, or in Python"
                " scenario.with_changes",
            )
