"""Plan sets: what planning for sums of ends saves, against planning for the peak of every pair."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from simulator.control.strategy import Strategy
from simulator.routing.min_max import MinMax
from simulator.study.plan_case import PlanCase
from simulator.study.plan_rows import exits_of
from simulator.study.plan_search import ADAPTIVE, Solved, solved

PUBLISHED = 0.174
"""Capacity saved by planning on a hose in place of pairs: Meta (Ahuja et al., SIGCOMM 2021)."""
PIPE = "pipe"


def set_rows(
    case: PlanCase, sets: Sequence[str], noises: Sequence[float], seed: int
) -> Iterator[dict[str, Any]]:
    """Yield what steering at will needs for each set of demands, at each noise of pairs."""
    own = case.demand.asked.noise
    for noise in (own, *(each for each in noises if each != own)):
        demand = case.demand if noise == own else case.demand.noisier(noise, seed)
        found = {name: _one(case.with_demand(demand.with_set(name))) for name in (*sets, PIPE)}
        pipe = found[PIPE]["exit_gbps"]
        for name, row in found.items():
            yield {"noise": noise, "set": name, **row, "saving": 1.0 - row["exit_gbps"] / pipe,
                   "published": PUBLISHED}  # fmt: skip


def _one(case: PlanCase) -> dict[str, float]:
    free = case.without_budget()
    kinds = dict.fromkeys(free.sides, ADAPTIVE)
    found: Solved = solved(free, kinds, Strategy(scheme=MinMax()))
    asked = sum(sets[-1].most_gbps for sets in free.sets.values())
    if found.plan is None:
        nothing = float("nan")
        return {"asked_gbps": asked, "cost": nothing, "gbps": nothing, "exit_gbps": nothing}
    sizes = np.array([each.module_gbps for each in free.market.augments])
    at_exits = (sizes * exits_of(free))[free.orders.offer]
    gbps = float(at_exits @ found.plan.modules)
    now = free.market.before.exits_gbps
    return {"asked_gbps": asked, "cost": found.plan.cost, "gbps": gbps, "exit_gbps": now + gbps}
