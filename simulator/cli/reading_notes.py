"""Reading notes: what of a topology was read, what was assumed, and what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from simulator.base import library
from simulator.base.errors import Problem
from simulator.base.text import counted
from simulator.formats.format import topology_format
from simulator.model.network import Network

LEFT_OUT = re.compile(r"\b(left out|not used|not taken|is empty|only the one)\b")
READ = re.compile(r"\b(read (from|as|under)|swapped on|find (them|nodes) by|taken for)\b")


class ReadingNotes(NamedTuple):
    """Sentences on the reading of a topology, and the warnings that none of them repeats."""

    read: list[str]
    assumed: list[str]
    left_out: list[str]
    warnings: list[Problem]


def notes_on(network: Network, warnings: Iterable[Problem], source: str = "") -> ReadingNotes:
    """Sort what the reader noted; *source* is the file or name that was read."""
    notes = ReadingNotes([_size(network, source)], [], [], [])
    for sentence in network.about.assumptions:
        if LEFT_OUT.search(sentence):
            notes.left_out.append(sentence)
        else:
            (notes.read if READ.search(sentence) else notes.assumed).append(sentence)
    said = {sentence.removesuffix(".") for sentence in network.about.assumptions}
    notes.warnings.extend(each for each in warnings if each.message not in said)
    return notes


def _size(network: Network, source: str) -> str:
    """Return what was read, from where and in which format."""
    nodes, links = counted(len(network.nodes), "node"), counted(len(network.links), "link")
    where = f" from {source}{_as_format(source)}" if source else ""
    return f"{nodes} and {links}{where}"


def _as_format(source: str) -> str:
    named = topology_format.named(source)
    if named is not None:
        return f", as {named.kind}"
    path = library.find("topologies", source)
    found = next((each.kind for each in topology_format.every() if each.reads(Path(path))), "")
    return f", as {found}" if found else ""
