"""Plan check: the network with a plan, with each failure, routed; how full everything gets.

Nothing here is taken from the program: modules are put on the network, failures happen to it, and
the project's own routing carries the worst demands of both directions at once, beside the traffic
at home and over the whole backbone. Routes that do not follow traffic are looked at for all demands
of a set, arc by arc, as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.exit_cuts import HOME
from simulator.optimise.requirement import BOTH
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import Scheme
from simulator.routing.scheme import scheme as schemes
from simulator.study.behaviour import FixedRoutes
from simulator.study.plan_case import PlanCase
from simulator.study.plan_checked import (
    ABROAD,
    BACKBONE,
    EXITS,
    GATEWAYS,
    RESOURCES,
    SURE,
    Checked,
    Fullest,
)
from simulator.study.plan_market import Bought
from simulator.study.plan_routes import split_matrix
from simulator.study.plan_search import ADAPTIVE, ROUTED, Solved

MOST_CASES = 160
"""Cases of a plan, about: the worst demands of each state are that few, but two at least."""
_NOTHING_GBPS = 1e-6


def bought_by(case: PlanCase, solved: Solved, period: int) -> list[Bought]:
    """Return the modules that are there in a period."""
    orders, plan = case.orders, solved.plan
    assert plan is not None
    there = np.bincount(orders.offer, plan.modules * orders.counts[period],
                        len(case.market.augments))  # fmt: skip
    return [Bought(case.market.augments[i], int(there[i])) for i in np.flatnonzero(there).tolist()]


def checked(case: PlanCase, solved: Solved, strategy: Strategy) -> Checked:
    """Route a plan in every state of every period that is planned for."""
    found = Checked()
    for period in range(case.first, case.upgrades.periods.count):
        network = case.market.upgraded(bought_by(case, solved, period))
        one = _Period(case, solved, strategy, period, network)
        for state in range(len(case.down)):
            _State(one, state).judge(found)
            found.states += 1
    return found


@dataclass(frozen=True, eq=False)
class _Period:
    """The upgraded network at the end of a period, and the traffic at home."""

    case: PlanCase
    solved: Solved
    strategy: Strategy
    period: int
    network: Network

    @cached_property
    def home(self) -> tuple[np.ndarray, Demands]:
        """Positions of the traffic at home, and that traffic at its busiest hour."""
        case, demand = self.case, self.case.demand
        mine = np.flatnonzero(demand.demands.of_class("domestic"))
        rates = demand.rates[mine]
        busy = rates[:, int(rates.sum(axis=0).argmax())] if len(mine) else np.zeros(0)
        grown = busy * np.exp(demand.speed[mine] * case.years_to(self.period))
        return mine, demand.demands.take(mine).with_gbps(grown)

    @cached_property
    def steers_home(self) -> bool:
        """Whether traffic at home is routed along; otherwise it stays on static routes."""
        if self.strategy.perfect_information:
            return True
        if self.strategy.is_static:
            return False
        reached = self.strategy.steered(self.network, self.case.demand.demands)
        return bool(np.isin(self.home[0], reached).all())

    @cached_property
    def static(self) -> Scheme:
        """Makes the routes of traffic at home that stays."""
        scheme = self.strategy.static_scheme
        return scheme if scheme.topology_only else IgpEcmp()

    @cached_property
    def scheme(self) -> Scheme:
        """Routes what is steered: within the limits of the plan, by the shortest ways."""
        return schemes.make("min_latency", utilisation_cap=self.solved.reached, classes=["exit"])

    @cached_property
    def most(self) -> int:
        """Demands of a direction that are looked at in each state."""
        case = self.case
        states = len(case.down) * (case.upgrades.periods.count - case.first)
        return max(2, MOST_CASES // states)

    @cached_property
    def opened(self) -> dict[str, tuple[str, ...]]:
        """Ends within the limit on latency of each exit, where there is one."""
        found: dict[str, set[str]] = {}
        for side in self.case.sides.values():
            if not side.by_flow:
                continue
            for arc in side.net.exits.tolist():
                row = int(np.flatnonzero(side.net.arcs == arc)[0])
                ends = side.ends[side.ways.open_to[row]]
                names = {self.network.nodes[end] for end in ends.tolist()}
                found.setdefault(self.case.network.links[arc // 2], set()).update(names)
        known = self.network.link_index
        return {link: tuple(sorted(ends)) for link, ends in found.items() if link in known}

    @cached_property
    def limited(self) -> Network:
        """The network whose exits are open to ends within the limit on latency only."""
        return self.network.with_links(
            {link: {"reaches": ends} for link, ends in self.opened.items() if ends}
        )

    @cached_property
    def resource(self) -> np.ndarray:
        """What every arc is part of, one of `RESOURCES`."""
        network, case = self.network, self.case
        abroad = network.is_abroad[network.tail] | network.is_abroad[network.head]
        found = np.where(abroad, ABROAD, BACKBONE)
        found[np.repeat(network.link_class == "exit", 2)] = EXITS
        for side in case.sides.values():
            for link in {case.network.links[arc // 2] for arc in side.net.others.tolist()}:
                if link in network.link_index:
                    at = 2 * network.link_index[link]
                    if found[at] == BACKBONE:
                        found[at : at + 2] = GATEWAYS
        return found

    def wide(self, network: Network, gbps: float) -> Network:
        """Return a network whose backbone is never full of so much traffic."""
        at_home = (self.resource == BACKBONE) & (network.capacity_gbps > 0)
        enough = np.maximum(network.capacity_gbps, gbps)
        return network.under(capacity_gbps=np.where(at_home, enough, network.capacity_gbps))


@dataclass(frozen=True, eq=False)
class _State:
    """One state of one period."""

    of: _Period
    state: int

    @cached_property
    def after(self) -> Network:
        return self._fail(self.of.network)

    def _fail(self, network: Network) -> Network:
        case = self.of.case
        down = np.flatnonzero(case.down[self.state]).tolist()
        return network.after([case.elements[i].fault for i in down])

    @property
    def words(self) -> str:
        case = self.of.case
        return f"period {self.of.period + 1}, {case.state_words(self.state)} down"

    def judge(self, found: Checked) -> None:
        """Route all cases, and keep what is fullest."""
        free, points = [], {}
        loads = np.zeros((len(self.after.tail), 1))
        for way, kind in self.of.solved.kinds.items():
            if kind == ADAPTIVE:
                free.append(way)
                points[way] = self._corners(way)
            else:
                matrix = self._matrix(way, kind, found)
                points[way] = self._hardest(way, matrix, found)
                loads = _both(loads, matrix @ points[way].T)
        mine, home = self.of.home
        if len(mine) and not (free and self.of.steers_home):
            kept = self.of.static.route(self.after, home)
            loads = loads + kept.loads(home.gbps)[:, None]
        if not free:
            found.routed += loads.shape[1]
            self._look(loads, found)
            return
        cases = max(loads.shape[1], *(len(points[way]) for way in free))
        for i in range(cases):
            found.routed += 1
            asked = self._demands(free, points, i)
            base = loads[:, min(i, loads.shape[1] - 1)]
            self._routed(asked, base, found)

    # -- as good as any routing ---------------------------------------------------------------

    def _corners(self, way: str) -> np.ndarray:
        """Worst demands of a state, the hardest first: corners, or those of the fullest cuts."""
        of, side = self.of, self.of.case.sides[way]
        demands = of.case.sets[way][of.period]
        corners = demands.far_corners(of.most * 64)
        if corners is None:
            weights = np.ones((1, len(side.ends)))
            if side.cuts is not None:
                full = self._fullness(way, demands.of_ends(side.cuts.ends)[:, None])[:, 0]
                weights = side.cuts.ends[np.argsort(-full, kind="stable")[: 4 * of.most]]
            corners = demands.far_most(weights.astype(float))[1]
            corners = corners[np.sort(np.unique(corners.round(9), axis=0, return_index=True)[1])]
        elif side.cuts is not None:
            full = self._fullness(way, side.cuts.ends @ corners.T).max(axis=0)
            corners = corners[np.argsort(-full, kind="stable")]
        return np.array([demands.with_ends(each) for each in corners[: of.most]])

    def _fullness(self, way: str, need: np.ndarray) -> np.ndarray:
        """How full the exits of each cut are, shape (cuts, cases)."""
        cuts, whole = self.of.case.sides[way].cuts, self.of.case.network
        assert cuts is not None
        capacity = np.zeros(len(whole.tail))
        left = np.where(self.after.up, self.after.capacity_gbps, 0.0)
        for link, i in self.of.network.link_index.items():
            arc = 2 * whole.link_index[link]
            capacity[[arc, arc + 1]] = left[[2 * i, 2 * i + 1]]
        through = cuts.exits @ capacity[cuts.net.exits]
        over = need - (cuts.others @ capacity[cuts.net.others])[:, None]
        return np.asarray(over / np.maximum(through, _NOTHING_GBPS)[:, None])

    def _demands(self, free: list[str], points: Mapping[str, np.ndarray], i: int) -> Demands:
        """All demands of a case that are routed."""
        whole = self.of.case.demand.demands
        gbps = np.zeros(len(whole))
        for way in free:
            each = points[way]
            gbps[self.of.case.sides[way].mine] = each[min(i, len(each) - 1)]
        mine, home = self.of.home
        if self.of.steers_home:
            gbps[mine] = home.gbps
        return whole.with_gbps(gbps).take(np.flatnonzero(gbps > 0))

    def _routed(self, asked: Demands, base: np.ndarray, found: Checked) -> None:
        shut = [link for link, ends in self.of.opened.items() if not ends]
        network = self._fail(self.of.limited).failed(links=shut)
        routes = self.of.scheme.route(network.carrying(base), asked)
        loads = (routes.loads(asked.gbps) + base)[:, None]
        full = self._fullest(loads)
        if BACKBONE in full and not full[BACKBONE].holds:
            # The backbone is not planned: what is too little there must not show at exits.
            found.add(BACKBONE, full[BACKBONE])
            wide = self.of.wide(network, float(asked.gbps.sum() + base.max()))
            routes = self.of.scheme.route(wide.carrying(base), asked)
            loads = (routes.loads(asked.gbps) + base)[:, None]
            full = {name: each for name, each in self._fullest(loads).items() if name != BACKBONE}
        for name, each in full.items():
            found.add(name, each)
        found.late_gbps = max(found.late_gbps, self._late(routes, asked))
        if float(routes.served.min(initial=1.0)) < 1.0 - SURE:
            found.fails(f"some traffic has no way, {self.words}")

    def _late(self, routes: Routes, asked: Demands) -> float:
        """Gbps on ways that are longer than the limit on latency."""
        paths, total = routes.listed, 0.0
        if paths is None:
            return total
        case, network = self.of.case, self.of.network
        for side in case.sides.values():
            limit = np.full(len(network.nodes), np.inf)
            limit[side.ends] = side.limit_ms
            delay, abroad = np.zeros(len(network.tail)), np.zeros(len(network.tail), dtype=bool)
            for arc, tail in zip(side.net.arcs.tolist(), side.net.tail.tolist(), strict=True):
                link = case.network.links[arc // 2]
                if tail != HOME and link in network.link_index:
                    own = 2 * network.link_index[link] + arc % 2
                    delay[own], abroad[own] = case.network.delay_ms[arc], True
            spent = np.add.reduceat(delay[paths.arcs], paths.starts[:-1])
            ends = (asked.target if side.way == "out" else asked.source)[paths.demand]
            late = spent > limit[ends] * (1 + 1e-9) + 1e-6
            total += float((paths.share * asked.gbps[paths.demand])[late].sum())
        return total

    # -- routes of the topology alone, and fixed shares ---------------------------------------

    def _matrix(self, way: str, kind: str, found: Checked) -> csr_array:
        """Share of every demand of a direction on each arc."""
        of, side = self.of, self.of.case.sides[way]
        if kind == ROUTED:
            routes = FixedRoutes(of.strategy.static_scheme, of.network, of.case.demand.demands,
                                 side.mine).under(self.after.up)  # fmt: skip
            matrix, served = routes.matrix, float(routes.served.min(initial=1.0))
        else:
            parts = [p for p in of.solved.parts if (p.way, p.period) in (
                (way, of.period), (BOTH, of.period))]  # fmt: skip
            part = next(p for p in parts if self.state in p.states)
            matrix, served = split_matrix(of.case, part, way, self.after)
        if served < 1.0 - SURE:
            found.fails(f"some traffic has no way, {self.words}")
        return matrix

    def _hardest(self, way: str, matrix: csr_array, found: Checked) -> np.ndarray:
        """Demands that are worst for the fullest arcs; all demands of the set are looked at."""
        demands, share = self.of.case.sets[way][self.of.period], matrix.toarray()
        bound = demands.worst_bound(share)
        part = self._part(bound[:, None])[:, 0]
        outside = self.of.resource != BACKBONE
        own = np.zeros(len(bound), dtype=bool)
        own[np.flatnonzero(part / self._limits > 1.0)] = True  # the bound is not exact in a hose
        own[np.argsort(-np.where(outside, part / self._limits, 0.0))[: self.of.most]] = True
        points = []
        for arc in np.flatnonzero(own & (bound > _NOTHING_GBPS)).tolist():
            bound[arc], point = demands.worst(share[arc])
            points.append(point)
        self._look(np.where(outside, bound, 0.0)[:, None], found)
        some = np.array(points or [demands.base_gbps])
        return some[np.sort(np.unique(some.round(9), axis=0, return_index=True)[1])]

    # -- how full -----------------------------------------------------------------------------

    @cached_property
    def _limits(self) -> np.ndarray:
        is_exit = np.repeat(self.after.link_class == "exit", 2)
        return np.where(is_exit, self.of.solved.reached, 1.0)

    def _part(self, loads: np.ndarray) -> np.ndarray:
        """Load of each arc over what it has, shape (arcs, cases)."""
        capacity = np.where(self.after.up, self.after.capacity_gbps, 0.0)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(loads > _NOTHING_GBPS, loads / capacity, 0.0)

    def _fullest(self, loads: np.ndarray) -> dict[str, Fullest]:
        part, found = self._part(loads).max(axis=1), {}
        for name in RESOURCES:
            arcs = np.flatnonzero(self.of.resource == name)
            if len(arcs):
                arc = int(arcs[part[arcs].argmax()])
                at = f"{self._name(arc)}, {self.words}"
                found[name] = Fullest(float(part[arc]), float(self._limits[arc]), at)
        return found

    def _name(self, arc: int) -> str:
        network = self.of.network
        if network.link_class[arc // 2] == "exit":
            way = "out" if arc in network.exit_arcs["out"] else "in"
            return f"{network.links[arc // 2]} {way}"
        return network.arc_name(arc)

    def _look(self, loads: np.ndarray, found: Checked) -> None:
        for name, each in self._fullest(loads).items():
            found.add(name, each)


def _both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Add the loads of cases; where one side has fewer, its last stays."""
    count = max(one.shape[1], other.shape[1])
    wide = [each[:, np.minimum(np.arange(count), each.shape[1] - 1)] for each in (one, other)]
    return np.asarray(wide[0] + wide[1])
