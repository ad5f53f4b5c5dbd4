"""GraphML: graphs in XML, as Gephi, yEd, NetworkX and the Internet Topology Zoo write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from simulator.base.document import shown
from simulator.base.errors import InputError, Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import XML_HAS_NOT, GraphFile, flat
from simulator.formats.native import lost
from simulator.formats.reading import listed, refuse, refuse_elements_above
from simulator.formats.rules.draft import Record
from simulator.formats.speed_words import speed_gbps
from simulator.formats.units import written_number
from simulator.formats.xml_file import read_xml_bytes
from simulator.model.network import Network

NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
DEEPEST = 100
NUMBERS = frozenset({"int", "long", "float", "double"})
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
LABELS_OF_YED = frozenset({"NodeLabel", "EdgeLabel"})
Element = TypeVar("Element", Node, Edge)


@topology_format("graphml")
class GraphML(TopologyFormat):
    """GraphML: our own export, the Internet Topology Zoo, NetworkX, Gephi and yEd.

    Attributes are found by name; case, blanks and hyphens do not count. What is missing or wrong is
    repaired and reported. The names, in the order in which they are looked for ::

        of nodes
          id         the label, or the id of the element; alike labels are numbered
          lat, lon   Latitude, Longitude, lng, long
          country    Country; tells cities of one name apart
        of links
          capacity   capacity_gbps, bandwidth_mbps, Capacity (Gbps) and their like, in the
                     unit of the name; LinkSpeedRaw and ifSpeed (bps);
                     ifHighSpeed (Mbps); capacity, bandwidth, bw (in the
                     graph's `unit`, else Gbps); words such as `4x10GE`, `2,5 Gbps` or
                     `OC-48` in any of these, in speed, rate, LinkSpeed, LinkLabel or label
          delay      delay_ms, latency_us, delay [s] and their like; delay, latency (ms)
          length     fibre_km, length_km, distance_m, dist_mi and their like; length,
                     distance, dist (km)
          metric     metric, weight, igp_metric, cost; back metric_ba, weight_ba,
                     igp_metric_ba, cost_ba, reverse_cost

    A speed in words is read where the whole label is understood; what looks like one and is not
    understood is reported, as are numbers of other names. All other keys of a topology file are
    read under their own names.

    Directed edges are paired into links, each direction with its own capacity, metric and delay;
    one without any back is a one-way link, unless none has one back. Parallel ones pair by the
    interfaces at their ends (``src_interface`` and ``dst_interface`` and their like), by an id,
    ``circuit`` or name that both have, by equal capacity, metric and delay, by equal capacity, by
    equal metric, and then in the order of the file, which is a warning where it matters. Edges of
    an undirected graph that are listed once each way, all of them, are such pairs too. An edge
    decides for itself with ``directed``, or an attribute ``type`` (``directed``, ``undirected``).
    """

    suffixes: ClassVar[tuple[str, ...]] = (".graphml",)
    packed: ClassVar[bool] = True
    written: ClassVar[tuple[str, ...]] = suffixes
    cannot_hold: ClassVar[tuple[str, ...]] = ("characters that XML has not",)
    readable: ClassVar[str] = "a .graphml file, which may be packed as .graphml.gz"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        return _Parser(path).graph().network()

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost."""
        about, nodes, links = flat(network, path)
        # Another character in an id would make another id, so there is no way to write it.
        message = "XML has no character for a part of the id"
        refuse(
            Problem(str(path), None, None, "", f"{message} {record['id']!r}")
            for record in (*nodes, *links)
            if XML_HAS_NOT.search(record["id"])
        )
        strange = sum(
            bool(XML_HAS_NOT.search(value))
            for record in (about, *nodes, *links)
            for value in record.values()
            if isinstance(value, str)
        )
        write_whole(path, "\n".join([*_lines(about, nodes, links), ""]))
        missing = [f"characters that XML has not, in {counted(strange, 'text')}"] if strange else []
        return [*lost(network), *missing]


# ---------------------------------------------------------------- reading


class _Parser:
    """Reads one file; expat keeps the lines, and refuses no more than it must, so we do.

    A document type, and with it every entity, is refused before it is read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: dict[str, tuple[str, str]] = {}
        self.defaults: dict[str, Record] = {"node": {}, "edge": {}, "graph": {}}
        self.attributes: Record = {}
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.directed = False
        self.graphs = 0
        self.open: list[str] = []
        self.owners: list[Record] = []
        self.undeclared: dict[str, None] = {}
        self.key = ""
        self.text: list[str] | None = None
        self.expat = expat.ParserCreate(namespace_separator=" ")
        self.expat.buffer_text = True
        self.expat.StartDoctypeDeclHandler = self._doctype
        self.expat.StartElementHandler = self._start
        self.expat.EndElementHandler = self._end
        self.expat.CharacterDataHandler = self._characters

    def graph(self) -> GraphFile:
        raw = read_xml_bytes(self.path)
        try:
            self.expat.Parse(raw, True)
        except expat.ExpatError as error:
            message = f"not well-formed XML: {expat.ErrorString(error.code)}"
            raise refusal(self.path, message, error.lineno) from None
        except InputError:
            raise
        except (LookupError, ValueError) as error:  # an unknown encoding
            raise refusal(self.path, f"cannot read this XML: {error}") from None
        if not self.graphs:
            raise refusal(self.path, "no graph in this GraphML")
        return GraphFile(
            self.path,
            {**self.defaults["graph"], **self.attributes},
            [self._with_defaults(node, "node") for node in self.nodes],
            [self._with_defaults(edge, "edge") for edge in self.edges],
            self.directed,
            self._notes(),
        )

    def _notes(self) -> list[str]:
        names = listed(map(shown, self.undeclared))
        return [f"no such keys are declared, read under their ids: {names}"] if names else []

    def _with_defaults(self, element: Element, kind: str) -> Element:
        default = self.defaults[kind]
        if not default:
            return element
        return element._replace(attributes={**default, **element.attributes})

    def _refuse(self, message: str) -> InputError:
        return refusal(self.path, message, self.expat.CurrentLineNumber)

    def _doctype(self, *_: Any) -> None:
        raise self._refuse("a document type or entities; GraphML needs none, and they can do harm")

    def _start(self, full_name: str, given: Mapping[str, str]) -> None:
        name = full_name.rpartition(" ")[2]
        if not self.open and name != "graphml":
            raise self._refuse(f"this XML is no GraphML: its root is {shown(name)}")
        self.open.append(name)
        if len(self.open) > DEEPEST:
            raise self._refuse(f"nested more than {DEEPEST} deep")
        if name == "hyperedge":
            raise self._refuse("an edge between more than two nodes; a link joins two")
        begin = getattr(self, f"_{name}", None) if name in ELEMENTS else None
        if begin:
            begin(given)
        elif name in LABELS_OF_YED and self.text is not None:
            self.text.clear()

    def _key(self, given: Mapping[str, str]) -> None:
        key = given.get("id", "")
        name = given.get("attr.name") or given.get("yfiles.type") or key
        self.keys[key] = (name, given.get("attr.type", "string"))
        self.key, self.default_of = key, given.get("for", "all")

    def _default(self, given: Mapping[str, str]) -> None:
        self.text = []

    def _graph(self, given: Mapping[str, str]) -> None:
        if self.open.count("graph") == 1:
            self.graphs += 1
            self.directed = given.get("edgedefault") == "directed"
            self.owners.append(self.attributes)
        else:
            self.owners.append({})  # a graph within a node: its nodes are nodes like others
        if self.graphs > 1:
            raise self._refuse("a second graph in one file; one is a network")

    def _node(self, given: Mapping[str, str]) -> None:
        attributes: Record = {}
        self.owners.append(attributes)
        line = self.expat.CurrentLineNumber
        refuse_elements_above(self.path, "nodes", len(self.nodes) + 1, line)
        self.nodes.append(Node(given.get("id"), attributes, line))

    def _edge(self, given: Mapping[str, str]) -> None:
        attributes: Record = {}
        self.owners.append(attributes)
        source, target = given.get("source"), given.get("target")
        line = self.expat.CurrentLineNumber
        refuse_elements_above(self.path, "edges", len(self.edges) + 1, line)
        directed = BOOLEANS.get(given.get("directed", "").strip().lower())
        self.edges.append(Edge(source, target, given.get("id"), attributes, line, directed))

    def _data(self, given: Mapping[str, str]) -> None:
        self.key = given.get("key", "")
        if self.key not in self.keys:
            self.undeclared[self.key] = None
            self.keys[self.key] = (self.key, "string")
        self.text = []

    def _characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _end(self, full_name: str) -> None:
        name = self.open.pop()
        if name in ("graph", "node", "edge"):
            self.owners.pop()
        elif name in LABELS_OF_YED and self.text is not None:
            if self.owners and (label := "".join(self.text).strip()):
                self.owners[-1].setdefault("label", label)
            self.text.clear()
        elif name == "data" and self.text is not None:
            self._keep(self.owners[-1] if self.owners else {}, "".join(self.text))
            self.text = None
        elif name == "default" and self.text is not None:
            for kind in self.defaults:
                if self.default_of in (kind, "all"):
                    self._keep(self.defaults[kind], "".join(self.text))
            self.text = None

    def _keep(self, owner: Record, text: str) -> None:
        name, kind = self.keys[self.key]
        if name in owner:
            raise self._refuse(f"a second value for {shown(name)}")
        owner[name] = self._value(name, kind, text)

    def _value(self, name: str, kind: str, text: str) -> Any:
        if not text.strip() and (kind in NUMBERS or kind == "boolean"):
            return None  # not given
        if kind in NUMBERS:
            try:
                return float(text.strip().replace("_", "?"))  # Python's 1_000 is no number here
            except ValueError:
                if written_number(text) is not None or speed_gbps(text) is not None:
                    return text
                raise self._refuse(f"{name}: expected a number, found {shown(text)}") from None
        if kind == "boolean":
            if text.strip().lower() not in BOOLEANS:
                raise self._refuse(f"{name}: expected true or false, found {shown(text)}")
            return BOOLEANS[text.strip().lower()]
        return text


ELEMENTS = frozenset({"key", "default", "graph", "node", "edge", "data"})


# ---------------------------------------------------------------- writing


def _lines(about: Record, nodes: Sequence[Record], links: Sequence[Record]) -> Iterator[str]:
    keys = {
        "graph": _keys("g", [about], ()),
        "node": _keys("n", nodes, ("id",)),
        "edge": _keys("e", links, ("id", "a", "b")),
    }
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield f'<graphml xmlns="{NAMESPACE}">'
    for kind, known in keys.items():
        for name, (key, of) in known.items():
            yield f'  <key id="{key}" for="{kind}" attr.name="{name}" attr.type="{of}"/>'
    yield '  <graph edgedefault="undirected">'
    yield from _data(about, keys["graph"], "    ")
    for node in nodes:
        yield f"    <node id={_quoted(node['id'])}>"
        yield from _data(node, keys["node"], "      ")
        yield "    </node>"
    for link in links:
        ends = f"source={_quoted(link['a'])} target={_quoted(link['b'])}"
        yield f"    <edge id={_quoted(link['id'])} {ends}>"
        yield from _data(link, keys["edge"], "      ")
        yield "    </edge>"
    yield "  </graph>"
    yield "</graphml>"


def _keys(letter: str, records: Sequence[Record], but: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return for each attribute its key in the file and its type."""
    kinds = {name: value for record in records for name, value in record.items()}
    names = [name for name in kinds if name not in but]
    return {
        name: (f"{letter}{i}", "string" if isinstance(kinds[name], str) else "double")
        for i, name in enumerate(names)
    }


def _data(record: Record, keys: Mapping[str, tuple[str, str]], indent: str) -> Iterator[str]:
    for name, (key, _) in keys.items():
        if name in record:
            value = record[name]
            text = _text(value) if isinstance(value, str) else repr(value)
            yield f'{indent}<data key="{key}">{text}</data>'


def _text(text: str) -> str:
    return escape(XML_HAS_NOT.sub("\ufffd", text), {"\r": "&#13;"})


def _quoted(text: str) -> str:
    return quoteattr(text, {"\r": "&#13;"})
