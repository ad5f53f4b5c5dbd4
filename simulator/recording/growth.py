"""Growth: by how much each demand grows, as a function of one number that headroom looks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

MOST_YEARS = 100.0
"""Farther from the start than this no date is looked for, on either side."""
_STEPS = 200
_NO_STEP = 1e-13


class Growth(ABC):
    """How demands grow with a number: a common factor, or years at rates of their own.

    Demands that grow alike are a group. The load of an arc is the sum over groups of its load
    before growth times the factor of the group, where routes do not change.

    Attributes
    ----------
    group : ndarray of int, shape (demands,)
        Group of each demand.
    groups : int
        How many there are.
    least : float
        The smallest number that is tried.
    """

    group: np.ndarray
    groups: int
    least: float

    @abstractmethod
    def factors(self, number: float) -> np.ndarray:
        """Factor on every demand, shape (demands,)."""

    @abstractmethod
    def largest(self, loads: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Largest number at which grown loads fit into the room; infinite where none is too large.

        Parameters
        ----------
        loads : ndarray, shape (groups, ...)
            Loads before growth.
        room : ndarray, shape (...)
        """

    @abstractmethod
    def less(self, number: float, share: float) -> float:
        """Number at which the fastest growth has given back this share of the traffic."""

    @abstractmethod
    def apart(self, low: float, high: float) -> float:
        """Share by which traffic differs between two numbers."""

    def grown(self, rates: np.ndarray, number: float) -> np.ndarray:
        """Return rates, shape (demands,) or (demands, instants), after growth."""
        factors = self.factors(number)
        return rates * (factors if rates.ndim == 1 else factors[:, None])

    def by_group(self, rates: np.ndarray, loads: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return what *loads* makes of the rates of each group alone, shape (groups, ...)."""
        mine = [self.group == each for each in range(self.groups)]
        shape = (-1,) + (1,) * (rates.ndim - 1)
        return np.stack([loads(np.where(mask.reshape(shape), rates, 0.0)) for mask in mine])


class Uniform(Growth):
    """One factor on some demands; the others stay as they are.

    Parameters
    ----------
    grows : ndarray of bool, shape (demands,)
    """

    def __init__(self, grows: np.ndarray) -> None:
        self.group, self.groups, self.least = grows.astype(int), 2, 0.0

    def factors(self, number: float) -> np.ndarray:
        """The number itself for those that grow."""
        return np.where(self.group == 1, number, 1.0)

    def largest(self, loads: np.ndarray, room: np.ndarray) -> np.ndarray:
        """What the others leave over what grows; 0 where they are too much without it."""
        fixed, growing = loads
        left = room - fixed
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(growing > 0, np.maximum(left, 0.0) / growing, np.inf)
        return np.asarray(np.where((growing > 0) | (left >= -1e-9 * np.abs(room)), factor, 0.0))

    def less(self, number: float, share: float) -> float:
        """The number less this share of it."""
        return number * (1.0 - share)

    def apart(self, low: float, high: float) -> float:
        """Difference over the larger one; none where both are next to nothing."""
        return (high - low) / high if high > 1e-6 else 0.0


class Compound(Growth):
    """Years of compound growth, at a rate for each demand.

    Parameters
    ----------
    speed_per_year : ndarray of float, shape (demands,)
        Logarithm of the growth in a year.
    """

    def __init__(self, speed_per_year: np.ndarray) -> None:
        self._speed = speed_per_year
        self._speeds, group = np.unique(speed_per_year, return_inverse=True)
        self.group, self.groups, self.least = group.reshape(-1), len(self._speeds), -MOST_YEARS
        self.top_per_year = float(self._speeds.max(initial=0.0))

    def factors(self, number: float) -> np.ndarray:
        """Growth of every demand in so many years."""
        return np.asarray(np.exp(self._speed * number))

    def largest(self, loads: np.ndarray, room: np.ndarray) -> np.ndarray:
        """Root of a sum of exponentials, by Newton's method on its logarithm.

        That is convex, and Newton's method comes down on the last root from the right; minus
        infinity where loads are too much ever since.
        """
        loads, room = np.broadcast_arrays(loads, room[None])
        flat, room = loads.reshape(self.groups, -1), room[0].reshape(-1)
        years = np.full(flat.shape[1], np.inf)
        open_ = np.flatnonzero(self._at(flat, np.full(len(room), MOST_YEARS))[0] > room)
        years[open_[room[open_] <= 0]] = -np.inf
        open_ = open_[room[open_] > 0]
        years[open_] = self._roots(flat[:, open_], room[open_])
        return years.reshape(loads.shape[1:])

    def _roots(self, loads: np.ndarray, room: np.ndarray) -> np.ndarray:
        years = np.full(len(room), MOST_YEARS)
        for _ in range(_STEPS):
            total, slope = self._at(loads, years)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.where(slope > 0, np.log(total / room) * total / slope, np.inf)
            step[~(total > room)] = 0.0
            years = np.where(years - step < -MOST_YEARS, -np.inf, years - step)
            if not np.any(step[np.isfinite(years)] > _NO_STEP):
                break
        return years

    def _at(self, loads: np.ndarray, years: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loads after so many years, and how fast they then grow."""
        with np.errstate(invalid="ignore"):
            grown = loads * np.exp(self._speeds[:, None] * years)
        return grown.sum(axis=0), (self._speeds[:, None] * grown).sum(axis=0)

    def less(self, number: float, share: float) -> float:
        """Earlier by the time in which the fastest growth makes this share."""
        return number - share / self.top_per_year if self.top_per_year > 0 else number

    def apart(self, low: float, high: float) -> float:
        """Growth of the fastest in between."""
        return (high - low) * self.top_per_year
