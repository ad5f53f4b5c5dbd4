"""Repair: what third-party files leave out or get wrong is put right by stated rules.

Each rule is a function from a draft to a better draft and a note of what it did. A note becomes a
sentence among the assumptions of the network, and one warning at the first element concerned.
Values that are sound are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simulator.base.errors import Problem
from simulator.base.schema import MAX_NAME
from simulator.base.text import counted
from simulator.formats.reading import first_of
from simulator.formats.rules.checks import beyond_size
from simulator.formats.rules.draft import DEFAULT, Draft, Record
from simulator.formats.rules.edits import (
    Note,
    Repair,
    Rule,
    above_zero,
    as_text,
    cut,
    in_range,
    share_of,
    shown_record,
    with_changes,
    without,
)
from simulator.formats.rules.repair_figures import (
    capacities,
    metrics,
    metrics_of_zero,
    one_way,
    shut,
)
from simulator.formats.rules.repair_places import (
    coordinates,
    misplaced,
    null_island,
    swapped,
    too_fast,
    unknown_delays,
)
from simulator.model.scale import MOST_GBPS
from simulator.model.topology import LINK_CLASSES, NODE_KINDS

SHOWN = 3
ROOM_FOR_NUMBER = 10
BEYOND = frozenset({"exit", "overseas", "access"})
"""Classes of links that lie at the border or beyond it."""
ONLY_FOR_REPAIR = ("label", "country")


def repaired(draft: Draft) -> tuple[Draft, list[Problem]]:
    """Return the draft with everything that a network needs, and what was done as warnings.

    Parameters
    ----------
    draft : Draft
        Records with the keys of a topology file, as far as the file gives them; values may be
        unsound, and ids and ends numbers. A node may have a `label`, which becomes its id, and a
        `country`, which distinguishes cities of one name.

    Returns
    -------
    draft : Draft
        What was done stands among its assumptions.
    problems : list of Problem
        A warning for each rule that did something; errors where the file is beyond repair.
    """
    errors = list(beyond_size(draft)) or list(_beyond_repair(draft))
    if errors:  # no check repeats them
        return replace(draft, nodes=[], links=[]), first_of(errors)
    assumptions, warnings = list(draft.about.get("assumptions", ())), []
    for rule in RULES:
        better, note = rule(draft)
        if note and note.rows:
            names = [shown_record(draft, note.section, row) for row in note.rows[:SHOWN]]
            more = len(note.rows) - len(names)
            first = ", ".join(names) + (f" and {more:,} more" if more else "")
            place = (note.section, note.rows[0])
            warnings.append(draft.warning(place, f"{note.text} ({first})"))
            assumptions.append(f"{note.text} ({first}).")
        draft = better
        if not draft.links:
            return draft, [*warnings, draft.point(("links",), "no link is left")]
    return replace(draft, about={**draft.about, "assumptions": tuple(assumptions)}), warnings


# ---------------------------------------------------------------- beyond repair


def _beyond_repair(draft: Draft) -> Iterator[Problem]:
    if not draft.nodes:
        yield draft.point(("nodes",), "no nodes in this file")
    if not draft.links:
        yield draft.point(("links",), "no links in this file: a network needs at least one")
    first: dict[str, int] = {}
    for i, node in enumerate(draft.nodes):
        name = as_text(node.get("id"))
        if name is not None and first.setdefault(name, i) != i:
            message = f"a second node with the id {cut(name)}, so links cannot tell them apart"
            yield draft.point(("nodes", i, "id"), message)
        yield from _bad_name(draft, "nodes", i, node.get("label") or node.get("id"))
    for i, link in enumerate(draft.links):
        for end in ("a", "b"):
            if as_text(link.get(end)) is None:
                yield draft.point(("links", i, end), "the link has no such end")
        yield from _bad_name(draft, "links", i, link.get("id"))
    yield from metrics_of_zero(draft)


def _bad_name(draft: Draft, section: str, row: int, name: Any) -> Iterator[Problem]:
    text = as_text(name) or ""
    if len(text) > MAX_NAME:
        message = f"a name of {len(text):,} characters; at most {MAX_NAME} are allowed"
        yield draft.point((section, row, "id"), message)
    elif text and not text.isprintable() and any(_controls(letter) for letter in text):
        yield draft.point((section, row, "id"), f"a name with control characters: {cut(text)}")


def _controls(letter: str) -> bool:
    return ord(letter) < 32 or 127 <= ord(letter) < 160 or letter in "\u2028\u2029"


# ---------------------------------------------------------------- values


def _word(words: Iterable[str] = ()) -> Callable[[Any], Any]:
    known = frozenset(words)
    return lambda value: value if isinstance(value, str) and (value in known or not known) else None


def _shares(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        return None
    shares = {str(cable): in_range(share, 0, 1) for cable, share in value.items()}
    sound = {cable: share for cable, share in shares.items() if share is not None}
    return sound if len(sound) == len(shares) else None


SOUND: dict[str, dict[str, Callable[[Any], Any]]] = {
    "nodes": {
        "kind": _word(NODE_KINDS),
        "city": _word(),
        "province": _word(),
        "weight": partial(in_range, low=0),
        "utc_offset_h": partial(in_range, low=-12, high=14),
    },
    "links": {
        "class": _word(LINK_CLASSES),
        "capacity_ba_gbps": partial(in_range, low=0, high=MOST_GBPS),
        "metric_ba": above_zero,
        "delay_ba_ms": partial(in_range, low=0),
        "fibre_km": partial(in_range, low=0),
        "delay_ms": partial(in_range, low=0),
        "path_factor": partial(in_range, low=1),
        "price_usd_per_mbps": partial(in_range, low=0),
        "cables": _shares,
        "cards": _shares,
    },
}
"""What makes of each value the one that is kept, or None; the rest have rules of their own."""


def _unusable_values(draft: Draft, section: str) -> Repair:
    """Values that a network cannot use are left out."""
    changes: dict[int, Record] = {}
    refused: dict[int, list[str]] = {}
    for i, record in enumerate(getattr(draft, section)):
        for key, value in record.items():
            if value is None:
                changes.setdefault(i, {})[key] = None
            elif key in SOUND[section]:
                sound = SOUND[section][key](value)
                if sound is None:
                    refused.setdefault(i, []).append(key)
                if sound is None or sound is not value:
                    changes.setdefault(i, {})[key] = sound
    better = with_changes(draft, section, changes)
    if not refused:
        return better, None
    keys = dict.fromkeys(key for found in refused.values() for key in found)
    what = f"{share_of(len(refused), getattr(draft, section), section)}: values that cannot be used"
    return better, Note(f"{', '.join(keys)} left out on {what}", section, list(refused))


# ---------------------------------------------------------------- names


def _node_names(draft: Draft) -> Repair:
    """Ids are text; labels go before ids, and where two are alike they are numbered."""
    ids = [as_text(node.get("id")) for node in draft.nodes]
    wanted = [
        as_text(node.get("label")) or name or f"node-{i + 1}"
        for i, (node, name) in enumerate(zip(draft.nodes, ids, strict=True))
    ]
    names = _numbered(wanted)
    known = {old: new for old, new in zip(ids, names, strict=True) if old is not None}
    ends = {
        i: {end: known.get(as_text(link[end]) or "", as_text(link[end])) for end in ("a", "b")}
        for i, link in enumerate(draft.links)
    }
    better = with_changes(draft, "nodes", {i: {"id": name} for i, name in enumerate(names)})
    changed = [
        i
        for i, name in enumerate(names)
        if name != wanted[i] or (ids[i] is None and not as_text(draft.nodes[i].get("label")))
    ]
    what = share_of(len(changed), names, "nodes")
    text = f"names made for {what}: missing, or taken by another node"
    return with_changes(better, "links", ends), Note(text, "nodes", changed)


def _link_names(draft: Draft) -> Repair:
    """Links are called after their ends where they have no id, or one that is taken twice."""
    given = [as_text(link.get("id")) for link in draft.links]
    count = Counter(given)
    made = [i for i, name in enumerate(given) if name is None or count[name] > 1]
    wanted = list(given)
    for i in made:
        name = f"{draft.links[i]['a']}-{draft.links[i]['b']}"
        wanted[i] = name if len(name) < MAX_NAME - ROOM_FOR_NUMBER else f"link-{i + 1}"
    names = _numbered(wanted)  # type: ignore[arg-type]
    better = with_changes(draft, "links", {i: {"id": name} for i, name in enumerate(names)})
    taken = [i for i in made if given[i] is not None]
    text = f"ids of {share_of(len(taken), names, 'links')} are taken twice: called after their ends"
    return better, Note(text, "links", taken)


def _numbered(names: Sequence[str]) -> list[str]:
    """Return the names with `-2`, `-3`... on those that came before."""
    given, found = set(names), set[str]()
    last: Counter[str] = Counter()
    result = []
    for name in names:
        made = name
        while made in found or (made != name and made in given):
            last[name] += 1
            made = f"{name}-{last[name] + 1}"
        found.add(made)
        result.append(made)
    return result


# ---------------------------------------------------------------- which nodes and links


def _self_loops(draft: Draft) -> Repair:
    """A link that joins a node with itself is left out."""
    loops = [i for i, link in enumerate(draft.links) if link["a"] == link["b"]]
    text = f"{share_of(len(loops), draft.links, 'links')} left out: each joins a node with itself"
    return without(draft, links=loops), Note(text, "links", loops)


def _one_part(draft: Draft) -> Repair:
    """What is not connected to the largest part is left out."""
    row = {node["id"]: i for i, node in enumerate(draft.nodes)}
    ends = [(row.get(link["a"]), row.get(link["b"])) for link in draft.links]
    if not ends or any(None in pair for pair in ends):  # the checks report which end is unknown
        return draft, None
    a, b = np.array(ends).T
    size = len(draft.nodes)
    joined = coo_array((np.ones(len(a)), (a, b)), shape=(size, size))
    parts, part = connected_components(joined, directed=False)
    if parts == 1:
        return draft, None
    largest = part[np.argmax(np.bincount(part)[part])]  # of equals, that of the first node
    nodes = np.flatnonzero(part != largest).tolist()
    links = np.flatnonzero(part[a] != largest).tolist()
    theirs = f" with {counted(len(links), 'link')}" if links else ""
    what = f"{share_of(len(nodes), draft.nodes, 'nodes')}{theirs}"
    text = f"{what} left out: not connected to the largest part"
    return without(draft, nodes=nodes, links=links), Note(text, "nodes", nodes)


def _abroad(draft: Draft) -> Repair:
    """Where links are called exits, ends that nothing else joins to the rest lie abroad."""
    classes: dict[str, set[str | None]] = {}
    for link in draft.links:
        for end in (link["a"], link["b"]):
            classes.setdefault(end, set()).add(link.get("class"))
    outside = {node for node, found in classes.items() if found <= BEYOND}
    exits = [link for link in draft.links if link.get("class") == "exit"]
    if not all((link["a"] in outside) != (link["b"] in outside) for link in exits):
        return draft, None  # the checks say of which exit both ends are on one side
    rows = [
        i
        for i, node in enumerate(draft.nodes)
        if exits and node["id"] in outside and "kind" not in node
    ]
    kinds = {
        i: {"kind": "region" if classes[draft.nodes[i]["id"]] == {"access"} else "pop"}
        for i in rows
    }
    text = f"{share_of(len(rows), draft.nodes, 'nodes')} taken for nodes abroad: exits lead there"
    return with_changes(draft, "nodes", kinds), Note(text, "nodes", rows)


def _defaults(draft: Draft) -> Repair:
    """Nodes are core nodes unless the file states otherwise, and links core links or exits."""
    kinds = {i: {"kind": DEFAULT} for i, node in enumerate(draft.nodes) if "kind" not in node}
    better = with_changes(draft, "nodes", kinds)
    exits = []
    classes = {}
    for i, link in enumerate(better.links):
        if "class" not in link:
            crosses = better.home_and_abroad(link) is not None
            classes[i] = {"class": "exit" if crosses else DEFAULT}
            exits += [i] if crosses else []
    text = f"{share_of(len(exits), draft.links, 'links')} taken for exits: they cross the border"
    return with_changes(better, "links", classes), Note(text, "links", exits)


# ---------------------------------------------------------------- order


def _tidied(draft: Draft) -> Repair:
    """What only the repair needs is dropped."""
    lost = dict.fromkeys(ONLY_FOR_REPAIR)
    rows = {i: lost for i, node in enumerate(draft.nodes) if not lost.keys().isdisjoint(node)}
    return with_changes(draft, "nodes", rows), None


RULES: tuple[Rule, ...] = (
    partial(_unusable_values, section="nodes"),
    partial(_unusable_values, section="links"),
    _node_names,
    _link_names,
    _self_loops,
    shut,
    _one_part,
    _abroad,
    _defaults,
    one_way,
    capacities,
    swapped,
    coordinates,
    null_island,
    misplaced,
    too_fast,
    unknown_delays,
    metrics,
    _tidied,
)
