"""Border case: traffic across the border in both directions, and how far it may be off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.demand_set import DemandSet, box, hose
from simulator.optimise.exit_cuts import Cuts, ExitNetwork, cuts_of, exit_network
from simulator.optimise.separable import Separability, Transport, separability
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.study.behaviour import WAYS


@dataclass(frozen=True, eq=False)
class DemandRange:
    """How far demands may be from the stated ones.

    Attributes
    ----------
    box : float
        Every demand may be so much more or less: 0.3 for 30 %.
    hose : float, optional
        In place of a box: every end may have up to so many times its sum.
    total : float
        Most of all of a direction together, in what they are as stated.
    drawn : ndarray, shape (draws, demands), optional
        Draws of all demands, in place of all that: every demand is between the values that 5 % and
        95 % of the draws do not exceed, and so is the upper end of the total.
    """

    box: float = 0.3
    hose: float | None = None
    total: float = 1.1
    drawn: np.ndarray | None = None

    @property
    def words(self) -> str:
        """The same in words."""
        if self.drawn is not None:
            return (
                f"every demand and the total of a direction within what 5 to 95 % of"
                f" {len(self.drawn)} drawn worlds have"
            )
        total = f"all of a direction up to {self.total:g} times its total"
        if self.hose is not None:
            return f"every end up to {self.hose:g} times its sum, in any pairs, {total}"
        return f"every demand up to {100 * self.box:g} % more or less, {total}"

    def of(
        self, demands: Demands, mine: np.ndarray, near: np.ndarray, far: np.ndarray
    ) -> DemandSet:
        """Return the set of some demands whose ends have these numbers."""
        base = demands.gbps[mine]
        total = self.total * float(base.sum())
        if self.drawn is not None:
            some = self.drawn[:, mine]
            lower, upper = np.quantile(some, [0.05, 0.95], axis=0)
            total = float(np.quantile(some.sum(axis=1), 0.95))
            return box(base, near, far, lower=lower, upper=upper, total=total)
        if self.hose is not None:
            return hose(base, near, far, ends=self.hose, total=total)
        low, high = max(1.0 - self.box, 0.0) * base, (1.0 + self.box) * base
        return box(base, near, far, lower=low, upper=high, total=total)


@dataclass(frozen=True, eq=False)
class Side:
    """The traffic of one direction.

    Attributes
    ----------
    way : str
        ``out`` or ``in``.
    mine : ndarray of int
        Positions of its demands.
    ends, homes : ndarray of int
        Nodes abroad and at home that have traffic.
    demands : DemandSet
    net : ExitNetwork
    cuts : Cuts or None
        None where there are too many to list.
    """

    way: str
    mine: np.ndarray
    ends: np.ndarray
    homes: np.ndarray
    demands: DemandSet
    net: ExitNetwork
    cuts: Cuts | None

    @cached_property
    def most_gbps(self) -> np.ndarray:
        """The most that the ends beyond each cut may have."""
        assert self.cuts is not None
        return self.demands.of_ends(self.cuts.ends)


@dataclass(frozen=True, eq=False)
class BorderCase:
    """A network and its demands across the border.

    Attributes
    ----------
    network : Network
    demands : Demands
    sides : mapping of str to Side
        By direction, those that have traffic.
    """

    network: Network
    demands: Demands
    sides: Mapping[str, Side]

    @cached_property
    def separability(self) -> Separability:
        """Whether the backbone can carry whatever the exits are given, without failures at home."""
        network = self.network
        arcs = np.flatnonzero(self._at_home)
        domestic = np.flatnonzero(self.demands.of_class("domestic"))
        routes = IgpEcmp().route(network, self.demands.take(domestic))
        fixed = routes.loads(self.demands.gbps[domestic])[arcs]
        capacity = np.where(network.up, network.capacity_gbps, 0.0)[arcs]
        sides = [self._transport(side, arcs) for side in self.sides.values()]
        found = separability(sides, fixed, capacity)
        at = int(arcs[found.arc]) if found.arc >= 0 else -1
        return Separability(found.utilisation, at, found.over_gbps, found.arcs_over)

    @property
    def _at_home(self) -> np.ndarray:
        """Arcs at home that no exit network holds."""
        network = self.network
        held = np.zeros(len(network.tail), dtype=bool)
        for side in self.sides.values():
            held[side.net.arcs[side.net.limited]] = True
        abroad = network.is_abroad
        return ~held & network.exists & ~abroad[network.tail] & ~abroad[network.head]

    def _transport(self, side: Side, arcs: np.ndarray) -> Transport:
        """What may go between homes and gateways, by shortest paths."""
        network, gateways = self.network, self.network.gateways
        near, far = (each.ravel() for each in np.meshgrid(side.homes, gateways, indexing="ij"))
        apart = near != far
        source, target = (near, far) if side.way == "out" else (far, near)
        names = np.array(network.nodes, dtype=object)
        share = np.zeros((len(arcs), len(near)))
        if apart.any():
            pairs = Demands.of(
                network, names[source[apart]], names[target[apart]], np.ones(int(apart.sum()))
            )
            share[:, apart] = IgpEcmp().route(network, pairs).matrix.toarray()[arcs]
        shape = (len(arcs), len(side.homes), len(gateways))
        rooms = np.array([self._room(side, gateway) for gateway in gateways.tolist()])
        return Transport(
            share.reshape(shape), side.demands.near_most, rooms, side.demands.most_gbps
        )

    def _room(self, side: Side, gateway: int) -> float:
        """Return the most that a gateway can be given: of its links at home and of its exits."""
        network = self.network
        near, far = (network.tail, network.head) if side.way == "out" else (
            network.head, network.tail)  # fmt: skip
        here = network.exists & (far == gateway) & ~network.is_abroad[near]
        exits = network.exists & (near == gateway) & network.is_abroad[far]
        room = float(network.capacity_gbps[exits].sum())
        if gateway not in side.homes:
            room = min(room, float(network.capacity_gbps[here].sum()))
        return room


def border_case(network: Network, demands: Demands, span: DemandRange) -> BorderCase:
    """Return the traffic across the border of a network."""
    sides = {}
    for way, named in WAYS.items():
        mine = np.flatnonzero(demands.of_class(named) & (demands.gbps > 0))
        if not len(mine):
            continue
        part = demands.take(mine)
        abroad, home = (part.target, part.source) if way == "out" else (part.source, part.target)
        ends, far = np.unique(abroad, return_inverse=True)
        homes, near = np.unique(home, return_inverse=True)
        possible = span.of(demands, mine, near, far)
        net = exit_network(network, way, ends, homes)
        capacity = np.where(network.up, network.capacity_gbps, 0.0)
        cuts = cuts_of(net, capacity, possible.far_range[1])
        sides[way] = Side(way, mine, ends, homes, possible, net, cuts)
    return BorderCase(network, demands, sides)
