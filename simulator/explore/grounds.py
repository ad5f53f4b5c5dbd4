"""Grounds: how sure each figure of the page is, by the marks of the inputs that it rests on."""

from __future__ import annotations

from typing import Any

from simulator.scenario.marks import KINDS, Mark, marks
from simulator.scenario.scenario import Scenario

_TRAFFIC = ("matrix", "traffic", "regions", "nodes.weight", "nodes.utc_offset_h")
_ROUTES = (*_TRAFFIC, "inbound", "links.metric", "links.class", "links.delay_ms", "links.fibre_km")
RESTS_ON = {
    "utilisation": (*_ROUTES, "links.capacity_gbps"),
    "latency": _ROUTES,
    "lost": (*_ROUTES, "links.capacity_gbps"),
    "failures": ("cables", "links.cables", "links"),
    "capacity": ("links.capacity_gbps",),
    "traffic": _TRAFFIC,
}
"""What the figures of the page are made of; a section stands for all that is in it."""


def grounds(scenario: Scenario) -> dict[str, Any]:
    """Return the worst mark of what each figure rests on, and the fields with their marks."""
    stated = marks(scenario)
    found = {}
    for figure, fields in RESTS_ON.items():
        own = [each for each in stated if _is_of(each, fields)]
        worst = min((KINDS.index(each.kind) for each in own), default=0)
        found[figure] = {
            "kind": KINDS[worst],
            "fields": [[each.of, each.kind] for each in own],
        }
    return found


def _is_of(mark: Mark, fields: tuple[str, ...]) -> bool:
    """Return whether a mark is of one of the fields, or of a part of it."""
    exact = {"links"}  # which nodes are joined; its parts have marks of their own
    return any(
        mark.of == field or (field not in exact and mark.of.startswith(f"{field}."))
        for field in fields
    )
