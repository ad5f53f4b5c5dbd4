"""Jobs: pieces of work with a key and a folder, and executors that do those not yet finished.

A finished job leaves a mark in its folder, written last, that holds its key. An executor skips
such a job; it does any other job anew, in an empty folder. So a set of jobs that was interrupted,
by ``kill -9`` as well, is resumed by giving the same jobs to an executor again.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from simulator.base.errors import SimulatorError
from simulator.base.whole import whole

Progress = Callable[[float], None]
"""Takes the share done, from 0 to 1."""
FINISHED = "finished"
"""The file in a job's folder that marks it as finished."""


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
            return (self.folder / FINISHED).read_text(encoding="utf-8") == self.key
        except OSError:
            return False

    def do(self, progress: Progress) -> None:
        """Do the work in an empty folder, and mark it as finished."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.call(self.folder, progress)
        with whole(self.folder / FINISHED) as unfinished:
            unfinished.write_text(self.key, encoding="utf-8")


class Executor(Protocol):
    """Does jobs; their results do not depend on which executor does them."""

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
        """Do all jobs that are not finished.

        Raises
        ------
        Exception
            What the first job that failed raised. The other jobs may be finished or not.
        """
        ...


@dataclass(frozen=True)
class Inline:
    """Does jobs one after the other, in this process."""

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
        """Do all jobs that are not finished."""
        for i, job in enumerate(jobs):
            if not job.is_finished:
                job.do(lambda done, i=i: progress((i + done) / len(jobs)))  # type: ignore[misc]


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

    def run(self, jobs: Sequence[Job], progress: Progress) -> None:
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
            with _interrupts_held():
                pool = ProcessPoolExecutor(
                    min(self.workers, len(left)),
                    multiprocessing.get_context("spawn"),
                    initializer=_follow_parent,
                )
                afterwards.callback(_terminate, pool, set(multiprocessing.active_children()))
                done = pool.map(_do, left)
            try:
                for count, _ in enumerate(done, start=len(jobs) - len(left) + 1):
                    progress(count / len(jobs))
            except BrokenProcessPool:
                message = "a worker process was killed, most likely for want of memory"
                raise SimulatorError(f"{message}; try fewer workers") from None


def executor(workers: int) -> Executor:
    """Return the executor for a number of processes; one process is this one."""
    return Processes(workers) if workers > 1 else Inline()


def silent(done: float) -> None:
    """Show no progress."""


def _do(job: Job) -> None:
    job.do(silent)


def _terminate(pool: ProcessPoolExecutor, others: set[BaseProcess]) -> None:
    """End the workers, whether they are at work or not."""
    for worker in set(multiprocessing.active_children()) - others:
        worker.terminate()
    pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
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


def _follow_parent() -> None:
    """End this worker when its parent has ended, for whatever reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
