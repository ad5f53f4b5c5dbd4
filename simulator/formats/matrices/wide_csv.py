"""Matrices over time in a CSV file: `time`, and a column `source>target` for every pair."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.csv_head import count_of
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.layout import is_summary, layout_of, left_out
from simulator.formats.matrices.long_table import refuse_too_many
from simulator.formats.matrices.times import read_times
from simulator.formats.matrices.wide_table import (
    WideColumns,
    WideRows,
    is_newest_first,
    recording_of_rows,
    refuse_too_wide,
    time_faults,
    wide_columns,
)
from simulator.formats.numerals import is_gap
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.sheet import CsvText, Sheet, read_csv
from simulator.formats.units import Unit, number, rate_fault, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS


@demand_format("wide_csv")
class WideCsv(DemandFormat):
    """CSV, packed or not, with a row for every instant: time, and a column a>b for every pair.

    A column states its unit as in ``a>b_mbps`` or ``a>b (Mbit/s)``. For others it is what the
    scenario gives, else what a comment at the head or the name of the file ends in, as in
    ``day_mbps.csv``, else Gbps. Rows that come newest first are turned round. Pairs may also be
    written as ``a-b``, ``a_b``, ``a:b``, ``a/b`` or ``a to b``, where both are nodes.
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
        refuse_too_wide(
            text.file,
            text.header_line,
            count_of(text.header, text.separator) + 1,
            len(network.nodes),
        )
        header = wide_columns(text.heading, network, unit)
        rows = _quick(text, header, network) or _careful(text, header, network)
        return recording_of_rows(text.file, header, rows, network, text.notes())


def _quick(text: CsvText, header: WideColumns, network: Network) -> WideRows | None:
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
    rising = bool((np.diff(times.us) > 0).all()) or is_newest_first(times.us)
    sound = sound and rising and not times.wrong
    return WideRows(times, gbps, text.decimal_note()) if sound else None


def _careful(text: CsvText, header: WideColumns, network: Network) -> WideRows:
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
    faults = [(row, header.time, message) for row, message in time_faults(words, times)]
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
    return WideRows(times, gbps, [*notes, *(each for each in found if each.severity == "warning")])


def _without_sums(sheet: Sheet, time: int) -> tuple[Sheet, list[Problem]]:
    """Return the rows that are instants, and which others are left out: `Total` and the like."""
    sums = [row for row, cells in enumerate(sheet.rows) if is_summary(cells[time])]
    notes = [
        left_out(sheet.file, sheet.lines[row], "", f"{shown(sheet.rows[row][time])} sums up rows")
        for row in sums
    ]
    return sheet.without(sums), notes
