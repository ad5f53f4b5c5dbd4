"""Exact headroom: of schemes that hold a limit it is the optimum of one linear program."""

import numpy as np
import pytest
import sources
from conftest import MINI, make_random_case, make_tiny
from helpers import asks, sdn, static, two_exits
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator as sim
from simulator.control.settings import Coverage, Pieces
from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL
from simulator.model.streams import Streams
from simulator.recording.growth import Compound, Uniform
from simulator.recording.headroom import Headroom, headroom
from simulator.recording.limit import Limit
from simulator.recording.question import Question
from simulator.routing.min_latency import MinLatency
from simulator.routing.min_max import MinMax

EXITS = {"classes": ["exit"]}


def exit_peak(network, routes, rates):
    """How full the fullest exit direction is."""
    arcs = np.concatenate([network.exit_arcs[way] for way in ("out", "in")])
    arcs = arcs[network.up[arcs]]
    return float((routes.loads(rates)[arcs] / network.capacity_gbps[arcs]).max(initial=0.0))


def bisected(network, demands, target, scheme, grows=INTERNATIONAL):
    """Largest factor by halving, each time with the routes of the scheme itself."""

    def fits(factor):
        grown = demands.scaled(factor, grows)
        return exit_peak(network, scheme.route(network, grown), grown.gbps) <= target * (1 + 2e-8)

    low, high = 0.0, 1.0
    while fits(high) and high < 1e6:
        low, high = high, 2.0 * high
    while high - low > 1e-8 * high and high > 1e-9:
        middle = (low + high) / 2.0
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


@pytest.mark.reference(sources.BY_HAND)
def test_the_small_network_by_hand():
    # Traffic from a PoP abroad can come in by the exits of that PoP alone, so each has a cut:
    # Frankfurt 28.8 Gbps over 30 + 10, Los Angeles 72 over 32 + 44 + 28, Tokyo 28.8 over 20 + 30,
    # Hong Kong 28.8 over 12 + 40. At 80 %: 32 / 28.8 = 10/9, 83.2 / 72 = 1.156, 40 / 28.8 = 1.389,
    # 41.6 / 28.8 = 1.444. Outbound is a third of it. The backbone is wide: Frankfurt ends growth.
    scenario = sim.load(MINI)
    network, demands = scenario.network, scenario.demands
    growth = Uniform(demands.of_class(INTERNATIONAL))
    for kind in ("min_max", "min_latency"):
        limit = found(sdn({"kind": kind, **EXITS}), network, demands, 0.8, growth)
        assert limit.factor == limit.factor_high == pytest.approx(10 / 9, rel=1e-9)
        assert limit.full == ("exit:beijing-frankfurt:in", "exit:guangzhou-frankfurt:in")
    # Of traffic to and from Tokyo alone: Frankfurt stays at 72 %, and Tokyo ends it.
    tokyo = network.node_index["pop-tokyo"]
    some = Uniform((demands.source == tokyo) | (demands.target == tokyo))
    limit = found(sdn({"kind": "min_max", **EXITS}), network, demands, 0.8, some)
    assert limit.factor == pytest.approx(40 / 28.8, rel=1e-9)


@pytest.mark.parametrize("kind", ["min_max", "min_latency"])
def test_every_instant_of_the_small_network_is_what_halving_finds(kind):
    scenario = sim.load(MINI).with_changes({"step_s": 7200.0})
    case, strategy = scenario.case, sdn({"kind": kind, **EXITS})
    rates = case.series.play(Streams(case.seed, 0))(0, case.steps)
    scheme = MinMax(**EXITS) if kind == "min_max" else MinLatency(utilisation_cap=0.8, **EXITS)
    expected = []
    for instant in rates.T:
        demands = case.demands.with_gbps(instant)
        expected.append(bisected(case.network, demands, 0.8, scheme))
        alone = headroom(strategy, case.network, demands, 0.8)
        assert alone == pytest.approx(expected[-1], rel=1e-6)
    whole = Headroom(strategy, case.demands, 0.8)
    whole.see(case.network, rates)
    assert whole.factor() == pytest.approx(min(expected), rel=1e-6)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 400),
    kind=st.sampled_from(["min_max", "min_latency"]),
    steers=st.sampled_from([INTERNATIONAL, ("international_out",)]),
    more=st.sampled_from([EXITS, {}, {"paths": 2}, {**EXITS, "others_cap": 0.6}]),
)
def test_random_networks_are_what_halving_finds(seed, kind, steers, more):
    network, demands = make_random_case(seed, "small")
    strategy, target = sdn({"kind": kind, **more}, steers=steers), 0.7
    streams, growth = Streams(0, 0), Uniform(demands.of_class(INTERNATIONAL))
    limit = found(strategy, network, demands, target, growth)
    question = Question(strategy, network, demands, target, streams, growth)
    if limit.factor > 0:
        assert question._fits(demands.gbps, limit.factor * (1 - 1e-6))
        assert question._fits(demands.gbps, limit.factor / 2)
    assert not question._fits(demands.gbps, limit.factor_high * (1 + 3e-6) + 1e-9)
    assert limit.factor_high - limit.factor <= 1e-6 * limit.factor_high + 1e-9


def found(strategy, network, demands, target, growth, ways=("out", "in")):
    """Return the limit of one instant."""
    question = Question(strategy, network, demands, target, Streams(0, 0), growth, ways)
    return question.least(demands.gbps[:, None], np.zeros(1), Limit(np.inf))


def test_the_exits_that_end_growth_are_those_of_the_cut():
    # Two regions of their own, each behind one exit: 10 and 100 Gbps. The first is full at 8/4, and
    # nothing relieves it; the second is at 20 of 80 then.
    network = make_tiny(
        ("to-near", "home", "gw-near", 1000.0), ("to-far", "home", "gw-far", 1000.0),
        ("near", "gw-near", "one", 10.0), ("far", "gw-far", "other", 100.0),
        **{"one": "pop", "other": "pop", "gw-near": "gateway", "gw-far": "gateway"},
    )  # fmt: skip
    demands = asks(network, ("home", "one", 4.0), ("home", "other", 10.0))
    limit = found(sdn(), network, demands, 0.8, Uniform(np.ones(2, dtype=bool)))
    assert (limit.factor, limit.factor_high) == pytest.approx((2.0, 2.0), rel=1e-9)
    assert limit.full == ("exit:near:out",)
    both = found(sdn(), two_exits(), asks(two_exits(), ("home", "abroad", 50.0)), 0.8,
                 Uniform(np.ones(1, dtype=bool)))  # fmt: skip
    assert set(both.full) == {"exit:near:out", "exit:far:out"}


def test_a_scheme_without_a_promise_is_bracketed():
    network = two_exits()
    demands = asks(network, ("abroad", "home", 100.0))
    growth = Uniform(np.ones(1, dtype=bool))
    exact = found(sdn(), network, demands, 0.8, growth)
    assert exact.factor == exact.factor_high == pytest.approx(1.6, rel=1e-12)
    loose = found(sdn(pieces=Pieces(count=2, skew=0.0)), network, demands, 0.8, growth)
    assert loose.factor < loose.factor_high <= loose.factor * (1 + 2e-3)
    assert loose.factor <= 1.6 <= loose.factor_high


@pytest.mark.reference(sources.BY_HAND)
def test_steered_in_part_the_rest_is_in_the_way():
    # A quarter of 100 is steered; the rest stays on the near exit of 100: 75 f <= 80.
    network = two_exits()
    demands = asks(network, ("abroad", "home", 100.0))
    strategy = sdn(coverage=Coverage(share=0.25, of="traffic"))
    limit = found(strategy, network, demands, 0.8, Uniform(np.ones(1, dtype=bool)))
    assert limit.factor == limit.factor_high == pytest.approx(80 / 75, rel=1e-9)
    assert limit.full == ("exit:near:in",)


# -- years ---------------------------------------------------------------------------------------


@pytest.mark.reference(sources.TEXTBOOKS)
def test_years_of_one_rate_are_a_logarithm():
    growth = Compound(np.log1p(np.array([0.25, 0.25])))
    years = growth.largest(np.array([[40.0, 200.0, 0.0]]), np.array([80.0, 80.0, 80.0]))
    expected = [np.log(2) / np.log(1.25), np.log(0.4) / np.log(1.25), np.inf]
    assert years == pytest.approx(expected, abs=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rates=st.lists(st.floats(-0.3, 0.9), min_size=1, max_size=5),
    seed=st.integers(0, 1000),
)
def test_years_of_several_rates_are_the_root_to_nine_digits(rates, seed):
    rng = np.random.default_rng(seed)
    growth = Compound(np.log1p(np.array(rates)))
    loads = rng.uniform(0.0, 50.0, (growth.groups, 6))
    room = rng.uniform(1.0, 200.0, 6)
    speeds = np.unique(np.log1p(np.array(rates)))
    for years, load, limit in zip(growth.largest(loads, room), loads.T, room, strict=True):

        def total(t, load=load):
            return float(load @ np.exp(speeds * t))

        if np.isposinf(years):
            assert total(100.0) <= limit
        elif np.isneginf(years):
            assert all(total(t) > limit for t in np.linspace(-100, 100, 2001))
        else:
            low, high = years - 1e-9, years + 1e-9
            assert total(low) <= limit * (1 + 1e-12) and total(high) > limit * (1 - 1e-12)


@pytest.mark.parametrize("strategy", [static(), sdn(), sdn({"kind": "min_max", **EXITS})])
def test_years_of_a_strategy_are_what_halving_finds_to_nine_digits(strategy):
    network = make_tiny(
        ("to-near", "home", "gw-near", 1000.0, 1.0), ("to-far", "home", "gw-far", 1000.0, 10.0),
        ("near", "gw-near", "pop", 100.0, 1.0), ("far", "gw-far", "pop", 60.0, 1.0),
        ("east", "pop", "one", 1000.0, 1.0), ("west", "pop", "other", 1000.0, 1.0),
        **{"pop": "pop", "one": "region", "other": "region", "gw-near": "gateway",
           "gw-far": "gateway"},
    )  # fmt: skip
    demands = asks(network, ("home", "one", 20.0), ("home", "other", 30.0))
    speed = np.log1p(np.array([0.35, 0.15]))
    limit = found(strategy, network, demands, 0.8, Compound(speed), ("out",))
    room = 80.0 if strategy.is_static else 80.0 + 48.0
    low, high = 0.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        fits = float(demands.gbps @ np.exp(speed * middle)) <= room
        low, high = (middle, high) if fits else (low, middle)
    assert limit.factor == pytest.approx(low, abs=1e-9)


def test_perfect_information_with_a_promise_is_exact():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    strategy = Strategy(scheme={"kind": "min_max", **EXITS}, control="perfect_information")
    limit = found(strategy, network, demands, 0.8, Uniform(np.ones(1, dtype=bool)))
    assert limit.factor == limit.factor_high == pytest.approx(3.2, rel=1e-12)
