"""Behaviour: what a strategy does with traffic across the border once something has failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.control.strategy import Strategy
from simulator.model.demands import Demands
from simulator.model.network import Network
from simulator.model.routes import Routes
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.routing.scheme import Scheme

WAYS = {"out": "international_out", "in": "international_in"}
"""Directions, and their traffic classes."""
FREE, FIXED, BETWEEN = "free", "fixed", "between"
ANNOUNCED, STEERED, STATIC = "announced", "steered", "static"
INBOUND = (ANNOUNCED, STEERED, STATIC)
"""How inbound traffic that announcements move may be taken: between the two others, or as one."""


@dataclass(frozen=True, eq=False)
class Behaviour:
    """How a strategy is taken.

    Attributes
    ----------
    strategy : Strategy
    kind : mapping of str to str
        By direction: ``free``, as good as any routing once it has reacted; ``fixed``, by routes
        that do not follow traffic; ``between`` these two.
    words : mapping of str to str
        The same in words.
    announced : bool
        Whether inbound traffic is moved by announcements.
    """

    strategy: Strategy
    kind: Mapping[str, str]
    words: Mapping[str, str]
    announced: bool = False

    @property
    def moves(self) -> bool:
        """Whether some traffic is moved."""
        return any(kind != FIXED for kind in self.kind.values())


def behaviour_of(
    strategy: Strategy,
    network: Network,
    demands: Demands,
    *,
    lands: bool = False,
    inbound: str = ANNOUNCED,
) -> Behaviour:
    """Return how a strategy is taken.

    Parameters
    ----------
    lands : bool
        Whether neighbours abroad choose where inbound traffic lands.
    inbound : str
        Of traffic that announcements move: ``announced``, between the two ends that follow;
        ``steered``, as if the controller itself chose its exits; ``static``, as if it stayed where
        the static routes lead.
    """
    kinds, words = {}, {}
    by_announcements = _announces(strategy, lands)
    for way, named in WAYS.items():
        lost = _not_steered(strategy, network, demands, named)
        moved = way == "in" and by_announcements
        announced = moved and inbound == ANNOUNCED
        stays = moved and inbound == STATIC
        if moved and inbound == STEERED:
            kinds[way] = FREE
            words[way] = "any exit, as if announcements moved all traffic at will"
        elif stays or (lost == "none" and not announced):
            kinds[way], words[way] = FIXED, _fixed_words(strategy.static_scheme)
            if stays:
                words[way] += "; as if announcements moved nothing"
            elif way == "in" and lands:
                words[way] += "; neighbours hand over where these lead"
        elif announced:
            kinds[way] = BETWEEN
            words[way] = (
                "announcements: between free steering, and inbound traffic that stays on the static"
                f" routes ({_fixed_words(strategy.static_scheme)})"
            )
        elif lost:
            kinds[way] = BETWEEN
            words[way] = f"{lost}: between free steering and the static routes"
        else:
            kinds[way], words[way] = FREE, "any exit, as good as any routing after it has reacted"
    return Behaviour(strategy, kinds, words, by_announcements)


def _announces(strategy: Strategy, lands: bool) -> bool:
    """Whether inbound traffic is moved by announcements only."""
    control = strategy.control
    announces = getattr(control, "announcements", None) is not None
    return announces or (lands and not control.at_will and not strategy.is_static)


def _not_steered(strategy: Strategy, network: Network, demands: Demands, named: str) -> str:
    """Return why a class is not steered in full: ``none`` where not at all, or nothing."""
    if strategy.is_static:
        return "none"
    if not strategy.perfect_information:
        mine = demands.of_class(named) & (demands.gbps > 0)
        reached = np.zeros(len(demands), dtype=bool)
        reached[strategy.steered(network, demands)] = True
        if not (reached & mine).any():
            return "none"
        if (mine & ~reached).any() or strategy.steered_share < 1.0:
            return "the controller reaches a part of the traffic"
        if getattr(strategy.control, "pieces", None) is not None:
            return "traffic moves in pieces"
        carrier = getattr(strategy.control, "carried_by", None)
        if carrier is not None:
            return f"decisions are carried by {carrier.kind}"
    scheme = strategy.scheme
    if scheme.limits(network, 1.0) is None:
        return f"{scheme.kind} does not hold limits on utilisation"
    if scheme.only_paths(network, demands) is not None:
        return f"{scheme.kind} may use some paths only"
    return ""


def _fixed_words(scheme: Scheme) -> str:
    if scheme.topology_only:
        return f"{scheme.kind}, made again where links are down"
    return (
        f"fixed splits of {scheme.kind}, planned for the matrix without failures; what is dead is"
        " shared out over the rest in proportion, or else goes by igp_ecmp"
    )


class FixedRoutes:
    """Routes of a scheme that do not follow traffic, for any links that are down.

    Parameters
    ----------
    scheme : Scheme
    network : Network
        Without failures.
    demands : Demands
        All, as a plan is made for them.
    mine : ndarray of int
        Those whose routes are asked for.
    """

    def __init__(
        self, scheme: Scheme, network: Network, demands: Demands, mine: np.ndarray
    ) -> None:
        self._scheme, self._network = scheme, network
        self._mine = demands.take(mine)
        self._planned: Routes | None = None
        if not scheme.topology_only:
            whole = replace(demands, window_gbps=None)
            self._planned = replace(scheme.route(network, whole).take(mine), rescales=True)

    def under(self, up: np.ndarray) -> Routes:
        """Return the routes where only these arcs are up."""
        seen = self._network.under(up=up)
        if self._planned is None:
            return self._scheme.route(seen, self._mine)
        left = self._planned.without_arcs(~up)
        return left.with_fallback(IgpEcmp().route(seen, self._mine))
