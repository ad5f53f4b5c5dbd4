"""Headroom: by how much international traffic could grow before an exit passes its target."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

import numpy as np

from simulator.control.strategy import Strategy
from simulator.model.demands import INTERNATIONAL, Demands
from simulator.model.network import Network
from simulator.model.streams import Streams
from simulator.recording.growth import Uniform
from simulator.recording.limit import Limit
from simulator.recording.question import Question
from simulator.simulation.route_store import RouteStore

_BUFFER = 8_000_000
"""Rates kept before they are looked at: 64 MB."""
_QUESTIONS = 16
"""States of the network of which routes are kept for the next look."""


def headroom(
    strategy: Strategy,
    network: Network,
    demands: Demands,
    target: float,
    streams: Streams | None = None,
) -> float:
    """Return the largest factor on international traffic with every exit at most at *target*.

    Static routes stay as they were planned for these demands. A controller knows the demands and
    has up to fifty cycles to act: what remains is what it can really do, with its coverage, pieces,
    caps on moves, hysteresis and announcements that go astray. A scheme with a ``utilisation_cap``
    is asked to hold the target instead. What counts is what is asked for, of elastic services as
    well: that they would slow down is no room. Exact for routes that do not look at demand (loads
    are linear in it) and for schemes that hold a limit whenever any routes would (one linear
    program in the factor); else by bisection to 0.1 %.

    Parameters
    ----------
    network : Network
        As it stands, with what is down.
    target : float
        Utilisation of an exit direction.
    streams : Streams, optional
        Random streams by which announcements go astray; those of seed 0 when left out.

    Returns
    -------
    float
        0 when even the smallest factor tried is too much; infinite when nothing uses the exits;
        NaN without exits.
    """
    found = Headroom(strategy, demands, target, streams)
    found.see(network, demands.gbps[:, None])
    return found.factor()


class Headroom:
    """Headroom over a whole run: the least of all instants, in every state of the network.

    Parameters
    ----------
    demands : Demands
        Base demands, with the planning window: what static routes are planned for.
    target : float
        Utilisation of an exit direction.
    streams : Streams, optional
        Those of the replication; of seed 0 when left out.
    store : RouteStore, optional
        Routes that follow from the topology alone, shared with the replication.
    lands : bool
        Whether neighbours abroad choose where inbound traffic lands. Then what counts of it is the
        load of the inward exits as it was: all of it grows alike, and nothing is announced anew.

    Attributes
    ----------
    lands : ndarray of bool, shape (demands,), or None
        Traffic that lands by itself: what counts of it is utilisation.
    """

    def __init__(
        self,
        strategy: Strategy,
        demands: Demands,
        target: float,
        streams: Streams | None = None,
        *,
        store: RouteStore | None = None,
        lands: bool = False,
    ) -> None:
        self._strategy, self._demands, self._target = strategy, demands, target
        self.lands = demands.of_class("international_in") if lands else None
        if lands and strategy.has_controller:
            steers = tuple(each for each in strategy.control.steers if each != "international_in")
            control = replace(strategy.control, announcements=None, steers=steers)
            self._strategy = replace(strategy, control=control)
        self._streams = streams or Streams(0, 0)
        self._store = store or RouteStore()
        self._growth = Uniform(demands.of_class(INTERNATIONAL))
        # By the id of the network, which they hold; those seen last are at the end.
        self._questions: OrderedDict[int, Question] = OrderedDict()
        self._seen: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._kept = 0
        self._limit = Limit(math.inf)

    def see(
        self,
        network: Network,
        rates_gbps: np.ndarray,
        start_s: np.ndarray | None = None,
        utilisation: np.ndarray | None = None,
    ) -> None:
        """Take note of instants (demands x instants) at which the network stood like this.

        *utilisation* is that of every arc (arcs x instants): needed where inbound traffic lands by
        itself.
        """
        if id(network) not in self._questions:
            self._questions[id(network)] = Question(
                self._strategy,
                network,
                self._demands,
                self._target,
                self._streams,
                self._growth,
                store=self._store,
            )
        self._questions.move_to_end(id(network))
        start_s = np.zeros(rates_gbps.shape[1]) if start_s is None else start_s
        if self.lands is not None and utilisation is not None:
            self._limit = self._landed(network, utilisation, start_s)
            rates_gbps = np.where(self.lands[:, None], 0.0, rates_gbps)
        self._seen.setdefault(id(network), []).append((rates_gbps, start_s))
        self._kept += rates_gbps.size
        if self._kept > _BUFFER:
            self._look()

    def _landed(self, network: Network, utilisation: np.ndarray, start_s: np.ndarray) -> Limit:
        """Return the limit, or a lower one that inbound traffic puts where it lands."""
        arcs = network.exit_arcs["in"]
        at = np.nan_to_num(utilisation[arcs], nan=0.0)
        if not at.max(initial=0.0) > 0:
            return self._limit
        place, instant = np.unravel_index(np.argmax(at), at.shape)
        factor = self._target / float(at[place, instant])
        if factor >= self._limit.factor:
            return self._limit
        scope = f"exit:{network.links[arcs[place] // 2]}:in"
        return Limit(factor, float(start_s[instant]), scope, factor_high=factor, full=(scope,))

    def factor(self) -> float:
        """Return the least headroom of all instants noted."""
        return self.limit().factor

    def limit(self) -> Limit:
        """Return the least headroom of all instants noted, and what ends it."""
        self._look()
        return self._limit

    def _look(self) -> None:
        """Look at the instants that are kept, and forget them."""
        seen, self._seen, self._kept = self._seen, {}, 0
        asked = [(self._questions[key], *_joined(parts)) for key, parts in seen.items()]
        # The hardest first: what it leaves bounds the search of the others.
        if len(asked) > 1:
            asked.sort(key=lambda each: each[0].bound(each[1]).min(initial=np.inf))
        for key in list(self._questions)[:-_QUESTIONS]:
            del self._questions[key]
        asked.reverse()  # each is let go once it has answered
        while asked:
            self._limit = asked[-1][0].least(*asked.pop()[1:], self._limit)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    rates, start_s = zip(*parts, strict=True)
    return np.concatenate(rates, axis=1), np.concatenate(start_s)
