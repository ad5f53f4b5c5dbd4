"""Repair of places and delays: coordinates that cannot be right, delays that light cannot do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from simulator.base.document import shown
from simulator.formats.rules.checks import at_null_island, faster_than_light
from simulator.formats.rules.draft import PATH_FACTOR, Draft, Record
from simulator.formats.rules.edits import Note, Repair, as_text, in_range, share_of, with_changes
from simulator.formats.rules.places import Place, known_place
from simulator.model.geo import great_circle_km

DEFAULT_DELAY_MS = 1.0
SHOWN = 3
OFF_BY_KM = 500.0
"""A node farther than this from the city it is named after is in the wrong place."""


def coordinates(draft: Draft) -> Repair:
    """Coordinates that are no place on earth, or half of one, are none."""
    changes, dropped, found = {}, [], []
    for i, node in enumerate(draft.nodes):
        if "lat" in node or "lon" in node:
            lat, lon = in_range(node.get("lat"), -90, 90), in_range(node.get("lon"), -180, 180)
            whole = lat is not None and lon is not None
            changes[i] = {"lat": lat if whole else None, "lon": lon if whole else None}
            dropped += [] if whole else [i]
            found += [] if whole else [f"lat {_shown(node, 'lat')}, lon {_shown(node, 'lon')}"]
    what = share_of(len(dropped), draft.nodes, "nodes")
    text = f"coordinates of {what} left out: out of range, or not a pair of numbers"
    text += f", {'; '.join(found[:SHOWN])}"
    return with_changes(draft, "nodes", changes), Note(text, "nodes", dropped)


def _shown(node: Record, key: str) -> str:
    value = node.get(key)
    if value is None:
        return "not given"
    return f"{value:g}" if isinstance(value, float) else shown(value)


def swapped(draft: Draft) -> Repair:
    """Latitudes and longitudes that stand in each other's place are swapped, if that is sure.

    It is if some latitude is none and all are right the other way round, or if nodes named like
    cities, two at least, all lie at these cities the other way round and far from them as given.
    """
    rows = {}
    for i, node in enumerate(draft.nodes):
        lat, lon = in_range(node.get("lat"), -180, 180), in_range(node.get("lon"), -180, 180)
        if lat is not None and lon is not None:
            rows[i] = {"lat": lon, "lon": lat}
    if len(rows) < 2 or any(abs(row["lat"]) > 90 for row in rows.values()):
        return draft, None
    how = "some latitudes are out of range, and none is the other way round"
    if all(abs(row["lon"]) <= 90 for row in rows.values()):
        how = "cities named in the file lie where they are the other way round"
        if not _at_their_cities(draft, rows):
            return draft, None
    text = f"latitude and longitude swapped on {share_of(len(rows), draft.nodes, 'nodes')}: {how}"
    return with_changes(draft, "nodes", rows), Note(text, "nodes", list(rows))


def _at_their_cities(draft: Draft, rows: Mapping[int, Record]) -> bool:
    """Return whether nodes named like cities lie there as in *rows*, and not as they are."""
    verdicts = []
    for i, row in rows.items():
        node = draft.nodes[i]
        place = _place_of(node)
        if place is not None:
            as_given = {"lat": row["lon"], "lon": row["lat"]}
            verdicts.append(_km(as_given, place) > OFF_BY_KM > _km(row, place))
    return len(verdicts) >= 2 and all(verdicts)


def null_island(draft: Draft) -> Repair:
    """Coordinates 0, 0 are none in a network that lies elsewhere."""
    rows = at_null_island(draft)
    what = share_of(len(rows), draft.nodes, "nodes")
    text = f"coordinates of {what} left out: 0, 0, far from all others, stands for unknown"
    lost = {"lat": None, "lon": None}
    return with_changes(draft, "nodes", dict.fromkeys(rows, lost)), Note(text, "nodes", rows)


def misplaced(draft: Draft) -> Repair:
    """A node far from the city it is named after is moved there.

    Many towns share the name of a city, so only if the move brings it nearer to its neighbours.
    """
    suspects: dict[int, Place] = {}
    for i, node in enumerate(draft.nodes):
        if "lat" in node:
            place = _place_of(node)
            if place and _km(node, place) > OFF_BY_KM:
                suspects[i] = place
    beside = _neighbours(draft, {draft.nodes[i]["id"] for i in suspects})
    moved = {
        i: place
        for i, place in suspects.items()
        if _nearer(draft.nodes[i], place, beside[draft.nodes[i]["id"]])
    }
    if not moved:
        return draft, None
    farthest = max(_km(draft.nodes[i], place) for i, place in moved.items())
    what = share_of(len(moved), draft.nodes, "nodes")
    text = f"{what} moved to the city of their name, up to {farthest:,.0f} km away"
    changes = {i: {"lat": place.lat, "lon": place.lon} for i, place in moved.items()}
    return with_changes(draft, "nodes", changes), Note(text, "nodes", list(moved))


def _place_of(node: Record) -> Place | None:
    """Return the city that a node is named after, as far as the list of places goes."""
    name, country = node.get("city") or node["id"], as_text(node.get("country")) or ""
    return known_place(name, country)


def _neighbours(draft: Draft, names: set[str]) -> dict[str, list[Record]]:
    """Return the located nodes beside each of *names*."""
    beside: dict[str, list[Record]] = {name: [] for name in names}
    for link in draft.links if names else ():
        for here, there in ((link["a"], link["b"]), (link["b"], link["a"])):
            if here in beside and "lat" in draft.node.get(there, {}):
                beside[here].append(draft.node[there])
    return beside


def _nearer(node: Record, place: Place, others: Sequence[Record]) -> bool:
    now = sum(great_circle_km(node["lat"], node["lon"], o["lat"], o["lon"]) for o in others)
    return sum(_km(other, place) for other in others) < now


def _km(node: Record, place: Place) -> float:
    return great_circle_km(node["lat"], node["lon"], place.lat, place.lon)


# ---------------------------------------------------------------- delays


def too_fast(draft: Draft) -> Repair:
    """Delays faster than light come from the distance: all of them, if most are wrong."""
    given, wrong = [], []
    straight_km, given_ms = 0.0, 0.0
    for i, link in enumerate(draft.links):
        km = draft.great_circle_km(link)
        if ("delay_ms" in link or "fibre_km" in link) and km is not None:
            given.append(i)
            delay = draft.delay_ms(link) or 0.0
            if faster_than_light(min(delay, link.get("delay_ba_ms", delay)), km):
                wrong.append(i)
                straight_km, given_ms = straight_km + km, given_ms + delay
    if not wrong:
        return draft, None
    redone = given if 2 * len(wrong) > len(given) else wrong
    speed = f"imply {straight_km / given_ms:,.0f} km per ms" if given_ms else "are 0"
    whose = "given values" if len(redone) == len(wrong) else f"those of {len(wrong):,}"
    text = (
        f"latency recomputed from distance (x {PATH_FACTOR}) on"
        f" {share_of(len(redone), draft.links, 'links')}: {whose} {speed}"
    )
    lost = dict.fromkeys(("delay_ms", "delay_ba_ms", "fibre_km", "path_factor"))
    return with_changes(draft, "links", dict.fromkeys(redone, lost)), Note(text, "links", redone)


def unknown_delays(draft: Draft) -> Repair:
    """Where the length of a link is unknown, its delay is the median of the others."""
    strict = replace(draft, delay_required=True)
    delays = [strict.delay_ms(link) for link in draft.links]
    known = [delay for delay in delays if delay is not None]
    unknown = [i for i, delay in enumerate(delays) if delay is None]
    middle = median(known) if known else DEFAULT_DELAY_MS
    how = "the median of the others" if known else "an assumption"
    what = share_of(len(unknown), delays, "links")
    text = f"nothing tells the length of {what}: delay {middle:.4g} ms, {how}"
    changes = dict.fromkeys(unknown, {"delay_ms": middle})
    return with_changes(draft, "links", changes), Note(text, "links", unknown)
