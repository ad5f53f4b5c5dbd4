"""The scene: what all strategies of a replication share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.model.billing import Terms
from simulator.model.streams import Streams
from simulator.simulation.clock import Clock
from simulator.simulation.inbound_world import InboundWorld
from simulator.simulation.network_state import NetworkState
from simulator.simulation.route_store import RouteStore
from simulator.simulation.traffic_source import Source


@dataclass(eq=False)
class Scene:
    """Clock, network, traffic and randomness of one replication.

    Attributes
    ----------
    clock : Clock
    network_state : NetworkState
        The network as faults and upgrades leave it.
    source : Source
        The true traffic.
    streams : Streams
        Random streams, by purpose and name.
    inbound : InboundWorld, optional
        Where neighbours abroad hand over traffic; where routes say so when left out.
    terms : Terms, optional
        How exits are billed; without them controllers keep no account.
    store : RouteStore
        Routes that follow from the topology alone, for all strategies.
    at_start : dict, optional
        What a strategy worked out before the start, by its layer: filled by the first of the scenes
        that share it, which are of one strategy, world and traffic.
    borders_us : tuple of int, optional
        All instants at which anything but traffic and control may change, in order, and the end;
        None where that is not known.
    """

    clock: Clock
    network_state: NetworkState
    source: Source
    streams: Streams
    inbound: InboundWorld | None = None
    terms: Terms | None = None
    store: RouteStore = field(default_factory=RouteStore)
    at_start: dict[str, Any] | None = None
    borders_us: tuple[int, ...] | None = None

    def quiet_until(self) -> int | None:
        """The next border after this instant; None where it is not known."""
        later = (border for border in self.borders_us or () if border > self.clock.now)
        return next(later, None)
