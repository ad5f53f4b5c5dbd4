"""RFC 8345 networks in JSON, with the traffic engineering attributes of RFC 8795."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from simulator.base.document import KeyPath, dotted, shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.json_file import read_json
from simulator.formats.reading import Places, begins_with, listed, refuse, refuse_elements_above
from simulator.formats.rfc8345_text import not_held, text_of
from simulator.formats.rules.assemble import assemble
from simulator.formats.rules.directions import Links, links_from, pairs_of
from simulator.formats.rules.draft import Draft, Record
from simulator.formats.rules.repair import repaired
from simulator.formats.units import number, shifted
from simulator.model.network import Network

T = TypeVar("T")

MARK = re.compile(rb'"ietf-network:networks?"|"ietf-yang-instance-data:instance-data-set"')
HEXADECIMAL = re.compile(
    r"0[xX]([0-9a-fA-F]{1,8}|[01](\.[0-9a-fA-F]{0,13})?([pP][+-]?[0-9]{1,3})?)"
)
"""A bandwidth: a float in C's hexadecimal notation, or a whole number of 32 bits."""
BITS = 8
AT_LEAST_ZERO = "a finite number of at least 0"
MODULES = ("ietf-network:networks", "ietf-network:network")
TE_LINK = (
    ("te", "te-link-attributes"),
    ("te", "state", "te-link-attributes"),
    ("te", "config", "te-link-attributes"),
)
"""Where the attributes of a link stand: in the RFC, and in the drafts before it."""
NOUNS: dict[Any, str] = {list: "a list", dict: "an object", str: "text"}
LOADS = (
    "te-default-metric, then metric1 of RFC 8346",
    "te-delay-metric, then the one-way delay, in microseconds",
)


@topology_format("rfc8345")
class Rfc8345(TopologyFormat):
    """RFC 8345 topology in JSON, with RFC 8795 traffic engineering attributes.

    Links are unidirectional; one and the next one back between the same termination points, else
    the same nodes and alike, are the two directions of one link, each with its own bandwidth,
    metric and delay. One without any back is a one-way link; if none has one back, all are full
    duplex. `max-link-bandwidth` is bytes per second, as
    hexadecimal float or as number. The metric is `te-default-metric`, else `metric1` of RFC 8346.
    `te-delay-metric`, or the one-way delay, is in microseconds. A shared risk group becomes a
    cable with share 1; of several on one link, the one that most links share. Underlays are left
    out. Of several networks a scenario names one: ``topology: {path: FILE, network: NAME}``. It is
    written to files that end in ``.rfc8345.json``.

    Attributes
    ----------
    network : str, optional
        The `network-id` to read; the first network with links if left out.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    written: ClassVar[tuple[str, ...]] = (".rfc8345.json",)
    cannot_hold: ClassVar[tuple[str, ...]] = (
        *("title", "utc_offset_h", "hop_delay_ms", "matrix", "sources", "assumptions"),
        *("estimates", "marks", "uncertainty", "reliability", "regions", "kind"),
        *("province", "weight"),
        *("class", "fibre_km", "cables", "cards", "reaches", "modules", "setup_cost"),
        *("price_usd_per_mbps", "fractions of metrics", "delays below a microsecond"),
    )
    readable: ClassVar[str] = "a .json file with ietf-network:networks"

    network: str | None = None

    def reads(self, path: Path) -> bool:
        """Return whether *path* ends in `.json` and soon names the YANG module of networks."""
        return super().reads(path) and MARK.search(begins_with(path)) is not None

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        draft, warnings = _Reader(path, self.network).draft()
        draft, repairs = repaired(draft)
        return assemble(draft, [*warnings, *repairs])

    def choosing(self, network: str, path: Path) -> TopologyFormat:
        """Return the format that reads the network of this name, of several in the file *path*."""
        chosen: TopologyFormat = topology_format.make(self.kind, network=network)
        return chosen

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost."""
        write_whole(path, text_of(network))
        return list(not_held(network))


class _Arc(NamedTuple):
    """A unidirectional link; `points` are its termination points, if both are known."""

    id: str
    tail: str
    head: str
    points: tuple[tuple[str, str], tuple[str, str]] | None
    gbps: float | None
    metric: float | None
    delay_ms: float | None
    risks: tuple[str, ...]
    at: KeyPath


class _Reader:
    """Goes down the tree and gathers what is wrong with it."""

    def __init__(self, path: Path, wanted: str | None) -> None:
        self.path = path
        self.wanted = wanted
        self.problems: list[Problem] = []
        self.assumed: list[str] = []
        self.warned: list[Problem] = []

    def draft(self) -> tuple[Draft, list[Problem]]:
        """Return the draft of one of the networks, and warnings."""
        at, network = self._chosen(read_json(self.path, refuse_nan=True))
        for noun in ("node", "link"):
            count = len(self._part(network, at, list, noun) or ())
            refuse_elements_above(self.path, dotted((*at, noun)), count)
        nodes = [self._node(where, node) for where, node in self._rows(network, at, "node")]
        arcs = [self._arc(where, link) for where, link in self._rows(network, at, "link")]
        refuse(self.problems)
        self._count_ignored(network, at)
        links = self._links(arcs)
        self.assumed += [f"the metric is {LOADS[0]}", f"the delay is {LOADS[1]}"]
        name = self._part(network, at, str, "network-id")
        self._put_on_cables(links, arcs)
        draft = Draft(
            about={
                "name": name or self.path.stem,
                "sources": ("a topology in the model of RFC 8345",),
                "assumptions": tuple(self.assumed),
            },
            nodes=nodes,
            links=links.records,
            point=partial(_point, self.path, at, [arcs[first].at for first in links.first]),
        )
        return draft, self.warned

    # -- the tree -----------------------------------------------------------------------------

    def _problem(self, at: KeyPath, message: str) -> None:
        self.problems.append(Problem(str(self.path), None, None, dotted(at), message))

    def _part(self, record: Any, at: KeyPath, kind: type[T], *names: str) -> T | None:
        """Return what stands below some names, each with or without its module; None if nothing."""
        for name in names:
            if not isinstance(record, Mapping):
                return None
            key = next((key for key in record if key.rpartition(":")[2] == name), None)
            if key is None:
                return None
            record, at = record[key], (*at, key)
        if record is None or isinstance(record, kind):
            return record
        self._problem(at, f"expected {NOUNS[kind]}, found {shown(record)}")
        return None

    def _rows(self, record: Any, at: KeyPath, name: str) -> Iterator[tuple[KeyPath, dict]]:
        for row, each in enumerate(self._part(record, at, list, name) or ()):
            where = (*at, name, row)
            if isinstance(each, dict):
                yield where, each
            else:
                self._problem(where, f"expected an object, found {shown(each)}")

    def _number(
        self, record: Any, at: KeyPath, *names: str, expected: str = AT_LEAST_ZERO
    ) -> float | None:
        """Return a number, which RFC 7951 writes as text where it has 64 bits or a fraction."""
        found = self._part(record, at, object, *names)
        if found is None:
            return None
        value = number(str(found)) if isinstance(found, int | float | str) else None
        wrong = value is None or isinstance(found, bool)
        if wrong or (expected == AT_LEAST_ZERO and value < 0):  # type: ignore[operator]
            self._problem((*at, *names), f"expected {expected}, found {shown(found)}")
            return None
        return value

    # -- networks -----------------------------------------------------------------------------

    def _chosen(self, data: Any) -> tuple[KeyPath, dict]:
        """Return the network to read and where it is."""
        networks = list(self._networks(data))
        refuse(self.problems)
        if not networks:
            found = listed(map(shown, data), 5) if isinstance(data, dict) else shown(data)
            wanted = f"no {' or '.join(MODULES)} in this file"
            raise refusal(self.path, f"{wanted}; its top keys are {found}")
        names = [self._part(network, at, str, "network-id") or "" for at, network in networks]
        if self.wanted is not None:
            if self.wanted not in names:
                hint = did_you_mean(self.wanted, names) or f"; there are {listed(names, 10)}"
                raise refusal(self.path, f"no network {shown(self.wanted)}{hint}")
            chosen = names.index(self.wanted)
        else:
            has = [bool(self._part(network, at, list, "link")) for at, network in networks]
            refuse(self.problems)
            if not any(has):
                raise refusal(self.path, "no network in this file has links")
            chosen = has.index(True)
        others = [shown(name) for row, name in enumerate(names) if row != chosen]
        if others:
            text = (
                f"of {len(names)} networks in the file this is {shown(names[chosen])}; left out:"
                f" {listed(others, 10)}"
            )
            if self.wanted is None:
                self._warn((), f"{text}; to choose: topology: {{path: FILE, network: NAME}}")
            else:
                self.assumed.append(text)
        return networks[chosen]

    def _networks(self, data: Any) -> Iterator[tuple[KeyPath, dict]]:
        at: KeyPath = ()
        if isinstance(data, dict) and "ietf-yang-instance-data:instance-data-set" in data:
            at = ("ietf-yang-instance-data:instance-data-set", "content-data")
            data = self._part(data, (), dict, "instance-data-set", "content-data")
        found = self._part(data, at, object, "networks")
        if found is not None:
            yield from self._rows(found, (*at, MODULES[0]), "network")
        else:
            yield from self._rows(data, at, "network")

    def _count_ignored(self, network: dict, at: KeyPath) -> None:
        below = [("network", network)]
        below += [("node", node) for _, node in self._rows(network, at, "node")]
        below += [("link", link) for _, link in self._rows(network, at, "link")]
        count = Counter(
            noun for noun, record in below if self._part(record, at, object, f"supporting-{noun}")
        )
        if count:
            what = ", ".join(counted(number, noun) for noun, number in count.items())
            self.assumed.append(f"what supports the topology is left out: that of {what}")

    # -- nodes --------------------------------------------------------------------------------

    def _node(self, at: KeyPath, node: dict) -> Record:
        record: Record = {"id": self._part(node, at, str, "node-id"), "kind": "core"}
        if not record["id"]:
            self._problem(at, "a node without node-id")
        for place in (("te", "geolocation"), ("te", "te-node-attributes", "geolocation"),
                      ("geo-location",), ("geo-location", "location")):  # fmt: skip
            lat, lon = (
                self._number(node, at, *place, key, expected="degrees")
                for key in ("latitude", "longitude")
            )
            if lat is not None and lon is not None:
                record["lat"], record["lon"] = lat, lon
                break
        for names in (("te", "te-node-attributes", "name"), ("l3-node-attributes", "name")):
            name = self._part(node, at, str, *names)
            if name and "city" not in record:
                record["city"] = name
        return record

    # -- links --------------------------------------------------------------------------------

    def _arc(self, at: KeyPath, link: dict) -> _Arc:
        name = self._part(link, at, str, "link-id") or ""
        tail = self._part(link, at, str, "source", "source-node")
        head = self._part(link, at, str, "destination", "dest-node")
        for end, key in ((tail, "source.source-node"), (head, "destination.dest-node")):
            if not end:
                self._problem((*at, *key.split(".")), f"link {shown(name)} has no such end")
        out = self._part(link, at, str, "source", "source-tp")
        into = self._part(link, at, str, "destination", "dest-tp")
        tail, head = tail or "", head or ""
        te = next((names for names in TE_LINK if self._part(link, at, object, *names)), TE_LINK[0])
        bandwidth = self._bandwidth(link, at, *te, "max-link-bandwidth")
        metrics = (
            self._number(link, at, *te, "te-default-metric"),
            self._number(link, at, "l3-link-attributes", "metric1"),
        )
        delays = (
            self._number(link, at, *te, "te-delay-metric"),
            self._number(link, at, *te, "performance-metrics-one-way", "one-way-delay"),
            self._number(link, at, *te, "performance-metric", "unidirectional-delay"),
            self._number(link, at, *te, "unidirectional-delay"),
        )
        delay_us = next((delay for delay in delays if delay is not None), None)
        return _Arc(
            name,
            tail,
            head,
            ((tail, out), (head, into)) if out and into else None,
            bandwidth,
            next((metric for metric in metrics if metric is not None), None),
            None if delay_us is None else shifted(delay_us, -3),
            self._risks(link, at, *te, "te-srlgs"),
            at,
        )

    def _bandwidth(self, link: dict, at: KeyPath, *names: str) -> float | None:
        """Return a bandwidth in Gbps."""
        found = self._part(link, at, object, *names)
        for name in ("te-bandwidth", "generic"):
            if isinstance(found, dict):
                found = self._part(found, (*at, *names), object, name)
        if found is None:
            return None
        per_s = None
        if isinstance(found, str) and HEXADECIMAL.fullmatch(found):
            per_s = float.fromhex(found)
        elif isinstance(found, int | float | str) and not isinstance(found, bool):
            per_s = number(str(found))
        if per_s is None or not 0 <= per_s < 1e30:
            message = (
                f"expected bytes per second, as 0x1.2p+30 or as a number, found {shown(found)}"
            )
            self._problem((*at, *names), message)
            return None
        return shifted(BITS * per_s, -9)

    def _risks(self, link: dict, at: KeyPath, *names: str) -> tuple[str, ...]:
        found = self._part(link, at, object, *names)
        if isinstance(found, dict):
            found = self._part(found, (*at, *names), object, "value")
        risks = found if isinstance(found, list) else [] if found is None else [found]
        for risk in risks:
            if not isinstance(risk, int | str) or isinstance(risk, bool):
                message = f"expected the number of a shared risk group, found {shown(risk)}"
                self._problem((*at, *names), message)
        return tuple(dict.fromkeys(f"srlg-{risk}" for risk in risks))

    def _links(self, arcs: Sequence[_Arc]) -> Links:
        """Return links of unidirectional ones, there and back."""
        records = [_record(arc) for arc in arcs]
        points = [frozenset(arc.points) if arc.points else None for arc in arcs]
        pairs = pairs_of([(arc.tail, arc.head) for arc in arcs], records, points)
        links = links_from(records, pairs, "link", one_way=bool(pairs.both))
        for at, text in links.notes:
            self._warn(arcs[links.first[at]].at, text)
        return links

    def _warn(self, at: KeyPath, message: str) -> None:
        self.warned.append(Problem(str(self.path), None, None, dotted(at), message, "warning"))
        self.assumed.append(message)

    def _put_on_cables(self, links: Links, arcs: Sequence[_Arc]) -> None:
        """Put each link on the shared risk group that most links share."""
        of = [
            tuple(
                dict.fromkeys(risk for arc in both if arc is not None for risk in arcs[arc].risks)
            )
            for both in links.arcs
        ]
        often = Counter(risk for risks in of for risk in risks)
        several = [first for first, risks in zip(links.first, of, strict=True) if len(risks) > 1]
        if several:
            text = (
                f"{counted(len(several), 'link')} in several shared risk groups: only the one that"
                " most links share is kept"
            )
            names = listed(shown(arcs[first].id) for first in several)
            self._warn(arcs[several[0]].at, f"{text} ({names})")
        for link, risks in zip(links.records, of, strict=True):
            if risks:
                link["cables"] = {max(risks, key=lambda risk: often[risk]): 1.0}


def _record(arc: _Arc) -> Record:
    """Return the record of a link that a unidirectional one is a direction of."""
    record = {
        "id": arc.id,
        "a": arc.tail,
        "b": arc.head,
        "class": "core",
        "capacity_gbps": arc.gbps,
        "metric": arc.metric,
        "delay_ms": arc.delay_ms,
    }
    return {key: value for key, value in record.items() if value is not None}


def _point(
    file: Path, at: KeyPath, links: Sequence[KeyPath], path: KeyPath, message: str, **options: Any
) -> Problem:
    """Return a problem with a node or link by where it stands in the tree."""
    match path:
        case ("links", int(row), *rest):
            path = (*links[row], *rest)
        case ("nodes", int(row), *rest):
            path = (*at, "node", row, *rest)
    return Places(str(file), {}).point(path, message, **options)
