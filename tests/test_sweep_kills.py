"""A sweep that is killed at any moment goes on: nothing is lost, nothing done twice, same bytes."""

import random
from functools import partial

import pytest
from conftest import MINI
from killing import count_operations, files, killed_after, killed_at
from test_sweep import unfinished

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.results import manifest

KEY = "demands.international"


@pytest.fixture(scope="module")
def scenario():
    """A scenario that is done in a moment."""
    changes = {"horizon_h": 0.25, "step_s": 900, "replications": 1}
    return sim.load(MINI).with_changes(changes).with_strategies(["static"])


def over(count):
    return {KEY: [f"x{0.5 + i / 1000:g}" for i in range(count)]}


def kill_until_done(scenario, folder, count, kills, moment):
    """Kill a sweep some times, each time resumed, and let it end; return how often it was hit."""
    out, hits, before = folder / "out", 0, {}
    for turn in range(kills):
        if out.exists():
            break
        hits += moment(lambda: sim.sweep(scenario, over(count), out=out), turn)
        now = kept(out)
        if not out.exists():
            assert before.items() <= now.items(), "what was finished is kept as it was"
            before = now
    if out.exists():  # killed after the end, at most what was left over is to be tidied
        with pytest.raises(SimulatorError, match="exists already"):
            sim.sweep(scenario, over(count), out=out)
    else:
        sim.sweep(scenario, over(count), out=out)
    assert [each.name for each in folder.iterdir()] == ["out"]
    assert manifest.foreign(out) == ""
    return hits


def test_twelve_points_killed_four_times(scenario, tmp_path):
    whole, chance = tmp_path / "whole" / "out", random.Random(12)
    operations = count_operations(lambda: sim.sweep(scenario, over(12), out=whole))
    assert operations > 12 * 5

    def moment(work, turn):  # each time the rest is shorter
        return killed_at(work, chance.randrange(operations // (turn + 2)))

    (tmp_path / "killed").mkdir()
    assert kill_until_done(scenario, tmp_path / "killed", 12, 4, moment) == 4
    assert files(tmp_path / "killed" / "out") == files(whole)


def test_killed_before_any_of_its_last_operations(scenario, tmp_path):
    """When results are published and what was kept is removed."""
    whole = tmp_path / "whole" / "out"
    operations = count_operations(lambda: sim.sweep(scenario, over(2), out=whole))
    for moment in range(operations - 26, operations, 2):  # all of them in the slow test
        place = tmp_path / f"{moment}"
        place.mkdir()
        kill_until_done(scenario, place, 2, 1, lambda work, _, at=moment: killed_at(work, at))
        assert files(place / "out") == files(whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_before_every_operation(scenario, tmp_path):
    whole = tmp_path / "whole" / "out"
    operations = count_operations(lambda: sim.sweep(scenario, over(2), out=whole))
    for moment in range(operations):
        place = tmp_path / f"{moment}"
        place.mkdir()
        kill_until_done(scenario, place, 2, 1, lambda work, _, at=moment: killed_at(work, at))
        assert files(place / "out") == files(whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("workers", [1, 2])
def test_two_hundred_points_killed_at_twenty_random_moments(scenario, tmp_path, workers):
    """At any time, also while files are written by other libraries, in this process or workers."""
    whole, chance = tmp_path / "whole" / "out", random.Random(workers)
    sim.sweep(scenario, over(200), out=whole)
    place = tmp_path / "killed"
    place.mkdir()
    out, before = place / "out", {}
    for turn in range(20):
        more = 0 if turn % 4 == 0 else chance.randint(1, 14)  # or at any time of the start
        assert killed_after(
            lambda: sim.sweep(scenario, over(200), out=out, workers=workers),
            chance.uniform(0.0, 0.1 if more else 1.5),
            partial(has, out, len(before) + more),
        ), "killed before its end"
        assert before.items() <= kept(out).items(), "what was finished is kept as it was"
        before = kept(out)
    assert 20 < len(before) < 200
    sim.sweep(scenario, over(200), out=out, workers=workers)
    assert files(out) == files(whole) and [each.name for each in place.iterdir()] == ["out"]


def has(out, count):
    return len(kept(out)) >= count


def kept(out):
    """When each point was finished, of those that are kept."""
    found = {}
    for path in (unfinished(out) / "points").glob("point=*/_finished"):
        found[path.parent.name] = path.stat().st_mtime_ns
    return found
