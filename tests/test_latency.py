"""Latency by volume over paths, and its three parts: distance, waiting, full buffers."""

import numpy as np
import pytest
from conftest import make_random_case, make_tiny
from helpers import asks, case_of, play, static, two_exits

import simulator as sim
from simulator.model.hops import Hops
from simulator.model.link_state import QosPolicy, deferred, link_state
from simulator.model.path_flows import path_flows
from simulator.model.schedule import scheduled_link_state
from simulator.queues.burst import Burst
from simulator.queues.none import NoQueue
from simulator.queues.queue import waits
from simulator.results.statistics import weighted_quantiles
from simulator.routing.scheme import scheme

pytestmark = pytest.mark.usefixtures("no_headroom")
BELOW = "latency_below_capacity_ms"
SCHEMES = ["igp_ecmp", "weighted_split", "nearest_exit", "min_latency", "hedged"]


def test_half_of_a_demand_on_either_way():
    network = make_tiny(
        ("ab", "A", "B", 1000.0, 2.0, 10.0), ("am", "A", "M", 1000.0, 1.0, 90.0),
        ("mb", "M", "B", 1000.0, 1.0, 10.0),
    )  # fmt: skip
    got = play(case_of(network, asks(network, ("A", "B", 10.0)), static()))
    for name in ("latency_ms", BELOW):
        found = [got.figure(f"{name}_{which}") for which in ("p50", "p95", "p99", "mean")]
        assert found == pytest.approx([10.0, 100.0, 100.0, 55.0])


def walked(routes, network, state, queue, k, share, path, t):
    """Volume, propagation, waits and whether a link is full, of one path at one instant."""
    rho = np.nan_to_num(state.utilisation[list(path), t])
    whole = queue.wait_ms(rho, state.capacity_gbps[list(path)])
    passes = state.parts[0].passes[list(path), t].prod()
    full = rho >= 1 - 1e-9
    below = np.where(full, 0.0, np.minimum(whole, 5.0)).sum()
    fixed = network.delay_ms[list(path)].sum()
    return state.rates_gbps[k, t] * share * passes, fixed, below, whole.sum() - below, full.any()


def all_of(flows, name):
    """One quantity of all paths at all instants, whether it is kept for all of them or for some."""
    if hasattr(flows, name):
        return np.broadcast_to(getattr(flows, name), flows.gbps.shape)
    whole = np.zeros(flows.gbps.shape)
    if flows.rest is not None:
        whole[flows.rest.which] = getattr(flows.rest, name)
    return whole


def as_demands_say(flows, state, rtol):
    """What arrives, and its mean latency, is path by path what it is demand by demand."""
    got, spent = np.zeros_like(state.rates_gbps), np.zeros_like(state.rates_gbps)
    for each in flows:
        np.add.at(got, (each.demand[:, None], each.instant), each.gbps)
        whole = each.propagation_ms + each.queueing_ms + all_of(each, "full_ms")
        np.add.at(spent, (each.demand[:, None], each.instant), each.gbps * whole)
    np.testing.assert_allclose(got, state.delivered_gbps, rtol=1e-9, atol=1e-12)
    latency = np.nan_to_num(state.latency_ms) * state.delivered_gbps
    np.testing.assert_allclose(spent, latency, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("kind", SCHEMES)
@pytest.mark.parametrize("seed", [0, 10, 30])
@pytest.mark.parametrize("load", [0.2, 2.0])
def test_path_flows_are_those_of_every_path_walked(kind, seed, load):
    network, demands = make_random_case(seed, "small")
    queue = Burst()
    rates = demands.gbps[:, None] * load * np.array([0.5, 1.0, 2.0])
    routes = [scheme[kind]().route(network, demands)] * 3
    state = scheduled_link_state(routes, network, rates, queue)
    flows = list(path_flows(routes, network, state, queue))
    expected = [
        walked(routes[0], network, state, queue, k, share, path, t)
        for t in range(3)
        for k, share, path in routes[0].paths()
    ]
    expected = np.array([row for row in expected if row[0] > 0])
    for column, name in enumerate(("gbps", "propagation_ms", "queueing_ms", "full_ms", "full")):
        found = np.concatenate([all_of(each, name).ravel() for each in flows])
        weight = np.concatenate([each.gbps.ravel() for each in flows])
        first = np.sort((found * (weight if column else 1.0))[weight > 0])
        second = np.sort(expected[:, column] * (expected[:, 0] if column else 1.0))
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9)
    as_demands_say(flows, state, 1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_elastic_and_urgent_traffic_path_by_path(seed):
    rng = np.random.default_rng(seed)
    network, demands = make_random_case(seed, "small")
    rates = demands.gbps[:, None] * np.array([1.0, 3.0])
    treated = QosPolicy(rng.integers(0, 3, len(demands)), rng.random(len(demands)) < 0.5)
    routes = scheme["weighted_split"]().route(network, demands)
    state = link_state(routes, network, rates, Burst(), treated)
    as_demands_say(path_flows([routes] * 2, network, state, Burst()), state, 1e-6)


def test_quantiles_are_those_of_paths_weighed_by_volume():
    network, demands = make_random_case(12, "small")
    queue = Burst()
    routes = scheme["igp_ecmp"]().route(network, demands)
    got = play(case_of(network, demands, static(), queue=queue, hours=0.1, step_s=120.0))
    state = link_state(routes, network, demands.gbps[:, None], queue)
    rows = [walked(routes, network, state, queue, *path, 0) for path in routes.paths()]
    volume, fixed, below, full, _ = np.array(rows, dtype=float).T
    for name, latency in ((BELOW, fixed + below), ("latency_ms", fixed + below + full)):
        expected = weighted_quantiles(latency, volume, [0.5, 0.95, 0.99])
        found = [got.figure(f"{name}_p{percent}") for percent in (50, 95, 99)]
        assert found == pytest.approx(expected, abs=1e-3)
        assert got.figure(f"{name}_mean") == pytest.approx(latency @ volume / volume.sum())


def test_too_many_paths_are_told_and_taken_by_demand(monkeypatch):
    network, demands = make_random_case(30, "small")
    many = play(case_of(network, demands, static(), queue=Burst()))
    assert many.figure("unlisted_fraction") == 0.0
    monkeypatch.setattr(Hops, "listed", None)
    few = play(case_of(network, demands, static(), queue=Burst()))
    assert few.figure("unlisted_fraction") == pytest.approx(1.0)
    for name in (f"{BELOW}_mean", "latency_ms_mean", "full_buffer_ms_mean"):
        assert few.figure(name) == pytest.approx(many.figure(name), rel=1e-9), name


# -- full buffers -------------------------------------------------------------------------------


def busy(buffer_ms, gbps=(50.0, 93.0, 120.0)):
    """Three hours over the near exit: half full, nearly full, overfull."""
    from test_control import Listed

    network = two_exits()
    demands = asks(network, ("home", "abroad", 1.0))
    queue = Burst(burst_ms=0.5, buffer_ms=buffer_ms)
    case = case_of(network, demands, static(), hours=3.0, step_s=3600.0, queue=queue,
                   shapes=[Listed(list(gbps))])  # fmt: skip
    return play(case)


def test_the_headline_does_not_move_with_buffers_and_the_total_says_how_it_does():
    runs = {ms: busy(ms) for ms in (5.0, 50.0, 200.0)}
    still = [f"{BELOW}_{which}" for which in ("mean", "p50", "p95", "p99")]
    still += ["propagation_ms_mean", "queueing_below_capacity_ms_mean", "full_buffer_fraction"]
    still += ["full_buffer_hours", "latency_ms_mean_buffer_5ms", "latency_ms_mean_buffer_200ms"]
    for name in still:
        assert len({run.figure(name) for run in runs.values()}) == 1, name
    for ms in (5.0, 200.0):
        told = runs[50.0].figure(f"latency_ms_mean_buffer_{ms:.0f}ms")
        assert told == pytest.approx(runs[ms].figure("latency_ms_mean"), rel=1e-12)
    assert len({run.figure("latency_ms_mean") for run in runs.values()}) == 3


def test_three_parts_by_hand():
    got = busy(50.0)
    volume = np.array([50.0, 93.0, 100.0])
    rho = volume[:2] / 100
    hop = 0.5 * (volume / 1000) / (1 - volume / 1000)  # the wide link before the exit
    hop[2] = 0.5 * 0.12 / 0.88
    below = np.append(0.5 * rho / (1 - rho), 0.0).clip(max=5.0)
    rest = np.array([0.0, 0.5 * 0.93 / 0.07 - 5.0, 50.0])
    weight = volume / volume.sum()
    assert got.figure("propagation_ms_mean") == pytest.approx(11.0)
    assert got.figure("queueing_below_capacity_ms_mean") == pytest.approx(weight @ (below + hop))
    assert got.figure("full_buffer_ms_mean") == pytest.approx(weight @ rest)
    assert got.figure("queueing_ms_mean") == pytest.approx(weight @ (below + hop + rest))
    assert got.figure("full_buffer_fraction") == pytest.approx(weight[2])
    assert got.figure("full_buffer_hours") == pytest.approx(1.0)
    parts = ("propagation_ms_mean", "queueing_below_capacity_ms_mean", "full_buffer_ms_mean")
    assert sum(map(got.figure, parts)) == pytest.approx(got.figure("latency_ms_mean"))


def test_waits_without_a_buffer():
    found = waits(NoQueue(), np.array([[0.5, 1.2], [np.nan, np.nan]]), np.array([[1.0], [0.0]]))
    assert not found.below_ms.any() and not found.most_ms.any()
    assert found.full.tolist() == [[False, True], [False, False]]
    assert found.pressed.tolist() == [False, True]


# -- deferral -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "lost", "held"), [(0.0, 50.0, 0.0), (0.2, 20.0, 30.0), (0.9, 0.0, 50.0)]
)
def test_elastic_traffic_yields_first(share, lost, held):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 150.0))
    routes = scheme["igp_ecmp"]().route(network, demands)
    state = deferred(link_state(routes, network, demands.gbps[:, None], NoQueue()), share)
    assert (state.rates_gbps - state.sent_gbps)[0, 0] == pytest.approx(held)
    assert (state.sent_gbps - state.delivered_gbps)[0, 0] == pytest.approx(lost)
    assert state.utilisation.max() == pytest.approx(1.5)


@pytest.mark.slow
def test_the_headline_of_the_national_backbone_does_not_move_with_buffers(tmp_path):
    told = {}
    for ms in (5.0, 50.0, 200.0):
        queue = {"kind": "burst", "burst_ms": 0.5, "buffer_ms": ms}
        changes = {"replications": 1, "step_s": 3600, "queue": queue}
        run = sim.run(sim.load("igp-against-ideal").with_changes(changes), out=tmp_path / f"{ms:g}")
        for metric in (f"{BELOW}_mean", f"{BELOW}_p95", "latency_ms_mean"):
            for strategy in run.strategies:
                value = run.figure(strategy, metric, "international_in")
                told.setdefault((strategy, metric), []).append(value)
    for strategy in ("igp", "sdn-ideal"):
        assert (
            len({*told[strategy, f"{BELOW}_mean"]}) == len({*told[strategy, f"{BELOW}_p95"]}) == 1
        )
    assert np.ptp(told["igp", "latency_ms_mean"]) > 50
