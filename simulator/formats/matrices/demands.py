"""A list of demands in a CSV file: `source,target,gbps`, and optionally `time` and `class`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import refusal
from simulator.formats.format import write_csv
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.long_table import Column, LongTable
from simulator.formats.sheet import Columns, CsvText, header_of, read_csv
from simulator.formats.units import UNITS, Unit, number
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.recording import Recording

WITHOUT_UNIT = ("demand", "rate")
MOST_COLUMNS, MOST_CHARACTERS = 100, 10_000


@demand_format("long_csv")
class LongCsv(DemandFormat):
    """CSV, packed or not, with a row for every rate: source, target, gbps; time, class.

    A column ``demand`` or ``rate`` in place of ``gbps`` states no unit: Gbps, unless the scenario
    gives another.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    packed: ClassVar[bool] = True
    readable: ClassVar[str] = "a .csv or .csv.gz file with source,target,gbps and optional time"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a CSV file without pairs of nodes in its header."""
        return super().reads(path) and not names_pairs(path)

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates, gaps where a pair or a cell is missing at an instant."""
        text = read_csv(path)
        names = _header(text, unit or "gbps")
        table = _quick(text, names, network)
        if table is None or table.faults()[1]:
            table = _careful(text, names, network)
        if not len(table.rates):
            raise refusal(path, "no demands below the header")
        return table.recording()


def names_pairs(path: Path) -> bool:
    """Return whether the header of a CSV file names pairs of nodes, ``source>target``."""
    return ">" in header_of(path)


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


def _header(text: CsvText, unstated: Unit) -> list[str]:
    """Return the names in the header; a column that states no unit is called *unstated*."""
    if (count := text.header.count(",") + 1) > MOST_COLUMNS or len(text.header) > MOST_CHARACTERS:
        found = f"a header of {count:,} columns and {len(text.header):,} characters"
        wanted = "source,target,gbps and optionally class and time, or time and pairs such as a>b"
        raise refusal(text.file, f"{found}; expected {wanted}")
    columns = long_columns([cell.strip() for cell in text.header.split(",")], *WITHOUT_UNIT)
    return [unstated if name in WITHOUT_UNIT else name for name in text.names(columns)]


def long_columns(names: Sequence[str], *others: str) -> Columns:
    """Return the columns of a long table whose header has these names.

    Rates stand in a column named for its unit, or by one of *others*.
    """
    units = [unit for unit in (*UNITS, *others) if unit in names] or ["gbps"]
    return Columns(
        required=("source", "target", units[0]),
        optional=("class", "time"),
        refused=dict.fromkeys(units[1:], f"the rates stand in {units[0]} already"),
    )


def _quick(text: CsvText, names: list[str], network: Network) -> LongTable | None:
    """Read the rows at once; None if some are not as they should be."""
    import pyarrow as pa

    words = pa.dictionary(pa.int32(), pa.string())
    rows = text.table({name: pa.float64() if name in UNITS else words for name in names})
    return None if rows is None else table_of(text.file, rows, network)


def table_of(file: str, rows: object, network: Network) -> LongTable:
    """Return an Arrow table, whose words are dictionaries and whose rates are floats, checked."""
    whole = rows.unify_dictionaries().combine_chunks()  # type: ignore[attr-defined]
    (unit,) = [name for name in whole.column_names if name in UNITS]
    text = {}
    for name in whole.column_names:
        if name != unit:
            column = whole[name].combine_chunks()
            column = column.chunk(0) if hasattr(column, "chunk") else column
            codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            found = column.dictionary.to_pylist()
            if (codes < 0).any():  # nothing stands there
                codes = np.where(codes < 0, len(found), codes)
                found.append("")
            text[name] = Column([word or "" for word in found], codes)
    rates = whole[unit]
    empty = rates.is_null().to_numpy()
    values = rates.to_numpy()
    return LongTable(
        file=file,
        network=network,
        text=text,
        rates=values,
        empty=empty,
        unit=unit,
        order=tuple(whole.column_names),
        shown_rate=lambda row: "nothing" if empty[row] else shown(float(values[row])),
    )


def _careful(text: CsvText, names: list[str], network: Network) -> LongTable:
    """Read the rows one by one, or raise all that is wrong with them."""
    sheet, problems = text.sheet(names)
    (unit,) = [name for name in names if name in UNITS]
    cells = sheet.cells(unit)
    numbers = [number(cell) for cell in cells]
    table = LongTable(
        file=text.file,
        network=network,
        text={name: Column.of(sheet.cells(name)) for name in names if name != unit},
        rates=np.array([np.nan if rate is None else rate for rate in numbers], dtype=float),
        empty=np.array([not cell for cell in cells], dtype=bool),
        unit=unit,
        order=tuple(names),
        shown_rate=lambda row: shown(cells[row]),
    )
    table.check(sheet.problem, lambda row: f"on line {sheet.lines[row]}", problems)
    return table
