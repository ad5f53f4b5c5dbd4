"""NetBox: devices, interfaces and cables as it exports them, in CSV or JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import GraphFile
from simulator.formats.graphs.names import plain_name
from simulator.formats.json_file import read_json
from simulator.formats.reading import listed
from simulator.formats.rules.draft import Record
from simulator.formats.rules.edits import as_number
from simulator.formats.speed_words import speed_gbps
from simulator.formats.tables.rows import read_rows
from simulator.formats.units import in_gbps
from simulator.model.network import Network

NAMES = ("cables", "interfaces", "devices", "sites")
KM = {"km": 1.0, "m": 1e-3, "cm": 1e-5, "mi": 1.609344, "ft": 3.048e-4, "in": 2.54e-5}
TYPE = re.compile(
    r"(?P<size>\d+(?:\.\d+)?)(?P<giga>g?)base|\((?P<ethernet>\d+(?:\.\d+)?)(?P<ten>[gm])e\)",
    re.IGNORECASE,
)
"""Types of interfaces name their speed: 1000base-t, 100gbase-x-qsfp28, or QSFP28 (100GE)."""
LENGTH = re.compile(r"([\d.]+) *([a-z]+)", re.IGNORECASE)
PLACE = ("latitude", "longitude")
NOTHING = "—"
"""What stands on the screen where there is no value."""
NO = frozenset({"false", "no", "0"})
SIDES = (("side_a", "termination_a", "a"), ("side_b", "termination_b", "b"))
VIEW = ("{termination}_device", "device_{letter}", "{side}", "{termination}_parent")
"""Columns of devices in what is exported of the table on the screen, by versions of NetBox."""


class End(NamedTuple):
    """An interface of a device."""

    device: str
    interface: str


class Cable(NamedTuple):
    """A cable as a link; without an edge, why it is none."""

    name: str
    edge: Edge | None = None
    why: str = ""
    by_type: bool = False
    not_read: tuple[str, ...] = ()


@topology_format("netbox")
class NetBox(TopologyFormat):
    """NetBox export: a folder with cables, interfaces, devices and sites, as .csv or .json.

    CSV is what NetBox exports and imports, or its table on the screen (the current view); JSON is
    what its REST API answers. A connected cable
    between interfaces of two devices is a full-duplex link. Its capacity is the lower ``speed`` of
    both (in kbps, or in words such as ``10 Gbps``), else that of the types of the interfaces, such
    as ``100gbase-x-qsfp28`` or ``QSFP28 (100GE)``; the
    length is that of the cable. Cables that are planned or end elsewhere, and interfaces that are
    not enabled, are left out. Devices lie where they or their sites do. Only cables are required.
    """

    readable: ClassVar[str] = "a folder of NetBox with cables.csv or cables.json"

    def reads(self, path: Path) -> bool:
        """Return whether *path* is a folder with a table of cables, and none of links."""
        ours = any((path / name).is_file() for name in ("nodes.csv", "links.csv"))
        return path.is_dir() and not ours and _file(path, "cables") is not None

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        left_out: list[Problem] = []
        export = {name: _rows(path, name, left_out) for name in NAMES}
        interfaces = {_end_of(row): row for row in export["interfaces"]}
        cables = [_cable(row, interfaces) for row in export["cables"]]
        edges = [cable.edge for cable in cables if cable.edge is not None]
        file, notes = _file(path, "cables") or path, _notes(cables)
        if not edges:
            why = "; ".join(notes) or "there are none"
            raise refusal(file, f"no cable joins interfaces of two devices: {why}")
        name = path.resolve().name
        graph = GraphFile(file, {"name": name}, _nodes(export, edges), edges, notes=notes)
        network, problems = graph.network()
        return network, [*left_out, *problems]


def _notes(cables: Sequence[Cable]) -> list[str]:
    """Return which cables are left out, and how many capacities come from types."""
    out: dict[str, list[str]] = {}
    for cable in cables:
        if cable.edge is None:
            out.setdefault(cable.why, []).append(cable.name)
    notes = [
        f"{counted(len(names), 'cable')} left out, which {why}: {listed(map(shown, names))}"
        for why, names in out.items()
    ]
    by_type = sum(cable.by_type for cable in cables)
    if by_type:
        notes.append(f"capacity of {counted(by_type, 'link')} read from the types of interfaces")
    if strange := list(dict.fromkeys(word for cable in cables for word in cable.not_read)):
        notes.append(f"not understood, and not used: {listed(map(shown, strange))}")
    return notes


# ---------------------------------------------------------------- files


def _file(folder: Path, name: str) -> Path | None:
    found = (folder / f"{name}{ending}" for ending in (".json", ".csv"))
    return next((each for each in found if each.is_file()), None)


def _rows(folder: Path, name: str, left_out: list[Problem]) -> Sequence[Mapping[str, Any]]:
    """Return the records of one kind, none where there is no file of them.

    What is left out of the file is added to *left_out*.
    """
    path = _file(folder, name)
    if path is None:
        return []
    if path.suffix == ".json":
        return _of_json(path)
    rows, comments = read_rows(path)
    left_out += comments
    return [{plain_name(name): cell for name, cell in row.items()} for _, row in rows]


def _of_json(path: Path) -> list[Mapping[str, Any]]:
    """Return the records of an answer: a list, or its `results`."""
    data = read_json(path)
    if isinstance(data, Mapping) and data.get("next"):
        raise refusal(path, "this is one page of several: ask NetBox for all, with limit=0")
    found = data.get("results") if isinstance(data, Mapping) else data
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise refusal(
            path, f"expected a list of objects, or one under results, found {shown(data)}"
        )
    return found


# ---------------------------------------------------------------- values


def _text(row: Mapping[str, Any], key: str) -> str:
    """Return a value as text; of an object, what it is called."""
    value = row.get(key)
    if isinstance(value, Mapping):
        value = next((value[k] for k in ("value", "name", "display", "id") if k in value), None)
    text = "" if value is None else str(value).strip()
    return "" if text == NOTHING else text


def _end_of(row: Mapping[str, Any]) -> End:
    return End(_text(row, "device"), _text(row, "name"))


def _end(row: Mapping[str, Any], names: Sequence[str]) -> End | str:
    """Return the interface at one side of a cable, or why there is none."""
    side, termination, letter = names
    found, kind = row.get(termination), _text(row, f"{termination}_type")  # before NetBox 3.3
    if f"{side}_device" in row:  # as NetBox imports and exports CSV
        found = {"device": row[f"{side}_device"], "name": row.get(f"{side}_name")}
        kind = _text(row, f"{side}_type") or "interface"
    elif device := next((row[key] for key in _of_view(names) if row.get(key)), None):
        found, kind = {"device": device, "name": found}, "interface"
    elif isinstance(several := row.get(f"{letter}_terminations"), list):
        if len(several) != 1 or not isinstance(several[0], Mapping):
            return "have not one interface at each side"
        found, kind = several[0].get("object"), _text(several[0], "object_type")
    if not isinstance(found, Mapping) or not kind.endswith("interface"):
        return f"end at a {kind.rpartition('.')[2] or 'side unknown'}"
    end = _end_of(found)
    return end if end.device else "end at no device"


def _of_view(names: Sequence[str]) -> Iterator[str]:
    """Yield the columns in which the table on the screen may hold the device of a side."""
    words = dict(zip(("side", "termination", "letter"), names, strict=True))
    return (key.format(**words) for key in VIEW)


def _cable(row: Mapping[str, Any], interfaces: Mapping[End, Mapping[str, Any]]) -> Cable:
    """Return the link that a cable is, or why it is none."""
    label = _text(row, "label")
    name = label or _text(row, "id")
    status = _text(row, "status").casefold() or "connected"
    ends = [_end(row, side) for side in SIDES]
    known = [end for end in ends if isinstance(end, End)]
    why = next((end for end in ends if isinstance(end, str)), "")
    name = name or "-".join(end.device for end in known)
    if status != "connected":
        why = f"are {status}"
    elif any(_text(interfaces.get(end, {}), "enabled").casefold() in NO for end in known):
        why = "end at an interface that is not enabled"
    elif interfaces and not any(_has_type(row, side) for side in SIDES):
        if not all(end in interfaces for end in known):  # a port or a circuit, or several
            why = "end at what is not among the interfaces"
    if why:
        return Cable(name, None, why)
    sides = [interfaces.get(end, {}) for end in known]
    gbps, by_type = _capacity_gbps(sides)
    length, strange = _length(row), [_text(side, "speed") for side in sides]
    strange = [word for word in strange if word and _speed(word) is None]
    if not length and _text(row, "length"):
        strange.append(f"{_text(row, 'length')} {_text(row, 'length_unit')}".strip())
    a, b = known
    edge = Edge(a.device, b.device, label or None, {"capacity_gbps": gbps, **length})
    return Cable(name, edge, "", by_type, tuple(strange))


def _has_type(row: Mapping[str, Any], names: Sequence[str]) -> bool:
    """Return whether a row says what a side ends at; the table on the screen does not."""
    side, termination, letter = names
    return any(
        key in row for key in (f"{side}_device", f"{termination}_type", f"{letter}_terminations")
    )


def _capacity_gbps(sides: Sequence[Mapping[str, Any]]) -> tuple[float | None, bool]:
    """Return the lower capacity of both interfaces, and whether it comes from their types."""
    given = [gbps for side in sides if (gbps := _speed(_text(side, "speed"))) is not None]
    of_types = [gbps for side in sides if (gbps := _of_type(_text(side, "type"))) is not None]
    return min(given or of_types, default=None), bool(of_types and not given)


def _speed(word: str) -> float | None:
    """Return a speed in Gbps: a number is in kbps."""
    kbps = as_number(word)
    return speed_gbps(word) if kbps is None else in_gbps(kbps, "kbps")


def _of_type(word: str) -> float | None:
    found = TYPE.search(word)
    if found is None:
        return None
    if found["size"]:
        return in_gbps(float(found["size"]), "gbps" if found["giga"] else "mbps")
    return in_gbps(float(found["ethernet"]), "gbps" if found["ten"] in "gG" else "mbps")


def _length(row: Mapping[str, Any]) -> Record:
    """Return the length of a cable; its unit stands in a column of its own, or beside it."""
    text, unit = _text(row, "length"), _text(row, "length_unit")
    if not unit and (found := LENGTH.fullmatch(text)):
        text, unit = found[1], found[2]
    size, unit = as_number(text), unit.casefold()
    unit = {"kilometers": "km", "meters": "m", "miles": "mi", "feet": "ft"}.get(unit, unit)
    return {} if size is None or unit not in KM else {"fibre_km": size * KM[unit]}


def _nodes(export: Mapping[str, Sequence[Mapping[str, Any]]], edges: Sequence[Edge]) -> list[Node]:
    """Return the devices at the ends of links, where they or their sites lie."""
    sites = {_text(row, "name"): row for row in export["sites"]}
    devices = {_text(row, "name"): row for row in export["devices"]}
    ends = dict.fromkeys(end for edge in edges for end in (edge.source, edge.target))
    nodes = []
    for name in ends:
        device = devices.get(name, {})
        site = sites.get(_text(device, "site"), {})
        places = [{key: _text(row, key) for key in PLACE} for row in (device, site)]
        place: Record = next((each for each in places if all(each.values())), {})
        nodes.append(Node(name, {**place, "city": _text(device, "site") or None}))
    return nodes
