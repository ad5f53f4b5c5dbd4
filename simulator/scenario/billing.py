"""Billing: what a scenario asks of bills that its network and its length cannot give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulator.base.document import Document
from simulator.base.errors import Problem
from simulator.base.text import listed
from simulator.model.network import Network

if TYPE_CHECKING:
    from simulator.scenario.settings import Settings

KEY = "price_usd_per_mbps"
_NAMED = 5
"""Exits that a warning names."""


def billing_warnings(document: Document, settings: Settings, network: Network) -> Iterator[Problem]:
    """Exits without a price beside exits with one, bills without prices, and slots within steps."""
    exits = [network.links[i] for i in network.exits]
    free = [each for each in exits if network.attributes(each).get(KEY) is None]
    asked = isinstance(document.data, dict) and "billing" in document.data

    def warning(message: str, *path: str) -> Problem:
        return document.problem(("billing", *path) if asked else (), message, severity="warning")

    if asked and len(free) == len(exits):
        yield warning(f"no exit has a {KEY}, so that there is no bill")
        return
    if free and len(free) < len(exits):
        names = [*free[:_NAMED], *([f"{len(free) - _NAMED} more"] if len(free) > _NAMED else [])]
        yield warning(f"bills leave out exits without a {KEY}: {listed(names)}")
    slot_s = settings.billing.slot_s
    if asked and settings.step_s > slot_s:
        yield warning(
            f"traffic is constant for a step of {settings.step_s:g} s, so that slots of"
            f" {slot_s:g} s within a step are alike and their peaks are missed",
            *(["slot_s"] if "slot_s" in (document.data["billing"] or {}) else []),
        )
