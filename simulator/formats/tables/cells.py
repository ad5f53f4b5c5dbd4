"""Cells: shares, lists and modules in one cell of a table, as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from simulator.base.document import parse_yaml
from simulator.base.errors import InputError
from simulator.formats.native import flow
from simulator.formats.units import number, plain_number

_APART = re.compile(r"[;:\[\]{}\"']|^\s|\s$|\s\s|[^\S ]|^$")
"""What a name in such a cell cannot have; the cell is then written as YAML."""


def shares_text(shares: Mapping[str, float]) -> str:
    """Return shares by name: ``TPE: 0.7; APCN-2: 0.3``."""
    if any(_APART.search(name) for name in shares):
        return flow(shares)
    return "; ".join(f"{name}: {plain_number(share)}" for name, share in shares.items())


def list_text(names: Sequence[str]) -> str:
    """Return names: ``tokyo; los-angeles``."""
    return flow(names) if any(_APART.search(name) for name in names) else "; ".join(names)


def modules_text(modules: Sequence[Mapping[str, float]]) -> str:
    """Return capacities in Gbps and what one costs: ``100: 7; 400: 20``."""
    each = ((module["capacity_gbps"], module["cost"]) for module in modules)
    return "; ".join(f"{plain_number(gbps)}: {plain_number(cost)}" for gbps, cost in each)


def shares_of(cell: str) -> Any:
    """Read shares by name; one name alone has all. What cannot be read is returned as it is."""
    if cell.startswith("{"):
        return _yaml(cell)
    pairs = [part.rpartition(":") for part in _parts(cell)]
    if len(pairs) == 1 and not pairs[0][1]:
        return {pairs[0][2].strip(): 1.0}
    shares = {name.strip(): _number(share) for name, _, share in pairs}
    sound = len(shares) == len(pairs) and None not in shares.values() and "" not in shares
    return shares if sound else cell


def list_of(cell: str) -> Any:
    """Read names. What cannot be read is returned as it is."""
    return _yaml(cell) if cell.startswith("[") else _parts(cell)


def modules_of(cell: str) -> Any:
    """Read capacities and costs. What cannot be read is returned as it is."""
    if cell.startswith("["):
        return _yaml(cell)
    pairs = [[_number(word) for word in part.split(":")] for part in _parts(cell)]
    if any(len(pair) != 2 or None in pair for pair in pairs):
        return cell
    return [{"capacity_gbps": gbps, "cost": cost} for gbps, cost in pairs]


WRITERS: dict[str, Callable[[Any], str]] = {
    **{"cables": shares_text, "cards": shares_text, "reaches": list_text, "modules": modules_text},
    **{"landings": list_text, "passes": list_text, "sources": list_text},
}
"""How a column that holds several values is written."""
READERS: dict[str, Callable[[str], Any]] = {
    **{"cables": shares_of, "cards": shares_of, "reaches": list_of, "modules": modules_of},
    **{"landings": list_of, "passes": list_of, "sources": list_of},
}
"""How it is read."""


def _parts(cell: str) -> list[str]:
    return [part for each in cell.split(";") if (part := each.strip())]


def _number(word: str) -> float | None:
    """Return a number; a comma in it can only be a decimal one."""
    return number(word.strip().replace(",", "."))


def _yaml(cell: str) -> Any:
    try:
        return parse_yaml(cell).data
    except InputError:
        return cell
