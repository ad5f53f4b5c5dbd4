"""NetworkState: the network as faults and upgrades leave it, the same for every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import simpy

from simulator.model.change import all_changed, in_part
from simulator.model.faults import Fault
from simulator.model.network import Network
from simulator.simulation.clock import Clock, Priority, micros

CHANGED_KEPT = 64
"""Sets of changes of capacity and delay whose networks are kept."""


class NetworkState:
    """The network as active faults and changes of capacity leave it.

    The same faults and changes give the same network object, so that what was computed for it
    before can be used again.

    Parameters
    ----------
    memory_s : float
        How far back :meth:`seen` must be able to look, beside the times of :meth:`notices`.

    Attributes
    ----------
    network : Network
        The network at this instant: arcs down and capacities left.
    before_change : list of callable
        Called before anything changes, so that time so far is accounted for.
    """

    def __init__(self, clock: Clock, network: Network, memory_s: float = 0.0) -> None:
        self._clock, self._memory_us = clock, micros(memory_s)
        self._whole = network
        self._faults: list[Fault] = []
        self._changes: dict[int, dict[int, float | str]] = {}
        self._delays: dict[int, tuple[Fault, float | str]] = {}
        self._changed: dict[tuple[Any, ...], Network] = {}
        self.network = network
        self._notices: list[Notices] = []
        self._past: list[tuple[int, Network]] = [(0, network)]
        self.before_change: list[Callable[[], None]] = []

    def seen(self, ago_us: int) -> Network:
        """Return the network as it was some time ago; before the start, as at the start.

        Raises
        ------
        ValueError
            So far back nothing is kept.
        """
        if ago_us > self._memory_us:
            raise ValueError(
                f"looks {ago_us / 1e6:g} s back, where {self._memory_us / 1e6:g} s are kept: say so"
                " in the memory_s of the control"
            )
        then = self._clock.now - ago_us
        for time, network in reversed(self._past):
            if time <= then:
                return network
        return self._past[0][1]

    @property
    def since_us(self) -> int | None:
        """When the network changed last; None if it never did."""
        return self._past[-1][0] if self._past[-1][0] or len(self._past) > 1 else None

    def begin(self, fault: Fault) -> None:
        """Begin a fault; parts of one target that overlap add up to at most all of it."""
        self._faults.append(fault)
        self._change()

    def end(self, fault: Fault) -> None:
        """End a fault that has begun; equal ones that overlap end one by one."""
        self._faults.remove(fault)
        self._change()

    def begin_change(self, link: int, change: float | str, key: object) -> None:
        """Change the capacity of a link, each direction that it has, after the changes in force."""
        self._changes.setdefault(link, {})[id(key)] = change
        self._change()

    def end_change(self, link: int, key: object) -> None:
        """End the change of capacity begun under *key*; the others stay, one after the other."""
        del self._changes[link][id(key)]
        self._change()

    def begin_delay(self, on: Fault, change: float | str, key: object) -> None:
        """Change the delay of all that rides on a target, in part, after the changes in force."""
        self._delays[id(key)] = on, change
        self._change()

    def end_delay(self, key: object) -> None:
        """End the change of delay begun under *key*; the others stay, one after the other."""
        del self._delays[id(key)]
        self._change()

    def notices(
        self,
        detect_s: float,
        tell: Callable[[], None] | None = None,
        *,
        capacity: bool = False,
    ) -> Notices:
        """Return notices, each *detect_s* after a change of topology; every one calls *tell*.

        With *capacity* a change of capacity alone gives a notice as well.
        """
        self._memory_us = max(self._memory_us, micros(detect_s))
        notices = Notices(self._clock, detect_s, tell, capacity=capacity)
        self._notices.append(notices)
        return notices

    def _change(self) -> None:
        for notice in self.before_change:
            notice()
        old = self.network
        self.network = self._with_changes().after(self._faults)
        self._remember()
        topology = not np.array_equal(self.network.up, old.up)
        for notices in self._notices:
            if topology or (notices.capacity and self.network is not old):
                notices.announce()

    def _remember(self) -> None:
        """Keep the network of this instant, and of those before what may still be looked at."""
        now = self._clock.now
        self._past.append((now, self.network))
        while len(self._past) > 1 and self._past[1][0] <= now - self._memory_us:
            del self._past[0]

    def _with_changes(self) -> Network:
        """Return the network without faults, after the changes in force."""
        sizes = tuple((link, tuple(c.values())) for link, c in sorted(self._changes.items()) if c)
        delays = tuple(self._delays.values())
        in_force = sizes, delays
        if not sizes and not delays:
            return self._whole
        if in_force in self._changed:
            self._changed[in_force] = self._changed.pop(in_force)  # the latest is at the end
        else:
            made = self._whole
            if sizes:
                made = made.under(capacity_gbps=self._capacity_gbps(sizes))
            if delays:
                made = made.under(delay_ms=delay_ms(made, delays))
            self._changed[in_force] = made
            if len(self._changed) > CHANGED_KEPT:
                del self._changed[next(iter(self._changed))]
        return self._changed[in_force]

    def _capacity_gbps(self, sizes: Iterable[tuple[int, tuple[float | str, ...]]]) -> np.ndarray:
        capacity = self._whole.capacity_gbps.copy()
        for link, changes in sizes:
            for arc in (2 * link, 2 * link + 1):
                if self._whole.exists[arc]:
                    capacity[arc] = all_changed(capacity[arc], changes)
        return capacity


def delay_ms(network: Network, changes: Iterable[tuple[Fault, float | str]]) -> np.ndarray:
    """Return the delay of every arc after changes of what rides on targets, one after the other.

    A link of which a part rides on a target has the mean of the delays of its parts.

    Raises
    ------
    ValueError
        A change leads below zero.
    """
    delay = network.delay_ms
    for on, change in changes:
        delay = in_part(delay, np.repeat(network.fault_share(on) * on.part, 2), change)
    return delay


class Notices:
    """Notices of links that come up or go down, each some time after it happened.

    A partial cut changes capacity, not topology, and gives no notice by itself: no IGP detects it.

    Attributes
    ----------
    next : simpy.Event
        Fires at the next notice; then another event takes its place.
    capacity : bool
        Whether a change of capacity alone gives a notice.
    """

    def __init__(
        self,
        clock: Clock,
        detect_s: float,
        tell: Callable[[], None] | None = None,
        *,
        capacity: bool = False,
    ) -> None:
        self.capacity = capacity
        self._clock, self._detect_s, self._listener = clock, detect_s, tell
        self._announced = -1
        self.next: simpy.Event = clock.env.event()

    def announce(self) -> None:
        """Announce a change at this instant when it is noticed; several count as one."""
        if self._announced == self._clock.now:
            return
        self._announced = self._clock.now
        noticed = self._clock.after(self._detect_s, Priority.CONTROL)
        assert noticed.callbacks is not None
        noticed.callbacks.append(self._tell)

    def _tell(self, _: simpy.Event) -> None:
        if self._listener:
            self._listener()
        fired, self.next = self.next, self._clock.env.event()
        fired.succeed()
