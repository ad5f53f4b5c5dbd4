"""Jobs: done once, wherever they are done; a finished one is skipped, a half-written one redone."""

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from conftest import MINI
from job_calls import fail, size_of, squares, work

import simulator as sim
from simulator import provenance
from simulator.jobs import FINISHED, Inline, Job, Processes, executor, key_of, silent
from simulator.run import play

ROOT = Path(__file__).parent.parent


def done(place):
    """Numbers of the jobs that were done, in any order."""
    return sorted(map(int, (place / "log.txt").read_text().split()))


def contents(place):
    """Digests of everything that jobs wrote below a folder."""
    return {
        str(file.relative_to(place)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(place.rglob("*"))
        if file.is_file() and file.name != "log.txt"
    }


EXECUTORS = [Inline(), Processes(2)]
everywhere = pytest.mark.parametrize("where", EXECUTORS, ids=["inline", "processes"])


@everywhere
def test_all_jobs_are_done_once(tmp_path, where):
    where.run(squares(tmp_path), silent)
    assert done(tmp_path) == [0, 1, 2, 3]
    answers = [(tmp_path / f"{n:02d}" / "answer.txt").read_text() for n in range(4)]
    assert answers == ["0", "1", "4", "9"]
    assert all(job.is_finished for job in squares(tmp_path))


def test_results_do_not_depend_on_the_executor(tmp_path):
    for name, where in zip("ab", EXECUTORS, strict=True):
        (tmp_path / name).mkdir()
        where.run(squares(tmp_path / name), silent)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


@everywhere
def test_finished_jobs_are_skipped_and_half_written_ones_are_done_again(tmp_path, where):
    whole, place = tmp_path / "whole", tmp_path / "some"
    for folder in (whole, place):
        folder.mkdir()
        Inline().run(squares(folder), silent)
    before = contents(whole)
    (place / "log.txt").unlink()
    (place / "01" / FINISHED).unlink()  # killed before the end
    (place / "01" / "answer.txt").write_text("half an answ")
    (place / "01" / "left.txt").write_text("of the first attempt")
    (place / "02" / FINISHED).rename(place / "02" / f"{FINISHED}.part")  # killed at the end
    where.run(squares(place), silent)
    assert done(place) == [1, 2]
    assert contents(place) == before


@everywhere
def test_a_job_with_another_key_is_another_job(tmp_path, where):
    where.run(squares(tmp_path), silent)
    jobs = squares(tmp_path)
    changed = Job(key_of(number=7), partial(work, tmp_path / "log.txt", 7), jobs[2].folder)
    where.run([*jobs[:2], changed, jobs[3]], silent)
    assert done(tmp_path) == [0, 1, 2, 3, 7]
    assert (tmp_path / "02" / "answer.txt").read_text() == "49"


@everywhere
def test_a_job_that_fails_is_not_finished(tmp_path, where):
    jobs = squares(tmp_path)
    jobs[1] = Job(jobs[1].key, partial(fail, 1), jobs[1].folder)
    with pytest.raises(ZeroDivisionError, match="job 1"):
        where.run(jobs, silent)
    assert not jobs[1].is_finished
    where.run(squares(tmp_path), silent)
    assert (tmp_path / "01" / "answer.txt").read_text() == "1"


@everywhere
def test_a_failure_is_handed_over_and_the_others_go_on(tmp_path, where):
    jobs, seen = squares(tmp_path), []
    for n in (1, 2):
        jobs[n] = Job(jobs[n].key, partial(fail, n), jobs[n].folder)
    where.run(jobs, silent, lambda job, error: seen.append((job.folder.name, str(error))))
    assert seen == [("01", "job 1"), ("02", "job 2")]
    assert [job.is_finished for job in jobs] == [True, False, False, True]
    assert {each.name for each in tmp_path.iterdir()} == {"00", "03", "log.txt"}


def test_a_finished_job_that_lost_a_part_of_a_file_is_done_again(tmp_path):
    (job,) = squares(tmp_path, 1)
    job.do(silent)
    (job.folder / "answer.txt").write_text("")
    assert not job.is_finished
    Inline().run([job], silent)
    assert (job.folder / "answer.txt").read_text() == "0"


def test_two_processes_at_one_job_do_not_disturb_each_other(tmp_path):
    def slow(folder, progress):
        (folder / "answer.txt").write_text("1")
        job.do(silent)  # another process begins later and ends sooner

    (_, job) = squares(tmp_path, 2)
    Job(job.key, slow, job.folder).do(silent)
    assert job.is_finished and {each.name for each in tmp_path.iterdir()} == {"01", "log.txt"}


def test_files_that_were_made_elsewhere_are_kept_as_made_here(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    (here,), (there,) = squares(tmp_path / "a", 1), squares(tmp_path / "b", 1)
    here.do(silent)
    there.keep(there.files())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_what_jobs_have_in_common_goes_to_a_worker_once(tmp_path):
    common = b"x" * 1_000_000
    jobs = [
        Job(key_of(number=n), partial(size_of, common), tmp_path / f"{n:02d}") for n in range(50)
    ]
    assert len(pickle.dumps(jobs)) < 1.1 * len(common)
    Processes(2).run(jobs, silent)
    assert {(job.folder / "size.txt").read_text() for job in jobs} == {str(len(common))}


@everywhere
def test_progress_rises_to_one_and_counts_what_was_finished(tmp_path, where):
    Inline().run(squares(tmp_path, 2), silent)
    seen = []
    where.run(squares(tmp_path), seen.append)
    assert seen == sorted(seen) and all(0.5 < share <= 1.0 for share in seen)
    seen.clear()
    where.run(squares(tmp_path), seen.append)
    assert done(tmp_path) == [0, 1, 2, 3]


def test_one_worker_is_this_process():
    assert executor(1) == executor(0) == Inline() and executor(3) == Processes(3)


def test_a_key_is_of_all_parts_and_of_no_order():
    key = key_of(a=1, b={"x": 0.1})
    assert key == key_of(b={"x": 0.1}, a=1)
    assert len({key, key_of(a=2, b={"x": 0.1}), key_of(a=1, b={"x": 0.2}), key_of(a=1)}) == 4


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from simulator.jobs import Inline, Job, silent
from job_calls import squares

def hang(folder, progress):
    (folder / "answer.txt").write_text("half an answ")
    time.sleep(600)

place = Path({place!r})
jobs = squares(place)
jobs[2] = Job(jobs[2].key, hang, jobs[2].folder)
Inline().run(jobs, silent)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_after_kill_9_only_the_rest_is_done(tmp_path):
    script = SCRIPT.format(tests=str(ROOT / "tests"), place=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    begun = time.monotonic()
    while not list(tmp_path.glob(".02.*/answer.txt")):
        assert process.poll() is None and time.monotonic() < begun + 60
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert [job.is_finished for job in squares(tmp_path)] == [True, True, False, False]
    assert done(tmp_path) == [0, 1]
    Processes(2).run(squares(tmp_path), silent)
    assert done(tmp_path) == [0, 1, 2, 3], "nothing was done twice"
    assert (tmp_path / "02" / "answer.txt").read_text() == "4"


# -- the jobs of a run ----------------------------------------------------------------------------


def replications(scenario, place):
    place.mkdir(exist_ok=True)
    kept = place / "kept"
    if not kept.exists():
        kept.mkdir()
        provenance.keep_inputs(scenario, kept)
    identity = provenance.identity(kept)
    return [
        Job(key_of(**identity, replication=i), partial(play, scenario, i), place / f"{i:06d}")
        for i in range(scenario.settings.replications)
    ]


@pytest.fixture(scope="module")
def short():
    """A scenario that is done in a moment."""
    return sim.load(MINI).with_changes({"horizon_h": 1, "step_s": 900, "replications": 3})


def without_times(place):
    """Digests of what depends on the simulation alone; marks hold the sizes of all files."""
    timed = ("solve_times", FINISHED)
    every = contents(place).items()
    return {name: digest for name, digest in every if not any(word in name for word in timed)}


def test_replications_are_resumed_to_the_same_bytes(short, tmp_path):
    whole, some = tmp_path / "whole", tmp_path / "some"
    Inline().run(replications(short, whole), silent)
    jobs = replications(short, some)
    Inline().run(jobs[:1], silent)
    first = (jobs[0].folder / FINISHED).stat().st_mtime_ns
    jobs[1].folder.mkdir()
    (jobs[1].folder / "links-000.parquet").write_bytes(b"PAR1 half")
    Processes(1).run(replications(short, some), silent)  # one process imports for both
    assert without_times(some) == without_times(whole)
    assert (jobs[0].folder / FINISHED).stat().st_mtime_ns == first, "the first was skipped"


def test_a_key_follows_what_a_run_depends_on(short, tmp_path, monkeypatch):
    changes = [
        {},
        {"seed": 8},
        {"strategies.sdn.control.every_s": 600},
        {"links.beijing-la.capacity_gbps": "+20"},
        {"demands.international": "x1.3"},
    ]
    keys = [
        job.key
        for i, change in enumerate(changes)
        for job in replications(short.with_changes(change), tmp_path / str(i))
    ]
    assert len(set(keys)) == 3 * len(changes), "every replication of every change"
    again = replications(short, tmp_path / "again")
    assert [job.key for job in again] == keys[:3]
    monkeypatch.setattr(provenance, "versions", lambda: {"simulator": "another"})
    assert not {job.key for job in replications(short, tmp_path / "again")} & set(keys)
