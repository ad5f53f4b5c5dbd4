"""A list of demands in a CSV file: `source,target,gbps`, and optionally `time` and `class`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.csv_head import count_of
from simulator.formats.format import write_csv
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.layout import Rates, layout_of, long_columns, open_unit
from simulator.formats.matrices.long_table import Column, LongTable
from simulator.formats.numerals import is_gap
from simulator.formats.reading import listed
from simulator.formats.sheet import CsvText, read_csv
from simulator.formats.units import Unit, number
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording

MOST_COLUMNS, MOST_CHARACTERS = 100, 10_000


@demand_format("long_csv")
class LongCsv(DemandFormat):
    """CSV, packed or not, with a row for every rate: source, target, gbps; time, class.

    Columns are also found as ``src`` and ``dst``, ``from`` and ``to``, ``timestamp``, in any
    letters. The column of rates states its unit as in ``mbps``, ``rate (Mbit/s)`` or
    ``traffic_gbps``. One called ``demand``, ``rate``, ``traffic`` and the like states none: it is
    what the scenario gives, else what a comment or the name of the file ends in, else Gbps.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = (
        "a .csv, .csv.gz or .tsv file with source,target,gbps and optional time"
    )

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a CSV file whose header has neither pairs nor all nodes."""
        return super().reads(path) and layout_of(path) == "long"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates, gaps where a pair or a cell is missing at an instant."""
        text = read_csv(path)
        names, rate = _header(text)
        notes = text.notes()
        if rate.unit is None:
            stated, assumed = open_unit(text.heading, unit)
            rate, notes = rate._replace(unit=stated), [*notes, *assumed]
        table = _quick(text, names, rate, network)
        if table is not None and len(table.rates) and not table.faults()[1]:
            return table.recording([*notes, *text.decimal_note()])
        if table is not None and text.is_long:
            _check_long(text, table)
        table, found = _careful(text, names, rate, network)
        if not len(table.rates):
            raise refusal(path, "no demands below the header")
        return table.recording([*notes, *found])


def write_demands(demands: Demands, path: str | Path) -> None:
    """Write *demands* to a CSV file, whole or not at all; reading it gives the same again.

    Raises
    ------
    ValueError
        The demands have services, which the file has no column for.
    """
    if demands.service is not None:
        raise ValueError("a file of demands has no services: write the matrix before it is parted")
    ends = ([demands.nodes[end] for end in column] for column in (demands.source, demands.target))
    rows = zip(*ends, demands.traffic_class, demands.gbps.tolist(), strict=True)
    write_csv(Path(path), [("source", "target", "class", "gbps"), *rows])


def write_recording(recording: Recording, path: str | Path) -> None:
    """Write *recording* to a CSV file, whole or not at all; reading it gives the same again.

    A row for every rate, gaps as empty cells; times as local dates if it has dates, else seconds.
    """
    demands = recording.demands
    ends = [(demands.nodes[s], demands.nodes[t])
            for s, t in zip(demands.source, demands.target, strict=True)]  # fmt: skip
    rows = (
        (time, *pair, "" if rate != rate else rate)
        for time, gbps in zip(recording.times(), recording.gbps.T.tolist(), strict=True)
        for pair, rate in zip(ends, gbps, strict=True)
    )
    write_csv(Path(path), chain([("time", "source", "target", "gbps")], rows))


def _header(text: CsvText) -> tuple[list[str], Rates]:
    """Return what the columns are, and which holds the rates."""
    count = count_of(text.header, text.separator) + 1
    if count > MOST_COLUMNS or len(text.header) > MOST_CHARACTERS:
        found = f"a header of {count:,} columns and {len(text.header):,} characters"
        wanted = "source,target,gbps and optionally class and time, or time and pairs such as a>b"
        raise refusal(text.file, f"{found}; expected {wanted}")
    names, rate, columns = long_columns(text.header_cells)
    if "time" in names and not {"source", "target"} & set(names):
        others = listed(shown(name) for name in names if name != "time")
        message = f"neither source and target nor pairs such as 'a>b' beside the time: {others}"
        raise refusal(text.file, message, text.header_line, 1)
    text.check(names, columns)
    return names, rate


def _quick(text: CsvText, names: list[str], rate: Rates, network: Network) -> LongTable | None:
    """Read the rows at once; None if some are not as they should be."""
    import pyarrow as pa

    words = pa.dictionary(pa.int32(), pa.string())
    rows = text.table({name: pa.float64() if name == rate.column else words for name in names})
    if rows is None:
        return None
    return table_of(text.file, rows, rate, network, text.line_reader(rows.num_rows))


def table_of(
    file: str,
    rows: object,
    rate: Rates,
    network: Network,
    line: Callable[[int], int | None] = lambda row: None,
) -> LongTable:
    """Return an Arrow table, whose words are dictionaries and whose rates are floats, checked."""
    whole = rows.unify_dictionaries().combine_chunks()  # type: ignore[attr-defined]
    text = {}
    for name in whole.column_names:
        if name != rate.column:
            column = whole[name].combine_chunks()
            column = column.chunk(0) if hasattr(column, "chunk") else column
            codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            found = column.dictionary.to_pylist()
            if (codes < 0).any():  # nothing stands there
                codes = np.where(codes < 0, len(found), codes)
                found.append("")
            text[name] = Column([word or "" for word in found], codes)
    values = whole[rate.column].to_numpy()
    empty = np.isnan(values)
    return LongTable(
        file=file,
        network=network,
        text=text,
        rates=values,
        empty=empty,
        rate=rate,
        order=tuple(whole.column_names),
        shown_rate=lambda row: "nothing" if empty[row] else shown(float(values[row])),
        line=line,
    )


def _check_long(text: CsvText, table: LongTable) -> None:
    """Raise what is wrong with rows that are too many to be read one by one, as far as read."""

    def point(row: int, column: str, message: str) -> Problem:
        line = table.line(row)
        where = "" if line else f"row {row + 1:,}: "
        return Problem(text.file, line, None, column, where + message)

    table.check(point, lambda row: f"in row {row + 1:,}")


def _careful(
    text: CsvText, names: list[str], rate: Rates, network: Network
) -> tuple[LongTable, list[Problem]]:
    """Read the rows one by one; raise all that is wrong with them, or return what was assumed."""
    sheet, problems = text.sheet(names)
    as_written = sheet.cells(rate.column)
    sheet, found = sheet.with_plain_numbers([rate.column])
    problems += [each for each in found if each.severity == "error"]
    cells = sheet.cells(rate.column)
    doubtful = {each.line for each in problems}
    numbers = [
        0.0 if line in doubtful else number(cell)  # reported already
        for line, cell in zip(sheet.lines, cells, strict=True)
    ]
    table = LongTable(
        file=text.file,
        network=network,
        text={name: Column.of(sheet.cells(name)) for name in names if name != rate.column},
        rates=np.array([np.nan if value is None else value for value in numbers], dtype=float),
        empty=np.array([is_gap(cell) for cell in cells], dtype=bool),
        rate=rate,
        order=tuple(names),
        shown_rate=lambda row: shown(as_written[row]),
        line=lambda row: sheet.lines[row],
    )
    table.check(sheet.problem, lambda row: f"on line {sheet.lines[row]}", problems)
    return table, [each for each in found if each.severity == "warning"]
