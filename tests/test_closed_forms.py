"""Answers that stand in textbooks."""

import numpy as np
import pytest
import sources
from conftest import make_random_case, make_tiny
from helpers import asks, case_of, play, static, two_exits
from scipy.optimize import minimize_scalar

from simulator.model.demands import INTERNATIONAL, Demands
from simulator.results.intervals import interval
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.kleinrock import Kleinrock
from simulator.routing.min_max import MinMax
from simulator.routing.nearest_exit import NearestExit
from simulator.traffic.shapes.noise import Noise

TWO_LINKS = make_tiny(("one", "a", "z", 100.0, 1, 1.0), ("two", "a", "z", 25.0, 1, 1.0))


@pytest.mark.parametrize("gbps", [10.0, 49.9, 50.1, 60.0, 80.0, 100.0, 120.0, 124.0])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_two_links_obey_the_square_root_rule(gbps):
    """Kleinrock: the smaller link is used from C1 - sqrt(C1 C2) = 50 on, then by square roots."""
    demands = Demands.of(TWO_LINKS, ["a"], ["z"], [gbps])
    routes = Kleinrock(latency_weight=0.0, gap=1e-8).route(TWO_LINKS, demands)
    beyond = max(0.0, gbps - 50.0)
    smaller = beyond * np.sqrt(25.0) / (np.sqrt(100.0) + np.sqrt(25.0))
    load = routes.loads(demands.gbps)
    assert (load[0], load[2]) == pytest.approx((gbps - smaller, smaller), abs=1e-2)
    best = (gbps - smaller) / (100 - (gbps - smaller)) + smaller / (25 - smaller)
    alone = gbps / 100.0  # Psi: all of it over the larger link, empty
    assert routes.certificate.objective == pytest.approx(best / alone, rel=1e-7)
    assert routes.certificate.status == "optimal"


@pytest.mark.parametrize("seed", range(6))
def test_kleinrock_is_within_its_gap_of_any_mixture(seed):
    """No step from the answer towards another routing is downhill: the cost is convex."""
    network, demands = make_random_case(seed)
    demands = demands.take(demands.of_class(INTERNATIONAL))
    scheme = Kleinrock(latency_weight=0.0)
    fullest = MinMax().route(network, demands).certificate.mlu
    demands = demands.with_gbps(demands.gbps * 0.5 / fullest)
    answer = scheme.route(network, demands)
    assert 0 <= answer.certificate.gap <= 1e-6
    assert answer.certificate.status == "optimal"
    here, full = answer.loads(demands.gbps), network.capacity_gbps
    live, compared = network.up & (full > 0), 0
    for other in (IgpEcmp(), MinMax(), NearestExit()):
        there = other.route(network, demands).loads(demands.gbps)
        if (there[live] > 0.98 * full[live]).any():
            continue

        def along(part, there=there):
            load = (here + part * (there - here))[live]
            return (load / (full[live] - load)).sum()

        best = minimize_scalar(along, bounds=(0.0, 1.0), method="bounded")
        assert along(0.0) <= best.fun * (1 + 2e-6)
        compared += 1
    assert compared


def test_intervals_cover_the_truth_95_times_in_a_hundred():
    rng = np.random.default_rng(11)
    for count in (2, 3, 5, 10):
        drawn = rng.normal(3.0, 2.0, (4000, count))
        covered = np.mean([low <= 3.0 <= high for _, low, high in map(interval, drawn)])
        assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000), count


@pytest.mark.slow
def test_intervals_of_a_run_cover_the_truth():
    """The mean use of an exit by noisy traffic of a known mean, from four replications."""
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    covered = []
    for seed in range(300):
        case = case_of(network, demands, static(), hours=6.0, step_s=3600.0,
                       shapes=[Noise(sigma=0.2, correlation_h=0.0)], seed=seed)  # fmt: skip
        means = [
            play(case, replication).figure("exit_utilisation_mean", "exit:near:out")
            for replication in range(4)
        ]
        _, low, high = interval(np.array(means))
        covered.append(low <= 0.5 <= high)
    assert abs(np.mean(covered) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / len(covered))
