"""What single nodes, links and regions must obey beyond their schema: each function is one rule.

A check bears a draft that is broken elsewhere. Those of `network_checks` look at the network as a
whole and need a draft whose entries are sound.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.base.bounds import LIFTS, exceeds
from simulator.base.document import KeyPath, shown
from simulator.base.errors import Problem, did_you_mean
from simulator.formats.reading import MOST_ELEMENTS, listed
from simulator.formats.rules.draft import DEFAULT, Draft, Record
from simulator.model.geo import great_circle_km
from simulator.model.scale import (
    MOST_GBPS,
    NEAR,
    REFUSED,
    SMALLEST_GBPS,
    amount,
    did_you_mean_unit,
    in_words,
    refused_rate,
    usual_of,
)
from simulator.model.topology import BACK, FIBRE_KM_PER_MS

Check = Callable[[Draft], Iterator[Problem]]

SHARE_TOLERANCE = 1e-6
DELAY_TOLERANCE = 0.01
DELAY_ROUNDING_MS = 0.0005
"""Delays are given to three decimals."""
SPHERE_TOLERANCE = 0.005
"""How far a great circle on a sphere is off the true distance at most."""
MOST = REFUSED
"""No length or weight is larger; sums of such numbers stay finite."""
NEAR_NULL_ISLAND_KM = 500.0
RATES = ("capacity_gbps", "capacity_ba_gbps")
SIZES = (*(key for key in (*BACK, *BACK.values()) if key not in RATES), "fibre_km")
MOST_HINTS = 50


class Speller:
    """Hints at the nearest spelling; remembers, and gives up after many, for it is slow."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = list(words)
        self.hints: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        """Return `; did you mean 'x'?`, or nothing."""
        if word not in self.hints and len(self.hints) < MOST_HINTS:
            self.hints[word] = did_you_mean(word, self.words)
        return self.hints.get(word, "")


def beyond_size(draft: Draft) -> Iterator[Problem]:
    """Yield what a draft has more of than memory should hold."""
    for section in ("nodes", "links"):
        count = len(getattr(draft, section))
        if exceeds(count, MOST_ELEMENTS):
            message = f"{count:,} of them; at most {MOST_ELEMENTS:,} are read; {LIFTS}"
            yield draft.point((section,), message)


def unique_ids(draft: Draft) -> Iterator[Problem]:
    """No two nodes share an id, nor two links, cables or regions."""
    for section in ("nodes", "links", "cables", "regions"):
        first: dict[str, int] = {}
        for i, record in enumerate(getattr(draft, section) or ()):
            known = first.setdefault(record.get("id") or f"\0{i}", i)
            if known != i:
                line = draft.line(section, known, "id")
                first_is = f"on line {line}" if line else f"{section}[{known}]"
                message = f"a second {section[:-1]} with the id {record['id']!r}"
                yield draft.point((section, i, "id"), f"{message}; the first is {first_is}")


def known_ends(draft: Draft) -> Iterator[Problem]:
    """A link joins two nodes that exist, and not one with itself."""
    hint = Speller(draft.node)
    for i, link in enumerate(draft.links):
        for end in ("a", "b") if draft.all_nodes_known else ():
            name = link.get(end)
            if name is not None and name not in draft.node:
                yield draft.point(("links", i, end), f"no node named {name!r}{hint(name)}")
        if link.get("a") is not None and link["a"] == link.get("b"):
            yield draft.point(("links", i, "b"), f"the link joins {link['a']!r} with itself")


def known_cables(draft: Draft) -> Iterator[Problem]:
    """A link rides cables that the file lists, if it lists any."""
    if draft.cables is None:
        return
    hint = Speller(cable["id"] for cable in draft.cables)
    for i, link in enumerate(draft.links):
        for cable in link.get("cables") or ():
            if cable not in hint.words:
                message = f"no cable named {cable!r}{hint(cable)}"
                yield draft.point(("links", i, "cables", cable), message, key=True)


def shares_add_up(draft: Draft) -> Iterator[Problem]:
    """The shares of a link on its cables add to 1, and those on its cards."""
    for i, link in enumerate(draft.links):
        for key in ("cables", "cards"):
            shares = link.get(key) or {}
            total = math.fsum(shares.values())
            if shares and abs(total - 1) > SHARE_TOLERANCE:
                yield draft.point(("links", i, key), f"the shares add to {total:.6g}, not to 1")


def whole_coordinates(draft: Draft) -> Iterator[Problem]:
    """Latitude and longitude come together."""
    for i, node in enumerate(draft.nodes):
        for given, missing in (("lat", "lon"), ("lon", "lat")):
            if given in node and missing not in node:
                message = f"{given} without {missing}: give both or neither"
                yield draft.point(("nodes", i, given), message)


def nowhere(draft: Draft) -> Iterator[Problem]:
    """No node of a network that lies elsewhere is at 0, 0, where there is no land."""
    for i in at_null_island(draft):
        message = (
            "coordinates 0, 0 lie in the sea, far from all other nodes; leave lat and lon out"
            " where they are unknown"
        )
        yield draft.warning(("nodes", i, "lat"), message)


def at_null_island(draft: Draft) -> list[int]:
    """Return the nodes at 0, 0, if no other node lies within `NEAR_NULL_ISLAND_KM`."""
    places = {
        i: (node["lat"], node["lon"])
        for i, node in enumerate(draft.nodes)
        if node.get("lat") is not None and node.get("lon") is not None
    }
    rows = [i for i, place in places.items() if place == (0, 0)]
    others = [place for place in places.values() if place != (0, 0)] if rows else []
    near = any(great_circle_km(0, 0, *place) < NEAR_NULL_ISLAND_KM for place in others)
    return [] if near or not others and len(rows) < 2 else rows


def sizes_within_reason(draft: Draft) -> Iterator[Problem]:
    """No size is so large that a sum of them is infinite."""
    for i, link in enumerate(draft.links):
        rates: dict[KeyPath, Any] = {("links", i, key): link.get(key) for key in RATES}
        for j, module in enumerate(link.get("modules") or ()):
            rates["links", i, "modules", j, "capacity_gbps"] = module.get("capacity_gbps")
        for path, rate in rates.items():
            if rate is not None and rate > MOST_GBPS:
                yield draft.point(path, refused_rate(f"{rate:g}"))
        for key in SIZES:
            size = link.get(key)
            if size is not None and size > MOST:
                message = f"at most {MOST:g} is within reason, found {size:g}"
                yield draft.point(("links", i, key), message)


def exits_cross_the_border(draft: Draft) -> Iterator[Problem]:
    """An exit has one end at home and one abroad, and what has is an exit."""
    for i, link in enumerate(draft.links):
        a, b = link.get("a"), link.get("b")
        if a == b or draft.is_abroad(a) is None or draft.is_abroad(b) is None:
            continue
        crosses = draft.home_and_abroad(link) is not None
        word = link.get("class", DEFAULT)
        if word == "exit" and not crosses:
            where = "abroad" if draft.is_abroad(a) else "at home"
            message = (
                f"an exit has one end at home and one abroad (kind pop or region),"
                f" but {_kind(draft, a)} and {_kind(draft, b)} are both {where};"
                " the nodes say which is which: kind: pop, or a column kind in nodes.csv"
            )
            yield draft.point(("links", i, "class"), message)
        if crosses and word not in (None, "exit"):
            message = (
                f"joins {_kind(draft, a)} and {_kind(draft, b)} across the border, but counts as"
                f" no exit: its class is {word!r}"
            )
            yield draft.warning(("links", i, "class"), message)


def _kind(draft: Draft, node_id: str | None) -> str:
    return f"{node_id!r} ({draft.node[node_id or ''].get('kind', DEFAULT)})"


def exits_reach_ends_abroad(draft: Draft) -> Iterator[Problem]:
    """Only an exit says what it reaches, and names nodes abroad that exist."""
    hint = Speller(name for name in draft.node if draft.is_abroad(name))
    for i, link in enumerate(draft.links):
        ends = link.get("reaches") or ()
        if ends and link.get("class", DEFAULT) not in (None, "exit"):
            message = f"only an exit says what it reaches, but its class is {link['class']!r}"
            yield draft.point(("links", i, "reaches"), message)
        for j, end in enumerate(ends):
            if end not in draft.node and draft.all_nodes_known:
                message = f"no node abroad named {end!r}{hint(end)}"
                yield draft.point(("links", i, "reaches", j), message)
            elif draft.is_abroad(end) is False:
                message = f"an exit reaches nodes abroad (kind pop or region), not {end!r}"
                yield draft.point(("links", i, "reaches", j), message)


def regions_are_abroad(draft: Draft) -> Iterator[Problem]:
    """A region is a node abroad."""
    hint = Speller(draft.node)
    for i, region in enumerate(draft.regions):
        node = region.get("id")
        if node is not None and node not in draft.node and draft.all_nodes_known:
            yield draft.point(("regions", i, "id"), f"no node named {node!r}{hint(node)}")
        elif draft.is_abroad(node) is False:
            message = f"a region lies abroad (kind pop or region), but not {_kind(draft, node)}"
            yield draft.point(("regions", i, "id"), message)


def region_shares(draft: Draft) -> Iterator[Problem]:
    """The shares of the regions add to no more than 1."""
    total = math.fsum(region.get("share") or 0.0 for region in draft.regions)
    if total > 1 + SHARE_TOLERANCE:
        yield draft.point(("regions",), f"the shares add to {total:.6g}, more than 1", key=True)


def delays(draft: Draft) -> Iterator[Problem]:
    """The delay of a link is given or follows from its length, and the two agree."""
    for i, link in enumerate(draft.links):
        keys = ("delay_ms", "delay_ba_ms", "fibre_km", "path_factor")
        if None in [link[key] for key in keys if key in link]:
            continue
        if "delay_ms" in link or "fibre_km" in link:
            yield from _delay_given(draft, i, link)
            yield from _speed_of_light(draft, i, link)
        elif draft.delay_required and (lost := draft.ends_without_place(link)):
            message = (
                "nothing tells the delay: give delay_ms or fibre_km,"
                f" or coordinates to {' and '.join(map(repr, lost))}"
            )
            yield draft.point(("links", i), message)


def _delay_given(draft: Draft, i: int, link: Record) -> Iterator[Problem]:
    key = "delay_ms" if "delay_ms" in link else "fibre_km"
    if "delay_ms" in link and "fibre_km" in link:
        delay = link["delay_ms"]
        of_fibre = link["fibre_km"] / FIBRE_KM_PER_MS
        if abs(delay - of_fibre) > DELAY_TOLERANCE * max(delay, of_fibre) + DELAY_ROUNDING_MS:
            message = (
                f"{delay:g} ms, but {link['fibre_km']:g} km of fibre take {of_fibre:.3f} ms;"
                " the delay given is used"
            )
            yield draft.warning(("links", i, key), message)
    if "path_factor" in link:
        yield draft.warning(("links", i, "path_factor"), f"has no effect beside {key}")


def _speed_of_light(draft: Draft, i: int, link: Record) -> Iterator[Problem]:
    key = "delay_ms" if "delay_ms" in link else "fibre_km"
    fibre_km = None if key == "delay_ms" else link["fibre_km"]
    straight_km = draft.great_circle_km(link) or 0.0
    if message := too_fast(draft.delay_ms(link) or 0.0, straight_km, fibre_km):
        yield draft.warning(("links", i, key), message)


def delays_back(draft: Draft) -> Iterator[Problem]:
    """A delay from b to a is not faster than light either."""
    for i, link in enumerate(draft.links):
        back = link.get("delay_ba_ms")
        if back is not None and (message := too_fast(back, draft.great_circle_km(link) or 0.0)):
            yield draft.warning(("links", i, "delay_ba_ms"), message)


def too_fast(delay_ms: float, straight_km: float, fibre_km: float | None = None) -> str:
    """Return the message on a link faster than light in fibre, or nothing.

    Parameters
    ----------
    delay_ms : float
        One way; that of *fibre_km* where the length is given.
    straight_km : float
        How far the ends are apart.
    """
    if not faster_than_light(delay_ms, straight_km):
        return ""
    fastest = straight_km / FIBRE_KM_PER_MS
    apart = f"the ends are {straight_km:.0f} km apart, which takes {fastest:.4g} ms"
    if fibre_km is not None:
        return f"{fibre_km:g} km of fibre are too short: {apart}"
    message = f"{delay_ms:g} ms is faster than light in fibre: {apart}"
    of_seconds = 1000.0 * delay_ms
    if 1.0 <= of_seconds / fastest <= NEAR:
        message += f"; {did_you_mean_unit('seconds', of_seconds, 'ms')}"
    return message


def faster_than_light(delay_ms: float, straight_km: float) -> bool:
    """Return whether light in fibre takes longer, with a margin for rounding and the sphere."""
    fastest = straight_km / FIBRE_KM_PER_MS
    return delay_ms < fastest * (1 - SPHERE_TOLERANCE) - DELAY_ROUNDING_MS


def usual_sizes(draft: Draft) -> Iterator[Problem]:
    """No size is one that only another unit explains; of each kind the largest is reported."""
    for key in ("capacity_gbps", "capacity_ba_gbps", "delay_ms", "delay_ba_ms"):
        usual = usual_of(key)
        sizes = {i: link[key] for i, link in enumerate(draft.links) if link.get(key) is not None}
        strange = [i for i, size in sizes.items() if usual and usual.doubt(size)]
        if not usual or not strange:
            continue
        worst = max(strange, key=lambda i: sizes[i])
        message = usual.doubt(sizes[worst])
        straight_km = draft.great_circle_km(draft.links[worst])
        if key in ("delay_ms", "delay_ba_ms") and straight_km is not None:
            takes = straight_km / FIBRE_KM_PER_MS
            message += f" The ends are {straight_km:.0f} km apart, which takes {takes:.4g} ms"
        if len(strange) > 1:
            message += f" ({len(strange):,} links are above {amount(usual.most, usual.unit)})"
        yield draft.warning(("links", worst, key), message)
    yield from _all_tiny(draft)


def _all_tiny(draft: Draft) -> Iterator[Problem]:
    """A network that carries nothing anywhere."""
    sizes = [link.get("capacity_gbps") for link in draft.links]
    known = [(size, i) for i, size in enumerate(sizes) if size is not None]
    if known and len(known) == len(sizes) and max(known)[0] < SMALLEST_GBPS:
        size, i = max(known)
        message = f"{in_words(size, 'Gbps')}, and no link is larger"
        if (of_tbps := 1e3 * size) >= SMALLEST_GBPS:
            message += f"; {did_you_mean_unit('Tbps', of_tbps, 'Gbps')}"
        yield draft.warning(("links", i, "capacity_gbps"), message)


def parallel_duplicates(draft: Draft) -> Iterator[Problem]:
    """Two links alike in all but their ids look like a mistake; of many it is told once."""
    again = _repeated(draft)
    if len(again) > 1:
        lines = [draft.line("links", i) for i, _ in again]
        where = (
            f"lines {listed(map(str, lines))}"
            if None not in lines
            else listed(shown(draft.links[i].get("id")) for i, _ in again)
        )
        message = (
            f"{len(again):,} links repeat another in ends, class, capacity and metric ({where}):"
            " kept as parallel links; are they meant to be there twice?"
        )
        yield draft.warning(("links", again[0][0], "id"), message)
    for i, known in again if len(again) == 1 else ():
        line = draft.line("links", known)
        first = shown(draft.links[known].get("id")) + (f" on line {line}" if line else "")
        message = (
            f"alike in ends, class, capacity and metric to {first}; is it meant to be there twice?"
        )
        yield draft.warning(("links", i, "id"), message)


def _repeated(draft: Draft) -> list[tuple[int, int]]:
    """Return the links that repeat another one, and which."""
    again = []
    first: dict[tuple[object, ...], int] = {}
    for i, link in enumerate(draft.links):
        alike = [link.get(key) for key in ("class", "capacity_gbps", "metric")]
        ends = [end["id"] for end in draft.ends(link)]
        if None in alike or len(ends) < 2:
            continue
        ways = (_way(link, {}), _way(link, BACK))
        known = first.setdefault((link["class"], *sorted(zip(ends, ways, strict=True))), i)
        if known != i:
            again.append((i, known))
    return again


def listed_both_ways(draft: Draft) -> Iterator[Problem]:
    """Links that are all listed once each way look like one entry for each direction.

    A single pair of nodes shows nothing: it may be joined by two links.
    """
    count = Counter((link.get("a"), link.get("b")) for link in draft.links)
    if len(count) > 2 and all(a != b and count[b, a] == found for (a, b), found in count.items()):
        message = (
            "every link is listed once each way, but a link here has two directions, so that each"
            " counts twice; one entry with capacity_ba_gbps, metric_ba and delay_ba_ms holds both"
        )
        yield draft.warning(("links", 0), message)


def _way(link: Record, names: Mapping[str, str]) -> tuple[Any, ...]:
    """Return capacity and metric of a link in one direction."""
    return tuple(link.get(names.get(key, key), link[key]) for key in ("capacity_gbps", "metric"))


ENTRY_CHECKS: tuple[Check, ...] = (
    unique_ids,
    known_ends,
    known_cables,
    shares_add_up,
    whole_coordinates,
    nowhere,
    sizes_within_reason,
    exits_cross_the_border,
    exits_reach_ends_abroad,
    regions_are_abroad,
    region_shares,
    delays,
    delays_back,
    usual_sizes,
    parallel_duplicates,
    listed_both_ways,
)
