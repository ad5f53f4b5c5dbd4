"""SNDlib: what its native, XML and JSON files say alike, and what that means for a Network.

A file lists potential links. The *link model* says what a link is:

- BIDIRECTED: either direction may be filled to the capacity. That is our full-duplex link.
- UNDIRECTED: the sum of both directions may be. Ours gives the capacity to each direction.
- DIRECTED: from source to target only. Two of them, one each way, make one of our links, with the
  capacity and the routing cost of each; one alone is a one-way link.

The *demand model*: DIRECTED demands go from source to target. An UNDIRECTED one is read as the rate
in the direction listed. A BIDIRECTED one is asked for in both directions.

SNDlib keeps the models outside the network file, and gives them in the name of a problem: the first
letters in `abilene--D-B-M-N-C-A-N-N` are those of demands and links. The keys `demand_model` and
`link_model` in the meta section, or attributes of these names in XML, are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.base.text import counted
from simulator.formats.reading import Places, listed
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.directions import Links, links_from, pairs_of
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.repair import repaired
from simulator.formats.unit_words import unit_named
from simulator.formats.units import in_gbps
from simulator.model.network import Network

MODELS = ("UNDIRECTED", "BIDIRECTED", "DIRECTED")
UNITS = {
    "BITPERSEC": "bps",
    "KBITPERSEC": "kbps",
    "MBITPERSEC": "mbps",
    "GBITPERSEC": "gbps",
    "TBITPERSEC": "tbps",
}
DEFAULT_UNIT = "MBITPERSEC"
SOURCE = "SNDlib, sndlib.zib.de (Orlowski, Wessäly, Pióro and Tomaszewski, Networks 55(3), 2010)"
PROBLEM_NAME = re.compile(r"--(?P<demand>[DUB])-(?P<link>[DUB])(-|$)")


class Node(NamedTuple):
    """A node; x and y are longitude and latitude, or places on a drawing."""

    id: str
    x: float | None
    y: float | None
    line: int


class Link(NamedTuple):
    """A potential link; capacities in the unit of the file."""

    id: str
    source: str
    target: str
    installed: float
    installed_cost: float
    routing_cost: float
    setup_cost: float
    modules: tuple[tuple[float, float], ...]
    line: int

    @property
    def capacity(self) -> float:
        """What is installed, else the largest module; 0 where there is neither."""
        if self.installed > 0:
            return self.installed
        return max((capacity for capacity, _ in self.modules), default=0.0)


class Demand(NamedTuple):
    """A demand; its rate is routing unit times value, in the unit of the file."""

    source: str
    target: str
    rate: float
    line: int


@dataclass
class Sndlib:
    """What an SNDlib file says; readers fill it.

    Attributes
    ----------
    meta : mapping
        Keys in lower case without underscores: `unit`, `time`, `granularity`, `origin`...
    geographical : bool or None
        Whether coordinates are degrees; None where the file does not say.
    unknown : dict of str to int
        What SNDlib does not have, with the line where it stands first; 0 in a file without lines.
    """

    file: str
    name: str
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    geographical: bool | None = None
    unknown: dict[str, int] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Unit of capacities and demands, in our words; an InputError if it is unknown."""
        word = self.meta.get("unit", DEFAULT_UNIT)
        plain = word.upper().replace("/", "PER").replace("_", "").replace("BITSPER", "BITPER")
        if plain not in UNITS:
            if known := unit_named(word):
                return known
            hint = did_you_mean(plain, UNITS) or f"; known: {', '.join(UNITS)}"
            message = f"unknown unit {word!r}{hint}"
            raise refusal(self.file, message, key="meta.unit")
        return UNITS[plain]

    def model(self, noun: Literal["link", "demand"]) -> str | None:
        """Return what a link or a demand is, where anything says so."""
        word = self.meta.get(f"{noun}model")
        if word is None:
            letters = PROBLEM_NAME.search(Path(self.file).stem)
            by_letter = {model[0]: model for model in MODELS}
            return by_letter[letters[noun]] if letters else None
        if word.upper() not in MODELS:
            hint = did_you_mean(word.upper(), MODELS) or f"; known: {', '.join(MODELS)}"
            message = f"unknown {noun} model {word!r}{hint}"
            raise refusal(self.file, message, key=f"meta.{noun}_model")
        return word.upper()


def meta_key(word: str) -> str:
    """Return a key of the meta section as `Sndlib.meta` has it."""
    return word.casefold().replace("_", "").replace("-", "")


def unknown_keys(file: Sndlib) -> list[Problem]:
    """Return the warning that names what a file holds and SNDlib does not have."""
    if not file.unknown:
        return []
    names = listed(map(shown, file.unknown), 10)
    line = next(iter(file.unknown.values())) or None
    message = f"not read, as SNDlib has no such keys: {names}"
    return [Problem(file.file, line, None, "", message, "warning")]


def network_in(file: Sndlib) -> tuple[Network | None, list[Problem]]:
    """Return the network in *file*, repaired where something is missing, and all problems."""
    if not (file.nodes or file.links) and file.demands:
        message = "this file holds demands only; a topology has networkStructure"
        raise refusal(file.file, message)
    draft, repairs = repaired(draft_of(file))
    return assemble(draft, [*unknown_keys(file), *repairs])


def draft_of(file: Sndlib) -> Draft:
    """Return the draft of the network in *file*; what is missing in it is left to be repaired.

    An unknown unit or model is refused.
    """
    no_unit = "capacities and demands are in Mbps; the file does not say"
    unit = [] if "unit" in file.meta else [no_unit]
    costs = bool(file.links) and all(link.routing_cost > 0 for link in file.links)
    links, assumed = _links(file, [_record(file, link, costs) for link in file.links])
    geographical, where = _geographical(file)
    if costs:
        assumed.append("the metric of a link is its routing cost")
    elif costly := sum(link.routing_cost > 0 for link in file.links):
        count = f"{len(file.links) - costly:,} of {len(file.links):,} links"
        assumed.append(f"routing costs are not taken for metrics: that of {count} is 0")
    return Draft(
        about={
            "name": file.name,
            "sources": (SOURCE, *filter(None, [file.meta.get("origin")])),
            "assumptions": (*unit, *assumed, *where, *_of_capacity(file)),
        },
        nodes=[
            {
                "id": node.id,
                "kind": "core",
                **({"lat": node.y, "lon": node.x} if geographical and node.x is not None else {}),
            }
            for node in file.nodes
        ],
        links=links.records,
        point=Places(
            file.file,
            {
                "nodes": [node.line for node in file.nodes],
                "links": [file.links[first].line for first in links.first],
            },
        ).point,
    )


def _links(file: Sndlib, records: list[Record]) -> tuple[Links, list[str]]:
    """Return the links, and what was assumed."""
    model = file.model("link")
    ends = [(link.source, link.target) for link in file.links]
    alike = [(link.capacity, link.routing_cost, link.modules) for link in file.links]
    pairs = pairs_of(ends, records, alike)
    assumed = []
    if model is None:
        model = "DIRECTED" if pairs.both and not pairs.alone else "BIDIRECTED"
        why = (
            "every link has one back"
            if model == "DIRECTED"
            else "links are listed once, not once per direction"
        )
        assumed.append(f"the link model is {model}, since {why}; the file does not say")
    if model == "DIRECTED":
        assumed.append(
            f"{counted(len(pairs.both), 'pair')} of directed links are one full-duplex link each"
        )
        links = links_from(records, pairs, "link")
        return links, [*assumed, *(text for _, text in links.notes)]
    if model == "UNDIRECTED":
        assumed.append(
            "each direction of a link has the full capacity; in SNDlib's undirected link model"
            " both directions share it"
        )
    return Links(records, [(i, i) for i in range(len(records))], []), assumed


def _record(file: Sndlib, link: Link, costs: bool) -> Record:
    """Return the record of a link; of one direction, where links are directed."""
    record: Record = {"id": link.id, "a": link.source, "b": link.target, "class": "core"}
    if costs:
        record["metric"] = link.routing_cost
    if link.modules:
        sizes = [(in_gbps(size, file.unit), cost) for size, cost in link.modules]
        record["modules"] = tuple({"capacity_gbps": size, "cost": cost} for size, cost in sizes)
    if link.setup_cost:
        record["setup_cost"] = link.setup_cost
    if link.capacity > 0:
        record["capacity_gbps"] = in_gbps(link.capacity, file.unit)
    return record


def _geographical(file: Sndlib) -> tuple[bool, list[str]]:
    if file.geographical is False:
        return False, ["coordinates are those of a drawing and are left out"]
    placed = [node for node in file.nodes if node.x is not None and node.y is not None]
    degrees = all(abs(node.x or 0) <= 180 and abs(node.y or 0) <= 90 for node in placed)
    if file.geographical or not placed:
        return True, []
    if degrees:
        return True, ["coordinates are degrees, longitude first; the file does not say"]
    return False, ["coordinates are those of a drawing, as some are no degrees, and are left out"]


def _of_capacity(file: Sndlib) -> Iterable[str]:
    of_module = sum(link.installed <= 0 and link.capacity > 0 for link in file.links)
    if of_module:
        yield (
            f"the capacity of {counted(of_module, 'link')} is that of the largest module, since"
            " nothing is installed there"
        )
