"""Sweep point: a point of a sweep is played, and its figures become a Parquet file."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator import provenance
from simulator.base.errors import SimulatorError
from simulator.jobs import Progress, silent
from simulator.results.metrics import metric
from simulator.results.ranges import ranges, stated
from simulator.results.statistics import COLUMNS, KEYS, summarise
from simulator.results.tables import declared
from simulator.run import figures_of_day
from simulator.scenario.scenario import Scenario
from simulator.study.axis import OVER
from simulator.study.design import Design, Point
from simulator.study.headlines import with_international

PART = "part.parquet"
"""The file of a point."""
RANGES = ("range_low", "range_high")
REPLICATIONS = "replications"
"""A key that is no column of its own, as the table counts replications anyway."""
_TYPES = {"int64": pa.int64(), "double": pa.float64(), "string": pa.string()}


def play_point(
    scenario: Scenario,
    point: Point,
    columns: Mapping[str, str],
    versions: Mapping[str, str],
    folder: Path,
    progress: Progress,
) -> None:
    """Play all replications of a scenario at a point and write their figures.

    Parameters
    ----------
    columns : mapping of str to str
        Types of the columns of the keys; see :func:`columns_of`.
    versions : mapping of str to str
        What the sweep was begun with; another version may have other figures.

    Raises
    ------
    InputError
        The scenario cannot be changed so.
    SimulatorError
        This process has other versions.
    """
    _check_versions(versions)
    changed = scenario.with_changes(point.values, OVER)
    draws = changed.settings.draws
    rows = []
    for i in range(draws.replications):
        of_day = figures_of_day(changed, i, silent)
        rows += [(i, name, *row) for name, figures in of_day.items() for row in figures]
        progress((i + 1) / draws.replications)
    figures = pd.DataFrame(
        rows, columns=["replication", "strategy", "metric", "scope", "unit", "value"]
    )
    metric.check(set(zip(figures["metric"], figures["unit"], strict=True)))
    figures = with_international(figures)
    frame = _with_ranges(summarise(stated(figures, draws.days)), ranges(figures, draws))
    declared("sweep_points").check(frame.columns)
    pq.write_table(_table(frame, point, columns), folder / PART)


def columns_of(design: Design) -> dict[str, str]:
    """Return the type of the column of each key: whole numbers, numbers, or words."""
    types = {}
    for key in design.keys:
        kinds = {type(point.values[key]) for point in design.points}
        types[key] = "int64" if kinds <= {int} else "double" if kinds <= {int, float} else "string"
    return types


def read_parts(files: Sequence[Path], numbers: Iterable[int]) -> pd.DataFrame:
    """Return the rows of points, with the number of each in the first column."""
    if not files:  # a part of more parts than there are points
        return pd.DataFrame({"point": []})
    tables = []
    for file, number in zip(files, numbers, strict=True):
        with pq.ParquetFile(file) as part:
            rows = part.read()
        column = pa.array([number] * len(rows), pa.int64())
        tables.append(rows.add_column(0, "point", column))
    return pa.concat_tables(tables).to_pandas()


def text_of(value: Any) -> str:
    """Return a value as a column of words holds it."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _table(frame: pd.DataFrame, point: Point, columns: Mapping[str, str]) -> pa.Table:
    keys = {}
    for key, kind in columns.items():
        if key != REPLICATIONS:
            value = point.values[key]
            value = text_of(value) if kind == "string" else value
            keys[key] = pa.array([value] * len(frame), _TYPES[kind])
    rest = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    for place, (key, column) in enumerate(keys.items()):
        rest = rest.add_column(place, key, column)
    return rest


def _with_ranges(summary: pd.DataFrame, moved: pd.DataFrame) -> pd.DataFrame:
    """Return a summary with the range of each figure over worlds; empty without drawn worlds."""
    ends = moved[moved["of"] == "figure"].rename(columns={"low": RANGES[0], "high": RANGES[1]})
    ends = ends[[*KEYS, *RANGES]].astype(dict.fromkeys(RANGES, float))
    joined = summary.merge(ends, on=KEYS, how="left", validate="one_to_one")
    return joined[[*COLUMNS[:-1], *RANGES, COLUMNS[-1]]]


@functools.cache
def _own_versions() -> dict[str, str]:
    return provenance.versions()


def _check_versions(wanted: Mapping[str, str]) -> None:
    own = _own_versions()
    others = [
        f"{name} {own.get(name)} and not {wanted[name]}"
        for name in wanted
        if own.get(name) != wanted[name]
    ]
    if others:
        raise SimulatorError(f"this worker has {', '.join(others)}; all need the same versions")
