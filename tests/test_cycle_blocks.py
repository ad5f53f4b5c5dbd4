"""Blocks of cycles: what is decided for many cycles at once is what is decided one by one."""

import numpy as np
import pandas as pd
import pytest
from conftest import MINI, make_random_case
from helpers import Played, play

import simulator as sim
from simulator.control.cycle_block import CycleBlock
from simulator.optimise.path_series import PathSeries
from simulator.routing.min_latency import MinLatency
from simulator.uncertainty.world import World

CONTROL = {"every_s": 300, "staleness_s": 60, "install_s": 5}
SDN = {"kind": "min_latency", "utilisation_cap": 0.80, "classes": ["exit"]}


def scenario(changes=None, control=None, scheme=None, world=0, hours=8, more=None):
    """Some hours of the small network, with changes of the scenario and of the controller."""
    strategies = {
        "static": {"scheme": {"kind": "igp_ecmp"}},
        "sdn": {"scheme": {**SDN, **(scheme or {})}, "control": {**CONTROL, **(control or {})}},
        **(more or {}),
    }
    base = {"horizon_h": hours, "step_s": 300, "strategies": strategies, "uncertainty": {}}
    loaded = sim.load(MINI).with_changes(base).with_changes(changes or {})
    return loaded.world(World(world))


def in_blocks(case, monkeypatch, most=None):
    """Play a case, and count the cycles that were decided in blocks; *most* is the longest."""
    counted, plain = [], CycleBlock.count

    def count(self):
        found = plain(self)
        counted.append(found if most is None else min(found, most))
        return counted[-1]

    with monkeypatch.context() as patch:
        patch.setattr(CycleBlock, "count", count)
        return play(case), counted


def one_by_one(case, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(CycleBlock, "count", lambda self: 0)
        return play(case)


def assert_equal(first: Played, second: Played, *, but=()):
    """All figures and all rows of all tables, to 1e-9."""
    for strategy, figures in first.figures.items():
        other = second.figures[strategy]
        assert figures.keys() == other.keys()
        for key, value in figures.items():
            # Of differences of nearly equal numbers, such as gaps, digits are few.
            assert value == pytest.approx(other[key], rel=1e-9, abs=1e-12, nan_ok=True), key
    assert first.parts.keys() == second.parts.keys()
    for strategy, table in first.parts:
        mine, other = first.table(table, strategy), second.table(table, strategy)
        assert len(mine) == len(other), table
        for column in mine.columns.difference(but):
            left, right = mine[column].to_numpy(), other[column].to_numpy()
            if pd.api.types.is_numeric_dtype(mine[column]):
                np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9, err_msg=column)
            else:
                assert list(left) == list(right), column


NOISY = [{"kind": "diurnal", "peak_hour": 5, "trough": 0.35}, {"kind": "noise", "sigma": 0.3}]
STILL = [{"kind": "diurnal", "peak_hour": 5, "trough": 0.35}]
CUT = {"link": "guangzhou-frankfurt", "at_h": 3.02, "until_h": 5.0}
REGULAR = {
    "as it is": {},
    "a drawn world": {"world": 3, "changes": {"uncertainty": sim.load(MINI).settings.uncertainty}},
    "no noise": {"changes": {"traffic": {"shapes": STILL}}, "control": {"noise_sigma": 0.0}},
    "much noise": {"changes": {"traffic": {"shapes": NOISY}}, "control": {"noise_sigma": 0.3}},
    "elastic traffic": {"changes": {"traffic": {"shapes": NOISY, "elastic_share": 0.9}}},
    "a lower cap": {"scheme": {"utilisation_cap": 0.4}},
    "all links count": {"scheme": {"classes": []}},
    "a link fails": {"changes": {"events": [CUT]}},
    "capacity changes": {"changes": {"events": [{**CUT, "capacity_gbps": "x0.5"}]}},
    "the controller stops": {
        "changes": {"events": [{"controller": "sdn", "at_h": 3.02, "until_h": 5.0}]}
    },
    "a link is slow": {"changes": {"events": [{**CUT, "delay_ms": "+30"}]}},
    "no telemetry": {"changes": {"events": [{"telemetry": "sdn", "at_h": 3.02, "until_h": 5.0}]}},
    **{
        f"the controller is {how}": {
            "changes": {"events": [{"controller": "sdn", "how": how, "at_h": 3.02, "until_h": 5.0}]}
        }
        for how in ("killed", "frozen", "graceful_restart", "feeder_dead")
    },
    "lost reports": {"control": {"telemetry_loss": 0.3}},
    "an average of the past": {"control": {"predict": {"kind": "ewma"}}},
    "at once": {"control": {"update": "instant", "compute_s": 0}},
    "an instantaneous reading": {"control": {"window_s": 0, "staleness_s": 0}},
    "cycles of two steps": {"control": {"every_s": 600}},
    "two cycles a step": {"control": {"every_s": 150}},
    "cycles of many steps": {
        "changes": {"step_s": 30, "record": {"every": 7}},
        "control": {"every_s": 840},
    },
    "long steps": {"changes": {"step_s": 1800}, "control": {"every_s": 120}},
    "cycles across steps": {"control": {"every_s": 420, "window_s": 400}},
    "half of the traffic": {"control": {"coverage": {"of": "traffic", "share": 0.5}}},
    "half of the provinces": {"control": {"coverage": {"of": "provinces", "share": 0.5}}},
    "regret, by a bound beside it": {"more": {"best": {"scheme": {"kind": "clairvoyant"}}}},
    "services of two priorities, one elastic": {
        "changes": {
            "traffic.services": {
                "video": {"share": 0.6, "priority": 1, "elastic": True},
                "calls": {"share": 0.4, "priority": 0},
            },
            "demands.international": "x1.3",
        },
        "hours": 4,
    },
    "one direction": {"control": {"steers": ["international_out"]}},
}


@pytest.mark.parametrize("name", REGULAR)
def test_one_by_one_and_in_blocks(name, monkeypatch):
    case = scenario(**REGULAR[name]).case
    first, counted = in_blocks(case, monkeypatch)
    assert sum(counted) >= 20, "most cycles are decided in blocks"
    assert_equal(first, one_by_one(case, monkeypatch))


def test_loss_and_overload(monkeypatch):
    # Where no limit can be held, the paths that were looked at depend on where the search began.
    case = scenario().with_changes({"demands.international": "x2.0"}).case
    first, counted = in_blocks(case, monkeypatch)
    assert sum(counted) >= 20
    assert first.figure("loss_fraction", strategy="static") > 0
    assert first.figure("loss_fraction", strategy="sdn") > 0
    assert_equal(first, one_by_one(case, monkeypatch), but=("paths", "rounds"))


def test_the_length_of_blocks_does_not_matter(monkeypatch):
    case = scenario().case
    whole, _ = in_blocks(case, monkeypatch)
    for most in (8, 13):
        pieces, counted = in_blocks(case, monkeypatch, most)
        assert max(counted) == most
        assert_equal(whole, pieces)


def test_blocks_of_large_networks_are_short(monkeypatch):
    case = scenario(hours=3).case
    whole, _ = in_blocks(case, monkeypatch)
    monkeypatch.setattr("simulator.control.cycle_block._MOST", 10 * len(case.demands))
    monkeypatch.setattr("simulator.recording.spans._MOST", 7)
    pieces, counted = in_blocks(case, monkeypatch)
    assert max(counted) == 10
    assert_equal(whole, pieces)


@pytest.mark.parametrize("failing", [{0}, {0, 1, 5}, set(range(400))])
def test_where_the_method_has_no_answer_the_scheme_is_asked(failing, monkeypatch):
    case, asked, plain = scenario().case, [], PathSeries._solve_one
    expected = one_by_one(case, monkeypatch)

    def some_fail(self, cycle):
        if cycle not in failing:
            return plain(self, cycle)
        asked.append(cycle)
        self._open[cycle] = False
        return False

    monkeypatch.setattr(PathSeries, "_solve_one", some_fail)
    first, _ = in_blocks(case, monkeypatch, most=20)
    assert 0 in asked
    assert_equal(first, expected, but=("paths", "rounds"))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("load", [0.3, 1.0, 2.0])
def test_routes_of_many_instants_are_those_of_each(seed, load):
    network, demands = make_random_case(seed)
    rng = np.random.default_rng(seed)
    rates = demands.gbps[:, None] * load * np.exp(0.3 * rng.standard_normal((len(demands), 30)))
    rates[0, ::7] = 0.0  # a demand without a rate follows its fastest path
    under = 0.1 * network.capacity_gbps[:, None] * rng.random((len(network.tail), 30))
    scheme = MinLatency(utilisation_cap=0.8, classes=("exit",))
    assert scheme.answers_many(network, demands)
    answers = scheme.route_many(network, demands, rates, under)
    for instant in range(30):
        seen = network.carrying(under[:, instant])
        routes = scheme.route(seen, demands.with_gbps(rates[:, instant]))
        found, proof = answers.series.at(instant), answers.certificates.at(instant)
        np.testing.assert_allclose(found.served, routes.served, atol=1e-12)
        for name in ("mlu", "mlu_bound", "objective", "bound"):
            expected = getattr(routes.certificate, name)
            assert getattr(proof, name) == pytest.approx(expected, rel=1e-9, nan_ok=True), name
        if proof.status == "optimal":
            loads = [each.loads(rates[:, instant]) for each in (found, routes)]
            np.testing.assert_allclose(*loads, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(answers.last.loads(rates[:, -1]), found.loads(rates[:, -1]))


# -- where the loop is not regular ----------------------------------------------------------------

IRREGULAR = {
    "hysteresis": {"control": {"hysteresis": {"high": 0.7, "low": 0.6}}},
    "a cap on moves": {"control": {"max_moves": 3}},
    "a cap on moved traffic": {"control": {"max_moved_gbps": 5}},
    "pieces": {"control": {"pieces": {"count": 8}}},
    "a tail of installs": {"control": {"install_sigma": 0.5}},
    "entries take time": {"control": {"rule_ms": 0.1}},
    "steps of an update": {"control": {"update": "multi_step"}},
    "longer than a cycle": {"control": {"install_s": 400}},
    "a cost of moves": {"scheme": {"churn_penalty_ms": 3}},
    "few paths": {"scheme": {"paths": 3}},
    "another scheme": {"scheme": {"kind": "min_max", "classes": []}},
}


@pytest.mark.parametrize("name", IRREGULAR)
def test_irregular_loops_are_decided_one_by_one(name, monkeypatch):
    settings = {key: dict(value) for key, value in IRREGULAR[name].items()}
    if settings.get("scheme", {}).get("kind"):
        monkeypatch.setitem(globals(), "SDN", {})
    case = scenario(**settings, hours=2).case
    _, counted = in_blocks(case, monkeypatch)
    assert not sum(counted)


def test_no_block_reaches_beyond_an_event(monkeypatch):
    made, plain = [], CycleBlock.decide

    def decide(self, count, current):
        found = plain(self, count, current)
        made.append((self._scene.clock.now, found.installed_us))
        return found

    monkeypatch.setattr(CycleBlock, "decide", decide)
    play(scenario({"events": [CUT]}).case)
    cut, back = (round(CUT[key] * 3600e6) for key in ("at_h", "until_h"))
    assert len(made) >= 3
    for begin, installed in made:
        for event in (cut, back):
            assert installed < event or begin > event
    # After an event the next cycles are decided one by one until all of it is known.
    assert min(begin for begin, _ in made if begin > cut) > cut + 60e6


def test_another_actor_on_the_stage_ends_foresight(monkeypatch):
    from simulator.engines.fluid import _meter
    from simulator.engines.stage import Stage

    case = scenario(hours=2).case

    def idle(stage):
        yield stage.clock.env.event()

    counted, plain = [], CycleBlock.count
    monkeypatch.setattr(
        CycleBlock, "count", lambda self: counted.append(plain(self)) or counted[-1]
    )
    for actor, blocks in ((None, True), (idle, False)):
        counted.clear()
        stage = Stage(case, 0, lambda *_: None, _meter, takes_series=True)
        if actor:
            stage.add(actor)
        stage.run(lambda done: None)
        assert bool(sum(counted)) is blocks


def test_a_scheme_says_where_it_answers_many():
    case = scenario().case
    plain = case.strategies["sdn"].scheme
    inside = case.demands.take(case.demands.of_class("domestic"))
    abroad = case.demands.take(~case.demands.of_class("domestic"))
    assert plain.answers_many(case.network, abroad)
    assert not plain.answers_many(case.network, inside)
    assert not MinLatency(paths=3).answers_many(case.network, abroad)
    assert not case.strategies["static"].scheme.answers_many(case.network, abroad)
