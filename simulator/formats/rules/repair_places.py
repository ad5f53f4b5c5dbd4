"""Repair of places and delays: coordinates that cannot be right, delays that light cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from simulator.formats.rules.checks import faster_than_light
from simulator.formats.rules.draft import PATH_FACTOR, Draft, Record
from simulator.formats.rules.edits import Note, Repair, as_text, in_range, share_of, with_changes
from simulator.formats.rules.places import Place, known_place
from simulator.model.geo import great_circle_km

DEFAULT_DELAY_MS = 1.0
OFF_BY_KM = 500.0
"""A node farther than this from the city it is named after is in the wrong place."""


def coordinates(draft: Draft) -> Repair:
    """Coordinates that are no place on earth, or half of one, are none."""
    changes, dropped = {}, []
    for i, node in enumerate(draft.nodes):
        if "lat" in node or "lon" in node:
            lat, lon = in_range(node.get("lat"), -90, 90), in_range(node.get("lon"), -180, 180)
            whole = lat is not None and lon is not None
            changes[i] = {"lat": lat if whole else None, "lon": lon if whole else None}
            dropped += [] if whole else [i]
    what = share_of(len(dropped), draft.nodes, "nodes")
    text = f"coordinates of {what} left out: out of range, or not a pair of numbers"
    return with_changes(draft, "nodes", changes), Note(text, "nodes", dropped)


def misplaced(draft: Draft) -> Repair:
    """A node far from the city it is named after is moved there.

    Many towns share the name of a city, so only if the move brings it nearer to its neighbours.
    """
    suspects: dict[int, Place] = {}
    for i, node in enumerate(draft.nodes):
        if "lat" in node:
            place = known_place(node.get("city") or node["id"], as_text(node.get("country")) or "")
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
