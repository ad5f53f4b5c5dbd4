"""Large networks: tree columns beside the program over paths, and beside one search of SciPy.

Small runs compare an exact answer with the program over paths. Full runs add sizes that the program
over paths cannot do; there the yardstick is SciPy's search from all nodes, what one call of the
oracle cannot be quicker than, and the certificate has to be within the gap asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from benchmarks.cases import FULL, Case
from benchmarks.made import gravity, grown_network, ten_times
from benchmarks.race import Limit, Race
from simulator.formats.format import load_network
from simulator.model.certificate import Certificate
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.multicommodity import TwoStage, counted
from simulator.optimise.tree_columns import TreeProblem
from simulator.optimise.tree_oracle import TreeOracle
from simulator.routing.min_latency import MinLatency

CAPACITIES = (10.0, 40.0, 100.0, 400.0)


def races(case: Case) -> Iterator[Race]:
    """Both programs on one network, then sizes for tree columns alone."""
    nodes = 60 if case.size.scenario == FULL.scenario else 12
    yield _both(grown_network(nodes, 2 * nodes, CAPACITIES, 7))
    if nodes > 12:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is assumed of topohub's network
            tata = load_network("topohub:topozoo/TataNld")
        yield _alone(tata, 0.0)
        yield _ten_times()


def _solve(network: Network, demands: Demands, gap: float, current: Routes | None = None) -> Routes:
    problem = TreeProblem(network, demands, counted(network, ()), gap=gap)
    problem.start_from(current)
    return problem.solve(0.0, 1.0)


def _both(network: Network) -> Race:
    demands = gravity(network, 300.0)

    def by_path() -> Routes:
        network.memo.clear()
        return TwoStage(network, demands).solve(0.0, 1.0)

    def by_tree() -> Routes:
        return _solve(network, demands, 0.0)

    def agree() -> dict[str, Limit]:
        trees, paths = by_tree().certificate, by_path().certificate
        assert trees is not None and paths is not None
        return {
            "MLU": Limit(abs(trees.mlu / paths.mlu - 1.0), 1e-7),
            "latency": Limit(abs(trees.objective / paths.objective - 1.0), 1e-7),
            "gap to the proven bound": Limit(trees.gap, 1e-7),
        }

    return Race(
        f"min_max, then the latency left: {_size(network, demands)}",
        {"a column for a path": by_path, "tree columns": by_tree},
        "tree columns",
        agree,
        "solve",
    )


def _alone(network: Network, gap: float) -> Race:
    demands = gravity(network, 300.0)
    oracle = TreeOracle(network, demands, demands.gbps)
    noise = np.random.default_rng(5).lognormal(0.0, 0.05, len(demands))
    moved = demands.with_gbps(demands.gbps * noise)
    before = _solve(network, demands, max(gap, 1e-3))
    shape = (len(network.nodes),) * 2
    graph = sparse.csr_array((network.delay_ms, (network.tail, network.head)), shape=shape)

    runners = {
        "SciPy: Dijkstra from all nodes": partial(csgraph.dijkstra, graph),
        "one call of the oracle": partial(oracle.under, network.delay_ms),
        f"min_max, {_gap(gap)}": partial(_solve, network, demands, gap),
        "demands moved by 5 %, gap 0.001, cold": partial(_solve, network, moved, 1e-3),
        "demands moved by 5 %, gap 0.001, warm": partial(_solve, network, moved, 1e-3, before),
    }

    def agree() -> dict[str, Limit]:
        first, cold, warm = (_certificate(runners[name]()) for name in [*runners][2:])
        apart = abs(cold.mlu / warm.mlu - 1.0)
        return {
            "gap, beyond what was asked for": Limit(max(first.gap - gap, 0.0), 1e-7),
            "gap, warm, beyond 0.001": Limit(max(warm.gap - 1e-3, 0.0), 1e-7),
            "MLU, warm and cold, beyond 0.001": Limit(max(apart - 1e-3, 0.0), 1e-7),
        }

    title = f"min_max, then the latency left, {_gap(gap)}: {_size(network, demands)}"
    return Race(title, runners, "SciPy: Dijkstra from all nodes", agree, "call")


def _ten_times() -> Race:
    network, demands = ten_times()
    demands = demands.scaled(0.45)
    scheme = MinLatency(utilisation_cap=0.8, classes=("exit",))
    noise = np.random.default_rng(5).lognormal(0.0, 0.05, len(demands))
    moved = demands.with_gbps(demands.gbps * noise)

    def cold() -> Routes:
        network.memo.clear()
        return scheme.route(network, demands)

    before = cold()
    graph = sparse.csr_array(
        (network.delay_ms, (network.tail, network.head)), shape=(len(network.nodes),) * 2
    )

    def next_cycle() -> Routes:
        return scheme.route(network, moved, before)

    def agree() -> dict[str, Limit]:
        gaps = [_certificate(routes).gap for routes in (cold(), next_cycle())]
        return {"gap to the proven bound": Limit(max(gaps), 1e-7)}

    search = "SciPy: Dijkstra from all nodes"
    runners = {
        search: partial(csgraph.dijkstra, graph),
        "the first decision, network never seen": cold,
        "the next cycle": next_cycle,
    }
    title = f"min_latency at the exits, cap 0.8: {_size(network, demands)}, 200 exits"
    return Race(title, runners, search, agree, "decision")


def _certificate(routes: Routes) -> Certificate:
    assert routes.certificate is not None
    return routes.certificate


def _gap(gap: float) -> str:
    return f"gap {gap:g}" if gap else "exact"


def _size(network: Network, demands: Demands) -> str:
    return f"{len(network.nodes)} nodes, {len(network.links)} links, {len(demands):,} demands"
