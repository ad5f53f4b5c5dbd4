"""Rooms: what every strategy of a case has left, as rows: growth factors, and years of growth."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from simulator.control.strategy import Strategy
from simulator.engines.case import Case
from simulator.engines.stage import Stage
from simulator.jobs import Progress
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.recording.growth import Compound, Growth, Uniform
from simulator.recording.room import Asked, Part, Room
from simulator.recording.watch import State, Watch
from simulator.scenario.scenario import Scenario
from simulator.study.growing import Rates, growing, rates_of, without_growth
from simulator.uncertainty.world import World

FACTOR, YEARS, SLOW, FAST = "factor", "years", "years_slow", "years_fast"
"""Growths that are asked about: a factor, and years at the stated rates and at their ends."""
ROWS = "rows.json"
_BASE = "\0base"
"""Stands on the stage where nothing lands by itself; no strategy has a zero byte in its name."""
_CURVE = 61


@dataclass(frozen=True)
class Wanted:
    """What the study asks.

    Attributes
    ----------
    of : str
        The traffic whose factor is looked for.
    target : float
        Utilisation of an exit direction.
    per_year : float, optional
        Rate of all demands, in place of what the scenario states.
    """

    of: str
    target: float
    per_year: float | None = None


class _Met(NamedTuple):
    """What a strategy met, and whether inbound traffic lands by itself."""

    states: list[State]
    lands: bool


def play(
    scenario: Scenario, world: World, day: int, wanted: Wanted, folder: Path, progress: Progress
) -> None:
    """Play a day of a world, ask every strategy, and write the rows."""
    drawn = scenario.world(world)
    rates, case = rates_of(drawn, wanted.per_year), without_growth(drawn.case)
    case = replace(case, catchments=world.number, exit_target=wanted.target)
    growths = _growths(case, wanted, rates, whole=world.is_stated)
    rows = rooms(case, day, growths, whole=world.is_stated and not day, progress=progress)
    (folder / ROWS).write_text(json.dumps(rows), encoding="utf-8")


def _growths(case: Case, wanted: Wanted, rates: Rates, *, whole: bool) -> dict[str, Growth]:
    mask = growing(case.demands, case.network, wanted.of)
    growths: dict[str, Growth] = {FACTOR: Uniform(mask), YEARS: Compound(rates.speed)}
    ends = {SLOW: rates.slow, FAST: rates.fast} if whole and rates.has_range else {}
    # Where all speeds change alike, years at an end follow from those at the stated speeds.
    growths |= {name: Compound(end) for name, end in ends.items() if rates.ratio(end) is None}
    return growths


def rooms(
    case: Case, day: int, growths: Mapping[str, Growth], *, whole: bool, progress: Progress
) -> dict[str, Any]:
    """Return the rows of one day: limits, exits, and with *whole* what is drawn over time."""
    met = _met(case, day, growths, progress)
    streams = Streams(case.seed, day)
    rows: dict[str, Any] = {"limits": [], "exits": [], "over_time": [], "curves": []}
    for name, strategy in case.strategies.items():
        room = Room(strategy, case.demands, met[name].states, streams, lands=met[name].lands)
        for growth in growths:
            asked = Asked(growth, growths[growth], case.exit_target)
            parts = list(room.parts(asked))
            rows["limits"] += [_limit(name, growth, part) for part in parts]
            if growth != FACTOR:
                rows["exits"] += _exits(name, growth, parts)
            if whole and growth == FACTOR:
                blocks = room.blocks(asked, case.horizon_s)
                rows["over_time"] += [_block(name, each) for each in blocks]
    grows = growths[FACTOR].group == 1
    states = next(iter(met.values())).states
    totals = [rates[grows].sum(axis=0).max() for each in states for rates in each.rates]
    rows["gbps"] = float(max(totals))
    return rows


def _met(
    case: Case, day: int, growths: Mapping[str, Growth], progress: Progress
) -> dict[str, _Met]:
    """Play the strategies whose inbound traffic lands by itself, and take note of what all meet."""
    landing = {
        name: strategy
        for name, strategy in case.strategies.items()
        if case.inbound is not None and not strategy.control.at_will
    }
    played = landing or {_BASE: Strategy(scheme="igp_ecmp")}
    events = tuple(e for e in case.events if e.strategy is None or e.strategy in played)
    watches: dict[str, Watch] = {}

    def make(stage: Stage, name: str, routes: Any) -> Watch:
        noted = growths if name in landing else {}
        watches[name] = Watch(
            stage.clock, stage.network_state, stage.source, routes, case.exit_target, noted
        )
        return watches[name]

    stage = Stage(replace(case, strategies=played, events=events), day, _nothing, make)
    stage.run(progress)
    first = next(iter(watches.values())).states
    return {
        name: _Met(watches[name].states, True) if name in landing else _Met(first, False)
        for name in case.strategies
    }


def _nothing(*_: Any) -> None:
    """Tables are not kept."""


# -- rows -----------------------------------------------------------------------------------------


def words_of(network: Network) -> str:
    """Return the state of a network in words."""
    faults = ", ".join(sorted(map(str, network.faults)))
    changed = not np.array_equal(network.capacity_gbps, network.installed_gbps)
    return faults or ("other capacities" if changed else "all up")


def _limit(strategy: str, growth: str, part: Part) -> dict[str, Any]:
    limit = part.limit
    return {
        "strategy": strategy,
        "growth": growth,
        "state": words_of(part.state.network),
        "from_h": part.state.from_s / 3600.0,
        "direction": part.ways[0] if len(part.ways) == 1 else "all",
        "factor": limit.factor,
        "factor_high": limit.factor_high,
        "binds": limit.binds,
        "at_h": limit.at_s / 3600.0,
        "link": limit.link,
        "link_factor": limit.link_factor,
    }


def _exits(strategy: str, growth: str, parts: list[Part]) -> list[dict[str, Any]]:
    """Return the years of every exit direction: the least of all states; NaN where it has room."""
    names: dict[str, float] = {}
    for part in parts:
        for way in ("out", "in"):
            for arc in part.state.network.exit_arcs[way]:
                names.setdefault(f"exit:{part.state.network.links[arc // 2]}:{way}", math.nan)
    for part in parts:
        for name, years in part.exits.items():
            names[name] = years if math.isnan(names[name]) else min(names[name], years)
    return [
        {"strategy": strategy, "growth": growth, "exit": name, "years": years}
        for name, years in names.items()
    ]


def _block(strategy: str, block: Any) -> dict[str, Any]:
    return {
        "strategy": strategy,
        "state": words_of(block.state.network),
        "direction": block.ways[0] if len(block.ways) == 1 else "all",
        "at_h": block.at_s / 3600.0,
        "factor": block.factor,
        "binds": block.binds,
    }


def single(network: Network, case: Case, growths: Mapping[str, Growth]) -> dict[str, Any]:
    """Return the rows of one matrix: no time, no events."""
    return rooms(case, 0, growths, whole=True, progress=partial(_nothing))
