"""Greedy plan: the module that mends most for its price, again and again; then what was too much.

A yardstick for plans with a proof. What is missing is summed over the requirements that stood in
the program; when none of these fails any more, all others are looked at, and those that do are
added. Each module is ordered as late as it still counts. At the end modules are sent back, the
dearest first, where everything holds without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.optimise.orders import Orders
from simulator.optimise.requirement import SLACK, Oracle, Requirement, broken_of

_MOST_MODULES = 20_000


def greedy_cost(orders: Orders, pool: Sequence[Requirement], oracles: Sequence[Oracle]) -> float:
    """Return the cost of a plan that was made step by step; NaN where it ends in none."""
    found = _grown(orders, list(pool), oracles)
    return float("nan") if found is None else float(orders.price @ found)


def _grown(orders: Orders, pool: list[Requirement], oracles: Sequence[Oracle]) -> np.ndarray | None:
    bought = np.zeros(len(orders.price))
    rows, need = _rows(orders, pool)
    while bought.sum() < _MOST_MODULES:
        missing = need - rows @ bought
        missing[missing <= SLACK * np.maximum(1.0, need)] = 0.0
        if not missing.any():
            broken = broken_of(oracles, orders.capacity(bought))
            if not broken:
                return _dropped(orders, bought, rows, need, oracles)
            pool += broken
            rows, need = _rows(orders, pool)
            continue
        best = _best(orders, bought, rows, missing)
        if best < 0:
            return None
        bought[best] += 1
    return None


def _rows(orders: Orders, pool: Sequence[Requirement]) -> tuple[np.ndarray, np.ndarray]:
    both = [orders.row(each) for each in pool]
    kept = [(row, need) for row, need in both if need > 0]
    if not kept:
        return np.zeros((0, len(orders.price))), np.zeros(0)
    return np.array([row for row, _ in kept]), np.array([need for _, need in kept])


def _best(orders: Orders, bought: np.ndarray, rows: np.ndarray, missing: np.ndarray) -> int:
    """Return the column that mends most for its price, the latest of equals; -1 if none mends."""
    mends = np.minimum(rows, missing[:, None]).sum(axis=0)
    of_offer = np.bincount(orders.offer, bought, len(orders.most))
    open_ = of_offer[orders.offer] < orders.most[orders.offer]
    worth = np.where(open_, mends / np.maximum(orders.price, 1e-9), 0.0)
    if not worth.max(initial=0.0) > 1e-12:
        return -1
    equal = np.flatnonzero(worth >= worth.max() * (1 - 1e-12))
    return int(equal[np.argmax(orders.ordered[equal])])


def _dropped(
    orders: Orders,
    bought: np.ndarray,
    rows: np.ndarray,
    need: np.ndarray,
    oracles: Sequence[Oracle],
) -> np.ndarray:
    """Send back what is not needed, the dearest first."""
    for column in np.argsort(-orders.price, kind="stable").tolist():
        while bought[column] > 0:
            tried = bought.copy()
            tried[column] -= 1
            missing = need - rows @ tried
            if (missing > SLACK * np.maximum(1.0, need)).any():
                break
            if broken_of(oracles, orders.capacity(tried)):
                break
            bought = tried
    return bought
