"""SNDlib's XML format: networks, and matrices of one instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.reading import refuse
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.repair import repaired
from simulator.formats.sndlib.model import Demand, Link, Node, Sndlib, draft_of, meta_key
from simulator.formats.units import finite
from simulator.formats.xml_file import read_xml_bytes
from simulator.model.network import Network

NAMESPACE = "http://sndlib.zib.de/network"
DEEPEST = 30
NODE = "network/networkStructure/nodes/node"
LINK = "network/networkStructure/links/link"
DEMAND = "network/demands/demand"
MODULE = "additionalModules/addModule"
PATHS = "admissiblePaths"
"""May be many, and are not read."""


@topology_format("sndlib_xml")
class SndlibXml(TopologyFormat):
    """SNDlib network in XML.

    Capacity is what is installed, else the largest module. Routing costs are metrics where every
    link has one above zero. Capacities are in the unit of the meta section, else in Mbps. Document
    types and entities are refused.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xml",)
    readable: ClassVar[str] = "a .xml file of SNDlib"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        file = read_xml(path)
        if not file.nodes and file.demands:
            raise refusal(path, "this file holds demands only; a topology has networkStructure")
        return assemble(*repaired(draft_of(file)))


def read_xml(path: Path) -> Sndlib:
    """Read a network or a matrix; all problems found are raised together."""
    raw = read_xml_bytes(path)
    reader = _Reader(str(path))
    try:
        reader.parser.Parse(raw, True)
    except expat.ExpatError as error:
        message = f"not valid XML: {expat.ErrorString(error.code)}"
        raise refusal(path, message, error.lineno) from None
    except InputError:  # the reader's own, which is a ValueError
        raise
    except (ValueError, LookupError) as error:  # an encoding that is unknown or is no encoding
        raise refusal(path, f"not valid XML: {error}", reader.parser.CurrentLineNumber) from None
    refuse(reader.problems)
    return reader.found


@cache
def _local(tag: str) -> str:
    """Return a tag without the namespace, if that is SNDlib's or there is none."""
    namespace, _, name = tag.rpartition(" ")
    return name if namespace in ("", NAMESPACE) else tag


class _Reader:
    """Gathers the texts of all elements below a record, and makes the record at its end.

    Folders hold tens of thousands of matrices: what runs for every element is kept short.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.found = Sndlib(file, Path(file).stem)
        self.stack: list[str] = []
        self.record = ""
        self.depth = 0
        self.id = ""
        self.line = 0
        self.text: list[str] = []
        self.parts: dict[str, list[str]] = {}
        self.makes: dict[str, Callable[[], None]] = {
            NODE: self._node,
            LINK: self._link,
            DEMAND: self._demand,
            "network/meta": self._meta,
        }
        parser = self.parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.text.append
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype

    def _stop(self, message: str) -> None:
        path = "/".join(self.stack[:DEEPEST])
        raise refusal(self.file, message, self.parser.CurrentLineNumber, key=path)

    def _doctype(self, *_: object) -> None:
        self._stop("document types and entities are not read: they can blow up or reach out")

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self.stack.append(_local(tag))
        self.text.clear()
        if len(self.stack) > DEEPEST:
            self._stop(f"elements are nested more than {DEEPEST} deep")
        if not self.record:
            self._open(attributes)

    def _open(self, attributes: Mapping[str, str]) -> None:
        """Enter an element that lies in no record."""
        if self.stack[0] != "network":
            namespace, _, name = self.stack[0].rpartition(" ")
            where = f" in the namespace {shown(namespace)}" if namespace else ""
            message = f"no SNDlib network, whose root is <network>: the root is <{name}>{where}"
            raise refusal(self.file, message, self.parser.CurrentLineNumber)
        path = "/".join(self.stack)
        if path in self.makes:
            self.record, self.depth = path, len(self.stack)
            self.id = attributes.get("id", "")
            self.line = self.parser.CurrentLineNumber
            self.parts = {}
        else:
            self._outside(self.stack[-1], attributes)

    def _end(self, tag: str) -> None:
        if self.record:
            below = self.stack[self.depth :]
            if not below:
                self._close()
            elif below[0] != PATHS:
                path = below[0] if len(below) == 1 else "/".join(below)
                self.parts.setdefault(path, []).append("".join(self.text).strip())
        self.text.clear()
        self.stack.pop()

    def _close(self) -> None:
        """Make the record that ends here."""
        try:
            self.makes[self.record]()
        except ValueError as error:
            key = self.record.rpartition("/")[2]
            where = f"{key} {shown(self.id)}" if self.id else key
            self.problems.append(Problem(self.file, self.line, None, where, str(error)))
        self.record = ""

    def _outside(self, name: str, attributes: Mapping[str, str]) -> None:
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
        self.found.nodes.append(Node(self.id, x, y, self.line))

    def _link(self) -> None:
        sizes, costs = (
            [_number(name, text) for text in self.parts.get(f"{MODULE}/{name}", ())]
            for name in ("capacity", "cost")
        )
        if len(sizes) != len(costs):
            raise ValueError(f"{len(sizes)} modules have a capacity, but {len(costs)} a cost")
        if min([*sizes, *costs], default=0) < 0:
            raise ValueError("a capacity or cost of a module is below 0")
        self.found.links.append(
            Link(
                self.id,
                self._get("source"),
                self._get("target"),
                self._positive("preInstalledModule/capacity", 0.0),
                self._positive("preInstalledModule/cost", 0.0),
                self._positive("routingCost", 0.0),
                self._positive("setupCost", 0.0),
                tuple(zip(sizes, costs, strict=True)),
                self.line,
            )
        )

    def _demand(self) -> None:
        source, target = self._get("source"), self._get("target")
        rate = self._positive("routingUnit", 1.0) * self._positive("demandValue")
        self.found.demands.append(Demand(source, target, rate, self.line))


def _number(name: str, text: str) -> float:
    try:
        return finite(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
