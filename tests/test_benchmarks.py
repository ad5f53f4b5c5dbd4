"""The benchmarks run, and what they time agrees; how fast it is, is not tested."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.__main__ import GROUPS, main
from benchmarks.race import Disagreement, Limit, Race, run

TOLERANCES = {"MLU": 1e-7, "utilisation": 1e-7, "load": 1e-9, "gap": 1e-7, "latency": 1e-7}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    file = tmp_path_factory.mktemp("benchmarks") / "numbers.json"
    assert main(["--quick", "--json", str(file)]) == 0
    told = json.loads(file.read_text(encoding="utf-8"))
    assert told["quick"] and told["machine"]["cores"] >= 1
    return told["outcomes"]


@pytest.mark.slow
def test_every_group_is_measured(outcomes):
    assert list(dict.fromkeys(outcome["group"] for outcome in outcomes)) == list(GROUPS)


@pytest.mark.slow
def test_times_are_ratios_to_a_yardstick(outcomes):
    for outcome in outcomes:
        timings = {timing["runner"]: timing for timing in outcome["timings"]}
        assert len(timings) == len(outcome["timings"]) >= 2
        assert timings[outcome["yardstick"]]["ratio"] == 1.0
        for timing in timings.values():
            assert 0 < timing["ratio_low"] <= timing["ratio"] <= timing["ratio_high"]
            assert timing["cpu_ms"] > 0


@pytest.mark.slow
def test_everything_timed_agrees(outcomes):
    for outcome in outcomes:
        assert outcome["agreement"]
        for what, limit in outcome["agreement"].items():
            assert 0 <= limit["found"] <= limit["allowed"], what
            kind = next((word for word in TOLERANCES if what.startswith(word)), None)
            assert limit["allowed"] <= TOLERANCES.get(kind, 1e-7), what


def test_what_disagrees_is_not_timed():
    def never():
        raise AssertionError("timed before the check")

    def race(found):
        return Race("two answers", {"one": never}, "one", lambda: {"load": Limit(found, 1e-9)}, "x")

    for found in (1e-3, math.nan):
        with pytest.raises(Disagreement, match="load differs"):
            run("test", race(found), rounds=1, least_s=0.0)


def test_rounds_take_turns(capsys):
    calls = []
    runners = {name: (lambda name=name: calls.append(name)) for name in "ab"}
    race = Race("turns", runners, "a", lambda: {}, "call")
    outcome = run("test", race, rounds=3, least_s=0.0)
    assert outcome.rounds == 3
    assert "".join(calls[-6:]) in ("abbaab", "baabba")
    assert [timing.runner for timing in outcome.timings] == ["a", "b"]
