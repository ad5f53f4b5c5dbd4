"""Preferences: what sources prefer in one draw or several, and where they land by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from simulator.inbound.choices import Choices, is_natural

T = TypeVar("T")

AT_ONCE = 4
"""Groups whose choices are worked out together; few, so that their arrays stay in the cache."""


class Ranked(NamedTuple):
    """First and second choices; each of shape (groups, sources, draws).

    Attributes
    ----------
    first : ndarray of int
        Exit where the traffic lands; -1 where no exit that is up has a way.
    second : ndarray of int
        Where it would land were its group withdrawn at the first.
    value : ndarray
        Preference for the first; minus infinity where the traffic follows the aggregate.
    next_value : ndarray
        Preference for the second; minus infinity where it would follow the aggregate.
    """

    first: np.ndarray
    second: np.ndarray
    value: np.ndarray
    next_value: np.ndarray


@dataclass(frozen=True, eq=False)
class Preferences:
    """What all sources prefer, in one draw of a world or in several.

    A source hands over traffic for a group at the exit that it prefers most, of those that are up
    and announce the group and that it hears. Each prepend lowers the preference. If there is no
    such exit, traffic follows the aggregate to the exit preferred most of all that are up.

    Attributes
    ----------
    region : ndarray of int, shape (sources,)
    utility : ndarray, shape (provinces, sources, draws, exits)
        Preference for each exit; minus infinity where there is no way.
    specific : ndarray, shape (provinces, sources, draws, exits)
        The same; minus infinity also where the source does not hear specific prefixes.
    gamma : ndarray, shape (sources, draws)
        What a prepend takes from the preference.
    """

    region: np.ndarray
    utility: np.ndarray
    specific: np.ndarray
    gamma: np.ndarray
    _last: dict[str, tuple[object, Any]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        choices: Choices,
        value: np.ndarray,
        tastes: np.ndarray,
        row: np.ndarray,
        deaf: np.ndarray,
        gamma: np.ndarray,
    ) -> Preferences:
        """Make the preferences of what the ways and the tastes of the sources are.

        Parameters
        ----------
        choices : Choices
        value : ndarray, shape (regions, provinces, exits)
            Preference for the way alone.
        tastes : ndarray, shape (draws, rows, exits)
            Those of sources, then those of sources for single provinces.
        row : ndarray of int, shape (sources, provinces)
            Which row of *tastes* holds.
        deaf : ndarray of bool, shape (draws, sources, exits)
            Where a source does not hear specific prefixes of provinces with another natural exit.
        gamma : ndarray, shape (draws, sources)
        """
        utility = tastes.swapaxes(0, 1)[row.T]
        utility += value[choices.region].swapaxes(0, 1)[:, :, None, :]
        natural = is_natural(choices)[choices.region].swapaxes(0, 1)[:, :, None, :]
        heard = natural | ~deaf.swapaxes(0, 1)
        return cls(choices.region, utility, np.where(heard, utility, -np.inf), gamma.T)

    def lands(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> np.ndarray:
        """Return the exit where every source lands for every group in every draw.

        Parameters
        ----------
        announced : ndarray of bool, shape (groups, exits)
        prepends : ndarray of int, shape (groups, exits)
        province : ndarray of int, shape (groups,)
        up : ndarray of bool, shape (exits,)

        Returns
        -------
        ndarray of int, shape (draws, sources, groups)
            -1 where no exit that is up has a way.
        """
        return self.ranked(announced, prepends, province, up).first.transpose(2, 1, 0).copy()

    def ranked(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> Ranked:
        """Return first and second choices; parameters as in `lands`."""
        told = np.column_stack([province, announced & up, prepends])
        return self.same("ranked", (told.tobytes(), up.tobytes()), lambda: self._ranked(told, up))

    def same(self, name: str, asked: object, make: Callable[[], T]) -> T:
        """Return what *make* gave last time if the same was asked then; from cycle to cycle it is.

        Parameters
        ----------
        name : str
            Of what is made; the last of each name is kept. It must not be changed by those who
            get it.
        asked : object
            All that it depends on, besides these preferences.
        make : callable
        """
        if name not in self._last or self._last[name][0] != asked:
            self._last[name] = asked, make()
        return self._last[name][1]

    def _ranked(self, told: np.ndarray, up: np.ndarray) -> Ranked:
        # Most groups of a province are announced alike, and have the same choices.
        every, alike = np.unique(told, axis=0, return_inverse=True)
        announced, prepends = np.split(every[:, 1:], 2, axis=1)
        parts = [
            self._choose(announced[at].astype(bool), prepends[at], every[at, 0], up)
            for at in _chunks(len(every))
        ]
        together = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return Ranked(*(array[alike.reshape(-1)] for array in together))

    def _by_aggregate(self, province: np.ndarray, up: np.ndarray) -> np.ndarray:
        """Return the exit preferred of all that are up; shape (groups, sources, draws)."""
        utility = np.where(up, self.utility[province], -np.inf)
        return np.where(np.isneginf(utility.max(axis=-1)), -1, utility.argmax(axis=-1))

    def _choose(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> Ranked:
        specific = self.specific[province]
        specific += np.where(announced, 0.0, -np.inf)[:, None, None, :]
        if prepends.any():
            specific -= self.gamma[:, :, None] * prepends[:, None, None, :]
        first, value = _best(specific)
        second, next_value = _best(specific)
        lacking = np.isneginf(next_value).any(axis=(1, 2))
        if lacking.any():
            otherwise = self._by_aggregate(province[lacking], up)
            # A source that follows the aggregate hears no announcement to withdraw.
            first[lacking] = np.where(np.isneginf(value[lacking]), otherwise, first[lacking])
            second[lacking] = np.where(np.isneginf(next_value[lacking]), otherwise, second[lacking])
        return Ranked(first, second, value, next_value)


def _best(specific: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the exit of the largest value and that value, and put minus infinity there."""
    best = specific.argmax(axis=-1)
    flat = specific.reshape(-1)
    place = np.arange(0, len(flat), specific.shape[-1]) + best.reshape(-1)
    value = flat[place].reshape(best.shape)
    flat[place] = -np.inf
    return best, value


def _chunks(size: int) -> Iterator[slice]:
    for start in range(0, size, AT_ONCE):
        yield slice(start, start + AT_ONCE)
