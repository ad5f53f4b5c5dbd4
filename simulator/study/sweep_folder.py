"""Sweep folder: where points are kept until all are finished, and what they are of."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import provenance
from simulator.base.errors import SimulatorError
from simulator.base.text import plain, short
from simulator.base.whole import whole, why_not_written
from simulator.jobs import FINISHED, Job
from simulator.results.folder import NotWritten, StagingFolder
from simulator.scenario.scenario import Scenario
from simulator.study.design import Design
from simulator.study.sweep_point import PART

MARK = "sweep.json"
"""The file by which a folder of this study is known, finished or not."""
FAILED = "failed.json"
"""What failed in the last call, in an unfinished folder."""
POINTS = "points"
UNFINISHED = ".unfinished"
_OURS = re.compile(
    rf"(\.?{re.escape(MARK)}|\.?{re.escape(FAILED)})(\.unfinished-[\w-]+)?"
    rf"|{POINTS}(/\.?point=\d{{6}}(\.unfinished-[\w-]+)?(/({re.escape(PART)}|{FINISHED}))?)?"
)
_SHOWN = 5


def record_of(scenario: Scenario, design: Design, files: Iterable[Path]) -> dict[str, Any]:
    """Return what the points of a sweep depend on, as plain data.

    Parameters
    ----------
    files : iterable of pathlib.Path
        What points read beside the inputs of the scenario.
    """
    with tempfile.TemporaryDirectory(prefix="simulator-") as folder:
        provenance.keep_inputs(scenario, Path(folder))
        identity = provenance.identity(Path(folder))
    digests = {path.name: provenance.digest(path) for path in sorted(files)}
    record = {"name": scenario.name, "design": design.record(), **identity, "files": digests}
    return json.loads(json.dumps({**record, "scenario": scenario.resolved()}, default=str))


@dataclass(frozen=True)
class SweepFolder:
    """The visible folder beside the results in which a sweep is kept until all is finished.

    Attributes
    ----------
    folder : pathlib.Path
    record : dict
        See :func:`record_of`.
    """

    folder: Path
    record: Mapping[str, Any]

    @classmethod
    def beside(cls, place: Path, record: Mapping[str, Any]) -> SweepFolder:
        """Return the folder of a sweep whose results are to stand at *place*."""
        return cls(place.with_name(place.name + UNFINISHED), record)

    def place_of(self, number: int) -> Path:
        """Return where a point is kept."""
        return self.folder / POINTS / f"point={number:06d}"

    def open(self, *, force: bool) -> None:
        """Make the folder, or go on with the one that is there, if it is of the same sweep.

        Raises
        ------
        SimulatorError
            It is of another sweep, which *force* replaces, or holds what no sweep wrote.
        """
        was = _read(self.folder)
        if was is not None and not changes(was, self.record):
            return
        if was is not None or (self.folder / POINTS).exists():
            if not force:
                what = f"of something else: {_listed(changes(was, self.record))}" if was else ""
                raise SimulatorError(
                    f"{self.folder} holds an unfinished sweep {what or f'without its {MARK}'};"
                    " --force starts anew, --out DIR writes elsewhere"
                )
            self.remove()
        elif self.folder.exists():
            self._refuse_foreign()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(self.folder / MARK, self.record)
        except OSError as error:
            raise NotWritten(self.folder, why_not_written(error)) from None

    def take(self, other: Path, jobs: Sequence[Job]) -> None:
        """Copy finished points from the unfinished folder of a shard.

        Raises
        ------
        SimulatorError
            It is no such folder, or of another sweep.
        """
        was = _read(other)
        if was is None:
            near = other.with_name(other.name + UNFINISHED)
            hint = f"; did you mean {near}?" if _read(near) is not None else ""
            raise SimulatorError(f"{other} is no unfinished sweep{hint}")
        if found := changes(was, self.record):
            raise SimulatorError(f"{other} is a sweep of something else: {_listed(found)}")
        for job in jobs:
            there = Job(job.key, job.call, other / POINTS / job.folder.name)
            if not job.is_finished and there.is_finished:
                job.keep({PART: (there.folder / PART).read_bytes()})

    def remove(self) -> None:
        """Remove the folder, if a sweep wrote all that it holds.

        Raises
        ------
        SimulatorError
            It holds something else, which is left alone with all the rest.
        """
        self._refuse_foreign()
        shutil.rmtree(self.folder / POINTS, ignore_errors=True)  # killed here, it can go on
        shutil.rmtree(self.folder)

    def _refuse_foreign(self) -> None:
        foreign = [name for name in _all_names(self.folder) if not _OURS.fullmatch(name)]
        if foreign:
            listed = ", ".join(plain(name) for name in foreign[:_SHOWN])
            raise SimulatorError(
                f"{self.folder} is left alone: no sweep wrote {listed}; move it, or write elsewhere"
                " with --out DIR"
            )

    def is_of(self, results: Path) -> bool:
        """Whether a folder of results is of this sweep, so that the unfinished one is left over."""
        was = _read(results)
        return was is not None and not changes(was, self.record)

    def publish(self, staging: StagingFolder, jobs: Sequence[Job], scenario: Scenario) -> None:
        """Write the results from finished points into a folder under construction."""
        provenance.keep_inputs(scenario, staging.folder)
        listed = []
        for number, job in enumerate(jobs):
            place = staging.folder / POINTS / job.folder.name
            place.mkdir(parents=True)
            shutil.copyfile(job.folder / PART, place / PART)
            listed.append(
                {"point": number, "key": job.key, "file": provenance.digest(place / PART)}
            )
        write_json(staging.folder / MARK, {**self.record, "points": listed})


def changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return in words what is different between the records of two sweeps."""
    before, after = (dict(_flat("", {key: of.get(key) for key in now})) for of in (was, now))
    found = []
    for key in dict.fromkeys([*after, *before]):
        if before.get(key) != after.get(key):
            told = _words(key, before.get(key, "none"), after.get(key, "none"))
            found.append(told)
    others = [each for each in found if each != _INPUT]
    return list(dict.fromkeys(others or found))


_INPUT = "the inputs are others"


def _words(key: str, was: Any, now: Any) -> str:
    section, _, rest = key.partition(".")
    if section == "inputs":
        name = {"topology.yaml": "the network", "demands.csv": "the demands"}.get(rest)
        return f"{name} changed" if name else _INPUT
    if section == "files":
        return f"{rest} changed"
    shown = rest if section in ("scenario", "design", "versions") else key
    return f"{shown} is {short(str(now), 48)} and was {short(str(was), 48)}"


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of plain data by their dotted keys; file names stay whole."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), each)
    else:
        yield path, value


def _listed(found: Sequence[str]) -> str:
    more = len(found) - _SHOWN
    return "; ".join(found[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "design" in record else None


def write_json(path: Path, value: Any) -> None:
    """Write JSON that appears when it is whole."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _all_names(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")))
