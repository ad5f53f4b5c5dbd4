"""Exact multi-commodity flow over paths: first the least utilisation, then the least latency.

Variables: ``x[p]``, the share of demand *k* on its path *p*; ``theta``, the utilisation limit.
Constraints, for every demand *k* that has a path and every arc *a* that one of them may use::

    sum of x over the paths of k                        =  1
    sum of rate[k] * x over the paths through a        <=  capacity[a] * theta - background[a]

Stage one minimises ``theta``. Stage two fixes it and minimises the sum of flow times delay. Both
generate columns as in ``path_problem.py``, with its Lagrangian bound over all paths. With a churn
penalty stage two charges it on all flow that leaves its present path.

``theta`` is in units of what the fastest paths would make it, and a limit that the demands together
cannot reach is left out.

Where demands are many, all paths may be used and no switching cost is charged, :func:`route` solves
the same problem over tree columns (``tree_columns.py``): from ``TREES_FROM`` demands they are
quicker, and an exact answer has the same utilisation and latency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError, did_you_mean
from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import bounds
from simulator.optimise.path_problem import (
    PathProblem,
    power_of_two,
    powers_of_two,
    without_zero_capacity,
)
from simulator.optimise.program import INFINITE, Program
from simulator.optimise.tree_columns import TreeProblem
from simulator.paths.candidates import Paths, fastest_paths

_SLACK = 1e-9
_SLACKS = (1e-8, 1e-7, 1e-6)
_MINUTE = 1e-6
TREES_FROM = 1500
"""Demands from which tree columns are quicker than a column for every path."""
EXACT_UP_TO, LARGE_GAP = 500, 1e-3
FAR, UNITS = 1e-3, 4
"""A utilisation this far below its unit is found again in a unit of its own size, a few times."""


def route(
    network: Network,
    demands: Demands,
    *,
    utilisation_cap: float,
    classes: tuple[str, ...] = (),
    others_cap: float = 1.0,
    paths: Paths | None = None,
    current: Routes | None = None,
    churn_penalty_ms: float = 0.0,
    gap: float | None = None,
) -> Routes:
    """Route for the least latency with utilisation at most ``max(least MLU, utilisation_cap)``.

    Parameters
    ----------
    network : Network
        Its ``background_gbps`` is load that stays where it is.
    demands : Demands
    utilisation_cap : float
        Utilisation that is tolerated for the sake of latency; 0 for the least MLU itself.
    classes : tuple of str
        Link classes whose utilisation counts; all when empty.
    others_cap : float
        Utilisation tolerated on the links of all other classes (or the least possible there).
    paths : Paths, optional
        The only paths to use, over links with capacity; all paths when left out. A demand that has
        none of them is not served. The bounds of the certificate are those of all paths even so
        (pricing goes on to find them): its gap is what the limit costs.
    current : Routes, optional
        Routes in force.
    churn_penalty_ms : float
        Added to the latency of all flow that does not stay on them.
    gap : float, optional
        Relative gap at which a search over tree columns may end, see :func:`gap_of`. Programs over
        paths are exact.
    """
    limited, able = paths is not None, without_zero_capacity(network)
    stays = current is not None and churn_penalty_ms > 0
    if not limited and not stays and len(demands) >= TREES_FROM:
        counts = counted(network, classes)
        trees = TreeProblem(able, demands, counts, gap=gap_of(network, gap))
        trees.start_from(current)
        return replace(trees.solve(utilisation_cap, others_cap), network=network)
    problem = TwoStage(able, demands, classes, paths, limited=limited)
    if current is not None:
        problem.stay_on(current, churn_penalty_ms / problem.delay_unit)
    return problem.solve(utilisation_cap, others_cap)


def gap_of(network: Network, gap: float | None) -> float:
    """Relative gap of tree columns: as given, else none up to ``EXACT_UP_TO`` links, then 1e-3."""
    if gap is not None:
        return gap
    return 0.0 if len(network.links) <= EXACT_UP_TO else LARGE_GAP


WITHIN_STRETCH = 8
"""Paths looked at for every demand where a stretch limit is all that limits them."""


def limited_to(
    count: int | None,
    network: Network,
    demands: Demands,
    stretch_ms: float | Mapping[str, float] | None = None,
) -> Paths | None:
    """Return the fastest paths of every demand, for :func:`route`; None for no limit.

    At most *count* of them, and none slower than the fastest by more than *stretch_ms*: one number,
    or one for some traffic classes or services and no such limit for the others. Where the class
    and the service of a demand both have one, the smaller holds.

    Raises
    ------
    ValueError
        A limit is for a word that is no traffic class, and there are no services.
    """
    if count is None and stretch_ms is None:
        return None
    able = without_zero_capacity(network)
    paths = fastest_paths(able, demands, count or WITHIN_STRETCH)
    if stretch_ms is None:
        return paths
    if isinstance(stretch_ms, Mapping):
        most = _most(stretch_ms, demands.traffic_class)
        if demands.service is not None:
            most = np.minimum(most, _most(stretch_ms, demands.service))
        elif unknown := [each for each in stretch_ms if each not in CLASSES]:
            near = did_you_mean(unknown[0], CLASSES)
            raise ValueError(f"stretch_ms: no traffic class named {unknown[0]!r}{near}")
    else:
        most = np.full(len(demands), stretch_ms)
    return paths.within(able.delay_ms, most)


def _most(stretch_ms: Mapping[str, float], words: np.ndarray) -> np.ndarray:
    """Limit that each word has; infinite for none."""
    return np.array([stretch_ms.get(each, np.inf) for each in words], dtype=float)


def counted(network: Network, classes: tuple[str, ...]) -> np.ndarray:
    """Arcs of the links of some classes; all arcs for none, shape (arcs,)."""
    if not classes:
        return np.ones(len(network.tail), dtype=bool)
    return np.isin(np.repeat(network.link_class, 2), classes)


class TwoStage(PathProblem):
    """One problem of two stages: least utilisation (of some link classes), then least latency.

    Attributes
    ----------
    price : ndarray, shape (arcs,)
        Price of a unit of flow at the last least utilisation: what a Gbps more makes of it.
    least : float
        The least utilisation of the arcs that count, where :meth:`solve` had to find it, else NaN.
    least_share : ndarray, shape (paths,)
        Shares that reach it.
    limit : ndarray, shape (arcs,)
        Utilisation that the answer of :meth:`solve` was held to.
    delay_price : ndarray, shape (arcs,)
        Price of a unit of flow in the last least latency.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        classes: tuple[str, ...] = (),
        paths: Paths | None = None,
        *,
        limited: bool = False,
    ) -> None:
        super().__init__(network, demands, paths, limited=limited)
        self.counts = self.usable & counted(network, classes)
        self.price = self.delay_price = np.zeros(len(network.tail))
        self.limit = np.full(len(network.tail), np.inf)
        self.least, self.least_share = np.nan, np.empty(0)

    # -- the two stages -----------------------------------------------------------------------

    def solve(self, utilisation_cap: float, others_cap: float) -> Routes:
        """Run the stages that are needed and return routes with their proof."""
        if not len(self.active):
            return self.nothing()
        others = self.usable & ~self.counts
        limit = np.where(self.counts, utilisation_cap, np.where(others, others_cap, np.inf))
        mlu_bound = np.nan
        answer = self._least_latency(limit) if utilisation_cap > 0 else None
        if answer is None:
            if others.any():
                free = np.full(len(others), np.inf)
                least, _ = self._known(others, free, enough=others_cap)
                limit[others] = max(others_cap, _just_above(least))
            least, mlu_bound = self._known(self.counts, limit, others)
            self.least = least
            limit[self.counts] = max(_just_above(least), utilisation_cap)
            if _just_above(least) < utilisation_cap:
                mlu_bound = np.nan  # the least MLU is below the cap: nothing is claimed about it
            answer = self._least_latency(limit)
            for slack in _SLACKS:  # the least was found to the tolerance of the solver
                if answer is None:
                    limit[self.counts] = np.maximum(limit[self.counts], least * (1.0 + slack))
                    answer = self._least_latency(limit)
            if answer is None:
                raise SimulatorError("the least utilisation found could not be attained again")
        self.limit = limit
        share, objective, bound = answer
        load = self.load(share) + self.background
        mlu = float((load[self.counts] / self.capacity[self.counts]).max(initial=0.0))
        unit = self.unit * self.delay_unit
        mlu_bound = min(mlu_bound, mlu) if np.isfinite(mlu_bound) else np.nan
        return self.proven(share, (mlu, mlu_bound), (objective * unit, bound * unit))

    def _known(
        self,
        counts: np.ndarray,
        limit: np.ndarray,
        others: np.ndarray | None = None,
        enough: float = 0.0,
    ) -> tuple[float, float]:
        """Minimise theta over the arcs that count; return it and a proven lower bound.

        *limit* of *others* is raised where it was found to the tolerance of the solver, and is
        not attained again.
        """
        for slack in (0.0, *_SLACKS):
            if others is not None:
                limit[others] *= 1.0 + slack
            found = self.least_utilisation(counts, np.where(counts, np.inf, limit), enough)
            if found is not None:
                return found
        raise SimulatorError("the limits on the other links could not be met")

    def least_utilisation(
        self, counts: np.ndarray, limit: np.ndarray, enough: float = 0.0
    ) -> tuple[float, float] | None:
        """Minimise theta over the arcs that count; None where the limits cannot be met.

        *limit* bounds the utilisation of the other arcs; infinite where they are free. The search
        ends at the first theta below *enough*, which some flow attains.
        """
        fastest = self.all_on_fastest()
        load = self.load(fastest) + self.background
        start = load[counts] / self.capacity[counts]
        theta_unit = power_of_two(start.max(initial=0.0))
        room = self._room(limit)
        if not start.max(initial=0.0) > 0 and not np.any(load - self.background > room):
            return 0.0, 0.0
        for _ in range(UNITS):
            answer = self._least_in_unit(counts, room, theta_unit, enough / theta_unit)
            if answer is None:
                return None
            theta, bound = answer
            found = theta * theta_unit, bound * theta_unit
            if theta >= FAR or found[0] < enough:
                break
            theta_unit *= power_of_two(max(theta, FAR**2))
        return found

    def _least_in_unit(
        self, counts: np.ndarray, room: np.ndarray, theta_unit: float, enough: float
    ) -> tuple[float, float] | None:
        """Minimise theta; return it and its bound in this unit, if the limits can be met."""
        program = self.program(counts, room, theta_unit)
        free = np.zeros(len(self.network.tail))
        unit_load = np.where(counts, self.capacity * theta_unit, 0.0)
        bounded = self.usable & ~counts & (room < self.total)
        known, theta = self.paths, np.nan
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                return None
            price, dual = self.prices(solution)
            if not self.limited or np.isnan(theta):
                theta, self.price = float(solution.values[0]), price
                self.least_share = solution.values[1:]
            price = self.shut(price, unit_load, dual)
            length, floor, near = self.shortest(price)
            cost = float(floor @ self.rate[self.active] + price[counts] @ self.background[counts])
            refund = float(price[bounded] @ room[bounded])
            bound = bounds.least_utilisation(cost, refund, float(price @ unit_load))
            if theta < enough or not self.price_in(program, near, length, dual, free):
                self.paths = known if self.limited else self.paths
                return theta, bound

    def _least_latency(self, limit: np.ndarray) -> tuple[np.ndarray, float, float] | None:
        """Minimise flow times delay under the limits; None when these paths cannot meet them."""
        fastest = self.all_on_fastest()
        room = self._room(limit)
        if not self.switching_cost and not np.any(self.load(fastest) > room):
            # Nothing can be faster than every demand on its fastest path.
            self.delay_price = np.zeros(len(limit))
            objective = bound = self.latency(fastest)
            if self.limited:
                bound = float(self.shortest(self.delay)[1] @ self.rate[self.active])
            return fastest, objective, bound
        program = self.program(np.zeros(len(limit), dtype=bool), room, None)
        binds = self.usable & (room < self.total)
        known, share = self.paths, None
        while True:
            solution = program.solve()
            if solution.status != "optimal":
                return None
            price, dual = self.prices(solution)
            if share is None or not self.limited:
                share, self.delay_price = solution.values[1:], price
            price = self.shut(price, np.where(binds, room, np.inf), dual)
            weight = self.delay + price
            length, floor, near = self.shortest(weight)
            floor = floor + self.switching_cost
            bound = bounds.least_cost(floor, self.rate[self.active], price[binds], room[binds])
            bound += self.saved_by_staying(weight, floor)
            if not self.price_in(program, near, length, dual, self.delay, self.switching_cost):
                self.paths = known if self.limited else self.paths
                moved = float(share @ self.switching_costs()[: len(share)])
                return share, self.latency(share) + moved, bound

    def shut(self, price: np.ndarray, room: np.ndarray, dual: np.ndarray) -> np.ndarray:
        """Return the prices, raised on arcs with room for next to nothing until no path uses them.

        Their own prices are lost in the tolerance of the solver; any prices give a bound, and a
        high one on so little room costs the bound next to nothing.
        """
        minute = (room > 0) & (room < _MINUTE * self.total)
        if not minute.any():
            return price
        return np.where(minute, np.maximum(price, 2.0 * np.abs(dual).max()), price)

    def _room(self, limit: np.ndarray) -> np.ndarray:
        """What the limits leave on every arc beside the background; infinite without a limit."""
        bound = self.usable & np.isfinite(limit)
        room = np.full(len(limit), np.inf)
        room[bound] = limit[bound] * self.capacity[bound] - self.background[bound]
        return room

    def program(self, counts: np.ndarray, room: np.ndarray, theta_unit: float | None) -> Program:
        """Build the program: theta over the arcs that count, or latency when there is no unit.

        Column 0 is theta; rows are the active demands, then the arcs in reach.
        """
        rows, arcs = len(self.active), self.arc_rows
        counted = counts[arcs]
        pull = self.capacity[arcs] * (theta_unit or 0.0)
        # Rows of arcs so wide that they hardly count shrink, so that no number is large; those of
        # minute arcs grow, so that a tolerance is small beside what they hold.
        width = np.where(counted, pull, np.clip(room[arcs], 0.0, self.total))
        large, minute = counted & (width > 1.0), (width > 0) & (width < FAR)
        self.row_scale = 1.0 / powers_of_two(np.where(large | minute, width, 1.0))
        upper = np.where(counted, -self.background[arcs], room[arcs]) * self.row_scale
        upper = np.where(~counted & (room[arcs] >= self.total), INFINITE, upper)
        columns = self.columns(self.paths)
        theta = np.where(counted, -pull * self.row_scale, 0.0)
        basic_columns = np.zeros(1 + columns.shape[1], dtype=bool)
        basic_columns[1 + self.fastest(self.paths)] = True
        basic_rows = np.arange(rows + len(arcs)) >= rows
        if theta_unit is None:
            cost = np.append(0.0, self.costs(self.paths, self.delay) + self.switching_costs())
        else:
            # All on the fastest paths: theta is what the fullest counted arc makes it.
            load = self.load(self.all_on_fastest()) + self.background
            full = np.where(counted, load[arcs] / self.capacity[arcs], -1.0)
            basic_columns[0], basic_rows[rows + int(np.argmax(full))] = True, False
            cost = np.append(1.0, np.zeros(columns.shape[1]))
        return Program(
            cost=cost,
            upper=np.append(0.0 if theta_unit is None else INFINITE, self.upper()),
            matrix=_beside(rows, theta, columns),
            row_lower=np.concatenate([np.ones(rows), np.full(len(arcs), -INFINITE)]),
            row_upper=np.concatenate([np.ones(rows), upper]),
            basic_columns=basic_columns,
            basic_rows=basic_rows,
        )


def _beside(rows: int, theta: np.ndarray, columns: sparse.csc_array) -> sparse.csc_array:
    """The column of theta, zero in the first rows, and the others to the right of it."""
    some = np.flatnonzero(theta)
    return sparse.csc_array(
        (
            np.concatenate([theta[some], columns.data]),
            np.concatenate([rows + some, columns.indices]),
            np.concatenate([[0], len(some) + columns.indptr]),
        ),
        shape=(columns.shape[0], columns.shape[1] + 1),
    )


def _just_above(value: float) -> float:
    return value * (1.0 + _SLACK)
