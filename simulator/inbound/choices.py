"""Choices: which neighbours abroad choose among the exits, and how far each exit is from them.

A *source* is a group of neighbours abroad that choose alike. A *group* is a group of prefixes of
one province with one announcement policy. Every source abroad sees the same announcements of a
group. A covering aggregate is announced at every exit at all times, so nothing is unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from simulator.base.schema import Fraction, NonNegative, Positive, PositiveInt, checked


@checked
class Catchments:
    """How neighbours abroad choose the exit where they hand over traffic.

    Attributes
    ----------
    tau_ms : float
        Detour in ms of fibre that makes an exit less likely by the factor e. 22 calibrated: after
        withdrawal of the natural exit the three likeliest exits hold 76 % (TIPSY, SIGCOMM 2022).
    neighbours : int
        Sources of each region. Estimate: 150 networks carry half of all traffic (Labovitz et al.,
        SIGCOMM 2010), which is about 20 a region.
    zipf : float
        Exponent of the shares of the sources of a region: the j-th has j to the power of minus it.
        Estimate from the same counts.
    own : float
        Chance that a source has a preference of its own for a province. AnyOpt (SIGCOMM 2021)
        predicts 94.7 % of catchments by one order of exits for each client; the rest, doubled for
        policies by province.
    stray : float
        Chance that a source does not hear the specific prefixes at an exit that is not natural
        (filters, no-export, peer routes). Assumed, 0 to 0.24.
    insensitive : float
        Share of sources that prepends do not move, since local preference decides first. Assumed,
        0.1 to 0.6; that many depend on where they are: Marcos et al., IMC 2020.
    per_prepend : float
        What a prepend takes from the preference of the other sources. Assumed: the odds fall to
        22 %.
    drift_per_day : float
        Rate at which the preference of a source for an exit is drawn anew. Assumed, 0.001 to 0.02:
        0.8 % of vantage points flipped in 2016 and 3.2 % in 2024 (Zhang et al., 2025, LNCS 15567);
        0.0015 moves 0.2 % of the inbound traffic of china169-2017 in a day when all is announced
        everywhere, on average of 20 draws, and often none.
    anchored : bool
        Whether the natural exit is the first choice of every source at the start. An operator
        measures where traffic lands, but not where else it would.
    handover : {"exits", "points"}
        Among which exits a source may choose: all of them, which takes neighbours at every point of
        presence or overseas links of others; or those of the one or two points where its region
        meets us, and its natural exit. Then all other overseas links are ours. A region that meets
        us where there is no exit may choose any.
    """

    tau_ms: Positive = 22.0
    neighbours: PositiveInt = 10
    zipf: NonNegative = 0.8
    own: Fraction = 0.10
    stray: Fraction = 0.05
    insensitive: Fraction = 0.3
    per_prepend: NonNegative = 1.5
    drift_per_day: NonNegative = 0.0015
    anchored: bool = True
    handover: Literal["exits", "points"] = "exits"


class Choices(NamedTuple):
    """The facts of one network that all choices rest on.

    Attributes
    ----------
    sources : tuple of str
        Name of every source: ``region-japan/3``.
    region : ndarray of int, shape (sources,)
    weight : ndarray, shape (sources,)
        Share of the traffic of its region; these sum to one within a region.
    provinces, exits : tuple of str
    metric_ms : ndarray, shape (regions, provinces, exits)
        Length of the shortest way from the region to the province by each exit, in ms of fibre;
        infinite where there is none.
    """

    sources: tuple[str, ...]
    region: np.ndarray
    weight: np.ndarray
    provinces: tuple[str, ...]
    exits: tuple[str, ...]
    metric_ms: np.ndarray

    @property
    def natural(self) -> np.ndarray:
        """The exit of the shortest way, the first of equals; int, shape (regions, provinces)."""
        return self.metric_ms.argmin(axis=2)


def neighbours_of(
    regions: Sequence[str], settings: Catchments
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Return the sources of some regions: their names, regions and shares of the region's traffic.

    Parameters
    ----------
    regions : sequence of str
    settings : Catchments

    Returns
    -------
    names : tuple of str
    region : ndarray of int, shape (sources,)
    weight : ndarray, shape (sources,)
        Zipf shares: the j-th source of a region has j to the power of minus ``zipf``, normalised.
    """
    rank = np.arange(1, settings.neighbours + 1)
    share = rank**-settings.zipf
    names = tuple(f"{region}/{j}" for region in regions for j in rank)
    region = np.repeat(np.arange(len(regions)), len(rank))
    return names, region, np.tile(share / share.sum(), len(regions))


def prior(choices: Choices, settings: Catchments) -> np.ndarray:
    """Return how much every exit is preferred for its way alone, before any source's own taste.

    V = -(m - least m) / tau. Without anchoring and with standard Gumbel tastes, an exit is chosen
    with a chance in proportion to exp(V) (Luce; McFadden, 1974).

    Returns
    -------
    ndarray, shape (regions, provinces, exits)
        0 at the natural exit, and minus infinity where there is no way.
    """
    metric = choices.metric_ms
    least = metric.min(axis=2, keepdims=True)
    ways = np.isfinite(metric)
    detour = np.subtract(metric, least, out=np.full(metric.shape, np.inf), where=ways)
    return -detour / settings.tau_ms


def is_natural(choices: Choices) -> np.ndarray:
    """Return which exit is natural, as a mask: bool, shape (regions, provinces, exits)."""
    return choices.natural[:, :, None] == np.arange(len(choices.exits))
