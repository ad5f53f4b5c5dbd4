"""Outages: which elements are down for how much of the time, listed, simulated or sampled.

- **listed**: every state with its probability, or the likeliest and what is left.
- **simulated**: each element is up for an exponential time and down for a log-normal one, over many
  years. It begins as it would be found at any time: down with its unavailability, in the middle of
  a repair whose length is biased by its own length.
- **sampled**: single moments, half of them from a world in which elements fail more often. Each
  counts by how much likelier it is than drawn, which is at most twice; so estimates are unbiased,
  and rare states are seen (Rubinstein and Kroese, *Simulation and the Monte Carlo Method*, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.model.reliability import YEAR_H, Element
from simulator.model.streams import Streams
from simulator.optimise.failure_sets import TooManySets, all_sets, likely_sets, state_probability

MOST_LISTED = 13
"""Elements of which all states are listed."""
_MOST_STATES = 5_000
_ENOUGH = 1e-6
"""Share of time that need not be listed where there are more elements."""
_THRESHOLDS = 10.0 ** -np.arange(3.0, 16.0, 0.25)
_TILT = 2.0
"""Elements that are down together, on average, in the world in which they fail more often."""


@dataclass(frozen=True, eq=False)
class Outages:
    """States, and how much each counts.

    Attributes
    ----------
    down : ndarray of bool, shape (states, elements)
        Every state once.
    weight : ndarray, shape (groups, states)
        Weight of every state in each group: one group for what is listed, a group a year, or one
        for each batch of samples. The groups are alike and independent.
    missing : float
        Probability of states that are not listed.
    how : str
        ``listed``, ``simulated`` or ``sampled``.
    squares : ndarray, shape (states,), optional
        Of samples: the sum of their squared weights in each state.
    samples : int
    """

    down: np.ndarray
    weight: np.ndarray
    missing: float
    how: str
    squares: np.ndarray | None = None
    samples: int = 0


def listed(elements: Sequence[Element]) -> Outages:
    """Return all states, or the likeliest and what is left."""
    q = np.array([each.unavailability for each in elements])
    if len(q) <= MOST_LISTED:
        down, chance = all_sets(q)
        return Outages(down, chance[None, :], 0.0, "listed")
    best = likely_sets(q, 1.1, exactly=True)
    for least in _THRESHOLDS:
        try:
            best = likely_sets(q, float(least), exactly=True, most=_MOST_STATES)
        except TooManySets:
            break
        if 1.0 - best[1].sum() < _ENOUGH:
            break
    down, chance = best
    return Outages(down, chance[None, :], max(1.0 - float(chance.sum()), 0.0), "listed")


def simulated(elements: Sequence[Element], years: int, seed: int) -> Outages:
    """Return the states of so many years, each with its share of every year."""
    horizon = years * YEAR_H
    times, which = [np.arange(1, years) * YEAR_H], [np.full(years - 1, -1)]
    start = np.zeros(len(elements), dtype=bool)
    for i, each in enumerate(elements):
        rng = Streams(seed, 0).generator("outages of", f"{each.fault.kind} {each.id}")
        start[i], toggles = _toggles(each, horizon, rng)
        times.append(toggles)
        which.append(np.full(len(toggles), i))
    at, element = np.concatenate(times), np.concatenate(which)
    order = np.argsort(at, kind="stable")
    at, element = at[order], element[order]
    flips = np.zeros((len(at) + 1, len(elements)), dtype=bool)
    flips[0] = start
    events = np.flatnonzero(element >= 0)
    flips[events + 1, element[events]] = True
    down = np.logical_xor.accumulate(flips, axis=0)
    length = np.diff(np.concatenate([[0.0], at, [horizon]]))
    year = np.concatenate([[0], np.cumsum(element < 0)])
    states, of = np.unique(down, axis=0, return_inverse=True)
    weight = np.zeros((years, len(states)))
    np.add.at(weight, (year, of.ravel()), length / YEAR_H)
    return Outages(states, weight, 0.0, "simulated")


def _toggles(element: Element, horizon: float, rng: np.random.Generator) -> tuple[bool, np.ndarray]:
    """Return whether an element is down at the start, and when it changes."""
    q, mean, sigma = element.unavailability, element.mttr_h, element.repair_sigma
    if not q:
        return False, np.zeros(0)
    count = int(2 * horizon / (element.mtbf_h + mean)) + 20
    location = np.log(mean) - sigma**2 / 2.0
    is_down = bool(rng.random() < q)
    first = rng.exponential(element.mtbf_h)
    if is_down:  # a repair that is found under way is long: its length counts once more
        first = rng.random() * rng.lognormal(location + sigma**2, sigma)
    parts, total, now = [np.array([first])], first, is_down
    while total < horizon:
        ups = rng.exponential(element.mtbf_h, count)
        downs = rng.lognormal(location, sigma, count)
        pairs = np.column_stack([ups, downs] if now else [downs, ups]).ravel()
        parts.append(pairs)
        total += float(pairs.sum())
    times = np.cumsum(np.concatenate(parts))
    return is_down, times[times < horizon]


def sampled(elements: Sequence[Element], samples: int, seed: int) -> Outages:
    """Return states of so many moments, with their weights."""
    q = np.array([each.unavailability for each in elements])
    often = np.clip(np.maximum(q, _TILT / max(len(q), 1)), 0.0, 0.5)
    often = np.where(q > 0, np.maximum(often, q), 0.0)
    rng = Streams(seed, 0).generator("outages", "sampled")
    tilted = rng.random(samples) < 0.5
    down = rng.random((samples, len(q))) < np.where(tilted[:, None], often, q)
    states, of = np.unique(down, axis=0, return_inverse=True)
    own, other = state_probability(states, q), state_probability(states, often)
    ratio = own / (0.5 * own + 0.5 * other)
    count = np.bincount(of.ravel(), minlength=len(states))
    weight = (ratio * count / samples)[None, :]
    return Outages(states, weight, 0.0, "sampled", ratio**2 * count, samples)


@dataclass(frozen=True)
class Estimate:
    """A mean over time, with its interval."""

    value: float
    low: float
    high: float


def estimate(outages: Outages, figure: np.ndarray, *, most: float | None = None) -> Estimate:
    """Return the mean of a figure over time, with its 95 % interval.

    Parameters
    ----------
    figure : ndarray, shape (states,)
        NaN where it is not known: between 0 and *most*.
    most : float, optional
        The largest that it can be; of it states that are not listed or known have any part.
    """
    known = np.isfinite(figure)
    value = np.where(known, figure, 0.0)
    unknown = outages.missing + float(outages.weight[:, ~known].sum(axis=1).mean())
    means = outages.weight @ value
    mean = float(means.mean())
    above = unknown * (most if most is not None else 1.0)
    if outages.how == "listed":
        return Estimate(mean, mean, mean + above)
    half = 1.96 * _deviation(outages, value, means)
    return Estimate(mean, max(mean - half, 0.0), mean + half + above)


def _deviation(outages: Outages, value: np.ndarray, means: np.ndarray) -> float:
    """Standard error of the mean."""
    if outages.how == "simulated":
        count = len(means)
        return float(means.std(ddof=1) / np.sqrt(count)) if count > 1 else float("inf")
    assert outages.squares is not None
    square = float(outages.squares @ value**2) / outages.samples
    return float(np.sqrt(max(square - float(means[0]) ** 2, 0.0) / outages.samples))
