"""Services: how traffic is parted, who is carried first, who slows down, and what is told of it."""

import filecmp
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import make_random_case, make_tiny
from helpers import asks, case_of, path_routes, play, sdn, static, two_exits

import simulator as sim
from simulator.base.errors import InputError
from simulator.control.settings import Coverage
from simulator.model.demands import Demands
from simulator.model.link_state import QosPolicy, link_state
from simulator.model.recording import Playback, Recording
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.optimise.multicommodity import limited_to
from simulator.queues.burst import Burst
from simulator.queues.none import NoQueue
from simulator.recording.tally import Groups
from simulator.routing.route import route
from simulator.routing.scheme import scheme as schemes
from simulator.traffic.services import Service, parted, qos, uneven
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise
from simulator.traffic.traffic import Series

HALVES = {"a": Service(share=0.5), "b": Service(share=0.5)}


def service(share, **more):
    return Service(share=share, **more)


def sent(routes, network, rates, levels, elastic=(), queue=None):
    """Flow at one instant; *elastic* are positions."""
    slow = np.isin(np.arange(len(rates)), elastic)
    rates = np.array(rates, dtype=float)[:, None]
    treated = QosPolicy(np.array(levels), slow)
    return link_state(routes, network, rates, queue or NoQueue(), treated)


# -- demands and how they are parted ------------------------------------------------------------


def both_ways():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0), ("abroad", "home", 20.0))
    return network, demands


SHARED = {
    "web": service(0.25),
    "bulk": service({"international_in": 0.25}),
    "video": service({"international_out": 0.75, "international_in": 0.5}),
}


def test_parts_by_demand_then_service_and_shares_by_class():
    _, demands = both_ways()
    parts, part_of = parted(demands, SHARED)
    assert parts.names == [
        "home>abroad:international_out:video",
        "home>abroad:international_out:web",
        "abroad>home:international_in:bulk",
        "abroad>home:international_in:video",
        "abroad>home:international_in:web",
    ]
    assert parts.gbps.tolist() == [7.5, 2.5, 5.0, 10.0, 5.0]
    assert part_of.tolist() == [0, 0, 1, 1, 1]


def test_the_order_of_services_changes_nothing():
    _, demands = both_ways()
    one, _ = parted(demands, SHARED)
    other, _ = parted(demands, dict(reversed(SHARED.items())))
    assert one.names == other.names
    assert one.gbps.tobytes() == other.gbps.tobytes()


def test_only_classes_that_have_demands_need_shares():
    network = two_exits()
    out = asks(network, ("home", "abroad", 1.0))
    assert not list(uneven(out, {"x": service({"international_out": 1.0})}))
    _, both = both_ways()
    assert list(uneven(both, {"x": service({"international_out": 1.0})})) == [
        ("international_in", 0)
    ]
    thirds = {name: service(1 / 3) for name in "abc"}
    assert not list(uneven(both, thirds)), "a third three times is one, but for rounding"
    assert list(uneven(both, {name: service(0.3333) for name in "abc"}))


def test_demands_keep_their_service():
    network, _ = both_ways()
    ends = ["home", "home"], ["abroad", "gw-near"]
    demands = Demands.of(network, *ends, [1.0, 2.0], service=["video", "bulk"])
    assert demands.frame()["service"].tolist() == ["video", "bulk"]
    assert "service" not in Demands.of(network, *ends, [1.0, 2.0]).frame()
    for changed in (
        demands.with_gbps(np.array([3.0, 4.0])),
        demands.scaled(2.0),
        demands.take(np.array([True, True])),
    ):
        assert changed.service.tolist() == ["video", "bulk"]
    assert demands.take([1]).names == ["home>gw-near:domestic:bulk"]
    assert demands.of_service(["bulk"]).tolist() == [False, True]
    with pytest.raises(ValueError, match="expected 2 services, found 1"):
        Demands.of(network, *ends, [1.0, 2.0], service=["video"])
    with pytest.raises(ValueError, match="no services"):
        Demands.of(network, *ends, [1.0, 2.0]).of_service(["video"])


# -- one level is what it was -------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["igp_ecmp", "nearest_exit", "lowest_latency_exit"])
@pytest.mark.parametrize("seed", range(4))
def test_services_of_one_priority_change_no_load_loss_or_latency(scheme, seed):
    network, demands = make_random_case(seed)
    services = {"x": service(0.2), "y": service(0.5, priority=0), "z": service(0.3)}
    parts, part_of = parted(demands, services)
    factors = np.array([0.3, 1.0, 3.0, 10.0])
    whole = link_state(
        route(scheme, network, demands), network, demands.gbps[:, None] * factors, Burst()
    )
    rates = parts.gbps[:, None] * factors
    routes = route(scheme, network, parts)
    treated = qos(parts, services)
    split = link_state(routes, network, rates, Burst(), treated)
    for name in ("offered_gbps", "carried_gbps", "utilisation", "wait_ms"):
        np.testing.assert_allclose(getattr(split, name), getattr(whole, name), rtol=1e-9, atol=1e-9)
    got = np.zeros_like(whole.delivered_gbps)
    np.add.at(got, part_of, split.delivered_gbps)
    np.testing.assert_allclose(got, whole.delivered_gbps, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(split.latency_ms, whole.latency_ms[part_of], rtol=1e-9)
    assert (whole.offered_gbps > whole.capacity_gbps[:, None]).any(), "something is lost"

    uniform = link_state(routes, network, rates, Burst())
    for name in (each for each in vars(uniform) if each != "passages"):
        assert getattr(split, name).tobytes() == getattr(uniform, name).tobytes(), name


@pytest.mark.parametrize("name", schemes.names())
def test_schemes_do_as_well_with_services(name):
    # Two services of a pair are two demands between the same ends; nothing is lost or won by that.
    for seed in range(2):
        network, demands = make_random_case(seed, "small")
        demands = demands.scaled(0.5)
        parts, _ = parted(demands, {"x": service(0.3), "y": service(0.7)})
        whole, split = route(name, network, demands), route(name, network, parts)
        assert split.served @ parts.gbps == pytest.approx(whole.served @ demands.gbps)
        if whole.certificate:
            assert split.certificate.objective == pytest.approx(whole.certificate.objective, 1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_level_without_traffic_changes_nothing(seed):
    # The same question by the other way of solving: some demands of no rate stand in a level apart.
    network, demands = make_random_case(seed)
    silent = np.arange(len(demands)) % 5 == 0
    rates = np.where(silent, 0.0, demands.gbps)[:, None] * np.array([0.5, 2.0, 8.0])
    routes = route("igp_ecmp", network, demands)
    plain = link_state(routes, network, rates, Burst())
    for first in (True, False):
        treated = QosPolicy(np.where(silent, 0, 1) if first else silent.astype(int), silent)
        levels = link_state(routes, network, rates, Burst(), treated)
        for name in ("offered_gbps", "carried_gbps", "delivered_gbps", "wait_ms", "utilisation"):
            np.testing.assert_allclose(getattr(levels, name), getattr(plain, name), rtol=1e-9)
        loud = ~silent
        np.testing.assert_allclose(levels.latency_ms[loud], plain.latency_ms[loud], rtol=1e-9)


# -- strict priority ----------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [(4.0, 3.0), (4.0, 9.0), (10.0, 3.0), (25.0, 3.0)])
def test_two_levels_on_one_link(first, second):
    network = make_tiny(("ab", "a", "b", 10.0))
    routes = path_routes(network, (1.0, ["a", "b"]), (1.0, ["a", "b"]))
    got = sent(routes, network, [second, first], [7, 2])
    ahead = min(first, 10.0)
    behind = min(second, 10.0 - ahead)
    assert got.delivered_gbps[:, 0] == pytest.approx([behind, ahead], abs=1e-12)
    assert got.offered_gbps[0, 0] == first + second
    assert got.carried_gbps[0, 0] == pytest.approx(ahead + behind)
    assert got.sent_gbps[:, 0].tolist() == [second, first], "who is not elastic sends all"


def test_what_the_first_level_loses_upstream_is_room_for_the_second():
    # ab keeps 40 of the first level's 80; bc, of 50, then has 10 left for the second level.
    network = make_tiny(("ab", "a", "b", 40.0), ("bc", "b", "c", 50.0))
    routes = path_routes(network, (1.0, ["a", "b", "c"]), (1.0, ["b", "c"]), (1.0, ["a", "b"]))
    got = sent(routes, network, [80.0, 60.0, 5.0], [0, 1, 1])
    assert got.delivered_gbps[:, 0] == pytest.approx([40.0, 10.0, 0.0])
    assert got.offered_gbps[[0, 2], 0].tolist() == [85.0, 100.0]


def test_a_level_waits_for_itself_and_those_above():
    # burst of 2 ms: 2 rho / (1 - rho) at rho of 0.2, and of 0.2 + 0.4; then the buffer is full.
    network = make_tiny(("ab", "a", "b", 100.0))
    routes = path_routes(network, *[(1.0, ["a", "b"])] * 3)
    got = sent(routes, network, [20.0, 40.0, 60.0], [0, 1, 2], queue=Burst(burst_ms=2.0))
    waits = [2 * 0.2 / 0.8, 2 * 0.6 / 0.4, 50.0]
    assert (got.latency_ms - got.propagation_ms)[:, 0] == pytest.approx(waits)
    mean = (20 * waits[0] + 40 * waits[1] + 40 * waits[2]) / 100
    assert got.wait_ms[0, 0] == pytest.approx(mean), "of a link: by what it carries"


# -- elastic ------------------------------------------------------------------------------------


def test_two_elastic_demands_share_by_what_they_ask():
    network = make_tiny(("ab", "a", "b", 45.0))
    routes = path_routes(network, (1.0, ["a", "b"]), (1.0, ["a", "b"]))
    got = sent(routes, network, [30.0, 60.0], [0, 0], [0, 1], Burst(buffer_ms=8.0))
    assert got.sent_gbps[:, 0] == pytest.approx([15.0, 30.0])
    assert got.delivered_gbps.tolist() == got.sent_gbps.tolist(), "nothing is lost"
    assert got.offered_gbps[0, 0] == pytest.approx(45.0), "a link is offered what is sent"
    assert got.latency_ms[:, 0] == pytest.approx([9.0, 9.0]), "they fill the buffer"
    room = sent(routes, network, [10.0, 20.0], [0, 0], [0, 1])
    assert room.sent_gbps[:, 0].tolist() == [10.0, 20.0]


def test_the_line():
    # Links of 1, 1 and 2; a long demand over all, a short one on each; all ask for 1. Max-min: the
    # first two links give a half to each, the long one leaves 3/2 on the third: its short has all.
    network = make_tiny(
        *((f"l{i}", f"n{i}", f"n{i + 1}", gbps) for i, gbps in enumerate((1, 1, 2)))
    )
    ways = [["n0", "n1", "n2", "n3"], ["n0", "n1"], ["n1", "n2"], ["n2", "n3"]]
    routes = path_routes(network, *((1.0, way) for way in ways))
    got = sent(routes, network, [1.0] * 4, [0] * 4, range(4))
    assert got.sent_gbps[:, 0] == pytest.approx([0.5, 0.5, 0.5, 1.0])
    # A short demand that asks for three times as much stands for three times as many flows.
    got = sent(routes, network, [1.0, 3.0, 1.0, 1.0], [0] * 4, range(4))
    assert got.sent_gbps[:, 0] == pytest.approx([0.25, 0.75, 0.75, 1.0])


def test_elastic_takes_what_others_leave():
    # 100: 30 goes first, then 50 that does not slow down, then 10 + 20 of what is left for 90.
    network = make_tiny(("ab", "a", "b", 100.0))
    routes = path_routes(network, *[(1.0, ["a", "b"])] * 5)
    rates, levels = [50.0, 30.0, 60.0, 30.0, 40.0], [1, 1, 1, 0, 2]
    got = sent(routes, network, rates, levels, [1, 2])
    assert got.sent_gbps[:, 0] == pytest.approx([50.0, 20 / 3, 40 / 3, 30.0, 40.0])
    assert got.delivered_gbps[:, 0] == pytest.approx([50.0, 20 / 3, 40 / 3, 30.0, 0.0], abs=1e-9)


def test_each_path_of_a_demand_slows_down_for_itself():
    # Half of 20 meets a link of 4, the other half of 20 has room.
    network = make_tiny(("thin", "a", "b", 4.0), ("wide", "a", "c", 99.0), ("cb", "c", "b", 99.0))
    routes = path_routes(network, (0.5, ["a", "b"]), (0.5, ["a", "c", "b"]), demand=[0, 0])
    got = sent(routes, network, [20.0], [0], [0])
    assert got.sent_gbps[0, 0] == pytest.approx(14.0)
    assert got.latency_ms[0, 0] == pytest.approx((4 * 1.0 + 10 * 2.0) / 14)


def test_elastic_without_a_way_defers_all():
    network = make_tiny(("ab", "a", "b", 10.0), ("bc", "b", "c", 10.0), ("de", "d", "e", 10.0))
    demands = asks(network, ("a", "c", 4.0), ("a", "e", 3.0))
    routes = route("igp_ecmp", network, demands)
    for now in (network, network.failed(links=["bc"])):
        got = sent(routes, now, demands.gbps, [0, 0], [0, 1])
        assert got.sent_gbps[:, 0].tolist() == [4.0 if now is network else 0.0, 0.0]
        assert got.offered_gbps[0, 0] == got.sent_gbps[0, 0], "nobody knocks at a dead link"


# -- a network: against a solver that shares nothing, and by what defines the answer ------------


def slow(paths, capacity, rates, priority, elastic):
    """Delivered by path, from loops over paths: a fixed point, and bottlenecks one by one."""
    left = dict(capacity)
    got = {}
    for now in sorted(set(priority)):
        rigid = [p for p in paths if priority[p[0]] == now and not elastic[p[0]]]
        kept = dict.fromkeys(capacity, 1.0)
        for _ in range(4000):
            load = dict.fromkeys(capacity, 0.0)
            for demand, share, arcs in rigid:
                rate = rates[demand] * share
                for arc in arcs:
                    load[arc] += rate
                    rate *= kept[arc]
            aim = {a: min(1.0, left[a] / load[a]) if load[a] > 0 else 1.0 for a in load}
            kept = {a: 0.7 * kept[a] + 0.3 * aim[a] for a in kept}
        for path in rigid:
            rate = rates[path[0]] * path[1]
            for arc in path[2]:
                rate *= kept[arc]
            got[path] = rate
        left = {a: max(0.0, left[a] - load[a] * kept[a]) for a in left}

        open_ = [p for p in paths if priority[p[0]] == now and elastic[p[0]] and rates[p[0]] > 0]
        while open_:  # the tightest arc settles all who cross it; where none is tight, all have all
            asked = dict.fromkeys(capacity, 0.0)
            for demand, share, arcs in open_:
                for arc in arcs:
                    asked[arc] += rates[demand] * share
            fair = {a: left[a] / asked[a] for a in asked if asked[a] > 0}
            tight = min(fair, key=fair.get)
            part = min(1.0, fair[tight])
            settled = [p for p in open_ if part == 1.0 or tight in p[2]]
            for path in settled:
                got[path] = part * rates[path[0]] * path[1]
                for arc in path[2]:
                    left[arc] = max(0.0, left[arc] - got[path])
            open_ = [p for p in open_ if p not in settled]
    return got


def crowd(seed, scheme):
    """A small random network with three levels, some of each elastic, overloaded."""
    network, demands = make_random_case(seed, "small")
    rng = np.random.default_rng(seed)
    priority, elastic = rng.integers(0, 3, len(demands)), rng.random(len(demands)) < 0.5
    routes = route(scheme, network, demands)
    factor = 2.0 / (routes.loads(demands.gbps) / network.capacity_gbps).max() + rng.uniform(0, 2)
    return network, demands, routes, priority, elastic, demands.gbps * factor


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("scheme", ["igp_ecmp", "min_max"])  # splits at nodes, and paths
def test_levels_and_elastic_against_a_slow_solver(seed, scheme):
    network, demands, routes, priority, elastic, rates = crowd(seed, scheme)
    paths = list(routes.paths())
    capacity = {arc: float(gbps) for arc, gbps in enumerate(network.capacity_gbps)}
    by_path = slow(paths, capacity, rates.tolist(), priority.tolist(), elastic.tolist())
    expected = np.zeros(len(demands))
    for (demand, *_), rate in by_path.items():
        expected[demand] += rate
    got = sent(routes, network, rates, priority, np.flatnonzero(elastic))
    np.testing.assert_allclose(got.delivered_gbps[:, 0], expected, rtol=1e-7, atol=1e-8)
    assert (got.delivered_gbps[:, 0] < rates * (1 - 1e-6)).any(), "something gives way"


@pytest.mark.parametrize("seed", range(6))
def test_max_min_by_its_bottlenecks(seed):
    # Bertsekas and Gallager: rates are max-min fair just when each has what it asks for, or crosses
    # a full link on which no other has more (here, of what it asks for).
    network, demands, routes, _, _, rates = crowd(seed, "nearest_exit")
    count = len(demands)
    paths = {demand: arcs for demand, _, arcs in routes.paths()}  # one for each
    assert len(paths) == count
    alone = Routes.from_paths(
        network,
        count,
        np.arange(count),
        np.ones(count),
        np.concatenate([paths[demand] for demand in range(count)]),
        np.cumsum([0, *(len(paths[demand]) for demand in range(count))]),
    )
    got = sent(alone, network, rates, np.zeros(count, int), range(count))
    part = got.sent_gbps[:, 0] / rates
    full = got.carried_gbps[:, 0] >= network.capacity_gbps * (1 - 1e-9)
    assert (got.carried_gbps[:, 0] <= network.capacity_gbps * (1 + 1e-12)).all()
    assert full.any() and (part < 1 - 1e-9).any()
    for demand, arcs in paths.items():
        most = [
            max(part[other] for other, used in paths.items() if arc in used)
            for arc in arcs
            if full[arc]
        ]
        assert part[demand] >= min([1.0, *most]) * (1 - 1e-9)


@pytest.mark.parametrize("scheme", ["igp_ecmp", "min_latency"])
def test_conservation_at_many_instants(scheme):
    network, demands = make_random_case(3)
    rng = np.random.default_rng(8)
    treated = QosPolicy(rng.integers(0, 3, len(demands)), rng.random(len(demands)) < 0.4)
    rates = demands.gbps[:, None] * np.array([0.0, 0.2, 1.0, 2.0, 5.0, 20.0])
    routes = route(scheme, network, demands)
    got = link_state(routes, network, rates, Burst(), treated)
    capacity = got.capacity_gbps[:, None]
    assert (got.sent_gbps <= rates * (1 + 1e-12)).all()
    assert (got.delivered_gbps <= got.sent_gbps * (1 + 1e-12)).all()
    assert (got.carried_gbps <= capacity * (1 + 1e-9)).all()
    assert (got.carried_gbps <= got.offered_gbps * (1 + 1e-12) + 1e-12).all()
    slowed = treated.elastic
    assert np.array_equal(got.sent_gbps[slowed], got.delivered_gbps[slowed])
    assert np.array_equal(got.sent_gbps[~slowed], rates[~slowed])
    # Each instant by itself is the same as among others.
    for at in range(rates.shape[1]):
        one = link_state(routes, network, rates[:, at : at + 1], Burst(), treated)
        np.testing.assert_allclose(
            one.delivered_gbps[:, 0], got.delivered_gbps[:, at], rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(one.latency_ms[:, 0], got.latency_ms[:, at], rtol=1e-6)


# -- over time ----------------------------------------------------------------------------------


def series_of(network, demands, services, shapes=(), recorded=None):
    parts, part_of = parted(demands, services)
    own = {name: services[name].shapes for name in sorted(services)}
    return Series(network, parts, shapes, 0.25, 0.0, recorded, part_of, own)


def test_own_shapes_come_on_top_for_their_service_alone():
    network, demands = both_ways()
    common, night = Diurnal(peak_hour=21), Diurnal(peak_hour=3)
    services = {"day": service(0.75), "night": service(0.25, shapes=(night,))}
    whole = Series(network, demands, (common,), 0.25)
    both = Series(network, demands, (common, night), 0.25)
    split = series_of(network, demands, services, (common,))
    play_ = split.play(Streams(1, 0))
    rates = np.concatenate([play_(0, 30), play_(30, 96)], axis=1)
    np.testing.assert_allclose(rates[0::2], 0.75 * whole.play(Streams(1, 0))(0, 96), rtol=1e-12)
    np.testing.assert_allclose(rates[1::2], 0.25 * both.play(Streams(1, 0))(0, 96), rtol=1e-12)
    hours = (np.arange(96) + 0.5) * 0.25
    np.testing.assert_allclose(split.expected(hours), rates, rtol=1e-12)


def test_streams_are_keyed_by_service_and_own_noise_is_other_noise():
    network, demands = both_ways()
    noise = Noise(sigma=0.3)
    plain = series_of(network, demands, HALVES, (noise,)).play(Streams(1, 0))(0, 50)
    assert abs(np.corrcoef(np.log(plain[:2]))[0, 1]) < 0.8, "services differ"
    alone = {"a": service(0.5, shapes=(noise,)), "b": service(0.5)}
    own = series_of(network, demands, alone).play(Streams(1, 0))(0, 50)
    assert np.ptp(own[1]) == 0.0 and np.ptp(own[0]) > 0
    assert abs(np.corrcoef(np.log(own[0]), np.log(plain[0]))[0, 1]) < 0.9
    both = series_of(network, demands, alone, (noise,)).play(Streams(1, 0))(0, 50)
    np.testing.assert_allclose(both[0::2], plain[0::2] * own[0::2] / (demands.gbps / 2)[:, None])
    assert np.array_equal(both[1::2], plain[1::2]), "the other service draws what it drew"
    planned = series_of(network, demands, alone, (noise,)).expected(np.arange(5.0))
    assert np.array_equal(planned, np.repeat(parted(demands, alone)[0].gbps[:, None], 5, axis=1))


def test_a_recording_is_parted_alike():
    network, demands = both_ways()
    curve = np.array([[1.0, 5.0, 3.0, 0.0], [2.0, 2.0, 8.0, 4.0]])
    told = Recording.of(demands, np.arange(4) * 0.4, curve)
    more = told.demands.scaled(1.1, ["international_in"])
    whole = Series(network, more, (), 0.25, 0.0, Playback(told)).play(Streams(1, 0))(0, 6)
    split = series_of(network, more, SHARED, (), Playback(told)).play(Streams(1, 0))(0, 6)
    shares = np.array([0.75, 0.25, 0.25, 0.5, 0.25])
    np.testing.assert_allclose(split, whole[[0, 0, 1, 1, 1]] * shares[:, None], rtol=1e-12)


# -- what is steered ----------------------------------------------------------------------------


def test_only_these_services_are_steered():
    network, demands = both_ways()
    parts, _ = parted(demands, SHARED)
    assert sdn(services=("bulk", "web")).steered(network, parts).tolist() == [1, 2, 4]
    assert sdn().steered(network, parts).tolist() == [0, 1, 2, 3, 4]
    out = sdn(services=("web",), steers=("international_out",))
    assert out.steered(network, parts).tolist() == [1]
    half = sdn(services=("web",), coverage=Coverage(share=0.5, of="traffic"))
    assert half.steered(network, parts).tolist() == [1, 4]


def test_steered_services_take_the_other_exit():
    # The near exit holds 100: of 80 + 80 only the web can be moved, and web alone is.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 160.0))
    parts, _ = parted(demands, {"video": service(0.5), "web": service(0.5)})
    got = play(case_of(network, parts, sdn(services=("web",), every_s=60.0), hours=0.2))
    last = got.arc("near", "gw-near").iloc[-1], got.arc("far", "gw-far").iloc[-1]
    assert [row["offered_gbps"] for row in last] == pytest.approx([85.0, 75.0], abs=1e-6)


def test_a_stretch_for_a_service():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 10.0))
    parts, _ = parted(demands, {"video": service(0.5), "web": service(0.5)})
    for limits, most in (
        ({"video": 5.0}, [1, 2]),
        ({"video": 15.0}, [2, 2]),
        ({"video": 15.0, "international_out": 5.0}, [1, 1]),
        ({"web": 0.0, "international_out": 99.0}, [2, 1]),
    ):
        paths = limited_to(None, network, parts, limits)
        assert np.bincount(paths.demand).tolist() == most, limits
    with pytest.raises(ValueError, match="no traffic class named 'domestik'; did you mean"):
        limited_to(None, network, demands, {"domestik": 1.0})


# -- figures and tables of a case ---------------------------------------------------------------

KINDS = {
    "bulk": service(0.25, priority=2, elastic=True),
    "cloud": service(0.25),
    "video": service(0.5, priority=1),
}


def treated_case(network, demands, strategies, services=KINDS, **more):
    """A case of parted demands, as a scenario makes it."""
    parts, part_of = parted(demands, services)
    case = case_of(network, parts, strategies, **more)
    series = replace(case.series, part_of=part_of, qos=qos(parts, services))
    return replace(case, series=series)


def test_figures_by_service_by_hand():
    # 160 asked at an exit of 100 for an hour: cloud 40 and 60 of video's 80; of bulk's 40 nothing.
    network = two_exits()
    demands = asks(network, ("home", "abroad", 160.0))
    got = play(treated_case(network, demands, static(), detail="service"))
    volumes = {
        "all": (160.0, 100.0, 20.0, 40.0),
        "cloud": (40.0, 40.0, 0.0, 0.0),
        "video": (80.0, 60.0, 20.0, 0.0),
        "bulk": (40.0, 0.0, 0.0, 40.0),
    }
    for scope, expected in volumes.items():
        for metric, gbps in zip(("offered", "carried", "lost", "deferred"), expected, strict=True):
            assert got.figure(f"{metric}_gbit", scope) == pytest.approx(gbps * 3600, abs=1e-6)
    assert got.figure("loss_fraction", "video") == pytest.approx(0.25)
    assert got.figure("exit_utilisation_peak", "exit:near:out") == pytest.approx(1.2)
    rows = got.table("demands")
    first = rows[rows["time_s"] == 0].set_index("service")
    assert first["class"].unique().tolist() == ["international_out"]
    assert first["deferred_gbps"].to_dict() == pytest.approx({"bulk": 40, "cloud": 0, "video": 0})
    assert first["carried_gbps"].to_dict() == pytest.approx({"bulk": 0, "cloud": 40, "video": 60})


@pytest.mark.parametrize("detail", ["region", "province", "service", "pair"])
def test_rows_of_any_detail_add_up_to_the_figures(detail, mini):
    network, demands = mini
    case = treated_case(network, demands.scaled(2.5), static("nearest_exit"), detail=detail,
                        queue=Burst(), shapes=(Diurnal(),), step_s=900.0)  # fmt: skip
    got = play(case)
    rows = got.table("demands")
    keys = {"pair": ["class", "service", "source", "target"]}.get(detail, ["class", detail])
    assert list(rows)[1 : 1 + len(keys)] == keys
    assert not rows.duplicated(["time_s", *keys]).any()
    for column, metric in (
        ("offered", "offered"),
        ("carried", "carried"),
        ("deferred", "deferred"),
    ):
        for scope in ("all", "international_in", "domestic"):
            mine = rows if scope == "all" else rows[rows["class"] == scope]
            volume = mine[f"{column}_gbps"].sum() * 900
            assert volume == pytest.approx(got.figure(f"{metric}_gbit", scope), rel=1e-9)
    assert got.figure("deferred_gbit") > 0
    latency = (rows["latency_ms"].fillna(0) * rows["carried_gbps"]).sum()
    mean = latency / rows["carried_gbps"].sum()
    assert mean == pytest.approx(got.figure("latency_ms_mean"), rel=1e-9)


def test_provinces_are_ends_at_home(mini):
    network, _ = mini
    far, farther = np.array(network.nodes, dtype=object)[network.is_abroad][:2]
    demands = asks(network, ("beijing", "shanghai", 1.0), ("beijing", far, 2.0),
                   (far, "beijing", 3.0), (farther, far, 4.0))  # fmt: skip
    assert Groups(network, demands, ("class", "province")).keys == [
        ("domestic", "beijing"),
        ("international_in", "beijing"),
        ("international_out", "beijing"),
        ("transit", ""),
    ]


def test_a_service_called_like_a_region_has_a_scope_of_its_own():
    network = two_exits()
    parts, _ = parted(asks(network, ("home", "abroad", 1.0)), {"abroad": service(1.0)})
    scopes = Groups(network, parts, ("class", "region", "service")).scopes()
    assert list(scopes) == ["all", "international_out", "abroad", "service:abroad"]


def test_nothing_new_without_services(mini):
    network, demands = mini
    got = play(case_of(network, demands, static(), hours=0.5, step_s=900.0))
    assert not [key for key in got.figures["it"] if key[0] == "deferred_gbit"]
    assert "deferred_gbps" not in got.table("demands")
    assert "service" not in got.table("demands")


# -- a scenario ---------------------------------------------------------------------------------

CUT = {
    "title": "Bulk gives way when a cable is cut",
    "topology": "china169-mini",
    "seed": 11,
    "horizon_h": 4,
    "step_s": 900,
    "start": "2017-12-01T18:00",
    "traffic": {
        "shapes": [
            {"kind": "diurnal", "peak_hour": 21, "trough": 0.35},
            {"kind": "noise", "sigma": 0.08},
        ],
        "services": {
            "video": {"share": {"domestic": 0.5, "international_out": 0.2, "international_in": 0.3},
                      "priority": 1},
            "web": {"share": 0.2, "priority": 1},
            "cloud": {"share": {"domestic": 0.2}, "priority": 0},
            "bulk": {"share": {"domestic": 0.1, "international_out": 0.6, "international_in": 0.5},
                     "priority": 2, "elastic": True,
                     "shapes": [{"kind": "diurnal", "peak_hour": 22, "trough": 0.9}]},
        },
    },
    "strategies": {
        "static": {"scheme": {"kind": "igp_ecmp"}},
        "sdn": {
            "scheme": {"kind": "min_latency", "utilisation_cap": 0.8, "classes": ["exit"]},
            "control": {"every_s": 900, "services": ["video", "web"]},
        },
    },
    "events": [{"at_h": 1.1, "cable": "TPE", "severity": 0.5, "until_h": 3.3}],
}  # fmt: skip

PINNED = {
    ("static", "deferred_gbit", "bulk"): 39239.726377131505,
    ("static", "offered_gbit", "video"): 26289043.41185647,
    ("sdn", "deferred_gbit", "bulk"): 3526.4842981590014,
    ("sdn", "offered_gbit", "video"): 26289043.41185647,
}


def changed(**keys):
    return {**CUT, **keys}


def written(folder, scenario):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cut")
    return sim.run(sim.load(written(folder, CUT)), out=folder / "out")


def test_bulk_gives_way_and_video_loses_nothing(cut):
    told = {key: cut.figure(*key) for key in PINNED}
    for strategy in cut.strategies:
        for scope in ("video", "web", "cloud", "all"):
            assert cut.figure(strategy, "lost_gbit", scope) == 0.0
        assert cut.figure(strategy, "deferred_gbit") == told[strategy, "deferred_gbit", "bulk"]
    assert told == pytest.approx(PINNED, rel=1e-9, abs=0)


def test_without_priorities_video_loses_as_all_others_do(tmp_path):
    services = {
        name: {"share": keys["share"], "shapes": keys.get("shapes", [])}
        for name, keys in CUT["traffic"]["services"].items()
    }
    uniform = changed(traffic={**CUT["traffic"], "services": services})
    results = sim.run(sim.load(written(tmp_path, uniform)), out=tmp_path / "out")
    assert results.figure("static", "lost_gbit", "video") > 1000.0
    assert not (results.summary["metric"] == "deferred_gbit").any()


def test_all_strategies_are_asked_the_same(cut):
    asked = cut.figures[cut.figures["metric"] == "offered_gbit"]
    by_scope = asked.pivot(index="scope", columns="strategy", values="value")
    assert set(CUT["traffic"]["services"]) <= set(by_scope.index)
    assert (by_scope["static"] == by_scope["sdn"]).all()


def test_volumes_add_up(cut):
    wide = cut.figures.pivot_table(
        index=["strategy", "scope"], columns="metric", values="value"
    ).dropna(subset=["offered_gbit"])
    parts = wide[["carried_gbit", "lost_gbit", "deferred_gbit"]].sum(axis=1)
    np.testing.assert_allclose(parts, wide["offered_gbit"], rtol=1e-10)
    for strategy in cut.strategies:
        mine = wide.loc[strategy]
        for metric in ("offered_gbit", "carried_gbit", "deferred_gbit"):
            total = mine.loc[list(CUT["traffic"]["services"]), metric].sum()
            assert total == pytest.approx(mine.loc["all", metric], rel=1e-10)


def same(one: Path, other: Path) -> bool:
    names = ["summary.csv", "replications.csv", *sorted(p.name for p in one.glob("*.parquet"))]
    return not [n for n in names if not filecmp.cmp(one / n, other / n, shallow=False)]


def test_what_was_run_runs_again_from_its_folder(cut, tmp_path):
    again = sim.run(sim.load(cut.folder / "inputs" / "scenario.yaml"), out=tmp_path / "again")
    assert same(cut.folder, again.folder)


def test_the_order_in_the_file_changes_no_byte(cut, tmp_path):
    services = dict(reversed(CUT["traffic"]["services"].items()))
    turned = changed(traffic={**CUT["traffic"], "services": services})
    again = sim.run(sim.load(written(tmp_path, turned)), out=tmp_path / "out")
    assert same(cut.folder, again.folder)


def test_changes_reach_every_service(tmp_path):
    scenario = sim.load(written(tmp_path, CUT))
    more = scenario.with_changes(
        {"demands.international_in": "+10%", "traffic.services.bulk.priority": 5}
    )
    before, after = scenario.case.demands, more.case.demands
    assert after.names == before.names
    factor = np.where(before.of_class("international_in"), 1.1, 1.0)
    np.testing.assert_allclose(after.gbps, before.gbps * factor, rtol=1e-12)
    np.testing.assert_allclose(after.window_gbps, before.window_gbps * factor[:, None], rtol=1e-12)
    assert after.service.tolist() == before.service.tolist()
    assert set(more.case.series.qos.priority) == {0, 1, 5}
    with pytest.raises(InputError, match="shares of domestic add up to 0.9, not to 1"):
        scenario.with_changes({"traffic.services.video.share": 0.4})


def test_shapes_of_services_are_checked_at_the_door(tmp_path):
    surge = {"kind": "surge", "nodes": ["beijng"]}
    services = {"x": {"share": 1, "shapes": [surge]}}
    path = written(tmp_path, changed(traffic={"services": services}, strategies={"s": "igp"}))
    text = path.read_text(encoding="utf-8").replace("s: igp", "s: {scheme: igp_ecmp}")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        sim.load(path)
    (problem,) = caught.value.problems
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "beijng" in row)
    assert (problem.line, problem.key) == (line, "traffic.services.x.shapes[0].nodes[0]")
    assert "did you mean 'beijing'" in problem.message


def test_rows_by_province_of_a_scenario(tmp_path):
    short = changed(record={"demands": "province"}, horizon_h=1, events=[])
    results = sim.run(sim.load(written(tmp_path, short)), out=tmp_path / "out")
    rows = results.demands
    assert {"class", "province", "deferred_gbps"} <= set(rows)
    network = sim.load(tmp_path / "scenario.yaml").network
    home = {n for n, far in zip(network.nodes, network.is_abroad, strict=True) if not far}
    assert set(rows["province"]) <= home
    volume = (rows[rows["strategy"] == "sdn"]["offered_gbps"] * 900).sum()
    assert volume == pytest.approx(results.figure("sdn", "offered_gbit"), rel=1e-9)
