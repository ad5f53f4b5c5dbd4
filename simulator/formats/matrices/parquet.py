"""A list of demands in a Parquet file, with the columns of the long CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import Problem, refusal
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.demands import table_of
from simulator.formats.matrices.layout import Rates, long_columns, unit_of_file
from simulator.formats.matrices.long_table import MOST_CELLS
from simulator.formats.reading import MOST_CSV_BYTES, refuse
from simulator.formats.units import Unit
from simulator.model.network import Network
from simulator.model.recording import Recording

TEXT = ("source", "target", "class")


@demand_format("parquet")
class Parquet(DemandFormat):
    """Parquet with a row for every rate: source, target, gbps; time, class."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")
    readable: ClassVar[str] = "a .parquet or .pq file with source,target,gbps and optional time"

    def read(self, path: Path, network: Network, unit: Unit | None = None) -> Recording:
        """Return the rates, gaps where a pair or a rate is missing at an instant."""
        file = str(path)
        rows, rate = _columns(path)
        notes: list[Problem] = []
        if rate.unit is None:
            stated = unit or unit_of_file(path.name)
            rate = rate._replace(unit=stated or "gbps")
            notes = [] if stated else [_no_unit(file, rate.column)]
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


def _no_unit(file: str, column: str) -> Problem:
    message = "no unit is stated: rates are read as Gbps; state it in the column, or give unit"
    return Problem(file, None, None, column, message, "warning")


def _columns(path: Path) -> tuple[Any, Rates]:
    """Return the file as an Arrow table of dictionaries of words and rates as floats."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as opened:
            names, rate = _check(path, opened)
            given = opened.schema_arrow.names
            words = [was for was, name in zip(given, names, strict=True) if name in TEXT]
        with parquet.ParquetFile(path, read_dictionary=words) as opened:
            table = opened.read(use_threads=False).rename_columns(names)
        table.validate(full=True)  # text that is no text
        columns = {
            name: table[name].cast(pa.float64()) if name == rate.column else _words(table[name])
            for name in table.column_names
        }
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise refusal(path, f"cannot read this Parquet file: {reason}") from None
    return pa.table(columns), rate


def _check(path: Path, opened: Any) -> tuple[list[str], Rates]:
    """Refuse what is too large, and columns of other names or types."""
    import pyarrow as pa

    size = sum(opened.metadata.row_group(i).total_byte_size for i in range(opened.num_row_groups))
    if size > MOST_CSV_BYTES or opened.metadata.num_rows > MOST_CELLS:
        most = f"at most {MOST_CSV_BYTES / 1e6:,g} MB and {MOST_CELLS:,} rows can be read"
        found = f"{size / 1e6:,.0f} MB in {opened.metadata.num_rows:,} rows"
        raise refusal(path, f"unfolds to {found}; {most}")
    schema = opened.schema_arrow
    names, rate, columns = long_columns(schema.names)
    wrong = {name: message for _, name, message in columns.problems(names)}
    for name, kind in zip(names, schema.types, strict=True):
        if name not in wrong and not _fits(pa.types, name, rate.column, kind):
            rest = "numbers" if name == rate.column else "times, or numbers of seconds"
            wrong[name] = f"expected {'text' if name in TEXT else rest}, found {kind}"
    refuse(Problem(str(path), None, None, name, message) for name, message in wrong.items())
    return names, rate


def _fits(types: Any, name: str, rate: str, kind: Any) -> bool:
    value = kind.value_type if types.is_dictionary(kind) else kind
    is_text = types.is_string(value) or types.is_large_string(value)
    is_number = types.is_integer(value) or types.is_floating(value)
    if name in TEXT:
        return is_text
    if name == rate:
        return is_number and value is kind
    return is_text or is_number or types.is_timestamp(value) or types.is_date(value)


def _words(column: Any) -> Any:
    """Return a column as a dictionary of words."""
    import pyarrow as pa
    from pyarrow import compute

    kind = pa.dictionary(pa.int32(), pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
        return column.cast(kind)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us", tz=column.type.tz))
    codes = compute.dictionary_encode(column).unify_dictionaries()
    words = [_word(value) for value in codes.chunk(0).dictionary.to_pylist()] if len(codes) else []
    encoded = [
        pa.DictionaryArray.from_arrays(part.indices, pa.array(words, pa.string()))
        for part in codes.chunks
    ]
    return pa.chunked_array(encoded, kind) if encoded else pa.chunked_array([], kind)


def _word(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
