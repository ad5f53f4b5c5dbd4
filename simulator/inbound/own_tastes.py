"""OwnTastes: preferences for single provinces that sources may have, in each draw of a belief."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.inbound.choices import Catchments, Choices, is_natural, prior
from simulator.inbound.gumbel import gumbel, truncated
from simulator.inbound.preferences import Preferences


def anchored_tastes(
    choices: Choices, settings: Catchments, pairs: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """Return tastes for single provinces; shape (pairs, exits).

    Anchored, natural exits are first choices, and tastes are exact without sweeps. The largest of
    several Gumbel variates with means V is Gumbel around log sum exp(V) whichever it is, and the
    others are cut off there.

    Parameters
    ----------
    choices : Choices
    settings : Catchments
    pairs : ndarray of int, shape (pairs, 2)
        Sources and provinces.
    numbers : ndarray, shape (pairs, 1 + exits)
        Uniform, for the first choice and for each exit.
    """
    if not settings.anchored:
        return gumbel(numbers[:, 1:])
    region, province = choices.region[pairs[:, 0]], pairs[:, 1]
    value = prior(choices, settings)[region, province]
    largest = np.logaddexp.reduce(value, axis=1) + gumbel(numbers[:, 0])
    # An exit without a way is no choice, so nothing limits the taste for it.
    tastes = truncated(numbers[:, 1:], -np.inf, largest[:, None] - value)
    way = np.isfinite(largest)
    natural = choices.natural[region, province]
    tastes[np.flatnonzero(way), natural[way]] = largest[way]
    return tastes


class OwnTastes(NamedTuple):
    """Sources that are taken to prefer otherwise for one province than for others, in some draws.

    A landing for one province says something of all others, unless the source has tastes of its
    own for it. That is not known before it lands where the others do not lead it. So it has some in
    each draw with the chance ``own``, as long as that draw has traffic land as it was seen.

    Attributes
    ----------
    draw, source, province : ndarray of int, shape (n,)
    tastes : ndarray, shape (n, exits)
    natural : ndarray of bool, shape (n, exits)
        Which exit is natural; a source hears all of it.
    """

    draw: np.ndarray
    source: np.ndarray
    province: np.ndarray
    tastes: np.ndarray
    natural: np.ndarray

    @classmethod
    def drawn(
        cls, choices: Choices, settings: Catchments, generator: np.random.Generator, draws: int
    ) -> OwnTastes:
        """Draw who has tastes of their own, and which."""
        shape = draws, len(choices.sources), len(choices.provinces)
        draw, source, province = np.nonzero(generator.random(shape) < settings.own)
        numbers = generator.random((len(draw), 1 + len(choices.exits)))
        pairs = np.column_stack([source, province])
        tastes = anchored_tastes(choices, settings, pairs, numbers)
        natural = is_natural(choices)[choices.region[source], province]
        return cls(draw, source, province, tastes, natural)

    def put_into(self, preferences: Preferences, value: np.ndarray, deaf: np.ndarray) -> None:
        """Put them in place of the tastes for all provinces.

        Parameters
        ----------
        preferences : Preferences
        value : ndarray, shape (regions, provinces, exits)
            Preference for the way alone.
        deaf : ndarray of bool, shape (draws, sources, exits)
            Where a source does not hear specific prefixes.
        """
        utility = value[preferences.region[self.source], self.province] + self.tastes
        heard = self.natural | ~deaf[self.draw, self.source]
        at = self.province, self.source, self.draw
        preferences.utility[at] = utility
        preferences.specific[at] = np.where(heard, utility, -np.inf)

    def without(self, wrong: np.ndarray) -> OwnTastes:
        """Return those that are left; *wrong* is bool, of shape (draws, sources, provinces)."""
        keep = ~wrong[self.draw, self.source, self.province]
        return OwnTastes(*(each[keep] for each in self))
