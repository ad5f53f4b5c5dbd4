"""Names of pairs: which demand and unit the header of a column says, as in `a>b (Mbit/s)`."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.base.document import shown
from simulator.base.errors import did_you_mean
from simulator.formats.matrices.layout import ARROWS, OF_TWO_LEVELS, WEAK, no_rate
from simulator.formats.unit_words import split_unit
from simulator.formats.units import Unit
from simulator.model.network import Network

MOST_MARKS = 10
"""Places at which a name is taken apart."""
End = tuple[int, int, Unit | None]


def pair_named(name: str, network: Network) -> End:
    """Return both ends of a column and its unit, if it states one; -1 for what is not known."""
    best: End = (-1, -1, None)
    for pair, unit in _readings(name):
        known = [ends for ends in _known(pair, network) if min(ends) >= 0]
        if len(set(known)) == 1 or (known and any(mark in pair for mark in ARROWS)):
            return *known[0], unit
        for ends in _known(pair, network) if not known else ():
            best = max(best, (*ends, unit), key=lambda each: max(each[:2]))
    return best


def _readings(name: str) -> list[tuple[str, Unit | None]]:
    """Return what a name may say beside a unit: a node may be called x_mbps."""
    plain, stated = split_unit(name)
    return [(name, None), *([(plain, stated)] if stated else [])]


def _known(pair: str, network: Network) -> Iterator[tuple[int, int]]:
    index = network.node_index
    return ((index.get(s, -1), index.get(t, -1)) for s, t in _parts(pair))


def _parts(pair: str) -> list[tuple[str, str]]:
    """Return all ways to take a pair apart: a node may have a mark in its name."""
    if levels := OF_TWO_LEVELS.fullmatch(pair):
        return [(levels["source"], levels["target"])]
    ways = []
    parts = pair.split(">")
    for at in range(1, min(len(parts), MOST_MARKS)):
        source, target = ">".join(parts[:at]).strip(), ">".join(parts[at:]).strip()
        ways.append((source, target))
        if source.endswith(("-", "=")):
            ways.append((source.rstrip("-=").strip(), target))
    if pair.count("→") == 1:
        source, _, target = pair.partition("→")
        ways.append((source.strip(), target.strip()))
    if not ways and not any(mark in pair for mark in ARROWS):
        marks = list(WEAK.finditer(pair))[:MOST_MARKS]
        ways = [(pair[: each.start()], pair[each.end() :]) for each in marks]
    return ways


def misnamed(name: str, network: Network) -> str:
    """Return what is wrong with the name of a column."""
    pair, _ = split_unit(name)
    index = network.node_index
    whole = [ends for ends in _parts(name) if any(end in index for end in ends)]
    parts = [*_parts(pair), *whole]  # the first of these that knows most of its ends
    if not parts:
        why = no_rate(name)
        return why or f"expected 'time' or a pair of nodes such as 'a>b', found {shown(name)}"
    known = [ends for ends in _parts(pair) if all(end in network.node_index for end in ends)]
    if len(known) > 1:
        ways = " or ".join(f"{source}>{target}" for source, target in known[:3])
        return f"may be {ways}; write it with a >"
    source, target = max(parts, key=lambda ends: sum(end in network.node_index for end in ends))
    for end in (source, target):
        if end not in network.node_index:
            if end == target and (why := no_rate(target)):
                return why
            return f"no node named {shown(end)}{did_you_mean(end, network.nodes)}"
    return f"expected a pair of two nodes, found {shown(name)}"
