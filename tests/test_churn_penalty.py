"""A churn penalty: flow moves only where that is worth it, and the proof counts what it costs."""

import numpy as np
import pytest
from conftest import built_in, make_random_case
from helpers import asks, two_exits

from simulator.model.demands import INTERNATIONAL
from simulator.routing.scheme import scheme

pytestmark = pytest.mark.usefixtures("no_headroom")

#: Schemes that take a penalty, with options under which they have something to weigh.
PAYING = {
    "min_latency": {"utilisation_cap": 0.9},
    "min_max": {},
    "congestion_cost": {},
    "semi_oblivious": {},
}


def made(kind, penalty_ms, **options):
    return scheme.make(kind, churn_penalty_ms=penalty_ms, **{**PAYING[kind], **options})


def drifted(demands, seed, sigma=0.15):
    noise = np.random.default_rng(seed).standard_normal(len(demands))
    return demands.with_gbps(demands.gbps * np.exp(sigma * noise))


@pytest.mark.parametrize("kind", PAYING)
def test_without_a_penalty_the_past_does_not_matter(kind):
    network, demands = make_random_case(3)
    current = made(kind, 0.0).route(network, drifted(demands, 1))
    with_past = made(kind, 0.0).route(network, demands, current)
    without = made(kind, 0.0).route(network, demands)
    assert abs(with_past.matrix - without.matrix).max() == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_where_moving_costs_more_than_anything_nothing_moves(seed):
    network, demands = make_random_case(seed)
    # Room for the drift: routes made for more traffic stay feasible under a cap of one.
    busy = made("min_max", 0.0).route(network, demands)
    scale = 0.6 / busy.certificate.mlu
    demands = demands.with_gbps(demands.gbps * scale)
    current = made("min_latency", 0.0, utilisation_cap=0.7).route(network, demands)
    later = drifted(demands, seed)
    load = current.loads(later.gbps)[network.up] / network.capacity_gbps[network.up]
    cap = float(max(load.max(), 0.7)) * 1.001
    routes = made("min_latency", 1e5, utilisation_cap=cap).route(network, later, current)
    assert routes.moved(current, later.gbps).gbps < 1e-6 * later.gbps.sum()
    free = made("min_latency", 0.0, utilisation_cap=cap).route(network, later, current)
    assert routes.certificate.gap < 1e-6 and free.certificate.gap < 1e-6


@pytest.mark.parametrize(("penalty_ms", "stays"), [(10.9, False), (11.1, True)])
def test_a_gbps_moves_if_it_saves_more_than_the_penalty(penalty_ms, stays):
    # By way of the near exit it takes 11 ms, by the far one 22 ms.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    current = scheme.make("min_latency").route(network.failed(links=["near"]), demands)
    routes = made("min_latency", penalty_ms).route(network, demands, current)
    moved = routes.moved(current, demands.gbps)
    assert moved.gbps == pytest.approx(0.0 if stays else 50.0)
    expected = 50 * 22.0 if stays else 50 * (11.0 + penalty_ms)
    assert routes.certificate.objective == pytest.approx(expected)
    assert routes.certificate.bound == pytest.approx(expected)


def test_only_what_has_to_move_moves():
    # 120 Gbps far away; a cap of 0.8 leaves 80 there. The rest comes home at any penalty.
    network = two_exits(far=200.0)
    demands = asks(network, ("home", "abroad", 120.0))
    current = scheme.make("min_latency").route(network.failed(links=["near"]), demands)
    full = network.under(capacity_gbps=np.where(network.capacity_gbps == 200.0, 100.0, 1000.0))
    routes = made("min_latency", 1e4, utilisation_cap=0.8).route(full, demands, current)
    far = 2 * network.link_index["far"]
    assert routes.loads(demands.gbps)[far] == pytest.approx(80.0)
    assert routes.moved(current, demands.gbps).gbps == pytest.approx(40.0)
    assert routes.certificate.objective == pytest.approx(80 * 22.0 + 40 * (11.0 + 1e4))
    assert routes.entries.tolist() == [2], "a way that is kept and one that is taken up"


@pytest.mark.parametrize("kind", PAYING)
@pytest.mark.parametrize("seed", range(4))
def test_the_dearer_moving_is_the_less_moves(kind, seed):
    network, demands = make_random_case(seed)
    current = made(kind, 0.0).route(network, demands)
    later = drifted(demands, seed, 0.3)
    moved = []
    for penalty_ms in (0.0, 0.5, 5.0, 50.0, 5000.0):
        routes = made(kind, penalty_ms).route(network, later, current)
        moved.append(routes.moved(current, later.gbps).gbps)
        if kind != "semi_oblivious":  # its gap is what the choice of paths costs
            assert routes.certificate.gap < 1e-6
        assert routes.served == pytest.approx(current.served, abs=1e-9)
    # What is charged falls; what Routes.moved counts (the largest rise on one arc) nearly so.
    assert (np.diff(moved) <= 0.02 * later.gbps.sum()).all()
    assert moved[-1] < moved[0] or moved[0] < 1e-6 * later.gbps.sum()


def test_the_penalty_calms_the_exits_of_china169():
    network, demands = built_in("china169-2017")
    demands = demands.take(demands.of_class(INTERNATIONAL))
    churn = {}
    for penalty_ms in (0.0, 20.0):
        current, total = None, 0.0
        for cycle in range(6):
            now = drifted(demands, cycle, 0.05)
            routes = made("min_latency", penalty_ms, utilisation_cap=0.8, classes=("exit",)).route(
                network, now, current
            )
            total += 0.0 if current is None else routes.moved(current, now.gbps).gbps
            assert routes.certificate.gap < 1e-6
            current = routes
        churn[penalty_ms] = total
    assert churn[20.0] < 0.5 * churn[0.0]


def test_ways_that_are_gone_cost_nothing_to_leave():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    current = scheme.make("min_latency").route(network, demands)
    routes = made("min_latency", 100.0).route(network.failed(links=["near"]), demands, current)
    assert routes.served == pytest.approx([1.0])
    assert routes.loads(demands.gbps)[2 * network.link_index["far"]] == pytest.approx(50.0)


def test_no_path_is_slower_than_the_stretch_allows():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 120.0))
    for stretch_ms, far in ((10.9, 0.0), (11.1, 40.0)):
        routes = scheme.make("min_latency", utilisation_cap=0.8, stretch_ms=stretch_ms).route(
            network, demands
        )
        load = routes.loads(demands.gbps)
        assert load[2 * network.link_index["far"]] == pytest.approx(far, abs=1e-6)
        assert routes.served == pytest.approx([1.0])


@pytest.mark.parametrize("seed", range(5))
def test_stretch_on_any_network(seed):
    network, demands = make_random_case(seed)
    fastest = scheme.make("min_latency", utilisation_cap=1e6).route(network, demands)
    best = np.full(len(demands), np.inf)
    for k, _, arcs in fastest.paths():
        best[k] = min(best[k], network.delay_ms[list(arcs)].sum())
    for stretch_ms in (0.0, 5.0):
        routes = scheme.make("min_latency", utilisation_cap=0.3, stretch_ms=stretch_ms).route(
            network, demands
        )
        slow = [network.delay_ms[list(arcs)].sum() - best[k] for k, _, arcs in routes.paths()]
        assert max(slow) <= stretch_ms + 1e-6
        assert routes.served == pytest.approx(fastest.served)


def test_classes_have_stretch_limits_of_their_own():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 70.0), ("abroad", "home", 60.0))
    limits = {"international_in": 5.0}
    routes = scheme.make("min_latency", utilisation_cap=0.5, stretch_ms=limits).route(
        network, demands
    )
    load, far = routes.loads(demands.gbps), 2 * network.link_index["far"]
    # The 60 Gbps in have one exit, so that the least MLU is 0.6; the 70 out have two.
    assert load[far] == pytest.approx(10.0), "outbound traffic may go far"
    assert load[far + 1] == pytest.approx(0.0, abs=1e-6), "inbound traffic may not"
