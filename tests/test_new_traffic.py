"""A shape, matrix, queue, predictor or scheme is one new file, whose problems `check` reports."""

import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from dropin import dropped_in

import simulator as sim
from simulator.cli.main import main
from simulator.control.predictors.predictor import predictor
from simulator.model.streams import Streams
from simulator.queues.queue import queue
from simulator.routing.scheme import scheme
from simulator.traffic.traffic import matrix, shape

SHAPE = '''
"""A shape that doubles the traffic of a node."""

import numpy as np

from simulator.base.schema import Name
from simulator.traffic.traffic import Shape, shape


@shape("doubled")
class Doubled(Shape):
    """Twice the traffic.

    Attributes
    ----------
    at : str
        A node.
    """

    at: Name = "beijing"

    def problems(self, network):
        if self.at not in network.nodes:
            yield ("at",), f"no place named {self.at!r}"

    def start(self, network, demands, streams, step_h):
        return lambda hours: np.full((len(demands), len(hours)), 2.0)
'''

MATRIX = '''
"""A matrix with a demand of one size for every pair."""

import numpy as np

from simulator.base.schema import Positive
from simulator.model.demands import Demands
from simulator.traffic.traffic import matrix


@matrix("all_alike")
class AllAlike:
    """The same rate for every pair of nodes at home."""

    gbps: Positive = 1.0

    def problems(self, network):
        if self.gbps > network.installed_gbps.max():
            yield ("gbps",), "more than any link can hold"

    def demands(self, network, folder):
        assert self.gbps <= network.installed_gbps.max(), "check comes first"
        nodes = np.flatnonzero(~network.is_abroad)
        source, target = (grid.ravel() for grid in np.meshgrid(nodes, nodes))
        source, target = source[source != target], target[source != target]
        rates = np.full(len(source), self.gbps)
        return Demands(network.nodes, source, target, network.class_of(source, target), rates)
'''

QUEUE = '''
"""A queue of one length."""

import numpy as np

from simulator.base.schema import NonNegative
from simulator.queues.queue import Queue, queue


@queue("same_wait")
class SameWait(Queue):
    """The same wait everywhere."""

    wait: NonNegative = 3.0

    def problems(self, network):
        if self.wait > 1000:
            yield ("wait",), "nobody waits that long"

    def wait_ms(self, utilisation, capacity_gbps):
        return np.full(np.broadcast(utilisation, capacity_gbps).shape, self.wait)
'''

PREDICTOR = '''
"""A predictor with a margin."""

from simulator.base.schema import Positive
from simulator.control.predictors.predictor import Predictor, predictor


@predictor("with_margin")
class WithMargin(Predictor):
    """The last measurement and a margin."""

    margin: Positive = 1.1

    def problems(self, network):
        if self.margin > 10:
            yield ("margin",), "more than the network can hold"

    def start(self, outlook):
        return lambda time_s, measured: measured * self.margin
'''

SCHEME = '''
"""A scheme that avoids a node."""

from dataclasses import field

from simulator.base.schema import Name
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import scheme


@scheme("avoiding")
class Avoiding:
    """IGP with a node to avoid."""

    demand_aware = False
    nodes: dict[Name, tuple[Name, ...]] = field(default_factory=dict)

    def problems(self, network):
        for name, others in self.nodes.items():
            for i, other in enumerate(others):
                if other not in network.nodes:
                    yield ("nodes", name, i), f"no node named {other!r}"

    def route(self, network, demands, current=None):
        return IgpEcmp().route(network, demands, current)
'''

FILES = ((shape, SHAPE), (matrix, MATRIX), (queue, QUEUE), (predictor, PREDICTOR), (scheme, SCHEME))

TEXT = """\
topology: china169-mini
horizon_h: 1
queue: {kind: same_wait, wait: 5}
traffic:
  matrix: {kind: all_alike, gbps: 0.5}
  shapes:
    - {kind: doubled, at: beijing}
  services:
    web: {share: 1, shapes: [{kind: doubled}]}
strategies:
  static: {scheme: {kind: avoiding, nodes: {beijing: [shanghai, beijing]}}}
  sdn:
    scheme: min_latency
    control: {every_s: 300, predict: {kind: with_margin, margin: 1.2}}
    fallback:
      kind: avoiding
"""


@pytest.fixture
def new_files():
    with ExitStack() as stack:
        for registry, source in FILES:
            stack.enter_context(dropped_in(registry, "new_file", source))
        yield


@pytest.fixture
def path(new_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("new.yaml").write_text(TEXT, encoding="utf-8")
    return Path("new.yaml")


def call(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.stdout


def test_one_file_is_enough_to_run(path):
    scenario = sim.load(path)
    assert set(scenario.demands.gbps) == {0.5}
    assert (scenario.case.series.play(Streams(1, 0))(0, 3) == 2.0).all()
    results = sim.run(scenario)
    assert results.figure("static", "queueing_ms_mean") > 5.0 - 1e-9
    assert "new.yaml: fine" in call("check", path)
    again = sim.load(scenario.resolved() | {"title": "again"})
    assert again.settings.queue == scenario.settings.queue


def test_one_file_is_enough_to_be_listed(new_files):
    assert "doubled" in call("list", "traffic") and "all_alike" in call("list", "traffic")
    assert "same_wait  The same wait everywhere." in call("list", "queues")
    assert "avoiding" in call("list", "schemes")
    assert ("with_margin", "The last measurement and a margin.") in predictor.describe()


def test_one_file_is_enough_for_the_schema(path):
    jsonschema = pytest.importorskip("jsonschema")
    yaml = pytest.importorskip("yaml")
    schema = json.loads(call("schema", "scenario"))
    text = json.dumps(schema)
    assert all(word in text for word in ("doubled", "all_alike", "same_wait", "with_margin"))
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(TEXT))
    assert not validator.is_valid(yaml.safe_load(TEXT.replace("wait: 5", "wait: -5")))


def test_problems_on_the_network_are_found_at_the_door_with_their_place(path):
    wrong = (
        TEXT.replace("wait: 5", "wait: 5000")
        .replace("at: beijing", "at: bejing")
        .replace("{kind: doubled}", "{kind: doubled, at: nowhere}")
        .replace("margin: 1.2", "margin: 12")
        .replace("[shanghai, beijing]", "[shanghai, nowhere]")
        .replace("gbps: 0.5", "gbps: 5e9")
        + "      nodes: {beijing: [elsewhere]}\n"
    )
    path.write_text(wrong, encoding="utf-8")
    assert call("check", path).splitlines() == [
        "new.yaml:5:35: traffic.matrix.gbps: more than any link can hold",
        "new.yaml:7:27: traffic.shapes[0].at: no place named 'bejing'",
        "new.yaml:9:50: traffic.services.web.shapes[0].at: no place named 'nowhere'",
        "new.yaml:3:32: queue.wait: nobody waits that long",
        "new.yaml:11:65: strategies.static.scheme.nodes.beijing[1]: no node named 'nowhere'",
        "new.yaml:14:66: strategies.sdn.control.predict.margin: more than the network can hold",
        "new.yaml:17:25: strategies.sdn.fallback.nodes.beijing[0]: no node named 'elsewhere'",
    ]


def test_what_a_file_leaves_out_the_contract_adds(new_files):
    made = matrix.make("all_alike")
    assert (made.outside, made.needs_routes, dict(made.files())) == ("refuse", False, {})
    assert made.recording(None, None) is None
    twice = shape.make("doubled")
    assert (twice.random, twice.since_start) == (False, False)
    assert twice.dated(None) is twice
    assert np.array_equal(queue.make("same_wait").wait_ms(np.zeros(2), 1.0), [3.0, 3.0])


@pytest.mark.parametrize(
    ("registry", "missing"),
    [(shape, "start"), (matrix, "demands"), (queue, "wait_ms"), (predictor, "start")],
)
def test_what_it_must_not_leave_out_is_named(registry, missing):
    class Empty:
        """Nothing."""

    with pytest.raises(TypeError, match=f"'empty_one' has no {missing}; see simulator"):
        registry("empty_one")(Empty)
    assert "empty_one" not in registry.names()


def test_kinds_of_ours_inherit_from_their_contract():
    for registry in (shape, matrix, queue, predictor):
        for name in registry.names():
            assert issubclass(registry[name], registry.contract), name
