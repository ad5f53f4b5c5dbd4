"""A case: everything that an engine needs, resolved and checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.control.strategy import Strategy
from simulator.inbound.choices import Catchments
from simulator.model.billing import Billing
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.queues.queue import Queue
from simulator.simulation.faults import Event
from simulator.simulation.inbound_world import InboundWorld
from simulator.traffic.traffic import Series


@dataclass(frozen=True, eq=False)
class Case:
    """What happens to which network under which traffic, and how it is run.

    Attributes
    ----------
    network : Network
    demands : Demands
        Base demands, with the planning window.
    series : Series
        Demands over time.
    strategies : mapping of str to Strategy
        In the order of the scenario; the first is the one others are compared with.
    events : tuple of Event
    queue : Queue
    seed : int
    steps : int
        Number of traffic steps.
    step_s, horizon_s : float
    exit_target : float
        Utilisation that headroom is counted to.
    detail : str
        Rows of the demands table: ``region``, ``pair`` or ``none``; ``fullest`` keeps no table but
        the fullest exit of every step.
    every : int
        Keep every n-th step in the tables; 0 for none.
    decisions : bool
        Keep the routes of every decision.
    billing : Billing
        How exits with a price are billed.
    inbound : Catchments, optional
        How neighbours abroad choose where they hand over traffic.
    catchments : int
        Which draw of what neighbours choose holds in all replications; 0 for one in each.
    """

    network: Network
    demands: Demands
    series: Series
    strategies: Mapping[str, Strategy]
    events: tuple[Event, ...]
    queue: Queue
    seed: int
    steps: int
    step_s: float
    horizon_s: float
    exit_target: float
    detail: str = "region"
    every: int = 1
    decisions: bool = False
    billing: Billing = Billing()
    inbound: Catchments | None = None
    catchments: int = 0

    def without_tables(self) -> Case:
        """Return the same case with figures only."""
        return replace(self, detail="none", every=0, decisions=False)

    def of_drawn_world(self) -> Case:
        """Return the same case with figures and the fullest exit of every step."""
        return replace(self, detail="fullest", decisions=False)

    def inbound_world(self, streams: Streams) -> InboundWorld | None:
        """Return where neighbours abroad hand over traffic in a replication with these streams."""
        if self.inbound is None:
            return None
        drawn = Streams(self.seed, 0).of(f"world {self.catchments}")
        own = drawn if self.catchments else streams
        return InboundWorld(self.network, self.demands, self.inbound, own)

    @property
    def yardstick(self) -> str | None:
        """The strategy that ``regret`` is counted from: the first bound that minimises a cost."""
        for name, strategy in self.strategies.items():
            if strategy.perfect_information and strategy.scheme.cost is not None:
                return name
        return None


WINDOW_INSTANTS = 336
"""Instants of a planning window: half-hours of a week."""


def with_window(demands: Demands, series: Series, horizon_s: float) -> Demands:
    """Return demands with their planning window: the expected curve up to a week from the start.

    The rates of a recording become the mean of that window, as the mean of what is played is not
    known beforehand.

    Parameters
    ----------
    series : Series
        Demands over time; what is random or comes without notice cannot be planned for.
    """
    horizon_h = min(horizon_s / 3600.0, 168.0)
    step_h = max(series.step_h, horizon_h / WINDOW_INSTANTS)
    hours = (np.arange(max(1, round(horizon_h / step_h))) + 0.5) * step_h
    window = series.expected(hours)
    base = demands if series.recorded is None else demands.with_gbps(window.mean(axis=1))
    return replace(base, window_gbps=window)
