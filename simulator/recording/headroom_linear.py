"""Headroom of routes that do not look at demand: loads are linear in it, so that one step does."""

from __future__ import annotations

import math

import numpy as np

from simulator.model.routes import Routes
from simulator.recording.headroom_plan import TOUCH, Limit, Plan


class LeastOfLinear:
    """Least factor of the instants in one state of a network."""

    def __init__(self, plan: Plan, room_gbps: np.ndarray) -> None:
        self._plan, self._room_gbps = plan, room_gbps
        #: Least factor of an exit direction, its place, and when.
        self._least = math.inf, 0, math.nan
        self._inner = np.full(len(room_gbps), np.inf)

    def see(self, routes: Routes, rates: np.ndarray, start_s: np.ndarray) -> None:
        """Take note of instants (demands x instants)."""
        plan, grows = self._plan, self._plan.grows[:, None]
        growing = routes.loads(np.where(grows, rates, 0.0))
        left = self._room_gbps[:, None] - routes.loads(np.where(grows, 0.0, rates))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(growing > 0, np.maximum(left, 0.0) / growing, np.inf)
        exits = factor[plan.arcs]
        place, instant = np.unravel_index(np.argmin(exits), exits.shape)
        least = float(exits[place, instant]), int(place)
        if least < self._least[:2]:  # of equal ones the first exit, and of it the first instant
            self._least = *least, float(start_s[instant])
        inner = np.where(plan.inner[:, None], factor, np.inf)
        self._inner = np.minimum(self._inner, inner.min(axis=1))

    def limit(self, limit: Limit) -> Limit:
        """Return the limit, or a lower one that these instants put."""
        factor, place, at_s = self._least
        if not factor < limit.factor:
            return limit
        found = Limit(factor, at_s, self._plan.exit_name(place))
        arc = int(np.argmin(self._inner))
        if self._inner[arc] < found.factor / TOUCH:
            name = self._plan.arc_name(arc)
            found = found._replace(link=name, link_factor=float(self._inner[arc]))
        return found
