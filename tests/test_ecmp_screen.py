"""Screening by what each failure changes, against routing from nothing for every failure."""

import numpy as np
import pytest
from conftest import make_tiny
from hypothesis import given, settings
from hypothesis import strategies as st
from law_networks import CASES

from simulator.model.demands import Demands
from simulator.paths import ecmp_screen
from simulator.paths.ecmp_screen import EcmpScreen
from simulator.routing.igp_ecmp import IgpEcmp

#: Of the largest load.
NEAR = 3e-12


def each_link(network):
    return np.repeat(np.eye(len(network.links), dtype=bool), 2, axis=1)


def each_node(network):
    nodes = np.arange(len(network.nodes))[:, None]
    return (network.tail == nodes) | (network.head == nodes)


def some_arcs(network, count, rng):
    """Sets of one to five arcs, each direction for itself."""
    down = np.zeros((count, len(network.tail)), dtype=bool)
    for row in down:
        row[rng.choice(len(row), size=min(len(row), int(rng.integers(1, 6))), replace=False)] = True
    return down


def assert_as_routed_anew(network, demands, down, found):
    total = max(demands.gbps.sum(), 1e-12)
    for case, dead in enumerate(down):
        hurt = network.under(up=network.up & ~dead)
        routes = IgpEcmp().route(hurt, demands)
        load, (share, delay) = routes.loads(demands.gbps), routes.arrivals(network.delay_ms)
        limit = NEAR * max(load.max(), 1e-12)
        np.testing.assert_allclose(found.load_gbps[case], load, rtol=0, atol=limit)
        unserved = float((1.0 - share) @ demands.gbps)
        assert found.unserved_gbps[case] == pytest.approx(unserved, abs=NEAR * total)
        assert found.served_share[case] == pytest.approx(1.0 - unserved / total, abs=NEAR)
        gbps_ms = float(np.where(share > 0, delay, 0.0) @ (share * demands.gbps))
        assert found.gbps_ms[case] == pytest.approx(gbps_ms, rel=NEAR)
        if total - unserved > 1e-9:
            assert found.latency_ms[case] == pytest.approx(gbps_ms / (total - unserved), rel=NEAR)
        cut = np.flatnonzero((share < 0.5) & (demands.gbps > 0))
        np.testing.assert_array_equal(np.sort(found.cut_demand[found.cut_case == case]), cut)


@pytest.mark.parametrize("name", CASES)
def test_every_failure_is_as_routed_anew(name):
    network, demands = CASES[name]()
    rng = np.random.default_rng(len(name))
    down = np.concatenate([each_link(network), each_node(network), some_arcs(network, 20, rng)])
    down = down[rng.permutation(len(down))[:40]]
    assert_as_routed_anew(network, demands, down, EcmpScreen(network, demands).cases(down))


@st.composite
def networks(draw):
    """A small network of any shape, with bridges, stubs, ties, parallel and one-way links."""
    count = draw(st.integers(2, 7))
    nodes = [f"n{i}" for i in range(count)]
    kinds = {node: draw(st.sampled_from(["core", "core", "provincial"])) for node in nodes}
    links = [
        (f"l{i}", *draw(st.permutations(nodes))[:2], 10.0, draw(st.sampled_from([1.0, 2.0, 0.3])))
        for i in range(draw(st.integers(1, 12)))
    ]
    network = make_tiny(*links, **kinds)
    down = draw(st.lists(st.integers(0, 2 * len(links) - 1), max_size=2))
    up = network.up.copy()
    up[down] = False
    pairs = [(a, b) for a in network.nodes for b in network.nodes if a != b]
    source, target = zip(*draw(st.lists(st.sampled_from(pairs), min_size=1)), strict=True)
    gbps = [draw(st.sampled_from([0.0, 1.0, 2.5, 1e6])) for _ in source]
    return network.under(up=up), Demands.of(network, source, target, gbps)


@settings(max_examples=150, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1))
def test_any_network_and_any_set_of_arcs(case, seed):
    network, demands = case
    down = some_arcs(network, 12, np.random.default_rng(seed))
    assert_as_routed_anew(network, demands, down, EcmpScreen(network, demands).cases(down))


def test_batches_of_any_size_find_the_same(monkeypatch):
    network, demands = CASES["random medium 10"]()
    down = each_node(network)
    whole = EcmpScreen(network, demands).cases(down)
    monkeypatch.setattr(ecmp_screen, "CELLS", 3 * len(network.nodes))
    parts = EcmpScreen(network, demands).cases(down)
    np.testing.assert_allclose(parts.load_gbps, whole.load_gbps, rtol=0, atol=1e-12)
    cut = [set(zip(each.cut_case, each.cut_demand, strict=True)) for each in (whole, parts)]
    assert cut[0] == cut[1] and cut[0]


def test_no_failure_and_no_case():
    network, demands = CASES["random small 0"]()
    screen = EcmpScreen(network, demands)
    load = IgpEcmp().route(network, demands).loads(demands.gbps)
    nothing = screen.cases(np.zeros((1, len(network.tail)), dtype=bool))
    np.testing.assert_allclose(nothing.load_gbps[0], load, rtol=1e-12, atol=1e-12)
    assert screen.cases(np.zeros((0, len(network.tail)), dtype=bool)).load_gbps.shape[0] == 0


def test_by_hand():
    # a to d two ways of two hops, evenly; without a-b all goes by c, and c-d stands alone.
    network = make_tiny(
        ("ab", "a", "b", 10),
        ("bd", "b", "d", 10, 1.0, 4.0),
        ("ac", "a", "c", 10),
        ("cd", "c", "d", 10),
    )
    demands = Demands.of(network, ["a", "b"], ["d", "d"], [8.0, 2.0])
    found = EcmpScreen(network, demands).cases(each_link(network))
    there = found.load_gbps[:, ::2]
    np.testing.assert_allclose(there[0], [0, 2, 8, 8])
    np.testing.assert_allclose(there[2], [8, 10, 0, 0])
    # bd down: b goes back to a, and all by c.
    np.testing.assert_allclose(found.load_gbps[1], [0, 2, 0, 0, 10, 0, 10, 0])
    assert found.latency_ms[0] == pytest.approx((8 * 2 + 2 * 4) / 10)
    both = np.zeros((1, 8), dtype=bool)
    both[0, [2, 6]] = True  # towards d
    cut = EcmpScreen(network, demands).cases(both)
    assert cut.unserved_gbps[0] == 10.0 and cut.served_share[0] == 0.0
    assert np.isnan(cut.latency_ms[0]) and not cut.load_gbps.any()
