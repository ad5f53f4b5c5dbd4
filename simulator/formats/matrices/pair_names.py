"""Names of pairs: which demand and unit the header of a column says, as in `a>b (Mbit/s)`."""

from __future__ import annotations

from simulator.base.document import shown
from simulator.base.errors import did_you_mean
from simulator.formats.matrices.layout import is_time_name, no_rate
from simulator.formats.unit_words import split_unit
from simulator.formats.units import Unit
from simulator.model.network import Network

MOST_MARKS = 10
"""Places at which a name is taken apart."""


def is_time(name: str, place: int) -> bool:
    """Return whether a column holds times: by its name, or as the first one without a name."""
    return is_time_name(name) or (place == 0 and not name)


def pair_named(name: str, network: Network) -> tuple[int, int, Unit | None]:
    """Return both ends of a column and its unit, if it states one; -1 for what is not known."""
    index = network.node_index
    plain, stated = split_unit(name)
    readings: list[tuple[str, Unit | None]] = [(name, None)]
    if stated:
        readings.append((plain, stated))
    best: tuple[int, int, Unit | None] = (-1, -1, None)
    for pair, unit in readings:  # a node may be called x_mbps
        for source, target in _parts(pair):
            ends = index.get(source, -1), index.get(target, -1)
            if min(ends) >= 0:
                return *ends, unit
            best = max(best, (*ends, unit), key=lambda each: max(each[:2]))
    return best


def _parts(pair: str) -> list[tuple[str, str]]:
    """Return all ways to take a pair apart: a node may have a > in its name."""
    ways = []
    parts = pair.split(">")
    for at in range(1, min(len(parts), MOST_MARKS)):
        source, target = ">".join(parts[:at]).strip(), ">".join(parts[at:]).strip()
        ways.append((source, target))
        if source.endswith("-"):
            ways.append((source.rstrip("-").strip(), target))
    if pair.count("→") == 1:
        source, _, target = pair.partition("→")
        ways.append((source.strip(), target.strip()))
    return ways


def misnamed(name: str, network: Network) -> str:
    """Return what is wrong with the name of a column."""
    pair, unit = split_unit(name)
    parts = _parts(name) or _parts(pair)
    if not parts:
        why = no_rate(name)
        return why or f"expected 'time' or a pair of nodes such as 'a>b', found {shown(name)}"
    source, target = parts[0]
    if unit is not None and target not in network.node_index:
        target = _parts(pair)[0][1]
    for end in (source, target):
        if end not in network.node_index:
            if end == target and (why := no_rate(target)):
                return why
            return f"no node named {shown(end)}{did_you_mean(end, network.nodes)}"
    return f"expected a pair of two nodes, found {shown(name)}"
