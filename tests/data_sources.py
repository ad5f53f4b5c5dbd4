"""Data sources: what the built-in network says that its facts are from, as a list of the docs."""

from __future__ import annotations

import simulator as sim


def listed() -> str:
    """Return the sources of the large built-in network, one a line."""
    sources = sim.load_network("china169-2017").about.sources
    return "\n".join(f"- {' '.join(each.split())}" for each in sources)
