"""The topology file of this project: YAML that people read, write and comment."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.checking import build
from simulator.base.document import Document, KeyPath, dotted, read_yaml
from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.base.schema import to_plain
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.entries import (
    CableEntry,
    LinkEntry,
    NodeEntry,
    RegionEntry,
    TopologyFile,
    Totals,
    as_written,
    given,
    keys,
)
from simulator.formats.units import plain_number
from simulator.model.network import Network

ENTRIES = {"nodes": NodeEntry, "links": LinkEntry, "regions": RegionEntry, "cables": CableEntry}
ABOUT_KEYS = ("title", "utc_offset_h", "hop_delay_ms", "sources", "assumptions")
KEYS = {section: keys(entry) for section, entry in ENTRIES.items()}
KEYS["links"] = tuple(key for key in KEYS["links"] if key != "path_factor")  # the delay holds it
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./()+-]*( [A-Za-z0-9_./()+-]+)*")
WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""Words that some YAML reader takes for something else than text."""
WIDTH = 106
_OF_GRAPHS = ("order", "path_factor")
"""What a graph needs besides, and what the delay holds."""


@topology_format("native")
class Native(TopologyFormat):
    """YAML topology of this project; holds all that a network can say."""

    suffixes: ClassVar[tuple[str, ...]] = (".yaml", ".yml")
    written: ClassVar[tuple[str, ...]] = suffixes
    readable: ClassVar[str] = "a .yaml or .yml file"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        document = read_yaml(path)
        if isinstance(document.data, Mapping) and "strategies" in document.data:
            return None, [document.problem((), "this is a scenario, not a topology")]
        return network_of(document)

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost."""
        return write(network, path)


# ---------------------------------------------------------------- reading


def network_of(document: Document) -> tuple[Network | None, list[Problem]]:
    """Read plain data with the keys of a topology file, like :meth:`Native.read`."""
    try:
        draft, problems = _draft(document, build(TopologyFile, document)), []
    except InputError as error:
        problems = [as_written(problem) for problem in error.problems]
        draft = _salvage(document, problems)
    return assemble(draft, [*problems, *_matrix_exists(document, draft)])


def _draft(document: Document, file: TopologyFile) -> Draft:
    return Draft(
        about={
            **{key: getattr(file, key) for key in ABOUT_KEYS},
            "name": file.name or _path(document).stem,
            "estimates": tuple(given(estimate) for estimate in file.estimates),
            "marks": tuple(given(mark) for mark in file.marks),
            "uncertainty": dict(file.uncertainty),
            "reliability": file.reliability,
            "matrix": _beside(document, file.matrix) if file.matrix else None,
        },
        nodes=[given(node) for node in file.nodes],
        links=[given(link) for link in file.links],
        regions=[given(region) for region in file.regions],
        cables=None if file.cables is None else [given(cable) for cable in file.cables],
        totals=given(file.totals) if file.totals else {},
        point=document.problem,
    )


def _salvage(document: Document, problems: Iterable[Problem]) -> Draft:
    """Return what is sound of a file that is not, so that the rest can be checked as well."""
    data = document.data if isinstance(document.data, Mapping) else {}
    broken = {part for problem in problems for part in _with_ancestors(problem.key)}
    listed = {key: value for key, value in data.items() if isinstance(value, list)}
    nodes, links, regions, cables = (
        [
            _sound(entry, each, (section, i), broken)
            for i, each in enumerate(listed.get(section, ()))
        ]
        for section, entry in ENTRIES.items()
    )
    matrix = _sound(TopologyFile, data, (), broken).get("matrix")
    return Draft(
        about={"matrix": _beside(document, matrix) if matrix else None},
        nodes=nodes,
        links=links,
        regions=regions,
        cables=cables if cables and all(cable.get("id") for cable in cables) else None,
        totals=_sound(Totals, data.get("totals"), ("totals",), broken),
        point=document.problem,
    )


def _with_ancestors(key: str) -> list[str]:
    """Return `links`, `links[3]` and `links[3].a` for `links[3].a`."""
    return [key[: end.start()] for end in re.finditer(r"(?<!^)(?=[.\[])|$", key)]


def _sound(entry: type, data: Any, path: KeyPath, broken: set[str]) -> Record:
    if not isinstance(data, Mapping):
        return {}
    known = keys(entry)
    return {
        key: None if dotted((*path, key)) in broken else value
        for key, value in data.items()
        if key in known and value is not None
    }


def _path(document: Document) -> Path:
    return document.path or Path(document.file)


def _beside(document: Document, name: str) -> str:
    return os.path.abspath(_path(document).parent / name)


def _matrix_exists(document: Document, draft: Draft) -> Iterator[Problem]:
    matrix = draft.about["matrix"]
    if matrix and not os.path.isfile(matrix):
        siblings = (each.name for each in _path(document).parent.glob("*.csv"))
        hint = did_you_mean(Path(matrix).name, siblings)
        yield draft.point(("matrix",), f"no file {document.data['matrix']!r}{hint}")


# ---------------------------------------------------------------- writing


def write(network: Network, path: str | Path) -> list[str]:
    """Write *network* to *path*, whole or not at all; reading it gives the same again.

    The matrix is written relative to the folder of the file. Returned is what is lost: node and
    link attributes that the format has no key for; nothing for a network that comes from a file.
    """
    path = Path(path)
    write_whole(path, "\n".join([*_lines(network, path), ""]))
    return lost(network)


def plain(network: Network, path: Path) -> Record:
    """Return a network as plain data with the keys of a topology file that stands at *path*."""
    about = network.about
    data = {
        "name": about.name,
        "title": about.title,
        "utc_offset_h": about.utc_offset_h,
        "hop_delay_ms": about.hop_delay_ms,
        "matrix": _from(path, about.matrix) if about.matrix else None,
        "sources": list(about.sources),
        "assumptions": list(about.assumptions),
        "estimates": [dict(each) for each in about.estimates],
        "marks": [dict(each) for each in about.marks],
        "uncertainty": {name: to_plain(each) for name, each in about.uncertainty.items()},
        "reliability": about.reliability.plain() if about.reliability else None,
        "nodes": [
            {"id": node, **_picked(attributes, KEYS["nodes"])}
            for node, attributes in network.graph.nodes(data=True)
        ],
        "regions": [{"id": name, **attributes} for name, attributes in about.regions.items()],
        "links": [
            {"id": link, **_picked(network.attributes(link), KEYS["links"])}
            for link in network.links
        ],
        "cables": [{"id": name, **attributes} for name, attributes in about.cables.items()],
    }
    return {key: value for key, value in data.items() if value}


def lost(network: Network) -> list[str]:
    """Return what a topology file cannot hold: attributes without a key, faults and load."""
    sections = {
        "node": (KEYS["nodes"], [known for _, known in network.graph.nodes(data=True)]),
        "link": (KEYS["links"] + _OF_GRAPHS, [network.attributes(link) for link in network.links]),
    }
    left_out = []
    for noun, (known, records) in sections.items():
        counts = Counter(key for record in records for key in record if key not in known)
        left_out += [f"{key} of {counted(count, noun)}" for key, count in sorted(counts.items())]
    as_built = (network.up == network.exists) & (network.capacity_gbps == network.installed_gbps)
    if not as_built.all():
        left_out.append("faults")
    if network.background_gbps.any():
        left_out.append("load of other traffic")
    return left_out


def _lines(network: Network, path: Path) -> Iterator[str]:
    data = plain(network, path)
    yield f"name: {flow(network.name)}"
    if "title" in data:
        yield f"title: {quoted(data['title'])}"
    for key in ("utc_offset_h", "hop_delay_ms"):
        if key in data:
            yield f"{key}: {flow(data[key])}"
    if "matrix" in data:
        yield f"matrix: {quoted(data['matrix'])}"
    for key in ("sources", "assumptions"):
        yield from _section(key, map(_folded, data.get(key, ())))
    yield from _section("estimates", map(_estimate, data.get("estimates", ())))
    yield from _section("marks", map(flow, data.get("marks", ())))
    if uncertainty := data.get("uncertainty"):
        yield from ["uncertainty:", *(f"  {flow(k)}: {flow(v)}" for k, v in uncertainty.items())]
    if reliability := data.get("reliability"):
        yield from ["reliability:", *(f"  {flow(k)}: {flow(v)}" for k, v in reliability.items())]
    yield f"totals: {flow(_totals(network))}"
    for key in ("nodes", "regions", "links", "cables"):
        yield from _section(key, _rows(data.get(key, ()), KEYS[key]))


def _from(path: Path, file: str) -> str:
    try:
        return Path(os.path.relpath(file, path.parent)).as_posix()
    except ValueError:  # on another drive
        return file


def _totals(network: Network) -> Record:
    network = network.under(up=network.exists, capacity_gbps=network.installed_gbps)
    return {"backbone_gbps": network.backbone_gbps, "exits_gbps": network.exits_gbps}


def _picked(attributes: Mapping[str, Any], keys: Iterable[str]) -> Record:
    return {key: attributes[key] for key in keys if attributes.get(key) not in (None, {})}


def _section(name: str, items: Iterable[str]) -> Iterator[str]:
    lines = [f"  - {item}" for item in items]
    yield from [f"{name}:", *lines] if lines else []


def _rows(records: Iterable[Record], keys: Sequence[str]) -> Iterator[str]:
    """Yield one flow mapping a record, each key below the same key of the record above."""
    table = [{key: f"{key}: {flow(row[key])}" for key in keys if key in row} for row in records]
    width = {key: 2 + max((len(row.get(key, "")) for row in table), default=0) for key in keys}
    used = [key for key in keys if width[key] > 2]
    for row in table:
        last = list(row)[-1]
        cells = (row[key] + "," * (key != last) if key in row else "" for key in used)
        padded = "".join(cell.ljust(width[key]) for key, cell in zip(used, cells, strict=True))
        yield f"{{{padded.rstrip()}}}"


def _estimate(estimate: Mapping[str, str]) -> str:
    mark = f", mark: {estimate['mark']}" if "mark" in estimate else ""
    return f"{{of: {flow(estimate['of'])}, how: {_folded(estimate['how'])}{mark}}}"


def flow(value: Any) -> str:
    """Return *value* as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and value.casefold() not in WORDS
        return value if plain else quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return plain_number(value)


def quoted(text: str) -> str:
    """Return a text in quotes, as YAML on one line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'


def _folded(text: str) -> str:
    """Return *text* in quotes, on lines of at most `WIDTH` where its words allow."""
    lines = [""]
    for word in re.split(r"(?<=\S) (?=\S)", quoted(text)):
        if len(lines[-1]) + len(word) < WIDTH or not lines[-1]:
            lines[-1] += f" {word}" if lines[-1] else word
        else:
            lines.append(word)
    return "\n    ".join(lines)
