"""New link: a link that a change adds to a network, checked as one in a topology file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.base.document import Document
from simulator.base.errors import Problem
from simulator.formats.native import network_of, plain
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
    place = len(data["links"])
    data["links"] = [*data["links"], {**entry, "id": link}]
    made, problems = network_of(Document.of(data, ""))
    errors = [_told(each, place) for each in problems if each.severity == "error"]
    if made is None:
        raise ValueError("; ".join(errors))
    return network.with_new_link(link, made.attributes(link))


def _told(problem: Problem, place: int) -> str:
    """Return what is wrong, without the place in a file that there is not."""
    key = problem.key.removeprefix(f"links[{place}]").lstrip(".")
    return f"{key}: {problem.message}" if key else problem.message
