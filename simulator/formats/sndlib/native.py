"""SNDlib's native format: sections of lines in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import ClassVar, NamedTuple

from simulator.base.document import shown
from simulator.base.errors import Problem, did_you_mean, refusal
from simulator.formats.format import TopologyFormat, topology_format
from simulator.formats.reading import begins_with, read_text, refuse
from simulator.formats.sndlib.model import Demand, Link, Node, Sndlib, meta_key, network_in
from simulator.formats.units import at_least_zero, finite
from simulator.model.network import Network

MARK = "?SNDlib native format"
HEADER = re.compile(
    r"\?SNDlib native format\s*;\s*type\s*:\s*(?P<type>\w+)\s*;\s*version\s*:\s*(?P<version>\S+)"
)
TOKEN = re.compile(r"[()]|[^\s()]+")
SECTIONS = ("META", "NODES", "LINKS", "DEMANDS", "ADMISSIBLE_PATHS")
VERSION = "1.0"

W, ENDS = r"[^ ()]+", r"(?P<id>[^ ()]+) \( (?P<source>[^ ()]+) (?P<target>[^ ()]+) \)"
NODE = re.compile(rf"(?P<id>{W})( \( ((?P<x>{W}) (?P<y>{W}) )?\)( \( ({W} )*\))*)?")
LINK = re.compile(rf"{ENDS}(?P<sizes>( {W}){{0,4}})( \( (?P<modules>({W} {W} )*)\))?")
DEMAND = re.compile(rf"{ENDS} (?P<unit>{W}) (?P<value>{W})( {W})?")
"""Lines of the sections, with a single blank between all words and parentheses."""


@topology_format("sndlib")
class SndlibNative(TopologyFormat):
    """SNDlib network in the native text format.

    Capacity is what is installed, else the largest module. Routing costs are metrics where every
    link has one above zero. Capacities are in the unit of the meta section, else in Mbps.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".native", ".sndlib")
    readable: ClassVar[str] = "a .txt file in SNDlib's native format"

    def reads(self, path: Path) -> bool:
        """Return whether *path* begins as SNDlib's native files do."""
        return is_native(path)

    def read(self, path: Path) -> tuple[Network | None, list[Problem]]:
        """Return the network, or None if there are errors, and all problems found."""
        return network_in(read_native(path))


def is_native(path: Path) -> bool:
    """Return whether *path* begins as SNDlib's native files do."""
    begin = begins_with(path, 200) if path.is_file() else b""
    return begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(MARK.encode())


def read_native(path: Path) -> Sndlib:
    """Read a network file; all problems found are raised together."""
    reader = _Reader(path)
    refuse(reader.problems)
    return reader.found


class _Token(NamedTuple):
    text: str
    line: int


class _Reader:
    """Goes through the sections; `problems` are those found on the way."""

    def __init__(self, path: Path) -> None:
        self.file = str(path)
        self.problems: list[Problem] = []
        self.found = Sndlib(str(path), path.stem)
        lines = read_text(path).split("\n")
        start = self._header(path, lines)
        self.tokens = [
            _Token(word, row + 1)
            for row in range(start, len(lines))
            for word in TOKEN.findall(lines[row].partition("#")[0])
        ]
        self.read = {"NODES": self._node, "LINKS": self._link, "DEMANDS": self._demand}
        self._sections(path)

    def _header(self, path: Path, lines: list[str]) -> int:
        """Check the header and return how many lines it takes."""
        first = next((row for row, line in enumerate(lines) if line.strip()), 0)
        found = HEADER.match(lines[first].strip())
        if not found:
            raise refusal(path, f"the first line is not `{MARK}; type: network; ...`", first + 1)
        if found["type"] != "network":
            message = f"this is a file of type {shown(found['type'])}, not network"
            raise refusal(path, message, first + 1)
        if found["version"].rstrip(";") != VERSION:
            message = f"version {shown(found['version'])}; known: {VERSION}"
            raise refusal(path, message, first + 1)
        return first + 1

    def _sections(self, path: Path) -> None:
        place, seen = 0, set()
        while place < len(self.tokens):
            name, line = self.tokens[place]
            if name not in SECTIONS:
                hint = did_you_mean(name, SECTIONS) or f"; known: {', '.join(SECTIONS)}"
                raise refusal(path, f"expected a section, found {shown(name)}{hint}", line)
            if name in seen:
                raise refusal(path, f"a second section {name}", line)
            seen.add(name)
            end = self._end(path, place)
            self._section(name, self.tokens[place + 2 : end])
            place = end + 1
        if "NODES" not in seen and "DEMANDS" not in seen:
            raise refusal(path, "there is neither a section NODES nor one DEMANDS")

    def _end(self, path: Path, place: int) -> int:
        """Return where the section that begins at *place* is closed."""
        name, line = self.tokens[place]
        depth = 0
        for there in range(place + 1, len(self.tokens)):
            text = self.tokens[there].text
            depth += (text == "(") - (text == ")")
            if depth == 0:
                if there == place + 1:
                    raise refusal(path, f"expected ( after {name}", line)
                return there
        raise refusal(path, f"the section {name} is not closed: the file is cut short", line)

    def _section(self, name: str, tokens: list[_Token]) -> None:
        if name == "META":
            self._meta(tokens)
            return
        for line, words in _by_line(tokens) if name in self.read else ():
            try:
                self.read[name](line, words)
            except ValueError as error:
                self.problems.append(Problem(self.file, line, None, name, str(error)))

    def _meta(self, tokens: list[_Token]) -> None:
        for line, words in _by_line(tokens):
            key, equals, value = " ".join(words).partition("=")
            if equals and value.strip():
                self.found.meta[meta_key(key.strip())] = value.strip()
            else:
                message = f"expected key = value, found {shown(' '.join(words))}"
                self.problems.append(Problem(self.file, line, None, "META", message))

    def _node(self, line: int, words: list[str]) -> None:
        found = _fitting(NODE, "id ( x y )", words)
        x, y = (None if word is None else finite(word) for word in found.group("x", "y"))
        self.found.nodes.append(Node(found["id"], x, y, line))

    def _link(self, line: int, words: list[str]) -> None:
        form = "id ( source target ) capacity cost routing_cost setup_cost ( {capacity cost}* )"
        found = _fitting(LINK, form, words)
        given = map(at_least_zero, found["sizes"].split())
        installed, cost, routing, setup = [*given, 0.0, 0.0, 0.0, 0.0][:4]
        sizes = [at_least_zero(word) for word in (found["modules"] or "").split()]
        pairs = tuple(zip(sizes[::2], sizes[1::2], strict=True))
        name, source, target = found["id"], found["source"], found["target"]
        link = Link(name, source, target, installed, cost, routing, setup, pairs, line)
        self.found.links.append(link)

    def _demand(self, line: int, words: list[str]) -> None:
        form = "id ( source target ) routing_unit demand_value max_path_length"
        found = _fitting(DEMAND, form, words)
        unit, value = map(at_least_zero, found.group("unit", "value"))
        self.found.demands.append(Demand(found["source"], found["target"], unit * value, line))


def _by_line(tokens: list[_Token]) -> Iterator[tuple[int, list[str]]]:
    for line, group in groupby(tokens, key=lambda token: token.line):
        yield line, [token.text for token in group]


def _fitting(pattern: re.Pattern[str], form: str, words: list[str]) -> re.Match[str]:
    """Return how the words of a line fit a pattern, or raise a ValueError."""
    open_ = False
    for word in words:
        if word == ("(" if open_ else ")"):
            raise ValueError(f"a {word} too many on this line")
        open_ ^= word in "()"
    if open_:
        raise ValueError("a ( that this line does not close")
    text = " ".join(words)
    if found := pattern.fullmatch(text):
        return found
    raise ValueError(f"expected {form}; found {shown(text.replace('( )', '(  )'))}")
