"""A draft: what a topology file says, before any check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from simulator.base.document import KeyPath
from simulator.base.errors import Problem
from simulator.model.geo import great_circle_km
from simulator.model.topology import ABROAD_KINDS, FIBRE_KM_PER_MS

PATH_FACTOR = 1.35
WITHIN_A_PLACE_KM = 20.0
ONE_PLACE_KM = 1.0
DEFAULT = "core"
"""Kind of a node and class of a link where the file gives none."""

Record = dict[str, Any]


def but(record: Mapping[str, Any], *keys: str) -> Record:
    """Return a record without some of its keys."""
    return {key: value for key, value in record.items() if key not in keys}


@dataclass(frozen=True)
class Draft:
    """Nodes, links and the rest as plain records, with a way to point into the file.

    A record holds only what the file gives, or the schema's defaults. What the schema refused is
    None, and a required key may be missing.

    Attributes
    ----------
    about : dict
        Fields of :class:`~simulator.model.topology.About`, but for cables and regions.
    nodes, links, regions : list of dict
    cables : list of dict or None
        None when the format or the file lists no cables, so that links may name any.
    totals : dict
        What the sums should be.
    point : callable
        `point(path, message, key=False, severity="error")` makes a problem with the value, or the
        key, at *path*, such as `("links", 3, "a")`.
    delay_required : bool
        Whether a link may leave open how long it takes.
    """

    about: Record
    nodes: list[Record]
    links: list[Record]
    point: Callable[..., Problem]
    regions: list[Record] = field(default_factory=list)
    cables: list[Record] | None = None
    totals: Record = field(default_factory=dict)
    delay_required: bool = True

    def warning(self, path: KeyPath, message: str) -> Problem:
        """Return a warning at *path*."""
        return self.point(path, message, severity="warning")

    def line(self, *path: str | int) -> int | None:
        """Return the line on which *path* stands."""
        return self.point(path, "").line

    @cached_property
    def node(self) -> dict[str, Record]:
        """Nodes by id; the first where an id is taken twice."""
        return {node["id"]: node for node in reversed(self.nodes) if node.get("id")}

    @cached_property
    def all_nodes_known(self) -> bool:
        """Whether every node has an id, so that an unknown one is unknown for sure."""
        return bool(self.nodes) and all(node.get("id") for node in self.nodes)

    def is_abroad(self, node_id: str | None) -> bool | None:
        """Return whether a node lies abroad, or None where the file is too broken to know."""
        node = self.node.get(node_id or "", {"kind": None})
        kind = node.get("kind", DEFAULT)
        return None if kind is None else kind in ABROAD_KINDS

    def ends(self, link: Record) -> list[Record]:
        """Return the nodes at the ends of a link, as far as they are known."""
        ends = (self.node.get(link.get(end) or "") for end in ("a", "b"))
        return [end for end in ends if end]

    def home_and_abroad(self, link: Record) -> tuple[str, str] | None:
        """Return the ends of a link that crosses the border, the one at home first."""
        a, b = link.get("a"), link.get("b")
        match self.is_abroad(a), self.is_abroad(b):
            case False, True:
                return a, b  # type: ignore[return-value]
            case True, False:
                return b, a  # type: ignore[return-value]
        return None

    def great_circle_km(self, link: Record) -> float | None:
        """Return the distance between the ends of a link, or None without coordinates."""
        places = [(end.get("lat"), end.get("lon")) for end in self.ends(link)]
        degrees = [value for place in places for value in place if value is not None]
        return great_circle_km(*degrees) if len(degrees) == 4 else None

    def ends_without_place(self, link: Record) -> list[str]:
        """Return the ends of a link for which the file gives no coordinates."""
        lost = (end["id"] for end in self.ends(link) if not ("lat" in end and "lon" in end))
        return list(dict.fromkeys(lost))

    def delay_ms(self, link: Record) -> float | None:
        """Return the one-way delay of a link, or None where it is unknown."""
        if "delay_ms" in link:
            return float(link["delay_ms"])
        if "fibre_km" in link:
            return float(link["fibre_km"]) / FIBRE_KM_PER_MS
        straight_km = self.great_circle_km(link)
        if straight_km is None:
            return None if self.delay_required else 0.0
        if straight_km < ONE_PLACE_KM:
            return WITHIN_A_PLACE_KM / FIBRE_KM_PER_MS
        return straight_km * link.get("path_factor", PATH_FACTOR) / FIBRE_KM_PER_MS
