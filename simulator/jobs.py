"""Jobs: pieces of work with a key and a folder, and executors that do those not yet finished.

A job works in a folder of its own beside its place and moves it there when it is whole, with a mark
that holds its key and the sizes of its files. An executor skips a job whose place holds all that;
it does any other job anew. So a set of jobs that was interrupted, by ``kill -9`` as well, is
resumed by giving the same jobs to an executor again, and two processes that do the same job do not
get in each other's way.

All jobs are pickled together and once: what they have in common, such as a scenario, goes to each
worker once and not once a job.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from simulator.base.errors import SimulatorError

Progress = Callable[[float], None]
"""Takes the share done, from 0 to 1."""
FINISHED = "_finished"
"""The file in a job's folder that marks it as finished; readers of Parquet folders skip it."""
CONNECT_S, WORKERS_S = 15, 60
"""Seconds to wait for a Dask scheduler to answer, and for its first worker."""


def key_of(**parts: Any) -> str:
    """Return a digest of everything that the result of a job depends on.

    Parameters
    ----------
    **parts
        Values that JSON can hold: digests of the inputs, versions, the replication.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """A piece of work that writes a folder.

    Attributes
    ----------
    key : str
        What the work is; see :func:`key_of`.
    call : callable
        Does the work: takes the empty folder to write to, and progress. Another process must be
        able to unpickle it.
    """

    key: str
    call: Callable[[Path, Progress], None]
    folder: Path

    @property
    def is_finished(self) -> bool:
        """Whether the folder holds the whole result of this very job."""
        try:
            return (self.folder / FINISHED).read_text(encoding="utf-8") == self._mark(self.folder)
        except OSError:
            return False

    def do(self, progress: Progress) -> None:
        """Do the work in a folder beside its place, and put it there when it is whole."""
        self._put(lambda folder: self.call(folder, progress))

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Put files in place that were made elsewhere; see :meth:`files`."""

        def write(folder: Path) -> None:
            for name, content in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)

        self._put(write)

    def files(self) -> dict[str, bytes]:
        """Do the work in a temporary folder, and return the content of its files by name."""
        with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
            self.call(Path(folder), silent)
            return {name: (Path(folder) / name).read_bytes() for name in _names(Path(folder))}

    def _put(self, work: Callable[[Path], None]) -> None:
        name = f".{self.folder.name}.unfinished-{os.getpid()}-{secrets.token_hex(4)}"
        unfinished = self.folder.with_name(name)
        unfinished.mkdir(parents=True)
        try:
            work(unfinished)
            (unfinished / FINISHED).write_text(self._mark(unfinished), encoding="utf-8")
            if self.is_finished:  # another process was faster, with the same result
                return
            if self.folder.exists():
                shutil.rmtree(self.folder)
            unfinished.rename(self.folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _mark(self, folder: Path) -> str:
        sizes = {name: (folder / name).stat().st_size for name in _names(folder)}
        return json.dumps({"key": self.key, "sizes": sizes})


def _names(folder: Path) -> list[str]:
    """Names of the files of a job, below its folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files if path.name != FINISHED)


Failed = Callable[[Job, Exception], None]
"""Takes a job that failed and what it raised."""


class Executor(Protocol):
    """Does jobs; their results do not depend on which executor does them."""

    def run(self, jobs: Sequence[Job], progress: Progress, failed: Failed | None = None) -> None:
        """Do all jobs that are not finished.

        Parameters
        ----------
        failed : callable, optional
            Called for each job that fails; the others go on. Left out, the first failure is raised.

        Raises
        ------
        Exception
            What the first job that failed raised. The other jobs may be finished or not.
        """
        ...


@dataclass(frozen=True)
class Inline:
    """Does jobs one after the other, in this process."""

    def run(self, jobs: Sequence[Job], progress: Progress, failed: Failed | None = None) -> None:
        """Do all jobs that are not finished."""
        for i, job in enumerate(jobs):
            if not job.is_finished:
                with _handed(job, failed):
                    job.do(lambda done, i=i: progress((i + done) / len(jobs)))  # type: ignore[misc]
                progress((i + 1) / len(jobs))


@dataclass(frozen=True)
class Processes:
    """Does jobs in worker processes of this machine.

    Attributes
    ----------
    workers : int
        Number of processes. A script that starts them must guard its own start with
        ``if __name__ == "__main__":``.
    """

    workers: int

    def run(self, jobs: Sequence[Job], progress: Progress, failed: Failed | None = None) -> None:
        """Do all jobs that are not finished.

        Raises
        ------
        SimulatorError
            A worker process was killed.
        """
        left = [job for job in jobs if not job.is_finished]
        if not left:
            return
        with ExitStack() as afterwards:
            with interrupts_held():
                pool = ProcessPoolExecutor(
                    min(self.workers, len(left)),
                    multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(pickle.dumps(left),),
                )
                afterwards.callback(terminate, pool, set(multiprocessing.active_children()))
                done = [pool.submit(_do, i) for i in range(len(left))]
            before = len(jobs) - len(left)
            try:
                for count, (job, future) in enumerate(zip(left, done, strict=True), before + 1):
                    with _handed(job, failed):
                        future.result()
                    progress(count / len(jobs))
            except BrokenProcessPool:
                message = "a worker process was killed, most likely for want of memory"
                raise SimulatorError(f"{message}; try fewer workers") from None


@dataclass(frozen=True)
class Dask:
    """Does jobs on the workers of a Dask cluster.

    Files of jobs come back over the network, so that workers need no disk in common. When a worker
    dies, the scheduler gives its jobs to another one.

    Attributes
    ----------
    scheduler : str
        Address of the scheduler, as ``tcp://10.0.0.1:8786``.
    """

    scheduler: str

    def run(self, jobs: Sequence[Job], progress: Progress, failed: Failed | None = None) -> None:
        """Do all jobs that are not finished.

        Raises
        ------
        SimulatorError
            There is no such cluster, it has no workers, or a job ended every worker that did it.
        """
        left = [job for job in jobs if not job.is_finished]
        if not left:
            return
        with _client(self.scheduler) as client:
            # A task and not scattered data: it can be made again when the worker that has it dies.
            name, blob = f"simulator-{secrets.token_hex(8)}", pickle.dumps(left)
            source = client.submit(_same, blob, key=name)
            tasks = {
                client.submit(_do_away, source, name, i, key=f"{name}-{i}"): job
                for i, job in enumerate(left)
            }
            count = len(jobs) - len(left)
            for future in _completed(tasks, client):
                job = tasks.pop(future)
                with _handed(job, failed):
                    job.keep(_result(future, self.scheduler))
                future.release()
                count += 1
                progress(count / len(jobs))


def executor(workers: int, scheduler: str | None = None) -> Executor:
    """Return the executor for a Dask cluster, or for a number of processes; one is this one."""
    if scheduler:
        return Dask(scheduler)
    return Processes(workers) if workers > 1 else Inline()


def silent(done: float) -> None:
    """Show no progress."""


@contextmanager
def _handed(job: Job, failed: Failed | None) -> Iterator[None]:
    """Hand what a job raises to *failed*, if there is one; a pool that broke is no such thing."""
    try:
        yield
    except BrokenProcessPool:
        raise
    except Exception as error:
        if failed is None:
            raise
        failed(job, error)


# -- processes of this machine ------------------------------------------------------------------

_jobs: list[Job] = []
"""The jobs that this worker process was given."""


def _begin(blob: bytes) -> None:
    """Begin a worker process."""
    follow_parent()
    _jobs[:] = pickle.loads(blob)


def _do(place: int) -> None:
    _jobs[place].do(silent)


def terminate(pool: ProcessPoolExecutor, others: set[BaseProcess]) -> None:
    """End the workers, whether they are at work or not."""
    for worker in set(multiprocessing.active_children()) - others:
        worker.terminate()
    pool.shutdown(cancel_futures=True)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the end of the block; processes started in it never receive it.

    The signal mask is for them. In this process it is not enough, as a thread of some library may
    take the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    has_masks = hasattr(signal, "pthread_sigmask")
    if has_masks:
        resource_tracker.ensure_running()  # now, as its start takes the mask away again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if has_masks else set()
    try:
        yield
    finally:
        if has_masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def follow_parent() -> None:
    """End this worker when its parent has ended, for whatever reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


# -- a Dask cluster -----------------------------------------------------------------------------

_away: dict[str, list[Job]] = {}
"""The jobs of the last set that this worker was given, by its name."""
_one_at_a_time = threading.Lock()
"""Jobs share what they have in common, so a worker with several threads does one at a time."""


def _same(blob: bytes) -> bytes:
    return blob


def _do_away(blob: bytes, name: str, place: int) -> dict[str, bytes]:
    """Do a job on a worker of a cluster and return its files."""
    with _one_at_a_time:
        if name not in _away:
            _away.clear()
            _away[name] = pickle.loads(blob)
        return _away[name][place].files()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        message = (
            "a Dask cluster needs the extra: pip install 'telecom-capacity-simulator[cluster]'"
        )
        raise SimulatorError(message) from None
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        message = f"no Dask scheduler answers at {scheduler}: {error}"
        raise SimulatorError(f"{message}; expected an address such as tcp://HOST:8786") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            message = f"the Dask scheduler at {scheduler} has no worker after {WORKERS_S} s"
            raise SimulatorError(f"{message}; start one: dask worker {scheduler}") from None
        yield client


def _completed(tasks: Mapping[Any, Job], client: Any) -> Iterator[Any]:
    from distributed import as_completed

    yield from as_completed(list(tasks), loop=client.loop)  # else that of a default client


def _result(future: Any, scheduler: str) -> Mapping[str, bytes]:
    """Return the files of a job; what the cluster itself has to say names it."""
    try:
        files: Mapping[str, bytes] = future.result()
    except Exception as error:
        if not type(error).__module__.startswith("distributed"):
            raise
        raise SimulatorError(f"the Dask cluster at {scheduler}: {error}") from error
    return files
