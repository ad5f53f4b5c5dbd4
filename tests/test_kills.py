"""Killed before any file operation, a run leaves the old results or the new ones, whole."""

import random
from pathlib import Path

import pytest
from conftest import MINI
from killing import count_operations, files, killed_after, killed_at

import simulator as sim
from simulator.base.errors import SimulatorError
from simulator.results import folder as folders
from simulator.results import manifest

MINE = {"notes.txt": b"mine", "results.yaml": b"a scenario of mine", "out-2/thesis.md": b"mine too"}
HOWS = {
    "new": {"nothing"},
    "replaced": {"old", "new"},
    "replaced in two steps": {"old", "nothing", "new"},
}
"""How results come to stand at their place, and what may stand there after a kill."""


class Place:
    """A folder of a user with things of their own, and results of a run that stand there or not."""

    finish = None

    def __init__(self, root: Path, scenario, how: str) -> None:
        self.scenario, self.how, self.root, self.out = scenario, how, root, root / "out"
        for name, content in MINE.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(content)
        if how != "new":
            sim.run(scenario.with_changes({"seed": 5}), out=self.out)
        self.old = files(self.out)

    def run(self) -> None:
        if self.how == "replaced in two steps":  # as on a disk that cannot exchange
            folders.exchange = lambda *_: False  # in a child process alone
        sim.run(self.scenario, out=self.out, force=True, finish=self.finish)

    def judge(self, new: dict[str, bytes]) -> str:
        """Return what stands at the place; it must be whole, and nothing of the user's lost."""
        for name, content in MINE.items():
            assert (self.root / name).read_bytes() == content
        if not self.out.exists():
            return "nothing"
        found = files(self.out)
        assert manifest.foreign(self.out) == ""
        for name, whole in (("old", self.old), ("new", new)):
            if found.keys() == whole.keys() and all(
                found[each] == whole[each] for each in whole if each != "run.json"
            ):
                return name
        raise AssertionError("neither the old results nor the new ones")


@pytest.fixture(scope="module")
def scenario():
    """A scenario that is done in a moment, with all kinds of tables."""
    changes = {"horizon_h": 0.5, "step_s": 900, "replications": 1, "events": []}
    return sim.load(MINI).with_changes(changes).with_strategies(["static"])


def kill_at_moments(scenario, folder: Path, how: str, pick) -> set[str]:
    """Kill runs at some moments, and return what stood there afterwards."""
    first = Place(made(folder / "first"), scenario, how)
    moments = count_operations(first.run)
    print(f"{how}: {moments} operations")
    assert moments > 10 and first.judge(files(first.out)) == "new"
    new, seen = files(first.out), set()
    for moment in pick(moments):
        place = Place(made(folder / f"{moment}"), scenario, how)
        assert killed_at(place.run, moment)
        left = place.judge(new)
        if left == "nothing" and place.old:  # between two renames: the next run puts it back
            assert how == "replaced in two steps"
            with pytest.raises(SimulatorError, match="exists already"):
                sim.run(scenario, out=place.out)
            assert place.judge(new) == "old"
        assert not killed_at(place.run, 10**9)  # the next run does as if nothing had happened
        assert place.judge(new) == "new"
        assert {each.name for each in place.root.iterdir()} == {"out", "out-2", *MINE} - {
            "out-2/thesis.md"
        }
        seen.add(left)
    return seen


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("how", HOWS)
def test_killed_at_some_moments(scenario, tmp_path, how):
    """The last operations, in which the results are published, and a few of those before."""
    chance = random.Random(how)
    seen = kill_at_moments(
        scenario, tmp_path, how, lambda n: [*range(n - 22, n), *chance.sample(range(n - 22), 3)]
    )
    assert seen == HOWS[how]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", HOWS)
def test_killed_at_every_moment(scenario, tmp_path, how):
    """Of a run of several replications: 500 moments in all, with those at random below."""
    longer = scenario.with_changes({"replications": 8})
    assert kill_at_moments(longer, tmp_path, how, range) == HOWS[how]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", HOWS)
def test_killed_at_any_time(scenario, tmp_path, how):
    """Between operations too, and while files are written by other libraries."""
    chance = random.Random(how)
    first = Place(made(tmp_path / "first"), scenario, how)
    assert not killed_after(first.run, 60.0)
    new = files(first.out)
    for turn in range(30):
        place = Place(made(tmp_path / f"{turn}"), scenario, how)
        killed_after(place.run, chance.uniform(0.0, 0.4))
        assert place.judge(new) in HOWS[how] | {"new"}
        assert not killed_at(place.run, 10**9)
        assert place.judge(new) == "new"
