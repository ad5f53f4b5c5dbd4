"""Running: progress, signals, workers and pictures around the runs of a verb."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from simulator.base.text import short
from simulator.cli.options import RunOptions
from simulator.cli.output import TERMINATED, print_error
from simulator.cli.scenario import warnings_of
from simulator.run import Progress
from simulator.scenario.cost import TOLD_S, Cost
from simulator.scenario.scenario import Scenario

SMALL = 100_000
"""Demands x steps x replications below which starting workers costs more than they save."""
_TICKS = 1000


@contextmanager
def running(
    options: RunOptions,
    scenario: Scenario,
    suffix: str = "",
    *,
    changes_too: bool = True,
    times: int = 1,
) -> Iterator[dict[str, Any]]:
    """Print warnings, show progress, and clean up after SIGTERM as after Ctrl-C.

    Yields the keywords of :func:`simulator.run.run`, which are those of every study; *suffix* ends
    the name of the results folder, if no ``--out`` names one. Warnings of the changes that the
    scenario lists are printed if *changes_too*; a study of them has its own. A study plays the
    scenario so many *times*.
    """
    warnings = warnings_of(scenario)
    if not options.quiet:
        for problem in warnings if changes_too else scenario.warnings:
            print_error(problem)
        cost = Cost.of(scenario, times)
        if cost.cpu_s > TOLD_S and (options.any_size or not cost.is_too_much):
            print_error(f"{scenario.name}: {cost}")
    name = f"{scenario.name}{suffix}"
    with _stoppable(), _progress(options.quiet, scenario.name) as progress:
        yield {
            "out": options.out or Path("results") / (name if name.strip(".") else "scenario"),
            "workers": options.workers or _workers(scenario, times),
            "force": options.force,
            "any_size": options.any_size,
            "progress": progress,
            "finish": draw,
        }


def draw(folder: Path) -> None:
    """Add the main figures to a results folder."""
    from simulator.figures.plotter import write_figures
    from simulator.results.results import Results

    write_figures(Results(folder), folder / "figures")


def drawing(which: str) -> Callable[[Path], None] | None:
    """Return what adds the figures to a results folder: ``none``, ``main``, or ``all`` of them."""
    return {"none": None, "main": draw, "all": _draw_all}[which]


def _draw_all(folder: Path) -> None:
    from simulator.figures.figure import figures_of
    from simulator.figures.plotter import write_figures
    from simulator.results.results import Results

    write_figures(Results(folder), folder / "figures", names=figures_of("results"))


def _workers(scenario: Scenario, times: int = 1) -> int:
    """Return how many worker processes help: one for a small run, which is this process."""
    replications = scenario.settings.draws.replications * times
    if len(scenario.demands) * scenario.case.steps * replications < SMALL:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, replications)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM unwind the stack."""

    def end(*_: object) -> None:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(quiet: bool, name: str) -> Iterator[Progress | None]:
    """Show a bar on standard error, if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=_TICKS, label=short(name), file=sys.stderr) as bar:
        yield lambda done: bar.update(int(done * _TICKS) - bar.pos)
