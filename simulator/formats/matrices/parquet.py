"""A list of demands in a Parquet file, with the columns of the long CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import Problem, refusal
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.demands import table_of
from simulator.formats.matrices.layout import Rates, long_columns, no_unit, unit_of_file
from simulator.formats.matrices.parquet_file import (
    NUMBERS,
    SUFFIXES,
    TEXTS,
    TIMES,
    Schema,
    as_schema,
    as_words,
    index_note,
    layout_in,
    table_in,
    unreadable,
    wrong_type,
)
from simulator.formats.reading import refuse
from simulator.formats.units import Unit
from simulator.model.network import Network
from simulator.model.recording import Recording

TEXT = ("source", "target", "class")


@demand_format("parquet")
class Parquet(DemandFormat):
    """Parquet with a row for every rate: source, target, gbps; time, class."""

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    readable: ClassVar[str] = "a .parquet or .pq file with source,target,gbps and optional time"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is Parquet whose columns are neither pairs nor nodes."""
        return super().reads(path) and layout_in(path) == "long"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates, gaps where a pair or a rate is missing at an instant."""
        file = str(path)
        rows, rate, notes = _columns(path)
        if rate.unit is None:
            stated = unit or unit_of_file(path.name)
            rate = rate._replace(unit=stated or "gbps")
            notes += [] if stated else [no_unit(file, rate.column)]
        table = table_of(file, rows, rate, network)
        if not len(table.rates):
            raise refusal(path, "no demands in this file")
        table.check(
            lambda row, column, message: Problem(
                file, None, None, column, f"row {row + 1:,}: {message}"
            ),
            lambda row: f"in row {row + 1:,}",
        )
        return table.recording(notes)


def _columns(path: Path) -> tuple[Any, Rates, list[Problem]]:
    """Return the file as an Arrow table of dictionaries of words and rates as floats."""
    import pyarrow as pa

    (schema, names, rate), table = table_in(
        path,
        lambda found: _check(path, as_schema(found)),
        lambda checked: [
            was for was, name in zip(checked[0].given, checked[1], strict=True) if name in TEXT
        ],
    )
    try:
        columns = {
            name: table[was].cast(pa.float64()) if name == rate.column else as_words(table[was])
            for was, name in zip(schema.given, names, strict=True)
            if name
        }
    except pa.ArrowException as error:
        raise unreadable(path, error) from None
    return pa.table(columns), rate, index_note(str(path), schema)


def _check(path: Path, schema: Schema) -> tuple[Schema, list[str], Rates]:
    """Refuse columns of other names or types."""
    there = [place for place, name in enumerate(schema.names) if name]
    found, rate, columns = long_columns([schema.names[place] for place in there])
    problems = [
        Problem(str(path), None, None, name, message)
        for _, name, message in columns.problems(found)
    ]
    wrong = {each.key for each in problems}
    names = [""] * len(schema.names)
    for place, name in zip(there, found, strict=True):
        names[place] = name
        wanted = TEXTS if name in TEXT else NUMBERS if name == rate.column else TIMES
        if name not in wrong:
            problems += wrong_type(path, name, wanted, schema.types[place])
    refuse(problems)
    return schema, names, rate
