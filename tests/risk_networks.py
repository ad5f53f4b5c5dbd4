"""Small networks with exits on cables, and worst cases by trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import networkx as nx
import numpy as np
from conftest import make_tiny

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.reliability import FailureFigures, Reliability


def random_border(seed: int) -> tuple[Network, Demands]:
    """Return two homes, two gateways, four PoPs, three regions, and exits on five cables."""
    rng = np.random.default_rng(seed)
    kinds = {"g0": "gateway", "g1": "gateway", **{f"p{i}": "pop" for i in range(4)},
             **{f"r{i}": "region" for i in range(3)}}  # fmt: skip
    links = [("back", "h0", "h1", 1000.0, 1.0)]
    links += [(f"up{i}", f"h{i}", f"g{i}", float(rng.integers(30, 60)), 1.0) for i in range(2)]
    links += [(f"cross{i}", f"h{i}", f"g{1 - i}", 40.0, 3.0) for i in range(2)]
    pairs = [(g, p) for g in range(2) for p in range(4) if rng.random() < 0.8 or p == g]
    links += [(f"e{g}{p}", f"g{g}", f"p{p}", float(rng.integers(8, 25)), 5.0 + p)
              for g, p in pairs]  # fmt: skip
    links += [(f"o{i}", f"p{i}", f"p{(i + 1) % 4}", float(rng.integers(4, 12)), 9.0)
              for i in range(4)]  # fmt: skip
    links += [(f"a{r}{p}", f"p{p}", f"r{r}", 500.0, 50.0 + p)
              for r in range(3) for p in {r, (r + 1) % 4}]  # fmt: skip
    network = make_tiny(*links, **kinds)
    cables = {}
    for g, p in pairs:
        chosen = rng.choice(5, size=rng.integers(1, 3), replace=False)
        part = float(rng.choice([0.3, 0.5, 0.6])) if len(chosen) == 2 else 1.0
        shares = {f"c{chosen[0]}": part}
        if len(chosen) == 2:
            shares[f"c{chosen[1]}"] = 1.0 - part
        cables[f"e{g}{p}"] = {"cables": shares}
    network = network.with_links(cables)
    figures = {
        f"c{i}": FailureFigures(mtbf_h=100.0, mttr_h=float(rng.integers(3, 40))) for i in range(5)
    }
    figures = {name: each for name, each in figures.items() if name in network.cables}
    about = replace(network.about, reliability=Reliability(elements=figures))
    rows = [(f"h{h}", f"r{r}") for h in range(2) for r in range(3)]
    rows += [(b, a) for a, b in rows]
    source, target = zip(*rows, strict=True)
    gbps = rng.uniform(2.0, 9.0, len(rows))
    network = network.with_about(about)
    return network, Demands.of(network, source, target, gbps)


def vertices(base: np.ndarray, box: float, total: float) -> Iterator[np.ndarray]:
    """Yield all corners of a box with a limit on the sum."""
    low, high, most = (1 - box) * base, (1 + box) * base, total * base.sum()
    for full in itertools.product((False, True), repeat=len(base)):
        point = np.where(full, high, low)
        if point.sum() <= most + 1e-12:
            yield point
            for i in np.flatnonzero(~np.array(full)):
                room = most - point.sum()
                if room < high[i] - low[i]:
                    yield point + room * np.eye(len(base))[i]


def sets_of(network: Network, elements, least: float) -> Iterator[list]:
    """Yield all sets of elements that are down together with such a probability."""
    q = [each.unavailability for each in elements]
    for count in range(len(elements) + 1):
        for chosen in itertools.combinations(range(len(elements)), count):
            if np.prod([q[i] for i in chosen]) >= least * (1 - 1e-12):
                yield [elements[i] for i in chosen]


def flow_graph(network: Network, way: str, homes: set[str]) -> nx.DiGraph:
    """Return the graph of one direction, all homes one source, as if traffic went out."""
    graph = nx.DiGraph()
    for arc in np.flatnonzero(network.up & (network.capacity_gbps > 0)):
        ends = [network.nodes[network.tail[arc]], network.nodes[network.head[arc]]]
        a, b = ends if way == "out" else ends[::-1]
        abroad = [network.is_abroad[network.node_index[node]] for node in (a, b)]
        stub = network.is_stub[network.node_index[a]]
        if (abroad[0] and not abroad[1]) or (stub and abroad[0]):
            continue
        gateways = {network.nodes[i] for i in network.gateways} - homes
        a, b = (n if network.is_abroad[network.node_index[n]] or n in gateways else "home"
                for n in (a, b))  # fmt: skip
        if a != b:
            before = graph.edges[a, b]["capacity"] if graph.has_edge(a, b) else 0.0
            graph.add_edge(a, b, capacity=before + float(network.capacity_gbps[arc]))
    return graph


def carried(graph: nx.DiGraph, by_region: dict[str, float]) -> float:
    """Return the most that any routing carries."""
    asked = graph.copy()
    for region, gbps in by_region.items():
        asked.add_edge(region, "sink", capacity=gbps)
    if "home" not in asked:
        return 0.0
    return float(nx.maximum_flow_value(asked, "home", "sink"))
