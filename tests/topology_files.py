"""Topology files to try: read, refused, and written small."""

from __future__ import annotations

import json

import pytest

from simulator.base.errors import InputError
from simulator.formats.format import read_network


def read(path):
    """Return the network and all that was reported, as one text."""
    network, problems = read_network(path)
    return network, "\n".join(map(str, problems))


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        read_network(path)
    return str(caught.value)


def gbps(network) -> list[float]:
    """Return the capacity of every link, from a to b."""
    return network.capacity_gbps[::2].tolist()


def ring(folder, *links, nodes=(), name="net.json"):
    """Write a ring of nodes around Berne, a link for each mapping of attributes."""
    ids = [f"r{i}" for i in range(len(links))]
    places = [{"id": r, "lat": 46 + i % 2, "lon": 7 + i} for i, r in enumerate(ids)]
    places = [each | more for each, more in zip(places, nodes or [{}] * len(ids), strict=True)]
    edges = [
        {"source": r, "target": ids[(i + 1) % len(ids)], **link}
        for i, (r, link) in enumerate(zip(ids, links, strict=True))
    ]
    path = folder / name
    path.write_text(json.dumps({"nodes": places, "edges": edges}), encoding="utf-8")
    return path


def tables(folder, links, nodes="id,lat,lon\nr1,50,8\nr2,51,9\nr3,50,10\n"):
    (folder / "links.csv").write_text(links, encoding="utf-8")
    (folder / "nodes.csv").write_text(nodes, encoding="utf-8")
    return folder
