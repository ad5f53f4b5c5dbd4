"""Matrices over time in a Parquet file: a time, and a column `source>target` for every pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.columns import Heading, shortened
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.layout import is_summary, left_out, unit_of_file
from simulator.formats.matrices.long_table import refuse_too_many
from simulator.formats.matrices.parquet_file import (
    NUMBERS,
    SUFFIXES,
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
from simulator.formats.matrices.times import Times, read_times
from simulator.formats.matrices.wide_table import (
    WideColumns,
    WideRows,
    recording_of_rows,
    refuse_too_wide,
    time_faults,
    wide_columns,
)
from simulator.formats.reading import MOST_PROBLEMS, refuse
from simulator.formats.units import Unit, rate_fault, to_gbps
from simulator.model.network import Network
from simulator.model.recording import Recording
from simulator.model.scale import MOST_GBPS


@demand_format("wide_parquet")
class WideParquet(DemandFormat):
    """Parquet with a row for every instant: time, and a column a>b for every pair.

    The names of columns mean what they mean in a wide CSV. Empty cells and NaN are gaps. The time
    may be the index of a pandas table, and pairs its columns of two levels.
    """

    suffixes: ClassVar[tuple[str, ...]] = SUFFIXES
    readable: ClassVar[str] = "a .parquet or .pq file with time,a>b,a>c,..."

    def reads(self, path: Path) -> bool:
        """Return whether *path* is Parquet with pairs of nodes in the names of its columns."""
        return super().reads(path) and layout_in(path) == "wide"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates, gaps where a rate is missing at an instant."""
        file = str(path)
        (schema, head, places), table = table_in(
            path,
            lambda found: _check(path, as_schema(found), network, unit),
            lambda checked: (),
        )
        if not table.num_rows:
            raise refusal(path, "no matrices in this file")
        refuse_too_many(file, len(head.pairs), "pairs", table.num_rows)
        rows = _rows(path, head, table.select(places), network)
        return recording_of_rows(file, head, rows, network, index_note(file, schema))


def _check(
    path: Path, schema: Schema, network: Network, unit: Unit | None
) -> tuple[Schema, WideColumns, list[int]]:
    """Return what the columns with names are, and their places; raise what is wrong with them."""
    places = [place for place, name in enumerate(schema.names) if name]
    names = [schema.names[place] for place in places]
    refuse_too_wide(str(path), None, len(names), len(network.nodes))
    head = wide_columns(Heading(str(path), names), network, unit or unit_of_file(path.name))
    problems = []
    for place in (head.time, *head.pairs):
        wanted = TIMES if place == head.time else NUMBERS
        kind = schema.types[places[place]]
        problems += wrong_type(path, shortened(names[place]), wanted, kind)
    refuse(problems)
    return schema, head, places


def _rows(path: Path, head: WideColumns, table: Any, network: Network) -> WideRows:
    """Return the instants; raise all that is wrong with them."""
    import pyarrow as pa

    try:
        words = [word or "" for word in as_words(table.column(head.time)).to_pylist()]
        rates = [table.column(place).cast(pa.float64()).to_numpy() for place in head.pairs]
    except pa.ArrowException as error:
        raise unreadable(path, error) from None
    sums = [row for row, word in enumerate(words) if word and is_summary(word)]
    kept = np.delete(np.arange(len(words)), sums)
    notes = [
        left_out(str(path), None, "", f"row {row + 1:,}: {shown(words[row])} sums up rows")
        for row in sums
    ]
    given = np.array(rates)[:, kept]
    words = [words[row] for row in kept]
    times = read_times(words, network.about.utc_offset_h)
    gbps = np.array([to_gbps(row, unit) for row, unit in zip(given, head.units, strict=True)])
    _refuse_faults(path, kept, list(_faults(head, words, times, given, gbps)))
    return WideRows(times, gbps + 0.0, notes)  # no zero with a minus sign


def _faults(
    head: WideColumns, words: list[str], times: Times, given: np.ndarray, gbps: np.ndarray
) -> Iterator[tuple[int, str, str]]:
    """Yield row, column and what is wrong there."""
    yield from ((row, "time", message) for row, message in time_faults(words, times))
    wrong = (gbps < 0) | (gbps > MOST_GBPS)
    for pair, row in zip(*np.nonzero(wrong), strict=True):
        rate = float(given[pair, row])
        message = rate_fault(rate, head.units[pair], shown(rate))
        yield int(row), head.names[head.pairs[pair]], message


def _refuse_faults(path: Path, kept: np.ndarray, faults: list[tuple[int, str, str]]) -> None:
    faults.sort(key=lambda each: each[0])
    first = [
        Problem(str(path), None, None, shortened(name), f"row {kept[row] + 1:,}: {message}")
        for row, name, message in faults[:MOST_PROBLEMS]
    ]
    refuse(first, more=max(0, len(faults) - MOST_PROBLEMS), file=str(path))
