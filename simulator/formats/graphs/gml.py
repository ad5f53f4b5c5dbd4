"""GML: the Graph Modelling Language, as NetworkX, Gephi and the Internet Topology Zoo write it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html.entities import name2codepoint
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, refusal
from simulator.base.text import counted
from simulator.formats.format import TopologyFormat, topology_format, write_whole
from simulator.formats.graphs.attributes import Edge, Node
from simulator.formats.graphs.graph_file import GraphFile, flat
from simulator.formats.native import lost
from simulator.formats.reading import (
    listed,
    read_text,
    refuse_elements_above,
    refuse_values_above,
)
from simulator.formats.rules.draft import Record, but
from simulator.model.network import Network

DEEPEST = 50
TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
    |(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)(?![\w.])
    |(?P<odd>[-+]?(?:(?i:infinity|inf|nan)))(?!\w)
    |(?P<word>[A-Za-z_]\w*)
    |"(?P<text>[^"]*)"
    |(?P<mark>[\[\]])""",
    re.VERBOSE,
)
ENTITY = re.compile(r"&(?:#(?P<code>[0-9]{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>\w+));")
NOT_PLAIN = re.compile(r"[^ !#-%\'-~]")
"""What is written as an entity: all but printable ASCII, and the quote and the ampersand."""
LONGEST_INTEGER = 15


class Entry(NamedTuple):
    """A key with its value; a list of entries is a value as well."""

    key: str
    value: Any
    line: int


@topology_format("gml")
class Gml(TopologyFormat):
    """GML: our own export, the Internet Topology Zoo, NetworkX and Gephi.

    Attributes are found by the names that `graphml` lists; what is missing or wrong is repaired.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".gml",)
    written: ClassVar[tuple[str, ...]] = suffixes
    readable: ClassVar[str] = "a .gml file"

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        entries, bare = _parsed(path)
        graphs = [entry for entry in entries if entry.key == "graph"]
        if len(graphs) != 1 or not isinstance(graphs[0].value, list):
            raise refusal(path, f"{len(graphs) or 'no'} graphs in this GML; one is a network")
        words = counted(len(bare), "word")
        notes = [f"{words} without quotes read as text: {listed(bare)}"] if bare else []
        return replace(_graph(path, graphs[0].value), notes=notes).network()

    def write(self, network: Network, path: Path) -> list[str]:
        """Write *network* to *path*, whole or not at all; return what is lost."""
        about, nodes, links = flat(network, path)
        write_whole(path, "\n".join([*_lines(about, nodes, links), ""]))
        return lost(network)


# ---------------------------------------------------------------- reading


def _parsed(path: Path) -> tuple[list[Entry], list[str]]:
    """Return the entries of a file, and the words in it that should have stood in quotes.

    A stack of its own, so that no nesting is too deep for it.
    """
    text = read_text(path)
    for noun in ("node", "edge"):
        refuse_elements_above(path, f"{noun}s", len(re.findall(rf"\b{noun}\s*\[", text)))
    refuse_values_above(path, text.count("[") + text.count("\n"), "lists and lines")
    levels: list[list[Entry]] = [[]]
    opened: list[Entry] = []
    bare: list[str] = []
    key: str | None = None
    at, line = 0, 1
    while at < len(text):
        token = TOKEN.match(text, at)
        if token is None:
            raise refusal(path, f"not GML: {shown(text[at : at + 40])}", line)
        kind, word = token.lastgroup, token[0]
        match kind, word:
            case "blank", _:
                pass
            case "mark", "]":
                if key is not None:
                    raise refusal(path, f"not GML: the key {shown(key)} has no value", line)
                if not opened:
                    raise refusal(path, "not GML: a ']' that closes nothing", line)
                levels.pop()
                levels[-1].append(opened.pop())
            case "word", _ if key is None:
                key = word
            case _ if key is None:
                raise refusal(path, f"not GML: {shown(word[:40])} without a key before it", line)
            case "mark", _:
                opened.append(Entry(key, [], line))
                levels.append(opened[-1].value)
                if len(levels) > DEEPEST:
                    raise refusal(path, f"nested more than {DEEPEST} deep", line)
                key = None
            case _:
                value = _value(kind, word, token["text"])
                bare += [word] if kind == "word" else []
                levels[-1].append(Entry(key, value, line))
                key = None
        line += word.count("\n")
        at = token.end()
    if opened or key is not None:
        what = f"the list {shown(opened[-1].key)} is not closed" if opened else "a value is missing"
        raise refusal(path, f"the file ends too soon: {what}", opened[-1].line if opened else line)
    return levels[0], bare


def _value(kind: str | None, word: str, text: str | None) -> Any:
    """Return the value that a token is; a bare word is text."""
    if kind == "text":
        return ENTITY.sub(_character, text or "")
    return word if kind == "word" else _number(word)


def _number(word: str) -> float:
    if word.lstrip("+-").isdigit() and len(word) <= LONGEST_INTEGER:
        return int(word)
    return float(word.lower())


def _character(entity: re.Match[str]) -> str:
    name = entity["name"]
    code = (
        name2codepoint.get(name, -1)
        if name
        else int(entity["code"] or entity["hex"], 10 if entity["code"] else 16)
    )
    surrogate = 0xD800 <= code <= 0xDFFF
    return entity[0] if surrogate or not 0 <= code <= 0x10FFFF else chr(code)


def _graph(path: Path, entries: Sequence[Entry]) -> GraphFile:
    attributes = _attributes(entries)
    nodes, edges = [], []
    for entry in entries:
        if entry.key not in ("node", "edge"):
            continue
        if not isinstance(entry.value, list):
            raise refusal(path, f"expected '[' after {entry.key}", entry.line)
        given = _attributes(entry.value)
        if entry.key == "node":
            nodes.append(Node(given.pop("id", None), given, entry.line))
        else:
            key = given.pop("key", None)
            name = given.pop("id", None)
            ends = given.pop("source", None), given.pop("target", None)
            edges.append(Edge(*ends, key if isinstance(key, str) else name, given, entry.line))
    directed = attributes.pop("directed", 0) == 1
    attributes.pop("multigraph", None)
    return GraphFile(path, attributes, nodes, edges, directed)


def _attributes(entries: Sequence[Entry]) -> Record:
    """Return the plain values; a key that comes again makes a list, as NetworkX has it."""
    found: Record = {}
    for key, value, _ in entries:
        if key in found:
            before = found[key]
            found[key] = [*before, value] if isinstance(before, list) else [before, value]
        elif key not in ("node", "edge"):
            found[key] = value
    return found


# ---------------------------------------------------------------- writing


def _lines(about: Record, nodes: Sequence[Record], links: Sequence[Record]) -> Iterator[str]:
    position = {node["id"]: i for i, node in enumerate(nodes)}
    yield "graph ["
    yield "  directed 0"
    yield "  multigraph 1"
    yield from _entries(about, "  ")
    for i, node in enumerate(nodes):
        yield "  node ["
        yield f"    id {i}"
        yield from _entries({"label": node["id"], **but(node, "id")}, "    ")
        yield "  ]"
    for link in links:
        yield "  edge ["
        yield f"    source {position[link['a']]}"
        yield f"    target {position[link['b']]}"
        yield from _entries({"key": link["id"], **but(link, "id", "a", "b")}, "    ")
        yield "  ]"
    yield "]"


def _entries(record: Record, indent: str) -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, str):
            escaped = NOT_PLAIN.sub(lambda found: f"&#{ord(found[0])};", value)
            yield f'{indent}{key} "{escaped}"'
        else:
            yield f"{indent}{key} {_real(value)}"


def _real(value: float) -> str:
    """Return a number with the point that a real has in GML, `1.0E-9`."""
    if not math.isfinite(value):
        raise ValueError(f"GML has no {value}")
    digits, _, power = repr(float(value)).partition("e")
    return (digits if "." in digits else f"{digits}.0") + (f"E{int(power)}" if power else "")
