"""Kinds of control: the loop where none is named, perfect information, and who chooses."""

import json

import numpy as np
import pytest
from conftest import MINI
from helpers import asks, case_of, play, sdn, static, two_exits

import simulator as sim
from simulator.base.schema import json_schema, to_plain
from simulator.control.kinds.control import Control, control
from simulator.control.kinds.loop import Loop
from simulator.control.kinds.perfect_information import PerfectInformation
from simulator.control.strategy import Strategy
from simulator.routing.scheme import scheme
from simulator.traffic.shapes.noise import Noise


def test_a_scheme_chooses_where_no_control_is_given():
    for kind in ("igp_ecmp", "min_latency", "best_static", "clairvoyant"):
        control = Strategy(scheme=kind).control
        assert control == (PerfectInformation() if kind == "clairvoyant" else Loop())
    chosen = {kind for kind in scheme.names() if scheme[kind].default_control != "loop"}
    assert chosen == {"clairvoyant"}


@pytest.mark.parametrize("kind", ["clairvoyant", "min_latency"])
@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, Loop()),
        ({"every_s": 300}, Loop(every_s=300)),
        ("loop", Loop()),
        ({"kind": "loop", "every_s": 300}, Loop(every_s=300)),
        (Loop(), Loop()),
        ("perfect_information", PerfectInformation()),
        ({"kind": "perfect_information"}, PerfectInformation()),
    ],
)
def test_what_is_given_counts(kind, given, made):
    assert Strategy(scheme=kind, control=given).control == made


def test_what_a_kind_is_to_others():
    still, steers, bound = static(), sdn(), Strategy(scheme="clairvoyant")
    assert [s.is_static for s in (still, steers, bound)] == [True, False, False]
    assert [s.has_controller for s in (still, steers, bound)] == [False, True, False]
    assert [s.perfect_information for s in (still, steers, bound)] == [False, False, True]
    assert still.static_scheme is still.scheme and steers.static_scheme is steers.fallback
    assert bound.control.memory_s == 0.0 and steers.control.memory_s == 60.0 + 60.0 + 2 * 300.0


def test_the_defaults_of_the_contract_are_those_of_a_static_control():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    plain = Control()
    assert not plain.has_controller and not plain.perfect_information
    assert (plain.memory_s, plain.services, plain.steered_share) == (0.0, (), 1.0)
    assert len(plain.steered(network, demands)) == 0 and plain.steered_share == 1.0
    assert list(plain.notes()) == [] and list(plain.problems(network)) == []


# -- perfect information --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played():
    """A noisy demand of 120 Gbps over two exits of 100: two bounds and a loop."""
    network = two_exits()
    strategies = {
        "static": static(),
        "loop": sdn({"kind": "min_latency", "utilisation_cap": 0.7}),
        "spread": Strategy(
            scheme={"kind": "min_latency", "utilisation_cap": 0.7}, control="perfect_information"
        ),
        "bound": Strategy(scheme={"kind": "clairvoyant", "utilisation_cap": 0.7}),
    }
    case = case_of(
        network,
        asks(network, ("home", "abroad", 120.0)),
        strategies,
        hours=2.0,
        step_s=300.0,
        shapes=[Noise(sigma=0.05)],
        events=[{"at_h": 1.01, "until_h": 1.99, "link": "near"}],
    )
    assert case.yardstick == "bound"  # the first with perfect information has no cost
    return play(case)


def test_any_scheme_may_have_perfect_information(played):
    for name in ("spread", "bound"):
        log = played.table("control", name)
        assert set(log["layer"]) == {"static"}
        # At every step, and at once when the link fails and comes back.
        steps = set(np.arange(24) * 300.0)
        assert set(log["time_s"]) == steps | {1.01 * 3600, 1.99 * 3600}
        assert played.figure("control_cycles", strategy=name) == 0.0
    up = played.arc("near", "gw-near", "spread")["utilisation"].to_numpy()[:12]
    assert up == pytest.approx(0.7, abs=1e-6)  # to the cap, whatever the noise
    # A loop of the same scheme is off by the noise.
    late = played.arc("near", "gw-near", "loop")["utilisation"].to_numpy()[:12]
    assert np.abs(late - 0.7).max() > 0.01


def test_regret_is_counted_from_the_first_bound_with_a_cost(played):
    regret = {name: played.figure("regret", strategy=name) for name in played.figures}
    assert regret["bound"] == 0.0
    assert 0.0 < regret["loop"] < regret["static"]
    assert -1e-9 <= regret["spread"] < regret["loop"]


def test_without_a_cost_there_is_no_regret():
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    strategies = {
        "spread": Strategy(scheme="min_latency", control="perfect_information"),
        "looped": Strategy(scheme="clairvoyant", control={"every_s": 300.0}),
    }
    case = case_of(network, demands, strategies)
    assert case.yardstick is None
    got = play(case)
    assert not any(metric == "regret" for found in got.figures.values() for metric, _ in found)
    assert got.figure("control_cycles", strategy="looped") == 12.0


# -- in files -------------------------------------------------------------------------------------

TEXT = """
topology: china169-mini
horizon_h: 0.5
strategies:
  still: {scheme: igp_ecmp}
  loop: {scheme: min_latency, control: {every_s: 900}}
  told: {scheme: min_latency, control: {kind: loop, every_s: 900}}
  spread: {scheme: min_latency, control: perfect_information}
  bound: {scheme: clairvoyant}
"""


def test_a_resolved_scenario_shows_the_kind_and_comes_back(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(TEXT, encoding="utf-8")
    scenario = sim.load(path)
    resolved = scenario.resolved()
    kinds = {name: each["control"]["kind"] for name, each in resolved["strategies"].items()}
    assert kinds == {
        "still": "loop", "loop": "loop", "told": "loop",
        "spread": "perfect_information", "bound": "perfect_information",
    }  # fmt: skip
    assert scenario.settings.strategies["loop"] == scenario.settings.strategies["told"]
    path.write_text(json.dumps({**resolved, "topology": "china169-mini"}), encoding="utf-8")
    assert sim.load(path).resolved() == resolved
    assert to_plain(scenario.settings.strategies["bound"].control) == {
        "kind": "perfect_information"
    }


def test_a_change_of_a_knob_starts_from_its_default():
    scenario = sim.load(MINI).with_changes({"strategies.static.control.detect_s": "+4"})
    assert scenario.settings.strategies["static"].control == Loop(detect_s=5.0)


def test_the_json_schema_offers_the_kinds():
    jsonschema = pytest.importorskip("jsonschema")
    described = json_schema(Strategy, "Strategy")
    words, *kinds = described["properties"]["control"]["anyOf"]
    assert words == {"enum": control.names()}
    assert "required" not in kinds[0] and kinds[1]["required"] == ["kind"]
    assert described["properties"]["control"]["default"]["kind"] == "loop"
    valid = jsonschema.Draft202012Validator(described).is_valid
    for given in ({}, {"every_s": 300}, "loop", {"kind": "perfect_information"}):
        assert valid({"scheme": "min_latency", "control": given}), given
    for given in ({"every_m": 5}, "lop", {"kind": "perfect_information", "every_s": 300}):
        assert not valid({"scheme": "min_latency", "control": given}), given
