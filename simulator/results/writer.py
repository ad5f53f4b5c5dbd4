"""TableWriter: tables on their way to disk, each checked against the catalogue.

Tables stream to disk while a run goes on. Every replication and strategy writes parts of its own.
At the end they are merged in order, so that the bytes do not depend on which process wrote what.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.results.metrics import Figures, metric
from simulator.results.ranges import Draws, ranges, stated
from simulator.results.statistics import differences, summarise
from simulator.results.tables import FIRST, TABLES, declared

SOLVE_TIMES = "solve_times"
"""The table of parts that goes into ``run.json``."""
FIGURES, WORLDS = "replications", "worlds"
"""The tables of figures and of what was drawn, as parts and as files."""
WORLD_EXITS = "world_exits"
"""The only table of steps that drawn worlds keep."""
_WORLD = ["world", "assumption", "member", "value"]


class Coded(NamedTuple):
    """A column of words, as positions in a short list of them."""

    codes: np.ndarray
    words: list[str]

    @classmethod
    def of(cls, values: Iterable[Any]) -> Coded:
        """Code a column, words in order of appearance."""
        codes, words = pd.factorize(np.array([str(value) for value in values], dtype=object))
        return cls(codes.astype(np.int32), list(words))

    @classmethod
    def tiled(cls, values: Iterable[Any], times: int) -> Coded:
        """Code a column that repeats the same values over and over."""
        once = cls.of(values)
        return cls(np.tile(once.codes, times), once.words)


class TableWriter:
    """Writes the tables of one replication and strategy, as parts.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the parts of this replication.
    place : int
        Place of the strategy among the strategies; parts are merged in this order.
    """

    def __init__(self, folder: Path, replication: int, place: int, strategy: str) -> None:
        self._folder, self._replication, self._place = folder, replication, place
        self._strategy = strategy
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, table: str, columns: Mapping[str, Any]) -> None:
        """Append rows to a table.

        Parameters
        ----------
        columns : mapping of str to ndarray or Coded
            All but ``replication`` and ``strategy``.

        Raises
        ------
        SimulatorError
            The table or a column is not declared, or a column is missing.
        """
        declared(table).check((*(column.name for column in FIRST), *columns))
        first = next(iter(columns.values()))
        count = len(first.codes if isinstance(first, Coded) else first)
        batch = pa.table(
            {
                "replication": pa.array(np.full(count, self._replication, dtype=np.int32)),
                "strategy": _arrow(Coded(np.zeros(count, dtype=np.int32), [self._strategy])),
                **{name: _arrow(values) for name, values in columns.items()},
            }
        )
        if table not in self._writers:
            file = self._folder / f"{table}-{self._place:03d}.parquet"
            self._writers[table] = pq.ParquetWriter(file, batch.schema)
        self._writers[table].write_table(batch)

    def add_figures(self, figures: Figures) -> None:
        """Append figures; a metric that is not declared is refused."""
        if not figures:
            return
        metric.check({(name, unit) for name, _, unit, _ in figures})
        *words, values = zip(*figures, strict=True)
        columns = dict(zip(("metric", "scope", "unit"), map(Coded.of, words), strict=True))
        self.add(FIGURES, {**columns, "value": np.array(values, dtype=float)})

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()


def _arrow(values: Any) -> pa.Array:
    if isinstance(values, Coded):
        return pa.DictionaryArray.from_arrays(
            pa.array(values.codes.astype(np.int32)), pa.array(values.words, type=pa.string())
        )
    return pa.array(np.ascontiguousarray(values))


# -- merging parts ------------------------------------------------------------------------------


def merge(parts: Path, folder: Path) -> None:
    """Put the parts of every table of a run together, by replication and strategy; remove them.

    Parameters
    ----------
    parts : pathlib.Path
        A folder for each replication, in the order of their names.
    folder : pathlib.Path
        Where the tables go.
    """
    for table in TABLES.values():
        files = _parts_of(table.name, parts)
        if not files or not table.file.endswith(".parquet"):
            continue
        with ExitStack() as stack:
            whole: pq.ParquetWriter | None = None
            for file in files:
                with pq.ParquetFile(file) as part:
                    for group in range(part.num_row_groups):
                        rows = part.read_row_group(group)
                        if whole is None:
                            path = folder / table.file
                            whole = stack.enter_context(pq.ParquetWriter(path, rows.schema))
                        whole.write_table(rows.cast(whole.schema))
    shutil.rmtree(parts)


def figures_of(parts: Path) -> pd.DataFrame:
    """Return the figures of all replications and strategies, from their parts."""
    columns = [column.name for column in declared(FIGURES).columns]
    rows = [row for file in _parts_of(FIGURES, parts) for row in pq.read_table(file).to_pylist()]
    return pd.DataFrame(rows, columns=columns)


def add_drawn(folder: Path, world: int, values: Mapping[tuple[str, str], float]) -> None:
    """Write what a world has in place of what is stated, as a part of its first replication."""
    rows = [(world, *named, value) for named, value in values.items()]
    part = pd.DataFrame(rows, columns=_WORLD)
    part.to_parquet(folder / f"{WORLDS}-000.parquet", index=False)


def solve_times(parts: Path) -> dict[str, list[float | None]]:
    """Seconds that every decision of every strategy took to solve, by replication and time."""
    times: dict[str, list[float | None]] = {}
    for file in _parts_of(SOLVE_TIMES, parts):
        for row in pq.read_table(file, columns=["strategy", "solve_s"]).to_pylist():
            seconds = row["solve_s"]
            known = None if math.isnan(seconds) else round(seconds, 6)
            times.setdefault(row["strategy"], []).append(known)
    return times


def _parts_of(table: str, parts: Path) -> list[Path]:
    return sorted(parts.glob(f"*/{table}-*.parquet"))


# -- figures ------------------------------------------------------------------------------------


def write_figures(folder: Path, figures: pd.DataFrame, draws: Draws | None = None) -> None:
    """Write the figures of every replication, their summary, and the paired differences.

    Summary and differences are of the world as stated. With drawn worlds, their ranges are written
    as well.

    Parameters
    ----------
    figures : pandas.DataFrame
        Columns of the table ``replications``.
    draws : Draws, optional
        Which world each replication is of; all are of one when left out.

    Raises
    ------
    SimulatorError
        A metric is not declared, or is declared in another unit.
    """
    metric.check(set(zip(figures["metric"], figures["unit"], strict=True)))
    write_csv(folder, FIGURES, figures)
    if draws is not None:
        moved = ranges(figures, draws)
        if len(moved):
            write_csv(folder, "ranges", moved)
        figures = stated(figures, draws.days)
    summary = summarise(figures)
    write_csv(folder, "summary", summary)
    text = json.dumps(records(summary), indent=1) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")
    write_csv(folder, "differences", differences(figures))


def write_worlds(folder: Path, parts: Path) -> None:
    """Write what every drawn world has in place of what is stated, if there are any."""
    if files := _parts_of(WORLDS, parts):
        write_csv(folder, WORLDS, pd.concat(map(pd.read_parquet, files), ignore_index=True))


def write_csv(folder: Path, table: str, frame: pd.DataFrame) -> None:
    """Write a table as CSV; a table or column that is not declared is refused."""
    kind = declared(table)
    kind.check(frame.columns)
    frame.to_csv(folder / kind.file, index=False, lineterminator="\n")


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows for JSON: numbers with all digits, null for those that are not finite."""
    return [
        {
            str(key): None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in row.items()
        }
        for row in frame.to_dict("records")
    ]
