"""Parquet files: their columns as words and as numbers, within a limit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from simulator.base.bounds import LIFTS, exceeds
from simulator.base.errors import Problem, refusal
from simulator.formats.matrices.layout import Layout, are_wide, is_time, left_out, long_columns
from simulator.formats.matrices.long_table import MOST_CELLS
from simulator.formats.reading import MOST_CSV_BYTES

SUFFIXES = (".parquet", ".pq")
TEXTS, NUMBERS, TIMES = "text", "numbers", "times, or numbers of seconds"
INDEX = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name."""
T = TypeVar("T")


class Schema(NamedTuple):
    """The columns of a file, by the names that they have in it.

    Attributes
    ----------
    names : list of str
        What they mean: an index of pandas without a name may be the time; empty for other such.
    """

    given: list[str]
    names: list[str]
    types: list[Any]

    def texts(self) -> list[int]:
        """Return the columns that hold text and no times."""
        return [
            place
            for place, name in enumerate(self.names)
            if fits(TEXTS, self.types[place]) and not is_time(name, place)
        ]


def schema_of(path: Path) -> Schema | None:
    """Return the columns of a file; None if it cannot be read."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return as_schema(parquet.read_schema(path))
    except (pa.ArrowException, OSError, ValueError):
        return None


def layout_in(path: Path) -> Layout:
    """Return how a file holds rates; one that cannot be read is taken for a long table."""
    schema = schema_of(path)
    if schema is None:
        return "long"
    if are_wide([name for name in schema.names if name]):
        return "wide"
    return "long" if source_in(schema) is None else "square"


def source_in(schema: Schema) -> int | None:
    """Return the column of sources of square matrices: one of text beside numbers only."""
    names, rate, _ = long_columns(schema.names)
    texts = schema.texts()
    others = [
        place
        for place, name in enumerate(names)
        if name and place not in texts and not is_time(name, place)
    ]
    numbers = all(fits(NUMBERS, schema.types[place]) for place in others)
    if len(texts) != 1 or not others or not numbers:
        return None
    return None if "target" in names or rate.column in names else texts[0]


def as_schema(schema: Any) -> Schema:
    """Return the columns of a schema of Arrow, with what an index of pandas holds."""
    given, types = list(schema.names), list(schema.types)
    names, kinds = list(given), list(types)
    dated = any(is_time(name, 1) for name in names)
    for place, name in enumerate(given):
        if INDEX.fullmatch(name):
            is_date = (
                not dated and not fits(NUMBERS, types[place]) and not fits(TEXTS, types[place])
            )
            names[place] = "time" if is_date else ""
    if "time" not in names and not dated and "" in names and are_wide([*names, "time"]):
        names[names.index("")] = "time"  # seconds, or dates as text
    return Schema(given, names, kinds)


def index_note(file: str, schema: Schema) -> list[Problem]:
    """Return the warning that row numbers are left out, if there are any."""
    there = [was for was, name in zip(schema.given, schema.names, strict=True)
             if INDEX.fullmatch(was) and not name]  # fmt: skip
    return [left_out(file, None, there[0], "an index without a name")] if there else []


def table_in(path: Path, check: Callable[[Any], T], words: Callable[[T], Sequence[str]]) -> Any:
    """Return what *check* makes of the schema, and the table.

    Parameters
    ----------
    check : callable
        Raises what is wrong with the schema.
    words : callable
        Which columns hold words that come again and again.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as opened:
            _refuse_too_large(path, opened)
            checked = check(opened.schema_arrow)
        with parquet.ParquetFile(path, read_dictionary=list(words(checked))) as opened:
            table = opened.read(use_threads=False)
        table.validate(full=True)  # text that is no text
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from None
    return checked, table


def unreadable(path: Path, error: Exception) -> Exception:
    """Return the error that refuses a file which Arrow cannot read."""
    reason = " ".join(str(error).split())[:200]
    return refusal(path, f"cannot read this Parquet file: {reason}")


def _refuse_too_large(path: Path, opened: Any) -> None:
    size = sum(opened.metadata.row_group(i).total_byte_size for i in range(opened.num_row_groups))
    rows, columns = opened.metadata.num_rows, len(opened.schema_arrow.names)
    cells = rows * max(1, columns - 4)  # a long table has four columns beside its rates
    if exceeds(size, MOST_CSV_BYTES) or exceeds(cells, MOST_CELLS):
        most = f"at most {MOST_CSV_BYTES / 1e6:,g} MB and {MOST_CELLS:,} rates can be read"
        found = f"{size / 1e6:,.0f} MB in {rows:,} rows of {columns:,} columns"
        raise refusal(path, f"unfolds to {found}; {most}; {LIFTS}")


def wrong_type(path: Path, name: str, wanted: str, kind: Any) -> list[Problem]:
    """Return what is wrong with the type of a column, if anything."""
    if fits(wanted, kind):
        return []
    return [Problem(str(path), None, None, name, f"expected {wanted}, found {kind}")]


def fits(wanted: str, kind: Any) -> bool:
    """Return whether a column of Arrow's type *kind* holds what is wanted."""
    import pyarrow.types as types

    value = kind.value_type if types.is_dictionary(kind) else kind
    is_text = types.is_string(value) or types.is_large_string(value) or types.is_string_view(value)
    is_number = types.is_integer(value) or types.is_floating(value) or types.is_decimal(value)
    if wanted == TEXTS:
        return is_text
    if wanted == NUMBERS:
        return (is_number and value is kind) or types.is_null(kind)
    return is_text or is_number or types.is_timestamp(value) or types.is_date(value)


def as_words(column: Any) -> Any:
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
