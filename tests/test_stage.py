"""The stage: actors on it, meters for it, and engines, controls and predictors from one file."""

import importlib
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import asks, case_of, plain, play, sdn, static, two_exits

import simulator as sim
from simulator.base.errors import InputError
from simulator.control.kinds.control import control
from simulator.control.predictors.predictor import predictor
from simulator.engines.engine import engine
from simulator.engines.stage import Stage
from simulator.results.metrics import Figures
from simulator.routing.scheme import scheme
from simulator.simulation.clock import Priority


@pytest.fixture
def drop_in(tmp_path, monkeypatch):
    """Return a function that adds a file to the package of a registry, for one test."""

    def add(registry, source):
        folder = tmp_path / registry.package
        folder.mkdir()
        (folder / "dropped_in.py").write_text(source, encoding="utf-8")
        package = importlib.import_module(registry.package)
        registry.discover()
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
        monkeypatch.setattr(registry, "_discovered", False)
        monkeypatch.delitem(sys.modules, f"{registry.package}.dropped_in", raising=False)

    yield add
    for name in [name for name in sys.modules if name.endswith(".dropped_in")]:
        del sys.modules[name]


SCENARIO = """
topology: china169-mini
seed: 7
horizon_h: 2
step_s: 900
replications: 2
engine: {ENGINE}
traffic: {shapes: [{kind: noise, sigma: 0.1}]}
strategies:
  static: {scheme: igp_ecmp}
  sdn:
    scheme: {kind: min_latency, utilisation_cap: 0.8}
    control: {CONTROL}
events:
  - {at_h: 0.6, until_h: 1.5, link: beijing-la}
  - {at_h: 1.0, controller: sdn}
"""


def scenario(tmp_path, engine="fluid", control="{every_s: 900}", events=True):
    path = tmp_path / "scenario.yaml"
    text = SCENARIO.replace("{ENGINE}", engine).replace("{CONTROL}", control)
    path.write_text(text if events else text.partition("events:")[0], encoding="utf-8")
    return sim.load(path)


# -- an engine is one file ------------------------------------------------------------------------

COUNTING = '''
from typing import ClassVar

from simulator.base.schema import PositiveInt
from simulator.engines.engine import Engine, engine
from simulator.engines.stage import Stage


class Counter:
    """Counts steps."""

    cost_gbit_ms = 0.0

    def __init__(self, stage, strategy, routes):
        self.stage, self.steps = stage, 0

    def step(self, step):
        assert step == self.steps % self.stage.case.steps
        self.steps += 1

    def cut(self):
        pass

    settle = cut

    def current_rates(self):
        return self.stage.source.at(self.stage.clock.now)

    def close(self, decisions, best_gbit_ms):
        return [("offered_gbit", "all", "Gbit", float(self.steps * self.weight))]


@engine("counting")
class Counting(Engine):
    """Counts steps, times a weight."""

    weight: PositiveInt = 1

    def play(self, case, replication, emit, progress):
        meter = type("Weighted", (Counter,), {"weight": self.weight})
        return Stage(case, replication, emit, meter).run(progress)
'''


def test_an_engine_is_one_file_that_brings_a_meter(drop_in, tmp_path):
    drop_in(engine, COUNTING)
    counted = sim.run(scenario(tmp_path, "{kind: counting, weight: 3}"), out=tmp_path / "counted")
    fluid = sim.run(scenario(tmp_path), out=tmp_path / "fluid")
    assert counted.run["scenario"]["engine"] == {"kind": "counting", "weight": 3}
    figures = counted.figures.query("metric == 'offered_gbit' and scope == 'all'")
    assert figures["value"].tolist() == [24.0] * 4  # of 2 strategies and 2 replications
    # The stage is the same: what happens and what control decides, row by row.
    for table in ("control", "events"):
        ours, theirs = (getattr(each, table) for each in (counted, fluid))
        ours, theirs = (each.drop(columns="solve_s", errors="ignore") for each in (ours, theirs))
        assert len(ours) > 2
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def test_an_engine_has_its_place_in_the_registry(drop_in, tmp_path):
    drop_in(engine, COUNTING)
    assert dict(engine.describe())["counting"] == "Counts steps, times a weight."
    with pytest.raises(InputError, match="engine.weight: expected a whole number above 0, found 0"):
        scenario(tmp_path, "{kind: counting, weight: 0}")


# -- an actor is a generator ----------------------------------------------------------------------


class Silent:
    """A meter that measures nothing, and logs what it is called for."""

    cost_gbit_ms = 0.0

    def __init__(self, stage, strategy, routes):
        self.stage, self.strategy, self.routes, self.calls = stage, strategy, routes, []

    def step(self, step):
        self.log("step")

    def cut(self):
        self.log("cut")

    def settle(self):
        self.log("settle")

    def current_rates(self):
        self.log("rates")
        return self.stage.source.at(self.stage.clock.now)

    def close(self, decisions, best_gbit_ms) -> Figures:
        self.log("close")
        return [("offered_gbit", "all", "Gbit", 1.0)]

    def log(self, call):
        self.calls.append((self.stage.clock.now / 1e6, call))


def a_case(strategy=None, **more):
    network = two_exits()
    demands = asks(network, ("home", "abroad", 50.0))
    return case_of(network, demands, strategy or static(detect_s=1.0, converge_s=2.0), **more)


def test_an_actor_joins_without_another_file():
    booked = []

    def booking(stage):
        """Book every quarter of an hour; what has failed at that instant is known."""
        for quarter in range(1, 5):
            yield stage.clock.at(quarter * 900_000_000, Priority.CAPACITY)
            booked.append((stage.clock.now / 1e6, bool(stage.network_state.network.up.all())))

    case = a_case(events=[{"at_h": 0.25, "until_h": 0.5, "link": "near"}])
    stage = Stage(case, 0, lambda *row: None, Silent)
    stage.add(booking)
    stage.run(lambda done: None)
    # Failures and repairs come before, and the horizon ends what is due at it.
    assert booked == [(900.0, False), (1800.0, True), (2700.0, True)]


def test_an_actor_may_change_the_network_and_add_actors():
    def restoration(stage):
        yield stage.clock.after(10.0, Priority.CONTROL)
        seen.append(stage.clock.now / 1e6)

    def planner(stage):
        yield stage.clock.at(600_000_000, Priority.CAPACITY)
        link = stage.case.network.link_index["near"]
        stage.network_state.begin_change(link, "x2", stage)
        stage.add(restoration)

    seen = []
    stage = Stage(a_case(), 0, lambda *row: None, Silent)
    stage.add(planner)
    stage.run(lambda done: None)
    assert seen == [610.0]
    near = 2 * stage.case.network.link_index["near"]
    assert stage.network_state.network.capacity_gbps[near] == 200.0


def test_when_a_meter_is_called():
    case = a_case(events=[{"at_h": 0.5, "until_h": 0.75, "link": "near"}], step_s=1200.0)
    done = []
    stage = Stage(case, 0, lambda *row: None, Silent)
    assert stage.run(done.append)["it"][0] == ("offered_gbit", "all", "Gbit", 1.0)
    (run,) = stage.runs.values()
    assert run.meter.calls == [
        (0.0, "cut"),  # the first routes, before the first step: control comes before traffic
        (0.0, "step"),
        (1200.0, "step"),
        (1800.0, "settle"),  # the failure; its routes come a second and two later
        (1803.0, "cut"),
        (1803.0, "rates"),
        (2400.0, "step"),
        (2700.0, "settle"),
        (2703.0, "cut"),
        (2703.0, "rates"),
        (3600.0, "close"),
    ]
    assert done == [0.0, 1 / 3, 2 / 3]


def test_the_stage_gives_what_the_fluid_engine_gives():
    case = a_case(sdn(detect_s=0.5), events=[{"at_h": 0.5, "link": "near"}])
    tables = {}
    stage = Stage(case, 0, lambda name, table, columns: tables.update({table: columns}), Silent)
    stage.run(lambda done: None)
    ours = pd.DataFrame({name: plain(values) for name, values in tables["control"].items()})
    theirs = play(case).table("control")
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


# -- a kind of control and a predictor are one file -----------------------------------------------

SCHEDULED = '''
from simulator.base.schema import Positive
from simulator.control.kinds.control import Control, control
from simulator.control.static import lowest_layer


@control("scheduled")
class Scheduled(Control):
    """Routes for the planned traffic, by the hour.

    Attributes
    ----------
    hours : float
        Between two sets of routes.
    """

    hours: Positive

    def layers(self, context):
        scene, base = context.scene, context.route_table.demands

        def planned():
            expected = scene.source.expected(scene.clock.now * 1e-6 + 0 * base.gbps[:1])
            return scene.network_state.network, base.with_gbps(expected[:, 0])

        yield lowest_layer(
            context, planned, install_s=5.0, detect_s=1.0, every_s=self.hours * 3600.0
        )

    def notes(self):
        yield "Routes follow the plan."
'''


def test_a_kind_of_control_is_one_file(drop_in, tmp_path):
    drop_in(control, SCHEDULED)
    made = scenario(tmp_path, control="{kind: scheduled, hours: 0.5}", events=False)
    results = sim.run(made, out=tmp_path / "out")
    assert results.run["scenario"]["strategies"]["sdn"]["control"] == {
        "kind": "scheduled", "hours": 0.5,
    }  # fmt: skip
    assert "sdn: Routes follow the plan." in results.run["notes"]
    log = results.control.query("strategy == 'sdn' and replication == 0")
    assert log["time_s"].tolist() == [0.0, 1805.0, 3605.0, 5405.0]
    assert set(log["layer"]) == {"static"}
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, control="{kind: scheduled}")
    assert "strategies.sdn.control.hours: required key is missing" in str(caught.value)
    with pytest.raises(InputError, match="no strategy with a controller named 'sdn'"):
        scenario(tmp_path, control="{kind: scheduled, hours: 0.5}")


DOUBLED = '''
from simulator.control.predictors.predictor import Predictor, predictor


@predictor("doubled")
class Doubled(Predictor):
    """Twice what was measured."""

    def start(self, outlook):
        assert outlook.every_s == 900.0
        return lambda time_s, measured: 2.0 * measured
'''


def test_a_predictor_is_one_file(drop_in, tmp_path):
    drop_in(predictor, DOUBLED)
    loop = "{every_s: 900, noise_sigma: 0, staleness_s: 0, window_s: 0, predict: doubled}"
    results = sim.run(scenario(tmp_path, control=loop, events=False), out=tmp_path / "out")
    log = results.control.query("layer == 'controller'")
    assert np.nanmean(log["prediction_error"]) == pytest.approx(1.0, abs=0.1)


# -- contracts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("registry", "member"),
    [(engine, "play"), (control, "layers"), (predictor, "start"), (scheme, "route")],
    ids=lambda each: getattr(each, "noun", each),
)
def test_a_class_that_breaks_its_contract_is_refused(registry, member, monkeypatch):
    registry.discover()
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    with pytest.raises(TypeError, match=f"{registry.noun} 'empty' has no {member}; see"):

        @registry("empty")
        class Empty(registry.contract):
            """Nothing."""


@pytest.mark.parametrize("registry", [engine, control, predictor], ids=lambda r: r.noun)
def test_every_class_states_its_contract(registry):
    for name in registry.names():
        assert issubclass(registry[name], registry.contract), name
