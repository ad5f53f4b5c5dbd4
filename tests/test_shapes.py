"""Shapes over time against closed forms, hand-worked hours and the laws of their randomness."""

from __future__ import annotations

import itertools
from typing import get_args

import networkx as nx
import numpy as np
import pytest
from helpers import asks

from simulator.base.checking import check
from simulator.base.document import parse_yaml
from simulator.base.errors import InputError
from simulator.model.demands import CLASSES
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.model.topology import NODE_KINDS, About, NodeKind
from simulator.scenario.settings import Traffic
from simulator.traffic.scope import TrafficClass
from simulator.traffic.shapes.days import Calendar
from simulator.traffic.shapes.diurnal import Diurnal
from simulator.traffic.shapes.growth import YEAR_H, Growth
from simulator.traffic.shapes.noise import Noise
from simulator.traffic.shapes.nucci import Nucci
from simulator.traffic.shapes.pulse import pulse
from simulator.traffic.shapes.scale import Scale
from simulator.traffic.shapes.surge import Surge
from simulator.traffic.shapes.weekday import DAYS, Weekday
from simulator.traffic.traffic import Series
from simulator.traffic.traffic import shape as shapes

STREAMS = Streams(seed=5, replication=2)


@pytest.fixture(scope="module")
def network():
    """Home in UTC+8 with a city in UTC+6; abroad Los Angeles in UTC-8 and Tokyo in UTC+9."""
    graph = nx.MultiGraph()
    graph.add_node("beijing", kind="core")
    graph.add_node("urumqi", kind="core", utc_offset_h=6.0)
    graph.add_node("shanghai", kind="core")
    graph.add_node("la", kind="region", utc_offset_h=-8.0)
    graph.add_node("tokyo", kind="region", utc_offset_h=9.0)
    names = list(graph.nodes)
    for i, (a, b) in enumerate(itertools.pairwise(names)):
        graph.add_edge(a, b, key=f"l{i}", order=i, a=a, b=b, capacity_gbps=1.0, cables={})
    return Network(graph, About(name="world", utc_offset_h=8.0))


@pytest.fixture(scope="module")
def demands(network):
    """One of each kind: two domestic, out, in, in from elsewhere, transit."""
    return asks(
        network,
        ("beijing", "shanghai", 40.0),
        ("beijing", "urumqi", 20.0),
        ("beijing", "la", 5.0),
        ("la", "shanghai", 8.0),
        ("tokyo", "urumqi", 3.0),
        ("la", "tokyo", 1.0),
    )


def at(network, demands, shape, *hours, streams=STREAMS):
    """Return the factors of *shape* at some hours from midnight at home."""
    return shape.start(network, demands, streams, 1.0)(np.array(hours, dtype=float))


def middles(days, step_h):
    return (np.arange(round(days * 24 / step_h)) + 0.5) * step_h


#: Every option of every shape at least once.
RICH = (
    Diurnal(profile=(0.4, 0.3, 1.1, 0.9), far_share=0.4),
    Weekday(days={"saturday": 1.2, "monday": 0.7}, first_day="friday", blend_h=5),
    Calendar(entries=(
        {"at_h": 30, "length_h": 10, "factor": 1.5, "rise_h": 3, "nodes": ("la",)},
        {"at_h": 35, "factor": 0.8, "fall_h": 9, "classes": ("domestic",)},
    )),
    Growth(per_year=9.0, classes={"transit": -0.5}, nodes={"tokyo": 4.0}),
    Surge(at_h=20, factor=3, targets=("shanghai",)),
    Scale(factor=0.3, classes=("international_in",), sources=("la",)),
)  # fmt: skip
RANDOM = (
    Noise(sigma=0.4, common=0.3, by="region"),
    Noise(common=1.0, by="class", correlation_h=0.0),
    Nucci(unit_gbps=1e3, correlation_h=2.0),
)


# -- all shapes -------------------------------------------------------------------------------


def test_the_words_are_those_of_the_model():
    assert get_args(TrafficClass) == CLASSES
    assert get_args(NodeKind) == NODE_KINDS


@pytest.mark.parametrize("shape", [*RICH, *RANDOM], ids=lambda shape: shape.kind)
def test_blocks_give_the_same_bytes_as_one_call(network, demands, shape):
    series = Series(network, demands, (shape,), 0.25, 3.0)
    whole = series.play(STREAMS)(0, 400)
    again = series.play(STREAMS)
    cuts = [0, 1, 2, 9, 100, 388, 400]
    parts = [again(lo, hi) for lo, hi in itertools.pairwise(cuts)]
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()
    assert whole.shape == (6, 400)
    assert (whole > 0).all() and np.isfinite(whole).all()
    assert (whole != demands.gbps[:, None]).any(), "it does something"


@pytest.mark.parametrize("shape", [*RICH, *RANDOM], ids=lambda shape: shape.kind)
def test_another_demand_changes_no_other(network, demands, shape):
    some = np.array([4, 0, 3])
    hours = middles(2, 0.5)
    assert np.array_equal(
        at(network, demands.take(some), shape, *hours), at(network, demands, shape, *hours)[some]
    )


def test_known_shapes_commute(network, demands):
    hours = middles(3, 0.5)

    def rates(order):
        return Series(network, demands, order, 0.5).expected(hours)

    known = [shape for shape in RICH if shape.foreseen]
    assert {shape.kind for shape in RICH} - {shape.kind for shape in known} == {"surge"}
    forward = rates(RICH)
    assert rates(RICH[::-1]) == pytest.approx(forward, rel=1e-12)
    product = np.prod([at(network, demands, shape, *hours) for shape in known], axis=0)
    assert forward == pytest.approx(demands.gbps[:, None] * product, rel=1e-12)


@pytest.mark.parametrize("shape", RANDOM, ids=lambda shape: shape.kind)
def test_no_plan_counts_on_what_is_random(network, demands, shape):
    got = Series(network, demands, (RICH[0], shape), 0.5).expected(middles(1, 0.5))
    assert np.array_equal(
        got, Series(network, demands, RICH[:1], 0.5).expected(middles(1, 0.5))
    )  # fmt: skip
    one, two = (at(network, demands, shape, 1, 2, streams=Streams(5, r)) for r in (0, 1))
    assert not np.isclose(one, two).any(), "replications differ"


@pytest.mark.parametrize("kind", shapes.names())
def test_no_demands_no_trouble(network, demands, kind):
    none = demands.take(np.zeros(6, dtype=bool))
    assert at(network, none, shapes.make(kind), 1, 2, 3).shape == (0, 3)


@pytest.mark.parametrize(
    "shape",
    [
        Surge(nodes=("beijing", "tokio")),
        Scale(sources=("tokio",)),
        Calendar(entries=({"at_h": 1, "factor": 2}, {"at_h": 1, "factor": 2, "nodes": ["tokio"]})),
        Growth(nodes={"tokio": 0.1}),
    ],
    ids=lambda shape: shape.kind,
)
def test_an_unknown_node_gets_a_letter(network, demands, shape):
    place = {
        "surge": "nodes[1]", "scale": "sources[0]",
        "calendar": "entries[1].nodes[0]", "growth": "nodes.tokio",
    }[shape.kind]  # fmt: skip
    with pytest.raises(InputError) as caught:
        shape.start(network, demands, STREAMS, 1.0)
    assert str(caught.value) == f"{place}: no node named 'tokio'; did you mean 'tokyo'?"


def test_the_door_can_point_at_an_unknown_node(network):
    text = "shapes:\n  - {kind: surge, targets: [beijing, shanghia]}\n"
    document = parse_yaml(text, "f.yaml")
    (shape,) = check(Traffic, document)[0]["shapes"]
    ((path, told),) = shape.problems(network)
    assert str(document.problem(("shapes", 0, *path), told)) == (
        "f.yaml:2:38: shapes[0].targets[1]: no node named 'shanghia'; did you mean 'shanghai'?"
    )


@pytest.mark.parametrize(
    ("shape", "letter"),
    [
        ("{kind: diurnal, profile: [1, -1]}", "profile[1]: expected a number of at least 0"),
        ("{kind: diurnal, profile: [1]}", "a profile has two values or more"),
        ("{kind: diurnal, profile: [0, 0]}", "not all of them 0"),
        ("{kind: diurnal, profile: [1, 2], trough: 0.5}", "leave peak_hour and trough out"),
        ("{kind: weekday, first_day: mondey}", "did you mean 'monday'?"),
        ("{kind: weekday, days: {satturday: 2}}", "did you mean 'saturday'?"),
        ("{kind: weekday, blend_h: 25}", "expected a number from 0 to 24"),
        ("{kind: calendar, entries: [{at_h: 3}]}", "entries[0].factor: required key is missing"),
        ("{kind: growth, per_year: -1}", "expected a number above -1"),
        ("{kind: growth, per_year: 0.1, per_month: 0.1}", "give per_year or per_month, not both"),
        ("{kind: growth, classes: {inbound: 0.4}}", "expected one of domestic"),
        ("{kind: surge, factr: 2}", "did you mean 'factor'?"),
        ("{kind: surge, rise_h: -1}", "expected a number of at least 0"),
        ("{kind: scale, classes: [domstic]}", "did you mean 'domestic'?"),
        ("{kind: noise, common: 1.5}", "expected a number from 0 to 1"),
        ("{kind: noise, by: link}", "expected one of all, class, region"),
        ("{kind: nucci, gamma: 0}", "expected a number above 0"),
    ],
)
def test_wrong_keys_get_letters(shape, letter):
    problems = check(Traffic, parse_yaml(f"shapes:\n  - {shape}\n", "f.yaml"))[1]
    assert len(problems) == 1
    assert str(problems[0]).startswith("f.yaml:2:") and letter in str(problems[0])


# -- the daily curve --------------------------------------------------------------------------


def test_the_cosine_is_what_it_was_to_the_last_bit(network, demands):
    peak, trough, far = 20.5, 0.3, 0.2
    hours = middles(2, 1 / 3)
    got = at(network, demands, Diurnal(peak_hour=peak, trough=trough, far_share=far), *hours)
    weights = [0.5, 0.5, far, 1.0 - far, 1.0 - far, 0.5]
    zones = {"beijing": 0.0, "shanghai": 0.0, "urumqi": -2.0, "la": -16.0, "tokyo": 1.0}

    def level(hour):
        return trough + (1.0 - trough) * ((1.0 + np.cos(2.0 * np.pi * (hour - peak) / 24.0)) / 2.0)

    for row, weight, s, t in zip(got, weights, demands.source, demands.target, strict=True):
        ends = [level(hours + zones[network.nodes[end]]) for end in (s, t)]
        assert np.array_equal(row, (1 - weight) * ends[0] + weight * ends[1])


def test_a_profile_is_straight_between_its_values(network, demands):
    hourly = tuple(float(value) for value in range(24))
    at_home = demands.take(np.array([0]))
    got = at(network, at_home, Diurnal(profile=hourly), 0, 5, 5.25, 23, 23.5, 24, 29.75, -0.25)
    assert got[0] == pytest.approx([0, 5, 5.25, 23, 11.5, 0, 5.75, 0.25 * 23])
    three = at(network, at_home, Diurnal(profile=(1.0, 4.0, 2.0)), 0, 4, 8, 12, 16, 20)
    assert three[0] == pytest.approx([1, 2.5, 4, 3, 2, 1.5])


def test_a_profile_follows_the_clocks_of_both_ends(network, demands):
    hourly = tuple(float(value) for value in range(24))
    got = at(network, demands, Diurnal(profile=hourly, far_share=0.25), 20)
    # Local hours at 20 in Beijing: 18 in Urumqi, 4 in Los Angeles, 21 in Tokyo.
    expected = [20, 19, 0.75 * 20 + 0.25 * 4, 0.75 * 20 + 0.25 * 4, 0.75 * 18 + 0.25 * 21, 12.5]
    assert got[:, 0] == pytest.approx(expected)


def test_the_mean_of_a_profile_over_a_day_is_that_of_its_values(network, demands):
    values = np.random.default_rng(3).uniform(0.2, 2.0, 24)
    got = at(network, demands, Diurnal(profile=tuple(values)), *middles(1, 0.25))
    # The middles of steps meet the integral of straight pieces exactly.
    assert got.mean(axis=1) == pytest.approx(np.full(6, values.mean()), rel=1e-13)


def test_a_profile_of_the_cosine_is_the_cosine(network, demands):
    curve = Diurnal(peak_hour=21.0, trough=0.35)
    values = tuple(curve.level(np.arange(0, 24, 0.1)))
    hours = middles(1, 0.17)
    close = at(network, demands, Diurnal(profile=values), *hours)
    # A chord of length h is off by h^2/8 times the second derivative at most.
    bound = 0.1**2 / 8 * 0.65 / 2 * (2 * np.pi / 24) ** 2
    error = np.abs(close - at(network, demands, Diurnal(), *hours)).max()
    assert bound / 10 < error <= bound


# -- weekdays ---------------------------------------------------------------------------------

WEEK = {day: 1.0 + i / 10 for i, day in enumerate(DAYS)}


def test_noons_have_the_factors_of_their_days(network, demands):
    got = at(network, demands, Weekday(days=WEEK), *(12 + 24 * np.arange(9)))
    same_day = [0, 1, 2, 3, 4]  # at noon in Beijing it is the same date at every home end
    expected = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.0, 1.1]
    assert got[same_day] == pytest.approx(np.tile(expected, (5, 1)))
    # Transit: noon on Monday in Beijing is 20 h on Sunday in Los Angeles, 13 h in Tokyo.
    assert got[5, 0] == pytest.approx((1.6 + 1.0) / 2)


def test_days_change_at_local_midnight(network, demands):
    sharp = Weekday(days={"tuesday": 2.0}, blend_h=0)
    got = at(network, demands, sharp, 23.99, 24.0, 25.99, 26.0)
    assert got[0] == pytest.approx([1, 2, 2, 2])
    assert got[1] == pytest.approx([1, 1.5, 1.5, 2]), "two hours later in Urumqi: half each"
    assert got[2] == pytest.approx([1, 2, 2, 2]), "outbound follows the source"
    assert got[3] == pytest.approx([1, 2, 2, 2]), "inbound follows the target"
    assert got[4] == pytest.approx([1, 1, 1, 2]), "inbound to Urumqi follows Urumqi"


def test_a_smooth_midnight(network, demands):
    smooth = Weekday(days={"monday": 1.0, "tuesday": 2.0}, blend_h=4)
    got = at(network, demands.take(np.array([0])), smooth, 22, 23, 24, 25, 26)
    # p = 0, 1/4, 1/2, 3/4, 1 and p^2 (3 - 2p) = 0, 5/32, 1/2, 27/32, 1.
    assert got[0] == pytest.approx([1, 1 + 5 / 32, 1.5, 1 + 27 / 32, 2])


@pytest.mark.parametrize("blend", [0.0, 2.0, 24.0])
def test_a_week_has_the_mean_of_its_days(network, demands, blend):
    got = at(network, demands, Weekday(days=WEEK, blend_h=blend), *middles(7, 0.125))
    assert got.mean(axis=1) == pytest.approx(np.full(6, 1.3), rel=1e-12)


def test_the_first_day_shifts_the_week(network, demands):
    hours = middles(7, 0.5)
    wednesday = at(network, demands, Weekday(days=WEEK, first_day="wednesday"), *hours)
    assert np.array_equal(wednesday, at(network, demands, Weekday(days=WEEK), *(hours + 48)))


def test_days_left_out_are_usual_days(network, demands):
    assert (at(network, demands, Weekday(), *middles(7, 1.0)) == 1.0).all()


# -- pulses: calendar and surge ---------------------------------------------------------------


def test_a_pulse_by_hand():
    hours = np.array([-1, 0, 1, 2, 3, 5, 6, 7, 8, 10, 11])
    got = pulse(hours, rise_h=2.0, from_h=2.0, to_h=6.0, fall_h=4.0)
    assert got == pytest.approx([0, 0, 0.5, 1, 1, 1, 1, 0.75, 0.5, 0, 0])
    jump = pulse(hours, rise_h=0.0, from_h=2.0, to_h=6.0, fall_h=0.0)
    assert jump.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]


def test_a_triangle_needs_no_plateau():
    got = pulse(np.array([0.0, 1, 2, 3, 4]), rise_h=2.0, from_h=2.0, to_h=2.0, fall_h=2.0)
    assert got == pytest.approx([0, 0.5, 1, 0.5, 0])


@pytest.mark.parametrize(
    ("rise", "plateau", "fall"), [(1, 2, 4), (0, 3, 0.5), (2, 0, 2), (0, 1, 0)]
)
def test_the_area_of_a_surge(network, demands, rise, plateau, fall):
    surge = Surge(at_h=5, rise_h=rise, plateau_h=plateau, fall_h=fall, factor=3.5)
    got = at(network, demands, surge, *middles(1, 0.25))
    area = ((got - 1.0) * 0.25).sum(axis=1)
    assert area == pytest.approx(np.full(6, 2.5 * (rise / 2 + plateau + fall / 2)), rel=1e-12)


def test_a_surge_begins_peaks_and_is_gone(network, demands):
    surge = Surge(at_h=20, rise_h=1, plateau_h=2, fall_h=4, factor=5)
    got = at(network, demands, surge, 0, 20, 20.5, 21, 23, 25, 27, 44)
    assert got[0] == pytest.approx([1, 1, 3, 5, 5, 3, 1, 1])


@pytest.mark.parametrize(
    ("where", "hit"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"sources": ["la"]}, [3, 5]),
        ({"targets": ["la", "urumqi"]}, [1, 2, 4]),
        ({"nodes": ["la"]}, [2, 3, 5]),
        ({"classes": ["international_in", "transit"]}, [3, 4, 5]),
        ({"classes": ["international_in"], "nodes": ["la"]}, [3]),
        ({"sources": ["la"], "targets": ["tokyo"]}, [5]),
    ],
)
def test_who_is_hit(network, demands, where, hit):
    expected = np.isin(np.arange(6), hit)
    surge = at(network, demands, Surge(at_h=0, rise_h=0, factor=2, **where), 0.5)[:, 0]
    assert np.array_equal(surge == 2.0, expected) and np.array_equal(surge == 1.0, ~expected)
    scale = at(network, demands, Scale(factor=0.25, **where), 0.5, 99.0)
    assert np.array_equal(scale, np.where(expected, 0.25, 1.0)[:, None].repeat(2, axis=1))


def test_entries_of_a_calendar_multiply(network, demands):
    festival = {"at_h": 48, "length_h": 24, "factor": 1.5, "rise_h": 6, "fall_h": 12,
                "classes": ["domestic"]}  # fmt: skip
    match = {"at_h": 68, "length_h": 2, "factor": 2.0, "nodes": ["la", "urumqi"]}
    got = at(network, demands, Calendar(entries=[festival, match]), 40, 45, 48, 69, 78, 84)
    assert got[0] == pytest.approx([1, 1.25, 1.5, 1.5, 1.25, 1])
    assert got[1] == pytest.approx([1, 1.25, 1.5, 3.0, 1.25, 1])
    assert got[2] == pytest.approx([1, 1, 1, 2, 1, 1])


def test_an_entry_and_a_surge_draw_the_same_line(network, demands):
    entry = {"at_h": 12, "length_h": 3, "factor": 0.4, "rise_h": 2, "fall_h": 5}
    surge = Surge(at_h=10, rise_h=2, plateau_h=3, fall_h=5, factor=0.4)
    hours = middles(1, 0.1)
    assert np.array_equal(
        at(network, demands, Calendar(entries=[entry]), *hours), at(network, demands, surge, *hours)
    )


# -- growth -----------------------------------------------------------------------------------


def test_growth_is_compound_interest(network, demands):
    hours = np.array([0.0, YEAR_H / 2, YEAR_H, 3 * YEAR_H])
    got = at(network, demands, Growth(per_year=0.44), *hours)
    assert got == pytest.approx(np.tile([1.0, 1.2, 1.44, 1.44**3], (6, 1)), rel=1e-13)


def test_twelve_months_are_a_year(network, demands):
    hours = np.linspace(0, 2 * YEAR_H, 50)
    monthly = at(network, demands, Growth(per_month=0.02), *hours)
    yearly = at(network, demands, Growth(per_year=1.02**12 - 1.0), *hours)
    assert monthly == pytest.approx(yearly, rel=1e-12)
    assert at(network, demands, Growth(per_month=0.02), 730.0)[0, 0] == pytest.approx(1.02)


def test_growth_doubles_in_ln_2_over_ln_1_plus_g(network, demands):
    doubling = np.log(2.0) / np.log(1.35) * 8760.0
    assert at(network, demands, Growth(per_year=0.35), doubling)[0, 0] == pytest.approx(2.0)


def test_nodes_before_classes_before_the_rest(network, demands):
    growth = Growth(
        per_year=0.1,
        classes={"international_in": 0.4, "transit": -0.5},
        nodes={"tokyo": 3.0, "beijing": 1.0, "urumqi": 0.0},
    )
    got = at(network, demands, growth, 8760)[:, 0]
    # Beijing; Beijing and Urumqi: sqrt(2 x 1); Beijing; a class; Tokyo and Urumqi: sqrt(4 x 1).
    assert got == pytest.approx([2.0, np.sqrt(2.0), 2.0, 1.4, 2.0, 4.0])
    assert at(network, demands, Growth(per_year=0.1, classes={"transit": -0.5}), 8760)[
        :, 0
    ] == pytest.approx([1.1] * 5 + [0.5])


# -- noise ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd():
    """Thirty cities and ten regions, and 1,170 demands of three classes between them."""
    graph = nx.MultiGraph()
    names = [f"c{i}" for i in range(30)] + [f"r{i}" for i in range(10)]
    for name in names:
        graph.add_node(name, kind="core" if name[0] == "c" else "region", utc_offset_h=0.0)
    for i, (a, b) in enumerate(itertools.pairwise(names)):
        graph.add_edge(a, b, key=f"l{i}", order=i, a=a, b=b, capacity_gbps=1.0, cables={})
    network = Network(graph, "crowd")
    pairs = [(a, b, 1.0) for a in names for b in names if a != b and (a[0] + b[0]) != "rr"]
    return network, asks(network, *pairs)


def levels(crowd, noise, steps=200, step_h=0.25, replication=0):
    """Return the Gaussian level under the noise."""
    network, demands = crowd
    series = Series(network, demands, (noise,), step_h)
    got = series.play(Streams(3, replication))(0, steps)
    return np.log(got) / noise.sigma + noise.sigma / 2


def test_noise_without_common_draws_what_it_always_drew(network, demands):
    sigma, memory, step = 0.3, 2.0, 0.25
    series = Series(network, demands, (Noise(sigma=sigma, correlation_h=memory),), step)
    got = series.play(STREAMS)(0, 40) / demands.gbps[:, None]
    phi = np.exp(-step / memory)
    for row, name in zip(got, demands.names, strict=True):
        draws = STREAMS.generator("noise", name).standard_normal(41)
        level, expected = draws[0], []
        for shock in draws[1:]:
            level = phi * level + np.sqrt(1 - phi**2) * shock
            expected.append(np.exp(sigma * level - sigma**2 / 2))
        assert row == pytest.approx(expected, rel=1e-12)


def test_groups_do_not_matter_without_common(crowd):
    plain = levels(crowd, Noise(sigma=0.2), steps=5)
    for by in ("class", "region"):
        assert np.array_equal(levels(crowd, Noise(sigma=0.2, by=by), steps=5), plain)


def test_all_in_common_is_one_process_a_group(crowd):
    network, demands = crowd
    got = levels(crowd, Noise(sigma=0.2, common=1.0, by="region"), steps=20)
    abroad = network.is_abroad
    end = np.where(abroad[demands.source], demands.source, demands.target)
    group = np.where(abroad[end], end, -1)
    first = {name: got[np.flatnonzero(group == name)[0]] for name in np.unique(group)}
    assert np.allclose(got, [first[name] for name in group], atol=1e-12)
    assert len({row.round(9).tobytes() for row in got}) == 11, "ten regions, and home"
    by_class = levels(crowd, Noise(sigma=0.2, common=1.0, by="class"), steps=20)
    assert len({row.round(9).tobytes() for row in by_class}) == 3
    everything = levels(crowd, Noise(sigma=0.2, common=1.0), steps=20)
    assert len({row.round(9).tobytes() for row in everything}) == 1


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_the_common_share_is_the_correlation(crowd, share):
    # Independent steps, so that 4,000 of them are 4,000 samples of the common level.
    noise = Noise(sigma=0.1, correlation_h=0.0, common=share, by="class")
    got = levels(crowd, noise, steps=4000)
    _, demands = crowd
    one, other = (got[demands.of_class(name)] for name in ("domestic", "international_in"))
    for x, y, expected in ((one[0], one[7], share), (one[1], other[2], 0.0)):
        # The sampling error of a correlation r of n Gaussian samples is (1 - r^2) / sqrt(n).
        assert np.corrcoef(x, y)[0, 1] == pytest.approx(
            expected, abs=4 * (1 - expected**2) / np.sqrt(4000)
        )
    # What all of a class have in common is what its mean keeps; n samples tell a variance to
    # sqrt(2 / n) of itself. The own parts of 870 demands leave (1 - share) / 870 more.
    kept = one.mean(axis=0).var()
    assert kept == pytest.approx(share + (1 - share) / len(one), rel=4 * np.sqrt(2 / 4000))


@pytest.mark.parametrize("by", ["all", "region"])
def test_common_noise_keeps_mean_one_and_its_sigma(network, demands, by):
    one = demands.take(np.array([3]))
    noise = Noise(sigma=0.5, correlation_h=0.0, common=0.6, by=by)
    count = 40_000
    got = noise.start(network, one, STREAMS, 1.0)(np.arange(count, dtype=float))[0]
    deviation = np.sqrt(np.exp(0.5**2) - 1.0)  # of a lognormal of mean one
    assert got.mean() == pytest.approx(1.0, abs=4 * deviation / np.sqrt(count))
    assert np.log(got).std() == pytest.approx(0.5, rel=4 / np.sqrt(2 * count))
    assert np.log(got).mean() == pytest.approx(-0.125, abs=4 * 0.5 / np.sqrt(count))


def test_common_noise_remembers_like_the_rest(crowd):
    noise = Noise(sigma=0.1, correlation_h=1.0, common=1.0)
    pair = crowd[0], crowd[1].take(np.array([7]))
    got = np.array([levels(pair, noise, 30, 0.25, r)[0] for r in range(300)])
    product = got[:, 5:] * got[:, :-5]  # 1.25 h apart
    each = product.mean(axis=1)
    assert each.mean() == pytest.approx(np.exp(-1.25), abs=4 * each.std(ddof=1) / np.sqrt(300))
    first = got[:, 0]
    assert first.std() == pytest.approx(1.0, rel=4 / np.sqrt(2 * 300)), "stationary at once"


# -- the variance law -------------------------------------------------------------------------


def test_the_size_of_fluctuations_by_hand():
    law = Nucci(gamma=0.8, log_psi=-0.33, unit_gbps=1e5)
    # sigma = (m / psi)^(1 / gamma) in the unit: 1 Gbps is 1e-5, and so on.
    for gbps, told in ((1.0, 0.085), (100.0, 0.27)):
        sigma = (gbps / 1e5 / np.exp(-0.33)) ** 1.25 * 1e5
        assert law.variation(np.array([gbps]))[0] == pytest.approx(sigma / gbps, rel=1e-12)
        assert sigma / gbps == pytest.approx(told, rel=0.01), "as the docstring says"
    assert law.variation(np.array([0.0, 3.0]))[0] == 0.0


@pytest.mark.parametrize(("gamma", "log_psi"), [(0.8, -0.33), (1.3, 1.0)])
def test_the_variance_law_by_regression(crowd, gamma, log_psi):
    network, demands = crowd
    unit, steps = (1e4 if gamma < 1 else 0.1), 3000
    some = np.arange(0, len(demands), 4)
    mean = np.geomspace(0.1, 10.0, len(some))
    demands = demands.take(some).with_gbps(mean)
    law = Nucci(gamma=gamma, log_psi=log_psi, unit_gbps=unit)
    got = Series(network, demands, (law,), 1.0).play(STREAMS)(0, steps)
    x, y = np.log(mean / unit), np.log(got.std(axis=1) / unit)
    # The sampling variance of a log deviation is (kurtosis - 1) / (4 n), and the kurtosis of a
    # lognormal w^4 + 2 w^3 + 3 w^2 - 3 with w = 1 + variation^2.
    w = 1.0 + (np.exp((x - log_psi) / gamma) / np.exp(x)) ** 2
    error = (w**4 + 2 * w**3 + 3 * w**2 - 4) / (4 * steps)
    assert w.max() < 1.3, "tails short enough for the samples to tell"
    off = x - x.mean()
    slope, slope_error = (off @ y) / (off @ off), np.sqrt(off**2 @ error) / (off @ off)
    assert slope == pytest.approx(1.0 / gamma, abs=4 * slope_error) and slope_error < 0.01
    level_error = np.sqrt(error.sum()) / len(x)
    assert y.mean() == pytest.approx((x.mean() - log_psi) / gamma, abs=4 * level_error)
    assert (got.mean(axis=1) / mean - 1).mean() == pytest.approx(
        0.0, abs=4 * np.sqrt((w - 1).sum() / steps) / len(x)
    )


def test_no_traffic_no_fluctuation(network, demands):
    got = at(network, demands.with_gbps(np.array([0.0, 1, 1, 1, 1, 0.0])), Nucci(), 1, 2)
    assert (got[[0, 5]] == 1.0).all() and (got[1:5] != 1.0).all()
