"""Outages: how long routers keep the routes of a controller, by how it stops."""

from __future__ import annotations

from simulator.control.settings import LoopSettings
from simulator.model.streams import Streams
from simulator.simulation.faults import Event

KEEPALIVES = 3
"""Keepalives sent within a hold time (RFC 4271, section 4.4)."""


def stale_for_s(settings: LoopSettings, event: Event, streams: Streams) -> float | None:
    """Return after how many seconds traffic follows the static routes; None for never.

    The age of the last keepalive is drawn evenly, the same for all strategies that keepalives
    reach as often: it depends on the time of the event alone.
    """
    match event.how:
        case "killed":
            return settings.reset_s
        case "frozen":
            age = streams.generator("keepalive", f"{event.at_h!r} h").random() / KEEPALIVES
            return settings.hold_s * (1.0 - float(age))
        case "graceful_restart":
            return settings.stale_s
    return None
