"""What built-in topologies and scenarios state as not known: complete, sourced, and of effect."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
import yaml
from conftest import MINI

import simulator as sim
from simulator.base import library
from simulator.base.schema import to_plain
from simulator.formats.rules.entries import TopologyFile, keys
from simulator.model.reliability import KINDS, elements_of
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.uncertainty.law import law
from simulator.uncertainty.world import World

TOPOLOGIES = [n for n in library.names("topologies")
              if library.find("topologies", n).suffix == ".yaml"]  # fmt: skip
SCENARIOS = library.names("scenarios")
TEXTS = {"id", "a", "b", "sources"}
"""Keys of nodes, links, regions and cables that name things, and need no mark."""


@functools.cache
def data_of(topology: str) -> dict:
    """The topology file, as PyYAML has it."""
    text = library.find("topologies", topology).read_text(encoding="utf-8")
    return yaml.safe_load(text)


@functools.cache
def loaded(scenario: str) -> sim.Scenario:
    return sim.load(scenario)


def stated_in() -> list:
    """A parameter for each assumption, where it is stated."""
    own = [
        (s, name)
        for s in SCENARIOS
        for name, each in sim.load(s).settings.uncertainty.items()
        if each is not None
    ]
    of_topologies = [
        (scenario, name)
        for scenario, topology in (("mini", "china169-mini"), ("china169-2017", "china169-2017"))
        for name in data_of(topology)["uncertainty"]
    ]
    return [pytest.param(s, n, id=f"{s}-{n}".replace(" ", "_")) for s, n in own + of_topologies]


STATED_IN = stated_in()


def arrays(scenario: sim.Scenario) -> list[np.ndarray]:
    """Everything of network and demands that numbers run on."""
    network, demands = scenario.network, scenario.demands
    shares = [sorted(network.attributes(link)["cables"].items()) for link in network.links]
    return [
        np.array(network.links),
        network.capacity_gbps,
        network.delay_ms,
        network.metric,
        network.utc_offset_h,
        np.array([share for each in shares for _, share in each]),
        np.array(demands.names),
        demands.gbps,
        np.array([e.unavailability for e in elements_of(network, None, KINDS)]),
    ]


def alike(one: sim.Scenario, other: sim.Scenario) -> bool:
    settings = [to_plain(each.settings) for each in (one, other)]
    pairs = zip(arrays(one), arrays(other), strict=True)
    prices = [
        [each.network.attributes(link).get("price_usd_per_mbps") for link in each.network.links]
        for each in (one, other)
    ]
    same = settings[0] == settings[1] and prices[0] == prices[1]
    return same and all(np.array_equal(a, b) for a, b in pairs)


# -- what files state ---------------------------------------------------------------------------


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_every_estimate_has_a_mark_and_a_distribution(topology):
    data = data_of(topology)
    estimates = [each["of"] for each in data["estimates"]]
    assert len(estimates) == len(set(estimates))
    assert [each["of"] for each in data["estimates"] if "mark" not in each] == []
    drawn = {of for each in data["uncertainty"].values() for of in each["of"]}
    assert drawn <= set(estimates)
    assert not set(estimates) - drawn
    assert all(each["of"] for each in data["uncertainty"].values())


def fields_of(topology: str) -> set[str]:
    """Fields that a file has: ``utc_offset_h``, ``links``, ``links.metric``."""
    data = data_of(topology)
    found = set(data)
    for section in ("nodes", "regions", "links", "cables"):
        found |= {f"{section}.{key}" for entry in data[section] for key in entry}
    return found | {f"totals.{key}" for key in data["totals"]}


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_marks_are_of_fields_of_the_file_and_leave_none_out(topology):
    data = data_of(topology)
    known = fields_of(topology)
    marks = [each["of"] for each in data["marks"]]
    estimates = [each["of"] for each in data["estimates"]]
    assert set(marks) | set(estimates) <= known
    assert not set(marks) & set(estimates) and len(marks) == len(set(marks))
    assert all(each["source"] for each in data["marks"])
    covered = {*marks, *estimates}
    names = {field for field in known if field.rpartition(".")[2] in TEXTS}
    texts = {"name", "title", "sources", "assumptions", "estimates", "marks", "uncertainty"}
    sections = {"nodes", "regions", "links", "cables", "totals"}
    if "totals" in covered:
        covered |= {field for field in known if field.startswith("totals.")}
    assert known - covered - names - texts - sections == set()
    assert {field for field in known if "." not in field} <= set(keys(TopologyFile))


def sourced(source: str, topology: str) -> bool:
    """Whether a source is an assumption that says so, or an entry of the file's sources."""
    known = {each.split()[0] for each in data_of(topology)["sources"] if re.match(r"S\d\d", each)}
    named = set(re.findall(r"\bS\d\d\b", source))
    return named <= known and (bool(named) or source.startswith("assumed: "))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_sources_of_topologies_are_known(topology):
    data = data_of(topology)
    for name, each in data["uncertainty"].items():
        assert sourced(each["source"], topology), name
    known = {each.split()[0] for each in data["sources"] if re.match(r"S\d\d", each)}
    for each in data["marks"]:
        assert set(re.findall(r"\bS\d\d\b", each["source"])) <= known, each["of"]


@pytest.mark.parametrize(("scenario", "name"), STATED_IN)
def test_a_law_is_not_degenerate_and_says_why(scenario, name):
    each = loaded(scenario).assumptions[name]
    low, high = each.law.range()
    assert np.isfinite([low, high]).all() and low < high
    if name in loaded(scenario).settings.uncertainty:
        assert each.source.startswith("assumed: ")


def test_a_law_holds_its_own_ends():
    for kind in ("uniform", "triangular"):
        middle = {"likeliest": 0.2} if kind == "triangular" else {}
        made = law.make(kind, low=0.0, high=0.5, **middle)
        assert made.holds(0.0) and made.holds(0.5)
        assert not made.holds(-0.01) and not made.holds(0.51)


# -- what they do -------------------------------------------------------------------------------


@pytest.mark.parametrize(("scenario", "name"), STATED_IN)
def test_an_assumption_alone_changes_something(scenario, name):
    stated = loaded(scenario)
    others = dict.fromkeys(stated.assumptions, 0)
    assert alike(stated.world(World(own={**others, name: 0})), stated)
    # A link that exists in 19 of 20 worlds is missing in few.
    draws = (stated.world(World(own={name: draw})) for draw in range(1, 41))
    assert any(not alike(stated, drawn) for drawn in draws)
    values = stated.values_in(World(own={name: 1}))
    assert {assumption for assumption, _ in values} == {name}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_draw_0_is_as_stated(scenario):
    assert alike(loaded(scenario).world(0), loaded(scenario))
    assert loaded(scenario).values_in(0) == {}


@pytest.mark.parametrize(
    ("scenario", "backbone", "exits"),
    [("mini", 20_000.0, 246.0), ("china169-2017", 200_000.0, 2_460.0)],
)
def test_published_totals_stay_and_no_demand_loses_its_way(scenario, backbone, exits):
    stated, missing = loaded(scenario), 0
    for number in range(1, 21):
        drawn = stated.world(number)
        assert drawn.network.backbone_gbps == pytest.approx(backbone, rel=1e-9, abs=0)
        assert drawn.network.exits_gbps == pytest.approx(exits, rel=1e-9, abs=0)
        missing += len(stated.network.links) - len(drawn.network.links)
        assert IgpEcmp().route(drawn.network, drawn.demands).served.min() == pytest.approx(1.0)
    assert missing > 0


@pytest.mark.parametrize("scenario", ["chinanet-exits", "cernet-exits"])
def test_no_demand_loses_its_way_on_networks_from_elsewhere(scenario):
    for number in range(1, 21):
        drawn = loaded(scenario).world(number)
        assert IgpEcmp().route(drawn.network, drawn.demands).served.min() == pytest.approx(1.0)


def test_ranges_are_those_that_the_sources_speak_of():
    """The shares that are split, in 200 worlds of the demands alone."""
    stated = loaded("china169-2017")
    known = stated.assumptions
    inbound, america = [], []
    for number in range(1, 201):
        own = {"share of inbound": number, "split by region": number}
        demands, names = stated.demands, ("share of inbound", "split by region")
        for name in names:
            members = known[name].members(stated.network, demands)
            values = World(own=own).values(stated.settings.seed, name, known[name], members)
            demands = known[name].demands_under(stated.network, demands, values)
        total = demands.total_gbps(("international_in", "international_out"))
        inbound.append(demands.total_gbps(("international_in",)) / total)
        nodes = np.array(demands.nodes)
        ends = np.stack([nodes[demands.source], nodes[demands.target]])
        there = np.isin(ends, ("region-na-west", "region-na-east")).any(axis=0)
        america.append(demands.gbps[there].sum() / total)
        assert demands.gbps.sum() == pytest.approx(stated.demands.gbps.sum(), rel=1e-9)
    assert np.quantile(inbound, [0.05, 0.95]) == pytest.approx([0.65, 0.80], abs=0.02)
    assert np.quantile(america, [0.05, 0.95]) == pytest.approx([0.36, 0.50], abs=0.02)


# -- scenarios that are changed -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ({"traffic.elastic_share": 0}, {"share that is elastic"}),
        ({"queue": "none"}, {"buffers", "bursts"}),
        ({"queue.buffer_ms": 100}, set()),
    ],
)
def test_a_change_takes_settings_out_of_the_worlds(change, gone):
    stated = loaded("china169-2017")
    changed = stated.with_changes(change)
    assert set(stated.assumptions) - set(changed.assumptions) == gone
    assert changed.warnings == stated.warnings
    several = stated.with_changes({**change, "replications": {"worlds": 3, "days": 1}})
    told = [w.key for w in several.warnings if w.message.endswith("stays so in all worlds")]
    assert len(told) == len(gone)
    assert {name for name, _ in several.values_in(1)} == set(changed.assumptions)
    several.world(1)


def test_strategies_may_be_left_out():
    alone = loaded("china169-2017").with_strategies(["igp"])
    gone = set(loaded("china169-2017").assumptions) - set(alone.assumptions)
    assert gone == {"staleness", "errors of measurement", "time to install"}
    assert alone.world(1).settings.strategies.keys() == {"igp"}


def test_a_wrong_key_of_a_new_assumption_is_still_an_error():
    wrong = {"kind": "setting", "key": "queue.bufer_ms", "source": "assumed: none",
             "law": {"kind": "uniform", "low": 5, "high": 200}}  # fmt: skip
    with pytest.raises(sim.InputError, match="no number of the scenario"):
        loaded(MINI).with_changes({"uncertainty.buffers": wrong})


def test_a_fault_at_an_exit_that_is_assumed_needs_no_worlds():
    events = [{"at_h": 3, "link": "bj-hk"}]
    stated = loaded("china169-2017")
    assert stated.with_changes({"events": events}).settings.events
    with pytest.raises(sim.InputError, match="exits that are assumed"):
        stated.with_changes({"events": events, "replications": {"worlds": 2, "days": 1}})
