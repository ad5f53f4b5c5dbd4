"""Column generation: what all programs over paths have in common.

A program has a row for every demand and one for every arc in reach, and a column for every path.
It starts from a handful of paths per demand. With the prices of the arcs as lengths, the best
missing path of a demand is its shortest one; when no path improves the cost, the answer is optimal
over *all* paths. Where paths are limited to a given list, the first answer stands,
and pricing goes on to find the bound of all paths.

The prices of every solution give a Lagrangian bound as well; see ``bounds.py``.

Only proportions reach the solver: rates are in units of the largest. So bps, Gbps and Tbps give the
same answer, and so do light and heavy traffic. A demand without any path stays unserved: no failure
makes a program infeasible.

Source: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, chapters 16 and 17 (path formulation,
column generation, Lagrangian bound).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy import sparse

from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.program import INFINITE, Program, Solution, column_scale
from simulator.paths.candidates import Paths, first_paths
from simulator.paths.shortest import HOP_MS, Search, ShortestPaths, destinations_of

MAX_ROUNDS = 200
_PRICE_TOLERANCE = 1e-9
_TIE_BREAK = 1e-11
"""Length of an arc without delay or price, so that no shortest path runs in a circle."""


def without_zero_capacity(network: Network) -> Network:
    """Return the network without the directions that have no capacity.

    Schemes that limit or minimise utilisation cannot use them.
    """
    return network.under(up=network.up & (network.capacity_gbps > 0))


class PathProblem:
    """The demands with a rate and a path, in units near one, and the paths found so far.

    Parameters
    ----------
    network : Network
        With capacity wherever it is up; its ``background_gbps`` is load that stays where it is.
    paths : Paths, optional
        Paths to start from, at least one for every demand that has any; the fastest ones, also by
        way of other exits, when left out.
    limited : bool
        Whether answers keep to these paths; others are priced in for the sake of bounds alone.

    Attributes
    ----------
    active : ndarray of int
        Demands with a path and a rate; ``slot`` is the position of a demand among them.
    usable : ndarray of bool, shape (arcs,)
        Arcs in reach of some demand; ``arc_rows`` are their positions.
    rate, capacity, background, delay : ndarray
        In units of ``unit`` Gbps and ``delay_unit`` ms.
    row_scale : ndarray, shape (arc rows,)
        Factor on the row of every arc in the program.
    kept : ndarray, shape (kept paths,)
        Share that each of the first paths carries now, and may go on carrying at no switching cost;
        see :meth:`stay_on`.
    switching_cost : float
        Cost of a unit of flow on all other paths, in the objective.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        paths: Paths | None = None,
        *,
        limited: bool = False,
    ) -> None:
        self.network, self.demands, self.limited = network, demands, limited
        self.targets, self.row = destinations_of(network, demands)
        self.usable = arcs_in_reach(network, demands)
        if paths is not None and limited:
            self.paths = paths
            self.reaches = np.bincount(paths.demand, minlength=len(demands)) > 0
        else:
            self.paths, first = first_paths(network, demands)
            self.reaches = first >= 0
            self.paths = self.paths if paths is None else paths
        self.active = np.flatnonzero(self.reaches & (demands.gbps > 0))
        self.slot = np.full(len(demands), -1)
        self.slot[self.active] = np.arange(len(self.active))
        self.paths = self.paths.take(np.flatnonzero(self.slot[self.paths.demand] >= 0))
        self.set_arc_rows(self.usable)
        self.rounds, self.last_round = 0, MAX_ROUNDS
        self.kept, self.switching_cost = np.empty(0), 0.0
        self.status = "limited paths" if limited else "optimal"

        # To nine digits: equal answers abound (swap two demands between two exits), and the
        # rounding of another unit must not choose among them.
        self.unit = float(demands.gbps[self.active].max(initial=0.0)) or 1.0
        self.delay_unit = power_of_two(network.delay_ms[self.usable].max(initial=1e-300))
        self.capacity = nine_digits(network.capacity_gbps / self.unit)
        self.background = nine_digits(network.background_gbps / self.unit)
        self.rate = nine_digits(demands.gbps / self.unit)
        self.delay = network.delay_ms / self.delay_unit
        self.total = float(self.rate[self.active].sum())

    @cached_property
    def search(self) -> Search:
        """Shortest paths to the targets, under any lengths."""
        return Search(self.network, self.targets)

    def set_arc_rows(self, wanted: np.ndarray) -> None:
        """Give the program a row for each of these arcs."""
        self.arc_rows = np.flatnonzero(wanted)
        self.arc_slot = np.full(len(wanted), -1)
        self.arc_slot[self.arc_rows] = np.arange(len(self.arc_rows))
        self.row_scale = np.ones(len(self.arc_rows))

    def stay_on(self, current: Routes, switching_cost: float) -> None:
        """Charge a switching cost on all flow that leaves the current routes.

        Every path of the current routes gets a column with an upper bound: the share that it
        carries now. A second column for the same path has no bound and the switching cost, like all
        others. So the cost is paid on half the sum of changes of shares, and the program is linear.

        *switching_cost* is that of a unit of flow, in the objective; 0 leaves the problem as it is.
        *current* are routes of the same demands; paths over arcs that are gone are left out.
        """
        if not switching_cost > 0:
            return
        now = [(k, arcs, share) for k, share, arcs in current.paths() if self.slot[k] >= 0]
        now = [path for path in now if self.usable[list(path[1])].all()]
        old = Paths.of([(k, arcs) for k, arcs, _ in now])
        self.kept, self.switching_cost = np.array([share for *_, share in now]), switching_cost
        others = self.paths if self.limited else old.join(self.paths).distinct()
        self.paths = old.join(others)

    def upper(self) -> np.ndarray:
        """Upper bound of every path's share, shape (paths,)."""
        bound = np.full(len(self.paths.demand), INFINITE)
        bound[: len(self.kept)] = self.kept
        return bound

    def switching_costs(self) -> np.ndarray:
        """Switching cost of every path with the whole demand on it."""
        switching_costs = self.switching_cost * self.rate[self.paths.demand]
        switching_costs[: len(self.kept)] = 0.0
        return switching_costs

    def saved_by_staying(self, weight: np.ndarray, floor: np.ndarray) -> float:
        """Change of the bound, 0 or less, as flow may stay where it is at no switching cost.

        Parameters
        ----------
        weight : ndarray, shape (arcs,)
            Cost and price of a unit of flow.
        floor : ndarray, shape (active,)
            Least cost of a unit of each demand that moves, switching cost included.
        """
        old = self.paths.take(np.arange(len(self.kept)))
        saved = np.minimum(old.sums(weight) - floor[self.slot[old.demand]], 0.0)
        return float(saved @ (self.kept * self.rate[old.demand]))

    def columns(self, paths: Paths) -> sparse.csc_array:
        """Column of every path: a one in its demand's row, the rate in each of its arcs' rows."""
        length = np.diff(paths.starts)
        indptr = np.concatenate([[0], np.cumsum(length + 1)])
        indices = np.empty(indptr[-1], dtype=np.int64)
        values = np.ones(indptr[-1])
        at_arc = np.ones(indptr[-1], dtype=bool)
        at_arc[indptr[:-1]] = False
        indices[~at_arc] = self.slot[paths.demand]
        slot = self.arc_slot[paths.arcs]
        indices[at_arc] = len(self.active) + slot
        values[at_arc] = np.repeat(self.rate[paths.demand], length) * self.row_scale[slot]
        shape = (len(self.active) + len(self.arc_rows), len(paths.demand))
        return sparse.csc_array((values, indices, indptr), shape=shape)

    def costs(self, paths: Paths, weight: np.ndarray) -> np.ndarray:
        """Cost of every path with the whole demand on it, for a cost per unit of flow and arc."""
        return self.rate[paths.demand] * paths.sums(weight)

    def fastest(self, paths: Paths) -> np.ndarray:
        """Position of the fastest path of every active demand."""
        bounded = np.arange(len(paths.demand)) < len(self.kept)
        order = np.lexsort((paths.sums(self.delay), bounded, self.slot[paths.demand]))
        slot = self.slot[paths.demand][order]
        return order[np.flatnonzero(np.diff(slot, prepend=-1))]

    def all_on_fastest(self) -> np.ndarray:
        """Shares with every demand on its fastest path."""
        share = np.zeros(len(self.paths.demand))
        share[self.fastest(self.paths)] = 1.0
        return share

    def prices(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Price of a unit of flow on every arc, and dual value of a unit of each demand."""
        rows = len(self.active)
        price = np.zeros(len(self.network.tail))
        price[self.arc_rows] = np.maximum(-solution.prices[rows:], 0.0) * self.row_scale
        return price, solution.prices[:rows] / self.rate[self.active]

    def shortest(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, ShortestPaths]:
        """Length of every active demand's shortest path under *weight*, and a bound below it."""
        tie = _TIE_BREAK * max(1.0, float(weight[self.usable].max(initial=0.0)))
        near = self.search.under(weight + tie)
        k = self.active
        length = near.distance[self.row[k], self.demands.source[k]]
        return length, np.maximum(length - tie * len(self.network.nodes), 0.0), near

    def cheapest(self, weight: np.ndarray) -> float:
        """Cost of all flow on its shortest paths under *weight*, without what breaks ties."""
        k = self.active
        near = self.shortest(weight)[2]
        paths = Paths(k, *near.follow(self.row[k], self.demands.source[k]))
        return float(self.costs(paths, weight).sum())

    def price_in(
        self,
        program: Program,
        near: ShortestPaths,
        length: np.ndarray,
        dual: np.ndarray,
        cost: np.ndarray,
        switching_cost: float = 0.0,
    ) -> int:
        """Add the shortest path of every demand that it would improve; return how many.

        Parameters
        ----------
        near : ShortestPaths
            Under the prices.
        length, dual : ndarray, shape (active,)
            Length of each demand's shortest path, and the dual value of its row per unit of flow.
        cost : ndarray, shape (arcs,)
            Cost of a unit of flow in the objective.
        switching_cost : float
            Cost of a unit of flow on a new path, beside that of its arcs.
        """
        self.rounds += 1
        gain = (dual - length - switching_cost) * self.rate[self.active]
        better = np.flatnonzero(gain > _PRICE_TOLERANCE * np.maximum(1.0, np.abs(dual)))
        k = self.active[better]
        new = Paths(k, *near.follow(self.row[k], self.demands.source[k]))
        columns = self.columns(new)
        # Of a path over a minute arc only what fits counts: the solver leaves out the rest.
        some = np.flatnonzero(
            gain[better] * column_scale(columns)
            > _PRICE_TOLERANCE * np.maximum(1.0, np.abs(dual[better]))
        )
        if len(some) and self.rounds > self.last_round:
            self.status = "round limit"
        if not len(some) or self.rounds > self.last_round:
            return 0
        if len(some) < len(k):
            k, new, columns = k[some], new.take(some), sparse.csc_array(columns[:, some])
        program.add(self.costs(new, cost) + switching_cost * self.rate[k], columns)
        self.paths = self.paths.join(new)
        return len(k)

    def load(self, share: np.ndarray) -> np.ndarray:
        """Load of every arc under shares of the paths known when they were made."""
        paths = self.paths
        flow = np.zeros(len(paths.demand))
        flow[: len(share)] = share
        flow = np.repeat(flow * self.rate[paths.demand], np.diff(paths.starts))
        return np.bincount(paths.arcs, flow, minlength=len(self.network.tail))

    def latency(self, share: np.ndarray) -> float:
        """Flow times delay under shares, summed up."""
        return float(share @ self.costs(self.paths, self.delay)[: len(share)])

    def nothing(self) -> Routes:
        """Routes where there is nothing to route."""
        return self.routes(np.empty(0), Certificate("nothing to route", 0.0, np.nan, 0.0, 0.0))

    def proven(
        self, share: np.ndarray, mlu: tuple[float, float], objective: tuple[float, float]
    ) -> Routes:
        """Return routes with a certificate: the MLU and the objective, each with its bound."""
        count, rounds = len(self.paths.demand), self.rounds
        return self.routes(share, Certificate(self.status, *mlu, *objective, count, rounds))

    def routes(self, share: np.ndarray, certificate: Certificate) -> Routes:
        """Return routes with these shares; demands without a rate follow their fastest path."""
        total = len(self.demands)
        idle = np.flatnonzero(self.reaches & (self.slot < 0))
        paths = self.paths
        if len(idle):
            near = self.search.under(self.network.delay_ms + HOP_MS)
            more = near.follow(self.row[idle], self.demands.source[idle])
            paths = paths.join(Paths(idle, *more))
        given = np.ones(len(paths.demand))
        given[: len(self.paths.demand)] = 0.0
        given[: len(share)] = np.where(share > 1e-9, share, 0.0)
        if len(self.kept):  # a path that stands in two columns
            given = np.asarray(np.bincount(paths.duplicates(), given, len(given)), dtype=float)
        served = np.bincount(paths.demand, weights=given, minlength=total)
        given /= np.where(served > 0, served, 1.0)[paths.demand]
        return Routes.from_paths(
            self.network, total, paths.demand, given, paths.arcs, paths.starts, certificate
        )


def power_of_two(value: float) -> float:
    """Least power of two that is not below *value*; 1 for nothing."""
    return float(2.0 ** np.ceil(np.log2(value))) if value > 0 else 1.0


def nine_digits(values: np.ndarray) -> np.ndarray:
    """Values rounded to nine digits."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**30) / 2.0**30, exponent))


def powers_of_two(values: np.ndarray) -> np.ndarray:
    """Least powers of two that are not below *values*, all above zero."""
    return np.asarray(2.0 ** np.ceil(np.log2(values)))


def arcs_in_reach(network: Network, demands: Demands) -> np.ndarray:
    """Arcs that a path of some demand may use."""
    reach = np.zeros(len(network.tail), dtype=bool)
    abroad = network.is_abroad[demands.target]
    nodes = np.arange(len(network.nodes))
    for side in (False, True):
        here = demands.take(abroad == side)
        enters = ~network.is_stub | np.isin(nodes, here.target)
        leaves = ~network.is_stub | np.isin(nodes, here.source)
        if len(here):
            reach |= network.usable(side) & enters[network.head] & leaves[network.tail]
    return reach
