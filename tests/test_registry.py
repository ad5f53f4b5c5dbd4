"""A word in YAML becomes a class."""

# mypy: disable-error-code="call-arg, valid-type"

import json
import sys
from typing import Annotated, Any

import pytest

from simulator.base.checking import build, check
from simulator.base.document import Document, parse_yaml
from simulator.base.errors import InputError, SimulatorError
from simulator.base.registry import Registry
from simulator.base.schema import Positive, checked, json_schema, to_plain

PARTS = {
    "__init__": """
from simulator.base.registry import Registry

scheme = Registry("routing scheme", "{0}")
""",
    "latency": '''
from {0} import scheme
from simulator.base.schema import Positive

@scheme("min_latency")
class MinLatency:
    """Shortest delay first.

    Attributes
    ----------
    utilisation_cap : float
        Fill links up to here.
    """
    utilisation_cap: Positive = 0.85

    def route(self, network, demands, current=None):
        return network
''',
    "mixed": '''
from __future__ import annotations
from typing import Annotated, Any
from {0} import scheme

@scheme("mixed")
class Mixed:
    """Two in one."""
    first: Annotated[Any, scheme.choice]
    second: Annotated[Any, scheme.choice] = "min_latency"
''',
}


@pytest.fixture
def scheme(tmp_path, monkeypatch, request):
    """Return a registry over a package of its own."""
    package = f"schemes_{abs(hash(request.node.name))}"
    folder = tmp_path / package
    folder.mkdir()
    for module, source in PARTS.items():
        (folder / f"{module}.py").write_text(source.replace("{0}", package))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__(package).scheme
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


@pytest.fixture
def strategy(scheme):
    """Return a checked dataclass with a field that the registry fills."""
    AnyScheme, choice = scheme.field(), scheme.choice

    @checked
    class Strategy:
        """How to route."""

        scheme: AnyScheme
        spare: AnyScheme = "min_latency"
        last: Annotated[Any, choice] | None = None

    return Strategy


def letters(cls, text):
    return [str(problem) for problem in check(cls, parse_yaml(text, "f.yaml"))[1]]


def test_the_folder_finds_its_siblings(scheme):
    assert scheme.names() == ["min_latency", "mixed"]
    assert scheme.describe() == [
        ("min_latency", "Shortest delay first."),
        ("mixed", "Two in one."),
    ]
    scheme.discover()
    scheme.discover()


def test_a_word_makes_an_instance(scheme):
    made = scheme.make("min_latency", utilisation_cap=0.8)
    assert isinstance(made, scheme["min_latency"])
    assert (made.kind, made.utilisation_cap) == ("min_latency", 0.8)
    assert made.route("network", None) == "network"
    assert list(type(made).__dataclass_fields__) == ["kind", "utilisation_cap"]
    with pytest.raises(ValueError, match="kind"):
        scheme.make("min_latency", kind="other")


def test_an_unknown_word_gets_a_letter(scheme):
    with pytest.raises(InputError) as caught:
        scheme["min_latencey"]
    assert isinstance(caught.value, SimulatorError)
    assert str(caught.value) == (
        "no routing scheme named 'min_latencey'; did you mean 'min_latency'?"
        " known: min_latency, mixed"
    )
    with pytest.raises(ValueError, match="^no routing scheme named 'x'; known: min_latency, mixed"):
        scheme.make("x")


def test_two_of_one_name_are_refused(scheme):
    with pytest.raises(ValueError, match="two routing scheme classes are named 'min_latency'"):

        @scheme("min_latency")
        class Again:
            """Again."""

        scheme.names()


def test_a_class_may_join_later(scheme, strategy):
    @scheme("late")
    class Late:
        """Late."""

        share: Positive = 1

    made = build(strategy, parse_yaml("scheme: {kind: late, share: 2}"))
    assert made.scheme == Late(share=2)
    assert "late" in scheme.names()


@pytest.mark.parametrize(
    "text", ["scheme: min_latency", "scheme: {kind: min_latency}", "scheme:\n  kind: min_latency\n"]
)
def test_bare_words_and_mappings_mean_the_same(scheme, strategy, text):
    made = build(strategy, parse_yaml(text))
    assert made.scheme == made.spare == scheme.make("min_latency")
    assert made.last is None


def test_instances_are_taken_as_they_are(scheme, strategy):
    chosen = scheme.make("min_latency", utilisation_cap=0.5)
    assert strategy(scheme=chosen).scheme is chosen
    assert build(strategy, Document.of({"scheme": chosen})).scheme is chosen


def test_schemes_may_hold_schemes(scheme, strategy):
    made = build(
        strategy, parse_yaml("scheme: {kind: mixed, first: {kind: mixed, first: min_latency}}")
    )
    assert made.scheme.first.second.utilisation_cap == 0.85


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        (
            "scheme: min_latencey",
            "f.yaml:1:9: scheme: no routing scheme named 'min_latencey'; did you mean"
            " 'min_latency'? known: min_latency, mixed",
        ),
        (
            "scheme:\n  kind: zzz",
            "f.yaml:2:9: scheme.kind: no routing scheme named 'zzz'; known: min_latency, mixed",
        ),
        (
            "scheme: {}",
            "f.yaml:1:9: scheme.kind: required key is missing: say which routing scheme;"
            " known: min_latency, mixed",
        ),
        (
            "scheme: {kind: 3}",
            "f.yaml:1:16: scheme.kind: expected the name of a routing scheme, found 3;"
            " known: min_latency, mixed",
        ),
        (
            "scheme: [min_latency]",
            "f.yaml:1:9: scheme: expected the name of a routing scheme, found a list of 1 item;"
            " known: min_latency, mixed",
        ),
        (
            "scheme: {kind: min_latency, utilisation_cpa: 1}",
            "f.yaml:1:29: scheme.utilisation_cpa: unknown key; did you mean 'utilisation_cap'?",
        ),
        (
            "scheme: {kind: min_latency, utilisation_cap: true}",
            "f.yaml:1:46: scheme.utilisation_cap: expected a number above 0, found true",
        ),
        (
            "scheme: mixed",
            "f.yaml:1:1: scheme.first: required key is missing; expected a routing scheme",
        ),
        (
            "scheme: {kind: mixed, first: {kind: min_latency, utilisation_cap: -1}}",
            "f.yaml:1:67: scheme.first.utilisation_cap: expected a number above 0, found -1",
        ),
        ("spare: mixd", "f.yaml:1:1: scheme: required key is missing; expected a routing scheme"),
        (
            "scheme: min_latency\nlast: {kind: min_latency, x: 1}",
            "f.yaml:2:27: last.x: unknown key; known: kind, utilisation_cap",
        ),
    ],
)
def test_wrong_choices_get_letters(strategy, text, letter):
    assert letter in letters(strategy, text)


def test_other_fields_survive_a_wrong_choice(scheme, strategy):
    fields, problems = check(strategy, parse_yaml("scheme: zzz"))
    assert len(problems) == 1
    assert fields == {"spare": scheme.make("min_latency"), "last": None}


def test_plain_form_has_kind_first_and_comes_back(strategy):
    made = build(strategy, parse_yaml("scheme: {first: min_latency, kind: mixed}"))
    plain = to_plain(made)
    assert list(plain["scheme"]) == ["kind", "first", "second"]
    assert build(strategy, Document.of(plain)) == made


def test_json_schema_offers_words_and_mappings(strategy):
    described = json_schema(strategy, "Strategy")
    words, latency, mixed = described["properties"]["scheme"]["anyOf"]
    assert words == {"enum": ["min_latency", "mixed"]}
    assert latency["description"] == "Shortest delay first."
    assert latency["required"] == ["kind"]
    assert latency["properties"]["kind"]["const"] == "min_latency"
    assert latency["properties"]["utilisation_cap"]["description"] == "Fill links up to here."
    assert latency["additionalProperties"] is False
    assert mixed["required"] == ["kind", "first"]
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(described)))
    assert validator.is_valid({"scheme": "min_latency"})
    assert validator.is_valid({"scheme": {"kind": "mixed", "first": {"kind": "min_latency"}}})
    assert not validator.is_valid({"scheme": {"utilisation_cap": 1}})
    assert not validator.is_valid({"scheme": "zzz"})


def test_a_missing_package_is_a_loud_surprise():
    with pytest.raises(ModuleNotFoundError):
        Registry("thing", "no_such_package_here").names()
