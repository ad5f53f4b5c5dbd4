"""Settings: the keys of a scenario file, as checked dataclasses."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from simulator.base.schema import (
    Fraction,
    Name,
    NonNegativeInt,
    Positive,
    PositiveInt,
    checked,
    shown,
)
from simulator.control.strategy import Strategy
from simulator.engines.engine import engine as engines
from simulator.engines.fluid import Fluid
from simulator.formats.rules.entries import CableEntry, NewExitEntry, NewRegion, UtcOffset
from simulator.inbound.choices import Catchments
from simulator.model.billing import Billing
from simulator.model.reliability import Reliability
from simulator.queues.burst import Burst
from simulator.queues.queue import Queue
from simulator.queues.queue import queue as queues
from simulator.results.ranges import Draws
from simulator.routing.igp_ecmp import IgpEcmp
from simulator.scenario.upgrades import Upgrades
from simulator.simulation.faults import Event
from simulator.traffic.services import Service
from simulator.traffic.traffic import Matrix, Shape
from simulator.traffic.traffic import matrix as matrices
from simulator.traffic.traffic import shape as shapes_known
from simulator.uncertainty.assumption import Assumption, assumption

BORDER_KEYS = ("exits", "regions", "cables")
"""What a scenario adds to the network of its topology."""
NETWORK_KEYS = ("topology", "utc_offset_h", *BORDER_KEYS)
"""All that the network follows from, but for changes of links."""


@checked
class Traffic:
    """Demands over time: a base matrix and the shapes that multiply it, in order.

    Attributes
    ----------
    matrix : Matrix
        Base demands; the topology's own matrix when left out.
    shapes : tuple of Shape
    services : mapping of str to Service, optional
        What the traffic is, by name (``video``, ``bulk``): every demand is parted by their shares.
    elastic_share : float
        Share of every demand whose senders react to loss, as TCP and QUIC do. Of what does not get
        through it is deferred first, and only the rest is lost. What links are asked to carry stays
        as it is. With ``services`` each says by itself whether it is elastic.
    """

    matrix: Annotated[Matrix, matrices.choice] | None = None
    shapes: tuple[Annotated[Shape, shapes_known.choice], ...] = ()
    services: dict[Name, Service] | None = None
    elastic_share: Fraction = 0.0

    @property
    def outside(self) -> str:
        """Traffic before and after a recording; see :class:`~simulator.traffic.traffic.Matrix`."""
        return self.matrix.outside if self.matrix else Matrix.outside


@checked
class Replications:
    """Draws of what is not known, and in each of them draws of what happens.

    Attributes
    ----------
    worlds : int
        Draws of the assumptions under ``uncertainty``, the first of them as stated. Only this one
        makes figures and their intervals; the others make their ranges.
    days : int
        Draws of all other random streams: the same in every world, so that worlds differ by
        nothing else.
    drawn_days : int, optional
        Days of each world but the one as stated, as many when left out. With fewer, there is time
        for more worlds, and their ranges hold more of what a day adds.
    """

    worlds: PositiveInt = 1
    days: PositiveInt = 1
    drawn_days: PositiveInt | None = None


@checked
class OneOfSeveral:
    """A topology of a file that holds several, such as those of RFC 8345.

    Attributes
    ----------
    path : str
        The file, relative to the scenario.
    network : str, optional
        Name of the network in it; the first with links if left out.
    """

    path: Name
    network: Name | None = None


@checked
class Record:
    """Detail that the tables keep; figures are exact whatever is kept.

    Attributes
    ----------
    demands : str
        Rows of the demands table: by class and ``region``, by class and ``province`` (the end at
        home; of domestic traffic, the source), by class and ``service``, by ``pair``, or ``none``.
    every : int
        Keep every n-th step.
    decisions : bool
        Keep the exits of every decision, demand by demand, in the table ``routes``. Cycles are then
        decided one by one, which takes longer.
    """

    demands: Literal["region", "province", "service", "pair", "none"] = "region"
    every: PositiveInt = 1
    decisions: bool = False


@checked
class Targets:
    """What the network is held to.

    Attributes
    ----------
    exit_utilisation : float
        Utilisation of an exit direction that headroom is counted to.
    """

    exit_utilisation: Positive = 0.8


@checked
class WhatIf:
    """A named change of the scenario, compared with the scenario as it stands.

    Attributes
    ----------
    name : str
    set : mapping of str to value
        Keys such as ``links.bj-la.capacity_gbps`` or ``strategies.sdn.control.every_s`` and their
        new values; numbers may change by ``+400``, ``-100``, ``x1.5`` or ``+25%``.
    """

    name: Name
    set: dict[str, Any]


def _local_time(value: Any) -> str:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        expected = "expected a date such as 2017-12-31 or 2017-12-31T18:00"
        raise ValueError(f"{expected}, found {shown(value)}") from None
    if time.tzinfo is not None:
        raise ValueError(f"times are local: leave the zone out of {value!r}")
    return str(value)


LocalTime = Annotated[str, PlainValidator(_local_time, json_schema_input_type=str)]


def hours_between(start: str, end: str) -> float:
    """Hours from one local time to another."""
    span = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return span.total_seconds() / 3600.0


def length_h(start: str | None, end: str | None, horizon_h: float | None) -> float:
    """Length of a scenario in hours, from its keys."""
    if start is not None and end is not None:
        return hours_between(start, end)
    return horizon_h or 24.0


@checked
class Settings:
    """The keys of a scenario file.

    Attributes
    ----------
    title : str
        The question that the scenario asks, in a line.
    topology : str or mapping
        Name of a built-in topology, or a file or folder, relative to the scenario; for a file that
        holds several networks ``{path: FILE, network: NAME}``.
    seed : int
        Root of all random streams.
    replications : int or mapping
        Independent draws; intervals need two or more. ``{worlds: 30, days: 4}`` draws what is not
        known as well.
    horizon_h : float
        Length in hours; 24 when neither this nor ``end`` is given.
    start, end : str
        Local dates or times (``2017-12-31``, ``2017-12-31T18:00``) in place of ``horizon_h``.
    step_s : float
        Traffic is constant for a step.
    inbound : mapping, optional
        How neighbours abroad choose where they hand over inbound traffic, of what each strategy
        announces; without it inbound traffic lands where each strategy's routes lead it.
    utc_offset_h : float
        Hours ahead of UTC of the network's home, where its file does not tell.
    sources : mapping
        Where numbers of the scenario come from, by key: ``{queue.buffer_ms: "RFC 3439"}``.
    uncertainty : mapping
        What is not known, by name, in addition to what the topology says of itself; null takes
        away what it says under that name.
    reliability : mapping, optional
        How often elements fail and how long repairs take, for worst cases and availability; goes
        before what the topology says.
    exits, regions, cables : list
        A border for a network that has none, or more of it: exits from nodes at home, the regions
        abroad that they lead to, and the cables that they ride.
    upgrades : mapping, optional
        What can be bought, and what ``simulator plan`` must hold.
    """

    title: str = ""
    topology: Name | OneOfSeveral
    seed: NonNegativeInt = 1
    replications: PositiveInt | Replications = 1
    horizon_h: Positive | None = None
    start: LocalTime | None = None
    end: LocalTime | None = None
    step_s: Positive = 300.0
    engine: Annotated[Any, engines.choice] = Fluid()
    traffic: Traffic = Traffic()
    queue: Annotated[Queue, queues.choice] = Burst()
    strategies: dict[Name, Strategy]
    events: tuple[Event, ...] = ()
    record: Record = Record()
    targets: Targets = Targets()
    billing: Billing = Billing()
    inbound: Catchments | None = None
    utc_offset_h: UtcOffset | None = None
    exits: tuple[NewExitEntry, ...] = ()
    regions: tuple[NewRegion, ...] = ()
    cables: tuple[CableEntry, ...] = ()
    sources: dict[Name, Name] = field(default_factory=dict)
    uncertainty: dict[Name, Annotated[Assumption, assumption.choice] | None] = field(
        default_factory=dict
    )
    reliability: Reliability | None = None
    what_if: tuple[WhatIf, ...] = ()
    upgrades: Upgrades | None = None

    @property
    def days(self) -> int:
        """Draws of what happens, in the world as stated."""
        return self.draws.days

    @property
    def worlds(self) -> int:
        """Draws of what is not known, the first as stated."""
        return self.draws.worlds

    @property
    def draws(self) -> Draws:
        """Worlds, and the days of each."""
        each = self.replications
        return Draws.of(each if isinstance(each, int) else vars(each))


def with_fallbacks(settings: Settings) -> Settings:
    """Give every controlled strategy its static routes: those of the first static strategy."""
    static: Any = next((s.scheme for s in settings.strategies.values() if s.is_static), IgpEcmp())
    filled = {
        name: replace(s, fallback=static) if s.has_controller and s.fallback is None else s
        for name, s in settings.strategies.items()
    }
    return replace(settings, strategies=filled)
