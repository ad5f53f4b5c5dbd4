"""Pieces: traffic moves in prefix groups, and splits are multiples of a table entry."""

import numpy as np
import pytest
from conftest import built_in, make_random_case
from helpers import asks, case_of, play, sdn, static, two_exits

from simulator.control.granularity import in_pieces
from simulator.control.settings import Pieces
from simulator.model.demands import INTERNATIONAL
from simulator.model.routes import Routes
from simulator.model.zipf import zipf_sizes
from simulator.routing.scheme import scheme


def test_sizes_follow_zipf():
    assert zipf_sizes(4, 0.0) == pytest.approx([0.25] * 4)
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert zipf_sizes(4, 1.0) == pytest.approx(
        [1 / harmonic, 1 / 2 / harmonic, 1 / 3 / harmonic, 1 / 4 / harmonic]
    )


def split(network, demands, near):
    """Routes that send a share of every demand by the near exit."""
    by_exit = []
    for exit_, share in (("near", near), ("far", 1.0 - near)):
        other = {"near": "far", "far": "near"}[exit_]
        way = scheme.make("min_latency").route(network.failed(links=[other]), demands)
        by_exit += [(k, share, arcs) for k, _, arcs in way.paths()]
    arcs = [arc for *_, path in by_exit for arc in path]
    return Routes.from_paths(
        network,
        len(demands),
        np.array([k for k, *_ in by_exit]),
        np.array([share for _, share, _ in by_exit]),
        np.array(arcs),
        np.cumsum([0, *(len(path) for *_, path in by_exit)]),
    )


@pytest.mark.parametrize(
    ("pieces", "near"),
    [
        (Pieces(count=1, skew=0.0), 1.0),
        (Pieces(count=2, skew=0.0), 0.5),
        (Pieces(count=4, skew=0.0), 0.75),
        (Pieces(count=5, skew=0.0), 0.6),
        (Pieces(count=10, skew=0.0), 0.7),
    ],
)
def test_a_split_is_a_multiple_of_an_entry(pieces, near):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 100.0))
    routes = in_pieces(split(network, demands, 0.68), demands, pieces)
    assert routes.loads(demands.gbps)[2 * network.link_index["near"]] == pytest.approx(100 * near)
    assert routes.served == pytest.approx([1.0])


def test_groups_by_hand():
    # Groups of 6/11, 3/11 and 2/11. Of 0.6 and 0.4 the first goes near (0.055 left), then 0.4 is
    # the largest due, 0.127 after the second, so that the third goes far as well.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 110.0))
    routes = in_pieces(split(network, demands, 0.6), demands, Pieces(count=3, skew=1.0))
    assert routes.loads(demands.gbps)[2 * network.link_index["near"]] == pytest.approx(60.0)


def test_errors_of_demands_make_each_other_good():
    # Four equal demands, each split in halves, that cannot be split: two go each way.
    network = two_exits()
    demands = asks(
        network, ("home", "abroad", 10.0), ("gw-near", "abroad", 10.0), ("home", "abroad", 10.0)
    )
    demands = demands.take(np.array([0, 2, 0, 2]))
    routes = in_pieces(split(network, demands, 0.5), demands, Pieces(count=1))
    assert routes.loads(demands.gbps)[2 * network.link_index["near"]] == pytest.approx(20.0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("skew", [0.0, 1.0])
def test_shares_are_sums_of_pieces_and_all_is_served(seed, skew):
    network, demands = make_random_case(seed)
    free = scheme.make("min_max").route(network, demands)
    pieces = Pieces(count=5, skew=skew)
    routes = in_pieces(free, demands, pieces)
    assert routes.served == pytest.approx(free.served, abs=1e-9)
    sizes = zipf_sizes(pieces.count, pieces.skew)
    sums = [sum(sizes[i] for i in range(5) if mask >> i & 1) for mask in range(32)]
    free_ways = {(k, arcs) for k, _, arcs in free.paths()}
    for k, share, arcs in routes.paths():
        assert (k, arcs) in free_ways, "no way that the free splits do not use"
        assert min(abs(share - each) for each in sums) < 1e-9


@pytest.mark.parametrize("skew", [0.0, 1.0])
def test_the_finer_the_pieces_the_nearer_the_free_splits(skew):
    network, demands = built_in("china169-2017")
    demands = demands.take(demands.of_class(INTERNATIONAL))
    free = scheme.make("min_latency", utilisation_cap=0.8, classes=("exit",)).route(
        network, demands
    )
    exits = np.concatenate([*network.exit_arcs.values()])
    best = free.loads(demands.gbps)[exits] / network.capacity_gbps[exits]
    off = []
    for count in (1, 4, 16, 64, 256):
        routes = in_pieces(free, demands, Pieces(count=count, skew=skew))
        load = routes.loads(demands.gbps)[exits] / network.capacity_gbps[exits]
        off.append(float(np.abs(load - best).max()))
    assert off[0] > 1e-3, "whole demands should not fit as well"
    assert off[-1] < off[0] / 10 and off[-1] < 1e-3
    assert off[2] < off[0]


def test_in_a_scenario_pieces_cost_something_that_falls_as_they_shrink():
    # 150 Gbps over two exits of 100: the least MLU is 0.75; one piece overloads one exit.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    peak = {}
    for count in (1, 2, 3, 64):
        control = {"pieces": {"count": count, "skew": 0.0}, "install_s": 0.0, "compute_s": 0.0}
        got = play(case_of(network, demands, {"it": sdn("min_max", **control), "s": static()}))
        peak[count] = got.figure("mlu_peak", strategy="it")
    assert peak[1] == pytest.approx(1.5) and peak[2] == pytest.approx(0.75)
    assert peak[3] == pytest.approx(1.0) and peak[64] == pytest.approx(0.75)
