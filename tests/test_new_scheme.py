"""One file adds a scheme: to YAML, the Python face, the listing, the JSON Schema and the laws."""

import pytest
from click.testing import CliRunner
from dropin import dropped_in
from law_networks import case
from laws import LAWS, broken, solved

import simulator as sim
from simulator.base.errors import InputError
from simulator.cli.main import main
from simulator.routing.scheme import Scheme, scheme

SOURCE = '''
from simulator.base.schema import Name, Positive
from simulator.paths.shortest import ecmp
from simulator.routing.scheme import Scheme, scheme

@scheme("by_blend")
class ByBlend(Scheme):
    """Shortest paths by a blend of metric and delay."""

    blend: Positive = 1.0
    weights: dict[Name, Positive] | None = None

    def class_words(self):
        return {("weights",): self.weights or ()}

    def problems(self, network):
        if self.blend > 10:
            yield ("blend",), f"{self.blend:g} is more than this network bears"

    def route(self, network, demands, current=None):
        self.require_valid(network)
        return ecmp(network, demands, network.metric + self.blend * network.delay_ms)
'''

SCENARIO = """
topology: china169-mini
horizon_h: 1
replications: 1
traffic: {matrix: {kind: gravity, domestic_gbps: 100, international_out_gbps: 5}}
strategies: {mine: {scheme: {kind: by_blend, blend: 2.5}}}
"""


@pytest.fixture(scope="module")
def dropped():
    with dropped_in(scheme, "blend", SOURCE) as module:
        yield module
    assert "by_blend" not in scheme.names()


def test_it_works_in_yaml(dropped, tmp_path):
    (tmp_path / "one.yaml").write_text(SCENARIO)
    scenario = sim.load(tmp_path / "one.yaml")
    assert scenario.settings.strategies["mine"].scheme == dropped.ByBlend(blend=2.5)


def test_it_works_by_name_and_has_the_members_of_the_contract(dropped):
    network, demands = case("random medium 10")
    one, two = (sim.route("by_blend", network, demands, blend=b) for b in (1e-9, 5.0))
    assert abs(one.matrix - two.matrix).max() > 0
    made = scheme.make("by_blend")
    assert isinstance(made, Scheme) and made.kind == "by_blend"
    assert (made.demand_aware, made.shapes, made.default_control) == (False, False, "loop")
    with pytest.raises(InputError, match="^blend: 11 is more than"):
        sim.route("by_blend", network, demands, blend=11.0)


@pytest.mark.parametrize("role", ["scheme", "fallback"])
def test_its_words_for_classes_and_services_are_checked(dropped, role):
    def loaded(*words):
        chosen = {"kind": "by_blend", "weights": dict.fromkeys(words, 1.0)}
        strategy = {"scheme": "igp_ecmp", "control": {"every_s": 300}, role: chosen}
        traffic = {"services": {"video": {"share": 0.4}, "other": {"share": 0.6}}}
        keys = {"topology": "china169-mini", "horizon_h": 1, "traffic": traffic}
        return sim.Scenario(**keys, strategies={"mine": strategy})

    assert getattr(loaded("domestic", "video").settings.strategies["mine"], role).weights
    with pytest.raises(InputError) as caught:
        loaded("domestic", "vidoe")
    (found,) = caught.value.problems
    assert found.key == f"strategies.mine.{role}.weights.vidoe"
    assert found.message == "no traffic class or service named 'vidoe'; did you mean 'video'?"


def test_it_is_listed_and_described(dropped):
    listed = CliRunner().invoke(main, ["list", "schemes"]).stdout
    assert "by_blend" in listed and "Shortest paths by a blend of metric and delay." in listed
    schema = CliRunner().invoke(main, ["schema", "scenario"])
    assert "by_blend" in schema.stdout


@pytest.mark.parametrize("name", ["mini", "mini, a cable cut", "random medium 10"])
def test_the_laws_hold_for_it(dropped, name):
    assert broken(LAWS, solved(name, "by_blend")) == []


def test_a_scheme_without_a_route_is_refused():
    with pytest.raises(TypeError, match="routing scheme 'idle' has no route"):

        @scheme("idle")
        class Idle(Scheme):
            """Nothing."""
