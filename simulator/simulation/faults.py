"""Event: a fault, a change of capacity or an outage of a controller, with times; its process."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeVar

from simulator.base.schema import Fraction, Name, NonNegative, Positive, checked
from simulator.model.change import Change
from simulator.model.faults import Fault, descriptions
from simulator.simulation.clock import Clock, Priority, micros
from simulator.simulation.network_state import NetworkState

T = TypeVar("T")
SLOWED = ("link", "cable")
"""Keys of what may have another delay for a time."""
OF_STRATEGIES = ("controller", "telemetry")
"""Keys of events whose target is a strategy with a controller."""
HOW_IN_WORDS = {
    None: "controller of {} down",
    "killed": "controller of {} killed",
    "frozen": "controller of {} frozen",
    "graceful_restart": "controller of {} restarts gracefully",
    "feeder_dead": "feeder of the controller of {} dead",
}


def _with_fault_keys(cls: type[T]) -> type[T]:
    """Add an optional key for every kind of fault after the times, with its docstring.

    The registry is read once, when this module is imported: every file in ``fault_kinds/`` has its
    key then, and checks, JSON Schema and docs see a class like any other.
    """
    entries = descriptions()
    own = list(cls.__annotations__.items())
    cls.__annotations__ = dict([*own[:2], *dict.fromkeys(entries, Name | None).items(), *own[2:]])
    for name in entries:
        setattr(cls, name, None)
    described = [f"{name} : str\n    {text}" for name, text in entries.items()]
    cls.__doc__ = "\n".join([inspect.cleandoc(cls.__doc__ or ""), *described])
    return cls


@checked
@_with_fault_keys
class Event:
    """Something that happens at a time; name one target, or a strategy.

    Attributes
    ----------
    at_h : float
        Hours after the start.
    until_h : float
        When it is over; to the end of the scenario when left out.
    severity : float
        Part of a cable, of a card, or of each cable at a place, that is lost.
    capacity_gbps : float or str
        With ``link``: the link does not fail but has this capacity per direction, a number,
        ``+400``, ``-100`` or ``x1.5``.
    delay_ms : float or str
        With ``link`` or ``cable``: it does not fail but has another delay, such as ``+20``,
        ``-5`` or ``x1.5``; of a link also a number. A link of which a part rides on the cable has
        the mean, and ``severity`` is the part of the cable that is slower. Traffic is slower at
        once, a controller sees it as it does topology, and no IGP notices.
    controller : str
        A strategy whose controller stops.
    how : str, optional
        With ``controller``: how it stops, and what routers make of it. ``killed``: sessions are
        reset, and traffic follows the static routes after ``reset_s`` of the control. ``frozen``:
        routes stay until the hold time runs out, ``hold_s`` less the age of the last keepalive.
        ``graceful_restart``: routes stay for ``stale_s``. ``feeder_dead``: the sessions live and
        routes stay until it is over. As the control says by ``on_outage`` when left out.
    telemetry : str
        A strategy whose controller gets no measurements of traffic and capacity.
    """

    at_h: NonNegative
    until_h: Positive | None = None
    severity: Fraction = 1.0
    capacity_gbps: Change | None = None
    delay_ms: Change | None = None
    controller: Name | None = None
    how: Literal["killed", "frozen", "graceful_restart", "feeder_dead"] | None = None
    telemetry: Name | None = None

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the keys of which an event names one."""
        return (*descriptions(), *OF_STRATEGIES)

    @property
    def named(self) -> dict[str, str]:
        """What the event names, by key: one target, or what is wrong with it."""
        values = vars(self)
        return {key: values[key] for key in self.keys() if values[key] is not None}

    @property
    def resized(self) -> str | None:
        """Link whose capacity changes, if that is what happens."""
        return None if self.capacity_gbps is None else self.named.get("link")

    @property
    def strategy(self) -> str | None:
        """Strategy that it happens to, if it does not happen to the network."""
        return self.controller or self.telemetry

    @property
    def fault(self) -> Fault | None:
        """The fault, if that is what happens."""
        ((key, target),) = self.named.items()
        if self.strategy or self.resized or self.delay_ms is not None:
            return None
        return Fault(key, target, self.severity)

    @property
    def slowed(self) -> Fault | None:
        """What has another delay, as the part of a target, if that is what happens."""
        on = [Fault(key, of, self.severity) for key, of in self.named.items() if key in SLOWED]
        return on[0] if on and self.delay_ms is not None else None

    @property
    def what(self) -> str:
        """The event in a few words."""
        if self.resized:
            return f"link {self.resized} capacity {self.capacity_gbps}"
        if self.slowed:
            on, unit = self.slowed, "" if str(self.delay_ms)[0] in "x*" else " ms"
            part = "" if on.part == 1.0 else f" ({on.part:.0%})"
            return f"{on.kind} {on.target}{part} delay {self.delay_ms}{unit}"
        if self.telemetry:
            return f"telemetry of {self.telemetry} out"
        return str(self.fault or HOW_IN_WORDS[self.how].format(self.controller))


def outage(
    clock: Clock,
    network_state: NetworkState,
    event: Event,
    halt: Callable[[Event, bool], None],
    note: Callable[[str], None],
) -> Iterator[Any]:
    """Let one event begin and, if it has an end, end.

    Parameters
    ----------
    halt : callable
        Called with an outage of a controller or its telemetry, and whether it begins.
    note : callable
        Called with the event in words, before it begins or ends.
    """
    fault, priority = event.fault, Priority.FAILURE
    if event.capacity_gbps is not None and event.resized:
        link, priority = network_state.network.link_index[event.resized], Priority.CAPACITY
        begin = partial(network_state.begin_change, link, event.capacity_gbps, event)
        end = partial(network_state.end_change, link, event)
    elif event.slowed and event.delay_ms is not None:
        begin = partial(network_state.begin_delay, event.slowed, event.delay_ms, event)
        end, priority = partial(network_state.end_delay, event), Priority.CAPACITY
    elif fault:
        begin, end = partial(network_state.begin, fault), partial(network_state.end, fault)
    else:
        begin, end = partial(halt, event, True), partial(halt, event, False)
    yield clock.at(micros(event.at_h * 3600), priority)
    note(event.what)
    begin()
    if event.until_h is not None:
        yield clock.at(micros(event.until_h * 3600), priority)
        note(f"{event.what}: over")
        end()
