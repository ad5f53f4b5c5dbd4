"""Event rules: what must hold of the events of a scenario, on its network and within its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from simulator.base.document import KeyPath
from simulator.base.errors import known_instead
from simulator.control.strategy import Strategy
from simulator.model.change import all_changed
from simulator.model.faults import fault
from simulator.model.network import Network
from simulator.model.scale import MOST_GBPS, OUTSIDE, SMALLER_H, did_you_mean_unit, refused_rate
from simulator.simulation.faults import OF_STRATEGIES, SLOWED, Event
from simulator.simulation.network_state import delay_ms

Values = Mapping[str, Any]
Finding = tuple[KeyPath, str] | tuple[KeyPath, str, bool]


def event_problems(values: Values, network: Network, horizon_h: float) -> Iterator[Finding]:
    """Events that have no target on the network, or a wrong time."""
    events: Sequence[Event] = values.get("events", ())
    strategies: Mapping[str, Strategy] = values.get("strategies") or {}
    kinds = [fault.make(name) for name in fault.names()]
    known = {kind.kind: kind.targets(network) for kind in kinds}
    steering = tuple(name for name, s in strategies.items() if s.has_controller)
    known |= dict.fromkeys(OF_STRATEGIES, steering)
    partial = [kind.kind for kind in kinds if kind.partial]
    for i, event in enumerate(events):
        at: KeyPath = ("events", i)
        if len(event.named) != 1:
            *others, last = Event.keys()
            found = " and ".join(event.named) or "none"
            yield at, f"expected one of {', '.join(others)} or {last}, found {found}"
            continue
        ((what, word),) = event.named.items()
        if word not in known[what]:
            noun = "strategy with a controller" if what in OF_STRATEGIES else what
            yield (*at, what), f"no {noun} named {word!r}{known_instead(word, known[what])}"
        if event.capacity_gbps is not None and what != "link":
            yield (*at, "capacity_gbps"), "only a link has a capacity to set"
        yield from _delay_keys(at, event, what)
        if event.how is not None and what != "controller":
            yield (*at, "how"), f"only a controller stops in one way or another, found {what}"
        if event.severity != 1.0 and what not in partial:
            *some, other = (f"a {name}" for name in partial)
            nouns = f"{', '.join(some)} or {other}" if some else other
            yield (*at, "severity"), f"only {nouns} is lost in part"
        yield from _event_times(at, event, horizon_h)
    yield from capacity_problems(events, network)
    yield from delay_problems(events, network)


def _event_times(at: KeyPath, event: Event, horizon_h: float) -> Iterator[Finding]:
    """Events that begin or end outside of the scenario, or end before they begin."""
    if event.at_h >= horizon_h:
        message = f"{event.at_h:g} h is not before the end of the scenario, at {horizon_h:g} h"
        yield (*at, "at_h"), message + _smaller_unit(event.at_h, horizon_h)
    if event.until_h is not None and event.until_h <= event.at_h:
        yield (*at, "until_h"), f"{event.until_h:g} h is not after at_h, {event.at_h:g} h"
    elif event.until_h is not None and event.until_h > horizon_h:
        message = f"{event.until_h:g} h is after the end of the scenario, at {horizon_h:g} h"
        way_out = "; leave it out for an event that lasts to the end"
        yield (*at, "until_h"), message + (_smaller_unit(event.until_h, horizon_h) or way_out)


def _smaller_unit(hours: float, horizon_h: float) -> str:
    """Return the question for minutes or seconds, where a time is far beyond the scenario."""
    if hours > OUTSIDE * horizon_h:
        for unit, size in SMALLER_H.items():
            if hours * size < horizon_h:
                return f"; {did_you_mean_unit(unit, hours * size, 'h')}"
    return ""


def _delay_keys(at: KeyPath, event: Event, what: str) -> Iterator[Finding]:
    """A change of delay that has no meaning for its target."""
    if event.delay_ms is None:
        return
    if what not in SLOWED:
        yield (*at, "delay_ms"), f"only a link or a cable has a delay to set, found {what}"
    elif what == "cable" and not isinstance(event.delay_ms, str) and event.delay_ms >= 0:
        message = "links on a cable have delays of their own: give a change, such as +20 or x1.5"
        yield (*at, "delay_ms"), f"{message}, found {event.delay_ms:g}"
    if event.capacity_gbps is not None:
        yield at, "changes capacity_gbps and delay_ms: make it two events"


def delay_problems(events: Sequence[Event], network: Network) -> Iterator[Finding]:
    """Changes of delay that, one after the other, lead below zero."""
    known = network.resources.row
    slow = [(i, e, on) for i, e in enumerate(events) if (on := e.slowed) is not None]
    slow = [each for each in slow if (each[2].kind, each[2].target) in known]
    slow.sort(key=lambda each: each[1].at_h)
    for i, event, _ in slow:
        for time in (event.at_h, *(e.until_h for _, e, _ in slow if e.until_h is not None)):
            begun = [(e, on) for _, e, on in slow if e.at_h <= time < (e.until_h or np.inf)]
            if not any(e is event for e, _ in begun):
                continue
            try:
                delay_ms(network, [(on, e.delay_ms) for e, on in begun if e.delay_ms is not None])
            except ValueError as error:
                yield ("events", i, "delay_ms"), str(error)
                break


def capacity_problems(events: Sequence[Event], network: Network) -> Iterator[Finding]:
    """Changes of one link's capacity that, one after the other, lead to none or beyond reason."""
    for i, event in enumerate(events):
        if event.resized not in network.link_index:
            continue
        alike = sorted((e for e in events if e.resized == event.resized), key=lambda e: e.at_h)
        arc = 2 * network.link_index[event.resized]
        for time in (event.at_h, *(e.until_h for e in events if e.until_h is not None)):
            begun = [e for e in alike if e.at_h <= time < (e.until_h or np.inf)]
            if event not in begun:
                continue
            changes = [e.capacity_gbps for e in begun if e.capacity_gbps is not None]
            try:
                ways = [each for each in (arc, arc + 1) if network.exists[each]]
                sizes = [all_changed(network.installed_gbps[way], changes) for way in ways]
                if 0 < min(sizes) and max(sizes) <= MOST_GBPS:
                    continue
                message = (
                    refused_rate(f"{max(sizes):g}")
                    if max(sizes) > MOST_GBPS
                    else "a capacity of zero is an outage: leave capacity_gbps out"
                )
            except ValueError as error:
                message = str(error)
            yield ("events", i, "capacity_gbps"), message
            break
