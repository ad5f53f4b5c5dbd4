"""The exit problem of a controller, beside SciPy on the same program and on the one by links.

Three programs with one optimum. Ours prices paths in as it goes. The path program hands SciPy the
very columns that ours ended with: it starts from knowledge that somebody had to find. The link
program has a flow for every target and arc, and needs no paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from benchmarks.cases import Case
from benchmarks.race import Limit, Race
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise import multicommodity
from simulator.paths.candidates import Paths, exit_paths
from simulator.paths.shortest import HOP_MS, shortest_to
from simulator.routing.min_latency import MinLatency

CAP = 0.8
SLACK = 1e-9
OURS = "multicommodity.route"


def races(case: Case) -> Iterator[Race]:
    """Least latency below a cap, and the least MLU of all with the latency that it leaves."""
    network, demands = case.exit_problem
    yield _race(f"min_latency, cap {CAP:g}", network, demands, CAP)
    yield _race("min_max, then the latency left", network, demands, 0.0)
    yield _cycles(network, case.cycles)


def _race(name: str, network: Network, demands: Demands, cap: float) -> Race:
    solved = multicommodity.TwoStage(network, demands, ())
    solved.solve(cap, 1.0)
    paths, counted = solved.paths, solved.counts

    def ours() -> Routes:
        return multicommodity.route(network, demands, utilisation_cap=cap)

    def ours_anew() -> Routes:
        network.memo.clear()
        return ours()

    by_path = path_program(network, demands, paths, counted)
    by_link = link_program(network, demands, counted)

    def agree() -> dict[str, Limit]:
        routes = ours()
        load = routes.loads(demands.gbps) + network.background_gbps
        mlu = max(cap, float((load[counted] / network.capacity_gbps[counted]).max()))
        delay = float(demands.gbps @ routes.arrivals(network.delay_ms)[1])
        assert routes.certificate is not None
        found = {"gap to the proven bound": Limit(routes.certificate.gap, 1e-7)}
        for what, program in (("same paths", by_path), ("by link", by_link)):
            optimum = program.solve(cap)
            found[f"MLU, {what}"] = Limit(abs(mlu - max(cap, optimum.mlu)), 1e-7)
            found[f"latency, {what}"] = Limit(abs(delay / optimum.delay - 1.0), 1e-7)
        return found

    return Race(
        f"{name}: {len(demands)} demands, {len(paths.demand)} paths,"
        f" {by_link.matrix_flows} flows by link, {int(counted.sum())} arcs",
        {
            OURS: ours,
            f"{OURS}, network never seen before": ours_anew,
            "linprog on the same paths: solve": lambda: by_path.solve(cap),
            "linprog on the same paths: build and solve": lambda: path_program(
                network, demands, paths, counted
            ).solve(cap),
            "linprog by link: solve": lambda: by_link.solve(cap),
            "linprog by link: build and solve": lambda: link_program(
                network, demands, counted
            ).solve(cap),
        },
        OURS,
        agree,
        "solve",
        note="the path program is given the columns that ours found; finding them is not timed",
    )


def _cycles(network: Network, cycles: list[Demands]) -> Race:
    """Consecutive cycles of a controller: from one answer to the next, beside cold starts."""
    scheme = MinLatency(utilisation_cap=CAP)
    programs = [exit_program(network, demands) for demands in cycles]

    before = scheme.route(network, cycles[-1])

    def ours() -> list[Routes]:
        answers = [before]
        for demands in cycles:
            answers.append(scheme.route(network, demands, answers[-1]))
        return answers[1:]

    def ours_cold() -> list[Routes]:
        return [scheme.route(network, demands) for demands in cycles]

    def general() -> list[Routes]:
        return [multicommodity.route(network, each, utilisation_cap=CAP) for each in cycles]

    def agree() -> dict[str, Limit]:
        warm, cold = ours(), ours_cold()
        optima = [program.solve(CAP).delay for program in programs]
        found = [
            float(demands.gbps @ routes.arrivals(network.delay_ms)[1])
            for demands, routes in zip(cycles, warm, strict=True)
        ]
        gaps = [routes.certificate.gap for routes in warm if routes.certificate]
        alike = [abs(a.matrix - b.matrix).max() for a, b in zip(warm, cold, strict=True)]
        apart = [abs(a / b - 1.0) for a, b in zip(found, optima, strict=True)]
        return {
            "latency, every cycle": Limit(max(apart), 1e-7),
            "gap to the proven bound": Limit(max(gaps), 1e-7),
            "shares, warm and cold": Limit(float(max(alike)), 0.0),
        }

    return Race(
        f"{len(cycles)} cycles of min_latency, cap {CAP:g}: {len(cycles[0])} demands",
        {
            "linprog, cold: solve": lambda: [program.solve(CAP) for program in programs],
            "linprog, cold: build and solve": lambda: [
                exit_program(network, demands).solve(CAP) for demands in cycles
            ],
            "min_latency from the last answer": ours,
            "min_latency, cold": ours_cold,
            "multicommodity.route": general,
        },
        "min_latency from the last answer",
        agree,
        "solve",
        len(cycles),
        note="linprog has the fastest way of every demand by every exit, and no row but exits'",
    )


def exit_program(network: Network, demands: Demands) -> Linear:
    """Flows on the fastest way by every exit; only exits have limits."""
    weight = network.delay_ms + HOP_MS
    targets, row = np.unique(demands.target, return_inverse=True)
    near = shortest_to(network, weight, targets)
    paths = Paths.of([])
    for ways in exit_paths(network, demands, weight, row, near):
        place, which = np.nonzero(np.isfinite(ways.length))
        paths = paths.join(ways.paths(place, which))
    counted = np.zeros(len(network.tail), dtype=bool)
    for arcs in network.exit_arcs.values():
        counted[arcs] = True
    return path_program(network, demands, paths, counted)


class Optimum(NamedTuple):
    """Utilisation limit that was met, and the sum of flow times delay."""

    mlu: float
    delay: float


@dataclass(frozen=True, eq=False)
class Linear:
    """A program over flows and, last, the utilisation limit theta."""

    delay: np.ndarray
    balance: sparse.csr_array
    asked: np.ndarray
    load: sparse.csr_array
    room: np.ndarray

    @property
    def matrix_flows(self) -> int:
        """Number of flows."""
        return len(self.delay) - 1

    def solve(self, cap: float) -> Optimum:
        """Least delay at *cap*; where none is feasible, at the least utilisation."""
        delay = self._least(self.delay, (cap, cap)) if cap > 0 else None
        if delay is not None:
            return Optimum(cap, delay)
        least = self._least(np.append(np.zeros(self.matrix_flows), 1.0), (0.0, None))
        assert least is not None
        theta = max(least * (1 + SLACK) + SLACK, cap)
        delay = self._least(self.delay, (theta, theta))
        assert delay is not None
        return Optimum(least, delay)

    def _least(self, cost: np.ndarray, theta: tuple[float, float | None]) -> float | None:
        found = linprog(
            cost,
            A_ub=self.load,
            b_ub=self.room,
            A_eq=self.balance,
            b_eq=self.asked,
            bounds=[(0.0, None)] * self.matrix_flows + [theta],
            method="highs",
            options={"primal_feasibility_tolerance": 1e-9, "dual_feasibility_tolerance": 1e-9},
        )
        return float(found.fun) if found.status == 0 else None


def path_program(network: Network, demands: Demands, paths: Paths, counted: np.ndarray) -> Linear:
    """Flows on listed paths."""
    count, arcs = len(paths.demand), np.flatnonzero(counted)
    every = np.arange(count)
    one = np.ones(count)
    shape = (len(demands), count + 1)
    balance = sparse.csr_array((one, (paths.demand, every)), shape=shape)
    crosses = (np.ones(len(paths.arcs)), (paths.arcs, np.repeat(every, np.diff(paths.starts))))
    flows = sparse.csr_array(crosses, shape=(len(network.tail), count))[arcs]
    return Linear(
        np.append(paths.sums(network.delay_ms), 0.0),
        balance,
        demands.gbps,
        _with_theta(flows, network.capacity_gbps[arcs]),
        -network.background_gbps[arcs],
    )


def link_program(network: Network, demands: Demands, counted: np.ndarray) -> Linear:
    """Flows to every target on every arc that they may use, conserved at every other node."""
    nodes, arcs = len(network.nodes), np.flatnonzero(counted)
    balances, asked, on_arc = [], [], []
    for target in np.unique(demands.target):
        usable = network.usable(bool(network.is_abroad[target])) & (network.tail != target)
        usable &= ~network.is_stub[network.head] | (network.head == target)
        own = np.flatnonzero(usable)
        each, one = np.arange(len(own)), np.ones(len(own))
        leaves = sparse.csr_array((one, (network.tail[own], each)), shape=(nodes, len(own)))
        enters = sparse.csr_array((one, (network.head[own], each)), shape=(nodes, len(own)))
        others = np.arange(nodes) != target
        rates = np.zeros(nodes)
        mine = demands.target == target
        np.add.at(rates, demands.source[mine], demands.gbps[mine])
        balances.append((leaves - enters)[others])
        asked.append(rates[others])
        on_arc.append(own)
    column = np.concatenate(on_arc)
    crosses = (np.ones(len(column)), (column, np.arange(len(column))))
    flows = sparse.csr_array(crosses, shape=(len(network.tail), len(column)))[arcs]
    balance = sparse.block_diag(balances, format="csr")
    still = sparse.csr_array((balance.shape[0], 1))
    return Linear(
        np.append(network.delay_ms[column], 0.0),
        sparse.csr_array(sparse.hstack([balance, still])),
        np.concatenate(asked),
        _with_theta(flows, network.capacity_gbps[arcs]),
        -network.background_gbps[arcs],
    )


def _with_theta(flows: sparse.csr_array, capacity_gbps: np.ndarray) -> sparse.csr_array:
    """Load on every arc less theta times its capacity."""
    limit = sparse.csr_array(-capacity_gbps[:, None])
    return sparse.csr_array(sparse.hstack([flows, limit]))
