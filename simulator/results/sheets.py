"""Sheets: the tables of a results folder for a spreadsheet, as CSV files or as one workbook.

Every row is kept, and every digit in CSV; a workbook holds 16 of them. Text that a spreadsheet
would take for a formula stays text: in CSV it gets an apostrophe before it, in a workbook the cell
says that it is text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from simulator.base.errors import SimulatorError, unknown_name
from simulator.base.whole import whole
from simulator.results.folder import RUN_JSON, StagingFolder
from simulator.results.results import Results, read_table
from simulator.results.tables import TABLES, Table, declared

COLUMNS_CSV = "columns.csv"
"""The file that marks a folder of exported tables, and says what their columns are."""
ROWS_OF_A_SHEET = 1_048_576
INSTALL = "pip install 'telecom-capacity-simulator[excel]'"
_ROWS_AT_ONCE = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no workbook may hold."""


def tables_in(folder: Path, names: Iterable[str] = ()) -> list[Table]:
    """Return the tables that a folder holds, or those of these names.

    Raises
    ------
    SimulatorError
        The folder holds no tables of a finished run or study, or not one of *names*.
    """
    if (folder / RUN_JSON).exists():
        Results(folder)  # refuses a run that did not finish
    held = {each.name: each for each in TABLES.values() if each.file and _file(folder, each)}
    if not held:
        raise SimulatorError(f"{folder} is not a results folder: it holds no tables")
    for name in names:
        if name not in held:
            why = f"{folder} holds no table {name!r}"
            raise unknown_name(why if name in TABLES else f"no table named {name!r}", name, held)
    return [held[name] for name in dict.fromkeys(names)] or list(held.values())


def write_csv_files(
    folder: Path, target: Path, tables: Iterable[Table], *, force: bool = False
) -> int:
    """Write a CSV file for each table, and one on their columns, to a folder of their own.

    Returns how many cells of text got an apostrophe.
    """
    tables, marked = list(tables), 0
    with StagingFolder(target, force=force, mark=COLUMNS_CSV) as staging:
        for each in tables:
            # The byte order mark tells Excel that names are in UTF-8.
            with (staging.folder / f"{each.name}.csv").open("w", encoding="utf-8-sig") as file:
                for i, part in enumerate(_parts(folder, each)):
                    marked += _mark_formulas(part)
                    part.to_csv(file, index=False, header=i == 0, lineterminator="\n")
        columns = _columns(tables)
        columns.to_csv(staging.folder / COLUMNS_CSV, index=False, encoding="utf-8-sig")
        staging.publish()
    return marked


def write_workbook(folder: Path, target: Path, tables: Iterable[Table]) -> int:
    """Write a workbook with a sheet for each table, and one on their columns.

    Returns how many control characters, which no workbook may hold, became question marks.

    Raises
    ------
    SimulatorError
        openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ModuleNotFoundError:
        raise SimulatorError(f"workbooks need openpyxl; install it: {INSTALL}") from None
    tables = list(tables)
    sheets = _Sheets(Workbook(write_only=True))
    for each in tables:
        sheets.add(each.name, _parts(folder, each))
    sheets.add("columns", [_columns(tables)])
    with whole(target) as new:
        sheets.book.save(new)
    return sheets.replaced


def _file(folder: Path, table: Table) -> Path | None:
    file = folder / table.file
    return file if file.is_file() else None


def _parts(folder: Path, table: Table) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table, some at a time."""
    file = folder / table.file
    if file.suffix != ".parquet":
        yield read_table(folder, table.name)
        return
    with pq.ParquetFile(file) as parquet:
        empty = True
        for batch in parquet.iter_batches(batch_size=_ROWS_AT_ONCE):
            empty = False
            yield batch.to_pandas()
        if empty:
            yield parquet.schema_arrow.empty_table().to_pandas()


def _columns(tables: Iterable[Table]) -> pd.DataFrame:
    rows = [
        (table.name, column.name, column.unit.replace("``", ""), column.sentence.replace("``", ""))
        for table in tables
        for column in declared(table.name).columns
    ]
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


# -- formulas -----------------------------------------------------------------------------------


def _mark_formulas(frame: pd.DataFrame) -> int:
    """Put an apostrophe before text that a spreadsheet would calculate; return how often."""
    count = 0
    for name in frame.columns:
        if pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name]):
            continue
        words = frame[name].astype(object)
        risky = words.map(lambda word: isinstance(word, str) and word.startswith(_FORMULA))
        if risky.any():
            count += int(risky.sum())
            frame[name] = words.where(~risky, "'" + words.astype(str))
    return count


# -- a workbook ---------------------------------------------------------------------------------


class _Sheets:
    """The sheets of a workbook that is written row by row."""

    def __init__(self, book: Any) -> None:
        self.book, self.replaced = book, 0

    def add(self, name: str, parts: Iterable[pd.DataFrame]) -> None:
        """Add a table, over several sheets where it has more rows than one holds."""
        left = count = 0
        for part in parts:
            for row in (None, *part.itertuples(index=False, name=None)):
                if not left:
                    count += 1
                    sheet = self.book.create_sheet(name if count == 1 else f"{name} {count}")
                    sheet.freeze_panes = "A2"
                    sheet.append([self._cell(sheet, str(heading)) for heading in part.columns])
                    left = ROWS_OF_A_SHEET - 1
                if row is not None:
                    sheet.append([self._cell(sheet, value) for value in row])
                    left -= 1

    def _cell(self, sheet: Any, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            value = None if math.isnan(value) else str(value)
        if not isinstance(value, str):
            return value
        text, replaced = _CONTROL.subn("?", value)
        self.replaced += replaced
        cell = WriteOnlyCell(sheet, text)
        cell.data_type = "s"  # or text after = becomes a formula
        return cell
