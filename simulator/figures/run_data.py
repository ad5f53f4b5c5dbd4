"""Data: what the figures of a run have in common, and tables read in parts and folded to curves.

Curves come straight from the tables of the results folder, a part at a time; numbers in titles and
labels are those of ``summary.csv``. Nothing here needs matplotlib.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.base.errors import unknown_name
from simulator.figures.figure import NothingToShow
from simulator.figures.time_axis import EventInterval, TimeAxis, event_intervals
from simulator.figures.words import DIRECTION_WORDS
from simulator.model.demands import INTERNATIONAL
from simulator.results.results import Results

if TYPE_CHECKING:
    import pandas as pd

MOST_DRAWN = 8
"""Strategies in one picture; more lines cannot be told apart."""
MOST_POINTS = 2000
"""Points of a line; longer ones keep the lowest and highest point of every bin."""
SCOPES = ("class", "service", "region", "province", "source", "target")
"""Columns of the demands table that are the scopes of a row."""

Figures = dict[tuple[str, str], tuple[float, float, float]]
"""Mean of a metric, and the ends of its confidence interval, by strategy and scope."""
Peaks = dict[str, dict[tuple[str, str], tuple[float, float, float]]]
"""Peak utilisation and its confidence interval by strategy, then by exit and direction."""


class RunView(NamedTuple):
    """What every figure of a run needs: strategies drawn, time, events, target utilisation."""

    results: Results
    strategies: list[str]
    time: TimeAxis
    events: list[EventInterval]
    replications: int
    target: float

    @classmethod
    def of(cls, results: Results) -> RunView:
        """Gather it from finished results."""
        scenario = results.run["scenario"]
        return cls(
            results,
            drawn_strategies(results),
            TimeAxis.of(scenario),
            event_intervals(scenario),
            results.days,
            float(scenario["targets"]["exit_utilisation"]),
        )

    def figure(self, strategy: str, metric: str, scope: str = "all") -> float:
        """Return the mean of a metric from ``summary.csv``."""
        return self.results.figure(strategy, metric, scope)


def drawn_strategies(results: Results) -> list[str]:
    """Return the strategies that figures show: all, or the first and those of least regret."""
    names = results.strategies
    if len(names) <= MOST_DRAWN:
        return names
    regret = results.summary.query("metric == 'regret' and scope == 'all'")
    regret_ms = dict(zip(regret["strategy"], regret["mean"], strict=True))
    others = sorted(names[1:], key=lambda name: (regret_ms.get(name, np.inf), names.index(name)))
    kept = {names[0], *others[: MOST_DRAWN - 1]}
    return [name for name in names if name in kept]


def side_by_side(run: RunView) -> list[str]:
    """Return the two strategies that maps show first: the baseline, and one with a controller."""
    strategies = run.results.run["scenario"]["strategies"]
    steered = [
        name
        for name in run.strategies[1:]
        if (strategies[name].get("control") or {}).get("every_s") and name not in run.results.bounds
    ]
    return [run.strategies[0], *(steered or run.strategies[1:])[:1]]


def metric_figures(table: pd.DataFrame, metric: str) -> Figures:
    """Return mean and interval of a metric from the summary or the differences."""
    rows = table[table["metric"] == metric]
    names = zip(rows["strategy"], rows["scope"], strict=True)
    values = zip(rows["mean"], rows["ci_low"], rows["ci_high"], strict=True)
    return dict(zip(names, values, strict=True))


# -- curves over time ---------------------------------------------------------------------------


class Track(NamedTuple):
    """A quantity over time: mean, lowest and highest over replications."""

    time_s: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, series: int) -> Track:
        """Return one of several series."""
        return Track(self.time_s, *(values[:, series] for values in self[1:]))


Tracks = dict[str, Track]
"""A track for each strategy."""


class Folds:
    """Replications of every strategy folded into mean, lowest and highest, one at a time."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Any, Any, np.ndarray, np.ndarray]] = {}

    def add(self, strategy: str, values: np.ndarray) -> None:
        """Add the values of one replication; NaN where there is none."""
        known = np.isfinite(values)
        total, count, low, high = self._held.get(strategy, (0.0, 0, values, values))
        self._held[strategy] = (
            total + np.where(known, values, 0.0),
            count + known.astype(np.int32),
            np.fmin(low, values),
            np.fmax(high, values),
        )

    def tracks(self, time_s: np.ndarray) -> Tracks:
        """Return what was folded; NaN where no replication had a value."""
        with np.errstate(invalid="ignore"):
            return {
                strategy: Track(time_s, total / count, low, high)
                for strategy, (total, count, low, high) in self._held.items()
            }


def decimated(
    x: np.ndarray, mean: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keep the lowest and highest point of every bin, so that peaks stay visible."""
    if len(x) <= MOST_POINTS:
        return x, mean, low, high
    edges = np.linspace(0, len(x), MOST_POINTS // 2 + 1).astype(int)
    down = np.where(np.isnan(mean), np.inf, mean)
    up = np.where(np.isnan(mean), -np.inf, mean)
    pairs = [
        sorted((begin + down[begin:end].argmin(), begin + up[begin:end].argmax()))
        for begin, end in itertools.pairwise(edges)
    ]
    keep = np.array(pairs).ravel()
    band_low, band_high = np.fmin.reduceat(low, edges[:-1]), np.fmax.reduceat(high, edges[:-1])
    return x[keep], mean[keep], np.repeat(band_low, 2), np.repeat(band_high, 2)


def highest(tracks: Iterable[Track]) -> float:
    """Return the greatest value of any track; zero when there is none."""
    return max((float(np.fmax.reduce(t.high, initial=0.0)) for t in tracks), default=0.0)


def lowest(tracks: Iterable[Track]) -> float:
    """Return the least value of any track; zero when there is none."""
    least = min((float(np.fmin.reduce(t.low, initial=np.inf)) for t in tracks), default=0.0)
    return least if math.isfinite(least) else 0.0


# -- tables -------------------------------------------------------------------------------------


def rows_of(
    run: RunView, table: str, columns: list[str]
) -> Iterator[tuple[str, Iterator[pd.DataFrame]]]:
    """Read a table in parts: for every replication of a strategy that is drawn, its rows."""
    import pyarrow.parquet as pq

    keys = ["replication", "strategy"]

    def parts() -> Iterator[tuple[tuple[int, str], pd.DataFrame]]:
        with pq.ParquetFile(run.results.folder / f"{table}.parquet") as file:
            for batch in file.iter_batches(1 << 19, columns=[*keys, *columns]):
                yield from batch.to_pandas().groupby(keys, sort=False, observed=True)

    for (_, strategy), group in itertools.groupby(parts(), key=lambda part: part[0]):
        if strategy in run.strategies:
            yield str(strategy), (rows for _, rows in group)


def exit_keys(results: Results) -> list[tuple[str, str]]:
    """Return every exit and direction; raise NothingToShow where the network has no exits."""
    network = results.run["network"]
    if not network["exits"]:
        name = network["name"]
        message = f"network {name} has no exits, so there is no utilisation of exits to show"
        raise NothingToShow(message)
    return [(exit_id, way) for exit_id in network["exits"] for way in ("out", "in")]


def exit_tracks(
    run: RunView, reduce: Callable[[np.ndarray], np.ndarray] = lambda values: values
) -> Tracks:
    """Fold the utilisation of exits, steps by exits and directions, after *reduce* if given."""
    folds = Folds()
    for strategy, values in exit_values(run):
        folds.add(strategy, reduce(values))
    return folds.tracks(run.time.steps_s)


def exit_values(run: RunView) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the utilisation of exits in every replication of a strategy.

    Shape (steps, exits and directions), in the order of :func:`exit_keys`; NaN while one is down.
    """
    place = {key: i for i, key in enumerate(exit_keys(run.results))}
    columns = ["time_s", "exit", "direction", "utilisation"]
    for strategy, parts in rows_of(run, "exits", columns):
        values = np.full((len(run.time.steps_s), len(place)), np.nan)
        for rows in parts:
            exits, ways = rows["exit"].cat, rows["direction"].cat
            lookup = np.array([[place[e, w] for w in ways.categories] for e in exits.categories])
            series = lookup[exits.codes.to_numpy(), ways.codes.to_numpy()]
            values[run.time.index(rows["time_s"].to_numpy()), series] = rows["utilisation"]
        yield strategy, values


def fullest(utilisation: np.ndarray) -> np.ndarray:
    """Return the greatest of any exit and direction that is up, by step; zero when none is."""
    return np.fmax.reduce(utilisation, axis=1, initial=0.0)


def exit_capacity(run: RunView) -> dict[tuple[str, str], float]:
    """Return the capacity of every exit and direction at the start, in Gbps."""
    count, columns = len(exit_keys(run.results)), ["exit", "direction", "capacity_gbps"]
    _, parts = next(rows_of(run, "exits", columns))
    return {
        (str(exit_id), str(way)): float(gbps)
        for exit_id, way, gbps in next(parts)[columns].iloc[:count].itertuples(index=False)
    }


def exit_peaks(run: RunView) -> Peaks:
    """Return the peak of every exit and direction as ``summary.csv`` has it."""
    keys = exit_keys(run.results)
    found = metric_figures(run.results.summary, "exit_utilisation_peak")
    return {s: {(e, w): found[s, f"exit:{e}:{w}"] for e, w in keys} for s in run.strategies}


def directions_by_peak(peaks: Peaks, direction: str | None) -> list[str]:
    """Return the directions to show, the fuller one first."""
    if direction is not None:
        if direction not in DIRECTION_WORDS:
            message = f"expected a direction 'in' or 'out', found {direction!r}"
            raise unknown_name(message, direction, DIRECTION_WORDS)
        return [direction]
    top = {"in": 0.0, "out": 0.0}
    for of_exit in peaks.values():
        for (_, way), (peak, *_) in of_exit.items():
            top[way] = max(top[way], peak)
    return sorted(top, key=lambda way: -top[way])


def exits_by_peak(peaks: Peaks, ways: Sequence[str]) -> list[str]:
    """Return the exits, the fullest first; equal ones in the order of the file."""
    top: dict[str, float] = {}
    for of_exit in peaks.values():
        for (exit_id, way), (peak, *_) in of_exit.items():
            top[exit_id] = max(top.get(exit_id, 0.0), peak if way in ways else 0.0)
    return sorted(top, key=lambda exit_id: -top[exit_id])


def latency_scopes(results: Results, scope: str | None) -> list[str]:
    """Return the scopes of latency to show, after a check that the run has figures of them."""
    s = results.summary
    means = s[(s["metric"] == "latency_ms_mean") & s["mean"].notna()]
    known = list(dict.fromkeys(means["scope"]))
    _require_demands(results)
    if scope is None:
        return sorted(name for name in INTERNATIONAL if name in known) or ["all"]
    if scope not in known:
        raise unknown_name(f"no traffic named {scope!r}", scope, known)
    return [scope]


def demand_rows(
    run: RunView, scope: str | None, columns: list[str]
) -> Iterator[tuple[str, Iterator[pd.DataFrame]]]:
    """Read the rows of the demands table that belong to a scope; None is all international."""
    import pyarrow.parquet as pq

    known = pq.read_schema(_require_demands(run.results)).names
    keys = [name for name in SCOPES if name in known]

    def within(rows: pd.DataFrame) -> pd.DataFrame:
        if scope is None:
            return rows[rows["class"].isin(INTERNATIONAL)]
        if scope == "all":
            return rows
        return rows[np.any([(rows[name] == scope).to_numpy() for name in keys], axis=0)]

    for strategy, parts in rows_of(run, "demands", [*keys, *columns]):
        yield strategy, map(within, parts)


def demand_sums(run: RunView, scope: str | None) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield sums over the demands of a scope at every step, for every replication.

    They are ``offered`` and ``carried`` in Gbps, and ``latency`` and ``propagation`` in ms, both
    multiplied by what is carried.
    """
    columns = ["time_s", "offered_gbps", "carried_gbps", "latency_ms", "propagation_ms"]
    count = len(run.time.steps_s)
    for strategy, parts in demand_rows(run, scope, columns):
        sums = {name: np.zeros(count) for name in ("offered", "carried", "latency", "propagation")}
        for rows in parts:
            time_s, offered, carried, *delays = (rows[name].to_numpy() for name in columns)
            values = [offered, carried, *(np.nan_to_num(ms) * carried for ms in delays)]
            for total, weights in zip(sums.values(), values, strict=True):
                total += np.bincount(run.time.index(time_s), weights, count)
        yield strategy, sums


def _require_demands(results: Results) -> Path:
    file = results.folder / "demands.parquet"
    if not file.exists():
        raise NothingToShow("the run kept no demands table (record.demands: none)")
    return file
