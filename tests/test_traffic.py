"""Traffic over time: the daily curve by hand, noise by its statistics, gravity by its sums."""

import networkx as nx
import numpy as np
import pytest
from conftest import make_tiny
from helpers import asks, case_of, play, sdn, static, two_exits

from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network
from simulator.model.recording import Playback, Recording
from simulator.model.streams import Streams
from simulator.model.topology import About
from simulator.simulation.traffic_source import BLOCK, Source
from simulator.traffic.matrices.file import File
from simulator.traffic.matrices.gravity import Gravity
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.noise import Noise
from simulator.traffic.traffic import Series, shape

pytestmark = pytest.mark.usefixtures("no_headroom")

STREAMS = Streams(seed=1, replication=0)


def world(**offsets):
    """Home in UTC+8 with a city in UTC+6, and regions abroad; a chain, as only clocks matter."""
    graph = nx.MultiGraph()
    graph.add_node("beijing", kind="core", weight=0.5)
    graph.add_node("urumqi", kind="core", utc_offset_h=6.0, weight=0.3)
    graph.add_node("la", kind="pop", lat=34.0, lon=-118.2, weight=0.6)  # -7.88, so UTC-8
    graph.add_node("tokyo", kind="pop", utc_offset_h=9.0, lon=139.7, weight=0.4)
    graph.add_node("nowhere", kind="core")
    names = list(graph.nodes)
    for i, (a, b) in enumerate(zip(names, names[1:], strict=False)):
        graph.add_edge(a, b, key=f"l{i}", order=i, a=a, b=b, capacity_gbps=1.0, cables={})
    return Network(graph, About(name="world", utc_offset_h=8.0))


def rates(network, demands, *shapes, steps=24, step_h=1.0, start_hour=0.0, streams=STREAMS):
    series = Series(network, demands, shapes, step_h, start_hour)
    return series.play(streams)(0, steps)


# -- the daily curve --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "hour", "expected"),
    [
        # cos is 1, 1/2, 0, -1/2, -1 at 0, 4, 6, 8, 12 h from the peak at 21; trough 0.2:
        # level 1, 0.8, 0.6, 0.4, 0.2.
        ("beijing", "nowhere", 21, 1.0),
        ("beijing", "nowhere", 9, 0.2),
        ("beijing", "nowhere", 1, 0.8),
        ("beijing", "nowhere", 3, 0.6),
        # Urumqi's clock is two hours behind: at 23 in Beijing it is 21 there; 2 h from the peak
        # cos is sqrt(3)/2. Half each.
        ("beijing", "urumqi", 23, (1.0 + 0.2 + 0.8 * (1 + np.sqrt(0.75)) / 2) / 2),
        # Los Angeles is 16 hours behind: at 21 in Beijing it is 5 there, 8 h from its peak: 0.4.
        ("beijing", "la", 21, 0.75 * 1.0 + 0.25 * 0.4),
        ("la", "beijing", 21, 0.75 * 1.0 + 0.25 * 0.4),
        # At 13 in Beijing it is 21 in Los Angeles; Beijing is 8 h from its peak.
        ("beijing", "la", 13, 0.75 * 0.4 + 0.25 * 1.0),
        ("la", "beijing", 13, 0.75 * 0.4 + 0.25 * 1.0),
        # Tokyo is one ahead of Beijing and 17 ahead of Los Angeles; at 20 in Beijing it is 21 in
        # Tokyo and 4 in Los Angeles, 7 h from its peak.
        ("la", "tokyo", 20, (1.0 + 0.2 + 0.4 * (1 + np.cos(7 * np.pi / 12))) / 2),
    ],
)
def test_the_curve_by_hand(source, target, hour, expected):
    network = world()
    demands = asks(network, (source, target, 10.0))
    curve = Diurnal(peak_hour=21.0, trough=0.2, far_share=0.25)
    got = rates(network, demands, curve, steps=1, step_h=0.5, start_hour=hour - 0.25)
    assert got[0, 0] == pytest.approx(10.0 * expected, rel=1e-12)


def test_the_share_of_the_far_clock():
    network = world()
    demands = asks(network, ("beijing", "la", 1.0), ("la", "beijing", 1.0))
    for share, expected in ((0.0, 1.0), (1.0, 0.4), (0.5, 0.7)):
        curve = Diurnal(peak_hour=21.0, trough=0.2, far_share=share)
        got = rates(network, demands, curve, steps=1, step_h=0.5, start_hour=20.75)
        assert got[:, 0] == pytest.approx([expected, expected], rel=1e-12)


def test_the_base_matrix_is_the_busy_hour():
    network = world()
    demands = asks(network, ("beijing", "nowhere", 7.0), ("beijing", "la", 5.0))
    got = rates(network, demands, Diurnal(trough=0.3), steps=24 * 60, step_h=1 / 60)
    assert got[0].max() == pytest.approx(7.0, rel=1e-4) and got[0].max() <= 7.0
    assert got[0].min() == pytest.approx(7.0 * 0.3, rel=1e-4)
    assert got[0].mean() == pytest.approx(7.0 * 0.65, rel=1e-12)
    assert got[1].max() < 5.0, "two clocks never peak together"
    peak = got[0].argmax() / 60
    assert 20.9 < peak < 21.1


def test_a_day_is_like_the_next():
    network = world()
    demands = asks(network, ("beijing", "la", 5.0))
    got = rates(network, demands, Diurnal(), steps=72)
    assert got[:, :24] == pytest.approx(got[:, 24:48], rel=1e-12)


def test_the_start_shifts_the_clock():
    network = world()
    demands = asks(network, ("beijing", "la", 5.0))
    day = rates(network, demands, Diurnal(), steps=48)
    late = rates(network, demands, Diurnal(), steps=24, start_hour=18.0)
    assert late == pytest.approx(day[:, 18:42], rel=1e-12)


def test_a_flat_curve_is_flat():
    network = world()
    demands = asks(network, ("beijing", "la", 5.0))
    assert (rates(network, demands, Diurnal(trough=1.0)) == 5.0).all()


def test_shapes_multiply():
    network = world()
    demands = asks(network, ("beijing", "la", 5.0), ("beijing", "urumqi", 3.0))
    curve, noise = Diurnal(), Noise(sigma=0.3)
    both = rates(network, demands, curve, noise)
    apart = rates(network, demands, curve) * rates(network, demands, noise)
    assert both == pytest.approx(apart / demands.gbps[:, None], rel=1e-12)
    assert rates(network, demands) == pytest.approx(np.repeat(demands.gbps[:, None], 24, axis=1))


@pytest.mark.parametrize("kind", shape.names())
def test_every_shape_is_positive_and_the_same_in_blocks(kind):
    network = world()
    demands = asks(network, ("beijing", "la", 5.0), ("la", "urumqi", 3.0), ("la", "tokyo", 1.0))
    series = Series(network, demands, (shape.make(kind),), 0.25, 3.0)
    whole = series.play(STREAMS)(0, 500)
    piecewise = series.play(STREAMS)
    cuts = [0, 1, 2, 9, 100, 101, 388, 500]
    parts = [piecewise(lo, hi) for lo, hi in zip(cuts, cuts[1:], strict=False)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert np.isfinite(whole).all() and (whole >= 0).all() and whole.shape == (3, 500)


# -- a recording ------------------------------------------------------------------------------


def recorded(shapes=(), grown=1.0, step_h=0.25, **playback):
    """Two demands measured every five minutes for a day; also the rates."""
    network = world()
    demands = asks(network, ("beijing", "la", 5.0), ("la", "urumqi", 3.0))
    measured = np.random.default_rng(5).random((2, 288)) * 10
    recording = Recording.of(demands, np.arange(288) / 12, measured)
    base = recording.demands.scaled(grown) if grown != 1.0 else recording.demands
    played = Playback(recording, **playback)
    return Series(network, base, tuple(shapes), step_h, 6.0, played), measured


def test_a_recording_is_played_as_its_means():
    series, measured = recorded()
    expected = measured.reshape(2, 96, 3).mean(axis=2)
    assert series.play(STREAMS)(0, 96) == pytest.approx(expected, rel=1e-14)
    finer, _ = recorded(step_h=1 / 60)
    assert np.array_equal(finer.play(STREAMS)(0, 1440), np.repeat(measured, 5, axis=1))


def test_a_recording_is_the_same_in_blocks_to_the_last_bit():
    series, _ = recorded([Diurnal(), Noise()], step_h=0.11, begin_h=0.37)
    whole = series.play(STREAMS)(0, 200)
    piecewise = series.play(STREAMS)
    cuts = [0, 1, 3, 50, 51, 199, 200]
    parts = [piecewise(lo, hi) for lo, hi in zip(cuts, cuts[1:], strict=False)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_shapes_multiply_a_recording_and_the_base_scales_it():
    plain, _ = recorded()
    shaped, _ = recorded([Diurnal(), Noise()], grown=1.3)
    flat = Series(plain.network, plain.base.with_gbps(np.ones(2)), shaped.shapes, 0.25, 6.0)
    expected = 1.3 * plain.play(STREAMS)(0, 96) * flat.play(STREAMS)(0, 96)
    assert shaped.play(STREAMS)(0, 96) == pytest.approx(expected, rel=1e-12)


def test_a_recording_without_a_past_is_planned_for_by_its_first_matrix():
    noisy, measured = recorded([Noise(sigma=0.5)])
    middles = (np.arange(96) + 0.5) * 0.25
    assert np.array_equal(noisy.expected(middles), np.repeat(measured[:, :1], 96, axis=1))


# -- noise ------------------------------------------------------------------------------------

SIGMA, MEMORY, STEP = 0.3, 2.0, 0.25


@pytest.fixture(scope="module")
def crowd():
    """Many demands between many nodes."""
    nodes = [f"n{i}" for i in range(40)]
    network = make_tiny(*((f"l{i}", a, b, 1.0) for i, (a, b) in
                          enumerate(zip(nodes, nodes[1:], strict=False))))  # fmt: skip
    return network, asks(network, *((a, b, 1.0) for a in nodes for b in nodes if a != b))


@pytest.fixture(scope="module")
def levels(crowd):
    """The Gaussian level under the noise of each demand over time."""
    network, demands = crowd
    got = rates(network, demands, Noise(sigma=SIGMA, correlation_h=MEMORY), steps=300, step_h=STEP)
    return (np.log(got) + SIGMA**2 / 2) / SIGMA


def equals(samples, expected):
    """The mean of independent samples is as expected, at four standard errors."""
    error = samples.std(ddof=1) / np.sqrt(len(samples))
    return abs(samples.mean() - expected) < 4 * error


def test_noise_has_mean_one_and_its_sigma(levels):
    assert len(levels) == 1560
    assert equals(np.exp(SIGMA * levels - SIGMA**2 / 2).mean(axis=1), 1.0)
    assert equals(levels.mean(axis=1), 0.0)
    assert equals((levels**2).mean(axis=1), 1.0)


@pytest.mark.parametrize("lag", [1, 2, 4, 8, 16, 40])
def test_noise_forgets_exponentially(levels, lag):
    expected = np.exp(-lag * STEP / MEMORY)
    assert equals((levels[:, lag:] * levels[:, :-lag]).mean(axis=1), expected)


@pytest.mark.parametrize("step", [0, 1, 2, 299])
def test_noise_is_stationary_from_its_first_step(levels, step):
    assert equals(levels[:, step], 0.0)
    assert equals(levels[:, step] ** 2, 1.0)


def test_noise_is_independent_between_demands(levels):
    assert equals((levels[::2] * levels[1::2]).mean(axis=1), 0.0)


def test_noise_does_not_depend_on_the_step_in_law(crowd):
    # Two steps of half an hour and four of a quarter lie as far apart and correlate alike.
    network, demands = crowd
    noise = Noise(sigma=SIGMA, correlation_h=MEMORY)
    level = np.log(rates(network, demands, noise, steps=60, step_h=2 * STEP)) / SIGMA + SIGMA / 2
    assert equals((level[:, 2:] * level[:, :-2]).mean(axis=1), np.exp(-4 * STEP / MEMORY))


def test_noise_without_memory(crowd):
    network, demands = crowd
    level = np.log(rates(network, demands, Noise(sigma=SIGMA, correlation_h=0.0), steps=50))
    level = level / SIGMA + SIGMA / 2
    assert equals((level[:, 1:] * level[:, :-1]).mean(axis=1), 0.0)
    assert equals((level**2).mean(axis=1), 1.0)


def test_no_sigma_no_noise(crowd):
    network, demands = crowd
    assert (rates(network, demands, Noise(sigma=0.0), steps=3) == 1.0).all()


def test_noise_is_keyed_by_name(crowd):
    network, demands = crowd
    whole = rates(network, demands, Noise())
    some = np.array([700, 3, 41])
    assert np.array_equal(rates(network, demands.take(some), Noise()), whole[some])
    other = rates(network, demands.take(some), Noise(), streams=Streams(1, 1))
    assert not np.isin(other, whole[some]).any()
    assert np.array_equal(
        rates(network, demands.take(some), Noise(), streams=Streams(1, 0)), whole[some]
    )


def test_streams_are_pinned():
    """The same draws for ever: another library or hash would change every published figure."""
    told = Streams(2017, 3).generator("noise", "a>b:domestic").standard_normal(2)
    assert told == pytest.approx(PINNED_DRAWS, rel=1e-15)
    apart = [
        Streams(*key).generator(purpose, entity).random()
        for key in ((1, 0), (0, 1), (1, 1), (2, 0))
        for purpose, entity in (("noise", "ab"), ("noisea", "b"), ("measurement", "ab"))
    ]
    assert len(set(apart)) == len(apart)


PINNED_DRAWS = [-0.8852316722723901, 0.7819377394121566]


def test_no_demands_no_trouble():
    network = world()
    none = asks(network, ("beijing", "la", 5.0)).take(np.zeros(1, dtype=bool))
    assert rates(network, none, Diurnal(), Noise()).shape == (0, 24)


# -- matrices ---------------------------------------------------------------------------------


def test_gravity_by_hand(tmp_path):
    # Home weights 0.5 and 0.3, abroad 0.6 and 0.4; the node without a weight has no traffic.
    network = world()
    made = Gravity(domestic_gbps=80.0, international_out_gbps=40.0, international_in_gbps=10.0)
    table = made.demands(network, tmp_path).frame().set_index(["source", "target"])["gbps"]
    assert len(table) == 2 + 4 + 4
    assert table["beijing", "urumqi"] == pytest.approx(40.0) == table["urumqi", "beijing"]
    assert table["beijing", "la"] == pytest.approx(40.0 * 0.5 * 0.6 / 0.8)
    assert table["urumqi", "tokyo"] == pytest.approx(40.0 * 0.3 * 0.4 / 0.8)
    assert table["tokyo", "beijing"] == pytest.approx(10.0 * 0.5 * 0.4 / 0.8)


def test_gravity_on_the_built_in_network(china, tmp_path):
    network, _ = china
    totals = {"domestic": 42000.0, "international_out": 550.0, "international_in": 1500.0}
    made = Gravity(**{f"{name}_gbps": total for name, total in totals.items()})
    demands = made.demands(network, tmp_path)
    for name in CLASSES:
        assert demands.total_gbps(name) == pytest.approx(totals.get(name, 0.0), rel=1e-12)
    assert (demands.source != demands.target).all()
    pull = network.weight[demands.source] * network.weight[demands.target]
    for name in totals:
        mine = demands.of_class(name)
        ratio = demands.gbps[mine] / pull[mine]
        assert ratio == pytest.approx(np.full(mine.sum(), ratio[0]), rel=1e-12)
    assert len(set(demands.names)) == len(demands), "names key the random streams"


def test_gravity_of_one_class_alone(tmp_path):
    demands = Gravity(international_in_gbps=10.0).demands(world(), tmp_path)
    assert set(demands.traffic_class) == {"international_in"}
    assert demands.gbps.sum() == pytest.approx(10.0)


def test_gravity_needs_weights(tmp_path):
    network = make_tiny(("ab", "a", "b", 1.0))
    with pytest.raises(ValueError, match="no pair of nodes with weights"):
        Gravity(domestic_gbps=1.0).demands(network, tmp_path)


def test_a_file_lies_beside_the_scenario(tmp_path):
    (tmp_path / "m.csv").write_text("source,target,gbps\nbeijing,la,2.5\n")
    demands = File(path="m.csv").demands(world(), tmp_path)
    assert demands.frame().values.tolist() == [["beijing", "la", "international_out", 2.5]]


# -- the source -------------------------------------------------------------------------------


def source(steps=1000, step_s=60.0, memory_s=0.0):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 5.0), ("abroad", "home", 3.0))
    series = Series(network, demands, (Diurnal(), Noise(sigma=0.3)), step_s / 3600)
    return Source(series, STREAMS, steps, step_s, memory_s), series.play(STREAMS)(0, steps)


def test_the_source_plays_the_series():
    played, whole = source()
    for step in (0, 1, BLOCK - 1, BLOCK, 999):
        assert np.array_equal(played.rates(step), whole[:, step])
    played, whole = source()
    assert np.array_equal(played.run([0, 5, 287, 288, 300]), whole[:, [0, 5, 287, 288, 300]])


def test_means_over_windows():
    played, whole = source()
    us = 60_000_000
    assert played.mean(0, us) == pytest.approx(whole[:, 0], rel=1e-15)
    assert played.mean(us // 2, 2 * us) == pytest.approx(
        (whole[:, 0] * 0.5 + whole[:, 1]) / 1.5, rel=1e-14
    )
    assert played.mean(-10 * us, 0) == pytest.approx(whole[:, 0], rel=1e-14)
    assert played.mean(286 * us, 290 * us) == pytest.approx(whole[:, 286:290].mean(axis=1))


# -- all strategies see the same --------------------------------------------------------------


def offered(played, strategy, detail):
    keys = ["class", "region"] if detail == "region" else ["class", "source", "target"]
    rows = played.table("demands", strategy)
    return rows.set_index(["time_s", *keys])["offered_gbps"]


def mini_case(mini, strategies, detail, demands=None, **more):
    network, base = mini
    shapes = (Diurnal(), Noise())
    return case_of(network, base if demands is None else demands, strategies, hours=6,
                   step_s=900.0, shapes=shapes, detail=detail, **more)  # fmt: skip


FAULT = {"at_h": 2.03, "until_h": 4.111, "link": "beijing-la"}


@pytest.mark.parametrize("detail", ["region", "pair"])
def test_static_and_sdn_are_offered_the_same_to_the_last_bit(mini, detail):
    strategies = {"static": static(), "sdn": sdn(every_s=300.0, noise_sigma=0.05)}
    got = play(mini_case(mini, strategies, detail, events=[FAULT]))
    one, two = offered(got, "static", detail), offered(got, "sdn", detail)
    assert one.index.equals(two.index)
    assert one.to_numpy() == pytest.approx(two.to_numpy(), rel=1e-14)
    for scope in ("all", "domestic", "international_in"):
        volumes = [got.figure("offered_gbit", scope, name) for name in strategies]
        assert volumes[0] == pytest.approx(volumes[1], rel=1e-14)
    # A rate is constant within a step, so its mean is that rate however the step was cut.
    assert (one.to_numpy() == two.to_numpy()).all()


def test_another_strategy_changes_nothing_for_the_others(mini):
    alone = {"static": static(), "sdn": sdn(noise_sigma=0.05)}
    more = {"b": sdn("min_max", every_s=420.0), **alone, "a": static("nearest_exit")}
    one = play(mini_case(mini, alone, "pair", events=[FAULT]))
    two = play(mini_case(mini, more, "pair", events=[FAULT]))
    for name in alone:
        for table in ("links", "exits", "demands", "control"):
            left, right = one.table(table, name), two.table(table, name)
            assert left.equals(right), f"{table} of {name}"
        assert one.figures[name] == two.figures[name]


def test_another_demand_changes_no_other_demand(mini):
    network, base = mini
    extra = Demands.of(network, ["pop-tokyo"], ["pop-frankfurt"], [1.0])
    columns = (np.concatenate([getattr(extra, key), getattr(base, key)])
               for key in ("source", "target", "traffic_class", "gbps"))  # fmt: skip
    more = Demands(network.nodes, *columns)
    strategies = {"static": static()}
    one = offered(play(mini_case(mini, strategies, "pair")), "static", "pair")
    two = offered(play(mini_case(mini, strategies, "pair", more)), "static", "pair")
    assert len(two) == len(one) + 24
    assert (two.loc[one.index].to_numpy() == one.to_numpy()).all()
