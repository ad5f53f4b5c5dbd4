"""SNDlib: what its native and its XML files say alike, and what that means for a Network.

A file lists potential links. The *link model* says what a link is:

- BIDIRECTED: either direction may be filled to the capacity. That is our full-duplex link.
- UNDIRECTED: the sum of both directions may be. Ours gives the capacity to each direction.
- DIRECTED: from source to target only. Two of them, one each way, make one of our links.

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

from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.base.text import counted
from simulator.formats.reading import Places, refuse
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.pairing import Pairs, paired
from simulator.formats.unit_words import unit_named
from simulator.formats.units import in_gbps

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
    """

    file: str
    name: str
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    geographical: bool | None = None

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


def draft_of(file: Sndlib) -> Draft:
    """Return the draft of the network in *file*; what is missing in it is left to be repaired.

    A directed link without one back, and an unknown unit or model, are refused.
    """
    no_unit = "capacities and demands are in Mbps; the file does not say"
    unit = [] if "unit" in file.meta else [no_unit]
    pairs, assumed = _pairs(file)
    geographical, where = _geographical(file)
    links = [_record(file, there, back) for there, back in pairs]
    if links and all(link["metric"] > 0 for link in links):
        assumed.append("the metric of a link is its routing cost")
    else:
        costly = sum(link["metric"] > 0 for link in links)
        if costly:
            count = f"{len(links) - costly:,} of {len(links):,} links"
            assumed.append(f"routing costs are not taken for metrics: that of {count} is 0")
        for link in links:
            del link["metric"]
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
        links=links,
        point=Places(
            file.file,
            {
                "nodes": [node.line for node in file.nodes],
                "links": [there.line for there, _ in pairs],
            },
        ).point,
    )


def _pairs(file: Sndlib) -> tuple[list[tuple[Link, Link]], list[str]]:
    """Return each link as it is from source to target and as it is back, and what was assumed."""
    model = file.model("link")
    ends = [(link.source, link.target) for link in file.links]
    alike = [(link.capacity, link.routing_cost, link.modules) for link in file.links]
    pairs = paired(ends, alike) if model in (None, "DIRECTED") else Pairs([], [], [])
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
        refuse(_one_way(file, file.links[arc]) for arc in pairs.alone)
        assumed.append(
            f"{counted(len(pairs.both), 'pair')} of directed links are one full-duplex link each"
        )
        return [(file.links[there], file.links[back]) for there, back in pairs.links], assumed
    if model == "UNDIRECTED":
        assumed.append(
            "each direction of a link has the full capacity; in SNDlib's undirected link model"
            " both directions share it"
        )
    return [(link, link) for link in file.links], assumed


def _one_way(file: Sndlib, link: Link) -> Problem:
    message = (
        f"link {link.id!r} is directed, but there is none back from {link.target!r} to"
        f" {link.source!r}; a link here has two directions"
    )
    return Problem(file.file, link.line, None, "links", message)


def _record(file: Sndlib, there: Link, back: Link) -> Record:
    if there.routing_cost != back.routing_cost:
        message = (
            f"the routing cost is {there.routing_cost:g} there and {back.routing_cost:g} back"
            f" (line {back.line}), but a link has one metric"
        )
        raise refusal(file.file, message, there.line, key="links.routing_cost")
    record: Record = {
        "id": there.id,
        "a": there.source,
        "b": there.target,
        "class": "core",
        "metric": there.routing_cost,
    }
    if there.modules:
        sizes = [(in_gbps(size, file.unit), cost) for size, cost in there.modules]
        record["modules"] = tuple({"capacity_gbps": size, "cost": cost} for size, cost in sizes)
    if there.setup_cost:
        record["setup_cost"] = there.setup_cost
    if there.capacity > 0:
        record["capacity_gbps"] = in_gbps(there.capacity, file.unit)
        if back.capacity > 0 and back.capacity != there.capacity:
            record["capacity_ba_gbps"] = in_gbps(back.capacity, file.unit)
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
