"""Failure sets: which elements may be down together, and how likely that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.base.errors import SimulatorError

MOST_SETS = 200_000
"""Sets that are listed; a question with more is refused, or put to a program."""
SLACK = 1.0 + 1e-12
"""A probability asked for is reached within rounding."""


class TooManySets(SimulatorError):
    """More sets are as likely as asked than are listed."""


def likely_sets(
    unavailability: Sequence[float] | np.ndarray,
    least: float,
    *,
    exactly: bool = False,
    most: int = MOST_SETS,
) -> tuple[np.ndarray, np.ndarray]:
    """Return all sets of elements that are down together with a probability of at least *least*.

    Parameters
    ----------
    unavailability : ndarray, shape (elements,)
        Share of time in which each element is down, independently.
    exactly : bool
        Whether the probability is that these elements are down and all others up, and not that
        these are down whatever the others are.
    most : int
        Sets that are listed.

    Returns
    -------
    down : ndarray of bool, shape (sets, elements)
        The empty set comes first, if it is likely enough.
    probability : ndarray, shape (sets,)

    Raises
    ------
    TooManySets
        There are more than *most*.
    """
    q = np.asarray(unavailability, dtype=float)
    # From a base state every further change has odds; with odds of at most 1 sets only get rarer.
    flipped = (q > 0.5) if exactly else np.zeros(len(q), dtype=bool)
    stays = np.where(flipped, q, 1.0 - q)
    start = float(np.prod(stays)) if exactly else 1.0
    with np.errstate(divide="ignore"):
        odds = np.where(flipped, (1 - q) / q, q / (1 - q)) if exactly else q
    order = np.argsort(-odds, kind="stable")
    rows, chances = _subsets(odds[order], start, least, most)
    down = np.zeros((len(rows), len(q)), dtype=bool)
    for i, row in enumerate(rows):
        down[i, order[list(row)]] = True
    return down ^ flipped, np.array(chances)


def _subsets(
    odds: np.ndarray, start: float, least: float, most: int
) -> tuple[list[tuple[int, ...]], list[float]]:
    """List the subsets of elements, sorted by odds, whose product stays above *least*."""
    rows: list[tuple[int, ...]] = []
    chances: list[float] = []
    if start * SLACK < least:
        return rows, chances
    values = odds.tolist()
    layer: list[tuple[tuple[int, ...], float]] = [((), start)]
    while layer:
        rows += [row for row, _ in layer]
        chances += [chance for _, chance in layer]
        if len(rows) > most:
            raise TooManySets(f"more than {most:,} sets of elements are as likely as {least:g}")
        grown = []
        for row, chance in layer:
            for nxt in range(row[-1] + 1 if row else 0, len(values)):
                further = chance * values[nxt]
                if further * SLACK < least or further <= 0:
                    break  # the others are rarer still
                grown.append(((*row, nxt), further))
        layer = grown
    return rows, chances


def all_sets(unavailability: Sequence[float] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every set of elements that may be down, and the probability of exactly this state."""
    q = np.asarray(unavailability, dtype=float)
    codes = np.arange(2 ** len(q), dtype=np.int64)
    down = (codes[:, None] >> np.arange(len(q))) & 1 == 1
    return down, state_probability(down, q)


def state_probability(down: np.ndarray, unavailability: np.ndarray) -> np.ndarray:
    """Return the probability that exactly these elements are down, shape (sets,)."""
    return np.asarray(np.where(down, unavailability, 1.0 - unavailability).prod(axis=1))
