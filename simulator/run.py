"""Run: scenario -> jobs, one a day of a world -> tables, figures, provenance -> Results."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from simulator import provenance
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.results.folder import StagingFolder
from simulator.results.metrics import Figures
from simulator.results.parts import SharedParts
from simulator.results.results import Results
from simulator.results.writer import (
    WORLD_EXITS,
    TableWriter,
    add_drawn,
    figures_of,
    merge,
    solve_times,
    write_figures,
    write_worlds,
)
from simulator.scenario.cost import refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.uncertainty.world import World


def run(
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    workers: int = 1,
    force: bool = False,
    any_size: bool = False,
    progress: Progress | None = None,
    finish: Callable[[Path], None] | None = None,
    shared: SharedParts | None = None,
    scheduler: str | None = None,
) -> Results:
    """Run all strategies of a scenario, all replications, and return the results.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    out : path, optional
        Folder to write; a temporary one, removed with the results, when left out.
    workers : int
        Processes that share the replications; results do not depend on it. A script that sets
        more than one must guard its own start with ``if __name__ == "__main__":``.
    force : bool
        Replace a results folder that stands at *out*.
    any_size : bool
        Run also what would take more time, memory or disk than :mod:`simulator.scenario.cost`
        allows.
    progress : callable, optional
        Takes the share done, from 0 to 1.
    finish : callable, optional
        Takes the whole folder before it appears in its place, to add figures or a report.
    shared : SharedParts, optional
        What other runs have worked out: a strategy whose inputs are the same is taken from there,
        and what is new is kept there. Results do not depend on it.
    scheduler : str, optional
        Address of a Dask cluster whose workers share the replications, in place of processes.

    Raises
    ------
    InputError
        The scenario is wrong, or takes more than is allowed.
    SimulatorError
        The folder is taken, or a figure could not be computed.
    """
    scenario = as_scenario(scenario, any_size)
    if not any_size:
        refuse_too_much(scenario)
    began = time.perf_counter()
    with StagingFolder(out, force=force) as staging:
        provenance.keep_inputs(scenario, staging.folder)
        identity, parts = provenance.identity(staging.folder), staging.folder / "parts"
        settings = scenario.settings
        keys = _strategy_keys(scenario, staging.folder) if shared else {}
        known = _known(scenario, keys, shared)
        new = [name for name in settings.strategies if name not in known]
        jobs = [
            Job(
                key_of(**identity, replication=i),
                partial(play, scenario, i, only=new),
                parts / f"{i:06d}",
            )
            for i in range(settings.draws.replications)
        ]
        executor(min(workers, len(jobs)), scheduler).run(jobs, progress or silent)
        if shared is not None:
            shared.put(parts, keys, known)
            shared.keep(parts, keys, [name for name in new if name in keys])
        write_figures(staging.folder, figures_of(parts), settings.draws)
        seconds = time.perf_counter() - began
        provenance.write(
            scenario, staging.folder, seconds=seconds, workers=workers, solve_s=solve_times(parts)
        )
        write_worlds(staging.folder, parts)
        merge(parts, staging.folder)
        if finish:
            finish(staging.folder)
        folder = staging.publish()
    return Results(folder, keep=staging.temporary)


def _strategy_keys(scenario: Scenario, folder: Path) -> dict[str, str]:
    """Return a key for each strategy, in their order; none where nothing may be shared."""
    every = provenance.strategy_identities(scenario, folder)
    return {name: key_of(**each) for name, each in every.items()}


def _known(scenario: Scenario, keys: Mapping[str, str], shared: SharedParts | None) -> set[str]:
    """Return the strategies that need not be played: others do not need them either."""
    known = shared.known(keys) if shared else set()
    yardstick = scenario.case.yardstick
    if len(known) < len(scenario.settings.strategies):
        known -= {yardstick}  # regret is counted from what it costs
    return known


def play(
    scenario: Scenario,
    replication: int,
    folder: Path,
    progress: Progress,
    *,
    only: Collection[str] | None = None,
) -> None:
    """Play one replication, which is one day of one world, with all strategies or *only* some."""
    world, day = scenario.settings.draws.place(replication)
    play_day(
        scenario, World(world), day, replication, folder, progress, catchments=world, only=only
    )
    if world and not day:
        add_drawn(folder, world, scenario.values_in(world))


def play_day(
    scenario: Scenario,
    world: World,
    day: int,
    replication: int,
    folder: Path,
    progress: Progress,
    *,
    catchments: int = 0,
    only: Collection[str] | None = None,
) -> None:
    """Play a day of a world and write its tables and figures, as parts for each strategy.

    The same day has the same draws in every world. Of drawn worlds only figures and the fullest
    exit of every step are kept. What neighbours choose is another draw on each day with
    *catchments* 0, and else that of this number. Strategies that are not among *only*, if it is
    given, are left out.
    """
    drawn, case = not world.is_stated, replace(scenario.world(world).case, catchments=catchments)
    places = {name: place for place, name in enumerate(case.strategies)}
    if only is not None:
        mine = {name: each for name, each in case.strategies.items() if name in only}
        case = replace(case, strategies=mine)
    if not case.strategies:
        return
    first = next(iter(places))

    def emit(name: str, table: str, columns: Mapping[str, Any]) -> None:
        if drawn and table != WORLD_EXITS:
            return
        if table != "events" or name == first:  # they stand under the first, here or elsewhere
            writers[name].add(table, columns)

    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(TableWriter(folder, replication, places[name], name))
            for name in case.strategies
        }
        figures = scenario.settings.engine.play(
            case.of_drawn_world() if drawn else case,
            day,
            emit,
            progress,
        )
        for name, rows in figures.items():
            writers[name].add_figures(rows)


def figures_of_day(
    scenario: Scenario, replication: int, progress: Progress
) -> Mapping[str, Figures]:
    """Play a replication for its figures alone, without tables, and return them by strategy."""
    world, day = scenario.settings.draws.place(replication)
    case = replace(scenario.world(world).case, catchments=world).without_tables()
    return scenario.settings.engine.play(case, day, lambda *_: None, progress)
