"""Matrices over time in a CSV file: `time`, and a column `source>target` for every pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.demands import names_pairs
from simulator.formats.matrices.long_table import refuse_too_many
from simulator.formats.matrices.times import Times, read_times
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.sheet import CsvText, cell_starts, read_csv, shortened
from simulator.formats.units import UNITS, Unit, number, to_gbps
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording


@demand_format("wide_csv")
class WideCsv(DemandFormat):
    """CSV, packed or not, with a row for every instant: time, and a column a>b for every pair.

    A column states its unit as in ``a>b_mbps``. For others it is what the scenario gives, else
    what the name of the file ends in, as in ``day_mbps.csv``, else Gbps.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = "a .csv or .csv.gz file with time,a>b,a>c,..."

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a CSV file with pairs of nodes in its header."""
        return super().reads(path) and names_pairs(path)

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates; empty cells are gaps."""
        text = read_csv(path)
        header = _header(text, network, unit or _unit_of(path.name))
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
    """What the columns are: which is the time, which are pairs of nodes, and their units."""

    names: list[str]
    time: int
    pairs: list[int]
    source: np.ndarray
    target: np.ndarray
    units: list[str]


def _header(text: CsvText, network: Network, unit: str) -> _Header:
    """Return what the columns are, or raise all that is wrong with the names of them."""
    count = text.header.count(",") + 1
    nodes = len(network.nodes)
    if count > nodes**2 + 1:
        message = f"{count:,} columns, but {nodes} nodes have {nodes * (nodes - 1):,} pairs"
        raise refusal(text.file, message, text.header_line, 1)
    names = text.header_cells
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
    _refuse_header(text, names, wrong, network)
    source, target = (np.array(end, dtype=np.int64) for end in zip(*found, strict=True))
    return _Header(names, names.index("time"), pairs, source, target, units)


def _refuse_header(
    text: CsvText, names: list[str], wrong: list[tuple[int, str]], network: Network
) -> None:
    """Raise what is wrong with the names of columns, if anything."""
    starts = cell_starts(text.header) if wrong else []
    found = [
        Problem(text.file, text.header_line, starts[place], shortened(names[place]), message or
                _misnamed(names[place], network))
        for place, message in wrong[:MOST_PROBLEMS]
    ]  # fmt: skip
    if "time" not in names:
        message = "required column is missing"
        found.insert(0, Problem(text.file, text.header_line, 1, "time", message))
    refuse(found, more=max(0, len(wrong) - MOST_PROBLEMS))


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


def _misnamed(name: str, network: Network) -> str:
    """Return what is wrong with the name of a column."""
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


def _quick(text: CsvText, header: _Header) -> Rows | None:
    """Read the rows at once; None if some are not as they should be."""
    import pyarrow as pa

    columns = {
        str(place): pa.string() if place == header.time else pa.float64()
        for place in range(len(header.names))
    }
    table = text.table(columns)
    if table is None:
        return None
    refuse_too_many(text.file, len(header.pairs), "pairs", table.num_rows)
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


def _careful(text: CsvText, header: _Header) -> Rows:
    """Read the rows one by one, or raise all that is wrong with them."""
    sheet, problems = text.sheet(header.names)
    if not sheet.rows and not problems:
        raise refusal(text.file, "no matrices below the header")
    refuse_too_many(text.file, len(header.pairs), "pairs", len(sheet.rows))
    words = sheet.cells("time")
    gbps = np.full((len(header.pairs), len(sheet.rows)), np.nan)
    faults = [(row, header.time, message) for row, message in _time_faults(words)]
    for row, cells in enumerate(sheet.rows):
        for pair, place in enumerate(header.pairs):
            if cells[place]:
                rate = number(cells[place])
                gbps[pair, row] = np.nan if rate is None else rate
                if rate is None or rate < 0:
                    found = shown(cells[place])
                    message = f"expected a finite number of at least 0, found {found}"
                    faults.append((row, place, message))
    first = sorted(faults)[:MOST_PROBLEMS]
    problems += [sheet.problem(row, header.names[place], message) for row, place, message in first]
    refuse(problems, more=len(faults) - len(first))
    for pair, unit in enumerate(header.units):
        gbps[pair] = to_gbps(gbps[pair], unit) + 0.0
    if np.isinf(gbps).any():
        raise refusal(text.file, "a rate is too large to be a number of Gbps")
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
