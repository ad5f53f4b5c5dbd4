"""Catchment: one draw of what all neighbours abroad prefer, and where they land by it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulator.inbound.bounds import of_regions
from simulator.inbound.choices import Catchments, Choices, prior
from simulator.inbound.gumbel import gumbel, swept, unbounded
from simulator.inbound.own_tastes import anchored_tastes
from simulator.inbound.preferences import Preferences
from simulator.model.streams import Streams

SWEEPS = 50
"""Sweeps from equal tastes to a draw; 40 to 60 make the start forgotten."""


@dataclass(frozen=True, eq=False)
class Catchment:
    """One draw of a world: where every source lands, whatever is announced.

    Attributes
    ----------
    choices : Choices
    settings : Catchments
    tastes : ndarray, shape (sources, exits)
        Taste of every source for every exit, beyond the length of the way: standard Gumbel, under
        the bounds that anchoring sets.
    own : ndarray of int, shape (pairs, 2)
        Sources and provinces with tastes of their own.
    own_tastes : ndarray, shape (pairs, exits)
    heard : ndarray of bool, shape (sources, exits)
        Where a source hears specific prefixes. This is one draw for a source and an exit. It holds
        for all provinces except those whose natural exit it is: at that exit a source hears all.
        So with ``stray: 1`` all traffic stays at natural exits whatever is announced.
    gamma : ndarray, shape (sources,)
        What a prepend takes from the preference of a source.
    """

    choices: Choices
    settings: Catchments
    tastes: np.ndarray
    own: np.ndarray
    own_tastes: np.ndarray
    heard: np.ndarray
    gamma: np.ndarray

    @classmethod
    def drawn(cls, choices: Choices, settings: Catchments, streams: Streams) -> Catchment:
        """Draw a world.

        Every source has a stream of its own, and so has every source with a province. From it
        come the same numbers in the same order. So another source or another province changes no
        number of a source. Only the bounds of an anchored draw see that there is a province more.

        Parameters
        ----------
        choices : Choices
        settings : Catchments
        streams : Streams
            The streams are keyed ``catchment`` and the source, or ``source>province``.
        """
        size = len(choices.exits)
        numbers = np.stack([_numbers(streams, name, size) for name in choices.sources])
        sensitive, hears, sweeps = np.split(numbers, [1, 1 + size], axis=1)
        bounds = _bounds(choices, settings)[choices.region]
        uniform = sweeps.reshape(-1, SWEEPS, size, 1).transpose(1, 2, 3, 0)
        tastes = swept(np.zeros((1, len(bounds), size)), bounds, uniform)[0]
        own, own_numbers = _own(choices, settings, streams)
        return cls(
            choices=choices,
            settings=settings,
            tastes=tastes,
            own=own,
            own_tastes=anchored_tastes(choices, settings, own, own_numbers),
            heard=hears >= settings.stray,
            gamma=np.where(sensitive[:, 0] < settings.insensitive, 0.0, settings.per_prepend),
        )

    @cached_property
    def preferences(self) -> Preferences:
        """What all sources prefer, as a single draw."""
        row = np.repeat(np.arange(len(self.tastes))[:, None], len(self.choices.provinces), axis=1)
        row[tuple(self.own.T)] = len(self.tastes) + np.arange(len(self.own))
        tastes = np.concatenate([self.tastes, self.own_tastes])
        value = prior(self.choices, self.settings)
        deaf, gamma = ~self.heard[None], self.gamma[None]
        return Preferences.of(self.choices, value, tastes[None], row, deaf, gamma)

    def lands(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> np.ndarray:
        """Return the exit where every source lands for every group.

        Parameters
        ----------
        announced : ndarray of bool, shape (groups, exits)
        prepends : ndarray of int, shape (groups, exits)
        province : ndarray of int, shape (groups,)
        up : ndarray of bool, shape (exits,)

        Returns
        -------
        ndarray of int, shape (sources, groups)
            -1 where no exit that is up has a way.
        """
        return self.preferences.lands(announced, prepends, province, up)[0]

    def arrivals(self, landed: np.ndarray, province: np.ndarray) -> np.ndarray:
        """Return the shares of the traffic of each region to each province by exit.

        Sources have their weights, and all groups of a province are equal.

        Parameters
        ----------
        landed : ndarray of int, shape (sources, groups)
        province : ndarray of int, shape (groups,)

        Returns
        -------
        ndarray, shape (regions, provinces, exits)
            These sum to one over the exits, less the share of traffic that lands nowhere.
        """
        volume = np.repeat(self.choices.weight[:, None], len(province), axis=1)
        shape = self.choices.metric_ms.shape
        pair = self.choices.region[:, None] * shape[1] + province
        total = np.bincount(pair.ravel(), volume.ravel(), minlength=shape[0] * shape[1])
        lands = landed >= 0
        place = pair[lands] * shape[2] + landed[lands]
        found = np.bincount(place, volume[lands], minlength=total.size * shape[2])
        found = found.reshape(-1, shape[2])
        return np.divide(
            found, total[:, None], out=np.zeros(found.shape), where=total[:, None] > 0
        ).reshape(shape)

    def drifted(self, days: float, generator: np.random.Generator) -> Catchment:
        """Return the world after some days, in which some tastes are drawn anew.

        A taste is drawn anew with the chance 1 - exp(-rate x days), by the plain law: today's
        landings are known, those of tomorrow need not be the same. Which pairs have tastes of their
        own, what a source hears and what prepends do stays as it is.

        Parameters
        ----------
        days : float
        generator : Generator
            It gives the same count of numbers each time.
        """
        chance = -np.expm1(-self.settings.drift_per_day * days)
        tastes, moved = _redrawn(self.tastes, chance, generator)
        own_tastes, own_moved = _redrawn(self.own_tastes, chance, generator)
        if not (moved or own_moved):
            return self
        return replace(self, tastes=tastes, own_tastes=own_tastes)


def _numbers(streams: Streams, source: str, exits: int) -> np.ndarray:
    return streams.generator("catchment", source).random(1 + exits + SWEEPS * exits)


def _bounds(choices: Choices, settings: Catchments) -> np.ndarray:
    """Return the bounds on tastes by region; shape (regions, exits, exits)."""
    if settings.anchored:
        return of_regions(choices, prior(choices, settings))
    return unbounded(len(choices.metric_ms), len(choices.exits))


def _own(choices: Choices, settings: Catchments, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs with tastes of their own, and uniform numbers for these."""
    pairs, numbers = [], []
    for s, source in enumerate(choices.sources if settings.own else ()):
        for p, province in enumerate(choices.provinces):
            generator = streams.generator("catchment", f"{source}>{province}")
            if generator.random() < settings.own:
                pairs.append((s, p))
                numbers.append(generator.random(1 + len(choices.exits)))
    shape = (len(pairs), 1 + len(choices.exits))
    return np.array(pairs, dtype=int).reshape(-1, 2), np.array(numbers).reshape(shape)


def _redrawn(
    tastes: np.ndarray, chance: float, generator: np.random.Generator
) -> tuple[np.ndarray, bool]:
    """Return tastes of which some are drawn anew, and whether any are."""
    new = generator.random(tastes.shape) < chance
    return np.where(new, gumbel(generator.random(tastes.shape)), tastes), bool(new.any())
