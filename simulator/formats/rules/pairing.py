"""Pairing: directed arcs, as many files list them, become pairs of one there and one back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

Ends = Sequence[tuple[Hashable, Hashable]]


class Pairs(NamedTuple):
    """Directed arcs as links, by position.

    Attributes
    ----------
    both : list of (int, int)
        An arc and the one back.
    loops : list of (int, int)
        An arc from a node to itself, twice.
    alone : list of int
        Other arcs without one back.
    unsure : list of (int, int)
        Those of `both` that were paired by their order alone, where another order makes other
        links.
    """

    both: list[tuple[int, int]]
    loops: list[tuple[int, int]]
    alone: list[int]
    unsure: list[tuple[int, int]]


def paired(ends: Ends, *alike: Sequence[Hashable | None], values: Sequence[Hashable]) -> Pairs:
    """Pair arcs with arcs between the same ends the other way.

    Parameters
    ----------
    ends : sequence of (tail, head)
    *alike : sequences
        What the two arcs of a link share, the surest sign first; None where there is no sign.
        What finds no partner by any of them is paired by its ends alone, in the order of the file.
    values : sequence
        What an arc brings into its link: arcs that are equal in it may change places.
    """
    both: list[tuple[int, int]] = []
    unsure: list[tuple[int, int]] = []
    left = [arc for arc, (tail, head) in enumerate(ends) if tail != head]
    for sign in (*alike, [True] * len(ends)):
        groups: dict[Hashable, tuple[list[int], list[int]]] = {}
        rest: list[int] = []
        for arc in left:
            (tail, head), mark = ends[arc], sign[arc]
            if mark is None:
                rest.append(arc)
            elif (head, tail, mark) in groups:
                groups[head, tail, mark][1].append(arc)
            else:
                groups.setdefault((tail, head, mark), ([], []))[0].append(arc)
        for there, back in groups.values():
            found = [(min(pair), max(pair)) for pair in zip(there, back, strict=False)]
            both += found
            unsure += found if _order_matters(there, back, values) else []
            rest += [*there[len(found) :], *back[len(found) :]]
        left = sorted(rest)
    loops = [(arc, arc) for arc, (tail, head) in enumerate(ends) if tail == head]
    return Pairs(sorted(both), loops, left, sorted(unsure))


def _order_matters(there: Sequence[int], back: Sequence[int], values: Sequence[Hashable]) -> bool:
    """Return whether other pairs of these arcs would be other links."""
    several = [len({values[arc] for arc in arcs}) > 1 for arcs in (there, back)]
    return all(several) or (len(there) != len(back) and any(several))


def named_once(ends: Ends, names: Sequence[Hashable | None]) -> list[Hashable | None]:
    """Return the names that tell arcs with the same ends apart; None in place of the others."""
    often = Counter((*pair, name) for pair, name in zip(ends, names, strict=True))
    return [
        name if often[(*pair, name)] == 1 else None for pair, name in zip(ends, names, strict=True)
    ]


def not_counted(ends: Ends, names: Sequence[Hashable | None]) -> list[Hashable | None]:
    """Return names without those that count the parallel arcs of one direction: 0, 1, 2...

    NetworkX gives such keys in the order of the edges, so that they say no more than the order.
    """
    found: dict[Hashable, set[str]] = {}
    for pair, name in zip(ends, names, strict=True):
        found.setdefault(pair, set()).add(str(name))
    counts = {pair for pair, of in found.items() if of == {str(i) for i in range(len(of))}}
    return [None if pair in counts else name for pair, name in zip(ends, names, strict=True)]
