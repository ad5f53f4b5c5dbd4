"""Cases made by hand, and the fluid engine played in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from conftest import make_tiny

from simulator.control.kinds.loop import Loop
from simulator.control.steering import steer
from simulator.control.strategy import Strategy
from simulator.engines.case import Case
from simulator.engines.engine import engine
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.queues.none import NoQueue
from simulator.queues.queue import Queue
from simulator.results.writer import SOLVE_TIMES, Coded
from simulator.simulation.clock import micros
from simulator.simulation.faults import Event
from simulator.traffic.traffic import Series, Shape

#: Two ways out: *near* by the shorter metric, *far* by the longer, each over a gateway of its own.
TWO_EXITS = (
    ("to-near", "home", "gw-near", 1000.0, 1.0, 1.0),
    ("to-far", "home", "gw-far", 1000.0, 10.0, 2.0),
    ("near", "gw-near", "abroad", 100.0, 1.0, 10.0),
    ("far", "gw-far", "abroad", 100.0, 1.0, 20.0),
)
ABROAD = {"abroad": "pop", "gw-near": "gateway", "gw-far": "gateway"}


def two_exits(**capacity: float) -> Network:
    """Return the network ``TWO_EXITS``, with other capacities for some links."""
    links = [(a, b, c, capacity.get(a.replace("-", "_"), gbps), *rest)
             for a, b, c, gbps, *rest in TWO_EXITS]  # fmt: skip
    return make_tiny(*links, **ABROAD)


def asks(network: Network, *rows: tuple[str, str, float]) -> Demands:
    """Return demands from rows of source, target and Gbps."""
    source, target, gbps = zip(*rows, strict=True)
    return Demands.of(network, source, target, gbps)


def static(kind: str = "igp_ecmp", **control: Any) -> Strategy:
    """Return a static strategy; keywords are those of its control."""
    return Strategy(scheme=kind, control=Loop(**control))


def sdn(scheme: Any = "min_latency", fallback: Any = "igp_ecmp", **control: Any) -> Strategy:
    """Return a strategy with a controller that measures without error; keywords override."""
    known = {"every_s": 300.0, "noise_sigma": 0.0, **control}
    return Strategy(scheme=scheme, fallback=fallback, control=Loop(**known))


def case_of(
    network: Network,
    demands: Demands,
    strategies: Mapping[str, Strategy] | Strategy,
    *,
    hours: float = 1.0,
    step_s: float = 60.0,
    shapes: Sequence[Shape] = (),
    events: Iterable[Mapping[str, Any]] = (),
    queue: Queue | None = None,
    seed: int = 1,
    target: float = 0.8,
    detail: str = "pair",
    every: int = 1,
    start_hour: float = 0.0,
) -> Case:
    """Return a case; one strategy alone is called ``it``."""
    if isinstance(strategies, Strategy):
        strategies = {"it": strategies}
    horizon_s = hours * 3600.0
    return Case(
        network=network,
        demands=demands,
        series=Series(network, demands, tuple(shapes), step_s / 3600.0, start_hour),
        strategies=strategies,
        events=tuple(Event(**event) for event in events),
        queue=queue or NoQueue(),
        seed=seed,
        steps=int(np.ceil(horizon_s / step_s - 1e-9)),
        step_s=step_s,
        horizon_s=horizon_s,
        exit_target=target,
        detail=detail,
        every=every,
    )


@dataclass
class Played:
    """What one replication gave."""

    figures: dict[str, dict[tuple[str, str], float]]
    parts: dict[tuple[str, str], list[pd.DataFrame]] = field(default_factory=dict)

    def figure(self, metric: str, scope: str = "all", strategy: str = "it") -> float:
        return self.figures[strategy][metric, scope]

    def table(self, name: str, strategy: str = "it") -> pd.DataFrame:
        return pd.concat(self.parts[strategy, name], ignore_index=True)

    def arc(self, link: str, source: str, strategy: str = "it") -> pd.DataFrame:
        """Rows of one direction of a link, by time."""
        links = self.table("links", strategy)
        return links[(links["link"] == link) & (links["source"] == source)].set_index("time_s")

    def demand(self, source: str, target: str, strategy: str = "it") -> pd.DataFrame:
        """Rows of one demand, by time (``detail`` must be ``pair``)."""
        rows = self.table("demands", strategy)
        return rows[(rows["source"] == source) & (rows["target"] == target)].set_index("time_s")

    def lost_gbit(self, source: str, target: str, strategy: str = "it") -> float:
        """Volume that one demand lost, from the figures of its class and ends."""
        return sum(
            value
            for (metric, scope), value in self.figures[strategy].items()
            if (metric, scope) == ("lost_gbit", target if target != "home" else source)
        )


def play(case: Case, replication: int = 0, kind: str = "fluid") -> Played:
    """Play one replication and keep everything."""
    parts: dict[tuple[str, str], list[pd.DataFrame]] = {}

    def emit(strategy: str, table: str, columns: Mapping[str, Any]) -> None:
        if table == SOLVE_TIMES:  # of this machine, not of the simulation
            return
        parts.setdefault((strategy, table), []).append(
            pd.DataFrame({name: plain(values) for name, values in columns.items()})
        )

    rows = engine.make(kind).play(case, replication, emit, lambda done: None)
    figures = {
        name: {(metric, scope): value for metric, scope, _, value in found}
        for name, found in rows.items()
    }
    return Played(figures, parts)


def plain(values: Any) -> np.ndarray:
    """Return a column as it will be read."""
    if isinstance(values, Coded):
        return np.array(values.words, dtype=object)[values.codes]
    return np.asarray(values)


def steered_by(
    scheme: Any, network: Network, demands: Demands, which: Any, rules: Routes
) -> Routes:
    """Return routes of all demands, some steered around the load of the others."""
    seen, mine = steer(network, demands, which, rules)
    return scheme.route(seen, mine).scattered(which, len(demands)).with_fallback(rules)


def path_routes(network: Network, *paths: tuple[float, list[str]], demand=None) -> Routes:
    """Return routes from ``(share, [node, node, ...])``, one demand a path unless *demand* says.

    Of parallel links the one listed first is taken.
    """
    arc_of = {}
    for arc in range(len(network.tail)):
        ends = network.nodes[network.tail[arc]], network.nodes[network.head[arc]]
        arc_of.setdefault(ends, arc)
    arcs = [[arc_of[pair] for pair in zip(nodes, nodes[1:], strict=False)] for _, nodes in paths]
    which = np.arange(len(paths)) if demand is None else np.asarray(demand)
    starts = np.concatenate([[0], np.cumsum([len(path) for path in arcs])])
    return Routes.from_paths(
        network,
        int(which.max()) + 1,
        which,
        np.array([share for share, _ in paths]),
        np.concatenate([np.array(path, dtype=np.int64) for path in arcs]),
        starts,
    )


def steps_of(case: Case) -> np.ndarray:
    """Seconds that every step lasts within the horizon."""
    starts = np.arange(case.steps) * micros(case.step_s)
    ends = np.append(starts[1:], micros(case.horizon_s))
    return (ends - starts) / 1e6
