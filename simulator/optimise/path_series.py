"""Least latency at many cycles at once, by the bases of ``path_simplex.py``.

From one cycle to the next the rates change and the delays do not. So few bases are optimal in turn,
and each that was found is tried on all cycles that have no answer yet
(:class:`~simulator.optimise.proven_basis.ProvenBasis`). The simplex method runs only for the first
cycle without one, from the last basis that was found. Every cycle has its own objective and bound.
The answers are those of one cycle at a time: flows follow from the canonical basis alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.path_table import PathTable
from simulator.model.route_series import Answers, Certificates, RouteSeries
from simulator.model.routes import Routes
from simulator.optimise.path_basis import Basis, BasisState, Failed
from simulator.optimise.path_pool import PathPool
from simulator.optimise.path_simplex import AMPLE, ROUNDING, Problem
from simulator.optimise.path_start import Scaled, Start
from simulator.optimise.proven_basis import BasisFlows, ProvenBasis

_LEAST_REACH = 16
"""Cycles ahead on which a basis is always tried."""


class _Tried(NamedTuple):
    """A basis, and the cycles at which it is optimal with its flows there."""

    proven: ProvenBasis
    cycles: np.ndarray
    flows: BasisFlows


class PathSeries:
    """The problems of many cycles on one network.

    Parameters
    ----------
    network : Network
        Without directions that have no capacity.
    demands : Demands
        Those that are routed; their rates are of no account.
    key, table
        See :func:`~simulator.optimise.path_start.table_of`.
    limit : ndarray, shape (arcs,)
        Utilisation allowed on every arc.
    counts : ndarray of bool, shape (arcs,)
        Arcs whose limit gives way, and whose utilisation the certificates report.
    gbps : ndarray, shape (demands, cycles)
    background_gbps : ndarray, shape (arcs, cycles)
        Load that stays where it is.
    """

    def __init__(
        self,
        network: Network,
        demands: Demands,
        key: Hashable,
        table: PathPool,
        limit: np.ndarray,
        counts: np.ndarray,
        gbps: np.ndarray,
        background_gbps: np.ndarray,
    ) -> None:
        self._network, self._demands = network, demands
        self._key, self._table = key, table
        self._limit, self._counts = limit, counts & table.reach
        self._background_gbps, self._count = background_gbps, gbps.shape[1]
        self._scaled = scaled = Scaled.of(network, gbps, table, background_gbps)
        self._tolerance = 1e-12 * np.maximum(1.0, scaled.rate.sum(axis=0))
        self._room = limit[:, None] * scaled.capacity - scaled.background
        self._room[~table.reach] = AMPLE
        self._least = np.full(self._count, np.nan)
        self._rounds, self._columns = np.zeros((2, self._count), dtype=np.int64)
        self._tried: list[_Tried] = []
        self._give_way()

    def _give_way(self) -> None:
        """Raise the limits of the cycles at which all exits of a direction together need it."""
        rate, room = self._scaled.rate, self._room
        needs = np.zeros(self._count, dtype=bool)
        for price, crossed in self._table.all_exits:
            arcs = np.flatnonzero(price)
            needs |= np.einsum("r,rc->c", crossed, rate) > room[arcs].sum(axis=0) * (1.0 - 1e-12)
        for cycle in np.flatnonzero(needs).tolist():
            problem = self._problem(cycle, self._table)
            problem.raise_by_all_exits()
            self._room[:, cycle], self._least[cycle] = problem.room(), problem.least

    def _problem(self, cycle: int, pool: PathPool | None) -> Problem:
        return Problem(
            self._network,
            self._demands,
            self._table,
            pool,
            self._scaled.at(cycle),
            self._limit,
            self._counts,
        )

    # -- bases --------------------------------------------------------------------------------

    def solve(
        self,
        start: tuple[PathPool | None, Basis | None],
        otherwise: Callable[[int], Routes],
    ) -> Answers:
        """Route at all cycles.

        Parameters
        ----------
        start : tuple
            Pool and basis of the cycle before.
        otherwise : callable
            Takes a cycle and returns its routes; called where this method has no answer.
        """
        self._pool, self._basis = start
        self._pool = self._pool or self._table.first()
        self._state: BasisState | None = None
        self._columns[:] = len(self._pool.row)
        self._others: dict[int, Routes] = {}
        self._open, self._reach = np.ones(self._count, dtype=bool), self._count
        for cycle in range(self._count):
            if self._open[cycle] and not self._solve_one(cycle):
                self._others[cycle] = otherwise(cycle)
        return self._answers(otherwise)

    def _solve_one(self, cycle: int) -> bool:
        """Find the optimal basis of a cycle, and try it on those that follow; False for none."""
        self._open[cycle] = False
        problem, state = self._problem(cycle, self._pool), self._state
        self._state = None
        try:
            found = problem.solve(self._basis, gives_way=True, state=state)
        except Failed:
            return False
        if found is None:
            return False
        self._pool, self._basis = problem.pool, found.basis
        self._columns[cycle:] = len(self._pool.row)
        self._rounds[cycle], self._least[cycle] = problem.rounds, problem.least
        self._room[:, cycle] = problem.room()
        self._try(ProvenBasis(self._pool, found, problem.floor), cycle)
        self._state = found
        return True

    def _try(self, proven: ProvenBasis, cycle: int) -> None:
        """Answer a cycle by its basis, and those after it at which the basis is optimal too."""
        rate, room, tolerance = self._scaled.rate, self._room, self._tolerance
        own, flows = proven.holds(rate[:, [cycle]], room[:, [cycle]], np.array([np.inf]))
        self._tried.append(_Tried(proven, own + cycle, flows))
        later = cycle + 1 + np.flatnonzero(self._open[cycle + 1 :])[: self._reach]
        which, flows = proven.holds(rate[:, later], room[:, later], tolerance[later])
        self._tried.append(_Tried(proven, later[which], flows))
        self._open[later[which]] = False
        # Where bases seldom hold twice, they are not tried far ahead.
        self._reach = max(_LEAST_REACH, self._reach // 2) if not len(which) else self._count

    # -- answers ------------------------------------------------------------------------------

    def _answers(self, otherwise: Callable[[int], Routes]) -> Answers:
        """Return the routes of all cycles; those that rounding took off limits are made anew."""
        pool = self._pool
        assert pool is not None
        ways, flow, bound = self._flows(pool)
        paths = pool.paths.take(ways)
        table = PathTable(self._network, len(self._demands), paths.demand, paths.arcs, paths.starts)
        load = table.crosses @ flow
        over = load > self._room + ROUNDING * (1.0 + np.abs(self._room))
        for cycle in np.flatnonzero(over.any(axis=0)).tolist():
            if cycle not in self._others:
                self._others[cycle] = otherwise(cycle)
        series = RouteSeries(table, self._shares(table, flow, pool, ways))
        delay = np.einsum("w,wc->c", pool.delay_ms[ways], flow)
        certificates = self._certificates(load, delay, bound)
        for cycle, routes in self._others.items():
            series = series.with_routes(cycle, routes)
        last = self._others.get(self._count - 1)
        if last is None:
            proof = certificates.at(self._count - 1)
            start = None if self._basis is None else Start(self._key, pool, self._basis)
            last = replace(series.at(self._count - 1), certificate=proof, warm_start=start)
        return Answers(series, certificates, last)

    def _flows(self, pool: PathPool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Paths in use, the flow on each at every cycle, and the bound of every cycle."""
        rate = self._scaled.rate
        pools = {id(each.proven.pool): each.proven.pool for each in self._tried}
        place = {key: each.places_in(pool) for key, each in pools.items()}
        used = np.zeros(len(pool.row), dtype=bool)
        used[pool.fastest[(rate == 0).any(axis=1)]] = True
        for proven, *_ in self._tried:
            used[place[id(proven.pool)][np.concatenate([proven.basis.key, proven.basis.extra])]] = 1
        ways, number = np.flatnonzero(used), np.cumsum(used) - 1
        flow, bound = np.zeros((len(ways), self._count)), np.zeros(self._count)
        for proven, cycles, flows in self._tried:
            moved = number[place[id(proven.pool)]]
            keys = moved[proven.basis.key]
            flow[keys[:, None], cycles] = rate[:, cycles]
            flow[keys[proven.row][:, None], cycles] = flows.left
            flow[moved[proven.basis.extra][:, None], cycles] = flows.extra
            bound[cycles] = proven.bound(rate[:, cycles], self._room[:, cycles])
        flow[~(flow > ROUNDING * rate[pool.row[ways]])] = 0.0
        return ways, flow, bound

    def _shares(
        self, table: PathTable, flow: np.ndarray, pool: PathPool, ways: np.ndarray
    ) -> np.ndarray:
        """Share of its demand on every path; a demand without a rate follows its fastest path."""
        total = (table.gathers @ flow)[table.demand]
        share = np.divide(flow, total, out=np.zeros_like(flow), where=total > 0)
        row, cycle = np.nonzero(self._scaled.rate == 0)
        share[np.searchsorted(ways, pool.fastest[row]), cycle] = 1.0
        return share

    def _certificates(self, load: np.ndarray, delay: np.ndarray, bound: np.ndarray) -> Certificates:
        """Return the proof of every cycle."""
        unit, counts = self._scaled.unit_gbps, self._counts
        at = (load * unit + self._background_gbps)[counts]
        mlu = (at / self._network.capacity_gbps[counts][:, None]).max(axis=0, initial=0.0)
        made = Certificates(
            np.full(self._count, "optimal", dtype=object),
            mlu,
            np.fmin(self._least, mlu) + 0.0 * self._least,
            delay * unit,
            np.minimum(bound, delay) * unit,
            self._columns,
            self._rounds,
        )
        for cycle, routes in self._others.items():
            if routes.certificate is not None:
                made.put(cycle, routes.certificate)
        return made
