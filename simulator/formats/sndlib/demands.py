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
from simulator.formats.sndlib.model import Sndlib
from simulator.formats.sndlib.native import is_native, read_native
from simulator.formats.sndlib.xml import SndlibXml, read_xml
from simulator.formats.units import Unit, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording

Pair = tuple[str, str]
TIME = re.compile(r"(?<!\d)(\d{8})(?:-?(\d{4}))?(?!\d)")


@demand_format("sndlib")
class SndlibDemands(DemandFormat):
    """SNDlib demands: a network file, or a folder of matrices over time.

    The rate of a demand is routing unit times value, in the unit of the file, else in what the
    scenario gives, else in Mbps. Demands of one pair add up. A demand in
    the UNDIRECTED model is the rate in the direction listed, a BIDIRECTED one is asked for both
    ways. What stays at its node (SNDlib's matrices hold such) is left out.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xml",)
    readable: ClassVar[str] = "a .xml or .txt file of SNDlib, or a folder of such matrices"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is XML, begins like SNDlib's native files, or holds matrices."""
        if path.is_dir():
            return next(_matrices(path), None) is not None
        return SndlibXml().reads(path) or is_native(path)

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrices; those of a folder by the time in `meta`, else in their name."""
        if not path.is_dir():
            file = _read(path)
            matrix = _matrix(file, network, unit)
            if not matrix:
                raise refusal(path, "no demands in this file")
            rates = np.array(list(matrix.values()))[:, None]
            time = _time(file, must=False)
            return recording_of(network, list(matrix), rates, start=_iso(time))
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
    return recording_of(network, list(row), gbps, hours, _iso(begin))


def _matrices(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.xml")
    yield from (each for each in folder.glob("*.txt") if is_native(each))


def _read(path: Path) -> Sndlib:
    return read_native(path) if is_native(path) else read_xml(path)


def _same_times(instants: Sequence[_Instant]) -> Iterator[Problem]:
    for before, after in zip(instants, instants[1:], strict=False):
        if before.time == after.time:
            message = f"a second matrix of {_iso(after.time)}; the first is in {before.file}"
            yield Problem(after.file, None, None, "", message)


def _matrix(file: Sndlib, network: Network, unit: Unit | None) -> dict[Pair, float]:
    """Return the rate of every pair in Gbps; *unit* is that of a file without one."""
    both = file.model("demand") == "BIDIRECTED"
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
        elif source != target:
            for pair in ((source, target), (target, source))[: 1 + both]:
                rates[pair] = rates.get(pair, 0.0) + rate
    refuse(problems)
    unit_here = file.unit if unit is None or "unit" in file.meta else unit
    scaled = to_gbps(np.array(list(rates.values())), unit_here)
    if not np.isfinite(scaled).all():
        raise refusal(file.file, "a rate is too large to be a number")
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
