"""What a change leaves as it is is not run again, and the bytes are those of running it again."""

import importlib
from pathlib import Path

import pytest
from conftest import MINI

import simulator as sim
from simulator.results.parts import SharedParts
from simulator.scenario.load import load

pytestmark = pytest.mark.usefixtures("no_headroom")
run = importlib.import_module("simulator.run")


@pytest.fixture
def played(monkeypatch):
    """The strategies that every day was played with, in order."""
    seen, play_day = [], run.play_day

    def watched(*given, **named):
        seen.append(list(named["only"]))
        play_day(*given, **named)

    monkeypatch.setattr(run, "play_day", watched)
    return seen


def scenario(name=MINI, **more):
    changes = {"horizon_h": 2, "replications": 2, "step_s": 1800, **more}
    return load(name).with_changes(changes)


def whole(folder):
    files = {path.relative_to(folder): path for path in Path(folder).rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name.name != "run.json"}


def both_ways(base, changes, tmp_path, monkeypatch):
    """Return the folders of a what-if with sharing and without."""
    sim.what_if(base, changes, out=tmp_path / "shared")
    with monkeypatch.context() as patch:
        patch.setattr(SharedParts, "known", lambda self, keys: set())
        sim.what_if(base, changes, out=tmp_path / "whole")
    return whole(tmp_path / "shared"), whole(tmp_path / "whole")


LATENCY = {"kind": "min_latency", "utilisation_cap": 0.8}
EVENT = {"link": "beijing-la", "at_h": 1, "until_h": 2}
CHANGES = {
    "sdn": {"strategies.sdn.scheme.utilisation_cap": 0.5},
    "static": {"strategies.static.scheme": "igp_ecmp"},
    "only sdn": {"strategies": {"sdn": {"scheme": "min_latency"}}},
    "title": {"title": "another"},
    "target": {"targets.exit_utilisation": 0.5},
    "links": {"links.beijing-la.capacity_gbps": "+20"},
    "demands": {"demands.domestic": "x2"},
    "sdn again": {"strategies.sdn.scheme.utilisation_cap": 0.5, "title": "and another"},
}


def test_only_what_a_change_affects_is_played(played, tmp_path, monkeypatch):
    base = scenario(events=[EVENT])
    base = base.with_changes({"strategies.sdn.fallback": "igp_ecmp"})  # else that of static
    shared, anew = both_ways(base, CHANGES, tmp_path, monkeypatch)
    both = ["static", "sdn"]
    expected = [both, ["sdn"], ["static"], ["sdn"], [], both, both, both, []]
    assert played[: 2 * len(expected) : 2] == expected
    assert set(shared) == set(anew)
    assert [name for name in anew if shared[name] != anew[name]] == []


def test_a_fallback_that_follows_the_static_strategy_is_a_change_of_both(played):
    sim.what_if(scenario(), {"static": {"strategies.static.scheme": "igp_ecmp"}})
    assert played == 4 * [["static", "sdn"]]


def test_regret_is_counted_from_what_did_not_change(played, tmp_path, monkeypatch):
    strategies = {
        "static": {"scheme": "nearest_exit"},
        "sdn": {"scheme": LATENCY, "control": {"every_s": 1800}, "fallback": "igp_ecmp"},
        "ideal": {"scheme": "clairvoyant"},
    }
    base = scenario(strategies=strategies)
    changes = {
        "sdn": {"strategies.sdn.scheme.utilisation_cap": 0.5},
    }
    shared, anew = both_ways(base, changes, tmp_path, monkeypatch)
    assert played[::2][:2] == [["static", "sdn", "ideal"], ["sdn", "ideal"]]
    assert shared == anew


def test_strategies_that_announce_depend_on_one_another(played, tmp_path, monkeypatch):
    base = scenario("mini", horizon_h=2)
    changes = {
        "sdn": {"strategies.sdn.control.staleness_s": 300},
        "ideal": {"strategies.sdn-ideal.scheme.utilisation_cap": 0.6},
    }
    shared, anew = both_ways(base, changes, tmp_path, monkeypatch)
    every = ["best_static", "igp", "sdn", "sdn-ideal"]
    assert played[::2][:3] == [every, every[:3], ["sdn-ideal"]]
    assert shared == anew


def test_with_drawn_worlds_all_is_played(played):
    base = scenario("mini", replications={"worlds": 2, "days": 1}, horizon_h=1)
    sim.what_if(base, {"title": {"title": "another"}})
    assert [len(names) for names in played] == [4, 4, 4, 4]


def test_nothing_is_left_of_what_was_kept(tmp_path):
    sim.what_if(scenario(), {"a": {"demands.all": "x2"}}, out=tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name in ("shared", "parts")]
