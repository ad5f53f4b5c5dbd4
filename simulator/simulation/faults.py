"""What happens to the plant, and when: faults, repairs, upgrades, controller outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from simulator.base.schema import Fraction, Name, NonNegative, Positive, checked
from simulator.model.change import Change
from simulator.simulation.clock import Clock, Priority, micros
from simulator.simulation.network_state import NetworkState


@checked
class Event:
    """Something that happens at a time; name one of ``cable``, ``link``, ``node``, ``controller``.

    Attributes
    ----------
    at_h : float
        Hours after the start.
    until_h : float
        When it is over; to the end of the scenario when left out.
    cable : str
        A cable that is cut: each link loses the share of its capacity that rides on it. A link
        with nothing left goes down; one with something left stays up, and no IGP notices.
    severity : float
        Part of the cable that is lost.
    link : str
        A link that goes down or, with ``capacity_gbps``, gets another capacity.
    capacity_gbps : float or str
        New capacity per direction: a number, ``+400``, ``-100`` or ``x1.5``.
    node : str
        A node that goes down with all its links.
    controller : str
        A strategy whose controller stops.
    """

    at_h: NonNegative
    until_h: Positive | None = None
    cable: Name | None = None
    severity: Fraction = 1.0
    link: Name | None = None
    capacity_gbps: Change | None = None
    node: Name | None = None
    controller: Name | None = None

    @property
    def what(self) -> str:
        """The event in a few words."""
        if self.cable is not None:
            part = "" if self.severity == 1.0 else f" ({self.severity:.0%})"
            return f"cable {self.cable} cut{part}"
        if self.link is not None and self.capacity_gbps is not None:
            return f"link {self.link} capacity {self.capacity_gbps}"
        if self.link is not None:
            return f"link {self.link} down"
        if self.node is not None:
            return f"node {self.node} down"
        return f"controller of {self.controller} down"


def outage(
    clock: Clock,
    network_state: NetworkState,
    event: Event,
    halt: Callable[[str, bool], None],
    note: Callable[[str], None],
) -> Iterator[Any]:
    """Let one event happen, and end."""
    network = network_state.network
    priority = Priority.CAPACITY if event.capacity_gbps is not None else Priority.FAILURE
    yield clock.at(micros(event.at_h * 3600), priority)
    note(event.what)
    undo: Callable[[], None]
    if event.cable is not None:
        cable = event.cable
        network_state.cable(cable, event.severity)
        undo = lambda: network_state.cable(cable, -event.severity)  # noqa: E731
    elif event.link is not None and event.capacity_gbps is not None:
        link = network.link_index[event.link]
        network_state.begin_change(link, event.capacity_gbps, event)
        undo = lambda: network_state.end_change(link, event)  # noqa: E731
    elif event.link is not None:
        links = [network.link_index[event.link]]
        network_state.links(links, 1)
        undo = lambda: network_state.links(links, -1)  # noqa: E731
    elif event.node is not None:
        nodes = [network.node_index[event.node]]
        network_state.nodes(nodes, 1)
        undo = lambda: network_state.nodes(nodes, -1)  # noqa: E731
    else:
        strategy = str(event.controller)
        halt(strategy, True)
        undo = lambda: halt(strategy, False)  # noqa: E731
    if event.until_h is not None:
        yield clock.at(micros(event.until_h * 3600), priority)
        note(f"{event.what}: over")
        undo()
