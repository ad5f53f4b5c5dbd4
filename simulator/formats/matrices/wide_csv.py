"""Matrices over time in a CSV file: `time`, and a column `source>target` for every pair."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.formats.matrices.demand_format import UNITS, Unit, demand_format, to_gbps
from simulator.formats.matrices.demand_text import (
    MOST_CELLS,
    MOST_PROBLEMS,
    Text,
    Times,
    failure,
    first_of,
    parsed,
    read_text,
    read_times,
)
from simulator.formats.matrices.demands import SUFFIXES, names_pairs
from simulator.formats.tables.sheet import cell_starts, number, split_line
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording


@demand_format("wide_csv")
class WideCsv:
    """CSV, packed or not, with a row for every instant: time, and a column a>b for every pair.

    Attributes
    ----------
    unit : str, optional
        Of columns that state none, as ``a>b_mbps`` does; when left out, what the file's name ends
        in, as ``day_mbps.csv``, or gbps.
    """

    unit: Unit | None = None

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    readable: ClassVar[str] = "a .csv or .csv.gz file with time,a>b,a>c,..."

    def reads(self, path: Path) -> bool:
        """Say whether *path* is a CSV file that names pairs of nodes in its header."""
        return path.is_file() and path.name.lower().endswith(SUFFIXES) and names_pairs(path)

    def read(self, path: Path, network: Network) -> Recording:
        """Return the rates; empty cells are gaps."""
        text = read_text(path)
        header = _header(text, network, self.unit or _unit_of(path.name))
        rows = _quick(text, header)
        words, gbps = rows if rows is not None else _careful(text, header)
        times = read_times(words)
        us = times.us
        demands = Demands(
            network.nodes,
            header.source,
            header.target,
            network.class_of(header.source, header.target),
            np.zeros(len(header.source)),
        )
        return Recording.of(demands, Times.hours_of(us), gbps, times.start_of(us))


@dataclass(frozen=True, eq=False)
class _Header:
    """What the columns are.

    Attributes
    ----------
    names : list of str
    time : int
        Which column is the time.
    pairs : list of int
        Which columns are pairs of nodes.
    source, target : ndarray of int, shape (pairs,)
    units : list of str
        Of each pair.
    """

    names: list[str]
    time: int
    pairs: list[int]
    source: np.ndarray
    target: np.ndarray
    units: list[str]


def _header(text: Text, network: Network, unit: str) -> _Header:
    """Return what the columns are, or raise all that is wrong with the names of them."""
    count = text.header.count(",") + 1
    nodes = len(network.nodes)
    if count > nodes**2 + 1:
        message = f"{count:,} columns, but {nodes} nodes have {nodes * (nodes - 1):,} pairs"
        raise InputError([Problem(text.file, text.header_line, 1, "", message)])
    try:
        names = split_line(text.header)
    except csv.Error as error:
        message = f"not valid CSV: {error}"
        raise InputError([Problem(text.file, text.header_line, 1, "", message)]) from None
    found: dict[tuple[int, int], int] = {}
    pairs, units, wrong = [], [], []
    for place, name in enumerate(names):
        if name == "time":
            if names.index(name) < place:
                wrong.append((place, "a second column of this name"))
            continue
        *ends, stated = _pair(name, network)
        first = found.setdefault((ends[0], ends[1]), place) if min(ends) >= 0 else place
        if min(ends) < 0 or ends[0] == ends[1]:
            wrong.append((place, ""))
        elif first != place:
            wrong.append(
                (place, f"a second column of this pair; the first is {shown(names[first])}")
            )
        pairs.append(place)
        units.append(stated or unit)
    if wrong or "time" not in names:
        raise InputError(_header_problems(text, names, wrong, network))
    source, target = (np.array(end, dtype=np.int64) for end in zip(*found, strict=True))
    return _Header(names, names.index("time"), pairs, source, target, units)


def _header_problems(
    text: Text, names: list[str], wrong: list[tuple[int, str]], network: Network
) -> list[Problem]:
    starts = cell_starts(text.header)
    told = [
        Problem(text.file, text.header_line, starts[place], _key(names[place]), message or
                _complaint(names[place], network))
        for place, message in wrong[:MOST_PROBLEMS]
    ]  # fmt: skip
    if "time" not in names:
        message = "required column is missing"
        told.insert(0, Problem(text.file, text.header_line, 1, "time", message))
    return first_of(told, max(0, len(wrong) - MOST_PROBLEMS))


def _key(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"


def _pair(name: str, network: Network) -> tuple[int, int, str]:
    """Return both ends of a column and its unit, if it states one; -1 for what is not known."""
    index = network.node_index
    plain, _, last = name.rpartition("_")
    readings = [(name, "")] + ([(plain, last)] if last in UNITS else [])
    best = (-1, -1, "")
    for pair, unit in readings:  # a node may be called x_mbps
        parts = pair.split(">")
        for at in range(1, min(len(parts), 10)):  # and may have a > in its name
            source, target = ">".join(parts[:at]).strip(), ">".join(parts[at:]).strip()
            ends = index.get(source, -1), index.get(target, -1)
            if min(ends) >= 0:
                return *ends, unit
            best = max(best, (*ends, unit), key=lambda each: max(each[:2]))
    return best


def _complaint(name: str, network: Network) -> str:
    """Say what is wrong with the name of a column."""
    parts = name.split(">")
    if len(parts) < 2:
        return f"expected 'time' or a pair of nodes such as 'a>b', found {shown(name)}"
    source, _, target = name.partition(">")
    plain, _, last = target.rpartition("_")
    if last in UNITS and target not in network.node_index:
        target = plain
    for end in (source.strip(), target.strip()):
        if end not in network.node_index:
            return f"no node named {shown(end)}{did_you_mean(end, network.nodes)}"
    return f"a demand from {shown(source)} to itself"


def _unit_of(name: str) -> str:
    """Return the unit that a file's name ends in, as in ``day_mbps.csv.gz``, or gbps."""
    stem = name.lower().removesuffix(".gz").removesuffix(".csv")
    last = stem.replace(".", "_").rpartition("_")[2]
    return last if last in UNITS else "gbps"


Rows = tuple[list[str], np.ndarray]
"""The words in the column of times, and the rates (demands x instants) in Gbps."""


def _quick(text: Text, header: _Header) -> Rows | None:
    """Read the rows at once; None if some are not as they should be."""
    import pyarrow as pa

    columns = {
        str(place): pa.string() if place == header.time else pa.float64()
        for place in range(len(header.names))
    }
    table = parsed(text, columns)
    if table is None:
        return None
    _refuse_too_many(text, len(header.pairs), table.num_rows)
    gbps = np.empty((len(header.pairs), table.num_rows))
    for row, (place, unit) in enumerate(zip(header.pairs, header.units, strict=True)):
        column = table.column(place)
        rates = column.to_numpy()
        if np.isnan(rates).sum() > column.null_count:
            return None
        gbps[row] = to_gbps(rates, unit) + 0.0  # no zero with a minus sign
    words = table.column(header.time).to_pylist()
    with np.errstate(invalid="ignore"):
        sound = not (gbps < 0).any() and not np.isinf(gbps).any()
    times = read_times(words)
    return (words, gbps) if sound and not times.wrong and (np.diff(times.us) > 0).all() else None


def _careful(text: Text, header: _Header) -> Rows:
    """Read the rows one by one, or raise all that is wrong with them."""
    lines = text.lines()
    problems: list[Problem] = []
    rows: list[tuple[int, list[str]]] = []
    for at, line in enumerate(lines[text.header_line :], text.header_line + 1):
        if line.strip():
            try:
                cells = split_line(line)
            except csv.Error as error:
                problems.append(Problem(text.file, at, 1, "", f"not valid CSV: {error}"))
                continue
            if len(cells) == len(header.names):
                rows.append((at, cells))
                continue
            message = (
                f"{len(cells)} cells in this row, but {len(header.names)} columns in the header"
            )
            problems.append(Problem(text.file, at, 1, "", message))
    if not rows and not problems:
        raise failure(text.file, "no matrices below the header")
    _refuse_too_many(text, len(header.pairs), len(rows))
    words = [cells[header.time] for _, cells in rows]
    gbps = np.full((len(header.pairs), len(rows)), np.nan)
    faults = [(row, header.time, message) for row, message in _time_faults(words)]
    for row, (_, cells) in enumerate(rows):
        for pair, place in enumerate(header.pairs):
            if cells[place]:
                rate = number(cells[place])
                gbps[pair, row] = np.nan if rate is None else rate
                if rate is None or rate < 0:
                    found = shown(cells[place])
                    message = f"expected a finite number of at least 0, found {found}"
                    faults.append((row, place, message))
    more = max(0, len(problems) - MOST_PROBLEMS) + max(0, len(faults) - MOST_PROBLEMS)
    told = problems[:MOST_PROBLEMS]
    for row, place, message in sorted(faults)[:MOST_PROBLEMS]:
        at = rows[row][0]
        start = cell_starts(lines[at - 1])[place]
        told.append(Problem(text.file, at, start, _key(header.names[place]), message))
    if told:
        raise InputError(first_of(told, more))
    for pair, unit in enumerate(header.units):
        gbps[pair] = to_gbps(gbps[pair], unit) + 0.0
    if np.isinf(gbps).any():
        raise failure(text.file, "a rate is too large to be a number of Gbps")
    return words, gbps


def _time_faults(words: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the rows whose time cannot be read, or does not come after the one above."""
    times = read_times(words)
    yield from times.wrong.items()
    last = -1
    for row in range(len(words)):
        if row in times.wrong:
            continue
        if last >= 0 and times.us[row] <= times.us[last]:
            yield row, f"{shown(words[row])} is not after the time above, {shown(words[last])}"
        last = row


def _refuse_too_many(text: Text, pairs: int, instants: int) -> None:
    if pairs * instants > MOST_CELLS:
        raise failure(
            text.file,
            f"{pairs:,} pairs at {instants:,} instants make {pairs * instants:,} rates;"
            f" at most {MOST_CELLS:,} can be read",
        )
