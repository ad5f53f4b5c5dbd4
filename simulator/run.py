"""Scenario -> Results."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import pandas as pd

from simulator import provenance
from simulator.base.errors import SimulatorError
from simulator.recording.meter import Figures
from simulator.results.results import (
    RUN_JSON,
    Part,
    Results,
    Shelf,
    StagingFolder,
    differences,
    records,
    solve_times,
    summarise,
)
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario

Progress = Callable[[float], None]


def run(
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    workers: int = 1,
    force: bool = False,
    progress: Progress | None = None,
    finish: Callable[[Path], None] | None = None,
) -> Results:
    """Run all strategies of a scenario, all replications, and return the results.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    out : path, optional
        Folder to write; a temporary one, gone with the results, when left out.
    workers : int
        Processes to share the replications; results do not depend on it. A script that asks for
        more than one must guard its own start with ``if __name__ == "__main__":``.
    force : bool
        Replace a results folder that stands at *out*.
    progress : callable, optional
        Told the share done, from 0 to 1.
    finish : callable, optional
        Given the whole folder before it appears in its place, to add pictures or a report.

    Raises
    ------
    SimulatorError
        The folder is taken, or a figure could not be computed.
    """
    scenario = as_scenario(scenario)
    shelf = Shelf() if out is None else None
    place = shelf.folder / "results" if shelf else Path(str(out))
    began = time.perf_counter()
    with StagingFolder(place, force=force) as staging:
        figures = []
        for played in _play_all(scenario, staging.parts, workers, progress or _silent):
            figures += played
        table = pd.DataFrame(
            figures, columns=["replication", "strategy", "metric", "scope", "unit", "value"]
        )
        write_figures(staging.folder, table)
        seconds, solve_s = time.perf_counter() - began, solve_times(staging.parts)
        story = provenance.of(scenario, seconds=seconds, workers=workers, solve_s=solve_s)
        provenance.keep_inputs(scenario, staging.folder)
        (staging.folder / RUN_JSON).write_text(story, encoding="utf-8")
        staging.merge()
        if finish:
            finish(staging.folder)
        folder = staging.publish()
    return Results(folder, keep=shelf)


def write_figures(folder: Path, figures: pd.DataFrame) -> None:
    """Write every replication's figures, their summary, and the paired differences."""
    summary = summarise(figures)
    figures.to_csv(folder / "replications.csv", index=False, lineterminator="\n")
    summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    text = json.dumps(records(summary), indent=1) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")
    differences(figures).to_csv(folder / "differences.csv", index=False, lineterminator="\n")


Row = tuple[int, str, str, str, str, float]


def _play_all(
    scenario: Scenario, parts: Path, workers: int, progress: Progress
) -> Iterator[list[Row]]:
    """Play every replication, here or in worker processes, and yield their figures in order."""
    count = scenario.settings.replications
    if min(workers, count) <= 1:
        for replication in range(count):
            yield _play(scenario, parts, replication, _share(progress, replication, count))
        return
    with ExitStack() as afterwards:
        with _interrupts_held():
            pool = ProcessPoolExecutor(
                min(workers, count),
                multiprocessing.get_context("spawn"),
                initializer=_follow_parent,
            )
            afterwards.callback(_terminate, pool, set(multiprocessing.active_children()))
            jobs = pool.map(partial(_play, scenario, parts, progress=_silent), range(count))
        try:
            for replication, played in enumerate(jobs):
                progress((replication + 1) / count)
                yield played
        except BrokenProcessPool:
            message = "a worker process was killed, most likely for want of memory"
            raise SimulatorError(f"{message}; try fewer workers") from None


def _terminate(pool: ProcessPoolExecutor, others: set[Any]) -> None:
    """End the workers, whatever they are at."""
    for worker in set(multiprocessing.active_children()) - others:
        worker.terminate()
    pool.shutdown(cancel_futures=True)


def _play(scenario: Scenario, parts: Path, replication: int, progress: Progress) -> list[Row]:
    """Play one replication; tables go to files, figures come back."""
    case = scenario.case
    desks = {
        name: Part(parts, replication, place, name) for place, name in enumerate(case.strategies)
    }

    def emit(strategy: str, table: str, columns: dict[str, Any]) -> None:
        desks[strategy].add(table, columns)

    try:
        figures: dict[str, Figures] = scenario.settings.engine.play(
            case, replication, emit, progress
        )
    finally:
        for route_table in desks.values():
            route_table.close()
    return [(replication, name, *row) for name, rows in figures.items() for row in rows]


def _share(progress: Progress, before: int, count: int) -> Progress:
    """Tell the progress of one replication as progress of all."""
    return lambda done: progress((before + done) / count)


def _silent(done: float) -> None:
    """Tell nobody."""


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block; processes started in it never hear of it.

    The mask is for them. Here it is not enough, as a thread of some library may take the signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    masks = hasattr(signal, "pthread_sigmask")
    if masks:
        resource_tracker.ensure_running()  # now, as its start takes the mask away again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    try:
        yield
    finally:
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def _follow_parent() -> None:
    """End this worker when its parent is gone, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
