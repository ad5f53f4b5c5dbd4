"""Records: the nodes, links and demands of an SNDlib tree, whether it comes from XML or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.reading import refuse_elements_above
from simulator.formats.sndlib.model import Demand, Link, Node, Sndlib, meta_key
from simulator.formats.units import finite

META = "network/meta"
NODE = "network/networkStructure/nodes/node"
LINK = "network/networkStructure/links/link"
DEMAND = "network/demands/demand"
MODULES = "additionalModules"
MODULE = f"{MODULES}/addModule"
PATHS = "admissiblePaths"
"""May be many, and are not read."""
SECTIONS = frozenset(
    "/".join(record.split("/")[:depth])
    for record in (META, NODE, LINK, DEMAND)
    for depth in range(1, record.count("/") + 1)
)
PARTS: dict[str, frozenset[str]] = {
    NODE: frozenset(("coordinates", "coordinates/x", "coordinates/y")),
    LINK: frozenset(
        ("source", "target", "routingCost", "setupCost", MODULES)
        + tuple(f"{head}{tail}" for head in ("preInstalledModule", MODULE)
                for tail in ("", "/capacity", "/cost"))
    ),
    DEMAND: frozenset(("source", "target", "routingUnit", "demandValue", "maxPathLength")),
}  # fmt: skip
"""What a record holds below itself, as SNDlib has it."""
MOST_UNKNOWN = 1_000
"""Keys that SNDlib has not, and keys below one record."""
HOLDERS = ("coordinates", "preInstalledModule", MODULES, MODULE)
"""Parts that hold others, and no text."""
OF_SECTIONS = frozenset(("linkmodel", "demandmodel", "model", "coordinatestype", "version", "id"))
"""Attributes of what holds records, as `meta_key` gives them."""


class Records:
    """Makes records of the texts below them; `problems` are those found on the way.

    Attributes
    ----------
    record : str
        Path of the record that is open; empty outside of any.
    parts : dict of str to list of str
        The texts below it, by their path from there.
    """

    def __init__(self, file: str, name: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.found = Sndlib(file, name)
        self.record = ""
        self.id = ""
        self.line = 0
        self.place = ""
        self.parts: dict[str, list[str]] = {}
        self.makes: dict[str, Callable[[], None]] = {
            NODE: self._node,
            LINK: self._link,
            DEMAND: self._demand,
            META: self._meta,
        }

    def open(
        self, path: str, attributes: Mapping[str, str], line: int = 0, place: str = ""
    ) -> bool:
        """Enter an element outside of records; return whether it is one.

        *place* says where a record without id is, in a file without lines.
        """
        if path in self.makes:
            self.record, self.line, self.parts = path, line, {}
            self.id = attributes.get("id", "")
            self.place = place or path.rpartition("/")[2]
            if len(attributes) > ("id" in attributes):
                self._unknown(path, attributes.keys() - {"id"})
            return True
        if path in SECTIONS:
            self._section(path.rpartition("/")[2], path, attributes)
        else:
            self._not_read(path.rpartition("/")[2], line)
        return False

    def add(self, path: str, text: str) -> None:
        """Add a text below the record; of those that are not read only so many."""
        if path in self.parts:
            self.parts[path].append(text)
        elif len(self.parts) < MOST_UNKNOWN:
            self.parts[path] = [text]
        else:
            raise refusal(self.file, f"more than {MOST_UNKNOWN:,} keys in one record", self.line)

    def close(self) -> None:
        """Make the record that ends here."""
        key = self.record.rpartition("/")[2]
        try:
            self.makes[self.record]()
        except InputError:
            raise
        except ValueError as error:
            where = f"{key} {shown(self.id)}" if self.id else self.place
            self.problems.append(Problem(self.file, self.line or None, None, where, str(error)))
        if self.record in PARTS and not self.parts.keys() <= PARTS[self.record]:
            self._unknown(self.record, self.parts.keys() - PARTS[self.record])
        if filled := [name for name in HOLDERS if any(self.parts.get(name, ()))]:
            self._unknown(self.record, filled)
        self.record = ""

    def _unknown(self, path: str, names: Iterable[str]) -> None:
        """Note what is below a record, or an attribute, that SNDlib does not have there."""
        for name in sorted(names):
            if " " not in name and not name.startswith("xmlns"):  # of another namespace
                self._not_read(f"{path.rpartition('/')[2]}/{name}", self.line)

    def _not_read(self, name: str, line: int) -> None:
        if len(self.found.unknown) < MOST_UNKNOWN:
            self.found.unknown.setdefault(name, line)

    def _section(self, name: str, path: str, attributes: Mapping[str, str]) -> None:
        """Note what the attributes of a section say."""
        kind = attributes.get("coordinatesType")
        if name == "nodes" and kind is not None:
            self.found.geographical = kind == "geographical"
        noun = {"links": "link", "demands": "demand"}.get(name)
        for key, value in attributes.items():
            plain = meta_key(key)
            if plain in ("linkmodel", "demandmodel"):
                self.found.meta[plain] = value
            elif plain == "model" and noun:
                self.found.meta[f"{noun}model"] = value
            elif plain not in OF_SECTIONS:
                self._unknown(path, [key])

    # -- records ------------------------------------------------------------------------------

    def _get(self, name: str) -> str:
        found = self.parts.get(name, ())
        if len(found) != 1 or not found[0]:
            how = "a second" if len(found) > 1 else "no" if not found else "an empty"
            raise ValueError(f"{how} {name}")
        return found[0]

    def _number(self, name: str, default: float | None = None) -> float:
        """Return the number called *name*; without a default it must be there."""
        if default is not None and name not in self.parts:
            return default
        return _number(name, self._get(name))

    def _positive(self, name: str, default: float | None = None) -> float:
        value = self._number(name, default)
        if value < 0:
            raise ValueError(f"{name} is {value:g}, below 0")
        return value

    def _meta(self) -> None:
        self.found.meta.update({meta_key(path): texts[0] for path, texts in self.parts.items()})
        self.found.meta = {key: text for key, text in self.found.meta.items() if text}

    def _node(self) -> None:
        given = any(path.startswith("coordinates/") for path in self.parts)
        x, y = (self._number(f"coordinates/{axis}") if given else None for axis in "xy")
        refuse_elements_above(Path(self.file), "nodes", len(self.found.nodes) + 1, self.line)
        self.found.nodes.append(Node(self.id, x, y, self.line))

    def _link(self) -> None:
        refuse_elements_above(Path(self.file), "links", len(self.found.links) + 1, self.line)
        self.found.links.append(
            Link(
                self.id,
                self._get("source"),
                self._get("target"),
                self._positive("preInstalledModule/capacity", 0.0),
                self._positive("preInstalledModule/cost", 0.0),
                self._positive("routingCost", 0.0),
                self._positive("setupCost", 0.0),
                self._modules(),
                self.line,
            )
        )

    def _modules(self) -> tuple[tuple[float, float], ...]:
        sizes, costs = (
            [_number(name, text) for text in self.parts.get(f"{MODULE}/{name}", ())]
            for name in ("capacity", "cost")
        )
        if len(sizes) != len(costs):
            raise ValueError(f"{len(sizes)} modules have a capacity, but {len(costs)} a cost")
        if min([*sizes, *costs], default=0) < 0:
            raise ValueError("a capacity or cost of a module is below 0")
        return tuple(zip(sizes, costs, strict=True))

    def _demand(self) -> None:
        source, target = self._get("source"), self._get("target")
        rate = self._positive("routingUnit", 1.0) * self._positive("demandValue")
        self.found.demands.append(Demand(source, target, rate, self.line))


def _number(name: str, text: str) -> float:
    try:
        return finite(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
