"""JSON node-link: the graphs that NetworkX and D3 exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.document import dotted, shown
from simulator.base.errors import Problem, refusal
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import MARK, GraphFile
from simulator.formats.json_file import as_json, read_json
from simulator.formats.native import lost, plain
from simulator.formats.reading import begins_with, listed, refuse, refuse_elements_above
from simulator.formats.rfc8345 import MARK as OF_RFC_8345
from simulator.formats.rules.draft import but
from simulator.formats.rules.edits import as_text
from simulator.formats.sndlib.json import is_json as is_sndlib
from simulator.model.network import Network

EDGE_WORDS = ("edges", "links")
GRAPH_WORDS = ("directed", "multigraph", "graph", "nodes", *EDGE_WORDS)


@topology_format("node_link")
class NodeLink(TopologyFormat):
    """JSON node-link, with edges or links: our own export, NetworkX and D3.

    Attributes are found by the names that `graphml` lists; what is missing or wrong is repaired.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    written: ClassVar[tuple[str, ...]] = suffixes
    readable: ClassVar[str] = "a .json file with nodes and edges (or links)"

    def reads(self, path: Path) -> bool:
        """Return whether *path* ends in `.json` and is neither of RFC 8345 nor of SNDlib."""
        other = OF_RFC_8345.search(begins_with(path)) or is_sndlib(path)
        return super().reads(path) and not other

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        return _graph(path, _parsed(path)).network()

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost."""
        write_whole(path, _text(network, path))
        return lost(network)


# ---------------------------------------------------------------- reading


def _parsed(path: Path) -> Mapping[str, Any]:
    data = read_json(path)
    if not isinstance(data, Mapping):
        raise refusal(path, f"no node-link graph: expected a mapping, found {shown(data)}")
    edges = [word for word in EDGE_WORDS if word in data]
    if "nodes" not in data or not edges:
        found = f"found {listed(map(shown, data), 5)}" if data else "it is empty"
        message = f"no node-link graph: one has 'nodes', and 'edges' or 'links'; {found}"
        raise refusal(path, message)
    if all(data[word] for word in edges) and len(edges) > 1:
        raise refusal(path, "both 'edges' and 'links'; a node-link graph has one of them")
    return data


def _graph(path: Path, data: Mapping[str, Any]) -> GraphFile:
    problems: list[Problem] = []
    words = [word for word in EDGE_WORDS if word in data]
    word = next((word for word in words if data[word]), words[0])
    graph = data.get("graph", {})
    if not isinstance(graph, Mapping):
        problems.append(_expected(path, "graph", (), "a mapping", graph))
        graph = {}
    nodes = [
        Node(each.get("id"), but(each, "id")) for each in _mappings(path, data, "nodes", problems)
    ]
    edges = [_edge(each) for each in _mappings(path, data, word, problems)]
    refuse(problems)
    nodes, edges, notes = _joined(nodes, edges)
    notes += [f"{shown(each)} is empty, {shown(word)} is read" for each in words if each != word]
    loose = {key: data[key] for key in data if key not in GRAPH_WORDS}
    return GraphFile(path, {**loose, **graph}, nodes, edges, data.get("directed") is True, notes)


def _mappings(
    path: Path, data: Mapping[str, Any], word: str, problems: list[Problem]
) -> Sequence[Mapping[str, Any]]:
    listed_ = data[word]
    if not isinstance(listed_, list):
        problems.append(_expected(path, word, (), "a list", listed_))
        return []
    refuse_elements_above(path, word, len(listed_))
    wrong = [i for i, each in enumerate(listed_) if not isinstance(each, Mapping)]
    problems += [_expected(path, word, (i,), "a mapping", listed_[i]) for i in wrong]
    return [] if wrong else listed_


def _expected(path: Path, word: str, place: tuple[int, ...], what: str, value: Any) -> Problem:
    key = dotted((word, *place))
    return Problem(str(path), None, None, key, f"expected {what}, found {shown(value)}")


def _edge(each: Mapping[str, Any]) -> Edge:
    key = each.get("key")
    name = key if isinstance(key, str) else each.get("id")
    source, target = (_end(each.get(word)) for word in ("source", "target"))
    return Edge(source, target, name, but(each, "source", "target", "key", "id"))


def _end(value: Any) -> Any:
    """Return the id of an end; D3 puts the whole node in its place once it has drawn it."""
    if not isinstance(value, Mapping):
        return value
    return next((value[key] for key in ("id", "name", "index") if key in value), None)


def _joined(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge], list[str]]:
    """Return nodes and edges joined by ids, where D3 joins them by position or by name."""
    known = {as_text(node.id) for node in nodes}
    if known == {None}:
        return _with_ids(nodes, edges)
    ends = [end for edge in edges for end in (edge.source, edge.target)]
    strange = {as_text(end) for end in ends} - known
    if not strange or not all(_is_position(end, nodes) for end in ends):
        return nodes, edges, []
    joined = [
        edge._replace(source=nodes[edge.source].id, target=nodes[edge.target].id) for edge in edges
    ]
    return nodes, joined, ["links find nodes by position, counted from 0: their ends are no ids"]


def _with_ids(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge], list[str]]:
    """Give nodes without any id their name, if links find them by it, else their position."""
    names = [as_text(node.attributes.get("name")) for node in nodes]
    ends = {as_text(end) for edge in edges for end in (edge.source, edge.target)}
    by_name = set(names) >= ends and len(set(names)) == len(names)
    ids = names if by_name else [str(i) for i in range(len(nodes))]
    how = "name" if by_name else "position, counted from 0"
    made = [node._replace(id=name) for node, name in zip(nodes, ids, strict=True)]
    return made, edges, [f"nodes have no id: links find them by {how}"]


def _is_position(end: Any, nodes: Sequence[Node]) -> bool:
    return isinstance(end, int) and not isinstance(end, bool) and 0 <= end < len(nodes)


# ---------------------------------------------------------------- writing


def _text(network: Network, path: Path) -> str:
    """Return JSON with a line for each node and each edge."""
    data = plain(network, path)
    nodes, links = data.pop("nodes"), data.pop("links", [])
    edges = [
        {"source": link["a"], "target": link["b"], "key": link["id"], **but(link, "a", "b", "id")}
        for link in links
    ]
    head = {"directed": False, "multigraph": True, "graph": {**MARK, **data}}
    lines = [f"{as_json(key)}: {as_json(value)}" for key, value in head.items()]
    for key, rows in (("nodes", nodes), ("edges", edges)):
        inner = ",\n".join(f" {as_json(row)}" for row in rows)
        lines.append(f'"{key}": [\n{inner}\n]')
    return "{" + ",\n".join(lines) + "}\n"
