"""The plant: what physically stands at this moment, the same for every strategy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import simpy

from simulator.model.change import all_changed
from simulator.model.network import Network
from simulator.simulation.clock import Clock, Priority


class NetworkState:
    """Links, nodes and cables as faults and upgrades leave them.

    Attributes
    ----------
    network : Network
        The network as it stands now: arcs down and capacities left.
    before_change : list of callable
        Called before anything changes, so that time so far is accounted for.
    """

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock = clock
        self._whole = network
        self._changes: dict[int, dict[int, float | str]] = {}
        self._links_down = np.zeros(len(network.links), dtype=int)
        self._nodes_down = np.zeros(len(network.nodes), dtype=int)
        self._cut: dict[str, float] = {}
        self.network = network
        self._notices: list[Notices] = []
        self._past: list[tuple[int, Network]] = [(0, network)]
        self.before_change: list[Callable[[], None]] = []

    def seen(self, ago_us: int) -> Network:
        """Return the network as it stood some time ago (at the start, before that)."""
        then = self._clock.now - ago_us
        for time, network in reversed(self._past):
            if time <= then:
                return network
        return self._past[0][1]

    def links(self, links: list[int], down: int) -> None:
        """Take links down (1) or bring them back (-1); overlapping faults add up."""
        self._links_down[links] += down
        self._change()

    def nodes(self, nodes: list[int], down: int) -> None:
        """Take nodes down (1) or bring them back (-1)."""
        self._nodes_down[nodes] += down
        self._change()

    def cable(self, cable: str, lost: float) -> None:
        """Lose (or with a negative number regain) a part of a cable, on every link it carries."""
        self._cut[cable] = self._cut.get(cable, 0.0) + lost
        self._change()

    def begin_change(self, link: int, change: float | str, key: object) -> None:
        """Change the capacity of both directions of a link, after the changes in force."""
        self._changes.setdefault(link, {})[id(key)] = change
        self._change()

    def end_change(self, link: int, key: object) -> None:
        """End the change of capacity begun under *key*; the others stay, one after the other."""
        del self._changes[link][id(key)]
        self._change()

    def notices(self, detect_s: float, tell: Callable[[], None] | None = None) -> Notices:
        """Return notices of every change of topology, each *detect_s* after it.

        Parameters
        ----------
        detect_s : float
        tell : callable, optional
            Called with every notice.
        """
        notices = Notices(self._clock, detect_s, tell)
        self._notices.append(notices)
        return notices

    def _change(self) -> None:
        for notice in self.before_change:
            notice()
        whole = self._whole
        node_up = self._nodes_down == 0
        link_up = np.repeat(self._links_down == 0, 2)
        capacity = whole.capacity_gbps.copy()
        for link, changes in self._changes.items():
            for arc in (2 * link, 2 * link + 1):
                capacity[arc] = all_changed(capacity[arc], changes.values())
        up = whole.up & link_up & node_up[whole.tail] & node_up[whole.head]
        # What overlapping faults took and gave back adds up to nothing but for rounding.
        cut = {cable: min(part, 1.0) for cable, part in self._cut.items() if part > 1e-9}
        old_up = self.network.up
        self.network = whole.under(up=up, capacity_gbps=capacity).failed(cables=cut)
        self._past.append((self._clock.now, self.network))
        if not np.array_equal(self.network.up, old_up):
            for notices in self._notices:
                notices.announce()


class Notices:
    """News of links that come up or go down, each a while after it happened.

    A partial cut changes capacity, not topology, and is no news: no IGP notices it.

    Attributes
    ----------
    next : simpy.Event
        Fires at the next news; another takes its place when it has fired.
    """

    def __init__(
        self, clock: Clock, detect_s: float, tell: Callable[[], None] | None = None
    ) -> None:
        self._clock, self._detect_s, self._listener = clock, detect_s, tell
        self._announced = -1
        self.next: simpy.Event = clock.env.event()

    def announce(self) -> None:
        """Pass news of this moment on when it is noticed: once, however much happens in it."""
        if self._announced == self._clock.now:
            return
        self._announced = self._clock.now
        noticed = self._clock.after(self._detect_s, Priority.CONTROL)
        assert noticed.callbacks is not None
        noticed.callbacks.append(self._tell)

    def _tell(self, _: simpy.Event) -> None:
        if self._listener:
            self._listener()
        told, self.next = self.next, self._clock.env.event()
        told.succeed()
