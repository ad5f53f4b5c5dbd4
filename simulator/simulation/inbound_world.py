"""InboundWorld: where inbound traffic lands in one replication, whatever a strategy announces."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from simulator.inbound.catchment import Catchment
from simulator.inbound.choices import Catchments, Choices, neighbours_of
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.paths.shortest import shortest_to
from simulator.simulation.clock import Clock, Priority

DRIFT_S = 1800.0
"""How often preferences may change."""


class Announced(NamedTuple):
    """What a strategy announces.

    Attributes
    ----------
    province : ndarray of int, shape (groups,)
        Province of each prefix group.
    exits : ndarray of bool, shape (groups, exits)
        Where each group is announced.
    prepends : ndarray of int, shape (groups, exits)
    """

    province: np.ndarray
    exits: np.ndarray
    prepends: np.ndarray

    def differs(self, other: Announced) -> np.ndarray:
        """Return where anything is announced otherwise; bool, shape (groups, exits)."""
        return np.asarray((self.exits != other.exits) | (self.prepends != other.prepends))


class InboundWorld:
    """Where neighbours abroad hand over traffic: the same for every strategy.

    Attributes
    ----------
    mine : ndarray of int
        Positions of the inbound demands.
    exit_arcs : ndarray of int, shape (exits,)
        Inward arcs of the exits.
    choices : Choices
        Regions and provinces in the order of their nodes.
    catchment : Catchment
        What neighbours prefer at this instant.
    changed : list of callable
        Called after preferences have changed.
    """

    def __init__(
        self, network: Network, demands: Demands, settings: Catchments, streams: Streams
    ) -> None:
        self.mine = np.flatnonzero(demands.of_class("international_in"))
        self.exit_arcs = network.exit_arcs["in"]
        regions, self._region = np.unique(demands.source[self.mine], return_inverse=True)
        provinces, self._province = np.unique(demands.target[self.mine], return_inverse=True)
        names = [network.nodes[node] for node in regions]
        sources, region, weight = neighbours_of(names, settings)
        self.choices = Choices(
            sources,
            region,
            weight,
            tuple(network.nodes[node] for node in provinces),
            tuple(network.links[arc // 2] for arc in self.exit_arcs),
            _ways_ms(network, self.exit_arcs, regions, provinces, settings.handover),
        )
        self.settings = settings
        self.catchment = Catchment.drawn(self.choices, settings, streams)
        self._drifts = streams.generator("catchment drift", "")
        self.changed: list[Callable[[], None]] = []

    def apart(self) -> InboundWorld:
        """Return the same world without what follows it: for a strategy on a clock of its own."""
        other = copy.copy(self)
        other.changed = []
        return other

    def everywhere(self, groups: int = 1) -> Announced:
        """Return the state in which so many groups a province are announced at every exit."""
        province = np.repeat(np.arange(len(self.choices.provinces)), groups)
        shape = len(province), len(self.exit_arcs)
        return Announced(province, np.ones(shape, dtype=bool), np.zeros(shape, dtype=np.int64))

    def up(self, network: Network) -> np.ndarray:
        """Which exits carry inbound traffic, shape (exits,)."""
        return network.up[self.exit_arcs] & (network.capacity_gbps[self.exit_arcs] > 0)

    def landed(self, announced: Announced, network: Network) -> np.ndarray:
        """Exit at which every source hands over to every group, shape (sources, groups)."""
        return self.catchment.lands(
            announced.exits, announced.prepends, announced.province, self.up(network)
        )

    def shares(
        self, announced: Announced, network: Network, gone: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Share of each inbound demand that lands at each exit, and that lands there and is lost.

        Parameters
        ----------
        announced : Announced
            What the Internet follows.
        network : Network
        gone : ndarray of bool, shape (groups, exits), optional
            Where exits have no route for a group any more: all that lands is lost, by whichever
            announcement it came.

        Returns
        -------
        delivered, lost : ndarray, shape (inbound demands, exits)
            Shares of the demand; what lands nowhere is in neither.
        """
        landed = self.landed(announced, network)
        if gone is None:
            delivered = self._by_demand(landed, announced)
            return delivered, np.zeros_like(delivered)
        lost = (landed >= 0) & gone[np.arange(len(gone)), landed]
        parts = (np.where(lost, -1, landed), np.where(lost, landed, -1))
        delivered, dropped = (self._by_demand(part, announced) for part in parts)
        return delivered, dropped

    def _by_demand(self, landed: np.ndarray, announced: Announced) -> np.ndarray:
        arrivals = self.catchment.arrivals(landed, announced.province)
        return np.asarray(arrivals[self._region, self._province])

    def by_pair(self, values: np.ndarray, nothing: float) -> np.ndarray:
        """Values of inbound demands by exit as a table, shape (regions, provinces, exits).

        *nothing* stands for pairs without a demand; of several services the last one counts.
        """
        table = np.full(self.choices.metric_ms.shape, nothing)
        table[self._region, self._province] = values
        return table

    def volumes(self, gbps: np.ndarray, province: np.ndarray) -> np.ndarray:
        """Traffic of each source to each group, shape (sources, groups).

        Parameters
        ----------
        gbps : ndarray, shape (inbound demands,)
        province : ndarray of int, shape (groups,)
        """
        shape = self.choices.metric_ms.shape[:2]
        total = np.zeros(shape)
        np.add.at(total, (self._region, self._province), gbps)
        per_group = total[:, province] / np.bincount(province, minlength=shape[1])[province]
        return np.asarray(per_group[self.choices.region] * self.choices.weight[:, None])

    def drift(self, clock: Clock) -> Iterator[Any]:
        """Let preferences change as time passes: a process."""
        while self.settings.drift_per_day > 0:
            yield clock.after(DRIFT_S, Priority.CAPACITY)
            before = self.catchment
            self.catchment = before.drifted(DRIFT_S / 86400.0, self._drifts)
            if self.catchment is not before:
                for each in self.changed:
                    each()


def _ways_ms(
    network: Network,
    exit_arcs: np.ndarray,
    regions: np.ndarray,
    provinces: np.ndarray,
    handover: str,
) -> np.ndarray:
    """Length of the shortest way of each region to each province by each exit, in ms of fibre.

    By the metric, as the static routes are, times the delay that a unit has at exits. There is
    no way by an exit where the region does not hand over.
    """
    weight = network.metric
    to_exit = shortest_to(network, weight, network.tail[exit_arcs]).distance
    onward = shortest_to(network, weight, provinces).distance
    length = (
        to_exit[:, regions].T[:, None, :]
        + weight[exit_arcs]
        + onward[:, network.head[exit_arcs]][None]
    )
    length[:, :, ~network.up[exit_arcs]] = np.inf
    if network.closed is not None:
        shut = network.closed[np.ix_(exit_arcs, regions)].T
        length[np.broadcast_to(shut[:, None, :], length.shape)] = np.inf
    if handover == "points":
        there = _hands_over(network, exit_arcs, regions)[:, None, :]
        natural = length.argmin(axis=2)[:, :, None] == np.arange(len(exit_arcs))
        length[~(there | natural)] = np.inf
    # Of exits alone: metrics at home hold constants too, such as 100,000 on uplinks.
    ways_in = exit_arcs[network.exists[exit_arcs]]
    some = ways_in[(weight[ways_in] > 0) & (network.delay_ms[ways_in] > 0)]
    unit_ms = float(np.median(network.delay_ms[some] / weight[some])) if len(some) else 1.0
    return np.asarray(length * unit_ms)


def _hands_over(network: Network, exit_arcs: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Return which exits are at the points where a region meets us; shape (regions, exits).

    All are for a region that meets us where there is none.
    """
    found = np.zeros((len(regions), len(exit_arcs)), dtype=bool)
    for i, region in enumerate(regions):
        points = network.head[network.tail == region]
        found[i] = np.isin(network.tail[exit_arcs], points)
    found[~found.any(axis=1)] = True
    return found
