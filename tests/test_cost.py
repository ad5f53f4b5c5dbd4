"""What a run takes is estimated before any work, and too much is refused in a moment."""

import json
import time

import pytest
from click.testing import CliRunner
from conftest import MINI

import simulator as sim
from simulator.base import library
from simulator.base.errors import InputError
from simulator.cli import main as cli
from simulator.scenario.cost import Cost, cost_problem

TOO_MUCH = {
    "replications": {"replications": 1_000_000_000},
    "worlds": {"replications": {"worlds": 1_000_000_000, "days": 1}},
    "steps": {"step_s": 0.03, "horizon_h": 30},
}


@pytest.mark.parametrize("changes", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_is_refused_before_any_work(tmp_path, changes):
    scenario = sim.load(MINI).with_changes(changes)
    began = time.process_time()
    for study in (sim.run, sim.what_if):
        with pytest.raises(InputError, match=r"about .* h of one core, .*--any-size") as refused:
            study(scenario, out=tmp_path / "out")
        assert "\n" not in str(refused.value)
    assert time.process_time() - began < 30 and not any(tmp_path.iterdir())


def test_a_study_of_too_many_worlds_is_refused_before_they_are_drawn(tmp_path):
    with pytest.raises(InputError, match="runs of 1 replication"):
        sim.sensitivity("mini", worlds=1_000_000_000, out=tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_check_finds_what_run_refuses():
    for verb in ("check", "run", "whatif"):
        done = CliRunner().invoke(cli.main, [verb, "mini", "--set", "replications=1000000000"])
        assert done.exit_code == 2 and "--any-size" in done.output, verb
        assert "1,000,000,000 replications, 4 strategies, 96 steps" in done.output


def test_an_option_lifts_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.scenario.cost.MOST_CPU_H", 0.0)
    short = sim.load(MINI).with_changes({"horizon_h": 1, "replications": 1})
    with pytest.raises(InputError):
        sim.run(short)
    assert len(sim.run(short, any_size=True).summary)
    call = ["run", MINI, "--set", "horizon_h=1", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(cli.main, call).exit_code == 2
    assert CliRunner().invoke(cli.main, [*call, "--any-size", "--quiet"]).exit_code == 0


def test_check_says_what_a_run_takes():
    told = CliRunner().invoke(cli.main, ["check", MINI]).output
    assert "of one core" in told and "factor of three" in told


def test_estimates_grow_with_what_is_asked_for():
    """Twice the replications take twice the time; so do twice the steps, nearly."""
    mini = sim.load(MINI)
    base, many = Cost.of(mini), Cost.of(mini.with_changes({"replications": 30}))
    assert many.cpu_s == pytest.approx(base.cpu_s * 30 / mini.settings.days)
    assert Cost.of(mini, 5).cpu_s == pytest.approx(5 * base.cpu_s)
    steps = Cost.of(mini.with_changes({"step_s": mini.settings.step_s / 10}))
    assert 5 < steps.disk_gb / base.disk_gb <= 10


def with_events(count, **more):
    mini = sim.load(MINI)
    events = [
        {"at_h": 1 + 20 * i / count, "until_h": 1.5 + 20 * i / count, "link": mini.network.links[0]}
        for i in range(count)
    ]
    return mini.with_changes({"events": events, **more})


def test_events_count_where_they_begin_and_where_they_end():
    """A run of 2,000 events takes most of its time for them: twice as many, twice as long."""
    none, some, twice = (Cost.of(with_events(count)) for count in (0, 1000, 2000))
    assert some.cpu_s > 3 * none.cpu_s
    assert twice.cpu_s - none.cpu_s == pytest.approx(2 * (some.cpu_s - none.cpu_s))
    assert twice.memory_gb > some.memory_gb > none.memory_gb
    assert "1,000 events" in some.what and "event" not in none.what
    for_good = [{"at_h": e.at_h, "link": e.link} for e in with_events(1000).case.events]
    halves = Cost.of(sim.load(MINI).with_changes({"events": for_good}))
    assert halves.cpu_s - none.cpu_s == pytest.approx((some.cpu_s - none.cpu_s) / 2)


def test_a_controller_makes_an_event_dearer():
    strategies = {"igp": {"scheme": "igp_ecmp"}}
    alone = Cost.of(with_events(1000, strategies=strategies))
    sdn = {"scheme": "min_latency", "control": {"every_s": 300}, "fallback": "igp_ecmp"}
    both = Cost.of(with_events(1000, strategies={**strategies, "sdn": sdn}))
    assert both.cpu_s > 2.5 * alone.cpu_s


def test_no_built_in_scenario_is_too_much():
    for name in library.names("scenarios"):
        assert cost_problem(sim.load(name)) is None


def test_estimates_are_within_reason(tmp_path):
    """Of disk, which does not depend on the machine, within a factor of three."""
    scenario = sim.load("mini")
    results = sim.run(scenario, out=tmp_path / "out")
    size = sum(path.stat().st_size for path in results.folder.rglob("*") if path.is_file())
    assert 1 / 3 < Cost.of(scenario).disk_gb * 1e9 / size < 3
    assert json.loads((results.folder / "run.json").read_text())["status"] == "complete"
