"""RouteSeries: routes that change at many instants, as paths whose shares change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from simulator.model.certificate import Certificate
from simulator.model.listed import Listed
from simulator.model.path_table import PathTable
from simulator.model.routes import Routes

_SAME = 1e-12
_AT_ONCE = 2_000_000
"""Arcs of demands that move which are looked at together."""


@dataclass(frozen=True, eq=False)
class Certificates:
    """Proofs of many instants; see :class:`~simulator.model.routes.Certificate`."""

    status: np.ndarray
    mlu: np.ndarray
    mlu_bound: np.ndarray
    objective: np.ndarray
    bound: np.ndarray
    columns: np.ndarray
    rounds: np.ndarray

    def at(self, instant: int) -> Certificate:
        """Return the proof of one instant."""
        return Certificate(
            str(self.status[instant]),
            float(self.mlu[instant]),
            float(self.mlu_bound[instant]),
            float(self.objective[instant]),
            float(self.bound[instant]),
            int(self.columns[instant]),
            int(self.rounds[instant]),
        )

    def put(self, instant: int, proof: Certificate) -> None:
        """Replace the proof of one instant."""
        for each in fields(self):
            getattr(self, each.name)[instant] = getattr(proof, each.name)

    @property
    def gap(self) -> np.ndarray:
        """Gap of every instant, as :attr:`Certificate.gap`."""
        return np.array([self.at(instant).gap for instant in range(len(self.mlu))])


class MovedSeries(NamedTuple):
    """Traffic that changes of routes move, one after the other.

    Attributes
    ----------
    demands : ndarray of int, shape (changes,)
        Number of demands that move.
    gbps : ndarray, shape (changes,)
        Their moved traffic.
    peak_gbps : ndarray, shape (arcs, changes)
        The most that every arc may carry during the change, in any order of the moves.
    """

    demands: np.ndarray
    gbps: np.ndarray
    peak_gbps: np.ndarray


@dataclass(frozen=True, eq=False)
class RouteSeries:
    """Routes at many instants.

    Attributes
    ----------
    paths : PathTable
        Paths in use at any of them.
    share : ndarray, shape (paths, instants)
        Share of its demand on every path.
    since_us : ndarray of int, shape (instants,)
        When each comes into force; of no account where routes are not in force yet.
    """

    paths: PathTable
    share: np.ndarray
    since_us: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def at(self, instant: int) -> Routes:
        """Return the routes of one instant."""
        share = self.share[:, instant]
        used = np.flatnonzero(share > 0)
        listed = self._listed(share).take(used)
        paths = self.paths
        return Routes.from_paths(paths.network, paths.demands, *listed)

    def _listed(self, share: np.ndarray) -> Listed:
        return Listed(self.paths.demand, share, self.paths.arcs, self.paths.starts)

    def above(self, below: Routes, demands: np.ndarray, part: float) -> RouteSeries:
        """Return the series for all demands: what it does not serve follows the routes *below*.

        Parameters
        ----------
        below : Routes
            All of whose paths are listed.
        demands : ndarray of int
            What the demands of this series are among all.
        part : float
            Share of each of them that follows the series.
        """
        other, mine = below.listed, self._listed(np.empty(len(self.paths)))
        assert other is not None
        share = self.share * part if part != 1.0 else self.share
        served = np.zeros((len(below), share.shape[1]))
        served[demands] = self.paths.gathers @ share
        rest = np.maximum(1.0 - served, 0.0)
        rest[rest < _SAME] = 0.0
        follows = np.asarray(rest.any(axis=1))
        kept = np.flatnonzero(follows[other.demand])
        other = other.take(kept)
        joined = _joined(mine._replace(demand=demands[mine.demand]), other)
        shares = np.concatenate([share, other.share[:, None] * rest[other.demand]])
        return RouteSeries(PathTable.of(below.network, len(below), joined), shares, self.since_us)

    def with_routes(self, instant: int, routes: Routes) -> RouteSeries:
        """Return the series with other routes at one instant."""
        wider, at, share = self._with_paths_of(routes)
        wider.share[:, instant] = np.bincount(at, share, len(wider.paths))
        return wider

    def after(self, before: Routes, since_us: int) -> RouteSeries:
        """Return the series with the routes in force before it as its first instant."""
        wider, at, share = self._with_paths_of(before)
        first = np.bincount(at, share, len(wider.paths))
        times = np.concatenate([[since_us], self.since_us])
        return RouteSeries(wider.paths, np.column_stack([first, wider.share]), times)

    def _with_paths_of(self, routes: Routes) -> tuple[RouteSeries, np.ndarray, np.ndarray]:
        """Return the series with the paths of routes as well, where they are, and their shares."""
        listed = routes.listed
        assert listed is not None
        mine = self._listed(np.zeros(len(self.paths)))
        place = {mark: p for p, mark in enumerate(_marks(mine))}
        at = np.array([place.get(mark, -1) for mark in _marks(listed)], dtype=np.int64)
        new = np.flatnonzero(at < 0)
        at[new] = len(mine.demand) + np.arange(len(new))
        table = PathTable.of(self.paths.network, len(routes), _joined(mine, listed.take(new)))
        share = np.concatenate([self.share, np.zeros((len(new), self.share.shape[1]))])
        return RouteSeries(table, share, self.since_us), at, listed.share

    def loads(self, rates_gbps: np.ndarray) -> np.ndarray:
        """Rate offered to every arc at every instant, for rates (demands x instants)."""
        return np.asarray(self.paths.crosses @ (self.share * rates_gbps[self.paths.demand]))

    def take(self, instants: np.ndarray) -> RouteSeries:
        """Return the routes of some instants."""
        return RouteSeries(self.paths, self.share[:, instants], self.since_us[instants])

    def each(self) -> list[Routes]:
        """Return the routes of every instant; the same object while they do not change."""
        made, changes = [self.at(0)], set(self.changes.tolist())
        for instant in range(1, self.share.shape[1]):
            made.append(self.at(instant) if instant in changes else made[-1])
        return made

    @cached_property
    def changes(self) -> np.ndarray:
        """The instants whose routes differ from those of the instant before, shape (some,)."""
        apart = np.abs(np.diff(self.share, axis=1)) > _SAME
        return 1 + np.flatnonzero(apart.any(axis=0))

    def moved(self, rates_gbps: np.ndarray) -> MovedSeries:
        """Return what every change moves; see :meth:`Routes.moved`.

        Parameters
        ----------
        rates_gbps : ndarray, shape (demands, instants - 1)
            Rates at each change, which are those of the instants but the first.
        """
        changes = self.share.shape[1] - 1
        peak = self.paths.crosses @ (self.share[:, :-1] * rates_gbps[self.paths.demand])
        made = MovedSeries(np.zeros(changes, dtype=np.int64), np.zeros(changes), peak)
        rise = np.diff(self.share, axis=1)
        path, change = np.nonzero(np.abs(rise) > _SAME)
        order = np.argsort(change, kind="stable")
        path, change = path[order], change[order]
        for few in _whole_groups(change, max(1, _AT_ONCE // len(peak))):
            mine = path[few], change[few]
            self._add_moves(made, *mine, rise[mine], rates_gbps)
        return made

    def _add_moves(
        self,
        made: MovedSeries,
        path: np.ndarray,
        change: np.ndarray,
        rise: np.ndarray,
        rates_gbps: np.ndarray,
    ) -> None:
        """Add what paths whose share rises or falls at a change move."""
        which, pair = np.unique(
            change * self.paths.demands + self.paths.demand[path], return_inverse=True
        )
        at, k = np.divmod(which, self.paths.demands)
        grown, rate = self._grown(path, pair, rise, len(which)), rates_gbps[k, at]
        share = grown.max(axis=1, initial=0.0)
        share[share < 1e-9] = 0.0
        np.add.at(made.demands, at, share * rate > 0)
        np.add.at(made.gbps, at, np.minimum(share, 1.0) * rate)
        row, arc = np.nonzero(grown)
        np.add.at(made.peak_gbps, (arc, at[row]), grown[row, arc] * rate[row])

    def _grown(
        self, path: np.ndarray, pair: np.ndarray, rise: np.ndarray, pairs: int
    ) -> np.ndarray:
        """Rise of the share on each arc (pairs x arcs), of the paths of each pair; 0 for a fall."""
        paths, arcs = self.paths, len(self.paths.network.tail)
        length = np.diff(paths.starts)[path]
        begins = np.cumsum(length) - length
        hop = np.arange(length.sum()) + np.repeat(paths.starts[path] - begins, length)
        cell = np.repeat(pair * arcs, length) + paths.arcs[hop]
        total = np.bincount(cell, np.repeat(rise, length), pairs * arcs)
        return np.maximum(total, 0.0).reshape(pairs, arcs)

    def timed(self, since_us: np.ndarray) -> RouteSeries:
        """Return the series with the instants at which it comes into force."""
        return replace(self, since_us=since_us)


class Answers(NamedTuple):
    """Routes at many cycles.

    Attributes
    ----------
    series : RouteSeries
        Of the demands that are routed.
    certificates : Certificates
    last : Routes
        Those of the last cycle.
    """

    series: RouteSeries
    certificates: Certificates
    last: Routes


def _whole_groups(numbers: np.ndarray, most: int) -> Iterator[slice]:
    """Cut rising numbers into runs of about *most*, equal ones together."""
    first = 0
    while first < len(numbers):
        last = numbers[min(first + most, len(numbers)) - 1]
        end = int(np.searchsorted(numbers, last, side="right"))
        yield slice(first, end)
        first = end


def _joined(first: Listed, second: Listed) -> Listed:
    """Return the paths of both, one list after the other."""
    return Listed(
        np.concatenate([first.demand, second.demand]),
        np.concatenate([first.share, second.share]),
        np.concatenate([first.arcs, second.arcs]),
        np.concatenate([first.starts, first.starts[-1] + second.starts[1:]]),
    )


def _marks(listed: Listed) -> list[tuple[int, bytes]]:
    """What is the same for the same paths: demand and arcs."""
    ends = zip(listed.demand.tolist(), listed.starts[:-1], listed.starts[1:], strict=True)
    return [(demand, listed.arcs[start:end].tobytes()) for demand, start, end in ends]
