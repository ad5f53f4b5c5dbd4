"""Routing every demand on equal-cost shortest paths, beside NetworkX under the same rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np

from benchmarks.cases import Case, largest
from benchmarks.race import Limit, Race
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.paths.shortest import shortest_to
from simulator.routing.igp_ecmp import IgpEcmp

LOADS = "igp_ecmp: route, loads"


def races(case: Case) -> Iterator[Race]:
    """Distances alone, and loads of the busy hour."""
    network, demands = case.network, case.demands
    targets = np.unique(demands.target)
    other = NetworkX.of(network)

    def distances() -> np.ndarray:
        return shortest_to(network, network.metric, targets).distance

    def loads() -> np.ndarray:
        return IgpEcmp().route(network, demands).loads(demands.gbps)

    def agree() -> dict[str, Limit]:
        load = other.loads(demands)
        ours = loads()
        capacity = network.capacity_gbps
        return {
            "load of every arc": Limit(largest(ours - load) / load.max(), 1e-9),
            "MLU": Limit(abs((ours / capacity).max() - (load / capacity).max()), 1e-7),
            "distance of every pair": Limit(_apart(other, targets, distances()), 1e-9),
        }

    yield Race(
        f"{network.name}: {len(demands)} demands to {len(targets)} targets,"
        f" {len(network.tail)} arcs",
        {
            LOADS: loads,
            "igp_ecmp: route": lambda: IgpEcmp().route(network, demands),
            "towards: distances alone": distances,
            "NetworkX: distances alone": lambda: other.distances(targets),
            "NetworkX: distances, loads": lambda: other.loads(demands),
        },
        LOADS,
        agree,
        "call",
        note="NetworkX graphs are built beforehand, outside its time",
    )


def _apart(other: NetworkX, targets: np.ndarray, ours: np.ndarray) -> float:
    worst = 0.0
    for row, found in zip(ours, other.distances(targets).values(), strict=True):
        theirs = np.array([found.get(node, np.inf) for node in range(len(row))])
        both = np.isfinite(theirs)
        if not np.array_equal(both, np.isfinite(row)):
            return np.inf
        worst = max(worst, largest(row[both] - theirs[both]) / max(1.0, theirs[both].max()))
    return worst


@dataclass(frozen=True)
class NetworkX:
    """The network for NetworkX: one graph of reversed arcs for each side of the border.

    That a stub carries no transit is built in: as a target it is another node, ``("to", stub)``,
    so that a search may start in a stub or end there but not pass through.
    """

    network: Network
    sides: dict[bool, nx.DiGraph]

    @classmethod
    def of(cls, network: Network) -> NetworkX:
        """Build both graphs."""
        sides = {}
        for abroad in (False, True):
            graph = nx.DiGraph()
            graph.add_nodes_from(range(len(network.nodes)))
            for arc in np.flatnonzero(network.usable(abroad)):
                u, v = int(network.tail[arc]), int(network.head[arc])
                start = ("to", v) if network.is_stub[v] else v
                assert not graph.has_edge(start, u), "parallel links need a multigraph"
                graph.add_edge(start, u, metric=float(network.metric[arc]), arc=int(arc))
            sides[abroad] = graph
        return cls(network, sides)

    def distances(self, targets: np.ndarray) -> dict[int, dict]:
        """Distance from every node to each target, both as indices."""
        found = {}
        for target in map(int, targets):
            graph, start = self._start(target)
            length = nx.single_source_dijkstra_path_length(graph, start, weight="metric")
            length[target] = 0.0
            found[target] = length
        return found

    def loads(self, demands: Demands) -> np.ndarray:
        """Load of every arc: at every node, even shares to all that is as near."""
        load = np.zeros(len(self.network.tail))
        targets = np.unique(demands.target)
        for target, length in self.distances(targets).items():
            graph, start = self._start(target)
            here = dict.fromkeys(length, 0.0)
            mine = demands.target == target
            for source, gbps in zip(demands.source[mine], demands.gbps[mine], strict=True):
                here[int(source)] += gbps
            for node in sorted(length, key=length.__getitem__, reverse=True):
                rate = here[node]
                if node in (target, start) or not rate:
                    continue
                limit = length[node] * (1 + 1e-12)
                best = [
                    (onward, data["arc"])
                    for onward, _, data in graph.in_edges(node, data=True)
                    if onward in length and length[onward] + data["metric"] <= limit
                ]
                for onward, arc in best:
                    load[arc] += rate / len(best)
                    here[onward] += rate / len(best)
        return load

    def _start(self, target: int) -> tuple[nx.DiGraph, int | tuple[str, int]]:
        stub = self.network.is_stub[target]
        return self.sides[bool(self.network.is_abroad[target])], ("to", target) if stub else target
