"""New link: links and nodes that a change adds to a network, checked as in a topology file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.base.checking import build
from simulator.base.document import Document
from simulator.base.errors import InputError, Problem
from simulator.formats.native import network_of, plain
from simulator.formats.rules.entries import NodeEntry, given
from simulator.model.network import Network


def with_new_link(network: Network, link: str, entry: Mapping[str, Any]) -> Network:
    """Return the network with one link more.

    Parameters
    ----------
    entry : mapping
        The keys of a link in a topology file, but for ``id``.

    Raises
    ------
    ValueError
        The link is wrong; the message says all that is.
    """
    if entry.get("id", link) != link:
        raise ValueError(f"its id is {link!r} by the key, and {entry['id']!r} by the value")
    data = plain(network, Path())
    data.pop("matrix", None)  # the network has it already
    ends = {entry.get("a"), entry.get("b")}
    alone = {node for node in network.nodes if not network.graph.degree(node)} - ends
    data["nodes"] = [node for node in data["nodes"] if node["id"] not in alone]  # their link comes
    place = len(data["links"])
    data["links"] = [*data["links"], {**entry, "id": link}]
    made, problems = network_of(Document.of(data, ""))
    errors = [_told(each, place) for each in problems if each.severity == "error"]
    if made is None:
        raise ValueError("; ".join(errors))
    return network.with_new_link(link, made.attributes(link))


def with_new_node(network: Network, node: str, entry: Mapping[str, Any]) -> Network:
    """Return the network with one node more, which has no links yet.

    Parameters
    ----------
    entry : mapping
        The keys of a node in a topology file, but for ``id``.

    Raises
    ------
    ValueError
        The node is wrong; the message says all that is.
    """
    if entry.get("id", node) != node:
        raise ValueError(f"its id is {node!r} by the key, and {entry['id']!r} by the value")
    if node in network.node_index:
        raise ValueError(f"there is a node named {node!r} already")
    try:
        made = build(NodeEntry, Document.of({**entry, "id": node}, ""))
    except InputError as error:
        raise ValueError("; ".join(_told(each, -1) for each in error.problems)) from None
    attributes = {key: value for key, value in given(made).items() if key != "id"}
    return network.with_new_node(node, attributes)


def _told(problem: Problem, place: int) -> str:
    """Return what is wrong, without the place in a file that there is not."""
    key = problem.key.removeprefix(f"links[{place}]").lstrip(".")
    return f"{key}: {problem.message}" if key else problem.message
