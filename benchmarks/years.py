"""Many cycles: decided in blocks, and one by one, beside one product a step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.cases import FULL, Case
from benchmarks.days import BARE
from benchmarks.race import Limit, Race
from simulator.model.streams import Streams
from simulator.results.metrics import Figures
from simulator.routing.route import route
from simulator.scenario.scenario import Scenario

WEEK_H, YEAR_CYCLES = 168, 105_120
ALMOST_NOTHING_MS = 1e-12


def races(case: Case) -> Iterator[Race]:
    """A week of static and SDN; a year is 52 of them, and memory does not grow."""
    hours = WEEK_H if case.size.scenario == FULL.scenario else case.size.hours
    plain = case.scenario(sdn=True).with_changes({"inbound": None, "horizon_h": hours})
    # An entry that takes no time to write changes nothing but this: an install may take longer
    # than a cycle, and so every cycle is decided by itself.
    single = plain.with_changes({"strategies.sdn.control.rule_ms": ALMOST_NOTHING_MS})
    steps = plain.case.steps
    rates = np.asfortranarray(plain.case.series.play(Streams(2017, 0))(0, steps))
    shares = route("igp_ecmp", case.network, case.demands).matrix

    def bare() -> np.ndarray:
        offered = np.empty((steps, shares.shape[0]))
        for step in range(steps):
            offered[step] = shares @ rates[:, step]
        return offered

    def agree() -> dict[str, Limit]:
        return {"figures, in blocks and one by one": Limit(_apart(plain, single), 1e-9)}

    yield Race(
        f"{hours} h of {case.network.name}, static and SDN, figures alone: {steps} cycles",
        {
            BARE: bare,
            "engine, cycles in blocks": lambda: _figures(plain),
            "engine, cycles one by one": lambda: _figures(single),
        },
        BARE,
        agree,
        "cycle",
        count=steps,
        note=f"a year of 5-minute cycles is {YEAR_CYCLES:,} of them",
    )


def _figures(scenario: Scenario) -> dict[str, Figures]:
    """Play one replication for its figures, without table rows of every step."""
    return scenario.settings.engine.play(
        scenario.case.without_tables(), 0, lambda *_: None, lambda done: None
    )


def _apart(first: Scenario, second: Scenario) -> float:
    """Largest relative difference of any figure, gaps left out: these are rounding themselves."""
    one, two = (
        {
            (strategy, *row[:2]): row[3]
            for strategy, rows in _figures(each).items()
            for row in rows
            if row[0] != "gap_max"
        }
        for each in (first, second)
    )
    assert one.keys() == two.keys()
    left, right = (np.nan_to_num(np.array([*each.values()])) for each in (one, two))
    scale = np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-12)
    return float((np.abs(left - right) / scale).max())
