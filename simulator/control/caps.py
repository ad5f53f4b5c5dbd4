"""Caps: how far, how many and in how many steps traffic moves to new routes.

Caps on announcements hold in whole groups: see :meth:`InboundSteering.announce
<simulator.control.inbound_steering.InboundSteering.announce>`.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.control.settings import LoopSettings
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.fortz_thorup import slope


def restrained(
    new: Routes, old: Routes, network: Network, demands: Demands, settings: LoopSettings
) -> Routes:
    """Return routes that go from *old* towards *new* no further than the caps on moves allow.

    Under ``max_moves`` a demand moves whole or stays. The cap does not count demands that only
    keep their paths: what a scheme throttles at the source is throttled at once.

    Parameters
    ----------
    new, old : Routes
        Of the demands that are steered.
    network : Network
        As the controller sees it; its ``background_gbps`` is the load of all others.
    demands : Demands
        Those that are steered, as predicted.
    """
    if settings.max_moves is None and settings.max_moved_gbps is None:
        return new
    moved = new.moved(old, demands.gbps)
    if settings.max_moves is not None and moved.demands > settings.max_moves:
        chosen = most_urgent(new, old, network, demands)
        chosen = chosen[moved.which[chosen]][: settings.max_moves]
        takes = np.where(moved.which, 0.0, 1.0)
        takes[chosen] = 1.0
        new = new.blend(old, takes)
        moved = new.moved(old, demands.gbps)
    if settings.max_moved_gbps is not None and moved.gbps > settings.max_moved_gbps:
        # A mix of two routings loads no link more than the worse of the two does.
        new = new.blend(old, settings.max_moved_gbps / moved.gbps)
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


def update_steps(settings: LoopSettings) -> int:
    """Number of steps in which new routes are installed at a cycle.

    With a share *s* free on every link, ``1 / s - 1`` equal steps of one change overload no link
    in whatever order the demands of a step switch (SWAN, SIGCOMM 2013, section 4.2).
    """
    if settings.update != "multi_step":
        return 1
    return max(1, math.ceil(1.0 / settings.scratch - 1e-9) - 1)
