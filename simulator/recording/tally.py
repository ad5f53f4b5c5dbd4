"""Tally: sums over time of one strategy, and the totals that metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import sparse

from simulator.model.demands import CLASSES, Demands
from simulator.model.link_state import LinkState
from simulator.model.network import Network
from simulator.model.path_flows import FullWaits, PathFlows
from simulator.model.topology import LINK_CLASSES
from simulator.recording.histogram import Histogram, volumes
from simulator.recording.transit import TransitTotals
from simulator.results.statistics import weighted_mean

_PATH_SUMS = ("queueing", "least", "most", "full", "unlisted")
"""Sums over traffic that is known path by path."""

# -- what metrics see ---------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ExitTotals:
    """One direction of an exit while it is up, or the hottest of several at every time.

    Attributes
    ----------
    utilisation : ndarray, shape (intervals,)
    seconds : ndarray, shape (intervals,)
        Length of each interval.
    mean : float
        Mean of the utilisation; of several, volume offered over the volume that would fit.
    """

    utilisation: np.ndarray
    seconds: np.ndarray
    mean: float


@dataclass(frozen=True, eq=False)
class TrafficTotals:
    """The traffic of one scope: a class, a region, a service, or all.

    Attributes
    ----------
    offered_gbit, delivered_gbit, deferred_gbit : float
        Volumes; offered = delivered + lost + deferred.
    latency_gbit_ms, propagation_gbit_ms : float
        Volume delivered times its latency, and times its propagation delay.
    queueing_gbit_ms : float
        Volume delivered times its wait below capacity (:class:`~simulator.queues.queue.Waits`).
    least_gbit_ms, most_gbit_ms : float
        As ``latency_gbit_ms``, with the least and the largest buffer of the range.
    full_gbit, full_s : float
        Volume delivered over a link at or above capacity, and seconds in which there was any.
    unlisted_gbit : float
        Volume delivered over paths too many to list.
    """

    offered_gbit: float
    delivered_gbit: float
    deferred_gbit: float
    latency_gbit_ms: float
    propagation_gbit_ms: float
    queueing_gbit_ms: float
    least_gbit_ms: float
    most_gbit_ms: float
    full_gbit: float
    full_s: float
    unlisted_gbit: float
    _by_latency: tuple[Histogram, ...]
    _below_capacity: tuple[Histogram, ...]
    _groups: np.ndarray

    @property
    def lost_gbit(self) -> float:
        """Volume lost."""
        lost = self.offered_gbit - self.delivered_gbit - self.deferred_gbit
        return lost if lost > 1e-11 * self.offered_gbit else 0.0  # sums of many terms round

    def mean(self, gbit: float) -> float:
        """Return a sum over the volume delivered; NaN without any."""
        return gbit / self.delivered_gbit if self.delivered_gbit > 0 else np.nan

    @property
    def latency_ms(self) -> float:
        """Mean latency of the volume delivered."""
        return self.mean(self.latency_gbit_ms)

    @property
    def propagation_ms(self) -> float:
        """Mean propagation delay of the volume delivered."""
        return self.mean(self.propagation_gbit_ms)

    @cached_property
    def by_latency(self) -> tuple[np.ndarray, np.ndarray]:
        """Latencies in ms in rising order, and the volume in Gbit that was delivered at each."""
        return volumes(self._by_latency, self._groups)

    @cached_property
    def by_latency_below_capacity(self) -> tuple[np.ndarray, np.ndarray]:
        """The same of propagation and wait below capacity alone."""
        return volumes(self._below_capacity, self._groups)


@dataclass(frozen=True)
class InboundTotals:
    """How full the fullest inward exit is at the busiest instant, and how full it had to be.

    Attributes
    ----------
    own : float
        Utilisation as the strategy announces.
    known, pieces, direct : float
        The least if what neighbours choose were known, if whole groups went to exits at will, and
        if traffic did; see :class:`simulator.inbound.ladder.Ladder`.
    """

    own: float
    known: float
    pieces: float
    direct: float


@dataclass(frozen=True, eq=False)
class Totals:
    """What one strategy of one replication adds up to; every metric is a function of it.

    An interval is a stretch of time in which nothing changes.

    Attributes
    ----------
    horizon_s : float
        Length of the run.
    seconds : ndarray, shape (intervals,)
        Length of each interval.
    exit_utilisation : dict of str to ndarray, shape (exits, intervals)
        Of ``out`` and ``in``; NaN while an exit is down.
    exits : dict of str to ExitTotals
        By scope: ``all`` (the hottest exit), ``exits:out`` and ``exits:in`` (the hottest of one
        direction), then ``exit:ID:out`` and ``exit:ID:in``.
    links : dict of str to ndarray, shape (intervals,)
        By link class: the highest utilisation of any link.
    traffic : dict of str to TrafficTotals
        By scope: ``all``, classes, regions, services.
    defers : bool
        Whether any service is elastic.
    headroom : float
        Least factor by which international traffic could grow.
    decisions : dict of str to ndarray, shape (decisions,)
        Columns of the table ``control``.
    cost_gbit_ms : float
        Cost of the routes by the measure of the clairvoyant bound; 0 without a bound.
    best_gbit_ms : float or None
        Cost of the clairvoyant bound, if the scenario has one.
    exit_target : float
        Utilisation that headroom is counted to.
    inbound : InboundTotals or None
        Of the busiest instant, where neighbours abroad choose and the strategy announces.
    transit : dict of str to TransitTotals
        By exit, of those that have a price.
    recovery : tuple of float or None
        Longest recovery from an event in seconds, the volume in Gbit that did not get through
        meanwhile, and the highest utilisation soon after an event; None without events.
    """

    horizon_s: float
    seconds: np.ndarray
    exit_utilisation: dict[str, np.ndarray]
    exits: dict[str, ExitTotals]
    links: dict[str, np.ndarray]
    traffic: dict[str, TrafficTotals]
    defers: bool
    headroom: float
    decisions: Mapping[str, np.ndarray]
    cost_gbit_ms: float
    best_gbit_ms: float | None
    exit_target: float = np.nan
    inbound: InboundTotals | None = None
    transit: Mapping[str, TransitTotals] = field(default_factory=dict)
    recovery: tuple[float, float, float] | None = None


# -- groups of demands --------------------------------------------------------------------------


def _labels(network: Network, demands: Demands, word: str) -> list[str]:
    """Return a label of every demand: its ``class``, ``service``, ``region`` or ``province``.

    The region is the end abroad (of transit, the source), the province the end at home (of domestic
    traffic, the source); empty where there is none.
    """
    if word in ("class", "service"):
        labels = demands.traffic_class if word == "class" else demands.service
        assert labels is not None
        return list(map(str, labels))
    wanted = network.is_abroad if word == "region" else ~network.is_abroad
    end = np.where(wanted[demands.source], demands.source, demands.target)
    names = np.array([*network.nodes, ""], dtype=object)
    return list(map(str, names[np.where(wanted[end], end, -1)]))


class Groups:
    """Demands that share some labels, such as class and region.

    Parameters
    ----------
    words : sequence of str
        The labels: ``class``, ``service``, ``region`` or ``province``.

    Attributes
    ----------
    keys : list of tuple of str
        Labels of each group, sorted.
    of : ndarray of int, shape (demands,)
        Group of each demand.
    sum : scipy.sparse.csr_array, shape (groups, demands)
        Sums over the groups, as a matrix.
    """

    def __init__(self, network: Network, demands: Demands, words: Sequence[str]) -> None:
        keys = list(zip(*(_labels(network, demands, word) for word in words), strict=True))
        self.words, self.keys = tuple(words), sorted(set(keys))
        index = {key: i for i, key in enumerate(self.keys)}
        self.of = np.array([index[key] for key in keys], dtype=np.int64)
        shape = (len(self.keys), len(demands))
        self.sum = sparse.csr_array(
            (np.ones(len(demands)), (self.of, np.arange(len(demands)))), shape=shape
        )

    def totals(self, per_demand: np.ndarray) -> np.ndarray:
        """Sums over the groups, shape (groups, instants); each column by itself, bit for bit."""
        return np.asarray(self.sum @ per_demand)  # row by row: no column depends on another

    def scopes(self) -> dict[str, np.ndarray]:
        """Groups of each scope: ``all``, every class, every region, every service."""
        found: dict[str, list[int]] = {"all": list(range(len(self.keys)))}
        for i, (traffic_class, region, *_) in enumerate(self.keys):
            found.setdefault(traffic_class, []).append(i)
            if region:
                taken = region in ("all", *CLASSES)
                found.setdefault(f"region:{region}" if taken else region, []).append(i)
        taken_by_others = frozenset(("all", *CLASSES, *found))
        for i, (_, _, *service) in enumerate(self.keys):
            for name in service:
                scope = f"service:{name}" if name in taken_by_others else name
                found.setdefault(scope, []).append(i)
        return {scope: np.array(groups, dtype=np.int64) for scope, groups in found.items()}


# -- sums ---------------------------------------------------------------------------------------


class Tally:
    """Sums over time behind the figures."""

    def __init__(self, network: Network, demands: Demands, defers: bool) -> None:
        services = () if demands.service is None else ("service",)
        self._groups = groups = Groups(network, demands, ("class", "region", *services))
        self._network, self._defers = network, defers
        self._seconds: list[np.ndarray] = []
        self._exits: list[np.ndarray] = []
        self._mlu: list[np.ndarray] = []
        self._exit_offered, self._exit_room = np.zeros((2, 2))
        count = len(groups.keys)
        self._offered, self._delivered, self._deferred = np.zeros((3, count))
        self._latency, self._propagation = np.zeros((2, count))
        self._sums = {name: np.zeros(count) for name in _PATH_SUMS}
        #: Of paths without a full link on them, and of the others with and without what it takes.
        self._free, self._whole, self._below = (Histogram(count) for _ in range(3))
        self._scopes = groups.scopes()
        self._full_s = dict.fromkeys(self._scopes, 0.0)
        classes = np.repeat(network.link_class, 2)
        self._classes = [c for c in LINK_CLASSES if (classes == c).any()]
        self._members = [np.flatnonzero(classes == c) for c in self._classes]

    def ask(self, rates_gbps: np.ndarray, seconds: np.ndarray) -> None:
        """Add the traffic that is asked for in whole steps, one after the other.

        The order of summing does not depend on the intervals that a strategy cuts its steps into:
        all strategies are offered the same to the last bit.
        """
        asked = self._groups.totals(rates_gbps)
        for volume in (asked * seconds).T:
            self._offered += volume

    def add(self, state: LinkState, seconds: np.ndarray, exit_arcs: np.ndarray) -> None:
        """Add intervals: the instants of *state*, each of which lasts so many seconds.

        *exit_arcs* are all exits out, then all exits in.
        """
        self._seconds.append(seconds)
        self._exits.append(state.utilisation[exit_arcs])
        at = np.nan_to_num(state.utilisation, nan=0.0)
        self._mlu.append(np.array([at[arcs].max(axis=0) for arcs in self._members]))
        for way, arcs in enumerate(np.split(exit_arcs, 2)):
            self._exit_offered[way] += state.offered_gbps[arcs].sum(axis=0) @ seconds
            self._exit_room[way] += state.capacity_gbps[arcs].sum() * seconds.sum()
        total = self._groups.sum
        weight = state.delivered_gbps * seconds
        self._delivered += total @ weight.sum(axis=1)
        if self._defers:
            self._deferred += total @ ((state.rates_gbps - state.sent_gbps) @ seconds)
        latency = np.nan_to_num(state.latency_ms, nan=0.0)
        self._latency += total @ (latency * weight).sum(axis=1)
        propagation = np.nan_to_num(state.propagation_ms, nan=0.0)
        self._propagation += total @ (propagation * weight).sum(axis=1)

    def add_paths(self, flows: Iterable[PathFlows], seconds: np.ndarray) -> None:
        """Add what is known path by path of the same intervals."""
        count = len(self._groups.keys)
        met = np.zeros((count, len(seconds)), dtype=bool)
        for each in flows:
            group, volume = self._groups.of[each.demand], each.gbps * seconds[each.instant]
            below = each.propagation_ms + each.queueing_ms
            waited, least = _over_time(each.queueing_ms, volume), _over_time(below, volume)
            sums = {"queueing": waited, "least": least, "most": least.copy()}
            if not each.listed:
                sums["unlisted"] = volume.sum(axis=1)
            free = np.ones(len(group), dtype=bool)
            if each.rest is not None:
                self._add_full(each.rest, group, volume, below, sums)
                free[each.rest.which] = False
                path, at = np.nonzero(each.rest.full & (volume[each.rest.which] > 0))
                where = np.broadcast_to(each.instant, volume.shape)[each.rest.which[path], at]
                met[group[each.rest.which[path]], where] = True
            self._free.add(group[free], below[free], volume[free])
            for name, values in sums.items():
                self._sums[name] += np.bincount(group, values, count)
        for scope, groups in self._scopes.items():
            self._full_s[scope] += float(seconds @ met[groups].any(axis=0))

    def _add_full(
        self,
        rest: FullWaits,
        group: np.ndarray,
        volume: np.ndarray,
        below_ms: np.ndarray,
        sums: dict[str, np.ndarray],
    ) -> None:
        """Add waits beside those below capacity: to *sums*, and to two of the histograms."""
        which, mine, below = rest.which, volume[rest.which], below_ms[rest.which]
        sums["full"] = np.zeros(len(group))
        sums["full"][which] = _over_time(rest.full.astype(float), mine)
        sums["least"][which] += _over_time(rest.least_ms, mine)
        sums["most"][which] += _over_time(rest.most_ms, mine)
        self._below.add(group[which], below, mine)
        self._whole.add(group[which], below + rest.full_ms, mine)

    def totals(
        self,
        *,
        horizon_s: float,
        headroom: float,
        decisions: Mapping[str, np.ndarray],
        cost_gbit_ms: float,
        best_gbit_ms: float | None,
        exit_target: float = np.nan,
        inbound: InboundTotals | None = None,
        transit: Mapping[str, TransitTotals] | None = None,
        recovery: tuple[float, float, float] | None = None,
    ) -> Totals:
        """Return the sums, together with what is known of the strategy besides them."""
        seconds = np.concatenate(self._seconds)
        out, back = np.split(np.concatenate(self._exits, axis=1), 2)
        ways = {"out": out, "in": back}
        highest = np.concatenate(self._mlu, axis=1)
        return Totals(
            horizon_s=horizon_s,
            seconds=seconds,
            exit_utilisation=ways,
            exits=dict(self._exit_totals(ways, seconds)),
            links=dict(zip(self._classes, highest, strict=True)),
            traffic={scope: self._traffic(scope, at) for scope, at in self._scopes.items()},
            defers=self._defers,
            headroom=headroom,
            decisions=decisions,
            cost_gbit_ms=cost_gbit_ms,
            best_gbit_ms=best_gbit_ms,
            exit_target=exit_target,
            inbound=inbound,
            transit=transit or {},
            recovery=recovery,
        )

    def _exit_totals(
        self, ways: dict[str, np.ndarray], seconds: np.ndarray
    ) -> Iterator[tuple[str, ExitTotals]]:
        links = [self._network.links[i] for i in self._network.exits]
        if not links:
            return
        hottest = {way: np.nan_to_num(each, nan=0.0).max(axis=0) for way, each in ways.items()}
        offered, room = self._exit_offered, self._exit_room
        mean = offered.sum() / room.sum() if room.sum() > 0 else np.nan
        yield "all", ExitTotals(np.maximum(*hottest.values()), seconds, mean)
        for i, way in enumerate(ways):
            mean = offered[i] / room[i] if room[i] > 0 else np.nan
            yield f"exits:{way}", ExitTotals(hottest[way], seconds, mean)
        for way, series in ways.items():
            for link, values in zip(links, series, strict=True):
                up = np.isfinite(values)
                value, weight = values[up], seconds[up]
                yield f"exit:{link}:{way}", ExitTotals(value, weight, weighted_mean(value, weight))

    def _traffic(self, scope: str, groups: np.ndarray) -> TrafficTotals:
        sums = {name: values[groups].sum() for name, values in self._sums.items()}
        return TrafficTotals(
            offered_gbit=self._offered[groups].sum(),
            delivered_gbit=self._delivered[groups].sum(),
            deferred_gbit=self._deferred[groups].sum(),
            latency_gbit_ms=self._latency[groups].sum(),
            propagation_gbit_ms=self._propagation[groups].sum(),
            queueing_gbit_ms=sums["queueing"],
            least_gbit_ms=sums["least"],
            most_gbit_ms=sums["most"],
            full_gbit=sums["full"],
            full_s=self._full_s[scope],
            unlisted_gbit=sums["unlisted"],
            _by_latency=(self._free, self._whole),
            _below_capacity=(self._free, self._below),
            _groups=groups,
        )


def _over_time(values: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Sum of values times volumes over all instants, shape (paths,)."""
    return np.einsum("pt,pt->p", np.broadcast_to(values, volume.shape), volume)
