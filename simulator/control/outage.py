"""Outages of the controller: its routes stay, or traffic returns to the static routes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from simulator.control.process import Context
from simulator.control.settings import LoopSettings
from simulator.simulation.clock import Priority


def halt(context: Context, settings: LoopSettings, down: bool) -> None:
    """Stop or start the controller; of overlapping outages the first one counts."""
    table = context.route_table
    table.halt(down)
    if not down or table.halts > 1:
        return
    if settings.on_outage == "withdraw":
        _withdraw(context)
    elif settings.stale_limit_s is not None:
        context.scene.clock.process(_withdraw_when_stale(context, settings.stale_limit_s))


def _withdraw_when_stale(context: Context, limit_s: float) -> Iterator[Any]:
    """Return to the static routes when the outage lasts too long."""
    table = context.route_table
    stops = table.stops
    yield context.scene.clock.after(limit_s, Priority.CONTROL)
    if table.halts and table.stops == stops:
        _withdraw(context)


def _withdraw(context: Context) -> None:
    moved = context.route_table.withdraw()
    context.log.write("controller", "withdrawal", context.route_table.static, moved, np.nan)
