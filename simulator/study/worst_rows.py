"""Worst rows: the worst cases of a strategy as rows of a table, and what it does in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from simulator.model.link_state import link_state
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.optimise.exit_program import Found
from simulator.optimise.failure_sets import SLACK
from simulator.queues.none import NoQueue
from simulator.study.behaviour import FIXED, FREE, FixedRoutes
from simulator.study.failure_states import names_of
from simulator.study.worst_search import UNSERVED, UTILISATION, StrategySearch, Worst

Row = dict[str, Any]
FEWER = 0.2
"""Rate of faults in the second setting, in that of the first."""


def rows_of(found: StrategySearch) -> Iterator[tuple[Row, Mapping[str, np.ndarray]]]:
    """Yield a row for every metric and probability, and the demands of each direction there."""
    for metric in (UNSERVED, UTILISATION):
        for least in found.search.least:
            if found.by_program:
                yield _by_program(found, least, metric), {}
            elif not len(among := found.search.eligible(least)):
                yield _nothing(found, least, metric), {}
            elif metric == UNSERVED:
                yield _unserved(found, least, among)
            else:
                yield _utilisation(found, least, among)


def _unserved(
    found: StrategySearch, least: float, among: np.ndarray
) -> tuple[Row, Mapping[str, np.ndarray]]:
    worst, single = found.most_unserved(among), found.most_unserved(found.search.singles)
    words = [each.words(worst.state) for each in found.low.values()]
    row = {
        **_head(found, least, UNSERVED, worst, max(found.bound_unserved(among), worst.value)),
        **_single(found, single, worst.value),
        "direction": _ways(found, worst),
        "at": "; ".join(filter(None, words)),
        "cut_off": _cut_off(found, worst.state),
        "connected_value": np.nan,
        "as_routed_gbps": as_routed(found, worst),
    }
    return row, worst.demands


def _utilisation(
    found: StrategySearch, least: float, among: np.ndarray
) -> tuple[Row, Mapping[str, np.ndarray]]:
    worst, way, at = found.fullest(among)
    single, calm = found.fullest(found.search.singles)[0], found.connected(among)
    row = {
        **_head(found, least, UTILISATION, worst, _bound(found, worst.value, among)),
        **_single(found, single, worst.value),
        "direction": way,
        "at": at,
        "cut_off": _cut_off(found, worst.state) if np.isinf(worst.value) else "",
        "connected_value": found.fullest(calm)[0].value if len(calm) else np.nan,
        "as_routed_gbps": np.nan,
    }
    return row, worst.demands


def _bound(found: StrategySearch, value: float, among: np.ndarray) -> float:
    """Return a bound on the utilisation: of the exits, and of links at home without a proof."""
    high = found.fullest(among, high=True)[0].value if found.brackets else value
    proof = found.search.case.separability
    if proof.holds or set(found.behaviour.kind.values()) == {FIXED}:
        return max(high, value)
    return max(high, value, proof.utilisation)


def _head(
    found: StrategySearch, least: float, metric: str, worst: Worst, bound: float
) -> dict[str, Any]:
    states = found.search.states
    return {
        "strategy": found.name, "metric": metric, "probability": least,
        "value": worst.value, "bound": bound, "faults": states.names(worst.state),
        "faults_probability": float(states.chance[worst.state]),
    }  # fmt: skip


def _single(found: StrategySearch, single: Worst, value: float) -> dict[str, Any]:
    """The worst single failure with its worst demands, and how far it is exceeded."""
    times = value / single.value if single.value > 1e-9 and np.isfinite(single.value) else np.nan
    return {
        "single_failure_value": single.value,
        "single_failure": found.search.states.names(single.state),
        "times_single": times,
        "above_single": value - single.value if np.isfinite(single.value) else np.nan,
    }


def _ways(found: StrategySearch, worst: Worst) -> str:
    """Return the directions that lose something there."""
    lost = [way for way, each in found.low.items() if each.unserved(worst.state)[0] > 1e-6]
    return " and ".join(lost)


def _cut_off(found: StrategySearch, state: int) -> str:
    """Return who has no way in a state: ``europe 212 Gbps``."""
    gbps: dict[int, float] = {}
    for each in found.low.values():
        for node, most in each.cut_ends(state).items():
            gbps[node] = gbps.get(node, 0.0) + most
    nodes = found.search.case.network.nodes
    return ", ".join(f"{nodes[node]} {most:,.4g} Gbps" for node, most in gbps.items())


def _nothing(found: StrategySearch, least: float, metric: str) -> Row:
    """No state is so likely, not even that nothing fails; that is so for exact states only."""
    return {
        "strategy": found.name, "metric": metric, "probability": least, "value": np.nan,
        "bound": np.nan, "faults": "no state is so likely", "faults_probability": np.nan,
        "single_failure_value": np.nan, "single_failure": "", "times_single": np.nan,
        "above_single": np.nan, "direction": "", "at": "", "cut_off": "",
        "connected_value": np.nan, "as_routed_gbps": np.nan,
    }  # fmt: skip


def fewer_faults(found: StrategySearch) -> Iterator[Row]:
    """Yield what is unserved when elements fail a fifth as often, for every probability.

    Every set is rarer then, so that all that are likely enough are among those listed. Exact states
    and what a program found are left out.
    """
    search = found.search
    if found.by_program or search.exactly:
        return
    fewer = np.array([replace(e, mtbf_h=e.mtbf_h / FEWER).unavailability for e in search.elements])
    chance = np.where(search.states.down, fewer, 1.0).prod(axis=1)
    for least in search.least:
        among = np.flatnonzero(chance * SLACK >= least)
        worst = found.most_unserved(among)
        yield {
            "strategy": found.name, "probability": least, "faults_factor": FEWER,
            "value": worst.value, "faults": search.states.names(worst.state),
        }  # fmt: skip


# -- by a program ---------------------------------------------------------------------------------


def _by_program(found: StrategySearch, least: float, metric: str) -> Row:
    search = found.search
    worst, way = found.program(least, metric)
    single = found.program_single(metric)
    bound = max(worst.bound, worst.value)
    if not search.case.separability.holds:
        proof = search.case.separability
        bound = bound + proof.over_gbps if metric == UNSERVED else max(bound, proof.utilisation)
    if found.brackets:
        bound = np.inf
    times = worst.value / single.value if single.value > 1e-9 else np.nan
    return {
        **_nothing(found, least, metric), "value": worst.value, "bound": bound,
        "faults": names_of(search.elements, worst.down),
        "faults_probability": _chance(found, worst),
        "single_failure_value": single.value,
        "single_failure": names_of(search.elements, single.down),
        "times_single": times if np.isfinite(single.value) else np.nan,
        "above_single": worst.value - single.value if np.isfinite(single.value) else np.nan,
        "direction": way, "at": _ends_words(found, worst),
    }  # fmt: skip


def _chance(found: StrategySearch, worst: Found) -> float:
    q, down = found.search.unavailability, worst.down
    return float(np.where(down, q, (1.0 - q) if found.search.exactly else 1.0).prod())


def _ends_words(found: StrategySearch, worst: Found) -> str:
    words = []
    for way, far in worst.ends.items():
        side, nodes = found.search.case.sides[way], found.search.case.network.nodes
        ends = zip(side.ends.tolist(), side.net.ends.tolist(), strict=True)
        names = [nodes[end] for end, at in ends if far[at]]
        words += [f"{way}: {', '.join(names)}"] if names else []
    return "; ".join(words)


# -- what the strategy itself does ----------------------------------------------------------------


def as_routed(found: StrategySearch, worst: Worst) -> float:
    """Return what the scheme itself loses across the border in a state, at these demands.

    NaN where the strategy is between two ways. A controller that balances utilisation may lose more
    than what no routing can serve.
    """
    if found.brackets or not worst.demands:
        return float("nan")
    search, case = found.search, found.search.case
    down = search.states.down[worst.state]
    faults = [each.fault for i, each in enumerate(search.elements) if down[i]]
    network = case.network.after(faults)
    rates = case.demands.gbps.copy()
    for way, demands in worst.demands.items():
        rates[case.sides[way].mine] = demands
    routes, mine = _routes(found, network, rates)
    left = np.maximum(network.capacity_gbps - search.domestic_gbps, 0.0)
    state = link_state(routes, network.under(capacity_gbps=left), rates[mine][:, None], NoQueue())
    return float((state.rates_gbps - state.delivered_gbps).sum())


def _routes(
    found: StrategySearch, network: Network, rates: np.ndarray
) -> tuple[Routes, np.ndarray]:
    """Return the routes of all traffic across the border, and its positions."""
    case, strategy = found.search.case, found.behaviour.strategy
    mine = np.sort(np.concatenate([side.mine for side in case.sides.values()]))
    parts = []
    free = [side.mine for way, side in case.sides.items() if found.behaviour.kind[way] == FREE]
    if free:
        steered = np.sort(np.concatenate(free))
        asked = case.demands.with_gbps(rates).take(steered)
        loaded = network.carrying(found.search.domestic_gbps)
        parts.append((strategy.scheme.route(loaded, asked), steered))
    for way, side in case.sides.items():
        if found.behaviour.kind[way] == FIXED:
            fixed = FixedRoutes(strategy.static_scheme, case.network, case.demands, side.mine)
            parts.append((fixed.under(network.up), side.mine))
    made = [each.scattered(np.searchsorted(mine, at), len(mine)) for each, at in parts]
    return (made[0] if len(made) == 1 else made[0].with_fallback(made[1])), mine
