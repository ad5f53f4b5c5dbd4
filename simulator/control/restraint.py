"""Restraint: how a controller keeps itself from doing too much, too often or all at once.

Caps on announcements hold in whole groups: see :meth:`InboundSteering.announce
<simulator.control.announcements.InboundSteering.announce>`.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.control.strategy import Control, Hysteresis
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.fortz_thorup import slope


class HysteresisTrigger:
    """Whether exits are so full that routes should be made anew; see :class:`Hysteresis`.

    While routes hold traffic back at its source, exits look emptier than they would be: it rings
    then, however full they are.
    """

    def __init__(self, marks: Hysteresis | None) -> None:
        self._marks = marks
        self._on, self._quiet = False, 0

    def active(self, utilisation: float, throttled: bool = False) -> bool:
        """Take note of a cycle; return whether to act.

        Parameters
        ----------
        utilisation : float
            Of the fullest exit.
        held : bool
            Whether anything is held back.
        """
        marks = self._marks
        if marks is None:
            return True
        if throttled or utilisation > marks.high:
            self._on, self._quiet = True, 0
        elif utilisation < marks.low:
            self._quiet += 1
            self._on = self._on and self._quiet < marks.hold
        else:
            self._quiet = 0
        return self._on


def restrained(
    new: Routes, old: Routes, network: Network, demands: Demands, control: Control
) -> Routes:
    """Return routes that go from *old* towards *new* no further than the caps on moves allow.

    Under ``max_moves`` a demand goes all the way or stays. One that goes nowhere new is not held
    up by it: what a scheme holds back at the source is held back however many may move.

    Parameters
    ----------
    new, old : Routes
        Of the demands that are steered.
    network : Network
        As the controller sees it; its ``background_gbps`` is the load of all others.
    demands : Demands
        Those that are steered, as predicted.
    control : Control
    """
    if control.max_moves is None and control.max_moved_gbps is None:
        return new
    moved = new.moved(old, demands.gbps)
    if control.max_moves is not None and moved.demands > control.max_moves:
        chosen = most_urgent(new, old, network, demands)
        chosen = chosen[moved.which[chosen]][: control.max_moves]
        takes = np.where(moved.which, 0.0, 1.0)
        takes[chosen] = 1.0
        new = new.blend(old, takes)
        moved = new.moved(old, demands.gbps)
    if control.max_moved_gbps is not None and moved.gbps > control.max_moved_gbps:
        # A mix of two routings loads no link more than the worse of the two does.
        new = new.blend(old, control.max_moved_gbps / moved.gbps)
    return new


def link_prices(old: Routes, network: Network, demands: Demands) -> np.ndarray:
    """Price that the Fortz-Thorup cost puts on every link under *old*, shape (arcs,)."""
    return slope(old.loads(demands.gbps) + network.background_gbps, network.capacity_gbps)


def most_urgent(new: Routes, old: Routes, network: Network, demands: Demands) -> np.ndarray:
    """Demands in the order of how much their move relieves full links, then of latency saved.

    Relief is counted at :func:`link_prices`.
    """
    price = link_prices(old, network, demands)
    change = old.matrix - new.matrix
    relief = (change.T @ price) * demands.gbps
    saved = (change.T @ network.delay_ms) * demands.gbps
    return np.lexsort((-saved, -np.round(relief, 9)))


def update_steps(control: Control) -> int:
    """Number of steps in which new routes are put in place at a tick.

    With a share *s* free on every link, ``1 / s - 1`` equal steps of one change overload no link
    in whatever order the demands of a step switch (SWAN, SIGCOMM 2013, section 4.2).
    """
    if control.update != "multi_step":
        return 1
    return max(1, math.ceil(1.0 / control.scratch - 1e-9) - 1)
