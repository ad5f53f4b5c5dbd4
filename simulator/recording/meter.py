"""The monitor: watches one strategy and turns what passes into figures and tables.

Between two changes of anything everything is constant, so figures are exact sums over such
intervals, not samples. Intervals that share routes and plant are evaluated together, in one sweep
over arrays. Tables hold one row a step: means over the step, and its peak utilisation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from simulator.model.demands import CLASSES, Demands
from simulator.model.link_state import LinkState, QosPolicy
from simulator.model.network import LINK_CLASSES, Network
from simulator.model.routes import Routes
from simulator.model.schedule import runs, scheduled_link_state
from simulator.queues.queue import Queue
from simulator.recording.headroom import Headroom
from simulator.results.results import Coded
from simulator.results.statistics import jain, weighted_mean, weighted_quantiles
from simulator.simulation.clock import US_PER_S, Clock
from simulator.simulation.network_state import NetworkState
from simulator.simulation.traffic_source import BLOCK, Source

ABOVE = (70, 80, 90, 100)
_NOT_SUMMED = frozenset({"peak", "asked"})
_LATENCY_GRAIN_MS = 1e-3

Figures = list[tuple[str, str, str, float]]
"""Rows of metric, scope, unit and value."""
Cost = Callable[[Network, Routes, np.ndarray], np.ndarray]
Emit = Callable[[str, dict[str, Any]], None]
"""Takes a table's name and its columns."""


class Monitor:
    """Watches one strategy in one replication.

    Parameters
    ----------
    clock, plant, source : Clock, Plant, Source
    queue : Queue
    demands : Demands
        Base demands; rates come from the source.
    routes : callable
        Returns the routes now in force.
    step_us, end_us, steps : int
        Length of a step, the horizon, and how many steps there are.
    detail : str
        Rows of the demands table: ``region``, ``province``, ``service``, ``pair`` or ``none``.
    every : int
        Keep every n-th step in the tables.
    emit : callable
        Takes finished table rows.
    headroom : Headroom
        Watches how much room is left.
    cost : callable, optional
        Cost of (network, routes, rates) by which strategies are held against the best, in Gbps ms
        by instant.
    treatment : Treatment, optional
        How demands share links that are full.

    Attributes
    ----------
    cost_gbit_ms : float
        Its integral over time so far.
    """

    def __init__(
        self,
        clock: Clock,
        network_state: NetworkState,
        source: Source,
        *,
        queue: Queue,
        demands: Demands,
        routes: Callable[[], Routes],
        step_us: int,
        end_us: int,
        steps: int,
        detail: str,
        every: int,
        emit: Emit,
        headroom: Headroom,
        cost: Cost | None = None,
        qos: QosPolicy | None = None,
    ) -> None:
        self._step_us, self._end_us, self._steps = step_us, end_us, steps
        self._clock, self._network_state, self._source, self._queue = (
            clock,
            network_state,
            source,
            queue,
        )
        self._routes = routes
        self._since, self._step = 0, 0
        self._pending: list[tuple[int, int, int]] = []
        self._followed: list[Routes] = []
        network = network_state.network
        self._network, self._demands = network, demands
        self._exit_arcs = np.concatenate([network.exit_arcs["out"], network.exit_arcs["in"]])
        self._qos = qos
        defers = qos is not None and bool(qos.elastic.any())
        self._rows = _Rows(network, demands, step_us, detail, every, emit, defers)
        self._tally = _Tally(network, demands, defers)
        self._headroom = headroom
        self._cost, self.cost_gbit_ms = cost, 0.0

    # -- called as time passes ----------------------------------------------------------------

    def step(self, step: int) -> None:
        """Begin a step of traffic."""
        self._cut()
        self._step = step
        if len(self._pending) >= BLOCK:
            self._evaluate()

    def cut(self) -> None:
        """Take note of the time so far, before routes change."""
        self._cut()
        if len(self._pending) >= BLOCK:
            self._evaluate()

    def settle(self) -> None:
        """Account for the time so far, before the plant changes."""
        self._cut()
        self._evaluate()

    def current_rates(self) -> np.ndarray:
        """Rates of every demand at this moment."""
        return self._source.rates(self._step)

    def _cut(self) -> None:
        now = self._clock.now
        if now > self._since:
            self._pending.append((self._since, now, self._step))
            self._followed.append(self._routes())
            self._since = now

    def _evaluate(self) -> None:
        if not self._pending:
            return
        span = np.array(self._pending, dtype=np.int64)
        routes = self._followed
        self._pending, self._followed = [], []
        rates = self._source.run([int(step) for step in span[:, 2]])
        network = self._network_state.network
        state = scheduled_link_state(routes, network, rates, self._queue, self._qos)
        seconds = (span[:, 1] - span[:, 0]) / US_PER_S
        begun = span[:, 0] % self._step_us == 0
        # The last step lasts to the horizon, wherever that lies.
        last = span[begun, 2] == self._steps - 1
        whole = np.where(last, self._end_us - span[begun, 0], self._step_us) / US_PER_S
        self._tally.ask(rates[:, begun], whole)
        self._tally.add(state, seconds, self._exit_arcs)
        self._rows.add(state, span, seconds, self._exit_arcs)
        self._headroom.see(network, rates)
        if self._cost:
            for each, at in runs(routes):
                self.cost_gbit_ms += float(self._cost(network, each, rates[:, at]) @ seconds[at])

    # -- at the end ---------------------------------------------------------------------------

    def close(self) -> Figures:
        """Close integrals at the horizon and return the figures."""
        self.settle()
        self._rows.close()
        return [*self._tally.figures(), ("headroom", "all", "1", self._headroom.factor())]


def _labels(network: Network, demands: Demands, word: str) -> list[str]:
    """A label of every demand: its ``class``, ``service``, ``region`` or ``province``.

    The region is the end abroad (of transit, the source), the province the end at home (of domestic
    traffic, the source); empty where there is none.
    """
    if word == "class":
        return [str(each) for each in demands.traffic_class]
    if word == "service":
        assert demands.service is not None
        return [str(each) for each in demands.service]
    wanted = network.is_abroad if word == "region" else ~network.is_abroad
    end = np.where(wanted[demands.source], demands.source, demands.target)
    names = np.array([*network.nodes, ""], dtype=object)
    return [str(each) for each in names[np.where(wanted[end], end, -1)]]


class _Groups:
    """Demands that share some labels, such as class and region."""

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
        columns = [np.bincount(self.of, column, len(self.keys)) for column in per_demand.T]
        return np.array(columns).reshape(-1, len(self.keys)).T

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


class _Tally:
    """Sums over time behind the figures."""

    def __init__(self, network: Network, demands: Demands, defers: bool) -> None:
        services = () if demands.service is None else ("service",)
        self._groups = groups = _Groups(network, demands, ("class", "region", *services))
        self._network, self._defers = network, defers
        self._seconds: list[np.ndarray] = []
        self._exits: list[np.ndarray] = []
        self._mlu: list[np.ndarray] = []
        self._exit_offered = 0.0
        self._exit_room = 0.0
        count = len(groups.keys)
        self._offered, self._delivered = np.zeros(count), np.zeros(count)
        self._deferred = np.zeros(count)
        self._latency, self._propagation = np.zeros(count), np.zeros(count)
        self._spread = _Spread(count)
        classes = np.repeat(network.link_class, 2)
        self._classes = [c for c in LINK_CLASSES if (classes == c).any()]
        self._members = [np.flatnonzero(classes == c) for c in self._classes]

    def ask(self, rates_gbps: np.ndarray, seconds: np.ndarray) -> None:
        """Add what is asked for in whole steps, one after the other.

        In one order, whatever pieces a strategy cuts its steps into: all strategies are offered
        the same to the last bit.
        """
        asked = self._groups.totals(rates_gbps)
        for step, lasting in enumerate(seconds):
            self._offered += asked[:, step] * lasting

    def add(self, state: LinkState, seconds: np.ndarray, exit_arcs: np.ndarray) -> None:
        self._seconds.append(seconds)
        self._exits.append(state.utilisation[exit_arcs])
        at = np.nan_to_num(state.utilisation, nan=0.0)
        self._mlu.append(np.array([at[arcs].max(axis=0) for arcs in self._members]))
        self._exit_offered += float(state.offered_gbps[exit_arcs].sum(axis=0) @ seconds)
        self._exit_room += float(state.capacity_gbps[exit_arcs].sum() * seconds.sum())
        total = self._groups.sum
        weight = state.delivered_gbps * seconds
        self._delivered += total @ weight.sum(axis=1)
        if self._defers:
            self._deferred += total @ ((state.rates_gbps - state.sent_gbps) @ seconds)
        latency = np.nan_to_num(state.latency_ms, nan=0.0)
        self._latency += total @ (latency * weight).sum(axis=1)
        propagation = np.nan_to_num(state.propagation_ms, nan=0.0)
        self._propagation += total @ (propagation * weight).sum(axis=1)
        self._spread.add(self._groups.of, latency, weight)

    def figures(self) -> Figures:
        rows: Figures = []
        seconds = np.concatenate(self._seconds)
        self._exit_figures(rows, seconds)
        mlu = np.concatenate(self._mlu, axis=1)
        if len(mlu):
            rows.append(("mlu_peak", "all", "1", float(mlu.max())))
        for name, series in zip(self._classes, mlu, strict=True):
            rows.append(("mlu_peak", name, "1", float(series.max())))
        for scope, groups in self._groups.scopes().items():
            self._traffic_figures(rows, scope, groups)
        return rows

    def _exit_figures(self, rows: Figures, seconds: np.ndarray) -> None:
        if not len(self._network.exits):
            return
        series = np.concatenate(self._exits, axis=1)
        half = len(series) // 2
        hottest = np.nan_to_num(series, nan=0.0).max(axis=0)
        balance = [jain(series[:half]), jain(series[half:])]
        links = [self._network.links[i] for i in self._network.exits]
        scopes = [f"exit:{link}:{way}" for way in ("out", "in") for link in links]
        for scope, values in (("all", hottest), *zip(scopes, series, strict=True)):
            live = np.isfinite(values)
            value, weight = values[live], seconds[live]
            rows.append(("exit_utilisation_peak", scope, "1", float(value.max(initial=0.0))))
            p95 = weighted_quantiles(value, weight, [0.95])[0]
            rows.append(("exit_utilisation_p95", scope, "1", p95))
            mean = weighted_mean(value, weight)
            if scope == "all":
                mean = self._exit_offered / self._exit_room if self._exit_room > 0 else np.nan
            rows.append(("exit_utilisation_mean", scope, "1", mean))
            for level in ABOVE:
                # A controller fills an exit to its cap and a solver's tolerance: not above it.
                hours = float(weight[value > level / 100 * (1 + 1e-6)].sum()) / 3600
                rows.append((f"hours_above_{level}", scope, "h", hours))
        fair = [weighted_mean(np.nan_to_num(b), seconds * np.isfinite(b)) for b in balance]
        fair = [index for index in fair if np.isfinite(index)]
        balance_of_both = float(np.mean(fair)) if fair else float("nan")
        rows.append(("exit_balance_jain", "all", "1", balance_of_both))

    def _traffic_figures(self, rows: Figures, scope: str, groups: np.ndarray) -> None:
        offered, delivered = self._offered[groups].sum(), self._delivered[groups].sum()
        latency, propagation = self._latency[groups].sum(), self._propagation[groups].sum()
        deferred = self._deferred[groups].sum()
        lost = offered - delivered - deferred
        lost = lost if lost > 1e-11 * offered else 0.0  # sums of many terms round
        mean = latency / delivered if delivered > 0 else np.nan
        fixed = propagation / delivered if delivered > 0 else np.nan
        rows.append(("latency_ms_mean", scope, "ms", float(mean)))
        percents = (50, 95, 99)
        spread = self._spread.quantiles(groups, [q / 100 for q in percents])
        for q, value in zip(percents, spread, strict=True):
            rows.append((f"latency_ms_p{q}", scope, "ms", value))
        rows.append(("propagation_ms_mean", scope, "ms", float(fixed)))
        rows.append(("queueing_ms_mean", scope, "ms", float(mean - fixed)))
        rows.append(("offered_gbit", scope, "Gbit", float(offered)))
        rows.append(("carried_gbit", scope, "Gbit", float(delivered)))
        rows.append(("lost_gbit", scope, "Gbit", float(lost)))
        rows.append(("loss_fraction", scope, "1", float(lost / offered) if offered > 0 else 0.0))
        if self._defers:
            rows.append(("deferred_gbit", scope, "Gbit", float(deferred)))


class _Spread:
    """Volume by latency and group, exact to a microsecond, however long the run.

    A histogram in pages, of which only those exist that something fell into: adding is as quick as
    counting, and a year takes no more memory than the spread of its latencies.
    """

    PAGE = 4096

    def __init__(self, groups: int) -> None:
        #: Where each group's pages stand in the book; -1 for those that nothing fell into.
        self._page_of = np.full((groups, 1), -1)
        self._book = np.zeros((0, self.PAGE))
        self._pages = 0

    def add(self, group: np.ndarray, latency_ms: np.ndarray, weight: np.ndarray) -> None:
        """Add volumes, shape (demands, instants), of demands that belong to groups."""
        grain = np.rint(latency_ms / _LATENCY_GRAIN_MS).astype(np.int64)
        keep = weight > 0
        grain, amount = grain[keep], weight[keep]
        owner = np.broadcast_to(group[:, None], keep.shape)[keep]
        page, place = np.divmod(grain, self.PAGE)
        self._make_room(owner, page)
        np.add.at(self._book, (self._page_of[owner, page], place), amount)

    def _make_room(self, owner: np.ndarray, page: np.ndarray) -> None:
        """Open the pages that are needed and not there yet."""
        short = int(page.max(initial=0)) + 1 - self._page_of.shape[1]
        if short > 0:
            more = np.full((len(self._page_of), short), -1)
            self._page_of = np.append(self._page_of, more, axis=1)
        absent = self._page_of[owner, page] < 0
        if absent.any():
            count = self._page_of.shape[1]
            new = np.unique(owner[absent] * count + page[absent])
            first, self._pages = self._pages, self._pages + len(new)
            self._page_of[new // count, new % count] = np.arange(first, self._pages)
            if self._pages > len(self._book):
                room = max(16, self._pages, 2 * len(self._book)) - len(self._book)
                self._book = np.append(self._book, np.zeros((room, self.PAGE)), axis=0)

    def quantiles(self, groups: np.ndarray, shares: list[float]) -> list[float]:
        """Latencies below which these shares of the delivered volume of some groups stay."""
        volume = np.zeros((self._page_of.shape[1], self.PAGE))
        for group in groups:
            there = np.flatnonzero(self._page_of[group] >= 0)
            volume[there] += self._book[self._page_of[group, there]]
        grain = np.flatnonzero(volume)
        if not len(grain):
            return [float("nan")] * len(shares)
        return weighted_quantiles(grain * _LATENCY_GRAIN_MS, volume.flat[grain], shares)


class _Rows:
    """Table rows: means over every step, whatever pieces it came in."""

    def __init__(
        self,
        network: Network,
        demands: Demands,
        step_us: int,
        detail: str,
        every: int,
        emit: Emit,
        defers: bool,
    ) -> None:
        self._network, self._demands, self._defers = network, demands, defers
        self._step_us, self._detail, self._every, self._emit = step_us, detail, every, emit
        #: What the rows of the demands table are about; None for every demand by itself.
        self._groups: _Groups | None = None
        if detail not in ("pair", "none"):
            self._groups = _Groups(network, demands, ("class", detail))
        self._open: dict[str, np.ndarray] | None = None
        self._open_step, self._open_seconds = -1, 0.0
        self._done: list[tuple[int, float, dict[str, np.ndarray]]] = []

    def add(
        self, state: LinkState, span: np.ndarray, seconds: np.ndarray, exit_arcs: np.ndarray
    ) -> None:
        wanted = np.flatnonzero(span[:, 2] % self._every == 0)
        if not len(wanted):
            return
        steps, weight = span[wanted, 2], seconds[wanted]
        means, peak = self._quantities(state, wanted)
        first = np.flatnonzero(np.diff(steps, prepend=-1))
        sums = {
            name: np.add.reduceat(values * weight, first, axis=1) for name, values in means.items()
        }
        sums["peak"] = np.maximum.reduceat(peak, first, axis=1)
        if self._detail != "none":
            # Constant within a step, so that no mean is needed, nor its rounding.
            asked = state.rates_gbps[:, wanted[first]]
            sums["asked"] = self._groups.totals(asked) if self._groups else asked
        lasting = np.add.reduceat(weight, first)
        for i, step in enumerate(steps[first]):
            self._piece(int(step), float(lasting[i]), {k: v[:, i] for k, v in sums.items()})

    def _quantities(
        self, state: LinkState, wanted: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """What is summed over time, and the utilisation whose peak is kept."""
        live = np.isfinite(state.utilisation[:, wanted])
        at = np.where(live, state.utilisation[:, wanted], 0.0)
        capacity = np.repeat(state.capacity_gbps[:, None], len(wanted), axis=1)
        means = {
            "capacity": capacity,
            "offered": state.offered_gbps[:, wanted],
            "carried": state.carried_gbps[:, wanted],
            "utilisation": at,
            "live": live.astype(float),
            "wait": np.where(live, state.wait_ms[:, wanted], 0.0),
        }
        if self._detail != "none":
            delivered = state.delivered_gbps[:, wanted]
            latency = np.nan_to_num(state.latency_ms[:, wanted]) * delivered
            fixed = np.nan_to_num(state.propagation_ms[:, wanted]) * delivered
            kept = {"got": delivered, "latency": latency, "fixed": fixed}
            if self._defers:
                kept["deferred"] = (state.rates_gbps - state.sent_gbps)[:, wanted]
            for name, values in kept.items():
                means[name] = self._groups.sum @ values if self._groups else values
        return means, np.where(live, at, -1.0)

    def _piece(self, step: int, seconds: float, sums: dict[str, np.ndarray]) -> None:
        """Add a piece of a step to the step that is open, or open it."""
        if step != self._open_step:
            self._finish()
            self._open, self._open_step, self._open_seconds = sums, step, seconds
            return
        assert self._open is not None
        for name, values in sums.items():
            old = self._open[name]
            self._open[name] = np.maximum(old, values) if name in _NOT_SUMMED else old + values
        self._open_seconds += seconds

    def _finish(self) -> None:
        if self._open is not None:
            self._done.append((self._open_step, self._open_seconds, self._open))
            self._open, self._open_step = None, -1
        if len(self._done) >= BLOCK:
            self._write()

    def close(self) -> None:
        self._finish()
        self._write()

    def _write(self) -> None:
        if not self._done:
            return
        steps = np.array([step for step, _, _ in self._done])
        seconds = np.array([lasting for _, lasting, _ in self._done])
        table = {
            name: np.stack([sums[name] for _, _, sums in self._done]) for name in self._done[0][2]
        }
        self._done = []
        time_s = steps * (self._step_us / US_PER_S)
        self._write_links(time_s, seconds, table)
        if self._detail != "none":
            self._write_demands(time_s, seconds, table)

    def _write_links(
        self, time_s: np.ndarray, seconds: np.ndarray, table: dict[str, np.ndarray]
    ) -> None:
        network = self._network
        lasting = seconds[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = {
                "capacity_gbps": table["capacity"] / lasting,
                "offered_gbps": table["offered"] / lasting,
                "carried_gbps": table["carried"] / lasting,
                "utilisation": table["utilisation"] / table["live"],
                "utilisation_peak": np.where(table["peak"] < 0, np.nan, table["peak"]),
                "queueing_ms": table["wait"] / table["live"],
            }
        nodes = network.nodes
        count, arcs = len(time_s), len(network.tail)
        self._emit(
            "links",
            {
                "time_s": np.repeat(time_s, arcs),
                "link": Coded.tiled((network.links[arc // 2] for arc in range(arcs)), count),
                "source": Coded.tiled((nodes[i] for i in network.tail), count),
                "target": Coded.tiled((nodes[i] for i in network.head), count),
                "class": Coded.tiled(np.repeat(network.link_class, 2), count),
                **{name: values.ravel() for name, values in columns.items()},
            },
        )
        ways = network.exit_arcs
        both = np.stack([ways["out"], ways["in"]], axis=1).ravel()
        if len(both):
            self._emit(
                "exits",
                {
                    "time_s": np.repeat(time_s, len(both)),
                    "exit": Coded.tiled((network.links[arc // 2] for arc in both), count),
                    "direction": Coded.tiled(("out", "in"), count * len(both) // 2),
                    **{name: values[:, both].ravel() for name, values in columns.items()},
                },
            )

    def _write_demands(
        self, time_s: np.ndarray, seconds: np.ndarray, table: dict[str, np.ndarray]
    ) -> None:
        count = len(time_s)
        keys: dict[str, Any]
        if self._groups:
            labels = zip(*self._groups.keys, strict=True)
            keys = dict(zip(self._groups.words, labels, strict=True))
        else:
            nodes, service = self._demands.nodes, self._demands.service
            keys = {
                "class": self._demands.traffic_class,
                **({} if service is None else {"service": service}),
                "source": [nodes[i] for i in self._demands.source],
                "target": [nodes[i] for i in self._demands.target],
            }
        wide, defers = table["asked"].shape[1], self._defers
        lasting = seconds[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            latency, fixed = table["latency"] / table["got"], table["fixed"] / table["got"]
        self._emit(
            "demands",
            {
                "time_s": np.repeat(time_s, wide),
                **{name: Coded.tiled(values, count) for name, values in keys.items()},
                "offered_gbps": table["asked"].ravel(),
                "carried_gbps": (table["got"] / lasting).ravel(),
                **({"deferred_gbps": (table["deferred"] / lasting).ravel()} if defers else {}),
                "latency_ms": latency.ravel(),
                "propagation_ms": fixed.ravel(),
                "queueing_ms": (latency - fixed).ravel(),
            },
        )
