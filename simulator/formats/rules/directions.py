"""Directions: the records of an arc there and one back become the record of a link."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from simulator.base.document import shown
from simulator.base.text import counted
from simulator.formats.reading import listed
from simulator.formats.rules.draft import Record
from simulator.formats.rules.edits import above_zero, as_number, in_range
from simulator.formats.rules.pairing import Ends, Pairs, paired
from simulator.model.topology import BACK, FIBRE_KM_PER_MS

SOUND: Mapping[str, Callable[[Any], float | None]] = {
    "capacity_gbps": above_zero,
    "metric": above_zero,
    "delay_ms": partial(in_range, low=0),
    "fibre_km": partial(in_range, low=0),
}
"""What makes the number of each size of a record, or None where there is none."""
WORDS = {"capacity_gbps": "capacity", "metric": "metric", "delay_ms": "delay"}
OF_THE_FIRST = (
    *("class", "fibre_km", "path_factor", "price_usd_per_mbps"),
    *("cables", "cards", "setup_cost", "modules"),
)
"""Keys that a link has once."""


NO_NAMES: Mapping[Hashable, str] = {}

REFUSED = " = "
"""Between a key and a value of one direction that cannot be used."""
MOST_VALUES = 10
"""Values that cannot be used, each in a note of its own; the rest is counted."""


class Links(NamedTuple):
    """Links made of directed arcs.

    Attributes
    ----------
    records : list of dict
    arcs : list of (int, int or None)
        The arc of each, from which it takes its id, its ends and its place in the file, and the one
        back; None for a one-way link.
    notes : list of (int, str)
        What was assumed, with the position of the first link concerned.
    """

    records: list[Record]
    arcs: list[tuple[int, int | None]]
    notes: list[tuple[int, str]]

    @property
    def first(self) -> list[int]:
        """The arc that each link begins with."""
        return [there for there, _ in self.arcs]


def pairs_of(ends: Ends, records: Sequence[Record], *signs: Sequence[Hashable | None]) -> Pairs:
    """Pair arcs by *signs*, then by their sizes, the capacity before the metric.

    Parameters
    ----------
    ends : sequence of (tail, head)
    records : sequence of dict
        Keys of a link, of one direction each.
    *signs : sequences
        See :func:`~simulator.formats.rules.pairing.paired`.
    """
    sizes = [_sizes(record) for record in records]
    by_size: list[list[Hashable | None]] = [
        [(gbps, metric) if gbps and metric else None for gbps, metric, *_ in sizes],
        *(list[Hashable | None](column) for column in list(zip(*sizes, strict=True))[:3]),
    ]
    return paired(ends, *signs, sizes, *by_size, values=sizes)


def _sizes(record: Record) -> tuple[float | None, ...]:
    return tuple(SOUND[key](record.get(key)) for key in (*BACK, "fibre_km"))


def links_from(
    records: Sequence[Record],
    pairs: Pairs,
    noun: str,
    *,
    one_way: bool = True,
    names: Mapping[Hashable, str] = NO_NAMES,
) -> Links:
    """Make links of arcs.

    Parameters
    ----------
    records : sequence of dict
        Keys of a link, of one direction each.
    pairs : Pairs
    noun : str
        What the file has for an arc: `edge`, `row`.
    one_way : bool
        Whether an arc without one back is a one-way link; else it serves both directions.
    names : mapping
        Names of nodes in notes, by the ends in records.
    """
    # A loop is left out later; until then it has two directions.
    ways: list[tuple[int, int | None]] = [_open(records, *pair) for pair in pairs.both]
    ways += pairs.loops
    ways += [(arc, None if one_way else arc) for arc in pairs.alone]
    ways.sort()
    alone = set(pairs.alone)
    links, gaps = [], defaultdict[str, list[int]](list)
    for place, (there, back) in enumerate(ways):
        if back is None:
            links.append({**records[there], "capacity_ba_gbps": 0.0})
            gaps["one-way" if there in alone else "shut"].append(place)
        else:
            link, unlike = _joined(records[there], records[back])
            links.append(link)
            for gap in unlike:
                gaps[gap].append(place)
    place_of = {there: place for place, (there, _) in enumerate(ways)}
    gaps["unsure"] = [place_of[there] for there, _ in pairs.unsure]
    gaps["both"] = [] if one_way else [place_of[arc] for arc in pairs.alone]
    return Links(links, ways, list(_notes(links, gaps, noun, names)))


def _open(records: Sequence[Record], there: int, back: int) -> tuple[int, int | None]:
    """Return a pair of arcs, or the one that is open where the other has capacity 0."""
    shut = [as_number(records[arc].get("capacity_gbps")) == 0 for arc in (there, back)]
    if shut[0] == shut[1]:
        return there, back
    return (back if shut[0] else there), None


def _joined(there: Record, back: Record) -> tuple[Record, list[str]]:
    """Return a link, and which of its values were given once, or not alike."""
    link, gaps = {**back, **there}, []
    for key, twin in BACK.items():
        one, other = SOUND[key](there.get(key)), SOUND[key](back.get(key))
        if one is None and other is not None:
            link[key] = back[key]
        if (one is None) != (other is None):
            unsound = (there if one is None else back).get(key)
            gaps.append(key if unsound is None else f"{key}{REFUSED}{shown(unsound)}")
        elif one != other:
            link[twin] = back[key]
    one, other = (SOUND["fibre_km"](way.get("fibre_km")) for way in (there, back))
    by_length = "delay_ms" not in link and one is not None and other is not None
    if by_length and one != other:
        link["delay_ba_ms"] = other / FIBRE_KM_PER_MS  # type: ignore[operator]
    once = [key for key in OF_THE_FIRST if key != "fibre_km" or not by_length]
    unlike = [k for k in once if k in there and k in back and there[k] != back[k]]
    return link, [*gaps, *unlike]


def _notes(
    links: Sequence[Record],
    gaps: Mapping[str, Sequence[int]],
    noun: str,
    names: Mapping[Hashable, str],
) -> Iterator[tuple[int, str]]:
    """Yield a sentence for each kind of gap, with the first link concerned."""
    refused = [gap for gap in gaps if REFUSED in gap]
    for gap, places in gaps.items():
        if gap in refused[MOST_VALUES:]:
            continue
        if not places:
            continue
        count = counted(len(places), "link")
        match gap:
            case "one-way":
                text = f"{count} taken for one-way: no {noun} back"
            case "shut":
                text = f"{count} taken for one-way: capacity 0 the other way"
            case "both":
                text = f"{count} listed in one direction only: full duplex, alike both ways"
            case "unsure":
                text = (
                    f"parallel {noun}s cannot be told apart: {count} paired in the order of the"
                    " file; one name on both directions of a link tells which are one"
                )
            case _ if REFUSED in gap:
                key, _, value = gap.partition(REFUSED)
                text = f"{WORDS[key]} of {count} cannot be used in one direction, {value}: the"
                text += " same both ways"
            case _ if gap in WORDS:
                text = f"{WORDS[gap]} of {count} given in one direction only: the same both ways"
            case _:
                text = f"{gap} of {count} unlike there and back: that of the first {noun} is kept"
        ends = ((links[place]["a"], links[place]["b"]) for place in places)
        shown_ends = listed(">".join(str(names.get(end, end)) for end in both) for both in ends)
        yield places[0], f"{text} ({shown_ends})"
    if more := sum(len(gaps[gap]) for gap in refused[MOST_VALUES:]):
        text = f"{counted(more, 'more value')} of one direction cannot be used: the same both ways"
        yield gaps[refused[MOST_VALUES]][0], text
