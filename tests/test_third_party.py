"""Optima of public test cases: REPETITA scaled its demands so that the least MLU is 0.9.

The cases may not be shipped with the project; where they are absent the tests skip.
Source: Gay, Schaus and Vissicchio, REPETITA, arXiv 1710.08665.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import networkx as nx
import pytest

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.routing.min_max import MinMax

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "third_party" / "repetita"
CASES = sorted(FOLDER.glob("[iu]*/*.demands"))

pytestmark = pytest.mark.skipif(not CASES, reason="the REPETITA cases are not on this machine")


def lines(path: Path) -> list[str]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as stream:
        return stream.read().splitlines()


def network_of(path: Path) -> Network:
    """Read a ``.graph``: directed edges, paired back into links."""
    text = lines(path)
    graph = nx.MultiGraph()
    for place in range(int(text[0].split()[1])):
        graph.add_node(str(place), kind="core")
    begin = next(i for i, line in enumerate(text) if line.startswith("EDGES"))
    pairs: dict[tuple[int, int], tuple[list, list]] = {}
    for line in text[begin + 2 : begin + 2 + int(text[begin].split()[1])]:
        _, source, target, weight, capacity, delay_us = line.split()
        ends = (int(source), int(target))
        ways = pairs.setdefault((min(ends), max(ends)), ([], []))
        ways[ends[0] > ends[1]].append((float(capacity), float(weight), float(delay_us) / 1000))
    for (a, b), (there, back) in pairs.items():
        assert len(there) == len(back)
        for (capacity, metric, delay_ms), (other, *_) in zip(there, back, strict=True):
            order = graph.number_of_edges()
            graph.add_edge(
                str(a), str(b), key=f"link-{order}", order=order, a=str(a), b=str(b),
                capacity_gbps=capacity, capacity_ba_gbps=other, metric=metric, delay_ms=delay_ms,
            )  # fmt: skip
    return Network(graph, path.stem)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_least_mlu_is_the_published_one(path):
    network = network_of(path.with_name(f"{path.name.split('.')[0]}.graph"))
    rows = [line.split() for line in lines(path)[2:] if line.strip()]
    rates = [float(row[3]) for row in rows]
    demands = Demands.of(network, [row[1] for row in rows], [row[2] for row in rows], rates)
    certificate = MinMax().route(network, demands).certificate
    assert certificate.status == "optimal"
    assert 0.894 <= certificate.mlu <= 0.9001
    assert certificate.gap < 1e-6
