"""Scenario -> Results."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from simulator import provenance
from simulator.errors import SimulatorError
from simulator.model.results import RUN_JSON, Part, Results, Workshop, differences, summarise
from simulator.scenario import Scenario
from simulator.simulation.monitor import Figures

Progress = Callable[[float], None]


def run(
    scenario: Scenario,
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
    scenario : Scenario
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
    shelf = tempfile.TemporaryDirectory(prefix="simulator-") if out is None else None
    place = Path(shelf.name) / scenario.name if shelf else Path(str(out))
    began = time.perf_counter()
    with Workshop(place, force=force) as workshop:
        figures = []
        for played in _play_all(scenario, workshop.parts, workers, progress or _silent):
            figures += played
        table = pd.DataFrame(
            figures, columns=["replication", "strategy", "metric", "scope", "unit", "value"]
        )
        write_figures(workshop.folder, table)
        story = provenance.of(scenario, seconds=time.perf_counter() - began, workers=workers)
        provenance.keep_inputs(scenario, workshop.folder)
        (workshop.folder / RUN_JSON).write_text(story, encoding="utf-8")
        workshop.gather()
        if finish:
            finish(workshop.folder)
        folder = workshop.deliver()
    return Results(folder, keep=shelf)


def write_figures(folder: Path, figures: pd.DataFrame) -> None:
    """Write every replication's figures, their summary, and the paired differences."""
    summary = summarise(figures)
    figures.to_csv(folder / "replications.csv", index=False, lineterminator="\n")
    summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    rows = json.loads(summary.to_json(orient="records", double_precision=15))
    (folder / "summary.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
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
    others = set(multiprocessing.active_children())
    crew = ProcessPoolExecutor(
        min(workers, count), multiprocessing.get_context("spawn"), initializer=_follow_parent
    )
    try:
        with _interrupts_held():  # workers start with them held as well, and leave them to us
            jobs = crew.map(partial(_play, scenario, parts, progress=_silent), range(count))
        for replication, played in enumerate(jobs):
            progress((replication + 1) / count)
            yield played
    except BrokenProcessPool:
        message = "a worker process was killed, most likely for want of memory; try fewer workers"
        raise SimulatorError(message) from None
    finally:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        crew.shutdown(cancel_futures=True)


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
        for desk in desks.values():
            desk.close()
    return [(replication, name, *row) for name, rows in figures.items() for row in rows]


def _share(progress: Progress, before: int, count: int) -> Progress:
    """Tell the progress of one replication as progress of all."""
    return lambda done: progress((before + done) / count)


def _silent(done: float) -> None:
    """Tell nobody."""


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block, where the system can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """End this worker when its parent is gone, however that came about."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
