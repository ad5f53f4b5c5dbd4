"""Sweep: a scenario at many points of chosen keys, resumable, on one machine or many."""

from __future__ import annotations

import os
import re
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.errors import InputError, Problem, SimulatorError
from simulator.base.text import counted
from simulator.jobs import Job, Progress, executor, key_of, silent
from simulator.results.folder import StagingFolder
from simulator.scenario.cost import Cost, refuse_too_much
from simulator.scenario.load import as_scenario
from simulator.scenario.scenario import Scenario
from simulator.study.answer import Answer
from simulator.study.answer_file import Finish, keep_answer
from simulator.study.axis import OVER
from simulator.study.design import Design, Point
from simulator.study.sweep_answer import Swept, answer_of, write_pictures
from simulator.study.sweep_folder import FAILED, MARK, SweepFolder, record_of, write_json
from simulator.study.sweep_point import PART, columns_of, play_point, read_parts

Tell = Callable[[Problem | str], None]
_SHOWN = 5
"""Failed points and warnings that are listed; the rest is counted."""


class Shard(NamedTuple):
    """A part of the points for one job of an array: each ``parts``-th, from ``number`` on."""

    number: int
    parts: int

    @classmethod
    def of(cls, text: str) -> Shard:
        """Read ``3/8``.

        Raises
        ------
        InputError
            It is no such text.
        """
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        if found and 1 <= int(found[1]) <= int(found[2]):
            return cls(int(found[1]), int(found[2]))
        message = f"expected a part such as 3/8, the first of eight being 1/8; found {text!r}"
        raise InputError([Problem("", None, None, "shard", message)])

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"

    def part(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Return the jobs of this part."""
        return jobs[self.number - 1 :: self.parts]


def sweep(
    scenario: Scenario | str | Path | Mapping[str, Any],
    over: Mapping[str, Any],
    *,
    design: str = "grid",
    points: int | None = None,
    of: str = "",
    out: str | Path | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    shard: str | None = None,
    take: Sequence[str | Path] = (),
    progress: Progress | None = None,
    force: bool = False,
    any_size: bool = False,
    pictures: bool = False,
    finish: Finish | None = None,
    warn: Tell | None = None,
) -> Answer:
    """Run a scenario at many points of some keys.

    All points have the same random streams, so that they differ by the keys alone. Points are kept
    in a visible folder beside the results, ``OUT.unfinished``, until all are finished; the same
    call goes on there after an interrupt or a failure, whatever the number of workers.

    Parameters
    ----------
    scenario : Scenario, str, Path or mapping
        Anything but a scenario is loaded first; see :func:`simulator.load`.
    over : mapping of str to values
        Keys of :meth:`Scenario.with_changes` and what each takes: a list of values, or text as on
        the command line: ``"1,2,3"``, ``"400..1600:200"``, ``"x0.8..x1.4:0.1"``; for drawn designs
        also ``"400..1600"``.
    design : {"grid", "random", "sobol"}
        All combinations, or *points* points that are drawn.
    points : int, optional
        How many points are drawn.
    of : str, optional
        The figure of sentence and pictures: a metric, or a metric and a scope as
        ``loss_fraction:international``; the peak of the hottest exit when left out.
    out : path, optional
        Folder to write; a temporary one, with which nothing can be resumed, when left out.
    workers : int
        Processes to share the points; a point is done by one.
    scheduler : str, optional
        Address of a Dask cluster whose workers share the points, in place of processes.
    shard : str, optional
        Do only a part of the points, as ``3/8``, and keep them in the unfinished folder. A call
        without it does what is left and writes the results.
    take : sequence of path
        Unfinished folders of other shards, whose finished points are taken over.
    progress : callable, optional
        Called with the share done of the points that were not finished, from 0 to 1.
    force : bool
        Replace results of a sweep at *out*, and an unfinished sweep of something else.
    any_size : bool
        Run also what takes more than is allowed; see :func:`simulator.run`.
    pictures : bool
        Write the pictures into the folder too.
    finish : callable, optional
        Given the answer before its folder appears in its place.
    warn : callable, optional
        Given what is to be known before points run: warnings at points, and what is finished.

    Returns
    -------
    Answer
        The table ``points`` has columns ``point``, the keys, ``strategy, metric, scope, unit, mean,
        ci_low, ci_high, range_low, range_high, replications``.

    Raises
    ------
    InputError
        The design or a value is wrong, or all of it takes more than is allowed.
    SimulatorError
        The folder is taken, an unfinished sweep there is of something else, or points failed; they
        are named with their errors, and all others are kept.
    """
    scenario, part = as_scenario(scenario, any_size), Shard.of(shard) if shard else None
    plan = Design.of(over, design, points, scenario.settings.seed)
    if not any_size:  # before points are made, of which there may be a million
        cost = Cost.of(scenario, plan.count, tables=False)
        refuse_too_much(scenario, plan.count, cost=cost)
    swept, tell = Swept(scenario, plan, of), warn or (lambda _: None)
    corners = _checked(scenario, plan)
    if not any_size:
        refuse_too_much(scenario, plan.count, cost=_cost_of(plan, corners))
    _tell_doubts(scenario, corners.values(), tell)
    files = {path for each in corners.values() for path in each.inputs} - set(scenario.inputs)
    record = record_of(scenario, plan, files)
    with _staging(out, force, record) as staging:
        kept = SweepFolder.beside(staging.place, record)
        kept.open(force=force)
        jobs = _jobs(scenario, plan, kept)
        for each in take:
            kept.take(Path(each), jobs)
        mine = part.part(jobs) if part else jobs
        if of and mine:  # whether there is such a figure is seen before all others are played
            _do(mine[:1], plan, kept, executor(1, scheduler), None, lambda _: None)
            swept.check(_frame(mine[:1]))
        _do(mine, plan, kept, executor(min(workers, len(mine)), scheduler), progress, tell)
        if part:
            return _part_answer(swept, part, jobs, kept)
        frame = _frame(jobs)
        swept.check(frame)
        with staging:
            kept.publish(staging, jobs, scenario)
            answer = answer_of(swept, frame, staging.folder)
            if pictures:
                write_pictures(answer, staging.folder)
            keep_answer(answer, finish)
            answer = replace(answer, folder=staging.publish())
        kept.remove()
    if staging.temporary:
        weakref.finalize(answer, staging.temporary.cleanup)
    return answer


@contextmanager
def _staging(
    out: str | Path | None, force: bool, record: Mapping[str, Any]
) -> Iterator[StagingFolder]:
    """Yield a folder that is not begun yet; a temporary one does not outlive a failure."""
    try:
        staging = StagingFolder(out, force=force, mark=MARK)
    except SimulatorError:
        _tidy(Path(os.path.realpath(out or "")), record)
        raise
    try:
        yield staging
    except BaseException:
        if staging.temporary:
            staging.temporary.cleanup()
        raise


def _tidy(place: Path, record: Mapping[str, Any]) -> None:
    """Remove what a sweep left that was killed when its results stood at their place already."""
    left = SweepFolder.beside(place, record)
    if left.folder.is_dir() and left.is_of(place):
        left.remove()


def _checked(scenario: Scenario, plan: Design) -> dict[int, Scenario]:
    """Return the scenario at points that show each value once, before anything runs, by number.

    Raises
    ------
    InputError
        Holds all that is wrong with the values, each once.
    """
    found: dict[int, Scenario] = {}
    problems: dict[str, Problem] = {}
    for point in plan.corners():
        try:
            found[point.number] = scenario.with_changes(point.values, OVER)
        except InputError as error:
            problems |= {str(each): each for each in error.problems}
    if problems:
        raise InputError(problems.values())
    return found


def _cost_of(plan: Design, corners: Mapping[int, Scenario]) -> Cost:
    """Return what all points take: of a grid, each key multiplies it by the mean of its values."""
    each = {number: Cost.of(corner, tables=False) for number, corner in corners.items()}
    times = float(plan.count)
    for numbers in plan.edges(list(each)):
        times *= float(np.mean([each[i].cpu_s for i in numbers])) / each[numbers[0]].cpu_s
    first = next(iter(each.values()))
    return replace(
        first,
        cpu_s=times * first.cpu_s,
        memory_gb=max(cost.memory_gb for cost in each.values()),
        disk_gb=plan.count * max(cost.disk_gb for cost in each.values()),
    )


def _tell_doubts(scenario: Scenario, corners: Iterable[Scenario], tell: Tell) -> None:
    """Tell the warnings that the scenario itself does not have."""
    known = set(map(str, scenario.warnings))
    every = {str(each): each for corner in corners for each in corner.warnings}
    doubts = [each for text, each in every.items() if text not in known]
    for doubt in doubts[:_SHOWN]:
        tell(doubt)
    if len(doubts) > _SHOWN:
        tell(f"and {counted(len(doubts) - _SHOWN, 'warning')} more at other points")


def _jobs(scenario: Scenario, plan: Design, kept: SweepFolder) -> list[Job]:
    columns, versions = columns_of(plan), kept.record["versions"]
    base = key_of(**kept.record)
    return [
        Job(
            key_of(sweep=base, point=point.number),
            partial(play_point, scenario, point, columns, versions),
            kept.place_of(point.number),
        )
        for point in plan.points
    ]


def _do(
    jobs: Sequence[Job],
    plan: Design,
    kept: SweepFolder,
    how: Any,
    progress: Progress | None,
    tell: Tell,
) -> None:
    """Do the jobs that are not finished; name those that fail, when all others are done."""
    left = [job for job in jobs if not job.is_finished]
    if len(left) < len(jobs):
        tell(f"{len(jobs) - len(left):,} of {counted(len(jobs), 'point')} are finished already")
    point_of = {kept.place_of(point.number): point for point in plan.points}
    failed: list[tuple[Point, Exception]] = []
    (kept.folder / FAILED).unlink(missing_ok=True)
    try:
        how.run(
            left,
            progress or silent,
            lambda job, error: failed.append((point_of[job.folder], error)),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{_finished(jobs, kept)}; the same command goes on") from None
    if failed:
        write_json(kept.folder / FAILED, [_told(*each) for each in failed])
        raise _failure(failed, len(jobs), f"{_finished(jobs, kept)}")


def _finished(jobs: Sequence[Job], kept: SweepFolder) -> str:
    count = sum(job.is_finished for job in jobs)
    return f"{count:,} of {counted(len(jobs), 'point')} are kept in {kept.folder}"


def _told(point: Point, error: Exception) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(error))
    return {"point": point.number, "values": point.values, "error": _said(error), "trace": trace}


def _said(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, SimulatorError) else f"{type(error).__name__}: {text}"


def _failure(failed: Sequence[tuple[Point, Exception]], count: int, kept: str) -> SimulatorError:
    """Return the error that names failed points."""
    lines = [f"{point}: {_said(error)}" for point, error in failed[:_SHOWN]]
    if len(failed) > _SHOWN:
        lines.append(f"and {len(failed) - _SHOWN:,} more")
    head = f"{len(failed):,} of {counted(count, 'point')} failed"
    foot = f"{kept}, where {FAILED} has every error; the same command does what failed again"
    text = "\n".join([head, *lines, foot])
    if all(isinstance(error, InputError) for _, error in failed):
        return InputError([Problem("", None, None, "", line) for line in text.split("\n")])
    return SimulatorError(text)


def _frame(jobs: Sequence[Job]) -> pd.DataFrame:
    return read_parts([job.folder / PART for job in jobs], range(len(jobs)))


def _part_answer(swept: Swept, part: Shard, jobs: Sequence[Job], kept: SweepFolder) -> Answer:
    """Return what a part has, and how far the whole is."""
    mine = part.part(jobs)
    numbers = range(part.number - 1, len(jobs), part.parts)
    frame = read_parts([job.folder / PART for job in mine], numbers)
    title = f"Part {part} of a sweep of {swept.title}"
    sentence = (
        f"{_finished(jobs, kept)}, all {len(mine):,} of part {part} among them; the same command"
        " without --shard does what is left and writes the results."
    )
    return Answer(title, sentence, {"points": frame}, {}, kept.folder)
