"""Reliability of elements: what files say, what is assumed, and what failures leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest import MINI

import simulator as sim
from simulator.formats.format import read_network
from simulator.formats.native import write
from simulator.model.faults import Fault
from simulator.model.reliability import (
    DEFAULTS,
    KINDS,
    FailureFigures,
    Reliability,
    assumed_words,
    capacity_under,
    elements_of,
)
from simulator.uncertainty.world import World


@pytest.fixture(scope="module")
def china():
    return sim.load_network("china169-2017")


def by_id(network, kinds, stated=None):
    return {each.id: each for each in elements_of(network, stated, kinds)}


def test_cables_fail_by_their_length(china):
    """q = MTTR / (MTBF + MTTR), MTBF = 365 / (0.17 L / 1000) days, MTTR 20 days."""
    found = by_id(china, ("cables",))
    expected = {"TPE": 0.143, "APG": 0.088, "APCN-2": 0.150, "JUS": 0.174, "EAC-C2C": 0.254,
                "SMW-3": 0.267, "GD-HK": 0.0014}  # fmt: skip
    assert {name: found[name].unavailability for name in expected} == pytest.approx(
        expected, abs=6e-4
    )
    days = 365 / (0.17 * 17115 / 1000)
    assert found["TEA"].unavailability == pytest.approx(20 / (days + 20))
    assert all(not each.assumed for each in found.values())


def test_every_built_in_topology_states_its_figures():
    for name in ("china169-2017", "china169-mini"):
        network = sim.load_network(name)
        found = elements_of(network, None, ("cables", "exits", "gateways", "overseas"))
        assert found and not any(each.assumed for each in found)


def test_what_nothing_states_is_assumed_and_told():
    network = read_network("Cernet")[0]
    found = elements_of(network, None, ("links", "nodes"))
    link = next(each for each in found if each.kind == "links")
    assert link.mttr_h == DEFAULTS.links.mttr_h
    assert "mttr_h 12" in link.assumed and "faults_per_1000km_year 1" in link.assumed
    assert any(line.startswith("assumed for nodes") for line in assumed_words(found))


def test_a_cable_without_length_takes_that_of_the_longest_link_on_it(china):
    silent = china.with_about(replace(china.about, reliability=None))
    without = by_id(silent, ("cables",))["TEA"]
    assert "length_km 17908.2, the longest link on it" in [*without.assumed]
    assert without.mtbf_h == pytest.approx(8760 / (0.17 * 17.9082))


def test_a_scenario_goes_before_its_topology():
    stated = {"cables": {"faults_per_1000km_year": 0.034}, "elements": {"TPE": {"mtbf_h": 900}}}
    scenario = sim.load(MINI).with_changes({"reliability": stated})
    found = by_id(scenario.network, ("cables",), scenario.settings.reliability)
    assert found["TPE"].unavailability == pytest.approx(480 / 1380)
    assert found["APG"].mtbf_h == pytest.approx(8760 / (0.034 * 10.4))
    assert found["TEA"].mtbf_h == pytest.approx(8760 / (0.034 * 17.115))  # its length stays
    one = scenario.with_changes({"reliability.cables.mttr_h": 120})
    assert by_id(one.network, ("cables",), one.settings.reliability)["APG"].mttr_h == 120


def test_landings_count_where_they_are_given_a_rate(china):
    stated = Reliability(
        cables=FailureFigures(faults_per_1000km_year=0.17, faults_per_landing_year=0.1)
    )
    apg = by_id(china, ("cables",), stated)["APG"]
    assert 8760 / apg.mtbf_h == pytest.approx(0.17 * 10.4 + 0.1 * 11)


def test_rates_and_mtbf_replace_each_other():
    rates = FailureFigures(faults_per_1000km_year=0.2, mttr_h=10)
    assert FailureFigures(mtbf_h=100).over(rates).given == {"mttr_h": 10, "mtbf_h": 100}
    assert rates.over(FailureFigures(mtbf_h=100)).mtbf_h is None
    assert FailureFigures(faults_per_year=0).over(rates).given == {
        "mttr_h": 10,
        "faults_per_year": 0,
    }


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            {"cables": {"mtbf_h": 100, "faults_per_year": 2}},
            "give either mtbf_h or faults_per_year",
        ),
        ({"cables": {"mttr_h": 0}}, "reliability.cables.mttr_h"),
        ({"elements": {"TPA": {"mttr_h": 5}}}, r"no cable, link or node named 'TPA'.*TPE"),
        ({"cabels": {"mttr_h": 5}}, "cables"),
    ],
)
def test_wrong_figures_are_refused_with_their_place(stated, message):
    with pytest.raises(sim.InputError, match=message):
        sim.load(MINI).with_changes({"reliability": stated})


def test_a_topology_with_an_unknown_element_is_refused_with_its_line(tmp_path):
    network = sim.load_network("china169-mini")
    write(network, path := tmp_path / "net.yaml")
    text = path.read_text(encoding="utf-8").replace("elements: {TEA:", "elements: {TEEA:")
    path.write_text(text, encoding="utf-8")
    line = 1 + text[: text.index("TEEA:")].count("\n")
    with pytest.raises(sim.InputError, match=f"net.yaml:{line}:.*TEEA.*did you mean 'TEA'"):
        sim.load_network(path)


@pytest.mark.parametrize("name", ["net.yaml", "net.json", "tables"])
def test_files_give_back_what_they_were_given(tmp_path, name):
    from simulator.cli.main import main  # the verb that converts

    network = sim.load_network("china169-mini")
    target = tmp_path / name
    if name == "net.yaml":
        write(network, target)
    else:
        with pytest.raises(SystemExit) as done:
            main(["topology", "convert", "china169-mini", str(target)])
        assert not done.value.code
    assert sim.load_network(target).about.reliability == network.about.reliability
    if name == "net.yaml":
        assert yaml.safe_load(target.read_text())["reliability"]["cables"]["mttr_h"] == 480


def test_capacity_left_is_that_of_the_network_after_the_faults(china):
    elements = elements_of(china, None, ("cables", "exits", "gateways", "overseas"))
    rng = np.random.default_rng(3)
    down = rng.random((60, len(elements))) < 0.15
    left = capacity_under(china, elements, down)
    for row, capacity in zip(down, left, strict=True):
        after = china.after(each.fault for each, lost in zip(elements, row, strict=True) if lost)
        expected = np.where(after.up, after.capacity_gbps, 0.0)
        np.testing.assert_allclose(capacity, expected, atol=1e-9)
        assert ((capacity > 0) == (expected > 0)).all()


def test_shares_that_add_up_to_all_leave_nothing(china):
    cables = elements_of(china, None, ("cables",))
    down = np.array([[each.id in ("APG", "APCN-2", "EAC-C2C") for each in cables]])
    tokyo = china.link_index["sh-tokyo"]  # 0.6 + 0.3 + 0.1
    assert capacity_under(china, cables, down)[0, 2 * tokyo] == 0.0


def test_a_world_has_other_rates_and_the_stated_one_none():
    scenario = sim.load(MINI)
    tpe = by_id(scenario.network, ("cables",))["TPE"]
    drawn = scenario.world(World(own={"faults of cables": 0.05}))
    fewer = by_id(drawn.network, ("cables",))["TPE"]
    assert fewer.mtbf_h == pytest.approx(tpe.mtbf_h / 0.2)
    longer = scenario.world(World(own={"repairs of cables": 0.95}))
    assert by_id(longer.network, ("cables",))["TPE"].mttr_h == pytest.approx(480 * 1.75)


def test_kinds_are_those_of_the_file():
    assert set(KINDS) == set(Reliability.__annotations__) - {"elements"}
    assert Fault("cable", "TPE") in [e.fault for e in elements_of(
        sim.load_network("china169-mini"), None, KINDS)]  # fmt: skip


def test_a_run_does_not_name_what_it_does_not_depend_on(no_headroom):
    """Rates of faults matter for worst cases: no range of a run is over them."""
    scenario = sim.load("mini").with_changes(
        {"replications": 1, "horizon_h": 1, "strategies": {"igp": {"scheme": "igp_ecmp"}}}
    )
    idle = {name for name, each in scenario.assumptions.items() if not each.moves_runs}
    named = set(sim.run(scenario).run["uncertainty"])
    assert idle and named == set(scenario.assumptions) - idle
