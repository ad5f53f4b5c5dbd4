"""Square matrices in a Parquet file: a row for every source, a column for every target."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.formats.columns import shortened
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.layout import (
    Rates,
    is_summary,
    is_time,
    left_out,
    no_unit,
    unit_of_file,
)
from simulator.formats.matrices.long_table import Column, LongTable, refuse_too_many
from simulator.formats.matrices.parquet_file import (
    SUFFIXES,
    TEXTS,
    TIMES,
    Schema,
    as_schema,
    as_words,
    layout_in,
    source_in,
    table_in,
    unreadable,
    wrong_type,
)
from simulator.formats.matrices.wide_table import refuse_too_wide
from simulator.formats.reading import refuse
from simulator.formats.unit_words import split_unit
from simulator.formats.units import Unit, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording


@demand_format("square_parquet")
class SquareParquet(DemandFormat):
    """Parquet with a matrix, or one for every instant: sources, and a column for every target.

    One column holds the sources, and one may hold the time; both may be the index of a pandas
    table. The other columns are called as nodes are, and may state their unit. The diagonal,
    traffic that stays at its node, is left out, and so are empty cells of a single matrix.
    """

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    readable: ClassVar[str] = "a .parquet or .pq file with a column of nodes, and one for each node"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is Parquet with one column of text beside numbers."""
        return super().reads(path) and layout_in(path) == "square"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the matrices, gaps where a rate is missing at an instant."""
        checked, table = table_in(
            path,
            lambda found: _check(path, as_schema(found), network),
            lambda made: [made.given[made.source]],
        )
        if not table.num_rows:
            raise refusal(path, "no demands in this file")
        open_ = None in checked.units
        assumed = unit or unit_of_file(path.name)
        notes = [*checked.notes, *([no_unit(str(path))] if open_ and not assumed else [])]
        long, point = _long(path, checked, table, assumed or "gbps", network)
        long.check(point, lambda row: f"in row {row // len(checked.targets) + 1:,}")
        return long.recording(notes)


class _Checked(NamedTuple):
    """What the columns are: places of the sources, the time and the targets, and units."""

    given: list[str]
    source: int
    time: int | None
    targets: list[int]
    nodes: list[str]
    units: list[Unit | None]
    notes: list[Problem]


def _check(path: Path, schema: Schema, network: Network) -> _Checked:
    """Return what the columns are; raise what is wrong with their names and types."""
    source = source_in(schema)
    assert source is not None
    refuse_too_wide(str(path), None, len(schema.names), len(network.nodes))
    time = next((i for i, name in enumerate(schema.names) if name and is_time(name, i)), None)
    made = _Checked(schema.given, source, time, [], [], [], [])
    problems = wrong_type(path, schema.given[source], TEXTS, schema.types[source])
    if time is not None:
        problems += wrong_type(path, schema.given[time], TIMES, schema.types[time])
    for place, name in enumerate(schema.names):
        if place in (source, time) or not name:
            continue
        node, unit = (name, None) if name in network.node_index else split_unit(name)
        if node in network.node_index:
            made.targets.append(place)
            made.nodes.append(node)
            made.units.append(unit)
        elif is_summary(name):
            made.notes.append(left_out(str(path), None, name, "sums up other columns"))
        else:
            message = f"no node named {shown(name)}{did_you_mean(name, network.nodes)}"
            problems.append(Problem(str(path), None, None, shortened(name), message))
    refuse(problems)
    return made


def _long(
    path: Path, made: _Checked, table: Any, unit: Unit, network: Network
) -> tuple[LongTable, Any]:
    """Return the matrices as a long table, and what points at its rows."""
    import pyarrow as pa

    wide, file = len(made.targets), str(path)
    refuse_too_many(file, wide, "targets", table.num_rows)
    try:
        rates = np.array(
            [table.column(place).cast(pa.float64()).to_numpy() for place in made.targets]
        )
        text = {"source": _column(table.column(made.source), wide)}
        if made.time is not None:
            text["time"] = _column(table.column(made.time), wide)
    except pa.ArrowException as error:
        raise unreadable(path, error) from None
    text["target"] = Column(made.nodes, np.tile(np.arange(wide), table.num_rows))
    units = [each or unit for each in made.units]
    gbps = np.array([to_gbps(row, each) for row, each in zip(rates, units, strict=True)])
    values, written = gbps.T.ravel() + 0.0, rates.T.ravel()
    kept = np.arange(len(values))
    if made.time is None:  # an empty cell of one matrix is no demand
        kept = np.flatnonzero(~np.isnan(values))
        text = {name: Column(column.words, column.codes[kept]) for name, column in text.items()}

    def point(row: int, column: str, message: str) -> Problem:
        at, place = divmod(int(kept[row]), wide)
        name = {"source": made.given[made.source], "time": "time"}.get(column)
        key = name or made.given[made.targets[place]]
        return Problem(file, None, None, shortened(key), f"row {at + 1:,}: {message}")

    long = LongTable(
        file=file,
        network=network,
        text=text,
        rates=values[kept],
        empty=np.isnan(values[kept]),
        rate=Rates("rate", "gbps"),
        order=("source", "time", "target", "rate"),
        shown_rate=lambda row: shown(float(written[kept[row]])),
    )
    return long, point


def _column(column: Any, times: int) -> Column:
    """Return the words of a column, each so many times."""
    words = as_words(column).to_pylist()
    made = Column.of([word or "" for word in words])
    return Column(made.words, np.repeat(made.codes, times))
