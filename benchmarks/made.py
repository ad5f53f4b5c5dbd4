"""Made-up networks of any size, from a seed, and gravity demands between their nodes."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np

from simulator.model.demands import Demands
from simulator.model.network import Network


def grown_network(nodes: int, links: int, capacities_gbps: Sequence[float], seed: int) -> Network:
    """Return a network that grows by preferential attachment: degrees follow a power law.

    Every node joins two that are there, by degree; then further links join two nodes by degree.

    Parameters
    ----------
    capacities_gbps : sequence of float
        Each link has one of them, drawn evenly.
    """
    rng = np.random.default_rng(seed)
    ends, pairs = [0, 1], {(0, 1)}
    while len(pairs) < links:
        new = len(set(ends))
        if new < nodes:
            # A set does not keep its order from one process to the next; a sorted list does.
            chosen = sorted({int(ends[i]) for i in rng.integers(0, len(ends), 2)})
            found = [(each, new) for each in chosen]
        else:
            one, two = (int(ends[i]) for i in rng.integers(0, len(ends), 2))
            found = [(min(one, two), max(one, two))] if one != two else []
        for pair in found:
            if pair not in pairs:
                pairs.add(pair)
                ends += pair
    graph = nx.MultiGraph()
    graph.add_nodes_from((f"n{i}" for i in range(nodes)), kind="core")
    for order, (one, two) in enumerate(sorted(pairs)):
        _join(graph, f"n{one}", f"n{two}", "core", float(rng.choice(capacities_gbps)),
              round(float(rng.uniform(0.5, 10.0)), 3), order)  # fmt: skip
    return Network(graph, f"grown-{nodes}")


def gravity(network: Network, total_gbps: float) -> Demands:
    """Return demands between all nodes, as the product of the numbers of their links."""
    nodes = len(network.nodes)
    weight = np.bincount(network.tail, minlength=nodes).astype(float)
    source, target = np.divmod(np.arange(nodes * nodes), nodes)
    other = source != target
    source, target = source[other], target[other]
    rate = weight[source] * weight[target]
    rate *= total_gbps / rate.sum()
    kind = np.full(len(rate), "domestic", dtype=object)
    return Demands(network.nodes, source, target, kind, rate)


SIZES = {"super_core": 20, "core": 60, "provincial": 310, "gateway": 90, "pop": 60, "region": 80}


def ten_times(seed: int = 169) -> tuple[Network, Demands]:
    """Return a backbone ten times china169: 620 nodes, 200 exits, and its international demands.

    At the rates given, shortest paths fill the fullest exit to more than its capacity.
    """
    rng = np.random.default_rng(seed)
    graph = nx.MultiGraph()
    names = {kind: [f"{kind}-{i}" for i in range(count)] for kind, count in SIZES.items()}
    for kind, every in names.items():
        graph.add_nodes_from(every, kind=kind)

    def join(one: str, other: str, kind: str, low: float, high: float, far_ms: float) -> None:
        delay, order = round(float(rng.uniform(0.05, 1.0)) * far_ms, 3), graph.number_of_edges()
        _join(graph, one, other, kind, round(float(rng.uniform(low, high))), delay, order)

    def some(pool: list[str], count: int) -> list[str]:
        return [pool[i] for i in sorted(rng.choice(len(pool), count, replace=False))]

    trunk = names["super_core"]
    for i, node in enumerate(trunk):
        for other in trunk[:i]:
            join(node, other, "core", 4000, 8000, 20.0)
    for node in names["core"]:
        for other in some(trunk, 3):
            join(node, other, "core", 2000, 6000, 10.0)
    inner = trunk + names["core"]
    for node in names["provincial"]:
        for other in some(inner, 2):
            join(node, other, "provincial", 500, 2000, 5.0)
    for node in names["gateway"]:
        for other in some(inner, 2):
            join(node, other, "gateway", 500, 1500, 3.0)
    for i in range(200):
        gateway = names["gateway"][i % SIZES["gateway"]]
        join(gateway, names["pop"][int(rng.integers(SIZES["pop"]))], "exit", 20, 400, 100.0)
    for node in names["region"]:
        for other in some(names["pop"], 4):
            join(other, node, "access", 5000, 9000, 30.0)
    return _international(Network(graph, "ten times china169"), names, rng)


def _international(
    network: Network, names: dict[str, list[str]], rng: np.random.Generator
) -> tuple[Network, Demands]:
    home, abroad = names["provincial"], names["region"]
    weight = rng.lognormal(0.0, 1.0, len(home))[:, None] * rng.lognormal(0.0, 1.0, len(abroad))
    rate = (weight / weight.sum() * 0.5 * network.exits_gbps).ravel()
    near = [node for node in home for _ in abroad]
    far = abroad * len(home)
    return network, Demands.of(network, near + far, far + near, np.append(rate, 0.5 * rate))


def _join(
    graph: nx.MultiGraph, a: str, b: str, kind: str, gbps: float, delay_ms: float, order: int
) -> None:
    graph.add_edge(
        a, b, key=f"l{order}", order=order, a=a, b=b, capacity_gbps=gbps, delay_ms=delay_ms,
        metric=1.0, **{"class": kind},
    )  # fmt: skip
