"""Value rows: play one strategy of a case, and say what each element is worth to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator.control.strategy import Strategy
from simulator.engines.case import Case
from simulator.engines.stage import Stage
from simulator.jobs import Progress
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.model.streams import Streams
from simulator.recording.capacity_value import CapacityValue, Situation, highest
from simulator.recording.headroom_value import (
    FixedPart,
    HeadroomPart,
    SteeredPart,
    headroom_slope,
)
from simulator.recording.instants import Instant, Instants
from simulator.recording.slopes import Slope
from simulator.scenario.scenario import Scenario
from simulator.study.elements import Element, elements

ROWS = "rows.json"
FIGURES = {"mlu": "mlu", "latency": "latency_ms", "headroom": "headroom"}
"""What a Gbps changes, and how its columns begin."""
PRICES, DIFFERENCES, FIXED = "prices", "differences", "fixed routes"
EXACT, INEXACT = "exact", "not exact"
_BASE = "\0base"
_BUSIEST = 24
"""Moments of each kind among which the fullest link is looked for: by traffic, and by load."""


@dataclass(frozen=True)
class Sampling:
    """How closely time is looked at.

    Attributes
    ----------
    instants : int
        Moments, evenly spaced, that the mean latency is taken over.
    """

    instants: int


def play(
    scenario: Scenario, name: str, sampling: Sampling, folder: Path, progress: Progress
) -> None:
    """Play the first day of the world as stated, ask one strategy, and write the rows."""
    rows = strategy_rows(scenario.case, name, sampling, progress)
    (folder / ROWS).write_text(json.dumps(rows), encoding="utf-8")


def strategy_rows(case: Case, name: str, sampling: Sampling, progress: Progress) -> dict[str, Any]:
    """Return what was looked at, and a row for every element."""
    strategy, lands = case.strategies[name], _lands(case, case.strategies[name])
    seen = _seen(case, name, lands=lands, progress=lambda done: progress(0.3 * done))
    routed = _without_inbound(strategy) if lands else strategy
    moments = _situations(case, strategy, seen, lands=lands)
    value = CapacityValue(routed, case.demands, Streams(case.seed, 0))
    mlu, peaks = highest(value, [moments[i] for i in _busiest(case.demands, moments)])
    sample = [moments[i] for i in _spaced(len(moments), sampling.instants)]
    parts = _parts(case, routed, moments, lands=lands)
    every = elements(case.network)
    rows = []
    for i, each in enumerate(every):
        slopes = {
            "mlu": value.mlu_slope(peaks, each.gbps),
            "latency": value.latency_slope(sample, each.gbps),
            "headroom": headroom_slope(parts, each.gbps),
        }
        rows.append(_row(name, each, slopes))
        progress(0.3 + 0.7 * (i + 1) / len(every))
    at = next(i for i, each in enumerate(moments) if each is peaks[0])
    programs = value.follows and value.has_program(peaks[0])
    return {
        "rows": rows,
        "looked": {
            "strategy": name,
            "how": FIXED if not value.follows else PRICES if programs else DIFFERENCES,
            "mlu": mlu,
            "peak_h": seen[at].at_s / 3600.0,
            "headroom": min((part.factor for part in parts), default=float("nan")),
            "headroom_how": EXACT if all(part.exact for part in parts) else INEXACT,
            "sampled": len(sample),
            "instants": len(moments),
            "lands": lands,
        },
    }


def _row(strategy: str, element: Element, slopes: dict[str, Slope]) -> dict[str, Any]:
    """A row of the table ``value``."""
    row: dict[str, Any] = {
        "strategy": strategy, "element": element.name, "kind": element.kind,
        "direction": element.direction,
    }  # fmt: skip
    for figure, column in FIGURES.items():
        row[f"{column}_per_gbps"] = slopes[figure].middle + 0.0  # no minus before a zero
    for figure, column in FIGURES.items():
        row[f"{column}_per_gbps_more"] = slopes[figure].more + 0.0
        row[f"{column}_per_gbps_less"] = slopes[figure].less + 0.0
    return row


# -- what the strategy meets ----------------------------------------------------------------------


def _lands(case: Case, strategy: Strategy) -> bool:
    """Whether neighbours abroad choose where inbound traffic lands: it stays there."""
    return case.inbound is not None and not strategy.control.at_will


def _without_inbound(strategy: Strategy) -> Strategy:
    """The strategy as it steers the traffic that does not land by itself."""
    if not strategy.has_controller:
        return strategy
    steers = tuple(each for each in strategy.control.steers if each != "international_in")
    control = replace(strategy.control, announcements=None, steers=steers)
    return replace(strategy, control=control)


def _seen(case: Case, name: str, *, lands: bool, progress: Progress) -> list[Instant]:
    """Play time, with the strategy itself where inbound traffic answers to what it does."""
    played = {name: case.strategies[name]} if lands else {_BASE: Strategy(scheme="igp_ecmp")}
    events = tuple(e for e in case.events if e.strategy is None or e.strategy in played)
    meters: list[Instants] = []

    def make(stage: Stage, name: str, routes: Any) -> Instants:
        meters.append(Instants(stage.clock, stage.network_state, stage.source, routes))
        return meters[-1]

    Stage(replace(case, strategies=played, events=events), 0, _nothing, make).run(progress)
    return meters[0].seen


def _nothing(*_: Any) -> None:
    """Tables are not kept."""


def _situations(
    case: Case, strategy: Strategy, seen: Sequence[Instant], *, lands: bool
) -> list[Situation]:
    """The moments, each with the routes of what the strategy does not steer."""
    made: dict[int, Routes] = {}
    inbound = np.flatnonzero(case.demands.of_class("international_in"))

    def below(instant: Instant) -> Routes:
        if lands and strategy.is_static:
            return instant.routes
        network = instant.network
        if id(network) not in made:
            made[id(network)] = strategy.static_scheme.route(network, case.demands)
        planned = made[id(network)]
        if not lands:
            return planned
        landed = instant.routes.take(inbound).scattered(inbound, len(case.demands))
        return landed.with_fallback(planned)

    return [Situation(each.network, each.rates, below(each)) for each in seen]


def _busiest(demands: Demands, moments: Sequence[Situation]) -> list[int]:
    """Moments that may have the fullest link: the most traffic, or the fullest links below."""
    abroad = demands.of_class(INTERNATIONAL)
    by_traffic = [float(each.rates[abroad].sum()) for each in moments]
    by_rate = [float(each.rates.sum()) for each in moments]
    by_load = [_fullest(each) for each in moments]
    found: dict[int, None] = {}
    for figures in (by_traffic, by_rate, by_load):
        order = np.argsort(-np.array(figures), kind="stable")[:_BUSIEST]
        found.update(dict.fromkeys(order.tolist()))
    return sorted(found)


def _fullest(situation: Situation) -> float:
    network = situation.network
    able = network.up & (network.capacity_gbps > 0)
    load = situation.below.loads(situation.rates)[able]
    return float((load / network.capacity_gbps[able]).max(initial=0.0))


def _spaced(count: int, most: int) -> list[int]:
    """Positions of at most so many moments, evenly spaced."""
    if count <= most:
        return list(range(count))
    return [int((i + 0.5) * count / most) for i in range(most)]


# -- headroom -------------------------------------------------------------------------------------


def _parts(
    case: Case, strategy: Strategy, moments: Sequence[Situation], *, lands: bool
) -> list[HeadroomPart]:
    """What headroom is the least of: every state of the network, and every direction."""
    if not len(case.network.exits):
        return []
    return [
        part
        for network, mine in _by_state(moments)
        for part in _parts_of(case, strategy, network, mine, lands=lands)
    ]


def _by_state(
    moments: Sequence[Situation],
) -> Iterator[tuple[Network, list[Situation]]]:
    by_state: dict[int, list[Situation]] = {}
    for each in moments:
        by_state.setdefault(id(each.network), []).append(each)
    for mine in by_state.values():
        yield mine[0].network, mine


def _parts_of(
    case: Case, strategy: Strategy, network: Network, mine: list[Situation], *, lands: bool
) -> Iterator[HeadroomPart]:
    rates = np.stack([each.rates for each in mine], axis=1)
    target, demands = case.exit_target, case.demands
    followed = [each.below for each in mine]
    if strategy.is_static:
        yield FixedPart(network, demands, rates, followed, target, ("out", "in"))
        return
    if lands:
        yield FixedPart(network, demands, rates, followed, target, ("in",))
        rates = np.where(demands.of_class("international_in")[:, None], 0.0, rates)
    ways = ("out",) if lands else ("out", "in")
    static = strategy.static_scheme.route(network, demands)
    yield SteeredPart(
        strategy, network, demands, rates, static, target, Streams(case.seed, 0), ways
    )
