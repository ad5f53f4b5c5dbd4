"""Plan check: the network with a plan, with each failure, routed; how full it gets.

Nothing here is taken from the program: modules are put on the network, failures happen to it, and
routes are made on what is left, for the demands that are worst there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.optimise.demand_set import DemandSet
from simulator.optimise.exit_cuts import HOME
from simulator.optimise.plan_splits import SplitPart
from simulator.routing.scheme import scheme as schemes
from simulator.study.behaviour import FixedRoutes
from simulator.study.plan_case import PlanCase, PlanSide
from simulator.study.plan_market import Bought
from simulator.study.plan_search import ADAPTIVE, ROUTED, Solved

_SLACK = 1e-5


class Checked(NamedTuple):
    """What routing the plan has shown.

    Attributes
    ----------
    holds : bool
    utilisation : float
        Of the fullest exit, in any state and period that is planned for.
    at : str
        Where, in words.
    why : str
        What does not hold, if anything.
    routed : int
        Cases that were routed.
    """

    holds: bool
    utilisation: float
    at: str
    why: str
    routed: int


@dataclass(frozen=True, eq=False)
class _Look:
    """How full one direction is in one case: load over what is allowed, of the arcs that count."""

    exits: float
    at: str
    over: str


def bought_by(case: PlanCase, solved: Solved, period: int) -> list[Bought]:
    """Return the modules that are there in a period."""
    orders, plan = case.orders, solved.plan
    assert plan is not None
    there = np.bincount(orders.offer, plan.modules * orders.counts[period],
                        len(case.market.augments))  # fmt: skip
    return [Bought(case.market.augments[i], int(there[i])) for i in np.flatnonzero(there).tolist()]


def checked(case: PlanCase, solved: Solved, strategy: Strategy) -> Checked:
    """Route a plan in every state of every period that is planned for."""
    best = _Look(-1.0, "", "")
    count, over = 0, ""
    for period in range(case.first, case.upgrades.periods.count):
        network = case.market.upgraded(bought_by(case, solved, period))
        for state in range(len(case.down)):
            faults = [case.elements[i].fault for i in np.flatnonzero(case.down[state])]
            after = network.after(faults)
            for way, kind in solved.kinds.items():
                at = _At(case, period, state, way, network, after, solved.reached)
                for look in _looks(at, kind, solved, strategy):
                    count += 1
                    best = look if look.exits > best.exits else best
                    over = over or look.over
    holds = not over and best.exits <= solved.reached * (1 + _SLACK)
    return Checked(holds, max(best.exits, 0.0), best.at, over, count)


@dataclass(frozen=True, eq=False)
class _At:
    """One direction of one state of one period."""

    case: PlanCase
    period: int
    state: int
    way: str
    network: Network
    after: Network
    level: float

    @property
    def side(self) -> PlanSide:
        return self.case.sides[self.way]

    @property
    def set(self) -> DemandSet:
        return self.case.sets[self.way][self.period]

    @property
    def part(self) -> Demands:
        """Demands of the direction."""
        return self.case.demand.demands.take(self.side.mine)

    def look(self, loads: np.ndarray, served: float = 1.0) -> _Look:
        """Judge loads, shape (arcs of the upgraded network,) or (arcs, cases)."""
        loads = loads[:, None] if loads.ndim == 1 else loads
        after, exits = self.after, self.network.exit_arcs[self.way]
        capacity = np.where(after.up, after.capacity_gbps, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(loads > 1e-6, loads / capacity[:, None], 0.0).max(axis=1)
        top = int(exits[part[exits].argmax()])
        where = (f"{self.network.links[top // 2]} {self.way}, period {self.period + 1},"
                 f" {self.case.state_words(self.state)} down")  # fmt: skip
        over = ""
        others = self._others()
        if len(others) and part[others].max() > 1 + _SLACK:
            arc = int(others[part[others].argmax()])
            over = f"{self.network.arc_name(arc)} is {100 * part[arc]:.1f} % full, {where}"
        if served < 1.0 - 1e-6:
            over = f"some traffic has no way, {where}"
        return _Look(float(part[top]), where, over)

    def _others(self) -> np.ndarray:
        """Arcs on the way that are no exits: into gateways and abroad."""
        links = {self.case.network.links[arc // 2]: arc % 2
                 for arc in self.side.net.others.tolist()}  # fmt: skip
        known = self.network.link_index
        arcs = [2 * known[link] + odd for link, odd in links.items() if link in known]
        return np.array(arcs, dtype=np.int64)


def _looks(at: _At, kind: str, solved: Solved, strategy: Strategy) -> Iterator[_Look]:
    if kind == ADAPTIVE:
        yield _adaptive(at)
    elif kind == ROUTED:
        yield _routed(at, strategy)
    else:
        mine = [p for p in solved.parts if p.way == at.way and p.period == at.period]
        part = next(p for p in mine if at.state in p.states)
        assert solved.plan is not None
        yield _split(at, part, part.on_arcs(solved.plan.columns))


# -- as good as any routing -----------------------------------------------------------------------


def _adaptive(at: _At) -> _Look:
    """Route the worst demands of a state so that the fullest exit is least full."""
    gbps = _worst_demands(at)
    asked = at.part.with_gbps(gbps)
    asked = asked.take(asked.gbps > 0)
    limited = _limited(at)
    routes = schemes.make("min_max", classes=["exit"]).route(limited, asked)
    served = float(routes.served.min(initial=1.0))
    return at.look(routes.loads(asked.gbps), served)


def _limited(at: _At) -> Network:
    """The failed network, whose exits are open to ends within the limit on latency only."""
    side, network = at.side, at.network
    if not side.by_flow:
        return at.after
    changes = {}
    for arc in side.net.exits.tolist():
        link = at.case.network.links[arc // 2]
        row = int(np.flatnonzero(side.net.arcs == arc)[0])
        ends = side.ends[side.ways.open_to[row]]
        if link in network.link_index:
            changes[link] = {"reaches": tuple(network.nodes[end] for end in ends.tolist())}
    open_ = network.with_links({k: v for k, v in changes.items() if v["reaches"]})
    shut = [link for link, each in changes.items() if not each["reaches"]]
    return open_.after(at.after.faults).failed(links=shut)


def _worst_demands(at: _At) -> np.ndarray:
    """Return the demands of a set that fill the exits of a state most, by cuts."""
    side, demands = at.side, at.set
    corners = demands.far_corners(1)
    if corners is not None or side.cuts is None:
        return demands.worst(np.ones(len(demands.base_gbps)))[1]
    capacity = np.zeros(len(at.case.network.tail))
    for link, i in at.network.link_index.items():
        arc = 2 * at.case.network.link_index[link]
        both = [2 * i, 2 * i + 1]
        capacity[[arc, arc + 1]] = np.where(at.after.up, at.after.capacity_gbps, 0.0)[both]
    most = demands.of_ends(side.cuts.ends)
    where = side.cuts.figures(capacity[None, :], most)[3]
    return demands.at_ends(side.cuts.ends[int(where[0])])


# -- routes of the topology alone, and fixed shares -----------------------------------------------


def _routed(at: _At, strategy: Strategy) -> _Look:
    """Route once, and load every arc with the demands that are worst for it."""
    routes = FixedRoutes(strategy.static_scheme, at.network, at.case.demand.demands,
                         at.side.mine).under(at.after.up)  # fmt: skip
    share = routes.matrix.toarray()
    arcs = np.concatenate([at.network.exit_arcs[at.way], at._others()])
    bound = np.zeros(len(share))
    capacity = np.where(at.after.up, at.after.capacity_gbps, 0.0)
    bound[arcs] = at.set.worst_bound(share[arcs])
    is_exit = np.repeat(at.network.link_class == "exit", 2)
    allowed = np.where(is_exit, at.level, 1.0) * capacity
    tight = arcs[bound[arcs] > allowed[arcs] * (1 + _SLACK)]
    for arc in tight.tolist():  # the bound is not exact over a hose
        bound[arc] = at.set.worst(share[arc])[0]
    return at.look(bound, float(routes.served.min(initial=1.0)))


def _split(at: _At, part: SplitPart, shares: np.ndarray) -> _Look:
    """Load every arc with the demands that are worst for its shares; check that flow is kept."""
    whole, net = at.case.network, part.ways.net
    loads = np.zeros(len(at.network.tail))
    lost = _imbalance(net.tail, net.head, shares, net.ends, len(net.nodes))
    needed = at.set.far_most(shares)[0]
    for row, arc in enumerate(net.arcs.tolist()):
        if needed[row] <= 1e-6:
            continue
        link = whole.links[arc // 2]
        if link not in at.network.link_index:
            return replace(at.look(loads), over=f"{link} is used and was not bought")
        loads[2 * at.network.link_index[link] + arc % 2] = needed[row]
    look = at.look(loads)
    if lost > 1e-6:
        look = replace(look, over=f"shares do not add up ({lost:.2g})")
    return look


def _imbalance(
    tail: np.ndarray, head: np.ndarray, shares: np.ndarray, ends: np.ndarray, count: int
) -> float:
    """Return the most by which a node does not keep flow: one from home to each end."""
    net = np.zeros((count + 1, shares.shape[1]))
    np.add.at(net, head, shares)
    np.add.at(net, tail, -shares)
    net[ends, np.arange(len(ends))] -= 1.0
    net[HOME] += 1.0
    return float(np.abs(net).max(initial=0.0))
