"""Results: a folder of tidy tables with provenance, and a window on it.

Tables stream to disk while a run goes on: every replication and strategy writes parts of its own,
which are put together in order at the end, so that the bytes do not depend on who ran what. The
folder is built beside its final place and renamed when it is whole.
"""

from __future__ import annotations

import glob
import json
import math
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.base.errors import SimulatorError
from simulator.results.statistics import interval

TABLES = ("links", "exits", "demands", "control", "events")
SOLVE_TIMES = "solve_times"
"""A table of parts that goes into ``run.json``: it is of this machine, not of the simulation."""
COMPLETE = "complete"
RUN_JSON = "run.json"


class Coded(NamedTuple):
    """A column of words, as positions in a short list of them."""

    codes: np.ndarray
    words: list[str]

    @classmethod
    def of(cls, values: np.ndarray) -> Coded:
        """Code a column, words in order of appearance."""
        words = list(dict.fromkeys(str(value) for value in values))
        index = {word: i for i, word in enumerate(words)}
        return cls(np.array([index[str(value)] for value in values], dtype=np.int32), words)

    @classmethod
    def tiled(cls, values: Iterable[Any], times: int) -> Coded:
        """Code a column that repeats the same values over and over."""
        once = cls.of(np.array(list(values), dtype=object))
        return cls(np.tile(once.codes, times), once.words)


# -- writing ----------------------------------------------------------------------------------


class Part:
    """The tables of one replication and strategy while they are written."""

    def __init__(self, folder: Path, replication: int, place: int, strategy: str) -> None:
        self._folder, self._replication, self._place = folder, replication, place
        self._strategy = strategy
        self._writers: dict[str, pq.ParquetWriter] = {}

    def add(self, table: str, columns: Mapping[str, Any]) -> None:
        """Append rows to a table."""
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
            name = f"{table}-{self._replication:06d}-{self._place:03d}.parquet"
            self._writers[table] = pq.ParquetWriter(self._folder / name, batch.schema)
        self._writers[table].write_table(batch)

    def close(self) -> None:
        """Finish the files."""
        for writer in self._writers.values():
            writer.close()


def _arrow(values: Any) -> pa.Array:
    if isinstance(values, Coded):
        return pa.DictionaryArray.from_arrays(
            pa.array(values.codes.astype(np.int32)), pa.array(values.words, type=pa.string())
        )
    return pa.array(np.ascontiguousarray(values))


def merge_parts(parts: Path, folder: Path) -> None:
    """Put the parts of every table together, by replication and strategy."""
    for table in TABLES:
        files = sorted(parts.glob(f"{table}-*.parquet"))
        if not files:
            continue
        writer: pq.ParquetWriter | None = None
        for file in files:
            with pq.ParquetFile(file) as part:
                for group in range(part.num_row_groups):
                    rows = part.read_row_group(group)
                    if writer is None:
                        writer = pq.ParquetWriter(folder / f"{table}.parquet", rows.schema)
                    writer.write_table(rows.cast(writer.schema))
        assert writer is not None
        writer.close()


def solve_times(parts: Path) -> dict[str, list[float | None]]:
    """Seconds that every decision of every strategy took to solve, by replication and time."""
    times: dict[str, list[float | None]] = {}
    for file in sorted(parts.glob(f"{SOLVE_TIMES}-*.parquet")):
        for row in pq.read_table(file, columns=["strategy", "solve_s"]).to_pylist():
            seconds = row["solve_s"]
            known = None if math.isnan(seconds) else round(seconds, 6)
            times.setdefault(row["strategy"], []).append(known)
    return times


class Shelf:
    """A temporary folder that goes when nobody looks at it any more."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="simulator-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


class StagingFolder:
    """A folder in the making: beside its final place, renamed when whole, gone if not.

    Parameters
    ----------
    place : pathlib.Path
        Where the finished folder shall stand.
    force : bool
        Replace a results folder that stands there.
    mark : str
        The file by which a folder of this kind is known.

    Raises
    ------
    SimulatorError
        Something stands there that may not be replaced.
    """

    def __init__(self, place: Path, *, force: bool, mark: str = RUN_JSON) -> None:
        self.place = Path(os.path.abspath(place))
        self._force, self._mark = force, mark
        self.check_free()
        name = f"{_unfinished(self.place)}{os.getpid()}-{secrets.token_hex(4)}"
        self.folder = self.place.with_name(name)
        self.parts = self.folder / "parts"

    def check_free(self) -> None:
        """Refuse a place that is taken, before any work is done."""
        if not self.place.exists():
            return
        if self.place.is_dir() and not any(self.place.iterdir()):
            return
        if not self._force:
            raise SimulatorError(
                f"{self.place} exists already; --force replaces it, --out DIR writes elsewhere"
            )
        if not (self.place / self._mark).is_file():
            raise SimulatorError(f"{self.place} is not a results folder; it is left alone")

    def __enter__(self) -> StagingFolder:
        self.place.parent.mkdir(parents=True, exist_ok=True)
        _sweep_up_after_the_dead(self.place)
        try:
            self.parts.mkdir(parents=True)
        except BaseException:  # an interrupt as well
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def merge(self) -> None:
        """Put the tables together."""
        merge_parts(self.parts, self.folder)
        shutil.rmtree(self.parts)

    def publish(self) -> Path:
        """Put the finished folder in its place."""
        self.check_free()
        old: Path | None = None
        if self.place.exists():
            old = self.folder.with_name(self.folder.name + "-old")
            self.place.rename(old)
        try:
            self.folder.rename(self.place)
        except OSError:
            if old is not None:
                old.rename(self.place)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
        return self.place


def _unfinished(place: Path) -> str:
    """How the names of folders in the making begin; a long name is cut, for file systems' sake."""
    return f".{place.name[:40]}.unfinished-"


def _sweep_up_after_the_dead(place: Path) -> None:
    """Remove what runs that were killed left beside this place."""
    for left in place.parent.glob(f"{glob.escape(_unfinished(place))}*"):
        pid = left.name.rsplit("unfinished-", 1)[1].split("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


# -- figures ----------------------------------------------------------------------------------


_KEYS = ["strategy", "metric", "scope", "unit"]


def summarise(figures: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % Student-t interval over replications.

    Parameters
    ----------
    figures : pandas.DataFrame
        Columns ``replication, strategy, metric, scope, unit, value``.

    Returns
    -------
    pandas.DataFrame
        Columns ``strategy, metric, scope, unit, mean, ci_low, ci_high, replications``.
    """
    wide = by_replication(figures)
    return _with_intervals(wide.index.to_frame(index=False), wide)


def differences(figures: pd.DataFrame) -> pd.DataFrame:
    """Paired differences against the first strategy, replication by replication.

    Returns
    -------
    pandas.DataFrame
        As :func:`summarise`.
    """
    wide = by_replication(figures)
    order = list(dict.fromkeys(figures["strategy"]))
    base = pd.DataFrame(wide.xs(order[0], level="strategy"))
    parts = []
    for strategy in order[1:]:
        apart = pd.DataFrame(wide.xs(strategy, level="strategy")) - base
        keys = apart.index.to_frame(index=False)
        keys.insert(0, "strategy", strategy)
        parts.append(_with_intervals(keys, apart))
    columns = [*_KEYS, "mean", "ci_low", "ci_high", "replications"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def by_replication(figures: pd.DataFrame) -> pd.DataFrame:
    """One row a figure, one column a replication, in the order in which they came."""
    order = pd.MultiIndex.from_frame(figures[_KEYS].drop_duplicates())
    wide = figures.pivot(index=_KEYS, columns="replication", values="value")
    return pd.DataFrame(wide.reindex(order))


def _with_intervals(keys: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    mean, low, high = interval(values.to_numpy(dtype=float))
    count = np.full(len(keys), values.shape[1])
    return keys.assign(mean=mean, ci_low=low, ci_high=high, replications=count)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as JSON has them: with all digits, and null for what is no finite number."""
    return [
        {str(key): value if _sayable(value) else None for key, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _sayable(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


# -- reading ----------------------------------------------------------------------------------


class Results:
    """A finished run.

    Parameters
    ----------
    folder : path
        A results folder.

    Attributes
    ----------
    folder : pathlib.Path
    run : dict
        ``run.json``: the resolved scenario, seed, versions, timings and status.

    Raises
    ------
    SimulatorError
        The folder is not a finished results folder.
    """

    def __init__(self, folder: str | Path, *, keep: Any = None) -> None:
        self.folder = Path(folder)
        self._keep = keep
        file = self.folder / "run.json"
        try:
            self.run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SimulatorError(f"{self.folder} is not a results folder: {error}") from None
        if self.run.get("status") != COMPLETE:
            raise SimulatorError(f"{self.folder} holds a run that did not finish")

    def __repr__(self) -> str:
        return f"<Results {self.run['name']}: {', '.join(self.strategies)} in {self.folder}>"

    @property
    def is_temporary(self) -> bool:
        """Whether the folder goes when this goes."""
        return self._keep is not None

    @property
    def strategies(self) -> list[str]:
        """Names of the strategies, the baseline first."""
        return list(self.run["scenario"]["strategies"])

    @property
    def plot(self) -> Any:
        """The standard pictures, as methods that return matplotlib Axes (see ``plotter``)."""
        raise SimulatorError(
            "import simulator.figures.plotter first, or take Results from simulator itself"
        )

    def _table(self, name: str) -> pd.DataFrame:
        file = self.folder / f"{name}.parquet"
        return pd.read_parquet(file) if file.exists() else pd.DataFrame()

    @cached_property
    def links(self) -> pd.DataFrame:
        """Every link and direction at every step."""
        return self._table("links")

    @cached_property
    def exits(self) -> pd.DataFrame:
        """Every exit and direction at every step."""
        return self._table("exits")

    @cached_property
    def demands(self) -> pd.DataFrame:
        """Traffic by region or by pair at every step, as recorded."""
        return self._table("demands")

    @cached_property
    def control(self) -> pd.DataFrame:
        """Every decision, with its proof, what it moved, and how long solving took (``solve_s``).

        Solving times are this machine's: they stand in ``run.json``, so that all tables are the
        same bytes wherever they are made.
        """
        control = self._table("control")
        known = self.run["timings"].get("solve_s")
        if known and len(control):
            taken = np.full(len(control), np.nan)
            for strategy, seconds in known.items():
                taken[control["strategy"] == strategy] = seconds
            control["solve_s"] = taken
        return control

    @cached_property
    def events(self) -> pd.DataFrame:
        """What happened to the plant and the controllers."""
        return self._table("events")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Figures of every strategy with their intervals."""
        return _read_figures(self.folder / "summary.csv")

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Paired differences against the first strategy."""
        return _read_figures(self.folder / "differences.csv")

    @cached_property
    def figures(self) -> pd.DataFrame:
        """Figures of every replication: ``replication, strategy, metric, scope, unit, value``."""
        return _read_figures(self.folder / "replications.csv")

    def figure(self, strategy: str, metric: str, scope: str = "all") -> float:
        """Mean of one figure.

        Raises
        ------
        KeyError
            There is no such figure.
        """
        s = self.summary
        row = s[(s["strategy"] == strategy) & (s["metric"] == metric) & (s["scope"] == scope)]
        if row.empty:
            raise KeyError(f"no figure {metric!r} of {strategy!r} for {scope!r}")
        return float(row["mean"].iloc[0])


def _read_figures(file: Path) -> pd.DataFrame:
    """Read figures; a strategy may be called ``1`` and a region ``NA``."""
    words = ("strategy", "metric", "scope", "unit")
    numbers = ("value", "mean", "ci_low", "ci_high")
    return pd.read_csv(
        file,
        dtype=dict.fromkeys(words, str),
        keep_default_na=False,
        na_values={number: [""] for number in numbers},
    )
