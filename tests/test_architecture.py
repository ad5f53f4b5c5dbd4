"""The floors of the house: imports point down only, siblings do not import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulator"

#: From the top; rooms on one floor do not know each other.
FLOORS = [
    ["__main__"],
    ["cli"],
    ["explore"],
    ["report", "verify"],
    ["study"],
    ["figures"],
    ["run", "export"],
    ["jobs", "provenance"],
    ["scenario"],
    ["engines"],
    ["recording"],
    ["control"],
    ["simulation"],
    ["routing", "traffic"],
    ["optimise"],
    ["paths", "inbound"],
    ["formats"],
    ["uncertainty"],
    ["results"],
    ["model"],
    ["queues"],
    ["base"],
]
HEIGHT = {room: -floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[tuple[str, str]]:
    """Every room that a file imports from, with the module as written; late imports count too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module]
            if node.module == "simulator":
                modules = [f"simulator.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            if module.startswith("simulator."):
                found.add((module.split(".")[1], module))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    here = room_of(path)
    for there, module in imported_rooms(path):
        if there != here and not there.startswith("__"):
            assert HEIGHT[there] < HEIGHT[here], f"{here} imports {module}, which is not below it"


def test_every_room_has_a_floor():
    assert {room_of(path) for path in FILES} <= set(HEIGHT)


def test_no_two_files_of_a_room_import_each_other_in_a_circle():
    graph = {}
    for path in FILES:
        module = "simulator." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        graph[module] = {written for _, written in imported_rooms(path)}
    for start in graph:
        seen, stack = set(), [start]
        while stack:
            for there in graph.get(stack.pop(), ()):
                assert there != start, f"{start} imports itself in a circle"
                if there in graph and there not in seen:
                    seen.add(there)
                    stack.append(there)


def test_no_network_request_anywhere():
    """But for packets within network namespaces that `verify` makes and removes."""
    for path in FILES:
        if room_of(path) == "verify":
            continue
        text = path.read_text(encoding="utf-8")
        for word in ("urllib.request", "http.client", "import requests", "import socket"):
            assert word not in text, f"{path.name} uses {word}"
