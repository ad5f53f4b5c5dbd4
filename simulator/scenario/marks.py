"""Marks: where every number of a scenario and its topology comes from, worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import NamedTuple

from simulator.base.document import KeyPath, dotted
from simulator.base.registry import walk
from simulator.scenario.scenario import Scenario
from simulator.uncertainty.kinds.setting import Setting

KINDS = ("not said", "assumed, no range", "assumed", "derived", "cited", "measured")
"""Where numbers come from, worst first: from a file that does not say, assumed without and with a
stated range, derived from other numbers, cited from a source, measured on the network."""
_KIND_WORDS = {
    "not said": "from files that do not say where from",
    "assumed, no range": "assumed without a range",
    "assumed": "assumed with a range",
}
_CHOSEN = frozenset(
    {
        *("title", "topology", "seed", "replications", "horizon_h", "start", "end", "step_s"),
        *("engine", "record", "targets", "billing", "what_if", "uncertainty", "sources", "events"),
    }
)
"""Sections of a scenario that are its question, and not what it takes the world to be."""
_OF_NODES = ("lat", "lon", "weight", "utc_offset_h")
_OF_LINKS = (
    "capacity_gbps",
    "delay_ms",
    "fibre_km",
    "metric",
    "cables",
    "cards",
    "price_usd_per_mbps",
)
"""Values from b to a are of the same field as those from a to b."""


class Mark(NamedTuple):
    """Where the values of a field come from.

    Attributes
    ----------
    of : str
        The field: ``links.capacity_gbps``, ``queue.buffer_ms``.
    kind : str
        One of ``KINDS``.
    source : str
        Which source, or how the values were made.
    """

    of: str
    kind: str
    source: str


def marks(scenario: Scenario) -> list[Mark]:
    """Return a mark for every field that holds numbers, the worst first."""
    found = [*_of_topology(scenario), *_of_settings(scenario)]
    return sorted(found, key=lambda mark: KINDS.index(mark.kind))


def in_words(marks: Sequence[Mapping[str, str]], fields: int = 0) -> str:
    """Return how many fields are of each kind, the worst first, with the names of some *fields*."""
    parts = []
    for kind in KINDS:
        mine = [mark["of"] for mark in marks if mark["kind"] == kind]
        if mine:
            more = ", …" if len(mine) > fields else ""
            names = f" ({', '.join(mine[:fields])}{more})" if fields else ""
            parts.append(f"{len(mine)} {_KIND_WORDS.get(kind, kind)}{names}")
    return "; ".join(parts) or "none"


def _of_topology(scenario: Scenario) -> Iterator[Mark]:
    about, network = scenario.network.about, scenario.network
    drawn = {field for each in scenario.assumptions.values() for field in each.of}
    stated: dict[str, Mark] = {}
    for each in about.estimates:
        kind = each.get("mark", "assumed")
        if kind == "assumed" and each["of"] not in drawn:
            kind = "assumed, no range"
        stated[each["of"]] = Mark(each["of"], kind, each["how"])
    for each in about.marks:
        stated.setdefault(each["of"], Mark(each["of"], each["mark"], each["source"]))
    yield from stated.values()
    nodes = [attributes for _, attributes in network.graph.nodes(data=True)]
    links = [network.attributes(link) for link in network.links]
    there = {
        *(f"nodes.{key}" for key in _OF_NODES if any(key in node for node in nodes)),
        *(f"links.{key}" for key in _OF_LINKS if any(link.get(key) for link in links)),
    }
    words = f"the file of {network.name} does not say"
    for field in sorted(there):
        if not _covered(field, stated):
            yield Mark(field, "not said", words)
    yield from _of_matrix(scenario, stated)


def _covered(field: str, stated: Iterable[str]) -> bool:
    """Return whether a field, or a section that holds it, is marked."""
    return any(field == each or field.startswith(f"{each}.") for each in stated)


def _of_matrix(scenario: Scenario, stated: Iterable[str]) -> Iterator[Mark]:
    """The traffic, where it is not the topology's own."""
    matrix = scenario.settings.traffic.matrix
    if matrix is None:
        if "matrix" not in stated:
            yield Mark("matrix", "not said", f"the file of {scenario.network.name} does not say")
        return
    source = scenario.settings.sources.get("traffic.matrix", "")
    if source:
        yield Mark("traffic.matrix", "cited", source)
    elif matrix.files():
        yield Mark("traffic.matrix", "not said", "read from a file that does not say")
    else:
        yield Mark("traffic.matrix", "derived", f"made by {matrix.kind}")


def _of_settings(scenario: Scenario) -> Iterator[Mark]:
    """The numbers that a scenario takes the world to have, but not those of its question."""
    settings = scenario.settings
    ranges = {
        _plain(each.key): each.source
        for each in scenario.assumptions.values()
        if isinstance(each, Setting)
    }
    sources = {_plain(key): text for key, text in settings.sources.items()}
    for path, value in walk(settings):
        if not path or path[0] in _CHOSEN or not is_dataclass(value) or _of_scheme(path):
            continue
        defaults = []
        for each in fields(value):
            number = getattr(value, each.name)
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            key = _plain(dotted((*path, each.name)))
            source = next((text for at, text in sources.items() if _covered(key, [at])), "")
            if key in ranges:
                yield Mark(key, "assumed", ranges[key])
            elif source:
                yield Mark(key, "cited", source)
            elif number == each.default:
                defaults.append(f"{each.name} {number:g}")
            else:
                yield Mark(key, "assumed, no range", f"{number:g}, stated by the scenario")
        if defaults:
            words = f"defaults: {', '.join(defaults)}"
            yield Mark(_plain(dotted(path)), "assumed, no range", words)


def _of_scheme(path: KeyPath) -> bool:
    """Return whether a number is a knob of a strategy: what is decided, and not what is known."""
    return path[0] == "strategies" and "scheme" in path


def _plain(key: str) -> str:
    return key.replace("[", ".").replace("]", "")
