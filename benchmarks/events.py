"""Many events: a day with so many link faults, beside one with twice as many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks.cases import Case
from benchmarks.days import Played, play
from benchmarks.race import Limit, Race
from simulator.scenario.scenario import Scenario


def races(case: Case) -> Iterator[Race]:
    """None, n and 2n events; static alone, then static and SDN."""
    count = case.size.events
    for title, sdn in (("static", False), ("static and SDN", True)):
        none, some, twice = (with_faults(case, n, sdn=sdn) for n in (0, count, 2 * count))
        yield Race(
            f"{case.size.hours} h of {case.network.name}, {title}, with link faults",
            {
                "no event": partial(play, none),
                f"{count} events": partial(play, some),
                f"{2 * count} events": partial(play, twice),
            },
            f"{count} events",
            partial(_agree, some, twice),
            "run",
            note="twice the events are at most twice the time where cost is linear in them",
        )


def _agree(*scenarios: Scenario) -> dict[str, Limit]:
    leak = max(Played(each).leak for each in scenarios)
    return {"volume offered, and carried plus lost": Limit(leak, 1e-9)}


def with_faults(case: Case, count: int, *, sdn: bool) -> Scenario:
    """Return the day with so many faults of some minutes, of links and at times drawn at random."""
    draw, hours, links = random.Random(count), case.size.hours, list(case.network.links)
    events: list[dict[str, Any]] = []
    for _ in range(count):
        at_h = draw.uniform(0.0, 0.9 * hours)
        until_h = at_h + draw.uniform(0.01, 0.05 * hours)
        events.append({"at_h": at_h, "until_h": until_h, "link": draw.choice(links)})
    return case.scenario(sdn=sdn).with_changes({"events": events})
