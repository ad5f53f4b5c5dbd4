"""Demands of SNDlib: those of a network file, of a matrix, or of a folder of matrices over time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.matrices.demand_format import (
    DemandFormat,
    demand_format,
    recording_of,
    unknown_node,
)
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.sndlib.json import is_json, read_sndlib_json
from simulator.formats.sndlib.model import Sndlib, unknown_keys
from simulator.formats.sndlib.native import is_native, read_native
from simulator.formats.sndlib.xml import SndlibXml, read_xml
from simulator.formats.units import Unit, rate_fault, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording

Pair = tuple[str, str]
TIME = re.compile(r"(?<!\d)(\d{8})(?:-?(\d{4}))?(?!\d)")
GRANULARITY = re.compile(r"(?P<count>\d+)?\s*(?P<unit>s|sec|min|minute|h|hour|d|day|week)s?", re.I)
HOURS = {"s": 1 / 3600, "m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}


@demand_format("sndlib")
class SndlibDemands(DemandFormat):
    """SNDlib demands: a network file, or a folder of matrices over time.

    The rate of a demand is routing unit times value, in the unit of the file, else in what the
    scenario gives, else in Mbps. Demands of one pair add up. A demand in
    the UNDIRECTED model is the rate in the direction listed, a BIDIRECTED one is asked for both
    ways. What stays at its node (SNDlib's matrices hold such) is left out. The granularity in
    ``meta`` is the usual time between matrices.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xml", ".json")
    readable: ClassVar[str] = "a .xml, .json or .txt file of SNDlib, or a folder of such matrices"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is XML, has keys of SNDlib or its mark, or holds matrices."""
        if path.is_dir():
            return next(_matrices(path), None) is not None
        return SndlibXml().reads(path) or is_native(path) or is_json(path)

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrices; those of a folder by the time in `meta`, else in their name."""
        if not path.is_dir():
            file = _read(path)
            matrix = _matrix(file, network, unit)
            if not matrix:
                raise refusal(path, "no demands in this file")
            rates = np.array(list(matrix.values()))[:, None]
            start = _iso(_instant(file))
            notes = list(_notes(file, unit))
            return recording_of(network, list(matrix), rates, start=start, notes=notes)
        return _of_folder(path, network, unit)


class _Instant(NamedTuple):
    """A matrix of a folder; `column` holds its rates, by position in the list of pairs."""

    time: datetime
    file: str
    column: np.ndarray


def _of_folder(path: Path, network: Network, unit: Unit | None) -> Recording:
    row: dict[Pair, int] = {}
    instants: list[_Instant] = []
    problems: list[Problem] = []
    notes: list[Problem] = []
    steps_h: set[float | None] = set()
    for each in sorted(_matrices(path)):
        try:
            file = _read(each)
            matrix = _matrix(file, network, unit)
            time = _time(file)
            assert time is not None
        except InputError as error:
            problems += error.problems
            if len(problems) > MOST_PROBLEMS:
                break
            continue
        notes += _notes(file, unit)
        steps_h.add(_granularity_h(file))
        for pair in matrix:
            row.setdefault(pair, len(row))
        column = np.full(len(row), np.nan)
        column[[row[pair] for pair in matrix]] = list(matrix.values())
        instants.append(_Instant(time, file.file, column))
    instants.sort(key=lambda instant: instant.time)
    problems += _same_times(instants)
    refuse(problems, file=str(path))
    if not row:
        raise refusal(path, "no demands in the files of this folder")
    gbps = np.full((len(row), len(instants)), np.nan)
    for place, instant in enumerate(instants):
        gbps[: len(instant.column), place] = instant.column
    begin = instants[0].time
    hours = np.array([(each.time - begin).total_seconds() / 3600.0 for each in instants])
    (step_h,) = steps_h if len(steps_h) == 1 else (None,)
    first = list({note.message.partition(",")[0]: note for note in reversed(notes)}.values())
    return recording_of(
        network, list(row), gbps, hours, _iso(begin), step_h=step_h, notes=first[::-1]
    )


def _notes(file: Sndlib, unit: Unit | None) -> Iterator[Problem]:
    """Yield what was assumed of a file, and what is left out of it."""
    yield from unknown_keys(file)
    if unit is None and "unit" not in file.meta:
        message = "no unit is stated, rates are read as Mbps"
        yield Problem(file.file, None, None, "meta.unit", message, "warning")
    own = [demand for demand in file.demands if demand.source == demand.target]
    if own:
        message = (
            f"demands from a node to itself are left out, {len(own)} in all, the first of"
            f" {shown(own[0].source)}, up to {max(each.rate for each in own):g} in the file's unit"
        )
        yield Problem(file.file, own[0].line, None, "demand", message, "warning")
    stated = file.meta.get("time")
    if stated is not None and _instant(file) is None:
        message = f"{shown(stated)} is no instant, the matrix has no date"
        yield Problem(file.file, None, None, "meta.time", message, "warning")


def _granularity_h(file: Sndlib) -> float | None:
    """Return the hours from one matrix to the next, where the file states them."""
    found = GRANULARITY.fullmatch(file.meta.get("granularity", "").strip())
    return int(found["count"] or 1) * HOURS[found["unit"][0].lower()] if found else None


def _instant(file: Sndlib) -> datetime | None:
    """Return when the one matrix of a file begins, if it says an instant and not a span of time."""
    try:
        return _time(file, must=False)
    except InputError:
        return None


def _matrices(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.xml")
    yield from filter(is_json, folder.glob("*.json"))
    yield from filter(is_native, folder.glob("*.txt"))


def _read(path: Path) -> Sndlib:
    if path.suffix.lower() == ".json":
        return read_sndlib_json(path)
    return read_native(path) if is_native(path) else read_xml(path)


def _same_times(instants: Sequence[_Instant]) -> Iterator[Problem]:
    for before, after in zip(instants, instants[1:], strict=False):
        if before.time == after.time:
            message = f"a second matrix of {_iso(after.time)}; the first is in {before.file}"
            yield Problem(after.file, None, None, "", message)


def _matrix(file: Sndlib, network: Network, unit: Unit | None) -> dict[Pair, float]:
    """Return the rate of every pair in Gbps; *unit* is that of a file without one."""
    both = file.model("demand") == "BIDIRECTED"
    unit_here = file.unit if unit is None or "unit" in file.meta else unit
    known = network.node_index
    rates: dict[Pair, float] = {}
    problems: list[Problem] = []
    for source, target, rate, line in file.demands:
        if source not in known or target not in known:
            problems += [
                Problem(file.file, line, None, "demand", unknown_node(name, network))
                for name in (source, target)
                if name not in known and len(problems) < MOST_PROBLEMS
            ]
        elif message := rate_fault(rate, unit_here, f"{rate:g}"):
            problems.append(Problem(file.file, line, None, "demand", message))
        elif source != target:
            for pair in ((source, target), (target, source))[: 1 + both]:
                rates[pair] = rates.get(pair, 0.0) + rate
    refuse(problems)
    scaled = to_gbps(np.array(list(rates.values())), unit_here)
    return dict(zip(rates, scaled.tolist(), strict=True))


def _time(file: Sndlib, must: bool = True) -> datetime | None:
    """Return when a matrix begins; with *must*, refuse one that does not say."""
    name = Path(file.file).name
    stated = file.meta.get("time")
    found = TIME.search(stated if stated is not None else name)
    if found:
        try:
            return datetime.strptime(found[1] + (found[2] or "0000"), "%Y%m%d%H%M")
        except ValueError:
            found = None
    if stated is not None:
        raise refusal(file.file, f"expected YYYYMMDD-HHMM, found {shown(stated)}", key="meta.time")
    if must:
        message = "neither `time` in meta nor the name, such as NAME-YYYYMMDD-HHMM.xml, tells when"
        raise refusal(file.file, message)
    return None


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="minutes") if time else None
