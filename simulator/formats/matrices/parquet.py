"""A list of demands in a Parquet file, with the columns of the long CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import Problem, refusal
from simulator.formats.matrices.demand_format import DemandFormat, demand_format
from simulator.formats.matrices.demands import long_columns, table_of
from simulator.formats.matrices.long_table import MOST_CELLS
from simulator.formats.reading import MOST_CSV_BYTES, refuse
from simulator.formats.units import UNITS, Unit
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
        table = table_of(file, _columns(path), network)
        if not len(table.rates):
            raise refusal(path, "no demands in this file")
        table.check(
            lambda row, column, message: Problem(
                file, None, None, column, f"row {row + 1:,}: {message}"
            ),
            lambda row: f"in row {row + 1:,}",
        )
        return table.recording()


def _columns(path: Path) -> Any:
    """Return the file as an Arrow table of dictionaries of words and rates as floats."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as opened:
            _check(path, opened)
            words = [name for name in opened.schema_arrow.names if name in TEXT]
        with parquet.ParquetFile(path, read_dictionary=words) as opened:
            table = opened.read(use_threads=False)
        columns = {
            name: table[name].cast(pa.float64()) if name in UNITS else _words(table[name])
            for name in table.column_names
        }
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise refusal(path, f"cannot read this Parquet file: {reason}") from None
    return pa.table(columns)


def _check(path: Path, opened: Any) -> None:
    """Refuse what is too large, and columns of other names or types."""
    import pyarrow as pa

    size = sum(opened.metadata.row_group(i).total_byte_size for i in range(opened.num_row_groups))
    if size > MOST_CSV_BYTES or opened.metadata.num_rows > MOST_CELLS:
        most = f"at most {MOST_CSV_BYTES / 1e6:,g} MB and {MOST_CELLS:,} rows can be read"
        found = f"{size / 1e6:,.0f} MB in {opened.metadata.num_rows:,} rows"
        raise refusal(path, f"unfolds to {found}; {most}")
    schema = opened.schema_arrow
    columns = long_columns(schema.names)
    wrong = {name: message for _, name, message in columns.problems(schema.names)}
    for name in schema.names:
        kind = schema.field(schema.names.index(name)).type
        if name not in wrong and not _fits(pa.types, name, kind):
            rest = "numbers" if name in UNITS else "local times without a zone, or seconds"
            wrong[name] = f"expected {'text' if name in TEXT else rest}, found {kind}"
    refuse(Problem(str(path), None, None, name, message) for name, message in wrong.items())


def _fits(types: Any, name: str, kind: Any) -> bool:
    value = kind.value_type if types.is_dictionary(kind) else kind
    is_text = types.is_string(value) or types.is_large_string(value)
    is_number = types.is_integer(value) or types.is_floating(value)
    if name in TEXT:
        return is_text
    if name in UNITS:
        return is_number and value is kind
    is_local = types.is_timestamp(value) and value.tz is None
    return is_text or is_number or is_local or types.is_date(value)


def _words(column: Any) -> Any:
    """Return a column as a dictionary of words."""
    import pyarrow as pa
    from pyarrow import compute

    kind = pa.dictionary(pa.int32(), pa.string())
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
        return column.cast(kind)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    codes = compute.dictionary_encode(column).unify_dictionaries()
    words = [_word(value) for value in codes.chunk(0).dictionary.to_pylist()] if len(codes) else []
    encoded = [
        pa.DictionaryArray.from_arrays(part.indices, pa.array(words, pa.string()))
        for part in codes.chunks
    ]
    return pa.chunked_array(encoded, kind) if encoded else pa.chunked_array([], kind)


def _word(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
