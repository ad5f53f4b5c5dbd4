"""Belief: what a controller knows of all sources from where their traffic landed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.inbound.bounds import of_pairs, of_regions
from simulator.inbound.choices import Catchments, Choices, is_natural, prior
from simulator.inbound.gumbel import raised, swept, unbounded
from simulator.inbound.own_tastes import OwnTastes
from simulator.inbound.preferences import Preferences, Ranked

START_SWEEPS = 40
"""Sweeps from equal tastes to the first particles."""
SWEEPS = 6
"""Sweeps after new bounds; particles obeyed most of them before."""
TOLERANCE = 1e-9
"""Bounds that differ by less are the same; rounding is far below."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """Where traffic landed at one instant, and what was announced."""

    landed: np.ndarray
    announced: np.ndarray
    prepends: np.ndarray
    province: np.ndarray
    up: np.ndarray

    def since(self, last: _Seen | None) -> list[int]:
        """Return the groups with anything new, one of those that are alike in all."""
        size = len(self.province)
        new = np.ones(size, dtype=bool)
        if (
            last is not None
            and last.landed.shape == self.landed.shape
            and np.array_equal(last.up, self.up)
        ):
            new = (
                (self.landed != last.landed).any(axis=0)
                | (self.announced != last.announced).any(axis=1)
                | (self.prepends != last.prepends).any(axis=1)
                | (self.province != last.province)
            )
        return self.distinct(np.flatnonzero(new))

    def distinct(self, groups: np.ndarray) -> list[int]:
        """Return one of each set of groups that were announced alike and landed alike."""
        columns = np.ascontiguousarray(self.landed.T)
        told = (self.announced, self.prepends, columns)
        one = {(self.province[g], *(part[g].tobytes() for part in told)): g for g in groups}
        return sorted(one.values())


class Belief:
    """What is known of the tastes of all sources: bounds, and particles drawn under them.

    A landing at one exit bounds the taste for it against that for every other exit that was open
    to the source. One landing for one province so says something of all provinces. Bounds that
    contradict one another mean that tastes drifted, or that the source has tastes of its own for a
    province. Then only what is in force now counts, and provinces that still contradict the others
    get bounds and particles of their own.

    A belief that never observes anything does not learn: its particles are draws given that the
    natural exits are first choices.

    Attributes
    ----------
    choices : Choices
    settings : Catchments
    row : ndarray of int, shape (sources, provinces)
        Row of the bounds and particles of a source for a province. Row s is that of source s for
        all provinces without tastes of their own.
    bounds : ndarray, shape (rows, exits, exits)
        The taste for exit e less that for f is at least this; closed, minus infinity where
        nothing is known.
    particles : ndarray, shape (draws, rows, exits)
        Tastes as they may be.
    deaf, hears : ndarray of bool, shape (sources, exits)
        Whether it is proven that a source does not hear, or does hear, the specific prefixes at an
        exit that is not natural for their province.
    particle_deaf : ndarray of bool, shape (draws, sources, exits)
        What the particles take for deaf: what is proven, and of the rest a share of ``stray``.
    particle_own : OwnTastes
        Tastes for single provinces that particles take sources to have, where nothing seen says
        so or otherwise.
    gamma : ndarray, shape (draws, sources)
        What a prepend takes from the preference, in each particle. It is drawn once, and changed
        where only the other value has traffic land as seen. Bounds hold whichever it is.
    """

    def __init__(
        self,
        choices: Choices,
        settings: Catchments,
        generator: np.random.Generator,
        particles: int,
    ) -> None:
        self.choices, self.settings = choices, settings
        self._generator = generator
        self._value = prior(choices, settings)
        self._natural = is_natural(choices)
        shape = particles, len(choices.sources), len(choices.exits)
        self.row = np.repeat(np.arange(shape[1])[:, None], len(choices.provinces), axis=1)
        self.bounds = self._start(np.arange(shape[1]))
        self.particles = self._drawn(np.zeros(shape), self.bounds, START_SWEEPS)
        self.deaf, self.hears = np.zeros(shape[1:], dtype=bool), np.zeros(shape[1:], dtype=bool)
        self.particle_deaf = generator.random(shape) < settings.stray
        insensitive = generator.random(shape[:2]) < settings.insensitive
        self.gamma = np.where(insensitive, 0.0, settings.per_prepend)
        self.particle_own = OwnTastes.drawn(choices, settings, generator, particles)
        self._touched = np.zeros(shape[1], dtype=bool)
        self._seen: _Seen | None = None
        self._preferences: Preferences | None = None

    @classmethod
    def at_start(
        cls,
        choices: Choices,
        settings: Catchments,
        generator: np.random.Generator,
        particles: int = 16,
    ) -> Belief:
        """Return what is known before anything but the natural exits was seen.

        Parameters
        ----------
        choices : Choices
        settings : Catchments
            If ``anchored``, every natural exit is known to be the first choice.
        generator : Generator
            It serves all draws of this belief, also later ones.
        particles : int
        """
        return cls(choices, settings, generator, particles)

    @property
    def preferences(self) -> Preferences:
        """What all sources prefer, in every particle."""
        if self._preferences is None:
            self._preferences = self._shared()
            self.particle_own.put_into(self._preferences, self._value, self.particle_deaf)
        return self._preferences

    def _shared(self) -> Preferences:
        """What sources prefer by what is known of them, without tastes that they may have."""
        return Preferences.of(
            self.choices, self._value, self.particles, self.row, self.particle_deaf, self.gamma
        )

    def lands(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> np.ndarray:
        """Return the landings in every particle; as `Preferences.lands`."""
        return self.preferences.lands(announced, prepends, province, up)

    def ranked(
        self, announced: np.ndarray, prepends: np.ndarray, province: np.ndarray, up: np.ndarray
    ) -> Ranked:
        """Return first and second choices in every particle; as `Preferences.ranked`."""
        return self.preferences.ranked(announced, prepends, province, up)

    @property
    def own(self) -> np.ndarray:
        """Which sources are taken to have tastes of their own; bool, shape (sources, provinces)."""
        return self.row != np.arange(len(self.row))[:, None]

    def observe(
        self,
        landed: np.ndarray,
        announced: np.ndarray,
        prepends: np.ndarray,
        province: np.ndarray,
        up: np.ndarray,
    ) -> Belief:
        """Learn from where traffic landed; this changes the belief itself, and returns it.

        Parameters
        ----------
        landed : ndarray of int, shape (sources, groups)
            -1 where nothing was seen.
        announced : ndarray of bool, shape (groups, exits)
        prepends : ndarray of int, shape (groups, exits)
        province : ndarray of int, shape (groups,)
        up : ndarray of bool, shape (exits,)
        """
        arrays = (np.array(array) for array in (landed, announced, prepends, province, up))
        last, self._seen = self._seen, _Seen(*arrays)
        groups = self._seen.since(last)
        # What is deaf comes first, as it says which exits were open at a landing.
        stale = self._listen(np.array(groups, dtype=int))
        contradicted = np.zeros(self.row.shape, dtype=bool)
        every = np.ones(len(self.row), dtype=bool)
        for g in groups:
            contradicted[:, self._seen.province[g]] |= self._learn(g, every)
        if stale.any() or contradicted.any():
            self._rebuild(contradicted, stale)
        self._draw_touched()
        self._heed()
        self._keep_own()
        return self

    # -- bounds ------------------------------------------------------------------------------------

    def _start(self, sources: np.ndarray, province: int | None = None) -> np.ndarray:
        """Return what is known of tastes from the start: of all provinces, or of one alone."""
        region = self.choices.region[sources]
        if not self.settings.anchored:
            return unbounded(len(sources), len(self.choices.exits))
        if province is None:
            return of_regions(self.choices, self._value)[region]
        return of_pairs(self.choices, self._value, region, np.full(len(region), province))

    def _listen(self, groups: np.ndarray) -> np.ndarray:
        """Learn who hears what, and return the sources of which something new is known to be deaf.

        A landing at an exit that does not announce the group follows the aggregate. So the source
        hears the group at no exit that announces it, is up and has a way. A landing at an exit
        that does announce it is taken to follow the specific prefix.
        """
        seen = self._seen
        assert seen is not None
        landed, province = seen.landed[:, groups], seen.province[groups]
        natural = self._natural[self.choices.region][:, province]
        way = np.isfinite(self._value)[self.choices.region][:, province]
        here = landed[:, :, None] == np.arange(natural.shape[2])
        by_aggregate = (landed >= 0) & ~(here & seen.announced[groups]).any(axis=2)
        unheard = seen.announced[groups] & seen.up & way & ~natural
        deaf = self.deaf | (unheard & by_aggregate[:, :, None]).any(axis=1)
        heard = (here & seen.announced[groups] & ~natural).any(axis=1)
        new = deaf & ~self.deaf
        # Deafness is certain. A landing of a deaf source at such an exit followed the aggregate.
        hears = (self.hears | heard) & ~deaf
        if new.any() or (hears & ~self.hears).any():
            self.deaf, self.hears = deaf, hears
            self.particle_deaf = deaf | (self.particle_deaf & ~hears)
            self._preferences = None
        return new.any(axis=1)

    def _learn(self, g: int, who: np.ndarray) -> np.ndarray:
        """Add what the landings of a group say, and return the sources that they contradict.

        Parameters
        ----------
        g : int
        who : ndarray of bool, shape (sources,)

        Returns
        -------
        ndarray of bool, shape (sources,)
            Nothing is added to these.
        """
        seen = self._seen
        assert seen is not None
        contradicted = np.zeros(len(who), dtype=bool)
        s = np.flatnonzero(who & (seen.landed[:, g] >= 0))
        at, least = seen.landed[s, g], self._least(g, s)
        row = self.row[s, seen.province[g]]
        new = (least > self.bounds[row, at] + TOLERANCE).any(axis=1)
        s, at, least, row = s[new], at[new], least[new], row[new]
        if not len(s):
            return contradicted
        # All new bounds leave one exit. So a circle with one of them comes back there by bounds
        # that hold already, and one step brings all that follows.
        every, bounds = np.arange(len(s)), self.bounds[row]
        # A circle of zero counts too, as when a landing turns round: no two sums are equal.
        bad = (least + bounds[every, :, at] > -TOLERANCE).any(axis=1)
        contradicted[s[bad]] = True
        from_there = np.maximum(bounds[every, at], (least[:, :, None] + bounds).max(axis=1))
        more = np.maximum(bounds, bounds[every, :, at][:, :, None] + from_there[:, None, :])
        self.bounds[row[~bad]] = more[~bad]
        self._touched[row[~bad]] = True
        return contradicted

    def _least(self, g: int, s: np.ndarray) -> np.ndarray:
        """Return what the taste for the exit of a landing exceeds those for the others by.

        U[e] >= U[f] gives x[e] - x[f] >= V[f] - V[e] + gamma (n[e] - n[f]) for the exits f that
        were open: those that announce, are up and are not known to be deaf; or all that are up if
        the landing followed the aggregate.

        Parameters
        ----------
        g : int
        s : ndarray of int, shape (n,)
            Sources.

        Returns
        -------
        ndarray, shape (n, exits)
            Minus infinity where nothing follows.
        """
        seen = self._seen
        assert seen is not None
        p, at = seen.province[g], seen.landed[s, g]
        every, region = np.arange(len(s)), self.choices.region[s]
        value = self._value[region, p]
        open_ = seen.announced[g] & seen.up & (self._natural[region, p] | ~self.deaf[s])
        by_specific = open_[every, at]
        compared = np.where(by_specific[:, None], open_, seen.up) & np.isfinite(value)
        compared[every, at] = False
        compared &= np.isfinite(value[every, at])[:, None]
        count = seen.prepends[g]
        shift = self._surely(count[at][:, None] - count) * by_specific[:, None]
        least = np.full(value.shape, -np.inf)
        np.subtract(value, value[every, at][:, None], out=least, where=compared)
        return least + shift

    def _surely(self, more: np.ndarray) -> np.ndarray:
        """Return what so many prepends more take at least, whether a source heeds them or not."""
        all_heed, none_heeds = self.settings.insensitive == 0, self.settings.insensitive == 1
        heeded = self.settings.per_prepend * more
        return heeded if all_heed else 0.0 * more if none_heeds else np.minimum(heeded, 0.0)

    # -- contradictions ----------------------------------------------------------------------------

    def _rebuild(self, contradicted: np.ndarray, stale: np.ndarray) -> None:
        """Take only what is in force now of the sources that were contradicted.

        Parameters
        ----------
        contradicted : ndarray of bool, shape (sources, provinces)
        stale : ndarray of bool, shape (sources,)
            Sources of which bounds rest on an exit that is now known to be deaf.
        """
        seen, own = self._seen, self.own
        assert seen is not None
        groups: dict[int, list[int]] = {}
        for g in seen.distinct(np.arange(len(seen.province))):
            groups.setdefault(int(seen.province[g]), []).append(g)
        for p in np.flatnonzero((own & (contradicted | stale[:, None])).any(axis=0)).tolist():
            who = own[:, p] & (contradicted[:, p] | stale)
            self._restart(self.row[who, p], self._start(np.flatnonzero(who), p))
            self._relearn_afresh(p, groups.get(p, []), who)
        news = (contradicted & ~own).any(axis=1)
        again = stale | news
        self._restart(np.flatnonzero(again), self._start(np.flatnonzero(again)))
        # Where tastes have drifted, not even the natural exit need be the first choice any more.
        self._restart(np.flatnonzero(news), unbounded(int(news.sum()), self.bounds.shape[1]))
        # Provinces with the news come last: these are more likely to differ from all others.
        for late in (False, True):
            for p, theirs in groups.items():
                who = again & ~own[:, p] & (contradicted[:, p] == late)
                if who.any():
                    self._learn_province(p, theirs, who)

    def _restart(self, rows: np.ndarray, bounds: np.ndarray) -> None:
        self.bounds[rows] = bounds
        self._touched[rows] = True

    def _relearn(self, groups: list[int], who: np.ndarray) -> np.ndarray:
        """Add what some groups of one province say; return the sources that they contradict."""
        bad = np.zeros(len(who), dtype=bool)
        for g in groups:
            bad |= self._learn(g, who)
        return bad

    def _learn_province(self, p: int, groups: list[int], who: np.ndarray) -> None:
        """Add what all groups of a province say, or give the source a row of its own for it."""
        s = np.flatnonzero(who)
        before = self.bounds[s]
        bad = self._relearn(groups, who)
        if not bad.any():
            return
        self.bounds[s[bad[s]]] = before[bad[s]]
        self._separate(np.flatnonzero(bad), p)
        self._relearn_afresh(p, groups, bad)

    def _relearn_afresh(self, p: int, groups: list[int], who: np.ndarray) -> None:
        """Add what groups of a province say to rows of its own, without anchors where these err."""
        bad = self._relearn(groups, who)
        if bad.any():
            self._restart(self.row[bad, p], unbounded(int(bad.sum()), self.bounds.shape[1]))
            self._relearn(groups, bad)

    def _separate(self, sources: np.ndarray, p: int) -> None:
        """Give sources rows of their own for a province; particles start from the shared ones."""
        self.row[sources, p] = len(self.bounds) + np.arange(len(sources))
        self.bounds = np.concatenate([self.bounds, self._start(sources, p)])
        self.particles = np.concatenate([self.particles, self.particles[:, sources]], axis=1)
        self._touched = np.concatenate([self._touched, np.ones(len(sources), dtype=bool)])

    # -- particles ---------------------------------------------------------------------------------

    def _draw_touched(self) -> None:
        rows = np.flatnonzero(self._touched)
        if not len(rows):
            return
        bounds = self.bounds[rows]
        start = raised(self.particles[:, rows], bounds)
        self.particles[:, rows] = self._drawn(start, bounds, SWEEPS)
        self._touched[:] = False
        self._preferences = None

    def _heed(self) -> None:
        """Let particles heed prepends, or not, by which of the two has more traffic land as seen.

        Where both do as well, it stays as it was drawn.
        """
        seen, settings = self._seen, self.settings
        assert seen is not None
        groups = np.array(seen.distinct(np.flatnonzero(seen.prepends.any(axis=1))), dtype=int)
        if not len(groups) or settings.insensitive in (0.0, 1.0):
            return
        told = seen.announced[groups], seen.prepends[groups], seen.province[groups], seen.up
        landed, missed, worlds = seen.landed[:, groups], [], self._shared()
        for each in (0.0, settings.per_prepend):
            other = replace(worlds, gamma=np.full_like(worlds.gamma, each), _last={})
            wrong = (other.lands(*told) != landed) & (landed >= 0)
            missed.append(wrong.sum(axis=2))
        never, always = missed
        gamma = np.where(never < always, 0.0, self.gamma)
        gamma = np.where(always < never, settings.per_prepend, gamma)
        if (gamma != self.gamma).any():
            self.gamma, self._preferences = gamma, None

    def _keep_own(self) -> None:
        """Keep tastes for single provinces in particles by which traffic lands as seen.

        Those of sources that are known to have tastes of their own are in the bounds.
        """
        seen = self._seen
        assert seen is not None
        landed = self.lands(seen.announced, seen.prepends, seen.province, seen.up)
        missed = (landed != seen.landed) & (seen.landed >= 0)
        wrong = np.broadcast_to(self.own, (len(landed), *self.row.shape)).copy()
        for g, p in enumerate(seen.province):
            wrong[:, :, p] |= missed[:, :, g]
        left = self.particle_own.without(wrong)
        if len(left.draw) < len(self.particle_own.draw):
            self.particle_own, self._preferences = left, None

    def _drawn(self, tastes: np.ndarray, bounds: np.ndarray, sweeps: int) -> np.ndarray:
        draws, rows, exits = tastes.shape
        uniform = self._generator.random((sweeps, exits, draws, rows))
        return swept(tastes, bounds, uniform)
