"""What a topology file may say: dataclasses whose fields are its keys."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean
from simulator.base.schema import Fraction, Name, NonNegative, Positive, checked
from simulator.formats.rules.draft import DEFAULT
from simulator.model.reliability import Reliability
from simulator.model.topology import LINK_CLASSES, NODE_KINDS
from simulator.uncertainty.assumption import Assumption, assumption

NodeKind = Literal[NODE_KINDS]  # type: ignore[valid-type]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
UtcOffset = Annotated[float, Field(ge=-12, le=14)]
PathFactor = Annotated[float, Field(ge=1)]


def _link_class(word: object) -> object:
    if word in LINK_CLASSES:
        return word
    hint = did_you_mean(word, LINK_CLASSES) if isinstance(word, str) else ""
    raise ValueError(f"expected one of {', '.join(LINK_CLASSES)}, found {shown(word)}{hint}")


ClassWord = Annotated[
    str, PlainValidator(_link_class, json_schema_input_type=Literal[LINK_CLASSES])
]


@checked
class NodeEntry:
    """A node.

    Attributes
    ----------
    id : str
        Unique among the nodes.
    kind : str
        What it is: pop and region lie abroad; provincial and region never carry transit.
    city, province : str
        Where it stands, for people.
    lat, lon : float
        Degrees north and east.
    weight : float
        Share of traffic, among the nodes at home or among those abroad.
    utc_offset_h : float
        Hours ahead of UTC, where it differs from the network's.
    """

    id: Name
    kind: NodeKind = DEFAULT
    city: str | None = None
    province: str | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    weight: NonNegative | None = None
    utc_offset_h: UtcOffset | None = None


@checked
class Module:
    """A size in which capacity can be bought.

    Attributes
    ----------
    capacity_gbps : float
        Capacity of one, per direction.
    cost : float
        What one costs, in the unit of the file.
    """

    capacity_gbps: Positive
    cost: NonNegative


@checked
class LinkEntry:
    """A link; full duplex unless ``capacity_ba_gbps`` is 0.

    Attributes
    ----------
    id : str
        Unique among the links.
    a, b : str
        Ids of the nodes at its ends.
    class : str
        What it counts as: core and provincial links make the backbone, exit links the exits.
    capacity_gbps : float
        Capacity per direction; from a to b, if capacity_ba_gbps is given as well.
    capacity_ba_gbps : float
        Capacity from b to a, where it differs; 0 for a one-way link, from a to b only.
    fibre_km : float
        Length of the fibre, from which the delay follows at 204 km per ms.
    delay_ms : float
        One way, propagation only; from a to b, if delay_ba_ms is given as well.
    delay_ba_ms : float
        Delay from b to a, where it differs.
    path_factor : float
        Fibre length over great circle, where neither delay nor length is given; 1.35 if left out.
    metric : float
        Weight in static routing; from a to b, if metric_ba is given as well.
    metric_ba : float
        Weight from b to a, where it differs.
    price_usd_per_mbps : float
        Price of transit, in USD for a Mbps billed in a month.
    cables : mapping
        Share of the capacity on each cable; the shares add to 1.
    cards : mapping
        Share of the capacity on each line card at one end; the shares add to 1. A card may carry
        several links.
    reaches : list of str
        Of an exit: the nodes abroad whose traffic it may carry, in both directions; all if left
        out.
    modules : list
        Sizes in which more capacity can be bought: ``{capacity_gbps: 100, cost: 7}``.
    setup_cost : float
        What opening the link costs before the first module.
    """

    id: Name
    a: str
    b: str
    class_: ClassWord = Field(default=DEFAULT, alias="class")  # `class` is a keyword of Python
    capacity_gbps: Positive
    capacity_ba_gbps: NonNegative | None = None
    fibre_km: NonNegative | None = None
    delay_ms: NonNegative | None = None
    delay_ba_ms: NonNegative | None = None
    path_factor: PathFactor | None = None
    metric: Positive = 1.0
    metric_ba: Positive | None = None
    price_usd_per_mbps: NonNegative | None = None
    cables: dict[str, Fraction] | None = None
    cards: dict[str, Fraction] | None = None
    reaches: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    modules: tuple[Module, ...] | None = None
    setup_cost: NonNegative | None = None


@checked
class CableEntry:
    """A cable, which several links may ride together.

    Attributes
    ----------
    id : str
        Unique among the cables.
    name : str
        Full name, for people.
    kind : str
        On the sea bed or over land.
    ready : str
        Year or year-month of entry into service, as text.
    length_km : float
        Length of the whole system.
    landings : list of str
        Where it comes ashore, or the places it joins.
    passes : list of str
        Straits and the like that it passes on its way: what fails there fails together.
    sources : list of str
        Where these facts are from.
    """

    id: Name
    name: str | None = None
    kind: Literal["submarine", "terrestrial"] | None = None
    ready: str | None = None
    length_km: Positive | None = None
    landings: tuple[str, ...] | None = None
    passes: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None


@checked
class NewRegion:
    """A region of the world that a scenario puts beyond the exits of a network.

    Attributes
    ----------
    id : str
        Unique among the nodes.
    name : str
        For people.
    weight : float
        Share of traffic, among the nodes abroad.
    lat, lon : float
        Degrees north and east, from which delays follow where an exit gives none.
    utc_offset_h : float
        Hours ahead of UTC; from the longitude if left out.
    """

    id: Name
    name: str | None = None
    weight: NonNegative = 1.0
    lat: Latitude | None = None
    lon: Longitude | None = None
    utc_offset_h: UtcOffset | None = None


@checked
class NewExitEntry:
    """An exit that a scenario puts on a network.

    Attributes
    ----------
    id : str
        Unique among the links.
    gateway : str
        Node of the network at which it begins.
    capacity_gbps : float
        Capacity per direction; outbound, if capacity_ba_gbps is given as well.
    capacity_ba_gbps : float
        Capacity inbound, from abroad to the gateway; 0 for an exit that carries nothing in.
    regions : mapping, or list of str
        The regions that it leads to, with the one-way delay from the gateway in ms; as a list, the
        delay follows from the great circle times 1.35. All regions if left out.
    metric : float
        Weight in static routing; outbound, if metric_ba is given as well.
    metric_ba : float
        Weight inbound.
    cables : mapping
        Share of the capacity on each cable; the shares add to 1.
    cards : mapping
        Share of the capacity on each line card at one end; the shares add to 1. A card may carry
        several links.
    price_usd_per_mbps : float
        Price of transit, in USD for a Mbps billed in a month.
    """

    id: Name
    gateway: Name
    capacity_gbps: Positive
    capacity_ba_gbps: NonNegative | None = None
    regions: dict[Name, NonNegative] | tuple[Name, ...] = ()
    metric: Positive = 1.0
    metric_ba: Positive | None = None
    cables: dict[str, Fraction] | None = None
    cards: dict[str, Fraction] | None = None
    price_usd_per_mbps: NonNegative | None = None


@checked
class RegionEntry:
    """A region of the world, as one node abroad.

    Attributes
    ----------
    id : str
        Id of a node of kind region or pop.
    name : str
        For people.
    share : float
        Share of international traffic.
    """

    id: Name
    name: str | None = None
    share: Fraction | None = None


@checked
class Totals:
    """What the sums should be; checked.

    Attributes
    ----------
    backbone_gbps : float
        Sum over core and provincial links, each counted once.
    exits_gbps : float
        Sum over exit links, each counted once.
    exits_by_gateway_gbps : mapping
        The same, by the node at the home end.
    """

    backbone_gbps: NonNegative | None = None
    exits_gbps: NonNegative | None = None
    exits_by_gateway_gbps: dict[str, NonNegative] | None = None


@checked
class Estimate:
    """How the values of one field were estimated.

    Attributes
    ----------
    of : str
        The field, `links.capacity_gbps`.
    how : str
        The way its values were made.
    mark : str
        Whether they are assumed, or derived from other values.
    """

    of: str
    how: str
    mark: Literal["assumed", "derived"] | None = None


@checked
class Mark:
    """Where the values of one field come from that are no estimates.

    Attributes
    ----------
    of : str
        The field, `nodes.lat`.
    mark : str
        Measured on the network, cited from a source, assumed, or derived from other values.
    source : str
        Which measurement, source or values.
    """

    of: str
    mark: Literal["measured", "cited", "assumed", "derived"]
    source: str


@checked
class AboutEntry:
    """What a file says of a network as a whole; its keys are those of `TopologyFile`."""

    name: Name | None = None
    title: str = ""
    utc_offset_h: UtcOffset = 0.0
    hop_delay_ms: NonNegative = 0.0
    matrix: Name | None = None
    sources: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    marks: tuple[Mark, ...] = ()
    uncertainty: dict[Name, Annotated[Assumption, assumption.choice]] = dataclasses.field(
        default_factory=dict
    )
    reliability: Reliability | None = None


@checked
class TopologyFile(AboutEntry):
    """A telecom network: nodes, links, cables, and what is known about them.

    Attributes
    ----------
    name : str
        Short name; that of the file if left out.
    title : str
        One line for people.
    utc_offset_h : float
        Local time of the network, hours ahead of UTC.
    hop_delay_ms : float
        Delay added to every link, one way, for the equipment at its end.
    matrix : str
        CSV file with the base matrix, beside the topology.
    sources, assumptions : list of str
        Plain sentences.
    estimates : list
        Which fields are estimates, and how each was made.
    marks : list
        Where the values of other fields come from.
    uncertainty : mapping
        What is not known, by name: a law for it, and where the law comes from.
    reliability : mapping
        How often elements fail and how long repairs take, by kind and for single elements.
    totals : mapping
        What the sums should be.
    nodes, links, regions : list
        The network.
    cables : list
        All cables that links may name; left out, links may name any.
    """

    totals: Totals | None = None
    nodes: Annotated[tuple[NodeEntry, ...], Field(min_length=1)]
    regions: tuple[RegionEntry, ...] = ()
    links: Annotated[tuple[LinkEntry, ...], Field(min_length=1)]
    cables: tuple[CableEntry, ...] | None = None


def given(entry: Any) -> dict[str, Any]:
    """Return what an entry says, by the keys of the file."""
    return {
        key.rstrip("_"): tuple(map(given, value)) if key == "modules" else value
        for key, value in vars(entry).items()
        if value is not None
    }


def keys(entry: type) -> tuple[str, ...]:
    """Return the keys that an entry may have in the file."""
    return tuple(each.name.rstrip("_") for each in dataclasses.fields(entry))


def as_written(problem: Problem) -> Problem:
    """Return the problem with the keys as the file has them."""
    return dataclasses.replace(problem, message=problem.message.replace("class_", "class"))
