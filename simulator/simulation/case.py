"""A case: everything that an engine needs, resolved and checked at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.model.demands import Demands
from simulator.model.latency import Queue
from simulator.model.network import Network
from simulator.simulation.controller import Strategy
from simulator.simulation.outages import Event
from simulator.traffic.traffic import Series


@dataclass(frozen=True, eq=False)
class Case:
    """What happens to which network under which traffic, and how it is run.

    Attributes
    ----------
    network : Network
    demands : Demands
        Base demands.
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
        Rows of the demands table: ``region``, ``pair`` or ``none``.
    every : int
        Keep every n-th step in the tables.
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
