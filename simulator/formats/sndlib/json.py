"""SNDlib in JSON, as converters of XML write it: networks, and matrices of one instant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.json_file import read_json
from simulator.formats.reading import begins_with, listed, refuse
from simulator.formats.sndlib.model import Sndlib, network_in
from simulator.formats.sndlib.records import (
    DEMAND,
    LINK,
    META,
    MODULE,
    MODULES,
    NODE,
    PATHS,
    Records,
)
from simulator.formats.units import plain_number
from simulator.model.network import Network

LOOK_BYTES = 65_536
WORDS = r"network_?structure|demand_?value|pre_?installed_?module|additional_?modules"
MARK = re.compile(rf'"(?:\w+:|\{{[^}}"]*\}})?(?:{WORDS})"\s*:'.encode(), re.I)
DEEPEST = 30
WRAPPED = frozenset(("$", ":@", "_attributes", "@attributes", "attributes", "attrs"))
"""Keys below which converters put the attributes of an element."""
TEXTS = frozenset(("#text", "_text", "__text", "$t", "$", "_", "text()", "@value"))
"""Keys of the text of an element that has attributes too."""
PLURALS = {"nodes": "node", "links": "link", "demands": "demand", MODULES: "addModule"}
KNOWN = {
    word.casefold(): word
    for word in (
        *("network", "meta", "networkStructure", "coordinatesType", "coordinates", "x", "y", "id"),
        *("source", "target", "preInstalledModule", "routingCost", "setupCost", "capacity", "cost"),
        *("demandValue", "routingUnit", "maxPathLength", PATHS, *PLURALS, *PLURALS.values()),
    )
}


@topology_format("sndlib_json")
class SndlibJson(TopologyFormat):
    """SNDlib network in JSON, with the keys of the XML.

    It is read as `sndlib_xml` is. Converters differ, and are all read: attributes as ``id``,
    ``@id``, ``@_id``, ``_id`` or below ``$`` or ``@attributes``; a single child as an object or in
    a list; numbers as text; lists without the element around them; records by their ids;
    ``snake_case``. Other keys are named.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    readable: ClassVar[str] = "a .json file of SNDlib"

    def reads(self, path: Path) -> bool:
        """Return whether *path* ends in `.json` and soon has a key of SNDlib."""
        return super().reads(path) and is_json(path)

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        return network_in(read_sndlib_json(path))


def is_json(path: Path) -> bool:
    """Return whether *path* ends in `.json` and soon has a key that only SNDlib has."""
    return path.suffix.lower() == ".json" and MARK.search(begins_with(path, LOOK_BYTES)) is not None


def read_sndlib_json(path: Path) -> Sndlib:
    """Read a network or a matrix; all problems found are raised together."""
    data = read_json(path, refuse_nan=True)
    if not isinstance(data, Mapping):
        raise refusal(path, f"no SNDlib network: expected an object, found {shown(data)}")
    records = Records(str(path), path.stem)
    _Walk(records).network(data)
    refuse(records.problems)
    found = records.found
    if not (found.nodes or found.links or found.demands):
        keys = listed(map(shown, data), 5)
        message = f"no SNDlib network: neither nodes nor demands in it; its top keys are {keys}"
        raise refusal(path, message)
    return found


class _Walk:
    """Goes down the tree and hands records their texts, as the reader of XML does."""

    def __init__(self, records: Records) -> None:
        self.records = records

    def network(self, data: Mapping[str, Any]) -> None:
        """Read all below the root, whose element may be left out, as may `networkStructure`."""
        attributes, top = _parted({key: each for key, each in data.items() if key[:1] != "?"})
        inner = _alone(top.pop("network", None))
        if isinstance(inner, Mapping):
            more, children = _parted(inner)
            attributes, top = attributes | more, top | children
        structure = _alone(top.pop("networkStructure", None))
        self.records.open("network", attributes)
        below = _parted(structure)[1] if isinstance(structure, Mapping) else {}
        for name in ("nodes", "links"):
            if name not in below and name in top:
                below[name] = top.pop(name)
        self._record(META, _alone(top.pop("meta", None)), "meta")
        self._section(NODE, below.pop("nodes", None))
        self._section(LINK, below.pop("links", None))
        self._section(DEMAND, top.pop("demands", None))
        for path, others in (("network", top), ("network/networkStructure", below)):
            for name in others:
                self.records.open(f"{path}/{name}", {})

    def _section(self, path: str, value: Any) -> None:
        """Read the records of a section: in a list, one alone, or by their ids."""
        above, _, name = path.rpartition("/")
        section = above.rpartition("/")[2]
        if isinstance(value, list) and len(value) == 1 and name in _parted(_alone(value))[1]:
            value = _alone(value)
        if isinstance(value, Mapping):
            attributes, children = _parted(value)
            self.records.open(above, attributes)
            if name in children:
                value = children.pop(name)
                for other in children:
                    self.records.open(f"{above}/{other}", {})
            else:
                value = [{"id": key, **_mapping(each)} for key, each in children.items()]
        for row, each in enumerate(value if isinstance(value, list) else [value]):
            self._record(path, each, f"{section}[{row}]")

    def _record(self, path: str, value: Any, place: str) -> None:
        if value in (None, "", []):
            return
        if not isinstance(value, Mapping):
            message = f"expected an object, found {shown(value)}"
            self.records.problems.append(Problem(self.records.file, None, None, place, message))
            return
        attributes, children = _parted(value, of_record=True)
        self.records.open(path, attributes, place=place)
        for part, text in self._texts(children, ""):
            self.records.add(part, text)
        self.records.close()

    def _texts(self, value: Any, path: str) -> Iterator[tuple[str, str]]:
        """Yield the texts below a record with their paths."""
        if path == PATHS:
            return
        if path.count("/") > DEEPEST:
            raise refusal(self.records.file, f"nested more than {DEEPEST} deep", key=path[:100])
        if isinstance(value, Mapping):
            for key, each in value.items():
                if path and key in TEXTS and not isinstance(each, Mapping | list):
                    yield path, _text(each)
                else:
                    name = _word(key)
                    above = MODULE if path == MODULES and name != "addModule" else path
                    yield from self._texts(each, f"{above}/{name}" if path else name)
        elif isinstance(value, list):
            for each in value:
                yield from self._texts(each, path)
        else:
            yield path, _text(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {"": value}


def _alone(value: Any) -> Any:
    """Return the one element of a list, as some converters put every element into one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _parted(value: Any, of_record: bool = False) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the attributes of an element, without their marks, and what stands below it.

    A scalar without a mark is an attribute, but below a record only `id` is one.
    """
    attributes: dict[str, str] = {}
    children: dict[str, Any] = {}
    for key, each in value.items() if isinstance(value, Mapping) else ():
        if key in WRAPPED and isinstance(each, Mapping):
            attributes |= {_word(name): _text(text) for name, text in each.items()}
        elif isinstance(each, Mapping | list) or each is None:
            children[_word(key)] = each
        elif not of_record or key[:1] in tuple("@-_") or _word(key) == "id":
            attributes[_word(key)] = _text(each)
        else:
            children[_word(key)] = each
    return attributes, children


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return plain_number(value)
    return "" if value is None else str(value).strip()


def _word(key: str) -> str:
    """Return a key without namespace and marks of attributes, spelled as in the XML."""
    plain = key.lstrip("@-_").rpartition("}")[2].rpartition(":")[2]
    return KNOWN.get(plain.replace("_", "").casefold(), plain)
