"""Plan case: what a plan must hold, in which states, periods and directions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.model.network import Network
from simulator.model.reliability import Element, capacity_under
from simulator.optimise.demand_set import DemandSet, JointDemands
from simulator.optimise.exit_cuts import (
    HOME,
    Cuts,
    ExitNetwork,
    cuts_of,
    open_network,
    reach_network,
)
from simulator.optimise.exit_ways import Ways, all_ways, joint_ways, least_ms, ways_within
from simulator.optimise.orders import Orders
from simulator.optimise.requirement import (
    BOTH,
    SLACK,
    CutOracle,
    FlowOracle,
    Held,
    Oracle,
    Requirement,
)
from simulator.scenario.upgrades import Upgrades
from simulator.study.behaviour import WAYS
from simulator.study.border_case import BorderCase, Side
from simulator.study.plan_demand import PlanDemand
from simulator.study.plan_market import Market


@dataclass(frozen=True, eq=False)
class PlanSide:
    """One direction.

    Attributes
    ----------
    way : str
    mine : ndarray of int
        Positions of its demands.
    ends, homes : ndarray of int
        Nodes abroad and at home that have traffic.
    near, far : ndarray of int
        Place of the ends of each demand among these.
    net : ExitNetwork
        Without limits on who may take which exit.
    ways : Ways
        What the limit on latency leaves.
    cuts : Cuts or None
        None where there are too many.
    by_flow : bool
        Whether cuts are not all that counts.
    limit_ms : ndarray, shape (ends,)
        Most latency of each end from the gateway on; infinite where there is no limit.
    """

    way: str
    mine: np.ndarray
    ends: np.ndarray
    homes: np.ndarray
    near: np.ndarray
    far: np.ndarray
    net: ExitNetwork
    ways: Ways
    cuts: Cuts | None
    by_flow: bool
    limit_ms: np.ndarray


@dataclass(frozen=True, eq=False)
class PlanCase:
    """All that a plan must hold.

    Attributes
    ----------
    market : Market
    demand : PlanDemand
    upgrades : Upgrades
    target : float
        Utilisation of exits.
    elements : tuple of Element
    down : ndarray of bool, shape (states, elements)
        The first state is without failures.
    sides : mapping of str to PlanSide
    """

    market: Market
    demand: PlanDemand
    upgrades: Upgrades
    target: float
    elements: tuple[Element, ...]
    down: np.ndarray
    sides: Mapping[str, PlanSide]

    @property
    def network(self) -> Network:
        """The network with all links that may be."""
        return self.market.network

    @cached_property
    def left(self) -> np.ndarray:
        """Share of every arc that each state leaves, shape (states, arcs)."""
        network = self.network
        whole = np.where(network.up, network.capacity_gbps, 0.0)
        kept = capacity_under(network, self.elements, self.down)
        return np.divide(kept, whole, out=np.zeros_like(kept), where=whole > 0)

    @cached_property
    def limit(self) -> np.ndarray:
        """Utilisation allowed on every arc."""
        is_exit = np.repeat(self.network.link_class == "exit", 2)
        return np.where(is_exit, self.target, 1.0)

    @property
    def months(self) -> float:
        """Length of a period."""
        return self.upgrades.periods.months

    def years_to(self, period: int) -> float:
        """Return the years from the start to the end of a period."""
        return (period + 1) * self.months / 12.0

    @cached_property
    def orders(self) -> Orders:
        """What can be ordered when."""
        return self.market.orders(self.months, self.upgrades)

    @cached_property
    def first(self) -> int:
        """The first period in which anything ordered is there: earlier ones are as they are."""
        some = self.orders.counts.any(axis=1)
        return int(some.argmax()) if some.any() else 0

    @cached_property
    def sets(self) -> dict[str, tuple[DemandSet, ...]]:
        """Demands of each direction at the end of every period."""
        return {way: tuple(self.set_at(way, self.years_to(period))
                           for period in range(self.upgrades.periods.count))
                for way in self.sides}  # fmt: skip

    def joint_at(self, way: str, years: float) -> DemandSet | JointDemands:
        """Return the demands of a direction, or of both, after some years."""
        if way == BOTH:
            return JointDemands(tuple(self.set_at(each, years) for each in self.sides))
        return self.set_at(way, years)

    def set_at(self, way: str, years: float) -> DemandSet:
        """Return the demands of a direction after some years."""
        side = self.sides[way]
        return self.demand.of(side.mine, side.near, side.far, years)

    def held(self, way: str) -> Held:
        """Return what has to hold in a direction."""
        return Held(way, self.sets[way], self.left, self.limit, self.first)

    def oracles(self, ways: Sequence[str]) -> list[Oracle]:
        """Return what finds requirements that fail in some directions, cheap ones first."""
        return oracles_of({way: (self.held(way), self.sides[way]) for way in ways})

    def state_words(self, state: int) -> str:
        """Return what is down in a state: ``TPE``, or ``nothing``."""
        names = [self.elements[i].id for i in np.flatnonzero(self.down[state]).tolist()]
        return " + ".join(names) or "nothing"

    def ends_words(self, requirement: Requirement) -> list[str]:
        """Return the ends abroad that a requirement is of."""
        ways = self.sides if requirement.way == BOTH else (requirement.way,)
        every = np.concatenate([self.sides[way].ends for way in ways])
        ends = np.unique(every[requirement.ends > 1e-9])
        return [self.network.nodes[end] for end in ends.tolist()]

    def with_target(self, target: float) -> PlanCase:
        """Return the same with another utilisation."""
        return replace(self, target=target)

    def with_speed(self, speed: np.ndarray) -> PlanCase:
        """Return the same with another growth."""
        return replace(self, demand=self.demand.faster(speed))

    def with_demand(self, demand: PlanDemand) -> PlanCase:
        """Return the same with other demands between the same ends."""
        return replace(self, demand=demand)

    def with_market(self, market: Market) -> PlanCase:
        """Return the same with other prices."""
        return replace(self, market=market)

    def without_budget(self) -> PlanCase:
        """Return the same without limits on what is spent."""
        return replace(self, upgrades=replace(self.upgrades, budget=None, budget_each=()))

    def border(self, network: Network, period: int) -> BorderCase:
        """Return the traffic across the border of an upgraded network at the end of a period."""
        factor, rates = np.exp(self.demand.speed * self.years_to(period)), self.demand.rates
        home = rates[self.demand.demands.of_class("domestic")].sum(axis=0)
        busy = rates[:, int(home.argmax())] * factor
        demands = self.demand.demands.with_gbps(busy)
        sides = {}
        for way, side in self.sides.items():
            net = open_network(network, way, side.ends, side.homes)
            sides[way] = Side(way, side.mine, side.ends, side.homes, self.sets[way][period], net,
                              None)  # fmt: skip
        return BorderCase(network, demands, sides)


def oracles_of(sides: Mapping[str, tuple[Held, PlanSide]], slack: float = SLACK) -> list[Oracle]:
    """Return what finds requirements that fail by more than *slack*, cheap ones first."""
    found: list[Oracle] = [
        CutOracle(held, side.cuts, slack) for held, side in sides.values() if side.cuts is not None
    ]
    found += [FlowOracle(held, side.ways, slack) for held, side in sides.values() if side.by_flow]
    if len(sides) > 1 and (both := joint(sides)) is not None:
        found.append(FlowOracle(*both, slack))
    return found


def joint(sides: Mapping[str, tuple[Held, PlanSide]]) -> tuple[Held, Ways] | None:
    """Return both directions as one; None where no arc is of both."""
    (one, first), (other, second) = sides.values()
    if not len(np.intersect1d(first.ways.arcs, second.ways.arcs)):
        return None
    demands = tuple(JointDemands((a, b)) for a, b in zip(one.demands, other.demands, strict=True)
                    if isinstance(a, DemandSet) and isinstance(b, DemandSet))  # fmt: skip
    held = Held(BOTH, demands, one.left, one.limit, one.first)
    return held, joint_ways(first.ways, second.ways)


def plan_case(
    market: Market,
    demand: PlanDemand,
    upgrades: Upgrades,
    target: float,
    elements: tuple[Element, ...],
) -> PlanCase:
    """Put together what a plan must hold.

    Parameters
    ----------
    elements : tuple of Element
        Any one of them may be down, or any two with ``upgrades.pairs``.
    """
    sides = {}
    for way, named in WAYS.items():
        wanted = demand.demands.of_class(named) & (demand.rates.max(axis=1) > 0)
        mine = np.flatnonzero(wanted)
        if len(mine):
            sides[way] = _side(market, demand, upgrades, way, mine)
    down = _states(len(elements), upgrades.pairs)
    return PlanCase(market, demand, upgrades, target, elements, down, sides)


def _states(count: int, pairs: bool) -> np.ndarray:
    """The state without failures, every single one, and every two of them if asked."""
    sets = [(), *((i,) for i in range(count))]
    if pairs:
        sets += itertools.combinations(range(count), 2)
    down = np.zeros((len(sets), count), dtype=bool)
    for row, chosen in enumerate(sets):
        down[row, list(chosen)] = True
    return down


def _side(
    market: Market, demand: PlanDemand, upgrades: Upgrades, way: str, mine: np.ndarray
) -> PlanSide:
    network, part = market.network, demand.demands.take(mine)
    abroad, home = (part.target, part.source) if way == "out" else (part.source, part.target)
    ends, far = np.unique(abroad, return_inverse=True)
    homes, near = np.unique(home, return_inverse=True)
    net = open_network(network, way, ends, homes)
    limited = upgrades.stretch_ms is not None or bool(upgrades.stretch_of)
    by_flow = limited or network.closed is not None
    ways, limit_ms = all_ways(net), np.full(len(ends), np.inf)
    if by_flow:
        ways, limit_ms = _ways_within(network, net, ends, upgrades)
    last = upgrades.periods.count * upgrades.periods.months / 12.0
    most = np.maximum(*(demand.of(mine, near, far, years).far_range[1] for years in (0.0, last)))
    if by_flow:
        closed = np.ones((len(network.tail), len(ends)), dtype=bool)
        closed[net.arcs] = ~ways.open_to
        cuts = cuts_of(reach_network(network, way, ends, homes, closed), market.base_gbps, most)
    else:
        cuts = cuts_of(net, market.base_gbps, most)
    return PlanSide(way, mine, ends, homes, near, far, net, ways, cuts,
                    by_flow or cuts is None, limit_ms)  # fmt: skip


def _ways_within(
    network: Network, net: ExitNetwork, ends: np.ndarray, upgrades: Upgrades
) -> tuple[Ways, np.ndarray]:
    """Paths within the limits on latency, which count from the gateway on, and these limits."""
    closed = None
    if network.closed is not None:
        closed = np.zeros((len(net.arcs), len(ends)), dtype=bool)
        closed[net.is_exit] = network.closed[net.exits][:, ends]
    delay_ms = np.where(net.tail == HOME, 0.0, network.delay_ms[net.arcs])
    common = np.inf if upgrades.stretch_ms is None else upgrades.stretch_ms
    stretch = [upgrades.stretch_of.get(network.nodes[end], common) for end in ends.tolist()]
    limit = least_ms(net, delay_ms, closed) + np.array(stretch)
    return ways_within(net, delay_ms, limit, closed), limit
