"""Topology: what the verbs on topologies compute; ``topology_text`` lays it out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from simulator.base import library
from simulator.base.errors import InputError, Problem
from simulator.base.text import plain
from simulator.cli.reading_notes import notes_on
from simulator.formats.format import check_network, read_network, write_network
from simulator.model.facts import facts
from simulator.model.network import COUNTING_RULE, Network


def read(path_or_name: str | Path) -> tuple[Network, list[Problem]]:
    """Read a topology and its warnings; the InputError of a wrong one holds all that is wrong."""
    try:
        return read_network(path_or_name)
    except InputError as error:
        raise InputError(check_network(path_or_name) or error.problems) from None


# -- list ---------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """A built-in topology in a line."""

    name: str
    title: str
    nodes: int
    links: int
    backbone_gbps: float
    exits: int
    exits_gbps: float


def built_in() -> list[Listed]:
    """Return the built-in topologies."""
    found = []
    for name in library.names("topologies"):
        network = read(library.find("topologies", name))[0]
        size = (len(network.nodes), len(network.links), network.backbone_gbps)
        exits = (len(network.exits), network.exits_gbps)
        found.append(Listed(name, network.about.title, *size, *exits))
    return found


# -- show ---------------------------------------------------------------------------------------


def show_json(network: Network, warnings: Iterable[Problem], source: str = "") -> dict[str, Any]:
    """Return everything that is known of a network, for a program."""
    about, warnings = network.about, list(warnings)
    notes = notes_on(network, warnings, source)
    return {
        "name": about.name,
        "title": about.title,
        "nodes": len(network.nodes),
        "links": len(network.links),
        "counting_rule": COUNTING_RULE,
        **dataclasses.asdict(facts(network)),
        "hop_delay_ms": about.hop_delay_ms,
        "matrix": about.matrix,
        "sources": list(about.sources),
        "assumptions": list(about.assumptions),
        "estimates": [dict(each) for each in about.estimates],
        "reading": {
            "read": notes.read,
            "assumed": notes.assumed,
            "left_out": notes.left_out,
        },
        "warnings": [dataclasses.asdict(problem) for problem in warnings],
    }


def draw(network: Network, path: str, width: str = "page") -> str:
    """Draw a network on a map in the format of the ending of *path*; return the file written."""
    from simulator.figures.maps.network_map import write_map
    from simulator.figures.style import FORMATS

    endings = ", ".join(f".{form}" for form in FORMATS)
    if Path(path).suffix.lower().removeprefix(".") not in FORMATS:
        raise _refused(path, f"cannot draw to this; endings that can be: {endings}")
    _folder_is_there(path)
    return str(write_map(network, path, width=width))


# -- convert ------------------------------------------------------------------------------------


class Converted(NamedTuple):
    """A topology that was written."""

    network: Network
    lost: tuple[str, ...]
    """Sentences on what the new file does not hold."""
    warnings: tuple[Problem, ...]
    """What looks like a mistake in the old file."""


def convert(source: str, target: str, *, force: bool = False) -> Converted:
    """Read a topology and write it in the format that the ending of *target* names.

    Raises
    ------
    InputError
        *source* is wrong, *target* is there already, or no format writes it.
    """
    network, warnings = read(source)
    if Path(target).exists() and not force:
        raise _refused(target, "is there already; --force replaces it")
    _folder_is_there(target)
    kind = Path(target).suffix.lower() or "folders of tables"
    lost = tuple(f"not held by {kind}: {plain(text)}" for text in write_network(network, target))
    return Converted(network, lost, tuple(warnings))


def _folder_is_there(path: str) -> None:
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise _refused(path, f"cannot write to this: no folder {str(folder)!r}")


def _refused(path: str, message: str) -> InputError:
    return InputError([Problem(path, None, None, "", message)])
