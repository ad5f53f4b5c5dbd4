"""The clock: SimPy's, in whole microseconds, and the order of events at one instant.

Whole microseconds, so that two events due at one instant *are* at one instant: sums of floating
seconds drift apart. The priority orders events of one instant, whatever the order in which they
were planned: failure or repair, capacity change, control, traffic. The end precedes them all: what
is due at the horizon belongs to the time after it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import simpy
from simpy.events import EventPriority

US_PER_S = 1_000_000


class Priority(IntEnum):
    """Priority of an event at its instant; SimPy's own two come before."""

    END = 2
    FAILURE = 3
    CAPACITY = 4
    CONTROL = 5
    TRAFFIC = 6


def micros(seconds: float) -> int:
    """Round seconds to whole microseconds."""
    return round(seconds * US_PER_S)


class Clock:
    """A SimPy environment that counts microseconds.

    Attributes
    ----------
    env : simpy.Environment
    """

    def __init__(self) -> None:
        self.env = simpy.Environment(initial_time=0)

    @property
    def now(self) -> int:
        """Microseconds since the start."""
        return int(self.env.now)

    def at(self, time_us: int, priority: Priority) -> simpy.Event:
        """Return an event due at an instant; at once if the instant has passed."""
        event = simpy.Event(self.env)
        event._ok, event._value = True, None
        self.env.schedule(event, priority=EventPriority(priority), delay=max(0, time_us - self.now))
        return event

    def after(self, seconds: float, priority: Priority) -> simpy.Event:
        """Return an event due some seconds from now."""
        return self.at(self.now + micros(seconds), priority)

    def process(self, generator: Any) -> simpy.Process:
        """Start a process."""
        return self.env.process(generator)
