"""Link loads of equal-cost multipath against published ones, and against another engine's.

topohub publishes the load of every link under hop-count ECMP (Jurkiewicz, SoftwareX 24, 2023,
101540). Elsewhere the highest utilisation is compared, with that of the engine which made
``reference.json``; it gives topohub's loads, too.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import sources
import third_party
from numpy.testing import assert_allclose
from third_party import CASES, FOLDER, LARGE, ROUNDED, Case, join

from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import link_loads
from simulator.routing.igp_ecmp import IgpEcmp

pytestmark = third_party.needed

PUBLISHED = sorted((FOLDER / "topohub").glob("*_links.csv"))
DAYS = [case for case in CASES if "ecmp_mlu" in case.figures]
#: What the metrics are in each of the figures of a single matrix.
WEIGHTS = {"ecmp_hop_mlu": "hop", "ecmp_dist_mlu": "listed", "ecmp_mlu_given_weights": "listed"}


def test_all_published_loads_are_read():
    assert len(PUBLISHED) == 7
    assert sum(pd.read_csv(path).filter(like="ecmp").size for path in PUBLISHED) == 2616


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem.removesuffix("_links"))
@pytest.mark.reference(sources.THIRD_PARTY)
def test_the_load_of_every_link_is_the_published_one(path):
    links = pd.read_csv(path, dtype={"source": str, "target": str})
    graph = nx.MultiGraph()
    for link in links.itertuples():
        join(graph, link.source, link.target, 1.0)
    network = Network(graph, path.stem)
    degree = np.bincount(network.tail, minlength=len(network.nodes))
    source, target = np.nonzero(~np.eye(len(network.nodes), dtype=bool))
    names = np.array(network.nodes)
    demands = Demands.of(network, names[source], names[target], np.ones(len(source)))
    routes = IgpEcmp().route(network, demands)
    for kind, rates in {"uni": demands.gbps, "deg": degree[source] * degree[target]}.items():
        load = routes.loads(rates)
        percent = 100 * load / load.max()
        published = links[[f"ecmp_{kind}_fwd", f"ecmp_{kind}_bwd"]].to_numpy().ravel()
        # Rounded to 0.01; the one on the half, 28.125 in gabriel_25_0, is 28.12 there.
        assert_allclose(percent, published, rtol=0, atol=0.005 + 1e-9)


@pytest.mark.parametrize(
    ("case", "key"),
    [
        pytest.param(case, key, id=f"{case.name}-{key}")
        for case in CASES
        if case not in DAYS
        for key in case.figures
        if key.startswith("ecmp")
    ],
)
@pytest.mark.reference(sources.THIRD_PARTY)
def test_the_mlu_of_a_matrix(case: Case, key: str):
    network = case.network(WEIGHTS[key])
    demands = case.demands(network, case.rates.index[0])
    used = link_loads(IgpEcmp().route(network, demands), demands)["utilisation"]
    assert_allclose(used.max(), case.figures[key], rtol=0, atol=ROUNDED + 1e-9)


@pytest.mark.parametrize("unit", [0.1, 1 / 3, 1e-6])
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name, marks=[pytest.mark.slow] * (case.name in LARGE))
        for case in CASES
        if "ecmp_mlu_given_weights" in case.figures
    ],
)
def test_ways_of_equal_length_tie_in_any_unit(case: Case, unit: float):
    # Sums of fractions differ in their last bits: compared bit by bit, rf3967 would be off by 0.08.
    graph = nx.MultiGraph(case.network().graph)
    for *_, link in graph.edges(data=True):
        link["metric"] *= unit
    network = Network(graph, case.name)
    demands = case.demands(network, case.rates.index[0])
    used = link_loads(IgpEcmp().route(network, demands), demands)["utilisation"]
    expected = case.figures["ecmp_mlu_given_weights"]
    assert_allclose(used.max(), expected, rtol=0, atol=ROUNDED + 1e-9)


@pytest.mark.parametrize("weights", ["hop", "sndlib_cost"])
@pytest.mark.parametrize("case", DAYS, ids=lambda case: case.name)
@pytest.mark.reference(sources.THIRD_PARTY)
def test_the_mlu_all_day(case: Case, weights: str):
    assert set(case.figures["ecmp_mlu"]) == {"hop", "sndlib_cost"}
    network = case.network("hop" if weights == "hop" else "listed")
    routes = IgpEcmp().route(network, case.demands(network))
    loads = routes.loads(case.rates.to_numpy().T)
    used = (loads / network.capacity_gbps[:, None]).max(axis=0)
    assert len(used) == len(case.figures["ecmp_mlu"][weights])
    assert_allclose(used, case.figures["ecmp_mlu"][weights], **case.tolerance)
    assert_allclose(used.max(), case.figures["ecmp_mlu_max"][weights], **case.tolerance)
    assert_allclose(used.mean(), case.figures["ecmp_mlu_mean"][weights], **case.tolerance)
