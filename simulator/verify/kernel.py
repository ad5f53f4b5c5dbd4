"""Kernel: the routes that stand in the kernels of routers, next hops and weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from simulator.verify.commands import run
from simulator.verify.inside import inside

Hops = Mapping[str, int]
"""Weight of each next hop, by its address; 1 where there is a single one."""
Table = Mapping[str, Hops]
"""Next hops by prefix; host routes without their length, as ``ip`` prints them."""
_READERS = 4


def parsed(text: str) -> dict[str, dict[str, int]]:
    """Return the routes in what ``ip -j route show`` prints, without those of links themselves."""
    found = {}
    for route in json.loads(text or "[]"):
        hops = route.get("nexthops") or [route]
        by_address = {hop["gateway"]: int(hop.get("weight", 1)) for hop in hops if "gateway" in hop}
        if by_address:
            found[str(route["dst"])] = by_address
    return found


def held(spaces: Iterable[str], table: str = "main") -> dict[str, dict[str, dict[str, int]]]:
    """Return the routes of kernels by namespace."""
    read = partial(run, "ip", "-j", "route", "show", "table", table)
    names = list(spaces)
    with ThreadPoolExecutor(_READERS) as pool:
        texts = pool.map(lambda space: inside(space, read), names)
        return {space: parsed(text) for space, text in zip(names, texts, strict=True)}
