"""InboundWatch: what inbound traffic could be held to at the busiest instant of a replication."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from simulator.inbound.catchment import Catchment
from simulator.inbound.ladder import fullest, ladder
from simulator.model.network import Network
from simulator.recording.tally import InboundTotals
from simulator.simulation.inbound_world import Announced, InboundWorld
from simulator.simulation.network_state import NetworkState


class _Busiest(NamedTuple):
    gbps: np.ndarray
    catchment: Catchment
    network: Network
    announced: Mapping[str, Announced]


class InboundWatch:
    """Keeps the busiest instant of inbound traffic, and what is announced then."""

    def __init__(self, world: InboundWorld, state: NetworkState) -> None:
        self._world, self._state = world, state
        self._busiest: _Busiest | None = None
        self._most = -np.inf

    def see(self, rates_gbps: np.ndarray, announced: Mapping[str, Announced]) -> None:
        """Take note of an instant: rates of all demands, and what strategies announce."""
        mine = rates_gbps[self._world.mine]
        total = float(mine.sum())
        if total > self._most:
            self._most = total
            world, network = self._world.catchment, self._state.network
            self._busiest = _Busiest(mine, world, network, dict(announced))

    def totals(self) -> dict[str, InboundTotals]:
        """Return what is known of each strategy that announces."""
        if self._busiest is None or not self._busiest.announced:
            return {}
        gbps, catchment, network, every = self._busiest
        lands, up = catchment.preferences, self._world.up(network)
        capacity = network.capacity_gbps[self._world.exit_arcs]
        own = {
            name: fullest(
                lands, *_told(each, up), self._world.volumes(gbps, each.province), capacity
            )
            for name, each in every.items()
        }
        finest = max(every.values(), key=lambda each: len(each.province)).province
        found = ladder(
            lands,
            self._world.choices,
            finest,
            up,
            self._world.volumes(gbps, finest),
            capacity,
            [(e.exits, e.prepends) for e in every.values() if len(e.province) == len(finest)],
        )
        known = min(found.known, *own.values())
        pieces = min(found.pieces, known)
        return {
            name: InboundTotals(used, known, pieces, found.direct) for name, used in own.items()
        }


def _told(
    announced: Announced, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return announced.exits, announced.prepends, announced.province, up
