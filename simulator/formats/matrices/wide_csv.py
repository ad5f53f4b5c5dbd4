"""Matrices over time in a CSV file: `time`, and a column `source>target` for every pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.csv_head import count_of
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.layout import is_summary, layout_of, left_out, open_unit
from simulator.formats.matrices.long_table import refuse_too_many
from simulator.formats.matrices.pair_names import is_time, misnamed, pair_named
from simulator.formats.matrices.times import Times, read_times
from simulator.formats.numerals import is_gap
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.sheet import CsvText, Sheet, read_csv, shortened
from simulator.formats.units import Unit, number, rate_fault, to_gbps
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS

MOST_OTHERS = 50
"""Columns beside those of pairs: the time, and sums."""


@demand_format("wide_csv")
class WideCsv(DemandFormat):
    """CSV, packed or not, with a row for every instant: time, and a column a>b for every pair.

    A column states its unit as in ``a>b_mbps`` or ``a>b (Mbit/s)``. For others it is what the
    scenario gives, else what a comment at the head or the name of the file ends in, as in
    ``day_mbps.csv``, else Gbps. Rows that come newest first are turned round.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = "a .csv, .csv.gz or .tsv file with time,a>b,a>c,..."

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a CSV file with pairs of nodes in its header."""
        return super().reads(path) and layout_of(path) == "wide"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates; empty cells and words such as `NaN` are gaps."""
        text = read_csv(path)
        header = _header(text, network, unit)
        rows = _quick(text, header, network) or _careful(text, header, network)
        times, gbps = rows.times, rows.gbps
        notes = [*text.notes(), *header.notes, *rows.notes]
        if times.note:
            notes.append(Problem(text.file, None, None, "time", times.note, "warning"))
        us = times.us
        if _is_newest_first(us):
            message = "rows come newest first: turned round"
            notes.append(Problem(text.file, None, None, "time", message, "warning"))
            us, gbps = us[::-1], gbps[:, ::-1]
        classes = network.class_of(header.source, header.target)
        none = np.zeros(len(header.source))
        demands = Demands(network.nodes, header.source, header.target, classes, none)
        hours, start = Times.hours_of(us), times.start_of(us)
        return Recording.of(demands, hours, gbps, start, notes=notes)


@dataclass(frozen=True, eq=False)
class _Header:
    """What the columns are: which is the time, which are pairs of nodes, and their units."""

    names: list[str]
    time: int
    pairs: list[int]
    source: np.ndarray
    target: np.ndarray
    units: list[Unit]
    notes: list[Problem]


def _header(text: CsvText, network: Network, given: Unit | None) -> _Header:
    """Return what the columns are, or raise all that is wrong with the names of them."""
    _refuse_too_wide(text, len(network.nodes))
    names = text.header_cells
    times = [place for place, name in enumerate(names) if is_time(name, place)]
    found: dict[tuple[int, int], int] = {}
    pairs, units, wrong, own = [], [], [], []
    for place, name in enumerate(names):
        if place in times[:1] or (is_summary(name) and name not in network.node_index):
            continue
        *ends, unit = pair_named(name, network)
        first = found.setdefault((ends[0], ends[1]), place) if min(ends) >= 0 else place
        if place in times:
            wrong.append(
                (place, f"a second column of times; the first is {shown(names[times[0]])}")
            )
        elif min(ends) < 0:
            wrong.append((place, misnamed(name, network)))
        elif first != place:
            again = f"a second column of this pair; the first is {shown(names[first])}"
            wrong.append((place, again))
        elif ends[0] == ends[1]:
            own.append(found.pop((ends[0], ends[1])))
        else:
            pairs.append(place)
            units.append(unit)
    _refuse_header(text, names, wrong, bool(times))
    notes = _left_out(text, names, own, {*times, *pairs, *own})
    if not pairs:
        raise refusal(text.file, "no column of a pair of two nodes", text.header_line)
    assumed = given
    if None in units:
        assumed, more = open_unit(text, given)
        notes += more
    source, target = (np.array(end, dtype=np.int64) for end in zip(*found, strict=True))
    stated = [unit or assumed or "gbps" for unit in units]
    return _Header(names, times[0], pairs, source, target, stated, notes)


def _refuse_too_wide(text: CsvText, nodes: int) -> None:
    """Raise an InputError if there are more columns than pairs, before they are looked at."""
    count = count_of(text.header, text.separator) + 1
    if count > nodes**2 + MOST_OTHERS:
        message = f"{count:,} columns, but {nodes} nodes have {nodes * (nodes - 1):,} pairs"
        raise refusal(text.file, message, text.header_line, 1)


def _refuse_header(
    text: CsvText, names: list[str], wrong: list[tuple[int, str]], timed: bool
) -> None:
    """Raise what is wrong with the names of columns, if anything."""
    line, starts = text.header_line, text.header_starts
    found = [
        Problem(text.file, line, starts[place], shortened(names[place]), why)
        for place, why in wrong[:MOST_PROBLEMS]
    ]
    if not timed:
        message = "required column is missing"
        found.insert(0, Problem(text.file, text.header_line, 1, "time", message))
    refuse(found, more=max(0, len(wrong) - MOST_PROBLEMS))


def _left_out(text: CsvText, names: list[str], own: list[int], read: set[int]) -> list[Problem]:
    """Return which columns are left out: of demands from a node to itself, and of sums."""
    notes = []
    if own:
        first = f"the first {shown(names[own[0]])}"
        many = f"{len(own)} columns of demands from a node to itself, {first}"
        notes.append(left_out(text.file, text.header_line, "", many))
    for place in sorted(set(range(len(names))) - read):
        message = "sums up other columns"
        notes.append(left_out(text.file, text.header_line, names[place], message))
    return notes


class _Rows(NamedTuple):
    """The instants, the rates (demands x instants) in Gbps, and what was assumed or left out."""

    times: Times
    gbps: np.ndarray
    notes: list[Problem]


def _quick(text: CsvText, header: _Header, network: Network) -> _Rows | None:
    """Read the rows at once; None if some are not as they should be."""
    import pyarrow as pa

    columns = {
        str(place): pa.float64() if place in set(header.pairs) else pa.string()
        for place in range(len(header.names))
    }
    table = text.table(columns)
    if table is None or not table.num_rows:
        return None
    refuse_too_many(text.file, len(header.pairs), "pairs", table.num_rows)
    gbps = np.empty((len(header.pairs), table.num_rows))
    for row, (place, unit) in enumerate(zip(header.pairs, header.units, strict=True)):
        column = table.column(place)
        rates = column.to_numpy()
        if np.isnan(rates).sum() > column.null_count:
            return None
        gbps[row] = to_gbps(rates, unit) + 0.0  # no zero with a minus sign
    with np.errstate(invalid="ignore"):
        sound = not (gbps < 0).any() and not (gbps > MOST_GBPS).any()
    times = read_times(table.column(header.time).to_pylist(), network.about.utc_offset_h)
    rising = bool((np.diff(times.us) > 0).all()) or _is_newest_first(times.us)
    sound = sound and rising and not times.wrong
    return _Rows(times, gbps, text.decimal_note()) if sound else None


def _is_newest_first(us: np.ndarray) -> bool:
    return len(us) > 1 and bool((np.diff(us) < 0).all())


def _careful(text: CsvText, header: _Header, network: Network) -> _Rows:
    """Read the rows one by one, or raise all that is wrong with them."""
    whole, problems = text.sheet(header.names)
    sheet, notes = _without_sums(whole, header.time)
    if not sheet.rows and not problems:
        raise refusal(text.file, "no matrices below the header")
    refuse_too_many(text.file, len(header.pairs), "pairs", len(sheet.rows))
    as_written = sheet.rows
    sheet, found = sheet.with_plain_numbers([header.names[place] for place in header.pairs])
    problems += [each for each in found if each.severity == "error"]
    doubtful = {(each.line, each.column) for each in problems}
    words = [row[header.time] for row in sheet.rows]
    times = read_times(words, network.about.utc_offset_h)
    gbps = np.full((len(header.pairs), len(sheet.rows)), np.nan)
    faults = [(row, header.time, message) for row, message in _time_faults(words, times)]
    for row, cells in enumerate(sheet.rows):
        for pair, (place, unit) in enumerate(zip(header.pairs, header.units, strict=True)):
            if not is_gap(cells[place]):
                rate = number(cells[place])
                gbps[pair, row] = np.nan if rate is None else rate
                if message := rate_fault(rate, unit, shown(as_written[row][place])):
                    faults.append((row, place, message))
    first = sorted(faults)[:MOST_PROBLEMS]
    more = [sheet.problem(row, header.names[place], message) for row, place, message in first]
    problems += [each for each in more if (each.line, each.column) not in doubtful]
    refuse(problems, more=len(faults) - len(first))
    for pair, unit in enumerate(header.units):
        gbps[pair] = to_gbps(gbps[pair], unit) + 0.0
    return _Rows(times, gbps, [*notes, *(each for each in found if each.severity == "warning")])


def _without_sums(sheet: Sheet, time: int) -> tuple[Sheet, list[Problem]]:
    """Return the rows that are instants, and which others are left out: `Total` and the like."""
    sums = [row for row, cells in enumerate(sheet.rows) if is_summary(cells[time])]
    notes = [
        left_out(sheet.file, sheet.lines[row], "", f"{shown(sheet.rows[row][time])} sums up rows")
        for row in sums
    ]
    return sheet.without(sums), notes


def _time_faults(words: list[str], times: Times) -> Iterator[tuple[int, str]]:
    """Yield the rows whose time cannot be read, or does not come after the one above."""
    yield from times.wrong.items()
    if not times.wrong and _is_newest_first(times.us):
        return
    last = -1
    for row in range(len(words)):
        if row in times.wrong:
            continue
        if last >= 0 and times.us[row] <= times.us[last]:
            above = f"is not after the time above, {shown(words[last])}"
            hint = times.clock_hint(times.us[row])
            yield row, f"{shown(words[row])} {above}{hint}"
        last = row
