"""Diff: what is different between two topologies, scenarios or results folders."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import MINI

import simulator as sim
from simulator.base import text as show
from simulator.cli import main as cli
from simulator.scenario.load import load
from simulator.study.diff import is_same

SMALL = """\
name: small
hop_delay_ms: 0
nodes:
  - {id: a, kind: core}
  - {id: b, kind: core}
  - {id: c, kind: core}
links:
  - {id: one, a: a, b: b, capacity_gbps: 100, capacity_ba_gbps: 60, delay_ms: 1, metric: 2}
  - {id: two, a: b, b: c, capacity_gbps: 10, delay_ms: 2}
"""

THREE = "{id: three, a: b, b: c, capacity_gbps: 7, delay_ms: 2}"


def rows(answer):
    return [tuple(row) for row in answer.tables["differences"].itertuples(index=False)]


@pytest.fixture
def small(tmp_path):
    """Return the small network with some text of its file replaced."""

    def made(name, *changes):
        text = SMALL
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return made


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Results of a scenario, of one with more capacity, and of one with another seed."""
    folder = tmp_path_factory.mktemp("runs")
    base = load(MINI, [("horizon_h", "1"), ("replications", "3")])
    sim.run(base, out=folder / "base")
    sim.run(base.with_changes({"links.beijing-la.capacity_gbps": "+20"}), out=folder / "more")
    sim.run(base.with_changes({"seed": 99}), out=folder / "seed")
    return folder


# -- topologies ---------------------------------------------------------------------------------


def test_equal_networks_are_said_to_be(small):
    answer = sim.diff(small("x"), small("y"))
    assert answer.sentence == "No difference: the two are the same topology."
    assert rows(answer) == []
    assert is_same(answer)


def test_what_differs_is_listed_by_element_and_key(small):
    more = small(
        "y", ("capacity_gbps: 100", "capacity_gbps: 400"), ("metric: 2", "metric: 3"),
        ("{id: c, kind: core}", "{id: c, kind: provincial, city: X}"),
        ("delay_ms: 2}", f"delay_ms: 2}}\n  - {THREE}"),
    )  # fmt: skip
    answer = sim.diff(small("x"), more)
    assert rows(answer) == [
        ("node", "c", "kind", "core", "provincial"),
        ("node", "c", "city", "–", "X"),
        ("link", "one", "capacity_gbps", "100", "400"),
        ("link", "one", "metric", "2", "3"),
        ("link", "one", "metric_ba", "2", "3"),
        ("link", "three", "", "absent", "present"),
    ]
    totals = answer.tables["totals"].set_index("quantity")
    assert totals.loc["backbone", "difference"] == 307
    assert "2 links (1 only in the second)" in answer.sentence
    assert "backbone 110 against 417 Gbps (+307)" in answer.sentence
    assert not is_same(answer)


def test_links_of_another_name_are_paired_by_their_ends_and_told(small):
    answer = sim.diff(small("x"), small("y", ("id: two", "id: b-c")))
    assert rows(answer) == []
    assert "link two is b-c there: it joins the same ends" in answer.foot


def test_a_link_written_the_other_way_round_is_the_same(small):
    turned = small(
        "y",
        ("a: a, b: b, capacity_gbps: 100, capacity_ba_gbps: 60",
         "a: b, b: a, capacity_gbps: 60, capacity_ba_gbps: 100"),
    )  # fmt: skip
    answer = sim.diff(small("x"), turned)
    assert rows(answer) == []
    assert "link one runs the other way" in answer.foot
    less = small("z", ("a: a, b: b, capacity_gbps: 100", "a: b, b: a, capacity_gbps: 100"))
    assert rows(sim.diff(small("x"), less)) == [
        ("link", "one", "capacity_gbps", "100", "60"),
        ("link", "one", "capacity_ba_gbps", "60", "100"),
    ]


def test_parallel_links_of_other_names_are_not_paired_by_guess(small):
    double = ("delay_ms: 2}", f"delay_ms: 2}}\n  - {THREE}")
    answer = sim.diff(small("x", double), small("y", double, ("id: two", "id: p"), ("three", "q")))
    assert {row[1] for row in rows(answer)} == {"two", "three", "p", "q"}


def test_two_built_in_networks_and_formats(tmp_path):
    network = sim.load_network("china169-mini")
    assert is_same(sim.diff(network, "china169-mini"))
    answer = sim.diff("china169-mini", "china169-2017")
    assert "backbone 20,000 against 200,000 Gbps (+180,000)" in answer.sentence
    assert max(map(show.columns, str(answer).splitlines())) <= 100


# -- scenarios ----------------------------------------------------------------------------------


def test_settings_networks_and_traffic_of_scenarios():
    base = load(MINI)
    assert is_same(sim.diff(base, MINI))
    other = base.with_changes(
        {
            "strategies.sdn.control.every_s": 60,
            "links.beijing-la.capacity_gbps": "+20",
            "demands.international_out": "x2",
            "seed": 8,
        }
    )
    answer = sim.diff(base, other)
    found = {(kind, element, key) for kind, element, key, *_ in rows(answer)}
    assert ("setting", "seed", "") in found
    assert ("setting", "strategies", "sdn.control.every_s") in found
    assert ("link", "beijing-la", "capacity_gbps") in found
    assert any(kind == "demands" for kind, *_ in found)
    totals = answer.tables["totals"].set_index("quantity")
    out = totals.loc["traffic, international_out"]
    assert out["b"] == pytest.approx(2 * out["a"])
    assert totals.loc["exits", "difference"] == 20


def test_a_name_of_both_kinds_is_what_the_other_is():
    both = "china169-2017"  # a scenario and a topology
    assert sim.diff(both, sim.load_network("china169-mini")).tables["totals"]["unit"].tolist() == [
        *("1", "1", "Gbps", "Gbps")
    ]
    assert "scenario" in sim.diff(both, both).sentence


# -- results ------------------------------------------------------------------------------------


def test_equal_runs(runs, tmp_path):
    shutil.copytree(runs / "base", tmp_path / "copy")
    answer = sim.diff(runs / "base", tmp_path / "copy")
    assert answer.sentence == (
        "No difference: the two runs have the same inputs and the same figures."
    )
    assert is_same(answer)


def test_runs_of_the_same_seed_are_paired(runs):
    answer = sim.diff(runs / "base", runs / "more")
    figures = answer.tables["figures"].set_index(["strategy", "metric", "scope"])
    row = figures.loc[("static", "exit_utilisation_mean", "exit:beijing-la:in")]
    one, two = (sim.Results(runs / name) for name in ("base", "more"))
    at = "exit_utilisation_mean", "exit:beijing-la:in"
    assert row["difference"] == pytest.approx(
        two.figure("static", *at) - one.figure("static", *at), rel=1e-9
    )
    assert row["ci_low"] <= row["difference"] <= row["ci_high"] < 0
    assert row["replications"] == 3
    found = rows(answer)
    assert [row for row in found if row[0] == "link"] == [
        ("link", "beijing-la", "capacity_gbps", "32", "52"),
        ("link", "beijing-la", "capacity_ba_gbps", "32", "52"),
    ]
    assert not [row for row in found if row[0] == "version"]
    assert "Strategy static" in str(answer)


def test_runs_of_other_seeds_have_no_intervals(runs):
    answer = sim.diff(runs / "base", runs / "seed")
    assert ("setting", "seed", "", "7", "99") in rows(answer)
    assert np.isnan(answer.tables["figures"]["ci_low"]).all()
    assert "Differences are not paired, so they have no intervals: seed differ." in answer.foot


def test_strategies_that_one_run_has_alone(runs, tmp_path):
    alone = load(MINI, [("horizon_h", "1")]).with_strategies(["sdn"])
    sim.run(alone, out=tmp_path / "alone")
    answer = sim.diff(runs / "base", tmp_path / "alone")
    assert set(answer.tables["figures"]["strategy"]) == {"sdn"}
    assert any("has the strategies static" in line for line in answer.foot)


# -- what cannot be compared --------------------------------------------------------------------


def refused(*given):
    with pytest.raises(sim.InputError) as stopped:
        sim.diff(*given)
    return str(stopped.value)


def test_two_kinds_are_refused(runs, small):
    assert "is a topology" in refused(small("x"), runs / "base")
    assert "compare two of one kind" in refused("mini", runs / "base")
    assert "found 3" in refused(3, "mini")


def test_what_is_not_there_is_refused_with_the_nearest(tmp_path):
    assert "did you mean 'mini'?" in refused("minni", "mini")
    (tmp_path / "empty").mkdir()
    assert "neither the results of a run (no run.json)" in refused(tmp_path / "empty", "mini")


def test_a_folder_of_a_study_names_its_runs(tmp_path, no_headroom):
    base = load(MINI, [("horizon_h", "1"), ("replications", "1")])
    sim.what_if(base, {"twice": {"demands.all": "x2"}}, out=tmp_path / "out")
    message = refused(tmp_path / "out", tmp_path / "out")
    assert "of a what-if study" in message
    assert "compare its runs: baseline, twice" in message
    assert not is_same(sim.diff(tmp_path / "out" / "baseline", tmp_path / "out" / "twice"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", ""),
        ("run.json", "{"),
        ("run.json", "[]"),
        ("run.json", "3"),
        ("run.json", '{"status": "complete"}'),
        ("run.json", '{"status": "running"}'),
        ("run.json", '{"status": "complete", "name": "x", "title": "", "scenario": 3}'),
        ("replications.csv", None),
        ("replications.csv", ""),
        ("replications.csv", "replication,strategy\n0,static\n"),
        ("replications.csv", "\x00\x01\x02"),
        ("replications.csv", "replication,strategy,metric,scope,unit,value\n0,s,m,all,1,word\n"),
        ("replications.csv", "replication,strategy,metric,scope,unit,value\n"),
        ("inputs/topology.yaml", "nodes: 3"),
        ("inputs/topology.yaml", "{"),
    ],
)
def test_a_damaged_folder_is_a_letter(runs, tmp_path, file, content):
    shutil.copytree(runs / "base", tmp_path / "bad")
    path = tmp_path / "bad" / file
    path.unlink() if content is None else path.write_text(content, encoding="utf-8")
    for given in ((tmp_path / "bad", runs / "base"), (runs / "base", tmp_path / "bad")):
        assert "bad" in refused(*given)
    done = CliRunner().invoke(cli.main, ["diff", str(tmp_path / "bad"), str(runs / "base")])
    assert done.exit_code == 2
    assert done.stdout == ""


# -- on the command line ------------------------------------------------------------------------


def test_the_verb_ends_with_0_and_says_in_json_whether_they_are_equal(small):
    x, y = small("x"), small("y", ("metric: 2", "metric: 3"))
    for other, equal in ((x, True), (y, False)):
        done = CliRunner().invoke(cli.main, ["diff", str(x), str(other), "--json"])
        assert done.exit_code == 0
        told = json.loads(done.stdout)
        assert told["equal"] is equal
        assert set(told) == {"equal", "sentence", "tables"}
    assert CliRunner().invoke(cli.main, ["diff", str(x), str(y), "--quiet"]).stdout == ""
    done = CliRunner().invoke(cli.main, ["diff", str(x), "nowhere"])
    assert (done.exit_code, done.stdout) == (2, "")
