"""Built in: the scenarios and topologies that come with the program, by name and title."""

from __future__ import annotations

from simulator.base import library
from simulator.base.document import read_yaml
from simulator.cli import topology


def scenarios() -> list[tuple[str, str]]:
    """Return the name and the title of every built-in scenario."""
    files = {name: library.find("scenarios", name) for name in library.names("scenarios")}
    return [(name, str(read_yaml(file).data.get("title", ""))) for name, file in files.items()]


def topologies() -> list[tuple[str, str]]:
    """Return the name and the title of every built-in topology."""
    return [(each.name, each.title) for each in topology.built_in()]
