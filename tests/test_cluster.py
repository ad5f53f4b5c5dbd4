"""A Dask cluster: jobs done on its workers are those done here, also when a worker is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import stand_in_cluster
from job_calls import fail, ruin, squares
from test_jobs import contents, done

from simulator.base.errors import SimulatorError
from simulator.jobs import Dask, Inline, Job, executor, silent

ROOT = Path(__file__).parent.parent
ADDRESS = "tcp://127.0.0.1:8786"


@pytest.fixture
def stand_in(monkeypatch):
    """Our side of the contract alone, where Dask need not be installed."""
    monkeypatch.setitem(sys.modules, "distributed", stand_in_cluster.module())
    return stand_in_cluster.Client


def test_jobs_are_done_once_and_are_those_of_this_process(tmp_path, stand_in):
    for name, where in (("a", Inline()), ("b", Dask(ADDRESS))):
        (tmp_path / name).mkdir()
        seen = []
        where.run(squares(tmp_path / name), seen.append)
        assert seen[-1] == 1.0 and seen == sorted(seen)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert done(tmp_path / "b") == [0, 1, 2, 3]
    (client,) = stand_in.made
    assert not client.open and len(client.keys) == 5, "what they have in common, and four jobs"
    Dask(ADDRESS).run(squares(tmp_path / "b"), silent)
    assert done(tmp_path / "b") == [0, 1, 2, 3] and len(stand_in.made) == 1


def test_a_job_that_fails_is_not_finished_and_the_others_go_on(tmp_path, stand_in):
    jobs, seen = squares(tmp_path), []
    jobs[1] = Job(jobs[1].key, partial(fail, 1), jobs[1].folder)
    with pytest.raises(ZeroDivisionError, match="job 1"):
        Dask(ADDRESS).run(jobs, silent)
    Dask(ADDRESS).run(jobs, silent, lambda job, error: seen.append((job.folder.name, str(error))))
    assert seen == [("01", "job 1")]
    assert [job.is_finished for job in jobs] == [True, False, True, True]


def test_what_the_cluster_says_is_no_traceback(tmp_path, stand_in):
    jobs = squares(tmp_path, 1)
    jobs[0] = Job(jobs[0].key, ruin, jobs[0].folder)
    with pytest.raises(SimulatorError, match=r"cluster at tcp://127.* died while running it"):
        Dask(ADDRESS).run(jobs, silent)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://nowhere:1", r"no Dask scheduler answers at tcp://nowhere:1: Timed out"),
        ("nowhere", r"answers at nowhere: missing port.*expected an address such as tcp://HOST:"),
    ],
)
def test_a_scheduler_that_is_not_there_is_named(tmp_path, stand_in, address, message):
    with pytest.raises(SimulatorError, match=message):
        Dask(address).run(squares(tmp_path), silent)


def test_a_cluster_without_workers_is_not_waited_for_without_end(tmp_path, stand_in, monkeypatch):
    monkeypatch.setattr(stand_in, "workers", 0)
    with pytest.raises(SimulatorError, match="has no worker after 60 s; start one: dask worker"):
        Dask(ADDRESS).run(squares(tmp_path), silent)
    assert not stand_in.made[0].open


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        SimulatorError, match=r"pip install 'telecom-capacity-simulator\[cluster\]'"
    ):
        Dask(ADDRESS).run(squares(tmp_path), silent)


def test_the_address_of_a_scheduler_chooses_the_executor():
    assert executor(4, ADDRESS) == Dask(ADDRESS)


# -- a real cluster on this machine ---------------------------------------------------------------


class Cluster:
    """A scheduler and workers, as processes that listen on this machine alone."""

    def __init__(self, folder):
        self.folder, self.processes, self.names = folder, [], {}
        place = folder / "scheduler.json"
        self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
            "--scheduler-file", str(place),
        )  # fmt: skip
        begun = time.monotonic()
        while not (place.exists() and place.read_text().strip()):
            assert time.monotonic() < begun + 60 and self.processes[0].poll() is None
            time.sleep(0.05)
        self.address = json.loads(place.read_text())["address"]

    def work(self):
        """Start a worker with one thread, in one process that can be killed, and return it."""
        return self._start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--local-directory", str(self.folder),
        )  # fmt: skip

    def _start(self, *words):
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes[::-1]:
            process.terminate()
            process.wait(30)


@pytest.fixture
def cluster(tmp_path_factory):
    pytest.importorskip("distributed", reason="the cluster extra is not installed")
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    yield made
    made.close()


def sweep(out, *words):
    """Start a sweep of six small points as a user does, in a process of its own."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "simulator", "sweep", "mini", "--out", str(out), "--quiet"),
            *("--over", "demands.international=x0.8..x1.3:0.1", "--set", "horizon_h=6"),
            *("--replications", "1", *words),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_sweep_on_a_cluster_is_that_of_this_machine_also_with_a_worker_killed(cluster, tmp_path):
    from killing import files

    with sweep(tmp_path / "here", "--workers", "1") as here:
        assert here.wait(300) == 0, here.stderr.read()
    first = cluster.work()
    points = tmp_path / "away.unfinished" / "points"
    with sweep(tmp_path / "away", "--scheduler", cluster.address) as away:
        begun = time.monotonic()
        while not list(points.glob("point=*")):  # the first is done, the second is at work
            assert time.monotonic() < begun + 120 and away.poll() is None, away.stderr.read()
            time.sleep(0.01)
        second = cluster.work()
        os.kill(first.pid, signal.SIGKILL)
        assert away.wait(300) == 0, away.stderr.read()
    assert second.poll() is None
    assert files(tmp_path / "away") == files(tmp_path / "here")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_listens_where_no_scheduler_is(tmp_path):
    pytest.importorskip("distributed", reason="the cluster extra is not installed")
    with sweep(tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9") as ended:
        assert ended.wait(120) == 1
        assert re.search("no Dask scheduler answers at tcp://127.0.0.1:9", ended.stderr.read())
